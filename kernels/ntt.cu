/*
 * Number-theoretic transforms: N = 2^10 .. 2^15 in one pass over global memory, a row (limb of an
 * item) per block (ntt_row.h), larger ones and small shared memories in two.
 */
#include "kernels/ntt_split.h"

K_DEVICE void store8_in_place(const void *io, uint32_t j, const uint32_t *r)
{
    k_write8_words((uint32_t *)io, j, r);
}

#define K_NTT(log_n, a, b, c)                                                                      \
    K_KERNEL(k_ntt_forward_##log_n, k_ntt, K_NTT_THREADS(log_n))                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_row row = {A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0),                  \
                           k_limb_of(&A.ring, &A.x, K_BLOCK_X), log_n, shared, 0};                 \
        k_forward_row_by(&row, a, b, c, NULL, k_load_many_words, store8_in_place);                 \
    }                                                                                              \
    K_KERNEL(k_ntt_inverse_##log_n, k_ntt, K_NTT_THREADS(log_n))                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_row row = {A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0),                  \
                           k_limb_of(&A.ring, &A.x, K_BLOCK_X), log_n, shared, 0};                 \
        k_inverse_row_by(&row, a, b, c, row.m->n_inv, row.m->n_inv_w, k_load8_words, NULL,         \
                         k_store_many_words);                                                      \
    }

K_ROW_SIZES(K_NTT)

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
