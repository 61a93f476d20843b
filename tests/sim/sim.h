/*
 * The fiber simulator: runs the very source of a kernel, compiled as C. Every CUDA thread is a
 * fiber with its own stack; a barrier or a shuffle switches to the next one. It finds
 *   divergent barriers (threads of a block or a cluster at different places, or some exited),
 *   shuffles that lanes of a warp do not reach together,
 *   a cluster's blocks that touch the shared memory of one that has ended,
 *   accesses beyond a launch's shared memory (a guard page behind it; poison inside it), and
 *   under ThreadSanitizer, races within a block and between blocks.
 * Blocks and the threads between two barriers run in order, reversed or in a seeded random order.
 * What it cannot show: speed, bank conflicts, weak memory order, asynchronous copies.
 */
#ifndef HEL_TESTS_SIM_H
#define HEL_TESTS_SIM_H

#include <stddef.h>
#include <stdint.h>

typedef struct sim_dim {
    uint32_t x, y, z;
} sim_dim;

typedef enum sim_order { SIM_IN_ORDER = 0, SIM_REVERSED = 1, SIM_RANDOM = 2 } sim_order;

typedef struct sim_options {
    sim_order order;
    uint64_t seed; /* of SIM_RANDOM */
} sim_options;

typedef void (*sim_kernel)(const void *args);

/* Runs a grid to its end. Returns NULL, or what the kernel did wrong (static text). The first
 * fault ends the launch. */
const char *sim_launch(sim_kernel kernel, sim_dim grid, sim_dim block, const void *args,
                       size_t shared_bytes, const sim_options *options);
/* The same in clusters of `cluster` blocks along x, which divides grid.x (0, 1: none). */
const char *sim_launch_clusters(sim_kernel kernel, sim_dim grid, sim_dim block, uint32_t cluster,
                                const void *args, size_t shared_bytes, const sim_options *options);
/* Switches between fibers so far: what a run of the simulator costs. */
uint64_t sim_switches(void);

/* ---- what kernels see ---- */

typedef struct sim_self {
    uint32_t thread, threads;
    sim_dim block;
    void *shared;
    uint32_t rank; /* of the block in its cluster */
} sim_self;

extern _Thread_local const sim_self *sim_now;

void sim_barrier(const char *place);
void sim_cluster_barrier(const char *place);
void *sim_cluster_shared(const void *p, uint32_t rank);
uint32_t sim_shuffle_xor(uint32_t value, uint32_t lanes, const char *place);
/* The 32 bits of x in reverse order */
static inline uint32_t sim_reverse(uint32_t x)
{
    uint32_t r = 0;
    for (uint32_t i = 0; i < 32; i++)
        r |= (x >> i & 1) << (31 - i);
    return r;
}

#define SIM_TEXT_(x) #x
#define SIM_TEXT(x)  SIM_TEXT_(x)
#define SIM_PLACE    __FILE__ ":" SIM_TEXT(__LINE__)

/* What a launch must keep to, for sim_queue.c */
typedef struct sim_bounds {
    uint32_t threads;
    size_t args_bytes;
} sim_bounds;

#define K_KERNEL(name, type, limit)                                                                \
    extern const sim_bounds name##_bounds;                                                         \
    const sim_bounds name##_bounds = {limit, sizeof(type)};                                        \
    static void name##_body(const type A);                                                         \
    void name(const void *args);                                                                   \
    void name(const void *args)                                                                    \
    {                                                                                              \
        name##_body(*(const type *)args);                                                          \
    }                                                                                              \
    static void name##_body(const type A)
#define K_DEVICE                static inline
#define K_THREAD                (sim_now->thread)
#define K_THREADS               (sim_now->threads)
#define K_BLOCK_X               (sim_now->block.x)
#define K_BLOCK_Y               (sim_now->block.y)
#define K_BLOCK_Z               (sim_now->block.z)
#define K_SYNC()                sim_barrier(SIM_PLACE)
#define K_SHARED(p)             uint32_t *const p = (uint32_t *)sim_now->shared
#define K_MULHI(a, b)           ((uint32_t)((uint64_t)(a) * (b) >> 32))
#define K_MIN(a, b)             hel_min_u32(a, b)
#define K_REVERSE(x)            sim_reverse(x)
#define K_LOAD(p)               (*(p))
#define K_SHUFFLE_XOR(v, lanes) sim_shuffle_xor(v, lanes, SIM_PLACE)
#define K_UNROLL
#define K_HAS_CLUSTERS             1
#define K_CLUSTER_RANK             (sim_now->rank)
#define K_CLUSTER_SYNC()           sim_cluster_barrier(SIM_PLACE)
#define K_CLUSTER_SHARED(p, rank_) ((uint32_t *)sim_cluster_shared((p), (rank_)))

#endif
