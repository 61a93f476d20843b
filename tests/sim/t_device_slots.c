/*
 * Slots on the simulated device against the CPU instance: rounding, reduction and lift bit for bit
 * (one slot: the transform is the identity), whole transforms to the contract's 2^-45 of the
 * largest slot, products that are not finite, devices without a Fourier transform, failing calls,
 * and what is left of a message in released memory.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_ring.h"
#include "tests/sim/sim_device.h"

typedef struct side {
    hel_backend *backend;
    hel_stream *s;
    hel_basis *basis;
} side;

typedef struct rig {
    hel_engine *engine;
    hel_ring *ring;
    hel_embedding *embedding;
    hel_device *device;
    side cpu, sim;
} rig;

#define OK(t, call) cr_assert((call) == HEL_OK, "%s: %s", #call, hel_engine_error((t)->engine))

static void side_start(rig *t, side *d, uint32_t special)
{
    const hel_basis_shape shape = {.ring = t->ring,
                                   .embedding = t->embedding,
                                   .q_count = t->ring->count - special,
                                   .p_count = special,
                                   .digit_limbs = 1,
                                   .drop_max = 1};
    OK(t, d->backend->ops->stream_create(d->backend, t->engine, &d->s));
    OK(t, d->backend->ops->basis_create(d->backend, t->engine, &d->basis, &shape));
}

static void side_end(side *d)
{
    uint64_t now, most;
    cr_assert_eq(d->backend->ops->uses(d->s, &now, &most), HEL_OK);
    cr_assert_eq(now, 0, "%zu bytes were not released", (size_t)now);
    d->backend->ops->basis_free(d->backend, d->basis);
    d->backend->ops->stream_free(d->s);
    hel_backend_free(d->backend);
}

/* `special` of the primes are special ones. */
static void rig_start_on(rig *t, ref_random *r, uint32_t log_n, uint32_t count, uint32_t special,
                         hel_device *device)
{
    uint32_t primes[HEL_LIMBS_LIMIT];
    ref_mixed_primes(r, log_n, primes, count);
    t->device = device;
    t->ring = ref_ring_from(&t->engine, HEL_SIMD_AUTO, log_n, primes, count);
    OK(t, hel_embedding_create(t->engine, &t->embedding, log_n));
    OK(t, hel_backend_cpu_create(t->engine, &t->cpu.backend));
    OK(t, hel_backend_device_create(t->engine, &t->sim.backend, device));
    side_start(t, &t->cpu, special);
    side_start(t, &t->sim, special);
}

static void rig_start(rig *t, ref_random *r, uint32_t log_n, uint32_t count, uint32_t special)
{
    const sim_options options = {SIM_RANDOM, 3};
    rig_start_on(t, r, log_n, count, special, sim_device_create(&options, SIM_SHARED_ADA));
}

static void rig_end(rig *t)
{
    side_end(&t->cpu);
    side_end(&t->sim);
    hel_embedding_free(t->embedding);
    ref_ring_end(t->engine, t->ring);
}

/* A batch in host memory; as many words between items as no view may touch. */
#define GAP 32u

typedef struct words {
    uint32_t batch, limbs, q_limbs;
    size_t stride, count;
    uint32_t *data;
} words;

static words words_new(const rig *t, uint32_t batch, uint32_t limbs, uint32_t q_limbs)
{
    words w = {batch, limbs, q_limbs, (size_t)limbs * t->ring->n + GAP, 0, NULL};
    w.count = batch * w.stride;
    w.data = ref_words(w.count);
    memset(w.data, 0x5a, w.count * sizeof *w.data);
    return w;
}

static hel_view up(rig *t, side *d, const words *w)
{
    hel_view v = {NULL, w->batch, w->limbs, w->q_limbs, w->stride};
    OK(t, d->s->ops->alloc(d->s, &v.data, w->count * sizeof *v.data));
    OK(t, d->s->ops->upload(d->s, v.data, w->data, w->count * sizeof *v.data));
    return v;
}

static void encode(rig *t, side *d, words *w, const double *x, uint32_t log_slots, double scale)
{
    const hel_view v = up(t, d, w);
    OK(t, d->s->ops->encode(d->s, d->basis, v, x, log_slots, scale));
    OK(t, d->s->ops->download(d->s, w->data, v.data, w->count * sizeof *v.data));
    d->s->ops->release(d->s, v.data);
}

