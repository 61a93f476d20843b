/*
 * The CPU backend's entries that work limb by limb, its memory, its random polynomials and its
 * slots. Every case runs on every twin with one thread and more and on the simulated device: all
 * must give the first one's bytes (a device's encodings: to the last bit of a coefficient), and
 * that one what the definition says.
 */
#include <math.h>

#include "host/base/mem.h"
#include "tests/backend/backend_test.h"

static const case_shape shape = {10, 4, 2, 2, 2, NULL};
/* Enough work for several threads. */
static const case_shape large = {13, 9, 3, 3, 2, NULL};

/* ---- per limb ---- */

typedef enum op {
    OP_COPY,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_MUL_ADD,
    OP_MUL_SCALAR,
    OP_ADD_SCALAR,
    OP_AUTOMORPH,
    OP_COUNT
} op;

static const char *const op_names[] = {"copy",    "add",        "sub",        "mul",
                                       "mul_add", "mul_scalar", "add_scalar", "automorph"};

static hel_status call(environment *e, op o, hel_view out, hel_view a, hel_view b,
                       const uint32_t *c, uint32_t g)
{
    const hel_backend_ops *ops = e->ops;
    switch (o) {
    case OP_COPY:
        return ops->copy(e->s, e->basis, out, a);
    case OP_ADD:
        return ops->add(e->s, e->basis, out, a, b);
    case OP_SUB:
        return ops->sub(e->s, e->basis, out, a, b);
    case OP_MUL:
        return ops->mul(e->s, e->basis, out, a, b);
    case OP_MUL_ADD:
        return ops->mul_add(e->s, e->basis, out, a, b);
    case OP_MUL_SCALAR:
        return ops->mul_scalar(e->s, e->basis, out, a, c);
    case OP_ADD_SCALAR:
        return ops->add_scalar(e->s, e->basis, out, a, c);
    case OP_AUTOMORPH:
        return ops->automorph(e->s, e->basis, out, a, g);
    default:
        return HEL_E_USAGE;
    }
}

static uint32_t word_of(const world *w, op o, uint64_t old, const uint32_t *a, uint64_t b,
                        uint32_t c, uint32_t g, uint32_t j, uint32_t q)
{
    const uint64_t x = a[j];
    uint32_t e;
    switch (o) {
    case OP_COPY:
        return (uint32_t)x;
    case OP_ADD:
        return (uint32_t)((x + b) % q);
    case OP_SUB:
        return (uint32_t)((x + q - b) % q);
    case OP_MUL:
        return (uint32_t)(x * b % q);
    case OP_MUL_ADD:
        return (uint32_t)((x * b + old) % q);
    case OP_MUL_SCALAR:
        return (uint32_t)(x * c % q);
    case OP_ADD_SCALAR:
        return (uint32_t)((x + c) % q);
    default:
        e = 2 * ref_bit_reverse(j, w->shape.log_n) + 1;
        return a[ref_bit_reverse((uint32_t)((uint64_t)e * g % (2 * w->n)) / 2, w->shape.log_n)];
    }
}

/* spread: a is one item for all. onto: out is a (1) or b (2). */
static void element_wise(world *w, ref_random *r, op o, uint32_t limbs, uint32_t q_limbs,
                         uint32_t batch, int spread, int onto)
{
    host_view a = host_random(w, r, spread ? 1 : batch, limbs, q_limbs, 16);
    host_view b = host_random(w, r, batch, limbs, q_limbs, 48);
    host_view fresh = host_random(w, r, batch, limbs, q_limbs, 0), first, now;
    const host_view old = onto == 1 ? a : onto == 2 ? b : fresh;
    uint32_t c[HEL_LIMBS_LIMIT];
    const uint32_t g = 2 * ref_random_below(r, w->n) + 1;
    for (uint32_t i = 0; i < limbs; i++)
        ref_fill(r, &c[i], 1, world_prime(w, q_limbs, i));
    first = host_make(w, batch, limbs, q_limbs, old.stride - (size_t)limbs * w->n);
    now = host_make(w, batch, limbs, q_limbs, old.stride - (size_t)limbs * w->n);
    for (uint32_t k = 0; k < w->count; k++) {
        environment *e = &w->env[k];
        hel_view va = view_up(e, &a), vb = view_up(e, &b), vo = onto == 1 ? va : vb;
        if (!onto)
            vo = view_up(e, &old);
        OK(e, call(e, o, vo, spread ? view_spread(va, batch) : va, vb, c, g));
        view_down(e, vo, k ? &now : &first);
        if (onto != 1)
            view_drop(e, va);
        if (onto != 2)
            view_drop(e, vb);
        if (k)
            host_equal(e, &first, &now, op_names[o]);
    }
    for (uint32_t item = 0; item < batch; item++)
        for (uint32_t i = 0; i < limbs; i++)
            for (uint32_t j = 0; j < w->n; j++) {
                const uint32_t q = world_prime(w, q_limbs, i);
                const uint32_t want = word_of(w, o, host_limb(w, &old, item, i)[j],
                                              host_limb(w, &a, spread ? 0 : item, i),
                                              host_limb(w, &b, item, i)[j], c[i], g, j, q);
                cr_assert(host_limb(w, &first, item, i)[j] == want, "%s: item %u, limb %u, word %u",
                          op_names[o], item, i, j);
            }
    free(fresh.data);
    free(a.data);
    free(b.data);
    free(first.data);
    free(now.data);
}

