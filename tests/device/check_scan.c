/*
 * The scan on a device (host/ckks/exact/device_scan.h): weights against hel_expander's leaves,
 * accumulators against sums taken one product at a time, outputs against hel_output_finish.
 */
#include <stdlib.h>
#include <string.h>

#include "host/ckks/exact/device_scan.h"
#include "host/ckks/exact/scheme_private.h"
#include "tests/device/check.h"

enum { COLUMNS = 3, SEGMENTS = 2, BLOCKS = 3, OUTPUTS = 5, OBJECT = 77 };

static const uint8_t weight_seed[32] = {11, 12}, geno_seed[32] = {21, 5}, error_seed[32] = {13};

typedef struct setting {
    check_world *w;
    hel_engine *engine; /* of the reference */
    hel_scheme *scheme;
    hel_secret_key *key;
    hel_eval_keys *keys;
    hel_device_scan *device;
    check_env *env;
    size_t poly; /* words: scan limbs x N */
    uint32_t segment, samples;
    uint32_t *leaves; /* [sample][column][2][scan][N] */
    uint32_t *sums;   /* [block][output][3][scan][N] */
    uint32_t *c0[2];  /* two packed ciphertexts */
    uint32_t used[2]; /* weights of each */
} setting;

/* ---- weights ---- */

typedef struct leaf_target {
    setting *t;
    uint32_t place, first; /* place of the group, its first leaf */
} leaf_target;

static void keep_leaf(void *arg, uint32_t leaf, const uint32_t *z0, const uint32_t *z1)
{
    const leaf_target *x = arg;
    const size_t sample = x->place / COLUMNS * x->t->segment + (leaf - x->first);
    uint32_t *to = x->t->leaves + (sample * COLUMNS + x->place % COLUMNS) * 2 * x->t->poly;
    memcpy(to, z0, x->t->poly * sizeof *to);
    memcpy(to + x->t->poly, z1, x->t->poly * sizeof *to);
}

static hel_status pack(setting *t, uint32_t which, uint32_t count)
{
    hel_encryptor *e;
    int32_t *w = check_memory(t->w, t->scheme->n * sizeof *w);
    for (uint32_t i = 0; i < t->scheme->n; i++)
        w[i] = i % 5 == 0 ? (i % 2 ? 1 : -1) * ((1 << 19) - 1)
                          : (int32_t)check_below(t->w, 1 << 20) - (1 << 19) + 1;
    t->used[which] = count;
    t->c0[which] = check_memory(t->w, (size_t)t->scheme->params.expand_limbs * t->scheme->n * 4);
    HEL_TRY(hel_encryptor_create(t->engine, &e, t->scheme, t->key, weight_seed, error_seed));
    const hel_status status = hel_encrypt_weights(e, OBJECT + which, w, count, t->c0[which]);
    hel_encryptor_free(e);
    return status;
}

/* Groups first .. first + count - 1 of a ciphertext to places from first_place, on both sides. */
static hel_status expand(setting *t, uint32_t which, uint32_t first, uint32_t count,
                         uint32_t first_place)
{
    hel_expander *x;
    HEL_TRY(hel_expander_create(t->engine, &x, t->scheme, t->keys, t->c0[which], weight_seed,
                                OBJECT + which, t->used[which],
                                (uint32_t)__builtin_ctz(t->scheme->n / t->segment)));
    if (hel_expander_group_size(x) != t->segment)
        check_fail(t->w, "groups of %u leaves", hel_expander_group_size(x));
    uint32_t *scratch = check_memory(t->w, hel_expander_scratch_words(x) * sizeof *scratch);
    for (uint32_t i = 0; i < count && first + i < hel_expander_groups(x) && !t->w->failed; i++) {
        leaf_target target = {t, first_place + i, (first + i) * t->segment};
        hel_expander_run(x, first + i, scratch, keep_leaf, &target);
    }
    hel_expander_free(x);
    CHECK_CALL(t->env, hel_device_scan_expand(t->device, t->c0[which], weight_seed, OBJECT + which,
                                              t->used[which], first, count, first_place));
    return HEL_OK;
}

