/*
 * Predicted noise. With exact centred digits and centred divisions every term is a sum of
 * independent symmetric bounded variables, so variances add; nothing here is measured.
 *
 *   a     variance of one CBD(21) error, 10.5
 *   D_j   product of the primes of digit j; a centred digit has variance D_j^2 / 12
 *   1 + 2N/3   factor of a rounding of (c0, c1): r0 + r1 s, s uniform ternary
 */
#include <math.h>

#include "host/ckks/exact/expand_private.h"

static double square(double x)
{
    return x * x;
}

static double rounding_variance(double n)
{
    return (1 + 2 * n / 3) / 12;
}

/* One switched term before any division, in units of P: each digit times its key's error. */
static double term_variance(const hel_params *p, const uint32_t *primes)
{
    const double n = ldexp(1, (int)p->log_n);
    double log_p = hel_log2_product(primes + p->expand_limbs, p->special_limbs), sum = 0;
    for (uint32_t at = 0; at < p->expand_limbs; at += p->digit_limbs) {
        uint32_t count = hel_min_u32(p->digit_limbs, p->expand_limbs - at);
        double digit = exp2(hel_log2_product(primes + at, count) - log_p);
        sum += n * HEL_CBD_VARIANCE * square(digit) / 12;
    }
    return sum;
}

/* Switching noise of a leaf under Q': on its constant coefficient, and as the mean over all. A
 * step of r levels adds 2^r - 1 switched terms and, but for the leaves, one rounding by P. What
 * was there grows by 4^r on the constant coefficient, whose images under the step's automorphisms
 * are itself, and by 2^r in the mean over coefficients and children (the children are orthogonal
 * combinations). One level at a time this is ks (N^2 - 1) / 3 and ks (N - 1); two at a time the
 * constant coefficient has (N^2 - 1) / 5. */
static void tree_variance(const hel_params *p, double term, double rounding, double *first,
                          double *mean)
{
    const uint32_t steps = hel_tree_steps(p->log_n);
    *first = *mean = 0;
    for (uint32_t step = 0; step < steps; step++) {
        double width = 1u << hel_step_levels(p->log_n, step);
        double added = (width - 1) * term + (step + 1 < steps ? rounding : 0);
        *first = *first * square(width) + added;
        *mean = *mean * width + added;
    }
}

void hel_noise_predict(const hel_params *p, const uint32_t *primes, hel_noise *out)
{
    const double n = ldexp(1, (int)p->log_n), a = HEL_CBD_VARIANCE;
    const double term = term_variance(p, primes),
                 by_p = p->special_limbs ? rounding_variance(n) : 0;
    double first, mean;
    tree_variance(p, term, by_p, &first, &mean);

    uint32_t dropped = p->expand_limbs - p->scan_limbs;
    double q_drop = exp2(hel_log2_product(primes + p->scan_limbs, dropped));
    double z = (dropped + p->special_limbs ? rounding_variance(n) : 0) +
               (mean + n * a) / square(q_drop); /* N e on one coefficient in N */

    double q_last = primes[p->scan_limbs - 1], da = ldexp(q_last, (int)p->da_shift);
    double dz = (double)p->dz, g = p->plane_max, w = ldexp(1, (int)p->weight_bits - 1);
    double relin = 0;
    for (uint32_t i = 0; i < p->scan_limbs; i++)
        relin += n * a * square(primes[i]) / 12;
    double rounded = square(q_last) * rounding_variance(n);

    /* Da g times the weight's noise, Dz w times the genotype's, both noises */
    double e = p->chunk * (HEL_PARAMS_KAPPA * square(da) * n * z * square(g) +
                           square(dz) * a * square(w) + HEL_PARAMS_KAPPA * n * a * z);
    out->ks = sqrt(term + by_p);
    out->first = sqrt(first + n * n * a);
    out->rest = sqrt((n * mean - first) / (n - 1));
    out->z = sqrt(z);
    out->relin = sqrt(relin);
    out->out = sqrt(rounded);
    out->e = sqrt(e + relin + rounded);
}
