/* Manifests of shards, of scans that were stopped and gone on with, and of merges; what an
 * engine's log hears of them. */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "heloci/provenance.h"
#include "host/store/manifest_private.h"
#include "tests/e2e/scan_test.h"

static json_t *line_of(const toy *t, const char *suffix)
{
    size_t bytes;
    uint8_t *text = test_read_file(e2e_path(&t->e, suffix), &bytes);
    json_t *line =
        json_loadb((char *)text, strcspn((char *)text, "\n"), JSON_REJECT_DUPLICATES, NULL);
    cr_assert(line != NULL, "%s", suffix);
    free(text);
    return line;
}

static const json_t *at(const json_t *object, const char *a, const char *b)
{
    object = json_object_get(object, a);
    return b ? json_object_get(object, b) : object;
}

static json_int_t number(const json_t *object, const char *a, const char *b)
{
    cr_assert(json_is_integer(at(object, a, b)), "%s %s", a, b);
    return json_integer_value(at(object, a, b));
}

static hel_manifest_state state(const toy *t, const char *suffix)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s", e2e_path(&t->e, suffix));
    return hel_manifest_check(path);
}

static hel_status merge(toy *t, uint32_t count, const char *out)
{
    char path[8][2 * PATH_MAX], prefix[2 * PATH_MAX], suffix[64];
    const char *files[8];
    hel_merge_config c = HEL_MERGE_CONFIG_INIT;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(suffix, sizeof suffix, "s.%u-of-%u.sums", count - i, count); /* in any order */
        snprintf(path[i], sizeof path[i], "%s", e2e_path(&t->e, suffix));
        files[i] = path[i];
    }
    snprintf(prefix, sizeof prefix, "%s", e2e_path(&t->e, out));
    c.files = files;
    c.count = count;
    c.out = prefix;
    return hel_merge(t->e.engine, &c);
}

Test(manifest_shards, shards_and_their_merge, .timeout = 300)
{
    toy t;
    uint64_t end = 0;
    toy_start(&t, 70, 4500); /* five blocks, the last one not full */
    toy_scan(&t);
    for (uint32_t i = 1; i <= 3; i++) {
        char name[64];
        scan_must(&t, &(scan_setting){.out = "s", .shard = i, .shards = 3}, NULL);
        snprintf(name, sizeof name, "s.%u-of-3.sums", i);
        cr_assert(state(&t, name) == HEL_MANIFEST_FITS);
        strcat(name, ".manifest");
        json_t *line = line_of(&t, name);
        cr_expect(number(line, "shard", "index") == i && number(line, "shard", "count") == 3);
        cr_expect((uint64_t)number(line, "shard", "first_variant") == end);
        end += (uint64_t)number(line, "shard", "variants");
        cr_expect(number(line, "shard", "first_block") * 1024 ==
                  number(line, "shard", "first_variant"));
        cr_expect(number(line, "scan", "variants") == 4500 &&
                  number(line, "scan", "samples") == 70);
        cr_expect(json_array_size(at(line, "inputs", NULL)) == 3);
        cr_expect(json_array_size(at(line, "stages", NULL)) >= 5);
        cr_expect(at(line, "scan", "found") == NULL && at(line, "resumptions", NULL) == NULL);
        json_decref(line);
    }
    cr_expect(end == 4500, "shards cover %lu variants", (unsigned long)end);
    E2E_OK(&t.e, merge(&t, 3, "m"));
    scan_must_equal(&t, ".sums", "m.sums");
    cr_assert(state(&t, "m.sums") == HEL_MANIFEST_FITS);
    json_t *line = line_of(&t, "m.sums.manifest");
    cr_expect_str_eq(json_string_value(at(line, "command", NULL)), "merge");
    cr_assert(json_array_size(at(line, "inputs", NULL)) == 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *part = json_array_get(at(line, "inputs", NULL), i);
        char name[64];
        snprintf(name, sizeof name,
                 "x"
                 "s.%zu-of-3.sums.manifest",
                 i + 1); /* in order of variants */
        json_t *own = line_of(&t, name + 1);
        cr_expect(strncmp(json_string_value(at(part, "name", NULL)), name, strlen(name) - 9) == 0);
        cr_expect_str_eq(json_string_value(at(part, "manifest", "key_id")),
                         json_string_value(at(own, "signer", "key_id")));
        json_decref(own);
    }
    cr_expect(at(line, "shard", NULL) == NULL);
    json_decref(line);
    cr_expect_eq(toy_count(&t, ".part"), 0);
    toy_stop(&t);
}

