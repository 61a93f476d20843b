/* A simulated cohort as PLINK files in a folder of its own: c.bed, c.bim, c.fam, c.pheno, c.covar.
 * Independent variants, allele frequencies uniform in 0.01 to 0.99, normal phenotype and
 * covariates; the same numbers give the same files. */
#ifndef HEL_BENCH_BENCH_COHORT_H
#define HEL_BENCH_BENCH_COHORT_H

#include <stddef.h>
#include <stdint.h>

typedef struct cohort {
    uint32_t samples, variants, covariates;
    uint32_t missing; /* calls per mille */
    char dir[512];
} cohort;

/* Makes dir below `base` (NULL: TMPDIR, else /tmp) and fills it. Exits on failure. */
void cohort_make(cohort *c, const char *base);
void cohort_remove(const cohort *c);
/* dir/name in `out`. */
char *cohort_path(const cohort *c, const char *name, char *out, size_t room);

#endif
