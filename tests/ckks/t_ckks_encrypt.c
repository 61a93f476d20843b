/* Encryption and decryption: round trips, errors against their estimates, refusals, threads. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_ckks.h"

static void ok(const ref_ckks *f, hel_status status, const char *what)
{
    cr_assert_eq(status, HEL_OK, "%s: %s", what, hel_engine_error(f->engine));
}

#define REFUSES(f, code, text, call)                                                               \
    do {                                                                                           \
        hel_error_clear((f)->engine);                                                              \
        cr_assert_eq((call), (code), "%s", hel_engine_error((f)->engine));                         \
        cr_assert(strstr(hel_engine_error((f)->engine), (text)), "'%s' lacks '%s'",                \
                  hel_engine_error((f)->engine), (text));                                          \
    } while (0)

typedef struct vectors {
    size_t count;
    double *re, *im, *back_re, *back_im;
} vectors;

static vectors vectors_new(ref_random *r, size_t count, int complex_numbers)
{
    vectors v = {count, calloc(count + 1, 8), calloc(count + 1, 8), calloc(count + 1, 8),
                 calloc(count + 1, 8)};
    ref_ckks_fill(r, v.re, complex_numbers ? v.im : NULL, count);
    return v;
}

static void vectors_free(vectors *v)
{
    free(v->re);
    free(v->im);
    free(v->back_re);
    free(v->back_im);
}

/* Root mean square and largest |back - sent|. */
static double difference(const vectors *v, double *worst)
{
    double square = 0, most = 0;
    for (size_t i = 0; i < v->count; i++) {
        double d = hypot(v->back_re[i] - v->re[i], v->back_im[i] - v->im[i]);
        square += d * d;
        most = fmax(most, d);
    }
    if (worst)
        *worst = most;
    return v->count ? sqrt(square / (double)v->count) : 0;
}

/* The decrypted words are those of c0 + c1 s, whatever level decryption chose. */
static void check_phase(const ref_ckks *f, const hel_ckks_cipher *x, const hel_ckks_plain *p)
{
    const hel_ckks_context *t = f->ckks->context;
    const size_t words = (size_t)t->params.limbs[p->level] * t->n;
    for (uint32_t b = 0; b < x->batch; b++) {
        uint32_t *phase = ref_ckks_phase(f, x, b), *message = ref_ckks_message(f, p, b);
        cr_assert_eq(memcmp(phase, message, words * 4), 0, "item %u", b);
        free(phase);
        free(message);
    }
}

typedef struct point {
    uint32_t level, slots, batch;
    int complex_numbers, symmetric;
} point;

static void round_trip(ref_ckks *f, ref_random *r, const point *p, hel_ckks_plain *plain,
                       hel_ckks_cipher *x, hel_ckks_plain *back)
{
    char name[100];
    double worst;
    vectors v = vectors_new(r, (size_t)p->slots * p->batch, p->complex_numbers);
    snprintf(name, sizeof name, "N 2^%u level %u slots %u batch %u complex %d symmetric %d",
             f->ckks->context->params.log_n, p->level, p->slots, p->batch, p->complex_numbers,
             p->symmetric);
    const double *im = p->complex_numbers ? v.im : NULL;
    ok(f, hel_ckks_encode(f->ckks, plain, v.re, im, p->slots, p->batch, p->level, 0), name);
    cr_assert_eq(hel_ckks_plain_level(plain), p->level);
    cr_assert_eq(hel_ckks_plain_slots(plain), p->slots);
    cr_assert_eq(hel_ckks_plain_batch(plain), p->batch);
    cr_assert_eq(hel_ckks_plain_scale(plain), f->ckks->context->scale[p->level].hi);
    const double scale = hel_ckks_plain_scale(plain);
    ok(f, hel_ckks_decode(f->ckks, plain, v.back_re, v.back_im), name);
    double rms = difference(&v, &worst);
    const hel_ckks_context *t = f->ckks->context;
    const double rounding =
        hel_ckks_error_slot(t, hel_ckks_error_encode(t, plain->log_slots), plain->log_slots) /
        scale;
    cr_assert_leq(rms, (v.count < 500 ? 2.5 : 1.05) * rounding + 0x1p-46, "%s: %g", name, rms);
    if (p->symmetric)
        ok(f, hel_ckks_encrypt_symmetric(f->ckks, x, plain, f->secret), name);
    else
        ok(f, hel_ckks_encrypt(f->ckks, x, plain, f->public_key), name);
    cr_assert_eq(hel_ckks_cipher_level(x), p->level);
    cr_assert_eq(hel_ckks_cipher_slots(x), p->slots);
    cr_assert_eq(hel_ckks_cipher_batch(x), p->batch);
    cr_assert_eq(hel_ckks_cipher_size(x), 2);
    cr_assert_eq(hel_ckks_cipher_scale(x), scale);
    cr_assert_eq(hel_ckks_cipher_bound(x), 1);
    cr_assert_eq(x->seeded, p->symmetric);
    ok(f, hel_ckks_decrypt(f->ckks, back, x, f->secret), name);
    cr_assert_leq(hel_ckks_plain_level(back), p->level);
    check_phase(f, x, back);
    ok(f, hel_ckks_decode(f->ckks, back, v.back_re, p->complex_numbers ? v.back_im : NULL), name);
    rms = difference(&v, &worst);
    cr_assert_leq(worst, REF_CKKS_SLOT_LIMIT * hel_ckks_cipher_error(x), "%s: %g of %g", name,
                  worst, hel_ckks_cipher_error(x));
    if (v.count >= 500 && p->complex_numbers) {
        const double ratio = rms / hel_ckks_cipher_error(x);
        cr_assert(ratio > 0.6 && ratio < 1.05, "%s: measured %g of estimated", name, ratio);
        cr_log_info("%s: %.3f of the estimate, 2^%.1f", name, ratio, log2(rms));
    }
    vectors_free(&v);
}

