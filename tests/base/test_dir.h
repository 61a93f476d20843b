/* For suites that write files: a fresh directory, random bytes from a printed seed, whole files. */
#ifndef HEL_TESTS_TEST_DIR_H
#define HEL_TESTS_TEST_DIR_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct test_dir {
    char path[PATH_MAX];
} test_dir;

static inline void test_dir_make(test_dir *d)
{
    const char *base = getenv("TMPDIR");
    snprintf(d->path, sizeof d->path, "%s/hel_test_XXXXXX", base ? base : "/tmp");
    cr_assert(mkdtemp(d->path) != NULL, "%s: %s", d->path, strerror(errno));
}

/* Removes the directory and the plain files, links and empty directories in it. */
static inline void test_dir_remove(test_dir *d)
{
    DIR *dir = opendir(d->path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char name[2 * PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", d->path, entry->d_name);
        if (unlink(name) != 0)
            rmdir(name);
    }
    if (dir)
        closedir(dir);
    rmdir(d->path);
}

/* "<dir>/<name>" in one of eight static buffers: take it before a loop, not in it. */
static inline const char *test_dir_path(const test_dir *d, const char *name)
{
    static char ring[8][2 * PATH_MAX];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s/%s", d->path, name);
    return out;
}

static inline int test_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static inline uint8_t *test_read_file(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f != NULL, "%s: %s", path, strerror(errno));
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    uint8_t *data = malloc((size_t)size + 1);
    cr_assert(fread(data, 1, (size_t)size, f) == (size_t)size);
    data[size] = 0;
    fclose(f);
    *bytes = (size_t)size;
    return data;
}

static inline void test_write_file(const char *path, const void *data, size_t bytes, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
    for (size_t at = 0; at < bytes;) {
        ssize_t n = write(fd, (const char *)data + at, bytes - at);
        cr_assert(n > 0);
        at += (size_t)n;
    }
    cr_assert(fchmod(fd, mode) == 0);
    close(fd);
}

/* ---- random inputs ---- */

static inline uint64_t test_seed(void)
{
    const char *text = getenv("HEL_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20240229;
    fprintf(stderr, "HEL_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* A quick run, as under the sanitizers: what other cases cover as well is left out. */
static inline int test_is_quick(void)
{
    const char *text = getenv("HEL_TEST_SCALE");
    return text && atof(text) < 0.5;
}

static inline size_t test_scale(size_t n)
{
    const char *text = getenv("HEL_TEST_SCALE");
    double scaled = (double)n * (text ? atof(text) : 1.0);
    return scaled < 1 ? 1 : (size_t)scaled;
}

/* splitmix64 */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline void test_random_bytes(uint64_t *state, void *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)out)[i] = (uint8_t)test_random(state);
}

#endif
