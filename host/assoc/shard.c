/* See shard.h. */
#include "host/assoc/shard.h"

#include <stdio.h>

#define SHARD_VERSION    1u
#define WHOLE_SUPERS     8u /* super-blocks of a shard from which its borders lie on theirs */
#define FILE_ID_LABEL    "heloci sums 1"
#define SHARD_NAME_BYTES 32

static uint32_t border(const hel_geno_layout *geno, uint32_t k, uint32_t shards)
{
    const uint64_t blocks = geno->blocks, super = geno->super_block;
    uint64_t at = blocks * k / shards;
    if (k > 0 && k < shards && blocks / shards >= WHOLE_SUPERS * super)
        at = (at + super / 2) / super * super;
    return (uint32_t)at;
}

hel_status hel_shard_range(hel_engine *engine, const hel_geno_layout *geno, uint32_t shard,
                           uint32_t shards, uint32_t *first, uint32_t *count)
{
    HEL_REQUIRE(engine, shard >= 1 && shard <= shards, HEL_E_USAGE,
                "scan: shard %u of %u, the rule is 1 to %u", shard, shards, shards);
    HEL_REQUIRE(engine, shards <= geno->blocks, HEL_E_USAGE,
                "scan: %u shards, but there are %u blocks of %u variants to divide; at most %u "
                "shards",
                shards, geno->blocks, 1u << geno->log_n, geno->blocks);
    *first = border(geno, shard - 1, shards);
    *count = border(geno, shard, shards) - *first;
    return HEL_OK;
}

hel_status hel_shard_path(hel_engine *engine, char **out, const char *prefix, uint32_t shard,
                          uint32_t shards, const char *suffix)
{
    char name[SHARD_NAME_BYTES + 32];
    const int width = snprintf(NULL, 0, "%u", shards);
    if (shards)
        snprintf(name, sizeof name, ".%0*u-of-%u%.24s", width, shard, shards, suffix);
    else
        snprintf(name, sizeof name, "%.24s", suffix);
    return hel_path_join(engine, out, prefix, name);
}

hel_status hel_shard_encode(hel_engine *engine, const hel_shard *s, hel_buf *out)
{
    const uint32_t words[] = {SHARD_VERSION, s->shard, s->shards, s->first, s->count, 0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        HEL_TRY(hel_buf_put_u32(engine, out, words[i]));
    return hel_buf_put(engine, out, s->evk_content, HEL_DIGEST_BYTES);
}

hel_status hel_shard_decode(hel_engine *engine, const uint8_t *data, size_t bytes, uint32_t blocks,
                            hel_shard *s)
{
    hel_cursor c = {.data = data, .bytes = bytes};
    const uint32_t version = hel_cursor_u32(&c);
    *s = (hel_shard){0};
    s->shard = hel_cursor_u32(&c);
    s->shards = hel_cursor_u32(&c);
    s->first = hel_cursor_u32(&c);
    s->count = hel_cursor_u32(&c);
    (void)hel_cursor_u32(&c);
    const uint8_t *evk = hel_cursor_take(&c, HEL_DIGEST_BYTES);
    HEL_REQUIRE(engine, evk && c.at == bytes && version == SHARD_VERSION, HEL_E_FORMAT,
                "shard: truncated or of another version");
    memcpy(s->evk_content, evk, HEL_DIGEST_BYTES);
    HEL_REQUIRE(engine,
                s->shard >= 1 && s->shard <= s->shards && s->shards <= blocks && s->count >= 1 &&
                    s->first < blocks && s->count <= blocks - s->first,
                HEL_E_FORMAT, "shard: a field is out of its range");
    return HEL_OK;
}

hel_status hel_sums_file_id(hel_engine *engine, const hel_sums_layout *layout,
                            const uint8_t evk_content[HEL_DIGEST_BYTES], uint32_t first,
                            uint32_t count, uint8_t id[HEL_DIGEST_BYTES])
{
    hel_buf text = {0};
    hel_status status = hel_buf_put_string(engine, &text, FILE_ID_LABEL);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &text, layout->geno_content, HEL_DIGEST_BYTES);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &text, layout->weights_content, HEL_DIGEST_BYTES);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &text, evk_content, HEL_DIGEST_BYTES);
    if (status == HEL_OK)
        status = hel_buf_put_u32(engine, &text, first);
    if (status == HEL_OK)
        status = hel_buf_put_u32(engine, &text, count);
    if (status == HEL_OK)
        status = hel_sha256_once(engine, text.data, text.bytes, id);
    hel_buf_free(&text);
    return status;
}
