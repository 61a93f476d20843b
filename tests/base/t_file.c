/* Outputs appear whole or not at all; inputs are regular files. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "host/base/file.h"
#include "host/base/mem.h"
#include "tests/base/test_dir.h"

static test_dir dir;
static hel_engine *engine;
static char path[PATH_MAX + 16], part[PATH_MAX + 16];

static void setup(void)
{
    test_dir_make(&dir);
    snprintf(path, sizeof path, "%s/out", dir.path);
    snprintf(part, sizeof part, "%s/out.part", dir.path);
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
}

static void teardown(void)
{
    cr_expect(hel_mem_in_use() == 0, "a test leaks");
    hel_engine_free(engine);
    chmod(dir.path, 0700);
    test_dir_remove(&dir);
}

TestSuite(file, .init = setup, .fini = teardown);

static void expect_content(const char *text)
{
    size_t bytes;
    uint8_t *data = test_read_file(path, &bytes);
    cr_assert(bytes == strlen(text) && memcmp(data, text, bytes) == 0, "'%s' is not '%s'", data,
              text);
    free(data);
}

Test(file, commit)
{
    hel_outfile f;
    struct stat info;
    umask(022);
    cr_assert(hel_outfile_open(engine, &f, path, 0600) == HEL_OK);
    cr_assert(test_exists(part) && !test_exists(path));
    cr_assert(hel_outfile_write(engine, &f, "hello ", 6) == HEL_OK);
    cr_assert(hel_outfile_printf(engine, &f, "%s %d\n", "world", 7) == HEL_OK);
    cr_assert(hel_outfile_write(engine, &f, NULL, 0) == HEL_OK);
    cr_assert(f.offset == 14);
    cr_assert(hel_outfile_patch(engine, &f, 1, "E", 1) == HEL_OK);
    cr_assert(hel_outfile_write(engine, &f, "!", 1) == HEL_OK);
    cr_assert(!test_exists(path));
    cr_assert(hel_outfile_commit(engine, &f) == HEL_OK);
    cr_assert(!test_exists(part));
    expect_content("hEllo world 7\n!");
    cr_assert(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
    hel_outfile_abort(&f); /* harmless now */
    cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_OK);
    cr_assert(hel_outfile_commit(engine, &f) == HEL_OK);
    expect_content("");
    cr_assert(stat(path, &info) == 0 && (info.st_mode & 0777) == 0644);
}

Test(file, abort_leaves_the_old_file)
{
    hel_outfile f, zero = {0};
    test_write_file(path, "old", 3, 0644);
    cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_OK);
    cr_assert(hel_outfile_write(engine, &f, "new", 3) == HEL_OK);
    hel_outfile_abort(&f);
    hel_outfile_abort(&f);
    hel_outfile_abort(&zero);
    expect_content("old");
    cr_assert(!test_exists(part));
}

/* Sizes around the buffer's edge, whole and in pieces, with a patch over the edge. */
Test(file, every_way_through_the_buffer)
{
    static const size_t sizes[] = {1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20};
    uint64_t state = test_seed();
    uint8_t *want = malloc(16 << 20);
    for (size_t round = 0; round < test_scale(12); round++) {
        hel_outfile f;
        size_t bytes = 0, got;
        cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_OK);
        for (int i = 0; i < 5; i++) {
            size_t n = sizes[test_random(&state) % 5];
            memset(want + bytes, (int)test_random(&state), n);
            cr_assert(hel_outfile_write(engine, &f, want + bytes, n) == HEL_OK);
            bytes += n;
            size_t at = test_random(&state) % bytes, patch = bytes - at < 9 ? bytes - at : 9;
            memcpy(want + at, "patchwork", patch);
            cr_assert(hel_outfile_patch(engine, &f, at, "patchwork", patch) == HEL_OK);
        }
        cr_assert(hel_outfile_patch(engine, &f, bytes, "x", 1) == HEL_E_INTERNAL);
        cr_assert(hel_outfile_commit(engine, &f) == HEL_OK);
        uint8_t *data = test_read_file(path, &got);
        cr_assert(got == bytes && memcmp(data, want, bytes) == 0);
        free(data);
    }
    free(want);
}

Test(file, long_lines)
{
    static const int sizes[] = {0, 1, 510, 511, 512, 513, 100000};
    static char text[100001];
    memset(text, 'a', 100000);
    for (size_t i = 0; i < 7; i++) {
        hel_outfile f;
        size_t bytes;
        cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_OK);
        cr_assert(hel_outfile_printf(engine, &f, "%.*s", sizes[i], text) == HEL_OK);
        cr_assert(hel_outfile_commit(engine, &f) == HEL_OK);
        free(test_read_file(path, &bytes));
        cr_assert(bytes == (size_t)sizes[i]);
    }
}

