/*
 * The scheme core: RLWE over Z_Q[X]/(X^N + 1) for exact integers, on batches of polynomials.
 *
 * A polynomial over several primes is `limbs` consecutive vectors of N words, limb i being chain
 * prime i. A ciphertext (c0, c1) decrypts to c0 + c1 s, a degree-2 one (c0, c1, c2) to
 * c0 + c1 s + c2 s^2. All functions are thread-safe on a shared scheme; scratch is the caller's.
 * Construction, noise and margins: exactness chapter of FORMAT.md and the references there.
 */
#ifndef HEL_CKKS_SCHEME_H
#define HEL_CKKS_SCHEME_H

#include "heloci/params.h"
#include "host/base/bytes.h"
#include "host/ring/ring.h"

/* Parameters with what follows from them. Immutable. */
typedef struct hel_scheme {
    hel_params params;
    uint8_t digest[HEL_DIGEST_BYTES];
    uint32_t n;      /* N */
    uint32_t total;  /* expand_limbs + special_limbs */
    uint32_t digits; /* ceil(expand_limbs / digit_limbs) */
    hel_ring *ring;  /* limbs 0..total-1 */
    uint32_t da[8];  /* Da mod q_i, i < scan_limbs */
    uint32_t wz[8];  /* N^-1 q_drop Dz mod q_i, i < expand_limbs: the factor of packed weights */
    const struct hel_expand_ops *expand_ops; /* the engine's twin of the fused loops */
    uint64_t out_scale; /* what a sum is multiplied by after the output switch: 2^da_shift Dz when
                            one limb is dropped */
} hel_scheme;

hel_status hel_scheme_create(hel_engine *engine, hel_scheme **out, const hel_params *params);
void hel_scheme_free(hel_scheme *s);

/* params.c: canonical encoding (fixed size) of a set; decoding checks with hel_params_check. */
hel_status hel_params_encode(hel_engine *engine, const hel_params *p, hel_buf *out);
hel_status hel_params_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                             hel_params *out);

/* ---- secret key (secret_key.c) ---- */

#define HEL_SPECTRAL_CAP 12.0 /* max |s(zeta)|^2 <= 12 |s|^2, or the key is drawn again */

typedef struct hel_secret_key {
    uint32_t n, total;
    uint8_t key_id[16];
    uint8_t owner[32]; /* owner's master secret: MACs, digests and identities are keyed from it */
    int8_t *s;         /* N ternary coefficients */
    uint32_t *s_ntt;   /* total x N */
    uint32_t *s2_ntt;  /* scan_limbs x N: s^2 */
} hel_secret_key;      /* the struct and its vectors are secret memory */

hel_status hel_secret_key_generate(hel_engine *engine, const hel_scheme *scheme,
                                   hel_secret_key **out);
/* Secret bytes for the key file: version, key id, owner secret, coefficients in two bits each. */
hel_status hel_secret_key_encode(hel_engine *engine, const hel_secret_key *k, hel_buf *out);
hel_status hel_secret_key_decode(hel_engine *engine, const hel_scheme *scheme, const uint8_t *data,
                                 size_t bytes, hel_secret_key **out);
void hel_secret_key_free(hel_secret_key *k); /* wipes; NULL allowed */

/* A sub-secret of the owner for one use ("mac dataset", "rho", ...), by HKDF; context may be
 * NULL. */
hel_status hel_owner_secret(hel_engine *engine, const hel_secret_key *k, const char *label,
                            const void *context, size_t context_bytes, uint8_t out[32]);

/* ---- key switching (keyswitch.c): hybrid, any digit size, with or without special primes ---- */

/* A switching key from s' to s: for each digit j, (b_j, a_j) over limbs 0..q_limbs-1 and the
 * special limbs, NTT form, b_j = -a_j s + e_j + P g_j s', g_j = 1 modulo the primes of digit j and
 * 0 modulo the other primes of Q. Layout [digit][2][q_limbs + special][N]. */
typedef struct hel_switch_key {
    uint32_t q_limbs, special, digit_limbs, digits;
    uint32_t *data;
} hel_switch_key;

/* Galois keys in the order of the expansion's steps (expand_private.h): a step of two levels i,
 * i + 1 has s_i, s_(i+1) and their product, s_i: X -> X^(N / 2^i + 1); where log_n is odd, level 0
 * is a step of its own with s_0 only. */
