/*
 * Transforms, element-wise operations and base conversion of every twin that the machine has, one
 * thread.
 *
 * Prediction for 16 lanes and 4 vector instructions a cycle (2 of them multiplications): a
 * butterfly of 16 lanes is 12 instructions, 4 of them multiplications, hence 3 cycles. The lowest
 * four levels cost per 32 words 4 x 12 + 8 shuffles + 6 spreads of factors + 1 shift + 8 folds + 2
 * permutations = 73, hence 4.6 cycles a butterfly. At N = 8192: 9 levels x 256 x 3 + 256 x 18.3
 * = 11,600 cycles, 0.22 cycles a butterfly (0.06 ns at 3.7 GHz). Chains of 14 cycles a level
 * and the finite window of the core leave about 0.3 cycles in practice. AVX2: 13 instructions per 8
 * butterflies, hence 2.2 times the AVX-512 figure.
 *
 * Memory: a transform touches 4N bytes of data in (log N - 7)/3 + 1 sweeps (AVX-512) and 8N bytes
 * of leaf factors once; N = 8192 stays in the first-level cache but for the factors.
 *
 * Base conversion from m to t primes: (4 m + 13) t + 16 m instructions per 16 coefficients, of
 * which (2 m + 6) t + 6 m multiplications. At four and two a cycle, 14 -> 40 is 0.081 cycles per
 * coefficient and pair of primes (0.022 ns at 3.7 GHz), 4 -> 10 is 0.13. Additions that take a
 * multiplier's turn cost a fifth more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "host/base/cpu.h"
#include "host/ring/convert.h"

#define TERMS 4

typedef struct bench_arg {
    const hel_ring *ring;
    const hel_limb *l, *m; /* two primes */
    uint32_t *x[2 * TERMS + 1];
    uint32_t *map;
    int8_t *s, *e;
} bench_arg;

static void lift2_to_4(bench_arg *a)
{
    const hel_limb *const limb = a->ring->limb, *to[4] = {limb + 2, limb + 3, limb + 4, limb + 5};
    uint32_t *const out[4] = {a->x[0], a->x[3], a->x[4], a->x[5]};
    a->ring->ops->lift2(to, 4, a->l, a->m, out, a->x[1], a->x[2], a->ring->n);
}

#define LOOP(name, call)                                                                           \
    static void name(void *p, size_t iterations)                                                   \
    {                                                                                              \
        bench_arg *a = p;                                                                          \
        const hel_ring_ops *ops = a->ring->ops;                                                    \
        const size_t n = a->ring->n;                                                               \
        for (size_t i = 0; i < iterations; i++) {                                                  \
            call;                                                                                  \
            bench_use(a->x[0]);                                                                    \
        }                                                                                          \
        (void)ops;                                                                                 \
        (void)n;                                                                                   \
    }

LOOP(run_forward, ops->ntt_forward(a->ring, a->l, a->x[0]))
LOOP(run_inverse, ops->ntt_inverse(a->ring, a->l, a->x[0]))
LOOP(run_memcpy, memcpy(a->x[0], a->x[1], n * sizeof(uint32_t)))
LOOP(run_add, ops->add(a->l, a->x[0], a->x[1], a->x[2], n))
LOOP(run_sub, ops->sub(a->l, a->x[0], a->x[1], a->x[2], n))
LOOP(run_mul, ops->mul(a->l, a->x[0], a->x[1], a->x[2], n))
LOOP(run_mul_add, ops->mul_add(a->l, a->x[0], a->x[1], a->x[2], n))
LOOP(run_mul_scalar, ops->mul_scalar(a->l, a->x[0], a->x[1], 12345, n))
LOOP(run_sub_mul_scalar, ops->sub_mul_scalar(a->l, a->x[0], a->x[1], a->x[2], 12345, n))
LOOP(run_dot, ops->dot(a->l, a->x[0], (const uint32_t *const *)(a->x + 1),
                       (const uint32_t *const *)(a->x + 1 + TERMS), TERMS, n))
