/*
 * Centred lifts of a few limbs to others, together with the forward transform of what comes out:
 * a block lifts all words of a polynomial to up to `rows` limbs in shared memory, so that sources
 * and their digits are read and computed once, and transforms those rows one after the other.
 *
 * Grid (groups of targets, y, z), threads K_NTT_THREADS, shared memory k_row_bytes() a row. Per
 * word and block of 3 rows at N = 2^13, sm_90: 33 instructions for 2 sources, 55 for 3, beside 64 a
 * row for its transform (73 where that finishes a leaf); 4 bytes in for each source and 4 out for
 * each row, 4 more in for a leaf. Two blocks of 512 threads and 108 KiB on a processor.
 */
#include "kernels/lift.h"

#include "kernels/ntt_row.h"

K_DEVICE const uint32_t *lift_in(const k_lift *a)
{
    return a->in + K_BLOCK_Y * a->in_step + K_BLOCK_Z * a->in_stride;
}

K_DEVICE uint32_t lift_count(const k_lift *a, uint32_t first)
{
    return K_MIN(a->count, a->end - first);
}

/* One quad of words of `count` sources, in digits: c[word][digit] */
K_DEVICE void load_digits(const lift_source *s, const uint32_t *in, uint32_t log_n, uint32_t count,
                          uint32_t c[4][3])
{
    K_UNROLL
    for (uint32_t k = 0; k < count; k++) {
        const k_quad x = *(const k_quad *)(in + ((size_t)k << log_n));
        c[0][k] = x.x;
        c[1][k] = x.y;
        c[2][k] = x.z;
        c[3][k] = x.w;
    }
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        lift_digits(s, count, c[i]);
}

/* All words of limbs begin .. begin + rows - 1, below 4q, to shared memory; count and rows are
 * constants. */
K_DEVICE void fill_rows(const k_lift *a, uint32_t log_n, uint32_t first, uint32_t count,
                        uint32_t rows, uint32_t begin, uint32_t *shared)
{
    const uint32_t *in = lift_in(a) + ((size_t)first << log_n);
    lift_source source[3];
    lift_target target[K_LIFT_ROWS];
    K_UNROLL
    for (uint32_t k = 0; k < count; k++)
        source[k] = lift_from(a, first, count, k);
    K_UNROLL
    for (uint32_t i = 0; i < rows; i++)
        target[i] = lift_to(a, first, count, begin + i);
    for (uint32_t x = 4 * K_THREAD; x < 1u << log_n; x += 4 * K_NTT_THREADS(log_n)) {
        uint32_t c[4][3];
        load_digits(source, in + x, log_n, count, c);
        K_UNROLL
        for (uint32_t i = 0; i < rows; i++) {
            const lift_target *t = &target[i];
            const k_quad v = {lift_value(c[0], count, t), lift_value(c[1], count, t),
                              lift_value(c[2], count, t), lift_value(c[3], count, t)};
            *(k_quad *)(shared + i * K_ROW_WORDS(log_n) + k_pad(x)) = v;
        }
    }
}

/* one: there is never more than one row, a constant */
K_DEVICE void fill_some(int one, const k_lift *a, uint32_t log_n, uint32_t first, uint32_t count,
                        uint32_t begin, uint32_t end, uint32_t *shared)
{
    if (one || end - begin == 1)
        fill_rows(a, log_n, first, count, 1, begin, shared);
    else if (end - begin == 2)
        fill_rows(a, log_n, first, count, 2, begin, shared);
    else
        fill_rows(a, log_n, first, count, 3, begin, shared);
}

K_DEVICE void fill(int one, const k_lift *a, uint32_t log_n, uint32_t begin, uint32_t end,
                   uint32_t *shared)
{
    const uint32_t first = a->first + K_BLOCK_Y * a->advance, count = lift_count(a, first);
    if (count == 1)
        fill_some(one, a, log_n, first, 1, begin, end, shared);
    else if (count == 2)
        fill_some(one, a, log_n, first, 2, begin, end, shared);
    else
        fill_some(one, a, log_n, first, 3, begin, end, shared);
    K_SYNC();
}

