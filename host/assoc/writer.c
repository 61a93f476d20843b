/*
 * Result tables. A layout is an array of columns; a column is a name and a function that prints its
 * cell, so every format is a table below and the row loop knows none of them.
 *
 * plink2 layout: tab-separated, columns in plink2's own order of column sets, so that what reads
 * `plink2 --glm cols=+a1freq` reads it; additions (MISS_CT, LOG10P, CASE_CT, CTRL_CT) have names of
 * their own and never stand in front of the five variant columns that tools find by position. The
 * linear table begins with its header line; the score table has exactly three "##" lines first
 * (pandas: skiprows=3; data.table::fread and tabix find the header themselves).
 * REGENIE layout: space-separated, step 2 without INFO; chi-square with the null variance, and
 * SE = |BETA| / sqrt(CHISQ) as REGENIE defines it. Chromosomes stay as in the .bim.
 * GWAS-SSF: mandatory columns in the order of the standard, then rsid, variant_id, n. The standard
 * demands numbers in every mandatory column, so variants without a p-value are left out.
 */
#include <math.h>
#include <string.h>

#include "heloci/version.h"
#include "host/assoc/tail.h"
#include "host/assoc/writer_private.h"
#include "host/base/mem.h"

typedef struct cell {
    const hel_variant *variant;
    const hel_row *row;
} cell;

typedef struct column {
    const char *name;
    char *(*put)(char *p, const cell *c);
} column;

typedef struct layout {
    hel_format format;
    hel_trait trait;
    char separator;
    const char *joint, *suffix; /* path = out + joint + phenotype + suffix */
    const column *column;
    size_t columns;
} layout;

struct hel_table_writer {
    hel_engine *engine;
    const layout *layout;
    hel_outfile file;
    char *path;
    char *line; /* one row */
    size_t capacity;
    hel_ssf *ssf;        /* GWAS-SSF only, as the sidecar */
    hel_outfile sidecar; /* open once finished */
    int finished;
    hel_status status; /* first failure; commit returns it */
};

static char *put_text(char *p, const char *text)
{
    size_t length = strlen(text);
    memcpy(p, text, length);
    return p + length;
}

static char *put_i64(char *p, int64_t value)
{
    if (value >= 0)
        return hel_print_u64(p, (uint64_t)value);
    *p++ = '-';
    return hel_print_u64(p, (uint64_t)0 - (uint64_t)value);
}

/* ---- cells of every format ---- */

static char *put_chrom(char *p, const cell *c)
{
    return put_text(p, c->variant->chrom);
}

static char *put_pos(char *p, const cell *c)
{
    return put_i64(p, c->variant->pos);
}

static char *put_id(char *p, const cell *c)
{
    return put_text(p, c->variant->id);
}

static char *put_a1(char *p, const cell *c)
{
    return put_text(p, c->variant->a1);
}

static char *put_a2(char *p, const cell *c)
{
    return put_text(p, c->variant->a2);
}

static char *put_a1_freq(char *p, const cell *c)
{
    return hel_print_g(p, c->row->a1_freq, 6);
}

static char *put_obs_ct(char *p, const cell *c)
{
    return hel_print_u64(p, c->row->obs_ct);
}

static char *put_beta(char *p, const cell *c)
{
    return hel_print_g(p, c->row->beta, 6);
}

static char *put_se(char *p, const cell *c)
{
    return hel_print_g(p, c->row->se, 6);
}

static char *put_add(char *p, const cell *c)
{
    (void)c;
    return put_text(p, "ADD");
}

/* Nine digits: a reader that wants p back loses nothing at -log10 p of many thousands. */
static char *put_log10p(char *p, const cell *c)
{
    return hel_print_g(p, c->row->log10p, 9);
}

/* ---- plink2 ---- */

static char *put_case_freq(char *p, const cell *c)
{
    return hel_print_g(p, c->row->case_freq, 6);
}

static char *put_ctrl_freq(char *p, const cell *c)
{
    return hel_print_g(p, c->row->ctrl_freq, 6);
}

static char *put_score(char *p, const cell *c)
{
    (void)c;
    return put_text(p, "SCORE");
}

