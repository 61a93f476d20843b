/*
 * Levels and scales: rescaling, dropping, and the alignment that AUTO does.
 *
 * A ciphertext at level l is canonical when its scale is the level's default D_l; products have
 * other scales and are rescaled when they are used. From level t + 1 and any scale S the default
 * of level t is reached by one integer product and one rescale,
 *
 *   S -> S f m / q,   f = round(D_t q / (m S)),   q, m: primes and multiplier of level t + 1
 *
 * whose relative error is 1 / (2 f): 0 for products of two canonical operands (f = 1), about
 * 2^-(scale_bits + 1) for canonical ones from above (f about D). Products far above t are rescaled
 * once more on the way, at the lowest levels, where that is cheapest. Scales are tracked as they
 * really are, so the deviation costs a result nothing; it counts where two scales are added, as an
 * error that sums put into their estimate. Squaring doubles the deviation as it doubles every
 * relative error, hence it stays below the errors that it was born beside.
 */
#include <math.h>

#include "host/ckks/evaluator.h"

#define STEPS_MAX 4 /* rescales of one alignment: scales up to D^5 */

/* Alignments aim at this relative deviation, sums accept that one, products the last. */
static double aim(const hel_ckks *c)
{
    return ldexp(1, 2 - (int)c->context->params.scale_bits);
}

static double accepted(const hel_ckks *c)
{
    return ldexp(1, -(int)(c->context->params.scale_bits / 2));
}

#define ACCEPTED_IN_PRODUCTS 0x1p-4

double hel_ckks_mismatch(hel_scale a, hel_scale b)
{
    return fabs(hel_scale_relative(a, b));
}

int hel_ckks_same_scale(const hel_ckks *c, hel_scale a, hel_scale b)
{
    return hel_ckks_mismatch(a, b) <= accepted(c);
}

/* The integer next to x > 0, at least 1, itself a scale. */
static hel_scale nearest_integer(hel_scale x)
{
    const double whole = rint(x.hi), rest = rint(x.hi - whole + x.lo), sum = whole + rest;
    return sum < 1 ? hel_scale_of(1) : (hel_scale){sum, rest - (sum - whole)};
}

int hel_ckks_integer_ratio(const hel_ckks *c, hel_scale to, hel_scale from, hel_scale *integer)
{
    *integer = nearest_integer(hel_scale_div(to, from));
    return hel_ckks_mismatch(hel_scale_mul(from, *integer), to) <= aim(c);
}

/* What a rescale from `level` divides by. */
static hel_scale divisor(const hel_ckks *c, uint32_t level)
{
    const hel_ckks_params *p = &c->context->params;
    hel_scale d = hel_scale_of(1);
    for (uint32_t i = p->limbs[level - 1]; i < p->limbs[level]; i++)
        d = hel_scale_mul(d, hel_scale_of_u64(p->primes[i]));
    return p->multiplier[level] == 1 ? d : hel_scale_div(d, hel_scale_of_u64(p->multiplier[level]));
}

/* ---- plans ---- */

/* Drop to `start`, then steps products and rescales down to start - steps. */
typedef struct plan {
    uint32_t start, steps;
    hel_scale factor[STEPS_MAX];
    hel_scale scale; /* at the end */
    double mismatch; /* with the target's default */
} plan;

static plan plan_steps(const hel_ckks *c, hel_scale scale, uint32_t target, uint32_t steps)
{
    const hel_ckks_context *t = c->context;
    plan p = {.start = target + steps, .steps = steps, .scale = scale};
    for (uint32_t i = 0; i < steps; i++) {
        const uint32_t level = target + steps - i;
        const hel_scale d = divisor(c, level);
        const hel_scale wanted = hel_scale_mul(t->scale[level - 1], d);
        p.factor[i] = nearest_integer(hel_scale_div(wanted, p.scale));
        p.scale = hel_scale_div(hel_scale_mul(p.scale, p.factor[i]), d);
    }
    p.mismatch = hel_ckks_mismatch(p.scale, t->scale[target]);
    return p;
}

/* The fewest steps that reach the aim; else those that come nearest. */
static plan plan_to(const hel_ckks *c, const hel_ckks_cipher *a, uint32_t target)
{
    plan best = plan_steps(c, a->scale, target, 0);
    if (a->level == target && best.mismatch <= accepted(c))
        return best;
    for (uint32_t steps = 1; best.mismatch > aim(c) && steps <= a->level - target; steps++) {
        if (steps > STEPS_MAX)
            break;
        const plan p = plan_steps(c, a->scale, target, steps);
        if (p.mismatch < best.mismatch)
            best = p;
    }
    return best;
}

