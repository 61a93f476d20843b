/* Host side of a ladder's program: included once, after the kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef LADDER_ROWS_OF_A_BLOCK
#define LADDER_ROWS_OF_A_BLOCK 1u
#endif

#define LADDER_N     (1u << LADDER_LOG_N)
#define LADDER_PRIME 1073479681u /* 2^30 - 2^18 + 1 */

static uint32_t ladder_power(uint32_t a, uint32_t e, uint32_t q)
{
    uint64_t x = 1, y = a;
    for (; e; e >>= 1, y = y * y % q)
        if (e & 1)
            x = x * y % q;
    return (uint32_t)x;
}

/* psi^(bit-reversed t): psi of order 2N, found by trying */
static void ladder_tables(uint32_t *w, k_pair *factor, const ladder_primes *p)
{
    uint32_t psi = 0;
    for (uint32_t g = 2; psi == 0; g++) {
        const uint32_t root = ladder_power(g, (p->q - 1) / (2 * LADDER_N), p->q);
        if (ladder_power(root, LADDER_N, p->q) == p->q - 1)
            psi = root;
    }
    for (uint32_t t = 0; t < LADDER_N; t++) {
        uint32_t e = 0;
        for (uint32_t b = 0; b < LADDER_LOG_N; b++)
            e |= (t >> b & 1) << (LADDER_LOG_N - 1 - b);
        w[t] = ladder_power(psi, e, p->q);
        factor[t] = ladder_factor(w[t], p);
    }
}

static void ladder_reference(uint32_t *x, const uint32_t *w, uint32_t q)
{
    for (uint32_t m = 1, d = LADDER_N / 2; m < LADDER_N; m *= 2, d /= 2)
        for (uint32_t i = 0; i < m; i++)
            for (uint32_t j = 2 * i * d; j < 2 * i * d + d; j++) {
                const uint32_t v = (uint32_t)((uint64_t)x[j + d] * w[m + i] % q);
                const uint32_t u = x[j];
                x[j] = (u + v) % q;
                x[j + d] = (u + q - v) % q;
            }
}

/* Rows whose result is not that of the loop. */
static uint32_t ladder_check(const uint32_t *in, const uint32_t *out, uint32_t rows,
                             const uint32_t *w, uint32_t q)
{
    uint32_t wrong = 0;
    uint32_t *x = (uint32_t *)malloc(LADDER_N * sizeof *x);
    for (uint32_t r = 0; x && r < rows; r++) {
        memcpy(x, in + (size_t)r * LADDER_N, LADDER_N * sizeof *x);
        for (uint32_t turn = 0; turn < LADDER_TURNS; turn++)
            ladder_reference(x, w, q);
        wrong += memcmp(x, out + (size_t)r * LADDER_N, LADDER_N * sizeof *x) != 0;
    }
    free(x);
    return wrong;
}

