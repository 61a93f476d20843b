/**
 * @file ckks.h
 * @brief RNS-CKKS: approximate arithmetic on encrypted vectors of real or complex numbers.
 *
 * A message is a vector of `slots` complex numbers, slots a power of two up to N/2; every object
 * holds a batch of such vectors, and every operation works on the whole batch (a batch of one is
 * the plain case; a batch of one beside a larger one is used for each of its items).
 *
 * A ciphertext is at a level: level l can be multiplied l times. Each level has its own modulus and
 * its own default scale, fixed by the parameters and tracked exactly; multiplication leaves a
 * product scale, and rescaling divides by the primes that the level owns and goes one level down.
 * Unless told otherwise (hel_ckks_set_alignment) operations bring their inputs to one level and
 * scale by themselves, and rescale a product when it is used next, so that results need no care.
 *
 * Scheme: Cheon, Kim, Kim, Song, "Homomorphic encryption for arithmetic of approximate numbers",
 * ASIACRYPT 2017, in RNS form (Cheon, Han, Kim, Kim, Song, SAC 2018), hybrid key switching (Han,
 * Ki, CT-RSA 2020). Secrets are uniform ternary, errors centred binomial with sigma = 3.24.
 *
 * Threads: a hel_ckks serves one thread at a time, as its engine does. hel_ckks_clone() makes one
 * for another thread (with its own engine) that shares tables and keys. Keys, plaintexts and
 * ciphertexts may be read by several threads at once; they must not be freed or written meanwhile.
 *
 * Ownership: create/free pairs; free(NULL) is allowed. Outputs are objects that the caller created:
 * they take any shape and keep their memory, so that a loop allocates nothing. An output may be one
 * of the inputs. On failure an output holds no message and says so when it is used.
 */
#ifndef HELOCI_CKKS_H
#define HELOCI_CKKS_H

#include "heloci/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- parameters --------------------------------------------------------------------------- */

#define HEL_CKKS_PRIMES_MAX 128
#define HEL_CKKS_LEVELS_MAX 112 /**< levels 0 .. 112 */

/** A parameter set: a plain value, valid when hel_ckks_params_check() says so. What the counts
 *  leave unused is 0. */
typedef struct hel_ckks_params {
    uint32_t log_n;         /**< ring dimension N = 2^log_n, 10..17 */
    uint32_t depth;         /**< levels 0 .. depth: multiplications one after another */
    uint32_t scale_bits;    /**< the scale aimed at: 2^scale_bits, 20..55 */
    uint32_t special_limbs; /**< primes of P, the key-switching modulus, 1.. */
    uint32_t digit_limbs;   /**< primes per key-switching digit */
    uint32_t security;      /**< 128, 192 or 256; 0 = insecure, for tests (see params.h) */
    uint32_t limbs[HEL_CKKS_LEVELS_MAX + 1];      /**< primes in use at a level; a level above 0
                                                        owns one or two, level 0 one to three */
    uint64_t multiplier[HEL_CKKS_LEVELS_MAX + 1]; /**< rescaling from level l multiplies by
                                                        multiplier[l] first; mostly 1, [0] always */
    uint32_t primes[HEL_CKKS_PRIMES_MAX];         /**< those of Q, level 0's first, then P's: 1 mod
                                                        2N, distinct, between 2^17 and 2^30 */
} hel_ckks_params;

/** What a set is asked for; 0 = default. */
typedef struct hel_ckks_request {
    uint32_t size;       /**< sizeof(hel_ckks_request) */
    uint32_t log_n;      /**< default: the smallest ring that is secure */
    uint32_t depth;      /**< default: the largest that log_n allows; one of the two is needed */
    uint32_t scale_bits; /**< default 40 */
    uint32_t dnum;       /**< key-switching digits at the top level; default 3 (or fewer primes) */
    uint32_t message_bits; /**< level 0 holds |values| below 2^message_bits; default 10, or what its
                                two primes leave over: 8 at scales of 2^50, 3 at 2^55. Say 10 to
                                have 10; a third prime then serves it */
    uint32_t security;     /**< 128 (default), 192, 256 or HEL_CKKS_INSECURE */
    uint32_t log_qp;       /**< upper limit for log2(QP) below the security bound's own */
} hel_ckks_request;

/** No bound at all: refused (HEL_E_SECURITY) unless the environment has HELOCI_ALLOW_TOY=1. The set
 *  it gives has security 0. */
