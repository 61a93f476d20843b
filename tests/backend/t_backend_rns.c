/*
 * Entries that mix limbs against big integers: rescale, mod_down, mod_up, decompose. Every shape
 * runs on every twin with one thread and more; all must give the bytes of the first, and that one
 * the integers of the definition.
 */
#include "tests/backend/backend_test.h"

static const uint64_t multipliers[] = {
    1, 3, 1, 0xffffffffffffffffu, 1, 1 << 20, 5, 1, 7, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 11};

/* Limbs 1 .., one digit, one limb per digit, digits of unequal size, more sources than targets. */
static const case_shape shapes[] = {
    {10, 1, 1, 1, 1, NULL},        {10, 2, 1, 1, 1, multipliers},  {10, 3, 1, 2, 2, multipliers},
    {10, 5, 2, 2, 2, NULL},        {10, 6, 3, 6, 2, multipliers},  {10, 7, 2, 3, 2, multipliers},
    {10, 9, 1, 1, 2, multipliers}, {10, 20, 8, 7, 2, multipliers}, {11, 5, 10, 5, 3, NULL},
};

static uint32_t samples(void)
{
    return (uint32_t)ref_scaled(40);
}

/* ---- division ---- */

typedef struct divide_case {
    uint32_t limbs, keep, batch;
    int in_place, broadcast, special, add;
} divide_case;

static void check_division(const world *w, const divide_case *c, const host_view *a,
                           const host_view *add, const host_view *out)
{
    uint32_t primes[HEL_LIMBS_LIMIT], residue[HEL_LIMBS_LIMIT], want[HEL_LIMBS_LIMIT];
    const uint64_t factor = c->special || !w->shape.multiplier ? 1 : w->shape.multiplier[c->keep];
    for (uint32_t i = 0; i < c->limbs; i++)
        primes[i] = world_prime(w, a->q_limbs, i);
    for (uint32_t b = 0; b < c->batch; b++)
        for (uint32_t k = 0; k < samples(); k++) {
            const uint32_t at = sample_place(w, k, samples());
            host_gather(w, a, c->broadcast ? 0 : b, at, residue);
            ref_rns_divide(primes, residue, c->limbs, c->keep, factor, want);
            for (uint32_t i = 0; i < c->keep; i++) {
                uint32_t value = want[i];
                if (c->add)
                    value = (value + host_limb(w, add, b, i)[at]) % primes[i];
                cr_assert(host_limb(w, out, b, i)[at] == value,
                          "%u limbs to %u, item %u, coefficient %u, limb %u: %u, not %u", c->limbs,
                          c->keep, b, at, i, host_limb(w, out, b, i)[at], value);
            }
        }
}

static void divide(world *w, ref_random *r, divide_case c)
{
    const uint32_t q_limbs = c.special ? c.keep : c.limbs, items = c.broadcast ? 1 : c.batch;
    host_view a = host_random(w, r, items, c.limbs, q_limbs, 48);
    host_view add = host_random(w, r, c.batch, c.keep, c.keep, 16);
    host_view first = host_make(w, c.batch, c.keep, c.keep, 16);
    host_view now = host_make(w, c.batch, c.keep, c.keep, 16), whole = a;
    whole.data = ref_words(a.words);
    for (uint32_t k = 0; k < w->count; k++) {
        environment *e = &w->env[k];
        hel_view in = view_up(e, &a), plus = view_up(e, &add), given = in, out;
        host_view *result = k ? &now : &first;
        if (c.broadcast)
            given = view_spread(in, c.batch);
        /* the result where the input, the addend or nothing was */
        out = c.in_place && c.add ? plus : c.in_place ? in : view_up(e, result);
        out.batch = c.batch;
        out.limbs = out.q_limbs = c.keep;
        if (c.special)
            OK(e, e->ops->mod_down(e->s, e->basis, out, given, c.add ? &plus : NULL));
        else
            OK(e, e->ops->rescale(e->s, e->basis, out, given));
        if (c.in_place && !c.add) {
            view_down(e, in, &whole);
            for (uint32_t b = 0; b < c.batch; b++)
                memcpy(host_limb(w, result, b, 0), host_limb(w, &whole, b, 0),
                       (size_t)c.keep * w->n * sizeof(uint32_t));
        } else {
            if (!c.in_place)
                view_drop(e, plus);
            view_down(e, out, result);
            /* the limbs that remain are not touched */
            view_down(e, in, &whole);
            for (uint32_t b = 0; b < items; b++)
                cr_assert(memcmp(host_limb(w, &whole, b, 0), host_limb(w, &a, b, 0),
                                 (size_t)c.keep * w->n * sizeof(uint32_t)) == 0);
        }
        if (c.in_place && !c.add)
            view_drop(e, plus);
        if (k)
            host_equal(e, &first, &now, "the quotient");
    }
    host_inverse(w, &a);
    host_inverse(w, &add);
    host_inverse(w, &first);
    check_division(w, &c, &a, &add, &first);
    free(whole.data);
    free(a.data);
    free(add.data);
    free(first.data);
    free(now.data);
}

Test(backend_rns, rescale, .timeout = 300)
{
    ref_random r = ref_random_start(1);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        world w;
        world_start(&w, shapes[i], 0);
        const uint32_t most = shapes[i].q_count, step = most > 10 ? 6 : 1;
        for (uint32_t limbs = most; limbs >= 2; limbs = limbs > step + 1 ? limbs - step : limbs - 1)
            for (uint32_t d = 1; d <= shapes[i].drop_max && d < limbs; d++) {
                const uint32_t turn = limbs + d;
                divide(&w, &r,
                       (divide_case){.limbs = limbs,
                                     .keep = limbs - d,
                                     .batch = turn % 4 == 2 ? 0
                                              : turn % 2    ? 1
                                                            : 3,
                                     .in_place = turn % 3 == 0});
            }
        if (most > 1)
            divide(&w, &r,
                   (divide_case){.limbs = most, .keep = most - 1, .batch = 3, .broadcast = 1});
        world_end(&w);
    }
}

