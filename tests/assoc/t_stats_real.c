/*
 * The finish on real data against other people's answers (plink2, R, snpStats, GEMMA, iDASH) and
 * against plain least squares, on sums computed in clear. Skips where the data are absent.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/assoc/model.h"
#include "host/base/mem.h"
#include "tests/ref/ref_load.h"
#include "tests/ref/ref_ols.h"
#include "tests/ref/ref_random.h"
#include "tests/ref/ref_sums.h"

#define DATA HEL_SOURCE_DIR "/../shared/data"

/* The agreement that is promised. */
#define LP_LIMIT   2e-4
#define BETA_LIMIT 1e-4 /* in standard errors */
#define SE_LIMIT   1e-5 /* relative */
#define SIX_DIGITS 5e-6 /* what six printed digits may hide, relative */

typedef struct data {
    char path[512], name[64];
    ref_set *set;
    hel_engine *engine;
} data;

static data open_data(const char *name)
{
    data d = {.set = NULL};
    char prefix[700];
    if (!ref_unpack(DATA, name, d.path))
        cr_skip_test("%s is not there", name);
    snprintf(d.name, sizeof d.name, "%s", name);
    snprintf(prefix, sizeof prefix, "%s/std/%s", d.path, name);
    d.set = ref_set_load(prefix);
    cr_assert_eq(hel_engine_create(&d.engine, NULL), HEL_OK);
    return d;
}

static void close_data(data *d)
{
    ref_set_free(d->set);
    hel_engine_free(d->engine);
    ref_unpack_remove(d->path);
}

/* One model with its sums over all variants. */
typedef struct fitted {
    hel_design *design;
    hel_model *model;
    int64_t *sums;
    uint32_t *missing;
} fitted;

static fitted fit(const data *d, const char *phenotypes, const char *covar, uint32_t bits)
{
    fitted f = {.model = NULL};
    char pheno_path[700], covar_path[700];
    snprintf(pheno_path, sizeof pheno_path, "%s/std/%s.pheno", d->path, d->name);
    if (covar)
        snprintf(covar_path, sizeof covar_path, "%s/std/%s.%s", d->path, d->name, covar);
    f.design = ref_design_load(d->set, pheno_path, phenotypes, covar ? covar_path : NULL);
    hel_model_request request = {
        .design = f.design, .bits = bits, .max_columns = 256, .max_vif = 50, .max_corr = 0.999};
    hel_status status = hel_model_fit(d->engine, &request, &f.model);
    cr_assert_eq(status, HEL_OK, "%s", hel_engine_error(d->engine));
    f.sums = malloc((size_t)d->set->variants * f.model->outputs * sizeof *f.sums);
    f.missing = malloc(d->set->samples * sizeof *f.missing);
    ref_sums_all(f.model, d->set->calls, d->set->variants, f.sums);
    return f;
}

static void drop(fitted *f)
{
    hel_model_free(f->model);
    ref_design_free(f->design);
    free(f->sums);
    free(f->missing);
}

static uint32_t find(const fitted *f, const char *phenotype)
{
    for (uint32_t t = 0; t < f->model->analyses; t++)
        if (!strcmp(f->model->analysis[t].name, phenotype))
            return t;
    cr_assert_fail("no phenotype %s", phenotype);
    return 0;
}

/* All rows of one analysis, by variant. */
static hel_row *finish(const data *d, const fitted *f, const char *phenotype,
                       hel_missing_mode missing, uint32_t min_mac)
{
    hel_finish_options options = {missing, min_mac, 50, 0.999};
    hel_finish *worker;
    hel_row *rows = malloc(d->set->variants * sizeof *rows);
    cr_assert_eq(hel_finish_create(d->engine, &worker, f->model, find(f, phenotype), &options),
                 HEL_OK, "%s", hel_engine_error(d->engine));
    for (uint32_t v = 0; v < d->set->variants; v++) {
        uint32_t count =
            ref_missing(d->set->calls + (size_t)v * d->set->samples, d->set->samples, f->missing);
        hel_finish_variant(worker, f->sums + (size_t)v * f->model->outputs, f->missing, count,
                           &rows[v]);
    }
    hel_finish_free(worker);
    return rows;
}

typedef struct maxima {
    double lp, beta, se, freq;
    uint32_t compared, coded; /* with numbers; with an error code on both sides */
} maxima;

static void report(const char *what, const char *phenotype, const maxima *m)
{
    fprintf(stderr,
            "%-34s %-26s n=%u coded=%u  max |d lp| %.2e  |d beta|/se %.2e  |d se|/se %.2e\n", what,
            phenotype, m->compared, m->coded, m->lp, m->beta, m->se);
}

