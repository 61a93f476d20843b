/*
 * The pool: primes 1 mod 2N from which a chain of moduli is chosen. Large rings have few (422 at
 * N = 2^17), small ones more than anybody needs: above 2^24 only those 1 mod 2^15 are taken up.
 */
#include <math.h>

#include "host/base/mem.h"
#include "host/ckks/ckks_params_private.h"

#define POOL_ALL_BELOW (1u << 24)
#define POOL_STRIDE    (1u << 15)
#define POOL_MAX       8192 /* there are 4332 at N = 2^10, less at all others */
/* A pair this near is as good as any: the more equal primes are taken. */
#define FINE 0x1p-10

hel_status hel_pool_create(hel_engine *engine, hel_prime_pool *pool, uint32_t log_n)
{
    hel_status status;
    uint32_t step = 2u << log_n;
    *pool = (hel_prime_pool){0};
    HEL_TRY_GOTO(hel_malloc(engine, &pool->q, POOL_MAX, sizeof *pool->q), fail);
    HEL_TRY_GOTO(hel_malloc(engine, &pool->log, POOL_MAX, sizeof *pool->log), fail);
    HEL_TRY_GOTO(hel_calloc(engine, &pool->taken, POOL_MAX, sizeof *pool->taken), fail);
    HEL_TRY_GOTO(hel_malloc(engine, &pool->open, POOL_MAX, sizeof *pool->open), fail);
    for (uint32_t q = step + 1; q < HEL_CKKS_PRIME_MAX && pool->count < POOL_MAX; q += step) {
        if (q > POOL_ALL_BELOW && step < POOL_STRIDE) {
            step = POOL_STRIDE;
            q = POOL_ALL_BELOW + 1;
        }
        if (q > HEL_CKKS_PRIME_MIN && hel_is_prime(q)) {
            pool->log[pool->count] = log2(q);
            pool->q[pool->count++] = q;
        }
    }
    return HEL_OK;
fail:
    hel_pool_free(pool);
    return status;
}

void hel_pool_free(hel_prime_pool *pool)
{
    hel_free(pool->q);
    hel_free(pool->log);
    hel_free(pool->taken);
    hel_free(pool->open);
    *pool = (hel_prime_pool){0};
}

void hel_pool_mark(hel_prime_pool *pool, const hel_prime_choice *choice, uint8_t taken)
{
    for (uint32_t i = 0; i < choice->count; i++)
        pool->taken[choice->place[i]] = taken;
}

static uint32_t list_open(const hel_prime_pool *pool)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool->count; i++)
        if (!pool->taken[i])
            pool->open[count++] = i;
    return count;
}

static double open_log(const hel_prime_pool *pool, uint32_t i)
{
    return pool->log[pool->open[i]];
}

/* The smallest integer factor that brings the product to the target, within the tolerance; 0:
 * none does. */
static uint64_t factor_for(double log, double target, double tolerance)
{
    double factor = log <= target ? 1 : nearbyint(exp2(log - target));
    return fabs(log2(factor) + target - log) <= tolerance ? (uint64_t)factor : 0;
}

static void choose(hel_prime_choice *out, const hel_prime_pool *pool, uint32_t i, uint32_t j,
                   uint64_t multiplier)
{
    *out = (hel_prime_choice){i == j ? 1 : 2, {pool->open[i], pool->open[j]}, multiplier, 0};
    for (uint32_t k = 0; k < out->count; k++)
        out->log += pool->log[out->place[k]];
}

static int nearest_one(const hel_prime_pool *pool, uint32_t open, double target, double tolerance,
                       hel_prime_choice *out)
{
    double least = tolerance;
    int found = 0;
    for (uint32_t i = 0; i < open; i++) {
        double miss = fabs(open_log(pool, i) - target);
        if (miss <= least) {
            least = miss;
            choose(out, pool, i, i, 1);
            found = 1;
        }
    }
    return found;
}

