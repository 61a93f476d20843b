/* One variant block a thread: LADDER_THREADS positions, whose uniform halves a few of the threads
 * make, 16 each, sample by sample. Columns of a thread: LADDER_WIDTH; the next ones are another
 * block of threads, which makes the halves again. */
#include "bench/ladders/scan/scan_ladder.h"

#include "kernels/chacha.h"

#define LADDER_THREADS 128u
#define LADDER_STAGE   16u /* samples made at once */

/* [sample][position]: halves of one block and limb */
K_DEVICE void ladder_make(const k_scan *a, uint32_t *half, uint32_t first, uint32_t position)
{
    const uint32_t limb = K_BLOCK_Z % a->limbs, runs = LADDER_THREADS / 16;
    const uint32_t sample = first + K_THREAD / runs, run = K_THREAD % runs;
    const uint64_t object = a->object + sample * a->stride + K_BLOCK_X;
    uint32_t x[16], nonce[3] = {(uint32_t)object, (uint32_t)(object >> 32), 0};
    uint32_t open = sample < a->samples ? 0xffff : 0;
    for (uint32_t attempt = 0; open && attempt < 256; attempt++) {
        nonce[2] = a->domain << 24 | limb << 8 | attempt;
        k_chacha_block(a->key, position / 16 + run, nonce, x);
        K_UNROLL
        for (uint32_t i = 0; i < 16; i++) {
            const uint32_t v = x[i] & a->limb[limb].mask;
            if ((open >> i & 1) && v < a->limb[limb].q) {
                half[K_THREAD * 16 + i] = v;
                open &= ~(1u << i);
            }
        }
    }
}

K_DEVICE void ladder_add(const k_scan *a, uint32_t limb, uint32_t column, uint32_t position,
                         const uint64_t *sum, int karatsuba)
{
    const k_limb *l = a->ring.limb + limb;
    const size_t words = (size_t)a->limbs << a->ring.log_n;
    uint32_t *out = a->sums + ((uint64_t)K_BLOCK_X * a->outputs + a->output[column]) * 3 * words +
                    ((size_t)limb << a->ring.log_n) + position;
    uint32_t d[3];
    K_UNROLL
    for (uint32_t k = 0; k < 3; k++)
        d[k] = hel_mod_reduce_sum(sum[k], l->q, l->barrett, l->bits, l->pow34);
    if (karatsuba)
        d[1] = hel_mod_sub(hel_mod_sub(d[1], d[0], l->q), d[2], l->q);
    K_UNROLL
    for (uint32_t k = 0; k < 3; k++)
        out[k * words] = hel_mod_add(out[k * words], d[k], l->q);
}

K_KERNEL(k_ladder, k_scan, LADDER_THREADS)
{
    K_SHARED(half);
    const uint32_t limb = K_BLOCK_Z % A.limbs, group = K_BLOCK_Z / A.limbs;
    const uint32_t begin = group * LADDER_WIDTH, base = K_BLOCK_Y * LADDER_THREADS;
    const uint32_t position = base + K_THREAD, q = A.limb[limb].q;
    const size_t words = (size_t)A.limbs << A.ring.log_n;
    const size_t inside = ((size_t)limb << A.ring.log_n) + position;
    uint64_t sum[3 * LADDER_WIDTH];
    (void)q;
    K_UNROLL
    for (uint32_t i = 0; i < 3 * LADDER_WIDTH; i++)
        sum[i] = 0;
    for (uint32_t first = 0; first < A.samples; first += LADDER_STAGE) {
        const uint32_t count = K_MIN(LADDER_STAGE, A.samples - first);
        ladder_make(&A, half, first, base);
        K_SYNC();
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t poly = (first + i) * A.stride + K_BLOCK_X;
            const uint32_t a0 = K_LOAD(A.rows + poly * words + inside);
            const uint32_t a1 = half[i * LADDER_THREADS + K_THREAD];
            K_UNROLL
            for (uint32_t c = 0; c < LADDER_WIDTH; c++) {
                const uint32_t column = A.column[begin + c < A.columns ? begin + c : begin];
                const uint32_t *z =
                    A.weights + ((size_t)(first + i) * A.held + column) * 2 * words + inside;
                LADDER_STEP(sum + 3 * c, a0, a1, K_LOAD(z), K_LOAD(z + words));
            }
        }
        LADDER_REDUCE(sum);
        K_SYNC();
    }
    K_UNROLL
    for (uint32_t c = 0; c < LADDER_WIDTH; c++)
        if (begin + c < A.columns)
            ladder_add(&A, limb, begin + c, position, sum + 3 * c, LADDER_KARATSUBA);
}

static ladder_shape ladder_shape_of(k_scan *a)
{
    const uint32_t groups = (a->columns + LADDER_WIDTH - 1) / LADDER_WIDTH;
    const ladder_shape shape = {
        {a->blocks, (1u << a->ring.log_n) / LADDER_THREADS, a->limbs * groups},
        LADDER_THREADS,
        (size_t)LADDER_STAGE * LADDER_THREADS * sizeof(uint32_t)};
    return shape;
}

#include "bench/ladders/scan/scan_main.h"
