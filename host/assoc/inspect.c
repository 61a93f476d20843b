/*
 * hel_inspect: the frame (host/store/explain.h), then what the file's kind adds. Public kinds are
 * decoded; of owner-only kinds nothing but sizes and counts is said.
 */
#include "host/assoc/inspect_private.h"
#include "host/assoc/layout.h"
#include "host/assoc/shard.h"
#include "host/base/mem.h"
#include "host/store/manifest.h"
#include "host/store/manifest_explain.h"

typedef unsigned long long ull;

static const char *plane_names(uint32_t planes)
{
    static const char *const names[1 << HEL_PLANES] = {
        "none", "g", "g2", "g, g2", "missing", "g, missing", "g2, missing", "g, g2, missing"};
    return planes < 1u << HEL_PLANES ? names[planes] : "unknown";
}

/* ---- parameters: a section of most kinds ---- */

static hel_status explain_proof(const hel_explainer *to, const hel_params *p)
{
    hel_params_proof proof;
    HEL_TRY(hel_params_check(to->engine, p, &proof));
    if (p->toy)
        HEL_TRY(
            hel_explain(to, "security", "NONE: toy parameters, log2(Q'P) = %.2f", proof.log_qp));
    else
        HEL_TRY(hel_explain(to, "security", "128 bits: log2(Q'P) = %.2f, at most %.0f for N = 2^%u",
                            proof.log_qp, proof.log_bound, p->log_n));
    return hel_explain(to, "exactness",
                       "sums need %.2f of %.2f bits; margin %.1f sigma (at least %.0f)",
                       proof.range_bits, proof.log_q, proof.margin, HEL_PARAMS_TAU);
}

static hel_status read_params(hel_reader *r, const hel_explainer *to, hel_params *p)
{
    const uint8_t *data;
    uint64_t bytes;
    uint8_t digest[HEL_DIGEST_BYTES];
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_PARAMS, &data, &bytes));
    hel_status status = hel_params_decode(to->engine, data, bytes, p);
    if (status == HEL_E_USAGE || status == HEL_E_SECURITY) /* nobody asked for them: a bad file */
        return HEL_E_FORMAT;
    HEL_TRY(status);
    HEL_TRY(hel_sha256_once(to->engine, data, bytes, digest));
    HEL_REQUIRE(to->engine, hel_equal(digest, hel_reader_head(r)->params, HEL_DIGEST_BYTES),
                HEL_E_FORMAT, "%s: the parameters do not have the digest that the header states",
                hel_reader_path(r));
    return HEL_OK;
}

static hel_status explain_params(hel_reader *r, const hel_explainer *to)
{
    hel_params p;
    HEL_TRY(read_params(r, to, &p));
    HEL_TRY(hel_explain(to, "ring",
                        "N = %u (2^%u), primes below 2^30: %u to scan, %u to expand, "
                        "%u special, %u per digit, %u in sums",
                        1u << p.log_n, p.log_n, p.scan_limbs, p.expand_limbs, p.special_limbs,
                        p.digit_limbs, p.out_limbs));
    HEL_TRY(hel_explain(to, "integers",
                        "weights of %u bits, entries up to %u, chunks of %u samples", p.weight_bits,
                        p.plane_max, p.chunk));
    HEL_TRY(hel_explain(to, "scales", "Da = q_last 2^%u, Dz = %llu", p.da_shift, (ull)p.dz));
    return explain_proof(to, &p);
}

/* ---- kinds ---- */

static hel_status explain_secret_key(hel_reader *r, const hel_explainer *to)
{
    HEL_TRY(explain_params(r, to));
    return hel_explain_sealing(r, to);
}

static hel_status explain_eval_keys(hel_reader *r, const hel_explainer *to)
{
    hel_params p;
    const uint8_t *data;
    uint64_t galois, relin;
    HEL_TRY(explain_params(r, to));
    HEL_TRY(read_params(r, to, &p));
    HEL_TRY(hel_reader_section(r, HEL_SECTION_GALOIS, &data, &galois));
    HEL_TRY(hel_reader_section(r, HEL_SECTION_RELIN, &data, &relin));
    const uint64_t digits = (p.expand_limbs + p.digit_limbs - 1) / p.digit_limbs;
    const uint64_t total = p.expand_limbs + p.special_limbs;
    const uint64_t each = digits * total * 4 << p.log_n;
    HEL_REQUIRE(to->engine,
                galois % each == 0 && relin == (uint64_t)p.scan_limbs * p.scan_limbs * 4 << p.log_n,
                HEL_E_FORMAT, "%s: %llu and %llu bytes of keys do not fit its parameters",
                hel_reader_path(r), (ull)galois, (ull)relin);
    HEL_TRY(hel_explain(to, "Galois keys", "%llu, each %llu digits over %llu primes, %llu bytes",
                        (ull)(galois / each), (ull)digits, (ull)total, (ull)each));
    return hel_explain(to, "relinearization", "%u digits over %u primes, %llu bytes", p.scan_limbs,
                       p.scan_limbs, (ull)relin);
}

