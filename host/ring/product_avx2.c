/* The AVX2 twin's products: product_vec.h at 8 lanes. */
#if defined(__AVX2__) /* set by the build for this file, on x86-64 only */

#include "host/ring/simd_avx2.h"

#define TWIN(name) hel_##name##_avx2
#define WIDE       2
#include "host/ring/product_vec.h"

#else
typedef int hel_product_avx2_needs_x86;
#endif
