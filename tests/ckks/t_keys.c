/* Secret, Galois and relinearization keys: what they encrypt, coding, refusals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "host/ckks/exact/expand_private.h"
#include "tests/ref/ref_scheme.h"

/* s(X^g), by definition */
static void automorphism(const int8_t *s, uint32_t n, uint32_t g, int8_t *out)
{
    for (uint32_t j = 0; j < n; j++) {
        uint32_t e = (uint32_t)((uint64_t)j * g % (2 * n));
        out[e % n] = (int8_t)(e < n ? s[j] : -s[j]);
    }
}

static void to_words(const int64_t *s, uint32_t n, uint32_t q, uint32_t *out)
{
    for (uint32_t j = 0; j < n; j++)
        out[j] = ref_mod(s[j], q);
}

/* Nothing random is ever used twice: neither a uniform half nor an error. */
typedef struct seen {
    uint64_t print[1024];
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
    cr_assert_lt(s->count, 1024);
    s->print[s->count++] = h;
}

/* b + a s - P g_j from, limb by limb, is one small polynomial: returns its sum of squares. */
static double check_digit(const ref_fixture *f, const hel_switch_key *k, uint32_t digit,
                          const int64_t *from, seen *randomness)
{
    const hel_scheme *s = f->scheme;
    const uint32_t n = s->n;
    uint32_t *a = ref_words(n), *b = ref_words(n), *x = ref_words(n);
    int64_t *e = malloc(n * sizeof *e);
    double square = 0;
    for (uint32_t t = 0; t < k->q_limbs + k->special; t++) {
        uint32_t limb = hel_switch_limb(s, k, t), q = s->ring->limb[limb].q, big = 1;
        for (uint32_t p = 0; p < k->special; p++)
            big = hel_mod_mul(big, s->ring->limb[s->params.expand_limbs + p].q % q, q);
        int own = t < k->q_limbs && t / k->digit_limbs == digit;
        memcpy(b, hel_switch_vector(k, n, digit, 0, t), n * 4);
        memcpy(a, hel_switch_vector(k, n, digit, 1, t), n * 4);
        first_time(randomness, a, n * 4);
        hel_ntt_inverse(s->ring, limb, a);
        hel_ntt_inverse(s->ring, limb, b);
        ref_negacyclic_ternary(q, n, x, a, f->key->s);
        to_words(from, n, q, a);
        for (uint32_t j = 0; j < n; j++) {
            int64_t v = (int64_t)b[j] + x[j] - (own ? hel_mod_mul(a[j], big, q) : 0);
            int64_t c = ref_centre(ref_mod(v, q), q);
            cr_assert_leq(llabs(c), 21);
            if (t == 0)
                e[j] = c;
            cr_assert_eq(c, e[j], "the error differs between limbs");
            square += t == 0 ? (double)c * (double)c : 0;
        }
    }
    first_time(randomness, e, n * sizeof *e);
    free(a);
    free(b);
    free(x);
    free(e);
    return square;
}

static void check_keys(const hel_params *p)
{
    ref_fixture f;
    ref_setup(&f, p, HEL_SIMD_AUTO, 1);
    const uint32_t n = f.scheme->n, log_n = p->log_n;
    int8_t *moved = malloc(n);
    int64_t *from = malloc(n * sizeof *from);
    double square = 0, count = 0;
    static seen randomness;
    randomness.count = 0;
    cr_assert_eq(f.keys->galois_count, hel_tree_keys(log_n));
    for (uint32_t i = 0; i < f.keys->galois_count; i++) {
        automorphism(f.key->s, n, f.keys->exponent[i], moved);
        for (uint32_t j = 0; j < n; j++)
            from[j] = moved[j];
        for (uint32_t d = 0; d < f.keys->galois[i].digits; d++, count += n)
            square += check_digit(&f, &f.keys->galois[i], d, from, &randomness);
    }
    /* s^2 over the integers */
    memset(from, 0, n * sizeof *from);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            from[(i + j) % n] += (i + j < n ? 1 : -1) * f.key->s[i] * f.key->s[j];
    for (uint32_t d = 0; d < f.keys->relin.digits; d++, count += n)
        square += check_digit(&f, &f.keys->relin, d, from, &randomness);
    printf("N=2^%u: error variance %.3f over %.0f\n", log_n, square / count, count);
    cr_assert_float_eq(square / count, 10.5, 6 * 10.5 * sqrt(2 / count));
    free(moved);
    free(from);
    ref_teardown(&f);
}

