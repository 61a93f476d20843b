/*
 * The null model: what the owner fits in clear before a scan, and what finishes it afterwards.
 *
 * A model has weight columns (integers of b bits per sample, zero outside the analysis) and
 * analyses (one per phenotype) that say which columns they use. The scan returns, per variant, one
 * exact integer sum per output; an output is a (column, plane) pair.
 *
 * Linear (one basis per distinct missingness pattern, shared by its phenotypes):
 *   column 0 of the pattern: the mask 0/1 (= the intercept), on planes g and g2 (and miss)
 *   columns 1..k-1: quantised orthonormal directions of the centred, scaled covariates, on g
 *   one residual column per phenotype, on g
 * Logistic (nothing shared but the mask used for frequencies, one per pattern):
 *   w~ on g and g2; columns 1..k-1 on g; residual on g; mask on g; cases 0/1 on g
 * With a miss plane every column also runs on it.
 *
 * The finish takes the quantised integer columns as the model, so that rounding perturbs the data
 * by 2^-(b-1) of a column's largest entry and nothing else: with Z the integer basis, A = Z'Z and c
 * = Z'r, U = U0 - B'A^-1 c and V = (s - B_0^2/n) - |rest|^2 by Cholesky. Logistic: Z = C / w~ in
 * the metric w~, so A = C' diag(1/w~) C; c = Z'r with the unrounded Z, since C / w~ is coarse where
 * w~ is small. Reference for the score test: Rao 1948; one-step estimates as in REGENIE step 2.
 */
#ifndef HEL_ASSOC_MODEL_H
#define HEL_ASSOC_MODEL_H

#include "host/base/bytes.h"
#include "host/geno/design.h"

typedef enum hel_plane {
    HEL_PLANE_G = 0,   /* copies of A1: 0, 1, 2; missing 0 */
    HEL_PLANE_G2 = 1,  /* their square: 0, 1, 4; missing 0 */
    HEL_PLANE_MISS = 2 /* 1 where the call is missing */
} hel_plane;
#define HEL_PLANES 3

typedef struct hel_weight_column {
    uint32_t planes; /* bit 1 << hel_plane */
    int32_t *w;      /* [samples], |w| <= 2^(b-1) - 1 */
} hel_weight_column;

typedef struct hel_output {
    uint32_t column;
    hel_plane plane;
} hel_output;

typedef struct hel_analysis {
    char *name;
    hel_trait trait;
    uint32_t pattern;      /* phenotypes with the same pattern share a mask */
    uint32_t n;            /* samples analysed */
    uint32_t k;            /* rank of the covariates, intercept included */
    uint32_t cases;        /* binary only */
    uint32_t mask_column;  /* the 0/1 mask */
    uint32_t basis_column; /* first of k: linear = mask_column, logistic = w~ */
    uint32_t resid_column;
    uint32_t case_column; /* binary only, else UINT32_MAX */
    double resid_scale;   /* r~ = resid_scale * residual */
    double weight_scale;  /* logistic: w~ = weight_scale * w */
    double *gram;         /* k x k row-major: A */
    double *cross;        /* k: c */
    double rr;            /* r~'r~ - c'A^-1 c (linear) */
    /* for the VIF and correlation rules: the p = k - 1 original covariates, centred and scaled to
     * standard deviation 1, in the basis: x_a = sum over l in 1..k-1 of loading[a][l] z_l with z_l
     * the integer column (logistic: the integer column divided by w~, x_a centred under w~) */
    uint32_t p;
    double *loading; /* p x k row-major; column 0 is 0 */
} hel_analysis;

typedef struct hel_model {
    uint32_t samples; /* of the dataset */
    uint32_t bits;    /* b */
    uint32_t columns, analyses, patterns, outputs;
    uint32_t planes; /* planes in use, bit mask; has HEL_PLANE_MISS with --miss-plane */
    hel_weight_column *column;
    hel_analysis *analysis;
    hel_output *output;  /* every (column, plane) pair in use: by column, then plane */
    uint32_t *output_of; /* [columns x HEL_PLANES] -> output, or UINT32_MAX */
} hel_model;

typedef struct hel_model_request {
    const hel_design *design;
    const uint8_t *include; /* [samples]: 1 = may be analysed (--keep / --remove); NULL = all */
    uint32_t bits;          /* b, 8..24 */
    int miss_plane;
    uint32_t max_columns; /* budget of outputs (sums per variant), 0 = none; HEL_E_USAGE beyond,
                             * saying how to split */
    double max_vif;       /* 50; the covariates among themselves; above 1 */
    double max_corr;      /* 0.999; in (0, 1] */
    int force_trait;      /* 0 = by phenotype, else hel_trait */
} hel_model_request;

