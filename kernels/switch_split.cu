/*
 * The kernels of switch.cu where a row needs two passes over global memory: N = 2^15 in small
 * shared memories, 2^16, 2^17. What stood before a transform is the load of its first pass, what
 * stood after it the end of its second; eight launches to a key switch:
 *
 *   rows, columns of k_sources; columns (conversion), rows of k_raise;
 *   k_sums_rows (inner product), columns of k_sources; columns (conversion), rows of k_finish
 *
 * Between two passes a row goes through global memory once more than in switch.cu. Grids are those
 * of switch.h with the blocks of a row along z.
 */
#include "kernels/ntt_split.h"
#include "kernels/switch_ends.h"

/* ---- columns ---- */

/* In place: a y row holds what the rows' pass left */
typedef struct columns_of_y {
    k_y_end y;
} columns_of_y;

K_DEVICE void load_own(const void *io, uint32_t j, uint32_t log_step, uint32_t count, uint32_t *r)
{
    k_load_many_words(((const columns_of_y *)io)->y.out, j, log_step, count, r);
}

typedef struct columns_from_y {
    k_convert_end y;
    uint32_t *out;
} columns_from_y;

K_DEVICE void store_lazy(const void *io, uint32_t j, uint32_t log_step, uint32_t count,
                         const uint32_t *r)
{
    k_store_many_words(((const columns_from_y *)io)->out, j, log_step, count, r);
}

#define K_SWITCH_COLUMNS(log_n, p, q, r)                                                           \
    K_KERNEL(k_sources_columns_##log_n, k_sources, K_SPLIT_THREADS)                                \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_limb *m = k_limb_of(&A.ring, &A.in, K_BLOCK_X);                                    \
        const k_y_factors f = k_source_factors(&A, m, K_BLOCK_X);                                  \
        uint32_t *y = A.y + K_BLOCK_Y * A.y_stride + ((size_t)K_BLOCK_X << log_n);                 \
        const columns_of_y io = {{y, f.shift}};                                                    \
        const k_columns x = {&io, m, (log_n)-8, K_BLOCK_Z * K_COLUMNS, shared};                    \
        k_columns_inverse(&x, p, q, r, load_own, f.upper, f.lower, k_store_y);                     \
    }                                                                                              \
    K_KERNEL(k_raise_columns_##log_n, k_raise, K_SPLIT_THREADS)                                    \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_raise_place at = k_raise_place_of(&A, K_BLOCK_X);                                  \
        const k_limb *m = A.ring.limb + at.prime;                                                  \
        const uint32_t *y =                                                                        \
            A.y + K_BLOCK_Y * A.y_stride + ((size_t)(at.digit * A.digit_limbs) << log_n);          \
        uint32_t *out =                                                                            \
            A.out + K_BLOCK_Y * A.out_stride + ((size_t)(at.digit * A.all + at.limb) << log_n);    \
        const columns_from_y io = {k_convert_to(at.c, at.target, m, log_n, y), out};               \
        const k_columns x = {&io, m, (log_n)-8, K_BLOCK_Z * K_COLUMNS, shared};                    \
        k_columns_forward(&x, p, q, r, k_convert_many, store_lazy);                                \
    }                                                                                              \
    K_KERNEL(k_finish_columns_##log_n, k_finish, K_SPLIT_THREADS)                                  \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_place_in at = k_place_in_order(&A.order);                                          \
        const k_limb *m = A.ring.limb + at.row;                                                    \
        const uint32_t *y = A.y + at.item * A.y_item + at.half * A.y_half;                         \
        uint32_t *out = A.scratch + at.item * A.scratch_item + at.half * A.scratch_half +          \
                        ((size_t)at.row << log_n);                                                 \
        const columns_from_y io = {k_convert_to(&A.c, at.row, m, log_n, y), out};                  \
        const k_columns x = {&io, m, (log_n)-8, K_BLOCK_Z * K_COLUMNS, shared};                    \
        k_columns_forward(&x, p, q, r, k_convert_many, store_lazy);                                \
    }

K_SPLIT_SIZES(K_SWITCH_COLUMNS)

/* ---- rows: one kernel for every N ---- */

K_DEVICE k_low low_of(const k_limb *m, uint32_t log_n, uint32_t *shared)
{
    const k_low x = {m, log_n - 8, K_BLOCK_Z * K_LOW_ROWS, shared};
    return x;
}

