/* Round trips, the documented layout, heads, MACs and modes; damage is in t_container_damage.c. */
#include <openssl/sha.h>
#include <sys/resource.h>
#include <signal.h>
#include <xxhash.h>

#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/store/container.h"
#include "heloci/store.h"
#include "tests/base/test_dir.h"
#include "tests/fuzz/container_repair.h"

static test_dir dir;
static hel_engine *engine;

static void setup(void)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = 4;
    test_dir_make(&dir);
    cr_assert(hel_engine_create(&engine, &config) == HEL_OK);
}

static void teardown(void)
{
    hel_engine_free(engine);
    test_dir_remove(&dir);
}

TestSuite(container, .init = setup, .fini = teardown);

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

static hel_head filled_head(hel_kind kind)
{
    hel_head h = {.kind = kind, .sample_count = 7, .variant_count = 1u << 20};
    memset(h.params, 1, sizeof h.params);
    memset(h.key_id, 2, sizeof h.key_id);
    memset(h.seed, 3, sizeof h.seed);
    memset(h.dataset, 4, sizeof h.dataset);
    memset(h.weights, 5, sizeof h.weights);
    memset(h.samples, 6, sizeof h.samples);
    memset(h.variants, 7, sizeof h.variants);
    return h;
}

/* A file of `kind` with sections PARM (abc) and CTXT (1000 bytes, chunks of 256). */
static void write_sample(const char *path, hel_head *head, uint8_t content[HEL_DIGEST_BYTES],
                         const uint8_t *mac_key)
{
    uint8_t body[1000];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * i);
    hel_writer *w;
    OK(hel_writer_open(engine, &w, path, head));
    OK(hel_writer_put_section(w, HEL_SECTION_PARAMS, "abc", 3));
    OK(hel_writer_section(w, HEL_SECTION_CIPHER, 256));
    OK(hel_writer_put(w, body, sizeof body));
    if (mac_key)
        OK(hel_writer_mac(w, mac_key));
    OK(hel_writer_commit(w, content));
}

Test(container, round_trip_of_every_kind)
{
    for (hel_kind kind = HEL_KIND_PARAMS; kind <= HEL_KIND_LAST; kind++) {
        const char *path = test_dir_path(&dir, "file.hel");
        uint8_t content[HEL_DIGEST_BYTES];
        const uint8_t *data;
        uint64_t bytes;
        struct stat info;
        hel_reader *r;
        hel_head head = filled_head(kind);
        write_sample(path, &head, content, NULL);
        cr_assert(stat(path, &info) == 0);
        cr_assert((info.st_mode & 077) == 0 || !hel_kind_is_secret(kind));
        cr_assert(!test_exists(test_dir_path(&dir, "file.hel.part")));
        OK(hel_reader_open(engine, &r, path, kind));
        cr_assert(memcmp(hel_reader_head(r), &head, sizeof head) == 0);
        cr_assert(memcmp(hel_reader_content(r), content, sizeof content) == 0);
        cr_assert_str_eq(hel_reader_path(r), path);
        cr_assert(hel_reader_sections(r) == 2);
        cr_assert(hel_reader_file_bytes(r) == (uint64_t)info.st_size);
        OK(hel_reader_check_all(r));
        OK(hel_reader_checked(r, HEL_SECTION_PARAMS, &data, &bytes));
        cr_assert(bytes == 3 && memcmp(data, "abc", 3) == 0);
        OK(hel_reader_section(r, HEL_SECTION_CIPHER, &data, &bytes));
        cr_assert(bytes == 1000 && data[31] == (uint8_t)(31 * 31));
        cr_assert((uintptr_t)data % 64 == 0);
        FAILS(HEL_E_FORMAT, "section MODL: missing",
              hel_reader_section(r, HEL_SECTION_MODEL, &data, &bytes));
        hel_reader_close(r);
        FAILS(HEL_E_FORMAT, hel_kind_name(kind), hel_reader_open(engine, &r, path, kind % 14 + 1));
        cr_assert(r == NULL);
    }
    cr_assert(hel_mem_in_use() == 0);
}

