/*
 * Checkpoints: where a stopped scan goes on, on whatever backend and with whatever memory.
 *
 * A checkpoint says which (chunk, block) are finished, with the checksums of their sums in the
 * .part, and holds the accumulators of the units under way. It is written when every lane stands at
 * the border of a tile: the .part is synced first, then the checkpoint replaces the older one
 * whole. So whatever moment a process is killed at, the checkpoint that is there speaks of sums
 * that are on disk; each is read and compared before it is believed, and what does not fit is
 * computed again.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/assoc/scan_private.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/progress.h"

#define STATE_VERSION   1u
#define DEFAULT_SECONDS 600.0

typedef unsigned long long ull;

struct lane_place {
    uint32_t samples; /* of the unit at hand, that the accumulators have met */
    int left;         /* the lane takes no further part */
};

struct scan_pause {
    pthread_mutex_t lock;
    pthread_cond_t over;
    uint64_t every_ns;
    atomic_uint_least64_t last_ns; /* of the latest checkpoint */
    uint32_t active, waiting;
    uint64_t generation; /* checkpoints written */
    atomic_int wanted;
    hel_status status; /* of the latest */
    struct lane_place *place;
    hel_reader *old; /* that the scan goes on from; NULL: none */
    int on_disk;     /* one is there that belongs to the .part */
    uint32_t *block; /* accumulators of one */
};

/* What should be known, though it is no failure. */
static void say(struct scan_job *job, const char *format, const char *what)
{
    char text[1200];
    const hel_scan_config *c = job->base.config;
    snprintf(text, sizeof text, format, what);
    hel_event(job->base.engine, "warning", hel_field_text("text", text));
    if (c->note)
        (void)c->note(c->note_arg, text);
}

/* ---- writing ---- */

static int is_under_way(const struct scan *s, uint32_t samples)
{
    return samples < hel_chunk_samples(&s->wl, s->at.chunk);
}

/* Units with accumulators: those at hand, and those of the older checkpoint that nobody has
 * begun. */
struct kept {
    const scan_unit *unit;
    struct scan *s; /* whose accumulators they are; NULL: the older checkpoint's */
    uint32_t samples;
};

static uint32_t collect(struct scan_job *job, struct kept *kept)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < job->lanes; i++) /* feeds may be taking units: all stand still */
        pthread_mutex_lock(&job->lane[i].taken_lock);
    pthread_mutex_lock(&job->lock);
    for (uint32_t i = 0; i < job->lanes; i++) {
        struct scan *s = &job->lane[i];
        const struct lane_place *place = &job->pause->place[i];
        if (!place->left && is_under_way(s, place->samples))
            kept[count++] = (struct kept){&s->taken[s->at.unit], s, place->samples};
        /* taken for the feed's sake, not begun; of one that left, not even the unit at hand
         * counts */
        for (uint32_t u = s->at.unit + 1; u < s->taken_count; u++)
            if (s->taken[u].samples)
                kept[count++] = (struct kept){&s->taken[u], NULL, s->taken[u].samples};
    }
    for (uint32_t u = job->next_unit; u < job->units; u++)
        if (job->unit[u].samples)
            kept[count++] = (struct kept){&job->unit[u], NULL, job->unit[u].samples};
    pthread_mutex_unlock(&job->lock);
    for (uint32_t i = job->lanes; i-- > 0;)
        pthread_mutex_unlock(&job->lane[i].taken_lock);
    return count;
}

static hel_status put_state(struct scan_job *job, hel_writer *w, const uint8_t *id,
                            const struct kept *kept, uint32_t count)
{
    hel_engine *engine = job->base.engine;
    const uint32_t words[] = {
        STATE_VERSION,       job->layout.chunks, job->first_block,   job->block_count,
        job->layout.outputs, job->base.gl.log_n, job->base.gl.limbs, count};
    hel_buf buf = {0};
    hel_status status = hel_buf_put(engine, &buf, id, HEL_DIGEST_BYTES);
    for (size_t i = 0; status == HEL_OK && i < sizeof words / sizeof words[0]; i++)
        status = hel_buf_put_u32(engine, &buf, words[i]);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t unit[] = {kept[i].unit->chunk, kept[i].unit->first, kept[i].unit->count,
                                 kept[i].samples};
        for (size_t k = 0; status == HEL_OK && k < 4; k++)
            status = hel_buf_put_u32(engine, &buf, unit[k]);
    }
    if (status == HEL_OK)
        status = hel_writer_put_section(w, HEL_SECTION_STATE, buf.data, buf.bytes);
    hel_buf_free(&buf);
    return status;
}