typedef struct hel_eval_keys {
    uint8_t key_id[16];
    uint8_t seed[HEL_SEED_BYTES];
    uint32_t galois_count, step_count;
    uint32_t *exponent;     /* [galois_count]: key i is for X -> X^exponent */
    hel_switch_key *galois; /* [galois_count], from s(X^exponent) to s, over Q'P */
    hel_switch_key relin;   /* s^2 -> s over Q, one digit per prime, no special primes */
    uint32_t **map;         /* [galois_count] automorphisms in NTT form */
    uint32_t *shift_by;     /* [galois_count]: child 1 + i of a step ends times X^-shift_by */
    uint32_t **shift;       /* [galois_count] NTT form of that monomial, total x N, times 2^32 */
    uint32_t **packed;      /* [steps] the step's keys as the fused loops read them, x 2^32 */
} hel_eval_keys;

hel_status hel_eval_keys_generate(hel_engine *engine, const hel_scheme *scheme,
                                  const hel_secret_key *k, hel_eval_keys **out);
/* For the container: the b halves only (the a halves follow from the seed). */
hel_status hel_eval_keys_encode_galois(hel_engine *engine, const hel_scheme *scheme,
                                       const hel_eval_keys *k, hel_buf *out);
hel_status hel_eval_keys_encode_relin(hel_engine *engine, const hel_scheme *scheme,
                                      const hel_eval_keys *k, hel_buf *out);
/* Residues are checked to be below their primes (HEL_E_FORMAT). */
hel_status hel_eval_keys_decode(hel_engine *engine, const hel_scheme *scheme,
                                const uint8_t key_id[16], const uint8_t seed[HEL_SEED_BYTES],
                                const uint8_t *galois, size_t galois_bytes, const uint8_t *relin,
                                size_t relin_bytes, hel_eval_keys **out);
void hel_eval_keys_free(hel_eval_keys *k);

/* Words of scratch that the functions below need per worker. */
size_t hel_keyswitch_scratch_words(const hel_scheme *scheme);

/* (out0, out1) = key switch of polynomial c (coefficient form, canonical, limbs 0..q_limbs-1), in
 * coefficient form over q_limbs limbs. out0, out1 distinct from c. Exact centred digits, exact
 * centred division by P. */
void hel_keyswitch(const hel_scheme *scheme, const hel_switch_key *key, const uint32_t *c,
                   uint32_t *out0, uint32_t *out1, uint32_t *scratch);

/* ---- encryption (encrypt.c) ---- */

/* State of one worker that encrypts under one pair of seeds: public seed of the file for the
 * uniform halves, fresh secret for the errors (never stored). */
typedef struct hel_encryptor hel_encryptor;
hel_status hel_encryptor_create(hel_engine *engine, hel_encryptor **out, const hel_scheme *scheme,
                                const hel_secret_key *k, const uint8_t public_seed[HEL_SEED_BYTES],
                                const uint8_t error_seed[HEL_SEED_BYTES]);
void hel_encryptor_free(hel_encryptor *e);

/* c0 = -a s + NTT(Da m + e) over the scan limbs, NTT form; a from (public seed, GENO_A, object).
 * m: N small integers, |m| <= plane_max, signs already applied. */
hel_status hel_encrypt_plane(hel_encryptor *e, uint64_t object, const int8_t *m, uint32_t *c0);

/* c0 over the expand limbs, NTT form, of the packed weights: coefficient bitrev(t) holds weight t,
 * t < count <= N, scaled by wz. a from (public seed, WEIGHT_A, object). */
hel_status hel_encrypt_weights(hel_encryptor *e, uint64_t object, const int32_t *w, uint32_t count,
                               uint32_t *c0);

/* The uniform half of any of them: `limbs` limbs, NTT form. scratch: 4 N bytes. */
hel_status hel_expand_uniform(const hel_scheme *scheme, hel_chacha *seed, hel_domain domain,
                              uint64_t object, uint32_t limbs, uint32_t *a, uint8_t *scratch);

/* Both seeds for a file: hedged, SHA-256-based derivation from the owner's secret, fresh system
 * randomness and a digest of what is encrypted. */
hel_status hel_fresh_seeds(hel_engine *engine, const hel_secret_key *k,
                           const uint8_t content[HEL_DIGEST_BYTES],
                           uint8_t public_seed[HEL_SEED_BYTES], uint8_t error_seed[HEL_SEED_BYTES]);

/* ---- oblivious expansion (expand.c), exactness.md B ---- */

