/* Real columns to integers of b bits, and exact sums over such integers. */
#include <math.h>

#include "host/assoc/model_private.h"

double hel_quantise(const double *x, uint32_t n, const uint32_t *row, uint32_t bits, int32_t *w)
{
    double peak = 0;
    for (uint32_t i = 0; i < n; i++)
        peak = fmax(peak, fabs(x[i]));
    double scale = peak > 0 ? hel_column_peak(bits) / peak : 1;
    int32_t limit = hel_column_peak(bits);
    for (uint32_t i = 0; i < n; i++) {
        int32_t z = (int32_t)lround(x[i] * scale);
        w[row[i]] = z > limit ? limit : z < -limit ? -limit : z;
    }
    return scale;
}

/* Products stay below 2^46 (24-bit columns), so 2^16 of them fit an int64. */
#define DOT_BLOCK 65536u

double hel_quantised_dot(const int32_t *a, const int32_t *b, uint32_t samples)
{
    __int128 total = 0;
    for (uint32_t from = 0; from < samples;) {
        uint32_t to = samples - from > DOT_BLOCK ? from + DOT_BLOCK : samples;
        int64_t part = 0;
        for (uint32_t i = from; i < to; i++)
            part += (int64_t)a[i] * b[i];
        total += part;
        from = to;
    }
    return (double)total;
}

double hel_quantised_dot_over(const int32_t *a, const int32_t *b, const int32_t *w,
                              const uint32_t *row, uint32_t n)
{
    long double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = row[i];
        sum += (long double)((int64_t)a[r] * b[r]) / w[r];
    }
    return (double)sum;
}

double hel_direction_dot(const double *dir, double scale, const hel_rows *rows, const int32_t *r)
{
    long double sum = 0;
    for (uint32_t i = 0; i < rows->n; i++)
        sum += (long double)dir[i] * r[rows->row[i]];
    return (double)(sum * scale);
}
