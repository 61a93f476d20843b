/*
 * The race checker, built under ThreadSanitizer: `races` runs the kernels, `races threads` contexts
 * of four threads on two devices at once; both must be silent. `races barrier`, `races blocks` and
 * `races cluster` run kernels with a barrier taken out, with blocks that share a word, and with a
 * cluster's barrier taken out, which it must report (it then ends the program with status 66).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_ring.h"
#include "tests/sim/faulty.h"
#include "tests/sim/sim_device.h"

void k_faulty_sum(const void *args);
void k_faulty_blocks(const void *args);
void k_faulty_cluster(const void *args);

static int faulty(sim_kernel kernel, k_fault fault)
{
    static uint32_t in[256], out[256];
    const k_faulty args = {in, out, fault, 2};
    const uint32_t cluster = kernel == k_faulty_cluster ? 2 : 1;
    return sim_launch_clusters(kernel, (sim_dim){4, 1, 1}, (sim_dim){64, 1, 1}, cluster, &args, 256,
                               NULL) != NULL;
}

#if defined(__SANITIZE_THREAD__)
#define MORE_ROUNDS 0 /* pages of every block are fresh: much work for the system */
#else
#define MORE_ROUNDS 5
#endif

static int need(hel_engine *engine, hel_status status)
{
    if (status != HEL_OK)
        fprintf(stderr, "%s: %s\n", hel_status_name(status), hel_engine_error(engine));
    return status != HEL_OK;
}

/* A key switch and a rescale: transforms, conversions, inner products, divisions, samplers. */
typedef struct job {
    hel_backend *b; /* may serve others meanwhile */
    uint32_t log_n, limbs, rounds;
    uint32_t *result; /* limbs x N words, free() */
    int bad;
} job;

typedef struct views {
    hel_view key, a, out[2], low;
    hel_key_view view;
} views;

static hel_status arithmetic(hel_stream *s, const hel_basis *p, const views *v)
{
    const hel_backend_ops *ops = s->ops;
    HEL_TRY(ops->key_switch(s, p, v->out, v->a, v->view, 5, &v->a, NULL));
    HEL_TRY(ops->mul_add(s, p, v->out[0], v->out[1], v->a));
    return ops->rescale(s, p, v->low, v->out[0]);
}

/* Directly, and as a recording. */
static hel_status rounds(const job *j, hel_stream *s, const hel_basis *p, const views *v)
{
    const hel_backend_ops *ops = s->ops;
    const uint8_t seed[32] = {3};
    void *recording;
    HEL_TRY(ops->uniform(s, p, v->key, seed, HEL_DOMAIN_SWITCH_A, 1));
    HEL_TRY(ops->small(s, p, v->a, seed, HEL_DOMAIN_CIPHER_E, 1, 1));
    for (uint32_t i = 0; i < j->rounds; i++)
        HEL_TRY(arithmetic(s, p, v));
    HEL_TRY(ops->record_begin(s));
    const hel_status status = arithmetic(s, p, v);
    HEL_TRY(ops->record_end(s, &recording));
    const hel_status replayed = status == HEL_OK ? ops->replay(s, recording) : status;
    ops->recording_free(s, recording);
    HEL_TRY(replayed);
    return ops->download(s, j->result, v->low.data, v->low.stride * sizeof *j->result);
}

static void *run_job(void *arg)
{
    job *j = arg;
    hel_engine *engine;
    const uint32_t limbs = j->limbs, digits = (limbs + 1) / 2;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_PORTABLE, j->log_n, limbs + 2);
    const hel_basis_shape shape = {
        .ring = ring, .q_count = limbs, .p_count = 2, .digit_limbs = 2, .drop_max = 1};
    const size_t item = limbs * ring->n, row = (limbs + 2) * ring->n;
    hel_backend *b = j->b;
    hel_stream *s = NULL;
    hel_basis *p = NULL;
    uint32_t *key = NULL, *data = NULL;
    j->result = calloc(item, sizeof *j->result);
    j->bad = !j->result || need(engine, b->ops->stream_create(b, engine, &s)) ||
             need(engine, b->ops->basis_create(b, engine, &p, &shape)) ||
             need(engine, b->ops->alloc(s, &key, 2 * digits * row * sizeof *key)) ||
             need(engine, b->ops->alloc(s, &data, 4 * item * sizeof *data));
    const views v = {
        .key = {key, 2 * digits, limbs + 2, limbs, row},
        .a = {data, 1, limbs, limbs, item},
        .out = {{data + item, 1, limbs, limbs, item}, {data + 2 * item, 1, limbs, limbs, item}},
        .low = {data + 3 * item, 1, limbs - 1, limbs - 1, item},
        .view = {key, limbs, digits}};
    j->bad = j->bad || need(engine, rounds(j, s, p, &v));
    if (s) {
        b->ops->release(s, key);
        b->ops->release(s, data);
        b->ops->stream_free(s);
    }
    b->ops->basis_free(b, p);
    ref_ring_end(engine, ring);
    return NULL;
}

