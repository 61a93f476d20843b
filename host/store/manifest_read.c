/*
 * Reading a manifest: the signature first, over bytes that nothing has interpreted yet; then JSON,
 * strictly; then the fields that every manifest has. Unknown fields are legal and ignored.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/json_text.h"
#include "host/base/mem.h"
#include "host/base/progress.h"
#include "host/store/manifest_private.h"

#define HASH_BYTES      ((size_t)1 << 20) /* read at once */
#define REPORT_BYTES    ((uint64_t)64 << 20)
#define NAME_MOST       255
#define SHA256_TEXT     64
#define SIGNATURE_BYTES HEL_SIGNATURE_LINE_BYTES

/* ---- the second line ---- */

int hel_signature_line_decode(hel_engine *engine, const uint8_t line[HEL_SIGNATURE_LINE_BYTES],
                              uint8_t public_key[HEL_ED25519_KEY_BYTES],
                              uint8_t signature[HEL_ED25519_SIGNATURE_BYTES])
{
    char again[SIGNATURE_BYTES];
    const char *key = (const char *)line + sizeof HEL_SIGNATURE_HEAD - 1;
    const char *value = (const char *)line + SIGNATURE_BYTES - (sizeof HEL_SIGNATURE_TAIL - 1) -
                        HEL_SIGNATURE_TEXT_BYTES;
    return hel_base64_decode(public_key, HEL_ED25519_KEY_BYTES, key, HEL_ED25519_TEXT_BYTES - 1) &&
           hel_base64_decode(signature, HEL_ED25519_SIGNATURE_BYTES, value,
                             HEL_SIGNATURE_TEXT_BYTES) &&
           hel_signature_line(engine, again, public_key, signature) == HEL_OK &&
           memcmp(again, line, SIGNATURE_BYTES) == 0;
}

/* Two lines of the right shape, signed; *line = bytes of the first one. */
static hel_status check_signature(hel_manifest_file *out, const uint8_t *data, size_t bytes,
                                  size_t *line)
{
    hel_engine *engine = out->engine;
    uint8_t signature[HEL_ED25519_SIGNATURE_BYTES];
    static const char prefix[] = HEL_MANIFEST_PREFIX;
    HEL_REQUIRE(engine, bytes >= sizeof prefix - 1 && memcmp(data, prefix, sizeof prefix - 1) == 0,
                HEL_E_FORMAT, "%s: line 1: this is no manifest", out->path);
    const uint8_t *end = memchr(data, '\n', bytes);
    *line = end ? (size_t)(end - data) : bytes;
    HEL_REQUIRE(engine, end && bytes - *line - 1 >= SIGNATURE_BYTES, HEL_E_FORMAT,
                "%s: truncated: line 2, the signature, is missing or cut short", out->path);
    HEL_REQUIRE(engine, bytes - *line - 1 == SIGNATURE_BYTES, HEL_E_FORMAT,
                "%s: line 2: longer than a signature", out->path);
    HEL_REQUIRE(engine, hel_signature_line_decode(engine, end + 1, out->public_key, signature),
                HEL_E_FORMAT, "%s: line 2: not written as a signature is", out->path);
    HEL_TRY(hel_ed25519_id(engine, out->key_id, out->public_key));
    hel_status status = hel_ed25519_verify(engine, out->public_key, data, *line, signature);
    if (status == HEL_E_VERIFY)
        status = hel_fail(engine, HEL_E_VERIFY,
                          "%s: the signature does not hold: key %s did not sign this text",
                          out->path, out->key_id);
    return status;
}

/* ---- JSON ---- */

/* Brackets outside of strings, before any parser recurses into them. */
static int is_shallow(const uint8_t *text, size_t bytes)
{
    int depth = 0, quoted = 0;
    for (size_t i = 0; i < bytes && depth <= HEL_MANIFEST_DEPTH; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == '{' || text[i] == '['))
            depth++;
        else if (!quoted && (text[i] == '}' || text[i] == ']'))
            depth--;
    }
    return depth <= HEL_MANIFEST_DEPTH;
}

/* Bytes of the character at `text` that may go to a terminal; 0 = none. C1 controls are U+0080 to
 * U+009F. */
static size_t printable_length(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    const size_t length = hel_utf8_length(text);
    return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0) ? 0 : length;
}

void hel_printable(char *out, size_t room, const char *text)
{
    size_t at = 0;
    while (text && *text) {
        const size_t length = printable_length(text), whole = hel_utf8_length(text);
        if (at + (length ? length : 1) >= room)
            break;
        memcpy(out + at, length ? text : "?", length ? length : 1);
        at += length ? length : 1;
        text += whole ? whole : 1;
    }
    out[at] = 0;
}

