/* The largest embedding against a sum over all embeddings in long double. */
#include <math.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_random.h"
#include "host/ring/ring.h"

static double slow(const int8_t *s, uint32_t n)
{
    const long double pi = acosl(-1);
    long double top = 0;
    for (uint32_t k = 0; k < n; k++) {
        long double re = 0, im = 0;
        for (uint32_t j = 0; j < n; j++) {
            long double angle = pi * (long double)((uint64_t)j * (2 * k + 1) % (2 * n)) / n;
            re += s[j] * cosl(angle);
            im += s[j] * sinl(angle);
        }
        top = fmaxl(top, re * re + im * im);
    }
    return (double)top;
}

Test(spectrum, small_rings)
{
    ref_random r = ref_random_start(1);
    for (uint32_t log_n = 1; log_n <= 9; log_n++)
        for (int run = 0; run < 3; run++) {
            int8_t s[512];
            double max, norm2, want2 = 0;
            const uint32_t n = 1u << log_n;
            for (uint32_t j = 0; j < n; j++) {
                s[j] = (int8_t)(run == 0   ? 1
                                : run == 1 ? (int)ref_random_below(&r, 3) - 1
                                           : (int)ref_random_below(&r, 256) - 128);
                want2 += s[j] * s[j];
            }
            cr_assert_eq(hel_spectrum_max(NULL, log_n, s, &max, &norm2), HEL_OK);
            double want = slow(s, n);
            cr_assert_lt(fabs(max - want), 1e-9 * want, "log_n %u run %d: %.17g, want %.17g", log_n,
                         run, max, want);
            cr_assert_eq(norm2, want2);
        }
}

/* All ones: the sum at zeta is 2 / (1 - zeta), largest at k = 0 with 1 / sin^2(pi / 2N). */
Test(spectrum, known_value_at_every_size)
{
    static int8_t s[1u << HEL_LOG_N_MAX];
    for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
        const uint32_t n = 1u << log_n;
        double max, norm2;
        for (uint32_t j = 0; j < n; j++)
            s[j] = 1;
        cr_assert_eq(hel_spectrum_max(NULL, log_n, s, &max, &norm2), HEL_OK);
        double want = pow(sin(acos(-1) / 2 / n), -2);
        cr_assert_lt(fabs(max - want), 1e-9 * want, "log_n %u: %.17g, want %.17g", log_n, max,
                     want);
        cr_assert_eq(norm2, n);
        for (uint32_t j = 0; j < n; j++)
            s[j] = 0;
        s[n - 1] = -1; /* a monomial: every embedding has absolute value 1 */
        cr_assert_eq(hel_spectrum_max(NULL, log_n, s, &max, &norm2), HEL_OK);
        cr_assert_lt(fabs(max - 1), 1e-9);
        cr_assert_eq(norm2, 1);
    }
}

Test(spectrum, failures)
{
    int8_t s[4] = {1, 0, 0, 0};
    double max, norm2;
    uint64_t before = hel_mem_in_use();
    cr_assert_eq(hel_spectrum_max(NULL, 0, s, &max, &norm2), HEL_E_USAGE);
    cr_assert_eq(hel_spectrum_max(NULL, HEL_LOG_N_MAX + 1, s, &max, &norm2), HEL_E_USAGE);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        hel_mem_fail_nth(nth);
        cr_assert_eq(hel_spectrum_max(NULL, 2, s, &max, &norm2), HEL_E_MEMORY);
        cr_assert_eq(hel_mem_in_use(), before);
    }
}
