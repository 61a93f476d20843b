/* Slow readers of genotype formats. */
#include "tests/ref/ref_geno.h"

uint8_t ref_bed_call(const uint8_t *file, uint32_t samples, uint32_t variant, uint32_t sample)
{
    uint64_t bytes_per_variant = (samples + 3u) / 4u;
    uint8_t byte = file[3 + variant * bytes_per_variant + sample / 4];
    for (uint32_t skip = sample % 4; skip > 0; skip--)
        byte = (uint8_t)(byte >> 2);
    switch (byte & 3) {
    case 0: /* homozygous A1 */
        return 2;
    case 1:
        return 3;
    case 2: /* heterozygous */
        return 1;
    default:
        return 0;
    }
}

static uint64_t number(const uint8_t **p)
{
    uint64_t value = 0, weight = 1;
    do {
        value += (**p % 128) * weight;
        weight *= 128;
    } while (*(*p)++ >= 128);
    return value;
}

uint32_t ref_missing_get(const uint8_t *section, uint32_t variant, uint32_t *index)
{
    uint32_t variants = 0;
    for (int i = 3; i >= 0; i--)
        variants = variants * 256 + section[8 + i];
    const uint8_t *p = section + 20 + (variants + 63u) / 64u * 8u;
    for (uint32_t j = 0;; j++) {
        uint32_t count = (uint32_t)number(&p);
        uint64_t at = 0;
        for (uint32_t i = 0; i < count; i++) {
            at += number(&p);
            index[i] = (uint32_t)at;
        }
        if (j == variant)
            return count;
    }
}
