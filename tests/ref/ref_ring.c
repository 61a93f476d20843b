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

hel_ring *ref_ring(hel_engine **engine, hel_simd simd, uint32_t log_n, uint32_t count)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_ring *ring = NULL;
    config.threads = 1;
    config.simd = simd;
    if (hel_engine_create(engine, &config) != HEL_OK ||
        hel_ring_create(*engine, &ring, log_n, count) != HEL_OK) {
        fprintf(stderr, "ref_ring: %s\n", *engine ? hel_engine_error(*engine) : "no engine");
        abort();
    }
    return ring;
}

void ref_ring_end(hel_engine *engine, hel_ring *ring)
{
    hel_ring_free(ring);
    hel_engine_free(engine);
}
