#include <math.h>

#include "tests/ref/ref_tail.h"

/* log of density(t + s) / density(t) */
typedef long double (*log_ratio)(long double t, long double s, long double df);

static long double ratio_t(long double t, long double s, long double df)
{
    return -0.5L * (df + 1) * log1pl((2 * t + s) * s / (df + t * t));
}

static long double ratio_normal(long double t, long double s, long double df)
{
    (void)df;
    return -(t + 0.5L * s) * s;
}

/* integral over s from 0 to infinity of exp(ratio), s = width exp(pi/2 sinh u) */
static long double integral(log_ratio f, long double t, long double df, long double width)
{
    const long double h = 1.0L / 32;
    long double sum = 0;
    for (int i = -200; i <= 200; i++) {
        long double u = i * h, e = expl(1.5707963267948966192L * sinhl(u));
        if (!(e > 0) || isinf(e))
            continue;
        long double jacobian = 1.5707963267948966192L * coshl(u) * e;
        long double part = expl(f(t, width * e, df)) * jacobian;
        if (isfinite(part))
            sum += part;
    }
    return sum * h * width;
}

double ref_log10p_t(double t, double df)
{
    long double x = fabsl(t), width = sqrtl((df + x * x) / (df + 1));
    long double slope = (df + 1) * x / (df + x * x);
    if (slope * width > 1)
        width = 1 / slope;
    long double log_c =
        lgammal((df + 1) / 2) - lgammal(df / 2) - 0.5L * logl(df * 3.14159265358979323846L);
    long double log_density = log_c - 0.5L * (df + 1) * log1pl(x * x / df);
    long double log_p = logl(2) + log_density + logl(integral(ratio_t, x, df, width));
    return (double)(-log_p / logl(10));
}

double ref_log10p_normal(double z)
{
    long double x = fabsl(z), width = x > 1 ? 1 / x : 1;
    long double log_density = -0.5L * logl(2 * 3.14159265358979323846L) - 0.5L * x * x;
    long double log_p = logl(2) + log_density + logl(integral(ratio_normal, x, 0, width));
    return (double)(-log_p / logl(10));
}
