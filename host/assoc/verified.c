/*
 * Per block, chunk and output the Freivalds identity must hold modulo 2^61 - 1:
 *   sum_j rho_j S'[j] = sum_i w_i y_i
 * with S' the sums as encrypted (signed, centred), rho the owner's secret coefficients and y the
 * digests kept at encryption. A wrong sum passes with probability 2^-61, whoever computed it.
 */
#include "host/assoc/verified.h"

#include <stdatomic.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/progress.h"
#include "host/store/keyfile.h"

struct worker {
    uint64_t *rho; /* [plane][N] */
    int64_t *part; /* sums of one chunk */
    int8_t *sign;
};

struct verify {
    hel_engine *engine;
    const hel_verify_request *request;
    const hel_scheme *scheme;
    hel_reader *reader;
    const uint32_t *body;
    uint8_t rho_key[32];
    int64_t *total; /* [columns] sum of a column's weights */
    hel_verified *out;
    struct worker *worker;
    uint32_t workers;
    atomic_uint rejected;
    atomic_uint_least64_t done;
};

static uint32_t used_planes(const hel_model *m)
{
    uint32_t planes = 0;
    for (uint32_t o = 0; o < m->outputs; o++)
        planes |= 1u << m->output[o].plane;
    return planes;
}

static hel_status open_sums(struct verify *v, const char *path)
{
    hel_engine *engine = v->engine;
    const hel_verify_request *q = v->request;
    const uint8_t *data;
    uint64_t bytes, body;
    HEL_TRY(hel_reader_open(engine, &v->reader, path, 0));
    HEL_REQUIRE(engine, hel_reader_head(v->reader)->kind != HEL_KIND_PARTIAL, HEL_E_MISMATCH,
                "%s: the sums of one shard only; `heloci merge` joins all of them first", path);
    hel_reader_close(v->reader); /* any other kind is named by the reader */
    v->reader = NULL;
    HEL_TRY(hel_reader_open(engine, &v->reader, path, HEL_KIND_SUMS));
    HEL_TRY(hel_reader_check_all(v->reader));
    HEL_TRY(
        hel_head_match(engine, v->reader, q->model_reader,
                       HEL_MATCH_PARAMS | HEL_MATCH_KEY | HEL_MATCH_SAMPLES | HEL_MATCH_VARIANTS));
    const hel_head *sums = hel_reader_head(v->reader);
    const hel_head *model = hel_reader_head(q->model_reader);
    const hel_head *dataset = hel_reader_head(q->dataset->reader);
    HEL_REQUIRE(engine, hel_equal(sums->dataset, dataset->dataset, HEL_DIGEST_BYTES),
                HEL_E_MISMATCH, "%s: sums over another encryption than %s", path,
                hel_reader_path(q->dataset->reader));
    HEL_REQUIRE(engine, hel_equal(sums->weights, model->weights, HEL_DIGEST_BYTES), HEL_E_MISMATCH,
                "%s: sums of other weights than those of %s", path,
                hel_reader_path(q->model_reader));
    HEL_TRY(hel_reader_section(v->reader, HEL_SECTION_CIPHER, &data, &body));
    v->body = (const uint32_t *)(const void *)data;
    HEL_TRY(hel_reader_section(v->reader, HEL_SECTION_LAYOUT, &data, &bytes));
    hel_sums_layout *l = &v->out->layout;
    HEL_TRY(hel_name_file(engine, path, hel_sums_layout_decode(engine, data, bytes, body, l)));
    const hel_params *p = &v->scheme->params;
    const hel_geno_layout *g = &q->dataset->layout;
    HEL_REQUIRE(engine,
                l->log_n == p->log_n && l->limbs == p->out_limbs && l->blocks == g->blocks &&
                    l->variants == g->variants && l->outputs == q->model->outputs &&
                    l->columns == q->model->columns &&
                    l->chunks == (g->samples + p->chunk - 1) / p->chunk &&
                    (used_planes(q->model) & ~g->planes) == 0 &&
                    hel_equal(l->geno_content, q->dataset->geno_content, HEL_DIGEST_BYTES),
                HEL_E_MISMATCH, "%s: its shape or the genotypes it names do not fit %s", path,
                hel_reader_path(q->dataset->reader));
    return hel_owner_secret(engine, q->owner->key, "freivalds", dataset->dataset,
                            sizeof dataset->dataset, v->rho_key);
}

