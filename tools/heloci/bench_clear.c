/* Statistics of one trait; see bench_clear.h. */
#include "tools/heloci/bench_clear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct clear_trait {
    uint32_t n, analysed, k; /* samples, of those with a phenotype, columns with the intercept */
    int binary;
    uint8_t *use, *is_case; /* [n] */
    /* [analysed][k + 2]: what a genotype is multiplied with. Linear: orthonormal basis, residual.
     * Score: basis of W^(1/2) X times W^(1/2), residual; then the weight. */
    double *factor;
    double rss;  /* linear: of the null model */
    double *sum; /* [k + 2] */
};

void clear_trait_free(clear_trait *t)
{
    if (!t)
        return;
    free(t->use);
    free(t->is_case);
    free(t->factor);
    free(t->sum);
    free(t);
}

/* Twice is enough (Giraud et al. 2005). A column that the others explain is no model. */
static int orthonormalise(long double *q, uint32_t n, uint32_t k)
{
    for (uint32_t c = 0; c < k; c++) {
        long double *x = q + (size_t)c * n, before = 0, after = 0;
        for (uint32_t i = 0; i < n; i++)
            before += x[i] * x[i];
        for (uint32_t pass = 0; pass < 2; pass++)
            for (uint32_t b = 0; b < c; b++) {
                const long double *y = q + (size_t)b * n;
                long double dot = 0;
                for (uint32_t i = 0; i < n; i++)
                    dot += x[i] * y[i];
                for (uint32_t i = 0; i < n; i++)
                    x[i] -= dot * y[i];
            }
        for (uint32_t i = 0; i < n; i++)
            after += x[i] * x[i];
        if (!(after > 1e-16L * before))
            return 0;
        for (uint32_t i = 0; i < n; i++)
            x[i] /= sqrtl(after);
    }
    return 1;
}

/* x less its projection, twice. */
static void project_out(long double *x, const long double *q, uint32_t n, uint32_t k)
{
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t c = 0; c < k; c++) {
            const long double *y = q + (size_t)c * n;
            long double dot = 0;
            for (uint32_t i = 0; i < n; i++)
                dot += x[i] * y[i];
            for (uint32_t i = 0; i < n; i++)
                x[i] -= dot * y[i];
        }
}

/* Columns of the analysed samples: 1, then the covariates at mean 0 and standard deviation 1. */
static void fill_columns(const clear_trait *t, const double *const *covariate, long double *x)
{
    const uint32_t n = t->analysed;
    for (uint32_t c = 0; c < t->k; c++) {
        long double *out = x + (size_t)c * n, mean = 0, square = 0;
        for (uint32_t i = 0, at = 0; i < t->n; i++)
            if (t->use[i])
                out[at++] = c == 0 ? 1 : covariate[c - 1][i];
        if (c == 0)
            continue;
        for (uint32_t i = 0; i < n; i++)
            mean += out[i] / n;
        for (uint32_t i = 0; i < n; i++) {
            out[i] -= mean;
            square += out[i] * out[i] / n;
        }
        for (uint32_t i = 0; i < n && square > 0; i++)
            out[i] /= sqrtl(square);
    }
}

static void set_factor(clear_trait *t, const long double *q, const long double *residual,
                       const long double *weight)
{
    const uint32_t width = t->k + 2;
    for (uint32_t i = 0; i < t->analysed; i++) {
        double *row = t->factor + (size_t)i * width;
        const long double root = weight ? sqrtl(weight[i]) : 1;
        for (uint32_t c = 0; c < t->k; c++)
            row[c] = (double)(q[(size_t)c * t->analysed + i] * root);
        row[t->k] = (double)residual[i];
        row[t->k + 1] = weight ? (double)weight[i] : 1;
    }
}

static int prepare_linear(clear_trait *t, long double *x, long double *y)
{
    if (!orthonormalise(x, t->analysed, t->k))
        return 0;
    project_out(y, x, t->analysed, t->k);
    for (uint32_t i = 0; i < t->analysed; i++)
        t->rss += (double)(y[i] * y[i]);
    set_factor(t, x, y, NULL);
    return t->analysed > t->k + 1;
}

/* Newton's method on the basis: X is replaced by an orthonormal one first, so that the steps are
 * well conditioned. Fills residual (y - p) and weight p (1 - p). */
static int fit_logistic(uint32_t n, uint32_t k, const long double *q, const long double *y,
                        long double *residual, long double *weight, long double *scratch)
{
    long double *eta = scratch, *basis = scratch + n, *step = basis + (size_t)k * n;
    for (uint32_t i = 0; i < n; i++)
        eta[i] = 0;
    for (int iteration = 0; iteration < 100; iteration++) {
        long double size = 0;
        for (uint32_t i = 0; i < n; i++) {
            const long double p = 1 / (1 + expl(-eta[i]));
            residual[i] = y[i] - p;
            weight[i] = p * (1 - p);
            if (!(weight[i] > 1e-14L))
                return 0; /* separated */
        }
        /* the step in eta is the weighted projection of (y - p) / w onto X */
        for (uint32_t i = 0; i < n; i++) {
            step[i] = residual[i] / sqrtl(weight[i]);
            for (uint32_t c = 0; c < k; c++)
                basis[(size_t)c * n + i] = q[(size_t)c * n + i] * sqrtl(weight[i]);
        }
        if (!orthonormalise(basis, n, k))
            return 0;
        for (uint32_t i = 0; i < n; i++)
            step[n + i] = step[i];
        project_out(step, basis, n, k);
        for (uint32_t i = 0; i < n; i++) {
            const long double d = (step[n + i] - step[i]) / sqrtl(weight[i]);
            eta[i] += d;
            size = fmaxl(size, fabsl(d));
        }
        if (size < 1e-13L)
            return 1;
    }
    return 0;
}