static hel_status parse(hel_manifest_file *out, const uint8_t *data, size_t line)
{
    json_error_t error;
    char text[160];
    HEL_REQUIRE(out->engine, is_shallow(data, line), HEL_E_FORMAT,
                "%s: line 1: nested deeper than %d levels", out->path, HEL_MANIFEST_DEPTH);
    out->root = json_loadb((const char *)data, line, JSON_REJECT_DUPLICATES, &error);
    /* Where jansson finds no memory it may say nothing at all, or that a token is wrong. */
    if (!out->root && (!error.text[0] || json_error_code(&error) == json_error_out_of_memory))
        return hel_fail(out->engine, HEL_E_MEMORY, "memory: %s could not be parsed", out->path);
    hel_printable(text, sizeof text, error.text);
    HEL_REQUIRE(out->engine, out->root, HEL_E_FORMAT, "%s: line 1, byte %d: %s", out->path,
                error.position, text);
    return HEL_OK;
}

/* ---- fields ---- */

static hel_status bad_field(const hel_manifest_file *file, const char *list, size_t i,
                            const char *field, const char *rule)
{
    if (!list)
        return hel_fail(file->engine, HEL_E_FORMAT, "%s: line 1: '%s' %s", file->path, field, rule);
    return hel_fail(file->engine, HEL_E_FORMAT, "%s: line 1: '%s' of %s %zu %s", file->path, field,
                    list, i, rule);
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* A name that is one: of a file in this very folder, fit for a terminal. */
static int is_file_name(const char *name)
{
    if (!name || !name[0] || strlen(name) > NAME_MOST * 3 || strchr(name, '/') ||
        strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    size_t length;
    while ((length = printable_length(name)) > 0)
        name += length;
    return *name == 0;
}

static int is_digest(const char *text)
{
    return text && strlen(text) == SHA256_TEXT && strspn(text, "0123456789abcdef") == SHA256_TEXT;
}

static hel_status check_files(const hel_manifest_file *file, const char *list, int subjects)
{
    const json_t *array = json_object_get(file->root, list);
    if (!json_is_array(array) || (subjects && json_array_size(array) == 0))
        return bad_field(file, NULL, 0, list, "is not a list of files");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *row = json_array_get(array, i);
        const json_t *bytes = json_object_get(row, "bytes");
        if (!is_file_name(text_of(row, "name")))
            return bad_field(file, list, i, "name", "is not the name of a file");
        if (!json_is_integer(bytes) || json_integer_value(bytes) < 0)
            return bad_field(file, list, i, "bytes", "is not a size");
        if (subjects && !is_digest(text_of(row, "sha256")))
            return bad_field(file, list, i, "sha256", "is not a digest");
        if (!subjects && !text_of(row, "role"))
            return bad_field(file, list, i, "role", "is not a text");
    }
    return HEL_OK;
}

static hel_status check_fields(const hel_manifest_file *file)
{
    static const char *const texts[][2] = {{"kind", NULL},        {"command", NULL},
                                           {"signer", "key_id"},  {"signer", "key"},
                                           {"software", "name"},  {"software", "version"},
                                           {"timing", "started"}, {"timing", "finished"}};
    const json_t *version = json_object_get(file->root, "version");
    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return bad_field(file, NULL, 0, "version", "is not a version");
    HEL_REQUIRE(file->engine, json_integer_value(version) == HEL_MANIFEST_VERSION,
                HEL_E_UNSUPPORTED, "%s: a manifest of version %lld, this program reads %d",
                file->path, (long long)json_integer_value(version), HEL_MANIFEST_VERSION);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const json_t *object = texts[i][1] ? json_object_get(file->root, texts[i][0]) : file->root;
        if (!text_of(object, texts[i][texts[i][1] != NULL]))
            return bad_field(file, NULL, 0, texts[i][0],
                             texts[i][1] ? "lacks a text that it must have" : "is not a text");
    }
    if (strcmp(text_of(json_object_get(file->root, "signer"), "key_id"), file->key_id) != 0)
        return hel_fail(file->engine, HEL_E_VERIFY,
                        "%s: names another signer than key %s, which "
                        "signed it",
                        file->path, file->key_id);
    HEL_TRY(check_files(file, "subjects", 1));
    return check_files(file, "inputs", 0);
}

/* ---- the file ---- */

hel_status hel_manifest_decode(hel_engine *engine, hel_manifest_file *out, const char *path,
                               const uint8_t *data, size_t bytes)
{
    size_t line = 0;
    *out = (hel_manifest_file){.engine = engine, .path = path};
    hel_status status = check_signature(out, data, bytes, &line);
    if (status == HEL_OK)
        status = parse(out, data, line);
    if (status == HEL_OK)
        status = check_fields(out);
    if (status == HEL_OK)
        status = hel_sha256_once(engine, data, bytes, out->digest);
    if (status != HEL_OK)
        hel_manifest_drop(out);
    return status;
}