static char *put_case_ct(char *p, const cell *c)
{
    return hel_print_u64(p, c->row->case_obs);
}

static char *put_ctrl_ct(char *p, const cell *c)
{
    return hel_print_u64(p, c->row->ctrl_obs);
}

static char *put_miss_ct(char *p, const cell *c)
{
    return hel_print_u64(p, c->row->miss_ct);
}

static char *put_stat(char *p, const cell *c)
{
    return hel_print_g(p, c->row->stat, 6);
}

static char *put_p(char *p, const cell *c)
{
    char text[HEL_NUMBER_BYTES];
    if (!isfinite(c->row->log10p))
        return put_text(p, "NA");
    hel_format_p(text, sizeof text, c->row->log10p);
    return put_text(p, text);
}

static char *put_errcode(char *p, const cell *c)
{
    return put_text(p, hel_errcode_text(c->row->errcode));
}

static const column plink2_linear[] = {
    {"#CHROM", put_chrom},    {"POS", put_pos},   {"ID", put_id},
    {"REF", put_a2},          {"ALT", put_a1},    {"A1", put_a1},
    {"A1_FREQ", put_a1_freq}, {"TEST", put_add},  {"OBS_CT", put_obs_ct},
    {"MISS_CT", put_miss_ct}, {"BETA", put_beta}, {"SE", put_se},
    {"T_STAT", put_stat},     {"P", put_p},       {"LOG10P", put_log10p},
    {"ERRCODE", put_errcode},
};

static const column plink2_score[] = {
    {"#CHROM", put_chrom},
    {"POS", put_pos},
    {"ID", put_id},
    {"REF", put_a2},
    {"ALT", put_a1},
    {"A1", put_a1},
    {"A1_FREQ", put_a1_freq},
    {"A1_CASE_FREQ", put_case_freq},
    {"A1_CTRL_FREQ", put_ctrl_freq},
    {"TEST", put_score},
    {"OBS_CT", put_obs_ct},
    {"CASE_CT", put_case_ct},
    {"CTRL_CT", put_ctrl_ct},
    {"MISS_CT", put_miss_ct},
    {"BETA", put_beta},
    {"SE", put_se},
    {"Z_STAT", put_stat},
    {"P", put_p},
    {"LOG10P", put_log10p},
    {"ERRCODE", put_errcode},
};

/* ---- REGENIE ---- */

/* At a chi-square of exactly 0, |BETA| / sqrt(CHISQ) is 0 / 0: there RSS equals the null's, so the
 * null standard error is the ordinary one with n - k in place of df = n - k - 1. */
static char *put_null_se(char *p, const cell *c)
{
    const hel_row *row = c->row;
    double se = fabs(row->beta) / sqrt(row->chisq_null);
    if (row->chisq_null == 0)
        se = row->df > 0 ? row->se * sqrt(row->df / (row->df + 1)) : row->se;
    return hel_print_g(p, se, 6);
}

static char *put_chisq(char *p, const cell *c)
{
    return hel_print_g(p, c->row->chisq_null, 6);
}

static char *put_chisq_log10p(char *p, const cell *c)
{
    double x = c->row->chisq_null;
    return hel_print_g(p, isfinite(x) && x >= 0 ? hel_log10p_chisq1(x) : NAN, 6);
}

static char *put_extra(char *p, const cell *c)
{
    if (c->row->errcode == HEL_ERRCODE_NONE)
        return put_text(p, "NA");
    return put_errcode(p, c);
}

static const column regenie[] = {
    {"CHROM", put_chrom}, {"GENPOS", put_pos},  {"ID", put_id},
    {"ALLELE0", put_a2},  {"ALLELE1", put_a1},  {"A1FREQ", put_a1_freq},
    {"N", put_obs_ct},    {"TEST", put_add},    {"BETA", put_beta},
    {"SE", put_null_se},  {"CHISQ", put_chisq}, {"LOG10P", put_chisq_log10p},
    {"EXTRA", put_extra},
};

/* ---- GWAS-SSF ---- */

