/*
 * What the suites of the backend share: the configurations that must agree bit for bit (every twin
 * of the CPU, threads, and the simulated device), a backend for each, batches of residues in and
 * out of its memory, and their coefficients through the portable transforms.
 */
#ifndef HEL_TESTS_BACKEND_TEST_H
#define HEL_TESTS_BACKEND_TEST_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/backend.h"
#include "tests/ref/ref_ring.h"
#include "tests/ref/ref_rns.h"
#include "tests/sim/sim_device.h"

#define CONFIGS_MAX 6

typedef struct case_shape {
    uint32_t log_n, q_count, p_count, digit_limbs, drop_max;
    const uint64_t *multiplier;
} case_shape;

typedef struct environment {
    hel_engine *engine;
    hel_ring *ring;
    hel_embedding *embedding;
    hel_backend *backend;
    hel_stream *s;
    const hel_backend_ops *ops;
    hel_basis *basis;
    char name[32];
} environment;

typedef struct world {
    case_shape shape;
    uint32_t n, total, count; /* of environments; the first is portable, one thread */
    uint32_t primes[HEL_LIMBS_LIMIT];
    environment env[CONFIGS_MAX];
} world;

#define OK(e, call)                                                                                \
    cr_assert((call) == HEL_OK, "%s: %s: %s", (e)->name, #call, hel_engine_error((e)->engine))

static inline void environment_start(environment *e, const world *w, hel_simd simd,
                                     uint32_t threads, int embedding, const sim_options *device)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.simd = simd;
    config.threads = threads;
    cr_assert(hel_engine_create(&e->engine, &config) == HEL_OK);
    snprintf(e->name, sizeof e->name, "%s, %u threads", hel_engine_simd_name(e->engine), threads);
    OK(e, hel_ring_create_from(e->engine, &e->ring, w->shape.log_n, w->primes, w->total));
    if (embedding)
        OK(e, hel_embedding_create(e->engine, &e->embedding, w->shape.log_n));
    if (device) {
        hel_device *d = sim_device_create(device, SIM_SHARED_ADA);
        snprintf(e->name, sizeof e->name, "simulated device");
        OK(e, hel_backend_device_create(e->engine, &e->backend, d));
    } else {
        OK(e, hel_backend_cpu_create(e->engine, &e->backend));
    }
    e->ops = e->backend->ops;
    OK(e, e->ops->stream_create(e->backend, e->engine, &e->s));
    const hel_basis_shape shape = {.ring = e->ring,
                                   .embedding = e->embedding,
                                   .q_count = w->shape.q_count,
                                   .p_count = w->shape.p_count,
                                   .digit_limbs = w->shape.digit_limbs,
                                   .drop_max = w->shape.drop_max,
                                   .multiplier = w->shape.multiplier};
    OK(e, e->ops->basis_create(e->backend, e->engine, &e->basis, &shape));
}

/* Primes of 18 to 30 bits, in turn. */
static inline void world_start(world *w, case_shape shape, int embedding)
{
    static const uint32_t bits[] = {30, 21, 29, 30, 24, 27, 30, 19, 28};
    memset(w, 0, sizeof *w);
    w->shape = shape;
    w->n = 1u << shape.log_n;
    w->total = shape.q_count + shape.p_count;
    ref_rns_primes(shape.log_n, bits, sizeof bits / sizeof *bits, w->primes, w->total);
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        environment_start(&w->env[w->count++], w, ref_twin(i), 1, embedding, NULL);
    environment_start(&w->env[w->count++], w, HEL_SIMD_AUTO, 1, embedding,
                      &(const sim_options){SIM_RANDOM, 1});
    environment_start(&w->env[w->count++], w, HEL_SIMD_AUTO, 2, embedding, NULL);
    environment_start(&w->env[w->count++], w, HEL_SIMD_PORTABLE, 3, embedding, NULL);
}

static inline void world_end(world *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        environment *e = &w->env[i];
        uint64_t now, most;
        OK(e, e->ops->uses(e->s, &now, &most));
        cr_assert(now == 0, "%s: %zu bytes were not released", e->name, (size_t)now);
        e->ops->basis_free(e->backend, e->basis);
        e->ops->stream_free(e->s);
        hel_backend_free(e->backend);
        hel_embedding_free(e->embedding);
        hel_ring_free(e->ring);
        hel_engine_free(e->engine);
    }
}

