/* Contexts, secret, public and evaluation keys: what they encrypt, lookup, coding, refusals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
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

/* ---- what a pair (b, a) hides ---- */

/* Nothing random is ever used twice: neither a uniform half nor an error. */
typedef struct seen {
    uint64_t print[4096];
    uint32_t count;
} seen;

static void first_time(seen *s, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    for (uint32_t i = 0; i < s->count; i++)
        cr_assert_neq(s->print[i], h, "randomness was used twice");
    cr_assert_lt(s->count, 4096);
    s->print[s->count++] = h;
}

typedef struct half_pair {
    const uint32_t *b, *a; /* [limbs][N] */
    uint32_t q_limbs, special;
    uint32_t first, end; /* limbs that carry P s' */
    const int64_t *from; /* s', coefficients; NULL: 0 */
} half_pair;

/* b + a s - P s' g is one small polynomial modulo every limb: returns its sum of squares. */
static double check_pair(const ref_ckks *f, const half_pair *p, seen *randomness)
{
    const hel_ckks_context *t = f->ckks->context;
    const uint32_t n = t->n;
    uint32_t *x = ref_words(n), *y = ref_words(n);
    int64_t *e = malloc(n * sizeof *e);
    double square = 0;
    for (uint32_t i = 0; i < p->q_limbs + p->special; i++) {
        const uint32_t limb = i < p->q_limbs ? i : t->q_limbs + i - p->q_limbs;
        const uint32_t q = t->params.primes[limb], *s = f->secret->s_ntt + (size_t)limb * n;
        uint64_t big = 1;
        for (uint32_t k = t->q_limbs; k < t->q_limbs + p->special; k++)
            big = big * t->params.primes[k] % q;
        first_time(randomness, p->a + (size_t)i * n, n * 4);
        for (uint32_t j = 0; j < n; j++) {
            x[j] = (uint32_t)((p->b[(size_t)i * n + j] + (uint64_t)p->a[(size_t)i * n + j] * s[j]) %
                              q);
            y[j] = p->from ? ref_mod(p->from[j], q) : 0;
        }
        hel_ntt_inverse(t->ring, limb, x);
        for (uint32_t j = 0; j < n; j++) {
            const int own = i >= p->first && i < p->end;
            const int64_t v = (int64_t)x[j] - (own ? (int64_t)(big * y[j] % q) : 0);
            const int64_t c = ref_centre(ref_mod(v, q), q);
            cr_assert_leq(llabs(c), 21, "limb %u", i);
            if (i == 0)
                e[j] = c;
            cr_assert_eq(c, e[j], "the error differs between limbs");
            square += i == 0 ? (double)c * (double)c : 0;
        }
    }
    first_time(randomness, e, n * sizeof *e);
    free(x);
    free(y);
    free(e);
    return square;
}

