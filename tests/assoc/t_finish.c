/*
 * The finish on small random designs, sums computed naively in clear: against least squares and the
 * plain score test with missing calls imputed or deleted by hand, and every rule that gives a code.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/assoc/model.h"
#include "host/base/mem.h"
#include "tests/ref/ref_load.h"
#include "tests/ref/ref_score.h"
#include "tests/ref/ref_sim.h"
#include "tests/ref/ref_sums.h"

#define BITS 20u

typedef struct problem {
    hel_engine *engine;
    hel_design *design;
    hel_model *model;
    uint32_t n; /* samples of the dataset; the first phenotype lacks some */
    uint8_t *calls;
    int64_t *sums;
    uint32_t *missing;
    double *g, **x, *y; /* compressed for the oracle */
} problem;

static problem start(ref_random *random, uint32_t n, uint32_t covariates, hel_trait trait,
                     double lost)
{
    problem p = {.n = n};
    p.design = calloc(1, sizeof *p.design);
    p.design->samples = n;
    p.design->covariates = covariates;
    p.design->covariate = calloc(covariates + 1, sizeof(double *));
    p.design->covariate_name = calloc(covariates + 1, sizeof(char *));
    double shift = 1000 * ref_normal(random), scale = exp(4 * ref_normal(random));
    for (uint32_t a = 0; a < covariates; a++) {
        char name[16];
        snprintf(name, sizeof name, "x%u", a);
        p.design->covariate_name[a] = strdup(name);
        p.design->covariate[a] = calloc(n, sizeof(double));
        for (uint32_t i = 0; i < n; i++)
            p.design->covariate[a][i] =
                a == 1 ? i % 2 : shift + scale * ref_normal(random) * (a + 1);
    }
    p.design->phenotypes = 1;
    p.design->phenotype = calloc(1, sizeof(hel_phenotype));
    p.design->phenotype->name = strdup("y");
    p.design->phenotype->trait = trait;
    p.design->phenotype->y = calloc(n, sizeof(double));
    for (uint32_t i = 0; i < n; i++) {
        double y = ref_normal(random);
        if (covariates)
            y += 0.5 * (p.design->covariate[0][i] - shift) / scale;
        p.design->phenotype->y[i] = trait == HEL_TRAIT_BINARY ? y > 0.3 : 50 + 7 * y;
        if (ref_random_double(random) < lost)
            p.design->phenotype->y[i] = NAN;
    }
    p.calls = calloc(n, 1);
    p.missing = calloc(n, sizeof *p.missing);
    p.g = calloc(n, sizeof *p.g);
    p.y = calloc(n, sizeof *p.y);
    p.x = calloc(covariates + 1, sizeof *p.x);
    for (uint32_t a = 0; a < covariates; a++)
        p.x[a] = calloc(n, sizeof **p.x);
    cr_assert_eq(hel_engine_create(&p.engine, NULL), HEL_OK);
    return p;
}

static void model(problem *p, int miss_plane)
{
    hel_model_request request = {.design = p->design,
                                 .bits = BITS,
                                 .miss_plane = miss_plane,
                                 .max_vif = 50,
                                 .max_corr = 0.999};
    hel_model_free(p->model);
    cr_assert_eq(hel_model_fit(p->engine, &request, &p->model), HEL_OK, "%s",
                 hel_engine_error(p->engine));
    free(p->sums);
    p->sums = calloc(p->model->outputs, sizeof *p->sums);
}

static void stop(problem *p)
{
    for (uint32_t a = 0; a < p->design->covariates; a++)
        free(p->x[a]);
    free(p->x);
    free(p->y);
    free(p->g);
    free(p->missing);
    free(p->sums);
    free(p->calls);
    hel_model_free(p->model);
    ref_design_free(p->design);
    hel_engine_free(p->engine);
}

static hel_row finish_with(problem *p, const hel_finish_options *options)
{
    hel_finish *f;
    hel_row row;
    ref_sums(p->model, p->calls, p->sums);
    uint32_t count = ref_missing(p->calls, p->n, p->missing);
    int plane = (int)(p->model->planes >> HEL_PLANE_MISS & 1);
    cr_assert_eq(hel_finish_create(p->engine, &f, p->model, 0, options), HEL_OK, "%s",
                 hel_engine_error(p->engine));
    hel_finish_variant(f, p->sums, plane ? NULL : p->missing, plane ? 0 : count, &row);
    hel_finish_free(f);
    return row;
}

