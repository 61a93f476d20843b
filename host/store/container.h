/*
 * The one on-disk format of heloci: a framed, checksummed file of named sections.
 * FORMAT.md in this folder is the normative description; this header is its code.
 *
 *   header   512 bytes: magic "\x89HELOCI\n", version, kind, sizes, digests, own SHA-256
 *   sections in order, each starting at a multiple of 64 bytes (zero padding between)
 *   table    of sections: id, offset, bytes, chunk size, offset of its checksums
 *   sums     XXH3-64 of every chunk of every section, then SHA-256 of table and sums
 *
 * Checksums find accidents (truncation, flipped bits) and name the section and byte range; they
 * are no defence against an adversary, and nothing relies on them for that. Datasets and models
 * carry an HMAC-SHA256 under a key of the owner (section HEL_SECTION_MAC), checked by their reader.
 * Everything is little-endian. Files appear whole or not at all (".part", fsync, rename).
 */
#ifndef HEL_STORE_CONTAINER_H
#define HEL_STORE_CONTAINER_H

#include "host/base/bytes.h"
#include "host/base/crypto.h"
#include "host/base/error.h"
#include "host/base/file.h"

#define HEL_CONTAINER_VERSION      1u
#define HEL_CONTAINER_HEADER_BYTES 512u
#define HEL_KEY_ID_BYTES           16

typedef enum hel_kind {
    HEL_KIND_PARAMS = 1,       /* public */
    HEL_KIND_SECRET_KEY = 2,   /* owner only */
    HEL_KIND_EVAL_KEYS = 3,    /* public: Galois and relinearization keys */
    HEL_KIND_GENOTYPES = 4,    /* public: ciphertexts */
    HEL_KIND_DATASET = 5,      /* owner only: identities, missing calls, verification digests */
    HEL_KIND_WEIGHTS = 6,      /* public: packed encrypted weights */
    HEL_KIND_MODEL = 7,        /* owner only: quantised columns and what finishes a scan */
    HEL_KIND_SUMS = 8,         /* public: encrypted sums, the result of a scan */
    HEL_KIND_CKKS_PARAMS = 9,  /* public */
    HEL_KIND_CKKS_SECRET = 10, /* owner only */
    HEL_KIND_CKKS_PUBLIC = 11, /* public: an encryption key */
    HEL_KIND_CKKS_KEYS = 12,   /* public: relinearization and rotation keys */
    HEL_KIND_CKKS_PLAIN = 13,  /* owner only: encoded messages */
    HEL_KIND_CKKS_CIPHER = 14, /* public: ciphertexts */
    HEL_KIND_PARTIAL = 15,     /* public: encrypted sums of a range of blocks, one shard's result */
    HEL_KIND_CHECKPOINT = 16   /* public: a scan under way */
} hel_kind;
#define HEL_KIND_LAST HEL_KIND_CHECKPOINT

/* "secret key", "genotypes", ... ; "unknown kind" otherwise. */
const char *hel_kind_name(hel_kind kind);
/* 1 for the kinds that hold secrets and are written with mode 0600. */
int hel_kind_is_secret(hel_kind kind);

/* What every file says about itself. All-zero where a kind has no such thing. */
typedef struct hel_head {
    hel_kind kind;
    uint8_t file_id[HEL_DIGEST_BYTES];  /* random, fresh for every file written */
    uint8_t params[HEL_DIGEST_BYTES];   /* digest of the parameter set */
    uint8_t key_id[HEL_KEY_ID_BYTES];   /* names the secret key, reveals nothing of it */
    uint8_t seed[HEL_SEED_BYTES];       /* of the uniform halves; fresh for every file
                                         * (CKKS: for every object) */
    uint8_t dataset[HEL_DIGEST_BYTES];  /* file_id of the genotypes that this belongs to */
    uint8_t weights[HEL_DIGEST_BYTES];  /* file_id of the weights that this belongs to */
    uint8_t samples[HEL_DIGEST_BYTES];  /* keyed digest of sample identities in order */
    uint8_t variants[HEL_DIGEST_BYTES]; /* keyed digest of variants in order */
    uint64_t sample_count, variant_count;
    uint64_t created_unix; /* seconds */
} hel_head;

/* ---- writing ---- */

typedef struct hel_writer hel_writer;

/* Opens "<path>.part" with mode 0600 for secret kinds, 0644 otherwise. `head` is copied; file_id
 * and created_unix are filled here (and copied back into *head). */
