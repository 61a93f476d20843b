/*
 * The null model: every named error, layout of columns and outputs, the same bits whatever else is
 * in the design, codec with hostile bytes.
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

static hel_engine *engine;

static void setup(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
}

static void teardown(void)
{
    hel_engine_free(engine);
}

TestSuite(model, .init = setup, .fini = teardown, .timeout = 300);

/* Covariates x0 .., phenotypes q0 (no gaps), q1 (gaps), b0 (binary, no gaps), q2 (gaps of q1), b1
 * (binary, gaps of q1). */
#define PHENOTYPES 5

static hel_design *make(uint64_t stream, uint32_t n, uint32_t q)
{
    static const char *const name[PHENOTYPES] = {"q0", "q1", "b0", "q2", "b1"};
    ref_random random = ref_random_start(stream);
    hel_design *d = calloc(1, sizeof *d);
    d->samples = n;
    d->covariates = q;
    d->covariate = calloc(q + 1, sizeof(double *));
    d->covariate_name = calloc(q + 1, sizeof(char *));
    for (uint32_t a = 0; a < q; a++) {
        char text[16];
        snprintf(text, sizeof text, "x%u", a);
        d->covariate_name[a] = strdup(text);
        d->covariate[a] = calloc(n, sizeof(double));
        for (uint32_t i = 0; i < n; i++)
            d->covariate[a][i] = a == 1 ? i % 3 == 0 : 1e3 * a + ref_normal(&random);
    }
    d->phenotypes = PHENOTYPES;
    d->phenotype = calloc(PHENOTYPES, sizeof *d->phenotype);
    for (uint32_t t = 0; t < PHENOTYPES; t++) {
        int binary = name[t][0] == 'b';
        d->phenotype[t].name = strdup(name[t]);
        d->phenotype[t].trait = binary ? HEL_TRAIT_BINARY : HEL_TRAIT_QUANTITATIVE;
        d->phenotype[t].y = calloc(n, sizeof(double));
        for (uint32_t i = 0; i < n; i++) {
            double y = ref_normal(&random) + (q ? 0.4 * d->covariate[0][i] : 0);
            d->phenotype[t].y[i] = binary ? y > 0 : 10 + y;
            if ((t == 1 || t > 2) && i % 5 == 2)
                d->phenotype[t].y[i] = NAN;
        }
    }
    return d;
}

static hel_model_request request_for(const hel_design *d)
{
    return (hel_model_request){
        .design = d, .bits = 20, .max_columns = 256, .max_vif = 50, .max_corr = 0.999};
}

static hel_model *fit(const hel_model_request *request)
{
    hel_model *m;
    cr_assert_eq(hel_model_fit(engine, request, &m), HEL_OK, "%s", hel_engine_error(engine));
    return m;
}

/* A fresh engine keeps the first error's text apart. */
static void fails(const hel_model_request *request, hel_status want, const char *first,
                  const char *second)
{
    hel_model *m;
    teardown();
    setup();
    cr_assert_eq(hel_model_fit(engine, request, &m), want, "%s", hel_engine_error(engine));
    cr_assert_null(m);
    cr_assert(strstr(hel_engine_error(engine), first), "%s", hel_engine_error(engine));
    cr_assert(strstr(hel_engine_error(engine), second), "%s", hel_engine_error(engine));
}

static void only(hel_design *d, uint32_t t)
{
    hel_phenotype keep = d->phenotype[t];
    d->phenotype[t] = d->phenotype[0];
    d->phenotype[0] = keep;
    for (uint32_t i = 1; i < d->phenotypes; i++) {
        free(d->phenotype[i].name);
        free(d->phenotype[i].y);
    }
    d->phenotypes = 1;
}

/* ---- errors ---- */

