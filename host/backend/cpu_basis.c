/*
 * Constants of a basis: conversions from every digit, from the dropped primes of every rescale and
 * from P; inverses of the divisors; maps of automorphisms, made when first asked for.
 */
#include <string.h>

#include "host/backend/cpu_private.h"
#include "host/base/mem.h"

/* Product of primes first .. first + count - 1 of the ring modulo the prime of l. */
static uint32_t product_mod(const hel_ring *ring, uint32_t first, uint32_t count, uint32_t q)
{
    uint32_t product = 1;
    for (uint32_t i = 0; i < count; i++)
        product = hel_mod_mul(product, ring->limb[first + i].q % q, q);
    return product;
}

static uint32_t range(uint32_t *list, uint32_t at, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        list[at++] = i;
    return at;
}

static hel_status create_digits(hel_engine *engine, hel_cpu_basis *b)
{
    const hel_basis_shape *shape = &b->base.shape;
    const uint32_t q = shape->q_count, total = q + shape->p_count;
    uint32_t from[HEL_LIMBS_LIMIT], to[HEL_LIMBS_LIMIT];
    HEL_TRY(hel_calloc(engine, &b->digit, q, sizeof *b->digit));
    for (uint32_t e = 0; e < q; e++) {
        const uint32_t first = e / shape->digit_limbs * shape->digit_limbs;
        const uint32_t last = hel_min_u32(first + shape->digit_limbs, q) - 1;
        uint32_t targets = range(to, 0, 0, first);
        if (e == last)
            targets = range(to, targets, e + 1, q);
        targets = range(to, targets, q, total);
        range(from, 0, first, e + 1);
        if (targets)
            HEL_TRY(hel_conversion_create(engine, &b->digit[e], shape->ring, from, e + 1 - first,
                                          to, targets, NULL));
    }
    return HEL_OK;
}

static hel_status create_special(hel_engine *engine, hel_cpu_basis *b)
{
    const hel_basis_shape *shape = &b->base.shape;
    const uint32_t q_count = shape->q_count, p_count = shape->p_count;
    uint32_t from[HEL_LIMBS_LIMIT], to[HEL_LIMBS_LIMIT];
    HEL_TRY(hel_calloc(engine, &b->special_inverse, q_count, sizeof(uint32_t)));
    HEL_TRY(hel_calloc(engine, &b->special_product, q_count, sizeof(uint32_t)));
    for (uint32_t i = 0; i < q_count; i++) {
        const uint32_t q = shape->ring->limb[i].q;
        b->special_product[i] = product_mod(shape->ring, q_count, p_count, q);
        b->special_inverse[i] = hel_mod_inv(b->special_product[i], q);
    }
    if (p_count == 0)
        return HEL_OK;
    range(from, 0, q_count, q_count + p_count);
    range(to, 0, 0, q_count);
    return hel_conversion_create(engine, &b->special, shape->ring, from, p_count, to, q_count,
                                 NULL);
}

static hel_status create_drops(hel_engine *engine, hel_cpu_basis *b)
{
    const hel_basis_shape *shape = &b->base.shape;
    const uint32_t q_count = shape->q_count, most = shape->drop_max;
    uint32_t from[HEL_LIMBS_LIMIT], to[HEL_LIMBS_LIMIT];
    uint64_t factor[HEL_LIMBS_LIMIT];
    const size_t count = (size_t)q_count * most;
    HEL_TRY(hel_calloc(engine, &b->drop, count, sizeof(hel_conversion *)));
    HEL_TRY(hel_calloc(engine, &b->drop_inverse, count * q_count, sizeof(uint32_t)));
    for (uint32_t c = 1; c < q_count; c++)
        for (uint32_t d = 1; d <= most && c + d <= q_count; d++) {
            const size_t at = (size_t)(c - 1) * most + d - 1;
            range(to, 0, 0, c);
            range(from, 0, c, c + d);
            for (uint32_t k = 0; k < d; k++)
                factor[k] = shape->multiplier[c];
            HEL_TRY(
                hel_conversion_create(engine, &b->drop[at], shape->ring, from, d, to, c, factor));
            for (uint32_t i = 0; i < c; i++) {
                const uint32_t q = shape->ring->limb[i].q;
                b->drop_inverse[at * q_count + i] =
                    hel_mod_inv(product_mod(shape->ring, c, d, q), q);
            }
        }
    return HEL_OK;
}

