/* Sections whose chunks are written in any order, and files that another process goes on with: the
 * file is the one that writing in order gives, and nothing unchecked gets into it. */
#include <sys/resource.h>
#include <signal.h>

#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/store/container.h"
#include "tests/base/test_dir.h"

static test_dir dir;
static hel_engine *engine;
static char path[PATH_MAX + 16], part[PATH_MAX + 16], other[PATH_MAX + 16];

static void setup(void)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = 4;
    test_dir_make(&dir);
    snprintf(path, sizeof path, "%s/file", dir.path);
    snprintf(part, sizeof part, "%s/file.part", dir.path);
    snprintf(other, sizeof other, "%s/other", dir.path);
    cr_assert(hel_engine_create(&engine, &config) == HEL_OK);
}

static void teardown(void)
{
    cr_expect(hel_mem_in_use() == 0, "a test leaks");
    hel_engine_free(engine);
    test_dir_remove(&dir);
}

TestSuite(place, .init = setup, .fini = teardown);

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

static hel_head named_head(void)
{
    hel_head h = {.kind = HEL_KIND_PARTIAL, .sample_count = 3, .created_unix = 0};
    memset(h.file_id, 9, sizeof h.file_id);
    return h;
}

/* "LAYO", then the placed section. */
static hel_status begin(hel_writer **w, const char *file, uint32_t chunk, uint64_t bytes, int again)
{
    const hel_head head = named_head();
    HEL_TRY(hel_writer_open_named(engine, w, file, &head, again));
    HEL_TRY(hel_writer_put_section(*w, HEL_SECTION_LAYOUT, "layout", 6));
    return hel_writer_place(*w, HEL_SECTION_CIPHER, chunk, bytes);
}

static void write_in_order(const char *file, const uint8_t *data, uint32_t chunk, uint64_t bytes)
{
    const hel_head head = named_head();
    hel_writer *w;
    OK(hel_writer_open_named(engine, &w, file, &head, 0));
    OK(hel_writer_put_section(w, HEL_SECTION_LAYOUT, "layout", 6));
    OK(hel_writer_section(w, HEL_SECTION_CIPHER, chunk));
    OK(hel_writer_put(w, data, bytes));
    OK(hel_writer_put_section(w, HEL_SECTION_COLUMNS, "behind", 6));
    OK(hel_writer_commit(w, NULL));
}

static void must_be_equal(void)
{
    size_t a, b;
    uint8_t *x = test_read_file(path, &a), *y = test_read_file(other, &b);
    cr_assert(a == b && memcmp(x, y, a) == 0, "the files differ");
    free(x);
    free(y);
}

static uint8_t *random_data(uint64_t *seed, uint64_t bytes)
{
    uint8_t *data = malloc(bytes + 1);
    for (uint64_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)test_random(seed);
    return data;
}

typedef struct puts {
    hel_writer *w;
    const uint8_t *data;
    uint32_t chunk;
    uint64_t bytes, chunks;
    const uint64_t *order;
} puts_job;

static hel_status put_one(void *arg, size_t index, uint32_t worker)
{
    const puts_job *p = arg;
    (void)worker;
    const uint64_t at = p->order[index] * p->chunk, left = p->bytes - at;
    return hel_writer_put_at(p->w, at, p->data + at, left < p->chunk ? left : p->chunk);
}

static uint64_t *shuffled(uint64_t *seed, uint64_t count)
{
    uint64_t *order = malloc((count + 1) * sizeof *order);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t j = test_random(seed) % (i + 1);
        order[i] = i;
        order[i] = order[j];
        order[j] = i;
    }
    return order;
}

