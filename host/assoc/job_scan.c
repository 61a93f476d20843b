/*
 * hel_scan: the compute centre's job. Opens public files only, runs the loops of scan_private.h,
 * writes the encrypted sums. The arithmetic is behind a table of calls.
 */
#include <string.h>
#include <time.h>

#include "host/assoc/scan_manifest.h"
#include "host/assoc/scan_private.h"
#include "host/base/clock.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/progress.h"

double hel_scan_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
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

    HEL_TRY(hel_reader_section(s->geno, HEL_SECTION_CIPHER, &s->geno_body, &body));
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

uint64_t hel_scan_host_bytes(const struct scan *s, uint64_t row_polys, uint32_t result_blocks)
{
    const hel_params *p = &s->scheme->params;
    const uint64_t n = s->scheme->n;
    /* three Galois keys per two levels of the expansion tree */
    uint64_t keys =
        (uint64_t)(p->log_n + 1) / 2 * 3 * s->scheme->digits * 2 * s->scheme->total * n * 4;
    return keys * 5 / 2 + row_polys * s->gl.poly_words * 4 +
           result_blocks * scan_result_words(s) * 4 + ((uint64_t)16 << 20);
}

uint64_t hel_scan_row_polys(const struct scan *s, uint32_t samples)
{
    const uint32_t blocks = s->gl.blocks < s->gl.super_block ? s->gl.blocks : s->gl.super_block;
    return (uint64_t)samples * s->gl.plane_count * blocks;
}

hel_status hel_scan_progress(struct scan *s)
{
    const uint64_t done = s->done > s->in_flight ? s->done - s->in_flight : 1; /* 0: begins */
    return hel_progress(s->engine, "scan", done, s->total, "genotypes");
}

/* The batch at hand meets the super-blocks of the range. */
static hel_status scan_batch(struct scan *s, int last)
{
    const uint32_t range_end = s->range_first + s->range_count;
    for (s->super = s->range_first / s->gl.super_block; s->super * s->gl.super_block < range_end;
         s->super++) {
        HEL_TRY(hel_scan_check_before(s));
        HEL_TRY(s->ops->accumulate(s));
        HEL_TRY(hel_scan_check_after(s));
        if (last) {
            s->done += (uint64_t)s->tile_samples * scan_super_count(s) << s->gl.log_n;
            HEL_TRY(hel_scan_progress(s));
        }
    }
    return HEL_OK;
}

static hel_status scan_tile(struct scan *s)
{
    for (s->batch_first = 0; s->batch_first < s->wl.columns; s->batch_first += s->batch_count) {
        const uint32_t left = s->wl.columns - s->batch_first;
        const int last = left <= s->column_batch;
        s->batch_count = last ? left : s->column_batch;
        double t0 = hel_scan_cpu_seconds();
        HEL_TRY(s->ops->expand(s));
        double t1 = hel_scan_cpu_seconds();
        s->stats.cpu_expand += t1 - t0;
        hel_scan_check_batch(s);
        const double check = s->stats.cpu_check;
        HEL_TRY(scan_batch(s, last));
        s->stats.cpu_scan += hel_scan_cpu_seconds() - t1 - (s->stats.cpu_check - check);
    }
    return HEL_OK;
}

/* Finished blocks of the range, in the file's order. */
static hel_status write_range(struct scan *s)
{
    const double t0 = hel_scan_cpu_seconds(), check = s->stats.cpu_check;
    for (uint32_t first = 0, count; first < s->range_count; first += count) {
        count = s->range_count - first;
        count = count < s->result_blocks ? count : s->result_blocks;
        HEL_TRY(s->ops->finish(s, first, count, s->result));
        HEL_TRY(hel_scan_check_sums(s, first, count, s->result));
        HEL_TRY(hel_writer_put(s->sums, s->result, count * scan_result_words(s) * 4));
        if (s->in_flight) { /* nothing is, once its sums have arrived */
            s->in_flight = 0;
            HEL_TRY(hel_scan_progress(s));
        }
    }
    s->stats.cpu_output += hel_scan_cpu_seconds() - t0 - (s->stats.cpu_check - check);
    return HEL_OK;
}

