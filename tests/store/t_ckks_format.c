/*
 * FORMAT.md, chapters 9 to 14, read by somebody who knows only that text: offsets by hand, streams
 * from OpenSSL's ChaCha20, slots by the definition. Everything must be what the library holds.
 */
#include <complex.h>
#include <math.h>
#include <openssl/evp.h>

#include "tests/store/ckks_store_test.h"

enum { DEPTH = 2, ITEMS = 3 };

static test_dir dir;
static ref_ckks f;
static const char *path;

static void setup(void)
{
    hel_ckks_params p = ref_ckks_toy(10, DEPTH, 40, 2);
    test_dir_make(&dir);
    path = test_dir_path(&dir, "file.hel");
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
}

static void teardown(void)
{
    ref_ckks_end(&f);
    test_dir_remove(&dir);
}

TestSuite(ckks_format, .init = setup, .fini = teardown);

static uint64_t number(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static double real(const uint8_t *p)
{
    const uint64_t bits = number(p, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* ---- what is read off the file ---- */

typedef struct file {
    uint8_t *data;
    size_t size;
    const uint8_t *parm, *object; /* object: the second section */
    size_t parm_bytes, object_bytes;
    uint32_t n, depth, special, alpha, level[DEPTH + 1], prime[HEL_CKKS_PRIMES_MAX];
} file;

/* The sections by the table, the parameters by chapter 9. */
static file open_file(uint32_t kind)
{
    file x = {0};
    x.data = test_read_file(path, &x.size);
    cr_assert_eq(number(x.data + 12, 4), kind);
    cr_assert_eq(number(x.data + 20, 4), kind == 9 ? 1 : 2);
    const uint8_t *table = x.data + number(x.data + 32, 8);
    cr_assert(memcmp(table, "PARM", 4) == 0);
    x.parm = x.data + number(table + 8, 8);
    x.parm_bytes = number(table + 16, 8);
    if (kind != 9) {
        cr_assert(memcmp(table + 32, kind == 10 ? "SKEY" : "OBJC", 4) == 0);
        x.object = x.data + number(table + 40, 8);
        x.object_bytes = number(table + 48, 8);
        cr_assert_eq(number(x.object, 4), kind == 10 ? 0 : 1);
    }
    x.n = 1u << number(x.parm + 4, 4);
    x.depth = (uint32_t)number(x.parm + 8, 4);
    x.special = (uint32_t)number(x.parm + 16, 4);
    x.alpha = (uint32_t)number(x.parm + 20, 4);
    cr_assert_eq(x.depth, DEPTH);
    for (uint32_t l = 0; l <= DEPTH; l++)
        x.level[l] = (uint32_t)number(x.parm + 36 + 12 * l, 4);
    const uint32_t count = (uint32_t)number(x.parm + 32, 4);
    cr_assert_eq(count, x.level[DEPTH] + x.special);
    cr_assert_eq(x.parm_bytes, 36 + 12 * (DEPTH + 1) + 4 * count);
    for (uint32_t i = 0; i < count; i++)
        x.prime[i] = (uint32_t)number(x.parm + 48 + 12 * DEPTH + 4 * i, 4);
    return x;
}

/* Domains 6 to 8, one try after the other for the whole limb. */
static void uniform_limb(const uint8_t seed[32], uint64_t object, uint32_t domain,
                         uint32_t number_of, uint32_t q, uint32_t n, uint32_t *out)
{
    static const uint8_t zeros[4 * 1024];
    uint8_t stream[4 * 1024], iv[16] = {0};
    const uint64_t limit = ((uint64_t)1 << 32) / q * q;
    uint32_t open = n;
    cr_assert_leq(n, 1024);
    memset(out, 0xff, n * sizeof *out);
    for (uint32_t attempt = 0; open; attempt++) {
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        int length;
        hel_put_u64(iv + 4, object); /* behind the block counter, 0 */
        hel_put_u32(iv + 12, domain << 24 | number_of << 8 | attempt);
        cr_assert(EVP_EncryptInit_ex(c, EVP_chacha20(), NULL, seed, iv) == 1);
        cr_assert(EVP_EncryptUpdate(c, stream, &length, zeros, (int)(4 * n)) == 1);
        EVP_CIPHER_CTX_free(c);
        for (uint32_t j = 0; j < n; j++) {
            const uint32_t word = (uint32_t)number(stream + 4 * j, 4);
            if (out[j] == UINT32_MAX && word < limit) {
                out[j] = word % q;
                open--;
            }
        }
    }
}

static void same_words(const uint8_t *bytes, const uint32_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(number(bytes + 4 * i, 4), words[i], "word %zu", i);
}

static void same_uniform(const uint8_t seed[32], uint64_t object, uint32_t domain,
                         uint32_t number_of, const file *x, const uint32_t *words)
{
    uint32_t limb[1024];
    uniform_limb(seed, object, domain, number_of, x->prime[number_of], x->n, limb);
    cr_assert_arr_eq(limb, words, x->n * sizeof *words);
}

/* ---- the chapters ---- */

Test(ckks_format, parameters)
{
    const hel_ckks_params *p = hel_ckks_get_params(f.ckks);
    OK(&f, hel_ckks_params_save(f.engine, path, p));
    file x = open_file(9);
    const uint32_t head[] = {
        1, p->log_n, DEPTH, p->scale_bits, p->special_limbs, p->digit_limbs, p->security, 21};
    uint8_t digest[32];
    for (uint32_t i = 0; i < 8; i++)
        cr_assert_eq(number(x.parm + 4 * i, 4), head[i], "field %u", i);
    for (uint32_t l = 0; l <= DEPTH; l++) {
        cr_assert_eq(x.level[l], p->limbs[l]);
        cr_assert_eq(number(x.parm + 40 + 12 * l, 8), p->multiplier[l]);
    }
    cr_assert_arr_eq(x.prime, p->primes, sizeof p->primes);
    cr_assert_eq(EVP_Digest(x.parm, x.parm_bytes, digest, NULL, EVP_sha256(), NULL), 1);
    cr_assert_arr_eq(digest, x.data + 96, 32);
    free(x.data);
}

Test(ckks_format, secret_key)
{
    OK(&f, hel_ckks_secret_save(f.ckks, path, f.secret, NULL));
    file x = open_file(10);
    const uint8_t *key = x.object + 80;
    cr_assert_eq(x.object_bytes, 80 + 56 + x.n / 4);
    cr_assert_eq(number(x.object + 8, 8), 56 + x.n / 4);
    cr_assert_eq(number(key, 4), 1);
    cr_assert_eq(1u << number(key + 4, 4), x.n);
    cr_assert_arr_eq(key + 8, f.secret->key_id, 16);
    cr_assert_arr_eq(key + 8, x.data + 288, 16);
    cr_assert_arr_eq(key + 24, x.data + 96, 32);
    for (uint32_t j = 0; j < x.n; j++)
        cr_assert_eq((key[56 + j / 4] >> (2 * (j % 4)) & 3) - 1, f.secret->s[j]);
    free(x.data);
}

Test(ckks_format, public_key)
{
    OK(&f, hel_ckks_public_save(f.ckks, path, f.public_key));
    file x = open_file(11);
    const uint32_t limbs = x.level[DEPTH];
    cr_assert_eq(number(x.object + 4, 4), limbs);
    cr_assert_eq(x.object_bytes, 8 + 4 * (size_t)limbs * x.n);
    cr_assert_arr_eq(x.data + 288, f.secret->key_id, 16);
    same_words(x.object + 8, f.public_key->data, (size_t)limbs * x.n);
    for (uint32_t i = 0; i < limbs; i++)
        same_uniform(x.data + 128, 0, 7, i, &x, f.public_key->data + (limbs + i) * (size_t)x.n);
    free(x.data);
}

static void evaluation_keys(const hel_ckks_keys *keys, uint32_t level)
{
    OK(&f, hel_ckks_keys_save(f.ckks, path, keys));
    file x = open_file(12);
    const uint32_t own = x.level[level], limbs = own + x.special;
    const uint32_t digits = (own + x.alpha - 1) / x.alpha;
    const uint8_t *at = x.object + 12;
    cr_assert_eq(number(x.object + 4, 4), level);
    cr_assert_eq(number(x.object + 8, 4), keys->count);
    cr_assert_arr_eq(x.data + 288, f.secret->key_id, 16);
    for (uint32_t i = 0; i < keys->count; i++) {
        const uint32_t *data = keys->key[i].data;
        const uint64_t g = number(at, 4);
        cr_assert_eq(g, keys->key[i].element);
        at += 4;
        for (uint32_t j = 0; j < digits; j++, at += 4 * (size_t)limbs * x.n) {
            same_words(at, data, (size_t)limbs * x.n);
            data += (size_t)limbs * x.n;
            for (uint32_t t = 0; t < limbs; t++, data += x.n)
                same_uniform(x.data + 128, 128 * g + j, 8, t < own ? t : x.level[DEPTH] + t - own,
                             &x, data);
        }
    }
    cr_assert_eq(at, x.object + x.object_bytes);
    free(x.data);
}

Test(ckks_format, keys)
{
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    hel_ckks_keys *low;
    request.conjugate = 1;
    request.level = 1;
    OK(&f, hel_ckks_keys_create(f.ckks, &low, f.secret, &request));
    cr_assert_eq(low->key[0].element, 0);
    cr_assert_eq(low->key[1].element, 2 * 1024 - 1);
    evaluation_keys(f.keys, DEPTH);
    evaluation_keys(low, 1);
    hel_ckks_keys_free(low);
}

/* Slots by the definition, from coefficients; words by the definition of the NTT form. */
Test(ckks_format, plaintext)
{
    enum { SLOTS = 8 };
    double re[ITEMS * SLOTS], im[ITEMS * SLOTS];
    ref_random r = ref_random_start(40);
    hel_ckks_plain *p = new_plain(&f);
    ref_ckks_fill(&r, re, im, ITEMS * SLOTS);
    OK(&f, hel_ckks_encode(f.ckks, p, re, im, SLOTS, ITEMS, 1, 0));
    OK(&f, hel_ckks_plain_save(f.ckks, path, p));
    file x = open_file(13);
    const uint32_t limbs = x.level[1];
    const double scale = real(x.object + 16) + real(x.object + 24);
    const uint32_t psi = ref_psi(x.prime[0], 10);
    long double *m = malloc(x.n * sizeof *m);
    uint32_t *words = ref_words((size_t)limbs * x.n);
    cr_assert(number(x.object + 4, 4) == 1 && 1u << number(x.object + 8, 4) == SLOTS &&
              number(x.object + 12, 4) == ITEMS);
    cr_assert_float_eq(scale, hel_ckks_plain_scale(p), 0.01);
    cr_assert(real(x.object + 32) == p->error && real(x.object + 40) == p->bits &&
              real(x.object + 48) == p->bound);
    cr_assert_eq(x.object_bytes, 56 + 4 * (size_t)ITEMS * limbs * x.n);
    for (uint32_t b = 0; b < ITEMS; b++) {
        const uint8_t *at = x.object + 56 + 4 * (size_t)b * limbs * x.n;
        for (size_t i = 0; i < (size_t)limbs * x.n; i++)
            words[i] = (uint32_t)number(at + 4 * i, 4);
        ref_ckks_centre(&f, limbs, words, m);
        for (uint32_t j = 0; j < x.n; j++)
            cr_assert(j % (x.n / 2 / SLOTS) == 0 || m[j] == 0);
        uint64_t power = 1;
        for (uint32_t j = 0; j < SLOTS; j++, power = power * 5 % (2 * x.n)) {
            long double complex sum = 0;
            for (uint32_t k = 0; k < x.n; k++)
                sum += m[k] * cexpl(I * M_PIl * (long double)(power * k % (2 * x.n)) / x.n);
            cr_assert_float_eq(creall(sum) / scale, re[b * SLOTS + j], 1e-9);
            cr_assert_float_eq(cimagl(sum) / scale, im[b * SLOTS + j], 1e-9);
        }
        uint32_t *low = ref_words(x.n);
        for (uint32_t k = 0; k < x.n; k++)
            low[k] = ref_mod((__int128)m[k], x.prime[0]);
        for (uint32_t j = 0; j < x.n; j += 37)
            cr_assert_eq(ref_evaluate(low, x.n, x.prime[0], psi, j), words[j]);
        free(low);
    }
    free(words);
    free(m);
    free(x.data);
    hel_ckks_plain_free(p);
}

Test(ckks_format, ciphertexts)
{
    ref_random r = ref_random_start(41);
    for (uint32_t seeded = 0; seeded < 2; seeded++) {
        hel_ckks_cipher *c = random_cipher(&f, &r, 16, ITEMS, 1, seeded ? SYMMETRIC : PUBLIC);
        if (!seeded)
            OK(&f, hel_ckks_mul_lazy(f.ckks, c, c, c));
        OK(&f, hel_ckks_cipher_save(f.ckks, path, c));
        file x = open_file(14);
        const uint32_t limbs = x.level[1], polys = seeded ? 2 : 3;
        const uint8_t *at = x.object + (seeded ? 104 : 72), *seed = x.object + 72;
        const uint32_t head[] = {1, 1, 4, ITEMS, polys, seeded};
        static const uint8_t zeros[32];
        for (uint32_t i = 0; i < 6; i++)
            cr_assert_eq(number(x.object + 4 * i, 4), head[i], "field %u", i);
        cr_assert_arr_eq(x.object + 24, f.secret->key_id, 16);
        cr_assert_arr_eq(x.object + 24, x.data + 288, 16);
        cr_assert_arr_eq(seeded ? seed : zeros, x.data + 128, 32);
        cr_assert(real(x.object + 40) == c->scale.hi && real(x.object + 48) == c->scale.lo &&
                  real(x.object + 56) == c->error && real(x.object + 64) == c->bound);
        for (uint32_t b = 0; b < ITEMS; b++)
            for (uint32_t p = 0; p < polys; p++) {
                const uint32_t *data = c->data + (size_t)(b * polys + p) * c->capacity * x.n;
                if (seeded && p == 1) {
                    for (uint32_t i = 0; i < limbs; i++)
                        same_uniform(seed, b, 6, i, &x, data + (size_t)i * x.n);
                } else {
                    same_words(at, data, (size_t)limbs * x.n);
                    at += 4 * (size_t)limbs * x.n;
                }
            }
        cr_assert_eq(at, x.object + x.object_bytes);
        free(x.data);
        hel_ckks_cipher_free(c);
    }
}
