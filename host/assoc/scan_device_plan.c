/*
 * What a scan holds on a device at once. Blocks not held together repeat the expansion of the
 * weights, columns not held together repeat the genotypes' way to the device, and each tile of
 * samples reads and writes all accumulators: so all blocks and all columns if they fit beside the
 * smallest tile, otherwise the cheapest cut; then the largest tile that the rest has room for.
 *
 * A row buffer takes the rows of a whole tile and super-block.
 */
#include <stdio.h>

#include "host/assoc/scan_device.h"
#include "host/assoc/scan_rates.h"
#include "host/base/cpu.h"

#define TILE_MOST   1024u                 /* beyond it accumulators cost less than a tenth */
#define ROWS_MOST   ((uint64_t)768 << 20) /* bytes of a row buffer */
#define RESULT_MOST ((uint64_t)64 << 20)
#define SLOTS       4u                   /* of the feed, pinned: read, ready, on their way */
#define SLOT_MOST   ((uint64_t)32 << 20) /* bytes of one */

struct room {
    const struct scan *s;
    uint64_t device, host;
};

struct need {
    uint64_t device, host;
};

/* Whole checksummed pieces; a small scan's slot is its rows. */
static uint64_t slot_bytes(const struct scan *s, const hel_device_scan_shape *shape)
{
    const uint64_t chunk = s->geno_chunk;
    uint64_t rows = (shape->row_polys * s->gl.poly_words * 4 + 2 * chunk - 1) / chunk * chunk;
    rows = rows < SLOT_MOST ? rows : SLOT_MOST;
    return rows > chunk ? rows / chunk * chunk : chunk;
}

static struct need need_of(const struct scan *s, const hel_device_scan_shape *shape)
{
    struct need n;
    hel_device_scan_bytes(s->scheme, shape, &n.device, &n.host);
    n.host = SLOTS * (slot_bytes(s, shape) + 2 * HEL_FEED_ALIGN) + hel_scan_host_bytes(s, 1) +
             hel_scan_check_bytes(s);
    return n;
}

static int fits(const struct room *r, const hel_device_scan_shape *shape)
{
    const struct need n = need_of(r->s, shape);
    return n.device <= r->device && n.host <= r->host;
}

static hel_device_scan_shape shape_of(const struct scan *s, uint32_t samples, uint32_t columns,
                                      uint32_t blocks)
{
    return (hel_device_scan_shape){.segment = HEL_SEGMENT,
                                   .samples = samples,
                                   .columns = columns,
                                   .blocks = blocks,
                                   .outputs = s->outputs,
                                   .row_polys = hel_scan_row_polys(s, samples)};
}

/* Most blocks that fit beside the smallest tile; whole super-blocks where there are several. */
static uint32_t most_blocks(const struct room *r, uint32_t columns)
{
    const struct scan *s = r->s;
    uint32_t low = 0, high = scan_most_blocks(s);
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        const hel_device_scan_shape shape = shape_of(s, HEL_SEGMENT, columns, middle);
        if (fits(r, &shape))
            low = middle;
        else
            high = middle - 1;
    }
    if (low > s->gl.super_block && low < scan_most_blocks(s))
        low -= low % s->gl.super_block;
    return low;
}

/* The cheapest cut in batches of columns and ranges of blocks; 0 when nothing fits. */
static int cut(const struct room *r, const scan_rates *rates, uint32_t *columns, uint32_t *blocks)
{
    const struct scan *s = r->s;
    double best = 0;
    *blocks = 0;
    for (uint32_t batches = 1; batches <= s->wl.columns; batches++) {
        const uint32_t c = (s->wl.columns + batches - 1) / batches;
        const uint32_t b = most_blocks(r, c);
        if (b == 0)
            continue;
        const uint64_t ranges = (scan_most_blocks(s) + b - 1) / b;
        const double cost = hel_scan_rates_cost(s, rates, ranges, batches);
        if (*blocks == 0 || cost < best) {
            best = cost;
            *columns = c;
            *blocks = b;
        }
        if (ranges == 1) /* more batches cannot be cheaper */
            break;
    }
    return *blocks > 0;
}