/* spread: the first item for the whole batch */
static void decode(rig *t, side *d, const words *w, double *x, uint32_t log_slots, double scale,
                   int spread)
{
    hel_view v = up(t, d, w);
    v.stride = spread ? 0 : v.stride;
    OK(t, d->s->ops->decode(d->s, d->basis, x, v, log_slots, scale));
    d->s->ops->release(d->s, v.data);
}

/* ---- one slot: bit for bit ---- */

/* Doubles around every rule of rounding and of size. */
static double corner(ref_random *r, uint32_t i)
{
    static const double fixed[] = {0,
                                   0.5,
                                   1.5,
                                   2.5,
                                   0.49999999999999994,
                                   1,
                                   0x1p-1074,
                                   0x1p51 - 0.5,
                                   0x1p51 + 0.5,
                                   0x1p52 - 0.5,
                                   0x1p52 + 1,
                                   0x1p53 + 2,
                                   0x1p62,
                                   0x1.fffffffffffffp61,
                                   0x1.fffffffffffffp62,
                                   0x1p63,
                                   0x1.0000000000001p63,
                                   0x1.fffffffffffffp63,
                                   0x1p64,
                                   0x1.8p1000,
                                   0x1.fffffffffffffp1023};
    const uint32_t count = sizeof fixed / sizeof *fixed;
    if (i < 2 * count)
        return i & 1 ? -fixed[i / 2] : fixed[i / 2];
    const double mantissa = 1 + ref_random_double(r);
    const int spread = i % 3 == 0 ? 2090 : i % 3 == 1 ? 140 : 60;
    const int exponent = (int)ref_random_below(r, (uint32_t)spread) - spread / 2;
    return ldexp(ref_random_u64(r) & 1 ? mantissa : -mantissa, exponent > 1023 ? 1023 : exponent);
}

static void encode_exactly(rig *t, ref_random *r, uint32_t limbs, uint32_t q_limbs, uint32_t batch,
                           double scale)
{
    words want = words_new(t, batch, limbs, q_limbs), have = words_new(t, batch, limbs, q_limbs);
    double *x = malloc((2 * batch + 1) * sizeof *x);
    for (uint32_t i = 0; i < 2 * batch; i++) {
        uint32_t which = batch > 60 ? i : 1000; /* random ones alone in small batches */
        do
            x[i] = corner(r, which) / scale;
        while (!isfinite(x[i] * scale) && (which += 999));
    }
    encode(t, &t->cpu, &want, x, 0, scale);
    encode(t, &t->sim, &have, x, 0, scale);
    for (size_t i = 0; i < want.count; i++)
        cr_assert_eq(want.data[i], have.data[i], "scale %g, item %zu (%a, %a), word %zu", scale,
                     i / want.stride, x[2 * (i / want.stride)], x[2 * (i / want.stride) + 1],
                     i % want.stride);
    free(x);
    free(want.data);
    free(have.data);
}

Test(device_slots, residues_of_equal_doubles, .timeout = 120)
{
    ref_random r = ref_random_start(1);
    rig t;
    rig_start(&t, &r, 10, 20, 3);
    encode_exactly(&t, &r, 20, 17, 80, 1);
    encode_exactly(&t, &r, 2, 1, 80, 0x1p-30);
    encode_exactly(&t, &r, 9, 9, 80, 3);
    encode_exactly(&t, &r, 1, 1, 0, 1);
    for (size_t k = 0; k < ref_scaled(10); k++) {
        const uint32_t limbs = 1 + ref_random_below(&r, 17);
        encode_exactly(&t, &r, limbs, limbs > 3 ? limbs - 3 : 1, 3, 0x1p20);
    }
    rig_end(&t);
}

/* Coefficients 0 and N/2 of an item: residues at random, at both ends of the centred range, of
 * small numbers and of powers of two. */
