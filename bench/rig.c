/* See rig.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/rig.h"
#include "tests/device/device_open.h"

void rig_must(rig *b, hel_status status)
{
    if (status == HEL_OK)
        return;
    fprintf(stderr, "b_device: %s: %s\n", hel_status_name(status), hel_engine_error(b->engine));
    exit(hel_status_exit_code(status));
}

void rig_device_must(rig *b, hel_status status)
{
    if (status == HEL_OK)
        return;
    fprintf(stderr, "b_device: %s: %s\n", hel_status_name(status),
            b->device->ops->error(b->device));
    exit(hel_status_exit_code(status));
}

void rig_open(rig *b, const rig_options *options)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    uint64_t total;
    memset(b, 0, sizeof *b);
    b->options = *options;
    config.backend = options->backend;
    config.device = options->device;
    if (hel_engine_create(&b->engine, &config) != HEL_OK)
        exit(71);
    const hel_status status =
        device_open(b->engine, &b->backend, options->backend, options->device);
    if (status != HEL_OK) {
        fprintf(stderr, "b_device: backend %s: %s\n", options->backend,
                hel_engine_error(b->engine));
        exit(69);
    }
    b->ops = b->backend->ops;
    rig_must(b, b->ops->stream_create(b->backend, b->engine, &b->s));
    b->device = hel_backend_device(b->backend);
    if (!b->device)
        return;
    b->queue = hel_stream_queue(b->s);
    b->roofline.instructions_per_ns = roofline_issue_rate(b->device->processors);
    rig_device_must(b, b->device->ops->memory(b->device, &b->free_bytes, &total));
    for (int i = 0; i < 2 && b->device->ops->event_create; i++)
        rig_device_must(b, b->device->ops->event_create(b->device, &b->event[i]));
}

void rig_close(rig *b)
{
    for (int i = 0; i < 2; i++)
        if (b->event[i])
            b->device->ops->event_free(b->device, b->event[i]);
    b->ops->stream_free(b->s);
    hel_backend_free(b->backend);
    hel_engine_free(b->engine);
}

/* ---- timing ---- */

typedef struct rig_round {
    rig *b;
    rig_fn fn;
    void *arg;
    double device_ns; /* of one call, the best */
} rig_round;

static void run_round(void *p, size_t iterations)
{
    rig_round *r = p;
    rig *b = r->b;
    float ms = 0;
    if (b->event[1])
        rig_device_must(b, b->device->ops->event_record(b->device, b->queue, b->event[0]));
    for (size_t i = 0; i < iterations; i++)
        rig_must(b, r->fn(r->arg));
    if (b->event[1])
        rig_device_must(b, b->device->ops->event_record(b->device, b->queue, b->event[1]));
    rig_must(b, b->ops->sync(b->s));
    if (!b->event[1])
        return;
    rig_device_must(b, b->device->ops->event_ms(b->device, b->event[0], b->event[1], &ms));
    const double ns = 1e6 * (double)ms / (double)iterations;
    if (ns > 0 && (!(r->device_ns > 0) || ns < r->device_ns))
        r->device_ns = ns;
}

bench_result rig_run(rig *b, const char *name, rig_fn fn, void *arg, double items,
                     const roofline_work *work)
{
    rig_round r = {b, fn, arg, 0};
    if (bench_wanted(name) && !bench_listing())
        run_round(&r, 1); /* what is allocated or loaded at first use */
    r.device_ns = 0;
    const bench_result result = bench_run(name, run_round, &r, (bench_rate){.items = items});
    if (result.best_ns > 0 && work)
        roofline_report(&b->roofline, work, result.best_ns / items, r.device_ns / items);
    return result;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

void rig_measure_copies(rig *b)
{
    const uint32_t log_n = b->options.smoke ? 10 : 16, limbs = 4;
    const uint32_t batch = b->options.smoke ? 1 : b->device ? 512 : 64;
    const double bytes = 8.0 * (double)batch * limbs * (double)(1u << log_n);
    double best = 0;
    hel_ring *ring;
    hel_basis *basis;
    rig_must(b, hel_ring_create(b->engine, &ring, log_n, limbs));
    const hel_basis_shape shape = {.ring = ring, .q_count = limbs, .digit_limbs = 1, .drop_max = 1};
    rig_must(b, b->ops->basis_create(b->backend, b->engine, &basis, &shape));
    const hel_view x = rig_view(b, basis, batch, limbs, limbs);
    const hel_view y = rig_view(b, basis, batch, limbs, limbs);
    for (int i = 0; i < (b->options.smoke ? 2 : 9); i++) {
        const int times = b->options.smoke ? 1 : 10;
        const double start = now_ns();
        for (int k = 0; k < times; k++)
            rig_must(b, b->ops->copy(b->s, basis, y, x));
        rig_must(b, b->ops->sync(b->s));
        best = fmax(best, bytes * times / (now_ns() - start));
    }
    b->roofline.bytes_per_ns = best;
    rig_drop(b, x);
    rig_drop(b, y);
    b->ops->basis_free(b->backend, basis);
    hel_ring_free(ring);
}

/* ---- memory ---- */

hel_view rig_view(rig *b, const hel_basis *basis, uint32_t batch, uint32_t limbs, uint32_t q_limbs)
{
    static const uint8_t seed[32] = {7};
    hel_view v = {.batch = batch, .limbs = limbs, .q_limbs = q_limbs};
    v.stride = (size_t)limbs * hel_basis_get_shape(basis)->ring->n;
    rig_must(b, b->ops->alloc(b->s, &v.data, batch * v.stride * sizeof *v.data));
    rig_must(b, b->ops->uniform(b->s, basis, v, seed, HEL_DOMAIN_SWITCH_A, 1));
    return v;
}

void rig_drop(rig *b, hel_view v)
{
    b->ops->release(b->s, v.data);
}

int rig_fits(const rig *b, double bytes)
{
    if (b->options.smoke)
        return bytes < (double)(64 << 20);
    return b->device ? bytes < 0.7 * (double)b->free_bytes : bytes < 2e9;
}
