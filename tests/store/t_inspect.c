/*
 * hel_inspect and hel_verify_file: what they say of every kind, what they must not say, progress
 * and stops.
 */
#include "host/store/keyfile.h"
#include "tests/e2e/toy_cohort.h"
#include "tests/ref/ref_ckks.h"

struct sink {
    char text[16384];
    int lines, stop_after;
    uint64_t last_done, last_total;
};

static test_dir dir;
static hel_engine *engine;
static struct sink sink;

/* The encoded default parameters, with their digest in the head. */
static hel_buf real_params(hel_head *head)
{
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    hel_params params;
    hel_buf out = {0};
    cr_assert(hel_params_search(engine, &request, &params) == HEL_OK);
    cr_assert(hel_params_encode(engine, &params, &out) == HEL_OK);
    cr_assert(hel_params_digest(engine, &params, head->params) == HEL_OK);
    return out;
}

static int on_text(void *arg, const char *text)
{
    struct sink *s = arg;
    cr_assert(strlen(s->text) + strlen(text) < sizeof s->text);
    strcat(s->text, text);
    return s->stop_after && ++s->lines >= s->stop_after;
}

static int on_progress(void *arg, const char *stage, uint64_t done, uint64_t total,
                       const char *unit)
{
    struct sink *s = arg;
    cr_assert_str_eq(stage, "verify");
    cr_assert_str_eq(unit, "bytes");
    cr_assert(done <= total);
    s->last_done = done;
    s->last_total = total;
    return s->stop_after && ++s->lines >= s->stop_after;
}

static void setup(void)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = 2;
    config.progress = on_progress;
    config.progress_arg = &sink;
    test_dir_make(&dir);
    cr_assert(hel_engine_create(&engine, &config) == HEL_OK);
}

static void teardown(void)
{
    hel_engine_free(engine);
    test_dir_remove(&dir);
}

TestSuite(inspect, .init = setup, .fini = teardown);

/* Sums of one block, chunk and output; `bytes` of an unknown section beside them. */
static void write_public(const char *path, size_t bytes)
{
    hel_head head = {.kind = HEL_KIND_SUMS, .sample_count = 1234, .variant_count = 567};
    hel_sums_layout layout = {.log_n = 10,
                              .limbs = 1,
                              .chunks = 1,
                              .blocks = 1,
                              .outputs = 1,
                              .columns = 1,
                              .variants = 567};
    uint8_t *body = calloc(1, bytes + 8192);
    hel_buf encoded = {0};
    hel_writer *w;
    memset(head.params, 0xab, 32);
    cr_assert(hel_writer_open(engine, &w, path, &head) == HEL_OK);
    cr_assert(hel_sums_layout_encode(engine, &layout, &encoded) == HEL_OK);
    cr_assert(hel_writer_put_section(w, HEL_FOURCC('N', 'E', 'W', '!'), body, bytes) == HEL_OK);
    cr_assert(hel_writer_put_section(w, HEL_SECTION_LAYOUT, encoded.data, encoded.bytes) == HEL_OK);
    cr_assert(hel_writer_put_section(w, HEL_SECTION_CIPHER, body, 8192) == HEL_OK);
    hel_buf_free(&encoded);
    cr_assert(hel_writer_put_section(w, 1, "", 0) == HEL_OK);
    cr_assert(hel_writer_commit(w, NULL) == HEL_OK);
    free(body);
}

Test(inspect, says_what_a_file_is)
{
    const char *path = test_dir_path(&dir, "g.hel");
    static const char *const expect[] = {"sums (public)",
                                         "abababab",
                                         "1234\n",
                                         "567\n",
                                         " UTC\n",
                                         "CTXT",
                                         "NEW!",
                                         "5000 bytes at 512",
                                         "0x00000001",
                                         "content ",
                                         "format version   1\n",
                                         " %)\n"};
    write_public(path, 5000);
    cr_assert(hel_inspect(engine, path, on_text, &sink) == HEL_OK, "%s", hel_engine_error(engine));
    for (size_t i = 0; i < sizeof expect / sizeof expect[0]; i++)
        cr_expect(strstr(sink.text, expect[i]), "'%s' is missing in\n%s", expect[i], sink.text);
    cr_expect(!strstr(sink.text, "key id"), "an all-zero field is printed");
    cr_expect(strstr(sink.text, path));
}

