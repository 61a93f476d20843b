/*
 * Objects as bytes: what is written is read back, and nothing that is damaged is: every field,
 * every length, residues at their primes.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ckks.h"

static void ok(const ref_ckks *f, hel_status status, const char *what)
{
    cr_assert_eq(status, HEL_OK, "%s: %s", what, hel_engine_error(f->engine));
}

#define REFUSES(f, code, text, call)                                                               \
    do {                                                                                           \
        hel_error_clear((f)->engine);                                                              \
        cr_assert_eq((call), (code), "%s", hel_engine_error((f)->engine));                         \
        cr_assert(strstr(hel_engine_error((f)->engine), (text)), "'%s' lacks '%s'",                \
                  hel_engine_error((f)->engine), (text));                                          \
    } while (0)

/* ---- keys ---- */

Test(ckks_bytes, secret_bytes)
{
    hel_ckks_params p = ref_ckks_toy(10, 1, 40, 0), q = ref_ckks_toy(10, 2, 40, 0);
    ref_ckks f, g;
    hel_ckks_secret *back;
    hel_buf b = {0};
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    ref_ckks_setup(&g, &q, HEL_SIMD_AUTO, 1);
    ok(&f, hel_ckks_secret_encode(f.engine, f.secret, &b), "bytes");
    cr_assert_eq(b.bytes, 56 + 256);
    ok(&f, hel_ckks_secret_decode(f.ckks, b.data, b.bytes, &back), "bytes");
    cr_assert_eq(memcmp(back->s, f.secret->s, 1024), 0);
    cr_assert_eq(memcmp(back->key_id, f.secret->key_id, 16), 0);
    cr_assert_eq(memcmp(back->params, f.secret->params, 32), 0);
    cr_assert_eq(memcmp(back->s_ntt, f.secret->s_ntt, (size_t)back->total * 4096), 0);
    hel_ckks_secret_free(back);
    for (size_t cut = 0; cut < b.bytes; cut++)
        cr_assert_eq(hel_ckks_secret_decode(f.ckks, b.data, cut, &back), HEL_E_FORMAT);
    REFUSES(&g, HEL_E_MISMATCH, "other parameters",
            hel_ckks_secret_decode(g.ckks, b.data, b.bytes, &back));
    uint8_t save = b.data[56];
    b.data[56] |= 3;
    REFUSES(&f, HEL_E_FORMAT, "ternary", hel_ckks_secret_decode(f.ckks, b.data, b.bytes, &back));
    b.data[56] = save;
    save = b.data[b.bytes - 1];
    b.data[b.bytes - 1] |= 0xc0;
    REFUSES(&f, HEL_E_FORMAT, "ternary", hel_ckks_secret_decode(f.ckks, b.data, b.bytes, &back));
    cr_assert_null(back);
    b.data[b.bytes - 1] = save;
    b.data[4] = 11;
    REFUSES(&f, HEL_E_MISMATCH, "other parameters",
            hel_ckks_secret_decode(f.ckks, b.data, b.bytes, &back));
    b.data[4] = 10;
    b.data[0] = 2;
    REFUSES(&f, HEL_E_FORMAT, "version", hel_ckks_secret_decode(f.ckks, b.data, b.bytes, &back));
    hel_buf_free_secret(&b);
    ref_ckks_end(&g);
    ref_ckks_end(&f);
}

typedef struct word_damage {
    size_t at;
    uint32_t value;
    const char *text;
} word_damage;

Test(ckks_bytes, public_bytes)
{
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 0);
    ref_ckks f;
    hel_ckks_public *back;
    hel_buf b = {0};
    ref_random r = ref_random_start(1);
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    const size_t words = (size_t)p.limbs[2] * 1024;
    ok(&f, hel_ckks_public_encode(f.ckks, f.public_key, &b), "bytes");
    cr_assert_eq(b.bytes, 8 + 4 * words);
    const uint8_t *seed = f.public_key->seed, *id = f.public_key->key_id;
    ok(&f, hel_ckks_public_decode(f.ckks, b.data, b.bytes, seed, id, &back), "bytes");
    cr_assert_eq(memcmp(back->data, f.public_key->data, 8 * words), 0);
    cr_assert_eq(memcmp(back->key_id, id, 16), 0);
    cr_assert_eq(memcmp(back->seed, seed, 32), 0);
    hel_ckks_public_free(back);
    for (size_t cut = 0; cut < b.bytes; cut += cut < 16 ? 1 : 501)
        cr_assert_eq(hel_ckks_public_decode(f.ckks, b.data, cut, seed, id, &back), HEL_E_FORMAT);
    for (int i = 0; i < 30; i++) {
        const size_t at = i < 2 ? (size_t)i * (words - 1) : ref_random_u64(&r) % words;
        const word_damage d =
            i == 28   ? (word_damage){0, 9, "version"}
            : i == 29 ? (word_damage){4, p.limbs[2] + 1, "limbs"}
                      : (word_damage){8 + 4 * at, p.primes[at / 1024], "below its prime"};
        const uint32_t save = hel_get_u32(b.data + d.at);
        hel_put_u32(b.data + d.at, d.value);
        REFUSES(&f, HEL_E_FORMAT, d.text,
                hel_ckks_public_decode(f.ckks, b.data, b.bytes, seed, id, &back));
        cr_assert_null(back);
        hel_put_u32(b.data + d.at, save);
    }
    hel_buf_free(&b);
    ref_ckks_end(&f);
}

