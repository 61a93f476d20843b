/*
 * hel_inspect for files of the CKKS evaluator: parameters in words, then the object's shape, read
 * from its head alone (FORMAT.md, kinds 9 to 14). Residues are not looked at: loading does that.
 */
#include <math.h>

#include "host/assoc/inspect_private.h"
#include "host/base/bytes.h"
#include "host/ckks/evaluator.h"

typedef unsigned long long ull;

#define PUBLIC_HEAD 8u
#define KEYS_HEAD   12u
#define PLAIN_HEAD  56u
#define CIPHER_HEAD 72u

/* ---- parameters ---- */

static hel_status read_params(hel_reader *r, const hel_explainer *to, hel_ckks_params *p,
                              hel_ckks_info *info)
{
    const uint8_t *data;
    uint64_t bytes;
    uint8_t digest[HEL_DIGEST_BYTES];
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_PARAMS, &data, &bytes));
    hel_status status = hel_ckks_params_decode(to->engine, data, (size_t)bytes, p);
    if (status == HEL_OK)
        status = hel_ckks_params_check(to->engine, p, info);
    if (status == HEL_E_USAGE || status == HEL_E_SECURITY) /* nobody asked for them: a bad file */
        return HEL_E_FORMAT;
    HEL_TRY(status);
    HEL_TRY(hel_sha256_once(to->engine, data, (size_t)bytes, digest));
    HEL_REQUIRE(to->engine, hel_equal(digest, hel_reader_head(r)->params, HEL_DIGEST_BYTES),
                HEL_E_FORMAT, "%s: the parameters do not have the digest that the header states",
                hel_reader_path(r));
    return HEL_OK;
}

static hel_status explain_set(const hel_explainer *to, const hel_ckks_params *p,
                              const hel_ckks_info *info)
{
    double low = info->scale[0], high = low;
    for (uint32_t l = 1; l <= p->depth; l++) {
        low = fmin(low, info->scale[l]);
        high = fmax(high, info->scale[l]);
    }
    HEL_TRY(hel_explain(to, "ring", "N = %u (2^%u), up to %u slots", 1u << p->log_n, p->log_n,
                        1u << (p->log_n - 1)));
    HEL_TRY(hel_explain(to, "levels", "0 to %u, a multiplication takes one", p->depth));
    HEL_TRY(hel_explain(to, "scale", "2^%u at the top, 2^%.2f to 2^%.2f over all levels",
                        p->scale_bits, log2(low), log2(high)));
    HEL_TRY(hel_explain(to, "modulus",
                        "log2(Q) = %.2f in %u primes, log2(QP) = %.2f with %u special ones",
                        info->log_q, info->q_limbs, info->log_qp, p->special_limbs));
    HEL_TRY(hel_explain(to, "key switching", "%u digits of up to %u primes", info->dnum,
                        p->digit_limbs));
    if (p->security == 0)
        return hel_explain(to, "security", "NONE: insecure parameters, log2(QP) = %.2f",
                           info->log_qp);
    return hel_explain(to, "security", "%u bits: log2(QP) = %.2f, at most %.0f for N = 2^%u",
                       p->security, info->log_qp, info->log_bound, p->log_n);
}

static hel_status begin(hel_reader *r, const hel_explainer *to, hel_ckks_params *p)
{
    hel_ckks_info info;
    HEL_TRY(read_params(r, to, p, &info));
    return explain_set(to, p, &info);
}

/* ---- objects ---- */

/* The head of section OBJC, checked to be there and of version 1. */
static hel_status read_head(hel_reader *r, const hel_explainer *to, size_t head,
                            const uint8_t **data, uint64_t *bytes)
{
    HEL_TRY(hel_reader_section(r, HEL_SECTION_OBJECT, data, bytes));
    HEL_REQUIRE(to->engine, *bytes >= head, HEL_E_FORMAT,
                "%s: section OBJC: %llu bytes, its head alone has %zu", hel_reader_path(r),
                (ull)*bytes, head);
    HEL_TRY(hel_reader_check(r, HEL_SECTION_OBJECT, 0, head));
    HEL_REQUIRE(to->engine, hel_get_u32(*data) == 1, HEL_E_FORMAT,
                "%s: section OBJC: unknown version %u", hel_reader_path(r), hel_get_u32(*data));
    return HEL_OK;
}

