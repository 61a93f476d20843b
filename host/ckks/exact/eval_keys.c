/*
 * Evaluation keys: generation, and coding of the b halves. The a halves are streams of the public
 * seed: object 64 k + j, key k of its domain, digit j. Errors are streams of a second seed that
 * lives only here.
 */
#include <string.h>

#include "host/base/mem.h"
#include "host/ckks/exact/expand_ops.h"
#include "host/ckks/exact/expand_private.h"
#include "host/ckks/residue_bytes.h"
#include "host/ckks/switch_key.h"

static uint64_t stream_object(uint32_t key, uint32_t digit)
{
    return (uint64_t)key * 64 + digit;
}

static size_t key_words(const hel_scheme *scheme, const hel_switch_key *k)
{
    return (size_t)k->digits * 2 * (k->q_limbs + k->special) * scheme->n;
}

static hel_status allocate_key(hel_engine *engine, const hel_scheme *scheme, hel_switch_key *k,
                               int relin)
{
    const hel_params *p = &scheme->params;
    k->q_limbs = relin ? p->scan_limbs : p->expand_limbs;
    k->special = relin ? 0 : p->special_limbs;
    k->digit_limbs = relin ? 1 : p->digit_limbs;
    k->digits = (k->q_limbs + k->digit_limbs - 1) / k->digit_limbs;
    return hel_malloc(engine, &k->data, key_words(scheme, k), sizeof *k->data);
}

/* X^-shift modulo ring limb i, NTT and Montgomery form */
static void fill_monomial(const hel_scheme *scheme, uint32_t i, uint32_t shift, uint32_t *out)
{
    const uint32_t n = scheme->n, k = (2 * n - shift) & (2 * n - 1), q = scheme->ring->limb[i].q;
    const uint32_t one = hel_montgomery_one(scheme, i);
    memset(out, 0, n * sizeof *out);
    out[k & (n - 1)] = k < n ? one : q - one;
    hel_ntt_forward(scheme->ring, i, out);
}

/* The fused loops' copy of the Galois keys; run when these are complete. */
static hel_status pack_keys(hel_engine *engine, const hel_scheme *scheme, hel_eval_keys *keys)
{
    const uint32_t log_n = scheme->params.log_n;
    uint32_t *scaled;
    HEL_TRY(hel_malloc(engine, &scaled, scheme->n, sizeof *scaled));
    for (uint32_t step = 0; step < hel_tree_steps(log_n); step++)
        for (uint32_t t = 0; t < scheme->total; t++) {
            uint32_t terms = (1u << hel_step_levels(log_n, step)) - 1,
                     first = hel_step_key(log_n, step);
            uint32_t *out = keys->packed[step] + t * hel_packed_words(scheme, step);
            for (uint32_t v = 0; v < terms * scheme->digits * 2; v++) {
                uint32_t m = v / 2 / scheme->digits, j = v / 2 % scheme->digits, p = v % 2;
                scheme->ring->ops->mul_scalar(
                    &scheme->ring->limb[t], scaled,
                    hel_switch_vector(&keys->galois[first + m], scheme->n, j, p, t),
                    hel_montgomery_one(scheme, t), scheme->n);
                for (size_t i = 0; i < scheme->n; i += 16)
                    memcpy(out + hel_pack_index(terms * scheme->digits * 2, scheme->digits, m, j, p,
                                                i),
                           scaled + i, 16 * sizeof *out);
            }
        }
    hel_free(scaled);
    return HEL_OK;
}

