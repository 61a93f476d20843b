/*
 * What operations of the device backend cost, counted without a GPU:
 *
 *   kernel_count REGISTERS.txt PAGE.md FILE.sass...    (nvdisasm -c, sm_90)
 *
 * runs each operation on the simulated device with its launches intercepted: none is executed; for
 * each, threads of its blocks are followed through the machine code with the launch's own
 * arguments (sass.h). Prints JSON: every kernel as it stands in the machine code, and for each
 * operation its launches and the instructions that they issue.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/kernels/kernel_report.h"
#include "tests/ref/ref_ring.h"
#include "tests/sim/sim_device.h"

enum { BLOCKS_MAX = 64, WARPS_MAX = 4, ARGS_OFFSET = 0x210 };

/* The device has no room for a pointer of ours: one of each, in a program of one thread. */
static struct {
    const sass_code *code;
    counted launch[LAUNCHES_MAX];
    uint32_t count;
    operation_count results[RESULTS_MAX];
    size_t result_count;
    int failed;
} log_;

static const char *const names[K_ID_COUNT] = {
#define NAME(name) [K_ID_##name] = #name,
    K_LIST(NAME)
#undef NAME
};

static uint32_t spread(uint32_t i, uint32_t of, uint32_t count)
{
    return of > 1 ? (uint32_t)((uint64_t)i * (count - 1) / (of - 1)) : 0;
}

/* Follows one thread of some warps of some blocks, evenly chosen, and scales up. */
static void follow(counted *c, const hel_launch *l)
{
    const sass_kernel *k = sass_find(log_.code, c->kernel);
    const uint32_t warps = (l->threads + 31) / 32;
    const uint32_t seen_warps = warps < WARPS_MAX ? warps : WARPS_MAX;
    const uint32_t seen_x = l->grid[0] < BLOCKS_MAX ? l->grid[0] : BLOCKS_MAX;
    const uint32_t seen_z = l->grid[2] < 2 ? l->grid[2] : 2;
    sass_count sum = {{0}, 0, 0, 0, 0, 0};
    if (!k) {
        c->stopped = 1;
        return;
    }
    for (uint32_t x = 0; x < seen_x; x++)
        for (uint32_t z = 0; z < seen_z; z++)
            for (uint32_t w = 0; w < seen_warps; w++) {
                const sass_thread t = {
                    .thread = 32 * spread(w, seen_warps, warps),
                    .threads = l->threads,
                    .block = {spread(x, seen_x, l->grid[0]), 0, spread(z, seen_z, l->grid[2])},
                    .grid = {l->grid[0], l->grid[1], l->grid[2]},
                    .cluster = l->cluster,
                    .args = l->args,
                    .args_bytes = l->args_bytes,
                    .args_offset = ARGS_OFFSET};
                sass_run(k, &t, &sum);
            }
    const double all = (double)l->grid[0] * l->grid[1] * l->grid[2] * l->threads;
    const double scale = all / ((double)seen_x * seen_z * seen_warps);
    for (int i = 0; i < SASS_CLASSES; i++)
        c->n[i] = (double)sum.n[i] * scale;
    c->total = (double)sum.total * scale;
    c->load_bytes = (double)sum.load_bytes * scale;
    c->store_bytes = (double)sum.store_bytes * scale;
    c->guesses = sum.guesses;
    c->stopped = sum.stopped;
}

static hel_status intercept(hel_device *device, void *queue, const hel_launch *l)
{
    (void)device;
    (void)queue;
    if (log_.count == LAUNCHES_MAX)
        return HEL_E_UNSUPPORTED;
    counted *c = &log_.launch[log_.count++];
    memset(c, 0, sizeof *c);
    c->kernel = names[l->kernel];
    memcpy(c->grid, l->grid, sizeof c->grid);
    c->threads = l->threads;
    c->cluster = l->cluster;
    c->shared_bytes = l->shared_bytes;
    follow(c, l);
    return HEL_OK;
}

/* ---- operations ---- */

typedef struct setting {
    hel_engine *engine;
    hel_ring *ring;
    hel_backend *backend;
    hel_stream *s;
    hel_basis *basis;
    hel_view a[2], b[2], d[3], out[2], digits;
    hel_key_view key;
    uint32_t *words;
} setting;

static void must(const setting *e, hel_status status)
{
    if (status == HEL_OK)
        return;
    fprintf(stderr, "kernel_count: %s\n", hel_engine_error(e->engine));
    exit(1);
}

