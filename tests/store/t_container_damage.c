/* Damaged and hostile containers: every one is refused with path, place and rule. */
#include <sys/mman.h>

#include "host/base/mem.h"
#include "host/store/container.h"
#include "heloci/store.h"
#include "tests/base/test_dir.h"
#include "tests/fuzz/container_repair.h"

static test_dir dir;
static hel_engine *engine;
static char path[PATH_MAX + 16];
static uint8_t *good;
static size_t size;
static uint64_t table; /* of the good file */

/* PARM 3 bytes, LAYO empty, CTXT 300 bytes in chunks of 64 (5 sums), HMAC-less. */
static void setup(void)
{
    uint8_t body[300];
    hel_head head = {.kind = HEL_KIND_GENOTYPES, .sample_count = 2, .variant_count = 3};
    hel_writer *w;
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i ^ i >> 3);
    test_dir_make(&dir);
    snprintf(path, sizeof path, "%s/file.hel", dir.path);
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    cr_assert(hel_writer_open(engine, &w, path, &head) == HEL_OK);
    cr_assert(hel_writer_put_section(w, HEL_SECTION_PARAMS, "abc", 3) == HEL_OK);
    cr_assert(hel_writer_section(w, HEL_SECTION_LAYOUT, 0) == HEL_OK);
    cr_assert(hel_writer_section(w, HEL_SECTION_CIPHER, 64) == HEL_OK);
    cr_assert(hel_writer_put(w, body, sizeof body) == HEL_OK);
    cr_assert(hel_writer_commit(w, NULL) == HEL_OK);
    good = test_read_file(path, &size);
    table = repair_get(good + 32, 8);
    cr_assert(size == 512 + 64 + 320 + 3 * 32 + 6 * 8 + 32);
}

static void teardown(void)
{
    free(good);
    hel_engine_free(engine);
    test_dir_remove(&dir);
}

TestSuite(damage, .init = setup, .fini = teardown);

/* 0: refused at opening; 1: opened, content refused; 2: accepted. Demands code and text. */
static int judge(const char *what)
{
    hel_reader *r;
    int stage = 0;
    hel_error_clear(engine);
    hel_status status = hel_reader_open(engine, &r, path, 0);
    if (status == HEL_OK) {
        stage = 1;
        status = hel_reader_check_all(r);
        if (status == HEL_OK)
            stage = 2;
    } else {
        cr_assert(r == NULL);
    }
    hel_reader_close(r);
    cr_assert(hel_mem_in_use() == 0, "%s", what);
    if (stage == 2)
        return 2;
    const char *text = hel_engine_error(engine);
    cr_assert(status == HEL_E_FORMAT, "%s: %s %s", what, hel_status_name(status), text);
    cr_assert(strncmp(text, path, strlen(path)) == 0 && text[strlen(path)] == ':', "%s: %s", what,
              text);
    cr_assert(strstr(text, "byte"), "%s: no place in: %s", what, text);
    return stage;
}

Test(damage, truncation_at_every_byte)
{
    for (size_t cut = 0; cut < size; cut++) {
        char what[64];
        snprintf(what, sizeof what, "cut at %zu", cut);
        test_write_file(path, good, cut, 0644);
        cr_assert(judge(what) == 0, "%s", what);
    }
    test_write_file(path, good, size, 0644);
    cr_assert(judge("whole") == 2);
    uint8_t *longer = calloc(1, size + 1);
    memcpy(longer, good, size);
    test_write_file(path, longer, size + 1, 0644);
    cr_assert(judge("one byte more") == 0);
    free(longer);
}

Test(damage, every_bit_flip)
{
    int fd = open(path, O_WRONLY);
    cr_assert(fd >= 0);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        char what[64];
        size_t at = bit / 8;
        uint8_t byte = good[at] ^ (uint8_t)(1u << bit % 8);
        snprintf(what, sizeof what, "byte %zu bit %zu", at, bit % 8);
        cr_assert(pwrite(fd, &byte, 1, (off_t)at) == 1);
        int content = (at >= 512 && at < 515) || (at >= 576 && at < 876);
        cr_assert(judge(what) == content, "%s", what); /* padding too is seen at opening */
        cr_assert(pwrite(fd, &good[at], 1, (off_t)at) == 1);
    }
    close(fd);
    cr_assert(judge("restored") == 2);
}