Test(model, requests_out_of_range)
{
    hel_design *d = make(1, 60, 2);
    hel_model_request r = request_for(d);
    r.bits = 7;
    fails(&r, HEL_E_USAGE, "7 bits", "8 to 24");
    r.bits = 25;
    fails(&r, HEL_E_USAGE, "25 bits", "8 to 24");
    r = request_for(d);
    r.max_vif = 1;
    fails(&r, HEL_E_USAGE, "inflation", "above 1");
    r.max_vif = NAN;
    fails(&r, HEL_E_USAGE, "inflation", "above 1");
    r = request_for(d);
    r.max_corr = 0;
    fails(&r, HEL_E_USAGE, "correlation", "(0, 1]");
    r = request_for(d);
    r.force_trait = 3;
    fails(&r, HEL_E_USAGE, "unknown kind", "3");
    r = request_for(d);
    r.max_columns = 10;
    fails(&r, HEL_E_USAGE, "limit of 10", "runs of about 2");
    hel_design empty = {.samples = 10};
    r = request_for(&empty);
    fails(&r, HEL_E_USAGE, "0 phenotypes", "10 samples");
    ref_design_free(d);
}

Test(model, budget_is_the_number_of_outputs)
{
    hel_design *d = make(2, 60, 2);
    hel_model_request r = request_for(d);
    for (int plane = 0; plane < 2; plane++) {
        r.max_columns = 0;
        r.miss_plane = plane;
        hel_model *m = fit(&r);
        r.max_columns = m->outputs;
        hel_model_free(m);
        hel_model_free(fit(&r));
        r.max_columns--;
        fails(&r, HEL_E_USAGE, "sums per variant", "split the phenotypes");
    }
    ref_design_free(d);
}

Test(model, covariates_that_cannot_be_used)
{
    for (uint32_t t = 0; t < PHENOTYPES; t += 2) {
        hel_design *d = make(3, 90, 4);
        hel_model_request r = request_for(d);
        only(d, t);
        char pheno[20];
        snprintf(pheno, sizeof pheno, "phenotype '%s'", d->phenotype[0].name);
        double *x = d->covariate[2], *keep = malloc(90 * sizeof *keep);
        memcpy(keep, x, 90 * sizeof *keep);
        for (uint32_t i = 0; i < 90; i++)
            x[i] = 1e6;
        fails(&r, HEL_E_MODEL, pheno, "covariate 'x2' is constant");
        for (uint32_t i = 0; i < 90; i++) /* constant but where it is not analysed */
            x[i] = isnan(d->phenotype[0].y[i]) ? (double)i : -3;
        fails(&r, HEL_E_MODEL, pheno, "covariate 'x2' is constant");
        for (uint32_t i = 0; i < 90; i++)
            x[i] = 3 * d->covariate[0][i] - d->covariate[1][i] + 1e4;
        fails(&r, HEL_E_MODEL, pheno, "covariate 'x2' is a linear combination");
        for (uint32_t i = 0; i < 90; i++)
            x[i] = d->covariate[0][i] + 1e-2 * keep[i];
        fails(&r, HEL_E_MODEL, "'x0' and 'x2' are correlated", "0.999");
        for (uint32_t i = 0; i < 90; i++)
            x[i] = d->covariate[0][i] + d->covariate[3][i] + 0.1 * keep[i];
        fails(&r, HEL_E_MODEL, "covariate 'x2' has a variance inflation factor", "limit of 50");
        r.max_vif = 1e4;
        hel_model_free(fit(&r));
        free(keep);
        ref_design_free(d);
    }
}

/* A dummy for every level: the last one is named, whatever the pivoting. */
Test(model, dummy_trap_names_the_last_level)
{
    hel_design *d = make(4, 90, 5);
    hel_model_request r = request_for(d);
    for (uint32_t a = 2; a < 5; a++)
        for (uint32_t i = 0; i < 90; i++)
            d->covariate[a][i] = i % 3 == a - 2;
    for (uint32_t i = 0; i < 90; i++)
        d->covariate[1][i] = sin(i);
    fails(&r, HEL_E_MODEL, "covariate 'x4' is a linear combination", "90 analysed");
    ref_design_free(d);
}

