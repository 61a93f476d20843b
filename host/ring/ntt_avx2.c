/*
 * Number-theoretic transform, AVX2: eight lanes, radix-4 passes in registers, the last five levels
 * of every 32 words in one sweep, of which three by shuffles inside registers.
 *
 * The transform is a binary tree: node k covers a run of words, splits it with twiddle w[k] and has
 * the children 2k and 2k + 1; the root is node 1. Forward values are in [0, 4q) between levels,
 * inverse values in [0, 2q). Butterflies after Harvey, "Faster arithmetic for number-theoretic
 * transforms", 2014. Cost: 13 instructions per 8 butterflies, of which 4 multiplications.
 */
#if defined(__AVX2__) /* set by the build for this file, on x86-64 only */

#include "host/ring/ntt_avx2.h"
#include "host/ring/simd_avx2.h"

#define LOG_BLOCK   13u /* below this the passes go level by level: 32 KiB stay in L1 */
#define LOG_SWEEP   5u
#define SWEEP_WORDS 32u
#define PAIR_TABLE  32u /* words of the leaf table per 16 words of data */

typedef struct consts {
    __m256i q, q2;
    const uint32_t *w, *ws;
    const uint32_t *leaf; /* factors of the lowest three levels, pair by pair */
    uint32_t first;       /* the node that begins them: N/32 */
} consts;

/* Order of the len-2 nodes below a pair of 8-word nodes k, k + 1, counted from 4k. */
static const uint8_t slot1[8] = {0, 2, 1, 3, 4, 6, 5, 7};

size_t hel_ntt_extra_bytes_avx2(uint32_t log_n)
{
    return 2 * sizeof(uint32_t) * PAIR_TABLE * ((size_t)1 << log_n) / 16;
}

static void fill_leaves(uint32_t *t, const uint32_t *w, const uint32_t *ws, uint32_t n)
{
    for (uint32_t k = n / 8; k < n / 4; k += 2, t += PAIR_TABLE) {
        for (uint32_t i = 0; i < 8; i++) {
            t[i] = w[4 * k + slot1[i]];
            t[8 + i] = ws[4 * k + slot1[i]];
        }
        for (uint32_t i = 0; i < 4; i++) {
            t[16 + i] = w[2 * k + i];
            t[20 + i] = ws[2 * k + i];
        }
        for (uint32_t i = 0; i < 2; i++) {
            t[24 + i] = w[k + i];
            t[26 + i] = ws[k + i];
        }
    }
}

void hel_ntt_extra_fill_avx2(const hel_ring *ring, const hel_limb *l, void *extra)
{
    uint32_t *t = extra;
    fill_leaves(t, l->w, l->w_shoup, ring->n);
    fill_leaves(t + PAIR_TABLE * (ring->n / 16), l->w_inv, l->w_inv_shoup, ring->n);
}

/* Factors of a pair's levels, spread over the lanes; quotients are needed in even lanes only. */
static inline __m256i spread2(__m256i line, int from)
{
    const __m256i i = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    return _mm256_permutevar8x32_epi32(line, _mm256_add_epi32(i, _mm256_set1_epi32(from)));
}

static inline __m256i spread4(__m256i line, int from)
{
    const __m256i i = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    return _mm256_permutevar8x32_epi32(line, _mm256_add_epi32(i, _mm256_set1_epi32(from)));
}

/* Broadcast factors of the nodes of a radix-4 pass: k, 2k, 2k + 1. */
typedef struct factors {
    __m256i w[3], ws[3];
} factors;

static inline factors load_factors(uint32_t k, int nodes, const consts *c)
{
    factors f;
    HEL_UNROLL
    for (int i = 0; i < nodes; i++) {
        const uint32_t node = i == 0 ? k : 2 * k + (uint32_t)i - 1;
        f.w[i] = v_set1(c->w[node]);
        f.ws[i] = v_set1(c->ws[node]);
    }
    return f;
}

static consts make_consts(const hel_ring *ring, const hel_limb *l, int inverse)
{
    const uint32_t *leaf = l->extra;
    return (consts){
        .q = v_set1(l->q),
        .q2 = v_set1(2 * l->q),
        .w = inverse ? l->w_inv : l->w,
        .ws = inverse ? l->w_inv_shoup : l->w_shoup,
        .leaf = leaf + (inverse ? PAIR_TABLE * (ring->n / 16) : 0),
        .first = ring->n / SWEEP_WORDS,
    };
}

