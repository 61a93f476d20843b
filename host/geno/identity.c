/* Samples and variants as sections of an owner-only container (layout: bed.h). */
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/bed.h"

#define VERSION         1
#define HEAD_BYTES      16
#define SAMPLE_STRINGS  2
#define SAMPLE_BYTES    9 /* sex, phenotype */
#define VARIANT_STRINGS 4
#define VARIANT_BYTES   16 /* position, cM */

static hel_status put_head(hel_engine *engine, hel_buf *out, uint32_t count, uint64_t text_bytes)
{
    HEL_TRY(hel_buf_put_u32(engine, out, VERSION));
    HEL_TRY(hel_buf_put_u32(engine, out, count));
    return hel_buf_put_u64(engine, out, text_bytes);
}

static hel_status put_text(hel_engine *engine, hel_buf *out, const char *text)
{
    return hel_buf_put(engine, out, text, strlen(text) + 1);
}

hel_status hel_samples_encode(hel_engine *engine, const hel_samples *s, hel_buf *out)
{
    uint64_t text_bytes = 0;
    for (uint32_t i = 0; i < s->count; i++)
        text_bytes += strlen(s->item[i].fid) + strlen(s->item[i].iid) + SAMPLE_STRINGS;
    HEL_TRY(put_head(engine, out, s->count, text_bytes));
    for (uint32_t i = 0; i < s->count; i++)
        HEL_TRY(hel_buf_put(engine, out, &s->item[i].sex, 1));
    for (uint32_t i = 0; i < s->count; i++)
        HEL_TRY(hel_buf_put_f64(engine, out, s->item[i].phenotype));
    for (uint32_t i = 0; i < s->count; i++) {
        HEL_TRY(put_text(engine, out, s->item[i].fid));
        HEL_TRY(put_text(engine, out, s->item[i].iid));
    }
    return HEL_OK;
}

hel_status hel_variants_encode(hel_engine *engine, const hel_variants *v, hel_buf *out)
{
    uint64_t text_bytes = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        const hel_variant *x = &v->item[i];
        text_bytes +=
            strlen(x->chrom) + strlen(x->id) + strlen(x->a1) + strlen(x->a2) + VARIANT_STRINGS;
    }
    HEL_TRY(put_head(engine, out, v->count, text_bytes));
    for (uint32_t i = 0; i < v->count; i++)
        HEL_TRY(hel_buf_put_u64(engine, out, (uint64_t)v->item[i].pos));
    for (uint32_t i = 0; i < v->count; i++)
        HEL_TRY(hel_buf_put_f64(engine, out, v->item[i].cm));
    for (uint32_t i = 0; i < v->count; i++) {
        const hel_variant *x = &v->item[i];
        HEL_TRY(put_text(engine, out, x->chrom));
        HEL_TRY(put_text(engine, out, x->id));
        HEL_TRY(put_text(engine, out, x->a1));
        HEL_TRY(put_text(engine, out, x->a2));
    }
    return HEL_OK;
}

/* Checks that the head and the strings fill `bytes` exactly: `count` items of `fixed` bytes and
 * `strings` non-empty strings each. *text receives a copy of the strings. */
static hel_status open_section(hel_engine *engine, const char *what, const uint8_t *data,
                               size_t bytes, size_t fixed, size_t strings, uint32_t *count,
                               char **text)
{
    HEL_REQUIRE(engine, bytes >= HEAD_BYTES && hel_get_u32(data) == VERSION, HEL_E_FORMAT,
                "%s section: head: truncated or not of version %d", what, VERSION);
    *count = hel_get_u32(data + 4);
    uint64_t text_bytes = hel_get_u64(data + 8);
    uint64_t before = HEAD_BYTES + (uint64_t)*count * fixed;
    HEL_REQUIRE(engine, before <= bytes && text_bytes == bytes - before, HEL_E_FORMAT,
                "%s section: length: %zu bytes do not hold %u items", what, bytes, *count);
    const uint8_t *p = data + before;
    uint64_t found = 0;
    for (uint64_t i = 0; i < text_bytes; i++) {
        HEL_REQUIRE(engine, p[i] || (i && p[i - 1]), HEL_E_FORMAT,
                    "%s section: strings: an empty one", what);
        found += p[i] == 0;
    }
    HEL_REQUIRE(engine, found == *count * (uint64_t)strings && (!text_bytes || !p[text_bytes - 1]),
                HEL_E_FORMAT, "%s section: strings: not %zu per item", what, strings);
    HEL_TRY(hel_malloc(engine, text, (size_t)text_bytes, 1));
    memcpy(*text, p, (size_t)text_bytes);
    return HEL_OK;
}

static const char *take(char **text)
{
    char *string = *text;
    *text += strlen(string) + 1;
    return string;
}

hel_status hel_samples_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                              hel_samples *out)
{
    uint32_t count;
    *out = (hel_samples){0};
    HEL_TRY(open_section(engine, "samples", data, bytes, SAMPLE_BYTES, SAMPLE_STRINGS, &count,
                         &out->text));
    hel_status status = hel_calloc(engine, &out->item, count, sizeof *out->item);
    const uint8_t *sex = data + HEAD_BYTES, *phenotype = sex + count;
    char *text = out->text;
    for (uint32_t i = 0; status == HEL_OK && i < count; i++) {
        if (sex[i] > 2)
            status =
                hel_fail(engine, HEL_E_FORMAT, "samples section: item %u: sex code %u", i, sex[i]);
        out->item[i] = (hel_sample){.sex = sex[i], .phenotype = hel_get_f64(phenotype + 8ull * i)};
        out->item[i].fid = take(&text);
        out->item[i].iid = take(&text);
    }
    out->count = count;
    if (status != HEL_OK)
        hel_samples_free(out);
    return status;
}

hel_status hel_variants_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                               hel_variants *out)
{
    uint32_t count;
    *out = (hel_variants){0};
    HEL_TRY(open_section(engine, "variants", data, bytes, VARIANT_BYTES, VARIANT_STRINGS, &count,
                         &out->text));
    hel_status status = hel_calloc(engine, &out->item, count, sizeof *out->item);
    if (status != HEL_OK) {
        hel_variants_free(out);
        return status;
    }
    const uint8_t *pos = data + HEAD_BYTES, *cm = pos + 8ull * count;
    char *text = out->text;
    for (uint32_t i = 0; i < count; i++) {
        hel_variant *x = &out->item[i];
        x->pos = (int64_t)hel_get_u64(pos + 8ull * i);
        x->cm = hel_get_f64(cm + 8ull * i);
        x->chrom = take(&text);
        x->id = take(&text);
        x->a1 = take(&text);
        x->a2 = take(&text);
    }
    out->count = count;
    return HEL_OK;
}
