/*
 * X -> X^g and X -> X^k times, on one limb. In NTT form an automorphism only moves values: word j
 * holds the value at psi^e, e = 2 bitrev(j) + 1, and a(X^g) at psi^e is a at psi^(g e).
 *
 * Aligned runs of 16 words (of any power of two) stay together: inside a run only the upper bits
 * of e vary, by multiples k of N/8, and g (e + k N/8) keeps its lower bits. The twins' permute
 * relies on this.
 */
#include <string.h>

#include "host/ring/ring_private.h"

void hel_automorph_map(const hel_ring *ring, uint32_t g, uint32_t *map)
{
    const uint32_t mask = 2 * ring->n - 1;
    for (uint32_t j = 0; j < ring->n; j++) {
        uint32_t e = 2 * hel_bit_reverse(j, ring->log_n) + 1;
        map[j] = hel_bit_reverse((g * e & mask) >> 1, ring->log_n);
    }
}

void hel_automorph_ntt(const hel_ring *ring, const uint32_t *map, uint32_t *out, const uint32_t *in)
{
    ring->ops->permute(out, in, map, ring->n);
}

void hel_automorph_coef(const hel_ring *ring, uint32_t limb, uint32_t g, uint32_t *out,
                        const uint32_t *in)
{
    const uint32_t n = ring->n, q = ring->limb[limb].q, mask = 2 * n - 1;
    for (uint32_t j = 0, e = 0; j < n; j++, e = (e + g) & mask) {
        uint32_t negative = 0u - (uint32_t)(e >= n); /* depends on g and j only */
        out[e & (n - 1)] = hel_mod_fold((in[j] ^ negative) - negative + (q & negative), q);
    }
}

void hel_monomial_coef(const hel_ring *ring, uint32_t limb, uint32_t k, uint32_t *out,
                       const uint32_t *in)
{
    const uint32_t n = ring->n, q = ring->limb[limb].q, shift = k & (n - 1);
    uint32_t *plain = out + shift, *wrapped = out; /* the part that passes X^N changes its sign */
    uint32_t plain_words = n - shift;
    if (!(k & n)) {
        memcpy(plain, in, plain_words * sizeof *in);
        for (uint32_t j = 0; j < shift; j++)
            wrapped[j] = hel_mod_fold(q - in[plain_words + j], q);
    } else {
        for (uint32_t j = 0; j < plain_words; j++)
            plain[j] = hel_mod_fold(q - in[j], q);
        memcpy(wrapped, in + plain_words, shift * sizeof *in);
    }
}