Test(container, file_ids_are_fresh)
{
    hel_head a = filled_head(HEL_KIND_SUMS), b = a;
    write_sample(test_dir_path(&dir, "a"), &a, NULL, NULL);
    write_sample(test_dir_path(&dir, "b"), &b, NULL, NULL);
    cr_assert(memcmp(a.file_id, b.file_id, sizeof a.file_id) != 0);
    cr_assert(a.created_unix > 1600000000u);
}

/* Every byte of a file against FORMAT.md, with other code than the library's. */
Test(container, layout_is_as_documented)
{
    const char *path = test_dir_path(&dir, "file.hel");
    hel_head head = filled_head(HEL_KIND_GENOTYPES);
    uint8_t content[32], digest[32];
    size_t size;
    write_sample(path, &head, content, NULL);
    uint8_t *f = test_read_file(path, &size);
    /* header, PARM 3 -> 64, CTXT 1000 -> 1024, two entries, 1 + 4 sums, digest */
    cr_assert(size == 512 + 64 + 1024 + 2 * 32 + 5 * 8 + 32);
    cr_assert(memcmp(f, "\x89HELOCI\n", 8) == 0);
    const struct {
        size_t at;
        int bytes;
        uint64_t value;
    } numbers[] = {{8, 4, 1},
                   {12, 4, HEL_KIND_GENOTYPES},
                   {16, 4, 512},
                   {20, 4, 2},
                   {24, 8, size},
                   {32, 8, 1600},
                   {40, 8, head.created_unix},
                   {48, 8, 7},
                   {56, 8, 1u << 20},
                   {1600, 4, HEL_SECTION_PARAMS},
                   {1604, 4, 1u << 20},
                   {1608, 8, 512},
                   {1616, 8, 3},
                   {1624, 8, 1664},
                   {1632, 4, HEL_SECTION_CIPHER},
                   {1636, 4, 256},
                   {1640, 8, 576},
                   {1648, 8, 1000},
                   {1656, 8, 1672},
                   {1664, 8, XXH3_64bits("abc", 3)},
                   {1672, 8, XXH3_64bits(f + 576, 256)},
                   {1696, 8, XXH3_64bits(f + 576 + 768, 232)}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        cr_expect(repair_get(f + numbers[i].at, numbers[i].bytes) == numbers[i].value, "at %zu",
                  numbers[i].at);
    cr_assert(memcmp(f + 64, head.file_id, 32) == 0);
    for (int i = 1; i <= 7; i++) { /* params, seed, dataset, weights, samples, variants, key id */
        static const uint8_t order[] = {0, 1, 3, 4, 5, 6, 7, 2};
        for (size_t j = 0; j < (i == 7 ? 16 : 32); j++)
            cr_assert(f[64 + 32 * i + j] == order[i]);
    }
    for (size_t i = 304; i < 448; i++)
        cr_assert(f[i] == 0);
    SHA256(f + 1600, size - 32 - 1600, digest);
    cr_assert(memcmp(f + 448, digest, 32) == 0 && memcmp(f + size - 32, digest, 32) == 0);
    SHA256(f, 480, digest);
    cr_assert(memcmp(f + 480, digest, 32) == 0);
    memmove(f + 512, f + 1600, size - 32 - 1600);
    SHA256(f, 512 + size - 32 - 1600, digest);
    cr_assert(memcmp(content, digest, 32) == 0);
    free(f);
}

/* A file of version 1 kept in the tree: later versions must go on reading it. */
Test(container, golden_file)
{
    const char *path = HEL_SOURCE_DIR "/tests/store/golden_v1.hel";
    const uint8_t *data;
    uint64_t bytes;
    hel_reader *r;
    OK(hel_reader_open(engine, &r, path, HEL_KIND_GENOTYPES));
    OK(hel_reader_check_all(r));
    cr_assert(hel_reader_sections(r) == 3);
    cr_assert(hel_reader_head(r)->sample_count == 3 && hel_reader_head(r)->variant_count == 5);
    OK(hel_reader_checked(r, HEL_SECTION_LAYOUT, &data, &bytes));
    cr_assert(bytes == 0);
    OK(hel_reader_checked(r, HEL_SECTION_CIPHER, &data, &bytes));
    cr_assert(bytes == 200);
    for (unsigned i = 0; i < 200; i++)
        cr_assert(data[i] == (uint8_t)(3 * i));
    hel_reader_close(r);
}

Test(container, no_sections_and_the_most_sections)
{
    const char *path = test_dir_path(&dir, "file.hel");
    const uint32_t counts[] = {0, 1, 2, 17, 1024};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        hel_head head = {.kind = HEL_KIND_PARAMS};
        hel_writer *w;
        hel_reader *r;
        OK(hel_writer_open(engine, &w, path, &head));
        for (uint32_t i = 0; i < counts[c]; i++) {
            uint8_t body[300];
            memset(body, (int)i, sizeof body);
            OK(hel_writer_put_section(w, i * 77, body, i % 300));
        }
        OK(hel_writer_commit(w, NULL));
        OK(hel_reader_open(engine, &r, path, 0));
        OK(hel_reader_check_all(r));
        cr_assert(hel_reader_sections(r) == counts[c]);
        for (uint32_t i = 0; i < counts[c]; i++) {
            const uint8_t *data;
            uint64_t bytes;
            OK(hel_reader_checked(r, i * 77, &data, &bytes));
            cr_assert(bytes == i % 300);
            for (uint64_t j = 0; j < bytes; j++)
                cr_assert(data[j] == (uint8_t)i);
        }
        hel_reader_close(r);
    }
}