Test(model, phenotypes_that_cannot_be_used)
{
    hel_design *d = make(5, 60, 2);
    hel_model_request r = request_for(d);
    double *y = d->phenotype[0].y;
    for (uint32_t i = 0; i < 60; i++)
        y[i] = 7.25;
    fails(&r, HEL_E_MODEL, "phenotype 'q0' is constant", "60 analysed");
    for (uint32_t i = 0; i < 60; i++)
        y[i] = 5 + 2 * d->covariate[0][i] - d->covariate[1][i];
    fails(&r, HEL_E_MODEL, "phenotype 'q0' is a linear combination of the covariates", "nothing");
    for (uint32_t i = 0; i < 60; i++)
        y[i] = i < 4 ? (double)i : (double)NAN; /* k = 3: five are needed */
    fails(&r, HEL_E_MODEL, "phenotype 'q0': 4 samples", "at least 5");
    for (uint32_t i = 0; i < 60; i++)
        y[i] = NAN;
    fails(&r, HEL_E_MODEL, "phenotype 'q0': 0 samples", "at least 5");
    for (uint32_t i = 0; i < 60; i++)
        y[i] = i;
    double *b = d->phenotype[2].y, keep[60];
    memcpy(keep, b, sizeof keep);
    for (uint32_t i = 0; i < 60; i++)
        b[i] = 0;
    fails(&r, HEL_E_MODEL, "phenotype 'b0': no cases", "60 analysed");
    for (uint32_t i = 0; i < 60; i++)
        b[i] = 1;
    fails(&r, HEL_E_MODEL, "phenotype 'b0': no controls", "60 analysed");
    memcpy(b, keep, sizeof keep);
    b[7] = 2;
    fails(&r, HEL_E_MODEL, "phenotype 'b0': the value 2", "control (0)");
    memcpy(b, keep, sizeof keep);
    r.force_trait = HEL_TRAIT_BINARY;
    fails(&r, HEL_E_MODEL, "phenotype 'q0': the value", "binary");
    r.force_trait = HEL_TRAIT_QUANTITATIVE; /* 0/1 by least squares is fine */
    hel_model *m = fit(&r);
    cr_assert_eq(m->analysis[2].trait, HEL_TRAIT_QUANTITATIVE);
    hel_model_free(m);
    ref_design_free(d);
}

Test(model, separated_null_models)
{
    hel_design *d = make(6, 80, 3);
    hel_model_request r = request_for(d);
    only(d, 2);
    double *y = d->phenotype[0].y, *x = d->covariate[2];
    for (uint32_t i = 0; i < 80; i++) /* completely */
        x[i] = y[i] > 0 ? 5 + i : 4 - (double)i;
    fails(&r, HEL_E_MODEL, "phenotype 'b0'", "covariate 'x2' separates");
    for (uint32_t i = 0; i < 80; i++) /* a level with cases only */
        x[i] = y[i] > 0 && i % 4 == 0;
    fails(&r, HEL_E_MODEL, "phenotype 'b0'", "covariate 'x2' separates");
    for (uint32_t i = 0; i < 80; i++) /* only together with x0 */
        x[i] = (y[i] > 0 ? 1 : -1) * (0.5 + (i % 7) * 0.3) - 5 * d->covariate[0][i];
    fails(&r, HEL_E_MODEL, "phenotype 'b0': the covariates together separate", "'x");
    ref_design_free(d);
}