/* From the most equal pair outwards: i falls, j rises. */
static int nearest_two(const hel_prime_pool *pool, uint32_t open, double target, double tolerance,
                       hel_prime_choice *out)
{
    double least = tolerance;
    int found = 0;
    uint32_t j = 0;
    while (j < open && 2 * open_log(pool, j) <= target)
        j++;
    for (uint32_t i = j; i-- > 0;) {
        while (j < open && open_log(pool, i) + open_log(pool, j) < target)
            j++;
        for (uint32_t k = j > i + 1 ? j - 1 : j; k <= j && k < open; k++) {
            double miss = fabs(open_log(pool, i) + open_log(pool, k) - target);
            if (k == i || miss > least)
                continue;
            least = miss;
            choose(out, pool, i, k, 1);
            found = 1;
            if (miss <= FINE)
                return 1;
        }
    }
    return found;
}

/* The smallest single prime (pairs = 0) or pair for which an integer factor reaches the target. */
static int smallest(const hel_prime_pool *pool, uint32_t open, double target, double tolerance,
                    int pairs, hel_prime_choice *out)
{
    double least = INFINITY;
    int found = 0;
    uint32_t from = open; /* partners below it are too small, for this i and all before it */
    for (uint32_t i = 0; i < open; i++) {
        double one = open_log(pool, i);
        if (!pairs) {
            uint64_t factor = factor_for(one, target, tolerance);
            if (factor) {
                choose(out, pool, i, i, factor);
                return 1;
            }
            continue;
        }
        while (from > 0 && one + open_log(pool, from - 1) >= target - tolerance)
            from--;
        for (uint32_t j = from > i ? from : i + 1; j < open; j++) {
            double log = one + open_log(pool, j);
            if (log >= least)
                break;
            uint64_t factor = factor_for(log, target, tolerance);
            if (!factor)
                continue;
            least = log;
            choose(out, pool, i, j, factor);
            found = 1;
            break;
        }
    }
    return found;
}

int hel_pool_level(const hel_prime_pool *pool, double target, double tolerance,
                   hel_prime_choice *out)
{
    uint32_t open = list_open(pool);
    if (nearest_one(pool, open, target, tolerance, out) ||
        nearest_two(pool, open, target, tolerance, out))
        return 1;
    hel_prime_choice pair;
    int one = smallest(pool, open, target, tolerance, 0, out);
    int two = smallest(pool, open, target, tolerance, 1, &pair);
    if (two && (!one || pair.log < out->log))
        *out = pair;
    return one || two;
}

int hel_pool_base(const hel_prime_pool *pool, double need, uint32_t most, hel_prime_choice *out)
{
    uint32_t open = list_open(pool), last;
    double log = 0;
    if (open == 0)
        return 0;
    last = open - 1;
    for (uint32_t i = 0; i < open; i++)
        if (open_log(pool, i) >= need) {
            choose(out, pool, i, i, 1);
            return 1;
        }
    if (most < 2 || open < 2)
        return 0;
    /* Three primes: the largest, and a pair for what it leaves. */
    int three = open_log(pool, last) + open_log(pool, last - 1) < need;
    if (three) {
        if (most < 3 || open < 3)
            return 0;
        log = open_log(pool, last);
        open--;
    }
    double least = INFINITY;
    uint32_t j = open - 1;
    for (uint32_t i = 0; i < j; i++) {
        while (j > i + 1 && open_log(pool, i) + open_log(pool, j - 1) >= need - log)
            j--;
        double sum = open_log(pool, i) + open_log(pool, j);
        if (sum >= need - log && sum < least) {
            least = sum;
            choose(out, pool, i, j, 1);
        }
    }
    if (least == INFINITY)
        return 0;
    if (three) {
        out->place[out->count++] = pool->open[last];
        out->log += log;
    }
    return 1;
}

double hel_pool_largest_pair(const hel_prime_pool *pool)
{
    double log[2] = {0, 0};
    for (uint32_t i = pool->count, found = 0; i-- > 0 && found < 2;)
        if (!pool->taken[i])
            log[found++] = pool->log[i];
    return log[0] + log[1];
}
