/*
 * Every operation over a lattice of rings, scales, digits, levels, slots and batches, corners
 * first, by phases: exact operations exactly, modulo every prime; the others within their stated
 * error, coefficient by coefficient (8 standard deviations: one false alarm in 10^14 coefficients)
 * and as a mean square (at most 1.1 times).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ckks.h"

typedef struct point { /* of the lattice */
    ref_ckks *f;
    ref_random *random;
    uint32_t level, slots, batch;
    char name[120];
    hel_ckks_plain *plain[2];
    hel_ckks_cipher *x[2], *y, *z;
} point;

static void ok(const point *p, hel_status status, const char *what)
{
    cr_assert_eq(status, HEL_OK, "%s, %s: %s", p->name, what, hel_engine_error(p->f->engine));
}

typedef uint32_t (*binary_fn)(uint32_t a, uint32_t b, uint32_t q);

static uint32_t plus(uint32_t a, uint32_t b, uint32_t q)
{
    return (uint32_t)(((uint64_t)a + b) % q);
}

static uint32_t minus(uint32_t a, uint32_t b, uint32_t q)
{
    return (uint32_t)(((uint64_t)a + q - b) % q);
}

static uint32_t times(uint32_t a, uint32_t b, uint32_t q)
{
    return (uint32_t)((uint64_t)a * b % q);
}

/* The phase of z is fn of a and b, word by word; frees neither. */
static void expect_exact(const point *p, const char *what, const hel_ckks_cipher *z, uint32_t item,
                         binary_fn fn, const uint32_t *a, const uint32_t *b)
{
    const hel_ckks_context *c = p->f->ckks->context;
    const uint32_t limbs = c->params.limbs[z->level];
    uint32_t *got = ref_ckks_phase(p->f, z, item);
    for (uint32_t i = 0; i < limbs; i++)
        for (size_t j = i * (size_t)c->n; j < (i + 1) * (size_t)c->n; j++)
            cr_assert_eq(got[j], fn(a[j], b[j], c->params.primes[i]), "%s, %s: item %u word %zu",
                         p->name, what, item, j);
    free(got);
}

/* The coefficients of phase(z) - want stay within `error`, a slot's standard deviation. */
static void expect_close(const point *p, const char *what, const hel_ckks_cipher *z, uint32_t item,
                         const uint32_t *want, double error)
{
    const hel_ckks_context *c = p->f->ckks->context;
    const uint32_t limbs = c->params.limbs[z->level];
    uint32_t *d = ref_ckks_phase(p->f, z, item);
    long double *e = malloc(c->n * sizeof *e), square = 0;
    const long double sigma = error / sqrtl(c->n);
    for (uint32_t i = 0; i < limbs; i++)
        for (size_t j = i * (size_t)c->n; j < (i + 1) * (size_t)c->n; j++)
            d[j] = minus(d[j], want[j], c->params.primes[i]);
    ref_ckks_centre(p->f, limbs, d, e);
    for (uint32_t j = 0; j < c->n; j++) {
        cr_assert(fabsl(e[j]) <= 8 * sigma, "%s, %s: item %u coefficient %u: %Lg, sigma %Lg",
                  p->name, what, item, j, e[j], sigma);
        square += e[j] * e[j];
    }
    cr_assert(sqrtl(square / c->n) <= 1.1L * sigma, "%s, %s: rms %Lg, sigma %Lg", p->name, what,
              sqrtl(square / c->n), sigma);
    free(d);
    free(e);
}

/* ---- operations ---- */

static void check_fresh(const point *p)
{
    const hel_ckks_context *c = p->f->ckks->context;
    for (uint32_t item = 0; item < p->batch; item++) {
        uint32_t *m = ref_ckks_message(p->f, p->plain[0], item);
        expect_close(p, "encrypt", p->x[0], item, m, hel_ckks_error_public(c));
        ok(p, hel_ckks_encrypt_symmetric(p->f->ckks, p->z, p->plain[0], p->f->secret), "symmetric");
        expect_close(p, "symmetric", p->z, item, m, hel_ckks_error_symmetric(c));
        free(m);
    }
}

typedef hel_status (*cipher_fn)(hel_ckks *, hel_ckks_cipher *, const hel_ckks_cipher *,
                                const hel_ckks_cipher *);
