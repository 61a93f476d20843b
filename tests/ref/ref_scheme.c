/* Slow and obvious; used at small sizes only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_scheme.h"

static void must(hel_engine *engine, hel_status status, const char *what)
{
    if (status == HEL_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, hel_status_name(status), hel_engine_error(engine));
    abort();
}

void ref_setup(ref_fixture *f, const hel_params *p, hel_simd simd, int eval_keys)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    memset(f, 0, sizeof *f);
    config.simd = simd;
    config.threads = 2;
    must(NULL, hel_engine_create(&f->engine, &config), "engine");
    must(f->engine, hel_scheme_create_unchecked(f->engine, &f->scheme, p), "scheme");
    must(f->engine, hel_secret_key_generate(f->engine, f->scheme, &f->key), "secret key");
    if (eval_keys)
        must(f->engine, hel_eval_keys_generate(f->engine, f->scheme, f->key, &f->keys), "keys");
}

void ref_teardown(ref_fixture *f)
{
    hel_eval_keys_free(f->keys);
    hel_secret_key_free(f->key);
    hel_scheme_free(f->scheme);
    hel_engine_free(f->engine);
}

hel_params ref_profile_s(void)
{
    hel_params p;
    must(NULL, hel_params_search(NULL, NULL, &p), "search");
    return p;
}

hel_params ref_toy(uint32_t log_n)
{
    return (hel_params){.log_n = log_n,
                        .scan_limbs = 3,
                        .expand_limbs = 4,
                        .special_limbs = 2,
                        .digit_limbs = 2,
                        .out_limbs = 2,
                        .weight_bits = 20,
                        .plane_max = 2,
                        .chunk = 4096,
                        .da_shift = 3,
                        .dz = 1 << 23,
                        .toy = 1};
}

void ref_negacyclic_ternary(uint32_t q, uint32_t n, uint32_t *out, const uint32_t *a,
                            const int8_t *s)
{
    int64_t *sum = calloc(n, sizeof *sum);
    for (uint32_t i = 0; i < n; i++) {
        if (!s[i])
            continue;
        for (uint32_t j = 0; j < n - i; j++)
            sum[i + j] += (int64_t)s[i] * a[j];
        for (uint32_t j = n - i; j < n; j++)
            sum[i + j - n] -= (int64_t)s[i] * a[j];
    }
    for (uint32_t j = 0; j < n; j++)
        out[j] = hel_mod_from_i64(sum[j], q);
    free(sum);
}

/* inverse[i] = (product of the primes before i)^-1 modulo prime i */
static void crt_inverses(const uint32_t *primes, uint32_t count, uint32_t *inverse)
{
    unsigned __int128 modulus = 1;
    for (uint32_t i = 0; i < count; i++) {
        inverse[i] = hel_mod_inv((uint32_t)(modulus % primes[i]), primes[i]);
        modulus *= primes[i];
    }
}

static __int128 crt(const uint32_t *primes, const uint32_t *inverse, const uint32_t *residues,
                    uint32_t count)
{
    unsigned __int128 value = 0, modulus = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t q = primes[i], have = (uint32_t)(value % q);
        value += modulus * hel_mod_mul((residues[i] + q - have) % q, inverse[i], q);
        modulus *= q;
    }
    return value > modulus / 2 ? (__int128)(value - modulus) : (__int128)value;
}

void ref_phase(const hel_scheme *scheme, const hel_secret_key *key, uint32_t limbs,
               const uint32_t *c0, const uint32_t *c1, __int128 *phase)
{
    const size_t n = scheme->n;
    uint32_t *product = malloc(limbs * n * sizeof *product), primes[4], residue[4], inverse[4];
    for (uint32_t i = 0; i < limbs; i++) {
        primes[i] = scheme->ring->limb[i].q;
        ref_negacyclic_ternary(primes[i], scheme->n, product + i * n, c1 + i * n, key->s);
    }
    crt_inverses(primes, limbs, inverse);
    for (size_t j = 0; j < n; j++) {
        for (uint32_t i = 0; i < limbs; i++)
            residue[i] = (product[i * n + j] + c0[i * n + j]) % primes[i];
        phase[j] = crt(primes, inverse, residue, limbs);
    }
    free(product);
}

