/*
 * The pinned security table and exact sizes of moduli.
 * Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", IACR
 * Communications in Cryptology 2025, Table 5.2: classical attacks, uniform ternary secret,
 * sigma >= 3.19 (CBD(21) has 3.24).
 */
#include "host/ckks/security.h"

#include <assert.h>
#include <math.h>

#include "heloci/params.h"
#include "host/base/bytes.h"
#include "host/ring/ring.h"

uint32_t hel_security_bound(uint32_t log_n, uint32_t security)
{
    static const uint32_t bound[3][HEL_LOG_N_MAX - HEL_LOG_N_MIN + 1] = {
        {26, 53, 106, 214, 430, 868, 1747, 3523}, /* 128 bits, log N = 10 .. 17 */
        {0, 36, 73, 147, 297, 597, 1199, 2411},   /* 192 */
        {0, 27, 56, 114, 230, 462, 929, 1866},    /* 256 */
    };
    if (log_n < HEL_LOG_N_MIN || log_n > HEL_LOG_N_MAX ||
        (security != 128 && security != 192 && security != 256))
        return 0;
    return bound[security / 64 - 2][log_n - HEL_LOG_N_MIN];
}

uint32_t hel_security_limit(uint32_t log_n)
{
    return hel_security_bound(log_n, 128);
}

hel_status hel_security_digest(hel_engine *engine, uint8_t digest[HEL_DIGEST_BYTES])
{
    uint8_t table[3 * (HEL_LOG_N_MAX - HEL_LOG_N_MIN + 1)][4];
    uint8_t(*at)[4] = table;
    for (uint32_t security = 128; security <= 256; security += 64)
        for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++)
            hel_put_u32(*at++, hel_security_bound(log_n, security));
    return hel_sha256_once(engine, table, sizeof table, digest);
}

/* The product as little-endian words, each factor below one word; returns how many are used. */
static uint32_t product_words(const uint32_t *primes, uint32_t count,
                              uint32_t word[HEL_LIMBS_LIMIT])
{
    uint32_t used = 1;
    assert(count >= 1 && count <= HEL_LIMBS_LIMIT);
    word[0] = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t carry = 0;
        for (uint32_t k = 0; k < used; k++) {
            carry += (uint64_t)word[k] * primes[i];
            word[k] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry)
            word[used++] = (uint32_t)carry;
    }
    return used;
}

uint32_t hel_product_bits(const uint32_t *primes, uint32_t count)
{
    uint32_t word[HEL_LIMBS_LIMIT];
    uint32_t used = product_words(primes, count, word);
    /* An odd product above 1 is no power of two: its bit length is ceil(log2). */
    return 32 * used - (uint32_t)__builtin_clz(word[used - 1]);
}

int hel_product_below(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count)
{
    uint32_t x[HEL_LIMBS_LIMIT], y[HEL_LIMBS_LIMIT];
    uint32_t x_used = product_words(a, a_count, x), y_used = product_words(b, b_count, y);
    if (x_used != y_used)
        return x_used < y_used;
    for (uint32_t k = x_used; k-- > 0;)
        if (x[k] != y[k])
            return x[k] < y[k];
    return 0;
}

double hel_log2_product(const uint32_t *primes, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += log2(primes[i]);
    return sum;
}
