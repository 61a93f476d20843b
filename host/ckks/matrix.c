/*
 * Matrix times encrypted vector by diagonals, baby steps and giant steps: with d = g b + j,
 *
 *   M v = sum_g rot_(g b)( sum_j  rot_(-g b)(diag_d) * rot_j(v) ),   diag_d[i] = M[i][i + d]
 *
 * (Halevi, Shoup, "Faster homomorphic linear transformations in HElib", CRYPTO 2018). The baby
 * rotations share one decomposition; the inner sums are one dot entry of the backend each.
 */
#include <math.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"

struct hel_ckks_matrix {
    uint32_t log_slots, level;
    uint32_t baby;                    /* b */
    uint32_t diagonals;               /* that are not zero */
    uint32_t *diagonal;               /* their d, ascending */
    uint32_t baby_count, giant_count; /* rotations by other than 0 */
    int32_t *step;                    /* baby rotations, then giant ones */
    double row_norm, row_sum;         /* largest 2-norm and 1-norm of a row */
    hel_ckks_plain *plain;            /* item i: rotated diagonal i */
};

typedef struct source {
    const double *re, *im;
    uint32_t slots;
} source;

static int diagonal_is_zero(const source *m, uint32_t d)
{
    for (uint32_t i = 0; i < m->slots; i++) {
        size_t at = (size_t)i * m->slots + ((i + d) & (m->slots - 1));
        if (m->re[at] != 0 || (m->im && m->im[at] != 0))
            return 0;
    }
    return 1;
}

/* Rotations that b baby steps need; marks them in `used` (slots bytes: bit 0 baby, bit 1 giant). */
static uint32_t count_rotations(const hel_ckks_matrix *m, uint32_t b, uint8_t *used,
                                uint32_t *giants)
{
    uint32_t babies = 0;
    *giants = 0;
    memset(used, 0, (size_t)1 << m->log_slots);
    for (uint32_t i = 0; i < m->diagonals; i++) {
        uint32_t j = m->diagonal[i] & (b - 1), g = m->diagonal[i] & ~(b - 1);
        babies += j && !(used[j] & 1);
        *giants += g && !(used[g] & 2);
        used[j] |= 1;
        used[g] |= 2;
    }
    return babies;
}

/* The power of two with the least cost: a hoisted baby step is about half of a giant one. */
static hel_status choose_steps(hel_engine *engine, hel_ckks_matrix *m)
{
    const uint32_t slots = 1u << m->log_slots;
    uint32_t best = UINT32_MAX, giants;
    uint8_t *used;
    HEL_TRY(hel_malloc(engine, &used, slots, 1));
    m->baby = 1;
    for (uint32_t b = 1; b <= slots; b *= 2) {
        uint32_t babies = count_rotations(m, b, used, &giants), cost = babies + 2 * giants;
        if (cost < best) {
            best = cost;
            m->baby = b;
        }
    }
    m->baby_count = count_rotations(m, m->baby, used, &m->giant_count);
    hel_status status =
        hel_malloc(engine, &m->step, m->baby_count + m->giant_count, sizeof *m->step);
    for (uint32_t i = 1, at = 0; status == HEL_OK && i < m->baby; i++)
        if (used[i] & 1)
            m->step[at++] = (int32_t)i;
    for (uint32_t i = 1, at = m->baby_count; status == HEL_OK && i < slots; i++)
        if (used[i] & 2)
            m->step[at++] = (int32_t)i;
    hel_free(used);
    return status;
}

static hel_status find_diagonals(hel_engine *engine, hel_ckks_matrix *m, const source *from)
{
    HEL_TRY(hel_malloc(engine, &m->diagonal, from->slots, sizeof *m->diagonal));
    for (uint32_t d = 0; d < from->slots; d++)
        if (!diagonal_is_zero(from, d))
            m->diagonal[m->diagonals++] = d;
    for (uint32_t i = 0; i < from->slots; i++) {
        double sum = 0, squares = 0;
        for (uint32_t j = 0; j < from->slots; j++) {
            size_t at = (size_t)i * from->slots + j;
            double x = hypot(from->re[at], from->im ? from->im[at] : 0);
            sum += x;
            squares += x * x;
        }
        m->row_sum = fmax(m->row_sum, sum);
        m->row_norm = fmax(m->row_norm, sqrt(squares));
    }
    return choose_steps(engine, m);
}

/* out[i] = diag_d[i - g b] for every diagonal that is there */
static void gather(const hel_ckks_matrix *m, const double *x, double *out)
{
    const uint32_t slots = 1u << m->log_slots, mask = slots - 1;
    for (uint32_t k = 0; k < m->diagonals; k++) {
        const uint32_t d = m->diagonal[k], g = d & ~(m->baby - 1);
        for (uint32_t i = 0; i < slots; i++) {
            uint32_t row = (i - g) & mask;
            out[(size_t)k * slots + i] = x[(size_t)row * slots + ((row + d) & mask)];
        }
    }
}

