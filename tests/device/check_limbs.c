/* The entries that work limb by limb: moves, transforms, element-wise operations, sums of products,
 * automorphisms. */
#include <string.h>

#include "tests/device/check.h"

/* A random shape of a view: limbs in 1 .. all, some of them special ones. */
static uint32_t some_limbs(check_world *w, uint32_t *q_limbs)
{
    const uint32_t q = 1 + check_below(w, w->shape.q_count),
                   p = check_below(w, w->shape.p_count + 1);
    *q_limbs = q;
    return q + p;
}

static size_t some_gap(check_world *w)
{
    return 16 * check_below(w, 4);
}

/* ---- memory ---- */

static void move_case(check_world *w, uint32_t turn)
{
    uint32_t q;
    const uint32_t limbs = some_limbs(w, &q), batch = check_batch(w, turn, limbs);
    const uint32_t less = 1 + check_below(w, limbs);
    check_begin(w, "copy of %u of %u limbs (%u of Q), batch %u", less, limbs, q, batch);
    const check_array a = check_fill(w, batch, limbs, q, some_gap(w), check_some_kind(w));
    const uint32_t q_less = less < q ? less : q;
    check_array out[2], blank = check_blank(w, batch, less, q_less, some_gap(w));
    out[0] = check_blank(w, batch, less, q_less, blank.stride - (size_t)less * w->n);
    out[1] = check_blank(w, batch, less, q_less, blank.stride - (size_t)less * w->n);
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        const hel_view in = check_up(e, &a), v = check_up(e, &blank);
        CHECK_CALL(e, e->ops->copy(e->s, e->basis, v, in));
        check_down(e, v, &out[k]);
    }
    check_same(w, &out[0], &out[1], "copy");
    check_end(w);
}

static void wipe_case(check_world *w, size_t bytes)
{
    check_begin(w, "wipe of %zu bytes", bytes);
    uint8_t *from = check_memory(w, bytes), *to = check_memory(w, bytes);
    memset(from, 0x77, bytes);
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        void *p = NULL;
        CHECK_CALL(e, e->ops->alloc(e->s, &p, bytes));
        if (p)
            e->memory[e->memory_count++] = p;
        CHECK_CALL(e, e->ops->upload(e->s, p, from, bytes));
        if (e->status == HEL_OK)
            e->ops->wipe(e->s, p, bytes / 2);
        CHECK_CALL(e, e->ops->sync(e->s));
        CHECK_CALL(e, e->ops->download(e->s, to, p, bytes));
        for (size_t i = 0; i < bytes && e->status == HEL_OK && !w->failed; i++)
            if (to[i] != (i < bytes / 2 ? 0 : 0x77))
                check_fail(w, "%s: byte %zu is %u", e->name, i, to[i]);
    }
    check_end(w);
}

void check_memory_moves(check_world *w)
{
    static const size_t sizes[] = {64, 4096, 100000, 1 << 20};
    for (uint32_t i = 0; i < check_times(w, 6); i++)
        move_case(w, i);
    for (uint32_t i = 0; i < 4; i++)
        wipe_case(w, sizes[i]);
}

/* ---- transforms ---- */

static void transform_case(check_world *w, uint32_t limbs, uint32_t q, uint32_t batch, size_t gap,
                           check_kind kind)
{
    check_begin(w, "transforms of %u limbs (%u of Q), batch %u, gap %zu, kind %d", limbs, q, batch,
                gap, (int)kind);
    const check_array a = check_fill(w, batch, limbs, q, gap, kind);
    check_array out[2][2];
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        hel_view v = check_up(e, &a);
        for (int h = 0; h < 2; h++)
            out[k][h] = check_blank(w, batch, limbs, q, gap);
        CHECK_CALL(e, e->ops->ntt_forward(e->s, e->basis, v));
        check_down(e, v, &out[k][0]);
        CHECK_CALL(e, e->ops->upload(e->s, v.data, a.data, a.words * sizeof *a.data));
        CHECK_CALL(e, e->ops->ntt_inverse(e->s, e->basis, v));
        check_down(e, v, &out[k][1]);
    }
    check_same(w, &out[0][0], &out[1][0], "forward");
    check_same(w, &out[0][1], &out[1][1], "inverse");
    check_end(w);
}

