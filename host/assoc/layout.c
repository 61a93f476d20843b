/* Encodings of the layout sections; every number of an untrusted file is checked here. */
#include "host/assoc/layout.h"

#include "host/base/mem.h"

#define LAYOUT_VERSION 1u

static int small_ring(uint32_t log_n, uint32_t limbs)
{
    return log_n >= HEL_LOG_N_MIN && log_n <= HEL_LOG_N_MAX && limbs >= 1 && limbs <= 8;
}

int hel_plane_centre(hel_plane plane)
{
    return plane == HEL_PLANE_G2 ? 2 : 0;
}

/* ---- genotypes ---- */

hel_status hel_geno_layout_init(hel_engine *engine, hel_geno_layout *l)
{
    const uint32_t all = (1u << HEL_PLANES) - 1, needed = 1u << HEL_PLANE_G | 1u << HEL_PLANE_G2;
    HEL_REQUIRE(engine,
                small_ring(l->log_n, l->limbs) && (l->planes & ~all) == 0 &&
                    (l->planes & needed) == needed && l->super_block >= 1 &&
                    l->super_block <= 1024 && l->samples >= 1 && l->samples < UINT32_MAX &&
                    l->variants >= 1 && l->variants < UINT32_MAX,
                HEL_E_FORMAT, "genotype layout: a field is out of its range");
    l->plane_count = (uint32_t)__builtin_popcount(l->planes);
    l->blocks = (uint32_t)((l->variants + ((uint64_t)1 << l->log_n) - 1) >> l->log_n);
    l->poly_words = (uint64_t)l->limbs << l->log_n;
    return HEL_OK;
}

hel_status hel_geno_layout_encode(hel_engine *engine, const hel_geno_layout *l, hel_buf *out)
{
    const uint32_t words[] = {LAYOUT_VERSION, l->log_n, l->limbs, l->planes, l->super_block, 0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        HEL_TRY(hel_buf_put_u32(engine, out, words[i]));
    HEL_TRY(hel_buf_put_u64(engine, out, l->samples));
    return hel_buf_put_u64(engine, out, l->variants);
}

static hel_status body_must_be(hel_engine *engine, const char *what, uint64_t body_bytes,
                               uint64_t polys, uint64_t poly_words)
{
    uint64_t bytes;
    int overflow = __builtin_mul_overflow(polys, poly_words * 4, &bytes);
    HEL_REQUIRE(engine, !overflow && (body_bytes == UINT64_MAX || bytes == body_bytes),
                HEL_E_FORMAT, "%s: the ciphertext section has %llu bytes, its layout needs %llu",
                what, (unsigned long long)body_bytes, (unsigned long long)bytes);
    return HEL_OK;
}

hel_status hel_geno_layout_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                                  uint64_t body_bytes, hel_geno_layout *l)
{
    hel_cursor c = {.data = data, .bytes = bytes};
    uint32_t version = hel_cursor_u32(&c);
    *l = (hel_geno_layout){0};
    l->log_n = hel_cursor_u32(&c);
    l->limbs = hel_cursor_u32(&c);
    l->planes = hel_cursor_u32(&c);
    l->super_block = hel_cursor_u32(&c);
    (void)hel_cursor_u32(&c);
    l->samples = hel_cursor_u64(&c);
    l->variants = hel_cursor_u64(&c);
    HEL_REQUIRE(engine, !c.bad && version == LAYOUT_VERSION, HEL_E_FORMAT,
                "genotype layout: truncated or of another version");
    HEL_TRY(hel_geno_layout_init(engine, l));
    return body_must_be(engine, "genotypes", body_bytes, l->samples * l->plane_count * l->blocks,
                        l->poly_words);
}

uint32_t hel_geno_super_blocks(const hel_geno_layout *l)
{
    return (l->blocks + l->super_block - 1) / l->super_block;
}

