/* The simulator's schedule: the order of blocks and threads, barriers, and a launch as a whole. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/sim/sim_machine.h"

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
QUIET static int try_shuffle(machine *m, uint32_t first, uint32_t end)
{
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

QUIET static int shuffle_all(machine *m, uint32_t block)
{
    const uint32_t end = (block + 1) * m->threads;
    int moved = 0;
    for (uint32_t first = block * m->threads; first < end; first += WARP)
        moved |= try_shuffle(m, first, first + WARP < end ? first + WARP : end);
    return moved;
}

QUIET static int same_place(const machine *m, uint32_t first, uint32_t end)
{
    for (uint32_t i = first + 1; i < end; i++)
        if (m->f[i].place != m->f[first].place)
            return 0;
    return 1;
}

QUIET static void resume(machine *m, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        m->f[i].state = READY;
}

/* A block none of whose shuffles can go on. It may be at its end or at the cluster's barrier. */
QUIET static const char *settle_block(machine *m, uint32_t block, int *moved)
{
    const uint32_t first = block * m->threads, end = first + m->threads;
    uint32_t in[DONE + 1] = {0};
    for (uint32_t i = first; i < end; i++)
        in[m->f[i].state]++;
    if (in[DONE] == m->threads || in[AT_CLUSTER] == m->threads)
        return NULL;
    if (in[AT_SHUFFLE])
        return "a shuffle that not all lanes of the warp reach";
    if (in[DONE])
        return "a barrier that some threads of the block never reach";
    if (in[AT_CLUSTER] || !same_place(m, first, end))
        return "threads of a block wait at different barriers";
    resume(m, first, end);
    *moved = 1;
    return NULL;
}

/* After every fiber has run as far as it can: releases who may go on. NULL, "done" or the fault. */
QUIET static const char *settle(machine *m)
{
    static const char done[] = "done";
    uint32_t finished = 0;
    int moved = 0;
    for (uint32_t b = 0; b < m->cluster; b++)
        moved |= shuffle_all(m, b);
    if (moved || m->fault)
        return m->fault;
    for (uint32_t b = 0; b < m->cluster; b++) {
        const char *fault = settle_block(m, b, &moved);
        if (fault)
            return fault;
        finished += m->b[b].done == m->threads;
    }
    if (moved)
        return NULL;
    if (finished == m->cluster)
        return done;
    if (finished)
        return "a cluster's barrier that some of its blocks never reach";
    if (!same_place(m, 0, m->cluster * m->threads))
        return "blocks of a cluster wait at different barriers";
    resume(m, 0, m->cluster * m->threads);
    return NULL;
}

QUIET static void start_fibers(machine *m, sim_dim first_block)
{
    for (uint32_t i = 0; i < m->cluster * m->threads; i++) {
        fiber *f = &m->f[i];
        const uint32_t rank = i / m->threads;
        f->self = (sim_self){.thread = i % m->threads,
                             .threads = m->threads,
                             .block = first_block,
                             .shared = m->b[rank].shared.data,
                             .rank = rank};
        f->self.block.x += rank;
        f->state = READY;
        f->sp = sim_first_frame(m->stacks + (size_t)i * STACK_BYTES);
#if defined(__SANITIZE_THREAD__)
        f->tsan = __tsan_create_fiber(0);
#endif
    }
}

QUIET static void end_fibers(machine *m)
{
#if defined(__SANITIZE_THREAD__)
    for (uint32_t i = 0; i < m->cluster * m->threads; i++)
        __tsan_destroy_fiber(m->f[i].tsan);
#else
    (void)m;
#endif
}

/* Each thread once, as far as it can go: block after block, so that one may be at its end before
 * another has begun. */
QUIET static void run_round(machine *m, sim_order how)
{
    uint32_t blocks[CLUSTER_MAX], threads[THREADS_MAX];
    make_order(m, blocks, m->cluster, how);
    for (uint32_t b = 0; b < m->cluster; b++) {
        make_order(m, threads, m->threads, how);
        for (uint32_t i = 0; i < m->threads && !m->fault; i++) {
            const uint32_t at = blocks[b] * m->threads + threads[i];
            if (m->f[at].state == READY)
                sim_to_fiber(m, at);
        }
    }
}

QUIET static const char *run_cluster(machine *m, sim_dim first_block, sim_order how)
{
    const char *fault;
    for (uint32_t b = 0; b < m->cluster; b++)
        for (size_t i = 0; i < m->shared_bytes; i++) /* poison: no block reads what another left */
            ((volatile uint8_t *)m->b[b].shared.data)[i] = 0xa5;
    start_fibers(m, first_block);
    do {
        run_round(m, how);
        fault = settle(m);
    } while (!fault);
    end_fibers(m);
    return strcmp(fault, "done") == 0 ? NULL : fault;
}

