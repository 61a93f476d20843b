/* AVX-512 twin of the embedding: sixteen words or eight doubles a vector. */
#include "host/ring/embedding_private.h"

#if defined(__AVX512F__)
#include "host/ring/simd_avx512.h"

typedef uint32_t words __attribute__((vector_size(64)));
typedef uint32_t words_at __attribute__((vector_size(64), aligned(4), may_alias));
typedef double reals __attribute__((vector_size(64)));
typedef double reals_at __attribute__((vector_size(64), aligned(8), may_alias));
#define WORDS 16
#define REALS 8
#define NAME  "avx512"

static inline words high(words a, words b)
{
    const __m512i x = (__m512i)a, y = (__m512i)b;
    return (words)v_merge_high(_mm512_mul_epu32(x, y), _mm512_mul_epu32(v_odd(x), y));
}

static inline words least(words a, words b)
{
    return (words)_mm512_min_epu32((__m512i)a, (__m512i)b);
}

#include "host/ring/embedding_vec.h"

const hel_embedding_ops *hel_embedding_ops_avx512(void)
{
    return &ops;
}

#else

const hel_embedding_ops *hel_embedding_ops_avx512(void)
{
    return NULL;
}

#endif
