/*
 * Writes the seeds of fuzz_ckks_params, fuzz_ckks_objects and fuzz_ckks_files: objects of every
 * kind and typical damage. Usage: make_ckks_corpus <corpus directory>
 */
#include <stdio.h>
#include <sys/stat.h>

#include "host/store/container.h"
#include "tests/fuzz/fuzz_ckks.h"

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
    need(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

/* A seed of `size` bytes, and copies of it with one number changed. */
typedef struct damage {
    const char *name;
    uint32_t at, value;
} damage;

static void put_damaged(const damage *rows, size_t count, const uint8_t *data, size_t size)
{
    uint8_t *bad = malloc(size);
    need(bad != NULL);
    for (size_t i = 0; i < count; i++) {
        memcpy(bad, data, size);
        hel_put_u32(bad + rows[i].at, rows[i].value);
        put(rows[i].name, bad, size);
    }
    free(bad);
}

static void params(const fuzz_ckks *f)
{
    static const damage rows[] = {{"bad_version", 0, 2},         {"bad_log_n", 4, 31},
                                  {"bad_depth", 8, UINT32_MAX},  {"bad_special", 16, UINT32_MAX},
                                  {"bad_digit", 20, 0},          {"bad_security", 24, 128},
                                  {"bad_count", 32, UINT32_MAX}, {"bad_level", 48, UINT32_MAX},
                                  {"bad_multiplier", 52, 0},     {"bad_prime", 60, 1}};
    static const char *const names[] = {"n12", "n14"};
    hel_buf out = {0};
    need(hel_ckks_params_encode(NULL, hel_ckks_get_params(f->ckks), &out) == HEL_OK);
    put("valid", out.data, out.bytes);
    put_damaged(rows, sizeof rows / sizeof rows[0], out.data, out.bytes);
    put("cut", out.data, out.bytes - 4);
    hel_buf_free(&out);
    for (int i = 0; i < 2; i++) {
        hel_ckks_params p;
        need(hel_ckks_params_named(NULL, names[i], &p) == HEL_OK);
        need(hel_ckks_params_encode(NULL, &p, &out) == HEL_OK);
        put(names[i], out.data, out.bytes);
        hel_buf_free(&out);
    }
}

/* The object's first `keep` bytes, and zero words for the rest. */
static void put_object(const char *name, uint8_t kind, const hel_buf *object, size_t keep,
                       const damage *rows, size_t count)
{
    const size_t zeros = (object->bytes - keep) / 4;
    uint8_t *data = malloc(keep + 3);
    need(data && zeros < 65536);
    data[0] = kind;
    data[1] = (uint8_t)zeros;
    data[2] = (uint8_t)(zeros >> 8);
    memcpy(data + 3, object->data, keep);
    put(name, data, keep + 3);
    put_damaged(rows, count, data, keep + 3);
    free(data);
}

static void object_keys(const fuzz_ckks *f)
{
    static const damage secret[] = {{"secret_bad_ring", 7, 11}, {"secret_bad_digit", 59, 255}};
    static const damage public_key[] = {{"public_bad_limbs", 7, 2}};
    static const damage keys[] = {
        {"keys_bad_level", 7, 0}, {"keys_bad_count", 11, UINT32_MAX}, {"keys_bad_element", 15, 2}};
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    hel_buf out = {0};
    need(hel_ckks_secret_encode(NULL, f->secret, &out) == HEL_OK);
    put_object("secret", 0, &out, out.bytes, secret, 2);
    hel_buf_free(&out);
    need(hel_ckks_public_encode(f->ckks, f->key, &out) == HEL_OK);
    put_object("public", 1, &out, 8 + 64, public_key, 1);
    hel_buf_free(&out);
    for (int i = 0; i < 3; i++) { /* none, relinearization, conjugation */
        static const char *const names[] = {"keys_none", "keys_relin", "keys_conjugation"};
        hel_ckks_keys *k;
        request.relinearize = i == 1;
        request.conjugate = i == 2;
        need(hel_ckks_keys_create(f->ckks, &k, f->secret, &request) == HEL_OK);
        need(hel_ckks_keys_encode(f->ckks, k, &out) == HEL_OK);
        put_object(names[i], 2, &out, i ? 16 : 12, keys, i == 2 ? 3 : 0);
        hel_buf_free(&out);
        hel_ckks_keys_free(k);
    }
}

static void object_messages(const fuzz_ckks *f)
{
    static const damage plain[] = {{"plain_bad_level", 7, 0},
                                   {"plain_bad_slots", 11, 10},
                                   {"plain_bad_batch", 15, UINT32_MAX},
                                   {"plain_bad_scale", 23, 0x7ff00000},
                                   {"plain_huge_scale", 23, 0x7fe00000},
                                   {"plain_tiny_scale", 23, 1}};
    static const damage cipher[] = {{"cipher_bad_batch", 15, UINT32_MAX},
                                    {"cipher_bad_polys", 19, 4},
                                    {"cipher_bad_seeded", 23, 2},
                                    {"cipher_huge_scale", 47, 0x7fe00000},
                                    {"cipher_tiny_scale", 47, 1},
                                    {"cipher_endless_error", 63, 0x7ff00000},
                                    {"cipher_endless_bound", 71, 0x7ff00000}};
    hel_ckks_plain *p = fuzz_ckks_plain(f, 2);
    hel_ckks_cipher *x = fuzz_ckks_cipher(f, 1, 0), *y = fuzz_ckks_cipher(f, 2, 1);
    hel_buf out = {0};
    need(hel_ckks_plain_encode(f->ckks, p, &out) == HEL_OK);
    put_object("plain", 3, &out, 56, plain, 6);
    hel_buf_free(&out);
    need(hel_ckks_cipher_encode(f->ckks, x, &out) == HEL_OK);
    put_object("cipher", 4, &out, 72, cipher, 7);
    hel_buf_free(&out);
    need(hel_ckks_mul_lazy(f->ckks, x, x, x) == HEL_OK);
    need(hel_ckks_cipher_encode(f->ckks, x, &out) == HEL_OK);
    put_object("cipher_product", 4, &out, 72, NULL, 0);
    hel_buf_free(&out);
    need(hel_ckks_drop(f->ckks, y, y, 0) == HEL_OK);
    need(hel_ckks_cipher_encode(f->ckks, y, &out) == HEL_OK);
    put_object("cipher_low", 4, &out, 72, NULL, 0);
    hel_buf_free(&out);
    hel_ckks_cipher_free(y);
    y = fuzz_ckks_cipher(f, 2, 1);
    need(hel_ckks_cipher_encode(f->ckks, y, &out) == HEL_OK);
    put_object("cipher_seeded", 4, &out, 72 + 32, NULL, 0);
    hel_buf_free(&out);
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
}

static void objects(const fuzz_ckks *f)
{
    object_keys(f);
    object_messages(f);
}

/* Small ones: no keys, no messages. */
static void files(const fuzz_ckks *f)
{
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    hel_ckks_plain *p = fuzz_ckks_plain(f, 0);
    hel_ckks_cipher *x = fuzz_ckks_cipher(f, 0, 0), *y = fuzz_ckks_cipher(f, 0, 1);
    hel_ckks_cipher *one = fuzz_ckks_cipher(f, 1, 1);
    hel_ckks_keys *k;
    hel_ckks *c = f->ckks;
    request.relinearize = 0;
    need(hel_ckks_keys_create(c, &k, f->secret, &request) == HEL_OK);
    need(hel_ckks_params_save(f->engine, seed_path("params"), hel_ckks_get_params(c)) == HEL_OK);
    need(hel_ckks_secret_save(c, seed_path("secret"), f->secret, NULL) == HEL_OK);
    need(hel_ckks_public_save(c, seed_path("public"), f->key) == HEL_OK);
    need(hel_ckks_keys_save(c, seed_path("keys"), k) == HEL_OK);
    need(hel_ckks_plain_save(c, seed_path("plain"), p) == HEL_OK);
    need(hel_ckks_cipher_save(c, seed_path("cipher"), x) == HEL_OK);
    need(hel_ckks_cipher_save(c, seed_path("seeded"), y) == HEL_OK);
    need(hel_ckks_cipher_save(c, seed_path("one"), one) == HEL_OK);
    hel_ckks_keys_free(k);
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(one);
}

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        void (*write)(const fuzz_ckks *f);
    } sets[] = {{"ckks_params", params}, {"ckks_objects", objects}, {"ckks_files", files}};
    need(argc == 2);
    root = argv[1];
    mkdir(root, 0755);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        set = sets[i].name;
        mkdir(seed_path(""), 0755);
        sets[i].write(fuzz_ckks_context());
    }
    return 0;
}