#define HEL_CKKS_INSECURE UINT32_MAX

#define HEL_CKKS_REQUEST_INIT                                                                      \
    {                                                                                              \
        sizeof(hel_ckks_request), 0, 0, 0, 0, 0, 0, 0                                              \
    }

/** What follows from a set; logarithms are base 2. */
typedef struct hel_ckks_info {
    double log_q, log_qp, log_bound; /**< exact bit lengths are what is compared */
    uint32_t q_limbs, dnum;
    double scale[HEL_CKKS_LEVELS_MAX + 1]; /**< default scale of each level */
    double precision_bits; /**< of a fresh public-key encryption: -log2 of the standard deviation
                                of a slot's error, at the top level, N/2 slots */
    double message_bits;   /**< level 0 holds |values| below 2^message_bits */
    uint64_t ciphertext_bytes, seeded_bytes; /**< top level, one message */
    uint64_t key_bytes, seeded_key_bytes;    /**< one switching key in memory and in a file */
} hel_ckks_info;

/** Chooses primes: a function of the request alone. Default scales lie between 2^(scale_bits - 3/4)
 *  and 2^(scale_bits + 1/8), the top one is 2^scale_bits; for 30 < scale_bits <= 40 a set may
 *  change between that and scales up to 2^(scale_bits + 10 1/4) by turns, where this takes fewer
 *  bits.
 *  HEL_E_SECURITY when nothing secure fits, naming the bound; HEL_E_USAGE when it would take more
 *  primes than a set may have. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_params_build(hel_engine *engine,
                                                        const hel_ckks_request *request,
                                                        hel_ckks_params *out);
/** Named sets, "n12" .. "n17" for general use and "cmp13" .. "cmp16", "cmp16d4" for comparison with
 *  other libraries at equal log2(Q) and log2(QP). HEL_E_USAGE lists the names. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_params_named(hel_engine *engine, const char *name,
                                                        hel_ckks_params *out);
/** Name and one-line description of the i-th named set; NULL after the last. */
HEL_API const char *hel_ckks_params_name(size_t i, const char **description);
/** Refuses malformed sets (HEL_E_USAGE) and insecure ones (HEL_E_SECURITY); *info may be NULL. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_params_check(hel_engine *engine,
                                                        const hel_ckks_params *params,
                                                        hel_ckks_info *info);
/** SHA-256 of the canonical encoding. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_params_digest(hel_engine *engine,
                                                         const hel_ckks_params *params,
                                                         uint8_t digest[32]);

/* ---- contexts ----------------------------------------------------------------------------- */

typedef struct hel_ckks hel_ckks;

/** Tables for a parameter set, on the CPU. The engine must outlive it. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_create(hel_engine *engine, hel_ckks **out,
                                                  const hel_ckks_params *params);
/** The same tables, evaluation keys and settings for another thread and its engine (one with
 *  threads = 1 where clones work side by side). Either may be freed first. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_clone(hel_engine *engine, hel_ckks **out,
                                                 const hel_ckks *ckks);
HEL_API void hel_ckks_free(hel_ckks *ckks);
HEL_API const hel_ckks_params *hel_ckks_get_params(const hel_ckks *ckks);
HEL_API uint32_t hel_ckks_slots(const hel_ckks *ckks); /**< N / 2 */

typedef enum hel_ckks_alignment {
    HEL_CKKS_AUTO = 0,  /**< bring inputs to one level and scale, rescale products before use */
    HEL_CKKS_MANUAL = 1 /**< do what is called, nothing else; HEL_E_MISMATCH where inputs differ */
} hel_ckks_alignment;
HEL_API void hel_ckks_set_alignment(hel_ckks *ckks, hel_ckks_alignment alignment);

/* ---- keys --------------------------------------------------------------------------------- */

typedef struct hel_ckks_secret hel_ckks_secret;
typedef struct hel_ckks_public hel_ckks_public;
typedef struct hel_ckks_keys hel_ckks_keys; /**< relinearization and rotation keys */

HEL_API HEL_MUST_CHECK hel_status hel_ckks_secret_create(hel_ckks *ckks, hel_ckks_secret **out);
HEL_API void hel_ckks_secret_free(hel_ckks_secret *secret); /**< wipes */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_public_create(hel_ckks *ckks, hel_ckks_public **out,
                                                         const hel_ckks_secret *secret);
