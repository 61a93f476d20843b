/* Filling, signing and writing a manifest. */
#include <math.h>
#include <string.h>

#include "host/base/clock.h"
#include "host/base/file.h"
#include "host/base/json_text.h"
#include "host/base/mem.h"
#include "host/store/manifest_private.h"

struct hel_manifest {
    hel_engine *engine;
    hel_status failed; /* the first failure */
    json_t *root;
    double began, clock_began; /* seconds since 1970, and of the monotonic clock */
    int timed;
    hel_outfile file;
    int finished;
};

static hel_status no_memory(hel_engine *engine)
{
    return hel_fail(engine, HEL_E_MEMORY, "memory: a manifest's text could not be allocated");
}

/* ---- members ---- */

/* Takes the reference of `value`; a NULL one, or no room for it, sticks. */
static void put(hel_manifest *m, json_t *object, const char *name, json_t *value)
{
    if (m->failed != HEL_OK || !object)
        json_decref(value);
    if (m->failed == HEL_OK && (!object || json_object_set_new(object, name, value) != 0))
        m->failed = no_memory(m->engine);
}

static void append(hel_manifest *m, const char *list, json_t *value)
{
    if (m->failed == HEL_OK && !json_object_get(m->root, list))
        put(m, m->root, list, json_array());
    if (m->failed != HEL_OK)
        json_decref(value);
    else if (json_array_append_new(json_object_get(m->root, list), value) != 0)
        m->failed = no_memory(m->engine);
}

static json_t *group_of(hel_manifest *m, const char *group)
{
    if (m->failed == HEL_OK && !json_object_get(m->root, group))
        put(m, m->root, group, json_object());
    return json_object_get(m->root, group);
}

/* Thousandths: what a clock or a ratio can answer for. */
static double thousandths(double value)
{
    return round(value * 1000) / 1000;
}

static json_t *hex_value(const void *data, size_t bytes)
{
    char hex[2 * HEL_DIGEST_BYTES + 1];
    hel_hex(hex, data, bytes < HEL_DIGEST_BYTES ? bytes : HEL_DIGEST_BYTES);
    return json_string(hex);
}

void hel_manifest_text(hel_manifest *m, const char *group, const char *name, const char *value)
{
    if (value && value[0])
        put(m, group_of(m, group), name, hel_json_text(m->engine, value));
}

void hel_manifest_count(hel_manifest *m, const char *group, const char *name, uint64_t value)
{
    /* JSON's integers end where signed ones of 64 bits do. */
    if (value <= INT64_MAX)
        put(m, group_of(m, group), name, json_integer((json_int_t)value));
}

void hel_manifest_real(hel_manifest *m, const char *group, const char *name, double value)
{
    if (isfinite(value))
        put(m, group_of(m, group), name, json_real(value));
}

void hel_manifest_flag(hel_manifest *m, const char *group, const char *name, int value)
{
    put(m, group_of(m, group), name, json_boolean(value));
}

void hel_manifest_digest(hel_manifest *m, const char *group, const char *name, const void *data,
                         size_t bytes)
{
    put(m, group_of(m, group), name, hex_value(data, bytes));
}

/* ---- the whole ---- */

static void add_environment(hel_manifest *m)
{
    put(m, m->root, "software", hel_software_json(m->engine));
    put(m, m->root, "host", hel_host_json(m->engine));
    json_t *slurm = hel_slurm_json();
    if (!slurm || json_object_size(slurm) > 0)
        put(m, m->root, "slurm", slurm);
    else
        json_decref(slurm);
    hel_manifest_text(m, "trace", "traceparent", hel_traceparent());
}

hel_status hel_manifest_create(hel_engine *engine, hel_manifest **out, const char *kind,
                               const char *command)
{
    hel_manifest *m;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &m, 1, sizeof *m));
    m->engine = engine;
    m->file.fd = -1;
    m->began = hel_time_now();
    m->clock_began = hel_clock_seconds();
    m->root = json_object();
    /* The order is that of the file, and the beginning is how a manifest is known. */
    put(m, m->root, "schema", json_string("heloci-manifest"));
    put(m, m->root, "version", json_integer(HEL_MANIFEST_VERSION));
    put(m, m->root, "kind", json_string(kind));
    put(m, m->root, "command", json_string(command));
    put(m, m->root, "signer", json_object());
    put(m, m->root, "subjects", json_array());
    put(m, m->root, "inputs", json_array());
    add_environment(m);
    const hel_status status = m->failed;
    if (status == HEL_OK)
        *out = m;
    else
        hel_manifest_free(m);
    return status;
}

void hel_manifest_free(hel_manifest *m)
{
    if (!m)
        return;
    hel_outfile_abort(&m->file);
    json_decref(m->root);
    hel_free(m);
}

/* ---- facts with a shape ---- */

