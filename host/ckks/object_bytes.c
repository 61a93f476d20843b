/*
 * Objects as bytes, for files: canonical little-endian, each kind with its version and the numbers
 * that its size follows from, then residues in the order of memory. What a seed gives is not
 * written. Decoding trusts nothing: fields, total size and every residue are checked, and nothing
 * is allocated before the size is known to be right. FORMAT.md has the tables.
 */
#include <math.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/evaluator.h"
#include "host/ckks/residue_bytes.h"

#define VERSION       1u
#define SECRET_HEADER (4u + 4u + 16u + 32u)   /* version, log N, key id, parameters */
#define PUBLIC_HEADER (4u + 4u)               /* version, limbs */
#define KEYS_HEADER   (4u + 4u + 4u)          /* version, level, count */
#define PLAIN_HEADER  (4 * 4u + 5 * 8u)       /* version .. batch; scale .. bound */
#define CIPHER_HEADER (6 * 4u + 16u + 4 * 8u) /* version .. form; key id; scale .. bound */
#define ROWS          16u                     /* limbs that are coded at a time */
#define SEEDED        1u                      /* bits of a ciphertext's form */
#define MIXED         2u

/* ---- residues between the backend and bytes ---- */

/* One after another, `limbs` rows of N words from `data` on. */
static hel_status put_limbs(hel_ckks *c, hel_buf *out, const uint32_t *data, uint32_t limbs)
{
    const size_t n = c->context->n;
    uint32_t *words;
    hel_status status;
    HEL_TRY(hel_malloc(c->engine, &words, (limbs < ROWS ? limbs : ROWS) * n, sizeof *words));
    for (uint32_t first = 0; first < limbs; first += ROWS) {
        const size_t count = (limbs - first < ROWS ? limbs - first : ROWS) * n;
        HEL_TRY_GOTO(c->stream->ops->download(c->stream, words, data + first * n, 4 * count), done);
        HEL_TRY_GOTO(c->stream->ops->sync(c->stream), done);
        HEL_TRY_GOTO(hel_residues_put(c->engine, out, words, count), done);
    }
    status = HEL_OK;
done:
    hel_wipe(words, (limbs < ROWS ? limbs : ROWS) * n * sizeof *words); /* it may be a plaintext */
    hel_free(words);
    return status;
}

/* The reverse; q_limbs of the rows are primes of Q, the others special. Names the row. */
static hel_status get_limbs(hel_ckks *c, uint32_t *data, uint32_t limbs, uint32_t q_limbs,
                            const uint8_t *bytes, const char *what, uint32_t index, uint32_t part)
{
    const hel_ckks_context *t = c->context;
    const size_t n = t->n;
    uint32_t *words;
    hel_status status = HEL_OK;
    HEL_TRY(hel_malloc(c->engine, &words, n, sizeof *words));
    for (uint32_t i = 0; status == HEL_OK && i < limbs; i++, bytes += 4 * n) {
        const uint32_t q = t->params.primes[i < q_limbs ? i : t->q_limbs + i - q_limbs];
        if (!hel_residues_get(q, words, bytes, n))
            status = hel_fail(c->engine, HEL_E_FORMAT,
                              "%s %u, part %u, limb %u: a residue is not below its prime", what,
                              index, part, i);
        if (status == HEL_OK)
            status = c->stream->ops->upload(c->stream, data + i * n, words, 4 * n);
        if (status == HEL_OK)
            status = c->stream->ops->sync(c->stream);
    }
    hel_wipe(words, n * sizeof *words);
    hel_free(words);
    return status;
}

/* Uniform halves: `batch` objects of a stream, `stride` words apart. */
static hel_status expand(hel_ckks *c, uint32_t *data, uint32_t batch, uint32_t limbs,
                         uint32_t q_limbs, size_t stride, const uint8_t seed[HEL_SEED_BYTES],
                         hel_domain domain, uint64_t object)
{
    const hel_view v = {data, batch, limbs, q_limbs, stride};
    return c->stream->ops->uniform(c->stream, c->context->basis, v, seed, domain, object);
}

static hel_status check_version(hel_ckks *c, const uint8_t *data, size_t bytes, size_t header,
                                const char *what)
{
    HEL_REQUIRE(c->engine, bytes >= header, HEL_E_FORMAT, "%s: %zu bytes, its head alone has %zu",
                what, bytes, header);
    HEL_REQUIRE(c->engine, hel_get_u32(data) == VERSION, HEL_E_FORMAT, "%s: unknown version %u",
                what, hel_get_u32(data));
    return HEL_OK;
}