/* However the bytes are cut into puts, the file is the same; sizes around the chunk's corners. */
Test(container, cuts_do_not_matter)
{
    uint64_t state = test_seed();
    static const uint32_t chunks[] = {64, 65, 256, 4096, 98304};
    static uint8_t body[600000];
    test_random_bytes(&state, body, sizeof body);
    for (size_t round = 0; round < test_scale(60); round++) {
        uint32_t chunk = chunks[test_random(&state) % 5];
        size_t bytes = test_random(&state) % 4 == 0
                           ? test_random(&state) % sizeof body
                           : chunk * (test_random(&state) % 5 + 1) - 1 + test_random(&state) % 3;
        hel_head head = {.kind = HEL_KIND_SUMS};
        hel_writer *w;
        hel_reader *r;
        const char *path = test_dir_path(&dir, "cut.hel");
        const uint8_t *data;
        uint64_t got;
        OK(hel_writer_open(engine, &w, path, &head));
        OK(hel_writer_section(w, 1, chunk));
        for (size_t at = 0; at < bytes;) {
            size_t now = test_random(&state) % (3 * chunk);
            now = now < bytes - at ? now : bytes - at;
            OK(hel_writer_put(w, body + at, now));
            at += now;
        }
        OK(hel_writer_section(w, 2, chunk));
        OK(hel_writer_put(w, body, bytes));
        OK(hel_writer_commit(w, NULL));
        OK(hel_reader_open(engine, &r, path, 0));
        OK(hel_reader_check_all(r));
        for (uint32_t id = 1; id <= 2; id++) {
            OK(hel_reader_section(r, id, &data, &got));
            cr_assert(got == bytes && memcmp(data, body, bytes) == 0, "chunk %u bytes %zu", chunk,
                      bytes);
        }
        /* ranges at the corners */
        OK(hel_reader_check(r, 1, 0, 0));
        OK(hel_reader_check(r, 1, bytes, 0));
        OK(hel_reader_check(r, 1, bytes - 1, 1));
        FAILS(HEL_E_FORMAT, "are needed", hel_reader_check(r, 1, bytes, 1));
        FAILS(HEL_E_FORMAT, "are needed", hel_reader_check(r, 1, UINT64_MAX, 2));
        FAILS(HEL_E_FORMAT, "are needed", hel_reader_check(r, 1, 1, UINT64_MAX));
        hel_reader_close(r);
    }
}

Test(container, frame_costs_less_than_a_thousandth)
{
    const char *path = test_dir_path(&dir, "big.hel");
    size_t bytes = (size_t)24 << 20;
    uint8_t *body = calloc(1, bytes);
    const uint32_t chunks[] = {0, 1u << 14};
    for (size_t i = 0; i < 2; i++) {
        hel_head head = {.kind = HEL_KIND_GENOTYPES};
        hel_writer *w;
        hel_reader *r;
        OK(hel_writer_open(engine, &w, path, &head));
        OK(hel_writer_section(w, HEL_SECTION_CIPHER, chunks[i]));
        OK(hel_writer_put(w, body, bytes));
        OK(hel_writer_commit(w, NULL));
        OK(hel_reader_open(engine, &r, path, 0));
        cr_assert((double)(hel_reader_file_bytes(r) - bytes) < 0.001 * (double)bytes);
        hel_reader_close(r);
    }
    free(body);
}

