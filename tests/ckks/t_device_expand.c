/* The expansion on a (simulated) device gives the residues of expand.c: every shape of a parameter
 * set, every border of slices, groups and weights, with and without fused launches. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/ckks/exact/device_tree.h"
#include "tests/ref/ref_scheme.h"
#include "tests/sim/sim_device.h"

static const uint8_t seed[32] = {21, 22};
#define OBJECT 0x1234567890ull

typedef struct setting {
    ref_fixture f;
    hel_device *device;
    hel_backend *backend;
    hel_device_scan *x;
    uint32_t *c0;
} setting;

static hel_params shaped(uint32_t log_n, uint32_t scan, uint32_t expand, uint32_t special,
                         uint32_t digit)
{
    hel_params p = ref_toy(log_n);
    p.scan_limbs = scan;
    p.expand_limbs = expand;
    p.special_limbs = special;
    p.digit_limbs = digit;
    p.out_limbs = scan - 1;
    return p;
}

static void start(setting *t, const hel_params *p, sim_order order, size_t shared_max)
{
    const sim_options options = {order, 3};
    ref_random r = ref_random_start(p->log_n);
    ref_setup(&t->f, p, HEL_SIMD_AUTO, 1);
    const size_t n = t->f.scheme->n;
    t->c0 = ref_words(p->expand_limbs * n);
    for (uint32_t i = 0; i < p->expand_limbs; i++)
        ref_fill(&r, t->c0 + i * n, n, t->f.scheme->ring->limb[i].q);
    t->device = sim_device_create(&options, shared_max);
    cr_assert_eq(hel_backend_device_create(t->f.engine, &t->backend, t->device), HEL_OK);
    t->x = NULL;
}

static void hold(setting *t, uint32_t segment, uint32_t samples, uint32_t columns)
{
    const hel_device_scan_shape shape = {.segment = segment,
                                         .samples = samples,
                                         .columns = columns,
                                         .blocks = 1,
                                         .outputs = 1,
                                         .row_polys = 1};
    hel_device_scan_free(t->x);
    cr_assert_eq(
        hel_device_scan_create(t->f.engine, &t->x, t->backend, t->f.scheme, t->f.keys, &shape),
        HEL_OK, "%s", hel_engine_error(t->f.engine));
}

static void finish(setting *t)
{
    hel_device_scan_free(t->x);
    hel_backend_free(t->backend);
    ref_teardown(&t->f);
    free(t->c0);
}

/* ---- what the CPU gives: leaves [first, end) as [leaf][2][scan][N] ---- */

typedef struct kept {
    uint32_t *z, first, end;
    size_t words; /* of half a leaf */
} kept;

static void keep(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    kept *k = arg;
    if (t < k->first || t >= k->end)
        return;
    memcpy(k->z + 2 * (t - k->first) * k->words, z0, k->words * 4);
    memcpy(k->z + (2 * (t - k->first) + 1) * k->words, z1, k->words * 4);
}

static kept on_cpu(const setting *t, uint32_t first, uint32_t end)
{
    const hel_scheme *s = t->f.scheme;
    kept k = {NULL, first, end, s->params.scan_limbs * (size_t)s->n};
    hel_expander *e;
    k.z = ref_words(2 * (end - first) * k.words + 1);
    if (first == end)
        return k;
    cr_assert_eq(hel_expander_create(t->f.engine, &e, s, t->f.keys, t->c0, seed, OBJECT, end,
                                     s->params.log_n),
                 HEL_OK);
    uint32_t *scratch = ref_words(hel_expander_scratch_words(e));
    const uint32_t size = hel_expander_group_size(e);
    for (uint32_t g = first / size; g * size < end; g++)
        hel_expander_run(e, g, scratch, keep, &k);
    free(scratch);
    hel_expander_free(e);
    return k;
}

/* ---- one expansion against it ---- */

typedef struct call {
    uint32_t weights, first, count, first_place;
} call;

