/* Signed manifests: what is written comes back, and nothing else is taken for it. */
#include "host/store/manifest_explain.h"
#include "tests/store/manifest_test.h"

TestSuite(manifest, .init = setup, .fini = teardown);

/* ---- what is written ---- */

Test(manifest, facts_come_back)
{
    hel_manifest_file f;
    hel_signer *signer = manifest_signer(7);
    write_manifest(signer);
    OK(hel_manifest_load(engine, &f, manifest));
    const json_t *r = f.root;
    cr_expect_str_eq(json_string_value(at(r, "kind", NULL)), "sums");
    cr_expect_str_eq(json_string_value(at(r, "command", NULL)), "scan");
    cr_expect_str_eq(json_string_value(at(r, "signer", "key")), "owner");
    cr_expect_str_eq(json_string_value(at(r, "signer", "key_id")), hel_signer_id(signer));
    cr_expect_str_eq(f.key_id, hel_signer_id(signer));
    cr_expect(json_integer_value(at(r, "shard", "index")) == 3);
    cr_expect_str_eq(json_string_value(at(r, "device", "text")),
                     "cpu: \"avx2\", \xc3\xa4\xef\xbf\xbd");
    cr_expect(json_is_false(at(r, "scan", "on_device")) && !at(r, "scan", "nothing"));
    cr_expect_float_eq(json_real_value(at(r, "scan", "verify")), 0.000125, 1e-18);
    cr_expect(json_integer_value(at(r, "parameters", "security_bits")) == 128);
    cr_expect(json_integer_value(at(r, "parameters", "log_n")) == 13);
    cr_expect(json_real_value(at(r, "parameters", "log_qp")) > 150);
    cr_expect_str_eq(json_string_value(at(r, "timing", "started")), "2026-02-02T02:40:00.500Z");
    cr_expect_float_eq(json_real_value(at(r, "timing", "wall_seconds")), 12.25, 1e-12);
    cr_expect(json_integer_value(at(r, "host", "threads")) == 3);
    cr_expect(json_integer_value(at(r, "host", "memory_budget")) == 1 << 30);
    cr_expect_str_eq(json_string_value(at(r, "software", "version")), hel_version());
    cr_expect(json_array_size(at(r, "stages", NULL)) == 2);
    const json_t *stage = json_array_get(at(r, "stages", NULL), 1);
    cr_expect(!json_object_get(stage, "bytes") && !json_object_get(stage, "utilisation"));
    cr_expect(json_integer_value(
                  json_object_get(json_array_get(at(r, "resumptions", NULL), 0), "done")) == 5);
    hel_manifest_drop(&f);
    hel_signer_close(signer);
    cr_expect(hel_mem_in_use() == 0);
}

/* One byte of checksums of secret bytes would be one too many. */
Test(manifest, owner_only_inputs_keep_their_digest)
{
    hel_manifest_file f;
    hel_reader *d;
    char hex[65];
    size_t bytes;
    hel_signer *signer = manifest_signer(7);
    write_manifest(signer);
    OK(hel_manifest_load(engine, &f, manifest));
    const json_t *public_row = json_array_get(at(f.root, "inputs", NULL), 0);
    const json_t *secret_row = json_array_get(at(f.root, "inputs", NULL), 1);
    cr_expect(json_object_get(public_row, "content") != NULL);
    cr_expect(json_object_get(secret_row, "content") == NULL);
    cr_expect_str_eq(json_string_value(json_object_get(secret_row, "kind")), "dataset");
    cr_expect_str_eq(json_string_value(json_object_get(secret_row, "name")), "x.private");
    OK(hel_reader_open(engine, &d, private_file, 0));
    hel_hex(hex, hel_reader_content(d), 32);
    uint8_t *text = test_read_file(manifest, &bytes);
    cr_expect(!strstr((char *)text, hex));
    cr_expect(!strstr((char *)text, dir.path), "a manifest names no folder");
    free(text);
    hel_reader_close(d);
    hel_manifest_drop(&f);
    hel_signer_close(signer);
}