static int same_keys(const hel_ckks_keys *a, const hel_ckks_keys *b)
{
    const hel_ckks_context *t = a->context;
    const size_t words = 2 * (size_t)a->digits * (a->limbs + t->params.special_limbs) * t->n;
    int same = a->count == b->count && a->level == b->level && a->limbs == b->limbs &&
               a->digits == b->digits && !memcmp(a->key_id, b->key_id, 16) &&
               !memcmp(a->seed, b->seed, 32);
    for (uint32_t i = 0; same && i < a->count; i++)
        same = a->key[i].element == b->key[i].element &&
               !memcmp(a->key[i].data, b->key[i].data, words * 4);
    return same;
}

Test(ckks_bytes, keys_bytes)
{
    hel_ckks_params p = ref_ckks_toy(10, 3, 40, 3);
    ref_ckks f;
    hel_ckks_keys *k, *back;
    ref_random r = ref_random_start(2);
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 2);
    for (uint32_t level = 0; level <= 3; level++) {
        static const int32_t steps[] = {1, 2, -3};
        hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
        hel_buf b = {0};
        request.level = level;
        request.rotations = steps;
        request.rotation_count = level == 2 ? 0 : 3;
        request.relinearize = level != 2; /* no keys at all are a set too */
        ok(&f, hel_ckks_keys_create(f.ckks, &k, f.secret, &request), "keys");
        ok(&f, hel_ckks_keys_encode(f.ckks, k, &b), "bytes");
        const size_t rows = k->limbs + p.special_limbs, key_bytes = 4 + k->digits * rows * 4096;
        cr_assert_eq(b.bytes, 12 + k->count * key_bytes);
#define DECODE(bytes) hel_ckks_keys_decode(f.ckks, b.data, (bytes), k->seed, k->key_id, &back)
        ok(&f, DECODE(b.bytes), "bytes");
        cr_assert(same_keys(k, back));
        hel_ckks_keys_free(back);
        for (size_t cut = 0; cut < b.bytes; cut += cut < 20 ? 1 : 4999)
            cr_assert_eq(DECODE(cut), HEL_E_FORMAT);
        const word_damage head[] = {
            {0, 2, "version"},
            {4, 4, "level 4"},
            {8, k->count + 1, "bytes"},
            {8, UINT32_MAX, "elements"},
        };
        for (size_t i = 0; i < 4; i++) {
            const uint32_t save = hel_get_u32(b.data + head[i].at);
            hel_put_u32(b.data + head[i].at, head[i].value);
            REFUSES(&f, HEL_E_FORMAT, head[i].text, DECODE(b.bytes));
            hel_put_u32(b.data + head[i].at, save);
        }
        for (uint32_t i = 0; k->count && i < 40; i++) {
            const uint32_t key = i % k->count;
            static const uint32_t elements[] = {2, 1, 2049, 2048, UINT32_MAX};
            const size_t at = ref_random_u64(&r) % (key_bytes / 4 - 1);
            const size_t row = at / 1024 % rows;
            const uint32_t q = p.primes[row < k->limbs ? row : p.limbs[3] + row - k->limbs];
            const word_damage d =
                i < 5
                    ? (word_damage){12 + key * key_bytes, elements[i], "element"}
                    : (word_damage){16 + key * key_bytes + 4 * at, i % 2 ? q : UINT32_MAX, "below"};
            const uint32_t save = hel_get_u32(b.data + d.at);
            hel_put_u32(b.data + d.at, d.value);
            REFUSES(&f, HEL_E_FORMAT, d.text, DECODE(b.bytes));
            cr_assert_null(back);
            hel_put_u32(b.data + d.at, save);
        }
        if (k->count > 1) { /* the same element twice */
            hel_put_u32(b.data + 12 + key_bytes, k->key[0].element);
            REFUSES(&f, HEL_E_FORMAT, "order", DECODE(b.bytes));
        }
        hel_buf_free(&b);
        hel_ckks_keys_free(k);
    }
    ref_ckks_end(&f);
}

