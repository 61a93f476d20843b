/*
 * The rounding of modulus switches has mean zero. A rounding error is added once per sample, so a
 * mean accumulates as n where noise grows as sqrt(n): a floor passes tests of variance and makes
 * sums wrong at a few hundred samples (exactness chapter A1). Here the mean itself is tested, and
 * the same test is shown to reject the floor.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_scheme.h"

typedef struct moments {
    double sum, square, count;
} moments;

static int mean_is_zero(const moments *m)
{
    double mean = m->sum / m->count, sigma = sqrt(m->square / m->count - mean * mean);
    printf("mean %+.5f, sigma %.4f, %.1f standard errors\n", mean, sigma,
           mean / (sigma / sqrt(m->count)));
    return fabs(mean) <= 5 * sigma / sqrt(m->count);
}

/* c' - c / q_d from the two residues of a random c below q_i q_d, as the switch (or a floor) gives
 * it: the error of rounding, exactly -[c]/q_d. */
static double rounding(const hel_limb *l, const hel_limb *d, uint32_t out, uint64_t c)
{
    __int128 q = (__int128)l->q * d->q;
    __int128 scaled = (__int128)out * d->q - (__int128)c; /* modulo q_i q_d, a small number */
    scaled = ((scaled % q) + q) % q;
    if (scaled > q / 2)
        scaled -= q;
    return (double)scaled / d->q;
}

static void switch_many(const hel_ring *ring, int floor_variant, moments *m, ref_random *random)
{
    const hel_limb *l = &ring->limb[0], *d = &ring->limb[1];
    const size_t n = ring->n;
    uint32_t *c = ref_words(n), *x = ref_words(n);
    uint64_t *value = malloc(n * sizeof *value);
    for (size_t j = 0; j < n; j++) {
        value[j] =
            (uint64_t)(((unsigned __int128)ref_random_u64(random) * ((uint64_t)l->q * d->q)) >> 64);
        c[j] = (uint32_t)(value[j] % l->q);
        x[j] = (uint32_t)(value[j] % d->q);
    }
    if (floor_variant)
        for (size_t j = 0; j < n; j++)
            c[j] = hel_mod_mul((c[j] + l->q - x[j] % l->q) % l->q, ref_inverse(d->q, l->q), l->q);
    else
        ring->ops->drop(l, d, c, x, n);
    for (size_t j = 0; j < n; j++) {
        double r = rounding(l, d, c[j], value[j]);
        cr_assert(floor_variant || fabs(r) < 0.5);
        m->sum += r;
        m->square += r * r;
        m->count++;
    }
    free(c);
    free(x);
    free(value);
}

Test(modswitch, mean_of_the_rounding_error)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 13, 2);
    ref_random random = ref_random_start(1);
    moments centred = {0}, floored = {0};
    while (centred.count < 1 << 21) {
        switch_many(ring, 0, &centred, &random);
        switch_many(ring, 1, &floored, &random);
    }
    cr_assert(mean_is_zero(&centred));
    cr_assert_float_eq(centred.square / centred.count, 1 / 12.0, 0.001);
    cr_assert(!mean_is_zero(&floored), "the test cannot see a floor");
    ref_ring_end(engine, ring);
}

/* The phase of expanded leaves: mean of all coefficients but the message's. */
static void collect(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    void **a = arg;
    const ref_fixture *f = a[0];
    moments *m = a[1];
    __int128 *phase = a[2];
    (void)t;
    ref_phase_ntt(f->scheme, f->key, 2, z0, z1, phase);
    for (uint32_t j = 1; j < f->scheme->n; j++) {
        double r = (double)phase[j];
        m->sum += r;
        m->square += r * r;
        m->count++;
    }
}

Test(modswitch, mean_of_expanded_weights)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    static int32_t w[1024];
    uint8_t seed[32] = {1}, errors[32] = {2};
    moments m = {0};
    ref_setup(&f, &p, HEL_SIMD_AUTO, 1);
    const size_t n = f.scheme->n;
    ref_random random = ref_random_start(2);
    for (uint32_t t = 0; t < n; t++)
        w[t] = (int32_t)ref_random_below(&random, 1 << 20) - (1 << 19) + 1;
    __int128 *phase = malloc(n * sizeof *phase);
    uint32_t *c0 = ref_words(p.expand_limbs * n);
    void *arg[] = {&f, &m, phase};
    hel_encryptor *e;
    cr_assert_eq(hel_encryptor_create(f.engine, &e, f.scheme, f.key, seed, errors), HEL_OK);
    for (uint64_t object = 0; m.count < 1 << 20; object++) {
        hel_expander *x;
        cr_assert_eq(hel_encrypt_weights(e, object, w, (uint32_t)n, c0), HEL_OK);
        cr_assert_eq(
            hel_expander_create(f.engine, &x, f.scheme, f.keys, c0, seed, object, (uint32_t)n, 0),
            HEL_OK);
        uint32_t *scratch = ref_words(hel_expander_scratch_words(x));
        hel_expander_run(x, 0, scratch, collect, arg);
        free(scratch);
        hel_expander_free(x);
    }
    cr_assert(mean_is_zero(&m));
    hel_encryptor_free(e);
    free(phase);
    free(c0);
    ref_teardown(&f);
}
