/*
 * hel_decrypt: verified sums (verified.c), finished by the null model, become tables. Nothing is
 * written before every sum has passed. The manifest of all tables is on disk before the last
 * analysis' tables get their names, and gets its own after them.
 */
#include "heloci/assoc.h"
#include "host/assoc/verified.h"
#include "host/assoc/writer.h"
#include "host/base/clock.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/progress.h"
#include "host/store/manifest.h"

#define ROWS_AT_ONCE 4096 /* variants finished in parallel before they are written in order */

struct worker {
    uint32_t *missing;
    int64_t *sums; /* of one variant, by output */
    hel_finish *finish;
};

struct job {
    hel_engine *engine;
    const hel_decrypt_config *config;
    hel_owner owner;
    hel_dataset dataset;
    hel_reader *model_reader;
    hel_model *model;
    hel_verified verified;
    struct worker *worker;
    hel_row *rows;
    uint64_t first_row, analysis;
    hel_manifest *manifest;
    hel_signer *signer;
    double verified_after, began; /* seconds */
};

static hel_status open_inputs(struct job *job)
{
    hel_engine *engine = job->engine;
    const hel_decrypt_config *c = job->config;
    const uint8_t *data;
    uint64_t bytes;
    HEL_TRY(hel_owner_open(engine, &job->owner, c->key, c->passphrase));
    HEL_TRY(hel_dataset_open(engine, &job->dataset, &job->owner, c->data));
    HEL_TRY(hel_owner_reader(engine, &job->model_reader, &job->owner, c->model, HEL_KIND_MODEL));
    HEL_TRY(hel_reader_section(job->model_reader, HEL_SECTION_MODEL, &data, &bytes));
    HEL_TRY(hel_name_file(engine, c->model, hel_model_decode(engine, data, bytes, &job->model)));
    HEL_REQUIRE(engine,
                hel_equal(hel_reader_head(job->model_reader)->dataset,
                          hel_reader_head(job->dataset.reader)->dataset, HEL_DIGEST_BYTES) &&
                    job->model->samples == job->dataset.samples.count,
                HEL_E_MISMATCH, "%s: fitted for another encryption than %s", c->model, c->data);
    HEL_REQUIRE(engine, !c->missing_delete || job->dataset.has_missing, HEL_E_UNSUPPORTED,
                "%s: --missing delete needs the private list of missing calls; this cohort was "
                "encrypted with --miss-plane",
                c->data);
    return HEL_OK;
}

/* ---- the manifest ---- */

static hel_status open_signer(struct job *job)
{
    uint8_t *secret;
    HEL_TRY(hel_secret_alloc(job->engine, &secret, HEL_ED25519_KEY_BYTES));
    hel_status status =
        hel_owner_secret(job->engine, job->owner.key, "manifest signatures", NULL, 0, secret);
    if (status == HEL_OK)
        status = hel_signer_derived(job->engine, &job->signer, secret);
    hel_secret_free(secret);
    return status;
}

/* What is known before the sums are verified: the files. */
static hel_status open_manifest(struct job *job)
{
    hel_engine *engine = job->engine;
    hel_reader *sums = NULL, *key = NULL;
    job->began = hel_clock_seconds();
    HEL_TRY(open_signer(job));
    HEL_TRY(hel_manifest_create(engine, &job->manifest, "tables", "decrypt"));
    /* of whatever kind: what is wrong with it is said by those who verify it */
    hel_status status = hel_reader_open(engine, &sums, job->config->sums, 0);
    if (status == HEL_OK)
        status = hel_reader_open(engine, &key, job->config->key, HEL_KIND_SECRET_KEY);
    if (status == HEL_OK) {
        if (hel_manifest_input_signed(job->manifest, "sums", sums) == HEL_MANIFEST_BROKEN)
            hel_event(engine, "warning",
                      hel_field_text("text", "the sums' manifest does not fit them"),
                      hel_field_text("path", job->config->sums));
        hel_manifest_input(job->manifest, "dataset", job->dataset.reader);
        hel_manifest_input(job->manifest, "model", job->model_reader);
        hel_manifest_input(job->manifest, "key", key);
    }
    hel_reader_close(sums);
    hel_reader_close(key);
    return status;
}

