/* Key switches: the fused entry and the composition, shared decompositions, recordings. What the
 * reference composes of decompose, inner products and divisions is what all must give. */
#include <string.h>

#include "tests/device/check.h"

typedef struct switch_case {
    uint32_t limbs, key_limbs, batch, g;
    int spread, add0, add1;
    int onto; /* outputs: 0 fresh, 1 out[1] = a, 2 out[h] = add[h], 3 out[0] = a, out[1] = add1 */
    check_kind kind;
} switch_case;

typedef struct switch_inputs {
    check_array a, add[2], key;
} switch_inputs;

typedef enum way { COMPOSED, FUSED, DIGITS } way;

static switch_inputs make_inputs(check_world *w, const switch_case *c)
{
    switch_inputs in;
    in.a = check_fill(w, c->spread ? 1 : c->batch, c->limbs, c->limbs, 64, c->kind);
    for (int h = 0; h < 2; h++)
        in.add[h] = check_fill(w, c->batch, c->limbs, c->limbs, 16, check_some_kind(w));
    in.key = check_fill(w, 2 * check_digits(w, c->key_limbs), c->key_limbs + w->shape.p_count,
                        c->key_limbs, 0, c->kind);
    return in;
}

/* The digits of a, then the rest from them. */
static hel_status by_digits(check_world *w, check_env *e, const hel_view out[2], hel_view a,
                            hel_key_view key, const switch_case *c, const hel_view *add[2])
{
    const uint32_t count = check_digits(w, c->limbs), total = c->limbs + w->shape.p_count;
    hel_view digits = {.batch = c->batch, .limbs = total, .q_limbs = c->limbs};
    hel_status status;
    digits.stride = (size_t)count * total * w->n;
    HEL_TRY(e->ops->alloc(e->s, &digits.data, digits.stride * c->batch * sizeof(uint32_t)));
    HEL_TRY_GOTO(e->ops->decompose(e->s, e->basis, digits, a), end);
    HEL_TRY_GOTO(e->ops->switch_digits(e->s, e->basis, out, digits, key, c->g, add[0], add[1]),
                 end);
end:
    e->ops->release(e->s, digits.data);
    return status;
}

static void run_switch(check_world *w, check_env *e, const switch_case *c, way how,
                       const switch_inputs *in, check_array result[2])
{
    const hel_view a = check_up(e, &in->a), memory = check_up(e, &in->key);
    hel_view plus[2], out[2];
    const hel_key_view key = {memory.data, c->key_limbs, check_digits(w, c->key_limbs)};
    for (int h = 0; h < 2; h++) {
        plus[h] = check_up(e, &in->add[h]);
        result[h] = check_blank(w, c->batch, c->limbs, c->limbs, 0);
        out[h] = check_up(e, &result[h]);
    }
    const hel_view fresh[2] = {out[0], out[1]};
    if (c->onto == 1)
        out[1] = a;
    if (c->onto == 2)
        memcpy(out, plus, sizeof out);
    if (c->onto == 3) {
        out[0] = a;
        out[1] = plus[1];
    }
    const hel_view given = c->spread ? check_spread(a, c->batch) : a;
    const hel_view *add[2] = {c->add0 ? &plus[0] : NULL, c->add1 ? &plus[1] : NULL};
    if (how == COMPOSED)
        CHECK_CALL(e, hel_key_switch(e->s, e->basis, out, given, key, c->g, add[0], add[1]));
    else if (how == FUSED)
        CHECK_CALL(e, e->ops->key_switch(e->s, e->basis, out, given, key, c->g, add[0], add[1]));
    else
        CHECK_CALL(e, by_digits(w, e, out, given, key, c, add));
    for (int h = 0; h < 2; h++) {
        if (out[h].data != fresh[h].data)
            CHECK_CALL(e, e->ops->copy(e->s, e->basis, fresh[h], out[h]));
        check_down(e, fresh[h], &result[h]);
    }
}

static void compare(check_world *w, switch_case c, way how)
{
    static const char *const names[] = {"composed", "fused", "from digits"};
    check_array out[2][2];
    check_begin(w,
                "key switch, %s, %u limbs, a key of %u, batch %u, g %u, spread %d, add %d %d, "
                "onto %d, kind %d",
                names[how], c.limbs, c.key_limbs, c.batch, c.g, c.spread, c.add0, c.add1, c.onto,
                (int)c.kind);
    const switch_inputs in = make_inputs(w, &c);
    run_switch(w, &w->env[0], &c, COMPOSED, &in, out[0]);
    run_switch(w, &w->env[1], &c, how, &in, out[1]);
    check_same(w, &out[0][0], &out[1][0], "half 0");
    check_same(w, &out[0][1], &out[1][1], "half 1");
    check_end(w);
}

