/*
 * Number-theoretic transforms and the key switch at N = 2^16 where the device has clusters (sm_90):
 * each block of a cluster holds a part of the row in its shared memory, and a launch is one pass
 * over global memory. The uppermost four levels cross the parts: forward, a thread takes 16 words
 * N/16 apart from global memory through them and writes each to the block that it belongs to;
 * inverse, it gathers them there at the end. All other levels are a block's own, by 16 words at a
 * time too: four passes through shared memory in all.
 *
 * Parts of 2^14 words: two blocks of 512 threads to a multiprocessor, of different clusters, so
 * that one computes while the other waits for memory or a barrier. With two blocks of 1024 to a
 * cluster each would have its multiprocessor for itself, and 1/2 of the words would cross, not 3/4.
 *
 * A limb costs 512 KiB of global memory, 2 N words (two passes: 1 MiB), 512 KiB of factors from the
 * second-level cache, 192 KiB between multiprocessors; 8.1 instructions a butterfly. On an H200
 * that is 122 ns by memory at 4.3 TB/s, 127 ns by issue and, if its second-level cache gives
 * 5.5 TB/s, 143 ns for the 768 KiB that are read through it. The kernels that begin or end with
 * more are bound by issue, as those of kernels/switch.cu are.
 */
#include "kernels/cluster.h"
#include "kernels/ntt_row.h"
#include "kernels/switch_ends.h"

#if K_HAS_CLUSTERS

#define LOG_N   K_CLUSTER_LOG_N
#define LEVELS  4u /* of a pass: 16 words to a thread */
#define SIZE    (1u << LEVELS)
#define THREADS K_CLUSTER_THREADS
#define TURNS   ((1u << (K_CLUSTER_LOG_PART - LEVELS)) / THREADS)

/* A barrier that hands no memory over: arriving does not wait for what was written before. */
#if defined(__CUDACC__)
#define ARRIVE() __cluster_barrier_arrive_relaxed()
#define MEET()   __cluster_barrier_wait()
#else
#define ARRIVE() ((void)0)
#define MEET()   K_CLUSTER_SYNC()
#endif

/* What a block has of its cluster's row */
typedef struct part {
    const k_limb *m;
    k_primes p;
    const k_pair *w, *w_inv;
    uint32_t *shared;
    uint32_t rank, first; /* its first word in the row */
} part;

K_DEVICE part part_of(const k_limb *m, uint32_t *shared)
{
    const part b = {m,
                    k_primes_of(m),
                    m->w,
                    m->w_inv,
                    shared,
                    K_CLUSTER_RANK,
                    K_CLUSTER_RANK << K_CLUSTER_LOG_PART};
    return b;
}

/* The place of ntt_row.h with bit 8 in bit 4 besides: by neighbours, at steps of 16 and by quads of
 * 16 neighbours, every access then meets each bank once. */
K_DEVICE uint32_t place(uint32_t x)
{
    return k_place(x) ^ (x >> 8 & 1) << 4;
}

/* The place of base ^ x, as k_place_at */
K_DEVICE uint32_t place_at(uint32_t placed, uint32_t x)
{
    const uint32_t c = place(x);
    return (placed ^ (c & K_PLACE_BITS)) + (c & ~K_PLACE_BITS);
}

/* ---- passes inside a part; levels and nodes are the whole row's ---- */

K_DEVICE uint32_t first_node(const part *b, uint32_t level)
{
    return (1u << level) + (b->first >> (LOG_N - level));
}

/* Levels level .. level + 3 where the part lies */
K_DEVICE void pass_inside(const part *b, uint32_t level, int inverse)
{
    const uint32_t log_step = LOG_N - level - LEVELS;
    const uint32_t base = k_group_base(K_THREAD, log_step, LEVELS), placed = place(base);
    const uint32_t node = first_node(b, level) + (K_THREAD >> log_step);
    const k_primes p = b->p;
    K_UNROLL
    for (uint32_t i = 0; i < TURNS; i++) {
        const uint32_t more = k_group_base(i * THREADS, log_step, LEVELS);
        uint32_t r[SIZE];
        K_UNROLL
        for (uint32_t k = 0; k < SIZE; k++)
            r[k] = b->shared[place_at(placed, more + (k << log_step))];
        if (inverse)
            k_inverse_levels_at(r, LEVELS, 0, node, i * THREADS >> log_step, b->w_inv, &p);
        else
            k_forward_levels_at(r, LEVELS, node, i * THREADS >> log_step, b->w, &p);
        K_UNROLL
        for (uint32_t k = 0; k < SIZE; k++)
            b->shared[place_at(placed, more + (k << log_step))] = r[k];
    }
}

