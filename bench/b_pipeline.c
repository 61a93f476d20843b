/*
 * The scan as a pipeline, on the CPU: against its arithmetic alone (rows in memory, nothing read or
 * checked), on one processor and on two, and against the model's forecast at several sizes. Every
 * run is a process of its own, bound to as many processors as it has threads; runs alternate, so
 * that a machine whose speed drifts misleads no comparison. Genotypes are in the page cache.
 *
 *   b_pipeline [--samples 4096] [--variants 65536] [--covariates 10] [--rounds 5] [--dir FOLDER]
 *              [options of bench.h]
 *
 * Prediction, one AVX2 core: 24 bytes of a genotype are read at 9 and checked at 25 GB/s or more,
 * so 3.6 ns of some 65; on AVX-512, 3 of some 20, and more than a tenth.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/child.h"
#include "bench/bench_cohort.h"
#include "bench/steps.h"
#include "host/assoc/scan_private.h"

#define ROUNDS_MAX 50
#define SIZES      3

/* One kind of run. */
typedef struct variant {
    const char *name;
    uint32_t threads;
    int resident, explain;
} variant;

typedef struct run {
    const cohort *c;
    const variant *v;
    hel_scan_stats *stats; /* shared with the child */
} run;

typedef struct outcome {
    double wall[ROUNDS_MAX], cpu[ROUNDS_MAX], rss;
    hel_scan_stats stats; /* of the last round */
    double forecast[ROUNDS_MAX], after[ROUNDS_MAX];
} outcome;

/* As many processors of this process' as there are threads. */
static void bind_to(uint32_t threads)
{
    cpu_set_t all, some;
    uint32_t count = 0;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    CPU_ZERO(&some);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && count < threads; cpu++)
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &some);
            count++;
        }
    if (sched_setaffinity(0, sizeof some, &some) != 0)
        fprintf(stderr, "b_pipeline: %s\n", strerror(errno));
}

static int ignore(void *arg, const char *text)
{
    (void)arg;
    (void)text;
    return 0;
}

static int body(void *arg)
{
    const run *r = arg;
    hel_engine *engine;
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    steps_scan_files files;
    hel_scan_config scan = steps_scan_config(r->c, &files);
    bind_to(r->v->threads);
    config.threads = r->v->threads;
    scan.io = HEL_IO_BUFFERED;
    scan.checkpoint = -1;
    if (r->v->explain)
        scan.plan = ignore;
    hel_status status = hel_engine_create(&engine, &config);
    if (status == HEL_OK)
        status = hel_scan_hooked(engine, &scan, r->v->resident, r->stats);
    if (status != HEL_OK)
        fprintf(stderr, "b_pipeline: %s\n", hel_engine_error(engine));
    return status != HEL_OK;
}

static int prepare(void *arg)
{
    static const steps_fn steps[] = {steps_keygen, steps_encrypt, steps_null};
    hel_engine *engine;
    hel_status status = hel_engine_create(&engine, NULL);
    for (int i = 0; i < 3 && status == HEL_OK; i++)
        status = steps[i](engine, arg);
    if (status != HEL_OK)
        fprintf(stderr, "b_pipeline: %s\n", hel_engine_error(engine));
    return status != HEL_OK;
}

/* Encrypted, and in the page cache. */
static void make(cohort *c, const char *base)
{
    char path[640], *piece = malloc(1 << 20);
    cohort_make(c, base);
    (void)child_run(prepare, c);
    FILE *f = fopen(cohort_path(c, "h.geno", path, sizeof path), "rb");
    while (f && piece && fread(piece, 1, 1 << 20, f) > 0)
        continue;
    if (f)
        fclose(f);
    free(piece);
}

static void measure(const cohort *c, const variant *v, uint32_t count, uint32_t rounds,
                    outcome *out, hel_scan_stats *shared)
{
    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t k = 0; k < count; k++) {
            run r = {c, &v[k], shared};
            const child_usage u = child_run(body, &r);
            out[k].wall[round] = shared->wall;
            out[k].cpu[round] = u.cpu;
            out[k].rss = fmax(out[k].rss, u.rss);
            out[k].stats = *shared;
            out[k].forecast[round] = shared->forecast;
            out[k].after[round] = shared->wall - shared->forecast_from;
        }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(const double *values, uint32_t count)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, ascending);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* Median of pairwise quotients. */
static double ratio(const double *a, const double *b, uint32_t count)
{
    double q[ROUNDS_MAX];
    for (uint32_t i = 0; i < count; i++)
        q[i] = a[i] / b[i];
    return median(q, count);
}