/* Samples of the largest tile that fits. */
static uint32_t largest_tile(const struct room *r, uint32_t columns, uint32_t blocks)
{
    const struct scan *s = r->s;
    const uint64_t samples = s->gl.samples < s->wl.chunk ? s->gl.samples : s->wl.chunk;
    uint32_t tile = TILE_MOST;
    while (tile - HEL_SEGMENT >= samples && tile > HEL_SEGMENT)
        tile -= HEL_SEGMENT;
    for (; tile > HEL_SEGMENT; tile -= HEL_SEGMENT) {
        const hel_device_scan_shape shape = shape_of(s, tile, columns, blocks);
        if (shape.row_polys * s->gl.poly_words * 4 <= ROWS_MOST && fits(r, &shape))
            break;
    }
    return tile;
}

/* ---- what is missing ---- */

static const char *amount(char text[32], uint64_t bytes)
{
    const double mib = (double)bytes / 1048576;
    if (mib >= 1024)
        snprintf(text, 32, "%.1f GiB", mib / 1024);
    else
        snprintf(text, 32, "%.1f MiB", mib);
    return text;
}

static hel_status too_small(const struct room *r)
{
    const struct scan *s = r->s;
    hel_device_scan_shape shape = shape_of(s, HEL_SEGMENT, 1, 1);
    const struct need least = need_of(s, &shape);
    char need[32], have[32], outputs[48] = "not even one fits";
    HEL_REQUIRE(s->engine, least.host <= r->host, HEL_E_MEMORY,
                "scan: a budget of %llu MiB is too small; %llu MiB is the least for %u outputs "
                "(--memory)",
                (unsigned long long)(r->host >> 20), (unsigned long long)((least.host >> 20) + 1),
                s->outputs);
    while (shape.outputs > 0 && need_of(s, &shape).device > r->device)
        shape.outputs--;
    if (shape.outputs)
        snprintf(outputs, sizeof outputs, "at most %u output%s", shape.outputs,
                 shape.outputs == 1 ? "" : "s");
    return hel_fail(s->engine, HEL_E_MEMORY,
                    "scan: the device's memory is too small: %s at the least for %u outputs, %s "
                    "usable: %s (or --backend cpu)",
                    amount(need, least.device), s->outputs, amount(have, r->device), outputs);
}

/* What the driver keeps for itself while kernels run. */
static uint64_t usable(uint64_t free_bytes)
{
    const uint64_t kept = free_bytes / 32;
    return free_bytes - (kept < (uint64_t)512 << 20 ? kept : (uint64_t)512 << 20);
}

hel_status hel_scan_device_plan(struct scan *s)
{
    hel_device *device = hel_backend_device(s->device->backend);
    struct room room = {.s = s, .host = s->budget};
    uint64_t free_bytes, total, rest;
    hel_scan_cpu_prepare(s, hel_engine_simd(s->engine)); /* the check's measures */
    HEL_TRY(hel_device_fail(s->engine, device, device->ops->memory(device, &free_bytes, &total),
                            "asking for its free memory"));
    room.device = usable(free_bytes);
    scan_rates rates = hel_scan_rates_guess(s);
    if (!cut(&room, &rates, &s->column_batch, &s->range))
        return too_small(&room);
    if (s->range < scan_most_blocks(s) || s->column_batch < s->wl.columns) {
        /* there is a choice: proportions matter */
        HEL_TRY(hel_scan_device_rates_measure(s, &rates));
        (void)cut(&room, &rates, &s->column_batch, &s->range);
    }
    s->tile = largest_tile(&room, s->column_batch, s->range);
    s->device->shape = shape_of(s, s->tile, s->column_batch, s->range);
    s->slots = SLOTS;
    s->slot_bytes = slot_bytes(s, &s->device->shape);
    const struct need need = need_of(s, &s->device->shape);
    rest = room.host - need.host;
    rest = rest < RESULT_MOST ? rest : RESULT_MOST;
    rest = 1 + rest / (scan_result_words(s) * 4);
    s->result_blocks = rest < s->range ? (uint32_t)rest : s->range;
    s->stats.peak_buffers = need.host + (s->result_blocks - 1) * scan_result_words(s) * 4;
    s->stats.device_bytes = need.device;
    s->stats.device_room = room.device;
    return HEL_OK;
}
