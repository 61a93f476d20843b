/* The plan of a scan in words: what is read, what is held, who computes, what it will take. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/assoc/scan_device.h"
#include "host/assoc/scan_rates.h"
#include "host/base/mem.h"

typedef unsigned long long ull;

struct say {
    const hel_scan_config *config;
    hel_engine *engine;
};

static hel_status line(const struct say *to, const char *name, const char *format, ...)
    HEL_PRINTF(3, 4);

static hel_status line(const struct say *to, const char *name, const char *format, ...)
{
    char text[1024];
    va_list args;
    const int used = snprintf(text, sizeof text, "%-12s", name);
    va_start(args, format);
    vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    va_end(args);
    if (to->config->plan(to->config->plan_arg, text))
        return hel_fail(to->engine, HEL_E_CANCELLED, "scan: stopped on request");
    return HEL_OK;
}

/* "1.2 GiB", in one of eight buffers. */
static const char *amount(uint64_t bytes)
{
    static _Thread_local char ring[8][24];
    static _Thread_local unsigned next;
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    char *out = ring[next++ % 8];
    double value = (double)bytes;
    size_t i = 0;
    for (; value >= 1023.5 && i < 5; i++)
        value /= 1024;
    snprintf(out, sizeof ring[0], "%.*f %s", i && value < 99.5 ? 1 : 0, value, unit[i]);
    return out;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- parts ---- */

static hel_status say_data(const struct say *to, const struct scan_job *job)
{
    const struct scan *s = &job->base;
    HEL_TRY(line(to, "genotypes",
                 "%llu samples, %llu variants in %u block%s of %u, %u planes: %s, in pieces of %s",
                 (ull)s->gl.samples, (ull)s->gl.variants, s->gl.blocks, plural(s->gl.blocks),
                 s->scheme->n, s->gl.plane_count, amount(s->geno_bytes), amount(s->geno_chunk)));
    HEL_TRY(line(to, "weights", "%u column%s, %u sum%s per variant; %u chunk%s of up to %u samples",
                 s->wl.columns, plural(s->wl.columns), s->outputs, plural(s->outputs), s->wl.chunks,
                 plural(s->wl.chunks), s->wl.chunk));
    if (job->shard.shards)
        HEL_TRY(line(to, "shard", "%u of %u: blocks %u to %u", job->shard.shard, job->shard.shards,
                     job->first_block, job->first_block + job->block_count - 1));
    return line(to, "result", "%s, %s", job->path,
                amount((uint64_t)job->layout.chunks * job->block_count * scan_result_words(s) * 4));
}

static hel_status say_lane(const struct say *to, const struct scan *s)
{
    const uint64_t poly = s->gl.poly_words * 4;
    char name[16] = "lane";
    if (s->job->lanes > 1)
        snprintf(name, sizeof name, "lane %u", s->lane);
    if (s->device)
        HEL_TRY(
            line(to, name, "%s: %s", s->ops->name, hel_backend_device(s->device->backend)->model));
    else
        HEL_TRY(line(to, name, "%s", hel_engine_backend_text(s->engine)));
    HEL_TRY(line(to, "  tile", "%u samples and %u of %u column%s at a time: weights %s%s", s->tile,
                 s->column_batch, s->wl.columns, plural(s->wl.columns),
                 amount((uint64_t)s->tile * s->column_batch * 2 * poly),
                 s->cpu.ahead ? ", twice: the next ones are expanded beside the products" : ""));
    HEL_TRY(line(to, "  blocks", "%u of %u held together, in %u range%s: accumulators %s", s->range,
                 s->job->block_count, (s->job->block_count + s->range - 1) / s->range,
                 plural((s->job->block_count + s->range - 1) / s->range),
                 amount(s->range * hel_scan_cpu_block_bytes(s))));
    HEL_TRY(line(to, "  feed", "%u slot%s of %s%s, %u reader%s, %s", s->slots, plural(s->slots),
                 amount(s->slot_bytes), s->device ? " (pinned)" : "", hel_scan_readers(s),
                 plural(hel_scan_readers(s)),
                 s->direct_fd >= 0 ? "past the page cache" : "through the page cache"));
    if (s->device)
        HEL_TRY(line(to, "  memory", "%s of the device's; %s of %s in the host's",
                     amount(s->stats.device_bytes), amount(s->stats.peak_buffers),
                     amount(s->budget)));
    else
        HEL_TRY(line(to, "  memory", "%s of %s", amount(s->stats.peak_buffers), amount(s->budget)));
    hel_buf text = {0};
    hel_status status = hel_scan_place_text(s, &text);
    for (size_t at = 0; status == HEL_OK && at < text.bytes;) {
        const char *from = (const char *)text.data + at;
        const size_t length = strcspn(from, "\n");
        status = line(to, "  placement", "%.*s", (int)length, from);
        at += length + 1;
    }
    hel_buf_free(&text);
    return status;
}

static hel_status say_checkpoint(const struct say *to, const struct scan_job *job)
{
    if (job->base.config->checkpoint < 0)
        return line(to, "checkpoint", "none");
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < job->lanes; i++)
        bytes += job->lane[i].range * hel_scan_cpu_block_bytes(&job->lane[i]);
    HEL_TRY(line(to, "checkpoint", "%s, up to %s, every %g s and when a signal comes",
                 job->checkpoint_path, amount(bytes),
                 job->base.config->checkpoint > 0 ? job->base.config->checkpoint : 600.0));
    if (job->resumed)
        return line(to, "resumed", "%.1f %% is done",
                    100 * (double)job->resumed / (double)job->total);
    return HEL_OK;
}

static hel_status say_forecast(const struct say *to, struct scan *s)
{
    scan_rates r;
    HEL_TRY(s->device ? hel_scan_device_rates_measure(s, &r) : hel_scan_rates_measure(s, &r));
    HEL_TRY(line(to, "measured",
                 "%.0f weights/s expanded, %.3g M genotypes/s multiplied, %.0f sums/s finished, "
                 "%.2f GB/s read and checked by one reader",
                 1 / r.weight, 1e-6 / (s->gl.plane_count * r.row + s->outputs * r.product),
                 1 / r.sum, 1e-9 / (r.read + r.check)));
    const hel_pipeline p = hel_scan_pipeline(s, &r);
    const hel_forecast f = hel_forecast_run(&p);
    s->job->base.stats.forecast = f.wall;
    s->job->base.stats.rates = (hel_scan_rates){.weight = r.weight,
                                                .ciphertext = r.ciphertext,
                                                .row = r.row,
                                                .product = r.product,
                                                .sum = r.sum,
                                                .read = r.read + r.check};
    return line(to, "forecast",
                "%.1f s: expansion %.1f, products %.1f, finishing %.1f, waiting for rows %.1f; "
                "reading %.1f beside them",
                f.wall, f.expand, f.products, f.finish, f.starved, f.read);
}

hel_status hel_scan_explain(struct scan_job *job)
{
    const struct say to = {job->base.config, job->base.engine};
    HEL_TRY(say_data(&to, job));
    for (uint32_t i = 0; i < job->lanes; i++)
        HEL_TRY(say_lane(&to, &job->lane[i]));
    HEL_TRY(line(&to, "units", "%u, taken one after another by %u lane%s", job->units, job->lanes,
                 plural(job->lanes)));
    HEL_TRY(say_checkpoint(&to, job));
    return say_forecast(&to, &job->lane[0]);
}
