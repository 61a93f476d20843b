/*
 * Operations of the CPU backend that decide the time of a product or a rotation, at the shapes that
 * other libraries were measured at (equal log2(QP), three digits), with one thread and with two.
 *
 * Prediction, one thread at about 4 GHz: a butterfly of a transform 0.08 ns; three vector
 * instructions a cycle for conversions (per 16 coefficients and target 4.5 per source and 13, and
 * 16 per source for its digits) and for inner products (12 d + 26 per 16 coefficients and limb, d
 * digits); what must come from outside the core's own caches (keys, inputs, outputs, coefficient
 * rows) at 25 GB/s. The parts overlap to some degree.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "host/backend/backend.h"

typedef struct shape {
    uint32_t log_n, q_count, p_count, digit_limbs;
} shape;

static const shape shapes[] = {{13, 5, 2, 2}, {14, 10, 4, 4}, {15, 20, 8, 7}, {16, 40, 14, 14}};

typedef struct setting {
    hel_engine *engine;
    hel_ring *ring;
    hel_backend *backend;
    hel_stream *s;
    hel_basis *basis;
    hel_view a[2], b[2], d[3], out[2], acc[2], digits;
    hel_key_view key;
    uint32_t *key_words;
} setting;

static void must(hel_status status, const setting *e)
{
    if (status == HEL_OK)
        return;
    fprintf(stderr, "b_switch: %s\n", hel_engine_error(e->engine));
    exit(1);
}

static hel_view make_view(setting *e, uint32_t limbs, uint32_t q_limbs, uint32_t object)
{
    static const uint8_t seed[32] = {1};
    hel_view v = {.batch = 1, .limbs = limbs, .q_limbs = q_limbs};
    v.stride = (size_t)limbs * e->ring->n;
    must(e->s->ops->alloc(e->s, &v.data, v.stride * sizeof *v.data), e);
    must(e->s->ops->uniform(e->s, e->basis, v, seed, HEL_DOMAIN_SWITCH_A, object), e);
    return v;
}

static void prepare(setting *e, const shape *f, uint32_t threads)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    const uint32_t total = f->q_count + f->p_count;
    const uint32_t digits = (f->q_count + f->digit_limbs - 1) / f->digit_limbs;
    config.threads = threads;
    if (hel_engine_create(&e->engine, &config) != HEL_OK)
        exit(1);
    must(hel_ring_create(e->engine, &e->ring, f->log_n, total), e);
    must(hel_backend_cpu_create(e->engine, &e->backend), e);
    must(e->backend->ops->stream_create(e->backend, e->engine, &e->s), e);
    const hel_basis_shape basis = {.ring = e->ring,
                                   .q_count = f->q_count,
                                   .p_count = f->p_count,
                                   .digit_limbs = f->digit_limbs,
                                   .drop_max = 2};
    must(e->s->ops->basis_create(e->backend, e->engine, &e->basis, &basis), e);
    for (uint32_t i = 0; i < 2; i++) {
        e->a[i] = make_view(e, f->q_count, f->q_count, i);
        e->b[i] = make_view(e, f->q_count, f->q_count, 2 + i);
        e->out[i] = make_view(e, f->q_count, f->q_count, 4 + i);
    }
    for (uint32_t i = 0; i < 3; i++)
        e->d[i] = make_view(e, f->q_count, f->q_count, 6 + i);
    for (uint32_t i = 0; i < 2; i++)
        e->acc[i] = make_view(e, total, f->q_count, 9 + i);
    const size_t row = (size_t)total * e->ring->n;
    e->digits = (hel_view){.batch = 1, .limbs = total, .q_limbs = f->q_count};
    e->digits.stride = digits * row;
    must(e->s->ops->alloc(e->s, &e->digits.data, digits * row * sizeof(uint32_t)), e);
    must(e->s->ops->alloc(e->s, &e->key_words, 2 * digits * row * sizeof(uint32_t)), e);
    for (uint32_t j = 0; j < 2 * digits; j++) {
        hel_view part = {e->key_words + j * row, 1, total, f->q_count, row};
        static const uint8_t seed[32] = {2};
        must(e->s->ops->uniform(e->s, e->basis, part, seed, HEL_DOMAIN_SWITCH_A, j), e);
    }
    e->key = (hel_key_view){e->key_words, f->q_count, digits};
}

static void finish(setting *e)
{
    for (uint32_t i = 0; i < 2; i++) {
        e->s->ops->release(e->s, e->a[i].data);
        e->s->ops->release(e->s, e->b[i].data);
        e->s->ops->release(e->s, e->out[i].data);
        e->s->ops->release(e->s, e->acc[i].data);
    }
    for (uint32_t i = 0; i < 3; i++)
        e->s->ops->release(e->s, e->d[i].data);
    e->s->ops->release(e->s, e->digits.data);
    e->s->ops->release(e->s, e->key_words);
    e->s->ops->basis_free(e->backend, e->basis);
    e->s->ops->stream_free(e->s);
    hel_backend_free(e->backend);
    hel_ring_free(e->ring);
    hel_engine_free(e->engine);
}

static hel_status do_switch(setting *e)
{
    return e->s->ops->key_switch(e->s, e->basis, e->out, e->a[1], e->key, 1, &e->a[0], NULL);
}

static hel_status do_composed(setting *e)
{
    return hel_key_switch(e->s, e->basis, e->out, e->a[1], e->key, 1, &e->a[0], NULL);
}

static hel_status do_mul(setting *e)
{
    const hel_backend_ops *ops = e->s->ops;
    HEL_TRY(ops->tensor(e->s, e->basis, e->d, e->a, e->b));
    return ops->key_switch(e->s, e->basis, e->out, e->d[2], e->key, 1, &e->d[0], &e->d[1]);
}

static hel_status do_rotate(setting *e)
{
    const hel_backend_ops *ops = e->s->ops;
    HEL_TRY(ops->automorph(e->s, e->basis, e->d[0], e->a[0], 5));
    return ops->key_switch(e->s, e->basis, e->out, e->a[1], e->key, 5, &e->d[0], NULL);
}

static hel_status rescale(setting *e, uint32_t dropped)
{
    hel_view out[2] = {e->out[0], e->out[1]};
    out[0].limbs = out[1].limbs = out[0].q_limbs = out[1].q_limbs = e->out[0].limbs - dropped;
    HEL_TRY(e->s->ops->rescale(e->s, e->basis, out[0], e->a[0]));
    return e->s->ops->rescale(e->s, e->basis, out[1], e->a[1]);
}

static hel_status do_rescale1(setting *e)
{
    return rescale(e, 1);
}

static hel_status do_rescale2(setting *e)
{
    return rescale(e, 2);
}

static hel_status do_decompose(setting *e)
{
    return e->s->ops->decompose(e->s, e->basis, e->digits, e->a[1]);
}

static hel_status do_inner(setting *e)
{
    return e->s->ops->key_inner(e->s, e->basis, e->acc, e->digits, e->key, 1);
}

static hel_status do_mod_down(setting *e)
{
    return e->s->ops->mod_down(e->s, e->basis, e->out[0], e->acc[0], NULL);
}

static hel_status do_tensor(setting *e)
{
    return e->s->ops->tensor(e->s, e->basis, e->d, e->a, e->b);
}

/* Limb transforms, vector instructions besides per 16 coefficients, rows of N words from afar. */
typedef struct work {
    double transforms, instructions, rows;
} work;

