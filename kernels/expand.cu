/*
 * The step of the expansion tree (host/ckks/exact/expand_ops.h has the formula): for each word of a
 * limb the gathered digits meet the keys of three automorphisms, and both halves of all children
 * come out, in NTT form. A thread keeps one word's keys in registers for K_STEP_PART nodes.
 *
 * Two digits, two levels, per word and node: 12 wide multiply-adds, 6 reductions of 3 instructions,
 * 175 instructions in all for leaves, 209 with monomials (sm_90; half of them are addresses and
 * folds); 12 bytes in (each read up to three times, from the first cache), 32 bytes out, 6 to 12
 * bytes of keys from the second. Bound by memory. Neighbours read neighbours: automorphisms move
 * aligned runs of 16 words as a whole.
 */
#include "kernels/expand.h"

#include "kernels/kernel.h"

/* The word that X -> X^g brings to word j. */
K_DEVICE uint32_t step_source(uint32_t j, uint32_t g, uint32_t log_n)
{
    const uint32_t shift = 32 - log_n, e = 2 * (K_REVERSE(j) >> shift) + 1;
    return K_REVERSE((g * e & ((2u << log_n) - 1)) >> 1) >> shift;
}

/* k_fold() in the words that become one instruction here: the compiler would otherwise compare with
 * the wrong operand of the sum. */
K_DEVICE uint32_t step_fold(uint32_t x, uint32_t minus_m)
{
    const uint32_t y = x + minus_m;
    return y > x ? x : y;
}

/* The word so many bytes behind p: one addition of 64 bits, whatever p is. */
K_DEVICE uint32_t step_load(const uint32_t *p, uint32_t bytes)
{
    return *(const uint32_t *)(const void *)((const char *)(const void *)p + bytes);
}

/* What a thread knows for all nodes. Limbs and words are one index, so that the constants of a
 * limb are known to no compiler as common to a block: those would go where min is two steps. */
typedef struct step_word {
    uint32_t q, q2, minus_q, minus_q2, word_inv;
    uint32_t limb, j, at, from[3]; /* at, from: bytes from the start of a limb vector */
    uint32_t shift[3];
    k_pair root, big; /* big: 0 where P vanishes */
} step_word;

K_DEVICE step_word step_start(const k_step_args *a)
{
    const uint32_t log_n = a->ring.log_n, i = K_BLOCK_X * K_WORD_THREADS + K_THREAD;
    const k_limb *m;
    step_word w;
    w.limb = i >> log_n;
    w.j = i & ((1u << log_n) - 1);
    w.at = 4 * i;
    m = a->ring.limb + w.limb;
    w.q = m->q;
    w.q2 = m->q2;
    w.minus_q = m->minus_q;
    w.minus_q2 = m->minus_q2;
    w.word_inv = m->word_inv;
    w.root = m->w[1]; /* psi^(N/2); X^-(N/2) is its negative at the first half of the words */
    if (w.j < 1u << (log_n - 1)) {
        w.root.x = w.q - w.root.x;
        w.root.y = ~w.root.y; /* w 2^32 / q is no integer */
    }
    w.big.x = w.big.y = 0;
    if (w.limb < a->own_limbs)
        w.big = a->big[w.limb];
    K_UNROLL
    for (uint32_t k = 0; k < 3; k++) {
        w.from[k] = 4 * (i - w.j + step_source(w.j, a->g[k], log_n));
        w.shift[k] = a->shift[k] ? a->shift[k][i] : 0;
    }
    return w;
}

/* x < f 2^32 q -> x / 2^32, below (1 + f) q */
K_DEVICE uint32_t step_reduce(uint64_t x, const step_word *w)
{
    return (uint32_t)(x >> 32) + w->q - K_MULHI((uint32_t)x * w->word_inv, w->q);
}

/* base, b below 2q -> children below 4q */
K_DEVICE void step_children(const step_word *w, uint32_t levels, uint32_t base, const uint32_t *b,
                            uint32_t *y)
{
    uint32_t plus, minus, sum, turned;
    y[0] = base + b[0];
    y[1] = base + w->q2 - b[0];
    if (levels == 1)
        return;
    plus = step_fold(y[0], w->minus_q2);
    minus = step_fold(y[1], w->minus_q2);
    sum = step_fold(b[1] + b[2], w->minus_q2);
    turned = k_shoup(b[1] + w->q2 - b[2], w->root, w->minus_q);
    y[0] = plus + sum;
    y[1] = plus + w->q2 - sum;
    y[2] = minus + turned;
    y[3] = minus + w->q2 - turned;
}

/* Half p of the children of one node, canonical; shifted: times their monomials. */
K_DEVICE void step_store(const k_step_args *a, const step_word *w, uint32_t node, uint32_t p,
                         uint32_t children, int shifted, const uint32_t *y)
{
    const size_t half = (size_t)a->limbs << a->ring.log_n;
    uint32_t *out = a->out + ((size_t)node * children * 2 + p) * half;
    K_UNROLL
    for (uint32_t k = 0; k < children; k++) {
        uint32_t v = step_fold(y[k], w->minus_q2);
        if (k && shifted)
            v = step_reduce((uint64_t)y[k] * w->shift[k - 1], w); /* 4q q < 2^32 q */
        *(uint32_t *)(void *)((char *)(void *)(out + 2 * k * half) + w->at) =
            step_fold(v, w->minus_q);
    }
}

/* Both halves of one node from its switched terms b[p][term], below 2q; own: the word of the digit
 * of this limb, which is c1 */
