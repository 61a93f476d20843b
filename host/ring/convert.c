/*
 * Base conversion: its constants, the walk over blocks, and the plain C twin of one block. The
 * formula and its bounds are in convert.h.
 */
#include "host/base/mem.h"
#include "host/ring/convert.h"
#include "host/ring/ring_private.h"

static hel_status check_names(hel_engine *engine, const hel_ring *ring, const uint32_t *from,
                              uint32_t from_count, const uint32_t *to, uint32_t to_count)
{
    HEL_REQUIRE(engine, from_count >= 1 && from_count <= HEL_CONVERT_SOURCES, HEL_E_USAGE,
                "convert: %u sources, 1..%d are possible", from_count, HEL_CONVERT_SOURCES);
    HEL_REQUIRE(engine, to_count >= 1 && to_count <= HEL_LIMBS_LIMIT, HEL_E_USAGE,
                "convert: %u targets, 1..%d are possible", to_count, HEL_LIMBS_LIMIT);
    for (uint32_t k = 0; k < from_count; k++) {
        HEL_REQUIRE(engine, from[k] < ring->count, HEL_E_USAGE,
                    "convert: source limb %u, the ring has %u", from[k], ring->count);
        for (uint32_t j = 0; j < k; j++)
            HEL_REQUIRE(engine, from[j] != from[k], HEL_E_USAGE,
                        "convert: limb %u is a source twice", from[k]);
    }
    for (uint32_t t = 0; t < to_count; t++)
        HEL_REQUIRE(engine, to[t] < ring->count, HEL_E_USAGE,
                    "convert: target limb %u, the ring has %u", to[t], ring->count);
    return HEL_OK;
}

/* y, its quotient and the fraction's constant of source k. */
static void fill_source(hel_conversion *c, uint32_t k, uint64_t factor)
{
    const hel_limb *l = c->from[k];
    uint32_t y = hel_mod_reduce64(factor, l->q);
    for (uint32_t j = 0; j < c->from_count; j++)
        if (j != k)
            y = hel_mod_mul(y, l->q_inv[c->from[j]->index], l->q);
    c->y[k] = y;
    c->y_shoup[k] = hel_mod_shoup(y, l->q);
    c->fraction[k] = (uint32_t)l->barrett; /* the same number */
}

/* A target's weights: products of the sources before k times those after k. */
static void fill_target(const hel_conversion *c, uint32_t t)
{
    const uint32_t m = c->from_count, stride = c->to_count, q = c->to[t]->q;
    uint32_t *w = c->weight + t;
    uint32_t before = hel_mod_reduce64((uint64_t)1 << 32, q), after = 1;
    for (uint32_t k = 0; k < m; k++) {
        w[k * stride] = before;
        before = hel_mod_mul(before, c->from[k]->q % q, q);
    }
    w[m * stride] = hel_mod_sub(0, before, q);
    for (uint32_t k = m; k-- > 0;) {
        w[k * stride] = hel_mod_mul(w[k * stride], after, q);
        after = hel_mod_mul(after, c->from[k]->q % q, q);
    }
}

hel_status hel_conversion_create(hel_engine *engine, hel_conversion **out, const hel_ring *ring,
                                 const uint32_t *from, uint32_t from_count, const uint32_t *to,
                                 uint32_t to_count, const uint64_t *factor)
{
    hel_conversion *c = NULL;
    hel_status status;
    *out = NULL;
    HEL_TRY(check_names(engine, ring, from, from_count, to, to_count));
    HEL_TRY(hel_calloc(engine, &c, 1, sizeof *c));
    HEL_TRY_GOTO(hel_calloc(engine, &c->storage, to_count, (from_count + 1) * sizeof(uint32_t)),
                 fail);
    c->weight = c->storage;
    c->from_count = from_count;
    c->to_count = to_count;
    for (uint32_t k = 0; k < from_count; k++)
        c->from[k] = &ring->limb[from[k]];
    for (uint32_t k = 0; k < from_count; k++)
        fill_source(c, k, factor ? factor[k] : 1);
    for (uint32_t t = 0; t < to_count; t++) {
        c->to[t] = &ring->limb[to[t]];
        fill_target(c, t);
    }
    *out = c;
    return HEL_OK;
fail:
    hel_conversion_free(c);
    return status;
}

void hel_conversion_free(hel_conversion *c)
{
    if (!c)
        return;
    hel_free(c->storage);
    hel_free(c);
}

void hel_convert(const hel_ring *ring, const hel_conversion *c, const uint32_t *const *in,
                 uint32_t *const *out, size_t n)
{
    const uint32_t *a[HEL_CONVERT_SOURCES];
    uint32_t *o[HEL_LIMBS_LIMIT];
    for (size_t i = 0; i < n; i += HEL_CONVERT_BLOCK) {
        for (uint32_t k = 0; k < c->from_count; k++)
            a[k] = in[k] + i;
        for (uint32_t t = 0; t < c->to_count; t++)
            o[t] = out[t] ? out[t] + i : NULL;
        ring->ops->convert(c, a, o, n - i < HEL_CONVERT_BLOCK ? n - i : HEL_CONVERT_BLOCK);
    }
}

/* ---- portable ---- */

#define WIDTH 16 /* coefficients at a time */

/* y of every source, then v, of 16 coefficients. */
static void digits(const hel_conversion *c, const uint32_t *const *in, size_t at,
                   uint32_t y[][WIDTH])
{
    uint32_t sum[WIDTH] = {0};
    for (uint32_t k = 0; k < c->from_count; k++) {
        const hel_limb *l = c->from[k];
        for (uint32_t i = 0; i < WIDTH; i++) {
            y[k][i] = hel_mod_mul_shoup(in[k][at + i], c->y[k], c->y_shoup[k], l->q);
            sum[i] += (uint32_t)(((uint64_t)y[k][i] * c->fraction[k]) >> (l->bits + 5));
        }
    }
    for (uint32_t i = 0; i < WIDTH; i++)
        y[c->from_count][i] = (sum[i] + (1u << 25)) >> 26;
}

void hel_convert_portable(const hel_conversion *c, const uint32_t *const *in, uint32_t *const *out,
                          size_t n)
{
    const uint32_t m = c->from_count;
    uint32_t y[HEL_CONVERT_SOURCES + 1][WIDTH];
    for (size_t at = 0; at < n; at += WIDTH) {
        digits(c, in, at, y);
        for (uint32_t t = 0; t < c->to_count; t++) {
            const uint32_t *w = c->weight + t, stride = c->to_count, q = c->to[t]->q;
            uint64_t sum[WIDTH];
            if (!out[t])
                continue;
            for (uint32_t i = 0; i < WIDTH; i++)
                sum[i] = (uint64_t)y[m][i] * w[m * stride];
            for (uint32_t k = 0; k < m; k++) {
                if (k >= 16 && k % 8 == 0)
                    for (uint32_t i = 0; i < WIDTH; i++)
                        sum[i] = hel_sum_fold(sum[i], q);
                for (uint32_t i = 0; i < WIDTH; i++)
                    sum[i] += (uint64_t)y[k][i] * w[k * stride];
            }
            for (uint32_t i = 0; i < WIDTH; i++)
                out[t][at + i] = hel_mod_redc(sum[i], q, c->to[t]->word_inv);
        }
    }
}
