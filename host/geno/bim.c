/* .bim: one variant per line, "chromosome id cM position A1 A2". */
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/bed.h"
#include "host/geno/text.h"

#define COLUMNS      6
#define POSITION_MAX 2147483646

/* A decimal integer within +-POSITION_MAX and nothing after it. */
static int parse_position(const char *token, int64_t *out)
{
    const char *p = token + (*token == '-');
    int64_t value = 0;
    if (!*p)
        return 0;
    for (; *p >= '0' && *p <= '9' && value <= POSITION_MAX; p++)
        value = value * 10 + (*p - '0');
    *out = *token == '-' ? -value : value;
    return !*p && value <= POSITION_MAX;
}

static hel_status parse_line(hel_engine *engine, const hel_text *text, hel_variant *variant)
{
    HEL_REQUIRE(engine, text->tokens >= COLUMNS, HEL_E_INPUT,
                "%s: line %u: %u columns, a .bim has %d", text->path, text->line, text->tokens,
                COLUMNS);
    char *const *t = text->token;
    *variant = (hel_variant){.chrom = t[0], .id = t[1], .a1 = t[4], .a2 = t[5]};
    HEL_REQUIRE(engine, hel_text_number(t[2], &variant->cm) == HEL_NUMBER_OK, HEL_E_INPUT,
                "%s: line %u: centimorgan position '%.40s' is not a finite number", text->path,
                text->line, t[2]);
    HEL_REQUIRE(engine, parse_position(t[3], &variant->pos), HEL_E_INPUT,
                "%s: line %u: base-pair position '%.40s' is not an integer within +-%d", text->path,
                text->line, t[3], POSITION_MAX);
    return HEL_OK;
}

hel_status hel_bim_read(hel_engine *engine, const char *path, hel_variants *out)
{
    hel_text text;
    int more;
    *out = (hel_variants){0};
    HEL_TRY(hel_text_open(engine, &text, path));
    hel_status status = hel_malloc(engine, &out->item, text.lines, sizeof *out->item);
    if (status == HEL_OK)
        status = hel_text_first(engine, &text, &more); /* plink2 passes over leading comments */
    while (status == HEL_OK && more) {
        status = parse_line(engine, &text, &out->item[out->count]);
        if (status == HEL_OK) {
            out->count++;
            status = hel_text_next(engine, &text, &more);
        }
    }
    if (status == HEL_OK && !out->count)
        status = hel_fail(engine, HEL_E_INPUT, "%s: line %u: no variants", path, text.line);
    if (status == HEL_OK)
        out->text = hel_text_detach(&text);
    else
        hel_variants_free(out);
    hel_text_close(&text);
    return status;
}

void hel_variants_free(hel_variants *v)
{
    hel_free(v->item);
    hel_free(v->text);
    *v = (hel_variants){0};
}

hel_status hel_variants_subset(hel_engine *engine, const hel_variants *v, const uint32_t *index,
                               uint32_t count, hel_variants *out)
{
    *out = (hel_variants){0};
    for (uint32_t i = 0; i < count; i++)
        HEL_REQUIRE(engine, index[i] < v->count, HEL_E_INTERNAL, "subset: variant %u of %u",
                    index[i], v->count);
    HEL_TRY(hel_malloc(engine, &out->item, count, sizeof *out->item));
    for (uint32_t i = 0; i < count; i++)
        out->item[i] = v->item[index[i]];
    out->count = count;
    return HEL_OK;
}
