/*
 * Number-theoretic transforms of one row by one block, with the row in shared memory: what kernels
 * that fuse a transform with what comes before and after it are made of. The first group of levels
 * reads words through a function of the kernel's, the last hands them to another; between them the
 * row lives in shared memory. A thread takes 8, 16 or 32 words at a time through 3 to 5 levels in
 * registers.
 *
 * Butterflies after Harvey (2014) with q < 2^30: six instructions on sm_90 (one add-min, three
 * multiplications, two additions). Levels, twiddles and order: host/ring/ring.h.
 *
 * Shared memory: four words are left out after every 32, so that an address is the thread's plus a
 * constant. No two lanes then meet at a bank: by quads; by words in passes of step 32 and more, of
 * three levels of step 8 or 16, of four or five of step 16 where the shape is wide. Four levels of
 * step 8 (N = 2^11, 2^15 in kernels that fuse) meet two lanes at a bank.
 */
#ifndef HEL_KERNELS_NTT_ROW_H
#define HEL_KERNELS_NTT_ROW_H

#include "kernels/kernel.h"
#include "kernels/ntt.h"

#ifdef K_KERNEL /* by nvcc or the simulator */

/* Before a loop that is to stay one: unrolled, it would need more registers. */
#if defined(__CUDACC__)
#define K_ROLLED _Pragma("unroll 1")
#else
#define K_ROLLED
#endif

/* Hides from the compiler what is known of x: it would add constants to a node before it becomes an
 * address, and not into the offsets of the loads. */
#define K_HIDE(x) __asm__("" : "+r"(x))

/* Where word x lies, and base + x from placed = k_pad(base) for x of bits that base does not
 * have. */
K_DEVICE uint32_t k_pad(uint32_t x)
{
    return x + 4 * (x >> 5);
}

K_DEVICE uint32_t k_pad_at(uint32_t placed, uint32_t x)
{
    return placed + k_pad(x);
}

/* The same with sixteen more words left out after every 2^wide (0: none) */
K_DEVICE uint32_t k_pad_wide(uint32_t x, uint32_t wide)
{
    return k_pad(x) + (wide ? 16 * (x >> wide) : 0);
}

/* Places without padding, for kernels/cluster.cu: bits 6, 7 xored into bits 3, 4 and bit 5 into bit
 * 2. They are linear: k_place(a ^ b) = k_place(a) ^ k_place(b). */
K_DEVICE uint32_t k_place(uint32_t x)
{
    return x ^ (x >> 6 & 3) << 3 ^ (x >> 5 & 1) << 2;
}

#define K_PLACE_BITS 0x1cu /* that it changes */

/* q in the forms that instructions take */
typedef struct k_primes {
    uint32_t q2, minus_q, minus_q2;
} k_primes;

K_DEVICE k_primes k_primes_of(const k_limb *m)
{
    const k_primes p = {m->q2, m->minus_q, m->minus_q2};
    return p;
}

/* x, y in [0, 4q) -> [0, 4q) */
K_DEVICE void k_forward2(uint32_t *x, uint32_t *y, k_pair w, const k_primes *p)
{
    const uint32_t u = k_fold(*x, p->minus_q2), v = k_shoup(*y, w, p->minus_q);
    *x = u + v;
    *y = u + p->q2 - v;
}

/* x, y in [0, 2q) -> [0, 2q) */
K_DEVICE void k_inverse2(uint32_t *x, uint32_t *y, k_pair w, const k_primes *p)
{
    const uint32_t u = *x, v = *y;
    *x = k_fold(u + v, p->minus_q2);
    *y = k_shoup(u + p->q2 - v, w, p->minus_q);
}

/* The factors of nodes t .. t + count - 1 of one level: two to a load where there are two, t then
 * being even. */
K_DEVICE void k_load_factors(k_pair *f, const k_pair *w, uint32_t t, uint32_t count)
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

/* `levels` levels of node t + more inside r[0 .. 2^levels - 1]; more, a constant, goes into the
 * offsets of the loads. */
