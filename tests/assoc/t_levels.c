/*
 * Categorical covariates whose levels an analysis does not have: which columns stay against a plain
 * count of levels, and the finish against least squares and the score test on dummies made from
 * nothing but the analysed samples.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/assoc/model_private.h"
#include "tests/ref/ref_score.h"
#include "tests/ref/ref_sim.h"
#include "tests/ref/ref_sums.h"

#define N      240u
#define LEVELS 5u

static hel_engine *engine;

static void setup(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
}

static void teardown(void)
{
    hel_engine_free(engine);
}

TestSuite(levels, .init = setup, .fini = teardown, .timeout = 300);

/* A number x, then the dummies of "b" without level `reference`; phenotypes q0, b0 everywhere, q1,
 * b1 with gaps that the tests make. Nothing here is freed but by the process. */
typedef struct problem {
    hel_design d;
    uint8_t level[N], calls[N];
    char level_name[LEVELS][8];
    double *dummy[LEVELS];
    uint32_t reference;
} problem;

static void *must(size_t count, size_t bytes)
{
    void *p = calloc(count, bytes);
    cr_assert(p);
    return p;
}

static problem *start(ref_random *random, uint32_t reference)
{
    static const char *const name[] = {"q0", "q1", "b0", "b1"};
    problem *p = must(1, sizeof *p);
    hel_design *d = &p->d;
    p->reference = reference;
    *d = (hel_design){.samples = N, .covariates = LEVELS, .categories = 1, .phenotypes = 4};
    d->covariate = must(LEVELS, sizeof *d->covariate);
    d->covariate_name = must(LEVELS, sizeof *d->covariate_name);
    d->category = must(LEVELS, sizeof *d->category);
    d->reference_name = must(1, sizeof *d->reference_name);
    d->phenotype = must(4, sizeof *d->phenotype);
    d->covariate[0] = must(N, sizeof(double));
    d->covariate_name[0] = strdup("x");
    for (uint32_t i = 0; i < N; i++) {
        d->covariate[0][i] = ref_normal(random);
        p->level[i] = (uint8_t)ref_random_below(random, LEVELS);
    }
    for (uint32_t l = 0, at = 1; l < LEVELS; l++) {
        snprintf(p->level_name[l], sizeof p->level_name[l], "b=%c", "cadeb"[l]);
        p->dummy[l] = must(N, sizeof(double));
        for (uint32_t i = 0; i < N; i++)
            p->dummy[l][i] = p->level[i] == l;
        if (l == reference) {
            d->reference_name[0] = p->level_name[l];
            continue;
        }
        d->covariate_name[at] = p->level_name[l];
        d->category[at] = 1;
        d->covariate[at++] = p->dummy[l];
    }
    for (uint32_t t = 0; t < 4; t++) {
        d->phenotype[t].name = strdup(name[t]);
        d->phenotype[t].trait = t < 2 ? HEL_TRAIT_QUANTITATIVE : HEL_TRAIT_BINARY;
        d->phenotype[t].y = must(N, sizeof(double));
        for (uint32_t i = 0; i < N; i++) {
            double y = ref_normal(random) + 0.3 * p->level[i];
            d->phenotype[t].y[i] = t < 2 ? y : y > 0.6;
        }
    }
    return p;
}

static hel_model *fit(const problem *p, const uint8_t *include)
{
    hel_model_request r = {
        .design = &p->d, .include = include, .bits = 20, .max_vif = 50, .max_corr = 0.999};
    hel_model *m;
    cr_assert_eq(hel_model_fit(engine, &r, &m), HEL_OK, "%s", hel_engine_error(engine));
    return m;
}

/* The analysed samples' most common level, the first by name among equals. */
static uint32_t most_common(const problem *p, const uint8_t *mask, uint32_t count[LEVELS])
{
    uint32_t best = 0;
    memset(count, 0, LEVELS * sizeof *count);
    for (uint32_t i = 0; i < N; i++)
        count[p->level[i]] += mask[i];
    for (uint32_t l = 1; l < LEVELS; l++)
        if (count[l] > count[best] ||
            (count[l] == count[best] && strcmp(p->level_name[l], p->level_name[best]) < 0))
            best = l;
    return best;
}

