/*
 * The main job end to end, CPU seconds per stage, beside plink2 --glm on the same simulated cohort
 * in the same run. Every stage runs in a process of its own, so that CPU time and peak memory are
 * the operating system's figures for that stage.
 *
 *   b_gwas [--samples 2000] [--variants 100000] [--covariates 10] [--missing 10 (per mille)]
 *          [--threads 1] [--rounds 3] [--dir FOLDER] [options of bench.h]
 *
 * Prediction per genotype (two planes, 12 columns, one AVX-512 core at about 4 GHz):
 *   encrypt  6 limb-NTTs 4.4 ns, 24 bytes of uniform and 16 of error stream 9 ns, write 6 ns
 *   scan     24 bytes of uniform 6 ns, 13 column-planes x 3 limbs 6 ns, read and checksum 4 ns
 *   expand   30 limb-NTTs a weight, 12 weights a sample: 0.2 ms x 12 / variants
 * Disk: 24 bytes per genotype, variants rounded up to blocks of 8,192.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/child.h"
#include "bench/bench_cohort.h"
#include "bench/steps.h"
#include "heloci/heloci.h"

#define ROUNDS_MAX 100

enum { NAMES = 5 };

struct setup {
    cohort cohort;
    uint32_t threads, rounds;
    char path[NAMES][640]; /* fileset, phenotype, covariates, ciphertexts, plink2's output */
    hel_scan_stats *stats; /* shared with the children */
};

static struct setup *current; /* whose scan reports its figures */

static void die(const char *what)
{
    fprintf(stderr, "b_gwas: %s: %s\n", what, strerror(errno));
    exit(1);
}

static hel_status scan(hel_engine *engine, const cohort *c)
{
    return steps_scan(engine, c, current->stats);
}

static hel_status with_engine(const struct setup *s, steps_fn fn)
{
    hel_engine *engine;
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = s->threads;
    hel_status status = hel_engine_create(&engine, &config);
    if (status == HEL_OK)
        status = fn(engine, &s->cohort);
    if (status != HEL_OK)
        fprintf(stderr, "b_gwas: %s\n", hel_engine_error(engine));
    return status;
}

struct stage {
    const struct setup *s;
    steps_fn fn;
};

static int stage_body(void *arg)
{
    const struct stage *x = arg;
    return with_engine(x->s, x->fn) != HEL_OK;
}

static child_usage run_stage(const struct setup *s, steps_fn fn)
{
    struct stage stage = {s, fn};
    return child_run(stage_body, &stage);
}

static int run_plink2(const struct setup *s, child_usage *out)
{
    if (system("command -v plink2 > /dev/null 2>&1") != 0)
        return 0;
    char threads[16];
    snprintf(threads, sizeof threads, "%u", s->threads);
    const char *with[] = {"plink2",    "--bfile",  s->path[0], "--pheno",  s->path[1],
                          "--covar",   s->path[2], "--glm",    "omit-ref", "hide-covar",
                          "--threads", threads,    "--out",    s->path[4], NULL};
    const char *without[] = {
        "plink2",          "--bfile",   s->path[0], "--pheno", s->path[1], "--glm", "omit-ref",
        "allow-no-covars", "--threads", threads,    "--out",   s->path[4], NULL};
    *out = child_exec(s->cohort.covariates ? with : without);
    return 1;
}

/* Bytes per second of a large copy (read + written), for comparison with the streams of a scan. */
static double copy_rate(void)
{
    const size_t bytes = (size_t)256 << 20;
    char *a = malloc(bytes), *b = malloc(bytes);
    double best = 0;
    if (!a || !b)
        die("memory");
    memset(a, 1, bytes);
    memset(b, 2, bytes);
    for (int i = 0; i < 5; i++) {
        double start = child_now();
        memcpy(b, a, bytes);
        bench_use(b);
        double rate = 2 * (double)bytes / (child_now() - start);
        best = rate > best ? rate : best;
    }
    free(a);
    free(b);
    return best;
}

static double record(const struct setup *s, const char *name, const child_usage *u, double plink2)
{
    double real[ROUNDS_MAX], cpu[ROUNDS_MAX], rss = 0;
    const double genotypes = (double)s->cohort.samples * s->cohort.variants;
    for (uint32_t i = 0; i < s->rounds; i++) {
        real[i] = u[i].wall * 1e9;
        cpu[i] = u[i].cpu * 1e9;
        rss = u[i].rss > rss ? u[i].rss : rss;
    }
    bench_result r = bench_record(name, real, cpu, s->rounds, (bench_rate){0, genotypes});
    bench_counter("core_seconds_per_million_genotypes", r.cpu_ns / 1e9 / (genotypes / 1e6));
    bench_counter("peak_rss_bytes", rss);
    if (plink2 > 0)
        bench_counter("cpu_ratio_to_plink2", r.cpu_ns / plink2);
    return r.cpu_ns;
}

static void context(const struct setup *s)
{
    char text[160];
    snprintf(text, sizeof text,
             "%u samples x %u variants, %u covariates, %g %% missing, %u threads",
             s->cohort.samples, s->cohort.variants, s->cohort.covariates, s->cohort.missing / 10.0,
             s->threads);
    bench_context("cohort", text);
}

/* Writes and removes as many bytes as the ciphertexts have: memory that a virtual machine has not
 * been given yet costs some 2 ns a byte at its first touch, whoever touches it. Returns the CPU
 * seconds of a second, warm writing: what the kernel asks for such a file. */
