/* .fam: one sample per line, "FID IID father mother sex phenotype". */
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/bed.h"
#include "host/geno/id_map.h"
#include "host/geno/text.h"

#define COLUMNS 6

static hel_status parse_line(hel_engine *engine, const hel_text *text, hel_sample *sample)
{
    HEL_REQUIRE(engine, text->token[0][0] != '#', HEL_E_INPUT,
                "%s: line %u: a header or comment; a .fam has none", text->path, text->line);
    HEL_REQUIRE(engine, text->tokens >= COLUMNS, HEL_E_INPUT,
                "%s: line %u: %u columns, a .fam has %d", text->path, text->line, text->tokens,
                COLUMNS);
    char *const *t = text->token;
    HEL_REQUIRE(engine, strcmp(t[1], "0") != 0, HEL_E_INPUT, "%s: line %u: IID 0 names no sample",
                text->path, text->line);
    sample->fid = t[0];
    sample->iid = t[1];
    sample->sex = strcmp(t[4], "1") == 0 ? 1 : strcmp(t[4], "2") == 0 ? 2 : 0;
    hel_number number = hel_text_number(t[5], &sample->phenotype);
    HEL_REQUIRE(engine, number == HEL_NUMBER_OK || hel_text_is_missing(t[5]), HEL_E_INPUT,
                "%s: line %u: phenotype '%.40s' is not a finite number", text->path, text->line,
                t[5]);
    return HEL_OK;
}

hel_status hel_fam_read(hel_engine *engine, const char *path, hel_samples *out)
{
    hel_text text;
    hel_id_map ids = {0};
    int more;
    *out = (hel_samples){0};
    HEL_TRY(hel_text_open(engine, &text, path));
    hel_status status = hel_malloc(engine, &out->item, text.lines, sizeof *out->item);
    while (status == HEL_OK) {
        HEL_TRY_GOTO(hel_text_next(engine, &text, &more), done);
        if (!more)
            break;
        hel_sample *sample = &out->item[out->count];
        HEL_TRY_GOTO(parse_line(engine, &text, sample), done);
        uint32_t before;
        HEL_TRY_GOTO(hel_id_map_put(engine, &ids, sample->fid, sample->iid, out->count, &before),
                     done);
        if (before != HEL_ID_NONE) {
            status = hel_fail(engine, HEL_E_INPUT,
                              "%s: line %u: sample '%.60s %.60s' stands in line %u already", path,
                              text.line, sample->fid, sample->iid, before + 1);
            goto done;
        }
        out->count++;
    }
    out->text = hel_text_detach(&text);
done:
    hel_text_close(&text);
    hel_id_map_free(&ids);
    if (status != HEL_OK)
        hel_samples_free(out);
    return status;
}

void hel_samples_free(hel_samples *s)
{
    hel_free(s->item);
    hel_free(s->text);
    *s = (hel_samples){0};
}

hel_status hel_samples_subset(hel_engine *engine, const hel_samples *s, const uint32_t *index,
                              uint32_t count, hel_samples *out)
{
    *out = (hel_samples){0};
    for (uint32_t i = 0; i < count; i++)
        HEL_REQUIRE(engine, index[i] < s->count, HEL_E_INTERNAL, "subset: sample %u of %u",
                    index[i], s->count);
    HEL_TRY(hel_malloc(engine, &out->item, count, sizeof *out->item));
    for (uint32_t i = 0; i < count; i++)
        out->item[i] = s->item[index[i]];
    out->count = count;
    return HEL_OK;
}