static hel_row finish(problem *p, hel_missing_mode missing)
{
    const hel_finish_options options = {missing, 0, 50, 0.999};
    return finish_with(p, &options);
}

/* The analysed samples for the oracle; missing calls at the mean, or their samples left out.
 * Returns their number. */
static uint32_t gather(problem *p, hel_missing_mode missing)
{
    const double *y = p->design->phenotype->y;
    double sum = 0, called = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (!isnan(y[i]) && p->calls[i] < 3) {
            sum += p->calls[i];
            called++;
        }
    for (uint32_t i = 0; i < p->n; i++) {
        if (isnan(y[i]) || (p->calls[i] == 3 && missing == HEL_MISSING_DELETE))
            continue;
        p->g[n] = p->calls[i] < 3 ? p->calls[i] : sum / called;
        p->y[n] = y[i];
        for (uint32_t a = 0; a < p->design->covariates; a++)
            p->x[a][n] = p->design->covariate[a][i];
        n++;
    }
    return n;
}

static ref_fit oracle(problem *p, hel_missing_mode missing)
{
    uint32_t n = gather(p, missing), q = p->design->covariates;
    const double *const *x = (const double *const *)p->x;
    ref_fit fit;
    if (p->design->phenotype->trait == HEL_TRAIT_BINARY) {
        ref_score *s = ref_score_create(n, q, x, p->y);
        cr_assert(s != NULL);
        ref_score_fit(s, p->g, &fit);
        ref_score_free(s);
    } else {
        ref_ols *o = ref_ols_create(n, q, x, p->y);
        ref_ols_fit(o, p->g, &fit);
        ref_ols_free(o);
    }
    return fit;
}

static void counts(const problem *p, const hel_row *row)
{
    const double *y = p->design->phenotype->y;
    uint32_t obs = 0, miss = 0, cases = 0, controls = 0;
    uint64_t copies = 0, of_cases = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        if (isnan(y[i]))
            continue;
        if (p->calls[i] == 3) {
            miss++;
            continue;
        }
        obs++;
        copies += p->calls[i];
        cases += y[i] == 1;
        controls += y[i] == 0;
        of_cases += y[i] == 1 ? p->calls[i] : 0;
    }
    cr_assert(row->obs_ct == obs && row->miss_ct == miss && row->a1_ct == copies);
    cr_assert(obs ? row->a1_freq == (double)copies / (2.0 * obs) : isnan(row->a1_freq));
    if (p->design->phenotype->trait != HEL_TRAIT_BINARY)
        return;
    cr_assert(row->case_obs == cases && row->ctrl_obs == controls);
    cr_assert(cases ? row->case_freq == (double)of_cases / (2.0 * cases) : isnan(row->case_freq));
    cr_assert(controls ? row->ctrl_freq == (double)(copies - of_cases) / (2.0 * controls)
                       : isnan(row->ctrl_freq));
}

/* Rounded weights move the residual by about 2^-20 of its spread; with a close fit, t / sqrt(df)
 * times that moves the standard error. In the score test carriers of tiny weight, of whose variance
 * the covariates take up to 98 %, decide. */
static void close_to(const hel_row *row, const ref_fit *want, uint64_t round)
{
    int linear = want->df > 0;
    double part = linear ? 1e-4 + 1e-5 * fabs(want->stat) / sqrt(want->df) : 1e-3;
    double lp = 1e-3 * fmax(1, want->log10p) + part;
    double beta = (1e-3 + part) * want->se + 1e-5 * fabs(want->beta);
    int same = fabs(row->log10p - want->log10p) <= lp && fabs(row->beta - want->beta) <= beta &&
               fabs(row->se - want->se) <= part * want->se &&
               fabs(row->stat - want->stat) <= (1e-3 + part) * fmax(1, fabs(want->stat));
    cr_assert(same,
              "round %llu, df %g: lp %.9g, not %.9g; beta %.9g, not %.9g; se %.9g, not %.9g; "
              "statistic %.9g, not %.9g",
              (unsigned long long)round, want->df, row->log10p, want->log10p, row->beta, want->beta,
              row->se, want->se, row->stat, want->stat);
}

