/* Encryption: exact decryption, the streams by hand, fresh seeds, error statistics. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_scheme.h"

static const uint8_t seed_a[32] = {1, 2, 3}, seed_e[32] = {9, 8, 7};

static hel_encryptor *encryptor(const ref_fixture *f, const uint8_t *a, const uint8_t *e)
{
    hel_encryptor *x;
    cr_assert_eq(hel_encryptor_create(f->engine, &x, f->scheme, f->key, a, e), HEL_OK);
    return x;
}

static void uniform_half(const ref_fixture *f, hel_domain domain, uint64_t object, uint32_t limbs,
                         uint32_t *a)
{
    hel_chacha *c;
    uint8_t *bytes = malloc(4 * (size_t)f->scheme->n);
    cr_assert_eq(hel_chacha_create(f->engine, &c, seed_a), HEL_OK);
    cr_assert_eq(hel_expand_uniform(f->scheme, c, domain, object, limbs, a, bytes), HEL_OK);
    hel_chacha_free(c);
    free(bytes);
}

/* Phase over `limbs` primes: wanted(j) plus an error of at most 21; returns its sum of squares. */
static double check_errors(const __int128 *phase, const __int128 *want, size_t n, double *sum)
{
    double square = 0;
    for (size_t j = 0; j < n; j++) {
        __int128 e = phase[j] - want[j];
        cr_assert(e >= -21 && e <= 21, "coefficient %zu", j);
        square += (double)(e * e);
        *sum += (double)e;
    }
    return square;
}

static void check_planes(const hel_params *p)
{
    ref_fixture f;
    ref_random random = ref_random_start(p->log_n);
    ref_setup(&f, p, HEL_SIMD_AUTO, 0);
    const hel_scheme *s = f.scheme;
    const size_t n = s->n, words = p->scan_limbs * n;
    uint32_t *c0 = ref_words(words), *a = ref_words(words);
    int8_t *m = malloc(n);
    __int128 *phase = malloc(n * sizeof *phase), *want = malloc(n * sizeof *want);
    hel_encryptor *x = encryptor(&f, seed_a, seed_e);
    __int128 da = (__int128)s->ring->limb[p->scan_limbs - 1].q << p->da_shift;
    double square = 0, sum = 0, count = 0;
    cr_assert_eq(s->da[p->scan_limbs - 1], 0);
    for (uint32_t round = 0; round < 4; round++) {
        for (size_t j = 0; j < n; j++) {
            int32_t top = (int32_t)p->plane_max;
            m[j] = (int8_t)(round == 0   ? 0
                            : round == 1 ? top
                            : round == 2
                                ? -top
                                : (int32_t)ref_random_below(&random, 2 * (uint32_t)top + 1) - top);
            want[j] = da * m[j];
        }
        uint64_t object = round == 3 ? UINT64_MAX : round;
        cr_assert_eq(hel_encrypt_plane(x, object, m, c0), HEL_OK);
        for (size_t j = 0; j < words; j++)
            cr_assert_lt(c0[j], s->ring->limb[j / n].q);
        uniform_half(&f, HEL_DOMAIN_GENO_A, object, p->scan_limbs, a);
        ref_phase_ntt(s, f.key, p->scan_limbs, c0, a, phase);
        square += check_errors(phase, want, n, &sum);
        count += (double)n;
    }
    printf("N=2^%u: error mean %.4f variance %.3f over %.0f\n", p->log_n, sum / count,
           square / count, count);
    cr_assert_float_eq(square / count, 10.5, 6 * 10.5 * sqrt(2 / count));
    cr_assert_float_eq(sum / count, 0, 6 * sqrt(10.5 / count));
    hel_encryptor_free(x);
    free(c0);
    free(a);
    free(m);
    free(phase);
    free(want);
    ref_teardown(&f);
}

Test(encrypt, planes_decrypt_exactly)
{
    hel_params p = ref_toy(10);
    check_planes(&p);
    p.plane_max = 127;
    p.log_n = 12;
    check_planes(&p);
    p = ref_profile_s();
    check_planes(&p);
}

