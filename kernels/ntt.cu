/*
 * Number-theoretic transforms, a row (limb of an item) per block, N = 2^10 .. 2^15 in one pass over
 * global memory: the first group of levels reads from it, the last writes to it, between them the
 * row lives in shared memory. A thread takes 8 or 16 words at a time through 3 or 4 levels in
 * registers.
 *
 * Butterflies after Harvey (2014) with q < 2^30: six instructions on sm_90 (one add-min, three
 * multiplications, two additions). Levels, twiddles and order: host/ring/ring.h.
 *
 * Shared memory: word x lies at x with bits 6, 7 xored into bits 3, 4 and bit 5 into bit 2: the
 * last pass, by quads, then touches each bank once, and so do three-level passes of step 8. Four
 * levels of step 8 (N = 2^11, 2^15) meet two lanes at a bank, the two-pass transforms up to four.
 */
#include "kernels/ntt.h"

#include "kernels/kernel.h"

/* What place() does to x besides. It is linear: place(a ^ b) = place(a) ^ place(b). */
K_DEVICE uint32_t swizzle(uint32_t x)
{
    return (x >> 6 & 3) << 3 ^ (x >> 5 & 1) << 2;
}

K_DEVICE uint32_t place(uint32_t x)
{
    return x ^ swizzle(x);
}

/* place(base + (k << log_step)) from placed = place(base), for bits that base does not have. From
 * step 32 on they are not those that placed was changed in: the sum is a constant offset then. */
K_DEVICE uint32_t place_at(uint32_t placed, uint32_t k, uint32_t log_step)
{
    const uint32_t x = k << log_step, other = placed ^ swizzle(x);
    return log_step >= 5 ? other + x : other ^ x;
}

/* q in the forms that instructions take */
typedef struct primes {
    uint32_t q2, minus_q, minus_q2;
} primes;

K_DEVICE primes primes_of(const k_limb *m)
{
    const primes p = {m->q2, m->minus_q, m->minus_q2};
    return p;
}

/* x, y in [0, 4q) -> [0, 4q) */
K_DEVICE void forward2(uint32_t *x, uint32_t *y, k_pair w, const primes *p)
{
    const uint32_t u = k_fold(*x, p->minus_q2), v = k_shoup(*y, w, p->minus_q);
    *x = u + v;
    *y = u + p->q2 - v;
}

/* x, y in [0, 2q) -> [0, 2q) */
K_DEVICE void inverse2(uint32_t *x, uint32_t *y, k_pair w, const primes *p)
{
    const uint32_t u = *x, v = *y;
    *x = k_fold(u + v, p->minus_q2);
    *y = k_shoup(u + p->q2 - v, w, p->minus_q);
}

/* The factors of nodes t .. t + count - 1 of one level: two to a load where there are two, t then
 * being even. */
K_DEVICE void load_factors(k_pair *f, const k_pair *w, uint32_t t, uint32_t count)
{
    if (count == 1)
        f[0] = K_LOAD(&w[t]);
    K_UNROLL
    for (uint32_t i = 0; i + 1 < count; i += 2) {
        const k_quad x = K_LOAD((const k_quad *)(w + t + i));
        f[i].x = x.x;
        f[i].y = x.y;
        f[i + 1].x = x.z;
        f[i + 1].y = x.w;
    }
}

/* `levels` levels of node t inside r[0 .. 2^levels - 1] */
K_DEVICE void forward_levels(uint32_t *r, uint32_t levels, uint32_t t, const k_pair *w,
                             const primes *p)
{
    const uint32_t half = 1u << (levels - 1);
    K_UNROLL
    for (uint32_t l = 0; l < levels; l++) {
        k_pair f[8];
        load_factors(f, w, t << l, 1u << l);
        K_UNROLL
        for (uint32_t i = 0; i < half; i++) {
            const uint32_t d = half >> l, node = i / d, a = node * 2 * d + i % d;
            forward2(&r[a], &r[a + d], f[node], p);
        }
    }
}

/* The same upwards, without the topmost `spared` levels */
K_DEVICE void inverse_levels(uint32_t *r, uint32_t levels, uint32_t spared, uint32_t t,
                             const k_pair *w, const primes *p)
{
    const uint32_t half = 1u << (levels - 1);
    K_UNROLL
    for (uint32_t down = 0; down < levels - spared; down++) {
        const uint32_t l = levels - 1 - down, d = half >> l;
        k_pair f[8];
        load_factors(f, w, t << l, 1u << l);
        K_UNROLL
        for (uint32_t i = 0; i < half; i++) {
            const uint32_t node = i / d, a = node * 2 * d + i % d;
            inverse2(&r[a], &r[a + d], f[node], p);
        }
    }
}

