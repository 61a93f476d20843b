/* CKKS parameter sets: the bounds, every rule of a set, its encoding, the named sets. */
#include <stdio.h>
#include <stdlib.h>

#include "heloci/params.h"
#include "host/base/mem.h"
#include "tests/ckks/params_judge.h"
#include "tests/ref/ref_random.h"

TestSuite(ckks_params, .init = begin, .fini = end);

/* ---- security.c ---- */

Test(ckks_params, bounds_are_pinned)
{
    for (uint32_t log_n = 0; log_n < 40; log_n++)
        for (uint32_t k = 0; k < 3; k++) {
            uint32_t want = log_n >= 10 && log_n <= 17 ? table[k][log_n - 10] : 0;
            cr_assert_eq(hel_security_bound(log_n, 128 + 64 * k), want);
        }
    cr_assert_eq(hel_security_bound(13, 0), 0);
    cr_assert_eq(hel_security_bound(13, 127), 0);
    cr_assert_eq(hel_security_bound(13, 320), 0);
    cr_assert_eq(hel_security_bound(UINT32_MAX, UINT32_MAX), 0);
    for (uint32_t log_n = 9; log_n <= 18; log_n++)
        cr_assert_eq(hel_security_limit(log_n), hel_security_bound(log_n, 128));
}

Test(ckks_params, products_of_up_to_128_primes)
{
    ref_random r = ref_random_start(1);
    for (size_t i = 0; i < ref_scaled(2000); i++) {
        uint32_t q[128], count = 1 + ref_random_below(&r, 128);
        big a, b;
        for (uint32_t k = 0; k < count; k++)
            q[k] = (uint32_t)(ref_random_u64(&r) >> (34 + ref_random_below(&r, 28))) | 1;
        q[0] |= 3;
        big_product(&a, q, count);
        cr_assert_eq(hel_product_bits(q, count), big_bits(&a));
        uint32_t half = count / 2;
        if (half) {
            big_product(&a, q, half);
            big_product(&b, q + half, count - half);
            cr_assert_eq(hel_product_below(q, half, q + half, count - half),
                         big_compare(&a, &b) < 0);
            cr_assert_eq(hel_product_below(q, half, q, half), 0);
        }
    }
}

/* ---- check: every rule by name ---- */

typedef struct breach {
    const char *says;
    void (*commit)(hel_ckks_params *p);
} breach;

#define BREACH(name, code)                                                                         \
    static void name(hel_ckks_params *p)                                                           \
    {                                                                                              \
        code;                                                                                      \
    }
BREACH(ring_small, p->log_n = 9)
BREACH(ring_large, p->log_n = 18)
BREACH(deep, p->depth = 113)
BREACH(deepest, p->depth = UINT32_MAX)
BREACH(scale_small, p->scale_bits = 19)
BREACH(scale_large, p->scale_bits = 56)
BREACH(scale_far, p->scale_bits = 52)
BREACH(odd_security, p->security = 127)
BREACH(no_base, p->limbs[0] = 0)
BREACH(four_base, p->limbs[0] = 4)
BREACH(base_multiplier, p->multiplier[0] = 0)
BREACH(level_of_none, p->limbs[1] = p->limbs[0])
BREACH(level_of_three, p->limbs[1] = p->limbs[0] + 3)
BREACH(level_backwards, p->limbs[2] = 1)
BREACH(no_multiplier, p->multiplier[2] = 0)
BREACH(large_multiplier, p->multiplier[2] = 1ull << 40)
BREACH(wrong_multiplier, p->multiplier[2] = 1 << 20)
BREACH(behind, p->limbs[p->depth + 1] = 1)
BREACH(far_behind, p->multiplier[112] = 1)
BREACH(no_special, p->special_limbs = 0)
BREACH(many_special, p->special_limbs = 64)
BREACH(no_digit, p->digit_limbs = 0)
BREACH(large_digit, p->digit_limbs = p->limbs[p->depth] + 1)
BREACH(few_special, p->primes[p->limbs[p->depth] + --p->special_limbs] = 0)
BREACH(wide_digit, p->digit_limbs++)
BREACH(prime_low, p->primes[1] = 114689) /* 7 2^14 + 1 */
BREACH(prime_high, p->primes[1] = 1073872897)
BREACH(prime_zero, p->primes[3] = 0)
BREACH(prime_class, p->primes[1] += 1 << 13)
BREACH(twice, p->primes[1] = p->primes[0])
BREACH(twice_special, p->primes[p->limbs[p->depth]] = p->primes[0])
BREACH(prime_behind, p->primes[127] = 163841)