/* Close to separation, but not there: converges, to the oracle's probabilities. */
Test(model, nearly_separated_converges)
{
    hel_design *d = make(7, 200, 3);
    hel_model_request r = request_for(d);
    only(d, 2);
    for (uint32_t i = 0; i < 200; i++)
        d->covariate[2][i] =
            (d->phenotype[0].y[i] > 0 ? 3 : -3) * (i % 40 == 11 ? -1 : 1) + 0.5 * cos(i);
    hel_model *m = fit(&r);
    const hel_analysis *a = &m->analysis[0];
    ref_score *s = ref_score_create(200, 3, (const double *const *)d->covariate, d->phenotype[0].y);
    double *g = calloc(200, sizeof *g);
    for (uint32_t i = 0; i < 200; i++) { /* U of one carrier is its residual */
        ref_fit want;
        g[i] = 1;
        ref_score_fit(s, g, &want);
        double r_i = m->column[a->resid_column].w[i] / a->resid_scale;
        cr_assert(want.singular ||
                  fabs(want.beta / (want.se * want.se) - r_i) < 1e-5 + 1e-6 * fabs(r_i));
        g[i] = 0;
    }
    free(g);
    ref_score_free(s);
    hel_model_free(m);
    ref_design_free(d);
}

/* ---- layout ---- */

static uint32_t planes_of(const hel_model *m, uint32_t c)
{
    return m->column[c].planes;
}

Test(model, columns_and_outputs)
{
    const uint32_t g = 1, g2 = 2, miss = 4, n = 100, q = 2, k = 3;
    hel_design *d = make(8, n, q);
    d->covariate[0][17] = NAN;
    uint8_t include[100];
    for (uint32_t i = 0; i < n; i++)
        include[i] = i % 10 != 9;
    for (int plane = 0; plane < 2; plane++) {
        hel_model_request r = request_for(d);
        uint32_t extra = plane ? miss : 0;
        r.include = include;
        r.miss_plane = plane;
        hel_model *m = fit(&r);
        cr_assert(m->samples == n && m->bits == 20 && m->patterns == 2 && m->analyses == 5);
        /* two patterns with basis; three residuals; two binary ones with k + 2 */
        cr_assert_eq(m->columns, 2 * k + 3 + 2 * (k + 2));
        cr_assert_eq(m->outputs, m->columns * (plane ? 2 : 1) + 2 + 2);
        cr_assert_eq(m->planes, g | g2 | extra);
        for (uint32_t t = 0; t < m->analyses; t++) {
            const hel_analysis *a = &m->analysis[t];
            int binary = a->trait == HEL_TRAIT_BINARY;
            cr_assert(a->k == k && a->p == q);
            cr_assert_eq(a->pattern, t == 1 || t > 2);
            cr_assert_eq(planes_of(m, a->basis_column), g | g2 | extra);
            cr_assert_eq(planes_of(m, a->resid_column), g | extra);
            cr_assert_eq(planes_of(m, a->mask_column) & (g | extra), g | extra);
            for (uint32_t l = 1; l < k; l++)
                cr_assert_eq(planes_of(m, a->basis_column + l), g | extra);
            cr_assert_eq(binary, a->case_column != UINT32_MAX);
            cr_assert_eq(binary, a->basis_column != a->mask_column);
            uint32_t analysed = 0, cases = 0;
            int64_t peak = 0;
            for (uint32_t i = 0; i < n; i++) {
                int in = include[i] && i != 17 && !isnan(d->phenotype[t].y[i]);
                cr_assert_eq(m->column[a->mask_column].w[i], in);
                cr_assert(in || (m->column[a->resid_column].w[i] == 0 &&
                                 m->column[a->basis_column + 1].w[i] == 0));
                if (binary) {
                    cr_assert_eq(m->column[a->case_column].w[i], in && d->phenotype[t].y[i] == 1);
                    cr_assert(in ? m->column[a->basis_column].w[i] >= 1
                                 : m->column[a->basis_column].w[i] == 0);
                    cases += in && d->phenotype[t].y[i] == 1;
                }
                analysed += (uint32_t)in;
                peak = llabs(m->column[a->resid_column].w[i]) > peak
                           ? llabs(m->column[a->resid_column].w[i])
                           : peak;
            }
            cr_assert(a->n == analysed && a->cases == cases && peak == (1 << 19) - 1);
        }
        uint32_t at = 0;
        for (uint32_t c = 0; c < m->columns; c++)
            for (uint32_t p = 0; p < HEL_PLANES; p++) {
                uint32_t o = m->output_of[c * HEL_PLANES + p];
                cr_assert_eq(o, planes_of(m, c) >> p & 1 ? at : UINT32_MAX);
                if (o != UINT32_MAX)
                    cr_assert(m->output[at].column == c && m->output[at++].plane == (hel_plane)p);
            }
        cr_assert_eq(at, m->outputs);
        hel_model_free(m);
    }
    ref_design_free(d);
}

