/*
 * Number-theoretic transforms: N = 2^10 .. 2^15 in one pass over global memory, a row (limb of an
 * item) per block (ntt_row.h), larger ones and small shared memories in two.
 */
#include "kernels/ntt_row.h"

K_DEVICE void store8_in_place(const void *io, uint32_t j, const uint32_t *r)
{
    k_write8_words((uint32_t *)io, j, r);
}

K_DEVICE void store_in_place(const void *io, uint32_t j, uint32_t x)
{
    ((uint32_t *)io)[j] = x;
}

#define K_NTT(log_n, a, b, c)                                                                      \
    K_KERNEL(k_ntt_forward_##log_n, k_ntt, K_NTT_THREADS(log_n))                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_row row = {A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0),                  \
                           k_limb_of(&A.ring, &A.x, K_BLOCK_X), log_n, shared};                    \
        k_forward_row(&row, a, b, c, k_load_word, store8_in_place);                                \
    }                                                                                              \
    K_KERNEL(k_ntt_inverse_##log_n, k_ntt, K_NTT_THREADS(log_n))                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_row row = {A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0),                  \
                           k_limb_of(&A.ring, &A.x, K_BLOCK_X), log_n, shared};                    \
        k_inverse_row(&row, a, b, c, row.m->n_inv, row.m->n_inv_w, k_load8_words, store_in_place); \
    }

K_ROW_SIZES(K_NTT)

/*
 * N = 2^15 .. 2^17: two passes over global memory. The row is a matrix of rows of K_LOW words; the
 * high levels run down the columns, K_COLUMNS of them in a block, the low ones along each row,
 * K_LOW_ROWS of them in a block. Both halves are small transforms of the kind above, of
 * 2^(levels) x K_COLUMNS words and of K_LOW words.
 */
K_DEVICE uint32_t column_word(uint32_t x, uint32_t c0)
{
    return (x / K_COLUMNS) * K_LOW + c0 + x % K_COLUMNS;
}

/* Levels level .. level + levels - 1 of K_COLUMNS columns of 2^high words each. */
K_DEVICE void column_pass(uint32_t *row, uint32_t *shared, const k_limb *m, uint32_t high,
                          uint32_t level, uint32_t levels, uint32_t c0, int inverse)
{
    const uint32_t size = 1u << levels, log_words = high + K_LOG_COLUMNS;
    const uint32_t log_step = log_words - level - levels;
    const int first = inverse ? level + levels == high : level == 0;
    const int last = inverse ? level == 0 : level + levels == high;
    const k_primes p = k_primes_of(m);
    for (uint32_t g = K_THREAD; g < 1u << (log_words - levels); g += K_SPLIT_THREADS) {
        const uint32_t node = g >> log_step, j = g & ((1u << log_step) - 1);
        const uint32_t base = node << (log_words - level) | j;
        uint32_t r[16];
        K_UNROLL
        for (uint32_t k = 0; k < size; k++) {
            const uint32_t x = base + (k << log_step);
            r[k] = first ? row[column_word(x, c0)] : shared[x];
        }
        if (!inverse)
            k_forward_levels(r, levels, (1u << level) + node, m->w, &p);
        else
            k_inverse_levels(r, levels, level == 0, (1u << level) + node, m->w_inv, &p);
        if (inverse && level == 0)
            k_inverse_top(r, size / 2, m->n_inv, m->n_inv_w, &p);
        K_UNROLL
        for (uint32_t k = 0; k < size; k++) {
            const uint32_t x = base + (k << log_step);
            if (last)
                row[column_word(x, c0)] = r[k];
            else
                shared[x] = r[k];
        }
    }
    if (!last)
        K_SYNC();
}

