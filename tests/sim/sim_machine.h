/*
 * The inside of the fiber simulator: the machine that runs one launch, its fibers (sim_fiber.c) and
 * what moves them (sim.c). One operating-system thread runs one launch; the machine belongs to it.
 * The bookkeeping is shared between fibers on purpose, so these functions are hidden from
 * ThreadSanitizer; what it sees are the kernels' own accesses, ordered by the barriers' release and
 * acquire alone.
 */
#ifndef HEL_TESTS_SIM_MACHINE_H
#define HEL_TESTS_SIM_MACHINE_H

#include "tests/sim/sim.h"

#if defined(__SANITIZE_THREAD__)
#define QUIET __attribute__((no_sanitize_thread, noinline))
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void *__tsan_get_current_fiber(void);
void __tsan_acquire(void *address);
void __tsan_release(void *address);
void __tsan_write_range(void *address, long bytes);
#else
#define QUIET
#define __tsan_acquire(address)            ((void)(address))
#define __tsan_release(address)            ((void)(address))
#define __tsan_write_range(address, bytes) ((void)(address), (void)(bytes))
#endif

#define STACK_BYTES 65536u
#define THREADS_MAX 1024u
#define CLUSTER_MAX 8u
#define WARP        32u

enum state { READY, AT_BARRIER, AT_CLUSTER, AT_SHUFFLE, DONE };

typedef struct fiber {
    void *sp; /* of the suspended fiber */
    enum state state;
    const char *place;
    uint32_t value, lanes; /* of a shuffle */
    sim_self self;
    void *tsan;
} fiber;

typedef struct shared_memory {
    uint8_t *pages, *data;
    size_t bytes; /* of pages */
} shared_memory;

/* Addresses for ThreadSanitizer, one set per block of the grid; a cluster's is its first
 * block's. */
typedef struct marks {
    char barrier, cluster, end;
} marks;

/* A block of the cluster that is running */
typedef struct block_state {
    shared_memory shared;
    uint32_t done; /* threads */
    marks *marks;
} block_state;

typedef struct machine {
    fiber *f; /* [cluster x threads] */
    uint8_t *stacks;
    uint32_t threads, cluster, current;
    block_state *b; /* [cluster] */
    size_t shared_bytes;
    void *scheduler_sp, *scheduler_tsan;
    sim_kernel kernel;
    const void *args;
    const char *fault; /* that a thread met by itself */
    uint64_t random;
} machine;

/* sim_fiber.c */
extern _Thread_local machine *sim_machine;
void *sim_first_frame(uint8_t *stack); /* of a fiber that has not begun */
void sim_to_fiber(machine *m, uint32_t i);

#endif
