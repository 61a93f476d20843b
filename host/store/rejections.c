/* The counter of rejections. A line is 9 bytes, so that "pending." becomes "rejected" in place. */
#include "host/store/rejections.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/mem.h"

#define COUNTER_LIMIT ((uint64_t)1 << 20)

static const char pending[] = "pending.\n", rejected_line[] = "rejected\n";
#define LINE (sizeof pending - 1)

static hel_status counter_path(hel_engine *engine, const char *key_path, char **out)
{
    char resolved[PATH_MAX];
    return hel_path_join(engine, out, realpath(key_path, resolved) ? resolved : key_path,
                         ".rejections");
}

/* Every line counts but pending ones; a torn last line counts too. */
static uint32_t count_lines(const uint8_t *text, uint64_t bytes)
{
    uint32_t count = 0;
    for (uint64_t at = 0, end; at < bytes; at = end + 1) {
        for (end = at; end < bytes && text[end] != '\n'; end++)
            ;
        count += end - at != LINE - 1 || memcmp(text + at, pending, LINE - 1) != 0;
    }
    return count;
}

static hel_status read_count(hel_engine *engine, const char *counter, uint32_t *count)
{
    uint8_t *text;
    uint64_t bytes;
    HEL_TRY(hel_file_read(engine, counter, COUNTER_LIMIT, &text, &bytes));
    *count = count_lines(text, bytes);
    hel_free(text);
    return HEL_OK;
}

hel_status hel_keyfile_rejections(hel_engine *engine, const char *key_path, uint32_t *count)
{
    char *counter;
    struct stat info;
    *count = 0;
    HEL_TRY(counter_path(engine, key_path, &counter));
    hel_status status = HEL_OK;
    if (lstat(counter, &info) == 0 || errno != ENOENT)
        status = read_count(engine, counter, count);
    hel_free(counter);
    return status;
}

/* Opens and locks the counter that the path names now: one that was removed while this process
 * waited for its lock is not it any more. */
static hel_status open_locked(hel_engine *engine, hel_claim *c)
{
    struct stat mine, there;
    for (;;) {
        c->fd = open(c->counter, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
        if (c->fd < 0)
            return hel_fail_errno(engine, errno, "%s: cannot be written", c->counter);
        if (fstat(c->fd, &mine) != 0)
            return hel_fail_errno(engine, errno, "%s: cannot be inspected", c->counter);
        HEL_REQUIRE(engine, S_ISREG(mine.st_mode), HEL_E_IO, "%s: not a regular file", c->counter);
        while (flock(c->fd, LOCK_EX) != 0)
            if (errno != EINTR)
                return hel_fail_errno(engine, errno, "%s: cannot be locked", c->counter);
        if (fstat(c->fd, &mine) == 0 && stat(c->counter, &there) == 0 &&
            mine.st_ino == there.st_ino && mine.st_dev == there.st_dev) {
            c->base = mine.st_size;
            return HEL_OK;
        }
        close(c->fd);
        c->fd = -1;
    }
}

static hel_status put(hel_engine *engine, hel_claim *c, const char *text, size_t bytes, int64_t at)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pwrite(c->fd, text + done, bytes - done, (off_t)(at + (int64_t)done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return hel_fail_errno(engine, n < 0 ? errno : ENOSPC, "%s: write failed", c->counter);
        done += (size_t)n;
    }
    if (fsync(c->fd) != 0)
        return hel_fail_errno(engine, errno, "%s: fsync failed", c->counter);
    return HEL_OK;
}

static hel_status append_pending(hel_engine *engine, hel_claim *c)
{
    char text[1 + sizeof pending] = "\n", last = '\n';
    if (c->base > 0 && pread(c->fd, &last, 1, (off_t)c->base - 1) != 1)
        return hel_fail_errno(engine, errno, "%s: cannot be read", c->counter);
    const size_t torn = last != '\n'; /* ends a torn line, so that it goes on counting */
    memcpy(text + torn, pending, LINE);
    c->line = c->base + (int64_t)torn;
    return put(engine, c, text, torn + LINE, c->base);
}

static void release(hel_claim *c)
{
    if (c->fd >= 0)
        close(c->fd); /* and unlocks */
    hel_free(c->counter);
    *c = (hel_claim){.fd = -1};
}

static void take_back(hel_claim *c)
{
    if (ftruncate(c->fd, (off_t)c->base) == 0 && c->base == 0)
        unlink(c->counter);
    (void)fsync(c->fd);
}

hel_status hel_claim_open(hel_engine *engine, hel_claim *claim, const char *key_path,
                          uint32_t limit)
{
    uint32_t count = 0;
    *claim = (hel_claim){.fd = -1};
    HEL_TRY(counter_path(engine, key_path, &claim->counter));
    hel_status status = open_locked(engine, claim);
    if (status == HEL_OK)
        status = read_count(engine, claim->counter, &count);
    if (status == HEL_OK && count >= limit)
        status = hel_fail(engine, HEL_E_SECURITY,
                          "%s: this key is retired after %u rejected results; generate a new key "
                          "and encrypt again",
                          key_path, count);
    if (status == HEL_OK) {
        status = append_pending(engine, claim);
        if (status != HEL_OK)
            take_back(claim);
        else
            hel_directory_sync(claim->counter);
    }
    if (status != HEL_OK)
        release(claim);
    return status;
}

hel_status hel_claim_close(hel_engine *engine, hel_claim *claim, int rejected)
{
    hel_status status = HEL_OK;
    if (rejected)
        status = put(engine, claim, rejected_line, LINE, claim->line);
    else if (claim->fd >= 0)
        take_back(claim);
    release(claim);
    return status;
}

hel_status hel_keyfile_reject(hel_engine *engine, const char *key_path)
{
    hel_claim claim;
    HEL_TRY(hel_claim_open(engine, &claim, key_path, UINT32_MAX));
    return hel_claim_close(engine, &claim, 1);
}