K_DEVICE void store_row(const void *io, uint32_t j, const uint32_t *r)
{
    k_write8_words((uint32_t *)io, j, r);
}

/* ---- leaves ---- */

K_DEVICE int leaf_wanted(const k_lift *a)
{
    const uint32_t t = 4 * (a->leaves.node + K_BLOCK_Z) + K_BLOCK_Y / 2;
    return t >= a->leaves.begin && t < a->leaves.end;
}

/* Which half of a weight this block's leaf is: 2 (sample columns + column) + half */
K_DEVICE uint32_t leaf_place(const k_lift *a)
{
    const k_leaves *l = &a->leaves;
    const uint32_t t = 4 * (l->node + K_BLOCK_Z) + K_BLOCK_Y / 2, group = t / l->segment;
    const uint32_t place = l->first_place + group - l->first_group;
    const uint32_t sample = l->segment * (place / l->columns) + t % l->segment;
    return 2 * (sample * l->columns + place % l->columns) + K_BLOCK_Y % 2;
}

/* Limb `target` of a half */
K_DEVICE uint32_t *leaf_out(const k_lift *a, uint32_t place, uint32_t target)
{
    return a->leaves.weights + (((size_t)place * a->targets + target) << a->ring.log_n);
}

/* (y - z) factor, both canonical */
K_DEVICE uint32_t leaf_word(uint32_t y, uint32_t z, k_pair factor, const k_limb *m)
{
    return k_fold(k_shoup(y + m->q - z, factor, m->minus_q), m->minus_q);
}

K_DEVICE const k_pair *leaf_factors(const k_lift *a, uint32_t target)
{
    return a->scale + 16 * target + 4 * (K_BLOCK_Y / 2);
}

/* What a row's last pass knows: little, since registers are short there. */
typedef struct leaf_io {
    const k_lift *a;
    uint32_t place, target;
} leaf_io;

K_DEVICE void store_leaf(const void *io, uint32_t j, const uint32_t *r)
{
    const leaf_io *leaf = (const leaf_io *)io;
    const k_lift *a = leaf->a;
    const uint32_t log_n = a->ring.log_n, at = (leaf->target << log_n) + j;
    const k_pair factor = K_LOAD(&leaf_factors(a, leaf->target)[j >> (log_n - 2)]);
    const k_limb *m = a->ring.limb + leaf->target;
    uint32_t y[8];
    k_load8_words(lift_in(a), at, y);
    K_UNROLL
    for (uint32_t i = 0; i < 8; i++)
        y[i] = leaf_word(y[i], r[i], factor, m);
    k_write8_words(leaf_out(a, leaf->place, leaf->target), j, y);
}

/* ---- fused kernels ---- */

/* Registers are bounded as for blocks of 1024 threads, so that two blocks fit at N = 2^13. */
#define K_LIFT_BOUND 1024u

