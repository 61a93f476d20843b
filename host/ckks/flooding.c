/*
 * Decryption for values that leave the key owner.
 *
 * A decrypted message is m + e with an error e that depends on the secret; who knows m learns e,
 * and with it the key (Li, Micciancio, "On the security of homomorphic encryption on approximate
 * numbers", EUROCRYPT 2021). Noise on top makes that part invisible (Li, Micciancio, Schultz,
 * Sorrell, "Securing approximate homomorphic encryption using differential privacy", CRYPTO 2022).
 * How much, for `queries` released messages:
 *
 * 1. What is released is m + e + g, g Gaussian with standard deviation sigma in every coordinate.
 *    From m + g, which no key enters, it has the Kullback-Leibler divergence |e|^2 / (2 sigma^2).
 *    The norm is the Euclidean one of ALL coordinates that are released, not the size of one.
 * 2. Divergences of successive queries add up, also when these are chosen in view of earlier
 *    answers, and a random e counts with its mean square: queries t^2 / (2 sigma^2) in total for
 *    t^2 >= E |e|^2.
 * 3. sigma = sqrt(12 queries) 2^(bits/2) t makes that 2^-bits / 24: the theorem's condition for
 *    `bits` bits of statistical security. (By Pinsker's inequality no test tells the two apart
 *    with an advantage above sqrt(2^-bits / 48).)
 * 4. The coordinates are the 2 s coefficients that s slots are read from; the others become zero
 *    first. By Parseval |e|^2 over them is the mean of |e(zeta)|^2 over the slots, so t is the
 *    standard deviation of a slot's error, which the ciphertext carries (hel_ckks_error_slot).
 *    sigma goes on every COEFFICIENT; a slot, a sum of 2 s of them, ends up with sqrt(2 s) sigma.
 *
 * Cost in bits of precision: log2(12 queries) / 2 + bits / 2 + log2(2 s) / 2; with the defaults and
 * 2^14 slots 6.8 + 15 + 7.5 = 29.3. All of it rests on the estimate t: a ciphertext's bound
 * (hel_ckks_cipher_bound) must hold for every value on its way. Estimates are also fields of files,
 * which whoever computed may have set: t is at least that of a fresh symmetric encryption (a
 * rescale alone leaves more) and what the owner states.
 *
 * Sampling. A coefficient is floor(G sigma 2^-w) 2^w + u, G a standard Gaussian by Box and Muller's
 * formula, w such that sigma 2^-w is at most 2^40, u uniform in [0, 2^w): a density with steps of
 * about 2^-40 sigma in which every integer has its share whatever sigma is. (Doubles times sigma
 * alone would be multiples of some power of two and leave the low bits of e bare.) G comes from
 * doubles: its density is right to a relative 2^-36, steps included, up to 13 sigma, where a
 * Gaussian has 2^-126 left. A relative error d of a density adds about d^2 to the divergence: for
 * 2^30 coefficients in a key's life 2^-42 in all, far below 2^-bits / 24. That is why doubles will
 * do here, while keys and ciphertexts never use them. Running time may depend on g a little; what a
 * clock sees of that is one sum over all coefficients of a vector.
 */
#include <math.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"

#define DEFAULT_BITS    30
#define DEFAULT_QUERIES 1024
#define BITS_MAX        256
#define TAIL            14.0 /* standard deviations that a sample never exceeds */
#define STEP_BITS       40   /* steps of the density per standard deviation */
#define PIECE_BITS      48   /* u is made of pieces that doubles hold */

typedef struct noise {
    hel_ckks *c;
    uint32_t limbs, log_slots;
    double sigma;
    int width; /* w */
    hel_chacha *chacha;
    double *x;       /* 2 s */
    uint8_t *bytes;  /* 24 s */
    uint32_t *sum;   /* limbs x N */
    uint32_t *piece; /* limbs x N */
} noise;

/* In (0, 1], down to 2^-128: 128 random bits, of which a double keeps the leading ones. */
static double open_uniform(const uint8_t *bytes)
{
    const double high = ldexp((double)hel_get_u64(bytes), -64);
    return high + ldexp((double)hel_get_u64(bytes + 8) + 1, -128);
}

/* x = floor(G sigma 2^-w), two values from 24 bytes; rounded to the nearest where w = 0. */
static hel_status fill_gaussian(noise *z, uint64_t object)
{
    const size_t count = (size_t)2 << z->log_slots;
    const double scale = ldexp(z->sigma, -z->width), shift = z->width ? 0 : 0.5;
    uint32_t nonce[3];
    hel_nonce(nonce, object, HEL_DOMAIN_FLOOD, 0, 0);
    HEL_TRY(hel_chacha_stream(z->chacha, 0, nonce, z->bytes, 12 * count));
    for (size_t i = 0; i < count; i += 2) {
        const uint8_t *b = z->bytes + 12 * i;
        const double radius = scale * sqrt(-2 * log(open_uniform(b)));
        const double angle = ldexp(2 * M_PI * (double)(hel_get_u64(b + 16) >> 11), -53);
        z->x[i] = floor(radius * cos(angle) + shift);
        z->x[i + 1] = floor(radius * sin(angle) + shift);
    }
    return HEL_OK;
}