Test(inspect, created_is_utc)
{
    const char *path = test_dir_path(&dir, "g.hel");
    const struct {
        uint64_t seconds;
        const char *text;
    } rows[] = {{0, "not stated: equal scans give equal files"},
                {1, "1970-01-01 00:00:01 UTC"},
                {951782399, "2000-02-28 23:59:59 UTC"},
                {253402300799u, "9999-12-31 23:59:59 UTC"},
                {253402300800u, "253402300800 seconds"},
                {UINT64_MAX, "18446744073709551615 seconds"}};
    size_t size;
    setenv("TZ", "Asia/Tokyo", 1);
    write_public(path, 10);
    uint8_t *f = test_read_file(path, &size);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        repair_put(f + 40, 8, rows[i].seconds);
        repair_digests(f, size);
        test_write_file(path, f, size, 0644);
        sink.text[0] = 0;
        cr_assert(hel_inspect(engine, path, on_text, &sink) == HEL_OK);
        cr_expect(strstr(sink.text, rows[i].text), "%s\n%s", rows[i].text, sink.text);
    }
    free(f);
}

Test(inspect, shows_no_key_byte)
{
    const char *path = test_dir_path(&dir, "key.hel");
    uint64_t state = test_seed();
    uint8_t secret[64];
    hel_head head = {.kind = HEL_KIND_SECRET_KEY};
    hel_buf params = real_params(&head);
    test_random_bytes(&state, secret, sizeof secret);
    for (int sealed = 0; sealed < 2; sealed++) {
        sink.text[0] = 0;
        cr_assert(hel_keyfile_write(engine, path, &head, params.data, params.bytes, secret,
                                    sizeof secret, sealed ? "pass" : NULL) == HEL_OK);
        cr_assert(hel_inspect(engine, path, on_text, &sink) == HEL_OK);
        cr_expect(strstr(sink.text, sealed ? "sealed under a passphrase" : "plain"), "%s",
                  sink.text);
        cr_expect(strstr(sink.text, "owner only") && !strstr(sink.text, "content"));
        for (size_t i = 0; i + 6 <= sizeof secret; i++) {
            char hex[13];
            hel_hex(hex, secret + i, 6);
            cr_assert(!strstr(sink.text, hex), "%s", hex);
            cr_assert(!memmem(sink.text, strlen(sink.text), secret + i, 6));
        }
    }
    hel_buf_free(&params);
    chmod(path, 0644);
    cr_assert(hel_inspect(engine, path, on_text, &sink) == HEL_E_PERMISSION);
    cr_assert(hel_verify_file(engine, path) == HEL_E_PERMISSION);
}

Test(inspect, damaged_key_section)
{
    const char *path = test_dir_path(&dir, "key.hel");
    uint8_t secret[64] = {0};
    hel_head head = {.kind = HEL_KIND_SECRET_KEY};
    hel_buf params = real_params(&head);
    size_t size;
    cr_assert(hel_keyfile_write(engine, path, &head, params.data, params.bytes, secret, 64, NULL) ==
              HEL_OK);
    hel_buf_free(&params);
    uint8_t *f = test_read_file(path, &size);
    f[576] = 7;
    test_write_file(path, f, size, 0600);
    cr_assert(hel_inspect(engine, path, on_text, &sink) == HEL_E_FORMAT);
    cr_assert(strstr(hel_engine_error(engine), "SKEY, bytes 0"), "%s", hel_engine_error(engine));
    repair_all(f, size);
    test_write_file(path, f, size, 0600);
    cr_assert(hel_inspect(engine, path, on_text, &sink) == HEL_E_FORMAT);
    cr_assert(strstr(hel_engine_error(engine), "way of sealing 7"));
    free(f);
}

