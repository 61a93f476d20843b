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
    int failed; /* a write failed: commit refuses */
} hel_outfile;

/* mode 0600 for secrets, 0644 otherwise (the umask applies to the latter). */
hel_status hel_outfile_open(hel_engine *engine, hel_outfile *file, const char *path, unsigned mode);
hel_status hel_outfile_write(hel_engine *engine, hel_outfile *file, const void *data, size_t bytes);
hel_status hel_outfile_printf(hel_engine *engine, hel_outfile *file, const char *format, ...)
    HEL_PRINTF(3, 4);
/* Rewrites bytes that were already appended (a header whose sums are known only at the end). */
hel_status hel_outfile_patch(hel_engine *engine, hel_outfile *file, uint64_t offset,
                             const void *data, size_t bytes);
/* Everything written so far is on disk: commit then only gives the name. For outputs that belong
 * together, which are all synced before the first is committed. */
hel_status hel_outfile_sync(hel_engine *engine, hel_outfile *file);
hel_status hel_outfile_commit(hel_engine *engine, hel_outfile *file); /* closes in any case */
void hel_outfile_abort(hel_outfile *file); /* closes and removes; safe on a zeroed struct */

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
