/* The AVX2 twin's base conversion: convert_vec.h at 8 lanes. */
#if defined(__AVX2__) /* set by the build for this file, on x86-64 only */

#include "host/ring/simd_avx2.h"

#define TWIN(name) hel_##name##_avx2
#define GROUP      4 /* targets at a time: 8 of 16 registers hold their sums */
#include "host/ring/convert_vec.h"

#else
typedef int hel_convert_avx2_needs_x86;
#endif
