/*
 * Polynomials of a ciphertext: Paterson and Stockmeyer's splitting with scales worked backwards,
 * after Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux, EUROCRYPT 2021: every node of the recursion
 * is told the level and the scale that its result must have, leaves meet it by the choice of their
 * integer constants, so that sums never need an alignment. A polynomial of degree < 2^k costs
 * exactly k levels.
 *
 *   eval(p, l, S): p(x) at level l and scale S, not yet rescaled
 *     leaf   sum_j round(c_j S / s_j) x^j                     s_j the scale of power x^j
 *     node   p = u x^m + r:  eval(u, l + 1, S' ) rescaled, times x^m, plus eval(r, l, S);
 *            S' = S / s_m (primes of level l + 1) / multiplier
 *
 * The topmost chain of quotients has no level to spare, so it splits down to degree 1; remainders
 * have one, and stop at `baby` terms.
 */
#include <math.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"

#define POWERS_MAX   4096 /* coefficients of the largest polynomial */
#define BABY_POWERS  64
#define GIANT_POWERS 13
#define LARGEST      0x1p400 /* coefficient: times a scale it stays within a double's range */

typedef struct evaluation {
    hel_ckks *c;
    hel_ckks_poly_basis basis;
    uint32_t baby;                        /* leaves have at most so many coefficients; power of 2 */
    hel_ckks_cipher *power[BABY_POWERS];  /* x^j or T_j, rescaled; [0] unused, NULL where unused */
    hel_ckks_cipher *giant[GIANT_POWERS]; /* x^(2^i) or T_(2^i) for 2^i >= baby */
    hel_ckks_cipher *scratch;
} evaluation;

static uint32_t ceil_log2(uint32_t x)
{
    return x <= 1 ? 0 : 32 - (uint32_t)__builtin_clz(x - 1);
}

static hel_ckks_cipher *power_of(const evaluation *e, uint32_t j)
{
    return j < e->baby ? e->power[j] : e->giant[__builtin_ctz(j)];
}

/* The product of the primes that level l owns, over its multiplier: what a rescale divides by. */
static hel_scale level_divisor(const hel_ckks_params *p, uint32_t l)
{
    hel_scale d = hel_scale_of(1);
    for (uint32_t i = p->limbs[l - 1]; i < p->limbs[l]; i++)
        d = hel_scale_mul(d, hel_scale_of_u64(p->primes[i]));
    return hel_scale_div(d, hel_scale_of_u64(p->multiplier[l]));
}

/* out (level l, scale S) += c x^j, or becomes it; c = 0 is skipped by the caller. */
static hel_status add_term(evaluation *e, hel_ckks_cipher *out, int begun, double coefficient,
                           const hel_ckks_cipher *x, uint32_t l, hel_scale scale)
{
    hel_ckks *c = e->c;
    const hel_ckks_context *t = c->context;
    uint32_t k[HEL_CKKS_PRIMES_MAX];
    const hel_scale ratio = hel_scale_div(scale, x->scale);
    const hel_scale constant = hel_scale_mul(ratio, hel_scale_of(coefficient));
    const double size = fabs(constant.hi);
    hel_ckks_residues(t, constant, t->params.limbs[l], k);
    if (!begun)
        HEL_TRY(hel_ckks_cipher_shape(c, out, x->batch, x->polys, l, x->log_slots));
    for (uint32_t p = 0; p < x->polys; p++) {
        hel_view to = hel_ckks_cipher_view(out, p, x->batch, l), sum = to;
        if (begun) {
            HEL_TRY(hel_ckks_cipher_shape(c, e->scratch, x->batch, x->polys, l, x->log_slots));
            to = hel_ckks_cipher_view(e->scratch, p, x->batch, l);
        }
        HEL_TRY(c->stream->ops->mul_scalar(c->stream, t->basis, to,
                                           hel_ckks_cipher_view(x, p, x->batch, l), k));
        if (begun)
            HEL_TRY(c->stream->ops->add(c->stream, t->basis, sum, sum, to));
    }
    /* the constant is wrong by at most half a unit; sums of dependent powers add up at worst */
    const double error =
        x->error * size +
        0.5 * x->bound * x->scale.hi / hel_ckks_error_slot(t, 1, x->log_slots); /* in every slot */
    out->error = begun ? out->error + error : error;
    out->bound = fabs(coefficient) * x->bound + (begun ? out->bound : 0);
    out->mixed = x->mixed || (begun && out->mixed);
    out->scale = scale;
    out->seeded = 0;
    memcpy(out->key_id, x->key_id, sizeof out->key_id);
    out->valid = 1;
    return HEL_OK;
}

