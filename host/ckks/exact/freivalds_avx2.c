/* AVX2 twin of the digest's inner loop: eight coefficients a step. */
#include "host/ckks/exact/freivalds_private.h"

#if defined(__AVX2__)
#include <immintrin.h>
#include <string.h>

static int64_t add_lanes(__m256i v)
{
    int64_t lane[4];
    _mm256_storeu_si256((__m256i *)(void *)lane, v);
    return lane[0] + lane[1] + lane[2] + lane[3];
}

static __m256i widen4(const int8_t *m)
{
    int32_t bytes;
    memcpy(&bytes, m, sizeof bytes);
    return _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(bytes));
}

static __m256i load4(const uint64_t *rho)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)rho);
}

void hel_freivalds_halves_avx2(const uint64_t *rho, const int8_t *m, uint32_t n, int64_t *low,
                               int64_t *high)
{
    const __m256i mask = _mm256_set1_epi64x(0x7fffffff);
    __m256i l0 = _mm256_setzero_si256(), l1 = l0, h0 = l0, h1 = l0;
    uint32_t j = 0;
    for (; j + 8 <= n; j += 8) {
        __m256i m0 = widen4(m + j), m1 = widen4(m + j + 4);
        __m256i r0 = load4(rho + j), r1 = load4(rho + j + 4);
        l0 = _mm256_add_epi64(l0, _mm256_mul_epi32(_mm256_and_si256(r0, mask), m0));
        l1 = _mm256_add_epi64(l1, _mm256_mul_epi32(_mm256_and_si256(r1, mask), m1));
        h0 = _mm256_add_epi64(h0, _mm256_mul_epi32(_mm256_srli_epi64(r0, 31), m0));
        h1 = _mm256_add_epi64(h1, _mm256_mul_epi32(_mm256_srli_epi64(r1, 31), m1));
    }
    hel_freivalds_halves_portable(rho + j, m + j, n - j, low, high);
    *low += add_lanes(_mm256_add_epi64(l0, l1));
    *high += add_lanes(_mm256_add_epi64(h0, h1));
}

#else

void hel_freivalds_halves_avx2(const uint64_t *rho, const int8_t *m, uint32_t n, int64_t *low,
                               int64_t *high)
{
    hel_freivalds_halves_portable(rho, m, n, low, high);
}

#endif
