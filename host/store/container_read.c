/*
 * Reading a container through a mapping. Opening checks everything but the sections' content:
 * every offset in the file is determined by the sections' sizes, so the reader computes the only
 * legal layout and compares. The table is copied before it is trusted.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "host/base/checksum.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/progress.h"
#include "host/store/container_private.h"

#define SPAN_BYTES ((uint64_t)8 << 20) /* one work item of a whole-file check */

struct hel_reader {
    hel_engine *engine;
    hel_map map;
    char *path;
    hel_head head;
    hel_frame frame;
    uint8_t content[HEL_DIGEST_BYTES];
    hel_section *sections;
    uint8_t *sums; /* of all sections, a copy: they are not read through the mapping again */
    uint64_t first_sum, sums_bytes; /* place in the file */
    hel_checksum_fn checksum;
};

typedef unsigned long long ull;

/* ---- opening ---- */

static hel_status check_tail(hel_reader *r, const uint8_t raw[HEL_CONTAINER_HEADER_BYTES])
{
    const hel_frame *f = &r->frame;
    uint64_t limit = f->file_bytes - HEL_DIGEST_BYTES;
    const uint8_t *tail = r->map.data + f->table_offset;
    uint8_t digest[HEL_DIGEST_BYTES];
    HEL_TRY(hel_sha256_once(r->engine, tail, (size_t)(limit - f->table_offset), digest));
    HEL_REQUIRE(r->engine, memcmp(digest, f->tail, sizeof digest) == 0, HEL_E_FORMAT,
                "%s: bytes %llu to %llu: table and sums do not match their digest (damaged)",
                r->path, (ull)f->table_offset, (ull)limit - 1);
    HEL_REQUIRE(r->engine, memcmp(digest, r->map.data + limit, sizeof digest) == 0, HEL_E_FORMAT,
                "%s: byte %llu: the closing digest is damaged", r->path, (ull)limit);
    hel_sha256 *sha;
    HEL_TRY(hel_sha256_create(r->engine, &sha));
    hel_sha256_update(sha, raw, HEL_CONTAINER_HEADER_BYTES);
    hel_sha256_update(sha, tail, (size_t)(limit - f->table_offset));
    hel_sha256_final(sha, r->content);
    hel_sha256_free(sha);
    return HEL_OK;
}

static hel_status check_frame(hel_reader *r)
{
    const hel_frame *f = &r->frame;
    HEL_REQUIRE(r->engine, r->map.bytes >= f->file_bytes, HEL_E_FORMAT,
                "%s: truncated: %llu of %llu bytes", r->path, (ull)r->map.bytes,
                (ull)f->file_bytes);
    HEL_REQUIRE(r->engine, r->map.bytes == f->file_bytes, HEL_E_FORMAT,
                "%s: byte %llu: %llu bytes follow the end of the file's content", r->path,
                (ull)f->file_bytes, (ull)(r->map.bytes - f->file_bytes));
    HEL_REQUIRE(r->engine,
                f->file_bytes >= HEL_CONTAINER_HEADER_BYTES + HEL_DIGEST_BYTES &&
                    f->table_offset >= HEL_CONTAINER_HEADER_BYTES &&
                    f->table_offset % HEL_CONTAINER_ALIGN == 0 &&
                    f->table_offset <= f->file_bytes - HEL_DIGEST_BYTES,
                HEL_E_FORMAT, "%s: byte 32: the table cannot be at byte %llu", r->path,
                (ull)f->table_offset);
    uint64_t tail = f->file_bytes - HEL_DIGEST_BYTES - f->table_offset;
    HEL_REQUIRE(r->engine,
                f->sections <= HEL_CONTAINER_MAX_SECTIONS &&
                    f->sections <= tail / HEL_CONTAINER_ENTRY_BYTES,
                HEL_E_FORMAT, "%s: byte 20: a table of %u sections does not fit", r->path,
                f->sections);
    return HEL_OK;
}