static void prepare(setting *e, const shape *f)
{
    static hel_device_ops hooked;
    const uint32_t total = f->q_count + f->p_count;
    const uint32_t digits = (f->q_count + f->digit_limbs - 1) / f->digit_limbs;
    hel_device *device = sim_device_create(NULL, SIM_SHARED_HOPPER);
    hooked = *device->ops;
    hooked.launch = intercept;
    device->ops = &hooked;
    e->ring = ref_ring(&e->engine, HEL_SIMD_AUTO, f->log_n, total);
    must(e, hel_backend_device_create(e->engine, &e->backend, device));
    must(e, e->backend->ops->stream_create(e->backend, e->engine, &e->s));
    const hel_basis_shape basis = {.ring = e->ring,
                                   .q_count = f->q_count,
                                   .p_count = f->p_count,
                                   .digit_limbs = f->digit_limbs,
                                   .drop_max = 2};
    must(e, e->s->ops->basis_create(e->backend, e->engine, &e->basis, &basis));
    const size_t n = e->ring->n, low = f->q_count * n, row = total * n;
    const size_t words = f->batch * (9 * low + digits * row) + 2 * digits * row;
    must(e, e->s->ops->alloc(e->s, &e->words, words * sizeof *e->words));
    uint32_t *at = e->words;
    hel_view *const views[] = {&e->a[0], &e->a[1], &e->b[0],   &e->b[1],  &e->d[0],
                               &e->d[1], &e->d[2], &e->out[0], &e->out[1]};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++, at += f->batch * low)
        *views[i] = (hel_view){at, f->batch, f->q_count, f->q_count, low};
    e->digits = (hel_view){at, f->batch, total, f->q_count, digits * row};
    e->key = (hel_key_view){at + f->batch * digits * row, f->q_count, digits};
}

static void finish(setting *e)
{
    e->s->ops->release(e->s, e->words);
    e->s->ops->basis_free(e->backend, e->basis);
    e->s->ops->stream_free(e->s);
    hel_backend_free(e->backend);
    ref_ring_end(e->engine, e->ring);
}

static hel_status do_forward(setting *e)
{
    return e->s->ops->ntt_forward(e->s, e->basis, e->a[0]);
}

static hel_status do_inverse(setting *e)
{
    return e->s->ops->ntt_inverse(e->s, e->basis, e->a[0]);
}

static hel_status do_rotate(setting *e)
{
    const hel_backend_ops *ops = e->s->ops;
    HEL_TRY(ops->automorph(e->s, e->basis, e->d[0], e->a[0], 5));
    return (ops->key_switch ? ops->key_switch : hel_key_switch)(e->s, e->basis, e->out, e->a[1],
                                                                e->key, 5, &e->d[0], NULL);
}

static hel_status do_decompose(setting *e)
{
    return e->s->ops->decompose(e->s, e->basis, e->digits, e->a[1]);
}

static hel_status do_hoisted(setting *e)
{
    const hel_backend_ops *ops = e->s->ops;
    HEL_TRY(ops->automorph(e->s, e->basis, e->d[0], e->a[0], 5));
    if (!ops->switch_digits)
        return HEL_E_UNSUPPORTED;
    return ops->switch_digits(e->s, e->basis, e->out, e->digits, e->key, 5, &e->d[0], NULL);
}

static hel_status do_multiply(setting *e)
{
    const hel_backend_ops *ops = e->s->ops;
    HEL_TRY(ops->tensor(e->s, e->basis, e->d, e->a, e->b));
    return (ops->key_switch ? ops->key_switch : hel_key_switch)(e->s, e->basis, e->out, e->d[2],
                                                                e->key, 1, &e->d[0], &e->d[1]);
}

static hel_status do_rescale(setting *e)
{
    hel_view out[2] = {e->out[0], e->out[1]};
    out[0].limbs = out[1].limbs = out[0].q_limbs = out[1].q_limbs = e->out[0].limbs - 1;
    HEL_TRY(e->s->ops->rescale(e->s, e->basis, out[0], e->a[0]));
    return e->s->ops->rescale(e->s, e->basis, out[1], e->a[1]);
}

/* ---- text ---- */

static void print_classes(const double *n)
{
    for (int i = 0; i < SASS_CLASSES; i++)
        printf("%s\"%s\": %.0f", i ? ", " : "", sass_class_names[i], n[i]);
}

static void keep(const char *name, const shape *f, double limbs)
{
    if (log_.result_count == RESULTS_MAX || log_.count == 0)
        return;
    operation_count *r = &log_.results[log_.result_count++];
    *r = (operation_count){.name = name, .shape = *f, .limbs = limbs, .launches = log_.count};
    r->kernel = log_.launch[0].kernel;
    for (uint32_t i = 0; i < log_.count; i++) {
        const counted *c = &log_.launch[i];
        for (int j = 0; j < SASS_CLASSES; j++)
            r->sum.n[j] += c->n[j];
        r->sum.total += c->total;
        r->sum.load_bytes += c->load_bytes;
        r->sum.store_bytes += c->store_bytes;
        r->sum.guesses += c->guesses;
        r->sum.stopped |= c->stopped;
    }
}

