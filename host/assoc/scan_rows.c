/* Genotype rows: where they lie, and the feed that reads and checks them ahead of their use. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/assoc/scan_private.h"
#include "host/base/control_group.h"
#include "host/base/file.h"
#include "host/base/mem.h"

#define PIECE_BYTES  ((uint64_t)1 << 20) /* a reader's portion, about */
#define READERS_DISK 4u                  /* requests that keep a disk busy without a page cache */
#define READERS_MOST 8u

/* ---- places ---- */

uint64_t hel_scan_ordinal(const struct scan *s, uint32_t super, uint64_t sample,
                          uint32_t plane_index, uint32_t block)
{
    return hel_geno_row(&s->gl, super, sample) +
           (uint64_t)plane_index * hel_geno_blocks_in(&s->gl, super) +
           (block - super * s->gl.super_block);
}

uint64_t hel_scan_row_polys(const struct scan *s, uint32_t samples)
{
    const uint32_t blocks = s->gl.blocks < s->gl.super_block ? s->gl.blocks : s->gl.super_block;
    return (uint64_t)samples * s->gl.plane_count * blocks;
}

uint64_t hel_scan_region_bytes(const struct scan *s, uint32_t samples)
{
    return hel_scan_row_polys(s, samples) * s->gl.poly_words * 4 + 2 * (uint64_t)s->geno_chunk;
}

static scan_region region_of(const struct scan *s, uint32_t super, uint64_t sample, uint32_t count)
{
    const uint64_t poly = s->gl.poly_words * 4, chunk = s->geno_chunk;
    scan_region r = {.begin = hel_geno_row(&s->gl, super, sample) * poly,
                     .end = hel_geno_row(&s->gl, super, sample + count) * poly};
    r.read_begin = r.begin / chunk * chunk;
    r.read_end = (r.end + chunk - 1) / chunk * chunk;
    r.read_end = r.read_end < s->geno_bytes ? r.read_end : s->geno_bytes;
    return r;
}

scan_region hel_scan_region(const struct scan *s, const scan_step *step, uint32_t super)
{
    return region_of(s, super, (uint64_t)step->chunk * s->wl.chunk + step->tile_first,
                     step->tile_samples);
}

uint32_t hel_scan_region_spans(const struct scan *s, const scan_region *region)
{
    const uint64_t bytes = region->read_end - region->read_begin;
    return (uint32_t)((bytes + s->slot_bytes - 1) / s->slot_bytes);
}

/* ---- the feed ---- */

static hel_status next_span(void *arg, hel_span *span)
{
    struct scan *s = arg;
    scan_reading *r = &s->reading;
    *span = (hel_span){0, 0};
    if (r->ended)
        return HEL_OK;
    if (!r->begun) {
        r->begun = 1;
        r->ended = !hel_scan_step_first(s, &r->step);
        r->super = r->step.super_first;
    }
    if (r->ended)
        return HEL_OK;
    scan_region region = hel_scan_region(s, &r->step, r->super);
    if (r->at == region.read_end - region.read_begin) {
        r->at = 0;
        if (++r->super == r->step.super_first + r->step.supers) {
            const scan_step step = r->step;
            r->ended = !hel_scan_step_next(s, &step, &r->step);
            r->super = r->step.super_first;
        }
        if (r->ended)
            return HEL_OK;
        region = hel_scan_region(s, &r->step, r->super);
    }
    const uint64_t left = region.read_end - region.read_begin - r->at;
    span->offset = s->geno_offset + region.read_begin + r->at;
    span->bytes = left < s->slot_bytes ? left : s->slot_bytes;
    r->at += span->bytes;
    atomic_fetch_add(&r->spans, 1);
    return HEL_OK;
}

static hel_status check_piece(void *arg, uint64_t offset, const uint8_t *data, uint64_t bytes)
{
    const struct scan *s = arg;
    return hel_reader_check_memory(s->geno, HEL_SECTION_CIPHER, offset - s->geno_offset, data,
                                   bytes);
}

/* The slot's bytes are random residues already, or become so once. */
static hel_status read_nothing(void *arg, uint64_t offset, uint8_t *to, uint64_t bytes)
{
    const struct scan *s = arg;
    uint64_t x = offset * 0x9e3779b97f4a7c15u + 1;
    if (atomic_load(&s->reading.spans) > s->slots)
        return HEL_OK;
    for (uint64_t i = 0; i + 4 <= bytes; i += 4) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        const uint32_t word = (uint32_t)(x >> 35); /* below 2^29, so below every prime */
        memcpy(to + i, &word, sizeof word);
    }
    return HEL_OK;
}