static void fill_item(const rig *t, ref_random *r, words *w, uint32_t item)
{
    const uint32_t kind = ref_random_below(r, 5), n = t->ring->n;
    const int64_t small = (int64_t)(ref_random_u64(r) >> (ref_random_below(r, 62) + 1)) *
                          (ref_random_u64(r) & 1 ? 1 : -1);
    for (uint32_t i = 0; i < w->limbs; i++) {
        uint32_t *x = w->data + item * w->stride + (size_t)i * n, q = t->ring->limb[i].q;
        ref_fill(r, x, n, q);
        for (uint32_t k = 0; k < n; k += n / 2)
            switch (kind) {
            case 0: /* (Q - 1) / 2 or its successor -(Q - 1) / 2, near to them */
                x[k] = ref_mod((__int128)(q / 2) + (k ? 1 : 0) + small % 3, q);
                break;
            case 1:
            case 2:
                x[k] = ref_mod(k ? -small : small, q);
                break;
            case 3:
                x[k] = ref_pow(2, (uint64_t)(small & 1023), q);
                break;
            default:
                break;
            }
        hel_ntt_forward(t->ring, i, x);
    }
}

static void decode_exactly(rig *t, ref_random *r, uint32_t limbs, uint32_t batch, double scale,
                           int spread)
{
    words w = words_new(t, batch, limbs, limbs);
    double *want = malloc(2 * batch * sizeof *want), *have = malloc(2 * batch * sizeof *have);
    for (uint32_t b = 0; b < batch; b++)
        fill_item(t, r, &w, b);
    decode(t, &t->cpu, &w, want, 0, scale, spread);
    decode(t, &t->sim, &w, have, 0, scale, spread);
    for (uint32_t i = 0; i < 2 * batch; i++)
        cr_assert(memcmp(&want[i], &have[i], sizeof *want) == 0 || want[i] == have[i] ||
                      !isfinite(want[i]),
                  "%u limbs, number %u: %a, not %a", limbs, i, have[i], want[i]);
    free(want);
    free(have);
    free(w.data);
}

Test(device_slots, doubles_of_equal_residues, .timeout = 120)
{
    static const double scales[] = {1, 0x1p20, 0x1p55, 3, 0x1.7p-40};
    ref_random r = ref_random_start(2);
    rig t;
    rig_start(&t, &r, 10, 40, 2);
    for (uint32_t limbs = 1; limbs <= 38; limbs += limbs < 6 ? 1 : 16)
        for (size_t k = 0; k < sizeof scales / sizeof *scales; k++)
            decode_exactly(&t, &r, limbs, 12, scales[k], k == 4);
    rig_end(&t);
}

/* As many limbs as there can be, on a device whose blocks have less shared memory than that. */
Test(device_slots, most_limbs, .timeout = 120)
{
    const sim_options options = {SIM_REVERSED, 1};
    ref_random r = ref_random_start(3);
    rig t;
    rig_start_on(&t, &r, 11, HEL_LIMBS_LIMIT, 1, sim_device_create(&options, 40 * 1024));
    decode_exactly(&t, &r, HEL_LIMBS_LIMIT - 1, 3, 0x1p1000, 0);
    encode_exactly(&t, &r, HEL_LIMBS_LIMIT, HEL_LIMBS_LIMIT - 1, 3, 0x1p40);
    rig_end(&t);
}

/* ---- transforms ---- */

static double largest_slot(const double *x, size_t slots)
{
    double most = 0;
    for (size_t i = 0; i < slots; i++)
        most = fmax(most, hypot(x[i], x[slots + i]));
    return most;
}

