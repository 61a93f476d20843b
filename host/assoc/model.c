/*
 * Assembling the null model: who is analysed for which phenotype, which phenotypes share a mask,
 * which columns and outputs that makes; the fits themselves are in null_linear.c and
 * null_logistic.c.
 */
#include <math.h>
#include <string.h>

#include "host/assoc/model_private.h"
#include "host/base/mem.h"

/* Who shares what, before anything is fitted. */
typedef struct plan {
    uint8_t *masks;    /* [patterns found][samples] */
    uint8_t *linear;   /* [patterns] has a linear phenotype */
    uint32_t *first;   /* [patterns] first phenotype */
    uint32_t *k;       /* [patterns] rank: intercept and covariates that stay */
    uint8_t *use;      /* [patterns][covariates] hel_use */
    uint32_t *pattern; /* [phenotypes] */
    hel_trait *trait;  /* [phenotypes] */
    uint32_t patterns, samples, phenotypes, covariates;
} plan;

static void plan_free(plan *p)
{
    hel_free_wiped(p->masks, (size_t)p->phenotypes * p->samples, 1);
    hel_free(p->linear);
    hel_free(p->first);
    hel_free(p->k);
    hel_free(p->use);
    hel_free(p->pattern);
    hel_free(p->trait);
}

hel_status hel_phenotype_name_check(hel_engine *engine, const char *name)
{
    HEL_REQUIRE(engine, name[0] && name[0] != '.' && !strchr(name, '/'), HEL_E_INPUT,
                "phenotype '%.60s': its name becomes part of a file name and must not be empty, "
                "begin with '.' or contain '/'",
                name);
    return HEL_OK;
}

static hel_status check_request(hel_engine *engine, const hel_model_request *r)
{
    HEL_REQUIRE(engine, r->bits >= 8 && r->bits <= 24, HEL_E_USAGE,
                "model: %u bits per weight: 8 to 24 are possible", r->bits);
    HEL_REQUIRE(engine, r->max_vif > 1 && isfinite(r->max_vif), HEL_E_USAGE,
                "model: the limit of the variance inflation factor is %g: it must be above 1",
                r->max_vif);
    HEL_REQUIRE(engine, r->max_corr > 0 && r->max_corr <= 1, HEL_E_USAGE,
                "model: the limit of the correlation is %g: it must be in (0, 1]", r->max_corr);
    HEL_REQUIRE(engine,
                r->force_trait == 0 || r->force_trait == HEL_TRAIT_QUANTITATIVE ||
                    r->force_trait == HEL_TRAIT_BINARY,
                HEL_E_USAGE, "model: unknown kind of phenotype %d", r->force_trait);
    HEL_REQUIRE(engine, r->design->samples > 0 && r->design->phenotypes > 0, HEL_E_USAGE,
                "model: the design has %u samples and %u phenotypes", r->design->samples,
                r->design->phenotypes);
    for (uint32_t t = 0; t < r->design->phenotypes; t++)
        HEL_TRY(hel_phenotype_name_check(engine, r->design->phenotype[t].name));
    return HEL_OK;
}

/* mask of phenotype t: included, y and every covariate known. */
static void fill_mask(const hel_model_request *request, const uint8_t *base, uint32_t t,
                      uint8_t *mask)
{
    const hel_design *d = request->design;
    for (uint32_t i = 0; i < d->samples; i++)
        mask[i] = base[i] && isfinite(d->phenotype[t].y[i]);
}

static hel_status check_binary(hel_engine *engine, const hel_phenotype *p, const uint8_t *mask,
                               uint32_t samples)
{
    for (uint32_t i = 0; i < samples; i++)
        HEL_REQUIRE(engine, !mask[i] || p->y[i] == 0 || p->y[i] == 1, HEL_E_MODEL,
                    "phenotype '%s': the value %g is neither control (0) nor case (1), as a binary "
                    "phenotype needs",
                    p->name, p->y[i]);
    return HEL_OK;
}

static hel_status plan_alloc(hel_engine *engine, plan *p)
{
    HEL_TRY(hel_calloc(engine, &p->masks, (size_t)p->phenotypes, p->samples));
    HEL_TRY(hel_calloc(engine, &p->linear, p->phenotypes, 1));
    HEL_TRY(hel_calloc(engine, &p->first, p->phenotypes, sizeof *p->first));
    HEL_TRY(hel_calloc(engine, &p->k, p->phenotypes, sizeof *p->k));
    HEL_TRY(hel_calloc(engine, &p->use, (size_t)p->phenotypes, p->covariates));
    HEL_TRY(hel_calloc(engine, &p->pattern, p->phenotypes, sizeof *p->pattern));
    return hel_calloc(engine, &p->trait, p->phenotypes, sizeof *p->trait);
}

