/*
 * Parameter sets: shape rules, the two exactness conditions, the security bound, the canonical
 * encoding. Comparisons that decide are made in integers; logarithms are for the report only.
 */
#include <math.h>
#include <string.h>

#include "host/base/toy.h"
#include "host/ckks/exact/scheme_private.h"

#define ENCODING_VERSION 1u
#define ENCODING_BYTES   60u /* version, 11 words, dz, toy */

/* A product that stops growing at 2^126: enough to compare with anything the shape rules allow. */
static unsigned __int128 saturated_product(const uint32_t *primes, uint32_t count)
{
    const unsigned __int128 cap = (unsigned __int128)1 << 126;
    unsigned __int128 product = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (product >= cap / primes[i])
            return cap;
        product *= primes[i];
    }
    return product;
}

/* 2 n G 2^(b-1) + 1, below 2^61 */
static uint64_t sum_span(const hel_params *p)
{
    return (((uint64_t)p->chunk * p->plane_max) << p->weight_bits) + 1;
}

/* Da = q_last 2^da_shift divides both sides of the range condition by q_last. */
uint64_t hel_params_scale_limit(const hel_params *p, const uint32_t *primes)
{
    unsigned __int128 limit = saturated_product(primes, p->scan_limbs - 1) - 1;
    limit /= sum_span(p);
    return limit > INT64_MAX ? INT64_MAX : (uint64_t)limit;
}

hel_status hel_params_shape(hel_engine *engine, const hel_params *p)
{
    HEL_REQUIRE(engine, p->log_n >= HEL_LOG_N_MIN && p->log_n <= HEL_LOG_N_MAX, HEL_E_USAGE,
                "parameters: log N is %u, the rule is 10 to 17", p->log_n);
    HEL_REQUIRE(engine, p->scan_limbs >= 2 && p->scan_limbs <= HEL_OUT_LIMBS_MAX + 1, HEL_E_USAGE,
                "parameters: %u scan limbs, the rule is 2 to %u", p->scan_limbs,
                HEL_OUT_LIMBS_MAX + 1);
    HEL_REQUIRE(engine, p->out_limbs == p->scan_limbs - 1, HEL_E_USAGE,
                "parameters: %u output limbs, the rule is one less than the %u scan limbs",
                p->out_limbs, p->scan_limbs);
    HEL_REQUIRE(engine, p->expand_limbs >= p->scan_limbs && p->expand_limbs <= HEL_LIMBS_MAX,
                HEL_E_USAGE, "parameters: %u expansion limbs, the rule is %u to %u",
                p->expand_limbs, p->scan_limbs, HEL_LIMBS_MAX);
    HEL_REQUIRE(engine, p->special_limbs <= HEL_SPECIAL_MAX, HEL_E_USAGE,
                "parameters: %u special limbs, the rule is at most %u", p->special_limbs,
                HEL_SPECIAL_MAX);
    HEL_REQUIRE(engine, p->digit_limbs >= 1 && p->digit_limbs <= p->expand_limbs, HEL_E_USAGE,
                "parameters: %u limbs per digit, the rule is 1 to %u", p->digit_limbs,
                p->expand_limbs);
    HEL_REQUIRE(engine, p->weight_bits >= 2 && p->weight_bits <= 24, HEL_E_USAGE,
                "parameters: weights of %u bits, the rule is 2 to 24", p->weight_bits);
    HEL_REQUIRE(engine, p->plane_max >= 1 && p->plane_max <= HEL_PLANE_MAX, HEL_E_USAGE,
                "parameters: plane maximum %u, the rule is 1 to %u", p->plane_max, HEL_PLANE_MAX);
    HEL_REQUIRE(engine, p->chunk >= 1 && p->chunk <= HEL_CHUNK_MAX, HEL_E_USAGE,
                "parameters: chunks of %u samples, the rule is 1 to %u", p->chunk, HEL_CHUNK_MAX);
    HEL_REQUIRE(engine,
                p->da_shift <= 62 && p->dz >= 1 && p->dz <= (uint64_t)INT64_MAX >> p->da_shift,
                HEL_E_USAGE, "parameters: 2^%u Dz leaves 63 bits or Dz is 0", p->da_shift);
    HEL_REQUIRE(engine, p->toy <= 1, HEL_E_USAGE, "parameters: the toy mark is %u, not 0 or 1",
                p->toy);
    return HEL_OK;
}

static void measure(const hel_params *p, const uint32_t *primes, hel_params_proof *proof)
{
    const uint32_t total = p->expand_limbs + p->special_limbs;
    const uint32_t limit = hel_security_limit(p->log_n);
    const double q_last = primes[p->scan_limbs - 1], scale = ldexp((double)p->dz, (int)p->da_shift);
    hel_noise noise;
    hel_noise_predict(p, primes, &noise);
    proof->log_q = hel_log2_product(primes, p->scan_limbs);
    proof->log_q_expand = hel_log2_product(primes, p->expand_limbs);
    proof->log_qp = hel_log2_product(primes, total);
    proof->log_bound = limit;
    proof->range_bits = log2((double)sum_span(p)) + log2(q_last) + log2(scale);
    proof->sigma_e = noise.e;
    proof->sigma_z = noise.z;
    proof->margin = q_last * scale / (2 * noise.e);
    proof->secure = hel_product_bits(primes, total) <= limit;
    proof->range_holds = p->dz << p->da_shift <= hel_params_scale_limit(p, primes);
    proof->noise_holds = proof->margin >= HEL_PARAMS_TAU;
}