static hel_status check_size(hel_ckks *c, size_t bytes, uint64_t rule, const char *what)
{
    HEL_REQUIRE(c->engine, bytes == rule, HEL_E_FORMAT, "%s: %zu bytes, the rule is %llu", what,
                bytes, (unsigned long long)rule);
    return HEL_OK;
}

/* ---- secret keys ---- */

hel_status hel_ckks_secret_encode(hel_engine *engine, const hel_ckks_secret *s, hel_buf *out)
{
    const size_t bytes = SECRET_HEADER + s->n / 4;
    uint8_t *data;
    HEL_TRY(hel_secret_alloc(engine, &data, bytes)); /* one put: the buffer never grows */
    hel_put_u32(data, VERSION);
    hel_put_u32(data + 4, (uint32_t)__builtin_ctz(s->n));
    memcpy(data + 8, s->key_id, sizeof s->key_id);
    memcpy(data + 24, s->params, sizeof s->params);
    hel_ternary_put(data + SECRET_HEADER, s->s, s->n);
    hel_status status = hel_buf_put(engine, out, data, bytes);
    hel_secret_free(data);
    return status;
}

hel_status hel_ckks_secret_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  hel_ckks_secret **out)
{
    const hel_ckks_context *t = c->context;
    hel_ckks_secret *s;
    *out = NULL;
    HEL_TRY(check_version(c, data, bytes, SECRET_HEADER, "CKKS secret key"));
    HEL_REQUIRE(c->engine,
                hel_get_u32(data + 4) == t->params.log_n &&
                    !memcmp(data + 24, t->digest, sizeof t->digest),
                HEL_E_MISMATCH, "CKKS secret key: it was made for other parameters");
    HEL_TRY(check_size(c, bytes, SECRET_HEADER + t->n / 4, "CKKS secret key"));
    HEL_TRY(hel_ckks_secret_allocate(c, &s));
    memcpy(s->key_id, data + 8, sizeof s->key_id);
    if (!hel_ternary_get(s->s, data + SECRET_HEADER, s->n)) {
        hel_ckks_secret_free(s);
        return hel_fail(c->engine, HEL_E_FORMAT, "CKKS secret key: a coefficient is not ternary");
    }
    hel_ckks_secret_transform(c, s);
    *out = s;
    return HEL_OK;
}

/* ---- public keys ---- */

hel_status hel_ckks_public_encode(hel_ckks *c, const hel_ckks_public *k, hel_buf *out)
{
    HEL_REQUIRE(c->engine, k->context == c->context, HEL_E_MISMATCH,
                "CKKS public key: it belongs to another context");
    HEL_TRY(hel_buf_put_u32(c->engine, out, VERSION));
    HEL_TRY(hel_buf_put_u32(c->engine, out, c->context->q_limbs));
    return put_limbs(c, out, k->data, c->context->q_limbs);
}

hel_status hel_ckks_public_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  const uint8_t seed[HEL_SEED_BYTES], const uint8_t key_id[16],
                                  hel_ckks_public **out)
{
    const hel_ckks_context *t = c->context;
    const size_t words = (size_t)t->q_limbs * t->n;
    hel_ckks_public *k;
    *out = NULL;
    HEL_TRY(check_version(c, data, bytes, PUBLIC_HEADER, "CKKS public key"));
    HEL_REQUIRE(c->engine, hel_get_u32(data + 4) == t->q_limbs, HEL_E_FORMAT,
                "CKKS public key: %u limbs, the parameters have %u", hel_get_u32(data + 4),
                t->q_limbs);
    HEL_TRY(check_size(c, bytes, PUBLIC_HEADER + 4 * (uint64_t)words, "CKKS public key"));
    HEL_TRY(hel_ckks_public_allocate(c, &k));
    memcpy(k->key_id, key_id, sizeof k->key_id);
    memcpy(k->seed, seed, sizeof k->seed);
    hel_status status = get_limbs(c, k->data, t->q_limbs, t->q_limbs, data + PUBLIC_HEADER,
                                  "CKKS public key", 0, 0);
    if (status == HEL_OK)
        status = expand(c, k->data + words, 1, t->q_limbs, t->q_limbs, words, seed,
                        HEL_DOMAIN_PUBLIC_A, 0);
    if (status != HEL_OK) {
        hel_ckks_public_free(k);
        return status;
    }
    *out = k;
    return HEL_OK;
}

