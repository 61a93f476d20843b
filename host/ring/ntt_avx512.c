/*
 * Number-theoretic transform, AVX-512: sixteen lanes, radix 8 (or 4) passes held in registers, the
 * last seven levels of every 128 words in one sweep, of which four by shuffles inside registers.
 *
 * The transform is a binary tree: node k covers a run of words, splits it with twiddle w[k] and has
 * the children 2k and 2k + 1; the root is node 1. Forward values are in [0, 4q) between levels,
 * inverse values in [0, 2q). Butterflies after Harvey, "Faster arithmetic for number-theoretic
 * transforms", 2014. Cost: 12 instructions per 16 butterflies, of which 4 multiplications.
 */
#if defined(__AVX512F__) /* set by the build for this file, on x86-64 only */

#include "host/ring/ntt_pass_avx512.h"

/* ---- leaf tables ---- */

/* Slots of the nodes below a pair of 16-word nodes k, k + 1, in the lane order that the shuffles
 * give: the len-8, len-4 and len-2 nodes counted from 2k, 4k and 8k. */
static const uint8_t slot4[4] = {0, 2, 1, 3};
static const uint8_t slot2[8] = {0, 1, 4, 5, 2, 3, 6, 7};
static const uint8_t slot1[16] = {0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15};

size_t hel_ntt_extra_bytes_avx512(uint32_t log_n)
{
    return 2 * sizeof(uint32_t) * PAIR_TABLE * ((size_t)1 << log_n) / 32;
}

static void fill_leaves(uint32_t *t, const uint32_t *w, const uint32_t *ws, uint32_t n)
{
    for (uint32_t k = n / 16; k < n / 8; k += 2, t += PAIR_TABLE) {
        for (uint32_t i = 0; i < 16; i++) {
            t[i] = w[8 * k + slot1[i]];
            t[16 + i] = ws[8 * k + slot1[i]];
        }
        for (uint32_t i = 0; i < 8; i++) {
            t[32 + i] = w[4 * k + slot2[i]];
            t[40 + i] = ws[4 * k + slot2[i]];
        }
        for (uint32_t i = 0; i < 4; i++) {
            t[48 + i] = w[2 * k + slot4[i]];
            t[52 + i] = ws[2 * k + slot4[i]];
        }
        for (uint32_t i = 0; i < 2; i++) {
            t[56 + i] = w[k + i];
            t[58 + i] = ws[k + i];
        }
    }
}

void hel_ntt_extra_fill_avx512(const hel_ring *ring, const hel_limb *l, void *extra)
{
    uint32_t *t = extra;
    fill_leaves(t, l->w, l->w_shoup, ring->n);
    fill_leaves(t + PAIR_TABLE * (ring->n / 32), l->w_inv, l->w_inv_shoup, ring->n);
}

/* ---- forward ---- */

/* x, y in [0, 4q) -> [0, 4q), with the lanes' own factors */
static inline void forward2(__m512i *x, __m512i *y, __m512i w, __m512i ws, __m512i ws_odd,
                            const consts *c)
{
    __m512i u = v_fold(*x, c->q2), t = v_shoup2(*y, w, ws, ws_odd, c->q);
    *x = _mm512_add_epi32(u, t);
    *y = _mm512_sub_epi32(_mm512_add_epi32(u, c->q2), t);
}

static inline void forward1(__m512i *x, __m512i *y, const factors *f, int node, const consts *c)
{
    forward2(x, y, f->w[node], f->ws[node], f->ws[node], c);
}

static inline void forward4(__m512i *r, const factors *f, const consts *c)
{
    forward1(&r[0], &r[2], f, 0, c);
    forward1(&r[1], &r[3], f, 0, c);
    forward1(&r[0], &r[1], f, 1, c);
    forward1(&r[2], &r[3], f, 2, c);
}

static inline void forward8(__m512i *r, const factors *f, const consts *c)
{
    HEL_UNROLL
    for (int i = 0; i < 4; i++)
        forward1(&r[i], &r[i + 4], f, 0, c);
    HEL_UNROLL
    for (int i = 0; i < 4; i++)
        forward1(&r[i + (i & 2)], &r[i + (i & 2) + 2], f, 1 + i / 2, c);
    HEL_UNROLL
    for (int i = 0; i < 4; i++)
        forward1(&r[2 * i], &r[2 * i + 1], f, 3 + i, c);
}

/* Four levels inside four pairs of registers of consecutive words -> canonical residues, in order.
 * The pairs advance side by side: one alone would wait for its own results. */
