/* AVX2 twin of the expansion's fused loops: 8 words a vector. */
#include "host/ckks/exact/expand_ops.h"

#if defined(__AVX2__)
#include <immintrin.h>

typedef __m256i vec;
#define LANES 8

static inline vec v_load(const uint32_t *x)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

static inline void v_store(uint32_t *x, vec v)
{
    _mm256_storeu_si256((__m256i *)(void *)x, v);
}

#define v_set(x)         _mm256_set1_epi32((int)(x))
#define v_add(a, b)      _mm256_add_epi32(a, b)
#define v_sub(a, b)      _mm256_sub_epi32(a, b)
#define v_min(a, b)      _mm256_min_epu32(a, b)
#define v_add64(a, b)    _mm256_add_epi64(a, b)
#define v_mul(a, b)      _mm256_mul_epu32(a, b)
#define v_muls(a, b)     _mm256_mul_epi32(a, b)
#define v_mullo(a, b)    _mm256_mullo_epi32(a, b)
#define v_high(x)        _mm256_srli_epi64(x, 32)
#define v_join(e, o)     _mm256_blend_epi32(e, o, 0xaa)
#define v_permute(x, at) _mm256_permutevar8x32_epi32(x, at)
#define v_above(a, b, x) _mm256_and_si256(_mm256_cmpgt_epi32(a, b), x)

#include "host/ckks/exact/expand_ops_vec.h"

const hel_expand_ops *hel_expand_ops_avx2(void)
{
    static const hel_expand_ops ops = {step, lift3};
    return &ops;
}

#else

const hel_expand_ops *hel_expand_ops_avx2(void)
{
    return hel_expand_ops_portable();
}

#endif
