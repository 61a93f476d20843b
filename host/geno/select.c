/* --keep, --remove, --extract, --exclude. */
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/id_map.h"
#include "host/geno/id_match.h"
#include "host/geno/table.h"
#include "host/geno/text.h"

/* --- samples --- */

/* One line of an ID list. ids = ID columns by the header: 0 no header (one token is an IID, two
 * or more begin with FID IID), 1 IID, 2 FID IID. */
static hel_status id_line(hel_engine *engine, const hel_text *t, uint32_t ids, hel_sample *out)
{
    HEL_REQUIRE(engine, t->tokens >= ids, HEL_E_INPUT, "%s: line %u: no IID after the FID", t->path,
                t->line);
    int with_fid = ids == 2 || (ids == 0 && t->tokens >= 2);
    *out = (hel_sample){.fid = with_fid ? t->token[0] : "0", .iid = t->token[with_fid]};
    return HEL_OK;
}

static hel_status read_id_list(hel_engine *engine, const char *path, hel_samples *out)
{
    hel_text t;
    int more;
    uint32_t ids = 0;
    *out = (hel_samples){0};
    HEL_TRY(hel_text_open(engine, &t, path));
    hel_status status = hel_malloc(engine, &out->item, t.lines, sizeof *out->item);
    if (status == HEL_OK)
        status = hel_text_first(engine, &t, &more);
    if (status == HEL_OK && more) {
        const char *first = t.token[0] + (t.token[0][0] == '#');
        if (strcmp(first, "IID") == 0)
            ids = 1;
        else if (strcmp(first, "FID") == 0 && t.tokens >= 2 && strcmp(t.token[1], "IID") == 0)
            ids = 2;
        if (ids)
            status = hel_text_next(engine, &t, &more);
    }
    while (status == HEL_OK && more) {
        status = id_line(engine, &t, ids, &out->item[out->count]);
        if (status == HEL_OK) {
            out->count++;
            status = hel_text_next(engine, &t, &more);
        }
    }
    if (status == HEL_OK && !out->count)
        status = hel_fail(engine, HEL_E_INPUT, "%s: line %u: no sample IDs", path, t.line);
    if (status == HEL_OK)
        out->text = hel_text_detach(&t);
    else
        hel_samples_free(out);
    hel_text_close(&t);
    return status;
}

/* marked[i] = 1 for every sample that the list names. */
static hel_status mark_samples(hel_engine *engine, const void *items, const char *path,
                               uint8_t *marked, uint32_t *unmatched)
{
    const hel_samples *samples = items;
    hel_samples list;
    uint32_t *sample_of = NULL, matched = 0;
    HEL_TRY(read_id_list(engine, path, &list));
    hel_status status = hel_malloc(engine, &sample_of, list.count, sizeof *sample_of);
    if (status == HEL_OK)
        status = hel_id_match(engine, path, list.item, list.count, samples->item, samples->count,
                              sample_of, &matched);
    for (uint32_t i = 0; status == HEL_OK && i < list.count; i++)
        if (sample_of[i] != HEL_ID_NONE)
            marked[sample_of[i]] = 1;
    *unmatched += list.count - matched;
    hel_free(sample_of);
    hel_samples_free(&list);
    return status;
}

/* --- variants --- */

/* marked[i] = 1 for every variant that the list names. */
static hel_status mark_variants(hel_engine *engine, const void *items, const char *path,
                                uint8_t *marked, uint32_t *unmatched)
{
    const hel_variants *variants = items;
    hel_text t;
    hel_id_map ids = {0};
    uint8_t *hit = NULL;
    uint32_t listed = 0, before;
    int more;
    HEL_TRY(hel_text_open(engine, &t, path));
    hel_status status = HEL_OK;
    for (;;) {
        HEL_TRY_GOTO(hel_text_next(engine, &t, &more), done);
        if (!more)
            break;
        for (uint32_t k = 0; k < t.tokens; k++) {
            HEL_TRY_GOTO(hel_id_map_put(engine, &ids, "", t.token[k], listed, &before), done);
            listed += before == HEL_ID_NONE;
        }
    }
    HEL_TRY_GOTO(hel_calloc(engine, &hit, listed, 1), done);
    *unmatched += listed;
    for (uint32_t j = 0; j < variants->count; j++) {
        uint32_t id = hel_id_map_get(&ids, "", variants->item[j].id);
        marked[j] = id != HEL_ID_NONE;
        if (id != HEL_ID_NONE && !hit[id]) {
            hit[id] = 1;
            --*unmatched;
        }
    }
done:
    hel_free(hit);
    hel_id_map_free(&ids);
    hel_text_close(&t);
    return status;
}

