/*
 * What the tests of evaluation share: vectors of plain complex numbers in long double beside their
 * ciphertexts, and the comparison of the two.
 *
 * Limits. An error is mostly r s with a rounding or encryption polynomial r and the secret s; at a
 * slot both are near to independent complex Gaussians. REF_CKKS_SLOT_LIMIT (ref_ckks.h) says how
 * far such a product goes: below 1e-4 for the million slots that all tests look at.
 */
#ifndef HEL_EVAL_TEST_H
#define HEL_EVAL_TEST_H

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ckks.h"

typedef long double complex number;

typedef struct vec {
    uint32_t batch, slots;
    number *v;
} vec;

static inline vec vec_new(uint32_t batch, uint32_t slots)
{
    return (vec){batch, slots, calloc((size_t)batch * slots + 1, sizeof(number))};
}

static inline vec vec_random(ref_random *r, uint32_t batch, uint32_t slots, int real)
{
    vec x = vec_new(batch, slots);
    for (size_t i = 0; i < (size_t)batch * slots; i++) {
        double radius = 2 * ref_random_double(r) - 1;
        double angle = real ? 0 : 6.283185307179586 * ref_random_double(r);
        double re = radius * cos(angle), im = real ? 0 : radius * sin(angle);
        x.v[i] = (number)re + (number)im * I; /* doubles: what is encoded */
    }
    return x;
}

/* One item serves every batch. */
static inline number vec_at(const vec *x, uint32_t item, uint32_t slot)
{
    return x->v[(size_t)(x->batch == 1 ? 0 : item) * x->slots + slot % x->slots];
}

#define need(f, call)                                                                              \
    do {                                                                                           \
        hel_status need_ = (call);                                                                 \
        cr_assert_eq(need_, HEL_OK, "%s: %s: %s", #call, hel_status_name(need_),                   \
                     hel_engine_error((f)->engine));                                               \
    } while (0)

/* The call fails with the code, the sentence holds both words, and out holds no message. */
#define refused(f, call, code, out, word, word2)                                                   \
    do {                                                                                           \
        hel_status refused_ = (call);                                                              \
        cr_assert_eq(refused_, code, "%s: %s", #call, hel_status_name(refused_));                  \
        cr_assert(strstr(hel_engine_error((f)->engine), word) &&                                   \
                      strstr(hel_engine_error((f)->engine), word2),                                \
                  "%s", hel_engine_error((f)->engine));                                            \
        cr_assert_eq(hel_ckks_cipher_size(out), 0);                                                \
    } while (0)

static inline hel_ckks_plain *encode_vec(const ref_ckks *f, const vec *x, uint32_t level,
                                         double scale)
{
    const size_t count = (size_t)x->batch * x->slots;
    double *re = malloc((2 * count + 1) * sizeof *re), *im = re + count;
    hel_ckks_plain *p;
    for (size_t i = 0; i < count; i++) {
        re[i] = (double)creall(x->v[i]);
        im[i] = (double)cimagl(x->v[i]);
    }
    need(f, hel_ckks_plain_create(f->ckks, &p));
    need(f, hel_ckks_encode(f->ckks, p, re, im, x->slots, x->batch, level, scale));
    free(re);
    return p;
}

static inline hel_ckks_cipher *new_cipher(const ref_ckks *f)
{
    hel_ckks_cipher *x;
    need(f, hel_ckks_cipher_create(f->ckks, &x));
    return x;
}

static inline hel_ckks_cipher *encrypt_vec(const ref_ckks *f, const vec *x, uint32_t level)
{
    hel_ckks_plain *p = encode_vec(f, x, level, 0);
    hel_ckks_cipher *out = new_cipher(f);
    need(f, hel_ckks_encrypt(f->ckks, out, p, f->public_key));
    hel_ckks_plain_free(p);
    return out;
}

/* Compares every slot; the root mean square of the errors in units of the estimate. */
static inline double check_vec(const ref_ckks *f, const hel_ckks_cipher *x, const vec *want,
                               const char *what)
{
    const uint32_t slots = hel_ckks_cipher_slots(x), batch = hel_ckks_cipher_batch(x);
    const size_t count = (size_t)slots * batch;
    const double estimate = hel_ckks_cipher_error(x);
    double *re = malloc((2 * count + 1) * sizeof *re), *im = re + count, squares = 0;
    hel_ckks_plain *p;
    cr_assert_eq(slots, want->slots, "%s: slots", what);
    cr_assert_eq(batch, want->batch, "%s: batch %u, not %u", what, batch, want->batch);
    need(f, hel_ckks_plain_create(f->ckks, &p));
    need(f, hel_ckks_decrypt(f->ckks, p, x, f->secret));
    need(f, hel_ckks_decode(f->ckks, p, re, im));
    for (size_t i = 0; i < count; i++) {
        const double error = (double)cabsl(want->v[i] - ((number)re[i] + (number)im[i] * I));
        cr_assert(error <= REF_CKKS_SLOT_LIMIT * estimate,
                  "%s: level %u, item %zu slot %zu: %g + %gi, not %g + %gi: error %g, estimate %g",
                  what, hel_ckks_cipher_level(x), i / slots, i % slots, re[i], im[i],
                  (double)creall(want->v[i]), (double)cimagl(want->v[i]), error, estimate);
        squares += error * error;
    }
    hel_ckks_plain_free(p);
    free(re);
    return count && estimate > 0 ? sqrt(squares / (double)count) / estimate : 0;
}

/* Equal descriptions and residues */
static inline int same_cipher(const hel_ckks_cipher *a, const hel_ckks_cipher *b)
{
    if (!a->valid || !b->valid || a->batch != b->batch || a->level != b->level ||
        a->polys != b->polys || a->log_slots != b->log_slots || a->scale.hi != b->scale.hi ||
        a->scale.lo != b->scale.lo || a->error != b->error || a->bound != b->bound ||
        a->mixed != b->mixed)
        return 0;
    const size_t words = (size_t)a->context->params.limbs[a->level] * a->context->n;
    for (uint32_t p = 0; p < a->polys; p++)
        for (uint32_t i = 0; i < a->batch; i++) {
            hel_view va = hel_ckks_cipher_view(a, p, a->batch, a->level);
            hel_view vb = hel_ckks_cipher_view(b, p, b->batch, b->level);
            if (memcmp(va.data + i * va.stride, vb.data + i * vb.stride, words * sizeof *va.data))
                return 0;
        }
    return 1;
}

/* FNV-1a over the residues, for comparisons from one context to the next */
static inline uint64_t hash_cipher(const hel_ckks_cipher *x, uint64_t h)
{
    const size_t words = (size_t)x->context->params.limbs[x->level] * x->context->n;
    for (uint32_t p = 0; p < x->polys; p++)
        for (uint32_t i = 0; i < x->batch; i++) {
            hel_view v = hel_ckks_cipher_view(x, p, x->batch, x->level);
            for (size_t k = 0; k < words; k++)
                h = (h ^ v.data[i * v.stride + k]) * 0x100000001b3u;
        }
    return h;
}

#endif