Test(backend, element_wise, .timeout = 300)
{
    ref_random r = ref_random_start(1);
    world w;
    world_start(&w, shape, 0);
    for (op o = OP_COPY; o < OP_COUNT; o++)
        for (uint32_t limbs = 1; limbs <= 6; limbs++)
            for (uint32_t q = limbs > 2 ? limbs - 2 : 1; q <= limbs && q <= 4; q++)
                for (uint32_t batch = 0; batch <= 3; batch++) {
                    element_wise(&w, &r, o, limbs, q, batch, 0, 0);
                    if (batch)
                        element_wise(&w, &r, o, limbs, q, batch, 1, 0);
                    if (o == OP_AUTOMORPH)
                        continue;
                    element_wise(&w, &r, o, limbs, q, batch, 0, 1);
                    if (o == OP_ADD || o == OP_SUB || o == OP_MUL || o == OP_MUL_ADD)
                        element_wise(&w, &r, o, limbs, q, batch, 0, 2);
                }
    world_end(&w);
    world_start(&w, large, 0);
    for (op o = OP_COPY; o < OP_COUNT; o++)
        element_wise(&w, &r, o, 12, 9, 3, 0, 0);
    world_end(&w);
}

static void transforms(world *w, ref_random *r, uint32_t limbs, uint32_t q_limbs, uint32_t batch)
{
    host_view a = host_random(w, r, batch, limbs, q_limbs, 16), want = a, now = a;
    const hel_ring *ring = w->env[0].ring;
    want.data = ref_words(a.words);
    now.data = ref_words(a.words);
    memcpy(want.data, a.data, a.words * sizeof *a.data);
    for (uint32_t b = 0; b < batch; b++)
        for (uint32_t i = 0; i < limbs; i++)
            hel_ntt_forward(ring, i < q_limbs ? i : w->shape.q_count + i - q_limbs,
                            host_limb(w, &want, b, i));
    for (uint32_t k = 0; k < w->count; k++) {
        environment *e = &w->env[k];
        hel_view v = view_up(e, &a);
        OK(e, e->ops->ntt_forward(e->s, e->basis, v));
        OK(e, e->ops->download(e->s, now.data, v.data, a.words * sizeof *a.data));
        host_equal(e, &want, &now, "forward");
        OK(e, e->ops->ntt_inverse(e->s, e->basis, v));
        view_down(e, v, &now);
        host_equal(e, &a, &now, "inverse");
    }
    free(a.data);
    free(want.data);
    free(now.data);
}

Test(backend, transforms)
{
    ref_random r = ref_random_start(2);
    world w;
    world_start(&w, shape, 0);
    for (uint32_t batch = 0; batch <= 3; batch++) {
        transforms(&w, &r, 1, 1, batch);
        transforms(&w, &r, 6, 4, batch);
        transforms(&w, &r, 5, 3, batch);
    }
    world_end(&w);
    world_start(&w, large, 0);
    transforms(&w, &r, 12, 9, 2);
    world_end(&w);
}

/* ---- products of several views ---- */

