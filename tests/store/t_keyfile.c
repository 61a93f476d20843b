/* The secret key at rest: sealing, damage, permissions, and the counter of rejections. */
#include <sys/wait.h>

#include "host/base/mem.h"
#include "host/store/keyfile.h"
#include "tests/base/test_dir.h"
#include "tests/fuzz/container_repair.h"

static test_dir dir;
static hel_engine *engine;
static char path[PATH_MAX + 16], counter[PATH_MAX + 32];
static uint8_t secret[3000];

static void setup(void)
{
    uint64_t state = test_seed();
    test_dir_make(&dir);
    snprintf(path, sizeof path, "%s/key.hel", dir.path);
    snprintf(counter, sizeof counter, "%s.rejections", path);
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    test_random_bytes(&state, secret, sizeof secret);
}

static void teardown(void)
{
    hel_engine_free(engine);
    test_dir_remove(&dir);
}

TestSuite(keyfile, .init = setup, .fini = teardown);

static hel_head write_key(size_t bytes, const char *passphrase)
{
    hel_head head = {.kind = HEL_KIND_SECRET_KEY};
    memset(head.params, 5, sizeof head.params);
    memset(head.key_id, 6, sizeof head.key_id);
    hel_status status =
        hel_keyfile_write(engine, path, &head, "parameters", 10, secret, bytes, passphrase);
    cr_assert(status == HEL_OK, "%s", hel_engine_error(engine));
    return head;
}

/* Reads and expects `code`; on success compares with `secret`. */
static void expect_read(hel_status code, size_t bytes, const char *passphrase, const char *text)
{
    hel_head head;
    uint8_t *params, *key;
    size_t params_bytes, key_bytes;
    hel_error_clear(engine);
    hel_status status = hel_keyfile_read(engine, path, HEL_KIND_SECRET_KEY, &head, &params,
                                         &params_bytes, &key, &key_bytes, passphrase);
    cr_assert(status == code, "%s: %s", hel_status_name(status), hel_engine_error(engine));
    if (status == HEL_OK) {
        cr_assert(params_bytes == 10 && memcmp(params, "parameters", 10) == 0);
        cr_assert(key_bytes == bytes && memcmp(key, secret, bytes) == 0);
        cr_assert(head.params[31] == 5 && head.key_id[15] == 6);
        hel_free(params);
        hel_secret_free(key);
    } else {
        cr_assert(!params && !key && params_bytes == 0 && key_bytes == 0);
        cr_assert(strstr(hel_engine_error(engine), text), "'%s' lacks '%s'",
                  hel_engine_error(engine), text);
    }
    cr_assert(hel_mem_in_use() == 0);
}

static int sealed(void)
{
    int answer = -1;
    cr_assert(hel_keyfile_sealed(engine, path, &answer) == HEL_OK, "%s", hel_engine_error(engine));
    return answer;
}

Test(keyfile, plain)
{
    const size_t sizes[] = {0, 1, 63, 64, 3000};
    const char *const none[] = {NULL, ""};
    for (size_t i = 0; i < 5; i++) {
        struct stat info;
        write_key(sizes[i], none[i % 2]);
        cr_assert(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
        cr_assert(sealed() == 0);
        expect_read(HEL_OK, sizes[i], NULL, "");
        expect_read(HEL_OK, sizes[i], "needless", "");
    }
}

Test(keyfile, sealed_under_a_passphrase)
{
    const size_t sizes[] = {0, 1, 3000};
    for (size_t i = 0; i < 3; i++) {
        size_t bytes;
        write_key(sizes[i], "correct horse");
        cr_assert(sealed() == 1);
        expect_read(HEL_OK, sizes[i], "correct horse", "");
        expect_read(HEL_E_MISMATCH, 0, "correct horsf", "does not open");
        expect_read(HEL_E_MISMATCH, 0, NULL, "passphrase is needed");
        expect_read(HEL_E_MISMATCH, 0, "", "passphrase is needed");
        uint8_t *f = test_read_file(path, &bytes);
        for (size_t at = 0; at + 16 <= sizes[i]; at += 16)
            cr_assert(!memmem(f, bytes, secret + at, 16), "key bytes lie open in the file");
        free(f);
    }
}

Test(keyfile, sealing_twice_differs)
{
    size_t a, b;
    write_key(100, "p");
    uint8_t *x = test_read_file(path, &a);
    write_key(100, "p");
    uint8_t *y = test_read_file(path, &b);
    cr_assert(a == b);
    /* salt, nonce, tag, text: behind the prefix's first 16 bytes */
    for (size_t at = 576 + 16; at < 576 + 64; at += 16)
        cr_assert(memcmp(x + at, y + at, 16) != 0);
    cr_assert(memcmp(x + 576 + 80, y + 576 + 80, 100) != 0);
    free(x);
    free(y);
}

/* One byte changed and the checksums made to fit: the seal itself must notice. */
Test(keyfile, seal_binds_header_and_text)
{
    size_t bytes;
    write_key(100, "p");
    uint8_t *f = test_read_file(path, &bytes);
    /* parameters, key id, salt, nonce, tag, text */
    const size_t places[] = {96, 303, 576 + 47, 576 + 48, 576 + 75, 576 + 179};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        f[places[i]] ^= 0x10;
        repair_all(f, bytes);
        test_write_file(path, f, bytes, 0600);
        expect_read(HEL_E_MISMATCH, 0, "p", "does not open");
        f[places[i]] ^= 0x10;
    }
    repair_all(f, bytes);
    test_write_file(path, f, bytes, 0600);
    expect_read(HEL_OK, 100, "p", "");
    free(f);
}

