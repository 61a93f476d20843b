/* One column a thread, four products a step, sums folded by comparing: host/backend/tensor.c as it
 * stands. */
#define LADDER_NAME      "naive"
#define LADDER_COLUMNS   K_SCAN_COLUMNS
#define LADDER_WIDTH     1u
#define LADDER_KARATSUBA 0

#define LADDER_STEP(s, a0, a1, z0, z1)                                                             \
    do {                                                                                           \
        const uint32_t u_ = (z0), v_ = (z1);                                                       \
        const uint64_t fold_ = 8 * (uint64_t)q * q;                                                \
        (s)[0] += (uint64_t)(a0)*u_;                                                               \
        (s)[1] += (uint64_t)(a0)*v_ + (uint64_t)(a1)*u_;                                           \
        (s)[2] += (uint64_t)(a1)*v_;                                                               \
        if (i % 4 == 3) {                                                                          \
            K_UNROLL                                                                               \
            for (uint32_t k = 0; k < 3; k++)                                                       \
                (s)[k] -= (s)[k] >= fold_ ? fold_ : 0;                                             \
        }                                                                                          \
    } while (0)
#define LADDER_REDUCE(s) (void)0

#include "bench/ladders/scan/scan_one.h"