static void compare_words(setting *t, const uint32_t *want, const uint32_t *have, size_t words,
                          const char *what, uint32_t i, uint32_t k)
{
    for (size_t j = 0; j < words && t->env->status == HEL_OK && !t->w->failed; j++)
        if (want[j] != have[j])
            check_fail(t->w, "%s %u, %u: polynomial %zu, limb %zu, word %zu is %u, not %u", what, i,
                       k, j / t->poly, j % t->poly / t->scheme->n, j % t->scheme->n, have[j],
                       want[j]);
}

static void check_weights(setting *t)
{
    uint32_t *have = check_memory(t->w, 2 * t->poly * sizeof *have);
    for (uint32_t i = 0; i < t->samples; i++)
        for (uint32_t k = 0; k < COLUMNS; k++) {
            const uint32_t place = i / t->segment * COLUMNS + k, leaf = i % t->segment;
            /* the second ciphertext's groups come last; its last one is not full */
            if (place == SEGMENTS * COLUMNS - 1 && 2 * t->segment + leaf >= t->used[1])
                continue;
            CHECK_CALL(t->env, hel_device_scan_weight(t->device, i, k, have));
            compare_words(t, t->leaves + ((size_t)i * COLUMNS + k) * 2 * t->poly, have, 2 * t->poly,
                          "weight", i, k);
        }
}

/* ---- accumulators ---- */

static void add_products(setting *t, const uint32_t *a0, const uint32_t *a1, const uint32_t *z,
                         uint32_t *sum)
{
    const uint32_t *z1 = z + t->poly;
    for (size_t j = 0; j < t->poly; j++) {
        const uint64_t q = t->scheme->ring->limb[j / t->scheme->n].q;
        sum[j] = (uint32_t)((sum[j] + (uint64_t)a0[j] * z[j]) % q);
        sum[t->poly + j] =
            (uint32_t)((sum[t->poly + j] + (uint64_t)a0[j] * z1[j] % q + (uint64_t)a1[j] * z[j]) %
                       q);
        sum[2 * t->poly + j] = (uint32_t)((sum[2 * t->poly + j] + (uint64_t)a1[j] * z1[j]) % q);
    }
}

static hel_status accumulate(setting *t, const hel_device_rows *rows, const uint32_t *buffer)
{
    hel_chacha *chacha;
    uint32_t *a1 = check_memory(t->w, t->poly * sizeof *a1);
    uint8_t *scratch = check_memory(t->w, 4 * (size_t)t->scheme->n);
    HEL_TRY(hel_chacha_create(t->engine, &chacha, geno_seed));
    for (uint32_t i = 0; i < rows->samples; i++)
        for (uint32_t b = 0; b < rows->blocks; b++) {
            const uint64_t at = i * rows->stride + b;
            if (hel_expand_uniform(t->scheme, chacha, HEL_DOMAIN_GENO_A, rows->object + at,
                                   t->scheme->params.scan_limbs, a1, scratch) != HEL_OK)
                continue;
            for (uint32_t k = 0; k < rows->count; k++)
                add_products(t, buffer + (rows->offset + at) * t->poly, a1,
                             t->leaves + ((size_t)i * COLUMNS + rows->columns[k]) * 2 * t->poly,
                             t->sums +
                                 ((size_t)(rows->first_block + b) * OUTPUTS + rows->outputs[k]) *
                                     3 * t->poly);
        }
    hel_chacha_free(chacha);
    CHECK_CALL(t->env, hel_device_scan_accumulate(t->device, geno_seed, rows));
    return HEL_OK;
}

/* A buffer of genotypes: random, or all q - 1. */
static uint32_t *make_rows(setting *t, uint64_t polys, int worst)
{
    uint32_t *x = check_memory(t->w, polys * t->poly * sizeof *x);
    for (size_t j = 0; j < polys * t->poly; j++) {
        const uint32_t q = t->scheme->ring->limb[j % t->poly / t->scheme->n].q;
        x[j] = worst ? q - 1 : check_below(t->w, q);
    }
    return x;
}

