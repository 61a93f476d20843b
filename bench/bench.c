/* Timing, statistics and JSON for the benchmarks: see bench.h. A program's own code: it may print.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "heloci/version.h"
#include "host/base/cpu.h"

#define REPETITIONS_MAX 1000

/* The only state of a benchmark program. */
static struct {
    const char *program, *filter, *preset;
    FILE *out;
    double min_time;
    size_t repetitions;
    int list, in_list, in_entry, entries;
} bench = {.min_time = 0.05, .repetitions = 9};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void usage(const char *option)
{
    fprintf(stderr,
            "%s: %s\nusage: %s [--out FILE] [--filter TEXT,...] [--preset TEXT,...] "
            "[--min-time SECONDS] [--repetitions N] [--list]\n",
            bench.program, option, bench.program);
    exit(64);
}

static void print_string(const char *text)
{
    fputc('"', bench.out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', bench.out);
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, bench.out);
    }
    fputc('"', bench.out);
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--list") == 0) {
            bench.list = 1;
            continue;
        }
        if (i + 1 == argc)
            usage(name);
        const char *value = argv[++i];
        if (strcmp(name, "--out") == 0) {
            bench.out = fopen(value, "w");
            if (!bench.out)
                usage(value);
        } else if (strcmp(name, "--filter") == 0) {
            bench.filter = value;
        } else if (strcmp(name, "--preset") == 0) {
            bench.preset = value;
        } else if (strcmp(name, "--min-time") == 0) {
            bench.min_time = strtod(value, NULL);
        } else if (strcmp(name, "--repetitions") == 0) {
            bench.repetitions = (size_t)strtoul(value, NULL, 10);
        } else {
            usage(name);
        }
    }
    if (bench.min_time <= 0 || bench.repetitions < 1 || bench.repetitions > REPETITIONS_MAX)
        usage("--min-time and --repetitions must be positive, repetitions at most 1000");
}

void bench_begin(int argc, char **argv, const char *program)
{
    bench_begin_as(argc, argv, program, "heloci", hel_version());
}

void bench_begin_as(int argc, char **argv, const char *program, const char *library,
                    const char *version)
{
    static const char *const names[] = {"auto", "portable", "avx2", "avx512"};
    char date[32];
    time_t now = time(NULL);
    struct tm tm;
    bench.program = program;
    bench.out = stdout;
    read_options(argc, argv);
    if (bench.list)
        return;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
    fprintf(bench.out, "{\n  \"context\": {\n    \"date\": \"%s\",\n", date);
    fprintf(bench.out, "    \"executable\": \"%s\",\n", program);
    fprintf(bench.out, "    \"num_cpus\": %ld,\n", sysconf(_SC_NPROCESSORS_ONLN));
    fprintf(bench.out, "    \"simd\": \"%s\",\n", names[hel_cpu_best()]);
    fprintf(bench.out, "    \"library\": ");
    print_string(library);
    fprintf(bench.out, ",\n    \"library_version\": ");
    print_string(version);
    fprintf(bench.out, ",\n    \"compiler\": ");
#if defined(__clang__)
    print_string("clang " __clang_version__);
#else
    print_string("gcc " __VERSION__);
#endif
}

void bench_context(const char *key, const char *value)
{
    if (bench.list || bench.in_list)
        return;
    fprintf(bench.out, ",\n    ");
    print_string(key);
    fprintf(bench.out, ": ");
    print_string(value);
}

/* One of the comma-separated texts of `list` is part of `name`. */
static int holds_any(const char *name, const char *list)
{
    while (*list) {
        const size_t length = strcspn(list, ",");
        for (const char *at = name; length > 0 && *at; at++)
            if (strncmp(at, list, length) == 0)
                return 1;
        list += length + (list[length] == ',');
    }
    return 0;
}

int bench_wanted(const char *name)
{
    return !bench.filter || holds_any(name, bench.filter);
}

int bench_wanted_preset(const char *name)
{
    return !bench.preset || holds_any(name, bench.preset);
}