static hel_status scan_range(struct scan *s)
{
    const uint32_t samples = hel_chunk_samples(&s->wl, s->chunk);
    HEL_TRY(s->ops->clear(s));
    hel_scan_check_range(s);
    for (s->tile_first = 0; s->tile_first < samples; s->tile_first += s->tile) {
        s->tile_samples = samples - s->tile_first < s->tile ? samples - s->tile_first : s->tile;
        HEL_TRY(scan_tile(s));
    }
    return write_range(s);
}

static hel_status scan_all(struct scan *s)
{
    s->total = (uint64_t)s->gl.samples * s->gl.blocks << s->gl.log_n;
    HEL_TRY(hel_progress(s->engine, "scan", 0, s->total, "genotypes"));
    for (s->chunk = 0; s->chunk < s->wl.chunks; s->chunk++)
        for (s->range_first = 0; s->range_first < s->gl.blocks; s->range_first += s->range) {
            const uint32_t left = s->gl.blocks - s->range_first;
            s->range_count = left < s->range ? left : s->range;
            HEL_TRY(scan_range(s));
        }
    s->stats.genotypes = s->total;
    return s->ops->account(s);
}

static hel_status open_output(struct scan *s, const char *path)
{
    const hel_head *geno = hel_reader_head(s->geno), *weights = hel_reader_head(s->weights);
    hel_head head = {.kind = HEL_KIND_SUMS,
                     .sample_count = geno->sample_count,
                     .variant_count = geno->variant_count};
    memcpy(head.params, geno->params, sizeof head.params);
    memcpy(head.key_id, geno->key_id, sizeof head.key_id);
    memcpy(head.dataset, geno->file_id, sizeof head.dataset);
    memcpy(head.weights, weights->file_id, sizeof head.weights);
    memcpy(head.samples, geno->samples, sizeof head.samples);
    memcpy(head.variants, geno->variants, sizeof head.variants);
    hel_sums_layout layout = {.log_n = s->gl.log_n,
                              .limbs = s->scheme->params.out_limbs,
                              .chunks = s->wl.chunks,
                              .blocks = s->gl.blocks,
                              .outputs = s->outputs,
                              .columns = s->wl.columns,
                              .variants = s->gl.variants};
    memcpy(layout.geno_content, hel_reader_content(s->geno), HEL_DIGEST_BYTES);
    memcpy(layout.weights_content, hel_reader_content(s->weights), HEL_DIGEST_BYTES);
    HEL_TRY(hel_writer_open(s->engine, &s->sums, path, &head));
    hel_buf encoded = {0};
    hel_status status = hel_sums_layout_encode(s->engine, &layout, &encoded);
    if (status == HEL_OK)
        status = hel_writer_put_section(s->sums, HEL_SECTION_LAYOUT, encoded.data, encoded.bytes);
    hel_buf_free(&encoded);
    HEL_TRY(status);
    return hel_writer_section(s->sums, HEL_SECTION_CIPHER, 0);
}