/* Coefficients of both encodings differ by the rounding and 2^-45 of the largest slot. */
static void encodings_close(rig *t, const words *want, words *have, const double *x,
                            uint32_t log_slots, double scale)
{
    const uint32_t n = t->ring->n;
    const size_t count = (size_t)2 << log_slots, gap = n / count;
    double *d = malloc(count * sizeof *d);
    uint32_t *scratch = ref_words((size_t)want->limbs * HEL_EMBEDDING_BLOCK);
    for (uint32_t b = 0; b < want->batch; b++) {
        const double bound =
            largest_slot(x + b * count, count / 2) * scale * 0x1p-45 * (1 + 0x1p-10) + 1;
        uint32_t *diff = have->data + b * want->stride;
        for (uint32_t i = 0; i < want->limbs; i++) {
            uint32_t *to = diff + (size_t)i * n;
            const uint32_t q = t->ring->limb[i].q;
            for (uint32_t k = 0; k < n; k++)
                to[k] = hel_mod_sub(to[k], want->data[b * want->stride + (size_t)i * n + k], q);
            hel_ntt_inverse(t->ring, i, to);
            for (uint32_t k = 0; k < n; k++)
                cr_assert(k % gap == 0 || to[k] == 0, "coefficient %u is not of the subring", k);
        }
        for (uint32_t k = 0; k < GAP; k++)
            cr_assert_eq(diff[(size_t)want->limbs * n + k], 0x5a5a5a5au);
        hel_embedding_lift(t->embedding, t->ring, want->limbs, log_slots, diff, n, 1, d, scratch);
        for (size_t k = 0; k < count; k++)
            cr_assert(fabs(d[k]) <= bound, "N = 2^%u, %zu slots, coefficient %zu: off by %g of %g",
                      t->ring->log_n, count / 2, k, d[k], bound);
    }
    free(scratch);
    free(d);
}

static void transforms(rig *t, ref_random *r, uint32_t limbs, uint32_t log_slots, uint32_t batch,
                       double size, double scale)
{
    const size_t count = (size_t)2 << log_slots, all = batch * count;
    double *x = malloc((all + 1) * sizeof *x), *y = malloc((all + 1) * sizeof *y);
    double *z = malloc((all + 1) * sizeof *z);
    words want = words_new(t, batch, limbs, limbs), have = words_new(t, batch, limbs, limbs);
    for (size_t i = 0; i < all; i++)
        x[i] = size * (2 * ref_random_double(r) - 1);
    encode(t, &t->cpu, &want, x, log_slots, scale);
    encode(t, &t->sim, &have, x, log_slots, scale);
    encodings_close(t, &want, &have, x, log_slots, scale);
    decode(t, &t->cpu, &want, y, log_slots, scale, batch == 1);
    decode(t, &t->sim, &want, z, log_slots, scale, batch == 1);
    for (uint32_t b = 0; b < batch; b++) {
        const double bound = largest_slot(y + b * count, count / 2) * 0x1p-45;
        for (size_t k = b * count; k < (b + 1) * count; k++) {
            cr_assert(fabs(y[k] - z[k]) <= bound, "N = 2^%u, %zu slots, slot %zu: %a, not %a",
                      t->ring->log_n, count / 2, k, z[k], y[k]);
            cr_assert(fabs(x[k] - z[k]) <=
                      size * 0x1p-44 + 2 * sqrt((double)t->ring->n) / scale * 8);
        }
    }
    free(x);
    free(y);
    free(z);
    free(want.data);
    free(have.data);
}

Test(device_slots, transforms_at_every_size, .timeout = 300)
{
    ref_random r = ref_random_start(4);
    for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
        const uint32_t slots[] = {0, 1, log_n / 2, log_n - 2, log_n - 1};
        rig t;
        rig_start(&t, &r, log_n, 4, 1);
        for (uint32_t k = log_n > 13 ? 3 : 0; k < 5; k++)
            for (uint32_t batch = 0; batch <= (log_n > 13 ? 1 : 3); batch += batch ? 2 : 1)
                transforms(&t, &r, 3, slots[k], batch, 1, log_n & 1 ? 0x1p40 : 0x1p20);
        transforms(&t, &r, 3, log_n - 1, 1, 0.25, 0x1p55);
        rig_end(&t);
    }
}

/* Slots so small or so large that only the product with the scale, or not even that, is a number of
 * ordinary size; every order of blocks. */
Test(device_slots, sizes_of_values, .timeout = 120)
{
    for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
        const sim_options options = {(sim_order)order, 9};
        ref_random r = ref_random_start(5);
        rig t;
        rig_start_on(&t, &r, 10, 60, 1, sim_device_create(&options, SIM_SHARED_HOPPER));
        transforms(&t, &r, 12, 9, 2, 0x1p200, 0x1p55);
        transforms(&t, &r, 59, 8, 1, 0x1p900, 0x1p20);
        transforms(&t, &r, 59, 9, 1, 0x1p960, 0x1p50);
        transforms(&t, &r, 3, 9, 1, 0x1p-900, 0x1p940);
        transforms(&t, &r, 3, 4, 1, 0x1p-300, 0x1p20); /* all zeros */
        rig_end(&t);
    }
}

