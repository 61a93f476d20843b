/* A row of 2^13 words in shared memory, in passes of 4, 3, 3 and 3 levels in registers: every
 * variant that includes this differs by its butterfly only. Word x lies at x + 4 (x / 32), so that
 * an address is the thread's and a constant. */
#define LADDER_LOG_N   13u
#define LADDER_THREADS 512u
#define LADDER_WORDS   (9u << (LADDER_LOG_N - 3))
#define LADDER_TURNS   1u

K_DEVICE uint32_t ladder_place(uint32_t x)
{
    return x + 4 * (x >> 5);
}

K_DEVICE void ladder_levels(uint32_t *r, uint32_t levels, uint32_t t, uint32_t t0, const k_pair *w,
                            const ladder_primes *p)
{
    const uint32_t half = 1u << (levels - 1);
    K_UNROLL
    for (uint32_t l = 0; l < levels; l++) {
        const k_pair *f = w + ((size_t)t << l);
        K_UNROLL
        for (uint32_t i = 0; i < half; i++) {
            const uint32_t d = half >> l, node = i / d, a = node * 2 * d + i % d;
            ladder_butterfly(&r[a], &r[a + d], K_LOAD(&f[(t0 << l) + node]), p);
        }
    }
}

/* Levels level .. level + levels - 1; the first pass reads `in`, the last (step 1) writes `out`. */
K_DEVICE void ladder_pass(const ladder_args *a, uint32_t *shared, uint32_t level, uint32_t levels)
{
    const uint32_t log_step = LADDER_LOG_N - level - levels, size = 1u << levels;
    const uint32_t t = K_THREAD & (LADDER_THREADS - 1), node = t >> log_step;
    const uint32_t base = node << (LADDER_LOG_N - level) | (t & ((1u << log_step) - 1));
    const size_t row = (size_t)K_BLOCK_X << LADDER_LOG_N;
    K_UNROLL
    for (uint32_t i = 0; i < (1u << (LADDER_LOG_N - levels)) / LADDER_THREADS; i++) {
        const uint32_t g = i * LADDER_THREADS, more = g >> log_step;
        const uint32_t first = more << (LADDER_LOG_N - level) | (g & ((1u << log_step) - 1));
        uint32_t r[16];
        K_UNROLL
        for (uint32_t k = 0; k < size; k++) {
            const uint32_t x = first + (k << log_step);
            r[k] =
                level == 0 ? a->in[row + base + x] : shared[ladder_place(base) + ladder_place(x)];
        }
        ladder_levels(r, levels, node, (1u << level) + more, a->w, &a->p);
        K_UNROLL
        for (uint32_t k = 0; k < size; k++) {
            const uint32_t x = first + (k << log_step);
            if (log_step == 0)
                a->out[row + base + x] = ladder_canonical(r[k], &a->p);
            else
                shared[ladder_place(base) + ladder_place(x)] = r[k];
        }
    }
    if (log_step != 0)
        K_SYNC();
}

K_KERNEL(k_ladder, ladder_args, LADDER_THREADS)
{
    K_SHARED(shared);
    ladder_pass(&A, shared, 0, 4);
    ladder_pass(&A, shared, 4, 3);
    ladder_pass(&A, shared, 7, 3);
    ladder_pass(&A, shared, 10, 3);
}