hel_status hel_cpu_basis_create(hel_backend *backend, hel_engine *engine, hel_basis **out,
                                const hel_basis_shape *shape)
{
    hel_cpu_basis *b = NULL;
    uint64_t *multiplier;
    hel_status status;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &b, 1, sizeof *b));
    b->base.shape = *shape;
    b->base.shape.multiplier = NULL;
    pthread_mutex_init(&b->map_lock, NULL);
    HEL_TRY_GOTO(hel_calloc(engine, &multiplier, shape->q_count + 1, sizeof *multiplier), fail);
    for (uint32_t c = 0; c <= shape->q_count; c++)
        multiplier[c] = shape->multiplier ? shape->multiplier[c] : 1;
    b->base.shape.multiplier = multiplier;
    HEL_TRY_GOTO(create_digits(engine, b), fail);
    HEL_TRY_GOTO(create_special(engine, b), fail);
    HEL_TRY_GOTO(create_drops(engine, b), fail);
    *out = &b->base;
    return HEL_OK;
fail:
    hel_cpu_basis_free(backend, &b->base);
    return status;
}

static void free_conversions(hel_conversion **list, size_t count)
{
    for (size_t i = 0; list && i < count; i++)
        hel_conversion_free(list[i]);
    hel_free(list);
}

void hel_cpu_basis_free(hel_backend *backend, hel_basis *basis)
{
    hel_cpu_basis *b = (hel_cpu_basis *)basis;
    (void)backend;
    if (!b)
        return;
    free_conversions(b->digit, basis->shape.q_count);
    free_conversions(b->drop, (size_t)basis->shape.q_count * basis->shape.drop_max);
    hel_conversion_free(b->special);
    hel_free(b->special_inverse);
    hel_free(b->special_product);
    hel_free(b->drop_inverse);
    for (uint32_t i = 0; i < CPU_MAP_LISTS; i++)
        while (b->map[i]) {
            hel_cpu_map *m = b->map[i];
            b->map[i] = m->next;
            hel_free(m->map);
            hel_free(m);
        }
    pthread_mutex_destroy(&b->map_lock);
    hel_free((void *)(uintptr_t)basis->shape.multiplier);
    hel_free(b);
}

static hel_status create_map(hel_engine *engine, const hel_ring *ring, uint32_t g,
                             hel_cpu_map **out)
{
    hel_cpu_map *m;
    HEL_TRY(hel_malloc(engine, &m, 1, sizeof *m));
    hel_status status = hel_malloc(engine, &m->map, ring->n, sizeof *m->map);
    if (status != HEL_OK) {
        hel_free(m);
        return status;
    }
    m->g = g;
    hel_automorph_map(ring, g, m->map);
    *out = m;
    return HEL_OK;
}

hel_status hel_cpu_basis_map(hel_engine *engine, const hel_basis *p, uint32_t g,
                             const uint32_t **map)
{
    hel_cpu_basis *b =
        (hel_cpu_basis *)(uintptr_t)p; /* immutable but for this cache, which has a lock */
    hel_cpu_map **list = &b->map[g / 2 % CPU_MAP_LISTS], *m;
    hel_status status = HEL_OK;
    pthread_mutex_lock(&b->map_lock);
    for (m = *list; m && m->g != g; m = m->next) {
    }
    if (!m) {
        status = create_map(engine, p->shape.ring, g, &m);
        if (status == HEL_OK) {
            m->next = *list;
            *list = m;
        }
    }
    pthread_mutex_unlock(&b->map_lock);
    *map = m ? m->map : NULL;
    return status;
}

/* ---- conversions of a group of limbs ---- */

void hel_cpu_convert_range(const hel_basis *p, const hel_conversion *c, const uint32_t *coef,
                           size_t stride, uint32_t first, uint32_t count, uint32_t *const *out)
{
    const uint32_t *in[HEL_CONVERT_SOURCES];
    uint32_t *to[HEL_LIMBS_LIMIT] = {NULL};
    for (uint32_t k = 0; k < c->from_count; k++)
        in[k] = coef + k * stride;
    for (uint32_t i = 0; i < count; i++)
        to[first + i] = out[i];
    hel_convert(p->shape.ring, c, in, to, p->shape.ring->n);
}

void hel_cpu_lift_digit(const hel_basis *p, uint32_t j, uint32_t limbs, const uint32_t *coef,
                        size_t stride, uint32_t first, uint32_t count, uint32_t *const *out)
{
    const uint32_t own = j * p->shape.digit_limbs, end = hel_cpu_digit_end(p, j, limbs);
    const hel_conversion *c = hel_cpu_basis_of(p)->digit[end - 1];
    const uint32_t *in[HEL_CONVERT_SOURCES];
    uint32_t *to[HEL_LIMBS_LIMIT] = {NULL};
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t t = first + i;
        if (t >= own && t < end)
            continue;
        wanted++;
        if (t < own)
            to[t] = out[i];
        else if (t < limbs)
            to[t - (end - own)] = out[i];
        else /* special ones are the last of the list */
            to[c->to_count - p->shape.p_count + t - limbs] = out[i];
    }
    if (!wanted)
        return;
    for (uint32_t k = 0; k < end - own; k++)
        in[k] = coef + (own + k) * stride;
    hel_convert(p->shape.ring, c, in, to, p->shape.ring->n);
}
