/* The AVX2 transforms, for the table in ops_avx2.c. */
#ifndef HEL_RING_NTT_AVX2_H
#define HEL_RING_NTT_AVX2_H

#include "host/ring/ring.h"

void hel_ntt_forward_avx2(const hel_ring *ring, const hel_limb *l, uint32_t *x);
void hel_ntt_inverse_avx2(const hel_ring *ring, const hel_limb *l, uint32_t *x);
size_t hel_ntt_extra_bytes_avx2(uint32_t log_n);
void hel_ntt_extra_fill_avx2(const hel_ring *ring, const hel_limb *l, void *extra);

#endif
