/*
 * A tile of samples on the CPU: its weights are expanded once, then meet the genotypes of every
 * block: weights are read from cache once per BLOCKS_AT_ONCE blocks, accumulators once per tile.
 *
 * One parallel loop serves a step: first come the leaf groups of the next step's weights (long
 * items), then the products of this one, super-block by super-block as their rows arrive. So no
 * thread waits at the border of a super-block, and none but at the end of a step.
 */
#include <string.h>

#include "host/assoc/scan_private.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/ring/ring.h"

#define SLICE_WORDS ((size_t)SLICE_GROUPS * LANES)

/* ---- weights ---- */

struct leaf_target {
    struct scan *s;
    const scan_weights *weights;
    uint32_t column, first; /* column within the batch, leaf that is the tile's first sample */
};

/* One weight ciphertext into the tile: 128-byte pieces, one per limb and group. */
static void store_leaf(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    const struct leaf_target *target = arg;
    const struct scan *s = target->s;
    const uint32_t batch = target->weights->batch_count;
    const size_t sample = t - target->first;
    const size_t line = 2 * LANES, stride = (size_t)HEL_SEGMENT * batch * line;
    uint32_t *out = target->weights->z + (sample * batch + target->column) * line;
    const size_t pieces = (size_t)s->gl.limbs * s->cpu.groups;
    for (size_t g = 0; g < pieces; g++, out += stride, z0 += LANES, z1 += LANES) {
        memcpy(out, z0, LANES * sizeof *z0);
        memcpy(out + LANES, z1, LANES * sizeof *z1);
    }
}

/* Leaf groups of a step: its first one, counted within the chunk. */
static uint64_t first_group(const struct scan *s, const scan_weights *w)
{
    return (uint64_t)(w->tile_first / HEL_SEGMENT) * s->wl.columns + w->batch_first;
}

static uint32_t groups_per_ciphertext(const struct scan *s)
{
    return s->scheme->n / HEL_SEGMENT;
}

static scan_expander *find_expander(struct scan *s, uint64_t object)
{
    for (uint32_t i = 0; i < s->cpu.expanders; i++)
        if (s->cpu.expander[i].x && s->cpu.expander[i].object == object)
            return &s->cpu.expander[i];
    return NULL;
}

/* A place for an expander; those of ciphertexts first .. last are needed still. */
static scan_expander *free_expander(struct scan *s, uint64_t first, uint64_t last)
{
    for (uint32_t i = 0; i < s->cpu.expanders; i++) {
        scan_expander *e = &s->cpu.expander[i];
        if (e->x && e->object >= first && e->object <= last)
            continue;
        hel_expander_free(e->x);
        e->x = NULL;
        return e;
    }
    return NULL;
}

/* Prepares a ciphertext of the chunk, in the place of one that is not among first .. last. */
static hel_status open_expander(struct scan *s, uint32_t chunk, uint64_t object, uint64_t first,
                                uint64_t last)
{
    const uint64_t n = s->scheme->n, bytes = s->wl.poly_words * 4;
    if (find_expander(s, object))
        return HEL_OK;
    scan_expander *e = free_expander(s, first, last);
    HEL_REQUIRE(s->engine, e, HEL_E_INTERNAL, "scan: no room for one more expander");
    const uint64_t left =
        hel_chunk_weights(&s->wl, chunk) - (object - hel_chunk_first(&s->wl, chunk)) * n;
    HEL_TRY(hel_reader_check(s->weights, HEL_SECTION_CIPHER, object * bytes, bytes));
    HEL_TRY(hel_expander_create(s->engine, &e->x, s->scheme, s->keys,
                                (const uint32_t *)(const void *)(s->weights_body + object * bytes),
                                hel_reader_head(s->weights)->seed, object,
                                (uint32_t)(left < n ? left : n),
                                (uint32_t)__builtin_ctz(groups_per_ciphertext(s))));
    e->object = object;
    HEL_REQUIRE(s->engine, hel_expander_group_size(e->x) == HEL_SEGMENT, HEL_E_INTERNAL,
                "scan: leaf groups do not have the size of a segment");
    for (uint32_t w = 0; w < s->cpu.workers && !s->cpu.worker[w].expand; w++) /* the same for all */
        HEL_TRY(
            hel_malloc(s->engine, &s->cpu.worker[w].expand, hel_expander_scratch_words(e->x), 4));
    s->stats.key_switches += hel_expander_cost(s->scheme, (uint32_t)(left < n ? left : n));
    return HEL_OK;
}

