/* One lane: takes units until none is left; a checkpoint may come at the border of every tile. */
#include "host/assoc/scan_private.h"

static hel_status begin_unit(struct scan *s)
{
    const scan_unit *unit = hel_scan_taken(s, s->at.unit);
    if (unit->samples)
        HEL_TRY(hel_scan_restore(s, unit));
    else
        HEL_TRY(s->ops->clear(s));
    hel_scan_check_range(s);
    return HEL_OK;
}

/* The step at hand meets its super-blocks: all in one go, or one by one where a check looks. */
static hel_status meet(struct scan *s, const scan_step *next)
{
    if (!s->check)
        return s->ops->accumulate(s, s->at.super_first, s->at.supers, next);
    for (s->super = s->at.super_first; s->super < s->at.super_first + s->at.supers; s->super++) {
        HEL_TRY(hel_scan_check_before(s));
        HEL_TRY(s->ops->accumulate(s, s->super, 1, NULL));
        HEL_TRY(hel_scan_check_after(s));
    }
    return HEL_OK;
}

/* Finished blocks of the range, into the file. */
static hel_status finish_unit(struct scan *s)
{
    const scan_unit *unit = hel_scan_taken(s, s->at.unit);
    for (uint32_t first = 0, count; first < s->at.range_count; first += count) {
        count = s->at.range_count - first;
        count = count < s->result_blocks ? count : s->result_blocks;
        const uint64_t in_flight = s->in_flight; /* not any more, once its sums have arrived */
        HEL_TRY(s->ops->finish(s, first, count, s->result));
        HEL_TRY(hel_scan_check_sums(s, first, count, s->result));
        HEL_TRY(hel_scan_sums_put(s, unit, first, count, s->result));
        if (in_flight)
            HEL_TRY(hel_scan_progress(s, 0));
    }
    return HEL_OK;
}

static hel_status run_steps(struct scan *s)
{
    scan_step next;
    int more = hel_scan_step_first(s, &s->at);
    while (more) {
        if (s->at.begins_unit)
            HEL_TRY(begin_unit(s));
        more = hel_scan_step_next(s, &s->at, &next);
        HEL_TRY(s->ops->expand(s));
        hel_scan_check_batch(s);
        HEL_TRY(meet(s, more ? &next : NULL));
        if (s->at.ends_unit)
            HEL_TRY(finish_unit(s));
        if (s->at.ends_tile)
            HEL_TRY(hel_scan_pause(s, s->at.tile_first + s->at.tile_samples));
        if (more)
            s->at = next;
    }
    return HEL_OK;
}

hel_status hel_scan_lane_run(struct scan *s)
{
    const scan_where where = hel_scan_place_thread(s);
    hel_status status = hel_scan_feed_start(s);
    if (status == HEL_OK)
        status = run_steps(s);
    if (status == HEL_OK)
        status = s->ops->account(s);
    hel_scan_pause_leave(s, status);
    hel_scan_place_back(&where);
    return status;
}
