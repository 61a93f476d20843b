/* The scan's arithmetic on the CPU: what it takes, and its table of calls. */
#include <string.h>

#include "host/assoc/scan_rates.h"
#include "host/base/cpu.h"
#include "host/base/mem.h"
#include "host/base/pool.h"

#define RESULT_MOST ((uint64_t)64 << 20) /* bytes of finished sums held at once */

/* Seconds of a scan, by guess, from which on its rates are worth a second of measuring. */
#define WORTH_MEASURING 20.0

/* What it costs when nothing is expanded ahead, and when rows are not read ahead. */
#define COST_NO_AHEAD 1.06
#define COST_ONE_SLOT 1.15

/* ---- what things take ---- */

uint64_t hel_scan_cpu_block_bytes(const struct scan *s)
{
    return (uint64_t)s->outputs * 3 * s->gl.poly_words * 4;
}

uint64_t hel_scan_cpu_column_bytes(const struct scan *s)
{
    return (uint64_t)HEL_SEGMENT * 2 * s->gl.poly_words * 4;
}

uint64_t hel_scan_cpu_expander_bytes(const struct scan *s, uint32_t expanders)
{
    return expanders *
           hel_expander_bytes(s->scheme, (uint32_t)__builtin_ctz(s->scheme->n / HEL_SEGMENT));
}

/* Scratch of the workers. */
uint64_t hel_scan_cpu_fixed_bytes(const struct scan *s)
{
    const uint64_t n = s->scheme->n;
    uint64_t worker = (uint64_t)BLOCKS_AT_ONCE * SLICE_GROUPS * s->cpu.a_stride * 4 +
                      hel_scan_output_words(s) * 4 + n * 24 * s->scheme->params.expand_limbs * 4;
    return worker * s->cpu.workers;
}

/* ---- the plan ---- */

void hel_scan_cpu_prepare(struct scan *s, hel_simd simd)
{
    s->cpu.workers = hel_engine_threads(s->engine);
    s->cpu.groups = s->scheme->n / LANES;
    s->cpu.a_stride = (size_t)HEL_SEGMENT * 2 * LANES + LANES; /* one line off a power of two */
    s->cpu.tensor = hel_tensor_pick(simd);
}

/* One way to spend the memory. */
struct choice {
    uint32_t ahead, slots, expanders, columns, blocks;
    uint64_t bytes;
    double cost;
};

/* Ciphertexts that the weights of `columns` columns may come from. */
static uint32_t expanders_of(const struct scan *s, uint32_t columns)
{
    const uint32_t per = s->scheme->n / HEL_SEGMENT;
    return columns == 1 ? 1 : (columns + per - 2) / per + 1;
}

/* Columns of one of so many batches. Fills blocks, bytes and cost; 0 when not one block fits. */
static int weigh(const struct scan *s, const scan_rates *rates, struct choice *c, uint64_t fixed)
{
    const uint64_t block = hel_scan_cpu_block_bytes(s), rows = scan_most_blocks(s);
    const uint64_t other = fixed + c->slots * (s->slot_bytes + 2 * HEL_FEED_ALIGN) +
                           hel_scan_cpu_expander_bytes(s, c->expanders) +
                           (1 + c->ahead) * c->columns * hel_scan_cpu_column_bytes(s);
    if (s->budget < other + block)
        return 0;
    uint64_t blocks = (s->budget - other) / block;
    blocks = blocks < rows ? blocks : rows;
    if (blocks > s->gl.super_block && blocks < rows)
        blocks -= blocks % s->gl.super_block;
    c->blocks = (uint32_t)blocks;
    c->bytes = other + blocks * block;
    c->cost = hel_scan_rates_cost(s, rates, (rows + blocks - 1) / blocks,
                                  (s->wl.columns + c->columns - 1) / c->columns);
    c->cost *= c->ahead ? 1 : COST_NO_AHEAD;
    c->cost *= c->slots > 1 ? 1 : COST_ONE_SLOT;
    return 1;
}

