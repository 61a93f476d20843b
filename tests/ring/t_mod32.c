/* The word arithmetic against % on 128 bits, at both ends of the range of primes. */
#include <criterion/criterion.h>

#include "tests/ref/ref_ring.h"

/* Primes next to 2^29 and 2^30, and two of a chain. */
static const uint32_t primes[] = {536870923, 1073741789, 1073692673, 805306457};

/* The others a ring may have: both ends of 18 bits for N = 2^10, and some between. */
static const uint32_t small_primes[] = {133121,   249857,    786433,    7340033,
                                        23068673, 167772161, 469762049, 536813569};

static void check_wide(uint64_t x, uint32_t q)
{
    const uint64_t barrett = hel_mod_barrett(q);
    const uint32_t bits = hel_mod_bits(q);
    if (x >> (bits + 30) == 0)
        cr_assert_eq(hel_mod_reduce(x, q, barrett, bits), x % q, "x %llu q %u",
                     (unsigned long long)x, q);
    if (x >> 60 == 0 && bits == 30)
        cr_assert_eq(hel_mod_reduce60(x, q, barrett), x % q, "x %llu q %u", (unsigned long long)x,
                     q);
    cr_assert_eq(hel_mod_reduce_sum(x, q, barrett, bits, hel_mod_pow34(q)), x % q, "x %llu q %u",
                 (unsigned long long)x, q);
    cr_assert_eq(hel_mod_reduce64(x, q), x % q);
    if (x >> 34 < q) { /* Montgomery's: the result times 2^32 is x */
        uint64_t r = hel_mod_redc(x, q, hel_mod_word_inverse(q));
        cr_assert_lt(r, q);
        cr_assert_eq((r << 32) % q, x % q, "x %llu q %u", (unsigned long long)x, q);
    }
}

static void check_wide_prime(ref_random *r, uint32_t q)
{
    const uint32_t bits = hel_mod_bits(q);
    cr_assert(ref_is_prime(q));
    cr_assert(q >> bits == 0 && q >> (bits - 1) == 1);
    cr_assert(hel_mod_barrett(q) >> 31 == 1);
    cr_assert_eq(hel_mod_word_inverse(q) * q, 1u);
    for (uint64_t k = 0; k < 3; k++) {
        check_wide(k, q);
        check_wide(q - 1 + k, q);
        check_wide((uint64_t)(q - 1) * (q - 1) + k, q);
        check_wide(((uint64_t)1 << (bits + 30)) - 1 - k, q);
        check_wide(((uint64_t)q << 34) - 1 - k, q);
        check_wide(((uint64_t)q << 33) - 1 + k, q);
        check_wide(UINT64_MAX - k, q);
    }
    for (size_t i = 0; i < ref_scaled(100000); i++) {
        uint64_t x = ref_random_u64(r) >> (i % 3 == 0 ? 0 : i % 3 == 1 ? 34 - bits : 30 - bits);
        check_wide(x, q);
        check_wide(x - x % q, q); /* a multiple, and the word below it */
        check_wide(x - x % q - (x >= q), q);
    }
}

Test(mod32, wide_reductions)
{
    ref_random r = ref_random_start(1);
    for (int p = 0; p < 4; p++)
        check_wide_prime(&r, primes[p]);
    for (int p = 0; p < 8; p++)
        check_wide_prime(&r, small_primes[p]);
}

Test(mod32, single_words)
{
    ref_random r = ref_random_start(2);
    for (int p = 0; p < 4; p++) {
        const uint32_t q = primes[p];
        const uint32_t corner[] = {0, 1, 2, (q - 1) / 2, (q + 1) / 2, q - 2, q - 1};
        cr_assert(ref_is_prime(q));
        for (size_t i = 0; i < 49 + ref_scaled(100000); i++) {
            uint32_t a = i < 49 ? corner[i % 7] : ref_random_below(&r, q);
            uint32_t b = i < 49 ? corner[i / 7] : ref_random_below(&r, q);
            uint32_t any = i % 5 ? (uint32_t)ref_random_u64(&r) : UINT32_MAX;
            cr_assert_eq(hel_mod_add(a, b, q), ((uint64_t)a + b) % q);
            cr_assert_eq(hel_mod_sub(a, b, q), ref_mod((__int128)a - b, q));
            cr_assert_eq(hel_mod_mul(a, b, q), (uint64_t)a * b % q);
            cr_assert_eq(hel_mod_shoup(b, q), ((uint64_t)b << 32) / q);
            uint32_t lazy = hel_mod_mul_shoup_lazy(any, b, hel_mod_shoup(b, q), q);
            cr_assert_lt(lazy, 2 * q);
            cr_assert_eq(lazy % q, (uint64_t)any * b % q);
            cr_assert_eq(hel_mod_mul_shoup(any, b, hel_mod_shoup(b, q), q), (uint64_t)any * b % q);
            cr_assert_eq(hel_mod_centre(a, q), ref_centre(a, q));
            int64_t v = (int64_t)ref_random_u64(&r);
            cr_assert_eq(hel_mod_from_i64(v, q), ref_mod(v, q));
            uint32_t to = primes[(p + 1 + i % 3) % 4];
            cr_assert_eq(hel_mod_lift(a, q, to), ref_mod(ref_centre(a, q), to));
        }
        cr_assert_eq(hel_mod_from_i64(INT64_MIN, q), ref_mod(INT64_MIN, q));
    }
}

Test(mod32, powers_and_inverses)
{
    ref_random r = ref_random_start(3);
    for (int p = 0; p < 4; p++) {
        const uint32_t q = primes[p];
        for (size_t i = 0; i < ref_scaled(2000); i++) {
            uint32_t a = i == 0 ? 1 : i == 1 ? q - 1 : 1 + ref_random_below(&r, q - 1);
            cr_assert_eq((uint64_t)hel_mod_inv(a, q) * a % q, 1);
            cr_assert_eq(hel_mod_inv(a, q), ref_inverse(a, q));
            cr_assert_eq(hel_mod_pow(a, i, q), ref_pow(a, i, q));
        }
    }
}
