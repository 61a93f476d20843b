/*
 * The page: one file, no script, nothing loaded from elsewhere. Pictures are data URIs (so their
 * internal names cannot collide), one for light and one for dark; everything else follows the CSS
 * variables. Texts of the table are cleaned and escaped.
 */
#include <math.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "heloci/version.h"
#include "host/assoc/report_private.h"
#include "host/base/mem.h"

static const char style[] =
    ":root{--paper:#fff;--card:#f6f8fa;--ink:#1a212b;--muted:#5e6978;--rule:#dfe4ea;"
    "--signal:#b34404;--accent:#0d5290}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#161b22;--card:#1f262e;--ink:#e6edf3;"
    "--muted:#9aa6b2;--rule:#323b46;--signal:#ff8c40;--accent:#6bb9f5}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
    "main{max-width:1240px;margin:0 auto;padding:24px 16px 48px}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}\n"
    "h2{font-size:1.15rem;margin:36px 0 8px}\n"
    "p{margin:6px 0;max-width:80ch}\n"
    "sup,sub{line-height:0;font-size:.7em}\n"
    ".muted,footer{color:var(--muted);font-size:.9rem}\n"
    ".keys{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;"
    "margin:20px 0}\n"
    ".key{background:var(--card);border:1px solid var(--rule);border-radius:10px;"
    "padding:12px 14px}\n"
    ".key b{display:block;font-size:1.45rem;font-variant-numeric:tabular-nums}\n"
    ".key span{color:var(--muted);font-size:.85rem}\n"
    "figure{margin:16px 0;border:1px solid var(--rule);border-radius:10px;overflow-x:auto}\n"
    "figure img{display:block;width:100%;height:auto}\n"
    ".wide img{min-width:720px}\n"
    ".square{max-width:580px}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:10px}\n"
    "table{border-collapse:collapse;width:100%;font-size:.92rem;"
    "font-variant-numeric:tabular-nums}\n"
    "th,td{padding:8px 12px;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--rule)}\n"
    "th{color:var(--muted);font-weight:600;background:var(--card)}\n"
    "tr:last-child td{border-bottom:0}\n"
    "td:nth-child(2),th:nth-child(2),td:nth-child(3),th:nth-child(3),td:nth-child(4),"
    "th:nth-child(4){text-align:left}\n"
    "td.id{font-weight:600;max-width:18ch;overflow:hidden;text-overflow:ellipsis}\n"
    "tr.hit td.p{color:var(--signal);font-weight:600}\n"
    "footer{margin-top:40px;border-top:1px solid var(--rule);padding-top:12px}\n"
    "@media print{figure,.scroll{overflow:visible}main{max-width:none}}\n";

typedef struct page {
    hel_engine *engine;
    hel_buf *out;
    hel_status status; /* first failure; later calls do nothing */
} page;

static void put_bytes(page *p, const void *data, size_t bytes)
{
    if (p->status == HEL_OK)
        p->status = hel_buf_put(p->engine, p->out, data, bytes);
}

static void put(page *p, const char *text)
{
    put_bytes(p, text, strlen(text));
}

static void putf(page *p, const char *format, ...) HEL_PRINTF(2, 3);

static void putf(page *p, const char *format, ...)
{
    char text[512]; /* numbers and fixed texts only */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(p, text);
}

static void put_escaped(page *p, const char *text, size_t bytes)
{
    static const char special[] = "<>&\"'";
    static const char *const entity[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};
    char clean[4 * 90 + 1];
    hel_clean_text(clean, 90, text, bytes);
    for (const char *c = clean; *c; c++) {
        const char *found = strchr(special, *c);
        if (found)
            put(p, entity[found - special]);
        else
            put_bytes(p, c, 1);
    }
}

static void put_base64(page *p, const hel_buf *data)
{
    unsigned char coded[4 * 4096 + 1];
    for (size_t at = 0; at < data->bytes; at += 3 * 4096) {
        size_t piece = data->bytes - at < 3 * 4096 ? data->bytes - at : 3 * 4096;
        put_bytes(p, coded, (size_t)EVP_EncodeBlock(coded, data->data + at, (int)piece));
    }
}