/* The rest, once the tables are written. */
static hel_status finish_manifest(struct job *job, const hel_finish_options *options)
{
    static const char group[] = "decrypt";
    hel_manifest *m = job->manifest;
    const double wall = hel_clock_seconds() - job->began;
    hel_manifest_params(m, &job->owner.scheme->params);
    hel_manifest_count(m, group, "samples", job->model->samples);
    hel_manifest_count(m, group, "variants", job->verified.layout.variants);
    hel_manifest_count(m, group, "analyses", job->model->analyses);
    hel_manifest_text(m, group, "missing",
                      options->missing == HEL_MISSING_DELETE ? "delete" : "mean");
    hel_manifest_count(m, group, "min_mac", options->min_mac);
    hel_manifest_real(m, group, "max_vif", options->max_vif);
    hel_manifest_real(m, group, "max_corr", options->max_corr);
    hel_manifest_flag(m, group, "every_sum_verified", 1); /* or nothing would be here */
    hel_manifest_stage_add(m, &(hel_manifest_stage){"verify", job->verified_after, 0,
                                                    job->verified.layout.variants, -1, "variants"});
    hel_manifest_stage_add(
        m, &(hel_manifest_stage){"finish", wall - job->verified_after, 0,
                                 job->verified.layout.variants * job->model->analyses, -1, "rows"});
    return hel_manifest_finish(m, job->signer, job->config->out);
}

static hel_status commit_manifest(struct job *job)
{
    char *path = NULL;
    hel_status status = hel_manifest_commit(job->manifest);
    if (status == HEL_OK && hel_event_wanted(job->engine)) {
        status = hel_path_join(job->engine, &path, job->config->out, HEL_MANIFEST_SUFFIX);
        if (status == HEL_OK)
            hel_event_result(job->engine, path);
    }
    hel_free(path);
    return status;
}

static hel_status allocate(struct job *job)
{
    hel_engine *engine = job->engine;
    const uint32_t threads = hel_engine_threads(engine);
    HEL_TRY(hel_malloc(engine, &job->rows, ROWS_AT_ONCE, sizeof *job->rows));
    HEL_TRY(hel_calloc(engine, &job->worker, threads, sizeof *job->worker));
    for (uint32_t w = 0; w < threads; w++) {
        struct worker *x = &job->worker[w];
        HEL_TRY(hel_malloc(engine, &x->missing, job->model->samples, sizeof *x->missing));
        HEL_TRY(hel_malloc(engine, &x->sums, job->model->outputs, sizeof *x->sums));
    }
    return HEL_OK;
}

/* Item = variant of the batch. */
static hel_status finish_row(void *arg, size_t index, uint32_t w)
{
    struct job *job = arg;
    struct worker *x = &job->worker[w];
    const size_t n = job->owner.scheme->n;
    const uint64_t variant = job->first_row + index;
    const int64_t *sums =
        job->verified.sums + (variant / n) * job->model->outputs * n + variant % n;
    uint32_t missing = 0;
    for (uint32_t o = 0; o < job->model->outputs; o++)
        x->sums[o] = sums[o * n];
    if (job->dataset.has_missing)
        HEL_TRY(hel_missing_get(job->engine, &job->dataset.missing, (uint32_t)variant, x->missing,
                                &missing));
    hel_finish_variant(x->finish, x->sums, job->dataset.has_missing ? x->missing : NULL, missing,
                       &job->rows[index]);
    return HEL_OK;
}

static hel_status write_rows(struct job *job, hel_table_writer *const *writer, uint32_t writers)
{
    const uint64_t total = job->verified.layout.variants;
    for (job->first_row = 0; job->first_row < total; job->first_row += ROWS_AT_ONCE) {
        uint64_t left = total - job->first_row;
        size_t count = left < ROWS_AT_ONCE ? (size_t)left : ROWS_AT_ONCE;
        HEL_TRY(hel_parallel(job->engine, count, finish_row, job));
        for (size_t i = 0; i < count; i++)
            for (uint32_t f = 0; f < writers; f++)
                HEL_TRY(hel_table_writer_row(
                    writer[f], &job->dataset.variants.item[job->first_row + i], &job->rows[i]));
        HEL_TRY(hel_progress(job->engine, "finish", job->analysis * total + job->first_row + count,
                             job->model->analyses * total, "variants"));
    }
    return HEL_OK;
}

/* Commits a table (the writer is gone in any case), then names it. */
static hel_status commit(struct job *job, hel_table_writer *writer)
{
    char *path = NULL;
    hel_status status = hel_path_join(job->engine, &path, hel_table_writer_path(writer), "");
    if (status == HEL_OK)
        status = hel_table_writer_commit(writer);
    else
        hel_table_writer_abort(writer);
    if (status == HEL_OK)
        hel_event_result(job->engine, path);
    if (status == HEL_OK && job->config->table && job->config->table(job->config->table_arg, path))
        status = hel_fail(job->engine, HEL_E_CANCELLED, "decrypt: stopped on request");
    hel_free(path);
    return status;
}

