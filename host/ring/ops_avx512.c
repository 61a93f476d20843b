/*
 * The AVX-512 twin: element-wise operations, sixteen residues at a time, and its table. The figure
 * before a function counts vector instructions per 16 words without loads and stores; four of them
 * retire per cycle at best, so that up to about 16 hide behind the memory traffic of three vectors
 * out of the second-level cache.
 */
#include "host/ring/ring.h"

#if defined(__AVX512F__) /* set by the build for this file, on x86-64 only */

#include "host/ring/ntt_avx512.h"
#include "host/ring/ring_private.h"
#include "host/ring/simd_avx512.h"

/* 3 */
static void vec_add(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                    size_t n)
{
    const __m512i q = v_set1(l->q);
    for (size_t i = 0; i < n; i += 16)
        v_store(out + i, v_fold(_mm512_add_epi32(v_load(a + i), v_load(b + i)), q));
}

/* 3 */
static void vec_sub(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                    size_t n)
{
    const __m512i q = v_set1(l->q);
    for (size_t i = 0; i < n; i += 16)
        v_store(out + i, v_unwrap(_mm512_sub_epi32(v_load(a + i), v_load(b + i)), q));
}

/* 9 */
static void vec_mul_scalar(const hel_limb *l, uint32_t *out, const uint32_t *a, uint32_t s,
                           size_t n)
{
    const __m512i q = v_set1(l->q), w = v_set1(s), ws = v_set1(hel_mod_shoup(s, l->q));
    for (size_t i = 0; i < n; i += 16)
        v_store(out + i, v_fold(v_shoup(v_load(a + i), w, ws, q), q));
}

/* 11 */
static void vec_sub_mul_scalar(const hel_limb *l, uint32_t *out, const uint32_t *a,
                               const uint32_t *b, uint32_t s, size_t n)
{
    const __m512i q = v_set1(l->q), w = v_set1(s), ws = v_set1(hel_mod_shoup(s, l->q));
    for (size_t i = 0; i < n; i += 16) {
        __m512i d = _mm512_sub_epi32(_mm512_add_epi32(v_load(a + i), q), v_load(b + i));
        v_store(out + i, v_fold(v_shoup(d, w, ws, q), q));
    }
}

/* 4; hel_mod_lift */
static inline __m512i lift(__m512i a, __m512i half, __m512i from, __m512i to)
{
    return v_unwrap(v_centre(a, half, from), to);
}

static void vec_lift1(const hel_limb *to, const hel_limb *from, uint32_t *out, const uint32_t *a,
                      size_t n)
{
    const __m512i q = v_set1(to->q), p = v_set1(from->q), half = v_set1((from->q - 1) / 2);
    for (size_t i = 0; i < n; i += 16)
        v_store(out + i, lift(v_load(a + i), half, p, q));
}

/* What a two-limb lift needs of its sources, and the digits of 16 coefficients. */
typedef struct lift2_source {
    const uint32_t *a0, *a1;
    __m512i p0, half0, p1, half1, w, ws; /* w: 1/q0 modulo q1 */
} lift2_source;

typedef struct lift2_digits {
    __m512i x, u; /* centred, as wrapped words */
} lift2_digits;

/* 17 */
static inline lift2_digits find_digits(const lift2_source *f, size_t i)
{
    lift2_digits d;
    __m512i x = v_load(f->a0 + i), u = _mm512_add_epi32(v_load(f->a1 + i), f->p1);
    d.x = v_centre(x, f->half0, f->p0);
    u = _mm512_sub_epi32(u, v_unwrap(d.x, f->p1));
    u = v_fold(v_shoup(u, f->w, f->ws, f->p1), f->p1);
    d.u = v_centre(u, f->half1, f->p1);
    return d;
}

/* 16 per target. The digits of the next 16 coefficients are under way while the targets of the
 * present ones are computed: one chain after the other would leave the core idle. */