void ref_phase_ntt(const hel_scheme *scheme, const hel_secret_key *key, uint32_t limbs,
                   const uint32_t *c0, const uint32_t *c1, __int128 *phase)
{
    const size_t n = scheme->n;
    uint32_t *c = malloc(2 * limbs * n * sizeof *c);
    memcpy(c, c0, limbs * n * sizeof *c);
    memcpy(c + limbs * n, c1, limbs * n * sizeof *c);
    for (uint32_t i = 0; i < 2 * limbs; i++)
        hel_ntt_inverse(scheme->ring, i % limbs, c + i * n);
    ref_phase(scheme, key, limbs, c, c + limbs * n, phase);
    free(c);
}

/* Centred values of ring limbs first .. first + count - 1. */
static void gather(const hel_scheme *scheme, uint32_t first, uint32_t count, const uint32_t *x,
                   __int128 *value)
{
    uint32_t primes[4], inverse[4], residue[4];
    for (uint32_t i = 0; i < count; i++)
        primes[i] = scheme->ring->limb[first + i].q;
    crt_inverses(primes, count, inverse);
    for (size_t j = 0; j < scheme->n; j++) {
        for (uint32_t i = 0; i < count; i++)
            residue[i] = x[i * scheme->n + j];
        value[j] = crt(primes, inverse, residue, count);
    }
}

static void add_to(uint32_t q, size_t n, uint32_t *sum, const uint32_t *x)
{
    for (size_t j = 0; j < n; j++)
        sum[j] = (uint32_t)(((uint64_t)sum[j] + x[j]) % q);
}

void ref_keyswitch(const hel_scheme *scheme, const hel_switch_key *key, const uint32_t *c,
                   uint32_t *out0, uint32_t *out1)
{
    const size_t n = scheme->n;
    const uint32_t limbs = key->q_limbs + key->special;
    uint32_t *acc = calloc(2 * limbs * n, sizeof *acc), *digit = malloc(n * sizeof *digit);
    uint32_t *half = malloc(n * sizeof *half), *product = malloc(n * sizeof *product);
    __int128 *value = malloc(n * sizeof *value);
    for (uint32_t at = 0, d = 0; at < key->q_limbs; at += key->digit_limbs, d++) {
        uint32_t count = hel_min_u32(key->digit_limbs, key->q_limbs - at);
        gather(scheme, at, count, c + at * n, value);
        for (uint32_t t = 0; t < limbs; t++) {
            uint32_t limb = hel_switch_limb(scheme, key, t), q = scheme->ring->limb[limb].q;
            for (size_t j = 0; j < n; j++)
                digit[j] = ref_mod(value[j], q);
            for (uint32_t p = 0; p < 2; p++) {
                memcpy(half, hel_switch_vector(key, scheme->n, d, p, t), n * sizeof *half);
                hel_ntt_inverse(scheme->ring, limb, half);
                ref_negacyclic(product, digit, half, scheme->n, q);
                add_to(q, n, acc + (p * limbs + t) * n, product);
            }
        }
    }
    for (uint32_t p = 0; p < 2; p++) {
        const uint32_t *a = acc + (size_t)p * limbs * n;
        uint32_t *out = p ? out1 : out0;
        __int128 big = 1;
        memset(value, 0, n * sizeof *value);
        for (uint32_t s = 0; s < key->special; s++)
            big *= scheme->ring->limb[scheme->params.expand_limbs + s].q;
        if (key->special)
            gather(scheme, scheme->params.expand_limbs, key->special, a + key->q_limbs * n, value);
        for (uint32_t i = 0; i < key->q_limbs; i++) {
            uint32_t q = scheme->ring->limb[i].q, inverse = hel_mod_inv(ref_mod(big, q), q);
            for (size_t j = 0; j < n; j++)
                out[i * n + j] =
                    hel_mod_mul(ref_mod((__int128)a[i * n + j] - value[j], q), inverse, q);
        }
    }
    free(acc);
    free(digit);
    free(half);
    free(product);
    free(value);
}