/* Section i must begin at *at and its sums at *sums; both move on past it. */
static hel_status check_section(hel_reader *r, uint32_t i, uint64_t *at, uint64_t *sums)
{
    const hel_section *s = &r->sections[i];
    uint64_t table = r->frame.table_offset, entry = table + i * HEL_CONTAINER_ENTRY_BYTES;
    uint64_t limit = r->frame.file_bytes - HEL_DIGEST_BYTES;
    char name[HEL_SECTION_NAME_BYTES];
    hel_section_name(name, s->id);
    HEL_REQUIRE(r->engine,
                s->chunk_bytes >= HEL_CONTAINER_MIN_CHUNK &&
                    s->chunk_bytes <= HEL_CONTAINER_MAX_CHUNK,
                HEL_E_FORMAT, "%s: byte %llu: section %s: chunks of %u bytes, allowed are %u to %u",
                r->path, (ull)entry + 4, name, s->chunk_bytes, HEL_CONTAINER_MIN_CHUNK,
                HEL_CONTAINER_MAX_CHUNK);
    HEL_REQUIRE(r->engine, s->offset == *at, HEL_E_FORMAT,
                "%s: byte %llu: section %s at byte %llu, it must be at %llu", r->path,
                (ull)entry + 8, name, (ull)s->offset, (ull)*at);
    HEL_REQUIRE(r->engine, s->bytes <= table - *at, HEL_E_FORMAT,
                "%s: byte %llu: section %s of %llu bytes runs into the table", r->path,
                (ull)entry + 16, name, (ull)s->bytes);
    uint64_t chunks = hel_section_chunks(s);
    HEL_REQUIRE(r->engine, s->sums == *sums && chunks <= (limit - *sums) / HEL_CONTAINER_SUM_BYTES,
                HEL_E_FORMAT, "%s: byte %llu: section %s: checksums out of place", r->path,
                (ull)entry + 24, name);
    for (uint32_t j = 0; j < i; j++)
        HEL_REQUIRE(r->engine, r->sections[j].id != s->id, HEL_E_FORMAT,
                    "%s: byte %llu: section %s appears twice", r->path, (ull)entry, name);
    *at += s->bytes;
    *sums += chunks * HEL_CONTAINER_SUM_BYTES;
    for (; *at % HEL_CONTAINER_ALIGN != 0; ++*at)
        HEL_REQUIRE(r->engine, r->map.data[*at] == 0, HEL_E_FORMAT,
                    "%s: byte %llu: padding after section %s is not zero", r->path, (ull)*at, name);
    return HEL_OK;
}

/* Few bytes, and whoever reads a file by parts never comes by them: checked at the opening. */
static hel_status check_padding(hel_reader *r, const hel_section *s)
{
    if (s->id != HEL_SECTION_PADDING)
        return HEL_OK;
    HEL_REQUIRE(r->engine, s->bytes < HEL_CONTAINER_MAX_PADDING, HEL_E_FORMAT,
                "%s: byte %llu: section PAD0 of %llu bytes, the rule is less than %u", r->path,
                (ull)s->offset, (ull)s->bytes, HEL_CONTAINER_MAX_PADDING);
    for (uint64_t at = s->offset; at < s->offset + s->bytes; at++)
        HEL_REQUIRE(r->engine, r->map.data[at] == 0, HEL_E_FORMAT,
                    "%s: byte %llu: section PAD0 is not zero", r->path, (ull)at);
    return HEL_OK;
}

