/*
 * The plain C twin: the definition that the vector twins must match bit for bit. Residues are
 * canonical at every interface; inside the transforms they are lazy, as the comments state.
 * Transform: Harvey, "Faster arithmetic for number-theoretic transforms", 2014.
 */
#include <assert.h>

#include "host/base/bytes.h"
#include "host/ring/ring_private.h"

/* Cooley-Tukey, values in [0, 4q) between stages (4q < 2^32). */
static void ntt_forward(const hel_ring *ring, const hel_limb *l, uint32_t *x)
{
    const uint32_t q = l->q, q2 = 2 * q, n = ring->n;
    for (uint32_t m = 1, t = n / 2; m < n; m *= 2, t /= 2)
        for (uint32_t i = 0; i < m; i++) {
            const uint32_t w = l->w[m + i], ws = l->w_shoup[m + i];
            uint32_t *a = x + 2 * (size_t)i * t, *b = a + t;
            for (uint32_t j = 0; j < t; j++) {
                uint32_t u = hel_mod_fold(a[j], q2);
                uint32_t v = hel_mod_mul_shoup_lazy(b[j], w, ws, q);
                a[j] = u + v;
                b[j] = u + q2 - v;
            }
        }
    for (uint32_t j = 0; j < n; j++)
        x[j] = hel_mod_fold(hel_mod_fold(x[j], q2), q);
}

/* Gentleman-Sande, values in [0, 2q) between stages; the last stage also divides by N. */
static void ntt_inverse(const hel_ring *ring, const hel_limb *l, uint32_t *x)
{
    const uint32_t q = l->q, q2 = 2 * q, n = ring->n;
    for (uint32_t m = n / 2, t = 1; m > 1; m /= 2, t *= 2)
        for (uint32_t i = 0; i < m; i++) {
            const uint32_t w = l->w_inv[m + i], ws = l->w_inv_shoup[m + i];
            uint32_t *a = x + 2 * (size_t)i * t, *b = a + t;
            for (uint32_t j = 0; j < t; j++) {
                uint32_t u = a[j], v = b[j];
                a[j] = hel_mod_fold(u + v, q2);
                b[j] = hel_mod_mul_shoup_lazy(u + q2 - v, w, ws, q);
            }
        }
    const uint32_t w = hel_mod_mul_shoup(l->w_inv[1], l->n_inv, l->n_inv_shoup, q);
    const uint32_t ws = hel_mod_shoup(w, q);
    for (uint32_t j = 0; j < n / 2; j++) {
        uint32_t u = x[j], v = x[j + n / 2];
        x[j] = hel_mod_mul_shoup(u + v, l->n_inv, l->n_inv_shoup, q);
        x[j + n / 2] = hel_mod_mul_shoup(u + q2 - v, w, ws, q);
    }
}

static void vec_add(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                    size_t n)
{
    const uint32_t q = l->q;
    for (size_t i = 0; i < n; i++)
        out[i] = hel_mod_add(a[i], b[i], q);
}

static void vec_sub(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                    size_t n)
{
    const uint32_t q = l->q;
    for (size_t i = 0; i < n; i++)
        out[i] = hel_mod_sub(a[i], b[i], q);
}

static void vec_mul(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                    size_t n)
{
    const uint32_t q = l->q, bits = l->bits;
    const uint64_t barrett = l->barrett;
    for (size_t i = 0; i < n; i++)
        out[i] = hel_mod_reduce((uint64_t)a[i] * b[i], q, barrett, bits);
}

/* (q-1)^2 + q-1 < q^2 < 2^(2 bits): one reduction is enough */
static void vec_mul_add(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                        size_t n)
{
    const uint32_t q = l->q, bits = l->bits;
    const uint64_t barrett = l->barrett;
    for (size_t i = 0; i < n; i++)
        out[i] = hel_mod_reduce((uint64_t)a[i] * b[i] + out[i], q, barrett, bits);
}

static void vec_mul_scalar(const hel_limb *l, uint32_t *out, const uint32_t *a, uint32_t s,
                           size_t n)
{
    const uint32_t q = l->q, ss = hel_mod_shoup(s, q);
    for (size_t i = 0; i < n; i++)
        out[i] = hel_mod_mul_shoup(a[i], s, ss, q);
}

