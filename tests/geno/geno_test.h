/* What the suites of host/geno share: an engine, a directory, files from strings, failures that
 * must name their place, and the real filesets where they are present. */
#ifndef HEL_TESTS_GENO_TEST_H
#define HEL_TESTS_GENO_TEST_H

#include "host/base/mem.h"
#include "tests/base/test_dir.h"
#include "tests/ref/ref_geno.h"
#include "tests/ref/ref_random.h"

static test_dir dir;
static hel_engine *engine;

static inline void geno_setup(void)
{
    test_dir_make(&dir);
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
}

/* Every suite ends here: nothing may stay allocated. */
static inline void geno_teardown(void)
{
    hel_engine_free(engine);
    cr_expect_eq(hel_mem_in_use(), 0, "%llu bytes were not freed",
                 (unsigned long long)hel_mem_in_use());
    test_dir_remove(&dir);
}

#define OK(expr)                                                                                   \
    do {                                                                                           \
        hel_status ok_ = (expr);                                                                   \
        cr_assert(ok_ == HEL_OK, "%s: %s: %s", #expr, hel_status_name(ok_),                        \
                  hel_engine_error(engine));                                                       \
    } while (0)

/* The call fails with `code` and its text holds every one of the strings. */
#define FAILS(expr, code, ...)                                                                     \
    do {                                                                                           \
        const char *must_[] = {__VA_ARGS__};                                                       \
        hel_error_clear(engine);                                                                   \
        hel_status fails_ = (expr);                                                                \
        cr_assert(fails_ == (code), "%s: %s: %s", #expr, hel_status_name(fails_),                  \
                  hel_engine_error(engine));                                                       \
        for (size_t m_ = 0; m_ < sizeof must_ / sizeof must_[0]; m_++)                             \
            cr_assert(strstr(hel_engine_error(engine), must_[m_]), "'%s' lacks '%s'",              \
                      hel_engine_error(engine), must_[m_]);                                        \
    } while (0)

static inline const char *bytes_file(const char *name, const void *data, size_t bytes)
{
    const char *path = test_dir_path(&dir, name);
    test_write_file(path, data, bytes, 0644);
    return path;
}

static inline const char *text_file(const char *name, const char *text)
{
    return bytes_file(name, text, strlen(text));
}

/* Unpacks a real fileset flat into the directory: "<dir>/rice44k.bed". Skips where absent. */
static inline void real_set(const char *name)
{
    char archive[PATH_MAX], command[4 * PATH_MAX];
    snprintf(archive, sizeof archive, "%s/../shared/data/%s.tar.xz", HEL_SOURCE_DIR, name);
    if (!test_exists(archive))
        cr_skip_test("%s is absent", archive);
    snprintf(command, sizeof command,
             "tar xJf '%s' -C '%s' --wildcards '%s/std/*' --strip-components=2", archive, dir.path,
             name);
    if (system(command) != 0)
        cr_skip_test("%s cannot be unpacked here", archive);
}

static inline const char *real_file(const char *name, const char *suffix)
{
    char file[256];
    snprintf(file, sizeof file, "%s%s", name, suffix);
    return test_dir_path(&dir, file);
}

#endif
