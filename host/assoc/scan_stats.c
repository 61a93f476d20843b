/* What a scan did, in figures: the lanes' stages and counts added up. */
#include <string.h>

#include "host/assoc/scan_private.h"

static hel_scan_stage *find_stage(hel_scan_stats *t, const char *name, const char *unit)
{
    uint32_t i = 0;
    while (i < t->stages && strcmp(t->stage[i].name, name) != 0)
        i++;
    if (i == HEL_SCAN_STAGES)
        return NULL;
    if (i == t->stages)
        t->stage[t->stages++] = (hel_scan_stage){.name = name, .unit = unit};
    return &t->stage[i];
}

static void add_stage(hel_scan_stats *t, const char *name, const char *unit, const hel_stage *stage,
                      uint32_t workers)
{
    hel_scan_stage *to = find_stage(t, name, unit);
    if (!to)
        return;
    to->busy += hel_stage_busy(stage);
    to->cpu += hel_stage_cpu(stage);
    to->items += atomic_load(&stage->items);
    to->bytes += atomic_load(&stage->bytes);
    to->workers += workers;
}

/* By the device's own clock: its parts run while the host's threads are elsewhere. */
static void add_device_stages(hel_scan_stats *t, const struct scan *s)
{
    const hel_scan_stats *x = &s->stats;
    const struct {
        const char *name, *unit;
        double seconds;
        uint64_t bytes;
    } part[] = {{"copy", "bytes", x->device_copy, atomic_load(&s->stage[STAGE_COPY].bytes)},
                {"expand", "weights", x->device_expand, 0},
                {"accumulate", "genotypes", x->device_scan, 0},
                {"finish", "sums", x->device_output, 0}};
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        hel_scan_stage *to = find_stage(t, part[i].name, part[i].unit);
        if (!to)
            return;
        to->busy += part[i].seconds;
        to->bytes += part[i].bytes;
        to->workers++;
    }
}

static void add_stages(hel_scan_stats *t, struct scan *s)
{
    const hel_feed_stages feed = hel_feed_stages_get(s->feed);
    const uint32_t threads = s->device ? 1 : s->cpu.workers;
    /* one of the limbs, one slice at a time */
    const uint64_t items = atomic_load(&s->stage[STAGE_ACCUMULATE].items);
    atomic_store(&s->stage[STAGE_ACCUMULATE].items, s->device ? items : items / s->gl.limbs);
    add_stage(t, "read", "pieces", feed.read, feed.readers);
    add_stage(t, "check", "pieces", feed.check, feed.readers);
    add_stage(t, "wait for a slot", "waits", feed.full, feed.readers);
    add_stage(t, "wait for rows", "waits", feed.starved, threads);
    if (s->device)
        add_device_stages(t, s);
    else {
        add_stage(t, "expand", "weights", &s->stage[STAGE_EXPAND], threads);
        add_stage(t, "accumulate", "genotypes", &s->stage[STAGE_ACCUMULATE], threads);
        add_stage(t, "finish", "sums", &s->stage[STAGE_FINISH], threads);
    }
    add_stage(t, "write", "sums", &s->stage[STAGE_WRITE], threads);
    add_stage(t, "checkpoint", "checkpoints", &s->stage[STAGE_CHECKPOINT], s->lane == 0);
    if (s->check)
        add_stage(t, "verify", "checks", &s->stage[STAGE_CHECK], 1); /* by one thread for all */
    t->direct_io |= (uint32_t)feed.direct;
}

static void add_figures(hel_scan_stats *t, struct scan *s)
{
    const hel_scan_stats *x = &s->stats;
    t->key_switches += x->key_switches;
    t->cpu_expand += x->cpu_expand;
    t->cpu_scan += x->cpu_scan;
    t->cpu_output += x->cpu_output;
    t->peak_buffers += x->peak_buffers;
    t->on_device += x->on_device;
    t->device_bytes += x->device_bytes;
    t->device_room += x->device_room;
    t->device_expand += x->device_expand;
    t->device_scan += x->device_scan;
    t->device_output += x->device_output;
    t->device_copy += x->device_copy;
    t->tiles += x->tiles;
    t->tiles_verified += x->tiles_verified;
    t->sums += x->sums;
    t->sums_verified += x->sums_verified;
    t->cpu_check += x->cpu_check;
    if (s->feed)
        add_stages(t, s);
}

void hel_scan_gather(struct scan_job *job)
{
    for (uint32_t i = 0; job->lane && !job->gathered && i < job->lanes; i++)
        add_figures(&job->base.stats, &job->lane[i]);
    job->gathered = 1;
}
