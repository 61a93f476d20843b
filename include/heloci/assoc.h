/**
 * @file assoc.h
 * @brief The four steps of an encrypted association scan, each from files to files.
 *
 *   owner   hel_encrypt   genotypes          -> <out>.geno (public) + <out>.private (owner)
 *   owner   hel_null      phenotypes         -> <out>.weights (public) + <out>.model (owner)
 *   centre  hel_scan      geno, weights, evk -> <out>.sums (public)
 *   owner   hel_decrypt   sums               -> tables, after every sum has been verified
 *
 * One encryption serves any number of later analyses, subsets and phenotypes. Strings are borrowed
 * for the duration of a call. Outputs appear whole or not at all.
 */
#ifndef HELOCI_ASSOC_H
#define HELOCI_ASSOC_H

#include "heloci/keys.h"
#include "heloci/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- encrypt ---- */

typedef struct hel_encrypt_config {
    uint32_t size;
    const char *bfile;                             /**< prefix of .bed, .bim, .fam */
    const char *key;                               /**< <x>.key */
    const char *passphrase;                        /**< for a sealed key */
    const char *out;                               /**< prefix */
    const char *keep, *remove, *extract, *exclude; /**< PLINK lists; NULL = all */
    int miss_plane;   /**< 1 = encrypt missingness as a third plane, keep no private list */
    hel_text_fn note; /**< receives what is about to be encrypted ("374 of 413 samples, ...")
                                 and warnings; may be NULL; non-zero return cancels */
    void *note_arg;
} hel_encrypt_config;

#define HEL_ENCRYPT_CONFIG_INIT                                                                    \
    {                                                                                              \
        sizeof(hel_encrypt_config), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL  \
    }

/** Encrypts a cohort: 12 bytes per genotype and plane at the default parameters (two planes, three
 *  with miss_plane). Variants with negative positions are skipped, as PLINK does. */
HEL_API HEL_MUST_CHECK hel_status hel_encrypt(hel_engine *engine, const hel_encrypt_config *config);

/* ---- null ---- */

typedef struct hel_null_config {
    uint32_t size;
    const char *data; /**< <x>.private of the encrypted cohort */
    const char *key;
    const char *passphrase;
    const char *out;
    const char *pheno, *pheno_name; /**< table; comma-separated columns (NULL = all). pheno NULL =
                                         the .fam file's sixth column as it was at encryption */
    const char *covar, *covar_name; /**< NULL = intercept only; NULL = all columns */
    const char *keep, *remove;
    int coding_01;        /**< 1 = --1: controls 0, cases 1 */
    int trait;            /**< 0 = as plink2 decides, 1 = linear, 2 = logistic */
    uint32_t max_columns; /**< budget; 0 = 256 */
    double max_vif;       /**< 0 = 50 */
    double max_corr;      /**< 0 = 0.999 */
    hel_text_fn plan;     /**< receives the plan before the work: T, P, columns, bytes, key
                                 switches; may be NULL; non-zero return cancels */
    void *plan_arg;
} hel_null_config;

#define HEL_NULL_CONFIG_INIT                                                                       \
    {                                                                                              \
        sizeof(hel_null_config), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, \
            0, 0, 0, NULL, NULL                                                                    \
    }

/** Fits the null models in clear and encrypts their quantised columns. */
HEL_API HEL_MUST_CHECK hel_status hel_null(hel_engine *engine, const hel_null_config *config);

/** As hel_null_config, but from a fileset's .fam and without a key. */
typedef struct hel_null_check_config {
    uint32_t size;
    const char *bfile;
    const char *encrypt_keep, *encrypt_remove; /**< lists that hel_encrypt would be given */
    const char *pheno, *pheno_name, *covar, *covar_name, *keep, *remove;
    int coding_01, trait;
    uint32_t max_columns;
    double max_vif, max_corr;
    int miss_plane;     /**< as hel_encrypt would be told */
    int missing_delete; /**< as hel_decrypt would be told */
} hel_null_check_config;

#define HEL_NULL_CHECK_CONFIG_INIT                                                                 \
    {                                                                                              \
        sizeof(hel_null_check_config), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, \
            0, 0, 0, 0, 0                                                                          \
    }