/* ---- what goes wrong ---- */

Test(device_slots, products_that_are_not_finite)
{
    static const double bad[] = {INFINITY, -INFINITY, NAN, 0x1p1010, -0x1p1010};
    ref_random r = ref_random_start(6);
    rig t;
    rig_start(&t, &r, 10, 3, 0);
    for (uint32_t log_slots = 0; log_slots < 10; log_slots += 9)
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            const size_t count = (size_t)2 << log_slots;
            double *x = calloc(2 * count, sizeof *x);
            words w = words_new(&t, 2, 3, 3);
            x[count + ref_random_below(&r, (uint32_t)count)] = bad[k];
            for (int d = 0; d < 2; d++) {
                side *e = d ? &t.sim : &t.cpu;
                const hel_view v = up(&t, e, &w);
                hel_error_clear(t.engine);
                cr_assert_eq(e->s->ops->encode(e->s, e->basis, v, x, log_slots, 0x1p30),
                             HEL_E_USAGE, "%g, %zu slots", bad[k], count / 2);
                cr_assert(strstr(hel_engine_error(t.engine), "is not a finite number"), "%s",
                          hel_engine_error(t.engine));
                e->s->ops->release(e->s, v.data);
            }
            free(x);
            free(w.data);
        }
    transforms(&t, &r, 3, 9, 3, 1, 0x1p30);
    rig_end(&t);
}

static hel_status no_fourier(hel_device *d, void *queue, double *data, uint32_t log_n,
                             uint32_t batch, int inverse)
{
    (void)d;
    (void)queue;
    (void)data;
    (void)log_n;
    (void)batch;
    (void)inverse;
    return HEL_E_UNSUPPORTED;
}

Test(device_slots, without_a_fourier_transform)
{
    for (int null = 0; null < 2; null++) {
        const sim_options options = {SIM_IN_ORDER, 1};
        hel_device *device = sim_device_create(&options, SIM_SHARED_ADA);
        hel_device_ops ops = *device->ops;
        ref_random r = ref_random_start(7);
        double x[2 * 64], y[2 * 64], z[2 * 64];
        rig t;
        ops.fourier = null ? NULL : no_fourier;
        device->ops = &ops;
        rig_start_on(&t, &r, 10, 4, 1, device);
        words want = words_new(&t, 2, 4, 3), have = words_new(&t, 2, 4, 3);
        for (int i = 0; i < 128; i++)
            x[i] = ref_random_double(&r);
        encode(&t, &t.cpu, &want, x, 5, 0x1p30);
        encode(&t, &t.sim, &have, x, 5, 0x1p30);
        cr_assert_arr_eq(want.data, have.data, want.count * sizeof *want.data);
        want.limbs = want.q_limbs = 3;
        decode(&t, &t.cpu, &want, y, 5, 0x1p30, 0);
        decode(&t, &t.sim, &want, z, 5, 0x1p30, 0);
        cr_assert_arr_eq(y, z, sizeof y);
        decode(&t, &t.cpu, &want, y, 5, 0x1p30, 1);
        decode(&t, &t.sim, &want, z, 5, 0x1p30, 1);
        cr_assert_arr_eq(y, z, sizeof y);
        free(want.data);
        free(have.data);
        rig_end(&t);
    }
}

