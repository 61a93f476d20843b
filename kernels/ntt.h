/* Launch shapes of kernels/ntt.cu: one block per row, grid (limbs, batch). C17 and CUDA C. */
#ifndef HEL_KERNELS_NTT_H
#define HEL_KERNELS_NTT_H

#include "kernels/rows.h"

typedef struct k_ntt {
    k_ring ring;
    k_rows x; /* in place */
} k_ntt;

#define K_NTT_LOG_N_MIN  10
#define K_NTT_LOG_N_ONCE 15   /* the largest that one block's shared memory holds */
#define K_LOW            256u /* words of a row in the two-pass transforms */
#define K_LOW_ROWS       16u
#define K_COLUMNS        16u
#define K_LOG_COLUMNS    4u
#define K_SPLIT_THREADS  256u

/* Kernels that fuse a row's transform with more: threads, and words of shared memory */
#define K_NTT_THREADS(log_n) ((log_n) > 14 ? 1024u : 1u << ((log_n)-4))
#define K_ROW_WORDS(log_n)   ((1u << (log_n)) / 8 * 9)

/* Kernels that only transform: 32 words a thread. K_ALONE_WIDE: k_pad_wide */
/* The bound keeps registers at 64, of which N = 2^10 needs a few more. */
#define K_ALONE_BOUND(log_n)   ((log_n) == 10 ? 512u : 1024u)
#define K_ALONE_THREADS(log_n) (1u << ((log_n)-5))
#define K_ALONE_WIDE(log_n)    ((log_n) == 12 || (log_n) == 13 ? 8u : (log_n) == 14 ? 9u : 0u)
#define K_ALONE_WORDS(log_n)                                                                       \
    (K_ROW_WORDS(log_n) + (K_ALONE_WIDE(log_n) ? 16u << ((log_n)-K_ALONE_WIDE(log_n)) : 0u))

/* Shared memory for x words of a block in the two-pass transforms; K_SPLIT_WIDE: k_pad_wide */
#define K_SPLIT_WIDE     8u
#define K_SPLIT_WORDS(x) ((x) / 16 * 19)

/* Shared memory of a block; rows: not the columns */
static inline size_t k_row_bytes(uint32_t log_n)
{
    return K_ROW_WORDS(log_n) * sizeof(uint32_t);
}

static inline size_t k_alone_bytes(uint32_t log_n)
{
    return K_ALONE_WORDS(log_n) * sizeof(uint32_t);
}

static inline size_t k_split_bytes(uint32_t log_n, int rows)
{
    const uint32_t words = rows ? K_LOW * K_LOW_ROWS : K_COLUMNS << (log_n - 8);
    return K_SPLIT_WORDS(words) * sizeof(uint32_t);
}

#endif
