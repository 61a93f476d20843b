/* Launch shapes of kernels/ntt.cu: one block per row, grid (limbs, batch). C17 and CUDA C. */
#ifndef HEL_KERNELS_NTT_H
#define HEL_KERNELS_NTT_H

#include "kernels/rows.h"

typedef struct k_ntt {
    k_ring ring;
    k_rows x; /* in place */
} k_ntt;

#define K_NTT_LOG_N_MIN      10
#define K_NTT_LOG_N_ONCE     15   /* the largest that one block's shared memory holds */
#define K_LOW                256u /* words of a row in the two-pass transforms */
#define K_LOW_ROWS           16u
#define K_COLUMNS            16u
#define K_LOG_COLUMNS        4u
#define K_SPLIT_THREADS      256u
#define K_NTT_THREADS(log_n) ((log_n) > 14 ? 1024u : 1u << ((log_n)-4))

#endif