/* Whole on disk, without its name, and listed in the manifest. */
static hel_status finish_table(struct job *job, hel_table_writer *writer)
{
    const hel_outfile *file;
    HEL_TRY(hel_table_writer_finish(writer));
    for (uint32_t i = 0; (file = hel_table_writer_file(writer, i)); i++)
        hel_manifest_subject(job->manifest, file->part, file->path);
    return HEL_OK;
}

static hel_status finish_analysis(struct job *job, const hel_finish_options *options)
{
    hel_engine *engine = job->engine;
    const hel_analysis *a = &job->model->analysis[job->analysis];
    const uint32_t formats = job->config->formats ? job->config->formats : HEL_OUT_PLINK2;
    const uint32_t threads = hel_engine_threads(engine);
    const hel_writer_info info = {.out = job->config->out,
                                  .phenotype = a->name,
                                  .trait = a->trait,
                                  .missing = options->missing,
                                  .samples = a->n,
                                  .cases = a->cases,
                                  .controls = a->trait == HEL_TRAIT_BINARY ? a->n - a->cases : 0,
                                  .covariates = a->k - 1};
    hel_table_writer *writer[3] = {NULL};
    uint32_t writers = 0;
    hel_status status = HEL_OK;
    for (uint32_t w = 0; w < threads && status == HEL_OK; w++)
        status = hel_finish_create(engine, &job->worker[w].finish, job->model,
                                   (uint32_t)job->analysis, options);
    for (uint32_t f = 1; f <= HEL_OUT_SSF && status == HEL_OK; f <<= 1)
        if (formats & f)
            status = hel_table_writer_open(engine, &writer[writers++], (hel_format)f, &info);
    if (status == HEL_OK)
        status = write_rows(job, writer, writers);
    for (uint32_t f = 0; f < writers && status == HEL_OK; f++)
        status = finish_table(job, writer[f]);
    if (status == HEL_OK && job->analysis + 1 == job->model->analyses)
        status = finish_manifest(job, options);
    for (uint32_t f = 0; f < writers; f++) {
        if (status == HEL_OK)
            status = commit(job, writer[f]);
        else
            hel_table_writer_abort(writer[f]);
    }
    for (uint32_t w = 0; w < threads; w++) {
        hel_finish_free(job->worker[w].finish);
        job->worker[w].finish = NULL;
    }
    return status;
}

static hel_status run(struct job *job)
{
    const hel_decrypt_config *c = job->config;
    const hel_finish_options options = {
        .missing = c->missing_delete ? HEL_MISSING_DELETE : HEL_MISSING_MEAN,
        .min_mac = c->min_mac < 0 ? 5 : (uint32_t)c->min_mac,
        .max_vif = c->max_vif > 0 ? c->max_vif : 50,
        .max_corr = c->max_corr > 0 ? c->max_corr : 0.999,
    };
    HEL_TRY(open_inputs(job));
    HEL_TRY(hel_finish_check(job->engine, job->model, &options)); /* before the first table */
    HEL_TRY(allocate(job));
    const hel_verify_request request = {.owner = &job->owner,
                                        .dataset = &job->dataset,
                                        .model = job->model,
                                        .model_reader = job->model_reader,
                                        .key_path = c->key};
    HEL_TRY(open_manifest(job));
    HEL_TRY(hel_verified_open(job->engine, &job->verified, c->sums, &request));
    job->verified_after = hel_clock_seconds() - job->began;
    for (job->analysis = 0; job->analysis < job->model->analyses; job->analysis++)
        HEL_TRY(finish_analysis(job, &options));
    return commit_manifest(job);
}

static void release(struct job *job)
{
    const uint32_t threads = hel_engine_threads(job->engine);
    for (uint32_t w = 0; job->worker && w < threads; w++) {
        hel_free(job->worker[w].missing);
        hel_free(job->worker[w].sums);
    }
    hel_free(job->worker);
    hel_manifest_free(job->manifest);
    hel_signer_close(job->signer);
    hel_free(job->rows);
    hel_verified_free(&job->verified);
    hel_model_free(job->model);
    hel_reader_close(job->model_reader);
    hel_dataset_close(&job->dataset);
    hel_owner_close(&job->owner);
}

hel_status hel_decrypt(hel_engine *engine, const hel_decrypt_config *config)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config, HEL_E_USAGE,
                "decrypt: malformed configuration");
    HEL_REQUIRE(engine, config->sums && config->data && config->model && config->key && config->out,
                HEL_E_USAGE, "decrypt: needs --sums, --data, --model, --key and --out");
    HEL_REQUIRE(engine, (config->formats & ~7u) == 0, HEL_E_USAGE,
                "decrypt: unknown output format");
    struct job job = {.engine = engine, .config = config};
    hel_status status = run(&job);
    release(&job);
    return status;
}
