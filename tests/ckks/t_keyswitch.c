/* Key switching: bit for bit against integers, phase and noise against the formula. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_scheme.h"

static void random_poly(const hel_scheme *s, uint32_t limbs, ref_random *random, uint32_t *c)
{
    for (uint32_t i = 0; i < limbs; i++)
        ref_fill(random, c + (size_t)i * s->n, s->n, s->ring->limb[i].q);
}

static const uint32_t shapes[][4] = {
    /* scan, expand, special, digit */
    {3, 4, 2, 2}, {3, 4, 1, 1}, {3, 4, 3, 3}, {3, 5, 2, 2},
    {2, 3, 0, 1}, {3, 3, 0, 2}, {3, 5, 4, 4}};

static hel_params shaped(uint32_t log_n, const uint32_t shape[4])
{
    hel_params p = ref_toy(log_n);
    p.scan_limbs = shape[0];
    p.expand_limbs = shape[1];
    p.special_limbs = shape[2];
    p.digit_limbs = shape[3];
    p.out_limbs = p.scan_limbs - 1;
    return p;
}

/* Every twin gives what the definitions give, edge residues included. */
Test(keyswitch, equals_the_definitions)
{
    hel_simd simd;
    for (uint32_t twin = 0; (simd = ref_twin(twin)) != HEL_SIMD_AUTO; twin++)
        for (uint32_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            hel_params p = shaped(10, shapes[i]);
            ref_fixture f;
            ref_random random = ref_random_start(10 * twin + i);
            ref_setup(&f, &p, simd, 1);
            const size_t words = (size_t)p.expand_limbs * f.scheme->n;
            uint32_t *c = ref_words(words), *o0 = ref_words(words), *o1 = ref_words(words);
            uint32_t *r0 = ref_words(words), *r1 = ref_words(words);
            uint32_t *scratch = ref_words(hel_keyswitch_scratch_words(f.scheme));
            for (uint32_t which = 0; which < 2; which++) {
                const hel_switch_key *k = which ? &f.keys->relin : &f.keys->galois[2];
                const size_t bytes = (size_t)k->q_limbs * f.scheme->n * 4;
                random_poly(f.scheme, k->q_limbs, &random, c);
                hel_keyswitch(f.scheme, k, c, o0, o1, scratch);
                ref_keyswitch(f.scheme, k, c, r0, r1);
                cr_assert_eq(memcmp(o0, r0, bytes), 0, "twin %u shape %u key %u", twin, i, which);
                cr_assert_eq(memcmp(o1, r1, bytes), 0, "twin %u shape %u key %u", twin, i, which);
            }
            free(c);
            free(o0);
            free(o1);
            free(r0);
            free(r1);
            free(scratch);
            ref_teardown(&f);
        }
}

/* out0 + out1 s - c s(X^g) is small, and as small as predicted. */
static void check_noise(uint32_t log_n, const uint32_t shape[4], uint64_t stream)
{
    hel_params p = shaped(log_n, shape);
    ref_fixture f;
    hel_noise noise;
    uint32_t primes[HEL_PRIMES_MAX];
    ref_random random = ref_random_start(stream);
    ref_setup(&f, &p, HEL_SIMD_AUTO, 1);
    const hel_scheme *s = f.scheme;
    const size_t n = s->n, words = p.expand_limbs * n;
    const uint32_t limbs = hel_min_u32(3, p.expand_limbs);
    uint32_t *c = ref_words(words), *o0 = ref_words(words), *o1 = ref_words(words);
    uint32_t *x = ref_words(n), *scratch = ref_words(hel_keyswitch_scratch_words(s));
    int8_t *moved = malloc(n);
    __int128 *phase = malloc(n * sizeof *phase);
    double square = 0, count = 0;
    for (uint32_t i = 0; i < s->total; i++)
        primes[i] = s->ring->limb[i].q;
    hel_noise_predict(&p, primes, &noise);
    for (uint32_t k = 0; k < 3; k++) {
        const uint32_t g = f.keys->exponent[k];
        for (uint32_t j = 0; j < n; j++) {
            uint32_t e = (uint32_t)((uint64_t)j * g % (2 * n));
            moved[e % n] = (int8_t)(e < n ? f.key->s[j] : -f.key->s[j]);
        }
        random_poly(s, p.expand_limbs, &random, c);
        for (size_t j = 0; j < words; j++) /* edges off: they are not uniform */
            c[j] = ref_random_below(&random, primes[j / n]);
        hel_keyswitch(s, &f.keys->galois[k], c, o0, o1, scratch);
        for (uint32_t i = 0; i < limbs; i++) {
            ref_negacyclic_ternary(primes[i], s->n, x, c + i * n, moved);
            s->ring->ops->sub(&s->ring->limb[i], o0 + i * n, o0 + i * n, x, n);
        }
        ref_phase(s, f.key, limbs, o0, o1, phase);
        for (size_t j = 0; j < n; j++, count++)
            square += (double)phase[j] * (double)phase[j];
    }
    double rms = sqrt(square / count);
    printf("N=2^%u expand %u special %u digit %u: sigma_ks predicted %.4g measured %.4g\n", log_n,
           p.expand_limbs, p.special_limbs, p.digit_limbs, noise.ks, rms);
    cr_assert_float_eq(rms / noise.ks, 1, 0.08);
    free(c);
    free(o0);
    free(o1);
    free(x);
    free(scratch);
    free(moved);
    free(phase);
    ref_teardown(&f);
}