/* The n-th call of the device fails, n = 1, 2, ..: a named error or the very result. */
Test(device_slots, failing_calls, .timeout = 120)
{
    const size_t slots = 512;
    ref_random r = ref_random_start(8);
    double *x = malloc(4 * slots * sizeof *x), *y = malloc(4 * slots * sizeof *y);
    uint64_t failed = 0, nth = 1;
    for (size_t i = 0; i < 4 * slots; i++)
        x[i] = 2 * ref_random_double(&r) - 1;
    for (int done = 0; !done; nth++) {
        rig t;
        rig_start(&t, &r, 10, 3, 0);
        words w = words_new(&t, 2, 3, 3);
        side *d = &t.sim;
        const hel_view v = up(&t, d, &w);
        hel_error_clear(t.engine);
        memset(y, 0, 4 * slots * sizeof *y);
        const uint64_t before = sim_device_calls(t.device);
        sim_device_fail_nth(t.device, nth);
        hel_status status = d->s->ops->encode(d->s, d->basis, v, x, 9, 0x1p30);
        if (status == HEL_OK)
            status = d->s->ops->decode(d->s, d->basis, y, v, 9, 0x1p30);
        done = sim_device_calls(t.device) - before < nth;
        sim_device_fail_nth(t.device, 0);
        if (status == HEL_OK)
            for (size_t i = 0; i < 4 * slots; i++)
                cr_assert(fabs(x[i] - y[i]) < 0x1p-20, "call %zu", (size_t)nth);
        else {
            failed++;
            cr_assert(status == HEL_E_MEMORY || status == HEL_E_UNSUPPORTED, "%d", (int)status);
            cr_assert(strstr(hel_engine_error(t.engine), "device sim: "), "%s",
                      hel_engine_error(t.engine));
        }
        d->s->ops->release(d->s, v.data);
        free(w.data);
        rig_end(&t);
    }
    cr_assert(failed >= 8, "%zu failures", (size_t)failed);
    free(x);
    free(y);
}

Test(device_slots, failing_memory, .timeout = 120)
{
    double x[64] = {1}, y[64];
    for (uint64_t nth = 1, done = 0; !done; nth++) {
        for (int none = 0; none < 2; none++) {
            const sim_options options = {SIM_IN_ORDER, 1};
            hel_device *device = sim_device_create(&options, SIM_SHARED_ADA);
            hel_device_ops ops = *device->ops;
            ref_random r = ref_random_start(8);
            rig t;
            ops.fourier = none ? NULL : ops.fourier;
            device->ops = &ops;
            rig_start_on(&t, &r, 10, 3, 0, device);
            words w = words_new(&t, 1, 3, 3);
            side *d = &t.sim;
            const hel_view v = up(&t, d, &w);
            hel_error_clear(t.engine);
            hel_mem_fail_nth(nth);
            hel_status status = d->s->ops->encode(d->s, d->basis, v, x, 5, 0x1p30);
            if (status == HEL_OK)
                status = d->s->ops->decode(d->s, d->basis, y, v, 5, 0x1p30);
            hel_mem_fail_nth(0);
            cr_assert(status == HEL_OK ||
                      (status == HEL_E_MEMORY && hel_engine_error(t.engine)[0]));
            if (none)
                done = status == HEL_OK;
            d->s->ops->release(d->s, v.data);
            free(w.data);
            rig_end(&t);
        }
        cr_assert(nth < 100);
    }
    cr_assert_eq(hel_mem_in_use(), 0);
}

/* Work memory goes back full of zeros, whether the call succeeds or not; the device fills new
 * memory with something else. */
Test(device_slots, leaves_no_message)
{
    const size_t slots = 512, bytes = 4 * slots * sizeof(double) + 4;
    for (int what = 0; what < 3; what++) {
        const sim_options options = {SIM_IN_ORDER, 1};
        ref_random r = ref_random_start(9);
        double x[2 * 512], y[2 * 512];
        uint8_t *left = malloc(bytes);
        rig t;
        void *p;
        rig_start_on(&t, &r, 10, 2, 0, sim_device_create(&options, SIM_SHARED_ADA));
        words w = words_new(&t, 1, 2, 2);
        side *d = &t.sim;
        const hel_view v = up(&t, d, &w);
        for (size_t i = 0; i < 2 * slots; i++)
            x[i] = what == 2 ? INFINITY : 1 + ref_random_double(&r);
        cr_assert_eq(d->s->ops->encode(d->s, d->basis, v, x, 9, 0x1p20),
                     what == 2 ? HEL_E_USAGE : HEL_OK);
        if (what == 1)
            OK(&t, d->s->ops->decode(d->s, d->basis, y, v, 9, 0x1p20));
        OK(&t, d->s->ops->alloc(d->s, &p, bytes));
        OK(&t, d->s->ops->download(d->s, left, p, bytes));
        for (size_t i = 0; i < bytes; i++)
            cr_assert_eq(left[i], 0, "byte %zu", i);
        d->s->ops->release(d->s, p);
        d->s->ops->release(d->s, v.data);
        free(w.data);
        free(left);
        rig_end(&t);
    }
}
