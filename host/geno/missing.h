/*
 * The owner's private list of missing calls: per variant the ascending sample indices, delta-coded
 * as LEB128 (about one byte per missing call). Never sent to the compute centre.
 *
 *   u32 version, u32 samples, u32 variants, u64 total calls,
 *   then per group of 64 variants a u64 byte offset (from the start of the bodies),
 *   then bodies: per variant LEB128 count, LEB128 first index, LEB128 differences (>= 1)
 *
 * LEB128 numbers are of the shortest form. A reader passes over 32 variants on average to reach
 * the one it wants, which costs about as much as decoding it.
 */
#ifndef HEL_GENO_MISSING_H
#define HEL_GENO_MISSING_H

#include "host/base/bytes.h"

/* Builder: variants are appended in order by one thread. Begin with {.samples = n}. */
typedef struct hel_missing_writer {
    hel_buf bodies, offsets;
    uint32_t samples, variants;
    uint64_t calls;
} hel_missing_writer;

/* `index`: strictly ascending, below w->samples; anything else is HEL_E_INTERNAL. */
hel_status hel_missing_append(hel_engine *engine, hel_missing_writer *w, const uint32_t *index,
                              uint32_t count);
/* The whole encoding, appended to `out`. */
hel_status hel_missing_finish(hel_engine *engine, hel_missing_writer *w, hel_buf *out);
void hel_missing_writer_free(hel_missing_writer *w);

/* Reader over a section in memory (borrowed). Opening checks lengths, offsets and the number of
 * calls in one pass over the section; a malformed list is HEL_E_FORMAT, here or in _get. */
typedef struct hel_missing {
    const uint8_t *data;
    size_t bytes;
    uint32_t samples, variants;
    uint64_t calls;
} hel_missing;

hel_status hel_missing_open(hel_engine *engine, hel_missing *m, const uint8_t *data, size_t bytes);
/* Indices of one variant into `index` (room for m->samples). Thread-safe. */
hel_status hel_missing_get(hel_engine *engine, const hel_missing *m, uint32_t variant,
                           uint32_t *index, uint32_t *count);

#endif
