/*
 * The pinned security table and exact sizes of moduli.
 * Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", IACR
 * Communications in Cryptology 2025, Table 5.2: 128 bits, classical, uniform ternary secret,
 * sigma >= 3.19 (CBD(21) has 3.24).
 */
#include <assert.h>
#include <math.h>

#include "host/ckks/exact/scheme_private.h"

uint32_t hel_security_limit(uint32_t log_n)
{
    static const uint32_t limit[] = {26, 53, 106, 214, 430, 868, 1747, 3523}; /* log N = 10.. */
    if (log_n < HEL_LOG_N_MIN || log_n > HEL_LOG_N_MAX)
        return 0;
    return limit[log_n - HEL_LOG_N_MIN];
}

uint32_t hel_product_bits(const uint32_t *primes, uint32_t count)
{
    uint32_t word[HEL_PRIMES_MAX] = {1}; /* little-endian; each factor is below one word */
    uint32_t used = 1;
    assert(count >= 1 && count <= HEL_PRIMES_MAX);
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
    /* An odd product above 1 is no power of two: its bit length is ceil(log2). */
    return 32 * used - (uint32_t)__builtin_clz(word[used - 1]);
}

double hel_log2_product(const uint32_t *primes, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += log2(primes[i]);
    return sum;
}
