/*
 * Key switching: the inner product against the definition, the fused entry against the composition
 * of the others, and with real keys the error against its formula.
 */
#include <math.h>

#include "host/base/mem.h"
#include "tests/backend/backend_test.h"

static const case_shape shapes[] = {
    {10, 1, 1, 1, 1, NULL}, {10, 2, 1, 1, 1, NULL}, {10, 5, 2, 2, 1, NULL},  {10, 6, 3, 6, 1, NULL},
    {10, 7, 2, 3, 1, NULL}, {10, 9, 1, 1, 1, NULL}, {11, 20, 8, 7, 1, NULL}, {13, 5, 2, 2, 1, NULL},
};

static uint32_t digits_of(const world *w, uint32_t limbs)
{
    return (limbs + w->shape.digit_limbs - 1) / w->shape.digit_limbs;
}

/* A key for the first q_limbs primes: rows of [digit][2] as the items of a batch. */
static host_view random_key(const world *w, ref_random *r, uint32_t q_limbs)
{
    return host_random(w, r, 2 * digits_of(w, q_limbs), q_limbs + w->shape.p_count, q_limbs, 0);
}

static hel_key_view key_up(environment *e, const world *w, const host_view *key, hel_view *memory)
{
    *memory = view_up(e, key);
    return (hel_key_view){memory->data, key->q_limbs, digits_of(w, key->q_limbs)};
}

/* Word j of sigma_g(x), x in NTT form: psi^(2 bitrev(j) + 1) goes to its g-th power. */
static uint32_t place_of(const world *w, uint32_t j, uint32_t g)
{
    const uint32_t e = 2 * ref_bit_reverse(j, w->shape.log_n) + 1;
    return ref_bit_reverse((uint32_t)((uint64_t)e * g % (2 * w->n)) / 2, w->shape.log_n);
}

/* ---- inner product ---- */

static void check_inner(const world *w, const host_view *digits, const host_view *key,
                        uint32_t limbs, uint32_t g, const host_view *acc, uint32_t half)
{
    const uint32_t total = limbs + w->shape.p_count;
    for (uint32_t b = 0; b < acc->batch; b++)
        for (uint32_t i = 0; i < total; i++) {
            const uint32_t q = world_prime(w, limbs, i);
            const uint32_t row = i < limbs ? i : key->q_limbs + i - limbs;
            for (uint32_t j = 0; j < w->n; j += 3) {
                uint64_t sum = 0;
                for (uint32_t d = 0; d < digits_of(w, limbs); d++) {
                    const uint32_t *x = host_limb(w, digits, b, d * total + i);
                    const uint32_t *k = host_limb(w, key, 2 * d + half, row);
                    sum = (sum + (uint64_t)x[place_of(w, j, g)] * k[j]) % q;
                }
                cr_assert(host_limb(w, acc, b, i)[j] == sum, "item %u, limb %u, word %u", b, i, j);
            }
        }
}

static void inner(world *w, ref_random *r, uint32_t limbs, uint32_t q_limbs, uint32_t batch,
                  uint32_t g)
{
    const uint32_t total = limbs + w->shape.p_count, digits = digits_of(w, limbs);
    host_view key = random_key(w, r, q_limbs);
    host_view x = host_make(w, batch, digits * total, 0, 16),
              result[2][2]; /* of the first, of the others */
    for (uint32_t b = 0; b < batch; b++)
        for (uint32_t i = 0; i < digits * total; i++)
            ref_fill(r, host_limb(w, &x, b, i), w->n, world_prime(w, limbs, i % total));
    for (uint32_t h = 0; h < 2; h++) {
        result[0][h] = host_make(w, batch, total, limbs, 32 * h);
        result[1][h] = host_make(w, batch, total, limbs, 32 * h);
    }
    for (uint32_t k = 0; k < w->count; k++) {
        environment *e = &w->env[k];
        host_view *now = result[k > 0];
        hel_view acc[2] = {view_up(e, &now[0]), view_up(e, &now[1])}, in = view_up(e, &x), memory;
        const hel_key_view view = key_up(e, w, &key, &memory);
        in.limbs = total;
        in.q_limbs = limbs;
        OK(e, e->ops->key_inner(e->s, e->basis, acc, in, view, g));
        view_drop(e, in);
        view_drop(e, memory);
        for (uint32_t h = 0; h < 2; h++) {
            view_down(e, acc[h], &now[h]);
            if (k)
                host_equal(e, &result[0][h], &now[h], "an inner product");
        }
    }
    for (uint32_t h = 0; h < 2; h++) {
        check_inner(w, &x, &key, limbs, g, &result[0][h], h);
        free(result[0][h].data);
        free(result[1][h].data);
    }
    free(x.data);
    free(key.data);
}

