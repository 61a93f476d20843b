/* Reads a passphrase file. */
#include "tools/heloci/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_DATA = 65, EXIT_NO_INPUT = 66, EXIT_PERMISSION = 77, EXIT_MEMORY = 71 };

static int check_file(int fd, const char *path, char *why, size_t why_bytes)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !(S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode))) {
        snprintf(why, why_bytes, "%s: the passphrase file must be a regular file or a pipe", path);
        return EXIT_DATA;
    }
    if (S_ISREG(info.st_mode) && (info.st_mode & 077)) {
        snprintf(why, why_bytes,
                 "%s: mode %03o lets others at the passphrase; only its owner may have access "
                 "(chmod 600)",
                 path, (unsigned)(info.st_mode & 0777));
        return EXIT_PERMISSION;
    }
    if (S_ISREG(info.st_mode) && info.st_uid != geteuid() && geteuid() != 0) {
        snprintf(why, why_bytes, "%s: the passphrase file belongs to another user", path);
        return EXIT_PERMISSION;
    }
    return 0;
}

/* Fills text[0..PASSPHRASE_BYTES) up to the end of the first line. */
static int read_line(int fd, char *text, const char *path, char *why, size_t why_bytes)
{
    size_t used = 0;
    char *end = NULL;
    while (!end && used < PASSPHRASE_BYTES) {
        ssize_t got = read(fd, text + used, PASSPHRASE_BYTES - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
            return EXIT_NO_INPUT;
        }
        if (got == 0)
            break;
        end = memchr(text + used, '\n', (size_t)got);
        used += (size_t)got;
    }
    size_t length = end ? (size_t)(end - text) : used;
    if (length && text[length - 1] == '\r')
        length--;
    const char *fault = NULL;
    if (length == 0)
        fault = "the first line, which is the passphrase, is empty";
    else if (length >= PASSPHRASE_BYTES)
        fault = "the passphrase is longer than 4095 bytes";
    else if (memchr(text, 0, length))
        fault = "the passphrase contains a NUL byte";
    if (fault) {
        snprintf(why, why_bytes, "%s: %s", path, fault);
        return EXIT_DATA;
    }
    explicit_bzero(text + length, PASSPHRASE_BYTES - length);
    return 0;
}

int passphrase_read(char **out, const char *path, char *why, size_t why_bytes)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        int denied = errno == EACCES;
        snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
        return denied ? EXIT_PERMISSION : EXIT_NO_INPUT;
    }
    int rc = check_file(fd, path, why, why_bytes);
    char *text = MAP_FAILED;
    if (rc == 0) {
        text = mmap(NULL, PASSPHRASE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
        if (text == MAP_FAILED) {
            snprintf(why, why_bytes, "out of memory");
            rc = EXIT_MEMORY;
        } else {
            (void)mlock(text, PASSPHRASE_BYTES); /* best effort: the limit may be low */
            (void)madvise(text, PASSPHRASE_BYTES, MADV_DONTDUMP);
            rc = read_line(fd, text, path, why, why_bytes);
        }
    }
    close(fd);
    if (rc && text != MAP_FAILED)
        passphrase_free(text);
    else if (rc == 0)
        *out = text;
    return rc;
}

void passphrase_free(char *passphrase)
{
    if (!passphrase)
        return;
    explicit_bzero(passphrase, PASSPHRASE_BYTES);
    munmap(passphrase, PASSPHRASE_BYTES);
}
