/* Simulation: haplotypes copy their left neighbour with some probability, else draw anew. */
#include "tests/ref/ref_cohort.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/geno/bed.h"

static FILE *create(const char *prefix, const char *suffix)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", prefix, suffix);
    FILE *f = fopen(path, "w");
    if (!f)
        abort();
    return f;
}

static double normal(ref_random *r)
{
    double u = 1 - ref_random_double(r), v = ref_random_double(r);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

static void genotypes(ref_cohort *c, const ref_cohort_request *q, ref_random *r)
{
    uint8_t *hap = calloc(2 * (size_t)c->samples, 1);
    c->calls = malloc((size_t)c->variants * c->samples);
    if (!hap || !c->calls)
        abort();
    for (uint32_t v = 0; v < c->variants; v++) {
        double f = v % 10 == 0 ? 1.0 / (2 * c->samples) : 0.02 + 0.96 * ref_random_double(r);
        double shift = 0.1 * (ref_random_double(r) - 0.5), copy = v % 7 ? 0.6 : 0;
        for (uint32_t h = 0; h < 2 * c->samples; h++) {
            double p = f + (h / 2 % 2 ? shift : -shift);
            if (ref_random_double(r) >= copy)
                hap[h] = ref_random_double(r) < p;
        }
        for (uint32_t i = 0; i < c->samples; i++) {
            uint8_t g = (uint8_t)(hap[2 * i] + hap[2 * i + 1]);
            if (v % 23 == 5)
                g = v % 2 ? 2 : 0; /* monomorphic, either way */
            if (ref_random_double(r) < q->missing_calls)
                g = HEL_CALL_MISSING;
            c->calls[(size_t)v * c->samples + i] = g;
        }
    }
    free(hap);
}

static void tables(const ref_cohort *c, const ref_cohort_request *q, const char *prefix,
                   ref_random *r)
{
    FILE *fam = create(prefix, ".fam"), *bim = create(prefix, ".bim");
    FILE *pheno = create(prefix, ".pheno"), *covar = create(prefix, ".covar");
    fprintf(pheno, "#FID\tIID\tQ1\tQ2\tB1\n");
    fprintf(covar, "#FID\tIID\tage\tincome\tbatch\n");
    for (uint32_t i = 0; i < c->samples; i++) {
        double age = 50 + 12 * normal(r), income = 1e5 + 2e4 * normal(r);
        double x[3] = {0};
        if (i == 1)
            income = 3e6;
        for (uint32_t v = 1; v < c->variants && v < 8; v++) {
            uint8_t g = c->calls[(size_t)v * c->samples + i];
            x[v % 3] += g == HEL_CALL_MISSING ? 0 : 0.3 * g;
        }
        fprintf(fam, "f%u s%u 0 0 %u -9\n", i / 3, i, 1 + i % 2);
        fprintf(covar, "f%u\ts%u\t%.6g\t%.8g\tb%u\n", i / 3, i, age, income, i % 3);
        fprintf(pheno, "f%u\ts%u", i / 3, i);
        for (int t = 0; t < 3; t++) {
            double y = x[t] + 0.02 * age + normal(r);
            if (ref_random_double(r) < q->missing_pheno)
                fprintf(pheno, "\tNA");
            else if (t < 2)
                fprintf(pheno, "\t%.9g", y);
            else
                fprintf(pheno, "\t%d", 1 + (y > 1.6));
        }
        fprintf(pheno, "\n");
    }
    for (uint32_t v = 0; v < c->variants; v++)
        fprintf(bim, "%u\trs%u\t0\t%u\tA\tG\n", 1 + v * 3 / c->variants, v, 1000 + 10 * v);
    fclose(fam);
    fclose(bim);
    fclose(pheno);
    fclose(covar);
}

void ref_cohort_write(ref_cohort *c, const ref_cohort_request *request, const char *prefix)
{
    ref_random r = ref_random_start(request->stream);
    char path[4096];
    *c = (ref_cohort){.samples = request->samples, .variants = request->variants};
    genotypes(c, request, &r);
    tables(c, request, prefix, &r);
    snprintf(path, sizeof path, "%s.bed", prefix);
    if (hel_bed_write(NULL, path, c->calls, c->samples, c->variants) != HEL_OK)
        abort();
}

void ref_cohort_free(ref_cohort *c)
{
    free(c->calls);
    c->calls = NULL;
}