static hel_status expand_group(struct scan *s, const scan_weights *w, uint64_t index,
                               uint32_t worker)
{
    const uint64_t group = first_group(s, w) + index;
    const uint32_t per = groups_per_ciphertext(s), within = (uint32_t)(group % per);
    struct leaf_target target = {
        .s = s, .weights = w, .column = (uint32_t)index, .first = within * HEL_SEGMENT};
    const scan_expander *e = find_expander(s, hel_chunk_first(&s->wl, w->chunk) + group / per);
    HEL_REQUIRE(s->engine, e, HEL_E_INTERNAL, "scan: an expander is missing");
    const hel_stage_mark mark = hel_stage_enter();
    hel_expander_run(e->x, within, s->cpu.worker[worker].expand, store_leaf, &target);
    hel_stage_leave(&s->stage[STAGE_EXPAND], &mark, HEL_SEGMENT, 0);
    return HEL_OK;
}

static scan_weights weights_of(const scan_step *step, uint32_t *z)
{
    return (scan_weights){.z = z,
                          .chunk = step->chunk,
                          .tile_first = step->tile_first,
                          .batch_first = step->batch_first,
                          .batch_count = step->batch_count};
}

static int weights_fit(const scan_weights *w, const scan_step *step)
{
    return w->there && w->chunk == step->chunk && w->tile_first == step->tile_first &&
           w->batch_first == step->batch_first && w->batch_count == step->batch_count;
}

/* Weights of the step at hand. */
static const scan_weights *weights_at_hand(const struct scan *s)
{
    return &s->cpu.weights[!weights_fit(&s->cpu.weights[0], &s->at)];
}

void hel_scan_cpu_weight(const struct scan *s, uint32_t sample, uint32_t column, uint32_t *out)
{
    const scan_weights *w = weights_at_hand(s);
    const size_t poly = (size_t)s->gl.poly_words, line = 2 * LANES;
    const size_t stride = (size_t)HEL_SEGMENT * w->batch_count * line;
    const uint32_t *z = w->z + ((size_t)sample * w->batch_count + column) * line;
    for (size_t g = 0; g < (size_t)s->gl.limbs * s->cpu.groups; g++, z += stride) {
        memcpy(out + g * LANES, z, LANES * sizeof *out);
        memcpy(out + poly + g * LANES, z + LANES, LANES * sizeof *out);
    }
}

/* Opens the expanders of groups begin .. end - 1 of w's step. */
static hel_status open_expanders(struct scan *s, const scan_weights *w, uint64_t begin,
                                 uint64_t end)
{
    const uint64_t per = groups_per_ciphertext(s), base = hel_chunk_first(&s->wl, w->chunk);
    const uint64_t first = base + (first_group(s, w) + begin) / per;
    const uint64_t last = base + (first_group(s, w) + end - 1) / per;
    const hel_stage_mark mark = hel_stage_enter();
    for (uint64_t object = first; object <= last; object++)
        HEL_TRY(open_expander(s, w->chunk, object, first, last));
    hel_stage_leave(&s->stage[STAGE_EXPAND], &mark, 0, 0);
    return HEL_OK;
}

struct expand_job {
    struct scan *s;
    const scan_weights *w;
    uint64_t begin; /* first group of this loop */
};

static hel_status expand_item(void *arg, size_t index, uint32_t worker)
{
    const struct expand_job *job = arg;
    return expand_group(job->s, job->w, job->begin + index, worker);
}

/* As many ciphertexts at a time as there are expanders. */
hel_status hel_scan_cpu_expand(struct scan *s)
{
    const uint32_t per = groups_per_ciphertext(s);
    scan_weights *w = &s->cpu.weights[0];
    if (weights_fit(&s->cpu.weights[0], &s->at) || weights_fit(&s->cpu.weights[1], &s->at))
        return HEL_OK;
    *w = weights_of(&s->at, w->z);
    struct expand_job job = {.s = s, .w = w};
    while (job.begin < w->batch_count) {
        const uint64_t within = (first_group(s, w) + job.begin) % per;
        uint64_t now = (uint64_t)s->cpu.expanders * per - within;
        now = now < w->batch_count - job.begin ? now : w->batch_count - job.begin;
        HEL_TRY(open_expanders(s, w, job.begin, job.begin + now));
        HEL_TRY(hel_parallel(s->engine, now, expand_item, &job));
        job.begin += now;
    }
    w->there = 1;
    return HEL_OK;
}

/* ---- genotypes ---- */

struct round {
    struct scan *s;
    const scan_weights *now, *next; /* next NULL: nothing to expand */
    uint32_t first, supers;         /* super-blocks */
    size_t expand_items;
    uint64_t span; /* of the first super-block */
};