/* Levels of the next pass towards the sweep: 2, or 1 while their number is odd. */
static uint32_t pass_levels(uint32_t log_len)
{
    return (log_len - LOG_SWEEP) % 2 ? 1 : 2;
}

/* ---- forward ---- */

/* x, y in [0, 4q) -> [0, 4q), with the lanes' own factors */
static inline void forward2(__m256i *x, __m256i *y, __m256i w, __m256i ws, __m256i ws_odd,
                            const consts *c)
{
    __m256i u = v_fold(*x, c->q2), t = v_shoup2(*y, w, ws, ws_odd, c->q);
    *x = _mm256_add_epi32(u, t);
    *y = _mm256_sub_epi32(_mm256_add_epi32(u, c->q2), t);
}

static inline void forward1(__m256i *x, __m256i *y, const factors *f, int node, const consts *c)
{
    forward2(x, y, f->w[node], f->ws[node], f->ws[node], c);
}

static inline void forward4(__m256i *r, const factors *f, const consts *c)
{
    forward1(&r[0], &r[2], f, 0, c);
    forward1(&r[1], &r[3], f, 0, c);
    forward1(&r[0], &r[1], f, 1, c);
    forward1(&r[2], &r[3], f, 2, c);
}

/* Three levels inside two pairs of registers of consecutive words -> canonical, in order. */
static inline void forward_leaves(uint32_t *x, __m256i *r, const uint32_t *t, const consts *c)
{
    __m256i a[2], b[2], u, ws, line;
    HEL_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        line = v_load(t + PAIR_TABLE * i + 24);
        a[i] = _mm256_permute2x128_si256(r[2 * i], r[2 * i + 1], 0x20);
        b[i] = _mm256_permute2x128_si256(r[2 * i], r[2 * i + 1], 0x31);
        ws = spread4(line, 2);
        forward2(&a[i], &b[i], spread4(line, 0), ws, ws, c);
    }
    HEL_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        line = v_load(t + PAIR_TABLE * i + 16);
        u = _mm256_unpacklo_epi64(a[i], b[i]);
        b[i] = _mm256_unpackhi_epi64(a[i], b[i]);
        a[i] = u;
        ws = spread2(line, 4);
        forward2(&a[i], &b[i], spread2(line, 0), ws, ws, c);
    }
    HEL_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        ws = v_load(t + PAIR_TABLE * i + 8);
        u = v_shuffle32(a[i], b[i], 0x88);
        b[i] = v_shuffle32(a[i], b[i], 0xdd);
        a[i] = u;
        forward2(&a[i], &b[i], v_load(t + PAIR_TABLE * i), ws, v_odd(ws), c);
        a[i] = v_fold(v_fold(a[i], c->q2), c->q);
        b[i] = v_fold(v_fold(b[i], c->q2), c->q);
    }
    HEL_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        u = _mm256_unpacklo_epi32(a[i], b[i]);
        b[i] = _mm256_unpackhi_epi32(a[i], b[i]);
        a[i] = _mm256_unpacklo_epi64(u, b[i]);
        b[i] = _mm256_unpackhi_epi64(u, b[i]);
        v_store(x + 16 * i, _mm256_permute2x128_si256(a[i], b[i], 0x20));
        v_store(x + 16 * i + 8, _mm256_permute2x128_si256(a[i], b[i], 0x31));
    }
}

static void forward_pass4(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const size_t step = len / 4;
    const factors f = load_factors(k, 3, c);
    for (size_t j = 0; j < step; j += 8) {
        __m256i r[4];
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            r[i] = v_load(x + j + (size_t)i * step);
        forward4(r, &f, c);
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            v_store(x + j + (size_t)i * step, r[i]);
    }
}

static void forward_pass2(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const size_t step = len / 2;
    const factors f = load_factors(k, 1, c);
    for (size_t j = 0; j < step; j += 8) {
        __m256i a = v_load(x + j), b = v_load(x + j + step);
        forward1(&a, &b, &f, 0, c);
        v_store(x + j, a);
        v_store(x + j + step, b);
    }
}

/* The last five levels: every node of 32 words, the first of them k. */
static void forward_sweep(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const uint32_t *t = c->leaf + PAIR_TABLE * 2 * (size_t)(k - c->first);
    for (uint32_t *end = x + len; x < end; x += SWEEP_WORDS, k++, t += 2 * PAIR_TABLE) {
        const factors f = load_factors(k, 3, c);
        __m256i r[4];
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            r[i] = v_load(x + 8 * i);
        forward4(r, &f, c);
        forward_leaves(x, r, t, c);
    }
}

