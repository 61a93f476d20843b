/*
 * Residues in files: 4 bytes a word, little-endian, each below its prime; secrets: two bits a
 * ternary coefficient. Shared by the exact scheme and the evaluator.
 */
#ifndef HEL_CKKS_RESIDUE_BYTES_H
#define HEL_CKKS_RESIDUE_BYTES_H

#include "host/base/bytes.h"

/* Appends words, a multiple of 256 of them. */
hel_status hel_residues_put(hel_engine *engine, hel_buf *out, const uint32_t *words, size_t count);
/* Reads n words; 1 when all of them are below q, 0 otherwise (out is filled all the same). */
int hel_residues_get(uint32_t q, uint32_t *out, const uint8_t *data, size_t n);
/* n coefficients, a multiple of 4: -1, 0, 1 as 0, 1, 2 into n / 4 bytes that are zero; no branch or
 * address depends on them. */
void hel_ternary_put(uint8_t *out, const int8_t *s, size_t n);
/* 1 when all of them are ternary, 0 otherwise (s is filled all the same). */
int hel_ternary_get(int8_t *s, const uint8_t *data, size_t n);

#endif