/* Level at which a can be canonical: its own, or lower for what waits to be rescaled. *deviation:
 * what the operation takes for canonical. */
static hel_status settled(hel_ckks *c, const hel_ckks_cipher *a, double deviation, uint32_t *level,
                          const char *what)
{
    const hel_scale own = c->context->scale[a->level];
    double best = accepted(c);
    int found = 0;
    *level = a->level;
    if (hel_ckks_mismatch(a->scale, own) <= deviation)
        return HEL_OK;
    for (uint32_t i = 1; i <= STEPS_MAX && i <= a->level; i++) {
        const double mismatch = plan_to(c, a, a->level - i).mismatch;
        if (mismatch > best)
            continue;
        *level = a->level - i;
        if (mismatch <= aim(c))
            return HEL_OK;
        best = mismatch;
        found = 1;
    }
    HEL_REQUIRE(c->engine, found, HEL_E_USAGE,
                "%s: a ciphertext at level %u with scale 2^%.3f has no level left to be rescaled "
                "to the default scale 2^%.3f",
                what, a->level, hel_scale_log2(a->scale), hel_scale_log2(own));
    return HEL_OK;
}

/* ---- carrying them out ---- */

static hel_status run_plan(hel_ckks *c, hel_ckks_cipher *x, const hel_ckks_cipher *a, const plan *p)
{
    hel_stream *s = c->stream;
    const hel_basis *basis = c->context->basis;
    hel_view from = hel_ckks_flat(c, a, p->start);
    hel_view to = hel_ckks_flat(c, x, p->start - p->steps);
    if (p->steps == 0)
        return to.data == from.data ? HEL_OK : s->ops->copy(s, basis, to, from);
    for (uint32_t i = 0; i < p->steps; i++) {
        const uint32_t level = p->start - i;
        if (hel_scale_equal(p->factor[i], hel_scale_of(1)) == 0) {
            uint32_t k[HEL_CKKS_PRIMES_MAX];
            to = hel_ckks_flat(c, x, level);
            hel_ckks_residues(c->context, p->factor[i], to.limbs, k);
            HEL_TRY(s->ops->mul_scalar(s, basis, to, from, k));
            from = to;
        }
        to = hel_ckks_flat(c, x, level - 1);
        HEL_TRY(s->ops->rescale(s, basis, to, from));
        from = to;
    }
    return HEL_OK;
}

static hel_status apply(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, const plan *p,
                        hel_ckks_place place, const char *what)
{
    const double rounding = hel_ckks_error_divide(c->context, a->polys);
    /* the first rescale of a factor 1 reads a itself */
    const int direct = p->steps && hel_scale_equal(p->factor[0], hel_scale_of(1));
    hel_ckks_output o;
    hel_ckks_cipher want = *a;
    want.level = p->start - p->steps;
    for (uint32_t i = 0; i < p->steps; i++) {
        want.error *= p->factor[i].hi / divisor(c, p->start - i).hi;
        want.error = hypot(want.error, rounding);
    }
    want.scale = p->scale;
    hel_status status =
        hel_ckks_output_start(c, &o, out, &want, p->start - (uint32_t)direct, place, what);
    if (status == HEL_OK)
        status = run_plan(c, o.x, a, p);
    return hel_ckks_output_end(c, &o, &want, status);
}

hel_status hel_ckks_align_to(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                             uint32_t level, hel_ckks_place place, const char *what)
{
    HEL_REQUIRE(c->engine, level <= a->level, HEL_E_USAGE,
                "%s: level %u is above the ciphertext's level %u", what, level, a->level);
    const plan p = plan_to(c, a, level);
    HEL_REQUIRE(c->engine, p.mismatch <= accepted(c), HEL_E_USAGE,
                "%s: a ciphertext at level %u with scale 2^%.3f cannot be brought to level %u and "
                "scale 2^%.3f: more levels are needed for rescaling",
                what, a->level, hel_scale_log2(a->scale), level,
                hel_scale_log2(c->context->scale[level]));
    return apply(c, out, a, &p, place, what);
}

