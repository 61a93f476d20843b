/*
 * --verify: a random part of the scan is computed again on the CPU and compared bit for bit.
 *
 * Units: (tile of samples, batch of columns, block): the tile's weights are expanded again and
 * compared, the block's products are made again from the file and added to the accumulators as they
 * were before; then (chunk, block): accumulators are relinearized and switched again. Accumulators
 * that two checks in a row have seen must not change between them, and begin as zeros.
 * What a device computed is checked with the engine's instruction set, what the CPU computed with
 * the portable code. The choice comes from OpenSSL's generator: nobody foresees it.
 */
#include <string.h>

#include "host/assoc/scan_private.h"
#include "host/base/cpu.h"
#include "host/base/mem.h"
#include "host/base/pool.h"

#define COLUMNS_AT_ONCE 4

struct seen {
    uint64_t step; /* before which the block had this digest */
    uint8_t digest[HEL_DIGEST_BYTES];
};

struct scan_check {
    struct scan cpu;      /* the second computation: one segment, some columns, one block */
    hel_scheme *portable; /* NULL where the scan's own serves */
    uint32_t *acc;        /* [chosen][block as in scan_cpu] */
    uint8_t *rows;        /* of a segment in a super-block, read again */
    uint32_t *chosen, count;
    uint32_t *sums;    /* [slot][3][scan][N] of one block */
    uint32_t *weight;  /* [2][2][scan][N]: as computed, as computed again */
    struct seen *seen; /* [range] */
    uint8_t zeros[HEL_DIGEST_BYTES];
    uint64_t step; /* batches of this range so far */
    int weights_seen;
    /* blocks of the range that have been finished, and the one at hand */
    uint32_t first, finished, block;
    const uint32_t *result; /* of the block at hand */
};

static uint32_t most_chosen(const struct scan *s)
{
    return s->gl.blocks < s->gl.super_block ? s->gl.blocks : s->gl.super_block;
}

static uint32_t columns_at_once(const struct scan *s)
{
    return s->wl.columns < COLUMNS_AT_ONCE ? s->wl.columns : COLUMNS_AT_ONCE;
}

uint64_t hel_scan_check_bytes(const struct scan *s)
{
    if (s->config->verify <= 0)
        return 0;
    return hel_scan_cpu_fixed_bytes(s) + hel_scan_cpu_expander_bytes(s, 1) +
           columns_at_once(s) * hel_scan_cpu_column_bytes(s) +
           ((uint64_t)most_chosen(s) + 1) * hel_scan_cpu_block_bytes(s) +
           hel_scan_region_bytes(s, HEL_SEGMENT);
}

/* ---- life ---- */

static hel_status make_portable(struct scan *s, hel_scheme **out)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine;
    config.threads = 1;
    config.simd = HEL_SIMD_PORTABLE;
    hel_status status = hel_engine_create(&engine, &config);
    HEL_REQUIRE(s->engine, status == HEL_OK, status, "scan: no engine to verify with: %s",
                hel_status_name(status));
    status = hel_scheme_create(engine, out, &s->scheme->params);
    if (status != HEL_OK)
        (void)hel_fail(s->engine, status, "%s", hel_engine_error(engine));
    hel_engine_free(engine);
    return status;
}

static hel_status open_cpu(struct scan *s, struct scan_check *c)
{
    struct scan *v = &c->cpu;
    *v = *s;
    v->cpu = (struct scan_cpu){0};
    v->result = NULL;
    v->check = NULL;
    v->device = NULL;
    v->feed = NULL;
    v->taken = NULL;
    v->stats = (hel_scan_stats){0};
    v->tile = HEL_SEGMENT;
    v->column_batch = columns_at_once(s);
    v->range = most_chosen(s);
    v->at.range_count = 1;
    if (!s->device)
        HEL_TRY(make_portable(s, &c->portable));
    v->scheme = c->portable ? c->portable : s->scheme;
    hel_scan_cpu_prepare(v, s->device ? hel_engine_simd(s->engine) : HEL_SIMD_PORTABLE);
    v->cpu.expanders = 1;
    hel_status status = hel_scan_cpu_allocate(v);
    c->acc = v->cpu.acc;
    HEL_TRY(status);
    return hel_malloc(s->engine, &c->rows, hel_scan_region_bytes(s, HEL_SEGMENT), 1);
}

