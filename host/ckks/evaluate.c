/*
 * Evaluation: the frame of every operation (checks, outputs that are inputs, descriptions), and
 * sums, differences, negation, copies. Levels and scales: align.c. Products: multiply.c.
 *
 * An operation computes its result's description first (`want`, a ciphertext without data), makes
 * room, calls the backend, and puts the description on the output at the very end, so that inputs
 * keep theirs while they are read and a failure leaves nothing that looks like a message.
 */
#include <math.h>
#include <string.h>

#include "host/ckks/evaluator.h"

/* ---- the frame ---- */

hel_ckks_cipher hel_ckks_local(const hel_ckks *c)
{
    return (hel_ckks_cipher){.context = c->context};
}

void hel_ckks_local_end(hel_ckks *c, hel_ckks_cipher *x)
{
    c->stream->ops->release(c->stream, x->data);
    *x = hel_ckks_local(c);
}

hel_status hel_ckks_begin(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                          const char *what)
{
    hel_error_clear(c->engine);
    HEL_REQUIRE(c->engine, out, HEL_E_USAGE, "%s: no output", what);
    return hel_ckks_check_cipher(c, a, what);
}

hel_status hel_ckks_result(hel_ckks_cipher *out, hel_status status)
{
    if (status != HEL_OK && out)
        out->valid = 0;
    return status;
}

hel_status hel_ckks_check_key(hel_ckks *c, const hel_ckks_cipher *a, const char *what)
{
    HEL_REQUIRE(c->engine, memcmp(a->key_id, c->keys->key_id, sizeof a->key_id) == 0,
                HEL_E_MISMATCH,
                "%s: the evaluation keys belong to another secret key than the ciphertext", what);
    return HEL_OK;
}

hel_status hel_ckks_check_pair(hel_ckks *c, const hel_ckks_cipher *a, const hel_ckks_cipher *b,
                               const char *what)
{
    HEL_REQUIRE(c->engine, a->log_slots == b->log_slots, HEL_E_MISMATCH,
                "%s: vectors of %u and of %u slots", what, 1u << a->log_slots, 1u << b->log_slots);
    HEL_REQUIRE(c->engine, memcmp(a->key_id, b->key_id, sizeof a->key_id) == 0, HEL_E_MISMATCH,
                "%s: the ciphertexts belong to different secret keys", what);
    return HEL_OK;
}

/* A message and its error must stay between -Q/2 and Q/2: coefficients are no larger than slots. */
static hel_status check_fits(hel_ckks *c, const hel_ckks_cipher *want, const char *what)
{
    const double room = c->context->log_q[c->context->params.limbs[want->level]] - 1;
    const double scale = hel_scale_log2(want->scale);
    const double values = log2(want->bound + want->error / want->scale.hi);
    HEL_REQUIRE(c->engine, scale + values <= room, HEL_E_USAGE,
                "%s: values up to %.3g at scale 2^%.2f need 2^%.2f, but level %u holds 2^%.2f; "
                "hel_ckks_cipher_set_bound() tells of smaller values",
                what, want->bound, scale, scale + values, want->level, room);
    return HEL_OK;
}

/* Shapes an object without data; `own`: the stream's memory, else that of objects. */
static hel_status shape_spare(hel_ckks *c, hel_ckks_cipher *x, const hel_ckks_cipher *want,
                              uint32_t level, size_t words, int own)
{
    x->batch = want->batch;
    x->polys = want->polys;
    x->level = level;
    x->log_slots = want->log_slots;
    x->capacity = c->context->params.limbs[level];
    x->words = words;
    return own ? c->stream->ops->alloc(c->stream, &x->data, words * sizeof *x->data)
               : hel_ckks_memory(c, &x->data, words);
}

hel_status hel_ckks_output_start(hel_ckks *c, hel_ckks_output *o, hel_ckks_cipher *out,
                                 const hel_ckks_cipher *want, uint32_t level, hel_ckks_place place,
                                 const char *what)
{
    const uint32_t limbs = c->context->params.limbs[level];
    const size_t words = (size_t)want->batch * want->polys * limbs * c->context->n;
    *o = (hel_ckks_output){.caller = out, .x = out, .spare = hel_ckks_local(c)};
    HEL_TRY(check_fits(c, want, what));
    if (place == HEL_PLACE_LOCAL)
        return shape_spare(c, out, want, level, words, 1);
    if (place == HEL_PLACE_APART)
        return hel_ckks_cipher_shape(c, out, want->batch, want->polys, level, want->log_slots);
    if (place == HEL_PLACE_OVER && out->batch == want->batch && out->polys == want->polys &&
        out->capacity >= limbs)
        return HEL_OK;
    /* Equal sizes change places, so that neither memory grows at the other's cost. */
    o->x = &o->spare;
    o->swaps = words <= out->words;
    return shape_spare(c, o->x, want, level, o->swaps ? out->words : words, o->swaps);
}

