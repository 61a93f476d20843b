/*
 * The judge of CKKS parameter sets: takes a set apart with code of its own (trial division, plain
 * big integers, 113-bit scales). Included by test files, which define `engine`.
 */
#ifndef HEL_TESTS_CKKS_PARAMS_JUDGE_H
#define HEL_TESTS_CKKS_PARAMS_JUDGE_H

#include <math.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/ckks/evaluator.h"
#include "host/ckks/security.h"

typedef __float128 quad;

static hel_engine *engine;

static inline void begin(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
}

static inline void end(void)
{
    hel_engine_free(engine);
}

static const uint32_t table[3][8] = {{26, 53, 106, 214, 430, 868, 1747, 3523},
                                     {0, 36, 73, 147, 297, 597, 1199, 2411},
                                     {0, 27, 56, 114, 230, 462, 929, 1866}};

static inline int trial_division(uint32_t q)
{
    for (uint32_t d = 2; d * d <= q; d++)
        if (q % d == 0)
            return 0;
    return q > 1;
}

/* Each prime once: sets share them. */
static inline int is_prime(uint32_t q)
{
    static uint32_t known[1 << 14];
    uint32_t *slot = &known[q * 2654435761u >> 18];
    if (*slot == q)
        return 1;
    if (!trial_division(q))
        return 0;
    *slot = q;
    return 1;
}

typedef struct big {
    uint32_t word[140];
} big;

static inline void big_product(big *out, const uint32_t *q, uint32_t count)
{
    memset(out, 0, sizeof *out);
    out->word[0] = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t carry = 0;
        for (int k = 0; k < 140; k++) {
            carry += (uint64_t)out->word[k] * q[i];
            out->word[k] = (uint32_t)carry;
            carry >>= 32;
        }
    }
}

static inline int big_compare(const big *a, const big *b)
{
    for (int k = 140; k-- > 0;)
        if (a->word[k] != b->word[k])
            return a->word[k] < b->word[k] ? -1 : 1;
    return 0;
}

static inline uint32_t big_bits(const big *a)
{
    for (int k = 140; k-- > 0;)
        for (int b = 32; b-- > 0;)
            if (a->word[k] >> b & 1)
                return (uint32_t)(32 * k + b + 1);
    return 0;
}

static inline quad value(hel_scale a)
{
    return (quad)a.hi + (quad)a.lo;
}

static inline void judge_primes(const hel_ckks_params *p)
{
    uint32_t q_limbs = p->limbs[p->depth], total = q_limbs + p->special_limbs;
    big special, digit;
    for (uint32_t i = 0; i < total; i++) {
        uint32_t q = p->primes[i];
        cr_assert(q > 1 << 17 && q < 1 << 30 && (q - 1) % (2u << p->log_n) == 0 && is_prime(q),
                  "prime %u: %u", i, q);
        for (uint32_t j = 0; j < i; j++)
            cr_assert_neq(p->primes[j], q);
    }
    for (uint32_t i = total; i < HEL_CKKS_PRIMES_MAX; i++)
        cr_assert_eq(p->primes[i], 0);
    cr_assert(p->digit_limbs <= 63 && p->special_limbs <= 63);
    big_product(&special, p->primes + q_limbs, p->special_limbs);
    for (uint32_t at = 0; at < q_limbs; at += p->digit_limbs) {
        uint32_t left = q_limbs - at;
        big_product(&digit, p->primes + at, left < p->digit_limbs ? left : p->digit_limbs);
        cr_assert_geq(big_compare(&special, &digit), 0, "digit at %u", at);
    }
}

