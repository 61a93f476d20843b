/* Phenotypes and covariates of an analysis. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/design.h"
#include "host/geno/text.h"

#define VALUES_MIN  3    /* non-missing values of a phenotype */
#define LEVELS_MAX  1000 /* of a categorical covariate; more is a column of IDs */
#define FAM_NAME    "PHENO1"
#define FAM_PLACE   ".fam column 6"
#define FAM_MISSING (-9.0)

/* A table, the columns asked for and the rows of the samples. */
typedef struct source {
    hel_table table;
    uint32_t *column, columns;
    uint32_t *row_of;
} source;

static void source_free(source *s)
{
    hel_table_free(&s->table);
    hel_free(s->column);
    hel_free(s->row_of);
    *s = (source){0};
}

static hel_status choose_columns(hel_engine *engine, source *s, const char *list, const char *what)
{
    char *copy = NULL;
    const char **names = NULL;
    s->columns = s->table.columns;
    if (list)
        HEL_TRY(hel_text_names(engine, list, what, &copy, &names, &s->columns));
    hel_status status = hel_malloc(engine, &s->column, s->columns, sizeof *s->column);
    for (uint32_t c = 0; c < s->columns && status == HEL_OK; c++) {
        s->column[c] = c;
        if (list)
            status = hel_table_find(engine, &s->table, names[c], &s->column[c]);
    }
    hel_free(copy);
    hel_free(names);
    return status;
}

static hel_status source_open(hel_engine *engine, source *s, const char *path, const char *list,
                              const char *what, const hel_samples *samples)
{
    *s = (source){0};
    HEL_TRY(hel_table_read(engine, path, &s->table));
    hel_status status = choose_columns(engine, s, list, what);
    if (status == HEL_OK)
        status = hel_malloc(engine, &s->row_of, samples->count, sizeof *s->row_of);
    if (status == HEL_OK)
        status = hel_table_join(engine, &s->table, samples, s->row_of);
    if (status != HEL_OK)
        source_free(s);
    return status;
}

static double value_of(const source *s, const hel_table_column *column, uint32_t sample)
{
    uint32_t row = s->row_of[sample];
    return row == UINT32_MAX ? NAN : column->value[row];
}

static hel_status copy_name(hel_engine *engine, char **out, const char *name, const char *level)
{
    size_t bytes = strlen(name) + (level ? strlen(level) + 1 : 0) + 1;
    HEL_TRY(hel_malloc(engine, out, bytes, 1));
    snprintf(*out, bytes, "%s%s%s", name, level ? "=" : "", level ? level : "");
    return HEL_OK;
}

/* --- phenotypes --- */

typedef struct tally {
    uint32_t values, zeros, ones, twos;
    double first;
    int varies;
} tally;

static tally tally_of(const double *y, uint32_t samples)
{
    tally t = {0};
    for (uint32_t i = 0; i < samples; i++) {
        if (isnan(y[i]))
            continue;
        if (!t.values++)
            t.first = y[i];
        t.varies |= y[i] != t.first;
        t.zeros += y[i] == 0;
        t.ones += y[i] == 1;
        t.twos += y[i] == 2;
    }
    return t;
}

static hel_status too_few(hel_engine *engine, const char *place, const char *name, uint32_t values)
{
    return hel_fail(engine, HEL_E_INPUT,
                    "%s: phenotype '%.60s': %u samples have a value, at least %d are needed", place,
                    name, values, VALUES_MIN);
}

/* Every value is a case/control code: checks both groups and recodes to 0 and 1. */
static hel_status make_binary(hel_engine *engine, const char *place, hel_phenotype *p,
                              uint32_t samples, const tally *t, hel_coding coding)
{
    uint32_t controls = coding == HEL_CODING_01 ? t->zeros : t->ones;
    uint32_t cases = coding == HEL_CODING_01 ? t->ones : t->twos;
    HEL_REQUIRE(engine, coding == HEL_CODING_01 || !t->zeros || !t->ones || t->twos, HEL_E_INPUT,
                "%s: phenotype '%.60s': the values are 0 and 1, but 1 means control and 2 case; "
                "use --1 if 0 means control and 1 case",
                place, p->name);
    if (controls + cases < VALUES_MIN)
        return too_few(engine, place, p->name, controls + cases);
    HEL_REQUIRE(engine, controls && cases, HEL_E_INPUT,
                "%s: phenotype '%.60s': all %u samples are %s (coding: %s)", place, p->name,
                controls + cases, cases ? "cases" : "controls",
                coding == HEL_CODING_01 ? "0 control, 1 case" : "1 control, 2 case, 0 missing");
    p->trait = HEL_TRAIT_BINARY;
    if (coding == HEL_CODING_12)
        for (uint32_t i = 0; i < samples; i++)
            p->y[i] = p->y[i] == 0 ? NAN : p->y[i] - 1;
    return HEL_OK;
}