/* The spare object's memory becomes the caller's. */
static hel_status move_spare(hel_ckks *c, hel_ckks_output *o)
{
    hel_ckks_cipher *out = o->caller;
    if (o->swaps) {
        c->stream->ops->release(c->stream, out->data);
    } else {
        HEL_TRY(c->stream->ops->sync(c->stream)); /* the old data may still be read */
        hel_ckks_memory_free(c->context, out->data, 0);
    }
    out->data = o->spare.data;
    out->words = o->spare.words;
    out->capacity = o->spare.capacity;
    o->spare = hel_ckks_local(c);
    return HEL_OK;
}

hel_status hel_ckks_output_end(hel_ckks *c, hel_ckks_output *o, const hel_ckks_cipher *want,
                               hel_status status)
{
    hel_ckks_cipher *out = o->caller;
    if (status == HEL_OK && o->x == &o->spare)
        status = move_spare(c, o);
    if (status != HEL_OK) {
        if (o->swaps)
            c->stream->ops->release(c->stream, o->spare.data);
        else
            hel_ckks_memory_free(c->context, o->spare.data, 0);
        out->valid = 0;
        return status;
    }
    out->batch = want->batch;
    out->polys = want->polys;
    out->level = want->level;
    out->log_slots = want->log_slots;
    out->scale = want->scale;
    out->error = want->error;
    out->bound = want->bound;
    out->mixed = want->mixed;
    memmove(out->key_id, want->key_id, sizeof out->key_id);
    out->seeded = 0;
    out->valid = 1;
    return HEL_OK;
}

hel_view hel_ckks_flat(const hel_ckks *c, const hel_ckks_cipher *x, uint32_t level)
{
    const uint32_t limbs = c->context->params.limbs[level];
    return (hel_view){.data = x->data,
                      .batch = x->batch * x->polys,
                      .limbs = limbs,
                      .q_limbs = limbs,
                      .stride = (size_t)x->capacity * c->context->n};
}

hel_status hel_ckks_copy_polys(hel_ckks *c, hel_ckks_cipher *x, const hel_ckks_cipher *a,
                               const hel_ckks_cipher *want, uint32_t first)
{
    if (x == a)
        return HEL_OK;
    for (uint32_t p = first; p < a->polys; p++)
        HEL_TRY(c->stream->ops->copy(c->stream, c->context->basis,
                                     hel_ckks_cipher_view(x, p, want->batch, want->level),
                                     hel_ckks_cipher_view(a, p, want->batch, want->level)));
    return HEL_OK;
}

/* ---- copies and signs ---- */

static hel_status copy(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    HEL_TRY(hel_ckks_begin(c, out, a, "copy"));
    if (out == a)
        return HEL_OK;
    HEL_TRY(hel_ckks_cipher_shape(c, out, a->batch, a->polys, a->level, a->log_slots));
    HEL_TRY(c->stream->ops->copy(c->stream, c->context->basis, hel_ckks_flat(c, out, a->level),
                                 hel_ckks_flat(c, a, a->level)));
    out->scale = a->scale;
    out->error = a->error;
    out->bound = a->bound;
    out->mixed = a->mixed;
    out->seeded = a->seeded;
    memcpy(out->seed, a->seed, sizeof out->seed);
    memcpy(out->key_id, a->key_id, sizeof out->key_id);
    out->valid = 1;
    return HEL_OK;
}

hel_status hel_ckks_copy(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    return hel_ckks_result(out, copy(c, out, a));
}