/* ---- a launch ---- */

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Ends at a page that cannot be touched. */
static int open_shared(shared_memory *s, size_t bytes)
{
    const size_t page = page_bytes(), body = (bytes + page - 1) / page * page;
    s->bytes = body + page;
    s->pages = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s->pages == MAP_FAILED || mprotect(s->pages + body, page, PROT_NONE) != 0)
        return -1;
    s->data = s->pages + body - (bytes + 15) / 16 * 16;
    return 0;
}

/* Blocks have no memory in common: each cluster gets fresh pages, or the same ones where nothing
 * watches and nothing was closed. */
static void open_memory(machine *m)
{
    m->stacks = mmap(NULL, (size_t)m->cluster * m->threads * STACK_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m->stacks == MAP_FAILED)
        abort(); /* a test's own machine is out of memory */
    for (uint32_t b = 0; b < m->cluster; b++)
        if (open_shared(&m->b[b].shared, m->shared_bytes) != 0)
            abort();
}

static void close_memory(machine *m)
{
    munmap(m->stacks, (size_t)m->cluster * m->threads * STACK_BYTES);
    for (uint32_t b = 0; b < m->cluster; b++)
        munmap(m->b[b].shared.pages, m->b[b].shared.bytes);
}

static void renew_memory(machine *m)
{
#if defined(__SANITIZE_THREAD__)
    close_memory(m);
    open_memory(m);
#else
    for (uint32_t b = 0; b < m->cluster && m->cluster > 1; b++)
        if (mprotect(m->b[b].shared.pages, m->b[b].shared.bytes - page_bytes(),
                     PROT_READ | PROT_WRITE) != 0)
            abort();
#endif
}

static const char *check_launch(sim_dim grid, sim_dim block, uint32_t cluster, size_t shared_bytes)
{
    if (grid.y > 65535 || grid.z > 65535)
        return "a launch of more than 65535 blocks in y or z";
    if (block.y != 1 || block.z != 1 || block.x < 1 || block.x > THREADS_MAX)
        return "a launch of more than 1024 threads, or not in one dimension";
    if (shared_bytes > 227 * 1024)
        return "a launch with more shared memory than a block can have";
    if (cluster > CLUSTER_MAX || grid.x % cluster)
        return "a launch whose clusters are of more than 8 blocks, or do not divide its grid";
    return NULL;
}

static const char *run_all(machine *m, sim_dim grid, const sim_options *o)
{
    const uint32_t across = grid.x / m->cluster;
    const size_t clusters = (size_t)across * grid.y * grid.z;
    uint32_t *order = calloc(clusters + 1, sizeof *order);
    marks *all = calloc(clusters * m->cluster + 1, sizeof *all);
    const char *fault = NULL;
    if (!order || !all)
        abort();
    make_order(m, order, (uint32_t)clusters, o->order);
    open_memory(m);
    for (size_t i = 0; i < clusters && !fault; i++) {
        const uint32_t c = order[i];
        if (i)
            renew_memory(m);
        for (uint32_t b = 0; b < m->cluster; b++) {
            m->b[b].done = 0;
            m->b[b].marks = all + (size_t)c * m->cluster + b;
        }
        fault = run_cluster(
            m, (sim_dim){c % across * m->cluster, c / across % grid.y, c / across / grid.y},
            o->order);
    }
    close_memory(m);
    free(all);
    free(order);
    return fault;
}

const char *sim_launch_clusters(sim_kernel kernel, sim_dim grid, sim_dim block, uint32_t cluster,
                                const void *args, size_t shared_bytes, const sim_options *options)
{
    const sim_options in_order = {SIM_IN_ORDER, 1};
    const sim_options *o = options ? options : &in_order;
    const uint32_t size = cluster ? cluster : 1;
    const char *fault = check_launch(grid, block, size, shared_bytes);
    if (fault)
        return fault;
    block_state blocks[CLUSTER_MAX] = {0};
    machine *m = calloc(1, sizeof *m);
    fiber *fibers = calloc((size_t)size * block.x, sizeof *fibers);
    if (!m || !fibers)
        abort();
    m->f = fibers;
    m->b = blocks;
    m->threads = block.x;
    m->cluster = size;
    m->shared_bytes = shared_bytes;
    m->kernel = kernel;
    m->args = args;
    m->random = o->seed * 2 + 1;
#if defined(__SANITIZE_THREAD__)
    m->scheduler_tsan = __tsan_get_current_fiber();
#endif
    sim_machine = m;
    fault = run_all(m, grid, o);
    __tsan_acquire(m);
    sim_machine = NULL;
    sim_now = NULL;
    free(fibers);
    free(m);
    return fault;
}

const char *sim_launch(sim_kernel kernel, sim_dim grid, sim_dim block, const void *args,
                       size_t shared_bytes, const sim_options *options)
{
    return sim_launch_clusters(kernel, grid, block, 1, args, shared_bytes, options);
}
