/* hel_null_check: the null model rehearsed from the fileset, before anything is encrypted. */
#include "heloci/assoc.h"
#include "host/assoc/null_fit.h"
#include "host/base/file.h"
#include "host/base/mem.h"
#include "host/geno/table.h"

static hel_status rehearse(hel_engine *engine, const hel_null_check_config *c,
                           const hel_samples *samples, const char *source)
{
    hel_params params;
    hel_model *model = NULL;
    HEL_TRY(hel_params_search(engine, NULL, &params));
    const hel_null_fit_request request = {.samples = samples,
                                          .source = source,
                                          .pheno = c->pheno,
                                          .pheno_name = c->pheno_name,
                                          .covar = c->covar,
                                          .covar_name = c->covar_name,
                                          .keep = c->keep,
                                          .remove = c->remove,
                                          .coding_01 = c->coding_01,
                                          .trait = c->trait,
                                          .miss_plane = c->miss_plane,
                                          .bits = params.weight_bits,
                                          .max_columns = c->max_columns,
                                          .max_vif = c->max_vif,
                                          .max_corr = c->max_corr};
    const hel_finish_options options = {.missing = c->missing_delete ? HEL_MISSING_DELETE
                                                                     : HEL_MISSING_MEAN,
                                        .max_vif = c->max_vif > 0 ? c->max_vif : 50,
                                        .max_corr = c->max_corr > 0 ? c->max_corr : 0.999};
    HEL_TRY(hel_null_fit(engine, &request, &model));
    hel_status status = hel_finish_check(engine, model, &options);
    hel_model_free(model);
    return status;
}

hel_status hel_null_check(hel_engine *engine, const hel_null_check_config *c)
{
    hel_samples all = {0}, kept = {0};
    uint32_t *index = NULL, count = 0;
    char *fam = NULL;
    hel_error_clear(engine);
    HEL_REQUIRE(engine, c && c->size == sizeof *c && c->bfile, HEL_E_USAGE,
                "null: needs a fileset (--bfile)");
    HEL_REQUIRE(engine, !(c->miss_plane && c->missing_delete), HEL_E_UNSUPPORTED,
                "--missing delete needs the private list of missing calls, which --miss-plane "
                "replaces: choose one of them");
    hel_status status = hel_path_join(engine, &fam, c->bfile, ".fam");
    if (status == HEL_OK)
        status = hel_fam_read(engine, fam, &all);
    if (status == HEL_OK)
        status = hel_samples_select(engine, &all, c->encrypt_keep, c->encrypt_remove, &index,
                                    &count, NULL);
    if (status == HEL_OK)
        status = hel_samples_subset(engine, &all, index, count, &kept);
    if (status == HEL_OK)
        status = rehearse(engine, c, &kept, fam);
    hel_samples_free(&kept);
    hel_samples_free(&all);
    hel_free(index);
    hel_free(fam);
    return status;
}
