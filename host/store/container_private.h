/*
 * What the container's writer, reader and inspector share: the frame, the header codec, the table
 * of sections. Offsets and rules are those of FORMAT.md.
 */
#ifndef HEL_STORE_CONTAINER_PRIVATE_H
#define HEL_STORE_CONTAINER_PRIVATE_H

#include "host/store/container.h"

#define HEL_CONTAINER_ALIGN        64u
#define HEL_CONTAINER_ENTRY_BYTES  32u /* of one section in the table */
#define HEL_CONTAINER_SUM_BYTES    8u
#define HEL_CONTAINER_MAX_SECTIONS 1024u
#define HEL_CONTAINER_MIN_CHUNK    64u
#define HEL_CONTAINER_MAX_CHUNK    (1u << 30)
#define HEL_CONTAINER_CHUNK        (1u << 20) /* default */
#define HEL_CONTAINER_MAX_PADDING  4096u      /* a PAD0 section is shorter */

typedef struct hel_section {
    uint32_t id, chunk_bytes;
    uint64_t offset, bytes;           /* of the content, in the file */
    uint64_t sums;                    /* offset of the first checksum, in the file */
    uint8_t digest[HEL_DIGEST_BYTES]; /* SHA-256 of the content; writer of secret kinds only */
} hel_section;

/* The header's part that describes the file rather than its meaning. */
typedef struct hel_frame {
    uint32_t sections;
    uint64_t file_bytes, table_offset;
    uint8_t tail[HEL_DIGEST_BYTES]; /* SHA-256 of table and sums */
} hel_frame;

/* Number of checksums of a section. */
static inline uint64_t hel_section_chunks(const hel_section *s)
{
    return s->bytes / s->chunk_bytes + (s->bytes % s->chunk_bytes != 0);
}

static inline uint64_t hel_container_align(uint64_t offset)
{
    return (offset + HEL_CONTAINER_ALIGN - 1) & ~(uint64_t)(HEL_CONTAINER_ALIGN - 1);
}

/* "CTXT", or "0x00000001" when the four bytes are not printable. */
#define HEL_SECTION_NAME_BYTES 12
void hel_section_name(char name[HEL_SECTION_NAME_BYTES], uint32_t id);

/* The whole header with its own digest. */
hel_status hel_head_encode(hel_engine *engine, uint8_t raw[HEL_CONTAINER_HEADER_BYTES],
                           const hel_head *head, const hel_frame *frame);
/* Checks magic, version, digest, kind and reserved bytes; HEL_E_FORMAT naming `path`. Offsets and
 * sizes in *frame are as stored: the reader compares them with the file. */
hel_status hel_head_decode(hel_engine *engine, hel_head *head, hel_frame *frame, const char *path,
                           const uint8_t raw[HEL_CONTAINER_HEADER_BYTES]);

/* HMAC of the head's identity fields and of (id, bytes, digest) of `count` sections. */
hel_status hel_container_mac(hel_engine *engine, uint8_t mac[HEL_DIGEST_BYTES],
                             const uint8_t key[32], const hel_head *head,
                             const hel_section *sections, uint32_t count);

/* hel_reader_check_all that reports progress as `stage` (NULL: none). On damage the error names
 * the first damaged chunk of the file. */
hel_status hel_reader_check_stage(hel_reader *r, const char *stage);

const hel_section *hel_reader_find(const hel_reader *r, uint32_t id); /* NULL when absent */
hel_engine *hel_reader_engine(const hel_reader *r);

#endif