/* Killed between write and commit: the old file stands, the next run clears up. */
Test(file, killed_before_commit)
{
    hel_outfile f;
    int ready[2], state;
    char byte;
    test_write_file(path, "old", 3, 0644);
    cr_assert(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        static char block[2 << 20];
        if (hel_outfile_open(engine, &f, path, 0644) != HEL_OK ||
            hel_outfile_write(engine, &f, block, sizeof block) != HEL_OK ||
            write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    cr_assert(read(ready[0], &byte, 1) == 1);
    cr_assert(kill(child, SIGKILL) == 0);
    cr_assert(waitpid(child, &state, 0) == child && WIFSIGNALED(state));
    expect_content("old");
    cr_assert(test_exists(part));
    /* what the dead left may even be open to all: it is not reused */
    cr_assert(chmod(part, 0666) == 0);
    struct stat info;
    cr_assert(hel_outfile_open(engine, &f, path, 0600) == HEL_OK);
    cr_assert(fstat(f.fd, &info) == 0 && (info.st_mode & 0777) == 0600 && info.st_size == 0);
    cr_assert(hel_outfile_write(engine, &f, "new", 3) == HEL_OK);
    cr_assert(hel_outfile_commit(engine, &f) == HEL_OK);
    expect_content("new");
    cr_assert(!test_exists(part));
}

Test(file, disk_full)
{
    hel_outfile f;
    static char block[600000];
    struct rlimit limit = {1000000, 1000000};
    test_write_file(path, "old", 3, 0644);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    for (int late = 0; late < 3; late++) {
        hel_status status = HEL_OK;
        hel_error_clear(engine);
        cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_OK);
        for (int i = 0; status == HEL_OK && i < (late == 2 ? 2 : 4); i++)
            status = hel_outfile_write(engine, &f, block, sizeof block);
        if (late == 2) { /* only the last flush meets the limit */
            cr_assert(status == HEL_E_IO || hel_outfile_commit(engine, &f) == HEL_E_IO);
            hel_outfile_abort(&f);
        } else if (late == 1) { /* a caller that goes on must not end with a file with a hole */
            cr_assert(status == HEL_E_IO);
            (void)hel_outfile_write(engine, &f, "x", 1);
            (void)hel_outfile_patch(engine, &f, 0, "y", 1);
            cr_assert(hel_outfile_commit(engine, &f) == HEL_E_IO);
        } else {
            cr_assert(status == HEL_E_IO);
            hel_outfile_abort(&f);
        }
        cr_assert(strstr(hel_engine_error(engine), "byte 1000000: File too large"), "%s",
                  hel_engine_error(engine));
        expect_content("old");
        cr_assert(!test_exists(part));
    }
}

Test(file, unwritable_directory)
{
    hel_outfile f;
    cr_assert(chmod(dir.path, 0500) == 0);
    if (access(dir.path, W_OK) == 0)
        cr_skip_test("this user may write everywhere");
    cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_E_PERMISSION);
    cr_assert(strstr(hel_engine_error(engine), part));
}

Test(file, impossible_targets)
{
    hel_outfile f;
    char name[PATH_MAX + 32];
    snprintf(name, sizeof name, "%s/no/such/dir", dir.path);
    cr_assert(hel_outfile_open(engine, &f, name, 0644) == HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), "No such file"));
    hel_error_clear(engine);
    cr_assert(hel_outfile_open(engine, &f, dir.path, 0644) == HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), "is a directory"));
    hel_error_clear(engine);
    cr_assert(hel_outfile_open(engine, &f, "/dev/null", 0644) == HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), "not a regular file"));
    /* the target becomes a directory while we write: the rename fails and nothing stays */
    hel_error_clear(engine);
    cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_OK);
    cr_assert(mkdir(path, 0700) == 0);
    cr_assert(hel_outfile_commit(engine, &f) == HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), "cannot be renamed"));
    cr_assert(!test_exists(part));
    rmdir(path);
    /* a link is replaced, its target untouched */
    snprintf(name, sizeof name, "%s/target", dir.path);
    test_write_file(name, "t", 1, 0644);
    cr_assert(symlink(name, path) == 0);
    cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_OK);
    cr_assert(hel_outfile_write(engine, &f, "new", 3) == HEL_OK);
    cr_assert(hel_outfile_commit(engine, &f) == HEL_OK);
    expect_content("new");
    struct stat info;
    cr_assert(stat(name, &info) == 0 && info.st_size == 1);
}