static void forward_node(uint32_t *x, uint32_t k, uint32_t log_len, const consts *c)
{
    const size_t len = (size_t)1 << log_len;
    if (log_len > LOG_BLOCK) { /* depth first: the children one after the other */
        const uint32_t levels = pass_levels(log_len);
        (levels == 2 ? forward_pass4 : forward_pass2)(x, k, len, c);
        for (uint32_t i = 0; i < 1u << levels; i++)
            forward_node(x + ((size_t)i << (log_len - levels)), (k << levels) + i, log_len - levels,
                         c);
        return;
    }
    uint32_t nodes = 1;
    while (log_len > LOG_SWEEP) {
        const uint32_t levels = pass_levels(log_len);
        for (uint32_t i = 0; i < nodes; i++)
            (levels == 2 ? forward_pass4 : forward_pass2)(x + ((size_t)i << log_len), k + i,
                                                          (size_t)1 << log_len, c);
        log_len -= levels;
        nodes <<= levels;
        k <<= levels;
    }
    forward_sweep(x, k, len, c);
}

void hel_ntt_forward_avx2(const hel_ring *ring, const hel_limb *l, uint32_t *x)
{
    const consts c = make_consts(ring, l, 0);
    forward_node(x, 1, ring->log_n, &c);
}

/* ---- inverse ---- */

/* x, y in [0, 2q) -> [0, 2q) */
static inline void inverse2(__m256i *x, __m256i *y, __m256i w, __m256i ws, __m256i ws_odd,
                            const consts *c)
{
    __m256i d = _mm256_sub_epi32(_mm256_add_epi32(*x, c->q2), *y);
    *x = v_fold(_mm256_add_epi32(*x, *y), c->q2);
    *y = v_shoup2(d, w, ws, ws_odd, c->q);
}

static inline void inverse1(__m256i *x, __m256i *y, const factors *f, int node, const consts *c)
{
    inverse2(x, y, f->w[node], f->ws[node], f->ws[node], c);
}

/* 32 canonical words -> four registers of consecutive words after three levels, in [0, 2q). */
static inline void inverse_leaves(const uint32_t *x, __m256i *r, const uint32_t *t, const consts *c)
{
    __m256i a[2], b[2], u, ws, line;
    HEL_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        __m256i r0 = v_load(x + 16 * i), r1 = v_load(x + 16 * i + 8);
        a[i] = _mm256_permute2x128_si256(r0, r1, 0x20);
        b[i] = _mm256_permute2x128_si256(r0, r1, 0x31);
        u = _mm256_unpacklo_epi64(a[i], b[i]);
        b[i] = _mm256_unpackhi_epi64(a[i], b[i]);
        a[i] = v_shuffle32(u, b[i], 0x88);
        b[i] = v_shuffle32(u, b[i], 0xdd);
        ws = v_load(t + PAIR_TABLE * i + 8);
        u = _mm256_sub_epi32(_mm256_add_epi32(a[i], c->q), b[i]);
        a[i] = _mm256_add_epi32(a[i], b[i]); /* both below q: the sum is below 2q */
        b[i] = v_shoup2(u, v_load(t + PAIR_TABLE * i), ws, v_odd(ws), c->q);
    }
    HEL_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        line = v_load(t + PAIR_TABLE * i + 16);
        u = _mm256_unpacklo_epi32(a[i], b[i]);
        b[i] = _mm256_unpackhi_epi32(a[i], b[i]);
        a[i] = u;
        ws = spread2(line, 4);
        inverse2(&a[i], &b[i], spread2(line, 0), ws, ws, c);
    }
    HEL_UNROLL
    for (uint32_t i = 0; i < 2; i++) {
        line = v_load(t + PAIR_TABLE * i + 24);
        u = _mm256_unpacklo_epi64(a[i], b[i]);
        b[i] = _mm256_unpackhi_epi64(a[i], b[i]);
        a[i] = u;
        ws = spread4(line, 2);
        inverse2(&a[i], &b[i], spread4(line, 0), ws, ws, c);
        r[2 * i] = _mm256_permute2x128_si256(a[i], b[i], 0x20);
        r[2 * i + 1] = _mm256_permute2x128_si256(a[i], b[i], 0x31);
    }
}

/* The root's level with the division by N: [0, 2q) -> canonical. f is 1/N, g is w_inv[1]/N. */
typedef struct last_level {
    __m256i f, fs, g, gs;
} last_level;

