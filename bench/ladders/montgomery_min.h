/* Montgomery's product of signed words, corrected by the smaller of two unsigned numbers: x, y in
 * (-q, q). */
#include "bench/ladders/ladder.h"

#define LADDER_ARITHMETIC "Montgomery, signed, unsigned minimum"

/* w 2^32 mod q, and that over q modulo 2^32 */
static inline k_pair ladder_factor(uint32_t w, const ladder_primes *p)
{
    k_pair f;
    f.x = (uint32_t)(((uint64_t)w << 32) % p->q);
    f.y = f.x * p->word_inv;
    return f;
}

#ifdef K_KERNEL
#ifdef __CUDACC__
#define LADDER_MULHI_SIGNED(a, b) __mulhi(a, b)
#else
#define LADDER_MULHI_SIGNED(a, b) ((int32_t)(((int64_t)(a) * (b)) >> 32))
#endif

/* [-q, q) -> [0, q) */
K_DEVICE int32_t ladder_lift(int32_t x, const ladder_primes *p)
{
    return (int32_t)K_MIN((uint32_t)x, (uint32_t)x + p->q);
}

K_DEVICE void ladder_butterfly(uint32_t *x, uint32_t *y, k_pair w, const ladder_primes *p)
{
    const int32_t u = ladder_lift((int32_t)*x, p);
    const int32_t m = (int32_t)(*y * w.y);
    const int32_t product =
        LADDER_MULHI_SIGNED((int32_t)*y, (int32_t)w.x) - LADDER_MULHI_SIGNED(m, (int32_t)p->q);
    const int32_t v = ladder_lift(product, p);
    *x = (uint32_t)u + (uint32_t)v - p->q;
    *y = (uint32_t)u - (uint32_t)v;
}

K_DEVICE uint32_t ladder_canonical(uint32_t x, const ladder_primes *p)
{
    return (uint32_t)ladder_lift((int32_t)x, p);
}
#endif
