/*
 * Encryption. Public key (b, a): (v b + e0 + m, v a + e1) with v uniform ternary, e0 and e1 centred
 * binomial. Symmetric: (m - a s - e, a), a uniform from a seed that the ciphertext keeps. The
 * randomness of a call comes from a 32-byte seed drawn for it and wiped after it; item b of a batch
 * uses objects 3 b, 3 b + 1 and 3 b + 2 of its streams. Nothing is computed but the primes of the
 * plaintext's level.
 */
#include <math.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"

#define ITEMS 8 /* of a batch at a time: bounds the scratch */

static hel_status begin(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_plain *plain)
{
    hel_error_clear(c->engine);
    HEL_REQUIRE(c->engine, out, HEL_E_USAGE, "encrypt: a ciphertext is needed, NULL was given");
    out->valid = 0;
    return hel_ckks_check_plain(c, plain, "encrypt");
}

/* Rounding, what the plaintext brings along, and the scheme's own error are independent. */
static void finish(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_plain *plain,
                   const uint8_t key_id[16], double error)
{
    memcpy(out->key_id, key_id, sizeof out->key_id);
    out->scale = plain->scale;
    out->error =
        hypot(hypot(error, plain->error), hel_ckks_error_encode(c->context, out->log_slots));
    out->bound = plain->bound;
    out->mixed = plain->error > 0; /* it was decrypted, from whatever that was */
    out->valid = 1;
}

typedef struct pair {
    hel_view c0, c1, m;
} pair;

/* Items first .. of the output and of the plaintext. */
static pair take_items(const hel_ckks_cipher *out, const hel_ckks_plain *plain, uint32_t first)
{
    const uint32_t count = out->batch - first < ITEMS ? out->batch - first : ITEMS;
    return (pair){
        hel_view_items(hel_ckks_cipher_view(out, 0, out->batch, out->level), first, count),
        hel_view_items(hel_ckks_cipher_view(out, 1, out->batch, out->level), first, count),
        hel_view_items(hel_ckks_plain_view(plain, out->batch, out->level), first, count),
    };
}

/* v: scratch of the items' shape. */
static hel_status encrypt_public_items(hel_ckks *c, const pair *p, const hel_ckks_public *key,
                                       const uint8_t seed[HEL_SEED_BYTES], uint64_t first,
                                       hel_view v)
{
    const hel_ckks_context *t = c->context;
    const hel_backend_ops *ops = c->stream->ops;
    const size_t words = (size_t)t->q_limbs * t->n;
    const hel_view b = {key->data, v.batch, v.limbs, v.limbs, 0};
    const hel_view a = {key->data + words, v.batch, v.limbs, v.limbs, 0};
    const uint64_t object = 3 * first;
    HEL_TRY(ops->small(c->stream, t->basis, v, seed, HEL_DOMAIN_TERNARY, object, 3));
    HEL_TRY(ops->small(c->stream, t->basis, p->c0, seed, HEL_DOMAIN_CIPHER_E, object + 1, 3));
    HEL_TRY(ops->small(c->stream, t->basis, p->c1, seed, HEL_DOMAIN_CIPHER_E, object + 2, 3));
    HEL_TRY(ops->mul_add(c->stream, t->basis, p->c0, v, b));
    HEL_TRY(ops->mul_add(c->stream, t->basis, p->c1, v, a));
    return ops->add(c->stream, t->basis, p->c0, p->c0, p->m);
}

static hel_status encrypt_public(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_plain *plain,
                                 const hel_ckks_public *key)
{
    const uint32_t limbs = c->context->params.limbs[out->level];
    uint8_t seed[HEL_SEED_BYTES];
    hel_view v = {0};
    HEL_TRY(hel_ckks_scratch(c, &v, out->batch < ITEMS ? out->batch : ITEMS, limbs, limbs));
    hel_status status = hel_random(c->engine, seed, sizeof seed);
    for (uint32_t first = 0; status == HEL_OK && first < out->batch; first += ITEMS) {
        const pair p = take_items(out, plain, first);
        status = encrypt_public_items(c, &p, key, seed, first, hel_view_items(v, 0, p.c0.batch));
    }
    hel_wipe(seed, sizeof seed);
    hel_ckks_scratch_wipe(c, v); /* v gives the message away */
    return status;
}

