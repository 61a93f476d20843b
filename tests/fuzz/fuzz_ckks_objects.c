/*
 * Any bytes as a CKKS object: refused, or decoded, encoded again to the same bytes, and used. The
 * first byte chooses the kind, the next two say how many zero words follow the other bytes:
 * residues are mostly zeros, so that seeds are small and heads are what is mutated.
 */
#include "host/base/mem.h"
#include "tests/fuzz/fuzz_ckks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(hel_status status, hel_buf *again, const uint8_t *data, size_t size)
{
    need(status == HEL_OK && again->bytes == size && memcmp(again->data, data, size) == 0);
    hel_buf_free(again);
}

/* Operations may refuse what a hostile file says; they may not fail otherwise. */
static int may(hel_status status)
{
    need(status == HEL_OK || status == HEL_E_USAGE || status == HEL_E_MISMATCH);
    return status == HEL_OK;
}

static void read_out(const fuzz_ckks *f, const hel_ckks_plain *p)
{
    const size_t count = (size_t)hel_ckks_plain_slots(p) * hel_ckks_plain_batch(p);
    double *re = malloc((count + 1) * sizeof *re), *im = malloc((count + 1) * sizeof *im);
    need(re && im);
    may(hel_ckks_decode(f->ckks, p, re, im));
    free(re);
    free(im);
}

static void compute(const fuzz_ckks *f, const hel_ckks_cipher *x)
{
    static const double c[] = {0.5, 1, 2};
    hel_ckks_flooding flooding = HEL_CKKS_FLOODING_INIT;
    hel_ckks *k = f->ckks;
    hel_ckks_plain *p;
    hel_ckks_cipher *y;
    need(hel_ckks_plain_create(k, &p) == HEL_OK);
    need(hel_ckks_cipher_create(k, &y) == HEL_OK);
    if (may(hel_ckks_decrypt(k, p, x, f->secret)))
        read_out(f, p);
    if (may(hel_ckks_decrypt_flooded(k, p, x, f->secret, &flooding)))
        read_out(f, p);
    may(hel_ckks_add(k, y, x, x));
    may(hel_ckks_add_const(k, y, x, 0.5, 1));
    may(hel_ckks_mul_const(k, y, x, 0.5, 0));
    may(hel_ckks_mul_const(k, y, x, 3, 0));
    may(hel_ckks_rescale(k, y, x));
    may(hel_ckks_align(k, y, x, 0));
    may(hel_ckks_rotate(k, y, x, 1));
    may(hel_ckks_poly(k, y, x, HEL_CKKS_POWER, c, 2, 0, 0));
    if (may(hel_ckks_mul(k, y, x, x)))
        may(hel_ckks_rescale(k, y, y));
    (void)hel_ckks_cipher_error(y);
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(y);
}

static void secret(const fuzz_ckks *f, const uint8_t *data, size_t size)
{
    hel_ckks_secret *s;
    hel_buf again = {0};
    if (hel_ckks_secret_decode(f->ckks, data, size, &s) != HEL_OK) {
        need(s == NULL);
        return;
    }
    same(hel_ckks_secret_encode(f->engine, s, &again), &again, data, size);
    hel_ckks_secret_free(s);
}

static void public_key(const fuzz_ckks *f, const uint8_t *data, size_t size)
{
    static const uint8_t seed[HEL_SEED_BYTES], id[16];
    hel_ckks_public *key;
    hel_buf again = {0};
    if (hel_ckks_public_decode(f->ckks, data, size, seed, id, &key) != HEL_OK) {
        need(key == NULL);
        return;
    }
    same(hel_ckks_public_encode(f->ckks, key, &again), &again, data, size);
    const fuzz_ckks g = {f->engine, f->ckks, f->secret, key, f->keys};
    hel_ckks_cipher_free(fuzz_ckks_cipher(&g, 1, 0));
    hel_ckks_public_free(key);
}

static void evaluation_keys(const fuzz_ckks *f, const uint8_t *data, size_t size)
{
    static const uint8_t seed[HEL_SEED_BYTES], id[16];
    hel_ckks_keys *keys;
    hel_ckks_cipher *x, *y;
    hel_buf again = {0};
    if (hel_ckks_keys_decode(f->ckks, data, size, seed, id, &keys) != HEL_OK) {
        need(keys == NULL);
        return;
    }
    same(hel_ckks_keys_encode(f->ckks, keys, &again), &again, data, size);
    x = fuzz_ckks_cipher(f, 1, 0);
    need(hel_ckks_cipher_create(f->ckks, &y) == HEL_OK);
    need(hel_ckks_use_keys(f->ckks, keys) == HEL_OK);
    may(hel_ckks_mul(f->ckks, y, x, x));
    may(hel_ckks_rotate(f->ckks, y, x, 1));
    may(hel_ckks_conjugate(f->ckks, y, x));
    need(hel_ckks_use_keys(f->ckks, f->keys) == HEL_OK);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    hel_ckks_keys_free(keys);
}

static void plaintext(const fuzz_ckks *f, const uint8_t *data, size_t size)
{
    hel_ckks_plain *p = fuzz_ckks_plain(f, 1);
    hel_buf again = {0};
    if (hel_ckks_plain_decode(f->ckks, data, size, p) == HEL_OK) {
        hel_ckks_cipher *x = fuzz_ckks_cipher(f, 1, 0);
        same(hel_ckks_plain_encode(f->ckks, p, &again), &again, data, size);
        read_out(f, p);
        may(hel_ckks_add_plain(f->ckks, x, x, p));
        if (hel_ckks_cipher_size(x))
            may(hel_ckks_mul_plain(f->ckks, x, x, p));
        may(hel_ckks_encrypt(f->ckks, x, p, f->key));
        hel_ckks_cipher_free(x);
    } else {
        need(hel_ckks_plain_slots(p) == 0);
    }
    hel_ckks_plain_free(p);
}

static void ciphertext(const fuzz_ckks *f, const uint8_t *data, size_t size)
{
    hel_ckks_cipher *x = fuzz_ckks_cipher(f, 1, 1);
    hel_buf again = {0};
    if (hel_ckks_cipher_decode(f->ckks, data, size, x) == HEL_OK) {
        same(hel_ckks_cipher_encode(f->ckks, x, &again), &again, data, size);
        compute(f, x);
    } else {
        need(hel_ckks_cipher_slots(x) == 0);
    }
    hel_ckks_cipher_free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(const fuzz_ckks *, const uint8_t *, size_t) = {
        secret, public_key, evaluation_keys, plaintext, ciphertext};
    const fuzz_ckks *f = fuzz_ckks_context();
    if (size < 3)
        return 0;
    const unsigned users = atomic_load(&f->ckks->context->users);
    const size_t zeros = 4 * ((size_t)data[1] | (size_t)data[2] << 8), bytes = size - 3 + zeros;
    uint8_t *object = malloc(bytes ? bytes : 1); /* of this size exactly: a sanitizer sees more */
    need(object != NULL);
    memcpy(object, data + 3, size - 3);
    memset(object + size - 3, 0, zeros);
    kinds[data[0] % 5](f, object, bytes);
    free(object);
    need(atomic_load(&f->ckks->context->users) == users);
    return 0;
}