int bench_listing(void)
{
    return bench.list;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Iterations that take at least min_time / 2: grown while warming up. */
static size_t calibrate(bench_fn fn, void *arg)
{
    for (size_t iterations = 1;;) {
        double start = seconds(CLOCK_MONOTONIC);
        fn(arg, iterations);
        double took = seconds(CLOCK_MONOTONIC) - start;
        if (took >= bench.min_time / 2)
            return (size_t)((double)iterations * bench.min_time / took) + 1;
        double grow = took > 0 ? bench.min_time / took : 16;
        iterations = (size_t)((double)iterations * (grow < 1.5 ? 1.5 : grow > 16 ? 16 : grow)) + 1;
    }
}

static void print_entry(const char *name, size_t iterations, bench_rate rate, bench_result r)
{
    if (!bench.in_list)
        fprintf(bench.out, "\n  },\n  \"benchmarks\": [");
    fprintf(bench.out, "%s\n    {\n      \"name\": ", bench.entries++ ? "\n    }," : "");
    bench.in_list = bench.in_entry = 1;
    print_string(name);
    fprintf(bench.out, ",\n      \"run_type\": \"iteration\",\n      \"repetitions\": %zu,\n",
            bench.repetitions);
    fprintf(bench.out, "      \"iterations\": %zu,\n      \"min_time\": %g,\n", iterations,
            bench.min_time);
    fprintf(bench.out, "      \"real_time\": %.6g,\n      \"cpu_time\": %.6g,\n", r.best_ns,
            r.cpu_ns);
    fprintf(bench.out, "      \"time_unit\": \"ns\"");
    bench_counter("median_time", r.median_ns);
    if (rate.bytes > 0)
        bench_counter("bytes_per_second", rate.bytes / r.best_ns * 1e9);
    if (rate.items > 0) {
        bench_counter("items_per_second", rate.items / r.best_ns * 1e9);
        bench_counter("ns_per_item", r.best_ns / rate.items);
    }
}

bench_result bench_run(const char *name, bench_fn fn, void *arg, bench_rate rate)
{
    double real[REPETITIONS_MAX], cpu[REPETITIONS_MAX];
    bench_result r = {0, 0, 0};
    bench.in_entry = 0;
    if (!bench_wanted(name))
        return r;
    if (bench.list) {
        fprintf(bench.out, "%s\n", name);
        return r;
    }
    const size_t iterations = calibrate(fn, arg);
    for (size_t i = 0; i < bench.repetitions; i++) {
        double wall = seconds(CLOCK_MONOTONIC), own = seconds(CLOCK_THREAD_CPUTIME_ID);
        fn(arg, iterations);
        cpu[i] = (seconds(CLOCK_THREAD_CPUTIME_ID) - own) * 1e9 / (double)iterations;
        real[i] = (seconds(CLOCK_MONOTONIC) - wall) * 1e9 / (double)iterations;
    }
    qsort(real, bench.repetitions, sizeof *real, ascending);
    qsort(cpu, bench.repetitions, sizeof *cpu, ascending);
    r = (bench_result){real[0], real[bench.repetitions / 2], cpu[0]};
    print_entry(name, iterations, rate, r);
    fprintf(stderr, "%-44s %12.1f ns  median %12.1f", name, r.best_ns, r.median_ns);
    if (rate.items > 0)
        fprintf(stderr, "  %8.4f ns/item", r.best_ns / rate.items);
    if (rate.bytes > 0)
        fprintf(stderr, "  %7.2f GB/s", rate.bytes / r.best_ns);
    fputc('\n', stderr);
    return r;
}

bench_result bench_record(const char *name, double *real_ns, double *cpu_ns, size_t repetitions,
                          bench_rate rate)
{
    bench_result r = {0, 0, 0};
    bench.in_entry = 0;
    if (bench.list || !bench_wanted(name))
        return r;
    const size_t asked = bench.repetitions;
    qsort(real_ns, repetitions, sizeof *real_ns, ascending);
    qsort(cpu_ns, repetitions, sizeof *cpu_ns, ascending);
    r = (bench_result){real_ns[repetitions / 2], real_ns[repetitions / 2], cpu_ns[repetitions / 2]};
    bench.repetitions = repetitions;
    print_entry(name, 1, rate, r);
    bench.repetitions = asked;
    bench_counter("best_cpu_time", cpu_ns[0]);
    fprintf(stderr, "%-28s wall %9.3f s  cpu %9.3f s\n", name, r.median_ns / 1e9, r.cpu_ns / 1e9);
    return r;
}

void bench_counter(const char *key, double value)
{
    if (!bench.in_entry || !isfinite(value))
        return;
    fprintf(bench.out, ",\n      ");
    print_string(key);
    if (value == floor(value) && fabs(value) < 1e15)
        fprintf(bench.out, ": %.0f", value);
    else
        fprintf(bench.out, ": %.6g", value);
}

void bench_text(const char *key, const char *value)
{
    if (!bench.in_entry)
        return;
    fprintf(bench.out, ",\n      ");
    print_string(key);
    fprintf(bench.out, ": ");
    print_string(value);
}

void bench_describe(const bench_subject *s)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"op", s->op}, {"preset", s->preset}, {"mode", s->mode}};
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"n", s->n},
                   {"log_q", s->log_q},
                   {"log_qp", s->log_qp},
                   {"log_bound", s->log_bound},
                   {"dnum", s->dnum},
                   {"key_switches", s->key_switches},
                   {"limbs", s->limbs},
                   {"word_bits", s->word_bits},
                   {"scale_bits", s->scale_bits},
                   {"precision_bits", s->precision_bits},
                   {"threads", s->threads},
                   {"batch", s->batch},
                   {"operations", s->operations},
                   {"per_bit", s->per_bit},
                   {"ciphertext_bytes", s->ciphertext_bytes},
                   {"key_bytes", s->key_bytes}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value)
            bench_text(texts[i].key, texts[i].value);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value != 0)
            bench_counter(numbers[i].key, numbers[i].value);
}

int bench_end(void)
{
    int bad = 0;
    if (!bench.list) {
        if (!bench.in_list)
            fprintf(bench.out, "\n  },\n  \"benchmarks\": [");
        fprintf(bench.out, "%s\n  ]\n}\n", bench.entries ? "\n    }" : "");
    }
    bad = ferror(bench.out) != 0;
    if (bench.out != stdout)
        bad |= fclose(bench.out) != 0;
    else
        bad |= fflush(bench.out) != 0;
    return bad ? 74 : 0;
}