static uint32_t factor(const hel_scheme *s, uint32_t i)
{
    uint32_t q = s->ring->limb[i].q, x = hel_mod_inv(s->n, q);
    for (uint32_t d = s->params.scan_limbs; d < s->params.expand_limbs; d++)
        x = hel_mod_mul(x, s->ring->limb[d].q % q, q);
    return hel_mod_mul(x, (uint32_t)(s->params.dz % q), q);
}

Test(encrypt, weights_decrypt_exactly)
{
    static const uint32_t counts[] = {0, 1, 2, 3, 511, 1024};
    hel_params p = ref_toy(10);
    ref_fixture f;
    ref_random random = ref_random_start(3);
    p.dz = (1 << 23) - 12345; /* not a multiple of N */
    ref_setup(&f, &p, HEL_SIMD_AUTO, 0);
    const hel_scheme *s = f.scheme;
    const size_t n = s->n, words = p.expand_limbs * n;
    uint32_t *c0 = ref_words(words), *a = ref_words(words), *x = ref_words(n);
    int32_t *w = malloc(n * sizeof *w);
    hel_encryptor *e = encryptor(&f, seed_a, seed_e);
    for (uint32_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        for (uint32_t t = 0; t < n; t++)
            w[t] = t < 4 ? (t % 2 ? 1 : -1) * ((1 << 19) - 1)
                         : (int32_t)ref_random_below(&random, 1 << 20) - (1 << 19) + 1;
        cr_assert_eq(hel_encrypt_weights(e, k, w, counts[k], c0), HEL_OK);
        uniform_half(&f, HEL_DOMAIN_WEIGHT_A, k, p.expand_limbs, a);
        for (uint32_t i = 0; i < p.expand_limbs; i++) {
            uint32_t q = s->ring->limb[i].q, wz = factor(s, i);
            cr_assert_eq(s->wz[i], i < p.scan_limbs ? wz : 0);
            hel_ntt_inverse(s->ring, i, c0 + i * n);
            hel_ntt_inverse(s->ring, i, a + i * n);
            ref_negacyclic_ternary(q, s->n, x, a + i * n, f.key->s);
            for (uint32_t t = 0; t < n; t++) {
                uint32_t j = ref_bit_reverse(t, 10);
                uint32_t want = t < counts[k] ? hel_mod_mul(ref_mod(w[t], q), wz, q) : 0;
                int64_t rest = ref_centre(ref_mod((int64_t)c0[i * n + j] + x[j] - want, q), q);
                cr_assert_leq(llabs(rest), 21, "limb %u weight %u", i, t);
            }
        }
    }
    cr_assert_eq(hel_encrypt_weights(e, 0, w, s->n + 1, c0), HEL_E_USAGE);
    hel_encryptor_free(e);
    free(c0);
    free(a);
    free(x);
    free(w);
    ref_teardown(&f);
}

/* Word (j mod 16) of block j / 16 under the nonce of the format; the first try below q. */
static uint32_t by_hand(hel_engine *engine, const uint8_t seed[32], uint64_t object,
                        uint32_t domain, uint32_t prime, uint32_t q, uint32_t j)
{
    hel_chacha *c;
    uint8_t bytes[64];
    uint32_t v = 0;
    cr_assert_eq(hel_chacha_create(engine, &c, seed), HEL_OK);
    for (uint32_t attempt = 0; attempt < 256; attempt++) {
        uint32_t nonce[3] = {(uint32_t)object, (uint32_t)(object >> 32),
                             domain << 24 | prime << 8 | attempt};
        cr_assert_eq(hel_chacha_stream(c, j / 16, nonce, bytes, 64), HEL_OK);
        v = hel_get_u32(bytes + j % 16 * 4) & 0x3fffffff;
        if (v < q)
            break;
    }
    hel_chacha_free(c);
    return v;
}