/* ---- evaluation keys ---- */

hel_status hel_ckks_keys_encode(hel_ckks *c, const hel_ckks_keys *k, hel_buf *out)
{
    const uint32_t limbs = k->limbs + c->context->params.special_limbs;
    HEL_REQUIRE(c->engine, k->context == c->context, HEL_E_MISMATCH,
                "evaluation keys: they belong to another context");
    HEL_TRY(hel_buf_put_u32(c->engine, out, VERSION));
    HEL_TRY(hel_buf_put_u32(c->engine, out, k->level));
    HEL_TRY(hel_buf_put_u32(c->engine, out, k->count));
    for (uint32_t i = 0; i < k->count; i++) {
        HEL_TRY(hel_buf_put_u32(c->engine, out, k->key[i].element));
        for (uint32_t j = 0; j < k->digits; j++)
            HEL_TRY(
                put_limbs(c, out, k->key[i].data + 2 * (size_t)j * limbs * c->context->n, limbs));
    }
    return HEL_OK;
}

/* Elements: 0 or odd below 2N, ascending. */
static hel_status read_elements(hel_ckks *c, const uint8_t *data, uint64_t key_bytes,
                                uint32_t count, uint32_t *element)
{
    for (uint32_t i = 0; i < count; i++, data += key_bytes) {
        element[i] = hel_get_u32(data);
        HEL_REQUIRE(c->engine,
                    (element[i] == 0 || (element[i] & 1 && element[i] > 1)) &&
                        element[i] < 2 * c->context->n && (i == 0 || element[i] > element[i - 1]),
                    HEL_E_FORMAT, "evaluation keys: key %u: element %u is out of range or order", i,
                    element[i]);
    }
    return HEL_OK;
}

static hel_status read_keys(hel_ckks *c, const uint8_t *data, hel_ckks_keys *k)
{
    const uint32_t limbs = k->limbs + c->context->params.special_limbs;
    const size_t words = (size_t)limbs * c->context->n;
    for (uint32_t i = 0; i < k->count; i++) {
        uint32_t *key = k->key[i].data;
        data += 4;
        for (uint32_t j = 0; j < k->digits; j++, data += 4 * words)
            HEL_TRY(get_limbs(c, key + 2 * j * words, limbs, k->limbs, data, "evaluation keys: key",
                              i, j));
        HEL_TRY(expand(c, key + words, k->digits, limbs, k->limbs, 2 * words, k->seed,
                       HEL_DOMAIN_SWITCH_A, (uint64_t)k->key[i].element * 128));
    }
    return HEL_OK;
}

hel_status hel_ckks_keys_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                const uint8_t seed[HEL_SEED_BYTES], const uint8_t key_id[16],
                                hel_ckks_keys **out)
{
    const hel_ckks_params *p = &c->context->params;
    uint32_t *element = NULL;
    hel_ckks_keys *k = NULL;
    hel_status status;
    *out = NULL;
    HEL_TRY(check_version(c, data, bytes, KEYS_HEADER, "evaluation keys"));
    const uint32_t level = hel_get_u32(data + 4), count = hel_get_u32(data + 8);
    HEL_REQUIRE(c->engine, level <= p->depth, HEL_E_FORMAT,
                "evaluation keys: level %u, the parameters end at %u", level, p->depth);
    HEL_REQUIRE(c->engine, count <= c->context->n, HEL_E_FORMAT, /* else the size may wrap around */
                "evaluation keys: %u keys, there are elements for %u", count, c->context->n);
    const uint64_t key_bytes = 4 + 4 * (uint64_t)hel_ckks_digits(p, level) *
                                       (p->limbs[level] + p->special_limbs) * c->context->n;
    HEL_TRY(check_size(c, bytes, KEYS_HEADER + count * key_bytes, "evaluation keys"));
    HEL_TRY(hel_malloc(c->engine, &element, count, sizeof *element));
    HEL_TRY_GOTO(read_elements(c, data + KEYS_HEADER, key_bytes, count, element), done);
    HEL_TRY_GOTO(hel_ckks_keys_allocate(c, &k, level, element, count), done);
    memcpy(k->key_id, key_id, sizeof k->key_id);
    memcpy(k->seed, seed, sizeof k->seed);
    HEL_TRY_GOTO(read_keys(c, data + KEYS_HEADER, k), done);
    *out = k;
    k = NULL;
done:
    hel_ckks_keys_free(k);
    hel_free(element);
    return status;
}

