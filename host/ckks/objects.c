/*
 * Plaintexts and ciphertexts as objects: life, shapes, getters, views, and the checks that every
 * operation begins with.
 */
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"

/* ---- life ---- */

hel_status hel_ckks_plain_create(hel_ckks *ckks, hel_ckks_plain **out)
{
    hel_error_clear(ckks->engine);
    HEL_TRY(hel_calloc(ckks->engine, out, 1, sizeof **out));
    (*out)->context = ckks->context;
    hel_ckks_context_hold(ckks->context);
    return HEL_OK;
}

void hel_ckks_plain_free(hel_ckks_plain *plain)
{
    if (!plain)
        return;
    hel_ckks_memory_free(plain->context, plain->data, plain->words);
    hel_ckks_context_release(plain->context);
    hel_free(plain);
}

hel_status hel_ckks_cipher_create(hel_ckks *ckks, hel_ckks_cipher **out)
{
    hel_error_clear(ckks->engine);
    HEL_TRY(hel_calloc(ckks->engine, out, 1, sizeof **out));
    (*out)->context = ckks->context;
    hel_ckks_context_hold(ckks->context);
    return HEL_OK;
}

void hel_ckks_cipher_free(hel_ckks_cipher *cipher)
{
    if (!cipher)
        return;
    hel_ckks_memory_free(cipher->context, cipher->data, 0);
    hel_ckks_context_release(cipher->context);
    hel_free(cipher);
}

/* ---- getters ---- */

uint32_t hel_ckks_plain_slots(const hel_ckks_plain *plain)
{
    return plain->valid ? 1u << plain->log_slots : 0;
}

uint32_t hel_ckks_plain_batch(const hel_ckks_plain *plain)
{
    return plain->valid ? plain->batch : 0;
}

uint32_t hel_ckks_plain_level(const hel_ckks_plain *plain)
{
    return plain->valid ? plain->level : 0;
}

double hel_ckks_plain_scale(const hel_ckks_plain *plain)
{
    return plain->valid ? plain->scale.hi : 0;
}

uint32_t hel_ckks_cipher_slots(const hel_ckks_cipher *cipher)
{
    return cipher->valid ? 1u << cipher->log_slots : 0;
}

uint32_t hel_ckks_cipher_batch(const hel_ckks_cipher *cipher)
{
    return cipher->valid ? cipher->batch : 0;
}

uint32_t hel_ckks_cipher_level(const hel_ckks_cipher *cipher)
{
    return cipher->valid ? cipher->level : 0;
}

uint32_t hel_ckks_cipher_size(const hel_ckks_cipher *cipher)
{
    return cipher->valid ? cipher->polys : 0;
}

double hel_ckks_cipher_scale(const hel_ckks_cipher *cipher)
{
    return cipher->valid ? cipher->scale.hi : 0;
}

double hel_ckks_cipher_error(const hel_ckks_cipher *cipher)
{
    if (!cipher->valid)
        return 0;
    return hel_ckks_error_slot(cipher->context, cipher->error, cipher->log_slots) /
           cipher->scale.hi;
}

double hel_ckks_cipher_bound(const hel_ckks_cipher *cipher)
{
    return cipher->valid ? cipher->bound : 0;
}

void hel_ckks_cipher_set_bound(hel_ckks_cipher *cipher, double bound)
{
    if (bound >= 0) /* and not NaN */
        cipher->bound = bound;
}

/* ---- shapes ---- */

/* Room for `words` in an object of any context; it belongs to c's context afterwards. secret: what
 * is given back is wiped. */
static hel_status make_room(hel_ckks *c, hel_ckks_context **context, uint32_t **data, size_t *words,
                            size_t wanted, int secret)
{
    if (*context == c->context && *words >= wanted)
        return HEL_OK;
    HEL_TRY(c->stream->ops->sync(c->stream)); /* nothing in flight uses what is given back */
    hel_ckks_memory_free(*context, *data, secret ? *words : 0);
    *data = NULL;
    *words = 0;
    if (*context != c->context) {
        hel_ckks_context_hold(c->context);
        hel_ckks_context_release(*context);
        *context = c->context;
    }
    HEL_TRY(hel_ckks_memory(c, data, wanted));
    *words = wanted;
    return HEL_OK;
}

