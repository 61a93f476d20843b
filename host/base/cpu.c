/* CPU features by the compiler's own probe (cpuid plus the operating system's register state). */
#include "host/base/cpu.h"

int hel_cpu_has(hel_simd simd)
{
    switch (simd) {
    case HEL_SIMD_PORTABLE:
        return 1;
#if defined(__x86_64__)
    case HEL_SIMD_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi2");
    case HEL_SIMD_AVX512:
        return hel_cpu_has(HEL_SIMD_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
#endif
    default:
        return 0;
    }
}

hel_simd hel_cpu_best(void)
{
    if (hel_cpu_has(HEL_SIMD_AVX512))
        return HEL_SIMD_AVX512;
    return hel_cpu_has(HEL_SIMD_AVX2) ? HEL_SIMD_AVX2 : HEL_SIMD_PORTABLE;
}