Test(keys, phases)
{
    hel_params p = ref_toy(10);
    check_keys(&p);
    p = ref_toy(11);
    p.special_limbs = 1;
    p.digit_limbs = 1;
    check_keys(&p);
    p = ref_toy(10);
    p.special_limbs = 0;
    p.digit_limbs = 3;
    check_keys(&p);
}

/* Every level's own automorphism is there, in the order that the steps use. */
Test(keys, exponents)
{
    for (uint32_t log_n = 10; log_n <= 13; log_n++) {
        hel_params p = ref_toy(log_n);
        ref_fixture f;
        ref_setup(&f, &p, HEL_SIMD_AUTO, 1);
        const uint32_t n = f.scheme->n;
        uint32_t level = 0;
        for (uint32_t step = 0; step < hel_tree_steps(log_n); step++) {
            const uint32_t *g = f.keys->exponent + hel_step_key(log_n, step);
            cr_assert_eq(hel_step_level(log_n, step), level);
            cr_assert_eq(g[0], n / (1u << level) + 1);
            if (hel_step_levels(log_n, step) == 2) {
                cr_assert_eq(g[1], n / (2u << level) + 1);
                cr_assert_eq(g[2], (uint64_t)g[0] * g[1] % (2 * n));
            }
            level += hel_step_levels(log_n, step);
        }
        cr_assert_eq(level, log_n);
        ref_teardown(&f);
    }
}

