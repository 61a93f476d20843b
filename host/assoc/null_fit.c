/* Reads the tables, joins, selects, fits. */
#include "host/assoc/null_fit.h"

#include "host/assoc/layout.h"
#include "host/base/mem.h"
#include "host/geno/table.h"

static hel_status mark_included(hel_engine *engine, const hel_null_fit_request *q,
                                uint8_t **include)
{
    uint32_t *index = NULL, count = 0;
    HEL_TRY(hel_calloc(engine, include, q->samples->count, 1));
    HEL_TRY(hel_samples_select(engine, q->samples, q->keep, q->remove, &index, &count, NULL));
    for (uint32_t i = 0; i < count; i++)
        (*include)[index[i]] = 1;
    hel_free(index);
    return HEL_OK;
}

hel_status hel_null_fit(hel_engine *engine, const hel_null_fit_request *q, hel_model **out)
{
    hel_design design = {0};
    uint8_t *include = NULL;
    const hel_design_request tables = {.pheno_path = q->pheno,
                                       .pheno_names = q->pheno_name,
                                       .covar_path = q->covar,
                                       .covar_names = q->covar_name,
                                       .coding = q->coding_01 ? HEL_CODING_01 : HEL_CODING_12};
    *out = NULL;
    hel_status status = hel_design_build(engine, &tables, q->samples, &design);
    if (status == HEL_OK)
        status = mark_included(engine, q, &include);
    if (status == HEL_OK) {
        const hel_model_request request = {
            .design = &design,
            .include = include,
            .bits = q->bits,
            .miss_plane = q->miss_plane,
            .max_columns = q->max_columns ? q->max_columns : 256,
            .max_vif = q->max_vif > 0 ? q->max_vif : 50,
            .max_corr = q->max_corr > 0 ? q->max_corr : 0.999,
            .force_trait = q->trait,
        };
        status = hel_name_file(engine, q->pheno ? q->pheno : q->source,
                               hel_model_fit(engine, &request, out));
    }
    hel_design_free(&design);
    hel_free(include);
    return status;
}