/* Per (chunk, block): 1 if finished, then its pairs' checksums (0 if not). */
static hel_status put_done(struct scan_job *job, hel_writer *w)
{
    const uint32_t outputs = job->layout.outputs;
    uint8_t text[9];
    HEL_TRY(hel_writer_section(w, HEL_SECTION_DONE, 0));
    for (uint32_t chunk = 0; chunk < job->layout.chunks; chunk++)
        for (uint32_t b = 0; b < job->block_count; b++) {
            text[0] = job->finished[(size_t)chunk * job->block_count + b];
            HEL_TRY(hel_writer_put(w, text, 1));
            for (uint32_t o = 0; o < outputs; o++) {
                uint64_t sum = 0;
                if (text[0] && !hel_writer_chunk(
                                   job->sums, scan_pair(job, chunk, job->first_block + b, o), &sum))
                    return hel_fail(job->base.engine, HEL_E_INTERNAL,
                                    "scan: a finished block has not been written");
                hel_put_u64(text + 1, sum);
                HEL_TRY(hel_writer_put(w, text + 1, 8));
            }
        }
    return HEL_OK;
}

static hel_status put_accumulators(struct scan_job *job, hel_writer *w, const struct kept *kept,
                                   uint32_t count)
{
    const uint64_t bytes = hel_scan_cpu_block_bytes(&job->base);
    const uint8_t *old = NULL;
    uint64_t old_bytes;
    if (job->pause->old)
        HEL_TRY(hel_reader_section(job->pause->old, HEL_SECTION_ACCU, &old, &old_bytes));
    HEL_TRY(hel_writer_section(w, HEL_SECTION_ACCU, 0));
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t b = 0; b < kept[i].unit->count; b++) {
            const void *from = job->pause->block;
            if (kept[i].s)
                HEL_TRY(kept[i].s->ops->sums(kept[i].s, b, job->pause->block));
            else
                from = old + (kept[i].unit->kept + b) * bytes;
            HEL_TRY(hel_writer_put(w, from, (size_t)bytes));
        }
    return HEL_OK;
}

static hel_status put_all(struct scan_job *job, hel_writer *w, const uint8_t *id,
                          const struct kept *kept, uint32_t count)
{
    HEL_TRY(put_state(job, w, id, kept, count));
    HEL_TRY(put_done(job, w));
    return put_accumulators(job, w, kept, count);
}

static hel_status write_checkpoint(struct scan_job *job)
{
    struct scan *s = &job->base;
    hel_head head = *hel_reader_head(s->geno);
    hel_writer *w = NULL;
    struct kept *kept = NULL;
    uint8_t id[HEL_DIGEST_BYTES];
    const hel_stage_mark mark = hel_stage_enter();
    head.kind = HEL_KIND_CHECKPOINT;
    memset(head.seed, 0, sizeof head.seed);
    memcpy(head.dataset, hel_reader_head(s->geno)->file_id, sizeof head.dataset);
    memcpy(head.weights, hel_reader_head(s->weights)->file_id, sizeof head.weights);
    hel_status status = hel_malloc(s->engine, &kept, (size_t)job->units + job->lanes, sizeof *kept);
    const uint32_t count = status == HEL_OK ? collect(job, kept) : 0;
    if (status == HEL_OK)
        status = hel_sums_file_id(s->engine, &job->layout, job->shard.evk_content, job->first_block,
                                  job->block_count, id);
    if (status == HEL_OK)
        status = hel_writer_sync(job->sums); /* first what the checkpoint speaks of */
    if (status == HEL_OK)
        status = hel_writer_open(s->engine, &w, job->checkpoint_path, &head);
    if (status == HEL_OK)
        status = put_all(job, w, id, kept, count);
    if (status == HEL_OK)
        status = hel_writer_commit(w, NULL);
    else
        hel_writer_abort(w);
    hel_free(kept);
    hel_stage_leave(&job->lane[0].stage[STAGE_CHECKPOINT], &mark, 1, 0);
    if (status == HEL_OK) {
        struct stat info;
        job->pause->on_disk = 1;
        job->base.stats.checkpoints++;
        hel_event(s->engine, "checkpoint", hel_field_text("path", job->checkpoint_path),
                  hel_field_count(
                      "bytes", stat(job->checkpoint_path, &info) == 0 ? (uint64_t)info.st_size : 0),
                  hel_field_count("done", atomic_load(&job->done)),
                  hel_field_count("total", job->total), hel_field_text("unit", "genotypes"));
    }
    return status;
}

