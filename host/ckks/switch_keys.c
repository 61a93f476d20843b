/*
 * Evaluation keys: the set that a request names, made digit by digit with switch_key.h, and the
 * lookup that operations use. Keys are named by Galois elements: g switches s(X^g) to s, 0 switches
 * s^2 to s.
 */
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"
#include "host/ckks/switch_key.h"

/* ---- elements ---- */

static uint32_t power_of_five(const hel_ckks_context *t, uint32_t exponent)
{
    const uint64_t mask = 2 * (uint64_t)t->n - 1;
    uint64_t g = 1, base = 5;
    for (; exponent; exponent >>= 1, base = base * base & mask)
        g = exponent & 1 ? g * base & mask : g;
    return (uint32_t)g;
}

uint32_t hel_ckks_conjugation_element(const hel_ckks *c)
{
    return 2 * c->context->n - 1;
}

static int compare_keys(const void *a, const void *b)
{
    const uint32_t x = ((const hel_ckks_switch_key *)a)->element;
    const uint32_t y = ((const hel_ckks_switch_key *)b)->element;
    return (x > y) - (x < y);
}

static const hel_ckks_switch_key *find(const hel_ckks_keys *keys, uint32_t element)
{
    const hel_ckks_switch_key wanted = {element, NULL};
    return keys ? bsearch(&wanted, keys->key, keys->count, sizeof wanted, compare_keys) : NULL;
}

uint32_t hel_ckks_rotation_element(const hel_ckks *c, int32_t step, uint32_t log_slots)
{
    const uint32_t own = (uint32_t)step & ((1u << log_slots) - 1);
    const uint32_t full = (uint32_t)step & (c->context->n / 2 - 1);
    const uint32_t element = power_of_five(c->context, own);
    if (own == full || own == 0 || find(c->keys, element))
        return element;
    const uint32_t other = power_of_five(c->context, full);
    return find(c->keys, other) ? other : element;
}