/* Two lines of ASCII; the second one of a fixed form; nobody but the owner may write. */
Test(manifest, form_of_the_file)
{
    struct stat info;
    size_t bytes;
    hel_signer *signer = manifest_signer(7);
    umask(022);
    write_manifest(signer);
    uint8_t *text = test_read_file(manifest, &bytes);
    cr_assert(stat(manifest, &info) == 0 && (info.st_mode & 0777) == 0644);
    const uint8_t *end = memchr(text, '\n', bytes);
    cr_assert(end && (size_t)(end - text) + 1 + HEL_SIGNATURE_LINE_BYTES == bytes);
    cr_expect(memchr(end + 1, '\n', HEL_SIGNATURE_LINE_BYTES - 1) == NULL &&
              text[bytes - 1] == '\n');
    for (size_t i = 0; i < bytes; i++)
        cr_assert(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f), "byte %zu", i);
    cr_expect(strncmp((char *)text, "{\"schema\":\"heloci-manifest\",\"version\":1,", 40) == 0);
    json_t *line = json_loadb((const char *)end + 1, HEL_SIGNATURE_LINE_BYTES, 0, NULL);
    cr_assert(line != NULL);
    cr_expect_str_eq(json_string_value(at(json_object_get(line, "signature"), "algorithm", NULL)),
                     "ed25519");
    cr_expect_str_eq(json_string_value(at(json_object_get(line, "signature"), "key_id", NULL)),
                     hel_signer_id(signer));
    cr_expect(json_object_size(json_object_get(line, "signature")) == 4);
    json_decref(line);
    free(text);
    hel_signer_close(signer);
}

Test(manifest, needs_a_subject)
{
    hel_manifest *m;
    hel_signer *signer = manifest_signer(7);
    OK(hel_manifest_create(engine, &m, "sums", "scan"));
    FAILS(HEL_E_FORMAT, "subjects", hel_manifest_finish(m, signer, result));
    FAILS(HEL_E_FORMAT, "", hel_manifest_commit(m));
    hel_manifest_free(m);
    OK(hel_manifest_create(engine, &m, "sums", "scan"));
    FAILS(HEL_E_INTERNAL, "not finished", hel_manifest_commit(m));
    hel_manifest_subject(m, "/nonexistent/file", NULL);
    hel_manifest_subject(m, result, NULL);
    hel_manifest_free(m);
    OK(hel_manifest_create(engine, &m, "sums", "scan"));
    hel_error_clear(engine);
    hel_manifest_subject(m, "/nonexistent/file", NULL);
    hel_manifest_subject(m, result, NULL); /* the first failure sticks */
    cr_expect(hel_manifest_finish(m, signer, result) == HEL_E_IO);
    cr_expect(strstr(hel_engine_error(engine), "/nonexistent/file"));
    hel_manifest_free(m);
    cr_expect_not(test_exists(manifest));
    hel_signer_close(signer);
    cr_expect(hel_mem_in_use() == 0);
}

/* ---- what is refused ---- */

Test(manifest, every_flipped_bit_is_refused)
{
    size_t bytes;
    hel_manifest_file f;
    hel_signer *signer = manifest_signer(7);
    write_manifest(signer);
    uint8_t *text = test_read_file(manifest, &bytes);
    OK(hel_manifest_decode(engine, &f, manifest, text, bytes));
    hel_manifest_drop(&f);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        hel_error_clear(engine);
        hel_status status = hel_manifest_decode(engine, &f, manifest, text, bytes);
        cr_assert(status == HEL_E_VERIFY || status == HEL_E_FORMAT, "bit %zu: %s", bit,
                  hel_status_name(status));
        cr_assert(strncmp(hel_engine_error(engine), manifest, strlen(manifest)) == 0);
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(text);
    hel_signer_close(signer);
    cr_expect(hel_mem_in_use() == 0);
}

Test(manifest, every_length_but_its_own_is_refused)
{
    size_t bytes;
    hel_manifest_file f;
    hel_signer *signer = manifest_signer(7);
    write_manifest(signer);
    uint8_t *text = test_read_file(manifest, &bytes);
    uint8_t *longer = malloc(bytes + 2);
    memcpy(longer, text, bytes);
    for (size_t n = 0; n < bytes; n++) {
        uint8_t *copy = malloc(n ? n : 1); /* of its size: a sanitizer sees what is read too far */
        memcpy(copy, text, n);
        cr_assert(hel_manifest_decode(NULL, &f, manifest, copy, n) == HEL_E_FORMAT, "%zu bytes", n);
        free(copy);
    }
    for (int c = 0; c < 256; c++) {
        longer[bytes] = (uint8_t)c;
        cr_assert(hel_manifest_decode(NULL, &f, manifest, longer, bytes + 1) == HEL_E_FORMAT);
    }
    free(longer);
    free(text);
    hel_signer_close(signer);
}

