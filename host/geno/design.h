/*
 * From tables to the numbers of an analysis: phenotypes with their kind, numeric covariates with
 * categorical columns expanded: one 0/1 column per level that the samples have, in order of first
 * appearance in the file, but for the most common level (of equals the first by name), which
 * plink2 leaves out too.
 */
#ifndef HEL_GENO_DESIGN_H
#define HEL_GENO_DESIGN_H

#include "host/geno/table.h"

typedef enum hel_trait {
    HEL_TRAIT_QUANTITATIVE = 1,
    HEL_TRAIT_BINARY = 2 /* values become 0 = control, 1 = case */
} hel_trait;

typedef struct hel_phenotype {
    char *name;
    hel_trait trait;
    double *y; /* per sample; NaN = missing */
} hel_phenotype;

typedef struct hel_design {
    uint32_t samples;
    hel_phenotype *phenotype;
    uint32_t phenotypes;
    char **covariate_name; /* "sex", "batch=b2", ... */
    double **covariate;    /* [covariates][samples], NaN = missing; no intercept */
    uint32_t covariates;
    uint32_t *category;    /* [covariates] 0 = numeric, else the categorical covariate (1 ..) whose
                            * level this column is; NULL = all numeric */
    char **reference_name; /* [categories] "batch=b1": the level without a column */
    uint32_t categories;
} hel_design;

typedef enum hel_coding {
    HEL_CODING_12 = 0, /* PLINK's default: 1 control, 2 case, 0 and -9 missing */
    HEL_CODING_01 = 1  /* --1: 0 control, 1 case, -9 missing */
} hel_coding;

typedef struct hel_design_request {
    const char *pheno_path;  /* NULL: fam column 6 under the name PHENO1 */
    const char *pheno_names; /* comma-separated, NULL = all columns */
    const char *covar_path;  /* NULL: intercept only */
    const char *covar_names; /* comma-separated, NULL = all */
    hel_coding coding;
} hel_design_request;

/*
 * Kind of a phenotype, as plink2 decides it: binary when every non-missing value is 0, 1 or 2 under
 * coding 12 (0 = missing; at least one 1 and one 2 needed) or 0, 1 under coding 01; quantitative
 * otherwise. Unclear coding is HEL_E_INPUT naming the column and the remedy: values {0, 1} only
 * under coding 12 ("use --1"), cases without controls or the reverse, a categorical phenotype.
 * Also HEL_E_INPUT: a constant quantitative phenotype, fewer than 3 non-missing values, no sample
 * in common, none with a phenotype and all covariates, a covariate without values or with more
 * than 1,000 levels, a phenotype of the same file as its covariate. A phenotype value of -9 is
 * missing. Constant covariates are kept: the model finds the rank, and the levels its samples have.
 */
hel_status hel_design_build(hel_engine *engine, const hel_design_request *request,
                            const hel_samples *samples, hel_design *out);
void hel_design_free(hel_design *d);

#endif
