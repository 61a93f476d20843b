/* Going on from a checkpoint: nothing in it or in the .part is believed unless it is right. */
#include <string.h>
#include <unistd.h>

#include "host/assoc/scan_pause.h"
#include "host/base/mem.h"
#include "host/base/pool.h"

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
    const uint32_t want[] = {HEL_STATE_VERSION, job->layout.chunks,  job->first_block,
                             job->block_count,  job->layout.outputs, s->gl.log_n,
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
        hel_scan_note(job, "not used: %s", hel_engine_error(engine));
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
    if (!job->base.config->plan_only)
        return adopt(job, state.done);
    /* a plan takes it at its word, and leaves the .part to whoever may be writing it */
    const size_t blocks = (size_t)job->layout.chunks * job->block_count;
    for (size_t i = 0; i < blocks; i++)
        job->finished[i] = state.done[i * (1 + 8 * (size_t)job->layout.outputs)] != 0;
    return HEL_OK;
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
