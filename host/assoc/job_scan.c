/*
 * hel_scan: the compute centre's job. Opens public files only, decides who computes what, lets the
 * lanes run, and gives the file its name.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/assoc/scan_device.h"
#include "host/base/clock.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/progress.h"
#include "host/base/thread.h"
#include "host/store/signer.h"

double hel_scan_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static hel_status open_inputs(struct scan *s)
{
    hel_engine *engine = s->engine;
    const hel_scan_config *c = s->config;
    const uint8_t *data, *more;
    uint64_t bytes, more_bytes, body;
    HEL_TRY(hel_reader_open(engine, &s->evk, c->evk, HEL_KIND_EVAL_KEYS));
    HEL_TRY(hel_reader_open(engine, &s->weights, c->weights, HEL_KIND_WEIGHTS));
    HEL_TRY(hel_reader_open(engine, &s->geno, c->geno, HEL_KIND_GENOTYPES));
    HEL_TRY(hel_head_match(engine, s->geno, s->evk, HEL_MATCH_PARAMS | HEL_MATCH_KEY));
    HEL_TRY(hel_head_match(engine, s->geno, s->weights,
                           HEL_MATCH_PARAMS | HEL_MATCH_KEY | HEL_MATCH_SAMPLES));
    HEL_REQUIRE(engine,
                hel_equal(hel_reader_head(s->weights)->dataset, hel_reader_head(s->geno)->file_id,
                          HEL_DIGEST_BYTES),
                HEL_E_MISMATCH, "%s: these weights were made for another encryption than %s",
                c->weights, c->geno);

    HEL_TRY(hel_reader_checked(s->evk, HEL_SECTION_PARAMS, &data, &bytes));
    hel_params params;
    HEL_TRY(hel_name_file(engine, c->evk, hel_params_decode(engine, data, bytes, &params)));
    HEL_TRY(hel_scheme_create(engine, &s->scheme, &params));
    HEL_REQUIRE(
        engine, hel_equal(s->scheme->digest, hel_reader_head(s->evk)->params, HEL_DIGEST_BYTES),
        HEL_E_FORMAT, "%s: the parameters do not have the digest that the header states", c->evk);
    HEL_TRY(hel_reader_checked(s->evk, HEL_SECTION_GALOIS, &data, &bytes));
    HEL_TRY(hel_reader_checked(s->evk, HEL_SECTION_RELIN, &more, &more_bytes));
    HEL_TRY(hel_name_file(engine, c->evk,
                          hel_eval_keys_decode(engine, s->scheme, hel_reader_head(s->evk)->key_id,
                                               hel_reader_head(s->evk)->seed, data, bytes, more,
                                               more_bytes, &s->keys)));

    HEL_TRY(hel_reader_place(s->geno, HEL_SECTION_CIPHER, &s->geno_fd, &s->geno_offset, &body,
                             &s->geno_chunk));
    s->geno_bytes = body;
    HEL_TRY(hel_reader_checked(s->geno, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_TRY(
        hel_name_file(engine, c->geno, hel_geno_layout_decode(engine, data, bytes, body, &s->gl)));
    HEL_TRY(hel_reader_section(s->weights, HEL_SECTION_CIPHER, &s->weights_body, &body));
    HEL_TRY(hel_reader_checked(s->weights, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_TRY(hel_name_file(engine, c->weights,
                          hel_weights_layout_decode(engine, data, bytes, body, &s->wl)));
    HEL_REQUIRE(engine,
                s->gl.log_n == params.log_n && s->wl.log_n == params.log_n &&
                    s->gl.limbs == params.scan_limbs && s->wl.limbs == params.expand_limbs &&
                    s->wl.chunk == params.chunk && s->wl.samples == s->gl.samples &&
                    s->wl.planes == s->gl.planes,
                HEL_E_MISMATCH, "%s and %s: their layouts do not fit together", c->geno,
                c->weights);
    HEL_TRY(hel_reader_checked(s->weights, HEL_SECTION_COLUMNS, &data, &bytes));
    return hel_name_file(engine, c->weights,
                         hel_outputs_decode(engine, data, bytes, &s->wl, &s->output, &s->outputs));
}

/* Accumulators go plane by plane, so that one plane's columns are neighbours. */
static hel_status order_outputs(struct scan *s)
{
    uint32_t slot = 0;
    HEL_TRY(hel_malloc(s->engine, &s->slot, s->outputs, sizeof *s->slot));
    for (uint32_t p = 0; p < HEL_PLANES; p++) {
        HEL_TRY(
            hel_malloc(s->engine, &s->plane_columns[p], s->wl.columns, sizeof **s->plane_columns));
        s->plane_first[p] = slot;
        for (uint32_t o = 0; o < s->outputs; o++)
            if (s->output[o].plane == (hel_plane)p) {
                s->plane_columns[p][s->plane_count[p]++] = s->output[o].column;
                s->slot[o] = slot++;
            }
    }
    return HEL_OK;
}

