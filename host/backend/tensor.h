/*
 * The scan's inner loop: 2 x 2 tensor products of genotype and weight ciphertexts, accumulated over
 * a tile of samples for a group of 16 NTT positions of one limb.
 *
 *   acc[o][0] += sum_i a0_i z0_io     acc[o][1] += sum_i a0_i z1_io + a1_i z0_io
 *   acc[o][2] += sum_i a1_i z1_io                                        (all modulo q)
 *
 * Cost per (sample, column, 16 positions): 8 multiplies 32 x 32 -> 64 and 8 additions on 8 lanes of
 * 512 bits, 2 loads of weights; the genotype loads are shared by the columns of a register block.
 * 13 column-planes x 3 limbs are 156 multiply-adds per genotype, 19.5 + 19.5 vector instructions of
 * 512 bits; at the measured mix of about 3 per cycle, 13 to 15 cycles per genotype.
 * Residues out are canonical, so all twins agree bit for bit.
 */
#ifndef HEL_BACKEND_TENSOR_H
#define HEL_BACKEND_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "heloci/engine.h"

#define HEL_TENSOR_LANES 16 /* positions of a group */

typedef struct hel_tensor_args {
    uint32_t q;        /* prime below 2^30 */
    uint32_t samples;  /* of the tile */
    const uint32_t *a; /* [samples][2][16]: a0, a1; values below q */
    const uint32_t *z; /* [samples][z_columns][2][16]: z0, z1; values below q */
    uint32_t z_columns;
    const uint32_t *column; /* [columns]: which of the z columns */
    uint32_t columns;
    uint32_t *acc; /* [columns][3][16], canonical in and out */
} hel_tensor_args;

typedef void (*hel_tensor_fn)(const hel_tensor_args *args);

void hel_tensor_portable(const hel_tensor_args *args);
void hel_tensor_avx2(const hel_tensor_args *args);
void hel_tensor_avx512(const hel_tensor_args *args);

/* The twin that an engine uses. */
hel_tensor_fn hel_tensor_pick(hel_simd simd);

#endif