/* Every level that is left has its column, but for the most common; the values are its dummy's. */
Test(levels, choice)
{
    ref_random random = ref_random_start(1);
    uint32_t replaced = 0, dropped = 0;
    for (size_t round = ref_scaled(2000); round-- > 0;) {
        problem *p = start(&random, ref_random_below(&random, LEVELS));
        uint8_t mask[N], use[LEVELS];
        uint32_t gone = ref_random_below(&random, 1u << LEVELS), count[LEVELS], seen = 0, want = 0;
        uint32_t few = ref_random_below(&random, 3) ? N : 1 + ref_random_below(&random, 12);
        for (uint32_t i = 0; i < N; i++)
            mask[i] = !(gone >> p->level[i] & 1) && ref_random_below(&random, N) < few;
        uint32_t best = most_common(p, mask, count);
        for (uint32_t l = 0; l < LEVELS; l++)
            want |= (uint32_t)(l != best && count[l] > 0) << l;
        uint32_t kept = hel_levels_choose(&p->d, mask, use);
        cr_assert_eq(kept, 1 + (uint32_t)__builtin_popcount(want));
        cr_assert_eq(use[0], HEL_USE_KEEP);
        for (uint32_t a = 1; a < LEVELS; a++) {
            replaced += use[a] == HEL_USE_REFERENCE;
            dropped += use[a] == HEL_USE_DROP;
            if (use[a] == HEL_USE_DROP)
                continue;
            const char *name = hel_levels_name(&p->d, a, use[a]);
            for (uint32_t l = 0; l < LEVELS; l++) {
                if (strcmp(name, p->level_name[l]) != 0)
                    continue;
                seen |= 1u << l;
                for (uint32_t i = 0; i < N; i++)
                    cr_assert_eq(hel_levels_value(&p->d, a, i, use[a]), p->dummy[l][i]);
            }
        }
        cr_assert_eq(seen, want);
    }
    cr_assert(replaced && dropped);
}

/* One analysis against the oracle on the compressed samples; returns its rank. */
static uint32_t judge(problem *p, const hel_model *m, uint32_t t, const uint8_t *include,
                      hel_row *row)
{
    const hel_analysis *a = &m->analysis[t];
    const hel_finish_options options = {HEL_MISSING_MEAN, 0, 50, 0.999};
    uint8_t mask[N];
    uint32_t count[LEVELS], n = 0, q = 0;
    double *x[LEVELS + 1], y[N], g[N];
    for (uint32_t i = 0; i < N; i++)
        mask[i] = (!include || include[i]) && !isnan(p->d.phenotype[t].y[i]);
    uint32_t best = most_common(p, mask, count);
    for (uint32_t c = 0; c <= LEVELS; c++) {
        if (c < LEVELS && (c == best || !count[c]))
            continue;
        const double *from = c < LEVELS ? p->dummy[c] : p->d.covariate[0];
        x[q] = must(N, sizeof(double));
        n = 0;
        for (uint32_t i = 0; i < N; i++)
            if (mask[i]) {
                y[n] = p->d.phenotype[t].y[i];
                g[n] = p->calls[i];
                x[q][n++] = from[i];
            }
        q++;
    }
    cr_assert(a->n == n && a->k == q + 1 && a->p == q, "%s: rank %u, not %u", a->name, a->k, q + 1);
    int64_t *sums = must(m->outputs, sizeof *sums);
    ref_sums(m, p->calls, sums);
    hel_finish *f;
    cr_assert_eq(hel_finish_create(engine, &f, m, t, &options), HEL_OK);
    memset(row, 0, sizeof *row);
    hel_finish_variant(f, sums, NULL, 0, row);
    hel_finish_free(f);
    ref_fit want;
    if (a->trait == HEL_TRAIT_BINARY) {
        ref_score *s = ref_score_create(n, q, (const double *const *)x, y);
        cr_assert(s);
        ref_score_fit(s, g, &want);
        ref_score_free(s);
    } else {
        ref_ols *o = ref_ols_create(n, q, (const double *const *)x, y);
        ref_ols_fit(o, g, &want);
        ref_ols_free(o);
        cr_assert_eq(row->df, want.df);
    }
    cr_assert_eq(row->errcode, HEL_ERRCODE_NONE);
    cr_assert_float_eq(row->log10p, want.log10p, 1e-3);
    cr_assert_float_eq(row->beta, want.beta, 1e-3 * want.se);
    cr_assert_float_eq(row->se, want.se, 1e-3 * want.se);
    for (uint32_t c = 0; c < q; c++)
        free(x[c]);
    free(sums);
    return a->k;
}

/* Levels vanish from one phenotype, from a --keep subset, or all but one do; the reference too. */
Test(levels, finish_against_oracle)
{
    static const uint32_t gone[] = {0, 1u << 3, 1u << 1, 6, 8 + 16, 1 + 2 + 4, 31 - 4, 31 - 2};
    ref_random random = ref_random_start(2);
    for (uint32_t c = 0; c < sizeof gone / sizeof *gone; c++)
        for (int keep = 0; keep < 2; keep++) {
            problem *p = start(&random, 1);
            uint8_t include[N];
            ref_place_alleles(&random, p->calls, N, 150);
            uint32_t levels = LEVELS - (uint32_t)__builtin_popcount(gone[c]);
            for (uint32_t i = 0; i < N; i++) {
                int out = gone[c] >> p->level[i] & 1;
                include[i] = (uint8_t)!out;
                if (out && !keep)
                    p->d.phenotype[1].y[i] = p->d.phenotype[3].y[i] = NAN;
            }
            hel_model *m = fit(p, keep ? include : NULL);
            for (uint32_t t = 0; t < 4; t++) {
                hel_row row;
                uint32_t k = judge(p, m, t, keep ? include : NULL, &row);
                cr_assert_eq(k, 1 + (keep || t % 2 ? levels : LEVELS));
            }
            hel_model_free(m);
        }
}