/* All batches of columns, for one way to use what is not accumulators. */
static void try_batches(const struct scan *s, const scan_rates *rates, struct choice *best,
                        uint32_t ahead, uint32_t slots, uint64_t fixed)
{
    for (uint32_t batches = 1; batches <= s->wl.columns; batches++) {
        struct choice c = {.ahead = ahead, .slots = slots};
        c.columns = (s->wl.columns + batches - 1) / batches;
        c.expanders = ahead ? expanders_of(s, c.columns) : 1;
        if (!weigh(s, rates, &c, fixed))
            continue;
        if (best->blocks == 0 || c.cost < best->cost)
            *best = c;
        if (c.blocks == scan_most_blocks(s)) /* more batches cannot be cheaper */
            break;
    }
}

static struct choice choose(const struct scan *s, const scan_rates *rates, uint64_t fixed)
{
    static const struct {
        uint32_t ahead, slots;
    } ways[] = {{1, 3}, {1, 2}, {0, 2}, {0, 1}};
    struct choice best = {0};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        try_batches(s, rates, &best, ways[i].ahead, ways[i].slots, fixed);
    return best;
}

static hel_status plan(struct scan *s)
{
    scan_rates rates = hel_scan_rates_guess(s);
    hel_scan_cpu_prepare(s, hel_engine_simd(s->engine));
    s->tile = HEL_SEGMENT;
    s->slot_bytes = hel_scan_region_bytes(s, HEL_SEGMENT);
    const uint64_t fixed =
        hel_scan_host_bytes(s, 1) + hel_scan_cpu_fixed_bytes(s) + hel_scan_check_bytes(s);
    struct choice best = choose(s, &rates, fixed);
    if (best.blocks && best.cost > WORTH_MEASURING &&
        (best.blocks < scan_most_blocks(s) || best.columns < s->wl.columns)) {
        HEL_TRY(hel_scan_rates_measure(s, &rates)); /* there is a choice: proportions matter */
        best = choose(s, &rates, fixed);
    }
    if (best.blocks == 0) {
        const uint64_t least = fixed + s->slot_bytes + 2 * HEL_FEED_ALIGN +
                               hel_scan_cpu_expander_bytes(s, 1) + hel_scan_cpu_block_bytes(s) +
                               hel_scan_cpu_column_bytes(s);
        return hel_fail(s->engine, HEL_E_MEMORY,
                        "scan: a budget of %llu MiB is too small; %llu MiB is the least for %u "
                        "outputs (--memory)",
                        (unsigned long long)(s->budget >> 20),
                        (unsigned long long)((least >> 20) + 1), s->outputs);
    }
    s->cpu.ahead = best.ahead;
    s->cpu.expanders = best.expanders;
    s->slots = best.slots;
    s->column_batch = best.columns;
    s->range = best.blocks;
    const uint64_t result = scan_result_words(s) * 4, left = s->budget - best.bytes;
    uint64_t more = (left < RESULT_MOST ? left : RESULT_MOST) / result;
    more = more < s->range - 1 ? more : s->range - 1;
    s->result_blocks = 1 + (uint32_t)more;
    s->stats.peak_buffers = best.bytes + more * result;
    return HEL_OK;
}

/* ---- life ---- */

hel_status hel_scan_cpu_allocate(struct scan *s)
{
    hel_engine *engine = s->engine;
    struct scan_cpu *c = &s->cpu;
    const uint32_t supers = s->range / s->gl.super_block + 2;
    for (uint32_t i = 0; i <= c->ahead; i++) {
        HEL_TRY(
            hel_malloc(engine, &c->weights[i].z, s->column_batch, hel_scan_cpu_column_bytes(s)));
        hel_scan_place_memory(s, c->weights[i].z, s->column_batch * hel_scan_cpu_column_bytes(s));
    }
    HEL_TRY(hel_malloc(engine, &c->acc, s->range, hel_scan_cpu_block_bytes(s)));
    hel_scan_place_memory(s, c->acc, s->range * hel_scan_cpu_block_bytes(s));
    HEL_TRY(hel_calloc(engine, &c->expander, c->expanders, sizeof *c->expander));
    HEL_TRY(hel_malloc(engine, &c->item_end, supers, sizeof *c->item_end));
    HEL_TRY(hel_malloc(engine, &c->items_left, supers, sizeof *c->items_left));
    HEL_TRY(hel_calloc(engine, &c->worker, c->workers, sizeof *c->worker));
    for (uint32_t i = 0; i < c->workers; i++) {
        struct scan_worker *w = &c->worker[i];
        HEL_TRY(hel_chacha_create(engine, &w->chacha, hel_reader_head(s->geno)->seed));
        HEL_TRY(hel_malloc(engine, &w->a, (size_t)BLOCKS_AT_ONCE * SLICE_GROUPS * c->a_stride, 4));
        HEL_TRY(hel_malloc(engine, &w->slice, (size_t)SLICE_GROUPS * LANES, 4));
        HEL_TRY(hel_malloc(engine, &w->words, (size_t)SLICE_GROUPS * LANES, 4));
        HEL_TRY(hel_malloc(engine, &w->column, s->wl.columns, 4));
        HEL_TRY(hel_malloc(engine, &w->output, hel_scan_output_words(s), 4));
    }
    return HEL_OK;
}

