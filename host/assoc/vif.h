/*
 * plink2's collinearity rules: no pair of predictors correlated above a limit, and the largest
 * variance inflation factor (diagonal of the inverse correlation matrix) not above another. Once
 * for the covariates among themselves, and per variant with the genotype as one more predictor.
 */
#ifndef HEL_ASSOC_VIF_H
#define HEL_ASSOC_VIF_H

#include "host/assoc/model_private.h"

/* HEL_E_MODEL naming the covariates that break a rule. */
hel_status hel_vif_covariates(hel_engine *engine, const hel_rows *rows, double max_vif,
                              double max_corr);

/*
 * Per variant. With L the loadings (p x p, intercept dropped) and G the trailing block of the
 * Cholesky factor of the integer columns' Gram matrix, the covariates have the covariance
 * (L G)(L G)'; its inverse is T'T with T = G^-1 L^-1. With e the genotype's coordinates along the
 * factor, e = factor^-1 B, and V what the covariates leave of its sum of squares,
 *   cov(x_a, g) = (L G e)_a      inverse diagonal of (x, g): ||T_a||^2 + ((T'e)_a)^2 / V, 1 / V.
 */
typedef struct hel_vif {
    uint32_t p;
    double *lg;      /* p x p row-major */
    double *t;       /* p x p, row a = column a of T */
    double *cov;     /* p: covariances' diagonal */
    double *inverse; /* p: ||T_a||^2 */
} hel_vif;

hel_status hel_vif_create(hel_engine *engine, hel_vif *v, uint32_t p);
void hel_vif_free(hel_vif *v);

/* factor, factor_inverse: (p + 1)^2 lower triangles; loading: p x (p + 1) as in hel_analysis;
 * loading_inverse: p x p. */
void hel_vif_prepare(hel_vif *v, const double *factor, const double *factor_inverse,
                     const double *loading, const double *loading_inverse);

/* e: [p + 1] (entry 0 unused); total: centred sum of squares of g, > 0; rest: V >= 0. */
hel_errcode hel_vif_rule(const hel_vif *v, const double *e, double total, double rest,
                         double max_vif, double max_corr);

#endif