/* All weights of the tile are the CPU's where the call covers them, and untouched elsewhere. */
static void check(setting *t, const call *c, const char *what)
{
    const hel_device_scan_shape *s = &t->x->shape;
    const uint32_t first = c->first * s->segment;
    const uint32_t end = hel_min_u32(c->weights, (c->first + c->count) * s->segment);
    kept k = on_cpu(t, first < end ? first : end, end);
    const size_t words = 2 * k.words, all = (size_t)s->samples * s->columns * words;
    uint32_t *have = ref_words(all), *want = ref_words(all);
    memset(want, 0x5c, all * 4);
    cr_assert_eq(t->x->stream->ops->upload(t->x->stream, t->x->weights, want, all * 4), HEL_OK);
    for (uint32_t leaf = first; leaf < end; leaf++) {
        const uint32_t place = c->first_place + leaf / s->segment - c->first;
        const uint32_t sample = s->segment * (place / s->columns) + leaf % s->segment;
        memcpy(want + (sample * s->columns + place % s->columns) * words,
               k.z + (leaf - first) * words, words * 4);
    }
    cr_assert_eq(hel_device_scan_expand(t->x, t->c0, seed, OBJECT, c->weights, c->first, c->count,
                                        c->first_place),
                 HEL_OK, "%s: %s", what, hel_engine_error(t->f.engine));
    cr_assert_eq(t->x->stream->ops->download(t->x->stream, have, t->x->weights, all * 4), HEL_OK);
    cr_assert_eq(t->x->stream->ops->sync(t->x->stream), HEL_OK);
    for (size_t i = 0; i < all; i++)
        cr_assert_eq(have[i], want[i],
                     "%s: N %u scan %u expand %u special %u digit %u weights %u first %u count %u: "
                     "word %zu of weight %zu is %u, not %u",
                     what, t->f.scheme->n, t->f.scheme->params.scan_limbs,
                     t->f.scheme->params.expand_limbs, t->f.scheme->params.special_limbs,
                     t->f.scheme->params.digit_limbs, c->weights, c->first, c->count, i % words,
                     i / words, have[i], want[i]);
    free(have);
    free(want);
    free(k.z);
}

/* Shapes: digits of every kind of size, with and without special primes, up to the most limbs that
 * are dropped; odd and even log N. */
static const uint32_t shapes[][4] = {{3, 4, 2, 2}, /* the default */
                                     {4, 5, 2, 2}, {3, 4, 1, 1}, {3, 4, 0, 1}, {3, 3, 0, 2},
                                     {3, 3, 2, 3}, {2, 3, 3, 3}, {2, 2, 1, 2}, {3, 5, 2, 4},
                                     {2, 8, 4, 1}, {5, 8, 4, 8}, {5, 6, 3, 5}};

