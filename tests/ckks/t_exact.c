/*
 * The whole path on the worst data there is: packed weights, expansion, freshly encrypted planes,
 * multiply-accumulate, relinearization, output switch, decoding. Noise is measured on the phase
 * and compared with the formula that the parameter search proves exactness with.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_scheme.h"

typedef struct path {
    ref_fixture f;
    uint32_t samples;
    int worst; /* planes G, weights 2^(b-1) - 1 throughout; otherwise random in range */
    ref_random random;
    int32_t *w;
    int8_t *sign, *m;
    int64_t *sum; /* true */
    uint32_t *d;  /* 3 x scan x N */
    uint32_t *c0, *a;
    hel_encryptor *encryptor;
    hel_chacha *seed;
    uint8_t public_seed[32];
    uint8_t *bytes;
    /* results */
    uint32_t wrong, wrong_out;
    double rms;     /* of the phase's noise before relinearization */
    double rms_out; /* after the output switch, in units of out_scale */
} path;

static void draw_plane(path *x)
{
    const uint32_t g = x->f.scheme->params.plane_max;
    for (uint32_t j = 0; j < x->f.scheme->n; j++)
        x->m[j] =
            (int8_t)(x->sign[j] * (int32_t)(x->worst ? g : ref_random_below(&x->random, g + 1)));
}

/* One sample's product with its expanded weight. */
static void accumulate(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    path *x = arg;
    const hel_scheme *s = x->f.scheme;
    const uint32_t scan = s->params.scan_limbs;
    const size_t n = s->n, poly = scan * n;
    draw_plane(x);
    cr_assert_eq(hel_encrypt_plane(x->encryptor, t, x->m, x->c0), HEL_OK);
    cr_assert_eq(hel_expand_uniform(s, x->seed, HEL_DOMAIN_GENO_A, t, scan, x->a, x->bytes),
                 HEL_OK);
    for (uint32_t i = 0; i < scan; i++) {
        const hel_limb *l = &s->ring->limb[i];
        const size_t at = i * n;
        s->ring->ops->mul_add(l, x->d + at, x->c0 + at, z0 + at, n);
        s->ring->ops->mul_add(l, x->d + poly + at, x->c0 + at, z1 + at, n);
        s->ring->ops->mul_add(l, x->d + poly + at, x->a + at, z0 + at, n);
        s->ring->ops->mul_add(l, x->d + 2 * poly + at, x->a + at, z1 + at, n);
    }
    for (size_t j = 0; j < n; j++)
        x->sum[j] += (int64_t)x->w[t] * x->m[j];
}

static void measure(path *x)
{
    const hel_scheme *s = x->f.scheme;
    const size_t n = s->n, poly = s->params.scan_limbs * n;
    const __int128 scale = (__int128)s->out_scale * s->ring->limb[s->params.scan_limbs - 1].q;
    __int128 *phase = malloc(n * sizeof *phase);
    int64_t *sums = malloc(n * sizeof *sums);
    uint32_t *scratch = aligned_alloc(64, hel_keyswitch_scratch_words(s) * 4);
    uint32_t *r = aligned_alloc(64, 2 * s->params.out_limbs * n * 4);
    double square = 0;
    cr_assert_eq(
        hel_phase_degree2(x->f.engine, s, x->f.key, x->d, x->d + poly, x->d + 2 * poly, phase),
        HEL_OK);
    for (size_t j = 0; j < n; j++) {
        __int128 rest = phase[j] - scale * x->sum[j];
        double d = (double)rest;
        square += d * d;
        x->wrong += fabs(d) * 2 >= (double)scale;
    }
    x->rms = sqrt(square / (double)n);
    hel_output_finish(s, &x->f.keys->relin, x->d, x->d + poly, x->d + 2 * poly, r,
                      r + s->params.out_limbs * n, scratch);
    hel_status status =
        hel_decrypt_sums(x->f.engine, s, x->f.key, r, r + s->params.out_limbs * n, INT64_MAX, sums);
    cr_assert_eq(status, HEL_OK);
    for (size_t j = 0; j < n; j++)
        x->wrong_out += sums[j] != x->sum[j];
    ref_phase(s, x->f.key, s->params.out_limbs, r, r + s->params.out_limbs * n, phase);
    square = 0;
    for (size_t j = 0; j < n; j++) {
        double d = (double)(phase[j] - (__int128)s->out_scale * x->sum[j]) / (double)s->out_scale;
        square += d * d;
    }
    x->rms_out = sqrt(square / (double)n);
    free(phase);
    free(sums);
    free(scratch);
    free(r);
}

