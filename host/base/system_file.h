/* Files of /proc and /sys: short texts of the kernel, below a root that tests may set. */
#ifndef HEL_BASE_SYSTEM_FILE_H
#define HEL_BASE_SYSTEM_FILE_H

#include <stddef.h>

/* <root><path> into `out`, with a final 0 byte, cut at the room. Returns 0, with "" in `out`, when
 * it cannot be read. root: "" is the system's own. */
int hel_system_text(const char *root, const char *path, char *out, size_t room);

#define HEL_MOUNT_PATH 4096

typedef struct hel_mount {
    char root[HEL_MOUNT_PATH];  /* the folder of the file system that is mounted */
    char point[HEL_MOUNT_PATH]; /* where */
    char type[32], options[512];
} hel_mount;

/* The next mount of /proc/self/mountinfo: *text moves behind its line. 0 at the end. */
int hel_mount_next(const char **text, hel_mount *out);

#endif
