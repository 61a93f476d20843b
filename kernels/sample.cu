/*
 * Random limbs from ChaCha20 (RFC 8439), addressed by position: the streams of host/ring/sample.c.
 * A thread makes one 64-byte block: 16 uniform residues, or 8 small coefficients.
 */
#include "kernels/sample.h"

#include "kernels/chacha.h"

K_DEVICE void nonce_of(const k_sample *a, uint32_t item, uint32_t index, uint32_t attempt,
                       uint32_t *nonce)
{
    const uint64_t object =
        ((uint64_t)a->object_high << 32 | a->object_low) + (uint64_t)item * a->step;
    nonce[0] = (uint32_t)object;
    nonce[1] = (uint32_t)(object >> 32);
    nonce[2] = a->domain << 24 | (index & 0xffff) << 8 | (attempt & 0xff);
}

/* 16 bytes at once: neighbouring threads' words are 8 or 16 apart. */
K_DEVICE void store4(uint32_t *p, const uint32_t *r)
{
    const k_quad x = {r[0], r[1], r[2], r[3]};
    *(k_quad *)p = x;
}

/* The first try of each word that the rule takes; tries end at 256, which is never reached. Grid
 * (limbs, batch, N / 16 / threads). */
K_KERNEL(k_uniform, k_sample, K_SAMPLE_THREADS)
{
    const uint32_t block = K_BLOCK_Z * K_SAMPLE_THREADS + K_THREAD, limb = K_BLOCK_X;
    const uint32_t index = limb < A.out.q_limbs ? limb : limb + A.out.skip;
    const k_limb *l = A.ring.limb + index;
    const uint32_t mask = (1u << l->bits) - 1, per = 0xffffffffu / l->q, limit = per * l->q;
    const k_pair one = {1, per};
    uint32_t *out = A.out.data + k_at(&A.out, A.ring.log_n, K_BLOCK_Y, limb, 16 * block);
    uint32_t value[16], x[16], nonce[3], open = 0xffff;
    if (16 * block >= 1u << A.ring.log_n)
        return;
    for (uint32_t attempt = 0; open && attempt < 256; attempt++) {
        nonce_of(&A, K_BLOCK_Y, index, attempt, nonce);
        k_chacha_block(A.key, block, nonce, x);
        K_UNROLL
        for (uint32_t i = 0; i < 16; i++) {
            const uint32_t v = x[i] & mask, w = k_fold(k_shoup(x[i], one, l->minus_q), l->minus_q);
            if ((open >> i & 1) && (A.wide ? x[i] < limit : v < l->q)) {
                value[i] = A.wide ? w : v;
                open &= ~(1u << i);
            }
        }
    }
    K_UNROLL
    for (uint32_t i = 0; i < 16; i += 4)
        store4(out + i, value + i);
}

/* Population count of 21 bits, without a table. */
K_DEVICE uint32_t count_bits(uint32_t x)
{
    x -= x >> 1 & 0x55555555u;
    x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
    return ((x + (x >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24;
}

/* Coefficients in every limb, coefficient form. Grid (1, batch, N / 8 / threads). */
K_KERNEL(k_small, k_sample, K_SAMPLE_THREADS)
{
    const uint32_t block = K_BLOCK_Z * K_SAMPLE_THREADS + K_THREAD;
    uint32_t x[16], nonce[3];
    if (8 * block >= 1u << A.ring.log_n)
        return;
    nonce_of(&A, K_BLOCK_Y, 0, 0, nonce);
    k_chacha_block(A.key, block, nonce, x);
    K_UNROLL
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t low = x[2 * i], high = x[2 * i + 1];
        const uint32_t positive = count_bits(low & 0x1fffff);
        const uint32_t negative = count_bits((low >> 21 | high << 11) & 0x1fffff);
        const uint32_t third = (uint32_t)(((uint64_t)high * 3 + ((uint64_t)low * 3 >> 32)) >> 32);
        x[i] = A.ternary ? third - 1 : positive - negative; /* a wrapped word */
    }
    for (uint32_t limb = 0; limb < A.limbs; limb++) {
        const k_limb *l = k_limb_of(&A.ring, &A.out, limb);
        uint32_t *out = A.out.data + k_at(&A.out, A.ring.log_n, K_BLOCK_Y, limb, 8 * block);
        uint32_t v[8];
        K_UNROLL
        for (uint32_t i = 0; i < 8; i++)
            v[i] = K_MIN(x[i], x[i] + l->q);
        store4(out, v);
        store4(out + 4, v + 4);
    }
}
