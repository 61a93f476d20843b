/* Signing keys: which files are taken, which are refused and why. */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/store/manifest_test.h"

enum { NOBODY = 65534 };

static char key_path[PATH_MAX + 32];

static void start(void)
{
    setup();
    snprintf(key_path, sizeof key_path, "%s/key.pem", dir.path);
}

TestSuite(signer, .init = start, .fini = teardown);

/* Writes a private key as `openssl genpkey` does; `cipher` NULL = not sealed. */
static void write_pem(EVP_PKEY *key, const EVP_CIPHER *cipher, mode_t mode)
{
    unlink(key_path);
    FILE *file = fopen(key_path, "w");
    cr_assert(file && PEM_write_PKCS8PrivateKey(file, key, cipher, "pass", cipher ? 4 : 0, NULL,
                                                NULL) == 1);
    fclose(file);
    cr_assert(chmod(key_path, mode) == 0);
}

static EVP_PKEY *ed25519_key(uint8_t c)
{
    uint8_t secret[32];
    memset(secret, c, sizeof secret);
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
}

/* The file is refused, its name said, and nothing is left. */
static void expect_refused(hel_status code, const char *text)
{
    hel_signer *signer = (hel_signer *)&signer;
    FAILS(code, text, hel_signer_open(engine, &signer, key_path));
    cr_assert(signer == NULL);
    cr_assert(strncmp(hel_engine_error(engine), key_path, strlen(key_path)) == 0);
    cr_assert(hel_mem_in_use() == 0);
}

Test(signer, a_pem_file)
{
    hel_signer *signer, *same = manifest_signer(5);
    uint8_t public_key[32], signature[64];
    size_t bytes = 32;
    EVP_PKEY *key = ed25519_key(5);
    static const mode_t modes[] = {0600, 0400};
    for (int i = 0; i < 2; i++) {
        write_pem(key, NULL, modes[i]);
        OK(hel_signer_open(engine, &signer, key_path));
        cr_assert(EVP_PKEY_get_raw_public_key(key, public_key, &bytes) == 1);
        cr_expect(memcmp(hel_signer_public(signer), public_key, 32) == 0);
        cr_expect(hel_signer_origin_of(signer) == HEL_SIGNER_FILE);
        cr_expect_str_eq(hel_signer_id(signer), hel_signer_id(same));
        OK(hel_signer_sign(engine, signer, "text", 4, signature));
        cr_expect(hel_ed25519_verify(NULL, public_key, "text", 4, signature) == HEL_OK);
        hel_signer_close(signer);
    }
    cr_expect(hel_signer_origin_of(same) == HEL_SIGNER_OWNER);
    hel_signer_close(same);
    hel_signer_close(NULL);
    EVP_PKEY_free(key);
    cr_expect(hel_mem_in_use() == 0);
}

Test(signer, one_time_keys_differ)
{
    hel_signer *a, *b;
    OK(hel_signer_open(engine, &a, NULL));
    OK(hel_signer_open(engine, &b, NULL));
    cr_expect(memcmp(hel_signer_public(a), hel_signer_public(b), 32) != 0);
    cr_expect_str_eq(hel_signer_origin_name(hel_signer_origin_of(a)), "one-time");
    hel_signer_close(a);
    hel_signer_close(b);
    cr_expect(hel_mem_in_use() == 0);
}

Test(signer, a_file_that_lets_others_in)
{
    EVP_PKEY *key = ed25519_key(5);
    for (mode_t bit = 1; bit <= 040; bit <<= 1) {
        write_pem(key, NULL, 0600 | bit);
        expect_refused(HEL_E_PERMISSION, "lets others in");
    }
    write_pem(key, NULL, 0600);
    if (geteuid() == 0) { /* root may use any file; others only their own */
        hel_signer *signer;
        cr_assert(chown(key_path, NOBODY, NOBODY) == 0);
        OK(hel_signer_open(engine, &signer, key_path));
        hel_signer_close(signer);
    }
    EVP_PKEY_free(key);
}

