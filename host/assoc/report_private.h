/* Inside of the report: the table as read, its statistics and loci, and the page. */
#ifndef HEL_ASSOC_REPORT_PRIVATE_H
#define HEL_ASSOC_REPORT_PRIVATE_H

#include "heloci/report.h"
#include "host/base/bytes.h"
#include "host/base/file.h"

/* ---- report_table.c: reader ---- */

/* A P of exactly 0 (another program's underflow) counts as the smallest positive double. */
#define HEL_GLM_ZERO_P 323.30621534311575

typedef enum hel_glm_column {
    HEL_GLM_CHROM = 0,
    HEL_GLM_POS,
    HEL_GLM_ID,
    HEL_GLM_LOG10P,
    HEL_GLM_P,
    HEL_GLM_TEST,
    HEL_GLM_A1,
    HEL_GLM_REF,
    HEL_GLM_ALT,
    HEL_GLM_FREQ,
    HEL_GLM_BETA,
    HEL_GLM_OR,
    HEL_GLM_SE,
    HEL_GLM_N
} hel_glm_column;
#define HEL_GLM_COLUMNS 14

/* A piece of the file; not terminated. */
typedef struct hel_glm_text {
    const char *at;
    size_t bytes;
} hel_glm_text;

typedef struct hel_glm_variant {
    int64_t pos;
    double log10p;  /* >= 0; NaN = not tested */
    uint64_t line;  /* offset of its line in the file */
    uint32_t chrom; /* index into chrom[] */
} hel_glm_variant;

typedef struct hel_glm_chrom {
    hel_glm_text name; /* without "chr" */
    int64_t min, max;  /* positions that occur */
    uint64_t variants;
} hel_glm_chrom;

typedef struct hel_glm_table {
    const char *path;
    const uint8_t *data;
    uint64_t bytes;
    int tabs;                        /* cells end at tabs; otherwise at runs of blanks */
    uint32_t columns;                /* cells of a line */
    uint32_t place[HEL_GLM_COLUMNS]; /* of a column in the line, UINT32_MAX = absent */
    hel_glm_variant *variant;        /* file order */
    size_t variants, tested;
    size_t zero_p;        /* tested with P = 0 or LOG10P = inf */
    size_t other_tests;   /* lines of another TEST than the first line's: not read */
    hel_glm_chrom *chrom; /* 0, 1, 2, ..., X, Y, XY, MT, then others in file order */
    uint32_t chroms;
} hel_glm_table;

/* `path` names the data in messages; both are borrowed until hel_glm_free. HEL_E_INPUT names line
 * and rule. Never fails for want of tested rows. */
hel_status hel_glm_parse(hel_engine *engine, hel_glm_table *out, const char *path,
                         const uint8_t *data, uint64_t bytes);
void hel_glm_free(hel_glm_table *t); /* safe on a zeroed struct */
/* One cell of a variant's line; {"", 0} where the table lacks the column. */
hel_glm_text hel_glm_cell(const hel_glm_table *t, const hel_glm_variant *v, hel_glm_column column);

/* ---- report_stats.c ---- */

typedef struct hel_locus {
    size_t lead;     /* index of the variant */
    size_t tested;   /* within the window around the lead, the lead included */
    size_t supports; /* of these, beyond the suggestive line */
} hel_locus;

/* Inverse of hel_log10p_chisq1: the chi-square (1 df) whose upper tail is 10^-log10p. */
double hel_chisq1_of_log10p(double log10p);
/* Quantile q of the beta distribution with integer-like shapes a, b >= 1, as -log10 x. */
double hel_log10_beta_quantile(double q, double a, double b);
/* descending: -log10 p of the tested variants, largest first. NaN when there are none. */
double hel_lambda_gc(const double *descending, size_t count);
/* Greedy: the best variant left leads a locus and takes everything within `window` bp of it.
 * Only leads of at least `floor`; *count in: room, out: loci found, best first. */
hel_status hel_find_loci(hel_engine *engine, const hel_glm_table *t, uint64_t window, double floor,
                         double suggestive, hel_locus *loci, size_t *count);

/* ---- what the pictures and the page are made from ---- */

typedef struct hel_report_data {
    const hel_glm_table *table;
    const double *descending; /* [table->tested] */
    const hel_locus *locus;
    size_t loci, listed; /* the page lists the first of them, labels may use all */
    const char *title;   /* valid UTF-8 */
    double genome_wide, suggestive;
    uint64_t window;
    hel_report_summary summary;
} hel_report_data;

/* Copies a text as valid UTF-8 without control characters ('?' for what is not); at most
 * `characters` of them, the last then being an ellipsis. out: 4 * characters + 1 bytes. */
void hel_clean_text(char *out, size_t characters, const char *text, size_t bytes);
/* "1234567" as "1,234,567"; out: 32 bytes. */
void hel_grouped(char *out, uint64_t value);
/* 10^-log10p as a mantissa in [1, 10) of one decimal and an exponent; p = 1 gives 1.0, 0. */
void hel_p_parts(double log10p, double *mantissa, long *exponent);

/* ---- report_html.c ---- */

typedef struct hel_report_pictures {
    hel_buf manhattan[2], qq[2]; /* SVG: light, dark */
} hel_report_pictures;

hel_status hel_report_page(hel_engine *engine, hel_buf *out, const hel_report_data *d,
                           const hel_report_pictures *pictures);

#endif
