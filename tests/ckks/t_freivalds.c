/* Verification digests: arithmetic against 128-bit integers; what they must reject. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/ckks/exact/freivalds_private.h"
#include "tests/ref/ref_scheme.h"

#define P HEL_FREIVALDS_P

static uint64_t mod_p(__int128 v)
{
    __int128 r = v % (__int128)P;
    return (uint64_t)(r < 0 ? r + P : r);
}

static const uint8_t key[32] = {42};

Test(freivalds, rho_by_hand)
{
    uint64_t rho[300], other[300];
    hel_chacha *c;
    uint8_t bytes[64];
    cr_assert_eq(hel_freivalds_rho(NULL, key, 0x123456789u, 7, 300, rho), HEL_OK);
    cr_assert_eq(hel_chacha_create(NULL, &c, key), HEL_OK);
    for (uint32_t j = 0; j < 300; j++) {
        uint32_t nonce[3] = {0x23456789u, 1, 21u << 24 | 7u << 8};
        cr_assert_eq(hel_chacha_stream(c, j / 8, nonce, bytes, 64), HEL_OK);
        cr_assert_eq(rho[j], (hel_get_u64(bytes + j % 8 * 8) >> 3) % P);
        cr_assert_lt(rho[j], P);
    }
    hel_chacha_free(c);
    cr_assert_eq(hel_freivalds_rho(NULL, key, 0x123456789u, 8, 300, other), HEL_OK);
    cr_assert_neq(memcmp(rho, other, sizeof rho), 0);
    cr_assert_eq(hel_freivalds_rho(NULL, key, 0x123456788u, 7, 300, other), HEL_OK);
    cr_assert_neq(memcmp(rho, other, sizeof rho), 0);
    cr_assert_eq(hel_freivalds_rho(NULL, key, 0, 1 << 16, 300, other), HEL_E_USAGE);
}

/* All twins, all lengths round the vector widths, extremes, and the largest N. */
Test(freivalds, digest_equals_the_definition)
{
    ref_random random = ref_random_start(1);
    const uint32_t top = 1 << 17;
    uint64_t *rho = malloc(top * sizeof *rho);
    int8_t *m = malloc(top);
    for (uint32_t round = 0; round < 40 + 4; round++) {
        uint32_t n = round < 40 ? round : round == 40 ? 8192 : top;
        __int128 sum = 0;
        for (uint32_t j = 0; j < n; j++) {
            uint64_t r = ref_random_u64(&random) % P;
            int32_t v = (int32_t)ref_random_below(&random, 255) - 127;
            rho[j] = round == 41 ? P - 1 : round == 42 ? P - 1 : r;
            m[j] = (int8_t)(round == 41 ? 127 : round == 42 ? -127 : v);
            sum += (__int128)rho[j] * m[j];
        }
        cr_assert_eq(hel_freivalds_digest(rho, m, n), mod_p(sum), "n = %u", n);
        int64_t low[3], high[3];
        hel_freivalds_halves_portable(rho, m, n, &low[0], &high[0]);
        memcpy(low + 1, low, 8);
        memcpy(high + 1, high, 8);
        memcpy(low + 2, low, 8);
        memcpy(high + 2, high, 8);
        if (ref_twin(1) != HEL_SIMD_AUTO)
            hel_freivalds_halves_avx2(rho, m, n, &low[1], &high[1]);
        if (ref_twin(1) != HEL_SIMD_AUTO && ref_twin(2) != HEL_SIMD_AUTO)
            hel_freivalds_halves_avx512(rho, m, n, &low[2], &high[2]);
        cr_assert(low[0] == low[1] && low[0] == low[2] && high[0] == high[1] && high[0] == high[2]);
    }
    free(rho);
    free(m);
}

