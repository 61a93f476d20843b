/*
 * Analysed rows and orthonormal bases: covariates centred and scaled to standard deviation 1, the
 * intercept first, modified Gram-Schmidt with reorthogonalisation, pivoting among the covariates.
 * Björck 1994, "Numerics of Gram-Schmidt orthogonalization".
 */
#include <math.h>

#include "host/assoc/model_private.h"
#include "host/assoc/vif.h"
#include "host/base/mem.h"

#define RANK_TOLERANCE     1e-7
#define CONSTANT_TOLERANCE 1e-10 /* standard deviation against largest entry */

void hel_free_wiped(void *pointer, size_t count, size_t bytes)
{
    if (pointer)
        hel_wipe(pointer, count * bytes);
    hel_free(pointer);
}

long double hel_dot(const double *a, const double *b, uint32_t n)
{
    long double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += (long double)a[i] * b[i];
    return sum;
}

static void axpy(double *y, double f, const double *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        y[i] -= f * x[i];
}

static void centre(double *x, uint32_t n)
{
    long double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += x[i];
    double mean = (double)(sum / n);
    for (uint32_t i = 0; i < n; i++)
        x[i] -= mean;
}

static hel_status standardise(hel_engine *engine, const hel_rows *r, uint32_t a)
{
    double *x = r->x + (size_t)a * r->n, peak = 0;
    for (uint32_t i = 0; i < r->n; i++)
        peak = fmax(peak, fabs(x[i]));
    centre(x, r->n);
    double sd = sqrt((double)(hel_dot(x, x, r->n) / (r->n - 1)));
    HEL_REQUIRE(engine, sd > CONSTANT_TOLERANCE * peak, HEL_E_MODEL,
                "phenotype '%s': covariate '%s' is constant over the %u analysed samples; leave it "
                "out",
                r->phenotype, r->name[a], r->n);
    for (uint32_t i = 0; i < r->n; i++)
        x[i] /= sd;
    centre(x, r->n);
    return HEL_OK;
}

hel_status hel_rows_build(hel_engine *engine, hel_rows *out, const hel_model_request *request,
                          const uint8_t *mask, const uint8_t *use, const char *phenotype)
{
    const hel_design *d = request->design;
    hel_rows *r = out;
    hel_status status;
    *r = (hel_rows){.phenotype = phenotype};
    for (uint32_t i = 0; i < d->samples; i++)
        r->n += mask[i];
    for (uint32_t a = 0; a < d->covariates; a++)
        r->q += use[a] != HEL_USE_DROP;
    HEL_REQUIRE(
        engine, r->n > (uint64_t)r->q + 2, HEL_E_MODEL,
        "phenotype '%s': %u samples have it and all covariates; a model of rank %u needs at "
        "least %u",
        phenotype, r->n, r->q + 1, r->q + 3);
    HEL_TRY_GOTO(hel_malloc(engine, &r->row, r->n, sizeof *r->row), fail);
    HEL_TRY_GOTO(hel_malloc(engine, &r->x, (size_t)r->q * r->n, sizeof *r->x), fail);
    HEL_TRY_GOTO(hel_calloc(engine, &r->name, r->q, sizeof *r->name), fail);
    for (uint32_t i = 0, at = 0; i < d->samples; i++)
        if (mask[i])
            r->row[at++] = i;
    for (uint32_t a = 0, at = 0; a < d->covariates; a++) {
        if (use[a] == HEL_USE_DROP)
            continue;
        r->name[at] = hel_levels_name(d, a, use[a]);
        for (uint32_t i = 0; i < r->n; i++)
            r->x[(size_t)at * r->n + i] = hel_levels_value(d, a, r->row[i], use[a]);
        HEL_TRY_GOTO(standardise(engine, r, at++), fail);
    }
    HEL_TRY_GOTO(hel_basis_build(engine, &r->basis, r, NULL), fail);
    HEL_TRY_GOTO(hel_vif_covariates(engine, r, request->max_vif, request->max_corr), fail);
    return HEL_OK;
fail:
    hel_rows_free(r);
    return status;
}

void hel_rows_free(hel_rows *r)
{
    hel_free(r->row);
    hel_free_wiped(r->x, (size_t)r->q * r->n, sizeof *r->x);
    hel_free(r->name);
    hel_basis_free(&r->basis);
    *r = (hel_rows){0};
}

void hel_basis_free(hel_basis *b)
{
    hel_free_wiped(b->dir, (size_t)b->k * b->n, sizeof *b->dir);
    hel_free_wiped(b->load, (size_t)(b->k ? b->k - 1 : 0) * b->k, sizeof *b->load);
    *b = (hel_basis){0};
}