#define K_LIFT_KERNELS(log_n, a, b, c)                                                             \
    K_KERNEL(k_lift_ntt_##log_n, k_lift, K_LIFT_BOUND)                                             \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const uint32_t begin = K_BLOCK_X * A.rows, end = K_MIN(begin + A.rows, A.targets);         \
        uint32_t *out = A.out + K_BLOCK_Y * A.out_step + K_BLOCK_Z * A.out_stride;                 \
        fill(0, &A, log_n, begin, end, shared);                                                    \
        for (uint32_t t = begin; t < end; t++) {                                                   \
            const k_row row = {out + ((size_t)t << log_n), A.ring.limb + t, log_n,                 \
                               shared + (t - begin) * K_ROW_WORDS(log_n), 0};                      \
            k_forward_row_by(&row, a, b, c, NULL, NULL, store_row);                                \
        }                                                                                          \
    }                                                                                              \
    K_KERNEL(k_leaf_ntt_##log_n, k_lift, K_LIFT_BOUND)                                             \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const uint32_t begin = K_BLOCK_X * A.rows, end = K_MIN(begin + A.rows, A.targets);         \
        uint32_t place;                                                                            \
        if (!leaf_wanted(&A))                                                                      \
            return;                                                                                \
        fill((log_n) == 15, &A, log_n, begin, end, shared);                                        \
        place = leaf_place(&A);                                                                    \
        for (uint32_t t = begin; t < end; t++) {                                                   \
            const leaf_io io = {&A, place, t};                                                     \
            const k_row row = {&io, A.ring.limb + t, log_n,                                        \
                               shared + (t - begin) * K_ROW_WORDS(log_n), 0};                      \
            k_forward_row_by(&row, a, b, c, NULL, NULL, store_leaf);                               \
        }                                                                                          \
    }

K_ROW_SIZES(K_LIFT_KERNELS)

/* ---- by word: any number of sources; grid (N / threads, y, z) ---- */

/* Here digits are centred: c in [-(q - 1) / 2, (q - 1) / 2], two's complement. */
K_DEVICE uint32_t word_centre(uint32_t a, uint32_t q)
{
    return a > q >> 1 ? a - q : a;
}

/* Digits of up to K_LIFT_SOURCES sources at word j. */
K_DEVICE void word_digits(const k_lift *a, uint32_t j, uint32_t first, uint32_t count, uint32_t *c)
{
    const uint32_t *in = lift_in(a) + ((size_t)first << a->ring.log_n) + j;
    K_UNROLL
    for (uint32_t k = 0; k < K_LIFT_SOURCES; k++) {
        c[k] = 0;
        if (k < count) {
            const k_limb *m = a->ring.limb + first + k;
            const k_pair *inverse = a->radix.inverse + (first + k) * a->radix.limbs + first;
            uint32_t x = in[(size_t)k << a->ring.log_n];
            K_UNROLL
            for (uint32_t i = 0; i < k; i++)
                x = k_shoup(x - c[i] + m->q, inverse[i], m->minus_q); /* below 2q */
            c[k] = word_centre(k_fold(x, m->minus_q), m->q);
        }
    }
}

/* The number with these digits modulo prime m, by Horner's rule, canonical. */
K_DEVICE uint32_t word_value(const k_lift *a, const uint32_t *c, uint32_t first, uint32_t count,
                             const k_limb *m)
{
    uint32_t v = 0;
    K_UNROLL
    for (uint32_t i = 0; i < K_LIFT_SOURCES; i++) {
        const uint32_t k = K_LIFT_SOURCES - 1 - i;
        if (k < count) {
            const uint32_t q = k_fold(a->ring.limb[first + k].q, m->minus_q);
            v = hel_mod_reduce((uint64_t)v * q, m->q, m->barrett, m->bits);
            v = hel_mod_add(v, K_MIN(c[k], c[k] + m->q), m->q);
        }
    }
    return v;
}

K_KERNEL(k_lift_words, k_lift, K_WORD_THREADS)
{
    const uint32_t j = K_BLOCK_X * K_WORD_THREADS + K_THREAD;
    const uint32_t first = A.first + K_BLOCK_Y * A.advance, count = lift_count(&A, first);
    uint32_t *out = A.out + K_BLOCK_Y * A.out_step + K_BLOCK_Z * A.out_stride + j;
    uint32_t c[K_LIFT_SOURCES];
    word_digits(&A, j, first, count, c);
    for (uint32_t t = 0; t < A.targets; t++)
        out[(size_t)t << A.ring.log_n] = word_value(&A, c, first, count, A.ring.limb + t);
}

