/* Outputs on a (simulated) device give the residues of output.c. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/ckks/exact/device_tree.h"
#include "tests/ref/ref_scheme.h"
#include "tests/sim/sim_device.h"

typedef struct setting {
    ref_fixture f;
    hel_device *device;
    hel_backend *backend;
    hel_device_scan *x;
    uint32_t *sums; /* the host's copy: [block][output][3][scan][N] */
} setting;

static void start(setting *t, const hel_params *p, sim_order order, uint32_t blocks,
                  uint32_t outputs, int worst)
{
    const sim_options options = {order, 5};
    const hel_device_scan_shape shape = {.segment = 4,
                                         .samples = 4,
                                         .columns = 1,
                                         .blocks = blocks,
                                         .outputs = outputs,
                                         .row_polys = 1};
    ref_random r = ref_random_start(p->log_n);
    ref_setup(&t->f, p, HEL_SIMD_AUTO, 1);
    const size_t n = t->f.scheme->n, rows = (size_t)blocks * outputs * 3 * p->scan_limbs;
    t->sums = ref_words(rows * n);
    for (size_t i = 0; i < rows; i++) {
        const uint32_t q = t->f.scheme->ring->limb[i % p->scan_limbs].q;
        ref_fill(&r, t->sums + i * n, n, q);
        for (size_t j = 0; worst && j < n; j++)
            t->sums[i * n + j] = q - 1;
    }
    t->device = sim_device_create(&options, SIM_SHARED_HOPPER);
    cr_assert_eq(hel_backend_device_create(t->f.engine, &t->backend, t->device), HEL_OK);
    cr_assert_eq(
        hel_device_scan_create(t->f.engine, &t->x, t->backend, t->f.scheme, t->f.keys, &shape),
        HEL_OK, "%s", hel_engine_error(t->f.engine));
    cr_assert_eq(t->x->stream->ops->upload(t->x->stream, t->x->sums, t->sums, rows * n * 4),
                 HEL_OK);
}

static void finish(setting *t)
{
    hel_device_scan_free(t->x);
    hel_backend_free(t->backend);
    ref_teardown(&t->f);
    free(t->sums);
}

static void check(setting *t, uint32_t first, uint32_t count, const uint32_t *outputs,
                  uint32_t output_count)
{
    const hel_scheme *s = t->f.scheme;
    const size_t poly = hel_device_poly_words(s), left = (size_t)s->params.out_limbs * s->n;
    const size_t words = (size_t)count * output_count * 2 * left;
    uint32_t *have = ref_words(words + 1), *want = ref_words(2 * left), *d = ref_words(3 * poly);
    uint32_t *scratch = ref_words(hel_keyswitch_scratch_words(s));
    have[words] = 0x12345678;
    cr_assert_eq(hel_device_scan_finish(t->x, first, count, outputs, output_count, have), HEL_OK,
                 "%s", hel_engine_error(t->f.engine));
    for (uint32_t i = 0; i < count * output_count; i++) {
        const size_t item =
            (size_t)(first + i / output_count) * t->x->shape.outputs + outputs[i % output_count];
        memcpy(d, t->sums + item * 3 * poly, 3 * poly * 4);
        hel_output_finish(s, &t->f.keys->relin, d, d + poly, d + 2 * poly, want, want + left,
                          scratch);
        for (size_t j = 0; j < 2 * left; j++)
            cr_assert_eq(have[i * 2 * left + j], want[j],
                         "N %u scan %u: item %u word %zu is %u, not %u", s->n, s->params.scan_limbs,
                         i, j, have[i * 2 * left + j], want[j]);
    }
    cr_assert_eq(have[words], 0x12345678);
    free(have);
    free(want);
    free(d);
    free(scratch);
}

static hel_params shaped(uint32_t log_n, uint32_t scan)
{
    hel_params p = ref_toy(log_n);
    p.scan_limbs = scan;
    p.expand_limbs = scan + 1;
    p.out_limbs = scan - 1;
    return p;
}

/* Any number of scan limbs, any selection and order of accumulators, random and worst residues. */
Test(device_output, equals_the_host, .timeout = 600)
{
    static const uint32_t some[] = {2, 0, 2}, one[] = {1};
    for (uint32_t scan = 2; scan <= 5; scan++)
        for (uint32_t log_n = 10; log_n <= 11; log_n++) {
            const hel_params p = shaped(log_n, scan);
            setting t;
            start(&t, &p, (sim_order)(scan % 3), 3, 3, log_n == 11);
            check(&t, 0, 3, some, 3);
            check(&t, 2, 1, one, 1);
            check(&t, 1, 2, one, 1);
            check(&t, 3, 0, one, 1);
            check(&t, 0, 3, one, 0);
            t.x->tree->fused = 0;
            check(&t, 1, 2, some, 2);
            finish(&t);
        }
}

Test(device_output, every_size, .timeout = 600)
{
    for (uint32_t log_n = 12; log_n <= 14; log_n++) {
        const hel_params p = shaped(log_n, 3);
        setting t;
        start(&t, &p, SIM_IN_ORDER, 1, 1, 0);
        check(&t, 0, 1, (const uint32_t[]){0}, 1);
        finish(&t);
    }
}

/* More items than a slice holds. */
Test(device_output, slices, .timeout = 600)
{
    const hel_params p = shaped(10, 3);
    static const uint32_t all[] = {0, 1, 2, 3, 4};
    setting t;
    start(&t, &p, SIM_IN_ORDER, 27, 5, 0);
    const uint64_t before = sim_device_launches(t.device);
    check(&t, 0, 27, all, 5);
    cr_assert_eq(sim_device_launches(t.device) - before, 2 * 6);
    finish(&t);
}

Test(device_output, refusals_and_failures, .timeout = 600)
{
    const hel_params p = shaped(10, 3);
    static const uint32_t list[] = {0, 2, 1};
    uint32_t *out = ref_words(2 * 2 * 2 * 1024);
    setting t;
    start(&t, &p, SIM_IN_ORDER, 2, 2, 0);
    cr_assert_eq(hel_device_scan_finish(t.x, 0, 1, list, 2, out), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_finish(t.x, 0, 1, list, 3, out), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_finish(t.x, 1, 2, list, 1, out), HEL_E_USAGE);
    uint64_t nth = 1;
    for (; nth < 100; nth++) {
        hel_error_clear(t.f.engine);
        sim_device_fail_nth(t.device, nth);
        hel_status status = hel_device_scan_finish(t.x, 0, 2, list, 1, out);
        sim_device_fail_nth(t.device, 0);
        if (status == HEL_OK)
            break;
        cr_assert(strstr(hel_engine_error(t.f.engine), "told to fail"), "%s",
                  hel_engine_error(t.f.engine));
    }
    cr_assert(nth > 8 && nth < 100, "%zu calls", (size_t)nth);
    check(&t, 0, 2, list, 1);
    free(out);
    finish(&t);
}