/* ---- the meeting of the lanes ---- */

/* All lanes that take part are waiting. */
static void meet(struct scan_job *job)
{
    struct scan_pause *p = job->pause;
    p->status = write_checkpoint(job);
    if (p->status != HEL_OK && p->status != HEL_E_INTERNAL &&
        !hel_progress_draining(job->base.engine)) { /* the sums do not need it */
        say(job, "no checkpoint was written: %s", hel_engine_error(job->base.engine));
        hel_error_drop(job->base.engine);
        p->status = HEL_OK;
    }
    atomic_store(&p->last_ns, hel_clock_ns(CLOCK_MONOTONIC));
    p->waiting = 0;
    p->generation++;
    atomic_store(&p->wanted, 0);
    pthread_cond_broadcast(&p->over);
}

static int is_due(struct scan_job *job)
{
    struct scan_pause *p = job->pause;
    if (atomic_load(&p->wanted) || hel_progress_draining(job->base.engine))
        return 1;
    return p->every_ns && hel_clock_ns(CLOCK_MONOTONIC) - atomic_load(&p->last_ns) >= p->every_ns;
}

hel_status hel_scan_pause(struct scan *s, uint32_t samples)
{
    struct scan_job *job = s->job;
    struct scan_pause *p = job->pause;
    if (!p || !is_due(job))
        return HEL_OK;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->wanted, 1);
    p->place[s->lane].samples = samples;
    const uint64_t generation = p->generation;
    if (++p->waiting == p->active)
        meet(job);
    while (p->generation == generation)
        pthread_cond_wait(&p->over, &p->lock);
    const hel_status status = p->status;
    pthread_mutex_unlock(&p->lock);
    HEL_TRY(status);
    if (hel_progress_draining(s->engine))
        return hel_fail(s->engine, HEL_E_CANCELLED,
                        "scan: stopped on request; %s says where: the same command goes on from "
                        "there",
                        job->checkpoint_path);
    return HEL_OK;
}

void hel_scan_pause_leave(struct scan *s)
{
    struct scan_pause *p = s->job->pause;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->place[s->lane].left = 1;
    p->active--;
    if (p->active && p->waiting == p->active)
        meet(s->job);
    pthread_mutex_unlock(&p->lock);
}

hel_status hel_scan_pause_open(struct scan_job *job)
{
    const double seconds = job->base.config->checkpoint;
    hel_engine *engine = job->base.engine;
    if (seconds < 0)
        return HEL_OK;
    struct scan_pause *p = job->pause;
    if (!p) { /* there is one when the scan goes on from a checkpoint */
        HEL_TRY(hel_calloc(engine, &p, 1, sizeof *p));
        job->pause = p;
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->over, NULL);
    }
    p->every_ns = (uint64_t)(1e9 * (seconds > 0 ? seconds : DEFAULT_SECONDS));
    atomic_store(&p->last_ns, hel_clock_ns(CLOCK_MONOTONIC));
    p->active = job->lanes;
    HEL_TRY(hel_calloc(engine, &p->place, job->lanes, sizeof *p->place));
    HEL_TRY(hel_malloc(engine, &p->block, 1, hel_scan_cpu_block_bytes(&job->base)));
    hel_progress_drainable(engine, 1);
    return HEL_OK;
}

