/* The builder of CKKS parameter sets: every set that it makes is taken apart by the judge. */
#include <stdio.h>
#include <stdlib.h>

#include "host/base/mem.h"
#include "tests/ckks/params_judge.h"
#include "tests/ref/ref_random.h"

TestSuite(ckks_build, .init = begin, .fini = end, .timeout = 600);

/* Largest depth for the request: a set that holds, and no room for one level more; or the bound by
 * name. Returns 1 when there is a set. */
static int largest(hel_ckks_request r, hel_ckks_params *p)
{
    uint32_t bound = table[r.security / 64 - 2][r.log_n - 10];
    char name[64];
    hel_ckks_params more;
    snprintf(name, sizeof name, "%u, the bound for N = 2^%u at %u bits", bound, r.log_n,
             r.security);
    hel_status status = hel_ckks_params_build(engine, &r, p);
    if (status != HEL_OK) {
        cr_assert_eq(status, HEL_E_SECURITY, "%s", hel_engine_error(engine));
        cr_assert(strstr(hel_engine_error(engine), name), "%s", hel_engine_error(engine));
        return 0;
    }
    judge(p, bound);
    cr_assert(p->log_n == r.log_n && p->scale_bits == r.scale_bits && p->security == r.security);
    uint32_t q_limbs = p->limbs[p->depth], dnum = r.dnum < q_limbs ? r.dnum : q_limbs;
    cr_assert_eq(p->digit_limbs, (q_limbs + dnum - 1) / dnum);
    r.depth = p->depth + 1;
    status = hel_ckks_params_build(engine, &r, &more);
    /* Primes may end before the bound: 128 of them, 63 to a digit */
    cr_assert(status == HEL_E_SECURITY || (status == HEL_E_USAGE && r.log_n >= 16), "depth %u: %s",
              r.depth, hel_engine_error(engine));
    return 1;
}

static void lattice(uint32_t log_n)
{
    if (log_n > 14 && ref_scaled(2) < 2)
        cr_skip_test("left to the full run");
    static const uint32_t dnums[] = {1, 3, HEL_CKKS_PRIMES_MAX};
    uint32_t sets = 0, refused = 0, with_multiplier = 0;
    printf("N = 2^%u, 128 bits, dnum 3: scale:depth(primes of Q", log_n);
    printf(", levels with multipliers)\n  ");
    for (uint32_t s = 20; s <= 55; s++)
        for (uint32_t d = 0; d < 3; d++)
            for (uint32_t security = 128; security <= 256; security += 64) {
                hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
                hel_ckks_params p;
                r.log_n = log_n;
                r.scale_bits = s;
                r.dnum = dnums[d];
                r.security = security;
                if (!largest(r, &p)) {
                    refused++;
                    continue;
                }
                sets++;
                with_multiplier += multipliers(&p) > 0;
                if (security == 128 && d == 1)
                    printf(" %u:%u(%u,%u)", s, p.depth, p.limbs[p.depth], multipliers(&p));
            }
    printf("\n  %u sets, %u refused, %u with multipliers\n", sets, refused, with_multiplier);
    cr_assert(log_n < 14 || sets == 36 * 9);
}

Test(ckks_build, lattice_10)
{
    lattice(10);
}
Test(ckks_build, lattice_11)
{
    lattice(11);
}
Test(ckks_build, lattice_12)
{
    lattice(12);
}
Test(ckks_build, lattice_13)
{
    lattice(13);
}
Test(ckks_build, lattice_14)
{
    lattice(14);
}
Test(ckks_build, lattice_15)
{
    lattice(15);
}
Test(ckks_build, lattice_16)
{
    lattice(16);
}
Test(ckks_build, lattice_17)
{
    lattice(17);
}

