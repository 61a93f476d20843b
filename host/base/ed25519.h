/*
 * Signatures: Ed25519 (RFC 8032) through OpenSSL, and the text forms that travel with them. A
 * secret is the 32 bytes that the RFC calls the private key; callers keep it in hel_secret_alloc
 * memory.
 */
#ifndef HEL_BASE_ED25519_H
#define HEL_BASE_ED25519_H

#include "host/base/error.h"

#define HEL_ED25519_KEY_BYTES       32 /* secret and public alike */
#define HEL_ED25519_SIGNATURE_BYTES 64
#define HEL_ED25519_SPKI_BYTES      44 /* SubjectPublicKeyInfo in DER: a prefix and the key */
#define HEL_ED25519_ID_BYTES        17 /* 16 hexadecimal digits and a final 0 byte */
#define HEL_ED25519_TEXT_BYTES      45 /* a public key in base64, and a final 0 byte */

hel_status hel_ed25519_public(hel_engine *engine, const uint8_t secret[HEL_ED25519_KEY_BYTES],
                              uint8_t public_key[HEL_ED25519_KEY_BYTES]);
hel_status hel_ed25519_sign(hel_engine *engine, const uint8_t secret[HEL_ED25519_KEY_BYTES],
                            const void *data, size_t bytes,
                            uint8_t signature[HEL_ED25519_SIGNATURE_BYTES]);
/* Returns HEL_E_VERIFY without touching the error text when the signature does not fit. */
hel_status hel_ed25519_verify(hel_engine *engine, const uint8_t public_key[HEL_ED25519_KEY_BYTES],
                              const void *data, size_t bytes,
                              const uint8_t signature[HEL_ED25519_SIGNATURE_BYTES]);

/* RFC 8410. */
void hel_ed25519_spki(uint8_t der[HEL_ED25519_SPKI_BYTES],
                      const uint8_t public_key[HEL_ED25519_KEY_BYTES]);
/* Names a key: the first 16 hexadecimal digits of SHA-256 of its SubjectPublicKeyInfo. */
hel_status hel_ed25519_id(hel_engine *engine, char id[HEL_ED25519_ID_BYTES],
                          const uint8_t public_key[HEL_ED25519_KEY_BYTES]);

/* Base64 (RFC 4648, section 4) with a final 0 byte: out holds 4 ceil(bytes / 3) + 1. */
void hel_base64(char *out, const uint8_t *data, size_t bytes);
/* The one text that hel_base64 makes of `bytes` bytes, `length` characters long; 0 = it is not. At
 * most 96 bytes. */
int hel_base64_decode(uint8_t *out, size_t bytes, const char *text, size_t length);

#endif
