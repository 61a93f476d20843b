/*
 * Who signs manifests (MANIFEST.md, "Keys"): the holder of a PEM file, a key drawn for one run, or
 * the owner's key, derived from a secret.
 */
#ifndef HEL_STORE_SIGNER_H
#define HEL_STORE_SIGNER_H

#include "host/base/ed25519.h"

typedef enum hel_signer_origin {
    HEL_SIGNER_FILE = 1,     /* "file": a private key that somebody keeps */
    HEL_SIGNER_ONE_TIME = 2, /* "one-time": forgotten at the end of the run; names nobody */
    HEL_SIGNER_OWNER = 3     /* "owner": derived from the owner's master secret */
} hel_signer_origin;

typedef struct hel_signer hel_signer;

/* The key of a PEM file as `openssl genpkey -algorithm ed25519` writes it (PKCS#8, not sealed). A
 * mode that gives group or others any right, or another user's file, is HEL_E_PERMISSION; anything
 * but one such key is HEL_E_INPUT. path NULL: a key drawn for this run. */
hel_status hel_signer_open(hel_engine *engine, hel_signer **out, const char *path);
/* The key whose secret is given; it is copied. */
hel_status hel_signer_derived(hel_engine *engine, hel_signer **out,
                              const uint8_t secret[HEL_ED25519_KEY_BYTES]);
void hel_signer_close(hel_signer *signer); /* wipes; NULL allowed */

hel_signer_origin hel_signer_origin_of(const hel_signer *signer);
const char *hel_signer_origin_name(hel_signer_origin origin);
const uint8_t *hel_signer_public(const hel_signer *signer);
const char *hel_signer_id(const hel_signer *signer); /* 16 hexadecimal digits */
hel_status hel_signer_sign(hel_engine *engine, const hel_signer *signer, const void *data,
                           size_t bytes, uint8_t signature[HEL_ED25519_SIGNATURE_BYTES]);

/* A public key named by `text`: in base64 (44 characters), or the path of a file that holds it in
 * base64 or as a PEM public key. HEL_E_INPUT when it is none of these. */
hel_status hel_signer_wanted(hel_engine *engine, const char *text,
                             uint8_t public_key[HEL_ED25519_KEY_BYTES]);

#endif