/* The lowest four, on 16 neighbours; forward in canonical form. */
K_DEVICE void pass_low(const part *b, int inverse)
{
    const uint32_t placed = place(SIZE * K_THREAD);
    const uint32_t node = first_node(b, LOG_N - LEVELS) + K_THREAD;
    const k_primes p = b->p;
    K_UNROLL
    for (uint32_t i = 0; i < TURNS; i++) {
        uint32_t r[SIZE];
        K_UNROLL
        for (uint32_t h = 0; h < SIZE / 4; h++) {
            const k_quad x =
                *(const k_quad *)(b->shared + place_at(placed, SIZE * i * THREADS + 4 * h));
            r[4 * h] = x.x;
            r[4 * h + 1] = x.y;
            r[4 * h + 2] = x.z;
            r[4 * h + 3] = x.w;
        }
        if (inverse) {
            k_inverse_levels_at(r, LEVELS, 0, node, i * THREADS, b->w_inv, &p);
        } else {
            k_forward_levels_at(r, LEVELS, node, i * THREADS, b->w, &p);
            K_UNROLL
            for (uint32_t k = 0; k < SIZE; k++)
                r[k] = k_fold(k_fold(r[k], p.minus_q2), p.minus_q);
        }
        K_UNROLL
        for (uint32_t h = 0; h < SIZE / 4; h++) {
            const k_quad x = {r[4 * h], r[4 * h + 1], r[4 * h + 2], r[4 * h + 3]};
            *(k_quad *)(b->shared + place_at(placed, SIZE * i * THREADS + 4 * h)) = x;
        }
    }
    K_SYNC();
}

/* ---- passes across the parts ---- */

#define LOG_STEP  (LOG_N - LEVELS)
#define FROM_EACH (SIZE / K_CLUSTER_BLOCKS) /* words of a group in each part */

/* The groups are shared out among the blocks: the first of this thread. */
K_DEVICE uint32_t first_group(const part *b)
{
    return b->rank * TURNS * THREADS + K_THREAD;
}

/* Where part h has the first word of group i, the others following by steps: bits from 9 on are in
 * no other bit of a place, and pointers with constant offsets are what loads and stores take. */
K_DEVICE uint32_t *place_across(const part *b, uint32_t i, uint32_t h)
{
    return K_CLUSTER_SHARED(b->shared, h) + place(first_group(b)) + i * THREADS;
}

K_DEVICE void cross_group_down(const part *b, uint32_t i, const void *io, k_load_many_fn load)
{
    const k_primes p = b->p;
    uint32_t r[SIZE];
    load(io, first_group(b) + i * THREADS, LOG_STEP, SIZE, r);
    if (i == 0)
        MEET();
    k_forward_levels_at(r, LEVELS, 1, 0, b->w, &p);
    K_UNROLL
    for (uint32_t h = 0; h < K_CLUSTER_BLOCKS; h++) {
        uint32_t *to = place_across(b, i, h);
        K_UNROLL
        for (uint32_t k = 0; k < FROM_EACH; k++)
            to[k << LOG_STEP] = r[h * FROM_EACH + k];
    }
}

/* No block writes to one that has not begun. */
K_DEVICE void pass_down_across(const part *b, const void *io, k_load_many_fn load)
{
    ARRIVE();
    if (load == k_load_many_words) {
        K_UNROLL
        for (uint32_t i = 0; i < TURNS; i++)
            cross_group_down(b, i, io, load);
    } else {
        K_ROLLED
        for (uint32_t i = 0; i < TURNS; i++)
            cross_group_down(b, i, io, load);
    }
    K_CLUSTER_SYNC();
}

/* With the factors of k_inverse_top. No block ends while its part is read. */
K_DEVICE void pass_up_across(const part *b, k_pair upper, k_pair lower, const void *io,
                             k_store_many_fn store)
{
    const k_primes p = b->p;
    K_CLUSTER_SYNC();
    K_UNROLL
    for (uint32_t i = 0; i < TURNS; i++) {
        uint32_t r[SIZE];
        K_UNROLL
        for (uint32_t h = 0; h < K_CLUSTER_BLOCKS; h++) {
            const uint32_t *from = place_across(b, i, h);
            K_UNROLL
            for (uint32_t k = 0; k < FROM_EACH; k++)
                r[h * FROM_EACH + k] = from[k << LOG_STEP];
        }
        k_inverse_levels_at(r, LEVELS, 1, 1, 0, b->w_inv, &p);
        k_inverse_top(r, SIZE / 2, upper, lower, &p);
        store(io, first_group(b) + i * THREADS, LOG_STEP, SIZE, r);
    }
    ARRIVE();
    MEET();
}

