/* See bench_simulate.h. Random numbers: xoshiro256** (Blackman and Vigna 2018), a stream of its own
 * for samples and for every variant. */
#include "tools/heloci/bench_simulate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POPULATIONS = 3, RUN = 16, CHROMOSOMES = 22, EXIT_MEMORY = 71, EXIT_WRITE = 74 };

#define SPREAD        0.02   /* F_ST */
#define COPY          0.875  /* of a haplotype, within a run */
#define CASES_FROM    0.5244 /* standard deviations: 30 % */
#define MISSING_PHENO 0.02

typedef struct stream {
    uint64_t s[4];
} stream;

static uint64_t split(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static stream stream_of(uint64_t seed, uint64_t number)
{
    stream r;
    uint64_t x = seed;
    x = split(&x) ^ number * 0xd1342543de82ef95u;
    for (int i = 0; i < 4; i++)
        r.s[i] = split(&x);
    return r;
}

static uint64_t next(stream *r)
{
    uint64_t *s = r->s, x = s[1] * 5, result = (x << 7 | x >> 57) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return result;
}

static double uniform(stream *r)
{
    return (double)(next(r) >> 11) * 0x1p-53;
}

static double normal(stream *r)
{
    const double u = ((double)(next(r) >> 11) + 1) * 0x1p-53, v = uniform(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586477 * v);
}

/* ---- the cohort in memory: samples, not genotypes ---- */

typedef struct cohort {
    const bench_size *size;
    uint64_t seed;
    const char *folder;
    uint8_t *population; /* [samples] */
    double *covariate;   /* [covariates][samples] */
    double *genetic;     /* [traits][samples]: sums of effects */
    uint8_t *haplotypes; /* [samples]: two bits, of the variant before */
    uint8_t *row;        /* of the .bed */
    char *why;
    size_t room;
} cohort;

static int fail(const cohort *c, const char *name, int code)
{
    snprintf(c->why, c->room, "%s/%s: %s", c->folder, name, strerror(errno));
    return code;
}

static uint32_t traits(const bench_size *s)
{
    return s->quantitative + s->binary;
}

static FILE *create(const cohort *c, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    return fopen(path, "wb");
}

static int finish(const cohort *c, const char *name, FILE *f, int rc)
{
    const int bad = ferror(f);
    if (fclose(f) != 0 || bad)
        return rc ? rc : fail(c, name, EXIT_WRITE);
    return rc;
}

static void draw_samples(cohort *c)
{
    const uint32_t n = c->size->samples;
    stream r = stream_of(c->seed, 0);
    for (uint32_t i = 0; i < n; i++) {
        const double u = uniform(&r);
        c->population[i] = (uint8_t)((u >= 0.5) + (u >= 0.8));
    }
    for (uint32_t a = 0; a < c->size->covariates; a++)
        for (uint32_t i = 0; i < n; i++) {
            const uint8_t p = c->population[i];
            double x = normal(&r);
            if (a == 0)
                x = (p == 0) - (p == 1) + 0.3 * x;
            else if (a == 1)
                x = (p == 2) + 0.3 * x;
            else if (a == 2)
                x = floor(40 + 30 * uniform(&r));
            else if (a == 3)
                x = x > 0;
            c->covariate[(size_t)a * n + i] = x;
        }
}

/* ---- genotypes ---- */

/* Frequencies of A1 in the populations; those of a run are equal, so that copies fit. */
static void draw_frequencies(const cohort *c, uint32_t variant, double frequency[POPULATIONS])
{
    stream r = stream_of(c->seed, 1 + 2 * (uint64_t)(variant / RUN));
    double p = uniform(&r) < 0.1 ? 0.002 + 0.008 * uniform(&r) : 0.01 + 0.49 * uniform(&r);
    if (uniform(&r) < 0.2)
        p = 1 - p;
    for (int k = 0; k < POPULATIONS; k++)
        frequency[k] = fmin(fmax(p + sqrt(SPREAD * p * (1 - p)) * normal(&r), 0.0005), 0.9995);
}

/* Calls of a variant into c->row; copies of A1, before some are lost, into `copies`. */
static void draw_variant(cohort *c, uint32_t variant, uint8_t *copies)
{
    static const uint8_t code[3] = {3, 2, 0}; /* 0, 1, 2 copies in a .bed */
    const uint32_t n = c->size->samples, fresh = variant % RUN == 0;
    const uint32_t lost = variant % 2 ? (uint32_t)(c->size->missing * 0x1p32) : 0;
    double frequency[POPULATIONS];
    uint32_t limit[POPULATIONS];
    stream r = stream_of(c->seed, 2 + 2 * (uint64_t)variant);
    draw_frequencies(c, variant, frequency);
    for (int k = 0; k < POPULATIONS; k++)
        limit[k] = (uint32_t)(frequency[k] * 0x1p32);
    memset(c->row, 0, (n + 3) / 4);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t draw = next(&r), also = next(&r);
        const uint32_t bound = limit[c->population[i]];
        const uint32_t drawn = ((uint32_t)draw < bound) | ((uint32_t)(draw >> 32) < bound) << 1;
        const uint32_t keep = fresh ? 0
                                    : (uint32_t)((also & 0xffff) < COPY * 0x1p16) |
                                          (uint32_t)((also >> 16 & 0xffff) < COPY * 0x1p16) << 1;
        const uint32_t now = (c->haplotypes[i] & keep) | (drawn & ~keep);
        c->haplotypes[i] = (uint8_t)now;
        copies[i] = (uint8_t)((now & 1) + (now >> 1));
        const uint32_t call = (uint32_t)(also >> 32) < lost ? 1 : code[copies[i]];
        c->row[i / 4] |= (uint8_t)(call << 2 * (i % 4));
    }
}

