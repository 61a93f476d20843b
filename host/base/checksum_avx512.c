/* AVX-512 twin. */
#include "host/base/checksum.h"

#if defined(__x86_64__)
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hel_checksum_avx512(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}
#endif
