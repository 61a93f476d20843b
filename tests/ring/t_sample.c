/* Sampling: the streams' definition coefficient by coefficient, moments and counts. */
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_ring.h"

/* ---- an independent ChaCha20 block (RFC 8439, section 2.3) ---- */

static uint32_t rotate(uint32_t x, int k)
{
    return x << k | x >> (32 - k);
}

static void quarter(uint32_t *s, int a, int b, int c, int d)
{
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 7);
}

static void block(uint32_t out[16], const uint8_t key[32], uint32_t counter,
                  const uint32_t nonce[3])
{
    uint32_t s[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (int i = 0; i < 8; i++)
        s[4 + i] = (uint32_t)key[4 * i] | (uint32_t)key[4 * i + 1] << 8 |
                   (uint32_t)key[4 * i + 2] << 16 | (uint32_t)key[4 * i + 3] << 24;
    s[12] = counter;
    memcpy(s + 13, nonce, 12);
    memcpy(out, s, sizeof s);
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 4; k++)
            quarter(out, k, 4 + k, 8 + k, 12 + k);
        quarter(out, 0, 5, 10, 15);
        quarter(out, 1, 6, 11, 12);
        quarter(out, 2, 7, 8, 13);
        quarter(out, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        out[i] += s[i];
}

static uint8_t key[32];
static const uint64_t object = 0x0123456789abcdefu;

static hel_chacha *generator(hel_engine *engine)
{
    hel_chacha *c;
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    cr_assert_eq(hel_chacha_create(engine, &c, key), HEL_OK);
    return c;
}

Test(sample, rfc_8439_block)
{
    static const uint8_t want[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    uint8_t got[64];
    uint32_t words[16];
    hel_chacha *c = generator(NULL);
    cr_assert_eq(hel_chacha_stream(c, 1, nonce, got, sizeof got), HEL_OK);
    cr_assert_arr_eq(got, want, sizeof want);
    block(words, key, 1, nonce);
    for (int i = 0; i < 64; i++)
        cr_assert_eq((uint8_t)(words[i / 4] >> 8 * (i % 4)), want[i], "byte %d", i);
    hel_chacha_free(c);
}

Test(sample, nonce_layout)
{
    uint32_t nonce[3];
    hel_nonce(nonce, object, HEL_DOMAIN_RHO, 0x1234, 0x56);
    cr_assert_eq(nonce[0], 0x89abcdefu);
    cr_assert_eq(nonce[1], 0x01234567u);
    cr_assert_eq(nonce[2], 0x15123456u);
}

/* Coefficient j alone, by the definition; *tries counts how often it was refused. */
static uint32_t coefficient(const hel_limb *l, uint32_t j, hel_domain domain, uint32_t *tries)
{
    for (uint32_t attempt = 0; attempt < 256; attempt++) {
        uint32_t words[16];
        const uint32_t nonce[3] = {(uint32_t)object, (uint32_t)(object >> 32),
                                   (uint32_t)domain << 24 | l->index << 8 | attempt};
        block(words, key, j / 16, nonce);
        uint32_t mask = 1;
        const uint32_t w = words[j % 16];
        while (mask < l->q)
            mask = 2 * mask + 1;
        if (domain >= HEL_DOMAIN_CIPHER_A && domain <= HEL_DOMAIN_SWITCH_A) { /* the wide rule */
            if (w < ((uint64_t)1 << 32) / l->q * l->q)
                return w % l->q;
        } else if ((w & mask) < l->q) {
            return w & mask;
        }
        ++*tries;
    }
    return HEL_UNIFORM_OPEN;
}

static void check_uniform(const hel_ring *ring, uint32_t limb, hel_chacha *c)
{
    static const hel_domain domains[] = {HEL_DOMAIN_CIPHER_A, HEL_DOMAIN_PUBLIC_A,
                                         HEL_DOMAIN_SWITCH_A, HEL_DOMAIN_GENO_A};
    uint32_t *a = ref_words(ring->n), tries = 0;
    uint8_t *scratch = malloc(4 * (size_t)ring->n);
    for (size_t d = 0; d < sizeof domains / sizeof *domains; d++) {
        tries = 0;
        cr_assert_eq(hel_sample_uniform(ring, limb, c, object, domains[d], a, scratch), HEL_OK);
        for (uint32_t j = ring->n; j-- > 0;) /* any order gives the same */
            cr_assert_eq(a[j], coefficient(&ring->limb[limb], j, domains[d], &tries),
                         "%s log_n %u limb %u domain %d word %u", ring->ops->name, ring->log_n,
                         limb, domains[d], j);
    }
    if (limb >= 30)
        cr_assert_gt(tries, 4u); /* late primes exercise the further tries */
    free(a);
    free(scratch);
}

Test(sample, uniform_by_position)
{
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++) {
        hel_engine *engine;
        hel_ring *ring = ref_ring(&engine, ref_twin(t), 12, HEL_PRIMES_MAX);
        hel_chacha *c = generator(engine);
        check_uniform(ring, 0, c);
        check_uniform(ring, 2, c);
        check_uniform(ring, HEL_PRIMES_MAX - 1, c);
        ref_ring_end(engine, ring);
        ring = ref_ring(&engine, ref_twin(t), 15, 31);
        check_uniform(ring, 30, c);
        hel_chacha_free(c);
        ref_ring_end(engine, ring);
    }
}

Test(sample, uniform_of_any_prime)
{
    ref_random r = ref_random_start(1);
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++) {
        hel_engine *engine;
        uint32_t primes[26];
        ref_mixed_primes(&r, 10, primes, 26);
        hel_ring *ring = ref_ring_from(&engine, ref_twin(t), 10, primes, 26);
        hel_chacha *c = generator(engine);
        for (uint32_t limb = 0; limb < 26; limb++)
            check_uniform(ring, limb, c);
        hel_chacha_free(c);
        ref_ring_end(engine, ring);
    }
}