/* Every rule by the oracle's numbers; near a limit either answer is right. */
static void judge(problem *p, hel_missing_mode missing, uint64_t round)
{
    const double *y = p->design->phenotype->y;
    hel_row row = finish(p, missing);
    int seen = 0, binary = p->design->phenotype->trait == HEL_TRAIT_BINARY;
    for (uint32_t i = 0; i < p->n; i++)
        if (!isnan(y[i]) && p->calls[i] < 3)
            seen |= 1 << p->calls[i];
    counts(p, &row);
    if ((seen & (seen - 1)) == 0) {
        cr_assert_eq(row.errcode, HEL_ERRCODE_CONST_OMITTED);
        cr_assert(isnan(row.beta) && isnan(row.se) && isnan(row.stat) && isnan(row.log10p));
        return;
    }
    if (missing == HEL_MISSING_DELETE && row.obs_ct < p->design->covariates + 3) {
        cr_assert_eq(row.errcode, HEL_ERRCODE_FEW_SAMPLES);
        return;
    }
    ref_fit want = oracle(p, missing);
    if (!binary && want.max_corr > 0.9985) {
        cr_assert(want.max_corr < 0.9995 || row.errcode != HEL_ERRCODE_NONE);
        return;
    }
    if (want.singular || (want.max_vif > 49.9 && want.max_vif < 50.1))
        return;
    if (!binary && want.max_vif > 50) {
        cr_assert_eq(row.errcode, HEL_ERRCODE_VIF_TOO_HIGH, "round %llu: vif %g",
                     (unsigned long long)round, want.max_vif);
        return;
    }
    if (binary && row.errcode == HEL_ERRCODE_VIF_TOO_HIGH)
        return; /* weighted rule; the oracle has none */
    cr_assert_eq(row.errcode, HEL_ERRCODE_NONE, "round %llu: %s", (unsigned long long)round,
                 hel_errcode_text(row.errcode));
    close_to(&row, &want, round);
    if (!binary)
        cr_assert_eq(row.df, want.df);
}

static void random_calls(problem *p, ref_random *random, double missing)
{
    uint32_t copies = ref_random_below(random, 4)   ? ref_random_below(random, 2 * p->n + 1)
                      : ref_random_below(random, 2) ? ref_random_below(random, 4)
                                                    : 2 * p->n - ref_random_below(random, 4);
    ref_place_alleles(random, p->calls, p->n, copies);
    for (uint32_t i = 0; i < p->n; i++)
        if (ref_random_double(random) < missing)
            p->calls[i] = 3;
}

static void many(hel_trait trait, hel_missing_mode mode, double missing, uint64_t stream)
{
    ref_random random = ref_random_start(stream);
    size_t rounds = ref_scaled(24);
    for (size_t round = 0; round < rounds; round++) {
        int binary = trait == HEL_TRAIT_BINARY;
        uint32_t q = (uint32_t)(round % 6), least = binary ? 60 : q + 3;
        uint32_t n = least + ref_random_below(&random, round % 3 ? 300 : 6);
        double lost = round % 2 && n > 100 ? 0.2 : 0;
        problem p = start(&random, n, q, trait, lost);
        hel_model_request probe = {
            .design = p.design, .bits = BITS, .max_vif = 50, .max_corr = 0.999};
        hel_model *m;
        if (hel_model_fit(p.engine, &probe, &m) == HEL_OK) { /* tiny designs may be collinear */
            hel_model_free(m);
            model(&p, 0);
            for (int v = 0; v < 20; v++) {
                random_calls(&p, &random, v % 2 ? missing : 0);
                judge(&p, mode, round);
            }
        }
        stop(&p);
    }
}

Test(finish, linear_mean, .timeout = 300)
{
    many(HEL_TRAIT_QUANTITATIVE, HEL_MISSING_MEAN, 0.1, 1);
}

Test(finish, linear_mean_mostly_missing, .timeout = 300)
{
    many(HEL_TRAIT_QUANTITATIVE, HEL_MISSING_MEAN, 0.8, 2);
}

Test(finish, linear_delete, .timeout = 300)
{
    many(HEL_TRAIT_QUANTITATIVE, HEL_MISSING_DELETE, 0.1, 3);
}

Test(finish, linear_delete_mostly_missing, .timeout = 300)
{
    many(HEL_TRAIT_QUANTITATIVE, HEL_MISSING_DELETE, 0.8, 4);
}

