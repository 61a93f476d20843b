/* See bench_cohort.h. */
#include "bench/bench_cohort.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what)
{
    fprintf(stderr, "benchmark: %s: %s\n", what, strerror(errno));
    exit(1);
}

char *cohort_path(const cohort *c, const char *name, char *out, size_t room)
{
    snprintf(out, room, "%s/%s", c->dir, name);
    return out;
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

static FILE *create(const cohort *s, const char *name)
{
    char path[700];
    FILE *f = fopen(cohort_path(s, name, path, sizeof path), "wb");
    if (!f)
        die(path);
    return f;
}

static void simulate(const cohort *s)
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

void cohort_make(cohort *c, const char *base)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(c->dir, sizeof c->dir, "%s/hel_bench_XXXXXX", base ? base : tmp ? tmp : "/tmp");
    if (!mkdtemp(c->dir))
        die(c->dir);
    simulate(c);
}

void cohort_remove(const cohort *c)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", c->dir);
    if (system(command) != 0)
        fprintf(stderr, "benchmark: %s could not be removed\n", c->dir);
}
