/* Parameter sets: the pinned table, the search, refusals, coding. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_scheme.h"

static hel_engine *engine;

static void begin(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
}

static void end(void)
{
    hel_engine_free(engine);
}

TestSuite(params, .init = begin, .fini = end);

Test(params, table_is_pinned)
{
    static const uint32_t row[] = {0, 26, 53, 106, 214, 430, 868, 1747, 3523, 0};
    for (uint32_t i = 0; i < 10; i++)
        cr_assert_eq(hel_security_limit(9 + i), row[i]);
    cr_assert_eq(hel_security_limit(0), 0);
    cr_assert_eq(hel_security_limit(UINT32_MAX), 0);
}

Test(params, exact_sizes_of_products)
{
    uint32_t p[HEL_PRIMES_MAX];
    cr_assert_eq(hel_product_bits((const uint32_t[]){3}, 1), 2);
    cr_assert_eq(hel_product_bits((const uint32_t[]){3, 11}, 2), 6); /* 33 > 2^5 */
    cr_assert_eq(hel_product_bits((const uint32_t[]){5, 3}, 2), 4);  /* 15 < 2^4 */
    for (uint32_t log_n = 10; log_n <= 17; log_n++) {
        uint32_t count = log_n == 17 ? 20 : 40;
        while (hel_prime_chain(NULL, log_n, count, p) != HEL_OK)
            count /= 2;
        for (uint32_t c = 1; c <= count; c++) {
            double log = hel_log2_product(p, c);
            cr_assert_eq(hel_product_bits(p, c), (uint32_t)ceil(log), "N=2^%u, %u primes", log_n,
                         c);
        }
    }
}

Test(params, search_gives_profile_s)
{
    hel_params p;
    hel_params_proof proof;
    cr_assert_eq(hel_params_search(engine, NULL, &p), HEL_OK);
    cr_assert(p.log_n == 13 && p.scan_limbs == 3 && p.expand_limbs == 4 && p.special_limbs == 2);
    cr_assert(p.digit_limbs == 2 && p.out_limbs == 2 && p.weight_bits == 20 && p.plane_max == 2);
    cr_assert(p.chunk == 4096 && p.toy == 0);
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_OK);
    printf("Da = q 2^%u, Dz = %llu: margin %.2f, range %.3f of %.3f, sigma_z %.2f, Q'P %.3f\n",
           p.da_shift, (unsigned long long)p.dz, proof.margin, proof.range_bits, proof.log_q,
           proof.sigma_z, proof.log_qp);
    cr_assert(proof.secure && proof.range_holds && proof.noise_holds);
    cr_assert_gt(proof.margin, 20);
    cr_assert_float_eq(proof.sigma_z, 21.34, 0.05);
    cr_assert_float_eq(proof.log_qp, 180, 0.01);
    cr_assert_eq(proof.log_bound, 214);
    cr_assert_leq(proof.range_bits, proof.log_q);
    cr_assert_gt(proof.range_bits, proof.log_q - 0.01); /* nothing is given away */
}

/* No other pair of scales does better. */
Test(params, scales_are_the_best_pair)
{
    hel_params p, other;
    hel_params_proof best, proof;
    cr_assert_eq(hel_params_search(engine, NULL, &p), HEL_OK);
    cr_assert_eq(hel_params_check(engine, &p, &best), HEL_OK);
    for (uint32_t shift = 0; shift < 30; shift++)
        for (uint64_t dz = 1; dz < (uint64_t)1 << 30; dz = dz * 9 / 8 + 1) {
            other = p;
            other.da_shift = shift;
            other.dz = dz;
            hel_status status = hel_params_check(engine, &other, &proof);
            cr_assert(status != HEL_OK || proof.margin <= best.margin);
        }
}