/* Corners first: one slot, no item, the bottom level; then random points between them. */
static void lattice(const hel_ckks_params *params, uint64_t stream, size_t points)
{
    ref_ckks f;
    ref_random r = ref_random_start(stream);
    hel_ckks_plain *plain, *back;
    hel_ckks_cipher *x;
    ref_ckks_setup(&f, params, HEL_SIMD_AUTO, 2);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_plain_create(f.ckks, &back), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    const uint32_t half = hel_ckks_slots(f.ckks), batches[] = {1, 0, 5, 9};
    for (uint32_t i = 0; i < 2 * 2 * 4 * 2 * 2; i++) {
        point p = {i & 1 ? params->depth : 0, i >> 1 & 1 ? half : 1, batches[i >> 2 & 3],
                   i >> 4 & 1, i >> 5 & 1};
        round_trip(&f, &r, &p, plain, x, back);
    }
    for (size_t i = 0; i < ref_scaled(points); i++) {
        point p = {ref_random_below(&r, params->depth + 1),
                   1u << ref_random_below(&r, params->log_n), ref_random_below(&r, 4),
                   (int)ref_random_below(&r, 2), (int)ref_random_below(&r, 2)};
        round_trip(&f, &r, &p, plain, x, back);
    }
    hel_ckks_plain_free(plain);
    hel_ckks_plain_free(back);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}

Test(ckks_encrypt, round_trips_toy)
{
    hel_ckks_params p = ref_ckks_toy(10, 3, 40, 2);
    lattice(&p, 1, 40);
    p = ref_ckks_toy(10, 1, 26, 1);
    lattice(&p, 2, 20);
    p = ref_ckks_toy(11, 2, 55, 0);
    lattice(&p, 3, 20);
}

Test(ckks_encrypt, round_trips_depth_0)
{
    hel_ckks_params p = ref_ckks_toy(10, 1, 30, 0), q = p;
    const uint32_t limbs = p.limbs[0], all = p.limbs[1] + p.special_limbs;
    q.depth = q.limbs[1] = 0;
    q.multiplier[1] = 0;
    q.digit_limbs = q.digit_limbs < limbs ? q.digit_limbs : limbs;
    memset(q.primes + limbs, 0, sizeof q.primes - limbs * sizeof *q.primes);
    memcpy(q.primes + limbs, p.primes + p.limbs[1], (all - p.limbs[1]) * sizeof *q.primes);
    lattice(&q, 4, 10);
}

Test(ckks_encrypt, round_trips_secure)
{
    hel_ckks_request request = HEL_CKKS_REQUEST_INIT;
    hel_ckks_params p;
    hel_engine *engine;
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
    request.log_n = 13;
    cr_assert_eq(hel_ckks_params_build(engine, &request, &p), HEL_OK, "%s",
                 hel_engine_error(engine));
    hel_engine_free(engine);
    cr_assert_eq(p.security, 128);
    lattice(&p, 5, 10);
}

