/*
 * How large errors are: standard deviations that evaluation carries along, and their derivation.
 *
 * Normalisation. A polynomial e with independent coefficients of variance v has, at every point of
 * the embedding, E |e(zeta)|^2 = N v, since the powers of zeta have modulus 1. An `error` is the
 * square root of that, for the message times its scale. A vector of s < N/2 slots is read from 2 s
 * of the N coefficients, so its slots see a variance of 2 s v only: sqrt(2 s / N) of the error.
 * Products keep to this: what a sparse message multiplies stays in place, so that the part of m e
 * that is read is m times the part of e that is read.
 *
 * Sums. Errors of the operation's own randomness (rounding, key switching) are independent of what
 * came before: variances add. Errors of operands may depend on each other (x + x, x x^2), so
 * standard deviations add, which no correlation can exceed (Minkowski). Where the slots of one
 * ciphertext are added up (hel_ckks_sum, matrices), errors of different slots are uncorrelated (the
 * embedding is a unitary map up to its factor) and variances add again. Once, that is: a sum of n
 * slots that stands in every slot has the same error everywhere, and a second sum multiplies it by
 * n, not by sqrt(n). Results of both are marked `mixed`, which whatever is computed from them
 * inherits, and sums of what is mixed add standard deviations. (Before that, `error` bounds the
 * deviation of every combination of slots with weights of norm 1: sums by Minkowski, products with
 * a message by its bound, so that sums of rotations, which correlate slots too, need no mark.)
 *
 * Secrets are uniform ternary: a coefficient's mean square is 2/3, so E |s(zeta)|^2 = 2 N / 3, and
 * that of s^2, over the slots of random secrets, is 2 (2 N / 3)^2 (a fourth moment of a Gaussian).
 * For one secret |s(zeta)|^2 varies from slot to slot about its mean; the estimate is for a slot
 * drawn at random.
 *
 * MARGIN, 10 percent on each source, covers what the model leaves out: secrets whose weight is
 * above the mean, the sliver by which base conversion exceeds one half, correlation of roundings.
 */
#include <math.h>

#include "host/ckks/evaluator.h"

#define MARGIN       1.1
#define CBD_VARIANCE 10.5 /* centred binomial of 2 x 21 bits */
#define ROUNDING     (1.0 / 12)
#define TERNARY      (2.0 / 3)

/* From a coefficient's variance */
static double of_variance(const hel_ckks_context *c, double variance)
{
    return MARGIN * sqrt((double)c->n * variance);
}

double hel_ckks_error_slot(const hel_ckks_context *c, double error, uint32_t log_slots)
{
    return error * sqrt(ldexp(2, (int)log_slots) / c->n);
}

/* Each of the 2 s coefficients of a message of s slots is rounded: uniform in [-1/2, 1/2]. A slot
 * sees 2 s of them, which in the normalisation above is N / 12 whatever s is. */
double hel_ckks_error_encode(const hel_ckks_context *c, uint32_t log_slots)
{
    (void)log_slots;
    return of_variance(c, ROUNDING);
}

/* (v b + e0 + m, v a + e1) with b = -a s + e decrypts to m + v e + e0 + e1 s. */
double hel_ckks_error_public(const hel_ckks_context *c)
{
    return of_variance(c, CBD_VARIANCE * (1 + 2 * TERNARY * c->n));
}

/* (-a s + e + m, a) decrypts to m + e. */
double hel_ckks_error_symmetric(const hel_ckks_context *c)
{
    return of_variance(c, CBD_VARIANCE);
}

/* x = P^-1 sum over digits of x_j (b_j, a_j): the keys' errors give sum_j x_j e_j / P with digits
 * x_j uniform in [-Q_j / 2, Q_j / 2], variance N (Q_j^2 / 12) 10.5 / P^2 each. The division by P
 * rounds both polynomials. */
double hel_ckks_error_switch(const hel_ckks_context *c, uint32_t level)
{
    const hel_ckks_params *p = &c->params;
    const uint32_t limbs = p->limbs[level];
    double log_special = 0, keys = 0;
    for (uint32_t i = 0; i < p->special_limbs; i++)
        log_special += log2(p->primes[c->q_limbs + i]);
    for (uint32_t first = 0; first < limbs; first += p->digit_limbs) {
        const uint32_t end = first + p->digit_limbs < limbs ? first + p->digit_limbs : limbs;
        double log_digit = -log_special;
        for (uint32_t i = first; i < end; i++)
            log_digit += log2(p->primes[i]);
        keys += exp2(2 * log_digit);
    }
    return of_variance(c, keys * c->n * ROUNDING * CBD_VARIANCE + ROUNDING * (1 + TERNARY * c->n));
}

/* A quotient is rounded in each polynomial: r0 + r1 s + r2 s^2. */
double hel_ckks_error_divide(const hel_ckks_context *c, uint32_t polys)
{
    const double s = TERNARY * c->n;
    return of_variance(c, ROUNDING * (1 + s + (polys > 2 ? 2 * s * s : 0)));
}

double hel_ckks_error_rescale(const hel_ckks_context *c)
{
    return hel_ckks_error_divide(c, 2);
}

/* (m_a + e_a)(m_b + e_b): for e_a = e_b the last term's root mean square is sqrt(2) times the
 * product of the standard deviations (fourth moment of a Gaussian). */
double hel_ckks_error_product(double bound_a, double error_a, double bound_b, double error_b)
{
    return bound_a * error_b + bound_b * error_a + M_SQRT2 * error_a * error_b;
}