typedef hel_status (*plain_fn)(hel_ckks *, hel_ckks_cipher *, const hel_ckks_cipher *,
                               const hel_ckks_plain *);

static void check_exact(const point *p)
{
    static const struct {
        const char *name;
        cipher_fn cipher;
        plain_fn plain;
        binary_fn word;
    } ops[] = {{"add", hel_ckks_add, hel_ckks_add_plain, plus},
               {"sub", hel_ckks_sub, hel_ckks_sub_plain, minus},
               {"mul", hel_ckks_mul_lazy, hel_ckks_mul_plain, times}};
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        if (o == 2 && p->level == 0)
            continue; /* no room for a product */
        ok(p, ops[o].cipher(p->f->ckks, p->y, p->x[0], p->x[1]), ops[o].name);
        ok(p, ops[o].plain(p->f->ckks, p->z, p->x[0], p->plain[1]), ops[o].name);
        cr_assert_eq(hel_ckks_cipher_batch(p->y), p->batch);
        for (uint32_t item = 0; item < p->batch; item++) {
            uint32_t *a = ref_ckks_phase(p->f, p->x[0], item);
            uint32_t *b = ref_ckks_phase(p->f, p->x[1], item);
            uint32_t *m = ref_ckks_message(p->f, p->plain[1], item);
            expect_exact(p, ops[o].name, p->y, item, ops[o].word, a, b);
            expect_exact(p, ops[o].name, p->z, item, ops[o].word, a, m);
            free(a);
            free(b);
            free(m);
        }
    }
}

static void check_constants(const point *p)
{
    const hel_ckks_context *c = p->f->ckks->context;
    const uint32_t limbs = c->params.limbs[p->level];
    uint32_t *k = ref_words((size_t)limbs * c->n), *zero = ref_words((size_t)limbs * c->n);
    memset(zero, 0, (size_t)limbs * c->n * sizeof *zero);
    for (uint32_t i = 0; i < limbs; i++)
        for (uint32_t j = 0; j < c->n; j++)
            k[(size_t)i * c->n + j] = c->params.primes[i] - 3;
    ok(p, hel_ckks_negate(p->f->ckks, p->y, p->x[0]), "negate");
    ok(p, hel_ckks_mul_const(p->f->ckks, p->z, p->x[0], -3, 0), "times -3");
    for (uint32_t item = 0; item < p->batch; item++) {
        uint32_t *a = ref_ckks_phase(p->f, p->x[0], item);
        expect_exact(p, "negate", p->y, item, minus, zero, a);
        expect_exact(p, "times -3", p->z, item, times, a, k);
        free(a);
    }
    free(k);
    free(zero);
}

static void check_switches(const point *p)
{
    hel_ckks *ckks = p->f->ckks;
    const hel_ckks_context *c = ckks->context;
    const uint32_t limbs = c->params.limbs[p->level];
    const double error = hel_ckks_error_switch(c, p->level);
    const uint32_t log_slots = (uint32_t)__builtin_ctz(p->slots);
    uint32_t *turned = ref_words((size_t)limbs * c->n);
    for (uint32_t which = 0; which < 3; which++) {
        const int32_t step = which == 0 ? 1 : -1;
        const uint32_t g = which == 2 ? hel_ckks_conjugation_element(ckks)
                                      : hel_ckks_rotation_element(ckks, step, log_slots);
        ok(p,
           which == 2 ? hel_ckks_conjugate(ckks, p->z, p->x[0])
                      : hel_ckks_rotate(ckks, p->z, p->x[0], step),
           "rotate");
        for (uint32_t item = 0; item < p->batch; item++) {
            uint32_t *a = ref_ckks_phase(p->f, p->x[0], item);
            ref_ckks_automorph(p->f, limbs, g, a, turned);
            expect_close(p, which == 2 ? "conjugate" : "rotate", p->z, item, turned, error);
            free(a);
        }
    }
    free(turned);
    if (p->level == 0)
        return;
    ok(p, hel_ckks_mul_lazy(ckks, p->y, p->x[0], p->x[1]), "product");
    ok(p, hel_ckks_relinearize(ckks, p->z, p->y), "relinearize");
    for (uint32_t item = 0; item < p->batch; item++) {
        uint32_t *a = ref_ckks_phase(p->f, p->y, item);
        expect_close(p, "relinearize", p->z, item, a, error);
        free(a);
    }
    ok(p, hel_ckks_mul(ckks, p->y, p->x[0], p->x[1]), "mul");
    for (uint32_t item = 0; item < p->batch; item++) {
        uint32_t *a = ref_ckks_phase(p->f, p->y, item), *b = ref_ckks_phase(p->f, p->z, item);
        cr_assert_arr_eq(a, b, (size_t)limbs * c->n * sizeof *a, "%s: mul", p->name);
        free(a);
        free(b);
    }
}

