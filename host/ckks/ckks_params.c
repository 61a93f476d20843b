/*
 * Parameter sets of CKKS: the rules of their shape, the security bound, default scales, what
 * follows from a set, the canonical encoding. What decides is compared in integers or in exact
 * doubles; logarithms are for the report only.
 */
#include <math.h>
#include <string.h>

#include "host/base/toy.h"
#include "host/ckks/ckks_params_private.h"
#include "host/ckks/security.h"

#define ENCODING_VERSION 1u
#define ENCODING_HEAD    9u  /* words before the levels */
#define ERROR_CBD        21u /* the error distribution, CBD(21) */

void hel_ckks_scales(const hel_ckks_params *p, hel_scale scale[HEL_CKKS_LEVELS_MAX + 1])
{
    scale[p->depth] = hel_scale_of(ldexp(1, (int)p->scale_bits));
    for (uint32_t l = p->depth; l > 0; l--) {
        hel_scale next = hel_scale_mul(scale[l], scale[l]);
        next = hel_scale_mul(next, hel_scale_of_u64(p->multiplier[l]));
        for (uint32_t i = p->limbs[l - 1]; i < p->limbs[l]; i++)
            next = hel_scale_div(next, hel_scale_of_u64(p->primes[i]));
        scale[l - 1] = next;
    }
}

uint32_t hel_ckks_digits(const hel_ckks_params *p, uint32_t level)
{
    return (p->limbs[level] + p->digit_limbs - 1) / p->digit_limbs;
}

/* ---- rules ---- */

/* All that makes the arrays safe to read. */
static hel_status check_counts(hel_engine *engine, const hel_ckks_params *p)
{
    HEL_REQUIRE(engine, p->log_n >= HEL_LOG_N_MIN && p->log_n <= HEL_LOG_N_MAX, HEL_E_USAGE,
                "parameters: log N is %u, the rule is %d to %d", p->log_n, HEL_LOG_N_MIN,
                HEL_LOG_N_MAX);
    HEL_REQUIRE(engine, p->depth <= HEL_CKKS_LEVELS_MAX, HEL_E_USAGE,
                "parameters: depth %u, the rule is at most %d", p->depth, HEL_CKKS_LEVELS_MAX);
    HEL_REQUIRE(engine, p->scale_bits >= 20 && p->scale_bits <= 55, HEL_E_USAGE,
                "parameters: a scale of %u bits, the rule is 20 to 55", p->scale_bits);
    HEL_REQUIRE(engine,
                p->security == 0 || p->security == 128 || p->security == 192 || p->security == 256,
                HEL_E_USAGE, "parameters: security %u, the rule is 128, 192 or 256", p->security);
    HEL_REQUIRE(engine, p->limbs[0] >= 1 && p->limbs[0] <= 3, HEL_E_USAGE,
                "parameters: level 0 has %u primes, the rule is 1 to 3", p->limbs[0]);
    HEL_REQUIRE(engine, p->multiplier[0] == 1, HEL_E_USAGE,
                "parameters: level 0 has a multiplier, the rule is 1");
    for (uint32_t l = 1; l <= p->depth; l++) {
        uint32_t own = p->limbs[l] - p->limbs[l - 1];
        HEL_REQUIRE(engine, own == 1 || own == 2, HEL_E_USAGE,
                    "parameters: level %u has %u primes after the %u below it, the rule is one or "
                    "two of its own",
                    l, p->limbs[l], p->limbs[l - 1]);
        HEL_REQUIRE(engine, p->multiplier[l] >= 1 && p->multiplier[l] < HEL_CKKS_MULTIPLIER,
                    HEL_E_USAGE,
                    "parameters: the multiplier of level %u is %llu, the rule is 1 to "
                    "2^40",
                    l, (unsigned long long)p->multiplier[l]);
    }
    for (uint32_t l = p->depth + 1; l <= HEL_CKKS_LEVELS_MAX; l++)
        HEL_REQUIRE(engine, p->limbs[l] == 0 && p->multiplier[l] == 0, HEL_E_USAGE,
                    "parameters: level %u is above the depth, the rule is zeros", l);
    const uint32_t q_limbs = p->limbs[p->depth];
    HEL_REQUIRE(engine, p->special_limbs >= 1 && p->special_limbs <= HEL_CONVERT_SOURCES,
                HEL_E_USAGE, "parameters: %u special primes, the rule is 1 to %d", p->special_limbs,
                HEL_CONVERT_SOURCES);
    HEL_REQUIRE(engine, q_limbs + p->special_limbs <= HEL_CKKS_PRIMES_MAX, HEL_E_USAGE,
                "parameters: %u primes, the rule is at most %d", q_limbs + p->special_limbs,
                HEL_CKKS_PRIMES_MAX);
    HEL_REQUIRE(engine,
                p->digit_limbs >= 1 && p->digit_limbs <= q_limbs &&
                    p->digit_limbs <= HEL_CONVERT_SOURCES,
                HEL_E_USAGE, "parameters: digits of %u primes, the rule is 1 to %u", p->digit_limbs,
                q_limbs < HEL_CONVERT_SOURCES ? q_limbs : HEL_CONVERT_SOURCES);
    return HEL_OK;
}

