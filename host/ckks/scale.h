/*
 * Scales: positive numbers carried as an unevaluated sum of two doubles (106 bits). A scale is a
 * product of primes, integers and powers of two; along any circuit of this library it is exact to
 * 2^-100 per operation, so that a depth of 100 squarings of nothing but rounding errors is still
 * far below the precision of a slot. Knuth's and Dekker's error-free sums and products.
 */
#ifndef HEL_CKKS_SCALE_H
#define HEL_CKKS_SCALE_H

#include "host/base/error.h"

typedef struct hel_scale {
    double hi, lo; /* |lo| <= ulp(hi) / 2 */
} hel_scale;

hel_scale hel_scale_of(double x);       /* exactly */
hel_scale hel_scale_of_u64(uint64_t x); /* exactly */
hel_scale hel_scale_mul(hel_scale a, hel_scale b);
hel_scale hel_scale_div(hel_scale a, hel_scale b);
double hel_scale_log2(hel_scale a);
/* Relative difference below 2^-80: two scales that the same circuit steps gave. */
int hel_scale_equal(hel_scale a, hel_scale b);
/* a / b - 1, small numbers exactly: how far two scales are apart. */
double hel_scale_relative(hel_scale a, hel_scale b);

#endif
