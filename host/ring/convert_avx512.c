/* The AVX-512 twin's base conversion: convert_vec.h at 16 lanes. */
#if defined(__AVX512F__) /* set by the build for this file, on x86-64 only */

#include "host/ring/simd_avx512.h"

#define TWIN(name) hel_##name##_avx512
#define GROUP      8 /* targets at a time: 16 of 32 registers hold their sums */
#include "host/ring/convert_vec.h"

#else
typedef int hel_convert_avx512_needs_x86;
#endif
