/* Tables of a basis on the device: primes with their twiddles, and the constants of all
 * conversions, copied from the CPU instance's. One upload each; nothing changes afterwards. */
#include <string.h>

#include "host/backend/device_private.h"
#include "host/base/mem.h"

static hel_status put(hel_engine *engine, hel_dev_backend *b, void *dst, const void *src,
                      size_t bytes)
{
    return hel_dev_fail(engine, b, b->device->ops->upload(b->device, NULL, dst, src, bytes),
                        "copying tables");
}

/* ---- primes ---- */

/* Forward, then inverse twiddles of every prime; *limb points into `tables` on the device. */
static hel_status upload_primes(hel_engine *engine, hel_dev_backend *b, hel_dev_basis *d,
                                k_pair *host, k_limb *limb)
{
    const hel_ring *ring = d->base.shape.ring;
    const size_t n = ring->n;
    for (uint32_t i = 0; i < ring->count; i++) {
        const hel_limb *l = &ring->limb[i];
        k_pair *device = (k_pair *)d->tables + 2 * n * i;
        const uint32_t top = hel_mod_mul(l->w_inv[1], l->n_inv, l->q);
        for (size_t j = 0; j < n; j++) {
            host[j] = (k_pair){l->w[j], l->w_shoup[j]};
            host[n + j] = (k_pair){l->w_inv[j], l->w_inv_shoup[j]};
        }
        HEL_TRY(put(engine, b, device, host, 2 * n * sizeof *host));
        limb[i] = (k_limb){.q = l->q,
                           .q2 = 2 * l->q,
                           .minus_q = 0u - l->q,
                           .minus_q2 = 0u - 2 * l->q,
                           .barrett = (uint32_t)l->barrett,
                           .bits = l->bits,
                           .pow34 = l->pow34,
                           .word_inv = l->word_inv,
                           .n_inv = {l->n_inv, l->n_inv_shoup},
                           .n_inv_w = {top, hel_mod_shoup(top, l->q)},
                           .w = device,
                           .w_inv = device + n};
    }
    return put(engine, b, d->limb, limb, ring->count * sizeof *limb);
}

static hel_status create_primes(hel_engine *engine, hel_dev_backend *b, hel_dev_basis *d)
{
    const hel_ring *ring = d->base.shape.ring;
    const size_t bytes = 2 * (size_t)ring->n * ring->count * sizeof(k_pair);
    k_pair *host = NULL;
    k_limb *limb = NULL;
    void *at = NULL;
    hel_status status;
    HEL_TRY(hel_dev_fail(engine, b, b->device->ops->alloc(b->device, &d->tables, bytes),
                         "allocating twiddles"));
    HEL_TRY(hel_dev_fail(engine, b,
                         b->device->ops->alloc(b->device, &at, ring->count * sizeof *limb),
                         "allocating primes"));
    d->limb = at;
    HEL_TRY_GOTO(hel_malloc(engine, &host, 2 * (size_t)ring->n, sizeof *host), out);
    HEL_TRY_GOTO(hel_calloc(engine, &limb, ring->count, sizeof *limb), out);
    status = upload_primes(engine, b, d, host, limb);
out:
    hel_free(host);
    hel_free(limb);
    return status;
}

/* ---- conversions ---- */

/* One block: y pairs, fractions, sources, targets, weights. */
static hel_status create_conversion(hel_engine *engine, hel_dev_backend *b, hel_dev_conversion *d,
                                    const hel_conversion *c)
{
    const size_t m = c->from_count, t = c->to_count, words = 4 * m + t + t * (m + 1);
    uint32_t *host, *w;
    HEL_TRY(hel_dev_fail(engine, b, b->device->ops->alloc(b->device, &d->storage, 4 * words),
                         "allocating constants"));
    HEL_TRY(hel_malloc(engine, &host, words, sizeof *host));
    w = d->storage;
    d->c = (k_conversion){.from_count = c->from_count,
                          .to_count = c->to_count,
                          .y = (const k_pair *)(void *)w,
                          .fraction = w + 2 * m,
                          .from = w + 3 * m,
                          .to = w + 4 * m,
                          .weight = w + 4 * m + t};
    for (size_t k = 0; k < m; k++) {
        host[2 * k] = c->y[k];
        host[2 * k + 1] = c->y_shoup[k];
        host[2 * m + k] = c->fraction[k];
        host[3 * m + k] = c->from[k]->index;
    }
    for (size_t i = 0; i < t; i++)
        host[4 * m + i] = d->to[i] = c->to[i]->index;
    memcpy(host + 4 * m + t, c->weight, t * (m + 1) * sizeof *host);
    hel_status status = put(engine, b, d->storage, host, 4 * words);
    hel_free(host);
    return status;
}

static hel_status create_list(hel_engine *engine, hel_dev_backend *b, hel_dev_conversion **out,
                              hel_conversion *const *list, size_t count)
{
    HEL_TRY(hel_calloc(engine, out, count, sizeof **out));
    for (size_t i = 0; i < count; i++)
        if (list[i])
            HEL_TRY(create_conversion(engine, b, *out + i, list[i]));
    return HEL_OK;
}

static void free_list(hel_dev_backend *b, hel_dev_conversion *list, size_t count)
{
    for (size_t i = 0; list && i < count; i++)
        if (list[i].storage)
            b->device->ops->release(b->device, list[i].storage);
    hel_free(list);
}

static hel_status create_all(hel_engine *engine, hel_dev_backend *b, hel_dev_basis *d)
{
    const hel_cpu_basis *host = hel_cpu_basis_of(d->host);
    const hel_basis_shape *shape = &d->base.shape;
    HEL_TRY(create_primes(engine, b, d));
    HEL_TRY(create_list(engine, b, &d->digit, host->digit, shape->q_count));
    HEL_TRY(create_list(engine, b, &d->special, &host->special, 1));
    return create_list(engine, b, &d->drop, host->drop, (size_t)shape->q_count * shape->drop_max);
}

hel_status hel_dev_basis_create(hel_backend *backend, hel_engine *engine, hel_basis **out,
                                const hel_basis_shape *shape)
{
    hel_dev_backend *b = (hel_dev_backend *)backend;
    hel_dev_basis *d;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &d, 1, sizeof *d));
    hel_status status = b->host->ops->basis_create(b->host, engine, &d->host, shape);
    if (status == HEL_OK) {
        d->base.shape = d->host->shape;
        status = create_all(engine, b, d);
    }
    if (status != HEL_OK) {
        hel_dev_basis_free(backend, &d->base);
        return status;
    }
    *out = &d->base;
    return HEL_OK;
}

void hel_dev_basis_free(hel_backend *backend, hel_basis *basis)
{
    hel_dev_backend *b = (hel_dev_backend *)backend;
    hel_dev_basis *d = (hel_dev_basis *)basis;
    if (!d)
        return;
    free_list(b, d->digit, d->base.shape.q_count);
    free_list(b, d->special, 1);
    free_list(b, d->drop, (size_t)d->base.shape.q_count * d->base.shape.drop_max);
    if (d->tables)
        b->device->ops->release(b->device, d->tables);
    if (d->limb)
        b->device->ops->release(b->device, d->limb);
    b->host->ops->basis_free(b->host, d->host);
    hel_free(d);
}