void hel_scan_pause_close(struct scan_job *job)
{
    struct scan_pause *p = job->pause;
    hel_progress_drainable(job->base.engine, 0);
    if (!p)
        return;
    hel_reader_close(p->old);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->over);
    hel_free(p->place);
    hel_free(p->block);
    hel_free(p);
    job->pause = NULL;
}

int hel_scan_can_resume(const struct scan_job *job)
{
    return job->pause && job->pause->on_disk;
}

void hel_scan_checkpoint_remove(struct scan_job *job)
{
    if (unlink(job->checkpoint_path) == 0)
        hel_directory_sync(job->checkpoint_path);
    if (job->pause)
        job->pause->on_disk = 0;
}

/* ---- going on ---- */

struct state {
    const uint8_t *done;
    scan_unit *unit;
    uint32_t count;
};

/* No unit has a block that is finished or another unit's. */
static hel_status units_are_open(struct scan_job *job, const struct state *state)
{
    const size_t row = 1 + 8 * (size_t)job->layout.outputs;
    for (uint32_t i = 0; i < state->count; i++) {
        const scan_unit *u = &state->unit[i];
        int bad = 0;
        for (uint32_t b = 0; b < u->count; b++)
            bad |=
                state
                    ->done[((size_t)u->chunk * job->block_count + u->first - job->first_block + b) *
                           row];
        for (uint32_t j = 0; j < i; j++)
            bad |= state->unit[j].chunk == u->chunk &&
                   u->first < state->unit[j].first + state->unit[j].count &&
                   state->unit[j].first < u->first + u->count;
        HEL_REQUIRE(job->base.engine, !bad, HEL_E_FORMAT, "%s: its units do not fit",
                    job->checkpoint_path);
    }
    return HEL_OK;
}

/* Everything in a checkpoint of this scan; its checksums hold. HEL_E_MISMATCH for another
 * scan's. */
static hel_status decode(struct scan_job *job, hel_reader *r, const uint8_t *id, struct state *out)
{
    const struct scan *s = &job->base;
    const uint8_t *data, *accumulators;
    uint64_t bytes, done_bytes, acc_bytes, blocks = 0;
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_STATE, &data, &bytes));
    hel_cursor c = {.data = data, .bytes = bytes};
    const uint8_t *own = hel_cursor_take(&c, HEL_DIGEST_BYTES);
    const uint32_t want[] = {STATE_VERSION,    job->layout.chunks,  job->first_block,
                             job->block_count, job->layout.outputs, s->gl.log_n,
                             s->gl.limbs};
    int same = own && hel_equal(own, id, HEL_DIGEST_BYTES);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        same &= hel_cursor_u32(&c) == want[i];
    out->count = hel_cursor_u32(&c);
    HEL_REQUIRE(s->engine, same && !c.bad, HEL_E_MISMATCH, "%s: a checkpoint of another scan",
                job->checkpoint_path);
    HEL_REQUIRE(s->engine, (bytes - c.at) / 16 == out->count && (bytes - c.at) % 16 == 0,
                HEL_E_FORMAT, "%s: its units do not fit", job->checkpoint_path);
    HEL_TRY(hel_malloc(s->engine, &out->unit, out->count, sizeof *out->unit));
    for (uint32_t i = 0; i < out->count; i++) {
        scan_unit *u = &out->unit[i];
        *u = (scan_unit){.chunk = hel_cursor_u32(&c), .kept = blocks};
        u->first = hel_cursor_u32(&c);
        u->count = hel_cursor_u32(&c);
        u->samples = hel_cursor_u32(&c);
        HEL_REQUIRE(s->engine,
                    u->chunk < job->layout.chunks && u->count && u->first >= job->first_block &&
                        u->first - job->first_block < job->block_count &&
                        u->count <= job->block_count - (u->first - job->first_block) &&
                        u->samples && u->samples % HEL_SEGMENT == 0 &&
                        u->samples < hel_chunk_samples(&s->wl, u->chunk),
                    HEL_E_FORMAT, "%s: a unit is out of its range", job->checkpoint_path);
        blocks += u->count;
    }
    HEL_TRY(hel_reader_section(r, HEL_SECTION_DONE, &out->done, &done_bytes));
    HEL_TRY(hel_reader_section(r, HEL_SECTION_ACCU, &accumulators, &acc_bytes));
    HEL_REQUIRE(s->engine,
                done_bytes == (uint64_t)job->layout.chunks * job->block_count *
                                  (1 + 8 * (uint64_t)job->layout.outputs) &&
                    acc_bytes == blocks * hel_scan_cpu_block_bytes(s),
                HEL_E_FORMAT, "%s: its sections do not have the right size", job->checkpoint_path);
    HEL_TRY(units_are_open(job, out));
    return hel_reader_check_all(r);
}