/** Fits the null models in clear and writes nothing: fails at once, in the words that hel_null and
 *  hel_decrypt would use after hours of encryption. */
HEL_API HEL_MUST_CHECK hel_status hel_null_check(hel_engine *engine,
                                                 const hel_null_check_config *config);

/* ---- scan ---- */

typedef struct hel_scan_config {
    uint32_t size;
    const char *geno;    /**< <x>.geno */
    const char *weights; /**< <x>.weights */
    const char *evk;     /**< <x>.evk */
    const char *out;     /**< prefix: <out>.sums */
    double verify;       /**< 0 to 1: the part of the work that is computed a second time, on the
                              CPU, and compared bit for bit; chosen at random, the first always.
                              Any difference is HEL_E_INTERNAL, with its place, and no sums */
    const char *sign;    /**< PEM file of the Ed25519 private key that signs <out>.sums.manifest;
                              NULL = a key drawn for this run */
} hel_scan_config;

#define HEL_SCAN_CONFIG_INIT                                                                       \
    {                                                                                              \
        sizeof(hel_scan_config), NULL, NULL, NULL, NULL, 0, NULL                                   \
    }

/** What a scan did; seconds are wall time, cpu_ seconds are those of all threads. */
typedef struct hel_scan_stats {
    uint64_t genotypes; /**< samples x variants, padding included */
    uint64_t key_switches;
    uint32_t passes; /**< times the weights were expanded (memory budget) */
    double cpu_expand, cpu_scan, cpu_output;
    double wall;
    uint64_t peak_buffers; /**< bytes of buffers at the most, in the host's memory */
    uint32_t on_device;    /**< 1: a device computed; then its memory and its seconds: */
    uint64_t device_bytes;
    double device_expand, device_scan, device_output, device_copy;
    uint64_t tiles, tiles_verified; /**< with verify: (tile of samples, block) of products */
    uint64_t sums, sums_verified;   /**< and finished blocks */
    double cpu_check;
} hel_scan_stats;

/** The encrypted scan, on the engine's backend; all give the same bytes. Holds no secret and reads
 *  none. Memory stays within the engine's budget whatever the file's size; HEL_E_MEMORY, with the
 *  smallest budget that works, when it cannot, or with what would fit on a device that has too
 *  little. A device that is lost on the way gives HEL_E_UNSUPPORTED and no file. <out>.sums comes
 *  with its manifest (provenance.h). */
HEL_API HEL_MUST_CHECK hel_status hel_scan(hel_engine *engine, const hel_scan_config *config,
                                           hel_scan_stats *stats);

/* ---- decrypt ---- */

#define HEL_OUT_PLINK2  1u
#define HEL_OUT_REGENIE 2u
#define HEL_OUT_SSF     4u

typedef struct hel_decrypt_config {
    uint32_t size;
    const char *sums;  /**< <x>.sums */
    const char *data;  /**< <x>.private */
    const char *model; /**< <x>.model */
    const char *key;
    const char *passphrase;
    const char *out;    /**< prefix of the tables */
    uint32_t formats;   /**< HEL_OUT_*; 0 = plink2 */
    int missing_delete; /**< 0 = mean imputation, 1 = deletion (linear; needs the private list) */
    int64_t min_mac;    /**< score test; -1 = 5 */
    double max_vif, max_corr; /**< 0 = 50, 0.999 */
    hel_text_fn table;        /**< receives the path of every table written (not of the manifest);
                                   may be NULL */
    void *table_arg;
} hel_decrypt_config;

#define HEL_DECRYPT_CONFIG_INIT                                                                    \
    {                                                                                              \
        sizeof(hel_decrypt_config), NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, -1, 0, 0, NULL, NULL \
    }

/** Decrypts, verifies every sum against the owner's private digests, and only then finishes and
 *  writes. Any mismatch, whatever its kind, is HEL_E_VERIFY with one generic text; the rejection is
 *  counted against the key, and a key with 3 rejections is refused (HEL_E_SECURITY).
 *  <out>.manifest speaks of all tables of the run and is signed by a key of the owner's, derived
 *  from the secret key (provenance.h). */
HEL_API HEL_MUST_CHECK hel_status hel_decrypt(hel_engine *engine, const hel_decrypt_config *config);

#ifdef __cplusplus
}
#endif

#endif
