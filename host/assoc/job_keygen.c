/* hel_keygen: a secret key file and the evaluation keys that the compute centre needs. */
#include <unistd.h>

#include "heloci/keys.h"
#include "host/assoc/layout.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/progress.h"
#include "host/ckks/exact/scheme.h"
#include "host/store/keyfile.h"

/* The public half, finished but not committed: *out. */
static hel_status write_eval_keys(hel_engine *engine, const char *path, const hel_head *key_head,
                                  const hel_scheme *scheme, const hel_secret_key *key,
                                  const hel_buf *params, hel_writer **out)
{
    hel_eval_keys *keys = NULL;
    hel_writer *writer = NULL;
    hel_buf galois = {0}, relin = {0};
    hel_head head = {.kind = HEL_KIND_EVAL_KEYS};
    memcpy(head.params, key_head->params, sizeof head.params);
    memcpy(head.key_id, key_head->key_id, sizeof head.key_id);
    hel_status status = hel_eval_keys_generate(engine, scheme, key, &keys);
    if (status == HEL_OK)
        status = hel_eval_keys_encode_galois(engine, scheme, keys, &galois);
    if (status == HEL_OK)
        status = hel_eval_keys_encode_relin(engine, scheme, keys, &relin);
    if (status == HEL_OK) {
        memcpy(head.seed, keys->seed, sizeof head.seed);
        status = hel_writer_open(engine, &writer, path, &head);
    }
    if (status == HEL_OK)
        status = hel_writer_put_section(writer, HEL_SECTION_PARAMS, params->data, params->bytes);
    if (status == HEL_OK)
        status = hel_writer_put_section(writer, HEL_SECTION_GALOIS, galois.data, galois.bytes);
    if (status == HEL_OK)
        status = hel_writer_put_section(writer, HEL_SECTION_RELIN, relin.data, relin.bytes);
    if (status == HEL_OK)
        status = hel_writer_finish(writer, NULL);
    if (status == HEL_OK) {
        *out = writer;
        writer = NULL;
    }
    hel_writer_abort(writer);
    hel_buf_free(&galois);
    hel_buf_free(&relin);
    hel_eval_keys_free(keys);
    return status;
}

static hel_status generate(hel_engine *engine, const hel_keygen_config *config,
                           const hel_scheme *scheme, const hel_params *params, const char *sk_path,
                           const char *evk_path)
{
    hel_secret_key *key = NULL;
    hel_writer *evk = NULL;
    hel_buf secret = {0}, encoded = {0};
    hel_head head = {.kind = HEL_KIND_SECRET_KEY};
    memcpy(head.params, scheme->digest, sizeof head.params);
    hel_status status = hel_params_encode(engine, params, &encoded);
    if (status == HEL_OK)
        status = hel_secret_key_generate(engine, scheme, &key);
    if (status == HEL_OK) {
        memcpy(head.key_id, key->key_id, sizeof head.key_id);
        status = hel_secret_key_encode(engine, key, &secret);
    }
    if (status == HEL_OK)
        status = hel_progress(engine, "keygen", 1, 3, "steps");
    /* The public half is whole on disk before the key appears: a secret key without it could not
     * be used, and would be in the way. */
    if (status == HEL_OK)
        status = write_eval_keys(engine, evk_path, &head, scheme, key, &encoded, &evk);
    if (status == HEL_OK)
        status = hel_progress(engine, "keygen", 2, 3, "steps");
    head.kind = HEL_KIND_SECRET_KEY;
    if (status == HEL_OK)
        status = hel_keyfile_write(engine, sk_path, &head, encoded.data, encoded.bytes, secret.data,
                                   secret.bytes, config->passphrase);
    if (status == HEL_OK) {
        status = hel_writer_commit(evk, NULL);
        evk = NULL;
    }
    hel_writer_abort(evk);
    if (status == HEL_OK)
        status = hel_progress(engine, "keygen", 3, 3, "steps");
    hel_secret_key_free(key);
    hel_buf_free_secret(&secret);
    hel_buf_free(&encoded);
    return status;
}

hel_status hel_keygen(hel_engine *engine, const hel_keygen_config *config)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config && config->out, HEL_E_USAGE,
                "keygen: no output prefix (--out)");
    hel_params params;
    if (config->params) {
        params = *config->params;
    } else {
        hel_params_request request = HEL_PARAMS_REQUEST_INIT;
        HEL_TRY(hel_params_search(engine, &request, &params));
    }
    HEL_REQUIRE(engine, params.plane_max >= 2, HEL_E_USAGE,
                "keygen: planes up to %u; copies of an allele reach 2 (--plane-max)",
                params.plane_max);
    HEL_REQUIRE(engine, params.chunk % HEL_SEGMENT == 0, HEL_E_USAGE,
                "keygen: chunks of %u samples; the rule is a multiple of %d (--chunk)",
                params.chunk, HEL_SEGMENT);
    hel_scheme *scheme = NULL;
    char *sk_path = NULL, *evk_path = NULL, *counter = NULL;
    hel_status status = hel_path_join(engine, &sk_path, config->out, ".key");
    if (status == HEL_OK)
        status = hel_path_join(engine, &evk_path, config->out, ".evk");
    if (status == HEL_OK && !config->overwrite && access(sk_path, F_OK) == 0)
        status =
            hel_fail(engine, HEL_E_USAGE,
                     "%s: exists already; a key is never overwritten unless asked to", sk_path);
    if (status == HEL_OK)
        status = hel_path_join(engine, &counter, sk_path, ".rejections");
    if (status == HEL_OK && !config->overwrite && access(counter, F_OK) == 0)
        status =
            hel_fail(engine, HEL_E_USAGE,
                     "%s: counts rejections of a key that was here; choose another name", counter);
    if (status == HEL_OK)
        status = hel_scheme_create(engine, &scheme, &params);
    if (status == HEL_OK)
        status = generate(engine, config, scheme, &params, sk_path, evk_path);
    if (status == HEL_OK) {
        hel_event_result(engine, sk_path);
        hel_event_result(engine, evk_path);
    }
    hel_scheme_free(scheme);
    hel_free(sk_path);
    hel_free(evk_path);
    hel_free(counter);
    return status;
}

hel_status hel_key_is_sealed(hel_engine *engine, const char *path, int *sealed)
{
    hel_error_clear(engine);
    return hel_keyfile_sealed(engine, path, sealed);
}
