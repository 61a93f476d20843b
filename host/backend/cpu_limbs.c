/*
 * Entries that work limb by limb: a loop over (limb, item), items innermost. All but the transforms
 * are bound by memory: bytes moved are 4 N times the words stated at the loop.
 */
#include <string.h>

#include "host/backend/cpu_private.h"

typedef struct job job;
typedef void (*limb_fn)(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                        const uint32_t *b);

struct job {
    const hel_basis *p;
    const hel_ring_ops *ops;
    size_t n;
    hel_view out, a, b; /* b.data NULL: one input */
    limb_fn fn;
    const uint32_t *scalar; /* per limb */
    const uint32_t *map;
};

static const hel_limb *limb_of(const hel_basis *p, const hel_view *v, size_t i)
{
    return &p->shape.ring->limb[hel_basis_limb(p, v, (uint32_t)i)];
}

static hel_status run_limb(void *arg, size_t index, uint32_t worker)
{
    const job *j = arg;
    const uint32_t i = (uint32_t)(index / j->out.batch), item = (uint32_t)(index % j->out.batch);
    const uint32_t *a = j->a.data ? hel_cpu_limb(&j->a, j->p, item, i) : NULL;
    const uint32_t *b = j->b.data ? hel_cpu_limb(&j->b, j->p, item, i) : NULL;
    (void)worker;
    if (j->scalar) {
        job own = *j;
        own.scalar = j->scalar + i;
        j->fn(&own, limb_of(j->p, &j->out, i), hel_cpu_limb(&j->out, j->p, item, i), a, b);
    } else {
        j->fn(j, limb_of(j->p, &j->out, i), hel_cpu_limb(&j->out, j->p, item, i), a, b);
    }
    return HEL_OK;
}

static hel_status run(hel_stream *s, job *j, double cost)
{
    j->ops = j->p->shape.ring->ops;
    j->n = j->p->shape.ring->n;
    return hel_cpu_loop(s, (size_t)j->out.limbs * j->out.batch, cost, run_limb, j);
}

static void do_copy(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                    const uint32_t *b)
{
    (void)l;
    (void)b;
    memmove(out, a, j->n * sizeof *out);
}

/* Limbs in ascending order may overwrite what a later item has yet to read when out and a overlap:
 * callers copy within one buffer only where strides agree. */
hel_status hel_cpu_copy(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    job j = {.p = p, .out = out, .a = a, .fn = do_copy};
    if (out.data == a.data && (out.stride == a.stride || out.batch <= 1))
        return HEL_OK;
    return run(s, &j, hel_cpu_cost_words(p, 2));
}

static void do_forward(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                       const uint32_t *b)
{
    (void)a;
    (void)b;
    j->ops->ntt_forward(j->p->shape.ring, l, out);
}

hel_status hel_cpu_ntt_forward(hel_stream *s, const hel_basis *p, hel_view x)
{
    job j = {.p = p, .out = x, .fn = do_forward};
    return run(s, &j, hel_cpu_cost_ntt(p));
}

static void do_inverse(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                       const uint32_t *b)
{
    (void)a;
    (void)b;
    j->ops->ntt_inverse(j->p->shape.ring, l, out);
}

hel_status hel_cpu_ntt_inverse(hel_stream *s, const hel_basis *p, hel_view x)
{
    job j = {.p = p, .out = x, .fn = do_inverse};
    return run(s, &j, hel_cpu_cost_ntt(p));
}

static void do_add(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                   const uint32_t *b)
{
    j->ops->add(l, out, a, b, j->n);
}

hel_status hel_cpu_add(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b)
{
    job j = {.p = p, .out = out, .a = a, .b = b, .fn = do_add};
    return run(s, &j, hel_cpu_cost_words(p, 3));
}

static void do_sub(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                   const uint32_t *b)
{
    j->ops->sub(l, out, a, b, j->n);
}

hel_status hel_cpu_sub(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b)
{
    job j = {.p = p, .out = out, .a = a, .b = b, .fn = do_sub};
    return run(s, &j, hel_cpu_cost_words(p, 3));
}

static void do_mul(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                   const uint32_t *b)
{
    j->ops->mul(l, out, a, b, j->n);
}

hel_status hel_cpu_mul(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b)
{
    job j = {.p = p, .out = out, .a = a, .b = b, .fn = do_mul};
    return run(s, &j, hel_cpu_cost_words(p, 3));
}

static void do_mul_add(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                       const uint32_t *b)
{
    j->ops->mul_add(l, out, a, b, j->n);
}

hel_status hel_cpu_mul_add(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b)
{
    job j = {.p = p, .out = out, .a = a, .b = b, .fn = do_mul_add};
    return run(s, &j, hel_cpu_cost_words(p, 4));
}

static void do_mul_scalar(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                          const uint32_t *b)
{
    (void)b;
    j->ops->mul_scalar(l, out, a, *j->scalar, j->n);
}

hel_status hel_cpu_mul_scalar(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                              const uint32_t *c)
{
    job j = {.p = p, .out = out, .a = a, .fn = do_mul_scalar, .scalar = c};
    return run(s, &j, hel_cpu_cost_words(p, 2));
}