hel_status hel_ckks_plain_shape(hel_ckks *c, hel_ckks_plain *p, uint32_t batch, uint32_t level,
                                uint32_t log_slots)
{
    const hel_ckks_context *t = c->context;
    p->valid = 0;
    HEL_TRY(make_room(c, &p->context, &p->data, &p->words,
                      (size_t)batch * t->params.limbs[level] * t->n, 1));
    p->batch = batch;
    p->level = level;
    p->log_slots = log_slots;
    p->error = 0;
    p->bits = 0;
    return HEL_OK;
}

hel_status hel_ckks_cipher_shape(hel_ckks *c, hel_ckks_cipher *x, uint32_t batch, uint32_t polys,
                                 uint32_t level, uint32_t log_slots)
{
    const hel_ckks_context *t = c->context;
    const uint32_t limbs = t->params.limbs[level];
    x->valid = 0;
    HEL_TRY(
        make_room(c, &x->context, &x->data, &x->words, (size_t)batch * polys * limbs * t->n, 0));
    x->batch = batch;
    x->polys = polys;
    x->level = level;
    x->log_slots = log_slots;
    x->capacity = limbs;
    x->seeded = 0;
    return HEL_OK;
}

/* ---- views ---- */

hel_view hel_ckks_plain_view(const hel_ckks_plain *p, uint32_t batch, uint32_t level)
{
    const hel_ckks_context *t = p->context;
    const uint32_t limbs = t->params.limbs[level];
    const size_t stride = (size_t)t->params.limbs[p->level] * t->n;
    return (hel_view){p->data, batch, limbs, limbs, p->batch == 1 && batch != 1 ? 0 : stride};
}

hel_view hel_ckks_cipher_view(const hel_ckks_cipher *x, uint32_t poly, uint32_t batch,
                              uint32_t level)
{
    const hel_ckks_context *t = x->context;
    const uint32_t limbs = t->params.limbs[level];
    const size_t words = (size_t)x->capacity * t->n;
    return (hel_view){x->data ? x->data + poly * words : NULL, batch, limbs, limbs,
                      x->batch == 1 && batch != 1 ? 0 : x->polys * words};
}

hel_status hel_ckks_scratch(hel_ckks *c, hel_view *out, uint32_t batch, uint32_t limbs,
                            uint32_t q_limbs)
{
    const size_t stride = (size_t)limbs * c->context->n;
    *out = (hel_view){NULL, batch, limbs, q_limbs, stride};
    return c->stream->ops->alloc(c->stream, &out->data, batch * stride * sizeof *out->data);
}

void hel_ckks_scratch_wipe(hel_ckks *c, hel_view v)
{
    if (!v.data)
        return;
    if (v.batch)
        c->stream->ops->wipe(c->stream, v.data,
                             ((v.batch - 1) * v.stride + (size_t)v.limbs * c->context->n) *
                                 sizeof *v.data);
    c->stream->ops->release(c->stream, v.data);
}

void hel_ckks_scratch_free(hel_ckks *c, hel_view v)
{
    c->stream->ops->release(c->stream, v.data);
}

/* ---- checks ---- */

hel_status hel_ckks_check_cipher(hel_ckks *c, const hel_ckks_cipher *x, const char *what)
{
    HEL_REQUIRE(c->engine, x, HEL_E_USAGE, "%s: a ciphertext is needed, NULL was given", what);
    HEL_REQUIRE(
        c->engine, x->valid, HEL_E_USAGE,
        "%s: the ciphertext holds no message: nothing was encrypted into it, or a call that "
        "wrote it failed",
        what);
    HEL_REQUIRE(c->engine, x->context == c->context, HEL_E_MISMATCH,
                "%s: the ciphertext belongs to another context", what);
    return HEL_OK;
}

hel_status hel_ckks_check_plain(hel_ckks *c, const hel_ckks_plain *p, const char *what)
{
    HEL_REQUIRE(c->engine, p, HEL_E_USAGE, "%s: a plaintext is needed, NULL was given", what);
    HEL_REQUIRE(c->engine, p->valid, HEL_E_USAGE,
                "%s: the plaintext holds no message: nothing was encoded into it, or a call that "
                "wrote it failed",
                what);
    HEL_REQUIRE(c->engine, p->context == c->context, HEL_E_MISMATCH,
                "%s: the plaintext belongs to another context", what);
    return HEL_OK;
}

hel_status hel_ckks_common_batch(hel_ckks *c, uint32_t a, uint32_t b, uint32_t *batch)
{
    HEL_REQUIRE(c->engine, a == b || a == 1 || b == 1, HEL_E_MISMATCH,
                "batches of %u and %u: they must be equal, or one of them 1", a, b);
    *batch = a == 1 ? b : a;
    return HEL_OK;
}
