/*
 * The builder of CKKS parameter sets.
 *
 * A chain of moduli is made from the top level down. Level l squares the default scale D_l of its
 * inputs and divides by its own primes, whose product is to be near D_l^2 over the scale wanted
 * below. D_l is carried as it is, not as it was wanted: every choice makes up for the deviation of
 * those before it, and deviations do not add up. Where neither a prime nor a pair is
 * near enough, the smallest product above with an integer multiplier gives the scale, at the price
 * of log2(multiplier) bits.
 *
 * Plans compared, for each of which a whole set is made; the one of the largest depth wins (where
 * it was left open), then the one of the smallest log2(Q):
 *   flat         all scales at 2^s: one prime a level up to s = 30, pairs above. It is s bits a
 *                level, as long as there are primes: a pair needs one below 2^(s/2), and N = 2^16
 *                has 3 of them below 2^22, 20 below 2^24, 60 below 2^26.
 *   alternating  for 30 < s <= 40: scales 2^s and 2^(s + a), a <= 10, by turns: one prime near
 *                2^(s - a), then a pair near 2^(s + 2a). It is s + a/2 bits and 1.5 primes a level;
 *                a is near s - 30 at the least.
 * Each is tried at 2^s and a fraction of a bit below: primes end at 2^30, so that scales which need
 * primes as large as that (s = 30; s = 40 by turns) have to come down a little to stay in place.
 * Bits saved by that alone do not count.
 *
 * Bound: 2^(s - 3/4) <= D_l <= 2^(s + 1/8) on flat chains, up to 2^(s + 10 + 1/4) by turns.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/toy.h"
#include "host/ckks/ckks_params_private.h"
#include "host/ckks/security.h"

#define PLANS_MAX    40
#define MESSAGE_BITS 10
#define NO_BOUND     UINT32_MAX

typedef struct builder {
    hel_engine *engine;
    hel_ckks_request want; /* defaults filled in, but for depth */
    uint32_t log_n, bound; /* of log2(QP) */
    hel_prime_pool pool;
} builder;

/* From the top: step[k] are the primes of level depth - k, scale[k] is its default scale. */
typedef struct chain {
    hel_prime_choice step[HEL_CKKS_LEVELS_MAX];
    hel_scale scale[HEL_CKKS_LEVELS_MAX + 1];
    uint32_t length, limbs;
    double log; /* log2 of the product of all primes */
} chain;

typedef enum outcome {
    FITS,
    BEYOND,   /* the bound */
    TOO_MANY, /* primes or levels, or none left */
    MORE_SPECIAL
} outcome;

typedef struct result {
    outcome state;
    hel_ckks_params params;
    double log_q, log_qp;
    double cost;      /* log2(Q), and what lower scales saved */
    uint32_t special; /* MORE_SPECIAL: so many primes must be set aside */
} result;

static int chain_extend(builder *b, const hel_scale_plan *plan, chain *c)
{
    const uint32_t k = c->length;
    const double wanted = k % 2 ? plan->even : plan->odd;
    hel_prime_choice *own = &c->step[k];
    if (k == HEL_CKKS_LEVELS_MAX || c->limbs + 2 > HEL_CKKS_PRIMES_MAX ||
        !hel_pool_level(&b->pool, 2 * hel_scale_log2(c->scale[k]) - wanted, plan->tolerance, own) ||
        own->multiplier >= HEL_CKKS_MULTIPLIER)
        return 0;
    hel_pool_mark(&b->pool, own, 1);
    hel_scale next = hel_scale_mul(c->scale[k], c->scale[k]);
    next = hel_scale_mul(next, hel_scale_of_u64(own->multiplier));
    for (uint32_t i = 0; i < own->count; i++)
        next = hel_scale_div(next, hel_scale_of_u64(b->pool.q[own->place[i]]));
    c->scale[k + 1] = next;
    c->length = k + 1;
    c->limbs += own->count;
    c->log += own->log;
    return 1;
}

/* Level 0: |values| < 2^message_bits and a sign at its default scale. */
static int choose_base(const builder *b, double log_scale, hel_prime_choice *base)
{
    const double slack = 1e-9; /* the logarithms' rounding */
    if (b->want.message_bits)
        return hel_pool_base(&b->pool, log_scale + b->want.message_bits + 1 + slack, 3, base);
    if (hel_pool_base(&b->pool, log_scale + MESSAGE_BITS + 1 + slack, 2, base))
        return 1;
    double left = floor(hel_pool_largest_pair(&b->pool) - log_scale - 1 - slack);
    return left >= 0 && hel_pool_base(&b->pool, log_scale + left + 1 + slack, 2, base);
}

