/*
 * Secret keys of the evaluator: uniform ternary polynomials from fresh system randomness, their NTT
 * forms, and what operations see of them. No branch or address depends on a coefficient.
 */
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"
#include "host/ckks/switch_key.h"

/* One block of secret memory: the struct, then its vectors, each starting on a cache line. */
hel_status hel_ckks_secret_allocate(hel_ckks *c, hel_ckks_secret **out)
{
    const hel_ckks_context *t = c->context;
    const size_t n = t->n, head = (sizeof(hel_ckks_secret) + 63) / 64 * 64;
    uint8_t *block;
    *out = NULL;
    HEL_TRY(hel_secret_alloc(c->engine, &block, head + n + t->total * n * sizeof(uint32_t)));
    hel_ckks_secret *s = (hel_ckks_secret *)(void *)block;
    s->n = t->n;
    s->total = t->total;
    memcpy(s->params, t->digest, sizeof s->params);
    s->s = (int8_t *)(block + head);
    s->s_ntt = (uint32_t *)(void *)(block + head + n);
    *out = s;
    return HEL_OK;
}

void hel_ckks_secret_transform(hel_ckks *c, hel_ckks_secret *s)
{
    const hel_ring *ring = c->context->ring;
    for (uint32_t i = 0; i < s->total; i++) {
        uint32_t *out = s->s_ntt + (size_t)i * s->n;
        hel_small_residues(&ring->limb[i], out, s->s, s->n);
        hel_ntt_forward(ring, i, out);
    }
}

static hel_status draw(hel_ckks *c, hel_ckks_secret *s)
{
    const hel_ring *ring = c->context->ring;
    uint8_t seed[HEL_SEED_BYTES], *scratch;
    hel_chacha *chacha = NULL;
    HEL_TRY(hel_secret_alloc(c->engine, &scratch, 8 * (size_t)s->n));
    hel_status status = hel_random(c->engine, seed, sizeof seed);
    if (status == HEL_OK)
        status = hel_chacha_create(c->engine, &chacha, seed);
    hel_wipe(seed, sizeof seed);
    if (status == HEL_OK)
        status = hel_sample_ternary(ring, chacha, 0, s->s, scratch);
    hel_chacha_free(chacha);
    hel_secret_free(scratch);
    return status;
}

hel_status hel_ckks_secret_create(hel_ckks *ckks, hel_ckks_secret **out)
{
    hel_ckks_secret *s;
    hel_error_clear(ckks->engine);
    HEL_TRY(hel_ckks_secret_allocate(ckks, &s));
    hel_status status = hel_random(ckks->engine, s->key_id, sizeof s->key_id);
    if (status == HEL_OK)
        status = draw(ckks, s);
    if (status == HEL_OK)
        hel_ckks_secret_transform(ckks, s);
    else
        hel_ckks_secret_free(s);
    *out = status == HEL_OK ? s : NULL;
    return status;
}

void hel_ckks_secret_free(hel_ckks_secret *secret)
{
    hel_secret_free(secret);
}

hel_status hel_ckks_check_secret(hel_ckks *c, const hel_ckks_secret *s, const uint8_t key_id[16],
                                 const char *what)
{
    HEL_REQUIRE(c->engine, s, HEL_E_USAGE, "%s: a secret key is needed, NULL was given", what);
    HEL_REQUIRE(c->engine, !memcmp(s->params, c->context->digest, sizeof s->params), HEL_E_MISMATCH,
                "%s: the secret key was made for other parameters", what);
    HEL_REQUIRE(c->engine, !key_id || !memcmp(s->key_id, key_id, sizeof s->key_id), HEL_E_MISMATCH,
                "%s: the ciphertext was made under another key", what);
    return HEL_OK;
}

static int memory_is_the_hosts(const hel_ckks *c)
{
    return !strcmp(c->stream->ops->name, "cpu");
}

hel_status hel_ckks_secret_view(hel_ckks *c, const hel_ckks_secret *s, uint32_t limbs,
                                uint32_t batch, hel_view *out)
{
    if (memory_is_the_hosts(c)) {
        *out = (hel_view){s->s_ntt, batch, limbs, limbs, 0};
        return HEL_OK;
    }
    HEL_TRY(hel_ckks_scratch(c, out, 1, limbs, limbs));
    hel_status status =
        c->stream->ops->upload(c->stream, out->data, s->s_ntt, out->stride * sizeof *out->data);
    if (status != HEL_OK) {
        hel_ckks_scratch_free(c, *out);
        return status;
    }
    out->batch = batch;
    out->stride = 0;
    return HEL_OK;
}

void hel_ckks_secret_view_free(hel_ckks *c, const hel_ckks_secret *s, hel_view v)
{
    if (v.data == s->s_ntt)
        return;
    v.batch = 1;
    v.stride = (size_t)v.limbs * c->context->n;
    hel_ckks_scratch_wipe(c, v);
}