/* Linear: T + P (k + 1) sums; binary: T (k + 3) + P with case masks and one mask per pattern. */
Test(model, sums_as_promised)
{
    for (uint32_t q = 0; q < 4; q++)
        for (int trait = 1; trait <= 2; trait++) {
            hel_design *d = make(9, 80, q);
            uint32_t kept = 0;
            for (uint32_t t = 0; t < PHENOTYPES; t++)
                if ((int)d->phenotype[t].trait == trait) {
                    hel_phenotype swap = d->phenotype[kept];
                    d->phenotype[kept++] = d->phenotype[t];
                    d->phenotype[t] = swap;
                }
            d->phenotypes = kept;
            hel_model_request r = request_for(d);
            hel_model *m = fit(&r);
            uint32_t k = q + 1, p = m->patterns;
            cr_assert_eq(p, 2);
            cr_assert_eq(m->outputs,
                         trait == HEL_TRAIT_QUANTITATIVE ? kept + p * (k + 1) : kept * (k + 3) + p);
            hel_model_free(m);
            d->phenotypes = PHENOTYPES;
            ref_design_free(d);
        }
}

/* ---- the same bits ---- */

static void same_analysis(const hel_model *m, uint32_t t, const hel_model *o, uint32_t u,
                          const uint32_t *row_of)
{
    const hel_analysis *a = &m->analysis[t], *b = &o->analysis[u];
    uint32_t k = a->k;
    cr_assert(a->trait == b->trait && a->n == b->n && k == b->k && a->cases == b->cases &&
              a->p == b->p);
    cr_assert(!memcmp(&a->resid_scale, &b->resid_scale, sizeof(double)) &&
              !memcmp(&a->weight_scale, &b->weight_scale, sizeof(double)) &&
              !memcmp(&a->rr, &b->rr, sizeof(double)));
    cr_assert_eq(memcmp(a->gram, b->gram, k * k * sizeof(double)), 0);
    cr_assert_eq(memcmp(a->cross, b->cross, k * sizeof(double)), 0);
    cr_assert_eq(memcmp(a->loading, b->loading, a->p * k * sizeof(double)), 0);
    for (uint32_t l = 0; l < k + 3; l++) {
        uint32_t ca = l < k        ? a->basis_column + l
                      : l == k     ? a->mask_column
                      : l == k + 1 ? a->resid_column
                                   : a->case_column;
        uint32_t cb = l < k        ? b->basis_column + l
                      : l == k     ? b->mask_column
                      : l == k + 1 ? b->resid_column
                                   : b->case_column;
        if (ca == UINT32_MAX)
            continue;
        for (uint32_t i = 0; i < m->samples; i++)
            cr_assert_eq(m->column[ca].w[i], o->column[cb].w[row_of ? row_of[i] : i]);
    }
}

Test(model, alone_or_together)
{
    for (uint32_t t = 0; t < PHENOTYPES; t++) {
        hel_design *all = make(10, 150, 3), *one = make(10, 150, 3);
        hel_model_request together = request_for(all), alone = request_for(one);
        only(one, t);
        hel_model *m = fit(&alone), *o = fit(&together);
        same_analysis(m, 0, o, t, NULL);
        hel_model_free(m);
        hel_model_free(o);
        ref_design_free(all);
        ref_design_free(one);
    }
}