/* ---- plaintexts and ciphertexts ---- */

static void put_f64(uint8_t *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    hel_put_u64(out, bits);
}

/* The range of scale.c. */
static int scale_is_valid(hel_scale s)
{
    return s.hi >= 0x1p-400 && s.hi <= 0x1p400 && fabs(s.lo) <= ldexp(s.hi, -53);
}

/* Errors and bounds may have grown beyond all bounds, but they are numbers. */
static int is_amount(double x)
{
    return x >= 0;
}

static hel_status check_shape(hel_ckks *c, uint32_t level, uint32_t log_slots, const char *what)
{
    const hel_ckks_params *p = &c->context->params;
    HEL_REQUIRE(c->engine, level <= p->depth && log_slots < p->log_n, HEL_E_FORMAT,
                "%s: level %u with 2^%u slots; the parameters have levels up to %u and 2^%u slots",
                what, level, log_slots, p->depth, p->log_n - 1);
    return HEL_OK;
}

hel_status hel_ckks_plain_encode(hel_ckks *c, const hel_ckks_plain *p, hel_buf *out)
{
    uint8_t head[PLAIN_HEADER];
    HEL_TRY(hel_ckks_check_plain(c, p, "CKKS plaintext"));
    const uint32_t limbs = c->context->params.limbs[p->level];
    const uint32_t word[4] = {VERSION, p->level, p->log_slots, p->batch};
    const double number[5] = {p->scale.hi, p->scale.lo, p->error, p->bits, p->bound};
    for (size_t i = 0; i < 4; i++)
        hel_put_u32(head + 4 * i, word[i]);
    for (size_t i = 0; i < 5; i++)
        put_f64(head + 16 + 8 * i, number[i]);
    HEL_TRY(hel_buf_put(c->engine, out, head, sizeof head));
    for (uint32_t b = 0; b < p->batch; b++)
        HEL_TRY(put_limbs(c, out, p->data + (size_t)b * limbs * c->context->n, limbs));
    return HEL_OK;
}

hel_status hel_ckks_plain_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                 hel_ckks_plain *out)
{
    const hel_ckks_context *t = c->context;
    out->valid = 0;
    HEL_TRY(check_version(c, data, bytes, PLAIN_HEADER, "CKKS plaintext"));
    const uint32_t level = hel_get_u32(data + 4), log_slots = hel_get_u32(data + 8);
    const uint32_t batch = hel_get_u32(data + 12);
    const hel_scale scale = {hel_get_f64(data + 16), hel_get_f64(data + 24)};
    const double error = hel_get_f64(data + 32), bits = hel_get_f64(data + 40);
    const double bound = hel_get_f64(data + 48);
    HEL_TRY(check_shape(c, level, log_slots, "CKKS plaintext"));
    HEL_REQUIRE(c->engine,
                scale_is_valid(scale) && is_amount(error) && is_amount(bits) && is_amount(bound),
                HEL_E_FORMAT,
                "CKKS plaintext: scale %g, error %g, size %g or bound %g is not a valid number",
                scale.hi, error, bits, bound);
    const uint32_t limbs = t->params.limbs[level];
    const size_t words = (size_t)limbs * t->n;
    HEL_TRY(check_size(c, bytes, PLAIN_HEADER + 4 * (uint64_t)batch * words, "CKKS plaintext"));
    HEL_TRY(hel_ckks_plain_shape(c, out, batch, level, log_slots));
    for (uint32_t b = 0; b < batch; b++)
        HEL_TRY(get_limbs(c, out->data + b * words, limbs, limbs,
                          data + PLAIN_HEADER + 4 * b * words, "CKKS plaintext: item", b, 0));
    out->scale = scale;
    out->error = error;
    out->bits = bits;
    out->bound = bound;
    out->valid = 1;
    return HEL_OK;
}

