/*
 * AVX-512 twin. Even positions of a 16-word line multiply in place, odd ones after a shift by 32
 * bits; a block of 4 columns keeps its 24 accumulators in registers over the whole tile.
 */
#include "host/backend/tensor.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES  HEL_TENSOR_LANES
#define INLINE static inline __attribute__((always_inline))

/* x < 2^64 -> x mod q: the quotient estimate in double is off by one at the most, and only the low
 * 32 bits of the remainder are needed. */
INLINE __m512i reduce(__m512i x, __m512i q, __m512d inv)
{
    __m512i quotient = _mm512_cvttpd_epu64(_mm512_mul_pd(_mm512_cvtepu64_pd(x), inv));
    __m512i r = _mm512_sub_epi32(x, _mm512_mul_epu32(quotient, q)); /* low word in (-q, 2q) */
    r = _mm512_min_epu32(r, _mm512_add_epi32(r, q));
    return _mm512_min_epu32(r, _mm512_sub_epi32(r, q));
}

INLINE __m512i fold(__m512i x, __m512i limit)
{
    return _mm512_min_epu64(x, _mm512_sub_epi64(x, limit));
}

INLINE void block(const hel_tensor_args *args, uint32_t first, const uint32_t count)
{
    const __m512i q = _mm512_set1_epi64(args->q);
    const __m512i limit = _mm512_set1_epi64((long long)(8 * (uint64_t)args->q * args->q));
    const size_t z_stride = (size_t)args->z_columns * 2 * LANES;
    const uint32_t *z[4];
    __m512i even[4][3], odd[4][3];
    for (uint32_t c = 0; c < count; c++) {
        z[c] = args->z + (size_t)args->column[first + c] * 2 * LANES;
        for (int p = 0; p < 3; p++)
            even[c][p] = odd[c][p] = _mm512_setzero_si512();
    }
    for (uint32_t i = 0; i < args->samples; i++) {
        const uint32_t *a = args->a + (size_t)i * 2 * LANES;
        __m512i a0 = _mm512_loadu_si512(a), a1 = _mm512_loadu_si512(a + LANES);
        __m512i b0 = _mm512_srli_epi64(a0, 32), b1 = _mm512_srli_epi64(a1, 32);
#pragma GCC unroll 4
        for (uint32_t c = 0; c < count; c++) {
            __m512i z0 = _mm512_loadu_si512(z[c] + i * z_stride);
            __m512i z1 = _mm512_loadu_si512(z[c] + i * z_stride + LANES);
            __m512i y0 = _mm512_srli_epi64(z0, 32), y1 = _mm512_srli_epi64(z1, 32);
            even[c][0] = _mm512_add_epi64(even[c][0], _mm512_mul_epu32(a0, z0));
            even[c][1] = _mm512_add_epi64(even[c][1], _mm512_mul_epu32(a0, z1));
            even[c][1] = _mm512_add_epi64(even[c][1], _mm512_mul_epu32(a1, z0));
            even[c][2] = _mm512_add_epi64(even[c][2], _mm512_mul_epu32(a1, z1));
            odd[c][0] = _mm512_add_epi64(odd[c][0], _mm512_mul_epu32(b0, y0));
            odd[c][1] = _mm512_add_epi64(odd[c][1], _mm512_mul_epu32(b0, y1));
            odd[c][1] = _mm512_add_epi64(odd[c][1], _mm512_mul_epu32(b1, y0));
            odd[c][2] = _mm512_add_epi64(odd[c][2], _mm512_mul_epu32(b1, y1));
        }
        /* Sums stay below 8 q^2 < 2^63 after a fold; 4 samples add 8 q^2 to the middle sum, 8
         * samples add 8 q^2 to the outer ones. */
        if (i % 4 == 3)
#pragma GCC unroll 4
            for (uint32_t c = 0; c < count; c++) {
                even[c][1] = fold(even[c][1], limit);
                odd[c][1] = fold(odd[c][1], limit);
            }
        if (i % 8 == 7)
#pragma GCC unroll 4
            for (uint32_t c = 0; c < count; c++) {
                even[c][0] = fold(even[c][0], limit);
                odd[c][0] = fold(odd[c][0], limit);
                even[c][2] = fold(even[c][2], limit);
                odd[c][2] = fold(odd[c][2], limit);
            }
    }
    const __m512d inv = _mm512_set1_pd(1.0 / args->q);
    for (uint32_t c = 0; c < count; c++)
        for (int p = 0; p < 3; p++) {
            uint32_t *acc = args->acc + ((size_t)(first + c) * 3 + (size_t)p) * LANES;
            __m512i low = reduce(even[c][p], q, inv);
            __m512i high = _mm512_slli_epi64(reduce(odd[c][p], q, inv), 32);
            __m512i q32 = _mm512_set1_epi32((int)args->q);
            __m512i sum = _mm512_mask_blend_epi32(0xaaaa, low, high);
            sum = _mm512_add_epi32(sum, _mm512_loadu_si512(acc));
            _mm512_storeu_si512(acc, _mm512_min_epu32(sum, _mm512_sub_epi32(sum, q32)));
        }
}

void hel_tensor_avx512(const hel_tensor_args *args)
{
    uint32_t c = 0;
    for (; c + 4 <= args->columns; c += 4)
        block(args, c, 4);
    if (args->columns - c == 3)
        block(args, c, 3);
    else if (args->columns - c == 2)
        block(args, c, 2);
    else if (args->columns - c == 1)
        block(args, c, 1);
}
#endif
