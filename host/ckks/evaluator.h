/*
 * Inside of the CKKS evaluator: what its sources, the serializer in host/store and the tests share.
 * Public contracts: include/heloci/ckks.h.
 */
#ifndef HEL_CKKS_EVALUATOR_H
#define HEL_CKKS_EVALUATOR_H

#include <pthread.h>
#include <math.h>
#include <stdatomic.h>

#include "heloci/ckks.h"
#include "host/backend/backend.h"
#include "host/base/bytes.h"
#include "host/ckks/scale.h"

/* Tables of one parameter set; immutable but for the count of its users and the objects' memory. */
typedef struct hel_ckks_context {
    atomic_uint users; /* hel_ckks handles and objects */
    hel_ckks_params params;
    uint8_t digest[HEL_DIGEST_BYTES];
    uint32_t n, q_limbs, total;               /* total = q_limbs + special_limbs */
    hel_scale scale[HEL_CKKS_LEVELS_MAX + 1]; /* default of each level */
    double log_q[HEL_CKKS_PRIMES_MAX + 1];    /* [k]: log2 of the product of the first k primes */
    hel_ring *ring;
    hel_embedding *embedding;
    hel_backend *backend;
    hel_basis *basis;
    pthread_mutex_t lock; /* of `memory`: objects are freed by any thread */
    hel_stream *memory;   /* that objects' memory comes from; it has no engine of its own */
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
    uint8_t params[HEL_DIGEST_BYTES];
    int8_t *s;       /* N ternary coefficients, secret memory */
    uint32_t *s_ntt; /* total x N, secret memory */
};

struct hel_ckks_public {
    hel_ckks_context *context; /* counted */
    uint8_t key_id[16];
    uint8_t seed[HEL_SEED_BYTES]; /* of a: HEL_DOMAIN_PUBLIC_A, object 0 */
    uint32_t *data;               /* (b, a), each q_limbs x N, NTT form: b = -a s + e */
};

/* One switching key over the primes of `level` and the special ones: [digit][2][limbs + special][N]
 * in host/ckks/switch_key.h's layout. element: g of s(X^g) -> s; 0: s^2 -> s. */
typedef struct hel_ckks_switch_key {
    uint32_t element;
    uint32_t *data;
} hel_ckks_switch_key;

struct hel_ckks_keys {
    hel_ckks_context *context; /* counted */
    uint8_t key_id[16];
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
    double error;   /* as a ciphertext's (error.c), from decryption: 0 when encoded by us */
    double bound;   /* on |slot value|, a power of two and at least 1 */
    double bits;    /* coefficients are below 2^bits: known when encoded by us, else assumed */
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
    double error; /* standard deviation of an error times scale, as error.c counts it */
    double bound; /* assumed bound on |slot value| */
    int mixed;    /* errors of different slots may depend on each other */
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

/* hel_ckks_create on any backend, which is taken over whatever the result. */
hel_status hel_ckks_create_on(hel_engine *engine, hel_ckks **out, const hel_ckks_params *params,
                              hel_backend *backend);
void hel_ckks_context_hold(hel_ckks_context *c);
void hel_ckks_context_release(hel_ckks_context *c); /* the last one frees it */
/* Memory of objects, which outlive handles and move between threads. */
hel_status hel_ckks_memory(hel_ckks *c, uint32_t **out, size_t words);
/* NULL allowed. secret_words: how many words to wipe first; 0 for what anybody may see. */
void hel_ckks_memory_free(hel_ckks_context *context, uint32_t *data, size_t secret_words);
/* Bound of a plaintext whose coefficients are below 2^bits: a power of two, so that a ciphertext's
 * file says no more about its message than it must, and at least 1. */
static inline double hel_ckks_bound_of(double bits, hel_scale scale)
{
    return exp2(fmax(ceil(bits - hel_scale_log2(scale) - 0x1p-20), 0));
}

/* The smallest level up to `top` whose modulus holds coefficients below 2^bits; `top` if none. */
uint32_t hel_ckks_level_for(const hel_ckks_context *t, double bits, uint32_t top);

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
/* Releases scratch; the first overwrites it with zeros: for what depends on a secret. */
void hel_ckks_scratch_wipe(hel_ckks *c, hel_view v);
void hel_ckks_scratch_free(hel_ckks *c, hel_view v);
/* Items [first, first + count) of a view. */
static inline hel_view hel_view_items(hel_view v, uint32_t first, uint32_t count)
{
    v.data += first * v.stride;
    v.batch = count;
    return v;
}

/* ---- keys (ckks_secret.c, ckks_public.c, switch_keys.c, object_bytes.c) ---- */

/* The secret is of the context's parameters and, unless key_id is NULL, of that id. */
hel_status hel_ckks_check_secret(hel_ckks *c, const hel_ckks_secret *s, const uint8_t key_id[16],
                                 const char *what);
/* s modulo the first `limbs` primes for operations of the backend: the secret itself where that
 * memory is the host's, a scratch copy elsewhere. One item for any batch. Give it back. */
hel_status hel_ckks_secret_view(hel_ckks *c, const hel_ckks_secret *s, uint32_t limbs,
                                uint32_t batch, hel_view *out);
void hel_ckks_secret_view_free(hel_ckks *c, const hel_ckks_secret *s, hel_view v);
/* An object of the right size without content: for decoding. */
hel_status hel_ckks_secret_allocate(hel_ckks *c, hel_ckks_secret **out);
void hel_ckks_secret_transform(hel_ckks *c, hel_ckks_secret *s); /* s_ntt from s */
hel_status hel_ckks_public_allocate(hel_ckks *c, hel_ckks_public **out);
hel_status hel_ckks_keys_allocate(hel_ckks *c, hel_ckks_keys **out, uint32_t level,
                                  const uint32_t *element, uint32_t count);
hel_status hel_ckks_secret_encode(hel_engine *engine, const hel_ckks_secret *s, hel_buf *out);
hel_status hel_ckks_secret_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  hel_ckks_secret **out);
/* b halves only; the a halves follow from the seed. */
hel_status hel_ckks_public_encode(hel_ckks *c, const hel_ckks_public *k, hel_buf *out);
hel_status hel_ckks_public_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  const uint8_t seed[HEL_SEED_BYTES], const uint8_t key_id[16],
                                  hel_ckks_public **out);
