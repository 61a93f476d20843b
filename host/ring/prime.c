/*
 * The prime chain: primes below 2^30 that are 1 mod 2N, largest first. The chain ends at 2^29, so
 * that every prime has 30 bits and one Barrett constant of 32 bits. Primality is decided, not
 * guessed: Jaeschke, "On strong pseudoprimes to several bases", Math. Comp. 61 (1993), shows that
 * the bases 2, 7 and 61 leave no composite below 4 759 123 141.
 */
#include "host/ring/ring.h"

/* n odd, n - 1 = odd * 2^twos, base no multiple of n */
static int strong_probable_prime(uint32_t n, uint32_t base, uint32_t odd, uint32_t twos)
{
    uint32_t x = hel_mod_pow(base, odd, n);
    if (x == 1 || x == n - 1)
        return 1;
    for (uint32_t i = 1; i < twos; i++) {
        x = hel_mod_mul(x, x, n);
        if (x == n - 1)
            return 1;
    }
    return 0;
}

int hel_is_prime(uint32_t q)
{
    uint32_t odd = q - 1, twos = 0;
    if (q < 3 || q % 2 == 0)
        return q == 2;
    for (uint32_t d = 3; d <= 61; d += 2)
        if (q % d == 0)
            return q == d;
    for (; !(odd & 1); odd >>= 1)
        twos++;
    return strong_probable_prime(q, 2, odd, twos) && strong_probable_prime(q, 7, odd, twos) &&
           strong_probable_prime(q, 61, odd, twos);
}

hel_status hel_prime_chain(hel_engine *engine, uint32_t log_n, uint32_t count, uint32_t *primes)
{
    HEL_REQUIRE(engine, log_n >= HEL_LOG_N_MIN && log_n <= HEL_LOG_N_MAX, HEL_E_USAGE,
                "ring: log2 N = %u is not in %d..%d", log_n, HEL_LOG_N_MIN, HEL_LOG_N_MAX);
    HEL_REQUIRE(engine, count >= 1 && count <= HEL_PRIMES_MAX, HEL_E_USAGE,
                "ring: %u primes asked for, a chain has 1..%d", count, HEL_PRIMES_MAX);
    uint32_t step = 2u << log_n, found = 0;
    for (uint32_t q = (1u << 30) - step + 1; q > 1u << 29 && found < count; q -= step)
        if (hel_is_prime(q))
            primes[found++] = q;
    HEL_REQUIRE(engine, found == count, HEL_E_USAGE,
                "ring: the chain of log2 N = %u has only %u primes, not %u", log_n, found, count);
    return HEL_OK;
}
