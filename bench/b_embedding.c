/*
 * The canonical embedding of every twin that the machine has, one thread: the transforms, doubles
 * to residues and back, and the whole way of an encoding and a decoding with the number-theoretic
 * transforms, at numbers of limbs that the largest secure moduli of each ring have.
 *
 * Prediction, 8 doubles a vector, two additions or multiplications a cycle: a butterfly of radix 4
 * is 34 of them and 14 vectors loaded, 8 stored; N = 32768 has 7 passes of 512 butterflies, 61,000
 * cycles of arithmetic (0.02 ms). Data and factors, 0.25 and 0.3 MiB, lie in the second-level
 * cache: 22 lines a butterfly at about 2 cycles each are 0.05 ms.
 * Reduction: 17 instructions for 16 residues, 4 of them multiplications; 20 limbs of N = 32768 are
 * 41,000 vectors and 2.6 MB written, hence about 0.1 ms. Lifting L limbs: L (L - 1) / 2 steps of 10
 * instructions and L (2 conversions and a Horner step of 2) for 16 numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "host/base/cpu.h"
#include "host/ring/embedding.h"
#include "host/ring/ring.h"

#define LIMBS_MOST 46

typedef struct bench_arg {
    hel_engine *engine;
    const hel_ring *ring;
    const hel_embedding *e;
    uint32_t log_slots, limbs;
    double scale;
    double *x, *slots;
    uint32_t *a, *b, *scratch;
} bench_arg;

static void reduce(bench_arg *a)
{
    if (hel_embedding_reduce(a->engine, a->e, a->ring, NULL, a->limbs, a->log_slots, a->x, a->scale,
                             a->a, a->ring->n) != HEL_OK)
        exit(70);
}

static void lift(bench_arg *a)
{
    hel_embedding_lift(a->e, a->ring, a->limbs, a->log_slots, a->a, a->ring->n, 0x1p40, a->x,
                       a->scratch);
}

/* A transform and its inverse keep the numbers in range; each is half of the work. */
static void there_and_back(bench_arg *a)
{
    hel_embedding_inverse(a->e, a->log_slots, a->x);
    hel_embedding_forward(a->e, a->log_slots, a->x);
}

static void encode(bench_arg *a)
{
    memcpy(a->x, a->slots, a->ring->n * sizeof *a->x);
    hel_embedding_inverse(a->e, a->log_slots, a->x);
    reduce(a);
    for (uint32_t i = 0; i < a->limbs; i++)
        hel_ntt_forward(a->ring, i, a->a + (size_t)i * a->ring->n);
}

static void decode(bench_arg *a)
{
    memcpy(a->a, a->b, (size_t)a->limbs * a->ring->n * sizeof *a->a);
    for (uint32_t i = 0; i < a->limbs; i++)
        hel_ntt_inverse(a->ring, i, a->a + (size_t)i * a->ring->n);
    lift(a);
    hel_embedding_forward(a->e, a->log_slots, a->x);
}

#define LOOP(name, call)                                                                           \
    static void name(void *p, size_t iterations)                                                   \
    {                                                                                              \
        bench_arg *a = p;                                                                          \
        for (size_t i = 0; i < iterations; i++) {                                                  \
            call;                                                                                  \
            bench_use(a->x);                                                                       \
            bench_use(a->a);                                                                       \
        }                                                                                          \
    }

LOOP(run_transforms, there_and_back(a))
LOOP(run_reduce, reduce(a))
LOOP(run_lift, lift(a))
LOOP(run_encode, encode(a))
LOOP(run_decode, decode(a))

static void *memory(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes) != 0)
        exit(71);
    memset(p, 0, bytes);
    return p;
}

/* Slots in (-1, 1), and residues of the scaled message. */
static void fill(bench_arg *a)
{
    uint64_t state = 1;
    for (size_t i = 0; i < a->ring->n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        a->x[i] = (double)(int64_t)state * 0x1p-63;
    }
}

