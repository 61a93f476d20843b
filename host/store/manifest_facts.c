/*
 * What holds for any step: software, machine, batch job, trace context. Nothing here names a user;
 * of the environment only values that look as they should are taken.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "heloci/version.h"
#include "host/base/build_info.h"
#include "host/base/json_text.h"
#include "host/base/mem.h"
#include "host/ckks/security.h"
#include "host/store/manifest_private.h"

#define TRACEPARENT_BYTES 55 /* of version 00 */

json_t *hel_json_text(hel_engine *engine, const char *text)
{
    hel_buf clean = {0};
    json_t *value = NULL;
    if (hel_utf8_clean(engine, &clean, text) == HEL_OK)
        value = json_stringn_nocheck(clean.data ? (const char *)clean.data : "", clean.bytes);
    hel_buf_free(&clean);
    return value;
}

/* Adds a text that is not empty; 0 = no memory. */
static int add_text(hel_engine *engine, json_t *object, const char *name, const char *text)
{
    return !text || !text[0] || json_object_set_new(object, name, hel_json_text(engine, text)) == 0;
}

static json_t *drop_unless(int good, json_t *object)
{
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

json_t *hel_software_json(hel_engine *engine)
{
    json_t *s = json_object();
    return drop_unless(s && add_text(engine, s, "name", "heloci") &&
                           add_text(engine, s, "version", hel_version()) &&
                           add_text(engine, s, "commit", hel_build_commit) &&
                           add_text(engine, s, "compiler", hel_build_compiler()) &&
                           add_text(engine, s, "build_type", hel_build_type()) &&
                           add_text(engine, s, "sanitizer", hel_build_sanitizer()) &&
                           add_text(engine, s, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING)),
                       s);
}

/* ---- the machine ---- */

static void cpu_model(char *out, size_t room)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");
    out[0] = 0;
    while (file && !out[0] && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, room, "%s", colon + 1 + strspn(colon + 1, " "));
    }
    if (file)
        fclose(file);
}

json_t *hel_host_json(hel_engine *engine)
{
    json_t *h = json_object();
    struct utsname u = {0};
    char cpu[256], kernel[2 * sizeof u.release + 2];
    (void)uname(&u);
    cpu_model(cpu, sizeof cpu);
    snprintf(kernel, sizeof kernel, "%s %s", u.sysname, u.release);
    return drop_unless(
        h && add_text(engine, h, "name", u.nodename) && add_text(engine, h, "kernel", kernel) &&
            add_text(engine, h, "machine", u.machine) && add_text(engine, h, "cpu", cpu) &&
            json_object_set_new(h, "threads", json_integer(hel_engine_threads(engine))) == 0 &&
            json_object_set_new(
                h, "memory_budget",
                json_integer((json_int_t)(hel_engine_memory(engine) & INT64_MAX))) == 0,
        h);
}

/* ---- the batch job ---- */

/* A number below 10^15, as Slurm's are; -1 = unset or something else. */
static json_int_t environment_number(const char *name)
{
    const char *text = getenv(name);
    const size_t length = text ? strlen(text) : 0;
    if (length == 0 || length > 15 || strspn(text, "0123456789") != length)
        return -1;
    return (json_int_t)strtoll(text, NULL, 10);
}

json_t *hel_slurm_json(void)
{
    static const struct {
        const char *variable, *name;
    } rows[] = {{"SLURM_JOB_ID", "job_id"},
                {"SLURM_ARRAY_JOB_ID", "array_job_id"},
                {"SLURM_ARRAY_TASK_ID", "array_task_id"},
                {"SLURM_PROCID", "task"},
                {"SLURM_RESTART_COUNT", "restart_count"}};
    json_t *s = json_object();
    int good = s != NULL;
    for (size_t i = 0; good && i < sizeof rows / sizeof rows[0]; i++) {
        const json_int_t value = environment_number(rows[i].variable);
        good = value < 0 || json_object_set_new(s, rows[i].name, json_integer(value)) == 0;
    }
    return drop_unless(good, s);
}

/* ---- trace context ---- */

