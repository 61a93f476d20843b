/*
 * Products of ciphertexts and with plaintexts, relinearization, and sums with plaintexts.
 *
 * (a0 + a1 s)(b0 + b1 s) = d0 + d1 s + d2 s^2. Relinearization adds the key switch of d2 from s^2
 * to s onto d0 and d1, which the backend does in its last pass. A product keeps its scale; who uses
 * it next rescales it (align.c). A rescale could be joined to the switch's division by P here.
 */
#include <math.h>
#include <string.h>

#include "host/ckks/evaluator.h"

#define RELINEARIZE 0u /* the element of the key for s^2 */

/* Items at a time, at least 1. */
static uint32_t tile_of(hel_ckks *c, uint32_t limbs, uint32_t batch)
{
    hel_stream *s = c->stream;
    const uint32_t tile = s->ops->tile ? s->ops->tile(s, c->context->basis, limbs) : 0;
    return tile && tile < batch ? tile : batch;
}

static hel_status switch_items(hel_ckks *c, const hel_view out[2], hel_view a, hel_key_view key,
                               uint32_t g, const hel_view *add0, const hel_view *add1)
{
    hel_stream *s = c->stream;
    const hel_basis *basis = c->context->basis;
    return s->ops->key_switch ? s->ops->key_switch(s, basis, out, a, key, g, add0, add1)
                              : hel_key_switch(s, basis, out, a, key, g, add0, add1);
}

hel_status hel_ckks_switch(hel_ckks *c, const hel_view out[2], hel_view a, hel_key_view key,
                           uint32_t g, const hel_view *add0, const hel_view *add1)
{
    const uint32_t batch = out[0].batch, tile = tile_of(c, a.limbs, batch);
    for (uint32_t first = 0; first < batch; first += tile) {
        const uint32_t count = batch - first < tile ? batch - first : tile;
        const hel_view to[2] = {hel_view_items(out[0], first, count),
                                hel_view_items(out[1], first, count)};
        const hel_view plus0 = add0 ? hel_view_items(*add0, first, count) : to[0];
        const hel_view plus1 = add1 ? hel_view_items(*add1, first, count) : to[1];
        HEL_TRY(switch_items(c, to, hel_view_items(a, first, count), key, g, add0 ? &plus0 : NULL,
                             add1 ? &plus1 : NULL));
    }
    return HEL_OK;
}

/* The key, if the ciphertext belongs to it. */
static hel_status relinearization_key(hel_ckks *c, const hel_ckks_cipher *a, hel_key_view *key)
{
    HEL_TRY(hel_ckks_find_key(c, RELINEARIZE, a->level, key, NULL));
    return hel_ckks_check_key(c, a, "relinearization");
}

/* ---- ciphertext times ciphertext ---- */