static hel_status classify(hel_engine *engine, const char *place, hel_phenotype *p,
                           uint32_t samples, hel_coding coding)
{
    tally t = tally_of(p->y, samples);
    uint32_t codes = t.zeros + t.ones + (coding == HEL_CODING_12 ? t.twos : 0);
    if (!t.values)
        return too_few(engine, place, p->name, 0);
    if (codes == t.values)
        return make_binary(engine, place, p, samples, &t, coding);
    if (t.values < VALUES_MIN)
        return too_few(engine, place, p->name, t.values);
    HEL_REQUIRE(engine, t.varies, HEL_E_INPUT, "%s: phenotype '%.60s': constant, every value is %g",
                place, p->name, t.first);
    p->trait = HEL_TRAIT_QUANTITATIVE;
    return HEL_OK;
}

static hel_status fam_phenotype(hel_engine *engine, const hel_design_request *request,
                                const hel_samples *samples, hel_design *d)
{
    HEL_REQUIRE(engine, !request->pheno_names || strcmp(request->pheno_names, FAM_NAME) == 0,
                HEL_E_INPUT, "%s: no phenotype '%.100s'; without a phenotype file there is only %s",
                FAM_PLACE, request->pheno_names, FAM_NAME);
    HEL_TRY(hel_calloc(engine, &d->phenotype, 1, sizeof *d->phenotype));
    d->phenotypes = 1;
    hel_phenotype *p = d->phenotype;
    HEL_TRY(copy_name(engine, &p->name, FAM_NAME, NULL));
    HEL_TRY(hel_malloc(engine, &p->y, d->samples, sizeof *p->y));
    for (uint32_t i = 0; i < d->samples; i++) {
        double y = samples->item[i].phenotype;
        p->y[i] = y == FAM_MISSING ? NAN : y;
    }
    return classify(engine, FAM_PLACE, p, d->samples, request->coding);
}

static hel_status table_phenotypes(hel_engine *engine, const source *s, hel_coding coding,
                                   hel_design *d)
{
    HEL_TRY(hel_calloc(engine, &d->phenotype, s->columns, sizeof *d->phenotype));
    d->phenotypes = s->columns;
    for (uint32_t k = 0; k < s->columns; k++) {
        const hel_table_column *column = &s->table.column[s->column[k]];
        hel_phenotype *p = &d->phenotype[k];
        HEL_REQUIRE(engine, !column->categorical, HEL_E_INPUT,
                    "%s: phenotype '%.60s': categorical ('%.40s', ...); phenotypes are numbers, "
                    "name those to analyse",
                    s->table.path, column->name, column->level[0]);
        HEL_TRY(copy_name(engine, &p->name, column->name, NULL));
        HEL_TRY(hel_malloc(engine, &p->y, d->samples, sizeof *p->y));
        for (uint32_t i = 0; i < d->samples; i++)
            p->y[i] = value_of(s, column, i);
        HEL_TRY(classify(engine, s->table.path, p, d->samples, coding));
    }
    return HEL_OK;
}

/* --- covariates --- */

/* An empty column under the name "name" or "name=level". */
static hel_status add_covariate(hel_engine *engine, hel_design *d, const char *name,
                                const char *level, double **values)
{
    uint32_t k = d->covariates++;
    HEL_TRY(copy_name(engine, &d->covariate_name[k], name, level));
    HEL_TRY(hel_malloc(engine, &d->covariate[k], d->samples, sizeof **d->covariate));
    *values = d->covariate[k];
    return HEL_OK;
}

/* The most common level, the first by name among equals. */
static uint32_t reference_level(const hel_table_column *column, const uint32_t *count)
{
    uint32_t best = 0;
    for (uint32_t l = 1; l < column->levels; l++)
        if (count[l] > count[best] ||
            (count[l] == count[best] && strcmp(column->level[l], column->level[best]) < 0))
            best = l;
    return best;
}

static hel_status add_categorical(hel_engine *engine, hel_design *d, const source *s,
                                  const hel_table_column *column)
{
    uint32_t count[LEVELS_MAX] = {0};
    HEL_REQUIRE(engine, column->levels <= LEVELS_MAX, HEL_E_INPUT,
                "%s: covariate '%.60s': %u levels, at most %d are allowed; is it a column of IDs?",
                s->table.path, column->name, column->levels, LEVELS_MAX);
    for (uint32_t i = 0; i < d->samples; i++) {
        double level = value_of(s, column, i);
        if (!isnan(level))
            count[(uint32_t)level]++;
    }
    uint32_t reference = reference_level(column, count), category = d->categories;
    HEL_TRY(
        copy_name(engine, &d->reference_name[category], column->name, column->level[reference]));
    d->categories = category + 1;
    for (uint32_t l = 0; l < column->levels; l++) {
        double *values;
        if (l == reference || !count[l])
            continue;
        HEL_TRY(add_covariate(engine, d, column->name, column->level[l], &values));
        d->category[d->covariates - 1] = category + 1;
        for (uint32_t i = 0; i < d->samples; i++) {
            double level = value_of(s, column, i);
            values[i] = isnan(level) ? NAN : level == (double)l;
        }
    }
    return HEL_OK;
}

