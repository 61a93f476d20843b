/* A simulated cohort as PLINK 1 files with a phenotype and two covariates, for tools/gpu-check:
 *
 *   device_cohort PREFIX SAMPLES VARIANTS [SEED]
 *
 * Independent variants with frequencies from 0.01 to 0.99, one call in 500 missing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_random.h"

static FILE *create(const char *prefix, const char *end)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s%s", prefix, end) >= (int)sizeof path)
        exit(64);
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        exit(73);
    }
    return f;
}

static void finish(FILE *f)
{
    if (ferror(f) | fclose(f)) {
        fprintf(stderr, "device_cohort: a file could not be written\n");
        exit(74);
    }
}

static void write_samples(const char *prefix, uint32_t samples, ref_random *r)
{
    FILE *fam = create(prefix, ".fam"), *pheno = create(prefix, ".pheno");
    FILE *covar = create(prefix, ".covar");
    fprintf(pheno, "#FID\tIID\tY\n");
    fprintf(covar, "#FID\tIID\tC1\tC2\n");
    for (uint32_t i = 0; i < samples; i++) {
        double x[3];
        for (int k = 0; k < 3; k++)
            x[k] =
                sqrt(-2 * log(1 - ref_random_double(r))) * cos(6.283185307 * ref_random_double(r));
        fprintf(fam, "f%u\ti%u\t0\t0\t%u\t-9\n", i, i, 1 + i % 2);
        fprintf(pheno, "f%u\ti%u\t%.9g\n", i, i, x[0]);
        fprintf(covar, "f%u\ti%u\t%.9g\t%.9g\n", i, i, x[1], x[2]);
    }
    finish(fam);
    finish(pheno);
    finish(covar);
}

static void write_variants(const char *prefix, uint32_t samples, uint32_t variants, ref_random *r)
{
    static const uint8_t code[3] = {3, 2, 0};
    FILE *bed = create(prefix, ".bed"), *bim = create(prefix, ".bim");
    const size_t bytes = ((size_t)samples + 3) / 4;
    uint8_t *row = malloc(bytes);
    if (!row)
        exit(71);
    fwrite("\x6c\x1b\x01", 1, 3, bed);
    for (uint32_t j = 0; j < variants; j++) {
        const uint32_t limit = (uint32_t)((0.01 + 0.98 * ref_random_double(r)) * 16777215);
        memset(row, 0, bytes);
        for (uint32_t i = 0; i < samples; i++) {
            const uint64_t x = ref_random_u64(r);
            const int g =
                ((uint32_t)(x & 0xffffff) < limit) + ((uint32_t)(x >> 24 & 0xffffff) < limit);
            const int lost = (x >> 48) % 500 == 0;
            row[i / 4] = (uint8_t)(row[i / 4] | (lost ? 1 : code[g]) << 2 * (i % 4));
        }
        fwrite(row, 1, bytes, bed);
        fprintf(bim, "%u\tv%u\t0\t%u\tA\tG\n", 1 + (uint32_t)((uint64_t)j * 22 / variants), j,
                1000 + j);
    }
    free(row);
    finish(bed);
    finish(bim);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: device_cohort PREFIX SAMPLES VARIANTS [SEED]\n");
        return 64;
    }
    const uint32_t samples = (uint32_t)strtoul(argv[2], NULL, 10);
    const uint32_t variants = (uint32_t)strtoul(argv[3], NULL, 10);
    uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 1;
    ref_random r;
    for (int i = 0; i < 4; i++)
        r.s[i] = ref_splitmix(&seed);
    if (!samples || !variants)
        return 64;
    write_samples(argv[1], samples, &r);
    write_variants(argv[1], samples, variants, &r);
    return 0;
}