/* ---- transforms ---- */

/* From words by a function to canonical ones in the parts, behind a barrier of the block. */
K_DEVICE void forward(const part *b, const void *io, k_load_many_fn load)
{
    pass_down_across(b, io, load);
    pass_inside(b, LEVELS, 0);
    K_SYNC();
    pass_inside(b, 2 * LEVELS, 0);
    K_SYNC();
    pass_low(b, 0);
}

/* From words in [0, 2q) in the parts, behind a barrier of the block. */
K_DEVICE void inverse(const part *b, k_pair upper, k_pair lower, const void *io,
                      k_store_many_fn store)
{
    pass_low(b, 1);
    pass_inside(b, 2 * LEVELS, 1);
    K_SYNC();
    pass_inside(b, LEVELS, 1);
    pass_up_across(b, upper, lower, io, store);
}

/* ---- between the part and global memory, by quads; `row` is the whole row ---- */

#define QUAD_TURNS ((1u << (K_CLUSTER_LOG_PART - 2)) / THREADS)

K_DEVICE void part_in(const part *b, const uint32_t *row)
{
    const k_quad *in = (const k_quad *)(row + b->first) + K_THREAD;
    const uint32_t placed = place(4 * K_THREAD);
    K_UNROLL
    for (uint32_t i = 0; i < QUAD_TURNS; i++)
        *(k_quad *)(b->shared + place_at(placed, 4 * i * THREADS)) = in[i * THREADS];
    K_SYNC();
}

K_DEVICE void part_out(const part *b, uint32_t *row)
{
    k_quad *out = (k_quad *)(row + b->first) + K_THREAD;
    const uint32_t placed = place(4 * K_THREAD);
    K_UNROLL
    for (uint32_t i = 0; i < QUAD_TURNS; i++)
        out[i * THREADS] = *(const k_quad *)(b->shared + place_at(placed, 4 * i * THREADS));
}

K_DEVICE void part_copy(const part *b, uint32_t *out, const uint32_t *in)
{
    K_UNROLL
    for (uint32_t i = 0; i < QUAD_TURNS; i++)
        ((k_quad *)(out + b->first))[K_THREAD + i * THREADS] =
            ((const k_quad *)(in + b->first))[K_THREAD + i * THREADS];
}

/* Inner products, below q */
K_DEVICE void products_in(const part *b, const k_product_end *e)
{
    K_ROLLED
    for (uint32_t j = K_THREAD; j < 1u << K_CLUSTER_LOG_PART; j += K_GROUP * THREADS) {
        const uint32_t placed = place(j);
        uint64_t sum[K_GROUP] = {0};
        k_products_words(e, b->first + j, THREADS, K_GROUP, sum);
        K_UNROLL
        for (uint32_t i = 0; i < K_GROUP; i++)
            b->shared[place_at(placed, i * THREADS)] = k_reduce_sum(sum[i], e->m);
    }
    K_SYNC();
}

#define FINISH_WORDS 4u /* at a time: 64 registers */

K_DEVICE void finish_out(const part *b, const k_finish_end *e)
{
    K_ROLLED
    for (uint32_t j = K_THREAD; j < 1u << K_CLUSTER_LOG_PART; j += FINISH_WORDS * THREADS) {
        const uint32_t placed = place(j);
        uint32_t x[FINISH_WORDS];
        K_UNROLL
        for (uint32_t i = 0; i < FINISH_WORDS; i++)
            x[i] = b->shared[place_at(placed, i * THREADS)];
        k_finish_words(e, b->first + j, THREADS, FINISH_WORDS, x);
    }
}

/* As k_place_in_order(), with a cluster for a block */
K_DEVICE k_place_in place_in_order(const k_order *o)
{
    const uint32_t x = K_BLOCK_X / K_CLUSTER_BLOCKS;
    const uint32_t half = o->halves == 1 ? 0 : x & 1, rest = o->halves == 1 ? x : x >> 1;
    const k_place_in p = {o->by_item ? K_BLOCK_Y : rest, o->first_half + half,
                          o->by_item ? rest : K_BLOCK_Y};
    return p;
}

#endif

/* ---- kernels, as in kernels/ntt.cu and kernels/switch.cu ---- */

/* What was compiled for an architecture without clusters traps: nothing must pass for a result. */

