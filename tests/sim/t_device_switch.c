/* The kernels between limbs against the CPU's table: every N, all ways through shared memory,
 * orders of blocks, aliases, batches of one polynomial, long digits; and launches counted. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ring.h"
#include "tests/sim/sim_device.h"

typedef struct shape {
    uint32_t log_n, q_count, p_count, digit_limbs, drop_max;
    size_t shared;
} shape;

/* The same ring under the CPU's table (0) and the device's (1) */
typedef struct pair {
    shape shape;
    hel_engine *engine;
    hel_ring *ring;
    hel_device *device;
    hel_backend *backend[2];
    hel_stream *s[2];
    hel_basis *basis[2];
    ref_random r;
} pair;

#define OK(t, call) cr_assert((call) == HEL_OK, "%s: %s", #call, hel_engine_error((t)->engine))

static void start(pair *t, shape shape, sim_order order, uint64_t seed)
{
    uint32_t primes[HEL_LIMBS_LIMIT];
    uint64_t multiplier[HEL_LIMBS_LIMIT];
    memset(t, 0, sizeof *t);
    t->shape = shape;
    t->r = ref_random_start(seed);
    ref_mixed_primes(&t->r, shape.log_n, primes, shape.q_count + shape.p_count);
    t->ring = ref_ring_from(&t->engine, HEL_SIMD_AUTO, shape.log_n, primes,
                            shape.q_count + shape.p_count);
    for (uint32_t c = 0; c <= shape.q_count; c++)
        multiplier[c] = c % 2 ? 1 : 0xfedcba9876543210u / (c + 1);
    const hel_basis_shape basis = {.ring = t->ring,
                                   .q_count = shape.q_count,
                                   .p_count = shape.p_count,
                                   .digit_limbs = shape.digit_limbs,
                                   .drop_max = shape.drop_max,
                                   .multiplier = multiplier};
    t->device = sim_device_create(&(const sim_options){order, seed}, shape.shared);
    OK(t, hel_backend_cpu_create(t->engine, &t->backend[0]));
    OK(t, hel_backend_device_create(t->engine, &t->backend[1], t->device));
    for (int k = 0; k < 2; k++) {
        OK(t, t->backend[k]->ops->stream_create(t->backend[k], t->engine, &t->s[k]));
        OK(t, t->backend[k]->ops->basis_create(t->backend[k], t->engine, &t->basis[k], &basis));
    }
}

static void finish(pair *t)
{
    for (int k = 0; k < 2; k++) {
        t->backend[k]->ops->basis_free(t->backend[k], t->basis[k]);
        t->backend[k]->ops->stream_free(t->s[k]);
        hel_backend_free(t->backend[k]);
    }
    ref_ring_end(t->engine, t->ring);
}

/* ---- views: the same words in both memories ---- */

typedef struct twins {
    hel_view v[2];
    size_t words;
} twins;

/* `rows` rows an item, of primes `prime(row)`: limbs of Q below q_limbs, then P's, repeated */
static twins twins_make(pair *t, uint32_t batch, uint32_t rows, uint32_t limbs, uint32_t q_limbs,
                        size_t gap)
{
    const size_t n = t->ring->n;
    twins x = {.words = (rows * n + gap) * batch};
    uint32_t *host = ref_words(x.words);
    memset(host, 0x3c, x.words * sizeof *host);
    for (uint32_t b = 0; b < batch; b++)
        for (uint32_t i = 0; i < rows; i++) {
            const uint32_t limb = i % limbs;
            const uint32_t prime = limb < q_limbs ? limb : t->shape.q_count + limb - q_limbs;
            ref_fill(&t->r, host + b * (rows * n + gap) + i * n, n, t->ring->limb[prime].q);
        }
    for (int k = 0; k < 2; k++) {
        const hel_backend_ops *ops = t->backend[k]->ops;
        x.v[k] = (hel_view){.batch = batch, .limbs = limbs, .q_limbs = q_limbs};
        x.v[k].stride = rows * n + gap;
        OK(t, ops->alloc(t->s[k], &x.v[k].data, x.words * sizeof *host));
        OK(t, ops->upload(t->s[k], x.v[k].data, host, x.words * sizeof *host));
    }
    free(host);
    return x;
}

