/* Shoup's product after Harvey, corrected by the smaller of two unsigned numbers: what the kernels
 * do. x, y in [0, 4q). */
#include "bench/ladders/ladder.h"

#define LADDER_ARITHMETIC "Shoup after Harvey, unsigned minimum"

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
    const uint32_t u = k_fold(*x, p->minus_q2), v = k_shoup(*y, w, p->minus_q);
    *x = u + v;
    *y = u + p->q2 - v;
}

K_DEVICE uint32_t ladder_canonical(uint32_t x, const ladder_primes *p)
{
    return k_fold(k_fold(x, p->minus_q2), p->minus_q);
}
#endif
