/* Double-double scales against 113-bit arithmetic and exact integers. */
#include <math.h>

#include <criterion/criterion.h>

#include "host/ckks/scale.h"
#include "tests/ref/ref_random.h"

typedef __float128 quad;

static quad value(hel_scale a)
{
    return (quad)a.hi + (quad)a.lo;
}

static double relative(quad a, quad b)
{
    return (double)((a - b) / b);
}

static int normal_form(hel_scale a)
{
    return a.hi + a.lo == a.hi && fabs(a.lo) <= (nextafter(a.hi, INFINITY) - a.hi) / 2;
}

/* 106 random bits, exponent within +-range */
static hel_scale draw(ref_random *r, uint32_t range)
{
    double hi =
        ldexp(1 + ref_random_double(r), (int)ref_random_below(r, 2 * range + 1) - (int)range);
    double lo = (ref_random_double(r) - 0.5) * (nextafter(hi, INFINITY) - hi);
    return (hel_scale){hi, hi + lo == hi ? lo : 0};
}

Test(scale, integers_are_exact)
{
    static const uint64_t corner[] = {0,
                                      1,
                                      2,
                                      (1ull << 53) - 1,
                                      (1ull << 53) + 1,
                                      (1ull << 63) - 1,
                                      1ull << 63,
                                      (1ull << 63) + 1,
                                      UINT64_MAX - 1,
                                      UINT64_MAX,
                                      0xfffffffeffffffffu,
                                      0x00000000ffffffffu};
    ref_random r = ref_random_start(1);
    for (size_t i = 0; i < sizeof corner / sizeof *corner + ref_scaled(100000); i++) {
        uint64_t x = i < sizeof corner / sizeof *corner
                         ? corner[i]
                         : ref_random_u64(&r) >> ref_random_below(&r, 64);
        hel_scale a = hel_scale_of_u64(x);
        cr_assert(value(a) == (quad)x, "%llu: %a + %a", (unsigned long long)x, a.hi, a.lo);
        cr_assert(normal_form(a));
    }
    cr_assert(hel_scale_of(0x1.8p-30).hi == 0x1.8p-30 && hel_scale_of(0x1.8p-30).lo == 0);
}

Test(scale, products_and_quotients_lose_less_than_2_to_minus_100)
{
    ref_random r = ref_random_start(2);
    double worst_mul = 0, worst_div = 0;
    for (size_t i = 0; i < ref_scaled(300000); i++) {
        hel_scale a = draw(&r, 120), b = draw(&r, 120);
        hel_scale p = hel_scale_mul(a, b), q = hel_scale_div(a, b);
        worst_mul = fmax(worst_mul, fabs(relative(value(p), value(a) * value(b))));
        worst_div = fmax(worst_div, fabs(relative(value(q), value(a) / value(b))));
        cr_assert(normal_form(p) && normal_form(q), "%a %a, %a %a", a.hi, a.lo, b.hi, b.lo);
    }
    printf("worst relative error: product 2^%.2f, quotient 2^%.2f\n", log2(worst_mul),
           log2(worst_div));
    cr_assert_lt(worst_mul, 0x1p-102);
    cr_assert_lt(worst_div, 0x1p-102);
}

/* What the double-double exists for: where doubles cannot tell two numbers apart. */
Test(scale, small_differences_survive)
{
    for (int bits = 1; bits <= 100; bits++) {
        hel_scale one = hel_scale_of(1), b = {1, 0};
        if (bits <= 52)
            b.hi += ldexp(1, -bits);
        else
            b.lo = ldexp(1, -bits);
        cr_assert_eq(hel_scale_relative(b, one), ldexp(1, -bits), "2^-%d", bits);
        cr_assert_eq(hel_scale_equal(b, one), bits > 80);
        cr_assert_eq(hel_scale_equal(one, b), bits > 80);
    }
    hel_scale above = {1 + 0x1p-52, -0x1p-54}, below = {1, 0x1p-54}; /* high parts differ */
    cr_assert_eq(hel_scale_relative(above, below), 0x1p-53 / below.hi);
    ref_random r = ref_random_start(3);
    for (size_t i = 0; i < ref_scaled(100000); i++) {
        hel_scale a = draw(&r, 60), b = draw(&r, 60);
        quad exact = value(a) / value(b) - 1;
        cr_assert_lt(fabs(relative((quad)hel_scale_relative(a, b), exact)), 0x1p-45);
        cr_assert(hel_scale_equal(a, a));
        hel_scale there = hel_scale_div(hel_scale_mul(a, b), b);
        cr_assert(hel_scale_equal(there, a));
        cr_assert_lt(fabs(hel_scale_relative(there, a)), 0x1p-100);
    }
}

Test(scale, logarithms)
{
    for (int e = -300; e <= 300; e++)
        cr_assert_eq(hel_scale_log2(hel_scale_of(ldexp(1, e))), e);
    cr_assert_float_eq(hel_scale_log2((hel_scale){1, 0x1p-60}) * 0x1p60, 1 / log(2), 1e-12);
    ref_random r = ref_random_start(4);
    for (size_t i = 0; i < ref_scaled(10000); i++) {
        hel_scale a = draw(&r, 200);
        cr_assert_float_eq(hel_scale_log2(a), (double)log2l((long double)value(a)), 1e-13);
    }
}

/* Along a circuit: squarings and divisions by primes keep 2^-100 per operation. A product with one
 * factor and a quotient by it come back. */
Test(scale, chains)
{
    static const uint32_t prime[] = {1073479681, 1068433409, 536608769, 163841};
    hel_scale a = hel_scale_of(0x1p40);
    quad exact = value(a);
    for (int i = 0; i < 200; i++) {
        hel_scale q = hel_scale_of_u64(prime[i % 4]);
        a = i & 1 ? hel_scale_div(a, q) : hel_scale_mul(a, q);
        exact = i & 1 ? exact / prime[i % 4] : exact * prime[i % 4];
        cr_assert_lt(fabs(relative(value(a), exact)), (i + 1) * 0x1p-102);
    }
    hel_scale b = hel_scale_of_u64(3);
    for (int i = 1; i < 6; i++) { /* 3^32 fits: exact */
        quad square = value(b) * value(b);
        b = hel_scale_mul(b, b);
        cr_assert(value(b) == square, "3^%d", 1 << i);
    }
}
