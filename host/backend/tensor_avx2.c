/* AVX2 twin: one column at a time, 8 positions (4 even, 4 odd) in registers per half line. */
#include "host/backend/tensor.h"

#include "kernels/arith/mod32.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES HEL_TENSOR_LANES

/* Sums at or above 2^63 lose 8 q^2; they then stay below 2^63 (AVX2 has no unsigned minimum). */
static inline __m256i fold(__m256i x, __m256i limit)
{
    __m256i high = _mm256_cmpgt_epi64(_mm256_setzero_si256(), x);
    return _mm256_sub_epi64(x, _mm256_and_si256(high, limit));
}

static void half_line(const hel_tensor_args *args, uint32_t o, int half)
{
    const __m256i limit = _mm256_set1_epi64x((long long)(8 * (uint64_t)args->q * args->q));
    const size_t z_stride = (size_t)args->z_columns * 2 * LANES;
    const uint32_t *z = args->z + (size_t)args->column[o] * 2 * LANES + 8 * half;
    const uint32_t *a = args->a + 8 * half;
    __m256i even[3], odd[3];
    for (int p = 0; p < 3; p++)
        even[p] = odd[p] = _mm256_setzero_si256();
    for (uint32_t i = 0; i < args->samples; i++, a += 2 * LANES, z += z_stride) {
        __m256i a0 = _mm256_loadu_si256((const __m256i *)a);
        __m256i a1 = _mm256_loadu_si256((const __m256i *)(a + LANES));
        __m256i z0 = _mm256_loadu_si256((const __m256i *)z);
        __m256i z1 = _mm256_loadu_si256((const __m256i *)(z + LANES));
        even[0] = _mm256_add_epi64(even[0], _mm256_mul_epu32(a0, z0));
        even[1] = _mm256_add_epi64(even[1], _mm256_mul_epu32(a0, z1));
        even[1] = _mm256_add_epi64(even[1], _mm256_mul_epu32(a1, z0));
        even[2] = _mm256_add_epi64(even[2], _mm256_mul_epu32(a1, z1));
        a0 = _mm256_srli_epi64(a0, 32);
        a1 = _mm256_srli_epi64(a1, 32);
        z0 = _mm256_srli_epi64(z0, 32);
        z1 = _mm256_srli_epi64(z1, 32);
        odd[0] = _mm256_add_epi64(odd[0], _mm256_mul_epu32(a0, z0));
        odd[1] = _mm256_add_epi64(odd[1], _mm256_mul_epu32(a0, z1));
        odd[1] = _mm256_add_epi64(odd[1], _mm256_mul_epu32(a1, z0));
        odd[2] = _mm256_add_epi64(odd[2], _mm256_mul_epu32(a1, z1));
        if (i % 4 == 3)
            for (int p = 0; p < 3; p++) {
                even[p] = fold(even[p], limit);
                odd[p] = fold(odd[p], limit);
            }
    }
    for (int p = 0; p < 3; p++) {
        uint32_t *acc = args->acc + ((size_t)o * 3 + (size_t)p) * LANES + 8 * half;
        uint64_t e[4], d[4];
        _mm256_storeu_si256((__m256i *)e, even[p]);
        _mm256_storeu_si256((__m256i *)d, odd[p]);
        for (int x = 0; x < 4; x++) {
            acc[2 * x] = hel_mod_add(acc[2 * x], hel_mod_reduce64(e[x], args->q), args->q);
            acc[2 * x + 1] = hel_mod_add(acc[2 * x + 1], hel_mod_reduce64(d[x], args->q), args->q);
        }
    }
}

void hel_tensor_avx2(const hel_tensor_args *args)
{
    for (uint32_t o = 0; o < args->columns; o++)
        for (int half = 0; half < 2; half++)
            half_line(args, o, half);
}
#endif