/* Values above the 63 bits that decryption assumes come back, as the bound tells of them; encoding
 * sets it. */
Test(ckks_encrypt, large_values_come_with_their_bound)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 4, 40, 0);
    hel_ckks_plain *plain;
    hel_ckks_cipher *x;
    const double number = 0x1.23p100;
    double back;
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_encode(f.ckks, plain, &number, NULL, 1, 1, HEL_CKKS_TOP, 0), "encode");
    ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
    hel_ckks_cipher_set_bound(x, NAN);
    hel_ckks_cipher_set_bound(x, -1);
    cr_assert_eq(hel_ckks_cipher_bound(x), 0x1p101);
    ok(&f, hel_ckks_decrypt(f.ckks, plain, x, f.secret), "decrypt");
    ok(&f, hel_ckks_decode(f.ckks, plain, &back, NULL), "decode");
    cr_assert_float_eq(back / number, 1, 0x1p-45);
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}

/* A product that would wrap in its modulus is an error, not a wrong number, wherever it shows: when
 * it is made, when it is brought to a level that is too small for it, or when it is decrypted. */
Test(ckks_encrypt, what_would_wrap_is_refused)
{
    static const double numbers[] = {1e9, 1000, 40, 2};
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 1, 40, 0); /* level 0 holds 10 bits */
    hel_ckks_plain *plain;
    hel_ckks_cipher *x;
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const double v = numbers[i];
        double back = 0;
        ok(&f, hel_ckks_encode(f.ckks, plain, &v, NULL, 1, 1, HEL_CKKS_TOP, 0), "encode");
        ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
        hel_status status = hel_ckks_square(f.ckks, x, x);
        if (status == HEL_OK)
            status = hel_ckks_rescale(f.ckks, x, x);
        if (status == HEL_OK)
            status = hel_ckks_decrypt(f.ckks, plain, x, f.secret);
        if (v * v > 1024) {
            cr_assert_eq(status, HEL_E_USAGE, "%g", v);
            cr_assert(strstr(hel_engine_error(f.engine), "set_bound"), "%s",
                      hel_engine_error(f.engine));
            continue;
        }
        ok(&f, status, "square");
        ok(&f, hel_ckks_decode(f.ckks, plain, &back, NULL), "decode");
        cr_assert_float_eq(back, v * v, 1e-4);
    }
    /* what is known to be smaller than its bound passes */
    ok(&f, hel_ckks_encode(f.ckks, plain, (const double[]){1}, NULL, 1, 1, 0, 0), "encode");
    ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
    hel_ckks_cipher_set_bound(x, 0x1p40);
    REFUSES(&f, HEL_E_USAGE, "set_bound", hel_ckks_decrypt(f.ckks, plain, x, f.secret));
    hel_ckks_cipher_set_bound(x, 1);
    ok(&f, hel_ckks_decrypt(f.ckks, plain, x, f.secret), "decrypt");
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}