static hel_status add_constant(evaluation *e, hel_ckks_cipher *x, double coefficient)
{
    hel_ckks *c = e->c;
    const uint32_t limbs = c->context->params.limbs[x->level];
    uint32_t k[HEL_CKKS_PRIMES_MAX];
    hel_view v = hel_ckks_cipher_view(x, 0, x->batch, x->level);
    hel_ckks_residues(c->context, hel_scale_mul(x->scale, hel_scale_of(coefficient)), limbs, k);
    x->bound += fabs(coefficient);
    x->error += 0.5 / hel_ckks_error_slot(c->context, 1, x->log_slots);
    return c->stream->ops->add_scalar(c->stream, c->context->basis, v, v, k);
}

/* out = product of canonical a and b brought to the lower of their levels, not rescaled */
static hel_status multiply(evaluation *e, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                           const hel_ckks_cipher *b, uint32_t l)
{
    hel_ckks *c = e->c;
    const hel_ckks_cipher *in[2] = {a, b};
    hel_ckks_cipher *low[2] = {NULL, NULL};
    hel_status status = HEL_OK;
    for (int i = 0; i < 2 && status == HEL_OK; i++) {
        if (in[i]->level == l)
            continue;
        status = hel_ckks_cipher_create(c, &low[i]);
        if (status == HEL_OK)
            status = hel_ckks_drop(c, low[i], in[i], l);
        in[i] = low[i];
    }
    if (status == HEL_OK)
        status = a == b ? hel_ckks_square(c, out, in[0]) : hel_ckks_mul(c, out, in[0], in[1]);
    hel_ckks_cipher_free(low[0]);
    hel_ckks_cipher_free(low[1]);
    return status;
}

/* ---- powers ---- */

/* x^j from x^i x^(j - i), or T_j = 2 T_i T_(j-i) - T_(2i - j); i the power of two above j/2 */
static hel_status make_power(evaluation *e, uint32_t j, hel_ckks_cipher **slot)
{
    const uint32_t i = 1u << (ceil_log2(j) - 1);
    const hel_ckks_cipher *a = power_of(e, i), *b = power_of(e, j - i);
    const uint32_t l = a->level < b->level ? a->level : b->level;
    hel_ckks *c = e->c;
    HEL_TRY(hel_ckks_cipher_create(c, slot));
    hel_ckks_cipher *x = *slot;
    HEL_TRY(multiply(e, x, a, b, l));
    if (e->basis == HEL_CKKS_CHEBYSHEV) {
        HEL_TRY(hel_ckks_mul_const(c, x, x, 2, 0));
        if (2 * i == j)
            HEL_TRY(add_constant(e, x, -1));
        else
            HEL_TRY(add_term(e, x, 1, -1, power_of(e, 2 * i - j), l, x->scale));
        x->bound = 1;
    }
    return hel_ckks_rescale(c, x, x);
}

static hel_status make_powers(evaluation *e, uint32_t degree)
{
    for (uint32_t j = 2; j < e->baby && j <= degree; j++)
        HEL_TRY(make_power(e, j, &e->power[j]));
    for (uint32_t m = e->baby; m > 1 && m <= degree; m *= 2)
        HEL_TRY(make_power(e, m, &e->giant[__builtin_ctz(m)]));
    return HEL_OK;
}

/* ---- the recursion ---- */

static uint32_t degree_of(const double *p, uint32_t count)
{
    while (count > 1 && p[count - 1] == 0)
        count--;
    return count - 1;
}

/* p = u x^m + r, degree of p in [m, 2 m): r overwrites p's lower part, u has count - m terms */
static void split(const evaluation *e, double *p, uint32_t count, uint32_t m, double *u)
{
    u[0] = p[m];
    for (uint32_t j = 1; j < count - m; j++) {
        u[j] = p[m + j];
        if (e->basis == HEL_CKKS_CHEBYSHEV) { /* T_(m+j) = 2 T_m T_j - T_(m-j) */
            u[j] *= 2;
            p[m - j] -= p[m + j];
        }
    }
}