hel_status hel_writer_open(hel_engine *engine, hel_writer **out, const char *path, hel_head *head);
/* Sections are written one after another; chunk_bytes (of one checksum) 0 = 1 MiB, else 64 bytes
 * to 1 GiB; 8 KiB and more keep the checksums below 0.1 %. Ids are unique in a file, at most
 * 1024 sections. A failure of any writer call sticks: commit then returns it again. */
hel_status hel_writer_section(hel_writer *w, uint32_t id, uint32_t chunk_bytes);
hel_status hel_writer_put(hel_writer *w, const void *data, size_t bytes);
/* Whole section in one call. */
hel_status hel_writer_put_section(hel_writer *w, uint32_t id, const void *data, size_t bytes);
/* The next section begins at a multiple of `bytes` (a power of two, 64 to 4096): a section
 * HEL_SECTION_PADDING of zeros fills up to there, where one is needed. Once in a file. */
hel_status hel_writer_align(hel_writer *w, uint32_t bytes);
/* HMAC-SHA256 under `key` over header fields and all sections so far, as section
 * HEL_SECTION_MAC; to be called last, for secret kinds only. */
hel_status hel_writer_mac(hel_writer *w, const uint8_t key[32]);
/* Table, sums, header, fsync: everything but the rename. For outputs that belong together: when all
 * are finished, disk space can no longer part them, and commit (or abort) them one after another.
 * *content as in commit, which then leaves its own untouched. */
hel_status hel_writer_finish(hel_writer *w, uint8_t content[HEL_DIGEST_BYTES]);
/* Table, sums, header, fsync, rename. The writer is freed in any case; *content receives the
 * SHA-256 of header, table and sums (may be NULL): it names the file's exact content. */
hel_status hel_writer_commit(hel_writer *w, uint8_t content[HEL_DIGEST_BYTES]);
void hel_writer_abort(hel_writer *w); /* NULL allowed */

/* ---- writing what is reproducible, out of order, or by several processes in turn ---- */

/* As open, with the file id and time that *head has, so that equal content gives equal files.
 * Public kinds only. again: the content of a .part that another process left stays, to be
 * adopted. */
hel_status hel_writer_open_named(hel_engine *engine, hel_writer **out, const char *path,
                                 const hel_head *head, int again);
/* A section of `bytes` bytes whose chunks are written by put_at; disk space is reserved. Public
 * kinds only. */
hel_status hel_writer_place(hel_writer *w, uint32_t id, uint32_t chunk_bytes, uint64_t bytes);
/* Whole chunks of that section. Thread-safe for different chunks. */
hel_status hel_writer_put_at(hel_writer *w, uint64_t offset, const void *data, size_t bytes);
/* 1 and the chunk's checksum when it has been written. */
int hel_writer_chunk(const hel_writer *w, uint64_t chunk, uint64_t *sum);
/* Reads a chunk that another process wrote into scratch (chunk_bytes); it counts as written if its
 * checksum is `sum`. */
hel_status hel_writer_adopt(hel_writer *w, uint64_t chunk, uint64_t sum, void *scratch,
                            int *adopted);
/* What has been written is on disk. */
hel_status hel_writer_sync(hel_writer *w);
/* Whether a sync failed: the .part is of no use then, not even to who reads and compares it. */
int hel_writer_lost(const hel_writer *w);
/* Ends without a file, as abort, but the .part stays. NULL allowed. */
void hel_writer_leave(hel_writer *w);

/* ---- reading ---- */

typedef struct hel_reader hel_reader;

/* Maps a file, checks magic, version, kind (0 = any), sizes, header, table and sums; not the
 * sections' content. Anything amiss, another kind included, is HEL_E_FORMAT with path, byte and
 * rule. Secret kinds whose mode gives group or others any right are refused with
 * HEL_E_PERMISSION. The file must not be truncated while it is open (files are replaced by
 * rename, never rewritten). */
hel_status hel_reader_open(hel_engine *engine, hel_reader **out, const char *path, hel_kind kind);
const hel_head *hel_reader_head(const hel_reader *r);
const char *hel_reader_path(const hel_reader *r);
const uint8_t *hel_reader_content(const hel_reader *r); /* as hel_writer_commit's content */
/* The section's bytes in the mapping, unchecked. HEL_E_FORMAT when there is none. */
hel_status hel_reader_section(hel_reader *r, uint32_t id, const uint8_t **data, uint64_t *bytes);
/* Checks the checksums of the chunks that overlap [offset, offset + bytes) of a section, in the
 * mapping. Thread-safe. */
