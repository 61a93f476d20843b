/*
 * hel_self_test: the steps of a scan in a folder of its own. The owner's steps run once, on the
 * caller's engine; scan and decryption once for each instruction set and for each device, on an
 * engine of its own. What the first one wrote is what the others must write.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "heloci/assoc.h"
#include "host/assoc/doctor/doctor_private.h"
#include "host/assoc/doctor/self_test_private.h"
#include "host/base/cpu.h"
#include "host/base/file.h"
#include "host/base/mem.h"

#define SUMS_MOST ((uint64_t)1 << 30)

typedef struct test {
    hel_doctor_state d; /* the way out */
    const hel_self_test_config *config;
    hel_test_cohort cohort;
    char folder[PATH_MAX];
    char key[PATH_MAX + 32], evk[PATH_MAX + 32], geno[PATH_MAX + 32], data[PATH_MAX + 32],
        weights[PATH_MAX + 32], model[PATH_MAX + 32], prefix[PATH_MAX + 32];
    char table[PATH_MAX + 64]; /* that the latest decryption wrote */
    uint8_t *first_sums, *first_table;
    uint64_t sums_bytes, table_bytes;
    uint32_t scans;
} test;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the folder ---- */

static hel_status make_folder(test *t)
{
    const char *choices[] = {t->config->folder, getenv("SLURM_TMPDIR"), getenv("TMPDIR"), "/tmp"};
    const char *parent = NULL;
    for (size_t i = 0; !parent && i < sizeof choices / sizeof *choices; i++)
        if (choices[i] && choices[i][0])
            parent = choices[i];
    HEL_REQUIRE(t->d.engine,
                snprintf(t->folder, sizeof t->folder, "%s/heloci-test-XXXXXX", parent) <
                    (int)sizeof t->folder,
                HEL_E_USAGE, "self-test: the path of the folder is too long");
    if (!mkdtemp(t->folder)) {
        const int error = errno;
        t->folder[0] = 0;
        return hel_fail_errno(t->d.engine, error, "%s: no folder can be made here", parent);
    }
    snprintf(t->prefix, sizeof t->prefix, "%s/x", t->folder);
    snprintf(t->key, sizeof t->key, "%s/x.key", t->folder);
    snprintf(t->evk, sizeof t->evk, "%s/x.evk", t->folder);
    snprintf(t->geno, sizeof t->geno, "%s/x.geno", t->folder);
    snprintf(t->data, sizeof t->data, "%s/x.private", t->folder);
    snprintf(t->weights, sizeof t->weights, "%s/x.weights", t->folder);
    snprintf(t->model, sizeof t->model, "%s/x.model", t->folder);
    return HEL_OK;
}

static void remove_folder(const test *t)
{
    DIR *dir = t->folder[0] ? opendir(t->folder) : NULL;
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    (void)rmdir(t->folder);
}

/* ---- the owner's steps ---- */

static hel_status prepare(test *t)
{
    hel_keygen_config keygen = HEL_KEYGEN_CONFIG_INIT;
    hel_encrypt_config encrypt = HEL_ENCRYPT_CONFIG_INIT;
    hel_null_config null = HEL_NULL_CONFIG_INIT;
    HEL_TRY(make_folder(t));
    hel_test_cohort_make(&t->cohort);
    HEL_TRY(hel_test_cohort_write(t->d.engine, &t->cohort, t->prefix));
    keygen.out = t->prefix;
    keygen.params = t->config->params;
    HEL_TRY(hel_keygen(t->d.engine, &keygen));
    encrypt.bfile = encrypt.out = t->prefix;
    encrypt.key = t->key;
    HEL_TRY(hel_encrypt(t->d.engine, &encrypt));
    null.data = t->data;
    null.key = t->key;
    null.out = t->prefix;
    return hel_null(t->d.engine, &null);
}

/* ---- one scan ---- */

static hel_status scan(const test *t, hel_engine *engine, const char *out)
{
    hel_scan_config c = HEL_SCAN_CONFIG_INIT;
    c.geno = t->geno;
    c.weights = t->weights;
    c.evk = t->evk;
    c.out = out;
    c.checkpoint = -1;
    return hel_scan(engine, &c, NULL);
}

static int keep_table(void *arg, const char *path)
{
    test *t = arg;
    snprintf(t->table, sizeof t->table, "%s", path);
    return 0;
}

