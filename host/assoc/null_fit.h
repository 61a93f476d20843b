/* From the tables that a user names to a fitted null model: what hel_null and its rehearsal share.
 */
#ifndef HEL_ASSOC_NULL_FIT_H
#define HEL_ASSOC_NULL_FIT_H

#include "host/assoc/model.h"

typedef struct hel_null_fit_request {
    const hel_samples *samples; /* of the dataset, in order */
    const char *source;         /* file that names them, for errors */
    const char *pheno, *pheno_name, *covar, *covar_name, *keep, *remove; /* may be NULL */
    int coding_01, trait, miss_plane;
    uint32_t bits, max_columns; /* 0 = 256 columns */
    double max_vif, max_corr;   /* 0 = 50, 0.999 */
} hel_null_fit_request;

hel_status hel_null_fit(hel_engine *engine, const hel_null_fit_request *request, hel_model **out);

#endif