static void run(path *x, const hel_params *p, uint32_t samples, int worst, uint64_t stream)
{
    hel_expander *e;
    uint32_t *packed;
    uint8_t error_seed[32], sign_seed[32];
    memset(x, 0, sizeof *x);
    x->random = ref_random_start(stream);
    ref_setup(&x->f, p, HEL_SIMD_AUTO, 1);
    const hel_scheme *s = x->f.scheme;
    const size_t n = s->n, poly = p->scan_limbs * n;
    x->samples = samples;
    x->worst = worst;
    x->w = calloc(samples, sizeof *x->w);
    x->sign = malloc(n);
    x->m = malloc(n);
    x->sum = calloc(n, sizeof *x->sum);
    x->d = aligned_alloc(64, 3 * poly * 4);
    memset(x->d, 0, 3 * poly * 4);
    x->c0 = aligned_alloc(64, poly * 4);
    x->a = aligned_alloc(64, poly * 4);
    x->bytes = aligned_alloc(64, 4 * n);
    packed = aligned_alloc(64, p->expand_limbs * n * 4);
    for (uint32_t i = 0; i < 32; i++) {
        x->public_seed[i] = (uint8_t)ref_random_u64(&x->random);
        error_seed[i] = (uint8_t)ref_random_u64(&x->random);
        sign_seed[i] = (uint8_t)ref_random_u64(&x->random);
    }
    const int32_t top = (1 << (p->weight_bits - 1)) - 1;
    for (uint32_t t = 0; t < samples; t++)
        x->w[t] = worst ? top : (int32_t)ref_random_below(&x->random, 2 * (uint32_t)top + 1) - top;
    cr_assert_eq(hel_chacha_create(x->f.engine, &x->seed, sign_seed), HEL_OK);
    cr_assert_eq(hel_sample_signs(s->ring, x->seed, 0, x->sign), HEL_OK);
    hel_chacha_free(x->seed);
    cr_assert_eq(hel_chacha_create(x->f.engine, &x->seed, x->public_seed), HEL_OK);
    cr_assert_eq(
        hel_encryptor_create(x->f.engine, &x->encryptor, s, x->f.key, x->public_seed, error_seed),
        HEL_OK);
    cr_assert_eq(hel_encrypt_weights(x->encryptor, 5, x->w, samples, packed), HEL_OK);
    cr_assert_eq(
        hel_expander_create(x->f.engine, &e, s, x->f.keys, packed, x->public_seed, 5, samples, 0),
        HEL_OK);
    uint32_t *scratch = aligned_alloc(64, hel_expander_scratch_words(e) * 4);
    for (uint32_t g = 0; g < hel_expander_groups(e); g++)
        hel_expander_run(e, g, scratch, accumulate, x);
    measure(x);
    hel_expander_free(e);
    hel_encryptor_free(x->encryptor);
    hel_chacha_free(x->seed);
    free(scratch);
    free(packed);
    free(x->w);
    free(x->sign);
    free(x->m);
    free(x->sum);
    free(x->d);
    free(x->c0);
    free(x->a);
    free(x->bytes);
}

/* sigma_E of this very data without the safety factor kappa. */
static double predicted(const path *x, double g2, double w2)
{
    const hel_scheme *s = x->f.scheme;
    const hel_params *p = &s->params;
    uint32_t primes[HEL_PRIMES_MAX];
    hel_noise noise;
    for (uint32_t i = 0; i < s->total; i++)
        primes[i] = s->ring->limb[i].q;
    hel_noise_predict(p, primes, &noise);
    double da = ldexp(primes[p->scan_limbs - 1], (int)p->da_shift), dz = (double)p->dz;
    return sqrt(x->samples * (da * da * s->n * noise.z * noise.z * g2 + dz * dz * 10.5 * w2 +
                              s->n * 10.5 * noise.z * noise.z));
}

static void check_margin(const hel_params *p, uint32_t samples, uint64_t stream, double tolerance)
{
    path x;
    run(&x, p, samples, 1, stream);
    const double top = ldexp(1, (int)p->weight_bits - 1) - 1, g = p->plane_max;
    const double scale =
        (double)x.f.scheme->out_scale * x.f.scheme->ring->limb[p->scan_limbs - 1].q;
    const double want = scale / (2 * predicted(&x, g * g, top * top)), have = scale / (2 * x.rms);
    printf("N=2^%u n=%u: margin predicted %.2f measured %.2f (%+.1f%%), after output switch %.2f, "
           "wrong %u\n",
           p->log_n, samples, want, have, 100 * (have / want - 1), 0.5 / x.rms_out, x.wrong_out);
    cr_assert_eq(x.wrong, 0);
    cr_assert_eq(x.wrong_out, 0);
    cr_assert_float_eq(have / want, 1, tolerance);
    cr_assert_float_eq(2 * x.rms_out * have, 1, 0.02);
    ref_teardown(&x.f);
}

