/* Keys of manifests: from files, from chance, from a secret. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "host/base/crypto.h"
#include "host/base/mem.h"
#include "host/store/signer.h"

#define FILE_MOST 16384 /* bytes of a key file */

struct hel_signer {
    uint8_t secret[HEL_ED25519_KEY_BYTES]; /* the whole struct is secret memory */
    uint8_t public_key[HEL_ED25519_KEY_BYTES];
    char id[HEL_ED25519_ID_BYTES];
    hel_signer_origin origin;
};

/* ---- files ---- */

static hel_status check_private(hel_engine *engine, const char *path, const struct stat *info)
{
    HEL_REQUIRE(engine, (info->st_mode & 077) == 0, HEL_E_PERMISSION,
                "%s: a signing key with mode %04o, which lets others in; use chmod 600", path,
                (unsigned)info->st_mode & 07777u);
    HEL_REQUIRE(engine, info->st_uid == geteuid() || geteuid() == 0, HEL_E_PERMISSION,
                "%s: a signing key that belongs to another user", path);
    return HEL_OK;
}

/* A file into text[0 .. FILE_MOST], with a final 0 byte. Not blocking: a pipe is refused. */
static hel_status read_file(hel_engine *engine, const char *path, int secret, char *text,
                            size_t *bytes)
{
    struct stat info;
    hel_status status = HEL_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return hel_fail_errno(engine, errno, "%s: cannot be opened", path);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > FILE_MOST)
        status = hel_fail(engine, HEL_E_INPUT, "%s: not a file of one key", path);
    if (status == HEL_OK && secret)
        status = check_private(engine, path, &info);
    *bytes = 0;
    while (status == HEL_OK && *bytes < FILE_MOST) {
        ssize_t got = read(fd, text + *bytes, FILE_MOST - *bytes);
        if (got == 0)
            break;
        if (got > 0)
            *bytes += (size_t)got;
        else if (errno != EINTR)
            status = hel_fail_errno(engine, errno, "%s: cannot be read", path);
    }
    text[*bytes] = 0;
    close(fd);
    return status;
}

/* The DER of the first PEM block, if called `name`; OPENSSL_secure_clear_free when done. */
static unsigned char *read_pem(const char *text, size_t bytes, const char *name, long *der_bytes)
{
    BIO *bio = BIO_new_mem_buf(text, (int)bytes);
    char *label = NULL, *header = NULL;
    unsigned char *der = NULL;
    *der_bytes = 0;
    if (bio && PEM_read_bio_ex(bio, &label, &header, &der, der_bytes, PEM_FLAG_SECURE) == 1 &&
        (strcmp(label, name) != 0 || header[0])) {
        OPENSSL_secure_clear_free(der, (size_t)*der_bytes);
        der = NULL;
    }
    OPENSSL_secure_free(label);
    OPENSSL_secure_free(header);
    BIO_free(bio);
    return der;
}

/* RFC 8410: PrivateKeyInfo whose octets are an OCTET STRING of the 32 bytes. */
static int decode_private(const unsigned char *der, long bytes, uint8_t *secret)
{
    const ASN1_OBJECT *algorithm = NULL;
    const unsigned char *octets = NULL, *at = der;
    int length = 0, good = 0;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, bytes);
    if (info && at == der + bytes &&
        PKCS8_pkey_get0(&algorithm, &octets, &length, NULL, info) == 1 &&
        OBJ_obj2nid(algorithm) == NID_ED25519 && length == HEL_ED25519_KEY_BYTES + 2 &&
        octets[0] == 0x04 && octets[1] == HEL_ED25519_KEY_BYTES) {
        memcpy(secret, octets + 2, HEL_ED25519_KEY_BYTES);
        good = 1;
    }
    PKCS8_PRIV_KEY_INFO_free(info); /* wipes the octets */
    return good;
}

static hel_status read_private(hel_engine *engine, const char *path, uint8_t *secret)
{
    char *text;
    size_t bytes;
    long der_bytes;
    HEL_TRY(hel_secret_alloc(engine, &text, FILE_MOST + 1));
    hel_status status = read_file(engine, path, 1, text, &bytes);
    if (status == HEL_OK) {
        ERR_set_mark();
        unsigned char *der = read_pem(text, bytes, "PRIVATE KEY", &der_bytes);
        if (!der || !decode_private(der, der_bytes, secret))
            status =
                hel_fail(engine, HEL_E_INPUT,
                         "%s: not a private key that can sign manifests: PEM, PKCS#8, Ed25519, "
                         "without a passphrase (openssl genpkey -algorithm ed25519)",
                         path);
        OPENSSL_secure_clear_free(der, der ? (size_t)der_bytes : 0);
        ERR_pop_to_mark();
    }
    hel_secret_free(text);
    return status;
}

