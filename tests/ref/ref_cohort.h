/*
 * Simulated cohorts for end-to-end tests: two subpopulations, linkage disequilibrium, rare and
 * monomorphic variants, missing calls, quantitative and binary phenotypes with their own
 * missingness, covariates of very different scale and a categorical one.
 */
#ifndef HEL_REF_COHORT_H
#define HEL_REF_COHORT_H

#include <stdint.h>

#include "tests/ref/ref_random.h"

typedef struct ref_cohort {
    uint32_t samples, variants;
    uint8_t *calls; /* [variant][sample]: 0, 1, 2 copies of A1, 3 = missing */
} ref_cohort;

typedef struct ref_cohort_request {
    uint32_t samples, variants;
    double missing_calls; /* fraction */
    double missing_pheno; /* fraction of each phenotype */
    uint64_t stream;      /* of the generator */
} ref_cohort_request;

/* Writes <prefix>.bed .bim .fam .pheno .covar. Phenotypes: Q1, Q2 (quantitative), B1 (1/2).
 * Covariates: age (tens), income (1e5, one outlier), batch (categorical, 3 levels). Aborts the test
 * process without memory or disk. */
void ref_cohort_write(ref_cohort *c, const ref_cohort_request *request, const char *prefix);
void ref_cohort_free(ref_cohort *c);

#endif
