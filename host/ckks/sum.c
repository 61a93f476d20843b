/*
 * Sums of neighbouring slots by doubling: with y_k the sums of 2^k slots, y_(k+1) = y_k +
 * rot(y_k, 2^k). For other lengths, from the lowest 1 of the length on, r = y_k + rot(r, 2^k) puts
 * 2^k slots in front of those that r has: every rotation is by a power of two.
 */
#include <math.h>

#include "host/ckks/evaluator.h"

#define WHAT "sum of slots"

/* out (an empty local) = y + rot(r, 2^k). Variances add unless errors of different slots depend on
 * each other already. */
static hel_status join(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *y,
                       const hel_ckks_cipher *r, uint32_t k)
{
    const uint32_t g = hel_ckks_rotation_element(c, (int32_t)(1u << k), y->log_slots);
    HEL_TRY(hel_ckks_turn(c, out, r, g, HEL_PLACE_LOCAL, WHAT));
    const double error = hypot(y->error, out->error);
    HEL_TRY(hel_ckks_sum_aligned(c, out, y, out, 0, HEL_PLACE_OVER, WHAT));
    if (!y->mixed)
        out->error = error;
    return HEL_OK;
}

/* The state after bit k: y the sums of 2^k slots, r those of the length's lower bits, NULL when
 * these are 0; both a itself or locals, and possibly the same. */
typedef struct sums {
    const hel_ckks_cipher *y, *r;
    hel_ckks_cipher own_y, own_r;
} sums;

/* *slot becomes y + rot(r, 2^k). */
static hel_status renew(hel_ckks *c, sums *s, hel_ckks_cipher *slot, const hel_ckks_cipher *r,
                        uint32_t k)
{
    hel_ckks_cipher next = hel_ckks_local(c);
    hel_status status = join(c, &next, s->y, r, k);
    hel_ckks_local_end(c, slot);
    *slot = next;
    return status;
}

static hel_status add_up(hel_ckks *c, sums *s, uint32_t length)
{
    for (uint32_t k = 0; length >> k; k++) {
        const int more = length >> k > 1;
        if (length >> k & 1) {
            if (s->r) {
                HEL_TRY(renew(c, s, &s->own_r, s->r, k));
                s->r = &s->own_r;
            } else if (more && s->y == &s->own_y) { /* the next doubling needs own_y */
                s->own_r = s->own_y;
                s->own_y = hel_ckks_local(c);
                s->y = s->r = &s->own_r;
            } else {
                s->r = s->y;
            }
        }
        if (more) {
            HEL_TRY(renew(c, s, &s->own_y, s->y, k));
            s->y = &s->own_y;
        }
    }
    return HEL_OK;
}

static hel_status sum(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, uint32_t length)
{
    HEL_TRY(hel_ckks_begin(c, out, a, WHAT));
    HEL_REQUIRE(c->engine, length >= 1 && length <= 1u << a->log_slots, HEL_E_USAGE,
                WHAT ": length %u, the rule is 1 to %u", length, 1u << a->log_slots);
    const int mixed = a->mixed || length > 1;
    sums s = {.y = a, .own_y = hel_ckks_local(c), .own_r = hel_ckks_local(c)};
    hel_status status = add_up(c, &s, length);
    if (status == HEL_OK)
        status = hel_ckks_copy(c, out, s.r);
    out->mixed = mixed;
    hel_ckks_local_end(c, &s.own_y);
    hel_ckks_local_end(c, &s.own_r);
    return status;
}

hel_status hel_ckks_sum(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                        uint32_t length)
{
    return hel_ckks_result(out, sum(c, out, a, length));
}
