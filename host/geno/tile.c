/*
 * Transposed tiles of calls. A window is 64 samples x up to 256 variants: 16 bytes of each of its
 * rows of the .bed are recoded to A1 counts four at a time, transposed as 16 x 16 bytes, and then
 * split into one line per sample. Wide windows matter: rows of input and of output lie pages apart,
 * and each page touched should give or take several cache lines. Samples that stand alone in their
 * window are looked up one by one. GCC vector types: one source for every machine, baseline SSE2
 * on x86-64.
 */
#include <string.h>

#include "host/geno/bed.h"

#define HEAD           3   /* bytes before the first row */
#define SAMPLES        64  /* of a window */
#define PACKED         16  /* bytes of a row in a window */
#define LANES          16  /* variants of a vector */
#define WIDTH          256 /* variants of a window */
#define AHEAD          64  /* bytes: rows lie too far apart for the hardware prefetcher */
#define WINDOW_MINIMUM 8   /* fewer samples than this are looked up singly */

typedef uint8_t vec __attribute__((vector_size(16)));
typedef uint8_t vec_unaligned __attribute__((vector_size(16), aligned(1), may_alias));

/* Codes 00 01 10 11 -> counts 2 3 1 0 (3 = missing), four at a time: low bit = high ^ low, high
 * bit inverted. */
static inline vec recode(vec x)
{
    return x ^ ((x >> 1) & 0x55) ^ 0xaa;
}

#define LOW(a, b)                                                                                  \
    __builtin_shufflevector((a), (b), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b)                                                                                 \
    __builtin_shufflevector((a), (b), 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/* m[r][c] -> m[c][r]: four perfect shuffles of the 256 bytes. */
static inline void transpose(vec *m)
{
    vec t[16];
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < 8; i++) {
            t[2 * i] = LOW(m[i], m[i + 8]);
            t[2 * i + 1] = HIGH(m[i], m[i + 8]);
        }
        memcpy(m, t, sizeof t);
    }
}

/* Bytes [byte, byte + 16) of groups x 16 rows -> line[s][j] = call of sample 4 * byte + s, row j,
 * for 64 samples. Rows end at `stride`; what lies behind is read as zeros. */
static void decode_window(const uint8_t *const *row, size_t groups, uint64_t byte, uint64_t stride,
                          uint8_t *const *line)
{
    vec packed[PACKED][WIDTH / LANES];
    for (size_t group = 0; group < groups; group++) {
        vec block[LANES];
        for (size_t r = 0; r < LANES; r++) {
            const uint8_t *from = row[LANES * group + r] + byte;
            __builtin_prefetch(from + AHEAD);
            if (byte + PACKED <= stride) {
                block[r] = *(const vec_unaligned *)from;
            } else {
                block[r] = (vec){0};
                memcpy(&block[r], from, (size_t)(stride - byte));
            }
            block[r] = recode(block[r]);
        }
        transpose(block);
        for (size_t p = 0; p < PACKED; p++)
            packed[p][group] = block[p];
    }
    for (size_t p = 0; p < PACKED; p++)
        for (size_t k = 0; k < 4; k++) {
            vec_unaligned *to = (vec_unaligned *)line[4 * p + k];
            for (size_t group = 0; group < groups; group++)
                to[group] = (packed[p][group] >> (uint8_t)(2 * k)) & 3;
        }
}

/* Number of entries from index[0] on that ascend and lie in the window beginning at `base`. */
static uint32_t run_length(const uint32_t *index, uint32_t count, uint64_t base)
{
    uint32_t n = 1;
    while (n < count && index[n] > index[n - 1] && index[n] < base + SAMPLES)
        n++;
    return n;
}

static void look_up(const uint8_t *const *row, uint32_t sample, uint32_t variants, uint8_t *out)
{
    static const uint8_t count_of[4] = {2, HEL_CALL_MISSING, 1, 0};
    uint32_t byte = sample / 4, shift = 2 * (sample % 4);
    for (uint32_t j = 0; j < variants; j++) {
        __builtin_prefetch(row[j] + byte + AHEAD);
        out[j] = count_of[row[j][byte] >> shift & 3];
    }
}

/* One chunk of at most 256 variants for all samples; row[] is filled up to a multiple of 16. */
static void tile_chunk(const uint8_t *const *row, uint32_t variants, uint64_t stride,
                       const uint32_t *sample_index, uint32_t samples, uint8_t *out,
                       size_t out_stride)
{
    uint8_t scratch[SAMPLES][WIDTH];
    uint8_t *line[SAMPLES];
    int whole = variants % LANES == 0; /* else lines would run over the end of the output's */
    for (uint32_t i = 0, n; i < samples; i += n) {
        uint64_t base = sample_index[i] & ~(uint32_t)3;
        n = run_length(sample_index + i, samples - i, base);
        uint8_t *to = out + (size_t)i * out_stride;
        if (n < WINDOW_MINIMUM) {
            for (uint32_t s = 0; s < n; s++)
                look_up(row, sample_index[i + s], variants, to + s * out_stride);
            continue;
        }
        for (uint32_t s = 0; s < SAMPLES; s++)
            line[s] = scratch[s];
        for (uint32_t s = 0; whole && s < n; s++)
            line[sample_index[i + s] - base] = to + s * out_stride;
        decode_window(row, (variants + LANES - 1) / LANES, base / 4, stride, line);
        for (uint32_t s = 0; !whole && s < n; s++)
            memcpy(to + s * out_stride, scratch[sample_index[i + s] - base], variants);
    }
}

void hel_bed_tile(const hel_bed *bed, const uint32_t *sample_index, uint32_t samples,
                  const uint32_t *variant_index, uint32_t variants, uint8_t *out, size_t out_stride)
{
    const uint8_t *row[WIDTH];
    for (uint32_t j = 0, n; j < variants; j += n) {
        n = variants - j < WIDTH ? variants - j : WIDTH;
        for (uint32_t k = 0; k < n || k % LANES; k++)
            row[k] = bed->map.data + HEAD + variant_index[k < n ? j + k : j] * bed->stride;
        tile_chunk(row, n, bed->stride, sample_index, samples, out + j, out_stride);
    }
}
