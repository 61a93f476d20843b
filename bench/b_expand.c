/*
 * The scheme core at profile S, one thread: expansion of packed weights, a plain key switch,
 * encryption, digests, outputs, decryption. One engine per twin that the machine has.
 *
 * Predictions at N = 8192, Q' = 4, P = 2, alpha = 2, 3 scan limbs, 4 vector instructions a cycle,
 * 2 of them multiplications (b_ntt: 11,600 cycles a transform):
 *   weight         18 transforms, 1.5 fused steps of about 290 instructions per 16 words (37,000
 *                  cycles each), 2 lifts of three limbs at 110 (14,000 cycles), some 20,000 cycles
 *                  for lifts of two: 0.31 M cycles, 0.08 ms at 3.7 GHz when all of it stays near
 *                  the core; the keys of a step are read from memory once per node (0.6 MB a leaf)
 *   key switch     24 transforms, 12 dots, 4 lifts of two limbs: 0.36 M cycles, 0.1 ms
 *   plane          per coefficient 3 transforms of 1.4 cycles, 20 bytes of ChaCha20 at about 1
 *                  cycle a byte, embed, accept, multiply-add: 30 cycles, 8 ns
 *   digest         13 instructions per 8 coefficients: 0.5 cycles
 *   output         3 + 6 + 6 transforms and 6 dots of 3: 0.2 M cycles
 *   decryption     4 transforms and 8192 divisions of 128 bits at about 40 cycles: 0.4 M cycles
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "host/base/cpu.h"
#include "host/ckks/exact/scheme.h"

#define GROUP_SPLIT 9 /* groups of 16 weights: all but 1/16 of the key switches of the tree */

typedef struct bench_arg {
    hel_engine *engine;
    hel_scheme *scheme;
    hel_secret_key *key;
    hel_eval_keys *keys;
    hel_encryptor *encryptor;
    hel_expander *expander;
    uint32_t *poly, *scratch; /* 12 limbs of residues; scratch of everything */
    int8_t *plane;
    uint64_t *rho;
    int64_t *sums;
    uint64_t object;
} bench_arg;

static void must(bench_arg *a, hel_status status)
{
    if (status == HEL_OK)
        return;
    fprintf(stderr, "b_expand: %s: %s\n", hel_status_name(status), hel_engine_error(a->engine));
    exit(hel_status_exit_code(status));
}

static void *words(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes) != 0)
        exit(71);
    memset(p, 0, bytes);
    return p;
}

static void leaf(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1)
{
    (void)arg;
    (void)t;
    bench_use(z0);
    bench_use(z1);
}

static void run_expand(void *p, size_t iterations)
{
    bench_arg *a = p;
    for (size_t i = 0; i < iterations; i++)
        hel_expander_run(a->expander, (uint32_t)(i % hel_expander_groups(a->expander)), a->scratch,
                         leaf, NULL);
}

static void run_keyswitch(void *p, size_t iterations)
{
    bench_arg *a = p;
    const size_t poly = (size_t)a->scheme->params.expand_limbs * a->scheme->n;
    for (size_t i = 0; i < iterations; i++)
        hel_keyswitch(a->scheme, &a->keys->galois[i % a->keys->galois_count], a->poly,
                      a->poly + poly, a->poly + 2 * poly, a->scratch);
}

static void run_plane(void *p, size_t iterations)
{
    bench_arg *a = p;
    for (size_t i = 0; i < iterations; i++)
        must(a, hel_encrypt_plane(a->encryptor, a->object++, a->plane, a->scratch));
}

static void run_digest(void *p, size_t iterations)
{
    bench_arg *a = p;
    uint64_t sum = 0;
    for (size_t i = 0; i < iterations; i++)
        sum += hel_freivalds_digest(a->rho, a->plane, a->scheme->n);
    bench_use(&sum);
}

static void run_rho(void *p, size_t iterations)
{
    static const uint8_t key[32] = {1};
    bench_arg *a = p;
    for (size_t i = 0; i < iterations; i++)
        must(a, hel_freivalds_rho(a->engine, key, i, 0, a->scheme->n, a->rho));
}

static void run_output(void *p, size_t iterations)
{
    bench_arg *a = p;
    const size_t poly = (size_t)a->scheme->params.scan_limbs * a->scheme->n;
    for (size_t i = 0; i < iterations; i++)
        hel_output_finish(a->scheme, &a->keys->relin, a->poly, a->poly + poly, a->poly + 2 * poly,
                          a->poly + 3 * poly, a->poly + 4 * poly, a->scratch);
}

