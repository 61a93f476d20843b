/*
 * The canonical embedding by its definition, in long double, and integers of any size for its
 * residues. Nothing here is fast.
 */
#ifndef HEL_REF_EMBEDDING_H
#define HEL_REF_EMBEDDING_H

#include <stdint.h>

#include "tests/ref/ref_random.h"

/* ---- values of a real polynomial modulo X^N + 1 ---- */

typedef struct ref_roots {
    uint32_t n;
    long double *re, *im; /* exp(i pi t / N), t < 2N */
} ref_roots;

ref_roots ref_roots_of(uint32_t log_n);
void ref_roots_free(ref_roots *r);
/* Slot j, the value at zeta^(5^j), of the polynomial with coefficients x[k] at X^(k gap),
 * k < count */
void ref_slot(const ref_roots *r, const double *x, uint32_t count, uint32_t gap, uint32_t j,
              long double value[2]);

/* ---- integers: sign and magnitude, little-endian words ---- */

#define REF_INTEGER_WORDS 128

typedef struct ref_integer {
    int negative;
    uint32_t word[REF_INTEGER_WORDS];
} ref_integer;

ref_integer ref_integer_of(int64_t v);
ref_integer ref_integer_product(const uint32_t *q, uint32_t count); /* of q[0] .. q[count - 1] */
void ref_integer_half(ref_integer *a);                              /* rounds towards zero */
void ref_integer_sub(ref_integer *a, uint32_t v);                   /* |a| - v, |a| >= v */
/* Uniform magnitude below 2^bits, random sign */
ref_integer ref_integer_random(ref_random *r, uint32_t bits);
uint32_t ref_integer_bits(const ref_integer *a); /* of the magnitude; 0 for 0 */
uint32_t ref_integer_mod(const ref_integer *a, uint32_t q);
long double ref_integer_value(const ref_integer *a); /* upper 64 bits, the rest cut off */

/* round(p), ties to even, modulo q, for any finite p */
uint32_t ref_double_mod(double p, uint32_t q);

#endif