Test(container, writer_refuses_misuse_and_leaves_nothing)
{
    const char *path = test_dir_path(&dir, "file.hel");
    const char *part = test_dir_path(&dir, "file.hel.part");
    uint8_t key[32] = {0};
    for (int i = 0; i < 7; i++) {
        hel_head head = {.kind = i == 5 ? HEL_KIND_DATASET : HEL_KIND_SUMS};
        hel_writer *w;
        OK(hel_writer_open(engine, &w, path, &head));
        cr_assert(test_exists(part));
        if (i == 0) {
            FAILS(HEL_E_INTERNAL, "outside a section", hel_writer_put(w, "x", 1));
        } else if (i == 1) {
            OK(hel_writer_section(w, 5, 0));
            FAILS(HEL_E_INTERNAL, "twice", hel_writer_section(w, 5, 0));
        } else if (i == 2) {
            FAILS(HEL_E_INTERNAL, "chunks of 63", hel_writer_section(w, 5, 63));
        } else if (i == 3) {
            FAILS(HEL_E_INTERNAL, "chunks", hel_writer_section(w, 5, (1u << 30) + 1));
        } else if (i == 4) {
            FAILS(HEL_E_INTERNAL, "owner-only", hel_writer_mac(w, key));
        } else if (i == 5) {
            OK(hel_writer_mac(w, key));
            FAILS(HEL_E_INTERNAL, "after the MAC", hel_writer_section(w, 1, 0));
        } else {
            for (uint32_t j = 0; j < 1024; j++)
                OK(hel_writer_section(w, j, 0));
            FAILS(HEL_E_INTERNAL, "1024", hel_writer_section(w, 1024, 0));
        }
        cr_assert(hel_writer_put(w, "x", 1) == HEL_E_INTERNAL); /* failures stick */
        cr_assert(hel_writer_commit(w, NULL) == HEL_E_INTERNAL);
        cr_assert(!test_exists(path) && !test_exists(part));
    }
    hel_head head = {.kind = HEL_KIND_SUMS};
    hel_writer *w;
    OK(hel_writer_open(engine, &w, path, &head));
    hel_writer_abort(w);
    hel_writer_abort(NULL);
    hel_reader_close(NULL);
    cr_assert(!test_exists(path) && !test_exists(part));
    head.kind = 0;
    FAILS(HEL_E_INTERNAL, "kind 0", hel_writer_open(engine, &w, path, &head));
    head.kind = HEL_KIND_LAST + 1;
    FAILS(HEL_E_INTERNAL, "kind 17", hel_writer_open(engine, &w, path, &head));
    cr_assert(w == NULL && hel_mem_in_use() == 0);
}

Test(container, full_disk_keeps_the_old_file)
{
    const char *path = test_dir_path(&dir, "file.hel");
    static uint8_t body[3 << 20];
    hel_head head = filled_head(HEL_KIND_SUMS);
    hel_reader *r;
    hel_writer *w;
    write_sample(path, &head, NULL, NULL);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {1 << 20, 1 << 20};
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    hel_head next = head;
    OK(hel_writer_open(engine, &w, path, &next));
    OK(hel_writer_section(w, 1, 0));
    FAILS(HEL_E_IO, "write failed at byte 1048576", hel_writer_put(w, body, sizeof body));
    cr_assert(hel_writer_commit(w, NULL) == HEL_E_IO);
    cr_assert(!test_exists(test_dir_path(&dir, "file.hel.part")));
    OK(hel_reader_open(engine, &r, path, HEL_KIND_SUMS));
    cr_assert(memcmp(hel_reader_head(r)->file_id, head.file_id, 32) == 0);
    hel_reader_close(r);
}

