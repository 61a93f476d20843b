/*
 * The secret key at rest. Section SKEY is a prefix of 80 bytes and the key material, as it is or
 * as AES-256-GCM text under a key that scrypt makes from the passphrase (FORMAT.md, "Secret
 * key"). The rejection counter is a text file of equal lines: appending is the only change it ever
 * sees, so a crash can lose no earlier line.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/store/container_private.h"
#include "host/store/keyfile.h"
#include "host/store/keyfile_private.h"

#define SCRYPT_LOG_N      17u
#define SCRYPT_LOG_N_LOW  10u /* read, never written: test vectors */
#define SCRYPT_LOG_N_HIGH 20u /* 1 GiB: a forged prefix must not exhaust the machine */
#define MAX_SECRET_BYTES  ((uint64_t)1 << 30)

hel_status hel_sealing_decode(hel_engine *engine, hel_sealing *seal, const char *path,
                              const uint8_t *data, uint64_t bytes)
{
    HEL_REQUIRE(engine, bytes >= HEL_SEALING_BYTES, HEL_E_FORMAT,
                "%s: section SKEY: %llu bytes, its prefix alone has %u", path,
                (unsigned long long)bytes, HEL_SEALING_BYTES);
    *seal = (hel_sealing){
        .mode = hel_get_u32(data),
        .log_n = hel_get_u32(data + 4),
        .bytes = hel_get_u64(data + 8),
    };
    memcpy(seal->salt, data + 16, sizeof seal->salt);
    memcpy(seal->nonce, data + 48, sizeof seal->nonce);
    memcpy(seal->tag, data + 60, sizeof seal->tag);
    HEL_REQUIRE(engine, seal->mode <= HEL_SEALING_SCRYPT_GCM, HEL_E_FORMAT,
                "%s: section SKEY, byte 0: unknown way of sealing %u", path, seal->mode);
    HEL_REQUIRE(engine,
                seal->mode == HEL_SEALING_PLAIN
                    ? seal->log_n == 0
                    : seal->log_n >= SCRYPT_LOG_N_LOW && seal->log_n <= SCRYPT_LOG_N_HIGH,
                HEL_E_FORMAT, "%s: section SKEY, byte 4: scrypt cost 2^%u is out of range", path,
                seal->log_n);
    HEL_REQUIRE(engine, seal->bytes == bytes - HEL_SEALING_BYTES && seal->bytes <= MAX_SECRET_BYTES,
                HEL_E_FORMAT, "%s: section SKEY, byte 8: %llu key bytes stated, %llu present", path,
                (unsigned long long)seal->bytes, (unsigned long long)(bytes - HEL_SEALING_BYTES));
    for (int i = seal->mode == HEL_SEALING_PLAIN ? 16 : 76; i < (int)HEL_SEALING_BYTES; i++)
        HEL_REQUIRE(engine, data[i] == 0, HEL_E_FORMAT,
                    "%s: section SKEY, byte %d: unused byte is not zero", path, i);
    return HEL_OK;
}

static void encode(uint8_t raw[HEL_SEALING_BYTES], const hel_sealing *seal)
{
    memset(raw, 0, HEL_SEALING_BYTES);
    hel_put_u32(raw, seal->mode);
    hel_put_u32(raw + 4, seal->log_n);
    hel_put_u64(raw + 8, seal->bytes);
    memcpy(raw + 16, seal->salt, sizeof seal->salt);
    memcpy(raw + 48, seal->nonce, sizeof seal->nonce);
    memcpy(raw + 60, seal->tag, sizeof seal->tag);
}

/* Binds the sealed bytes to their header: parameters' digest, then key id. */
#define BOUND_BYTES (HEL_DIGEST_BYTES + HEL_KEY_ID_BYTES)
static void bound_data(uint8_t bound[BOUND_BYTES], const hel_head *head)
{
    memcpy(bound, head->params, HEL_DIGEST_BYTES);
    memcpy(bound + HEL_DIGEST_BYTES, head->key_id, HEL_KEY_ID_BYTES);
}

static hel_status seal_bytes(hel_engine *engine, hel_sealing *seal, uint8_t *out,
                             const hel_head *head, const uint8_t *secret, const char *passphrase)
{
    uint8_t *key, bound[BOUND_BYTES];
    seal->mode = HEL_SEALING_SCRYPT_GCM;
    seal->log_n = SCRYPT_LOG_N;
    bound_data(bound, head);
    HEL_TRY(hel_secret_alloc(engine, &key, 32));
    hel_status status = hel_random(engine, seal->salt, sizeof seal->salt);
    if (status == HEL_OK)
        status = hel_random(engine, seal->nonce, sizeof seal->nonce);
    if (status == HEL_OK)
        status =
            hel_scrypt(engine, passphrase, seal->salt, sizeof seal->salt, seal->log_n, key, 32);
    if (status == HEL_OK)
        status = hel_gcm_seal(engine, key, seal->nonce, bound, sizeof bound, secret,
                              (size_t)seal->bytes, out, seal->tag);
    hel_secret_free(key);
    return status;
}

