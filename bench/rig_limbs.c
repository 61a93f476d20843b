/*
 * Transforms and element-wise operations on batches that fill a device. Predictions: a transform
 * moves a row twice where it fits a block's (or a cluster's) shared memory, which is up to 2^16 on
 * sm_90, and 4 times otherwise; N/2 log2 N butterflies of 8 instructions. Everything else is bound
 * by the rows that it reads and writes. Target: 150 ns a row of 2^16.
 */
#include <stdio.h>

#include "bench/rig.h"

typedef struct limbs_arg {
    rig *b;
    hel_ring *ring;
    hel_basis *basis;
    hel_view x, y, z;
} limbs_arg;

static hel_status forward(void *p)
{
    const limbs_arg *a = p;
    return a->b->ops->ntt_forward(a->b->s, a->basis, a->x);
}

static hel_status inverse(void *p)
{
    const limbs_arg *a = p;
    return a->b->ops->ntt_inverse(a->b->s, a->basis, a->x);
}

static hel_status copy(void *p)
{
    const limbs_arg *a = p;
    return a->b->ops->copy(a->b->s, a->basis, a->z, a->x);
}

static hel_status add(void *p)
{
    const limbs_arg *a = p;
    return a->b->ops->add(a->b->s, a->basis, a->z, a->x, a->y);
}

static hel_status mul(void *p)
{
    const limbs_arg *a = p;
    return a->b->ops->mul(a->b->s, a->basis, a->z, a->x, a->y);
}

static hel_status mul_add(void *p)
{
    const limbs_arg *a = p;
    return a->b->ops->mul_add(a->b->s, a->basis, a->z, a->x, a->y);
}

static hel_status automorph(void *p)
{
    const limbs_arg *a = p;
    return a->b->ops->automorph(a->b->s, a->basis, a->z, a->x, 5);
}

static hel_status uniform(void *p)
{
    static const uint8_t seed[32] = {9};
    const limbs_arg *a = p;
    return a->b->ops->uniform(a->b->s, a->basis, a->z, seed, HEL_DOMAIN_SWITCH_A, 1);
}

static void start(limbs_arg *a, rig *b, uint32_t log_n, uint32_t limbs, uint32_t batch, int views)
{
    *a = (limbs_arg){.b = b};
    rig_must(b, hel_ring_create(b->engine, &a->ring, log_n, limbs));
    const hel_basis_shape shape = {
        .ring = a->ring, .q_count = limbs, .digit_limbs = 1, .drop_max = 1};
    rig_must(b, b->ops->basis_create(b->backend, b->engine, &a->basis, &shape));
    a->x = rig_view(b, a->basis, batch, limbs, limbs);
    if (views > 1) {
        a->y = rig_view(b, a->basis, batch, limbs, limbs);
        a->z = rig_view(b, a->basis, batch, limbs, limbs);
    }
}

static void finish(limbs_arg *a)
{
    rig *b = a->b;
    rig_drop(b, a->x);
    rig_drop(b, a->y);
    rig_drop(b, a->z);
    b->ops->basis_free(b->backend, a->basis);
    hel_ring_free(a->ring);
}

/* Rows that fill the card beyond its caches: 256 MiB; on a CPU 8 MiB. */
static uint32_t batch_of(const rig *b, uint32_t log_n, uint32_t limbs)
{
    const uint32_t log_words = b->options.smoke ? log_n + 2 : b->device ? 26 : 21;
    const uint32_t rows = log_words > log_n ? 1u << (log_words - log_n) : 1;
    return rows > limbs ? rows / limbs : 1;
}

void rig_transforms(rig *b)
{
    const uint32_t limbs = b->options.smoke ? 2 : 4;
    for (uint32_t log_n = b->options.smoke ? 10 : 12; log_n <= (b->options.smoke ? 11 : 17);
         log_n++) {
        const uint32_t batch = batch_of(b, log_n, limbs);
        const double n = (double)(1u << log_n), rows = (double)batch * limbs;
        const roofline_work work = {.compulsory_bytes = 8 * n,
                                    .moved_bytes = (log_n > 16 ? 16 : 8) * n,
                                    .instructions = n / 2 * log_n * 8,
                                    .target = log_n == 16 ? 150 : 0};
        limbs_arg a;
        char name[80];
        start(&a, b, log_n, limbs, batch, 1);
        snprintf(name, sizeof name, "ntt_forward/%.0f/limbs:%u/batch:%u", n, limbs, batch);
        rig_run(b, name, forward, &a, rows, &work);
        snprintf(name, sizeof name, "ntt_inverse/%.0f/limbs:%u/batch:%u", n, limbs, batch);
        rig_run(b, name, inverse, &a, rows, &work);
        finish(&a);
    }
}

void rig_elementwise(rig *b)
{
    static const struct {
        const char *name;
        rig_fn fn;
        double rows, instructions; /* rows read and written; instructions a word */
    } ops[] = {{"copy", copy, 2, 1},
               {"add", add, 3, 2},
               {"mul", mul, 3, 8},
               {"mul_add", mul_add, 4, 9},
               {"automorph", automorph, 2, 6},
               {"uniform", uniform, 1, 64}};
    const uint32_t log_n = b->options.smoke ? 10 : 16, limbs = 4;
    const uint32_t batch = batch_of(b, log_n, limbs);
    const double n = (double)(1u << log_n), rows = (double)batch * limbs;
    limbs_arg a;
    start(&a, b, log_n, limbs, batch, 3);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const roofline_work work = {4 * n * ops[i].rows, 4 * n * ops[i].rows,
                                    n * ops[i].instructions, 0, 0};
        char name[80];
        snprintf(name, sizeof name, "%s/%.0f/limbs:%u/batch:%u", ops[i].name, n, limbs, batch);
        rig_run(b, name, ops[i].fn, &a, rows, &work);
    }
    finish(&a);
}