Test(finish, score, .timeout = 300)
{
    many(HEL_TRAIT_BINARY, HEL_MISSING_MEAN, 0.1, 5);
}

Test(finish, score_mostly_missing, .timeout = 300)
{
    many(HEL_TRAIT_BINARY, HEL_MISSING_MEAN, 0.8, 6);
}

/* The miss plane brings the same sums as the list: the same bits come out. */
Test(finish, miss_plane_equals_list)
{
    ref_random random = ref_random_start(7);
    for (int t = 1; t <= 2; t++) {
        problem p = start(&random, 150, 3, (hel_trait)t, 0.1);
        for (int v = 0; v < 30; v++) {
            hel_row list, plane;
            random_calls(&p, &random, 0.2);
            model(&p, 0);
            list = finish(&p, HEL_MISSING_MEAN);
            model(&p, 1);
            plane = finish(&p, HEL_MISSING_MEAN);
            cr_assert(list.errcode == plane.errcode && list.obs_ct == plane.obs_ct &&
                      list.case_obs == plane.case_obs);
            cr_assert_eq(memcmp(&list.beta, &plane.beta, 6 * sizeof(double)), 0);
        }
        stop(&p);
    }
}

/* Constant among the called and analysed, whatever the others are. */
Test(finish, constant_variants)
{
    ref_random random = ref_random_start(8);
    for (int t = 1; t <= 2; t++)
        for (uint8_t value = 0; value < 3; value++) {
            problem p = start(&random, 200, 2, (hel_trait)t, 0.2);
            model(&p, 0);
            for (uint32_t i = 0; i < p.n; i++) {
                p.calls[i] = i % 7 ? value : 3;
                if (isnan(p.design->phenotype->y[i]))
                    p.calls[i] = (uint8_t)(i % 4);
            }
            judge(&p, HEL_MISSING_MEAN, value);
            cr_assert_eq(finish(&p, HEL_MISSING_MEAN).errcode, HEL_ERRCODE_CONST_OMITTED);
            if (t == HEL_TRAIT_QUANTITATIVE)
                cr_assert_eq(finish(&p, HEL_MISSING_DELETE).errcode, HEL_ERRCODE_CONST_OMITTED);
            memset(p.calls, 3, p.n); /* nothing called at all */
            hel_row row = finish(&p, HEL_MISSING_MEAN);
            counts(&p, &row);
            cr_assert(row.obs_ct == 0 && row.errcode == HEL_ERRCODE_CONST_OMITTED);
            /* one carrier more, and it is tested */
            memset(p.calls, value, p.n);
            for (uint32_t i = 0; i < p.n; i++)
                if (!isnan(p.design->phenotype->y[i])) {
                    p.calls[i] = value == 2 ? 1 : (uint8_t)(value + 1);
                    break;
                }
            row = finish(&p, HEL_MISSING_MEAN);
            cr_assert(row.errcode == HEL_ERRCODE_NONE && row.se > 0 && row.log10p >= 0);
            stop(&p);
        }
}

Test(finish, low_mac_is_for_the_score_test)
{
    ref_random random = ref_random_start(9);
    for (int t = 1; t <= 2; t++) {
        problem p = start(&random, 120, 1, (hel_trait)t, 0);
        const hel_finish_options options = {HEL_MISSING_MEAN, 5, 50, 0.999};
        model(&p, 0);
        for (uint32_t copies = 1; copies<2 * p.n; copies += copies> 8 && copies < 230 ? 20 : 1) {
            uint32_t mac = copies < p.n ? copies : 2 * p.n - copies;
            ref_place_alleles(&random, p.calls, p.n, copies);
            hel_row row = finish_with(&p, &options);
            int low = t == HEL_TRAIT_BINARY && mac < 5;
            cr_assert_eq(row.errcode, low ? HEL_ERRCODE_LOW_MAC : HEL_ERRCODE_NONE, "%u copies",
                         copies);
            cr_assert_eq(isnan(row.log10p), low);
            counts(&p, &row);
        }
        stop(&p);
    }
}

/* The genotype as a covariate with noise: correlation first, then the inflation factor, then
 * nothing, as the oracle's numbers say. */