Test(ckks_encrypt, refusals)
{
    ref_ckks f, g;
    hel_ckks_params params = ref_ckks_toy(10, 2, 40, 0), others = ref_ckks_toy(10, 2, 30, 0);
    hel_ckks_plain *plain, *empty;
    hel_ckks_cipher *x, *never;
    hel_ckks_secret *second;
    double number[8] = {1, 2, 3, 4, 5, 6, 7, 8}, back[8];
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    ref_ckks_setup(&g, &others, HEL_SIMD_AUTO, 1);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_plain_create(f.ckks, &empty), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_cipher_create(f.ckks, &never), "cipher");
    ok(&f, hel_ckks_secret_create(f.ckks, &second), "secret");
    hel_ckks *c = f.ckks;

    REFUSES(&f, HEL_E_USAGE, "power of two", hel_ckks_encode(c, plain, number, NULL, 3, 1, 0, 0));
    REFUSES(&f, HEL_E_USAGE, "power of two", hel_ckks_encode(c, plain, number, NULL, 0, 1, 0, 0));
    REFUSES(&f, HEL_E_USAGE, "up to 512", hel_ckks_encode(c, plain, number, NULL, 1024, 1, 0, 0));
    REFUSES(&f, HEL_E_USAGE, "level 3", hel_ckks_encode(c, plain, number, NULL, 4, 1, 3, 0));
    REFUSES(&f, HEL_E_USAGE, "scale", hel_ckks_encode(c, plain, number, NULL, 4, 1, 0, -1));
    REFUSES(&f, HEL_E_USAGE, "scale", hel_ckks_encode(c, plain, number, NULL, 4, 1, 0, NAN));
    REFUSES(&f, HEL_E_USAGE, "scale", hel_ckks_encode(c, plain, number, NULL, 4, 1, 0, INFINITY));
    REFUSES(&f, HEL_E_USAGE, "NULL", hel_ckks_encode(c, plain, NULL, NULL, 4, 1, 0, 0));
    number[5] = NAN;
    REFUSES(&f, HEL_E_USAGE, "vector 1, slot 1: the real",
            hel_ckks_encode(c, plain, number, NULL, 4, 2, 0, 0));
    number[5] = 6;
    for (double bad = INFINITY; bad; bad = bad > 0 ? -INFINITY : 0) {
        double im[8] = {0, 0, 0, 0, 0, 0, 0, bad};
        REFUSES(&f, HEL_E_USAGE, "vector 1, slot 3: the imaginary",
                hel_ckks_encode(c, plain, number, im, 4, 2, 0, 0));
    }
    REFUSES(&f, HEL_E_USAGE, "holds no message", hel_ckks_encrypt(c, x, plain, f.public_key));
    REFUSES(&f, HEL_E_USAGE, "holds no message", hel_ckks_encrypt(c, x, empty, f.public_key));
    REFUSES(&f, HEL_E_USAGE, "holds no message", hel_ckks_decode(c, empty, back, NULL));
    REFUSES(&f, HEL_E_USAGE, "holds no message", hel_ckks_decrypt(c, plain, never, f.secret));

    ok(&f, hel_ckks_encode(c, plain, number, NULL, 4, 2, 1, 0), "encode");
    REFUSES(&f, HEL_E_USAGE, "public key", hel_ckks_encrypt(c, x, plain, NULL));
    REFUSES(&f, HEL_E_MISMATCH, "another context", hel_ckks_encrypt(c, x, plain, g.public_key));
    REFUSES(&f, HEL_E_MISMATCH, "other parameters",
            hel_ckks_encrypt_symmetric(c, x, plain, g.secret));
    REFUSES(&g, HEL_E_MISMATCH, "another context",
            hel_ckks_encrypt(g.ckks, x, plain, g.public_key));
    cr_assert_eq(hel_ckks_cipher_size(x), 0);
    cr_assert_eq(hel_ckks_cipher_error(x), 0);
    ok(&f, hel_ckks_encrypt(c, x, plain, f.public_key), "encrypt");
    REFUSES(&f, HEL_E_MISMATCH, "another key", hel_ckks_decrypt(c, plain, x, second));
    cr_assert_eq(hel_ckks_plain_batch(plain), 0); /* not even its old message */
    REFUSES(&f, HEL_E_MISMATCH, "other parameters", hel_ckks_decrypt(c, plain, x, g.secret));
    REFUSES(&g, HEL_E_MISMATCH, "another context", hel_ckks_decrypt(g.ckks, plain, x, g.secret));
    REFUSES(&f, HEL_E_USAGE, "secret key", hel_ckks_decrypt(c, plain, x, NULL));

    /* an object of one context may be an output of another */
    ok(&g, hel_ckks_encode(g.ckks, plain, number, NULL, 4, 2, 1, 0), "encode");
    ok(&g, hel_ckks_encrypt(g.ckks, x, plain, g.public_key), "encrypt");
    ok(&g, hel_ckks_decrypt(g.ckks, plain, x, g.secret), "decrypt");
    ok(&g, hel_ckks_decode(g.ckks, plain, back, NULL), "decode");
    for (int i = 0; i < 8; i++)
        cr_assert_float_eq(back[i], number[i], 1e-3);
    hel_ckks_secret_free(second);
    hel_ckks_cipher_free(never);
    hel_ckks_plain_free(empty);
    ref_ckks_end(&g); /* objects outlive their handles */
    hel_ckks_cipher_free(x);
    hel_ckks_plain_free(plain);
    ref_ckks_end(&f);
}

