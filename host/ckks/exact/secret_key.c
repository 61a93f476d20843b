/*
 * The secret key: drawing, spectral cap, derived NTT forms, coding, owner sub-secrets. No branch
 * or address depends on a coefficient except the public verdict "draw again" of the cap, which
 * concerns a polynomial that is then thrown away.
 */
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/exact/scheme_private.h"
#include "host/ckks/residue_bytes.h"

#define KEY_VERSION 1u
#define KEY_HEADER  (4u + 4u + 16u + 32u) /* version, log N, key id, owner */
#define DRAWS       64                    /* one draw in 45 is refused: 64 in a row never happen */

/* One block of secret memory: the struct, then its vectors, each starting on a cache line. */
static hel_status allocate(hel_engine *engine, const hel_scheme *scheme, hel_secret_key **out)
{
    const size_t n = scheme->n, head = (sizeof(hel_secret_key) + 63) / 64 * 64;
    const size_t words = (scheme->total + scheme->params.scan_limbs) * n;
    uint8_t *block;
    *out = NULL;
    HEL_TRY(hel_secret_alloc(engine, &block, head + n + words * sizeof(uint32_t)));
    hel_secret_key *k = (hel_secret_key *)(void *)block;
    k->n = scheme->n;
    k->total = scheme->total;
    k->s = (int8_t *)(block + head);
    k->s_ntt = (uint32_t *)(void *)(block + head + n);
    k->s2_ntt = k->s_ntt + scheme->total * n;
    *out = k;
    return HEL_OK;
}

static void fill_ntt(const hel_scheme *scheme, hel_secret_key *k)
{
    const hel_ring *ring = scheme->ring;
    for (uint32_t i = 0; i < scheme->total; i++) {
        uint32_t *out = k->s_ntt + (size_t)i * k->n, q = ring->limb[i].q;
        for (uint32_t j = 0; j < k->n; j++) {
            uint32_t v = (uint32_t)(int32_t)k->s[j];
            out[j] = hel_min_u32(v, v + q); /* -1 wraps to q - 1 */
        }
        hel_ntt_forward(ring, i, out);
        if (i < scheme->params.scan_limbs)
            ring->ops->mul(&ring->limb[i], k->s2_ntt + (size_t)i * k->n, out, out, k->n);
    }
}

static hel_status within_cap(hel_engine *engine, const hel_scheme *scheme, const int8_t *s,
                             int *within)
{
    double max, norm2;
    HEL_TRY(hel_spectrum_max(engine, scheme->params.log_n, s, &max, &norm2));
    *within = max <= HEL_SPECTRAL_CAP * norm2;
    return HEL_OK;
}

/* A ternary polynomial under the cap, from fresh system randomness. */
static hel_status draw(hel_engine *engine, const hel_scheme *scheme, int8_t *s)
{
    uint8_t seed[32], *scratch;
    int within = 0;
    hel_chacha *chacha = NULL;
    HEL_TRY(hel_secret_alloc(engine, &scratch, 8 * (size_t)scheme->n));
    hel_status status = hel_random(engine, seed, sizeof seed);
    if (status == HEL_OK)
        status = hel_chacha_create(engine, &chacha, seed);
    hel_wipe(seed, sizeof seed);
    for (uint64_t object = 0; status == HEL_OK && !within && object < DRAWS; object++) {
        status = hel_sample_ternary(scheme->ring, chacha, object, s, scratch);
        if (status == HEL_OK)
            status = within_cap(engine, scheme, s, &within);
    }
    hel_chacha_free(chacha);
    hel_secret_free(scratch);
    if (status == HEL_OK && !within)
        status = hel_fail(engine, HEL_E_INTERNAL, "secret key: %d draws beyond the cap", DRAWS);
    return status;
}

hel_status hel_secret_key_generate(hel_engine *engine, const hel_scheme *scheme,
                                   hel_secret_key **out)
{
    hel_secret_key *k;
    hel_status status;
    *out = NULL;
    HEL_TRY(allocate(engine, scheme, &k));
    HEL_TRY_GOTO(hel_random(engine, k->key_id, sizeof k->key_id), fail);
    HEL_TRY_GOTO(hel_random(engine, k->owner, sizeof k->owner), fail);
    HEL_TRY_GOTO(draw(engine, scheme, k->s), fail);
    fill_ntt(scheme, k);
    *out = k;
    return HEL_OK;
fail:
    hel_secret_key_free(k);
    return status;
}

hel_status hel_secret_key_encode(hel_engine *engine, const hel_secret_key *k, hel_buf *out)
{
    const size_t bytes = KEY_HEADER + k->n / 4;
    uint8_t *data;
    HEL_TRY(hel_secret_alloc(engine, &data, bytes)); /* one put: the buffer never grows */
    hel_put_u32(data, KEY_VERSION);
    hel_put_u32(data + 4, (uint32_t)__builtin_ctz(k->n));
    memcpy(data + 8, k->key_id, sizeof k->key_id);
    memcpy(data + 24, k->owner, sizeof k->owner);
    hel_ternary_put(data + KEY_HEADER, k->s, k->n);
    hel_status status = hel_buf_put(engine, out, data, bytes);
    hel_secret_free(data);
    return status;
}

hel_status hel_secret_key_decode(hel_engine *engine, const hel_scheme *scheme, const uint8_t *data,
                                 size_t bytes, hel_secret_key **out)
{
    hel_secret_key *k;
    hel_status status;
    int within = 0;
    *out = NULL;
    HEL_REQUIRE(engine, bytes >= KEY_HEADER && hel_get_u32(data) == KEY_VERSION, HEL_E_FORMAT,
                "secret key: too short or of an unknown version");
    HEL_REQUIRE(engine, hel_get_u32(data + 4) == scheme->params.log_n, HEL_E_MISMATCH,
                "secret key: it does not have the parameters' N");
    HEL_REQUIRE(engine, bytes == KEY_HEADER + scheme->n / 4, HEL_E_FORMAT,
                "secret key: %zu bytes, the rule is %u", bytes, KEY_HEADER + scheme->n / 4);
    HEL_TRY(allocate(engine, scheme, &k));
    memcpy(k->key_id, data + 8, sizeof k->key_id);
    memcpy(k->owner, data + 24, sizeof k->owner);
    if (!hel_ternary_get(k->s, data + KEY_HEADER, k->n)) {
        status = hel_fail(engine, HEL_E_FORMAT, "secret key: a coefficient is not ternary");
        goto fail;
    }
    HEL_TRY_GOTO(within_cap(engine, scheme, k->s, &within), fail);
    if (!within) {
        status = hel_fail(engine, HEL_E_FORMAT, "secret key: its spectrum is beyond the cap");
        goto fail;
    }
    fill_ntt(scheme, k);
    *out = k;
    return HEL_OK;
fail:
    hel_secret_key_free(k);
    return status;
}

void hel_secret_key_free(hel_secret_key *k)
{
    hel_secret_free(k);
}

hel_status hel_owner_secret(hel_engine *engine, const hel_secret_key *k, const char *label,
                            const void *context, size_t context_bytes, uint8_t out[32])
{
    return hel_hkdf(engine, k->owner, sizeof k->owner, label, context, context_bytes, out, 32);
}
