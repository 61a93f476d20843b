/* One digit of a switching key; the formula and the layout are in the header. */
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/ckks/switch_key.h"

typedef struct worker {
    hel_chacha *seed;
    uint32_t *error, *product; /* N each, secret */
    uint8_t *bytes;            /* 4 N */
} worker;

struct hel_switch_generator {
    hel_engine *engine;
    const hel_ring *ring;
    const uint32_t *s_ntt;
    hel_chacha *errors;
    uint32_t workers;
    worker *worker;
    int8_t *e;      /* N, secret */
    uint8_t *bytes; /* 8 N, secret */
};

uint32_t hel_limb_product(const hel_ring *ring, uint32_t first, uint32_t count, uint32_t i)
{
    const uint32_t q = ring->limb[i].q;
    uint32_t product = 1;
    for (uint32_t p = first; p < first + count; p++)
        product = hel_mod_mul(product, ring->limb[p].q % q, q);
    return product;
}

/* All vectors are one block of secret memory. */
static hel_status build(hel_switch_generator *g, const uint8_t a_seed[HEL_SEED_BYTES],
                        const uint8_t e_seed[HEL_SEED_BYTES])
{
    const size_t n = g->ring->n;
    HEL_TRY(hel_calloc(g->engine, &g->worker, g->workers, sizeof *g->worker));
    HEL_TRY(hel_secret_alloc(g->engine, &g->bytes, n * (8 + 1 + 12 * (size_t)g->workers)));
    g->e = (int8_t *)(g->bytes + 8 * n);
    uint8_t *at = g->bytes + 9 * n;
    for (uint32_t w = 0; w < g->workers; w++, at += 12 * n) {
        g->worker[w].error = (uint32_t *)(void *)at;
        g->worker[w].product = g->worker[w].error + n;
        g->worker[w].bytes = at + 8 * n;
        HEL_TRY(hel_chacha_create(g->engine, &g->worker[w].seed, a_seed));
    }
    return hel_chacha_create(g->engine, &g->errors, e_seed);
}

hel_status hel_switch_generator_create(hel_engine *engine, hel_switch_generator **out,
                                       const hel_ring *ring, const uint32_t *s_ntt,
                                       const uint8_t a_seed[HEL_SEED_BYTES],
                                       const uint8_t e_seed[HEL_SEED_BYTES])
{
    hel_switch_generator *g;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &g, 1, sizeof *g));
    g->engine = engine;
    g->ring = ring;
    g->s_ntt = s_ntt;
    g->workers = hel_engine_threads(engine);
    hel_status status = build(g, a_seed, e_seed);
    if (status != HEL_OK) {
        hel_switch_generator_free(g);
        return status;
    }
    *out = g;
    return HEL_OK;
}

void hel_switch_generator_free(hel_switch_generator *g)
{
    if (!g)
        return;
    for (uint32_t w = 0; g->worker && w < g->workers; w++)
        hel_chacha_free(g->worker[w].seed);
    hel_chacha_free(g->errors);
    hel_free(g->worker);
    hel_secret_free(g->bytes);
    hel_free(g);
}

typedef struct job {
    const hel_switch_generator *g;
    const hel_switch_shape *shape;
    const hel_switch_digit *d;
    uint32_t *pair;
} job;

/* b and a modulo one limb: b is written only by sums that the error already hides. */
static hel_status generate_limb(void *arg, size_t index, uint32_t worker_index)
{
    const job *j = arg;
    const hel_switch_generator *g = j->g;
    const worker *w = &g->worker[worker_index];
    const uint32_t t = (uint32_t)index, limb = hel_switch_shape_limb(j->shape, t);
    const hel_limb *l = &g->ring->limb[limb];
    const hel_ring_ops *ops = g->ring->ops;
    const size_t n = g->ring->n;
    uint32_t *b = j->pair + t * n, *a = b + (j->shape->q_limbs + j->shape->special) * n;

    HEL_TRY(hel_sample_uniform(g->ring, limb, w->seed, j->d->object, j->d->domain_a, a, w->bytes));
    hel_small_residues(l, w->error, g->e, n);
    hel_ntt_forward(g->ring, limb, w->error);
    ops->mul(l, w->product, a, g->s_ntt + limb * n, n);
    ops->sub(l, b, w->error, w->product, n);
    if (!j->d->from || t >= j->shape->q_limbs || t / j->shape->digit_limbs != j->d->digit)
        return HEL_OK;
    const uint32_t *from = j->d->from + t * n;
    if (j->d->map) {
        ops->permute(w->product, from, j->d->map, n);
        from = w->product;
    }
    ops->mul_scalar(l, w->product, from,
                    hel_limb_product(g->ring, j->shape->special_first, j->shape->special, limb), n);
    ops->add(l, b, b, w->product, n);
    return HEL_OK;
}

hel_status hel_switch_generate(hel_switch_generator *g, const hel_switch_shape *shape,
                               const hel_switch_digit *d, uint32_t *pair)
{
    job j = {g, shape, d, pair};
    hel_status status =
        hel_sample_cbd21(g->ring, g->errors, d->object, d->domain_e, g->e, g->bytes);
    if (status == HEL_OK)
        status = hel_parallel(g->engine, shape->q_limbs + shape->special, generate_limb, &j);
    if (status != HEL_OK)
        return hel_fail(g->engine, status, "switching keys: sampling failed");
    return HEL_OK;
}
