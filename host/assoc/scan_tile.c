/* A tile of samples on the CPU: its weights are expanded once, then meet the genotypes of every
 * block: weights are read from cache once per BLOCKS_AT_ONCE blocks, accumulators once per tile. */
#include <string.h>

#include "host/assoc/scan_private.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/ring/ring.h"

#define SLICE_WORDS ((size_t)SLICE_GROUPS * LANES)

/* ---- weights ---- */

struct leaf_target {
    struct scan *s;
    uint32_t column, first; /* column within the batch, leaf that is the tile's first sample */
};

/* One weight ciphertext into the tile: 128-byte pieces, one per limb and group. */
static void store_leaf(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    const struct leaf_target *target = arg;
    struct scan *s = target->s;
    const size_t sample = t - target->first;
    const size_t line = 2 * LANES, stride = (size_t)HEL_SEGMENT * s->batch_count * line;
    uint32_t *out = s->cpu.z + (sample * s->batch_count + target->column) * line;
    const size_t pieces = (size_t)s->gl.limbs * s->cpu.groups;
    for (size_t g = 0; g < pieces; g++, out += stride, z0 += LANES, z1 += LANES) {
        memcpy(out, z0, LANES * sizeof *z0);
        memcpy(out + LANES, z1, LANES * sizeof *z1);
    }
}

struct expand_job {
    struct scan *s;
    uint64_t first_group; /* of the tile and batch, within the chunk */
    uint64_t begin;       /* first group that the expander at hand serves */
};

static hel_status expand_group(void *arg, size_t index, uint32_t worker)
{
    const struct expand_job *job = arg;
    struct scan *s = job->s;
    const uint64_t group = job->begin + index;
    const uint32_t per_ct = s->scheme->n / HEL_SEGMENT;
    const uint32_t within = (uint32_t)(group % per_ct);
    struct leaf_target target = {
        .s = s, .column = (uint32_t)(group - job->first_group), .first = within * HEL_SEGMENT};
    hel_expander_run(s->cpu.expander, within, s->cpu.worker[worker].expand, store_leaf, &target);
    return HEL_OK;
}

/* Makes the expander of ciphertext `ordinal` (within the chunk) the one at hand. */
static hel_status open_expander(struct scan *s, uint64_t ordinal)
{
    const uint64_t object = hel_chunk_first(&s->wl, s->chunk) + ordinal;
    if (s->cpu.expander && s->cpu.expander_object == object)
        return HEL_OK;
    hel_expander_free(s->cpu.expander);
    s->cpu.expander = NULL;
    const uint64_t n = s->scheme->n, bytes = s->wl.poly_words * 4;
    uint64_t left = hel_chunk_weights(&s->wl, s->chunk) - ordinal * n;
    HEL_TRY(hel_reader_check(s->weights, HEL_SECTION_CIPHER, object * bytes, bytes));
    HEL_TRY(hel_expander_create(s->engine, &s->cpu.expander, s->scheme, s->keys,
                                (const uint32_t *)(const void *)(s->weights_body + object * bytes),
                                hel_reader_head(s->weights)->seed, object,
                                (uint32_t)(left < n ? left : n),
                                (uint32_t)__builtin_ctz(s->scheme->n / HEL_SEGMENT)));
    s->cpu.expander_object = object;
    HEL_REQUIRE(s->engine, hel_expander_group_size(s->cpu.expander) == HEL_SEGMENT, HEL_E_INTERNAL,
                "scan: leaf groups do not have the size of a segment");
    for (uint32_t w = 0; w < s->cpu.workers && !s->cpu.worker[w].expand; w++) /* the same for all */
        HEL_TRY(hel_malloc(s->engine, &s->cpu.worker[w].expand,
                           hel_expander_scratch_words(s->cpu.expander), 4));
    s->stats.key_switches += hel_expander_cost(s->scheme, (uint32_t)(left < n ? left : n));
    return HEL_OK;
}

hel_status hel_scan_cpu_expand(struct scan *s)
{
    const uint64_t per_ct = s->scheme->n / HEL_SEGMENT;
    struct expand_job job = {.s = s};
    job.first_group = (uint64_t)(s->tile_first / HEL_SEGMENT) * s->wl.columns + s->batch_first;
    for (uint64_t done = 0; done < s->batch_count;) {
        job.begin = job.first_group + done;
        uint64_t ordinal = job.begin / per_ct;
        uint64_t now = (ordinal + 1) * per_ct - job.begin;
        now = now < s->batch_count - done ? now : s->batch_count - done;
        HEL_TRY(open_expander(s, ordinal));
        HEL_TRY(hel_parallel(s->engine, now, expand_group, &job));
        done += now;
    }
    return HEL_OK;
}

