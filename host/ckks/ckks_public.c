/*
 * Public keys: an encryption of zero, (b, a) with b = -a s + e over the primes of Q.
 */
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"
#include "host/ckks/switch_key.h"

hel_status hel_ckks_public_allocate(hel_ckks *c, hel_ckks_public **out)
{
    hel_ckks_public *k;
    *out = NULL;
    HEL_TRY(hel_calloc(c->engine, &k, 1, sizeof *k));
    k->context = c->context;
    hel_ckks_context_hold(c->context);
    hel_status status =
        hel_ckks_memory(c, &k->data, 2 * (size_t)c->context->q_limbs * c->context->n);
    if (status != HEL_OK) {
        hel_ckks_public_free(k);
        return status;
    }
    *out = k;
    return HEL_OK;
}

void hel_ckks_public_free(hel_ckks_public *key)
{
    if (!key)
        return;
    hel_ckks_memory_free(key->context, key->data, 0);
    hel_ckks_context_release(key->context);
    hel_free(key);
}

/* The shape of a switching key with one digit, no special primes and nothing to switch from. */
static hel_status generate(hel_ckks *c, hel_ckks_public *k, const hel_ckks_secret *secret,
                           const uint8_t e_seed[HEL_SEED_BYTES])
{
    const hel_ckks_context *t = c->context;
    const size_t words = 2 * (size_t)t->q_limbs * t->n;
    const hel_switch_shape shape = {t->q_limbs, 0, t->q_limbs, t->q_limbs};
    const hel_switch_digit digit = {.domain_a = HEL_DOMAIN_PUBLIC_A,
                                    .domain_e = HEL_DOMAIN_PUBLIC_E};
    hel_switch_generator *g = NULL;
    uint32_t *pair;
    HEL_TRY(hel_malloc(c->engine, &pair, words, sizeof *pair));
    hel_status status =
        hel_switch_generator_create(c->engine, &g, t->ring, secret->s_ntt, k->seed, e_seed);
    if (status == HEL_OK)
        status = hel_switch_generate(g, &shape, &digit, pair);
    if (status == HEL_OK)
        status = c->stream->ops->upload(c->stream, k->data, pair, words * sizeof *pair);
    if (status == HEL_OK)
        status = c->stream->ops->sync(c->stream);
    hel_switch_generator_free(g);
    hel_free(pair);
    return status;
}

hel_status hel_ckks_public_create(hel_ckks *ckks, hel_ckks_public **out,
                                  const hel_ckks_secret *secret)
{
    uint8_t e_seed[HEL_SEED_BYTES];
    hel_ckks_public *k;
    *out = NULL;
    hel_error_clear(ckks->engine);
    HEL_TRY(hel_ckks_check_secret(ckks, secret, NULL, "public key"));
    HEL_TRY(hel_ckks_public_allocate(ckks, &k));
    memcpy(k->key_id, secret->key_id, sizeof k->key_id);
    hel_status status = hel_random(ckks->engine, k->seed, sizeof k->seed);
    if (status == HEL_OK)
        status = hel_random(ckks->engine, e_seed, sizeof e_seed);
    if (status == HEL_OK)
        status = generate(ckks, k, secret, e_seed);
    hel_wipe(e_seed, sizeof e_seed);
    if (status != HEL_OK) {
        hel_ckks_public_free(k);
        return status;
    }
    *out = k;
    return HEL_OK;
}
