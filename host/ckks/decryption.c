/*
 * Decryption: c0 + c1 s (+ c2 s^2) over as many primes as the message needs, which are those of the
 * plaintext's level.
 */
#include <math.h>
#include <string.h>

#include "host/ckks/evaluator.h"

/* Coefficients are taken to be below 2^bits: slots below 2^63, or far above the ciphertext's bound
 * when that is larger. */
double hel_ckks_message_bits(const hel_ckks_cipher *a)
{
    return hel_scale_log2(a->scale) + fmax(63, log2(fmax(a->bound, 1)) + 16);
}

/* out = (..(c_k s + c_(k-1)) s + ..) + c0 at out's level */
static hel_status evaluate(hel_ckks *c, hel_ckks_plain *out, const hel_ckks_cipher *a, hel_view s)
{
    const hel_ckks_context *t = c->context;
    const hel_backend_ops *ops = c->stream->ops;
    const hel_view x = hel_ckks_plain_view(out, a->batch, out->level);
    hel_view from = hel_ckks_cipher_view(a, a->polys - 1, a->batch, out->level);
    for (uint32_t p = a->polys - 1; p-- > 0; from = x) {
        HEL_TRY(ops->mul(c->stream, t->basis, x, from, s));
        HEL_TRY(
            ops->add(c->stream, t->basis, x, x, hel_ckks_cipher_view(a, p, a->batch, out->level)));
    }
    return HEL_OK;
}

hel_status hel_ckks_decrypt_to(hel_ckks *c, hel_ckks_plain *out, const hel_ckks_cipher *a,
                               const hel_ckks_secret *secret, uint32_t level)
{
    hel_view s;
    HEL_TRY(hel_ckks_plain_shape(c, out, a->batch, level, a->log_slots));
    out->scale = a->scale;
    out->error = a->error;
    out->bits = hel_ckks_message_bits(a);
    out->bound = a->bound;
    if (a->batch == 0)
        return HEL_OK;
    HEL_TRY(hel_ckks_secret_view(c, secret, c->context->params.limbs[level], a->batch, &s));
    hel_status status = evaluate(c, out, a, s);
    hel_ckks_secret_view_free(c, secret, s);
    return status;
}

hel_status hel_ckks_decrypt_begin(hel_ckks *c, hel_ckks_plain *out, const hel_ckks_cipher *a,
                                  const hel_ckks_secret *secret)
{
    hel_error_clear(c->engine);
    HEL_REQUIRE(c->engine, out, HEL_E_USAGE, "decrypt: a plaintext is needed, NULL was given");
    out->valid = 0;
    HEL_TRY(hel_ckks_check_cipher(c, a, "decrypt"));
    const double log_q = c->context->log_q[c->context->params.limbs[a->level]];
    HEL_REQUIRE(
        c->engine, hel_scale_log2(a->scale) + log2(fmax(a->bound, 1)) < log_q - 1, HEL_E_USAGE,
        "decrypt: values up to %g at the scale 2^%.1f do not fit level %u, whose modulus has "
        "%.1f bits: they may have wrapped (hel_ckks_cipher_set_bound, if they are known to "
        "be smaller)",
        a->bound, hel_scale_log2(a->scale), a->level, log_q);
    return hel_ckks_check_secret(c, secret, a->key_id, "decrypt");
}

hel_status hel_ckks_decrypt(hel_ckks *ckks, hel_ckks_plain *out, const hel_ckks_cipher *a,
                            const hel_ckks_secret *secret)
{
    HEL_TRY(hel_ckks_decrypt_begin(ckks, out, a, secret));
    HEL_TRY(
        hel_ckks_decrypt_to(ckks, out, a, secret,
                            hel_ckks_level_for(ckks->context, hel_ckks_message_bits(a), a->level)));
    out->valid = 1;
    return HEL_OK;
}