hel_status hel_reader_check(hel_reader *r, uint32_t id, uint64_t offset, uint64_t bytes);
/* Where the section lies: bytes [*offset, *offset + *bytes) of the file behind *fd (the reader's),
 * in chunks of *chunk_bytes. For positional reads, whose bytes go through check_memory. */
hel_status hel_reader_place(hel_reader *r, uint32_t id, int *fd, uint64_t *offset, uint64_t *bytes,
                            uint32_t *chunk_bytes);
/* As check, but the section's bytes [offset, offset + bytes) are at `data`: whole chunks, the last
 * one of the section may be short. Thread-safe. */
hel_status hel_reader_check_memory(hel_reader *r, uint32_t id, uint64_t offset, const void *data,
                                   uint64_t bytes);
/* section + check of all of it. */
hel_status hel_reader_checked(hel_reader *r, uint32_t id, const uint8_t **data, uint64_t *bytes);
/* Every chunk of every section. */
hel_status hel_reader_check_all(hel_reader *r);
/* Recomputes and compares the HMAC; HEL_E_MISMATCH when it does not fit or is absent. */
hel_status hel_reader_check_mac(hel_reader *r, const uint8_t key[32]);
uint32_t hel_reader_sections(const hel_reader *r);
void hel_reader_section_info(const hel_reader *r, uint32_t i, uint32_t *id, uint64_t *offset,
                             uint64_t *bytes, uint32_t *chunk_bytes);
uint64_t hel_reader_file_bytes(const hel_reader *r);
void hel_reader_close(hel_reader *r); /* NULL allowed */

/* Two files must belong together: HEL_E_MISMATCH naming both paths and the field that differs. */
hel_status hel_head_match(hel_engine *engine, const hel_reader *a, const hel_reader *b,
                          unsigned fields);
#define HEL_MATCH_PARAMS   1u
#define HEL_MATCH_KEY      2u
#define HEL_MATCH_SAMPLES  4u
#define HEL_MATCH_VARIANTS 8u

/* Section ids: four letters, readable in a hex dump. */
#define HEL_FOURCC(a, b, c, d)                                                                     \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define HEL_SECTION_PARAMS   HEL_FOURCC('P', 'A', 'R', 'M') /* encoded parameter set */
#define HEL_SECTION_SECRET   HEL_FOURCC('S', 'K', 'E', 'Y') /* secret key, maybe sealed */
#define HEL_SECTION_GALOIS   HEL_FOURCC('G', 'A', 'L', 'K')
#define HEL_SECTION_RELIN    HEL_FOURCC('R', 'L', 'K', '0')
#define HEL_SECTION_LAYOUT   HEL_FOURCC('L', 'A', 'Y', 'O') /* shape of the ciphertexts */
#define HEL_SECTION_CIPHER   HEL_FOURCC('C', 'T', 'X', 'T') /* ciphertext bodies */
#define HEL_SECTION_SAMPLES  HEL_FOURCC('S', 'A', 'M', 'P') /* FID, IID, sex (owner only) */
#define HEL_SECTION_VARIANTS HEL_FOURCC('V', 'A', 'R', 'S') /* bim columns (owner only) */
#define HEL_SECTION_MISSING  HEL_FOURCC('M', 'I', 'S', 'S') /* missing calls (owner only) */
#define HEL_SECTION_DIGESTS  HEL_FOURCC('F', 'R', 'V', 'D') /* Freivalds digests (owner only) */
#define HEL_SECTION_MODEL    HEL_FOURCC('M', 'O', 'D', 'L')
#define HEL_SECTION_COLUMNS  HEL_FOURCC('C', 'O', 'L', 'S') /* columns and their planes */
#define HEL_SECTION_SHARD    HEL_FOURCC('S', 'H', 'R', 'D') /* blocks of partial sums */
#define HEL_SECTION_STATE    HEL_FOURCC('S', 'T', 'A', 'T') /* where a checkpoint stands */
#define HEL_SECTION_DONE     HEL_FOURCC('D', 'O', 'N', 'E') /* checksums of finished sums */
#define HEL_SECTION_ACCU     HEL_FOURCC('A', 'C', 'C', 'U') /* of blocks under way */
#define HEL_SECTION_PADDING  HEL_FOURCC('P', 'A', 'D', '0') /* zeros: what follows is aligned */
#define HEL_SECTION_OBJECT   HEL_FOURCC('O', 'B', 'J', 'C') /* a CKKS object */
#define HEL_SECTION_MAC      HEL_FOURCC('H', 'M', 'A', 'C')

#endif
