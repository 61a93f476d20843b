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

#include "host/assoc/scan_pause.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/progress.h"

#define DEFAULT_SECONDS 600.0

typedef unsigned long long ull;

/* What should be known, though it is no failure. */
void hel_scan_note(struct scan_job *job, const char *format, const char *what)
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
        HEL_STATE_VERSION,   job->layout.chunks, job->first_block,   job->block_count,
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
        status = hel_writer_open(s->engine, &w, job->checkpoint_path, &head);
    if (status == HEL_OK)
        status = put_all(job, w, id, kept, count);
    if (status == HEL_OK)
        status = hel_writer_commit(w, NULL);
    else
        hel_writer_abort(w);
    hel_free(kept);
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

static void end_meeting(struct scan_pause *p, hel_status status)
{
    p->status = status;
    p->waiting = 0;
    p->generation++;
    atomic_store(&p->wanted, 0);
    pthread_cond_broadcast(&p->over);
}

/* All lanes that take part are waiting. */
static void meet(struct scan_job *job)
{
    struct scan_pause *p = job->pause;
    p->drained = hel_progress_draining(job->base.engine); /* asked once: all lanes do the same */
    const hel_stage_mark mark = hel_stage_enter();
    /* first what the checkpoint speaks of; if the disk has lost that, there is no way on */
    hel_status status = hel_writer_sync(job->sums);
    if (status == HEL_OK) {
        status = write_checkpoint(job);
        if (status != HEL_OK && status != HEL_E_INTERNAL && !p->drained) { /* sums do without */
            hel_scan_note(job, "no checkpoint was written: %s", hel_engine_error(job->base.engine));
            hel_error_drop(job->base.engine);
            status = HEL_OK;
        }
    }
    hel_stage_leave(&job->lane[0].stage[STAGE_CHECKPOINT], &mark, 1, 0);
    atomic_store(&p->last_ns, hel_clock_ns(CLOCK_MONOTONIC));
    end_meeting(p, status);
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
    if (p->broken) { /* the lane that failed has said why */
        pthread_mutex_unlock(&p->lock);
        return HEL_E_CANCELLED;
    }
    atomic_store(&p->wanted, 1);
    p->place[s->lane].samples = samples;
    const uint64_t generation = p->generation;
    if (++p->waiting == p->active)
        meet(job);
    while (p->generation == generation)
        pthread_cond_wait(&p->over, &p->lock);
    const hel_status status = p->status;
    const int drained = p->drained;
    pthread_mutex_unlock(&p->lock);
    HEL_TRY(status);
    if (drained)
        return hel_fail(s->engine, HEL_E_CANCELLED,
                        "scan: stopped on request; %s says where: the same command goes on from "
                        "there",
                        job->checkpoint_path);
    return HEL_OK;
}

void hel_scan_pause_leave(struct scan *s, hel_status status)
{
    struct scan_pause *p = s->job->pause;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->place[s->lane].left = 1;
    p->active--;
    /* Its unit is not in a state that could be kept: the checkpoint before this one stays. */
    p->broken |= status != HEL_OK;
    if (p->broken && p->waiting)
        end_meeting(p, HEL_E_CANCELLED);
    else if (p->active && p->waiting == p->active)
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
