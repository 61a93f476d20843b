/*
 * Preloaded into the program, it makes storage misbehave. The environment says how, for files whose
 * path contains HEL_FAULT_FILE:
 *   HEL_FAULT_READ=n    the n-th positional read fails with EIO
 *   HEL_FAULT_EOF=n     the n-th positional read finds the file's end
 *   HEL_FAULT_SHORT=1   every positional read gives one third of what was asked for
 *   HEL_FAULT_SLOW=us   every positional read takes so long
 *   HEL_FAULT_WRITE=n   the n-th positional write finds the disk full
 *   HEL_FAULT_SYNC=n    the n-th fsync fails with EIO
 * Counts are the process'. Everything else passes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_ulong reads, writes, syncs;

static unsigned long setting(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : 0;
}

static int is_meant(int fd)
{
    const char *part = getenv("HEL_FAULT_FILE");
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (!part || length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, part) != NULL;
}

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

#define API __attribute__((visibility("default")))

API ssize_t pread64(int fd, void *data, size_t bytes, off_t offset)
{
    ssize_t (*real)(int, void *, size_t, off_t);
    void *symbol = next("pread64");
    memcpy(&real, &symbol, sizeof real);
    if (is_meant(fd)) {
        const unsigned long nth = atomic_fetch_add(&reads, 1) + 1;
        if (setting("HEL_FAULT_SLOW"))
            usleep((useconds_t)setting("HEL_FAULT_SLOW"));
        if (nth == setting("HEL_FAULT_EOF"))
            return 0;
        if (nth == setting("HEL_FAULT_READ")) {
            errno = EIO;
            return -1;
        }
        if (setting("HEL_FAULT_SHORT") && bytes > 3)
            bytes /= 3;
    }
    return real(fd, data, bytes, offset);
}

API ssize_t pread(int fd, void *data, size_t bytes, off_t offset)
{
    return pread64(fd, data, bytes, offset);
}

API ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t);
    void *symbol = next("pwrite64");
    memcpy(&real, &symbol, sizeof real);
    if (is_meant(fd) && atomic_fetch_add(&writes, 1) + 1 == setting("HEL_FAULT_WRITE")) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, data, bytes, offset);
}

API ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    return pwrite64(fd, data, bytes, offset);
}

API int fsync(int fd)
{
    int (*real)(int);
    void *symbol = next("fsync");
    memcpy(&real, &symbol, sizeof real);
    if (is_meant(fd) && atomic_fetch_add(&syncs, 1) + 1 == setting("HEL_FAULT_SYNC")) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}