Test(backend_switch, key_inner, .timeout = 300)
{
    ref_random r = ref_random_start(1);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        world w;
        world_start(&w, shapes[i], 0);
        const uint32_t most = shapes[i].q_count, step = most > 7 ? 5 : 2;
        for (uint32_t limbs = most; limbs >= 1; limbs = limbs > step ? limbs - step : limbs - 1) {
            const uint32_t g = limbs % 2 ? 1 : 2 * w.n - 2 * limbs + 1;
            inner(&w, &r, limbs, limbs % 3 ? most : limbs, limbs % 3 == 1 ? 3 : limbs % 3 == 2, g);
        }
        inner(&w, &r, most, most, 2, 5);
        world_end(&w);
    }
}

/* ---- fused and composed ---- */

typedef struct switch_case {
    uint32_t limbs, key_limbs, batch, g;
    int broadcast, add0, add1;
    int onto; /* outputs: 0 fresh, 1 out[1] = a, 2 out[h] = add[h], 3 out[0] = a, out[1] = add1 */
} switch_case;

typedef struct switch_memory {
    hel_view a, add[2], out[2], key;
    hel_key_view key_view;
} switch_memory;

static void run_switch(environment *e, const world *w, const switch_case *c, int composed,
                       const host_view *a, const host_view *add, const host_view *key,
                       host_view *result)
{
    switch_memory m;
    hel_view fresh[2];
    m.a = view_up(e, a);
    m.key_view = key_up(e, w, key, &m.key);
    for (uint32_t h = 0; h < 2; h++) {
        m.add[h] = view_up(e, &add[h]);
        m.out[h] = fresh[h] = view_up(e, &result[h]);
    }
    if (c->onto == 1)
        m.out[1] = m.a;
    if (c->onto == 2)
        memcpy(m.out, m.add, sizeof m.out);
    if (c->onto == 3) {
        m.out[0] = m.a;
        m.out[1] = m.add[1];
    }
    const hel_view given = c->broadcast ? view_spread(m.a, c->batch) : m.a;
    const hel_view *add0 = c->add0 ? &m.add[0] : NULL, *add1 = c->add1 ? &m.add[1] : NULL;
    if (composed)
        OK(e, hel_key_switch(e->s, e->basis, m.out, given, m.key_view, c->g, add0, add1));
    else
        OK(e, e->ops->key_switch(e->s, e->basis, m.out, given, m.key_view, c->g, add0, add1));
    for (uint32_t h = 0; h < 2; h++)
        for (uint32_t b = 0; b < c->batch; b++)
            OK(e, e->ops->download(e->s, host_limb(w, &result[h], b, 0),
                                   m.out[h].data + b * m.out[h].stride,
                                   (size_t)c->limbs * w->n * sizeof(uint32_t)));
    view_drop(e, m.a);
    view_drop(e, m.key);
    for (uint32_t h = 0; h < 2; h++) {
        view_drop(e, m.add[h]);
        view_drop(e, fresh[h]);
    }
}

static void compare_switch(world *w, ref_random *r, switch_case c)
{
    host_view key = random_key(w, r, c.key_limbs), add[2], first[2], now[2];
    host_view a = host_random(w, r, c.broadcast ? 1 : c.batch, c.limbs, c.limbs, 64);
    for (uint32_t h = 0; h < 2; h++) {
        add[h] = host_random(w, r, c.batch, c.limbs, c.limbs, 16);
        first[h] = host_make(w, c.batch, c.limbs, c.limbs, 0);
        now[h] = host_make(w, c.batch, c.limbs, c.limbs, 0);
    }
    run_switch(&w->env[0], w, &c, 1, &a, add, &key, first);
    for (uint32_t k = 0; k < w->count; k++)
        for (int composed = 0; composed < 2; composed++) {
            run_switch(&w->env[k], w, &c, composed, &a, add, &key, now);
            host_equal(&w->env[k], &first[0], &now[0], "half 0");
            host_equal(&w->env[k], &first[1], &now[1], "half 1");
        }
    for (uint32_t h = 0; h < 2; h++) {
        free(add[h].data);
        free(first[h].data);
        free(now[h].data);
    }
    free(a.data);
    free(key.data);
}

