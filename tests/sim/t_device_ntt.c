/* The transforms of the kernels against the portable ones: every N, all ways through shared
 * memory, every order of blocks and threads. The other kernels are checked by the suites of the
 * backend, of which the simulated device is one configuration. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ring.h"
#include "tests/sim/sim_device.h"

typedef struct setting {
    hel_engine *engine;
    hel_ring *ring;
    hel_backend *backend;
    hel_stream *s;
    hel_basis *basis;
} setting;

#define LIMBS 3u

static void start(setting *t, uint32_t log_n, hel_device *device)
{
    t->ring = ref_ring(&t->engine, HEL_SIMD_PORTABLE, log_n, LIMBS);
    const hel_basis_shape shape = {
        .ring = t->ring, .q_count = 2, .p_count = 1, .digit_limbs = 1, .drop_max = 1};
    cr_assert_eq(hel_backend_device_create(t->engine, &t->backend, device), HEL_OK);
    cr_assert_eq(t->backend->ops->stream_create(t->backend, t->engine, &t->s), HEL_OK);
    cr_assert_eq(t->backend->ops->basis_create(t->backend, t->engine, &t->basis, &shape), HEL_OK,
                 "%s", hel_engine_error(t->engine));
}

static void finish(setting *t)
{
    t->backend->ops->basis_free(t->backend, t->basis);
    t->backend->ops->stream_free(t->s);
    hel_backend_free(t->backend);
    ref_ring_end(t->engine, t->ring);
}

/* Items of three limbs, the last a special prime, with a gap between them, and room for one more,
 * which must not be touched. */
static void check(setting *t, ref_random *r, uint32_t batch, int order)
{
    const size_t n = t->ring->n, stride = LIMBS * n + 32, words = (batch + 1) * stride;
    uint32_t *want = ref_words(words), *data;
    cr_assert_eq(t->backend->ops->alloc(t->s, &data, words * sizeof *data), HEL_OK);
    const hel_view view = {data, batch, LIMBS, 2, stride};
    memset(want, 0x77, words * sizeof *want);
    for (size_t b = 0; b < batch; b++)
        for (uint32_t i = 0; i < LIMBS; i++)
            ref_fill(r, want + b * stride + i * n, n, t->ring->limb[i].q);
    cr_assert_eq(t->s->ops->upload(t->s, data, want, words * sizeof *data), HEL_OK);
    for (int inverse = 0; inverse < 2; inverse++) {
        cr_assert_eq(inverse ? t->s->ops->ntt_inverse(t->s, t->basis, view)
                             : t->s->ops->ntt_forward(t->s, t->basis, view),
                     HEL_OK, "%s", hel_engine_error(t->engine));
        cr_assert_eq(t->s->ops->sync(t->s), HEL_OK, "%s", hel_engine_error(t->engine));
        for (size_t b = 0; b < batch; b++)
            for (uint32_t i = 0; i < LIMBS; i++)
                (inverse ? hel_ntt_inverse : hel_ntt_forward)(t->ring, i,
                                                              want + b * stride + i * n);
        cr_assert_arr_eq(data, want, words * sizeof *data, "N = 2^%u order %d inverse %d",
                         t->ring->log_n, order, inverse);
    }
    t->backend->ops->release(t->s, data);
    free(want);
}

Test(device_ntt, equals_the_host_at_every_size, .timeout = 300)
{
    ref_random r = ref_random_start(1);
    for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++)
        for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
            const sim_options options = {(sim_order)order, 5};
            const int small = log_n == 15 && order != SIM_REVERSED;
            setting t;
            start(&t, log_n,
                  sim_device_create(&options, small ? SIM_SHARED_ADA : SIM_SHARED_HOPPER));
            check(&t, &r, 2, order);
            finish(&t);
        }
}

/* N = 2^16: one launch for the limbs of Q and one for those of P where the device has clusters, two
 * each where it has none, or less shared memory than a part of a row takes. */
