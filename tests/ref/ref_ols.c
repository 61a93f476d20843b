#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_ols.h"
#include "tests/ref/ref_tail.h"

struct ref_ols {
    uint32_t n, q;
    long double *x; /* q standardised columns, and room for g's */
    long double *y;
    long double *a, *right; /* normal equations of the covariates alone: they do not change */
    long double sd_y;
};

static void *must(size_t count, size_t bytes)
{
    void *p = calloc(count ? count : 1, bytes);
    if (!p)
        abort();
    return p;
}

void ref_standardise(const double *x, uint32_t n, long double *out, long double *sd)
{
    long double mean = 0, square = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += x[i];
    mean /= n;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = x[i] - mean;
        square += out[i] * out[i];
    }
    *sd = sqrtl(square / (n - 1));
    for (uint32_t i = 0; i<n && * sd> 0; i++)
        out[i] /= *sd;
}

int ref_solve(long double *a, long double *b, uint32_t n, uint32_t rhs)
{
    for (uint32_t c = 0; c < n; c++) {
        uint32_t best = c;
        for (uint32_t i = c + 1; i < n; i++)
            if (fabsl(a[i * n + c]) > fabsl(a[best * n + c]))
                best = i;
        if (fabsl(a[best * n + c]) < 1e-17L)
            return 0;
        for (uint32_t j = 0; j < n; j++) {
            long double t = a[c * n + j];
            a[c * n + j] = a[best * n + j];
            a[best * n + j] = t;
        }
        for (uint32_t j = 0; j < rhs; j++) {
            long double t = b[c * rhs + j];
            b[c * rhs + j] = b[best * rhs + j];
            b[best * rhs + j] = t;
        }
        for (uint32_t i = 0; i < n; i++) {
            long double f = i == c ? 0 : a[i * n + c] / a[c * n + c];
            for (uint32_t j = c; j < n && f != 0; j++)
                a[i * n + j] -= f * a[c * n + j];
            for (uint32_t j = 0; j < rhs && f != 0; j++)
                b[i * rhs + j] -= f * b[c * rhs + j];
        }
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < rhs; j++)
            b[i * rhs + j] /= a[i * n + i];
    return 1;
}

static long double dot(const long double *a, const long double *b, uint32_t n)
{
    long double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

ref_ols *ref_ols_create(uint32_t n, uint32_t covariates, const double *const *covariate,
                        const double *y)
{
    ref_ols *o = must(1, sizeof *o);
    long double sd;
    o->n = n;
    o->q = covariates;
    o->x = must((size_t)(covariates + 1) * n, sizeof *o->x);
    o->y = must(n, sizeof *o->y);
    for (uint32_t a = 0; a < covariates; a++)
        ref_standardise(covariate[a], n, o->x + (size_t)a * n, &sd);
    ref_standardise(y, n, o->y, &o->sd_y);
    o->a = must((size_t)covariates * covariates, sizeof *o->a);
    o->right = must(covariates, sizeof *o->right);
    for (uint32_t i = 0; i < covariates; i++) {
        for (uint32_t j = 0; j < covariates; j++)
            o->a[i * covariates + j] = dot(o->x + (size_t)i * n, o->x + (size_t)j * n, n);
        o->right[i] = dot(o->x + (size_t)i * n, o->y, n);
    }
    return o;
}

void ref_ols_free(ref_ols *o)
{
    if (!o)
        return;
    free(o->x);
    free(o->y);
    free(o->a);
    free(o->right);
    free(o);
}

void ref_ols_fit(const ref_ols *o, const double *g, ref_fit *out)
{
    uint32_t n = o->n, m = o->q + 1, rhs = m + 1;
    long double *a = must((size_t)m * m, sizeof *a), *b = must((size_t)m * rhs, sizeof *b);
    long double *last = o->x + (size_t)o->q * n, *right = must(m, sizeof *right), sd;
    memset(out, 0, sizeof *out);
    ref_standardise(g, n, last, &sd);
    for (uint32_t i = 0; i < m; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            long double c = i + 1 < m ? o->a[i * (m - 1) + j] : dot(last, o->x + (size_t)j * n, n);
            a[i * m + j] = a[j * m + i] = c;
            if (i != j)
                out->max_corr = fmax(out->max_corr, (double)fabsl(c / (n - 1)));
        }
        right[i] = b[i * rhs] = i + 1 < m ? o->right[i] : dot(last, o->y, n);
        b[i * rhs + 1 + i] = 1;
    }
    if (!(sd > 0) || !ref_solve(a, b, m, rhs)) {
        out->singular = 1;
        goto done;
    }
    long double rss = dot(o->y, o->y, n), df = (long double)n - m - 1;
    for (uint32_t i = 0; i < m; i++) {
        rss -= b[i * rhs] * right[i];
        out->max_vif = fmax(out->max_vif, (double)(b[i * rhs + 1 + i] * (n - 1)));
    }
    long double beta = b[(m - 1) * rhs], se = sqrtl(rss / df * b[(m - 1) * rhs + m]);
    out->beta = (double)(beta * o->sd_y / sd);
    out->se = (double)(se * o->sd_y / sd);
    out->stat = (double)(beta / se);
    out->df = (double)df;
    out->log10p = ref_log10p_t(out->stat, out->df);
done:
    free(a);
    free(b);
    free(right);
}