Test(backend_switch, fused_is_composed, .timeout = 300)
{
    ref_random r = ref_random_start(2);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        world w;
        world_start(&w, shapes[i], 0);
        const uint32_t most = shapes[i].q_count, step = most > 7 ? 6 : 1;
        for (uint32_t limbs = most; limbs >= 1; limbs = limbs > step ? limbs - step : limbs - 1) {
            const uint32_t g = 1 + 2 * ref_random_below(&r, w.n);
            compare_switch(&w, &r,
                           (switch_case){.limbs = limbs,
                                         .key_limbs = limbs % 2 ? most : limbs,
                                         .batch = limbs % 4 == 2 ? 0
                                                  : limbs % 3    ? 1
                                                                 : 3,
                                         .g = limbs % 3 == 1 ? 1 : g,
                                         .add0 = limbs % 2,
                                         .add1 = limbs % 5 < 2});
        }
        for (int onto = 1; onto <= 3; onto++)
            for (uint32_t g = 1; g <= 5; g += 4)
                compare_switch(&w, &r,
                               (switch_case){.limbs = most,
                                             .key_limbs = most,
                                             .batch = (uint32_t)onto,
                                             .g = g,
                                             .add0 = 1,
                                             .add1 = 1,
                                             .onto = onto});
        compare_switch(
            &w, &r,
            (switch_case){
                .limbs = most, .key_limbs = most, .batch = 3, .g = 3, .broadcast = 1, .add0 = 1});
        world_end(&w);
    }
}

/* After the first round an operation asks the system for nothing: a failure that waits for the next
 * allocation is still waiting when all is done. */
Test(backend_switch, repeated_calls_allocate_nothing)
{
    ref_random r = ref_random_start(4);
    world w;
    world_start(&w, shapes[4], 0);
    for (uint32_t k = 0; k < w.count; k++) {
        environment *e = &w.env[k];
        host_view a = host_random(&w, &r, 2, 7, 7, 0), key = random_key(&w, &r, 7);
        hel_view in = view_up(e, &a), out[2] = {view_up(e, &a), view_up(e, &a)}, memory, less;
        const hel_key_view view = key_up(e, &w, &key, &memory);
        void *p;
        less = out[0];
        less.limbs = less.q_limbs = 6;
        for (int round = 0; round < 3; round++) {
            if (round == 1)
                hel_mem_fail_nth(1);
            OK(e, e->ops->key_switch(e->s, e->basis, out, in, view, 5, &in, NULL));
            OK(e, hel_key_switch(e->s, e->basis, out, in, view, 5, NULL, NULL));
            OK(e, e->ops->rescale(e->s, e->basis, less, in));
            OK(e, e->ops->automorph(e->s, e->basis, out[1], in, 5));
            OK(e, e->ops->mul(e->s, e->basis, out[0], in, in));
        }
        cr_assert(hel_malloc(e->engine, &p, 1, 1) == HEL_E_MEMORY, "%s", e->name);
        view_drop(e, in);
        view_drop(e, out[0]);
        view_drop(e, out[1]);
        view_drop(e, memory);
        free(a.data);
        free(key.data);
    }
    world_end(&w);
}

/* ---- with real keys ---- */

static host_view small(environment *e, const world *w, const host_view *like, hel_domain domain,
                       uint64_t object, uint32_t step)
{
    static const uint8_t seed[32] = {3, 1, 4, 1, 5};
    host_view out = host_make(w, like->batch, like->limbs, like->q_limbs, 0);
    hel_view v = view_up(e, &out);
    OK(e, e->ops->small(e->s, e->basis, v, seed, domain, object, step));
    view_down(e, v, &out);
    return out;
}

/* b = -a s + e + P g_j sigma_g(s): g_j is 1 modulo digit j's primes and 0 modulo the others. */
static void make_key(const world *w, host_view *key, const host_view *errors, const host_view *s,
                     uint32_t g)
{
    const ref_wide p = ref_rns_product(w->primes + w->shape.q_count, w->shape.p_count);
    for (uint32_t d = 0; d < key->batch / 2; d++)
        for (uint32_t i = 0; i < key->limbs; i++) {
            const uint32_t q = world_prime(w, key->q_limbs, i);
            const int own = i < key->q_limbs && i / w->shape.digit_limbs == d;
            const uint64_t factor = own ? ref_wide_mod(&p, q) : 0;
            const uint32_t *a = host_limb(w, key, 2 * d + 1, i), *x = host_limb(w, s, 0, i);
            const uint32_t *e = host_limb(w, errors, d, i);
            uint32_t *b = host_limb(w, key, 2 * d, i);
            for (uint32_t j = 0; j < w->n; j++) {
                const uint64_t product = (uint64_t)a[j] * x[j] % q;
                const uint64_t target = factor * x[place_of(w, j, g)] % q;
                b[j] = (uint32_t)((q - product + e[j] + target) % q);
            }
        }
}

