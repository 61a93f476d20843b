/*
 * Base conversion (the formula of host/ring/convert.h, bit for bit) and the inner product of a key
 * switch. A conversion's block keeps the y of its coefficients in shared memory: they are computed
 * once for up to 16 targets, one wide multiply-add per source and target.
 */
#include "kernels/digits.h"

#include "kernels/kernel.h"

/* y_k of this thread's coefficient into shared memory, v last. */
K_DEVICE void source_digits(const k_convert *a, uint32_t *y, uint32_t j, uint32_t item)
{
    const uint32_t m = a->c.from_count, n = 1u << a->ring.log_n;
    const uint32_t *in = a->in + item * a->in_stride + j;
    uint32_t sum = 0;
    for (uint32_t k = 0; k < m; k++) {
        const k_limb *l = a->ring.limb + a->c.from[k];
        const uint32_t x = k_fold(k_shoup(in[(size_t)k * n], a->c.y[k], l->minus_q), l->minus_q);
        sum += (uint32_t)(((uint64_t)x * a->c.fraction[k]) >> (l->bits + 5));
        y[k * K_CONVERT_THREADS + K_THREAD] = x;
    }
    y[m * K_CONVERT_THREADS + K_THREAD] = (sum + (1u << 25)) >> 26;
}

/* x < 2^34 q -> below 2^33 q and congruent */
K_DEVICE uint64_t sum_fold(uint64_t x, uint32_t q)
{
    const uint64_t part = (uint64_t)q << 33;
    return x < part ? x : x - part;
}

K_KERNEL(k_convert_rows, k_convert, K_CONVERT_THREADS)
{
    K_SHARED(y);
    const uint32_t j = K_BLOCK_X * K_CONVERT_THREADS + K_THREAD, m = A.c.from_count;
    const uint32_t begin = K_BLOCK_Z * K_CONVERT_TARGETS;
    const uint32_t end = K_MIN(begin + K_CONVERT_TARGETS, A.c.to_count);
    uint32_t *out = A.out + K_BLOCK_Y * A.out_stride + j;
    source_digits(&A, y, j, K_BLOCK_Y); /* each thread reads only what it wrote: no barrier */
    for (uint32_t t = begin; t < end; t++) {
        const uint32_t *w = A.c.weight + t;
        const k_limb *l = A.ring.limb + A.c.to[t];
        uint64_t sum;
        if (A.place[t] < 0)
            continue;
        sum = (uint64_t)y[m * K_CONVERT_THREADS + K_THREAD] * K_LOAD(&w[m * A.c.to_count]);
        for (uint32_t k = 0; k < m; k++) {
            if (k >= 16 && k % 8 == 0)
                sum = sum_fold(sum, l->q);
            sum += (uint64_t)y[k * K_CONVERT_THREADS + K_THREAD] * K_LOAD(&w[k * A.c.to_count]);
        }
        out[(size_t)A.place[t] << A.ring.log_n] = hel_mod_redc(sum, l->q, l->word_inv);
    }
}

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