Test(keyfile, malformed_prefix)
{
    const struct {
        int seal;
        size_t at;
        int width;
        uint64_t value;
        const char *rule;
    } rows[] = {
        {0, 0, 4, 2, "way of sealing 2"},
        {0, 0, 4, UINT32_MAX, "way of sealing"},
        {0, 4, 4, 17, "scrypt cost"},
        {1, 4, 4, 0, "scrypt cost"},
        {1, 4, 4, 9, "scrypt cost"},
        {1, 4, 4, 21, "scrypt cost"},
        {1, 4, 4, UINT32_MAX, "2^4294967295"},
        {0, 8, 8, 99, "99 key bytes stated, 100"},
        {0, 8, 8, 101, "101 key bytes"},
        {1, 8, 8, UINT64_MAX, "key bytes stated"},
        {0, 16, 1, 1, "byte 16"},
        {0, 79, 1, 1, "byte 79"},
        {1, 76, 1, 1, "byte 76"},
        {1, 0, 4, 0, "scrypt cost"},
    };
    size_t bytes;
    uint8_t *files[2];
    write_key(100, NULL);
    files[0] = test_read_file(path, &bytes);
    write_key(100, "p");
    files[1] = test_read_file(path, &bytes);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int answer;
        uint8_t *f = malloc(bytes);
        memcpy(f, files[rows[i].seal], bytes);
        repair_put(f + 576 + rows[i].at, rows[i].width, rows[i].value);
        repair_all(f, bytes);
        test_write_file(path, f, bytes, 0600);
        expect_read(HEL_E_FORMAT, 0, "p", rows[i].rule);
        cr_assert(strstr(hel_engine_error(engine), "section SKEY"));
        cr_assert(hel_keyfile_sealed(engine, path, &answer) == HEL_E_FORMAT);
        free(f);
    }
    free(files[0]);
    free(files[1]);
}

Test(keyfile, wrong_files)
{
    const struct {
        hel_kind kind;
        uint32_t id;
        size_t bytes;
        const char *rule;
    } rows[] = {{HEL_KIND_MODEL, HEL_SECTION_SECRET, 80, "a secret key file is needed"},
                {HEL_KIND_SECRET_KEY, HEL_SECTION_MODEL, 80, "SKEY: missing"},
                {HEL_KIND_SECRET_KEY, HEL_SECTION_SECRET, 79, "79 bytes"},
                {HEL_KIND_SECRET_KEY, HEL_SECTION_SECRET, 0, "0 bytes"},
                {HEL_KIND_SECRET_KEY, HEL_SECTION_SECRET, 80, "PARM: missing"}};
    static const uint8_t zeros[80];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hel_head head = {.kind = rows[i].kind};
        hel_writer *w;
        cr_assert(hel_writer_open(engine, &w, path, &head) == HEL_OK);
        cr_assert(hel_writer_put_section(w, rows[i].id, zeros, rows[i].bytes) == HEL_OK);
        cr_assert(hel_writer_commit(w, NULL) == HEL_OK);
        expect_read(HEL_E_FORMAT, 0, NULL, rows[i].rule);
    }
    write_key(10, NULL);
    cr_assert(chmod(path, 0644) == 0);
    expect_read(HEL_E_PERMISSION, 0, NULL, "chmod 600");
    unlink(path);
    expect_read(HEL_E_IO, 0, NULL, "No such file");
}

Test(keyfile, damage_is_noticed_before_use)
{
    size_t bytes;
    write_key(100, NULL);
    uint8_t *f = test_read_file(path, &bytes);
    for (size_t at = 512; at < bytes; at++) {
        f[at] ^= 4;
        test_write_file(path, f, bytes, 0600);
        expect_read(HEL_E_FORMAT, 0, NULL, "byte");
        f[at] ^= 4;
    }
    free(f);
}