Test(damage, random_bursts)
{
    uint64_t state = test_seed();
    uint8_t *bad = malloc(size);
    for (size_t round = 0; round < test_scale(3000); round++) {
        memcpy(bad, good, size);
        size_t length = 1 + test_random(&state) % 40, at = test_random(&state) % (size - length);
        test_random_bytes(&state, bad + at, length);
        if (round % 2)
            repair_all(bad, size);
        test_write_file(path, bad, size, 0600);
        int stage = judge("burst");
        cr_assert(round % 2 || stage < 2 || memcmp(bad, good, size) == 0);
    }
    free(bad);
}

/* Hostile numbers with fitting digests: the rules behind the digests must hold by themselves. */
Test(damage, hostile_numbers)
{
    const struct {
        uint64_t at;
        int bytes;
        uint64_t value;
        const char *rule;
    } rows[] = {
        {0, 1, 0x88, "magic"},
        {8, 4, 0, "version 0"},
        {8, 4, 2, "version 2"},
        {8, 4, UINT32_MAX, "version 4294967295"},
        {12, 4, 0, "unknown kind 0"},
        {12, 4, HEL_KIND_LAST + 1, "unknown kind 17"},
        {12, 4, UINT32_MAX, "unknown kind"},
        {16, 4, 511, "header of 511"},
        {304, 1, 1, "byte 304: reserved"},
        {447, 1, 1, "byte 447: reserved"},
        {20, 4, 0, "belong to no section"},
        {20, 4, 2, "section"},
        {20, 4, 4, "section"},
        {20, 4, 5, "table of 5 sections"},
        {20, 4, 1025, "table of 1025"},
        {20, 4, UINT32_MAX, "table of 4294967295"},
        {24, 8, 0, "follow the end"},
        {24, 8, 512, "follow the end"},
        {24, 8, size - 1, "1 bytes follow"},
        {24, 8, size + 1, "truncated"},
        {24, 8, UINT64_MAX, "truncated"},
        {32, 8, 0, "byte 32"},
        {32, 8, 448, "byte 32"},
        {32, 8, table + 1, "byte 32"},
        {32, 8, table + 64, "section"},
        {32, 8, table - 64, "section"},
        {32, 8, (size - 32) / 64 * 64 + 64, "byte 32"},
        {32, 8, UINT64_MAX - 63, "byte 32"},
        {table + 4, 4, 0, "chunks of 0"},
        {table + 4, 4, 63, "chunks of 63"},
        {table + 4, 4, (1u << 30) + 1, "chunks of 1073741825"},
        {table + 68, 4, 65, ""}, /* the same number of other chunks: sums are wrong */
        {table + 68, 4, 128, "checksums"},
        {table + 8, 8, 576, "must be at 512"},
        {table + 8, 8, 513, "must be at 512"},
        {table + 8, 8, UINT64_MAX, "must be at 512"},
        {table + 72, 8, 512, "must be at 576"}, /* overlap */
        {table + 16, 8, 0, "must be at 512"},
        {table + 16, 8, 65, "byte 577: padding"},
        {table + 16, 8, table - 511, "runs into the table"},
        {table + 16, 8, UINT64_MAX, "runs into the table"},
        {table + 16, 8, 1ull << 63, "runs into the table"},
        {table + 48, 8, 1, "byte 577: padding"}, /* the empty section gets a byte */
        {table + 48, 8, 64, "must be at 640"},
        {table + 80, 8, 320, ""}, /* swallows its own padding */
        {table + 80, 8, 321, "runs into the table"},
        {table + 24, 8, 0, "checksums out of place"},
        {table + 24, 8, UINT64_MAX, "checksums out of place"},
        {table + 88, 8, size - 32, "checksums out of place"},
        {table + 32, 4, HEL_SECTION_PARAMS, "PARM appears twice"},
        {table + 64, 4, HEL_SECTION_PARAMS, "PARM appears twice"},
        {515, 1, 1, "byte 515: padding"},
        {575, 1, 255, "byte 575: padding"},
        {876, 1, 1, "byte 876: padding"},
    };
    uint8_t *bad = malloc(size);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(bad, good, size);
        repair_put(bad + rows[i].at, rows[i].bytes, rows[i].value);
        repair_digests(bad, size);
        test_write_file(path, bad, size, 0600);
        char what[64];
        snprintf(what, sizeof what, "row %zu (byte %llu)", i, (unsigned long long)rows[i].at);
        cr_expect(judge(what) < 2, "%s accepted", what);
        cr_expect(strstr(hel_engine_error(engine), rows[i].rule), "%s: '%s' lacks '%s'", what,
                  hel_engine_error(engine), rows[i].rule);
    }
    free(bad);
}

