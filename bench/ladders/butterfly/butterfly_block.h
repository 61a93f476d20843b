/* Four levels of 16 words in registers, again and again: the arithmetic alone, at the rate at which
 * it can be issued. A turn is a whole transform of 2^4 words. The factors stay in registers. */
#define LADDER_LOG_N           4u
#define LADDER_THREADS         256u
#define LADDER_WORDS           0u
#define LADDER_TURNS           64u
#define LADDER_ROWS_OF_A_BLOCK LADDER_THREADS

K_KERNEL(k_ladder, ladder_args, LADDER_THREADS)
{
    const size_t row = ((size_t)K_BLOCK_X * LADDER_THREADS + K_THREAD) << LADDER_LOG_N;
    uint32_t r[16];
    k_pair f[16];
    K_UNROLL
    for (uint32_t k = 0; k < 16; k++)
        r[k] = A.in[row + k];
    K_UNROLL
    for (uint32_t k = 1; k < 16; k++)
        f[k] = K_LOAD(&A.w[k]);
    for (uint32_t turn = 0; turn < A.turns; turn++) {
        K_UNROLL
        for (uint32_t l = 0; l < 4; l++) {
            K_UNROLL
            for (uint32_t i = 0; i < 8; i++) {
                const uint32_t d = 8u >> l, node = i / d, a = node * 2 * d + i % d;
                ladder_butterfly(&r[a], &r[a + d], f[(1u << l) + node], &A.p);
            }
        }
    }
    K_UNROLL
    for (uint32_t k = 0; k < 16; k++)
        A.out[row + k] = ladder_canonical(r[k], &A.p);
}