Test(freivalds, sums_and_weights_equal_the_definition)
{
    ref_random random = ref_random_start(2);
    static const int64_t edge[] = {0,          1,          -1, INT64_MAX, INT64_MIN, INT64_MIN + 1,
                                   (int64_t)P, -(int64_t)P};
    enum { N = 1000, STRIDE = 3 };
    static uint64_t rho[N], y[N * STRIDE];
    static int64_t sums[N];
    static int32_t w[N];
    for (uint32_t round = 0; round < 5; round++) {
        uint64_t want_sums = 0, want_weights = 0;
        for (uint32_t j = 0; j < N; j++) {
            rho[j] = round == 1 ? P - 1 : ref_random_u64(&random) % P;
            sums[j] = j < 8 ? edge[j] : (int64_t)ref_random_u64(&random);
            y[j * STRIDE] = round == 1 ? P - 1 : ref_random_u64(&random) % P;
            w[j] = round == 1   ? INT32_MIN
                   : round == 2 ? INT32_MAX
                                : (int32_t)(uint32_t)ref_random_u64(&random);
            want_sums = mod_p((__int128)want_sums + mod_p((__int128)mod_p(sums[j]) * rho[j]));
            want_weights = mod_p((__int128)want_weights + (__int128)w[j] * y[j * STRIDE]);
        }
        cr_assert_eq(hel_freivalds_sums(rho, sums, N), want_sums);
        cr_assert_eq(hel_freivalds_weights(w, y, STRIDE, N), want_weights);
    }
    cr_assert_eq(hel_freivalds_sums(rho, sums, 0), 0);
    cr_assert_eq(hel_freivalds_weights(w, y, 1, 0), 0);
}

/* ---- the owner's verdict on a result, as a caller makes it ---- */

enum { SAMPLES = 6, BLOCKS = 2 };

typedef struct owner {
    ref_fixture f;
    int32_t w[SAMPLES];
    int8_t *m[BLOCKS][SAMPLES];
    uint64_t *rho[BLOCKS];
    uint64_t y[BLOCKS][SAMPLES];
    uint32_t *r[BLOCKS]; /* honest results: r0, r1 */
} owner;

static hel_status verdict(const owner *o, uint32_t block, const uint32_t *r, int64_t *sums)
{
    const hel_scheme *s = o->f.scheme;
    const int64_t limit = (int64_t)SAMPLES * s->params.plane_max << (s->params.weight_bits - 1);
    hel_error_clear(o->f.engine);
    hel_status status = hel_decrypt_sums(o->f.engine, s, o->f.key, r,
                                         r + s->params.out_limbs * (size_t)s->n, limit, sums);
    if (status != HEL_OK)
        return status;
    return hel_freivalds_sums(o->rho[block], sums, s->n) ==
                   hel_freivalds_weights(o->w, o->y[block], 1, SAMPLES)
               ? HEL_OK
               : HEL_E_VERIFY;
}

typedef struct accumulate_arg {
    owner *o;
    uint32_t block;
    hel_encryptor *e;
    hel_chacha *seed;
    uint32_t *d, *c0, *a;
    uint8_t *bytes;
} accumulate_arg;

static void accumulate(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    accumulate_arg *x = arg;
    const hel_scheme *s = x->o->f.scheme;
    const hel_ring_ops *ops = s->ring->ops;
    const size_t n = s->n, poly = 3 * n;
    const uint64_t object = x->block * SAMPLES + t;
    cr_assert_eq(hel_encrypt_plane(x->e, object, x->o->m[x->block][t], x->c0), HEL_OK);
    cr_assert_eq(hel_expand_uniform(s, x->seed, HEL_DOMAIN_GENO_A, object, 3, x->a, x->bytes),
                 HEL_OK);
    for (uint32_t i = 0; i < 3; i++) {
        const hel_limb *l = &s->ring->limb[i];
        const size_t at = i * n;
        ops->mul_add(l, x->d + at, x->c0 + at, z0 + at, n);
        ops->mul_add(l, x->d + poly + at, x->c0 + at, z1 + at, n);
        ops->mul_add(l, x->d + poly + at, x->a + at, z0 + at, n);
        ops->mul_add(l, x->d + 2 * poly + at, x->a + at, z1 + at, n);
    }
}