Test(params, search_answers_requests)
{
    static const struct {
        uint32_t b, g, chunk, log_n, want_log_n, want_scan;
    } row[] = {
        {16, 2, 4096, 0, 13, 3},    {20, 1, 8192, 0, 13, 3},  {20, 4, 2048, 0, 13, 3},
        {20, 256, 4096, 0, 13, 4},  {20, 2, 4096, 14, 14, 3}, {20, 2, 1, 0, 13, 3},
        {24, 2, 1 << 20, 0, 13, 4},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        hel_params_request r = HEL_PARAMS_REQUEST_INIT;
        hel_params p;
        hel_params_proof proof;
        r.weight_bits = row[i].b;
        r.plane_max = row[i].g;
        r.chunk = row[i].chunk;
        r.log_n = row[i].log_n;
        cr_assert_eq(hel_params_search(engine, &r, &p), HEL_OK, "row %zu: %s", i,
                     hel_engine_error(engine));
        cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_OK);
        printf("b=%u G=%u n=%u: N=2^%u scan %u expand %u special %u, margin %.1f\n", p.weight_bits,
               p.plane_max, p.chunk, p.log_n, p.scan_limbs, p.expand_limbs, p.special_limbs,
               proof.margin);
        cr_assert_eq(p.log_n, row[i].want_log_n, "row %zu: log N %u", i, p.log_n);
        cr_assert_eq(p.scan_limbs, row[i].want_scan, "row %zu: %u limbs", i, p.scan_limbs);
    }
}

Test(params, search_refuses)
{
    hel_params_request r = HEL_PARAMS_REQUEST_INIT;
    hel_params p;
    r.log_n = 10; /* one prime is too much */
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_E_SECURITY);
    cr_assert(strstr(hel_engine_error(engine), "security"));
    r.log_n = 12; /* three primes: two scan limbs at the most with a key switch */
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_E_SECURITY);
    cr_assert(strstr(hel_engine_error(engine), "range condition"), "%s", hel_engine_error(engine));
    r.log_n = 18;
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_E_USAGE);
    r.log_n = 0;
    r.weight_bits = 7;
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_E_USAGE);
    r.weight_bits = 25;
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_E_USAGE);
    r.weight_bits = 0;
    r.chunk = HEL_CHUNK_MAX + 1;
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_E_USAGE);
    r.chunk = 0;
    r.plane_max = HEL_PLANE_MAX + 1;
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_E_USAGE);
    r.plane_max = 0;
    r.size = 4;
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_E_USAGE);
}

/* The largest chunk that three limbs allow; one sample more needs four. */
Test(params, search_uses_the_next_limb_exactly_when_it_must)
{
    hel_params_request r = HEL_PARAMS_REQUEST_INIT;
    uint32_t low = 4096, high = 65536;
    hel_params p;
    hel_params_proof proof;
    while (high - low > 1) {
        r.chunk = (low + high) / 2;
        cr_assert_eq(hel_params_search(engine, &r, &p), HEL_OK);
        if (p.scan_limbs == 3)
            low = r.chunk;
        else
            high = r.chunk;
    }
    printf("three limbs up to %u samples\n", low);
    cr_assert(low > 5000 && low < 12000); /* exactness chapter E: about 7,100 with powers of two */
    r.chunk = low;
    cr_assert_eq(hel_params_search(engine, &r, &p), HEL_OK);
    p.chunk = low + 1; /* the three-limb set, forced: some scale must give, neither helps */
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_E_USAGE);
}

Test(params, security_one_prime_too_many)
{
    hel_params p = ref_profile_s();
    hel_params_proof proof;
    p.special_limbs = 3; /* 210 bits: inside */
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_OK);
    p.special_limbs = 4; /* 240 bits */
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_E_SECURITY);
    cr_assert(!proof.secure);
    cr_assert(strstr(hel_engine_error(engine), "exceeds 214"));
    p.toy = 1;
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_OK);
    cr_assert(!proof.secure, "a toy set is not called secure");
}

/* The bound is compared with the exact bit length: at N = 2^12, 106 bits are three primes and 16
 * bits; products on both sides of a power of two. */
Test(params, security_bit_by_bit)
{
    uint32_t below[] = {1073692673, 1073643521, 1073479681, 65521};
    cr_assert_eq(hel_product_bits(below, 4), 106);
    uint32_t above[] = {1073692673, 1073643521, 1073479681, 65537};
    cr_assert_eq(hel_product_bits(above, 4), 106 + (hel_log2_product(above, 4) > 106));
    uint32_t two[] = {65537, 65539}; /* just above 2^32 */
    cr_assert_eq(hel_product_bits(two, 2), 33);
    uint32_t one[] = {65521, 65537}; /* just below 2^32 */
    cr_assert_eq(hel_product_bits(one, 2), 32);
}

