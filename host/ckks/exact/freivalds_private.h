/* Twins of the digest's inner loop: sums of m_j times the lower 31 and the upper 30 bits of rho_j.
 * |m_j| <= 127, rho_j < 2^61, n <= 2^17: all sums stay below 2^55. */
#ifndef HEL_CKKS_FREIVALDS_PRIVATE_H
#define HEL_CKKS_FREIVALDS_PRIVATE_H

#include "host/ckks/exact/scheme.h"

void hel_freivalds_halves_portable(const uint64_t *rho, const int8_t *m, uint32_t n, int64_t *low,
                                   int64_t *high);
void hel_freivalds_halves_avx2(const uint64_t *rho, const int8_t *m, uint32_t n, int64_t *low,
                               int64_t *high);
void hel_freivalds_halves_avx512(const uint64_t *rho, const int8_t *m, uint32_t n, int64_t *low,
                                 int64_t *high);

#endif
