/*
 * What there is to do and in which order. Units come chunk by chunk, then block by block; units of
 * a checkpoint come first. A lane takes a unit when its feed needs the next rows, and its
 * arithmetic follows in the order of the taking.
 */
#include "host/assoc/scan_private.h"
#include "host/base/mem.h"

/* ---- units ---- */

static hel_status add_unit(struct scan_job *job, uint32_t room, const scan_unit *unit)
{
    HEL_REQUIRE(job->base.engine, job->units < room, HEL_E_INTERNAL, "scan: too many units");
    job->unit[job->units++] = *unit;
    return HEL_OK;
}

/* A unit in pieces of at most `range` blocks; their ends lie on super-blocks where that costs no
 * further piece. */
static hel_status add_pieces(struct scan_job *job, uint32_t room, uint32_t range, scan_unit unit)
{
    const uint32_t super = job->base.gl.super_block, end = unit.first + unit.count;
    while (unit.first < end) {
        uint32_t last = end - unit.first > range ? unit.first + range : end;
        if (last < end && range >= 2 * super)
            last -= last % super;
        unit.count = last - unit.first;
        HEL_TRY(add_unit(job, room, &unit));
        unit.kept += unit.count;
        unit.first = last;
    }
    return HEL_OK;
}

static int is_taken(const scan_unit *resume, uint32_t resumed, uint32_t chunk, uint32_t block)
{
    for (uint32_t i = 0; i < resumed; i++)
        if (resume[i].chunk == chunk && block >= resume[i].first &&
            block < resume[i].first + resume[i].count)
            return 1;
    return 0;
}

/* Runs of blocks of a chunk that are neither finished nor under way. */
static hel_status add_chunk(struct scan_job *job, uint32_t room, uint32_t range, uint32_t chunk,
                            const scan_unit *resume, uint32_t resumed)
{
    const uint8_t *finished = job->finished + (size_t)chunk * job->block_count;
    const uint32_t first = job->first_block, end = first + job->block_count;
    scan_unit unit = {.chunk = chunk};
    for (uint32_t block = first; block <= end; block++) {
        const int open =
            block < end && !finished[block - first] && !is_taken(resume, resumed, chunk, block);
        if (open && unit.count == 0)
            unit.first = block;
        if (open)
            unit.count++;
        else if (unit.count) {
            HEL_TRY(add_pieces(job, room, range, unit));
            unit.count = 0;
        }
    }
    return HEL_OK;
}

hel_status hel_scan_work_create(struct scan_job *job, uint32_t range, const scan_unit *resume,
                                uint32_t resumed)
{
    /* Every finished block and every unit under way may part a range. */
    uint64_t room = (uint64_t)job->base.wl.chunks * (2 * (job->block_count / range) + 4) + 2;
    for (uint32_t i = 0; i < resumed; i++)
        room += 2 * (uint64_t)(resume[i].count / range) + 4;
    for (uint64_t i = 0; i < (uint64_t)job->base.wl.chunks * job->block_count; i++)
        room += job->finished[i];
    HEL_REQUIRE(job->base.engine, room < UINT32_MAX, HEL_E_UNSUPPORTED,
                "scan: more parts than can be counted; give it more memory (--memory)");
    HEL_TRY(hel_malloc(job->base.engine, &job->unit, room, sizeof *job->unit));
    for (uint32_t i = 0; i < resumed; i++)
        HEL_TRY(add_pieces(job, (uint32_t)room, range, resume[i]));
    for (uint32_t chunk = 0; chunk < job->base.wl.chunks; chunk++)
        HEL_TRY(add_chunk(job, (uint32_t)room, range, chunk, resume, resumed));
    return HEL_OK;
}

/* The lane's unit of that number, taken now if it is the next one; NULL when all are gone. Called
 * by the lane and by its feed. */
const scan_unit *hel_scan_taken(struct scan *s, uint32_t number)
{
    struct scan_job *job = s->job;
    pthread_mutex_lock(&s->taken_lock);
    if (number == s->taken_count) {
        pthread_mutex_lock(&job->lock);
        if (job->next_unit < job->units)
            s->taken[s->taken_count++] = job->unit[job->next_unit++];
        pthread_mutex_unlock(&job->lock);
    }
    const scan_unit *unit = number < s->taken_count ? &s->taken[number] : NULL;
    pthread_mutex_unlock(&s->taken_lock);
    return unit;
}

/* ---- steps ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void set_batch(const struct scan *s, scan_step *step, uint32_t first)
{
    const uint32_t samples = hel_chunk_samples(&s->wl, step->chunk);
    step->batch_first = first;
    step->batch_count = least(s->wl.columns - first, s->column_batch);
    step->ends_tile = first + step->batch_count == s->wl.columns;
    step->ends_unit = step->ends_tile && step->tile_first + step->tile_samples == samples;
}

static void set_tile(const struct scan *s, scan_step *step, uint32_t first)
{
    step->tile_first = first;
    step->tile_samples = least(hel_chunk_samples(&s->wl, step->chunk) - first, s->tile);
    set_batch(s, step, 0);
}

static int set_unit(struct scan *s, scan_step *step, uint32_t number)
{
    const scan_unit *unit = hel_scan_taken(s, number);
    if (!unit)
        return 0;
    step->unit = number;
    step->chunk = unit->chunk;
    step->range_first = unit->first;
    step->range_count = unit->count;
    step->super_first = unit->first / s->gl.super_block;
    step->supers = (unit->first + unit->count - 1) / s->gl.super_block - step->super_first + 1;
    step->begins_unit = 1;
    set_tile(s, step, unit->samples);
    return 1;
}

static uint64_t spans_of(const struct scan *s, const scan_step *step)
{
    uint64_t spans = 0;
    for (uint32_t i = 0; i < step->supers; i++) {
        const scan_region region = hel_scan_region(s, step, step->super_first + i);
        spans += hel_scan_region_spans(s, &region);
    }
    return spans;
}

int hel_scan_step_first(struct scan *s, scan_step *step)
{
    *step = (scan_step){0};
    return set_unit(s, step, 0);
}

int hel_scan_step_next(struct scan *s, const scan_step *step, scan_step *next)
{
    scan_step n = *step;
    n.span = step->span + spans_of(s, step);
    n.begins_unit = 0;
    if (!step->ends_tile)
        set_batch(s, &n, step->batch_first + step->batch_count);
    else if (!step->ends_unit)
        set_tile(s, &n, step->tile_first + step->tile_samples);
    else if (!set_unit(s, &n, step->unit + 1))
        return 0;
    *next = n;
    return 1;
}