Test(finish, collinear_genotypes)
{
    ref_random random = ref_random_start(10);
    uint32_t seen[HEL_ERRCODE_FEW_SAMPLES + 1] = {0};
    for (int round = 0; round < 120; round++) {
        problem p = start(&random, 250, 3, HEL_TRAIT_QUANTITATIVE, 0);
        double noise = exp(-5 + 5.0 * round / 120);
        random_calls(&p, &random, 0);
        ref_place_alleles(&random, p.calls, p.n, 150);
        for (uint32_t i = 0; i < p.n; i++) /* the covariates' sum knows the genotype */
            p.design->covariate[2][i] =
                p.calls[i] + noise * ref_normal(&random) +
                (round % 2 ? (p.design->covariate[0][i] - p.design->covariate[0][0]) /
                                 fabs(p.design->covariate[0][1] - p.design->covariate[0][0])
                           : 0);
        hel_model_request request = {
            .design = p.design, .bits = BITS, .max_vif = 50, .max_corr = 0.999};
        hel_model *m;
        if (hel_model_fit(p.engine, &request, &m) == HEL_OK) {
            hel_model_free(m);
            model(&p, 0);
            judge(&p, HEL_MISSING_MEAN, (uint64_t)round);
            seen[finish(&p, HEL_MISSING_MEAN).errcode]++;
        }
        stop(&p);
    }
    cr_assert(seen[HEL_ERRCODE_CORR_TOO_HIGH] && seen[HEL_ERRCODE_VIF_TOO_HIGH] &&
              seen[HEL_ERRCODE_NONE]);
}

/* A genotype that is exactly a 0/1 covariate: nothing is left, for either test. */
Test(finish, genotype_is_a_covariate)
{
    ref_random random = ref_random_start(11);
    for (int t = 1; t <= 2; t++) {
        problem p = start(&random, 200, 2, (hel_trait)t, 0);
        model(&p, 0);
        for (uint32_t i = 0; i < p.n; i++)
            p.calls[i] = (uint8_t)(i % 2);
        cr_assert_eq(finish(&p, HEL_MISSING_MEAN).errcode, HEL_ERRCODE_CORR_TOO_HIGH);
        stop(&p);
    }
}

/* Deleting the samples of one level leaves its covariate constant. */
Test(finish, deletion_empties_a_level)
{
    ref_random random = ref_random_start(12);
    problem p = start(&random, 200, 3, HEL_TRAIT_QUANTITATIVE, 0);
    model(&p, 0);
    ref_place_alleles(&random, p.calls, p.n, 120);
    for (uint32_t i = 1; i < p.n; i += 2)
        p.calls[i] = 3;
    cr_assert_eq(finish(&p, HEL_MISSING_DELETE).errcode, HEL_ERRCODE_VIF_TOO_HIGH);
    cr_assert_eq(finish(&p, HEL_MISSING_MEAN).errcode, HEL_ERRCODE_NONE);
    p.calls[1] = 0;
    p.calls[3] = 1;
    p.calls[5] = 1;
    judge(&p, HEL_MISSING_DELETE, 0);
    stop(&p);
}

Test(finish, perfect_and_nearly_perfect_fit)
{
    ref_random random = ref_random_start(13);
    problem p = start(&random, 300, 0, HEL_TRAIT_QUANTITATIVE, 0);
    ref_place_alleles(&random, p.calls, p.n, 200);
    for (int step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < p.n; i++)
            p.design->phenotype->y[i] =
                170 + 3.0 * p.calls[i] + (step ? 1e-3 * ref_normal(&random) : 0);
        model(&p, 0);
        hel_row row = finish(&p, HEL_MISSING_MEAN);
        if (step == 0) {
            cr_assert_eq(row.errcode, HEL_ERRCODE_PERFECT_FIT);
            cr_assert(isnan(row.log10p));
            continue;
        }
        ref_fit want = oracle(&p, HEL_MISSING_MEAN);
        cr_assert_eq(row.errcode, HEL_ERRCODE_NONE);
        cr_assert_gt(want.log10p, 700);
        cr_assert_leq(fabs(row.stat / want.stat - 1), 1e-3, "%g, not %g", row.stat, want.stat);
    }
    stop(&p);
}

