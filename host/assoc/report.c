/* The report: reads the table, computes what is shown, writes four pictures and a page. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/assoc/plot.h"
#include "host/base/event.h"
#include "host/base/mem.h"

#define TITLE_CHARACTERS 90
#define MAX_TOP          1000
#define LABEL_LOCI       100 /* candidates for labels */

/* ---- texts ---- */

/* Bytes of the UTF-8 character at text, or 0 when it is not a valid one or a control character. */
static size_t utf8_bytes(const unsigned char *text, size_t bytes)
{
    unsigned char c = text[0];
    size_t length = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : 4;
    if (length == 1)
        return c >= 0x20 && c != 0x7f;
    if (c < 0xc2 || c > 0xf4 || length > bytes)
        return 0;
    uint32_t code = c & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int bad = code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
              (code >= 0x80 && code < 0xa0) || code == 0xfffe || code == 0xffff;
    return bad ? 0 : length;
}

void hel_clean_text(char *out, size_t characters, const char *text, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)text;
    char *last = out;
    size_t n = 0;
    for (size_t i = 0; i < bytes && n <= characters; n++) {
        size_t length = utf8_bytes(p + i, bytes - i);
        if (n == characters) { /* one too many: the last one gives way */
            out = last;
            memcpy(out, "\xe2\x80\xa6", 3);
            out += 3;
            break;
        }
        last = out;
        if (length) {
            memcpy(out, p + i, length);
            out += length;
        } else {
            *out++ = '?';
        }
        i += length ? length : 1;
    }
    *out = 0;
}

void hel_grouped(char *out, uint64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = 0;
}

void hel_p_parts(double log10p, double *mantissa, long *exponent)
{
    double whole = ceil(log10p);
    *mantissa = round(10 * pow(10, whole - log10p)) / 10;
    if (*mantissa >= 10) {
        *mantissa /= 10;
        whole -= 1;
    }
    *exponent = whole > 1e15 ? -1000000000000000 : -(long)whole;
}

/* ---- numbers ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static hel_status summarise(hel_engine *engine, hel_report_data *d, double **descending)
{
    const hel_glm_table *t = d->table;
    double *sorted;
    size_t n = 0;
    HEL_TRY(hel_malloc(engine, &sorted, t->tested, sizeof *sorted));
    *descending = sorted;
    for (size_t i = 0; i < t->variants; i++)
        if (!isnan(t->variant[i].log10p))
            sorted[n++] = t->variant[i].log10p;
    qsort(sorted, n, sizeof *sorted, by_size);
    d->descending = sorted;
    d->summary = (hel_report_summary){.variants = t->variants,
                                      .tested = n,
                                      .lambda_gc = hel_lambda_gc(sorted, n),
                                      .max_log10p = n ? sorted[0] : NAN};
    while (d->summary.genome_wide < n && sorted[d->summary.genome_wide] >= d->genome_wide)
        d->summary.genome_wide++;
    return HEL_OK;
}

/* ---- files ---- */

static hel_status write_file(hel_engine *engine, const char *out, const char *suffix,
                             const hel_buf *content)
{
    hel_outfile file;
    char *path;
    HEL_TRY(hel_path_join(engine, &path, out, suffix));
    hel_status status = hel_outfile_open(engine, &file, path, 0644);
    if (status == HEL_OK) {
        status = hel_outfile_write(engine, &file, content->data, content->bytes);
        if (status == HEL_OK)
            status = hel_outfile_commit(engine, &file);
        else
            hel_outfile_abort(&file);
    }
    if (status == HEL_OK)
        hel_event_result(engine, path);
    hel_free(path);
    return status;
}

typedef struct picture {
    const char *name; /* suffix without the kind */
    hel_draw draw;
    int width, height;
} picture;

static hel_status write_picture(hel_engine *engine, const char *out, const picture *p,
                                const hel_report_data *d, hel_buf svg[2])
{
    char suffix[32];
    hel_buf png = {0};
    hel_status status =
        hel_render_png(engine, &png, p->draw, p->width, p->height, d, &hel_theme_light);
    if (status == HEL_OK)
        status = hel_render_svg(engine, &svg[0], p->draw, p->width, p->height, d, &hel_theme_light);
    if (status == HEL_OK)
        status = hel_render_svg(engine, &svg[1], p->draw, p->width, p->height, d, &hel_theme_dark);
    snprintf(suffix, sizeof suffix, ".%s.png", p->name);
    if (status == HEL_OK)
        status = write_file(engine, out, suffix, &png);
    snprintf(suffix, sizeof suffix, ".%s.svg", p->name);
    if (status == HEL_OK)
        status = write_file(engine, out, suffix, &svg[0]);
    hel_buf_free(&png);
    return status;
}