K_DEVICE void k_forward_levels_at(uint32_t *r, uint32_t levels, uint32_t t, uint32_t more,
                                  const k_pair *w, const k_primes *p)
{
    const uint32_t half = 1u << (levels - 1);
    K_UNROLL
    for (uint32_t l = 0; l < levels; l++) {
        k_pair f[16];
        k_load_factors(f, w + ((size_t)t << l), more << l, 1u << l);
        K_UNROLL
        for (uint32_t i = 0; i < half; i++) {
            const uint32_t d = half >> l, node = i / d, a = node * 2 * d + i % d;
            k_forward2(&r[a], &r[a + d], f[node], p);
        }
    }
}

K_DEVICE void k_forward_levels(uint32_t *r, uint32_t levels, uint32_t t, const k_pair *w,
                               const k_primes *p)
{
    k_forward_levels_at(r, levels, t, 0, w, p);
}

/* The same upwards, without the topmost `spared` levels */
K_DEVICE void k_inverse_levels_at(uint32_t *r, uint32_t levels, uint32_t spared, uint32_t t,
                                  uint32_t more, const k_pair *w, const k_primes *p)
{
    const uint32_t half = 1u << (levels - 1);
    K_UNROLL
    for (uint32_t down = 0; down < levels - spared; down++) {
        const uint32_t l = levels - 1 - down, d = half >> l;
        k_pair f[16];
        k_load_factors(f, w + ((size_t)t << l), more << l, 1u << l);
        K_UNROLL
        for (uint32_t i = 0; i < half; i++) {
            const uint32_t node = i / d, a = node * 2 * d + i % d;
            k_inverse2(&r[a], &r[a + d], f[node], p);
        }
    }
}

K_DEVICE void k_inverse_levels(uint32_t *r, uint32_t levels, uint32_t spared, uint32_t t,
                               const k_pair *w, const k_primes *p)
{
    k_inverse_levels_at(r, levels, spared, t, 0, w, p);
}

/* The topmost level, with a factor for each half instead of the level's own -> [0, q): 1/N and
 * w_inv[1]/N, times anything that all words are to be multiplied by. */
K_DEVICE void k_inverse_top(uint32_t *r, uint32_t half, k_pair upper, k_pair lower,
                            const k_primes *p)
{
    K_UNROLL
    for (uint32_t i = 0; i < half; i++) {
        const uint32_t u = r[i], v = r[i + half];
        r[i] = k_fold(k_shoup(u + v, upper, p->minus_q), p->minus_q);
        r[i + half] = k_fold(k_shoup(u + p->q2 - v, lower, p->minus_q), p->minus_q);
    }
}

/* ---- a row's ends ---- */

/* Word j of the row that is transformed, in [0, 2q) (inverse) or [0, 4q) (forward). */
typedef uint32_t (*k_load_fn)(const void *io, uint32_t j);
/* The same for words j, j + step, .. of a thread: 8, 16 or 32 of them, step = 1 << log_step. */
typedef void (*k_load_many_fn)(const void *io, uint32_t j, uint32_t log_step, uint32_t count,
                               uint32_t *x);
/* Takes word j of the result, in [0, q). */
typedef void (*k_store_fn)(const void *io, uint32_t j, uint32_t x);
typedef void (*k_store_many_fn)(const void *io, uint32_t j, uint32_t log_step, uint32_t count,
                                const uint32_t *x);
/* The same for words j .. j + 7, j a multiple of 8. */
typedef void (*k_load8_fn)(const void *io, uint32_t j, uint32_t *x);
typedef void (*k_store8_fn)(const void *io, uint32_t j, const uint32_t *x);

/* What to transform: the functions are constants of the call, which the compiler inlines. */
typedef struct k_row {
    const void *io;
    const k_limb *m;
    uint32_t log_n;
    uint32_t *shared; /* K_ROW_WORDS(log_n), or what the shape takes */
    uint32_t above;   /* 0; half h of a row twice as long, without its topmost level: 1 + h */
} k_row;

/* How a row's words go over threads and shared memory, and what is known of its prime: read once
 * for all passes where registers allow, since a compiler reads it again after each barrier. */
typedef struct k_shape {
    uint32_t threads, wide; /* k_pad_wide */
    const k_pair *w;        /* the direction's factors */
    k_primes p;
} k_shape;

K_DEVICE k_shape k_shape_of(const k_row *row, uint32_t threads, uint32_t wide, int inverse)
{
    const k_shape s = {threads, wide, inverse ? row->m->w_inv : row->m->w, k_primes_of(row->m)};
    return s;
}

