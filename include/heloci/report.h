/**
 * @file report.h
 * @brief Pictures and a page from a finished table.
 *
 * Reads a plink2-style association table (heloci's own, or one written by plink2), a REGENIE or a
 * GWAS-SSF table, and draws a Manhattan and a QQ plot (PNG and SVG) and one self-contained HTML
 * page with both and the top loci. Of several lines per variant those with the TEST of the first
 * line count. A P printed as 0 is drawn at 323.3, the limit of double precision.
 */
#ifndef HELOCI_REPORT_H
#define HELOCI_REPORT_H

#include "heloci/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hel_report_config {
    uint32_t size;         /**< sizeof(hel_report_config) */
    const char *table;     /**< input path */
    const char *out;       /**< prefix: <out>.manhattan.png|svg, <out>.qq.png|svg, <out>.html */
    const char *title;     /**< NULL = from the file name */
    double genome_wide;    /**< significance line, -log10 p; 0 = 7.30103 (5e-8) */
    double suggestive;     /**< 0 = 5 (1e-5) */
    uint32_t top;          /**< loci in the table, at most 1000; 0 = 20 */
    uint64_t locus_window; /**< bp around a lead variant that belong to its locus; 0 = 500000 */
} hel_report_config;

#define HEL_REPORT_CONFIG_INIT                                                                     \
    {                                                                                              \
        sizeof(hel_report_config), NULL, NULL, NULL, 0, 0, 0, 0                                    \
    }

typedef struct hel_report_summary {
    uint64_t variants;    /**< rows in the table */
    uint64_t tested;      /**< rows with a p-value */
    double lambda_gc;     /**< median chi-square / 0.4549364; NaN when nothing was tested */
    double max_log10p;    /**< NaN when nothing was tested */
    uint64_t genome_wide; /**< variants on or beyond the line */
} hel_report_summary;

/** Writes the five files, each whole or not at all. `summary` may be NULL. HEL_E_INPUT names file,
 *  line and rule of a table that cannot be read; a table without tested variants is none. */
HEL_API HEL_MUST_CHECK hel_status hel_report(hel_engine *engine, const hel_report_config *config,
                                             hel_report_summary *summary);

#ifdef __cplusplus
}
#endif

#endif
