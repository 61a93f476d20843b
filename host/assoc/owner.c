/* Opening the owner's key and files. */
#include "host/assoc/owner.h"

#include <string.h>

#include "host/base/mem.h"
#include "host/store/keyfile.h"

static hel_status open_key(hel_engine *engine, hel_owner *owner, const char *path,
                           const uint8_t *params, size_t params_bytes, const uint8_t *secret,
                           size_t secret_bytes)
{
    hel_params p;
    HEL_TRY(hel_params_decode(engine, params, params_bytes, &p));
    HEL_TRY(hel_scheme_create(engine, &owner->scheme, &p));
    HEL_REQUIRE(engine, hel_equal(owner->scheme->digest, owner->head.params, HEL_DIGEST_BYTES),
                HEL_E_FORMAT, "%s: the parameters do not have the digest that the header states",
                path);
    HEL_TRY(hel_secret_key_decode(engine, owner->scheme, secret, secret_bytes, &owner->key));
    HEL_REQUIRE(engine, hel_equal(owner->key->key_id, owner->head.key_id, HEL_KEY_ID_BYTES),
                HEL_E_FORMAT, "%s: the secret section holds another key than the header states",
                path);
    return hel_owner_secret(engine, owner->key, "owner-only files", NULL, 0, owner->mac_key);
}

hel_status hel_owner_open(hel_engine *engine, hel_owner *owner, const char *path,
                          const char *passphrase)
{
    uint8_t *params = NULL, *secret = NULL;
    size_t params_bytes = 0, secret_bytes = 0;
    uint32_t rejections = 0;
    *owner = (hel_owner){0};
    HEL_REQUIRE(engine, path, HEL_E_USAGE, "no secret key was named (--key)");
    HEL_TRY(hel_keyfile_rejections(engine, path, &rejections));
    HEL_REQUIRE(engine, rejections < HEL_MAX_REJECTIONS, HEL_E_SECURITY,
                "%s: this key is retired after %u rejected results; generate a new key and "
                "encrypt again",
                path, rejections);
    hel_status status = hel_keyfile_read(engine, path, HEL_KIND_SECRET_KEY, &owner->head, &params,
                                         &params_bytes, &secret, &secret_bytes, passphrase);
    if (status == HEL_OK)
        status = open_key(engine, owner, path, params, params_bytes, secret, secret_bytes);
    hel_secret_free(secret);
    hel_free(params);
    if (status != HEL_OK)
        hel_owner_close(owner);
    return status;
}

void hel_owner_close(hel_owner *owner)
{
    hel_secret_key_free(owner->key);
    hel_scheme_free(owner->scheme);
    hel_wipe(owner, sizeof *owner);
}

static hel_status keyed_digest(hel_engine *engine, const hel_owner *owner, const char *label,
                               const hel_buf *text, uint8_t digest[HEL_DIGEST_BYTES])
{
    uint8_t key[32];
    hel_status status = hel_owner_secret(engine, owner->key, label, NULL, 0, key);
    if (status == HEL_OK)
        status = hel_hmac_sha256(engine, key, sizeof key, text->data, text->bytes, digest);
    hel_wipe(key, sizeof key);
    return status;
}

hel_status hel_digest_samples(hel_engine *engine, const hel_owner *owner, const hel_samples *s,
                              uint8_t digest[HEL_DIGEST_BYTES])
{
    hel_buf text = {0};
    hel_status status = HEL_OK;
    for (uint32_t i = 0; i < s->count && status == HEL_OK; i++) {
        status = hel_buf_put_string(engine, &text, s->item[i].fid);
        if (status == HEL_OK)
            status = hel_buf_put_string(engine, &text, s->item[i].iid);
    }
    if (status == HEL_OK)
        status = keyed_digest(engine, owner, "sample identities", &text, digest);
    hel_buf_free(&text);
    return status;
}

hel_status hel_digest_variants(hel_engine *engine, const hel_owner *owner, const hel_variants *v,
                               uint8_t digest[HEL_DIGEST_BYTES])
{
    hel_buf text = {0};
    hel_status status = hel_variants_encode(engine, v, &text);
    if (status == HEL_OK)
        status = keyed_digest(engine, owner, "variants", &text, digest);
    hel_buf_free(&text);
    return status;
}

hel_status hel_owner_reader(hel_engine *engine, hel_reader **out, const hel_owner *owner,
                            const char *path, hel_kind kind)
{
    HEL_REQUIRE(engine, path, HEL_E_USAGE, "no %s file was named", hel_kind_name(kind));
    HEL_TRY(hel_reader_open(engine, out, path, kind));
    const hel_head *head = hel_reader_head(*out);
    hel_status status = HEL_OK;
    if (!hel_equal(head->key_id, owner->head.key_id, HEL_KEY_ID_BYTES) ||
        !hel_equal(head->params, owner->head.params, HEL_DIGEST_BYTES))
        status =
            hel_fail(engine, HEL_E_MISMATCH, "%s: made under another key than the one given", path);
    if (status == HEL_OK)
        status = hel_reader_check_all(*out);
    if (status == HEL_OK)
        status = hel_reader_check_mac(*out, owner->mac_key);
    if (status != HEL_OK) {
        hel_reader_close(*out);
        *out = NULL;
    }
    return status;
}
