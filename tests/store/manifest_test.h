/* For suites about manifests: lines signed on the spot, facts of a made-up step. */
#ifndef HEL_TESTS_MANIFEST_TEST_H
#define HEL_TESTS_MANIFEST_TEST_H

#include "host/base/mem.h"
#include "host/store/manifest_private.h"
#include "tests/base/test_dir.h"

/* The 32 bytes c, c, ... as a signer. */
static inline hel_signer *manifest_signer(uint8_t c)
{
    uint8_t secret[HEL_ED25519_KEY_BYTES];
    hel_signer *signer;
    memset(secret, c, sizeof secret);
    cr_assert(hel_signer_derived(NULL, &signer, secret) == HEL_OK);
    return signer;
}

/* `line`, a line feed and its signature; free() the result. */
static inline uint8_t *manifest_sign(const hel_signer *signer, const char *line, size_t bytes,
                                     size_t *total)
{
    uint8_t signature[HEL_ED25519_SIGNATURE_BYTES];
    uint8_t *out = malloc(bytes + 1 + HEL_SIGNATURE_LINE_BYTES);
    cr_assert(hel_signer_sign(NULL, signer, line, bytes, signature) == HEL_OK);
    memcpy(out, line, bytes);
    out[bytes] = '\n';
    cr_assert(hel_signature_line(NULL, (char *)out + bytes + 1, hel_signer_public(signer),
                                 signature) == HEL_OK);
    *total = bytes + 1 + HEL_SIGNATURE_LINE_BYTES;
    return out;
}

/* A container of a kind with a few bytes in it. */
static inline void manifest_container(hel_engine *engine, const char *path, hel_kind kind)
{
    hel_head head = {.kind = kind, .sample_count = 3, .variant_count = 4};
    hel_writer *w;
    cr_assert(hel_writer_open(engine, &w, path, &head) == HEL_OK, "%s", hel_engine_error(engine));
    cr_assert(hel_writer_put_section(w, HEL_SECTION_CIPHER, "abc", 3) == HEL_OK);
    cr_assert(hel_writer_commit(w, NULL) == HEL_OK);
}

/* ---- a result and its surroundings, fresh for every test ---- */

static test_dir dir;
static hel_engine *engine;
static char result[PATH_MAX + 32], manifest[PATH_MAX + 64], geno[PATH_MAX + 32],
    private_file[PATH_MAX + 32];

static inline void setup(void)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = 3;
    config.memory_bytes = 1 << 30;
    test_dir_make(&dir);
    snprintf(result, sizeof result, "%s/x.sums", dir.path);
    snprintf(manifest, sizeof manifest, "%s.manifest", result);
    snprintf(geno, sizeof geno, "%s/x.geno", dir.path);
    snprintf(private_file, sizeof private_file, "%s/x.private", dir.path);
    cr_assert(hel_engine_create(&engine, &config) == HEL_OK);
    manifest_container(engine, geno, HEL_KIND_GENOTYPES);
    manifest_container(engine, private_file, HEL_KIND_DATASET);
    test_write_file(result, "the sums", 8, 0644);
}

static inline void teardown(void)
{
    hel_engine_free(engine);
    test_dir_remove(&dir);
}

#define OK(expr)                                                                                   \
    do {                                                                                           \
        hel_status ok_ = (expr);                                                                   \
        cr_assert(ok_ == HEL_OK, "%s: %s: %s", #expr, hel_status_name(ok_),                        \
                  hel_engine_error(engine));                                                       \
    } while (0)

#define FAILS(code, text, expr)                                                                    \
    do {                                                                                           \
        hel_error_clear(engine);                                                                   \
        hel_status fails_ = (expr);                                                                \
        cr_assert(fails_ == (code), "%s: %s: %s", #expr, hel_status_name(fails_),                  \
                  hel_engine_error(engine));                                                       \
        cr_assert(strstr(hel_engine_error(engine), text), "'%s' lacks '%s'",                       \
                  hel_engine_error(engine), text);                                                 \
    } while (0)

/* Everything a step may say, of the result of this suite. */
static inline hel_manifest *filled(void)
{
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    hel_params params;
    hel_manifest *m;
    hel_reader *g, *d;
    OK(hel_params_search(engine, &request, &params));
    OK(hel_reader_open(engine, &g, geno, HEL_KIND_GENOTYPES));
    OK(hel_reader_open(engine, &d, private_file, HEL_KIND_DATASET));
    OK(hel_manifest_create(engine, &m, "sums", "scan"));
    hel_manifest_input(m, "genotypes", g);
    hel_manifest_input(m, "dataset", d);
    hel_manifest_params(m, &params);
    hel_manifest_count(m, "shard", "index", 3);
    hel_manifest_count(m, "shard", "count", 8);
    hel_manifest_text(m, "device", "text", "cpu: \"avx2\", \xc3\xa4\xff");
    hel_manifest_flag(m, "scan", "on_device", 0);
    hel_manifest_text(m, "scan", "nothing", NULL);
    hel_manifest_real(m, "scan", "verify", 0.000125);
    hel_manifest_stage_add(m, &(hel_manifest_stage){"expand", 1.5, 1000, 10, 0.75, "weights"});
    hel_manifest_stage_add(m, &(hel_manifest_stage){"output", 0.1, 0, 0, -1, "sums"});
    hel_manifest_resumed(m, 1770000000, 5, 10);
    hel_manifest_timing(m, 1770000000.5, 12.25, 20);
    hel_manifest_subject(m, result, NULL);
    hel_reader_close(g);
    hel_reader_close(d);
    return m;
}

static inline void write_manifest(const hel_signer *signer)
{
    hel_manifest *m = filled();
    OK(hel_manifest_finish(m, signer, result));
    cr_assert(!test_exists(manifest) || test_exists(test_dir_path(&dir, "x.sums.manifest.part")));
    OK(hel_manifest_commit(m));
    hel_manifest_free(m);
}

static inline const json_t *at(const json_t *object, const char *a, const char *b)
{
    object = json_object_get(object, a);
    return b ? json_object_get(object, b) : object;
}

static inline hel_verify_report verified(const char *path, const char *signer)
{
    hel_verify_config config = HEL_VERIFY_CONFIG_INIT;
    hel_verify_report report;
    config.path = path;
    config.signer = signer;
    OK(hel_verify(engine, &config, &report));
    return report;
}

static inline hel_status refused(const char *path, const char *signer)
{
    hel_verify_config config = HEL_VERIFY_CONFIG_INIT;
    config.path = path;
    config.signer = signer;
    return hel_verify(engine, &config, NULL);
}

#endif
