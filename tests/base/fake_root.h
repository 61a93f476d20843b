/* A folder that stands for / in tests of what is read from /proc and /sys. */
#ifndef HEL_TESTS_FAKE_ROOT_H
#define HEL_TESTS_FAKE_ROOT_H

#include <ftw.h>

#include "tests/base/test_dir.h"

/* Writes <root><path>, with the folders on the way. */
static inline void fake_put(const test_dir *root, const char *path, const char *text)
{
    char full[2 * PATH_MAX];
    snprintf(full, sizeof full, "%s%s", root->path, path);
    for (char *slash = full + strlen(root->path) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        cr_assert(mkdir(full, 0755) == 0 || errno == EEXIST, "%s: %s", full, strerror(errno));
        *slash = '/';
    }
    test_write_file(full, text, strlen(text), 0644);
}

static inline int fake_remove_one(const char *path, const struct stat *info, int type,
                                  struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void fake_remove(const test_dir *root)
{
    nftw(root->path, fake_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