/* ---- genotypes ---- */

/* Both halves of one (sample, block, plane) slice into the interleaved tile. */
static hel_status load_slice(const struct scan *s, struct scan_worker *w, uint32_t *a, size_t i,
                             uint32_t plane_index, uint32_t block, uint32_t limb, size_t first)
{
    const uint64_t object = hel_scan_ordinal(s, scan_sample(s, i), plane_index, block);
    const uint8_t *a0 =
        s->geno_body + (object * s->gl.poly_words + ((size_t)limb << s->gl.log_n) + first) * 4;
    HEL_TRY(hel_sample_uniform_range(s->scheme->ring, limb, w->chacha, object, HEL_DOMAIN_GENO_A,
                                     first, SLICE_WORDS, w->slice, w->words));
    uint32_t *out = a + i * 2 * LANES;
    for (size_t g = 0; g < SLICE_GROUPS; g++, out += s->cpu.a_stride) {
        memcpy(out, a0 + g * LANES * 4, LANES * 4);
        memcpy(out + LANES, w->slice + g * LANES, LANES * 4);
    }
    return HEL_OK;
}

/* Item = (limb, slice, pair of blocks): all planes. */
static hel_status accumulate_item(void *arg, size_t index, uint32_t worker)
{
    struct scan *s = arg;
    struct scan_worker *w = &s->cpu.worker[worker];
    const uint32_t pairs = (scan_super_count(s) + BLOCKS_AT_ONCE - 1) / BLOCKS_AT_ONCE;
    /* pairs fastest: neighbouring items meet the same slice of the weights, in cache */
    const uint32_t pair = (uint32_t)(index % pairs);
    const uint32_t limb = (uint32_t)(index / pairs % s->gl.limbs);
    const uint32_t slice = (uint32_t)(index / pairs / s->gl.limbs);
    const uint32_t first_block = scan_super_first(s) + pair * BLOCKS_AT_ONCE;
    const uint32_t end = scan_super_first(s) + scan_super_count(s);
    const uint32_t blocks = end - first_block < BLOCKS_AT_ONCE ? end - first_block : BLOCKS_AT_ONCE;
    const size_t z_group = (size_t)HEL_SEGMENT * s->batch_count * 2 * LANES;
    const size_t acc_group = (size_t)s->outputs * 3 * LANES;
    for (uint32_t p = 0; p < HEL_PLANES; p++) {
        uint32_t slot, *column = w->column;
        uint32_t columns = s->gl.planes >> p & 1 ? hel_scan_batch_columns(s, p, column, &slot) : 0;
        if (columns == 0)
            continue;
        const uint32_t at = hel_geno_plane_index(&s->gl, (hel_plane)p);
        for (uint32_t b = 0; b < blocks; b++)
            for (uint32_t i = 0; i < s->tile_samples; i++)
                HEL_TRY(load_slice(s, w, w->a + b * SLICE_GROUPS * s->cpu.a_stride, i, at,
                                   first_block + b, limb, slice * SLICE_WORDS));
        for (uint32_t g = 0; g < SLICE_GROUPS; g++) {
            const size_t group = (size_t)limb * s->cpu.groups + slice * SLICE_GROUPS + g;
            for (uint32_t b = 0; b < blocks; b++) {
                const size_t block = first_block + b - s->range_first;
                const hel_tensor_args args = {
                    .q = s->scheme->ring->limb[limb].q,
                    .samples = s->tile_samples,
                    .a = w->a + (b * (size_t)SLICE_GROUPS + g) * s->cpu.a_stride,
                    .z = s->cpu.z + group * z_group,
                    .z_columns = s->batch_count,
                    .column = column,
                    .columns = columns,
                    .acc = s->cpu.acc + (block * s->gl.limbs * s->cpu.groups + group) * acc_group +
                           (size_t)slot * 3 * LANES,
                };
                s->cpu.tensor(&args);
            }
        }
    }
    return HEL_OK;
}

hel_status hel_scan_cpu_accumulate(struct scan *s)
{
    const uint32_t pairs = (scan_super_count(s) + BLOCKS_AT_ONCE - 1) / BLOCKS_AT_ONCE;
    const size_t items = (size_t)pairs * s->gl.limbs * (s->cpu.groups / SLICE_GROUPS);
    return hel_parallel(s->engine, items, accumulate_item, s);
}