static hel_status multiply_aligned(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                                   const hel_ckks_cipher *b, int relinearize, const char *what)
{
    const hel_ckks_place place = out == a || out == b ? HEL_PLACE_OVER : HEL_PLACE_APART;
    const uint32_t level = a->level;
    hel_ckks_cipher want = *a;
    hel_key_view key = {0};
    hel_view d[3], va[2], vb[2], last = {0};
    hel_ckks_output o;
    HEL_TRY(hel_ckks_common_batch(c, a->batch, b->batch, &want.batch));
    if (relinearize)
        HEL_TRY(relinearization_key(c, a, &key));
    want.polys = relinearize ? 2 : 3;
    want.mixed |= b->mixed;
    want.scale = hel_scale_mul(a->scale, b->scale);
    want.bound = a->bound * b->bound;
    want.error =
        hel_ckks_error_product(a->bound * a->scale.hi, a->error, b->bound * b->scale.hi, b->error);
    if (relinearize)
        want.error = hypot(want.error, hel_ckks_error_switch(c->context, level));
    hel_status status = hel_ckks_output_start(c, &o, out, &want, level, place, what);
    const uint32_t limbs = c->context->params.limbs[level];
    const uint32_t tile = relinearize ? tile_of(c, limbs, want.batch) : want.batch;
    if (status == HEL_OK && relinearize)
        status = hel_ckks_scratch(c, &last, tile, limbs, limbs);
    for (uint32_t first = 0; status == HEL_OK && first < want.batch; first += tile) {
        const uint32_t count = want.batch - first < tile ? want.batch - first : tile;
        for (uint32_t p = 0; p < 2; p++) {
            d[p] = hel_view_items(hel_ckks_cipher_view(o.x, p, want.batch, level), first, count);
            va[p] = hel_view_items(hel_ckks_cipher_view(a, p, want.batch, level), first, count);
            vb[p] = hel_view_items(hel_ckks_cipher_view(b, p, want.batch, level), first, count);
        }
        d[2] = relinearize
                   ? hel_view_items(last, 0, count)
                   : hel_view_items(hel_ckks_cipher_view(o.x, 2, want.batch, level), first, count);
        status = c->stream->ops->tensor(c->stream, c->context->basis, d, va, vb);
        if (status == HEL_OK && relinearize)
            status = switch_items(c, d, d[2], key, 1, &d[0], &d[1]);
    }
    hel_ckks_scratch_free(c, last);
    return hel_ckks_output_end(c, &o, &want, status);
}

static hel_status multiply(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                           const hel_ckks_cipher *b, int relinearize)
{
    const char *what = "product";
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    HEL_TRY(hel_ckks_check_cipher(c, b, what));
    HEL_TRY(hel_ckks_check_pair(c, a, b, what));
    HEL_REQUIRE(c->engine, a->polys == 2 && b->polys == 2, HEL_E_USAGE,
                "%s: an operand has three polynomials: hel_ckks_relinearize() comes first", what);
    hel_ckks_cipher tmp_a = hel_ckks_local(c), tmp_b = hel_ckks_local(c);
    hel_status status = hel_ckks_align_pair(c, &a, &b, &tmp_a, &tmp_b, 1, what);
    if (status == HEL_OK)
        status = multiply_aligned(c, out, a, b, relinearize, what);
    hel_ckks_local_end(c, &tmp_a);
    hel_ckks_local_end(c, &tmp_b);
    return status;
}

hel_status hel_ckks_mul(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                        const hel_ckks_cipher *b)
{
    return hel_ckks_result(out, multiply(c, out, a, b, 1));
}

hel_status hel_ckks_square(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    return hel_ckks_result(out, multiply(c, out, a, a, 1));
}

hel_status hel_ckks_mul_lazy(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                             const hel_ckks_cipher *b)
{
    return hel_ckks_result(out, multiply(c, out, a, b, 0));
}

static hel_status relinearize(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    const char *what = "relinearization";
    hel_ckks_output o;
    hel_key_view key;
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    if (a->polys == 2)
        return hel_ckks_copy(c, out, a);
    HEL_TRY(relinearization_key(c, a, &key));
    hel_ckks_cipher want = *a;
    want.polys = 2;
    want.error = hypot(a->error, hel_ckks_error_switch(c->context, a->level));
    hel_status status = hel_ckks_output_start(c, &o, out, &want, a->level,
                                              out == a ? HEL_PLACE_AFTER : HEL_PLACE_APART, what);
    if (status == HEL_OK) {
        hel_view to[2], from[3];
        for (uint32_t p = 0; p < 3; p++)
            from[p] = hel_ckks_cipher_view(a, p, a->batch, a->level);
        for (uint32_t p = 0; p < 2; p++)
            to[p] = hel_ckks_cipher_view(o.x, p, a->batch, a->level);
        status = hel_ckks_switch(c, to, from[2], key, 1, &from[0], &from[1]);
    }
    return hel_ckks_output_end(c, &o, &want, status);
}

