/* The AVX-512 twin's products: product_vec.h at 16 lanes. */
#if defined(__AVX512F__) /* set by the build for this file, on x86-64 only */

#include "host/ring/simd_avx512.h"

#define TWIN(name) hel_##name##_avx512
#define WIDE       4
#include "host/ring/product_vec.h"

#else
typedef int hel_product_avx512_needs_x86;
#endif