Test(device_expand, every_shape, .timeout = 600)
{
    for (uint32_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (uint32_t log_n = 10; log_n <= (ref_scaled(2) < 2 ? 10 : 11); log_n++) {
            const hel_params p =
                shaped(log_n, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
            setting t;
            start(&t, &p, (sim_order)(i % 3), SIM_SHARED_HOPPER);
            hold(&t, 4, 8, 3);
            check(&t, &(call){23, 1, 5, 1}, "fused");
            t.x->tree->fused = 0;
            check(&t, &(call){23, 1, 5, 0}, "by word");
            finish(&t);
        }
}

Test(device_expand, every_size, .timeout = 600)
{
    for (uint32_t i = 0; i < 5; i++) { /* the last: rows that do not fit shared memory */
        const uint32_t log_n = i < 4 ? 12 + i : 15;
        const hel_params p = shaped(log_n, 3, 4, 2, 2);
        setting t;
        start(&t, &p, SIM_IN_ORDER, i < 4 ? SIM_SHARED_HOPPER : SIM_SHARED_ADA);
        hold(&t, 2, 4, 1);
        cr_assert_eq(t.x->tree->fused, i < 4);
        check(&t, &(call){5, 1, 2, 0}, "size"); /* leaves 2, 3, 4 */
        finish(&t);
    }
}

/* All residues q - 1, and all zero. */
Test(device_expand, worst_residues, .timeout = 600)
{
    for (uint32_t i = 0; i < 4; i++) {
        const hel_params p = shaped(10, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
        setting t;
        start(&t, &p, SIM_IN_ORDER, SIM_SHARED_HOPPER);
        hold(&t, 4, 8, 1);
        for (uint32_t zero = 0; zero < 2; zero++) {
            for (size_t j = 0; j < p.expand_limbs * (size_t)t.f.scheme->n; j++)
                t.c0[j] = zero ? 0 : t.f.scheme->ring->limb[j / t.f.scheme->n].q - 1;
            check(&t, &(call){1024, 127, 2, 0}, "worst");
        }
        finish(&t);
    }
}

/* Borders of weights, groups and places, for groups of any size. */
Test(device_expand, borders, .timeout = 600)
{
    static const struct {
        uint32_t segment, samples, columns;
        call c;
    } cases[] = {
        {4, 8, 3, {1024, 250, 6, 0}}, {4, 8, 3, {1, 0, 1, 0}},      {4, 8, 3, {1, 0, 6, 0}},
        {4, 4, 2, {3, 0, 1, 1}},      {4, 4, 2, {1023, 255, 1, 0}}, {4, 4, 2, {1024, 255, 1, 1}},
        {1, 5, 1, {40, 33, 5, 0}},    {3, 9, 2, {50, 13, 6, 0}},    {7, 14, 2, {64, 8, 4, 0}},
        {16, 32, 2, {70, 2, 3, 1}},   {64, 64, 1, {100, 1, 1, 0}},  {4, 4, 1, {8, 2, 1, 0}},
        {4, 4, 1, {8, 300, 1, 0}},    {4, 4, 1, {8, 0, 0, 1}},
    };
    const hel_params p = shaped(10, 3, 4, 2, 2);
    setting t;
    start(&t, &p, SIM_RANDOM, SIM_SHARED_HOPPER);
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hold(&t, cases[i].segment, cases[i].samples, cases[i].columns);
        check(&t, &cases[i].c, "border");
    }
    finish(&t);
}

/* Slices of every width: all leaves of a run that crosses the borders of several. */
Test(device_expand, slices, .timeout = 600)
{
    for (uint32_t log_n = 10; log_n <= (ref_scaled(2) < 2 ? 10 : 11); log_n++) {
        const hel_params p = shaped(log_n, 3, 4, 2, 2);
        setting t;
        start(&t, &p, SIM_REVERSED, SIM_SHARED_HOPPER);
        for (uint32_t wide = 1; wide <= 16; wide *= 2) {
            hold(&t, 8, 80, 1);
            cr_assert_geq(t.x->tree->wide, wide);
            t.x->tree->wide = wide;
            check(&t, &(call){1024, 60, wide == 1 ? 3 : 10, 0}, "slice");
        }
        finish(&t);
    }
}

/* A whole ciphertext: every leaf, by as few launches as foreseen. */
Test(device_expand, all_leaves, .timeout = 600)
{
    const hel_params p = shaped(10, 3, 4, 2, 2);
    setting t;
    start(&t, &p, SIM_IN_ORDER, SIM_SHARED_HOPPER);
    hold(&t, 1024, 1024, 1);
    const uint64_t before = sim_device_launches(t.device);
    check(&t, &(call){1024, 0, 1, 0}, "all");
    const uint64_t launches = sim_device_launches(t.device) - before;
    /* the root; four steps of one slice each; two slices of the last */
    cr_assert_eq(launches, 3 + 4 * 5 + 2 * 4, "%llu launches", (unsigned long long)launches);
    finish(&t);
}

/* What the bytes function says is what the structures take. */
Test(device_expand, bytes_as_told)
{
    const hel_params p = shaped(10, 3, 4, 2, 2);
    uint64_t device_bytes, host_bytes, before, now, most;
    setting t;
    start(&t, &p, SIM_IN_ORDER, SIM_SHARED_HOPPER);
    hold(&t, 4, 8, 1);
    hel_device_scan_bytes(t.f.scheme, &t.x->shape, &device_bytes, &host_bytes);
    cr_assert_eq(t.x->stream->ops->uses(t.x->stream, &before, &most), HEL_OK);
    hel_device_tree_free(t.x);
    cr_assert_eq(t.x->stream->ops->uses(t.x->stream, &now, &most), HEL_OK);
    cr_assert_leq(before - now, hel_device_tree_bytes(t.f.scheme, &t.x->shape));
    cr_assert_geq(2 * (before - now), hel_device_tree_bytes(t.f.scheme, &t.x->shape));
    cr_assert_leq(before, device_bytes);
    finish(&t);
}

/* Refusals, and every call of the device failing once. */
Test(device_expand, failures, .timeout = 600)
{
    const hel_params p = shaped(10, 3, 4, 2, 2);
    setting t;
    start(&t, &p, SIM_IN_ORDER, SIM_SHARED_HOPPER);
    hold(&t, 4, 8, 2);
    cr_assert_eq(hel_device_scan_expand(t.x, t.c0, seed, OBJECT, 1025, 0, 1, 0), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_expand(t.x, t.c0, seed, OBJECT, 8, 0, 4, 1), HEL_E_USAGE);
    cr_assert_eq(hel_device_scan_expand(t.x, t.c0, seed, OBJECT, 8, 0, 1, 4), HEL_E_USAGE);
    uint64_t nth = 1;
    for (; nth < 200; nth++) {
        hel_error_clear(t.f.engine);
        sim_device_fail_nth(t.device, nth);
        hel_status status = hel_device_scan_expand(t.x, t.c0, seed, OBJECT, 8, 0, 2, 0);
        sim_device_fail_nth(t.device, 0);
        if (status == HEL_OK)
            break;
        cr_assert(status == HEL_E_MEMORY || status == HEL_E_UNSUPPORTED);
        cr_assert(strstr(hel_engine_error(t.f.engine), "told to fail"), "%s",
                  hel_engine_error(t.f.engine));
    }
    cr_assert(nth > 20 && nth < 200, "%zu calls", (size_t)nth);
    check(&t, &(call){8, 0, 2, 0}, "after failures");
    finish(&t);
}