Test(params, range_one_notch)
{
    hel_params p = ref_profile_s(), q = p;
    hel_params_proof proof;
    q.dz = p.dz + 1;
    cr_assert_eq(hel_params_check(engine, &q, &proof), HEL_E_USAGE);
    cr_assert(!proof.range_holds && proof.noise_holds && proof.secure);
    cr_assert(strstr(hel_engine_error(engine), "range condition"));
    q = p;
    q.da_shift++;
    cr_assert_eq(hel_params_check(engine, &q, &proof), HEL_E_USAGE);
    cr_assert(!proof.range_holds);
    q = p;
    q.plane_max++;
    cr_assert_eq(hel_params_check(engine, &q, &proof), HEL_E_USAGE);
    cr_assert(!proof.range_holds);
    q = p;
    q.weight_bits++;
    cr_assert_eq(hel_params_check(engine, &q, &proof), HEL_E_USAGE);
    cr_assert(!proof.range_holds);
    q = p;
    q.scan_limbs = 2;
    q.out_limbs = 1;
    cr_assert_eq(hel_params_check(engine, &q, &proof), HEL_E_USAGE);
    cr_assert(!proof.range_holds);
}

/* sigma_E, spelled out: exactness chapter E with kappa = 1.25, relinearization over L primes of 30
 * bits, and the rounding of the output switch. */
Test(params, sigma_e_is_the_formula)
{
    static const uint32_t row[][3] = {{20, 2, 4096}, {8, 127, 1}, {24, 1, 100000}, {16, 4, 333}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        hel_params p = ref_profile_s();
        hel_params_proof proof;
        uint32_t q[3];
        cr_assert_eq(hel_prime_chain(engine, 13, 3, q), HEL_OK);
        p.weight_bits = row[i][0];
        p.plane_max = row[i][1];
        p.chunk = row[i][2];
        hel_status status = hel_params_check(engine, &p, &proof);
        (void)status;
        double n = p.chunk, g = p.plane_max, w = pow(2, p.weight_bits - 1.0), N = 8192;
        double da = q[2] * pow(2, p.da_shift), dz = (double)p.dz, z = proof.sigma_z;
        double e = n * (1.25 * da * da * N * z * z * g * g + dz * dz * 10.5 * w * w +
                        1.25 * N * 10.5 * z * z);
        for (int l = 0; l < 3; l++)
            e += N * 10.5 * q[l] * (double)q[l] / 12;
        e += (double)q[2] * q[2] * (1 + 2 * N / 3) / 12;
        cr_assert_float_eq(proof.sigma_e / sqrt(e), 1, 1e-9);
        cr_assert_float_eq(proof.margin * 2 * proof.sigma_e / (da * dz), 1, 1e-9);
        cr_assert_float_eq(proof.range_bits, log2((2 * n * g * w + 1) * da * dz), 1e-9);
    }
}

/* The condition itself, against 128-bit integers: (2 n G 2^(b-1) + 1) 2^k Dz < Q / q_last. */
Test(params, range_is_the_inequality)
{
    ref_random random = ref_random_start(1);
    uint32_t primes[4];
    cr_assert_eq(hel_prime_chain(engine, 13, 4, primes), HEL_OK);
    for (size_t i = 0; i < ref_scaled(2000); i++) {
        hel_params p = ref_profile_s();
        hel_params_proof proof;
        p.chunk = 1 + ref_random_below(&random, HEL_CHUNK_MAX);
        p.plane_max = 1 + ref_random_below(&random, 127);
        p.weight_bits = 8 + ref_random_below(&random, 17);
        p.da_shift = ref_random_below(&random, 20);
        if (i < 16) { /* the smallest spans: where the 1 in the inequality decides */
            p.chunk = 1 + (uint32_t)i % 2;
            p.plane_max = 1;
            p.weight_bits = 2 + (uint32_t)i % 8;
            p.da_shift = (uint32_t)i / 8;
        }
        unsigned __int128 span = (((unsigned __int128)p.chunk * p.plane_max) << p.weight_bits) + 1;
        unsigned __int128 q = (unsigned __int128)primes[0] * primes[1];
        uint64_t edge = (uint64_t)(q / (span << p.da_shift));
        for (uint64_t dz = edge ? edge : 1; dz <= edge + 1; dz++) {
            p.dz = dz;
            hel_status status = hel_params_check(engine, &p, &proof);
            (void)status;
            cr_assert_eq(proof.range_holds, (span << p.da_shift) * dz < q);
        }
    }
}

