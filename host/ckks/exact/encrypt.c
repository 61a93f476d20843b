/*
 * Encryption under streams (exactness chapter H): uniform halves from the file's public seed,
 * errors from a secret that is never stored. Nothing branches or indexes on m, e, w or s.
 */
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/exact/scheme_private.h"

struct hel_encryptor {
    const hel_scheme *scheme;
    hel_chacha *seed, *errors;
    uint32_t *minus_s; /* expand_limbs x N: -s, NTT form */
    uint32_t *a;       /* N */
    uint32_t *w;       /* N: packed weights */
    int8_t *e, *zero;  /* N each */
    uint8_t *bytes;    /* 8 N */
};                     /* all of it in one block of secret memory */

hel_status hel_encryptor_create(hel_engine *engine, hel_encryptor **out, const hel_scheme *scheme,
                                const hel_secret_key *k, const uint8_t public_seed[HEL_SEED_BYTES],
                                const uint8_t error_seed[HEL_SEED_BYTES])
{
    const size_t n = scheme->n, expand = scheme->params.expand_limbs;
    const size_t head = (sizeof(hel_encryptor) + 63) / 64 * 64;
    uint8_t *block;
    hel_status status;
    *out = NULL;
    HEL_REQUIRE(engine, scheme->params.plane_max <= 127, HEL_E_UNSUPPORTED,
                "encryption: planes up to %u, this version takes them up to 127",
                scheme->params.plane_max);
    HEL_REQUIRE(engine, k->n == scheme->n && k->total >= expand, HEL_E_MISMATCH,
                "encryption: the secret key belongs to other parameters");
    HEL_TRY(hel_secret_alloc(engine, &block, head + n * (4 * (expand + 2) + 2 + 8)));
    hel_encryptor *e = (hel_encryptor *)(void *)block;
    e->scheme = scheme;
    e->minus_s = (uint32_t *)(void *)(block + head);
    e->a = e->minus_s + expand * n;
    e->w = e->a + n;
    e->bytes = (uint8_t *)(e->w + n);
    e->e = (int8_t *)(e->bytes + 8 * n);
    e->zero = e->e + n;
    for (uint32_t i = 0; i < expand; i++) {
        const hel_limb *l = &scheme->ring->limb[i];
        scheme->ring->ops->mul_scalar(l, e->minus_s + i * n, k->s_ntt + i * n, l->q - 1, n);
    }
    HEL_TRY_GOTO(hel_chacha_create(engine, &e->seed, public_seed), fail);
    HEL_TRY_GOTO(hel_chacha_create(engine, &e->errors, error_seed), fail);
    *out = e;
    return HEL_OK;
fail:
    hel_encryptor_free(e);
    return status;
}

void hel_encryptor_free(hel_encryptor *e)
{
    if (!e)
        return;
    hel_chacha_free(e->seed);
    hel_chacha_free(e->errors);
    hel_secret_free(e);
}

/* c (coefficient form, limb i) -> NTT(c) - a s */
static hel_status mask_limb(hel_encryptor *e, uint32_t i, hel_domain domain, uint64_t object,
                            uint32_t *c)
{
    const hel_ring *ring = e->scheme->ring;
    const size_t n = e->scheme->n;
    hel_ntt_forward(ring, i, c);
    HEL_TRY(hel_sample_uniform(ring, i, e->seed, object, domain, e->a, e->bytes));
    ring->ops->mul_add(&ring->limb[i], c, e->a, e->minus_s + i * n, n);
    return HEL_OK;
}

hel_status hel_encrypt_plane(hel_encryptor *e, uint64_t object, const int8_t *m, uint32_t *c0)
{
    const hel_scheme *scheme = e->scheme;
    const size_t n = scheme->n;
    HEL_TRY(hel_sample_cbd21(scheme->ring, e->errors, object, HEL_DOMAIN_GENO_E, e->e, e->bytes));
    for (uint32_t i = 0; i < scheme->params.scan_limbs; i++) {
        uint32_t *c = c0 + i * n;
        scheme->ring->ops->embed(&scheme->ring->limb[i], c, m, scheme->da[i], e->e, n);
        HEL_TRY(mask_limb(e, i, HEL_DOMAIN_GENO_A, object, c));
    }
    return HEL_OK;
}

static uint32_t reverse_bits(uint32_t i, uint32_t bits)
{
    uint32_t r = 0;
    for (uint32_t b = 0; b < bits; b++)
        r |= (i >> b & 1) << (bits - 1 - b);
    return r;
}

hel_status hel_encrypt_weights(hel_encryptor *e, uint64_t object, const int32_t *w, uint32_t count,
                               uint32_t *c0)
{
    const hel_scheme *scheme = e->scheme;
    const hel_ring_ops *ops = scheme->ring->ops;
    const size_t n = scheme->n;
    if (count > n)
        return HEL_E_USAGE;
    HEL_TRY(hel_sample_cbd21(scheme->ring, e->errors, object, HEL_DOMAIN_WEIGHT_E, e->e, e->bytes));
    for (uint32_t i = 0; i < scheme->params.expand_limbs; i++) {
        const hel_limb *l = &scheme->ring->limb[i];
        uint32_t *c = c0 + i * n;
        memset(e->w, 0, n * sizeof *e->w);
        for (uint32_t t = 0; t < count; t++) {
            uint32_t v = (uint32_t)w[t]; /* |w| < 2^23: one wrap */
            e->w[reverse_bits(t, scheme->params.log_n)] = hel_min_u32(v, v + l->q);
        }
        ops->mul_scalar(l, e->w, e->w, scheme->wz[i], n);
        ops->embed(l, c, e->zero, 0, e->e, n);
        ops->add(l, c, c, e->w, n);
        HEL_TRY(mask_limb(e, i, HEL_DOMAIN_WEIGHT_A, object, c));
    }
    return HEL_OK;
}

hel_status hel_expand_uniform(const hel_scheme *scheme, hel_chacha *seed, hel_domain domain,
                              uint64_t object, uint32_t limbs, uint32_t *a, uint8_t *scratch)
{
    for (uint32_t i = 0; i < limbs; i++)
        HEL_TRY(hel_sample_uniform(scheme->ring, i, seed, object, domain, a + (size_t)i * scheme->n,
                                   scratch));
    return HEL_OK;
}

/* Seeds stay unpredictable when the system's generator is weak (the owner's secret) and differ
 * for different contents when it repeats itself (the digest). */
hel_status hel_fresh_seeds(hel_engine *engine, const hel_secret_key *k,
                           const uint8_t content[HEL_DIGEST_BYTES],
                           uint8_t public_seed[HEL_SEED_BYTES], uint8_t error_seed[HEL_SEED_BYTES])
{
    uint8_t info[32 + HEL_DIGEST_BYTES];
    memcpy(info + 32, content, HEL_DIGEST_BYTES);
    hel_status status = hel_random(engine, info, 32);
    if (status == HEL_OK)
        status = hel_owner_secret(engine, k, "heloci public seed", info, sizeof info, public_seed);
    if (status == HEL_OK)
        status = hel_random(engine, info, 32);
    if (status == HEL_OK)
        status = hel_owner_secret(engine, k, "heloci error seed", info, sizeof info, error_seed);
    hel_wipe(info, sizeof info);
    return status;
}
