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
#include "heloci/heloci.h"

#define ROUNDS_MAX 100

struct setup {
    uint32_t samples, variants, covariates, threads, rounds, missing; /* missing: per mille */
    char dir[512], path[16][640];
    hel_scan_stats *stats; /* shared with the children */
};

struct usage {
    double wall, cpu, rss; /* seconds, seconds, bytes */
};

typedef hel_status (*stage_fn)(hel_engine *engine, const struct setup *s);

static void die(const char *what)
{
    fprintf(stderr, "b_gwas: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double normal(uint64_t *state)
{
    double u = ((double)(next(state) >> 11) + 1) * 0x1p-53,
           v = (double)(next(state) >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static FILE *create(const struct setup *s, const char *name)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    FILE *f = fopen(path, "wb");
    if (!f)
        die(path);
    return f;
}

/* Independent variants, frequencies uniform in 0.01 to 0.99; calls missing at random (per mille).
 */
static void simulate(const struct setup *s)
{
    FILE *bed = create(s, "c.bed"), *bim = create(s, "c.bim"), *fam = create(s, "c.fam");
    FILE *pheno = create(s, "c.pheno"), *covar = create(s, "c.covar");
    uint64_t state = 88172645463325252u;
    size_t bytes = (s->samples + 3) / 4;
    uint8_t *row = malloc(bytes);
    if (!row)
        die("memory");
    fwrite("\x6c\x1b\x01", 1, 3, bed);
    for (uint32_t j = 0; j < s->variants; j++) {
        static const uint8_t code[3] = {3, 2, 0};
        uint32_t limit =
            (uint32_t)((0.01 + 0.98 * (double)(next(&state) >> 11) * 0x1p-53) * 4294967295.0);
        memset(row, 0, bytes);
        for (uint32_t i = 0; i < s->samples; i++) {
            uint64_t r = next(&state);
            int g = ((uint32_t)r < limit) + ((uint32_t)(r >> 32) < limit);
            int lost = next(&state) % 1000 < s->missing;
            row[i / 4] |= (uint8_t)((lost ? 1 : code[g]) << 2 * (i % 4));
        }
        fwrite(row, 1, bytes, bed);
        fprintf(bim, "%u\tv%u\t0\t%u\tA\tG\n",
                1 + j * 22ull / s->variants > 22 ? 22 : (unsigned)(1 + j * 22ull / s->variants), j,
                1000 + j);
    }
    fprintf(pheno, "#FID\tIID\tY\n");
    fprintf(covar, "#FID\tIID");
    for (uint32_t k = 0; k < s->covariates; k++)
        fprintf(covar, "\tC%u", k + 1);
    fprintf(covar, "\n");
    for (uint32_t i = 0; i < s->samples; i++) {
        fprintf(fam, "f%u\ti%u\t0\t0\t%u\t-9\n", i, i, 1 + i % 2);
        fprintf(pheno, "f%u\ti%u\t%.9g\n", i, i, normal(&state));
        fprintf(covar, "f%u\ti%u", i, i);
        for (uint32_t k = 0; k < s->covariates; k++)
            fprintf(covar, "\t%.9g", normal(&state));
        fprintf(covar, "\n");
    }
    free(row);
    if (fclose(bed) | fclose(bim) | fclose(fam) | fclose(pheno) | fclose(covar))
        die("writing the cohort");
}

/* ---- stages ---- */

static hel_status keygen(hel_engine *engine, const struct setup *s)
{
    hel_keygen_config c = HEL_KEYGEN_CONFIG_INIT;
    c.out = s->path[0];
    c.overwrite = 1;
    return hel_keygen(engine, &c);
}

static hel_status encrypt(hel_engine *engine, const struct setup *s)
{
    hel_encrypt_config c = HEL_ENCRYPT_CONFIG_INIT;
    c.bfile = s->path[1];
    c.key = s->path[2];
    c.out = s->path[0];
    return hel_encrypt(engine, &c);
}

static hel_status null_model(hel_engine *engine, const struct setup *s)
{
    hel_null_config c = HEL_NULL_CONFIG_INIT;
    c.data = s->path[3];
    c.key = s->path[2];
    c.out = s->path[0];
    c.pheno = s->path[4];
    c.covar = s->covariates ? s->path[5] : NULL;
    return hel_null(engine, &c);
}

static hel_status scan(hel_engine *engine, const struct setup *s)
{
    hel_scan_config c = HEL_SCAN_CONFIG_INIT;
    c.geno = s->path[6];
    c.weights = s->path[7];
    c.evk = s->path[8];
    c.out = s->path[0];
    return hel_scan(engine, &c, s->stats);
}

static hel_status decrypt(hel_engine *engine, const struct setup *s)
{
    hel_decrypt_config c = HEL_DECRYPT_CONFIG_INIT;
    c.sums = s->path[9];
    c.data = s->path[3];
    c.model = s->path[10];
    c.key = s->path[2];
    c.out = s->path[0];
    return hel_decrypt(engine, &c);
}

static struct usage wait_for(pid_t child, double start)
{
    int code;
    struct rusage u;
    if (wait4(child, &code, 0, &u) != child || !WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        fprintf(stderr, "b_gwas: a stage failed\n");
        exit(1);
    }
    return (struct usage){now() - start,
                          (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                              1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
                          (double)u.ru_maxrss * 1024};
}

static struct usage run_stage(const struct setup *s, stage_fn fn)
{
    fflush(NULL);
    double start = now();
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        hel_engine *engine;
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        config.threads = s->threads;
        hel_status status = hel_engine_create(&engine, &config);
        if (status == HEL_OK)
            status = fn(engine, s);
        if (status != HEL_OK)
            fprintf(stderr, "b_gwas: %s\n", hel_engine_error(engine));
        _exit(status != HEL_OK);
    }
    return wait_for(child, start);
}

static int run_plink2(const struct setup *s, struct usage *out)
{
    if (system("command -v plink2 > /dev/null 2>&1") != 0)
        return 0;
    char threads[16];
    snprintf(threads, sizeof threads, "%u", s->threads);
    fflush(NULL);
    double start = now();
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        if (s->covariates)
            execlp("plink2", "plink2", "--bfile", s->path[1], "--pheno", s->path[4], "--covar",
                   s->path[5], "--glm", "omit-ref", "hide-covar", "--threads", threads, "--out",
                   s->path[11], (char *)NULL);
        else
            execlp("plink2", "plink2", "--bfile", s->path[1], "--pheno", s->path[4], "--glm",
                   "omit-ref", "allow-no-covars", "--threads", threads, "--out", s->path[11],
                   (char *)NULL);
        _exit(127);
    }
    *out = wait_for(child, start);
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
        double start = now();
        memcpy(b, a, bytes);
        bench_use(b);
        double rate = 2 * (double)bytes / (now() - start);
        best = rate > best ? rate : best;
    }
    free(a);
    free(b);
    return best;
}

static double record(const struct setup *s, const char *name, const struct usage *u, double plink2)
{
    double real[ROUNDS_MAX], cpu[ROUNDS_MAX], rss = 0;
    const double genotypes = (double)s->samples * s->variants;
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
             "%u samples x %u variants, %u covariates, %g %% missing, %u threads", s->samples,
             s->variants, s->covariates, s->missing / 10.0, s->threads);
    bench_context("cohort", text);
}

