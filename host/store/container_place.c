/*
 * Sections of known size whose chunks are written in any order and by any thread, and files that a
 * later process goes on with: what is there already is believed chunk by chunk, when its checksum
 * is one that the caller kept.
 */
#include "host/base/mem.h"
#include "host/store/container_write_private.h"

typedef unsigned long long ull;

static uint64_t chunk_bytes_of(const hel_placed *p, uint64_t chunk)
{
    const uint64_t left = p->bytes - chunk * p->chunk_bytes;
    return left < p->chunk_bytes ? left : p->chunk_bytes;
}

hel_status hel_writer_place(hel_writer *w, uint32_t id, uint32_t chunk_bytes, uint64_t bytes)
{
    hel_placed *p = &w->placed;
    HEL_TRY(w->failed);
    HEL_REQUIRE(w->engine, !w->sha && chunk_bytes, HEL_E_INTERNAL,
                "%s: a section of this kind is written in order", w->file.path);
    hel_status status = hel_writer_begin(w, id, chunk_bytes);
    if (status == HEL_OK && bytes) {
        const uint64_t chunks = (bytes + chunk_bytes - 1) / chunk_bytes;
        status = hel_calloc(w->engine, &p->sum, chunks, sizeof *p->sum);
        if (status == HEL_OK)
            status = hel_calloc(w->engine, &p->there, chunks, sizeof *p->there);
        p->offset = w->file.offset;
        p->chunk_bytes = chunk_bytes;
        p->chunks = chunks;
        p->bytes = bytes;
        if (status == HEL_OK)
            status = hel_outfile_reserve(w->engine, &w->file, bytes);
        w->sections[w->count - 1].bytes = bytes;
    }
    if (w->failed == HEL_OK)
        w->failed = status;
    return status;
}

hel_status hel_writer_put_at(hel_writer *w, uint64_t offset, const void *data, size_t bytes)
{
    hel_placed *p = &w->placed;
    const uint8_t *at = data;
    HEL_REQUIRE(w->engine,
                p->bytes && offset % p->chunk_bytes == 0 && offset <= p->bytes &&
                    bytes <= p->bytes - offset &&
                    (bytes % p->chunk_bytes == 0 || offset + bytes == p->bytes),
                HEL_E_INTERNAL, "%s: bytes %llu + %zu are no chunks of the section", w->file.path,
                (ull)offset, bytes);
    HEL_TRY(hel_outfile_put_at(w->engine, &w->file, p->offset + offset, data, bytes));
    for (uint64_t chunk = offset / p->chunk_bytes; bytes > 0; chunk++) {
        const size_t now = (size_t)chunk_bytes_of(p, chunk);
        p->sum[chunk] = w->checksum(at, now);
        atomic_store(&p->there[chunk], 1);
        at += now;
        bytes -= now;
    }
    return HEL_OK;
}

int hel_writer_chunk(const hel_writer *w, uint64_t chunk, uint64_t *sum)
{
    const hel_placed *p = &w->placed;
    const int there = chunk < p->chunks && atomic_load(&p->there[chunk]);
    *sum = there ? p->sum[chunk] : 0;
    return there;
}

hel_status hel_writer_adopt(hel_writer *w, uint64_t chunk, uint64_t sum, void *scratch,
                            int *adopted)
{
    hel_placed *p = &w->placed;
    *adopted = 0;
    HEL_REQUIRE(w->engine, chunk < p->chunks, HEL_E_INTERNAL, "%s: no chunk %llu", w->file.path,
                (ull)chunk);
    const size_t bytes = (size_t)chunk_bytes_of(p, chunk);
    /* a sector that cannot be read is as good as a wrong one: it is written anew */
    if (hel_file_read_at(NULL, w->file.fd, w->file.part, scratch, bytes,
                         p->offset + chunk * p->chunk_bytes) != HEL_OK ||
        w->checksum(scratch, bytes) != sum)
        return HEL_OK;
    p->sum[chunk] = sum;
    atomic_store(&p->there[chunk], 1);
    *adopted = 1;
    return HEL_OK;
}

hel_status hel_writer_sync(hel_writer *w)
{
    HEL_TRY(w->failed);
    return hel_outfile_sync(w->engine, &w->file);
}

int hel_writer_lost(const hel_writer *w)
{
    return w->file.lost;
}

hel_status hel_placed_end(hel_writer *w)
{
    hel_placed *p = &w->placed;
    hel_status status = HEL_OK;
    for (uint64_t chunk = 0; status == HEL_OK && chunk < p->chunks; chunk++) {
        if (!atomic_load(&p->there[chunk]))
            status = hel_fail(w->engine, HEL_E_INTERNAL, "%s: chunk %llu was never written",
                              w->file.path, (ull)chunk);
        else
            status = hel_buf_put_u64(w->engine, &w->sums, p->sum[chunk]);
    }
    hel_placed_free(p);
    return status;
}

void hel_placed_free(hel_placed *p)
{
    hel_free(p->sum);
    hel_free(p->there);
    *p = (hel_placed){0};
}
