/*
 * A stress set: everything that is hard for fixed-point weights in one design. 19 covariates (age
 * and its square, year of birth, one with an outlier at 75 standard deviations, a 4-sample dummy,
 * batches, smooth ones), log-normal phenotypes, one with a huge effect, one binary with 0.4 %
 * cases; alternative alleles from one copy to all but one, and constant variants.
 */
#ifndef HEL_REF_SIM_H
#define HEL_REF_SIM_H

#include "host/geno/design.h"
#include "tests/ref/ref_random.h"

typedef struct ref_sim {
    hel_design *design; /* LOGNORMAL, HEAVY, HUGE quantitative; RARE binary */
    uint32_t samples, variants;
    uint8_t *calls;   /* [variants][samples] */
    uint32_t *copies; /* [variants] of A1 */
    uint32_t causal;  /* the variant behind HUGE */
} ref_sim;

/* missing: probability of a missing call (0 keeps `copies` exact). */
ref_sim *ref_sim_create(ref_random *random, uint32_t samples, double missing);
void ref_sim_free(ref_sim *s);
double ref_normal(ref_random *random);
/* Hardy-Weinberg genotypes with exactly `copies` alleles, in random places. */
void ref_place_alleles(ref_random *random, uint8_t *calls, uint32_t samples, uint32_t copies);

#endif