/* Limbs first .. of every item equal, or all words when rows is 0 */
static void twins_equal(pair *t, const twins *x, uint32_t rows, const char *what)
{
    const size_t n = t->ring->n;
    uint32_t *host[2];
    for (int k = 0; k < 2; k++) {
        host[k] = ref_words(x->words);
        OK(t, t->backend[k]->ops->sync(t->s[k]));
        OK(t, t->backend[k]->ops->download(t->s[k], host[k], x->v[k].data,
                                           x->words * sizeof *host[k]));
    }
    for (size_t i = 0; i < x->words; i++)
        if (rows == 0 || i % x->v[0].stride < rows * n)
            cr_assert(host[0][i] == host[1][i], "N = 2^%u: %s: word %zu of %zu is %u, not %u",
                      t->shape.log_n, what, i, x->words, host[1][i], host[0][i]);
    free(host[0]);
    free(host[1]);
}

static void twins_free(pair *t, twins *x)
{
    for (int k = 0; k < 2; k++)
        t->backend[k]->ops->release(t->s[k], x->v[k].data);
}

/* ---- one case of each entry ---- */

typedef struct one {
    uint32_t limbs, key_limbs, batch, g;
    int spread, adds;
    int onto; /* 1: out[1] is a, 2: out is add, 3: out[1] is add0, 4: out[0] is a */
} one;

static uint32_t digits_of(const pair *t, uint32_t limbs)
{
    return (limbs + t->shape.digit_limbs - 1) / t->shape.digit_limbs;
}

static hel_key_view key_view(const pair *t, const twins *key, int k, uint32_t q_limbs)
{
    return (hel_key_view){key->v[k].data, q_limbs, digits_of(t, q_limbs)};
}

/* Launches that a key switch and the same from digits took */
static void check_switch(pair *t, one c, uint64_t launches[2])
{
    const uint32_t all = c.limbs + t->shape.p_count, key_all = c.key_limbs + t->shape.p_count;
    const uint32_t count = digits_of(t, c.limbs);
    twins a = twins_make(t, c.spread ? 1 : c.batch, c.limbs, c.limbs, c.limbs, 32);
    twins key = twins_make(t, 2 * digits_of(t, c.key_limbs), key_all, key_all, c.key_limbs, 0);
    twins digits = twins_make(t, c.batch, count * all, all, c.limbs, 16);
    twins add[2], out[2], later[2];
    for (int h = 0; h < 2; h++) {
        add[h] = twins_make(t, c.batch, c.limbs, c.limbs, c.limbs, 64);
        out[h] = twins_make(t, c.batch, c.limbs, c.limbs, c.limbs, 0);
        later[h] = out[h];
    }
    for (int k = 0; k < 2; k++) {
        const hel_backend_ops *ops = t->backend[k]->ops;
        const hel_key_view view = key_view(t, &key, k, c.key_limbs);
        const hel_view *add0 = c.adds & 1 ? &add[0].v[k] : NULL;
        const hel_view *add1 = c.adds & 2 ? &add[1].v[k] : NULL;
        hel_view in = a.v[k], to[2] = {out[0].v[k], out[1].v[k]};
        in.batch = c.batch;
        if (c.spread)
            in.stride = 0;
        OK(t, ops->decompose(t->s[k], t->basis[k], digits.v[k], in));
        uint64_t before = sim_device_launches(t->device);
        if (k) {
            OK(t, ops->switch_digits(t->s[k], t->basis[k], to, digits.v[k], view, c.g, add0, add1));
            launches[1] = sim_device_launches(t->device) - before;
        } else {
            OK(t, hel_key_switch(t->s[k], t->basis[k], to, in, view, c.g, add0, add1));
        }
    }
    for (int h = 0; h < 2; h++)
        twins_equal(t, &out[h], 0, "a switch of digits");
    twins_equal(t, &digits, 0, "digits");
    twins_equal(t, &a, 0, "the input");
    for (int k = 0; k < 2; k++) {
        const hel_backend_ops *ops = t->backend[k]->ops;
        const hel_key_view view = key_view(t, &key, k, c.key_limbs);
        const hel_view *add0 = c.adds & 1 ? &add[0].v[k] : NULL;
        const hel_view *add1 = c.adds & 2 ? &add[1].v[k] : NULL;
        hel_view in = a.v[k], to[2];
        later[0] = c.onto == 2 ? add[0] : c.onto == 4 ? a : out[0];
        later[1] = c.onto == 1 ? a : c.onto == 2 ? add[1] : c.onto == 3 ? add[0] : out[1];
        to[0] = later[0].v[k];
        to[1] = later[1].v[k];
        in.batch = to[0].batch = to[1].batch = c.batch;
        if (c.spread)
            in.stride = 0;
        uint64_t before = sim_device_launches(t->device);
        if (k) {
            OK(t, ops->key_switch(t->s[k], t->basis[k], to, in, view, c.g, add0, add1));
            launches[0] = sim_device_launches(t->device) - before;
        } else {
            OK(t, hel_key_switch(t->s[k], t->basis[k], to, in, view, c.g, add0, add1));
        }
    }
    for (int h = 0; h < 2; h++) {
        twins_equal(t, &later[h], 0, "a key switch");
        twins_free(t, &add[h]);
        twins_free(t, &out[h]);
    }
    twins_free(t, &a);
    twins_free(t, &key);
    twins_free(t, &digits);
}