/* 1 mod 2^14, above 2^17, not prime */
static uint32_t composite_of_class(void)
{
    uint32_t q = (1u << 29) + 1;
    while (is_prime(q))
        q += 1u << 14;
    return q;
}

static void composite_prime(hel_ckks_params *p)
{
    p->primes[1] = composite_of_class();
}

/* One prime at level 0, less than the scale. */
static void small_base(hel_ckks_params *p)
{
    uint32_t total = p->limbs[p->depth] + p->special_limbs;
    memmove(p->primes, p->primes + 1, (total - 1) * sizeof *p->primes);
    p->primes[total - 1] = 0;
    for (uint32_t l = 0; l <= p->depth; l++)
        p->limbs[l]--;
}

Test(ckks_params, every_rule_has_its_sentence)
{
    static const breach list[] = {
        {"log N is 9", ring_small},
        {"log N is 18", ring_large},
        {"depth 113", deep},
        {"depth 4294967295", deepest},
        {"a scale of 19", scale_small},
        {"a scale of 56", scale_large},
        {"default scale of level", scale_far},
        {"security 127", odd_security},
        {"level 0 has 0 primes", no_base},
        {"level 0 has 4 primes", four_base},
        {"level 0 has a multiplier", base_multiplier},
        {"one or two of its own", level_of_none},
        {"one or two of its own", level_of_three},
        {"one or two of its own", level_backwards},
        {"multiplier of level 2 is 0", no_multiplier},
        {"the rule is 1 to 2^40", large_multiplier},
        {"default scale of level 1", wrong_multiplier},
        {"above the depth", behind},
        {"level 112 is above the depth", far_behind},
        {"0 special primes", no_special},
        {"64 special primes", many_special},
        {"digits of 0 primes", no_digit},
        {"digits of", large_digit},
        {"below that of digit", few_special},
        {"below that of digit 0", wide_digit},
        {"prime 1 is 114689, the rule is between", prime_low},
        {"prime 1 is 1073872897, the rule is between", prime_high},
        {"prime 3 is 0", prime_zero},
        {"the rule is 1 modulo 2N", prime_class},
        {"which is no prime", composite_prime},
        {"the rule is distinct ones", twice},
        {"the rule is distinct ones", twice_special},
        {"prime 127 is behind the last", prime_behind},
        {"level 0 has", small_base},
    };
    hel_ckks_params good;
    cr_assert_eq(hel_ckks_params_named(engine, "n13", &good), HEL_OK);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        hel_ckks_params p = good;
        list[i].commit(&p);
        cr_assert_eq(hel_ckks_params_check(engine, &p, NULL), HEL_E_USAGE, "breach %zu: %s", i,
                     list[i].says);
        cr_assert(strstr(hel_engine_error(engine), list[i].says), "'%s' does not say '%s'",
                  hel_engine_error(engine), list[i].says);
        uint8_t digest[32];
        (void)(hel_ckks_params_digest(engine, &p, digest) == HEL_OK); /* reads nothing outside */
    }
}

/* One bit over the bound is refused: the exact length counts. */
Test(ckks_params, security_is_exact)
{
    hel_ckks_params p;
    hel_ckks_info info;
    cr_assert_eq(hel_ckks_params_named(engine, "cmp13", &p), HEL_OK);
    p.security = 192;
    cr_assert_eq(hel_ckks_params_check(engine, &p, &info), HEL_E_SECURITY);
    cr_assert(strstr(hel_engine_error(engine), "147, the bound for N = 2^13 at 192 bits"), "%s",
              hel_engine_error(engine));
    cr_assert(info.log_qp > 147 && info.log_bound == 147, "filled although refused");
    /* N = 2^11, 53 bits: two primes about 2^26.5, products on both sides of 2^53 */
    uint32_t last = 0, over = 0, under = 0;
    for (uint32_t q = (93000000u >> 12 << 12) + 1; q < 97000000; q += 1 << 12) {
        if (!is_prime(q))
            continue;
        if (last) {
            hel_ckks_params two = {.log_n = 11, .scale_bits = 20, .special_limbs = 1};
            two.digit_limbs = two.limbs[0] = 1;
            two.multiplier[0] = 1;
            two.security = 128;
            two.primes[0] = last;
            two.primes[1] = q;
            int beyond = (uint64_t)last * q >> 53 != 0;
            cr_assert_eq(hel_ckks_params_check(engine, &two, NULL),
                         beyond ? HEL_E_SECURITY : HEL_OK);
            over += beyond;
            under += !beyond;
        }
        last = q;
    }
    cr_assert(over > 10 && under > 10);
}

/* ---- encoding ---- */