/* The shape of kernels that fuse a transform with more */
K_DEVICE k_shape k_shape_fused(const k_row *row, int inverse)
{
    return k_shape_of(row, K_NTT_THREADS(row->log_n), 0, inverse);
}

/* As a compiler does not know that there are no more threads than these */
K_DEVICE uint32_t k_thread_of(const k_shape *s)
{
    return K_THREAD & (s->threads - 1);
}

K_DEVICE uint32_t k_load_word(const void *io, uint32_t j)
{
    return ((const uint32_t *)io)[j];
}

K_DEVICE void k_load_many_words(const void *io, uint32_t j, uint32_t log_step, uint32_t count,
                                uint32_t *r)
{
    const uint32_t *in = (const uint32_t *)io + j;
    K_UNROLL
    for (uint32_t k = 0; k < count; k++)
        r[k] = in[k << log_step];
}

K_DEVICE void k_store_many_words(const void *io, uint32_t j, uint32_t log_step, uint32_t count,
                                 const uint32_t *r)
{
    uint32_t *out = (uint32_t *)io + j;
    K_UNROLL
    for (uint32_t k = 0; k < count; k++)
        out[k << log_step] = r[k];
}

K_DEVICE void k_load8_words(const void *io, uint32_t j, uint32_t *r)
{
    const k_quad *p = (const k_quad *)((const uint32_t *)io + j);
    K_UNROLL
    for (uint32_t h = 0; h < 2; h++) {
        const k_quad x = p[h];
        r[4 * h] = x.x;
        r[4 * h + 1] = x.y;
        r[4 * h + 2] = x.z;
        r[4 * h + 3] = x.w;
    }
}

K_DEVICE void k_write8_words(uint32_t *out, uint32_t j, const uint32_t *r)
{
    k_quad *p = (k_quad *)(out + j);
    K_UNROLL
    for (uint32_t h = 0; h < 2; h++) {
        const k_quad x = {r[4 * h], r[4 * h + 1], r[4 * h + 2], r[4 * h + 3]};
        p[h] = x;
    }
}

/* ---- passes ---- */

/* Group g of a pass of `levels` levels: its words are base, base + 2^log_step, .. Both numbers are
 * linear in the bits of g. */
K_DEVICE uint32_t k_group_base(uint32_t g, uint32_t log_step, uint32_t levels)
{
    return (g >> log_step) << (log_step + levels) | (g & ((1u << log_step) - 1));
}

/* The groups of a thread, number t + i threads, in one pass: what t adds to all of them, and what
 * i adds, a constant of the unrolled loop. */
typedef struct k_pass {
    uint32_t level, levels, log_step, groups;
    uint32_t base, placed, node; /* of group t; the node without the level's first */
} k_pass;

K_DEVICE k_pass k_pass_of(const k_row *row, const k_shape *s, uint32_t level, uint32_t levels)
{
    const uint32_t log_step = row->log_n - level - levels, t = k_thread_of(s);
    const uint32_t base = k_group_base(t, log_step, levels);
    uint32_t node = (row->above << level) + (t >> log_step);
    if (level != 0)
        K_HIDE(node);
    const k_pass x = {level,    levels,
                      log_step, (1u << (row->log_n - levels)) / s->threads,
                      base,     k_pad_wide(base, s->wide),
                      node};
    return x;
}

/* Where word k of group i lies */
K_DEVICE uint32_t *k_pass_at(const k_row *row, const k_shape *s, const k_pass *x, uint32_t i,
                             uint32_t k)
{
    const uint32_t more = k_group_base(i * s->threads, x->log_step, x->levels);
    return row->shared + x->placed + k_pad_wide(more + (k << x->log_step), s->wide);
}

K_DEVICE void k_forward_group(const k_row *row, const k_shape *s, const k_pass *x, uint32_t i,
                              k_load_fn load, k_load_many_fn many)
{
    const uint32_t size = 1u << x->levels;
    const uint32_t base = x->base + k_group_base(i * s->threads, x->log_step, x->levels);
    uint32_t r[32];
    if (x->level == 0 && many)
        many(row->io, base, x->log_step, size, r);
    else {
        K_UNROLL
        for (uint32_t k = 0; k < size; k++)
            r[k] = x->level == 0 && load ? load(row->io, base + (k << x->log_step))
                                         : *k_pass_at(row, s, x, i, k);
    }
    k_forward_levels_at(r, x->levels, x->node, (1u << x->level) + (i * s->threads >> x->log_step),
                        s->w, &s->p);
    K_UNROLL
    for (uint32_t k = 0; k < size; k++)
        *k_pass_at(row, s, x, i, k) = r[k];
}