static void products(world *w, ref_random *r, uint32_t limbs, uint32_t batch, uint32_t terms)
{
    host_view x[2][40], first[4], now[4];
    for (uint32_t t = 0; t < terms; t++)
        for (uint32_t h = 0; h < 2; h++)
            x[h][t] = host_random(w, r, t == 1 && h ? 1 : batch, limbs, limbs, 16);
    for (uint32_t i = 0; i < 4; i++) {
        first[i] = host_make(w, batch, limbs, limbs, 0);
        now[i] = host_make(w, batch, limbs, limbs, 0);
    }
    for (uint32_t k = 0; k < w->count; k++) {
        environment *e = &w->env[k];
        host_view *result = k ? now : first;
        hel_view v[2][40], d[4];
        for (uint32_t t = 0; t < terms; t++)
            for (uint32_t h = 0; h < 2; h++) {
                v[h][t] = view_up(e, &x[h][t]);
                if (t == 1 && h)
                    v[h][t] = view_spread(v[h][t], batch);
            }
        for (uint32_t i = 0; i < 4; i++)
            d[i] = view_up(e, &result[i]);
        OK(e, e->ops->dot(e->s, e->basis, d[3], v[0], v[1], terms, 0));
        OK(e, e->ops->dot(e->s, e->basis, d[3], v[0], v[1], terms, 1)); /* twice the sum */
        if (terms >= 2) {
            OK(e, e->ops->tensor(e->s, e->basis, d, v[0], v[1]));
            /* onto inputs: the same bytes */
            const hel_view onto[3] = {v[0][0], v[1][0], v[0][1]};
            OK(e, e->ops->tensor(e->s, e->basis, onto, v[0], v[1]));
            for (uint32_t i = 0; i < 3; i++) {
                host_view copy = host_make(w, batch, limbs, limbs, 16);
                OK(e, e->ops->download(e->s, copy.data, onto[i].data, copy.words * 4));
                OK(e, e->ops->download(e->s, result[i].data, d[i].data, result[i].words * 4));
                for (uint32_t b = 0; b < batch; b++)
                    cr_assert(memcmp(host_limb(w, &copy, b, 0), host_limb(w, &result[i], b, 0),
                                     (size_t)limbs * w->n * 4) == 0);
                free(copy.data);
            }
        }
        for (uint32_t i = 0; i < 4; i++) {
            view_down(e, d[i], &result[i]);
            if (k)
                host_equal(e, &first[i], &now[i], i == 3 ? "dot" : "tensor");
        }
        for (uint32_t t = 0; t < terms; t++)
            for (uint32_t h = 0; h < 2; h++)
                view_drop(e, v[h][t]);
    }
    for (uint32_t b = 0; b < batch; b++)
        for (uint32_t i = 0; i < limbs; i++)
            for (uint32_t j = 0; j < w->n; j++) {
                const uint32_t q = w->primes[i];
                uint64_t sum = 0, a[2] = {0, 0}, c[2] = {0, 0};
                for (uint32_t t = 0; t < terms; t++) {
                    const uint64_t p = host_limb(w, &x[0][t], b, i)[j];
                    const uint64_t s = host_limb(w, &x[1][t], t == 1 ? 0 : b, i)[j];
                    sum = (sum + p * s) % q;
                    if (t < 2) {
                        a[t] = p;
                        c[t] = s;
                    }
                }
                cr_assert(host_limb(w, &first[3], b, i)[j] == sum * 2 % q, "dot");
                if (terms < 2)
                    continue;
                cr_assert(host_limb(w, &first[0], b, i)[j] == a[0] * c[0] % q, "d0");
                cr_assert(host_limb(w, &first[1], b, i)[j] ==
                              (a[0] * c[1] % q + a[1] * c[0] % q) % q,
                          "d1");
                cr_assert(host_limb(w, &first[2], b, i)[j] == a[1] * c[1] % q, "d2");
            }
    for (uint32_t t = 0; t < terms; t++)
        for (uint32_t h = 0; h < 2; h++)
            free(x[h][t].data);
    for (uint32_t i = 0; i < 4; i++) {
        free(first[i].data);
        free(now[i].data);
    }
}

Test(backend, products, .timeout = 300)
{
    static const uint32_t terms[] = {1, 2, 3, 15, 16, 17, 33};
    ref_random r = ref_random_start(3);
    world w;
    world_start(&w, shape, 0);
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++)
        products(&w, &r, terms[k] % 4 + 1, (uint32_t)k % 4, terms[k]);
    products(&w, &r, 4, 3, 2);
    world_end(&w);
    world_start(&w, large, 0);
    products(&w, &r, 9, 2, 2);
    world_end(&w);
}

/* ---- random polynomials ---- */