/* A line that a reader must refuse although somebody signed it. KEY stands for the key's id. */
static const char valid[] =
    "{\"schema\":\"heloci-manifest\",\"version\":1,\"kind\":\"sums\",\"command\":\"scan\","
    "\"signer\":{\"key_id\":\"KEY\",\"key\":\"file\"},"
    "\"subjects\":[{\"name\":\"x.sums\",\"bytes\":8,\"sha256\":\"SHA\"}],\"inputs\":[],"
    "\"software\":{\"name\":\"heloci\",\"version\":\"1\"},"
    "\"timing\":{\"started\":\"a\",\"finished\":\"b\"}}";

/* `text` with every occurrence of `what` (NULL: none) replaced; free() the result. */
static char *replaced(const char *text, const char *what, const char *by)
{
    const size_t length = what ? strlen(what) : 0;
    char *out = malloc(2 * strlen(text) + 64 * (by ? strlen(by) : 0) + 4096), *to = out;
    while (*text) {
        if (length && strncmp(text, what, length) == 0) {
            to = stpcpy(to, by);
            text += length;
        } else {
            *to++ = *text++;
        }
    }
    *to = 0;
    return out;
}

static hel_status decode_line(const hel_signer *signer, const char *line, size_t bytes)
{
    hel_manifest_file f;
    size_t total;
    uint8_t *text = manifest_sign(signer, line, bytes, &total);
    hel_error_clear(engine);
    hel_status status = hel_manifest_decode(engine, &f, manifest, text, total);
    hel_manifest_drop(&f);
    free(text);
    return status;
}

/* valid[] with its placeholders filled and one change. */
static hel_status decode_changed(const hel_signer *signer, const char *what, const char *by)
{
    char sha[65];
    uint8_t digest[32];
    OK(hel_sha256_once(engine, "the sums", 8, digest));
    hel_hex(sha, digest, 32);
    char *changed = replaced(valid, what, by),
         *keyed = replaced(changed, "KEY", hel_signer_id(signer));
    char *line = replaced(keyed, "SHA", sha);
    hel_status status = decode_line(signer, line, strlen(line));
    free(changed);
    free(keyed);
    free(line);
    return status;
}