static void check_noise(const world *w, const host_view *a, const host_view out[2],
                        const host_view *s, uint32_t g)
{
    host_view phase = host_make(w, 1, a->limbs, a->limbs, 0);
    uint32_t residue[HEL_LIMBS_LIMIT];
    double p = 1, digits = 0, sum = 0, most = 0;
    for (uint32_t i = 0; i < a->limbs; i++) {
        const uint32_t q = w->primes[i];
        for (uint32_t j = 0; j < w->n; j++) {
            const uint32_t at = place_of(w, j, g);
            const uint64_t want = (uint64_t)host_limb(w, a, 0, i)[at] * host_limb(w, s, 0, i)[at];
            const uint64_t have =
                (uint64_t)host_limb(w, &out[1], 0, i)[j] * host_limb(w, s, 0, i)[j] % q +
                host_limb(w, &out[0], 0, i)[j];
            host_limb(w, &phase, 0, i)[j] = (uint32_t)((have + q - want % q) % q);
        }
    }
    host_inverse(w, &phase);
    for (uint32_t j = 0; j < w->n; j++) {
        host_gather(w, &phase, 0, j, residue);
        const ref_wide x = ref_rns_centred(w->primes, residue, a->limbs);
        const double error = ref_wide_double(&x);
        sum += error * error / w->n;
        most = fmax(most, fabs(error));
    }
    for (uint32_t i = 0; i < w->shape.p_count; i++)
        p *= w->primes[w->shape.q_count + i];
    for (uint32_t d = 0; d < digits_of(w, a->limbs); d++) {
        double product = 1;
        for (uint32_t i = d * w->shape.digit_limbs;
             i < a->limbs && i < (d + 1) * w->shape.digit_limbs; i++)
            product *= w->primes[i];
        digits += product * product;
    }
    const double sigma = sqrt(10.5 * w->n / 12 * digits / p / p + (1 + w->n * 2.0 / 3) / 12);
    fprintf(stderr, "q %u of %u, p %u, digits of %u, g %u: error %.3f sigma, at most %.2f\n",
            a->limbs, w->shape.q_count, w->shape.p_count, w->shape.digit_limbs, g,
            sqrt(sum) / sigma, most / sigma);
    cr_assert(sqrt(sum) > 0.8 * sigma && sqrt(sum) < 1.2 * sigma, "%g is not near %g", sqrt(sum),
              sigma);
    cr_assert(most < 7 * sigma, "%g of sigma %g", most, sigma);
    free(phase.data);
}

Test(backend_switch, errors_of_real_keys, .timeout = 300)
{
    static const case_shape real[] = {{10, 6, 2, 2, 1, NULL},
                                      {10, 5, 5, 5, 1, NULL},
                                      {10, 4, 1, 1, 1, NULL},
                                      {13, 5, 2, 2, 1, NULL}};
    ref_random r = ref_random_start(3);
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        world w;
        world_start(&w, real[i], 0);
        environment *e = &w.env[w.count - 2]; /* the best twin, two threads */
        for (uint32_t limbs = real[i].q_count; limbs >= real[i].q_count - 1; limbs--)
            for (uint32_t g = 5; g < 2 * w.n; g += w.n - 2) {
                host_view key = random_key(&w, &r, real[i].q_count);
                host_view rows = key, out[2];
                rows.batch = 1;
                host_view s = small(e, &w, &rows, HEL_DOMAIN_TERNARY, 7, 1);
                rows.batch = key.batch / 2;
                host_view errors = small(e, &w, &rows, HEL_DOMAIN_SWITCH_E, g, 1);
                host_view a = host_make(&w, 1, limbs, limbs, 0);
                for (uint32_t k = 0; k < limbs; k++) /* uniform: corners would show in the error */
                    for (uint32_t j = 0; j < w.n; j++)
                        host_limb(&w, &a, 0, k)[j] = ref_random_below(&r, w.primes[k]);
                make_key(&w, &key, &errors, &s, g);
                for (uint32_t h = 0; h < 2; h++)
                    out[h] = host_make(&w, 1, limbs, limbs, 0);
                const switch_case c = {
                    .limbs = limbs, .key_limbs = key.q_limbs, .batch = 1, .g = g};
                run_switch(e, &w, &c, 0, &a, out, &key, out);
                check_noise(&w, &a, out, &s, g);
                free(s.data);
                free(errors.data);
                free(a.data);
                free(key.data);
                free(out[0].data);
                free(out[1].data);
            }
        world_end(&w);
    }
}
