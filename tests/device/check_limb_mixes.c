/* The entries that mix limbs: rescale, decompose, inner products with keys, division by P and its
 * reverse. */
#include "tests/device/check.h"

/* ---- rescale ---- */

static void rescale_case(check_world *w, uint32_t limbs, uint32_t drop, uint32_t turn)
{
    const uint32_t keep = limbs - drop, batch = check_batch(w, turn, limbs);
    const int in_place = turn % 3 == 1, spread = !in_place && batch > 1 && turn % 3 == 2;
    const check_kind kind = check_some_kind(w);
    check_begin(w, "rescale of %u limbs to %u, batch %u, in place %d, spread %d, kind %d", limbs,
                keep, batch, in_place, spread, (int)kind);
    const check_array a = check_fill(w, spread ? 1 : batch, limbs, limbs, 48, kind);
    const check_array blank = check_blank(w, batch, keep, keep, 16);
    check_array out[2];
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        const hel_view in = check_up(e, &a);
        hel_view v = in_place ? in : check_up(e, &blank);
        v.limbs = v.q_limbs = keep;
        CHECK_CALL(e, e->ops->rescale(e->s, e->basis, v, spread ? check_spread(in, batch) : in));
        if (in_place) { /* what was dropped is nobody's: compacted away */
            const hel_view dense = check_up(e, &blank);
            CHECK_CALL(e, e->ops->copy(e->s, e->basis, dense, v));
            v = dense;
        }
        out[k] = check_blank(w, batch, keep, keep, 16);
        check_down(e, v, &out[k]);
    }
    check_same(w, &out[0], &out[1], "rescale");
    check_end(w);
}

void check_rescale(check_world *w)
{
    const uint32_t most = w->shape.q_count;
    for (uint32_t i = 0; most > 1 && i < check_times(w, 8); i++) {
        const uint32_t limbs = i ? 2 + check_below(w, most - 1) : most;
        const uint32_t drops = limbs - 1 < w->shape.drop_max ? limbs - 1 : w->shape.drop_max;
        rescale_case(w, limbs, i ? 1 + check_below(w, drops) : drops, i);
    }
}

/* ---- digits ---- */

/* All digits of a batch, as one array: digits x (limbs + P) rows an item. Of a view for the
 * backend limbs and q_limbs are set apart. */
static check_array digits_blank(check_world *w, uint32_t limbs, uint32_t batch)
{
    const uint32_t rows = check_digits(w, limbs) * (limbs + w->shape.p_count);
    return check_blank(w, batch, rows, rows, 32);
}

static hel_view digits_up(check_world *w, check_env *e, const check_array *a, uint32_t limbs)
{
    hel_view v = check_up(e, a);
    v.limbs = limbs + w->shape.p_count;
    v.q_limbs = limbs;
    return v;
}

void check_decompose(check_world *w)
{
    for (uint32_t i = 0; i < check_times(w, 6); i++) {
        const uint32_t limbs = i ? 1 + check_below(w, w->shape.q_count) : w->shape.q_count;
        const uint32_t batch =
            check_batch(w, i, check_digits(w, limbs) * (limbs + w->shape.p_count));
        const int spread = batch > 1 && i % 2;
        const check_kind kind = check_some_kind(w);
        check_array out[2];
        check_begin(w, "decompose of %u limbs, batch %u, spread %d, kind %d", limbs, batch, spread,
                    (int)kind);
        const check_array a = check_fill(w, spread ? 1 : batch, limbs, limbs, 16, kind);
        for (int k = 0; k < 2; k++) {
            check_env *e = &w->env[k];
            const hel_view in = check_up(e, &a);
            out[k] = digits_blank(w, limbs, batch);
            const hel_view v = digits_up(w, e, &out[k], limbs);
            CHECK_CALL(e,
                       e->ops->decompose(e->s, e->basis, v, spread ? check_spread(in, batch) : in));
            check_down(e, v, &out[k]);
        }
        check_same(w, &out[0], &out[1], "decompose");
        check_end(w);
    }
}

