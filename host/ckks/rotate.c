/*
 * Rotations and conjugation: X -> X^g permutes the slots and takes s to s(X^g), from which a key
 * switch leads back. Polynomial 1 is decomposed before it is permuted, digit by digit (permuting
 * digits is permuting what they are digits of), so that one decomposition serves many rotations:
 * Halevi, Shoup, CRYPTO 2018. Single and shared ones give the same residues.
 */
#include <math.h>

#include "host/ckks/evaluator.h"

#define DIGIT_WORDS ((size_t)1 << 25) /* of a shared decomposition, unless one item has more */

static hel_status check_rotated(hel_ckks *c, const hel_ckks_cipher *a, const char *what)
{
    HEL_REQUIRE(c->engine, a->polys == 2, HEL_E_USAGE,
                "%s: the ciphertext has three polynomials: hel_ckks_relinearize() comes first",
                what);
    return HEL_OK;
}

static hel_ckks_cipher turned(const hel_ckks *c, const hel_ckks_cipher *a)
{
    hel_ckks_cipher want = *a;
    want.error = hypot(a->error, hel_ckks_error_switch(c->context, a->level));
    return want;
}

hel_status hel_ckks_turn(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, uint32_t g,
                         hel_ckks_place place, const char *what)
{
    hel_key_view key;
    hel_ckks_output o;
    HEL_TRY(check_rotated(c, a, what));
    HEL_TRY(hel_ckks_find_key(c, g, a->level, &key, NULL));
    HEL_TRY(hel_ckks_check_key(c, a, what));
    const hel_ckks_cipher want = turned(c, a);
    hel_status status = hel_ckks_output_start(c, &o, out, &want, a->level, place, what);
    if (status == HEL_OK) {
        hel_view to[2], from[2];
        for (uint32_t p = 0; p < 2; p++) {
            to[p] = hel_ckks_cipher_view(o.x, p, a->batch, a->level);
            from[p] = hel_ckks_cipher_view(a, p, a->batch, a->level);
        }
        status = c->stream->ops->automorph(c->stream, c->context->basis, to[0], from[0], g);
        if (status == HEL_OK)
            status = hel_ckks_switch(c, to, from[1], key, g, &to[0], NULL);
    }
    return hel_ckks_output_end(c, &o, &want, status);
}

static hel_ckks_place apart(const hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    return out == a ? HEL_PLACE_AFTER : HEL_PLACE_APART;
}

static hel_status rotate(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, int32_t step)
{
    const char *what = "rotation";
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    const uint32_t g = hel_ckks_rotation_element(c, step, a->log_slots);
    return g == 1 ? hel_ckks_copy(c, out, a) : hel_ckks_turn(c, out, a, g, apart(out, a), what);
}

hel_status hel_ckks_rotate(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                           int32_t step)
{
    return hel_ckks_result(out, rotate(c, out, a, step));
}

static hel_status conjugate(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    const char *what = "conjugation";
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    return hel_ckks_turn(c, out, a, hel_ckks_conjugation_element(c), apart(out, a), what);
}

hel_status hel_ckks_conjugate(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    return hel_ckks_result(out, conjugate(c, out, a));
}

/* ---- many rotations ---- */

typedef struct shared {
    hel_ckks *c;
    const hel_ckks_cipher *a;
    hel_ckks_cipher *const *outs;
    const int32_t *steps;
    size_t count;
    hel_ckks_output own; /* the output that is a, if one is */
    int has_own;
    hel_view digits, acc[2];
} shared;

static hel_ckks_cipher *target(shared *r, size_t i)
{
    return r->outs[i] == r->a ? r->own.x : r->outs[i];
}

/* One rotation of items first .. first + count - 1, whose digits are there */
static hel_status rotate_items(shared *r, size_t i, uint32_t first, uint32_t count)
{
    hel_ckks *c = r->c;
    hel_stream *s = c->stream;
    const hel_basis *basis = c->context->basis;
    const hel_ckks_cipher *a = r->a;
    const uint32_t g = hel_ckks_rotation_element(c, r->steps[i], a->log_slots);
    hel_view to[2], from[2], acc[2];
    hel_key_view key;
    for (uint32_t p = 0; p < 2; p++) {
        to[p] =
            hel_view_items(hel_ckks_cipher_view(target(r, i), p, a->batch, a->level), first, count);
        from[p] = hel_view_items(hel_ckks_cipher_view(a, p, a->batch, a->level), first, count);
        if (g == 1)
            HEL_TRY(s->ops->copy(s, basis, to[p], from[p]));
    }
    if (g == 1)
        return HEL_OK;
    const hel_view digits = hel_view_items(r->digits, 0, count);
    HEL_TRY(hel_ckks_find_key(c, g, a->level, &key, NULL));
    HEL_TRY(s->ops->automorph(s, basis, to[0], from[0], g));
    if (s->ops->switch_digits)
        return s->ops->switch_digits(s, basis, to, digits, key, g, &to[0], NULL);
    for (uint32_t p = 0; p < 2; p++)
        acc[p] = hel_view_items(r->acc[p], 0, count);
    HEL_TRY(s->ops->key_inner(s, basis, acc, digits, key, g));
    HEL_TRY(s->ops->mod_down(s, basis, to[0], acc[0], &to[0]));
    return s->ops->mod_down(s, basis, to[1], acc[1], NULL);
}