static void vec_sub_mul_scalar(const hel_limb *l, uint32_t *out, const uint32_t *a,
                               const uint32_t *b, uint32_t s, size_t n)
{
    const uint32_t q = l->q, ss = hel_mod_shoup(s, q);
    for (size_t i = 0; i < n; i++)
        out[i] = hel_mod_mul_shoup(a[i] + q - b[i], s, ss, q);
}

/* 16 products below (2^30 - 1)^2 add up to less than 2^64 */
static void vec_dot(const hel_limb *l, uint32_t *out, const uint32_t *const *a,
                    const uint32_t *const *b, uint32_t terms, size_t n)
{
    assert(terms >= 1 && terms <= 16);
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = 0;
        for (uint32_t j = 0; j < terms; j++)
            sum += (uint64_t)a[j][i] * b[j][i];
        out[i] = hel_mod_reduce_sum(sum, l->q, l->barrett, l->bits, l->pow34);
    }
}

static void vec_dot2(const hel_limb *l, uint32_t *out0, uint32_t *out1, const uint32_t *const *a,
                     const uint32_t *const *b0, const uint32_t *const *b1, uint32_t terms, size_t n)
{
    assert(terms >= 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t sum0 = 0, sum1 = 0;
        for (uint32_t j = 0; j < terms; j++) {
            if (j >= 16 && j % 8 == 0) { /* room for eight more products */
                sum0 = hel_sum_fold(sum0, l->q);
                sum1 = hel_sum_fold(sum1, l->q);
            }
            sum0 += (uint64_t)a[j][i] * b0[j][i];
            sum1 += (uint64_t)a[j][i] * b1[j][i];
        }
        out0[i] = hel_mod_reduce_sum(sum0, l->q, l->barrett, l->bits, l->pow34);
        out1[i] = hel_mod_reduce_sum(sum1, l->q, l->barrett, l->bits, l->pow34);
    }
}

static void vec_tensor(const hel_limb *l, uint32_t *d0, uint32_t *d1, uint32_t *d2,
                       const uint32_t *a0, const uint32_t *a1, const uint32_t *b0,
                       const uint32_t *b1, size_t n)
{
    const uint32_t q = l->q, bits = l->bits;
    const uint64_t barrett = l->barrett;
    for (size_t i = 0; i < n; i++) {
        const uint64_t x0 = a0[i], x1 = a1[i], y0 = b0[i], y1 = b1[i];
        d0[i] = hel_mod_reduce(x0 * y0, q, barrett, bits);
        d1[i] = hel_mod_reduce_sum(x0 * y1 + x1 * y0, q, barrett, bits, l->pow34);
        d2[i] = hel_mod_reduce(x1 * y1, q, barrett, bits);
    }
}

static void vec_lift1(const hel_limb *to, const hel_limb *from, uint32_t *out, const uint32_t *a,
                      size_t n)
{
    const uint32_t q = to->q, p = from->q;
    for (size_t i = 0; i < n; i++)
        out[i] = hel_mod_lift(a[i], p, q);
}

/* Mixed radix with centred digits: a0' + q0 u', a0' = centred(a0), u' = centred((a1 - a0') / q0 mod
 * q1). Its absolute value is at most (q0-1)/2 + q0 (q1-1)/2 = (q0 q1 - 1)/2: no further step. */
static void vec_lift2(const hel_limb *const *to, uint32_t count, const hel_limb *from0,
                      const hel_limb *from1, uint32_t *const *out, const uint32_t *a0,
                      const uint32_t *a1, size_t n)
{
    const uint32_t q0 = from0->q, q1 = from1->q;
    const uint32_t inv = from1->q_inv[from0->index], inv_s = from1->q_inv_shoup[from0->index];
    for (uint32_t t = 0; t < count; t++) {
        const hel_lift2_target c = hel_lift2_constants(to[t], from0);
        uint32_t *o = out[t];
        for (size_t i = 0; i < n; i++) {
            uint32_t u = a1[i] + q1 - hel_mod_lift(a0[i], q0, q1);
            u = hel_mod_lift(hel_mod_mul_shoup(u, inv, inv_s, q1), q1, c.q);
            u = hel_mod_mul_shoup(u, c.q0, c.q0_shoup, c.q);
            o[i] = hel_mod_add(u, hel_mod_lift(a0[i], q0, c.q), c.q);
        }
    }
}