hel_status hel_ckks_scale_up(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                             hel_scale target, uint32_t level, hel_ckks_place place,
                             const char *what)
{
    uint32_t k[HEL_CKKS_PRIMES_MAX];
    hel_ckks_output o;
    hel_ckks_cipher want = *a;
    const hel_scale factor = nearest_integer(hel_scale_div(target, a->scale));
    want.level = level;
    want.scale = hel_scale_mul(a->scale, factor);
    want.error = a->error * factor.hi;
    hel_status status = hel_ckks_output_start(c, &o, out, &want, level, place, what);
    if (status == HEL_OK) {
        const hel_view to = hel_ckks_flat(c, o.x, level);
        hel_ckks_residues(c->context, factor, to.limbs, k);
        status = c->stream->ops->mul_scalar(c->stream, c->context->basis, to,
                                            hel_ckks_flat(c, a, level), k);
    }
    return hel_ckks_output_end(c, &o, &want, status);
}

hel_status hel_ckks_settle(hel_ckks *c, const hel_ckks_cipher **a, hel_ckks_cipher *tmp,
                           const char *what)
{
    uint32_t level;
    HEL_TRY(settled(c, *a, ACCEPTED_IN_PRODUCTS, &level, what));
    if (level == (*a)->level)
        return HEL_OK;
    HEL_TRY(hel_ckks_align_to(c, tmp, *a, level, HEL_PLACE_LOCAL, what));
    *a = tmp;
    return HEL_OK;
}

/* ---- pairs ---- */

/* *x at `level` and its default scale, within `deviation`. */
static hel_status bring(hel_ckks *c, const hel_ckks_cipher **x, hel_ckks_cipher *tmp,
                        uint32_t level, double deviation, const char *what)
{
    const hel_ckks_cipher *a = *x;
    if (a->level == level && hel_ckks_mismatch(a->scale, c->context->scale[level]) <= deviation)
        return HEL_OK;
    HEL_TRY(hel_ckks_align_to(c, tmp, a, level, HEL_PLACE_LOCAL, what));
    *x = tmp;
    return HEL_OK;
}

static hel_status pair_for_product(hel_ckks *c, const hel_ckks_cipher **a,
                                   const hel_ckks_cipher **b, hel_ckks_cipher *tmp_a,
                                   hel_ckks_cipher *tmp_b, const char *what)
{
    const int same = *a == *b;
    uint32_t la, lb;
    HEL_TRY(settled(c, *a, ACCEPTED_IN_PRODUCTS, &la, what));
    HEL_TRY(settled(c, *b, ACCEPTED_IN_PRODUCTS, &lb, what));
    const uint32_t level = la < lb ? la : lb;
    HEL_REQUIRE(c->engine, level > 0, HEL_E_USAGE,
                "%s: an operand is at level 0 (%u and %u, after rescaling): no multiplication is "
                "left; more depth is needed",
                what, la, lb);
    HEL_TRY(bring(c, a, tmp_a, level, ACCEPTED_IN_PRODUCTS, what));
    if (same) {
        *b = *a;
        return HEL_OK;
    }
    return bring(c, b, tmp_b, level, ACCEPTED_IN_PRODUCTS, what);
}

/* *low waits to be rescaled, *high can be canonical at its level or above: *high is given low's
 * scale by an integer product, which spares a rescale now and a level in between. 0 in *done where
 * the scales do not allow it. */
static hel_status lift_other(hel_ckks *c, const hel_ckks_cipher *low, const hel_ckks_cipher **high,
                             hel_ckks_cipher *tmp, int *done, const char *what)
{
    const hel_ckks_cipher *x = *high;
    hel_ckks_cipher canonical = hel_ckks_local(c);
    hel_scale factor;
    *done = 0;
    HEL_TRY(hel_ckks_settle(c, &x, &canonical, what));
    hel_status status = HEL_OK;
    if (hel_ckks_integer_ratio(c, low->scale, x->scale, &factor)) {
        *done = 1;
        status = hel_ckks_scale_up(c, tmp, x, low->scale, low->level, HEL_PLACE_LOCAL, what);
        *high = tmp;
    }
    hel_ckks_local_end(c, &canonical);
    return status;
}