static void run_decrypt(void *p, size_t iterations)
{
    bench_arg *a = p;
    const size_t poly = (size_t)a->scheme->params.out_limbs * a->scheme->n;
    for (size_t i = 0; i < iterations; i++)
        must(a, hel_decrypt_sums(a->engine, a->scheme, a->key, a->poly, a->poly + poly, INT64_MAX,
                                 a->sums));
}

static void prepare(bench_arg *a, hel_simd simd)
{
    static const uint8_t seed[32] = {2}, errors[32] = {3};
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_params params;
    memset(a, 0, sizeof *a);
    config.threads = 1;
    config.simd = simd;
    must(a, hel_engine_create(&a->engine, &config));
    must(a, hel_params_search(a->engine, NULL, &params));
    must(a, hel_scheme_create(a->engine, &a->scheme, &params));
    must(a, hel_secret_key_generate(a->engine, a->scheme, &a->key));
    must(a, hel_eval_keys_generate(a->engine, a->scheme, a->key, &a->keys));
    must(a, hel_encryptor_create(a->engine, &a->encryptor, a->scheme, a->key, seed, errors));
    const size_t n = a->scheme->n;
    int32_t *w = words(n * sizeof *w);
    a->poly = words(15 * n * sizeof *a->poly);
    a->plane = words(n);
    a->rho = words(n * sizeof *a->rho);
    a->sums = words(n * sizeof *a->sums);
    for (size_t j = 0; j < n; j++) {
        w[j] = (int32_t)j - 4000;
        a->plane[j] = (int8_t)(j % 5) - 2;
    }
    must(a, hel_encrypt_weights(a->encryptor, 0, w, (uint32_t)n, a->poly));
    must(a, hel_expander_create(a->engine, &a->expander, a->scheme, a->keys, a->poly, seed, 0,
                                (uint32_t)n, GROUP_SPLIT));
    size_t scratch = hel_expander_scratch_words(a->expander);
    if (scratch < hel_keyswitch_scratch_words(a->scheme))
        scratch = hel_keyswitch_scratch_words(a->scheme);
    a->scratch = words(scratch * sizeof *a->scratch);
    free(w);
}

static void finish(bench_arg *a)
{
    hel_expander_free(a->expander);
    hel_encryptor_free(a->encryptor);
    hel_eval_keys_free(a->keys);
    hel_secret_key_free(a->key);
    hel_scheme_free(a->scheme);
    hel_engine_free(a->engine);
    free(a->poly);
    free(a->scratch);
    free(a->plane);
    free(a->rho);
    free(a->sums);
}

static bench_result run_one(bench_arg *a, const char *what, bench_fn fn, double items, double bytes)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", what, hel_engine_simd_name(a->engine));
    return bench_run(name, fn, a, (bench_rate){bytes, items});
}

static void bench_twin(bench_arg *a)
{
    const double n = a->scheme->n, group = hel_expander_group_size(a->expander);
    bench_result r;
    r = run_one(a, "expand_weights", run_expand, group, 0);
    if (r.best_ns > 0) {
        bench_counter("ms_per_weight", r.best_ns / group * 1e-6);
        bench_counter("key_switches_per_second", (group - 1) / r.best_ns * 1e9);
        bench_counter("predicted_transforms_per_weight", 18);
    }
    r = run_one(a, "keyswitch", run_keyswitch, 1, 0);
    if (r.best_ns > 0)
        bench_counter("predicted_transforms", 24);
    run_one(a, "encrypt_plane", run_plane, n, 12 * n);
    run_one(a, "freivalds_digest", run_digest, n, 9 * n);
    run_one(a, "freivalds_rho", run_rho, n, 8 * n);
    r = run_one(a, "output_finish", run_output, n, 0);
    if (r.best_ns > 0)
        bench_counter("predicted_transforms", 15);
    run_one(a, "decrypt_sums", run_decrypt, n, 0);
}

int main(int argc, char **argv)
{
    static const hel_simd twins[] = {HEL_SIMD_AVX512, HEL_SIMD_AVX2, HEL_SIMD_PORTABLE};
    bench_begin(argc, argv, "b_expand");
    for (int t = 0; t < 3; t++) {
        bench_arg a;
        if (!hel_cpu_has(twins[t]))
            continue;
        prepare(&a, twins[t]);
        bench_twin(&a);
        finish(&a);
    }
    return bench_end();
}