/* 00-<32>-<16>-<2>, lower-case hexadecimal, ids not zero; of a later version (not ff) more may
 * follow behind a dash, and is taken along. */
static int is_traceparent(const char *text)
{
    static const char form[] = "00-00000000000000000000000000000000-0000000000000000-00";
    if (strnlen(text, 256) < TRACEPARENT_BYTES || strnlen(text, 256) == 256)
        return 0;
    for (size_t i = 0; i < TRACEPARENT_BYTES; i++)
        if (form[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
            return 0;
    for (size_t i = TRACEPARENT_BYTES; text[i]; i++)
        if (text[i] < 0x21 || text[i] > 0x7e)
            return 0;
    const int first = strncmp(text, "00", 2) == 0, forbidden = strncmp(text, "ff", 2) == 0;
    return !forbidden && (text[TRACEPARENT_BYTES] == 0 || (!first && text[55] == '-')) &&
           strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}

const char *hel_traceparent(void)
{
    static const char *const variables[] = {"HELOCI_TRACEPARENT", "TRACEPARENT"};
    for (size_t i = 0; i < 2; i++) {
        const char *text = getenv(variables[i]);
        if (text && is_traceparent(text))
            return text;
    }
    return NULL;
}

/* ---- the build ---- */

static json_t *features_json(void)
{
    json_t *list = json_array();
    int good = list && json_array_append_new(list, json_string("portable")) == 0;
#if defined(__x86_64__)
    good = good && json_array_append_new(list, json_string("avx2")) == 0 &&
           json_array_append_new(list, json_string("avx512")) == 0;
#endif
    if (hel_build_cuda()[0])
        good = good && json_array_append_new(list, json_string("cuda")) == 0;
    return drop_unless(good, list);
}

static json_t *cuda_json(void)
{
    json_t *list = json_array();
    int good = list != NULL;
    for (const char *at = hel_build_cuda(); good && *at; at += strspn(at, " ")) {
        const size_t length = strcspn(at, " ");
        good = json_array_append_new(list, json_stringn(at, length)) == 0;
        at += length;
    }
    return drop_unless(good, list);
}

static json_t *build_json(hel_engine *engine, const uint8_t table[HEL_DIGEST_BYTES])
{
    char hex[2 * HEL_DIGEST_BYTES + 1];
    json_t *b = hel_software_json(engine);
    hel_hex(hex, table, HEL_DIGEST_BYTES);
    return drop_unless(
        b && add_text(engine, b, "jansson", jansson_version_str()) &&
            json_object_set_new(b, "features", features_json()) == 0 &&
            json_object_set_new(b, "cuda_architectures", cuda_json()) == 0 &&
            add_text(engine, b, "simd", hel_engine_simd_name(engine)) &&
            add_text(engine, b, "security_table", hex) &&
            json_object_set_new(b, "container_version", json_integer(HEL_CONTAINER_VERSION)) == 0 &&
            json_object_set_new(b, "manifest_version", json_integer(HEL_MANIFEST_VERSION)) == 0,
        b);
}

hel_status hel_build_json(hel_engine *engine, hel_text_fn out, void *arg)
{
    uint8_t table[HEL_DIGEST_BYTES];
    const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII;
    char *text = NULL;
    if (!engine)
        return HEL_E_USAGE;
    hel_error_clear(engine);
    HEL_REQUIRE(engine, out, HEL_E_USAGE, "build: a receiver is needed");
    HEL_TRY(hel_security_digest(engine, table));
    json_t *json = build_json(engine, table);
    const size_t bytes = json ? json_dumpb(json, NULL, 0, flags) : 0;
    hel_status status =
        bytes ? hel_malloc(engine, &text, bytes + 1, 1)
              : hel_fail(engine, HEL_E_MEMORY, "memory: no room for the build's JSON");
    if (status == HEL_OK) {
        text[json_dumpb(json, text, bytes, flags) < bytes ? 0 : bytes] = 0;
        if (out(arg, text))
            status = hel_fail(engine, HEL_E_CANCELLED, "build: stopped on request");
    }
    hel_free(text);
    json_decref(json);
    return status;
}