static hel_status allocate(struct verify *v)
{
    hel_engine *engine = v->engine;
    const hel_model *m = v->request->model;
    const size_t n = v->scheme->n;
    HEL_TRY(hel_calloc(engine, &v->out->sums,
                       (size_t)v->out->layout.blocks * v->out->layout.outputs,
                       n * sizeof *v->out->sums));
    HEL_TRY(hel_calloc(engine, &v->total, m->columns, sizeof *v->total));
    for (uint32_t c = 0; c < m->columns; c++)
        for (uint32_t i = 0; i < m->samples; i++)
            v->total[c] += m->column[c].w[i];
    v->workers = hel_engine_threads(engine);
    HEL_TRY(hel_calloc(engine, &v->worker, v->workers, sizeof *v->worker));
    for (uint32_t w = 0; w < v->workers; w++) {
        struct worker *x = &v->worker[w];
        HEL_TRY(hel_calloc(engine, &x->rho, n, HEL_PLANES * sizeof *x->rho));
        HEL_TRY(hel_secret_alloc(engine, &x->part, n * sizeof *x->part));
        HEL_TRY(hel_malloc(engine, &x->sign, n, 1));
    }
    return HEL_OK;
}

/* sum over the chunk of w_i y_i */
static uint64_t expected_digest(const struct verify *v, size_t block, uint32_t chunk,
                                const hel_output *output)
{
    const hel_geno_layout *l = &v->request->dataset->layout;
    const uint32_t chunk_samples = v->scheme->params.chunk;
    const uint64_t first = (uint64_t)chunk * chunk_samples, left = l->samples - first;
    const uint64_t plane = hel_geno_plane_index(l, output->plane);
    const uint64_t *y = (const uint64_t *)(const void *)v->request->dataset->digest +
                        (block * l->plane_count + plane) * l->samples + first;
    return hel_freivalds_weights(v->request->model->column[output->column].w + first, y, 1,
                                 (uint32_t)(left < chunk_samples ? left : chunk_samples));
}

/* Both halves of one sum: residues below their primes, which the arithmetic relies on. */
static int canonical(const hel_scheme *scheme, const uint32_t *r, uint32_t limbs)
{
    uint32_t bad = 0;
    for (uint32_t i = 0; i < 2 * limbs; i++, r += scheme->n)
        for (uint32_t j = 0; j < scheme->n; j++)
            bad |= r[j] >= scheme->ring->limb[i % limbs].q;
    return !bad;
}

/* One output of one block over all chunks: decrypt, check, add, undo sign and centring. */
static hel_status open_output(struct verify *v, struct worker *x, size_t block, uint32_t o)
{
    const hel_sums_layout *l = &v->out->layout;
    const hel_output *output = &v->request->model->output[o];
    const size_t n = v->scheme->n, poly = (size_t)l->limbs * n;
    const hel_params *p = &v->scheme->params;
    const int64_t limit = (int64_t)p->chunk * p->plane_max << (p->weight_bits - 1);
    int64_t *sums = v->out->sums + (block * l->outputs + o) * n;
    for (uint32_t chunk = 0; chunk < l->chunks; chunk++) {
        const size_t at = ((size_t)chunk * l->blocks + block) * l->outputs + o;
        const uint32_t *r = v->body + at * 2 * poly;
        hel_status status = HEL_E_VERIFY;
        memset(x->part, 0, n * sizeof *x->part);
        if (canonical(v->scheme, r, l->limbs)) /* a public property of the file */
            status = hel_decrypt_sums(v->engine, v->scheme, v->request->owner->key, r, r + poly,
                                      limit, x->part);
        if (status != HEL_OK && status != HEL_E_VERIFY)
            return status;
        /* The same work whatever the reason: time tells no tile from another. A refused part is all
         * zero. */
        int wrong = status == HEL_E_VERIFY;
        wrong |= hel_freivalds_sums(x->rho + output->plane * n, x->part, v->scheme->n) !=
                 expected_digest(v, block, chunk, output);
        if (wrong)
            atomic_store(&v->rejected, 1);
        for (size_t j = 0; j < n; j++)
            sums[j] += x->part[j];
    }
    const uint64_t left = l->variants - (uint64_t)block * n;
    const int64_t centre = hel_plane_centre(output->plane) * v->total[output->column];
    for (size_t j = 0; j < (left < n ? left : n); j++)
        sums[j] = x->sign[j] * sums[j] + centre;
    return HEL_OK;
}