void hel_manifest_params(hel_manifest *m, const hel_params *params)
{
    static const char group[] = "parameters";
    hel_params_proof proof;
    uint8_t digest[HEL_DIGEST_BYTES];
    if (m->failed == HEL_OK)
        m->failed = hel_params_check(m->engine, params, &proof);
    if (m->failed == HEL_OK)
        m->failed = hel_params_digest(m->engine, params, digest);
    if (m->failed != HEL_OK)
        return;
    hel_manifest_count(m, group, "log_n", params->log_n);
    hel_manifest_count(m, group, "scan_limbs", params->scan_limbs);
    hel_manifest_count(m, group, "expand_limbs", params->expand_limbs);
    hel_manifest_count(m, group, "special_limbs", params->special_limbs);
    hel_manifest_count(m, group, "weight_bits", params->weight_bits);
    hel_manifest_count(m, group, "chunk", params->chunk);
    hel_manifest_real(m, group, "log_qp", thousandths(proof.log_qp));
    hel_manifest_count(m, group, "security_bits", params->toy ? 0 : 128);
    hel_manifest_digest(m, group, "digest", digest, sizeof digest);
}

static void put_timing(hel_manifest *m, double started, double finished, double wall, double cpu)
{
    char text[HEL_TIME_BYTES];
    hel_time_text(text, started);
    hel_manifest_text(m, "timing", "started", text);
    hel_time_text(text, finished);
    hel_manifest_text(m, "timing", "finished", text);
    hel_manifest_real(m, "timing", "wall_seconds", thousandths(wall));
    if (cpu >= 0)
        hel_manifest_real(m, "timing", "cpu_seconds", thousandths(cpu));
    m->timed = 1;
}

void hel_manifest_timing(hel_manifest *m, double started, double wall, double cpu)
{
    put_timing(m, started, hel_time_now(), wall, cpu);
}

void hel_manifest_stage_add(hel_manifest *m, const hel_manifest_stage *stage)
{
    json_t *row = json_object();
    put(m, row, "name", json_string(stage->name));
    if (isfinite(stage->busy))
        put(m, row, "busy_seconds", json_real(thousandths(stage->busy)));
    if (stage->bytes && stage->bytes <= INT64_MAX)
        put(m, row, "bytes", json_integer((json_int_t)stage->bytes));
    if (stage->items && stage->items <= INT64_MAX)
        put(m, row, "items", json_integer((json_int_t)stage->items));
    if (stage->items && stage->unit)
        put(m, row, "unit", json_string(stage->unit));
    if (isfinite(stage->utilisation) && stage->utilisation >= 0)
        put(m, row, "utilisation", json_real(thousandths(stage->utilisation)));
    append(m, "stages", row);
}

void hel_manifest_resumed(hel_manifest *m, double time, uint64_t done, uint64_t total)
{
    char text[HEL_TIME_BYTES];
    json_t *row = json_object();
    hel_time_text(text, time);
    if (time > 0)
        put(m, row, "time", json_string(text));
    put(m, row, "done", json_integer((json_int_t)(done & INT64_MAX)));
    put(m, row, "total", json_integer((json_int_t)(total & INT64_MAX)));
    append(m, "resumptions", row);
}

/* ---- files ---- */

static json_t *input_of(hel_manifest *m, const char *role, const hel_reader *r)
{
    const hel_head *head = hel_reader_head(r);
    json_t *row = json_object();
    put(m, row, "role", json_string(role));
    put(m, row, "name", hel_json_text(m->engine, hel_file_name(hel_reader_path(r))));
    put(m, row, "bytes", json_integer((json_int_t)hel_reader_file_bytes(r)));
    put(m, row, "kind", json_string(hel_kind_name(head->kind)));
    put(m, row, "file_id", hex_value(head->file_id, sizeof head->file_id));
    if (!hel_kind_is_secret(head->kind)) /* it depends on checksums of secret bytes */
        put(m, row, "content", hex_value(hel_reader_content(r), HEL_DIGEST_BYTES));
    return row;
}

void hel_manifest_input(hel_manifest *m, const char *role, const hel_reader *r)
{
    append(m, "inputs", input_of(m, role, r));
}

hel_manifest_state hel_manifest_input_signed(hel_manifest *m, const char *role, const hel_reader *r)
{
    char *path = NULL;
    hel_manifest_file parent = {0};
    json_t *row = input_of(m, role, r);
    hel_manifest_state state = hel_manifest_check(hel_reader_path(r));
    if (state == HEL_MANIFEST_FITS &&
        (hel_path_join(NULL, &path, hel_reader_path(r), HEL_MANIFEST_SUFFIX) != HEL_OK ||
         hel_manifest_load(NULL, &parent, path) != HEL_OK))
        state = HEL_MANIFEST_BROKEN;
    if (state == HEL_MANIFEST_FITS) {
        json_t *signature = json_object();
        put(m, signature, "sha256", hex_value(parent.digest, sizeof parent.digest));
        put(m, signature, "key_id", json_string(parent.key_id));
        put(m, row, "manifest", signature);
    }
    append(m, "inputs", row);
    hel_manifest_drop(&parent);
    hel_free(path);
    return state;
}