static hel_status leaf(evaluation *e, hel_ckks_cipher *out, const double *p, uint32_t degree,
                       uint32_t l, hel_scale scale)
{
    int begun = 0;
    for (uint32_t j = degree; j >= 1; j--)
        if (p[j] != 0 || (j == 1 && !begun)) { /* a constant polynomial still needs a ciphertext */
            HEL_TRY(add_term(e, out, begun, p[j], power_of(e, j), l, scale));
            begun = 1;
        }
    if (!begun)
        HEL_TRY(add_term(e, out, 0, 0, power_of(e, 1), l, scale));
    return p[0] != 0 ? add_constant(e, out, p[0]) : HEL_OK;
}

/* depth: levels below the argument's own at which the result stands: powers of more depth are not
 * there yet. p has `degree` + 1 coefficients and is destroyed. */
static hel_status evaluate(evaluation *e, hel_ckks_cipher *out, double *p, uint32_t degree,
                           uint32_t l, hel_scale scale)
{
    hel_ckks *c = e->c;
    const uint32_t top = e->power[1]->level;
    degree = degree_of(p, degree + 1);
    /* a leaf needs the powers of its terms at level l or above */
    if (degree < 2 || (degree < e->baby && ceil_log2(degree) <= top - l))
        return leaf(e, out, p, degree, l, scale);
    const uint32_t m = 1u << (31 - (uint32_t)__builtin_clz(degree));
    const hel_ckks_cipher *x = power_of(e, m);
    const hel_scale before =
        hel_scale_mul(hel_scale_div(scale, x->scale), level_divisor(&c->context->params, l + 1));
    double *u;
    hel_ckks_cipher *quotient = NULL, *rest = NULL;
    hel_status status;
    HEL_TRY(hel_malloc(c->engine, &u, degree - m + 1, sizeof *u));
    split(e, p, degree + 1, m, u);
    HEL_TRY_GOTO(hel_ckks_cipher_create(c, &quotient), done);
    HEL_TRY_GOTO(hel_ckks_cipher_create(c, &rest), done);
    HEL_TRY_GOTO(evaluate(e, quotient, u, degree - m, l + 1, before), done);
    HEL_TRY_GOTO(hel_ckks_rescale(c, quotient, quotient), done);
    HEL_TRY_GOTO(multiply(e, out, quotient, x, l), done);
    out->scale = scale; /* equal but for the rounding of 106 bits */
    HEL_TRY_GOTO(evaluate(e, rest, p, m - 1, l, scale), done);
    status = hel_ckks_add(c, out, out, rest);
done:
    hel_ckks_cipher_free(quotient);
    hel_ckks_cipher_free(rest);
    hel_free(u);
    return status;
}

/* ---- the call ---- */

/* y = (2 x - low - high) / (high - low), rescaled */
static hel_status map_interval(evaluation *e, hel_ckks_cipher *x, double low, double high)
{
    hel_ckks *c = e->c;
    const hel_ckks_params *p = &c->context->params;
    const uint32_t l = x->level;
    const hel_scale scale =
        hel_scale_mul(c->context->scale[l - 1], level_divisor(p, l)); /* canonical afterwards */
    hel_ckks_cipher *y;
    HEL_TRY(hel_ckks_cipher_create(c, &y));
    hel_status status = add_term(e, y, 0, 2 / (high - low), x, l, scale);
    if (status == HEL_OK && low + high != 0)
        status = add_constant(e, y, -(low + high) / (high - low));
    if (status == HEL_OK)
        status = hel_ckks_rescale(c, x, y);
    x->bound = 1;
    hel_ckks_cipher_free(y);
    return status;
}

static hel_status run(evaluation *e, hel_ckks_cipher *out, const hel_ckks_cipher *a, double *p,
                      uint32_t degree, double low, double high)
{
    hel_ckks *c = e->c;
    const int map = e->basis == HEL_CKKS_CHEBYSHEV && (low != -1 || high != 1);
    const uint32_t depth = ceil_log2(degree + 1), need = (depth ? depth : 1) + (uint32_t)map;
    hel_ckks_cipher *x;
    HEL_TRY(hel_ckks_cipher_create(c, &e->scratch));
    HEL_TRY(hel_ckks_cipher_create(c, &e->power[1]));
    x = e->power[1];
    HEL_TRY(hel_ckks_copy(c, x, a));
    if (x->polys == 3)
        HEL_TRY(hel_ckks_relinearize(c, x, x));
    if (x->level && x->scale.hi > c->context->scale[x->level].hi * 1024) /* a product */
        HEL_TRY(hel_ckks_rescale(c, x, x));
    HEL_REQUIRE(c->engine, x->level >= need, HEL_E_USAGE,
                "polynomial: degree %u needs %u levels, the ciphertext has %u left", degree, need,
                x->level);
    if (map)
        HEL_TRY(map_interval(e, x, low, high));
    HEL_TRY(make_powers(e, degree));
    const uint32_t l = x->level - (depth ? depth : 1) + 1;
    const hel_scale scale =
        hel_scale_mul(c->context->scale[l - 1], level_divisor(&c->context->params, l));
    return evaluate(e, out, p, degree, l, scale);
}

