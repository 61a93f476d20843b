/*
 * CKKS objects in files: every kind is the section PARM and, but for parameters themselves, one
 * section OBJC with the object's bytes (FORMAT.md, kinds 9 to 14). Public: heloci/ckks.h.
 */
#include <unistd.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"
#include "host/store/container.h"
#include "host/store/keyfile.h"

/* ---- writing ---- */

/* object NULL: a file of parameters alone. */
static hel_status write_file(hel_engine *engine, const char *path, hel_head *head,
                             const hel_ckks_params *p, const hel_buf *object)
{
    hel_buf params = {0};
    hel_writer *w = NULL;
    hel_status status;
    HEL_TRY_GOTO(hel_ckks_params_encode(engine, p, &params), out);
    HEL_TRY_GOTO(hel_sha256_once(engine, params.data, params.bytes, head->params), out);
    HEL_TRY_GOTO(hel_writer_open(engine, &w, path, head), out);
    HEL_TRY_GOTO(hel_writer_put_section(w, HEL_SECTION_PARAMS, params.data, params.bytes), out);
    if (object)
        HEL_TRY_GOTO(hel_writer_put_section(w, HEL_SECTION_OBJECT, object->data, object->bytes),
                     out);
    status = hel_writer_commit(w, NULL);
    w = NULL;
out:
    hel_writer_abort(w);
    hel_buf_free(&params);
    return status;
}

/* seed and key_id may be NULL: the kind has none. */
static hel_status write_object(hel_ckks *c, const char *path, hel_kind kind, const uint8_t *seed,
                               const uint8_t *key_id, const hel_buf *object)
{
    hel_head head = {.kind = kind};
    if (seed)
        memcpy(head.seed, seed, sizeof head.seed);
    if (key_id)
        memcpy(head.key_id, key_id, sizeof head.key_id);
    return write_file(c->engine, path, &head, &c->context->params, object);
}

hel_status hel_ckks_params_save(hel_engine *engine, const char *path, const hel_ckks_params *p)
{
    hel_head head = {.kind = HEL_KIND_CKKS_PARAMS};
    hel_error_clear(engine);
    HEL_REQUIRE(engine, path && p, HEL_E_USAGE, "CKKS parameters: a path and a set are needed");
    HEL_TRY(hel_ckks_params_check(engine, p, NULL));
    return write_file(engine, path, &head, p, NULL);
}

static hel_status begin(hel_ckks *c, const char *path, const void *object)
{
    hel_error_clear(c->engine);
    HEL_REQUIRE(c->engine, path && object, HEL_E_USAGE, "CKKS: a path and an object are needed");
    return HEL_OK;
}

hel_status hel_ckks_secret_save(hel_ckks *c, const char *path, const hel_ckks_secret *secret,
                                const char *passphrase)
{
    hel_head head = {.kind = HEL_KIND_CKKS_SECRET};
    hel_buf object = {0}, params = {0};
    HEL_TRY(begin(c, path, secret));
    HEL_REQUIRE(c->engine, access(path, F_OK) != 0, HEL_E_USAGE,
                "%s: is there already; a secret key in the place of another makes what was "
                "encrypted under that one unreadable: remove it first",
                path);
    HEL_TRY(hel_ckks_check_secret(c, secret, NULL, path));
    memcpy(head.params, c->context->digest, sizeof head.params);
    memcpy(head.key_id, secret->key_id, sizeof head.key_id);
    hel_status status = hel_ckks_params_encode(c->engine, &c->context->params, &params);
    if (status == HEL_OK)
        status = hel_ckks_secret_encode(c->engine, secret, &object);
    if (status == HEL_OK)
        status = hel_keyfile_write(c->engine, path, &head, params.data, params.bytes, object.data,
                                   object.bytes, passphrase);
    hel_buf_free_secret(&object);
    hel_buf_free(&params);
    return status;
}

hel_status hel_ckks_public_save(hel_ckks *c, const char *path, const hel_ckks_public *key)
{
    hel_buf object = {0};
    HEL_TRY(begin(c, path, key));
    hel_status status = hel_ckks_public_encode(c, key, &object);
    if (status == HEL_OK)
        status = write_object(c, path, HEL_KIND_CKKS_PUBLIC, key->seed, key->key_id, &object);
    hel_buf_free(&object);
    return status;
}

hel_status hel_ckks_keys_save(hel_ckks *c, const char *path, const hel_ckks_keys *keys)
{
    hel_buf object = {0};
    HEL_TRY(begin(c, path, keys));
    hel_status status = hel_ckks_keys_encode(c, keys, &object);
    if (status == HEL_OK)
        status = write_object(c, path, HEL_KIND_CKKS_KEYS, keys->seed, keys->key_id, &object);
    hel_buf_free(&object);
    return status;
}

