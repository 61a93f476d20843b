/* Genotypes times weights on the simulated device against the CPU's tensor product and samplers:
 * every shape of a launch, primes that refuse many words, largest residues, both row buffers. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/backend/tensor.h"
#include "host/base/mem.h"
#include "host/ckks/exact/device_scan_private.h"
#include "tests/ref/ref_scheme.h"
#include "tests/sim/sim_device.h"

#define LIMBS 4u
#define LANES HEL_TENSOR_LANES
#define OK(t, call)                                                                                \
    do {                                                                                           \
        hel_status got_ = (call);                                                                  \
        cr_assert_eq(got_, HEL_OK, "%s", hel_engine_error((t)->engine));                           \
    } while (0)

typedef struct setting {
    hel_engine *engine;
    hel_scheme scheme; /* a ring of our own choice: primes that a parameter set would not have */
    hel_device *device;
    hel_backend *backend;
    hel_device_scan *x;
    hel_device_scan_shape shape;
    size_t poly; /* words */
    uint32_t *weights, *want;
    uint8_t seed[HEL_SEED_BYTES];
    hel_chacha *chacha;
} setting;

/* The first prime 1 mod 2N from `from` on, upwards or downwards. */
static uint32_t prime_near(uint32_t log_n, uint32_t from, int up)
{
    const uint32_t step = 2u << log_n;
    uint32_t q = from / step * step + 1;
    while (!hel_is_prime(q))
        q = up ? q + step : q - step;
    return q;
}

/* Just below 2^30; just above 2^29, which refuses half of the words; where the bound of the lazy
 * sums is least obvious (4/5 of 2^30); a short one. */
static void start_ring(setting *t, uint32_t log_n)
{
    const hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    const uint32_t primes[LIMBS] = {
        prime_near(log_n, (1u << 30) - 1, 0), prime_near(log_n, (1u << 29) + (2u << log_n), 1),
        prime_near(log_n, 0x33333333u, 1), prime_near(log_n, (1u << 18) + (2u << log_n), 1)};
    cr_assert_eq(hel_engine_create(&t->engine, &config), HEL_OK);
    OK(t, hel_ring_create_from(t->engine, &t->scheme.ring, log_n, primes, LIMBS));
    t->scheme.params = (hel_params){.log_n = log_n,
                                    .scan_limbs = LIMBS,
                                    .expand_limbs = LIMBS,
                                    .digit_limbs = 1,
                                    .out_limbs = LIMBS - 1};
    t->scheme.n = 1u << log_n;
    t->scheme.total = LIMBS;
    t->scheme.digits = LIMBS;
    t->poly = (size_t)LIMBS << log_n;
}

static void fill_polys(const setting *t, ref_random *r, uint32_t *out, size_t polys, int largest)
{
    for (size_t i = 0; i < polys * LIMBS; i++) {
        const uint32_t q = t->scheme.ring->limb[i % LIMBS].q;
        for (size_t j = 0; j < t->scheme.n; j++)
            out[i * t->scheme.n + j] = largest ? q - 1 : ref_random_below(r, q);
    }
}

static void start(setting *t, uint32_t log_n, const hel_device_scan_shape *shape,
                  hel_device *device, ref_random *r, int largest)
{
    memset(t, 0, sizeof *t);
    start_ring(t, log_n);
    t->shape = *shape;
    t->device = device;
    cr_assert_eq(hel_backend_device_create(t->engine, &t->backend, device), HEL_OK);
    OK(t, hel_device_scan_create(t->engine, &t->x, t->backend, &t->scheme, NULL, shape));
    const size_t polys = (size_t)shape->samples * shape->columns * 2;
    const size_t sums = (size_t)shape->blocks * shape->outputs * 3 * t->poly;
    t->weights = ref_words(polys * t->poly);
    fill_polys(t, r, t->weights, polys, largest);
    OK(t, t->x->stream->ops->upload(t->x->stream, t->x->weights, t->weights, polys * t->poly * 4));
    t->want = ref_words(sums);
    memset(t->want, 0, sums * sizeof *t->want);
    OK(t, hel_device_scan_clear(t->x));
    for (size_t i = 0; i < sizeof t->seed; i++)
        t->seed[i] = (uint8_t)ref_random_u64(r);
    OK(t, hel_chacha_create(t->engine, &t->chacha, t->seed));
}

