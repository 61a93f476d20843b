/* What both pictures share: surfaces, themes, scales, the thinning grid, text. */
#include <cairo-svg.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/assoc/plot.h"
#include "host/base/mem.h"

/* Blues and vermilion after Okabe and Ito 2008 (Color Universal Design), darkened or lightened. */
const hel_theme hel_theme_light = {
    .paper = {1, 1, 1},
    .ink = {0.10, 0.13, 0.17},
    .muted = {0.37, 0.41, 0.47},
    .rule = {0.89, 0.91, 0.93},
    .point = {{0.05, 0.32, 0.56}, {0.40, 0.66, 0.85}},
    .signal = {0.80, 0.29, 0.02},
    .suggest = {0.45, 0.49, 0.55},
};
const hel_theme hel_theme_dark = {
    .paper = {0.086, 0.106, 0.133},
    .ink = {0.90, 0.93, 0.95},
    .muted = {0.60, 0.65, 0.70},
    .rule = {0.17, 0.20, 0.24},
    .point = {{0.42, 0.73, 0.96}, {0.17, 0.46, 0.71}},
    .signal = {1.00, 0.55, 0.25},
    .suggest = {0.58, 0.62, 0.68},
};

/* ---- surfaces ---- */

typedef struct sink {
    hel_engine *engine;
    hel_buf *out;
} sink;

static cairo_status_t collect(void *closure, const unsigned char *data, unsigned length)
{
    sink *s = closure;
    return hel_buf_put(s->engine, s->out, data, length) == HEL_OK ? CAIRO_STATUS_SUCCESS
                                                                  : CAIRO_STATUS_NO_MEMORY;
}

static hel_status from_cairo(hel_engine *engine, cairo_status_t status)
{
    if (status == CAIRO_STATUS_SUCCESS)
        return HEL_OK;
    return hel_fail(engine, status == CAIRO_STATUS_NO_MEMORY ? HEL_E_MEMORY : HEL_E_INTERNAL,
                    "picture: cairo: %s", cairo_status_to_string(status));
}

hel_status hel_cairo_check(hel_engine *engine, cairo_t *cr)
{
    return from_cairo(engine, cairo_status(cr));
}

static hel_status draw_on(hel_engine *engine, cairo_surface_t *surface, hel_draw draw,
                          const hel_report_data *d, const hel_theme *theme)
{
    cairo_t *cr = cairo_create(surface);
    hel_status status = hel_cairo_check(engine, cr);
    if (status == HEL_OK)
        status = draw(engine, cr, d, theme);
    if (status == HEL_OK)
        status = hel_cairo_check(engine, cr);
    cairo_destroy(cr);
    return status;
}

hel_status hel_render_png(hel_engine *engine, hel_buf *out, hel_draw draw, int width, int height,
                          const hel_report_data *d, const hel_theme *theme)
{
    sink s = {engine, out};
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, 2 * width, 2 * height);
    cairo_surface_set_device_scale(surface, 2, 2);
    hel_status status = draw_on(engine, surface, draw, d, theme);
    if (status == HEL_OK)
        status = from_cairo(engine, cairo_surface_write_to_png_stream(surface, collect, &s));
    cairo_surface_destroy(surface);
    return status;
}

hel_status hel_render_svg(hel_engine *engine, hel_buf *out, hel_draw draw, int width, int height,
                          const hel_report_data *d, const hel_theme *theme)
{
    sink s = {engine, out};
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(collect, &s, width, height);
    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    hel_status status = draw_on(engine, surface, draw, d, theme);
    cairo_surface_finish(surface);
    if (status == HEL_OK)
        status = from_cairo(engine, cairo_surface_status(surface));
    cairo_surface_destroy(surface);
    return status;
}

/* ---- scale ---- */

double hel_nice_step(double span, int wanted)
{
    double raw = span / wanted, power = pow(10, floor(log10(raw)));
    double lead = raw / power;
    return power * (lead <= 1.0001 ? 1 : lead <= 2.0001 ? 2 : lead <= 5.0001 ? 5 : 10);
}