Test(sample, uniform_moments)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 16, 1);
    hel_chacha *c = generator(engine);
    uint32_t *a = ref_words(ring->n);
    uint8_t *scratch = malloc(4 * (size_t)ring->n);
    double mean = 0;
    cr_assert_eq(hel_sample_uniform(ring, 0, c, 7, HEL_DOMAIN_RELIN_A, a, scratch), HEL_OK);
    for (uint32_t j = 0; j < ring->n; j++)
        mean += (double)a[j] / ring->limb[0].q / ring->n;
    cr_assert_lt(fabs(mean - 0.5), 5 * sqrt(1.0 / 12 / ring->n));
    free(a);
    free(scratch);
    hel_chacha_free(c);
    ref_ring_end(engine, ring);
}

static void check_small(const hel_ring *ring, hel_chacha *c)
{
    const uint32_t n = ring->n;
    int8_t *e = malloc(n), *s = malloc(n);
    uint8_t *scratch = malloc(8 * (size_t)n);
    double sum = 0, sum2 = 0, counts[3] = {0, 0, 0};
    uint32_t words[16];
    cr_assert_eq(hel_sample_cbd21(ring, c, object, HEL_DOMAIN_GENO_E, e, scratch), HEL_OK);
    for (uint32_t i = 0; i < 8 * n; i++)
        cr_assert_eq(scratch[i], 0, "the scratch keeps byte %u", i);
    cr_assert_eq(hel_sample_ternary(ring, c, object, s, scratch), HEL_OK);
    for (uint32_t i = 0; i < 8 * n; i++)
        cr_assert_eq(scratch[i], 0, "the scratch keeps byte %u", i);
    for (uint32_t j = 0; j < n; j++) {
        const uint32_t nonce_e[3] = {(uint32_t)object, (uint32_t)(object >> 32), 16u << 24};
        const uint32_t nonce_s[3] = {(uint32_t)object, (uint32_t)(object >> 32), 20u << 24};
        block(words, key, j / 8, nonce_e);
        uint64_t x = words[2 * (j % 8)] | (uint64_t)words[2 * (j % 8) + 1] << 32;
        int want = __builtin_popcountll(x & 0x1fffff) - __builtin_popcountll(x >> 21 & 0x1fffff);
        cr_assert_eq(e[j], want, "%s error %u", ring->ops->name, j);
        block(words, key, j / 8, nonce_s);
        x = words[2 * (j % 8)] | (uint64_t)words[2 * (j % 8) + 1] << 32;
        want = x < 0x5555555555555556u ? -1 : x < 0xaaaaaaaaaaaaaaabu ? 0 : 1;
        cr_assert_eq(s[j], want, "%s ternary %u", ring->ops->name, j);
        sum += e[j];
        sum2 += e[j] * e[j];
        counts[s[j] + 1]++;
    }
    /* mean 0, variance 10.5; the variance of e^2 is 10.5^2 (2 - 1/21) */
    cr_assert_lt(fabs(sum / n), 5 * sqrt(10.5 / n));
    cr_assert_lt(fabs(sum2 / n - 10.5), 5 * 10.5 * sqrt((2 - 1.0 / 21) / n));
    for (int k = 0; k < 3; k++)
        cr_assert_lt(fabs(counts[k] - n / 3.0), 5 * sqrt(n * 2.0 / 9));
    free(e);
    free(s);
    free(scratch);
}