void hel_scan_cpu_release(struct scan *s)
{
    struct scan_cpu *c = &s->cpu;
    for (uint32_t i = 0; c->worker && i < c->workers; i++) {
        struct scan_worker *w = &c->worker[i];
        hel_chacha_free(w->chacha);
        hel_free(w->a);
        hel_free(w->slice);
        hel_free(w->words);
        hel_free(w->column);
        hel_free(w->expand);
        hel_free(w->output);
    }
    for (uint32_t i = 0; c->expander && i < c->expanders; i++)
        hel_expander_free(c->expander[i].x);
    for (uint32_t i = 0; i < 2; i++)
        hel_free(c->weights[i].z);
    hel_free(c->worker);
    hel_free(c->expander);
    hel_free(c->item_end);
    hel_free(c->items_left);
    hel_free(c->acc);
    *c = (struct scan_cpu){0};
}

/* ---- the table ---- */

static hel_status clear_block(void *arg, size_t index, uint32_t worker)
{
    const struct scan *s = arg;
    const uint64_t bytes = hel_scan_cpu_block_bytes(s);
    (void)worker;
    memset((uint8_t *)s->cpu.acc + index * bytes, 0, bytes);
    return HEL_OK;
}

static hel_status clear(struct scan *s)
{
    return hel_parallel(s->engine, s->at.range_count, clear_block, s);
}

static hel_status weight(struct scan *s, uint32_t sample, uint32_t column, uint32_t *out)
{
    hel_scan_cpu_weight(s, sample, column, out);
    return HEL_OK;
}

static hel_status sums(struct scan *s, uint32_t block, uint32_t *out)
{
    const size_t poly = (size_t)s->gl.poly_words, pieces = (size_t)s->gl.limbs * s->cpu.groups;
    const uint32_t *acc = s->cpu.acc + block * pieces * s->outputs * 3 * LANES;
    for (size_t g = 0; g < pieces; g++)
        for (size_t i = 0; i < (size_t)s->outputs * 3; i++, acc += LANES)
            memcpy(out + i * poly + g * LANES, acc, LANES * sizeof *out);
    return HEL_OK;
}

static hel_status restore(struct scan *s, uint32_t block, const uint32_t *in)
{
    const size_t poly = (size_t)s->gl.poly_words, pieces = (size_t)s->gl.limbs * s->cpu.groups;
    uint32_t *acc = s->cpu.acc + block * pieces * s->outputs * 3 * LANES;
    for (size_t g = 0; g < pieces; g++)
        for (size_t i = 0; i < (size_t)s->outputs * 3; i++, acc += LANES)
            memcpy(acc, in + i * poly + g * LANES, LANES * sizeof *in);
    return HEL_OK;
}

static hel_status account(struct scan *s)
{
    s->stats.cpu_expand = hel_stage_cpu(&s->stage[STAGE_EXPAND]);
    s->stats.cpu_scan = hel_stage_cpu(&s->stage[STAGE_ACCUMULATE]);
    s->stats.cpu_output = hel_stage_cpu(&s->stage[STAGE_FINISH]);
    return HEL_OK;
}

const scan_ops *hel_scan_cpu_ops(void)
{
    static const scan_ops ops = {.name = "CPU",
                                 .plan = plan,
                                 .allocate = hel_scan_cpu_allocate,
                                 .release = hel_scan_cpu_release,
                                 .clear = clear,
                                 .expand = hel_scan_cpu_expand,
                                 .accumulate = hel_scan_cpu_accumulate,
                                 .finish = hel_scan_cpu_finish,
                                 .account = account,
                                 .weight = weight,
                                 .sums = sums,
                                 .restore = restore};
    return &ops;
}
