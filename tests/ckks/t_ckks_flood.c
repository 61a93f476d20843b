/*
 * Flooded decryption: the noise is what the settings say, in every coefficient that a slot is read
 * from and in none beside, down to its lowest bits, fresh in every call; what does not fit is
 * refused.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_ckks.h"

static void ok(const ref_ckks *f, hel_status status, const char *what)
{
    cr_assert_eq(status, HEL_OK, "%s: %s", what, hel_engine_error(f->engine));
}

static const hel_ckks_flooding init = HEL_CKKS_FLOODING_INIT;

typedef struct setting {
    uint32_t slots, batch, bits;
    uint64_t queries;
    double scale;
} setting;

/* Centred coefficients of an item, modulo the primes of `level`. */
static long double *coefficients(const ref_ckks *f, const hel_ckks_plain *p, uint32_t item,
                                 uint32_t level)
{
    const hel_ckks_context *t = f->ckks->context;
    uint32_t *words = ref_ckks_message(f, p, item);
    long double *out = malloc(t->n * sizeof *out);
    ref_ckks_centre(f, t->params.limbs[level], words, out);
    free(words);
    return out;
}

/* Mean and variance of flooded - plain over the message's coefficients, in standard deviations. */
typedef struct moments {
    double mean, variance, fourth, count;
} moments;

static void add_item(const ref_ckks *f, const hel_ckks_plain *clear, const hel_ckks_plain *flooded,
                     uint32_t item, uint32_t slots, double sigma, moments *m)
{
    const uint32_t n = f->ckks->context->n, gap = n / (2 * slots);
    long double *a = coefficients(f, clear, item, clear->level);
    long double *b = coefficients(f, flooded, item, flooded->level);
    for (uint32_t k = 0; k < n; k++) {
        if (k % gap) {
            cr_assert_eq(b[k], 0, "coefficient %u is released unflooded", k);
            continue;
        }
        const double g = (double)(b[k] - a[k]) / sigma;
        cr_assert_leq(fabs(g), 14);
        m->mean += g;
        m->variance += g * g;
        m->fourth += g * g * g * g;
        m->count++;
    }
    free(a);
    free(b);
}

static void check(ref_ckks *f, const setting *s)
{
    const size_t count = (size_t)s->slots * s->batch;
    double *re = calloc(count, sizeof *re), *im = calloc(count, sizeof *im);
    double *back_re = calloc(count, sizeof *re), *back_im = calloc(count, sizeof *im);
    hel_ckks_plain *plain, *clear, *flooded;
    hel_ckks_cipher *x;
    hel_ckks_flooding fl = init;
    ref_random r = ref_random_start(s->slots + s->bits);
    ok(f, hel_ckks_plain_create(f->ckks, &plain), "plain");
    ok(f, hel_ckks_plain_create(f->ckks, &clear), "plain");
    ok(f, hel_ckks_plain_create(f->ckks, &flooded), "plain");
    ok(f, hel_ckks_cipher_create(f->ckks, &x), "cipher");
    ref_ckks_fill(&r, re, im, count);
    ok(f, hel_ckks_encode(f->ckks, plain, re, im, s->slots, s->batch, HEL_CKKS_TOP, s->scale),
       "encode");
    ok(f, hel_ckks_encrypt(f->ckks, x, plain, f->public_key), "encrypt");
    ok(f, hel_ckks_decrypt(f->ckks, clear, x, f->secret), "decrypt");
    fl.bits = s->bits;
    fl.queries = s->queries;
    ok(f, hel_ckks_decrypt_flooded(f->ckks, flooded, x, f->secret, &fl), "flooded");

    /* what the settings mean, from scratch */
    const double before = hel_ckks_cipher_error(x);
    const double factor = sqrt(12.0 * (double)fl.queries * pow(2, fl.bits));
    const double sigma = factor * before * s->scale;
    const double stated = before * sqrt(1 + 2 * s->slots * factor * factor);
    cr_assert_float_eq(fl.error / stated, 1, 1e-9);
    cr_assert_float_eq(fl.precision_cost, log2(fl.error / before), 1e-9);
    cr_assert_float_eq(fl.precision_cost,
                       0.5 * (log2(12.0 * (double)fl.queries) + fl.bits + log2(2 * s->slots)),
                       0.02);

    moments m = {0};
    for (uint32_t b = 0; b < s->batch; b++)
        add_item(f, clear, flooded, b, s->slots, sigma, &m);
    cr_log_info("slots %u sigma 2^%.1f: mean %.4f variance %.4f fourth %.4f of %.0f", s->slots,
                log2(sigma), m.mean / m.count, m.variance / m.count, m.fourth / m.count, m.count);
    cr_assert_leq(fabs(m.mean / m.count), 6 / sqrt(m.count));
    cr_assert_leq(fabs(m.variance / m.count - 1), 6 * sqrt(2 / m.count));
    cr_assert_leq(fabs(m.fourth / m.count - 3), 6 * sqrt(96 / m.count)); /* a Gaussian's */

    /* and in the slots */
    double square = 0;
    ok(f, hel_ckks_decode(f->ckks, flooded, back_re, back_im), "decode");
    for (size_t i = 0; i < count; i++)
        square += pow(back_re[i] - re[i], 2) + pow(back_im[i] - im[i], 2);
    cr_assert_leq(fabs(sqrt(square / (double)count) / fl.error - 1), 6 / sqrt((double)count));
    hel_ckks_plain_free(plain);
    hel_ckks_plain_free(clear);
    hel_ckks_plain_free(flooded);
    hel_ckks_cipher_free(x);
    free(re);
    free(im);
    free(back_re);
    free(back_im);
}