/* Writes and removes as many bytes as the ciphertexts have: memory that a virtual machine has not
 * been given yet costs some 2 ns a byte at its first touch, whoever touches it. Returns the CPU
 * seconds of a second, warm writing: what the kernel asks for such a file. */
static double warm_page_cache(const struct setup *s)
{
    const size_t piece = (size_t)16 << 20;
    const double bytes = 24.0 * s->samples * ((s->variants + 8191) / 8192) * 8192;
    char *data = malloc(piece), path[700];
    struct rusage before, after;
    if (!data)
        die("memory");
    memset(data, 7, piece);
    snprintf(path, sizeof path, "%s/warm", s->dir);
    unlink(s->path[6]);
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
        stage_fn fn;
    } stages[] = {{"gwas/keygen", keygen},
                  {"gwas/encrypt", encrypt},
                  {"gwas/null", null_model},
                  {"gwas/scan", scan},
                  {"gwas/decrypt", decrypt}};
    static struct usage use[5][ROUNDS_MAX], plink2[ROUNDS_MAX], total[ROUNDS_MAX];
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
    const double genotypes = (double)s->samples * s->variants;
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
        return &s->samples;
    if (strcmp(name, "--variants") == 0)
        return &s->variants;
    if (strcmp(name, "--covariates") == 0)
        return &s->covariates;
    if (strcmp(name, "--missing") == 0)
        return &s->missing;
    if (strcmp(name, "--threads") == 0)
        return &s->threads;
    return strcmp(name, "--rounds") == 0 ? &s->rounds : NULL;
}

int main(int argc, char **argv)
{
    struct setup s = {2000, 100000, 10, 1, 3, 10, "", {""}, NULL};
    const char *base = getenv("TMPDIR"),
               *names[12] = {"h",      "c",         "h.key", "h.private", "c.pheno", "c.covar",
                             "h.geno", "h.weights", "h.evk", "h.sums",    "h.model", "p"};
    char *rest[32] = {argv[0]}, command[600];
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
    if (s.samples < 4 || s.variants < 1 || s.rounds < 1 || s.rounds > ROUNDS_MAX)
        return fprintf(stderr, "b_gwas: an option is out of its range\n"), 64;
    bench_begin(kept, rest, "b_gwas");
    context(&s);
    snprintf(s.dir, sizeof s.dir, "%s/hel_bench_XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(s.dir))
        die(s.dir);
    for (int i = 0; i < 12; i++)
        snprintf(s.path[i], sizeof s.path[i], "%s/%s", s.dir, names[i]);
    s.stats =
        mmap(NULL, sizeof *s.stats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.stats == MAP_FAILED)
        die("mmap");
    simulate(&s);
    measure(&s);
    snprintf(command, sizeof command, "rm -rf '%s'", s.dir);
    if (system(command) != 0)
        fprintf(stderr, "b_gwas: %s could not be removed\n", s.dir);
    return bench_end();
}
