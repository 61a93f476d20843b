/* The scan's arithmetic on the CPU: what it takes, and its table of calls. */
#include <string.h>

#include "host/assoc/scan_private.h"
#include "host/base/cpu.h"
#include "host/base/mem.h"

/* ---- what things take ---- */

uint64_t hel_scan_cpu_block_bytes(const struct scan *s)
{
    return (uint64_t)s->outputs * 3 * s->gl.poly_words * 4;
}

uint64_t hel_scan_cpu_column_bytes(const struct scan *s)
{
    return (uint64_t)HEL_SEGMENT * 2 * s->gl.poly_words * 4;
}

/* Scratch of the workers and the nodes of one expander. */
uint64_t hel_scan_cpu_fixed_bytes(const struct scan *s)
{
    const uint64_t n = s->scheme->n;
    const uint32_t split = (uint32_t)__builtin_ctz(s->scheme->n / HEL_SEGMENT);
    uint64_t worker = (uint64_t)BLOCKS_AT_ONCE * SLICE_GROUPS * s->cpu.a_stride * 4 +
                      hel_scan_output_words(s) * 4 + n * 24 * s->scheme->params.expand_limbs * 4;
    return worker * s->cpu.workers + hel_expander_bytes(s->scheme, split);
}

/* ---- life ---- */

void hel_scan_cpu_prepare(struct scan *s, hel_simd simd)
{
    s->cpu.workers = hel_engine_threads(s->engine);
    s->cpu.groups = s->scheme->n / LANES;
    s->cpu.a_stride = (size_t)HEL_SEGMENT * 2 * LANES + LANES; /* one line off a power of two */
    s->cpu.tensor = hel_tensor_pick(simd);
}

static hel_status plan(struct scan *s)
{
    hel_scan_cpu_prepare(s, hel_engine_simd(s->engine));
    s->tile = HEL_SEGMENT;
    s->result_blocks = 1;
    const uint64_t budget = hel_engine_memory(s->engine);
    const uint64_t fixed = hel_scan_host_bytes(s, hel_scan_row_polys(s, HEL_SEGMENT), 1) +
                           hel_scan_cpu_fixed_bytes(s) + hel_scan_check_bytes(s);
    const uint64_t block = hel_scan_cpu_block_bytes(s), column = hel_scan_cpu_column_bytes(s);
    const uint64_t least = fixed + block + column;
    HEL_REQUIRE(s->engine, budget >= least, HEL_E_MEMORY,
                "scan: a budget of %llu MiB is too small; %llu MiB is the least for %u outputs "
                "(--memory)",
                (unsigned long long)(budget >> 20), (unsigned long long)((least >> 20) + 1),
                s->outputs);
    uint64_t free_bytes = budget - fixed;
    /* Columns first, up to half of what is free (or 1 GiB): splitting them repeats the expansion of
     * the genotypes' uniform halves, splitting blocks repeats the weights' whole expansion. */
    uint64_t for_columns =
        free_bytes / 2 < free_bytes - block ? free_bytes / 2 : free_bytes - block;
    for_columns = for_columns < (uint64_t)1 << 30 ? for_columns : (uint64_t)1 << 30;
    uint64_t columns = for_columns / column;
    columns = columns < 1 ? 1 : columns;
    s->column_batch = columns < s->wl.columns ? (uint32_t)columns : s->wl.columns;
    uint64_t blocks = (free_bytes - s->column_batch * column) / block;
    s->range = blocks < s->gl.blocks ? (uint32_t)blocks : s->gl.blocks;
    if (s->range > s->gl.super_block && s->range < s->gl.blocks)
        s->range -= s->range % s->gl.super_block;
    s->stats.peak_buffers = fixed + s->range * block + s->column_batch * column;
    return HEL_OK;
}

hel_status hel_scan_cpu_allocate(struct scan *s)
{
    hel_engine *engine = s->engine;
    struct scan_cpu *c = &s->cpu;
    HEL_TRY(hel_malloc(engine, &c->z, s->column_batch, hel_scan_cpu_column_bytes(s)));
    HEL_TRY(hel_malloc(engine, &c->acc, s->range, hel_scan_cpu_block_bytes(s)));
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
    hel_free(c->worker);
    hel_free(c->z);
    hel_free(c->acc);
    hel_expander_free(c->expander);
    *c = (struct scan_cpu){0};
}

/* ---- the table ---- */

static hel_status clear(struct scan *s)
{
    memset(s->cpu.acc, 0, s->range_count * hel_scan_cpu_block_bytes(s));
    return HEL_OK;
}

static hel_status accumulate(struct scan *s)
{
    if (s->batch_first == 0)
        HEL_TRY(hel_scan_check_rows(s, 0, s->tile_samples));
    HEL_TRY(hel_scan_cpu_accumulate(s));
    hel_scan_release_rows(s, 0, s->tile_samples);
    return HEL_OK;
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

void hel_scan_cpu_weight(const struct scan *s, uint32_t sample, uint32_t column, uint32_t *out)
{
    const size_t poly = (size_t)s->gl.poly_words, line = 2 * LANES;
    const size_t stride = (size_t)HEL_SEGMENT * s->batch_count * line;
    const uint32_t *z = s->cpu.z + ((size_t)sample * s->batch_count + column) * line;
    for (size_t g = 0; g < (size_t)s->gl.limbs * s->cpu.groups; g++, z += stride) {
        memcpy(out + g * LANES, z, LANES * sizeof *out);
        memcpy(out + poly + g * LANES, z + LANES, LANES * sizeof *out);
    }
}

static hel_status account(struct scan *s)
{
    (void)s;
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
                                 .accumulate = accumulate,
                                 .finish = hel_scan_cpu_finish,
                                 .account = account,
                                 .weight = weight,
                                 .sums = sums};
    return &ops;
}