/* The covariate with the largest rest relative to its own norm, in or out of order. */
static uint32_t next_pivot(const hel_basis *b, const double *own, const uint8_t *used, int pivot,
                           double *rest)
{
    uint32_t best = UINT32_MAX;
    *rest = -1;
    for (uint32_t a = 0; a + 1 < b->k; a++) {
        if (used[a])
            continue;
        const double *v = b->dir + (size_t)(a + 1) * b->n;
        double norm = sqrt((double)hel_dot(v, v, b->n));
        double part = own[a] > 0 ? norm / own[a] : 0;
        if (part > *rest) {
            *rest = part;
            best = a;
        }
        if (!pivot)
            break;
    }
    return best;
}

static void normalise(double *v, uint32_t n)
{
    double norm = sqrt((double)hel_dot(v, v, n));
    for (uint32_t i = 0; i < n; i++)
        v[i] /= norm;
}

/* Turns the covariates, which stand in dir 1.., into orthonormal directions in place: direction a +
 * 1 comes from covariate a, whatever the order of elimination. Returns the covariate that depends
 * on those taken before it, or UINT32_MAX. */
static uint32_t orthonormalise(hel_basis *b, double *own, uint8_t *used, int pivot)
{
    uint32_t q = b->k - 1, n = b->n;
    for (uint32_t a = 0; a < q; a++) {
        double *v = b->dir + (size_t)(a + 1) * n;
        used[a] = 0;
        for (int pass = 0; pass < 2; pass++)
            axpy(v, (double)hel_dot(b->dir, v, n), b->dir, n);
        own[a] = sqrt((double)hel_dot(v, v, n));
    }
    for (uint32_t step = 0; step < q; step++) {
        double rest;
        uint32_t a = next_pivot(b, own, used, pivot, &rest);
        double *v = b->dir + (size_t)(a + 1) * n;
        if (!(rest > RANK_TOLERANCE))
            return a;
        normalise(v, n);
        axpy(v, (double)hel_dot(b->dir, v, n), b->dir, n);
        for (uint32_t t = 0; t < q; t++)
            if (used[t])
                axpy(v, (double)hel_dot(b->dir + (size_t)(t + 1) * n, v, n),
                     b->dir + (size_t)(t + 1) * n, n);
        normalise(v, n);
        used[a] = 1;
        for (uint32_t t = 0; t < q; t++) {
            double *u = b->dir + (size_t)(t + 1) * n;
            if (!used[t])
                axpy(u, (double)hel_dot(v, u, n), v, n);
        }
    }
    return UINT32_MAX;
}

static void load_columns(hel_basis *b, const hel_rows *rows, const double *root)
{
    uint32_t n = b->n;
    for (uint32_t i = 0; i < n; i++)
        b->dir[i] = root ? root[i] : 1;
    normalise(b->dir, n);
    for (uint32_t a = 0; a + 1 < b->k; a++)
        for (uint32_t i = 0; i < n; i++)
            b->dir[(size_t)(a + 1) * n + i] = rows->x[(size_t)a * n + i] * (root ? root[i] : 1);
}

hel_status hel_basis_build(hel_engine *engine, hel_basis *out, const hel_rows *rows,
                           const double *root)
{
    hel_basis *b = out;
    uint32_t n = rows->n, q = rows->q;
    double *own = NULL, *v = NULL;
    uint8_t *used = NULL;
    hel_status status = HEL_OK;
    *b = (hel_basis){.n = n, .k = q + 1};
    HEL_TRY_GOTO(hel_malloc(engine, &b->dir, (size_t)b->k * n, sizeof *b->dir), done);
    HEL_TRY_GOTO(hel_calloc(engine, &b->load, (size_t)q * b->k, sizeof *b->load), done);
    HEL_TRY_GOTO(hel_calloc(engine, &own, q, sizeof *own), done);
    HEL_TRY_GOTO(hel_calloc(engine, &used, q, sizeof *used), done);
    HEL_TRY_GOTO(hel_malloc(engine, &v, n, sizeof *v), done);
    load_columns(b, rows, root);
    uint32_t bad = orthonormalise(b, own, used, 1);
    if (bad != UINT32_MAX) {
        load_columns(b, rows, root);
        uint32_t first = orthonormalise(b, own, used, 0);
        status = hel_fail(engine, HEL_E_MODEL,
                          "phenotype '%s': covariate '%s' is a linear combination of the others "
                          "over the %u analysed samples; leave it out",
                          rows->phenotype, rows->name[first != UINT32_MAX ? first : bad], n);
        goto done;
    }
    for (uint32_t a = 0; a < q; a++) {
        for (uint32_t i = 0; i < n; i++)
            v[i] = rows->x[(size_t)a * n + i] * (root ? root[i] : 1);
        for (uint32_t l = 0; l < b->k; l++)
            b->load[(size_t)a * b->k + l] = (double)hel_dot(b->dir + (size_t)l * n, v, n);
    }
done:
    hel_free_wiped(own, q, sizeof *own);
    hel_free_wiped(v, n, sizeof *v);
    hel_free(used);
    if (status != HEL_OK)
        hel_basis_free(b);
    return status;
}
