/*
 * hel_merge: shards become the file that one scan writes. First everything is proved from the
 * headers (one scan, no gap, no overlap); only then a byte is written. Sums are read in the file's
 * order, a block at a time, and the very bytes whose checksums held are those that are written: a
 * page that is read wrongly later cannot get a checksum of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heloci/assoc.h"
#include "host/assoc/scan_manifest.h"
#include "host/assoc/shard.h"
#include "host/base/clock.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/progress.h"

typedef unsigned long long ull;

struct part {
    hel_reader *reader;
    hel_sums_layout layout;
    hel_shard shard;
    int fd;          /* the reader's */
    uint64_t offset; /* of the sums */
};

struct merge {
    hel_engine *engine;
    const hel_merge_config *config;
    struct part *part;
    uint32_t count;
    hel_writer *sums;
    hel_signer *signer;
    double began, clock_began;
};

/* ---- one part ---- */

/* The sums of one block of variants over one chunk of samples. */
static uint64_t block_bytes(const hel_sums_layout *l)
{
    return (uint64_t)l->outputs * 2 * ((uint64_t)l->limbs << l->log_n) * 4;
}

static hel_status open_part(struct merge *m, struct part *p, const char *path)
{
    hel_engine *engine = m->engine;
    const uint8_t *data;
    uint64_t bytes, body;
    uint32_t chunk_bytes;
    HEL_TRY(hel_reader_open(engine, &p->reader, path, 0));
    const hel_head *head = hel_reader_head(p->reader);
    HEL_REQUIRE(engine, head->kind != HEL_KIND_SUMS, HEL_E_MISMATCH,
                "%s: holds the sums of all variants: there is nothing to merge", path);
    HEL_REQUIRE(engine, head->kind == HEL_KIND_PARTIAL, HEL_E_FORMAT,
                "%s: byte 12: this is a %s file, partial sums are needed here", path,
                hel_kind_name(head->kind));
    HEL_TRY(
        hel_reader_place(p->reader, HEL_SECTION_CIPHER, &p->fd, &p->offset, &body, &chunk_bytes));
    HEL_TRY(hel_reader_checked(p->reader, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_TRY(hel_name_file(engine, path,
                          hel_sums_layout_decode(engine, data, bytes, UINT64_MAX, &p->layout)));
    HEL_TRY(hel_reader_checked(p->reader, HEL_SECTION_SHARD, &data, &bytes));
    HEL_TRY(hel_name_file(engine, path,
                          hel_shard_decode(engine, data, bytes, p->layout.blocks, &p->shard)));
    const uint64_t need = (uint64_t)p->layout.chunks * p->shard.count * block_bytes(&p->layout);
    HEL_REQUIRE(engine, body == need, HEL_E_FORMAT,
                "%s: the ciphertext section has %llu bytes, its layout needs %llu", path, (ull)body,
                (ull)need);
    HEL_REQUIRE(engine, block_bytes(&p->layout) % chunk_bytes == 0, HEL_E_FORMAT,
                "%s: checksums per %u bytes, the rule is one or more to a pair of %llu bytes", path,
                chunk_bytes, (ull)block_bytes(&p->layout) / p->layout.outputs);
    return HEL_OK;
}

/* ---- what they are together ---- */

static hel_status same_scan(struct merge *m, const struct part *a, const struct part *b)
{
    const char *x = hel_reader_path(a->reader), *y = hel_reader_path(b->reader);
    const hel_head *p = hel_reader_head(a->reader), *q = hel_reader_head(b->reader);
    HEL_TRY(
        hel_head_match(m->engine, a->reader, b->reader,
                       HEL_MATCH_PARAMS | HEL_MATCH_KEY | HEL_MATCH_SAMPLES | HEL_MATCH_VARIANTS));
    HEL_REQUIRE(m->engine,
                hel_equal(p->dataset, q->dataset, HEL_DIGEST_BYTES) &&
                    hel_equal(a->layout.geno_content, b->layout.geno_content, HEL_DIGEST_BYTES),
                HEL_E_MISMATCH, "%s and %s: sums over different genotypes", x, y);
    HEL_REQUIRE(
        m->engine,
        hel_equal(p->weights, q->weights, HEL_DIGEST_BYTES) &&
            hel_equal(a->layout.weights_content, b->layout.weights_content, HEL_DIGEST_BYTES),
        HEL_E_MISMATCH, "%s and %s: sums of different weights", x, y);
    HEL_REQUIRE(m->engine, hel_equal(a->shard.evk_content, b->shard.evk_content, HEL_DIGEST_BYTES),
                HEL_E_MISMATCH, "%s and %s: made with different evaluation keys", x, y);
    const hel_sums_layout *s = &a->layout, *t = &b->layout;
    HEL_REQUIRE(m->engine,
                s->log_n == t->log_n && s->limbs == t->limbs && s->chunks == t->chunks &&
                    s->blocks == t->blocks && s->outputs == t->outputs &&
                    s->columns == t->columns && s->variants == t->variants,
                HEL_E_MISMATCH, "%s and %s: sums of different shapes", x, y);
    return HEL_OK;
}

static int by_first_block(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->shard.first != y->shard.first)
        return x->shard.first < y->shard.first ? -1 : 1;
    return x->shard.count < y->shard.count ? -1 : x->shard.count > y->shard.count;
}

/* Variants of blocks first .. last - 1, counted from 1. */
static hel_status missing(struct merge *m, uint32_t first, uint32_t last, const char *where)
{
    const hel_sums_layout *l = &m->part[0].layout;
    const ull from = ((ull)first << l->log_n) + 1, end = (ull)last << l->log_n;
    return hel_fail(m->engine, HEL_E_MISMATCH,
                    "merge: variants %llu to %llu are in none of the files (%s); %u file%s, shards "
                    "of %u",
                    from, end < l->variants ? end : (ull)l->variants, where, m->count,
                    m->count == 1 ? "" : "s", m->part[0].shard.shards);
}

static hel_status covers_all(struct merge *m)
{
    uint32_t at = 0;
    char where[600];
    qsort(m->part, m->count, sizeof *m->part, by_first_block);
    for (uint32_t i = 0; i < m->count; i++) {
        const struct part *p = &m->part[i];
        const char *path = hel_reader_path(p->reader);
        if (p->shard.first > at) {
            snprintf(where, sizeof where, "before %.500s", path);
            return missing(m, at, p->shard.first, where);
        }
        HEL_REQUIRE(
            m->engine, p->shard.first >= at, HEL_E_MISMATCH,
            "%s and %s: variants %llu to %llu are in both", hel_reader_path(m->part[i - 1].reader),
            path, ((ull)p->shard.first << p->layout.log_n) + 1,
            (ull)(at < p->shard.first + p->shard.count ? at : p->shard.first + p->shard.count)
                << p->layout.log_n);
        at = p->shard.first + p->shard.count;
    }
    if (at < m->part[0].layout.blocks)
        return missing(m, at, m->part[0].layout.blocks, "at the end");
    return HEL_OK;
}

static hel_status open_parts(struct merge *m)
{
    HEL_TRY(hel_calloc(m->engine, &m->part, m->config->count, sizeof *m->part));
    for (; m->count < m->config->count; m->count++) {
        struct part *p = &m->part[m->count];
        const hel_status status = open_part(m, p, m->config->files[m->count]);
        if (status != HEL_OK) {
            m->count++; /* its reader is closed with the others */
            return status;
        }
    }
    for (uint32_t i = 1; i < m->count; i++)
        HEL_TRY(same_scan(m, &m->part[0], &m->part[i]));
    return covers_all(m);
}

/* ---- the result ---- */

static hel_status open_sums(struct merge *m, const char *path)
{
    const struct part *p = &m->part[0];
    hel_head head = *hel_reader_head(p->reader);
    hel_buf buf = {0};
    head.kind = HEL_KIND_SUMS;
    HEL_TRY(hel_sums_file_id(m->engine, &p->layout, p->shard.evk_content, 0, p->layout.blocks,
                             head.file_id));
    HEL_TRY(hel_writer_open_named(m->engine, &m->sums, path, &head, 0));
    hel_status status = hel_sums_layout_encode(m->engine, &p->layout, &buf);
    if (status == HEL_OK)
        status = hel_writer_put_section(m->sums, HEL_SECTION_LAYOUT, buf.data, buf.bytes);
    hel_buf_free(&buf);
    HEL_TRY(status);
    return hel_writer_section(m->sums, HEL_SECTION_CIPHER,
                              (uint32_t)((p->layout.limbs * 2u) << p->layout.log_n) * 4);
}

static hel_status copy_block(struct merge *m, const struct part *p, uint64_t index, uint8_t *buffer)
{
    const uint64_t block = block_bytes(&p->layout), at = index * block;
    HEL_TRY(hel_file_read_at(m->engine, p->fd, hel_reader_path(p->reader), buffer, block,
                             p->offset + at));
    HEL_TRY(hel_reader_check_memory(p->reader, HEL_SECTION_CIPHER, at, buffer, block));
    return hel_writer_put(m->sums, buffer, block);
}

static hel_status copy_all(struct merge *m, uint8_t *buffer)
{
    const hel_sums_layout *l = &m->part[0].layout;
    const uint64_t total = (uint64_t)l->chunks * l->blocks;
    uint64_t done = 0;
    HEL_TRY(hel_progress(m->engine, "merge", 0, total, "blocks"));
    for (uint32_t chunk = 0; chunk < l->chunks; chunk++)
        for (uint32_t i = 0; i < m->count; i++) {
            const struct part *p = &m->part[i];
            for (uint32_t b = 0; b < p->shard.count; b++) {
                HEL_TRY(copy_block(m, p, (uint64_t)chunk * p->shard.count + b, buffer));
                HEL_TRY(hel_progress(m->engine, "merge", ++done, total, "blocks"));
            }
        }
    return HEL_OK;
}

static hel_status copy_sums(struct merge *m)
{
    uint8_t *buffer;
    HEL_TRY(hel_malloc(m->engine, &buffer, 1, block_bytes(&m->part[0].layout)));
    const hel_status status = copy_all(m, buffer);
    hel_free(buffer);
    return status;
}

/* With the parts and their manifests, which are looked at here. */
static hel_status write_manifest(struct merge *m, const char *whole, const char *path,
                                 hel_manifest **out)
{
    const hel_sums_layout *l = &m->part[0].layout;
    const hel_reader **part;
    HEL_TRY(hel_malloc(m->engine, &part, m->count, sizeof *part));
    for (uint32_t i = 0; i < m->count; i++)
        part[i] = m->part[i].reader;
    const hel_scan_facts facts = {.command = "merge",
                                  .part = part,
                                  .parts = m->count,
                                  .samples = hel_reader_head(m->part[0].reader)->sample_count,
                                  .variants = l->variants,
                                  .columns = l->columns,
                                  .outputs = l->outputs,
                                  .started = m->began,
                                  .wall = hel_clock_seconds() - m->clock_began,
                                  .cpu = -1};
    hel_status status = hel_scan_manifest(m->engine, out, &facts, m->signer, whole, path);
    hel_free(part);
    return status;
}

/* As in a scan: both are whole on disk before either gets its name, the manifest's comes first. */
static hel_status commit(struct merge *m, const char *path)
{
    char *whole = NULL;
    hel_manifest *manifest = NULL;
    hel_status status = hel_writer_finish(m->sums, NULL);
    if (status == HEL_OK)
        status = hel_path_join(m->engine, &whole, path, ".part");
    if (status == HEL_OK)
        status = write_manifest(m, whole, path, &manifest);
    if (status == HEL_OK)
        status = hel_manifest_commit(manifest);
    if (status == HEL_OK) {
        status = hel_writer_commit(m->sums, NULL);
        m->sums = NULL;
    }
    if (status == HEL_OK)
        hel_event_result(m->engine, path);
    hel_manifest_free(manifest);
    hel_free(whole);
    return status;
}

static hel_status run(struct merge *m, const char *path)
{
    m->began = hel_time_now();
    m->clock_began = hel_clock_seconds();
    HEL_TRY(hel_signer_open(m->engine, &m->signer, m->config->sign));
    HEL_TRY(open_parts(m));
    HEL_TRY(open_sums(m, path));
    HEL_TRY(copy_sums(m));
    return commit(m, path);
}

hel_status hel_merge(hel_engine *engine, const hel_merge_config *config)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config, HEL_E_USAGE,
                "merge: malformed configuration");
    HEL_REQUIRE(engine, config->files && config->count && config->out, HEL_E_USAGE,
                "merge: needs the shards' files and --out");
    struct merge m = {.engine = engine, .config = config};
    char *path = NULL;
    hel_status status = hel_path_join(engine, &path, config->out, ".sums");
    if (status == HEL_OK)
        status = run(&m, path);
    hel_writer_abort(m.sums);
    hel_signer_close(m.signer);
    for (uint32_t i = 0; i < m.count; i++)
        hel_reader_close(m.part[i].reader);
    hel_free(m.part);
    hel_free(path);
    return status;
}