static void finish(setting *t)
{
    hel_device_scan_free(t->x);
    hel_backend_free(t->backend); /* aborts when memory, events or queues are left */
    hel_chacha_free(t->chacha);
    hel_ring_free(t->scheme.ring);
    hel_engine_free(t->engine);
    free(t->weights);
    free(t->want);
}

/* One block and limb of the oracle: adds to t->want. rows: the buffer's words. */
static void oracle_limb(setting *t, const uint32_t *rows, const hel_device_rows *r, uint32_t b,
                        uint32_t limb, uint32_t *a1, uint32_t *a, uint32_t *z, uint32_t *acc)
{
    const size_t n = t->scheme.n, held = t->shape.columns;
    uint8_t *scratch = malloc(4 * n);
    for (uint32_t i = 0; i < r->samples; i++)
        OK(t,
           hel_sample_uniform_range(t->scheme.ring, limb, t->chacha, r->object + i * r->stride + b,
                                    HEL_DOMAIN_GENO_A, 0, n, a1 + i * n, scratch));
    free(scratch);
    for (size_t g = 0; g < n; g += LANES) {
        for (uint32_t i = 0; i < r->samples; i++) {
            const uint32_t *row = rows + (r->offset + i * r->stride + b) * t->poly + limb * n + g;
            memcpy(a + i * 2 * LANES, row, LANES * 4);
            memcpy(a + (i * 2 + 1) * LANES, a1 + i * n + g, LANES * 4);
            for (size_t c = 0; c < held; c++)
                for (uint32_t h = 0; h < 2; h++)
                    memcpy(z + ((i * held + c) * 2 + h) * LANES,
                           t->weights + ((i * held + c) * 2 + h) * t->poly + limb * n + g,
                           LANES * 4);
        }
        uint32_t *want[64][3];
        for (uint32_t k = 0; k < r->count; k++)
            for (uint32_t d = 0; d < 3; d++) {
                want[k][d] =
                    t->want +
                    ((((size_t)r->first_block + b) * t->shape.outputs + r->outputs[k]) * 3 + d) *
                        t->poly +
                    limb * n + g;
                memcpy(acc + (k * 3 + d) * LANES, want[k][d], LANES * 4);
            }
        const hel_tensor_args args = {t->scheme.ring->limb[limb].q,
                                      r->samples,
                                      a,
                                      z,
                                      (uint32_t)held,
                                      r->columns,
                                      r->count,
                                      acc};
        hel_tensor_portable(&args);
        for (uint32_t k = 0; k < r->count; k++)
            for (uint32_t d = 0; d < 3; d++)
                memcpy(want[k][d], acc + (k * 3 + d) * LANES, LANES * 4);
    }
}

static void oracle(setting *t, const uint32_t *rows, const hel_device_rows *r)
{
    uint32_t *a1 = ref_words((size_t)r->samples * t->scheme.n);
    uint32_t *a = ref_words((size_t)r->samples * 2 * LANES);
    uint32_t *z = ref_words((size_t)r->samples * t->shape.columns * 2 * LANES);
    uint32_t *acc = ref_words((size_t)r->count * 3 * LANES);
    for (uint32_t b = 0; b < r->blocks; b++)
        for (uint32_t limb = 0; limb < LIMBS; limb++)
            oracle_limb(t, rows, r, b, limb, a1, a, z, acc);
    free(a1);
    free(a);
    free(z);
    free(acc);
}

static void check_sums(setting *t, const char *what)
{
    const size_t words = (size_t)t->shape.outputs * 3 * t->poly;
    uint32_t *got = ref_words(words);
    for (uint32_t b = 0; b < t->shape.blocks; b++) {
        OK(t, hel_device_scan_sums(t->x, b, 0, t->shape.outputs, got));
        for (size_t i = 0; i < words; i++)
            cr_assert(got[i] == t->want[b * words + i],
                      "%s: block %u, output %zu, d%zu, limb %zu, position %zu: %u, not %u", what, b,
                      i / (3 * t->poly), i / t->poly % 3, i / t->scheme.n % LIMBS, i % t->scheme.n,
                      got[i], t->want[b * words + i]);
    }
    free(got);
}

