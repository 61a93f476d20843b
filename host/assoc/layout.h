/*
 * Shapes of the three ciphertext files and where a polynomial lies in them. The inner encodings are
 * normative; FORMAT.md repeats them in words.
 *
 * Genotypes (streamed in scan order): super-block of blocks, then sample, plane, block; a
 * polynomial is scan_limbs x N words. Its ordinal in the file is its object index in the seed
 * streams.
 * Weights: per chunk, weights in the order of expansion: segment of 64 samples, column, sample; N
 * per ciphertext of expand_limbs x N words, zeros behind the last sample.
 * Sums: chunk, block, output; two polynomials of out_limbs x N words each.
 */
#ifndef HEL_ASSOC_LAYOUT_H
#define HEL_ASSOC_LAYOUT_H

#include "host/assoc/model.h"
#include "host/ckks/exact/scheme.h"
#include "host/store/container.h"

#define HEL_SUPER_BLOCK 8     /* blocks of N variants that share a row on disk */
#define HEL_GENO_ALIGN  4096u /* where the ciphertexts begin in the file, when written */
#define HEL_SEGMENT     64    /* samples of a column whose weights are neighbours: one leaf group */

typedef struct hel_geno_layout {
    uint32_t log_n, limbs;
    uint32_t planes; /* bit mask of hel_plane */
    uint32_t super_block;
    uint64_t samples, variants;
    /* derived */
    uint32_t plane_count, blocks;
    uint64_t poly_words;
} hel_geno_layout;

/* Fills the derived fields; HEL_E_FORMAT when a field is out of range. */
hel_status hel_geno_layout_init(hel_engine *engine, hel_geno_layout *l);
hel_status hel_geno_layout_encode(hel_engine *engine, const hel_geno_layout *l, hel_buf *out);
/* Decodes and checks against the size of the ciphertext section (UINT64_MAX: not checked). */
hel_status hel_geno_layout_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                                  uint64_t body_bytes, hel_geno_layout *l);
uint32_t hel_geno_super_blocks(const hel_geno_layout *l);
/* Blocks in super-block s (the last may be short). */
uint32_t hel_geno_blocks_in(const hel_geno_layout *l, uint32_t s);
/* Ordinal of the first polynomial of a row: super-block s, sample i; a row has
 * plane_count x blocks_in(s) polynomials, plane-major. */
uint64_t hel_geno_row(const hel_geno_layout *l, uint32_t s, uint64_t sample);
/* Index of a plane among those present. */
uint32_t hel_geno_plane_index(const hel_geno_layout *l, hel_plane plane);
/* What is taken off a plane's entries before encryption: 2 for g2 (so that all planes lie within
 * +-2), 0 otherwise. Known to all. */
int hel_plane_centre(hel_plane plane);

typedef struct hel_weights_layout {
    uint32_t log_n, limbs; /* limbs = expand_limbs */
    uint32_t segment, chunk, columns;
    uint32_t planes; /* of the dataset */
    uint64_t samples;
    /* derived */
    uint32_t chunks;
    uint64_t poly_words;
} hel_weights_layout;

hel_status hel_weights_layout_init(hel_engine *engine, hel_weights_layout *l);
hel_status hel_weights_layout_encode(hel_engine *engine, const hel_weights_layout *l, hel_buf *out);
hel_status hel_weights_layout_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                                     uint64_t body_bytes, hel_weights_layout *l);
/* Samples of chunk c, its segments, weights (with padding), ciphertexts, and the ordinal of its
 * first ciphertext. */
uint32_t hel_chunk_samples(const hel_weights_layout *l, uint32_t chunk);
uint32_t hel_chunk_segments(const hel_weights_layout *l, uint32_t chunk);
uint64_t hel_chunk_weights(const hel_weights_layout *l, uint32_t chunk);
uint64_t hel_chunk_ciphertexts(const hel_weights_layout *l, uint32_t chunk);
uint64_t hel_chunk_first(const hel_weights_layout *l, uint32_t chunk);

/* Outputs of a weights file: (column, plane) pairs by column, then plane; section COLS holds one
 * u32 plane mask per column. *output in hel_malloc memory. */
hel_status hel_outputs_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                              const hel_weights_layout *l, hel_output **output, uint32_t *count);

typedef struct hel_sums_layout {
    uint32_t log_n, limbs; /* limbs = out_limbs */
    uint32_t chunks, blocks, outputs, columns;
    uint64_t variants;
    uint8_t geno_content[HEL_DIGEST_BYTES], weights_content[HEL_DIGEST_BYTES];
} hel_sums_layout;

hel_status hel_sums_layout_encode(hel_engine *engine, const hel_sums_layout *l, hel_buf *out);
hel_status hel_sums_layout_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                                  uint64_t body_bytes, hel_sums_layout *l);

#endif
