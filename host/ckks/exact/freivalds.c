/*
 * Verification digests modulo p = 2^61 - 1 (exactness chapter G): secret rho, digests of planes,
 * of sums and of weights. Freivalds, "Probabilistic machines can use less running time", 1977.
 */
#include "host/base/bytes.h"
#include "host/base/cpu.h"
#include "host/base/mem.h"
#include "host/ckks/exact/freivalds_private.h"

/* x < 2^64 -> x mod p, in [0, p) */
static uint64_t reduce64(uint64_t x)
{
    x = (x & HEL_FREIVALDS_P) + (x >> 61);
    return x >= HEL_FREIVALDS_P ? x - HEL_FREIVALDS_P : x;
}

/* any x -> x mod p; 2^122 = 1 as 2^61 = 1 */
static uint64_t reduce128(unsigned __int128 x)
{
    uint64_t low = (uint64_t)x & HEL_FREIVALDS_P;
    uint64_t mid = (uint64_t)(x >> 61) & HEL_FREIVALDS_P;
    return reduce64(low + mid + (uint64_t)(x >> 122));
}

static uint64_t reduce_signed(__int128 x)
{
    uint64_t negative = 0 - (uint64_t)(x < 0);
    unsigned __int128 size = x < 0 ? 0 - (unsigned __int128)x : (unsigned __int128)x;
    uint64_t r = reduce128(size), minus = reduce64(HEL_FREIVALDS_P - r);
    return (r & ~negative) | (minus & negative);
}

/* Object of the stream: the block; the prime index field of the nonce names the plane. A draw of
 * 61 bits equals p once in 2^61: it is folded to 0, a bias nobody can use. */
hel_status hel_freivalds_rho(hel_engine *engine, const uint8_t key[32], uint64_t block,
                             uint32_t plane, uint32_t n, uint64_t *rho)
{
    uint32_t nonce[3];
    uint8_t bytes[4096];
    hel_chacha *chacha;
    hel_status status = HEL_OK;
    HEL_REQUIRE(engine, plane < 1u << 16, HEL_E_USAGE, "digests: plane %u, the rule is below 65536",
                plane);
    HEL_TRY(hel_chacha_create(engine, &chacha, key));
    hel_nonce(nonce, block, HEL_DOMAIN_RHO, plane, 0);
    for (uint32_t at = 0; at < n && status == HEL_OK; at += sizeof bytes / 8) {
        status = hel_chacha_stream(chacha, at / 8, nonce, bytes, sizeof bytes);
        for (uint32_t j = 0; j < sizeof bytes / 8 && at + j < n; j++)
            rho[at + j] = reduce64(hel_get_u64(bytes + 8 * j) >> 3);
    }
    hel_wipe(bytes, sizeof bytes);
    hel_chacha_free(chacha);
    return status == HEL_OK ? HEL_OK : hel_fail(engine, status, "digests: no key stream");
}

void hel_freivalds_halves_portable(const uint64_t *rho, const int8_t *m, uint32_t n, int64_t *low,
                                   int64_t *high)
{
    int64_t l = 0, h = 0;
    for (uint32_t j = 0; j < n; j++) {
        l += (int64_t)(rho[j] & 0x7fffffff) * m[j];
        h += (int64_t)(rho[j] >> 31) * m[j];
    }
    *low = l;
    *high = h;
}

/* Halves of 31 and 30 bits times at most 127, added at most 2^17 times, stay below 2^55. */
uint64_t hel_freivalds_digest(const uint64_t *rho, const int8_t *m, uint32_t n)
{
    int64_t low, high;
    switch (hel_cpu_best()) {
    case HEL_SIMD_AVX512:
        hel_freivalds_halves_avx512(rho, m, n, &low, &high);
        break;
    case HEL_SIMD_AVX2:
        hel_freivalds_halves_avx2(rho, m, n, &low, &high);
        break;
    default:
        hel_freivalds_halves_portable(rho, m, n, &low, &high);
    }
    return reduce_signed((__int128)high * ((int64_t)1 << 31) + low);
}

uint64_t hel_freivalds_sums(const uint64_t *rho, const int64_t *sums, uint32_t n)
{
    uint64_t total = 0;
    for (uint32_t j = 0; j < n; j++)
        total = reduce64(total + reduce_signed((__int128)rho[j] * sums[j]));
    return total;
}

uint64_t hel_freivalds_weights(const int32_t *w, const uint64_t *y, size_t stride, uint32_t n)
{
    /* |w y| < 2^92: 2^32 terms fit */
    __int128 total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += (__int128)y[i * stride] * w[i];
    return reduce_signed(total);
}