/* Columns in a random order, some not used; outputs likewise, all different. */
static void choose(ref_random *r, uint32_t *out, uint32_t count, uint32_t of)
{
    uint32_t all[64];
    for (uint32_t i = 0; i < of; i++)
        all[i] = i;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t j = i + ref_random_below(r, of - i), v = all[j];
        all[j] = all[i];
        out[i] = all[i] = v;
    }
}

typedef struct shape_case {
    uint32_t log_n, samples, columns, blocks;
} shape_case;

static void run_case(const shape_case *c, sim_order order, size_t shared, ref_random *r,
                     int largest)
{
    const sim_options options = {order, 7};
    const uint32_t before = ref_random_below(r, 4), planes = 1 + ref_random_below(r, 2);
    const uint64_t stride = (uint64_t)c->blocks * planes + ref_random_below(r, 2);
    const hel_device_scan_shape shape = {.segment = c->samples,
                                         .samples = c->samples,
                                         .columns = c->columns + ref_random_below(r, 3),
                                         .blocks = c->blocks + 1,
                                         .outputs = c->columns + ref_random_below(r, 3),
                                         .row_polys = before + c->samples * stride};
    uint32_t columns[64], outputs[64];
    setting t;
    char what[120];
    start(&t, c->log_n, &shape, sim_device_create(&options, shared), r, largest);
    uint32_t *rows = ref_words(shape.row_polys * t.poly);
    fill_polys(&t, r, rows, shape.row_polys, largest);
    choose(r, columns, c->columns, shape.columns);
    choose(r, outputs, c->columns, shape.outputs);
    const hel_device_rows args = {.which = ref_random_below(r, 2),
                                  .offset = before,
                                  .stride = stride,
                                  .object = ref_random_u64(r),
                                  .samples = c->samples,
                                  .blocks = c->blocks,
                                  .first_block = ref_random_below(r, 2),
                                  .columns = columns,
                                  .outputs = outputs,
                                  .count = c->columns};
    OK(&t, hel_device_scan_load(t.x, args.which, (const uint8_t *)rows, shape.row_polys));
    OK(&t, hel_device_scan_accumulate(t.x, t.seed, &args));
    oracle(&t, rows, &args);
    snprintf(what, sizeof what, "N 2^%u, %u samples, %u columns, %u blocks, order %d", c->log_n,
             c->samples, c->columns, c->blocks, (int)order);
    check_sums(&t, what);
    free(rows);
    finish(&t);
}

Test(device_tensor, equals_the_cpu_for_every_shape, .timeout = 600)
{
    static const shape_case cases[] = {
        {10, 1, 1, 1},   {10, 2, 2, 2},   {10, 11, 5, 3},  {10, 12, 13, 4}, {10, 13, 25, 5},
        {10, 64, 13, 8}, {10, 128, 1, 9}, {10, 17, 40, 5}, {10, 3, 33, 13}, {10, 5, 49, 2},
        {10, 16, 32, 1}, {10, 9, 9, 12},  {10, 33, 3, 16}, {11, 7, 25, 3},  {12, 4, 5, 2},
        {13, 3, 13, 1},  {14, 2, 2, 1},   {15, 2, 1, 2},
    };
    ref_random r = ref_random_start(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case(&cases[i], (sim_order)(i % 3), i % 2 ? SIM_SHARED_ADA : SIM_SHARED_HOPPER, &r, 0);
    for (size_t i = 0; i < ref_scaled(6); i++) {
        const shape_case c = {10, 1 + ref_random_below(&r, 40), 1 + ref_random_below(&r, 40),
                              1 + ref_random_below(&r, 20)};
        run_case(&c, (sim_order)(i % 3), SIM_SHARED_ADA, &r, 0);
    }
}

Test(device_tensor, equals_the_cpu_at_the_largest_residues, .timeout = 300)
{
    static const uint32_t samples[] = {15, 16, 17, 32, 33, 100};
    ref_random r = ref_random_start(2);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const shape_case c = {10, samples[i], i % 2 ? 5 : 1, i % 3 ? 1 : 5};
        run_case(&c, (sim_order)(i % 3), SIM_SHARED_HOPPER, &r, 1);
    }
}