/* Scratch for `items` at a time */
static hel_status prepare(shared *r, uint32_t items)
{
    const hel_ckks_params *p = &r->c->context->params;
    const uint32_t limbs = p->limbs[r->a->level], all = limbs + p->special_limbs;
    const uint32_t digits = hel_ckks_digits(p, r->a->level);
    for (uint32_t h = 0; h < 2 && !r->c->stream->ops->switch_digits; h++)
        HEL_TRY(hel_ckks_scratch(r->c, &r->acc[h], items, all, limbs));
    HEL_TRY(hel_ckks_scratch(r->c, &r->digits, items * digits, all, limbs));
    r->digits.batch = items;
    r->digits.stride *= digits;
    return HEL_OK;
}

static hel_status rotate_all(shared *r)
{
    hel_ckks *c = r->c;
    const hel_ckks_params *p = &c->context->params;
    const hel_ckks_cipher *a = r->a;
    const size_t words = (size_t)hel_ckks_digits(p, a->level) *
                         (p->limbs[a->level] + p->special_limbs) * c->context->n;
    uint32_t items = words >= DIGIT_WORDS ? 1 : (uint32_t)(DIGIT_WORDS / words);
    items = items < a->batch ? items : a->batch;
    HEL_TRY(prepare(r, items));
    for (uint32_t first = 0; first < a->batch; first += items) {
        const uint32_t count = a->batch - first < items ? a->batch - first : items;
        const hel_view from =
            hel_view_items(hel_ckks_cipher_view(a, 1, a->batch, a->level), first, count);
        HEL_TRY(c->stream->ops->decompose(c->stream, c->context->basis,
                                          hel_view_items(r->digits, 0, count), from));
        for (size_t i = 0; i < r->count; i++)
            HEL_TRY(rotate_items(r, i, first, count));
    }
    return HEL_OK;
}

/* Keys are there and outputs have room; descriptions follow at the end. */
static hel_status start_all(shared *r, const hel_ckks_cipher *want, const char *what)
{
    hel_ckks *c = r->c;
    for (size_t i = 0; i < r->count; i++) {
        const uint32_t g = hel_ckks_rotation_element(c, r->steps[i], r->a->log_slots);
        hel_key_view key;
        HEL_TRY(hel_ckks_begin(c, r->outs[i], r->a, what));
        if (g != 1) {
            HEL_TRY(hel_ckks_find_key(c, g, r->a->level, &key, NULL));
            HEL_TRY(hel_ckks_check_key(c, r->a, what));
        }
    }
    for (size_t i = 0; i < r->count; i++) {
        hel_ckks_output o;
        if (r->outs[i] != r->a) {
            HEL_TRY(
                hel_ckks_output_start(c, &o, r->outs[i], want, want->level, HEL_PLACE_APART, what));
        } else if (!r->has_own) {
            r->has_own = 1;
            HEL_TRY(hel_ckks_output_start(c, &r->own, r->outs[i], want, want->level,
                                          HEL_PLACE_AFTER, what));
        }
    }
    return HEL_OK;
}

static hel_status rotate_many(shared *r)
{
    hel_ckks *c = r->c;
    const char *what = "rotations";
    HEL_TRY(hel_ckks_check_cipher(c, r->a, what));
    HEL_TRY(check_rotated(c, r->a, what));
    const hel_ckks_cipher want = turned(c, r->a), unturned = *r->a;
    hel_status status = start_all(r, &want, what);
    if (status == HEL_OK)
        status = rotate_all(r);
    if (r->has_own)
        status = hel_ckks_output_end(c, &r->own, &want, status);
    for (size_t i = 0; i < r->count && status == HEL_OK; i++) {
        const uint32_t g = hel_ckks_rotation_element(c, r->steps[i], want.log_slots);
        hel_ckks_output o = {.caller = r->outs[i], .x = r->outs[i]};
        status = hel_ckks_output_end(c, &o, g == 1 ? &unturned : &want, HEL_OK);
    }
    return status;
}

hel_status hel_ckks_rotate_many(hel_ckks *c, hel_ckks_cipher *const *outs, const hel_ckks_cipher *a,
                                const int32_t *steps, size_t count)
{
    shared r = {.c = c, .a = a, .outs = outs, .steps = steps, .count = count};
    hel_error_clear(c->engine);
    hel_status status = count ? rotate_many(&r) : HEL_OK;
    hel_ckks_scratch_free(c, r.digits);
    hel_ckks_scratch_free(c, r.acc[0]);
    hel_ckks_scratch_free(c, r.acc[1]);
    for (size_t i = 0; i < count && status != HEL_OK; i++)
        (void)hel_ckks_result(outs[i], status);
    return status;
}