hel_status hel_params_evaluate(hel_engine *engine, const hel_params *p, hel_params_proof *proof)
{
    uint32_t primes[HEL_PRIMES_MAX];
    hel_params_proof local;
    if (!proof)
        proof = &local;
    memset(proof, 0, sizeof *proof);
    HEL_TRY(hel_params_shape(engine, p));
    HEL_TRY(hel_prime_chain(engine, p->log_n, p->expand_limbs + p->special_limbs, primes));
    measure(p, primes, proof);
    HEL_REQUIRE(engine, !p->toy || hel_toy_allowed(), HEL_E_SECURITY,
                "parameters: a toy set, which protects nothing; tests allow it with "
                "HELOCI_ALLOW_TOY=1");
    HEL_REQUIRE(engine, proof->secure || p->toy, HEL_E_SECURITY,
                "parameters: log2(Q'P) = %.2f exceeds %.0f, the limit for N = 2^%u at 128 bits",
                proof->log_qp, proof->log_bound, p->log_n);
    HEL_REQUIRE(engine, proof->range_holds, HEL_E_USAGE,
                "parameters: the range condition fails: sums need %.2f bits of Q's %.2f",
                proof->range_bits, proof->log_q);
    HEL_REQUIRE(engine, proof->noise_holds, HEL_E_USAGE,
                "parameters: the noise condition fails: margin %.2f sigma, the rule is %.0f",
                proof->margin, HEL_PARAMS_TAU);
    return HEL_OK;
}

hel_status hel_params_check(hel_engine *engine, const hel_params *params, hel_params_proof *proof)
{
    if (engine)
        hel_error_clear(engine);
    HEL_REQUIRE(engine, params != NULL, HEL_E_USAGE, "parameters: none given");
    return hel_params_evaluate(engine, params, proof);
}

static void encode(const hel_params *p, uint8_t out[ENCODING_BYTES])
{
    const uint32_t word[] = {ENCODING_VERSION, p->log_n,       p->scan_limbs, p->expand_limbs,
                             p->special_limbs, p->digit_limbs, p->out_limbs,  p->weight_bits,
                             p->plane_max,     p->chunk,       p->da_shift,   p->toy};
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        hel_put_u32(out + 4 * i, word[i]);
    hel_put_u64(out + sizeof word, p->dz);
    hel_put_u32(out + sizeof word + 8, 21); /* the error distribution, CBD(21) */
}

hel_status hel_params_encode(hel_engine *engine, const hel_params *p, hel_buf *out)
{
    uint8_t bytes[ENCODING_BYTES];
    encode(p, bytes);
    return hel_buf_put(engine, out, bytes, sizeof bytes);
}

hel_status hel_params_decode(hel_engine *engine, const uint8_t *data, size_t bytes, hel_params *out)
{
    hel_cursor c = {data, bytes, 0, 0};
    hel_params p = {0};
    memset(out, 0, sizeof *out);
    HEL_REQUIRE(engine, bytes == ENCODING_BYTES, HEL_E_FORMAT,
                "parameters: %zu bytes, the encoding has %u", bytes, ENCODING_BYTES);
    HEL_REQUIRE(engine, hel_cursor_u32(&c) == ENCODING_VERSION, HEL_E_FORMAT,
                "parameters: this encoding's version is not %u", ENCODING_VERSION);
    uint32_t *const field[] = {&p.log_n,       &p.scan_limbs, &p.expand_limbs, &p.special_limbs,
                               &p.digit_limbs, &p.out_limbs,  &p.weight_bits,  &p.plane_max,
                               &p.chunk,       &p.da_shift,   &p.toy};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        *field[i] = hel_cursor_u32(&c);
    p.dz = hel_cursor_u64(&c);
    HEL_REQUIRE(engine, hel_cursor_u32(&c) == 21, HEL_E_FORMAT,
                "parameters: an error distribution other than CBD(21)");
    hel_status status = hel_params_evaluate(engine, &p, NULL);
    if (status == HEL_E_USAGE) /* these are a file's numbers, not a caller's */
        return HEL_E_FORMAT;
    HEL_TRY(status);
    *out = p;
    return HEL_OK;
}

hel_status hel_params_digest(hel_engine *engine, const hel_params *params, uint8_t digest[32])
{
    uint8_t bytes[ENCODING_BYTES];
    if (engine)
        hel_error_clear(engine);
    encode(params, bytes);
    return hel_sha256_once(engine, bytes, sizeof bytes, digest);
}