static inline void forward_leaves(uint32_t *x, __m512i *r, const uint32_t *t, const consts *c)
{
    const __m512i order0 =
        _mm512_setr_epi32(0, 16, 2, 18, 1, 17, 3, 19, 8, 24, 10, 26, 9, 25, 11, 27);
    const __m512i order1 = _mm512_add_epi32(order0, _mm512_set1_epi32(4));
    __m512i a[4], b[4], u, ws, line[4];
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        line[i] = v_load(t + PAIR_TABLE * (uint32_t)i + 48);
        a[i] = _mm512_shuffle_i64x2(r[2 * i], r[2 * i + 1], 0x44);
        b[i] = _mm512_shuffle_i64x2(r[2 * i], r[2 * i + 1], 0xee);
        ws = spread8(line[i], 10);
        forward2(&a[i], &b[i], spread8(line[i], 8), ws, ws, c);
    }
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        u = _mm512_shuffle_i64x2(a[i], b[i], 0x88);
        b[i] = _mm512_shuffle_i64x2(a[i], b[i], 0xdd);
        a[i] = u;
        ws = spread4(line[i], 4);
        forward2(&a[i], &b[i], spread4(line[i], 0), ws, ws, c);
    }
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        line[i] = v_load(t + PAIR_TABLE * (uint32_t)i + 32);
        u = _mm512_unpacklo_epi64(a[i], b[i]);
        b[i] = _mm512_unpackhi_epi64(a[i], b[i]);
        a[i] = u;
        ws = spread2(line[i], 8);
        forward2(&a[i], &b[i], spread2(line[i], 0), ws, ws, c);
    }
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        ws = v_load(t + PAIR_TABLE * (uint32_t)i + 16);
        u = v_shuffle32(a[i], b[i], 0x88);
        b[i] = v_shuffle32(a[i], b[i], 0xdd);
        a[i] = u;
        forward2(&a[i], &b[i], v_load(t + PAIR_TABLE * (uint32_t)i), ws, v_odd(ws), c);
        a[i] = v_fold(v_fold(a[i], c->q2), c->q);
        b[i] = v_fold(v_fold(b[i], c->q2), c->q);
    }
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        v_store(x + 32 * i, _mm512_permutex2var_epi32(a[i], order0, b[i]));
        v_store(x + 32 * i + 16, _mm512_permutex2var_epi32(a[i], order1, b[i]));
    }
}

/* Three levels of node k, len words from x. */
static void forward_pass8(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const size_t step = len / 8;
    const factors f = load_factors(k, 7, c);
    for (size_t j = 0; j < step; j += 16) {
        __m512i r[8];
        HEL_UNROLL
        for (int i = 0; i < 8; i++)
            r[i] = v_load(x + j + (size_t)i * step);
        forward8(r, &f, c);
        HEL_UNROLL
        for (int i = 0; i < 8; i++)
            v_store(x + j + (size_t)i * step, r[i]);
    }
}

static void forward_pass4(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const size_t step = len / 4;
    const factors f = load_factors(k, 3, c);
    for (size_t j = 0; j < step; j += 16) {
        __m512i r[4];
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            r[i] = v_load(x + j + (size_t)i * step);
        forward4(r, &f, c);
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            v_store(x + j + (size_t)i * step, r[i]);
    }
}

/* The last seven levels: every node of 128 words, the first of them k. */
static void forward_sweep(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const uint32_t *t = c->leaf + PAIR_TABLE * 4 * (size_t)(k - c->first);
    for (uint32_t *end = x + len; x < end; x += SWEEP_WORDS, k++, t += 4 * PAIR_TABLE) {
        const factors f = load_factors(k, 7, c);
        __m512i r[8];
        HEL_UNROLL
        for (int i = 0; i < 8; i++)
            r[i] = v_load(x + 16 * i);
        forward8(r, &f, c);
        forward_leaves(x, r, t, c);
    }
}

static void forward_node(uint32_t *x, uint32_t k, uint32_t log_len, const consts *c)
{
    const size_t len = (size_t)1 << log_len;
    if (len > BLOCK_WORDS) { /* depth first: the children one after the other */
        const uint32_t levels = pass_levels(log_len);
        (levels == 3 ? forward_pass8 : forward_pass4)(x, k, len, c);
        for (uint32_t i = 0; i < 1u << levels; i++)
            forward_node(x + ((size_t)i << (log_len - levels)), (k << levels) + i, log_len - levels,
                         c);
        return;
    }
    uint32_t nodes = 1;
    while (log_len > 7) {
        const uint32_t levels = pass_levels(log_len);
        for (uint32_t i = 0; i < nodes; i++)
            (levels == 3 ? forward_pass8 : forward_pass4)(x + ((size_t)i << log_len), k + i,
                                                          (size_t)1 << log_len, c);
        log_len -= levels;
        nodes <<= levels;
        k <<= levels;
    }
    forward_sweep(x, k, len, c);
}

void hel_ntt_forward_avx512(const hel_ring *ring, const hel_limb *l, uint32_t *x)
{
    const consts c = make_consts(ring, l, 0);
    forward_node(x, 1, ring->log_n, &c);
}

#else
typedef int hel_ntt_avx512_needs_x86;
#endif