static void raise_to(double *worst, double value)
{
    cr_assert(!isnan(value), "a comparison is not a number");
    if (value > *worst)
        *worst = value;
}

/* plink2's table: ids, counts, codes, frequencies, numbers. */
static maxima against_plink2(const data *d, const hel_row *rows, const char *file)
{
    char path[900];
    maxima m = {0};
    snprintf(path, sizeof path, "%s/ref/%s", d->path, file);
    ref_table *t = ref_table_load(path);
    uint32_t id = ref_table_column(t, "ID"), freq = ref_table_column(t, "A1_FREQ"),
             obs = ref_table_column(t, "OBS_CT"), beta = ref_table_column(t, "BETA"),
             se = ref_table_column(t, "SE"), p = ref_table_column(t, "P"),
             code = ref_table_column(t, "ERRCODE");
    cr_assert_eq(t->rows, d->set->variants);
    for (uint32_t v = 0; v < t->rows; v++) {
        const hel_row *r = &rows[v];
        cr_assert_str_eq(ref_cell(t, v, id), ref_variant_id(d->set, v));
        cr_assert_eq(r->obs_ct, (uint32_t)ref_number(t, v, obs), "%s", ref_cell(t, v, id));
        cr_assert_str_eq(hel_errcode_text(r->errcode), ref_cell(t, v, code), "%s",
                         ref_cell(t, v, id));
        double f = ref_number(t, v, freq);
        cr_assert_leq(fabs(r->a1_freq - f), SIX_DIGITS * f);
        if (r->errcode != HEL_ERRCODE_NONE) {
            cr_assert(isnan(r->beta) && isnan(r->se) && isnan(r->stat) && isnan(r->log10p));
            m.coded++;
            continue;
        }
        double b = ref_number(t, v, beta), s = ref_number(t, v, se);
        raise_to(&m.lp, fabs(r->log10p + log10(ref_number(t, v, p))));
        raise_to(&m.beta, fmax(0, fabs(r->beta - b) - SIX_DIGITS * fabs(b)) / s);
        raise_to(&m.se, fmax(0, fabs(r->se - s) / s - SIX_DIGITS));
        m.compared++;
    }
    ref_table_free(t);
    return m;
}

/* Analysed rows of a phenotype, compressed, for the oracle. */
typedef struct compressed {
    uint32_t n, q, *row;
    double **x, *y, *g;
} compressed;

static compressed compress(const fitted *f, uint32_t t)
{
    const hel_design *d = f->design;
    compressed c = {.q = d->covariates, .row = calloc(d->samples, sizeof(uint32_t))};
    for (uint32_t i = 0; i < d->samples; i++) {
        int ok = !isnan(d->phenotype[t].y[i]);
        for (uint32_t a = 0; a < d->covariates; a++)
            ok = ok && !isnan(d->covariate[a][i]);
        if (ok)
            c.row[c.n++] = i;
    }
    c.x = calloc(c.q + 1, sizeof *c.x);
    c.y = calloc(c.n, sizeof *c.y);
    c.g = calloc(c.n, sizeof *c.g);
    for (uint32_t i = 0; i < c.n; i++)
        c.y[i] = d->phenotype[t].y[c.row[i]];
    for (uint32_t a = 0; a < c.q; a++) {
        c.x[a] = calloc(c.n, sizeof **c.x);
        for (uint32_t i = 0; i < c.n; i++)
            c.x[a][i] = d->covariate[a][c.row[i]];
    }
    return c;
}

static void decompress(compressed *c)
{
    for (uint32_t a = 0; a < c->q; a++)
        free(c->x[a]);
    free(c->x);
    free(c->y);
    free(c->g);
    free(c->row);
}

/* Genotypes with missing calls at the mean of the called ones. */
static void imputed(const data *d, const compressed *c, uint32_t v)
{
    const uint8_t *calls = d->set->calls + (size_t)v * d->set->samples;
    double sum = 0, called = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (calls[c->row[i]] < 3) {
            sum += calls[c->row[i]];
            called++;
        }
    for (uint32_t i = 0; i < c->n; i++)
        c->g[i] = calls[c->row[i]] < 3 ? calls[c->row[i]] : sum / called;
}

static void compare(maxima *m, const hel_row *r, const ref_fit *o)
{
    cr_assert(!o->singular);
    raise_to(&m->lp, fabs(r->log10p - o->log10p));
    raise_to(&m->beta, fabs(r->beta - o->beta) / o->se);
    raise_to(&m->se, fabs(r->se - o->se) / o->se);
    m->compared++;
}