hel_status hel_ckks_relinearize(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    return hel_ckks_result(out, relinearize(c, out, a));
}

/* ---- with plaintexts ---- */

/* On |slot values|: what encoding saw; for a decrypted one, whose `bits` are assumed, far above any
 * message, the bound of its ciphertext. */
static double plain_bound(const hel_ckks_plain *b)
{
    const double log_bound = b->bits - hel_scale_log2(b->scale);
    return log_bound < 62 ? exp2(log_bound) : b->bound;
}

/* Rounding at encoding, and what a decrypted plaintext brought along. */
static double plain_error(const hel_ckks *c, const hel_ckks_plain *b)
{
    return hypot(b->error, hel_ckks_error_encode(c->context, b->log_slots));
}

static hel_status check_plain(hel_ckks *c, const hel_ckks_cipher *a, const hel_ckks_plain *b,
                              const char *what)
{
    HEL_TRY(hel_ckks_check_plain(c, b, what));
    HEL_REQUIRE(c->engine, a->log_slots == b->log_slots, HEL_E_MISMATCH,
                "%s: vectors of %u and of %u slots", what, 1u << a->log_slots, 1u << b->log_slots);
    return HEL_OK;
}

static hel_status check_plain_level(hel_ckks *c, const hel_ckks_cipher *a, const hel_ckks_plain *b,
                                    const char *what)
{
    HEL_REQUIRE(c->engine, b->level >= a->level, HEL_E_MISMATCH,
                "%s: the plaintext is encoded at level %u, the ciphertext has level %u", what,
                b->level, a->level);
    return HEL_OK;
}

static hel_status multiply_plain(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                                 const hel_ckks_plain *b, const char *what)
{
    hel_ckks_output o;
    hel_ckks_cipher want = *a;
    const double bound = plain_bound(b);
    HEL_TRY(check_plain_level(c, a, b, what));
    HEL_TRY(hel_ckks_common_batch(c, a->batch, b->batch, &want.batch));
    want.scale = hel_scale_mul(a->scale, b->scale);
    want.bound = a->bound * bound;
    want.mixed |= b->error > 0;
    want.error = hel_ckks_error_product(a->bound * a->scale.hi, a->error, bound * b->scale.hi,
                                        plain_error(c, b));
    hel_status status = hel_ckks_output_start(c, &o, out, &want, a->level,
                                              out == a ? HEL_PLACE_OVER : HEL_PLACE_APART, what);
    for (uint32_t p = 0; status == HEL_OK && p < a->polys; p++)
        status = c->stream->ops->mul(c->stream, c->context->basis,
                                     hel_ckks_cipher_view(o.x, p, want.batch, a->level),
                                     hel_ckks_cipher_view(a, p, want.batch, a->level),
                                     hel_ckks_plain_view(b, want.batch, a->level));
    return hel_ckks_output_end(c, &o, &want, status);
}

static hel_status mul_plain(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                            const hel_ckks_plain *b)
{
    const char *what = "product with a plaintext";
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    HEL_TRY(check_plain(c, a, b, what));
    hel_ckks_cipher tmp = hel_ckks_local(c);
    hel_status status = HEL_OK;
    if (c->alignment == HEL_CKKS_AUTO) {
        status = hel_ckks_settle(c, &a, &tmp, what);
        if (status == HEL_OK && a->level == 0)
            status = hel_fail(c->engine, HEL_E_USAGE,
                              "%s: the ciphertext is at level 0: no multiplication is left; more "
                              "depth is needed",
                              what);
    }
    if (status == HEL_OK)
        status = multiply_plain(c, out, a, b, what);
    hel_ckks_local_end(c, &tmp);
    return status;
}

hel_status hel_ckks_mul_plain(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                              const hel_ckks_plain *b)
{
    return hel_ckks_result(out, mul_plain(c, out, a, b));
}

