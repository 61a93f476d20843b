/* Random polynomials on the CPU: streams of ring.h, one generator per item of work. */
#include <string.h>

#include "host/backend/cpu_private.h"
#include "host/base/crypto.h"
#include "host/base/mem.h"

/* ---- uniform limbs ---- */

typedef struct uniform {
    hel_engine *engine;
    const hel_basis *p;
    hel_view out;
    const uint8_t *seed;
    hel_domain domain;
    uint64_t object;
    uint8_t *scratch; /* N words for each worker */
} uniform;

static hel_status uniform_limb(void *arg, size_t index, uint32_t worker)
{
    const uniform *u = arg;
    const hel_ring *ring = u->p->shape.ring;
    const uint32_t i = (uint32_t)(index / u->out.batch), item = (uint32_t)(index % u->out.batch);
    hel_chacha *chacha;
    HEL_TRY(hel_chacha_create(u->engine, &chacha, u->seed));
    hel_status status =
        hel_sample_uniform(ring, hel_basis_limb(u->p, &u->out, i), chacha, u->object + item,
                           u->domain, hel_cpu_limb(&u->out, u->p, item, i),
                           u->scratch + (size_t)worker * ring->n * sizeof(uint32_t));
    hel_chacha_free(chacha);
    return status;
}

hel_status hel_cpu_uniform(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                           hel_domain domain, uint64_t object)
{
    const size_t bytes =
        (size_t)hel_engine_threads(s->engine) * p->shape.ring->n * sizeof(uint32_t);
    uniform u = {s->engine, p, out, seed, domain, object, NULL};
    HEL_TRY(hel_cpu_alloc(s, &u.scratch, bytes));
    hel_status status =
        hel_cpu_loop(s, (size_t)out.limbs * out.batch, hel_cpu_cost_words(p, 20), uniform_limb, &u);
    hel_wipe(u.scratch, bytes); /* the stream of a secret key may be what was asked for */
    hel_cpu_release(s, u.scratch);
    return status;
}

/* ---- small polynomials ---- */

typedef struct small {
    hel_engine *engine;
    const hel_basis *p;
    hel_view out;
    const uint8_t *seed;
    hel_domain domain;
    uint64_t object;
    uint32_t step;
    int8_t *value;    /* [item][N] */
    uint8_t *scratch; /* 8 N bytes for each worker */
} small;

static hel_status small_item(void *arg, size_t item, uint32_t worker)
{
    const small *m = arg;
    const hel_ring *ring = m->p->shape.ring;
    int8_t *value = m->value + item * ring->n;
    uint8_t *scratch = m->scratch + (size_t)worker * 8 * ring->n;
    const uint64_t object = m->object + item * m->step;
    hel_chacha *chacha;
    HEL_TRY(hel_chacha_create(m->engine, &chacha, m->seed));
    hel_status status = m->domain == HEL_DOMAIN_TERNARY
                            ? hel_sample_ternary(ring, chacha, object, value, scratch)
                            : hel_sample_cbd21(ring, chacha, object, m->domain, value, scratch);
    hel_chacha_free(chacha);
    return status;
}

/* v mod q without a branch: q is added to negative values. */
static hel_status small_limb(void *arg, size_t index, uint32_t worker)
{
    const small *m = arg;
    const hel_ring *ring = m->p->shape.ring;
    const uint32_t i = (uint32_t)(index / m->out.batch), item = (uint32_t)(index % m->out.batch);
    const uint32_t limb = hel_basis_limb(m->p, &m->out, i), q = ring->limb[limb].q;
    const int8_t *value = m->value + (size_t)item * ring->n;
    uint32_t *out = hel_cpu_limb(&m->out, m->p, item, i);
    (void)worker;
    for (uint32_t k = 0; k < ring->n; k++) {
        const uint32_t v = (uint32_t)(int32_t)value[k];
        out[k] = v + (q & (0u - (v >> 31)));
    }
    hel_ntt_forward(ring, limb, out);
    return HEL_OK;
}

hel_status hel_cpu_small(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                         hel_domain domain, uint64_t object, uint32_t step)
{
    const size_t n = p->shape.ring->n, workers = hel_engine_threads(s->engine);
    const size_t bytes = n * out.batch + 8 * n * workers;
    small m = {s->engine, p, out, seed, domain, object, step, NULL, NULL};
    HEL_TRY(hel_secret_alloc(s->engine, &m.value, bytes));
    m.scratch = (uint8_t *)m.value + n * out.batch;
    hel_status status = hel_cpu_loop(s, out.batch, hel_cpu_cost_words(p, 40), small_item, &m);
    if (status == HEL_OK)
        status =
            hel_cpu_loop(s, (size_t)out.limbs * out.batch, hel_cpu_cost_ntt(p), small_limb, &m);
    hel_secret_free(m.value);
    return status;
}
