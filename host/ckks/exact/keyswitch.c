/*
 * Hybrid key switching: cut c into digits of digit_limbs primes, lift each digit exactly and
 * centred to every prime, multiply by the key, divide by P with exact centred rounding.
 * Cost in limb transforms: digits (q + p) forward, 2 (q + p) inverse.
 */
#include <string.h>

#include "host/ckks/exact/expand_ops.h"
#include "host/ckks/switch_key.h"

/* Mixed radix with centred digits: digit k of the value lands in scratch + k N. */
static void mixed_radix(const hel_ring *ring, uint32_t first, uint32_t count,
                        const uint32_t *const *in, uint32_t *scratch)
{
    const size_t n = ring->n;
    uint32_t *lifted = scratch + count * n;
    memcpy(scratch, in[0], n * sizeof *scratch);
    for (uint32_t k = 1; k < count; k++) {
        const hel_limb *l = &ring->limb[first + k];
        const uint32_t *x = in[k];
        uint32_t *d = scratch + k * n;
        for (uint32_t j = 0; j < k; j++, x = d) {
            ring->ops->lift1(l, &ring->limb[first + j], lifted, scratch + j * n, n);
            ring->ops->sub_mul_scalar(l, d, x, lifted, l->q_inv[first + j], n);
        }
    }
}

void hel_lift_limbs(const hel_scheme *scheme, uint32_t first, uint32_t count,
                    const uint32_t *const *in, const uint32_t *target, uint32_t target_count,
                    uint32_t *const *out, uint32_t *scratch)
{
    const hel_ring *ring = scheme->ring;
    const hel_ring_ops *ops = ring->ops;
    const hel_limb *from = &ring->limb[first], *to[HEL_LIMBS_MAX + HEL_SPECIAL_MAX];
    const size_t n = ring->n;
    for (uint32_t t = 0; t < target_count; t++)
        to[t] = &ring->limb[target[t]];
    if (count == 2) {
        ops->lift2(to, target_count, from, from + 1, out, in[0], in[1], n);
        return;
    }
    if (count == 3 && scheme->expand_ops->lift3) {
        scheme->expand_ops->lift3(to, target_count, from, out, in, n);
        return;
    }
    if (count > 2)
        mixed_radix(ring, first, count, in, scratch);
    for (uint32_t t = 0; t < target_count; t++) {
        const uint32_t *top = count > 2 ? scratch + (count - 1) * n : in[0];
        ops->lift1(to[t], from + count - 1, out[t], top, n);
        for (uint32_t k = count - 1; k-- > 0;) { /* Horner */
            uint32_t *lifted = scratch + count * n;
            ops->mul_scalar(to[t], out[t], out[t], hel_mod_fold(from[k].q, to[t]->q), n);
            ops->lift1(to[t], from + k, lifted, scratch + k * n, n);
            ops->add(to[t], out[t], out[t], lifted, n);
        }
    }
}

uint32_t hel_special_product(const hel_scheme *scheme, uint32_t i)
{
    const uint32_t first = scheme->params.expand_limbs;
    return hel_limb_product(scheme->ring, first, scheme->total - first, i);
}