uint32_t hel_geno_blocks_in(const hel_geno_layout *l, uint32_t s)
{
    uint32_t first = s * l->super_block;
    return l->blocks - first < l->super_block ? l->blocks - first : l->super_block;
}

uint64_t hel_geno_row(const hel_geno_layout *l, uint32_t s, uint64_t sample)
{
    uint64_t before = (uint64_t)s * l->super_block * l->samples;
    return (before + sample * hel_geno_blocks_in(l, s)) * l->plane_count;
}

uint32_t hel_geno_plane_index(const hel_geno_layout *l, hel_plane plane)
{
    return (uint32_t)__builtin_popcount(l->planes & ((1u << plane) - 1));
}

/* ---- weights ---- */

hel_status hel_weights_layout_init(hel_engine *engine, hel_weights_layout *l)
{
    const uint32_t all = (1u << HEL_PLANES) - 1;
    HEL_REQUIRE(engine,
                small_ring(l->log_n, l->limbs) && l->segment == HEL_SEGMENT && l->chunk >= 1 &&
                    l->chunk % HEL_SEGMENT == 0 && l->chunk <= 1u << 24 && l->columns >= 1 &&
                    l->columns <= 65536 && (l->planes & ~all) == 0 && l->samples >= 1 &&
                    l->samples < UINT32_MAX,
                HEL_E_FORMAT, "weights layout: a field is out of its range");
    l->chunks = (uint32_t)((l->samples + l->chunk - 1) / l->chunk);
    l->poly_words = (uint64_t)l->limbs << l->log_n;
    return HEL_OK;
}

hel_status hel_weights_layout_encode(hel_engine *engine, const hel_weights_layout *l, hel_buf *out)
{
    const uint32_t words[] = {LAYOUT_VERSION, l->log_n,   l->limbs,  l->segment,
                              l->chunk,       l->columns, l->planes, 0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        HEL_TRY(hel_buf_put_u32(engine, out, words[i]));
    return hel_buf_put_u64(engine, out, l->samples);
}

uint32_t hel_chunk_samples(const hel_weights_layout *l, uint32_t chunk)
{
    uint64_t left = l->samples - (uint64_t)chunk * l->chunk;
    return left < l->chunk ? (uint32_t)left : l->chunk;
}

uint32_t hel_chunk_segments(const hel_weights_layout *l, uint32_t chunk)
{
    return (hel_chunk_samples(l, chunk) + l->segment - 1) / l->segment;
}

uint64_t hel_chunk_weights(const hel_weights_layout *l, uint32_t chunk)
{
    return (uint64_t)hel_chunk_segments(l, chunk) * l->segment * l->columns;
}

uint64_t hel_chunk_ciphertexts(const hel_weights_layout *l, uint32_t chunk)
{
    return (hel_chunk_weights(l, chunk) + ((uint64_t)1 << l->log_n) - 1) >> l->log_n;
}

uint64_t hel_chunk_first(const hel_weights_layout *l, uint32_t chunk)
{
    return chunk == 0 ? 0 : chunk * hel_chunk_ciphertexts(l, 0); /* only the last may be short */
}

hel_status hel_weights_layout_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                                     uint64_t body_bytes, hel_weights_layout *l)
{
    hel_cursor c = {.data = data, .bytes = bytes};
    uint32_t version = hel_cursor_u32(&c);
    *l = (hel_weights_layout){0};
    l->log_n = hel_cursor_u32(&c);
    l->limbs = hel_cursor_u32(&c);
    l->segment = hel_cursor_u32(&c);
    l->chunk = hel_cursor_u32(&c);
    l->columns = hel_cursor_u32(&c);
    l->planes = hel_cursor_u32(&c);
    (void)hel_cursor_u32(&c);
    l->samples = hel_cursor_u64(&c);
    HEL_REQUIRE(engine, !c.bad && version == LAYOUT_VERSION, HEL_E_FORMAT,
                "weights layout: truncated or of another version");
    HEL_TRY(hel_weights_layout_init(engine, l));
    uint64_t polys = hel_chunk_first(l, l->chunks - 1) + hel_chunk_ciphertexts(l, l->chunks - 1);
    return body_must_be(engine, "weights", body_bytes, polys, l->poly_words);
}

