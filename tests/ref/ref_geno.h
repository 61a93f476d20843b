/* Oracles of host/geno: one call of a .bed at a time, and a list of missing calls read from start
 * to end without its offsets. Written from the formats, not from the code under test. */
#ifndef HEL_REF_GENO_H
#define HEL_REF_GENO_H

#include <stddef.h>
#include <stdint.h>

/* Copies of A1 of one call of a whole .bed file in memory; 3 = missing. */
uint8_t ref_bed_call(const uint8_t *file, uint32_t samples, uint32_t variant, uint32_t sample);

/* Decodes list number `variant` by walking over all before it. The section must be well-formed.
 * Returns the count. */
uint32_t ref_missing_get(const uint8_t *section, uint32_t variant, uint32_t *index);

#endif