static hel_status explain_geno_layout(const hel_explainer *to, const hel_geno_layout *l)
{
    HEL_TRY(hel_explain(to, "planes", "%s", plane_names(l->planes)));
    return hel_explain(to, "blocks", "%u of %u variants, in %u super-block%s of up to %u",
                       l->blocks, 1u << l->log_n, hel_geno_super_blocks(l),
                       hel_geno_super_blocks(l) == 1 ? "" : "s", l->super_block);
}

static hel_status must_agree(hel_reader *r, const hel_explainer *to, uint64_t samples,
                             uint64_t variants)
{
    const hel_head *h = hel_reader_head(r);
    HEL_REQUIRE(to->engine, h->sample_count == samples && h->variant_count == variants,
                HEL_E_FORMAT, "%s: header and layout differ in the number of samples or variants",
                hel_reader_path(r));
    return HEL_OK;
}

static hel_status explain_genotypes(hel_reader *r, const hel_explainer *to)
{
    const uint8_t *data;
    uint64_t bytes, body;
    hel_geno_layout l;
    HEL_TRY(explain_params(r, to));
    HEL_TRY(hel_reader_section(r, HEL_SECTION_CIPHER, &data, &body));
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_TRY(hel_geno_layout_decode(to->engine, data, bytes, body, &l));
    HEL_TRY(must_agree(r, to, l.samples, l.variants));
    HEL_TRY(explain_geno_layout(to, &l));
    const double file = (double)hel_reader_file_bytes(r);
    const double entries = (double)l.samples * (double)l.variants * l.plane_count;
    HEL_TRY(hel_explain(to, "ciphertexts", "%llu of %u limbs, %llu bytes each",
                        (ull)(body / (l.poly_words * 4)), l.limbs, (ull)(l.poly_words * 4)));
    return hel_explain(to, "cost",
                       "%u bytes per genotype and plane, %.2f with the last block's padding, "
                       "overhead %.4f %%",
                       4 * l.limbs, file / entries, 100 * (file - (double)body) / (double)body);
}

static hel_status explain_weights(hel_reader *r, const hel_explainer *to)
{
    const uint8_t *data;
    uint64_t bytes, body;
    hel_weights_layout l;
    hel_output *output = NULL;
    uint32_t outputs = 0;
    HEL_TRY(explain_params(r, to));
    HEL_TRY(hel_reader_section(r, HEL_SECTION_CIPHER, &data, &body));
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_TRY(hel_weights_layout_decode(to->engine, data, bytes, body, &l));
    HEL_TRY(must_agree(r, to, l.samples, hel_reader_head(r)->variant_count));
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_COLUMNS, &data, &bytes));
    HEL_TRY(hel_outputs_decode(to->engine, data, bytes, &l, &output, &outputs));
    hel_free(output);
    HEL_TRY(hel_explain(to, "columns", "%u on planes %s: %u sums per variant", l.columns,
                        plane_names(l.planes), outputs));
    HEL_TRY(hel_explain(to, "chunks", "%u of up to %u samples, in segments of %u", l.chunks,
                        l.chunk, l.segment));
    return hel_explain(to, "ciphertexts", "%llu of %u limbs, %llu bytes each",
                       (ull)(body / (l.poly_words * 4)), l.limbs, (ull)(l.poly_words * 4));
}