static inline void inverse_last(__m256i *x, __m256i *y, const last_level *e, const consts *c)
{
    __m256i s = _mm256_add_epi32(*x, *y);
    __m256i d = _mm256_sub_epi32(_mm256_add_epi32(*x, c->q2), *y);
    *x = v_fold(v_shoup(s, e->f, e->fs, c->q), c->q);
    *y = v_fold(v_shoup(d, e->g, e->gs, c->q), c->q);
}

/* e: NULL, or the last level where node k is the root */
static inline void inverse_pass4(uint32_t *x, uint32_t k, size_t len, const last_level *e,
                                 const consts *c)
{
    const size_t step = len / 4;
    const factors f = load_factors(k, 3, c);
    for (size_t j = 0; j < step; j += 8) {
        __m256i r[4];
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            r[i] = v_load(x + j + (size_t)i * step);
        inverse1(&r[0], &r[1], &f, 1, c);
        inverse1(&r[2], &r[3], &f, 2, c);
        HEL_UNROLL
        for (int i = 0; i < 2; i++)
            if (e)
                inverse_last(&r[i], &r[i + 2], e, c);
            else
                inverse1(&r[i], &r[i + 2], &f, 0, c);
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            v_store(x + j + (size_t)i * step, r[i]);
    }
}

static inline void inverse_pass2(uint32_t *x, uint32_t k, size_t len, const last_level *e,
                                 const consts *c)
{
    const size_t step = len / 2;
    const factors f = load_factors(k, 1, c);
    for (size_t j = 0; j < step; j += 8) {
        __m256i a = v_load(x + j), b = v_load(x + j + step);
        if (e)
            inverse_last(&a, &b, e, c);
        else
            inverse1(&a, &b, &f, 0, c);
        v_store(x + j, a);
        v_store(x + j + step, b);
    }
}

static void inverse_pass(uint32_t *x, uint32_t k, uint32_t levels, size_t len, const last_level *e,
                         const consts *c)
{
    if (k > 1)
        (levels == 2 ? inverse_pass4 : inverse_pass2)(x, k, len, NULL, c);
    else if (levels == 2)
        inverse_pass4(x, k, len, e, c);
    else
        inverse_pass2(x, k, len, e, c);
}

static void inverse_sweep(uint32_t *x, uint32_t k, size_t len, const consts *c)
{
    const uint32_t *t = c->leaf + PAIR_TABLE * 2 * (size_t)(k - c->first);
    for (uint32_t *end = x + len; x < end; x += SWEEP_WORDS, k++, t += 2 * PAIR_TABLE) {
        const factors f = load_factors(k, 3, c);
        __m256i r[4];
        inverse_leaves(x, r, t, c);
        inverse1(&r[0], &r[1], &f, 1, c);
        inverse1(&r[2], &r[3], &f, 2, c);
        inverse1(&r[0], &r[2], &f, 0, c);
        inverse1(&r[1], &r[3], &f, 0, c);
        HEL_UNROLL
        for (int i = 0; i < 4; i++)
            v_store(x + 8 * i, r[i]);
    }
}

static void inverse_node(uint32_t *x, uint32_t k, uint32_t log_len, const last_level *e,
                         const consts *c)
{
    const uint32_t levels = pass_levels(log_len);
    if (log_len > LOG_BLOCK) {
        for (uint32_t i = 0; i < 1u << levels; i++)
            inverse_node(x + ((size_t)i << (log_len - levels)), (k << levels) + i, log_len - levels,
                         e, c);
        inverse_pass(x, k, levels, (size_t)1 << log_len, e, c);
        return;
    }
    inverse_sweep(x, k << (log_len - LOG_SWEEP), (size_t)1 << log_len, c);
    for (uint32_t at = LOG_SWEEP; at < log_len;) { /* pairs of levels; an odd one comes last */
        const uint32_t up = at + 2 <= log_len ? 2 : 1;
        at += up;
        for (uint32_t i = 0; i < 1u << (log_len - at); i++)
            inverse_pass(x + ((size_t)i << at), (k << (log_len - at)) + i, up, (size_t)1 << at, e,
                         c);
    }
}

void hel_ntt_inverse_avx2(const hel_ring *ring, const hel_limb *l, uint32_t *x)
{
    const consts c = make_consts(ring, l, 1);
    const uint32_t g = hel_mod_mul_shoup(l->n_inv, l->w_inv[1], l->w_inv_shoup[1], l->q);
    const last_level e = {v_set1(l->n_inv), v_set1(l->n_inv_shoup), v_set1(g),
                          v_set1(hel_mod_shoup(g, l->q))};
    inverse_node(x, 1, ring->log_n, &e, &c);
}

#else
typedef int hel_ntt_avx2_needs_x86;
#endif
