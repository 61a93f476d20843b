/* Fourier transforms of the simulated device: radix 2, in place, roots from the mathematical
 * library. Plain on purpose: it is the other side of a comparison with tolerance. */
#include <math.h>

#include "tests/sim/sim_private.h"

static void swap(double *a, double *b)
{
    const double t = *a;
    *a = *b;
    *b = t;
}

static void reverse_bits(double *x, uint32_t n)
{
    for (uint32_t i = 0, j = 0; i < n; i++) {
        if (i < j) {
            swap(x + 2 * i, x + 2 * j);
            swap(x + 2 * i + 1, x + 2 * j + 1);
        }
        uint32_t bit = n >> 1;
        for (; bit && (j & bit); bit >>= 1)
            j ^= bit;
        j |= bit;
    }
}

void sim_fourier_row(double *data, uint32_t log_n, int inverse)
{
    const uint32_t n = 1u << log_n;
    const double sign = inverse ? 1 : -1;
    reverse_bits(data, n);
    for (uint32_t half = 1; half < n; half *= 2)
        for (uint32_t j = 0; j < half; j++) {
            const double angle = sign * M_PI * j / half, c = cos(angle), s = sin(angle);
            for (uint32_t i = j; i < n; i += 2 * half) {
                double *a = data + 2 * i, *b = a + 2 * half;
                const double re = b[0] * c - b[1] * s, im = b[0] * s + b[1] * c;
                b[0] = a[0] - re;
                b[1] = a[1] - im;
                a[0] += re;
                a[1] += im;
            }
        }
}