uint32_t hel_special_inverse(const hel_scheme *scheme, uint32_t i)
{
    const hel_limb *l = &scheme->ring->limb[i];
    uint32_t inverse = 1;
    for (uint32_t p = scheme->params.expand_limbs; p < scheme->total; p++)
        inverse = hel_mod_mul(inverse, l->q_inv[p], l->q);
    return inverse;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

size_t hel_keyswitch_scratch_words(const hel_scheme *scheme)
{
    const hel_params *p = &scheme->params;
    size_t galois = (size_t)(scheme->digits + 2) * scheme->total;
    size_t relin = (size_t)(p->scan_limbs + 3) * p->scan_limbs; /* and d2 of an output */
    size_t lift = max_u32(p->digit_limbs, p->special_limbs) + 1;
    return ((galois > relin ? galois : relin) + lift) * scheme->n;
}

/* Lifts digit j of c to the key's other limbs and brings all of it to NTT form. */
static void transform_digit(const hel_scheme *scheme, const hel_switch_key *key, uint32_t j,
                            const uint32_t *c, const uint32_t *c_ntt, uint32_t *digit,
                            uint32_t *scratch)
{
    const size_t n = scheme->n;
    const uint32_t limbs = key->q_limbs + key->special, first = j * key->digit_limbs;
    const uint32_t end = hel_min_u32(first + key->digit_limbs, key->q_limbs);
    const uint32_t *in[HEL_LIMBS_MAX];
    uint32_t target[HEL_LIMBS_MAX + HEL_SPECIAL_MAX], targets = 0;
    uint32_t *out[HEL_LIMBS_MAX + HEL_SPECIAL_MAX];
    for (uint32_t t = 0; t < limbs; t++) {
        if (t >= first && t < end) {
            in[t - first] = c + t * n;
            memcpy(digit + t * n, (c_ntt ? c_ntt : c) + t * n, n * sizeof *digit);
        } else {
            target[targets] = hel_switch_limb(scheme, key, t);
            out[targets++] = digit + t * n;
        }
    }
    hel_lift_limbs(scheme, first, end - first, in, target, targets, out, scratch);
    for (uint32_t t = 0; t < limbs; t++)
        if (!c_ntt || t < first || t >= end)
            hel_ntt_forward(scheme->ring, hel_switch_limb(scheme, key, t), digit + t * n);
}

void hel_switch_inner(const hel_scheme *scheme, const hel_switch_key *key, const uint32_t *c,
                      const uint32_t *c_ntt, uint32_t *acc, uint32_t *scratch)
{
    const size_t n = scheme->n;
    const uint32_t limbs = key->q_limbs + key->special;
    uint32_t *free_words = scratch + (size_t)key->digits * limbs * n;
    for (uint32_t j = 0; j < key->digits; j++)
        transform_digit(scheme, key, j, c, c_ntt, scratch + (size_t)j * limbs * n, free_words);
    for (uint32_t t = 0; t < limbs; t++)
        for (uint32_t p = 0; p < 2; p++) {
            const uint32_t *digit[HEL_LIMBS_MAX], *half[HEL_LIMBS_MAX];
            for (uint32_t j = 0; j < key->digits; j++) {
                digit[j] = scratch + ((size_t)j * limbs + t) * n;
                half[j] = hel_switch_vector(key, scheme->n, j, p, t);
            }
            scheme->ring->ops->dot(&scheme->ring->limb[hel_switch_limb(scheme, key, t)],
                                   acc + ((size_t)p * limbs + t) * n, digit, half, key->digits, n);
        }
}

/* out = (acc - [acc]_P) / P over the key's q_limbs; acc (coefficient form) keeps its q_limbs. */
static void divide_by_special(const hel_scheme *scheme, const hel_switch_key *key,
                              const uint32_t *acc, uint32_t *out, uint32_t *scratch)
{
    const size_t n = scheme->n;
    const uint32_t *in[HEL_SPECIAL_MAX];
    uint32_t target[HEL_LIMBS_MAX], *lifted[HEL_LIMBS_MAX];
    for (uint32_t p = 0; p < key->special; p++)
        in[p] = acc + (key->q_limbs + p) * n;
    for (uint32_t i = 0; i < key->q_limbs; i++) {
        target[i] = i;
        lifted[i] = out + i * n;
    }
    hel_lift_limbs(scheme, scheme->params.expand_limbs, key->special, in, target, key->q_limbs,
                   lifted, scratch);
    for (uint32_t i = 0; i < key->q_limbs; i++)
        scheme->ring->ops->sub_mul_scalar(&scheme->ring->limb[i], lifted[i], acc + i * n, lifted[i],
                                          hel_special_inverse(scheme, i), n);
}

void hel_keyswitch(const hel_scheme *scheme, const hel_switch_key *key, const uint32_t *c,
                   uint32_t *out0, uint32_t *out1, uint32_t *scratch)
{
    const size_t n = scheme->n;
    const uint32_t limbs = key->q_limbs + key->special;
    uint32_t *acc = scratch, *inner = scratch + 2 * (size_t)limbs * n;
    hel_switch_inner(scheme, key, c, NULL, acc, inner);
    for (uint32_t p = 0; p < 2; p++) {
        uint32_t *half = acc + (size_t)p * limbs * n, *out = p ? out1 : out0;
        for (uint32_t t = 0; t < limbs; t++)
            hel_ntt_inverse(scheme->ring, hel_switch_limb(scheme, key, t), half + t * n);
        if (key->special)
            divide_by_special(scheme, key, half, out, inner);
        else
            memcpy(out, half, limbs * n * sizeof *out);
    }
}