static char *put_ssf_chrom(char *p, const cell *c)
{
    uint32_t number = hel_ssf_chromosome(c->variant->chrom);
    return number ? hel_print_u64(p, number) : put_chrom(p, c);
}

static char *put_rsid(char *p, const cell *c)
{
    const char *id = c->variant->id;
    int is_rsid = id[0] == 'r' && id[1] == 's' && id[2] && !id[2 + strspn(id + 2, "0123456789")];
    return put_text(p, is_rsid ? id : "#NA");
}

static char *put_variant_id(char *p, const cell *c)
{
    p = put_ssf_chrom(p, c);
    *p++ = '_';
    p = put_pos(p, c);
    *p++ = '_';
    p = put_a2(p, c);
    *p++ = '_';
    return put_a1(p, c);
}

static const column ssf[] = {
    {"chromosome", put_ssf_chrom},
    {"base_pair_location", put_pos},
    {"effect_allele", put_a1},
    {"other_allele", put_a2},
    {"beta", put_beta},
    {"standard_error", put_se},
    {"effect_allele_frequency", put_a1_freq},
    {"neg_log_10_p_value", put_log10p},
    {"rsid", put_rsid},
    {"variant_id", put_variant_id},
    {"n", put_obs_ct},
};

#define COLUMNS(c) c, sizeof(c) / sizeof *(c)

static const layout layouts[] = {
    {HEL_FORMAT_PLINK2, HEL_TRAIT_QUANTITATIVE, '\t', ".", ".glm.linear", COLUMNS(plink2_linear)},
    {HEL_FORMAT_PLINK2, HEL_TRAIT_BINARY, '\t', ".", ".glm.logistic", COLUMNS(plink2_score)},
    {HEL_FORMAT_REGENIE, HEL_TRAIT_QUANTITATIVE, ' ', "_", ".regenie", COLUMNS(regenie)},
    {HEL_FORMAT_REGENIE, HEL_TRAIT_BINARY, ' ', "_", ".regenie", COLUMNS(regenie)},
    {HEL_FORMAT_SSF, HEL_TRAIT_QUANTITATIVE, '\t', ".", ".ssf.tsv", COLUMNS(ssf)},
    {HEL_FORMAT_SSF, HEL_TRAIT_BINARY, '\t', ".", ".ssf.tsv", COLUMNS(ssf)},
};

/* ---- the writer ---- */

static hel_status emit(hel_table_writer *w, const char *text, size_t bytes)
{
    if (w->ssf)
        HEL_TRY(hel_ssf_update(w->ssf, text, bytes));
    return hel_outfile_write(w->engine, &w->file, text, bytes);
}

static hel_status make_path(hel_table_writer *w, const hel_writer_info *info)
{
    char *stem = NULL, *named = NULL;
    hel_status status = hel_path_join(w->engine, &stem, info->out, w->layout->joint);
    if (status == HEL_OK)
        status = hel_path_join(w->engine, &named, stem, info->phenotype);
    if (status == HEL_OK)
        status = hel_path_join(w->engine, &w->path, named, w->layout->suffix);
    hel_free(stem);
    hel_free(named);
    return status;
}

static hel_status put_header(hel_table_writer *w, const hel_writer_info *info)
{
    const layout *l = w->layout;
    if (l->format == HEL_FORMAT_PLINK2 && l->trait == HEL_TRAIT_BINARY)
        HEL_TRY(hel_outfile_printf(
            w->engine, &w->file,
            "##heloci=%s\n##missing=%s\n"
            "##estimates=BETA and SE are one-step estimates from the score test (log odds), not "
            "maximum likelihood\n",
            HEL_VERSION_STRING, info->missing == HEL_MISSING_MEAN ? "mean" : "delete"));
    for (size_t i = 0; i < l->columns; i++) {
        HEL_TRY(emit(w, l->column[i].name, strlen(l->column[i].name)));
        HEL_TRY(emit(w, i + 1 < l->columns ? &l->separator : "\n", 1));
    }
    return HEL_OK;
}