static void print_operation(const char *name, const shape *f, double limbs)
{
    const char *separator = "";
    static int some;
    printf("%s\n    {\"operation\": \"%s\", \"log_n\": %u, \"q\": %u, \"p\": %u, "
           "\"digit\": %u, \"batch\": %u, \"limb_transforms\": %.0f, \"launches\": %u, \"list\": [",
           some++ ? "," : "", name, f->log_n, f->q_count, f->p_count, f->digit_limbs, f->batch,
           limbs, log_.count);
    for (uint32_t i = 0; i < log_.count; i++) {
        const counted *c = &log_.launch[i];
        printf("%s\n      {\"kernel\": \"%s\", \"grid\": [%u, %u, %u], \"threads\": %u, "
               "\"cluster\": %u, \"shared_bytes\": %zu, \"instructions\": %.0f, "
               "\"load_bytes\": %.0f, \"store_bytes\": %.0f, \"guesses\": %llu, "
               "\"followed\": %s, ",
               separator, c->kernel, c->grid[0], c->grid[1], c->grid[2], c->threads, c->cluster,
               c->shared_bytes, c->total, c->load_bytes, c->store_bytes,
               (unsigned long long)c->guesses, c->stopped ? "false" : "true");
        print_classes(c->n);
        printf("}");
        separator = ",";
    }
    printf("]}");
}

typedef struct operation {
    const char *name;
    hel_status (*fn)(setting *e);
} operation;

static void run(const operation *op, size_t count, const shape *f)
{
    setting e = {0};
    prepare(&e, f);
    const double l = f->q_count, k = f->p_count;
    const double d = (f->q_count + f->digit_limbs - 1) / f->digit_limbs;
    for (size_t i = 0; i < count; i++) {
        log_.count = 0;
        if (op[i].fn(&e) != HEL_OK) {
            fprintf(stderr, "kernel_count: %s at 2^%u: %s\n", op[i].name, f->log_n,
                    hel_engine_error(e.engine));
            hel_error_clear(e.engine);
            log_.failed = 1;
            continue;
        }
        double limbs = l;
        if (op[i].fn == do_rotate || op[i].fn == do_multiply)
            limbs = l + d * (l + k) - l + 2 * k + 2 * l;
        else if (op[i].fn == do_decompose)
            limbs = l + d * (l + k) - l;
        else if (op[i].fn == do_hoisted)
            limbs = 2 * k + 2 * l;
        else if (op[i].fn == do_rescale)
            limbs = 2 * l;
        print_operation(op[i].name, f, limbs * f->batch);
        keep(op[i].name, f, limbs * f->batch);
    }
    finish(&e);
}

static void print_kernels(const sass_code *code, const budgets *rows)
{
    const sass_kernel *k;
    printf("{\n  \"kernels\": [");
    for (size_t i = 0; (k = sass_at(code, i)) != NULL; i++) {
        const sass_count c = sass_static(k);
        double n[SASS_CLASSES];
        for (int j = 0; j < SASS_CLASSES; j++)
            n[j] = (double)c.n[j];
        const budget *row = budget_of(rows, sass_name(k));
        printf("%s\n    {\"kernel\": \"%s\", \"registers\": %u, \"threads\": %u, "
               "\"blocks\": %u, \"instructions\": %llu, ",
               i ? "," : "", sass_name(k), row ? row->registers : 0, row ? row->threads : 0,
               row ? row->blocks : 0, (unsigned long long)c.total);
        print_classes(n);
        printf("}");
    }
    printf("],\n  \"operations\": [");
}

int main(int argc, char **argv)
{
    static const operation transforms[] = {{"ntt_forward", do_forward},
                                           {"ntt_inverse", do_inverse}};
    static const operation switches[] = {{"rotate", do_rotate},
                                         {"rotate_hoisted", do_hoisted},
                                         {"decompose", do_decompose},
                                         {"multiply_relinearize", do_multiply},
                                         {"rescale", do_rescale}};
    /* those of bench/b_switch.c */
    static const shape shapes[] = {
        {13, 5, 2, 2, 16}, {14, 10, 4, 4, 16}, {15, 20, 8, 7, 4}, {16, 40, 14, 14, 1}};
    sass_code *code = NULL;
    budgets rows = {NULL, 0};
    for (int i = 3; i < argc; i++)
        if (sass_read(&code, argv[i]))
            return 1;
    if (!code || budgets_read(&rows, argv[1])) {
        fprintf(stderr, "usage: kernel_count REGISTERS.txt PAGE.md FILE.sass...\n");
        return 64;
    }
    log_.code = code;
    print_kernels(code, &rows);
    for (uint32_t log_n = 10; log_n <= 17; log_n++) {
        const shape f = {log_n, 4, 1, 2, 2};
        run(transforms, sizeof transforms / sizeof *transforms, &f);
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        run(switches, sizeof switches / sizeof *switches, &shapes[i]);
    printf("]\n}\n");
    FILE *page = fopen(argv[2], "w");
    if (!page) {
        perror(argv[2]);
        return 1;
    }
    report_markdown(page, code, &rows, log_.results, log_.result_count);
    log_.failed |= fclose(page) != 0;
    free(rows.row);
    sass_free(code);
    return log_.failed;
}