/* Exponents, automorphism maps and monomials: functions of N alone. */
static hel_status fill_tables(hel_engine *engine, const hel_scheme *scheme, hel_eval_keys *keys)
{
    const uint32_t log_n = scheme->params.log_n, n = scheme->n;
    for (uint32_t step = 0; step < hel_tree_steps(log_n); step++) {
        uint32_t level = hel_step_level(log_n, step), key = hel_step_key(log_n, step);
        uint32_t *g = keys->exponent + key, unit = 1u << level;
        g[0] = (n >> level) + 1;
        keys->shift_by[key] = unit;
        if (hel_step_levels(log_n, step) == 1)
            continue;
        g[1] = (n >> (level + 1)) + 1;
        g[2] = g[0] * g[1] & (2 * n - 1);
        keys->shift_by[key] = 2 * unit; /* child 1: (a, b) = (0, 1) */
        keys->shift_by[key + 1] = unit;
        keys->shift_by[key + 2] = 3 * unit;
    }
    for (uint32_t i = 0; i < keys->galois_count; i++) {
        HEL_TRY(hel_malloc(engine, &keys->map[i], n, sizeof(uint32_t)));
        hel_automorph_map(scheme->ring, keys->exponent[i], keys->map[i]);
        HEL_TRY(hel_malloc(engine, &keys->shift[i], (size_t)scheme->total * n, sizeof(uint32_t)));
        for (uint32_t t = 0; t < scheme->total; t++)
            fill_monomial(scheme, t, keys->shift_by[i], keys->shift[i] + (size_t)t * n);
    }
    return HEL_OK;
}

static hel_status allocate(hel_engine *engine, const hel_scheme *scheme, hel_eval_keys **out)
{
    const uint32_t count = hel_tree_keys(scheme->params.log_n);
    const uint32_t steps = hel_tree_steps(scheme->params.log_n);
    hel_eval_keys *keys;
    hel_status status;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &keys, 1, sizeof *keys));
    HEL_TRY_GOTO(hel_calloc(engine, &keys->galois, count, sizeof *keys->galois), fail);
    HEL_TRY_GOTO(hel_calloc(engine, &keys->exponent, count, sizeof *keys->exponent), fail);
    HEL_TRY_GOTO(hel_calloc(engine, &keys->shift_by, count, sizeof *keys->shift_by), fail);
    HEL_TRY_GOTO(hel_calloc(engine, &keys->map, count, sizeof *keys->map), fail);
    HEL_TRY_GOTO(hel_calloc(engine, &keys->shift, count, sizeof *keys->shift), fail);
    HEL_TRY_GOTO(hel_calloc(engine, &keys->packed, steps, sizeof *keys->packed), fail);
    keys->galois_count = count;
    keys->step_count = steps;
    for (uint32_t i = 0; i < steps; i++)
        HEL_TRY_GOTO(hel_malloc(engine, &keys->packed[i], scheme->total,
                                hel_packed_words(scheme, i) * sizeof(uint32_t)),
                     fail);
    for (uint32_t i = 0; i < count; i++)
        HEL_TRY_GOTO(allocate_key(engine, scheme, &keys->galois[i], 0), fail);
    HEL_TRY_GOTO(allocate_key(engine, scheme, &keys->relin, 1), fail);
    HEL_TRY_GOTO(fill_tables(engine, scheme, keys), fail);
    *out = keys;
    return HEL_OK;
fail:
    hel_eval_keys_free(keys);
    return status;
}

void hel_eval_keys_free(hel_eval_keys *k)
{
    if (!k)
        return;
    for (uint32_t i = 0; i < k->galois_count; i++) {
        hel_free(k->galois[i].data);
        hel_free(k->map[i]);
        hel_free(k->shift[i]);
    }
    for (uint32_t i = 0; i < k->step_count; i++)
        hel_free(k->packed[i]);
    hel_free(k->packed);
    hel_free(k->galois);
    hel_free(k->exponent);
    hel_free(k->shift_by);
    hel_free(k->map);
    hel_free(k->shift);
    hel_free(k->relin.data);
    hel_free(k);
}

