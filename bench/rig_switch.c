/*
 * Key switches and what is made of them, at the sets for comparison with other libraries, single
 * and batched. Rows of N words, l of Q, k of P, beta digits, u = sum of l + k - alpha over digits,
 * K = 2 beta (l + k) rows of key, B items that share it:
 *   compulsory  key switch 3l + K/B, rotation 4l + K/B, product 6l + K/B
 *   moved       10l + 8k + 2u + K/B where a row's transform is one pass (N up to 2^15),
 *               18l + 12k + 2u + K/B at two passes, plus what stands beside the switch
 *   issued      l + u + 2k + 2l transforms of N/2 log2 N butterflies at 8 instructions, conversions
 *               and inner products at 3 a multiply-add
 * Target: batched key switches and rotations within twice the compulsory bytes' time.
 */
#include <stdio.h>

#include "bench/rig.h"
#include "heloci/ckks.h"

enum { HOISTED = 8 };

typedef struct switch_rig {
    rig *b;
    hel_ring *ring;
    hel_basis *basis;
    uint32_t n, l, k, alpha, digits, drop, batch;
    hel_view a[2], b2[2], d[3], out[2], acc[2], digit_rows, low;
    hel_key_view key;
    uint32_t *key_words;
    void *recording;
} switch_rig;

/* ---- operations ---- */

static hel_status switch_of(switch_rig *e, const hel_view out[2], hel_view a, uint32_t g,
                            const hel_view *add0, const hel_view *add1)
{
    rig *b = e->b;
    if (b->ops->key_switch)
        return b->ops->key_switch(b->s, e->basis, out, a, e->key, g, add0, add1);
    return hel_key_switch(b->s, e->basis, out, a, e->key, g, add0, add1);
}

static hel_status key_switch(void *p)
{
    switch_rig *e = p;
    return switch_of(e, e->out, e->a[1], 1, NULL, NULL);
}

static hel_status composed(void *p)
{
    switch_rig *e = p;
    return hel_key_switch(e->b->s, e->basis, e->out, e->a[1], e->key, 1, NULL, NULL);
}

static hel_status rotate(void *p)
{
    switch_rig *e = p;
    HEL_TRY(e->b->ops->automorph(e->b->s, e->basis, e->d[0], e->a[0], 5));
    return switch_of(e, e->out, e->a[1], 5, &e->d[0], NULL);
}

static hel_status mul_relin(void *p)
{
    switch_rig *e = p;
    HEL_TRY(e->b->ops->tensor(e->b->s, e->basis, e->d, e->a, e->b2));
    return switch_of(e, e->out, e->d[2], 1, &e->d[0], &e->d[1]);
}

static hel_status hoisted(void *p)
{
    switch_rig *e = p;
    const hel_backend_ops *ops = e->b->ops;
    hel_stream *s = e->b->s;
    HEL_TRY(ops->decompose(s, e->basis, e->digit_rows, e->a[1]));
    for (uint32_t i = 0, g = 5; i < HOISTED; i++, g = g * 5 % (2 * e->n)) {
        HEL_TRY(ops->automorph(s, e->basis, e->d[0], e->a[0], g));
        if (ops->switch_digits) {
            HEL_TRY(
                ops->switch_digits(s, e->basis, e->out, e->digit_rows, e->key, g, &e->d[0], NULL));
            continue;
        }
        HEL_TRY(ops->key_inner(s, e->basis, e->acc, e->digit_rows, e->key, g));
        HEL_TRY(ops->mod_down(s, e->basis, e->out[0], e->acc[0], &e->d[0]));
        HEL_TRY(ops->mod_down(s, e->basis, e->out[1], e->acc[1], NULL));
    }
    return HEL_OK;
}

static hel_status rescale(void *p)
{
    switch_rig *e = p;
    for (int h = 0; h < 2; h++)
        HEL_TRY(e->b->ops->rescale(e->b->s, e->basis, e->low, e->a[h]));
    return HEL_OK;
}

static hel_status decompose(void *p)
{
    switch_rig *e = p;
    return e->b->ops->decompose(e->b->s, e->basis, e->digit_rows, e->a[1]);
}

static hel_status inner(void *p)
{
    switch_rig *e = p;
    return e->b->ops->key_inner(e->b->s, e->basis, e->acc, e->digit_rows, e->key, 5);
}

static hel_status mod_down(void *p)
{
    switch_rig *e = p;
    return e->b->ops->mod_down(e->b->s, e->basis, e->out[0], e->acc[0], NULL);
}