/* Header (version, level, count), then for every key: element and its b halves. */
hel_status hel_ckks_keys_encode(hel_ckks *c, const hel_ckks_keys *k, hel_buf *out);
hel_status hel_ckks_keys_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                const uint8_t seed[HEL_SEED_BYTES], const uint8_t key_id[16],
                                hel_ckks_keys **out);
/* The key for an element, or HEL_E_USAGE saying which key is missing and how to ask for it; *limbs
 * (may be NULL): those of `level`. */
hel_status hel_ckks_find_key(hel_ckks *c, uint32_t element, uint32_t level, hel_key_view *out,
                             uint32_t *limbs);
/* Galois element of a rotation of `slots` slots by `step`: 5^(step mod slots) mod 2N, or
 * 5^(step mod N/2), which moves these slots alike, when only that one has a key; conjugation:
 * 2N - 1. */
uint32_t hel_ckks_rotation_element(const hel_ckks *c, int32_t step, uint32_t log_slots);
uint32_t hel_ckks_conjugation_element(const hel_ckks *c);

/* round(x) modulo the first `limbs` primes; |x| below 2^900, a negative x by a negative x.hi
 * (residues.c). */
void hel_ckks_residues(const hel_ckks_context *c, hel_scale x, uint32_t limbs, uint32_t *out);

/* ---- decryption (decryption.c, used by flooding.c) ---- */

/* What a ciphertext's coefficients are taken to be below, log2. */
double hel_ckks_message_bits(const hel_ckks_cipher *a);
/* Clears the old error text and checks what decryption is given. */
hel_status hel_ckks_decrypt_begin(hel_ckks *c, hel_ckks_plain *out, const hel_ckks_cipher *a,
                                  const hel_ckks_secret *secret);
/* The message modulo the primes of `level`; out stays marked as holding none. */
hel_status hel_ckks_decrypt_to(hel_ckks *c, hel_ckks_plain *out, const hel_ckks_cipher *a,
                               const hel_ckks_secret *secret, uint32_t level);

/* ---- errors (error.c): standard deviations times scale; derivations beside the code ---- */

/* They are those of the N/2 slots of the whole ring, sqrt(N) times a coefficient's. A message of
 * fewer slots sees the part of it that hel_ckks_error_slot() gives. */
double hel_ckks_error_encode(const hel_ckks_context *c, uint32_t log_slots); /* rounding */
double hel_ckks_error_public(const hel_ckks_context *c);                     /* fresh, public key */
double hel_ckks_error_symmetric(const hel_ckks_context *c);
double hel_ckks_error_switch(const hel_ckks_context *c, uint32_t level); /* one key switch */
double hel_ckks_error_rescale(const hel_ckks_context *c); /* rounding of one rescale */
/* The same for ciphertexts of 3 polynomials as well. */
double hel_ckks_error_divide(const hel_ckks_context *c, uint32_t polys);
/* Of a product, before relinearization; bounds are those of scaled slots. */
double hel_ckks_error_product(double bound_a, double error_a, double bound_b, double error_b);
/* What a slot of a message of 2^log_slots slots has of an error. */
double hel_ckks_error_slot(const hel_ckks_context *c, double error, uint32_t log_slots);

/* ---- evaluation: what evaluate.c, align.c, constants.c, multiply.c, rotate.c, sum.c share ---- */

/* What an output is to its operation. */
typedef enum hel_ckks_place {
    HEL_PLACE_APART, /* an object that is not an input */
    HEL_PLACE_OVER,  /* an input that may be written over where the result fits */
    HEL_PLACE_AFTER, /* an input that is read to the end */
    HEL_PLACE_LOCAL  /* one of hel_ckks_local(), empty */
} hel_ckks_place;