/* A pass over the whole row; level 0 loads it, by one of the two. Groups that do more than load
 * come one after the other, as do those of the longest rows in kernels that have brought the row
 * themselves: they must fit in 64 registers. */
K_DEVICE void k_forward_pass_in(const k_row *row, const k_shape *s, uint32_t level, uint32_t levels,
                                k_load_fn load, k_load_many_fn many)
{
    const k_pass x = k_pass_of(row, s, level, levels);
    if ((level == 0 && many && many != k_load_many_words) || (row->log_n > 14 && !many && !load)) {
        K_ROLLED
        for (uint32_t i = 0; i < x.groups; i++)
            k_forward_group(row, s, &x, i, load, many);
    } else {
        K_UNROLL
        for (uint32_t i = 0; i < x.groups; i++)
            k_forward_group(row, s, &x, i, load, many);
    }
    K_SYNC();
}

/* The last three to five levels, on neighbours, in canonical form. */
K_DEVICE void k_forward_end(const k_row *row, const k_shape *s, uint32_t levels, k_store8_fn store)
{
    const uint32_t log_groups = row->log_n - levels, size = 1u << levels, t = k_thread_of(s);
    const uint32_t *at = row->shared + k_pad_wide(t << levels, s->wide);
    uint32_t node = (row->above << log_groups) + t;
    K_HIDE(node);
    K_UNROLL
    for (uint32_t i = 0; i < (1u << log_groups) / s->threads; i++) {
        const uint32_t more = i * s->threads;
        uint32_t r[32];
        K_UNROLL
        for (uint32_t h = 0; h < size; h += 4) {
            const k_quad x = *(const k_quad *)(at + k_pad_wide((more << levels) + h, s->wide));
            r[h] = x.x;
            r[h + 1] = x.y;
            r[h + 2] = x.z;
            r[h + 3] = x.w;
        }
        k_forward_levels_at(r, levels, node, (1u << log_groups) + more, s->w, &s->p);
        K_UNROLL
        for (uint32_t k = 0; k < size; k++)
            r[k] = k_fold(k_fold(r[k], s->p.minus_q2), s->p.minus_q);
        K_UNROLL
        for (uint32_t h = 0; h < size; h += 8)
            store(row->io, (t << levels) + ((more << levels) + h), r + h);
    }
}

K_DEVICE void k_inverse_start(const k_row *row, const k_shape *s, uint32_t levels, k_load8_fn load)
{
    const uint32_t log_groups = row->log_n - levels, size = 1u << levels, t = k_thread_of(s);
    uint32_t *at = row->shared + k_pad_wide(t << levels, s->wide);
    uint32_t node = (row->above << log_groups) + t;
    K_HIDE(node);
    K_UNROLL
    for (uint32_t i = 0; i < (1u << log_groups) / s->threads; i++) {
        const uint32_t more = i * s->threads;
        uint32_t r[32];
        K_UNROLL
        for (uint32_t h = 0; h < size; h += 8)
            load(row->io, (t << levels) + ((more << levels) + h), r + h);
        k_inverse_levels_at(r, levels, 0, node, (1u << log_groups) + more, s->w, &s->p);
        K_UNROLL
        for (uint32_t h = 0; h < size; h += 4) {
            const k_quad x = {r[h], r[h + 1], r[h + 2], r[h + 3]};
            *(k_quad *)(at + k_pad_wide((more << levels) + h, s->wide)) = x;
        }
    }
    K_SYNC();
}

/* level == 0: the last pass, with the factors of k_inverse_top; no function to store by: into
 * shared memory. */