static void ladder_fill(uint32_t *in, size_t words, uint32_t q)
{
    uint64_t state = 1;
    for (size_t i = 0; i < words; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        in[i] = i < 4 ? (i & 1 ? q - 1 : 0) : (uint32_t)((state >> 32) % q);
    }
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

static void *ladder_device(size_t bytes)
{
    void *p = NULL;
    return cudaMalloc(&p, bytes) == cudaSuccess ? p : NULL;
}

static int ladder_time(ladder_args *a, uint32_t blocks, uint32_t rows)
{
    enum { ROUNDS = 30 };
    const dim3 grid(blocks), block(LADDER_THREADS);
    void *args[1] = {a};
    cudaEvent_t from, to;
    float best = 1e30f;
    LADDER_CALL(cudaEventCreate(&from));
    LADDER_CALL(cudaEventCreate(&to));
    for (int i = 0; i < ROUNDS; i++) {
        float ms = 0;
        LADDER_CALL(cudaEventRecord(from));
        LADDER_CALL(cudaLaunchKernel((const void *)k_ladder, grid, block, args,
                                     LADDER_WORDS * sizeof(uint32_t), NULL));
        LADDER_CALL(cudaEventRecord(to));
        LADDER_CALL(cudaEventSynchronize(to));
        LADDER_CALL(cudaEventElapsedTime(&ms, from, to));
        best = ms < best ? ms : best;
    }
    const double ns = 1e6 * best, words = (double)rows * LADDER_N;
    printf("%s: %.1f ns per row of 2^%u, %.0f GB/s, %.4f ns per butterfly\n", LADDER_ARITHMETIC,
           ns / rows, LADDER_LOG_N, 8 * words / ns, ns / (words / 2 * LADDER_LOG_N * LADDER_TURNS));
    return 0;
}

int main(void)
{
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
        printf("%s: no GPU, nothing was run\n", LADDER_ARITHMETIC);
        return 77;
    }
    const ladder_primes p = {LADDER_PRIME, 2 * LADDER_PRIME, 0u - LADDER_PRIME,
                             0u - 2 * LADDER_PRIME, hel_mod_word_inverse(LADDER_PRIME)};
    const uint32_t rows = (1u << 24) / LADDER_N, blocks = rows / LADDER_ROWS_OF_A_BLOCK;
    const uint32_t checked = rows < 64 ? rows : 64;
    const size_t bytes = (size_t)rows * LADDER_N * sizeof(uint32_t);
    const size_t factor_bytes = LADDER_N * sizeof(k_pair);
    uint32_t *in = (uint32_t *)malloc(bytes), *out = (uint32_t *)malloc(bytes);
    uint32_t *w = (uint32_t *)malloc(LADDER_N * sizeof *w);
    k_pair *factor = (k_pair *)malloc(factor_bytes);
    void *data = ladder_device(bytes), *result = ladder_device(bytes);
    void *table = ladder_device(factor_bytes);
    if (!in || !out || !w || !factor || !data || !result || !table) {
        fprintf(stderr, "out of memory\n");
        return 1;
    }
    ladder_tables(w, factor, &p);
    ladder_fill(in, (size_t)rows * LADDER_N, p.q);
    LADDER_CALL(cudaMemcpy(data, in, bytes, cudaMemcpyHostToDevice));
    LADDER_CALL(cudaMemcpy(table, factor, factor_bytes, cudaMemcpyHostToDevice));
    LADDER_CALL(cudaFuncSetAttribute((const void *)k_ladder,
                                     cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     LADDER_WORDS * sizeof(uint32_t)));
    ladder_args a = {(const uint32_t *)data, (uint32_t *)result, (const k_pair *)table, p,
                     LADDER_TURNS};
    void *args[1] = {&a};
    LADDER_CALL(cudaLaunchKernel((const void *)k_ladder, dim3(blocks), dim3(LADDER_THREADS), args,
                                 LADDER_WORDS * sizeof(uint32_t), NULL));
    LADDER_CALL(cudaMemcpy(out, result, bytes, cudaMemcpyDeviceToHost));
    const uint32_t wrong = ladder_check(in, out, checked, w, p.q);
    if (wrong) {
        printf("%s: %u of %u rows are wrong\n", LADDER_ARITHMETIC, wrong, checked);
        return 1;
    }
    return ladder_time(&a, blocks, rows);
}

#else

int main(void)
{
    enum { ROWS = 2 * LADDER_ROWS_OF_A_BLOCK };
    static uint32_t in[ROWS * LADDER_N], out[ROWS * LADDER_N], w[LADDER_N];
    static k_pair factor[LADDER_N];
    const ladder_primes p = {LADDER_PRIME, 2 * LADDER_PRIME, 0u - LADDER_PRIME,
                             0u - 2 * LADDER_PRIME, hel_mod_word_inverse(LADDER_PRIME)};
    const sim_options options = {SIM_RANDOM, 3};
    ladder_tables(w, factor, &p);
    ladder_fill(in, ROWS * LADDER_N, p.q);
    const ladder_args a = {in, out, factor, p, LADDER_TURNS};
    const char *fault = sim_launch(k_ladder, (sim_dim){2, 1, 1}, (sim_dim){LADDER_THREADS, 1, 1},
                                   &a, LADDER_WORDS * sizeof(uint32_t), &options);
    const uint32_t wrong = ladder_check(in, out, ROWS, w, p.q);
    printf("%s: %s, %u of %u rows are wrong\n", LADDER_ARITHMETIC, fault ? fault : "no fault",
           wrong, (uint32_t)ROWS);
    return fault || wrong;
}

#endif