HEL_API void hel_ckks_public_free(hel_ckks_public *key);

typedef struct hel_ckks_keys_request {
    uint32_t size;            /**< sizeof(hel_ckks_keys_request) */
    int relinearize;          /**< for products of ciphertexts */
    int conjugate;            /**< for hel_ckks_conjugate */
    const int32_t *rotations; /**< steps, as hel_ckks_rotate takes them; repeats are harmless */
    size_t rotation_count;
    int sums;       /**< every power of two: for hel_ckks_sum of any length */
    uint32_t level; /**< keys for this level and below: smaller; 0 = all levels */
} hel_ckks_keys_request;

#define HEL_CKKS_KEYS_REQUEST_INIT                                                                 \
    {                                                                                              \
        sizeof(hel_ckks_keys_request), 1, 0, NULL, 0, 0, 0                                         \
    }

HEL_API HEL_MUST_CHECK hel_status hel_ckks_keys_create(hel_ckks *ckks, hel_ckks_keys **out,
                                                       const hel_ckks_secret *secret,
                                                       const hel_ckks_keys_request *request);
HEL_API void hel_ckks_keys_free(hel_ckks_keys *keys);
/** The keys that evaluation uses from now on; they must outlive it. NULL = none. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_use_keys(hel_ckks *ckks, const hel_ckks_keys *keys);

/* ---- plaintexts --------------------------------------------------------------------------- */

typedef struct hel_ckks_plain hel_ckks_plain;

#define HEL_CKKS_TOP UINT32_MAX /**< the top level */

HEL_API HEL_MUST_CHECK hel_status hel_ckks_plain_create(hel_ckks *ckks, hel_ckks_plain **out);
HEL_API void hel_ckks_plain_free(hel_ckks_plain *plain);
/** Encodes `batch` vectors of `slots` numbers, one vector after another; imaginary parts are 0 when
 *  im is NULL. scale 0 = the level's default. HEL_E_USAGE: a number is not finite or the scaled
 *  value does not fit the level's modulus. batch may be 0. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_encode(hel_ckks *ckks, hel_ckks_plain *out,
                                                  const double *re, const double *im,
                                                  uint32_t slots, uint32_t batch, uint32_t level,
                                                  double scale);
/** batch x slots numbers; im may be NULL. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_decode(hel_ckks *ckks, const hel_ckks_plain *plain,
                                                  double *re, double *im);
HEL_API uint32_t hel_ckks_plain_slots(const hel_ckks_plain *plain);
HEL_API uint32_t hel_ckks_plain_batch(const hel_ckks_plain *plain);
HEL_API uint32_t hel_ckks_plain_level(const hel_ckks_plain *plain);
HEL_API double hel_ckks_plain_scale(const hel_ckks_plain *plain);

/* ---- ciphertexts -------------------------------------------------------------------------- */

typedef struct hel_ckks_cipher hel_ckks_cipher;

HEL_API HEL_MUST_CHECK hel_status hel_ckks_cipher_create(hel_ckks *ckks, hel_ckks_cipher **out);
HEL_API void hel_ckks_cipher_free(hel_ckks_cipher *cipher);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_copy(hel_ckks *ckks, hel_ckks_cipher *out,
                                                const hel_ckks_cipher *a);
HEL_API uint32_t hel_ckks_cipher_slots(const hel_ckks_cipher *cipher);
HEL_API uint32_t hel_ckks_cipher_batch(const hel_ckks_cipher *cipher);
HEL_API uint32_t hel_ckks_cipher_level(const hel_ckks_cipher *cipher);
HEL_API uint32_t hel_ckks_cipher_size(const hel_ckks_cipher *cipher); /**< polynomials, 2 or 3 */
HEL_API double hel_ckks_cipher_scale(const hel_ckks_cipher *cipher);
/** Estimated standard deviation of a slot's error, in units of the message: worst over the batch
 *  under the bound below; measured errors stay under it (derivation in the sources, error.c). */
HEL_API double hel_ckks_cipher_error(const hel_ckks_cipher *cipher);
/** Upper bound that estimates assume for |slot values|, carried with the ciphertext and its file:
 *  after encryption the smallest power of two that is at least 1 and every encoded slot; set a
 *  larger one before sharing to hide even that. Products, sums and constants update it as for the
 *  worst case; operations and decryptions whose values would not fit the modulus by it are refused,
 *  and setting a smaller bound that is known to hold lets them pass. A bound that is too small
 *  makes estimates too small, and with them the noise of hel_ckks_decrypt_flooded. Values above
 *  2^62 need a true bound to be decrypted. Bounds that are negative or no number are ignored. */