K_KERNEL(k_sources_rows, k_sources, K_SPLIT_THREADS)
{
    K_SHARED(shared);
    const uint32_t log_n = A.ring.log_n, tile = K_BLOCK_Z * K_TILE;
    const k_low x = low_of(k_limb_of(&A.ring, &A.in, K_BLOCK_X), log_n, shared);
    k_low_load(&x, A.in.data + k_at(&A.in, log_n, K_BLOCK_Y, K_BLOCK_X, tile));
    k_low_inverse(&x, A.y + K_BLOCK_Y * A.y_stride + ((size_t)K_BLOCK_X << log_n) + tile);
}

K_KERNEL(k_raise_rows, k_raise, K_SPLIT_THREADS)
{
    K_SHARED(shared);
    const uint32_t log_n = A.ring.log_n, tile = K_BLOCK_Z * K_TILE;
    uint32_t *out = A.out + K_BLOCK_Y * A.out_stride + tile;
    if (K_BLOCK_X >= A.lifts) {
        const uint32_t i = K_BLOCK_X - A.lifts;
        const uint32_t *in = A.a.data + k_at(&A.a, log_n, K_BLOCK_Y, i, tile);
        out += (size_t)(i / A.digit_limbs * A.all + i) << log_n;
        for (uint32_t q = K_THREAD; q < K_TILE / 4; q += K_SPLIT_THREADS)
            ((k_quad *)out)[q] = ((const k_quad *)in)[q];
        return;
    }
    const k_raise_place at = k_raise_place_of(&A, K_BLOCK_X);
    const k_low x = low_of(A.ring.limb + at.prime, log_n, shared);
    out += (size_t)(at.digit * A.all + at.limb) << log_n;
    k_low_forward(&x, out);
    k_low_store(&x, out);
}

/* A thread's words of a tile: K_THREAD + 256 i, in two groups */
K_KERNEL(k_sums_rows, k_sums, K_SPLIT_THREADS)
{
    K_SHARED(shared);
    const uint32_t log_n = A.ring.log_n, tile = K_BLOCK_Z * K_TILE;
    const k_place_in at = k_place_in_order(&A.order);
    const k_limb *m = A.ring.limb + at.row;
    const k_product_end e = k_product_of(&A.in, m, log_n, at, A.in.limbs + at.row);
    const k_low x = low_of(m, log_n, shared);
    const uint32_t placed = k_low_place(K_THREAD);
    K_UNROLL
    for (uint32_t h = 0; h < 2; h++) {
        uint64_t sum[K_GROUP] = {0};
        k_products_words(&e, tile + h * K_TILE / 2 + K_THREAD, K_SPLIT_THREADS, K_GROUP, sum);
        K_UNROLL
        for (uint32_t i = 0; i < K_GROUP; i++)
            shared[k_low_place_at(placed, (K_GROUP * h + i) * K_SPLIT_THREADS)] =
                k_reduce_sum(sum[i], m);
    }
    K_SYNC();
    k_low_inverse(&x,
                  A.y + at.item * A.y_item + at.half * A.y_half + ((size_t)at.row << log_n) + tile);
}

K_KERNEL(k_finish_rows, k_finish, K_SPLIT_THREADS)
{
    K_SHARED(shared);
    const uint32_t log_n = A.ring.log_n, tile = K_BLOCK_Z * K_TILE;
    const k_place_in at = k_place_in_order(&A.order);
    const k_limb *m = A.ring.limb + at.row;
    const k_low x = low_of(m, log_n, shared);
    const uint32_t placed = k_low_place(K_THREAD);
    k_low_forward(&x, A.scratch + at.item * A.scratch_item + at.half * A.scratch_half +
                          ((size_t)at.row << log_n) + tile);
    const k_finish_end e = k_finish_of(&A, m, log_n, at);
    K_UNROLL
    for (uint32_t h = 0; h < 2; h++) {
        uint32_t r[K_GROUP];
        K_UNROLL
        for (uint32_t i = 0; i < K_GROUP; i++)
            r[i] = shared[k_low_place_at(placed, (K_GROUP * h + i) * K_SPLIT_THREADS)];
        k_finish_words(&e, tile + h * K_TILE / 2 + K_THREAD, K_SPLIT_THREADS, K_GROUP, r);
    }
}