uint64_t hel_scan_host_bytes(const struct scan *s, uint32_t result_blocks)
{
    const hel_params *p = &s->scheme->params;
    const uint64_t n = s->scheme->n;
    /* three Galois keys per two levels of the expansion tree; what is kept for each unit, chunk and
     * block is in the last term */
    uint64_t keys =
        (uint64_t)(p->log_n + 1) / 2 * 3 * s->scheme->digits * 2 * s->scheme->total * n * 4;
    return keys * 5 / 2 + result_blocks * scan_result_words(s) * 4 +
           (s->config->checkpoint < 0 ? 0 : hel_scan_cpu_block_bytes(s)) + ((uint64_t)16 << 20);
}

/* ---- progress ---- */

void hel_scan_in_flight(struct scan *s, uint64_t genotypes)
{
    atomic_fetch_add(&s->job->in_flight, genotypes - s->in_flight);
    s->in_flight = genotypes;
}

/* What is shown never goes back, though lanes and workers report in any order. */
hel_status hel_scan_progress(struct scan *s, uint64_t genotypes)
{
    struct scan_job *job = s->job;
    atomic_fetch_add(&job->done, genotypes);
    if (atomic_load(&job->stop)) /* the lane that failed has said why */
        return HEL_E_CANCELLED;
    pthread_mutex_lock(&job->progress_lock);
    const uint64_t done = atomic_load(&job->done), with_device = atomic_load(&job->in_flight);
    if (done > with_device && done - with_device > job->shown)
        job->shown = done - with_device;
    const hel_status status = hel_progress(s->engine, "scan", job->shown, job->total, "genotypes");
    pthread_mutex_unlock(&job->progress_lock);
    return status;
}

static uint64_t done_before(const struct scan_job *job, const scan_unit *resume, uint32_t resumed)
{
    const struct scan *s = &job->base;
    uint64_t done = 0;
    for (uint32_t chunk = 0; chunk < s->wl.chunks; chunk++)
        for (uint32_t b = 0; b < job->block_count; b++)
            done += job->finished[(size_t)chunk * job->block_count + b]
                        ? hel_chunk_samples(&s->wl, chunk)
                        : 0;
    for (uint32_t i = 0; i < resumed; i++)
        done += (uint64_t)resume[i].samples * resume[i].count;
    return done << s->gl.log_n;
}

/* ---- lanes ---- */

/* The plan of every lane, and units that suit all of them. */
static hel_status plan(struct scan_job *job, const scan_unit *resume, uint32_t resumed)
{
    uint32_t range = UINT32_MAX;
    const uint32_t share = (job->block_count + job->lanes - 1) / job->lanes;
    for (uint32_t i = 0; i < job->lanes; i++) {
        struct scan *s = &job->lane[i];
        HEL_TRY(s->ops->plan(s));
        range = s->range < range ? s->range : range;
    }
    range = range < share ? range : share;
    for (uint32_t i = 0; i < job->lanes; i++) {
        struct scan *s = &job->lane[i];
        s->range = range;
        s->result_blocks = s->result_blocks < range ? s->result_blocks : range;
    }
    HEL_TRY(hel_scan_work_create(job, range, resume, resumed));
    job->base.stats.passes = (job->block_count + range - 1) / range;
    return HEL_OK;
}

static hel_status allocate(struct scan_job *job)
{
    for (uint32_t i = 0; i < job->lanes; i++) {
        struct scan *s = &job->lane[i];
        HEL_TRY(hel_malloc(s->engine, &s->taken, job->units, sizeof *s->taken));
        HEL_TRY(hel_malloc(s->engine, &s->result, s->result_blocks, scan_result_words(s) * 4));
        HEL_TRY(s->ops->allocate(s));
        HEL_TRY(hel_scan_check_open(s));
    }
    return HEL_OK;
}