static hel_status check_primes(hel_engine *engine, const hel_ckks_params *p)
{
    const uint32_t q_limbs = p->limbs[p->depth], total = q_limbs + p->special_limbs;
    for (uint32_t i = 0; i < total; i++) {
        uint32_t q = p->primes[i];
        HEL_REQUIRE(engine, q > HEL_CKKS_PRIME_MIN && q < HEL_CKKS_PRIME_MAX, HEL_E_USAGE,
                    "parameters: prime %u is %u, the rule is between 2^17 and 2^30", i, q);
        HEL_REQUIRE(engine, q % (2u << p->log_n) == 1, HEL_E_USAGE,
                    "parameters: prime %u is %u, the rule is 1 modulo 2N = %u", i, q,
                    2u << p->log_n);
        HEL_REQUIRE(engine, hel_is_prime(q), HEL_E_USAGE,
                    "parameters: prime %u is %u, which is no "
                    "prime",
                    i, q);
        for (uint32_t j = 0; j < i; j++)
            HEL_REQUIRE(engine, p->primes[j] != q, HEL_E_USAGE,
                        "parameters: primes %u and %u are both %u, the rule is distinct ones", j, i,
                        q);
    }
    for (uint32_t i = total; i < HEL_CKKS_PRIMES_MAX; i++)
        HEL_REQUIRE(engine, p->primes[i] == 0, HEL_E_USAGE,
                    "parameters: prime %u is behind the last, the rule is zeros", i);
    for (uint32_t at = 0; at < q_limbs; at += p->digit_limbs) {
        uint32_t count = q_limbs - at < p->digit_limbs ? q_limbs - at : p->digit_limbs;
        HEL_REQUIRE(
            engine,
            !hel_product_below(p->primes + q_limbs, p->special_limbs, p->primes + at, count),
            HEL_E_USAGE,
            "parameters: the product of the special primes is below that of digit %u, the "
            "rule is no smaller",
            at / p->digit_limbs);
    }
    return HEL_OK;
}

/* Default scales near the one aimed at, and level 0 with room for one number below 1. */
static hel_status check_scales(hel_engine *engine, const hel_ckks_params *p,
                               const hel_scale scale[HEL_CKKS_LEVELS_MAX + 1])
{
    const double low = ldexp(1, (int)p->scale_bits - HEL_CKKS_SCALE_SPREAD);
    const double high = ldexp(1, (int)p->scale_bits + HEL_CKKS_SCALE_SPREAD);
    for (uint32_t l = p->depth + 1; l-- > 0;) /* a chain that explodes is refused on its way */
        HEL_REQUIRE(engine, scale[l].hi >= low && scale[l].hi <= high, HEL_E_USAGE,
                    "parameters: the default scale of level %u is 2^%.1f, the rule is within 2^%d "
                    "of 2^%u",
                    l, log2(scale[l].hi), HEL_CKKS_SCALE_SPREAD, p->scale_bits);
    hel_scale q = hel_scale_of(1);
    for (uint32_t i = 0; i < p->limbs[0]; i++)
        q = hel_scale_mul(q, hel_scale_of_u64(p->primes[i]));
    HEL_REQUIRE(engine, q.hi >= 2 * scale[0].hi, HEL_E_USAGE,
                "parameters: level 0 has %.1f bits for a scale of %.1f, the rule is one more",
                log2(q.hi), log2(scale[0].hi));
    return HEL_OK;
}

