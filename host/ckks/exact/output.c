/*
 * Outputs: relinearize, drop the last scan prime with exact centred rounding, and on the owner's
 * side decode. Da = q_last 2^k makes the remaining factor the integer 2^k Dz, so decoding is a
 * rounding of an exact quotient.
 */
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/exact/scheme_private.h"

void hel_output_finish(const hel_scheme *scheme, const hel_switch_key *relin, uint32_t *d0,
                       uint32_t *d1, uint32_t *d2, uint32_t *r0, uint32_t *r1, uint32_t *scratch)
{
    const hel_ring *ring = scheme->ring;
    const size_t n = scheme->n;
    const uint32_t scan = scheme->params.scan_limbs, last = scan - 1;
    uint32_t *coef = scratch, *acc = coef + scan * n, *inner = acc + 2 * (size_t)scan * n;
    memcpy(coef, d2, scan * n * sizeof *coef);
    for (uint32_t i = 0; i < scan; i++)
        hel_ntt_inverse(ring, i, coef + i * n);
    hel_switch_inner(scheme, relin, coef, d2, acc, inner);
    for (uint32_t p = 0; p < 2; p++) {
        uint32_t *d = p ? d1 : d0, *r = p ? r1 : r0, *half = acc + (size_t)p * scan * n;
        for (uint32_t i = 0; i < scan; i++) {
            ring->ops->add(&ring->limb[i], half + i * n, half + i * n, d + i * n, n);
            hel_ntt_inverse(ring, i, half + i * n);
        }
        memcpy(r, half, last * n * sizeof *r);
        for (uint32_t i = 0; i < last; i++)
            ring->ops->drop(&ring->limb[i], &ring->limb[last], r + i * n, half + last * n, n);
    }
}

/* Nearest integer to x / scale; ties cannot decide a sum that the noise bound lets through. Over
 * two limbs |x| < 2^59 and scale < 2^63: one 64-bit division will do. */
static __int128 round_quotient(__int128 x, uint64_t scale, int narrow)
{
    if (narrow) {
        int64_t half = (int64_t)(scale / 2), v = (int64_t)x;
        return (v + (v < 0 ? -half : half)) / (int64_t)scale;
    }
    __int128 half = (__int128)(scale / 2);
    return (x + (x < 0 ? -half : half)) / (__int128)scale;
}

static hel_status decode_phase(const hel_scheme *scheme, const __int128 *phase, int64_t limit,
                               int64_t *sums)
{
    const int narrow = scheme->params.out_limbs <= 2;
    int outside = 0;
    for (uint32_t j = 0; j < scheme->n; j++) {
        __int128 s = round_quotient(phase[j], scheme->out_scale, narrow);
        outside |= s > limit || s < -(__int128)limit;
        sums[j] = (int64_t)s;
    }
    if (outside)
        hel_wipe(sums, scheme->n * sizeof *sums); /* nothing of a refused tile is left behind */
    return outside ? HEL_E_VERIFY : HEL_OK;
}

hel_status hel_decrypt_sums(hel_engine *engine, const hel_scheme *scheme, const hel_secret_key *k,
                            const uint32_t *r0, const uint32_t *r1, int64_t limit, int64_t *sums)
{
    const hel_ring *ring = scheme->ring;
    const size_t n = scheme->n;
    const uint32_t out = scheme->params.out_limbs;
    const uint32_t *residues[HEL_OUT_LIMBS_MAX];
    uint32_t index[HEL_OUT_LIMBS_MAX];
    __int128 *phase;
    HEL_REQUIRE(engine, k->n == scheme->n && k->total == scheme->total, HEL_E_MISMATCH,
                "decryption: the secret key belongs to other parameters");
    HEL_TRY(hel_secret_alloc(engine, &phase, n * (sizeof *phase + out * sizeof(uint32_t))));
    uint32_t *c = (uint32_t *)(phase + n);
    memcpy(c, r1, out * n * sizeof *c);
    for (uint32_t i = 0; i < out; i++) {
        const hel_limb *l = &ring->limb[i];
        hel_ntt_forward(ring, i, c + i * n);
        ring->ops->mul(l, c + i * n, c + i * n, k->s_ntt + i * n, n);
        hel_ntt_inverse(ring, i, c + i * n);
        ring->ops->add(l, c + i * n, c + i * n, r0 + i * n, n);
        residues[i] = c + i * n;
        index[i] = i;
    }
    hel_rns_reconstruct(ring, index, out, residues, phase, n);
    hel_status status = decode_phase(scheme, phase, limit, sums);
    hel_secret_free(phase);
    return status;
}

hel_status hel_phase_degree2(hel_engine *engine, const hel_scheme *scheme, const hel_secret_key *k,
                             const uint32_t *d0, const uint32_t *d1, const uint32_t *d2,
                             __int128 *phase)
{
    const hel_ring *ring = scheme->ring;
    const size_t n = scheme->n;
    const uint32_t scan = scheme->params.scan_limbs;
    const uint32_t *residues[HEL_OUT_LIMBS_MAX];
    uint32_t index[HEL_OUT_LIMBS_MAX], *c;
    HEL_REQUIRE(engine, scan <= HEL_OUT_LIMBS_MAX, HEL_E_UNSUPPORTED,
                "diagnostics: a phase over %u limbs, this version takes %u", scan,
                HEL_OUT_LIMBS_MAX);
    HEL_TRY(hel_secret_alloc(engine, &c, scan * n * sizeof *c));
    for (uint32_t i = 0; i < scan; i++) {
        const hel_limb *l = &ring->limb[i];
        ring->ops->mul(l, c + i * n, d1 + i * n, k->s_ntt + i * n, n);
        ring->ops->mul_add(l, c + i * n, d2 + i * n, k->s2_ntt + i * n, n);
        ring->ops->add(l, c + i * n, c + i * n, d0 + i * n, n);
        hel_ntt_inverse(ring, i, c + i * n);
        residues[i] = c + i * n;
        index[i] = i;
    }
    hel_rns_reconstruct(ring, index, scan, residues, phase, n);
    hel_secret_free(c);
    return HEL_OK;
}
