/*
 * Key switch, decomposition, rescale and division by P for N whose rows one block's shared memory
 * holds: each launch is one transform per block with its neighbours fused at its ends.
 *
 *   k_sources   inverse transform; the conversion's factor is in the last level's
 *   k_raise      conversion, forward transform
 *   k_sums      inner product with the key (special limbs), inverse transform as k_sources
 *   k_finish    conversion, forward transform, then (inner product - it) / P + add
 *
 * Global memory sees each row once per launch that names it: with l limbs of Q, k of P, beta digits
 * and u = lifted rows, an item costs 2l + (l + u) + (2 beta k + 2k) + (2k + 2 beta l + 4l) rows and
 * its share of the key's 2 beta (l + k). The rounding term of a conversion is recomputed for every
 * target: two instructions per source and word beside the two of load and multiply, against a
 * launch (or atomic sums) and a row per digit to hand it over; at two sources that is 8 % of the
 * kernel, at twelve 20 %.
 */
#include "kernels/ntt_row.h"
#include "kernels/switch_ends.h"

/* What stands at both ends of one transform; the first member is what functions of
 * switch_ends.h read. */
typedef struct to_y {
    k_y_end y;
    const uint32_t *in; /* the row: in global memory, or in shared */
} to_y;

typedef struct from_y {
    k_convert_end y;
    uint32_t *out; /* the same */
} from_y;

K_DEVICE void load8_global(const void *io, uint32_t j, uint32_t *r)
{
    k_load8_words(((const to_y *)io)->in, j, r);
}

K_DEVICE void store8_global(const void *io, uint32_t j, const uint32_t *r)
{
    k_write8_words(((const from_y *)io)->out, j, r);
}

K_DEVICE void load8_shared(const void *io, uint32_t j, uint32_t *r)
{
    const uint32_t *row = ((const to_y *)io)->in;
    K_UNROLL
    for (uint32_t h = 0; h < 2; h++) {
        const k_quad x = *(const k_quad *)(row + k_pad(j + 4 * h));
        r[4 * h] = x.x;
        r[4 * h + 1] = x.y;
        r[4 * h + 2] = x.z;
        r[4 * h + 3] = x.w;
    }
}

K_DEVICE void store8_shared(const void *io, uint32_t j, const uint32_t *r)
{
    uint32_t *row = ((const from_y *)io)->out;
    K_UNROLL
    for (uint32_t h = 0; h < 2; h++) {
        const k_quad x = {r[4 * h], r[4 * h + 1], r[4 * h + 2], r[4 * h + 3]};
        *(k_quad *)(row + k_pad(j + 4 * h)) = x;
    }
}

K_DEVICE void copy_row(uint32_t *out, const uint32_t *in, uint32_t log_n)
{
    for (uint32_t i = K_THREAD; i < 1u << (log_n - 2); i += K_NTT_THREADS(log_n))
        ((k_quad *)out)[i] = ((const k_quad *)in)[i];
}

/* Inner products of the whole row into shared memory, below q */
K_DEVICE void products_to_shared(const k_product_end *e, uint32_t *shared, uint32_t log_n)
{
    const uint32_t threads = K_NTT_THREADS(log_n);
    K_ROLLED
    for (uint32_t j = K_THREAD; j < 1u << log_n; j += K_GROUP * threads) {
        const uint32_t placed = k_pad(j);
        uint64_t sum[K_GROUP] = {0};
        k_products_words(e, j, threads, K_GROUP, sum);
        K_UNROLL
        for (uint32_t i = 0; i < K_GROUP; i++)
            shared[k_pad_at(placed, i * threads)] = k_reduce_sum(sum[i], e->m);
    }
    K_SYNC();
}

K_DEVICE void finish_from_shared(const k_finish_end *e, const uint32_t *shared, uint32_t log_n,
                                 uint32_t words)
{
    const uint32_t threads = K_NTT_THREADS(log_n);
    K_SYNC();
    K_ROLLED
    for (uint32_t j = K_THREAD; j < 1u << log_n; j += words * threads) {
        const uint32_t placed = k_pad(j);
        uint32_t x[K_GROUP];
        K_UNROLL
        for (uint32_t i = 0; i < words; i++)
            x[i] = shared[k_pad_at(placed, i * threads)];
        k_finish_words(e, j, threads, words, x);
    }
}

