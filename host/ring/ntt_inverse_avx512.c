/*
 * The inverse transform, AVX-512: the forward's passes backwards, values in [0, 2q) between levels,
 * with the division by N in the root's level. See ntt_avx512.c.
 */
#if defined(__AVX512F__) /* set by the build for this file, on x86-64 only */

#include "host/ring/ntt_pass_avx512.h"

/* x, y in [0, 2q) -> [0, 2q) */
static inline void inverse2(__m512i *x, __m512i *y, __m512i w, __m512i ws, __m512i ws_odd,
                            const consts *c)
{
    __m512i d = _mm512_sub_epi32(_mm512_add_epi32(*x, c->q2), *y);
    *x = v_fold(_mm512_add_epi32(*x, *y), c->q2);
    *y = v_shoup2(d, w, ws, ws_odd, c->q);
}

static inline void inverse1(__m512i *x, __m512i *y, const factors *f, int node, const consts *c)
{
    inverse2(x, y, f->w[node], f->ws[node], f->ws[node], c);
}

static inline void inverse4(__m512i *r, const factors *f, const consts *c)
{
    inverse1(&r[0], &r[1], f, 1, c);
    inverse1(&r[2], &r[3], f, 2, c);
    inverse1(&r[0], &r[2], f, 0, c);
    inverse1(&r[1], &r[3], f, 0, c);
}

/* The two lower levels of three. */
static inline void inverse8_lower(__m512i *r, const factors *f, const consts *c)
{
    HEL_UNROLL
    for (int i = 0; i < 4; i++)
        inverse1(&r[2 * i], &r[2 * i + 1], f, 3 + i, c);
    HEL_UNROLL
    for (int i = 0; i < 4; i++)
        inverse1(&r[i + (i & 2)], &r[i + (i & 2) + 2], f, 1 + i / 2, c);
}

static inline void inverse8(__m512i *r, const factors *f, const consts *c)
{
    inverse8_lower(r, f, c);
    HEL_UNROLL
    for (int i = 0; i < 4; i++)
        inverse1(&r[i], &r[i + 4], f, 0, c);
}

/* 128 canonical words -> eight registers of consecutive words after four levels, in [0, 2q). */
static inline void inverse_leaves(const uint32_t *x, __m512i *r, const uint32_t *t, const consts *c)
{
    const __m512i even =
        _mm512_setr_epi32(0, 4, 2, 6, 16, 20, 18, 22, 8, 12, 10, 14, 24, 28, 26, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    const __m512i half0 = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i half1 = _mm512_add_epi64(half0, _mm512_set1_epi64(4));
    __m512i a[4], b[4], u, ws, line[4];
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        __m512i r0 = v_load(x + 32 * i), r1 = v_load(x + 32 * i + 16);
        a[i] = _mm512_permutex2var_epi32(r0, even, r1);
        b[i] = _mm512_permutex2var_epi32(r0, odd, r1);
        ws = v_load(t + PAIR_TABLE * (uint32_t)i + 16);
        u = _mm512_sub_epi32(_mm512_add_epi32(a[i], c->q), b[i]);
        a[i] = _mm512_add_epi32(a[i], b[i]); /* both below q: the sum is below 2q */
        b[i] = v_shoup2(u, v_load(t + PAIR_TABLE * (uint32_t)i), ws, v_odd(ws), c->q);
    }
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        line[i] = v_load(t + PAIR_TABLE * (uint32_t)i + 32);
        u = _mm512_unpacklo_epi32(a[i], b[i]);
        b[i] = _mm512_unpackhi_epi32(a[i], b[i]);
        a[i] = u;
        ws = spread2(line[i], 8);
        inverse2(&a[i], &b[i], spread2(line[i], 0), ws, ws, c);
    }
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        line[i] = v_load(t + PAIR_TABLE * (uint32_t)i + 48);
        u = _mm512_unpacklo_epi64(a[i], b[i]);
        b[i] = _mm512_unpackhi_epi64(a[i], b[i]);
        a[i] = u;
        ws = spread4(line[i], 4);
        inverse2(&a[i], &b[i], spread4(line[i], 0), ws, ws, c);
    }
    HEL_UNROLL
    for (int i = 0; i < 4; i++) {
        u = _mm512_permutex2var_epi64(a[i], half0, b[i]);
        b[i] = _mm512_permutex2var_epi64(a[i], half1, b[i]);
        a[i] = u;
        ws = spread8(line[i], 10);
        inverse2(&a[i], &b[i], spread8(line[i], 8), ws, ws, c);
        r[2 * i] = _mm512_shuffle_i64x2(a[i], b[i], 0x44);
        r[2 * i + 1] = _mm512_shuffle_i64x2(a[i], b[i], 0xee);
    }
}

static void inverse_sweep(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const uint32_t *t = c->leaf + PAIR_TABLE * 4 * (size_t)(k - c->first);
    for (uint32_t *end = x + len; x < end; x += SWEEP_WORDS, k++, t += 4 * PAIR_TABLE) {
        const factors f = load_factors(k, 7, c);
        __m512i r[8];
        inverse_leaves(x, r, t, c);
        inverse8(r, &f, c);
        HEL_UNROLL
        for (int i = 0; i < 8; i++)
            v_store(x + 16 * i, r[i]);
    }
}