hel_status hel_ckks_encrypt(hel_ckks *ckks, hel_ckks_cipher *out, const hel_ckks_plain *plain,
                            const hel_ckks_public *key)
{
    HEL_TRY(begin(ckks, out, plain));
    HEL_REQUIRE(ckks->engine, key, HEL_E_USAGE, "encrypt: a public key is needed, NULL was given");
    HEL_REQUIRE(ckks->engine, key->context == ckks->context, HEL_E_MISMATCH,
                "encrypt: the public key belongs to another context");
    HEL_TRY(hel_ckks_cipher_shape(ckks, out, plain->batch, 2, plain->level, plain->log_slots));
    if (out->batch)
        HEL_TRY(encrypt_public(ckks, out, plain, key));
    finish(ckks, out, plain, key->key_id, hel_ckks_error_public(ckks->context));
    return HEL_OK;
}

/* c0 = m - (e + a s): nothing but the finished half ever lies in c0 unmasked by e. */
static hel_status encrypt_symmetric_items(hel_ckks *c, const pair *p, hel_view s,
                                          const uint8_t a_seed[HEL_SEED_BYTES],
                                          const uint8_t e_seed[HEL_SEED_BYTES], uint64_t first)
{
    const hel_ckks_context *t = c->context;
    const hel_backend_ops *ops = c->stream->ops;
    s.batch = p->c0.batch;
    HEL_TRY(ops->uniform(c->stream, t->basis, p->c1, a_seed, HEL_DOMAIN_CIPHER_A, first));
    HEL_TRY(ops->small(c->stream, t->basis, p->c0, e_seed, HEL_DOMAIN_CIPHER_E, 3 * first + 1, 3));
    HEL_TRY(ops->mul_add(c->stream, t->basis, p->c0, p->c1, s));
    return ops->sub(c->stream, t->basis, p->c0, p->m, p->c0);
}

static hel_status encrypt_symmetric(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_plain *plain,
                                    const hel_ckks_secret *secret)
{
    uint8_t e_seed[HEL_SEED_BYTES];
    hel_view s;
    HEL_TRY(hel_ckks_secret_view(c, secret, c->context->params.limbs[out->level], 1, &s));
    hel_status status = hel_random(c->engine, e_seed, sizeof e_seed);
    for (uint32_t first = 0; status == HEL_OK && first < out->batch; first += ITEMS) {
        const pair p = take_items(out, plain, first);
        status = encrypt_symmetric_items(c, &p, s, out->seed, e_seed, first);
    }
    hel_wipe(e_seed, sizeof e_seed);
    hel_ckks_secret_view_free(c, secret, s);
    return status;
}

hel_status hel_ckks_encrypt_symmetric(hel_ckks *ckks, hel_ckks_cipher *out,
                                      const hel_ckks_plain *plain, const hel_ckks_secret *secret)
{
    HEL_TRY(begin(ckks, out, plain));
    HEL_TRY(hel_ckks_check_secret(ckks, secret, NULL, "encrypt"));
    HEL_TRY(hel_ckks_cipher_shape(ckks, out, plain->batch, 2, plain->level, plain->log_slots));
    HEL_TRY(hel_random(ckks->engine, out->seed, sizeof out->seed));
    if (out->batch)
        HEL_TRY(encrypt_symmetric(ckks, out, plain, secret));
    finish(ckks, out, plain, secret->key_id, hel_ckks_error_symmetric(ckks->context));
    out->seeded = 1;
    return HEL_OK;
}
