/*
 * hel_encrypt: a PLINK fileset becomes a genotype container for the compute centre and an
 * owner-only dataset file (identities, missing calls, verification digests).
 *
 * Work goes super-block by super-block and, inside, by groups of samples: decode and transpose a
 * tile of the .bed file, then encrypt every (sample, block) in parallel, then append the group's
 * rows in file order. Per genotype and plane: 3 limb-NTTs share N genotypes (2.2 ns), 12 bytes of
 * uniform and 8 of error randomness (4 to 5 ns), one multiply-add of verification (0.5 to 1 ns).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "heloci/assoc.h"
#include "host/assoc/layout.h"
#include "host/assoc/owner.h"
#include "host/base/event.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/progress.h"
#include "host/geno/missing.h"
#include "host/geno/table.h"
#include "host/sched/placement.h"

#define GROUP_BYTES ((uint64_t)64 << 20) /* ciphertext rows of a group */

struct worker {
    hel_encryptor *encryptor;
    int8_t *m; /* one plane of one block */
};

struct job {
    hel_engine *engine;
    const hel_encrypt_config *config;
    hel_owner owner;
    hel_samples all_samples, samples; /* of the .fam file; selected (borrowing its strings) */
    hel_variants all_variants, variants;
    uint32_t *sample_index, *variant_index;
    hel_bed bed;
    hel_geno_layout layout;
    uint8_t public_seed[HEL_SEED_BYTES], error_seed[HEL_SEED_BYTES], bed_digest[HEL_DIGEST_BYTES];
    hel_writer *geno, *dataset;
    hel_head head;
    uint64_t *digest; /* y[block][plane][sample] */
    uint32_t workers;
    struct worker *worker;
    /* of the super-block and group at hand */
    uint32_t super, blocks_in, group_first, group_count;
    uint64_t *rho;        /* [plane][block][N] */
    int8_t *sign;         /* [block][N] */
    uint8_t *code;        /* [sample of group][block][N] */
    uint32_t *row, *full; /* [sample of group][plane][block][poly]: being filled, being written */
    size_t full_bytes;
    size_t code_stride, row_words, rho_bytes, group_limit;
};

static hel_status load_fileset(struct job *job)
{
    hel_engine *engine = job->engine;
    const hel_encrypt_config *c = job->config;
    char *bed = NULL, *bim = NULL, *fam = NULL;
    hel_status status;
    HEL_TRY_GOTO(hel_path_join(engine, &bed, c->bfile, ".bed"), done);
    HEL_TRY_GOTO(hel_path_join(engine, &bim, c->bfile, ".bim"), done);
    HEL_TRY_GOTO(hel_path_join(engine, &fam, c->bfile, ".fam"), done);
    HEL_TRY_GOTO(hel_fam_read(engine, fam, &job->all_samples), done);
    HEL_TRY_GOTO(hel_bim_read(engine, bim, &job->all_variants), done);
    HEL_TRY_GOTO(
        hel_bed_open(engine, &job->bed, bed, job->all_samples.count, job->all_variants.count),
        done);
    HEL_TRY_GOTO(hel_samples_select(engine, &job->all_samples, c->keep, c->remove,
                                    &job->sample_index, &job->samples.count, NULL),
                 done);
    HEL_TRY_GOTO(hel_variants_select(engine, &job->all_variants, c->extract, c->exclude,
                                     &job->variant_index, &job->variants.count, NULL),
                 done);
    HEL_TRY_GOTO(hel_malloc(engine, &job->samples.item, job->samples.count, sizeof(hel_sample)),
                 done);
    HEL_TRY_GOTO(hel_malloc(engine, &job->variants.item, job->variants.count, sizeof(hel_variant)),
                 done);
    for (uint32_t i = 0; i < job->samples.count; i++)
        job->samples.item[i] = job->all_samples.item[job->sample_index[i]];
    for (uint32_t j = 0; j < job->variants.count; j++)
        job->variants.item[j] = job->all_variants.item[job->variant_index[j]];
done:
    hel_free(bed);
    hel_free(bim);
    hel_free(fam);
    return status;
}

/* Fresh seeds, hedged by all that is encrypted: genotypes, who and what they are, shape,
 * parameters. */
