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

/** How genotypes are read: through the page cache or past it (O_DIRECT). */
typedef enum hel_io {
    HEL_IO_AUTO = 0, /**< past it when the file is larger than half of the memory */
    HEL_IO_BUFFERED = 1,
    HEL_IO_DIRECT = 2 /**< where the file system can and the file is aligned for it */
} hel_io;

#define HEL_DEVICES_ALL UINT32_MAX

typedef struct hel_scan_config {
    uint32_t size;
    const char *geno;       /**< <x>.geno */
    const char *weights;    /**< <x>.weights */
    const char *evk;        /**< <x>.evk */
    const char *out;        /**< prefix: <out>.sums */
    double verify;          /**< 0 to 1: the part of the work that is computed a second time, on the
                              CPU, and compared bit for bit; chosen at random, the first always.
                              Any difference is HEL_E_INTERNAL, with its place, and no sums */
    uint32_t shard, shards; /**< shards 0: everything. Else part `shard` (1 to shards) of the
                                 variants, to <out>.<shard>-of-<shards>.sums; one that is there
                                 already, whole and of these inputs, is left as it is */
    double checkpoint;      /**< seconds between checkpoints <out>[...].ckpt; 0 = 600; negative:
                                 none, and none is looked for */
    const uint32_t *devices; /**< numbers of the backend's devices that share the work. Borrowed */
    uint32_t device_count; /**< 0: the engine's device; HEL_DEVICES_ALL: all that the backend has */
    hel_io io;
    hel_text_fn note; /**< receives what should be known though it is no failure (a checkpoint that
                           was not used, one that could not be written); may be NULL */
    void *note_arg;
    hel_text_fn plan; /**< receives the plan before the work, a line at a time: shapes, memory, who
                           computes, and, from rates measured on the spot, what it will take; may be
                           NULL. Non-zero return cancels */
    void *plan_arg;
    int plan_only;    /**< 1: that is all; nothing is computed or written */
    const char *sign; /**< PEM file of the Ed25519 private key that signs the manifest of the sums;
                           NULL = a key drawn for this run */
} hel_scan_config;

#define HEL_SCAN_CONFIG_INIT                                                                       \
    {                                                                                              \
        sizeof(hel_scan_config), NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, HEL_IO_AUTO, NULL,   \
            NULL, NULL, NULL, 0, NULL                                                              \
    }

/** One stage of the pipeline, summed over its threads. */
typedef struct hel_scan_stage {
    const char *name; /**< a literal: "read" */
    double busy, cpu; /**< seconds: wall time inside the stage, processor time of it */
    uint64_t items;   /**< what `unit` says */
    uint64_t bytes;
    const char *unit; /**< "pieces", "weights", "genotypes", "sums", ... */
    uint32_t workers; /**< threads, or devices, that the stage may keep busy: utilisation is
                            busy / (workers x wall) */
} hel_scan_stage;

#define HEL_SCAN_STAGES 12

/** What the parts of a scan take, in seconds, by all workers of a backend together. */
typedef struct hel_scan_rates {
    double weight;     /**< one weight expanded */
    double ciphertext; /**< one packed ciphertext of weights made ready for that */
    double row;        /**< one genotype of one plane brought to its products */
    double product;    /**< one genotype times one weight, in one plane */
    double sum;        /**< one encrypted sum of N variants finished */
    double read;       /**< one byte read and checked, by one reader */
} hel_scan_rates;