static hel_status decrypt(test *t, hel_engine *engine, const char *out, const char *sums)
{
    hel_decrypt_config c = HEL_DECRYPT_CONFIG_INIT;
    c.sums = sums;
    c.data = t->data;
    c.model = t->model;
    c.key = t->key;
    c.out = out;
    c.table = keep_table;
    c.table_arg = t;
    return hel_decrypt(engine, &c);
}

/* Keeps the first of its kind and compares the others with it. */
static hel_status same(hel_engine *engine, uint8_t **first, uint64_t *first_bytes,
                       const uint8_t *data, uint64_t bytes, const char *what)
{
    if (!*first) {
        HEL_TRY(hel_malloc(engine, first, bytes, 1));
        memcpy(*first, data, bytes);
        *first_bytes = bytes;
        return HEL_OK;
    }
    HEL_REQUIRE(engine, bytes == *first_bytes && memcmp(data, *first, bytes) == 0, HEL_E_INTERNAL,
                "the %s differ from those that the portable code computes", what);
    return HEL_OK;
}

/* Whole files: a scan writes the same bytes whoever computes. */
static hel_status compare_sums(test *t, hel_engine *engine, const char *sums)
{
    uint8_t *data;
    uint64_t bytes;
    HEL_TRY(hel_file_read(engine, sums, SUMS_MOST, &data, &bytes));
    const hel_status status =
        same(engine, &t->first_sums, &t->sums_bytes, data, bytes, "encrypted sums");
    hel_free(data);
    return status;
}

static hel_status compare_table(test *t, hel_engine *engine)
{
    uint8_t *data;
    uint64_t bytes;
    HEL_TRY(hel_test_cohort_check(engine, &t->cohort, t->table));
    HEL_TRY(hel_file_read(engine, t->table, 1 << 20, &data, &bytes));
    const hel_status status =
        same(engine, &t->first_table, &t->table_bytes, data, bytes, "statistics");
    hel_free(data);
    return status;
}

static hel_status scan_and_decrypt(test *t, hel_engine *engine)
{
    char out[PATH_MAX + 64], sums[PATH_MAX + 80];
    snprintf(out, sizeof out, "%s%u", t->prefix, t->scans);
    snprintf(sums, sizeof sums, "%s.sums", out);
    HEL_TRY(scan(t, engine, out));
    HEL_TRY(compare_sums(t, engine, sums));
    HEL_TRY(decrypt(t, engine, out, sums));
    return compare_table(t, engine);
}

/* On an engine of its own, whose failure becomes the caller's engine's. */
static hel_status one(test *t, hel_engine *engine, const char *label)
{
    const double began = now();
    hel_status status = scan_and_decrypt(t, engine);
    const double seconds = now() - began;
    if (status != HEL_OK)
        return hel_fail(t->d.engine, status, "%s: %s", label, hel_engine_error(engine));
    t->d.item = t->scans++;
    hel_entry e = {.name = "seconds", .label = label, .kind = HEL_VALUE_REAL, .real = seconds};
    HEL_TRY(hel_tell(&t->d, e, "scan and decryption agree, %.2f s", seconds));
    return hel_tell(&t->d, hel_entry_text("backend", NULL), "%s", label);
}

/* ---- all of them ---- */

static hel_status create_engine(const test *t, hel_engine **out, hel_simd simd, const char *backend,
                                uint32_t device)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = hel_engine_threads(t->d.engine);
    config.memory_bytes = hel_engine_memory(t->d.engine);
    config.simd = simd;
    config.backend = backend;
    config.device = device;
    const hel_status status = hel_engine_create(out, &config);
    return status == HEL_OK ? HEL_OK
                            : hel_fail(t->d.engine, status, "self-test: an engine does not start");
}

static hel_status scan_twins(test *t)
{
    static const struct {
        hel_simd simd;
        const char *label;
    } twins[] = {{HEL_SIMD_PORTABLE, "cpu, portable"},
                 {HEL_SIMD_AVX2, "cpu, avx2"},
                 {HEL_SIMD_AVX512, "cpu, avx512"}};
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        hel_engine *engine;
        if (!hel_cpu_has(twins[i].simd))
            continue;
        HEL_TRY(create_engine(t, &engine, twins[i].simd, "cpu", 0));
        const hel_status status = one(t, engine, twins[i].label);
        hel_engine_free(engine);
        HEL_TRY(status);
    }
    return HEL_OK;
}

