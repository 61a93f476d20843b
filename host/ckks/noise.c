/*
 * Predicted noise. With exact centred digits and centred divisions every term is a sum of
 * independent symmetric bounded variables, so variances add; nothing here is measured.
 *
 *   a     variance of one CBD(21) error, 10.5
 *   D_j   product of the primes of digit j; a centred digit has variance D_j^2 / 12
 *   1 + 2N/3   factor of a rounding of (c0, c1): r0 + r1 s, s uniform ternary
 */
#include <math.h>

#include "host/ckks/scheme_private.h"

static double square(double x)
{
    return x * x;
}

static double rounding_variance(double n)
{
    return (1 + 2 * n / 3) / 12;
}

/* One key switch: each digit times its key's error, divided by P, and the rounding of that. */
static double ks_variance(const hel_params *p, const uint32_t *primes)
{
    const double n = ldexp(1, (int)p->log_n);
    double log_p = hel_log2_product(primes + p->expand_limbs, p->special_limbs), sum = 0;
    for (uint32_t at = 0; at < p->expand_limbs; at += p->digit_limbs) {
        uint32_t count = p->expand_limbs - at;
        count = count < p->digit_limbs ? count : p->digit_limbs;
        sum += n * HEL_CBD_VARIANCE * square(exp2(hel_log2_product(primes + at, count) - log_p)) / 12;
    }
    return sum + (p->special_limbs ? rounding_variance(n) : 0);
}

void hel_noise_predict(const hel_params *p, const uint32_t *primes, hel_noise *out)
{
    const double n = ldexp(1, (int)p->log_n), a = HEL_CBD_VARIANCE;
    const double ks = ks_variance(p, primes);
    /* Level i's error reaches the constant coefficient times 2^(log N - 1 - i); others meet
     * independent errors only. The encryption error is multiplied by N there, 0 elsewhere. */
    const double first = n * n * a + ks * (n * n - 1) / 3, rest = n * ks;

    uint32_t dropped = p->expand_limbs - p->scan_limbs;
    double q_drop = exp2(hel_log2_product(primes + p->scan_limbs, dropped));
    double z = (dropped ? rounding_variance(n) : 0) +
               (first + (n - 1) * rest) / (n * square(q_drop));

    double q_last = primes[p->scan_limbs - 1], da = ldexp(q_last, (int)p->da_shift);
    double dz = (double)p->dz, g = p->plane_max, w = ldexp(1, (int)p->weight_bits - 1);
    double relin = 0;
    for (uint32_t i = 0; i < p->scan_limbs; i++)
        relin += n * a * square(primes[i]) / 12;
    double rounded = square(q_last) * rounding_variance(n);

    /* Da g times the weight's noise, Dz w times the genotype's, both noises */
    double e = p->chunk * (HEL_PARAMS_KAPPA * square(da) * n * z * square(g) +
                           square(dz) * a * square(w) + HEL_PARAMS_KAPPA * n * a * z);
    out->ks = sqrt(ks);
    out->first = sqrt(first);
    out->rest = sqrt(rest);
    out->z = sqrt(z);
    out->relin = sqrt(relin);
    out->out = sqrt(rounded);
    out->e = sqrt(e + relin + rounded);
}