/* Kernels of 1024 threads have 64 registers each. */
#define CONVERT_OF(log_n) ((log_n) > 12 ? k_convert_many_by4 : k_convert_many)
#define WORDS_OF(log_n)   ((log_n) > 12 ? 4 : K_GROUP)

/* Of two blocks of 512 threads the assembler would otherwise make three, and spill. */
#define FINISH_BOUND(log_n) ((log_n) == 13 ? 1024u : K_NTT_THREADS(log_n))

#define K_SWITCH(log_n, p, q, r)                                                                   \
    K_KERNEL(k_sources_##log_n, k_sources, K_NTT_THREADS(log_n))                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_limb *m = k_limb_of(&A.ring, &A.in, K_BLOCK_X);                                    \
        const k_y_factors f = k_source_factors(&A, m, K_BLOCK_X);                                  \
        uint32_t *y = A.y + K_BLOCK_Y * A.y_stride + ((size_t)K_BLOCK_X << log_n);                 \
        const to_y io = {{y, f.shift}, A.in.data + k_at(&A.in, log_n, K_BLOCK_Y, K_BLOCK_X, 0)};   \
        const k_row row = {&io, m, log_n, shared, 0};                                              \
        k_inverse_row_by(&row, p, q, r, f.upper, f.lower, load8_global, NULL, k_store_y);          \
    }                                                                                              \
    K_KERNEL(k_raise_##log_n, k_raise, K_NTT_THREADS(log_n))                                       \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        uint32_t *out = A.out + K_BLOCK_Y * A.out_stride;                                          \
        if (K_BLOCK_X >= A.lifts) {                                                                \
            const uint32_t i = K_BLOCK_X - A.lifts;                                                \
            copy_row(out + ((size_t)(i / A.digit_limbs * A.all + i) << log_n),                     \
                     A.a.data + k_at(&A.a, log_n, K_BLOCK_Y, i, 0), log_n);                        \
            return;                                                                                \
        }                                                                                          \
        const k_raise_place at = k_raise_place_of(&A, K_BLOCK_X);                                  \
        const k_limb *m = A.ring.limb + at.prime;                                                  \
        const uint32_t *y =                                                                        \
            A.y + K_BLOCK_Y * A.y_stride + ((size_t)(at.digit * A.digit_limbs) << log_n);          \
        const from_y io = {k_convert_to(at.c, at.target, m, log_n, y),                             \
                           out + ((size_t)(at.digit * A.all + at.limb) << log_n)};                 \
        const k_row row = {&io, m, log_n, shared, 0};                                              \
        k_forward_row_by(&row, p, q, r, NULL, CONVERT_OF(log_n), store8_global);                   \
    }                                                                                              \
    K_KERNEL(k_sums_##log_n, k_sums, K_NTT_THREADS(log_n))                                         \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_place_in at = k_place_in_order(&A.order);                                          \
        const k_limb *m = A.ring.limb + at.row;                                                    \
        const k_product_end e = k_product_of(&A.in, m, log_n, at, A.in.limbs + at.row);            \
        const k_y_factors f = k_y_factors_of(m, A.c.top + 2 * at.row);                             \
        uint32_t *y = A.y + at.item * A.y_item + at.half * A.y_half + ((size_t)at.row << log_n);   \
        const to_y io = {{y, f.shift}, shared};                                                    \
        const k_row row = {&io, m, log_n, shared, 0};                                              \
        products_to_shared(&e, shared, log_n);                                                     \
        k_inverse_row_by(&row, p, q, r, f.upper, f.lower, load8_shared, NULL, k_store_y);          \
    }                                                                                              \
    K_KERNEL(k_finish_##log_n, k_finish, FINISH_BOUND(log_n))                                      \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_place_in at = k_place_in_order(&A.order);                                          \
        const k_limb *m = A.ring.limb + at.row;                                                    \
        const uint32_t *y = A.y + at.item * A.y_item + at.half * A.y_half;                         \
        const from_y io = {k_convert_to(&A.c, at.row, m, log_n, y), shared};                       \
        const k_row row = {&io, m, log_n, shared, 0};                                              \
        k_forward_row_by(&row, p, q, r, NULL, CONVERT_OF(log_n), store8_shared);                   \
        const k_finish_end e = k_finish_of(&A, m, log_n, at);                                      \
        finish_from_shared(&e, shared, log_n, WORDS_OF(log_n));                                    \
    }

K_ROW_SIZES(K_SWITCH)
