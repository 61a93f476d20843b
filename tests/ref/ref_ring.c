/* Definitions, not algorithms: see ref_ring.h. */
#include <stdlib.h>

#include "host/base/cpu.h"
#include "tests/ref/ref_ring.h"

int ref_is_prime(uint32_t n)
{
    for (uint32_t d = 2; (uint64_t)d * d <= n; d++)
        if (n % d == 0)
            return 0;
    return n >= 2;
}

uint32_t ref_pow(uint32_t a, uint64_t e, uint32_t q)
{
    uint64_t r = 1, x = a;
    for (; e; e >>= 1, x = x * x % q)
        if (e & 1)
            r = r * x % q;
    return (uint32_t)r;
}

uint32_t ref_inverse(uint32_t a, uint32_t q)
{
    int64_t r0 = q, r1 = a % q, t0 = 0, t1 = 1;
    while (r1) {
        int64_t k = r0 / r1, r2 = r0 - k * r1, t2 = t0 - k * t1;
        r0 = r1;
        r1 = r2;
        t0 = t1;
        t1 = t2;
    }
    return ref_mod(t0, q);
}

uint32_t ref_bit_reverse(uint32_t i, uint32_t bits)
{
    uint32_t r = 0;
    for (uint32_t b = 0; b < bits; b++)
        r |= (i >> b & 1) << (bits - 1 - b);
    return r;
}

uint32_t ref_psi(uint32_t q, uint32_t log_n)
{
    for (uint32_t g = 2;; g++) {
        uint32_t psi = ref_pow(g, (q - 1) / (2u << log_n), q);
        if (ref_pow(psi, 1u << log_n, q) == q - 1)
            return psi;
    }
}

int64_t ref_centre(uint32_t a, uint32_t q)
{
    return 2 * (int64_t)a > (int64_t)q ? (int64_t)a - (int64_t)q : (int64_t)a;
}

uint32_t ref_mod(__int128 v, uint32_t q)
{
    __int128 r = v % (__int128)q;
    return (uint32_t)(r < 0 ? r + (__int128)q : r);
}

uint32_t ref_evaluate(const uint32_t *x, uint32_t n, uint32_t q, uint32_t psi, uint32_t j)
{
    uint32_t log_n = 0;
    while (n >> (log_n + 1))
        log_n++;
    uint64_t at = ref_pow(psi, 2 * (uint64_t)ref_bit_reverse(j, log_n) + 1, q), sum = 0;
    for (uint32_t i = n; i-- > 0;)
        sum = (sum * at + x[i]) % q;
    return (uint32_t)sum;
}

void ref_negacyclic(uint32_t *out, const uint32_t *a, const uint32_t *b, uint32_t n, uint32_t q)
{
    for (uint32_t k = 0; k < n; k++) {
        uint64_t plus = 0, minus = 0;
        for (uint32_t i = 0; i <= k; i++)
            plus = (plus + (uint64_t)a[i] * b[k - i]) % q;
        for (uint32_t i = k + 1; i < n; i++)
            minus = (minus + (uint64_t)a[i] * b[n + k - i]) % q;
        out[k] = (uint32_t)((plus + q - minus) % q);
    }
}

void ref_fill(ref_random *r, uint32_t *x, size_t n, uint32_t q)
{
    const uint32_t corner[] = {0, 1, (q - 1) / 2, (q + 1) / 2, q - 1};
    for (size_t i = 0; i < n; i++) {
        uint32_t pick = ref_random_below(r, 25);
        x[i] = pick < 5 ? corner[pick] : ref_random_below(r, q);
    }
}

uint32_t *ref_words(size_t n)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, (n ? n : 1) * sizeof(uint32_t)) != 0)
        abort();
    return p;
}

hel_simd ref_twin(uint32_t i)
{
    const hel_simd order[] = {HEL_SIMD_PORTABLE, HEL_SIMD_AVX2, HEL_SIMD_AVX512};
    uint32_t seen = 0;
    for (uint32_t k = 0; k < 3; k++)
        if (hel_cpu_has(order[k]) && seen++ == i)
            return order[k];
    return HEL_SIMD_AUTO;
}

static hel_engine *start_engine(hel_simd simd)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine = NULL;
    config.threads = 1;
    config.simd = simd;
    if (hel_engine_create(&engine, &config) != HEL_OK)
        abort();
    return engine;
}

static hel_ring *or_end(const hel_engine *engine, hel_ring *ring)
{
    if (ring)
        return ring;
    fprintf(stderr, "ref_ring: %s\n", hel_engine_error(engine));
    abort();
}

hel_ring *ref_ring(hel_engine **engine, hel_simd simd, uint32_t log_n, uint32_t count)
{
    hel_ring *ring;
    *engine = start_engine(simd);
    (void)hel_ring_create(*engine, &ring, log_n, count);
    return or_end(*engine, ring);
}

hel_ring *ref_ring_from(hel_engine **engine, hel_simd simd, uint32_t log_n, const uint32_t *primes,
                        uint32_t count)
{
    hel_ring *ring;
    *engine = start_engine(simd);
    (void)hel_ring_create_from(*engine, &ring, log_n, primes, count);
    return or_end(*engine, ring);
}

/* The first prime 1 mod 2N from `start` on in steps of 2N times `sign`, or 0 outside the range. */
static uint32_t next_prime(uint32_t start, int64_t sign, uint32_t log_n)
{
    const int64_t step = (int64_t)2 << log_n;
    int64_t q = (int64_t)start - (int64_t)start % step + 1;
    for (; q > 1 << 17 && q < 1 << 30; q += sign * step)
        if ((sign > 0 ? q >= start : q <= start) && ref_is_prime((uint32_t)q))
            return (uint32_t)q;
    return 0;
}

void ref_mixed_primes(ref_random *r, uint32_t log_n, uint32_t *primes, uint32_t count)
{
    for (uint32_t i = 0, found = 0; found < count; i++) {
        const uint32_t bits = 18 + (i + (i < 26 ? 0 : ref_random_below(r, 13))) % 13;
        const uint32_t low = 1u << (bits - 1), width = low - 1;
        uint32_t q = i < 13   ? next_prime(low + width, -1, log_n)
                     : i < 26 ? next_prime(low + 1, 1, log_n)
                              : next_prime(low + ref_random_below(r, width), 1, log_n);
        for (uint32_t k = 0; k < found; k++)
            q = primes[k] == q ? 0 : q;
        if (q)
            primes[found++] = q;
    }
    for (uint32_t i = count; i-- > 1;) {
        uint32_t k = ref_random_below(r, i + 1), q = primes[i];
        primes[i] = primes[k];
        primes[k] = q;
    }
}

void ref_ring_end(hel_engine *engine, hel_ring *ring)
{
    hel_ring_free(ring);
    hel_engine_free(engine);
}