/* s(X^g) by definition, s^2 over the integers for g = 0 */
static void switched_from(const ref_ckks *f, uint32_t g, int64_t *out)
{
    const uint32_t n = f->secret->n;
    const int8_t *s = f->secret->s;
    memset(out, 0, n * sizeof *out);
    for (uint32_t i = 0; g && i < n; i++) {
        const uint32_t e = (uint32_t)((uint64_t)i * g % (2 * n));
        out[e % n] += e < n ? s[i] : -s[i];
    }
    for (uint32_t i = 0; !g && i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            out[(i + j) % n] += (i + j < n ? 1 : -1) * s[i] * s[j];
}

static void check_keys(const ref_ckks *f, const hel_ckks_keys *k, seen *randomness, double *square,
                       double *count)
{
    const hel_ckks_context *t = f->ckks->context;
    const uint32_t special = t->params.special_limbs, width = t->params.digit_limbs;
    const size_t words = (size_t)(k->limbs + special) * t->n;
    int64_t *from = malloc(t->n * sizeof *from);
    cr_assert_eq(k->limbs, t->params.limbs[k->level]);
    cr_assert_eq(k->digits, (k->limbs + width - 1) / width);
    for (uint32_t i = 0; i < k->count; i++) {
        cr_assert(i == 0 || k->key[i].element > k->key[i - 1].element);
        switched_from(f, k->key[i].element, from);
        for (uint32_t j = 0; j < k->digits; j++) {
            const uint32_t *b = k->key[i].data + 2 * j * words, end = (j + 1) * width;
            const half_pair p = {
                b, b + words, k->limbs, special, j * width, end < k->limbs ? end : k->limbs, from};
            *square += check_pair(f, &p, randomness);
            *count += t->n;
        }
    }
    free(from);
}

static void check_set(const hel_ckks_params *p, uint32_t threads)
{
    ref_ckks f;
    static seen randomness;
    double square = 0, count = 0;
    randomness.count = 0;
    ref_ckks_setup(&f, p, HEL_SIMD_AUTO, threads);
    const hel_ckks_context *t = f.ckks->context;
    const half_pair pk = {f.public_key->data,
                          f.public_key->data + (size_t)t->q_limbs * t->n,
                          t->q_limbs,
                          0,
                          0,
                          0,
                          NULL};
    square += check_pair(&f, &pk, &randomness);
    count += t->n;
    check_keys(&f, f.keys, &randomness, &square, &count);
    for (uint32_t level = 1; level <= p->depth; level++) {
        hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
        hel_ckks_keys *low;
        request.level = level;
        request.conjugate = 1;
        ok(&f, hel_ckks_keys_create(f.ckks, &low, f.secret, &request), "keys");
        cr_assert_eq(low->level, level);
        cr_assert_eq(low->count, 2);
        check_keys(&f, low, &randomness, &square, &count);
        hel_ckks_keys_free(low);
    }
    cr_log_info("N 2^%u, %u + %u primes, digits of %u: error variance %.3f over %.0f", p->log_n,
                t->q_limbs, p->special_limbs, p->digit_limbs, square / count, count);
    cr_assert_float_eq(square / count, 10.5, 6 * 10.5 * sqrt(2 / count));
    ref_ckks_end(&f);
}

Test(ckks_keys, phases)
{
    hel_ckks_params p = ref_ckks_toy(10, 3, 40, 1);
    check_set(&p, 1);
    p = ref_ckks_toy(10, 3, 40, 3);
    check_set(&p, 2);
    p = ref_ckks_toy(10, 2, 26, 100); /* a digit for every prime */
    cr_assert_eq(p.digit_limbs, 1);
    check_set(&p, 3);
}

Test(ckks_keys, secret)
{
    hel_ckks_params p = ref_ckks_toy(11, 1, 40, 0);
    ref_ckks f;
    hel_ckks_secret *other;
    uint32_t count[3] = {0};
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    const uint32_t n = f.secret->n;
    cr_assert_eq(n, 2048);
    for (uint32_t j = 0; j < n; j++) {
        cr_assert(f.secret->s[j] >= -1 && f.secret->s[j] <= 1);
        count[f.secret->s[j] + 1]++;
    }
    for (int v = 0; v < 3; v++)
        cr_assert_float_eq(count[v], n / 3.0, 6 * sqrt(n * 2 / 9.0));
    uint32_t *x = ref_words(n);
    for (uint32_t i = 0; i < f.secret->total; i++) {
        memcpy(x, f.secret->s_ntt + (size_t)i * n, n * 4);
        hel_ntt_inverse(f.ckks->context->ring, i, x);
        for (uint32_t j = 0; j < n; j++)
            cr_assert_eq(x[j], ref_mod(f.secret->s[j], p.primes[i]));
    }
    free(x);
    ok(&f, hel_ckks_secret_create(f.ckks, &other), "secret");
    cr_assert_neq(memcmp(other->s, f.secret->s, n), 0);
    cr_assert_neq(memcmp(other->key_id, f.secret->key_id, 16), 0);
    cr_assert_eq(memcmp(f.public_key->key_id, f.secret->key_id, 16), 0);
    cr_assert_eq(memcmp(f.keys->key_id, f.secret->key_id, 16), 0);
    hel_ckks_secret_free(other);
    hel_ckks_secret_free(NULL);
    ref_ckks_end(&f);
}

/* ---- elements and lookup ---- */

static uint32_t element_of(const ref_ckks *f, int64_t step, uint32_t slots)
{
    const uint32_t n = f->ckks->context->n;
    uint64_t g = 1;
    for (int64_t i = 0; i < ((step % slots) + slots) % slots; i++)
        g = g * 5 % (2 * n);
    return (uint32_t)g;
}

static int has_key(const hel_ckks_keys *k, uint32_t element)
{
    int found = 0;
    for (uint32_t i = 0; i < k->count; i++)
        found += k->key[i].element == element;
    return found;
}

Test(ckks_keys, requests)
{
    static const int32_t steps[] = {7, -7, 7, 0, 512, 519, 1024, INT32_MIN, INT32_MAX};
    hel_ckks_params p = ref_ckks_toy(10, 2, 30, 0);
    ref_ckks f;
    hel_ckks_keys *k;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks_keys_request r = HEL_CKKS_KEYS_REQUEST_INIT;
    r.relinearize = 0;
    ok(&f, hel_ckks_keys_create(f.ckks, &k, f.secret, &r), "none");
    cr_assert_eq(k->count, 0);
    hel_ckks_keys_free(k);
    r.rotations = steps;
    r.rotation_count = sizeof steps / sizeof *steps;
    ok(&f, hel_ckks_keys_create(f.ckks, &k, f.secret, &r), "rotations");
    cr_assert_eq(k->count, 3); /* 7, -7, -1; 519 is 7; 0 and whole turns need none */
    cr_assert(has_key(k, element_of(&f, 7, 512)) && has_key(k, element_of(&f, -7, 512)) &&
              has_key(k, element_of(&f, -1, 512)));
    hel_ckks_keys_free(k);
    r.rotation_count = 0;
    r.sums = r.conjugate = r.relinearize = 1;
    ok(&f, hel_ckks_keys_create(f.ckks, &k, f.secret, &r), "sums");
    cr_assert_eq(k->count, 9 + 2);
    for (int i = 0; i < 9; i++)
        cr_assert(has_key(k, element_of(&f, 1 << i, 512)));
    cr_assert(has_key(k, 0) && has_key(k, 2047));
    hel_ckks_keys_free(k);

    r.level = 3;
    REFUSES(&f, HEL_E_USAGE, "level 3", hel_ckks_keys_create(f.ckks, &k, f.secret, &r));
    cr_assert_null(k);
    r.level = 0;
    r.rotations = NULL;
    r.rotation_count = 1;
    REFUSES(&f, HEL_E_USAGE, "rotation_count", hel_ckks_keys_create(f.ckks, &k, f.secret, &r));
    r.rotation_count = 0;
    r.size = 1;
    REFUSES(&f, HEL_E_USAGE, "HEL_CKKS_KEYS_REQUEST_INIT",
            hel_ckks_keys_create(f.ckks, &k, f.secret, &r));
    REFUSES(&f, HEL_E_USAGE, "HEL_CKKS_KEYS_REQUEST_INIT",
            hel_ckks_keys_create(f.ckks, &k, f.secret, NULL));
    r.size = sizeof r;
    REFUSES(&f, HEL_E_USAGE, "secret key", hel_ckks_keys_create(f.ckks, &k, NULL, &r));
    ref_ckks_end(&f);
}

Test(ckks_keys, lookup)
{
    static const int32_t steps[] = {3, -1};
    hel_ckks_params p = ref_ckks_toy(10, 3, 40, 3);
    ref_ckks f;
    hel_ckks_keys *k;
    hel_key_view view;
    uint32_t limbs;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks *c = f.ckks;
    hel_ckks_keys_request r = HEL_CKKS_KEYS_REQUEST_INIT;
    r.relinearize = 0;
    r.rotations = steps;
    r.rotation_count = 2;
    r.level = 2;
    ok(&f, hel_ckks_keys_create(c, &k, f.secret, &r), "keys");
    ok(&f, hel_ckks_use_keys(c, k), "use");
    cr_assert_eq(hel_ckks_rotation_element(c, 3, 9), element_of(&f, 3, 512));
    cr_assert_eq(hel_ckks_rotation_element(c, 3, 4), element_of(&f, 3, 512));
    cr_assert_eq(hel_ckks_rotation_element(c, -1, 9), element_of(&f, 511, 512));
    /* 16 slots, rotated by -1: 5^15 has no key, 5^511 has one and does the same to them */
    cr_assert_eq(hel_ckks_rotation_element(c, -1, 4), element_of(&f, 511, 512));
    cr_assert_eq(hel_ckks_rotation_element(c, -2, 4), element_of(&f, 14, 512));
    cr_assert_eq(hel_ckks_rotation_element(c, 16, 4), 1);
    cr_assert_eq(hel_ckks_conjugation_element(c), 2047);
    for (uint32_t level = 0; level <= 2; level++) {
        ok(&f, hel_ckks_find_key(c, element_of(&f, 3, 512), level, &view, &limbs), "find");
        cr_assert_eq(limbs, p.limbs[level]);
        cr_assert_eq(view.q_limbs, p.limbs[2]);
        cr_assert_eq(view.digits, (p.limbs[2] + p.digit_limbs - 1) / p.digit_limbs);
    }
    REFUSES(&f, HEL_E_USAGE, "up to 2",
            hel_ckks_find_key(c, element_of(&f, 3, 512), 3, &view, NULL));
    REFUSES(&f, HEL_E_USAGE, "relinearize", hel_ckks_find_key(c, 0, 0, &view, NULL));
    REFUSES(&f, HEL_E_USAGE, "conjugate", hel_ckks_find_key(c, 2047, 0, &view, NULL));
    REFUSES(&f, HEL_E_USAGE, "rotation by 5 (or -507): ask for it with hel_ckks_keys_request.rota",
            hel_ckks_find_key(c, element_of(&f, 5, 512), 0, &view, NULL));
    REFUSES(&f, HEL_E_USAGE, "X^7", hel_ckks_find_key(c, 7, 0, &view, NULL)); /* no power of 5 */
    ok(&f, hel_ckks_use_keys(c, NULL), "none");
    REFUSES(&f, HEL_E_USAGE, "hel_ckks_use_keys", hel_ckks_find_key(c, 0, 0, &view, NULL));
    hel_ckks_keys_free(k);
    ref_ckks_end(&f);
}

Test(ckks_keys, contexts_apart)
{
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 0), q = ref_ckks_toy(11, 1, 30, 0), bad = p;
    ref_ckks f, g;
    hel_ckks_public *key;
    hel_ckks_keys *keys;
    hel_ckks *clone, *none;
    hel_engine *engine;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    ref_ckks_setup(&g, &q, HEL_SIMD_AUTO, 1);
    cr_assert_eq(hel_ckks_slots(f.ckks), 512);
    cr_assert_eq(hel_ckks_slots(g.ckks), 1024);
    cr_assert_eq(memcmp(hel_ckks_get_params(g.ckks), &q, sizeof q), 0);
    hel_ckks_keys_request r = HEL_CKKS_KEYS_REQUEST_INIT;
    REFUSES(&f, HEL_E_MISMATCH, "other parameters", hel_ckks_public_create(f.ckks, &key, g.secret));
    REFUSES(&f, HEL_E_MISMATCH, "other parameters",
            hel_ckks_keys_create(f.ckks, &keys, g.secret, &r));
    REFUSES(&f, HEL_E_MISMATCH, "another context", hel_ckks_use_keys(f.ckks, g.keys));
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
    hel_ckks_set_alignment(f.ckks, HEL_CKKS_MANUAL);
    cr_assert_eq(hel_ckks_clone(engine, &clone, f.ckks), HEL_OK);
    cr_assert_eq(clone->context, f.ckks->context);
    cr_assert_eq(clone->keys, f.keys);
    cr_assert_eq(clone->alignment, HEL_CKKS_MANUAL);
    bad.primes[1]++;
    REFUSES(&f, HEL_E_USAGE, "prime", hel_ckks_create(f.engine, &none, &bad));
    cr_assert_null(none);
    REFUSES(&f, HEL_E_USAGE, "parameter set", hel_ckks_create(f.engine, &none, NULL));
    bad = p;
    setenv("HELOCI_ALLOW_TOY", "0", 1);
    REFUSES(&f, HEL_E_SECURITY, "insecure", hel_ckks_create(f.engine, &none, &p));
    setenv("HELOCI_ALLOW_TOY", "1", 1);
    /* the clone outlives the handle and the engine that it was made from */
    hel_ckks_keys *own = f.keys;
    hel_ckks_public *own_public = f.public_key;
    hel_ckks_secret *secret = f.secret;
    f.keys = NULL;
    f.public_key = NULL;
    f.secret = NULL;
    ref_ckks_end(&f);
    hel_ckks_public_free(own_public);
    cr_assert_eq(hel_ckks_public_create(clone, &own_public, secret), HEL_OK);
    hel_ckks_free(clone);
    hel_ckks_public_free(own_public);
    hel_ckks_keys_free(own);
    hel_ckks_secret_free(secret);
    hel_engine_free(engine);
    ref_ckks_end(&g);
}