Test(params, noise_one_notch)
{
    hel_params p = ref_profile_s();
    hel_params_proof proof;
    uint64_t low = 1, high = p.dz; /* smallest Dz that the noise condition takes */
    while (high - low > 1) {
        p.dz = (low + high) / 2;
        if (hel_params_check(engine, &p, &proof) == HEL_OK)
            high = p.dz;
        else
            low = p.dz;
    }
    p.dz = high;
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_OK);
    cr_assert_float_eq(proof.margin, HEL_PARAMS_TAU, 1e-3);
    p.dz = high - 1;
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_E_USAGE);
    cr_assert(!proof.noise_holds && proof.range_holds && proof.secure);
    cr_assert(strstr(hel_engine_error(engine), "noise condition"));
    p = ref_profile_s();
    p.da_shift = 1; /* Da too small for the genotypes' errors */
    p.dz = (uint64_t)1 << 20;
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_E_USAGE);
    cr_assert(!proof.noise_holds);
    p = ref_profile_s();
    p.special_limbs = 0; /* key-switching noise of whole digits */
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_E_USAGE);
    cr_assert(!proof.noise_holds);
    p = ref_profile_s();
    p.expand_limbs = 3; /* no prime to drop: the expansion's noise stays */
    p.digit_limbs = 1;
    cr_assert_eq(hel_params_check(engine, &p, &proof), HEL_E_USAGE);
    cr_assert(!proof.noise_holds);
}

Test(params, malformed)
{
    const hel_params good = ref_profile_s();
    hel_params p;
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        p = good;                                                                                  \
        change;                                                                                    \
        cr_assert_eq(hel_params_check(engine, &p, NULL), HEL_E_USAGE, #change);                    \
        cr_assert(strlen(hel_engine_error(engine)) > 0);                                           \
    } while (0)
    REFUSED(p.log_n = 9);
    REFUSED(p.log_n = 18);
    REFUSED(p.scan_limbs = 1);
    REFUSED(p.scan_limbs = 6);
    REFUSED(p.out_limbs = 3);
    REFUSED(p.out_limbs = 1);
    REFUSED(p.out_limbs = 0);
    REFUSED(p.expand_limbs = 2);
    REFUSED(p.expand_limbs = 9);
    REFUSED(p.special_limbs = 5);
    REFUSED(p.digit_limbs = 0);
    REFUSED(p.digit_limbs = 5);
    REFUSED(p.weight_bits = 1);
    REFUSED(p.weight_bits = 25);
    REFUSED(p.plane_max = 0);
    REFUSED(p.chunk = 0);
    REFUSED(p.chunk = HEL_CHUNK_MAX + 1);
    REFUSED(p.dz = 0);
    REFUSED(p.da_shift = 63);
    REFUSED(p.dz = UINT64_MAX);
    REFUSED((p.da_shift = 40, p.dz = (uint64_t)1 << 30));
    REFUSED(p.toy = 2);
    cr_assert_eq(hel_params_check(engine, NULL, NULL), HEL_E_USAGE);
}