static void compute(owner *o, uint32_t block)
{
    static const uint8_t seed[32] = {3}, errors[32] = {4};
    const hel_scheme *s = o->f.scheme;
    const size_t n = s->n, poly = 3 * n;
    accumulate_arg x = {
        o, block, NULL, NULL, ref_words(3 * poly), ref_words(poly), ref_words(poly), malloc(4 * n)};
    hel_expander *e;
    uint32_t *packed = ref_words(4 * n), *scratch;
    memset(x.d, 0, 3 * poly * 4);
    cr_assert_eq(hel_encryptor_create(o->f.engine, &x.e, s, o->f.key, seed, errors), HEL_OK);
    cr_assert_eq(hel_chacha_create(o->f.engine, &x.seed, seed), HEL_OK);
    cr_assert_eq(hel_encrypt_weights(x.e, 0, o->w, SAMPLES, packed), HEL_OK);
    cr_assert_eq(hel_expander_create(o->f.engine, &e, s, o->f.keys, packed, seed, 0, SAMPLES, 2),
                 HEL_OK);
    scratch = ref_words(hel_expander_scratch_words(e) + hel_keyswitch_scratch_words(s));
    for (uint32_t g = 0; g < hel_expander_groups(e); g++)
        hel_expander_run(e, g, scratch, accumulate, &x);
    o->r[block] = ref_words(4 * n);
    hel_output_finish(s, &o->f.keys->relin, x.d, x.d + poly, x.d + 2 * poly, o->r[block],
                      o->r[block] + 2 * n, scratch);
    hel_expander_free(e);
    hel_encryptor_free(x.e);
    hel_chacha_free(x.seed);
    free(x.d);
    free(x.c0);
    free(x.a);
    free(x.bytes);
    free(packed);
    free(scratch);
}

static void prepare(owner *o)
{
    hel_params p = ref_toy(10);
    ref_random random = ref_random_start(3);
    ref_setup(&o->f, &p, HEL_SIMD_AUTO, 1);
    const uint32_t n = o->f.scheme->n;
    for (uint32_t t = 0; t < SAMPLES; t++)
        o->w[t] = (int32_t)ref_random_below(&random, 1 << 20) - (1 << 19) + 1;
    for (uint32_t b = 0; b < BLOCKS; b++) {
        o->rho[b] = malloc(n * sizeof(uint64_t));
        cr_assert_eq(hel_freivalds_rho(o->f.engine, key, b, 0, n, o->rho[b]), HEL_OK);
        for (uint32_t t = 0; t < SAMPLES; t++) {
            o->m[b][t] = malloc(n);
            for (uint32_t j = 0; j < n; j++)
                o->m[b][t][j] = (int8_t)((int32_t)ref_random_below(&random, 5) - 2);
            o->y[b][t] = hel_freivalds_digest(o->rho[b], o->m[b][t], n);
        }
        compute(o, b);
    }
}

static void dispose(owner *o)
{
    for (uint32_t b = 0; b < BLOCKS; b++) {
        for (uint32_t t = 0; t < SAMPLES; t++)
            free(o->m[b][t]);
        free(o->rho[b]);
        free(o->r[b]);
    }
    ref_teardown(&o->f);
}

static int all_zero(const int64_t *x, uint32_t n)
{
    int64_t any = 0;
    for (uint32_t j = 0; j < n; j++)
        any |= x[j];
    return any == 0;
}