static hel_status read_table(hel_reader *r)
{
    const hel_frame *f = &r->frame;
    uint64_t at = HEL_CONTAINER_HEADER_BYTES;
    uint64_t sums = f->table_offset + (uint64_t)f->sections * HEL_CONTAINER_ENTRY_BYTES;
    HEL_TRY(hel_calloc(r->engine, &r->sections, f->sections, sizeof *r->sections));
    for (uint32_t i = 0; i < f->sections; i++) {
        const uint8_t *entry = r->map.data + f->table_offset + i * HEL_CONTAINER_ENTRY_BYTES;
        r->sections[i] = (hel_section){
            .id = hel_get_u32(entry),
            .chunk_bytes = hel_get_u32(entry + 4),
            .offset = hel_get_u64(entry + 8),
            .bytes = hel_get_u64(entry + 16),
            .sums = hel_get_u64(entry + 24),
        };
        HEL_TRY(check_section(r, i, &at, &sums));
        HEL_TRY(check_padding(r, &r->sections[i]));
    }
    HEL_REQUIRE(r->engine, at == f->table_offset, HEL_E_FORMAT,
                "%s: byte %llu: %llu bytes belong to no section", r->path, (ull)at,
                (ull)(f->table_offset - at));
    HEL_REQUIRE(r->engine, sums == f->file_bytes - HEL_DIGEST_BYTES, HEL_E_FORMAT,
                "%s: byte %llu: %llu bytes of checksums belong to no section", r->path, (ull)sums,
                (ull)(f->file_bytes - HEL_DIGEST_BYTES - sums));
    r->first_sum = f->table_offset + (uint64_t)f->sections * HEL_CONTAINER_ENTRY_BYTES;
    r->sums_bytes = sums - r->first_sum;
    HEL_TRY(hel_malloc(r->engine, &r->sums, r->sums_bytes, 1));
    memcpy(r->sums, r->map.data + r->first_sum, r->sums_bytes);
    return HEL_OK;
}

/* Others must not even be able to add bytes to a file that holds secrets. */
static hel_status check_mode(hel_reader *r)
{
    struct stat info;
    if (!hel_kind_is_secret(r->head.kind))
        return HEL_OK;
    if (fstat(r->map.fd, &info) != 0)
        return hel_fail_errno(r->engine, errno, "%s: cannot be inspected", r->path);
    HEL_REQUIRE(r->engine, (info.st_mode & 077) == 0, HEL_E_PERMISSION,
                "%s: holds secrets and has mode %04o, which lets others in; use chmod 600", r->path,
                (unsigned)info.st_mode & 07777u);
    return HEL_OK;
}

static const char *article(hel_kind kind)
{
    return strchr("aeiou", hel_kind_name(kind)[0]) ? "an" : "a";
}

static hel_status load(hel_reader *r, hel_kind kind)
{
    uint8_t raw[HEL_CONTAINER_HEADER_BYTES] = {0};
    hel_frame blank;
    size_t have = r->map.bytes < sizeof raw ? (size_t)r->map.bytes : sizeof raw;
    HEL_REQUIRE(r->engine, have > 0, HEL_E_FORMAT, "%s: byte 0: the file is empty", r->path);
    memcpy(raw, r->map.data, have);
    if (have < sizeof raw) {
        static const uint8_t magic[] = {0x89, 'H', 'E', 'L', 'O', 'C', 'I', '\n'};
        size_t first = have < sizeof magic ? have : sizeof magic;
        if (memcmp(raw, magic, first) == 0)
            return hel_fail(r->engine, HEL_E_FORMAT,
                            "%s: truncated: %zu bytes, the header alone has %zu", r->path, have,
                            sizeof raw);
        /* decode names the wrong magic */
        return hel_head_decode(r->engine, &r->head, &blank, r->path, raw);
    }
    HEL_TRY(hel_head_decode(r->engine, &r->head, &r->frame, r->path, raw));
    HEL_TRY(check_frame(r));
    HEL_TRY(check_tail(r, raw));
    HEL_TRY(read_table(r));
    HEL_TRY(check_mode(r));
    HEL_REQUIRE(r->engine, kind == 0 || kind == r->head.kind, HEL_E_FORMAT,
                "%s: byte 12: this is %s %s file, %s %s file is needed here", r->path,
                article(r->head.kind), hel_kind_name(r->head.kind), article(kind),
                hel_kind_name(kind));
    return HEL_OK;
}