Test(sample, errors_and_secrets)
{
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++)
        for (uint32_t log_n = 10; log_n <= 16; log_n += 3) {
            hel_engine *engine;
            hel_ring *ring = ref_ring(&engine, ref_twin(t), log_n, 1);
            hel_chacha *c = generator(engine);
            check_small(ring, c);
            hel_chacha_free(c);
            ref_ring_end(engine, ring);
        }
}

Test(sample, signs)
{
    for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
        hel_engine *engine;
        hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, log_n, 1);
        hel_chacha *c = generator(engine);
        int8_t *s = malloc(ring->n);
        double sum = 0;
        uint32_t words[16];
        const uint32_t nonce[3] = {(uint32_t)object, (uint32_t)(object >> 32), 5u << 24};
        cr_assert_eq(hel_sample_signs(ring, c, object, s), HEL_OK);
        for (uint32_t j = 0; j < ring->n; j++) {
            if (j % 512 == 0)
                block(words, key, j / 512, nonce);
            cr_assert_eq(s[j], words[j % 512 / 32] >> (j % 32) & 1 ? -1 : 1, "sign %u", j);
            sum += s[j];
        }
        cr_assert_lt(fabs(sum), 5 * sqrt(ring->n));
        free(s);
        hel_chacha_free(c);
        ref_ring_end(engine, ring);
    }
}

/* Streams of different objects, domains and primes have nothing in common. */
Test(sample, streams_are_separate)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 10, 2);
    hel_chacha *c = generator(engine);
    const uint32_t n = ring->n;
    uint32_t *a = ref_words(n), *b = ref_words(n), equal = 0;
    uint8_t *scratch = malloc(4 * (size_t)n);
    const hel_domain domains[] = {HEL_DOMAIN_GENO_A, HEL_DOMAIN_WEIGHT_A, HEL_DOMAIN_GENO_A,
                                  HEL_DOMAIN_GENO_A};
    const uint64_t objects[] = {1, 1, 2, (uint64_t)1 << 32};
    cr_assert_eq(hel_sample_uniform(ring, 0, c, 1, HEL_DOMAIN_GENO_A, a, scratch), HEL_OK);
    for (int k = 1; k < 4; k++) {
        cr_assert_eq(hel_sample_uniform(ring, 0, c, objects[k], domains[k], b, scratch), HEL_OK);
        for (uint32_t j = 0; j < n; j++)
            equal += a[j] == b[j];
    }
    cr_assert_eq(hel_sample_uniform(ring, 1, c, 1, HEL_DOMAIN_GENO_A, b, scratch), HEL_OK);
    for (uint32_t j = 0; j < n; j++)
        equal += a[j] == b[j];
    cr_assert_leq(equal, 1);
    free(a);
    free(b);
    free(scratch);
    hel_chacha_free(c);
    ref_ring_end(engine, ring);
}
