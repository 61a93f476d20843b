/* Landlock without a library. Reference: linux include/uapi/linux/landlock.h. */
#include "tools/heloci/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same numbers on every architecture. */
enum { CALL_CREATE = 444, CALL_ADD = 445, CALL_RESTRICT = 446 };
enum { QUERY_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum { /* rights on files, by bit */
       FS_EXECUTE = 0,
       FS_WRITE_FILE = 1,
       FS_READ_FILE = 2,
       FS_READ_DIR = 3,
       FS_REMOVE_FILE = 5,
       FS_MAKE_REG = 8,
       FS_TRUNCATE = 14, /* version 3 */
       FS_IOCTL_DEV = 15 /* version 5 */
};

#define BIT(x) (UINT64_C(1) << (x))

struct ruleset_attr {
    uint64_t handled_fs, handled_net, scoped;
};

struct path_beneath_attr {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static const uint64_t needs[] = {
    [LANDLOCK_READ] = BIT(FS_READ_FILE) | BIT(FS_READ_DIR),
    [LANDLOCK_RUN] = BIT(FS_READ_FILE) | BIT(FS_EXECUTE),
    [LANDLOCK_NODE] = BIT(FS_READ_FILE) | BIT(FS_READ_DIR) | BIT(FS_WRITE_FILE) | BIT(FS_IOCTL_DEV),
    [LANDLOCK_WORK] = BIT(FS_READ_FILE) | BIT(FS_READ_DIR) | BIT(FS_WRITE_FILE) |
                      BIT(FS_REMOVE_FILE) | BIT(FS_MAKE_REG) | BIT(FS_TRUNCATE),
};
/* The rights that make sense on something that is not a folder. */
static const uint64_t file_rights =
    BIT(FS_EXECUTE) | BIT(FS_WRITE_FILE) | BIT(FS_READ_FILE) | BIT(FS_TRUNCATE) | BIT(FS_IOCTL_DEV);

int landlock_abi(void)
{
    long abi = syscall(CALL_CREATE, NULL, 0, QUERY_VERSION);
    return abi > 0 ? (int)abi : 0;
}

/* File rights grew by one bit in versions 2, 3 and 5; network came with 4, scopes with 6. */
static uint64_t known_fs(int abi)
{
    int bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
    return BIT(bits) - 1;
}

int landlock_create(int abi)
{
    struct ruleset_attr attr = {known_fs(abi), 0, 0};
    if (abi >= 4)
        attr.handled_net = 3; /* bind and connect, TCP */
    if (abi >= 6)
        attr.scoped = 3; /* abstract sockets and signals */
    return (int)syscall(CALL_CREATE, &attr, sizeof attr, 0);
}

int landlock_allow_fd(int ruleset, int fd, landlock_need need)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return -1;
    struct path_beneath_attr attr = {needs[need] & known_fs(landlock_abi()), fd};
    if (!S_ISDIR(info.st_mode))
        attr.allowed &= file_rights;
    return (int)syscall(CALL_ADD, ruleset, RULE_PATH_BENEATH, &attr, 0);
}

int landlock_allow(int ruleset, const char *path, landlock_need need)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = landlock_allow_fd(ruleset, fd, need);
    int saved = errno;
    close(fd);
    errno = saved;
    return rc;
}

int landlock_enter(int ruleset)
{
    return (int)syscall(CALL_RESTRICT, ruleset, 0);
}