static hel_status check_security(hel_engine *engine, const hel_ckks_params *p)
{
    const uint32_t total = p->limbs[p->depth] + p->special_limbs;
    const uint32_t bound = hel_security_bound(p->log_n, p->security);
    HEL_REQUIRE(engine, p->security || hel_toy_allowed(), HEL_E_SECURITY,
                "parameters: an insecure set, which protects nothing; tests allow it with "
                "HELOCI_ALLOW_TOY=1");
    HEL_REQUIRE(engine, !p->security || hel_product_bits(p->primes, total) <= bound, HEL_E_SECURITY,
                "parameters: log2(QP) = %.2f exceeds %u, the bound for N = 2^%u at %u bits",
                hel_log2_product(p->primes, total), bound, p->log_n, p->security);
    return HEL_OK;
}

/* ---- what follows ---- */

/*
 * A fresh public-key encryption is (v b + e0 + m, v a + e1) with b = e - a s: its phase is
 * m + v e + e0 + e1 s. v and s are uniform ternary (variance 2/3), e, e0, e1 have variance 10.5,
 * and a coefficient of a product modulo X^N + 1 sums N terms:
 *
 *   sigma_coef^2 = 10.5 (2/3 N + 1 + 2/3 N) = 10.5 (4/3 N + 1)
 *
 * A slot is a sum of N coefficients times numbers of modulus 1: sqrt(N) sigma_coef / scale.
 */
static double fresh_error(uint32_t log_n, double scale)
{
    double n = ldexp(1, (int)log_n);
    return sqrt(n * HEL_CKKS_CBD_VARIANCE * (4.0 / 3 * n + 1)) / scale;
}

static void fill_info(const hel_ckks_params *p, const hel_scale scale[HEL_CKKS_LEVELS_MAX + 1],
                      hel_ckks_info *info)
{
    const uint32_t q_limbs = p->limbs[p->depth], total = q_limbs + p->special_limbs;
    const uint64_t limb = (uint64_t)sizeof(uint32_t) << p->log_n;
    info->log_q = hel_log2_product(p->primes, q_limbs);
    info->log_qp = hel_log2_product(p->primes, total);
    info->log_bound = hel_security_bound(p->log_n, p->security);
    info->q_limbs = q_limbs;
    info->dnum = hel_ckks_digits(p, p->depth);
    for (uint32_t l = 0; l <= p->depth; l++)
        info->scale[l] = scale[l].hi;
    info->precision_bits = -log2(fresh_error(p->log_n, scale[p->depth].hi));
    info->message_bits =
        hel_log2_product(p->primes, p->limbs[0]) - log2(info->scale[0]) - 1; /* and a sign */
    info->ciphertext_bytes = 2 * q_limbs * limb;
    info->seeded_bytes = q_limbs * limb + HEL_SEED_BYTES;
    info->key_bytes = 2 * (uint64_t)info->dnum * total * limb;
    info->seeded_key_bytes = (uint64_t)info->dnum * total * limb + HEL_SEED_BYTES;
}

hel_status hel_ckks_params_check(hel_engine *engine, const hel_ckks_params *params,
                                 hel_ckks_info *info)
{
    hel_scale scale[HEL_CKKS_LEVELS_MAX + 1];
    if (engine)
        hel_error_clear(engine);
    if (info)
        memset(info, 0, sizeof *info);
    HEL_REQUIRE(engine, params != NULL, HEL_E_USAGE, "parameters: none given");
    HEL_TRY(check_counts(engine, params));
    HEL_TRY(check_primes(engine, params));
    hel_ckks_scales(params, scale);
    HEL_TRY(check_scales(engine, params, scale));
    if (info)
        fill_info(params, scale, info);
    return check_security(engine, params);
}