static hel_status explain_sums(hel_reader *r, const hel_explainer *to)
{
    const uint8_t *data;
    uint64_t bytes, body;
    hel_sums_layout l;
    HEL_TRY(hel_reader_section(r, HEL_SECTION_CIPHER, &data, &body));
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_TRY(hel_sums_layout_decode(to->engine, data, bytes, body, &l));
    HEL_TRY(must_agree(r, to, hel_reader_head(r)->sample_count, l.variants));
    HEL_TRY(hel_explain_digest(to, "genotypes read", l.geno_content, HEL_DIGEST_BYTES));
    HEL_TRY(hel_explain_digest(to, "weights read", l.weights_content, HEL_DIGEST_BYTES));
    HEL_TRY(hel_explain(to, "sums", "%u per variant, of %u columns, over %u chunk%s of samples",
                        l.outputs, l.columns, l.chunks, l.chunks == 1 ? "" : "s"));
    HEL_TRY(hel_explain(to, "blocks", "%u of %u variants", l.blocks, 1u << l.log_n));
    return hel_explain(to, "ciphertexts",
                       "%llu pairs of %u limbs, %llu bytes each; %.1f bytes per variant",
                       (ull)l.chunks * l.blocks * l.outputs, l.limbs, (ull)l.limbs * 8 << l.log_n,
                       (double)body / (double)l.variants);
}

static hel_status explain_partial(hel_reader *r, const hel_explainer *to)
{
    const uint8_t *data;
    uint64_t bytes;
    hel_sums_layout l;
    hel_shard s;
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_TRY(hel_sums_layout_decode(to->engine, data, bytes, UINT64_MAX, &l));
    HEL_TRY(must_agree(r, to, hel_reader_head(r)->sample_count, l.variants));
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_SHARD, &data, &bytes));
    HEL_TRY(hel_shard_decode(to->engine, data, bytes, l.blocks, &s));
    const ull first = ((ull)s.first << l.log_n) + 1, last = (ull)(s.first + s.count) << l.log_n;
    HEL_TRY(hel_explain(to, "shard", "%u of %u: blocks %u to %u of %u, variants %llu to %llu",
                        s.shard, s.shards, s.first, s.first + s.count - 1, l.blocks, first,
                        last < l.variants ? last : (ull)l.variants));
    HEL_TRY(hel_explain_digest(to, "genotypes read", l.geno_content, HEL_DIGEST_BYTES));
    HEL_TRY(hel_explain_digest(to, "weights read", l.weights_content, HEL_DIGEST_BYTES));
    HEL_TRY(hel_explain_digest(to, "keys used", s.evk_content, HEL_DIGEST_BYTES));
    return hel_explain(to, "sums",
                       "%u per variant, of %u columns, over %u chunk%s of samples; to be merged",
                       l.outputs, l.columns, l.chunks, l.chunks == 1 ? "" : "s");
}

/* As scan_checkpoint.c writes it. */
static hel_status explain_checkpoint(hel_reader *r, const hel_explainer *to)
{
    const uint8_t *data, *done;
    uint64_t bytes, done_bytes, accumulators, finished = 0;
    uint32_t word[8];
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_STATE, &data, &bytes));
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_DONE, &done, &done_bytes));
    hel_cursor c = {.data = data, .bytes = bytes};
    const uint8_t *id = hel_cursor_take(&c, HEL_DIGEST_BYTES);
    for (int i = 0; i < 8; i++)
        word[i] = hel_cursor_u32(&c);
    const uint64_t rows = (uint64_t)word[1] * word[3], row = 1 + 8 * (uint64_t)word[4];
    HEL_REQUIRE(to->engine, id && !c.bad && word[0] == 1 && rows && done_bytes / row == rows,
                HEL_E_FORMAT, "%s: the state of the checkpoint is malformed", hel_reader_path(r));
    for (uint64_t i = 0; i < rows; i++)
        finished += done[i * row] != 0;
    HEL_TRY(hel_reader_section(r, HEL_SECTION_ACCU, &data, &accumulators));
    HEL_TRY(hel_explain_digest(to, "sums under way", id, HEL_DIGEST_BYTES));
    HEL_TRY(hel_explain(to, "blocks", "%u to %u", word[2], word[2] + word[3] - 1));
    HEL_TRY(hel_explain(to, "finished", "%llu of %llu (chunk, block), %u sums each", (ull)finished,
                        (ull)rows, word[4]));
    for (uint32_t i = 0; i < word[7]; i++) {
        const uint32_t chunk = hel_cursor_u32(&c), first = hel_cursor_u32(&c);
        const uint32_t count = hel_cursor_u32(&c), samples = hel_cursor_u32(&c);
        HEL_REQUIRE(to->engine, !c.bad, HEL_E_FORMAT,
                    "%s: the state of the checkpoint is malformed", hel_reader_path(r));
        HEL_TRY(hel_explain(to, "under way", "chunk %u, blocks %u to %u: %u samples of the chunk",
                            chunk, first, first + count - 1, samples));
    }
    return hel_explain(to, "accumulators", "%llu bytes", (ull)accumulators);
}

