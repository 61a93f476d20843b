/* What the parameter sources share: the pool of primes, and plans that named sets prescribe. */
#ifndef HEL_CKKS_PARAMS_PRIVATE_H
#define HEL_CKKS_PARAMS_PRIVATE_H

#include "host/ckks/evaluator.h"
#include "host/ring/convert.h"

#define HEL_CKKS_PRIME_MIN    (1u << 17) /* primes lie strictly between */
#define HEL_CKKS_PRIME_MAX    (1u << 30)
#define HEL_CKKS_SCALE_SPREAD 11           /* default scales: 2^scale_bits within 2^+-11 */
#define HEL_CKKS_MULTIPLIER   (1ull << 40) /* multipliers are below */
#define HEL_CKKS_CBD_VARIANCE 10.5         /* of CBD(21) */

/* ---- ckks_pool.c: primes 1 mod 2N to choose from ---- */

typedef struct hel_prime_pool {
    uint32_t count; /* primes, ascending */
    uint32_t *q;
    double *log; /* log2 of each */
    uint8_t *taken;
    uint32_t *open; /* scratch: places that are not taken */
} hel_prime_pool;

/* One or more primes of the pool, by place, for a product near a target. */
typedef struct hel_prime_choice {
    uint32_t count, place[3];
    uint64_t multiplier;
    double log; /* log2 of the product of the primes */
} hel_prime_choice;

hel_status hel_pool_create(hel_engine *engine, hel_prime_pool *pool, uint32_t log_n);
void hel_pool_free(hel_prime_pool *pool); /* safe on a zeroed struct */
void hel_pool_mark(hel_prime_pool *pool, const hel_prime_choice *choice, uint8_t taken);

/* The primes of one level: multiplier 2^target / product is 2^-tolerance .. 2^tolerance. One prime
 * or a pair with multiplier 1 where there is any (the nearest), else the smallest product for which
 * a multiplier does it. 0 when nothing is left. */
int hel_pool_level(const hel_prime_pool *pool, double target, double tolerance,
                   hel_prime_choice *out);
/* The smallest product of 2^need or more: one prime if one does, else two, else three, up to
 * `most`. 0 when there is none. */
int hel_pool_base(const hel_prime_pool *pool, double need, uint32_t most, hel_prime_choice *out);
/* log2 of the largest product of two that are not taken. */
double hel_pool_largest_pair(const hel_prime_pool *pool);

/* ---- ckks_build.c ---- */

/* Default scales aimed at: log2 of those of levels depth - 2k and of levels depth - 1 - 2k (the top
 * level's own is 2^scale_bits), and how far off they may be. */
typedef struct hel_scale_plan {
    double even, odd, tolerance;
} hel_scale_plan;

/* hel_ckks_params_build with the given plan; NULL: with the best of its own. */
hel_status hel_ckks_build_plan(hel_engine *engine, const hel_ckks_request *request,
                               const hel_scale_plan *plan, hel_ckks_params *out);

#endif