hel_status hel_keyfile_write(hel_engine *engine, const char *path, hel_head *head,
                             const void *params, size_t params_bytes, const uint8_t *secret,
                             size_t bytes, const char *passphrase)
{
    hel_sealing seal = {.mode = HEL_SEALING_PLAIN, .bytes = bytes};
    uint8_t raw[HEL_SEALING_BYTES], *sealed = NULL;
    char *counter = NULL;
    hel_writer *w = NULL;
    HEL_REQUIRE(engine, bytes <= MAX_SECRET_BYTES, HEL_E_INTERNAL, "%s: %zu key bytes are too many",
                path, bytes);
    hel_status status = HEL_OK;
    if (passphrase && passphrase[0]) {
        HEL_TRY_GOTO(hel_malloc(engine, &sealed, bytes, 1), out);
        HEL_TRY_GOTO(seal_bytes(engine, &seal, sealed, head, secret, passphrase), out);
        secret = sealed;
    }
    encode(raw, &seal);
    HEL_TRY_GOTO(hel_path_join(engine, &counter, path, ".rejections"), out);
    HEL_TRY_GOTO(hel_writer_open(engine, &w, path, head), out);
    HEL_TRY_GOTO(hel_writer_put_section(w, HEL_SECTION_PARAMS, params, params_bytes), out);
    HEL_TRY_GOTO(hel_writer_section(w, HEL_SECTION_SECRET, 0), out);
    HEL_TRY_GOTO(hel_writer_put(w, raw, sizeof raw), out);
    HEL_TRY_GOTO(hel_writer_put(w, secret, bytes), out);
    status = hel_writer_commit(w, NULL);
    w = NULL;
    /* The counter of the key that was there. A crash before this leaves a new key with old
     * rejections: the safe side. Nothing allocates once the key has its name. */
    if (status == HEL_OK && unlink(counter) != 0 && errno != ENOENT)
        status = hel_fail_errno(engine, errno, "%s: cannot be removed", counter);
out:
    hel_writer_abort(w);
    hel_free(counter);
    hel_free(sealed);
    return status;
}

static hel_status open_bytes(hel_reader *r, const hel_sealing *seal, const uint8_t *data,
                             uint8_t *secret, const char *passphrase)
{
    hel_engine *engine = hel_reader_engine(r);
    uint8_t *key, bound[BOUND_BYTES];
    if (seal->mode == HEL_SEALING_PLAIN) {
        memcpy(secret, data, (size_t)seal->bytes);
        return HEL_OK;
    }
    HEL_REQUIRE(engine, passphrase && passphrase[0], HEL_E_MISMATCH,
                "%s: section SKEY: the key is sealed; its passphrase is needed",
                hel_reader_path(r));
    bound_data(bound, hel_reader_head(r));
    HEL_TRY(hel_secret_alloc(engine, &key, 32));
    hel_status status =
        hel_scrypt(engine, passphrase, seal->salt, sizeof seal->salt, seal->log_n, key, 32);
    if (status == HEL_OK)
        status = hel_gcm_open(engine, key, seal->nonce, bound, sizeof bound, data,
                              (size_t)seal->bytes, secret, seal->tag);
    if (status == HEL_E_MISMATCH)
        status =
            hel_fail(engine, HEL_E_MISMATCH,
                     "%s: section SKEY: the passphrase does not open this key", hel_reader_path(r));
    hel_secret_free(key);
    return status;
}

static hel_status copy_out(hel_reader *r, uint8_t **params, size_t *params_bytes, uint8_t **secret,
                           size_t *bytes, const char *passphrase)
{
    hel_engine *engine = hel_reader_engine(r);
    hel_sealing seal;
    const uint8_t *data;
    uint64_t size;
    HEL_TRY(hel_reader_check_all(r));
    HEL_TRY(hel_reader_section(r, HEL_SECTION_SECRET, &data, &size));
    HEL_TRY(hel_sealing_decode(engine, &seal, hel_reader_path(r), data, size));
    HEL_TRY(hel_secret_alloc(engine, secret, (size_t)seal.bytes));
    HEL_TRY(open_bytes(r, &seal, data + HEL_SEALING_BYTES, *secret, passphrase));
    *bytes = (size_t)seal.bytes;
    HEL_TRY(hel_reader_section(r, HEL_SECTION_PARAMS, &data, &size));
    HEL_TRY(hel_malloc(engine, params, (size_t)size, 1));
    memcpy(*params, data, (size_t)size);
    *params_bytes = (size_t)size;
    return HEL_OK;
}

hel_status hel_keyfile_read(hel_engine *engine, const char *path, hel_kind kind, hel_head *head,
                            uint8_t **params, size_t *params_bytes, uint8_t **secret, size_t *bytes,
                            const char *passphrase)
{
    hel_reader *r;
    *params = *secret = NULL;
    *params_bytes = *bytes = 0;
    HEL_TRY(hel_reader_open(engine, &r, path, kind));
    *head = *hel_reader_head(r);
    hel_status status = copy_out(r, params, params_bytes, secret, bytes, passphrase);
    hel_reader_close(r);
    if (status != HEL_OK) {
        hel_secret_free(*secret);
        hel_free(*params);
        *params = *secret = NULL;
        *params_bytes = *bytes = 0;
    }
    return status;
}

hel_status hel_keyfile_sealed(hel_engine *engine, const char *path, int *sealed)
{
    hel_reader *r;
    hel_sealing seal = {0};
    const uint8_t *data;
    uint64_t size;
    *sealed = 0;
    HEL_TRY(hel_reader_open(engine, &r, path, HEL_KIND_SECRET_KEY));
    hel_status status = hel_reader_checked(r, HEL_SECTION_SECRET, &data, &size);
    if (status == HEL_OK)
        status = hel_sealing_decode(engine, &seal, path, data, size);
    if (status == HEL_OK)
        *sealed = seal.mode != HEL_SEALING_PLAIN;
    hel_reader_close(r);
    return status;
}
