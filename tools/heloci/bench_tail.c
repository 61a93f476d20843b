/* Tails by quadrature; see bench_clear.h. */
#include <math.h>

#include "tools/heloci/bench_clear.h"

#define LN10 2.302585092994045684
#define PI   3.141592653589793238

/* log of the density at x over that at t, both >= 0. */
static double relative(double x, double t, double df)
{
    if (df <= 0)
        return -(x - t) * (x + t) / 2;
    return -(df + 1) / 2 * (log1p(x * x / df) - log1p(t * t / df));
}

static double log_density(double t, double df)
{
    if (df <= 0)
        return -t * t / 2 - log(2 * PI) / 2;
    const long double half = (long double)df / 2;
    const double constant = (double)(lgammal(half + 0.5L) - lgammal(half));
    return constant - log(df * PI) / 2 - (df + 1) / 2 * log1p(t * t / df);
}

/* The length over which the density falls: by its logarithm's slope, at most 1. */
static double length_of(double t, double df)
{
    const double slope = df <= 0 ? t : (df + 1) * t / (df + t * t);
    return slope > 1 ? 1 / slope : 1;
}

/* p = 2 f(t) L times the integral over s > 0 of f(t + L s) / f(t), s = exp(pi/2 sinh u): the sum
 * converges like exp(-c / step). */
double bench_tail(double statistic, double df)
{
    const double t = fabs(statistic), length = length_of(t, df), step = 1.0 / 32;
    if (!isfinite(t))
        return t > 0 ? INFINITY : NAN;
    double sum = 0;
    for (int i = -160; i <= 160; i++) {
        const double u = i * step, s = exp(PI / 2 * sinh(u));
        if (!(s > 0) || !isfinite(s))
            continue;
        const double f = relative(t + length * s, t, df);
        if (f > -745)
            sum += exp(f) * s * cosh(u);
    }
    const double log_p = log_density(t, df) + log(2 * length * PI / 2 * step * sum);
    return log_p < 0 ? -log_p / LN10 : 0;
}