/* Groups the phenotypes by mask, in order of first appearance. */
static hel_status plan_build(hel_engine *engine, plan *p, const hel_model_request *request)
{
    const hel_design *d = request->design;
    uint8_t *base;
    *p = (plan){.samples = d->samples, .phenotypes = d->phenotypes, .covariates = d->covariates};
    HEL_TRY(plan_alloc(engine, p));
    HEL_TRY(hel_malloc(engine, &base, d->samples, 1));
    for (uint32_t i = 0; i < d->samples; i++) {
        base[i] = !request->include || request->include[i];
        for (uint32_t a = 0; a < d->covariates; a++)
            base[i] = base[i] && isfinite(d->covariate[a][i]);
    }
    hel_status status = HEL_OK;
    for (uint32_t t = 0; t < d->phenotypes && status == HEL_OK; t++) {
        uint8_t *mask = p->masks + (size_t)p->patterns * d->samples;
        uint32_t found = 0;
        fill_mask(request, base, t, mask);
        while (memcmp(p->masks + (size_t)found * d->samples, mask, d->samples))
            found++;
        if (found == p->patterns) {
            p->first[found] = t;
            p->k[found] = 1 + hel_levels_choose(d, mask, p->use + (size_t)found * d->covariates);
            p->patterns++;
        }
        p->pattern[t] = found;
        p->trait[t] =
            request->force_trait ? (hel_trait)request->force_trait : d->phenotype[t].trait;
        if (p->trait[t] == HEL_TRAIT_BINARY)
            status = check_binary(engine, &d->phenotype[t], mask, d->samples);
        else
            p->linear[found] = 1;
    }
    hel_free_wiped(base, d->samples, 1);
    return status;
}

/* ---- columns ---- */

#define G_PLANE  (1u << HEL_PLANE_G)
#define G2_PLANE (1u << HEL_PLANE_G2)

/* Numbers the columns: patterns first (mask, then basis where a phenotype is linear), then the
 * phenotypes' own. With m->column NULL it only counts. */
static void lay_out(hel_model *m, const plan *p, uint32_t *mask_column)
{
    uint32_t extra = m->planes & (1u << HEL_PLANE_MISS), at = 0;
    for (uint32_t s = 0; s < p->patterns; s++) {
        uint32_t count = p->linear[s] ? p->k[s] : 1;
        mask_column[s] = at;
        for (uint32_t l = 0; l < count && m->column; l++)
            m->column[at + l].planes = extra | G_PLANE | (l == 0 && p->linear[s] ? G2_PLANE : 0);
        at += count;
    }
    for (uint32_t t = 0; t < p->phenotypes; t++) {
        int binary = p->trait[t] == HEL_TRAIT_BINARY;
        uint32_t k = p->k[p->pattern[t]], count = binary ? k + 2 : 1;
        if (m->column) {
            hel_analysis *a = &m->analysis[t];
            for (uint32_t l = 0; l < count; l++)
                m->column[at + l].planes = extra | G_PLANE | (l == 0 && binary ? G2_PLANE : 0);
            a->mask_column = mask_column[p->pattern[t]];
            a->basis_column = binary ? at : a->mask_column;
            a->resid_column = at + (binary ? k : 0);
            a->case_column = binary ? at + k + 1 : UINT32_MAX;
        }
        at += count;
    }
    m->columns = at;
}

hel_status hel_model_outputs(hel_engine *engine, hel_model *m)
{
    m->outputs = 0;
    for (uint32_t c = 0; c < m->columns; c++)
        m->outputs += (uint32_t)__builtin_popcount(m->column[c].planes);
    HEL_TRY(hel_calloc(engine, &m->output, m->outputs, sizeof *m->output));
    HEL_TRY(
        hel_calloc(engine, &m->output_of, (size_t)m->columns * HEL_PLANES, sizeof *m->output_of));
    uint32_t at = 0;
    for (uint32_t c = 0; c < m->columns; c++)
        for (uint32_t plane = 0; plane < HEL_PLANES; plane++) {
            int used = m->column[c].planes >> plane & 1;
            m->output_of[c * HEL_PLANES + plane] = used ? at : UINT32_MAX;
            if (used)
                m->output[at++] = (hel_output){c, (hel_plane)plane};
        }
    return HEL_OK;
}