/* --- both --- */

typedef hel_status (*mark_fn)(hel_engine *engine, const void *items, const char *path,
                              uint8_t *marked, uint32_t *unmatched);

/* chosen[i] &= (i in `in`) and not (i in `out`). */
static hel_status filter(hel_engine *engine, mark_fn mark, const void *items, uint32_t count,
                         const char *in, const char *out, uint8_t *chosen, uint32_t *unmatched)
{
    uint8_t *marked;
    HEL_TRY(hel_calloc(engine, &marked, count, 1));
    hel_status status = HEL_OK;
    if (in)
        status = mark(engine, items, in, marked, unmatched);
    for (uint32_t i = 0; in && i < count; i++)
        chosen[i] &= marked[i];
    memset(marked, 0, count);
    if (out && status == HEL_OK)
        status = mark(engine, items, out, marked, unmatched);
    for (uint32_t i = 0; out && i < count; i++)
        chosen[i] &= !marked[i];
    hel_free(marked);
    return status;
}

/* Ascending indices of what is chosen; `rule` describes an empty result. */
static hel_status collect(hel_engine *engine, const uint8_t *chosen, uint32_t total, const char *in,
                          const char *out, const char *rule, uint32_t **index, uint32_t *count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < total; i++)
        n += chosen[i];
    HEL_REQUIRE(engine, n > 0, HEL_E_INPUT, "%s%s%s: %s", in ? in : "", in && out ? ", " : "",
                out ? out : (in ? "" : "selection"), rule);
    HEL_TRY(hel_malloc(engine, index, n, sizeof **index));
    for (uint32_t i = 0; i < total; i++)
        if (chosen[i])
            (*index)[(*count)++] = i;
    return HEL_OK;
}

hel_status hel_samples_select(hel_engine *engine, const hel_samples *samples, const char *keep,
                              const char *remove, uint32_t **index, uint32_t *count,
                              uint32_t *unmatched)
{
    uint8_t *chosen;
    uint32_t missed = 0;
    *index = NULL;
    *count = 0;
    HEL_TRY(hel_malloc(engine, &chosen, samples->count, 1));
    memset(chosen, 1, samples->count);
    hel_status status =
        filter(engine, mark_samples, samples, samples->count, keep, remove, chosen, &missed);
    if (status == HEL_OK)
        status = collect(engine, chosen, samples->count, keep, remove,
                         "no sample is left by keep and remove", index, count);
    if (status == HEL_OK && unmatched)
        *unmatched = missed;
    hel_free(chosen);
    return status;
}

hel_status hel_variants_select(hel_engine *engine, const hel_variants *variants,
                               const char *extract, const char *exclude, uint32_t **index,
                               uint32_t *count, uint32_t *unmatched)
{
    uint8_t *chosen;
    uint32_t missed = 0;
    *index = NULL;
    *count = 0;
    HEL_TRY(hel_malloc(engine, &chosen, variants->count, 1));
    for (uint32_t j = 0; j < variants->count; j++)
        chosen[j] = variants->item[j].pos >= 0;
    hel_status status =
        filter(engine, mark_variants, variants, variants->count, extract, exclude, chosen, &missed);
    if (status == HEL_OK)
        status = collect(engine, chosen, variants->count, extract, exclude,
                         "no variant is left by extract, exclude and non-negative positions", index,
                         count);
    if (status == HEL_OK && unmatched)
        *unmatched = missed;
    hel_free(chosen);
    return status;
}
