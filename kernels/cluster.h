/*
 * Launch shapes of kernels/cluster.cu: N = 2^16 in one pass, a row to a cluster of blocks that see
 * each other's shared memory. Grids are those of the kernels for a row to a block with
 * K_CLUSTER_BLOCKS times as many blocks along x, arguments the same. C17 and CUDA C.
 */
#ifndef HEL_KERNELS_CLUSTER_H
#define HEL_KERNELS_CLUSTER_H

#include "kernels/switch.h"

#define K_CLUSTER_LOG_N      16u
#define K_CLUSTER_LOG_BLOCKS 2u
#define K_CLUSTER_BLOCKS     (1u << K_CLUSTER_LOG_BLOCKS)
#define K_CLUSTER_LOG_PART   (K_CLUSTER_LOG_N - K_CLUSTER_LOG_BLOCKS) /* words of a block */
#define K_CLUSTER_THREADS    (1u << (K_CLUSTER_LOG_PART - 5))
#define K_CLUSTER_BYTES      (4u << K_CLUSTER_LOG_PART) /* of a block's shared memory */

#define K_CLUSTER_NAMES(X)                                                                         \
    X(k_cluster_forward)                                                                           \
    X(k_cluster_inverse)                                                                           \
    X(k_cluster_sources)                                                                           \
    X(k_cluster_raise)                                                                             \
    X(k_cluster_sums)                                                                              \
    X(k_cluster_finish)

#endif