static int compare_elements(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The elements of a request, ascending and each once. */
static hel_status list_elements(hel_ckks *c, const hel_ckks_keys_request *r, uint32_t **out,
                                uint32_t *count)
{
    const hel_ckks_context *t = c->context;
    size_t all = 0, kept = 0;
    uint32_t *list;
    HEL_TRY(hel_malloc(c->engine, &list, r->rotation_count + t->params.log_n + 2, sizeof *list));
    if (r->relinearize)
        list[all++] = 0;
    if (r->conjugate)
        list[all++] = hel_ckks_conjugation_element(c);
    for (size_t i = 0; i < r->rotation_count; i++)
        if ((uint32_t)r->rotations[i] & (t->n / 2 - 1)) /* 0 needs no key */
            list[all++] = power_of_five(t, (uint32_t)r->rotations[i] & (t->n / 2 - 1));
    for (uint32_t step = 1; r->sums && step < t->n / 2; step *= 2)
        list[all++] = power_of_five(t, step);
    qsort(list, all, sizeof *list, compare_elements);
    for (size_t i = 0; i < all; i++)
        if (kept == 0 || list[i] != list[kept - 1])
            list[kept++] = list[i];
    *out = list;
    *count = (uint32_t)kept;
    return HEL_OK;
}

/* ---- life ---- */

hel_status hel_ckks_keys_allocate(hel_ckks *c, hel_ckks_keys **out, uint32_t level,
                                  const uint32_t *element, uint32_t count)
{
    const hel_ckks_params *p = &c->context->params;
    hel_ckks_keys *k;
    hel_status status;
    *out = NULL;
    HEL_TRY(hel_calloc(c->engine, &k, 1, sizeof *k));
    k->context = c->context;
    hel_ckks_context_hold(c->context);
    k->level = level;
    k->limbs = p->limbs[level];
    k->digits = hel_ckks_digits(p, level);
    HEL_TRY_GOTO(hel_calloc(c->engine, &k->key, count, sizeof *k->key), fail);
    k->count = count;
    for (uint32_t i = 0; i < count; i++) {
        k->key[i].element = element[i];
        HEL_TRY_GOTO(
            hel_ckks_memory(c, &k->key[i].data,
                            2 * (size_t)k->digits * (k->limbs + p->special_limbs) * c->context->n),
            fail);
    }
    *out = k;
    return HEL_OK;
fail:
    hel_ckks_keys_free(k);
    return status;
}

void hel_ckks_keys_free(hel_ckks_keys *keys)
{
    if (!keys)
        return;
    for (uint32_t i = 0; keys->key && i < keys->count; i++)
        hel_ckks_memory_free(keys->context, keys->key[i].data, 0);
    hel_ckks_context_release(keys->context);
    hel_free(keys->key);
    hel_free(keys);
}

/* ---- generation ---- */

typedef struct maker {
    hel_ckks *c;
    hel_ckks_keys *keys;
    const hel_ckks_secret *secret;
    hel_switch_generator *generator;
    uint32_t *square; /* s^2 in NTT form, limbs x N, secret; NULL when there is no such key */
    uint32_t *map;    /* N */
    uint32_t *pair;   /* one digit: [2][limbs + special][N] */
} maker;

static hel_status make_key(maker *m, const hel_ckks_switch_key *key)
{
    const hel_ckks_context *t = m->c->context;
    const hel_stream *stream = m->c->stream;
    const uint32_t special = t->params.special_limbs;
    const hel_switch_shape shape = {m->keys->limbs, special, t->q_limbs, t->params.digit_limbs};
    const size_t words = 2 * (size_t)(m->keys->limbs + special) * t->n;
    if (key->element)
        hel_automorph_map(t->ring, key->element, m->map);
    for (uint32_t j = 0; j < m->keys->digits; j++) {
        const hel_switch_digit digit = {
            .digit = j,
            .domain_a = HEL_DOMAIN_SWITCH_A,
            .domain_e = HEL_DOMAIN_SWITCH_E,
            .object = (uint64_t)key->element * 128 + j,
            .from = key->element ? m->secret->s_ntt : m->square,
            .map = key->element ? m->map : NULL,
        };
        HEL_TRY(hel_switch_generate(m->generator, &shape, &digit, m->pair));
        HEL_TRY(stream->ops->upload(m->c->stream, key->data + j * words, m->pair,
                                    words * sizeof *m->pair));
        HEL_TRY(stream->ops->sync(m->c->stream));
    }
    return HEL_OK;
}

static hel_status make_all(maker *m, const uint8_t e_seed[HEL_SEED_BYTES])
{
    const hel_ckks_context *t = m->c->context;
    hel_engine *engine = m->c->engine;
    const size_t n = t->n, limbs = m->keys->limbs;
    HEL_TRY(hel_switch_generator_create(engine, &m->generator, t->ring, m->secret->s_ntt,
                                        m->keys->seed, e_seed));
    HEL_TRY(hel_malloc(engine, &m->map, n, sizeof *m->map));
    HEL_TRY(
        hel_malloc(engine, &m->pair, 2 * (limbs + t->params.special_limbs) * n, sizeof *m->pair));
    if (m->keys->count && m->keys->key[0].element == 0) {
        HEL_TRY(hel_secret_alloc(engine, &m->square, limbs * n * sizeof *m->square));
        for (uint32_t i = 0; i < limbs; i++) {
            const uint32_t *s = m->secret->s_ntt + i * n;
            t->ring->ops->mul(&t->ring->limb[i], m->square + i * n, s, s, n);
        }
    }
    for (uint32_t i = 0; i < m->keys->count; i++)
        HEL_TRY(make_key(m, &m->keys->key[i]));
    return HEL_OK;
}

static hel_status generate(hel_ckks *c, hel_ckks_keys *keys, const hel_ckks_secret *secret)
{
    uint8_t e_seed[HEL_SEED_BYTES];
    maker m = {.c = c, .keys = keys, .secret = secret};
    hel_status status = hel_random(c->engine, keys->seed, sizeof keys->seed);
    if (status == HEL_OK)
        status = hel_random(c->engine, e_seed, sizeof e_seed);
    if (status == HEL_OK)
        status = make_all(&m, e_seed);
    hel_wipe(e_seed, sizeof e_seed);
    hel_switch_generator_free(m.generator);
    hel_secret_free(m.square);
    hel_free(m.map);
    hel_free(m.pair);
    return status;
}

hel_status hel_ckks_keys_create(hel_ckks *ckks, hel_ckks_keys **out, const hel_ckks_secret *secret,
                                const hel_ckks_keys_request *request)
{
    const hel_ckks_params *p = &ckks->context->params;
    uint32_t *element, count;
    hel_ckks_keys *keys;
    *out = NULL;
    hel_error_clear(ckks->engine);
    HEL_TRY(hel_ckks_check_secret(ckks, secret, NULL, "evaluation keys"));
    HEL_REQUIRE(ckks->engine, request && request->size == sizeof *request, HEL_E_USAGE,
                "evaluation keys: begin the request with HEL_CKKS_KEYS_REQUEST_INIT");
    HEL_REQUIRE(ckks->engine, request->rotations || request->rotation_count == 0, HEL_E_USAGE,
                "evaluation keys: rotation_count is %zu, rotations is NULL",
                request->rotation_count);
    HEL_REQUIRE(ckks->engine, request->rotation_count <= UINT32_MAX / 2, HEL_E_USAGE,
                "evaluation keys: rotation_count is %zu", request->rotation_count);
    HEL_REQUIRE(ckks->engine, request->level <= p->depth, HEL_E_USAGE,
                "evaluation keys: level %u was asked for, the parameters end at %u", request->level,
                p->depth);
    HEL_TRY(list_elements(ckks, request, &element, &count));
    hel_status status = hel_ckks_keys_allocate(
        ckks, &keys, request->level ? request->level : p->depth, element, count);
    hel_free(element);
    if (status != HEL_OK)
        return status;
    memcpy(keys->key_id, secret->key_id, sizeof keys->key_id);
    status = generate(ckks, keys, secret);
    if (status != HEL_OK) {
        hel_ckks_keys_free(keys);
        return status;
    }
    *out = keys;
    return HEL_OK;
}

/* ---- use ---- */

hel_status hel_ckks_use_keys(hel_ckks *ckks, const hel_ckks_keys *keys)
{
    hel_error_clear(ckks->engine);
    HEL_REQUIRE(ckks->engine, !keys || keys->context == ckks->context, HEL_E_MISMATCH,
                "evaluation keys: they belong to another context");
    ckks->keys = keys;
    return HEL_OK;
}

/* Says which key is missing in the words of a request. */
static hel_status missing_key(hel_ckks *c, uint32_t element)
{
    const hel_ckks_context *t = c->context;
    const uint32_t half = t->n / 2, mask = 2 * t->n - 1;
    const char *from = c->keys ? "" : ", and no evaluation keys are in use (hel_ckks_use_keys)";
    if (element == 0)
        return hel_fail(c->engine, HEL_E_USAGE,
                        "evaluation keys: there is no relinearization key: ask for it with "
                        "hel_ckks_keys_request.relinearize%s",
                        from);
    if (element == hel_ckks_conjugation_element(c))
        return hel_fail(c->engine, HEL_E_USAGE,
                        "evaluation keys: there is no key for conjugation: ask for it with "
                        "hel_ckks_keys_request.conjugate%s",
                        from);
    uint32_t step = 0;
    for (uint32_t g = 1; step < half && g != element; g = g * 5 & mask)
        step++;
    HEL_REQUIRE(c->engine, step < half, HEL_E_USAGE,
                "evaluation keys: there is no key for X -> X^%u%s", element, from);
    return hel_fail(c->engine, HEL_E_USAGE,
                    "evaluation keys: there is no key for rotation by %u (or %d): ask for it with "
                    "hel_ckks_keys_request.rotations%s",
                    step, (int32_t)(step - half), from);
}

hel_status hel_ckks_find_key(hel_ckks *c, uint32_t element, uint32_t level, hel_key_view *out,
                             uint32_t *limbs)
{
    const hel_ckks_switch_key *key = find(c->keys, element);
    if (!key)
        return missing_key(c, element);
    HEL_REQUIRE(c->engine, level <= c->keys->level, HEL_E_USAGE,
                "evaluation keys: they serve levels up to %u (hel_ckks_keys_request.level), the "
                "ciphertext is at level %u",
                c->keys->level, level);
    *out = (hel_key_view){key->data, c->keys->limbs, c->keys->digits};
    if (limbs)
        *limbs = c->context->params.limbs[level];
    return HEL_OK;
}