static void random_case(world *w, uint32_t limbs, uint32_t q_limbs, uint32_t batch,
                        hel_domain domain, uint64_t object, uint32_t step)
{
    static const uint8_t seed[32] = "an example of thirty-two bytes.";
    const hel_ring *ring = w->env[0].ring;
    const int is_uniform = domain == HEL_DOMAIN_SWITCH_A;
    host_view first = host_make(w, batch, limbs, q_limbs, 16);
    host_view now = host_make(w, batch, limbs, q_limbs, 16);
    for (uint32_t k = 0; k < w->count; k++) {
        environment *e = &w->env[k];
        host_view *result = k ? &now : &first;
        hel_view v = view_up(e, result);
        if (is_uniform)
            OK(e, e->ops->uniform(e->s, e->basis, v, seed, domain, object));
        else
            OK(e, e->ops->small(e->s, e->basis, v, seed, domain, object, step));
        view_down(e, v, result);
        if (k)
            host_equal(e, &first, &now, "a random polynomial");
    }
    hel_chacha *chacha;
    uint8_t *scratch = malloc(8 * (size_t)w->n);
    int8_t *value = malloc(w->n);
    uint32_t *want = ref_words(w->n);
    cr_assert(hel_chacha_create(w->env[0].engine, &chacha, seed) == HEL_OK);
    for (uint32_t b = 0; b < batch; b++) {
        const uint64_t at = object + (uint64_t)b * (is_uniform ? 1 : step);
        if (domain == HEL_DOMAIN_TERNARY)
            cr_assert(hel_sample_ternary(ring, chacha, at, value, scratch) == HEL_OK);
        else if (!is_uniform)
            cr_assert(hel_sample_cbd21(ring, chacha, at, domain, value, scratch) == HEL_OK);
        for (uint32_t i = 0; i < limbs; i++) {
            const uint32_t limb = i < q_limbs ? i : w->shape.q_count + i - q_limbs;
            if (is_uniform) {
                cr_assert(hel_sample_uniform(ring, limb, chacha, at, domain, want, scratch) ==
                          HEL_OK);
            } else {
                for (uint32_t j = 0; j < w->n; j++)
                    want[j] = ref_mod(value[j], w->primes[limb]);
                hel_ntt_forward(ring, limb, want);
            }
            cr_assert(memcmp(host_limb(w, &first, b, i), want, w->n * sizeof *want) == 0,
                      "item %u, limb %u", b, i);
        }
    }
    hel_chacha_free(chacha);
    free(scratch);
    free(value);
    free(want);
    free(first.data);
    free(now.data);
}

Test(backend, random_polynomials)
{
    static const hel_domain domains[] = {HEL_DOMAIN_SWITCH_A, HEL_DOMAIN_TERNARY,
                                         HEL_DOMAIN_CIPHER_E};
    for (int k = 0; k < 2; k++) {
        world w;
        world_start(&w, k ? large : shape, 0);
        for (size_t d = 0; d < 3; d++)
            for (uint32_t batch = 0; batch <= 3; batch++) {
                random_case(&w, w.total, w.shape.q_count, batch, domains[d], 5, 3);
                random_case(&w, 2, 1, batch, domains[d], UINT64_MAX - 20, 1);
            }
        world_end(&w);
    }
}

/* ---- slots ---- */

/* A device's encoding: every coefficient is the first environment's or a neighbour of it, for
 * scales of up to 2^44. */
static void host_near(world *w, const host_view *first, const host_view *now)
{
    host_view want = *first, have = *now;
    want.data = ref_words(first->words);
    have.data = ref_words(first->words);
    memcpy(want.data, first->data, first->words * sizeof *want.data);
    memcpy(have.data, now->data, first->words * sizeof *have.data);
    host_inverse(w, &want);
    host_inverse(w, &have);
    for (uint32_t b = 0; b < first->batch; b++) {
        const size_t used = (size_t)first->limbs * w->n;
        cr_assert(memcmp(want.data + b * want.stride + used, have.data + b * want.stride + used,
                         (want.stride - used) * sizeof *want.data) == 0);
        for (uint32_t i = 0; i < first->limbs; i++)
            for (uint32_t k = 0; k < w->n; k++) {
                const uint32_t q = world_prime(w, first->q_limbs, i);
                const uint32_t x = host_limb(w, &want, b, i)[k], y = host_limb(w, &have, b, i)[k];
                const int32_t d = hel_mod_centre(hel_mod_sub(y, x, q), q);
                const uint32_t first_q = world_prime(w, first->q_limbs, 0);
                const uint32_t d0 = hel_mod_sub(host_limb(w, &have, b, 0)[k],
                                                host_limb(w, &want, b, 0)[k], first_q);
                cr_assert(abs(d) <= 1 && d == hel_mod_centre(d0, first_q),
                          "coefficient %u of limb %u: %u, not %u", k, i, y, x);
            }
    }
    free(want.data);
    free(have.data);
}