struct adopt_job {
    struct scan_job *job;
    const uint8_t *done;
    uint8_t *scratch;
    size_t pair_bytes;
};

/* Item = (chunk, block). */
static hel_status adopt_block(void *arg, size_t index, uint32_t worker)
{
    const struct adopt_job *a = arg;
    struct scan_job *job = a->job;
    const uint32_t outputs = job->layout.outputs;
    const uint8_t *row = a->done + index * (1 + 8 * (size_t)outputs);
    int adopted = row[0];
    for (uint32_t o = 0; o < outputs && adopted; o++)
        HEL_TRY(hel_writer_adopt(job->sums, index * outputs + o, hel_get_u64(row + 1 + 8 * o),
                                 a->scratch + worker * a->pair_bytes, &adopted));
    job->finished[index] = (uint8_t)adopted;
    return HEL_OK;
}

/* The .part of the process before, as far as it is what the checkpoint says. */
static hel_status adopt(struct scan_job *job, const uint8_t *done)
{
    const struct scan *s = &job->base;
    struct adopt_job a = {.job = job, .done = done};
    a.pair_bytes = 2 * (size_t)job->layout.limbs * s->scheme->n * 4;
    HEL_TRY(hel_scan_sums_open(job, 1));
    HEL_TRY(hel_malloc(s->engine, &a.scratch, hel_engine_threads(s->engine), a.pair_bytes));
    hel_status status =
        hel_parallel(s->engine, (size_t)job->layout.chunks * job->block_count, adopt_block, &a);
    hel_free(a.scratch);
    return status;
}

hel_status hel_scan_resume(struct scan_job *job, scan_unit **unit, uint32_t *count)
{
    hel_engine *engine = job->base.engine;
    uint8_t id[HEL_DIGEST_BYTES];
    struct state state = {0};
    hel_reader *r = NULL;
    *unit = NULL;
    *count = 0;
    if (job->base.config->checkpoint < 0 || access(job->checkpoint_path, F_OK) != 0)
        return HEL_OK;
    HEL_TRY(hel_sums_file_id(engine, &job->layout, job->shard.evk_content, job->first_block,
                             job->block_count, id));
    hel_status status = hel_reader_open(engine, &r, job->checkpoint_path, HEL_KIND_CHECKPOINT);
    if (status == HEL_OK)
        status = decode(job, r, id, &state);
    if (status == HEL_E_FORMAT || status == HEL_E_MISMATCH) { /* as if there were none */
        say(job, "not used: %s", hel_engine_error(engine));
        hel_error_clear(engine);
        hel_reader_close(r);
        hel_free(state.unit);
        return HEL_OK;
    }
    if (status == HEL_OK)
        status = hel_calloc(engine, &job->pause, 1, sizeof *job->pause);
    if (status != HEL_OK) {
        hel_reader_close(r);
        hel_free(state.unit);
        return status;
    }
    pthread_mutex_init(&job->pause->lock, NULL);
    pthread_cond_init(&job->pause->over, NULL);
    job->pause->old = r;
    job->pause->on_disk = 1;
    *unit = state.unit;
    *count = state.count;
    return adopt(job, state.done);
}

hel_status hel_scan_restore(struct scan *s, const scan_unit *unit)
{
    const uint64_t bytes = hel_scan_cpu_block_bytes(s);
    const uint8_t *old;
    uint64_t old_bytes;
    HEL_TRY(hel_reader_section(s->job->pause->old, HEL_SECTION_ACCU, &old, &old_bytes));
    for (uint32_t b = 0; b < unit->count; b++)
        HEL_TRY(s->ops->restore(s, b,
                                (const uint32_t *)(const void *)(old + (unit->kept + b) * bytes)));
    return HEL_OK;
}
