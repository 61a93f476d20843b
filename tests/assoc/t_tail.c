/* Tail probabilities against published values and against quadrature; printing of p. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/assoc/tail.h"
#include "tests/ref/ref_random.h"
#include "tests/ref/ref_tail.h"

static void same(double got, double want, double relative, const char *what, double x, double df)
{
    cr_assert_leq(fabs(got - want), relative * fabs(want),
                  "%s at %.17g, df %.17g: %.17g, not %.17g", what, x, df, got, want);
}

/* R: pt and pnorm with log.p = TRUE */
Test(tail, values_of_r)
{
    const struct {
        double t, df, log10p;
    } known[] = {
        {60, 300, 168.411224026695},  {1000, 300, 529.788269887122}, {40, 5e5, 348.580569055709},
        {200, 1e6, 8519.06023361994}, {5, 1e8, 6.2416149447},        {45, 0, 441.474649581613},
        {38, 0, 315.238759708299},    {1e4, 0, 21714728.1932225},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        double x = known[i].t, df = known[i].df;
        double got = df > 0 ? hel_log10p_t(x, df) : hel_log10p_normal(x);
        same(got, known[i].log10p, 1e-9, "tail", x, df);
        cr_assert_eq(got, df > 0 ? hel_log10p_t(-x, df) : hel_log10p_normal(-x));
        if (df == 0)
            same(hel_log10p_chisq1(x * x), known[i].log10p, 1e-9, "chi-square", x, 1);
    }
}

Test(tail, nothing_is_certain)
{
    cr_assert_eq(hel_log10p_normal(0), 0);
    cr_assert_eq(hel_log10p_chisq1(0), 0);
    cr_assert_eq(hel_log10p_t(0, 1), 0);
    cr_assert_eq(hel_log10p_t(0, 1e8), 0);
    cr_assert(!signbit(hel_log10p_normal(0)) && !signbit(hel_log10p_t(0, 3)));
    cr_assert_gt(hel_log10p_normal(1e-12), 0);
    cr_assert(isfinite(hel_log10p_t(1e200, 10)) && isfinite(hel_log10p_t(1e-200, 10)));
    cr_assert(isfinite(hel_log10p_normal(1e150)));
}

/* Cauchy: p = 1 - 2 atan(t) / pi; df = 2: p = 1 - t / sqrt(2 + t^2) */
Test(tail, closed_forms)
{
    for (double t = 1e-6; t < 1e6; t *= 1.7) {
        double cauchy = -log10(2 / M_PI * atan(1 / t));
        double two = -log10(2 / ((2 + t * t) * (1 + t / sqrt(2 + t * t))));
        same(hel_log10p_t(t, 1), cauchy, t > 1e-2 ? 1e-11 : 1e-7, "df 1", t, 1);
        same(hel_log10p_t(t, 2), two, t > 1e-2 ? 1e-11 : 1e-7, "df 2", t, 2);
    }
}

Test(tail, against_quadrature, .timeout = 300)
{
    ref_random random = ref_random_start(1);
    size_t count = ref_scaled(400);
    for (size_t i = 0; i < count; i++) {
        double df = exp(ref_random_double(&random) * 14),
               t = exp(ref_random_double(&random) * 8 - 3);
        double want = ref_log10p_t(t, df);
        same(hel_log10p_t(t, df), want, 1e-10, "t", t, df);
        same(hel_log10p_normal(t), ref_log10p_normal(t), 1e-10, "normal", t, 0);
    }
}

/* across the seams of the methods, too */
Test(tail, monotone)
{
    const double df[] = {1, 2, 3, 19, 20, 21, 60, 61, 300, 1e4, 1e6, 1e8};
    for (size_t d = 0; d < sizeof df / sizeof df[0]; d++)
        for (double t = 0.001, last = 0; t < 60; t *= 1.003) {
            double now = hel_log10p_t(t, df[d]);
            cr_assert_gt(now, last, "df %g, t %.17g", df[d], t);
            last = now;
        }
    for (double z = 0.001, last = 0; z < 100; z *= 1.001) {
        cr_assert_gt(hel_log10p_normal(z), last, "z %.17g", z);
        last = hel_log10p_normal(z);
    }
    for (double n = 2; n < 1e8; n *= 2) /* a fatter tail with fewer degrees of freedom */
        cr_assert_gt(hel_log10p_t(6, 2 * n), hel_log10p_t(6, n), "df %g", n);
    cr_assert_gt(hel_log10p_normal(6), hel_log10p_t(6, 1e8));
}

static const char *printed(double log10p)
{
    static char text[32];
    hel_format_p(text, sizeof text, log10p);
    return text;
}

Test(tail, format)
{
    cr_assert_str_eq(printed(0), "1");
    cr_assert_str_eq(printed(1e-12), "1");
    cr_assert_str_eq(printed(-log10(4.10582e-05)), "4.10582e-05");
    cr_assert_str_eq(printed(-log10(0.484556)), "0.484556");
    cr_assert_str_eq(printed(-log10(0.000123)), "0.000123");
    cr_assert_str_eq(printed(-log10(0.5)), "0.5");
    cr_assert_str_eq(printed(300), "1e-300");
    cr_assert_str_eq(printed(300.0000001), "1e-300");
    cr_assert_str_eq(printed(300 + log10(2)), "5e-301");
    cr_assert_str_eq(printed(310), "1e-310");
    cr_assert_str_eq(printed(399.9999999), "1e-400");
    cr_assert_str_eq(printed(8519.06023361994), "8.70495e-8520");
    cr_assert_str_eq(printed(21714728.1932225), "6.40881e-21714729");
    cr_assert_str_eq(printed(NAN), "NA");
}

/* Never zero, and the text says what the logarithm said, to its six digits. */
Test(tail, format_is_never_zero)
{
    for (double lp = 1e-9; lp < 1e9; lp *= 1.01) {
        const char *text = printed(lp), *e = strchr(text, 'e');
        char mantissa[32];
        snprintf(mantissa, sizeof mantissa, "%.*s", e ? (int)(e - text) : (int)strlen(text), text);
        double back = -log10(atof(mantissa)) - (e ? atof(e + 1) : 0);
        cr_assert(atof(mantissa) > 0 && atof(mantissa) < 10, "%s", text);
        cr_assert_leq(fabs(back - lp), 2.2e-6 + 1e-15 * lp, "%s for %.17g", text, lp);
    }
}