/* phase(out) D = multiplier phase(in) up to D times the rounding, in long doubles: the phase of the
 * product is below 2^115, so that they are right to 2^52, far below D. */
static void check_rescale(const point *p)
{
    hel_ckks *ckks = p->f->ckks;
    const hel_ckks_context *c = ckks->context;
    const hel_ckks_params *q = &c->params;
    if (p->level == 0)
        return;
    ok(p, hel_ckks_mul(ckks, p->y, p->x[0], p->x[1]), "product");
    ok(p, hel_ckks_rescale(ckks, p->z, p->y), "rescale");
    cr_assert_eq(hel_ckks_cipher_level(p->z), p->level - 1);
    long double divisor = 1, *in = malloc(c->n * sizeof *in), *out = malloc(c->n * sizeof *out);
    for (uint32_t i = q->limbs[p->level - 1]; i < q->limbs[p->level]; i++)
        divisor *= q->primes[i];
    const long double sigma = hel_ckks_error_rescale(c) / sqrtl(c->n);
    for (uint32_t item = 0; item < p->batch; item++) {
        uint32_t *a = ref_ckks_phase(p->f, p->y, item), *b = ref_ckks_phase(p->f, p->z, item);
        long double square = 0;
        ref_ckks_centre(p->f, q->limbs[p->level], a, in);
        ref_ckks_centre(p->f, q->limbs[p->level - 1], b, out);
        for (uint32_t j = 0; j < c->n; j++) {
            long double e = out[j] - in[j] * q->multiplier[p->level] / divisor;
            cr_assert(fabsl(e) <= 8 * sigma, "%s: rescale: %Lg, sigma %Lg", p->name, e, sigma);
            square += e * e;
        }
        cr_assert(sqrtl(square / c->n) <= 1.1L * sigma, "%s: rescale: rms %Lg, sigma %Lg", p->name,
                  sqrtl(square / c->n), sigma);
        free(a);
        free(b);
    }
    free(in);
    free(out);
}

static void check_drop(const point *p)
{
    if (p->level == 0)
        return;
    const hel_ckks_context *c = p->f->ckks->context;
    ok(p, hel_ckks_drop(p->f->ckks, p->y, p->x[0], 0), "drop");
    for (uint32_t item = 0; item < p->batch; item++) {
        uint32_t *a = ref_ckks_phase(p->f, p->x[0], item), *b = ref_ckks_phase(p->f, p->y, item);
        cr_assert_arr_eq(a, b, (size_t)c->params.limbs[0] * c->n * sizeof *a, "%s: drop", p->name);
        free(a);
        free(b);
    }
}

static void check_decrypt(const point *p)
{
    const size_t count = (size_t)p->slots * p->batch;
    double *re = malloc((count + 1) * sizeof *re), *im = malloc((count + 1) * sizeof *im);
    double *want_re = malloc((count + 1) * sizeof *re), *want_im = malloc((count + 1) * sizeof *im);
    ok(p, hel_ckks_decrypt(p->f->ckks, p->plain[1], p->x[0], p->f->secret), "decrypt");
    ok(p, hel_ckks_decode(p->f->ckks, p->plain[1], re, im), "decode");
    ok(p, hel_ckks_decode(p->f->ckks, p->plain[0], want_re, want_im), "decode");
    for (size_t i = 0; i < count; i++)
        cr_assert(hypot(re[i] - want_re[i], im[i] - want_im[i]) <=
                      REF_CKKS_SLOT_LIMIT * hel_ckks_cipher_error(p->x[0]),
                  "%s: slot %zu: %g against %g", p->name, i, re[i], want_re[i]);
    free(re);
    free(im);
    free(want_re);
    free(want_im);
}