/* A depth that is asked for, in the smallest ring. */
Test(ckks_build, smallest_ring)
{
    ref_random random = ref_random_start(2);
    for (size_t i = 0; i < ref_scaled(40); i++) {
        hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
        hel_ckks_params p, smaller;
        r.depth = 1 + ref_random_below(&random, 40);
        r.scale_bits = 20 + ref_random_below(&random, 36);
        r.dnum = 1 + ref_random_below(&random, 5);
        hel_status status = hel_ckks_params_build(engine, &r, &p);
        if (status != HEL_OK) {
            cr_assert(strstr(hel_engine_error(engine), "N = 2^17"), "%s", hel_engine_error(engine));
            continue;
        }
        cr_assert_eq(p.depth, r.depth);
        judge(&p, table[0][p.log_n - 10]);
        r.log_n = p.log_n - 1;
        cr_assert(p.log_n == 10 || hel_ckks_params_build(engine, &r, &smaller) == HEL_E_SECURITY);
        r.log_n = p.log_n;
        cr_assert_eq(hel_ckks_params_build(engine, &r, &smaller), HEL_OK);
        cr_assert_eq(memcmp(&p, &smaller, sizeof p), 0, "the same set twice");
    }
}

Test(ckks_build, message_bits)
{
    for (uint32_t bits = 1; bits <= 33; bits += 4)
        for (uint32_t s = 20; s <= 55; s += 5) {
            hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
            hel_ckks_params p;
            r.log_n = 15;
            r.depth = 3;
            r.scale_bits = s;
            r.message_bits = bits;
            cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_OK, "%u %u: %s", s, bits,
                         hel_engine_error(engine));
            hel_scale scale[HEL_CKKS_LEVELS_MAX + 1];
            hel_ckks_scales(&p, scale);
            long double q = 1;
            for (uint32_t i = 0; i < p.limbs[0]; i++)
                q *= p.primes[i];
            cr_assert(q >= ldexpl(scale[0].hi, (int)bits + 1), "%u + %u bits", s, bits);
            cr_assert(q < ldexpl(scale[0].hi, (int)bits + 3) || p.limbs[0] > 1);
            cr_assert(p.limbs[0] == 1 || q / p.primes[0] < ldexpl(scale[0].hi, (int)bits + 1));
        }
}

Test(ckks_build, limits_that_are_asked_for)
{
    uint32_t last = 0;
    for (uint32_t limit = 200; limit <= 900; limit += 50) {
        hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
        hel_ckks_params p;
        r.log_n = 15;
        r.log_qp = limit;
        cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_OK);
        cr_assert_leq(hel_product_bits(p.primes, p.limbs[p.depth] + p.special_limbs), limit);
        cr_assert_geq(p.depth, last);
        last = p.depth;
    }
    hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
    hel_ckks_params p;
    r.log_n = 15;
    r.depth = 5;
    r.log_qp = 200;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_E_SECURITY);
    cr_assert(strstr(hel_engine_error(engine), "limit 200 that was asked for"));
    r.log_qp = 1000; /* above the bound: the bound holds */
    r.depth = 30;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_E_SECURITY);
    cr_assert(strstr(hel_engine_error(engine), "868, the bound for N = 2^15 at 128 bits"));
}

Test(ckks_build, insecure_sets)
{
    hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
    hel_ckks_params p;
    r.log_n = 10;
    r.security = HEL_CKKS_INSECURE;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_E_USAGE);
    cr_assert(strstr(hel_engine_error(engine), "depth or a limit"));
    for (uint32_t log_n = 10; log_n <= 17; log_n++)
        for (uint32_t s = 20; s <= 55; s += 5) {
            r.log_n = log_n;
            r.depth = 6;
            r.scale_bits = s;
            cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_OK);
            cr_assert_eq(p.security, 0);
            judge(&p, 0);
        }
    r.depth = 0;
    r.log_qp = 500;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_OK);
    cr_assert_leq(hel_product_bits(p.primes, p.limbs[p.depth] + p.special_limbs), 500);
    unsetenv("HELOCI_ALLOW_TOY");
    cr_assert_eq(hel_ckks_params_check(engine, &p, NULL), HEL_E_SECURITY);
    cr_assert(strstr(hel_engine_error(engine), "HELOCI_ALLOW_TOY"));
    hel_ckks_params q;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &q), HEL_E_SECURITY);
    cr_assert(strstr(hel_engine_error(engine), "HELOCI_ALLOW_TOY"));
}