static void slots_case(world *w, ref_random *r, uint32_t limbs, uint32_t log_slots, uint32_t batch)
{
    const size_t count = (size_t)2 << log_slots;
    const double scale = limbs > 1 ? 0x1p40 : 0x1p15;
    double *x = malloc((batch + 1) * count * sizeof *x),
           *y = malloc((batch + 1) * count * sizeof *y);
    host_view first = host_make(w, batch, limbs, limbs, 16);
    host_view now = host_make(w, batch, limbs, limbs, 16);
    for (size_t i = 0; i < batch * count; i++)
        x[i] = 2 * ref_random_double(r) - 1;
    for (uint32_t k = 0; k < w->count; k++) {
        environment *e = &w->env[k];
        host_view *result = k ? &now : &first;
        hel_view v = view_up(e, result);
        OK(e, e->ops->encode(e->s, e->basis, v, x, log_slots, scale));
        OK(e, e->ops->download(e->s, result->data, v.data, result->words * 4));
        if (k && strcmp(e->ops->name, "device") == 0)
            host_near(w, &first, &now);
        else if (k)
            host_equal(e, &first, &now, "an encoding");
        OK(e, e->ops->decode(e->s, e->basis, y, v, log_slots, scale));
        view_drop(e, v);
        /* rounding: each coefficient by 1/2 at most */
        for (size_t i = 0; i < batch * count; i++)
            cr_assert(fabs(x[i] - y[i]) < w->n / scale, "slot %zu: %g, not %g", i, y[i], x[i]);
    }
    /* the definition: inverse embedding, rounding, transform */
    environment *e = &w->env[0];
    host_view want = host_make(w, batch, limbs, limbs, 16);
    for (uint32_t b = 0; b < batch; b++) {
        hel_embedding_inverse(e->embedding, log_slots, x + b * count);
        OK(e, hel_embedding_reduce(e->engine, e->embedding, e->ring, NULL, limbs, log_slots,
                                   x + b * count, scale, host_limb(w, &want, b, 0), w->n));
        for (uint32_t i = 0; i < limbs; i++)
            hel_ntt_forward(e->ring, i, host_limb(w, &want, b, i));
    }
    for (uint32_t b = 0; b < batch; b++)
        cr_assert(memcmp(host_limb(w, &want, b, 0), host_limb(w, &first, b, 0),
                         (size_t)limbs * w->n * 4) == 0);
    free(want.data);
    free(first.data);
    free(now.data);
    free(x);
    free(y);
}

Test(backend, slots)
{
    ref_random r = ref_random_start(4);
    for (int k = 0; k < 2; k++) {
        world w;
        world_start(&w, k ? large : shape, 1);
        for (uint32_t batch = 0; batch <= 3; batch++)
            for (uint32_t log_slots = 0; log_slots < w.shape.log_n; log_slots += 3) {
                slots_case(&w, &r, w.shape.q_count, log_slots, batch);
                slots_case(&w, &r, 1, log_slots, batch);
            }
        world_end(&w);
    }
}

/* ---- memory ---- */