/* The topmost level, with the division by N in its factors -> [0, q) */
K_DEVICE void inverse_top(uint32_t *r, uint32_t half, const k_limb *m, const primes *p)
{
    const k_pair n_inv = m->n_inv, n_inv_w = m->n_inv_w;
    K_UNROLL
    for (uint32_t i = 0; i < half; i++) {
        const uint32_t u = r[i], v = r[i + half];
        r[i] = k_fold(k_shoup(u + v, n_inv, p->minus_q), p->minus_q);
        r[i + half] = k_fold(k_shoup(u + p->q2 - v, n_inv_w, p->minus_q), p->minus_q);
    }
}

/* Levels `level` .. `level + levels - 1` of the whole row; the first of a transform reads the row
 * from global memory. */
K_DEVICE void forward_pass(const uint32_t *row, uint32_t *shared, const k_limb *m, uint32_t log_n,
                           uint32_t level, uint32_t levels)
{
    const uint32_t size = 1u << levels, log_step = log_n - level - levels;
    const uint32_t threads = K_NTT_THREADS(log_n);
    const primes p = primes_of(m);
    K_UNROLL
    for (uint32_t g = K_THREAD; g < 1u << (log_n - levels); g += threads) {
        const uint32_t node = g >> log_step, j = g & ((1u << log_step) - 1);
        const uint32_t base = node << (log_n - level) | j, placed = place(base);
        uint32_t r[16];
        K_UNROLL
        for (uint32_t k = 0; k < size; k++)
            r[k] = level == 0 ? row[base + (k << log_step)] : shared[place_at(placed, k, log_step)];
        forward_levels(r, levels, (1u << level) + node, m->w, &p);
        K_UNROLL
        for (uint32_t k = 0; k < size; k++)
            shared[place_at(placed, k, log_step)] = r[k];
    }
    K_SYNC();
}

/* The last three levels, on eight neighbours, to global memory in canonical form. */
K_DEVICE void forward_last(uint32_t *row, const uint32_t *shared, const k_limb *m, uint32_t log_n)
{
    const uint32_t threads = K_NTT_THREADS(log_n);
    const primes p = primes_of(m);
    K_UNROLL
    for (uint32_t g = K_THREAD; g < 1u << (log_n - 3); g += threads) {
        uint32_t r[8];
        K_UNROLL
        for (uint32_t h = 0; h < 2; h++) {
            const k_quad x = *(const k_quad *)(shared + place(8 * g + 4 * h));
            r[4 * h] = x.x;
            r[4 * h + 1] = x.y;
            r[4 * h + 2] = x.z;
            r[4 * h + 3] = x.w;
        }
        forward_levels(r, 3, (1u << (log_n - 3)) + g, m->w, &p);
        K_UNROLL
        for (uint32_t k = 0; k < 8; k++)
            r[k] = k_fold(k_fold(r[k], p.minus_q2), p.minus_q);
        K_UNROLL
        for (uint32_t h = 0; h < 2; h++) {
            const k_quad x = {r[4 * h], r[4 * h + 1], r[4 * h + 2], r[4 * h + 3]};
            *(k_quad *)(row + 8 * g + 4 * h) = x;
        }
    }
}

K_DEVICE void inverse_first(const uint32_t *row, uint32_t *shared, const k_limb *m, uint32_t log_n)
{
    const uint32_t threads = K_NTT_THREADS(log_n);
    const primes p = primes_of(m);
    K_UNROLL
    for (uint32_t g = K_THREAD; g < 1u << (log_n - 3); g += threads) {
        uint32_t r[8];
        K_UNROLL
        for (uint32_t h = 0; h < 2; h++) {
            const k_quad x = *(const k_quad *)(row + 8 * g + 4 * h);
            r[4 * h] = x.x;
            r[4 * h + 1] = x.y;
            r[4 * h + 2] = x.z;
            r[4 * h + 3] = x.w;
        }
        inverse_levels(r, 3, 0, (1u << (log_n - 3)) + g, m->w_inv, &p);
        K_UNROLL
        for (uint32_t h = 0; h < 2; h++) {
            const k_quad x = {r[4 * h], r[4 * h + 1], r[4 * h + 2], r[4 * h + 3]};
            *(k_quad *)(shared + place(8 * g + 4 * h)) = x;
        }
    }
    K_SYNC();
}