hel_status hel_ckks_cipher_encode(hel_ckks *c, const hel_ckks_cipher *x, hel_buf *out)
{
    uint8_t head[CIPHER_HEADER];
    HEL_TRY(hel_ckks_check_cipher(c, x, "CKKS ciphertext"));
    const uint32_t limbs = c->context->params.limbs[x->level];
    const uint32_t form = (x->seeded ? SEEDED : 0) | (x->mixed ? MIXED : 0);
    const uint32_t word[6] = {VERSION, x->level, x->log_slots, x->batch, x->polys, form};
    const double number[4] = {x->scale.hi, x->scale.lo, x->error, x->bound};
    for (size_t i = 0; i < 6; i++)
        hel_put_u32(head + 4 * i, word[i]);
    memcpy(head + 24, x->key_id, sizeof x->key_id);
    for (size_t i = 0; i < 4; i++)
        put_f64(head + 40 + 8 * i, number[i]);
    HEL_TRY(hel_buf_put(c->engine, out, head, sizeof head));
    if (x->seeded)
        HEL_TRY(hel_buf_put(c->engine, out, x->seed, sizeof x->seed));
    for (uint32_t b = 0; b < x->batch; b++)
        for (uint32_t p = 0; p < (x->seeded ? 1 : x->polys); p++)
            HEL_TRY(put_limbs(
                c, out, x->data + ((size_t)b * x->polys + p) * x->capacity * c->context->n, limbs));
    return HEL_OK;
}

typedef struct cipher_head {
    uint32_t level, log_slots, batch, polys, form, seeded;
    hel_scale scale;
    double error, bound;
} cipher_head;

static hel_status read_cipher_head(hel_ckks *c, const uint8_t *data, size_t bytes, cipher_head *h)
{
    const char *what = "CKKS ciphertext";
    HEL_TRY(check_version(c, data, bytes, CIPHER_HEADER, what));
    *h = (cipher_head){
        .level = hel_get_u32(data + 4),
        .log_slots = hel_get_u32(data + 8),
        .batch = hel_get_u32(data + 12),
        .polys = hel_get_u32(data + 16),
        .form = hel_get_u32(data + 20),
        .seeded = hel_get_u32(data + 20) & SEEDED,
        .scale = {hel_get_f64(data + 40), hel_get_f64(data + 48)},
        .error = hel_get_f64(data + 56),
        .bound = hel_get_f64(data + 64),
    };
    HEL_TRY(check_shape(c, h->level, h->log_slots, what));
    HEL_REQUIRE(c->engine,
                (h->polys == 2 || h->polys == 3) && h->form <= (SEEDED | MIXED) &&
                    (!h->seeded || h->polys == 2),
                HEL_E_FORMAT, "%s: %u polynomials, form %u", what, h->polys, h->form);
    HEL_REQUIRE(c->engine, scale_is_valid(h->scale) && is_amount(h->error) && is_amount(h->bound),
                HEL_E_FORMAT, "%s: scale %g, error %g or bound %g is not a valid number", what,
                h->scale.hi, h->error, h->bound);
    const uint64_t words = (uint64_t)h->batch * c->context->params.limbs[h->level] * c->context->n;
    return check_size(
        c, bytes, CIPHER_HEADER + (h->seeded ? HEL_SEED_BYTES + 4 * words : 4 * h->polys * words),
        what);
}

hel_status hel_ckks_cipher_decode(hel_ckks *c, const uint8_t *data, size_t bytes,
                                  hel_ckks_cipher *out)
{
    const hel_ckks_context *t = c->context;
    cipher_head h;
    out->valid = 0;
    HEL_TRY(read_cipher_head(c, data, bytes, &h));
    HEL_TRY(hel_ckks_cipher_shape(c, out, h.batch, h.polys, h.level, h.log_slots));
    const uint32_t limbs = t->params.limbs[h.level];
    const size_t words = (size_t)limbs * t->n;
    const uint8_t *at = data + CIPHER_HEADER + (h.seeded ? HEL_SEED_BYTES : 0);
    for (uint32_t b = 0; b < h.batch; b++)
        for (uint32_t p = 0; p < (h.seeded ? 1 : h.polys); p++, at += 4 * words)
            HEL_TRY(get_limbs(c, out->data + ((size_t)b * h.polys + p) * words, limbs, limbs, at,
                              "CKKS ciphertext: item", b, p));
    if (h.seeded) {
        memcpy(out->seed, data + CIPHER_HEADER, sizeof out->seed);
        if (h.batch)
            HEL_TRY(expand(c, out->data + words, h.batch, limbs, limbs, 2 * words, out->seed,
                           HEL_DOMAIN_CIPHER_A, 0));
    }
    memcpy(out->key_id, data + 24, sizeof out->key_id);
    out->seeded = (int)h.seeded;
    out->mixed = (h.form & MIXED) != 0;
    out->scale = h.scale;
    out->error = h.error;
    out->bound = h.bound;
    out->valid = 1;
    return HEL_OK;
}
