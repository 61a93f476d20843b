/*
 * Manifests: what a result is, what it was made from, with what, where and when, signed
 * (MANIFEST.md in this folder is normative). A job fills facts one after another; a failure sticks
 * and is returned by hel_manifest_finish. Results and their manifests get their names in this
 * order:
 *
 *   1. the result is whole and synced as "<path>.part"
 *   2. hel_manifest_subject hashes it, hel_manifest_finish writes "<path>.manifest.part" and syncs
 *   3. hel_manifest_commit renames the manifest
 *   4. the result is renamed
 *
 * A result that has its name thus has its manifest. A kill between 3 and 4 leaves a manifest that
 * speaks of a file that is not there, or of another than the one that is: hel_manifest_check sees
 * it, and running the step again mends it.
 */
#ifndef HEL_STORE_MANIFEST_H
#define HEL_STORE_MANIFEST_H

#include "heloci/params.h"
#include "host/store/container.h"
#include "host/store/signer.h"

#define HEL_MANIFEST_SUFFIX ".manifest"

typedef struct hel_manifest hel_manifest;

/* ---- filling ---- */

/* kind: what the result is ("sums", "tables"); command: the step. Notes software, machine, batch
 * job and trace context, and the time. */
hel_status hel_manifest_create(hel_engine *engine, hel_manifest **out, const char *kind,
                               const char *command);
void hel_manifest_free(hel_manifest *m); /* removes an uncommitted .part; NULL allowed */

/* One fact as a member of the object `group`. Text NULL or "", numbers that are not finite: no
 * fact. Bytes that are no UTF-8 become U+FFFD. */
void hel_manifest_text(hel_manifest *m, const char *group, const char *name, const char *value);
void hel_manifest_count(hel_manifest *m, const char *group, const char *name, uint64_t value);
void hel_manifest_real(hel_manifest *m, const char *group, const char *name, double value);
void hel_manifest_flag(hel_manifest *m, const char *group, const char *name, int value);
void hel_manifest_digest(hel_manifest *m, const char *group, const char *name, const void *data,
                         size_t bytes);
/* Group "parameters". */
void hel_manifest_params(hel_manifest *m, const hel_params *params);
/* Began at `started` (seconds since 1970), worked for `wall` seconds, `cpu` of all threads (below
 * 0: not known). Without this call: since hel_manifest_create. */
void hel_manifest_timing(hel_manifest *m, double started, double wall, double cpu);

typedef struct hel_manifest_stage {
    const char *name;
    double busy;           /* seconds, of all its workers together */
    uint64_t bytes, items; /* what went through it; 0 = not counted */
    double utilisation;    /* of its workers' time, 0 to 1; below 0 = not known */
    const char *unit;      /* of the items; NULL = not said */
} hel_manifest_stage;

void hel_manifest_stage_add(hel_manifest *m, const hel_manifest_stage *stage);
/* An earlier run was continued at `time` (0 = not known) with `done` of `total` done. */
void hel_manifest_resumed(hel_manifest *m, double time, uint64_t done, uint64_t total);

typedef enum hel_manifest_state {
    HEL_MANIFEST_ABSENT = 0, /* no such file */
    HEL_MANIFEST_FITS = 1,   /* signed, and its subjects are the files beside it */
    HEL_MANIFEST_BROKEN = 2  /* damaged, not signed by its key, or of another file */
} hel_manifest_state;

/* A file that the step reads. Content digests of owner-only kinds are left out. */
void hel_manifest_input(hel_manifest *m, const char *role, const hel_reader *r);
/* The same of a file that may have a manifest itself: when that fits the file, its digest and
 * signer are noted. Hashes the whole file. Whether it fits is the answer (BROKEN after a failure
 * too); the engine's error text stays as it was. */
hel_manifest_state hel_manifest_input_signed(hel_manifest *m, const char *role,
                                             const hel_reader *r);
/* A result: the whole file at `path` is hashed and listed under the name, without its folder, that
 * `name` (NULL = path) ends in. Reports progress. */
void hel_manifest_subject(hel_manifest *m, const char *path, const char *name);

/* ---- signing and writing ---- */

/* Signs what has been filled and writes "<path>.manifest.part", synced; or the first failure of any
 * call since create. At least one subject is needed. */
hel_status hel_manifest_finish(hel_manifest *m, const hel_signer *signer, const char *path);
/* Gives the finished manifest its name. */
hel_status hel_manifest_commit(hel_manifest *m);

/* ---- looking ---- */

/* Whether "<path>.manifest" is there and fits the file at `path`, which is hashed. */
hel_manifest_state hel_manifest_check(const char *path);
/* 1 when the file begins as manifests do. */
int hel_manifest_recognised(const char *path);

#endif