static hel_status write_all(hel_engine *engine, const char *out, const hel_report_data *d)
{
    static const picture manhattan = {"manhattan", hel_draw_manhattan, HEL_MANHATTAN_WIDTH,
                                      HEL_MANHATTAN_HEIGHT};
    static const picture qq = {"qq", hel_draw_qq, HEL_QQ_WIDTH, HEL_QQ_HEIGHT};
    hel_report_pictures pictures = {0};
    hel_buf page = {0};
    hel_status status = write_picture(engine, out, &manhattan, d, pictures.manhattan);
    if (status == HEL_OK)
        status = write_picture(engine, out, &qq, d, pictures.qq);
    if (status == HEL_OK)
        status = hel_report_page(engine, &page, d, &pictures);
    if (status == HEL_OK)
        status = write_file(engine, out, ".html", &page);
    for (int i = 0; i < 2; i++) {
        hel_buf_free(&pictures.manhattan[i]);
        hel_buf_free(&pictures.qq[i]);
    }
    hel_buf_free(&page);
    return status;
}

static hel_status report_table(hel_engine *engine, const hel_report_config *config,
                               const hel_glm_table *table, hel_report_summary *summary)
{
    char title[4 * TITLE_CHARACTERS + 1];
    const char *slash = strrchr(config->table, '/');
    const char *given = config->title ? config->title : slash ? slash + 1 : config->table;
    hel_report_data d = {.table = table,
                         .title = title,
                         .genome_wide = config->genome_wide > 0 ? config->genome_wide : 7.30103,
                         .suggestive = config->suggestive > 0 ? config->suggestive : 5,
                         .window = config->locus_window ? config->locus_window : 500000};
    double *descending = NULL;
    hel_locus *loci = NULL;
    hel_clean_text(title, TITLE_CHARACTERS, given, strlen(given));
    hel_status status = summarise(engine, &d, &descending);
    size_t wanted = config->top ? config->top : 20;
    double floor = d.suggestive;
    if (!(d.summary.max_log10p >= d.suggestive)) {
        floor = 0; /* no suggestive lead: the page shows the ten best, and says so */
        wanted = wanted < 10 ? wanted : 10;
    }
    d.loci = wanted > LABEL_LOCI ? wanted : LABEL_LOCI;
    if (status == HEL_OK)
        status = hel_calloc(engine, &loci, d.loci, sizeof *loci);
    if (status == HEL_OK)
        status = hel_find_loci(engine, table, d.window, floor, d.suggestive, loci, &d.loci);
    d.listed = d.loci < wanted ? d.loci : wanted;
    d.locus = loci;
    if (status == HEL_OK)
        status = write_all(engine, config->out, &d);
    if (status == HEL_OK && summary)
        *summary = d.summary;
    hel_free(descending);
    hel_free(loci);
    return status;
}

hel_status hel_report(hel_engine *engine, const hel_report_config *config,
                      hel_report_summary *summary)
{
    hel_map map = {.fd = -1};
    hel_glm_table table = {0};
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config && config->table && config->out,
                HEL_E_USAGE, "report: a table and an output prefix are needed");
    HEL_REQUIRE(engine, config->top <= MAX_TOP, HEL_E_USAGE, "report: top is %u, at most %d",
                config->top, MAX_TOP);
    HEL_REQUIRE(engine,
                config->genome_wide >= 0 && config->genome_wide <= 1e6 && config->suggestive >= 0 &&
                    config->suggestive <= 1e6,
                HEL_E_USAGE, "report: significance lines are -log10 p between 0 and 1e6");
    HEL_TRY(hel_map_open(engine, &map, config->table));
    hel_status status = hel_glm_parse(engine, &table, config->table, map.data, map.bytes);
    if (status == HEL_OK)
        status = report_table(engine, config, &table, summary);
    hel_glm_free(&table);
    hel_map_close(&map);
    return status;
}
