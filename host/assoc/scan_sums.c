/*
 * The file of results: encrypted sums of everything (kind sums) or of a shard (kind partial sums).
 * Nothing in it but the inputs decides its bytes: the file id comes from theirs, there is no time
 * in the header, and pairs lie where (chunk, block, output) says, whoever finished them first. One
 * pair is one checksummed piece, so pairs are written as they come.
 */
#include <string.h>
#include <unistd.h>

#include "host/assoc/scan_private.h"
#include "host/base/mem.h"
#include "host/base/pool.h"

static uint32_t pair_bytes(const struct scan *s)
{
    return (uint32_t)(2 * s->scheme->params.out_limbs * s->scheme->n * 4);
}

hel_status hel_scan_sums_describe(struct scan_job *job)
{
    const struct scan *s = &job->base;
    const hel_scan_config *c = s->config;
    job->layout = (hel_sums_layout){.log_n = s->gl.log_n,
                                    .limbs = s->scheme->params.out_limbs,
                                    .chunks = s->wl.chunks,
                                    .blocks = s->gl.blocks,
                                    .outputs = s->outputs,
                                    .columns = s->wl.columns,
                                    .variants = s->gl.variants};
    memcpy(job->layout.geno_content, hel_reader_content(s->geno), HEL_DIGEST_BYTES);
    memcpy(job->layout.weights_content, hel_reader_content(s->weights), HEL_DIGEST_BYTES);
    job->first_block = 0;
    job->block_count = s->gl.blocks;
    if (c->shards)
        HEL_TRY(hel_shard_range(s->engine, &s->gl, c->shard, c->shards, &job->first_block,
                                &job->block_count));
    job->shard = (hel_shard){.shard = c->shard,
                             .shards = c->shards,
                             .first = job->first_block,
                             .count = job->block_count};
    memcpy(job->shard.evk_content, hel_reader_content(s->evk), HEL_DIGEST_BYTES);
    HEL_TRY(hel_shard_path(s->engine, &job->path, c->out, c->shard, c->shards, ".sums"));
    return hel_shard_path(s->engine, &job->checkpoint_path, c->out, c->shard, c->shards, ".ckpt");
}

static hel_status describe_head(const struct scan_job *job, hel_head *head)
{
    const struct scan *s = &job->base;
    const hel_head *geno = hel_reader_head(s->geno), *weights = hel_reader_head(s->weights);
    *head = (hel_head){.kind = job->shard.shards ? HEL_KIND_PARTIAL : HEL_KIND_SUMS,
                       .sample_count = geno->sample_count,
                       .variant_count = geno->variant_count};
    memcpy(head->params, geno->params, sizeof head->params);
    memcpy(head->key_id, geno->key_id, sizeof head->key_id);
    memcpy(head->dataset, geno->file_id, sizeof head->dataset);
    memcpy(head->weights, weights->file_id, sizeof head->weights);
    memcpy(head->samples, geno->samples, sizeof head->samples);
    memcpy(head->variants, geno->variants, sizeof head->variants);
    return hel_sums_file_id(s->engine, &job->layout, job->shard.evk_content, job->first_block,
                            job->block_count, head->file_id);
}

/* A shard that is there, whole, and of these inputs. */
hel_status hel_scan_sums_exists(struct scan_job *job, int *there)
{
    hel_engine *engine = job->base.engine;
    hel_head head;
    hel_reader *r;
    *there = 0;
    if (!job->shard.shards || access(job->path, F_OK) != 0)
        return HEL_OK;
    HEL_TRY(describe_head(job, &head));
    hel_status status = hel_reader_open(engine, &r, job->path, HEL_KIND_PARTIAL);
    if (status == HEL_OK) {
        *there = hel_equal(hel_reader_head(r)->file_id, head.file_id, sizeof head.file_id) &&
                 hel_reader_check_all(r) == HEL_OK;
        hel_reader_close(r);
    }
    if (status == HEL_E_MEMORY)
        return status;
    hel_error_clear(engine); /* anything else is no such shard, and is replaced */
    return HEL_OK;
}

static hel_status put_section(hel_status status, hel_writer *w, uint32_t id, hel_buf *buf)
{
    if (status == HEL_OK)
        status = hel_writer_put_section(w, id, buf->data, buf->bytes);
    hel_buf_free(buf);
    return status;
}

hel_status hel_scan_sums_open(struct scan_job *job, int again)
{
    const struct scan *s = &job->base;
    hel_engine *engine = s->engine;
    hel_head head;
    hel_buf buf = {0};
    HEL_TRY(describe_head(job, &head));
    HEL_TRY(hel_writer_open_named(engine, &job->sums, job->path, &head, again));
    HEL_TRY(put_section(hel_sums_layout_encode(engine, &job->layout, &buf), job->sums,
                        HEL_SECTION_LAYOUT, &buf));
    if (job->shard.shards)
        HEL_TRY(put_section(hel_shard_encode(engine, &job->shard, &buf), job->sums,
                            HEL_SECTION_SHARD, &buf));
    return hel_writer_place(job->sums, HEL_SECTION_CIPHER, pair_bytes(s),
                            (uint64_t)job->layout.chunks * job->block_count * s->outputs *
                                pair_bytes(s));
}

struct put_job {
    struct scan *s;
    const scan_unit *unit;
    uint32_t first; /* block of the unit */
    const uint32_t *sums;
};

/* Item = block: its outputs are neighbours in the file. */
static hel_status put_block(void *arg, size_t index, uint32_t worker)
{
    const struct put_job *p = arg;
    struct scan *s = p->s;
    const uint64_t bytes = scan_result_words(s) * 4;
    const uint32_t block = p->unit->first + p->first + (uint32_t)index;
    const hel_stage_mark mark = hel_stage_enter();
    (void)worker;
    HEL_TRY(hel_writer_put_at(s->job->sums,
                              scan_pair(s->job, p->unit->chunk, block, 0) * pair_bytes(s),
                              p->sums + index * scan_result_words(s), bytes));
    hel_stage_leave(&s->stage[STAGE_WRITE], &mark, s->outputs, bytes);
    return HEL_OK;
}

hel_status hel_scan_sums_put(struct scan *s, const scan_unit *unit, uint32_t first, uint32_t count,
                             const uint32_t *sums)
{
    struct put_job put = {s, unit, first, sums};
    struct scan_job *job = s->job;
    HEL_TRY(hel_parallel(s->engine, count, put_block, &put));
    pthread_mutex_lock(&job->lock);
    memset(job->finished + (size_t)unit->chunk * job->block_count +
               (unit->first + first - job->first_block),
           1, count);
    pthread_mutex_unlock(&job->lock);
    return HEL_OK;
}