static double conversion(double sources, double targets)
{
    return targets * (4.5 * sources + 13) + 16 * sources * ceil(targets / 16);
}

static work switch_work(const shape *f)
{
    const double l = f->q_count, k = f->p_count, t = l + k;
    const double d = (f->q_count + f->digit_limbs - 1) / f->digit_limbs;
    return (work){d * t + 2 * k + 2 * l,
                  d * conversion(l / d, t - l / d) + 2 * conversion(k, l) + t * (12 * d + 26),
                  2 * d * t + 2 * l + 4 * k + 5 * l};
}

static work divide_work(double divisors, double kept)
{
    return (work){divisors + kept, conversion(divisors, kept) + 14 * kept, 2 * divisors + 2 * kept};
}

static work twice(work w)
{
    return (work){2 * w.transforms, 2 * w.instructions, 2 * w.rows};
}

static work plus(work w, double instructions, double rows)
{
    return (work){w.transforms, w.instructions + instructions, w.rows + rows};
}

typedef struct op {
    const char *name;
    hel_status (*fn)(setting *e);
    work work;
} op;

typedef struct round_arg {
    setting *e;
    const op *op;
} round_arg;

static void run_op(void *p, size_t iterations)
{
    const round_arg *r = p;
    for (size_t i = 0; i < iterations; i++) {
        must(r->op->fn(r->e), r->e);
        bench_use(r->e->out[0].data);
    }
}

static void bench_shape(const shape *f, uint32_t threads)
{
    const double l = f->q_count, k = f->p_count, t = l + k;
    const double d = (f->q_count + f->digit_limbs - 1) / f->digit_limbs;
    const work sw = switch_work(f);
    const op ops[] = {
        {"key_switch", do_switch, sw},
        {"mul_relin", do_mul, plus(sw, 75 * l, 7 * l)},
        {"rotate", do_rotate, plus(sw, 4 * d * t + 4 * l, 2 * l)},
        {"key_switch_composed", do_composed, plus(sw, 0, 4 * d * t + 6 * t)},
        {"decompose", do_decompose, {d * t, d * conversion(l / d, t - l / d), d * t + 3 * l}},
        {"key_inner", do_inner, {0, t * (12 * d + 26), t * (3 * d + 2)}},
        {"mod_down", do_mod_down, divide_work(k, l)},
        {"rescale1", do_rescale1, twice(divide_work(1, l - 1))},
        {"rescale2", do_rescale2, twice(divide_work(2, l - 2))},
        {"tensor", do_tensor, {0, 75 * l, 7 * l}},
    };
    const double n = (double)(1u << f->log_n);
    setting e = {NULL};
    int ready = 0;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const work *w = &ops[i].work;
        const double bytes = 4 * n * w->rows;
        char name[80];
        snprintf(name, sizeof name, "%s/%.0f/q%u_p%u_d%u/threads:%u", ops[i].name, n, f->q_count,
                 f->p_count, f->digit_limbs, threads);
        if (!bench_wanted(name))
            continue;
        if (!ready++)
            prepare(&e, f, threads);
        round_arg arg = {&e, &ops[i]};
        const bench_result r = bench_run(name, run_op, &arg, (bench_rate){.bytes = bytes});
        if (r.best_ns <= 0)
            continue;
        bench_counter("limb_transforms", w->transforms);
        bench_counter("bytes", bytes);
        bench_counter("predicted_ns", w->transforms * n / 2 * f->log_n * 0.08 +
                                          w->instructions * n / 16 / 12 + bytes / 25);
    }
    if (ready)
        finish(&e);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv, "b_switch");
    for (uint32_t threads = 1; threads <= 2; threads++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            bench_shape(&shapes[i], threads);
    return bench_end();
}