/* Both halves of one (sample, block, plane) slice into the interleaved tile. rows: of the tile in
 * the super-block, as in the file, whose first polynomial has ordinal row. */
static hel_status load_slice(const struct scan *s, struct scan_worker *w, const uint8_t *rows,
                             uint64_t row, uint32_t *a, size_t i, uint64_t object, uint32_t limb,
                             size_t first)
{
    const uint8_t *a0 =
        rows + ((object - row) * s->gl.poly_words + ((size_t)limb << s->gl.log_n) + first) * 4;
    HEL_TRY(hel_sample_uniform_range(s->scheme->ring, limb, w->chacha, object, HEL_DOMAIN_GENO_A,
                                     first, SLICE_WORDS, w->slice, w->words));
    uint32_t *out = a + i * 2 * LANES;
    for (size_t g = 0; g < SLICE_GROUPS; g++, out += s->cpu.a_stride) {
        memcpy(out, a0 + g * LANES * 4, LANES * 4);
        memcpy(out + LANES, w->slice + g * LANES, LANES * 4);
    }
    return HEL_OK;
}

/* What an item treats: blocks first .. first + count - 1 of a super-block in one slice of a
 * limb. */
struct item {
    uint32_t super, first, count, limb, slice;
};

static void tensor_group(struct round *r, struct scan_worker *w, const struct item *it,
                         uint32_t slot, uint32_t columns, uint32_t g)
{
    struct scan *s = r->s;
    const uint32_t batch = r->now->batch_count;
    const size_t z_group = (size_t)HEL_SEGMENT * batch * 2 * LANES;
    const size_t acc_group = (size_t)s->outputs * 3 * LANES;
    const size_t group = (size_t)it->limb * s->cpu.groups + it->slice * SLICE_GROUPS + g;
    for (uint32_t b = 0; b < it->count; b++) {
        const size_t block = it->first + b - s->at.range_first;
        const hel_tensor_args args = {
            .q = s->scheme->ring->limb[it->limb].q,
            .samples = s->at.tile_samples,
            .a = w->a + (b * (size_t)SLICE_GROUPS + g) * s->cpu.a_stride,
            .z = r->now->z + group * z_group,
            .z_columns = batch,
            .column = w->column,
            .columns = columns,
            .acc = s->cpu.acc + (block * s->gl.limbs * s->cpu.groups + group) * acc_group +
                   (size_t)slot * 3 * LANES,
        };
        s->cpu.tensor(&args);
    }
}

static hel_status accumulate_item(struct round *r, const struct item *it, const uint8_t *rows,
                                  struct scan_worker *w)
{
    struct scan *s = r->s;
    const uint64_t row = hel_geno_row(&s->gl, it->super, scan_sample(s, 0));
    for (uint32_t p = 0; p < HEL_PLANES; p++) {
        uint32_t slot, columns = s->gl.planes >> p & 1
                                     ? hel_scan_batch_columns(s, &s->at, p, w->column, &slot)
                                     : 0;
        if (columns == 0)
            continue;
        const uint32_t at = hel_geno_plane_index(&s->gl, (hel_plane)p);
        for (uint32_t b = 0; b < it->count; b++)
            for (uint32_t i = 0; i < s->at.tile_samples; i++)
                HEL_TRY(
                    load_slice(s, w, rows, row, w->a + b * SLICE_GROUPS * s->cpu.a_stride, i,
                               hel_scan_ordinal(s, it->super, scan_sample(s, i), at, it->first + b),
                               it->limb, it->slice * SLICE_WORDS));
        for (uint32_t g = 0; g < SLICE_GROUPS; g++)
            tensor_group(r, w, it, slot, columns, g);
    }
    return HEL_OK;
}

/* ---- the loop ---- */

static uint32_t pairs_of(const struct scan *s, uint32_t super)
{
    return (scan_super_count(s, &s->at, super) + BLOCKS_AT_ONCE - 1) / BLOCKS_AT_ONCE;
}

static size_t items_of(const struct scan *s, uint32_t super)
{
    return (size_t)pairs_of(s, super) * s->gl.limbs * (s->cpu.groups / SLICE_GROUPS);
}