/* The uniform halves at q - 1 as well, which no seed gives: those of an earlier pass, written by
 * the test. Then a product is (q - 1)^2, and all middle ones too. */
Test(device_tensor, sums_hold_the_largest_products, .timeout = 300)
{
    const uint32_t samples = 100;
    const hel_device_scan_shape shape = {samples, samples, 40, 1, 1, samples};
    ref_random r = ref_random_start(3);
    setting t;
    start(&t, 10, &shape, sim_device_create(NULL, SIM_SHARED_HOPPER), &r, 1);
    uint32_t *rows = ref_words(samples * t.poly), *got = ref_words(3 * t.poly);
    fill_polys(&t, &r, rows, samples, 1);
    OK(&t, hel_device_scan_load(t.x, 0, (const uint8_t *)rows, samples));
    for (int eight = 0; eight < 2; eight++) {
        k_scan k = {.ring = hel_dev_ring(t.x->basis),
                    .rows = t.x->rows[0],
                    .weights = t.x->weights,
                    .uniform = t.x->rows[0],
                    .sums = t.x->sums,
                    .stride = 1,
                    .samples = samples,
                    .limbs = LIMBS,
                    .held = shape.columns,
                    .outputs = 1,
                    .blocks = 1,
                    .strips = 1,
                    .stage = 8,
                    .groups = 1,
                    .columns = 1,
                    .mode = K_SCAN_READ};
        for (uint32_t i = 0; i < LIMBS; i++) {
            const hel_limb *l = &t.scheme.ring->limb[i];
            k.limb[i] = (k_scan_limb){l->q, 0u - l->q, (1u << l->bits) - 1,
                                      (uint32_t)(((uint64_t)1 << 32) % l->q)};
        }
        const uint32_t grid[3] = {1, t.scheme.n / 32, LIMBS};
        OK(&t, hel_device_scan_clear(t.x));
        OK(&t, hel_dev_launch(t.x->stream, eight ? K_ID_k_scan_8 : K_ID_k_scan_4, grid, 32,
                              k_scan_shared_bytes(eight ? 8 : 4, 1, 8), &k, sizeof k));
        OK(&t, hel_device_scan_sums(t.x, 0, 0, 1, got));
        for (size_t i = 0; i < 3 * t.poly; i++) /* a product is 1 */
            cr_assert_eq(got[i], i / t.poly == 1 ? 2 * samples : samples, "word %zu", i);
    }
    free(rows);
    free(got);
    finish(&t);
}

/* Six tiles through the two buffers, and no waiting in between. */
static void stream_rows(sim_order order, ref_random *r)
{
    const sim_options options = {order, ref_random_u64(r)};
    const hel_device_scan_shape shape = {4, 8, 3, 3, 4, 24};
    const uint32_t columns[] = {2, 0}, outputs[] = {3, 1};
    hel_device_scan_times times;
    setting t;
    start(&t, 10, &shape, sim_device_create(&options, SIM_SHARED_HOPPER), r, 0);
    uint32_t *rows = ref_words(shape.row_polys * t.poly);
    for (uint32_t step = 0; step < 6; step++) {
        const uint32_t samples = step == 4 ? 5 : 8;
        const hel_device_rows args = {.which = step % 2,
                                      .stride = 3,
                                      .object = 1000 * step,
                                      .samples = samples,
                                      .blocks = step == 3 ? 1 : 3,
                                      .first_block = step == 3 ? 2 : 0,
                                      .columns = columns,
                                      .outputs = outputs,
                                      .count = step == 2 ? 1 : 2};
        fill_polys(&t, r, rows, shape.row_polys, 0);
        OK(&t, hel_device_scan_load(t.x, args.which, (const uint8_t *)rows, samples * 3));
        OK(&t, hel_device_scan_accumulate(t.x, t.seed, &args));
        oracle(&t, rows, &args);
        memset(rows, 0xff, shape.row_polys * t.poly * 4); /* the memory is ours again */
    }
    check_sums(&t, "streamed");
    OK(&t, hel_device_scan_times_get(t.x, &times));
    cr_assert(times.tensor >= 0 && times.copy >= 0 && times.expand == 0 && times.output == 0);
    OK(&t, hel_device_scan_clear(t.x));
    memset(t.want, 0, (size_t)shape.blocks * shape.outputs * 3 * t.poly * 4);
    check_sums(&t, "cleared");
    free(rows);
    finish(&t);
}

