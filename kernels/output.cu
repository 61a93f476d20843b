/*
 * Outputs, word by word: what lies between the transforms of a relinearization (keys without
 * special primes, a digit per prime). Grid (N / threads, limbs, items); bound by memory, and a
 * small part of a scan.
 */
#include "kernels/expand.h"

#include "kernels/kernel.h"

/* Words of d0 of item i */
K_DEVICE const uint32_t *output_sums(const k_output *a, uint32_t i)
{
    const uint32_t at = a->first + i, block = at / a->count;
    const size_t item = (size_t)block * a->per_block + a->outputs[at % a->count];
    return a->sums + ((3 * item * a->limbs) << a->ring.log_n);
}

/* d2 */
K_KERNEL(k_output_take, k_output, K_WORD_THREADS)
{
    const uint32_t j = K_BLOCK_X * K_WORD_THREADS + K_THREAD, log_n = A.ring.log_n;
    const size_t row = ((size_t)K_BLOCK_Y << log_n) + j, half = (size_t)A.limbs << log_n;
    A.out[K_BLOCK_Z * half + row] = output_sums(&A, K_BLOCK_Z)[2 * half + row];
}

/* out[p] = d_p + sum over digits of digit key[digit][p] */
K_KERNEL(k_output_inner, k_output, K_WORD_THREADS)
{
    const uint32_t j = K_BLOCK_X * K_WORD_THREADS + K_THREAD, log_n = A.ring.log_n;
    const size_t row = ((size_t)K_BLOCK_Y << log_n) + j, half = (size_t)A.limbs << log_n;
    const k_limb *m = A.ring.limb + K_BLOCK_Y;
    const uint32_t *d = output_sums(&A, K_BLOCK_Z) + row;
    const uint32_t *digit = A.digit + K_BLOCK_Z * A.limbs * half + row, *key = A.key + row;
    uint32_t *out = A.out + 2 * K_BLOCK_Z * half + row;
    uint64_t s0 = 0, s1 = 0; /* at most K_OUTPUT_DIGITS products below 2^60 */
    for (uint32_t k = 0; k < A.limbs; k++, digit += half, key += 2 * half) {
        s0 += (uint64_t)digit[0] * K_LOAD(&key[0]);
        s1 += (uint64_t)digit[0] * K_LOAD(&key[half]);
    }
    out[0] = hel_mod_add(hel_mod_reduce_sum(s0, m->q, m->barrett, m->bits, m->pow34), d[0], m->q);
    out[half] =
        hel_mod_add(hel_mod_reduce_sum(s1, m->q, m->barrett, m->bits, m->pow34), d[half], m->q);
}