/* Piece k of u: bits k PIECE_BITS .. of it, from 8 bytes each. */
static hel_status fill_piece(noise *z, uint64_t object, int k)
{
    const size_t count = (size_t)2 << z->log_slots;
    const int left = z->width - k * PIECE_BITS, bits = left < PIECE_BITS ? left : PIECE_BITS;
    uint32_t nonce[3];
    hel_nonce(nonce, object, HEL_DOMAIN_FLOOD, 1 + (uint32_t)k, 0);
    HEL_TRY(hel_chacha_stream(z->chacha, 0, nonce, z->bytes, 8 * count));
    for (size_t i = 0; i < count; i++)
        z->x[i] = (double)(hel_get_u64(z->bytes + 8 * i) & (((uint64_t)1 << bits) - 1));
    return HEL_OK;
}

/* sum = residues of one item's noise, coefficient form */
static hel_status make_noise(noise *z, uint64_t object)
{
    const hel_ckks_context *t = z->c->context;
    const size_t n = t->n;
    HEL_TRY(fill_gaussian(z, object));
    HEL_TRY(hel_embedding_reduce(z->c->engine, t->embedding, t->ring, NULL, z->limbs, z->log_slots,
                                 z->x, ldexp(1, z->width), z->sum, n));
    for (int k = 0; k * PIECE_BITS < z->width; k++) {
        HEL_TRY(fill_piece(z, object, k));
        HEL_TRY(hel_embedding_reduce(z->c->engine, t->embedding, t->ring, NULL, z->limbs,
                                     z->log_slots, z->x, ldexp(1, k * PIECE_BITS), z->piece, n));
        for (uint32_t i = 0; i < z->limbs; i++)
            t->ring->ops->add(&t->ring->limb[i], z->sum + i * n, z->sum + i * n, z->piece + i * n,
                              n);
    }
    return HEL_OK;
}

static hel_status noise_start(noise *z)
{
    const size_t slots = (size_t)1 << z->log_slots, words = (size_t)z->limbs * z->c->context->n;
    uint8_t seed[HEL_SEED_BYTES];
    HEL_TRY(hel_secret_alloc(z->c->engine, &z->sum,
                             2 * words * sizeof *z->sum + slots * (2 * sizeof *z->x + 24)));
    z->piece = z->sum + words;
    z->x = (double *)(void *)(z->piece + words);
    z->bytes = (uint8_t *)(z->x + 2 * slots);
    hel_status status = hel_random(z->c->engine, seed, sizeof seed);
    if (status == HEL_OK)
        status = hel_chacha_create(z->c->engine, &z->chacha, seed);
    hel_wipe(seed, sizeof seed);
    return status;
}

/* x (coefficient form) loses the coefficients that no slot is read from; mask: one item, scratch */
static hel_status keep_slots(hel_ckks *c, hel_view x, uint32_t log_slots, hel_view mask)
{
    const hel_ckks_context *t = c->context;
    const uint32_t gap = t->n >> (log_slots + 1);
    const size_t words = (size_t)mask.limbs * t->n;
    uint32_t *host;
    HEL_TRY(hel_calloc(c->engine, &host, words, sizeof *host));
    for (size_t i = 0; i < words; i += gap)
        host[i] = 1;
    hel_status status = c->stream->ops->upload(c->stream, mask.data, host, words * sizeof *host);
    mask.batch = x.batch;
    mask.stride = 0;
    if (status == HEL_OK)
        status = c->stream->ops->mul(c->stream, t->basis, x, x, mask);
    if (status == HEL_OK)
        status = c->stream->ops->sync(c->stream); /* host is read until then */
    hel_free(host);
    return status;
}

/* out (NTT form) + noise; temp: scratch of one item. */
static hel_status add_noise(noise *z, hel_ckks_plain *out, hel_view temp)
{
    hel_ckks *c = z->c;
    const hel_basis *basis = c->context->basis;
    const hel_backend_ops *ops = c->stream->ops;
    const hel_view x = hel_ckks_plain_view(out, out->batch, out->level);
    HEL_TRY(ops->ntt_inverse(c->stream, basis, x));
    if (2u << out->log_slots < c->context->n)
        HEL_TRY(keep_slots(c, x, out->log_slots, temp));
    for (uint32_t b = 0; b < out->batch; b++) {
        const hel_view item = hel_view_items(x, b, 1);
        HEL_TRY(make_noise(z, b));
        HEL_TRY(ops->upload(c->stream, temp.data, z->sum, temp.stride * sizeof *z->sum));
        HEL_TRY(ops->add(c->stream, basis, item, item, temp));
        HEL_TRY(ops->sync(c->stream));
    }
    return ops->ntt_forward(c->stream, basis, x);
}