static hel_status pair_for_sum(hel_ckks *c, const hel_ckks_cipher **a, const hel_ckks_cipher **b,
                               hel_ckks_cipher *tmp_a, hel_ckks_cipher *tmp_b, const char *what)
{
    uint32_t la, lb;
    int done = 0;
    if (*a == *b ||
        ((*a)->level == (*b)->level && hel_ckks_same_scale(c, (*a)->scale, (*b)->scale)))
        return HEL_OK;
    HEL_TRY(settled(c, *a, accepted(c), &la, what));
    HEL_TRY(settled(c, *b, accepted(c), &lb, what));
    if (la > lb && (*b)->level > lb && la >= (*b)->level)
        HEL_TRY(lift_other(c, *b, a, tmp_a, &done, what));
    else if (lb > la && (*a)->level > la && lb >= (*a)->level)
        HEL_TRY(lift_other(c, *a, b, tmp_b, &done, what));
    if (done)
        return HEL_OK;
    const uint32_t level = la < lb ? la : lb;
    HEL_TRY(bring(c, a, tmp_a, level, accepted(c), what));
    return bring(c, b, tmp_b, level, accepted(c), what);
}

hel_status hel_ckks_align_pair(hel_ckks *c, const hel_ckks_cipher **a, const hel_ckks_cipher **b,
                               hel_ckks_cipher *tmp_a, hel_ckks_cipher *tmp_b, int for_product,
                               const char *what)
{
    const hel_ckks_cipher *x = *a, *y = *b;
    if (c->alignment == HEL_CKKS_AUTO)
        return for_product ? pair_for_product(c, a, b, tmp_a, tmp_b, what)
                           : pair_for_sum(c, a, b, tmp_a, tmp_b, what);
    HEL_REQUIRE(c->engine, x->level == y->level, HEL_E_MISMATCH,
                "%s: levels %u and %u differ, and alignment is manual", what, x->level, y->level);
    HEL_REQUIRE(c->engine, for_product || hel_ckks_same_scale(c, x->scale, y->scale),
                HEL_E_MISMATCH, "%s: scales 2^%.6f and 2^%.6f differ, and alignment is manual",
                what, hel_scale_log2(x->scale), hel_scale_log2(y->scale));
    return HEL_OK;
}

/* ---- public ---- */

static hel_status rescale(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    HEL_TRY(hel_ckks_begin(c, out, a, "rescale"));
    HEL_REQUIRE(c->engine, a->level > 0, HEL_E_USAGE,
                "rescale: the ciphertext is at level 0, which has no primes to divide by");
    plan p = {.start = a->level, .steps = 1, .factor = {hel_scale_of(1)}};
    p.scale = hel_scale_div(a->scale, divisor(c, a->level));
    const double rounding =
        hel_ckks_error_slot(c->context, hel_ckks_error_divide(c->context, a->polys), a->log_slots);
    HEL_REQUIRE(c->engine, p.scale.hi * fmax(a->bound, 1) >= rounding, HEL_E_USAGE,
                "rescale: scale 2^%.3f divided by level %u's primes leaves 2^%.3f, less than the "
                "rounding of 2^%.1f: nothing of the message; products are what is rescaled",
                hel_scale_log2(a->scale), a->level, hel_scale_log2(p.scale), log2(rounding));
    return apply(c, out, a, &p, out == a ? HEL_PLACE_OVER : HEL_PLACE_APART, "rescale");
}

hel_status hel_ckks_rescale(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    return hel_ckks_result(out, rescale(c, out, a));
}

static hel_status drop(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, uint32_t level)
{
    HEL_TRY(hel_ckks_begin(c, out, a, "drop"));
    if (level == HEL_CKKS_TOP)
        level = c->context->params.depth;
    HEL_REQUIRE(c->engine, level <= a->level, HEL_E_USAGE,
                "drop: level %u is above the ciphertext's level %u", level, a->level);
    const plan p = {.start = level, .steps = 0, .scale = a->scale};
    return apply(c, out, a, &p, out == a ? HEL_PLACE_OVER : HEL_PLACE_APART, "drop");
}

hel_status hel_ckks_drop(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                         uint32_t level)
{
    return hel_ckks_result(out, drop(c, out, a, level));
}

hel_status hel_ckks_align(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                          uint32_t level)
{
    hel_status status = hel_ckks_begin(c, out, a, "align");
    if (level == HEL_CKKS_TOP)
        level = c->context->params.depth;
    if (status == HEL_OK)
        status = hel_ckks_align_to(c, out, a, level, out == a ? HEL_PLACE_OVER : HEL_PLACE_APART,
                                   "align");
    return hel_ckks_result(out, status);
}