static void *run_lane(void *arg)
{
    struct scan *s = arg;
    s->status = hel_scan_lane_run(s);
    if (s->status != HEL_OK)
        atomic_store(&s->job->stop, 1);
    return NULL;
}

/* All lanes, the first one in this thread. */
static hel_status run_lanes(struct scan_job *job)
{
    hel_engine *engine = job->base.engine;
    pthread_t *thread = NULL;
    uint32_t started = 1;
    int error = 0;
    HEL_TRY(hel_malloc(engine, &thread, job->lanes, sizeof *thread));
    while (started < job->lanes && !error) {
        error = hel_thread_start(&thread[started], run_lane, &job->lane[started], NULL);
        started += !error;
    }
    for (uint32_t i = started; i < job->lanes; i++) /* the others do its work */
        hel_scan_pause_leave(&job->lane[i], HEL_OK);
    run_lane(&job->lane[0]);
    for (uint32_t i = 1; i < started; i++)
        pthread_join(thread[i], NULL);
    hel_free(thread);
    hel_status status = HEL_OK; /* of a lane that failed by itself, if there is one */
    for (uint32_t i = 0; i < started; i++)
        if (status == HEL_OK || status == HEL_E_CANCELLED ||
            job->lane[i].status == HEL_E_INTERNAL) /* what computes wrongly is worse than a disk */
            status = job->lane[i].status != HEL_OK ? job->lane[i].status : status;
    return status;
}

/* ---- the call ---- */

static void log_plan(struct scan_job *job)
{
    const struct scan *base = &job->base;
    hel_event(base->engine, "plan", hel_field_count("genotypes", job->total),
              hel_field_count("blocks", job->block_count), hel_field_count("units", job->units),
              hel_field_count("lanes", job->lanes), hel_field_count("passes", base->stats.passes),
              hel_field_text("backend", hel_engine_backend_text(base->engine)));
    if (job->resumed)
        hel_event(base->engine, "resume", hel_field_text("path", job->checkpoint_path),
                  hel_field_count("done", job->resumed), hel_field_count("total", job->total),
                  hel_field_text("unit", "genotypes"));
}

static hel_status scan_all(struct scan_job *job, const scan_unit *resume, uint32_t resumed)
{
    struct scan *base = &job->base;
    job->total = (uint64_t)base->gl.samples * job->block_count << base->gl.log_n;
    job->resumed = done_before(job, resume, resumed);
    atomic_store(&job->done, job->resumed);
    job->shown = job->resumed ? job->resumed : 1; /* 0: begins */
    for (uint32_t i = 0; i < job->lanes; i++)
        job->lane[i].direct_fd = hel_scan_open_direct(&job->lane[i]);
    HEL_TRY(hel_scan_place_open(job));
    HEL_TRY(plan(job, resume, resumed));
    if (base->config->plan)
        HEL_TRY(hel_scan_explain(job));
    base->stats.forecast_from = hel_clock_seconds() - job->started;
    if (base->config->plan_only)
        return HEL_OK;
    HEL_TRY(allocate(job));
    HEL_TRY(hel_scan_pause_open(job));
    if (!job->sums)
        HEL_TRY(hel_scan_sums_open(job, 0));
    log_plan(job);
    HEL_TRY(hel_progress(base->engine, "scan", job->resumed, job->total, "genotypes"));
    HEL_TRY(run_lanes(job));
    base->stats.genotypes = job->total;
    base->stats.resumed = job->resumed;
    hel_scan_gather(job);
    HEL_TRY(hel_scan_commit(job));
    hel_scan_checkpoint_remove(job);
    (void)hel_progress(base->engine, "scan", job->total, job->total, "genotypes"); /* too late */
    return HEL_OK;
}

