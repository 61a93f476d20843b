/*
 * What the ladder's programs share: one file is one variant of a kernel with a main that checks it
 * against a loop on the CPU before it is timed. nvcc makes a GPU's program of it; as C, after
 * tests/sim/sim.h, the same file runs on the simulator (which checks and does not time). C17 and
 * CUDA C.
 *
 * A variant defines its butterfly (an arithmetic header), LADDER_THREADS, LADDER_WORDS (of shared
 * memory per block), LADDER_TURNS (how often its kernel goes through the levels) and the kernel
 * k_ladder, a row of 2^LADDER_LOG_N words per block, and includes ladder_main.h at its end.
 */
#ifndef HEL_BENCH_LADDER_H
#define HEL_BENCH_LADDER_H

#include "kernels/kernel.h"

/* The ranges of q in the butterflies: q in (2^29, 2^30). */
typedef struct ladder_primes {
    uint32_t q, q2, minus_q, minus_q2, word_inv;
} ladder_primes;

typedef struct ladder_args {
    const uint32_t *in; /* rows of words in [0, q) */
    uint32_t *out;
    const k_pair *w; /* factors in the order of host/ring/ring.h, as ladder_factor() made them */
    ladder_primes p;
    uint32_t turns;
} ladder_args;

#endif