Test(backend_rns, mod_down, .timeout = 300)
{
    ref_random r = ref_random_start(2);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        world w;
        world_start(&w, shapes[i], 0);
        const uint32_t most = shapes[i].q_count, step = most > 10 ? 7 : 1;
        for (uint32_t q = most; q >= 1; q = q > step ? q - step : q - 1)
            divide(&w, &r,
                   (divide_case){.limbs = q + shapes[i].p_count,
                                 .keep = q,
                                 .batch = q % 4 == 2 ? 0
                                          : q % 2    ? 1
                                                     : 3,
                                 .special = 1,
                                 .add = q % 3 != 0,
                                 .in_place = q % 3 == 1});
        world_end(&w);
    }
}

Test(backend_rns, mod_up)
{
    ref_random r = ref_random_start(3);
    world w;
    world_start(&w, shapes[5], 0);
    const ref_wide p = ref_rns_product(w.primes + 7, 2);
    host_view a = host_random(&w, &r, 3, 5, 5, 0), up = host_make(&w, 3, 7, 5, 32);
    for (uint32_t k = 0; k < w.count; k++) {
        environment *e = &w.env[k];
        hel_view in = view_up(e, &a), out = view_up(e, &up);
        OK(e, e->ops->mod_up(e->s, e->basis, out, in));
        view_drop(e, in);
        view_down(e, out, &up);
        for (uint32_t b = 0; b < 3; b++)
            for (uint32_t i = 0; i < 7; i++)
                for (uint32_t j = 0; j < w.n; j++) {
                    const uint32_t q = w.primes[i];
                    const uint64_t want =
                        i < 5 ? (uint64_t)host_limb(&w, &a, b, i)[j] * ref_wide_mod(&p, q) % q : 0;
                    cr_assert(host_limb(&w, &up, b, i)[j] == want);
                }
    }
    free(a.data);
    free(up.data);
    world_end(&w);
}

/* ---- digits ---- */

/* Digit j, item b of the view of all digits, as a view of its own. */
static host_view digit_of(const world *w, const host_view *all, uint32_t j, uint32_t limbs)
{
    host_view v = *all;
    v.limbs = limbs + w->shape.p_count;
    v.q_limbs = limbs;
    v.data = all->data + (size_t)j * v.limbs * w->n;
    return v;
}

static void check_digits(const world *w, uint32_t limbs, uint32_t digits, uint32_t batch,
                         const host_view *a, const host_view *all)
{
    uint32_t residue[HEL_LIMBS_LIMIT];
    for (uint32_t j = 0; j < digits; j++) {
        host_view d = digit_of(w, all, j, limbs);
        const uint32_t first = j * w->shape.digit_limbs;
        const uint32_t end = hel_min_u32(first + w->shape.digit_limbs, limbs);
        host_inverse(w, &d);
        for (uint32_t b = 0; b < batch; b++)
            for (uint32_t k = 0; k < samples(); k++) {
                const uint32_t at = sample_place(w, k, samples());
                host_gather(w, a, a->batch == 1 ? 0 : b, at, residue);
                const ref_wide x = ref_rns_lift(w->primes + first, residue + first, end - first, 1);
                for (uint32_t i = 0; i < d.limbs; i++) {
                    const uint32_t want = ref_wide_mod(&x, world_prime(w, limbs, i));
                    cr_assert(host_limb(w, &d, b, i)[at] == want,
                              "%u limbs, digit %u, item %u, coefficient %u, limb %u: %u, not %u",
                              limbs, j, b, at, i, host_limb(w, &d, b, i)[at], want);
                }
            }
    }
}

static void decompose(world *w, ref_random *r, uint32_t limbs, uint32_t batch, int broadcast)
{
    const uint32_t digits = (limbs + w->shape.digit_limbs - 1) / w->shape.digit_limbs;
    const uint32_t total = limbs + w->shape.p_count;
    host_view a = host_random(w, r, broadcast ? 1 : batch, limbs, limbs, 16);
    host_view first = host_make(w, batch, digits * total, 0, 32);
    host_view now = host_make(w, batch, digits * total, 0, 32);
    for (uint32_t k = 0; k < w->count; k++) {
        environment *e = &w->env[k];
        hel_view in = view_up(e, &a), out = view_up(e, k ? &now : &first), given = in;
        out.limbs = total;
        out.q_limbs = limbs;
        if (broadcast)
            given = view_spread(in, batch);
        OK(e, e->ops->decompose(e->s, e->basis, out, given));
        view_drop(e, in);
        view_down(e, out, k ? &now : &first);
        if (k)
            host_equal(e, &first, &now, "a digit");
    }
    host_inverse(w, &a);
    check_digits(w, limbs, digits, batch, &a, &first);
    free(a.data);
    free(first.data);
    free(now.data);
}

Test(backend_rns, decompose, .timeout = 300)
{
    ref_random r = ref_random_start(4);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        world w;
        world_start(&w, shapes[i], 0);
        const uint32_t most = shapes[i].q_count, step = most > 10 ? 6 : 1;
        for (uint32_t limbs = most; limbs >= 1; limbs = limbs > step ? limbs - step : limbs - 1)
            decompose(&w, &r, limbs, limbs % 4 == 3 ? 0 : limbs % 2 ? 1 : 3, 0);
        decompose(&w, &r, most, 2, 1);
        world_end(&w);
    }
}