Test(device_tensor, buffers_are_used_in_turn, .timeout = 300)
{
    ref_random r = ref_random_start(4);
    for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++)
        stream_rows((sim_order)order, &r);
    for (size_t i = 0; i < ref_scaled(8); i++) /* the order of late queues is random */
        stream_rows(SIM_RANDOM, &r);
}

Test(device_tensor, nothing_to_do_and_nothing_possible)
{
    const hel_device_scan_shape shape = {2, 4, 2, 3, 2, 12};
    const uint32_t columns[] = {0, 1}, bad[] = {0, 2};
    ref_random r = ref_random_start(5);
    setting t;
    start(&t, 10, &shape, sim_device_create(NULL, SIM_SHARED_HOPPER), &r, 0);
    uint32_t *weight = ref_words(2 * t.poly);
    const hel_device_rows good = {
        .stride = 3, .samples = 4, .blocks = 3, .columns = columns, .outputs = columns, .count = 2};
    hel_device_rows args[12];
    for (size_t i = 0; i < 12; i++)
        args[i] = good;
    args[0].samples = 0;
    args[1].blocks = 0;
    args[2].count = 0;
    args[3].which = 2;
    args[4].samples = 5;
    args[5].first_block = 1;
    args[6].offset = 1;
    args[7].stride = 4;
    args[8].columns = bad;
    args[9].outputs = bad;
    args[10].stride = UINT64_MAX / 2;
    args[11].offset = UINT64_MAX - 3;
    const uint64_t launches = sim_device_launches(t.device);
    for (size_t i = 0; i < 12; i++)
        cr_assert_eq(hel_device_scan_accumulate(t.x, t.seed, &args[i]),
                     i < 3 ? HEL_OK : HEL_E_USAGE, "call %zu", i);
    OK(&t, hel_device_scan_load(t.x, 0, NULL, 0));
    cr_assert_eq(hel_device_scan_load(t.x, 0, t.seed, 13), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_load(t.x, 2, t.seed, 1), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_weight(t.x, 4, 0, weight), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_weight(t.x, 0, 2, weight), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_sums(t.x, 3, 0, 1, weight), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_sums(t.x, 0, 1, 2, weight), HEL_E_USAGE);
    cr_assert_eq(sim_device_launches(t.device), launches);
    check_sums(&t, "untouched");
    OK(&t, hel_device_scan_weight(t.x, 3, 1, weight));
    cr_assert_arr_eq(weight, t.weights + (3 * 2 + 1) * 2 * t.poly, 2 * t.poly * 4);
    free(weight);
    finish(&t);
}

/* ---- memory and failures ---- */

static void check_bytes(const ref_fixture *f, const hel_eval_keys *keys,
                        const hel_device_scan_shape *shape)
{
    hel_backend *backend;
    hel_device_scan *x;
    uint64_t device, host, now, most;
    cr_assert_eq(
        hel_backend_device_create(f->engine, &backend, sim_device_create(NULL, SIM_SHARED_HOPPER)),
        HEL_OK);
    cr_assert_eq(hel_device_scan_create(f->engine, &x, backend, f->scheme, keys, shape), HEL_OK,
                 "%s", hel_engine_error(f->engine));
    hel_device_scan_bytes(f->scheme, shape, &device, &host);
    if (!keys)
        device -=
            hel_device_tree_bytes(f->scheme, shape) + hel_device_output_bytes(f->scheme, shape);
    cr_assert_eq(x->stream->ops->uses(x->stream, &now, &most), HEL_OK);
    cr_assert(most <= device && device - most <= most / 20 + (1u << 20),
              "predicted %llu, used %llu", (unsigned long long)device, (unsigned long long)most);
    cr_assert(host > 0 && host <= ((uint64_t)64 << 20));
    hel_device_scan_free(x);
    hel_backend_free(backend);
}