K_DEVICE void step_finish(const k_step_args *a, const step_word *w, uint32_t node, uint32_t levels,
                          int shifted, uint32_t c0, uint32_t own, uint32_t b[2][3])
{
    uint32_t y[4];
    step_children(w, levels, c0, b[0], y);
    step_store(a, w, node, 0, 1u << levels, shifted, y);
    step_children(w, levels, k_shoup(own, w->big, w->minus_q), b[1], y);
    step_store(a, w, node, 1, 1u << levels, shifted, y);
}

/* One node of two levels and two digits; k: the keys [term][digit][half] of this word. */
K_DEVICE void step_node(const k_step_args *a, const step_word *w, uint32_t node, int shifted,
                        const uint32_t *k)
{
    const size_t half = (size_t)a->limbs << a->ring.log_n;
    const uint32_t *c0 = a->node + 2 * node * half;
    const uint32_t *digit0 = a->digit + 2 * node * half, *digit1 = digit0 + half;
    const uint32_t own = step_load(w->limb < a->digit_limbs ? digit0 : digit1, w->at);
    uint32_t b[2][3];
    K_UNROLL
    for (uint32_t t = 0; t < 3; t++) {
        const uint32_t x = step_load(digit0, w->from[t]), y = step_load(digit1, w->from[t]);
        const uint64_t s0 = (uint64_t)x * k[4 * t] + (uint64_t)y * k[4 * t + 2];
        const uint64_t s1 = (uint64_t)x * k[4 * t + 1] + (uint64_t)y * k[4 * t + 3];
        /* 2 q^2 < 2^31 q: below 3q/2 */
        b[0][t] = step_fold(step_reduce(s0, w) + step_load(c0, w->from[t]), w->minus_q2);
        b[1][t] = step_reduce(s1, w);
    }
    step_finish(a, w, node, 2, shifted, step_load(c0, w->at), own, b);
}

/* The last nodes of a part may be one and the same: branches would take the products of words
 * apart from where the words are widened, and they would no longer be single instructions. */
#define K_STEP_TWO(name, shifted)                                                                  \
    K_KERNEL(name, k_step_args, K_WORD_THREADS)                                                    \
    {                                                                                              \
        const step_word w = step_start(&A);                                                        \
        const uint32_t begin = K_BLOCK_Z * K_STEP_NODES;                                           \
        const uint32_t end = K_MIN(begin + K_STEP_NODES, A.nodes);                                 \
        const uint32_t *key = A.key + w.limb * A.key_words + w.j / 16 * 192 + w.j % 16;            \
        for (uint32_t node = begin; node < end; node += K_STEP_PART) {                             \
            uint32_t k[12];                                                                        \
            K_UNROLL                                                                               \
            for (uint32_t i = 0; i < 12; i++)                                                      \
                k[i] = key[16 * i];                                                                \
            K_UNROLL                                                                               \
            for (uint32_t i = 0; i < K_STEP_PART; i++)                                             \
                step_node(&A, &w, K_MIN(node + i, end - 1), shifted, k);                           \
        }                                                                                          \
    }

K_STEP_TWO(k_step_shifted, 1)
K_STEP_TWO(k_step_leaves, 0)

/* Switched term t of a node with any number of digits up to K_STEP_DIGITS: sums below 2^63. */
K_DEVICE void step_term(const k_step_args *a, const step_word *w, const uint32_t *digit,
                        const uint32_t *c0, uint32_t t, uint32_t b[2][3])
{
    const size_t half = (size_t)a->limbs << a->ring.log_n;
    const uint32_t vectors = ((1u << a->levels) - 1) * a->digits * 2;
    const uint32_t *key = a->key + w->limb * a->key_words +
                          ((size_t)(w->j / 16) * vectors + t * a->digits * 2) * 16 + w->j % 16;
    uint64_t s0 = 0, s1 = 0;
    for (uint32_t d = 0; d < a->digits; d++, key += 32) {
        const uint32_t x = step_load(digit + d * half, w->from[t]);
        s0 += (uint64_t)x * K_LOAD(&key[0]);
        s1 += (uint64_t)x * K_LOAD(&key[16]);
    }
    b[0][t] = hel_mod_redc(s0, w->q, w->word_inv) + step_load(c0, w->from[t]);
    b[1][t] = hel_mod_redc(s1, w->q, w->word_inv);
}

/* Any step. */
K_KERNEL(k_step_any, k_step_args, K_WORD_THREADS)
{
    const step_word w = step_start(&A);
    const uint32_t begin = K_BLOCK_Z * K_STEP_NODES;
    const uint32_t end = K_MIN(begin + K_STEP_NODES, A.nodes);
    const size_t half = (size_t)A.limbs << A.ring.log_n;
    const int shifted = A.shift[0] != NULL;
    for (uint32_t node = begin; node < end; node++) {
        const uint32_t *c0 = A.node + 2 * node * half;
        const uint32_t *digit = A.digit + (size_t)node * A.digits * half;
        const uint32_t own =
            w.limb < A.own_limbs ? step_load(digit + w.limb / A.digit_limbs * half, w.at) : 0;
        uint32_t b[2][3];
        step_term(&A, &w, digit, c0, 0, b);
        if (A.levels == 1) {
            step_finish(&A, &w, node, 1, shifted, step_load(c0, w.at), own, b);
        } else {
            step_term(&A, &w, digit, c0, 1, b);
            step_term(&A, &w, digit, c0, 2, b);
            step_finish(&A, &w, node, 2, shifted, step_load(c0, w.at), own, b);
        }
    }
}
