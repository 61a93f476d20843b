/*
 * Random polynomials from ChaCha20 streams that are addressed, not consumed: the value of a
 * coefficient depends on its position alone, so any order and any number of threads agree. Errors
 * and ternary secrets are drawn without branches or indices that depend on them.
 */
#include "host/base/bytes.h"
#include "host/base/mem.h"
#include "host/ring/ring.h"

#define TRIES 256

void hel_nonce(uint32_t nonce[3], uint64_t object, hel_domain domain, uint32_t index,
               uint32_t attempt)
{
    nonce[0] = (uint32_t)object;
    nonce[1] = (uint32_t)(object >> 32);
    nonce[2] = (uint32_t)domain << 24 | (index & 0xffff) << 8 | (attempt & 0xff);
}

int hel_domain_is_wide(hel_domain domain)
{
    return domain >= HEL_DOMAIN_CIPHER_A && domain <= HEL_DOMAIN_SWITCH_A;
}

static size_t accept(const hel_ring *ring, const hel_limb *l, hel_domain domain, uint32_t *out,
                     const uint8_t *words, size_t n)
{
    return (hel_domain_is_wide(domain) ? ring->ops->uniform_wide
                                       : ring->ops->uniform_accept)(l, out, words, n);
}

/* Settles the refused coefficients of the 16-word run `block` with further tries. */
static hel_status settle_block(const hel_ring *ring, const hel_limb *l, hel_chacha *chacha,
                               uint64_t object, hel_domain domain, uint32_t block, uint32_t *out)
{
    uint32_t nonce[3], open = 1, tried[16];
    uint8_t bytes[64];
    for (uint32_t attempt = 1; attempt < TRIES && open; attempt++) {
        hel_nonce(nonce, object, domain, l->index, attempt);
        HEL_TRY(hel_chacha_stream(chacha, block, nonce, bytes, sizeof bytes));
        accept(ring, l, domain, tried, bytes, 16);
        open = 0;
        for (uint32_t i = 0; i < 16; i++) {
            if (out[i] == HEL_UNIFORM_OPEN)
                out[i] = tried[i];
            open |= out[i] == HEL_UNIFORM_OPEN;
        }
    }
    return open ? HEL_E_INTERNAL : HEL_OK;
}

hel_status hel_sample_uniform_range(const hel_ring *ring, uint32_t limb, hel_chacha *chacha,
                                    uint64_t object, hel_domain domain, size_t first, size_t count,
                                    uint32_t *out, uint8_t *scratch)
{
    const hel_limb *l = &ring->limb[limb];
    const uint32_t block = (uint32_t)(first / 16);
    uint32_t nonce[3];
    hel_nonce(nonce, object, domain, l->index, 0);
    HEL_TRY(hel_chacha_stream(chacha, block, nonce, scratch, 4 * count));
    size_t refused = accept(ring, l, domain, out, scratch, count);
    for (uint32_t b = 0; refused && b < count / 16; b++) {
        uint32_t *run = out + 16 * (size_t)b;
        size_t here = 0;
        for (uint32_t i = 0; i < 16; i++)
            here += run[i] == HEL_UNIFORM_OPEN;
        if (!here)
            continue;
        HEL_TRY(settle_block(ring, l, chacha, object, domain, block + b, run));
        refused -= here;
    }
    return HEL_OK;
}

hel_status hel_sample_uniform(const hel_ring *ring, uint32_t limb, hel_chacha *chacha,
                              uint64_t object, hel_domain domain, uint32_t *out, uint8_t *scratch)
{
    return hel_sample_uniform_range(ring, limb, chacha, object, domain, 0, ring->n, out, scratch);
}

hel_status hel_sample_cbd21(const hel_ring *ring, hel_chacha *chacha, uint64_t object,
                            hel_domain domain, int8_t *out, uint8_t *scratch)
{
    const size_t bytes = 8 * (size_t)ring->n;
    uint32_t nonce[3];
    hel_nonce(nonce, object, domain, 0, 0);
    hel_status status = hel_chacha_stream(chacha, 0, nonce, scratch, bytes);
    if (status == HEL_OK)
        ring->ops->cbd21(out, scratch, ring->n);
    hel_wipe(scratch, bytes);
    return status;
}

hel_status hel_sample_ternary(const hel_ring *ring, hel_chacha *chacha, uint64_t object,
                              int8_t *out, uint8_t *scratch)
{
    const size_t bytes = 8 * (size_t)ring->n;
    uint32_t nonce[3];
    hel_nonce(nonce, object, HEL_DOMAIN_TERNARY, 0, 0);
    hel_status status = hel_chacha_stream(chacha, 0, nonce, scratch, bytes);
    if (status == HEL_OK)
        for (uint32_t j = 0; j < ring->n; j++) {
            unsigned __int128 x3 = (unsigned __int128)hel_get_u64(scratch + 8 * (size_t)j) * 3;
            out[j] = (int8_t)((int32_t)(uint32_t)(x3 >> 64) - 1);
        }
    hel_wipe(scratch, bytes);
    return status;
}

hel_status hel_sample_signs(const hel_ring *ring, hel_chacha *chacha, uint64_t object, int8_t *out)
{
    uint8_t bytes[128]; /* divides N/8, which is at least 128 */
    uint32_t nonce[3];
    hel_nonce(nonce, object, HEL_DOMAIN_SIGN, 0, 0);
    for (uint32_t at = 0; at < ring->n / 8; at += (uint32_t)sizeof bytes) {
        HEL_TRY(hel_chacha_stream(chacha, at / 64, nonce, bytes, sizeof bytes));
        for (uint32_t i = 0; i < 8 * sizeof bytes; i++)
            out[8 * (size_t)at + i] = (int8_t)(1 - 2 * (bytes[i / 8] >> (i % 8) & 1));
    }
    return HEL_OK;
}