static hel_status must_have(hel_reader *r, const hel_explainer *to, uint64_t bytes, uint64_t rule)
{
    HEL_REQUIRE(to->engine, bytes == rule, HEL_E_FORMAT,
                "%s: section OBJC: %llu bytes, its head demands %llu", hel_reader_path(r),
                (ull)bytes, (ull)rule);
    return HEL_OK;
}

/* Level, slots and batch of messages. */
static hel_status explain_messages(hel_reader *r, const hel_explainer *to, const hel_ckks_params *p,
                                   const uint8_t *head)
{
    const uint32_t level = hel_get_u32(head + 4), log_slots = hel_get_u32(head + 8);
    const uint32_t batch = hel_get_u32(head + 12);
    HEL_REQUIRE(to->engine, level <= p->depth && log_slots < p->log_n, HEL_E_FORMAT,
                "%s: section OBJC: level %u with 2^%u slots; the parameters have levels up to %u "
                "and 2^%u slots",
                hel_reader_path(r), level, log_slots, p->depth, p->log_n - 1);
    HEL_TRY(hel_explain(to, "level", "%u of %u: %u primes", level, p->depth, p->limbs[level]));
    return hel_explain(to, "messages", "%u of %u slot%s", batch, 1u << log_slots,
                       log_slots ? "s" : "");
}

/* Bytes of a polynomial of every message; below 2^56. */
static uint64_t poly_bytes(const hel_ckks_params *p, const uint8_t *head)
{
    const uint64_t limbs = p->limbs[hel_get_u32(head + 4)];
    return hel_get_u32(head + 12) * limbs * 4 << p->log_n;
}

hel_status hel_explain_ckks_params(hel_reader *r, const hel_explainer *to)
{
    hel_ckks_params p;
    hel_ckks_info info;
    HEL_TRY(read_params(r, to, &p, &info));
    HEL_TRY(explain_set(to, &p, &info));
    HEL_TRY(hel_explain(to, "precision", "%.1f bits after encryption by the public key",
                        info.precision_bits));
    HEL_TRY(hel_explain(to, "a ciphertext", "%llu bytes at the top level, %llu with a seed",
                        (ull)info.ciphertext_bytes, (ull)info.seeded_bytes));
    return hel_explain(to, "a switching key", "%llu bytes in memory, %llu in a file",
                       (ull)info.key_bytes, (ull)info.seeded_key_bytes);
}

hel_status hel_explain_ckks_secret(hel_reader *r, const hel_explainer *to)
{
    hel_ckks_params p;
    HEL_TRY(begin(r, to, &p));
    return hel_explain_sealing(r, to);
}

hel_status hel_explain_ckks_public(hel_reader *r, const hel_explainer *to)
{
    hel_ckks_params p;
    const uint8_t *data;
    uint64_t bytes;
    HEL_TRY(begin(r, to, &p));
    HEL_TRY(read_head(r, to, PUBLIC_HEAD, &data, &bytes));
    const uint32_t limbs = p.limbs[p.depth];
    HEL_REQUIRE(to->engine, hel_get_u32(data + 4) == limbs, HEL_E_FORMAT,
                "%s: section OBJC: %u limbs, the parameters have %u", hel_reader_path(r),
                hel_get_u32(data + 4), limbs);
    HEL_TRY(must_have(r, to, bytes, PUBLIC_HEAD + ((uint64_t)limbs * 4 << p.log_n)));
    return hel_explain(to, "public key", "%u primes, %llu bytes and a seed", limbs,
                       (ull)(bytes - PUBLIC_HEAD));
}

/* What the keys' elements are for; elements ascend, so that the first and last are the special
 * ones. */