Test(keyswitch, noise_as_predicted)
{
    for (uint32_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (uint32_t log_n = 10; log_n <= 11; log_n++)
            check_noise(log_n, shapes[i], 1000 + 10 * i + log_n);
    check_noise(13, shapes[0], 2000);
    check_noise(13, shapes[1], 2001);
}

/* Zero stays zero; the fused relinearization equals relinearizing by hel_keyswitch. */
Test(keyswitch, corners)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    ref_setup(&f, &p, HEL_SIMD_AUTO, 1);
    const hel_scheme *s = f.scheme;
    const size_t n = s->n, words = p.expand_limbs * n;
    uint32_t *c = ref_words(words), *o0 = ref_words(words), *o1 = ref_words(words);
    uint32_t *scratch = ref_words(hel_keyswitch_scratch_words(s));
    memset(c, 0, words * 4);
    hel_keyswitch(s, &f.keys->galois[0], c, o0, o1, scratch);
    for (size_t j = 0; j < words; j++)
        cr_assert(o0[j] == 0 && o1[j] == 0);

    ref_random random = ref_random_start(7);
    const size_t scan = p.scan_limbs * n, out = p.out_limbs * n;
    uint32_t *d = ref_words(3 * scan), *r = ref_words(2 * out);
    for (uint32_t k = 0; k < 3; k++)
        random_poly(s, p.scan_limbs, &random, d + k * scan);
    memcpy(c, d + 2 * scan, scan * 4);
    for (uint32_t i = 0; i < p.scan_limbs; i++)
        hel_ntt_inverse(s->ring, i, c + i * n);
    hel_keyswitch(s, &f.keys->relin, c, o0, o1, scratch);
    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t i = 0; i < p.scan_limbs; i++) {
            uint32_t *x = c + i * n, *o = (k ? o1 : o0) + i * n;
            memcpy(x, d + k * scan + i * n, n * 4);
            hel_ntt_inverse(s->ring, i, x);
            s->ring->ops->add(&s->ring->limb[i], o, o, x, n);
        }
    hel_output_finish(s, &f.keys->relin, d, d + scan, d + 2 * scan, r, r + out, scratch);
    const uint32_t last = p.scan_limbs - 1, q_last = s->ring->limb[last].q;
    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t i = 0; i < last; i++)
            for (size_t j = 0; j < n; j++) {
                const uint32_t *o = k ? o1 : o0;
                uint32_t q = s->ring->limb[i].q;
                int64_t rest = ref_centre(o[last * n + j], q_last);
                uint32_t want = hel_mod_mul(ref_mod((int64_t)o[i * n + j] - rest, q),
                                            ref_inverse(q_last % q, q), q);
                cr_assert_eq(r[k * out + i * n + j], want);
            }
    free(c);
    free(o0);
    free(o1);
    free(d);
    free(r);
    free(scratch);
    ref_teardown(&f);
}