static void run_rows(setting *t)
{
    static const uint32_t columns[] = {0, 1, 2, 0}, outputs[] = {0, 3, 1, 4};
    const uint64_t stride = 2 * BLOCKS; /* two planes side by side */
    const uint64_t polys = t->samples * stride;
    uint32_t *buffer[2] = {make_rows(t, polys, 0), make_rows(t, polys, 1)};
    for (uint32_t i = 0; i < 2; i++)
        CHECK_CALL(t->env, hel_device_scan_load(t->device, i, (const uint8_t *)buffer[i], polys));
    const hel_device_rows rows[] = {
        {0, 0, stride, 1000, t->samples - t->segment / 2, BLOCKS, 0, columns, outputs, 3},
        {0, BLOCKS, stride, 5000, t->samples - t->segment / 2, BLOCKS, 0, columns + 3, outputs + 3,
         1},
        {1, 1, stride, UINT64_C(0x100000001), 1, 2, 1, columns, outputs, 4},
        {1, 2, stride, 0, t->segment, 1, 0, columns + 1, outputs + 1, 1},
        {1, 0, stride, 0, 0, BLOCKS, 0, columns, outputs, 3},
        {0, 0, stride, 0, t->samples, 1, 2, columns, outputs, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_CALL(t->env, accumulate(t, &rows[i], buffer[rows[i].which]));
    /* a buffer is loaded again while it may still be in use */
    uint32_t *next = make_rows(t, stride, 0);
    const hel_device_rows last = {0, 0, stride, 42, 1, BLOCKS, 0, columns, outputs, 2};
    CHECK_CALL(t->env, hel_device_scan_load(t->device, 0, (const uint8_t *)next, stride));
    CHECK_CALL(t->env, accumulate(t, &last, next));
    uint32_t *have = check_memory(t->w, OUTPUTS * 3 * t->poly * sizeof *have);
    for (uint32_t b = 0; b < BLOCKS; b++) {
        CHECK_CALL(t->env, hel_device_scan_sums(t->device, b, 0, OUTPUTS, have));
        for (uint32_t o = 0; o < OUTPUTS; o++)
            compare_words(t, t->sums + ((size_t)b * OUTPUTS + o) * 3 * t->poly,
                          have + o * 3 * t->poly, 3 * t->poly, "accumulator of block", b, o);
    }
}

/* ---- outputs ---- */

static void run_outputs(setting *t)
{
    static const uint32_t outputs[] = {3, 0, 4};
    const uint32_t count = 3, first = 1, blocks = BLOCKS - first;
    const size_t out = (size_t)t->scheme->params.out_limbs * t->scheme->n;
    uint32_t *have = check_memory(t->w, blocks * count * 2 * out * sizeof *have);
    uint32_t *sum = check_memory(t->w, 3 * t->poly * sizeof *sum);
    uint32_t *want = check_memory(t->w, 2 * t->poly * sizeof *want);
    uint32_t *scratch = check_memory(t->w, hel_keyswitch_scratch_words(t->scheme) * 4);
    CHECK_CALL(t->env, hel_device_scan_finish(t->device, first, blocks, outputs, count, have));
    for (uint32_t b = 0; b < blocks && t->env->status == HEL_OK; b++)
        for (uint32_t k = 0; k < count; k++) {
            const size_t at = ((size_t)(first + b) * OUTPUTS + outputs[k]) * 3 * t->poly;
            memcpy(sum, t->sums + at, 3 * t->poly * sizeof *sum);
            hel_output_finish(t->scheme, &t->keys->relin, sum, sum + t->poly, sum + 2 * t->poly,
                              want, want + t->poly, scratch);
            memmove(want + out, want + t->poly, out * sizeof *want);
            for (size_t j = 0; j < 2 * out && !t->w->failed; j++)
                if (have[(b * count + k) * 2 * out + j] != want[j])
                    check_fail(t->w, "output %u of block %u: word %zu is %u, not %u", outputs[k],
                               first + b, j, have[(b * count + k) * 2 * out + j], want[j]);
        }
}

/* ---- all of it at one parameter set ---- */

static hel_status prepare(setting *t, const hel_params *p)
{
    const hel_device_scan_shape shape = {.segment = t->segment,
                                         .samples = t->samples,
                                         .columns = COLUMNS,
                                         .blocks = BLOCKS,
                                         .outputs = OUTPUTS,
                                         .row_polys = (uint64_t)t->samples * 2 * BLOCKS};
    HEL_TRY(hel_scheme_create_unchecked(t->engine, &t->scheme, p));
    HEL_TRY(hel_secret_key_generate(t->engine, t->scheme, &t->key));
    HEL_TRY(hel_eval_keys_generate(t->engine, t->scheme, t->key, &t->keys));
    t->poly = (size_t)p->scan_limbs * t->scheme->n;
    t->leaves = calloc((size_t)t->samples * COLUMNS * 2 * t->poly, sizeof *t->leaves);
    t->sums = calloc((size_t)BLOCKS * OUTPUTS * 3 * t->poly, sizeof *t->sums);
    if (!t->leaves || !t->sums)
        return HEL_E_MEMORY;
    CHECK_CALL(t->env, hel_device_scan_create(t->env->engine, &t->device, t->env->backend,
                                              t->scheme, t->keys, &shape));
    return HEL_OK;
}

static void scan_case(check_world *w, const hel_params *p, uint32_t segment)
{
    setting t = {.w = w, .engine = w->env[0].engine, .env = &w->env[1], .segment = segment};
    t.samples = SEGMENTS * t.segment;
    w->n = 1u << p->log_n;
    w->shape = (check_shape){.log_n = p->log_n,
                             .q_count = p->expand_limbs,
                             .p_count = p->special_limbs,
                             .digit_limbs = p->digit_limbs};
    check_begin(w, "scan of %u limbs, %u samples, %u columns, %u blocks: weights", p->scan_limbs,
                t.samples, (unsigned)COLUMNS, (unsigned)BLOCKS);
    CHECK_CALL(&w->env[0], prepare(&t, p));
    CHECK_CALL(&w->env[0], t.env->status);
    CHECK_CALL(&w->env[0], pack(&t, 0, 6 * t.segment));
    CHECK_CALL(&w->env[0], pack(&t, 1, 3 * t.segment - 5));
    CHECK_CALL(&w->env[0], expand(&t, 0, 0, 4, 0));
    CHECK_CALL(&w->env[0], expand(&t, 1, 1, 2, 4));
    if (w->env[0].status == HEL_OK)
        check_weights(&t);
    int good = !w->failed && w->env[0].status == HEL_OK && t.env->status == HEL_OK;
    check_end(w);
    if (good) {
        /* what no leaf was written to must not count: the samples at hand end before it */
        check_begin(w, "scan of %u limbs: accumulators", p->scan_limbs);
        CHECK_CALL(t.env, hel_device_scan_clear(t.device));
        run_rows(&t);
        good = !w->failed && t.env->status == HEL_OK;
        check_end(w);
    }
    if (good) {
        check_begin(w, "scan of %u limbs: outputs", p->scan_limbs);
        run_outputs(&t);
        check_end(w);
    }
    hel_device_scan_free(t.device);
    hel_eval_keys_free(t.keys);
    hel_secret_key_free(t.key);
    hel_scheme_free(t.scheme);
    free(t.leaves);
    free(t.sums);
}

/* A set like the default one, in another ring; unchecked. */
static hel_params toy(uint32_t log_n, uint32_t scan, uint32_t expand, uint32_t special,
                      uint32_t digit)
{
    return (hel_params){.log_n = log_n,
                        .scan_limbs = scan,
                        .expand_limbs = expand,
                        .special_limbs = special,
                        .digit_limbs = digit,
                        .out_limbs = scan - 1,
                        .weight_bits = 20,
                        .plane_max = 2,
                        .chunk = 4096,
                        .da_shift = 3,
                        .dz = 1 << 23,
                        .toy = 1};
}

void check_scan(check_world *w)
{
    hel_params p = toy(10, 3, 4, 2, 2);
    if (!hel_backend_device(w->env[1].backend)) {
        w->group->untested++;
        return;
    }
    scan_case(w, &p, 16);
    if (w->options->log_n_max < 11)
        return;
    p = toy(11, 4, 5, 2, 2);
    scan_case(w, &p, 16);
    if (w->options->scale < 0.05 || w->options->log_n_max < 13)
        return;
    check_begin(w, "scan parameters");
    w->env[0].status = hel_params_search(w->env[0].engine, NULL, &p);
    const int good = w->env[0].status == HEL_OK;
    check_end(w);
    if (good)
        scan_case(w, &p, w->options->scale < 0.3 ? 16 : 64);
    if (w->options->scale < 0.3)
        return;
    p = toy(12, 3, 4, 2, 2);
    scan_case(w, &p, 16);
    p = toy(10, 3, 5, 1, 1);
    scan_case(w, &p, 16);
}
