/* Portable twin of the embedding: one number at a time, any length of a transform. */
#include "host/ring/embedding_private.h"

typedef uint32_t words, words_at;
typedef double reals, reals_at;
#define WORDS 1
#define REALS 1
#define NAME  "portable"

static inline uint32_t high(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)a * b) >> 32);
}

#define least(a, b) hel_min_u32(a, b)

#include "host/ring/embedding_vec.h"

const hel_embedding_ops *hel_embedding_ops_portable(void)
{
    return &ops;
}