/* ---- plaintexts and ciphertexts ---- */

static hel_status decode_cipher(ref_ckks *f, hel_ckks_cipher *x, const hel_buf *b, size_t bytes)
{
    uint8_t *exact = malloc(bytes + !bytes); /* reads beyond it are seen by sanitizers */
    memcpy(exact, b->data, bytes);
    hel_error_clear(f->engine);
    hel_status status = hel_ckks_cipher_decode(f->ckks, exact, bytes, x);
    free(exact);
    return status;
}

static int same_cipher(const hel_ckks_cipher *a, const hel_ckks_cipher *b)
{
    const size_t words =
        (size_t)a->batch * a->polys * a->context->params.limbs[a->level] * a->context->n;
    return a->batch == b->batch && a->polys == b->polys && a->level == b->level &&
           a->log_slots == b->log_slots && a->seeded == b->seeded && a->mixed == b->mixed &&
           a->scale.hi == b->scale.hi && a->scale.lo == b->scale.lo && a->error == b->error &&
           a->bound == b->bound && !memcmp(a->key_id, b->key_id, 16) &&
           (words == 0 || !memcmp(a->data, b->data, words * 4));
}

typedef struct damage {
    size_t at, bytes;
    uint64_t value;
    const char *text;
} damage;

static void check_damage(ref_ckks *f, hel_ckks_cipher *y, hel_buf *b, const damage *d)
{
    uint8_t save[8];
    memcpy(save, b->data + d->at, d->bytes);
    if (d->bytes == 4)
        hel_put_u32(b->data + d->at, (uint32_t)d->value);
    else
        hel_put_u64(b->data + d->at, d->value);
    cr_assert_eq(decode_cipher(f, y, b, b->bytes), HEL_E_FORMAT, "byte %zu", d->at);
    cr_assert(strstr(hel_engine_error(f->engine), d->text), "byte %zu: %s", d->at,
              hel_engine_error(f->engine));
    cr_assert_eq(hel_ckks_cipher_batch(y), 0);
    memcpy(b->data + d->at, save, d->bytes);
}

Test(ckks_bytes, cipher_bytes)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 2, 40, 0);
    ref_random r = ref_random_start(7);
    hel_ckks_plain *plain;
    hel_ckks_cipher *x, *y;
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 2);
    double re[512 * 3], im[512 * 3];
    ref_ckks_fill(&r, re, im, 512 * 3);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    ok(&f, hel_ckks_cipher_create(f.ckks, &y), "cipher");
    const uint64_t nan = 0x7ff8000000000000u, minus_one = 0xbff0000000000000u;
    for (int symmetric = 0; symmetric <= 1; symmetric++)
        for (uint32_t batch = 0; batch <= 3; batch += 3) {
            ok(&f, hel_ckks_encode(f.ckks, plain, re, im, 512, batch, 1, 0), "encode");
            if (symmetric)
                ok(&f, hel_ckks_encrypt_symmetric(f.ckks, x, plain, f.secret), "encrypt");
            else
                ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
            hel_ckks_cipher_set_bound(x, 3.5);
            hel_buf b = {0};
            ok(&f, hel_ckks_cipher_encode(f.ckks, x, &b), "encode");
            const size_t words = (size_t)batch * params.limbs[1] * 1024;
            cr_assert_eq(b.bytes, 72 + (symmetric ? 32 + 4 * words : 8 * words));
            ok(&f, decode_cipher(&f, y, &b, b.bytes), "decode");
            cr_assert(same_cipher(x, y));
            const damage list[] = {
                {0, 4, 2, "version"},
                {4, 4, 3, "level 3"},
                {8, 4, 10, "2^10 slots"},
                {8, 4, UINT32_MAX, "slots"},
                {12, 4, batch + 1, "bytes"},
                {12, 4, UINT32_MAX, "bytes"},
                {16, 4, 1, "polynomials"},
                {16, 4, 4, "polynomials"},
                {20, 4, 4, "form"},
                {40, 8, 0, "scale"},
                {40, 8, 0x0010000000000000u, "scale"}, /* 2^-1022 and 2^1000 */
                {40, 8, 0x7e70000000000000u, "scale"},
                {40, 8, nan, "scale"},
                {40, 8, minus_one, "scale"},
                {48, 8, 0x4000000000000000u + ((uint64_t)50 << 52), "scale"},
                {56, 8, nan, "error"},
                {56, 8, minus_one, "error"},
                {64, 8, minus_one, "bound"},
            };
            for (size_t i = 0; i < sizeof list / sizeof *list; i++)
                check_damage(&f, y, &b, &list[i]);
            const damage third = {16, 4, 3, symmetric ? "polynomials" : "bytes"};
            if (symmetric || batch)
                check_damage(&f, y, &b, &third);
            for (size_t cut = 0; cut < b.bytes; cut += cut < 80 ? 1 : 997)
                cr_assert_eq(decode_cipher(&f, y, &b, cut), HEL_E_FORMAT, "cut at %zu", cut);
            for (size_t i = 0; batch && i < 40; i++) { /* residues at the ends and in between */
                const size_t count = (b.bytes - 72 - (symmetric ? 32 : 0)) / 4;
                const size_t at = i == 0 ? 0 : i == 1 ? count - 1 : ref_random_u64(&r) % count;
                const uint32_t limb = (uint32_t)(at / 1024 % params.limbs[1]);
                const size_t byte = b.bytes - 4 * (count - at);
                const damage d = {byte, 4, i % 2 ? UINT32_MAX : params.primes[limb], "below its"};
                check_damage(&f, y, &b, &d);
            }
            hel_buf_free(&b);
        }
    hel_buf b = {0};
    hel_error_clear(f.engine);
    ok(&f, hel_ckks_cipher_encode(f.ckks, x, &b), "encode");
    x->valid = 0;
    cr_assert_eq(hel_ckks_cipher_encode(f.ckks, x, &b), HEL_E_USAGE);
    hel_buf_free(&b);
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    ref_ckks_end(&f);
}