hel_status hel_ckks_plain_save(hel_ckks *c, const char *path, const hel_ckks_plain *plain)
{
    hel_buf object = {0};
    HEL_TRY(begin(c, path, plain));
    hel_status status = hel_ckks_plain_encode(c, plain, &object);
    if (status == HEL_OK)
        status = write_object(c, path, HEL_KIND_CKKS_PLAIN, NULL, NULL, &object);
    hel_buf_free_secret(&object);
    return status;
}

hel_status hel_ckks_cipher_save(hel_ckks *c, const char *path, const hel_ckks_cipher *cipher)
{
    hel_buf object = {0};
    HEL_TRY(begin(c, path, cipher));
    hel_status status = hel_ckks_cipher_encode(c, cipher, &object);
    if (status == HEL_OK)
        status = write_object(c, path, HEL_KIND_CKKS_CIPHER, cipher->seeded ? cipher->seed : NULL,
                              cipher->key_id, &object);
    hel_buf_free(&object);
    return status;
}

/* ---- reading ---- */

/* The text says which rule is broken; this says where. */
static hel_status in_file(hel_engine *engine, const char *path, hel_status status)
{
    if (status == HEL_E_USAGE || status == HEL_E_SECURITY) /* nobody asked for it: a bad file */
        status = HEL_E_FORMAT;
    return hel_name_file(engine, path, status);
}

/* PARM is what the header's digest names ... */
static hel_status check_digest(hel_engine *engine, const char *path, const hel_head *head,
                               const uint8_t *params, size_t bytes)
{
    uint8_t digest[HEL_DIGEST_BYTES];
    HEL_TRY(hel_sha256_once(engine, params, bytes, digest));
    HEL_REQUIRE(engine, hel_equal(digest, head->params, sizeof digest), HEL_E_FORMAT,
                "%s: the parameters do not have the digest that the header states", path);
    return HEL_OK;
}

/* ... and that names the context's set exactly. */
static hel_status check_params(hel_ckks *c, const char *path, const hel_head *head,
                               const uint8_t *params, size_t bytes)
{
    HEL_TRY(check_digest(c->engine, path, head, params, bytes));
    HEL_REQUIRE(c->engine, hel_equal(head->params, c->context->digest, HEL_DIGEST_BYTES),
                HEL_E_MISMATCH, "%s: made with other CKKS parameters than the context's", path);
    return HEL_OK;
}

/* Opens, checks every checksum and hands out the object. */
static hel_status open_object(hel_ckks *c, hel_reader **r, const char *path, hel_kind kind,
                              const uint8_t **data, size_t *bytes)
{
    uint64_t size = 0;
    *r = NULL;
    hel_error_clear(c->engine);
    HEL_REQUIRE(c->engine, path, HEL_E_USAGE, "CKKS: a path is needed");
    HEL_TRY(hel_reader_open(c->engine, r, path, kind));
    hel_status status = hel_reader_check_all(*r);
    if (status == HEL_OK)
        status = hel_reader_section(*r, HEL_SECTION_PARAMS, data, &size);
    if (status == HEL_OK)
        status = check_params(c, path, hel_reader_head(*r), *data, (size_t)size);
    if (status == HEL_OK)
        status = hel_reader_section(*r, HEL_SECTION_OBJECT, data, &size);
    *bytes = (size_t)size;
    if (status != HEL_OK) {
        hel_reader_close(*r);
        *r = NULL;
    }
    return status;
}

/* Header and object state the same thing twice. */
static hel_status must_agree(hel_engine *engine, const char *path, int agree, const char *what)
{
    HEL_REQUIRE(engine, agree, HEL_E_FORMAT, "%s: header and object differ in the %s", path, what);
    return HEL_OK;
}

static hel_status read_params(hel_reader *r, hel_engine *engine, const char *path,
                              hel_ckks_params *out)
{
    const hel_head *head = hel_reader_head(r);
    const uint8_t *data;
    uint64_t bytes;
    HEL_REQUIRE(engine, head->kind >= HEL_KIND_CKKS_PARAMS && head->kind <= HEL_KIND_CKKS_CIPHER,
                HEL_E_FORMAT, "%s: a file of kind '%s' has no CKKS parameters", path,
                hel_kind_name(head->kind));
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_PARAMS, &data, &bytes));
    HEL_TRY(check_digest(engine, path, head, data, (size_t)bytes));
    return in_file(engine, path, hel_ckks_params_decode(engine, data, (size_t)bytes, out));
}