HEL_API double hel_ckks_cipher_bound(const hel_ckks_cipher *cipher);
HEL_API void hel_ckks_cipher_set_bound(hel_ckks_cipher *cipher, double bound);

HEL_API HEL_MUST_CHECK hel_status hel_ckks_encrypt(hel_ckks *ckks, hel_ckks_cipher *out,
                                                   const hel_ckks_plain *plain,
                                                   const hel_ckks_public *key);
/** Smaller noise, and half the size in a file: the uniform half is a seed. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_encrypt_symmetric(hel_ckks *ckks, hel_ckks_cipher *out,
                                                             const hel_ckks_plain *plain,
                                                             const hel_ckks_secret *secret);
/** For the key owner's eyes only: decrypted values carry noise that depends on the secret. Whoever
 *  passes them on must use hel_ckks_decrypt_flooded (Li, Micciancio, EUROCRYPT 2021). The plaintext
 *  comes at the lowest level whose modulus has 64 bits above the scale (more for a larger bound),
 *  at the ciphertext's own if there is none. HEL_E_MISMATCH: another key's ciphertext. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_decrypt(hel_ckks *ckks, hel_ckks_plain *out,
                                                   const hel_ckks_cipher *a,
                                                   const hel_ckks_secret *secret);

typedef struct hel_ckks_flooding {
    uint32_t size;         /**< sizeof(hel_ckks_flooding) */
    uint32_t bits;         /**< statistical security, 1..256, default 30 */
    uint64_t queries;      /**< messages (vectors, each item of a batch) released under this key in
                                its life, default 2^10; one that is released twice counts twice */
    double least_error;    /**< a slot's error is taken to be at least this, in units of the
                                message; default 0. See below */
    double error;          /**< out: standard deviation of a slot after flooding */
    double precision_cost; /**< out: bits of precision lost against hel_ckks_decrypt */
} hel_ckks_flooding;

#define HEL_CKKS_FLOODING_INIT                                                                     \
    {                                                                                              \
        sizeof(hel_ckks_flooding), 0, 0, 0, 0, 0                                                   \
    }

/** Decryption for values that leave the key owner (IND-CPA-D): adds to every coefficient of the
 *  message Gaussian noise of standard deviation sqrt(12 queries) 2^(bits/2) times the estimated
 *  error of a slot, which is the Euclidean norm of a message's error, as the proof needs (Li,
 *  Micciancio, Schultz, Sorrell, CRYPTO 2022; derivation in the sources, flooding.c). A slot gets
 *  sqrt(2 slots) times that: a cost of log2(12 queries)/2 + bits/2 + log2(2 slots)/2 bits of
 *  precision, 29 with the defaults and 2^14 slots. Fewer slots, fewer queries and a larger scale
 *  make up for it. Defaults are filled in. HEL_E_USAGE when the flooded value would not fit the
 *  ciphertext's modulus.
 *
 *  The estimate, the bound behind it and the scale come with the ciphertext: a file states them,
 *  and nothing proves them. What is assumed is at least the error of a fresh symmetric encryption,
 *  which every ciphertext exceeds, and `least_error` at the larger of the ciphertext's scale and
 *  the default one of its level: the owner's own word, for instance the hel_ckks_cipher_error() of
 *  the same computation on an encryption of zeros with the bounds in use. That guards against
 *  estimates that are too small. It does not make a ciphertext harmless that was not computed as
 *  agreed: one whose polynomials somebody chose can carry the secret key in its message, above any
 *  noise. Values from those who may do that must not go back to them in any form. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_decrypt_flooded(hel_ckks *ckks, hel_ckks_plain *out,
                                                           const hel_ckks_cipher *a,
                                                           const hel_ckks_secret *secret,
                                                           hel_ckks_flooding *flooding);

/* ---- evaluation --------------------------------------------------------------------------- */