/* The prime of limb i of a view with q_limbs limbs of Q. */
static inline uint32_t world_prime(const world *w, uint32_t q_limbs, uint32_t i)
{
    return w->primes[i < q_limbs ? i : w->shape.q_count + i - q_limbs];
}

/* ---- host copies of views ---- */

typedef struct host_view {
    uint32_t *data; /* batch x stride words, free() */
    uint32_t batch, limbs, q_limbs;
    size_t stride, words;
} host_view;

/* gap: words between items; batch 0 has room for none. */
static inline host_view host_make(const world *w, uint32_t batch, uint32_t limbs, uint32_t q_limbs,
                                  size_t gap)
{
    host_view v = {.batch = batch, .limbs = limbs, .q_limbs = q_limbs};
    v.stride = (size_t)limbs * w->n + gap;
    v.words = v.stride * batch;
    v.data = ref_words(v.words);
    memset(v.data, 0x5a, v.words * sizeof *v.data);
    return v;
}

static inline host_view host_random(const world *w, ref_random *r, uint32_t batch, uint32_t limbs,
                                    uint32_t q_limbs, size_t gap)
{
    host_view v = host_make(w, batch, limbs, q_limbs, gap);
    for (uint32_t b = 0; b < batch; b++)
        for (uint32_t i = 0; i < limbs; i++)
            ref_fill(r, v.data + b * v.stride + (size_t)i * w->n, w->n, world_prime(w, q_limbs, i));
    return v;
}

static inline uint32_t *host_limb(const world *w, const host_view *v, uint32_t item, uint32_t i)
{
    return v->data + item * v->stride + (size_t)i * w->n;
}

/* Into and out of a backend's memory; what lies between the items travels too. */
static inline hel_view view_up(environment *e, const host_view *h)
{
    hel_view v = {.batch = h->batch, .limbs = h->limbs, .q_limbs = h->q_limbs, .stride = h->stride};
    OK(e, e->ops->alloc(e->s, &v.data, h->words * sizeof *v.data));
    cr_assert(((uintptr_t)v.data & 63) == 0);
    OK(e, e->ops->upload(e->s, v.data, h->data, h->words * sizeof *v.data));
    return v;
}

static inline void view_down(environment *e, hel_view v, host_view *h)
{
    OK(e, e->ops->sync(e->s));
    OK(e, e->ops->download(e->s, h->data, v.data, h->words * sizeof *v.data));
    e->ops->release(e->s, v.data);
}

static inline void view_drop(environment *e, hel_view v)
{
    e->ops->release(e->s, v.data);
}

/* The same view for `batch` items that all are its first. */
static inline hel_view view_spread(hel_view v, uint32_t batch)
{
    v.batch = batch;
    v.stride = 0;
    return v;
}

/* Fails unless `now` holds what `first`, the first environment's result, holds. */
static inline void host_equal(const environment *e, const host_view *first, const host_view *now,
                              const char *what)
{
    for (size_t i = 0; i < first->words; i++)
        cr_assert(first->data[i] == now->data[i], "%s: %s differs at word %zu: %u, not %u", e->name,
                  what, i, now->data[i], first->data[i]);
}

/* Coefficient form of a whole view, by the portable twin. */
static inline void host_inverse(const world *w, host_view *v)
{
    const hel_ring *ring = w->env[0].ring;
    for (uint32_t b = 0; b < v->batch; b++)
        for (uint32_t i = 0; i < v->limbs; i++)
            hel_ntt_inverse(ring, i < v->q_limbs ? i : w->shape.q_count + i - v->q_limbs,
                            host_limb(w, v, b, i));
}

/* Residues of one coefficient. */
static inline void host_gather(const world *w, const host_view *v, uint32_t item, uint32_t at,
                               uint32_t *a)
{
    for (uint32_t i = 0; i < v->limbs; i++)
        a[i] = host_limb(w, v, item, i)[at];
}

/* Coefficients that the slow oracle looks at: `count` of them spread over all, ends included. */
static inline uint32_t sample_place(const world *w, uint32_t k, uint32_t count)
{
    return count < 2 ? 0 : (uint32_t)((uint64_t)k * (w->n - 1) / (count - 1));
}

#endif
