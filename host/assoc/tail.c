/*
 * Two-sided tails on the log scale. Continued fractions: erfc (Abramowitz & Stegun 7.1.14) and the
 * even part of DLMF 8.17.22 for the incomplete beta function, which takes 1 - x as a number of its
 * own and so keeps its digits when df is large; near t = 0 the power series DLMF 8.17.8.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/assoc/tail.h"

#define LN10    2.302585092994045684
#define LOG_PI  1.144729885849400174
#define SQRT1_2 0.707106781186547524

double hel_log10p_normal(double z)
{
    double x = fabs(z) * SQRT1_2;
    if (x == 0)
        return 0;
    if (x < 0.5) /* p near 1: keep the relative precision of a small -log p */
        return -log1p(-erf(x)) / LN10;
    if (x < 5)
        return -log10(erfc(x));
    double q = 0.5 / (x * x), f = 1;
    for (int i = 60; i > 0; i--)
        f = 1 + i * q / f;
    return (x * x + log(x) + 0.5 * LOG_PI + log(f)) / LN10;
}

double hel_log10p_chisq1(double x)
{
    return hel_log10p_normal(sqrt(x));
}

/* log(gamma(a + 1/2) / gamma(a)) */
static double log_gamma_ratio(double a)
{
    if (a < 30) {
        int sign;
        return lgamma_r(a + 0.5, &sign) - lgamma_r(a, &sign);
    }
    double r = 1 / a, r2 = r * r;
    return 0.5 * log(a) - r * (0.125 - r2 * (1.0 / 192 - r2 * (1.0 / 640 - r2 * 17.0 / 14336)));
}

/* sum over j of (a + 1/2)_j / (3/2)_j y^j: all terms positive */
static double beta_series(double a, double y)
{
    double term = 1, sum = 1;
    for (int j = 0; j < 2000; j++) {
        term *= (a + 0.5 + j) / (1.5 + j) * y;
        sum += term;
        if (term < 1e-17 * sum)
            break;
    }
    return sum;
}

/* I_x(a, 1/2) B(a, 1/2) / (x^a y^(1/2)), y = 1 - x */
static double beta_fraction(double a, double x, double y)
{
    const double b = 0.5, tiny = 1e-300;
    double f = a * (a * y - b * x + 1) / (a + 1), c, d = 0;
    if (f == 0)
        f = tiny;
    c = f;
    for (int m = 1; m < 5000; m++) {
        double t = a + 2 * m - 1;
        double an = (a + m - 1) / t * ((a + b + m - 1) / t) * m * (b - m) * x * x;
        double bn = m + m * (b - m) * x / t + (a + m) * (a * y - b * x + 1 + m * (2 - x)) / (t + 2);
        d = bn + an * d;
        d = 1 / (d == 0 ? tiny : d);
        c = bn + an / c;
        if (c == 0)
            c = tiny;
        double step = c * d;
        f *= step;
        if (fabs(step - 1) < 1e-15)
            break;
    }
    return 1 / f;
}

double hel_log10p_t(double t, double df)
{
    if (t == 0)
        return 0;
    double a = 0.5 * df, log_u = 2 * log(fabs(t)) - log(df), u = exp(log_u);
    if (log_u < 700)
        u = t / df * t;                         /* exact where exp would only lose digits */
    double l1 = log_u < 700 ? log1p(u) : log_u; /* log(1 + u) */
    double x = exp(-l1), y = log_u < 700 ? u / (1 + u) : 1;
    double log_beta = 0.5 * LOG_PI - log_gamma_ratio(a); /* log B(a, 1/2) */
    if (y * (a + 2.5) < 1.5 || (a > 10 && fabs(t) < 4)) {
        double lower = exp(0.5 * (log_u - l1) - a * l1 - log_beta) * 2 * beta_series(a, y);
        if (lower < 1)
            return -log1p(-lower) / LN10;
    }
    double log_p = -a * l1 + 0.5 * (log_u - l1) - log_beta + log(beta_fraction(a, x, y));
    return log_p < 0 ? -log_p / LN10 : 0;
}

/* printf follows the program's locale; tables do not. */
static void decimal_point(char *text)
{
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '.';
}

void hel_format_p(char *out, size_t bytes, double log10p)
{
    if (!isfinite(log10p)) {
        snprintf(out, bytes, "NA");
        return;
    }
    if (log10p <= 300) {
        snprintf(out, bytes, "%.6g", log10p > 0 ? pow(10, -log10p) : 1.0);
        decimal_point(out);
        return;
    }
    double exponent = ceil(log10p), mantissa = pow(10, exponent - log10p);
    if (mantissa >= 9.999995) {
        mantissa = 1;
        exponent -= 1;
    }
    char digits[16];
    snprintf(digits, sizeof digits, "%.6g", mantissa);
    decimal_point(digits);
    snprintf(out, bytes, "%se-%.0f", digits, exponent);
}