static hel_status flood(hel_ckks *c, hel_ckks_plain *out, double sigma)
{
    noise z = {.c = c, .limbs = c->context->params.limbs[out->level], .log_slots = out->log_slots};
    const int width = (int)ceil(log2(sigma)) - STEP_BITS;
    hel_view temp = {0};
    z.sigma = sigma;
    z.width = width > 0 ? width : 0;
    hel_status status = noise_start(&z);
    if (status == HEL_OK)
        status = hel_ckks_scratch(c, &temp, 1, z.limbs, z.limbs);
    if (status == HEL_OK)
        status = add_noise(&z, out, temp);
    hel_ckks_scratch_wipe(c, temp);
    hel_chacha_free(z.chacha);
    hel_secret_free(z.sum);
    return status;
}

static hel_status settings(hel_ckks *c, hel_ckks_flooding *f)
{
    HEL_REQUIRE(c->engine, f && f->size == sizeof *f, HEL_E_USAGE,
                "flooding: begin the settings with HEL_CKKS_FLOODING_INIT");
    f->bits = f->bits ? f->bits : DEFAULT_BITS;
    f->queries = f->queries ? f->queries : DEFAULT_QUERIES;
    HEL_REQUIRE(c->engine, f->bits <= BITS_MAX, HEL_E_USAGE,
                "flooding: %u bits of statistical security; at most %u", f->bits, BITS_MAX);
    HEL_REQUIRE(c->engine, f->least_error >= 0 && isfinite(f->least_error), HEL_E_USAGE,
                "flooding: the least error %g is not a number from 0 on", f->least_error);
    return HEL_OK;
}

/* The standard deviation of a slot's error that is gone by, times the scale. The scale is the
 * ciphertext's word as well: one that is too small must not shrink what the owner states. */
static double assumed_error(const hel_ckks_context *t, const hel_ckks_cipher *a,
                            const hel_ckks_flooding *f)
{
    const double least = f->least_error * fmax(a->scale.hi, t->scale[a->level].hi);
    const double error = fmax(a->error, hel_ckks_error_symmetric(t));
    return fmax(hel_ckks_error_slot(t, error, a->log_slots), least);
}

hel_status hel_ckks_decrypt_flooded(hel_ckks *ckks, hel_ckks_plain *out, const hel_ckks_cipher *a,
                                    const hel_ckks_secret *secret, hel_ckks_flooding *flooding)
{
    const hel_ckks_context *t = ckks->context;
    HEL_TRY(hel_ckks_decrypt_begin(ckks, out, a, secret));
    HEL_TRY(settings(ckks, flooding));
    HEL_REQUIRE(ckks->engine, isfinite(a->error) && a->error > 0, HEL_E_USAGE,
                "flooding: the ciphertext's error estimate is %g: there is nothing to go by",
                a->error);
    const double before = assumed_error(t, a, flooding);
    const double sigma = before * sqrt(12 * (double)flooding->queries) * exp2(0.5 * flooding->bits);
    const double after = hypot(before, sigma * sqrt(ldexp(2, (int)a->log_slots)));
    const double noise_bits = log2(TAIL * sigma) + 1;
    const double message = hel_scale_log2(a->scale) + log2(fmax(a->bound, 1));
    const double log_q = t->log_q[t->params.limbs[a->level]];
    HEL_REQUIRE(
        ckks->engine, fmax(noise_bits, message) + 1 < log_q - 1, HEL_E_USAGE,
        "flooding: noise of 2^%.1f on a message of 2^%.1f does not fit level %u, whose "
        "modulus has %.1f bits: release at a higher level, or ask for fewer bits or queries",
        noise_bits - 1, message, a->level, log_q);
    const double bits = fmax(hel_ckks_message_bits(a), noise_bits) + 1;
    HEL_TRY(hel_ckks_decrypt_to(ckks, out, a, secret, hel_ckks_level_for(t, bits, a->level)));
    if (out->batch)
        HEL_TRY(flood(ckks, out, sigma));
    out->error = after * sqrt(ldexp(t->n, -(int)a->log_slots - 1)); /* as error.c counts it */
    out->bits = bits;
    out->valid = 1;
    flooding->error = after / a->scale.hi;
    flooding->precision_cost = log2(after / before);
    return HEL_OK;
}