Test(inspect, stops_on_request)
{
    const char *path = test_dir_path(&dir, "g.hel");
    write_public(path, 100);
    for (int lines = 1; lines < 30; lines++) {
        sink.lines = 0;
        sink.text[0] = 0;
        sink.stop_after = lines;
        hel_status status = hel_inspect(engine, path, on_text, &sink);
        cr_assert(status == HEL_E_CANCELLED || (status == HEL_OK && lines > 16));
        cr_assert(hel_mem_in_use() == 0);
    }
}

Test(inspect, verify_reports_progress)
{
    const char *path = test_dir_path(&dir, "g.hel");
    write_public(path, 20u << 20);
    cr_assert(hel_verify_file(engine, path) == HEL_OK);
    cr_assert(sink.last_done == sink.last_total && sink.last_total == (20u << 20) + 8192 + 104);
    for (int calls = 1; calls <= 2; calls++) { /* at the start, at the end */
        sink.lines = 0;
        sink.stop_after = calls;
        cr_assert(hel_verify_file(engine, path) == HEL_E_CANCELLED);
        cr_assert(hel_mem_in_use() == 0);
    }
}

/* ---- every kind, from a real run at toy parameters ---- */

static const char *explain(toy *t, const char *suffix)
{
    sink.text[0] = 0;
    const char *path = e2e_path(&t->e, suffix);
    cr_assert(hel_inspect(t->e.engine, path, on_text, &sink) == HEL_OK, "%s",
              hel_engine_error(t->e.engine));
    return sink.text;
}

Test(inspect, explains_every_kind)
{
    enum { SAMPLES = 150, VARIANTS = 1100 };
    static const struct {
        const char *suffix, *says[8];
    } rows[] = {
        {".key", {"secret key (owner only)", "N = 1024 (2^10)", "NONE: toy", "plain: whoever"}},
        {".evk",
         {"evaluation keys (public)", "15, each 2 digits over 6 primes, 49152 bytes",
          "3 digits over 3 primes, 36864 bytes", "margin", "Dz = "}},
        {".geno",
         {"genotypes (public)", "samples          150", "variants         1100", "g, g2\n",
          "2 of 1024 variants, in 1 super-block of up to 8", "600 of 3 limbs, 12288 bytes each",
          "12 bytes per genotype and plane, 22.", "overhead 0."}},
        {".private", {"dataset (owner only)", "planes", "private list", "600, one per sample"}},
        {".weights",
         {"weights (public)", "2 of up to 128 samples, in segments of 64",
          "2 of 4 limbs, 16384 bytes each", "sums per variant"}},
        {".model", {"model (owner only)", "1, of 1 missingness pattern\n", "of 20 bits"}},
        {".sums",
         {"sums (public)", "2 chunks of samples", "2 of 1024 variants", "genotypes read",
          "weights read", "pairs of 2 limbs, 16384 bytes each"}},
    };
    toy t;
    toy_start(&t, SAMPLES, VARIANTS);
    toy_scan(&t);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = explain(&t, rows[i].suffix);
        for (int k = 0; k < 8 && rows[i].says[k]; k++)
            cr_expect(strstr(text, rows[i].says[k]), "%s: '%s' is missing in\n%s", rows[i].suffix,
                      rows[i].says[k], text);
    }
    toy_stop(&t);
}

/* Security in figures, with parameters that have some. */
Test(inspect, explains_security)
{
    toy t;
    toy_start(&t, 64, 1);
    E2E_OK(&t.e, e2e_keygen(&t.e, NULL));
    const char *text = explain(&t, ".evk");
    cr_expect(strstr(text, "128 bits: log2(Q'P) = "), "%s", text);
    cr_expect(strstr(text, "at most 214 for N = 2^13"), "%s", text);
    toy_stop(&t);
}