static void inner_case(check_world *w, uint32_t limbs, uint32_t key_limbs, uint32_t batch,
                       uint32_t g, check_kind kind)
{
    const uint32_t p = w->shape.p_count, count = check_digits(w, limbs);
    check_array out[2][2];
    check_begin(w, "inner product of %u limbs, a key of %u, batch %u, g %u, kind %d", limbs,
                key_limbs, batch, g, (int)kind);
    const check_array key =
        check_fill(w, 2 * check_digits(w, key_limbs), key_limbs + p, key_limbs, 0, kind);
    /* each digit is an item of a batch while it is filled */
    check_array x = check_fill(w, batch * count, limbs + p, limbs, 0, kind);
    x.batch = batch;
    x.stride *= count;
    const check_array blank = check_blank(w, batch, limbs + p, limbs, 32);
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        const hel_view in = check_up(e, &x), memory = check_up(e, &key);
        const hel_view acc[2] = {check_up(e, &blank), check_up(e, &blank)};
        const hel_key_view view = {memory.data, key_limbs, check_digits(w, key_limbs)};
        CHECK_CALL(e, e->ops->key_inner(e->s, e->basis, acc, in, view, g));
        for (int h = 0; h < 2; h++) {
            out[k][h] = check_blank(w, batch, limbs + p, limbs, 32);
            check_down(e, acc[h], &out[k][h]);
        }
    }
    check_same(w, &out[0][0], &out[1][0], "inner product, half 0");
    check_same(w, &out[0][1], &out[1][1], "inner product, half 1");
    check_end(w);
}

void check_inner(check_world *w)
{
    const uint32_t fixed[] = {1, 5, 3, 2 * w->n - 1};
    for (uint32_t i = 0; i < check_times(w, 6); i++) {
        const uint32_t most = w->shape.q_count, limbs = i ? 1 + check_below(w, most) : most;
        const uint32_t rows = check_digits(w, limbs) * (limbs + w->shape.p_count);
        inner_case(w, limbs, i % 2 ? most : limbs, check_batch(w, i, rows),
                   i < 4 ? fixed[(i + w->shape.log_n) % 4] : 2 * check_below(w, w->n) + 1,
                   i % 3 ? check_some_kind(w) : CHECK_WORST);
    }
}

/* ---- division by P, and its reverse ---- */

static void down_case(check_world *w, uint32_t q, uint32_t turn)
{
    const uint32_t total = q + w->shape.p_count, batch = check_batch(w, turn, total);
    const int add = turn % 3 != 0, onto = turn % 3 == 1;
    const check_kind kind = check_some_kind(w);
    check_begin(w, "mod_down to %u limbs, batch %u, add %d, onto the addend %d, kind %d", q, batch,
                add, onto, (int)kind);
    const check_array a = check_fill(w, batch, total, q, 48, kind);
    const check_array plus = check_fill(w, batch, q, q, 16, check_some_kind(w));
    check_array out[2];
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        const hel_view in = check_up(e, &a), addend = check_up(e, &plus);
        out[k] = check_blank(w, batch, q, q, 16);
        const hel_view v = onto ? addend : check_up(e, &out[k]);
        CHECK_CALL(e, e->ops->mod_down(e->s, e->basis, v, in, add ? &addend : NULL));
        check_down(e, v, &out[k]);
    }
    check_same(w, &out[0], &out[1], "mod_down");
    check_end(w);
}

void check_mod_down(check_world *w)
{
    for (uint32_t i = 0; i < check_times(w, 6); i++)
        down_case(w, i ? 1 + check_below(w, w->shape.q_count) : w->shape.q_count, i);
}

void check_mod_up(check_world *w)
{
    for (uint32_t i = 0; i < check_times(w, 3); i++) {
        const uint32_t q = 1 + check_below(w, w->shape.q_count), total = q + w->shape.p_count;
        const uint32_t batch = check_batch(w, i, total);
        check_array out[2];
        check_begin(w, "mod_up of %u limbs, batch %u", q, batch);
        const check_array a = check_fill(w, batch, q, q, 16, check_some_kind(w));
        for (int k = 0; k < 2; k++) {
            check_env *e = &w->env[k];
            const hel_view in = check_up(e, &a);
            out[k] = check_blank(w, batch, total, q, 32);
            const hel_view v = check_up(e, &out[k]);
            CHECK_CALL(e, e->ops->mod_up(e->s, e->basis, v, in));
            check_down(e, v, &out[k]);
        }
        check_same(w, &out[0], &out[1], "mod_up");
        check_end(w);
    }
}
