/*
 * Constants: sums and products with one number in every slot.
 *
 * A real number r is the constant polynomial round(r S), added or multiplied limb by limb; integers
 * are their own polynomials at scale 1. The imaginary unit is the polynomial X^(N/2), whose value
 * is i at every point of the embedding, since powers of 5 are 1 modulo 4; a complex number is
 * a + b X^(N/2), made exactly from the transform of X^(N/2) by integer operations.
 */
#include <math.h>

#include "host/ckks/evaluator.h"

/* v (one item, released by the caller) = the transform of k_re + k_im X^(N/2), k in integers */
static hel_status complex_polynomial(hel_ckks *c, uint32_t level, hel_scale k_re, hel_scale k_im,
                                     hel_view *v)
{
    static const double unit[2] = {0, 1};
    hel_stream *s = c->stream;
    const hel_basis *basis = c->context->basis;
    const uint32_t limbs = c->context->params.limbs[level];
    uint32_t k[HEL_CKKS_PRIMES_MAX];
    HEL_TRY(hel_ckks_scratch(c, v, 1, limbs, limbs));
    HEL_TRY(s->ops->encode(s, basis, *v, unit, 0, 1));
    hel_ckks_residues(c->context, k_im, limbs, k);
    HEL_TRY(s->ops->mul_scalar(s, basis, *v, *v, k));
    hel_ckks_residues(c->context, k_re, limbs, k);
    return s->ops->add_scalar(s, basis, *v, *v, k);
}

static hel_status check_number(hel_ckks *c, double re, double im, const char *what)
{
    HEL_REQUIRE(c->engine, isfinite(re) && isfinite(im), HEL_E_USAGE,
                "%s: the constant %g + %gi is not finite", what, re, im);
    HEL_REQUIRE(c->engine, fabs(re) <= 0x1p400 && fabs(im) <= 0x1p400, HEL_E_USAGE,
                "%s: the constant %g + %gi is above 2^400", what, re, im);
    return HEL_OK;
}

/* ---- sums ---- */

/* x's polynomial 0 = a's + k_re + k_im X^(N/2) */
static hel_status add_polynomial(hel_ckks *c, hel_ckks_cipher *x, const hel_ckks_cipher *a,
                                 hel_scale k_re, hel_scale k_im)
{
    hel_stream *s = c->stream;
    const hel_basis *basis = c->context->basis;
    const hel_view to = hel_ckks_cipher_view(x, 0, a->batch, a->level);
    const hel_view from = hel_ckks_cipher_view(a, 0, a->batch, a->level);
    uint32_t k[HEL_CKKS_PRIMES_MAX];
    if (k_im.hi == 0) {
        hel_ckks_residues(c->context, k_re, to.limbs, k);
        return s->ops->add_scalar(s, basis, to, from, k);
    }
    hel_view v = {0};
    hel_status status = complex_polynomial(c, a->level, k_re, k_im, &v);
    if (status == HEL_OK) {
        hel_view same = v;
        same.stride = a->batch == 1 ? v.stride : 0;
        same.batch = a->batch;
        status = s->ops->add(s, basis, to, from, same);
    }
    hel_ckks_scratch_free(c, v);
    return status;
}

/* A constant's rounding is the same in every slot, however few there are: the error of a whole ring
 * whose slots see it as it is. */
static double in_every_slot(const hel_ckks *c, const hel_ckks_cipher *a, double error)
{
    return error / hel_ckks_error_slot(c->context, 1, a->log_slots);
}