/* Walks the tree over one packed ciphertext: weight t (t < count) comes out as an encryption of
 * the constant polynomial Dz w_t, over the scan limbs. Subtrees without a weight are skipped, so
 * `count` weights cost at most count - 1 + 2 log2(N) key switches. A leaf depends bit for bit on
 * the ciphertext and the keys only, not on `count`, `split` or threads. */
typedef struct hel_expander hel_expander;

/* Prepares a ciphertext: c0 (NTT form, expand limbs) and its seed; computes the nodes at depth
 * `split` so that groups of leaves can be expanded independently, in parallel. The tree advances
 * two levels at a time: `split` is raised to the next boundary of a step (lowered at the bottom),
 * and hel_expander_group_size says what came out. Uses the engine's threads. */
hel_status hel_expander_create(hel_engine *engine, hel_expander **out, const hel_scheme *scheme,
                               const hel_eval_keys *keys, const uint32_t *c0,
                               const uint8_t seed[HEL_SEED_BYTES], uint64_t object, uint32_t count,
                               uint32_t split);
void hel_expander_free(hel_expander *x);
uint32_t hel_expander_groups(const hel_expander *x);     /* with at least one weight */
uint32_t hel_expander_group_size(const hel_expander *x); /* leaves; at most N >> split, but >= 4 */
uint64_t hel_expander_switches(const hel_expander *x);   /* key switches done so far */
size_t hel_expander_scratch_words(const hel_expander *x);
size_t hel_expander_bytes(const hel_scheme *scheme, uint32_t split); /* memory of one expander */

/* Receives leaf t: z0, z1 over the scan limbs, NTT form, valid during the call only. */
typedef void (*hel_leaf_fn)(void *arg, uint32_t t, const uint32_t *z0, const uint32_t *z1);
/* Expands group i, leaves in ascending t. Thread-safe for distinct scratch. */
void hel_expander_run(const hel_expander *x, uint32_t group, uint32_t *scratch, hel_leaf_fn leaf,
                      void *arg);
/* Key switches that expanding `count` weights of one ciphertext costs. */
uint64_t hel_expander_cost(const hel_scheme *scheme, uint32_t count);

/* ---- outputs (output.c) ---- */

/* Degree-2 accumulators (d0, d1, d2 over the scan limbs, NTT form, canonical; destroyed) ->
 * relinearized and modulus-switched (r0, r1) over out_limbs, coefficient form. */
void hel_output_finish(const hel_scheme *scheme, const hel_switch_key *relin, uint32_t *d0,
                       uint32_t *d1, uint32_t *d2, uint32_t *r0, uint32_t *r1, uint32_t *scratch);

/* Exact sums: S[j] = round((r0 + r1 s) / out_scale), j < N. A residue that decodes outside of
 * +-limit makes it return HEL_E_VERIFY (no text: the caller has one verdict only). */
hel_status hel_decrypt_sums(hel_engine *engine, const hel_scheme *scheme, const hel_secret_key *k,
                            const uint32_t *r0, const uint32_t *r1, int64_t limit, int64_t *sums);

/* Degree-2 decryption before relinearization (tests, diagnostics with throw-away keys): the centred
 * phase d0 + d1 s + d2 s^2 modulo Q, NTT-form inputs. */
hel_status hel_phase_degree2(hel_engine *engine, const hel_scheme *scheme, const hel_secret_key *k,
                             const uint32_t *d0, const uint32_t *d1, const uint32_t *d2,
                             __int128 *phase);

/* ---- verification digests (freivalds.c), exactness.md G; arithmetic modulo 2^61 - 1 ---- */

#define HEL_FREIVALDS_P (((uint64_t)1 << 61) - 1)

/* rho_j, j < N, for (dataset, block, plane): uniform below p, keyed by the owner. */
hel_status hel_freivalds_rho(hel_engine *engine, const uint8_t key[32], uint64_t block,
                             uint32_t plane, uint32_t n, uint64_t *rho);
/* sum of rho_j m_j mod p over small integers |m_j| <= 127; in [0, p). One per (sample, plane,
 * block): the hot loop of encryption beside the NTT. */
uint64_t hel_freivalds_digest(const uint64_t *rho, const int8_t *m, uint32_t n);
/* sum of rho_j S_j mod p over 64-bit sums. */
uint64_t hel_freivalds_sums(const uint64_t *rho, const int64_t *sums, uint32_t n);
/* sum of w_i y_i mod p */
uint64_t hel_freivalds_weights(const int32_t *w, const uint64_t *y, size_t stride, uint32_t n);

#endif
