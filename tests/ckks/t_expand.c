/* Oblivious expansion: every leaf, every pruning, every twin; noise and cost as predicted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "host/ckks/exact/expand_private.h"
#include "tests/ref/ref_scheme.h"

static const uint8_t seed[32] = {11, 12}, errors[32] = {13};

typedef struct packed {
    ref_fixture f;
    uint32_t count;
    int32_t *w;
    uint32_t *c0;
} packed;

static void pack(packed *x, const hel_params *p, uint32_t count, uint64_t stream, hel_simd simd)
{
    hel_encryptor *e;
    ref_random random = ref_random_start(stream);
    ref_setup(&x->f, p, simd, 1);
    const size_t n = x->f.scheme->n;
    x->count = count;
    x->w = calloc(n, sizeof *x->w);
    for (uint32_t t = 0; t < count; t++) {
        uint32_t r = ref_random_below(&random, 1 << 20);
        x->w[t] = t % 5 == 0 ? (t % 2 ? 1 : -1) * ((1 << 19) - 1) : (int32_t)r - (1 << 19) + 1;
        if (t % 7 == 3)
            x->w[t] = 0;
    }
    x->c0 = ref_words(p->expand_limbs * n);
    cr_assert_eq(hel_encryptor_create(x->f.engine, &e, x->f.scheme, x->f.key, seed, errors),
                 HEL_OK);
    cr_assert_eq(hel_encrypt_weights(e, 77, x->w, count, x->c0), HEL_OK);
    hel_encryptor_free(e);
}

static void unpack(packed *x)
{
    ref_teardown(&x->f);
    free(x->w);
    free(x->c0);
}

static hel_expander *expander(const packed *x, uint32_t count, uint32_t split)
{
    hel_expander *e;
    cr_assert_eq(
        hel_expander_create(x->f.engine, &e, x->f.scheme, x->f.keys, x->c0, seed, 77, count, split),
        HEL_OK);
    return e;
}

/* ---- decoding ---- */

typedef struct decoded {
    const packed *x;
    uint32_t next, every; /* next leaf expected; decode one in `every` */
    double first, rest, leaves;
    __int128 *phase;
} decoded;

static void decode(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    decoded *d = arg;
    const hel_scheme *s = d->x->f.scheme;
    const size_t n = s->n;
    cr_assert_eq(t, d->next, "leaf %u, %u was next", t, d->next);
    d->next++;
    if (t % d->every)
        return;
    for (size_t j = 0; j < s->params.scan_limbs * n; j++) {
        uint32_t q = s->ring->limb[j / n].q;
        cr_assert(z0[j] < q && z1[j] < q);
    }
    ref_phase_ntt(s, d->x->f.key, s->params.scan_limbs, z0, z1, d->phase);
    double e = (double)(d->phase[0] - (__int128)s->params.dz * d->x->w[t]);
    cr_assert_lt(fabs(e), (double)s->params.dz / 4, "weight %u is wrong", t);
    d->first += e * e;
    for (size_t j = 1; j < n; j++) {
        double r = (double)d->phase[j];
        cr_assert_lt(fabs(r), (double)s->params.dz / 4, "leaf %u coefficient %zu", t, j);
        d->rest += r * r / (double)(n - 1);
    }
    d->leaves++;
}

static decoded run_all(const packed *x, uint32_t split, uint32_t every)
{
    decoded d = {x, 0, every, 0, 0, 0, malloc(x->f.scheme->n * sizeof(__int128))};
    hel_expander *e = expander(x, x->count, split);
    uint32_t *scratch = ref_words(hel_expander_scratch_words(e));
    const uint32_t size = hel_expander_group_size(e);
    cr_assert_eq(hel_expander_groups(e), (x->count + size - 1) / size);
    for (uint32_t g = 0; g < hel_expander_groups(e); g++)
        hel_expander_run(e, g, scratch, decode, &d);
    cr_assert_eq(d.next, x->count);
    cr_assert_eq(hel_expander_switches(e), hel_expander_cost(x->f.scheme, x->count));
    cr_assert_leq(hel_expander_cost(x->f.scheme, x->count),
                  x->count - 1 + 2 * x->f.scheme->params.log_n);
    free(scratch);
    free(d.phase);
    hel_expander_free(e);
    return d;
}

/* Rings of 2^10 and 2^11; the sanitizers see the first only. */
static uint32_t largest(void)
{
    return ref_scaled(2) < 2 ? 10 : 11;
}

