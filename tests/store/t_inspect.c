/* hel_inspect and hel_verify_file: what they say, what they must not say, progress and stops. */
#include "host/base/mem.h"
#include "host/store/keyfile.h"
#include "heloci/store.h"
#include "tests/base/test_dir.h"
#include "tests/fuzz/container_repair.h"

struct sink {
    char text[16384];
    int lines, stop_after;
    uint64_t last_done, last_total;
};

static test_dir dir;
static hel_engine *engine;
static struct sink sink;

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

static void write_public(const char *path, size_t bytes)
{
    hel_head head = {.kind = HEL_KIND_GENOTYPES, .sample_count = 1234, .variant_count = 56789};
    uint8_t *body = calloc(1, bytes);
    hel_writer *w;
    memset(head.params, 0xab, 32);
    cr_assert(hel_writer_open(engine, &w, path, &head) == HEL_OK);
    cr_assert(hel_writer_put_section(w, HEL_SECTION_CIPHER, body, bytes) == HEL_OK);
    cr_assert(hel_writer_put_section(w, 1, "", 0) == HEL_OK);
    cr_assert(hel_writer_commit(w, NULL) == HEL_OK);
    free(body);
}

Test(inspect, says_what_a_file_is)
{
    const char *path = test_dir_path(&dir, "g.hel");
    static const char *const expect[] = {"genotypes (public)",
                                         "abababab",
                                         "1234\n",
                                         "56789\n",
                                         " UTC\n",
                                         "CTXT",
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
    } rows[] = {{0, "1970-01-01 00:00:00 UTC"},
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
    test_random_bytes(&state, secret, sizeof secret);
    for (int sealed = 0; sealed < 2; sealed++) {
        sink.text[0] = 0;
        cr_assert(hel_keyfile_write(engine, path, &head, "p", 1, secret, sizeof secret,
                                    sealed ? "pass" : NULL) == HEL_OK);
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
    chmod(path, 0644);
    cr_assert(hel_inspect(engine, path, on_text, &sink) == HEL_E_PERMISSION);
    cr_assert(hel_verify_file(engine, path) == HEL_E_PERMISSION);
}

Test(inspect, damaged_key_section)
{
    const char *path = test_dir_path(&dir, "key.hel");
    uint8_t secret[64] = {0};
    hel_head head = {.kind = HEL_KIND_SECRET_KEY};
    size_t size;
    cr_assert(hel_keyfile_write(engine, path, &head, "p", 1, secret, 64, NULL) == HEL_OK);
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
        cr_assert(status == HEL_E_CANCELLED || (status == HEL_OK && lines > 8));
        cr_assert(hel_mem_in_use() == 0);
    }
}

Test(inspect, verify_reports_progress)
{
    const char *path = test_dir_path(&dir, "g.hel");
    write_public(path, 20u << 20);
    cr_assert(hel_verify_file(engine, path) == HEL_OK);
    cr_assert(sink.last_done == 20u << 20 && sink.last_total == 20u << 20);
    for (int calls = 1; calls <= 2; calls++) { /* at the start, at the end */
        sink.lines = 0;
        sink.stop_after = calls;
        cr_assert(hel_verify_file(engine, path) == HEL_E_CANCELLED);
        cr_assert(hel_mem_in_use() == 0);
    }
}

Test(inspect, arguments)
{
    cr_assert(hel_inspect(NULL, "x", on_text, NULL) == HEL_E_USAGE);
    cr_assert(hel_inspect(engine, NULL, on_text, NULL) == HEL_E_USAGE);
    cr_assert(hel_inspect(engine, "x", NULL, NULL) == HEL_E_USAGE);
    cr_assert(hel_verify_file(NULL, "x") == HEL_E_USAGE);
    cr_assert(hel_verify_file(engine, NULL) == HEL_E_USAGE);
}
