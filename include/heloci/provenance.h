/**
 * @file provenance.h
 * @brief Where results come from: signed manifests beside them, and the build that made them.
 *
 * Every result X of hel_scan and of later steps has a manifest X.manifest; the tables of one
 * hel_decrypt share <out>.manifest. It names the files made, the files read, parameters, software
 * and machine, and is signed with Ed25519 (host/store/MANIFEST.md). A signature proves that the
 * holder of the key wrote the manifest and nothing was changed since; it does not prove that what
 * the holder wrote is true. That sums are right is proved by hel_decrypt, which believes no
 * manifest.
 */
#ifndef HELOCI_PROVENANCE_H
#define HELOCI_PROVENANCE_H

#include "heloci/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Who signed a manifest. Texts end with a 0 byte and are empty where nothing is known. */
typedef struct hel_signature {
    char key_id[17]; /**< first 16 hexadecimal digits of SHA-256 of the SubjectPublicKeyInfo */
    char key[45];    /**< public key, base64 */
    char origin[16]; /**< what the manifest says of the key: "file", "one-time", "owner" */
} hel_signature;

typedef struct hel_verify_config {
    uint32_t size;
    const char *path; /**< a container, a table, or a manifest */
    const char
        *signer; /**< NULL = any; else the key that must have signed: base64, or the path of a
                             file with it in base64 or PEM */
} hel_verify_config;

#define HEL_VERIFY_CONFIG_INIT                                                                     \
    {                                                                                              \
        sizeof(hel_verify_config), NULL, NULL                                                      \
    }

typedef struct hel_verify_report {
    int container;     /**< 1: a container, and every checksum in it holds */
    int manifest;      /**< 1: there is a manifest, signed, and the files are what it says */
    uint32_t subjects; /**< files that were compared with it */
    char name[256];    /**< the manifest's file name */
    hel_signature signature;
} hel_verify_report;

/** Checks a file: checksums where it is a container, and its manifest where there is one. That is
 *  <path>.manifest, or, for a table, <prefix>.manifest of its run; of a manifest itself all
 *  subjects beside it are checked. A missing manifest is no error unless a signer is asked for.
 *  HEL_E_FORMAT and HEL_E_MISMATCH (exit 65): damage, or a file that is not what its manifest says.
 *  HEL_E_VERIFY (exit 76): a signature that does not hold, another signer, or none. `report` may be
 *  NULL. */
HEL_API HEL_MUST_CHECK hel_status hel_verify(hel_engine *engine, const hel_verify_config *config,
                                             hel_verify_report *report);

/** Who signed the manifest at `path`, once its signature has been checked; its subjects are not
 *  looked at. */
HEL_API HEL_MUST_CHECK hel_status hel_manifest_signature(hel_engine *engine, const char *path,
                                                         hel_signature *out);

/** The library's build as one JSON object: version, commit, compiler, libraries, the digest of the
 *  security table. In one call of `out`. */
HEL_API HEL_MUST_CHECK hel_status hel_build_json(hel_engine *engine, hel_text_fn out, void *arg);

/** The trace context (W3C traceparent) that this process was given in HELOCI_TRACEPARENT or
 *  TRACEPARENT; NULL when there is none or it is malformed. */
HEL_API const char *hel_traceparent(void);

#ifdef __cplusplus
}
#endif

#endif
