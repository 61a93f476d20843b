/* Shoup's product brought to [0, q) by comparisons: what one writes first. x, y in [0, q). */
#include "bench/ladders/ladder.h"

#define LADDER_ARITHMETIC "Shoup, compare and subtract"

static inline k_pair ladder_factor(uint32_t w, const ladder_primes *p)
{
    k_pair f;
    f.x = w;
    f.y = hel_mod_shoup(w, p->q);
    return f;
}

#ifdef K_KERNEL
K_DEVICE void ladder_butterfly(uint32_t *x, uint32_t *y, k_pair w, const ladder_primes *p)
{
    uint32_t v = *y * w.x - K_MULHI(*y, w.y) * p->q, u = *x;
    if (v >= p->q)
        v -= p->q;
    *x = u + v;
    if (*x >= p->q)
        *x -= p->q;
    *y = u - v;
    if (u < v)
        *y += p->q;
}

K_DEVICE uint32_t ladder_canonical(uint32_t x, const ladder_primes *p)
{
    (void)p;
    return x;
}
#endif