Test(encrypt, streams_by_hand)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    ref_setup(&f, &p, HEL_SIMD_AUTO, 0);
    const hel_scheme *s = f.scheme;
    const size_t n = s->n;
    const uint64_t object = 0x123456789abcdefu;
    uint32_t *c0 = ref_words(3 * n), *a = ref_words(3 * n);
    int8_t *m = calloc(n, 1);
    __int128 *phase = malloc(n * sizeof *phase);
    hel_encryptor *x = encryptor(&f, seed_a, seed_e);
    uniform_half(&f, HEL_DOMAIN_GENO_A, object, 3, a);
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t j = 0; j < n; j += 37)
            cr_assert_eq(a[i * n + j],
                         by_hand(f.engine, seed_a, object, 1, i, s->ring->limb[i].q, j));
    /* the error of coefficient j: bits 0..20 less bits 21..41 of the j-th 64-bit word */
    cr_assert_eq(hel_encrypt_plane(x, object, m, c0), HEL_OK);
    ref_phase_ntt(s, f.key, 3, c0, a, phase);
    hel_chacha *c;
    uint8_t *bytes = malloc(8 * n);
    uint32_t nonce[3] = {(uint32_t)object, (uint32_t)(object >> 32), 16u << 24};
    cr_assert_eq(hel_chacha_create(f.engine, &c, seed_e), HEL_OK);
    cr_assert_eq(hel_chacha_stream(c, 0, nonce, bytes, 8 * n), HEL_OK);
    for (size_t j = 0; j < n; j++) {
        uint64_t r = hel_get_u64(bytes + 8 * j);
        int e = __builtin_popcountll(r & 0x1fffff) - __builtin_popcountll(r >> 21 & 0x1fffff);
        cr_assert(phase[j] == e, "coefficient %zu", j);
    }
    /* packed weights: their own domains, 2 and 17 */
    static const int32_t none[1];
    uint32_t *packed = ref_words(p.expand_limbs * n), *b = ref_words(p.expand_limbs * n);
    cr_assert_eq(hel_encrypt_weights(x, object, none, 1, packed), HEL_OK);
    uniform_half(&f, HEL_DOMAIN_WEIGHT_A, object, p.expand_limbs, b);
    for (uint32_t j = 0; j < n; j += 41)
        cr_assert_eq(b[3 * n + j], by_hand(f.engine, seed_a, object, 2, 3, s->ring->limb[3].q, j));
    ref_phase_ntt(s, f.key, 3, packed, b, phase);
    nonce[2] = 17u << 24;
    cr_assert_eq(hel_chacha_stream(c, 0, nonce, bytes, 8 * n), HEL_OK);
    for (size_t j = 0; j < n; j++) {
        uint64_t r = hel_get_u64(bytes + 8 * j);
        int e = __builtin_popcountll(r & 0x1fffff) - __builtin_popcountll(r >> 21 & 0x1fffff);
        cr_assert(phase[j] == e, "coefficient %zu", j);
    }
    free(packed);
    free(b);
    hel_chacha_free(c);
    hel_encryptor_free(x);
    free(bytes);
    free(c0);
    free(a);
    free(m);
    free(phase);
    ref_teardown(&f);
}

/* Fresh seeds every time; nothing repeats between two encryptions of the same data, and the same
 * seeds would repeat everything (which is why they must be fresh). */
