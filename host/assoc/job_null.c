/*
 * hel_null: fits the null models in clear, shows the plan, encrypts the quantised columns as packed
 * weights and keeps the model for the finish.
 */
#include <inttypes.h>
#include <stdio.h>

#include "heloci/assoc.h"
#include "host/assoc/dataset.h"
#include "host/assoc/null_fit.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/progress.h"

struct job {
    hel_engine *engine;
    const hel_null_config *config;
    hel_owner owner;
    hel_dataset dataset;
    hel_model *model;
    hel_weights_layout layout;
    uint8_t public_seed[HEL_SEED_BYTES], error_seed[HEL_SEED_BYTES];
};

static hel_status build_model(struct job *job)
{
    hel_engine *engine = job->engine;
    const hel_null_config *c = job->config;
    const hel_null_fit_request request = {.samples = &job->dataset.samples,
                                          .source = c->data,
                                          .pheno = c->pheno,
                                          .pheno_name = c->pheno_name,
                                          .covar = c->covar,
                                          .covar_name = c->covar_name,
                                          .keep = c->keep,
                                          .remove = c->remove,
                                          .coding_01 = c->coding_01,
                                          .trait = c->trait,
                                          .miss_plane = !job->dataset.has_missing,
                                          .bits = job->owner.scheme->params.weight_bits,
                                          .max_columns = c->max_columns,
                                          .max_vif = c->max_vif,
                                          .max_corr = c->max_corr};
    HEL_TRY(hel_null_fit(engine, &request, &job->model));
    const hel_params *p = &job->owner.scheme->params;
    job->layout = (hel_weights_layout){.log_n = p->log_n,
                                       .limbs = p->expand_limbs,
                                       .segment = HEL_SEGMENT,
                                       .chunk = p->chunk,
                                       .columns = job->model->columns,
                                       .planes = job->dataset.layout.planes,
                                       .samples = job->dataset.samples.count};
    return hel_weights_layout_init(engine, &job->layout);
}

static uint64_t key_switches(const struct job *job)
{
    const hel_weights_layout *l = &job->layout;
    const uint64_t n = (uint64_t)1 << l->log_n;
    uint64_t total = 0;
    for (uint32_t c = 0; c < l->chunks; c++)
        for (uint64_t left = hel_chunk_weights(l, c); left > 0; left -= left < n ? left : n)
            total += hel_expander_cost(job->owner.scheme, (uint32_t)(left < n ? left : n));
    return total;
}

/* T, P, columns, bytes and key switches, before any of it is spent. */
static hel_status show_plan(struct job *job)
{
    if (!job->config->plan && !hel_event_wanted(job->engine))
        return HEL_OK;
    const hel_model *m = job->model;
    const hel_weights_layout *l = &job->layout;
    const hel_scheme *scheme = job->owner.scheme;
    uint64_t ciphertexts =
        hel_chunk_first(l, l->chunks - 1) + hel_chunk_ciphertexts(l, l->chunks - 1);
    uint64_t sums = (uint64_t)l->chunks * job->dataset.layout.blocks * m->outputs * 2 *
                    scheme->params.out_limbs * scheme->n * 4;
    hel_buf text = {0};
    char line[512];
    hel_status status = HEL_OK;
    for (uint32_t a = 0; a < m->analyses && status == HEL_OK; a++) {
        const hel_analysis *x = &m->analysis[a];
        int used = snprintf(line, sizeof line, "  %s: %s, %u samples, %u covariates", x->name,
                            x->trait == HEL_TRAIT_BINARY ? "logistic score test" : "linear", x->n,
                            x->k - 1);
        if (x->trait == HEL_TRAIT_BINARY && used > 0 && (size_t)used < sizeof line)
            snprintf(line + used, sizeof line - (size_t)used, ", %u cases", x->cases);
        status = hel_buf_put(job->engine, &text, line, strlen(line));
        if (status == HEL_OK)
            status = hel_buf_put(job->engine, &text, "\n", 1);
    }
    snprintf(line, sizeof line,
             "  T = %u phenotypes, P = %u missingness patterns: %u columns, %u outputs per "
             "variant\n"
             "  weights %.1f MB, encrypted sums %.1f MB, %" PRIu64 " key switches per scan\n",
             m->analyses, m->patterns, m->columns, m->outputs,
             (double)(ciphertexts * l->poly_words * 4) / 1e6, (double)sums / 1e6,
             key_switches(job));
    if (status == HEL_OK)
        status = hel_buf_put(job->engine, &text, line, strlen(line) + 1);
    if (status == HEL_OK)
        hel_event(job->engine, "plan", hel_field_text("text", (const char *)text.data));
    if (status == HEL_OK && job->config->plan &&
        job->config->plan(job->config->plan_arg, (const char *)text.data))
        status = hel_fail(job->engine, HEL_E_CANCELLED, "null: stopped on request");
    hel_buf_free(&text);
    return status;
}

