/*
 * Number-theoretic transforms in two passes over global memory, N = 2^15 .. 2^17: a row is a matrix
 * of rows of K_LOW words. The high levels run down the columns, K_COLUMNS of them in a block; the
 * low ones along each row, K_LOW_ROWS of them in a block. Both are small transforms as in
 * ntt_row.h, and take their ends as functions too.
 *
 * Shared memory: the places of ntt_row.h, wide by 2^8: every access meets each bank once.
 */
#ifndef HEL_KERNELS_NTT_SPLIT_H
#define HEL_KERNELS_NTT_SPLIT_H

#include "kernels/ntt_row.h"

#ifdef K_KERNEL /* by nvcc or the simulator */

/* Where word x of a block lies, and base + x for bits that base does not have */
K_DEVICE uint32_t k_low_place(uint32_t x)
{
    return k_pad_wide(x, K_SPLIT_WIDE);
}

K_DEVICE uint32_t k_low_place_at(uint32_t placed, uint32_t x)
{
    return placed + k_low_place(x);
}

/* As a compiler does not know that there are no more */
K_DEVICE uint32_t k_split_thread(void)
{
    return K_THREAD & (K_SPLIT_THREADS - 1);
}

/* ---- columns ---- */

/* c0 .. c0 + K_COLUMNS - 1 of 2^high words each */
typedef struct k_columns {
    const void *io;
    const k_limb *m;
    uint32_t high, c0;
    uint32_t *shared; /* K_SPLIT_WORDS(K_COLUMNS << high) */
} k_columns;

/* The word of the whole row that word x of the block is. Linear in bits: a step of 2^s >= 16 is one
 * of 2^(s + 4). */
K_DEVICE uint32_t k_column_word(const k_columns *c, uint32_t x)
{
    return (x / K_COLUMNS) * K_LOW + c->c0 + x % K_COLUMNS;
}

/* Groups that a thread has, of 2^log_groups: whole rounds of all threads, but for N = 2^15 whose
 * passes of four levels have half as many groups as there are threads. */
K_DEVICE uint32_t k_column_turns(uint32_t log_groups)
{
    const uint32_t groups = 1u << log_groups;
    return groups >= K_SPLIT_THREADS ? groups / K_SPLIT_THREADS : k_split_thread() < groups;
}

/* Levels level .. level + levels - 1; the first are loaded, the last stored, in [0, 4q). */
K_DEVICE void k_columns_down(const k_columns *c, uint32_t level, uint32_t levels,
                             k_load_many_fn load, k_store_many_fn store)
{
    const uint32_t size = 1u << levels, log_words = c->high + K_LOG_COLUMNS;
    const int last = level + levels == c->high;
    const uint32_t log_step = log_words - level - levels, t = k_split_thread();
    const uint32_t base = k_group_base(t, log_step, levels), word = k_column_word(c, base);
    uint32_t node = t >> log_step;
    if (level != 0)
        K_HIDE(node);
    uint32_t *const at = c->shared + k_low_place(base);
    const k_primes p = k_primes_of(c->m);
    K_UNROLL
    for (uint32_t i = 0; i < k_column_turns(log_words - levels); i++) {
        const uint32_t more = k_group_base(i * K_SPLIT_THREADS, log_step, levels);
        uint32_t r[16];
        if (level == 0)
            load(c->io, word + (more << 4), log_step + 4, size, r);
        else {
            K_UNROLL
            for (uint32_t k = 0; k < size; k++)
                r[k] = at[k_low_place(more + (k << log_step))];
        }
        k_forward_levels_at(r, levels, node, (1u << level) + (i * K_SPLIT_THREADS >> log_step),
                            c->m->w, &p);
        if (last)
            store(c->io, word + (more << 4), log_step + 4, size, r);
        else {
            K_UNROLL
            for (uint32_t k = 0; k < size; k++)
                at[k_low_place(more + (k << log_step))] = r[k];
        }
    }
    if (!last)
        K_SYNC();
}

/* The same upwards, on words in [0, 2q); the topmost level has the factors of k_inverse_top. */
K_DEVICE void k_columns_up(const k_columns *c, uint32_t level, uint32_t levels, k_load_many_fn load,
                           k_pair upper, k_pair lower, k_store_many_fn store)
{
    const uint32_t size = 1u << levels, log_words = c->high + K_LOG_COLUMNS;
    const uint32_t log_step = log_words - level - levels, t = k_split_thread();
    const uint32_t base = k_group_base(t, log_step, levels), word = k_column_word(c, base);
    uint32_t node = t >> log_step;
    if (level != 0)
        K_HIDE(node);
    uint32_t *const at = c->shared + k_low_place(base);
    const k_primes p = k_primes_of(c->m);
    K_UNROLL
    for (uint32_t i = 0; i < k_column_turns(log_words - levels); i++) {
        const uint32_t more = k_group_base(i * K_SPLIT_THREADS, log_step, levels);
        uint32_t r[16];
        if (level + levels == c->high)
            load(c->io, word + (more << 4), log_step + 4, size, r);
        else {
            K_UNROLL
            for (uint32_t k = 0; k < size; k++)
                r[k] = at[k_low_place(more + (k << log_step))];
        }
        k_inverse_levels_at(r, levels, level == 0, node,
                            (1u << level) + (i * K_SPLIT_THREADS >> log_step), c->m->w_inv, &p);
        if (level == 0)
            k_inverse_top(r, size / 2, upper, lower, &p);
        if (level == 0)
            store(c->io, word + (more << 4), log_step + 4, size, r);
        else {
            K_UNROLL
            for (uint32_t k = 0; k < size; k++)
                at[k_low_place(more + (k << log_step))] = r[k];
        }
    }
    if (level != 0)
        K_SYNC();
}