/* By blocks against a block of the constant, which stays in the first-level cache. */
static void do_add_scalar(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                          const uint32_t *b)
{
    _Alignas(64) uint32_t constant[CPU_BLOCK];
    (void)b;
    for (size_t i = 0; i < CPU_BLOCK; i++)
        constant[i] = *j->scalar;
    for (size_t i = 0; i < j->n; i += CPU_BLOCK)
        j->ops->add(l, out + i, a + i, constant, CPU_BLOCK);
}

hel_status hel_cpu_add_scalar(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                              const uint32_t *c)
{
    job j = {.p = p, .out = out, .a = a, .fn = do_add_scalar, .scalar = c};
    return run(s, &j, hel_cpu_cost_words(p, 2));
}

static void do_permute(const job *j, const hel_limb *l, uint32_t *out, const uint32_t *a,
                       const uint32_t *b)
{
    (void)l;
    (void)b;
    j->ops->permute(out, a, j->map, j->n);
}

hel_status hel_cpu_automorph(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                             uint32_t g)
{
    job j = {.p = p, .out = out, .a = a, .fn = do_permute};
    HEL_TRY(hel_cpu_basis_map(s->engine, p, g, &j.map));
    return run(s, &j, hel_cpu_cost_words(p, 3));
}

/* ---- products of several views ---- */

typedef struct many {
    const hel_basis *p;
    const hel_view *d, *a, *b;
    hel_view out;
    uint32_t terms;
    int accumulate;
} many;

/* 7 words per coefficient */
static hel_status tensor_limb(void *arg, size_t index, uint32_t worker)
{
    const many *m = arg;
    const uint32_t batch = m->d[0].batch;
    const uint32_t i = (uint32_t)(index / batch), item = (uint32_t)(index % batch);
    const hel_ring *ring = m->p->shape.ring;
    (void)worker;
    ring->ops->tensor(limb_of(m->p, &m->d[0], i), hel_cpu_limb(&m->d[0], m->p, item, i),
                      hel_cpu_limb(&m->d[1], m->p, item, i), hel_cpu_limb(&m->d[2], m->p, item, i),
                      hel_cpu_limb(&m->a[0], m->p, item, i), hel_cpu_limb(&m->a[1], m->p, item, i),
                      hel_cpu_limb(&m->b[0], m->p, item, i), hel_cpu_limb(&m->b[1], m->p, item, i),
                      ring->n);
    return HEL_OK;
}

hel_status hel_cpu_tensor(hel_stream *s, const hel_basis *p, const hel_view d[3],
                          const hel_view a[2], const hel_view b[2])
{
    many m = {.p = p, .d = d, .a = a, .b = b};
    return hel_cpu_loop(s, (size_t)d[0].limbs * d[0].batch, hel_cpu_cost_words(p, 7), tensor_limb,
                        &m);
}

#define DOT_TERMS 16u /* of one call of the twin's dot */

/* 2 terms + 1 words per coefficient. A block's sum is complete before out changes, since out may be
 * any of the inputs. */
static hel_status dot_limb(void *arg, size_t index, uint32_t worker)
{
    const many *m = arg;
    const uint32_t i = (uint32_t)(index / m->out.batch), item = (uint32_t)(index % m->out.batch);
    const hel_ring *ring = m->p->shape.ring;
    const hel_limb *l = limb_of(m->p, &m->out, i);
    uint32_t *out = hel_cpu_limb(&m->out, m->p, item, i);
    _Alignas(64) uint32_t sum[CPU_BLOCK], part[CPU_BLOCK];
    (void)worker;
    for (size_t at = 0; at < ring->n; at += CPU_BLOCK) {
        for (uint32_t first = 0; first < m->terms; first += DOT_TERMS) {
            const uint32_t terms = hel_min_u32(m->terms - first, DOT_TERMS);
            const uint32_t *a[DOT_TERMS], *b[DOT_TERMS];
            for (uint32_t t = 0; t < terms; t++) {
                a[t] = hel_cpu_limb(&m->a[first + t], m->p, item, i) + at;
                b[t] = hel_cpu_limb(&m->b[first + t], m->p, item, i) + at;
            }
            ring->ops->dot(l, first ? part : sum, a, b, terms, CPU_BLOCK);
            if (first)
                ring->ops->add(l, sum, sum, part, CPU_BLOCK);
        }
        if (m->accumulate)
            ring->ops->add(l, out + at, out + at, sum, CPU_BLOCK);
        else
            memcpy(out + at, sum, sizeof sum);
    }
    return HEL_OK;
}

hel_status hel_cpu_dot(hel_stream *s, const hel_basis *p, hel_view out, const hel_view *a,
                       const hel_view *b, uint32_t terms, int accumulate)
{
    many m = {.p = p, .a = a, .b = b, .out = out, .terms = terms, .accumulate = accumulate};
    return hel_cpu_loop(s, (size_t)out.limbs * out.batch, hel_cpu_cost_words(p, 2.0 * terms + 1),
                        dot_limb, &m);
}
