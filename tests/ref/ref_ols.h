/*
 * Ordinary least squares of y on (1, covariates, g) by normal equations in long double, columns
 * centred and scaled first. Slow and plain; shares nothing with the scan.
 */
#ifndef HEL_REF_OLS_H
#define HEL_REF_OLS_H

#include <stdint.h>

typedef struct ref_fit {
    double beta, se, stat, log10p, df;
    double max_vif, max_corr; /* over the covariates and g */
    int singular;
} ref_fit;

typedef struct ref_ols ref_ols;

/* covariate[a][n], y[n]; nothing missing. Aborts without memory. */
ref_ols *ref_ols_create(uint32_t n, uint32_t covariates, const double *const *covariate,
                        const double *y);
void ref_ols_fit(const ref_ols *o, const double *g, ref_fit *out);
void ref_ols_free(ref_ols *o);

/* Solves a x = b in place by Gauss elimination with partial pivoting, rhs columns at once; returns
 * 0 when singular. a: n x n row-major, b: n x rhs. */
int ref_solve(long double *a, long double *b, uint32_t n, uint32_t rhs);
/* Centred, standard deviation 1 (0 for a constant). */
void ref_standardise(const double *x, uint32_t n, long double *out, long double *sd);

#endif