/* A rescale from level l leaves limbs[l - 1] primes and multiplies by multiplier[l]. */
Test(ckks_keys, basis)
{
    uint32_t multiplied = 0;
    for (uint32_t bits = 20; bits <= 50; bits += 5) {
        hel_ckks_params p = ref_ckks_toy(10, 6, bits, 0);
        hel_engine *engine;
        hel_ckks *c;
        uint32_t most = 0;
        p.multiplier[3] = 5; /* of no consequence here but for the scales */
        cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
        if (hel_ckks_create(engine, &c, &p) != HEL_OK) {
            p.multiplier[3] = 1;
            cr_assert_eq(hel_ckks_create(engine, &c, &p), HEL_OK, "%s", hel_engine_error(engine));
        }
        const hel_basis_shape *shape = hel_basis_get_shape(c->context->basis);
        cr_assert_eq(shape->q_count, p.limbs[6]);
        cr_assert_eq(shape->p_count, p.special_limbs);
        cr_assert_eq(shape->digit_limbs, p.digit_limbs);
        for (uint32_t l = 1; l <= 6; l++) {
            cr_assert_eq(shape->multiplier[p.limbs[l - 1]], p.multiplier[l]);
            most = p.limbs[l] - p.limbs[l - 1] > most ? p.limbs[l] - p.limbs[l - 1] : most;
            multiplied += p.multiplier[l] != 1;
        }
        cr_assert_eq(shape->drop_max, most);
        double log_q = 0;
        for (uint32_t i = 0; i < p.limbs[6]; i++)
            log_q += log2(p.primes[i]);
        cr_assert_float_eq(c->context->log_q[p.limbs[6]], log_q, 1e-9);
        hel_ckks_free(c);
        hel_engine_free(engine);
    }
    cr_assert_gt(multiplied, 0);
}

