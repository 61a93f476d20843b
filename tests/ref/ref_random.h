/*
 * Random inputs of tests: xoshiro256** (Blackman and Vigna, 2018) from a printed seed. The
 * environment may set HEL_TEST_SEED (any number) and HEL_TEST_SCALE (multiplies iterations).
 */
#ifndef HEL_REF_RANDOM_H
#define HEL_REF_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct ref_random {
    uint64_t s[4];
} ref_random;

static inline uint64_t ref_splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* `stream` separates the generators of one test; the seed goes to stderr. */
static inline ref_random ref_random_start(uint64_t stream)
{
    const char *text = getenv("HEL_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20240229;
    ref_random r;
    fprintf(stderr, "seed: HEL_TEST_SEED=%llu\n", (unsigned long long)seed);
    seed += stream * 0xd1342543de82ef95u;
    for (int i = 0; i < 4; i++)
        r.s[i] = ref_splitmix(&seed);
    return r;
}

static inline uint64_t ref_random_u64(ref_random *r)
{
    uint64_t *s = r->s, x = s[1] * 5, result = (x << 7 | x >> 57) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return result;
}

/* In [0, bound), bound >= 1; the bias below 2^-32 does not matter here. */
static inline uint32_t ref_random_below(ref_random *r, uint32_t bound)
{
    return (uint32_t)((ref_random_u64(r) >> 32) * bound >> 32);
}

/* In [0, 1) */
static inline double ref_random_double(ref_random *r)
{
    return (double)(ref_random_u64(r) >> 11) * 0x1p-53;
}

/* `iterations` times HEL_TEST_SCALE, at least 1 */
static inline size_t ref_scaled(size_t iterations)
{
    const char *text = getenv("HEL_TEST_SCALE");
    double scaled = (double)iterations * (text ? strtod(text, NULL) : 1.0);
    return scaled < 1 ? 1 : (size_t)scaled;
}

#endif
