/* Polynomials of ciphertexts against Horner and Clenshaw in long double; depth is the optimum. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ckks.h"

static long double power_value(const double *c, uint32_t degree, long double x)
{
    long double sum = 0;
    for (uint32_t i = degree + 1; i-- > 0;)
        sum = sum * x + c[i];
    return sum;
}

static long double chebyshev_value(const double *c, uint32_t degree, long double y)
{
    long double b1 = 0, b2 = 0;
    for (uint32_t i = degree; i >= 1; i--) {
        long double b = 2 * y * b1 - b2 + c[i];
        b2 = b1;
        b1 = b;
    }
    return y * b1 - b2 + c[0];
}

static uint32_t optimum(uint32_t degree)
{
    uint32_t k = 0;
    while (1u << k < degree + 1)
        k++;
    return k ? k : 1;
}

typedef struct input {
    ref_ckks f;
    hel_ckks_plain *plain;
    hel_ckks_cipher *x, *y;
    double *value;
    uint32_t slots, batch;
} input;

static void start(input *in, const hel_ckks_params *p, ref_random *r, double low, double high)
{
    ref_ckks_setup(&in->f, p, HEL_SIMD_AUTO, 1);
    in->slots = 32;
    in->batch = 2;
    in->value = malloc(in->slots * in->batch * sizeof *in->value);
    for (uint32_t i = 0; i < in->slots * in->batch; i++)
        in->value[i] = low + (high - low) * ref_random_double(r);
    in->value[0] = low;
    in->value[1] = high;
    cr_assert_eq(hel_ckks_plain_create(in->f.ckks, &in->plain), HEL_OK);
    cr_assert_eq(hel_ckks_cipher_create(in->f.ckks, &in->x), HEL_OK);
    cr_assert_eq(hel_ckks_cipher_create(in->f.ckks, &in->y), HEL_OK);
    cr_assert_eq(hel_ckks_encode(in->f.ckks, in->plain, in->value, NULL, in->slots, in->batch,
                                 HEL_CKKS_TOP, 0),
                 HEL_OK);
    cr_assert_eq(hel_ckks_encrypt(in->f.ckks, in->x, in->plain, in->f.public_key), HEL_OK);
    hel_ckks_cipher_set_bound(in->x, fmax(fabs(low), fabs(high)));
}

static void finish(input *in)
{
    hel_ckks_plain_free(in->plain);
    hel_ckks_cipher_free(in->x);
    hel_ckks_cipher_free(in->y);
    free(in->value);
    ref_ckks_end(&in->f);
}

/* Evaluates, decrypts, compares; the result stands at the best level there is. */
static void expect_poly(input *in, hel_ckks_poly_basis basis, const double *c, uint32_t degree,
                        double low, double high)
{
    const uint32_t top = hel_ckks_cipher_level(in->x);
    const int map = basis == HEL_CKKS_CHEBYSHEV && (low != -1 || high != 1);
    double *re = malloc(in->slots * in->batch * sizeof *re);
    cr_assert_eq(hel_ckks_poly(in->f.ckks, in->y, in->x, basis, c, degree, low, high), HEL_OK,
                 "degree %u: %s", degree, hel_engine_error(in->f.engine));
    const double error = hel_ckks_cipher_error(in->y);
    cr_assert_eq(hel_ckks_rescale(in->f.ckks, in->y, in->y), HEL_OK);
    cr_assert_eq(hel_ckks_cipher_level(in->y), top - optimum(degree) - (uint32_t)map,
                 "degree %u: level %u of %u", degree, hel_ckks_cipher_level(in->y), top);
    cr_assert_eq(hel_ckks_decrypt(in->f.ckks, in->plain, in->y, in->f.secret), HEL_OK);
    cr_assert_eq(hel_ckks_decode(in->f.ckks, in->plain, re, NULL), HEL_OK);
    for (uint32_t i = 0; i < in->slots * in->batch; i++) {
        const long double x = in->value[i], y = (2 * x - low - high) / (high - low);
        const long double want =
            basis == HEL_CKKS_POWER ? power_value(c, degree, x) : chebyshev_value(c, degree, y);
        cr_assert(fabsl(re[i] - want) <= REF_CKKS_SLOT_LIMIT * hel_ckks_cipher_error(in->y),
                  "degree %u slot %u: %g against %Lg, error %g", degree, i, re[i], want, error);
        cr_assert(fabsl(re[i] - want) < 1e-5, "degree %u: %g against %Lg", degree, re[i], want);
    }
    free(re);
}

static const uint32_t degrees[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 23, 31};