static switch_case some_case(check_world *w, uint32_t turn)
{
    const uint32_t most = w->shape.q_count, fixed[] = {5, 1, 2 * w->n - 1, 3};
    switch_case c = {.limbs = turn ? 1 + check_below(w, most) : most};
    c.key_limbs = turn % 2 ? most : c.limbs;
    c.batch = check_batch(w, turn, check_digits(w, c.limbs) * (c.limbs + w->shape.p_count));
    c.g = turn < 4 ? fixed[(turn + w->shape.log_n) % 4] : 2 * check_below(w, w->n) + 1;
    c.add0 = (int)check_below(w, 2);
    c.add1 = (int)check_below(w, 2);
    c.kind = turn % 4 == 2 ? CHECK_WORST : check_some_kind(w);
    c.spread = c.batch > 1 && check_below(w, 4) == 0;
    if (!c.spread && c.batch)
        c.onto = (int)check_below(w, 4);
    if (c.onto > 1)
        c.add0 = c.add1 = 1;
    return c;
}

void check_key_switch(check_world *w)
{
    if (!w->env[1].ops->key_switch)
        w->group->untested++;
    for (uint32_t i = 0; i < check_times(w, 8); i++) {
        const switch_case c = some_case(w, i);
        if (w->env[1].ops->key_switch)
            compare(w, c, FUSED);
        if (i % 4 == 0 || !w->env[1].ops->key_switch)
            compare(w, c, COMPOSED);
    }
}

void check_shared_digits(check_world *w)
{
    if (!w->env[1].ops->switch_digits) {
        w->group->untested++;
        return;
    }
    for (uint32_t i = 0; i < check_times(w, 6); i++) {
        switch_case c = some_case(w, i);
        if (c.onto == 1 || c.onto == 3)
            c.onto = 0; /* the polynomial itself is not an input of the second half */
        compare(w, c, DIGITS);
    }
}

/* ---- recordings ---- */

/* y = rescale(a b), z = key switch of a: of fixed memory, so that it can be run again. */
typedef struct chain {
    hel_view a, b, y, low, out[2];
    hel_key_view key;
} chain;

static hel_status run_chain(check_env *e, const chain *c)
{
    HEL_TRY(e->ops->mul(e->s, e->basis, c->y, c->a, c->b));
    HEL_TRY(e->ops->rescale(e->s, e->basis, c->low, c->y));
    HEL_TRY(e->ops->add(e->s, e->basis, c->a, c->a, c->b)); /* every run differs from the last */
    if (e->ops->key_switch)
        return e->ops->key_switch(e->s, e->basis, c->out, c->a, c->key, 5, &c->b, NULL);
    return hel_key_switch(e->s, e->basis, c->out, c->a, c->key, 5, &c->b, NULL);
}

static void record_case(check_world *w, uint32_t limbs, uint32_t batch, uint32_t runs)
{
    const uint32_t p = w->shape.p_count;
    check_array out[2][3];
    check_begin(w, "recording run %u times, %u limbs, batch %u", runs, limbs, batch);
    const check_array a = check_fill(w, batch, limbs, limbs, 0, CHECK_RANDOM);
    const check_array b = check_fill(w, batch, limbs, limbs, 0, CHECK_RANDOM);
    const check_array key =
        check_fill(w, 2 * check_digits(w, limbs), limbs + p, limbs, 0, CHECK_RANDOM);
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        void *recording = NULL;
        const hel_view memory = check_up(e, &key);
        chain c = {.a = check_up(e, &a),
                   .b = check_up(e, &b),
                   .y = check_up(e, &a),
                   .low = check_up(e, &a),
                   .out = {check_up(e, &a), check_up(e, &a)}};
        c.key = (hel_key_view){memory.data, limbs, check_digits(w, limbs)};
        c.low.limbs = c.low.q_limbs = limbs - 1;
        CHECK_CALL(e, run_chain(e, &c)); /* allocates what it needs */
        if (k) {
            CHECK_CALL(e, e->ops->record_begin(e->s));
            CHECK_CALL(e, run_chain(e, &c));
            if (e->status == HEL_OK)
                e->status = e->ops->record_end(e->s, &recording);
        }
        for (uint32_t i = 0; i < runs; i++)
            CHECK_CALL(e, k ? e->ops->replay(e->s, recording) : run_chain(e, &c));
        const hel_view result[3] = {c.low, c.out[0], c.out[1]};
        for (int i = 0; i < 3; i++) {
            out[k][i] = check_blank(w, batch, limbs, limbs, 0);
            hel_view whole = result[i];
            check_down(e, whole, &out[k][i]);
        }
        if (recording)
            e->ops->recording_free(e->s, recording);
    }
    check_same(w, &out[0][0], &out[1][0], "the rescaled product");
    check_same(w, &out[0][1], &out[1][1], "half 0");
    check_same(w, &out[0][2], &out[1][2], "half 1");
    check_end(w);
}

void check_recording(check_world *w)
{
    const hel_backend_ops *ops = w->env[1].ops;
    if (!ops->record_begin || !ops->record_end || !ops->replay) {
        w->group->untested++;
        return;
    }
    if (w->shape.q_count < 2 || w->shape.drop_max < 1)
        return;
    for (uint32_t i = 0; i < check_times(w, 2); i++)
        record_case(w, 2 + check_below(w, w->shape.q_count - 1), 1 + check_below(w, 3), i % 4);
}