static maxima against_ols(const data *d, const fitted *f, const char *phenotype,
                          const hel_row *rows)
{
    compressed c = compress(f, find(f, phenotype));
    ref_ols *o = ref_ols_create(c.n, c.q, (const double *const *)c.x, c.y);
    maxima m = {0};
    for (uint32_t v = 0; v < d->set->variants; v++) {
        ref_fit want;
        if (rows[v].errcode != HEL_ERRCODE_NONE) {
            m.coded++;
            continue;
        }
        imputed(d, &c, v);
        ref_ols_fit(o, c.g, &want);
        compare(&m, &rows[v], &want);
    }
    ref_ols_free(o);
    decompress(&c);
    return m;
}

static void require(const maxima *m)
{
    cr_assert_leq(m->lp, LP_LIMIT);
    cr_assert_leq(m->beta, BETA_LIMIT);
    cr_assert_leq(m->se, SE_LIMIT);
}

/* plink2 and least squares for the quantitative traits of a complete data set. */
static void complete_linear(const char *name, const char *traits, const char *covar,
                            const char *prefix, uint32_t coded_of_first)
{
    /* the sanitizers see one large data set with covariates, and the smaller ones */
    if (ref_scaled(2) < 2 && strcmp(prefix, "glm_cov") != 0 && strcmp(name, "bglr_mice") == 0)
        cr_skip_test("%s %s is left to the full run", name, prefix);
    data d = open_data(name);
    fitted f = fit(&d, traits, covar, 20);
    for (uint32_t t = 0; t < f.model->analyses; t++) {
        const char *phenotype = f.model->analysis[t].name;
        char file[200], what[100];
        hel_row *rows = finish(&d, &f, phenotype, HEL_MISSING_MEAN, 5);
        snprintf(file, sizeof file, "%s.%s.glm.linear", prefix, phenotype);
        maxima plink2 = against_plink2(&d, rows, file), ols = against_ols(&d, &f, phenotype, rows);
        snprintf(what, sizeof what, "%s %s plink2", name, prefix);
        report(what, phenotype, &plink2);
        snprintf(what, sizeof what, "%s %s OLS", name, prefix);
        report(what, phenotype, &ols);
        require(&plink2);
        require(&ols);
        if (t == 0)
            cr_assert_eq(plink2.coded, coded_of_first);
        free(rows);
    }
    drop(&f);
    close_data(&d);
}

#define MICE "BMI,BodyLength,EndBW,HDL,ALP,TotChol"

Test(stats_real, mice_covar, .timeout = 900)
{
    complete_linear("bglr_mice", MICE, "covar", "glm_cov", 0);
}

Test(stats_real, mice_covar_all, .timeout = 900)
{
    complete_linear("bglr_mice", MICE, "covar_all", "glm_covpc", 0);
}

Test(stats_real, mice_no_covariates, .timeout = 900)
{
    complete_linear("bglr_mice", MICE, NULL, "glm_nocov", 0);
}

Test(stats_real, gemma_cd8, .timeout = 900)
{
    complete_linear("gemma_mouse", "CD8", "covar", "glm_cov", 1234);
    complete_linear("gemma_mouse", "CD8", "covar_all", "glm_covpc", 1234);
}

