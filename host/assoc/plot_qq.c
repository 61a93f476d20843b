/*
 * QQ plot: sorted -log10 p against their expectation under no association, with the pointwise 95 %
 * band of uniform order statistics. Plotting positions as in R: ppoints(n).
 */
#include <math.h>
#include <stdio.h>

#include "host/assoc/plot.h"

#define BAND_POINTS 80

typedef struct chart {
    hel_rect area;
    hel_log_axis scale;
    double max_x;
    size_t n;
} chart;

/* Expected -log10 of the i-th smallest p (i from 1), as ppoints has it. */
static double expected(double i, size_t n)
{
    double a = n <= 10 ? 0.375 : 0.5;
    return -log10((i - a) / ((double)n + 1 - 2 * a));
}

static double place_x(const chart *c, double value)
{
    return c->area.x + value / c->max_x * c->area.width;
}

/* Order statistics at equal steps of log i: dense where the picture shows them apart. */
static double band_rank(size_t k, size_t n)
{
    return floor(exp(log((double)n) * (double)k / (BAND_POINTS - 1)) + 1e-9);
}

static void draw_band(cairo_t *cr, const chart *c, const hel_theme *theme)
{
    double n = (double)c->n;
    cairo_save(cr);
    cairo_rectangle(cr, c->area.x, c->area.y, c->area.width, c->area.height);
    cairo_clip(cr);
    for (size_t k = 0; k < 2 * BAND_POINTS; k++) {
        int lower = k >= BAND_POINTS;
        double i = band_rank(lower ? 2 * BAND_POINTS - 1 - k : k, c->n);
        double y = hel_log10_beta_quantile(lower ? 0.975 : 0.025, i, n + 1 - i);
        double px = place_x(c, expected(i, c->n)), py = hel_log_axis_y(&c->scale, y);
        if (k == 0)
            cairo_move_to(cr, px, py);
        else
            cairo_line_to(cr, px, py);
    }
    cairo_close_path(cr);
    hel_set_colour(cr, theme->suggest, 0.22);
    cairo_fill(cr);
    hel_set_colour(cr, theme->signal, 0.9);
    cairo_set_line_width(cr, 1.2);
    double corner = expected(1, c->n);
    cairo_move_to(cr, place_x(c, 0), hel_log_axis_y(&c->scale, 0));
    for (int k = 1; k <= 64; k++) { /* a curve where the y axis is compressed */
        double value = corner * k / 64;
        cairo_line_to(cr, place_x(c, value), hel_log_axis_y(&c->scale, value));
    }
    cairo_stroke(cr);
    cairo_restore(cr);
}

static void draw_x_axis(cairo_t *cr, const chart *c, const hel_theme *theme)
{
    double bottom = c->area.y + c->area.height, step = hel_nice_step(c->max_x, 6);
    char text[32];
    hel_font(cr, 12, 0);
    hel_set_colour(cr, theme->muted, 1);
    for (int i = 0; i * step <= c->max_x * 1.000001; i++) {
        snprintf(text, sizeof text, "%g", i * step);
        hel_text(cr, place_x(c, i * step), bottom + 19, HEL_ALIGN_CENTRE, text);
    }
    hel_set_colour(cr, theme->ink, 1);
    hel_axis_title(cr, c->area.x + 0.5 * c->area.width, bottom + 42, 0, "expected ");
    hel_axis_title(cr, c->area.x - 52, c->area.y + 0.5 * c->area.height, 1, "observed ");
}

hel_status hel_draw_qq(hel_engine *engine, cairo_t *cr, const hel_report_data *d,
                       const hel_theme *theme)
{
    char subtitle[160], grouped[32];
    size_t n = d->table->tested;
    chart c = {.area = {84, 84, HEL_QQ_WIDTH - 84 - 28, HEL_QQ_HEIGHT - 84 - 60}, .n = n};
    double corner = n ? expected(1, n) : 1;
    c.max_x = 1.04 * fmax(corner, 0.5);
    c.scale = hel_log_axis_make(c.area.y + c.area.height, c.area.height,
                                1.04 * fmax(n ? d->summary.max_log10p : 0, 1.25 * c.max_x));
    hel_grouped(grouped, n);
    if (n)
        snprintf(subtitle, sizeof subtitle,
                 "\xce\xbb = median \xcf\x87\xc2\xb2 / 0.4549 = %.4g, %s variant%s, band 95 %%",
                 d->summary.lambda_gc, grouped, n == 1 ? "" : "s");
    else
        snprintf(subtitle, sizeof subtitle, "no variants tested");
    hel_draw_frame(cr, d, theme, HEL_QQ_WIDTH, HEL_QQ_HEIGHT, subtitle);
    hel_draw_y_axis(cr, theme, &c.scale, c.area.x, c.area.x + c.area.width);
    draw_x_axis(cr, &c, theme);
    if (n == 0) {
        hel_draw_nothing(cr, theme, c.area);
        return HEL_OK;
    }
    draw_band(cr, &c, theme);
    hel_grid fine = {0};
    HEL_TRY(hel_grid_create(engine, &fine, c.area, HEL_FINE_CELL));
    for (size_t i = 0; i < n; i++)
        hel_grid_mark(&fine, place_x(&c, expected((double)i + 1, n)),
                      hel_log_axis_y(&c.scale, d->descending[i]), 0);
    hel_grid_draw(&fine, cr, theme->point, 4.4);
    hel_grid_free(&fine);
    return HEL_OK;
}