Test(keys, secret_key)
{
    hel_params p = ref_toy(11);
    ref_fixture f;
    ref_setup(&f, &p, HEL_SIMD_AUTO, 0);
    const uint32_t n = f.scheme->n;
    hel_secret_key *other, *back;
    double max, norm2;
    uint32_t count[3] = {0};
    for (uint32_t j = 0; j < n; j++) {
        cr_assert(f.key->s[j] >= -1 && f.key->s[j] <= 1);
        count[f.key->s[j] + 1]++;
    }
    for (int v = 0; v < 3; v++)
        cr_assert_float_eq(count[v], n / 3.0, 6 * sqrt(n * 2 / 9.0));
    cr_assert_eq(hel_spectrum_max(f.engine, p.log_n, f.key->s, &max, &norm2), HEL_OK);
    cr_assert_leq(max, HEL_SPECTRAL_CAP * norm2);

    cr_assert_eq(hel_secret_key_generate(f.engine, f.scheme, &other), HEL_OK);
    cr_assert_neq(memcmp(other->s, f.key->s, n), 0);
    cr_assert_neq(memcmp(other->key_id, f.key->key_id, 16), 0);
    cr_assert_neq(memcmp(other->owner, f.key->owner, 32), 0);

    hel_buf buf = {0};
    cr_assert_eq(hel_secret_key_encode(f.engine, f.key, &buf), HEL_OK);
    cr_assert_eq(hel_secret_key_decode(f.engine, f.scheme, buf.data, buf.bytes, &back), HEL_OK);
    cr_assert_eq(memcmp(back->s, f.key->s, n), 0);
    cr_assert_eq(memcmp(back->key_id, f.key->key_id, 16), 0);
    cr_assert_eq(memcmp(back->owner, f.key->owner, 32), 0);
    cr_assert_eq(memcmp(back->s_ntt, f.key->s_ntt, f.scheme->total * n * 4), 0);
    cr_assert_eq(memcmp(back->s2_ntt, f.key->s2_ntt, p.scan_limbs * n * 4), 0);
    hel_secret_key_free(back);

    for (size_t cut = 0; cut < buf.bytes; cut += 37)
        cr_assert_eq(hel_secret_key_decode(f.engine, f.scheme, buf.data, cut, &back), HEL_E_FORMAT);
    uint8_t save = buf.data[60];
    buf.data[60] |= 3; /* 3 is no coefficient */
    cr_assert_eq(hel_secret_key_decode(f.engine, f.scheme, buf.data, buf.bytes, &back),
                 HEL_E_FORMAT);
    cr_assert_null(back);
    buf.data[60] = save;
    buf.data[4] ^= 1; /* another N */
    cr_assert_eq(hel_secret_key_decode(f.engine, f.scheme, buf.data, buf.bytes, &back),
                 HEL_E_MISMATCH);
    buf.data[4] ^= 1;
    buf.data[0] ^= 1; /* another version */
    cr_assert_eq(hel_secret_key_decode(f.engine, f.scheme, buf.data, buf.bytes, &back),
                 HEL_E_FORMAT);
    buf.data[0] ^= 1;
    memset(buf.data + 56, 0xaa, n / 4); /* all ones: a spectrum that the cap refuses */
    cr_assert_eq(hel_secret_key_decode(f.engine, f.scheme, buf.data, buf.bytes, &back),
                 HEL_E_FORMAT);
    hel_buf_free_secret(&buf);

    uint8_t x[32], y[32], z[32];
    cr_assert_eq(hel_owner_secret(f.engine, f.key, "rho", NULL, 0, x), HEL_OK);
    cr_assert_eq(hel_owner_secret(f.engine, f.key, "rho", "a", 1, y), HEL_OK);
    cr_assert_eq(hel_owner_secret(f.engine, f.key, "mac", NULL, 0, z), HEL_OK);
    cr_assert(memcmp(x, y, 32) && memcmp(x, z, 32) && memcmp(y, z, 32));
    cr_assert_eq(hel_owner_secret(f.engine, f.key, "rho", NULL, 0, y), HEL_OK);
    cr_assert_eq(memcmp(x, y, 32), 0);
    hel_secret_key_free(other);
    ref_teardown(&f);
}

static int same_key(const ref_fixture *f, const hel_switch_key *a, const hel_switch_key *b)
{
    size_t words = (size_t)a->digits * 2 * (a->q_limbs + a->special) * f->scheme->n;
    return a->digits == b->digits && a->q_limbs == b->q_limbs && a->special == b->special &&
           !memcmp(a->data, b->data, words * 4);
}

Test(keys, coding)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    hel_eval_keys *back;
    hel_buf galois = {0}, relin = {0};
    ref_setup(&f, &p, HEL_SIMD_AUTO, 1);
    const uint32_t n = f.scheme->n;
    cr_assert_eq(hel_eval_keys_encode_galois(f.engine, f.scheme, f.keys, &galois), HEL_OK);
    cr_assert_eq(hel_eval_keys_encode_relin(f.engine, f.scheme, f.keys, &relin), HEL_OK);
    cr_assert_eq(galois.bytes, 15 * 2 * 6 * 4 * (size_t)n);
    cr_assert_eq(relin.bytes, 3 * 3 * 4 * (size_t)n);
