/*
 * The scan's ladder: one file is one variant of kernels/scan.cu, with a main that checks it against
 * a loop on the CPU before it is timed. nvcc makes a GPU's program of it; as C, after
 * tests/sim/sim.h, the same file runs on the simulator. C17 and CUDA C.
 *
 * A variant defines LADDER_NAME, LADDER_COLUMNS (the most of one launch), its kernel k_ladder with
 * the arguments of kernels/scan.h, and ladder_shape, and includes scan_main.h at its end.
 */
#ifndef HEL_BENCH_SCAN_LADDER_H
#define HEL_BENCH_SCAN_LADDER_H

#include "kernels/scan.h"

typedef struct ladder_shape {
    uint32_t grid[3], threads;
    size_t shared_bytes;
} ladder_shape;

/* The launch of kernels/scan.cu's loop with b variant blocks and c columns a warp, as
 * host/ckks/exact/device_tensor.c has it. */
static inline ladder_shape ladder_blocked(k_scan *a, uint32_t b, uint32_t c)
{
    const uint32_t least = (a->columns + c - 1) / c;
    uint32_t strips = K_SCAN_WARPS;
    while (strips * least > K_SCAN_WARPS)
        strips /= 2;
    a->strips = strips;
    a->stage = K_SCAN_WARPS / strips;
    a->groups = a->stage < a->columns ? a->stage : a->columns;
    const ladder_shape shape = {
        {(a->blocks + b - 1) / b, (1u << a->ring.log_n) / (32 * strips), a->limbs},
        32 * strips * a->groups,
        k_scan_shared_bytes(b, strips, a->stage)};
    return shape;
}

#endif