static hel_buf encoded(const hel_ckks_params *p)
{
    hel_buf buf = {0};
    cr_assert_eq(hel_ckks_params_encode(engine, p, &buf), HEL_OK);
    return buf;
}

/* Refused, or the very set that the bytes spell. */
static int accepted(const uint8_t *data, size_t bytes)
{
    hel_ckks_params p, zero = {0};
    hel_status status = hel_ckks_params_decode(engine, data, bytes, &p);
    if (status != HEL_OK) {
        cr_assert(status == HEL_E_FORMAT || status == HEL_E_SECURITY, "%d", status);
        cr_assert_eq(memcmp(&p, &zero, sizeof p), 0);
        return 0;
    }
    hel_buf again = encoded(&p);
    cr_assert(again.bytes == bytes && memcmp(again.data, data, bytes) == 0);
    hel_buf_free(&again);
    return 1;
}

Test(ckks_params, round_trips)
{
    const char *name;
    for (size_t i = 0; (name = hel_ckks_params_name(i, NULL)) != NULL; i++) {
        hel_ckks_params p, back;
        uint8_t digest[32], other[32];
        cr_assert_eq(hel_ckks_params_named(engine, name, &p), HEL_OK);
        hel_buf buf = encoded(&p);
        cr_assert_eq(buf.bytes, 36 + 12 * (p.depth + 1) + 4 * (p.limbs[p.depth] + p.special_limbs));
        cr_assert_eq(hel_ckks_params_decode(engine, buf.data, buf.bytes, &back), HEL_OK);
        cr_assert_eq(memcmp(&p, &back, sizeof p), 0);
        cr_assert_eq(hel_ckks_params_digest(engine, &p, digest), HEL_OK);
        cr_assert_eq(hel_sha256_once(engine, buf.data, buf.bytes, other), HEL_OK);
        cr_assert_eq(memcmp(digest, other, 32), 0);
        hel_buf_free(&buf);
    }
}

Test(ckks_params, damage)
{
    static const uint8_t flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    hel_ckks_params p;
    uint32_t changed = 0;
    cr_assert_eq(hel_ckks_params_named(engine, "cmp14", &p), HEL_OK);
    hel_buf buf = encoded(&p);
    uint8_t *copy = malloc(buf.bytes + 1);
    cr_assert(copy);
    for (size_t at = 0; at < buf.bytes; at++)
        for (size_t k = 0; k < sizeof flips; k++) {
            memcpy(copy, buf.data, buf.bytes);
            copy[at] ^= flips[k];
            changed += accepted(copy, buf.bytes);
        }
    printf("%u of %zu one-byte changes spell another valid set\n", changed,
           buf.bytes * sizeof flips);
    for (size_t bytes = 0; bytes < buf.bytes; bytes++) {
        uint8_t *exact = malloc(bytes + !bytes); /* the sanitizer sees a byte too far */
        memcpy(exact, buf.data, bytes);
        cr_assert(!accepted(exact, bytes), "%zu bytes", bytes);
        free(exact);
    }
    memcpy(copy, buf.data, buf.bytes);
    copy[buf.bytes] = 0;
    cr_assert(!accepted(copy, buf.bytes + 1));
    cr_assert(accepted(copy, buf.bytes));
    free(copy);
    hel_buf_free(&buf);
}

/* Fields that damage cannot reach one at a time. */
Test(ckks_params, hostile_fields)
{
    hel_ckks_params p;
    cr_assert_eq(hel_ckks_params_named(engine, "n12", &p), HEL_OK);
    hel_buf buf = encoded(&p);
    for (size_t field = 0; field + 4 <= buf.bytes; field += 4) {
        static const uint32_t values[] = {0, 1, 63, 64, 112, 113, 128, 129, 0x7fffffff, UINT32_MAX};
        uint8_t copy[512];
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            cr_assert_lt(buf.bytes, sizeof copy);
            memcpy(copy, buf.data, buf.bytes);
            hel_put_u32(copy + field, values[k]);
            (void)accepted(copy, buf.bytes);
        }
    }
    hel_buf_free(&buf);
}

/* ---- named sets ---- */