hel_log_axis hel_log_axis_make(double bottom, double height, double largest)
{
    largest = fmax(largest, 1);
    hel_log_axis s = {.bottom = bottom, .height = height, .max = largest, .knee = largest};
    if (largest > 100)
        s.knee = 20;
    return s;
}

double hel_log_axis_y(const hel_log_axis *s, double log10p)
{
    double share = log10p / s->max;
    if (s->knee < s->max) {
        share = log10p <= s->knee ? 0.5 * log10p / s->knee
                                  : 0.5 + 0.5 * log(log10p / s->knee) / log(s->max / s->knee);
    }
    return s->bottom - share * s->height;
}

size_t hel_log_axis_ticks(const hel_log_axis *s, double *tick)
{
    static const double lead[] = {1, 2, 5};
    size_t n = 0;
    double linear_top = s->knee < s->max ? s->knee : s->max;
    double step = hel_nice_step(linear_top, s->knee < s->max ? 4 : 7);
    for (int i = 0; i * step <= linear_top * 1.000001 && n < 12; i++)
        tick[n++] = i * step;
    /* above the knee: 1, 2, 5 while they lie a text's height apart, else powers of ten */
    int sparse = s->height / log10(s->max / s->knee) < 120;
    for (int power = 1; s->knee < s->max && power <= 300; power++)
        for (int l = 0; l < (sparse ? 1 : 3); l++) {
            double value = lead[l] * pow(10, power);
            if (value > 1.4 * s->knee && value <= s->max && n < 24 &&
                hel_log_axis_y(s, tick[n - 1]) - hel_log_axis_y(s, value) > 16)
                tick[n++] = value;
        }
    return n;
}

/* ---- thinning grid ---- */

hel_status hel_grid_create(hel_engine *engine, hel_grid *g, hel_rect area, double cell)
{
    *g = (hel_grid){.area = area, .cell = cell};
    g->columns = (size_t)ceil(area.width / cell) + 1;
    g->rows = (size_t)ceil(area.height / cell) + 1;
    return hel_calloc(engine, &g->mark, g->columns * g->rows, 1);
}

void hel_grid_free(hel_grid *g)
{
    hel_free(g->mark);
    g->mark = NULL;
}

void hel_grid_mark(hel_grid *g, double x, double y, unsigned colour)
{
    double column = floor((x - g->area.x) / g->cell), row = floor((y - g->area.y) / g->cell);
    if (column < 0 || row < 0 || column >= (double)g->columns || row >= (double)g->rows)
        return;
    g->mark[(size_t)row * g->columns + (size_t)column] = (uint8_t)(colour + 1);
}

void hel_grid_draw(const hel_grid *g, cairo_t *cr, const hel_colour colour[2], double diameter)
{
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_width(cr, diameter);
    for (unsigned which = 0; which < 2; which++) {
        size_t pending = 0; /* one path of a million runs would take cairo minutes */
        hel_set_colour(cr, colour[which], 1);
        for (size_t row = 0; row < g->rows; row++) {
            const uint8_t *mark = g->mark + row * g->columns;
            double y = g->area.y + ((double)row + 0.5) * g->cell;
            for (size_t column = 0; column < g->columns; column++) {
                if (mark[column] != which + 1)
                    continue;
                size_t first = column;
                while (column + 1 < g->columns && mark[column + 1] == which + 1)
                    column++;
                /* not quite zero long: some SVG viewers drop a dot that is */
                hel_line(cr, g->area.x + ((double)first + 0.5) * g->cell, y,
                         g->area.x + ((double)column + 0.5) * g->cell + 0.01, y);
                if (++pending % 1000 == 0)
                    cairo_stroke(cr);
            }
        }
        cairo_stroke(cr);
    }
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_BUTT);
}

size_t hel_grid_count(const hel_grid *g, hel_rect r)
{
    size_t count = 0;
    for (double y = r.y; y < r.y + r.height; y += g->cell)
        for (double x = r.x; x < r.x + r.width; x += g->cell) {
            double column = floor((x - g->area.x) / g->cell);
            double row = floor((y - g->area.y) / g->cell);
            if (column >= 0 && row >= 0 && column < (double)g->columns && row < (double)g->rows)
                count += g->mark[(size_t)row * g->columns + (size_t)column] != 0;
        }
    return count;
}

