/*
 * Writing a container as a stream: sections go straight to the file, only one 64-bit checksum per
 * chunk stays in memory. Any failure sticks: the file can then only be dropped.
 */
#include <time.h>

#include "host/base/mem.h"
#include "host/store/container_write_private.h"

static void drop(hel_writer *w, int leave)
{
    if (leave)
        hel_outfile_leave(&w->file);
    else
        hel_outfile_abort(&w->file);
    hel_placed_free(&w->placed);
    hel_sha256_free(w->sha);
    hel_free(w->sections);
    hel_buf_free_secret(&w->sums);
    hel_wipe(w, sizeof *w); /* the checksum's state holds the last bytes of a secret */
    hel_free(w);
}

void hel_writer_abort(hel_writer *w)
{
    if (w)
        drop(w, 0);
}

void hel_writer_leave(hel_writer *w)
{
    if (w)
        drop(w, 1);
}

static hel_status stick(hel_writer *w, hel_status status)
{
    if (w->failed == HEL_OK)
        w->failed = status;
    return status;
}

static hel_status open_writer(hel_engine *engine, hel_writer **out, const char *path,
                              const hel_head *head, int again)
{
    static const uint8_t blank[HEL_CONTAINER_HEADER_BYTES];
    const int secret = hel_kind_is_secret(head->kind);
    hel_writer *w;
    hel_status status = HEL_OK;
    HEL_TRY(hel_calloc(engine, &w, 1, sizeof *w));
    w->engine = engine;
    w->head = *head;
    w->checksum = hel_checksum_pick(hel_engine_simd(engine));
    if (secret)
        status = hel_sha256_create(engine, &w->sha);
    if (status == HEL_OK)
        status = again ? hel_outfile_reopen(engine, &w->file, path, 0644)
                       : hel_outfile_open(engine, &w->file, path, secret ? 0600 : 0644);
    if (status == HEL_OK)
        status = hel_outfile_write(engine, &w->file, blank, sizeof blank);
    if (status != HEL_OK) {
        drop(w, again);
        return status;
    }
    *out = w;
    return HEL_OK;
}

static hel_status check_kind(hel_engine *engine, const char *path, const hel_head *head)
{
    HEL_REQUIRE(engine, head->kind >= HEL_KIND_PARAMS && head->kind <= HEL_KIND_LAST,
                HEL_E_INTERNAL, "%s: cannot write a file of kind %d", path, (int)head->kind);
    return HEL_OK;
}

hel_status hel_writer_open(hel_engine *engine, hel_writer **out, const char *path, hel_head *head)
{
    *out = NULL;
    HEL_TRY(check_kind(engine, path, head));
    HEL_TRY(hel_random(engine, head->file_id, sizeof head->file_id));
    head->created_unix = (uint64_t)time(NULL);
    return open_writer(engine, out, path, head, 0);
}

hel_status hel_writer_open_named(hel_engine *engine, hel_writer **out, const char *path,
                                 const hel_head *head, int again)
{
    *out = NULL;
    HEL_TRY(check_kind(engine, path, head));
    HEL_REQUIRE(engine, !hel_kind_is_secret(head->kind), HEL_E_INTERNAL,
                "%s: a file with secrets has a fresh id", path);
    return open_writer(engine, out, path, head, again);
}

static hel_status end_chunk(hel_writer *w, uint64_t sum)
{
    w->fill = 0;
    return hel_buf_put_u64(w->engine, &w->sums, sum);
}

static hel_status end_section(hel_writer *w)
{
    static const uint8_t zeros[HEL_CONTAINER_ALIGN];
    if (!w->open)
        return HEL_OK;
    w->open = 0;
    if (w->placed.bytes)
        HEL_TRY(hel_placed_end(w));
    if (w->sha)
        hel_sha256_final(w->sha, w->sections[w->count - 1].digest);
    if (w->fill > 0)
        HEL_TRY(end_chunk(w, XXH3_64bits_digest(&w->chunk)));
    uint64_t pad = hel_container_align(w->file.offset) - w->file.offset;
    return hel_outfile_write(w->engine, &w->file, zeros, (size_t)pad);
}