static hel_status scan_device(test *t, const char *name, uint32_t device, int needed)
{
    hel_engine *engine;
    char label[64];
    HEL_TRY(create_engine(t, &engine, hel_engine_simd(t->d.engine), name, device));
    const size_t length = strlen(name);
    const char *text = hel_engine_backend_text(engine);
    hel_status status = HEL_OK;
    if (strncmp(text, name, length) == 0 && text[length] == ':') {
        snprintf(label, sizeof label, "%s %u", name, device);
        status = one(t, engine, label);
    } else if (needed) {
        status = hel_fail(t->d.engine, HEL_E_UNSUPPORTED, "%s", text);
    }
    hel_engine_free(engine);
    return status;
}

/* The engine's own device may be absent, which is hel_doctor()'s to judge; others are asked for. */
static hel_status scan_devices(test *t)
{
    const hel_self_test_config *c = t->config;
    const char *name = hel_engine_backend_name(t->d.engine);
    const uint32_t own = hel_engine_backend_device(t->d.engine);
    uint32_t count = c->device_count;
    hel_library_info found;
    if (strcmp(name, "cpu") == 0)
        return HEL_OK;
    name = strcmp(name, "auto") == 0 ? "cuda" : name;
    if (count == 0)
        return scan_device(t, name, own, 0);
    if (count == HEL_DEVICES_ALL) {
        hel_backend_survey(name, &found, NULL, NULL);
        count = found.devices;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t device = c->device_count == HEL_DEVICES_ALL ? i : c->devices[i];
        HEL_TRY(scan_device(t, name, device, 1));
    }
    return HEL_OK;
}

static hel_status tell_result(test *t, hel_status status, double seconds)
{
    const char *why = hel_engine_error(t->d.engine);
    char reason[1024];
    hel_entry e = hel_entry_text("result", "result");
    t->d.section = "test";
    t->d.item = -1;
    HEL_TRY(hel_tell(&t->d, hel_entry_text("cohort", "cohort"), "%u samples, %u variants",
                     HEL_TEST_SAMPLES, HEL_TEST_VARIANTS));
    hel_entry time = {.name = "seconds", .label = "took", .kind = HEL_VALUE_REAL, .real = seconds};
    HEL_TRY(hel_tell(&t->d, time, "%.2f s", seconds));
    if (status == HEL_OK)
        return hel_tell(&t->d, e,
                        "passed: %u scans agree with each other and with a computation "
                        "in clear",
                        t->scans);
    snprintf(reason, sizeof reason, "%s", why[0] ? why : hel_status_name(status));
    e = hel_entry_marked(e, HEL_MARK_FAILED,
                         status == HEL_E_INTERNAL || status == HEL_E_VERIFY
                             ? "Do not use this machine for scans, and report this text: it "
                               "computes something else than it should."
                             : "Remove the reason and run the test again.");
    return hel_tell(&t->d, e, "failed: %s", reason);
}

hel_status hel_self_test(hel_engine *engine, const hel_self_test_config *config, hel_finding_fn out,
                         void *arg)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config && out, HEL_E_USAGE,
                "self-test: malformed configuration");
    HEL_REQUIRE(engine,
                config->devices || config->device_count == 0 ||
                    config->device_count == HEL_DEVICES_ALL,
                HEL_E_USAGE, "self-test: %u devices, and no list of them", config->device_count);
    const double began = now();
    test *t;
    HEL_TRY(hel_calloc(engine, &t, 1, sizeof *t));
    t->config = config;
    t->d = (hel_doctor_state){
        .engine = engine, .out = out, .arg = arg, .section = "scans", .item = -1};
    hel_status status = prepare(t);
    if (status == HEL_OK)
        status = scan_twins(t);
    if (status == HEL_OK)
        status = scan_devices(t);
    remove_folder(t);
    if (status != HEL_E_CANCELLED) {
        const hel_status told = tell_result(t, status, now() - began);
        status = status == HEL_OK ? told : status;
    }
    hel_free(t->first_sums);
    hel_free(t->first_table);
    hel_free(t);
    return status;
}