static hel_status encode_diagonals(hel_ckks *c, hel_ckks_matrix *m, const source *from)
{
    const size_t words = (size_t)m->diagonals << m->log_slots;
    double *re;
    HEL_TRY(hel_malloc(c->engine, &re, words, 2 * sizeof *re));
    gather(m, from->re, re);
    if (from->im)
        gather(m, from->im, re + words);
    hel_status status = hel_ckks_plain_create(c, &m->plain);
    if (status == HEL_OK)
        status = hel_ckks_encode(c, m->plain, re, from->im ? re + words : NULL, from->slots,
                                 m->diagonals, m->level, 0);
    hel_free(re);
    return status;
}

hel_status hel_ckks_matrix_create(hel_ckks *c, hel_ckks_matrix **out, const double *re,
                                  const double *im, uint32_t slots, uint32_t level)
{
    const uint32_t depth = c->context->params.depth;
    const source from = {re, im, slots};
    hel_ckks_matrix *m;
    *out = NULL;
    hel_error_clear(c->engine);
    if (level == HEL_CKKS_TOP)
        level = depth;
    HEL_REQUIRE(c->engine, level >= 1 && level <= depth, HEL_E_USAGE,
                "matrix: level %u, the rule is 1 to %u", level, depth);
    HEL_REQUIRE(c->engine, slots && slots <= c->context->n / 2 && !(slots & (slots - 1)),
                HEL_E_USAGE, "matrix: %u slots, the rule is a power of two up to %u", slots,
                c->context->n / 2);
    HEL_REQUIRE(c->engine, re, HEL_E_USAGE, "matrix: numbers are needed, NULL was given");
    HEL_TRY(hel_calloc(c->engine, &m, 1, sizeof *m));
    m->log_slots = (uint32_t)__builtin_ctz(slots);
    m->level = level;
    hel_status status = find_diagonals(c->engine, m, &from);
    if (status == HEL_OK)
        status = encode_diagonals(c, m, &from);
    if (status != HEL_OK) {
        hel_ckks_matrix_free(m);
        return status;
    }
    *out = m;
    return HEL_OK;
}

void hel_ckks_matrix_free(hel_ckks_matrix *m)
{
    if (!m)
        return;
    hel_ckks_plain_free(m->plain);
    hel_free(m->diagonal);
    hel_free(m->step);
    hel_free(m);
}

size_t hel_ckks_matrix_rotations(const hel_ckks_matrix *m, int32_t *steps, size_t room)
{
    const size_t count = m->baby_count + m->giant_count;
    for (size_t i = 0; i < count && i < room; i++)
        steps[i] = m->step[i];
    return count;
}

/* ---- the product ---- */

typedef struct product {
    hel_ckks *c;
    const hel_ckks_matrix *m;
    hel_ckks_cipher *v, *inner, *turned; /* the aligned vector, one giant step's sum, it rotated */
    hel_ckks_cipher **baby;              /* rotated v, one per baby step that is not 0 */
    hel_view *a, *b;                     /* terms of a dot */
} product;

static const hel_ckks_cipher *baby_step(const product *p, uint32_t j)
{
    for (uint32_t i = 0; i < p->m->baby_count; i++)
        if ((uint32_t)p->m->step[i] == j)
            return p->baby[i];
    return p->v;
}

/* inner = sum over the diagonals first .. first + count - 1, which share a giant step */
static hel_status sum_giant(product *p, uint32_t first, uint32_t count, hel_ckks_cipher *inner)
{
    const hel_ckks_matrix *m = p->m;
    hel_ckks *c = p->c;
    HEL_TRY(hel_ckks_cipher_shape(c, inner, p->v->batch, 2, m->level, m->log_slots));
    for (uint32_t half = 0; half < 2; half++) {
        for (uint32_t i = 0; i < count; i++) {
            const hel_ckks_cipher *x = baby_step(p, m->diagonal[first + i] & (m->baby - 1));
            p->a[i] = hel_ckks_cipher_view(x, half, x->batch, m->level);
            p->b[i] = hel_ckks_plain_view(m->plain, 1, m->level);
            p->b[i].data += (size_t)(first + i) * p->b[i].limbs * c->context->n;
            p->b[i].batch = x->batch;
            p->b[i].stride = 0;
        }
        HEL_TRY(c->stream->ops->dot(c->stream, c->context->basis,
                                    hel_ckks_cipher_view(inner, half, inner->batch, m->level), p->a,
                                    p->b, count, 0));
    }
    return HEL_OK;
}

/* Errors of slots add up as independent ones do, unless they are known to be mixed, those of
 * rotations always; rounding of the diagonals meets the whole message. */