/* low < high, and the map to [-1, 1] has coefficients in range. */
static int interval_is_usable(double low, double high)
{
    const double length = high - low;
    return low < high && isfinite(length) && 2 / length <= LARGEST &&
           fabs(low + high) / length <= LARGEST;
}

static hel_status poly(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                       hel_ckks_poly_basis basis, const double *coefficients, uint32_t degree,
                       double low, double high)
{
    evaluation e = {.c = c, .basis = basis, .baby = 2};
    const hel_ckks_alignment alignment = c->alignment;
    double *p;
    HEL_TRY(hel_ckks_begin(c, out, a, "polynomial"));
    HEL_REQUIRE(c->engine, coefficients, HEL_E_USAGE,
                "polynomial: coefficients are needed, NULL was given");
    HEL_REQUIRE(c->engine, degree < POWERS_MAX, HEL_E_USAGE,
                "polynomial: degree %u, the rule is below %u", degree, POWERS_MAX);
    HEL_REQUIRE(c->engine, basis == HEL_CKKS_POWER || interval_is_usable(low, high), HEL_E_USAGE,
                "polynomial: the interval [%g, %g] is empty or not finite", low, high);
    for (uint32_t i = 0; i <= degree; i++)
        HEL_REQUIRE(c->engine, fabs(coefficients[i]) <= LARGEST, HEL_E_USAGE,
                    "polynomial: coefficient %u is %g, the rule is finite and at most 2^400", i,
                    coefficients[i]);
    HEL_TRY(hel_malloc(c->engine, &p, degree + 1, sizeof *p));
    memcpy(p, coefficients, (degree + 1) * sizeof *p);
    degree = degree_of(p, degree + 1);
    while (e.baby < BABY_POWERS && e.baby * e.baby < degree + 1)
        e.baby *= 2;
    c->alignment = HEL_CKKS_MANUAL;
    hel_status status = run(&e, out, a, p, degree, low, high);
    c->alignment = alignment;
    for (uint32_t i = 0; i < BABY_POWERS; i++)
        hel_ckks_cipher_free(e.power[i]);
    for (uint32_t i = 0; i < GIANT_POWERS; i++)
        hel_ckks_cipher_free(e.giant[i]);
    hel_ckks_cipher_free(e.scratch);
    hel_free(p);
    return status;
}

hel_status hel_ckks_poly(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                         hel_ckks_poly_basis basis, const double *coefficients, uint32_t degree,
                         double low, double high)
{
    return hel_ckks_result(out, poly(c, out, a, basis, coefficients, degree, low, high));
}

/* Discrete cosine transform of f at the Chebyshev nodes. */
hel_status hel_ckks_chebyshev(hel_engine *engine, double (*f)(double), double low, double high,
                              uint32_t degree, double *c)
{
    const uint32_t nodes = degree + 1;
    double *value;
    HEL_REQUIRE(engine, f && c, HEL_E_USAGE, "Chebyshev: a function and room are needed");
    HEL_REQUIRE(engine, degree < POWERS_MAX && isfinite(low) && isfinite(high) && low < high,
                HEL_E_USAGE, "Chebyshev: degree %u on [%g, %g]; the rule is below %u, low < high",
                degree, low, high, POWERS_MAX);
    HEL_TRY(hel_malloc(engine, &value, nodes, sizeof *value));
    for (uint32_t k = 0; k < nodes; k++) {
        double y = cos(M_PI * (k + 0.5) / nodes);
        const double x = 0.5 * (low + high) + 0.5 * (high - low) * y;
        value[k] = f(x);
        if (!isfinite(value[k])) {
            hel_free(value);
            return hel_fail(engine, HEL_E_USAGE, "Chebyshev: the function at %g is not finite", x);
        }
    }
    for (uint32_t j = 0; j < nodes; j++) {
        double sum = 0;
        for (uint32_t k = 0; k < nodes; k++)
            sum += value[k] * cos(M_PI * j * (k + 0.5) / nodes);
        c[j] = (j ? 2 : 1) * sum / nodes;
    }
    hel_free(value);
    return HEL_OK;
}
