/* kernels/scan.cu's loop with 4 variant blocks and 6 columns a warp. */
#include "bench/ladders/scan/scan_ladder.h"

#include "kernels/scan.cu"

#define LADDER_NAME    "4 blocks x 6 columns"
#define LADDER_COLUMNS (K_SCAN_WARPS * 6u)

K_KERNEL(k_ladder, k_scan, K_SCAN_THREADS)
{
    K_SHARED(shared);
    scan(&A, 4, 6, shared);
}

static ladder_shape ladder_shape_of(k_scan *a)
{
    return ladder_blocked(a, 4, 6);
}

#include "bench/ladders/scan/scan_main.h"