Test(encrypt, fresh_seeds)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    uint8_t content[32] = {5}, a1[32], e1[32], a2[32], e2[32];
    ref_setup(&f, &p, HEL_SIMD_AUTO, 0);
    const size_t n = f.scheme->n, words = 3 * n;
    uint32_t *x = ref_words(words), *y = ref_words(words);
    int8_t *m = calloc(n, 1);
    cr_assert_eq(hel_fresh_seeds(f.engine, f.key, content, a1, e1), HEL_OK);
    for (uint32_t round = 0; round < 4; round++) {
        cr_assert_eq(hel_fresh_seeds(f.engine, f.key, content, a2, e2), HEL_OK);
        cr_assert(memcmp(a1, a2, 32) && memcmp(e1, e2, 32) && memcmp(a2, e2, 32));
        if (round < 3) {
            memcpy(a1, a2, 32);
            memcpy(e1, e2, 32);
        }
    }
    cr_assert(memcmp(a1, a2, 32) && memcmp(e1, e2, 32) && memcmp(a1, e1, 32));
    hel_encryptor *one = encryptor(&f, a1, e1), *two = encryptor(&f, a2, e2);
    hel_encryptor *again = encryptor(&f, a1, e1);
    cr_assert_eq(hel_encrypt_plane(one, 0, m, x), HEL_OK);
    cr_assert_eq(hel_encrypt_plane(two, 0, m, y), HEL_OK);
    uint32_t same = 0;
    for (size_t j = 0; j < words; j++)
        same += x[j] == y[j];
    cr_assert_lt(same, 4);
    cr_assert_eq(hel_encrypt_plane(again, 0, m, y), HEL_OK);
    cr_assert_eq(memcmp(x, y, words * 4), 0);
    cr_assert_eq(hel_encrypt_plane(again, 1, m, y), HEL_OK);
    cr_assert_neq(memcmp(x, y, words * 4), 0);
    hel_encryptor_free(one);
    hel_encryptor_free(two);
    hel_encryptor_free(again);
    free(x);
    free(y);
    free(m);
    ref_teardown(&f);
}

Test(encrypt, planes_too_large_are_refused)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    hel_encryptor *x;
    p.plane_max = 128;
    ref_setup(&f, &p, HEL_SIMD_AUTO, 0);
    cr_assert_eq(hel_encryptor_create(f.engine, &x, f.scheme, f.key, seed_a, seed_e),
                 HEL_E_UNSUPPORTED);
    cr_assert_null(x);
    ref_teardown(&f);
}

/* All twins, under one key: the same bits. */
Test(encrypt, twins_agree)
{
    hel_params p = ref_toy(11);
    ref_fixture f;
    hel_buf key = {0};
    hel_simd simd;
    uint32_t *first = NULL;
    ref_setup(&f, &p, HEL_SIMD_PORTABLE, 0);
    cr_assert_eq(hel_secret_key_encode(f.engine, f.key, &key), HEL_OK);
    ref_random random = ref_random_start(4);
    const size_t n = f.scheme->n, planes = 3 * n, weights = 4 * n;
    int8_t *m = malloc(n);
    int32_t *w = malloc(n * sizeof *w);
    for (size_t j = 0; j < n; j++) {
        m[j] = (int8_t)((int32_t)ref_random_below(&random, 255) - 127);
        w[j] = (int32_t)ref_random_below(&random, 1 << 20) - (1 << 19) + 1;
    }
    for (uint32_t twin = 0; (simd = ref_twin(twin)) != HEL_SIMD_AUTO; twin++) {
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        ref_fixture g = {0};
        config.simd = simd;
        cr_assert_eq(hel_engine_create(&g.engine, &config), HEL_OK);
        cr_assert_eq(hel_scheme_create_unchecked(g.engine, &g.scheme, &p), HEL_OK);
        cr_assert_eq(hel_secret_key_decode(g.engine, g.scheme, key.data, key.bytes, &g.key),
                     HEL_OK);
        hel_encryptor *x = encryptor(&g, seed_a, seed_e);
        uint32_t *c = ref_words(planes + weights);
        cr_assert_eq(hel_encrypt_plane(x, 3, m, c), HEL_OK);
        cr_assert_eq(hel_encrypt_weights(x, 4, w, (uint32_t)n, c + planes), HEL_OK);
        if (!first)
            first = c;
        cr_assert_eq(memcmp(first, c, (planes + weights) * 4), 0, "twin %u", twin);
        if (first != c)
            free(c);
        hel_encryptor_free(x);
        ref_teardown(&g);
    }
    free(first);
    free(m);
    free(w);
    hel_buf_free_secret(&key);
    ref_teardown(&f);
}