static void fill_head(const struct job *job, hel_head *head)
{
    memcpy(head->params, job->owner.head.params, sizeof head->params);
    memcpy(head->key_id, job->owner.head.key_id, sizeof head->key_id);
    const hel_head *data = hel_reader_head(job->dataset.reader);
    memcpy(head->dataset, data->dataset, sizeof head->dataset);
    memcpy(head->samples, data->samples, sizeof head->samples);
    memcpy(head->variants, data->variants, sizeof head->variants);
    head->sample_count = job->dataset.samples.count;
    head->variant_count = job->dataset.variants.count;
}

/* Weights of chunk c in the order of expansion. */
static void gather(const struct job *job, uint32_t c, int32_t *out)
{
    const hel_weights_layout *l = &job->layout;
    const uint32_t samples = hel_chunk_samples(l, c), segments = hel_chunk_segments(l, c);
    const uint64_t first = (uint64_t)c * l->chunk;
    for (uint32_t s = 0; s < segments; s++)
        for (uint32_t column = 0; column < l->columns; column++)
            for (uint32_t r = 0; r < l->segment; r++) {
                uint32_t i = s * l->segment + r;
                *out++ = i < samples ? job->model->column[column].w[first + i] : 0;
            }
}

static hel_status encrypt_chunks(struct job *job, hel_writer *w)
{
    hel_engine *engine = job->engine;
    const hel_weights_layout *l = &job->layout;
    const uint32_t n = job->owner.scheme->n;
    int32_t *weights = NULL;
    uint32_t *c0 = NULL;
    hel_encryptor *encryptor = NULL;
    const size_t largest = (size_t)hel_chunk_weights(l, 0) * sizeof *weights;
    uint64_t object = 0;
    hel_status status;
    HEL_TRY_GOTO(hel_malloc(engine, &weights, largest, 1), done);
    HEL_TRY_GOTO(hel_malloc(engine, &c0, l->poly_words, 4), done);
    HEL_TRY_GOTO(hel_encryptor_create(engine, &encryptor, job->owner.scheme, job->owner.key,
                                      job->public_seed, job->error_seed),
                 done);
    for (uint32_t c = 0; c < l->chunks; c++) {
        uint64_t count = hel_chunk_weights(l, c);
        gather(job, c, weights);
        for (uint64_t at = 0; at < count; at += n, object++) {
            uint32_t now = count - at < n ? (uint32_t)(count - at) : n;
            HEL_TRY_GOTO(hel_encrypt_weights(encryptor, object, weights + at, now, c0), done);
            HEL_TRY_GOTO(hel_writer_put(w, c0, l->poly_words * 4), done);
        }
        HEL_TRY_GOTO(hel_progress(engine, "null", c + 1, l->chunks, "chunks"), done);
    }
done:
    hel_wipe(weights, weights ? largest : 0);
    hel_free(weights);
    hel_free(c0);
    hel_encryptor_free(encryptor);
    return status;
}

