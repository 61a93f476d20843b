/*
 * The logistic score test, plainly: the null model by Newton's method in long double, then
 * U = g'(y - p), V = g'Wg - g'WX (X'WX)^-1 X'Wg per variant.
 */
#ifndef HEL_REF_SCORE_H
#define HEL_REF_SCORE_H

#include "tests/ref/ref_ols.h"

typedef struct ref_score ref_score;

/* y: 0 or 1. NULL when Newton's method does not converge. */
ref_score *ref_score_create(uint32_t n, uint32_t covariates, const double *const *covariate,
                            const double *y);
/* stat is z; beta = U / V, se = 1 / sqrt V; max_vif and max_corr stay 0. singular: V not above
 * 1e-12 of g's weighted sum of squares. */
void ref_score_fit(const ref_score *s, const double *g, ref_fit *out);
void ref_score_free(ref_score *s);

#endif