hel_status hel_scan_check_open(struct scan *s)
{
    if (s->config->verify <= 0)
        return HEL_OK;
    const size_t block = hel_scan_cpu_block_bytes(s), poly = (size_t)s->gl.poly_words * 4;
    struct scan_check *c;
    HEL_TRY(hel_calloc(s->engine, &c, 1, sizeof *c));
    s->check = c;
    HEL_TRY(open_cpu(s, c));
    HEL_TRY(hel_calloc(s->engine, &c->sums, 1, block));
    HEL_TRY(hel_sha256_once(s->engine, c->sums, block, c->zeros));
    HEL_TRY(hel_malloc(s->engine, &c->weight, 4, poly));
    HEL_TRY(hel_malloc(s->engine, &c->chosen, most_chosen(s), sizeof *c->chosen));
    return hel_malloc(s->engine, &c->seen, s->range, sizeof *c->seen);
}

void hel_scan_check_close(struct scan *s)
{
    struct scan_check *c = s->check;
    if (!c)
        return;
    c->cpu.cpu.acc = c->acc;
    hel_scan_cpu_release(&c->cpu);
    hel_scheme_free(c->portable);
    hel_free(c->rows);
    hel_free(c->sums);
    hel_free(c->weight);
    hel_free(c->chosen);
    hel_free(c->seen);
    hel_free(c);
    s->check = NULL;
}

/* ---- what differs ---- */

static const char *plane_name(hel_plane plane)
{
    return plane == HEL_PLANE_G ? "g" : plane == HEL_PLANE_G2 ? "g2" : "missing";
}

/* First word of a polynomial over the scan limbs that differs. */
static size_t first_difference(const uint32_t *a, const uint32_t *b, size_t words)
{
    size_t i = 0;
    while (i + 1 < words && a[i] == b[i])
        i++;
    return i;
}

/* Samples of the chunk that the accumulators have met, the tile at hand included. */
static uint32_t samples_so_far(const struct scan *s)
{
    return s->at.tile_first + s->at.tile_samples;
}

static hel_status weight_differs(struct scan *s, uint32_t sample, uint32_t column)
{
    const size_t n = s->scheme->n, poly = (size_t)s->gl.poly_words;
    const uint32_t *theirs = s->check->weight, *own = theirs + 2 * poly;
    const size_t at = first_difference(theirs, own, 2 * poly);
    return hel_fail(s->engine, HEL_E_INTERNAL,
                    "scan: verification failed: the weight of sample %llu and column %u that the "
                    "%s computed (tile of samples %u to %u of chunk %u): half %zu, limb %zu, word "
                    "%zu is %u and not %u; no sums were written",
                    (unsigned long long)scan_sample(s, sample), s->at.batch_first + column,
                    s->ops->name, s->at.tile_first, s->at.tile_first + s->at.tile_samples - 1,
                    s->at.chunk, at / poly, at % poly / n, at % n, theirs[at], own[at]);
}

static const hel_output *output_of(const struct scan *s, uint32_t slot)
{
    uint32_t o = 0;
    while (o + 1 < s->outputs && s->slot[o] != slot)
        o++;
    return &s->output[o];
}

/* Limb and word `at` of part 0 .. 2 of an accumulator, or of half 0, 1 of a finished sum. */
static hel_status block_differs(struct scan *s, const char *what, uint32_t block,
                                const hel_output *o, size_t part, size_t at, uint32_t got,
                                uint32_t want)
{
    const size_t n = s->scheme->n;
    return hel_fail(s->engine, HEL_E_INTERNAL,
                    "scan: verification failed: %s that the %s computed (chunk %u, up to sample "
                    "%u of it, block %u, column %u, plane %s): part %zu, limb %zu, word %zu is %u "
                    "and not %u; no sums were written",
                    what, s->ops->name, s->at.chunk, samples_so_far(s), s->at.range_first + block,
                    o->column, plane_name(o->plane), part, at / n, at % n, got, want);
}

/* ---- accumulators ---- */

static int choose(struct scan *s, int first, hel_status *status)
{
    uint64_t word = 0;
    *status = hel_random(s->engine, &word, sizeof word);
    return *status == HEL_OK && (first || (double)(word >> 11) * 0x1p-53 < s->config->verify);
}

