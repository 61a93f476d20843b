/* Matrix products against the plain product in long double; which rotations they ask for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ckks.h"

typedef struct sample {
    uint32_t slots, batch;
    double *m[2], *v[2]; /* matrix and vectors: real, imaginary */
} sample;

static sample make_sample(ref_random *r, uint32_t slots, uint32_t batch)
{
    sample s = {.slots = slots, .batch = batch};
    for (int i = 0; i < 2; i++) {
        s.m[i] = calloc((size_t)slots * slots, sizeof *s.m[i]);
        s.v[i] = calloc((size_t)slots * batch, sizeof *s.v[i]);
    }
    ref_ckks_fill(r, s.m[0], s.m[1], (size_t)slots * slots);
    ref_ckks_fill(r, s.v[0], s.v[1], (size_t)slots * batch);
    return s;
}

static void free_sample(sample *s)
{
    for (int i = 0; i < 2; i++) {
        free(s->m[i]);
        free(s->v[i]);
    }
}

/* Keeps the diagonals whose number has a bit of `mask` at its place in 0..63. */
static void keep_diagonals(sample *s, uint64_t mask)
{
    for (uint32_t i = 0; i < s->slots; i++)
        for (uint32_t j = 0; j < s->slots; j++)
            if (!(mask >> ((j - i) & (s->slots - 1) & 63) & 1))
                s->m[0][(size_t)i * s->slots + j] = s->m[1][(size_t)i * s->slots + j] = 0;
}

static void expect_product(ref_ckks *f, const sample *s, const hel_ckks_cipher *x)
{
    const size_t count = (size_t)s->slots * s->batch;
    double *re = malloc(count * sizeof *re), *im = malloc(count * sizeof *im);
    hel_ckks_plain *p;
    cr_assert_eq(hel_ckks_plain_create(f->ckks, &p), HEL_OK);
    cr_assert_eq(hel_ckks_decrypt(f->ckks, p, x, f->secret), HEL_OK, "%s",
                 hel_engine_error(f->engine));
    cr_assert_eq(hel_ckks_decode(f->ckks, p, re, im), HEL_OK);
    for (uint32_t b = 0; b < s->batch; b++)
        for (uint32_t i = 0; i < s->slots; i++) {
            const double *vr = s->v[0] + (size_t)b * s->slots, *vi = s->v[1] + (size_t)b * s->slots;
            long double wr = 0, wi = 0;
            for (uint32_t j = 0; j < s->slots; j++) {
                double mr = s->m[0][(size_t)i * s->slots + j];
                double mi = s->m[1][(size_t)i * s->slots + j];
                wr += (long double)mr * vr[j] - (long double)mi * vi[j];
                wi += (long double)mr * vi[j] + (long double)mi * vr[j];
            }
            const size_t at = (size_t)b * s->slots + i;
            cr_assert(hypotl(re[at] - wr, im[at] - wi) <=
                          REF_CKKS_SLOT_LIMIT * hel_ckks_cipher_error(x),
                      "slots %u item %u row %u: (%g, %g) against (%Lg, %Lg), error %g", s->slots, b,
                      i, re[at], im[at], wr, wi, hel_ckks_cipher_error(x));
        }
    hel_ckks_plain_free(p);
    free(re);
    free(im);
}

static void run(const hel_ckks_params *params, ref_random *r, uint32_t slots, uint32_t batch,
                uint64_t mask, uint32_t level)
{
    ref_ckks f;
    ref_ckks_setup(&f, params, HEL_SIMD_AUTO, 1);
    sample s = make_sample(r, slots, batch);
    keep_diagonals(&s, mask);
    hel_ckks_matrix *m;
    hel_ckks_plain *p;
    hel_ckks_cipher *x;
    hel_ckks_keys *keys;
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    cr_assert_eq(hel_ckks_matrix_create(f.ckks, &m, s.m[0], s.m[1], slots, level), HEL_OK, "%s",
                 hel_engine_error(f.engine));
    size_t count = hel_ckks_matrix_rotations(m, NULL, 0);
    int32_t *steps = malloc((count + 1) * sizeof *steps);
    cr_assert_eq(hel_ckks_matrix_rotations(m, steps, count), count);
    request.rotations = steps;
    request.rotation_count = count;
    cr_assert_eq(hel_ckks_keys_create(f.ckks, &keys, f.secret, &request), HEL_OK);
    cr_assert_eq(hel_ckks_use_keys(f.ckks, keys), HEL_OK);
    cr_assert_eq(hel_ckks_plain_create(f.ckks, &p), HEL_OK);
    cr_assert_eq(hel_ckks_cipher_create(f.ckks, &x), HEL_OK);
    cr_assert_eq(hel_ckks_encode(f.ckks, p, s.v[0], s.v[1], slots, batch, HEL_CKKS_TOP, 0), HEL_OK);
    cr_assert_eq(hel_ckks_encrypt(f.ckks, x, p, f.public_key), HEL_OK);
    cr_assert_eq(hel_ckks_matrix_mul(f.ckks, x, m, x), HEL_OK, "%s", hel_engine_error(f.engine));
    cr_assert_eq(hel_ckks_cipher_level(x), level);
    expect_product(&f, &s, x);
    cr_assert_eq(hel_ckks_use_keys(f.ckks, NULL), HEL_OK);
    hel_ckks_keys_free(keys);
    hel_ckks_cipher_free(x);
    hel_ckks_plain_free(p);
    hel_ckks_matrix_free(m);
    free(steps);
    free_sample(&s);
    ref_ckks_end(&f);
}