/* The longest chains: 112 levels, 128 primes. */
Test(ckks_build, longest_chains)
{
    hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
    hel_ckks_params p;
    r.log_n = 13;
    r.security = HEL_CKKS_INSECURE;
    r.depth = HEL_CKKS_LEVELS_MAX;
    r.scale_bits = 28;
    r.dnum = HEL_CKKS_PRIMES_MAX;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_OK, "%s", hel_engine_error(engine));
    judge(&p, 0);
    cr_assert(p.limbs[112] == 114 && p.digit_limbs == 1 && p.special_limbs >= 1);
    r.scale_bits = 50; /* pairs */
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_E_USAGE);
    cr_assert(strstr(hel_engine_error(engine), "more primes"), "%s", hel_engine_error(engine));
    r.depth = 62;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_OK, "%s", hel_engine_error(engine));
    judge(&p, 0);
    r.dnum = 1; /* 63 primes are one digit's limit */
    r.depth = 30;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_OK, "%s", hel_engine_error(engine));
    judge(&p, 0);
    cr_assert_eq(p.digit_limbs, 62);
    r.depth = 31;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_E_USAGE);
}

Test(ckks_build, malformed_requests)
{
    static const struct {
        size_t field;
        uint32_t value;
        const char *says;
    } row[] = {
        {offsetof(hel_ckks_request, size), 4, "size 4"},
        {offsetof(hel_ckks_request, log_n), 9, "log N is 9"},
        {offsetof(hel_ckks_request, log_n), 18, "log N is 18"},
        {offsetof(hel_ckks_request, log_n), UINT32_MAX, "log N"},
        {offsetof(hel_ckks_request, depth), 113, "depth 113"},
        {offsetof(hel_ckks_request, scale_bits), 19, "scale of 19"},
        {offsetof(hel_ckks_request, scale_bits), 56, "scale of 56"},
        {offsetof(hel_ckks_request, scale_bits), UINT32_MAX, "scale of"},
        {offsetof(hel_ckks_request, dnum), 129, "129 digits"},
        {offsetof(hel_ckks_request, message_bits), 49, "messages of 49"},
        {offsetof(hel_ckks_request, message_bits), UINT32_MAX, "messages of"},
        {offsetof(hel_ckks_request, security), 80, "security 80"},
        {offsetof(hel_ckks_request, security), 129, "security 129"},
    };
    hel_ckks_params p, zero = {0};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
        r.log_n = 14;
        r.depth = 2;
        memcpy((char *)&r + row[i].field, &row[i].value, 4);
        memset(&p, 1, sizeof p);
        cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_E_USAGE, "row %zu", i);
        cr_assert(strstr(hel_engine_error(engine), row[i].says), "%s", hel_engine_error(engine));
        cr_assert_eq(memcmp(&p, &zero, sizeof p), 0);
    }
    hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
    cr_assert_eq(hel_ckks_params_build(engine, &r, &p), HEL_E_USAGE);
    cr_assert(strstr(hel_engine_error(engine), "neither log N nor a depth"));
    cr_assert_eq(hel_ckks_params_build(engine, NULL, &p), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_params_check(engine, NULL, NULL), HEL_E_USAGE);
}

Test(ckks_build, builder_survives_failing_memory)
{
    hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
    hel_ckks_params p;
    uint64_t before = hel_mem_in_use();
    hel_status status = HEL_E_MEMORY;
    r.log_n = 17;
    r.depth = 2;
    uint64_t n = 1;
    for (; status == HEL_E_MEMORY; n++) {
        hel_mem_fail_nth(n);
        status = hel_ckks_params_build(engine, &r, &p);
        cr_assert_eq(hel_mem_in_use(), before);
    }
    hel_mem_fail_nth(0);
    cr_assert_eq(status, HEL_OK);
    cr_assert_gt(n, 4);
}
