/* Thin names over OpenSSL 3: randomness, SHA-256, HMAC, HKDF, scrypt, AES-256-GCM, ChaCha20. */
#ifndef HEL_BASE_CRYPTO_H
#define HEL_BASE_CRYPTO_H

#include "host/base/error.h"

#define HEL_DIGEST_BYTES 32
#define HEL_SEED_BYTES   32

/* Bytes from OpenSSL's private DRBG, seeded by the operating system. */
hel_status hel_random(hel_engine *engine, void *out, size_t bytes);

typedef struct hel_sha256 hel_sha256; /* running hash */
hel_status hel_sha256_create(hel_engine *engine, hel_sha256 **out);
void hel_sha256_update(hel_sha256 *h, const void *data, size_t bytes);
void hel_sha256_final(hel_sha256 *h, uint8_t digest[HEL_DIGEST_BYTES]); /* may restart after */
void hel_sha256_free(hel_sha256 *h);
hel_status hel_sha256_once(hel_engine *engine, const void *data, size_t bytes,
                           uint8_t digest[HEL_DIGEST_BYTES]);

hel_status hel_hmac_sha256(hel_engine *engine, const uint8_t *key, size_t key_bytes,
                           const void *data, size_t bytes, uint8_t mac[HEL_DIGEST_BYTES]);
/* HKDF-SHA256 (RFC 5869), no salt; `label` separates domains. */
hel_status hel_hkdf(hel_engine *engine, const uint8_t *key, size_t key_bytes, const char *label,
                    const void *info, size_t info_bytes, uint8_t *out, size_t out_bytes);
/* scrypt (RFC 7914) with N = 2^log_n, r = 8, p = 1. */
hel_status hel_scrypt(hel_engine *engine, const char *passphrase, const uint8_t *salt,
                      size_t salt_bytes, uint32_t log_n, uint8_t *out, size_t out_bytes);
#define HEL_GCM_NONCE_BYTES 12
#define HEL_GCM_TAG_BYTES   16
/* out may equal in. */
hel_status hel_gcm_seal(hel_engine *engine, const uint8_t key[32],
                        const uint8_t nonce[HEL_GCM_NONCE_BYTES], const void *aad, size_t aad_bytes,
                        const uint8_t *in, size_t bytes, uint8_t *out,
                        uint8_t tag[HEL_GCM_TAG_BYTES]);
/* Returns HEL_E_MISMATCH without touching the error text when the tag is wrong. */
hel_status hel_gcm_open(hel_engine *engine, const uint8_t key[32],
                        const uint8_t nonce[HEL_GCM_NONCE_BYTES], const void *aad, size_t aad_bytes,
                        const uint8_t *in, size_t bytes, uint8_t *out,
                        const uint8_t tag[HEL_GCM_TAG_BYTES]);

/* A ChaCha20 generator (RFC 8439): one key, any (counter, nonce). Not shared between threads. */
typedef struct hel_chacha hel_chacha;
hel_status hel_chacha_create(hel_engine *engine, hel_chacha **out, const uint8_t key[32]);
/* Key stream from block `counter` on; bytes may be any number. Little-endian word i of the nonce
 * is nonce[i]. Cannot fail once created, short of a broken OpenSSL (HEL_E_INTERNAL). */
hel_status hel_chacha_stream(hel_chacha *c, uint32_t counter, const uint32_t nonce[3], uint8_t *out,
                             size_t bytes);
void hel_chacha_free(hel_chacha *c);

/* Lower-case hexadecimal with a final 0 byte: out holds 2 x bytes + 1. */
void hel_hex(char *out, const uint8_t *data, size_t bytes);
/* Constant-time comparison; 1 when equal. */
int hel_equal(const void *a, const void *b, size_t bytes);

#endif
