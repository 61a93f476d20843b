/* Mapped inputs and all-or-nothing outputs. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/mem.h"

#define BUFFER_BYTES ((size_t)1 << 20)

hel_status hel_map_open(hel_engine *engine, hel_map *map, const char *path)
{
    *map = (hel_map){.fd = -1};
    /* Not blocking: a pipe is refused below, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return hel_fail_errno(engine, errno, "%s: cannot be opened", path);
    struct stat info;
    int failed = fstat(fd, &info) != 0;
    if (failed || !S_ISREG(info.st_mode)) {
        hel_status status =
            failed || S_ISDIR(info.st_mode)
                ? hel_fail_errno(engine, failed ? errno : EISDIR, "%s: cannot be read", path)
                : hel_fail(engine, HEL_E_IO, "%s: cannot be read: not a regular file", path);
        close(fd);
        return status;
    }
    uint64_t bytes = (uint64_t)info.st_size;
    void *data = (void *)(uintptr_t) "";
    if (bytes)
        data = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
        hel_status status = hel_fail_errno(engine, errno, "%s: cannot be mapped", path);
        close(fd);
        return status;
    }
    *map = (hel_map){.data = data, .bytes = bytes, .fd = fd};
    return HEL_OK;
}

void hel_map_close(hel_map *map)
{
    if (!map->data)
        return;
    if (map->bytes)
        munmap((void *)(uintptr_t)map->data, map->bytes);
    close(map->fd);
    *map = (hel_map){.fd = -1};
}

hel_status hel_file_read(hel_engine *engine, const char *path, uint64_t limit, uint8_t **data,
                         uint64_t *bytes)
{
    hel_map map;
    *data = NULL;
    *bytes = 0;
    HEL_TRY(hel_map_open(engine, &map, path));
    hel_status status = HEL_OK;
    if (map.bytes > limit)
        status = hel_fail(engine, HEL_E_INPUT, "%s: %llu bytes, more than the %llu allowed", path,
                          (unsigned long long)map.bytes, (unsigned long long)limit);
    if (status == HEL_OK)
        status = hel_malloc(engine, data, map.bytes + 1, 1);
    if (status == HEL_OK) {
        memcpy(*data, map.data, map.bytes);
        (*data)[map.bytes] = 0;
        *bytes = map.bytes;
    }
    hel_map_close(&map);
    return status;
}

hel_status hel_path_join(hel_engine *engine, char **out, const char *prefix, const char *suffix)
{
    size_t a = strlen(prefix), b = strlen(suffix);
    HEL_TRY(hel_malloc(engine, out, a + b + 1, 1));
    memcpy(*out, prefix, a);
    memcpy(*out + a, suffix, b + 1);
    return HEL_OK;
}

const char *hel_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int is_still_there(int fd, const char *path)
{
    struct stat mine, there;
    return fstat(fd, &mine) == 0 && lstat(path, &there) == 0 && mine.st_ino == there.st_ino &&
           mine.st_dev == there.st_dev;
}

/* A new .part, locked while it is written. One that exists is stale (its writer was killed) when
 * its lock is free: then it is removed first, for it may have wider permissions, or with `keep`
 * used if it is a regular file of this user's, no wider; EWOULDBLOCK when it is locked. */