static void put_primes(const builder *b, hel_ckks_params *p, uint32_t *at,
                       const hel_prime_choice *choice)
{
    for (uint32_t i = 0; i < choice->count; i++)
        p->primes[(*at)++] = b->pool.q[choice->place[i]];
}

/* 1 when the special primes cover every digit. */
static int covers(const hel_ckks_params *p, uint32_t q_limbs)
{
    for (uint32_t at = 0; at < q_limbs; at += p->digit_limbs) {
        uint32_t count = q_limbs - at < p->digit_limbs ? q_limbs - at : p->digit_limbs;
        if (hel_product_below(p->primes + q_limbs, p->special_limbs, p->primes + at, count))
            return 0;
    }
    return 1;
}

/* The largest primes of the pool, as few as cover the digits; `aside` of them were not given to Q,
 * and more are counted here only to say how many it would have to be. */
static outcome add_special(const builder *b, hel_ckks_params *p, uint32_t q_limbs, uint32_t aside)
{
    const uint32_t dnum = b->want.dnum < q_limbs ? b->want.dnum : q_limbs;
    p->digit_limbs = (q_limbs + dnum - 1) / dnum;
    if (p->digit_limbs > HEL_CONVERT_SOURCES)
        return TOO_MANY;
    for (uint32_t k = 0; k < HEL_CONVERT_SOURCES; k++) {
        if (q_limbs + k >= HEL_CKKS_PRIMES_MAX || k >= b->pool.count)
            return TOO_MANY;
        p->primes[q_limbs + k] = b->pool.q[b->pool.count - 1 - k];
        p->special_limbs = k + 1;
        if (covers(p, q_limbs))
            return k < aside ? FITS : MORE_SPECIAL;
    }
    return TOO_MANY;
}

/* As many special primes, just large enough: those next to each other from the k-th root of the
 * largest digit on. 1 when that made them smaller. */
static int lean_special(const builder *b, hel_ckks_params *p, uint32_t q_limbs)
{
    const uint32_t k = p->special_limbs;
    uint32_t old[HEL_CONVERT_SOURCES], found = 0;
    double digit = 0;
    for (uint32_t at = 0; at < q_limbs; at += p->digit_limbs) {
        uint32_t count = q_limbs - at < p->digit_limbs ? q_limbs - at : p->digit_limbs;
        digit = fmax(digit, hel_log2_product(p->primes + at, count));
    }
    memcpy(old, p->primes + q_limbs, k * sizeof *old);
    for (uint32_t i = 0; i < b->pool.count && found < k; i++)
        if (!b->pool.taken[i] && b->pool.log[i] >= digit / k)
            p->primes[q_limbs + found++] = b->pool.q[i];
    if (found == k && covers(p, q_limbs))
        return 1;
    memcpy(p->primes + q_limbs, old, k * sizeof *old);
    return 0;
}

/* The set of depth c->length. */
static void finish(builder *b, const chain *c, uint32_t aside, result *out)
{
    hel_prime_choice base;
    hel_ckks_params *p = &out->params;
    uint32_t at = 0;
    *out = (result){.state = TOO_MANY};
    if (!choose_base(b, hel_scale_log2(c->scale[c->length]), &base) ||
        base.count + c->limbs >= HEL_CKKS_PRIMES_MAX)
        return;
    p->log_n = b->log_n;
    p->depth = c->length;
    p->scale_bits = b->want.scale_bits;
    p->security = b->want.security == HEL_CKKS_INSECURE ? 0 : b->want.security;
    put_primes(b, p, &at, &base);
    p->limbs[0] = at;
    p->multiplier[0] = 1;
    for (uint32_t l = 1; l <= c->length; l++) {
        const hel_prime_choice *own = &c->step[c->length - l];
        put_primes(b, p, &at, own);
        p->limbs[l] = at;
        p->multiplier[l] = own->multiplier;
    }
    out->state = add_special(b, p, at, aside);
    if (out->state == TOO_MANY)
        return;
    out->special = p->special_limbs;
    out->log_q = hel_log2_product(p->primes, at);
    if (b->bound != NO_BOUND && hel_product_bits(p->primes, at + p->special_limbs) > b->bound) {
        hel_pool_mark(&b->pool, &base, 1);
        if (!lean_special(b, p, at) ||
            hel_product_bits(p->primes, at + p->special_limbs) > b->bound)
            out->state = BEYOND;
        else
            out->state = FITS;
        hel_pool_mark(&b->pool, &base, 0);
    }
    out->log_qp = hel_log2_product(p->primes, at + p->special_limbs);
}

/* More levels first, then fewer bits of Q; of what does not fit, the one that came closest. */
static int better(const result *a, const result *b)
{
    if ((a->state == FITS) != (b->state == FITS))
        return a->state == FITS;
    if (a->state != FITS)
        return a->state == BEYOND && (b->state != BEYOND || a->log_qp < b->log_qp);
    if (a->params.depth != b->params.depth)
        return a->params.depth > b->params.depth;
    return a->cost < b->cost;
}