static void prepare(point *p)
{
    hel_ckks *ckks = p->f->ckks;
    const size_t count = (size_t)p->slots * p->batch;
    double *re = malloc((count + 1) * sizeof *re), *im = malloc((count + 1) * sizeof *im);
    for (int i = 0; i < 2; i++) {
        ref_ckks_fill(p->random, re, im, count);
        ok(p, hel_ckks_plain_create(ckks, &p->plain[i]), "plain");
        ok(p, hel_ckks_cipher_create(ckks, &p->x[i]), "cipher");
        ok(p, hel_ckks_encode(ckks, p->plain[i], re, im, p->slots, p->batch, p->level, 0),
           "encode");
        ok(p, hel_ckks_encrypt(ckks, p->x[i], p->plain[i], p->f->public_key), "encrypt");
    }
    ok(p, hel_ckks_cipher_create(ckks, &p->y), "cipher");
    ok(p, hel_ckks_cipher_create(ckks, &p->z), "cipher");
    free(re);
    free(im);
}

static void run_point(point *p)
{
    prepare(p);
    check_fresh(p);
    check_exact(p);
    check_constants(p);
    check_switches(p);
    check_rescale(p);
    check_drop(p);
    check_decrypt(p);
    for (int i = 0; i < 2; i++) {
        hel_ckks_plain_free(p->plain[i]);
        hel_ckks_cipher_free(p->x[i]);
    }
    hel_ckks_cipher_free(p->y);
    hel_ckks_cipher_free(p->z);
}

/* All levels of a set; slots and batches go through their corners as the levels go down. */
static void run_set(const hel_ckks_params *params, hel_simd simd, uint32_t threads, uint64_t stream)
{
    ref_random random = ref_random_start(stream);
    ref_ckks f;
    ref_ckks_setup(&f, params, simd, threads);
    hel_ckks_set_alignment(f.ckks, HEL_CKKS_MANUAL);
    const uint32_t half = f.ckks->context->n / 2, slots[] = {half, 1, 2, half / 2, 64};
    static const uint32_t batches[] = {1, 3, 0};
    for (uint32_t level = params->depth, i = 0;; level--, i++) {
        for (uint32_t k = 0; k < 2; k++) {
            point p = {.f = &f,
                       .random = &random,
                       .level = level,
                       .slots = slots[(2 * i + k) % 5],
                       .batch = batches[(2 * i + k) % 3]};
            snprintf(p.name, sizeof p.name,
                     "N 2^%u scale 2^%u depth %u alpha %u P %u level %u slots %u batch %u",
                     params->log_n, params->scale_bits, params->depth, params->digit_limbs,
                     params->special_limbs, level, p.slots, p.batch);
            run_point(&p);
        }
        if (level == 0)
            break;
    }
    ref_ckks_end(&f);
}

/* One prime and no level; one prime a level; two a level; deep; dnum 1, few and one per prime. */
Test(ckks_lattice, smallest_ring)
{
    static const struct {
        uint32_t depth, scale, dnum;
    } sets[] = {{0, 20, 1},  {1, 20, 1},  {1, 55, 0}, {3, 28, 1},  {3, 28, 3},
                {3, 28, 99}, {4, 45, 1},  {4, 45, 3}, {4, 45, 99}, {2, 30, 2},
                {2, 55, 1},  {2, 55, 99}, {8, 40, 3}, {5, 25, 2}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        hel_ckks_params p = ref_ckks_toy(10, sets[i].depth, sets[i].scale, sets[i].dnum);
        run_set(&p, HEL_SIMD_AUTO, 1, i);
    }
}

Test(ckks_lattice, other_rings_and_twins)
{
    hel_simd simd;
    for (uint32_t log_n = 11; log_n <= 13; log_n++) {
        hel_ckks_params p = ref_ckks_toy(log_n, 2, log_n == 12 ? 35 : 50, 3);
        run_set(&p, HEL_SIMD_AUTO, 2, log_n);
    }
    for (uint32_t twin = 0; (simd = ref_twin(twin)) != HEL_SIMD_AUTO; twin++) {
        hel_ckks_params p = ref_ckks_toy(10, 3, 40, 2);
        run_set(&p, simd, 2, 100 + twin);
    }
}
