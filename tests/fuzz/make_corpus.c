/*
 * Writes the seeds of fuzz_container, fuzz_keyfile and fuzz_manifest: valid files of every kind and
 * typical damage. Usage: make_corpus <corpus directory>
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "host/base/mem.h"
#include "host/store/keyfile.h"
#include "host/store/keyfile_private.h"
#include "host/store/manifest_private.h"
#include "tests/fuzz/container_repair.h"

static void need(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "make_corpus: %s\n", what);
    exit(1);
}

static const char *root, *set;
static char path[4096];

static const char *seed_path(const char *name)
{
    snprintf(path, sizeof path, "%s/%s/%s", root, set, name);
    return path;
}

static void put(const char *name, const uint8_t *data, size_t size)
{
    FILE *f = fopen(seed_path(name), "wb");
    need(f && fwrite(data, 1, size, f) == size && fclose(f) == 0, path);
}

/* Sections of the given sizes in chunks of 64 bytes. */
static void write_container(const char *name, hel_kind kind, const size_t *sizes, size_t count)
{
    static const uint8_t key[32];
    uint8_t body[1024];
    hel_head head = {.kind = kind, .sample_count = 3, .variant_count = 4};
    hel_writer *w;
    memset(head.params, 0x11, sizeof head.params);
    memset(head.key_id, 0x22, sizeof head.key_id);
    memset(body, 0x33, sizeof body);
    need(hel_writer_open(NULL, &w, seed_path(name), &head) == HEL_OK, name);
    static const uint32_t ids[] = {HEL_SECTION_PARAMS, HEL_SECTION_LAYOUT, HEL_SECTION_CIPHER};
    for (size_t i = 0; i < count; i++)
        need(hel_writer_section(w, ids[i], 64) == HEL_OK &&
                 hel_writer_put(w, body, sizes[i]) == HEL_OK,
             name);
    if (hel_kind_is_secret(kind))
        need(hel_writer_mac(w, key) == HEL_OK, name);
    need(hel_writer_commit(w, NULL) == HEL_OK, name);
}

static uint8_t *load(const char *name, size_t *size)
{
    uint8_t *data;
    uint64_t bytes;
    need(hel_file_read(NULL, seed_path(name), 1u << 20, &data, &bytes) == HEL_OK, name);
    *size = (size_t)bytes;
    return data;
}

static void containers(void)
{
    static const size_t none[1], three[] = {5, 0, 300}, one[] = {64};
    size_t size;
    write_container("valid_empty", HEL_KIND_PARAMS, none, 0);
    write_container("valid_one", HEL_KIND_WEIGHTS, one, 1);
    write_container("valid_three", HEL_KIND_GENOTYPES, three, 3);
    write_container("valid_sums", HEL_KIND_SUMS, three, 3);
    write_container("valid_mac", HEL_KIND_DATASET, three, 3);
    uint8_t *f = load("valid_three", &size);
    uint64_t table = repair_get(f + 32, 8);
    const struct {
        const char *name;
        uint64_t at;
        int bytes;
        uint64_t value;
    } rows[] = {
        {"bad_magic", 0, 1, 0},
        {"bad_version", 8, 4, 2},
        {"bad_kind", 12, 4, 200},
        {"bad_count", 20, 4, UINT32_MAX},
        {"bad_count_small", 20, 4, 2},
        {"bad_file_bytes", 24, 8, UINT64_MAX},
        {"bad_table", 32, 8, UINT64_MAX - 63},
        {"bad_table_in_content", 32, 8, 576},
        {"bad_chunk", table + 68, 4, 0},
        {"bad_offset", table + 72, 8, 512},
        {"bad_bytes", table + 80, 8, 1ull << 63},
        {"bad_sums", table + 88, 8, UINT64_MAX},
        {"bad_duplicate", table + 64, 4, HEL_SECTION_PARAMS},
        {"bad_padding", 520, 1, 1},
        {"bad_content", 580, 1, 1},
        {"bad_created", 40, 8, UINT64_MAX},
    };
    uint8_t *bad = malloc(size);
    need(bad != NULL, "memory");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(bad, f, size);
        repair_put(bad + rows[i].at, rows[i].bytes, rows[i].value);
        repair_digests(bad, size);
        put(rows[i].name, bad, size);
    }
    put("bad_truncated", f, size - 1);
    put("bad_header_only", f, 512);
    free(bad);
    hel_free(f);
}

/* A key sealed at scrypt's lowest readable cost, so that a fuzzer can afford to open it. */
static void seal_cheaply(uint8_t *file, size_t size, const uint8_t *secret, size_t bytes)
{
    uint8_t key[32], *skey = file + 576;
    memset(skey, 0, HEL_SEALING_BYTES);
    repair_put(skey, 4, HEL_SEALING_SCRYPT_GCM);
    repair_put(skey + 4, 4, 10);
    repair_put(skey + 8, 8, bytes);
    memset(skey + 16, 0x44, 32 + HEL_GCM_NONCE_BYTES);
    uint8_t bound[HEL_DIGEST_BYTES + HEL_KEY_ID_BYTES];
    memcpy(bound, file + 96, HEL_DIGEST_BYTES);
    memcpy(bound + HEL_DIGEST_BYTES, file + 288, HEL_KEY_ID_BYTES);
    need(hel_scrypt(NULL, "seed", skey + 16, 32, 10, key, 32) == HEL_OK, "scrypt");
    need(hel_gcm_seal(NULL, key, skey + 48, bound, sizeof bound, secret, bytes,
                      skey + HEL_SEALING_BYTES, skey + 60) == HEL_OK,
         "gcm");
    repair_all(file, size);
}

