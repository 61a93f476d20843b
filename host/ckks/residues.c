/* Integers given as scales (106 bits and a sign) modulo the primes of Q: what constants are made
 * of. */
#include <math.h>

#include "host/ckks/evaluator.h"

/* x modulo q for an integer x, exactly: 53 bits times a power of two */
static uint32_t integer_modulo(double x, uint32_t q)
{
    int exponent;
    const double mantissa = frexp(x, &exponent);
    int64_t m = (int64_t)ldexp(mantissa, 53);
    exponent -= 53;
    for (; exponent < 0; exponent++)
        m /= 2; /* x is an integer: its low bits are zeros */
    return hel_mod_mul(hel_mod_from_i64(m, q), hel_mod_pow(2, (uint64_t)exponent, q), q);
}

void hel_ckks_residues(const hel_ckks_context *c, hel_scale x, uint32_t limbs, uint32_t *out)
{
    const double whole = rint(x.hi), rest = rint(x.hi - whole + x.lo);
    for (uint32_t i = 0; i < limbs; i++) {
        const uint32_t q = c->params.primes[i];
        out[i] = hel_mod_add(integer_modulo(whole, q), integer_modulo(rest, q), q);
    }
}