static hel_status check_budget(hel_engine *engine, const hel_model_request *request, const plan *p)
{
    const uint64_t planes = request->miss_plane ? 2 : 1; /* of every column; one more with g2 */
    uint64_t sums = 0;
    uint32_t rank = 0;
    for (uint32_t s = 0; s < p->patterns; s++) {
        sums += p->linear[s] ? planes * p->k[s] + 1 : planes;
        rank = p->k[s] > rank ? p->k[s] : rank;
    }
    for (uint32_t t = 0; t < p->phenotypes; t++)
        sums += p->trait[t] == HEL_TRAIT_BINARY ? planes * (p->k[p->pattern[t]] + 2) + 1 : planes;
    uint32_t limit = request->max_columns;
    uint64_t fit = limit && sums ? (uint64_t)limit * p->phenotypes / sums : 0;
    HEL_REQUIRE(engine, limit == 0 || sums <= limit, HEL_E_USAGE,
                "model: %u phenotypes with %u missingness patterns and rank %u need %llu sums per "
                "variant, above the limit of %u: split the phenotypes into runs of about %llu, "
                "keeping those with the same samples together",
                p->phenotypes, p->patterns, rank, (unsigned long long)sums, limit,
                (unsigned long long)(fit ? fit : 1));
    return HEL_OK;
}

/* Model, columns and analyses with their numbers, nothing fitted. */
static hel_status allocate(hel_engine *engine, hel_model *m, const hel_model_request *request,
                           const plan *p, uint32_t *mask_column)
{
    const hel_design *d = request->design;
    m->samples = d->samples;
    m->bits = request->bits;
    m->patterns = p->patterns;
    m->planes = request->miss_plane ? 1u << HEL_PLANE_MISS : 0;
    lay_out(m, p, mask_column);
    HEL_TRY(hel_calloc(engine, &m->column, m->columns, sizeof *m->column));
    HEL_TRY(hel_calloc(engine, &m->analysis, d->phenotypes, sizeof *m->analysis));
    m->analyses = d->phenotypes;
    lay_out(m, p, mask_column);
    for (uint32_t c = 0; c < m->columns; c++) {
        m->planes |= m->column[c].planes;
        HEL_TRY(hel_calloc(engine, &m->column[c].w, m->samples, sizeof(int32_t)));
    }
    for (uint32_t t = 0; t < d->phenotypes; t++) {
        hel_analysis *a = &m->analysis[t];
        size_t bytes = strlen(d->phenotype[t].name) + 1;
        HEL_TRY(hel_malloc(engine, &a->name, bytes, 1));
        memcpy(a->name, d->phenotype[t].name, bytes);
        a->trait = p->trait[t];
        a->pattern = p->pattern[t];
        a->k = p->k[a->pattern];
        a->p = a->k - 1;
        a->weight_scale = 1;
        HEL_TRY(hel_analysis_alloc(engine, a));
    }
    return hel_model_outputs(engine, m);
}

hel_status hel_analysis_alloc(hel_engine *engine, hel_analysis *a)
{
    HEL_TRY(hel_calloc(engine, &a->gram, (size_t)a->k * a->k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &a->cross, a->k, sizeof(double)));
    return hel_calloc(engine, &a->loading, (size_t)a->p * a->k, sizeof(double));
}

/* ---- fit ---- */

static hel_status fit_pattern(hel_engine *engine, hel_model *m, const hel_model_request *request,
                              const plan *p, uint32_t s, uint32_t mask_column)
{
    const hel_design *d = request->design;
    hel_rows rows;
    double *y = NULL;
    hel_status status;
    HEL_TRY(hel_rows_build(engine, &rows, request, p->masks + (size_t)s * p->samples,
                           p->use + (size_t)s * p->covariates, d->phenotype[p->first[s]].name));
    for (uint32_t i = 0; i < rows.n; i++)
        m->column[mask_column].w[rows.row[i]] = 1;
    HEL_TRY_GOTO(hel_malloc(engine, &y, rows.n, sizeof *y), done);
    for (uint32_t t = p->first[s]; t < p->phenotypes; t++) {
        hel_analysis *a = &m->analysis[t];
        if (a->pattern != s)
            continue;
        a->n = rows.n;
        for (uint32_t i = 0; i < rows.n; i++)
            y[i] = d->phenotype[t].y[rows.row[i]];
        HEL_TRY_GOTO(a->trait == HEL_TRAIT_BINARY ? hel_null_logistic(engine, m, a, &rows, y)
                                                  : hel_null_linear(engine, m, a, &rows, y),
                     done);
    }
done:
    hel_free_wiped(y, rows.n, sizeof *y);
    hel_rows_free(&rows);
    return status;
}