Test(ckks_poly, powers)
{
    ref_random r = ref_random_start(1);
    hel_ckks_params p = ref_ckks_toy(10, 6, 45, 3);
    input in;
    double c[64];
    start(&in, &p, &r, -1, 1);
    for (size_t k = 0; k < sizeof degrees / sizeof *degrees; k++) {
        for (uint32_t i = 0; i <= degrees[k]; i++)
            c[i] = 2 * ref_random_double(&r) - 1;
        expect_poly(&in, HEL_CKKS_POWER, c, degrees[k], 0, 0);
    }
    memset(c, 0, sizeof c); /* leading zeros are dropped, gaps are skipped */
    c[7] = 0.5;
    expect_poly(&in, HEL_CKKS_POWER, c, 7, 0, 0);
    finish(&in);
}

Test(ckks_poly, chebyshev)
{
    ref_random r = ref_random_start(2);
    hel_ckks_params p = ref_ckks_toy(10, 7, 45, 3);
    static const double intervals[][2] = {{-1, 1}, {-4, 4}, {1, 9}};
    double c[64];
    for (size_t v = 0; v < sizeof intervals / sizeof *intervals; v++) {
        input in;
        start(&in, &p, &r, intervals[v][0], intervals[v][1]);
        for (size_t k = 0; k < sizeof degrees / sizeof *degrees; k++) {
            for (uint32_t i = 0; i <= degrees[k]; i++)
                c[i] = (2 * ref_random_double(&r) - 1) / (i + 1);
            expect_poly(&in, HEL_CKKS_CHEBYSHEV, c, degrees[k], intervals[v][0], intervals[v][1]);
        }
        finish(&in);
    }
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

/* The use it is made for: a logistic curve on [-8, 8], degree 31, errors of the fit below 1e-4. */
Test(ckks_poly, logistic_curve)
{
    ref_random r = ref_random_start(3);
    hel_ckks_params p = ref_ckks_toy(10, 6, 50, 3);
    input in;
    double c[32], re[64];
    start(&in, &p, &r, -8, 8);
    cr_assert_eq(hel_ckks_chebyshev(in.f.engine, logistic, -8, 8, 31, c), HEL_OK);
    cr_assert_eq(hel_ckks_poly(in.f.ckks, in.y, in.x, HEL_CKKS_CHEBYSHEV, c, 31, -8, 8), HEL_OK,
                 "%s", hel_engine_error(in.f.engine));
    cr_assert_eq(hel_ckks_decrypt(in.f.ckks, in.plain, in.y, in.f.secret), HEL_OK);
    cr_assert_eq(hel_ckks_decode(in.f.ckks, in.plain, re, NULL), HEL_OK);
    for (uint32_t i = 0; i < 64; i++)
        cr_assert(fabs(re[i] - logistic(in.value[i])) < 1e-4, "%g: %g", in.value[i], re[i]);
    finish(&in);
}

Test(ckks_poly, refusals)
{
    ref_random r = ref_random_start(4);
    hel_ckks_params p = ref_ckks_toy(10, 2, 45, 3);
    input in;
    const double c[5] = {1, 1, 1, 1, 1}, bad[2] = {0, NAN};
    start(&in, &p, &r, -1, 1);
    hel_ckks *k = in.f.ckks;
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_POWER, c, 4, 0, 0), HEL_E_USAGE);
    cr_assert(strstr(hel_engine_error(in.f.engine), "needs 3 levels"));
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_POWER, c, 3, 0, 0), HEL_OK);
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_POWER, bad, 1, 0, 0), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_CHEBYSHEV, c, 1, 1, 1), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_CHEBYSHEV, c, 3, 0, 2), HEL_E_USAGE);
    /* numbers that no scale can be multiplied by */
    const double huge[2] = {0, 1e300};
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_POWER, huge, 1, 0, 0), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_CHEBYSHEV, c, 1, 0, 5e-324), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_CHEBYSHEV, c, 1, -1e308, 1e308),
                 HEL_E_USAGE);
    /* whatever is refused, the output holds no message afterwards */
    hel_ckks_cipher *none;
    cr_assert_eq(hel_ckks_cipher_create(k, &none), HEL_OK);
    cr_assert_eq(hel_ckks_copy(k, in.y, in.x), HEL_OK);
    cr_assert_eq(hel_ckks_poly(k, in.y, none, HEL_CKKS_POWER, c, 1, 0, 0), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_cipher_size(in.y), 0);
    cr_assert_eq(hel_ckks_copy(k, in.y, in.x), HEL_OK);
    cr_assert_eq(hel_ckks_poly(k, in.y, in.x, HEL_CKKS_POWER, NULL, 1, 0, 0), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_cipher_size(in.y), 0);
    cr_assert_eq(hel_ckks_poly(k, NULL, in.x, HEL_CKKS_POWER, c, 1, 0, 0), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_mul_const(k, in.y, in.x, 1e300, 0), HEL_E_USAGE);
    hel_ckks_cipher_free(none);
    cr_assert_eq(hel_ckks_chebyshev(in.f.engine, logistic, 1, 0, 3, (double[4]){0}), HEL_E_USAGE);
    finish(&in);
}
