/* Small helpers shared by the ring's sources. */
#ifndef HEL_RING_RING_PRIVATE_H
#define HEL_RING_RING_PRIVATE_H

#include "host/ring/ring.h"

/* Before a loop over registers: the vector twins need it unrolled at every optimisation level. */
#if defined(__clang__)
#define HEL_UNROLL _Pragma("clang loop unroll(full)")
#else
#define HEL_UNROLL _Pragma("GCC unroll 16")
#endif

/* The lowest `bits` bits of i in reverse order, 1 <= bits <= 32; higher bits of i must be 0. */
static inline uint32_t hel_bit_reverse(uint32_t i, uint32_t bits)
{
    i = (i & 0x55555555u) << 1 | (i >> 1 & 0x55555555u);
    i = (i & 0x33333333u) << 2 | (i >> 2 & 0x33333333u);
    i = (i & 0x0f0f0f0fu) << 4 | (i >> 4 & 0x0f0f0f0fu);
    i = __builtin_bswap32(i);
    return i >> (32 - bits);
}

/* Constants of the two-limb lift towards one target: what lift2 needs besides the limbs. */
typedef struct hel_lift2_target {
    uint32_t q, q0, q0_shoup; /* the target's prime; from0's prime modulo it */
} hel_lift2_target;

static inline hel_lift2_target hel_lift2_constants(const hel_limb *to, const hel_limb *from0)
{
    uint32_t q0 = hel_mod_fold(from0->q, to->q);
    return (hel_lift2_target){to->q, q0, hel_mod_shoup(q0, to->q)};
}

#endif
