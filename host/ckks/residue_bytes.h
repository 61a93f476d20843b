/*
 * Residues in files: 4 bytes a word, little-endian, each below its prime. Shared by keys and
 * ciphertexts of the exact scheme and of the evaluator.
 */
#ifndef HEL_CKKS_RESIDUE_BYTES_H
#define HEL_CKKS_RESIDUE_BYTES_H

#include "host/base/bytes.h"

/* Appends words, a multiple of 256 of them. */
hel_status hel_residues_put(hel_engine *engine, hel_buf *out, const uint32_t *words, size_t count);
/* Reads n words; 1 when all of them are below q, 0 otherwise (out is filled all the same). */
int hel_residues_get(uint32_t q, uint32_t *out, const uint8_t *data, size_t n);

#endif
