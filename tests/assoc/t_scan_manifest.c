/* From the facts of a scan, a shard or a merge to its manifest. */
#include "host/assoc/scan_manifest.h"
#include "tests/store/manifest_test.h"

static char weights[PATH_MAX + 32], evk[PATH_MAX + 32], part_file[PATH_MAX + 64];
static hel_signer *signer;

static void start(void)
{
    setup();
    snprintf(weights, sizeof weights, "%s/x.weights", dir.path);
    snprintf(evk, sizeof evk, "%s/x.evk", dir.path);
    snprintf(part_file, sizeof part_file, "%s.part", result);
    manifest_container(engine, weights, HEL_KIND_WEIGHTS);
    manifest_container(engine, evk, HEL_KIND_EVAL_KEYS);
    test_write_file(part_file, "the sums", 8, 0644);
    unlink(result);
    signer = manifest_signer(7);
}

static void stop(void)
{
    hel_signer_close(signer);
    teardown();
}

TestSuite(scan_manifest, .init = start, .fini = stop);

/* Writes it, commits both, and reads it again. */
static void commit(const hel_scan_facts *facts, hel_manifest_file *f)
{
    hel_manifest *m;
    OK(hel_scan_manifest(engine, &m, facts, signer, part_file, result));
    cr_assert_not(test_exists(manifest));
    OK(hel_manifest_commit(m));
    hel_manifest_free(m);
    cr_assert(hel_manifest_check(result) == HEL_MANIFEST_BROKEN); /* a kill here is noticed */
    cr_assert(rename(part_file, result) == 0);
    cr_assert(hel_manifest_check(result) == HEL_MANIFEST_FITS);
    OK(hel_manifest_load(engine, f, manifest));
}

static json_int_t number(const hel_manifest_file *f, const char *group, const char *name)
{
    const json_t *value = at(f->root, group, name);
    cr_assert(json_is_integer(value), "%s %s", group, name);
    return json_integer_value(value);
}

Test(scan_manifest, a_shard)
{
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    hel_params params;
    hel_reader *g, *w, *k;
    hel_manifest_file f;
    OK(hel_params_search(engine, &request, &params));
    OK(hel_reader_open(engine, &g, geno, 0));
    OK(hel_reader_open(engine, &w, weights, 0));
    OK(hel_reader_open(engine, &k, evk, 0));
    const hel_manifest_stage stages[] = {{"read", 2, 4096, 0, 0.5, NULL},
                                         {"scan", 3.5, 0, 100, 1, "genotypes"}};
    const hel_scan_resumption resumed[] = {{1770000000, 10, 100}, {0, 60, 100}};
    const hel_scan_facts facts = {.command = "scan",
                                  .genotypes = g,
                                  .weights = w,
                                  .evk = k,
                                  .params = &params,
                                  .samples = 1000,
                                  .variants = 50000,
                                  .columns = 12,
                                  .outputs = 24,
                                  .planes = 2,
                                  .device = "cuda: NVIDIA H200, 0000:3b:00.0, sm_90",
                                  .shard = 3,
                                  .shards = 8,
                                  .first_block = 2,
                                  .blocks = 1,
                                  .first_variant = 16384,
                                  .shard_variants = 8192,
                                  .started = 1770000000,
                                  .wall = 10.5,
                                  .cpu = 20,
                                  .stage = stages,
                                  .stages = 2,
                                  .resumption = resumed,
                                  .resumptions = 2,
                                  .passes = 3,
                                  .verify = 0.5,
                                  .tiles = 8,
                                  .tiles_verified = 4,
                                  .sums = 2,
                                  .sums_verified = 1};
    commit(&facts, &f);
    cr_expect(number(&f, "shard", "index") == 3 && number(&f, "shard", "count") == 8);
    cr_expect(number(&f, "shard", "first_variant") == 16384);
    cr_expect(number(&f, "shard", "variants") == 8192 && number(&f, "scan", "variants") == 50000);
    cr_expect(number(&f, "shard", "first_block") == 2 && number(&f, "shard", "blocks") == 1);
    cr_expect(number(&f, "scan", "sums_per_variant") == 24 && number(&f, "scan", "passes") == 3);
    cr_expect(number(&f, "recomputed", "tiles") == 4 && number(&f, "recomputed", "of_tiles") == 8);
    cr_expect(number(&f, "parameters", "log_n") == 13);
    cr_expect_str_eq(json_string_value(at(f.root, "device", "text")), facts.device);
    cr_expect(json_array_size(at(f.root, "inputs", NULL)) == 3);
    cr_expect(json_array_size(at(f.root, "stages", NULL)) == 2);
    const json_t *resumptions = at(f.root, "resumptions", NULL);
    cr_assert(json_array_size(resumptions) == 2);
    cr_expect(json_object_get(json_array_get(resumptions, 0), "time") != NULL);
    cr_expect(json_object_get(json_array_get(resumptions, 1), "time") == NULL);
    cr_expect_str_eq(json_string_value(at(f.root, "timing", "started")),
                     "2026-02-02T02:40:00.000Z");
    hel_manifest_drop(&f);
    hel_reader_close(g);
    hel_reader_close(w);
    hel_reader_close(k);
}

