/*
 * Fibers, barriers and shuffles of the simulator. One operating-system thread runs one launch; the
 * state below belongs to it. The bookkeeping is shared between fibers on purpose, so these
 * functions are hidden from ThreadSanitizer; what it sees are the kernels' own accesses, ordered by
 * the barriers' release and acquire alone.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#if defined(__SANITIZE_THREAD__)
#define QUIET __attribute__((no_sanitize_thread, noinline))
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void *__tsan_get_current_fiber(void);
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#else
#define QUIET
#define __tsan_acquire(address) ((void)(address))
#define __tsan_release(address) ((void)(address))
#endif

#define STACK_BYTES 65536u
#define THREADS_MAX 1024u
#define WARP        32u

enum state { READY, AT_BARRIER, AT_SHUFFLE, DONE };

typedef struct fiber {
    void *sp; /* of the suspended fiber */
    enum state state;
    const char *place;
    uint32_t value, lanes; /* of a shuffle */
    sim_self self;
    void *tsan;
} fiber;

typedef struct machine {
    fiber f[THREADS_MAX];
    uint8_t *stacks;
    uint32_t count, current;
    void *scheduler_sp, *scheduler_tsan;
    sim_kernel kernel;
    const void *args;
    char *block_object; /* one address per block, for ThreadSanitizer */
    uint64_t random;
} machine;

static _Thread_local machine *now;
static _Thread_local uint64_t switches;
_Thread_local const sim_self *sim_now;

/* ---- switching stacks ---- */

#if defined(__x86_64__)
/* Saves the callee's registers and the stack pointer of one side, restores those of the other. */
void sim_switch(void **from, void *to);
__asm__(".text\n.globl sim_switch\n.type sim_switch, @function\nsim_switch:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
        ".size sim_switch, .-sim_switch\n");

static void fiber_main(void);

static void *first_frame(uint8_t *stack)
{
    uintptr_t top = ((uintptr_t)stack + STACK_BYTES) & ~(uintptr_t)63;
    void **sp = (void **)(top - 8);
    *--sp = (void *)(uintptr_t)fiber_main; /* sim_switch returns here; rsp is then 8 mod 16 */
    sp -= 6;
    memset(sp, 0, 6 * sizeof *sp);
    return sp;
}
#else
#error "the simulator needs a stack switch for this processor"
#endif

QUIET static void to_fiber(machine *m, uint32_t i)
{
    m->current = i;
    sim_now = &m->f[i].self;
    switches++;
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(m->f[i].tsan, 1);
#endif
    sim_switch(&m->scheduler_sp, m->f[i].sp);
}

QUIET static void to_scheduler(machine *m)
{
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(m->scheduler_tsan, 1);
#endif
    sim_switch(&m->f[m->current].sp, m->scheduler_sp);
}

QUIET static void fiber_main(void)
{
    machine *m = now;
    m->kernel(m->args);
    __tsan_release(m); /* to whoever waits for the launch; blocks do not wait for each other */
    m->f[m->current].state = DONE;
    to_scheduler(m);
    abort(); /* a finished fiber is never resumed */
}

/* ---- what kernels call ---- */

QUIET void sim_barrier(const char *place)
{
    machine *m = now;
    fiber *f = &m->f[m->current];
    f->state = AT_BARRIER;
    f->place = place;
    __tsan_release(m->block_object);
    to_scheduler(m);
    __tsan_acquire(m->block_object);
}

QUIET uint32_t sim_shuffle_xor(uint32_t value, uint32_t lanes, const char *place)
{
    machine *m = now;
    fiber *f = &m->f[m->current];
    f->state = AT_SHUFFLE;
    f->place = place;
    f->value = value;
    f->lanes = lanes;
    to_scheduler(m);
    return f->value;
}

/* ---- one block ---- */

QUIET static uint64_t next_random(machine *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random;
}