/* Two encryptions of one message share nothing; nor do two items of one batch. */
Test(ckks_encrypt, fresh_every_time)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 1, 30, 0);
    hel_ckks_plain *plain;
    hel_ckks_cipher *x[4];
    double zeros[20] = {0};
    uint32_t same = 0, *phase[8];
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 2);
    const uint32_t n = 1024, limbs = params.limbs[1];
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_encode(f.ckks, plain, zeros, NULL, 1, 10, 1, 0), "encode");
    for (int i = 0; i < 4; i++) {
        ok(&f, hel_ckks_cipher_create(f.ckks, &x[i]), "cipher");
        ok(&f,
           i < 2 ? hel_ckks_encrypt(f.ckks, x[i], plain, f.public_key)
                 : hel_ckks_encrypt_symmetric(f.ckks, x[i], plain, f.secret),
           "encrypt");
        phase[2 * i] = ref_ckks_phase(&f, x[i], 0);
        phase[2 * i + 1] = ref_ckks_phase(&f, x[i], 8); /* first of the second run */
    }
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < i; j++)
            for (uint32_t k = 0; k < limbs * n; k++) {
                const hel_ckks_cipher *a = x[i / 2], *b = x[j / 2];
                const size_t at = (size_t)(i % 2 * 8) * 2 * limbs * n + k;
                const size_t bt = (size_t)(j % 2 * 8) * 2 * limbs * n + k;
                same += a->data[at] == b->data[bt];
                same += a->data[at + limbs * n] == b->data[bt + limbs * n];
                same += phase[i][k] == phase[j][k];
            }
    cr_assert_lt(same, 12, "%u words agree", same);
    for (int i = 0; i < 8; i++)
        free(phase[i]);
    for (int i = 0; i < 4; i++)
        hel_ckks_cipher_free(x[i]);
    hel_ckks_plain_free(plain);
    ref_ckks_end(&f);
}

/* Under a key (0, 0) a ciphertext of 0 is its errors; under (2^20, 2^20) its v shows as well. */
Test(ckks_encrypt, what_public_encryption_draws)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 1, 40, 0);
    hel_ckks_plain *plain;
    hel_ckks_cipher *x;
    const double zeros[20] = {0};
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    const hel_ckks_context *t = f.ckks->context;
    const uint32_t limbs = params.limbs[1], n = t->n;
    long double *c = malloc(n * sizeof *c);
    static int8_t e[20][1024];
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_encode(f.ckks, plain, zeros, NULL, 1, 10, 1, 0), "encode");
    for (uint32_t factor = 0; factor <= 1 << 20; factor += 1 << 20) {
        double square = 0, ternary[3] = {0};
        for (size_t i = 0; i < 2 * (size_t)limbs * n; i++)
            f.public_key->data[i] = factor;
        ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
        for (uint32_t i = 0; i < 20; i++) {
            ref_ckks_centre(&f, limbs, x->data + (size_t)i * limbs * n, c);
            for (uint32_t k = 0; k < n; k++) {
                const double v = factor ? rint((double)c[k] / factor) : 0;
                e[i][k] = (int8_t)(c[k] - v * factor);
                cr_assert_leq(fabs(v), 1);
                cr_assert_leq(fabsl(c[k] - v * factor), 21);
                ternary[(int)v + 1]++;
                square += e[i][k] * e[i][k];
            }
            for (uint32_t j = 0; j < i; j++) /* no two errors are one */
                cr_assert_neq(memcmp(e[i], e[j], n), 0, "%u and %u", i, j);
        }
        cr_assert_float_eq(square / (20 * n), 10.5, 6 * 10.5 * sqrt(2 / (20.0 * n)));
        for (int v = 0; factor && v < 3; v++)
            cr_assert_float_eq(ternary[v] / (20 * n), 1 / 3.0, 6 * sqrt(2 / 9.0 / (10 * n)));
    }
    free(c);
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}

/* ---- memory and threads ---- */