Test(ckks_flood, noise_is_as_stated)
{
    static const setting list[] = {
        {1, 200, 1, 1, 0x1p30},            /* integers: no low bits to add */
        {512, 8, 0, 0, 0x1p45},            /* the defaults */
        {512, 8, 2, 1, 0x1p30},            /* */
        {32, 40, 30, 1 << 20, 0x1p45},     /* one piece of low bits */
        {512, 8, 80, 1 << 20, 0x1p50},     /* two */
        {512, 4, 120, UINT64_MAX, 0x1p50}, /* three */
        {128, 20, 128, 1, 0x1p40},
    };
    ref_ckks f;
    hel_ckks_params p = ref_ckks_toy(10, 6, 40, 0);
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 2);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        check(&f, &list[i]);
    ref_ckks_end(&f);
}

/* The low 8 bits of the noise are uniform where sigma is far above what doubles resolve: the error
 * modulo 256 is hidden. Chi-squared with 255 degrees of freedom. */
Test(ckks_flood, low_bits_are_uniform)
{
    ref_ckks f;
    hel_ckks_params p = ref_ckks_toy(10, 6, 40, 0);
    hel_ckks_plain *plain, *clear, *flooded;
    hel_ckks_cipher *x;
    double zero[512] = {0}, chi = 0;
    uint32_t seen[256] = {0}, rounds = 32, n = 1024;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_plain_create(f.ckks, &clear), "plain");
    ok(&f, hel_ckks_plain_create(f.ckks, &flooded), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_encode(f.ckks, plain, zero, NULL, 512, 1, HEL_CKKS_TOP, 0), "encode");
    ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
    ok(&f, hel_ckks_decrypt(f.ckks, clear, x, f.secret), "decrypt");
    long double *a = coefficients(&f, clear, 0, clear->level);
    for (uint32_t i = 0; i < rounds; i++) {
        hel_ckks_flooding fl = init;
        fl.bits = 55; /* sigma near 2^52: exact in a long double */
        fl.queries = 64;
        ok(&f, hel_ckks_decrypt_flooded(f.ckks, flooded, x, f.secret, &fl), "flooded");
        long double *b = coefficients(&f, flooded, 0, flooded->level);
        for (uint32_t k = 0; k < n; k++)
            seen[(int64_t)(b[k] - a[k]) & 255]++;
        free(b);
    }
    const double expected = rounds * n / 256.0;
    for (int i = 0; i < 256; i++)
        chi += pow(seen[i] - expected, 2) / expected;
    cr_log_info("chi-squared %.1f", chi);
    cr_assert(chi > 255 - 6 * sqrt(510) && chi < 255 + 8 * sqrt(510), "%g", chi);
    free(a);
    hel_ckks_plain_free(plain);
    hel_ckks_plain_free(clear);
    hel_ckks_plain_free(flooded);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}

Test(ckks_flood, fresh_in_every_call_and_item)
{
    ref_ckks f;
    hel_ckks_params p = ref_ckks_toy(10, 4, 40, 0);
    hel_ckks_plain *plain, *flooded[2];
    hel_ckks_cipher *x;
    double zero[1024] = {0};
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_encode(f.ckks, plain, zero, NULL, 512, 2, HEL_CKKS_TOP, 0), "encode");
    ok(&f, hel_ckks_encrypt_symmetric(f.ckks, x, plain, f.secret), "encrypt");
    for (int i = 0; i < 2; i++) {
        hel_ckks_flooding fl = init;
        ok(&f, hel_ckks_plain_create(f.ckks, &flooded[i]), "plain");
        ok(&f, hel_ckks_decrypt_flooded(f.ckks, flooded[i], x, f.secret, &fl), "flooded");
    }
    const size_t words = (size_t)p.limbs[flooded[0]->level] * 1024;
    const uint32_t *from[4] = {flooded[0]->data, flooded[0]->data + words, flooded[1]->data,
                               flooded[1]->data + words};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++) {
            uint32_t same = 0;
            for (size_t k = 0; k < words; k++)
                same += from[i][k] == from[j][k];
            cr_assert_lt(same, 5);
        }
    hel_ckks_plain_free(plain);
    hel_ckks_plain_free(flooded[0]);
    hel_ckks_plain_free(flooded[1]);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}

