/* Arguments of kernels/scan.cu. */
#ifndef HEL_KERNELS_SCAN_H
#define HEL_KERNELS_SCAN_H

#include "kernels/rows.h"

#define K_SCAN_NAMES(X) X(k_scan_8) X(k_scan_4)

#define K_SCAN_WARPS     8u /* of a block of threads, at most */
#define K_SCAN_THREADS   (32 * K_SCAN_WARPS)
#define K_SCAN_COLUMNS_8 4u /* columns of a warp beside 8, or 4, variant blocks */
#define K_SCAN_COLUMNS_4 6u
#define K_SCAN_COLUMNS   (K_SCAN_WARPS * K_SCAN_COLUMNS_4)

/* What a pass over the columns does with the uniform halves: makes them; makes and keeps them for
 * the passes after it; reads them. */
typedef enum k_scan_mode { K_SCAN_MAKE, K_SCAN_KEEP, K_SCAN_READ } k_scan_mode;

#define K_SCAN_LIMBS 8u

/* A limb's constants, by value: in the constant bank they cost no registers. */
typedef struct k_scan_limb {
    uint32_t q, minus_q, mask, fold; /* fold: 2^32 mod q */
} k_scan_limb;

/* Grid (groups of variant blocks, N / (32 strips), limbs), warps = strips x groups of columns.
 * Polynomial (sample i, block b) of the rows is number i stride + b from `rows` on, [limbs][N];
 * the halves that are kept are [sample][block][limbs][N]. */
typedef struct k_scan {
    k_ring ring;
    const uint32_t *rows, *weights; /* weights: [sample][held][2][limbs][N] */
    uint32_t *uniform;              /* kept halves of all blocks of the call */
    uint32_t *sums;                 /* [block][outputs][3][limbs][N] */
    uint64_t object, stride;
    uint32_t key[8], domain;
    uint32_t samples, limbs, held, outputs;
    uint32_t first_block, blocks; /* of the call: those of this launch, all */
    uint32_t strips;              /* of 32 positions: 1, 2, 4 or 8 */
    uint32_t stage;               /* samples that are made at once: strips x stage = 8 */
    uint32_t groups, columns;     /* of the launch; columns <= groups x a warp's */
    uint32_t mode;                /* k_scan_mode */
    k_scan_limb limb[K_SCAN_LIMBS];
    uint32_t column[K_SCAN_COLUMNS], output[K_SCAN_COLUMNS];
} k_scan;

/* Words of shared memory of a run: 16 positions x b variant blocks x (a0, a1, a0 + a1), and four,
 * so that neighbouring runs begin four banks apart. */
#define K_SCAN_RUN_WORDS(b) (3 * 16 * (b) + 4)

#define K_SCAN_SLOTS 4u /* sums of a thread that are in shared memory at once, when reduced */
#define K_SCAN_TABLE 8u /* words of a warp: where its columns' weights lie, and how many they are */

/* Two stages of runs, b variant blocks a group; slots; tables. */
static inline size_t k_scan_shared_bytes(uint32_t b, uint32_t strips, uint32_t stage)
{
    return ((size_t)2 * stage * 2 * strips * K_SCAN_RUN_WORDS(b) +
            2 * K_SCAN_SLOTS * K_SCAN_THREADS + K_SCAN_TABLE * K_SCAN_WARPS) *
           sizeof(uint32_t);
}

#endif