/* HEL_E_INPUT for a name that cannot become part of a file's: empty, beginning with '.', with '/'.
 */
hel_status hel_phenotype_name_check(hel_engine *engine, const char *name);

/* Fits every phenotype of the design. A sample is analysed when included, its phenotype and all its
 * covariates are there. Levels that the analysed samples lack, and the most common one, have no
 * column: k is an analysis' own. HEL_E_INPUT: hel_phenotype_name_check. HEL_E_MODEL naming
 * phenotype and rule: rank-deficient covariates (which), VIF or correlation above the limits, a
 * separated null model (which covariate separates), n <= k + 1, no cases or no controls among the
 * analysed, a constant phenotype, IRLS without convergence. */
hel_status hel_model_fit(hel_engine *engine, const hel_model_request *request, hel_model **out);
hel_status hel_model_encode(hel_engine *engine, const hel_model *m, hel_buf *out);
/* Untrusted bytes: every count and index is checked (HEL_E_FORMAT). */
hel_status hel_model_decode(hel_engine *engine, const uint8_t *data, size_t bytes, hel_model **out);
void hel_model_free(hel_model *m); /* wipes; NULL allowed */

/* ---- finish.c ---- */

typedef enum hel_missing_mode {
    HEL_MISSING_MEAN = 0,  /* the analysis' own mean of called genotypes */
    HEL_MISSING_DELETE = 1 /* the sample leaves that variant's regression, as in plink2; linear */
} hel_missing_mode;

typedef struct hel_finish_options {
    hel_missing_mode missing;
    uint32_t min_mac; /* score test only; rows below get LOW_MAC */
    double max_vif;   /* 50 */
    double max_corr;  /* 0.999 */
} hel_finish_options;

typedef enum hel_errcode {
    HEL_ERRCODE_NONE = 0,      /* "." */
    HEL_ERRCODE_CONST_OMITTED, /* CONST_OMITTED_ALLELE */
    HEL_ERRCODE_VIF_TOO_HIGH,  /* VIF_TOO_HIGH */
    HEL_ERRCODE_CORR_TOO_HIGH, /* CORR_TOO_HIGH */
    HEL_ERRCODE_LOW_MAC,       /* ours */
    HEL_ERRCODE_PERFECT_FIT,   /* ours: RSS below 2^-2b of the null's: nothing left to test */
    HEL_ERRCODE_FEW_SAMPLES    /* ours, deletion: n - k - 1 < 1 */
} hel_errcode;
const char *hel_errcode_text(hel_errcode code);

/* One line of the table. beta, se, stat, log10p are NaN where errcode says so; counts and
 * frequencies are always there. */
typedef struct hel_row {
    uint32_t obs_ct;  /* called genotypes among analysed samples */
    uint32_t miss_ct; /* missing among them */
    uint64_t a1_ct;
    double a1_freq;                /* NaN when nothing is called */
    double beta, se, stat, log10p; /* stat: t (linear) or z (score) */
    double df;                     /* linear */
    double chisq_null;             /* REGENIE's chi-square: U^2 / (V rr / (n - k)); score: z^2 */
    uint32_t case_obs, ctrl_obs;   /* binary: called among cases and controls */
    double case_freq, ctrl_freq;
    hel_errcode errcode;
} hel_row;

/* Scratch of one worker; reused over variants. Borrows the model. HEL_E_USAGE: deletion for a
 * binary phenotype or with a miss plane (it needs to know which samples are missing), limits out of
 * range. HEL_E_FORMAT: a decoded model whose Gram matrix is not positive definite. */
typedef struct hel_finish hel_finish;
hel_status hel_finish_create(hel_engine *engine, hel_finish **out, const hel_model *m,
                             uint32_t analysis, const hel_finish_options *options);
void hel_finish_free(hel_finish *f);
/* Whether hel_finish_create would succeed for every analysis; else its error. */
hel_status hel_finish_check(hel_engine *engine, const hel_model *m,
                            const hel_finish_options *options);

/* sums: [m->outputs] exact sums of one variant. missing: ascending dataset indices of its missing
 * calls (NULL with a miss plane; those of samples outside the analysis are ignored). Never fails:
 * what cannot be computed has an errcode. V >= 0 by construction. */
void hel_finish_variant(hel_finish *f, const int64_t *sums, const uint32_t *missing,
                        uint32_t missing_count, hel_row *row);

#endif
