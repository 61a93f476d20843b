/*
 * The AVX2 twin: element-wise operations, eight residues at a time, and its table. The figure
 * before a function counts vector instructions per 8 words without loads and stores.
 */
#include "host/ring/ring.h"

#if defined(__AVX2__) /* set by the build for this file, on x86-64 only */

#include "host/ring/ntt_avx2.h"
#include "host/ring/ring_private.h"
#include "host/ring/simd_avx2.h"

/* 3 */
static void vec_add(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                    size_t n)
{
    const __m256i q = v_set1(l->q);
    for (size_t i = 0; i < n; i += 8)
        v_store(out + i, v_fold(_mm256_add_epi32(v_load(a + i), v_load(b + i)), q));
}

/* 3 */
static void vec_sub(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                    size_t n)
{
    const __m256i q = v_set1(l->q);
    for (size_t i = 0; i < n; i += 8)
        v_store(out + i, v_unwrap(_mm256_sub_epi32(v_load(a + i), v_load(b + i)), q));
}

/* 10 */
static void vec_mul_scalar(const hel_limb *l, uint32_t *out, const uint32_t *a, uint32_t s,
                           size_t n)
{
    const __m256i q = v_set1(l->q), w = v_set1(s), ws = v_set1(hel_mod_shoup(s, l->q));
    for (size_t i = 0; i < n; i += 8)
        v_store(out + i, v_fold(v_shoup(v_load(a + i), w, ws, q), q));
}

/* 12 */
static void vec_sub_mul_scalar(const hel_limb *l, uint32_t *out, const uint32_t *a,
                               const uint32_t *b, uint32_t s, size_t n)
{
    const __m256i q = v_set1(l->q), w = v_set1(s), ws = v_set1(hel_mod_shoup(s, l->q));
    for (size_t i = 0; i < n; i += 8) {
        __m256i d = _mm256_sub_epi32(_mm256_add_epi32(v_load(a + i), q), v_load(b + i));
        v_store(out + i, v_fold(v_shoup(d, w, ws, q), q));
    }
}

/* 5; hel_mod_lift */
static inline __m256i lift(__m256i a, __m256i half, __m256i from, __m256i to)
{
    return v_unwrap(v_centre(a, half, from), to);
}

static void vec_lift1(const hel_limb *to, const hel_limb *from, uint32_t *out, const uint32_t *a,
                      size_t n)
{
    const __m256i q = v_set1(to->q), p = v_set1(from->q), half = v_set1((from->q - 1) / 2);
    for (size_t i = 0; i < n; i += 8)
        v_store(out + i, lift(v_load(a + i), half, p, q));
}

/* 23 and 17 per target. Four targets share the digits of one sweep over a0 and a1. */
static inline __attribute__((always_inline)) void
lift2_group(const hel_limb *const *to, uint32_t count, const hel_limb *from0, const hel_limb *from1,
            uint32_t *const *out, const uint32_t *a0, const uint32_t *a1, size_t n)
{
    const uint32_t inv = from1->q_inv[from0->index], inv_s = from1->q_inv_shoup[from0->index];
    const __m256i p0 = v_set1(from0->q), half0 = v_set1((from0->q - 1) / 2);
    const __m256i p1 = v_set1(from1->q), half1 = v_set1((from1->q - 1) / 2);
    const __m256i w = v_set1(inv), ws = v_set1(inv_s);
    __m256i q[4], r[4], rs[4]; /* of the targets; q0 modulo q with its quotient */
    uint32_t *o[4];
    HEL_UNROLL
    for (uint32_t t = 0; t < count; t++) {
        const hel_lift2_target c = hel_lift2_constants(to[t], from0);
        q[t] = v_set1(c.q);
        r[t] = v_set1(c.q0);
        rs[t] = v_set1(c.q0_shoup);
        o[t] = out[t];
    }
    for (size_t i = 0; i < n; i += 8) {
        __m256i x = v_centre(v_load(a0 + i), half0, p0);
        __m256i u = _mm256_add_epi32(v_load(a1 + i), p1);
        u = _mm256_sub_epi32(u, v_unwrap(x, p1));
        u = v_centre(v_fold(v_shoup(u, w, ws, p1), p1), half1, p1);
        HEL_UNROLL
        for (uint32_t t = 0; t < count; t++) {
            __m256i y = v_shoup(v_unwrap(u, q[t]), r[t], rs[t], q[t]);
            y = _mm256_add_epi32(v_fold(y, q[t]), v_unwrap(x, q[t]));
            v_store(o[t] + i, v_fold(y, q[t]));
        }
    }
}

static void vec_lift2(const hel_limb *const *to, uint32_t count, const hel_limb *from0,
                      const hel_limb *from1, uint32_t *const *out, const uint32_t *a0,
                      const uint32_t *a1, size_t n)
{
    for (; count >= 4; count -= 4, to += 4, out += 4)
        lift2_group(to, 4, from0, from1, out, a0, a1, n);
    for (; count >= 2; count -= 2, to += 2, out += 2)
        lift2_group(to, 2, from0, from1, out, a0, a1, n);
    if (count)
        lift2_group(to, 1, from0, from1, out, a0, a1, n);
}

/* 17 */
static void vec_drop(const hel_limb *l, const hel_limb *dropped, uint32_t *c, const uint32_t *d,
                     size_t n)
{
    const __m256i q = v_set1(l->q), p = v_set1(dropped->q), half = v_set1((dropped->q - 1) / 2);
    const __m256i w = v_set1(l->q_inv[dropped->index]);
    const __m256i ws = v_set1(l->q_inv_shoup[dropped->index]);
    for (size_t i = 0; i < n; i += 8) {
        __m256i t = lift(v_load(d + i), half, p, q);
        t = _mm256_sub_epi32(_mm256_add_epi32(v_load(c + i), q), t);
        v_store(c + i, v_fold(v_shoup(t, w, ws, q), q));
    }
}