/* The a halves of one key. scratch: 4 N bytes. */
static hel_status expand_halves(const hel_scheme *scheme, hel_chacha *seed, hel_domain domain,
                                uint32_t index, hel_switch_key *k, uint8_t *scratch)
{
    for (uint32_t j = 0; j < k->digits; j++)
        for (uint32_t t = 0; t < k->q_limbs + k->special; t++)
            HEL_TRY(hel_sample_uniform(scheme->ring, hel_switch_limb(scheme, k, t), seed,
                                       stream_object(index, j), domain,
                                       hel_switch_vector(k, scheme->n, j, 1, t), scratch));
    return HEL_OK;
}

/* b = -a s + e + P g s' for every digit; from: s' in NTT form over the key's q_limbs. */
static hel_status generate_key(hel_switch_generator *g, const hel_scheme *scheme, hel_switch_key *k,
                               uint32_t index, int relin, const uint32_t *from, const uint32_t *map)
{
    const hel_switch_shape shape = {k->q_limbs, k->special, scheme->params.expand_limbs,
                                    k->digit_limbs};
    for (uint32_t j = 0; j < k->digits; j++) {
        const hel_switch_digit digit = {
            .digit = j,
            .domain_a = relin ? HEL_DOMAIN_RELIN_A : HEL_DOMAIN_GALOIS_A,
            .domain_e = relin ? HEL_DOMAIN_RELIN_E : HEL_DOMAIN_GALOIS_E,
            .object = stream_object(index, j),
            .from = from,
            .map = map,
        };
        HEL_TRY(hel_switch_generate(g, &shape, &digit, hel_switch_vector(k, scheme->n, j, 0, 0)));
    }
    return HEL_OK;
}

static hel_status generate_all(hel_switch_generator *g, const hel_scheme *scheme,
                               const hel_secret_key *secret, hel_eval_keys *keys)
{
    for (uint32_t i = 0; i < keys->galois_count; i++)
        HEL_TRY(generate_key(g, scheme, &keys->galois[i], i, 0, secret->s_ntt, keys->map[i]));
    return generate_key(g, scheme, &keys->relin, 0, 1, secret->s2_ntt, NULL);
}

hel_status hel_eval_keys_generate(hel_engine *engine, const hel_scheme *scheme,
                                  const hel_secret_key *k, hel_eval_keys **out)
{
    uint8_t error_seed[HEL_SEED_BYTES] = {0};
    hel_switch_generator *g = NULL;
    hel_eval_keys *keys = NULL;
    hel_status status;
    *out = NULL;
    HEL_TRY_GOTO(allocate(engine, scheme, &keys), done);
    memcpy(keys->key_id, k->key_id, sizeof keys->key_id);
    HEL_TRY_GOTO(hel_random(engine, keys->seed, sizeof keys->seed), done);
    HEL_TRY_GOTO(hel_random(engine, error_seed, sizeof error_seed), done);
    HEL_TRY_GOTO(
        hel_switch_generator_create(engine, &g, scheme->ring, k->s_ntt, keys->seed, error_seed),
        done);
    HEL_TRY_GOTO(generate_all(g, scheme, k, keys), done);
    status = pack_keys(engine, scheme, keys);
done:
    hel_wipe(error_seed, sizeof error_seed);
    hel_switch_generator_free(g);
    if (status == HEL_OK)
        *out = keys;
    else
        hel_eval_keys_free(keys);
    return status;
}

/* ---- coding: b halves, 4 bytes a word, in the order digit, limb, coefficient ---- */

static size_t encoded_bytes(const hel_scheme *scheme, const hel_switch_key *k)
{
    return key_words(scheme, k) / 2 * 4;
}

static hel_status encode_key(hel_engine *engine, const hel_scheme *scheme, const hel_switch_key *k,
                             hel_buf *out)
{
    const size_t words = (size_t)(k->q_limbs + k->special) * scheme->n;
    for (uint32_t j = 0; j < k->digits; j++)
        HEL_TRY(hel_residues_put(engine, out, hel_switch_vector(k, scheme->n, j, 0, 0), words));
    return HEL_OK;
}

