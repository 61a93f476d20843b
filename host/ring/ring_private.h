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

/* Sums of products in 64 bits: a product of residues below 2^30 is below 2^30 q, and 16 of them are
 * below 2^34 q. Taking 2q off the upper word where it fits brings a sum below 2^33 q, hence makes
 * room for eight products more. Primes are at most 2^30 - 2047: a small multiple of q fits besides,
 * as the v Q of base conversion. */
static inline uint64_t hel_sum_fold(uint64_t sum, uint32_t q)
{
    const uint64_t top = (uint64_t)q << 33;
    return sum < top ? sum : sum - top;
}

/* Parts of the twins' tables that have files of their own. */
struct hel_conversion;
void hel_convert_portable(const struct hel_conversion *c, const uint32_t *const *in,
                          uint32_t *const *out, size_t n);

#define HEL_DECLARE_TWIN(twin)                                                                     \
    void hel_mul_##twin(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,    \
                        size_t n);                                                                 \
    void hel_mul_add_##twin(const hel_limb *l, uint32_t *out, const uint32_t *a,                   \
                            const uint32_t *b, size_t n);                                          \
    void hel_dot_##twin(const hel_limb *l, uint32_t *out, const uint32_t *const *a,                \
                        const uint32_t *const *b, uint32_t terms, size_t n);                       \
    void hel_dot2_##twin(const hel_limb *l, uint32_t *out0, uint32_t *out1,                        \
                         const uint32_t *const *a, const uint32_t *const *b0,                      \
                         const uint32_t *const *b1, uint32_t terms, size_t n);                     \
    void hel_tensor_words_##twin(const hel_limb *l, uint32_t *d0, uint32_t *d1, uint32_t *d2,      \
                                 const uint32_t *a0, const uint32_t *a1, const uint32_t *b0,       \
                                 const uint32_t *b1, size_t n);                                    \
    void hel_convert_##twin(const struct hel_conversion *c, const uint32_t *const *in,             \
                            uint32_t *const *out, size_t n);

HEL_DECLARE_TWIN(avx2)
HEL_DECLARE_TWIN(avx512)

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