/* A product, its rescaling and a rotation: what is recorded. */
static hel_status chain(void *p)
{
    switch_rig *e = p;
    HEL_TRY(mul_relin(e));
    HEL_TRY(e->b->ops->rescale(e->b->s, e->basis, e->low, e->out[0]));
    return rotate(e);
}

static hel_status replay(void *p)
{
    switch_rig *e = p;
    return e->b->ops->replay(e->b->s, e->recording);
}

/* ---- amounts ---- */

typedef struct amounts {
    double key, u, moved, instructions; /* rows of key an item; rows, instructions of a switch */
} amounts;

static amounts amounts_of(const switch_rig *e)
{
    const double l = e->l, k = e->k, n = e->n;
    double log_n = 0, u = 0, products = 2 * k * l;
    for (uint32_t x = e->n; x > 1; x /= 2)
        log_n++;
    for (uint32_t j = 0; j < e->digits; j++) {
        const uint32_t end = (j + 1) * e->alpha < e->l ? (j + 1) * e->alpha : e->l;
        const double own = end - j * e->alpha;
        u += l + k - own;
        products += own * (l + k - own);
    }
    products += 2 * e->digits * (l + k);
    amounts x = {.key = 2 * e->digits * (l + k) / e->batch, .u = u};
    x.moved = (e->n > 1u << 15 ? 18 * l + 12 * k : 10 * l + 8 * k) + 2 * u + x.key;
    x.instructions = (3 * l + u + 2 * k) * n / 2 * log_n * 8 + 3 * n * products;
    return x;
}

/* Rows of one item. */
static roofline_work work_of(const switch_rig *e, double compulsory, double moved,
                             double instructions, double most_ratio)
{
    return (roofline_work){4.0 * e->n * compulsory, 4.0 * e->n * moved, instructions, 0,
                           most_ratio};
}

/* ---- one set and batch ---- */

static void start(switch_rig *e)
{
    rig *b = e->b;
    const uint32_t l = e->l, total = e->l + e->k;
    for (uint32_t i = 0; i < 2; i++) {
        e->a[i] = rig_view(b, e->basis, e->batch, l, l);
        e->b2[i] = rig_view(b, e->basis, e->batch, l, l);
        e->out[i] = rig_view(b, e->basis, e->batch, l, l);
        e->acc[i] = rig_view(b, e->basis, e->batch, total, l);
    }
    for (uint32_t i = 0; i < 3; i++)
        e->d[i] = rig_view(b, e->basis, e->batch, l, l);
    e->low = rig_view(b, e->basis, e->batch, l - e->drop, l - e->drop);
    /* digits as items of a batch while they are filled */
    e->digit_rows = rig_view(b, e->basis, e->batch * e->digits, total, l);
    e->digit_rows.batch = e->batch;
    e->digit_rows.stride *= e->digits;
    const hel_view key = rig_view(b, e->basis, 2 * e->digits, total, l);
    e->key_words = key.data;
    e->key = (hel_key_view){key.data, l, e->digits};
}

static void finish(switch_rig *e)
{
    for (uint32_t i = 0; i < 2; i++) {
        rig_drop(e->b, e->a[i]);
        rig_drop(e->b, e->b2[i]);
        rig_drop(e->b, e->out[i]);
        rig_drop(e->b, e->acc[i]);
    }
    for (uint32_t i = 0; i < 3; i++)
        rig_drop(e->b, e->d[i]);
    rig_drop(e->b, e->low);
    rig_drop(e->b, e->digit_rows);
    e->b->ops->release(e->b->s, e->key_words);
}

static void run(switch_rig *e, const char *set, const char *op, rig_fn fn, double times,
                roofline_work work)
{
    char name[96];
    snprintf(name, sizeof name, "%s/%s/%u/q%u_p%u_d%u/batch:%u", op, set, e->n, e->l, e->k,
             e->alpha, e->batch);
    const bench_result r = rig_run(e->b, name, fn, e, e->batch * times, &work);
    if (!(r.best_ns > 0))
        return;
    bench_text("op", op);
    bench_text("preset", set);
    bench_counter("n", e->n);
    bench_counter("limbs", e->l);
    bench_counter("batch", e->batch);
}