static hel_status draw_seeds(struct job *job)
{
    hel_engine *engine = job->engine;
    hel_buf text = {0};
    uint8_t content[HEL_DIGEST_BYTES];
    hel_status status =
        hel_sha256_once(engine, job->bed.map.data, job->bed.map.bytes, job->bed_digest);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &text, job->bed_digest, sizeof job->bed_digest);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &text, &job->head.params, sizeof job->head.params);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &text, &job->head.samples, sizeof job->head.samples);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &text, &job->head.variants, sizeof job->head.variants);
    if (status == HEL_OK)
        status = hel_geno_layout_encode(engine, &job->layout, &text);
    if (status == HEL_OK)
        status = hel_sha256_once(engine, text.data, text.bytes, content);
    if (status == HEL_OK)
        status =
            hel_fresh_seeds(engine, job->owner.key, content, job->public_seed, job->error_seed);
    hel_buf_free(&text);
    return status;
}

/* The .bed is read twice, for the ciphertexts and for the list of missing calls: they must agree.
 */
static hel_status still_the_same(struct job *job)
{
    uint8_t now[HEL_DIGEST_BYTES];
    HEL_TRY(hel_sha256_once(job->engine, job->bed.map.data, job->bed.map.bytes, now));
    HEL_REQUIRE(job->engine, hel_equal(now, job->bed_digest, sizeof now), HEL_E_IO,
                "%s.bed: changed while it was encrypted", job->config->bfile);
    return HEL_OK;
}

/* What is about to be encrypted, for the user's eye. */
static hel_status tell(const struct job *job)
{
    /* letters only: numbers above 22 are autosomes in other species */
    static const char *const special[] = {"X", "Y", "XY", "MT", "M"};
    char line[256];
    uint32_t other = 0;
    for (uint32_t j = 0; j < job->variants.count; j++) {
        const char *chrom = job->variants.item[j].chrom;
        if (strncasecmp(chrom, "chr", 3) == 0)
            chrom += 3;
        for (size_t k = 0; k < sizeof special / sizeof special[0]; k++)
            other += strcasecmp(chrom, special[k]) == 0;
    }
    snprintf(line, sizeof line, "%u of %u samples, %u of %u variants", job->samples.count,
             job->all_samples.count, job->variants.count, job->all_variants.count);
    hel_event(job->engine, "note", hel_field_text("text", line));
    int stop = job->config->note && job->config->note(job->config->note_arg, line);
    if (other > 0 && !stop) {
        snprintf(line, sizeof line,
                 "warning: %u variants on X, Y or MT are treated like autosomes, as coded in the "
                 ".bed; plink2 treats them otherwise",
                 other);
        hel_event(job->engine, "warning", hel_field_text("text", line + strlen("warning: ")));
        stop = job->config->note && job->config->note(job->config->note_arg, line);
    }
    return stop ? hel_fail(job->engine, HEL_E_CANCELLED, "encrypt: stopped on request") : HEL_OK;
}

/* Head, seeds and layout of the genotype container. */
static hel_status open_container(struct job *job, const char *path)
{
    hel_engine *engine = job->engine;
    const hel_scheme *scheme = job->owner.scheme;
    job->layout = (hel_geno_layout){
        .log_n = scheme->params.log_n,
        .limbs = scheme->params.scan_limbs,
        .planes = 1u << HEL_PLANE_G | 1u << HEL_PLANE_G2 |
                  (job->config->miss_plane ? 1u << HEL_PLANE_MISS : 0),
        .super_block = HEL_SUPER_BLOCK,
        .samples = job->samples.count,
        .variants = job->variants.count,
    };
    HEL_TRY(hel_geno_layout_init(engine, &job->layout));
    hel_head *head = &job->head;
    *head = (hel_head){.kind = HEL_KIND_GENOTYPES,
                       .sample_count = job->samples.count,
                       .variant_count = job->variants.count};
    memcpy(head->params, scheme->digest, sizeof head->params);
    memcpy(head->key_id, job->owner.head.key_id, sizeof head->key_id);
    HEL_TRY(hel_digest_samples(engine, &job->owner, &job->samples, head->samples));
    HEL_TRY(hel_digest_variants(engine, &job->owner, &job->variants, head->variants));
    HEL_TRY(draw_seeds(job));
    memcpy(head->seed, job->public_seed, sizeof head->seed);
    HEL_TRY(hel_writer_open(engine, &job->geno, path, head));
    hel_buf layout = {0}, params = {0};
    hel_status status = hel_params_encode(engine, &scheme->params, &params);
    if (status == HEL_OK)
        status = hel_writer_put_section(job->geno, HEL_SECTION_PARAMS, params.data, params.bytes);
    if (status == HEL_OK)
        status = hel_geno_layout_encode(engine, &job->layout, &layout);
    if (status == HEL_OK)
        status = hel_writer_put_section(job->geno, HEL_SECTION_LAYOUT, layout.data, layout.bytes);
    if (status == HEL_OK) /* so that it can be read past the page cache */
        status = hel_writer_align(job->geno, HEL_GENO_ALIGN);
    if (status == HEL_OK)
        status = hel_writer_section(job->geno, HEL_SECTION_CIPHER, 0);
    hel_buf_free(&layout);
    hel_buf_free(&params);
    return status;
}

