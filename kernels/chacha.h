/* The block function of ChaCha20 (RFC 8439, 2.3) for kernels: 960 instructions and 16 additions for
 * 16 words. */
#ifndef HEL_KERNELS_CHACHA_H
#define HEL_KERNELS_CHACHA_H

#include "kernels/kernel.h"

#ifdef K_KERNEL

K_DEVICE uint32_t k_rotate(uint32_t x, uint32_t by)
{
    return x << by | x >> (32 - by);
}

K_DEVICE void k_quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = k_rotate(*d ^ *a, 16);
    *c += *d;
    *b = k_rotate(*b ^ *c, 12);
    *a += *b;
    *d = k_rotate(*d ^ *a, 8);
    *c += *d;
    *b = k_rotate(*b ^ *c, 7);
}

/* Word i of the block belongs to counter, key[8] and nonce[3]. */
K_DEVICE void k_chacha_block(const uint32_t *key, uint32_t counter, const uint32_t *nonce,
                             uint32_t *x)
{
    const uint32_t start[16] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u, key[0], key[1],
                                key[2],      key[3],      key[4],      key[5],      key[6], key[7],
                                counter,     nonce[0],    nonce[1],    nonce[2]};
    K_UNROLL
    for (uint32_t i = 0; i < 16; i++)
        x[i] = start[i];
    for (uint32_t round = 0; round < 10; round++) {
        k_quarter(&x[0], &x[4], &x[8], &x[12]);
        k_quarter(&x[1], &x[5], &x[9], &x[13]);
        k_quarter(&x[2], &x[6], &x[10], &x[14]);
        k_quarter(&x[3], &x[7], &x[11], &x[15]);
        k_quarter(&x[0], &x[5], &x[10], &x[15]);
        k_quarter(&x[1], &x[6], &x[11], &x[12]);
        k_quarter(&x[2], &x[7], &x[8], &x[13]);
        k_quarter(&x[3], &x[4], &x[9], &x[14]);
    }
    K_UNROLL
    for (uint32_t i = 0; i < 16; i++)
        x[i] += start[i];
}

#endif

#endif
