/*
 * The parameter search: smallest ring first, then fewest scan limbs (bytes per genotype), then
 * the cheapest key switch; scales are the pair with the largest margin. Nothing is tuned by hand,
 * every set returned has passed the same evaluation as one that is read from a file.
 */
#include <stdio.h>
#include <string.h>

#include "host/ckks/exact/scheme_private.h"

/* Key-switching shapes, cheapest expansion first. */
static const struct shape {
    uint32_t extra, special, digit; /* limbs of Q' beyond Q, of P, per digit */
} shapes[] = {{1, 2, 2}, {1, 1, 1}, {0, 2, 2}, {0, 1, 1}};

typedef struct best {
    hel_params params; /* the secure candidate that came closest */
    hel_params_proof proof;
    int any;
} best;

/* For a given Da the margin grows with Dz: take the largest that the range allows, for every Da. */
static void choose_scales(hel_params *p, const uint32_t *primes)
{
    const uint64_t limit = hel_params_scale_limit(p, primes);
    double top = -1;
    hel_params trial = *p;
    for (uint32_t shift = 0; shift <= 62 && limit >> shift; shift++) {
        hel_noise noise;
        trial.da_shift = shift;
        trial.dz = limit >> shift;
        hel_noise_predict(&trial, primes, &noise);
        double margin = (double)(trial.dz << shift) / noise.e;
        if (margin > top) {
            top = margin;
            p->da_shift = shift;
            p->dz = trial.dz;
        }
    }
}

static int try_set(hel_params *p, const struct shape *s, best *b)
{
    uint32_t primes[HEL_PRIMES_MAX], total;
    p->out_limbs = p->scan_limbs - 1;
    p->expand_limbs = p->scan_limbs + s->extra;
    p->special_limbs = s->special;
    p->digit_limbs = s->digit;
    p->da_shift = 0;
    p->dz = 1;
    total = p->expand_limbs + p->special_limbs;
    if (hel_prime_chain(NULL, p->log_n, total, primes) != HEL_OK ||
        hel_product_bits(primes, total) > hel_security_limit(p->log_n))
        return 0;
    choose_scales(p, primes);
    hel_params_proof proof;
    hel_status status = hel_params_evaluate(NULL, p, &proof);
    if (!b->any || proof.margin > b->proof.margin) {
        b->params = *p;
        b->proof = proof;
        b->any = 1;
    }
    return status == HEL_OK;
}

static int try_ring(hel_params *p, best *b)
{
    for (p->scan_limbs = 2; p->scan_limbs <= HEL_OUT_LIMBS_MAX + 1; p->scan_limbs++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            if (try_set(p, &shapes[i], b))
                return 1;
    return 0;
}

static hel_status refuse(hel_engine *engine, const hel_params *p, const best *b)
{
    if (!b->any)
        return hel_fail(engine, HEL_E_SECURITY,
                        "parameters: N = 2^%u allows %u bits, too few for any set (security)",
                        p->log_n, hel_security_limit(p->log_n));
    return hel_fail(engine, HEL_E_SECURITY,
                    "parameters: no secure set for b = %u, G = %u, chunk = %u: at N = 2^%u with %u "
                    "scan limbs the %s condition fails (%.2f of %.2f bits, margin %.2f of %.0f)",
                    p->weight_bits, p->plane_max, p->chunk, b->params.log_n, b->params.scan_limbs,
                    b->proof.range_holds ? "noise" : "range", b->proof.range_bits, b->proof.log_q,
                    b->proof.margin, HEL_PARAMS_TAU);
}

hel_status hel_params_search(hel_engine *engine, const hel_params_request *request, hel_params *out)
{
    hel_params_request defaults = HEL_PARAMS_REQUEST_INIT;
    hel_params p = {0};
    best b = {0};
    if (engine)
        hel_error_clear(engine);
    memset(out, 0, sizeof *out);
    if (!request)
        request = &defaults;
    HEL_REQUIRE(engine, request->size == sizeof *request, HEL_E_USAGE,
                "parameters: the request has size %u, this library knows %zu", request->size,
                sizeof *request);
    p.weight_bits = request->weight_bits ? request->weight_bits : 20;
    p.plane_max = request->plane_max ? request->plane_max : 2;
    p.chunk = request->chunk ? request->chunk : 4096;
    p.chunk = (p.chunk + 63) / 64 * 64; /* weights travel in segments of 64 samples */
    HEL_REQUIRE(engine, p.weight_bits >= 8 && p.weight_bits <= 24, HEL_E_USAGE,
                "parameters: weights of %u bits, the rule is 8 to 24", p.weight_bits);
    HEL_REQUIRE(engine, p.plane_max <= HEL_PLANE_MAX && p.chunk <= HEL_CHUNK_MAX, HEL_E_USAGE,
                "parameters: plane maximum %u (at most %u) or chunk %u (at most %u) is too large",
                p.plane_max, HEL_PLANE_MAX, p.chunk, HEL_CHUNK_MAX);
    HEL_REQUIRE(engine,
                !request->log_n ||
                    (request->log_n >= HEL_LOG_N_MIN && request->log_n <= HEL_LOG_N_MAX),
                HEL_E_USAGE, "parameters: log N is %u, the rule is 10 to 17", request->log_n);
    uint32_t from = request->log_n ? request->log_n : HEL_LOG_N_MIN;
    uint32_t to = request->log_n ? request->log_n : HEL_LOG_N_MAX;
    for (p.log_n = from;; p.log_n++) {
        if (try_ring(&p, &b)) {
            *out = p;
            return HEL_OK;
        }
        if (p.log_n == to)
            return refuse(engine, &p, &b);
    }
}