/** What a scan did; seconds are wall time, cpu_ seconds are those of all threads. */
typedef struct hel_scan_stats {
    uint64_t genotypes; /**< samples x variants, padding included */
    uint64_t key_switches;
    uint32_t passes; /**< times the weights were expanded (memory budget) */
    double cpu_expand, cpu_scan, cpu_output;
    double wall;
    uint64_t peak_buffers; /**< bytes of buffers at the most, in the host's memory */
    uint32_t on_device;    /**< devices that computed; 0: the CPU did. Their memory and seconds: */
    uint64_t device_bytes;
    uint64_t device_room; /**< bytes of theirs that the plan could have used */
    double device_expand, device_scan, device_output, device_copy;
    uint64_t tiles, tiles_verified; /**< with verify: (tile of samples, block) of products */
    uint64_t sums, sums_verified;   /**< and finished blocks */
    double cpu_check;
    uint32_t already;     /**< 1: the shard was there, nothing was computed */
    uint32_t checkpoints; /**< written */
    uint64_t resumed;     /**< of the genotypes: done by an earlier process */
    uint32_t stages;      /**< entries of stage */
    hel_scan_stage stage[HEL_SCAN_STAGES];
    uint32_t direct_io; /**< 1: the page cache was bypassed */
    double forecast;    /**< with a plan: seconds that were predicted from `forecast_from` on, a
                             time counted like `wall` */
    double forecast_from;
    hel_scan_rates rates;      /**< with a plan: what a sample of the work took */
    uint32_t columns, outputs; /**< of weights; sums per variant */
} hel_scan_stats;

/** The encrypted scan, on the engine's backend; all give the same bytes, in one go, in shards or
 *  after any number of interruptions. Holds no secret and reads none. Memory stays within the
 *  engine's budget whatever the file's size; HEL_E_MEMORY, with the smallest budget that works,
 *  when it cannot, or with what would fit on a device that has too little. A device that is lost on
 *  the way gives HEL_E_UNSUPPORTED. What fails or is stopped leaves no sums; where a checkpoint had
 *  been written, it stays, with the <out>[...].sums.part that it speaks of, and the same call goes
 *  on from there. Sums come with their manifest, <out>[...].sums.manifest (provenance.h). */
HEL_API HEL_MUST_CHECK hel_status hel_scan(hel_engine *engine, const hel_scan_config *config,
                                           hel_scan_stats *stats);

/** A scan by one process as a pipeline on paper, in seconds. Spans of rows are read in order into
 *  slots, copied where there is a device, and multiplied in order; the weights of a step come
 *  before its products, the sums of a unit after them. */
typedef struct hel_scan_load {
    uint32_t size;
    uint32_t steps, spans;       /**< steps of a unit, spans of a step */
    uint64_t units;              /**< one after another */
    uint32_t slots;              /**< spans in memory at once */
    double begin;                /**< before anything */
    double read, copy, products; /**< of a span */
    double expand;               /**< of a step's weights */
    double finish;               /**< of a unit's sums */
} hel_scan_load;

#define HEL_SCAN_LOAD_INIT                                                                         \
    {                                                                                              \
        sizeof(hel_scan_load), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                        \
    }

typedef struct hel_scan_outlook {
    double wall;
    double read, copy, products, expand, finish; /**< at work */
    double starved;                              /**< the arithmetic waited for rows */
    double full;                                 /**< reading waited for a slot */
} hel_scan_outlook;

/** What that takes: the model behind `heloci scan --explain`. HEL_E_USAGE: a load that is
 *  malformed, holds a negative time, or has units of more than 2^24 spans. */
HEL_API HEL_MUST_CHECK hel_status hel_scan_forecast(hel_engine *engine, const hel_scan_load *load,
                                                    hel_scan_outlook *out);

/* ---- merge ---- */

typedef struct hel_merge_config {
    uint32_t size;
    const char *const *files; /**< partial sums, in any order */
    uint32_t count;
    const char *out;  /**< prefix: <out>.sums */
    const char *sign; /**< as in hel_scan_config */
} hel_merge_config;

#define HEL_MERGE_CONFIG_INIT                                                                      \
    {                                                                                              \
        sizeof(hel_merge_config), NULL, 0, NULL, NULL                                              \
    }

/** Joins shards: proves first that they are of one scan (inputs, keys, parameters) and that every
 *  variant is in exactly one of them, HEL_E_MISMATCH naming files and variants otherwise; then
 *  writes what one scan of everything writes, byte for byte, out of bytes whose checksums it has
 *  checked (HEL_E_FORMAT, and no file), with a manifest that names the parts and their manifests.
 *  A part whose manifest does not fit it is HEL_E_MISMATCH. */
HEL_API HEL_MUST_CHECK hel_status hel_merge(hel_engine *engine, const hel_merge_config *config);

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