LOOP(run_dot2,
     ops->dot2(a->l, a->x[0], a->x[1], (const uint32_t *const *)(a->x + 2),
               (const uint32_t *const *)(a->x + 5), (const uint32_t *const *)(a->x + 6), 3, n))
LOOP(run_tensor,
     ops->tensor(a->l, a->x[0], a->x[1], a->x[2], a->x[3], a->x[4], a->x[5], a->x[6], n))
LOOP(run_lift1, ops->lift1(a->l, a->m, a->x[0], a->x[1], n))
LOOP(run_lift2, lift2_to_4(a))
LOOP(run_drop, ops->drop(a->l, a->m, a->x[0], a->x[1], n))
LOOP(run_embed, ops->embed(a->l, a->x[0], a->s, 12345, a->e, n))
LOOP(run_accept, ops->uniform_accept(a->l, a->x[0], (const uint8_t *)a->x[1], n))
LOOP(run_cbd21, ops->cbd21(a->s, (const uint8_t *)a->x[TERMS], n))
LOOP(run_permute, ops->permute(a->x[0], a->x[1], a->map, n))

/* words: 4-byte words read and written per coefficient */
static const struct {
    const char *name;
    bench_fn fn;
    double words;
} element_wise[] = {
    {"add", run_add, 3},
    {"sub", run_sub, 3},
    {"mul", run_mul, 3},
    {"mul_add", run_mul_add, 4},
    {"mul_scalar", run_mul_scalar, 2},
    {"sub_mul_scalar", run_sub_mul_scalar, 3},
    {"dot4", run_dot, 2 * TERMS + 1},
    {"dot2x3", run_dot2, 11}, /* two sums of three; one input vector serves both of its roles */
    {"tensor", run_tensor, 7},
    {"lift1", run_lift1, 2},
    {"lift2to4", run_lift2, 6},
    {"drop", run_drop, 3},
    {"embed", run_embed, 1.5},
    {"uniform_accept", run_accept, 2},
    {"cbd21", run_cbd21, 2.25},
    {"permute", run_permute, 3},
};

static void *words(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes) != 0)
        exit(71);
    memset(p, 0, bytes);
    return p;
}

static void prepare(bench_arg *a, const hel_ring *ring)
{
    const size_t n = ring->n;
    uint64_t state = 1;
    a->ring = ring;
    a->l = &ring->limb[0];
    a->m = &ring->limb[1];
    for (int k = 0; k < 2 * TERMS + 1; k++) {
        a->x[k] = words(2 * n * sizeof(uint32_t));
        for (size_t i = 0; i < 2 * n; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            a->x[k][i] = (uint32_t)(state >> 40) & 0xffffff; /* below every prime */
        }
    }
    a->map = words(n * sizeof(uint32_t));
    hel_automorph_map(ring, ring->n / 8 + 1, a->map);
    a->s = words(n);
    a->e = words(n);
}

static void finish(bench_arg *a)
{
    for (int k = 0; k < 2 * TERMS + 1; k++)
        free(a->x[k]);
    free(a->map);
    free(a->s);
    free(a->e);
}

static void bench_transforms(bench_arg *a)
{
    static const char *const names[2] = {"forward", "inverse"};
    const double n = a->ring->n, butterflies = n / 2 * a->ring->log_n;
    for (int inverse = 0; inverse < 2; inverse++) {
        char name[64];
        snprintf(name, sizeof name, "ntt_%s/%s/%u", names[inverse], a->ring->ops->name, a->ring->n);
        bench_run(name, inverse ? run_inverse : run_forward, a, (bench_rate){.items = butterflies});
        bench_counter("data_bytes", 4 * n);
    }
}

static void bench_element_wise(bench_arg *a)
{
    char name[64];
    const double n = a->ring->n;
    snprintf(name, sizeof name, "memcpy/%s/%u", a->ring->ops->name, a->ring->n);
    bench_result copy = bench_run(name, run_memcpy, a, (bench_rate){8 * n, n});
    for (size_t k = 0; k < sizeof element_wise / sizeof *element_wise; k++) {
        const double bytes = 4 * n * element_wise[k].words;
        snprintf(name, sizeof name, "%s/%s/%u", element_wise[k].name, a->ring->ops->name,
                 a->ring->n);
        bench_result r = bench_run(name, element_wise[k].fn, a, (bench_rate){bytes, n});
        if (copy.best_ns > 0 && r.best_ns > 0) /* share of memcpy's bytes per second */
            bench_counter("memcpy_ratio", bytes / r.best_ns / (8 * n / copy.best_ns));
    }
}