hel_status hel_ckks_params_load(hel_engine *engine, const char *path, hel_ckks_params *out)
{
    hel_reader *r;
    hel_error_clear(engine);
    if (out)
        memset(out, 0, sizeof *out);
    HEL_REQUIRE(engine, path && out, HEL_E_USAGE, "CKKS parameters: a path and a set are needed");
    HEL_TRY(hel_reader_open(engine, &r, path, 0));
    hel_status status = read_params(r, engine, path, out);
    hel_reader_close(r);
    return status;
}

hel_status hel_ckks_secret_load(hel_ckks *c, const char *path, const char *passphrase,
                                hel_ckks_secret **out)
{
    hel_head head;
    uint8_t *params = NULL, *secret = NULL;
    size_t params_bytes = 0, bytes = 0;
    *out = NULL;
    hel_error_clear(c->engine);
    HEL_REQUIRE(c->engine, path, HEL_E_USAGE, "CKKS: a path is needed");
    hel_status status = hel_keyfile_read(c->engine, path, HEL_KIND_CKKS_SECRET, &head, &params,
                                         &params_bytes, &secret, &bytes, passphrase);
    if (status == HEL_OK)
        status = check_params(c, path, &head, params, params_bytes);
    if (status == HEL_OK) {
        status = in_file(c->engine, path, hel_ckks_secret_decode(c, secret, bytes, out));
        if (status == HEL_E_MISMATCH) /* with its own header, not with the context */
            status = HEL_E_FORMAT;
    }
    if (status == HEL_OK)
        status = must_agree(c->engine, path,
                            hel_equal((*out)->key_id, head.key_id, sizeof head.key_id), "key id");
    if (status != HEL_OK) {
        hel_ckks_secret_free(*out);
        *out = NULL;
    }
    hel_secret_free(secret);
    hel_free(params);
    return status;
}

hel_status hel_ckks_public_load(hel_ckks *c, const char *path, hel_ckks_public **out)
{
    hel_reader *r;
    const uint8_t *data;
    size_t bytes = 0;
    *out = NULL;
    HEL_TRY(open_object(c, &r, path, HEL_KIND_CKKS_PUBLIC, &data, &bytes));
    const hel_head *head = hel_reader_head(r);
    hel_status status = in_file(
        c->engine, path, hel_ckks_public_decode(c, data, bytes, head->seed, head->key_id, out));
    hel_reader_close(r);
    return status;
}

hel_status hel_ckks_keys_load(hel_ckks *c, const char *path, hel_ckks_keys **out)
{
    hel_reader *r;
    const uint8_t *data;
    size_t bytes = 0;
    *out = NULL;
    HEL_TRY(open_object(c, &r, path, HEL_KIND_CKKS_KEYS, &data, &bytes));
    const hel_head *head = hel_reader_head(r);
    hel_status status = in_file(
        c->engine, path, hel_ckks_keys_decode(c, data, bytes, head->seed, head->key_id, out));
    hel_reader_close(r);
    return status;
}

hel_status hel_ckks_plain_load(hel_ckks *c, const char *path, hel_ckks_plain *out)
{
    hel_reader *r;
    const uint8_t *data;
    size_t bytes = 0;
    hel_error_clear(c->engine);
    HEL_REQUIRE(c->engine, out, HEL_E_USAGE, "CKKS: a plaintext is needed");
    out->valid = 0;
    HEL_TRY(open_object(c, &r, path, HEL_KIND_CKKS_PLAIN, &data, &bytes));
    hel_status status = in_file(c->engine, path, hel_ckks_plain_decode(c, data, bytes, out));
    hel_reader_close(r);
    return status;
}

hel_status hel_ckks_cipher_load(hel_ckks *c, const char *path, hel_ckks_cipher *out)
{
    static const uint8_t none[HEL_SEED_BYTES];
    hel_reader *r;
    const uint8_t *data;
    size_t bytes = 0;
    hel_error_clear(c->engine);
    HEL_REQUIRE(c->engine, out, HEL_E_USAGE, "CKKS: a ciphertext is needed");
    out->valid = 0;
    HEL_TRY(open_object(c, &r, path, HEL_KIND_CKKS_CIPHER, &data, &bytes));
    const hel_head *head = hel_reader_head(r);
    hel_status status = in_file(c->engine, path, hel_ckks_cipher_decode(c, data, bytes, out));
    if (status == HEL_OK)
        status = must_agree(c->engine, path,
                            hel_equal(out->key_id, head->key_id, sizeof head->key_id), "key id");
    if (status == HEL_OK)
        status = must_agree(
            c->engine, path,
            hel_equal(out->seeded ? out->seed : none, head->seed, sizeof head->seed), "seed");
    out->valid = status == HEL_OK;
    hel_reader_close(r);
    return status;
}