static void run(bench_arg *a, const char *what, bench_fn fn, uint32_t limbs, bench_rate rate)
{
    char name[96];
    const char *twin = hel_engine_simd_name(a->engine);
    a->limbs = limbs;
    if (limbs)
        snprintf(name, sizeof name, "%s/%s/%u/%u", what, twin, a->ring->n, limbs);
    else
        snprintf(name, sizeof name, "%s/%s/%u", what, twin, a->ring->n);
    fill(a);
    memcpy(a->slots, a->x, a->ring->n * sizeof *a->x);
    bench_run(name, fn, a, rate);
    if (limbs)
        bench_counter("limbs", limbs);
}

static void bench_size(bench_arg *a, uint32_t whole)
{
    const double n = a->ring->n;
    a->log_slots = a->ring->log_n - 1;
    a->scale = 0x1p40;
    run(a, "inverse_and_forward", run_transforms, 0,
        (bench_rate){.items = n / 2 * a->log_slots}); /* butterflies of radix 2, both ways */
    for (uint32_t limbs = 2; limbs <= 20 && limbs <= a->ring->count; limbs = limbs == 4 ? 20 : 4) {
        run(a, "reduce", run_reduce, limbs, (bench_rate){4 * n * limbs + 8 * n, n * limbs});
        run(a, "lift", run_lift, limbs, (bench_rate){4 * n * limbs + 8 * n, n});
        if (limbs == 20)
            break;
    }
    a->scale = 0x1p90; /* numbers beyond 64 bits */
    run(a, "reduce_big", run_reduce, whole, (bench_rate){4 * n * whole + 8 * n, n * whole});
    a->scale = 0x1p40;
    a->log_slots -= 2;
    run(a, "reduce_sparse4", run_reduce, whole, (bench_rate){4 * n * whole + 2 * n, n * whole});
    a->log_slots += 2;
    run(a, "encode", run_encode, whole, (bench_rate){0, 0});
    memcpy(a->b, a->a, (size_t)whole * a->ring->n * sizeof *a->a);
    run(a, "decode", run_decode, whole, (bench_rate){0, 0});
    run(a, "decode", run_decode, 2, (bench_rate){0, 0});
}

int main(int argc, char **argv)
{
    static const hel_simd twins[] = {HEL_SIMD_AVX512, HEL_SIMD_AVX2, HEL_SIMD_PORTABLE};
    static const uint32_t limbs[] = {3, 6, 13, 27, LIMBS_MOST}; /* log2 N = 12 .. 16 */
    bench_begin(argc, argv, "b_embedding");
    for (int t = 0; t < 3; t++) {
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        hel_engine *engine;
        config.threads = 1;
        config.simd = twins[t];
        if (!hel_cpu_has(twins[t]) || hel_engine_create(&engine, &config) != HEL_OK)
            continue;
        for (uint32_t log_n = 12; log_n <= 16; log_n++) {
            const uint32_t whole = limbs[log_n - 12];
            hel_ring *ring;
            hel_embedding *e;
            bench_arg a = {.engine = engine};
            const size_t most = (size_t)LIMBS_MOST << log_n;
            if (hel_ring_create(engine, &ring, log_n, whole < 20 ? 20 : whole) != HEL_OK ||
                hel_embedding_create(engine, &e, log_n) != HEL_OK)
                return 70;
            a.ring = ring;
            a.e = e;
            a.x = memory(ring->n * sizeof *a.x);
            a.slots = memory(ring->n * sizeof *a.slots);
            a.a = memory(most * sizeof *a.a);
            a.b = memory(most * sizeof *a.b);
            a.scratch = memory((size_t)LIMBS_MOST * HEL_EMBEDDING_BLOCK * sizeof *a.scratch);
            bench_size(&a, whole);
            free(a.x);
            free(a.slots);
            free(a.a);
            free(a.b);
            free(a.scratch);
            hel_embedding_free(e);
            hel_ring_free(ring);
        }
        hel_engine_free(engine);
    }
    return bench_end();
}