/* ---- signers ---- */

static hel_status complete(hel_engine *engine, hel_signer *signer, hel_signer_origin origin)
{
    signer->origin = origin;
    HEL_TRY(hel_ed25519_public(engine, signer->secret, signer->public_key));
    return hel_ed25519_id(engine, signer->id, signer->public_key);
}

hel_status hel_signer_open(hel_engine *engine, hel_signer **out, const char *path)
{
    *out = NULL;
    hel_signer *signer;
    HEL_TRY(hel_secret_alloc(engine, &signer, sizeof *signer));
    hel_status status = path ? read_private(engine, path, signer->secret)
                             : hel_random(engine, signer->secret, sizeof signer->secret);
    if (status == HEL_OK)
        status = complete(engine, signer, path ? HEL_SIGNER_FILE : HEL_SIGNER_ONE_TIME);
    if (status == HEL_OK)
        *out = signer;
    else
        hel_signer_close(signer);
    return status;
}

hel_status hel_signer_derived(hel_engine *engine, hel_signer **out,
                              const uint8_t secret[HEL_ED25519_KEY_BYTES])
{
    *out = NULL;
    hel_signer *signer;
    HEL_TRY(hel_secret_alloc(engine, &signer, sizeof *signer));
    memcpy(signer->secret, secret, sizeof signer->secret);
    hel_status status = complete(engine, signer, HEL_SIGNER_OWNER);
    if (status == HEL_OK)
        *out = signer;
    else
        hel_signer_close(signer);
    return status;
}

void hel_signer_close(hel_signer *signer)
{
    hel_secret_free(signer);
}

hel_signer_origin hel_signer_origin_of(const hel_signer *signer)
{
    return signer->origin;
}

const char *hel_signer_origin_name(hel_signer_origin origin)
{
    static const char *const names[] = {"", "file", "one-time", "owner"};
    return names[origin];
}

const uint8_t *hel_signer_public(const hel_signer *signer)
{
    return signer->public_key;
}

const char *hel_signer_id(const hel_signer *signer)
{
    return signer->id;
}

hel_status hel_signer_sign(hel_engine *engine, const hel_signer *signer, const void *data,
                           size_t bytes, uint8_t signature[HEL_ED25519_SIGNATURE_BYTES])
{
    return hel_ed25519_sign(engine, signer->secret, data, bytes, signature);
}

/* ---- public keys ---- */

static int decode_public(const char *text, size_t bytes, uint8_t *public_key)
{
    long der_bytes;
    uint8_t again[HEL_ED25519_SPKI_BYTES];
    size_t length = bytes;
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        length--;
    if (hel_base64_decode(public_key, HEL_ED25519_KEY_BYTES, text, length))
        return 1;
    ERR_set_mark();
    unsigned char *der = read_pem(text, bytes, "PUBLIC KEY", &der_bytes);
    ERR_pop_to_mark();
    int good = der && der_bytes == HEL_ED25519_SPKI_BYTES;
    if (good) { /* the only encoding: a fixed prefix and the key */
        memcpy(public_key, der + HEL_ED25519_SPKI_BYTES - HEL_ED25519_KEY_BYTES,
               HEL_ED25519_KEY_BYTES);
        hel_ed25519_spki(again, public_key);
        good = memcmp(again, der, sizeof again) == 0;
    }
    OPENSSL_secure_free(der);
    return good;
}

hel_status hel_signer_wanted(hel_engine *engine, const char *text,
                             uint8_t public_key[HEL_ED25519_KEY_BYTES])
{
    char *content;
    size_t bytes;
    if (hel_base64_decode(public_key, HEL_ED25519_KEY_BYTES, text, strlen(text)))
        return HEL_OK;
    HEL_TRY(hel_malloc(engine, &content, FILE_MOST + 1, 1));
    hel_status status = read_file(engine, text, 0, content, &bytes);
    if (status == HEL_OK && !decode_public(content, bytes, public_key))
        status = hel_fail(engine, HEL_E_INPUT,
                          "%s: not an Ed25519 public key: PEM (openssl pkey -pubout), or base64 as "
                          "heloci prints it",
                          text);
    hel_free(content);
    return status;
}
