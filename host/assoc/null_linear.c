/*
 * The linear null model: residuals after the covariates, projected twice, and the integer columns
 * with their Gram matrix. The basis columns are shared by all phenotypes of a pattern.
 */
#include <math.h>

#include "host/assoc/model_private.h"
#include "host/base/mem.h"

/* Residuals below this part of the phenotype's spread are rounding. */
#define RESIDUAL_FLOOR 1e-10

void hel_null_linear_basis(hel_model *m, uint32_t mask_column, const hel_rows *rows, double *scale)
{
    for (uint32_t l = 1; l <= rows->q; l++)
        scale[l] = hel_quantise(rows->basis.dir + (size_t)l * rows->n, rows->n, rows->row, m->bits,
                                m->column[mask_column + l].w);
}

/* r = y without what the basis explains, in units of y's standard deviation. */
static hel_status residual(hel_engine *engine, const char *phenotype, const hel_rows *rows,
                           const double *y, double *r, double *sd)
{
    uint32_t n = rows->n;
    long double sum = 0;
    double low = y[0], high = y[0];
    for (uint32_t i = 0; i < n; i++) {
        sum += y[i];
        low = fmin(low, y[i]);
        high = fmax(high, y[i]);
    }
    double mean = (double)(sum / n);
    for (uint32_t i = 0; i < n; i++)
        r[i] = y[i] - mean;
    *sd = sqrt((double)(hel_dot(r, r, n) / (n - 1)));
    HEL_REQUIRE(engine, low<high && * sd> RESIDUAL_FLOOR * fmax(fabs(low), fabs(high)), HEL_E_MODEL,
                "phenotype '%s' is constant over the %u analysed samples", phenotype, n);
    for (uint32_t i = 0; i < n; i++)
        r[i] /= *sd;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t l = 0; l < rows->basis.k; l++) {
            const double *dir = rows->basis.dir + (size_t)l * n;
            double f = (double)hel_dot(dir, r, n);
            for (uint32_t i = 0; i < n; i++)
                r[i] -= f * dir[i];
        }
    HEL_REQUIRE(engine, sqrt((double)(hel_dot(r, r, n) / n)) > RESIDUAL_FLOOR, HEL_E_MODEL,
                "phenotype '%s' is a linear combination of the covariates over the %u analysed "
                "samples: nothing is left to test",
                phenotype, n);
    return HEL_OK;
}

hel_status hel_null_linear(hel_engine *engine, hel_model *m, hel_analysis *a, const hel_rows *rows,
                           const double *y)
{
    double *r = NULL, *scale = NULL, sd;
    hel_status status;
    HEL_TRY_GOTO(hel_malloc(engine, &r, rows->n, sizeof *r), done);
    HEL_TRY_GOTO(hel_calloc(engine, &scale, a->k, sizeof *scale), done);
    HEL_TRY_GOTO(residual(engine, a->name, rows, y, r, &sd), done);
    hel_null_linear_basis(m, a->basis_column, rows, scale);
    a->resid_scale =
        hel_quantise(r, rows->n, rows->row, m->bits, m->column[a->resid_column].w) / sd;
    for (uint32_t x = 0; x < a->p; x++)
        for (uint32_t l = 1; l < a->k; l++)
            a->loading[x * a->k + l] = rows->basis.load[x * a->k + l] / scale[l];
    status = hel_analysis_gram(engine, m, a, rows);
done:
    hel_free_wiped(r, rows->n, sizeof *r);
    hel_free_wiped(scale, a->k, sizeof *scale);
    return status;
}