Test(place, any_order_gives_the_same_file)
{
    uint64_t seed = test_seed();
    for (size_t i = 0; i < test_scale(30); i++) {
        const uint32_t chunk = 64 + (uint32_t)(test_random(&seed) % 3000);
        const uint64_t bytes = i == 0   ? 0
                               : i == 1 ? 1
                               : i == 2 ? chunk
                                        : test_random(&seed) % (40 * (uint64_t)chunk) + 1;
        uint8_t *data = random_data(&seed, bytes);
        const uint64_t chunks = (bytes + chunk - 1) / chunk;
        uint64_t *order = shuffled(&seed, chunks);
        write_in_order(other, data, chunk, bytes);
        puts_job job = {NULL, data, chunk, bytes, chunks, order};
        OK(begin(&job.w, path, chunk, bytes, 0));
        OK(hel_parallel(engine, chunks, put_one, &job));
        OK(hel_writer_put_section(job.w, HEL_SECTION_COLUMNS, "behind", 6));
        OK(hel_writer_commit(job.w, NULL));
        must_be_equal();
        free(order);
        free(data);
    }
}

Test(place, misuse_is_refused)
{
    uint8_t data[300] = {1};
    uint64_t sum;
    hel_writer *w;
    OK(begin(&w, path, 100, 250, 0));
    FAILS(HEL_E_INTERNAL, "are no chunks", hel_writer_put_at(w, 50, data, 100));
    FAILS(HEL_E_INTERNAL, "are no chunks", hel_writer_put_at(w, 0, data, 50));
    FAILS(HEL_E_INTERNAL, "are no chunks", hel_writer_put_at(w, 200, data, 100));
    FAILS(HEL_E_INTERNAL, "are no chunks", hel_writer_put_at(w, 300, data, 0));
    OK(hel_writer_put_at(w, 200, data, 50));
    cr_assert(hel_writer_chunk(w, 2, &sum) && !hel_writer_chunk(w, 0, &sum) && sum == 0);
    cr_assert(!hel_writer_chunk(w, 3, &sum));
    FAILS(HEL_E_INTERNAL, "bytes outside a section", hel_writer_put(w, data, 1));
    hel_writer_abort(w);
    cr_assert(!test_exists(part));
    OK(begin(&w, path, 100, 250, 0));
    OK(hel_writer_put_at(w, 0, data, 200));
    FAILS(HEL_E_INTERNAL, "chunk 2 was never written", hel_writer_commit(w, NULL));
    cr_assert(!test_exists(part) && !test_exists(path));
    hel_head secret = {.kind = HEL_KIND_MODEL};
    FAILS(HEL_E_INTERNAL, "fresh id", hel_writer_open_named(engine, &w, path, &secret, 0));
    secret.kind = HEL_KIND_SUMS;
    OK(hel_writer_open_named(engine, &w, path, &secret, 0));
    hel_writer_leave(w);
    cr_assert(test_exists(part));
    hel_writer_leave(NULL);
}

/* A process leaves some chunks; of those some are damaged, some have an outdated checksum. The next
 * one adopts what is right and writes the rest; rubbish behind the end goes. */
Test(place, another_process_goes_on)
{
    uint64_t seed = test_seed();
    for (size_t i = 0; i < test_scale(30); i++) {
        const uint32_t chunk = 64 + (uint32_t)(test_random(&seed) % 1000);
        const uint64_t bytes = test_random(&seed) % (20 * (uint64_t)chunk) + 1;
        const uint64_t chunks = (bytes + chunk - 1) / chunk;
        uint8_t *data = random_data(&seed, bytes), *scratch = malloc(chunk);
        uint64_t *sums = calloc(chunks, sizeof *sums);
        puts_job job = {NULL, data, chunk, bytes, chunks, NULL};
        write_in_order(other, data, chunk, bytes);
        OK(begin(&job.w, path, chunk, bytes, 0));
        for (uint64_t c = 0; c < chunks; c++)
            if (test_random(&seed) % 2) {
                job.order = &c;
                OK(put_one(&job, 0, 0));
                cr_assert(hel_writer_chunk(job.w, c, &sums[c]));
            }
        OK(hel_writer_sync(job.w));
        hel_writer_leave(job.w);
        struct stat info;
        cr_assert(stat(part, &info) == 0);
        FILE *f = fopen(part, "r+b");
        for (uint64_t c = 0; c < chunks; c++)
            if (test_random(&seed) % 4 == 0) { /* behind the header and the first section */
                fseek(f, (long)(576 + c * chunk), SEEK_SET);
                fputc(data[c * chunk] ^ 1, f);
            }
        fseek(f, info.st_size + (long)(test_random(&seed) % 5000), SEEK_SET);
        fputs("rubbish", f);
        fclose(f);
        OK(begin(&job.w, path, chunk, bytes, 1));
        for (uint64_t c = 0; c < chunks; c++) {
            int adopted = 0;
            if (sums[c])
                OK(hel_writer_adopt(job.w, c, sums[c], scratch, &adopted));
            job.order = &c;
            if (!adopted)
                OK(put_one(&job, 0, 0));
        }
        OK(hel_writer_put_section(job.w, HEL_SECTION_COLUMNS, "behind", 6));
        OK(hel_writer_commit(job.w, NULL));
        must_be_equal();
        free(data);
        free(scratch);
        free(sums);
    }
}