K_DEVICE void k_inverse_pass_in(const k_row *row, const k_shape *s, uint32_t level, uint32_t levels,
                                k_pair upper, k_pair lower, k_store_fn store, k_store_many_fn many)
{
    const k_pass x = k_pass_of(row, s, level, levels);
    const uint32_t size = 1u << levels;
    K_UNROLL
    for (uint32_t i = 0; i < x.groups; i++) {
        const uint32_t base = x.base + k_group_base(i * s->threads, x.log_step, levels);
        uint32_t r[32];
        K_UNROLL
        for (uint32_t k = 0; k < size; k++)
            r[k] = *k_pass_at(row, s, &x, i, k);
        k_inverse_levels_at(r, levels, level == 0, x.node,
                            (1u << level) + (i * s->threads >> x.log_step), s->w, &s->p);
        if (level == 0)
            k_inverse_top(r, size / 2, upper, lower, &s->p);
        if (level == 0 && many)
            many(row->io, base, x.log_step, size, r);
        else {
            K_UNROLL
            for (uint32_t k = 0; k < size; k++) {
                if (level == 0 && store)
                    store(row->io, base + (k << x.log_step), r[k]);
                else
                    *k_pass_at(row, s, &x, i, k) = r[k];
            }
        }
    }
    if (level != 0)
        K_SYNC();
}

/* The same in the shape of kernels that fuse more with a transform, three levels at the end */
K_DEVICE void k_forward_pass(const k_row *row, uint32_t level, uint32_t levels, k_load_fn load,
                             k_load_many_fn many)
{
    const k_shape s = k_shape_fused(row, 0);
    k_forward_pass_in(row, &s, level, levels, load, many);
}

K_DEVICE void k_forward_last(const k_row *row, k_store8_fn store)
{
    const k_shape s = k_shape_fused(row, 0);
    k_forward_end(row, &s, 3, store);
}

K_DEVICE void k_inverse_first(const k_row *row, k_load8_fn load)
{
    const k_shape s = k_shape_fused(row, 1);
    k_inverse_start(row, &s, 3, load);
}

K_DEVICE void k_inverse_pass(const k_row *row, uint32_t level, uint32_t levels, k_pair upper,
                             k_pair lower, k_store_fn store, k_store_many_fn many)
{
    const k_shape s = k_shape_fused(row, 1);
    k_inverse_pass_in(row, &s, level, levels, upper, lower, store, many);
}

/* ---- whole transforms: levels of the passes before the last three: a, b and c (0: none) ---- */

/* One of load and many; neither: the row lies in shared memory, behind a barrier. */
K_DEVICE void k_forward_row_by(const k_row *row, uint32_t a, uint32_t b, uint32_t c, k_load_fn load,
                               k_load_many_fn many, k_store8_fn store)
{
    k_forward_pass(row, 0, a, load, many);
    k_forward_pass(row, a, b, load, many);
    if (c)
        k_forward_pass(row, a + b, c, load, many);
    k_forward_last(row, store);
}

K_DEVICE void k_forward_row(const k_row *row, uint32_t a, uint32_t b, uint32_t c, k_load_fn load,
                            k_store8_fn store)
{
    k_forward_row_by(row, a, b, c, load, NULL, store);
}

/* One of store and many. */
K_DEVICE void k_inverse_row_by(const k_row *row, uint32_t a, uint32_t b, uint32_t c, k_pair upper,
                               k_pair lower, k_load8_fn load, k_store_fn store,
                               k_store_many_fn many)
{
    k_inverse_first(row, load);
    if (c)
        k_inverse_pass(row, a + b, c, upper, lower, store, many);
    k_inverse_pass(row, a, b, upper, lower, store, many);
    k_inverse_pass(row, 0, a, upper, lower, store, many);
}

K_DEVICE void k_inverse_row(const k_row *row, uint32_t a, uint32_t b, uint32_t c, k_pair upper,
                            k_pair lower, k_load8_fn load, k_store_fn store)
{
    k_inverse_row_by(row, a, b, c, upper, lower, load, store, NULL);
}

/* X(log_n, a, b, c) for every N that one block's shared memory holds */
#define K_ROW_SIZES(X)                                                                             \
    X(10, 4, 3, 0)                                                                                 \
    X(11, 4, 4, 0)                                                                                 \
    X(12, 3, 3, 3)                                                                                 \
    X(13, 4, 3, 3)                                                                                 \
    X(14, 4, 4, 3)                                                                                 \
    X(15, 4, 4, 4)

#endif

#endif
