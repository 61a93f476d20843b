/*
 * What both directions of the AVX-512 transform share: the tree's constants, the factors of a pass
 * and of the lowest levels, and the plan of the passes. The factors of the lowest four levels lie
 * in a table of their own, in the lane order that the shuffles give: for each pair of registers 16
 * factors and quotients of the len-2 nodes, 8 of the len-4, 4 of the len-8 and 2 of the len-16
 * nodes.
 */
#ifndef HEL_RING_NTT_PASS_AVX512_H
#define HEL_RING_NTT_PASS_AVX512_H

#include "host/ring/ntt_avx512.h"
#include "host/ring/simd_avx512.h"

#if defined(__AVX512F__)

#define BLOCK_WORDS 8192u /* below this the passes go level by level: 32 KiB stay in L1 */
#define SWEEP_WORDS 128u  /* eight registers */
#define PAIR_TABLE  64u   /* words of the leaf table per 32 words of data */

typedef struct consts {
    __m512i q, q2;
    const uint32_t *w, *ws;
    const uint32_t *leaf; /* factors of the lowest four levels, pair by pair */
    uint32_t first;       /* the node that begins them: N/128 */
} consts;

/* Factors of a pair's levels, spread over the lanes; quotients are needed in even lanes only. */
static inline __m512i spread2(__m512i line, int from)
{
    const __m512i i = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_epi32(_mm512_add_epi32(i, _mm512_set1_epi32(from)), line);
}

static inline __m512i spread4(__m512i line, int from)
{
    const __m512i i = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return _mm512_permutexvar_epi32(_mm512_add_epi32(i, _mm512_set1_epi32(from)), line);
}

static inline __m512i spread8(__m512i line, int from)
{
    const __m512i i = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    return _mm512_permutexvar_epi32(_mm512_add_epi32(i, _mm512_set1_epi32(from)), line);
}

/* Broadcast factors of the nodes of a radix-8 pass: k, 2k, 2k + 1, 4k .. 4k + 3. */
typedef struct factors {
    __m512i w[7], ws[7];
} factors;

static inline factors load_factors(uint32_t k, int nodes, const consts *c)
{
    static const uint8_t level[7] = {0, 1, 1, 2, 2, 2, 2}, place[7] = {0, 0, 1, 0, 1, 2, 3};
    factors f;
    HEL_UNROLL
    for (int i = 0; i < nodes; i++) {
        f.w[i] = v_set1(c->w[(k << level[i]) + place[i]]);
        f.ws[i] = v_set1(c->ws[(k << level[i]) + place[i]]);
    }
    return f;
}

/* Levels of the next pass towards the sweep: 3, or 2 while their number is no multiple of 3. */
static inline uint32_t pass_levels(uint32_t log_len)
{
    return (log_len - 7) % 3 ? 2 : 3;
}

static inline consts make_consts(const hel_ring *ring, const hel_limb *l, int inverse)
{
    const size_t table = PAIR_TABLE * (size_t)ring->n / 32;
    const uint32_t *leaf = (const uint32_t *)l->extra + (inverse ? table : 0);
    return (consts){
        .q = v_set1(l->q),
        .q2 = v_set1(2 * l->q),
        .w = inverse ? l->w_inv : l->w,
        .ws = inverse ? l->w_inv_shoup : l->w_shoup,
        .leaf = leaf,
        .first = ring->n / SWEEP_WORDS,
    };
}

#endif

#endif