/* The weights, finished but not committed: *out. */
static hel_status write_weights(struct job *job, const char *path, hel_head *head, hel_writer **out)
{
    hel_engine *engine = job->engine;
    const hel_model *m = job->model;
    hel_writer *w = NULL;
    hel_buf params = {0}, layout = {0}, columns = {0}, content = {0};
    uint8_t digest[HEL_DIGEST_BYTES];
    *head = (hel_head){.kind = HEL_KIND_WEIGHTS};
    fill_head(job, head);
    hel_status status;
    HEL_TRY_GOTO(hel_model_encode(engine, m, &content), done);
    HEL_TRY_GOTO(hel_sha256_once(engine, content.data, content.bytes, digest), done);
    HEL_TRY_GOTO(hel_fresh_seeds(engine, job->owner.key, digest, job->public_seed, job->error_seed),
                 done);
    memcpy(head->seed, job->public_seed, sizeof head->seed);
    HEL_TRY_GOTO(hel_params_encode(engine, &job->owner.scheme->params, &params), done);
    HEL_TRY_GOTO(hel_weights_layout_encode(engine, &job->layout, &layout), done);
    for (uint32_t c = 0; c < m->columns; c++)
        HEL_TRY_GOTO(hel_buf_put_u32(engine, &columns, m->column[c].planes), done);
    HEL_TRY_GOTO(hel_writer_open(engine, &w, path, head), done);
    HEL_TRY_GOTO(hel_writer_put_section(w, HEL_SECTION_PARAMS, params.data, params.bytes), done);
    HEL_TRY_GOTO(hel_writer_put_section(w, HEL_SECTION_LAYOUT, layout.data, layout.bytes), done);
    HEL_TRY_GOTO(hel_writer_put_section(w, HEL_SECTION_COLUMNS, columns.data, columns.bytes), done);
    HEL_TRY_GOTO(hel_writer_section(w, HEL_SECTION_CIPHER, 0), done);
    HEL_TRY_GOTO(encrypt_chunks(job, w), done);
    HEL_TRY_GOTO(hel_writer_finish(w, NULL), done);
    *out = w;
    w = NULL;
done:
    hel_writer_abort(w);
    hel_buf_free(&params);
    hel_buf_free(&layout);
    hel_buf_free(&columns);
    hel_buf_free_secret(&content);
    return status;
}

static hel_status write_model(struct job *job, const char *path, const hel_head *weights)
{
    hel_engine *engine = job->engine;
    hel_writer *w = NULL;
    hel_buf encoded = {0};
    hel_head head = {.kind = HEL_KIND_MODEL};
    fill_head(job, &head);
    memcpy(head.weights, weights->file_id, sizeof head.weights);
    hel_status status = hel_model_encode(engine, job->model, &encoded);
    if (status == HEL_OK)
        status = hel_writer_open(engine, &w, path, &head);
    if (status == HEL_OK)
        status = hel_writer_put_section(w, HEL_SECTION_MODEL, encoded.data, encoded.bytes);
    if (status == HEL_OK)
        status = hel_writer_mac(w, job->owner.mac_key);
    if (status == HEL_OK) {
        status = hel_writer_commit(w, NULL);
        w = NULL;
    }
    hel_writer_abort(w);
    hel_buf_free_secret(&encoded);
    return status;
}

static hel_status run(struct job *job, const char *weights, const char *model)
{
    hel_head head;
    HEL_TRY(hel_owner_open(job->engine, &job->owner, job->config->key, job->config->passphrase));
    HEL_TRY(hel_dataset_open(job->engine, &job->dataset, &job->owner, job->config->data));
    HEL_TRY(build_model(job));
    HEL_TRY(show_plan(job));
    hel_writer *w = NULL;
    HEL_TRY(write_weights(job, weights, &head, &w));
    hel_status status = write_model(job, model, &head);
    if (status == HEL_OK)
        return hel_writer_commit(w, NULL); /* both whole before either had its name */
    hel_writer_abort(w);
    return status;
}

hel_status hel_null(hel_engine *engine, const hel_null_config *config)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config, HEL_E_USAGE,
                "null: malformed configuration");
    HEL_REQUIRE(engine, config->data && config->out, HEL_E_USAGE,
                "null: needs the dataset file (--data) and an output prefix (--out)");
    HEL_REQUIRE(engine, config->trait >= 0 && config->trait <= 2, HEL_E_USAGE,
                "null: trait %d is not one of auto, linear, logistic", config->trait);
    struct job job = {.engine = engine, .config = config};
    char *weights = NULL, *model = NULL;
    hel_status status = hel_path_join(engine, &weights, config->out, ".weights");
    if (status == HEL_OK)
        status = hel_path_join(engine, &model, config->out, ".model");
    if (status == HEL_OK)
        status = run(&job, weights, model);
    if (status == HEL_OK) {
        hel_event_result(engine, model);
        hel_event_result(engine, weights);
    }
    hel_model_free(job.model);
    hel_dataset_close(&job.dataset);
    hel_owner_close(&job.owner);
    hel_wipe(job.error_seed, sizeof job.error_seed);
    hel_free(weights);
    hel_free(model);
    return status;
}