static hel_status check_covariate(hel_engine *engine, const hel_design *d, const source *s,
                                  const source *pheno, const hel_table_column *column)
{
    for (uint32_t k = 0; pheno && k < d->phenotypes; k++)
        HEL_REQUIRE(engine,
                    strcmp(pheno->table.path, s->table.path) != 0 ||
                        strcmp(d->phenotype[k].name, column->name) != 0,
                    HEL_E_INPUT, "%s: column '%.60s' is a phenotype and a covariate at once",
                    s->table.path, column->name);
    for (uint32_t i = 0; i < d->samples; i++)
        if (!isnan(value_of(s, column, i)))
            return HEL_OK;
    return hel_fail(engine, HEL_E_INPUT, "%s: covariate '%.60s': no sample has a value",
                    s->table.path, column->name);
}

static hel_status table_covariates(hel_engine *engine, const source *s, const source *pheno,
                                   hel_design *d)
{
    uint32_t room = 0;
    for (uint32_t k = 0; k < s->columns; k++) {
        const hel_table_column *column = &s->table.column[s->column[k]];
        room += column->categorical && column->levels <= LEVELS_MAX ? column->levels : 1;
    }
    HEL_TRY(hel_calloc(engine, &d->covariate_name, room, sizeof *d->covariate_name));
    HEL_TRY(hel_calloc(engine, &d->covariate, room, sizeof *d->covariate));
    HEL_TRY(hel_calloc(engine, &d->category, room, sizeof *d->category));
    HEL_TRY(hel_calloc(engine, &d->reference_name, s->columns, sizeof *d->reference_name));
    for (uint32_t k = 0; k < s->columns; k++) {
        const hel_table_column *column = &s->table.column[s->column[k]];
        HEL_TRY(check_covariate(engine, d, s, pheno, column));
        if (column->categorical) {
            HEL_TRY(add_categorical(engine, d, s, column));
            continue;
        }
        double *values;
        HEL_TRY(add_covariate(engine, d, column->name, NULL, &values));
        for (uint32_t i = 0; i < d->samples; i++)
            values[i] = value_of(s, column, i);
    }
    return HEL_OK;
}

/* Every phenotype must have a sample that also has all covariates. */
static hel_status check_complete(hel_engine *engine, const char *path, const hel_design *d)
{
    for (uint32_t p = 0; p < d->phenotypes; p++) {
        int complete = 0;
        for (uint32_t i = 0; i < d->samples && !complete; i++) {
            complete = !isnan(d->phenotype[p].y[i]);
            for (uint32_t k = 0; complete && k < d->covariates; k++)
                complete = !isnan(d->covariate[k][i]);
        }
        HEL_REQUIRE(engine, complete, HEL_E_INPUT,
                    "%s: no sample has phenotype '%.60s' and all covariates", path,
                    d->phenotype[p].name);
    }
    return HEL_OK;
}

static hel_status build(hel_engine *engine, const hel_design_request *request,
                        const hel_samples *samples, source *pheno, source *covar, hel_design *out)
{
    HEL_REQUIRE(engine, request->coding == HEL_CODING_12 || request->coding == HEL_CODING_01,
                HEL_E_USAGE, "phenotype coding: %d is neither 12 nor 01", (int)request->coding);
    HEL_REQUIRE(engine, request->covar_path || !request->covar_names, HEL_E_USAGE,
                "covariate names without a covariate file");
    if (request->pheno_path) {
        HEL_TRY(source_open(engine, pheno, request->pheno_path, request->pheno_names, "phenotype",
                            samples));
        HEL_TRY(table_phenotypes(engine, pheno, request->coding, out));
    } else {
        HEL_TRY(fam_phenotype(engine, request, samples, out));
    }
    if (!request->covar_path)
        return HEL_OK;
    HEL_TRY(source_open(engine, covar, request->covar_path, request->covar_names, "covariate",
                        samples));
    HEL_TRY(table_covariates(engine, covar, request->pheno_path ? pheno : NULL, out));
    return check_complete(engine, request->covar_path, out);
}

hel_status hel_design_build(hel_engine *engine, const hel_design_request *request,
                            const hel_samples *samples, hel_design *out)
{
    source pheno = {0}, covar = {0};
    *out = (hel_design){.samples = samples->count};
    hel_status status = build(engine, request, samples, &pheno, &covar, out);
    source_free(&pheno);
    source_free(&covar);
    if (status != HEL_OK)
        hel_design_free(out);
    return status;
}

void hel_design_free(hel_design *d)
{
    for (uint32_t p = 0; d->phenotype && p < d->phenotypes; p++) {
        hel_free(d->phenotype[p].name);
        hel_free(d->phenotype[p].y);
    }
    for (uint32_t k = 0; k < d->covariates; k++) {
        hel_free(d->covariate_name[k]);
        hel_free(d->covariate[k]);
    }
    hel_free(d->phenotype);
    hel_free(d->covariate_name);
    for (uint32_t c = 0; c < d->categories; c++)
        hel_free(d->reference_name[c]);
    hel_free(d->covariate);
    hel_free(d->category);
    hel_free(d->reference_name);
    *d = (hel_design){0};
}
