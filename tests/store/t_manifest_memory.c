/* Manifests when memory runs out: the n-th allocation fails once, of the library's or of jansson's,
 * for every n until all succeed. Each failure is said, nothing leaks, no file is half-written. */
#include "host/store/manifest_explain.h"
#include "tests/store/manifest_test.h"

TestSuite(manifest_memory, .init = setup, .fini = teardown);

static uint64_t countdown, blocks; /* of jansson */

static void *counted(size_t bytes)
{
    if (countdown && --countdown == 0)
        return NULL;
    blocks++;
    return malloc(bytes);
}

static void uncounted(void *block)
{
    blocks -= block != NULL;
    free(block);
}

static int swallow(void *arg, const char *text)
{
    (void)arg;
    (void)text;
    return 0;
}

/* A step that says one of everything. */
static hel_status write_all(const hel_signer *signer, const hel_params *params)
{
    hel_manifest *m = NULL;
    hel_reader *g = NULL;
    hel_status status = hel_reader_open(engine, &g, geno, HEL_KIND_GENOTYPES);
    if (status == HEL_OK)
        status = hel_manifest_create(engine, &m, "sums", "scan");
    if (status == HEL_OK) {
        hel_manifest_input(m, "genotypes", g);
        hel_manifest_input_signed(m, "part", g);
        hel_manifest_params(m, params);
        hel_manifest_text(m, "device", "text", "cpu");
        hel_manifest_flag(m, "scan", "flag", 1);
        hel_manifest_stage_add(m, &(hel_manifest_stage){"expand", 1.5, 1000, 10, 0.75, "weights"});
        hel_manifest_resumed(m, 1770000000, 5, 10);
        hel_manifest_subject(m, result, NULL);
        status = hel_manifest_finish(m, signer, result);
    }
    if (status == HEL_OK)
        status = hel_manifest_commit(m);
    hel_manifest_free(m);
    hel_reader_close(g);
    return status;
}

static hel_status read_all(const char *key)
{
    hel_verify_config config = HEL_VERIFY_CONFIG_INIT;
    hel_verify_report report;
    hel_signature signature;
    hel_explainer to = {.engine = engine, .out = swallow};
    config.path = result;
    config.signer = key;
    hel_status status = hel_verify(engine, &config, &report);
    config.path = manifest;
    if (status == HEL_OK)
        status = hel_verify(engine, &config, &report);
    if (status == HEL_OK)
        status = hel_manifest_explain(&to, manifest);
    if (status == HEL_OK)
        status = hel_manifest_signature(engine, manifest, &signature);
    if (status == HEL_OK)
        status = hel_build_json(engine, swallow, NULL);
    return status;
}

static void loop(int of_jansson, int reading)
{
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    hel_params params;
    char key[45];
    uint64_t nth = 1, failures = 0;
    hel_signer *signer = manifest_signer(7);
    hel_base64(key, hel_signer_public(signer), 32);
    OK(hel_params_search(engine, &request, &params));
    json_object_seed(1);
    json_set_alloc_funcs(counted, uncounted);
    if (reading)
        OK(write_all(signer, &params));
    const uint64_t in_use = hel_mem_in_use(), in_jansson = blocks;
    for (;; nth++) {
        hel_error_clear(engine);
        hel_mem_fail_nth(of_jansson ? 0 : nth);
        countdown = of_jansson ? nth : 0;
        hel_status status = reading ? read_all(key) : write_all(signer, &params);
        const int reached = of_jansson ? countdown == 0 : 1;
        countdown = 0;
        hel_mem_fail_nth(0);
        cr_assert(hel_mem_in_use() == in_use && blocks == in_jansson, "allocation %lu leaks",
                  (unsigned long)nth);
        /* jansson's parser calls a token that it found no room for a wrong one */
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY ||
                      (of_jansson && status == HEL_E_FORMAT),
                  "allocation %lu: %s: %s", (unsigned long)nth, hel_status_name(status),
                  hel_engine_error(engine));
        cr_assert(status != HEL_E_MEMORY || strstr(hel_engine_error(engine), "memory"), "%s",
                  hel_engine_error(engine));
        cr_assert_not(test_exists(test_dir_path(&dir, "x.sums.manifest.part")));
        failures += status != HEL_OK;
        if (status == HEL_OK && (!reached || (!of_jansson && nth > 60)))
            break;
    }
    cr_expect(failures >= (of_jansson ? 20 : 5), "%lu failures", (unsigned long)failures);
    if (!reading)
        cr_expect(hel_manifest_check(result) == HEL_MANIFEST_FITS);
    hel_signer_close(signer);
}

Test(manifest_memory, writing)
{
    loop(0, 0);
}

Test(manifest_memory, writing_json)
{
    loop(1, 0);
}

Test(manifest_memory, reading)
{
    loop(0, 1);
}

Test(manifest_memory, reading_json)
{
    loop(1, 1);
}