/* REGENIE's statistic has the null variance. */
Test(finish, null_chi_square)
{
    ref_random random = ref_random_start(14);
    problem p = start(&random, 200, 0, HEL_TRAIT_QUANTITATIVE, 0);
    model(&p, 0);
    ref_place_alleles(&random, p.calls, p.n, 150);
    hel_row row = finish(&p, HEL_MISSING_MEAN);
    double t2 = row.stat * row.stat; /* chi-square = (n - k) r^2 with r^2 = t^2 / (t^2 + df) */
    cr_assert_float_eq(row.chisq_null, (row.df + 1) * t2 / (t2 + row.df), 1e-9 * row.chisq_null);
    stop(&p);
    p = start(&random, 200, 1, HEL_TRAIT_BINARY, 0);
    model(&p, 0);
    ref_place_alleles(&random, p.calls, p.n, 150);
    row = finish(&p, HEL_MISSING_MEAN);
    cr_assert_float_eq(row.chisq_null, row.stat * row.stat, 1e-12);
    cr_assert_float_eq(row.beta / row.se, row.stat, 1e-9);
    stop(&p);
}

Test(finish, options)
{
    ref_random random = ref_random_start(15);
    problem p = start(&random, 100, 1, HEL_TRAIT_BINARY, 0);
    hel_finish_options options = {HEL_MISSING_DELETE, 5, 50, 0.999};
    hel_finish *f;
    model(&p, 0);
    cr_assert_eq(hel_finish_create(p.engine, &f, p.model, 0, &options), HEL_E_USAGE);
    cr_assert_null(f);
    options.missing = HEL_MISSING_MEAN;
    cr_assert_eq(hel_finish_create(p.engine, &f, p.model, 1, &options), HEL_E_USAGE);
    options.max_vif = 1;
    cr_assert_eq(hel_finish_create(p.engine, &f, p.model, 0, &options), HEL_E_USAGE);
    options.max_vif = 50;
    options.max_corr = NAN;
    cr_assert_eq(hel_finish_create(p.engine, &f, p.model, 0, &options), HEL_E_USAGE);
    stop(&p);
    p = start(&random, 100, 1, HEL_TRAIT_QUANTITATIVE, 0);
    model(&p, 1);
    options = (hel_finish_options){HEL_MISSING_DELETE, 5, 50, 0.999};
    cr_assert_eq(hel_finish_create(p.engine, &f, p.model, 0, &options), HEL_E_USAGE);
    cr_assert(strstr(hel_engine_error(p.engine), "limit") ||
              strstr(hel_engine_error(p.engine), "miss plane"));
    hel_finish_free(NULL);
    stop(&p);
}

/* Every allocation of a finish fails once: an error each time, and nothing is left behind. */
Test(finish, memory)
{
    ref_random random = ref_random_start(16);
    problem p = start(&random, 100, 2, HEL_TRAIT_QUANTITATIVE, 0);
    const hel_finish_options options = {HEL_MISSING_MEAN, 5, 50, 0.999};
    model(&p, 0);
    uint64_t before = hel_mem_in_use();
    hel_status status = HEL_E_MEMORY;
    for (uint64_t nth = 1; status != HEL_OK; nth++) {
        hel_finish *f;
        hel_mem_fail_nth(nth);
        status = hel_finish_create(p.engine, &f, p.model, 0, &options);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || (status == HEL_E_MEMORY && !f));
        hel_finish_free(f);
        cr_assert_eq(hel_mem_in_use(), before);
    }
    stop(&p);
}

Test(finish, names_of_codes)
{
    cr_assert_str_eq(hel_errcode_text(HEL_ERRCODE_NONE), ".");
    cr_assert_str_eq(hel_errcode_text(HEL_ERRCODE_CONST_OMITTED), "CONST_OMITTED_ALLELE");
    cr_assert_str_eq(hel_errcode_text(HEL_ERRCODE_VIF_TOO_HIGH), "VIF_TOO_HIGH");
    cr_assert_str_eq(hel_errcode_text(HEL_ERRCODE_CORR_TOO_HIGH), "CORR_TOO_HIGH");
    cr_assert_str_eq(hel_errcode_text(HEL_ERRCODE_LOW_MAC), "LOW_MAC");
    cr_assert_str_eq(hel_errcode_text(HEL_ERRCODE_PERFECT_FIT), "PERFECT_FIT");
    cr_assert_str_eq(hel_errcode_text(HEL_ERRCODE_FEW_SAMPLES), "FEW_SAMPLES");
}
