/* The simulated device: its life, its memory and the faults that it is told to have. */
#include "tests/sim/sim_device.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_private.h"

#define ZONE  256u /* bytes before and after every allocation */
#define PAINT 0xc3u

static _Thread_local char text[200]; /* of the latest failure on this thread */

/* ---- calls ---- */

hel_status sim_fail(hel_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return status;
}

hel_status sim_enter(sim_device *d, hel_status failure, const char *what)
{
    hel_status status = HEL_OK;
    pthread_mutex_lock(&d->lock);
    d->calls++;
    if (d->lost)
        status = sim_fail(HEL_E_UNSUPPORTED, "%s: device lost", what);
    else if (d->broken)
        status = sim_fail(HEL_E_INTERNAL, "%s", d->fault);
    else if (d->calls == d->fail_at)
        status = sim_fail(failure, "%s: told to fail", what);
    if (status != HEL_OK)
        pthread_mutex_unlock(&d->lock);
    return status;
}

hel_status sim_leave(sim_device *d, hel_status status)
{
    pthread_mutex_unlock(&d->lock);
    return status;
}

uint64_t sim_random(sim_device *d)
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    d->random ^= d->random << 17;
    return d->random;
}

static const char *error(hel_device *device)
{
    (void)device;
    return text;
}

/* ---- memory ---- */

static void die(const char *why)
{
    fprintf(stderr, "simulated device: %s\n", why);
    abort();
}

static void check_zone(const uint8_t *zone)
{
    for (uint32_t i = 0; i < ZONE; i++)
        if (zone[i] != PAINT)
            die("a red zone was written over");
}

const sim_block *sim_block_of(const sim_device *d, const void *p, size_t bytes)
{
    const uintptr_t at = (uintptr_t)p;
    for (const sim_block *k = d->blocks; k; k = k->next) {
        const uintptr_t first = (uintptr_t)k->data;
        if (at >= first && at - first <= k->bytes && bytes <= k->bytes - (at - first))
            return k;
    }
    return NULL;
}

static int within(const sim_block *k, const void *p)
{
    return (uintptr_t)p >= (uintptr_t)k->data && (uintptr_t)p < (uintptr_t)k->data + k->bytes;
}

/* Addresses among a launch's arguments are found by their value. */
static int op_knows(const sim_op *op, const sim_block *k)
{
    if (op->kind == SIM_LAUNCH)
        for (size_t at = 0; at + sizeof(void *) <= op->launch.args_bytes; at += sizeof(void *)) {
            void *p;
            memcpy(&p, (const uint8_t *)op->own + at, sizeof p);
            if (within(k, p))
                return 1;
        }
    return op->kind != SIM_LAUNCH && (within(k, op->dst) || within(k, op->src));
}

int sim_queued(const sim_device *d, const sim_block *k)
{
    for (const sim_queue *q = &d->none; q; q = q == &d->none ? d->queues : q->next)
        for (const sim_op *op = q->work.first; op; op = op->next)
            if (op_knows(op, k))
                return 1;
    return 0;
}

static hel_status memory(hel_device *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    sim_device *d = (sim_device *)device;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "memory"));
    *total_bytes = d->limit;
    *free_bytes = d->limit - d->used;
    return sim_leave(d, HEL_OK);
}

/* A zone, the data (poisoned), a zone. */
static hel_status allocate(sim_device *d, void **out, size_t bytes, int pinned, const char *what)
{
    *out = NULL;
    HEL_TRY(sim_enter(d, HEL_E_MEMORY, what));
    if (!pinned && bytes > d->limit - d->used)
        return sim_leave(d, sim_fail(HEL_E_MEMORY, "%s: out of memory", what));
    uint8_t *p = aligned_alloc(64, 2 * ZONE + (bytes + 63) / 64 * 64);
    sim_block *k = malloc(sizeof *k);
    if (!p || !k)
        die("the host is out of memory");
    memset(p, PAINT, ZONE);
    memset(p + ZONE, 0xa5, bytes);
    memset(p + ZONE + bytes, PAINT, ZONE);
    *k = (sim_block){d->blocks, p + ZONE, bytes, pinned};
    d->blocks = k;
    d->allocations++;
    d->used += pinned ? 0 : bytes;
    *out = k->data;
    return sim_leave(d, HEL_OK);
}