Test(container, secrets_must_be_private)
{
    const char *path = test_dir_path(&dir, "file.hel");
    const char *link = test_dir_path(&dir, "link.hel");
    static const mode_t open_modes[] = {0644, 0640, 0620, 0604, 0601, 0660};
    for (hel_kind kind = HEL_KIND_PARAMS; kind <= HEL_KIND_LAST; kind++) {
        hel_head head = filled_head(kind);
        hel_reader *r;
        write_sample(path, &head, NULL, NULL);
        for (size_t i = 0; i < 6; i++) {
            cr_assert(chmod(path, open_modes[i]) == 0);
            if (hel_kind_is_secret(kind)) {
                FAILS(HEL_E_PERMISSION, "chmod 600", hel_reader_open(engine, &r, path, kind));
            } else {
                OK(hel_reader_open(engine, &r, path, kind));
                hel_reader_close(r);
            }
        }
        cr_assert(chmod(path, 0400) == 0);
        unlink(link);
        cr_assert(symlink(path, link) == 0);
        OK(hel_reader_open(engine, &r, link, kind));
        hel_reader_close(r);
    }
    cr_assert(hel_kind_is_secret(HEL_KIND_SECRET_KEY) && hel_kind_is_secret(HEL_KIND_DATASET) &&
              hel_kind_is_secret(HEL_KIND_MODEL) && !hel_kind_is_secret(HEL_KIND_GENOTYPES));
    cr_assert(hel_kind_is_secret(HEL_KIND_CKKS_SECRET) && hel_kind_is_secret(HEL_KIND_CKKS_PLAIN) &&
              !hel_kind_is_secret(HEL_KIND_CKKS_KEYS) && !hel_kind_is_secret(HEL_KIND_CKKS_CIPHER));
    cr_assert(!hel_kind_is_secret(0) && !hel_kind_is_secret(99));
    cr_assert_str_eq(hel_kind_name(0), "unknown kind");
    cr_assert_str_eq(hel_kind_name((hel_kind)-1), "unknown kind");
    cr_assert_str_eq(hel_kind_name(HEL_KIND_SECRET_KEY), "secret key");
}

Test(container, mac)
{
    const char *path = test_dir_path(&dir, "file.hel");
    uint8_t key[32] = {9, 8, 7}, other[32] = {9, 8, 6};
    hel_head head = filled_head(HEL_KIND_DATASET);
    hel_reader *r;
    size_t size;
    write_sample(path, &head, NULL, key);
    OK(hel_reader_open(engine, &r, path, HEL_KIND_DATASET));
    OK(hel_reader_check_all(r));
    OK(hel_reader_check_mac(r, key));
    FAILS(HEL_E_MISMATCH, "section HMAC", hel_reader_check_mac(r, other));
    hel_reader_close(r);
    uint8_t *good = test_read_file(path, &size);
    uint8_t *bad = malloc(size);
    /* header fields, both sections, a section's name, the MAC itself; checksums made to fit */
    uint64_t table = repair_get(good + 32, 8);
    const size_t places[] = {40,  48,  56,  64,  96,   128,   160,        192, 224,
                             256, 303, 512, 576, 1575, table, table + 32, 1600};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        memcpy(bad, good, size);
        bad[places[i]] ^= 1;
        repair_all(bad, size);
        test_write_file(path, bad, size, 0600);
        OK(hel_reader_open(engine, &r, path, HEL_KIND_DATASET));
        OK(hel_reader_check_all(r));
        FAILS(HEL_E_MISMATCH, "section HMAC", hel_reader_check_mac(r, key));
        hel_reader_close(r);
    }
    write_sample(path, &head, NULL, NULL);
    OK(hel_reader_open(engine, &r, path, HEL_KIND_DATASET));
    FAILS(HEL_E_MISMATCH, "missing", hel_reader_check_mac(r, key));
    hel_reader_close(r);
    free(good);
    free(bad);
    cr_assert(hel_mem_in_use() == 0);
}