Test(device_ntt, clusters_where_the_device_has_them, .timeout = 300)
{
    static const struct {
        size_t shared;
        uint32_t clusters, passes;
    } devices[] = {{SIM_SHARED_HOPPER, 8, 1},
                   {SIM_SHARED_HOPPER, K_CLUSTER_BLOCKS, 1},
                   {SIM_SHARED_HOPPER, K_CLUSTER_BLOCKS - 1, 2},
                   {SIM_SHARED_HOPPER, 1, 2},
                   {K_CLUSTER_BYTES - 1, 8, 2},
                   {SIM_SHARED_ADA, 1, 2}};
    static const uint32_t batches[] = {3, 1, 0, 1, 1, 1};
    ref_random r = ref_random_start(2);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        const sim_options options = {SIM_RANDOM, 9 + i};
        hel_device *device = sim_device_create(&options, devices[i].shared);
        setting t;
        device->cluster_max = devices[i].clusters;
        start(&t, 16, device);
        const uint64_t before = sim_device_launches(device);
        check(&t, &r, batches[i], SIM_RANDOM);
        cr_assert_eq(sim_device_launches(device) - before, batches[i] ? 4 * devices[i].passes : 0,
                     "device %zu: %zu launches", i, (size_t)(sim_device_launches(device) - before));
        finish(&t);
    }
}

/* Every call of the device fails once: a named error each time, nothing lost. Only a request for
 * memory may be made once more. */
static hel_status small_job(setting *t, uint64_t nth, int *reached)
{
    hel_device *device = sim_device_create(NULL, SIM_SHARED_HOPPER);
    const hel_basis_shape shape = {
        .ring = t->ring, .q_count = 2, .p_count = 1, .digit_limbs = 1, .drop_max = 1};
    hel_view v = {.batch = 1, .limbs = 2, .q_limbs = 2, .stride = 2 * t->ring->n};
    hel_status status;
    sim_device_fail_nth(device, nth);
    HEL_TRY(hel_backend_device_create(t->engine, &t->backend, device));
    const hel_backend_ops *ops = t->backend->ops;
    HEL_TRY_GOTO(ops->stream_create(t->backend, t->engine, &t->s), out);
    HEL_TRY_GOTO(ops->basis_create(t->backend, t->engine, &t->basis, &shape), out);
    HEL_TRY_GOTO(ops->alloc(t->s, &v.data, 2 * v.stride * sizeof *v.data), out);
    HEL_TRY_GOTO(ops->uniform(t->s, t->basis, v, (const uint8_t[32]){1}, HEL_DOMAIN_CIPHER_A, 7),
                 out);
    hel_view low = {v.data + v.stride, 1, 1, 1, v.stride};
    HEL_TRY_GOTO(ops->rescale(t->s, t->basis, low, v), out);
    HEL_TRY_GOTO(ops->sync(t->s), out);
out:
    *reached = sim_device_calls(device) >= nth;
    if (t->s)
        ops->release(t->s, v.data);
    ops->basis_free(t->backend, t->basis);
    ops->stream_free(t->s);
    hel_backend_free(t->backend); /* aborts when an allocation is left */
    t->s = NULL;
    t->basis = NULL;
    return status;
}

Test(device_ntt, every_failing_call_is_named, .timeout = 300)
{
    setting t = {0};
    t.ring = ref_ring(&t.engine, HEL_SIMD_PORTABLE, 10, LIMBS);
    uint64_t nth = 1, again = 0;
    for (; nth < 200; nth++) {
        hel_error_clear(t.engine);
        int reached = 0;
        hel_status status = small_job(&t, nth, &reached);
        if (status == HEL_OK && !reached)
            break;
        again += status == HEL_OK;
        if (status == HEL_OK)
            continue;
        cr_assert(status == HEL_E_MEMORY || status == HEL_E_UNSUPPORTED);
        cr_assert(strstr(hel_engine_error(t.engine), "told to fail"), "call %zu: %s", (size_t)nth,
                  hel_engine_error(t.engine));
    }
    cr_assert(nth > 15 && nth < 200 && again <= 5, "%zu calls", (size_t)nth);
    ref_ring_end(t.engine, t.ring);
}
