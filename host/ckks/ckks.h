/*
 * Inside of the CKKS evaluator: what its sources, the serializer in host/store and the tests share.
 * Public contracts: include/heloci/ckks.h.
 */
#ifndef HEL_CKKS_CKKS_H
#define HEL_CKKS_CKKS_H

#include <stdatomic.h>

#include "heloci/ckks.h"
#include "host/backend/backend.h"
#include "host/base/bytes.h"
#include "host/ckks/scale.h"

/* Tables of one parameter set; immutable but for the count of its users. */
typedef struct hel_ckks_context {
    atomic_uint users;
    hel_ckks_params params;
    uint8_t digest[HEL_DIGEST_BYTES];
    uint32_t n, q_limbs, total;               /* total = q_limbs + special_limbs */
    hel_scale scale[HEL_CKKS_LEVELS_MAX + 1]; /* default of each level */
    hel_ring *ring;
    hel_embedding *embedding;
    hel_backend *backend;
    hel_basis *basis;
} hel_ckks_context;

struct hel_ckks {
    hel_engine *engine;
    hel_ckks_context *context;
    hel_stream *stream;
    const hel_ckks_keys *keys; /* NULL: none */
    hel_ckks_alignment alignment;
};

/* ---- objects ---- */

struct hel_ckks_secret {
    uint32_t n, total;
    uint8_t key_id[16];
    int8_t *s;       /* N ternary coefficients, secret memory */
    uint32_t *s_ntt; /* total x N, secret memory */
};

struct hel_ckks_public {
    uint8_t key_id[16];
    uint8_t params[HEL_DIGEST_BYTES];
    uint8_t seed[HEL_SEED_BYTES]; /* of a: HEL_DOMAIN_PUBLIC_A, object 0 */
    hel_stream *stream;           /* that data came from: any stream of the backend frees it */
    uint32_t *data;               /* (b, a), each q_limbs x N, NTT form: b = -a s + e */
};

/* One switching key over the primes of `level` and the special ones: [digit][2][limbs + special][N]
 * in host/ckks/switch_key.h's layout. element: g of s(X^g) -> s; 0: s^2 -> s. */
typedef struct hel_ckks_switch_key {
    uint32_t element;
    uint32_t *data;
} hel_ckks_switch_key;

struct hel_ckks_keys {
    uint8_t key_id[16];
    uint8_t params[HEL_DIGEST_BYTES];
    uint8_t seed[HEL_SEED_BYTES]; /* a halves: HEL_DOMAIN_SWITCH_A, object element * 128 + digit */
    uint32_t level, limbs, digits;
    uint32_t count;
    hel_ckks_switch_key *key; /* ascending by element */
};

struct hel_ckks_plain {
    hel_ckks_context *context; /* counted */
    uint32_t batch, level, log_slots;
    int valid; /* 0: created or failed, holds no message */
    hel_scale scale;
    double error;   /* standard deviation of a slot's error times scale: 0 when encoded by us */
    uint32_t *data; /* batch x limbs[level] x N, NTT form; item stride limbs[level] N */
    size_t words;   /* allocated */
};

/* Polynomial p of item b begins at data + (b polys + p) capacity N, capacity >= limbs[level]: a
 * rescale in place moves nothing. NTT form. */
struct hel_ckks_cipher {
    hel_ckks_context *context; /* counted */
    uint32_t batch, level, log_slots, polys, capacity;
    int valid;
    int seeded; /* fresh and symmetric: polynomial 1 of item b is (seed, CIPHER_A, object b) */
    uint8_t seed[HEL_SEED_BYTES];
    uint8_t key_id[16];
    hel_scale scale;
    double error; /* standard deviation of a slot's error times scale */
    double bound; /* assumed bound on |slot value| */
    uint32_t *data;
    size_t words; /* allocated */
};

/* ---- parameters (ckks_params.c, ckks_build.c, ckks_named.c) ---- */

hel_status hel_ckks_params_encode(hel_engine *engine, const hel_ckks_params *p, hel_buf *out);
/* Checks with hel_ckks_params_check. */
hel_status hel_ckks_params_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                                  hel_ckks_params *out);
/* Default scale of every level from the top's: D_depth = 2^scale_bits,
 * D_(l-1) = D_l^2 multiplier[l] / (primes of level l). */
void hel_ckks_scales(const hel_ckks_params *p, hel_scale scale[HEL_CKKS_LEVELS_MAX + 1]);
/* Digits of keys at `level`. */
uint32_t hel_ckks_digits(const hel_ckks_params *p, uint32_t level);

/* ---- contexts and objects (context.c, objects.c) ---- */

void hel_ckks_context_hold(hel_ckks_context *c);
void hel_ckks_context_release(hel_ckks_context *c); /* the last one frees it */

/* Gives an object a shape, with room; keeps old memory where it is large enough; content is
 * undefined and `valid` 0 afterwards. */