Test(freivalds, accepts_the_honest_and_rejects_the_rest_with_one_status)
{
    owner o;
    prepare(&o);
    const hel_scheme *s = o.f.scheme;
    const uint32_t n = s->n;
    int64_t *sums = malloc(n * sizeof *sums);
    uint32_t *r = ref_words(4 * n);
    const size_t bytes = 4 * (size_t)n * 4;
    for (uint32_t b = 0; b < BLOCKS; b++) {
        cr_assert_eq(verdict(&o, b, o.r[b], sums), HEL_OK);
        for (uint32_t j = 0; j < n; j++) {
            int64_t want = 0;
            for (uint32_t t = 0; t < SAMPLES; t++)
                want += (int64_t)o.w[t] * o.m[b][t][j];
            cr_assert_eq(sums[j], want);
        }
    }
    /* a swapped block, or yesterday's result once more */
    cr_assert_eq(verdict(&o, 0, o.r[1], sums), HEL_E_VERIFY);
    cr_assert_eq(verdict(&o, 1, o.r[0], sums), HEL_E_VERIFY);
    /* one sum off by one: the centre adds 1 x scale to one coefficient */
    for (uint32_t j = 0; j < n; j += 97) {
        memcpy(r, o.r[0], bytes);
        for (uint32_t i = 0; i < 2; i++) {
            uint32_t q = s->ring->limb[i].q;
            r[i * n + j] = hel_mod_add(r[i * n + j], (uint32_t)(s->out_scale % q), q);
        }
        cr_assert_eq(verdict(&o, 0, r, sums), HEL_E_VERIFY);
    }
    /* chapter A6: (0, scale) decrypts to the key itself, inside every range */
    memset(r, 0, bytes);
    for (uint32_t i = 0; i < 2; i++)
        r[(2 + i) * n] = (uint32_t)(s->out_scale % s->ring->limb[i].q);
    cr_assert_eq(verdict(&o, 0, r, sums), HEL_E_VERIFY);
    for (uint32_t j = 0; j < n; j++)
        cr_assert_eq(sums[j], o.f.key->s[j], "the attack is not the one it should be");
    /* honest plus the key */
    memcpy(r, o.r[0], bytes);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t q = s->ring->limb[i].q;
        r[(2 + i) * n] = hel_mod_add(r[(2 + i) * n], (uint32_t)(s->out_scale % q), q);
    }
    cr_assert_eq(verdict(&o, 0, r, sums), HEL_E_VERIFY);
    cr_assert_eq(strlen(hel_engine_error(o.f.engine)), 0, "a verdict carries no text");
    /* garbage leaves the range: same status, no text, nothing left behind */
    ref_random random = ref_random_start(4);
    for (uint32_t k = 0; k < 4; k++)
        ref_fill(&random, r + k * n, n, s->ring->limb[k % 2].q);
    cr_assert_eq(verdict(&o, 0, r, sums), HEL_E_VERIFY);
    cr_assert_eq(strlen(hel_engine_error(o.f.engine)), 0);
    cr_assert(all_zero(sums, n));
    /* other weights than the owner's */
    o.w[3]++;
    cr_assert_eq(verdict(&o, 0, o.r[0], sums), HEL_E_VERIFY);
    free(sums);
    free(r);
    dispose(&o);
}

/* The limit itself passes, one more does not; rounding is to the nearest. */
Test(freivalds, limit_of_decoding)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    ref_setup(&f, &p, HEL_SIMD_AUTO, 0);
    const hel_scheme *s = f.scheme;
    const uint32_t n = s->n;
    const int64_t scale = (int64_t)s->out_scale;
    static const struct {
        int64_t value, limit, want;
        hel_status status;
    } row[] = {{100, 100, 100, HEL_OK},      {-100, 100, -100, HEL_OK}, {101, 100, 0, HEL_E_VERIFY},
               {-101, 100, 0, HEL_E_VERIFY}, {0, 0, 0, HEL_OK},         {1, 0, 0, HEL_E_VERIFY}};
    uint32_t *r = ref_words(4 * n);
    int64_t *sums = malloc(n * sizeof *sums);
    for (uint32_t k = 0; k < sizeof row / sizeof *row; k++)
        for (int64_t e = -scale / 2 + 1; e < scale / 2; e += scale / 2 - 1) {
            memset(r, 0, 4 * n * 4);
            for (uint32_t i = 0; i < 2; i++)
                r[i * n + 5] = ref_mod((__int128)row[k].value * scale + e, s->ring->limb[i].q);
            cr_assert_eq(hel_decrypt_sums(f.engine, s, f.key, r, r + 2 * n, row[k].limit, sums),
                         row[k].status);
            cr_assert_eq(sums[5], row[k].want);
        }
    free(r);
    free(sums);
    ref_teardown(&f);
}