void hel_manifest_subject(hel_manifest *m, const char *path, const char *name)
{
    uint64_t bytes = 0;
    uint8_t digest[HEL_DIGEST_BYTES] = {0};
    if (m->failed == HEL_OK)
        m->failed = hel_file_digest(m->engine, path, &bytes, digest);
    if (m->failed != HEL_OK)
        return;
    json_t *row = json_object();
    put(m, row, "name", hel_json_text(m->engine, hel_file_name(name ? name : path)));
    put(m, row, "bytes", json_integer((json_int_t)bytes));
    put(m, row, "sha256", hex_value(digest, sizeof digest));
    append(m, "subjects", row);
}

/* ---- signing and writing ---- */

hel_status hel_signature_line(hel_engine *engine, char line[HEL_SIGNATURE_LINE_BYTES],
                              const uint8_t public_key[HEL_ED25519_KEY_BYTES],
                              const uint8_t signature[HEL_ED25519_SIGNATURE_BYTES])
{
    char key[HEL_ED25519_TEXT_BYTES], id[HEL_ED25519_ID_BYTES];
    char value[HEL_SIGNATURE_TEXT_BYTES + 1], text[HEL_SIGNATURE_LINE_BYTES + 1];
    hel_base64(key, public_key, HEL_ED25519_KEY_BYTES);
    hel_base64(value, signature, HEL_ED25519_SIGNATURE_BYTES);
    HEL_TRY(hel_ed25519_id(engine, id, public_key));
    snprintf(text, sizeof text,
             HEL_SIGNATURE_HEAD "%s" HEL_SIGNATURE_ID "%s" HEL_SIGNATURE_VALUE
                                "%s" HEL_SIGNATURE_TAIL,
             key, id, value);
    memcpy(line, text, HEL_SIGNATURE_LINE_BYTES);
    return HEL_OK;
}

/* Both lines. */
static hel_status compose(hel_manifest *m, const hel_signer *signer, hel_buf *out)
{
    const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15);
    const size_t bytes = json_dumpb(m->root, NULL, 0, flags);
    uint8_t signature[HEL_ED25519_SIGNATURE_BYTES];
    char line[HEL_SIGNATURE_LINE_BYTES], *text;
    if (bytes == 0)
        return no_memory(m->engine);
    HEL_TRY(hel_malloc(m->engine, &text, bytes, 1));
    hel_status status =
        json_dumpb(m->root, text, bytes, flags) == bytes ? HEL_OK : no_memory(m->engine);
    if (status == HEL_OK)
        status = hel_signer_sign(m->engine, signer, text, bytes, signature);
    if (status == HEL_OK)
        status = hel_signature_line(m->engine, line, hel_signer_public(signer), signature);
    if (status == HEL_OK)
        status = hel_buf_put(m->engine, out, text, bytes);
    if (status == HEL_OK)
        status = hel_buf_put(m->engine, out, "\n", 1);
    if (status == HEL_OK)
        status = hel_buf_put(m->engine, out, line, sizeof line);
    hel_free(text);
    return status;
}

/* What no reader would take is not written. */
static hel_status write_checked(hel_manifest *m, const char *path, const hel_buf *text)
{
    hel_manifest_file again;
    HEL_TRY(hel_manifest_decode(m->engine, &again, path, text->data, text->bytes));
    hel_manifest_drop(&again);
    HEL_TRY(hel_outfile_open(m->engine, &m->file, path, 0644));
    HEL_TRY(hel_outfile_write(m->engine, &m->file, text->data, text->bytes));
    return hel_outfile_sync(m->engine, &m->file);
}

hel_status hel_manifest_finish(hel_manifest *m, const hel_signer *signer, const char *path)
{
    hel_buf text = {0};
    char *name = NULL;
    if (!m->timed)
        put_timing(m, m->began, hel_time_now(), hel_clock_seconds() - m->clock_began, -1);
    hel_manifest_text(m, "signer", "key_id", hel_signer_id(signer));
    hel_manifest_text(m, "signer", "key", hel_signer_origin_name(hel_signer_origin_of(signer)));
    if (m->failed == HEL_OK)
        m->failed = hel_path_join(m->engine, &name, path, HEL_MANIFEST_SUFFIX);
    if (m->failed == HEL_OK)
        m->failed = compose(m, signer, &text);
    if (m->failed == HEL_OK)
        m->failed = write_checked(m, name, &text);
    m->finished = m->failed == HEL_OK;
    hel_buf_free(&text);
    hel_free(name);
    return m->failed;
}

hel_status hel_manifest_commit(hel_manifest *m)
{
    HEL_TRY(m->failed);
    HEL_REQUIRE(m->engine, m->finished, HEL_E_INTERNAL, "a manifest that was not finished");
    m->finished = 0;
    m->failed = hel_outfile_commit(m->engine, &m->file);
    return m->failed;
}