static void add_effect(cohort *c, uint32_t variant, const uint8_t *copies)
{
    const uint32_t n = c->size->samples;
    stream r = stream_of(c->seed, UINT64_MAX - variant);
    double mean = 0, square = 0;
    for (uint32_t i = 0; i < n; i++) {
        mean += copies[i];
        square += (double)copies[i] * copies[i];
    }
    mean /= n;
    square = square / n - mean * mean;
    if (square <= 0)
        return;
    for (uint32_t t = 0; t < traits(c->size); t++) {
        const double sign = next(&r) >> 63 ? 1 : -1;
        const double effect = sign * sqrt(fmin(0.05, 40.0 / n) / square);
        for (uint32_t i = 0; i < n; i++)
            c->genetic[(size_t)t * n + i] += effect * (copies[i] - mean);
    }
}

static int is_causal(const bench_size *s, uint32_t variant)
{
    const uint64_t apart = s->causal ? s->variants / s->causal : 0;
    if (apart == 0)
        return s->causal != 0;
    return variant % apart == apart / 2 && variant / apart < s->causal;
}

static int write_genotypes(cohort *c)
{
    const bench_size *s = c->size;
    const size_t bytes = ((size_t)s->samples + 3) / 4;
    FILE *bed = create(c, "cohort.bed"), *bim = bed ? create(c, "cohort.bim") : NULL;
    uint8_t *copies = malloc(s->samples);
    int rc = 0;
    if (!bed || !bim)
        rc = fail(c, bed ? "cohort.bim" : "cohort.bed", EXIT_WRITE);
    else if (!copies)
        rc = fail(c, "cohort.bed", EXIT_MEMORY);
    else if (fwrite("\x6c\x1b\x01", 1, 3, bed) != 3)
        rc = fail(c, "cohort.bed", EXIT_WRITE);
    const uint64_t each = ((uint64_t)s->variants + CHROMOSOMES - 1) / CHROMOSOMES;
    for (uint32_t j = 0; rc == 0 && j < s->variants; j++) {
        draw_variant(c, j, copies);
        if (is_causal(s, j))
            add_effect(c, j, copies);
        if (fwrite(c->row, 1, bytes, bed) != bytes)
            rc = fail(c, "cohort.bed", EXIT_WRITE);
        else if (fprintf(bim, "%u\tv%u\t0\t%u\tA\tG\n", 1 + (unsigned)(j / each), j,
                         10000 + 1000 * (unsigned)(j % each)) < 0)
            rc = fail(c, "cohort.bim", EXIT_WRITE);
    }
    free(copies);
    if (bim)
        rc = finish(c, "cohort.bim", bim, rc);
    if (bed)
        rc = finish(c, "cohort.bed", bed, rc);
    return rc;
}

/* ---- tables ---- */

static void name_sample(const cohort *c, FILE *f, uint32_t i)
{
    fprintf(f, "p%u\ts%u", c->population[i] + 1u, i + 1);
}