void check_transforms(check_world *w)
{
    for (uint32_t kind = 0; kind < CHECK_KINDS; kind++)
        transform_case(w, kind ? 1 : w->total, kind ? 1 : w->shape.q_count, 1, 16 * kind,
                       (check_kind)kind);
    for (uint32_t i = 0; i < check_times(w, 6); i++) {
        uint32_t q;
        const uint32_t limbs = some_limbs(w, &q);
        transform_case(w, limbs, q, check_batch(w, i, limbs), some_gap(w), check_some_kind(w));
    }
}

/* ---- element-wise ---- */

typedef enum op { OP_ADD, OP_SUB, OP_MUL, OP_MUL_ADD, OP_MUL_SCALAR, OP_ADD_SCALAR, OP_COUNT } op;

static const char *const op_names[] = {"add", "sub", "mul", "mul_add", "mul_scalar", "add_scalar"};

static hel_status call(const check_env *e, op o, hel_view out, hel_view a, hel_view b,
                       const uint32_t *c)
{
    const hel_backend_ops *ops = e->ops;
    switch (o) {
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
    default:
        return ops->add_scalar(e->s, e->basis, out, a, c);
    }
}

/* spread: a (1) or b (2) is one item for all; onto: the result goes to a (1), to b (2), or to what
 * is both (3). */
static void element_case(check_world *w, op o, uint32_t turn)
{
    uint32_t q, c[HEL_LIMBS_LIMIT];
    const uint32_t limbs = some_limbs(w, &q), batch = check_batch(w, turn, limbs);
    const uint32_t spread = batch ? check_below(w, 3) : 0;
    uint32_t onto = o < OP_MUL_SCALAR ? check_below(w, 4) : check_below(w, 2);
    if (onto == spread || (onto == 3 && spread))
        onto = 0;
    check_begin(w, "%s of %u limbs (%u of Q), batch %u, spread %u, onto %u", op_names[o], limbs, q,
                batch, spread, onto);
    const check_array a =
        check_fill(w, spread == 1 ? 1 : batch, limbs, q, some_gap(w), check_some_kind(w));
    const check_array b =
        check_fill(w, spread == 2 ? 1 : batch, limbs, q, some_gap(w), check_some_kind(w));
    const check_array fresh = check_fill(w, batch, limbs, q, some_gap(w), check_some_kind(w));
    const check_array *old = onto % 2 ? &a : onto ? &b : &fresh;
    check_array out[2];
    for (uint32_t i = 0; i < limbs; i++)
        c[i] = check_below(w, 3) ? check_below(w, check_prime(w, q, i)) : check_prime(w, q, i) - 1;
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        const hel_view va = check_up(e, &a), vb = onto == 3 ? va : check_up(e, &b);
        const hel_view vf = check_up(e, &fresh), v = onto % 2 ? va : onto ? vb : vf;
        out[k] = check_blank(w, batch, limbs, q, old->stride - (size_t)limbs * w->n);
        CHECK_CALL(e, call(e, o, v, spread == 1 ? check_spread(va, batch) : va,
                           spread == 2 ? check_spread(vb, batch) : vb, c));
        check_down(e, v, &out[k]);
    }
    check_same(w, &out[0], &out[1], op_names[o]);
    check_end(w);
}

void check_elementwise(check_world *w)
{
    for (op o = OP_ADD; o < OP_COUNT; o++)
        for (uint32_t i = 0; i < check_times(w, 8); i++)
            element_case(w, o, i);
}

/* ---- tensor and dot ---- */

static void dot_case(check_world *w, uint32_t terms, uint32_t turn)
{
    uint32_t q;
    const uint32_t limbs = some_limbs(w, &q), batch = check_batch(w, turn, limbs * terms);
    const check_kind kind = turn % 2 ? CHECK_WORST : check_some_kind(w);
    check_array x[2][18], out[2];
    const int onto = turn % 3 == 1;
    const size_t gap = some_gap(w);
    check_begin(w, "dot of %u terms, %u limbs (%u of Q), batch %u, kind %d, onto the last %d",
                terms, limbs, q, batch, (int)kind, onto);
    for (uint32_t t = 0; t < terms; t++)
        for (uint32_t h = 0; h < 2; h++)
            x[h][t] = check_fill(w, t == 1 && h && batch ? 1 : batch, limbs, q, gap, kind);
    const check_array start = check_fill(w, batch, limbs, q, 0, kind);
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        hel_view v[2][18];
        hel_view to = check_up(e, &start);
        for (uint32_t t = 0; t < terms; t++)
            for (uint32_t h = 0; h < 2; h++) {
                v[h][t] = check_up(e, &x[h][t]);
                if (t == 1 && h)
                    v[h][t] = check_spread(v[h][t], batch);
            }
        if (onto)
            to = v[0][terms - 1];
        out[k] = check_blank(w, batch, limbs, q, onto ? gap : 0);
        CHECK_CALL(e, e->ops->dot(e->s, e->basis, to, v[0], v[1], terms, 1));
        if (turn % 3 == 0)
            CHECK_CALL(e, e->ops->dot(e->s, e->basis, to, v[1], v[0], terms, 0));
        check_down(e, to, &out[k]);
    }
    check_same(w, &out[0], &out[1], "dot");
    check_end(w);
}

