/*
 * Number-theoretic transforms: N = 2^10 .. 2^15 in one pass over global memory, a row (limb of an
 * item) per block (ntt_row.h), larger ones and small shared memories in two.
 */
#include "kernels/ntt_split.h"

K_DEVICE void store8_in_place(const void *io, uint32_t j, const uint32_t *r)
{
    k_write8_words((uint32_t *)io, j, r);
}

/* A row in place, its shape and the last pass's levels. 32 words a thread: two passes through
 * registers for N = 2^10, three for the others. On sm_90 7.5 to 7.9 instructions per butterfly, of
 * which 6 are its own and 0.3 bring words to [0, q); moving words takes 0.5 to 0.8, factors 0.2. */
#define K_ALONE(log_n, a, b, inverse)                                                              \
    K_SHARED(shared);                                                                              \
    const k_row row = {A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0),                      \
                       k_limb_of(&A.ring, &A.x, K_BLOCK_X), log_n, shared, 0};                     \
    const k_shape s = k_shape_of(&row, K_ALONE_THREADS(log_n), K_ALONE_WIDE(log_n), inverse);      \
    const uint32_t last = (log_n) - (a) - (b)

#define K_NTT(log_n, a, b)                                                                         \
    K_KERNEL(k_ntt_forward_##log_n, k_ntt, K_ALONE_BOUND(log_n))                                   \
    {                                                                                              \
        K_ALONE(log_n, a, b, 0);                                                                   \
        k_forward_pass_in(&row, &s, 0, a, NULL, k_load_many_words);                                \
        if (b)                                                                                     \
            k_forward_pass_in(&row, &s, a, (b) ? (b) : 3, NULL, k_load_many_words);                \
        k_forward_end(&row, &s, last, store8_in_place);                                            \
    }                                                                                              \
    K_KERNEL(k_ntt_inverse_##log_n, k_ntt, K_ALONE_BOUND(log_n))                                   \
    {                                                                                              \
        const k_pair none = {0, 0};                                                                \
        K_ALONE(log_n, a, b, 1);                                                                   \
        k_inverse_start(&row, &s, last, k_load8_words);                                            \
        if (b)                                                                                     \
            k_inverse_pass_in(&row, &s, a, (b) ? (b) : 3, none, none, NULL, NULL);                 \
        k_inverse_pass_in(&row, &s, 0, a, row.m->n_inv, row.m->n_inv_w, NULL, k_store_many_words); \
    }

/* (log_n, a, b): levels of the passes before the last (0: none) */
K_NTT(10, 5, 0)
K_NTT(11, 3, 3)
K_NTT(12, 4, 4)
K_NTT(13, 5, 4)
K_NTT(14, 5, 5)
K_NTT(15, 5, 5)

/* ---- two passes (ntt_split.h) ---- */

/* Grid (limbs, batch, K_LOW / K_COLUMNS) for the columns, (limbs, batch, rows / K_LOW_ROWS) for the
 * rows. Forward: columns, then rows; inverse: rows, then columns. */
#define K_COLUMNS_OF(log_n)                                                                        \
    K_SHARED(shared);                                                                              \
    const k_columns x = {A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0),                    \
                         k_limb_of(&A.ring, &A.x, K_BLOCK_X), (log_n)-8, K_BLOCK_Z * K_COLUMNS,    \
                         shared}
#define K_LOW_OF(log_n)                                                                            \
    K_SHARED(shared);                                                                              \
    const k_low x = {k_limb_of(&A.ring, &A.x, K_BLOCK_X), (log_n)-8, K_BLOCK_Z * K_LOW_ROWS,       \
                     shared};                                                                      \
    uint32_t *tile = A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, K_BLOCK_Z * K_TILE)

#define K_SPLIT(log_n, a, b, c)                                                                    \
    K_KERNEL(k_ntt_columns_forward_##log_n, k_ntt, K_SPLIT_THREADS)                                \
    {                                                                                              \
        K_COLUMNS_OF(log_n);                                                                       \
        k_columns_forward(&x, a, b, c, k_load_many_words, k_store_many_words);                     \
    }                                                                                              \
    K_KERNEL(k_ntt_columns_inverse_##log_n, k_ntt, K_SPLIT_THREADS)                                \
    {                                                                                              \
        K_COLUMNS_OF(log_n);                                                                       \
        k_columns_inverse(&x, a, b, c, k_load_many_words, x.m->n_inv, x.m->n_inv_w,                \
                          k_store_many_words);                                                     \
    }                                                                                              \
    K_KERNEL(k_ntt_rows_forward_##log_n, k_ntt, K_SPLIT_THREADS)                                   \
    {                                                                                              \
        K_LOW_OF(log_n);                                                                           \
        k_low_forward(&x, tile);                                                                   \
        k_low_store(&x, tile);                                                                     \
    }                                                                                              \
    K_KERNEL(k_ntt_rows_inverse_##log_n, k_ntt, K_SPLIT_THREADS)                                   \
    {                                                                                              \
        K_LOW_OF(log_n);                                                                           \
        k_low_load(&x, tile);                                                                      \
        k_low_inverse(&x, tile);                                                                   \
    }

K_SPLIT_SIZES(K_SPLIT)