Test(ckks_bytes, plain_bytes)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(11, 2, 40, 0);
    ref_random r = ref_random_start(8);
    hel_ckks_plain *p, *q;
    hel_buf b = {0};
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    double re[64 * 3], im[64 * 3];
    ref_ckks_fill(&r, re, im, 64 * 3);
    ok(&f, hel_ckks_plain_create(f.ckks, &p), "plain");
    ok(&f, hel_ckks_plain_create(f.ckks, &q), "plain");
    ok(&f, hel_ckks_encode(f.ckks, p, re, im, 64, 3, HEL_CKKS_TOP, 12345.5), "encode");
    ok(&f, hel_ckks_plain_encode(f.ckks, p, &b), "bytes");
    const size_t words = 3 * (size_t)params.limbs[2] * 2048;
    cr_assert_eq(b.bytes, 56 + 4 * words);
    ok(&f, hel_ckks_plain_decode(f.ckks, b.data, b.bytes, q), "bytes");
    cr_assert_eq(memcmp(p->data, q->data, 4 * words), 0);
    cr_assert(p->scale.hi == q->scale.hi && p->level == q->level && p->bits == q->bits &&
              p->batch == q->batch && p->log_slots == q->log_slots && p->error == q->error);
    for (size_t cut = 0; cut < b.bytes; cut += cut < 50 ? 1 : 1009) {
        cr_assert_eq(hel_ckks_plain_decode(f.ckks, b.data, cut, q), HEL_E_FORMAT);
        cr_assert_eq(hel_ckks_plain_slots(q), 0);
    }
    static const size_t word[] = {0, 4, 8, 12};
    for (size_t i = 0; i < 4; i++) {
        const uint32_t save = hel_get_u32(b.data + word[i]);
        hel_put_u32(b.data + word[i], 77);
        cr_assert_eq(hel_ckks_plain_decode(f.ckks, b.data, b.bytes, q), HEL_E_FORMAT);
        hel_put_u32(b.data + word[i], save);
    }
    for (size_t at = 16; at < 48; at += 8) {
        const uint64_t save = hel_get_u64(b.data + at);
        hel_put_u64(b.data + at, 0x7ff8000000000000u);
        cr_assert_eq(hel_ckks_plain_decode(f.ckks, b.data, b.bytes, q), HEL_E_FORMAT);
        hel_put_u64(b.data + at, save);
    }
    for (int i = 0; i < 30; i++) {
        const size_t at = ref_random_u64(&r) % words;
        const uint32_t save = hel_get_u32(b.data + 48 + 4 * at);
        const uint32_t prime = params.primes[at / 2048 % params.limbs[2]];
        hel_put_u32(b.data + 48 + 4 * at, prime);
        cr_assert_eq(hel_ckks_plain_decode(f.ckks, b.data, b.bytes, q), HEL_E_FORMAT);
        hel_put_u32(b.data + 48 + 4 * at, prime - 1);
        ok(&f, hel_ckks_plain_decode(f.ckks, b.data, b.bytes, q), "the largest residue");
        hel_put_u32(b.data + 48 + 4 * at, save);
    }
    hel_buf_free(&b);
    hel_ckks_plain_free(p);
    hel_ckks_plain_free(q);
    ref_ckks_end(&f);
}