/* level == 0: the last pass, to global memory in canonical form */
K_DEVICE void inverse_pass(uint32_t *row, uint32_t *shared, const k_limb *m, uint32_t log_n,
                           uint32_t level, uint32_t levels)
{
    const uint32_t size = 1u << levels, log_step = log_n - level - levels;
    const uint32_t threads = K_NTT_THREADS(log_n);
    const primes p = primes_of(m);
    K_UNROLL
    for (uint32_t g = K_THREAD; g < 1u << (log_n - levels); g += threads) {
        const uint32_t node = g >> log_step, j = g & ((1u << log_step) - 1);
        const uint32_t base = node << (log_n - level) | j, placed = place(base);
        uint32_t r[16];
        K_UNROLL
        for (uint32_t k = 0; k < size; k++)
            r[k] = shared[place_at(placed, k, log_step)];
        inverse_levels(r, levels, level == 0, (1u << level) + node, m->w_inv, &p);
        if (level == 0)
            inverse_top(r, size / 2, m, &p);
        K_UNROLL
        for (uint32_t k = 0; k < size; k++) {
            if (level == 0)
                row[base + (k << log_step)] = r[k];
            else
                shared[place_at(placed, k, log_step)] = r[k];
        }
    }
    if (level != 0)
        K_SYNC();
}

/* Levels of the passes before the last three: a, b and c (0: none). */
#define K_NTT(log_n, a, b, c)                                                                      \
    K_KERNEL(k_ntt_forward_##log_n, k_ntt, K_NTT_THREADS(log_n))                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_limb *m = k_limb_of(&A.ring, &A.x, K_BLOCK_X);                                     \
        uint32_t *row = A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0);                     \
        forward_pass(row, shared, m, log_n, 0, a);                                                 \
        forward_pass(row, shared, m, log_n, a, b);                                                 \
        if (c)                                                                                     \
            forward_pass(row, shared, m, log_n, (a) + (b), (c) ? (c) : 3);                         \
        forward_last(row, shared, m, log_n);                                                       \
    }                                                                                              \
    K_KERNEL(k_ntt_inverse_##log_n, k_ntt, K_NTT_THREADS(log_n))                                   \
    {                                                                                              \
        K_SHARED(shared);                                                                          \
        const k_limb *m = k_limb_of(&A.ring, &A.x, K_BLOCK_X);                                     \
        uint32_t *row = A.x.data + k_at(&A.x, log_n, K_BLOCK_Y, K_BLOCK_X, 0);                     \
        inverse_first(row, shared, m, log_n);                                                      \
        if (c)                                                                                     \
            inverse_pass(row, shared, m, log_n, (a) + (b), (c) ? (c) : 3);                         \
        inverse_pass(row, shared, m, log_n, a, b);                                                 \
        inverse_pass(row, shared, m, log_n, 0, a);                                                 \
    }

K_NTT(10, 4, 3, 0)
K_NTT(11, 4, 4, 0)
K_NTT(12, 3, 3, 3)
K_NTT(13, 4, 3, 3)
K_NTT(14, 4, 4, 3)
K_NTT(15, 4, 4, 4)

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
    const primes p = primes_of(m);
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
            forward_levels(r, levels, (1u << level) + node, m->w, &p);
        else
            inverse_levels(r, levels, level == 0, (1u << level) + node, m->w_inv, &p);
        if (inverse && level == 0)
            inverse_top(r, size / 2, m, &p);
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
    const primes p = primes_of(m);
    for (uint32_t g = K_THREAD; g < K_LOW_ROWS * K_LOW / 16; g += K_SPLIT_THREADS) {
        const uint32_t which = g / 16, in = g % 16; /* row of the block, group of 16 words in it */
        const uint32_t node = level ? in : 0, j = level ? 0 : in;
        const uint32_t base = which * K_LOW + (node << 4) + j;
        const uint32_t t = (((1u << high) + first_row + which) << level) + node;
        uint32_t r[16];
        K_UNROLL
        for (uint32_t k = 0; k < 16; k++) {
            const uint32_t x = base + (k << log_step);
            r[k] = first ? row[first_row * K_LOW + x] : shared[place(x)];
        }
        if (!inverse)
            forward_levels(r, 4, t, m->w, &p);
        else
            inverse_levels(r, 4, 0, t, m->w_inv, &p);
        K_UNROLL
        for (uint32_t k = 0; k < 16; k++) {
            const uint32_t x = base + (k << log_step);
            if (!last)
                shared[place(x)] = r[k];
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
