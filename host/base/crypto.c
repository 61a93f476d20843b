/* OpenSSL 3 behind short names; every call's failure becomes a status. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "host/base/bytes.h"
#include "host/base/crypto.h"
#include "host/base/mem.h"

hel_status hel_random(hel_engine *engine, void *out, size_t bytes)
{
    if (RAND_priv_bytes_ex(NULL, out, bytes, 256) != 1)
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL gave no random bytes");
    return HEL_OK;
}

struct hel_sha256 {
    EVP_MD_CTX *context;
};

hel_status hel_sha256_create(hel_engine *engine, hel_sha256 **out)
{
    HEL_TRY(hel_calloc(engine, out, 1, sizeof **out));
    (*out)->context = EVP_MD_CTX_new();
    if (!(*out)->context || EVP_DigestInit_ex((*out)->context, EVP_sha256(), NULL) != 1) {
        hel_sha256_free(*out);
        *out = NULL;
        return hel_fail(engine, HEL_E_MEMORY, "OpenSSL: no SHA-256 context");
    }
    return HEL_OK;
}

void hel_sha256_update(hel_sha256 *h, const void *data, size_t bytes)
{
    EVP_DigestUpdate(h->context, data, bytes);
}

void hel_sha256_final(hel_sha256 *h, uint8_t digest[HEL_DIGEST_BYTES])
{
    EVP_DigestFinal_ex(h->context, digest, NULL);
    EVP_DigestInit_ex(h->context, EVP_sha256(), NULL);
}

void hel_sha256_free(hel_sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->context);
    hel_free(h);
}

hel_status hel_sha256_once(hel_engine *engine, const void *data, size_t bytes,
                           uint8_t digest[HEL_DIGEST_BYTES])
{
    if (EVP_Digest(data, bytes, digest, NULL, EVP_sha256(), NULL) != 1)
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL: SHA-256 failed");
    return HEL_OK;
}

hel_status hel_hmac_sha256(hel_engine *engine, const uint8_t *key, size_t key_bytes,
                           const void *data, size_t bytes, uint8_t mac[HEL_DIGEST_BYTES])
{
    if (!HMAC(EVP_sha256(), key, (int)key_bytes, data, bytes, mac, NULL))
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL: HMAC failed");
    return HEL_OK;
}

static hel_status derive(hel_engine *engine, const char *name, const OSSL_PARAM *params,
                         uint8_t *out, size_t out_bytes)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    int good = context && EVP_KDF_derive(context, out, out_bytes, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    if (!good)
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL: %s failed", name);
    return HEL_OK;
}

hel_status hel_hkdf(hel_engine *engine, const uint8_t *key, size_t key_bytes, const char *label,
                    const void *info, size_t info_bytes, uint8_t *out, size_t out_bytes)
{
    hel_buf context = {0};
    hel_status status = hel_buf_put_string(engine, &context, label);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &context, info, info_bytes);
    if (status == HEL_OK) {
        char digest[] = "SHA256";
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key,
                                              key_bytes),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, context.data, context.bytes),
            OSSL_PARAM_construct_end(),
        };
        status = derive(engine, "HKDF", params, out, out_bytes);
    }
    hel_buf_free_secret(&context); /* it may carry fresh seed material */
    return status;
}

hel_status hel_scrypt(hel_engine *engine, const char *passphrase, const uint8_t *salt,
                      size_t salt_bytes, uint32_t log_n, uint8_t *out, size_t out_bytes)
{
    uint64_t n = (uint64_t)1 << log_n, limit = (uint64_t)2 << 30;
    uint32_t r = 8, p = 1;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)passphrase,
                                          strlen(passphrase)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, salt_bytes),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &limit),
        OSSL_PARAM_construct_end(),
    };
    return derive(engine, "SCRYPT", params, out, out_bytes);
}

hel_status hel_gcm_seal(hel_engine *engine, const uint8_t key[32],
                        const uint8_t nonce[HEL_GCM_NONCE_BYTES], const void *aad, size_t aad_bytes,
                        const uint8_t *in, size_t bytes, uint8_t *out,
                        uint8_t tag[HEL_GCM_TAG_BYTES])
{
    int n = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int good = c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
               EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_bytes) == 1 &&
               EVP_EncryptUpdate(c, out, &n, in, (int)bytes) == 1 &&
               EVP_EncryptFinal_ex(c, out + n, &n) == 1 &&
               EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, HEL_GCM_TAG_BYTES, tag) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!good)
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL: AES-256-GCM failed");
    return HEL_OK;
}

hel_status hel_gcm_open(hel_engine *engine, const uint8_t key[32],
                        const uint8_t nonce[HEL_GCM_NONCE_BYTES], const void *aad, size_t aad_bytes,
                        const uint8_t *in, size_t bytes, uint8_t *out,
                        const uint8_t tag[HEL_GCM_TAG_BYTES])
{
    int n = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int ready = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
                EVP_DecryptUpdate(c, NULL, &n, aad, (int)aad_bytes) == 1 &&
                EVP_DecryptUpdate(c, out, &n, in, (int)bytes) == 1 &&
                EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, HEL_GCM_TAG_BYTES,
                                    (void *)(uintptr_t)tag) == 1;
    int good = ready && EVP_DecryptFinal_ex(c, out + n, &n) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!ready)
        return hel_fail(engine, HEL_E_INTERNAL, "OpenSSL: AES-256-GCM failed");
    if (!good)
        hel_wipe(out, bytes);
    return good ? HEL_OK : HEL_E_MISMATCH;
}

struct hel_chacha {
    EVP_CIPHER_CTX *context;
};

hel_status hel_chacha_create(hel_engine *engine, hel_chacha **out, const uint8_t key[32])
{
    HEL_TRY(hel_calloc(engine, out, 1, sizeof **out));
    (*out)->context = EVP_CIPHER_CTX_new();
    if (!(*out)->context ||
        EVP_EncryptInit_ex((*out)->context, EVP_chacha20(), NULL, key, NULL) != 1) {
        hel_chacha_free(*out);
        *out = NULL;
        return hel_fail(engine, HEL_E_MEMORY, "OpenSSL: no ChaCha20 context");
    }
    return HEL_OK;
}

hel_status hel_chacha_stream(hel_chacha *c, uint32_t counter, const uint32_t nonce[3], uint8_t *out,
                             size_t bytes)
{
    uint8_t iv[16]; /* OpenSSL's ChaCha20 takes the counter in front of the nonce */
    int n = 0;
    hel_put_u32(iv, counter);
    for (int i = 0; i < 3; i++)
        hel_put_u32(iv + 4 + 4 * i, nonce[i]);
    if (EVP_EncryptInit_ex(c->context, NULL, NULL, NULL, iv) != 1)
        return HEL_E_INTERNAL;
    memset(out, 0, bytes);
    while (bytes > 0) {
        size_t now = bytes < (1u << 30) ? bytes : (1u << 30);
        if (EVP_EncryptUpdate(c->context, out, &n, out, (int)now) != 1)
            return HEL_E_INTERNAL;
        out += now;
        bytes -= now;
    }
    return HEL_OK;
}

void hel_chacha_free(hel_chacha *c)
{
    if (!c)
        return;
    EVP_CIPHER_CTX_free(c->context); /* wipes the key schedule */
    hel_free(c);
}

void hel_hex(char *out, const uint8_t *data, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * bytes] = 0;
}

int hel_equal(const void *a, const void *b, size_t bytes)
{
    return CRYPTO_memcmp(a, b, bytes) == 0;
}