Test(params, coding)
{
    const hel_params good = ref_profile_s();
    hel_params p;
    hel_buf buf = {0};
    uint8_t digest[32], again[32], direct[32];
    uint32_t refused[2] = {0};
    cr_assert_eq(hel_params_encode(engine, &good, &buf), HEL_OK);
    cr_assert_eq(buf.bytes, 60);
    cr_assert_eq(hel_params_decode(engine, buf.data, buf.bytes, &p), HEL_OK);
    cr_assert_eq(memcmp(&p, &good, sizeof p), 0);
    cr_assert_eq(hel_params_digest(engine, &good, digest), HEL_OK);
    cr_assert_eq(hel_sha256_once(engine, buf.data, buf.bytes, direct), HEL_OK);
    cr_assert_eq(memcmp(digest, direct, 32), 0);
    for (size_t bytes = 0; bytes < buf.bytes; bytes++)
        cr_assert_eq(hel_params_decode(engine, buf.data, bytes, &p), HEL_E_FORMAT);
    /* any changed byte: refused, or another digest */
    for (size_t at = 0; at < buf.bytes; at++)
        for (uint32_t bit = 0; bit < 8; bit++) {
            buf.data[at] ^= (uint8_t)(1u << bit);
            hel_error_clear(engine);
            hel_status status = hel_params_decode(engine, buf.data, buf.bytes, &p);
            if (status == HEL_OK) {
                cr_assert_eq(hel_params_digest(engine, &p, again), HEL_OK);
                cr_assert_neq(memcmp(digest, again, 32), 0);
            } else {
                cr_assert(status == HEL_E_FORMAT || status == HEL_E_SECURITY);
                refused[status == HEL_E_SECURITY]++;
                cr_assert(strlen(hel_engine_error(engine)) > 0);
                cr_assert_eq(p.log_n, 0, "a refused set is not handed out");
            }
            buf.data[at] ^= (uint8_t)(1u << bit);
        }
    cr_assert(refused[0] && refused[1]);
    /* a section that breaks a shape rule, and one that breaks a condition */
    for (int damage = 0; damage < 2; damage++) {
        hel_params_encode(engine, &good, &buf);
        uint8_t *last = buf.data + buf.bytes - 60;
        hel_put_u32(last + (damage ? 40 : 4), damage ? 40 : 9);
        hel_error_clear(engine);
        cr_assert_eq(hel_params_decode(engine, last, 60, &p), HEL_E_FORMAT);
        cr_assert(strstr(hel_engine_error(engine), damage ? "" : "log N is 9"));
    }
    hel_buf_free(&buf);
}

/* The canonical encoding is part of every file: pinned. */
Test(params, digest_is_stable)
{
    const hel_params p = {13, 3, 4, 2, 2, 2, 20, 2, 4096, 3, 1 << 23, 0};
    uint8_t digest[32];
    char text[65];
    cr_assert_eq(hel_params_digest(engine, &p, digest), HEL_OK);
    hel_hex(text, digest, 32);
    printf("%s\n", text);
    cr_assert_str_eq(text, "e075766206567aff7154f249b2d09fcd2bf16686f85a8dbd950d0b5a10be609e");
}

Test(params, out_of_memory)
{
    hel_params p = ref_profile_s();
    hel_scheme *s;
    for (uint64_t n = 1;; n++) {
        hel_mem_fail_nth(n);
        hel_status status = hel_scheme_create(engine, &s, &p);
        hel_mem_fail_nth(0);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_MEMORY);
        cr_assert_null(s);
    }
    hel_scheme_free(s);
    cr_assert_eq(hel_mem_in_use(), 0);
}

/* Without the environment's word a toy set is refused, by the check and by the decoder. */
Test(params, toy_is_refused)
{
    hel_params p;
    hel_buf encoded = {0};
    cr_assert_eq(hel_params_search(engine, NULL, &p), HEL_OK);
    p.log_n = 10;
    p.toy = 1;
    cr_assert_eq(hel_params_check(engine, &p, NULL), HEL_OK);
    cr_assert_eq(hel_params_encode(engine, &p, &encoded), HEL_OK);
    unsetenv("HELOCI_ALLOW_TOY");
    cr_assert_eq(hel_params_check(engine, &p, NULL), HEL_E_SECURITY);
    cr_assert_not_null(strstr(hel_engine_error(engine), "toy"));
    cr_assert_eq(hel_params_decode(engine, encoded.data, encoded.bytes, &p), HEL_E_SECURITY);
    hel_buf_free(&encoded);
}
