/* Files: mapped inputs, and outputs that appear whole or not at all. */
#ifndef HEL_BASE_FILE_H
#define HEL_BASE_FILE_H

#include <stdio.h>

#include "host/base/error.h"

/* A read-only mapping. Zero-length files map to bytes = 0 and data non-NULL. */
typedef struct hel_map {
    const uint8_t *data;
    uint64_t bytes;
    int fd;
} hel_map;

hel_status hel_map_open(hel_engine *engine, hel_map *map, const char *path);
void hel_map_close(hel_map *map); /* safe on a zeroed struct */

/* Reads a whole file into hel_malloc memory, with a 0 byte after it; `limit` bytes at the most. */
hel_status hel_file_read(hel_engine *engine, const char *path, uint64_t limit, uint8_t **data,
                         uint64_t *bytes);

/* An output: written to "<path>.part", then fsync, rename and directory fsync at commit. Until the
 * commit an older file of the same name stays as it was. */
typedef struct hel_outfile {
    char *path;
    char *part;
    int fd;
    uint64_t offset; /* bytes appended so far */
    uint8_t *buffer;
    size_t fill;
    int failed;   /* a write failed: commit refuses */
    int lost;     /* fsync failed: what the disk holds is unknown, whatever a read now shows */
    int reopened; /* the .part held something before: it may be too long */
} hel_outfile;

/* mode 0600 for secrets, 0644 otherwise (the umask applies to the latter). */
hel_status hel_outfile_open(hel_engine *engine, hel_outfile *file, const char *path, unsigned mode);
hel_status hel_outfile_write(hel_engine *engine, hel_outfile *file, const void *data, size_t bytes);
hel_status hel_outfile_printf(hel_engine *engine, hel_outfile *file, const char *format, ...)
    HEL_PRINTF(3, 4);
/* Rewrites bytes that were already appended (a header whose sums are known only at the end). */
hel_status hel_outfile_patch(hel_engine *engine, hel_outfile *file, uint64_t offset,
                             const void *data, size_t bytes);
hel_status hel_outfile_commit(hel_engine *engine, hel_outfile *file); /* closes in any case */
void hel_outfile_abort(hel_outfile *file); /* closes and removes; safe on a zeroed struct */

/* ---- outputs that outlive the process: work that is continued later ---- */

/* As open, but the content of a .part that an earlier process left stays: writes begin at byte 0
 * over it, and nothing in it is to be trusted unchecked. */
hel_status hel_outfile_reopen(hel_engine *engine, hel_outfile *file, const char *path,
                              unsigned mode);
/* The next `bytes` bytes are appended unwritten: on file systems that can, the disk space is
 * reserved. They are then written by hel_outfile_put_at, in any order and from any thread. */
hel_status hel_outfile_reserve(hel_engine *engine, hel_outfile *file, uint64_t bytes);
hel_status hel_outfile_put_at(hel_engine *engine, hel_outfile *file, uint64_t offset,
                              const void *data, size_t bytes);
/* All that has been written is on disk, and nothing lies behind the bytes appended: commit then
 * only gives the name. Outputs that belong together are all synced before the first commit. */
hel_status hel_outfile_sync(hel_engine *engine, hel_outfile *file);
void hel_outfile_leave(hel_outfile *file); /* closes, the .part stays; safe on a zeroed struct */

/* ---- positional reads ---- */

/* Reads exactly [offset, offset + bytes) of a file; `path` is for the sentence. A shorter file is
 * HEL_E_FORMAT, a failing read HEL_E_IO. Thread-safe. */
hel_status hel_file_read_at(hel_engine *engine, int fd, const char *path, void *data, size_t bytes,
                            uint64_t offset);

/* For errors from decoders that know no path: puts `path` in front of the engine's text, unless it
 * is there already. Returns `status`. */
hel_status hel_name_file(hel_engine *engine, const char *path, hel_status status);

/* Makes a rename or creation of `path` durable: fsync of its directory, as far as that works. */
void hel_directory_sync(const char *path);

/* The last part of a path: what follows its last slash. */
const char *hel_file_name(const char *path);

/* dir + name, in hel_malloc memory: "out" + ".sums" = "out.sums". */
hel_status hel_path_join(hel_engine *engine, char **out, const char *prefix, const char *suffix);

#endif
