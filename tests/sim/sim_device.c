#include "tests/sim/sim_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE  256u /* bytes before and after every allocation */
#define PAINT 0xc3u

typedef struct sim_device {
    hel_device base;
    sim_options options;
    uint64_t calls, fail_at, launches, allocations;
    char text[160];
    int closed;
} sim_device;

#define DECLARE(name) void name(const void *args);
K_LIST(DECLARE)
#undef DECLARE

static const sim_kernel kernels[K_ID_COUNT] = {
#define ENTRY(name) [K_ID_##name] = name,
    K_LIST(ENTRY)
#undef ENTRY
};

static const char *const names[K_ID_COUNT] = {
#define NAME(name) [K_ID_##name] = #name,
    K_LIST(NAME)
#undef NAME
};

static hel_status count_call(sim_device *d, hel_status failure, const char *what)
{
    d->calls++;
    if (d->calls != d->fail_at)
        return HEL_OK;
    snprintf(d->text, sizeof d->text, "%s: told to fail", what);
    return failure;
}

static void check_zone(const uint8_t *zone)
{
    for (uint32_t i = 0; i < ZONE; i++)
        if (zone[i] != PAINT) {
            fprintf(stderr, "simulated device: a red zone was written over\n");
            abort();
        }
}

static void close_device(hel_device *device)
{
    sim_device *d = (sim_device *)device;
    if (d->allocations) {
        fprintf(stderr, "simulated device: %llu allocations are left at its end\n",
                (unsigned long long)d->allocations);
        abort();
    }
    free(d);
}

static const char *error(hel_device *device)
{
    return ((sim_device *)device)->text;
}

static hel_status memory(hel_device *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    *free_bytes = *total_bytes = (uint64_t)1 << 32;
    return count_call((sim_device *)device, HEL_E_UNSUPPORTED, "memory");
}

/* The size, a zone, the data (poisoned), a zone. */
static hel_status allocate(hel_device *device, void **out, size_t bytes)
{
    sim_device *d = (sim_device *)device;
    *out = NULL;
    HEL_TRY(count_call(d, HEL_E_MEMORY, "allocation"));
    uint8_t *p = aligned_alloc(64, 64 + 2 * ZONE + (bytes + 63) / 64 * 64);
    if (!p)
        return HEL_E_MEMORY;
    memcpy(p, &bytes, sizeof bytes);
    memset(p + 64, PAINT, ZONE);
    memset(p + 64 + ZONE, 0xa5, bytes);
    memset(p + 64 + ZONE + bytes, PAINT, ZONE);
    d->allocations++;
    *out = p + 64 + ZONE;
    return HEL_OK;
}

static void release(hel_device *device, void *data)
{
    uint8_t *p = (uint8_t *)data - ZONE - 64;
    size_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    check_zone(p + 64);
    check_zone(p + 64 + ZONE + bytes);
    ((sim_device *)device)->allocations--;
    free(p);
}

static hel_status queue_create(hel_device *device, void **queue)
{
    *queue = device;
    return count_call((sim_device *)device, HEL_E_UNSUPPORTED, "queue");
}

static void queue_free(hel_device *device, void *queue)
{
    (void)device;
    (void)queue;
}

static hel_status sync(hel_device *device, void *queue)
{
    (void)queue;
    return count_call((sim_device *)device, HEL_E_UNSUPPORTED, "sync");
}

static hel_status copy(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    (void)queue;
    HEL_TRY(count_call((sim_device *)device, HEL_E_UNSUPPORTED, "copy"));
    memcpy(dst, src, bytes);
    return HEL_OK;
}

static hel_status wipe(hel_device *device, void *queue, void *p, size_t bytes)
{
    (void)queue;
    HEL_TRY(count_call((sim_device *)device, HEL_E_UNSUPPORTED, "wipe"));
    memset(p, 0, bytes);
    return HEL_OK;
}

static hel_status launch(hel_device *device, void *queue, const hel_launch *l)
{
    sim_device *d = (sim_device *)device;
    (void)queue;
    HEL_TRY(count_call(d, HEL_E_UNSUPPORTED, "launch"));
    d->launches++;
    d->options.seed++;
    if (l->shared_bytes > d->base.shared_max) {
        snprintf(d->text, sizeof d->text, "%s: more shared memory than a block may have",
                 names[l->kernel]);
        return HEL_E_INTERNAL;
    }
    const char *fault =
        sim_launch(kernels[l->kernel], (sim_dim){l->grid[0], l->grid[1], l->grid[2]},
                   (sim_dim){l->threads, 1, 1}, l->args, l->shared_bytes, &d->options);
    if (!fault)
        return HEL_OK;
    snprintf(d->text, sizeof d->text, "%s: %s", names[l->kernel], fault);
    return HEL_E_INTERNAL;
}

hel_device *sim_device_create(const sim_options *options, size_t shared_max)
{
    static const hel_device_ops ops = {.name = "sim",
                                       .close = close_device,
                                       .error = error,
                                       .memory = memory,
                                       .alloc = allocate,
                                       .release = release,
                                       .queue_create = queue_create,
                                       .queue_free = queue_free,
                                       .sync = sync,
                                       .wipe = wipe,
                                       .upload = copy,
                                       .download = copy,
                                       .launch = launch};
    sim_device *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->base.ops = &ops;
    d->base.shared_max = shared_max;
    if (options)
        d->options = *options;
    return &d->base;
}

void sim_device_fail_nth(hel_device *device, uint64_t nth)
{
    sim_device *d = (sim_device *)device;
    d->fail_at = nth ? d->calls + nth : 0;
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
