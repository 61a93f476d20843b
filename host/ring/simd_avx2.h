/*
 * Eight 32-bit residues at a time: the building blocks of the AVX2 twin. As in the AVX-512 twin the
 * upper half of a product comes from two multiplications, of the even and of the odd lanes.
 */
#ifndef HEL_RING_SIMD_AVX2_H
#define HEL_RING_SIMD_AVX2_H

#if defined(__AVX2__) /* empty elsewhere, so that it may be included anywhere */

#include <immintrin.h>

#include "host/ring/ring_private.h"

static inline __m256i v_set1(uint32_t x)
{
    return _mm256_set1_epi32((int)x);
}

static inline __m256i v_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline void v_store(void *p, __m256i x)
{
    _mm256_storeu_si256(p, x);
}

/* The odd lanes, moved to the even ones. */
static inline __m256i v_odd(__m256i x)
{
    return _mm256_srli_epi64(x, 32);
}

/* Upper halves of 64-bit products of the even and the odd lanes, back in lane order. */
static inline __m256i v_merge_high(__m256i even, __m256i odd)
{
    return _mm256_blend_epi32(_mm256_shuffle_epi32(even, 0xf5), odd, 0xaa);
}

/* x in [0, 2m) -> [0, m) */
static inline __m256i v_fold(__m256i x, __m256i m)
{
    return _mm256_min_epu32(x, _mm256_sub_epi32(x, m));
}

/* x in (-m, m), as wrapped words -> [0, m) */
static inline __m256i v_unwrap(__m256i x, __m256i m)
{
    return _mm256_min_epu32(x, _mm256_add_epi32(x, m));
}

/* Any a times w lazily in [0, 2q); ws_odd holds the quotients of the odd lanes in even lanes. */
static inline __m256i v_shoup2(__m256i a, __m256i w, __m256i ws, __m256i ws_odd, __m256i q)
{
    __m256i even = _mm256_mul_epu32(a, ws), odd = _mm256_mul_epu32(v_odd(a), ws_odd);
    __m256i h = v_merge_high(even, odd);
    __m256i r = _mm256_sub_epi32(_mm256_mullo_epi32(a, w), _mm256_mullo_epi32(h, q));
    __asm__("" : "+x"(r)); /* keeps the compiler from regrouping u + (aw - hq), one op longer */
    return r;
}

/* The same where each odd lane has the factor of the even lane before it. */
static inline __m256i v_shoup(__m256i a, __m256i w, __m256i ws, __m256i q)
{
    return v_shoup2(a, w, ws, ws, q);
}

/* Within 128 bits: two lanes of x, then two of y, as vshufps chooses. */
#define v_shuffle32(x, y, choice)                                                                  \
    _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(x), _mm256_castsi256_ps(y), choice))

#endif

#endif
