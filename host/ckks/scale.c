/*
 * Double-double arithmetic for scales: Dekker, "A floating-point technique for extending the
 * available precision", Numer. Math. 18 (1971); sums by Knuth, TAOCP 2, 4.2.2. Products are split
 * by fma(), so that the compiler must not contract anything else (-ffp-contract=off). Scales stay
 * between 2^-400 and 2^400: nothing here overflows or becomes subnormal.
 */
#include <math.h>

#include "host/ckks/scale.h"

/* a + b = hi + lo exactly */
static hel_scale two_sum(double a, double b)
{
    double s = a + b, part = s - a;
    return (hel_scale){s, (a - (s - part)) + (b - part)};
}

/* The same for |a| >= |b| or a = 0. */
static hel_scale quick_sum(double a, double b)
{
    double s = a + b;
    return (hel_scale){s, b - (s - a)};
}

/* a b = hi + lo exactly */
static hel_scale two_product(double a, double b)
{
    double p = a * b;
    return (hel_scale){p, fma(a, b, -p)};
}

hel_scale hel_scale_of(double x)
{
    return (hel_scale){x, 0};
}

hel_scale hel_scale_of_u64(uint64_t x)
{
    return two_sum(ldexp((double)(x >> 32), 32), (double)(x & UINT32_MAX));
}

/* The product of the low parts and two roundings are lost: below 2^-103 of the result. */
hel_scale hel_scale_mul(hel_scale a, hel_scale b)
{
    hel_scale p = two_product(a.hi, b.hi);
    return quick_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

/* a - q b to about 106 bits of a, where q b is near a */
static hel_scale remainder_of(hel_scale a, double q, hel_scale b)
{
    hel_scale p = two_product(q, b.hi);
    hel_scale s = two_sum(a.hi, -p.hi);
    return quick_sum(s.hi, s.lo + (a.lo - (p.lo + q * b.lo)));
}

/* Long division by two digits of 53 bits: below 2^-102 of the result. */
hel_scale hel_scale_div(hel_scale a, hel_scale b)
{
    double q = a.hi / b.hi;
    return quick_sum(q, remainder_of(a, q, b).hi / b.hi);
}

double hel_scale_log2(hel_scale a)
{
    return log2(a.hi) + a.lo / a.hi * 1.4426950408889634; /* 1 / ln 2 */
}

double hel_scale_relative(hel_scale a, hel_scale b)
{
    hel_scale high = two_sum(a.hi, -b.hi), low = two_sum(a.lo, -b.lo);
    hel_scale sum = two_sum(high.hi, low.hi); /* the high parts may cancel: nothing is rounded */
    return (sum.hi + (sum.lo + (high.lo + low.lo))) / b.hi;
}

int hel_scale_equal(hel_scale a, hel_scale b)
{
    return fabs(hel_scale_relative(a, b)) < 0x1p-80;
}
