/* The portable twin, and the choice. */
#include "host/base/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hel_checksum_portable(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

hel_checksum_fn hel_checksum_pick(hel_simd simd)
{
#if defined(__x86_64__)
    if (simd == HEL_SIMD_AVX512)
        return hel_checksum_avx512;
    if (simd == HEL_SIMD_AVX2)
        return hel_checksum_avx2;
#endif
    (void)simd;
    return hel_checksum_portable;
}