/* out = a +- k b; the plaintext's scale times the integer k is a's. */
static hel_status sum_plain_aligned(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                                    const hel_ckks_plain *b, hel_scale k, int minus,
                                    const char *what)
{
    hel_stream *s = c->stream;
    const hel_basis *basis = c->context->basis;
    hel_ckks_output o;
    hel_ckks_cipher want = *a;
    const double bound = plain_bound(b);
    const double apart = hel_ckks_mismatch(hel_scale_mul(b->scale, k), a->scale);
    HEL_TRY(check_plain_level(c, a, b, what));
    HEL_TRY(hel_ckks_common_batch(c, a->batch, b->batch, &want.batch));
    want.bound = a->bound + bound;
    want.mixed |= b->error > 0;
    want.error = a->error + plain_error(c, b) * k.hi + apart * bound * a->scale.hi;
    hel_status status = hel_ckks_output_start(c, &o, out, &want, a->level,
                                              out == a ? HEL_PLACE_OVER : HEL_PLACE_APART, what);
    hel_view v = hel_ckks_plain_view(b, b->batch, a->level), scaled = {0};
    if (status == HEL_OK && k.hi != 1) {
        uint32_t residues[HEL_CKKS_PRIMES_MAX];
        hel_ckks_residues(c->context, k, v.limbs, residues);
        status = hel_ckks_scratch(c, &scaled, b->batch, v.limbs, v.limbs);
        if (status == HEL_OK)
            status = s->ops->mul_scalar(s, basis, scaled, v, residues);
        v = scaled;
    }
    if (b->batch == 1 && want.batch != 1)
        v.stride = 0;
    v.batch = want.batch;
    if (status == HEL_OK)
        status = (minus ? s->ops->sub
                        : s->ops->add)(s, basis, hel_ckks_cipher_view(o.x, 0, want.batch, a->level),
                                       hel_ckks_cipher_view(a, 0, want.batch, a->level), v);
    if (status == HEL_OK)
        status = hel_ckks_copy_polys(c, o.x, a, &want, 1);
    hel_ckks_scratch_free(c, scaled);
    return hel_ckks_output_end(c, &o, &want, status);
}

static hel_status sum_plain(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                            const hel_ckks_plain *b, int minus)
{
    const char *what = minus ? "difference with a plaintext" : "sum with a plaintext";
    hel_ckks_cipher tmp = hel_ckks_local(c);
    hel_scale k = hel_scale_of(1);
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    HEL_TRY(check_plain(c, a, b, what));
    int same = hel_ckks_same_scale(c, a->scale, b->scale) && b->level >= a->level;
    hel_status status = HEL_OK;
    /* A product takes a canonical plaintext of its own level times an integer, or meets one of a
     * level lower when it is rescaled. */
    if (!same && c->alignment == HEL_CKKS_AUTO) {
        same = b->level >= a->level && hel_ckks_integer_ratio(c, a->scale, b->scale, &k);
        if (!same) {
            k = hel_scale_of(1);
            status = hel_ckks_settle(c, &a, &tmp, what);
            same = status == HEL_OK && hel_ckks_same_scale(c, a->scale, b->scale);
        }
    }
    if (status == HEL_OK)
        status = same ? sum_plain_aligned(c, out, a, b, k, minus, what)
                      : hel_fail(c->engine, HEL_E_MISMATCH,
                                 "%s: the plaintext has scale 2^%.6f and level %u, the ciphertext "
                                 "2^%.6f and level %u",
                                 what, hel_scale_log2(b->scale), b->level, hel_scale_log2(a->scale),
                                 a->level);
    hel_ckks_local_end(c, &tmp);
    return status;
}

hel_status hel_ckks_add_plain(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                              const hel_ckks_plain *b)
{
    return hel_ckks_result(out, sum_plain(c, out, a, b, 0));
}

hel_status hel_ckks_sub_plain(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                              const hel_ckks_plain *b)
{
    return hel_ckks_result(out, sum_plain(c, out, a, b, 1));
}