/* A .part that is held by another writer is not touched; one that is a folder is an error. */
Test(place, a_part_has_one_writer)
{
    hel_writer *w, *second;
    OK(begin(&w, path, 64, 64, 0));
    FAILS(HEL_E_IO, "another process is writing it", begin(&second, path, 64, 64, 1));
    hel_writer_abort(w);
    cr_assert(mkdir(part, 0700) == 0);
    FAILS(HEL_E_IO, part, begin(&second, path, 64, 64, 1));
    cr_assert(rmdir(part) == 0);
}

/* No room: said before the work, with the bytes that were wanted. */
Test(place, space_is_reserved)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {1 << 20, 1 << 20};
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    hel_writer *w;
    FAILS(HEL_E_IO, "write failed at byte 576 (2097152 bytes wanted)",
          begin(&w, path, 4096, 2 << 20, 0));
    hel_writer_abort(w);
    cr_assert(!test_exists(part));
}

/* What check_memory says of a section's bytes is what check says of the mapping. */
Test(place, memory_is_checked_as_the_mapping_is)
{
    uint64_t seed = test_seed(), offset, bytes;
    uint32_t chunk;
    int fd;
    hel_reader *r;
    uint8_t *data = random_data(&seed, 5000), *copy = malloc(5000);
    write_in_order(path, data, 512, 5000);
    OK(hel_reader_open(engine, &r, path, HEL_KIND_PARTIAL));
    OK(hel_reader_place(r, HEL_SECTION_CIPHER, &fd, &offset, &bytes, &chunk));
    cr_assert(offset == 576 && bytes == 5000 && chunk == 512);
    OK(hel_file_read_at(engine, fd, path, copy, 5000, offset));
    cr_assert(memcmp(copy, data, 5000) == 0);
    OK(hel_reader_check_memory(r, HEL_SECTION_CIPHER, 0, copy, 5000));
    OK(hel_reader_check_memory(r, HEL_SECTION_CIPHER, 4608, copy + 4608, 392));
    OK(hel_reader_check_memory(r, HEL_SECTION_CIPHER, 1024, copy + 1024, 512));
    OK(hel_reader_check_memory(r, HEL_SECTION_CIPHER, 1024, copy, 0));
    FAILS(HEL_E_INTERNAL, "no chunks",
          hel_reader_check_memory(r, HEL_SECTION_CIPHER, 8, copy, 512));
    FAILS(HEL_E_INTERNAL, "no chunks", hel_reader_check_memory(r, HEL_SECTION_CIPHER, 0, copy, 8));
    FAILS(HEL_E_FORMAT, "missing", hel_reader_check_memory(r, HEL_SECTION_MODEL, 0, copy, 0));
    copy[1500] ^= 4;
    FAILS(HEL_E_FORMAT, "section CTXT, bytes 1024 to 1535 (file bytes 1600 to 2111)",
          hel_reader_check_memory(r, HEL_SECTION_CIPHER, 512, copy + 512, 2048));
    FAILS(HEL_E_FORMAT, "truncated while it was read",
          hel_file_read_at(engine, fd, path, copy, 5000, 4000));
    hel_reader_close(r);
    free(data);
    free(copy);
}