static double warm_page_cache(const struct setup *s)
{
    const size_t piece = (size_t)16 << 20;
    const double bytes = 24.0 * s->cohort.samples * ((s->cohort.variants + 8191) / 8192) * 8192;
    char *data = malloc(piece), path[700];
    struct rusage before, after;
    if (!data)
        die("memory");
    memset(data, 7, piece);
    snprintf(path, sizeof path, "%s/warm", s->cohort.dir);
    unlink(s->path[3]);
    for (int pass = 0; pass < 2; pass++) {
        getrusage(RUSAGE_SELF, &before);
        FILE *f = fopen(path, "wb");
        if (!f)
            die(path);
        setbuf(f, NULL);
        for (double at = 0; at < bytes; at += (double)piece)
            if (fwrite(data, 1, piece, f) != piece)
                die(path);
        fclose(f);
        getrusage(RUSAGE_SELF, &after);
        unlink(path);
    }
    free(data);
    return (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
           1e-6 * (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
}

static void measure(const struct setup *s)
{
    static const struct {
        const char *name;
        steps_fn fn;
    } stages[] = {{"gwas/keygen", steps_keygen},
                  {"gwas/encrypt", steps_encrypt},
                  {"gwas/null", steps_null},
                  {"gwas/scan", scan},
                  {"gwas/decrypt", steps_decrypt}};
    static child_usage use[5][ROUNDS_MAX], plink2[ROUNDS_MAX], total[ROUNDS_MAX];
    double expand[ROUNDS_MAX], mac[ROUNDS_MAX], wall[ROUNDS_MAX] = {0}, baseline = 0;
    double write[ROUNDS_MAX];
    int rival = 1;
    for (uint32_t round = 0; round < s->rounds; round++) {
        rival = rival && run_plink2(s, &plink2[round]);
        write[round] = warm_page_cache(s) * 1e9;
        for (int i = 0; i < 5; i++) {
            use[i][round] = run_stage(s, stages[i].fn);
            if (i > 0) { /* a key is made once for many scans */
                total[round].cpu += use[i][round].cpu;
                total[round].wall += use[i][round].wall;
                total[round].rss = fmax(total[round].rss, use[i][round].rss);
            }
        }
        expand[round] = s->stats->cpu_expand * 1e9;
        mac[round] = s->stats->cpu_scan * 1e9;
    }
    const double genotypes = (double)s->cohort.samples * s->cohort.variants;
    if (rival)
        baseline = record(s, "plink2/glm", plink2, 0);
    for (int i = 0; i < 5; i++)
        record(s, stages[i].name, use[i], baseline);
    bench_record("kernel/write", memcpy(wall, write, sizeof wall), write, s->rounds,
                 (bench_rate){0, genotypes});
    bench_counter("core_seconds_per_million_genotypes",
                  write[s->rounds / 2] / 1e9 / (genotypes / 1e6));
    bench_record("gwas/scan/expand", memcpy(wall, expand, sizeof wall), expand, s->rounds,
                 (bench_rate){0, (double)s->stats->key_switches});
    bench_counter("key_switches", (double)s->stats->key_switches);
    bench_record("gwas/scan/accumulate", memcpy(wall, mac, sizeof wall), mac, s->rounds,
                 (bench_rate){0, genotypes});
    bench_counter("core_seconds_per_million_genotypes",
                  mac[s->rounds / 2] / 1e9 / (genotypes / 1e6));
    const double copy = copy_rate(), cipher = 24 * genotypes / (mac[s->rounds / 2] / 1e9);
    bench_counter("ciphertext_bytes_per_second", cipher); /* half read, half made from the seed */
    bench_counter("ratio_to_copy", cipher / copy);
    double cpu = record(s, "gwas/total", total, baseline);
    if (rival)
        fprintf(stderr, "heloci / plink2, CPU: %.3f\n", cpu / baseline);
}

static uint32_t *option(struct setup *s, const char *name)
{
    if (strcmp(name, "--samples") == 0)
        return &s->cohort.samples;
    if (strcmp(name, "--variants") == 0)
        return &s->cohort.variants;
    if (strcmp(name, "--covariates") == 0)
        return &s->cohort.covariates;
    if (strcmp(name, "--missing") == 0)
        return &s->cohort.missing;
    if (strcmp(name, "--threads") == 0)
        return &s->threads;
    return strcmp(name, "--rounds") == 0 ? &s->rounds : NULL;
}

int main(int argc, char **argv)
{
    struct setup s = {
        .cohort = {.samples = 2000, .variants = 100000, .covariates = 10, .missing = 10},
        .threads = 1,
        .rounds = 3};
    const char *base = NULL, *names[NAMES] = {"c", "c.pheno", "c.covar", "h.geno", "p"};
    char *rest[32] = {argv[0]};
    int kept = 1;
    for (int i = 1; i < argc && kept < 31; i++) {
        uint32_t *number = i + 1 < argc ? option(&s, argv[i]) : NULL;
        if (number)
            *number = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--dir") == 0)
            base = argv[++i];
        else
            rest[kept++] = argv[i];
    }
    if (s.cohort.samples < 4 || s.cohort.variants < 1 || s.rounds < 1 || s.rounds > ROUNDS_MAX)
        return fprintf(stderr, "b_gwas: an option is out of its range\n"), 64;
    bench_begin(kept, rest, "b_gwas");
    context(&s);
    s.stats =
        mmap(NULL, sizeof *s.stats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.stats == MAP_FAILED)
        die("mmap");
    current = &s;
    cohort_make(&s.cohort, base);
    for (int i = 0; i < NAMES; i++)
        cohort_path(&s.cohort, names[i], s.path[i], sizeof s.path[i]);
    measure(&s);
    cohort_remove(&s.cohort);
    return bench_end();
}