/* A finished shard is left alone, but its manifest is looked at. */
Test(manifest_shards, manifests_of_finished_shards_are_mended, .timeout = 300)
{
    toy t;
    hel_scan_stats stats;
    size_t bytes;
    const scan_setting s = {.out = "s", .shard = 1, .shards = 2};
    toy_start(&t, 70, 3000);
    toy_scan(&t);
    scan_must(&t, &s, &stats);
    scan_must(&t, &(scan_setting){.out = "s", .shard = 2, .shards = 2}, NULL);
    uint8_t *first = test_read_file(e2e_path(&t.e, "s.1-of-2.sums.manifest"), &bytes);
    scan_must(&t, &s, &stats);
    cr_assert(stats.already == 1);
    cr_assert(toy_same(e2e_path(&t.e, "s.1-of-2.sums.manifest"), first, bytes)); /* as it was */
    free(first);
    for (int broken = 0; broken < 2; broken++) {
        if (broken)
            toy_copy(e2e_path(&t.e, "s.2-of-2.sums.manifest"),
                     e2e_path(&t.e, "s.1-of-2.sums.manifest"), 0644);
        else
            cr_assert_eq(unlink(e2e_path(&t.e, "s.1-of-2.sums.manifest")), 0);
        if (broken) /* nothing is built upon it */
            E2E_FAILS(&t.e, merge(&t, 2, "m"), HEL_E_MISMATCH, "its manifest does not fit");
        scan_must(&t, &s, &stats);
        cr_assert(stats.already == 1 && state(&t, "s.1-of-2.sums") == HEL_MANIFEST_FITS);
        json_t *line = line_of(&t, "s.1-of-2.sums.manifest");
        cr_expect(json_is_true(at(line, "scan", "found")) && at(line, "stages", NULL) == NULL);
        json_decref(line);
        E2E_OK(&t.e, merge(&t, 2, "m"));
    }
    cr_expect_eq(toy_count(&t, ".part"), 0);
    toy_stop(&t);
}

/* ---- stopped and gone on with ---- */

typedef struct heard {
    char events[1024];
    json_t *resume, *checkpoint;
} heard;

static void hear(void *arg, const char *event, const char *fields)
{
    heard *h = arg;
    const size_t used = strlen(h->events);
    json_t *value = json_loads(fields, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(value != NULL, "%s", fields);
    if (strcmp(event, "progress") != 0)
        snprintf(h->events + used, sizeof h->events - used, "%s%s", used ? " " : "", event);
    if (strcmp(event, "resume") == 0)
        h->resume = json_incref(value);
    if (strcmp(event, "checkpoint") == 0 && !h->checkpoint)
        h->checkpoint = json_incref(value);
    json_decref(value);
}

static int drain(void *arg, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    (void)arg;
    (void)stage;
    (void)done;
    (void)total;
    (void)unit;
    return HEL_PROGRESS_DRAIN;
}

static hel_status scan_heard(toy *t, heard *h, hel_progress_fn progress)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_scan_config c = HEL_SCAN_CONFIG_INIT;
    char prefix[2 * PATH_MAX];
    hel_engine *engine;
    memset(h, 0, sizeof *h);
    config.threads = 1;
    config.progress = progress;
    config.log = hear;
    config.log_arg = h;
    cr_assert_eq(hel_engine_create(&engine, &config), HEL_OK);
    snprintf(prefix, sizeof prefix, "%s", e2e_path(&t->e, "r"));
    c.geno = e2e_path(&t->e, ".geno");
    c.weights = e2e_path(&t->e, ".weights");
    c.evk = e2e_path(&t->e, ".evk");
    c.out = prefix;
    const hel_status status = hel_scan(engine, &c, NULL);
    hel_engine_free(engine);
    return status;
}