Test(backend, memory)
{
    static const size_t sizes[] = {0, 1, 4096, 4097, 5000, 100000, 1 << 20, 9 << 20};
    world w;
    world_start(&w, shape, 0);
    environment *e = &w.env[0];
    hel_stream *other;
    uint64_t now, most;
    OK(e, e->ops->stream_create(e->backend, e->engine, &other));
    for (int round = 0; round < 3; round++) {
        void *p[8], *again;
        const uint64_t before = hel_mem_in_use();
        for (size_t i = 0; i < 8; i++) {
            OK(e, e->ops->alloc(e->s, &p[i], sizes[i]));
            cr_assert(p[i] && ((uintptr_t)p[i] & 63) == 0);
            memset(p[i], (int)i, sizes[i]);
        }
        if (round == 1) /* nothing new is asked of the system, but for what went elsewhere */
            cr_assert(hel_mem_in_use() - before < 600000);
        for (size_t i = 0; i < 8; i++)
            for (size_t k = 0; k < sizes[i]; k++)
                cr_assert(((uint8_t *)p[i])[k] == i);
        OK(e, e->ops->uses(e->s, &now, &most));
        cr_assert(now >= 9 << 20 && most >= now);
        e->ops->release(e->s, p[7]);
        OK(e, e->ops->alloc(e->s, &again, sizes[7]));
        cr_assert(again == p[7]);
        e->ops->release(e->s, again);
        for (size_t i = 0; i < 7; i++) /* any stream of the backend takes memory back */
            e->ops->release(i == 5 ? other : e->s, p[i]);
        e->ops->release(e->s, NULL);
        OK(e, e->ops->uses(e->s, &now, &most));
        cr_assert(now == 0);
    }
    e->ops->stream_free(other);
    e->ops->stream_free(NULL);
    world_end(&w);
    cr_assert(hel_mem_in_use() == 0);
}

/* The n-th allocation fails, n = 1, 2, ..: an error or the result, and nothing is lost. */
Test(backend, failing_memory, .timeout = 300)
{
    static const uint64_t multiplier[] = {1, 3, 1, 7, 1};
    for (uint64_t nth = 1, done = 0; !done; nth++) {
        world w;
        world_start(&w, shape, 0);
        environment *e = &w.env[w.count - 2];
        hel_basis_shape s = *hel_basis_get_shape(e->basis);
        hel_basis *basis = NULL;
        hel_stream *stream = NULL;
        hel_view v[6] = {{NULL, 0, 0, 0, 0}};
        uint32_t *key = NULL;
        hel_status status;
        s.multiplier = multiplier;
        hel_error_clear(e->engine);
        hel_mem_fail_nth(nth);
        HEL_TRY_GOTO(e->ops->basis_create(e->backend, e->engine, &basis, &s), end);
        HEL_TRY_GOTO(e->ops->stream_create(e->backend, e->engine, &stream), end);
        for (int i = 0; i < 6; i++) {
            v[i] = (hel_view){NULL, 2, i == 5 ? 6 : 4, 4, (size_t)(i == 5 ? 6 : 4) * w.n};
            HEL_TRY_GOTO(e->ops->alloc(stream, &v[i].data, 2 * v[i].stride * 4), end);
            HEL_TRY_GOTO(e->ops->small(stream, basis, v[i], (const uint8_t *)multiplier,
                                       HEL_DOMAIN_CIPHER_E, 1, 1),
                         end);
        }
        HEL_TRY_GOTO(e->ops->alloc(stream, &key, 2 * 2 * 6 * w.n * sizeof *key), end);
        memset(key, 0, 2 * 2 * 6 * w.n * sizeof *key);
        const hel_key_view view = {key, 4, 2};
        hel_view kept = v[1];
        kept.limbs = kept.q_limbs = 3;
        HEL_TRY_GOTO(e->ops->automorph(stream, basis, v[1], v[0], 5), end);
        HEL_TRY_GOTO(e->ops->rescale(stream, basis, kept, v[0]), end);
        HEL_TRY_GOTO(e->ops->uniform(stream, basis, v[0], (const uint8_t *)multiplier,
                                     HEL_DOMAIN_SWITCH_A, 1),
                     end);
        HEL_TRY_GOTO(hel_key_switch(stream, basis, v + 2, v[0], view, 5, NULL, NULL), end);
        HEL_TRY_GOTO(e->ops->key_switch(stream, basis, v + 2, v[0], view, 7, &v[4], NULL), end);
        HEL_TRY_GOTO(e->ops->mod_down(stream, basis, v[2], v[5], NULL), end);
    end:
        hel_mem_fail_nth(0);
        done = status == HEL_OK;
        cr_assert(done || (status == HEL_E_MEMORY && hel_engine_error(e->engine)[0]), "%d at %zu",
                  (int)status, (size_t)nth);
        if (stream) {
            for (int i = 0; i < 6; i++)
                e->ops->release(stream, v[i].data);
            e->ops->release(stream, key);
        }
        e->ops->stream_free(stream);
        e->ops->basis_free(e->backend, basis);
        world_end(&w);
        cr_assert(hel_mem_in_use() == 0, "allocation %zu", (size_t)nth);
        cr_assert(nth < 1000);
    }
}