static inline __attribute__((always_inline)) void
lift2_group(const hel_limb *const *to, uint32_t count, const hel_limb *from0, const hel_limb *from1,
            uint32_t *const *out, const uint32_t *a0, const uint32_t *a1, size_t n)
{
    const lift2_source f = {a0,
                            a1,
                            v_set1(from0->q),
                            v_set1((from0->q - 1) / 2),
                            v_set1(from1->q),
                            v_set1((from1->q - 1) / 2),
                            v_set1(from1->q_inv[from0->index]),
                            v_set1(from1->q_inv_shoup[from0->index])};
    __m512i q[4], r[4], rs[4]; /* of the targets; q0 modulo q with its quotient */
    uint32_t *o[4];
    if (n == 0)
        return;
    HEL_UNROLL
    for (uint32_t t = 0; t < count; t++) {
        const hel_lift2_target c = hel_lift2_constants(to[t], from0);
        q[t] = v_set1(c.q);
        r[t] = v_set1(c.q0);
        rs[t] = v_set1(c.q0_shoup);
        o[t] = out[t];
    }
    lift2_digits d = find_digits(&f, 0);
    for (size_t i = 0; i < n; i += 16) {
        const lift2_digits next = find_digits(&f, i + 16 < n ? i + 16 : i);
        HEL_UNROLL
        for (uint32_t t = 0; t < count; t++) {
            __m512i y = v_shoup(v_unwrap(d.u, q[t]), r[t], rs[t], q[t]);
            y = _mm512_add_epi32(v_fold(y, q[t]), v_unwrap(d.x, q[t]));
            v_store(o[t] + i, v_fold(y, q[t]));
        }
        d = next;
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

/* 15 */
static void vec_drop(const hel_limb *l, const hel_limb *dropped, uint32_t *c, const uint32_t *d,
                     size_t n)
{
    const __m512i q = v_set1(l->q), p = v_set1(dropped->q), half = v_set1((dropped->q - 1) / 2);
    const __m512i w = v_set1(l->q_inv[dropped->index]);
    const __m512i ws = v_set1(l->q_inv_shoup[dropped->index]);
    for (size_t i = 0; i < n; i += 16) {
        __m512i t = lift(v_load(d + i), half, p, q);
        t = _mm512_sub_epi32(_mm512_add_epi32(v_load(c + i), q), t);
        v_store(c + i, v_fold(v_shoup(t, w, ws, q), q));
    }
}

static inline __m512i load_signed(const int8_t *p, __m512i q)
{
    return v_unwrap(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), q);
}

/* 18 */
static void vec_embed(const hel_limb *l, uint32_t *out, const int8_t *m, uint32_t s,
                      const int8_t *e, size_t n)
{
    const __m512i q = v_set1(l->q), w = v_set1(s), ws = v_set1(hel_mod_shoup(s, l->q));
    for (size_t i = 0; i < n; i += 16) {
        __m512i x = v_fold(v_shoup(load_signed(m + i, q), w, ws, q), q);
        v_store(out + i, v_fold(_mm512_add_epi32(x, load_signed(e + i, q)), q));
    }
}

/* 3, and a count of mask bits */
static size_t uniform_accept(const hel_limb *l, uint32_t *out, const uint8_t *words, size_t n)
{
    const __m512i q = v_set1(l->q), open = v_set1(HEL_UNIFORM_OPEN);
    const __m512i mask = v_set1((uint32_t)(((uint64_t)1 << l->bits) - 1));
    size_t refused = 0;
    for (size_t i = 0; i < n; i += 16) {
        __m512i v = _mm512_and_si512(v_load(words + 4 * i), mask);
        __mmask16 bad = _mm512_cmpge_epu32_mask(v, q);
        v_store(out + i, _mm512_mask_mov_epi32(v, bad, open));
        refused += (size_t)__builtin_popcount(bad);
    }
    return refused;
}

/* 10, and a count of mask bits */
static size_t uniform_wide(const hel_limb *l, uint32_t *out, const uint8_t *words, size_t n)
{
    const uint32_t per = hel_mod_shoup(1, l->q);
    const __m512i q = v_set1(l->q), one = v_set1(1), ws = v_set1(per), limit = v_set1(per * l->q);
    const __m512i open = v_set1(HEL_UNIFORM_OPEN);
    size_t refused = 0;
    for (size_t i = 0; i < n; i += 16) {
        __m512i w = v_load(words + 4 * i), r = v_fold(v_shoup(w, one, ws, q), q);
        __mmask16 bad = _mm512_cmpge_epu32_mask(w, limit);
        v_store(out + i, _mm512_mask_mov_epi32(r, bad, open));
        refused += (size_t)__builtin_popcount(bad);
    }
    return refused;
}

/* popcount(low) + popcount(~high) - 21 with half-byte tables held in a register: no memory access
 * depends on the bits */
static void cbd21(int8_t *out, const uint8_t *random, size_t n)
{
    const int64_t low = ((int64_t)1 << 21) - 1;
    const __m512i keep = _mm512_set1_epi64(low | low << 21), flip = _mm512_set1_epi64(low << 21);
    const __m512i half = _mm512_set1_epi8(15), centre = _mm512_set1_epi64(21);
    const __m512i table =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    for (size_t i = 0; i < n; i += 8) {
        __m512i x = _mm512_xor_si512(_mm512_and_si512(v_load(random + 8 * i), keep), flip);
        __m512i c0 = _mm512_shuffle_epi8(table, _mm512_and_si512(x, half));
        __m512i c1 = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi64(x, 4), half));
        __m512i sum = _mm512_sad_epu8(_mm512_add_epi8(c0, c1), _mm512_setzero_si512());
        _mm_storel_epi64((__m128i *)(void *)(out + i),
                         _mm512_cvtepi64_epi8(_mm512_sub_epi64(sum, centre)));
    }
}

/* 1: sixteen words stay together (automorph.c); vpermd looks at the lowest four bits only */
static void permute(uint32_t *out, const uint32_t *in, const uint32_t *map, size_t n)
{
    for (size_t i = 0; i < n; i += 16) {
        const uint32_t *run = in + (map[i] & ~15u);
        v_store(out + i, _mm512_permutexvar_epi32(v_load(map + i), v_load(run)));
    }
}

const hel_ring_ops *hel_ring_ops_avx512(void)
{
    static const hel_ring_ops ops = {
        .name = "avx512",
        .ntt_forward = hel_ntt_forward_avx512,
        .ntt_inverse = hel_ntt_inverse_avx512,
        .add = vec_add,
        .sub = vec_sub,
        .mul = hel_mul_avx512,
        .mul_add = hel_mul_add_avx512,
        .mul_scalar = vec_mul_scalar,
        .sub_mul_scalar = vec_sub_mul_scalar,
        .dot = hel_dot_avx512,
        .dot2 = hel_dot2_avx512,
        .tensor = hel_tensor_words_avx512,
        .convert = hel_convert_avx512,
        .lift1 = vec_lift1,
        .lift2 = vec_lift2,
        .drop = vec_drop,
        .embed = vec_embed,
        .uniform_accept = uniform_accept,
        .uniform_wide = uniform_wide,
        .cbd21 = cbd21,
        .permute = permute,
        .extra_bytes = hel_ntt_extra_bytes_avx512,
        .extra_fill = hel_ntt_extra_fill_avx512,
    };
    return &ops;
}

#else

const hel_ring_ops *hel_ring_ops_avx512(void)
{
    return NULL;
}

#endif