static int open_part(const char *part, mode_t mode, int *keep)
{
    const int flags = (*keep ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    for (int tries = 0; tries < 100; tries++) {
        int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        int made = fd >= 0;
        if (!made && errno != EEXIST)
            return -1;
        if (!made && (fd = open(part, flags)) < 0) {
            if (errno == ENOENT) /* removed meanwhile */
                continue;
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int error = errno;
            close(fd);
            errno = error;
            return -1;
        }
        const int there = is_still_there(fd, part); /* else removed before it was locked */
        if (made && there) {
            *keep = 0;
            return fd;
        }
        struct stat info;
        if (there && *keep && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
            info.st_uid == geteuid() && info.st_nlink == 1 && (info.st_mode & 07777 & ~mode) == 0)
            return fd;
        if (there)
            unlink(part);
        close(fd);
    }
    errno = EWOULDBLOCK;
    return -1;
}

static hel_status open_outfile(hel_engine *engine, hel_outfile *file, const char *path,
                               unsigned mode, int keep)
{
    *file = (hel_outfile){.fd = -1};
    /* The commit would replace a device, or fail on a directory after all the work. */
    struct stat info;
    HEL_REQUIRE(engine, stat(path, &info) != 0 || S_ISREG(info.st_mode), HEL_E_IO,
                "%s: cannot be written: %s", path,
                S_ISDIR(info.st_mode) ? "is a directory" : "not a regular file");
    hel_status status = hel_path_join(engine, &file->path, path, "");
    if (status == HEL_OK)
        status = hel_path_join(engine, &file->part, path, ".part");
    if (status == HEL_OK)
        status = hel_malloc(engine, &file->buffer, BUFFER_BYTES, 1);
    if (status == HEL_OK) {
        file->fd = open_part(file->part, (mode_t)mode, &keep);
        if (file->fd < 0)
            status =
                errno == EWOULDBLOCK
                    ? hel_fail(engine, HEL_E_IO, "%s: another process is writing it", file->part)
                    : hel_fail_errno(engine, errno, "%s: cannot be written", file->part);
    }
    file->reopened = keep;
    if (status != HEL_OK)
        hel_outfile_abort(file);
    return status;
}

hel_status hel_outfile_open(hel_engine *engine, hel_outfile *file, const char *path, unsigned mode)
{
    return open_outfile(engine, file, path, mode, 0);
}

hel_status hel_outfile_reopen(hel_engine *engine, hel_outfile *file, const char *path,
                              unsigned mode)
{
    return open_outfile(engine, file, path, mode, 1);
}

static hel_status put(hel_engine *engine, hel_outfile *file, const uint8_t *data, size_t bytes,
                      uint64_t offset)
{
    while (bytes > 0) {
        ssize_t n = pwrite(file->fd, data, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            __atomic_store_n(&file->failed, 1, __ATOMIC_RELAXED);
            return hel_fail_errno(engine, n < 0 ? errno : ENOSPC, "%s: write failed at byte %llu",
                                  file->part, (unsigned long long)offset);
        }
        data += n;
        offset += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return HEL_OK;
}

static hel_status flush(hel_engine *engine, hel_outfile *file)
{
    size_t fill = file->fill;
    file->fill = 0;
    return put(engine, file, file->buffer, fill, file->offset - fill);
}

hel_status hel_outfile_write(hel_engine *engine, hel_outfile *file, const void *data, size_t bytes)
{
    if (bytes > BUFFER_BYTES - file->fill)
        HEL_TRY(flush(engine, file));
    if (bytes > BUFFER_BYTES) {
        HEL_TRY(put(engine, file, data, bytes, file->offset));
    } else if (bytes > 0) {
        memcpy(file->buffer + file->fill, data, bytes);
        file->fill += bytes;
    }
    file->offset += bytes;
    return HEL_OK;
}

hel_status hel_outfile_printf(hel_engine *engine, hel_outfile *file, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    HEL_REQUIRE(engine, length >= 0, HEL_E_INTERNAL, "%s: formatting failed", file->part);
    if ((size_t)length < sizeof small)
        return hel_outfile_write(engine, file, small, (size_t)length);
    char *large;
    HEL_TRY(hel_malloc(engine, &large, (size_t)length + 1, 1));
    va_start(args, format);
    vsnprintf(large, (size_t)length + 1, format, args);
    va_end(args);
    hel_status status = hel_outfile_write(engine, file, large, (size_t)length);
    hel_free(large);
    return status;
}

hel_status hel_outfile_patch(hel_engine *engine, hel_outfile *file, uint64_t offset,
                             const void *data, size_t bytes)
{
    HEL_TRY(flush(engine, file));
    HEL_REQUIRE(engine, offset + bytes <= file->offset, HEL_E_INTERNAL, "%s: patch past the end",
                file->part);
    return put(engine, file, data, bytes, offset);
}

/* ---- outputs that outlive the process ---- */

hel_status hel_outfile_reserve(hel_engine *engine, hel_outfile *file, uint64_t bytes)
{
    HEL_TRY(flush(engine, file));
    const off_t end = (off_t)(file->offset + bytes);
    struct stat info;
    int failed = bytes > 0 && fallocate(file->fd, 0, (off_t)file->offset, (off_t)bytes) != 0;
    if (failed &&
        (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)) /* at least the size */
        failed =
            fstat(file->fd, &info) != 0 || (info.st_size < end && ftruncate(file->fd, end) != 0);
    if (failed) {
        file->failed = 1;
        return hel_fail_errno(engine, errno, "%s: write failed at byte %llu (%llu bytes wanted)",
                              file->part, (unsigned long long)file->offset,
                              (unsigned long long)bytes);
    }
    file->offset += bytes;
    return HEL_OK;
}

hel_status hel_outfile_put_at(hel_engine *engine, hel_outfile *file, uint64_t offset,
                              const void *data, size_t bytes)
{
    HEL_REQUIRE(engine, offset + bytes <= file->offset - file->fill, HEL_E_INTERNAL,
                "%s: bytes beyond what is reserved", file->part);
    return put(engine, file, data, bytes, offset);
}

hel_status hel_outfile_sync(hel_engine *engine, hel_outfile *file)
{
    HEL_TRY(flush(engine, file));
    /* bytes are missing though the last write worked */
    HEL_REQUIRE(engine, !file->failed, HEL_E_IO, "%s: an earlier write failed", file->part);
    if (file->reopened && ftruncate(file->fd, (off_t)file->offset) != 0) {
        file->failed = 1;
        return hel_fail_errno(engine, errno, "%s: cannot be cut to size", file->part);
    }
    if (fsync(file->fd) != 0) { /* the kernel tells it once, and takes the pages for clean after */
        file->failed = file->lost = 1;
        return hel_fail_errno(engine, errno, "%s: fsync failed", file->part);
    }
    return HEL_OK;
}

void hel_outfile_leave(hel_outfile *file)
{
    if (file->buffer && file->fd >= 0) {
        close(file->fd);
        file->fd = -1;
    }
    hel_outfile_abort(file);
}

hel_status hel_file_read_at(hel_engine *engine, int fd, const char *path, void *data, size_t bytes,
                            uint64_t offset)
{
    uint8_t *at = data;
    while (bytes > 0) {
        const ssize_t n = pread(fd, at, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hel_fail_errno(engine, errno, "%s: read failed at byte %llu", path,
                                  (unsigned long long)offset);
        if (n == 0)
            return hel_fail(engine, HEL_E_FORMAT,
                            "%s: truncated while it was read: nothing at byte %llu", path,
                            (unsigned long long)offset);
        at += n;
        offset += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return HEL_OK;
}

void hel_directory_sync(const char *path)
{
    char copy[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof copy)
        return;
    memcpy(copy, path, length);
    copy[length] = 0;
    int fd = open(slash ? (length ? copy : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

hel_status hel_outfile_commit(hel_engine *engine, hel_outfile *file)
{
    hel_status status = hel_outfile_sync(engine, file);
    /* Renamed while the lock is held, so that nobody takes it for stale. */
    if (status == HEL_OK && rename(file->part, file->path) != 0)
        status =
            hel_fail_errno(engine, errno, "%s: cannot be renamed to %s", file->part, file->path);
    if (status == HEL_OK) {
        hel_directory_sync(file->path);
        close(file->fd); /* after fsync: nothing is left that could fail */
        file->fd = -1;
    }
    hel_outfile_abort(file);
    return status;
}

void hel_outfile_abort(hel_outfile *file)
{
    if (file->buffer && file->fd >= 0) { /* only what this process made is removed */
        unlink(file->part);
        close(file->fd);
    }
    hel_wipe(file->buffer, file->buffer ? BUFFER_BYTES : 0);
    hel_free(file->buffer);
    hel_free(file->path);
    hel_free(file->part);
    *file = (hel_outfile){.fd = -1};
}

hel_status hel_name_file(hel_engine *engine, const char *path, hel_status status)
{
    char text[512];
    const char *said = hel_engine_error(engine);
    if (status == HEL_OK || strncmp(said, path, strlen(path)) == 0)
        return status;
    snprintf(text, sizeof text, "%s", said);
    hel_error_clear(engine);
    return hel_fail(engine, status, "%s: %s", path, text);
}
