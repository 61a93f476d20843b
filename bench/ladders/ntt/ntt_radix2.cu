/* One level at a time in shared memory, with a barrier after each: the textbook's loop. */
#include "bench/ladders/shoup_compare.h"

#define LADDER_LOG_N   13u
#define LADDER_THREADS 512u
#define LADDER_WORDS   (1u << LADDER_LOG_N)
#define LADDER_TURNS   1u

K_KERNEL(k_ladder, ladder_args, LADDER_THREADS)
{
    K_SHARED(shared);
    const uint32_t n = 1u << LADDER_LOG_N;
    const size_t row = (size_t)K_BLOCK_X << LADDER_LOG_N;
    for (uint32_t i = K_THREAD; i < n; i += LADDER_THREADS)
        shared[i] = A.in[row + i];
    K_SYNC();
    for (uint32_t level = 0; level < LADDER_LOG_N; level++) {
        const uint32_t log_step = LADDER_LOG_N - 1 - level, step = 1u << log_step;
        for (uint32_t i = K_THREAD; i < n / 2; i += LADDER_THREADS) {
            const uint32_t node = i >> log_step, x = (i >> log_step) * step + i;
            ladder_butterfly(&shared[x], &shared[x + step], K_LOAD(&A.w[(1u << level) + node]),
                             &A.p);
        }
        K_SYNC();
    }
    for (uint32_t i = K_THREAD; i < n; i += LADDER_THREADS)
        A.out[row + i] = ladder_canonical(shared[i], &A.p);
}

#include "bench/ladders/ladder_main.h"
