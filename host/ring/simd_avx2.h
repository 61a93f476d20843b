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

/* 3: a in [0, p) -> a, or a - p, wrapped, where a is above `last`; a signed comparison serves below
 * 2^31 */
static inline __m256i v_centre(__m256i a, __m256i last, __m256i p)
{
    return _mm256_sub_epi32(a, _mm256_and_si256(_mm256_cmpgt_epi32(a, last), p));
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

/* ---- what the sources for any vector width use besides the above ---- */

#define LANES 8
typedef __m256i vec;

static inline vec v_set64(uint64_t x)
{
    return _mm256_set1_epi64x((int64_t)x);
}

static inline vec v_add(vec x, vec y)
{
    return _mm256_add_epi32(x, y);
}

static inline vec v_sub(vec x, vec y)
{
    return _mm256_sub_epi32(x, y);
}

static inline vec v_mullo(vec x, vec y)
{
    return _mm256_mullo_epi32(x, y);
}

/* 64-bit products of the even lanes. */
static inline vec v_mul(vec x, vec y)
{
    return _mm256_mul_epu32(x, y);
}

static inline vec v_add64(vec x, vec y)
{
    return _mm256_add_epi64(x, y);
}

static inline vec v_and(vec x, vec y)
{
    return _mm256_and_si256(x, y);
}

/* 64-bit values to the right by the counts in bits / by a constant. */
static inline vec v_right64(vec x, vec bits)
{
    return _mm256_srlv_epi64(x, bits);
}

#define v_right_by(x, bits)   _mm256_srli_epi64(x, bits)
#define v_right32_by(x, bits) _mm256_srli_epi32(x, bits)

/* The even lanes with zeros above. */
static inline vec v_even(vec x)
{
    return _mm256_blend_epi32(x, _mm256_setzero_si256(), 0xaa);
}

/* Lower words of 64-bit values of the even and the odd lanes, back in lane order. */
static inline vec v_merge_low(vec even, vec odd)
{
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

#endif

#endif
