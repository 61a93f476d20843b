/* Gives a fuzz target's bytes a path: an anonymous file in memory, private to its owner. */
#ifndef HEL_TESTS_FUZZ_FILE_H
#define HEL_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fuzz_file {
    int fd;
    char path[64];
} fuzz_file;

static inline void fuzz_file_open(fuzz_file *file, const uint8_t *data, size_t size)
{
    file->fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (file->fd < 0 || fchmod(file->fd, 0600) != 0)
        abort();
    for (size_t at = 0; at < size;) {
        ssize_t n = write(file->fd, data + at, size - at);
        if (n <= 0)
            abort();
        at += (size_t)n;
    }
    snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
}

static inline void fuzz_file_close(fuzz_file *file)
{
    close(file->fd);
}

#endif