static void forget(heard *h)
{
    json_decref(h->resume);
    json_decref(h->checkpoint);
}

Test(manifest_shards, resumptions_are_told, .timeout = 300)
{
    toy t;
    heard h;
    toy_start(&t, 330, 3000);
    toy_scan(&t);
    cr_assert_eq(scan_heard(&t, &h, drain), HEL_E_CANCELLED);
    cr_expect_str_eq(h.events, "plan checkpoint");
    cr_expect_str_eq(json_string_value(at(h.checkpoint, "path", NULL)), e2e_path(&t.e, "r.ckpt"));
    cr_expect(json_integer_value(at(h.checkpoint, "bytes", NULL)) > 512);
    forget(&h);
    cr_expect_not(test_exists(e2e_path(&t.e, "r.sums.manifest")));
    cr_assert_eq(scan_heard(&t, &h, NULL), HEL_OK);
    cr_expect_str_eq(h.events, "plan resume result");
    const json_int_t done = json_integer_value(at(h.resume, "done", NULL));
    cr_expect(done > 0 && done < json_integer_value(at(h.resume, "total", NULL)));
    forget(&h);
    cr_assert(state(&t, "r.sums") == HEL_MANIFEST_FITS);
    json_t *line = line_of(&t, "r.sums.manifest");
    const json_t *resumption = json_array_get(at(line, "resumptions", NULL), 0);
    cr_assert(resumption != NULL);
    cr_expect(json_integer_value(at(resumption, "done", NULL)) == done);
    cr_expect(json_integer_value(at(resumption, "total", NULL)) == 330 * 3 * 1024);
    json_decref(line);
    scan_must_equal(&t, ".sums", "r.sums");
    toy_stop(&t);
}

/* Signed by a key of one run, then asked for with a key of the centre's: it is signed anew. */
Test(manifest_shards, finished_shards_get_the_signer_that_is_named, .timeout = 300)
{
    toy t;
    char pem[2 * PATH_MAX], manifest[2 * PATH_MAX];
    hel_scan_stats stats;
    hel_signature first, second, third;
    scan_setting s = {.out = "s", .shard = 1, .shards = 2};
    toy_start(&t, 70, 3000);
    toy_scan(&t);
    snprintf(pem, sizeof pem, "%s", e2e_path(&t.e, "key.pem"));
    snprintf(manifest, sizeof manifest, "%s", e2e_path(&t.e, "s.1-of-2.sums.manifest"));
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    const mode_t mask = umask(077);
    FILE *file = fopen(pem, "w");
    umask(mask);
    cr_assert(key && file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    EVP_PKEY_free(key);
    scan_must(&t, &s, NULL);
    E2E_OK(&t.e, hel_manifest_signature(t.e.engine, manifest, &first));
    s.sign = pem;
    for (int again = 0; again < 2; again++) {
        scan_must(&t, &s, &stats);
        cr_assert_eq(stats.already, 1);
        E2E_OK(&t.e, hel_manifest_signature(t.e.engine, manifest, again ? &third : &second));
    }
    cr_expect_str_neq(first.key, second.key);
    cr_expect_str_eq(second.key, third.key);
    cr_expect_str_eq(second.origin, "file");
    cr_expect_eq(state(&t, "s.1-of-2.sums"), HEL_MANIFEST_FITS);
    toy_stop(&t);
}
