/* The portable twin (the definition) and the choice. */
#include "host/backend/tensor.h"

#include "kernels/arith/mod32.h"

void hel_tensor_portable(const hel_tensor_args *args)
{
    const uint32_t q = args->q;
    /* Each sample adds at most 2 q^2 < 2^61 to the middle sum: fold after every fourth. */
    const uint64_t fold = 8 * (uint64_t)q * q;
    for (uint32_t o = 0; o < args->columns; o++) {
        uint64_t acc[3][HEL_TENSOR_LANES] = {{0}};
        for (uint32_t i = 0; i < args->samples; i++) {
            const uint32_t *a = args->a + (size_t)i * 2 * HEL_TENSOR_LANES;
            const uint32_t *z =
                args->z + ((size_t)i * args->z_columns + args->column[o]) * 2 * HEL_TENSOR_LANES;
            for (int x = 0; x < HEL_TENSOR_LANES; x++) {
                uint64_t a0 = a[x], a1 = a[HEL_TENSOR_LANES + x];
                uint64_t z0 = z[x], z1 = z[HEL_TENSOR_LANES + x];
                acc[0][x] += a0 * z0;
                acc[1][x] += a0 * z1 + a1 * z0;
                acc[2][x] += a1 * z1;
            }
            if (i % 4 == 3)
                for (int p = 0; p < 3; p++)
                    for (int x = 0; x < HEL_TENSOR_LANES; x++)
                        acc[p][x] -= acc[p][x] >= fold ? fold : 0;
        }
        uint32_t *out = args->acc + (size_t)o * 3 * HEL_TENSOR_LANES;
        for (int p = 0; p < 3; p++)
            for (int x = 0; x < HEL_TENSOR_LANES; x++, out++)
                *out = hel_mod_add(*out, hel_mod_reduce64(acc[p][x], q), q);
    }
}

hel_tensor_fn hel_tensor_pick(hel_simd simd)
{
#if defined(__x86_64__)
    if (simd == HEL_SIMD_AVX512)
        return hel_tensor_avx512;
    if (simd == HEL_SIMD_AVX2)
        return hel_tensor_avx2;
#endif
    (void)simd;
    return hel_tensor_portable;
}