/* Ranks that differ within a model: through the codec, alone and together, the same bits. */
Test(levels, codec_and_company)
{
    ref_random random = ref_random_start(3);
    problem *p = start(&random, 0), one;
    ref_place_alleles(&random, p->calls, N, 200);
    for (uint32_t i = 0; i < N; i++)
        if (p->level[i] == 0 || p->level[i] == 3)
            p->d.phenotype[1].y[i] = p->d.phenotype[3].y[i] = NAN;
    hel_model *m = fit(p, NULL), *back;
    hel_buf b = {0}, again = {0};
    cr_assert_eq(hel_model_encode(engine, m, &b), HEL_OK);
    cr_assert_eq(hel_model_decode(engine, b.data, b.bytes, &back), HEL_OK);
    cr_assert_eq(hel_model_encode(engine, back, &again), HEL_OK);
    cr_assert(b.bytes == again.bytes && !memcmp(b.data, again.data, b.bytes));
    cr_assert(back->outputs == m->outputs);
    cr_assert_neq(m->analysis[0].k, m->analysis[1].k);
    for (uint32_t t = 0; t < 4; t++) {
        hel_row together, decoded, alone;
        one = *p;
        one.d.phenotype = &p->d.phenotype[t];
        one.d.phenotypes = 1;
        hel_model *single = fit(&one, NULL);
        judge(p, m, t, NULL, &together);
        judge(p, back, t, NULL, &decoded);
        judge(&one, single, 0, NULL, &alone);
        cr_assert(!memcmp(&together, &decoded, sizeof together));
        cr_assert(!memcmp(&together, &alone, sizeof together));
        hel_model_free(single);
    }
    hel_buf_free(&b);
    hel_buf_free(&again);
    hel_model_free(m);
    hel_model_free(back);
}

/* The same column of 0 and 1 as a number stays an error by name. */
Test(levels, numbers_stay_errors)
{
    ref_random random = ref_random_start(4);
    problem *p = start(&random, 1);
    hel_model_request r = {.design = &p->d, .bits = 20, .max_vif = 50, .max_corr = 0.999};
    hel_model *m;
    for (uint32_t i = 0; i < N; i++)
        if (p->level[i] == 2)
            p->d.phenotype[1].y[i] = NAN;
    hel_model_free(fit(p, NULL));
    p->d.category[2] = 0;
    cr_assert_eq(hel_model_fit(engine, &r, &m), HEL_E_MODEL);
    cr_assert(strstr(hel_engine_error(engine), "'q1'"));
    cr_assert(strstr(hel_engine_error(engine), "'b=d' is constant"), "%s",
              hel_engine_error(engine));
}

/* ---- what is refused before anything is spent ---- */

Test(levels, names_that_are_no_file_names)
{
    static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "/", "../../etc/x"};
    ref_random random = ref_random_start(5);
    problem *p = start(&random, 1);
    hel_model_request r = {.design = &p->d, .bits = 20, .max_vif = 50, .max_corr = 0.999};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hel_model *m;
        char quoted[32];
        snprintf(quoted, sizeof quoted, "phenotype '%s'", bad[i]);
        p->d.phenotype[2].name = strdup(bad[i]);
        teardown();
        setup();
        cr_assert_eq(hel_model_fit(engine, &r, &m), HEL_E_INPUT);
        cr_assert_null(m);
        cr_assert(strstr(hel_engine_error(engine), quoted), "%s", hel_engine_error(engine));
    }
    p->d.phenotype[2].name = strdup("a.b c..");
    hel_model_free(fit(p, NULL));
}

Test(levels, finish_check_sees_every_analysis)
{
    ref_random random = ref_random_start(6);
    problem *p = start(&random, 1);
    hel_finish_options o = {HEL_MISSING_MEAN, 0, 50, 0.999};
    hel_model *m = fit(p, NULL);
    cr_assert_eq(hel_finish_check(engine, m, &o), HEL_OK);
    o.missing = HEL_MISSING_DELETE;
    cr_assert_eq(hel_finish_check(engine, m, &o), HEL_E_USAGE);
    cr_assert(strstr(hel_engine_error(engine), "'b0'"));
    cr_assert(strstr(hel_engine_error(engine), "mean imputation, or analyse it apart"));
    o = (hel_finish_options){HEL_MISSING_MEAN, 0, 1, 0.999};
    cr_assert_eq(hel_finish_check(engine, m, &o), HEL_E_USAGE);
    o.max_vif = 50;
    m->analysis[3].gram[0] = -1; /* as a decoded file might have it */
    cr_assert_eq(hel_finish_check(engine, m, &o), HEL_E_FORMAT);
    hel_model_free(m);
    p->d.phenotypes = 2;
    m = fit(p, NULL);
    o.missing = HEL_MISSING_DELETE;
    cr_assert_eq(hel_finish_check(engine, m, &o), HEL_OK);
    hel_model_free(m);
}
