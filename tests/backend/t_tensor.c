/* The tensor multiply-accumulate: every twin against a loop with a remainder per step. */
#include <criterion/criterion.h>
#include <string.h>

#include "host/backend/tensor.h"
#include "host/base/cpu.h"
#include "tests/ref/ref_random.h"

#define SAMPLES 70
#define COLUMNS 13
#define LANES   HEL_TENSOR_LANES

static void oracle(const hel_tensor_args *t)
{
    for (uint32_t o = 0; o < t->columns; o++)
        for (uint32_t x = 0; x < LANES; x++) {
            unsigned __int128 s[3];
            for (int p = 0; p < 3; p++)
                s[p] = t->acc[(o * 3 + p) * LANES + x];
            for (uint32_t i = 0; i < t->samples; i++) {
                const uint32_t *a = t->a + i * 2 * LANES;
                const uint32_t *z = t->z + (i * t->z_columns + t->column[o]) * 2 * LANES;
                unsigned __int128 a0 = a[x], a1 = a[LANES + x], z0 = z[x], z1 = z[LANES + x];
                s[0] += a0 * z0;
                s[1] += a0 * z1 + a1 * z0;
                s[2] += a1 * z1;
            }
            for (int p = 0; p < 3; p++)
                t->acc[(o * 3 + p) * LANES + x] = (uint32_t)(s[p] % t->q);
        }
}

/* Corners: all residues q - 1 (the largest products), all zero, random. */
static void fill(ref_random *r, uint32_t *x, size_t n, uint32_t q, int corner)
{
    for (size_t i = 0; i < n; i++)
        x[i] = corner == 0 ? q - 1 : corner == 1 ? 0 : ref_random_below(r, q);
}

Test(tensor, twins_equal_oracle)
{
    static const uint32_t primes[] = {1073692673, 1073643521, 536903681, 12289};
    static uint32_t a[SAMPLES * 2 * LANES], z[SAMPLES * COLUMNS * 2 * LANES];
    static uint32_t want[COLUMNS * 3 * LANES], got[COLUMNS * 3 * LANES], start[COLUMNS * 3 * LANES];
    ref_random r = ref_random_start(1);
    const size_t rounds = ref_scaled(300);
    for (size_t round = 0; round < rounds; round++) {
        uint32_t q = primes[round % 4], columns = 1 + ref_random_below(&r, COLUMNS);
        uint32_t samples = round < 16 ? (uint32_t)round : ref_random_below(&r, SAMPLES + 1);
        uint32_t column[COLUMNS];
        int corner = (int)(round / 4 % 3);
        for (uint32_t o = 0; o < columns; o++)
            column[o] = ref_random_below(&r, COLUMNS);
        fill(&r, a, SAMPLES * 2 * LANES, q, corner);
        fill(&r, z, SAMPLES * COLUMNS * 2 * LANES, q, corner);
        fill(&r, start, COLUMNS * 3 * LANES, q, corner);
        hel_tensor_args args = {q, samples, a, z, COLUMNS, column, columns, want};
        memcpy(want, start, sizeof want);
        oracle(&args);
        args.acc = got;
        for (hel_simd simd = HEL_SIMD_PORTABLE; simd <= HEL_SIMD_AVX512; simd++) {
            if (!hel_cpu_has(simd))
                continue;
            memcpy(got, start, sizeof got);
            hel_tensor_pick(simd)(&args);
            cr_assert(memcmp(got, want, sizeof want) == 0,
                      "twin %d differs: q %u samples %u columns %u corner %d", (int)simd, q,
                      samples, columns, corner);
        }
    }
}