static void keyfiles(void)
{
    uint8_t secret[100];
    size_t size;
    hel_head head = {.kind = HEL_KIND_SECRET_KEY};
    memset(secret, 0x55, sizeof secret);
    memset(head.params, 0x11, sizeof head.params);
    need(hel_keyfile_write(NULL, seed_path("valid_plain"), &head, "pp", 2, secret, sizeof secret,
                           NULL) == HEL_OK,
         "key");
    uint8_t *f = load("valid_plain", &size);
    const struct {
        const char *name;
        uint64_t at, value;
        int bytes;
    } rows[] = {{"bad_mode", 576, 2, 4},
                {"bad_cost", 580, 25, 4},
                {"bad_bytes", 584, UINT64_MAX, 8},
                {"bad_unused", 600, 1, 1},
                {"bad_kind", 12, HEL_KIND_MODEL, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t saved[8];
        memcpy(saved, f + rows[i].at, 8);
        repair_put(f + rows[i].at, rows[i].bytes, rows[i].value);
        repair_all(f, size);
        put(rows[i].name, f, size);
        memcpy(f + rows[i].at, saved, 8);
    }
    seal_cheaply(f, size, secret, sizeof secret);
    put("valid_sealed", f, size);
    f[576 + 60] ^= 1;
    repair_all(f, size);
    put("bad_tag", f, size);
    hel_free(f);
}

/* ---- manifests ---- */

/* With the choosing byte in front. */
static void put_manifest(const char *name, char choice, const char *text, size_t size)
{
    uint8_t *data = malloc(size + 1);
    need(data != NULL, name);
    data[0] = (uint8_t)choice;
    memcpy(data + 1, text, size);
    put(name, data, size + 1);
    free(data);
}

/* The line with the first `what` in it replaced. */
static void put_changed(const char *name, const char *line, const char *what, const char *by)
{
    char *out = malloc(strlen(line) + strlen(by) + 1);
    const char *at = strstr(line, what);
    need(out && at, name);
    const size_t before = (size_t)(at - line);
    memcpy(out, line, before);
    strcpy(stpcpy(out + before, by), at + strlen(what));
    put_manifest(name, 'S', out, strlen(out));
    free(out);
}

static const char manifest_line[] =
    "{\"schema\":\"heloci-manifest\",\"version\":1,\"kind\":\"sums\",\"command\":\"scan\","
    "\"signer\":{\"key_id\":\"3dba97edb866520d\",\"key\":\"owner\"},"
    "\"subjects\":[{\"name\":\"x.sums\",\"bytes\":4,\"sha256\":"
    "\"2220e3c51f099b5308c70ed91977af4887c71fe1f8f6c3fedafe7c9f623f301f\"}],"
    "\"inputs\":[{\"role\":\"genotypes\",\"name\":\"x.geno\",\"bytes\":4096,\"kind\":\"genotypes\"}"
    "],"
    "\"software\":{\"name\":\"heloci\",\"version\":\"0.1.0\"},"
    "\"host\":{\"name\":\"node\",\"threads\":2},\"device\":{\"text\":\"cpu: \\\"avx2\\\" "
    "\\u00e4\"},"
    "\"scan\":{\"verify\":0.25,\"on_device\":true},"
    "\"stages\":[{\"name\":\"expand\",\"busy_seconds\":1.5,\"bytes\":1000,\"utilisation\":0.75}],"
    "\"resumptions\":[{\"time\":\"2026-02-02T02:40:00.000Z\",\"done\":5,\"total\":10}],"
    "\"timing\":{\"started\":\"2026-02-02T02:40:00.000Z\",\"finished\":\"2026-02-02T02:41:00."
    "000Z\"}}";

static void manifests(void)
{
    /* the key that the target signs with */
    uint8_t secret[HEL_ED25519_KEY_BYTES], signature[HEL_ED25519_SIGNATURE_BYTES];
    const char *line = manifest_line;
    const size_t bytes = strlen(line);
    char whole[sizeof manifest_line + HEL_SIGNATURE_LINE_BYTES];
    hel_signer *signer;
    memset(secret, 9, sizeof secret);
    memcpy(whole, line, bytes);
    whole[bytes] = '\n';
    need(hel_signer_derived(NULL, &signer, secret) == HEL_OK &&
             hel_signer_sign(NULL, signer, line, bytes, signature) == HEL_OK &&
             hel_signature_line(NULL, whole + bytes + 1, hel_signer_public(signer), signature) ==
                 HEL_OK,
         "manifest");
    hel_signer_close(signer);
    put_manifest("raw", 'R', whole, sizeof whole);
    whole[bytes + 100] ^= 1;
    put_manifest("raw_forged", 'R', whole, sizeof whole);
    put_manifest("signed", 'S', line, bytes);
    put_changed("duplicate", line, "\"kind\"", "\"version\":1,\"kind\"");
    put_changed("later", line, "\"version\":1", "\"version\":2");
    put_changed("deep", line, "\"kind\"",
                "\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],\"kind\"");
    put_changed("huge", line, "\"bytes\":4", "\"bytes\":1e999");
    put_changed("path", line, "x.sums", "../x.sums");
    put_changed("escape", line, "cpu", "\\u001b[2J\\u0000");
    put_changed("surrogate", line, "cpu", "\\ud83d\\ude00\\ud800");
    put_changed("unsubject", line, "\"sha256\"", "\"md5\"");
}

int main(int argc, char **argv)
{
    need(argc == 2, "usage: make_corpus <corpus directory>");
    root = argv[1];
    const struct {
        const char *name;
        void (*write)(void);
    } sets[] = {{"container", containers}, {"keyfile", keyfiles}, {"manifest", manifests}};
    mkdir(root, 0755);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        set = sets[i].name;
        mkdir(seed_path(""), 0755);
        sets[i].write();
    }
    return 0;
}