static void inverse_pass8(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const size_t step = len / 8;
    const factors f = load_factors(k, 7, c);
    for (size_t j = 0; j < step; j += 16) {
        __m512i r[8];
        HEL_UNROLL
        for (int i = 0; i < 8; i++)
            r[i] = v_load(x + j + (size_t)i * step);
        inverse8(r, &f, c);
        HEL_UNROLL
        for (int i = 0; i < 8; i++)
            v_store(x + j + (size_t)i * step, r[i]);
    }
}

static void inverse_pass4(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const size_t step = len / 4;
    const factors f = load_factors(k, 3, c);
    for (size_t j = 0; j < step; j += 16) {
        __m512i r[4];
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            r[i] = v_load(x + j + (size_t)i * step);
        inverse4(r, &f, c);
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            v_store(x + j + (size_t)i * step, r[i]);
    }
}

/* Everything below a node of at most BLOCK_WORDS words, `stop` levels from its top excepted. */
static void inverse_block(uint32_t *x, uint32_t k, uint32_t log_len, uint32_t stop, const consts *c)
{
    uint32_t plan[8], passes = 0, at = log_len;
    while (at > 7) {
        plan[passes] = pass_levels(at);
        at -= plan[passes++];
    }
    inverse_sweep(x, k << (log_len - 7), (size_t)1 << log_len, c);
    while (passes-- > 0) {
        at += plan[passes];
        if (at > log_len - stop)
            break;
        for (uint32_t i = 0; i < 1u << (log_len - at); i++)
            (plan[passes] == 3 ? inverse_pass8 : inverse_pass4)(
                x + ((size_t)i << at), (k << (log_len - at)) + i, (size_t)1 << at, c);
    }
}

static void inverse_node(uint32_t *x, uint32_t k, uint32_t log_len, const consts *c)
{
    const size_t len = (size_t)1 << log_len;
    if (len <= BLOCK_WORDS) {
        inverse_block(x, k, log_len, 0, c);
        return;
    }
    const uint32_t levels = pass_levels(log_len);
    for (uint32_t i = 0; i < 1u << levels; i++)
        inverse_node(x + ((size_t)i << (log_len - levels)), (k << levels) + i, log_len - levels, c);
    (levels == 3 ? inverse_pass8 : inverse_pass4)(x, k, len, c);
}

/* The root's level with the division by N: [0, 2q) -> canonical. f is 1/N, g is w_inv[1]/N. */
typedef struct last_level {
    __m512i f, fs, g, gs;
} last_level;

static inline void inverse_last(__m512i *x, __m512i *y, const last_level *e, const consts *c)
{
    __m512i s = _mm512_add_epi32(*x, *y);
    __m512i d = _mm512_sub_epi32(_mm512_add_epi32(*x, c->q2), *y);
    *x = v_fold(v_shoup(s, e->f, e->fs, c->q), c->q);
    *y = v_fold(v_shoup(d, e->g, e->gs, c->q), c->q);
}

static void inverse_root8(uint32_t *x, size_t len, const last_level *e, const consts *c)
{
    const size_t step = len / 8;
    const factors f = load_factors(1, 7, c);
    for (size_t j = 0; j < step; j += 16) {
        __m512i r[8];
        HEL_UNROLL
        for (int i = 0; i < 8; i++)
            r[i] = v_load(x + j + (size_t)i * step);
        inverse8_lower(r, &f, c);
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            inverse_last(&r[i], &r[i + 4], e, c);
        HEL_UNROLL
        for (int i = 0; i < 8; i++)
            v_store(x + j + (size_t)i * step, r[i]);
    }
}

static void inverse_root4(uint32_t *x, size_t len, const last_level *e, const consts *c)
{
    const size_t step = len / 4;
    const factors f = load_factors(1, 3, c);
    for (size_t j = 0; j < step; j += 16) {
        __m512i r[4];
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            r[i] = v_load(x + j + (size_t)i * step);
        inverse1(&r[0], &r[1], &f, 1, c);
        inverse1(&r[2], &r[3], &f, 2, c);
        inverse_last(&r[0], &r[2], e, c);
        inverse_last(&r[1], &r[3], e, c);
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            v_store(x + j + (size_t)i * step, r[i]);
    }
}

void hel_ntt_inverse_avx512(const hel_ring *ring, const hel_limb *l, uint32_t *x)
{
    const consts c = make_consts(ring, l, 1);
    const uint32_t g = hel_mod_mul_shoup(l->n_inv, l->w_inv[1], l->w_inv_shoup[1], l->q);
    const last_level e = {v_set1(l->n_inv), v_set1(l->n_inv_shoup), v_set1(g),
                          v_set1(hel_mod_shoup(g, l->q))};
    const uint32_t log_n = ring->log_n, levels = pass_levels(log_n);
    if (ring->n <= BLOCK_WORDS)
        inverse_block(x, 1, log_n, levels, &c);
    else
        for (uint32_t i = 0; i < 1u << levels; i++)
            inverse_node(x + ((size_t)i << (log_n - levels)), (1u << levels) + i, log_n - levels,
                         &c);
    (levels == 3 ? inverse_root8 : inverse_root4)(x, ring->n, &e, &c);
}

#else
typedef int hel_ntt_inverse_avx512_needs_x86;
#endif