/* Owner-only files: no name of a sample, variant or phenotype is printed. */
Test(inspect, names_nobody)
{
    static const char *const suffixes[] = {".key", ".private", ".model"};
    static const char *const names[] = {"s14", "rs7", "Q1", "age", "income", "batch"};
    toy t;
    toy_start(&t, 150, 200);
    toy_scan(&t);
    for (int i = 0; i < 3; i++) {
        char *text = strdup(explain(&t, suffixes[i])), *rest = text;
        cr_expect_not(strstr(text, "content "));
        for (char *line; (line = strsep(&rest, "\n"));) {
            if (strncmp(line, "file ", 5) == 0) /* its path holds any letters */
                continue;
            for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
                cr_expect(!strstr(line, names[k]), "%s: %s", names[k], line);
        }
        free(text);
    }
    toy_stop(&t);
}

/* Perfect frames around impossible layouts: refused, with the file's name. */
Test(inspect, refuses_impossible_layouts)
{
    static const struct {
        const char *suffix;
        uint32_t section, at;
        uint8_t value;
        const char *says;
    } rows[] = {{".geno", HEL_SECTION_LAYOUT, 4, 99, "out of its range"},
                {".geno", HEL_SECTION_LAYOUT, 24, 149, "bytes"},
                {".geno", HEL_SECTION_PARAMS, 36, 99, "parameters"},
                {".weights", HEL_SECTION_LAYOUT, 12, 63, "out of its range"},
                {".weights", HEL_SECTION_COLUMNS, 0, 0, "column 0"},
                {".sums", HEL_SECTION_LAYOUT, 16, 3, "bytes"},
                {".evk", HEL_SECTION_PARAMS, 0, 2, "version"},
                {".private", HEL_SECTION_LAYOUT, 0, 2, "version"},
                {".model", HEL_SECTION_MODEL, 0, 9, "version"},
                {".key", HEL_SECTION_PARAMS, 4, 11, "parameters"}};
    toy t;
    toy_start(&t, 150, 1100);
    toy_scan(&t);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size;
        uint64_t bytes;
        char path[2 * PATH_MAX];
        snprintf(path, sizeof path, "%s", e2e_path(&t.e, rows[i].suffix));
        uint8_t *f = test_read_file(path, &size);
        uint8_t *section = toy_find(f, rows[i].section, &bytes), before = section[rows[i].at];
        section[rows[i].at] = rows[i].value;
        repair_sums(f, size);
        repair_digests(f, size);
        test_write_file(path, f, size, 0600);
        sink.text[0] = 0;
        hel_status status = hel_inspect(t.e.engine, path, on_text, &sink);
        const char *said = hel_engine_error(t.e.engine);
        cr_expect(status == HEL_E_FORMAT, "%s %u: %s", rows[i].suffix, rows[i].at,
                  hel_status_name(status));
        cr_expect(strncmp(said, path, strlen(path)) == 0 && strstr(said, rows[i].says), "%s", said);
        section[rows[i].at] = before;
        repair_sums(f, size);
        repair_digests(f, size);
        test_write_file(path, f, size, 0600);
        free(f);
    }
    toy_stop(&t);
}

/* ---- files of the CKKS evaluator ---- */

typedef struct ckks_set {
    ref_ckks f;
    hel_ckks_plain *plain;
    hel_ckks_cipher *cipher;
    char path[7][PATH_MAX + 16];
} ckks_set;

/* Parameters, secret, public and evaluation keys, plaintext, product of three polynomials, seeded
 * ciphertext. */
