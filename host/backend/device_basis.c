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

/* What divides by a conversion's sources: 1 / their product modulo each target, and the number
 * that is multiplied by first. NULL inverse: a conversion only. */
typedef struct divisor {
    const uint32_t *inverse;
    uint64_t times;
} divisor;

/* w / 2^(30 - bits) mod q */
static uint32_t halved(uint32_t w, uint32_t bits, uint32_t q)
{
    for (; bits < 30; bits++)
        w = w / 2 + (w % 2 ? q / 2 + 1 : 0);
    return w;
}

static void fill_pair(uint32_t *to, uint32_t w, uint32_t q)
{
    to[0] = w;
    to[1] = hel_mod_shoup(w, q);
}

/* Where the parts of a conversion's block begin, in words */
typedef struct layout {
    size_t inverse, weight, times, words;
} layout;

static layout layout_of(const hel_conversion *c)
{
    const size_t m = c->from_count, t = c->to_count;
    layout l = {.inverse = 4 * m};
    l.weight = l.inverse + 2 * t;
    l.times = l.weight + 2 * t * (m + 1);
    l.words = l.times + t;
    return l;
}

static void fill_conversion(uint32_t *host, const layout *at, const hel_conversion *c,
                            const divisor *by)
{
    const size_t m = c->from_count;
    for (size_t k = 0; k < m; k++) {
        const hel_limb *l = c->from[k];
        const uint32_t upper = hel_mod_mul(l->n_inv, c->y[k], l->q);
        fill_pair(host + 4 * k, upper, l->q);
        fill_pair(host + 4 * k + 2, hel_mod_mul(upper, l->w_inv[1], l->q), l->q);
    }
    for (size_t i = 0; i < c->to_count; i++) {
        const uint32_t q = c->to[i]->q;
        uint32_t *weight = host + at->weight + 2 * i * (m + 1);
        fill_pair(host + at->inverse + 2 * i, by->inverse ? by->inverse[i] : 0, q);
        host[at->times + i] = hel_mod_reduce64(by->times, q);
        for (size_t k = 0; k < m; k++) {
            weight[2 * k] = halved(c->weight[k * c->to_count + i], c->from[k]->bits, q);
            weight[2 * k + 1] = c->fraction[k];
        }
        weight[2 * m] = c->weight[m * c->to_count + i];
        weight[2 * m + 1] = 0;
    }
}

static hel_status create_conversion(hel_engine *engine, hel_dev_backend *b, hel_dev_conversion *d,
                                    const hel_conversion *c, divisor by)
{
    const layout at = layout_of(c);
    uint32_t *host, *w;
    HEL_TRY(hel_dev_fail(engine, b, b->device->ops->alloc(b->device, &d->storage, 4 * at.words),
                         "allocating constants"));
    HEL_TRY(hel_malloc(engine, &host, at.words, sizeof *host));
    w = d->storage;
    d->c = (k_conversion){.from_count = c->from_count,
                          .to_count = c->to_count,
                          .top = (const k_pair *)(void *)w,
                          .inverse = (const k_pair *)(void *)(w + at.inverse),
                          .weight = (const k_pair *)(void *)(w + at.weight),
                          .times = w + at.times};
    fill_conversion(host, &at, c, &by);
    hel_status status = put(engine, b, d->storage, host, 4 * at.words);
    hel_free(host);
    return status;
}

/* The digits' conversions, which one launch uses all of, as a table on the device too */
static hel_status create_digits(hel_engine *engine, hel_dev_backend *b, hel_dev_basis *d)
{
    const hel_cpu_basis *host = hel_cpu_basis_of(d->host);
    const uint32_t count = d->base.shape.q_count;
    k_conversion *table;
    void *at;
    HEL_TRY(hel_calloc(engine, &d->digit, count, sizeof *d->digit));
    for (uint32_t i = 0; i < count; i++)
        if (host->digit[i])
            HEL_TRY(create_conversion(engine, b, &d->digit[i], host->digit[i], (divisor){NULL, 1}));
    HEL_TRY(hel_dev_fail(engine, b, b->device->ops->alloc(b->device, &at, count * sizeof *table),
                         "allocating constants"));
    d->digit_table = at;
    HEL_TRY(hel_calloc(engine, &table, count, sizeof *table));
    for (uint32_t i = 0; i < count; i++)
        table[i] = d->digit[i].c;
    hel_status status = put(engine, b, at, table, count * sizeof *table);
    hel_free(table);
    return status;
}

static hel_status create_divisions(hel_engine *engine, hel_dev_backend *b, hel_dev_basis *d)
{
    const hel_cpu_basis *host = hel_cpu_basis_of(d->host);
    const hel_basis_shape *shape = &d->base.shape;
    const size_t drops = (size_t)shape->q_count * shape->drop_max;
    HEL_TRY(hel_calloc(engine, &d->special, 1, sizeof *d->special));
    if (host->special)
        HEL_TRY(create_conversion(engine, b, d->special, host->special,
                                  (divisor){host->special_inverse, 1}));
    HEL_TRY(hel_calloc(engine, &d->drop, drops, sizeof *d->drop));
    for (size_t i = 0; i < drops; i++)
        if (host->drop[i])
            HEL_TRY(create_conversion(engine, b, &d->drop[i], host->drop[i],
                                      (divisor){host->drop_inverse + i * shape->q_count,
                                                shape->multiplier[i / shape->drop_max + 1]}));
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
    HEL_TRY(create_primes(engine, b, d));
    HEL_TRY(create_digits(engine, b, d));
    return create_divisions(engine, b, d);
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
    if (d->digit_table)
        b->device->ops->release(b->device, d->digit_table);
    if (d->tables)
        b->device->ops->release(b->device, d->tables);
    if (d->limb)
        b->device->ops->release(b->device, d->limb);
    b->host->ops->basis_free(b->host, d->host);
    hel_free(d);
}