/* Writes (or takes the file that is there), reads and rejects with the n-th allocation failing. */
static hel_status round_trip(uint64_t n, const char *passphrase, int write)
{
    hel_head head = {.kind = HEL_KIND_SECRET_KEY};
    uint8_t *params = NULL, *key = NULL;
    size_t params_bytes, bytes;
    uint32_t count;
    hel_status status = HEL_OK;
    unlink(counter);
    hel_error_clear(engine);
    hel_mem_fail_nth(n);
    if (write)
        status = hel_keyfile_write(engine, path, &head, "p", 1, secret, 100, passphrase);
    if (status == HEL_OK)
        status = hel_keyfile_read(engine, path, HEL_KIND_SECRET_KEY, &head, &params, &params_bytes,
                                  &key, &bytes, passphrase);
    if (status == HEL_OK)
        status = hel_keyfile_reject(engine, path);
    if (status == HEL_OK)
        status = hel_keyfile_rejections(engine, path, &count);
    hel_mem_fail_nth(0);
    cr_assert(status != HEL_OK || (key && bytes == 100));
    hel_free(params);
    hel_secret_free(key);
    cr_assert(status == HEL_OK || status == HEL_E_MEMORY, "%s", hel_engine_error(engine));
    cr_assert(hel_mem_in_use() == 0, "allocation %llu leaks", (unsigned long long)n);
    return status;
}

Test(keyfile, every_allocation_may_fail)
{
    uint64_t n = 1;
    size_t bytes;
    while (round_trip(n, NULL, 1) != HEL_OK)
        cr_assert(++n < 100);
    cr_assert(n > 10);
    for (n = 1; n <= 3; n++) /* text, sealing key, writer; the rest is as for a plain key */
        cr_assert(round_trip(n, "pass", 1) == HEL_E_MEMORY);
    /* reading, from a key that was sealed at a low cost */
    uint8_t *f = test_read_file(HEL_SOURCE_DIR "/tests/fuzz/corpus/keyfile/valid_sealed", &bytes);
    test_write_file(path, f, bytes, 0600);
    for (n = 1; round_trip(n, "seed", 0) != HEL_OK; n++)
        cr_assert(n < 100);
    cr_assert(n > 6);
    free(f);
}

/* ---- rejections ---- */

static uint32_t rejections(void)
{
    uint32_t count = 77;
    cr_assert(hel_keyfile_rejections(engine, path, &count) == HEL_OK, "%s",
              hel_engine_error(engine));
    return count;
}

Test(keyfile, rejections_are_counted)
{
    struct stat info;
    cr_assert(rejections() == 0);
    cr_assert(!test_exists(counter));
    for (uint32_t i = 1; i <= 20; i++) {
        cr_assert(hel_keyfile_reject(engine, path) == HEL_OK);
        cr_assert(rejections() == i);
    }
    cr_assert(stat(counter, &info) == 0 && (info.st_mode & 0777) == 0600);
    cr_assert(info.st_size == 20 * 9);
}

Test(keyfile, torn_lines_count)
{
    const char *const texts[] = {"", "r", "rejected", "rejected\n", "rejected\nreje"};
    const uint32_t counts[] = {0, 1, 1, 1, 2};
    for (size_t i = 0; i < 5; i++) {
        test_write_file(counter, texts[i], strlen(texts[i]), 0600);
        cr_assert(rejections() == counts[i], "%s", texts[i]);
        cr_assert(hel_keyfile_reject(engine, path) == HEL_OK);
        cr_assert(rejections() == counts[i] + 1, "%s", texts[i]);
        cr_assert(hel_keyfile_reject(engine, path) == HEL_OK);
        cr_assert(rejections() == counts[i] + 2, "%s", texts[i]);
    }
}

Test(keyfile, rejections_from_many_processes)
{
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (int j = 0; j < 25; j++)
                if (hel_keyfile_reject(engine, path) != HEL_OK)
                    _exit(1);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++) {
        int state;
        cr_assert(waitpid(children[i], &state, 0) == children[i] && state == 0);
    }
    cr_assert(rejections() == 100);
}

/* A counter that cannot be read is an error, never a zero. */
Test(keyfile, unreadable_counter)
{
    uint32_t count;
    cr_assert(mkdir(counter, 0700) == 0);
    cr_assert(hel_keyfile_rejections(engine, path, &count) == HEL_E_IO);
    cr_assert(hel_keyfile_reject(engine, path) == HEL_E_IO);
    rmdir(counter);
    cr_assert(symlink("nowhere/at/all", counter) == 0);
    hel_error_clear(engine);
    cr_assert(hel_keyfile_rejections(engine, path, &count) == HEL_E_IO);
    cr_assert(hel_keyfile_reject(engine, path) == HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), ".rejections"));
    unlink(counter);
    cr_assert(mkfifo(counter, 0600) == 0);
    cr_assert(hel_keyfile_rejections(engine, path, &count) == HEL_E_IO);
    cr_assert(hel_keyfile_reject(engine, path) == HEL_E_IO);
    cr_assert(hel_mem_in_use() == 0);
}