static void describe(const product *p, hel_ckks_cipher *x)
{
    const hel_ckks_matrix *m = p->m;
    const hel_ckks_context *t = p->c->context;
    const double scale = m->plain->scale.hi, turn = hel_ckks_error_switch(t, m->level);
    const double in = scale * hypot(p->v->error * (p->v->mixed ? m->row_sum : m->row_norm),
                                    m->baby_count ? turn * m->row_norm : 0);
    const double rounding =
        hel_ckks_error_encode(t, m->log_slots) * p->v->bound * p->v->scale.hi * sqrt(m->diagonals);
    x->error = hypot(hypot(in, rounding), turn * sqrt(m->giant_count));
    x->bound = p->v->bound * m->row_sum;
    x->mixed = p->v->mixed || m->diagonals > 1;
    x->scale = hel_scale_mul(p->v->scale, m->plain->scale);
    x->seeded = 0;
    memcpy(x->key_id, p->v->key_id, sizeof x->key_id);
    x->valid = 1;
}

/* out = sum over giant steps; out is not p->v */
static hel_status sum_all(product *p, hel_ckks_cipher *out)
{
    const hel_ckks_matrix *m = p->m;
    hel_ckks *c = p->c;
    const uint32_t limbs_level = m->level;
    for (uint32_t first = 0, count; first < m->diagonals; first += count) {
        const uint32_t g = m->diagonal[first] & ~(m->baby - 1);
        for (count = 1;
             first + count < m->diagonals && (m->diagonal[first + count] & ~(m->baby - 1)) == g;)
            count++;
        hel_ckks_cipher *sum = first == 0 && g == 0 ? out : p->inner;
        HEL_TRY(sum_giant(p, first, count, sum));
        describe(p, sum);
        if (g) {
            hel_ckks_cipher *to = first == 0 ? out : p->turned;
            HEL_TRY(hel_ckks_rotate(c, to, sum, (int32_t)g));
            sum = to;
        }
        for (uint32_t half = 0; first && half < 2; half++) {
            hel_view o = hel_ckks_cipher_view(out, half, out->batch, limbs_level);
            HEL_TRY(c->stream->ops->add(c->stream, c->context->basis, o, o,
                                        hel_ckks_cipher_view(sum, half, out->batch, limbs_level)));
        }
    }
    describe(p, out);
    return HEL_OK;
}

static hel_status prepare(product *p, const hel_ckks_cipher *a)
{
    const hel_ckks_matrix *m = p->m;
    hel_ckks *c = p->c;
    HEL_TRY(hel_calloc(c->engine, &p->baby, m->baby_count, sizeof *p->baby));
    HEL_TRY(hel_calloc(c->engine, &p->a, m->diagonals, sizeof *p->a));
    HEL_TRY(hel_calloc(c->engine, &p->b, m->diagonals, sizeof *p->b));
    HEL_TRY(hel_ckks_cipher_create(c, &p->v));
    HEL_TRY(hel_ckks_cipher_create(c, &p->inner));
    HEL_TRY(hel_ckks_cipher_create(c, &p->turned));
    for (uint32_t i = 0; i < m->baby_count; i++)
        HEL_TRY(hel_ckks_cipher_create(c, &p->baby[i]));
    if (c->alignment == HEL_CKKS_AUTO)
        HEL_TRY(hel_ckks_align(c, p->v, a, m->level));
    else
        HEL_TRY(hel_ckks_copy(c, p->v, a));
    HEL_REQUIRE(c->engine, p->v->level == m->level && p->v->polys == 2, HEL_E_MISMATCH,
                "matrix: made for level %u and two polynomials, the ciphertext has level %u and %u",
                m->level, p->v->level, p->v->polys);
    if (m->baby_count)
        HEL_TRY(hel_ckks_rotate_many(c, p->baby, p->v, m->step, m->baby_count));
    return HEL_OK;
}

static hel_status matrix_mul(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_matrix *m,
                             const hel_ckks_cipher *a)
{
    product p = {.c = c, .m = m};
    HEL_TRY(hel_ckks_begin(c, out, a, "matrix"));
    HEL_REQUIRE(c->engine, m, HEL_E_USAGE, "matrix: none is given");
    HEL_TRY(hel_ckks_check_plain(c, m->plain, "matrix"));
    HEL_REQUIRE(c->engine, a->log_slots == m->log_slots, HEL_E_MISMATCH,
                "matrix: %u slots, the ciphertext has %u", 1u << m->log_slots, 1u << a->log_slots);
    hel_status status;
    if (m->diagonals == 0) {
        status = hel_ckks_mul_const(c, out, a, 0, 0);
    } else {
        status = prepare(&p, a);
        if (status == HEL_OK)
            status = sum_all(&p, out);
    }
    for (uint32_t i = 0; p.baby && i < m->baby_count; i++)
        hel_ckks_cipher_free(p.baby[i]);
    hel_ckks_cipher_free(p.v);
    hel_ckks_cipher_free(p.inner);
    hel_ckks_cipher_free(p.turned);
    hel_free(p.baby);
    hel_free(p.a);
    hel_free(p.b);
    return status;
}

hel_status hel_ckks_matrix_mul(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_matrix *m,
                               const hel_ckks_cipher *a)
{
    return hel_ckks_result(out, matrix_mul(c, out, m, a));
}