hel_status hel_analysis_gram(hel_engine *engine, const hel_model *m, hel_analysis *a,
                             const hel_rows *rows)
{
    uint32_t k = a->k;
    const int32_t *r = m->column[a->resid_column].w;
    const int32_t *over = a->trait == HEL_TRAIT_BINARY ? m->column[a->basis_column].w : NULL;
    double *l, *inverse;
    for (uint32_t i = 0; i < k; i++) {
        const int32_t *zi = m->column[a->basis_column + i].w;
        for (uint32_t j = 0; j <= i; j++) {
            const int32_t *zj = m->column[a->basis_column + j].w;
            a->gram[i * k + j] = a->gram[j * k + i] =
                over ? hel_quantised_dot_over(zi, zj, over, rows->row, rows->n)
                     : hel_quantised_dot(zi, zj, m->samples);
        }
        if (i == 0)
            a->cross[i] = hel_quantised_dot(m->column[a->mask_column].w, r, m->samples);
        else if (!over) /* score_columns brings the score test's */
            a->cross[i] = hel_quantised_dot(zi, r, m->samples);
    }
    HEL_TRY(hel_calloc(engine, &l, (size_t)2 * k * k, sizeof *l));
    inverse = l + (size_t)k * k;
    int regular = hel_dense_cholesky(a->gram, l, k);
    if (regular)
        hel_dense_invert_lower(l, inverse, k);
    a->rr = hel_quantised_dot(r, r, m->samples);
    a->rr -= regular && !over ? hel_dense_quadratic(inverse, a->cross, k) : 0;
    hel_free_wiped(l, (size_t)2 * k * k, sizeof *l);
    HEL_REQUIRE(
        engine, regular, HEL_E_MODEL,
        "phenotype '%s': the covariates, rounded to %u bits, are no longer independent; use "
        "more bits or leave out extreme samples",
        a->name, m->bits);
    return HEL_OK;
}

hel_status hel_model_fit(hel_engine *engine, const hel_model_request *request, hel_model **out)
{
    plan p = {0};
    hel_model *m = NULL;
    uint32_t *mask_column = NULL;
    hel_status status;
    *out = NULL;
    HEL_TRY(check_request(engine, request));
    HEL_TRY_GOTO(plan_build(engine, &p, request), done);
    HEL_TRY_GOTO(check_budget(engine, request, &p), done);
    HEL_TRY_GOTO(hel_calloc(engine, &m, 1, sizeof *m), done);
    HEL_TRY_GOTO(hel_calloc(engine, &mask_column, p.patterns, sizeof *mask_column), done);
    HEL_TRY_GOTO(allocate(engine, m, request, &p, mask_column), done);
    for (uint32_t s = 0; s < p.patterns; s++)
        HEL_TRY_GOTO(fit_pattern(engine, m, request, &p, s, mask_column[s]), done);
    *out = m;
    m = NULL;
done:
    hel_model_free(m);
    hel_free(mask_column);
    plan_free(&p);
    return status;
}

void hel_model_free(hel_model *m)
{
    if (!m)
        return;
    for (uint32_t c = 0; m->column && c < m->columns; c++)
        hel_free_wiped(m->column[c].w, m->samples, sizeof(int32_t));
    for (uint32_t t = 0; t < m->analyses; t++) {
        hel_analysis *a = &m->analysis[t];
        hel_free(a->name);
        hel_free_wiped(a->gram, (size_t)a->k * a->k, sizeof(double));
        hel_free_wiped(a->cross, a->k, sizeof(double));
        hel_free_wiped(a->loading, (size_t)a->p * a->k, sizeof(double));
    }
    hel_free(m->column);
    hel_free_wiped(m->analysis, m->analyses, sizeof *m->analysis);
    hel_free(m->output);
    hel_free(m->output_of);
    hel_free(m);
}