/* a, b, c (0: none): the high levels of each pass */
K_DEVICE void k_columns_forward(const k_columns *x, uint32_t a, uint32_t b, uint32_t c,
                                k_load_many_fn load, k_store_many_fn store)
{
    k_columns_down(x, 0, a, load, store);
    k_columns_down(x, a, b, load, store);
    if (c)
        k_columns_down(x, a + b, c ? c : 3, load, store);
}

K_DEVICE void k_columns_inverse(const k_columns *x, uint32_t a, uint32_t b, uint32_t c,
                                k_load_many_fn load, k_pair upper, k_pair lower,
                                k_store_many_fn store)
{
    if (c)
        k_columns_up(x, a + b, c ? c : 3, load, upper, lower, store);
    k_columns_up(x, a, b, load, upper, lower, store);
    k_columns_up(x, 0, a, load, upper, lower, store);
}

/* ---- rows ---- */

/* Rows first .. first + K_LOW_ROWS - 1 of 2^high: K_TILE words, 16 for each thread */
#define K_TILE (K_LOW * K_LOW_ROWS)

typedef struct k_low {
    const k_limb *m;
    uint32_t high, first;
    uint32_t *shared; /* K_SPLIT_WORDS(K_TILE) */
} k_low;

/* The upper four of the low levels: words in global memory, from the tile's first */
K_DEVICE void k_low_upper_forward(const k_low *l, const uint32_t *in)
{
    const uint32_t t = k_split_thread(), which = t / 16;
    uint32_t *const at = l->shared + which * k_low_place(K_LOW) + t % 16;
    const k_primes p = k_primes_of(l->m);
    uint32_t r[16];
    in += which * K_LOW + t % 16;
    K_UNROLL
    for (uint32_t k = 0; k < 16; k++)
        r[k] = in[16 * k];
    k_forward_levels(r, 4, (1u << l->high) + l->first + which, l->m->w, &p);
    K_UNROLL
    for (uint32_t k = 0; k < 16; k++)
        at[k_low_place(16 * k)] = r[k];
    K_SYNC();
}

/* The lower four: a thread's 16 neighbours, as they lie in shared memory */
K_DEVICE void k_low_quads(const k_low *l, uint32_t *r, int store)
{
    const uint32_t placed = k_low_place(16 * k_split_thread());
    K_UNROLL
    for (uint32_t h = 0; h < 4; h++) {
        k_quad *at = (k_quad *)(l->shared + (placed + 4 * h));
        if (store) {
            const k_quad x = {r[4 * h], r[4 * h + 1], r[4 * h + 2], r[4 * h + 3]};
            *at = x;
        } else {
            const k_quad x = *at;
            r[4 * h] = x.x;
            r[4 * h + 1] = x.y;
            r[4 * h + 2] = x.z;
            r[4 * h + 3] = x.w;
        }
    }
}

/* From a tile of the columns' result to canonical words in shared memory, at k_low_place(x). */
K_DEVICE void k_low_forward(const k_low *l, const uint32_t *in)
{
    const k_primes p = k_primes_of(l->m);
    uint32_t r[16];
    k_low_upper_forward(l, in);
    k_low_quads(l, r, 0);
    k_forward_levels(r, 4, (((1u << l->high) + l->first) << 4) + k_split_thread(), l->m->w, &p);
    K_UNROLL
    for (uint32_t k = 0; k < 16; k++)
        r[k] = k_fold(k_fold(r[k], p.minus_q2), p.minus_q);
    k_low_quads(l, r, 1);
    K_SYNC();
}

/* From words in [0, 2q) in shared memory, behind a barrier, to such words in global memory. */
K_DEVICE void k_low_inverse(const k_low *l, uint32_t *out)
{
    const uint32_t t = k_split_thread(), which = t / 16;
    uint32_t *const at = l->shared + which * k_low_place(K_LOW) + t % 16;
    const k_primes p = k_primes_of(l->m);
    uint32_t r[16];
    k_low_quads(l, r, 0);
    k_inverse_levels(r, 4, 0, (((1u << l->high) + l->first) << 4) + k_split_thread(), l->m->w_inv,
                     &p);
    k_low_quads(l, r, 1);
    K_SYNC();
    K_UNROLL
    for (uint32_t k = 0; k < 16; k++)
        r[k] = at[k_low_place(16 * k)];
    k_inverse_levels(r, 4, 0, (1u << l->high) + l->first + which, l->m->w_inv, &p);
    out += which * K_LOW + t % 16;
    K_UNROLL
    for (uint32_t k = 0; k < 16; k++)
        out[16 * k] = r[k];
}

/* A tile between global and shared memory, by quads */
K_DEVICE void k_low_load(const k_low *l, const uint32_t *in)
{
    const uint32_t t = k_split_thread(), placed = k_low_place(4 * t);
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        *(k_quad *)(l->shared + k_low_place_at(placed, 1024 * i)) =
            ((const k_quad *)in)[t + 256 * i];
    K_SYNC();
}

K_DEVICE void k_low_store(const k_low *l, uint32_t *out)
{
    const uint32_t t = k_split_thread(), placed = k_low_place(4 * t);
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        ((k_quad *)out)[t + 256 * i] =
            *(const k_quad *)(l->shared + k_low_place_at(placed, 1024 * i));
}

/* X(log_n, a, b, c): the columns' levels */
#define K_SPLIT_SIZES(X)                                                                           \
    X(15, 4, 3, 0) /* where a block has less than 128 KiB */                                       \
    X(16, 4, 4, 0)                                                                                 \
    X(17, 3, 3, 3)

#endif

#endif
