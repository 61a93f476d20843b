/* Kernels with one mistake each, and the same without it: what the simulator must find. */
#include "tests/sim/faulty.h"

#include "kernels/kernel.h"

/* Sum of 64 words by halving; `fault` leaves something out. */
K_KERNEL(k_faulty_sum, k_faulty, 64)
{
    K_SHARED(x);
    x[K_THREAD] = A.in[K_BLOCK_X * 64 + K_THREAD];
    if (A.fault == K_FAULT_EARLY_EXIT && K_THREAD == 40)
        return;
    if (A.fault == K_FAULT_DIVERGENT && K_THREAD >= 32)
        K_SYNC();
    else
        K_SYNC();
    for (uint32_t half = 32; half; half /= 2) {
        if (K_THREAD < half)
            x[K_THREAD] += x[K_THREAD + half];
        if (A.fault != K_FAULT_NO_BARRIER)
            K_SYNC();
    }
    if (K_THREAD == 0)
        A.out[K_BLOCK_X] = x[0];
}

/* Sum of a warp's 32 words by shuffles. */
K_KERNEL(k_faulty_shuffle, k_faulty, 64)
{
    uint32_t v = A.in[K_BLOCK_X * 64 + K_THREAD];
    for (uint32_t lanes = 16; lanes; lanes /= 2) {
        if (A.fault == K_FAULT_MISSING_LANE && K_THREAD == 7 && lanes == 4)
            return;
        v += K_SHUFFLE_XOR(v, lanes);
    }
    if (K_THREAD % 32 == 0)
        A.out[K_BLOCK_X * 2 + K_THREAD / 32] = v;
}

/* Every block adds to the same word without an atomic. */
K_KERNEL(k_faulty_blocks, k_faulty, 64)
{
    const uint32_t at = A.fault == K_FAULT_BLOCKS_RACE ? 0 : K_BLOCK_X;
    if (K_THREAD == 0)
        A.out[at] += A.in[K_BLOCK_X * 64];
}

K_KERNEL(k_faulty_overflow, k_faulty, 64)
{
    K_SHARED(x);
    x[K_THREAD + (A.fault == K_FAULT_OVERFLOW ? 64u : 0u)] = A.in[K_THREAD];
    A.out[K_THREAD] = x[K_THREAD];
}

#if K_HAS_CLUSTERS

/* out[i] of a block: what its neighbour in the cluster has at 63 - i. */
K_KERNEL(k_faulty_cluster, k_faulty, 64)
{
    K_SHARED(x);
    const uint32_t rank = K_CLUSTER_RANK, next = (rank + 1) % A.cluster;
    x[K_THREAD] = A.in[K_BLOCK_X * 64 + K_THREAD];
    if (A.fault == K_FAULT_CLUSTER_MISSING && rank == 1)
        return;
    if (A.fault == K_FAULT_CLUSTER_DIVERGENT && rank == 1)
        K_CLUSTER_SYNC();
    else if (A.fault != K_FAULT_NO_CLUSTER_BARRIER)
        K_CLUSTER_SYNC();
    const uint32_t *there = K_CLUSTER_SHARED(x, A.fault == K_FAULT_CLUSTER_RANK ? A.cluster : next);
    A.out[K_BLOCK_X * 64 + K_THREAD] = there[63 - K_THREAD];
    if (A.fault != K_FAULT_CLUSTER_ENDS)
        K_CLUSTER_SYNC();
}

#endif