/* rescale to `keep` limbs and mod_down to `limbs`, out being the input, the addend or neither */
static void check_divide(pair *t, uint32_t limbs, uint32_t keep, uint32_t batch, int onto,
                         uint64_t launches[2])
{
    const uint32_t all = limbs + t->shape.p_count;
    twins a = twins_make(t, batch, limbs, limbs, limbs, 16);
    twins acc = twins_make(t, batch, all, all, limbs, 0);
    twins add = twins_make(t, batch, limbs, limbs, limbs, 32);
    twins low = twins_make(t, batch, keep, keep, keep, 0);
    twins down = twins_make(t, batch, limbs, limbs, limbs, 0);
    const twins *to[2] = {onto ? &a : &low, onto == 1 ? &acc : onto == 2 ? &add : &down};
    for (int k = 0; k < 2; k++) {
        const hel_backend_ops *ops = t->backend[k]->ops;
        hel_view out = to[0]->v[k];
        out.limbs = out.q_limbs = keep;
        uint64_t before = sim_device_launches(t->device);
        OK(t, ops->rescale(t->s[k], t->basis[k], out, a.v[k]));
        launches[0] = sim_device_launches(t->device) - before;
        out = to[1]->v[k];
        out.limbs = out.q_limbs = limbs;
        before = sim_device_launches(t->device);
        OK(t, ops->mod_down(t->s[k], t->basis[k], out, acc.v[k], onto == 1 ? NULL : &add.v[k]));
        launches[1] = sim_device_launches(t->device) - before;
    }
    twins_equal(t, to[0], keep, "a rescale");
    twins_equal(t, &a, onto ? keep : 0, "its input");
    twins_equal(t, to[1], limbs, "a division by P");
    twins_free(t, &a);
    twins_free(t, &acc);
    twins_free(t, &add);
    twins_free(t, &low);
    twins_free(t, &down);
}

/* ---- the suites ---- */

static int by_clusters(const shape *s)
{
    return s->log_n == 16 && s->shared == SIM_SHARED_HOPPER;
}

/* Every N, one pass, by blocks or clusters, and two. Launches: a key switch 4 or 8, from digits 2
 * or 4, so that a rotation with its automorphism is 5 or 9 and a hoisted one 3 or 5; a division 2
 * or 4. */
Test(device_switch, equals_the_cpu_at_every_size, .timeout = 600)
{
    static const shape shapes[] = {
        {10, 5, 2, 2, 2, SIM_SHARED_ADA},    {11, 5, 2, 2, 2, SIM_SHARED_HOPPER},
        {12, 5, 3, 2, 2, SIM_SHARED_ADA},    {13, 4, 2, 2, 2, SIM_SHARED_HOPPER},
        {14, 3, 2, 2, 1, SIM_SHARED_ADA},    {15, 3, 2, 2, 1, SIM_SHARED_HOPPER},
        {15, 3, 2, 2, 1, SIM_SHARED_ADA},    {16, 3, 2, 2, 1, SIM_SHARED_ADA},
        {16, 3, 2, 2, 1, SIM_SHARED_HOPPER}, {17, 3, 1, 2, 1, SIM_SHARED_HOPPER},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
            const uint32_t log_n = shapes[i].log_n, most = shapes[i].q_count;
            const int clusters = by_clusters(&shapes[i]);
            const int once =
                (sizeof(uint32_t) << log_n <= shapes[i].shared && log_n < 16) || clusters;
            uint64_t launches[2];
            pair t;
            if (log_n > 14 && order == SIM_REVERSED && !clusters)
                continue;
            start(&t, shapes[i], (sim_order)order, 11 * i + (uint64_t)order);
            check_switch(&t,
                         (one){.limbs = most,
                               .key_limbs = most,
                               .batch = order == SIM_RANDOM ? 2 : 1,
                               .g = order ? 2 * t.ring->n - 5 : 1,
                               .adds = 1 + order,
                               .onto = order},
                         launches);
            cr_assert(launches[0] == (once ? 4 : 8) && launches[1] == (once ? 2 : 4),
                      "N = 2^%u: %zu and %zu launches", log_n, (size_t)launches[0],
                      (size_t)launches[1]);
            check_divide(&t, most, most - shapes[i].drop_max, 1 + (order == 0), order, launches);
            cr_assert(launches[0] == (once ? 2 : 4) && launches[1] == (once ? 2 : 4));
            finish(&t);
        }
}

