/*
 * Phenotype and covariate tables, and lists of samples and variants.
 *
 * Header styles: "#FID IID x y", "#IID x y" (plink2), "FID IID x y" (REGENIE, PLINK 1), "IID x y".
 * A table without a header line (PLINK 1 phenotype files) is read when its first line's third
 * column is a number or NA: columns are then named PHENO1, PHENO2, ... Separators: tabs or spaces.
 * Other lines that begin with '#' are passed over before the header, and nowhere else.
 *
 * Missing: NA, nan, N/A, . (any case), NONE, and any number equal to -9, in phenotypes and
 * covariates alike (plink2's --input-missing-phenotype covers both). A column is numeric or
 * categorical by its first value that is not missing; mixing the two is an error, as in plink2.
 */
#ifndef HEL_GENO_TABLE_H
#define HEL_GENO_TABLE_H

#include "host/geno/bed.h"

typedef struct hel_table_column {
    const char *name;
    double *value;      /* per row; NaN = missing; for categorical columns the level's index */
    int categorical;    /* 1 when the cells that are not missing are words */
    const char **level; /* categorical: level names in order of first appearance */
    uint32_t levels;
} hel_table_column;

typedef struct hel_table {
    char *path;
    uint32_t rows, columns;
    hel_sample *row; /* fid ("0" when absent), iid */
    int has_fid;
    hel_table_column *column;
    char *text, *names; /* own the strings */
} hel_table;

/* Errors name file, line and rule: a line with too few or too many columns, duplicate IDs, no
 * data columns, no data rows, inf, what begins like a number and is none, numbers among words, a
 * column name twice, an SID column, an empty file. */
hel_status hel_table_read(hel_engine *engine, const char *path, hel_table *out);
void hel_table_free(hel_table *t);

/* Index of a column by name; HEL_E_INPUT listing the names that exist. */
hel_status hel_table_find(hel_engine *engine, const hel_table *t, const char *name,
                          uint32_t *index);

/* Join on (FID, IID), or on IID where either side has no FID (no column, or 0 in every row); an
 * IID that would then match twice is HEL_E_INPUT. row_of[i] = the table's row of sample i, or
 * UINT32_MAX. HEL_E_INPUT when nothing matches. */
hel_status hel_table_join(hel_engine *engine, const hel_table *t, const hel_samples *samples,
                          uint32_t *row_of);

/* --keep / --remove: files of "FID IID", "#FID IID", "#IID" or "IID" lines, header or not, further
 * columns ignored; IDs match as in hel_table_join. --extract / --exclude: variant ids separated by
 * white space. Each path may be NULL. *index receives ascending indices in hel_malloc memory; an
 * empty result is HEL_E_INPUT. IDs that match nothing or stand there twice are not an error;
 * *unmatched counts the lines (samples) or distinct ids (variants) that match nothing (may be
 * NULL). Variants at negative positions are never selected: PLINK drops them. */
hel_status hel_samples_select(hel_engine *engine, const hel_samples *samples, const char *keep,
                              const char *remove, uint32_t **index, uint32_t *count,
                              uint32_t *unmatched);
hel_status hel_variants_select(hel_engine *engine, const hel_variants *variants,
                               const char *extract, const char *exclude, uint32_t **index,
                               uint32_t *count, uint32_t *unmatched);

#endif