hel_status hel_reader_open(hel_engine *engine, hel_reader **out, const char *path, hel_kind kind)
{
    struct stat info;
    hel_reader *r;
    *out = NULL;
    /* Before the open: opening a pipe would wait for its writer. */
    HEL_REQUIRE(engine, stat(path, &info) != 0 || S_ISREG(info.st_mode), HEL_E_FORMAT,
                "%s: byte 0: not a regular file", path);
    HEL_TRY(hel_calloc(engine, &r, 1, sizeof *r));
    r->engine = engine;
    r->checksum = hel_checksum_pick(hel_engine_simd(engine));
    r->map.fd = -1;
    hel_status status = hel_path_join(engine, &r->path, path, "");
    if (status == HEL_OK)
        status = hel_map_open(engine, &r->map, path);
    if (status == HEL_OK)
        status = load(r, kind);
    if (status != HEL_OK) {
        hel_reader_close(r);
        return status;
    }
    *out = r;
    return HEL_OK;
}

void hel_reader_close(hel_reader *r)
{
    if (!r)
        return;
    hel_map_close(&r->map);
    hel_free(r->path);
    hel_free(r->sections);
    hel_wipe(r->sums, r->sums_bytes); /* they tell of secret bytes */
    hel_free(r->sums);
    hel_free(r);
}

/* ---- looking ---- */

const hel_head *hel_reader_head(const hel_reader *r)
{
    return &r->head;
}

const char *hel_reader_path(const hel_reader *r)
{
    return r->path;
}

const uint8_t *hel_reader_content(const hel_reader *r)
{
    return r->content;
}

hel_engine *hel_reader_engine(const hel_reader *r)
{
    return r->engine;
}

uint32_t hel_reader_sections(const hel_reader *r)
{
    return r->frame.sections;
}

uint64_t hel_reader_file_bytes(const hel_reader *r)
{
    return r->frame.file_bytes;
}

void hel_reader_section_info(const hel_reader *r, uint32_t i, uint32_t *id, uint64_t *offset,
                             uint64_t *bytes, uint32_t *chunk_bytes)
{
    const hel_section *s = &r->sections[i];
    *id = s->id;
    *offset = s->offset;
    *bytes = s->bytes;
    *chunk_bytes = s->chunk_bytes;
}

const hel_section *hel_reader_find(const hel_reader *r, uint32_t id)
{
    for (uint32_t i = 0; i < r->frame.sections; i++)
        if (r->sections[i].id == id)
            return &r->sections[i];
    return NULL;
}

static hel_status need(hel_reader *r, uint32_t id, const hel_section **s)
{
    char name[HEL_SECTION_NAME_BYTES];
    hel_section_name(name, id);
    *s = hel_reader_find(r, id);
    HEL_REQUIRE(r->engine, *s, HEL_E_FORMAT, "%s: section %s: missing from this %s file", r->path,
                name, hel_kind_name(r->head.kind));
    return HEL_OK;
}

hel_status hel_reader_section(hel_reader *r, uint32_t id, const uint8_t **data, uint64_t *bytes)
{
    const hel_section *s;
    HEL_TRY(need(r, id, &s));
    *data = r->map.data + s->offset;
    *bytes = s->bytes;
    return HEL_OK;
}

/* ---- checking ---- */

static uint64_t chunk_size(const hel_section *s, uint64_t chunk)
{
    uint64_t left = s->bytes - chunk * s->chunk_bytes;
    return left < s->chunk_bytes ? left : s->chunk_bytes;
}

static int chunk_is(const hel_reader *r, const hel_section *s, uint64_t chunk, const uint8_t *data)
{
    const uint8_t *sum = r->sums + (s->sums - r->first_sum) + chunk * HEL_CONTAINER_SUM_BYTES;
    return r->checksum(data, (size_t)chunk_size(s, chunk)) == hel_get_u64(sum);
}