static hel_status run(struct scan_job *job)
{
    struct scan *base = &job->base;
    scan_unit *resume = NULL;
    uint32_t resumed = 0;
    int there = 0;
    job->started = hel_clock_seconds();
    job->began = hel_time_now();
    job->cpu_began = hel_scan_cpu_seconds();
    HEL_TRY(hel_signer_open(base->engine, &job->signer, base->config->sign)); /* not after hours */
    HEL_TRY(open_inputs(base));
    HEL_TRY(order_outputs(base));
    base->stats.columns = base->wl.columns;
    base->stats.outputs = base->outputs;
    HEL_TRY(hel_scan_sums_describe(job));
    HEL_TRY(hel_scan_sums_exists(job, &there));
    if (there) { /* whoever finished it may have had no time to clear up */
        base->stats.already = 1;
        if (!base->config->plan_only)
            hel_scan_checkpoint_remove(job);
        return hel_scan_mend_manifest(job);
    }
    HEL_TRY(hel_calloc(base->engine, &job->finished, job->layout.chunks, job->block_count));
    HEL_TRY(hel_scan_lanes_open(job));
    hel_status status = hel_scan_resume(job, &resume, &resumed);
    if (status == HEL_OK)
        status = scan_all(job, resume, resumed);
    hel_free(resume);
    base->stats.wall = hel_clock_seconds() - job->started;
    return status;
}

/* What computed wrong cannot be trusted in a checkpoint either. */
static void abandon(struct scan_job *job, hel_status status)
{
    if (status == HEL_E_INTERNAL && job->checkpoint_path && job->pause)
        hel_scan_checkpoint_remove(job);
    if (job->sums && hel_writer_lost(job->sums) && job->pause)
        hel_scan_checkpoint_remove(job);
    if (hel_scan_can_resume(job))
        hel_writer_leave(job->sums);
    else
        hel_writer_abort(job->sums);
    job->sums = NULL;
}

static void release(struct scan_job *job)
{
    struct scan *base = &job->base;
    for (uint32_t i = 0; job->lane && i < job->lanes; i++) {
        struct scan *s = &job->lane[i];
        hel_scan_feed_stop(s);
        hel_scan_check_close(s);
        s->ops->release(s);
        if (s->direct_fd >= 0)
            close(s->direct_fd);
        pthread_mutex_destroy(&s->taken_lock);
        hel_free(s->taken);
        hel_free(s->result);
    }
    hel_scan_pause_close(job);
    hel_scan_place_close(job);
    hel_free(job->lane);
    hel_free(job->unit);
    hel_free(job->finished);
    hel_free(job->path);
    hel_free(job->checkpoint_path);
    hel_signer_close(job->signer);
    for (int p = 0; p < HEL_PLANES; p++)
        hel_free(base->plane_columns[p]);
    hel_free(base->slot);
    hel_free(base->output);
    hel_eval_keys_free(base->keys);
    hel_scheme_free(base->scheme);
    hel_reader_close(base->geno);
    hel_reader_close(base->weights);
    hel_reader_close(base->evk);
    pthread_mutex_destroy(&job->lock);
    pthread_mutex_destroy(&job->progress_lock);
}

static hel_status check_config(hel_engine *engine, const hel_scan_config *config)
{
    HEL_REQUIRE(engine, config && config->size == sizeof *config, HEL_E_USAGE,
                "scan: malformed configuration");
    HEL_REQUIRE(engine, config->geno && config->weights && config->evk && config->out, HEL_E_USAGE,
                "scan: needs --geno, --weights, --evk and --out");
    HEL_REQUIRE(engine, config->verify >= 0 && config->verify <= 1, HEL_E_USAGE,
                "scan: the fraction to verify is %g, the rule is 0 to 1", config->verify);
    HEL_REQUIRE(engine, config->checkpoint < 1e9, HEL_E_USAGE,
                "scan: %g seconds between checkpoints, the rule is less than 1e9",
                config->checkpoint);
    HEL_REQUIRE(engine, (unsigned)config->io <= HEL_IO_DIRECT, HEL_E_USAGE,
                "scan: no way %d to read", (int)config->io);
    return HEL_OK;
}

hel_status hel_scan_hooked(hel_engine *engine, const hel_scan_config *config, int resident,
                           hel_scan_stats *stats)
{
    hel_error_clear(engine);
    HEL_TRY(check_config(engine, config));
    struct scan_job job = {.base = {.engine = engine, .config = config, .geno_fd = -1},
                           .resident = resident};
    pthread_mutex_init(&job.lock, NULL);
    pthread_mutex_init(&job.progress_lock, NULL);
    const hel_status status = run(&job);
    hel_scan_gather(&job);
    if (status != HEL_OK)
        abandon(&job, status);
    release(&job);
    if (stats)
        *stats = job.base.stats;
    return status;
}

hel_status hel_scan(hel_engine *engine, const hel_scan_config *config, hel_scan_stats *stats)
{
    return hel_scan_hooked(engine, config, 0, stats);
}