/* Bytes slipped in between the parts of the file. */
Test(damage, slack_is_refused)
{
    const size_t places[] = {512, 576, 896, 896 + 96, size - 32};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        uint8_t *bad = calloc(1, size + 64);
        memcpy(bad, good, places[i]);
        memcpy(bad + places[i] + 64, good + places[i], size - places[i]);
        repair_put(bad + 24, 8, size + 64);
        if (places[i] <= table)
            repair_put(bad + 32, 8, table + 64);
        repair_digests(bad, size + 64);
        test_write_file(path, bad, size + 64, 0644);
        cr_expect(judge("slack") < 2, "64 bytes at %zu accepted", places[i]);
        free(bad);
    }
}

Test(damage, things_that_are_no_files)
{
    char name[PATH_MAX + 16];
    hel_reader *r;
    test_write_file(path, "", 0, 0644);
    cr_assert(judge("empty") == 0);
    test_write_file(path, "\x89HELOCI", 7, 0644);
    cr_assert(judge("part of the magic") == 0);
    test_write_file(path, "#!/bin/sh\n", 10, 0644);
    cr_assert(judge("a script") == 0);
    cr_assert(strstr(hel_engine_error(engine), "magic"));
    unlink(path);
    cr_assert(mkdir(path, 0755) == 0);
    cr_assert(judge("a directory") == 0);
    rmdir(path);
    cr_assert(mkfifo(path, 0600) == 0);
    cr_assert(judge("a pipe") == 0); /* and does not wait for a writer */
    snprintf(name, sizeof name, "%s/absent", dir.path);
    hel_error_clear(engine);
    cr_assert(hel_reader_open(engine, &r, name, 0) == HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), "No such file"));
    unlink(path);
    cr_assert(symlink("file.hel", path) == 0); /* a loop */
    hel_error_clear(engine);
    cr_assert(hel_reader_open(engine, &r, path, 0) == HEL_E_IO);
}

/* The first damage of a large file is named, whatever the threads' order. */
Test(damage, verify_names_the_first)
{
    static uint8_t body[40 << 20];
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_head head = {.kind = HEL_KIND_SUMS};
    hel_engine *four;
    hel_writer *w;
    config.threads = 4;
    cr_assert(hel_engine_create(&four, &config) == HEL_OK);
    cr_assert(hel_writer_open(four, &w, path, &head) == HEL_OK);
    cr_assert(hel_writer_section(w, HEL_SECTION_CIPHER, 1u << 16) == HEL_OK);
    cr_assert(hel_writer_put(w, body, sizeof body) == HEL_OK);
    cr_assert(hel_writer_commit(w, NULL) == HEL_OK);
    cr_assert(hel_verify_file(four, path) == HEL_OK);
    int fd = open(path, O_WRONLY);
    /* threads share out 8 MiB at a time: the last damage lies at the end of one share, the one
     * before it at the start of the next, where another thread meets it sooner */
    const off_t bad[] = {39 << 20, 25 << 20, 16 << 20, (16 << 20) - 1};
    for (int i = 0; i < 4; i++) {
        char expect[64];
        off_t first = bad[i] >> 16 << 16;
        cr_assert(pwrite(fd, "x", 1, 512 + bad[i]) == 1);
        snprintf(expect, sizeof expect, "CTXT, bytes %lld to %lld (", (long long)first,
                 (long long)first + 65535);
        for (int again = 0; again < 20; again++) {
            cr_assert(hel_verify_file(four, path) == HEL_E_FORMAT);
            cr_assert(strstr(hel_engine_error(four), expect), "%s", hel_engine_error(four));
        }
    }
    close(fd);
    hel_engine_free(four);
}

/* A range is refused exactly when it overlaps a damaged chunk. */
Test(damage, ranges_see_their_chunks)
{
    uint8_t *bad = malloc(size);
    for (uint64_t chunk = 0; chunk < 5; chunk++) {
        hel_reader *r;
        memcpy(bad, good, size);
        bad[576 + 64 * chunk + (chunk == 4 ? 43 : 63)] ^= 0x80;
        test_write_file(path, bad, size, 0644);
        cr_assert(hel_reader_open(engine, &r, path, 0) == HEL_OK);
        for (uint64_t from = 0; from <= 300; from++) {
            for (uint64_t to = from; to <= 300; to++) {
                int overlaps = from < to && from < 64 * (chunk + 1) && to > 64 * chunk;
                hel_status status = hel_reader_check(r, HEL_SECTION_CIPHER, from, to - from);
                cr_assert(status == (overlaps ? HEL_E_FORMAT : HEL_OK), "chunk %d, %d to %d",
                          (int)chunk, (int)from, (int)to);
            }
        }
        hel_reader_close(r);
    }
    free(bad);
}