static hel_status grow(hel_writer *w)
{
    hel_section *more;
    uint32_t capacity = w->capacity ? 2 * w->capacity : 16;
    if (w->count < w->capacity)
        return HEL_OK;
    HEL_TRY(hel_calloc(w->engine, &more, capacity, sizeof *more));
    if (w->count)
        memcpy(more, w->sections, w->count * sizeof *more);
    hel_free(w->sections);
    w->sections = more;
    w->capacity = capacity;
    return HEL_OK;
}

hel_status hel_writer_begin(hel_writer *w, uint32_t id, uint32_t chunk_bytes)
{
    char name[HEL_SECTION_NAME_BYTES];
    hel_section_name(name, id);
    if (chunk_bytes == 0)
        chunk_bytes = HEL_CONTAINER_CHUNK;
    HEL_REQUIRE(w->engine, !w->sealed && !w->finished, HEL_E_INTERNAL,
                "%s: section %s after the %s", w->file.path, name, w->sealed ? "MAC" : "end");
    HEL_REQUIRE(w->engine,
                chunk_bytes >= HEL_CONTAINER_MIN_CHUNK && chunk_bytes <= HEL_CONTAINER_MAX_CHUNK,
                HEL_E_INTERNAL, "%s: section %s: chunks of %u bytes, allowed are %u to %u",
                w->file.path, name, chunk_bytes, HEL_CONTAINER_MIN_CHUNK, HEL_CONTAINER_MAX_CHUNK);
    HEL_REQUIRE(w->engine, w->count < HEL_CONTAINER_MAX_SECTIONS, HEL_E_INTERNAL,
                "%s: section %s: more than %u sections", w->file.path, name,
                HEL_CONTAINER_MAX_SECTIONS);
    for (uint32_t i = 0; i < w->count; i++)
        HEL_REQUIRE(w->engine, w->sections[i].id != id, HEL_E_INTERNAL,
                    "%s: section %s is written twice", w->file.path, name);
    HEL_TRY(end_section(w));
    HEL_TRY(grow(w));
    w->sections[w->count++] =
        (hel_section){.id = id, .chunk_bytes = chunk_bytes, .offset = w->file.offset};
    w->open = 1;
    XXH3_64bits_reset(&w->chunk);
    return HEL_OK;
}

hel_status hel_writer_section(hel_writer *w, uint32_t id, uint32_t chunk_bytes)
{
    HEL_TRY(w->failed);
    return stick(w, hel_writer_begin(w, id, chunk_bytes));
}

static hel_status put(hel_writer *w, const uint8_t *data, size_t bytes)
{
    HEL_REQUIRE(w->engine, w->open && !w->finished && !w->placed.bytes, HEL_E_INTERNAL,
                "%s: bytes outside a section", w->file.path);
    hel_section *s = &w->sections[w->count - 1];
    if (w->sha && bytes > 0)
        hel_sha256_update(w->sha, data, bytes);
    for (size_t at = 0; at < bytes;) {
        size_t now = s->chunk_bytes - w->fill;
        if (now > bytes - at)
            now = bytes - at;
        if (now == s->chunk_bytes) { /* a whole chunk: no state needed */
            HEL_TRY(end_chunk(w, w->checksum(data + at, now)));
        } else {
            XXH3_64bits_update(&w->chunk, data + at, now);
            w->fill += (uint32_t)now;
            if (w->fill == s->chunk_bytes) {
                HEL_TRY(end_chunk(w, XXH3_64bits_digest(&w->chunk)));
                XXH3_64bits_reset(&w->chunk);
            }
        }
        at += now;
    }
    s->bytes += bytes;
    return hel_outfile_write(w->engine, &w->file, data, bytes);
}

hel_status hel_writer_put(hel_writer *w, const void *data, size_t bytes)
{
    HEL_TRY(w->failed);
    return stick(w, put(w, data, bytes));
}

hel_status hel_writer_put_section(hel_writer *w, uint32_t id, const void *data, size_t bytes)
{
    HEL_TRY(hel_writer_section(w, id, 0));
    return hel_writer_put(w, data, bytes);
}

hel_status hel_writer_align(hel_writer *w, uint32_t bytes)
{
    static const uint8_t zeros[4096];
    HEL_TRY(w->failed);
    HEL_TRY(stick(w, end_section(w))); /* pads to 64 */
    uint64_t left = (bytes - w->file.offset % bytes) % bytes;
    if (left == 0)
        return HEL_OK;
    HEL_TRY(hel_writer_section(w, HEL_SECTION_PADDING, 0));
    for (uint64_t now; left > 0; left -= now) {
        now = left < sizeof zeros ? left : sizeof zeros;
        HEL_TRY(hel_writer_put(w, zeros, (size_t)now));
    }
    return HEL_OK;
}