static hel_status negate(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    uint32_t minus[HEL_CKKS_PRIMES_MAX];
    hel_ckks_output o;
    HEL_TRY(hel_ckks_begin(c, out, a, "negation"));
    const hel_ckks_cipher want = *a;
    const hel_ckks_place place = out == a ? HEL_PLACE_OVER : HEL_PLACE_APART;
    hel_status status = hel_ckks_output_start(c, &o, out, &want, a->level, place, "negation");
    if (status == HEL_OK) {
        hel_ckks_residues(c->context, hel_scale_of(-1), c->context->params.limbs[a->level], minus);
        status = c->stream->ops->mul_scalar(c->stream, c->context->basis,
                                            hel_ckks_flat(c, o.x, a->level),
                                            hel_ckks_flat(c, a, a->level), minus);
    }
    return hel_ckks_output_end(c, &o, &want, status);
}

hel_status hel_ckks_negate(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    return hel_ckks_result(out, negate(c, out, a));
}

/* ---- sums ---- */

typedef hel_status (*sum_entry)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                                hel_view b);

/* x = a +- b where both have the polynomial; the rest is copied or negated */
static hel_status sum_polys(hel_ckks *c, hel_ckks_cipher *x, const hel_ckks_cipher *want,
                            const hel_ckks_cipher *a, const hel_ckks_cipher *b, int minus)
{
    hel_stream *s = c->stream;
    const hel_basis *basis = c->context->basis;
    const sum_entry entry = minus ? s->ops->sub : s->ops->add;
    const uint32_t level = want->level;
    const uint32_t both = a->polys < b->polys ? a->polys : b->polys;
    if (a->polys == b->polys && a->batch == b->batch)
        return entry(s, basis, hel_ckks_flat(c, x, level), hel_ckks_flat(c, a, level),
                     hel_ckks_flat(c, b, level));
    for (uint32_t p = 0; p < both; p++)
        HEL_TRY(entry(s, basis, hel_ckks_cipher_view(x, p, want->batch, level),
                      hel_ckks_cipher_view(a, p, want->batch, level),
                      hel_ckks_cipher_view(b, p, want->batch, level)));
    if (a->polys > both)
        return hel_ckks_copy_polys(c, x, a, want, both);
    HEL_TRY(hel_ckks_copy_polys(c, x, b, want, both));
    for (uint32_t p = both; minus && p < b->polys; p++) {
        uint32_t k[HEL_CKKS_PRIMES_MAX];
        const hel_view v = hel_ckks_cipher_view(x, p, want->batch, level);
        hel_ckks_residues(c->context, hel_scale_of(-1), v.limbs, k);
        HEL_TRY(s->ops->mul_scalar(s, basis, v, v, k));
    }
    return HEL_OK;
}

hel_status hel_ckks_sum_aligned(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                                const hel_ckks_cipher *b, int minus, hel_ckks_place place,
                                const char *what)
{
    hel_ckks_output o;
    hel_ckks_cipher want = *a;
    HEL_TRY(hel_ckks_common_batch(c, a->batch, b->batch, &want.batch));
    want.polys = a->polys > b->polys ? a->polys : b->polys;
    want.mixed |= b->mixed;
    want.bound = a->bound + b->bound;
    want.error =
        a->error + b->error + hel_ckks_mismatch(b->scale, a->scale) * b->bound * a->scale.hi;
    hel_status status = hel_ckks_output_start(c, &o, out, &want, want.level, place, what);
    if (status == HEL_OK)
        status = sum_polys(c, o.x, &want, a, b, minus);
    return hel_ckks_output_end(c, &o, &want, status);
}

static hel_status sum(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                      const hel_ckks_cipher *b, int minus)
{
    const char *what = minus ? "difference" : "sum";
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    HEL_TRY(hel_ckks_check_cipher(c, b, what));
    HEL_TRY(hel_ckks_check_pair(c, a, b, what));
    hel_ckks_cipher tmp_a = hel_ckks_local(c), tmp_b = hel_ckks_local(c);
    hel_status status = hel_ckks_align_pair(c, &a, &b, &tmp_a, &tmp_b, 0, what);
    if (status == HEL_OK)
        status = hel_ckks_sum_aligned(
            c, out, a, b, minus, out == a || out == b ? HEL_PLACE_OVER : HEL_PLACE_APART, what);
    hel_ckks_local_end(c, &tmp_a);
    hel_ckks_local_end(c, &tmp_b);
    return status;
}

hel_status hel_ckks_add(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                        const hel_ckks_cipher *b)
{
    return hel_ckks_result(out, sum(c, out, a, b, 0));
}

hel_status hel_ckks_sub(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                        const hel_ckks_cipher *b)
{
    return hel_ckks_result(out, sum(c, out, a, b, 1));
}
