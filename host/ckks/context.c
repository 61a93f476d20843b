/*
 * Contexts: the tables of one parameter set, counted by handles and objects, and the handles, each
 * of which adds an engine and a stream. Public contract: heloci/ckks.h.
 */
#include <math.h>
#include <string.h>

#include "host/backend/backend_open.h"
#include "host/base/mem.h"
#include "host/ckks/evaluator.h"

void hel_ckks_context_hold(hel_ckks_context *c)
{
    atomic_fetch_add_explicit(&c->users, 1, memory_order_relaxed);
}

void hel_ckks_context_release(hel_ckks_context *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->users, 1, memory_order_acq_rel) != 1)
        return;
    if (c->basis)
        c->backend->ops->basis_free(c->backend, c->basis);
    if (c->memory)
        c->backend->ops->stream_free(c->memory);
    hel_backend_free(c->backend);
    hel_embedding_free(c->embedding);
    hel_ring_free(c->ring);
    pthread_mutex_destroy(&c->lock);
    hel_free(c);
}

static hel_status build_basis(hel_engine *engine, hel_ckks_context *c)
{
    const hel_ckks_params *p = &c->params;
    uint64_t multiplier[HEL_CKKS_PRIMES_MAX + 1]; /* by limbs that a rescale leaves */
    hel_basis_shape shape = {
        .ring = c->ring,
        .embedding = c->embedding,
        .q_count = c->q_limbs,
        .p_count = p->special_limbs,
        .digit_limbs = p->digit_limbs,
        .multiplier = multiplier,
    };
    for (uint32_t i = 0; i <= c->q_limbs; i++)
        multiplier[i] = 1;
    for (uint32_t l = 1; l <= p->depth; l++) {
        const uint32_t own = p->limbs[l] - p->limbs[l - 1];
        multiplier[p->limbs[l - 1]] = p->multiplier[l];
        shape.drop_max = own > shape.drop_max ? own : shape.drop_max;
    }
    return c->backend->ops->basis_create(c->backend, engine, &c->basis, &shape);
}

static hel_status build(hel_engine *engine, hel_ckks_context *c)
{
    const hel_ckks_params *p = &c->params;
    c->n = 1u << p->log_n;
    c->q_limbs = p->limbs[p->depth];
    c->total = c->q_limbs + p->special_limbs;
    for (uint32_t i = 0; i < c->q_limbs; i++)
        c->log_q[i + 1] = c->log_q[i] + log2(p->primes[i]);
    hel_ckks_scales(p, c->scale);
    HEL_TRY(hel_ckks_params_digest(engine, p, c->digest));
    HEL_TRY(hel_ring_create_from(engine, &c->ring, p->log_n, p->primes, c->total));
    HEL_TRY(hel_embedding_create(engine, &c->embedding, p->log_n));
    HEL_TRY(c->backend->ops->stream_create(c->backend, engine, &c->memory));
    c->memory->shared = 1;
    c->memory->engine = NULL;
    return build_basis(engine, c);
}

static hel_status create_context(hel_engine *engine, hel_ckks_context **out,
                                 const hel_ckks_params *params, hel_backend *backend)
{
    hel_ckks_context *c;
    *out = NULL;
    hel_status status = hel_ckks_params_check(engine, params, NULL);
    if (status == HEL_OK)
        status = hel_calloc(engine, &c, 1, sizeof *c);
    if (status != HEL_OK) {
        hel_backend_free(backend);
        return status;
    }
    c->params = *params;
    c->backend = backend;
    atomic_init(&c->users, 1);
    pthread_mutex_init(&c->lock, NULL);
    status = build(engine, c);
    if (status != HEL_OK) {
        hel_ckks_context_release(c);
        return status;
    }
    *out = c;
    return HEL_OK;
}

/* A handle; takes over one count of the context. */
static hel_status create_handle(hel_engine *engine, hel_ckks **out, hel_ckks_context *context)
{
    hel_ckks *c;
    hel_status status = hel_calloc(engine, &c, 1, sizeof *c);
    *out = NULL;
    if (status != HEL_OK) {
        hel_ckks_context_release(context);
        return status;
    }
    c->engine = engine;
    c->context = context;
    status = context->backend->ops->stream_create(context->backend, engine, &c->stream);
    if (status != HEL_OK) {
        hel_ckks_free(c);
        return status;
    }
    *out = c;
    return HEL_OK;
}

hel_status hel_ckks_create_on(hel_engine *engine, hel_ckks **out, const hel_ckks_params *params,
                              hel_backend *backend)
{
    hel_ckks_context *context;
    *out = NULL;
    HEL_TRY(create_context(engine, &context, params, backend));
    return create_handle(engine, out, context);
}

hel_status hel_ckks_create(hel_engine *engine, hel_ckks **out, const hel_ckks_params *params)
{
    hel_backend *backend;
    *out = NULL;
    hel_error_clear(engine);
    HEL_REQUIRE(engine, params, HEL_E_USAGE, "CKKS: a parameter set is needed");
    HEL_TRY(hel_backend_open(engine, &backend));
    return hel_ckks_create_on(engine, out, params, backend);
}

hel_status hel_ckks_clone(hel_engine *engine, hel_ckks **out, const hel_ckks *ckks)
{
    *out = NULL;
    hel_error_clear(engine);
    hel_ckks_context_hold(ckks->context);
    HEL_TRY(create_handle(engine, out, ckks->context));
    (*out)->keys = ckks->keys;
    (*out)->alignment = ckks->alignment;
    return HEL_OK;
}

void hel_ckks_free(hel_ckks *ckks)
{
    if (!ckks)
        return;
    if (ckks->stream)
        ckks->stream->ops->stream_free(ckks->stream);
    hel_ckks_context_release(ckks->context);
    hel_free(ckks);
}

const hel_ckks_params *hel_ckks_get_params(const hel_ckks *ckks)
{
    return &ckks->context->params;
}

uint32_t hel_ckks_slots(const hel_ckks *ckks)
{
    return ckks->context->n / 2;
}

void hel_ckks_set_alignment(hel_ckks *ckks, hel_ckks_alignment alignment)
{
    ckks->alignment = alignment;
}

/* The memory stream works for whoever calls: it borrows the caller's engine for its error text. */
hel_status hel_ckks_memory(hel_ckks *c, uint32_t **out, size_t words)
{
    hel_ckks_context *t = c->context;
    *out = NULL;
    if (words == 0)
        return HEL_OK;
    pthread_mutex_lock(&t->lock);
    t->memory->engine = c->engine;
    hel_status status = t->memory->ops->alloc(t->memory, out, words * sizeof **out);
    t->memory->engine = NULL;
    pthread_mutex_unlock(&t->lock);
    return status;
}

void hel_ckks_memory_free(hel_ckks_context *context, uint32_t *data, size_t secret_words)
{
    if (!data)
        return;
    pthread_mutex_lock(&context->lock);
    if (secret_words)
        context->memory->ops->wipe(context->memory, data, secret_words * sizeof *data);
    context->memory->ops->release(context->memory, data);
    pthread_mutex_unlock(&context->lock);
}

uint32_t hel_ckks_level_for(const hel_ckks_context *t, double bits, uint32_t top)
{
    uint32_t level = 0;
    while (level < top && t->log_q[t->params.limbs[level]] <= bits + 1)
        level++;
    return level;
}