hel_status hel_ckks_plain_shape(hel_ckks *c, hel_ckks_plain *p, uint32_t batch, uint32_t level,
                                uint32_t log_slots);
hel_status hel_ckks_cipher_shape(hel_ckks *c, hel_ckks_cipher *x, uint32_t batch, uint32_t polys,
                                 uint32_t level, uint32_t log_slots);
/* Polynomial p over the limbs of the level. stride 0 when broadcast to a larger batch. */
hel_view hel_ckks_plain_view(const hel_ckks_plain *p, uint32_t batch, uint32_t level);
hel_view hel_ckks_cipher_view(const hel_ckks_cipher *x, uint32_t poly, uint32_t batch,
                              uint32_t level);
/* Objects hold a message, belong to this context: HEL_E_USAGE / HEL_E_MISMATCH naming `what`. */
hel_status hel_ckks_check_cipher(hel_ckks *c, const hel_ckks_cipher *x, const char *what);
hel_status hel_ckks_check_plain(hel_ckks *c, const hel_ckks_plain *p, const char *what);
/* Common batch of two objects (equal, or one of them 1), or HEL_E_MISMATCH. */
hel_status hel_ckks_common_batch(hel_ckks *c, uint32_t a, uint32_t b, uint32_t *batch);
/* A view of fresh scratch: batch x limbs x N; released with c->stream->ops->release. */
hel_status hel_ckks_scratch(hel_ckks *c, hel_view *out, uint32_t batch, uint32_t limbs,
                            uint32_t q_limbs);

/* ---- keys (secret.c, public.c, switch_keys.c) ---- */

hel_status hel_ckks_secret_encode(hel_engine *engine, const hel_ckks_secret *s, hel_buf *out);
hel_status hel_ckks_secret_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  hel_ckks_secret **out);
/* b halves only; the a halves follow from the seed. */
hel_status hel_ckks_public_encode(hel_ckks *c, const hel_ckks_public *k, hel_buf *out);
hel_status hel_ckks_public_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  const uint8_t seed[HEL_SEED_BYTES], const uint8_t key_id[16],
                                  hel_ckks_public **out);
/* Header (level, count), then for every key: element and its b halves. */
hel_status hel_ckks_keys_encode(hel_ckks *c, const hel_ckks_keys *k, hel_buf *out);
hel_status hel_ckks_keys_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                const uint8_t seed[HEL_SEED_BYTES], const uint8_t key_id[16],
                                hel_ckks_keys **out);
/* The key for an element, or HEL_E_USAGE saying which key is missing and how to ask for it. */
hel_status hel_ckks_find_key(hel_ckks *c, uint32_t element, uint32_t level, hel_key_view *out,
                             uint32_t *limbs);
/* Galois element of a rotation of `slots` slots by `step`: 5^(step mod slots) mod 2N; conjugation:
 * 2N - 1. */
uint32_t hel_ckks_rotation_element(const hel_ckks *c, int32_t step, uint32_t log_slots);
uint32_t hel_ckks_conjugation_element(const hel_ckks *c);

/* round(x) modulo the first `limbs` primes; |x| below 2^900, a negative x by a negative x.hi
 * (residues.c). */
void hel_ckks_residues(const hel_ckks_context *c, hel_scale x, uint32_t limbs, uint32_t *out);

/* ---- errors (error.c): standard deviations of slots times scale; formulas beside the code ---- */

double hel_ckks_error_encode(const hel_ckks_context *c, uint32_t log_slots); /* rounding */
double hel_ckks_error_public(const hel_ckks_context *c);                     /* fresh, public key */
double hel_ckks_error_symmetric(const hel_ckks_context *c);
double hel_ckks_error_switch(const hel_ckks_context *c, uint32_t level); /* one key switch */
double hel_ckks_error_rescale(const hel_ckks_context *c); /* rounding of one rescale */

/* ---- evaluation (evaluate.c, align.c, rotate.c ...) ---- */

/* Multiplies by the residues of an integer constant, scale times `factor`: for alignment. */
hel_status hel_ckks_scale_up(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                             hel_scale target, uint32_t level);
/* AUTO: copies of views of a and b at one level and scale. tmp ciphertexts belong to the caller. */
hel_status hel_ckks_align_pair(hel_ckks *c, const hel_ckks_cipher **a, const hel_ckks_cipher **b,
                               hel_ckks_cipher *tmp_a, hel_ckks_cipher *tmp_b, int for_product);

/* ---- serialization of objects' residues (used by host/store) ---- */

hel_status hel_ckks_plain_encode(hel_ckks *c, const hel_ckks_plain *p, hel_buf *out);
hel_status hel_ckks_plain_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                 hel_ckks_plain *out);
hel_status hel_ckks_cipher_encode(hel_ckks *c, const hel_ckks_cipher *x, hel_buf *out);
hel_status hel_ckks_cipher_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  hel_ckks_cipher *out);

#endif
