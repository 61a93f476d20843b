/* Checksum twins: equal to the library's own function for every length, at every alignment. */
#include <criterion/criterion.h>
#include <xxhash.h>

#include "host/base/checksum.h"
#include "tests/base/test_dir.h"

static const hel_simd twins[] = {HEL_SIMD_PORTABLE, HEL_SIMD_AVX2, HEL_SIMD_AVX512};

Test(checksum, twins_are_the_library)
{
    static uint8_t data[(1 << 16) + 64];
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)test_random(&seed);
    for (size_t t = 0; t < 3; t++) {
        if (!hel_cpu_has(twins[t]))
            continue;
        const hel_checksum_fn fn = hel_checksum_pick(twins[t]);
        for (size_t bytes = 0; bytes < 2100; bytes++) /* all of xxHash's length classes */
            cr_assert_eq(fn(data + bytes % 64, bytes), XXH3_64bits(data + bytes % 64, bytes),
                         "twin %zu, %zu bytes", t, bytes);
        for (size_t i = 0; i < test_scale(200); i++) {
            const size_t at = test_random(&seed) % 64, bytes = test_random(&seed) % (1 << 16);
            cr_assert_eq(fn(data + at, bytes), XXH3_64bits(data + at, bytes),
                         "twin %zu, %zu bytes at %zu", t, bytes, at);
        }
    }
    cr_assert_eq(hel_checksum_pick(HEL_SIMD_AUTO), hel_checksum_portable);
}
