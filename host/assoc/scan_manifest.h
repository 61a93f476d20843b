/* The manifest of sums: of a scan, a shard of one, or a merge of shards. */
#ifndef HEL_ASSOC_SCAN_MANIFEST_H
#define HEL_ASSOC_SCAN_MANIFEST_H

#include "host/store/manifest.h"

/* A place of work that an earlier run left off at. */
typedef struct hel_scan_resumption {
    double time;          /* seconds since 1970 when it was taken over; 0 = not known */
    uint64_t done, total; /* genotypes */
} hel_scan_resumption;

/* What a scan or a merge knows at its end. All borrowed; zero or NULL = there is no such thing. */
typedef struct hel_scan_facts {
    const char *command;                         /* "scan" or "merge" */
    const hel_reader *genotypes, *weights, *evk; /* of a scan */
    const hel_reader *const *part;               /* of a merge: [parts], in order */
    uint32_t parts;
    const hel_params *params;
    uint64_t samples, variants;
    uint32_t columns, outputs, planes;
    const char *device;           /* hel_engine_backend_text() */
    uint32_t shard, shards;       /* counted from 1; shards 0 = all in one */
    uint64_t first_block, blocks; /* of the whole file's blocks: those computed */
    uint64_t first_variant, shard_variants;
    double started;   /* seconds since 1970 */
    double wall, cpu; /* seconds */
    const hel_manifest_stage *stage;
    uint32_t stages, resumptions;
    const hel_scan_resumption *resumption;
    uint32_t passes;      /* times the weights were expanded */
    uint32_t checkpoints; /* written */
    uint32_t devices;     /* that computed; 0: the CPU did */
    uint32_t already;     /* 1: the sums were there, and only their manifest was not */
    double verify;        /* --verify, and what of it was done: */
    uint64_t tiles, tiles_verified, sums, sums_verified;
} hel_scan_facts;

/* For sums that are whole and synced at `whole` and will be renamed to `path`: hashes them and
 * writes "<path>.manifest.part", synced. *out is then committed with hel_manifest_commit, directly
 * before the sums get their name, and freed in any case. A part whose manifest is broken is
 * HEL_E_MISMATCH: nothing is built upon it. */
hel_status hel_scan_manifest(hel_engine *engine, hel_manifest **out, const hel_scan_facts *facts,
                             const hel_signer *signer, const char *whole, const char *path);

#endif