/* ---- base conversion ---- */

typedef struct convert_arg {
    const hel_ring *ring;
    hel_conversion *c;
    uint32_t **in, **out;
} convert_arg;

static void run_convert(void *p, size_t iterations)
{
    convert_arg *a = p;
    for (size_t i = 0; i < iterations; i++) {
        hel_convert(a->ring, a->c, (const uint32_t *const *)a->in, a->out, a->ring->n);
        bench_use(a->out[0]);
    }
}

/* 4 -> 10 and so on; the ring is made by the first that is wanted. */
static const uint32_t shapes[][2] = {{4, 10}, {7, 21}, {14, 40}};
#define SHAPES (sizeof shapes / sizeof *shapes)

static void convert_name(char name[64], size_t shape, const char *twin, uint32_t log_n)
{
    snprintf(name, 64, "convert_%u_%u/%s/%u", shapes[shape][0], shapes[shape][1], twin,
             1u << log_n);
}

static void bench_convert_shape(hel_engine *engine, const hel_ring *ring, size_t shape)
{
    const uint32_t m = shapes[shape][0], t = shapes[shape][1];
    uint32_t limbs[HEL_LIMBS_LIMIT];
    uint32_t *x[HEL_LIMBS_LIMIT];
    const double n = ring->n, pairs = (double)m * t;
    convert_arg a = {.ring = ring, .in = x, .out = x + m};
    char name[64];
    convert_name(name, shape, ring->ops->name, ring->log_n);
    for (uint32_t k = 0; k < m + t; k++)
        limbs[k] = k;
    if (!bench_wanted(name) ||
        hel_conversion_create(engine, &a.c, ring, limbs, m, limbs + m, t, NULL) != HEL_OK)
        return;
    for (uint32_t k = 0; k < m + t; k++) {
        x[k] = words(ring->n * sizeof(uint32_t));
        for (size_t i = 0; i < ring->n; i++)
            x[k][i] = (uint32_t)(i * 2654435761u + k) >> 3; /* below every prime */
    }
    bench_run(name, run_convert, &a, (bench_rate){4 * n * (m + t), n * pairs});
    for (uint32_t k = 0; k < m + t; k++)
        free(x[k]);
    hel_conversion_free(a.c);
}

static void bench_convert(hel_engine *engine, uint32_t log_n)
{
    hel_ring *ring = NULL;
    for (size_t k = 0; k < SHAPES; k++) {
        char name[64];
        convert_name(name, k, hel_engine_simd_name(engine), log_n);
        if (!bench_wanted(name))
            continue;
        if (!ring && hel_ring_create(engine, &ring, log_n, 54) != HEL_OK)
            return;
        bench_convert_shape(engine, ring, k);
    }
    hel_ring_free(ring);
}

int main(int argc, char **argv)
{
    static const hel_simd twins[] = {HEL_SIMD_AVX512, HEL_SIMD_AVX2, HEL_SIMD_PORTABLE};
    bench_begin(argc, argv, "b_ntt");
    for (int t = 0; t < 3; t++) {
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        hel_engine *engine;
        config.threads = 1;
        config.simd = twins[t];
        if (!hel_cpu_has(twins[t]) || hel_engine_create(&engine, &config) != HEL_OK)
            continue;
        for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
            hel_ring *ring;
            bench_arg a;
            if (hel_ring_create(engine, &ring, log_n, 6) != HEL_OK)
                continue;
            prepare(&a, ring);
            bench_transforms(&a);
            if (log_n == 13 || log_n == 16)
                bench_element_wise(&a);
            finish(&a);
            hel_ring_free(ring);
            if (log_n >= 14 && log_n <= 16)
                bench_convert(engine, log_n);
        }
        hel_engine_free(engine);
    }
    return bench_end();
}