static hel_status explain_elements(hel_reader *r, const hel_explainer *to, const hel_ckks_params *p,
                                   const uint8_t *data, uint32_t count, uint64_t each)
{
    const uint32_t conjugation = (2u << p->log_n) - 1;
    uint32_t relin = 0, conjugate = 0, before = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t at = KEYS_HEAD + i * each;
        HEL_TRY(hel_reader_check(r, HEL_SECTION_OBJECT, at, 4));
        const uint32_t element = hel_get_u32(data + at);
        HEL_REQUIRE(to->engine,
                    (i == 0 && element == 0) ||
                        (element & 1 && element > 1 && element <= conjugation && element > before),
                    HEL_E_FORMAT, "%s: section OBJC: key %u: element %u is out of range or order",
                    hel_reader_path(r), i, element);
        relin += element == 0;
        conjugate += element == conjugation;
        before = element;
    }
    return hel_explain(to, "keys", "%u: %u for relinearization, %u for conjugation, %u for others",
                       count, relin, conjugate, count - relin - conjugate);
}

hel_status hel_explain_ckks_keys(hel_reader *r, const hel_explainer *to)
{
    hel_ckks_params p;
    const uint8_t *data;
    uint64_t bytes;
    HEL_TRY(begin(r, to, &p));
    HEL_TRY(read_head(r, to, KEYS_HEAD, &data, &bytes));
    const uint32_t level = hel_get_u32(data + 4), count = hel_get_u32(data + 8);
    HEL_REQUIRE(to->engine, level <= p.depth && count <= 1u << p.log_n, HEL_E_FORMAT,
                "%s: section OBJC: %u keys of level %u, the parameters have %u elements and levels "
                "up to %u",
                hel_reader_path(r), count, level, 1u << p.log_n, p.depth);
    const uint32_t digits = hel_ckks_digits(&p, level), limbs = p.limbs[level] + p.special_limbs;
    const uint64_t each = 4 + ((uint64_t)digits * limbs * 4 << p.log_n);
    HEL_TRY(must_have(r, to, bytes, KEYS_HEAD + count * each));
    HEL_TRY(hel_explain(to, "level", "%u of %u and below", level, p.depth));
    HEL_TRY(explain_elements(r, to, &p, data, count, each));
    return hel_explain(to, "each key", "%u digits over %u primes, %llu bytes and a seed", digits,
                       limbs, (ull)(each - 4));
}

/* Owner only: the shape, not what the numbers are like. */
hel_status hel_explain_ckks_plain(hel_reader *r, const hel_explainer *to)
{
    hel_ckks_params p;
    const uint8_t *data;
    uint64_t bytes;
    HEL_TRY(begin(r, to, &p));
    HEL_TRY(read_head(r, to, PLAIN_HEAD, &data, &bytes));
    HEL_TRY(explain_messages(r, to, &p, data));
    HEL_TRY(must_have(r, to, bytes, PLAIN_HEAD + poly_bytes(&p, data)));
    return hel_explain(to, "residues", "%llu bytes", (ull)(bytes - PLAIN_HEAD));
}

hel_status hel_explain_ckks_cipher(hel_reader *r, const hel_explainer *to)
{
    hel_ckks_params p;
    const uint8_t *data;
    uint64_t bytes;
    HEL_TRY(begin(r, to, &p));
    HEL_TRY(read_head(r, to, CIPHER_HEAD, &data, &bytes));
    HEL_TRY(explain_messages(r, to, &p, data));
    const uint32_t polys = hel_get_u32(data + 16), form = hel_get_u32(data + 20), seeded = form & 1;
    HEL_REQUIRE(to->engine, (polys == 2 || polys == 3) && form <= 3 && (!seeded || polys == 2),
                HEL_E_FORMAT, "%s: section OBJC: %u polynomials, form %u", hel_reader_path(r),
                polys, form);
    const uint64_t poly = poly_bytes(&p, data);
    HEL_TRY(must_have(r, to, bytes, CIPHER_HEAD + (seeded ? HEL_SEED_BYTES + poly : polys * poly)));
    HEL_TRY(hel_explain(to, "polynomials", "%u%s, %llu bytes", polys,
                        seeded ? ", the second one as a seed" : "", (ull)(bytes - CIPHER_HEAD)));
    const double scale = hel_get_f64(data + 40);
    HEL_REQUIRE(to->engine, isfinite(scale) && scale > 0, HEL_E_FORMAT,
                "%s: section OBJC: scale %g is not a valid number", hel_reader_path(r), scale);
    return hel_explain(to, "scaled by", "2^%.4f", log2(scale));
}