static hel_status whole_trip(ref_ckks *f, const vectors *v, int symmetric)
{
    hel_ckks_plain *p = NULL, *q = NULL;
    hel_ckks_cipher *x = NULL;
    double re[64 * 3], im[64 * 3];
    hel_buf b = {0};
    hel_status status;
    HEL_TRY_GOTO(hel_ckks_plain_create(f->ckks, &p), done);
    HEL_TRY_GOTO(hel_ckks_plain_create(f->ckks, &q), done);
    HEL_TRY_GOTO(hel_ckks_cipher_create(f->ckks, &x), done);
    HEL_TRY_GOTO(hel_ckks_encode(f->ckks, p, v->re, v->im, 64, 3, 1, 0), done);
    if (symmetric)
        HEL_TRY_GOTO(hel_ckks_encrypt_symmetric(f->ckks, x, p, f->secret), done);
    else
        HEL_TRY_GOTO(hel_ckks_encrypt(f->ckks, x, p, f->public_key), done);
    HEL_TRY_GOTO(hel_ckks_cipher_encode(f->ckks, x, &b), done);
    HEL_TRY_GOTO(hel_ckks_cipher_decode(f->ckks, b.data, b.bytes, x), done);
    HEL_TRY_GOTO(hel_ckks_decrypt(f->ckks, q, x, f->secret), done);
    HEL_TRY_GOTO(hel_ckks_decode(f->ckks, q, re, im), done);
    cr_assert_float_eq(re[100], v->re[100], 1e-4);
done:
    if (status != HEL_OK && x)
        cr_assert(status == HEL_E_MEMORY || !x->valid);
    hel_buf_free(&b);
    hel_ckks_plain_free(p);
    hel_ckks_plain_free(q);
    hel_ckks_cipher_free(x);
    return status;
}

/* Every allocation fails once: HEL_E_MEMORY, and all memory is back when the context is gone. */
Test(ckks_encrypt, out_of_memory)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 1, 40, 0);
    ref_random r = ref_random_start(9);
    vectors v = vectors_new(&r, 64 * 3, 1);
    for (int symmetric = 0; symmetric <= 1; symmetric++) {
        uint64_t failures = 0;
        const uint64_t before = hel_mem_in_use();
        ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
        for (uint64_t n = 1;; n++) {
            hel_mem_fail_nth(n);
            hel_status status = whole_trip(&f, &v, symmetric);
            hel_mem_fail_nth(0);
            if (status != HEL_OK) {
                cr_assert_eq(status, HEL_E_MEMORY, "%s", hel_engine_error(f.engine));
                failures++;
            } else if (n > 200) /* the arena survives some failures by itself */
                break;
        }
        cr_assert_gt(failures, 5);
        ref_ckks_end(&f);
        cr_assert_eq(hel_mem_in_use(), before, "%lld bytes leaked",
                     (long long)(hel_mem_in_use() - before));
    }
    vectors_free(&v);
}

typedef struct thread_job {
    const ref_ckks *f;
    const hel_ckks_plain *plain; /* shared */
    uint32_t rounds, good;
} thread_job;

static void *encrypt_and_check(void *arg)
{
    thread_job *j = arg;
    ref_ckks f = *j->f;
    hel_ckks_plain *back = NULL;
    hel_ckks_cipher *x = NULL;
    double re[512];
    if (hel_engine_create(&f.engine, NULL) != HEL_OK ||
        hel_ckks_clone(f.engine, &f.ckks, j->f->ckks) != HEL_OK)
        return NULL;
    for (uint32_t i = 0; i < j->rounds; i++) {
        if (hel_ckks_plain_create(f.ckks, &back) == HEL_OK &&
            hel_ckks_cipher_create(f.ckks, &x) == HEL_OK &&
            (i % 2 ? hel_ckks_encrypt(f.ckks, x, j->plain, f.public_key)
                   : hel_ckks_encrypt_symmetric(f.ckks, x, j->plain, f.secret)) == HEL_OK &&
            hel_ckks_decrypt(f.ckks, back, x, f.secret) == HEL_OK &&
            hel_ckks_decode(f.ckks, back, re, NULL) == HEL_OK && fabs(re[77] - 0.25) < 1e-4)
            j->good++;
        hel_ckks_cipher_free(x);
        hel_ckks_plain_free(back);
        x = NULL;
        back = NULL;
    }
    hel_ckks_free(f.ckks);
    hel_engine_free(f.engine);
    return NULL;
}

Test(ckks_encrypt, clones_work_at_the_same_time)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 1, 40, 0);
    hel_ckks_plain *plain;
    pthread_t thread[3];
    double re[512];
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    for (int i = 0; i < 512; i++)
        re[i] = 0.25;
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_encode(f.ckks, plain, re, NULL, 512, 1, HEL_CKKS_TOP, 0), "encode");
    thread_job job[3];
    for (int i = 0; i < 3; i++) {
        job[i] = (thread_job){&f, plain, (uint32_t)ref_scaled(30), 0};
        cr_assert_eq(pthread_create(&thread[i], NULL, encrypt_and_check, &job[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
        cr_assert_eq(job[i].good, job[i].rounds);
    }
    hel_ckks_plain_free(plain);
    ref_ckks_end(&f);
}