Test(ckks_matrix, against_long_double)
{
    ref_random r = ref_random_start(1);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    static const struct {
        uint32_t slots, batch, level;
        uint64_t mask;
    } cases[] = {{1, 1, 2, 1},           {2, 1, 2, 3},         {2, 3, 1, 2},
                 {8, 2, 2, 0xff},        {16, 1, 1, 1},        {16, 1, 2, 0x8002},
                 {64, 1, 2, UINT64_MAX}, {512, 1, 2, 0x10101}, {16, 2, 2, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run(&p, &r, cases[i].slots, cases[i].batch, cases[i].mask, cases[i].level);
}

Test(ckks_matrix, costs_about_two_square_roots)
{
    ref_ckks f;
    ref_random r = ref_random_start(2);
    hel_ckks_params p = ref_ckks_toy(10, 1, 30, 2);
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    sample s = make_sample(&r, 64, 1);
    hel_ckks_matrix *m;
    cr_assert_eq(hel_ckks_matrix_create(f.ckks, &m, s.m[0], NULL, 64, HEL_CKKS_TOP), HEL_OK);
    cr_assert(hel_ckks_matrix_rotations(m, NULL, 0) <= 7 + 15);
    hel_ckks_matrix_free(m);
    cr_assert_eq(hel_ckks_matrix_create(f.ckks, &m, s.m[0], NULL, 48, 1), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_matrix_create(f.ckks, &m, s.m[0], NULL, 64, 0), HEL_E_USAGE);
    cr_assert(m == NULL && strstr(hel_engine_error(f.engine), "level 0"));
    free_sample(&s);
    ref_ckks_end(&f);
}

Test(ckks_matrix, refusals_leave_no_message)
{
    ref_ckks f;
    hel_ckks_params p = ref_ckks_toy(10, 1, 30, 2);
    const double one[4] = {1, 0, 0, 1};
    hel_ckks_matrix *m;
    hel_ckks_plain *plain;
    hel_ckks_cipher *x, *y;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    cr_assert_eq(hel_ckks_matrix_create(f.ckks, &m, NULL, NULL, 2, 1), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_matrix_create(f.ckks, &m, one, NULL, 2, 1), HEL_OK);
    cr_assert_eq(hel_ckks_plain_create(f.ckks, &plain), HEL_OK);
    cr_assert_eq(hel_ckks_cipher_create(f.ckks, &x), HEL_OK);
    cr_assert_eq(hel_ckks_cipher_create(f.ckks, &y), HEL_OK);
    cr_assert_eq(hel_ckks_encode(f.ckks, plain, one, NULL, 4, 1, 1, 0), HEL_OK);
    cr_assert_eq(hel_ckks_encrypt(f.ckks, x, plain, f.public_key), HEL_OK);
    cr_assert_eq(hel_ckks_copy(f.ckks, y, x), HEL_OK);
    cr_assert_eq(hel_ckks_matrix_mul(f.ckks, y, m, x), HEL_E_MISMATCH); /* 2 slots and 4 */
    cr_assert_eq(hel_ckks_cipher_size(y), 0);
    cr_assert_eq(hel_ckks_matrix_mul(f.ckks, x, m, y), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_cipher_size(x), 0);
    cr_assert_eq(hel_ckks_encrypt(f.ckks, x, plain, f.public_key), HEL_OK);
    cr_assert_eq(hel_ckks_matrix_mul(f.ckks, y, NULL, x), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_matrix_mul(f.ckks, NULL, m, x), HEL_E_USAGE);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    hel_ckks_plain_free(plain);
    hel_ckks_matrix_free(m);
    ref_ckks_end(&f);
}