/* ---- memory ---- */

static hel_status everything(hel_engine *engine, const hel_ckks_params *p)
{
    hel_ckks *c = NULL;
    hel_ckks_secret *secret = NULL, *secret2 = NULL;
    hel_ckks_public *key = NULL, *key2 = NULL;
    hel_ckks_keys *keys = NULL, *keys2 = NULL;
    hel_buf b[3] = {{0}, {0}, {0}};
    hel_status status;
    hel_ckks_keys_request r = HEL_CKKS_KEYS_REQUEST_INIT;
    r.conjugate = 1;
    HEL_TRY_GOTO(hel_ckks_create(engine, &c, p), done);
    HEL_TRY_GOTO(hel_ckks_secret_create(c, &secret), done);
    HEL_TRY_GOTO(hel_ckks_public_create(c, &key, secret), done);
    HEL_TRY_GOTO(hel_ckks_keys_create(c, &keys, secret, &r), done);
    HEL_TRY_GOTO(hel_ckks_use_keys(c, keys), done);
    HEL_TRY_GOTO(hel_ckks_secret_encode(engine, secret, &b[0]), done);
    HEL_TRY_GOTO(hel_ckks_secret_decode(c, b[0].data, b[0].bytes, &secret2), done);
    HEL_TRY_GOTO(hel_ckks_public_encode(c, key, &b[1]), done);
    HEL_TRY_GOTO(hel_ckks_public_decode(c, b[1].data, b[1].bytes, key->seed, key->key_id, &key2),
                 done);
    HEL_TRY_GOTO(hel_ckks_keys_encode(c, keys, &b[2]), done);
    HEL_TRY_GOTO(hel_ckks_keys_decode(c, b[2].data, b[2].bytes, keys->seed, keys->key_id, &keys2),
                 done);
done:
    for (int i = 0; i < 3; i++)
        hel_buf_free(&b[i]);
    hel_ckks_keys_free(keys2);
    hel_ckks_public_free(key2);
    hel_ckks_secret_free(secret2);
    hel_ckks_free(c); /* before the objects: any order will do */
    hel_ckks_keys_free(keys);
    hel_ckks_public_free(key);
    hel_ckks_secret_free(secret);
    return status;
}

/* Every allocation fails once, from the context on: HEL_E_MEMORY with a text, no byte is lost. */
Test(ckks_keys, out_of_memory)
{
    hel_ckks_params p = ref_ckks_toy(10, 1, 40, 0);
    hel_engine *engine;
    uint64_t failures = 0, passed = 0;
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
    const uint64_t before = hel_mem_in_use();
    for (uint64_t n = 1; passed < 40; n++) { /* past the last one nothing fails */
        hel_mem_fail_nth(n);
        hel_status status = everything(engine, &p);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY, "%s", hel_engine_error(engine));
        if (status == HEL_E_MEMORY)
            cr_assert(strstr(hel_engine_error(engine), "memory"));
        failures += status != HEL_OK;
        passed = status == HEL_OK ? passed + 1 : 0;
        cr_assert_eq(hel_mem_in_use(), before, "allocation %llu", (unsigned long long)n);
    }
    cr_log_info("%llu allocations failed", (unsigned long long)failures);
    cr_assert_gt(failures, 40);
    hel_engine_free(engine);
}
