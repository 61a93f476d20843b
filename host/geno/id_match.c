/* Matching by (FID, IID), or by IID alone where one list has no FIDs. */
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/id_map.h"
#include "host/geno/id_match.h"
#include "host/geno/table.h"

static int has_fids(const hel_sample *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(list[i].fid, "0") != 0)
            return 1;
    return 0;
}

static hel_status twice(hel_engine *engine, const char *name, const char *iid)
{
    return hel_fail(engine, HEL_E_INPUT,
                    "%s: IID '%.60s' would match more than one sample; where one side has no FIDs, "
                    "IIDs must be unique",
                    name, iid);
}

/* `first` and `again` hold one flag or index per item of `to`. */
static hel_status match(hel_engine *engine, const char *name, const hel_sample *from,
                        uint32_t from_count, const hel_sample *to, uint32_t to_count,
                        hel_id_map *map, uint32_t *taken_by, uint8_t *again, int by_fid,
                        uint32_t *to_of, uint32_t *matched)
{
    uint32_t found;
    for (uint32_t i = 0; i < to_count; i++) {
        taken_by[i] = HEL_ID_NONE;
        HEL_TRY(hel_id_map_put(engine, map, by_fid ? to[i].fid : "", to[i].iid, i, &found));
        if (found != HEL_ID_NONE)
            again[found] = 1;
    }
    for (uint32_t i = 0; i < from_count; i++) {
        to_of[i] = found = hel_id_map_get(map, by_fid ? from[i].fid : "", from[i].iid);
        if (found == HEL_ID_NONE)
            continue;
        if (again[found] ||
            (taken_by[found] != HEL_ID_NONE && strcmp(from[taken_by[found]].fid, from[i].fid) != 0))
            return twice(engine, name, from[i].iid);
        taken_by[found] = i;
        ++*matched;
    }
    return HEL_OK;
}

hel_status hel_id_match(hel_engine *engine, const char *name, const hel_sample *from,
                        uint32_t from_count, const hel_sample *to, uint32_t to_count,
                        uint32_t *to_of, uint32_t *matched)
{
    hel_id_map map = {0};
    uint32_t *taken_by = NULL;
    uint8_t *again = NULL;
    *matched = 0;
    hel_status status = hel_malloc(engine, &taken_by, to_count, sizeof *taken_by);
    if (status == HEL_OK)
        status = hel_calloc(engine, &again, to_count, 1);
    if (status == HEL_OK)
        status = match(engine, name, from, from_count, to, to_count, &map, taken_by, again,
                       has_fids(from, from_count) && has_fids(to, to_count), to_of, matched);
    hel_id_map_free(&map);
    hel_free(taken_by);
    hel_free(again);
    return status;
}

hel_status hel_table_join(hel_engine *engine, const hel_table *t, const hel_samples *samples,
                          uint32_t *row_of)
{
    uint32_t matched;
    HEL_TRY(hel_id_match(engine, t->path, samples->item, samples->count, t->row, t->rows, row_of,
                         &matched));
    HEL_REQUIRE(engine, samples->count && t->rows, HEL_E_INPUT, "%s: no rows to join", t->path);
    HEL_REQUIRE(engine, matched > 0, HEL_E_INPUT,
                "%s: none of its %u rows names one of the %u samples (its first row is '%.40s "
                "%.40s', the first sample '%.40s %.40s')",
                t->path, t->rows, samples->count, t->row[0].fid, t->row[0].iid,
                samples->item[0].fid, samples->item[0].iid);
    return HEL_OK;
}