static void run_chain(switch_rig *e, const char *set, const amounts *x)
{
    const hel_backend_ops *ops = e->b->ops;
    const double l = e->l;
    const roofline_work work =
        work_of(e, 13 * l + 2 * x->key, 9 * l + 2 * x->moved, 2 * x->instructions, 0);
    run(e, set, "chain_direct", chain, 1, work);
    if (!ops->record_begin || !ops->record_end || !ops->replay || bench_listing())
        return;
    rig_must(e->b, chain(e)); /* takes the memory that it needs */
    rig_must(e->b, ops->sync(e->b->s));
    rig_must(e->b, ops->record_begin(e->b->s));
    rig_must(e->b, chain(e));
    rig_must(e->b, ops->record_end(e->b->s, &e->recording));
    run(e, set, "chain_replayed", replay, 1, work);
    rig_must(e->b, ops->sync(e->b->s));
    ops->recording_free(e->b->s, e->recording);
    e->recording = NULL;
}

static void run_batch(switch_rig *e, const char *set)
{
    const amounts x = amounts_of(e);
    const double l = e->l, k = e->k, d = e->digits, total = l + k, n = e->n;
    const double limit = e->batch > 1 && !e->b->options.smoke ? 2 : 0, kept = l - e->drop;
    start(e);
    run(e, set, "key_switch", key_switch, 1,
        work_of(e, 3 * l + x.key, x.moved, x.instructions, limit));
    run(e, set, "key_switch_composed", composed, 1,
        work_of(e, 3 * l + x.key, x.moved + 4 * d * total, x.instructions, 0));
    run(e, set, "rotate", rotate, 1,
        work_of(e, 4 * l + x.key, x.moved + 3 * l, x.instructions + 6 * l * n, limit));
    run(e, set, "mul_relin", mul_relin, 1,
        work_of(e, 6 * l + x.key, x.moved + 9 * l, x.instructions + 24 * l * n, 0));
    run(e, set, "rotate_hoisted8", hoisted, HOISTED,
        work_of(e, 2.25 * l + x.key, d * total + x.key + 5 * l + 8 * k, x.instructions / 2, 0));
    run(e, set, "rescale", rescale, 1, work_of(e, 2 * (l + kept), 2 * (l + 2 * kept + 2), 0, 0));
    run(e, set, "decompose", decompose, 1, work_of(e, l + d * total, 3 * l + d * total, 0, 0));
    run(e, set, "key_inner", inner, 1,
        work_of(e, (d + 2) * total + x.key, (d + 2) * total + x.key, 6 * d * total * n, 0));
    run(e, set, "mod_down", mod_down, 1, work_of(e, 2 * l + k, 4 * l + 3 * k, 0, 0));
    if (e->batch == 1)
        run_chain(e, set, &x);
    finish(e);
}

static void run_set(rig *b, const char *set, const hel_ckks_params *p)
{
    static const uint32_t batches[] = {1, 16, 64};
    switch_rig e = {.b = b, .n = 1u << p->log_n, .l = p->limbs[p->depth], .k = p->special_limbs};
    e.alpha = p->digit_limbs;
    e.digits = (e.l + e.alpha - 1) / e.alpha;
    e.drop = p->limbs[p->depth] - p->limbs[p->depth - 1];
    rig_must(b, hel_ring_create_from(b->engine, &e.ring, p->log_n, p->primes, e.l + e.k));
    const hel_basis_shape shape = {
        .ring = e.ring, .q_count = e.l, .p_count = e.k, .digit_limbs = e.alpha, .drop_max = e.drop};
    rig_must(b, b->ops->basis_create(b->backend, b->engine, &e.basis, &shape));
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        e.batch = b->options.smoke && batches[i] > 1 ? 2 : batches[i];
        const double rows = (2.0 * e.digits + 4) * (e.l + e.k) + 10.0 * e.l;
        if (rig_fits(b, 4.0 * e.n * e.batch * rows + 8.0 * e.n * e.digits * (e.l + e.k)))
            run_batch(&e, set);
        else
            fprintf(stderr, "%s, batch %u: not measured, too little memory\n", set, e.batch);
        if (e.batch != batches[i])
            break;
    }
    b->ops->basis_free(b->backend, e.basis);
    hel_ring_free(e.ring);
}

void rig_key_switches(rig *b)
{
    static const char *const sets[] = {"cmp13", "cmp14", "cmp15", "cmp16"};
    for (size_t i = 0; i < (b->options.smoke ? 1 : 4); i++) {
        const char *set = b->options.smoke ? "n12" : sets[i];
        hel_ckks_params p;
        if (!bench_wanted_preset(set))
            continue;
        rig_must(b, hel_ckks_params_named(b->engine, set, &p));
        run_set(b, set, &p);
    }
}