static size_t digest_bytes(const struct job *job)
{
    return (size_t)job->layout.blocks * job->layout.plane_count * (size_t)job->layout.samples * 8;
}

static hel_status allocate(struct job *job)
{
    hel_engine *engine = job->engine;
    const hel_geno_layout *l = &job->layout;
    const size_t n = (size_t)1 << l->log_n;
    uint32_t super = l->blocks < l->super_block ? l->blocks : l->super_block;
    uint64_t row_bytes = l->plane_count * super * l->poly_words * 4 + super * n;
    uint64_t budget = hel_engine_memory(engine) / 8; /* two groups */
    budget = budget < GROUP_BYTES ? budget : GROUP_BYTES;
    uint64_t group = budget / row_bytes;
    uint32_t threads = hel_engine_threads(engine);
    group = group < threads ? threads : group;
    job->group_count = (uint32_t)(group < l->samples ? group : l->samples);
    job->code_stride = super * n;
    job->row_words = (size_t)(l->plane_count * super * l->poly_words);
    job->group_limit = job->group_count;
    job->rho_bytes = (size_t)l->plane_count * super * n * 8;
    HEL_TRY(hel_malloc(engine, &job->code, job->group_count, job->code_stride));
    HEL_TRY(hel_malloc(engine, &job->row, job->group_count, job->row_words * 4));
    HEL_TRY(hel_malloc(engine, &job->full, job->group_count, job->row_words * 4));
    HEL_TRY(hel_malloc(engine, &job->rho, job->rho_bytes, 1));
    HEL_TRY(hel_malloc(engine, &job->sign, super * n, 1));
    HEL_TRY(hel_malloc(engine, &job->digest,
                       (size_t)l->blocks * l->plane_count * (size_t)l->samples, 8));
    job->workers = threads;
    HEL_TRY(hel_calloc(engine, &job->worker, threads, sizeof *job->worker));
    for (uint32_t w = 0; w < threads; w++) {
        HEL_TRY(hel_encryptor_create(engine, &job->worker[w].encryptor, job->owner.scheme,
                                     job->owner.key, job->public_seed, job->error_seed));
        HEL_TRY(hel_malloc(engine, &job->worker[w].m, n, 1));
    }
    return HEL_OK;
}

/* Signs and verification coefficients of a super-block; item = block of it. */
static hel_status prepare_block(void *arg, size_t index, uint32_t worker)
{
    struct job *job = arg;
    (void)worker;
    const hel_scheme *scheme = job->owner.scheme;
    const size_t n = scheme->n;
    uint64_t block = (uint64_t)job->super * job->layout.super_block + index;
    uint8_t rho_key[32];
    hel_chacha *chacha = NULL;
    hel_status status = hel_chacha_create(job->engine, &chacha, job->public_seed);
    if (status == HEL_OK)
        status = hel_sample_signs(scheme->ring, chacha, block, job->sign + index * n);
    hel_chacha_free(chacha);
    if (status == HEL_OK)
        status = hel_owner_secret(job->engine, job->owner.key, "freivalds", job->head.file_id,
                                  sizeof job->head.file_id, rho_key);
    for (uint32_t p = 0; p < HEL_PLANES && status == HEL_OK; p++)
        if (job->layout.planes >> p & 1) {
            uint32_t at = hel_geno_plane_index(&job->layout, (hel_plane)p);
            status = hel_freivalds_rho(job->engine, rho_key, block, p, scheme->n,
                                       job->rho + (at * job->blocks_in + index) * n);
        }
    hel_wipe(rho_key, sizeof rho_key);
    return status;
}

