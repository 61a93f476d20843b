/*
 * What a kernel may use: the intersection of CUDA C and C17. A .cu file is compiled by nvcc for the
 * device and as C by the simulator, where every CUDA thread is a fiber: tests/sim/sim.h, included
 * before anything else, defines the same names.
 *
 *   K_KERNEL(name, struct type, THREADS_MAX) { ... A.field ... }
 *
 * defines a kernel of one by-value argument `A`; from C it is a symbol that cudaLaunchKernel takes.
 * K_SYNC is the block's barrier; every thread of the block must reach it at the same place.
 * K_SHARED is the block's dynamic shared memory, of the size that the launch asked for.
 *
 * In a launch by clusters, K_CLUSTER_RANK is the block's number in its cluster, K_CLUSTER_SYNC the
 * barrier of all the cluster's threads, K_CLUSTER_SHARED(p, rank) the place in another block of it
 * that p is in this one (no block may end before the others are done with its memory).
 * K_HAS_CLUSTERS is 0 where the architecture has none: such kernels' bodies are empty there.
 */
#ifndef HEL_KERNELS_KERNEL_H
#define HEL_KERNELS_KERNEL_H

#include "kernels/arith/mod32.h"
#include "kernels/rows.h"

#if defined(__CUDACC__)

#define K_KERNEL(name, type, threads)                                                              \
    extern "C" __global__ void __launch_bounds__(threads) name(const type A)
#define K_DEVICE  static __device__ __forceinline__
#define K_THREAD  threadIdx.x
#define K_THREADS blockDim.x
#define K_BLOCK_X blockIdx.x
#define K_BLOCK_Y blockIdx.y
#define K_BLOCK_Z blockIdx.z
#define K_SYNC()  __syncthreads()
#define K_SHARED(p)                                                                                \
    extern __shared__ uint4 k_shared_memory[];                                                     \
    uint32_t *const p = (uint32_t *)k_shared_memory
#define K_MULHI(a, b)           __umulhi(a, b)
#define K_REVERSE(x)            __brev(x)
#define K_MIN(a, b)             min((uint32_t)(a), (uint32_t)(b))
#define K_LOAD(p)               __ldg(p)
#define K_SHUFFLE_XOR(v, lanes) __shfl_xor_sync(0xffffffffu, v, lanes)
#define K_UNROLL                _Pragma("unroll")

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define K_HAS_CLUSTERS 0
#else
#define K_HAS_CLUSTERS   1
#define K_CLUSTER_RANK   __clusterRelativeBlockRank()
#define K_CLUSTER_SYNC() (__cluster_barrier_arrive(), __cluster_barrier_wait())
#define K_CLUSTER_SHARED(p, rank)                                                                  \
    ((uint32_t *)__cluster_map_shared_rank((void *)(p), (unsigned)(rank)))
#endif

#endif

#ifdef K_KERNEL /* by nvcc or the simulator: empty for other readers of this header */

/* x in [0, 2m) -> [0, m), minus_m = 2^32 - m: one add-min instruction on sm_90 */
K_DEVICE uint32_t k_fold(uint32_t x, uint32_t minus_m)
{
    return K_MIN(x, x + minus_m);
}

/* any a times w, lazily in [0, 2q): w.x the factor, w.y its Shoup quotient; minus_q = 2^32 - q */
K_DEVICE uint32_t k_shoup(uint32_t a, k_pair w, uint32_t minus_q)
{
    return K_MULHI(a, w.y) * minus_q + a * w.x;
}

K_DEVICE const k_limb *k_limb_of(const k_ring *ring, const k_rows *rows, uint32_t i)
{
    return ring->limb + (i < rows->q_limbs ? i : i + rows->skip);
}

K_DEVICE size_t k_at(const k_rows *rows, uint32_t log_n, uint32_t item, uint32_t i, uint32_t j)
{
    return item * rows->stride + ((size_t)i << log_n) + j;
}

#endif

#endif