K_KERNEL(k_cluster_forward, k_ntt, K_CLUSTER_THREADS)
{
#if K_HAS_CLUSTERS
    K_SHARED(shared);
    const uint32_t i = K_BLOCK_X / K_CLUSTER_BLOCKS;
    const part b = part_of(k_limb_of(&A.ring, &A.x, i), shared);
    uint32_t *row = A.x.data + k_at(&A.x, LOG_N, K_BLOCK_Y, i, 0);
    forward(&b, row, k_load_many_words);
    part_out(&b, row);
#else
    __trap();
#endif
}

K_KERNEL(k_cluster_inverse, k_ntt, K_CLUSTER_THREADS)
{
#if K_HAS_CLUSTERS
    K_SHARED(shared);
    const uint32_t i = K_BLOCK_X / K_CLUSTER_BLOCKS;
    const part b = part_of(k_limb_of(&A.ring, &A.x, i), shared);
    uint32_t *row = A.x.data + k_at(&A.x, LOG_N, K_BLOCK_Y, i, 0);
    part_in(&b, row);
    inverse(&b, b.m->n_inv, b.m->n_inv_w, row, k_store_many_words);
#else
    __trap();
#endif
}

K_KERNEL(k_cluster_sources, k_sources, K_CLUSTER_THREADS)
{
#if K_HAS_CLUSTERS
    K_SHARED(shared);
    const uint32_t i = K_BLOCK_X / K_CLUSTER_BLOCKS;
    const part b = part_of(k_limb_of(&A.ring, &A.in, i), shared);
    const k_y_factors f = k_source_factors(&A, b.m, i);
    const k_y_end y = {A.y + K_BLOCK_Y * A.y_stride + ((size_t)i << LOG_N), f.shift};
    part_in(&b, A.in.data + k_at(&A.in, LOG_N, K_BLOCK_Y, i, 0));
    inverse(&b, f.upper, f.lower, &y, k_store_y);
#else
    __trap();
#endif
}

K_KERNEL(k_cluster_raise, k_raise, K_CLUSTER_THREADS)
{
#if K_HAS_CLUSTERS
    K_SHARED(shared);
    const uint32_t lift = K_BLOCK_X / K_CLUSTER_BLOCKS;
    uint32_t *out = A.out + K_BLOCK_Y * A.out_stride;
    if (lift >= A.lifts) { /* the whole cluster */
        const uint32_t i = lift - A.lifts;
        const part b = part_of(A.ring.limb, shared);
        part_copy(&b, out + ((size_t)(i / A.digit_limbs * A.all + i) << LOG_N),
                  A.a.data + k_at(&A.a, LOG_N, K_BLOCK_Y, i, 0));
        return;
    }
    const k_raise_place at = k_raise_place_of(&A, lift);
    const part b = part_of(A.ring.limb + at.prime, shared);
    const uint32_t *y =
        A.y + K_BLOCK_Y * A.y_stride + ((size_t)(at.digit * A.digit_limbs) << LOG_N);
    const k_convert_end io = k_convert_to(at.c, at.target, b.m, LOG_N, y);
    forward(&b, &io, k_convert_many);
    part_out(&b, out + ((size_t)(at.digit * A.all + at.limb) << LOG_N));
#else
    __trap();
#endif
}

K_KERNEL(k_cluster_sums, k_sums, K_CLUSTER_THREADS)
{
#if K_HAS_CLUSTERS
    K_SHARED(shared);
    const k_place_in at = place_in_order(&A.order);
    const part b = part_of(A.ring.limb + at.row, shared);
    const k_product_end e = k_product_of(&A.in, b.m, LOG_N, at, A.in.limbs + at.row);
    const k_y_factors f = k_y_factors_of(b.m, A.c.top + 2 * at.row);
    const k_y_end y = {A.y + at.item * A.y_item + at.half * A.y_half + ((size_t)at.row << LOG_N),
                       f.shift};
    products_in(&b, &e);
    inverse(&b, f.upper, f.lower, &y, k_store_y);
#else
    __trap();
#endif
}

K_KERNEL(k_cluster_finish, k_finish, K_CLUSTER_THREADS)
{
#if K_HAS_CLUSTERS
    K_SHARED(shared);
    const k_place_in at = place_in_order(&A.order);
    const part b = part_of(A.ring.limb + at.row, shared);
    const uint32_t *y = A.y + at.item * A.y_item + at.half * A.y_half;
    const k_convert_end io = k_convert_to(&A.c, at.row, b.m, LOG_N, y);
    forward(&b, &io, k_convert_many);
    const k_finish_end e = k_finish_of(&A, b.m, LOG_N, at);
    finish_out(&b, &e);
#else
    __trap();
#endif
}