static uint32_t variants_in_block(const struct job *job, uint64_t block)
{
    uint64_t left = job->layout.variants - (block << job->layout.log_n);
    return left < job->owner.scheme->n ? (uint32_t)left : job->owner.scheme->n;
}

static hel_status decode_block(void *arg, size_t index, uint32_t worker)
{
    struct job *job = arg;
    (void)worker;
    const size_t n = job->owner.scheme->n;
    uint64_t block = (uint64_t)job->super * job->layout.super_block + index;
    hel_bed_tile(&job->bed, job->sample_index + job->group_first, job->group_count,
                 job->variant_index + block * n, variants_in_block(job, block),
                 job->code + index * n, job->code_stride);
    return HEL_OK;
}

/* The plane's entries as encrypted: centred and signed; zero beyond the last variant. */
static void fill_plane(int8_t *m, const uint8_t *code, const int8_t *sign, uint32_t variants,
                       size_t n, hel_plane plane)
{
    if (plane == HEL_PLANE_G)
        for (size_t j = 0; j < variants; j++)
            m[j] = (int8_t)(sign[j] * (code[j] == HEL_CALL_MISSING ? 0 : code[j]));
    else if (plane == HEL_PLANE_G2)
        for (size_t j = 0; j < variants; j++)
            m[j] = (int8_t)(sign[j] * ((code[j] == HEL_CALL_MISSING ? 0 : code[j] * code[j]) - 2));
    else
        for (size_t j = 0; j < variants; j++)
            m[j] = (int8_t)(sign[j] * (code[j] == HEL_CALL_MISSING));
    memset(m + variants, 0, n - variants);
}

/* Item = (sample of the group, block of the super-block). */
static hel_status encrypt_item(void *arg, size_t index, uint32_t w)
{
    struct job *job = arg;
    const hel_geno_layout *l = &job->layout;
    const size_t n = job->owner.scheme->n;
    uint32_t i = (uint32_t)(index / job->blocks_in), b = (uint32_t)(index % job->blocks_in);
    uint64_t block = (uint64_t)job->super * l->super_block + b;
    uint64_t sample = job->group_first + i;
    const uint8_t *code = job->code + i * job->code_stride + b * n;
    for (uint32_t p = 0; p < HEL_PLANES; p++) {
        if (!(l->planes >> p & 1))
            continue;
        uint32_t at = hel_geno_plane_index(l, (hel_plane)p);
        size_t poly = (size_t)at * job->blocks_in + b;
        int8_t *m = job->worker[w].m;
        fill_plane(m, code, job->sign + b * n, variants_in_block(job, block), n, (hel_plane)p);
        job->digest[(block * l->plane_count + at) * l->samples + sample] =
            hel_freivalds_digest(job->rho + poly * n, m, (uint32_t)n);
        HEL_TRY(hel_encrypt_plane(job->worker[w].encryptor,
                                  hel_geno_row(l, job->super, sample) + poly, m,
                                  job->row + i * job->row_words + poly * l->poly_words));
    }
    return HEL_OK;
}

/* Item 0 = append the group before, the others = encrypt this one: the file is written in order by
 * one thread at a time while the others work. */
static hel_status write_or_encrypt(void *arg, size_t index, uint32_t w)
{
    struct job *job = arg;
    if (index > 0)
        return encrypt_item(arg, index - 1, w);
    return job->full_bytes ? hel_writer_put(job->geno, job->full, job->full_bytes) : HEL_OK;
}

static hel_status encrypt_group(struct job *job)
{
    HEL_TRY(hel_parallel(job->engine, job->blocks_in, decode_block, job));
    HEL_TRY(hel_parallel(job->engine, 1 + (size_t)job->group_count * job->blocks_in,
                         write_or_encrypt, job));
    uint32_t *written = job->full;
    job->full = job->row;
    job->full_bytes = job->group_count * job->row_words * 4;
    job->row = written;
    return HEL_OK;
}