Test(signer, other_keys)
{
    EVP_PKEY *key = ed25519_key(5), *other;
    write_pem(key, EVP_aes_256_cbc(), 0600); /* and nobody is asked for its passphrase */
    expect_refused(HEL_E_INPUT, "without a passphrase");
    cr_assert((other = EVP_EC_gen("P-256")) != NULL);
    write_pem(other, NULL, 0600);
    expect_refused(HEL_E_INPUT, "Ed25519");
    EVP_PKEY_free(other);
    cr_assert((other = EVP_PKEY_Q_keygen(NULL, NULL, "X25519")) != NULL);
    write_pem(other, NULL, 0600);
    expect_refused(HEL_E_INPUT, "Ed25519");
    EVP_PKEY_free(other);
    unlink(key_path);
    FILE *file = fopen(key_path, "w");
    cr_assert(PEM_write_PUBKEY(file, key) == 1);
    fclose(file);
    cr_assert(chmod(key_path, 0600) == 0);
    expect_refused(HEL_E_INPUT, "not a private key");
    EVP_PKEY_free(key);
}

Test(signer, files_that_hold_no_key)
{
    static const char *const texts[] = {
        "",
        "key",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE "
        "KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        unlink(key_path);
        test_write_file(key_path, texts[i], strlen(texts[i]), 0600);
        expect_refused(HEL_E_INPUT, "not a private key");
    }
    char *large = calloc(1, 20000);
    test_write_file(key_path, large, 20000, 0600);
    expect_refused(HEL_E_INPUT, "not a file of one key");
    free(large);
    unlink(key_path);
    expect_refused(HEL_E_IO, "cannot be opened");
    cr_assert(mkfifo(key_path, 0600) == 0); /* not waited for */
    expect_refused(HEL_E_INPUT, "not a file of one key");
    unlink(key_path);
    cr_assert(mkdir(key_path, 0700) == 0);
    expect_refused(HEL_E_INPUT, "not a file of one key");
    rmdir(key_path);
}

/* Every byte of the file changed in every bit: another key, the same key, or a clear refusal. */
Test(signer, damaged_files)
{
    size_t bytes;
    hel_signer *signer;
    EVP_PKEY *key = ed25519_key(5);
    write_pem(key, NULL, 0600);
    uint8_t *pem = test_read_file(key_path, &bytes);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        pem[bit / 8] ^= (uint8_t)(1u << bit % 8);
        test_write_file(key_path, pem, bytes, 0600);
        hel_status status = hel_signer_open(engine, &signer, key_path);
        cr_assert(status == HEL_OK || status == HEL_E_INPUT, "bit %zu: %s", bit,
                  hel_status_name(status));
        hel_signer_close(signer);
        pem[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n + 1 < bytes; n++) { /* the last line feed is not missed */
        test_write_file(key_path, pem, n, 0600);
        cr_assert(hel_signer_open(engine, &signer, key_path) == HEL_E_INPUT || n + 2 >= bytes,
                  "%zu bytes", n);
        hel_signer_close(signer);
    }
    free(pem);
    EVP_PKEY_free(key);
    cr_expect(hel_mem_in_use() == 0);
}

Test(signer, wanted_keys)
{
    uint8_t public_key[32];
    char text[45];
    hel_signer *signer = manifest_signer(5);
    hel_base64(text, hel_signer_public(signer), 32);
    OK(hel_signer_wanted(engine, text, public_key));
    cr_expect(memcmp(public_key, hel_signer_public(signer), 32) == 0);
    EVP_PKEY *key = ed25519_key(5), *other = EVP_EC_gen("P-256");
    FILE *file = fopen(key_path, "w");
    cr_assert(PEM_write_PUBKEY(file, key) == 1);
    fclose(file);
    memset(public_key, 0, 32);
    OK(hel_signer_wanted(engine, key_path, public_key));
    cr_expect(memcmp(public_key, hel_signer_public(signer), 32) == 0);
    file = fopen(key_path, "w");
    cr_assert(PEM_write_PUBKEY(file, other) == 1);
    fclose(file);
    FAILS(HEL_E_INPUT, "not an Ed25519 public key",
          hel_signer_wanted(engine, key_path, public_key));
    write_pem(key, NULL, 0600); /* a private key is not asked for */
    FAILS(HEL_E_INPUT, "not an Ed25519 public key",
          hel_signer_wanted(engine, key_path, public_key));
    text[43] = 'A';
    FAILS(HEL_E_IO, "cannot be opened", hel_signer_wanted(engine, text, public_key));
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    hel_signer_close(signer);
    cr_expect(hel_mem_in_use() == 0);
}