static void vec_drop(const hel_limb *l, const hel_limb *dropped, uint32_t *c, const uint32_t *d,
                     size_t n)
{
    const uint32_t q = l->q, p = dropped->q;
    const uint32_t inv = l->q_inv[dropped->index], inv_s = l->q_inv_shoup[dropped->index];
    for (size_t i = 0; i < n; i++)
        c[i] = hel_mod_mul_shoup(c[i] + q - hel_mod_lift(d[i], p, q), inv, inv_s, q);
}

/* A small signed v as unsigned is v or 2^32 - |v|; adding q wraps the latter to q - |v|. */
static void vec_embed(const hel_limb *l, uint32_t *out, const int8_t *m, uint32_t s,
                      const int8_t *e, size_t n)
{
    const uint32_t q = l->q, ss = hel_mod_shoup(s, q);
    for (size_t i = 0; i < n; i++) {
        uint32_t mu = (uint32_t)(int32_t)m[i], eu = (uint32_t)(int32_t)e[i];
        mu = hel_mod_mul_shoup(hel_min_u32(mu, mu + q), s, ss, q);
        out[i] = hel_mod_add(mu, hel_min_u32(eu, eu + q), q);
    }
}

static size_t uniform_accept(const hel_limb *l, uint32_t *out, const uint8_t *words, size_t n)
{
    const uint32_t mask = (uint32_t)(((uint64_t)1 << l->bits) - 1);
    size_t refused = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t v = hel_get_u32(words + 4 * i) & mask;
        refused += v >= l->q;
        out[i] = v < l->q ? v : HEL_UNIFORM_OPEN;
    }
    return refused;
}

static size_t uniform_wide(const hel_limb *l, uint32_t *out, const uint8_t *words, size_t n)
{
    const uint32_t per = hel_mod_shoup(1, l->q), limit = per * l->q; /* per = floor(2^32 / q) */
    size_t refused = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t w = hel_get_u32(words + 4 * i);
        refused += w >= limit;
        out[i] = w < limit ? hel_mod_mul_shoup(w, 1, per, l->q) : HEL_UNIFORM_OPEN;
    }
    return refused;
}

/* popcount(low) - popcount(high) = popcount(low) + popcount(~high) - 21; fixed sequence of steps */
static void cbd21(int8_t *out, const uint8_t *random, size_t n)
{
    const uint64_t low = ((uint64_t)1 << 21) - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (hel_get_u64(random + 8 * i) & (low | low << 21)) ^ low << 21;
        x -= x >> 1 & 0x5555555555555555u;
        x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
        x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
        out[i] = (int8_t)((int32_t)((x * 0x0101010101010101u) >> 56) - 21);
    }
}

static void permute(uint32_t *out, const uint32_t *in, const uint32_t *map, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[map[i]];
}

const hel_ring_ops *hel_ring_ops_portable(void)
{
    static const hel_ring_ops ops = {
        .name = "portable",
        .ntt_forward = ntt_forward,
        .ntt_inverse = ntt_inverse,
        .add = vec_add,
        .sub = vec_sub,
        .mul = vec_mul,
        .mul_add = vec_mul_add,
        .mul_scalar = vec_mul_scalar,
        .sub_mul_scalar = vec_sub_mul_scalar,
        .dot = vec_dot,
        .dot2 = vec_dot2,
        .tensor = vec_tensor,
        .convert = hel_convert_portable,
        .lift1 = vec_lift1,
        .lift2 = vec_lift2,
        .drop = vec_drop,
        .embed = vec_embed,
        .uniform_accept = uniform_accept,
        .uniform_wide = uniform_wide,
        .cbd21 = cbd21,
        .permute = permute,
    };
    return &ops;
}