Test(stats_real, gemma_mch, .timeout = 900)
{
    complete_linear("gemma_mouse", "MCH", "covar", "glm_cov", 1255);
    complete_linear("gemma_mouse", "MCH", "covar_all", "glm_covpc", 1255);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* GEMMA's own linear model has no covariates and leaves out what does not vary. */
Test(stats_real, gemma_own_answers, .timeout = 900)
{
    data d = open_data("gemma_mouse");
    fitted f = fit(&d, "CD8,MCH", NULL, 20);
    const char *traits[] = {"CD8", "MCH"};
    for (int i = 0; i < 2; i++) {
        char path[900];
        maxima m = {0};
        hel_row *rows = finish(&d, &f, traits[i], HEL_MISSING_MEAN, 5);
        snprintf(path, sizeof path, "%s/ref/gemma_lm_%s.assoc.txt.gz", d.path, traits[i]);
        ref_table *t = ref_table_load(path);
        uint32_t id = ref_table_column(t, "rs"), p = ref_table_column(t, "p_wald"),
                 beta = ref_table_column(t, "beta"), se = ref_table_column(t, "se"),
                 a1 = ref_table_column(t, "allele1");
        for (uint32_t v = 0, at = 0; v < d.set->variants; v++) {
            const char *name = ref_variant_id(d.set, v);
            if (at >= t->rows || by_id(&name, &(const char *){ref_cell(t, at, id)})) {
                cr_assert_eq(rows[v].errcode, HEL_ERRCODE_CONST_OMITTED, "%s", name);
                m.coded++;
                continue;
            }
            const char *counted = d.set->bim->cell[(size_t)v * 6 + 4];
            double sign = strcmp(ref_cell(t, at, a1), counted) ? -1 : 1;
            double s = ref_number(t, at, se), b = sign * ref_number(t, at, beta);
            raise_to(&m.lp, fabs(rows[v].log10p + log10(ref_number(t, at, p))));
            raise_to(&m.beta, fabs(rows[v].beta - b) / s);
            raise_to(&m.se, fabs(rows[v].se - s) / s);
            m.compared++;
            at++;
        }
        report("gemma_mouse GEMMA -lm", traits[i], &m);
        cr_assert_eq(m.compared, t->rows);
        require(&m);
        ref_table_free(t);
        free(rows);
    }
    drop(&f);
    close_data(&d);
}

/* ---- rice: missing calls ---- */

#define RICE "Na_K_Shoot_LSMEAN,Flowering_time_at_Aberdeen,Plant_height"

static const char *const rice[] = {"Na_K_Shoot_LSMEAN", "Flowering_time_at_Aberdeen",
                                   "Plant_height"};

Test(stats_real, rice_mean, .timeout = 900)
{
    data d = open_data("rice44k");
    fitted f = fit(&d, RICE, "covar_all", 20);
    for (int i = 0; i < 3; i++) {
        hel_row *rows = finish(&d, &f, rice[i], HEL_MISSING_MEAN, 5);
        maxima ols = against_ols(&d, &f, rice[i], rows);
        report("rice44k mean OLS", rice[i], &ols);
        require(&ols);
        if (i == 0) { /* R's answers exist for the other two */
            free(rows);
            continue;
        }
        char path[900];
        snprintf(path, sizeof path, "%s/ref/R_meanimp_covar_all.%s.tsv", d.path, rice[i]);
        ref_table *t = ref_table_load(path);
        uint32_t p = ref_table_column(t, "P"), beta = ref_table_column(t, "BETA"),
                 se = ref_table_column(t, "SE"), obs = ref_table_column(t, "N_NONMISS"),
                 freq = ref_table_column(t, "A1_FREQ"), id = ref_table_column(t, "ID");
        maxima m = {0};
        cr_assert_eq(t->rows, d.set->variants);
        for (uint32_t v = 0; v < t->rows; v++) {
            cr_assert_str_eq(ref_cell(t, v, id), ref_variant_id(d.set, v));
            cr_assert_eq(rows[v].obs_ct, (uint32_t)ref_number(t, v, obs));
            cr_assert_float_eq(rows[v].a1_freq, ref_number(t, v, freq), 1e-11);
            if (rows[v].errcode != HEL_ERRCODE_NONE) {
                m.coded++;
                continue;
            }
            double s = ref_number(t, v, se);
            raise_to(&m.lp, fabs(rows[v].log10p + log10(ref_number(t, v, p))));
            raise_to(&m.beta, fabs(rows[v].beta - ref_number(t, v, beta)) / s);
            raise_to(&m.se, fabs(rows[v].se - s) / s);
            m.compared++;
        }
        report("rice44k mean R_meanimp", rice[i], &m);
        require(&m);
        cr_assert_leq(m.coded, 1);
        ref_table_free(t);
        free(rows);
    }
    drop(&f);
    close_data(&d);
}

Test(stats_real, rice_delete, .timeout = 900)
{
    data d = open_data("rice44k");
    fitted f = fit(&d, RICE, "covar_all", 20);
    for (int i = 0; i < 3; i++) {
        char file[200];
        hel_row *rows = finish(&d, &f, rice[i], HEL_MISSING_DELETE, 5);
        snprintf(file, sizeof file, "glm_covpc.%s.glm.linear", rice[i]);
        maxima m = against_plink2(&d, rows, file);
        report("rice44k delete plink2", rice[i], &m);
        require(&m);
        cr_assert_eq(m.coded, i == 2); /* the one VIF_TOO_HIGH */
        free(rows);
    }
    drop(&f);
    close_data(&d);
}

/* ---- score tests ---- */

/* snpStats prints chi-square with ten digits; where its P underflows the chi-square decides. */
static maxima against_snpstats(const data *d, const hel_row *rows, const char *file)
{
    char path[900];
    maxima m = {0};
    snprintf(path, sizeof path, "%s/ref/%s", d->path, file);
    ref_table *t = ref_table_load(path);
    uint32_t id = ref_table_column(t, "ID"), p = ref_table_column(t, "P"),
             chisq = ref_table_column(t, "chisq"), df = ref_table_column(t, "df");
    cr_assert_eq(t->rows, d->set->variants);
    for (uint32_t v = 0; v < t->rows; v++) {
        double x = ref_number(t, v, chisq);
        cr_assert_str_eq(ref_cell(t, v, id), ref_variant_id(d->set, v));
        if (rows[v].errcode != HEL_ERRCODE_NONE) {
            cr_assert(isnan(x) || ref_number(t, v, df) == 0, "%s", ref_cell(t, v, id));
            m.coded++;
            continue;
        }
        raise_to(&m.lp, fabs(rows[v].log10p + log10(ref_number(t, v, p))));
        raise_to(&m.beta, fabs(fabs(rows[v].stat) - sqrt(x)));
        cr_assert(rows[v].se > 0 && isfinite(rows[v].se));
        m.compared++;
    }
    ref_table_free(t);
    return m;
}

static void score_set(const char *name, const char *trait, const char *covar, const char *file,
                      uint32_t coded)
{
    data d = open_data(name);
    fitted f = fit(&d, trait, covar, 20);
    hel_row *rows = finish(&d, &f, trait, HEL_MISSING_MEAN, 0);
    maxima m = against_snpstats(&d, rows, file);
    char what[100];
    snprintf(what, sizeof what, "%s snpStats", name);
    report(what, trait, &m);
    cr_assert_leq(m.lp, LP_LIMIT);
    cr_assert_eq(m.coded, coded);
    free(rows);
    drop(&f);
    close_data(&d);
}

Test(stats_real, mice_albino, .timeout = 900)
{
    score_set("bglr_mice", "ALBINO", "covar_all", "snpStats_score_covar_all.ALBINO.tsv", 0);
}

Test(stats_real, gemma_cd8high, .timeout = 900)
{
    score_set("gemma_mouse", "CD8HIGH", "covar_all", "snpStats_score_covar_all.CD8HIGH.tsv", 1234);
}

Test(stats_real, idash, .timeout = 900)
{
    score_set("idash2018", "COND", "covar", "snpStats_score_covar.COND.tsv", 0);
}

/* The benchmark's published score p-values: all variants, and the F1 it is judged by. */
Test(stats_real, idash_published, .timeout = 900)
{
    const double cut[] = {1e-2, 1e-3, 1e-4, 1e-5};
    const uint32_t positives[] = {1528, 1207, 987, 859};
    data d = open_data("idash2018");
    fitted f = fit(&d, "COND", "covar", 20);
    char path[900];
    double worst = 0;
    hel_row *rows = finish(&d, &f, "COND", HEL_MISSING_MEAN, 0);
    snprintf(path, sizeof path, "%s/published/Plain_Pvals.txt", d.path);
    ref_table *t = ref_table_load(path);
    cr_assert_eq(t->rows + 1, d.set->variants);
    for (uint32_t v = 0; v < d.set->variants; v++)
        raise_to(&worst, fabs(rows[v].log10p + log10(atof(t->cell[v]))));
    fprintf(stderr, "idash2018 published: max |d lp| %.2e over %u\n", worst, d.set->variants);
    cr_assert_leq(worst, 1e-4);
    for (int c = 0; c < 4; c++) {
        uint32_t both = 0, ours = 0, theirs = 0;
        for (uint32_t v = 0; v < d.set->variants; v++) {
            int mine = rows[v].log10p > -log10(cut[c]), other = atof(t->cell[v]) < cut[c];
            both += (uint32_t)(mine && other);
            ours += (uint32_t)mine;
            theirs += (uint32_t)other;
        }
        double f1 = 2.0 * both / (ours + theirs);
        fprintf(stderr, "idash2018 cut %.0e: F1 %.4f, %u positives\n", cut[c], f1, theirs);
        cr_assert_eq(f1, 1.0);
        cr_assert_eq(theirs, positives[c]);
    }
    /* the default minor allele count hides the rows, and keeps them in the table */
    hel_row *filtered = finish(&d, &f, "COND", HEL_MISSING_MEAN, 5);
    uint32_t low = 0;
    for (uint32_t v = 0; v < d.set->variants; v++)
        low += filtered[v].errcode == HEL_ERRCODE_LOW_MAC;
    cr_assert_eq(low, 7108);
    ref_table_free(t);
    free(filtered);
    free(rows);
    drop(&f);
    close_data(&d);
}