/*
 * Every operation gives HEL_E_MISMATCH for objects that do not go together (slots, batches, secret
 * keys; under HEL_CKKS_MANUAL levels and scales), HEL_E_USAGE where no level is left, a key is
 * missing, or values of the ciphertext's bound would not fit the modulus of the result's level.
 *
 * HEL_CKKS_AUTO: operands of a product come to the lower one's level and its default scale; a
 * product among them is rescaled first, each time it is used: one that is used often is better
 * rescaled once by hel_ckks_rescale(). Sums of products of one level stay products, and a
 * ciphertext with the default scale joins them by an integer factor, which costs nothing.
 * Rotations, conjugation and products with integers leave scales alone.
 */

HEL_API HEL_MUST_CHECK hel_status hel_ckks_add(hel_ckks *ckks, hel_ckks_cipher *out,
                                               const hel_ckks_cipher *a, const hel_ckks_cipher *b);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_sub(hel_ckks *ckks, hel_ckks_cipher *out,
                                               const hel_ckks_cipher *a, const hel_ckks_cipher *b);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_negate(hel_ckks *ckks, hel_ckks_cipher *out,
                                                  const hel_ckks_cipher *a);
/** A plaintext must be encoded at the ciphertext's level or above, for sums with a scale that the
 *  ciphertext has or, under AUTO, that the default of its level is; a product also takes one of a
 *  level lower, to which it is rescaled. Products take any scale. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_add_plain(hel_ckks *ckks, hel_ckks_cipher *out,
                                                     const hel_ckks_cipher *a,
                                                     const hel_ckks_plain *b);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_sub_plain(hel_ckks *ckks, hel_ckks_cipher *out,
                                                     const hel_ckks_cipher *a,
                                                     const hel_ckks_plain *b);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_mul_plain(hel_ckks *ckks, hel_ckks_cipher *out,
                                                     const hel_ckks_cipher *a,
                                                     const hel_ckks_plain *b);
/** The same constant in every slot. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_add_const(hel_ckks *ckks, hel_ckks_cipher *out,
                                                     const hel_ckks_cipher *a, double re,
                                                     double im);
/** Integers, Gaussian ones too, cost no level and no scale; other constants are encoded at the
 *  default scale of the level. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_mul_const(hel_ckks *ckks, hel_ckks_cipher *out,
                                                     const hel_ckks_cipher *a, double re,
                                                     double im);
/** Product, relinearized. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_mul(hel_ckks *ckks, hel_ckks_cipher *out,
                                               const hel_ckks_cipher *a, const hel_ckks_cipher *b);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_square(hel_ckks *ckks, hel_ckks_cipher *out,
                                                  const hel_ckks_cipher *a);
/** Product of three polynomials, to be summed with others before one hel_ckks_relinearize. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_mul_lazy(hel_ckks *ckks, hel_ckks_cipher *out,
                                                    const hel_ckks_cipher *a,
                                                    const hel_ckks_cipher *b);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_relinearize(hel_ckks *ckks, hel_ckks_cipher *out,
                                                       const hel_ckks_cipher *a);
/** Divides by the level's primes; one level down. HEL_E_USAGE at level 0, and where nothing of the
 *  scale would be left. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_rescale(hel_ckks *ckks, hel_ckks_cipher *out,
                                                   const hel_ckks_cipher *a);
/** Drops primes; message and scale stay. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_drop(hel_ckks *ckks, hel_ckks_cipher *out,
                                                const hel_ckks_cipher *a, uint32_t level);
/** Level `level` at its default scale, whatever the scale was: what AUTO does to inputs. The scale
 *  is met to about 2^-scale_bits and tracked as it is. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_align(hel_ckks *ckks, hel_ckks_cipher *out,
                                                 const hel_ckks_cipher *a, uint32_t level);
/** Slot j of the result is slot j + step of a (modulo slots); step may be negative. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_rotate(hel_ckks *ckks, hel_ckks_cipher *out,
                                                  const hel_ckks_cipher *a, int32_t step);
/** outs[i] = a rotated by steps[i]; the costly half of a rotation is done once for all. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_rotate_many(hel_ckks *ckks, hel_ckks_cipher *const *outs,
                                                       const hel_ckks_cipher *a,
                                                       const int32_t *steps, size_t count);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_conjugate(hel_ckks *ckks, hel_ckks_cipher *out,
                                                     const hel_ckks_cipher *a);
/** Slot j = the sum of slots j, j + 1, .. j + length - 1 (modulo slots), 1 <= length <= slots. With
 *  length = slots every slot holds the whole sum. log2(length) rotations by powers of two, and one
 *  more for each further 1 in length's binary form. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_sum(hel_ckks *ckks, hel_ckks_cipher *out,
                                               const hel_ckks_cipher *a, uint32_t length);

/* ---- linear maps -------------------------------------------------------------------------- */

