/*
 * Tables of results: plink2 .glm.linear / .glm.logistic, REGENIE step 2, GWAS-SSF 1.1 with its
 * YAML. One column table per format; a writer takes rows in variant order and appears whole or not
 * at all.
 */
#ifndef HEL_ASSOC_WRITER_H
#define HEL_ASSOC_WRITER_H

#include "host/assoc/model.h"
#include "host/base/file.h"
#include "host/geno/bed.h"

typedef enum hel_format {
    HEL_FORMAT_PLINK2 = 1,  /* <out>.<pheno>.glm.linear | .glm.logistic */
    HEL_FORMAT_REGENIE = 2, /* <out>_<pheno>.regenie */
    HEL_FORMAT_SSF = 4      /* <out>.<pheno>.ssf.tsv and .ssf.tsv-meta.yaml */
} hel_format;

typedef struct hel_writer_info {
    const char *out; /* prefix of the file names */
    const char *phenotype;
    hel_trait trait;
    hel_missing_mode missing;
    uint32_t samples, cases, controls; /* analysed */
    uint32_t covariates;               /* k - 1 */
} hel_writer_info;

typedef struct hel_table_writer hel_table_writer;

hel_status hel_table_writer_open(hel_engine *engine, hel_table_writer **out, hel_format format,
                                 const hel_writer_info *info);
hel_status hel_table_writer_row(hel_table_writer *w, const hel_variant *variant,
                                const hel_row *row);
/* Path of the table; owned by the writer. */
const char *hel_table_writer_path(const hel_table_writer *w);
/* Everything but the names: the table, and the sidecar where the format has one, are whole and
 * synced under their .part names. */
hel_status hel_table_writer_finish(hel_table_writer *w);
/* File i of a finished table: the table, the sidecar; NULL past the last. Owned by the writer. */
const hel_outfile *hel_table_writer_file(const hel_table_writer *w, uint32_t i);
hel_status hel_table_writer_commit(hel_table_writer *w); /* frees in any case */
void hel_table_writer_abort(hel_table_writer *w);        /* NULL allowed */

/* A floating-point number as plink2 prints it: six significant digits as printf("%.6g"); NaN and
 * infinities as NA. Truncated to `bytes`; 16 bytes hold every number. */
void hel_format_g(char *out, size_t bytes, double value);

#endif