/* ---- encoding: little-endian; the length follows from the counts ---- */

hel_status hel_ckks_params_encode(hel_engine *engine, const hel_ckks_params *p, hel_buf *out)
{
    HEL_TRY(check_counts(engine, p));
    const uint32_t total = p->limbs[p->depth] + p->special_limbs;
    const uint32_t head[ENCODING_HEAD] = {ENCODING_VERSION, p->log_n,         p->depth,
                                          p->scale_bits,    p->special_limbs, p->digit_limbs,
                                          p->security,      ERROR_CBD,        total};
    for (uint32_t i = 0; i < ENCODING_HEAD; i++)
        HEL_TRY(hel_buf_put_u32(engine, out, head[i]));
    for (uint32_t l = 0; l <= p->depth; l++) {
        HEL_TRY(hel_buf_put_u32(engine, out, p->limbs[l]));
        HEL_TRY(hel_buf_put_u64(engine, out, p->multiplier[l]));
    }
    for (uint32_t i = 0; i < total; i++)
        HEL_TRY(hel_buf_put_u32(engine, out, p->primes[i]));
    return HEL_OK;
}

hel_status hel_ckks_params_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                                  hel_ckks_params *out)
{
    hel_cursor c = {data, bytes, 0, 0};
    hel_ckks_params p = {0};
    uint32_t head[ENCODING_HEAD];
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < ENCODING_HEAD; i++)
        head[i] = hel_cursor_u32(&c);
    HEL_REQUIRE(engine, !c.bad, HEL_E_FORMAT, "parameters: %zu bytes, too few for a set", bytes);
    HEL_REQUIRE(engine, head[0] == ENCODING_VERSION, HEL_E_FORMAT,
                "parameters: this encoding has version %u, this library knows %u", head[0],
                ENCODING_VERSION);
    HEL_REQUIRE(engine, head[7] == ERROR_CBD, HEL_E_FORMAT,
                "parameters: an error distribution other than CBD(21)");
    HEL_REQUIRE(engine,
                head[2] <= HEL_CKKS_LEVELS_MAX && head[8] <= HEL_CKKS_PRIMES_MAX &&
                    bytes == 4 * (ENCODING_HEAD + (size_t)head[8]) + 12 * ((size_t)head[2] + 1),
                HEL_E_FORMAT, "parameters: %zu bytes do not fit depth %u and %u primes", bytes,
                head[2], head[8]);
    p.log_n = head[1];
    p.depth = head[2];
    p.scale_bits = head[3];
    p.special_limbs = head[4];
    p.digit_limbs = head[5];
    p.security = head[6];
    for (uint32_t l = 0; l <= p.depth; l++) {
        p.limbs[l] = hel_cursor_u32(&c);
        p.multiplier[l] = hel_cursor_u64(&c);
    }
    for (uint32_t i = 0; i < head[8]; i++)
        p.primes[i] = hel_cursor_u32(&c);
    hel_status status = hel_ckks_params_check(engine, &p, NULL);
    if (status == HEL_E_USAGE) /* these are a file's numbers, not a caller's */
        return HEL_E_FORMAT;
    HEL_TRY(status);
    HEL_REQUIRE(engine, head[8] == p.limbs[p.depth] + p.special_limbs, HEL_E_FORMAT,
                "parameters: %u primes are listed, the levels have %u", head[8],
                p.limbs[p.depth] + p.special_limbs);
    *out = p;
    return HEL_OK;
}

hel_status hel_ckks_params_digest(hel_engine *engine, const hel_ckks_params *params,
                                  uint8_t digest[32])
{
    hel_buf buf = {0};
    if (engine)
        hel_error_clear(engine);
    hel_status status = hel_ckks_params_encode(engine, params, &buf);
    if (status == HEL_OK)
        status = hel_sha256_once(engine, buf.data, buf.bytes, digest);
    hel_buf_free(&buf);
    return status;
}
