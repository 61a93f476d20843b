#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_load.h"
#include "tests/ref/ref_sim.h"

#define COVARIATES 19
#define REPEATS    6

static void *must(size_t count, size_t bytes)
{
    void *p = calloc(count ? count : 1, bytes);
    if (!p)
        abort();
    return p;
}

double ref_normal(ref_random *random)
{
    double u = 1 - ref_random_double(random), v = ref_random_double(random);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

void ref_place_alleles(ref_random *random, uint8_t *calls, uint32_t samples, uint32_t copies)
{
    uint32_t fewer = copies <= samples ? copies : 2 * samples - copies;
    uint8_t *allele = must((size_t)2 * samples, 1);
    for (uint32_t placed = 0; placed < fewer;) {
        uint32_t at = ref_random_below(random, 2 * samples);
        placed += !allele[at];
        allele[at] = 1;
    }
    for (uint32_t i = 0; i < samples; i++) {
        uint8_t count = (uint8_t)(allele[2 * i] + allele[2 * i + 1]);
        calls[i] = copies == fewer ? count : (uint8_t)(2 - count);
    }
    free(allele);
}

static void fill_covariates(ref_random *random, hel_design *d)
{
    static const char *const name[COVARIATES] = {
        "age", "age2", "born", "heavy", "dummy4", "batch1", "batch2", "batch3", "sex", "pc1",
        "pc2", "pc3",  "pc4",  "pc5",   "pc6",    "pc7",    "pc8",    "pc9",    "pc10"};
    uint32_t n = d->samples;
    d->covariates = COVARIATES;
    d->covariate = must(COVARIATES, sizeof *d->covariate);
    d->covariate_name = must(COVARIATES, sizeof *d->covariate_name);
    for (uint32_t a = 0; a < COVARIATES; a++) {
        d->covariate_name[a] = strdup(name[a]);
        d->covariate[a] = must(n, sizeof **d->covariate);
    }
    for (uint32_t i = 0; i < n; i++) {
        double age = 40 + ref_random_below(random, 31);
        uint32_t batch = ref_random_below(random, 4);
        double *const *x = d->covariate;
        x[0][i] = age;
        x[1][i] = age * age;
        x[2][i] = 2006 + ref_random_below(random, 5) - age;
        x[3][i] = exp(0.8 * ref_normal(random));
        x[4][i] = i % (n / 4) == 17;
        for (uint32_t b = 1; b < 4; b++)
            x[4 + b][i] = batch == b;
        x[8][i] = 1 + ref_random_below(random, 2);
        for (uint32_t a = 9; a < COVARIATES; a++)
            x[a][i] = 0.01 * ref_normal(random);
    }
    /* one sample at 75 standard deviations of the whole: x^2 (1 - 75^2 / n) = 75^2 others */
    double square = 0;
    for (uint32_t i = 0; i < n; i++)
        square += d->covariate[3][i] * d->covariate[3][i] / n;
    double reach = 75.0 < 0.6 * sqrt(n) ? 75.0 : 0.6 * sqrt(n);
    d->covariate[3][n / 3] = reach * sqrt(square / (1 - reach * reach / n));
}

static void fill_phenotypes(ref_random *random, ref_sim *s)
{
    static const char *const name[4] = {"LOGNORMAL", "HEAVY", "HUGE", "RARE"};
    hel_design *d = s->design;
    uint32_t n = d->samples, cases = n * 42 / 10000;
    d->phenotypes = 4;
    d->phenotype = must(4, sizeof *d->phenotype);
    for (uint32_t t = 0; t < 4; t++) {
        d->phenotype[t].name = strdup(name[t]);
        d->phenotype[t].trait = t == 3 ? HEL_TRAIT_BINARY : HEL_TRAIT_QUANTITATIVE;
        d->phenotype[t].y = must(n, sizeof(double));
    }
    for (uint32_t i = 0; i < n; i++) {
        double age = d->covariate[0][i];
        d->phenotype[0].y[i] = exp(ref_normal(random) + 0.01 * age);
        d->phenotype[1].y[i] = exp(2.2 * ref_normal(random));
        d->phenotype[2].y[i] = 170 + 1.0 * s->calls[(size_t)s->causal * n + i] + ref_normal(random);
    }
    d->phenotype[3].y[17] = 1; /* one of dummy4's, which would separate otherwise */
    for (uint32_t done = 1; done < (cases > 8 ? cases : 8);) {
        uint32_t i = ref_random_below(random, n);
        double keep = d->covariate[0][i] / 70; /* older, a little more often */
        if (d->phenotype[3].y[i] > 0 || ref_random_double(random) > keep)
            continue;
        d->phenotype[3].y[i] = 1;
        done++;
    }
}

/* Variants whose rare allele is frequent among the cases of RARE: strong signals at the end of the
 * frequency scale, where rounding errors of the weights show most. */
static void associate(ref_random *random, ref_sim *s)
{
    const double *y = s->design->phenotype[3].y;
    uint32_t n = s->samples;
    for (uint32_t v = 5; v < s->variants - 2; v += REPEATS) {
        uint32_t copies = s->copies[v], mac = copies < n ? copies : 2 * n - copies;
        uint8_t *calls = s->calls + (size_t)v * n, major = copies < n ? 0 : 2;
        if (mac < 10 || mac > 100)
            continue;
        memset(calls, major, n);
        for (uint32_t placed = 0; placed < mac;) {
            uint32_t i = ref_random_below(random, n);
            if (calls[i] != major || (placed < 2 && !(y[i] > 0)))
                continue;
            calls[i] = 1;
            placed++;
        }
    }
}

ref_sim *ref_sim_create(ref_random *random, uint32_t samples, double missing)
{
    const uint32_t n = samples;
    const uint32_t half[] = {0, 1, 2, 3, 5, 10, 30, 100, n / 50, n / 10, n / 3, n};
    ref_sim *s = must(1, sizeof *s);
    uint32_t steps = sizeof half / sizeof half[0], at = 0;
    s->samples = n;
    s->variants = 2 * steps * REPEATS + 2;
    s->calls = must((size_t)s->variants * n, 1);
    s->copies = must(s->variants, sizeof *s->copies);
    for (uint32_t h = 0; h < 2 * steps; h++)
        for (uint32_t r = 0; r < REPEATS; r++, at++) {
            s->copies[at] = h < steps ? half[h] : 2 * n - half[h - steps];
            ref_place_alleles(random, s->calls + (size_t)at * n, n, s->copies[at]);
        }
    for (uint32_t i = 0; i < n; i++)
        s->calls[(size_t)at * n + i] = 1; /* constant, heterozygous everywhere */
    s->copies[at++] = n;
    s->calls[(size_t)at * n + n / 3] = 1; /* a singleton in the outlier of "heavy" */
    s->copies[at++] = 1;
    s->causal = (steps - 2) * REPEATS;
    s->design = must(1, sizeof *s->design);
    s->design->samples = n;
    fill_covariates(random, s->design);
    fill_phenotypes(random, s);
    associate(random, s);
    for (size_t i = 0; i < (size_t)s->variants * n && missing > 0; i++)
        if (ref_random_double(random) < missing)
            s->calls[i] = 3;
    return s;
}

void ref_sim_free(ref_sim *s)
{
    if (!s)
        return;
    ref_design_free(s->design);
    free(s->calls);
    free(s->copies);
    free(s);
}