/* Reads a block into c->sums; what an earlier check saw must be there still. */
static hel_status read_block(struct scan *s, uint32_t block, uint64_t step)
{
    struct scan_check *c = s->check;
    struct seen *seen = &c->seen[block];
    uint8_t digest[HEL_DIGEST_BYTES];
    HEL_TRY(s->ops->sums(s, block, c->sums));
    if (seen->step != step)
        return HEL_OK;
    HEL_TRY(hel_sha256_once(s->engine, c->sums, hel_scan_cpu_block_bytes(s), digest));
    HEL_REQUIRE(s->engine, memcmp(digest, seen->digest, sizeof digest) == 0, HEL_E_INTERNAL,
                "scan: verification failed: accumulators of block %u that the %s keeps changed "
                "between tiles (chunk %u, up to sample %u of it); no sums were written",
                s->at.range_first + block, s->ops->name, s->at.chunk, samples_so_far(s));
    return HEL_OK;
}

static void spread_block(const struct scan *v, const uint32_t *sums, uint32_t *acc)
{
    const size_t poly = (size_t)v->gl.poly_words;
    for (size_t g = 0; g < (size_t)v->gl.limbs * v->cpu.groups; g++)
        for (size_t i = 0; i < (size_t)v->outputs * 3; i++, acc += LANES)
            memcpy(acc, sums + i * poly + g * LANES, LANES * sizeof *acc);
}

static hel_status compare_block(struct scan *s, uint32_t block, const uint32_t *acc)
{
    const size_t poly = (size_t)s->gl.poly_words, groups = s->scheme->n / LANES;
    const uint32_t *sums = s->check->sums;
    for (size_t g = 0; g < s->gl.limbs * groups; g++)
        for (size_t i = 0; i < (size_t)s->outputs * 3; i++, acc += LANES) {
            const uint32_t *got = sums + i * poly + g * LANES;
            if (memcmp(got, acc, LANES * sizeof *acc) != 0) {
                size_t at = first_difference(got, acc, LANES);
                return block_differs(s, "a product", block, output_of(s, (uint32_t)(i / 3)), i % 3,
                                     g * LANES + at, got[at], acc[at]);
            }
        }
    return HEL_OK;
}

/* ---- the second computation ---- */

/* Weights of samples first .. of the tile and columns `done` .. of the batch. */
static hel_status compare_weights(struct scan *s, uint32_t first, uint32_t done)
{
    struct scan_check *c = s->check;
    const struct scan *v = &c->cpu;
    const size_t words = 2 * (size_t)s->gl.poly_words;
    for (uint32_t i = 0; i < v->at.tile_samples; i++)
        for (uint32_t k = 0; k < v->at.batch_count; k++) {
            HEL_TRY(s->ops->weight(s, first + i, done + k, c->weight));
            hel_scan_cpu_weight(v, i, k, c->weight + words);
            if (memcmp(c->weight, c->weight + words, words * sizeof *c->weight) != 0)
                return weight_differs(s, first + i, done + k);
        }
    return HEL_OK;
}

/* One segment of the tile: its weights again, its rows read again, and their products with the
 * chosen blocks. */
static hel_status compute_segment(struct scan *s, uint32_t first)
{
    struct scan_check *c = s->check;
    struct scan *v = &c->cpu;
    const uint32_t left = s->at.tile_samples - first;
    v->at = s->at;
    v->at.tile_first = s->at.tile_first + first;
    v->at.tile_samples = left < HEL_SEGMENT ? left : HEL_SEGMENT;
    v->at.range_count = 1;
    v->super = s->super;
    HEL_TRY(hel_scan_read_rows(v, 0, v->at.tile_samples, c->rows, &v->cpu.rows));
    for (uint32_t done = 0; done < s->at.batch_count; done += v->at.batch_count) {
        const uint32_t rest = s->at.batch_count - done;
        v->at.batch_first = s->at.batch_first + done;
        v->at.batch_count = rest < v->column_batch ? rest : v->column_batch;
        HEL_TRY(hel_scan_cpu_expand(v));
        if (!c->weights_seen)
            HEL_TRY(compare_weights(s, first, done));
        for (uint32_t k = 0; k < c->count; k++) {
            v->at.range_first = s->at.range_first + c->chosen[k];
            v->cpu.acc = c->acc + k * (size_t)hel_scan_cpu_block_bytes(s) / 4;
            HEL_TRY(hel_scan_cpu_accumulate(v, s->super, 1, NULL));
        }
        HEL_TRY(hel_scan_progress(s, 0));
    }
    return HEL_OK;
}