static void put_picture(page *p, const char *kind, const char *alt, const hel_buf svg[2])
{
    putf(p,
         "<figure class=\"%s\"><picture><source media=\"(prefers-color-scheme: dark)\" "
         "srcset=\"data:image/svg+xml;base64,",
         kind);
    put_base64(p, &svg[1]);
    put(p, "\"><img src=\"data:image/svg+xml;base64,");
    put_base64(p, &svg[0]);
    putf(p, "\" alt=\"%s\"></picture></figure>\n", alt);
}

static void put_p_value(page *p, double log10p)
{
    double mantissa;
    long exponent;
    if (log10p < 3) {
        putf(p, "%.3g", pow(10, -log10p));
        return;
    }
    hel_p_parts(log10p, &mantissa, &exponent);
    putf(p, "%.1f&nbsp;&times;&nbsp;10<sup>&minus;%ld</sup>", mantissa, -exponent);
}

static void put_key(page *p, const char *name, const char *value)
{
    putf(p, "<div class=\"key\"><b>%s</b><span>%s</span></div>\n", value, name);
}

static void put_keys(page *p, const hel_report_data *d)
{
    char text[64];
    put(p, "<div class=\"keys\">\n");
    hel_grouped(text, d->summary.variants);
    put_key(p, "variants in the table", text);
    hel_grouped(text, d->summary.tested);
    put_key(p, "with a p-value", text);
    if (d->table->tested)
        snprintf(text, sizeof text, "%.4f", d->summary.lambda_gc);
    else
        strcpy(text, "&ndash;");
    put_key(p, "genomic control &lambda;", text);
    hel_grouped(text, d->summary.genome_wide);
    put_key(p, "variants beyond the genome-wide line", text);
    if (d->table->tested) {
        put(p, "<div class=\"key\"><b>");
        put_p_value(p, d->summary.max_log10p);
        put(p, "</b><span>smallest p-value</span></div>\n");
    }
    put(p, "</div>\n");
}

static int has_column(const hel_report_data *d, hel_glm_column column)
{
    return d->table->place[column] != UINT32_MAX;
}

/* A cell as the table has it, or a dash. */
static void put_cell(page *p, const hel_report_data *d, const hel_glm_variant *v,
                     hel_glm_column column)
{
    hel_glm_text cell = hel_glm_cell(d->table, v, column);
    put(p, "<td>");
    if (cell.bytes)
        put_escaped(p, cell.at, cell.bytes);
    else
        put(p, "&ndash;");
    put(p, "</td>");
}

/* Effect allele and the other one. A1 may be either REF or ALT. */
static void put_alleles(page *p, const hel_report_data *d, const hel_glm_variant *v)
{
    hel_glm_text a1 = hel_glm_cell(d->table, v, HEL_GLM_A1);
    hel_glm_text ref = hel_glm_cell(d->table, v, HEL_GLM_REF);
    hel_glm_text alt = hel_glm_cell(d->table, v, HEL_GLM_ALT);
    if (a1.bytes == 0)
        a1 = alt;
    int a1_is_ref = a1.bytes == ref.bytes && memcmp(a1.at, ref.at, a1.bytes) == 0;
    hel_glm_text other = a1_is_ref ? alt : ref;
    char clean[4 * 12 + 1];
    put(p, "<td>");
    hel_clean_text(clean, 12, a1.at, a1.bytes);
    put_escaped(p, clean, strlen(clean));
    put(p, "&thinsp;/&thinsp;");
    hel_clean_text(clean, 12, other.at, other.bytes);
    put_escaped(p, clean, strlen(clean));
    put(p, "</td>");
}

static void put_locus(page *p, const hel_report_data *d, size_t index)
{
    const hel_locus *locus = &d->locus[index];
    const hel_glm_variant *v = &d->table->variant[locus->lead];
    const hel_glm_text *chrom = &d->table->chrom[v->chrom].name;
    hel_glm_text id = hel_glm_cell(d->table, v, HEL_GLM_ID);
    char pos[40];
    int64_t size = v->pos < 0 ? -v->pos : v->pos;
    hel_grouped(pos, (uint64_t)size);
    putf(p, "<tr%s><td>%zu</td><td class=\"id\">",
         v->log10p >= d->genome_wide ? " class=\"hit\"" : "", index + 1);
    put_escaped(p, id.at, id.bytes);
    put(p, "</td><td>");
    put_escaped(p, chrom->at, chrom->bytes);
    putf(p, ":%s%s</td>", v->pos < 0 ? "&minus;" : "", pos);
    put_alleles(p, d, v);
    if (has_column(d, HEL_GLM_FREQ))
        put_cell(p, d, v, HEL_GLM_FREQ);
    put_cell(p, d, v, has_column(d, HEL_GLM_BETA) ? HEL_GLM_BETA : HEL_GLM_OR);
    put_cell(p, d, v, HEL_GLM_SE);
    put(p, "<td class=\"p\">");
    put_p_value(p, v->log10p);
    putf(p, "</td><td>%zu of %zu</td></tr>\n", locus->supports, locus->tested);
}