/* ---- ink ---- */

void hel_set_colour(cairo_t *cr, hel_colour c, double alpha)
{
    cairo_set_source_rgba(cr, c.r, c.g, c.b, alpha);
}

void hel_line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
}

void hel_font(cairo_t *cr, double size, int bold)
{
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

double hel_text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(cr, text, &e);
    return e.x_advance;
}

void hel_text(cairo_t *cr, double x, double y, hel_align align, const char *text)
{
    double width = align == HEL_ALIGN_LEFT ? 0 : hel_text_width(cr, text);
    cairo_move_to(cr, x - (align == HEL_ALIGN_CENTRE ? 0.5 * width : width), y);
    cairo_show_text(cr, text);
}

void hel_axis_title(cairo_t *cr, double x, double y, int vertical, const char *lead)
{
    static const char *const part[] = {"\xe2\x88\x92log", "10", " p"};
    double width, size = 13;
    hel_font(cr, size, 0);
    width = hel_text_width(cr, lead) + hel_text_width(cr, part[0]) + hel_text_width(cr, part[2]);
    hel_font(cr, 0.7 * size, 0);
    width += hel_text_width(cr, part[1]);
    cairo_save(cr);
    cairo_translate(cr, x, y);
    if (vertical)
        cairo_rotate(cr, -M_PI / 2);
    cairo_move_to(cr, -0.5 * width, 0);
    hel_font(cr, size, 0);
    cairo_show_text(cr, lead);
    cairo_show_text(cr, part[0]);
    hel_font(cr, 0.7 * size, 0);
    cairo_rel_move_to(cr, 0, 3.5);
    cairo_show_text(cr, part[1]);
    cairo_rel_move_to(cr, 0, -3.5);
    hel_font(cr, size, 0);
    cairo_show_text(cr, part[2]);
    cairo_restore(cr);
}

void hel_draw_frame(cairo_t *cr, const hel_report_data *d, const hel_theme *theme, int width,
                    int height, const char *subtitle)
{
    hel_set_colour(cr, theme->paper, 1);
    cairo_rectangle(cr, 0, 0, width, height);
    cairo_fill(cr);
    hel_set_colour(cr, theme->ink, 1);
    hel_font(cr, 17, 1);
    hel_text(cr, 24, 32, HEL_ALIGN_LEFT, d->title);
    hel_set_colour(cr, theme->muted, 1);
    hel_font(cr, 12.5, 0);
    hel_text(cr, 24, 52, HEL_ALIGN_LEFT, subtitle);
}

void hel_draw_y_axis(cairo_t *cr, const hel_theme *theme, const hel_log_axis *s, double left,
                     double right)
{
    double tick[24];
    size_t ticks = hel_log_axis_ticks(s, tick);
    char text[32];
    hel_font(cr, 12, 0);
    cairo_set_line_width(cr, 1);
    for (size_t i = 0; i < ticks; i++) {
        double y = floor(hel_log_axis_y(s, tick[i])) + 0.5;
        hel_set_colour(cr, i ? theme->rule : theme->muted, 1);
        hel_line(cr, left, y, right, y);
        cairo_stroke(cr);
        hel_set_colour(cr, theme->muted, 1);
        snprintf(text, sizeof text, tick[i] < 1e6 ? "%.6g" : "%.0e", tick[i]);
        hel_text(cr, left - 8, y + 4, HEL_ALIGN_RIGHT, text);
    }
    if (s->knee < s->max) {
        snprintf(text, sizeof text, "logarithmic above %g", s->knee);
        hel_font(cr, 10.5, 0);
        hel_text(cr, left + 6, hel_log_axis_y(s, s->knee) - 5, HEL_ALIGN_LEFT, text);
    }
}

void hel_draw_nothing(cairo_t *cr, const hel_theme *theme, hel_rect area)
{
    hel_font(cr, 14, 0);
    hel_set_colour(cr, theme->muted, 1);
    hel_text(cr, area.x + 0.5 * area.width, area.y + 0.5 * area.height, HEL_ALIGN_CENTRE,
             "no variant in this table has a p-value");
}