Test(manifest, signed_nonsense_is_refused)
{
    static const struct {
        const char *what, *by, *says;
    } rows[] = {
        {"\"kind\":\"sums\",", "", "'kind'"},
        {"\"kind\":\"sums\",", "\"kind\":7,", "'kind'"},
        {"\"command\":\"scan\",", "", "'command'"},
        {"\"version\":1,\"kind\"", "\"kind\"", "'version'"},
        {"\"version\":1,\"kind\"", "\"version\":\"1\",\"kind\"", "'version'"},
        {"\"version\":1,\"kind\"", "\"version\":1.0,\"kind\"", "'version'"},
        {"\"version\":1,\"kind\"", "\"version\":0,\"kind\"", "'version'"},
        {"\"version\":1,\"kind\"", "\"version\":-1,\"kind\"", "'version'"},
        {",\"key\":\"file\"", "", "'signer'"},
        {"\"key_id\":\"KEY\",", "", "'signer'"},
        {"\"signer\":{", "\"signer\":[],\"other\":{", "'signer'"},
        {"\"software\":{\"name\":\"heloci\",", "\"software\":{", "'software'"},
        {"\"timing\":{", "\"timing\":null,\"t\":{", "'timing'"},
        {"\"subjects\":[", "\"subjects\":[],\"s\":[", "'subjects'"},
        {"\"subjects\":[", "\"subjects\":{},\"s\":[", "'subjects'"},
        {"\"subjects\":[", "\"subjects\":[null,", "'name' of subjects 0"},
        {"\"subjects\":[", "\"subjects\":[[],", "'name' of subjects 0"},
        {"x.sums", "", "'name'"},
        {"x.sums", "../x.sums", "'name'"},
        {"x.sums", "/etc/passwd", "'name'"},
        {"x.sums", ".", "'name'"},
        {"x.sums", "..", "'name'"},
        {"x.sums", "a\\nb", "'name'"},
        {"x.sums", "a\\u001bb", "'name'"},
        {"x.sums", "a\\u007fb", "'name'"},
        {"x.sums", "a\\u009bb", "'name'"},
        {"\"bytes\":8", "\"bytes\":-8", "'bytes' of subjects 0"},
        {"\"bytes\":8", "\"bytes\":8.5", "'bytes'"},
        {"\"bytes\":8", "\"bytes\":\"8\"", "'bytes'"},
        {"\"bytes\":8,", "", "'bytes'"},
        {"\"bytes\":8", "\"bytes\":99999999999999999999", "byte"},
        {"\"bytes\":8", "\"bytes\":1e999", "byte"},
        {"\"bytes\":8", "\"bytes\":08", "byte"},
        {"\"bytes\":8", "\"bytes\":NaN", "byte"},
        {"SHA", "00", "'sha256'"},
        {",\"sha256\":\"SHA\"", "", "'sha256'"},
        {"\"inputs\":[]", "\"inputs\":[{\"name\":\"a\",\"bytes\":1}]", "'role' of inputs 0"},
        {"\"inputs\":[]", "\"inputs\":[{\"role\":\"a\",\"name\":\"b/c\",\"bytes\":1}]", "'name'"},
        {"\"inputs\":[]", "\"inputs\":[0]", "'name'"},
        {",\"inputs\":[]", "", "'inputs'"},
        {"\"kind\":\"sums\"", "\"kind\":\"sums\",\"kind\":\"tables\"", "duplicate"},
        {"\"bytes\":8", "\"bytes\":8,\"bytes\":9", "duplicate"},
        {"\"kind\":\"sums\"", "\"kind\":\"su\\u0000ms\"", "byte"},
        {"\"kind\":\"sums\"", "\"kind\":\"su\\ud800ms\"", "byte"},
        {"\"kind\":\"sums\"", "\"kind\":\"su\xffms\"", "byte"},
        {"\"kind\":\"sums\"", "\"kind\":'sums'", "byte"},
        {"\"inputs\":[]", "\"inputs\":[],", "byte"},
        {"\"finished\":\"b\"}}", "\"finished\":\"b\"}} {}", "byte"},
        {"\"finished\":\"b\"}}", "\"finished\":\"b\"}", "byte"},
        {"\"finished\":\"b\"}}", "\"finished\":\"b\"}}}", "byte"},
    };
    hel_signer *signer = manifest_signer(9);
    cr_assert(decode_changed(signer, NULL, NULL) == HEL_OK, "%s", hel_engine_error(engine));
    cr_assert(decode_changed(signer, "\"kind\"", "\"more\":[1,{\"a\":null}],\"kind\"") == HEL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hel_status status = decode_changed(signer, rows[i].what, rows[i].by);
        cr_expect(status == HEL_E_FORMAT, "%s: %s", rows[i].by, hel_status_name(status));
        cr_expect(strstr(hel_engine_error(engine), rows[i].says), "%s: '%s' lacks '%s'", rows[i].by,
                  hel_engine_error(engine), rows[i].says);
    }
    FAILS(HEL_E_UNSUPPORTED, "version 2",
          decode_changed(signer, "\"version\":1,\"kind\"", "\"version\":2,\"kind\""));
    FAILS(HEL_E_VERIFY, "another signer", decode_changed(signer, "KEY", "0123456789abcdef"));
    FAILS(HEL_E_FORMAT, "no manifest", decode_changed(signer, "heloci-manifest", "other"));
    FAILS(HEL_E_FORMAT, "no manifest", decode_changed(signer, "{\"schema\"", "{ \"schema\""));
    hel_signer_close(signer);
    cr_expect(hel_mem_in_use() == 0);
}