static hel_status add_const(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, double re,
                            double im)
{
    const char *what = "sum with a constant";
    hel_ckks_output o;
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    HEL_TRY(check_number(c, re, im, what));
    hel_ckks_cipher want = *a;
    want.bound = a->bound + hypot(re, im);
    want.error = a->error + in_every_slot(c, a, 0.5 * ((re != 0) + (im != 0)));
    hel_status status = hel_ckks_output_start(c, &o, out, &want, a->level,
                                              out == a ? HEL_PLACE_OVER : HEL_PLACE_APART, what);
    if (status == HEL_OK)
        status = add_polynomial(c, o.x, a, hel_scale_mul(a->scale, hel_scale_of(re)),
                                hel_scale_mul(a->scale, hel_scale_of(im)));
    if (status == HEL_OK)
        status = hel_ckks_copy_polys(c, o.x, a, &want, 1);
    return hel_ckks_output_end(c, &o, &want, status);
}

hel_status hel_ckks_add_const(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                              double re, double im)
{
    return hel_ckks_result(out, add_const(c, out, a, re, im));
}

/* ---- products ---- */

static hel_status multiply_polynomial(hel_ckks *c, hel_ckks_cipher *x, const hel_ckks_cipher *a,
                                      hel_scale k_re, hel_scale k_im)
{
    hel_stream *s = c->stream;
    const hel_basis *basis = c->context->basis;
    const hel_view to = hel_ckks_flat(c, x, a->level), from = hel_ckks_flat(c, a, a->level);
    uint32_t k[HEL_CKKS_PRIMES_MAX];
    if (k_im.hi == 0) {
        hel_ckks_residues(c->context, k_re, to.limbs, k);
        return s->ops->mul_scalar(s, basis, to, from, k);
    }
    hel_view v = {0};
    hel_status status = complex_polynomial(c, a->level, k_re, k_im, &v);
    if (status == HEL_OK) {
        hel_view same = v;
        same.stride = 0;
        same.batch = to.batch;
        status = s->ops->mul(s, basis, to, from, same);
    }
    hel_ckks_scratch_free(c, v);
    return status;
}

/* out = a times re + im i; the integers next to the constant times `scale` stand for it. */
static hel_status multiply(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, double re,
                           double im, hel_scale scale, int exact, const char *what)
{
    hel_ckks_output o;
    hel_ckks_cipher want = *a;
    const double size = hypot(re, im), rounding = exact ? 0 : 0.5 * ((re != 0) + (im != 0));
    want.scale = hel_scale_mul(a->scale, scale);
    want.bound = a->bound * size;
    want.error = a->error * (size * scale.hi + rounding) +
                 in_every_slot(c, a, rounding * a->bound * a->scale.hi);
    hel_status status = hel_ckks_output_start(c, &o, out, &want, a->level,
                                              out == a ? HEL_PLACE_OVER : HEL_PLACE_APART, what);
    if (status == HEL_OK)
        status = multiply_polynomial(c, o.x, a, hel_scale_mul(scale, hel_scale_of(re)),
                                     hel_scale_mul(scale, hel_scale_of(im)));
    return hel_ckks_output_end(c, &o, &want, status);
}

static hel_status mul_const(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, double re,
                            double im)
{
    const char *what = "product with a constant";
    HEL_TRY(hel_ckks_begin(c, out, a, what));
    HEL_TRY(check_number(c, re, im, what));
    if (re == rint(re) && im == rint(im))
        return multiply(c, out, a, re, im, hel_scale_of(1), 1, what);
    hel_ckks_cipher tmp = hel_ckks_local(c);
    hel_status status = HEL_OK;
    if (c->alignment == HEL_CKKS_AUTO) {
        status = hel_ckks_settle(c, &a, &tmp, what);
        if (status == HEL_OK && a->level == 0)
            status =
                hel_fail(c->engine, HEL_E_USAGE,
                         "%s: the ciphertext is at level 0: only integers are left; more depth "
                         "is needed",
                         what);
    }
    if (status == HEL_OK)
        status = multiply(c, out, a, re, im, c->context->scale[a->level], 0, what);
    hel_ckks_local_end(c, &tmp);
    return status;
}

hel_status hel_ckks_mul_const(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                              double re, double im)
{
    return hel_ckks_result(out, mul_const(c, out, a, re, im));
}
