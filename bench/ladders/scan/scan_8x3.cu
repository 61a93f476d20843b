/* kernels/scan.cu's loop with 8 variant blocks and 3 columns a warp. */
#include "bench/ladders/scan/scan_ladder.h"

#include "kernels/scan.cu"

#define LADDER_NAME    "8 blocks x 3 columns"
#define LADDER_COLUMNS (K_SCAN_WARPS * 3u)

K_KERNEL(k_ladder, k_scan, K_SCAN_THREADS)
{
    K_SHARED(shared);
    scan(&A, 8, 3, shared);
}

static ladder_shape ladder_shape_of(k_scan *a)
{
    return ladder_blocked(a, 8, 3);
}

#include "bench/ladders/scan/scan_main.h"