/* What brackets nest is bounded before a parser recurses; brackets in texts do not nest. */
Test(manifest, depth_is_bounded)
{
    hel_signer *signer = manifest_signer(9);
    char by[4096] = "\"deep\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\",\"kind\"";
    cr_expect(decode_changed(signer, "\"kind\"", by) == HEL_OK, "%s", hel_engine_error(engine));
    for (int depth = 13; depth <= 17; depth++) {
        snprintf(by, sizeof by, "\"deep\":%.*s0%.*s,\"kind\"", depth, "[[[[[[[[[[[[[[[[[", depth,
                 "]]]]]]]]]]]]]]]]]");
        hel_status status = decode_changed(signer, "\"kind\"", by);
        cr_expect(status == (depth < HEL_MANIFEST_DEPTH ? HEL_OK : HEL_E_FORMAT), "%d: %s", depth,
                  hel_status_name(status));
    }
    const size_t most = 3000000;
    char *line = malloc(most);
    memset(line, '[', most);
    memcpy(line, HEL_MANIFEST_PREFIX ",\"x\":", sizeof HEL_MANIFEST_PREFIX + 4);
    FAILS(HEL_E_FORMAT, "nested deeper", decode_line(signer, line, most));
    free(line);
    hel_signer_close(signer);
}

Test(manifest, raw_nul_bytes_are_refused)
{
    char line[sizeof valid];
    hel_signer *signer = manifest_signer(9);
    for (size_t i = sizeof HEL_MANIFEST_PREFIX; i + 1 < sizeof valid; i++) {
        memcpy(line, valid, sizeof line);
        line[i] = 0;
        cr_assert(decode_line(signer, line, sizeof line - 1) != HEL_OK, "byte %zu", i);
    }
    hel_signer_close(signer);
}

/* The second line has one form only. */
Test(manifest, other_forms_of_the_signature_are_refused)
{
    static const struct {
        const char *what, *by;
    } rows[] = {{"ed25519", "ED25519"},
                {"\"key\":", "\"Key\":"},
                {"}}", "} "},
                {",\"key_id\"", ",\"kez_id\""},
                {"{\"signature\"", " {\"signatur\""}};
    size_t bytes;
    hel_manifest_file f;
    hel_signer *signer = manifest_signer(7), *other = manifest_signer(8);
    write_manifest(signer);
    uint8_t *text = test_read_file(manifest, &bytes);
    char *second = (char *)text + bytes - HEL_SIGNATURE_LINE_BYTES;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *line = replaced(second, rows[i].what, rows[i].by), *copy = malloc(bytes);
        cr_assert(strlen(line) == HEL_SIGNATURE_LINE_BYTES);
        memcpy(copy, text, bytes - HEL_SIGNATURE_LINE_BYTES);
        memcpy(copy + bytes - HEL_SIGNATURE_LINE_BYTES, line, HEL_SIGNATURE_LINE_BYTES);
        FAILS(HEL_E_FORMAT, "line 2",
              hel_manifest_decode(engine, &f, manifest, (uint8_t *)copy, bytes));
        free(line);
        free(copy);
    }
    /* Another's key and signature over the same line: it names the first one. */
    size_t line = bytes - HEL_SIGNATURE_LINE_BYTES - 1, total;
    uint8_t *stolen = manifest_sign(other, (char *)text, line, &total);
    FAILS(HEL_E_VERIFY, "another signer", hel_manifest_decode(engine, &f, manifest, stolen, total));
    free(stolen);
    free(text);
    hel_signer_close(signer);
    hel_signer_close(other);
}

/* ---- inspect ---- */

static int gather(void *arg, const char *text)
{
    hel_buf *out = arg;
    return hel_buf_put(NULL, out, text, strlen(text)) != HEL_OK;
}

Test(manifest, explained_for_people)
{
    static const char *const pieces[] = {"manifest of sums",
                                         "signature        holds: key ",
                                         "role genotypes, name x.geno",
                                         "index 3, count 8",
                                         "security_bits 128",
                                         "busy_seconds 1.5",
                                         "on_device no",
                                         "utilisation 0.75"};
    hel_buf out = {0};
    hel_signer *signer = manifest_signer(7);
    hel_explainer to = {.engine = engine, .out = gather, .arg = &out};
    write_manifest(signer);
    OK(hel_manifest_explain(&to, manifest));
    cr_assert(hel_buf_put(NULL, &out, "", 1) == HEL_OK);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        cr_expect(strstr((char *)out.data, pieces[i]), "'%s' is not in\n%s", pieces[i],
                  (char *)out.data);
    cr_expect(!strstr((char *)out.data, "..."));
    hel_buf_free(&out);
    hel_signer_close(signer);
}

