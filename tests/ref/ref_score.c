#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_score.h"
#include "tests/ref/ref_tail.h"

struct ref_score {
    uint32_t n, k;
    long double *x; /* k columns, column 0 = 1 */
    long double *r, *w;
};

static void *must(size_t count, size_t bytes)
{
    void *p = calloc(count ? count : 1, bytes);
    if (!p)
        abort();
    return p;
}

void ref_score_free(ref_score *s)
{
    if (!s)
        return;
    free(s->x);
    free(s->r);
    free(s->w);
    free(s);
}

/* X'WX and X'v */
static void normal(const ref_score *s, const long double *v, long double *a, long double *b)
{
    uint32_t n = s->n, k = s->k;
    memset(a, 0, (size_t)k * k * sizeof *a);
    memset(b, 0, k * sizeof *b);
    for (uint32_t l = 0; l < k; l++)
        for (uint32_t i = 0; i < n; i++) {
            long double wx = s->w[i] * s->x[(size_t)l * n + i];
            for (uint32_t j = 0; j <= l; j++)
                a[l * k + j] += wx * s->x[(size_t)j * n + i];
            b[l] += s->x[(size_t)l * n + i] * v[i];
        }
    for (uint32_t l = 0; l < k; l++)
        for (uint32_t j = l + 1; j < k; j++)
            a[l * k + j] = a[j * k + l];
}

static long double predict(ref_score *s, const long double *beta, const double *y)
{
    long double deviance = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        long double eta = 0;
        for (uint32_t l = 0; l < s->k; l++)
            eta += beta[l] * s->x[(size_t)l * s->n + i];
        long double p = 1 / (1 + expl(-eta)), z = y[i] > 0 ? -eta : eta;
        s->r[i] = y[i] - p;
        s->w[i] = p * (1 - p);
        deviance += 2 * (fmaxl(z, 0) + log1pl(expl(-fabsl(z))));
    }
    return deviance;
}

ref_score *ref_score_create(uint32_t n, uint32_t covariates, const double *const *covariate,
                            const double *y)
{
    uint32_t k = covariates + 1;
    ref_score *s = must(1, sizeof *s);
    long double *a = must((size_t)k * k, sizeof *a), *b = must(k, sizeof *b), sd;
    long double *beta = must(k, sizeof *beta), *trial = must(k, sizeof *trial);
    int converged = 0;
    *s = (ref_score){.n = n, .k = k};
    s->x = must((size_t)k * n, sizeof *s->x);
    s->r = must(n, sizeof *s->r);
    s->w = must(n, sizeof *s->w);
    for (uint32_t i = 0; i < n; i++)
        s->x[i] = 1;
    for (uint32_t c = 0; c < covariates; c++)
        ref_standardise(covariate[c], n, s->x + (size_t)(c + 1) * n, &sd);
    long double deviance = predict(s, beta, y);
    for (int iteration = 0; iteration < 200 && !converged; iteration++) {
        normal(s, s->r, a, b);
        if (!ref_solve(a, b, k, 1))
            break;
        long double step = 1, next, size = 0;
        for (int halving = 0; halving < 60; halving++, step /= 2) {
            for (uint32_t l = 0; l < k; l++)
                trial[l] = beta[l] + step * b[l];
            next = predict(s, trial, y);
            if (next <= deviance * (1 + 1e-16L))
                break;
        }
        for (uint32_t l = 0; l < k; l++) {
            size = fmaxl(size, fabsl(b[l]));
            beta[l] = trial[l];
        }
        deviance = next;
        converged = size < 1e-14L;
    }
    free(a);
    free(b);
    free(beta);
    free(trial);
    if (converged)
        return s;
    ref_score_free(s);
    return NULL;
}

void ref_score_fit(const ref_score *s, const double *g, ref_fit *out)
{
    uint32_t n = s->n, k = s->k;
    long double *a = must((size_t)k * k, sizeof *a), *b = must(k, sizeof *b);
    long double *gw = must(n, sizeof *gw), *keep = must(k, sizeof *keep), u = 0, v = 0;
    /* the shift changes nothing (X holds the constant) and saves digits */
    long double total = 0, weight = 0, mean = 0;
    for (uint32_t i = 0; i < n; i++) {
        mean += s->w[i] * g[i];
        weight += s->w[i];
    }
    mean /= weight;
    for (uint32_t i = 0; i < n; i++) {
        long double d = g[i] - mean;
        gw[i] = s->w[i] * d;
        u += s->r[i] * d;
        total += gw[i] * d;
    }
    normal(s, gw, a, b);
    memcpy(keep, b, k * sizeof *keep);
    memset(out, 0, sizeof *out);
    out->singular = !ref_solve(a, b, k, 1);
    v = total;
    for (uint32_t l = 0; l < k; l++)
        v -= b[l] * keep[l];
    if (!(v > 1e-12L * total) || !(total > 0))
        out->singular = 1;
    if (!out->singular) {
        out->beta = (double)(u / v);
        out->se = (double)(1 / sqrtl(v));
        out->stat = (double)(u / sqrtl(v));
        out->log10p = ref_log10p_normal(out->stat);
    }
    free(a);
    free(b);
    free(gw);
    free(keep);
}
