/* Ed25519 by OpenSSL's EVP. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "host/base/crypto.h"
#include "host/base/ed25519.h"

#define BASE64_MOST 96

hel_status hel_ed25519_public(hel_engine *engine, const uint8_t secret[HEL_ED25519_KEY_BYTES],
                              uint8_t public_key[HEL_ED25519_KEY_BYTES])
{
    size_t bytes = HEL_ED25519_KEY_BYTES;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, bytes);
    int good = key && EVP_PKEY_get_raw_public_key(key, public_key, &bytes) == 1 &&
               bytes == HEL_ED25519_KEY_BYTES;
    EVP_PKEY_free(key);
    if (!good)
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL: no Ed25519 key");
    return HEL_OK;
}

hel_status hel_ed25519_sign(hel_engine *engine, const uint8_t secret[HEL_ED25519_KEY_BYTES],
                            const void *data, size_t bytes,
                            uint8_t signature[HEL_ED25519_SIGNATURE_BYTES])
{
    size_t made = HEL_ED25519_SIGNATURE_BYTES;
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, HEL_ED25519_KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestSign(context, signature, &made, data, bytes) == 1 &&
               made == HEL_ED25519_SIGNATURE_BYTES;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key); /* wipes its copy of the secret */
    if (!good)
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL: Ed25519 signing failed");
    return HEL_OK;
}

hel_status hel_ed25519_verify(hel_engine *engine, const uint8_t public_key[HEL_ED25519_KEY_BYTES],
                              const void *data, size_t bytes,
                              const uint8_t signature[HEL_ED25519_SIGNATURE_BYTES])
{
    ERR_set_mark(); /* a wrong signature is an answer, not an error to leave behind */
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, HEL_ED25519_KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int ready = key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1;
    int good = ready &&
               EVP_DigestVerify(context, signature, HEL_ED25519_SIGNATURE_BYTES, data, bytes) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    if (!ready)
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL: Ed25519 verification failed");
    return good ? HEL_OK : HEL_E_VERIFY;
}

void hel_ed25519_spki(uint8_t der[HEL_ED25519_SPKI_BYTES],
                      const uint8_t public_key[HEL_ED25519_KEY_BYTES])
{
    /* SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING without unused bits } */
    static const uint8_t prefix[HEL_ED25519_SPKI_BYTES - HEL_ED25519_KEY_BYTES] = {
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    memcpy(der, prefix, sizeof prefix);
    memcpy(der + sizeof prefix, public_key, HEL_ED25519_KEY_BYTES);
}

hel_status hel_ed25519_id(hel_engine *engine, char id[HEL_ED25519_ID_BYTES],
                          const uint8_t public_key[HEL_ED25519_KEY_BYTES])
{
    uint8_t der[HEL_ED25519_SPKI_BYTES], digest[HEL_DIGEST_BYTES];
    hel_ed25519_spki(der, public_key);
    HEL_TRY(hel_sha256_once(engine, der, sizeof der, digest));
    hel_hex(id, digest, (HEL_ED25519_ID_BYTES - 1) / 2);
    return HEL_OK;
}

void hel_base64(char *out, const uint8_t *data, size_t bytes)
{
    EVP_EncodeBlock((unsigned char *)out, data, (int)bytes);
}

/* OpenSSL's decoder forgives blanks and stray bits; what it read is written again and compared. */
int hel_base64_decode(uint8_t *out, size_t bytes, const char *text, size_t length)
{
    uint8_t raw[BASE64_MOST + 3];
    char again[BASE64_MOST / 3 * 4 + 1];
    if (bytes > BASE64_MOST || length != (bytes + 2) / 3 * 4 ||
        EVP_DecodeBlock(raw, (const unsigned char *)text, (int)length) != (int)(length / 4 * 3))
        return 0;
    hel_base64(again, raw, bytes);
    if (memcmp(again, text, length) != 0)
        return 0;
    memcpy(out, raw, bytes);
    return 1;
}