/* out = (in - lifted) scale over the targets, none of which is a source; out may be in. */
K_KERNEL(k_lift_divide, k_lift, K_WORD_THREADS)
{
    const uint32_t j = K_BLOCK_X * K_WORD_THREADS + K_THREAD;
    const uint32_t first = A.first + K_BLOCK_Y * A.advance, count = lift_count(&A, first);
    const uint32_t *in = lift_in(&A) + j;
    uint32_t *out = A.out + K_BLOCK_Y * A.out_step + K_BLOCK_Z * A.out_stride + j;
    uint32_t c[K_LIFT_SOURCES];
    word_digits(&A, j, first, count, c);
    for (uint32_t t = 0; t < A.targets; t++) {
        const k_limb *m = A.ring.limb + t;
        const uint32_t v = word_value(&A, c, first, count, m);
        const uint32_t x = in[(size_t)t << A.ring.log_n];
        out[(size_t)t << A.ring.log_n] = leaf_word(x, v, K_LOAD(&A.scale[t]), m);
    }
}

/* The same for 1 to K_LIFT_FUSED sources, four words a thread. */
K_DEVICE void divide_quads(const k_lift *a, uint32_t first, uint32_t count)
{
    const uint32_t log_n = a->ring.log_n, x = 4 * (K_BLOCK_X * K_WORD_THREADS + K_THREAD);
    const uint32_t *in = lift_in(a) + x;
    uint32_t *out = a->out + K_BLOCK_Y * a->out_step + K_BLOCK_Z * a->out_stride + x;
    lift_source source[3];
    uint32_t c[4][3];
    K_UNROLL
    for (uint32_t k = 0; k < count; k++)
        source[k] = lift_from(a, first, count, k);
    load_digits(source, in + ((size_t)first << log_n), log_n, count, c);
    for (uint32_t t = 0; t < a->targets; t++, in += (size_t)1 << log_n, out += (size_t)1 << log_n) {
        const lift_target to = lift_to(a, first, count, t);
        const k_limb *m = a->ring.limb + t;
        const k_quad y = *(const k_quad *)in;
        uint32_t v[4] = {y.x, y.y, y.z, y.w};
        k_quad r;
        K_UNROLL
        for (uint32_t i = 0; i < 4; i++) {
            const uint32_t z = k_fold(lift_value(c[i], count, &to), to.minus_q2);
            v[i] = leaf_word(v[i], k_fold(z, to.minus_q), a->scale[t], m);
        }
        r.x = v[0];
        r.y = v[1];
        r.z = v[2];
        r.w = v[3];
        *(k_quad *)out = r;
    }
}

K_KERNEL(k_lift_divide_few, k_lift, K_WORD_THREADS)
{
    const uint32_t first = A.first + K_BLOCK_Y * A.advance, count = lift_count(&A, first);
    if (count == 1)
        divide_quads(&A, first, 1);
    else if (count == 2)
        divide_quads(&A, first, 2);
    else
        divide_quads(&A, first, 3);
}

/* The end of k_leaf_ntt where that does not fit: lifted rows, transformed, at out (NULL: zero). */
K_KERNEL(k_leaf_words, k_lift, K_WORD_THREADS)
{
    const uint32_t j = K_BLOCK_X * K_WORD_THREADS + K_THREAD, log_n = A.ring.log_n;
    const uint32_t *y = lift_in(&A) + j;
    const size_t item = K_BLOCK_Y * A.out_step + K_BLOCK_Z * A.out_stride;
    uint32_t place;
    if (!leaf_wanted(&A))
        return;
    place = leaf_place(&A);
    for (uint32_t t = 0; t < A.targets; t++) {
        const size_t at = (size_t)t << log_n;
        const k_pair factor = K_LOAD(&leaf_factors(&A, t)[j >> (log_n - 2)]);
        const uint32_t z = A.out ? A.out[item + at + j] : 0;
        leaf_out(&A, place, t)[j] = leaf_word(y[at], z, factor, A.ring.limb + t);
    }
}