/* Whatever a signed text says, no control character reaches a terminal. */
Test(manifest, explanations_are_printable)
{
    size_t bytes;
    hel_signer *signer = manifest_signer(9);
    hel_buf out = {0};
    hel_explainer to = {.engine = engine, .out = gather, .arg = &out};
    char *keyed = replaced(valid, "KEY", hel_signer_id(signer));
    char *sha =
        replaced(keyed, "SHA", "0000000000000000000000000000000000000000000000000000000000000000");
    char *line =
        replaced(sha, "\"scan\"",
                 "\"s\\u001b[2J\\u009b1m\\u00e4\",\"l\\u001bist\":[\"\\u0007\",1,null,true,[],"
                 "{\"\\u001b\":{\"b\":1.5}}]");
    uint8_t *text = manifest_sign(signer, line, strlen(line), &bytes);
    test_write_file(manifest, text, bytes, 0644);
    OK(hel_manifest_explain(&to, manifest));
    for (size_t i = 0; i < out.bytes; i++)
        cr_assert(out.data[i] == '\n' || (out.data[i] >= 0x20 && out.data[i] != 0x7f));
    cr_assert(hel_buf_put(NULL, &out, "", 1) == HEL_OK);
    cr_expect(strstr((char *)out.data, "s?[2J?1m\xc3\xa4"), "%s", (char *)out.data);
    hel_buf_free(&out);
    free(keyed);
    free(sha);
    free(line);
    free(text);
    hel_signer_close(signer);
}

/* ---- environment ---- */

Test(manifest, trace_context)
{
    static const char good[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    static const char *const bad[] = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-a\nb"};
    unsetenv("HELOCI_TRACEPARENT");
    unsetenv("TRACEPARENT");
    cr_expect(hel_traceparent() == NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("HELOCI_TRACEPARENT", bad[i], 1);
        cr_expect(hel_traceparent() == NULL, "%s", bad[i]);
    }
    setenv("TRACEPARENT", good, 1);
    cr_expect_str_eq(hel_traceparent(), good);
    setenv("HELOCI_TRACEPARENT", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", 1);
    cr_expect(strncmp(hel_traceparent(), "cc-", 3) == 0);
}

Test(manifest, batch_jobs)
{
    setenv("SLURM_JOB_ID", "123", 1);
    setenv("SLURM_ARRAY_TASK_ID", "7", 1);
    setenv("SLURM_ARRAY_JOB_ID", "12x", 1);
    setenv("SLURM_RESTART_COUNT", "99999999999999999999", 1);
    setenv("SLURM_JOB_USER", "somebody", 1);
    unsetenv("SLURM_PROCID");
    json_t *s = hel_slurm_json();
    cr_assert(s && json_object_size(s) == 2);
    cr_expect(json_integer_value(json_object_get(s, "job_id")) == 123);
    cr_expect(json_integer_value(json_object_get(s, "array_task_id")) == 7);
    json_decref(s);
}

static int take(void *arg, const char *text)
{
    *(json_t **)arg = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    return 0;
}

Test(manifest, build_as_json)
{
    json_t *b = NULL;
    OK(hel_build_json(engine, take, &b));
    cr_assert(b != NULL);
    cr_expect_str_eq(json_string_value(json_object_get(b, "version")), hel_version());
    cr_expect(json_string_value(json_object_get(b, "compiler")) != NULL);
    cr_expect(json_is_array(json_object_get(b, "cuda_architectures")));
    /* The table as Bossuat et al. print it; sha256 of its 24 numbers, computed elsewhere. */
    cr_expect_str_eq(json_string_value(json_object_get(b, "security_table")),
                     "13a952c6eb27709b211723df0b65f94cd8bd45a695cdb0de0d61dc64ddb4227e");
    json_decref(b);
}
