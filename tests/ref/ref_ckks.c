#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_ckks.h"

static void need(hel_engine *engine, hel_status status, const char *what)
{
    if (status == HEL_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, hel_status_name(status), hel_engine_error(engine));
    abort();
}

/* The set without its level 1, which the builder never leaves out. */
static void cut_to_level_0(hel_ckks_params *p)
{
    const uint32_t own = p->limbs[1] - p->limbs[0];
    memmove(p->primes + p->limbs[0], p->primes + p->limbs[1], p->special_limbs * sizeof *p->primes);
    memset(p->primes + p->limbs[0] + p->special_limbs, 0, own * sizeof *p->primes);
    p->depth = p->limbs[1] = 0;
    p->multiplier[1] = 0;
    p->digit_limbs = p->digit_limbs < p->limbs[0] ? p->digit_limbs : p->limbs[0];
}

hel_ckks_params ref_ckks_toy(uint32_t log_n, uint32_t depth, uint32_t scale_bits, uint32_t dnum)
{
    hel_ckks_request r = HEL_CKKS_REQUEST_INIT;
    hel_ckks_params p;
    hel_engine *engine;
    need(NULL, hel_engine_create(&engine, NULL), "engine");
    r.log_n = log_n;
    r.depth = depth ? depth : 1;
    r.scale_bits = scale_bits;
    r.dnum = dnum;
    r.security = HEL_CKKS_INSECURE;
    need(engine, hel_ckks_params_build(engine, &r, &p), "parameters");
    if (depth == 0)
        cut_to_level_0(&p);
    need(engine, hel_ckks_params_check(engine, &p, NULL), "parameters");
    hel_engine_free(engine);
    return p;
}

void ref_ckks_setup(ref_ckks *f, const hel_ckks_params *p, hel_simd simd, uint32_t threads)
{
    static const int32_t steps[] = {3, -1};
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    config.simd = simd;
    config.threads = threads;
    request.conjugate = request.sums = 1;
    request.rotations = steps;
    request.rotation_count = 2;
    memset(f, 0, sizeof *f);
    need(NULL, hel_engine_create(&f->engine, &config), "engine");
    need(f->engine, hel_ckks_create(f->engine, &f->ckks, p), "context");
    need(f->engine, hel_ckks_secret_create(f->ckks, &f->secret), "secret");
    need(f->engine, hel_ckks_public_create(f->ckks, &f->public_key, f->secret), "public key");
    need(f->engine, hel_ckks_keys_create(f->ckks, &f->keys, f->secret, &request), "keys");
    need(f->engine, hel_ckks_use_keys(f->ckks, f->keys), "keys");
}

void ref_ckks_end(ref_ckks *f)
{
    hel_ckks_keys_free(f->keys);
    hel_ckks_public_free(f->public_key);
    hel_ckks_secret_free(f->secret);
    hel_ckks_free(f->ckks);
    hel_engine_free(f->engine);
}

void ref_ckks_fill(ref_random *r, double *re, double *im, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        re[i] = 2 * ref_random_double(r) - 1;
        if (!im)
            continue;
        double angle = 6.283185307179586 * ref_random_double(r), radius = fabs(re[i]);
        re[i] = radius * cos(angle);
        im[i] = radius * sin(angle);
    }
}

static uint32_t mul(uint32_t a, uint32_t b, uint32_t q)
{
    return (uint32_t)((uint64_t)a * b % q);
}

uint32_t *ref_ckks_phase(const ref_ckks *f, const hel_ckks_cipher *x, uint32_t item)
{
    const hel_ckks_context *c = f->ckks->context;
    const size_t n = c->n;
    const uint32_t limbs = c->params.limbs[x->level];
    uint32_t *out = ref_words(limbs * n);
    for (uint32_t i = 0; i < limbs; i++) {
        const uint32_t q = c->params.primes[i], *s = f->secret->s_ntt + i * n;
        const uint32_t *poly[3] = {NULL, NULL, NULL};
        for (uint32_t p = 0; p < x->polys; p++) {
            hel_view v = hel_ckks_cipher_view(x, p, x->batch, x->level);
            poly[p] = v.data + item * v.stride + i * n;
        }
        for (size_t j = 0; j < n; j++) {
            uint64_t sum = (uint64_t)poly[0][j] + mul(poly[1][j], s[j], q);
            if (poly[2])
                sum += mul(poly[2][j], mul(s[j], s[j], q), q);
            out[i * n + j] = (uint32_t)(sum % q);
        }
    }
    return out;
}

uint32_t *ref_ckks_message(const ref_ckks *f, const hel_ckks_plain *p, uint32_t item)
{
    const hel_ckks_context *c = f->ckks->context;
    const size_t words = (size_t)c->params.limbs[p->level] * c->n;
    uint32_t *out = ref_words(words);
    memcpy(out, p->data + item * words, words * sizeof *out);
    return out;
}

/* Garner's digits by the book, one coefficient after the other; the top digit first into a long
 * double, so that what cancels exactly does so among integers. */
void ref_ckks_centre(const ref_ckks *f, uint32_t limbs, const uint32_t *x, long double *out)
{
    const hel_ckks_context *c = f->ckks->context;
    const size_t n = c->n;
    uint32_t *coefficient = ref_words(limbs * n);
    int64_t digit[HEL_CKKS_PRIMES_MAX];
    memcpy(coefficient, x, limbs * n * sizeof *x);
    for (uint32_t i = 0; i < limbs; i++)
        hel_ntt_inverse(c->ring, i, coefficient + i * n);
    for (size_t j = 0; j < n; j++) {
        for (uint32_t k = 0; k < limbs; k++) {
            const int64_t q = c->params.primes[k];
            int64_t v = coefficient[k * n + j];
            for (uint32_t i = 0; i < k; i++) {
                v = ((v - digit[i]) % q + q) % q;
                v = v * ref_inverse((uint32_t)(c->params.primes[i] % q), (uint32_t)q) % q;
            }
            digit[k] = v > q / 2 ? v - q : v;
        }
        long double value = 0;
        for (uint32_t k = limbs; k-- > 0;)
            value = value * c->params.primes[k] + digit[k];
        out[j] = value;
    }
    free(coefficient);
}

/* Word j of NTT form is the value at psi^e, e = 2 bitrev(j) + 1; out there is x at psi^(g e). */
void ref_ckks_automorph(const ref_ckks *f, uint32_t limbs, uint32_t g, const uint32_t *x,
                        uint32_t *out)
{
    const uint32_t n = f->ckks->context->n, log_n = f->ckks->context->params.log_n;
    for (uint32_t j = 0; j < n; j++) {
        const uint32_t e = 2 * ref_bit_reverse(j, log_n) + 1;
        const uint32_t to = (uint32_t)((uint64_t)g * e % (2 * n));
        const uint32_t from = ref_bit_reverse((to - 1) / 2, log_n);
        for (uint32_t i = 0; i < limbs; i++)
            out[(size_t)i * n + j] = x[(size_t)i * n + from];
    }
}