static hel_status encrypt_all(struct job *job)
{
    hel_engine *engine = job->engine;
    const hel_geno_layout *l = &job->layout;
    const uint32_t group = job->group_count;
    const uint64_t total = (uint64_t)l->samples * l->blocks << l->log_n;
    uint64_t done = 0;
    HEL_TRY(hel_progress(engine, "encrypt", 0, total, "genotypes"));
    for (job->super = 0; job->super < hel_geno_super_blocks(l); job->super++) {
        job->blocks_in = hel_geno_blocks_in(l, job->super);
        job->row_words = (size_t)(l->plane_count * job->blocks_in * l->poly_words);
        HEL_TRY(hel_parallel(engine, job->blocks_in, prepare_block, job));
        for (uint64_t first = 0; first < l->samples; first += group) {
            job->group_first = (uint32_t)first;
            job->group_count = l->samples - first < group ? (uint32_t)(l->samples - first) : group;
            HEL_TRY(encrypt_group(job));
            done += (uint64_t)job->group_count * job->blocks_in << l->log_n;
            HEL_TRY(hel_progress(engine, "encrypt", done, total, "genotypes"));
        }
    }
    return hel_writer_put(job->geno, job->full, job->full_bytes);
}

/* The owner's list of missing calls, straight from the 2-bit codes: 01 is missing. */
static hel_status encode_missing(struct job *job, hel_buf *out)
{
    hel_engine *engine = job->engine;
    hel_missing_writer writer = {.samples = job->samples.count};
    uint32_t *kept = NULL, *index = NULL; /* kept[original] = position + 1 */
    hel_status status = hel_calloc(engine, &kept, job->all_samples.count, sizeof *kept);
    if (status == HEL_OK)
        status = hel_malloc(engine, &index, job->samples.count, sizeof *index);
    for (uint32_t i = 0; i < job->samples.count && status == HEL_OK; i++)
        kept[job->sample_index[i]] = i + 1;
    for (uint32_t j = 0; j < job->variants.count && status == HEL_OK; j++) {
        const uint8_t *row = job->bed.map.data + 3 + job->bed.stride * job->variant_index[j];
        uint32_t count = 0;
        for (uint64_t byte = 0; byte < job->bed.stride; byte++) {
            unsigned mask = row[byte] & ~(row[byte] >> 1) & 0x55u;
            for (; mask; mask &= mask - 1) {
                uint64_t i = byte * 4 + (unsigned)__builtin_ctz(mask) / 2;
                if (i < job->all_samples.count && kept[i])
                    index[count++] = kept[i] - 1;
            }
        }
        status = hel_missing_append(engine, &writer, index, count);
    }
    if (status == HEL_OK)
        status = hel_missing_finish(engine, &writer, out);
    hel_missing_writer_free(&writer);
    hel_free(kept);
    hel_free(index);
    return status;
}

static hel_status put_buf(hel_status status, hel_writer *w, uint32_t id, hel_buf *buf)
{
    if (status == HEL_OK)
        status = hel_writer_put_section(w, id, buf->data, buf->bytes);
    hel_buf_free_secret(buf);
    return status;
}

/* The owner-only file is opened with the public one: that it cannot be written shows before the
 * work. */
static hel_status open_dataset(struct job *job, const char *path)
{
    hel_head head = job->head;
    head.kind = HEL_KIND_DATASET;
    memcpy(head.dataset, job->head.file_id, sizeof head.dataset);
    return hel_writer_open(job->engine, &job->dataset, path, &head);
}