Test(device_switch, corners_of_shapes, .timeout = 600)
{
    static const shape shapes[] = {
        {10, 66, 2, 63, 3, SIM_SHARED_HOPPER}, {10, 6, 63, 4, 1, SIM_SHARED_HOPPER},
        {10, 20, 1, 1, 17, SIM_SHARED_ADA},    {10, 1, 1, 1, 1, SIM_SHARED_ADA},
        {10, 24, 18, 17, 1, SIM_SHARED_ADA},   {11, 36, 1, 2, 1, SIM_SHARED_ADA},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const uint32_t most = shapes[i].q_count;
        uint64_t launches[2];
        pair t;
        start(&t, shapes[i], SIM_RANDOM, 100 + i);
        for (uint32_t limbs = most; limbs; limbs = limbs > 9 ? limbs - limbs / 3 : limbs - 1) {
            const uint32_t g = 1 + 2 * ref_random_below(&t.r, t.ring->n);
            const int adds = (int)(limbs % 4);
            check_switch(&t,
                         (one){.limbs = limbs,
                               .key_limbs = limbs % 2 ? most : limbs,
                               .batch = limbs % 5 == 4 ? 0 : 1 + limbs % 3,
                               .g = g,
                               .spread = limbs % 3 == 1,
                               .adds = adds,
                               .onto = limbs % 3 == 1 ? 0 : (int)(limbs % 5)},
                         launches);
            if (limbs > shapes[i].drop_max)
                check_divide(&t, limbs, limbs - shapes[i].drop_max, limbs % 4, (int)(limbs % 3),
                             launches);
        }
        finish(&t);
    }
}

/* The second result where the first addend is: one half after the other, one launch more. */
Test(device_switch, results_in_the_place_of_inputs)
{
    static const shape shapes[] = {{10, 3, 1, 2, 1, SIM_SHARED_ADA},
                                   {16, 3, 1, 2, 1, SIM_SHARED_ADA},
                                   {16, 3, 1, 2, 1, SIM_SHARED_HOPPER}};
    for (uint32_t k = 0; k < 3; k++) {
        const uint32_t passes = k == 1 ? 2 : 1;
        pair t;
        start(&t, shapes[k], k < 2 ? SIM_IN_ORDER : SIM_RANDOM, 7);
        for (int onto = 0; onto <= 4; onto++) {
            uint64_t launches[2];
            check_switch(
                &t, (one){.limbs = 3, .key_limbs = 3, .batch = 1, .g = 5, .adds = 3, .onto = onto},
                launches);
            cr_assert(launches[0] == (onto == 3 ? 5u : 4u) * passes, "%zu launches",
                      (size_t)launches[0]);
        }
        finish(&t);
    }
}

/* Batches of 0, 1 and 3, one polynomial for all, a key of more limbs, digits of one limb. */
Test(device_switch, batches_by_clusters, .timeout = 300)
{
    static const shape shapes[] = {{16, 3, 1, 2, 1, SIM_SHARED_HOPPER},
                                   {16, 2, 1, 1, 1, SIM_SHARED_HOPPER}};
    static const uint32_t batches[] = {0, 1, 3};
    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t b = 0; b < 3; b++) {
            const uint32_t most = shapes[k].q_count, batch = batches[b];
            uint64_t launches[2];
            pair t;
            start(&t, shapes[k], SIM_RANDOM, 40 + 3 * k + b);
            check_switch(&t,
                         (one){.limbs = most - (b == 1),
                               .key_limbs = most,
                               .batch = batch,
                               .g = 2 * ref_random_below(&t.r, t.ring->n) + 1,
                               .spread = k && b == 2,
                               .adds = (int)(b + k)},
                         launches);
            cr_assert(launches[0] == (batch ? 4 : 0) && launches[1] == (batch ? 2 : 0));
            check_divide(&t, most, most - 1, batch, 0, launches);
            cr_assert(launches[0] == (batch ? 2 : 0) && launches[1] == (batch ? 2 : 0));
            finish(&t);
        }
}
