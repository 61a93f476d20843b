/* AVX-512 twin of the expansion's fused loops: 16 words a vector. */
#include "host/ckks/exact/expand_ops.h"

#if defined(__AVX512F__)
#include <immintrin.h>

typedef __m512i vec;
#define LANES 16

static inline vec v_load(const uint32_t *x)
{
    return _mm512_loadu_si512(x);
}

static inline void v_store(uint32_t *x, vec v)
{
    _mm512_storeu_si512(x, v);
}

static inline vec v_above(vec a, vec b, vec x)
{
    return _mm512_maskz_mov_epi32(_mm512_cmpgt_epu32_mask(a, b), x);
}

#define v_set(x)         _mm512_set1_epi32((int)(x))
#define v_add(a, b)      _mm512_add_epi32(a, b)
#define v_sub(a, b)      _mm512_sub_epi32(a, b)
#define v_min(a, b)      _mm512_min_epu32(a, b)
#define v_add64(a, b)    _mm512_add_epi64(a, b)
#define v_mul(a, b)      _mm512_mul_epu32(a, b)
#define v_muls(a, b)     _mm512_mul_epi32(a, b)
#define v_mullo(a, b)    _mm512_mullo_epi32(a, b)
#define v_high(x)        _mm512_srli_epi64(x, 32)
#define v_join(e, o)     _mm512_mask_mov_epi32(e, 0xaaaa, o)
#define v_permute(x, at) _mm512_permutexvar_epi32(at, x)

#include "host/ckks/exact/expand_ops_vec.h"

const hel_expand_ops *hel_expand_ops_avx512(void)
{
    static const hel_expand_ops ops = {step, lift3};
    return &ops;
}

#else

const hel_expand_ops *hel_expand_ops_avx512(void)
{
    return hel_expand_ops_portable();
}

#endif
