/*
 * Word by word: sums, products, products of ciphertexts, sums of products, automorphisms. Bound by
 * memory: four words a thread, 16 bytes an access.
 */
#include "kernels/elem.h"

#include "kernels/kernel.h"

/* The place of a thread's four words in one of the rows. */
#define WORDS_OF(rows) k_at(&(rows), A.ring.log_n, K_BLOCK_Y, K_BLOCK_X, first)
#define FIRST_WORD     (4 * (K_BLOCK_Z * K_ELEM_THREADS + K_THREAD))

K_DEVICE void load4(uint32_t *r, const uint32_t *p)
{
    const k_quad x = *(const k_quad *)p;
    r[0] = x.x;
    r[1] = x.y;
    r[2] = x.z;
    r[3] = x.w;
}

K_DEVICE void store4(uint32_t *p, const uint32_t *r)
{
    const k_quad x = {r[0], r[1], r[2], r[3]};
    *(k_quad *)p = x;
}

K_DEVICE uint32_t reduce(uint64_t x, const k_limb *m)
{
    return hel_mod_reduce(x, m->q, m->barrett, m->bits);
}

/* x, y: the operands' words; sum, in product: what is there already */
#define K_BINARY(name, expression)                                                                 \
    K_KERNEL(name, k_elem, K_ELEM_THREADS)                                                         \
    {                                                                                              \
        const uint32_t first = FIRST_WORD;                                                         \
        const k_limb *m = k_limb_of(&A.ring, &A.out, K_BLOCK_X);                                   \
        uint32_t *out = A.out.data + WORDS_OF(A.out);                                              \
        uint32_t a[4], b[4], o[4];                                                                 \
        load4(a, A.a.data + WORDS_OF(A.a));                                                        \
        load4(b, A.b.data + WORDS_OF(A.b));                                                        \
        load4(o, out);                                                                             \
        K_UNROLL                                                                                   \
        for (uint32_t i = 0; i < 4; i++) {                                                         \
            const uint32_t x = a[i], y = b[i], z = o[i];                                           \
            (void)z;                                                                               \
            o[i] = expression;                                                                     \
        }                                                                                          \
        store4(out, o);                                                                            \
    }

K_BINARY(k_add, hel_mod_add(x, y, m->q))
K_BINARY(k_sub, hel_mod_sub(x, y, m->q))
K_BINARY(k_mul, reduce((uint64_t)x *y, m))
K_BINARY(k_mul_add, reduce((uint64_t)x *y + z, m))

#define K_SCALAR(name, expression)                                                                 \
    K_KERNEL(name, k_elem_scalar, K_ELEM_THREADS)                                                  \
    {                                                                                              \
        const uint32_t first = FIRST_WORD, c = A.c[K_BLOCK_X];                                     \
        const k_limb *m = k_limb_of(&A.ring, &A.out, K_BLOCK_X);                                   \
        uint32_t a[4];                                                                             \
        load4(a, A.a.data + WORDS_OF(A.a));                                                        \
        K_UNROLL                                                                                   \
        for (uint32_t i = 0; i < 4; i++) {                                                         \
            const uint32_t x = a[i];                                                               \
            a[i] = expression;                                                                     \
        }                                                                                          \
        store4(A.out.data + WORDS_OF(A.out), a);                                                   \
    }

K_SCALAR(k_mul_scalar, reduce((uint64_t)x *c, m))
K_SCALAR(k_add_scalar, hel_mod_add(x, c, m->q))

K_KERNEL(k_copy, k_elem_scalar, K_ELEM_THREADS)
{
    const uint32_t first = FIRST_WORD;
    uint32_t a[4];
    load4(a, A.a.data + WORDS_OF(A.a));
    store4(A.out.data + WORDS_OF(A.out), a);
}

