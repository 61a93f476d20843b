/* The container's header: its codec, names of kinds and sections, whether two files match. */
#include <stdio.h>
#include <string.h>

#include "host/store/container_private.h"

static const uint8_t magic[8] = {0x89, 'H', 'E', 'L', 'O', 'C', 'I', '\n'};

/* Offsets in the header (FORMAT.md, "Header"). */
enum {
    AT_VERSION = 8,
    AT_KIND = 12,
    AT_HEADER_BYTES = 16,
    AT_SECTIONS = 20,
    AT_FILE_BYTES = 24,
    AT_TABLE = 32,
    AT_CREATED = 40,
    AT_SAMPLE_COUNT = 48,
    AT_VARIANT_COUNT = 56,
    AT_FILE_ID = 64,
    AT_PARAMS = 96,
    AT_SEED = 128,
    AT_DATASET = 160,
    AT_WEIGHTS = 192,
    AT_SAMPLES = 224,
    AT_VARIANTS = 256,
    AT_KEY_ID = 288,
    AT_RESERVED = 304,
    AT_TAIL = 448,
    AT_DIGEST = 480
};

_Static_assert(AT_DIGEST + HEL_DIGEST_BYTES == HEL_CONTAINER_HEADER_BYTES, "header size");

static const struct {
    const char *name;
    int secret;
} kinds[] = {
    [HEL_KIND_PARAMS] = {"parameters", 0},
    [HEL_KIND_SECRET_KEY] = {"secret key", 1},
    [HEL_KIND_EVAL_KEYS] = {"evaluation keys", 0},
    [HEL_KIND_GENOTYPES] = {"genotypes", 0},
    [HEL_KIND_DATASET] = {"dataset", 1},
    [HEL_KIND_WEIGHTS] = {"weights", 0},
    [HEL_KIND_MODEL] = {"model", 1},
    [HEL_KIND_SUMS] = {"sums", 0},
    [HEL_KIND_CKKS_PARAMS] = {"CKKS parameters", 0},
    [HEL_KIND_CKKS_SECRET] = {"CKKS secret key", 1},
    [HEL_KIND_CKKS_PUBLIC] = {"CKKS public key", 0},
    [HEL_KIND_CKKS_KEYS] = {"CKKS evaluation keys", 0},
    [HEL_KIND_CKKS_PLAIN] = {"CKKS plaintext", 1},
    [HEL_KIND_CKKS_CIPHER] = {"CKKS ciphertext", 0},
    [HEL_KIND_PARTIAL] = {"partial sums", 0},
    [HEL_KIND_CHECKPOINT] = {"checkpoint", 0},
};

static int known(hel_kind kind)
{
    return (unsigned)kind < sizeof kinds / sizeof kinds[0] && kinds[kind].name;
}

const char *hel_kind_name(hel_kind kind)
{
    return known(kind) ? kinds[kind].name : "unknown kind";
}

int hel_kind_is_secret(hel_kind kind)
{
    return known(kind) && kinds[kind].secret;
}

void hel_section_name(char name[HEL_SECTION_NAME_BYTES], uint32_t id)
{
    for (int i = 0; i < 4; i++) {
        unsigned c = id >> (8 * i) & 255;
        if (c <= ' ' || c > '~') {
            snprintf(name, HEL_SECTION_NAME_BYTES, "0x%08x", (unsigned)id);
            return;
        }
        name[i] = (char)c;
    }
    name[4] = 0;
}

/* What the file says about itself, without the frame: the part that the MAC covers. */
static void put_identity(uint8_t raw[HEL_CONTAINER_HEADER_BYTES], const hel_head *head)
{
    memset(raw, 0, HEL_CONTAINER_HEADER_BYTES);
    memcpy(raw, magic, sizeof magic);
    hel_put_u32(raw + AT_VERSION, HEL_CONTAINER_VERSION);
    hel_put_u32(raw + AT_KIND, (uint32_t)head->kind);
    hel_put_u32(raw + AT_HEADER_BYTES, HEL_CONTAINER_HEADER_BYTES);
    hel_put_u64(raw + AT_CREATED, head->created_unix);
    hel_put_u64(raw + AT_SAMPLE_COUNT, head->sample_count);
    hel_put_u64(raw + AT_VARIANT_COUNT, head->variant_count);
    memcpy(raw + AT_FILE_ID, head->file_id, sizeof head->file_id);
    memcpy(raw + AT_PARAMS, head->params, sizeof head->params);
    memcpy(raw + AT_SEED, head->seed, sizeof head->seed);
    memcpy(raw + AT_DATASET, head->dataset, sizeof head->dataset);
    memcpy(raw + AT_WEIGHTS, head->weights, sizeof head->weights);
    memcpy(raw + AT_SAMPLES, head->samples, sizeof head->samples);
    memcpy(raw + AT_VARIANTS, head->variants, sizeof head->variants);
    memcpy(raw + AT_KEY_ID, head->key_id, sizeof head->key_id);
}

hel_status hel_head_encode(hel_engine *engine, uint8_t raw[HEL_CONTAINER_HEADER_BYTES],
                           const hel_head *head, const hel_frame *frame)
{
    put_identity(raw, head);
    hel_put_u32(raw + AT_SECTIONS, frame->sections);
    hel_put_u64(raw + AT_FILE_BYTES, frame->file_bytes);
    hel_put_u64(raw + AT_TABLE, frame->table_offset);
    memcpy(raw + AT_TAIL, frame->tail, sizeof frame->tail);
    return hel_sha256_once(engine, raw, AT_DIGEST, raw + AT_DIGEST);
}

