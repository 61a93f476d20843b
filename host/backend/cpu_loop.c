/*
 * Loops of the CPU instance: when to use threads, and how finely to cut.
 *
 * Estimates are for 16 lanes at about 4 GHz: a transform costs N log N / 2 butterflies of 0.08 ns,
 * a word of element-wise work 0.1 ns out of the second-level cache. Slower twins take longer than
 * estimated, which only makes the choice of one thread rarer than it should be.
 */
#include "host/backend/cpu_private.h"

#define SERIAL_NS 15000.0 /* less work than this in all: the caller alone */
#define CHUNK_NS  2000.0  /* handing out an item costs some 0.1 microseconds */

double hel_cpu_cost_ntt(const hel_basis *p)
{
    const hel_ring *ring = p->shape.ring;
    return 0.04 * ring->n * ring->log_n;
}

double hel_cpu_cost_words(const hel_basis *p, double words)
{
    return 0.1 * words * p->shape.ring->n;
}

typedef struct chunks {
    hel_cpu_item_fn fn;
    void *arg;
    size_t count, per_chunk;
} chunks;

static hel_status run_chunk(void *arg, size_t index, uint32_t worker)
{
    const chunks *c = arg;
    const size_t first = index * c->per_chunk, left = c->count - first;
    const size_t end = first + (left < c->per_chunk ? left : c->per_chunk);
    for (size_t i = first; i < end; i++)
        HEL_TRY(c->fn(c->arg, i, worker));
    return HEL_OK;
}

hel_status hel_cpu_loop(hel_stream *s, size_t count, double cost, hel_cpu_item_fn fn, void *arg)
{
    chunks c = {.fn = fn, .arg = arg, .count = count, .per_chunk = count};
    if (count == 0)
        return HEL_OK;
    if ((double)count * cost < SERIAL_NS || hel_engine_threads(s->engine) <= 1)
        return run_chunk(&c, 0, 0);
    c.per_chunk = cost < CHUNK_NS ? (size_t)(CHUNK_NS / cost) + 1 : 1;
    return hel_parallel(s->engine, (count + c.per_chunk - 1) / c.per_chunk, run_chunk, &c);
}

hel_cpu_groups hel_cpu_cut(const hel_stream *s, uint32_t count, uint32_t batch)
{
    const uint32_t threads = hel_engine_threads(s->engine);
    /* half as large where threads share: one that is held up leaves groups to the others */
    const uint32_t most = threads > 1 ? CPU_GROUP / 2 : CPU_GROUP;
    hel_cpu_groups g = {.count = count, .batch = batch};
    g.groups = (count + most - 1) / most;
    while ((uint64_t)g.groups * batch % threads && g.groups < count)
        g.groups++;
    g.largest = g.groups ? (count + g.groups - 1) / g.groups : 0;
    g.workers = threads < hel_cpu_group_items(&g) ? threads : (uint32_t)hel_cpu_group_items(&g);
    return g;
}