/* Everything in it; named after the genotype container's exact content. */
static hel_status write_dataset(struct job *job, const uint8_t content[HEL_DIGEST_BYTES])
{
    hel_engine *engine = job->engine;
    hel_writer *w = job->dataset;
    hel_buf buf = {0};
    hel_status status = hel_geno_layout_encode(engine, &job->layout, &buf);
    if (status == HEL_OK)
        status = hel_buf_put(engine, &buf, content, HEL_DIGEST_BYTES);
    status = put_buf(status, w, HEL_SECTION_LAYOUT, &buf);
    if (status == HEL_OK)
        status = hel_samples_encode(engine, &job->samples, &buf);
    status = put_buf(status, w, HEL_SECTION_SAMPLES, &buf);
    if (status == HEL_OK)
        status = hel_variants_encode(engine, &job->variants, &buf);
    status = put_buf(status, w, HEL_SECTION_VARIANTS, &buf);
    if (!job->config->miss_plane) {
        if (status == HEL_OK)
            status = encode_missing(job, &buf);
        status = put_buf(status, w, HEL_SECTION_MISSING, &buf);
    }
    if (status == HEL_OK)
        status = hel_writer_put_section(w, HEL_SECTION_DIGESTS, job->digest,
                                        (size_t)job->layout.blocks * job->layout.plane_count *
                                            (size_t)job->layout.samples * 8);
    if (status == HEL_OK)
        status = hel_writer_mac(w, job->owner.mac_key);
    return status == HEL_OK ? hel_writer_finish(w, NULL) : status;
}

static hel_status commit(hel_writer **w)
{
    hel_status status = hel_writer_commit(*w, NULL);
    *w = NULL;
    return status;
}

static hel_status run(struct job *job, const char *geno, const char *dataset)
{
    uint8_t content[HEL_DIGEST_BYTES];
    HEL_TRY(hel_place_engine(job->engine));
    HEL_TRY(hel_owner_open(job->engine, &job->owner, job->config->key, job->config->passphrase));
    HEL_TRY(load_fileset(job));
    HEL_TRY(tell(job));
    HEL_TRY(open_container(job, geno));
    HEL_TRY(open_dataset(job, dataset));
    HEL_TRY(allocate(job));
    HEL_TRY(encrypt_all(job));
    /* Both files are whole before either gets its name: a full disk cannot part them. */
    HEL_TRY(hel_writer_finish(job->geno, content));
    HEL_TRY(write_dataset(job, content));
    HEL_TRY(still_the_same(job));
    HEL_TRY(commit(&job->dataset));
    return commit(&job->geno);
}

static void release(struct job *job)
{
    hel_writer_abort(job->geno);
    hel_writer_abort(job->dataset);
    for (uint32_t w = 0; job->worker && w < job->workers; w++) {
        hel_encryptor_free(job->worker[w].encryptor);
        hel_wipe(job->worker[w].m, job->worker[w].m ? job->owner.scheme->n : 0);
        hel_free(job->worker[w].m);
    }
    hel_free(job->worker);
    /* genotypes, verification coefficients and digests in clear */
    hel_wipe(job->code, job->code ? job->group_limit * job->code_stride : 0);
    hel_wipe(job->rho, job->rho ? job->rho_bytes : 0);
    hel_wipe(job->digest, job->digest ? digest_bytes(job) : 0);
    hel_free(job->code);
    hel_free(job->row);
    hel_free(job->full);
    hel_free(job->rho);
    hel_free(job->sign);
    hel_free(job->digest);
    hel_bed_close(&job->bed);
    hel_free(job->samples.item);
    hel_free(job->variants.item);
    hel_free(job->sample_index);
    hel_free(job->variant_index);
    hel_samples_free(&job->all_samples);
    hel_variants_free(&job->all_variants);
    hel_owner_close(&job->owner);
    hel_wipe(job, sizeof *job);
}

hel_status hel_encrypt(hel_engine *engine, const hel_encrypt_config *config)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config, HEL_E_USAGE,
                "encrypt: malformed configuration");
    HEL_REQUIRE(engine, config->bfile && config->out, HEL_E_USAGE,
                "encrypt: needs a fileset (--bfile) and an output prefix (--out)");
    struct job job = {.engine = engine, .config = config};
    char *geno = NULL, *dataset = NULL;
    hel_status status = hel_path_join(engine, &geno, config->out, ".geno");
    if (status == HEL_OK)
        status = hel_path_join(engine, &dataset, config->out, ".private");
    if (status == HEL_OK)
        status = run(&job, geno, dataset);
    if (status == HEL_OK) {
        hel_event_result(engine, dataset);
        hel_event_result(engine, geno);
    }
    release(&job);
    hel_free(geno);
    hel_free(dataset);
    return status;
}
