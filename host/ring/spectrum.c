/*
 * The largest squared embedding of a small polynomial. For zeta = exp(i pi (4k+1)/N), zeta^(N/2)
 * is i, so that s(zeta) = sum over j < N/2 of (s_j + i s_(j+N/2)) exp(i pi j/N) exp(4 pi i jk/N):
 * one complex transform of N/2 points. The embeddings left out are conjugates of these.
 */
#include <math.h>
#include <stdlib.h>

#include "host/base/mem.h"
#include "host/ring/ring_private.h"

#define PI 3.14159265358979323846

typedef struct complex_value {
    double re, im;
} complex_value;

static complex_value multiply(complex_value a, complex_value b)
{
    return (complex_value){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* z in bit-reversed order -> its transform in natural order; root[j] = exp(2 pi i j / 2^log_m) */
static void transform(complex_value *z, uint32_t log_m, const complex_value *root)
{
    const uint32_t m = 1u << log_m;
    for (uint32_t half = 1, stride = m / 2; half < m; half *= 2, stride /= 2)
        for (uint32_t i = 0; i < m; i += 2 * half)
            for (uint32_t j = 0; j < half; j++) {
                complex_value *a = &z[i + j], *b = a + half;
                complex_value t = multiply(*b, root[(size_t)j * stride]), u = *a;
                *a = (complex_value){u.re + t.re, u.im + t.im};
                *b = (complex_value){u.re - t.re, u.im - t.im};
            }
}

hel_status hel_spectrum_max(hel_engine *engine, uint32_t log_n, const int8_t *s, double *max,
                            double *norm2)
{
    HEL_REQUIRE(engine, log_n >= 1 && log_n <= HEL_LOG_N_MAX, HEL_E_USAGE,
                "spectrum: log2 N = %u is not in 1..%d", log_n, HEL_LOG_N_MAX);
    const uint32_t n = 1u << log_n, m = n / 2;
    complex_value *root, *z;
    hel_status status;
    HEL_TRY(hel_malloc(engine, &root, m, sizeof *root));
    HEL_TRY_GOTO(hel_secret_alloc(engine, &z, m * sizeof *z), done);
    *norm2 = 0;
    for (uint32_t j = 0; j < m; j++) {
        double angle = PI * j / n, re = s[j], im = s[j + m];
        complex_value twist = {cos(angle), sin(angle)};
        uint32_t at = log_n > 1 ? hel_bit_reverse(j, log_n - 1) : 0;
        z[at] = multiply((complex_value){re, im}, twist);
        root[j] = (complex_value){cos(4 * angle), sin(4 * angle)};
        *norm2 += re * re + im * im;
    }
    transform(z, log_n - 1, root);
    double top = 0;
    for (uint32_t k = 0; k < m; k++)
        top = fmax(top, z[k].re * z[k].re + z[k].im * z[k].im);
    *max = top;
    hel_secret_free(z);
done:
    hel_free(root);
    return status;
}