hel_status hel_eval_keys_encode_galois(hel_engine *engine, const hel_scheme *scheme,
                                       const hel_eval_keys *k, hel_buf *out)
{
    for (uint32_t i = 0; i < k->galois_count; i++)
        HEL_TRY(encode_key(engine, scheme, &k->galois[i], out));
    return HEL_OK;
}

hel_status hel_eval_keys_encode_relin(hel_engine *engine, const hel_scheme *scheme,
                                      const hel_eval_keys *k, hel_buf *out)
{
    return encode_key(engine, scheme, &k->relin, out);
}

static hel_status decode_key(hel_engine *engine, const hel_scheme *scheme, const char *what,
                             uint32_t index, const uint8_t *data, hel_switch_key *k)
{
    for (uint32_t j = 0; j < k->digits; j++)
        for (uint32_t t = 0; t < k->q_limbs + k->special; t++, data += 4 * (size_t)scheme->n) {
            const uint32_t q = scheme->ring->limb[hel_switch_limb(scheme, k, t)].q;
            HEL_REQUIRE(
                engine,
                hel_residues_get(q, hel_switch_vector(k, scheme->n, j, 0, t), data, scheme->n),
                HEL_E_FORMAT,
                "evaluation keys: %s key %u, digit %u, limb %u: a residue is not below its "
                "prime",
                what, index, j, t);
        }
    return HEL_OK;
}

static hel_status decode_all(hel_engine *engine, const hel_scheme *scheme, const uint8_t *galois,
                             const uint8_t *relin, hel_chacha *seed, uint8_t *scratch,
                             hel_eval_keys *keys)
{
    for (uint32_t i = 0; i < keys->galois_count; i++) {
        hel_switch_key *k = &keys->galois[i];
        HEL_TRY(decode_key(engine, scheme, "Galois", i, galois + i * encoded_bytes(scheme, k), k));
        HEL_TRY(expand_halves(scheme, seed, HEL_DOMAIN_GALOIS_A, i, k, scratch));
    }
    HEL_TRY(decode_key(engine, scheme, "relinearization", 0, relin, &keys->relin));
    return expand_halves(scheme, seed, HEL_DOMAIN_RELIN_A, 0, &keys->relin, scratch);
}

hel_status hel_eval_keys_decode(hel_engine *engine, const hel_scheme *scheme,
                                const uint8_t key_id[16], const uint8_t seed[HEL_SEED_BYTES],
                                const uint8_t *galois, size_t galois_bytes, const uint8_t *relin,
                                size_t relin_bytes, hel_eval_keys **out)
{
    hel_eval_keys *keys = NULL;
    hel_chacha *chacha = NULL;
    uint8_t *scratch = NULL;
    hel_status status;
    *out = NULL;
    HEL_TRY_GOTO(allocate(engine, scheme, &keys), done);
    size_t want_galois = keys->galois_count * encoded_bytes(scheme, &keys->galois[0]);
    size_t want_relin = encoded_bytes(scheme, &keys->relin);
    if (galois_bytes != want_galois || relin_bytes != want_relin) {
        status = hel_fail(engine, HEL_E_FORMAT,
                          "evaluation keys: %zu and %zu bytes, the rule is %zu and %zu",
                          galois_bytes, relin_bytes, want_galois, want_relin);
        goto done;
    }
    memcpy(keys->key_id, key_id, sizeof keys->key_id);
    memcpy(keys->seed, seed, sizeof keys->seed);
    HEL_TRY_GOTO(hel_chacha_create(engine, &chacha, seed), done);
    HEL_TRY_GOTO(hel_malloc(engine, &scratch, scheme->n, 4), done);
    HEL_TRY_GOTO(decode_all(engine, scheme, galois, relin, chacha, scratch, keys), done);
    status = pack_keys(engine, scheme, keys);
done:
    hel_chacha_free(chacha);
    hel_free(scratch);
    if (status == HEL_OK)
        *out = keys;
    else
        hel_eval_keys_free(keys);
    return status;
}