Test(expand, every_leaf_decodes)
{
    for (uint32_t log_n = 10; log_n <= largest(); log_n++) {
        const uint32_t n = 1u << log_n, counts[] = {1, 2, 3, 4, 5, n / 2, n / 2 + 1, n - 1, n};
        for (uint32_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            hel_params p = ref_toy(log_n);
            packed x;
            p.dz += i % 2 ? 12345 : 0; /* any integer, not only multiples of N */
            pack(&x, &p, counts[i], 10 * log_n + i, HEL_SIMD_AUTO);
            run_all(&x, i % 5, log_n == 10 ? 1 : 13);
            unpack(&x);
        }
    }
}

Test(expand, profile_s)
{
    hel_params p = ref_profile_s();
    packed x;
    pack(&x, &p, 700, 1, HEL_SIMD_AUTO);
    decoded d = run_all(&x, 4, 41);
    double rest = sqrt(d.rest / d.leaves);
    hel_params_proof proof;
    cr_assert_eq(hel_params_check(NULL, &p, &proof), HEL_OK);
    printf("sigma_z predicted %.2f measured %.2f\n", proof.sigma_z, rest);
    cr_assert_float_eq(rest / proof.sigma_z, 1, 0.03);
    unpack(&x);
}

/* Other shapes, and the noise formula where nothing is dropped: the expansion's own noise. */
Test(expand, noise_as_predicted)
{
    static const uint32_t shape[][4] = {{3, 4, 2, 2}, {3, 3, 2, 2}, {3, 3, 1, 1}, {3, 3, 3, 3},
                                        {3, 5, 2, 2}, {2, 3, 1, 1}, {3, 6, 3, 3}, {3, 5, 1, 1}};
    for (uint32_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (uint32_t log_n = 10; log_n <= largest(); log_n++) {
            hel_params p = ref_toy(log_n);
            uint32_t primes[HEL_PRIMES_MAX];
            hel_noise noise;
            packed x;
            p.scan_limbs = shape[i][0];
            p.expand_limbs = shape[i][1];
            p.special_limbs = shape[i][2];
            p.digit_limbs = shape[i][3];
            p.out_limbs = p.scan_limbs - 1;
            p.dz = (uint64_t)1 << 28;
            pack(&x, &p, 1u << log_n, 100 + i, HEL_SIMD_AUTO);
            for (uint32_t l = 0; l < x.f.scheme->total; l++)
                primes[l] = x.f.scheme->ring->limb[l].q;
            hel_noise_predict(&p, primes, &noise);
            decoded d = run_all(&x, 0, log_n == 10 ? 9 : 23);
            double rest = sqrt(d.rest / d.leaves), first = sqrt(d.first / d.leaves);
            printf("N=2^%u scan %u expand %u special %u digit %u: z %.2f measured %.2f", log_n,
                   p.scan_limbs, p.expand_limbs, p.special_limbs, p.digit_limbs, noise.z, rest);
            if (p.scan_limbs == p.expand_limbs) {
                /* the formula's two parts: constant coefficient and the others */
                printf(", first %.3g measured %.3g, rest %.3g measured %.3g", noise.first, first,
                       noise.rest, rest);
                cr_assert_float_eq(rest / noise.rest, 1, 0.1);
                cr_assert(first > 0.6 * noise.first && first < 1.6 * noise.first);
            } else {
                cr_assert_float_eq(rest / noise.z, 1, 0.05);
            }
            printf("\n");
            unpack(&x);
        }
}

/* ---- equality ---- */

typedef struct kept {
    uint32_t *z; /* [count][2][scan][N] */
    size_t words;
} kept;

static void keep(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    kept *k = arg;
    memcpy(k->z + 2 * t * k->words, z0, k->words * 4);
    memcpy(k->z + (2 * t + 1) * k->words, z1, k->words * 4);
}

static kept keep_all(const packed *x, uint32_t count, uint32_t split, int backwards)
{
    kept k = {NULL, x->f.scheme->params.scan_limbs * (size_t)x->f.scheme->n};
    hel_expander *e = expander(x, count, split);
    uint32_t *scratch = ref_words(hel_expander_scratch_words(e));
    const uint32_t groups = hel_expander_groups(e);
    k.z = ref_words(2 * count * k.words);
    for (uint32_t g = 0; g < groups; g++) {
        memset(scratch, 0xa5, hel_expander_scratch_words(e) * 4); /* nothing survives in scratch */
        hel_expander_run(e, backwards ? groups - 1 - g : g, scratch, keep, &k);
    }
    free(scratch);
    hel_expander_free(e);
    return k;
}

/* A leaf's bits depend on neither count, split, threads nor the order of groups. */
Test(expand, groups_are_independent)
{
    hel_params p = ref_toy(11);
    packed x;
    pack(&x, &p, 300, 5, HEL_SIMD_AUTO);
    kept all = keep_all(&x, 300, 0, 0);
    static const uint32_t counts[] = {300, 300, 300, 299, 257, 256, 5, 1};
    for (uint32_t i = 0; i < 8; i++)
        for (uint32_t split = i; split < 12; split += 3) {
            kept some = keep_all(&x, counts[i], split, i % 2);
            cr_assert_eq(memcmp(all.z, some.z, 2 * counts[i] * all.words * 4), 0,
                         "count %u split %u", counts[i], split);
            free(some.z);
        }
    free(all.z);
    unpack(&x);
}

/* The same key under every twin: the same bits, odd and even log N, all shapes of digits. */
Test(expand, twins_agree)
{
    static const uint32_t shape[][4] = {
        {3, 4, 2, 2}, {3, 4, 1, 1}, {3, 5, 2, 2}, {2, 3, 3, 3}, {3, 4, 0, 1}};
    for (uint32_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (uint32_t log_n = 10; log_n <= 11; log_n++) {
            hel_params p = ref_toy(log_n);
            hel_buf key = {0}, galois = {0}, relin = {0};
            hel_simd simd;
            packed x;
            p.scan_limbs = shape[i][0];
            p.expand_limbs = shape[i][1];
            p.special_limbs = shape[i][2];
            p.digit_limbs = shape[i][3];
            p.out_limbs = p.scan_limbs - 1;
            pack(&x, &p, 23, 6, HEL_SIMD_PORTABLE);
            cr_assert_eq(hel_secret_key_encode(x.f.engine, x.f.key, &key), HEL_OK);
            cr_assert_eq(hel_eval_keys_encode_galois(x.f.engine, x.f.scheme, x.f.keys, &galois),
                         HEL_OK);
            cr_assert_eq(hel_eval_keys_encode_relin(x.f.engine, x.f.scheme, x.f.keys, &relin),
                         HEL_OK);
            kept want = keep_all(&x, 23, 0, 0);
            for (uint32_t twin = 1; (simd = ref_twin(twin)) != HEL_SIMD_AUTO; twin++) {
                hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
                packed y = x;
                config.simd = simd;
                cr_assert_eq(hel_engine_create(&y.f.engine, &config), HEL_OK);
                cr_assert_eq(hel_scheme_create_unchecked(y.f.engine, &y.f.scheme, &p), HEL_OK);
                cr_assert_eq(hel_eval_keys_decode(y.f.engine, y.f.scheme, x.f.keys->key_id,
                                                  x.f.keys->seed, galois.data, galois.bytes,
                                                  relin.data, relin.bytes, &y.f.keys),
                             HEL_OK);
                y.f.key = NULL;
                kept have = keep_all(&y, 23, 1, 1);
                cr_assert_eq(memcmp(want.z, have.z, 46 * want.words * 4), 0, "twin %u", twin);
                free(have.z);
                ref_teardown(&y.f);
            }
            free(want.z);
            hel_buf_free_secret(&key);
            hel_buf_free(&galois);
            hel_buf_free(&relin);
            unpack(&x);
        }
}

Test(expand, refusals_and_sizes)
{
    hel_params p = ref_toy(10);
    packed x;
    hel_expander *e;
    pack(&x, &p, 8, 7, HEL_SIMD_AUTO);
    cr_assert_eq(hel_expander_create(x.f.engine, &e, x.f.scheme, x.f.keys, x.c0, seed, 77, 0, 0),
                 HEL_E_USAGE);
    cr_assert_null(e);
    cr_assert_eq(hel_expander_create(x.f.engine, &e, x.f.scheme, x.f.keys, x.c0, seed, 77, 1025, 0),
                 HEL_E_USAGE);
    const uint64_t before = hel_mem_in_use();
    for (uint32_t split = 0; split < 12; split++) {
        e = expander(&x, 8, split);
        uint32_t size = hel_expander_group_size(e);
        cr_assert(size >= 4 && (size <= 1024u >> split || size == 4));
        cr_assert_leq(hel_mem_in_use() - before, hel_expander_bytes(x.f.scheme, split) + 4096);
        hel_expander_free(e);
    }
    for (uint64_t nth = 1;; nth++) {
        hel_mem_fail_nth(nth);
        hel_status status =
            hel_expander_create(x.f.engine, &e, x.f.scheme, x.f.keys, x.c0, seed, 77, 8, 6);
        hel_mem_fail_nth(0);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_MEMORY);
        cr_assert_eq(hel_mem_in_use(), before);
    }
    hel_expander_free(e);
    unpack(&x);
}