static hel_backend *backend(uint64_t seed)
{
    const sim_options options = {SIM_RANDOM, seed};
    hel_engine *engine;
    hel_backend *b = NULL;
    if (hel_engine_create(&engine, NULL) != HEL_OK ||
        need(engine,
             hel_backend_device_create(engine, &b, sim_device_create(&options, SIM_SHARED_HOPPER))))
        exit(1);
    hel_engine_free(engine);
    return b;
}

static int kernels(uint32_t log_n, uint32_t limbs)
{
    job j = {backend(11), log_n, limbs, 1, NULL, 0};
    run_job(&j);
    free(j.result);
    hel_backend_free(j.b);
    return j.bad;
}

/* One limb of 2^16 words there and back, in clusters. */
static int clusters(void)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_PORTABLE, 16, 2);
    const hel_basis_shape shape = {
        .ring = ring, .q_count = 1, .p_count = 1, .digit_limbs = 1, .drop_max = 1};
    const size_t bytes = ring->n * sizeof(uint32_t);
    hel_backend *b = backend(13);
    uint32_t *in = ref_words(ring->n), *out = ref_words(ring->n), *data = NULL;
    hel_stream *s = NULL;
    hel_basis *p = NULL;
    for (size_t i = 0; i < ring->n; i++)
        in[i] = (uint32_t)(i * i % ring->limb[0].q);
    int bad = need(engine, b->ops->stream_create(b, engine, &s)) ||
              need(engine, b->ops->basis_create(b, engine, &p, &shape)) ||
              need(engine, b->ops->alloc(s, &data, bytes)) ||
              need(engine, b->ops->upload(s, data, in, bytes));
    const hel_view x = {data, 1, 1, 1, ring->n};
    bad = bad || need(engine, b->ops->ntt_forward(s, p, x)) ||
          need(engine, b->ops->ntt_inverse(s, p, x)) ||
          need(engine, b->ops->download(s, out, data, bytes));
    if (!bad && memcmp(in, out, bytes) != 0) {
        fprintf(stderr, "clusters: not the words that went in\n");
        bad = 1;
    }
    if (s) {
        b->ops->release(s, data);
        b->ops->stream_free(s);
    }
    b->ops->basis_free(b, p);
    hel_backend_free(b);
    ref_ring_end(engine, ring);
    free(in);
    free(out);
    return bad;
}

/* Two devices, each with two contexts of a thread of their own: the same residues everywhere. */
static int threads(void)
{
    enum { DEVICES = 2, JOBS = 4, LIMBS = 2 };
    hel_backend *devices[DEVICES] = {backend(1), backend(2)};
    pthread_t thread[JOBS];
    job j[JOBS];
    int bad = 0;
    for (int i = 0; i < JOBS; i++) {
        j[i] = (job){devices[i % DEVICES], 10, LIMBS, MORE_ROUNDS, NULL, 0};
        if (pthread_create(&thread[i], NULL, run_job, &j[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < JOBS; i++) {
        pthread_join(thread[i], NULL);
        bad |= j[i].bad || memcmp(j[i].result, j[0].result, ((size_t)LIMBS << 10) * 4) != 0;
    }
    if (bad)
        fprintf(stderr, "threads: residues differ\n");
    for (int i = 0; i < JOBS; i++)
        free(j[i].result);
    for (int i = 0; i < DEVICES; i++)
        hel_backend_free(devices[i]);
    return bad;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "barrier") == 0)
        return faulty(k_faulty_sum, K_FAULT_NO_BARRIER);
    if (argc == 2 && strcmp(argv[1], "blocks") == 0)
        return faulty(k_faulty_blocks, K_FAULT_BLOCKS_RACE);
    if (argc == 2 && strcmp(argv[1], "cluster") == 0)
        return faulty(k_faulty_cluster, K_FAULT_NO_CLUSTER_BARRIER);
    if (argc == 2 && strcmp(argv[1], "none") == 0)
        return faulty(k_faulty_sum, K_FAULT_NONE) || faulty(k_faulty_blocks, K_FAULT_NONE) ||
               faulty(k_faulty_cluster, K_FAULT_NONE);
    if (argc == 2 && strcmp(argv[1], "threads") == 0)
        return threads();
    return kernels(10, 3) || kernels(11, 2) || clusters();
}