Test(device_tensor, memory_is_as_predicted, .timeout = 120)
{
    const hel_params p = ref_toy(10);
    static const hel_device_scan_shape shapes[] = {
        {1, 1, 1, 1, 1, 1}, {32, 64, 13, 8, 13, 640}, {32, 32, 40, 3, 50, 200}};
    ref_fixture f;
    ref_setup(&f, &p, HEL_SIMD_AUTO, 1);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_bytes(&f, NULL, &shapes[i]);
    check_bytes(&f, f.keys, &shapes[1]);
    ref_teardown(&f);
}

/* Too little memory is said before anything runs. */
Test(device_tensor, little_memory_is_named)
{
    const hel_device_scan_shape shape = {32, 1024, 25, 64, 25, 4096};
    hel_device *device = sim_device_create(NULL, SIM_SHARED_HOPPER);
    setting t = {0};
    start_ring(&t, 10);
    sim_device_set_memory(device, 64 << 20);
    cr_assert_eq(hel_backend_device_create(t.engine, &t.backend, device), HEL_OK);
    cr_assert_eq(hel_device_scan_create(t.engine, &t.x, t.backend, &t.scheme, NULL, &shape),
                 HEL_E_MEMORY);
    cr_assert_null(t.x);
    cr_assert(strstr(hel_engine_error(t.engine), "1024 samples"), "%s", hel_engine_error(t.engine));
    hel_backend_free(t.backend);
    hel_ring_free(t.scheme.ring);
    hel_engine_free(t.engine);
}

static hel_status small_job(setting *t, const uint32_t *rows, hel_device *device, uint64_t nth)
{
    const hel_device_scan_shape shape = {1, 2, 33, 2, 33, 4};
    uint32_t all[33], *sums = ref_words(3 * t->poly);
    hel_device_scan_times times;
    hel_status status;
    for (uint32_t i = 0; i < 33; i++)
        all[i] = i;
    const hel_device_rows args = {
        .stride = 2, .samples = 2, .blocks = 2, .columns = all, .outputs = all, .count = 33};
    sim_device_fail_nth(device, nth);
    hel_device_scan *x = NULL;
    hel_backend *backend;
    HEL_TRY_GOTO(hel_backend_device_create(t->engine, &backend, device), none);
    HEL_TRY_GOTO(hel_device_scan_create(t->engine, &x, backend, &t->scheme, NULL, &shape), out);
    HEL_TRY_GOTO(hel_device_scan_clear(x), out);
    HEL_TRY_GOTO(hel_device_scan_load(x, 0, (const uint8_t *)rows, 4), out);
    HEL_TRY_GOTO(hel_device_scan_accumulate(x, t->seed, &args), out);
    HEL_TRY_GOTO(hel_device_scan_load(x, 0, (const uint8_t *)rows, 4), out);
    HEL_TRY_GOTO(hel_device_scan_times_get(x, &times), out);
    HEL_TRY_GOTO(hel_device_scan_sums(x, 0, 0, 1, sums), out);
out:
    hel_device_scan_free(x);
    hel_backend_free(backend);
none:
    free(sums);
    return status;
}

Test(device_tensor, every_failing_call_is_named, .timeout = 300)
{
    setting t = {0};
    ref_random r = ref_random_start(6);
    start_ring(&t, 10);
    uint32_t *rows = ref_words(4 * t.poly);
    fill_polys(&t, &r, rows, 4, 0);
    uint64_t nth = 1, survived = 0;
    for (; nth < 300; nth++) {
        hel_device *device = sim_device_create(NULL, SIM_SHARED_HOPPER);
        hel_error_clear(t.engine);
        const hel_status status = small_job(&t, rows, device, nth);
        if (status == HEL_OK && ++survived > 4) /* more than the reads of the clocks */
            break;
        if (status != HEL_OK)
            cr_assert(hel_engine_error(t.engine)[0], "call %llu", (unsigned long long)nth);
    }
    cr_assert(nth > 30 && nth < 300, "%llu calls", (unsigned long long)nth);
    for (nth = 1; nth < 200; nth++) {
        hel_mem_fail_nth(nth);
        const hel_status status =
            small_job(&t, rows, sim_device_create(NULL, SIM_SHARED_HOPPER), 0);
        hel_mem_fail_nth(0);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_MEMORY);
    }
    cr_assert(nth > 3 && nth < 200);
    free(rows);
    hel_ring_free(t.scheme.ring);
    hel_engine_free(t.engine);
}