hel_status hel_outputs_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                              const hel_weights_layout *l, hel_output **output, uint32_t *count)
{
    *output = NULL;
    *count = 0;
    HEL_REQUIRE(engine, bytes == 4 * (size_t)l->columns, HEL_E_FORMAT,
                "weights: the section of columns has %zu bytes for %u columns", bytes, l->columns);
    HEL_TRY(hel_malloc(engine, output, (size_t)l->columns * HEL_PLANES, sizeof **output));
    for (uint32_t c = 0; c < l->columns; c++) {
        uint32_t planes = hel_get_u32(data + 4 * (size_t)c);
        if (planes == 0 || (planes & ~l->planes) != 0) {
            hel_free(*output);
            *output = NULL;
            return hel_fail(engine, HEL_E_FORMAT,
                            "weights: column %u names a plane that the dataset lacks", c);
        }
        for (uint32_t p = 0; p < HEL_PLANES; p++)
            if (planes >> p & 1)
                (*output)[(*count)++] = (hel_output){.column = c, .plane = (hel_plane)p};
    }
    return HEL_OK;
}

/* ---- sums ---- */

hel_status hel_sums_layout_encode(hel_engine *engine, const hel_sums_layout *l, hel_buf *out)
{
    const uint32_t words[] = {LAYOUT_VERSION, l->log_n,   l->limbs,   l->chunks,
                              l->blocks,      l->outputs, l->columns, 0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        HEL_TRY(hel_buf_put_u32(engine, out, words[i]));
    HEL_TRY(hel_buf_put_u64(engine, out, l->variants));
    HEL_TRY(hel_buf_put(engine, out, l->geno_content, HEL_DIGEST_BYTES));
    return hel_buf_put(engine, out, l->weights_content, HEL_DIGEST_BYTES);
}

hel_status hel_sums_layout_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                                  uint64_t body_bytes, hel_sums_layout *l)
{
    hel_cursor c = {.data = data, .bytes = bytes};
    uint32_t version = hel_cursor_u32(&c);
    *l = (hel_sums_layout){0};
    l->log_n = hel_cursor_u32(&c);
    l->limbs = hel_cursor_u32(&c);
    l->chunks = hel_cursor_u32(&c);
    l->blocks = hel_cursor_u32(&c);
    l->outputs = hel_cursor_u32(&c);
    l->columns = hel_cursor_u32(&c);
    (void)hel_cursor_u32(&c);
    l->variants = hel_cursor_u64(&c);
    const uint8_t *geno = hel_cursor_take(&c, HEL_DIGEST_BYTES);
    const uint8_t *weights = hel_cursor_take(&c, HEL_DIGEST_BYTES);
    HEL_REQUIRE(engine, geno && weights && version == LAYOUT_VERSION, HEL_E_FORMAT,
                "sums layout: truncated or of another version");
    memcpy(l->geno_content, geno, HEL_DIGEST_BYTES);
    memcpy(l->weights_content, weights, HEL_DIGEST_BYTES);
    HEL_REQUIRE(engine,
                small_ring(l->log_n, l->limbs) && l->chunks >= 1 && l->chunks <= 1u << 20 &&
                    l->blocks >= 1 && l->blocks <= 1u << 22 && l->outputs >= 1 &&
                    l->outputs <= 65536 * HEL_PLANES && l->variants >= 1,
                HEL_E_FORMAT, "sums layout: a field is out of its range");
    return body_must_be(engine, "sums", body_bytes,
                        (uint64_t)l->chunks * l->blocks * l->outputs * 2,
                        (uint64_t)l->limbs << l->log_n);
}