static void record(const char *name, const outcome *o, uint32_t rounds)
{
    double real[ROUNDS_MAX], cpu[ROUNDS_MAX];
    const double genotypes = (double)o->stats.genotypes;
    for (uint32_t i = 0; i < rounds; i++) {
        real[i] = 1e9 * o->wall[i];
        cpu[i] = 1e9 * o->cpu[i];
    }
    bench_record(name, real, cpu, rounds, (bench_rate){24 * genotypes, genotypes});
    bench_counter("peak_rss_bytes", o->rss);
    for (uint32_t i = 0; i < o->stats.stages; i++) {
        const hel_scan_stage *s = &o->stats.stage[i];
        char key[64];
        if (!s->workers)
            continue;
        snprintf(key, sizeof key, "utilisation/%s", s->name);
        bench_counter(key, s->busy / (s->workers * o->stats.wall));
        snprintf(key, sizeof key, "busy_seconds/%s", s->name);
        bench_counter(key, s->busy);
    }
}

static void pipeline(const cohort *c, uint32_t rounds, hel_scan_stats *shared)
{
    static const variant v[] = {{"pipeline/1", 1, 0, 0},
                                {"arithmetic/1", 1, 1, 0},
                                {"pipeline/2", 2, 0, 0},
                                {"arithmetic/2", 2, 1, 0}};
    static outcome o[4];
    measure(c, v, 4, rounds, o, shared);
    for (int k = 0; k < 4; k++) {
        record(v[k].name, &o[k], rounds);
        if (k % 2 == 0) /* rates: more is better */
            bench_counter("rate_to_arithmetic", ratio(o[k + 1].wall, o[k].wall, rounds));
        if (k >= 2)
            bench_counter("speedup_of_two_threads", ratio(o[k - 2].wall, o[k].wall, rounds));
    }
    fprintf(stderr, "pipeline / arithmetic: %.3f with 1 thread, %.3f with 2; two threads: %.2f\n",
            ratio(o[1].wall, o[0].wall, rounds), ratio(o[3].wall, o[2].wall, rounds),
            ratio(o[0].wall, o[2].wall, rounds));
}

/* Sizes that differ in samples, variants and columns. */
static void forecasts(const cohort *base, const char *dir, uint32_t rounds, hel_scan_stats *shared)
{
    static const variant v = {"forecast", 2, 0, 1};
    for (uint32_t i = 0; i < SIZES; i++) {
        static outcome o;
        cohort c = *base;
        char name[64];
        c.samples = i == 0 ? base->samples / 4 : i == 1 ? base->samples / 2 : base->samples;
        c.variants = i == 1 ? base->variants * 2 : base->variants / (i == 0 ? 2 : 1);
        c.covariates = base->covariates * (i + 1) / 2;
        make(&c, dir);
        memset(&o, 0, sizeof o);
        measure(&c, &v, 1, rounds, &o, shared);
        cohort_remove(&c);
        snprintf(name, sizeof name, "forecast/%ux%u", c.samples, c.variants);
        record(name, &o, rounds);
        bench_counter("forecast_seconds", median(o.forecast, rounds));
        bench_counter("measured_seconds", median(o.after, rounds));
        bench_counter("forecast_to_measured", ratio(o.forecast, o.after, rounds));
        fprintf(stderr, "%s: forecast %.2f s, measured %.2f s, ratio %.3f\n", name,
                median(o.forecast, rounds), median(o.after, rounds),
                ratio(o.forecast, o.after, rounds));
    }
}

static uint32_t *option(cohort *c, uint32_t *rounds, const char *name)
{
    if (strcmp(name, "--samples") == 0)
        return &c->samples;
    if (strcmp(name, "--variants") == 0)
        return &c->variants;
    if (strcmp(name, "--covariates") == 0)
        return &c->covariates;
    return strcmp(name, "--rounds") == 0 ? rounds : NULL;
}

int main(int argc, char **argv)
{
    cohort c = {.samples = 4096, .variants = 65536, .covariates = 10};
    uint32_t rounds = 5;
    const char *dir = NULL;
    char *rest[32] = {argv[0]}, text[160];
    int kept = 1;
    for (int i = 1; i < argc && kept < 31; i++) {
        uint32_t *number = i + 1 < argc ? option(&c, &rounds, argv[i]) : NULL;
        if (number)
            *number = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--dir") == 0)
            dir = argv[++i];
        else
            rest[kept++] = argv[i];
    }
    if (c.samples < 64 || c.variants < 1024 || rounds < 1 || rounds > ROUNDS_MAX)
        return fprintf(stderr, "b_pipeline: an option is out of its range\n"), 64;
    bench_begin(kept, rest, "b_pipeline");
    snprintf(text, sizeof text, "%u samples x %u variants, %u covariates", c.samples, c.variants,
             c.covariates);
    bench_context("cohort", text);
    hel_scan_stats *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 71;
    if (bench_wanted("pipeline/1")) {
        make(&c, dir);
        pipeline(&c, rounds, shared);
        cohort_remove(&c);
    }
    if (bench_wanted("forecast/"))
        forecasts(&c, dir, rounds, shared);
    return bench_end();
}
