/*
 * Statistics of a table: genomic control, order-statistic bands, loci.
 * lambda_GC: Devlin and Roeder 1999. The i-th smallest of n uniform p-values is Beta(i, n + 1 - i);
 * its distribution function by the continued fraction DLMF 8.17.22 (modified Lentz).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/assoc/report_private.h"
#include "host/assoc/tail.h"
#include "host/base/mem.h"

#define CHISQ1_MEDIAN 0.454936423119572728 /* R: qchisq(0.5, 1) */

double hel_chisq1_of_log10p(double log10p)
{
    if (!(log10p > 0))
        return 0;
    double low = 0, high = 1;
    while (hel_log10p_chisq1(high) < log10p) {
        low = high;
        high *= 2;
    }
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
        double middle = 0.5 * (low + high);
        if (hel_log10p_chisq1(middle) < log10p)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

double hel_lambda_gc(const double *descending, size_t count)
{
    if (count == 0)
        return NAN;
    double median = hel_chisq1_of_log10p(descending[count / 2]);
    if (count % 2 == 0)
        median = 0.5 * (median + hel_chisq1_of_log10p(descending[count / 2 - 1]));
    return median / CHISQ1_MEDIAN;
}

/* Lentz: the continued fraction of I_x(a, b), good for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m < 100000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            f *= c * d;
        }
        if (fabs(c * d - 1) < 1e-14)
            break;
    }
    return f;
}

static double log_gamma(double a)
{
    int sign;
    return lgamma_r(a, &sign);
}

/* I_x(a, b) for x = e^log_x */
static double beta_distribution(double log_x, double a, double b)
{
    double x = exp(log_x), log_y = log1p(-x);
    if (x <= 0 || x >= 1)
        return x >= 1;
    double front = a * log_x + b * log_y + log_gamma(a + b) - log_gamma(a) - log_gamma(b);
    if (x < (a + 1) / (a + b + 2))
        return exp(front) * beta_fraction(x, a, b) / a;
    return 1 - exp(front) * beta_fraction(1 - x, b, a) / b;
}

double hel_log10_beta_quantile(double q, double a, double b)
{
    double low = -700, high = 0; /* log x */
    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);
        if (beta_distribution(middle, a, b) < q)
            low = middle;
        else
            high = middle;
    }
    return -0.5 * (low + high) / M_LN10;
}

/* ---- loci ---- */

typedef struct candidate {
    double log10p;
    size_t index;
} candidate;

static int by_strength(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->log10p != y->log10p)
        return x->log10p > y->log10p ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index); /* ties: file order */
}

/* Positions lie within +-2^53, so the difference cannot overflow. */
static int within(const hel_glm_variant *a, const hel_glm_variant *b, uint64_t window)
{
    int64_t distance = a->pos > b->pos ? a->pos - b->pos : b->pos - a->pos;
    return a->chrom == b->chrom && (uint64_t)distance <= window;
}

static void count_members(const hel_glm_table *t, uint64_t window, double suggestive,
                          hel_locus *loci, size_t count)
{
    for (size_t i = 0; i < t->variants; i++) {
        const hel_glm_variant *v = &t->variant[i];
        if (isnan(v->log10p))
            continue;
        for (size_t l = 0; l < count; l++)
            if (within(v, &t->variant[loci[l].lead], window)) {
                loci[l].tested++;
                loci[l].supports += v->log10p >= suggestive;
            }
    }
}

hel_status hel_find_loci(hel_engine *engine, const hel_glm_table *t, uint64_t window, double floor,
                         double suggestive, hel_locus *loci, size_t *count)
{
    size_t room = *count, candidates = 0, found = 0;
    candidate *c;
    *count = 0;
    for (size_t i = 0; i < t->variants; i++)
        candidates += t->variant[i].log10p >= floor; /* NaN compares false */
    HEL_TRY(hel_malloc(engine, &c, candidates, sizeof *c));
    candidates = 0;
    for (size_t i = 0; i < t->variants; i++)
        if (t->variant[i].log10p >= floor)
            c[candidates++] = (candidate){t->variant[i].log10p, i};
    qsort(c, candidates, sizeof *c, by_strength);
    for (size_t i = 0; i < candidates && found < room; i++) {
        size_t l = 0;
        while (l < found && !within(&t->variant[c[i].index], &t->variant[loci[l].lead], window))
            l++;
        if (l == found)
            loci[found++] = (hel_locus){c[i].index, 0, 0};
    }
    hel_free(c);
    count_members(t, window, suggestive, loci, found);
    *count = found;
    return HEL_OK;
}
