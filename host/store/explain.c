/* The frame of a file in words (explain.h), and hel_verify_file. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "host/store/container_private.h"
#include "host/store/explain.h"
#include "host/store/keyfile_private.h"

typedef unsigned long long ull;

hel_status hel_explain(const hel_explainer *to, const char *name, const char *format, ...)
{
    char value[400], line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%-16s %s\n", name, value);
    if (to->out(to->arg, line))
        return hel_fail(to->engine, HEL_E_CANCELLED, "inspect: stopped on request");
    return HEL_OK;
}

hel_status hel_explain_digest(const hel_explainer *to, const char *name, const uint8_t *data,
                              size_t bytes)
{
    char hex[2 * HEL_DIGEST_BYTES + 1];
    uint8_t any = 0;
    for (size_t i = 0; i < bytes; i++)
        any |= data[i];
    if (!any)
        return HEL_OK; /* the kind has no such thing */
    hel_hex(hex, data, bytes);
    return hel_explain(to, name, "%s", hex);
}

static hel_status explain_time(const hel_explainer *to, uint64_t unix_seconds)
{
    struct tm tm;
    time_t seconds = (time_t)unix_seconds;
    if (unix_seconds == 0)
        return hel_explain(to, "created", "not stated: equal scans give equal files");
    if (unix_seconds > 253402300799u || !gmtime_r(&seconds, &tm)) /* beyond the year 9999 */
        return hel_explain(to, "created", "%llu seconds after 1970", (ull)unix_seconds);
    return hel_explain(to, "created", "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static hel_status explain_head(hel_reader *r, const hel_explainer *to)
{
    const hel_head *h = hel_reader_head(r);
    int secret = hel_kind_is_secret(h->kind);
    HEL_TRY(hel_explain(to, "file", "%s", hel_reader_path(r)));
    HEL_TRY(hel_explain(to, "kind", "%s (%s)", hel_kind_name(h->kind),
                        secret ? "owner only" : "public"));
    HEL_TRY(hel_explain(to, "format version", "%u", HEL_CONTAINER_VERSION));
    HEL_TRY(explain_time(to, h->created_unix));
    HEL_TRY(hel_explain_digest(to, "file id", h->file_id, sizeof h->file_id));
    /* The content digest depends on checksums of secret bytes: not shown for them. */
    if (!secret)
        HEL_TRY(hel_explain_digest(to, "content", hel_reader_content(r), HEL_DIGEST_BYTES));
    HEL_TRY(hel_explain_digest(to, "parameters", h->params, sizeof h->params));
    HEL_TRY(hel_explain_digest(to, "key id", h->key_id, sizeof h->key_id));
    HEL_TRY(hel_explain_digest(to, "seed", h->seed, sizeof h->seed));
    HEL_TRY(hel_explain_digest(to, "of genotypes", h->dataset, sizeof h->dataset));
    HEL_TRY(hel_explain_digest(to, "of weights", h->weights, sizeof h->weights));
    if (h->sample_count)
        HEL_TRY(hel_explain(to, "samples", "%llu", (ull)h->sample_count));
    HEL_TRY(hel_explain_digest(to, "sample order", h->samples, sizeof h->samples));
    if (h->variant_count)
        HEL_TRY(hel_explain(to, "variants", "%llu", (ull)h->variant_count));
    return hel_explain_digest(to, "variant order", h->variants, sizeof h->variants);
}

static hel_status explain_sections(hel_reader *r, const hel_explainer *to)
{
    uint64_t file = hel_reader_file_bytes(r), content = 0;
    uint32_t count = hel_reader_sections(r);
    HEL_TRY(hel_explain(to, "sections", "%u", count));
    for (uint32_t i = 0; i < count; i++) {
        char name[HEL_SECTION_NAME_BYTES], label[HEL_SECTION_NAME_BYTES + 2];
        uint32_t id, chunk;
        uint64_t offset, bytes;
        hel_reader_section_info(r, i, &id, &offset, &bytes, &chunk);
        hel_section_name(name, id);
        snprintf(label, sizeof label, "  %s", name);
        content += bytes;
        HEL_TRY(hel_explain(to, label, "%llu bytes at %llu, checksums per %u bytes", (ull)bytes,
                            (ull)offset, chunk));
    }
    return hel_explain(to, "size", "%llu bytes, of them %llu frame and checksums (%.4f %%)",
                       (ull)file, (ull)(file - content),
                       100.0 * (double)(file - content) / (double)file);
}

hel_status hel_explain_sealing(hel_reader *r, const hel_explainer *to)
{
    const uint8_t *data;
    uint64_t bytes;
    hel_sealing seal;
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_SECRET, &data, &bytes));
    HEL_TRY(hel_sealing_decode(to->engine, &seal, hel_reader_path(r), data, bytes));
    if (seal.mode == HEL_SEALING_PLAIN)
        return hel_explain(to, "secret", "%llu bytes, plain: whoever reads the file has the key",
                           (ull)seal.bytes);
    return hel_explain(to, "secret",
                       "%llu bytes, sealed under a passphrase (scrypt 2^%u, AES-256-GCM)",
                       (ull)seal.bytes, seal.log_n);
}

hel_status hel_explain_frame(hel_reader *r, const hel_explainer *to)
{
    HEL_TRY(explain_head(r, to));
    return explain_sections(r, to);
}

hel_status hel_verify_file(hel_engine *engine, const char *path)
{
    hel_reader *r;
    if (!engine)
        return HEL_E_USAGE;
    hel_error_clear(engine);
    HEL_REQUIRE(engine, path, HEL_E_USAGE, "verify: a path is needed");
    HEL_TRY(hel_reader_open(engine, &r, path, 0));
    hel_status status = hel_reader_check_stage(r, "verify");
    hel_reader_close(r);
    return status;
}
