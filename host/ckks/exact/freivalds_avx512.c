/* AVX-512 twin of the digest's inner loop: sixteen coefficients a step. */
#include "host/ckks/exact/freivalds_private.h"

#if defined(__AVX512F__)
#include <immintrin.h>

void hel_freivalds_halves_avx512(const uint64_t *rho, const int8_t *m, uint32_t n, int64_t *low,
                                 int64_t *high)
{
    const __m512i mask = _mm512_set1_epi64(0x7fffffff);
    __m512i l0 = _mm512_setzero_si512(), l1 = l0, h0 = l0, h1 = l0;
    uint32_t j = 0;
    for (; j + 16 <= n; j += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(m + j));
        __m512i m0 = _mm512_cvtepi8_epi64(bytes);
        __m512i m1 = _mm512_cvtepi8_epi64(_mm_srli_si128(bytes, 8));
        __m512i r0 = _mm512_loadu_si512(rho + j), r1 = _mm512_loadu_si512(rho + j + 8);
        l0 = _mm512_add_epi64(l0, _mm512_mul_epi32(_mm512_and_si512(r0, mask), m0));
        l1 = _mm512_add_epi64(l1, _mm512_mul_epi32(_mm512_and_si512(r1, mask), m1));
        h0 = _mm512_add_epi64(h0, _mm512_mul_epi32(_mm512_srli_epi64(r0, 31), m0));
        h1 = _mm512_add_epi64(h1, _mm512_mul_epi32(_mm512_srli_epi64(r1, 31), m1));
    }
    hel_freivalds_halves_portable(rho + j, m + j, n - j, low, high);
    *low += _mm512_reduce_add_epi64(_mm512_add_epi64(l0, l1));
    *high += _mm512_reduce_add_epi64(_mm512_add_epi64(h0, h1));
}

#else

void hel_freivalds_halves_avx512(const uint64_t *rho, const int8_t *m, uint32_t n, int64_t *low,
                                 int64_t *high)
{
    hel_freivalds_halves_portable(rho, m, n, low, high);
}

#endif