Test(file, allocations_may_fail)
{
    hel_outfile f;
    for (uint64_t n = 1; n <= 3; n++) {
        hel_mem_fail_nth(n);
        cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_E_MEMORY);
        cr_assert(!test_exists(part) && hel_mem_in_use() == 0);
    }
    hel_mem_fail_nth(0);
}

Test(file, maps_and_reads)
{
    hel_map map = {0};
    uint8_t *data;
    uint64_t bytes;
    hel_map_close(&map);
    test_write_file(path, "12345", 5, 0644);
    cr_assert(hel_map_open(engine, &map, path) == HEL_OK);
    cr_assert(map.bytes == 5 && memcmp(map.data, "12345", 5) == 0);
    hel_map_close(&map);
    hel_map_close(&map);
    cr_assert(hel_file_read(engine, path, 5, &data, &bytes) == HEL_OK);
    cr_assert(bytes == 5 && strcmp((char *)data, "12345") == 0);
    hel_free(data);
    cr_assert(hel_file_read(engine, path, 4, &data, &bytes) == HEL_E_INPUT && !data && !bytes);
    hel_mem_fail_nth(1);
    cr_assert(hel_file_read(engine, path, 5, &data, &bytes) == HEL_E_MEMORY && !data && !bytes);
    test_write_file(path, "", 0, 0644);
    cr_assert(hel_map_open(engine, &map, path) == HEL_OK && map.bytes == 0 && map.data);
    hel_map_close(&map);
    cr_assert(hel_file_read(engine, path, 0, &data, &bytes) == HEL_OK && data[0] == 0);
    hel_free(data);
}

Test(file, only_regular_files_are_read)
{
    hel_map map;
    const char *const names[] = {"/dev/null", dir.path, path};
    cr_assert(mkfifo(path, 0600) == 0); /* must not wait for a writer */
    for (size_t i = 0; i < 3; i++) {
        hel_error_clear(engine);
        cr_assert(hel_map_open(engine, &map, names[i]) == HEL_E_IO, "%s", names[i]);
        cr_assert(strstr(hel_engine_error(engine), "cannot be read"));
        hel_map_close(&map);
    }
    unlink(path);
    cr_assert(hel_map_open(engine, &map, path) == HEL_E_IO);
}

/* A second writer of the same name is refused while the first is at work, and takes nothing away; a
 * .part whose writer is gone is replaced. */
Test(file, one_writer_at_a_time)
{
    hel_outfile a, b;
    const char *path = test_dir_path(&dir, "one"), *part = test_dir_path(&dir, "one.part");
    cr_assert(hel_outfile_open(engine, &a, path, 0600) == HEL_OK);
    cr_assert(hel_outfile_open(engine, &b, path, 0600) == HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), "another process"));
    cr_assert(test_exists(part));
    cr_assert(hel_outfile_write(engine, &a, "abc", 3) == HEL_OK);
    cr_assert(hel_outfile_commit(engine, &a) == HEL_OK);
    test_write_file(part, "stale", 5, 0666);
    cr_assert(hel_outfile_open(engine, &a, path, 0600) == HEL_OK);
    cr_assert(hel_outfile_write(engine, &a, "new", 3) == HEL_OK);
    cr_assert(hel_outfile_commit(engine, &a) == HEL_OK);
    size_t bytes;
    struct stat info;
    uint8_t *got = test_read_file(path, &bytes);
    cr_assert(bytes == 3 && memcmp(got, "new", 3) == 0 && !test_exists(part));
    cr_assert(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
    free(got);
}

Test(file, names_are_what_follows_the_last_slash)
{
    cr_expect_str_eq(hel_file_name("a/b/c.x"), "c.x");
    cr_expect_str_eq(hel_file_name("c"), "c");
    cr_expect_str_eq(hel_file_name("a/"), "");
}

/* Synced: the bytes are there under the .part name; committed, under the file's. */
Test(file, sync_keeps_the_name_for_the_commit)
{
    hel_outfile f;
    size_t bytes;
    cr_assert(hel_outfile_open(engine, &f, path, 0644) == HEL_OK);
    cr_assert(hel_outfile_write(engine, &f, "abc", 3) == HEL_OK);
    cr_assert(hel_outfile_sync(engine, &f) == HEL_OK);
    uint8_t *data = test_read_file(part, &bytes);
    cr_expect(bytes == 3 && memcmp(data, "abc", 3) == 0 && !test_exists(path));
    free(data);
    cr_assert(hel_outfile_commit(engine, &f) == HEL_OK);
    cr_expect(test_exists(path) && !test_exists(part));
}