/* Samples that are left out, interleaved anywhere, change nothing. */
Test(model, left_out_samples)
{
    hel_design *d = make(11, 120, 3), *wide = make(12, 300, 3);
    uint8_t *include = calloc(300, 1);
    uint32_t row_of[120], at = 0;
    for (uint32_t i = 0; i < 300; i++) {
        int take = at < 120 && (i % 5 != 1) && (i % 7 < 4 || 300 - i <= 120 - at);
        include[i] = (uint8_t)take;
        if (!take)
            continue;
        row_of[at] = i;
        for (uint32_t a = 0; a < 3; a++)
            wide->covariate[a][i] = d->covariate[a][at];
        for (uint32_t t = 0; t < PHENOTYPES; t++)
            wide->phenotype[t].y[i] = d->phenotype[t].y[at];
        at++;
    }
    cr_assert_eq(at, 120);
    hel_model_request narrow = request_for(d), broad = request_for(wide);
    broad.include = include;
    hel_model *m = fit(&narrow), *o = fit(&broad);
    for (uint32_t t = 0; t < PHENOTYPES; t++)
        same_analysis(m, t, o, t, row_of);
    hel_model_free(m);
    hel_model_free(o);
    free(include);
    ref_design_free(d);
    ref_design_free(wide);
}

static hel_buf encoded(const hel_model *m)
{
    hel_buf b = {0};
    cr_assert_eq(hel_model_encode(engine, m, &b), HEL_OK);
    return b;
}

Test(model, again)
{
    hel_design *d = make(13, 200, 4);
    hel_model_request r = request_for(d);
    hel_model *m = fit(&r);
    hel_buf first = encoded(m);
    hel_model_free(m);
    for (size_t round = 0; round < 3; round++) {
        void *shift = malloc(1 + 24 * round); /* other addresses */
        m = fit(&r);
        hel_buf next = encoded(m);
        cr_assert(next.bytes == first.bytes && !memcmp(next.data, first.data, first.bytes));
        hel_buf_free(&next);
        hel_model_free(m);
        free(shift);
    }
    hel_buf_free(&first);
    ref_design_free(d);
}

/* ---- codec ---- */

Test(model, round_trip)
{
    for (uint32_t bits = 8; bits <= 24; bits += 4)
        for (uint32_t q = 0; q < 3; q++) {
            hel_design *d = make(14, 70, q);
            hel_model_request r = request_for(d);
            r.bits = bits;
            r.miss_plane = q == 1;
            hel_model *m = fit(&r), *back;
            hel_buf b = encoded(m);
            cr_assert_eq(hel_model_decode(engine, b.data, b.bytes, &back), HEL_OK, "%s",
                         hel_engine_error(engine));
            hel_buf again = encoded(back);
            cr_assert(again.bytes == b.bytes && !memcmp(again.data, b.data, b.bytes));
            cr_assert(back->outputs == m->outputs && back->planes == m->planes);
            cr_assert_eq(
                memcmp(back->output_of, m->output_of, m->columns * HEL_PLANES * sizeof(uint32_t)),
                0);
            for (uint32_t t = 0; t < PHENOTYPES; t++) {
                cr_assert_str_eq(back->analysis[t].name, m->analysis[t].name);
                same_analysis(m, t, back, t, NULL);
            }
            hel_buf_free(&b);
            hel_buf_free(&again);
            hel_model_free(m);
            hel_model_free(back);
            ref_design_free(d);
        }
}