/* One chain with `aside` primes kept for P. depth 0: the largest that fits. */
static void try_aside(builder *b, const hel_scale_plan *plan, uint32_t aside, chain *c, result *out)
{
    const uint32_t depth = b->want.depth;
    result now;
    for (uint32_t i = 0; i < b->pool.count; i++)
        b->pool.taken[i] = i + aside >= b->pool.count;
    c->length = c->limbs = 0;
    c->log = 0;
    c->scale[0] = hel_scale_of(ldexp(1, (int)b->want.scale_bits));
    *out = (result){.state = TOO_MANY};
    for (;;) {
        if (c->length >= depth) { /* depth 0: every length */
            finish(b, c, aside, &now);
            now.cost = now.log_q + c->length * (b->want.scale_bits - plan->even);
            if (now.state == MORE_SPECIAL || better(&now, out))
                *out = now;
            if (depth || now.state == MORE_SPECIAL)
                return;
        }
        if ((b->bound != NO_BOUND && !depth && c->log > b->bound) || !chain_extend(b, plan, c))
            return;
    }
}

static void try_plan(builder *b, const hel_scale_plan *plan, chain *c, result *out)
{
    const double scale = b->want.scale_bits, dnum = b->want.dnum;
    double bits = (b->want.depth + 1) * scale;
    if (!b->want.depth)
        bits = b->bound * dnum / (dnum + 1);
    uint32_t aside = (uint32_t)(bits / dnum / 30);
    if (aside > HEL_CONVERT_SOURCES)
        aside = HEL_CONVERT_SOURCES;
    for (aside += !aside;; aside = out->special) { /* it grows */
        try_aside(b, plan, aside, c, out);
        if (out->state != MORE_SPECIAL)
            return;
    }
}

static uint32_t own_plans(uint32_t scale_bits, hel_scale_plan plans[PLANS_MAX])
{
    static const double below[] = {0, 0.125, 0.5}, tolerance[] = {0.125, 0.125, 0.25};
    static const double beyond[] = {-0.1875, 0, 0.125, 0.25, 0.5, 1, 2, 3, 5, 7}; /* a - (s - 30) */
    const double s = scale_bits;
    uint32_t count = 0;
    for (size_t k = 0; k < sizeof below / sizeof *below; k++) {
        plans[count++] = (hel_scale_plan){s - below[k], s - below[k], tolerance[k]};
        for (size_t i = 0; scale_bits > 30 && i < sizeof beyond / sizeof *beyond; i++)
            if (s - 30 + beyond[i] <= 10)
                plans[count++] =
                    (hel_scale_plan){s - below[k], s + s - 30 + beyond[i] - below[k], tolerance[k]};
    }
    return count;
}

static hel_status refuse(const builder *b, const result *r)
{
    char depth[32] = "no multiplication";
    if (b->want.depth)
        snprintf(depth, sizeof depth, "depth %u", b->want.depth);
    if (r->state == TOO_MANY)
        return hel_fail(b->engine, HEL_E_USAGE,
                        "parameters: %s at scale 2^%u and N = 2^%u needs more primes than the %d "
                        "that a set may have",
                        depth, b->want.scale_bits, b->log_n, HEL_CKKS_PRIMES_MAX);
    if (b->want.log_qp && b->want.log_qp == b->bound)
        return hel_fail(b->engine, HEL_E_SECURITY,
                        "parameters: %s at scale 2^%u and N = 2^%u needs log2(QP) = %.1f, which "
                        "exceeds the limit %u that was asked for",
                        depth, b->want.scale_bits, b->log_n, r->log_qp, b->bound);
    return hel_fail(b->engine, HEL_E_SECURITY,
                    "parameters: %s at scale 2^%u needs log2(QP) = %.1f, which exceeds %u, the "
                    "bound for N = 2^%u at %u bits",
                    depth, b->want.scale_bits, r->log_qp, b->bound, b->log_n, b->want.security);
}

/* The best set of one ring. */
static hel_status try_ring(builder *b, const hel_scale_plan *plan, chain *c, result *best)
{
    hel_scale_plan plans[PLANS_MAX];
    uint32_t count = 1;
    result *now;
    b->bound = NO_BOUND;
    if (b->want.security != HEL_CKKS_INSECURE)
        b->bound = hel_security_bound(b->log_n, b->want.security);
    if (b->want.log_qp && b->want.log_qp < b->bound)
        b->bound = b->want.log_qp;
    if (plan)
        plans[0] = *plan;
    else
        count = own_plans(b->want.scale_bits, plans);
    *best = (result){.state = TOO_MANY};
    HEL_TRY(hel_pool_create(b->engine, &b->pool, b->log_n));
    hel_status status = hel_malloc(b->engine, &now, 1, sizeof *now);
    for (uint32_t i = 0; status == HEL_OK && i < count; i++) {
        try_plan(b, &plans[i], c, now);
        if (better(now, best))
            *best = *now;
    }
    hel_free(now);
    hel_pool_free(&b->pool);
    return status;
}