/* Estimates and scales of files are anybody's word: the noise has a floor, and the owner's. */
Test(ckks_flood, estimates_are_not_trusted)
{
    ref_ckks f;
    hel_ckks_params p = ref_ckks_toy(10, 4, 40, 0);
    hel_ckks_plain *plain, *out;
    hel_ckks_cipher *x;
    double one = 1;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_plain_create(f.ckks, &out), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_encode(f.ckks, plain, &one, NULL, 1, 1, HEL_CKKS_TOP, 0), "encode");
    ok(&f, hel_ckks_encrypt_symmetric(f.ckks, x, plain, f.secret), "encrypt");
    hel_ckks_flooding fl = init;
    ok(&f, hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), "flooded");
    const double fresh = fl.error, estimate = hel_ckks_cipher_error(x), error = x->error;
    cr_assert_gt(fresh, 0);

    x->error = 1e-300;
    fl = init;
    ok(&f, hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), "flooded");
    cr_assert_float_eq(fl.error / fresh, 1, 0.01); /* one that says next to nothing: as if fresh */

    x->error = error;
    fl = init;
    fl.least_error = 100 * estimate;
    ok(&f, hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), "flooded");
    cr_assert_float_eq(fl.error / fresh, 100, 1e-6);
    fl = init;
    fl.least_error = estimate / 100;
    ok(&f, hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), "flooded");
    cr_assert_float_eq(fl.error / fresh, 1, 0.01); /* the larger of the two counts */

    x->scale =
        hel_scale_mul(x->scale, hel_scale_of(0x1p-20)); /* a scale that is not the real one */
    fl = init;
    fl.least_error = 100 * estimate;
    ok(&f, hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), "flooded");
    cr_assert_float_eq(fl.error * 0x1p-20 / fresh, 100, 1e-6);

    static const double bad[] = {-1, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        fl = init;
        fl.least_error = bad[i];
        cr_assert_eq(hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), HEL_E_USAGE);
        cr_assert(strstr(hel_engine_error(f.engine), "least error"));
    }
    hel_ckks_plain_free(plain);
    hel_ckks_plain_free(out);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}

Test(ckks_flood, refusals)
{
    ref_ckks f;
    hel_ckks_params p = ref_ckks_toy(10, 1, 40, 0);
    hel_ckks_plain *plain, *out;
    hel_ckks_cipher *x;
    hel_ckks_secret *other;
    double one = 1;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_plain_create(f.ckks, &out), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_secret_create(f.ckks, &other), "secret");
    ok(&f, hel_ckks_encode(f.ckks, plain, &one, NULL, 1, 1, 0, 0), "encode");
    ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
    hel_ckks_flooding fl = init;
    fl.bits = 90;
    cr_assert_eq(hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), HEL_E_USAGE);
    cr_assert(strstr(hel_engine_error(f.engine), "does not fit level 0"));
    cr_assert_eq(hel_ckks_plain_slots(out), 0);
    fl.bits = 257;
    cr_assert_eq(hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), HEL_E_USAGE);
    fl = init;
    fl.size = 3;
    cr_assert_eq(hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, NULL), HEL_E_USAGE);
    fl = init;
    cr_assert_eq(hel_ckks_decrypt_flooded(f.ckks, out, x, other, &fl), HEL_E_MISMATCH);
    fl.bits = 4;
    fl.queries = 1;
    for (int i = 0; i < 3; i++) { /* estimates that say nothing */
        static const double bad[] = {0, INFINITY, NAN};
        const double good = x->error;
        x->error = bad[i];
        cr_assert_eq(hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), HEL_E_USAGE);
        x->error = good;
    }
    ok(&f, hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl), "flooded");
    cr_assert_eq(hel_ckks_plain_slots(out), 1);
    hel_ckks_secret_free(other);
    hel_ckks_plain_free(plain);
    hel_ckks_plain_free(out);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}

Test(ckks_flood, out_of_memory)
{
    hel_ckks_params p = ref_ckks_toy(10, 4, 40, 0);
    ref_ckks f;
    const double zero[512] = {0};
    uint64_t before = hel_mem_in_use(), failures = 0;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks_plain *plain, *out;
    hel_ckks_cipher *x;
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_encode(f.ckks, plain, zero, NULL, 64, 2, 4, 0), "encode");
    ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
    for (uint64_t n = 1; n < 60; n++) {
        hel_ckks_flooding fl = init;
        hel_mem_fail_nth(n);
        hel_status status = hel_ckks_plain_create(f.ckks, &out);
        if (status == HEL_OK)
            status = hel_ckks_decrypt_flooded(f.ckks, out, x, f.secret, &fl);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY);
        cr_assert(!out || (status == HEL_OK) == out->valid);
        failures += status != HEL_OK;
        hel_ckks_plain_free(out);
    }
    cr_assert_geq(failures, 3);
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
    cr_assert_eq(hel_mem_in_use(), before);
}