#define DECODE                                                                                     \
    hel_eval_keys_decode(f.engine, f.scheme, f.keys->key_id, f.keys->seed, galois.data,            \
                         galois.bytes, relin.data, relin.bytes, &back)
    cr_assert_eq(DECODE, HEL_OK);
    cr_assert_eq(back->galois_count, f.keys->galois_count);
    for (uint32_t i = 0; i < back->galois_count; i++)
        cr_assert(same_key(&f, &back->galois[i], &f.keys->galois[i]));
    cr_assert(same_key(&f, &back->relin, &f.keys->relin));
    for (uint32_t s = 0; s < back->step_count; s++)
        cr_assert_eq(memcmp(back->packed[s], f.keys->packed[s],
                            f.scheme->total * hel_packed_words(f.scheme, s) * 4),
                     0);
    cr_assert_eq(memcmp(back->key_id, f.keys->key_id, 16), 0);
    hel_eval_keys_free(back);

    galois.bytes--;
    cr_assert_eq(DECODE, HEL_E_FORMAT);
    galois.bytes++;
    relin.bytes -= 4;
    cr_assert_eq(DECODE, HEL_E_FORMAT);
    relin.bytes += 4;
    /* residues not below their primes, at the ends and in between, q itself included */
    ref_random random = ref_random_start(2);
    for (uint32_t i = 0; i < 20; i++) {
        hel_buf *buf = i % 2 ? &relin : &galois;
        size_t words = buf->bytes / 4, at = ref_random_u64(&random) % words;
        at = i < 2 ? 0 : i < 4 ? words - 1 : at;
        uint32_t limb = (uint32_t)(at / n) % (i % 2 ? 3 : 6);
        uint32_t save = hel_get_u32(buf->data + 4 * at), q = f.scheme->ring->limb[limb].q;
        hel_put_u32(buf->data + 4 * at, i % 3 ? q : UINT32_MAX);
        hel_error_clear(f.engine);
        cr_assert_eq(DECODE, HEL_E_FORMAT);
        cr_assert_null(back);
        cr_assert(strstr(hel_engine_error(f.engine), "limb"));
        hel_put_u32(buf->data + 4 * at, q - 1); /* allowed */
        cr_assert_eq(DECODE, HEL_OK);
        hel_eval_keys_free(back);
        hel_put_u32(buf->data + 4 * at, save);
    }
    hel_buf_free(&galois);
    hel_buf_free(&relin);
    ref_teardown(&f);
}

Test(keys, generation_twice_differs)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    hel_eval_keys *other;
    ref_setup(&f, &p, HEL_SIMD_AUTO, 1);
    cr_assert_eq(hel_eval_keys_generate(f.engine, f.scheme, f.key, &other), HEL_OK);
    cr_assert_neq(memcmp(other->seed, f.keys->seed, 32), 0);
    cr_assert_eq(memcmp(other->key_id, f.keys->key_id, 16), 0);
    uint32_t same = 0;
    for (size_t i = 0; i < 6 * (size_t)f.scheme->n; i++)
        same += other->galois[3].data[i] == f.keys->galois[3].data[i];
    cr_assert_lt(same, 5);
    hel_eval_keys_free(other);
    ref_teardown(&f);
}

Test(keys, out_of_memory)
{
    hel_params p = ref_toy(10);
    ref_fixture f;
    ref_setup(&f, &p, HEL_SIMD_AUTO, 0);
    const uint64_t before = hel_mem_in_use();
    hel_eval_keys *keys;
    hel_secret_key *secret;
    for (uint64_t n = 1;; n += n < 40 ? 1 : 13) {
        hel_mem_fail_nth(n);
        hel_status status = hel_eval_keys_generate(f.engine, f.scheme, f.key, &keys);
        hel_mem_fail_nth(0);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_MEMORY);
        cr_assert_eq(hel_mem_in_use(), before);
    }
    hel_eval_keys_free(keys);
    for (uint64_t n = 1;; n++) {
        hel_mem_fail_nth(n);
        hel_status status = hel_secret_key_generate(f.engine, f.scheme, &secret);
        hel_mem_fail_nth(0);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_MEMORY);
        cr_assert_eq(hel_mem_in_use(), before);
    }
    hel_secret_key_free(secret);
    cr_assert_eq(hel_mem_in_use(), before);
    ref_teardown(&f);
}