static hel_status check_after(struct scan *s)
{
    struct scan_check *c = s->check;
    for (uint32_t first = 0; first < s->at.tile_samples; first += HEL_SEGMENT)
        HEL_TRY(compute_segment(s, first));
    c->weights_seen = 1;
    for (uint32_t k = 0; k < c->count; k++) {
        const uint32_t block = c->chosen[k];
        struct seen *seen = &c->seen[block];
        HEL_TRY(s->ops->sums(s, block, c->sums));
        HEL_TRY(compare_block(s, block, c->acc + k * (size_t)hel_scan_cpu_block_bytes(s) / 4));
        seen->step = c->step + 1;
        HEL_TRY(hel_sha256_once(s->engine, c->sums, hel_scan_cpu_block_bytes(s), seen->digest));
    }
    s->stats.tiles_verified += c->count;
    return HEL_OK;
}

static hel_status check_before(struct scan *s)
{
    struct scan_check *c = s->check;
    const uint32_t first = scan_super_first(s, &s->at, s->super) - s->at.range_first;
    const uint32_t count = scan_super_count(s, &s->at, s->super);
    c->count = 0;
    for (uint32_t block = first; block < first + count; block++) {
        hel_status status;
        int chosen = choose(s, s->stats.tiles++ == 0, &status);
        HEL_TRY(status);
        if (!chosen)
            continue;
        HEL_TRY(read_block(s, block, c->step));
        spread_block(&c->cpu, c->sums, c->acc + c->count * (size_t)hel_scan_cpu_block_bytes(s) / 4);
        c->chosen[c->count++] = block;
    }
    return HEL_OK;
}

static hel_status check_finished(void *arg, size_t o, uint32_t worker)
{
    struct scan *s = arg;
    struct scan_check *c = s->check;
    const struct scan *v = &c->cpu;
    const size_t poly = (size_t)s->gl.poly_words, n = s->scheme->n;
    const size_t words = (size_t)s->scheme->params.out_limbs * n;
    uint32_t *d = c->sums + s->slot[o] * 3 * poly, *own = v->cpu.worker[worker].output;
    const uint32_t *theirs = c->result + 2 * o * words;
    hel_output_finish(v->scheme, &s->keys->relin, d, d + poly, d + 2 * poly, own, own + words,
                      own + 3 * poly);
    if (memcmp(own, theirs, 2 * words * sizeof *own) == 0)
        return HEL_OK;
    const size_t at = first_difference(theirs, own, 2 * words);
    return block_differs(s, "a finished sum", c->block, &s->output[o], at / words, at % words,
                         theirs[at], own[at]);
}

static hel_status check_sums(struct scan *s)
{
    struct scan_check *c = s->check;
    for (uint32_t i = 0; i < c->finished; i++, c->result += scan_result_words(s)) {
        hel_status status;
        int chosen = choose(s, s->stats.sums++ == 0, &status);
        HEL_TRY(status);
        if (!chosen)
            continue;
        c->block = c->first + i;
        HEL_TRY(read_block(s, c->block, c->step + 1));
        HEL_TRY(hel_parallel(s->engine, s->outputs, check_finished, s));
        s->stats.sums_verified++;
    }
    return HEL_OK;
}

/* ---- calls of the loops ---- */

void hel_scan_check_range(struct scan *s)
{
    struct scan_check *c = s->check;
    if (!c)
        return;
    c->step = UINT64_MAX; /* the first batch makes it 0 */
    const int restored = s->at.tile_first > 0;
    for (uint32_t i = 0; i < s->at.range_count; i++) {
        c->seen[i].step = restored ? UINT64_MAX : 0; /* nobody has seen these */
        memcpy(c->seen[i].digest, c->zeros, sizeof c->zeros);
    }
}

void hel_scan_check_batch(struct scan *s)
{
    if (!s->check)
        return;
    s->check->step++;
    s->check->weights_seen = 0;
}

/* Seconds of the check are no seconds of the scan. */
static hel_status timed(struct scan *s, hel_status (*check)(struct scan *))
{
    const double began = hel_scan_cpu_seconds();
    const hel_stage_mark mark = hel_stage_enter();
    const hel_status status = check(s);
    hel_stage_leave(&s->stage[STAGE_CHECK], &mark, 1, 0);
    s->stats.cpu_check += hel_scan_cpu_seconds() - began;
    return status;
}

hel_status hel_scan_check_before(struct scan *s)
{
    return s->check ? timed(s, check_before) : HEL_OK;
}

hel_status hel_scan_check_after(struct scan *s)
{
    return s->check && s->check->count ? timed(s, check_after) : HEL_OK;
}

hel_status hel_scan_check_sums(struct scan *s, uint32_t first, uint32_t count, const uint32_t *sums)
{
    if (!s->check)
        return HEL_OK;
    s->check->first = first;
    s->check->finished = count;
    s->check->result = sums;
    return timed(s, check_sums);
}