/* Item = block. A wrong sum raises the flag and nothing else: there is one verdict per file. */
static hel_status open_block(void *arg, size_t block, uint32_t w)
{
    struct verify *v = arg;
    struct worker *x = &v->worker[w];
    const hel_scheme *scheme = v->scheme;
    for (uint32_t p = 0; p < HEL_PLANES; p++)
        if (v->request->dataset->layout.planes >> p & 1)
            HEL_TRY(hel_freivalds_rho(v->engine, v->rho_key, block, p, scheme->n,
                                      x->rho + (size_t)p * scheme->n));
    hel_chacha *chacha = NULL;
    HEL_TRY(
        hel_chacha_create(v->engine, &chacha, hel_reader_head(v->request->dataset->reader)->seed));
    hel_status status = hel_sample_signs(scheme->ring, chacha, block, x->sign);
    hel_chacha_free(chacha);
    for (uint32_t o = 0; o < v->out->layout.outputs && status == HEL_OK; o++)
        status = open_output(v, x, block, o);
    HEL_TRY(status);
    return hel_progress(v->engine, "decrypt", atomic_fetch_add(&v->done, 1) + 1,
                        v->out->layout.blocks, "blocks");
}

/* Decrypts under a claim on the key's counter of rejections, and pronounces the one verdict. */
static hel_status decide(struct verify *v, const char *path)
{
    hel_claim claim = {.fd = -1};
    if (v->request->key_path)
        HEL_TRY(hel_claim_open(v->engine, &claim, v->request->key_path, HEL_MAX_REJECTIONS));
    hel_status status = hel_parallel(v->engine, v->out->layout.blocks, open_block, v);
    const int rejected = status == HEL_OK && atomic_load(&v->rejected);
    if (v->request->key_path) {
        hel_status closed = hel_claim_close(v->engine, &claim, rejected);
        status = status == HEL_OK ? closed : status;
    }
    if (status == HEL_OK && rejected)
        status = hel_fail(v->engine, HEL_E_VERIFY,
                          "%s: the sums failed verification; nothing was released, and the "
                          "rejection was counted against the key",
                          path);
    return status;
}

hel_status hel_verified_open(hel_engine *engine, hel_verified *out, const char *path,
                             const hel_verify_request *request)
{
    struct verify v = {.engine = engine, .request = request, .out = out};
    *out = (hel_verified){0};
    v.scheme = request->owner->scheme;
    hel_status status = open_sums(&v, path);
    if (status == HEL_OK)
        status = allocate(&v);
    if (status == HEL_OK)
        status = decide(&v, path);
    for (uint32_t w = 0; v.worker && w < v.workers; w++) {
        struct worker *x = &v.worker[w];
        hel_wipe(x->rho, x->rho ? HEL_PLANES * (size_t)v.scheme->n * sizeof *x->rho : 0);
        hel_free(x->rho);
        hel_secret_free(x->part); /* of a forged sum it may be the key itself */
        hel_free(x->sign);
    }
    hel_free(v.worker);
    hel_free(v.total);
    hel_wipe(v.rho_key, sizeof v.rho_key);
    hel_reader_close(v.reader);
    if (status != HEL_OK) {
        hel_wipe(out->sums, out->sums ? (size_t)out->layout.blocks * out->layout.outputs *
                                            v.scheme->n * sizeof *out->sums
                                      : 0);
        hel_verified_free(out);
    }
    return status;
}

void hel_verified_free(hel_verified *v)
{
    hel_free(v->sums);
    *v = (hel_verified){0};
}
