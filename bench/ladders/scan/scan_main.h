/* Host side of a program of the scan's ladder: included once, after the kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LADDER_DOMAIN 1u
#define LADDER_CHECKS 256u /* accumulators that are compared */

typedef struct ladder_size {
    uint32_t log_n, limbs, samples, blocks, columns;
} ladder_size;

/* Primes 1 mod 2^16 below 2^30, by trial. */
static uint32_t ladder_prime(uint32_t index)
{
    for (uint32_t q = (1u << 30) + 1 - (1u << 16);; q -= 1u << 16) {
        uint32_t d = 3;
        while ((uint64_t)d * d <= q && q % d)
            d += 2;
        if ((uint64_t)d * d > q && index-- == 0)
            return q;
    }
}

static uint64_t ladder_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 32;
}

/* ---- the loop on the CPU ---- */

static uint32_t ladder_left(uint32_t x, uint32_t by)
{
    return x << by | x >> (32 - by);
}

static void ladder_quarter(uint32_t *x, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    x[a] += x[b], x[d] = ladder_left(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = ladder_left(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = ladder_left(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = ladder_left(x[b] ^ x[c], 7);
}

/* Word `position` of the uniform half of an object (exactness: host/ring/sample.c). */
static uint32_t ladder_uniform(const k_scan *a, uint64_t object, uint32_t limb, uint32_t position)
{
    for (uint32_t attempt = 0;; attempt++) {
        uint32_t start[16] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u}, x[16];
        memcpy(start + 4, a->key, 32);
        start[12] = position / 16;
        start[13] = (uint32_t)object;
        start[14] = (uint32_t)(object >> 32);
        start[15] = a->domain << 24 | limb << 8 | attempt;
        memcpy(x, start, sizeof x);
        for (uint32_t round = 0; round < 10; round++) {
            for (uint32_t i = 0; i < 4; i++)
                ladder_quarter(x, i, 4 + i, 8 + i, 12 + i);
            for (uint32_t i = 0; i < 4; i++)
                ladder_quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
        }
        const uint32_t i = position % 16, v = (x[i] + start[i]) & a->limb[limb].mask;
        if (v < a->limb[limb].q)
            return v;
    }
}

/* Compares some accumulators, which began at zero. rows, weights, sums: on the host. */
static uint32_t ladder_check(const k_scan *a, const uint32_t *rows, const uint32_t *weights,
                             const uint32_t *sums)
{
    const size_t words = (size_t)a->limbs << a->ring.log_n;
    uint64_t state = 5;
    uint32_t wrong = 0;
    for (uint32_t t = 0; t < LADDER_CHECKS; t++) {
        const uint32_t b = (uint32_t)(ladder_random(&state) % a->blocks);
        const uint32_t c = (uint32_t)(ladder_random(&state) % a->held);
        const uint32_t limb = (uint32_t)(ladder_random(&state) % a->limbs);
        const uint32_t x = (uint32_t)(ladder_random(&state) % (1u << a->ring.log_n));
        const size_t inside = ((size_t)limb << a->ring.log_n) + x;
        const uint64_t q = a->limb[limb].q;
        uint64_t d[3] = {0, 0, 0};
        for (uint32_t i = 0; i < a->samples; i++) {
            const uint64_t poly = i * a->stride + b;
            const uint64_t a0 = rows[poly * words + inside];
            const uint64_t a1 = ladder_uniform(a, a->object + poly, limb, x);
            const uint32_t *z = weights + ((size_t)i * a->held + c) * 2 * words + inside;
            d[0] = (d[0] + a0 * z[0]) % q;
            d[1] = (d[1] + a0 * z[words] % q + a1 * z[0]) % q;
            d[2] = (d[2] + a1 * z[words]) % q;
        }
        for (uint32_t k = 0; k < 3; k++)
            wrong += sums[(((size_t)b * a->outputs + c) * 3 + k) * words + inside] != d[k];
    }
    return wrong;
}

/* ---- input ---- */

static void ladder_constants(k_scan *a, k_limb *limb)
{
    for (uint32_t i = 0; i < a->limbs; i++) {
        const uint32_t q = ladder_prime(i);
        memset(&limb[i], 0, sizeof limb[i]);
        limb[i].q = q;
        limb[i].minus_q = 0u - q;
        limb[i].bits = hel_mod_bits(q);
        limb[i].barrett = (uint32_t)hel_mod_barrett(q);
        limb[i].pow34 = hel_mod_pow34(q);
        a->limb[i].q = q;
        a->limb[i].minus_q = 0u - q;
        a->limb[i].mask = (1u << hel_mod_bits(q)) - 1;
        a->limb[i].fold = (uint32_t)(((uint64_t)1 << 32) % q);
    }
}

static uint32_t *ladder_words(const k_scan *a, size_t polys)
{
    const size_t n = (size_t)1 << a->ring.log_n, words = polys * a->limbs * n;
    uint32_t *out = (uint32_t *)malloc(words * sizeof *out);
    uint64_t state = polys;
    for (size_t i = 0; out && i < words; i++)
        out[i] = i % 97 == 0 ? a->limb[i / n % a->limbs].q - 1
                             : (uint32_t)(ladder_random(&state) % a->limb[i / n % a->limbs].q);
    return out;
}

static k_scan ladder_args(const ladder_size *s)
{
    k_scan a;
    memset(&a, 0, sizeof a);
    a.ring.log_n = s->log_n;
    a.limbs = s->limbs;
    a.samples = s->samples;
    a.blocks = s->blocks;
    a.stride = s->blocks;
    a.held = a.outputs = s->columns;
    a.object = ((uint64_t)1 << 32) - 100;
    a.domain = LADDER_DOMAIN;
    for (uint32_t i = 0; i < 8; i++)
        a.key[i] = 0x9e3779b9u * (i + 1);
    return a;
}

/* Pass i of several over the columns. */
static ladder_shape ladder_pass(k_scan *a, uint32_t i, uint32_t passes)
{
    const uint32_t begin = i * a->held / passes, end = (i + 1) * a->held / passes;
    a->mode = passes == 1 ? K_SCAN_MAKE : i == 0 ? K_SCAN_KEEP : K_SCAN_READ;
    a->columns = end - begin;
    for (uint32_t k = begin; k < end; k++)
        a->column[k - begin] = a->output[k - begin] = k;
    return ladder_shape_of(a);
}

static uint32_t ladder_passes(const k_scan *a)
{
    return (a->held + LADDER_COLUMNS - 1) / LADDER_COLUMNS;
}

static ladder_size ladder_arguments(int count, char **text, ladder_size size)
{
    uint32_t *const value[5] = {&size.log_n, &size.limbs, &size.samples, &size.blocks,
                                &size.columns};
    for (int i = 1; i < count && i <= 5; i++)
        *value[i - 1] = (uint32_t)strtoul(text[i], NULL, 10);
    return size;
}

static void ladder_print_size(const ladder_size *s)
{
    printf("%s: N 2^%u, %u limbs, %u samples, %u blocks, %u columns; ", LADDER_NAME, s->log_n,
           s->limbs, s->samples, s->blocks, s->columns);
}

#if defined(__CUDACC__)

#include <cuda_runtime_api.h>

#define LADDER_CALL(call)                                                                          \
    do {                                                                                           \
        const cudaError_t error = (call);                                                          \
        if (error != cudaSuccess) {                                                                \
            fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(error));                         \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static int ladder_launch(k_scan *a)
{
    const uint32_t passes = ladder_passes(a);
    for (uint32_t i = 0; i < passes; i++) {
        const ladder_shape s = ladder_pass(a, i, passes);
        void *args[1] = {a};
        LADDER_CALL(cudaFuncSetAttribute((const void *)k_ladder,
                                         cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         (int)s.shared_bytes));
        LADDER_CALL(cudaLaunchKernel((const void *)k_ladder, dim3(s.grid[0], s.grid[1], s.grid[2]),
                                     dim3(s.threads), args, s.shared_bytes, NULL));
    }
    return 0;
}

static int ladder_time(k_scan *a)
{
    cudaEvent_t from, to;
    float best = 1e30f;
    LADDER_CALL(cudaEventCreate(&from));
    LADDER_CALL(cudaEventCreate(&to));
    for (int i = 0; i < 8; i++) {
        float ms = 0;
        LADDER_CALL(cudaEventRecord(from));
        if (ladder_launch(a) != 0)
            return 1;
        LADDER_CALL(cudaEventRecord(to));
        LADDER_CALL(cudaEventSynchronize(to));
        LADDER_CALL(cudaEventElapsedTime(&ms, from, to));
        best = ms < best ? ms : best;
    }
    const double genotypes = (double)a->samples * a->blocks * (1u << a->ring.log_n);
    printf("%.3f ms, %.2f G genotypes/s\n", (double)best, genotypes / best / 1e6);
    return 0;
}

static int ladder_upload(uint32_t **device, const void *host, size_t bytes)
{
    LADDER_CALL(cudaMalloc((void **)device, bytes));
    if (host != NULL)
        LADDER_CALL(cudaMemcpy(*device, host, bytes, cudaMemcpyHostToDevice));
    else
        LADDER_CALL(cudaMemset(*device, 0, bytes));
    return 0;
}

/* program [log N [limbs [samples [blocks [columns]]]]], or program --static */
int main(int count, char **text)
{
    const ladder_size standard = {13, 3, 128, 64, 24};
    if (count > 1 && strcmp(text[1], "--static") == 0) {
        ladder_print_size(&standard);
        printf("not run\n");
        return 0;
    }
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
        printf("no GPU, nothing was run\n");
        return 77;
    }
    const ladder_size size = ladder_arguments(count, text, standard);
    k_scan a = ladder_args(&size);
    k_limb limb[K_SCAN_LIMBS];
    const size_t words = (size_t)a.limbs << a.ring.log_n;
    const size_t polys = (size_t)a.samples * a.blocks, pairs = (size_t)a.samples * a.held * 2;
    const size_t sums = (size_t)a.blocks * a.outputs * 3 * words;
    uint32_t *in[4];
    ladder_constants(&a, limb);
    uint32_t *rows = ladder_words(&a, polys), *weights = ladder_words(&a, pairs);
    uint32_t *out = (uint32_t *)malloc(sums * sizeof *out);
    if (rows == NULL || weights == NULL || out == NULL)
        return 1;
    if (ladder_upload(&in[0], rows, polys * words * 4) ||
        ladder_upload(&in[1], weights, pairs * words * 4) ||
        ladder_upload(&in[2], NULL, sums * 4) || ladder_upload(&in[3], NULL, polys * words * 4))
        return 1;
    uint32_t *constants;
    if (ladder_upload(&constants, limb, sizeof limb))
        return 1;
    a.ring.limb = (const k_limb *)constants;
    a.rows = in[0];
    a.weights = in[1];
    a.sums = in[2];
    a.uniform = in[3];
    if (ladder_launch(&a) != 0)
        return 1;
    LADDER_CALL(cudaMemcpy(out, in[2], sums * 4, cudaMemcpyDeviceToHost));
    const uint32_t wrong = ladder_check(&a, rows, weights, out);
    ladder_print_size(&size);
    if (wrong != 0) {
        printf("%u accumulators are wrong\n", wrong);
        return 1;
    }
    return ladder_time(&a);
}

#else

int main(int count, char **text)
{
    const ladder_size size = ladder_arguments(count, text, (ladder_size){10, 2, 19, 9, 37});
    k_scan a = ladder_args(&size);
    k_limb limb[K_SCAN_LIMBS];
    const size_t words = (size_t)a.limbs << a.ring.log_n;
    const size_t polys = (size_t)a.samples * a.blocks, pairs = (size_t)a.samples * a.held * 2;
    ladder_constants(&a, limb);
    uint32_t *rows = ladder_words(&a, polys), *weights = ladder_words(&a, pairs);
    a.ring.limb = limb;
    a.rows = rows;
    a.weights = weights;
    a.uniform = malloc(polys * words * 4);
    a.sums = calloc((size_t)a.blocks * a.outputs * 3 * words, 4);
    const char *fault = NULL;
    for (uint32_t i = 0; i < ladder_passes(&a) && fault == NULL; i++) {
        const ladder_shape s = ladder_pass(&a, i, ladder_passes(&a));
        fault = sim_launch(k_ladder, (sim_dim){s.grid[0], s.grid[1], s.grid[2]},
                           (sim_dim){s.threads, 1, 1}, &a, s.shared_bytes, NULL);
    }
    const uint32_t wrong = fault ? 0 : ladder_check(&a, rows, weights, a.sums);
    ladder_print_size(&size);
    printf("%s\n", fault ? fault : wrong ? "wrong" : "right");
    return fault != NULL || wrong != 0;
}

#endif
