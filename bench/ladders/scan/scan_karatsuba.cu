/* Four columns a thread, three products a step, sums reduced every 16 samples. */
#define LADDER_NAME      "karatsuba"
#define LADDER_COLUMNS   K_SCAN_COLUMNS
#define LADDER_WIDTH     4u
#define LADDER_KARATSUBA 1

#define LADDER_STEP(s, a0, a1, z0, z1)                                                             \
    do {                                                                                           \
        const uint32_t u_ = (z0), v_ = (z1), minus_ = A.limb[limb].minus_q;                        \
        (s)[0] += (uint64_t)(a0)*u_;                                                               \
        (s)[1] += (uint64_t)k_fold((a0) + (a1), minus_) * k_fold(u_ + v_, minus_);                 \
        (s)[2] += (uint64_t)(a1)*v_;                                                               \
    } while (0)
#define LADDER_REDUCE(s)                                                                           \
    do {                                                                                           \
        K_UNROLL                                                                                   \
        for (uint32_t k = 0; k < 3 * LADDER_WIDTH; k++)                                            \
            (s)[k] = ((s)[k] >> 32) * A.limb[limb].fold + (uint32_t)(s)[k];                        \
    } while (0)

#include "bench/ladders/scan/scan_one.h"