static hel_status read_request(hel_engine *engine, const hel_ckks_request *request,
                               hel_ckks_request *want)
{
    HEL_REQUIRE(engine, request != NULL, HEL_E_USAGE, "parameters: no request is given");
    HEL_REQUIRE(engine, request->size == sizeof *request, HEL_E_USAGE,
                "parameters: the request has size %u, this library knows %zu", request->size,
                sizeof *request);
    *want = *request;
    if (!want->scale_bits)
        want->scale_bits = 40;
    if (!want->dnum)
        want->dnum = 3;
    if (!want->security)
        want->security = 128;
    HEL_REQUIRE(engine,
                !want->log_n || (want->log_n >= HEL_LOG_N_MIN && want->log_n <= HEL_LOG_N_MAX),
                HEL_E_USAGE, "parameters: log N is %u, the rule is %d to %d", want->log_n,
                HEL_LOG_N_MIN, HEL_LOG_N_MAX);
    HEL_REQUIRE(engine, want->log_n || want->depth, HEL_E_USAGE,
                "parameters: neither log N nor a depth is given, the rule is one of the two");
    HEL_REQUIRE(engine, want->depth <= HEL_CKKS_LEVELS_MAX, HEL_E_USAGE,
                "parameters: depth %u, the rule is at most %d", want->depth, HEL_CKKS_LEVELS_MAX);
    HEL_REQUIRE(engine, want->scale_bits >= 20 && want->scale_bits <= 55, HEL_E_USAGE,
                "parameters: a scale of %u bits, the rule is 20 to 55", want->scale_bits);
    HEL_REQUIRE(engine, want->dnum <= HEL_CKKS_PRIMES_MAX, HEL_E_USAGE,
                "parameters: %u digits, the rule is at most %d", want->dnum, HEL_CKKS_PRIMES_MAX);
    HEL_REQUIRE(engine, want->message_bits + want->scale_bits <= 88 && want->message_bits <= 88,
                HEL_E_USAGE,
                "parameters: a scale of %u bits and messages of %u, the rule is 88 in all",
                want->scale_bits, want->message_bits);
    HEL_REQUIRE(engine,
                want->security == 128 || want->security == 192 || want->security == 256 ||
                    want->security == HEL_CKKS_INSECURE,
                HEL_E_USAGE, "parameters: security %u, the rule is 128, 192 or 256",
                want->security);
    HEL_REQUIRE(engine, want->security != HEL_CKKS_INSECURE || hel_toy_allowed(), HEL_E_SECURITY,
                "parameters: an insecure set is asked for, which protects nothing; tests allow it "
                "with HELOCI_ALLOW_TOY=1");
    HEL_REQUIRE(engine, want->security != HEL_CKKS_INSECURE || want->depth || want->log_qp,
                HEL_E_USAGE, "parameters: an insecure set needs a depth or a limit of log2(QP)");
    return HEL_OK;
}

hel_status hel_ckks_build_plan(hel_engine *engine, const hel_ckks_request *request,
                               const hel_scale_plan *plan, hel_ckks_params *out)
{
    builder b = {.engine = engine};
    struct {
        chain chain;
        result best;
    } * work;
    HEL_TRY(read_request(engine, request, &b.want));
    HEL_TRY(hel_malloc(engine, &work, 1, sizeof *work));
    const uint32_t last = b.want.log_n ? b.want.log_n : HEL_LOG_N_MAX;
    hel_status status = HEL_OK;
    for (b.log_n = b.want.log_n ? b.want.log_n : HEL_LOG_N_MIN;; b.log_n++) {
        HEL_TRY_GOTO(try_ring(&b, plan, &work->chain, &work->best), end);
        if (work->best.state == FITS || b.log_n == last)
            break;
    }
    status = work->best.state == FITS ? HEL_OK : refuse(&b, &work->best);
    if (status == HEL_OK)
        status = hel_ckks_params_check(engine, &work->best.params, NULL);
    if (status == HEL_OK)
        *out = work->best.params;
end:
    hel_free(work);
    return status;
}

hel_status hel_ckks_params_build(hel_engine *engine, const hel_ckks_request *request,
                                 hel_ckks_params *out)
{
    if (engine)
        hel_error_clear(engine);
    memset(out, 0, sizeof *out);
    return hel_ckks_build_plan(engine, request, NULL, out);
}