static void ckks_start(ckks_set *c)
{
    static const char *const names[] = {"par", "key", "pub", "evk", "pt", "ct", "sct"};
    const hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    double re[48];
    ref_random r = ref_random_start(30);
    ref_ckks_setup(&c->f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks *k = c->f.ckks;
    for (int i = 0; i < 7; i++)
        snprintf(c->path[i], sizeof c->path[i], "%s/a.%s", dir.path, names[i]);
    ref_ckks_fill(&r, re, NULL, 48);
    cr_assert(hel_ckks_plain_create(k, &c->plain) == HEL_OK);
    cr_assert(hel_ckks_cipher_create(k, &c->cipher) == HEL_OK);
    cr_assert(hel_ckks_encode(k, c->plain, re, NULL, 16, 3, 1, 0) == HEL_OK);
    cr_assert(hel_ckks_encrypt_symmetric(k, c->cipher, c->plain, c->f.secret) == HEL_OK);
    cr_assert(hel_ckks_params_save(c->f.engine, c->path[0], &p) == HEL_OK);
    cr_assert(hel_ckks_secret_save(k, c->path[1], c->f.secret, NULL) == HEL_OK);
    cr_assert(hel_ckks_public_save(k, c->path[2], c->f.public_key) == HEL_OK);
    cr_assert(hel_ckks_keys_save(k, c->path[3], c->f.keys) == HEL_OK);
    cr_assert(hel_ckks_plain_save(k, c->path[4], c->plain) == HEL_OK);
    cr_assert(hel_ckks_cipher_save(k, c->path[6], c->cipher) == HEL_OK);
    cr_assert(hel_ckks_mul_lazy(k, c->cipher, c->cipher, c->cipher) == HEL_OK);
    cr_assert(hel_ckks_cipher_save(k, c->path[5], c->cipher) == HEL_OK);
}

static void ckks_end(ckks_set *c)
{
    hel_ckks_plain_free(c->plain);
    hel_ckks_cipher_free(c->cipher);
    ref_ckks_end(&c->f);
}

Test(inspect, explains_every_ckks_kind)
{
    static const char *const says[7][8] = {
        {"CKKS parameters (public)", "N = 1024 (2^10), up to 512 slots", "0 to 2, a mult",
         "2^40 at the top", "log2(Q) = ", "NONE: insecure parameters", "with a seed",
         "in memory, "},
        {"CKKS secret key (owner only)", "N = 1024", "312 bytes, plain: whoever"},
        {"CKKS public key (public)", "key id", "seed ", "bytes and a seed"},
        {"CKKS evaluation keys (public)", "2 of 2 and below",
         "13: 1 for relinearization, 1 for conjugation, 11 for others", "2 digits over"},
        {"CKKS plaintext (owner only)", "1 of 2: ", "3 of 16 slots", "residues"},
        {"CKKS ciphertext (public)", "1 of 2: ", "3 of 16 slots", "3, ", "scaled by        2^8"},
        {"CKKS ciphertext (public)", "1 of 2: ", "3 of 16 slots", "2, the second one as a seed, ",
         "scaled by        2^4"},
    };
    ckks_set c;
    ckks_start(&c);
    for (int i = 0; i < 7; i++) {
        sink.text[0] = 0;
        cr_assert(hel_inspect(engine, c.path[i], on_text, &sink) == HEL_OK, "%s",
                  hel_engine_error(engine));
        for (int k = 0; k < 8 && says[i][k]; k++)
            cr_expect(strstr(sink.text, says[i][k]), "'%s' is missing in\n%s", says[i][k],
                      sink.text);
        cr_expect(hel_verify_file(engine, c.path[i]) == HEL_OK);
    }
    ckks_end(&c);
}

Test(inspect, explains_ckks_security)
{
    const char *path = test_dir_path(&dir, "a.par");
    hel_ckks_params p;
    cr_assert(hel_ckks_params_named(engine, "n12", &p) == HEL_OK);
    cr_assert(hel_ckks_params_save(engine, path, &p) == HEL_OK);
    cr_assert(hel_inspect(engine, path, on_text, &sink) == HEL_OK);
    cr_expect(strstr(sink.text, "128 bits: log2(QP) = "), "%s", sink.text);
    cr_expect(strstr(sink.text, "at most 106 for N = 2^12"), "%s", sink.text);
}

/* Owner-only kinds: neither their bytes nor what their numbers are like. */
Test(inspect, shows_no_ckks_secret)
{
    ckks_set c;
    ckks_start(&c);
    for (int i = 1; i <= 4; i += 3) {
        size_t size;
        uint8_t *file = test_read_file(c.path[i], &size);
        sink.text[0] = 0;
        cr_assert(hel_inspect(engine, c.path[i], on_text, &sink) == HEL_OK);
        cr_expect_not(strstr(sink.text, "content ") || strstr(sink.text, "scaled by"));
        for (size_t at = size - 2000; at + 8 <= size; at += 4) {
            char hex[17];
            hel_hex(hex, file + at, 8);
            cr_assert_not(strstr(sink.text, hex));
        }
        free(file);
    }
    ckks_end(&c);
}

/* Perfect frames around impossible heads: refused, with the file's name. */
Test(inspect, refuses_impossible_ckks_heads)
{
    static const struct {
        int file;
        uint32_t section, at, value;
        const char *says;
    } rows[] = {{0, HEL_SECTION_PARAMS, 4, 99, "log N"},
                {1, HEL_SECTION_PARAMS, 8, 1, "depth"},
                {2, HEL_SECTION_OBJECT, 0, 2, "version"},
                {2, HEL_SECTION_OBJECT, 4, 1, "limbs"},
                {3, HEL_SECTION_OBJECT, 4, 3, "level 3"},
                {3, HEL_SECTION_OBJECT, 4, 1, "demands"},
                {3, HEL_SECTION_OBJECT, 8, UINT32_MAX, "4294967295 keys"},
                {3, HEL_SECTION_OBJECT, 12, 2, "element 2"},
                {3, HEL_SECTION_OBJECT, 12, 2047, "order"},
                {4, HEL_SECTION_OBJECT, 4, 3, "level 3"},
                {4, HEL_SECTION_OBJECT, 8, 10, "2^10 slots"},
                {4, HEL_SECTION_OBJECT, 12, UINT32_MAX, "demands"},
                {5, HEL_SECTION_OBJECT, 16, 4, "4 polynomials"},
                {5, HEL_SECTION_OBJECT, 20, 1, "form 1"},
                {5, HEL_SECTION_OBJECT, 20, 4, "form 4"},
                {5, HEL_SECTION_OBJECT, 44, 0x7ff00000, "scale"},
                {6, HEL_SECTION_OBJECT, 12, 2, "demands"}};
    ckks_set c;
    ckks_start(&c);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size;
        uint64_t bytes;
        const char *path = c.path[rows[i].file];
        uint8_t *good = test_read_file(path, &size), *bad = test_read_file(path, &size);
        repair_put(toy_find(bad, rows[i].section, &bytes) + rows[i].at, 4, rows[i].value);
        repair_sums(bad, size);
        repair_digests(bad, size);
        test_write_file(path, bad, size, 0600);
        sink.text[0] = 0;
        hel_status status = hel_inspect(engine, path, on_text, &sink);
        const char *said = hel_engine_error(engine);
        cr_expect(status == HEL_E_FORMAT, "%zu: %s: %s", i, hel_status_name(status), said);
        cr_expect(strncmp(said, path, strlen(path)) == 0 && strstr(said, rows[i].says), "%s", said);
        test_write_file(path, good, size, 0600);
        free(good);
        free(bad);
    }
    ckks_end(&c);
}

Test(inspect, arguments)
{
    cr_assert(hel_inspect(NULL, "x", on_text, NULL) == HEL_E_USAGE);
    cr_assert(hel_inspect(engine, NULL, on_text, NULL) == HEL_E_USAGE);
    cr_assert(hel_inspect(engine, "x", NULL, NULL) == HEL_E_USAGE);
    cr_assert(hel_verify_file(NULL, "x") == HEL_E_USAGE);
    cr_assert(hel_verify_file(engine, NULL) == HEL_E_USAGE);
}