K_KERNEL(k_tensor, k_elem_tensor, K_ELEM_THREADS)
{
    const uint32_t first = FIRST_WORD;
    const k_limb *m = k_limb_of(&A.ring, &A.d[0], K_BLOCK_X);
    uint32_t a0[4], a1[4], b0[4], b1[4], d[4];
    load4(a0, A.a[0].data + WORDS_OF(A.a[0]));
    load4(a1, A.a[1].data + WORDS_OF(A.a[1]));
    load4(b0, A.b[0].data + WORDS_OF(A.b[0]));
    load4(b1, A.b[1].data + WORDS_OF(A.b[1]));
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        d[i] = reduce((uint64_t)a0[i] * b0[i], m);
    store4(A.d[0].data + WORDS_OF(A.d[0]), d);
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++) /* below 2 q^2 < 2^(bits + 31) */
        d[i] = hel_mod_reduce_sum((uint64_t)a0[i] * b1[i] + (uint64_t)a1[i] * b0[i], m->q,
                                  m->barrett, m->bits, m->pow34);
    store4(A.d[1].data + WORDS_OF(A.d[1]), d);
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        d[i] = reduce((uint64_t)a1[i] * b1[i], m);
    store4(A.d[2].data + WORDS_OF(A.d[2]), d);
}

K_KERNEL(k_dot, k_elem_dot, K_ELEM_THREADS)
{
    const uint32_t first = FIRST_WORD;
    const k_limb *m = k_limb_of(&A.ring, &A.out, K_BLOCK_X);
    uint32_t *out = A.out.data + WORDS_OF(A.out), o[4];
    uint64_t sum[4] = {0, 0, 0, 0};
    for (uint32_t t = 0; t < A.terms; t++) { /* 16 products below 2^60 */
        uint32_t a[4], b[4];
        load4(a, A.a[t].data + WORDS_OF(A.a[t]));
        load4(b, A.b[t].data + WORDS_OF(A.b[t]));
        K_UNROLL
        for (uint32_t i = 0; i < 4; i++)
            sum[i] += (uint64_t)a[i] * b[i];
    }
    if (A.accumulate)
        load4(o, out);
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t s = hel_mod_reduce_sum(sum[i], m->q, m->barrett, m->bits, m->pow34);
        o[i] = A.accumulate ? hel_mod_add(o[i], s, m->q) : s;
    }
    store4(out, o);
}

K_KERNEL(k_divide, k_elem_divide, K_ELEM_THREADS)
{
    const uint32_t first = FIRST_WORD, times = A.times[K_BLOCK_X];
    const k_limb *m = k_limb_of(&A.ring, &A.out, K_BLOCK_X);
    const k_pair s = A.s[K_BLOCK_X];
    uint32_t a[4], b[4], add[4] = {0, 0, 0, 0};
    load4(a, A.a.data + WORDS_OF(A.a));
    load4(b, A.b.data + WORDS_OF(A.b));
    if (A.add.data)
        load4(add, A.add.data + WORDS_OF(A.add));
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t x = times == 1 ? a[i] : reduce((uint64_t)a[i] * times, m);
        const uint32_t d = k_fold(k_shoup(x + m->q - b[i], s, m->minus_q), m->minus_q);
        a[i] = hel_mod_add(d, add[i], m->q);
    }
    store4(A.out.data + WORDS_OF(A.out), a);
}

K_DEVICE uint32_t automorph_source(uint32_t j, uint32_t g, uint32_t log_n)
{
    const uint32_t shift = 32 - log_n, e = 2 * (K_REVERSE(j) >> shift) + 1;
    return K_REVERSE((g * e & ((2u << log_n) - 1)) >> 1) >> shift;
}

/* Aligned runs of 16 words stay together, so that reads are whole sectors. */
K_KERNEL(k_automorph, k_elem_automorph, K_ELEM_THREADS)
{
    const uint32_t first = FIRST_WORD;
    const uint32_t *in = A.a.data + k_at(&A.a, A.ring.log_n, K_BLOCK_Y, K_BLOCK_X, 0);
    uint32_t o[4];
    K_UNROLL
    for (uint32_t i = 0; i < 4; i++)
        o[i] = in[automorph_source(first + i, A.g, A.ring.log_n)];
    store4(A.out.data + WORDS_OF(A.out), o);
}