hel_status hel_manifest_load(hel_engine *engine, hel_manifest_file *out, const char *path)
{
    hel_map map;
    *out = (hel_manifest_file){.engine = engine, .path = path};
    HEL_TRY(hel_map_open(engine, &map, path));
    hel_status status =
        map.bytes > HEL_MANIFEST_MOST
            ? hel_fail(engine, HEL_E_FORMAT, "%s: %llu bytes are too many for a manifest", path,
                       (unsigned long long)map.bytes)
            : hel_manifest_decode(engine, out, path, map.data, (size_t)map.bytes);
    hel_map_close(&map);
    return status;
}

void hel_manifest_drop(hel_manifest_file *file)
{
    json_decref(file->root);
    file->root = NULL;
}

int hel_manifest_recognised(const char *path)
{
    char start[sizeof HEL_MANIFEST_PREFIX - 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    ssize_t got = pread(fd, start, sizeof start, 0);
    close(fd);
    return got == (ssize_t)sizeof start && memcmp(start, HEL_MANIFEST_PREFIX, sizeof start) == 0;
}

/* ---- subjects ---- */

static const json_t *subject_of(const hel_manifest_file *file, size_t i)
{
    return json_array_get(json_object_get(file->root, "subjects"), i);
}

size_t hel_manifest_subjects(const hel_manifest_file *file)
{
    return json_array_size(json_object_get(file->root, "subjects"));
}

const char *hel_manifest_subject_name(const hel_manifest_file *file, size_t i)
{
    return text_of(subject_of(file, i), "name");
}

/* `name` with its stray bytes replaced is `text`. */
static int is_name_of(const char *text, const char *name)
{
    static const char replacement[] = "\xef\xbf\xbd";
    while (*name) {
        const size_t length = hel_utf8_length(name);
        if (strncmp(text, length ? name : replacement, length ? length : 3) != 0)
            return 0;
        text += length ? length : 3;
        name += length ? length : 1;
    }
    return *text == 0;
}

size_t hel_manifest_find(const hel_manifest_file *file, const char *path)
{
    for (size_t i = 0; i < hel_manifest_subjects(file); i++)
        if (is_name_of(hel_manifest_subject_name(file, i), hel_file_name(path)))
            return i;
    return SIZE_MAX;
}

hel_status hel_file_digest(hel_engine *engine, const char *path, uint64_t *bytes,
                           uint8_t digest[HEL_DIGEST_BYTES])
{
    hel_sha256 *sha = NULL;
    uint8_t *buffer = NULL;
    struct stat info;
    *bytes = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return hel_fail_errno(engine, errno, "%s: cannot be opened", path);
    hel_status status = HEL_OK;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        status = hel_fail(engine, HEL_E_IO, "%s: cannot be read: not a regular file", path);
    if (status == HEL_OK)
        status = hel_malloc(engine, &buffer, HASH_BYTES, 1);
    if (status == HEL_OK)
        status = hel_sha256_create(engine, &sha);
    while (status == HEL_OK) {
        ssize_t got = read(fd, buffer, HASH_BYTES);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            status = hel_fail_errno(engine, errno, "%s: read failed at byte %llu", path,
                                    (unsigned long long)*bytes);
        if (got <= 0)
            continue;
        hel_sha256_update(sha, buffer, (size_t)got);
        *bytes += (uint64_t)got;
        if ((uint64_t)info.st_size >= REPORT_BYTES) /* shorter ones take no time */
            status = hel_progress(engine, "manifest", *bytes, (uint64_t)info.st_size, "bytes");
    }
    if (status == HEL_OK)
        hel_sha256_final(sha, digest);
    hel_sha256_free(sha);
    hel_free(buffer);
    close(fd);
    return status;
}

hel_status hel_manifest_compare(const hel_manifest_file *file, size_t i, const char *path)
{
    const json_t *row = subject_of(file, i);
    const uint64_t wanted = (uint64_t)json_integer_value(json_object_get(row, "bytes"));
    uint64_t bytes;
    uint8_t digest[HEL_DIGEST_BYTES];
    char hex[2 * HEL_DIGEST_BYTES + 1];
    HEL_TRY(hel_file_digest(file->engine, path, &bytes, digest));
    hel_hex(hex, digest, sizeof digest);
    HEL_REQUIRE(file->engine, bytes == wanted, HEL_E_MISMATCH,
                "%s: has %llu bytes, and %llu by its manifest %s: not the file that was signed",
                path, (unsigned long long)bytes, (unsigned long long)wanted, file->path);
    HEL_REQUIRE(file->engine, strcmp(hex, text_of(row, "sha256")) == 0, HEL_E_MISMATCH,
                "%s: has another SHA-256 than its manifest %s says: not the file that was signed",
                path, file->path);
    return HEL_OK;
}
