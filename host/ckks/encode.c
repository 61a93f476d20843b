/*
 * Messages to plaintexts and back. Encoding rounds the coefficients of the scaled embedding;
 * decoding lifts no more primes than the numbers need.
 */
#include <math.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"

/* What a plaintext is made from. */
typedef struct message {
    const double *re, *im;
    uint32_t log_slots, batch;
} message;

/* Names the first number that is not finite, or gives log2 of the largest modulus of a slot. */
static hel_status measure(hel_ckks *c, const message *m, double *log_max)
{
    const size_t slots = (size_t)1 << m->log_slots, count = m->batch * slots;
    double max = 0;
    for (size_t i = 0; i < count; i++) {
        const double re = m->re[i], im = m->im ? m->im[i] : 0;
        HEL_REQUIRE(c->engine, isfinite(re) && isfinite(im), HEL_E_USAGE,
                    "encode: vector %zu, slot %zu: the %s part is not finite", i / slots, i % slots,
                    isfinite(re) ? "imaginary" : "real");
        max = fmax(max, m->im ? hypot(re, im) : fabs(re));
    }
    *log_max = max > 0 ? fmin(log2(max), 1025) : -HUGE_VAL; /* hypot may overflow */
    return HEL_OK;
}

/* A coefficient is a mean of slots times roots of unity: at most the largest modulus of a slot,
 * and half a unit of rounding. The embedding adds a relative 2^-40 at the very most. */
static hel_status check_fit(hel_ckks *c, const message *m, uint32_t level, double scale,
                            double *bits)
{
    const double log_q = c->context->log_q[c->context->params.limbs[level]];
    double log_max = 0;
    HEL_TRY(measure(c, m, &log_max));
    *bits = fmax(log_max + log2(scale), 0) + 1e-9;
    HEL_REQUIRE(c->engine, *bits < log_q - 1 && *bits < 1000, HEL_E_USAGE,
                "encode: a slot of 2^%.1f times the scale 2^%.1f does not fit level %u, whose "
                "modulus has %.1f bits",
                log_max, log2(scale), level, log_q);
    return HEL_OK;
}

/* The backend's order: the real parts of an item, then its imaginary parts. */
static void interleave(const message *m, double *x)
{
    const size_t slots = (size_t)1 << m->log_slots;
    for (size_t b = 0; b < m->batch; b++, x += 2 * slots) {
        memcpy(x, m->re + b * slots, slots * sizeof *x);
        if (m->im)
            memcpy(x + slots, m->im + b * slots, slots * sizeof *x);
        else
            memset(x + slots, 0, slots * sizeof *x);
    }
}

static hel_status write_plain(hel_ckks *c, hel_ckks_plain *out, const message *m, double scale)
{
    const hel_stream *s = c->stream;
    const size_t count = 2 * ((size_t)m->batch << m->log_slots);
    double *x;
    if (m->batch == 0)
        return HEL_OK;
    HEL_TRY(hel_malloc(c->engine, &x, count, sizeof *x));
    interleave(m, x);
    hel_status status =
        s->ops->encode(c->stream, c->context->basis, hel_ckks_plain_view(out, m->batch, out->level),
                       x, m->log_slots, scale);
    if (status == HEL_OK)
        status = s->ops->sync(c->stream); /* x is read until then */
    hel_wipe(x, count * sizeof *x);
    hel_free(x);
    return status;
}

hel_status hel_ckks_encode(hel_ckks *ckks, hel_ckks_plain *out, const double *re, const double *im,
                           uint32_t slots, uint32_t batch, uint32_t level, double scale)
{
    const hel_ckks_context *t = ckks->context;
    hel_engine *engine = ckks->engine;
    double bits;
    hel_error_clear(engine);
    HEL_REQUIRE(engine, out, HEL_E_USAGE, "encode: a plaintext is needed, NULL was given");
    out->valid = 0;
    if (level == HEL_CKKS_TOP)
        level = t->params.depth;
    HEL_REQUIRE(engine, re || batch == 0, HEL_E_USAGE,
                "encode: numbers are needed, NULL was given");
    HEL_REQUIRE(engine, slots && !(slots & (slots - 1)) && slots <= t->n / 2, HEL_E_USAGE,
                "encode: %u slots: they must be a power of two up to %u", slots, t->n / 2);
    HEL_REQUIRE(engine, level <= t->params.depth, HEL_E_USAGE,
                "encode: level %u: the parameters end at %u", level, t->params.depth);
    HEL_REQUIRE(engine, scale == 0 || (scale <= 0x1p400 && scale >= 1), HEL_E_USAGE,
                "encode: the scale %g is not a number from 1 on, up to 2^400", scale);
    const message m = {re, im, (uint32_t)__builtin_ctz(slots), batch};
    const hel_scale exact = scale == 0 ? t->scale[level] : hel_scale_of(scale);
    HEL_TRY(check_fit(ckks, &m, level, exact.hi, &bits));
    HEL_TRY(hel_ckks_plain_shape(ckks, out, batch, level, m.log_slots));
    HEL_TRY(write_plain(ckks, out, &m, exact.hi));
    out->scale = exact;
    out->bits = bits;
    out->bound = hel_ckks_bound_of(bits, exact);
    out->valid = 1;
    return HEL_OK;
}

static hel_status read_plain(hel_ckks *c, const hel_ckks_plain *p, hel_view v, double *x)
{
    const hel_stream *s = c->stream;
    const hel_view from =
        hel_ckks_plain_view(p, p->batch, hel_ckks_level_for(c->context, p->bits, p->level));
    HEL_TRY(s->ops->copy(c->stream, c->context->basis, v, from));
    HEL_TRY(s->ops->decode(c->stream, c->context->basis, x, v, p->log_slots, p->scale.hi));
    return s->ops->sync(c->stream);
}

hel_status hel_ckks_decode(hel_ckks *ckks, const hel_ckks_plain *plain, double *re, double *im)
{
    hel_error_clear(ckks->engine);
    HEL_TRY(hel_ckks_check_plain(ckks, plain, "decode"));
    HEL_REQUIRE(ckks->engine, re || plain->batch == 0, HEL_E_USAGE,
                "decode: room for real parts is needed, NULL was given");
    if (plain->batch == 0)
        return HEL_OK;
    const hel_ckks_context *t = ckks->context;
    const size_t slots = (size_t)1 << plain->log_slots, count = 2 * plain->batch * slots;
    const uint32_t limbs = t->params.limbs[hel_ckks_level_for(t, plain->bits, plain->level)];
    hel_view v = {0};
    double *x;
    HEL_TRY(hel_malloc(ckks->engine, &x, count, sizeof *x));
    hel_status status = hel_ckks_scratch(ckks, &v, plain->batch, limbs, limbs);
    if (status == HEL_OK)
        status = read_plain(ckks, plain, v, x);
    hel_ckks_scratch_wipe(ckks, v);
    for (size_t b = 0; status == HEL_OK && b < plain->batch; b++) {
        memcpy(re + b * slots, x + 2 * b * slots, slots * sizeof *x);
        if (im)
            memcpy(im + b * slots, x + (2 * b + 1) * slots, slots * sizeof *x);
    }
    hel_wipe(x, count * sizeof *x);
    hel_free(x);
    return status;
}