/** A slots x slots matrix, encoded by diagonals for the baby-step giant-step product (Halevi,
 *  Shoup, CRYPTO 2018); zero diagonals cost nothing. */
typedef struct hel_ckks_matrix hel_ckks_matrix;

/** Row-major, slots x slots; im may be NULL. The product is taken at `level` (1 or above): in AUTO
 *  a ciphertext of a higher level is brought down to it. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_matrix_create(hel_ckks *ckks, hel_ckks_matrix **out,
                                                         const double *re, const double *im,
                                                         uint32_t slots, uint32_t level);
HEL_API void hel_ckks_matrix_free(hel_ckks_matrix *matrix);
/** The rotations whose keys the product needs: writes up to `room`, returns how many there are. */
HEL_API size_t hel_ckks_matrix_rotations(const hel_ckks_matrix *matrix, int32_t *steps,
                                         size_t room);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_matrix_mul(hel_ckks *ckks, hel_ckks_cipher *out,
                                                      const hel_ckks_matrix *matrix,
                                                      const hel_ckks_cipher *a);

/* ---- polynomials -------------------------------------------------------------------------- */

typedef enum hel_ckks_poly_basis {
    HEL_CKKS_POWER = 0,    /**< sum of c[i] x^i */
    HEL_CKKS_CHEBYSHEV = 1 /**< sum of c[i] T_i(y), y = (2 x - low - high) / (high - low) */
} hel_ckks_poly_basis;

/** Evaluates a real polynomial in every slot: Paterson-Stockmeyer, ceil(log2(degree + 1)) levels,
 *  one more where a Chebyshev interval is not [-1, 1]; values outside the interval give numbers,
 *  bounds and estimates that mean nothing. low and high are ignored for powers.
 *  HEL_E_USAGE when the level is too low. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_poly(hel_ckks *ckks, hel_ckks_cipher *out,
                                                const hel_ckks_cipher *a, hel_ckks_poly_basis basis,
                                                const double *c, uint32_t degree, double low,
                                                double high);
/** Chebyshev coefficients c[0..degree] of f on [low, high]. */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_chebyshev(hel_engine *engine, double (*f)(double),
                                                     double low, double high, uint32_t degree,
                                                     double *c);

/* ---- files -------------------------------------------------------------------------------- */

/** Files in the container format (host/store/FORMAT.md of the sources). Secret keys are written
 *  with mode 0600, never over a file that is there (HEL_E_USAGE), and, with a passphrase (not NULL,
 *  not ""), sealed; other files are replaced whole. Seeds stand for uniform halves. Loading checks
 *  that the file fits the parameters (HEL_E_MISMATCH) and every residue (HEL_E_FORMAT). */
HEL_API HEL_MUST_CHECK hel_status hel_ckks_params_save(hel_engine *engine, const char *path,
                                                       const hel_ckks_params *params);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_params_load(hel_engine *engine, const char *path,
                                                       hel_ckks_params *out);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_secret_save(hel_ckks *ckks, const char *path,
                                                       const hel_ckks_secret *secret,
                                                       const char *passphrase);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_secret_load(hel_ckks *ckks, const char *path,
                                                       const char *passphrase,
                                                       hel_ckks_secret **out);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_public_save(hel_ckks *ckks, const char *path,
                                                       const hel_ckks_public *key);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_public_load(hel_ckks *ckks, const char *path,
                                                       hel_ckks_public **out);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_keys_save(hel_ckks *ckks, const char *path,
                                                     const hel_ckks_keys *keys);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_keys_load(hel_ckks *ckks, const char *path,
                                                     hel_ckks_keys **out);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_plain_save(hel_ckks *ckks, const char *path,
                                                      const hel_ckks_plain *plain);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_plain_load(hel_ckks *ckks, const char *path,
                                                      hel_ckks_plain *out);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_cipher_save(hel_ckks *ckks, const char *path,
                                                       const hel_ckks_cipher *cipher);
HEL_API HEL_MUST_CHECK hel_status hel_ckks_cipher_load(hel_ckks *ckks, const char *path,
                                                       hel_ckks_cipher *out);

#ifdef __cplusplus
}
#endif

#endif