/* The first eight bytes of each digest: a name means the same primes for ever. */
static const struct {
    const char *name;
    uint8_t digest[8];
} pinned[] = {
    {"n12", {0x77, 0xe8, 0xce, 0xb7, 0x61, 0xfd, 0x86, 0xbc}},
    {"n13", {0x81, 0x7d, 0x23, 0x22, 0xae, 0x4e, 0xff, 0x53}},
    {"n14", {0x70, 0x76, 0x0b, 0x7c, 0xe2, 0x1a, 0x82, 0x72}},
    {"n15", {0x98, 0xdf, 0xb3, 0x1e, 0x61, 0xbf, 0x32, 0x39}},
    {"n16", {0x79, 0xc6, 0xb8, 0xe3, 0xaa, 0xfe, 0xce, 0x74}},
    {"n17", {0x8a, 0x28, 0xb2, 0x4b, 0x85, 0x8c, 0xe1, 0x55}},
    {"cmp13", {0x84, 0x74, 0x96, 0xa5, 0x2b, 0x6d, 0x76, 0x8f}},
    {"cmp14", {0xb9, 0x2a, 0xcc, 0x2a, 0x53, 0x74, 0x33, 0xb8}},
    {"cmp15", {0x41, 0xde, 0x68, 0x21, 0xa6, 0x4c, 0xb8, 0xb9}},
    {"cmp16", {0xe6, 0xc9, 0x5d, 0xd2, 0x01, 0xe1, 0xb0, 0x4b}},
    {"cmp16d4", {0x7e, 0x29, 0xef, 0x77, 0x3c, 0x61, 0xe5, 0x29}},
};

Test(ckks_params, names_are_pinned)
{
    const char *name, *description;
    size_t count = 0;
    for (; (name = hel_ckks_params_name(count, &description)) != NULL; count++) {
        hel_ckks_params p;
        hel_ckks_info f;
        uint8_t digest[32];
        char hex[17];
        cr_assert(strlen(description) > 10);
        cr_assert_eq(hel_ckks_params_named(engine, name, &p), HEL_OK, "%s",
                     hel_engine_error(engine));
        cr_assert_eq(hel_ckks_params_check(engine, &p, &f), HEL_OK);
        cr_assert_eq(hel_ckks_params_digest(engine, &p, digest), HEL_OK);
        hel_hex(hex, digest, 8);
        printf("%-8s N 2^%u depth %u scale 2^%u primes %u + %u dnum %u log Q %.2f log QP %.2f "
               "(%.0f) precision %.1f, %u multipliers, %s\n",
               name, p.log_n, p.depth, p.scale_bits, f.q_limbs, p.special_limbs, f.dnum, f.log_q,
               f.log_qp, f.log_bound, f.precision_bits, multipliers(&p), hex);
        cr_assert_lt(count, sizeof pinned / sizeof *pinned);
        cr_assert_str_eq(pinned[count].name, name);
        cr_assert_eq(memcmp(pinned[count].digest, digest, 8), 0, "%s", name);
        cr_assert_eq(p.security, 128);
    }
    cr_assert_eq(count, sizeof pinned / sizeof *pinned);
    cr_assert_eq(hel_ckks_params_name(count, &description), NULL);
    cr_assert_eq(description, NULL);
    hel_ckks_params p;
    cr_assert_eq(hel_ckks_params_named(engine, "n18", &p), HEL_E_USAGE);
    for (size_t i = 0; i < count; i++)
        cr_assert(strstr(hel_engine_error(engine), pinned[i].name));
    cr_assert_eq(hel_ckks_params_named(engine, NULL, &p), HEL_E_USAGE);
}

/* Sets for comparison: no smaller than the measured peers' Q, key and ciphertext no larger, scales
 * at least theirs. */
Test(ckks_params, comparison_sets_are_fair)
{
    static const struct {
        const char *name;
        uint32_t log_n, q_bits, dnum;
        double least_scale, cipher_mib, key_mib;
    } peer[] = {
        {"cmp13", 13, 140, 3, 40, 0.375, 1.5}, {"cmp14", 14, 289, 3, 40, 1.5, 6},
        {"cmp15", 15, 610, 3, 50, 6, 24},      {"cmp16", 16, 1160, 3, 50, 23, 90},
        {"cmp16d4", 16, 1160, 4, 50, 23, 120},
    };
    for (size_t i = 0; i < sizeof peer / sizeof *peer; i++) {
        hel_ckks_params p;
        hel_ckks_info f;
        cr_assert_eq(hel_ckks_params_named(engine, peer[i].name, &p), HEL_OK);
        cr_assert_eq(hel_ckks_params_check(engine, &p, &f), HEL_OK);
        cr_assert(p.log_n == peer[i].log_n && f.dnum == peer[i].dnum && multipliers(&p) == 0);
        cr_assert_geq(f.log_q, peer[i].q_bits);
        judge_primes(&p);
        for (uint32_t l = 0; l <= p.depth; l++)
            cr_assert_geq(log2(f.scale[l]), peer[i].least_scale);
        cr_assert_leq((double)f.ciphertext_bytes / 1048576, peer[i].cipher_mib);
        cr_assert_leq((double)f.key_bytes / 1048576, peer[i].key_mib);
    }
}