/* onto: the outputs are a0, b0 and a1 (1), or b1, a0 and b0 (2). */
static void tensor_case(check_world *w, uint32_t turn)
{
    uint32_t q;
    const uint32_t limbs = some_limbs(w, &q), batch = check_batch(w, turn, 4 * limbs);
    const int onto = (int)(turn % 3);
    check_array x[4], out[2][3];
    check_begin(w, "tensor of %u limbs (%u of Q), batch %u, onto %d", limbs, q, batch, onto);
    for (uint32_t i = 0; i < 4; i++)
        x[i] = check_fill(w, batch, limbs, q, 16, check_some_kind(w));
    const check_array blank = check_blank(w, batch, limbs, q, 16);
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        const hel_view a[2] = {check_up(e, &x[0]), check_up(e, &x[1])};
        const hel_view b[2] = {check_up(e, &x[2]), check_up(e, &x[3])};
        hel_view d[3] = {onto == 1 ? a[0] : b[1], onto == 1 ? b[0] : a[0], onto == 1 ? a[1] : b[0]};
        for (uint32_t i = 0; i < 3; i++) {
            if (!onto)
                d[i] = check_up(e, &blank);
            out[k][i] = check_blank(w, batch, limbs, q, 16);
        }
        CHECK_CALL(e, e->ops->tensor(e->s, e->basis, d, a, b));
        for (uint32_t i = 0; i < 3; i++)
            check_down(e, d[i], &out[k][i]);
    }
    for (uint32_t i = 0; i < 3; i++)
        check_same(w, &out[0][i], &out[1][i], "tensor");
    check_end(w);
}

void check_products(check_world *w)
{
    static const uint32_t terms[] = {1, 2, 3, 15, 16, 17};
    const uint32_t most = w->shape.log_n > 13 || w->options->scale < 0.3 ? 2 : 6;
    for (uint32_t i = 0; i < most; i++)
        dot_case(w, terms[w->options->scale < 0.3 ? (i + w->shape.log_n) % 6 : i], i);
    for (uint32_t i = 0; i < check_times(w, 6); i++)
        tensor_case(w, i);
}

/* ---- automorphisms ---- */

void check_automorphisms(check_world *w)
{
    const uint32_t fixed[] = {1, 3, 5, 2 * w->n - 1, 2 * w->n - 3, w->n + 1};
    for (uint32_t i = 0; i < 6 + check_times(w, 4); i++) {
        uint32_t q;
        const uint32_t limbs = some_limbs(w, &q), batch = check_batch(w, i, limbs);
        const uint32_t g = i < 6 ? fixed[i] : 2 * check_below(w, w->n) + 1;
        const int spread = batch && i % 3 == 0;
        check_array out[2];
        check_begin(w, "automorphism %u of %u limbs (%u of Q), batch %u, spread %d", g, limbs, q,
                    batch, spread);
        const check_array a =
            check_fill(w, spread ? 1 : batch, limbs, q, some_gap(w), CHECK_RANDOM);
        const check_array blank = check_blank(w, batch, limbs, q, 32);
        for (int k = 0; k < 2; k++) {
            check_env *e = &w->env[k];
            const hel_view in = check_up(e, &a), v = check_up(e, &blank);
            out[k] = check_blank(w, batch, limbs, q, 32);
            CHECK_CALL(
                e, e->ops->automorph(e->s, e->basis, v, spread ? check_spread(in, batch) : in, g));
            check_down(e, v, &out[k]);
        }
        check_same(w, &out[0], &out[1], "automorphism");
        check_end(w);
    }
}