/* ten keys, and one whole chunk */
Test(exact, margin_profile_s)
{
    hel_params p = ref_profile_s();
    for (uint32_t i = 0; i < ref_scaled(10); i++)
        check_margin(&p, i == 0 ? 256 : 64, 100 + i, 0.10);
    check_margin(&p, p.chunk, 99, 0.10);
}

Test(exact, margin_small_rings)
{
    for (uint32_t log_n = 10; log_n <= (ref_scaled(2) < 2 ? 10 : 12); log_n++)
        for (uint32_t i = 0; i < 3; i++) {
            hel_params p = ref_toy(log_n);
            check_margin(&p, 40 + i, 200 + 10 * log_n + i, 0.2);
        }
}

/* Other shapes: four scan limbs; P of one prime; no P, no dropped limb; digits of three. */
Test(exact, other_shapes)
{
    static const uint32_t shape[][4] = {{4, 5, 2, 2}, {3, 4, 1, 1}, {3, 5, 2, 2},
                                        {3, 4, 3, 3}, {2, 3, 1, 1}, {4, 4, 2, 2}};
    for (uint32_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        hel_params p = ref_toy(10 + i % 2);
        path x;
        p.scan_limbs = shape[i][0];
        p.expand_limbs = shape[i][1];
        p.special_limbs = shape[i][2];
        p.digit_limbs = shape[i][3];
        p.out_limbs = p.scan_limbs - 1;
        if (p.scan_limbs == 2) {
            p.weight_bits = 8;
            p.da_shift = 0;
            p.dz = 1 << 15;
        }
        if (p.scan_limbs == p.expand_limbs)
            p.dz <<= 12;
        run(&x, &p, 9, i % 2, 300 + i);
        printf("scan %u expand %u special %u digit %u: margin %.1f\n", p.scan_limbs, p.expand_limbs,
               p.special_limbs, p.digit_limbs, 0.5 / x.rms_out);
        cr_assert_eq(x.wrong_out, 0, "shape %u", i);
        ref_teardown(&x.f);
    }
}

static hel_params_proof proof_of(const hel_params *p)
{
    hel_params_proof proof;
    hel_status status = hel_params_check(NULL, p, &proof);
    (void)status;
    return proof;
}

/* Range: with scales twice too large the same worst data wrap around Q. */
Test(exact, range_one_notch_too_small)
{
    hel_params p = ref_toy(10);
    hel_params_proof proof;
    path x;
    p.chunk = 64;
    p.da_shift = 10;
    p.dz = 1;
    while (proof_of(&p).range_holds)
        p.dz *= 2;
    cr_assert_eq(hel_params_check(NULL, &p, &proof), HEL_E_USAGE);
    run(&x, &p, 64, 1, 400);
    cr_assert_eq(x.wrong_out, x.f.scheme->n, "only %u sums wrapped", x.wrong_out);
    ref_teardown(&x.f);
    p.dz /= 2;
    run(&x, &p, 64, 1, 400);
    cr_assert_eq(x.wrong_out, 0);
    ref_teardown(&x.f);
}

/* Noise: at a predicted margin near 1.5 sigma the share of wrong sums is the normal tail's. */
Test(exact, noise_too_large)
{
    hel_params p = ref_toy(10);
    hel_params_proof proof;
    path x;
    p.chunk = 64;
    p.da_shift = 1;
    p.dz = 1;
    while (proof_of(&p).margin < 1.5)
        p.dz += 1 + p.dz / 16;
    cr_assert_eq(hel_params_check(NULL, &p, &proof), HEL_E_USAGE);
    cr_assert(!proof.noise_holds && proof.range_holds);
    run(&x, &p, 64, 1, 500);
    double scale = (double)x.f.scheme->out_scale * x.f.scheme->ring->limb[2].q;
    double share = erfc(scale / (2 * x.rms) / sqrt(2));
    printf("margin %.2f: %u of %u sums wrong, %.0f expected\n", scale / (2 * x.rms), x.wrong_out,
           x.f.scheme->n, share * x.f.scheme->n);
    cr_assert_gt(x.wrong_out, 20);
    cr_assert_float_eq(x.wrong_out / (share * x.f.scheme->n), 1, 0.3);
    ref_teardown(&x.f);
}

Test(exact, random_data)
{
    hel_params p = ref_toy(11);
    path x;
    run(&x, &p, 100, 0, 600);
    cr_assert_eq(x.wrong, 0);
    cr_assert_eq(x.wrong_out, 0);
    ref_teardown(&x.f);
}
