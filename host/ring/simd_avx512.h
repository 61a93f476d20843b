/*
 * Sixteen 32-bit residues at a time: the building blocks of the AVX-512 twin. There is no 32-bit
 * high multiplication, so Shoup's quotient comes from two 32 x 32 -> 64 multiplications, one of the
 * even and one of the odd lanes.
 */
#ifndef HEL_RING_SIMD_AVX512_H
#define HEL_RING_SIMD_AVX512_H

#if defined(__AVX512F__) /* empty elsewhere, so that it may be included anywhere */

#include <immintrin.h>

#include "host/ring/ring_private.h"

static inline __m512i v_set1(uint32_t x)
{
    return _mm512_set1_epi32((int)x);
}

static inline __m512i v_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

static inline void v_store(void *p, __m512i x)
{
    _mm512_storeu_si512(p, x);
}

/* The odd lanes, moved to the even ones. */
static inline __m512i v_odd(__m512i x)
{
    return _mm512_srli_epi64(x, 32);
}

/* Upper halves of 64-bit products of the even and the odd lanes, back in lane order. */
static inline __m512i v_merge_high(__m512i even, __m512i odd)
{
    return _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
}

/* Within 128 bits: two lanes of x, then two of y, as vshufps chooses. */
#define v_shuffle32(x, y, choice)                                                                  \
    _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(y), choice))

/* x in [0, 2m) -> [0, m) */
static inline __m512i v_fold(__m512i x, __m512i m)
{
    return _mm512_min_epu32(x, _mm512_sub_epi32(x, m));
}

/* x in (-m, m), as wrapped words -> [0, m) */
static inline __m512i v_unwrap(__m512i x, __m512i m)
{
    return _mm512_min_epu32(x, _mm512_add_epi32(x, m));
}

/* 2: a in [0, p) -> a, or a - p, wrapped, where a is above `last` */
static inline __m512i v_centre(__m512i a, __m512i last, __m512i p)
{
    return _mm512_mask_sub_epi32(a, _mm512_cmpgt_epu32_mask(a, last), a, p);
}

/* Any a times w lazily in [0, 2q); ws_odd holds the quotients of the odd lanes in even lanes. */
static inline __m512i v_shoup2(__m512i a, __m512i w, __m512i ws, __m512i ws_odd, __m512i q)
{
    __m512i even = _mm512_mul_epu32(a, ws), odd = _mm512_mul_epu32(v_odd(a), ws_odd);
    __m512i h = v_merge_high(even, odd);
    __m512i r = _mm512_sub_epi32(_mm512_mullo_epi32(a, w), _mm512_mullo_epi32(h, q));
    __asm__("" : "+v"(r)); /* keeps the compiler from regrouping u + (aw - hq), one op longer */
    return r;
}

/* The same where each odd lane has the factor of the even lane before it. */
static inline __m512i v_shoup(__m512i a, __m512i w, __m512i ws, __m512i q)
{
    return v_shoup2(a, w, ws, ws, q);
}

/* ---- what the sources for any vector width use besides the above ---- */

#define LANES 16
typedef __m512i vec;

static inline vec v_set64(uint64_t x)
{
    return _mm512_set1_epi64((int64_t)x);
}

static inline vec v_add(vec x, vec y)
{
    return _mm512_add_epi32(x, y);
}

static inline vec v_sub(vec x, vec y)
{
    return _mm512_sub_epi32(x, y);
}

static inline vec v_mullo(vec x, vec y)
{
    return _mm512_mullo_epi32(x, y);
}

/* 64-bit products of the even lanes. */
static inline vec v_mul(vec x, vec y)
{
    return _mm512_mul_epu32(x, y);
}

static inline vec v_add64(vec x, vec y)
{
    return _mm512_add_epi64(x, y);
}

static inline vec v_and(vec x, vec y)
{
    return _mm512_and_si512(x, y);
}

/* 64-bit values to the right by the counts in bits / by a constant. */
static inline vec v_right64(vec x, vec bits)
{
    return _mm512_srlv_epi64(x, bits);
}

#define v_right_by(x, bits)   _mm512_srli_epi64(x, bits)
#define v_right32_by(x, bits) _mm512_srli_epi32(x, bits)

/* The even lanes with zeros above. */
static inline vec v_even(vec x)
{
    return _mm512_maskz_mov_epi32(0x5555, x);
}

/* Lower words of 64-bit values of the even and the odd lanes, back in lane order. */
static inline vec v_merge_low(vec even, vec odd)
{
    return _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA);
}

#endif

#endif