/* What decodes must also be safe to use. */
static void use(const hel_model *m)
{
    const hel_finish_options options = {HEL_MISSING_MEAN, 0, 50, 0.999};
    int64_t *sums = calloc(m->outputs, sizeof *sums);
    for (uint32_t t = 0; t < m->analyses; t++) {
        hel_finish *f;
        hel_row row;
        for (uint32_t o = 0; o < m->outputs; o++)
            sums[o] = (int64_t)(o * 2654435761u) - (1 << 30);
        if (hel_finish_create(engine, &f, m, t, &options) == HEL_OK)
            hel_finish_variant(f, sums, NULL, 0, &row);
        hel_finish_free(f);
    }
    free(sums);
}

Test(model, hostile_bytes)
{
    ref_random random = ref_random_start(15);
    hel_design *d = make(16, 40, 2);
    hel_model_request r = request_for(d);
    hel_model *m = fit(&r), *back;
    hel_buf b = encoded(m);
    uint64_t before = hel_mem_in_use();
    uint8_t *copy = malloc(b.bytes + 8);
    for (size_t bytes = 0; bytes < b.bytes; bytes++) {
        memcpy(copy, b.data, bytes);
        cr_assert_eq(hel_model_decode(engine, copy, bytes, &back), HEL_E_FORMAT);
        cr_assert_null(back);
    }
    memset(copy, 0, b.bytes + 8);
    memcpy(copy, b.data, b.bytes);
    cr_assert_eq(hel_model_decode(engine, copy, b.bytes + 1, &back), HEL_E_FORMAT);
    memcpy(copy, b.data, b.bytes);
    hel_put_u32(copy + 8, 19); /* weights of 20 bits in a model of 19 */
    cr_assert_eq(hel_model_decode(engine, copy, b.bytes, &back), HEL_E_FORMAT);
    size_t rounds = ref_scaled(20000);
    uint32_t accepted = 0;
    for (size_t round = 0; round < rounds; round++) {
        memcpy(copy, b.data, b.bytes);
        for (uint32_t flips = 1 + ref_random_below(&random, 3); flips; flips--) {
            size_t where = round % 2 ? ref_random_below(&random, (uint32_t)b.bytes)
                                     : ref_random_below(&random, 60);
            copy[where] ^= (uint8_t)(1u << ref_random_below(&random, 8));
            if (round % 5 == 0 && where + 4 <= b.bytes)
                memset(copy + where, 0xff, 4);
        }
        hel_status status = hel_model_decode(engine, copy, b.bytes, &back);
        cr_assert(status == HEL_OK || (status == HEL_E_FORMAT && !back));
        if (status == HEL_OK) {
            use(back);
            accepted++;
        }
        hel_model_free(back);
    }
    cr_assert_eq(hel_mem_in_use(), before);
    cr_assert_lt(accepted, rounds);
    free(copy);
    hel_buf_free(&b);
    hel_model_free(m);
    ref_design_free(d);
}

/* Every allocation fails once. */
Test(model, memory)
{
    hel_design *d = make(17, 50, 2);
    hel_model_request r = request_for(d);
    uint64_t before = hel_mem_in_use();
    hel_status status = HEL_E_MEMORY;
    for (uint64_t nth = 1; status != HEL_OK; nth++) {
        hel_model *m;
        hel_mem_fail_nth(nth);
        status = hel_model_fit(engine, &r, &m);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || (status == HEL_E_MEMORY && !m), "allocation %llu",
                  (unsigned long long)nth);
        hel_model_free(m);
        cr_assert_eq(hel_mem_in_use(), before, "allocation %llu", (unsigned long long)nth);
    }
    hel_model *m = fit(&r), *back;
    hel_buf b = encoded(m);
    before = hel_mem_in_use();
    status = HEL_E_MEMORY;
    for (uint64_t nth = 1; status != HEL_OK; nth++) {
        hel_mem_fail_nth(nth);
        status = hel_model_decode(engine, b.data, b.bytes, &back);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY);
        hel_model_free(back);
        cr_assert_eq(hel_mem_in_use(), before);
    }
    hel_buf_free(&b);
    hel_model_free(m);
    hel_model_free(NULL);
    ref_design_free(d);
}
