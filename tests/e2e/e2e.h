/*
 * For end-to-end suites: one cohort in a fresh directory, the steps of a scan through the public
 * API, and the decrypted sums through the owner's internals, to be compared with plain loops.
 */
#ifndef HEL_TESTS_E2E_H
#define HEL_TESTS_E2E_H

#include <criterion/criterion.h>

#include "heloci/heloci.h"
#include "host/assoc/verified.h"
#include "host/base/mem.h"
#include "tests/base/test_dir.h"
#include "tests/ref/ref_cohort.h"
#include "tests/ref/ref_sums.h"

typedef struct e2e {
    test_dir dir;
    hel_engine *engine;
    char prefix[PATH_MAX + 8]; /* <dir>/x: every file of the run starts with it */
} e2e;

static inline void e2e_start(e2e *e, uint32_t threads, uint64_t memory, hel_simd simd)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = threads;
    config.memory_bytes = memory;
    config.simd = simd;
    test_dir_make(&e->dir);
    snprintf(e->prefix, sizeof e->prefix, "%s/x", e->dir.path);
    cr_assert_eq(hel_engine_create(&e->engine, &config), HEL_OK);
}

static inline void e2e_stop(e2e *e)
{
    hel_engine_free(e->engine);
    test_dir_remove(&e->dir);
}

/* "<prefix><suffix>", in one of eight buffers. */
static inline const char *e2e_path(const e2e *e, const char *suffix)
{
    static char ring[8][2 * PATH_MAX];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s%s", e->prefix, suffix);
    return out;
}

#define E2E_OK(e, call)                                                                            \
    do {                                                                                           \
        hel_status e2e_status_ = (call);                                                           \
        cr_assert_eq(e2e_status_, HEL_OK, "%s: %s: %s", #call, hel_status_name(e2e_status_),       \
                     hel_engine_error((e)->engine));                                               \
    } while (0)

/* A call must fail with a status, and its text must contain a word. */
#define E2E_FAILS(e, call, code, word)                                                             \
    do {                                                                                           \
        hel_status e2e_status_ = (call);                                                           \
        cr_assert_eq(e2e_status_, (code), "%s: got %s (%s)", #call, hel_status_name(e2e_status_),  \
                     hel_engine_error((e)->engine));                                               \
        cr_assert(strstr(hel_engine_error((e)->engine), (word)) != NULL,                           \
                  "%s: the text lacks '%s': %s", #call, (word), hel_engine_error((e)->engine));    \
    } while (0)

static inline hel_status e2e_keygen(e2e *e, const hel_params *params)
{
    hel_keygen_config c = HEL_KEYGEN_CONFIG_INIT;
    c.out = e->prefix;
    c.params = params;
    return hel_keygen(e->engine, &c);
}

static inline hel_status e2e_encrypt(e2e *e, const char *bfile, int miss_plane)
{
    hel_encrypt_config c = HEL_ENCRYPT_CONFIG_INIT;
    c.bfile = bfile;
    c.key = e2e_path(e, ".key");
    c.out = e->prefix;
    c.miss_plane = miss_plane;
    return hel_encrypt(e->engine, &c);
}

static inline hel_status e2e_null(e2e *e, const char *pheno, const char *names, const char *covar,
                                  const char *keep)
{
    hel_null_config c = HEL_NULL_CONFIG_INIT;
    c.data = e2e_path(e, ".private");
    c.key = e2e_path(e, ".key");
    c.out = e->prefix;
    c.pheno = pheno;
    c.pheno_name = names;
    c.covar = covar;
    c.keep = keep;
    return hel_null(e->engine, &c);
}

static inline hel_status e2e_scan(e2e *e)
{
    hel_scan_config c = HEL_SCAN_CONFIG_INIT;
    c.geno = e2e_path(e, ".geno");
    c.weights = e2e_path(e, ".weights");
    c.evk = e2e_path(e, ".evk");
    c.out = e->prefix;
    return hel_scan(e->engine, &c, NULL);
}

static inline hel_status e2e_decrypt(e2e *e, int missing_delete, int64_t min_mac)
{
    hel_decrypt_config c = HEL_DECRYPT_CONFIG_INIT;
    c.sums = e2e_path(e, ".sums");
    c.data = e2e_path(e, ".private");
    c.model = e2e_path(e, ".model");
    c.key = e2e_path(e, ".key");
    c.out = e->prefix;
    c.missing_delete = missing_delete;
    c.min_mac = min_mac;
    return hel_decrypt(e->engine, &c);
}

/* Everything that the owner opens to verify sums. */
typedef struct e2e_owner {
    hel_owner owner;
    hel_dataset dataset;
    hel_reader *model_reader;
    hel_model *model;
    hel_verified verified;
} e2e_owner;

static inline void e2e_owner_open(e2e *e, e2e_owner *o)
{
    const uint8_t *data;
    uint64_t bytes;
    *o = (e2e_owner){0};
    hel_error_clear(e->engine);
    E2E_OK(e, hel_owner_open(e->engine, &o->owner, e2e_path(e, ".key"), NULL));
    E2E_OK(e, hel_dataset_open(e->engine, &o->dataset, &o->owner, e2e_path(e, ".private")));
    E2E_OK(e, hel_owner_reader(e->engine, &o->model_reader, &o->owner, e2e_path(e, ".model"),
                               HEL_KIND_MODEL));
    E2E_OK(e, hel_reader_section(o->model_reader, HEL_SECTION_MODEL, &data, &bytes));
    E2E_OK(e, hel_model_decode(e->engine, data, bytes, &o->model));
}

static inline hel_status e2e_verify(e2e *e, e2e_owner *o)
{
    const hel_verify_request q = {.owner = &o->owner,
                                  .dataset = &o->dataset,
                                  .model = o->model,
                                  .model_reader = o->model_reader};
    hel_verified_free(&o->verified);
    hel_error_clear(e->engine);
    return hel_verified_open(e->engine, &o->verified, e2e_path(e, ".sums"), &q);
}

static inline void e2e_owner_close(e2e_owner *o)
{
    hel_verified_free(&o->verified);
    hel_model_free(o->model);
    hel_reader_close(o->model_reader);
    hel_dataset_close(&o->dataset);
    hel_owner_close(&o->owner);
}

/* Decrypted sums of every variant and output must equal the plain integer sums. */
static inline void e2e_compare_sums(e2e *e, const uint8_t *calls)
{
    e2e_owner o;
    e2e_owner_open(e, &o);
    E2E_OK(e, e2e_verify(e, &o));
    const size_t n = o.owner.scheme->n;
    int64_t *want = calloc(o.model->outputs, sizeof *want);
    for (uint32_t v = 0; v < o.dataset.variants.count; v++) {
        ref_sums(o.model, calls + (size_t)v * o.model->samples, want);
        for (uint32_t out = 0; out < o.model->outputs; out++) {
            int64_t got = o.verified.sums[(v / n * o.model->outputs + out) * n + v % n];
            cr_assert_eq(got, want[out], "variant %u output %u: %lld, plain sum %lld", v, out,
                         (long long)got, (long long)want[out]);
        }
    }
    free(want);
    e2e_owner_close(&o);
}

#endif
