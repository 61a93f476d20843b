/*
 * The sums a scan returns, from clear genotypes: one naive loop per output.
 */
#ifndef HEL_REF_SUMS_H
#define HEL_REF_SUMS_H

#include "host/assoc/model.h"

/* calls: [m->samples] of one variant, copies of A1 (0, 1, 2) or 3 = missing. sums: [m->outputs]. */
void ref_sums(const hel_model *m, const uint8_t *calls, int64_t *sums);
/* sums[v * m->outputs + o] for variants v; calls[v * m->samples + i]. */
void ref_sums_all(const hel_model *m, const uint8_t *calls, uint32_t variants, int64_t *sums);
/* Ascending sample indices of the missing calls; returns their number. */
uint32_t ref_missing(const uint8_t *calls, uint32_t samples, uint32_t *index);

#endif