static int prepare_score(clear_trait *t, long double *x, long double *y)
{
    const size_t n = t->analysed, k = t->k;
    long double *scratch = malloc((n * (k + 3) + 2 * n) * sizeof *scratch);
    int good = 0;
    if (scratch && orthonormalise(x, t->analysed, t->k)) {
        long double *residual = scratch, *weight = scratch + n;
        good = fit_logistic(t->analysed, t->k, x, y, residual, weight, scratch + 2 * n);
        for (size_t c = 0; good && c < k; c++)
            for (size_t i = 0; i < n; i++)
                x[c * n + i] *= sqrtl(weight[i]);
        good = good && orthonormalise(x, t->analysed, t->k);
        if (good)
            set_factor(t, x, residual, weight);
    }
    free(scratch);
    return good;
}

void clear_trait_create(clear_trait **out, uint32_t n, uint32_t covariates,
                        const double *const *covariate, const double *y, int binary)
{
    clear_trait *t = calloc(1, sizeof *t);
    long double *x = NULL, *left = NULL;
    int good = 0;
    *out = NULL;
    if (!t)
        return;
    *t = (clear_trait){.n = n, .k = covariates + 1, .binary = binary};
    t->use = calloc(n, 1);
    t->is_case = calloc(n, 1);
    t->sum = calloc(t->k + 2, sizeof *t->sum);
    for (uint32_t i = 0; t->use && t->is_case && i < n; i++) {
        t->use[i] = (uint8_t)!isnan(y[i]);
        t->is_case[i] = (uint8_t)(binary && y[i] > 0.5);
        t->analysed += t->use[i];
    }
    t->factor = calloc((size_t)t->analysed * (t->k + 2) + 1, sizeof *t->factor);
    x = calloc((size_t)t->analysed * t->k + 1, sizeof *x);
    left = calloc((size_t)t->analysed + 1, sizeof *left);
    if (t->use && t->is_case && t->sum && t->factor && x && left) {
        fill_columns(t, covariate, x);
        for (uint32_t i = 0, at = 0; i < n; i++)
            if (t->use[i])
                left[at++] = y[i];
        good = binary ? prepare_score(t, x, left) : prepare_linear(t, x, left);
    }
    free(x);
    free(left);
    if (good)
        *out = t;
    else
        clear_trait_free(t);
}

static void count(const clear_trait *t, const uint8_t *calls, clear_row *out)
{
    uint32_t seen[4] = {0};
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < t->n; i++) {
        if (!t->use[i])
            continue;
        seen[calls[i]]++;
        if (t->is_case[i] && calls[i] != 3) {
            out->cases_called++;
            out->cases_copies += calls[i];
        }
    }
    out->called = seen[0] + seen[1] + seen[2];
    out->missing = seen[3];
    out->copies = seen[1] + 2 * seen[2];
    out->constant = (seen[0] > 0) + (seen[1] > 0) + (seen[2] > 0) < 2;
    out->beta = out->se = out->statistic = out->log10p = NAN;
}

void clear_trait_variant(clear_trait *t, const uint8_t *calls, clear_row *out)
{
    const uint32_t width = t->k + 2;
    double square = 0, weighted = 0, all = 0;
    count(t, calls, out);
    if (out->constant)
        return;
    const double mean = (double)out->copies / out->called;
    for (uint32_t c = 0; c < width; c++)
        t->sum[c] = 0;
    for (uint32_t i = 0, at = 0; i < t->n; i++) {
        if (!t->use[i])
            continue;
        const double *row = t->factor + (size_t)at++ * width;
        const double g = calls[i] == 3 ? 0 : calls[i] - mean; /* the constant is in the basis */
        for (uint32_t c = 0; c <= t->k; c++)
            t->sum[c] += g * row[c];
        square += g * g * row[t->k + 1];
        weighted += g * row[t->k + 1];
        all += row[t->k + 1];
    }
    double v = square;
    for (uint32_t c = 0; c < t->k; c++)
        v -= t->sum[c] * t->sum[c];
    const double u = t->sum[t->k], total = square - weighted * weighted / all;
    out->unexplained = v / total;
    if (t->binary) {
        out->beta = u / v;
        out->se = 1 / sqrt(v);
        out->statistic = u / sqrt(v);
        out->log10p = bench_tail(out->statistic, 0);
    } else {
        const double df = (double)t->analysed - t->k - 1, rss = t->rss - u * u / v;
        out->beta = u / v;
        out->se = sqrt(rss / df / v);
        out->statistic = out->beta / out->se;
        out->log10p = bench_tail(out->statistic, df);
    }
}
