/**
 * @file params.h
 * @brief Parameter sets, the pinned security table and the proof of exactness.
 *
 * A parameter set fixes the ring, the chain of primes and the two scales of the exact integer
 * encryption. It is chosen by a search that proves two inequalities for the worst data possible
 * (every genotype at its maximum, every weight at its maximum), never by hand:
 *
 *   range   2 n G 2^(b-1) Da Dz + Da Dz < Q
 *   noise   Da Dz / 2 >= tau sigma_E,  tau = 14  (failure below 2^-100 over everything released)
 *
 * Security: log2 of the largest modulus under which the secret appears (Q'P) must not exceed the
 * table of Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", IACR CiC
 * 2025, Table 5.2 (uniform ternary secret, sigma >= 3.19, 128 bits, classical).
 */
#ifndef HELOCI_PARAMS_H
#define HELOCI_PARAMS_H

#include "heloci/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A parameter set. A plain value; valid when hel_params_check() says so. */
typedef struct hel_params {
    uint32_t log_n;         /**< ring dimension N = 2^log_n, 10..17 */
    uint32_t scan_limbs;    /**< primes of the scan modulus Q (chain indices 0..scan_limbs-1) */
    uint32_t expand_limbs;  /**< primes of Q', under which packed weights are expanded */
    uint32_t special_limbs; /**< primes of P, the key-switching modulus; after those of Q' */
    uint32_t digit_limbs;   /**< primes per key-switching digit (alpha) */
    uint32_t out_limbs;     /**< primes left after the output modulus switch */
    uint32_t weight_bits;   /**< b: weights are integers in (-2^(b-1), 2^(b-1)) */
    uint32_t plane_max;     /**< G: largest absolute value of an encrypted plane entry */
    uint32_t chunk;         /**< samples whose products are summed before decryption */
    uint32_t da_shift;      /**< Da = q_last 2^da_shift; q_last = the last prime of Q */
    uint64_t dz;            /**< Dz, any positive integer */
    uint32_t toy;           /**< 1 = insecure test parameters; refused (HEL_E_SECURITY) unless
                                  the environment has HELOCI_ALLOW_TOY=1 */
} hel_params;

/** What hel_params_check() measured; logarithms are base 2. */
typedef struct hel_params_proof {
    double log_q, log_q_expand, log_qp, log_bound; /**< moduli and the table's limit */
    double range_bits; /**< log2(2 n G 2^(b-1) Da Dz + Da Dz), must stay below log_q */
    double sigma_e;    /**< predicted standard deviation of a sum's noise, worst case */
    double sigma_z;    /**< of an expanded weight's noise */
    double margin;     /**< Da Dz / (2 sigma_E), must be >= 14 */
    int secure, range_holds, noise_holds;
} hel_params_proof;

/** What a search is asked for; 0 = default. */
typedef struct hel_params_request {
    uint32_t size;        /**< sizeof(hel_params_request) */
    uint32_t weight_bits; /**< b, 8..24; default 20 */
    uint32_t plane_max;   /**< G; default 2 (hard calls) */
    uint32_t chunk;       /**< samples per chunk at the least; default 4096 */
    uint32_t log_n;       /**< force a ring; default: the smallest that works */
} hel_params_request;

#define HEL_PARAMS_REQUEST_INIT                                                                    \
    {                                                                                              \
        sizeof(hel_params_request), 0, 0, 0, 0                                                     \
    }

#define HEL_PARAMS_TAU   14.0
#define HEL_PARAMS_KAPPA 1.25

/** Smallest secure set that meets both conditions, scales chosen for the largest margin.
 *  HEL_E_SECURITY when there is none, saying which condition fails. */
HEL_API HEL_MUST_CHECK hel_status hel_params_search(hel_engine *engine,
                                                    const hel_params_request *request,
                                                    hel_params *out);

/** Fills *proof (may be NULL). HEL_OK when secure and exact; HEL_E_SECURITY beyond the table,
 *  HEL_E_USAGE for malformed sets or sets that are not provably exact. Toy sets skip
 *  security where they are allowed at all. */
HEL_API HEL_MUST_CHECK hel_status hel_params_check(hel_engine *engine, const hel_params *params,
                                                   hel_params_proof *proof);

/** Largest log2(QP) at 128 bits for N = 2^log_n by the pinned table; 0 where it has no row. */
HEL_API uint32_t hel_security_limit(uint32_t log_n);

/** SHA-256 of the canonical encoding; names a parameter set in every file. */
HEL_API HEL_MUST_CHECK hel_status hel_params_digest(hel_engine *engine, const hel_params *params,
                                                    uint8_t digest[32]);

#ifdef __cplusplus
}
#endif

#endif
