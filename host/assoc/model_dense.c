/* Dense helpers for k x k matrices; k is the number of covariates, a few dozen at most. */
#include <math.h>

#include "host/assoc/model_private.h"

int hel_dense_cholesky(const double *a, double *l, uint32_t k)
{
    for (uint32_t i = 0; i < k; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            long double s = a[i * k + j];
            double diagonal = a[i * k + i];
            for (uint32_t t = 0; t < j; t++)
                s -= (long double)l[i * k + t] * l[j * k + t];
            if (i == j) {
                if (!(s > 1e-12L * diagonal) || !(diagonal > 0) || !isfinite(diagonal))
                    return 0;
                l[i * k + i] = (double)sqrtl(s);
            } else {
                l[i * k + j] = (double)(s / l[j * k + j]);
            }
        }
    }
    for (uint32_t i = 0; i < k; i++)
        for (uint32_t j = i + 1; j < k; j++)
            l[i * k + j] = 0;
    return 1;
}

void hel_dense_invert_lower(const double *l, double *inverse, uint32_t k)
{
    for (uint32_t j = 0; j < k; j++) {
        for (uint32_t i = 0; i < j; i++)
            inverse[i * k + j] = 0;
        inverse[j * k + j] = 1 / l[j * k + j];
        for (uint32_t i = j + 1; i < k; i++) {
            long double s = 0;
            for (uint32_t t = j; t < i; t++)
                s -= (long double)l[i * k + t] * inverse[t * k + j];
            inverse[i * k + j] = (double)(s / l[i * k + i]);
        }
    }
}

double hel_dense_quadratic(const double *inverse, const double *c, uint32_t k)
{
    double sum = 0;
    for (uint32_t i = 0; i < k; i++) {
        double e = 0;
        for (uint32_t j = 0; j <= i; j++)
            e += inverse[i * k + j] * c[j];
        sum += e * e;
    }
    return sum;
}

static void swap_rows(double *a, uint32_t k, uint32_t i, uint32_t j)
{
    for (uint32_t t = 0; t < k; t++) {
        double keep = a[i * k + t];
        a[i * k + t] = a[j * k + t];
        a[j * k + t] = keep;
    }
}

int hel_dense_invert(double *a, double *inverse, uint32_t k)
{
    for (uint32_t i = 0; i < k * k; i++)
        inverse[i] = i % (k + 1) == 0;
    for (uint32_t c = 0; c < k; c++) {
        uint32_t best = c;
        for (uint32_t i = c + 1; i < k; i++)
            if (fabs(a[i * k + c]) > fabs(a[best * k + c]))
                best = i;
        double pivot = a[best * k + c];
        if (!(fabs(pivot) > 0) || !isfinite(pivot))
            return 0;
        swap_rows(a, k, c, best);
        swap_rows(inverse, k, c, best);
        for (uint32_t t = 0; t < k; t++) {
            a[c * k + t] /= pivot;
            inverse[c * k + t] /= pivot;
        }
        for (uint32_t i = 0; i < k; i++) {
            double f = a[i * k + c];
            if (i == c || f == 0)
                continue;
            for (uint32_t t = 0; t < k; t++) {
                a[i * k + t] -= f * a[c * k + t];
                inverse[i * k + t] -= f * inverse[c * k + t];
            }
        }
    }
    return 1;
}
