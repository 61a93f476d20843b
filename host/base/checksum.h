/* XXH3-64 with seed 0 of a piece of memory: the container's checksum. xxHash's own code, compiled
 * once per instruction set, because the library as distributions build it has the oldest one only
 * (8 GB/s on a core whose memory gives twice that). */
#ifndef HEL_BASE_CHECKSUM_H
#define HEL_BASE_CHECKSUM_H

#include <stddef.h>

#include "host/base/cpu.h"

typedef uint64_t (*hel_checksum_fn)(const void *data, size_t bytes);

uint64_t hel_checksum_portable(const void *data, size_t bytes);
uint64_t hel_checksum_avx2(const void *data, size_t bytes);
uint64_t hel_checksum_avx512(const void *data, size_t bytes);

/* The twin that an engine uses. */
hel_checksum_fn hel_checksum_pick(hel_simd simd);

#endif