hel_status hel_table_writer_open(hel_engine *engine, hel_table_writer **out, hel_format format,
                                 const hel_writer_info *info)
{
    const layout *found = NULL;
    hel_table_writer *w;
    *out = NULL;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].format == format && layouts[i].trait == info->trait)
            found = &layouts[i];
    HEL_REQUIRE(engine, found, HEL_E_USAGE, "output: no such format for this kind of phenotype");
    HEL_TRY(hel_phenotype_name_check(engine, info->phenotype));
    HEL_TRY(hel_calloc(engine, &w, 1, sizeof *w));
    w->engine = engine;
    w->layout = found;
    hel_status status = make_path(w, info);
    if (status == HEL_OK)
        status = hel_outfile_open(engine, &w->file, w->path, 0644);
    if (status == HEL_OK && format == HEL_FORMAT_SSF)
        status = hel_ssf_create(engine, &w->ssf, w->path, info);
    if (status == HEL_OK)
        status = put_header(w, info);
    if (status != HEL_OK) {
        hel_table_writer_abort(w);
        return status;
    }
    *out = w;
    return HEL_OK;
}

/* Room for a row: no layout prints a text of the variant more than three times. */
static hel_status reserve(hel_table_writer *w, const hel_variant *v)
{
    size_t need = 3 * (strlen(v->chrom) + strlen(v->id) + strlen(v->a1) + strlen(v->a2)) +
                  (w->layout->columns + 4) * HEL_NUMBER_BYTES;
    if (need <= w->capacity)
        return HEL_OK;
    hel_free(w->line);
    w->line = NULL;
    w->capacity = 0;
    HEL_TRY(hel_malloc(w->engine, &w->line, 2 * need, 1));
    w->capacity = 2 * need;
    return HEL_OK;
}

hel_status hel_table_writer_row(hel_table_writer *w, const hel_variant *variant, const hel_row *row)
{
    const layout *l = w->layout;
    if (w->status != HEL_OK)
        return w->status;
    if (w->ssf && !(isfinite(row->log10p) && isfinite(row->beta) && isfinite(row->se))) {
        hel_ssf_skip(w->ssf);
        return HEL_OK;
    }
    w->status = reserve(w, variant);
    if (w->status != HEL_OK)
        return w->status;
    cell c = {variant, row};
    char *p = w->line;
    for (size_t i = 0; i < l->columns; i++) {
        p = l->column[i].put(p, &c);
        *p++ = l->separator;
    }
    p[-1] = '\n';
    if (w->ssf)
        hel_ssf_row(w->ssf, variant->chrom, variant->pos);
    w->status = emit(w, w->line, (size_t)(p - w->line));
    return w->status;
}

const char *hel_table_writer_path(const hel_table_writer *w)
{
    return w->path;
}

hel_status hel_table_writer_finish(hel_table_writer *w)
{
    if (w->status == HEL_OK && !w->finished && w->ssf)
        w->status = hel_ssf_sidecar(w->ssf, &w->sidecar);
    if (w->status == HEL_OK && !w->finished && w->ssf)
        w->status = hel_outfile_sync(w->engine, &w->sidecar);
    if (w->status == HEL_OK && !w->finished)
        w->status = hel_outfile_sync(w->engine, &w->file);
    w->finished = 1;
    return w->status;
}

const hel_outfile *hel_table_writer_file(const hel_table_writer *w, uint32_t i)
{
    return i == 0 ? &w->file : i == 1 && w->ssf ? &w->sidecar : NULL;
}

hel_status hel_table_writer_commit(hel_table_writer *w)
{
    hel_status status = hel_table_writer_finish(w);
    if (status == HEL_OK)
        status = hel_outfile_commit(w->engine, &w->file);
    if (status == HEL_OK && w->ssf)
        status = hel_outfile_commit(w->engine, &w->sidecar);
    hel_table_writer_abort(w); /* a committed file has nothing left to remove */
    return status;
}

void hel_table_writer_abort(hel_table_writer *w)
{
    if (!w)
        return;
    hel_outfile_abort(&w->file);
    hel_outfile_abort(&w->sidecar);
    hel_ssf_free(w->ssf);
    hel_free(w->path);
    hel_free(w->line);
    hel_free(w);
}