static void put_loci(page *p, const hel_report_data *d)
{
    put(p, "<h2>Top loci</h2>\n");
    if (d->loci == 0) {
        put(p, "<p>No variant has a p-value.</p>\n");
        return;
    }
    if (d->table->variant[d->locus[0].lead].log10p < d->suggestive)
        putf(p,
             "<p>Nothing reaches the suggestive line (p = %.3g). These are the %zu best all the "
             "same.</p>\n",
             pow(10, -d->suggestive), d->listed);
    char window[32];
    hel_grouped(window, d->window);
    putf(p,
         "<p class=\"muted\">A locus is its lead variant and everything within %s bp of it; "
         "\"variants\" counts those beyond the suggestive line among the tested ones there. Effect "
         "and frequency are of the first allele.</p>\n",
         window);
    put(p, "<div class=\"scroll\"><table><thead><tr><th>#</th><th>Lead variant</th>"
           "<th>Position</th><th>Alleles</th><th>");
    if (has_column(d, HEL_GLM_FREQ))
        put(p, "Frequency</th><th>");
    put(p, !has_column(d, HEL_GLM_BETA) && has_column(d, HEL_GLM_OR) ? "Odds ratio</th><th>SE (log)"
                                                                     : "Beta</th><th>SE");
    put(p, "</th><th>p</th><th>Variants</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < d->listed; i++)
        put_locus(p, d, i);
    put(p, "</tbody></table></div>\n");
}

static void put_notes(page *p, const hel_report_data *d)
{
    char text[32];
    put(p, "<h2>How to read this</h2>\n<p>Lines in the Manhattan plot: ");
    putf(p, "genome-wide at p = %.3g, suggestive at p = %.3g. ", pow(10, -d->genome_wide),
         pow(10, -d->suggestive));
    put(p, "Dots below &minus;log<sub>10</sub> p = 3 that would cover each other are drawn once; "
           "above, every variant is drawn.</p>\n<p>&lambda; = median &chi;&sup2; / 0.454936, where "
           "&chi;&sup2; (one degree of freedom) is recomputed from each p-value. The grey band of "
           "the QQ plot holds 95&nbsp;% of each order statistic if all variants were independent "
           "and none associated.</p>\n");
    if (d->table->zero_p) {
        hel_grouped(text, d->table->zero_p);
        putf(p,
             "<p>%s p-values are printed as 0 in the table; they are drawn at "
             "&minus;log<sub>10</sub> p = %.1f, the limit of double precision.</p>\n",
             text, HEL_GLM_ZERO_P);
    }
    if (d->table->other_tests) {
        hel_grouped(text, d->table->other_tests);
        putf(p, "<p>%s lines of other tests than the first line's are left out.</p>\n", text);
    }
}

hel_status hel_report_page(hel_engine *engine, hel_buf *out, const hel_report_data *d,
                           const hel_report_pictures *pictures)
{
    page p = {engine, out, HEL_OK};
    const char *slash = strrchr(d->table->path, '/');
    const char *file = slash ? slash + 1 : d->table->path;
    put(&p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    put_escaped(&p, d->title, strlen(d->title));
    put(&p, "</title>\n<style>\n");
    put(&p, style);
    put(&p, "</style>\n</head>\n<body>\n<main>\n<h1>");
    put_escaped(&p, d->title, strlen(d->title));
    put(&p, "</h1>\n<p class=\"muted\">Association scan, table ");
    put_escaped(&p, file, strlen(file));
    put(&p, "</p>\n");
    put_keys(&p, d);
    put_picture(&p, "wide", "Manhattan plot", pictures->manhattan);
    put_loci(&p, d);
    put(&p, "<h2>Observed against expected</h2>\n");
    put_picture(&p, "square", "QQ plot", pictures->qq);
    put_notes(&p, d);
    putf(&p, "<footer>heloci %s</footer>\n</main>\n</body>\n</html>\n", HEL_VERSION_STRING);
    return p.status;
}