/* Standardised: effects of genotypes, covariates, noise. */
static void draw_trait(const cohort *c, uint32_t trait, double *value)
{
    const uint32_t n = c->size->samples;
    stream r = stream_of(~c->seed, trait);
    double mean = 0, square = 0;
    for (uint32_t i = 0; i < n; i++) {
        double x = c->genetic[(size_t)trait * n + i] + normal(&r);
        for (uint32_t a = 0; a < c->size->covariates && a < 4; a++) {
            static const double effect[4] = {0.3, 0.2, 0.02, 0.4};
            x += effect[a] * c->covariate[(size_t)a * n + i];
        }
        value[i] = x;
        mean += x;
        square += x * x;
    }
    mean /= n;
    const double sd = sqrt(fmax(square / n - mean * mean, 1e-12));
    for (uint32_t i = 0; i < n; i++)
        value[i] = (value[i] - mean) / sd;
}

static int write_phenotypes(cohort *c)
{
    const bench_size *s = c->size;
    const uint32_t n = s->samples, count = traits(s);
    FILE *f = create(c, "cohort.pheno");
    double *value = calloc((size_t)count * n + 1, sizeof *value);
    stream lost = stream_of(~c->seed, count);
    if (!f || !value) {
        free(value);
        return f ? finish(c, "cohort.pheno", f, fail(c, "cohort.pheno", EXIT_MEMORY))
                 : fail(c, "cohort.pheno", EXIT_WRITE);
    }
    fprintf(f, "#FID\tIID");
    for (uint32_t t = 0; t < count; t++) {
        const uint32_t binary = t >= s->quantitative;
        draw_trait(c, t, value + (size_t)t * n);
        fprintf(f, "\t%c%u", binary ? 'B' : 'Q', 1 + (binary ? t - s->quantitative : t));
    }
    fputc('\n', f);
    for (uint32_t i = 0; i < n; i++) {
        name_sample(c, f, i);
        for (uint32_t t = 0; t < count; t++) {
            const double x = value[(size_t)t * n + i];
            if (t < s->quantitative)
                fprintf(f, "\t%.9g", x);
            else if (uniform(&lost) < MISSING_PHENO)
                fprintf(f, "\tNA");
            else
                fprintf(f, "\t%d", x > CASES_FROM ? 2 : 1);
        }
        fputc('\n', f);
    }
    free(value);
    return finish(c, "cohort.pheno", f, 0);
}

static int write_covariates(cohort *c)
{
    static const char *const names[] = {"PC1", "PC2", "AGE", "SEX"};
    const uint32_t n = c->size->samples;
    FILE *f = create(c, "cohort.covar");
    if (!f)
        return fail(c, "cohort.covar", EXIT_WRITE);
    fprintf(f, "#FID\tIID");
    for (uint32_t a = 0; a < c->size->covariates; a++)
        if (a < 4)
            fprintf(f, "\t%s", names[a]);
        else
            fprintf(f, "\tC%u", a + 1);
    fputc('\n', f);
    for (uint32_t i = 0; i < n; i++) {
        name_sample(c, f, i);
        for (uint32_t a = 0; a < c->size->covariates; a++)
            fprintf(f, "\t%.9g", c->covariate[(size_t)a * n + i]);
        fputc('\n', f);
    }
    return finish(c, "cohort.covar", f, 0);
}

static int write_samples(cohort *c)
{
    FILE *f = create(c, "cohort.fam");
    if (!f)
        return fail(c, "cohort.fam", EXIT_WRITE);
    for (uint32_t i = 0; i < c->size->samples; i++) {
        name_sample(c, f, i);
        fprintf(f, "\t0\t0\t%u\t-9\n", 1 + i % 2);
    }
    return finish(c, "cohort.fam", f, 0);
}

int bench_simulate(const bench_size *size, uint64_t seed, const char *folder, char *why,
                   size_t room)
{
    const size_t n = size->samples;
    cohort c = {.size = size, .seed = seed, .folder = folder, .why = why, .room = room};
    c.population = malloc(n);
    c.covariate = calloc(n * size->covariates + 1, sizeof *c.covariate);
    c.genetic = calloc(n * traits(size) + 1, sizeof *c.genetic);
    c.haplotypes = calloc(n, 1);
    c.row = malloc((n + 3) / 4);
    int rc = 0;
    if (!c.population || !c.covariate || !c.genetic || !c.haplotypes || !c.row)
        rc = fail(&c, "cohort", EXIT_MEMORY);
    if (rc == 0) {
        draw_samples(&c);
        rc = write_genotypes(&c);
    }
    if (rc == 0)
        rc = write_phenotypes(&c);
    if (rc == 0)
        rc = write_covariates(&c);
    if (rc == 0)
        rc = write_samples(&c);
    free(c.population);
    free(c.covariate);
    free(c.genetic);
    free(c.haplotypes);
    free(c.row);
    return rc;
}