/* Exact steps, and how far from the scales aimed at: the builder's bound. */
static inline void judge_scales(const hel_ckks_params *p)
{
    hel_scale scale[HEL_CKKS_LEVELS_MAX + 1];
    uint32_t s = p->scale_bits;
    double high = s + 0.125;
    hel_ckks_scales(p, scale);
    cr_assert(value(scale[p->depth]) == (quad)ldexp(1, (int)s));
    for (uint32_t l = p->depth; l > 0; l--) {
        uint32_t own = p->limbs[l] - p->limbs[l - 1];
        quad divisor = 1, exact = value(scale[l]) * value(scale[l]) * (quad)p->multiplier[l];
        cr_assert(own == 1 || own == 2);
        for (uint32_t i = p->limbs[l - 1]; i < p->limbs[l]; i++)
            divisor *= p->primes[i];
        double off = (double)(value(scale[l - 1]) * divisor / exact - 1);
        cr_assert_lt(fabs(off), 0x1p-100, "level %u", l);
        if (hel_scale_log2(scale[l - 1]) > high)
            high = s + 10.25;
    }
    cr_assert(high < s + 1 || (s > 30 && s <= 40));
    for (uint32_t l = 0; l <= p->depth; l++) {
        double log = log2(scale[l].hi);
        cr_assert(log >= s - 0.75 && log <= high, "level %u of %u: 2^%f for 2^%u", l, p->depth, log,
                  s);
    }
    long double base = 1;
    for (uint32_t i = 0; i < p->limbs[0]; i++)
        base *= p->primes[i];
    double message = (double)log2l(base) - hel_scale_log2(scale[0]) - 1;
    /* 10 bits, or what two primes leave; the largest that are left have 59.8 bits or more */
    cr_assert_geq(message, fmin(10, floor(58.8 - hel_scale_log2(scale[0]))), "%f bits", message);
}

static inline void judge_info(const hel_ckks_params *p, const hel_ckks_info *f, uint32_t bound)
{
    uint32_t q_limbs = p->limbs[p->depth], total = q_limbs + p->special_limbs;
    uint64_t limb = 4ull << p->log_n;
    double n = ldexp(1, (int)p->log_n);
    long double log_q = 0, log_qp = 0;
    for (uint32_t i = 0; i < total; i++) {
        log_qp += log2l(p->primes[i]);
        log_q += i < q_limbs ? log2l(p->primes[i]) : 0;
    }
    cr_assert_float_eq(f->log_q, (double)log_q, 1e-9);
    cr_assert_float_eq(f->log_qp, (double)log_qp, 1e-9);
    cr_assert_eq(f->log_bound, bound);
    cr_assert_eq(f->q_limbs, q_limbs);
    cr_assert_eq(f->dnum, (uint32_t)ceil((double)q_limbs / p->digit_limbs));
    cr_assert_eq(f->dnum, hel_ckks_digits(p, p->depth));
    cr_assert_eq(f->ciphertext_bytes, 2 * q_limbs * limb);
    cr_assert_eq(f->key_bytes, 2 * f->dnum * total * limb);
    cr_assert(f->seeded_bytes <= f->ciphertext_bytes / 2 + 32);
    cr_assert(f->seeded_key_bytes <= f->key_bytes / 2 + 32);
    cr_assert_eq(f->scale[p->depth], ldexp(1, (int)p->scale_bits));
    double bits = p->scale_bits - log2(n) - log2(14) / 2; /* n^2 14: the leading term */
    cr_assert_float_eq(f->precision_bits, bits, 0.001);
}

/* Everything about a set that the builder gave for `bound` (0: none). */
static inline void judge(const hel_ckks_params *p, uint32_t bound)
{
    hel_ckks_info info;
    big all;
    cr_assert_eq(hel_ckks_params_check(engine, p, &info), HEL_OK, "%s", hel_engine_error(engine));
    cr_assert(p->limbs[0] >= 1 && p->limbs[0] <= 3 && p->multiplier[0] == 1);
    judge_primes(p);
    judge_scales(p);
    judge_info(p, &info, bound);
    big_product(&all, p->primes, p->limbs[p->depth] + p->special_limbs);
    cr_assert_eq(big_bits(&all),
                 hel_product_bits(p->primes, p->limbs[p->depth] + p->special_limbs));
    cr_assert(!bound || big_bits(&all) <= bound);
}

static inline uint32_t multipliers(const hel_ckks_params *p)
{
    uint32_t count = 0;
    for (uint32_t l = 1; l <= p->depth; l++)
        count += p->multiplier[l] > 1;
    return count;
}

#endif