/* Sums and manifest are whole on disk before either gets its name; the manifest's comes first. */
static hel_status commit(struct scan *s, const char *path, const hel_signer *signer, double started)
{
    const hel_scan_stats *t = &s->stats;
    const double all = t->wall * hel_engine_threads(s->engine);
    const hel_manifest_stage stage[] = {
        {"expand", t->cpu_expand, 0, t->key_switches, all > 0 ? t->cpu_expand / all : -1},
        {"scan", t->cpu_scan, 0, t->genotypes, all > 0 ? t->cpu_scan / all : -1},
        {"output", t->cpu_output, 0, s->gl.blocks, all > 0 ? t->cpu_output / all : -1},
    };
    const hel_scan_facts facts = {
        .command = "scan",
        .genotypes = s->geno,
        .weights = s->weights,
        .evk = s->evk,
        .params = &s->scheme->params,
        .samples = s->gl.samples,
        .variants = s->gl.variants,
        .columns = s->wl.columns,
        .outputs = s->outputs,
        .planes = s->gl.plane_count,
        .device = hel_engine_backend_text(s->engine),
        .started = started,
        .wall = t->wall,
        .cpu = t->cpu_expand + t->cpu_scan + t->cpu_output + t->cpu_check,
        .stage = stage,
        .stages = sizeof stage / sizeof stage[0],
        .passes = t->passes,
        .verify = s->config->verify,
        .tiles = t->tiles,
        .tiles_verified = t->tiles_verified,
        .sums = t->sums,
        .sums_verified = t->sums_verified,
    };
    char *part = NULL;
    hel_manifest *manifest = NULL;
    hel_status status = hel_writer_finish(s->sums, NULL);
    if (status == HEL_OK)
        status = hel_path_join(s->engine, &part, path, ".part");
    if (status == HEL_OK)
        status = hel_scan_manifest(s->engine, &manifest, &facts, signer, part, path);
    if (status == HEL_OK)
        status = hel_manifest_commit(manifest);
    if (status == HEL_OK) {
        status = hel_writer_commit(s->sums, NULL);
        s->sums = NULL;
    }
    if (status == HEL_OK)
        hel_event_result(s->engine, path);
    hel_manifest_free(manifest);
    hel_free(part);
    return status;
}

static hel_status run(struct scan *s, const char *path, const hel_signer *signer)
{
    const double start = wall_seconds(), started = hel_time_now();
    HEL_TRY(open_inputs(s));
    HEL_TRY(order_outputs(s));
    HEL_TRY(hel_scan_backend_open(s));
    HEL_TRY(s->ops->plan(s));
    s->stats.passes = (s->gl.blocks + s->range - 1) / s->range;
    HEL_TRY(hel_malloc(s->engine, &s->result, s->result_blocks, scan_result_words(s) * 4));
    HEL_TRY(s->ops->allocate(s));
    HEL_TRY(hel_scan_check_open(s));
    HEL_TRY(open_output(s, path));
    HEL_TRY(scan_all(s));
    s->stats.wall = wall_seconds() - start;
    hel_status status = commit(s, path, signer, started);
    s->stats.wall = wall_seconds() - start;
    return status;
}

static void release(struct scan *s)
{
    hel_writer_abort(s->sums);
    hel_scan_check_close(s);
    if (s->ops)
        s->ops->release(s);
    hel_free(s->result);
    for (int p = 0; p < HEL_PLANES; p++)
        hel_free(s->plane_columns[p]);
    hel_free(s->slot);
    hel_free(s->output);
    hel_eval_keys_free(s->keys);
    hel_scheme_free(s->scheme);
    hel_reader_close(s->geno);
    hel_reader_close(s->weights);
    hel_reader_close(s->evk);
}

hel_status hel_scan(hel_engine *engine, const hel_scan_config *config, hel_scan_stats *stats)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config, HEL_E_USAGE,
                "scan: malformed configuration");
    HEL_REQUIRE(engine, config->geno && config->weights && config->evk && config->out, HEL_E_USAGE,
                "scan: needs --geno, --weights, --evk and --out");
    HEL_REQUIRE(engine, config->verify >= 0 && config->verify <= 1, HEL_E_USAGE,
                "scan: the fraction to verify is %g, the rule is 0 to 1", config->verify);
    struct scan s = {.engine = engine, .config = config};
    char *path = NULL;
    hel_signer *signer = NULL;
    hel_status status = hel_signer_open(engine, &signer, config->sign); /* before hours of work */
    if (status == HEL_OK)
        status = hel_path_join(engine, &path, config->out, ".sums");
    if (status == HEL_OK)
        status = run(&s, path, signer);
    release(&s);
    hel_signer_close(signer);
    hel_free(path);
    if (stats)
        *stats = s.stats;
    return status;
}
