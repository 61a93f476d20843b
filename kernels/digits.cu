/*
 * The inner product of a key switch by itself, for callers that add up several before they divide.
 * Elsewhere it is the end of a transform (switch_ends.h).
 */
#include "kernels/digits.h"

#include "kernels/kernel.h"

K_DEVICE uint32_t turned(uint32_t j, uint32_t g, uint32_t log_n)
{
    const uint32_t shift = 32 - log_n, e = 2 * (K_REVERSE(j) >> shift) + 1;
    return K_REVERSE((g * e & ((2u << log_n) - 1)) >> 1) >> shift;
}

/* Terms first .. first + count - 1 (at most 16) of one item. */
K_DEVICE void sum_terms(const k_inner *a, const uint32_t *digit, const uint32_t *key,
                        size_t key_step, uint32_t count, const k_limb *l, uint32_t out[2])
{
    const size_t digit_step = (size_t)a->limbs << a->ring.log_n;
    uint64_t sum0 = 0, sum1 = 0;
    for (uint32_t d = 0; d < count; d++) {
        const uint32_t x = digit[d * digit_step];
        sum0 += (uint64_t)x * K_LOAD(&key[2 * d * key_step]);
        sum1 += (uint64_t)x * K_LOAD(&key[(2 * d + 1) * key_step]);
    }
    out[0] = hel_mod_reduce_sum(sum0, l->q, l->barrett, l->bits, l->pow34);
    out[1] = hel_mod_reduce_sum(sum1, l->q, l->barrett, l->bits, l->pow34);
}

K_KERNEL(k_key_inner, k_inner, K_INNER_THREADS)
{
    const uint32_t limb = K_BLOCK_X, log_n = A.ring.log_n;
    const uint32_t j = K_BLOCK_Y * K_INNER_THREADS + K_THREAD;
    const uint32_t from = A.g == 1 ? j : turned(j, A.g, log_n);
    const k_limb *l = k_limb_of(&A.ring, &A.acc[0], limb);
    const uint32_t at = limb < A.acc[0].q_limbs ? limb : A.key_q_limbs + limb - A.acc[0].q_limbs;
    const size_t key_step = (size_t)A.key_limbs << log_n, digit_step = (size_t)A.limbs << log_n;
    const uint32_t *key = A.key + ((size_t)at << log_n) + j;
    for (uint32_t b = 0; b < A.batch; b++) {
        const uint32_t *digit = A.digits + b * A.digits_stride + ((size_t)limb << log_n) + from;
        uint32_t sum[2] = {0, 0};
        for (uint32_t d = 0; d < A.count; d += 16) {
            const uint32_t terms = K_MIN(A.count - d, 16u);
            uint32_t part[2];
            sum_terms(&A, digit + d * digit_step, key + 2 * d * key_step, key_step, terms, l, part);
            sum[0] = hel_mod_add(sum[0], part[0], l->q);
            sum[1] = hel_mod_add(sum[1], part[1], l->q);
        }
        A.acc[0].data[k_at(&A.acc[0], log_n, b, limb, j)] = sum[0];
        A.acc[1].data[k_at(&A.acc[1], log_n, b, limb, j)] = sum[1];
    }
}