/* The MAC is not checked here (that takes the key), so nothing below relies on the content. */
static hel_status explain_dataset(hel_reader *r, const hel_explainer *to)
{
    const uint8_t *data;
    uint64_t bytes;
    hel_geno_layout l;
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_REQUIRE(to->engine, bytes >= HEL_DIGEST_BYTES, HEL_E_FORMAT, "%s: layout: truncated",
                hel_reader_path(r));
    HEL_TRY(hel_geno_layout_decode(to->engine, data, bytes - HEL_DIGEST_BYTES, UINT64_MAX, &l));
    HEL_TRY(must_agree(r, to, l.samples, l.variants));
    HEL_TRY(explain_geno_layout(to, &l));
    HEL_TRY(hel_explain(to, "missing calls", "%s",
                        l.planes >> HEL_PLANE_MISS & 1 ? "a plane of their own, encrypted"
                                                       : "a private list in this file"));
    return hel_explain(to, "digests", "%llu, one per sample, block and plane",
                       (ull)l.blocks * l.plane_count * l.samples);
}

static hel_status explain_model(hel_reader *r, const hel_explainer *to)
{
    const uint8_t *data;
    uint64_t bytes;
    hel_model *m;
    HEL_TRY(hel_reader_checked(r, HEL_SECTION_MODEL, &data, &bytes));
    HEL_TRY(hel_model_decode(to->engine, data, bytes, &m));
    const uint32_t analyses = m->analyses, patterns = m->patterns, columns = m->columns;
    const uint32_t outputs = m->outputs, bits = m->bits, samples = m->samples;
    hel_model_free(m);
    HEL_TRY(must_agree(r, to, samples, hel_reader_head(r)->variant_count));
    HEL_TRY(hel_explain(to, "analyses", "%u, of %u missingness pattern%s", analyses, patterns,
                        patterns == 1 ? "" : "s"));
    return hel_explain(to, "columns", "%u of %u bits: %u sums per variant", columns, bits, outputs);
}

/* A new kind's explanation is one row here. */
static const struct {
    hel_kind kind;
    hel_status (*explain)(hel_reader *r, const hel_explainer *to);
} explanations[] = {
    {HEL_KIND_PARAMS, explain_params},
    {HEL_KIND_SECRET_KEY, explain_secret_key},
    {HEL_KIND_EVAL_KEYS, explain_eval_keys},
    {HEL_KIND_GENOTYPES, explain_genotypes},
    {HEL_KIND_DATASET, explain_dataset},
    {HEL_KIND_WEIGHTS, explain_weights},
    {HEL_KIND_MODEL, explain_model},
    {HEL_KIND_SUMS, explain_sums},
    {HEL_KIND_PARTIAL, explain_partial},
    {HEL_KIND_CHECKPOINT, explain_checkpoint},
    {HEL_KIND_CKKS_PARAMS, hel_explain_ckks_params},
    {HEL_KIND_CKKS_SECRET, hel_explain_ckks_secret},
    {HEL_KIND_CKKS_PUBLIC, hel_explain_ckks_public},
    {HEL_KIND_CKKS_KEYS, hel_explain_ckks_keys},
    {HEL_KIND_CKKS_PLAIN, hel_explain_ckks_plain},
    {HEL_KIND_CKKS_CIPHER, hel_explain_ckks_cipher},
};

hel_status hel_inspect(hel_engine *engine, const char *path, hel_text_fn out, void *arg)
{
    hel_reader *r;
    if (!engine)
        return HEL_E_USAGE;
    hel_error_clear(engine);
    HEL_REQUIRE(engine, path && out, HEL_E_USAGE, "inspect: a path and a receiver are needed");
    hel_explainer to = {.engine = engine, .out = out, .arg = arg};
    if (hel_manifest_recognised(path))
        return hel_manifest_explain(&to, path);
    HEL_TRY(hel_reader_open(engine, &r, path, 0));
    hel_status status = hel_explain_frame(r, &to);
    for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++)
        if (status == HEL_OK && explanations[i].kind == hel_reader_head(r)->kind)
            status = hel_name_file(engine, path, explanations[i].explain(r, &to));
    hel_reader_close(r);
    return status;
}