static int chunk_fits(const hel_reader *r, const hel_section *s, uint64_t chunk)
{
    return chunk_is(r, s, chunk, r->map.data + s->offset + chunk * s->chunk_bytes);
}

static hel_status damaged(hel_reader *r, const hel_section *s, uint64_t chunk)
{
    char name[HEL_SECTION_NAME_BYTES];
    uint64_t first = chunk * s->chunk_bytes, last = first + chunk_size(s, chunk) - 1;
    hel_section_name(name, s->id);
    return hel_fail(r->engine, HEL_E_FORMAT,
                    "%s: section %s, bytes %llu to %llu (file bytes %llu to %llu): "
                    "the checksum does not match (damaged)",
                    r->path, name, (ull)first, (ull)last, (ull)(s->offset + first),
                    (ull)(s->offset + last));
}

hel_status hel_reader_check(hel_reader *r, uint32_t id, uint64_t offset, uint64_t bytes)
{
    const hel_section *s;
    char name[HEL_SECTION_NAME_BYTES];
    HEL_TRY(need(r, id, &s));
    hel_section_name(name, id);
    HEL_REQUIRE(r->engine, offset <= s->bytes && bytes <= s->bytes - offset, HEL_E_FORMAT,
                "%s: section %s: has %llu bytes, %llu at byte %llu are needed", r->path, name,
                (ull)s->bytes, (ull)bytes, (ull)offset);
    if (bytes == 0)
        return HEL_OK;
    uint64_t last = (offset + bytes - 1) / s->chunk_bytes;
    for (uint64_t chunk = offset / s->chunk_bytes; chunk <= last; chunk++)
        if (!chunk_fits(r, s, chunk))
            return damaged(r, s, chunk);
    return HEL_OK;
}

hel_status hel_reader_place(hel_reader *r, uint32_t id, int *fd, uint64_t *offset, uint64_t *bytes,
                            uint32_t *chunk_bytes)
{
    const hel_section *s;
    HEL_TRY(need(r, id, &s));
    *fd = r->map.fd;
    *offset = s->offset;
    *bytes = s->bytes;
    *chunk_bytes = s->chunk_bytes;
    return HEL_OK;
}

hel_status hel_reader_check_memory(hel_reader *r, uint32_t id, uint64_t offset, const void *data,
                                   uint64_t bytes)
{
    const hel_section *s;
    const uint8_t *at = data;
    HEL_TRY(need(r, id, &s));
    HEL_REQUIRE(r->engine,
                offset % s->chunk_bytes == 0 && offset <= s->bytes && bytes <= s->bytes - offset &&
                    (bytes % s->chunk_bytes == 0 || offset + bytes == s->bytes),
                HEL_E_INTERNAL, "%s: bytes %llu + %llu are no chunks of a section", r->path,
                (ull)offset, (ull)bytes);
    for (uint64_t chunk = offset / s->chunk_bytes; bytes > 0; chunk++) {
        const uint64_t now = chunk_size(s, chunk);
        if (!chunk_is(r, s, chunk, at))
            return damaged(r, s, chunk);
        at += now;
        bytes -= now;
    }
    return HEL_OK;
}

hel_status hel_reader_checked(hel_reader *r, uint32_t id, const uint8_t **data, uint64_t *bytes)
{
    HEL_TRY(hel_reader_section(r, id, data, bytes));
    return hel_reader_check(r, id, 0, *bytes);
}

struct sweep {
    hel_reader *r;
    const hel_section *s;
    const char *stage;
    uint64_t chunks_per_item;
    uint64_t total; /* bytes of all sections */
    atomic_uint_least64_t done;
    atomic_uint_least64_t first_bad; /* chunk; UINT64_MAX = none */
};

