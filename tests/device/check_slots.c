/* Random polynomials, and slots: encode and decode by 2^-45 of the largest slot. */
#include <math.h>

#include "tests/device/check.h"

static void sample_case(check_world *w, hel_domain domain, uint64_t object, uint32_t step,
                        uint32_t turn)
{
    const int is_uniform = domain < HEL_DOMAIN_GENO_E;
    const uint32_t q = 1 + check_below(w, w->shape.q_count);
    const uint32_t limbs = q + (turn % 2 ? w->shape.p_count : 0),
                   batch = check_batch(w, turn, limbs);
    uint8_t seed[32];
    check_array out[2];
    check_begin(w, "%s, domain %d, object %llu, step %u, %u limbs (%u of Q), batch %u",
                is_uniform ? "uniform" : "small", (int)domain, (unsigned long long)object, step,
                limbs, q, batch);
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)check_below(w, 256);
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        out[k] = check_blank(w, batch, limbs, q, 16);
        const hel_view v = check_up(e, &out[k]);
        if (is_uniform)
            CHECK_CALL(e, e->ops->uniform(e->s, e->basis, v, seed, domain, object));
        else
            CHECK_CALL(e, e->ops->small(e->s, e->basis, v, seed, domain, object, step));
        check_down(e, v, &out[k]);
    }
    check_same(w, &out[0], &out[1], is_uniform ? "uniform" : "small");
    check_end(w);
}

void check_sampling(check_world *w)
{
    static const hel_domain domains[] = {HEL_DOMAIN_SWITCH_A, HEL_DOMAIN_GENO_A,
                                         HEL_DOMAIN_TERNARY,  HEL_DOMAIN_CIPHER_E,
                                         HEL_DOMAIN_CIPHER_A, HEL_DOMAIN_GENO_E};
    for (uint32_t i = 0; i < 6; i++)
        for (uint32_t j = 0; j < check_times(w, 2); j++)
            sample_case(w, domains[i],
                        j % 2 ? UINT64_MAX - 60 : check_below(w, 1000) * (uint64_t)0x100000001,
                        1 + check_below(w, 3), i + j);
}

/* ---- slots ---- */

static double largest(const double *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

/* Both encodings, in coefficient form by the portable transform: one small difference d at every
 * limb, |d| <= 1 + 2^-45 scale times the largest slot. */
static void close_encodings(check_world *w, check_array *a, check_array *b, double bound)
{
    const check_env *e = &w->env[0];
    if (w->failed || e->status != HEL_OK || w->env[1].status != HEL_OK)
        return;
    for (uint32_t item = 0; item < a->batch; item++) {
        for (uint32_t i = 0; i < a->limbs; i++) {
            hel_ntt_inverse(e->ring, i, a->data + item * a->stride + (size_t)i * w->n);
            hel_ntt_inverse(e->ring, i, b->data + item * b->stride + (size_t)i * w->n);
        }
        for (uint32_t j = 0; j < w->n; j++) {
            int64_t first = 0;
            for (uint32_t i = 0; i < a->limbs; i++) {
                const size_t at = item * a->stride + (size_t)i * w->n + j;
                const int64_t q = w->primes[i];
                int64_t d = (int64_t)b->data[at] - a->data[at];
                d += d > q / 2 ? -q : d < -q / 2 ? q : 0;
                first = i ? first : d;
                if (d != first || fabs((double)d) > bound) {
                    check_fail(w, "encode: item %u, coefficient %u, limb %u is %lld off", item, j,
                               i, (long long)d);
                    return;
                }
            }
        }
    }
}

static void slots_case(check_world *w, uint32_t limbs, uint32_t log_slots, uint32_t batch,
                       double size, double scale)
{
    const size_t count = (size_t)2 << log_slots;
    check_array out[2];
    double *y[2];
    check_begin(w, "slots: %u limbs, 2^%u slots up to %g, batch %u, scale %g", limbs, log_slots,
                size, batch, scale);
    double *x = check_memory(w, batch * count * sizeof *x);
    for (size_t i = 0; i < batch * count; i++)
        x[i] = size * (2 * ref_random_double(&w->random) - 1);
    /* values as large as the modulus, as far as doubles go */
    const check_array noise =
        check_fill(w, batch, limbs, limbs, 16, limbs > 32 ? CHECK_ZERO : CHECK_RANDOM);
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        out[k] = check_blank(w, batch, limbs, limbs, 16);
        y[k] = check_memory(w, 2 * batch * count * sizeof *y[k]);
        hel_view v = check_up(e, &out[k]), residues;
        CHECK_CALL(e, e->ops->encode(e->s, e->basis, v, x, log_slots, scale));
        check_down(e, v, &out[k]);
        residues = check_up(e, &out[0]); /* of the reference, for both */
        CHECK_CALL(e, e->ops->decode(e->s, e->basis, y[k], residues, log_slots, scale));
        residues = check_up(e, &noise);
        CHECK_CALL(
            e, e->ops->decode(e->s, e->basis, y[k] + batch * count, residues, log_slots, scale));
        CHECK_CALL(e, e->ops->sync(e->s));
    }
    if (w->env[0].status == HEL_OK && w->env[1].status == HEL_OK)
        for (size_t half = 0; half < 2; half++) {
            const double *want = y[0] + half * batch * count, *have = y[1] + half * batch * count;
            const double bound = 0x1p-45 * largest(want, batch * count);
            for (size_t i = 0; i < batch * count && !w->failed; i++)
                if (!(fabs(want[i] - have[i]) <= bound))
                    check_fail(w, "decode: slot number %zu is %.17g, not %.17g", i, have[i],
                               want[i]);
        }
    close_encodings(w, &out[0], &out[1], 1 + 0x1p-45 * scale * size * 1.5);
    check_end(w);
}

void check_slots(check_world *w)
{
    for (uint32_t i = 0; i < check_times(w, 6); i++) {
        const uint32_t most = w->shape.q_count, limbs = i ? 1 + check_below(w, most) : most;
        const uint32_t log_slots = i ? check_below(w, w->shape.log_n) : w->shape.log_n - 1;
        double log_q = 0;
        for (uint32_t k = 0; k < limbs; k++)
            log_q += log2(w->primes[k]);
        const double room = fmin(log_q - 3, 50);
        const double scale = exp2(floor(fmin(room, 15 + check_below(w, 30))));
        slots_case(w, limbs, log_slots, check_batch(w, i, limbs),
                   i % 2 ? 1 : exp2(floor(fmin(room - log2(scale), 8))), scale);
    }
}