static hel_status put_mac(hel_writer *w, const uint8_t key[32])
{
    uint8_t mac[HEL_DIGEST_BYTES];
    HEL_REQUIRE(w->engine, w->sha, HEL_E_INTERNAL, "%s: only owner-only files carry a MAC",
                w->file.path);
    HEL_TRY(end_section(w));
    HEL_TRY(hel_container_mac(w->engine, mac, key, &w->head, w->sections, w->count));
    HEL_TRY(hel_writer_begin(w, HEL_SECTION_MAC, 0));
    HEL_TRY(put(w, mac, sizeof mac));
    w->sealed = 1;
    return HEL_OK;
}

hel_status hel_writer_mac(hel_writer *w, const uint8_t key[32])
{
    HEL_TRY(w->failed);
    return stick(w, put_mac(w, key));
}

/* Table and sums, as they stand at the end of the file. */
static hel_status encode_tail(hel_writer *w, hel_buf *tail, uint64_t table_offset)
{
    uint64_t sums = table_offset + (uint64_t)w->count * HEL_CONTAINER_ENTRY_BYTES;
    for (uint32_t i = 0; i < w->count; i++) {
        hel_section *s = &w->sections[i];
        uint8_t entry[HEL_CONTAINER_ENTRY_BYTES];
        s->sums = sums;
        sums += hel_section_chunks(s) * HEL_CONTAINER_SUM_BYTES;
        hel_put_u32(entry, s->id);
        hel_put_u32(entry + 4, s->chunk_bytes);
        hel_put_u64(entry + 8, s->offset);
        hel_put_u64(entry + 16, s->bytes);
        hel_put_u64(entry + 24, s->sums);
        HEL_TRY(hel_buf_put(w->engine, tail, entry, sizeof entry));
    }
    return hel_buf_put(w->engine, tail, w->sums.data, w->sums.bytes);
}

static hel_status finish(hel_writer *w, hel_buf *tail, uint8_t content[HEL_DIGEST_BYTES])
{
    uint8_t raw[HEL_CONTAINER_HEADER_BYTES];
    HEL_TRY(end_section(w));
    hel_frame frame = {.sections = w->count, .table_offset = w->file.offset};
    HEL_TRY(encode_tail(w, tail, frame.table_offset));
    HEL_TRY(hel_sha256_once(w->engine, tail->data, tail->bytes, frame.tail));
    HEL_TRY(hel_outfile_write(w->engine, &w->file, tail->data, tail->bytes));
    HEL_TRY(hel_outfile_write(w->engine, &w->file, frame.tail, sizeof frame.tail));
    frame.file_bytes = w->file.offset;
    HEL_TRY(hel_head_encode(w->engine, raw, &w->head, &frame));
    HEL_TRY(hel_outfile_patch(w->engine, &w->file, 0, raw, sizeof raw));
    if (content) {
        hel_sha256 *sha;
        HEL_TRY(hel_sha256_create(w->engine, &sha));
        hel_sha256_update(sha, raw, sizeof raw);
        hel_sha256_update(sha, tail->data, tail->bytes);
        hel_sha256_final(sha, content);
        hel_sha256_free(sha);
    }
    HEL_TRY(hel_outfile_sync(w->engine, &w->file));
    w->finished = 1;
    return HEL_OK;
}

hel_status hel_writer_finish(hel_writer *w, uint8_t content[HEL_DIGEST_BYTES])
{
    hel_buf tail = {0};
    HEL_TRY(w->failed);
    hel_status status = stick(w, finish(w, &tail, content));
    hel_buf_free_secret(&tail);
    return status;
}

hel_status hel_writer_commit(hel_writer *w, uint8_t content[HEL_DIGEST_BYTES])
{
    hel_status status = w->failed;
    if (status == HEL_OK && !w->finished)
        status = hel_writer_finish(w, content);
    if (status == HEL_OK)
        status = hel_outfile_commit(w->engine, &w->file);
    drop(w, 0);
    return status;
}