/* Four of the eight low levels of K_LOW_ROWS rows: the upper four (0) or the lower four (4). */
K_DEVICE void low_pass(uint32_t *row, uint32_t *shared, const k_limb *m, uint32_t high,
                       uint32_t level, uint32_t first_row, int inverse)
{
    const uint32_t log_step = 4 - level;
    const int first = inverse ? level == 4 : level == 0, last = !first;
    const k_primes p = k_primes_of(m);
    for (uint32_t g = K_THREAD; g < K_LOW_ROWS * K_LOW / 16; g += K_SPLIT_THREADS) {
        const uint32_t which = g / 16, in = g % 16; /* row of the block, group of 16 words in it */
        const uint32_t node = level ? in : 0, j = level ? 0 : in;
        const uint32_t base = which * K_LOW + (node << 4) + j;
        const uint32_t t = (((1u << high) + first_row + which) << level) + node;
        uint32_t r[16];
        K_UNROLL
        for (uint32_t k = 0; k < 16; k++) {
            const uint32_t x = base + (k << log_step);
            r[k] = first ? row[first_row * K_LOW + x] : shared[k_place(x)];
        }
        if (!inverse)
            k_forward_levels(r, 4, t, m->w, &p);
        else
            k_inverse_levels(r, 4, 0, t, m->w_inv, &p);
        K_UNROLL
        for (uint32_t k = 0; k < 16; k++) {
            const uint32_t x = base + (k << log_step);
            if (!last)
                shared[k_place(x)] = r[k];
            else
                row[first_row * K_LOW + x] =
                    inverse ? r[k] : k_fold(k_fold(r[k], p.minus_q2), p.minus_q);
        }
    }
    if (!last)
        K_SYNC();
}

/* Grid (limbs, batch, K_LOW / K_COLUMNS) for the columns, (limbs, batch, rows / K_LOW_ROWS) for the
 * rows. Forward: columns, then rows; inverse: rows, then columns. */
#define K_SPLIT(log_n, a, b, c)                                                                    \
    K_KERNEL(k_ntt_columns_forward_##log_n, k_ntt, K_SPLIT_THREADS)                                \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_limb *m = k_limb_of(&A.ring, &A.x, K_BLOCK_X);                                     \
        uint32_t *row = A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0);                     \
        const uint32_t c0 = K_BLOCK_Z * K_COLUMNS;                                                 \
        column_pass(row, shared, m, log_n - 8, 0, a, c0, 0);                                       \
        column_pass(row, shared, m, log_n - 8, a, b, c0, 0);                                       \
        if (c)                                                                                     \
            column_pass(row, shared, m, log_n - 8, (a) + (b), (c) ? (c) : 3, c0, 0);               \
    }                                                                                              \
    K_KERNEL(k_ntt_columns_inverse_##log_n, k_ntt, K_SPLIT_THREADS)                                \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_limb *m = k_limb_of(&A.ring, &A.x, K_BLOCK_X);                                     \
        uint32_t *row = A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0);                     \
        const uint32_t c0 = K_BLOCK_Z * K_COLUMNS;                                                 \
        if (c)                                                                                     \
            column_pass(row, shared, m, log_n - 8, (a) + (b), (c) ? (c) : 3, c0, 1);               \
        column_pass(row, shared, m, log_n - 8, a, b, c0, 1);                                       \
        column_pass(row, shared, m, log_n - 8, 0, a, c0, 1);                                       \
    }                                                                                              \
    K_KERNEL(k_ntt_rows_forward_##log_n, k_ntt, K_SPLIT_THREADS)                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_limb *m = k_limb_of(&A.ring, &A.x, K_BLOCK_X);                                     \
        uint32_t *row = A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0);                     \
        low_pass(row, shared, m, log_n - 8, 0, K_BLOCK_Z * K_LOW_ROWS, 0);                         \
        low_pass(row, shared, m, log_n - 8, 4, K_BLOCK_Z * K_LOW_ROWS, 0);                         \
    }                                                                                              \
    K_KERNEL(k_ntt_rows_inverse_##log_n, k_ntt, K_SPLIT_THREADS)                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_limb *m = k_limb_of(&A.ring, &A.x, K_BLOCK_X);                                     \
        uint32_t *row = A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0);                     \
        low_pass(row, shared, m, log_n - 8, 4, K_BLOCK_Z * K_LOW_ROWS, 1);                         \
        low_pass(row, shared, m, log_n - 8, 0, K_BLOCK_Z * K_LOW_ROWS, 1);                         \
    }

K_SPLIT(15, 4, 3, 0) /* where a block has less than 128 KiB */
K_SPLIT(16, 4, 4, 0)
K_SPLIT(17, 3, 3, 3)