static hel_status check_nothing(void *arg, uint64_t offset, const uint8_t *data, uint64_t bytes)
{
    (void)arg;
    (void)offset;
    (void)data;
    (void)bytes;
    return HEL_OK;
}

static hel_status slot_alloc(void *arg, void **out, uint64_t bytes)
{
    struct scan *s = arg;
    return s->ops->slot_alloc(s, out, bytes);
}

static void slot_free(void *arg, void *p)
{
    struct scan *s = arg;
    s->ops->slot_free(s, p);
}

/* A descriptor past the page cache, or -1. */
int hel_scan_open_direct(const struct scan *s)
{
    if (s->config->io == HEL_IO_BUFFERED || s->geno_offset % HEL_FEED_ALIGN ||
        s->geno_chunk % HEL_FEED_ALIGN)
        return -1;
    if (s->config->io == HEL_IO_AUTO) {
        hel_group_limits limits; /* pages of a job's file count against the job */
        hel_group_limits_read(&limits, "");
        if (s->job->total * s->gl.plane_count * s->gl.limbs * 4 < hel_default_memory(&limits))
            return -1;
    }
    return open(s->config->geno, O_RDONLY | O_CLOEXEC | O_DIRECT);
}

/* One thread feeds a CPU from the page cache; a disk wants several requests at once, and a device's
 * bus more than one thread copies. */
uint32_t hel_scan_readers(const struct scan *s)
{
    const uint32_t threads = hel_engine_threads(s->engine);
    const uint32_t least = s->direct_fd >= 0 ? READERS_DISK : 1;
    if (!s->device)
        return least;
    return threads < least ? least : threads < READERS_MOST ? threads : READERS_MOST;
}

static void begin_reader(void *arg, uint32_t reader)
{
    const struct scan *s = arg;
    (void)reader;
    (void)hel_scan_place_thread(s);
}

hel_status hel_scan_feed_start(struct scan *s)
{
    const uint64_t chunk = s->geno_chunk;
    hel_feed_config config = {.fd = s->geno_fd,
                              .direct_fd = s->direct_fd,
                              .path = s->config->geno,
                              .slots = s->slots,
                              .slot_bytes = s->slot_bytes,
                              .piece_bytes =
                                  chunk < PIECE_BYTES ? PIECE_BYTES / chunk * chunk : chunk,
                              .readers = hel_scan_readers(s),
                              .next = next_span,
                              .check = check_piece,
                              .begin = begin_reader,
                              .arg = s};
    if (s->job->resident) {
        config.read = read_nothing;
        config.check = check_nothing;
        config.direct_fd = -1;
    }
    if (s->ops->slot_alloc) {
        config.alloc = slot_alloc;
        config.dealloc = slot_free;
    }
    return hel_feed_create(s->engine, &s->feed, &config);
}

void hel_scan_feed_stop(struct scan *s)
{
    hel_feed_free(s->feed);
    s->feed = NULL;
}

hel_status hel_scan_read_rows(const struct scan *s, uint32_t first, uint32_t count, uint8_t *buffer,
                              const uint8_t **rows)
{
    const scan_region r = region_of(s, s->super, scan_sample(s, first), count);
    const uint64_t bytes = r.read_end - r.read_begin;
    HEL_TRY(hel_file_read_at(s->engine, s->geno_fd, s->config->geno, buffer, bytes,
                             s->geno_offset + r.read_begin));
    HEL_TRY(hel_reader_check_memory(s->geno, HEL_SECTION_CIPHER, r.read_begin, buffer, bytes));
    *rows = buffer + (r.begin - r.read_begin);
    return HEL_OK;
}

/* ---- columns ---- */

uint32_t hel_scan_batch_columns(const struct scan *s, const scan_step *step, uint32_t plane,
                                uint32_t *column, uint32_t *slot)
{
    uint32_t count = 0;
    *slot = s->plane_first[plane];
    for (uint32_t k = 0; k < s->plane_count[plane]; k++) {
        uint32_t c = s->plane_columns[plane][k];
        if (c < step->batch_first)
            (*slot)++;
        else if (c < step->batch_first + step->batch_count)
            column[count++] = c - step->batch_first;
    }
    return count;
}
