/* Slots to residues and back: host/ring/embedding.h, spread over items and limbs. */
#include <string.h>

#include "host/backend/cpu_private.h"
#include "host/base/mem.h"

typedef struct slots {
    hel_stream *s;
    const hel_basis *p;
    hel_view v;
    const double *in;
    double *x; /* [item][2 slots] */
    uint32_t log_slots;
    double scale;
    hel_cpu_groups groups;
    uint32_t *scratch; /* decode: limbs x N words for each worker */
    size_t scratch_words;
} slots;

/* ---- encode ---- */

static hel_status embed_item(void *arg, size_t item, uint32_t worker)
{
    const slots *e = arg;
    const size_t count = (size_t)2 << e->log_slots;
    (void)worker;
    memcpy(e->x + item * count, e->in + item * count, count * sizeof *e->x);
    hel_embedding_inverse(e->p->shape.embedding, e->log_slots, e->x + item * count);
    return HEL_OK;
}

static hel_status reduce_group(void *arg, size_t index, uint32_t worker)
{
    const slots *e = arg;
    const hel_ring *ring = e->p->shape.ring;
    const hel_cpu_group g = hel_cpu_group_at(&e->groups, index);
    uint32_t map[CPU_GROUP] = {0};
    uint32_t *out = hel_cpu_limb(&e->v, e->p, g.item, g.first);
    (void)worker;
    for (uint32_t i = 0; i < g.count; i++)
        map[i] = hel_basis_limb(e->p, &e->v, g.first + i);
    HEL_TRY(hel_embedding_reduce(e->s->engine, e->p->shape.embedding, ring, map, g.count,
                                 e->log_slots, e->x + ((size_t)g.item << (e->log_slots + 1)),
                                 e->scale, out, ring->n));
    for (uint32_t i = 0; i < g.count; i++)
        hel_ntt_forward(ring, map[i], out + (size_t)i * ring->n);
    return HEL_OK;
}

hel_status hel_cpu_encode(hel_stream *s, const hel_basis *p, hel_view out, const double *x,
                          uint32_t log_slots, double scale)
{
    slots e = {.s = s, .p = p, .v = out, .in = x, .log_slots = log_slots, .scale = scale};
    const double cost = hel_cpu_cost_ntt(p);
    if (out.batch == 0)
        return HEL_OK;
    e.groups = hel_cpu_cut(s, out.limbs, out.batch);
    const size_t bytes = ((size_t)out.batch << (log_slots + 1)) * sizeof *e.x;
    HEL_TRY(hel_cpu_alloc(s, &e.x, bytes));
    hel_status status = hel_cpu_loop(s, out.batch, 4 * cost, embed_item, &e);
    if (status == HEL_OK)
        status = hel_cpu_loop(s, hel_cpu_group_items(&e.groups),
                              2 * cost * out.limbs / e.groups.groups, reduce_group, &e);
    hel_wipe(e.x, bytes); /* the message; what is released is kept */
    hel_cpu_release(s, e.x);
    return status;
}

/* ---- decode ---- */

static hel_status decode_item(void *arg, size_t item, uint32_t worker)
{
    const slots *e = arg;
    double *x = e->x + (item << (e->log_slots + 1));
    const hel_ring *ring = e->p->shape.ring;
    hel_embedding_lift(e->p->shape.embedding, ring, e->v.limbs, e->log_slots,
                       e->v.data + item * e->v.stride, ring->n, e->scale, x,
                       e->scratch + worker * e->scratch_words);
    hel_embedding_forward(e->p->shape.embedding, e->log_slots, x);
    return HEL_OK;
}

hel_status hel_cpu_decode(hel_stream *s, const hel_basis *p, double *x, hel_view a,
                          uint32_t log_slots, double scale)
{
    slots e = {.s = s, .p = p, .v = a, .x = x, .log_slots = log_slots, .scale = scale};
    const uint32_t workers = hel_min_u32(hel_engine_threads(s->engine), a.batch);
    hel_view distinct = a;
    if (a.batch == 0)
        return HEL_OK;
    distinct.batch = hel_cpu_distinct(&a);
    HEL_TRY(hel_cpu_ntt_inverse(s, p, distinct));
    e.scratch_words = (size_t)a.limbs * p->shape.ring->n;
    const size_t bytes = workers * e.scratch_words * sizeof *e.scratch;
    HEL_TRY(hel_cpu_alloc(s, &e.scratch, bytes));
    hel_status status = hel_cpu_loop(s, a.batch, 4 * hel_cpu_cost_ntt(p), decode_item, &e);
    hel_wipe(e.scratch, bytes); /* a decrypted message, and the error that tells of the key */
    hel_cpu_release(s, e.scratch);
    return status;
}
