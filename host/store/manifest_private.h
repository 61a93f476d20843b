/* What the manifest's writer, reader, checker and explainer share. */
#ifndef HEL_STORE_MANIFEST_PRIVATE_H
#define HEL_STORE_MANIFEST_PRIVATE_H

#include <jansson.h>

#include "heloci/provenance.h"
#include "host/store/explain.h"
#include "host/store/manifest.h"

#define HEL_MANIFEST_VERSION 1
#define HEL_MANIFEST_PREFIX  "{\"schema\":\"heloci-manifest\""
#define HEL_MANIFEST_MOST    ((uint64_t)64 << 20) /* bytes of a manifest */
#define HEL_MANIFEST_DEPTH   16                   /* of nested objects and arrays */

/* ---- the second line ---- */

#define HEL_SIGNATURE_HEAD       "{\"signature\":{\"algorithm\":\"ed25519\",\"key\":\""
#define HEL_SIGNATURE_ID         "\",\"key_id\":\""
#define HEL_SIGNATURE_VALUE      "\",\"value\":\""
#define HEL_SIGNATURE_TAIL       "\"}}\n"
#define HEL_SIGNATURE_TEXT_BYTES 88 /* of base64 */
#define HEL_SIGNATURE_LINE_BYTES                                                                   \
    (sizeof HEL_SIGNATURE_HEAD + sizeof HEL_SIGNATURE_ID + sizeof HEL_SIGNATURE_VALUE +            \
     sizeof HEL_SIGNATURE_TAIL - 4 + HEL_ED25519_TEXT_BYTES - 1 + HEL_ED25519_ID_BYTES - 1 +       \
     HEL_SIGNATURE_TEXT_BYTES)

/* {"signature":{...}} and a line feed, without a final 0 byte. */
hel_status hel_signature_line(hel_engine *engine, char line[HEL_SIGNATURE_LINE_BYTES],
                              const uint8_t public_key[HEL_ED25519_KEY_BYTES],
                              const uint8_t signature[HEL_ED25519_SIGNATURE_BYTES]);
/* The reverse; 0 when the bytes are not what hel_signature_line writes for any key. */
int hel_signature_line_decode(hel_engine *engine, const uint8_t line[HEL_SIGNATURE_LINE_BYTES],
                              uint8_t public_key[HEL_ED25519_KEY_BYTES],
                              uint8_t signature[HEL_ED25519_SIGNATURE_BYTES]);

/* ---- facts that hold for any step ---- */

/* NULL without memory. */
json_t *hel_software_json(hel_engine *engine);
json_t *hel_host_json(hel_engine *engine);
json_t *hel_slurm_json(void); /* an empty object outside of a job */
/* Text with bytes that are no UTF-8 replaced; NULL without memory. */
json_t *hel_json_text(hel_engine *engine, const char *text);

/* A copy fit for a terminal, cut at `room`: what is no printable character becomes '?'. */
void hel_printable(char *out, size_t room, const char *text);

/* ---- reading ---- */

/* A manifest whose signature holds and whose required fields are there. */
typedef struct hel_manifest_file {
    hel_engine *engine;
    const char *path; /* borrowed; for error texts */
    json_t *root;
    uint8_t public_key[HEL_ED25519_KEY_BYTES];
    char key_id[HEL_ED25519_ID_BYTES];
    uint8_t digest[HEL_DIGEST_BYTES]; /* SHA-256 of both lines */
} hel_manifest_file;

/* HEL_E_FORMAT: not a manifest, or damaged; HEL_E_UNSUPPORTED: of a later version; HEL_E_VERIFY:
 * the signature does not hold. On failure nothing is left to drop. */
hel_status hel_manifest_decode(hel_engine *engine, hel_manifest_file *out, const char *path,
                               const uint8_t *data, size_t bytes);
hel_status hel_manifest_load(hel_engine *engine, hel_manifest_file *out, const char *path);
void hel_manifest_drop(hel_manifest_file *file); /* safe on a zeroed struct */

size_t hel_manifest_subjects(const hel_manifest_file *file);
const char *hel_manifest_subject_name(const hel_manifest_file *file, size_t i);
/* The subject that a file of this path would be; SIZE_MAX = none. */
size_t hel_manifest_find(const hel_manifest_file *file, const char *path);
/* The file at `path` has the bytes of subject i: HEL_OK, or HEL_E_MISMATCH. Reports progress. */
hel_status hel_manifest_compare(const hel_manifest_file *file, size_t i, const char *path);

hel_status hel_manifest_explain_file(const hel_explainer *to, const hel_manifest_file *file);

/* ---- hashing ---- */

/* SHA-256 of a whole file. */
hel_status hel_file_digest(hel_engine *engine, const char *path, uint64_t *bytes,
                           uint8_t digest[HEL_DIGEST_BYTES]);

#endif