/* Where a library was looked for is a path; only what computed is said. */
Test(scan_manifest, device_text_names_no_folder)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"cpu: avx2, 2 threads (no CUDA backend: x.so.0: not found (looked for in /opt/a/lib, "
         "the system's folders))",
         "cpu: avx2, 2 threads"},
        {"cpu: avx2, 2 threads (/a)", "cpu: avx2, 2 threads"},
        {"/a", NULL},
        {"cpu", "cpu"},
        {NULL, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hel_manifest_file f;
        const hel_scan_facts facts = {.command = "scan", .device = rows[i].text};
        test_write_file(part_file, "the sums", 8, 0644);
        unlink(result);
        unlink(manifest);
        commit(&facts, &f);
        const json_t *text = at(f.root, "device", "text");
        if (rows[i].said)
            cr_expect_str_eq(json_string_value(text), rows[i].said);
        else
            cr_expect(text == NULL);
        hel_manifest_drop(&f);
    }
}

/* The sums of a part with its own manifest, signed by `by`. */
static hel_reader *make_part(const char *name, const hel_signer *by)
{
    hel_manifest *m;
    hel_reader *r;
    const char *path = test_dir_path(&dir, name);
    manifest_container(engine, path, HEL_KIND_SUMS);
    if (by) {
        OK(hel_manifest_create(engine, &m, "sums", "scan"));
        hel_manifest_subject(m, path, NULL);
        OK(hel_manifest_finish(m, by, path));
        OK(hel_manifest_commit(m));
        hel_manifest_free(m);
    }
    OK(hel_reader_open(engine, &r, path, HEL_KIND_SUMS));
    return r;
}

Test(scan_manifest, a_merge_links_its_parts)
{
    hel_manifest_file f;
    hel_manifest *m;
    hel_signer *other = manifest_signer(8);
    hel_reader *parts[3] = {make_part("x.1-of-3.sums", signer), make_part("x.2-of-3.sums", NULL),
                            make_part("x.3-of-3.sums", other)};
    const hel_scan_facts facts = {
        .command = "merge", .part = (const hel_reader *const *)parts, .parts = 3};
    commit(&facts, &f);
    const json_t *inputs = at(f.root, "inputs", NULL);
    cr_assert(json_array_size(inputs) == 3);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(inputs, 1), "name")),
                     "x.2-of-3.sums");
    cr_expect_str_eq(json_string_value(at(json_array_get(inputs, 0), "manifest", "key_id")),
                     hel_signer_id(signer));
    cr_expect(at(json_array_get(inputs, 1), "manifest", NULL) == NULL);
    cr_expect_str_eq(json_string_value(at(json_array_get(inputs, 2), "manifest", "key_id")),
                     hel_signer_id(other));
    cr_expect(at(f.root, "parameters", NULL) == NULL && at(f.root, "shard", NULL) == NULL);
    hel_manifest_drop(&f);
    /* A part that is another than its manifest says is not built upon. */
    hel_reader_close(parts[2]);
    manifest_container(engine, test_dir_path(&dir, "x.3-of-3.sums"), HEL_KIND_SUMS);
    OK(hel_reader_open(engine, &parts[2], test_dir_path(&dir, "x.3-of-3.sums"), 0));
    FAILS(HEL_E_MISMATCH, "x.3-of-3.sums: its manifest does not fit",
          hel_scan_manifest(engine, &m, &facts, signer, result, result));
    cr_expect(m == NULL);
    cr_expect_not(test_exists(test_dir_path(&dir, "x.sums.manifest.part")));
    for (int i = 0; i < 3; i++)
        hel_reader_close(parts[i]);
    hel_signer_close(other);
}