hel_status hel_head_decode(hel_engine *engine, hel_head *head, hel_frame *frame, const char *path,
                           const uint8_t raw[HEL_CONTAINER_HEADER_BYTES])
{
    uint8_t digest[HEL_DIGEST_BYTES];
    HEL_REQUIRE(engine, memcmp(raw, magic, sizeof magic) == 0, HEL_E_FORMAT,
                "%s: byte 0: not a heloci file (wrong magic)", path);
    /* The version comes before the digest: a newer header may be digested differently. */
    uint32_t version = hel_get_u32(raw + AT_VERSION);
    HEL_REQUIRE(engine, version == HEL_CONTAINER_VERSION, HEL_E_FORMAT,
                "%s: byte %d: format version %u, this program reads version %u", path, AT_VERSION,
                version, HEL_CONTAINER_VERSION);
    HEL_TRY(hel_sha256_once(engine, raw, AT_DIGEST, digest));
    HEL_REQUIRE(engine, memcmp(digest, raw + AT_DIGEST, sizeof digest) == 0, HEL_E_FORMAT,
                "%s: bytes 0 to 511: the header does not match its digest (damaged)", path);
    uint32_t kind = hel_get_u32(raw + AT_KIND), header = hel_get_u32(raw + AT_HEADER_BYTES);
    HEL_REQUIRE(engine, header == HEL_CONTAINER_HEADER_BYTES, HEL_E_FORMAT,
                "%s: byte %d: header of %u bytes, version 1 has 512", path, AT_HEADER_BYTES,
                header);
    HEL_REQUIRE(engine, known((hel_kind)kind), HEL_E_FORMAT, "%s: byte %d: unknown kind %u", path,
                AT_KIND, kind);
    for (int i = AT_RESERVED; i < AT_TAIL; i++)
        HEL_REQUIRE(engine, raw[i] == 0, HEL_E_FORMAT, "%s: byte %d: reserved byte is not zero",
                    path, i);
    *head = (hel_head){
        .kind = (hel_kind)kind,
        .sample_count = hel_get_u64(raw + AT_SAMPLE_COUNT),
        .variant_count = hel_get_u64(raw + AT_VARIANT_COUNT),
        .created_unix = hel_get_u64(raw + AT_CREATED),
    };
    memcpy(head->file_id, raw + AT_FILE_ID, sizeof head->file_id);
    memcpy(head->params, raw + AT_PARAMS, sizeof head->params);
    memcpy(head->seed, raw + AT_SEED, sizeof head->seed);
    memcpy(head->dataset, raw + AT_DATASET, sizeof head->dataset);
    memcpy(head->weights, raw + AT_WEIGHTS, sizeof head->weights);
    memcpy(head->samples, raw + AT_SAMPLES, sizeof head->samples);
    memcpy(head->variants, raw + AT_VARIANTS, sizeof head->variants);
    memcpy(head->key_id, raw + AT_KEY_ID, sizeof head->key_id);
    *frame = (hel_frame){
        .sections = hel_get_u32(raw + AT_SECTIONS),
        .file_bytes = hel_get_u64(raw + AT_FILE_BYTES),
        .table_offset = hel_get_u64(raw + AT_TABLE),
    };
    memcpy(frame->tail, raw + AT_TAIL, sizeof frame->tail);
    return HEL_OK;
}

hel_status hel_container_mac(hel_engine *engine, uint8_t mac[HEL_DIGEST_BYTES],
                             const uint8_t key[32], const hel_head *head,
                             const hel_section *sections, uint32_t count)
{
    static const char label[] = "heloci container mac 1";
    uint8_t raw[HEL_CONTAINER_HEADER_BYTES];
    hel_buf text = {0};
    put_identity(raw, head);
    hel_status status = hel_buf_put_string(engine, &text, label);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &text, raw, AT_RESERVED);
    if (status == HEL_OK)
        status = hel_buf_put_u32(engine, &text, count);
    for (uint32_t i = 0; status == HEL_OK && i < count; i++) {
        status = hel_buf_put_u32(engine, &text, sections[i].id);
        if (status == HEL_OK)
            status = hel_buf_put_u64(engine, &text, sections[i].bytes);
        if (status == HEL_OK)
            status = hel_buf_put(engine, &text, sections[i].digest, HEL_DIGEST_BYTES);
    }
    if (status == HEL_OK)
        status = hel_hmac_sha256(engine, key, 32, text.data, text.bytes, mac);
    hel_buf_free(&text);
    return status;
}

hel_status hel_head_match(hel_engine *engine, const hel_reader *a, const hel_reader *b,
                          unsigned fields)
{
    const hel_head *x = hel_reader_head(a), *y = hel_reader_head(b);
    const struct {
        unsigned field;
        int same;
        const char *what;
    } rules[] = {
        {HEL_MATCH_PARAMS, memcmp(x->params, y->params, sizeof x->params) == 0,
         "were made with different parameter sets"},
        {HEL_MATCH_KEY, memcmp(x->key_id, y->key_id, sizeof x->key_id) == 0,
         "belong to different secret keys"},
        {HEL_MATCH_SAMPLES, x->sample_count == y->sample_count,
         "have different numbers of samples"},
        {HEL_MATCH_SAMPLES, memcmp(x->samples, y->samples, sizeof x->samples) == 0,
         "have different samples, or the same in another order"},
        {HEL_MATCH_VARIANTS, x->variant_count == y->variant_count,
         "have different numbers of variants"},
        {HEL_MATCH_VARIANTS, memcmp(x->variants, y->variants, sizeof x->variants) == 0,
         "have different variants, or the same in another order"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        HEL_REQUIRE(engine, !(fields & rules[i].field) || rules[i].same, HEL_E_MISMATCH,
                    "%s and %s: %s", hel_reader_path(a), hel_reader_path(b), rules[i].what);
    return HEL_OK;
}