/* order[] is a permutation of 0..count-1 */
QUIET static void make_order(machine *m, uint32_t *order, uint32_t count, sim_order how)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = how == SIM_REVERSED ? count - 1 - i : i;
    for (uint32_t i = count; how == SIM_RANDOM && i > 1; i--) {
        uint32_t j = (uint32_t)(next_random(m) % i), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

/* A warp whose lanes all wait at one shuffle exchanges; 1 when it did. */
QUIET static int try_shuffle(machine *m, uint32_t warp)
{
    const uint32_t first = warp * WARP;
    const uint32_t end = first + WARP < m->count ? first + WARP : m->count;
    uint32_t value[WARP];
    for (uint32_t i = first; i < end; i++)
        if (m->f[i].state != AT_SHUFFLE || m->f[i].place != m->f[first].place ||
            m->f[i].lanes != m->f[first].lanes || first + ((i - first) ^ m->f[i].lanes) >= end)
            return 0;
    for (uint32_t i = first; i < end; i++)
        value[i - first] = m->f[first + ((i - first) ^ m->f[i].lanes)].value;
    for (uint32_t i = first; i < end; i++) {
        m->f[i].value = value[i - first];
        m->f[i].state = READY;
    }
    return 1;
}

/* After every fiber has run as far as it can: releases who may go on. NULL, "done" or the fault. */
QUIET static const char *settle(machine *m)
{
    static const char done[] = "done";
    uint32_t finished = 0, waiting = 0, moved = 0;
    for (uint32_t warp = 0; warp * WARP < m->count; warp++)
        moved += (uint32_t)try_shuffle(m, warp);
    if (moved)
        return NULL;
    for (uint32_t i = 0; i < m->count; i++) {
        finished += m->f[i].state == DONE;
        waiting += m->f[i].state == AT_BARRIER;
    }
    if (finished == m->count)
        return done;
    if (waiting + finished < m->count)
        return "a shuffle that not all lanes of the warp reach";
    if (finished)
        return "a barrier that some threads of the block never reach";
    for (uint32_t i = 1; i < m->count; i++)
        if (m->f[i].place != m->f[0].place)
            return "threads of a block wait at different barriers";
    for (uint32_t i = 0; i < m->count; i++)
        m->f[i].state = READY;
    return NULL;
}

QUIET static void start_fibers(machine *m, sim_dim block, void *shared)
{
    for (uint32_t i = 0; i < m->count; i++) {
        fiber *f = &m->f[i];
        f->self = (sim_self){i, m->count, block, shared};
        f->state = READY;
        f->sp = first_frame(m->stacks + (size_t)i * STACK_BYTES);
#if defined(__SANITIZE_THREAD__)
        f->tsan = __tsan_create_fiber(0);
#endif
    }
}

QUIET static void end_fibers(machine *m)
{
#if defined(__SANITIZE_THREAD__)
    for (uint32_t i = 0; i < m->count; i++)
        __tsan_destroy_fiber(m->f[i].tsan);
#else
    (void)m;
#endif
}

QUIET static const char *run_block(machine *m, sim_dim block, void *shared, size_t shared_bytes,
                                   sim_order how)
{
    uint32_t order[THREADS_MAX];
    const char *fault;
    for (size_t i = 0; i < shared_bytes; i++)
        ((volatile uint8_t *)shared)[i] = 0xa5; /* poison: what a block leaves, no other may read */
    start_fibers(m, block, shared);
    do {
        make_order(m, order, m->count, how);
        for (uint32_t i = 0; i < m->count; i++)
            if (m->f[order[i]].state == READY)
                to_fiber(m, order[i]);
        fault = settle(m);
    } while (!fault);
    end_fibers(m);
    return strcmp(fault, "done") == 0 ? NULL : fault;
}

/* ---- a launch ---- */

typedef struct shared_memory {
    uint8_t *pages, *data;
    size_t bytes; /* of pages */
} shared_memory;

/* Ends at a page that cannot be touched. */
static int open_shared(shared_memory *s, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (bytes + page - 1) / page * page;
    s->bytes = body + page;
    s->pages = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s->pages == MAP_FAILED || mprotect(s->pages + body, page, PROT_NONE) != 0)
        return -1;
    s->data = s->pages + body - (bytes + 15) / 16 * 16;
    return 0;
}

static uint8_t *open_stacks(uint32_t threads)
{
    return mmap(NULL, (size_t)threads * STACK_BYTES, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

const char *sim_launch(sim_kernel kernel, sim_dim grid, sim_dim block, const void *args,
                       size_t shared_bytes, const sim_options *options)
{
    const sim_options in_order = {SIM_IN_ORDER, 1};
    const uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
    const sim_options *o = options ? options : &in_order;
    const char *fault = NULL;
    shared_memory shared;
    if (grid.y > 65535 || grid.z > 65535)
        return "a launch of more than 65535 blocks in y or z";
    if (block.y != 1 || block.z != 1 || block.x < 1 || block.x > THREADS_MAX)
        return "a launch of more than 1024 threads, or not in one dimension";
    if (shared_bytes > 227 * 1024)
        return "a launch with more shared memory than a block can have";
    machine *m = calloc(1, sizeof *m);
    uint32_t *order = calloc(blocks ? blocks : 1, sizeof *order);
    char *objects = calloc(blocks ? blocks : 1, 1);
    uint8_t *stacks = open_stacks(block.x);
    if (!m || !order || !objects || stacks == MAP_FAILED || open_shared(&shared, shared_bytes) != 0)
        abort(); /* a test's own machine is out of memory */
    m->count = block.x;
    m->stacks = stacks;
    m->kernel = kernel;
    m->args = args;
    m->random = o->seed * 2 + 1;
#if defined(__SANITIZE_THREAD__)
    m->scheduler_tsan = __tsan_get_current_fiber();
#endif
    make_order(m, order, (uint32_t)blocks, o->order);
    now = m;
    for (uint64_t i = 0; i < blocks && !fault; i++) {
        const uint32_t b = order[i];
        m->block_object = objects + b;
#if defined(__SANITIZE_THREAD__) /* blocks have no memory in common: fresh pages each */
        munmap(shared.pages, shared.bytes);
        munmap(m->stacks, (size_t)block.x * STACK_BYTES);
        m->stacks = open_stacks(block.x);
        if (m->stacks == MAP_FAILED || open_shared(&shared, shared_bytes) != 0)
            abort();
#endif
        fault = run_block(m, (sim_dim){b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y},
                          shared.data, shared_bytes, o->order);
    }
    __tsan_acquire(m);
    now = NULL;
    sim_now = NULL;
    munmap(shared.pages, shared.bytes);
    munmap(m->stacks, (size_t)block.x * STACK_BYTES);
    free(objects);
    free(order);
    free(m);
    return fault;
}

uint64_t sim_switches(void)
{
    return switches;
}
