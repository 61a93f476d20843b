/* AVX2 twin of the embedding: eight words or four doubles a vector. */
#include "host/ring/embedding_private.h"

#if defined(__AVX2__)
#include "host/ring/simd_avx2.h"

typedef uint32_t words __attribute__((vector_size(32)));
typedef uint32_t words_at __attribute__((vector_size(32), aligned(4), may_alias));
typedef double reals __attribute__((vector_size(32)));
typedef double reals_at __attribute__((vector_size(32), aligned(8), may_alias));
#define WORDS 8
#define REALS 4
#define NAME  "avx2"

static inline words high(words a, words b)
{
    const __m256i x = (__m256i)a, y = (__m256i)b;
    return (words)v_merge_high(_mm256_mul_epu32(x, y), _mm256_mul_epu32(v_odd(x), y));
}

static inline words least(words a, words b)
{
    return (words)_mm256_min_epu32((__m256i)a, (__m256i)b);
}

#include "host/ring/embedding_vec.h"

const hel_embedding_ops *hel_embedding_ops_avx2(void)
{
    return &ops;
}

#else

const hel_embedding_ops *hel_embedding_ops_avx2(void)
{
    return NULL;
}

#endif
