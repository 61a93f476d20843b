/* kernels/scan.cu's loop with 8 variant blocks and 4 columns a warp. */
#include "bench/ladders/scan/scan_ladder.h"

#include "kernels/scan.cu"

#define LADDER_NAME    "8 blocks x 4 columns"
#define LADDER_COLUMNS (K_SCAN_WARPS * 4u)

K_KERNEL(k_ladder, k_scan, K_SCAN_THREADS)
{
    K_SHARED(shared);
    scan(&A, 8, 4, shared);
}

static ladder_shape ladder_shape_of(k_scan *a)
{
    return ladder_blocked(a, 8, 4);
}

#include "bench/ladders/scan/scan_main.h"