Test(container, head_match)
{
    const unsigned all = HEL_MATCH_PARAMS | HEL_MATCH_KEY | HEL_MATCH_SAMPLES | HEL_MATCH_VARIANTS;
    hel_head base = filled_head(HEL_KIND_GENOTYPES);
    const char *pa = test_dir_path(&dir, "a.hel"), *pb = test_dir_path(&dir, "b.hel");
    hel_reader *a, *b;
    write_sample(pa, &base, NULL, NULL);
    OK(hel_reader_open(engine, &a, pa, 0));
    for (int i = 0; i < 8; i++) {
        static const struct {
            unsigned field;
            const char *text;
        } expect[] = {{0, ""},
                      {HEL_MATCH_PARAMS, "parameter sets"},
                      {HEL_MATCH_KEY, "secret keys"},
                      {HEL_MATCH_SAMPLES, "another order"},
                      {HEL_MATCH_SAMPLES, "numbers of samples"},
                      {HEL_MATCH_VARIANTS, "another order"},
                      {HEL_MATCH_VARIANTS, "numbers of variants"},
                      {0, ""}};
        hel_head h = base;
        h.kind = HEL_KIND_WEIGHTS;
        h.params[31] ^= i == 1;
        h.key_id[15] ^= i == 2;
        h.samples[0] ^= i == 3;
        h.sample_count += i == 4;
        h.variants[17] ^= i == 5;
        h.variant_count += i == 6;
        h.seed[0] ^= i == 7; /* nobody asks for equal seeds */
        write_sample(pb, &h, NULL, NULL);
        OK(hel_reader_open(engine, &b, pb, 0));
        if (expect[i].field == 0) {
            OK(hel_head_match(engine, a, b, all));
        } else {
            FAILS(HEL_E_MISMATCH, expect[i].text, hel_head_match(engine, a, b, all));
            cr_assert(strstr(hel_engine_error(engine), pa) && strstr(hel_engine_error(engine), pb));
            OK(hel_head_match(engine, a, b, all & ~expect[i].field));
        }
        OK(hel_head_match(engine, b, a, 0));
        hel_reader_close(b);
    }
    hel_reader_close(a);
}

static void try_all(const char *path, const uint8_t *key, hel_status *worst)
{
    hel_head head = filled_head(HEL_KIND_MODEL);
    uint8_t body[5000] = {1};
    hel_writer *w;
    hel_reader *r = NULL;
    *worst = hel_writer_open(engine, &w, path, &head);
    if (*worst != HEL_OK)
        return;
    for (uint32_t i = 0; i < 20; i++)
        if (hel_writer_section(w, i, 64) == HEL_OK)
            (void)hel_writer_put(w, body, sizeof body);
    (void)hel_writer_mac(w, key);
    *worst = hel_writer_commit(w, body);
    if (*worst == HEL_OK)
        *worst = hel_reader_open(engine, &r, path, 0);
    if (*worst == HEL_OK)
        *worst = hel_reader_check_all(r);
    if (*worst == HEL_OK)
        *worst = hel_reader_check_mac(r, key);
    hel_reader_close(r);
}

Test(container, every_allocation_may_fail)
{
    const char *path = test_dir_path(&dir, "file.hel");
    const char *part = test_dir_path(&dir, "file.hel.part");
    uint8_t key[32] = {1};
    hel_status worst = HEL_E_MEMORY;
    uint64_t n = 0;
    while (worst != HEL_OK) {
        hel_error_clear(engine);
        hel_mem_fail_nth(++n);
        try_all(path, key, &worst);
        hel_mem_fail_nth(0);
        cr_assert(worst == HEL_OK || worst == HEL_E_MEMORY, "%llu: %s", (unsigned long long)n,
                  hel_engine_error(engine));
        cr_assert(hel_mem_in_use() == 0, "allocation %llu leaks", (unsigned long long)n);
        cr_assert(!test_exists(part));
        cr_assert(n < 1000);
    }
    cr_assert(n > 15, "only %llu allocations were tried", (unsigned long long)n);
}

struct slices {
    hel_reader *r;
    uint64_t bytes;
};

static hel_status check_slice(void *arg, size_t index, uint32_t worker)
{
    struct slices *s = arg;
    (void)worker;
    return hel_reader_check(s->r, 1, index * 1000, 1000);
}

Test(container, checks_from_many_threads)
{
    const char *path = test_dir_path(&dir, "file.hel");
    static uint8_t body[1 << 20];
    uint64_t state = test_seed();
    hel_head head = {.kind = HEL_KIND_SUMS};
    hel_writer *w;
    struct slices s;
    test_random_bytes(&state, body, sizeof body);
    OK(hel_writer_open(engine, &w, path, &head));
    OK(hel_writer_section(w, 1, 4096));
    OK(hel_writer_put(w, body, sizeof body));
    OK(hel_writer_commit(w, NULL));
    OK(hel_reader_open(engine, &s.r, path, 0));
    OK(hel_parallel(engine, sizeof body / 1000, check_slice, &s));
    hel_reader_close(s.r);
}