static inline __m256i load_signed(const int8_t *p, __m256i q)
{
    return v_unwrap(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)), q);
}

/* 19 */
static void vec_embed(const hel_limb *l, uint32_t *out, const int8_t *m, uint32_t s,
                      const int8_t *e, size_t n)
{
    const __m256i q = v_set1(l->q), w = v_set1(s), ws = v_set1(hel_mod_shoup(s, l->q));
    for (size_t i = 0; i < n; i += 8) {
        __m256i x = v_fold(v_shoup(load_signed(m + i, q), w, ws, q), q);
        v_store(out + i, v_fold(_mm256_add_epi32(x, load_signed(e + i, q)), q));
    }
}

/* 3, and a count of mask bits; HEL_UNIFORM_OPEN is all ones, as the mask of a refused lane is */
static size_t uniform_accept(const hel_limb *l, uint32_t *out, const uint8_t *words, size_t n)
{
    const __m256i top = v_set1(l->q - 1);
    const __m256i mask = v_set1((uint32_t)(((uint64_t)1 << l->bits) - 1));
    size_t refused = 0;
    for (size_t i = 0; i < n; i += 8) {
        __m256i v = _mm256_and_si256(v_load(words + 4 * i), mask);
        __m256i bad = _mm256_cmpgt_epi32(v, top);
        v_store(out + i, _mm256_or_si256(v, bad));
        refused +=
            (size_t)__builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(bad)));
    }
    return refused;
}

/* 12, and a count of mask bits; w >= limit where the larger of both is w */
static size_t uniform_wide(const hel_limb *l, uint32_t *out, const uint8_t *words, size_t n)
{
    const uint32_t per = hel_mod_shoup(1, l->q);
    const __m256i q = v_set1(l->q), one = v_set1(1), ws = v_set1(per), limit = v_set1(per * l->q);
    size_t refused = 0;
    for (size_t i = 0; i < n; i += 8) {
        __m256i w = v_load(words + 4 * i), r = v_fold(v_shoup(w, one, ws, q), q);
        __m256i bad = _mm256_cmpeq_epi32(_mm256_max_epu32(w, limit), w);
        v_store(out + i, _mm256_or_si256(r, bad));
        refused +=
            (size_t)__builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(bad)));
    }
    return refused;
}

/* Eight bit counts in [0, 42], one per 64-bit lane of two registers, as bytes less 21. */
static inline __m256i count_bits(__m256i x, __m256i table)
{
    const __m256i half = _mm256_set1_epi8(15);
    __m256i c0 = _mm256_shuffle_epi8(table, _mm256_and_si256(x, half));
    __m256i c1 = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi64(x, 4), half));
    return _mm256_sad_epu8(_mm256_add_epi8(c0, c1), _mm256_setzero_si256());
}

/* popcount(low) + popcount(~high) - 21 with half-byte tables held in a register: no memory access
 * depends on the bits */
static void cbd21(int8_t *out, const uint8_t *random, size_t n)
{
    const int64_t low = ((int64_t)1 << 21) - 1;
    const __m256i keep = _mm256_set1_epi64x(low | low << 21);
    const __m256i flip = _mm256_set1_epi64x(low << 21), centre21 = _mm256_set1_epi64x(21);
    const __m256i table =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    for (size_t i = 0; i < n; i += 4) {
        __m256i x = _mm256_and_si256(v_load(random + 8 * i), keep);
        __m256i c = _mm256_sub_epi64(count_bits(_mm256_xor_si256(x, flip), table), centre21);
        __m128i lo = _mm256_castsi256_si128(c), hi = _mm256_extracti128_si256(c, 1);
        lo = _mm_packs_epi32(_mm_shuffle_epi32(lo, 0x08), _mm_shuffle_epi32(hi, 0x08));
        lo = _mm_shuffle_epi32(lo, 0x08); /* four words of 16 bits, in order */
        lo = _mm_packs_epi16(lo, lo);
        _mm_storeu_si32(out + i, lo);
    }
}

/* 1: eight words stay together (automorph.c); vpermd looks at the lowest three bits only */
static void permute(uint32_t *out, const uint32_t *in, const uint32_t *map, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        const uint32_t *run = in + (map[i] & ~7u);
        v_store(out + i, _mm256_permutevar8x32_epi32(v_load(run), v_load(map + i)));
    }
}

const hel_ring_ops *hel_ring_ops_avx2(void)
{
    static const hel_ring_ops ops = {
        .name = "avx2",
        .ntt_forward = hel_ntt_forward_avx2,
        .ntt_inverse = hel_ntt_inverse_avx2,
        .add = vec_add,
        .sub = vec_sub,
        .mul = hel_mul_avx2,
        .mul_add = hel_mul_add_avx2,
        .mul_scalar = vec_mul_scalar,
        .sub_mul_scalar = vec_sub_mul_scalar,
        .dot = hel_dot_avx2,
        .dot2 = hel_dot2_avx2,
        .tensor = hel_tensor_words_avx2,
        .convert = hel_convert_avx2,
        .lift1 = vec_lift1,
        .lift2 = vec_lift2,
        .drop = vec_drop,
        .embed = vec_embed,
        .uniform_accept = uniform_accept,
        .uniform_wide = uniform_wide,
        .cbd21 = cbd21,
        .permute = permute,
        .extra_bytes = hel_ntt_extra_bytes_avx2,
        .extra_fill = hel_ntt_extra_fill_avx2,
    };
    return &ops;
}

#else

const hel_ring_ops *hel_ring_ops_avx2(void)
{
    return NULL;
}

#endif