static void release_block(sim_device *d, const void *p, int pinned)
{
    sim_block **at = &d->blocks;
    pthread_mutex_lock(&d->lock);
    while (*at && (*at)->data != p)
        at = &(*at)->next;
    sim_block *k = *at;
    if (!k || k->pinned != pinned)
        die("memory is released that is not allocated");
    if (sim_queued(d, k))
        die("memory is released while work on it is queued");
    check_zone(k->data - ZONE);
    check_zone(k->data + k->bytes);
    *at = k->next;
    d->allocations--;
    d->used -= pinned ? 0 : k->bytes;
    free(k->data - ZONE);
    free(k);
    pthread_mutex_unlock(&d->lock);
}

static hel_status device_alloc(hel_device *device, void **out, size_t bytes)
{
    return allocate((sim_device *)device, out, bytes, 0, "allocation");
}

static void device_release(hel_device *device, void *p)
{
    if (p)
        release_block((sim_device *)device, p, 0);
}

static hel_status host_alloc(hel_device *device, void **out, size_t bytes)
{
    return allocate((sim_device *)device, out, bytes, 1, "pinned allocation");
}

static void host_release(hel_device *device, void *p)
{
    if (p)
        release_block((sim_device *)device, p, 1);
}

/* ---- life ---- */

static void close_device(hel_device *device)
{
    sim_device *d = (sim_device *)device;
    if (d->allocations || d->queues_alive || d->events_alive || d->graphs_alive) {
        fprintf(stderr,
                "simulated device: %llu allocations, %llu queues, %llu events, %llu graphs are "
                "left at its end\n",
                (unsigned long long)d->allocations, (unsigned long long)d->queues_alive,
                (unsigned long long)d->events_alive, (unsigned long long)d->graphs_alive);
        abort();
    }
    sim_drop(&d->none.work);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static const hel_device_ops ops = {
    .name = "sim",
    .close = close_device,
    .error = error,
    .memory = memory,
    .alloc = device_alloc,
    .release = device_release,
    .host_alloc = host_alloc,
    .host_release = host_release,
    .queue_create = sim_queue_create,
    .queue_free = sim_queue_free,
    .sync = sim_sync,
    .upload = sim_upload,
    .download = sim_download,
    .send = sim_send,
    .fetch = sim_fetch,
    .wipe = sim_wipe,
    .launch = sim_device_launch,
    .event_create = sim_event_create,
    .event_free = sim_event_free,
    .event_record = sim_event_record,
    .event_wait = sim_event_wait,
    .event_sync = sim_event_sync,
    .event_ms = sim_event_ms,
    .graph_begin = sim_graph_begin,
    .graph_end = sim_graph_end,
    .graph_run = sim_graph_run,
    .graph_free = sim_graph_free,
    .fourier = sim_fourier,
};

hel_device *sim_device_create(const sim_options *options, size_t shared_max)
{
    sim_device *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    const int hopper = shared_max >= SIM_SHARED_HOPPER;
    d->base = (hel_device){
        .ops = &ops, .shared_max = shared_max, .cluster_max = hopper ? 8 : 1, .processors = 4};
    snprintf(d->base.model, sizeof d->base.model, "simulated device, %zu bytes of shared memory",
             shared_max);
    pthread_mutex_init(&d->lock, NULL);
    if (options)
        d->options = *options;
    d->late = d->options.order == SIM_RANDOM;
    d->random = d->options.seed * 2 + 1;
    d->limit = (uint64_t)1 << 32;
    return &d->base;
}

void sim_device_set_late(hel_device *device, int late)
{
    ((sim_device *)device)->late = late;
}

void sim_device_set_memory(hel_device *device, uint64_t bytes)
{
    ((sim_device *)device)->limit = bytes ? bytes : (uint64_t)1 << 32;
}

void sim_device_fail_nth(hel_device *device, uint64_t nth)
{
    sim_device *d = (sim_device *)device;
    d->fail_at = nth ? d->calls + nth : 0;
}

void sim_device_corrupt_nth(hel_device *device, uint64_t nth)
{
    ((sim_device *)device)->corrupt_in = nth;
}

void sim_device_lose(hel_device *device)
{
    sim_device *d = (sim_device *)device;
    pthread_mutex_lock(&d->lock);
    d->lost = 1;
    sim_drain_all(d);
    pthread_mutex_unlock(&d->lock);
}

uint64_t sim_device_calls(const hel_device *device)
{
    return ((const sim_device *)device)->calls;
}

uint64_t sim_device_launches(const hel_device *device)
{
    return ((const sim_device *)device)->launches;
}

uint64_t sim_device_allocations(const hel_device *device)
{
    return ((const sim_device *)device)->allocations;
}