/* Super-block (counted from the round's first) of an item. */
static uint32_t super_of(const struct round *r, size_t index)
{
    uint32_t low = 0, high = r->supers - 1;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (index < r->s->cpu.item_end[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static struct item item_of(const struct round *r, uint32_t k, size_t index)
{
    const struct scan *s = r->s;
    struct item it = {.super = r->first + k};
    const uint32_t pairs = pairs_of(s, it.super);
    const uint32_t end =
        scan_super_first(s, &s->at, it.super) + scan_super_count(s, &s->at, it.super);
    index -= k ? s->cpu.item_end[k - 1] : 0;
    /* pairs fastest: neighbouring items meet the same slice of the weights, in cache */
    it.first = scan_super_first(s, &s->at, it.super) + (uint32_t)(index % pairs) * BLOCKS_AT_ONCE;
    it.count = end - it.first < BLOCKS_AT_ONCE ? end - it.first : BLOCKS_AT_ONCE;
    it.limb = (uint32_t)(index / pairs % s->gl.limbs);
    it.slice = (uint32_t)(index / pairs / s->gl.limbs);
    return it;
}

/* Rows of a super-block from the feed, or those that were given. */
static hel_status rows_of(struct round *r, uint32_t k, const uint8_t **rows)
{
    struct scan *s = r->s;
    if (s->cpu.rows) {
        *rows = s->cpu.rows;
        return HEL_OK;
    }
    const scan_region region = hel_scan_region(s, &s->at, r->first + k);
    HEL_TRY(hel_feed_wait(s->feed, r->span + k, rows));
    *rows += region.begin - region.read_begin;
    return HEL_OK;
}

static hel_status super_done(struct round *r, uint32_t k)
{
    struct scan *s = r->s;
    if (s->cpu.rows)
        return HEL_OK;
    hel_feed_release(s->feed, r->span + k);
    if (!s->at.ends_tile)
        return HEL_OK;
    const uint64_t blocks = scan_super_count(s, &s->at, r->first + k);
    return hel_scan_progress(s, (uint64_t)s->at.tile_samples * blocks << s->gl.log_n);
}

static hel_status products_item(struct round *r, size_t index, uint32_t worker)
{
    struct scan *s = r->s;
    const uint8_t *rows;
    const uint32_t k = super_of(r, index);
    const struct item it = item_of(r, k, index);
    HEL_TRY(rows_of(r, k, &rows));
    const hel_stage_mark mark = hel_stage_enter();
    HEL_TRY(accumulate_item(r, &it, rows, &s->cpu.worker[worker]));
    /* genotypes of one of N / 512 slices in one of the limbs */
    hel_stage_leave(&s->stage[STAGE_ACCUMULATE], &mark,
                    (uint64_t)s->at.tile_samples * it.count * SLICE_WORDS,
                    (uint64_t)s->at.tile_samples * it.count * SLICE_WORDS * s->gl.plane_count * 4);
    return atomic_fetch_sub(&s->cpu.items_left[k], 1) == 1 ? super_done(r, k) : HEL_OK;
}

static hel_status round_item(void *arg, size_t index, uint32_t worker)
{
    struct round *r = arg;
    const hel_status status = index < r->expand_items
                                  ? expand_group(r->s, r->next, index, worker)
                                  : products_item(r, index - r->expand_items, worker);
    if (status != HEL_OK && r->s->feed) /* nobody may wait for a slot that is not given back */
        hel_feed_fail(r->s->feed, status);
    return status;
}

/* Whether the next step's weights go beside this one's products. */
static int goes_ahead(const struct scan *s, const scan_step *next)
{
    return s->cpu.ahead && next && !weights_fit(&s->cpu.weights[0], next) &&
           !weights_fit(&s->cpu.weights[1], next);
}

hel_status hel_scan_cpu_accumulate(struct scan *s, uint32_t first, uint32_t supers,
                                   const scan_step *next)
{
    const scan_weights *now = weights_at_hand(s);
    scan_weights *other = &s->cpu.weights[now == &s->cpu.weights[0]];
    struct round r = {.s = s, .now = now, .first = first, .supers = supers};
    size_t items = 0;
    for (uint32_t k = 0; k < supers; k++) {
        const size_t own = items_of(s, first + k);
        items += own;
        s->cpu.item_end[k] = items;
        atomic_store(&s->cpu.items_left[k], (unsigned)own);
    }
    r.span = s->at.span + (first - s->at.super_first); /* one span a super-block here */
    if (goes_ahead(s, next)) {
        *other = weights_of(next, other->z);
        HEL_TRY(open_expanders(s, other, 0, other->batch_count));
        r.next = other;
        r.expand_items = other->batch_count;
    }
    HEL_TRY(hel_parallel(s->engine, r.expand_items + items, round_item, &r));
    if (r.next)
        other->there = 1;
    return HEL_OK;
}