/* Where an operation writes: the caller's object, or a spare one that takes its place. */
typedef struct hel_ckks_output {
    hel_ckks_cipher *caller, *x;
    hel_ckks_cipher spare;
    int swaps; /* the spare one's memory is the stream's, as large as the caller's */
} hel_ckks_output;

/* A ciphertext of this call's own, in the stream's memory; empty at first and after the end. */
hel_ckks_cipher hel_ckks_local(const hel_ckks *c);
void hel_ckks_local_end(hel_ckks *c, hel_ckks_cipher *x);
/* No old error text; out and a are in order. */
hel_status hel_ckks_begin(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                          const char *what);
/* An operation's last word: a failure leaves no message in out (NULL allowed). */
hel_status hel_ckks_result(hel_ckks_cipher *out, hel_status status);
/* The evaluation keys in use, which are there, belong to a's secret key. */
hel_status hel_ckks_check_key(hel_ckks *c, const hel_ckks_cipher *a, const char *what);
/* Slots and keys of two ciphertexts agree: HEL_E_MISMATCH. */
hel_status hel_ckks_check_pair(hel_ckks *c, const hel_ckks_cipher *a, const hel_ckks_cipher *b,
                               const char *what);
/* Checks that a result of want's description fits the modulus of its level, and makes room for it:
 * `level` (want's or above) is that of the widest polynomial written on the way. */
hel_status hel_ckks_output_start(hel_ckks *c, hel_ckks_output *o, hel_ckks_cipher *out,
                                 const hel_ckks_cipher *want, uint32_t level, hel_ckks_place place,
                                 const char *what);
/* Gives the result want's description, or clears up after a failure; returns `status`. */
hel_status hel_ckks_output_end(hel_ckks *c, hel_ckks_output *o, const hel_ckks_cipher *want,
                               hel_status status);
/* Polynomials of all items as one batch, at `level` or below: where nothing is broadcast. */
hel_view hel_ckks_flat(const hel_ckks *c, const hel_ckks_cipher *x, uint32_t level);
/* Copies a's polynomials from `first` on to x, at want's batch and level; nothing when x is a. */
hel_status hel_ckks_copy_polys(hel_ckks *c, hel_ckks_cipher *x, const hel_ckks_cipher *a,
                               const hel_ckks_cipher *want, uint32_t first);

/* How far two scales are apart, relatively. */
double hel_ckks_mismatch(hel_scale a, hel_scale b);
/* Scales that sums take for equal: what they differ by becomes an error. */
int hel_ckks_same_scale(const hel_ckks *c, hel_scale a, hel_scale b);
/* The integer next to x, at least 1, when times `from` it gives `to` well enough: 1, else 0. */
int hel_ckks_integer_ratio(const hel_ckks *c, hel_scale to, hel_scale from, hel_scale *integer);
/* *a with its level's default scale, in tmp when it is a product still to be rescaled. */
hel_status hel_ckks_settle(hel_ckks *c, const hel_ckks_cipher **a, hel_ckks_cipher *tmp,
                           const char *what);
/* a at `level` and its default scale. */
hel_status hel_ckks_align_to(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                             uint32_t level, hel_ckks_place place, const char *what);
/* a dropped to `level`, times the integer next to target / a's scale, which is above a half. */
hel_status hel_ckks_scale_up(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                             hel_scale target, uint32_t level, hel_ckks_place place,
                             const char *what);
/* AUTO: *a and *b at one level, for sums at one scale, for products at the default one; in tmp_a
 * and tmp_b, locals of the caller, where they are not there yet. */
hel_status hel_ckks_align_pair(hel_ckks *c, const hel_ckks_cipher **a, const hel_ckks_cipher **b,
                               hel_ckks_cipher *tmp_a, hel_ckks_cipher *tmp_b, int for_product,
                               const char *what);
/* out = a under X -> X^g, by g's key. */
hel_status hel_ckks_turn(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a, uint32_t g,
                         hel_ckks_place place, const char *what);
/* out = a +- b, which are at one level and scale. */
hel_status hel_ckks_sum_aligned(hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                                const hel_ckks_cipher *b, int minus, hel_ckks_place place,
                                const char *what);
/* The backend's fused key switch, or the composition. */
hel_status hel_ckks_switch(hel_ckks *c, const hel_view out[2], hel_view a, hel_key_view key,
                           uint32_t g, const hel_view *add0, const hel_view *add1);

/* ---- serialization of objects (object_bytes.c; used by host/store) ---- */

/* Canonical little-endian; a seeded ciphertext is written as its seed and polynomial 0. Decoding
 * checks every field and every residue (HEL_E_FORMAT) before it allocates by them. */
hel_status hel_ckks_plain_encode(hel_ckks *c, const hel_ckks_plain *p, hel_buf *out);
hel_status hel_ckks_plain_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                 hel_ckks_plain *out);
hel_status hel_ckks_cipher_encode(hel_ckks *c, const hel_ckks_cipher *x, hel_buf *out);
hel_status hel_ckks_cipher_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  hel_ckks_cipher *out);

#endif