static hel_status sweep_item(void *arg, size_t index, uint32_t worker)
{
    struct sweep *sweep = arg;
    const hel_section *s = sweep->s;
    uint64_t from = index * sweep->chunks_per_item, to = from + sweep->chunks_per_item;
    uint64_t bytes = 0;
    (void)worker;
    if (to > hel_section_chunks(s))
        to = hel_section_chunks(s);
    for (uint64_t chunk = from; chunk < to; chunk++) {
        if (!chunk_fits(sweep->r, s, chunk)) {
            uint64_t bad = atomic_load(&sweep->first_bad);
            while (chunk < bad && !atomic_compare_exchange_weak(&sweep->first_bad, &bad, chunk))
                continue;
            return HEL_E_FORMAT; /* the sentence is written after the loop */
        }
        bytes += chunk_size(s, chunk);
    }
    uint64_t done = atomic_fetch_add(&sweep->done, bytes) + bytes;
    if (!sweep->stage || done >= sweep->total)
        return HEL_OK;
    return hel_progress(sweep->r->engine, sweep->stage, done, sweep->total, "bytes");
}

hel_status hel_reader_check_stage(hel_reader *r, const char *stage)
{
    struct sweep sweep = {.r = r, .stage = stage};
    atomic_init(&sweep.first_bad, UINT64_MAX);
    for (uint32_t i = 0; i < r->frame.sections; i++)
        sweep.total += r->sections[i].bytes;
    if (stage)
        HEL_TRY(hel_progress(r->engine, stage, 0, sweep.total, "bytes"));
    for (uint32_t i = 0; i < r->frame.sections; i++) {
        const hel_section *s = sweep.s = &r->sections[i];
        uint64_t per = SPAN_BYTES / s->chunk_bytes;
        sweep.chunks_per_item = per ? per : 1;
        uint64_t items =
            (hel_section_chunks(s) + sweep.chunks_per_item - 1) / sweep.chunks_per_item;
        hel_status status = hel_parallel(r->engine, (size_t)items, sweep_item, &sweep);
        /* Items are handed out in order and finished: the smallest bad chunk seen is the first. */
        uint64_t bad = atomic_load(&sweep.first_bad);
        if (bad != UINT64_MAX)
            return damaged(r, s, bad);
        HEL_TRY(status);
    }
    return stage ? hel_progress(r->engine, stage, sweep.total, sweep.total, "bytes") : HEL_OK;
}

hel_status hel_reader_check_all(hel_reader *r)
{
    return hel_reader_check_stage(r, NULL);
}

hel_status hel_reader_check_mac(hel_reader *r, const uint8_t key[32])
{
    uint8_t mac[HEL_DIGEST_BYTES];
    uint32_t count = r->frame.sections;
    const hel_section *last = count ? &r->sections[count - 1] : NULL;
    HEL_REQUIRE(r->engine, last && last->id == HEL_SECTION_MAC && last->bytes == sizeof mac,
                HEL_E_MISMATCH, "%s: section HMAC: missing or not the last section", r->path);
    hel_section *copy;
    HEL_TRY(hel_calloc(r->engine, &copy, count, sizeof *copy));
    memcpy(copy, r->sections, count * sizeof *copy);
    hel_status status = HEL_OK;
    for (uint32_t i = 0; status == HEL_OK && i + 1 < count; i++)
        status = hel_sha256_once(r->engine, r->map.data + copy[i].offset, (size_t)copy[i].bytes,
                                 copy[i].digest);
    if (status == HEL_OK)
        status = hel_container_mac(r->engine, mac, key, &r->head, copy, count - 1);
    hel_free(copy);
    if (status == HEL_OK && !hel_equal(mac, r->map.data + last->offset, sizeof mac))
        status = hel_fail(r->engine, HEL_E_MISMATCH,
                          "%s: section HMAC: not written by the holder of this key, or changed "
                          "since",
                          r->path);
    return status;
}
