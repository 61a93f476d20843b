/*
 * Inside the null model: the analysed rows of one missingness pattern, orthonormal bases, dense
 * helpers for k x k matrices. All sums run over the analysed samples in dataset order with long
 * double accumulators and plain loops, so that a result depends on nothing but its own samples:
 * not on other phenotypes, not on left-out samples, not on a BLAS.
 */
#ifndef HEL_ASSOC_MODEL_PRIVATE_H
#define HEL_ASSOC_MODEL_PRIVATE_H

#include "host/assoc/model.h"

/* Largest column entry of b bits. */
static inline int32_t hel_column_peak(uint32_t bits)
{
    return (int32_t)((1u << (bits - 1)) - 1);
}

typedef struct hel_basis {
    uint32_t n, k;
    double *dir;  /* [k][n] orthonormal; dir 0 is the (weighted) intercept */
    double *load; /* [k - 1][k]: <dir l, weighted covariate a> */
} hel_basis;

/* One missingness pattern, compressed to its rows. */
typedef struct hel_rows {
    uint32_t n, q;         /* samples analysed, covariates */
    uint32_t *row;         /* [n] dataset indices, ascending */
    double *x;             /* [q][n] centred, standard deviation 1 */
    const char **name;     /* [q] the names themselves are the design's */
    const char *phenotype; /* the first one with this pattern, for error texts */
    hel_basis basis;       /* unweighted */
} hel_rows;

/* What becomes of a covariate over the samples of one mask. */
typedef enum hel_use {
    HEL_USE_DROP = 0,     /* a level column that would be constant */
    HEL_USE_KEEP = 1,     /* as in the design */
    HEL_USE_REFERENCE = 2 /* stands for its category's reference level instead */
} hel_use;

/*
 * Levels as plink2 takes them: over the analysed samples the most common level of each category (of
 * equals the first by name) has no column, and a level that no sample has has none either. use:
 * [covariates]. Returns how many stay.
 */
uint32_t hel_levels_choose(const hel_design *d, const uint8_t *mask, uint8_t *use);
/* Covariate a of sample i under its use, which is not HEL_USE_DROP. */
double hel_levels_value(const hel_design *d, uint32_t a, uint32_t i, uint8_t use);
/* The name of what the column says then. */
const char *hel_levels_name(const hel_design *d, uint32_t a, uint8_t use);

/* mask: [samples] 0/1; use: [covariates], of the mask. Checks n >= k + 2, constant covariates,
 * rank, correlation and VIF. */
hel_status hel_rows_build(hel_engine *engine, hel_rows *out, const hel_model_request *request,
                          const uint8_t *mask, const uint8_t *use, const char *phenotype);
void hel_rows_free(hel_rows *r);

/* root: [n] square roots of the weights, NULL = 1. Pivots among the covariates, never the
 * intercept; a column whose rest falls below 1e-7 of its own norm is HEL_E_MODEL naming the first
 * covariate that depends on those before it. */
hel_status hel_basis_build(hel_engine *engine, hel_basis *out, const hel_rows *rows,
                           const double *root);
void hel_basis_free(hel_basis *b);

long double hel_dot(const double *a, const double *b, uint32_t n);

/* Fits one phenotype: y is [n] over rows. Fills the analysis' scales, gram, cross, rr, loading and
 * the columns it owns (already allocated). */
hel_status hel_null_linear(hel_engine *engine, hel_model *m, hel_analysis *a, const hel_rows *rows,
                           const double *y);
hel_status hel_null_logistic(hel_engine *engine, hel_model *m, hel_analysis *a,
                             const hel_rows *rows, const double *y);
/* The mask's basis columns of a pattern with a linear phenotype. */
void hel_null_linear_basis(hel_model *m, uint32_t mask_column, const hel_rows *rows, double *scale);

/* p: [n] fitted probabilities of the logistic null model. */
hel_status hel_logistic_fit(hel_engine *engine, const hel_rows *rows, const double *y,
                            const char *phenotype, double *p);

/* quantise.c: w[row[i]] = round(x[i] * scale); returns scale = peak / max |x| (1 for zeros). */
double hel_quantise(const double *x, uint32_t n, const uint32_t *row, uint32_t bits, int32_t *w);
/* Exact sum of a[i] b[i], rounded once. */
double hel_quantised_dot(const int32_t *a, const int32_t *b, uint32_t samples);
/* sum over rows of a b / w, w >= 1 */
double hel_quantised_dot_over(const int32_t *a, const int32_t *b, const int32_t *w,
                              const uint32_t *row, uint32_t n);

/* scale times the sum over rows of dir and r. */
double hel_direction_dot(const double *dir, double scale, const hel_rows *rows, const int32_t *r);

/* Gives gram, cross, rr of an analysis from its integer columns; HEL_E_MODEL when the gram is not
 * positive definite. */
hel_status hel_analysis_gram(hel_engine *engine, const hel_model *m, hel_analysis *a,
                             const hel_rows *rows);
/* gram, cross, loading */
hel_status hel_analysis_alloc(hel_engine *engine, hel_analysis *a);

/* Fills output and output_of from the columns' planes. */
hel_status hel_model_outputs(hel_engine *engine, hel_model *m);

/* Wipes before it frees; for everything that phenotypes or covariates touched. */
void hel_free_wiped(void *pointer, size_t count, size_t bytes);

/* ---- dense k x k, row-major ---- */

/* Lower Cholesky factor of the symmetric a into l (upper part 0). Returns 0 when a pivot is not
 * above 1e-12 of its diagonal entry. a may equal l. */
int hel_dense_cholesky(const double *a, double *l, uint32_t k);
/* Inverse of a lower triangle. */
void hel_dense_invert_lower(const double *l, double *inverse, uint32_t k);
/* c'A^-1 c, given the inverse of A's lower Cholesky factor. */
double hel_dense_quadratic(const double *inverse, const double *c, uint32_t k);
/* General inverse (Gauss-Jordan, partial pivoting); 0 when singular. `a` is overwritten. */
int hel_dense_invert(double *a, double *inverse, uint32_t k);

#endif
