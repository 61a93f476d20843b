/* The picture: a row per operation, a bar per peer, ratios on a logarithmic axis from 1. */
#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <string.h>

#include "tools/compare/compare.h"

enum { WIDTH = 900, LEFT = 300, RIGHT = 70, TOP = 76, BOTTOM = 40, BAR = 13, GAP = 9 };
#define ROWS_MAX 1000 /* pictures are 32,767 pixels high at most */

/* Okabe and Ito 2008 (Color Universal Design). */
static const double colours[][3] = {
    {0.00, 0.45, 0.70}, {0.90, 0.62, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
    {0.84, 0.37, 0.00}, {0.34, 0.71, 0.91}, {0.40, 0.40, 0.40},
};
#define COLOURS (sizeof colours / sizeof *colours)

typedef struct chart {
    const compare_result *result;
    const compare_set *set;
    const compare_options *o;
    double low, high; /* log2 of the ends of the axis */
    double height;
} chart;

static double place(const chart *c, double ratio)
{
    const double at = (log2(ratio) - c->low) / (c->high - c->low);
    return LEFT + (at < 0 ? 0 : at > 1 ? 1 : at) * (WIDTH - LEFT - RIGHT);
}

/* Rows of one entry of ours stand together, in the order of the table's first peer. */
static int first_of_entry(const compare_result *result, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (result->row[k].ours == result->row[i].ours)
            return 0;
    return 1;
}

static double layout(chart *c)
{
    double height = TOP + BOTTOM;
    c->low = -1;
    c->high = 2;
    for (size_t i = 0; i < c->result->rows; i++) {
        const double at = log2(c->result->row[i].ratio);
        c->low = fmin(c->low, floor(at));
        c->high = fmax(c->high, ceil(at));
        height += BAR + (first_of_entry(c->result, i) ? GAP : 0);
    }
    c->low = fmax(c->low, -10);
    c->high = fmin(c->high, 14);
    return height;
}

static void colour(cairo_t *cr, size_t peer)
{
    const double *k = colours[(peer - 1) % COLOURS];
    cairo_set_source_rgb(cr, k[0], k[1], k[2]);
}

static void text_at(cairo_t *cr, double x, double y, double align, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(cr, text, &e);
    cairo_move_to(cr, x - align * e.x_advance, y);
    cairo_show_text(cr, text);
}

static void draw_head(cairo_t *cr, const chart *c)
{
    char text[3 * COMPARE_NAME];
    double x = LEFT;
    cairo_set_source_rgb(cr, 0.1, 0.13, 0.17);
    cairo_set_font_size(cr, 16);
    snprintf(text, sizeof text, "How many times faster is %s?", c->set[0].library);
    text_at(cr, 20, 28, 0, text);
    cairo_set_font_size(cr, 12);
    for (size_t peer = 1; peer < c->o->files; peer++) {
        cairo_text_extents_t e;
        cairo_text_extents(cr, c->set[peer].library, &e);
        if (x + e.x_advance + 16 > WIDTH - 10)
            break;
        colour(cr, peer);
        cairo_rectangle(cr, x, 41, 10, 10);
        cairo_fill(cr);
        cairo_set_source_rgb(cr, 0.1, 0.13, 0.17);
        text_at(cr, x + 16, 50, 0, c->set[peer].library);
        x += e.x_advance + 40;
    }
}

static void draw_axis(cairo_t *cr, const chart *c)
{
    char text[32];
    cairo_set_font_size(cr, 11);
    for (int k = (int)c->low; k <= (int)c->high; k++) {
        const double x = floor(place(c, ldexp(1, k))) + 0.5, grey = k == 0 ? 0.2 : 0.85;
        cairo_set_source_rgb(cr, grey, grey, grey);
        cairo_set_line_width(cr, 1);
        cairo_move_to(cr, x, TOP - 8);
        cairo_line_to(cr, x, c->height - BOTTOM + 4);
        cairo_stroke(cr);
        cairo_set_source_rgb(cr, 0.37, 0.41, 0.47);
        if (k >= 0)
            snprintf(text, sizeof text, "%.0f", ldexp(1, k));
        else
            snprintf(text, sizeof text, "1/%.0f", ldexp(1, -k));
        text_at(cr, x, c->height - BOTTOM + 20, 0.5, text);
    }
}

static void draw_bar(cairo_t *cr, const chart *c, const compare_row *r, double y)
{
    const double from = place(c, 1), to = place(c, r->ratio);
    char text[32];
    colour(cr, r->peer);
    cairo_rectangle(cr, fmin(from, to), y, fmax(fabs(to - from), 1), BAR - 2);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 0.1, 0.13, 0.17);
    snprintf(text, sizeof text, r->ratio < 9.995 ? "%.2f" : "%.1f", r->ratio);
    text_at(cr, fmax(from, to) + 4, y + BAR - 4, 0, text);
}

static void draw_rows(cairo_t *cr, const chart *c)
{
    double y = TOP;
    cairo_set_font_size(cr, 11);
    for (size_t i = 0; i < c->result->rows; i++) {
        const compare_entry *e = c->result->row[i].ours;
        char text[2 * COMPARE_NAME + 64];
        if (!first_of_entry(c->result, i))
            continue;
        snprintf(text, sizeof text, "%s  %s  %.0f thread%s%s%s", e->op, e->preset, e->threads,
                 e->threads > 1 ? "s" : "", e->threads > 1 ? ", " : "",
                 e->threads > 1 ? e->mode : "");
        cairo_set_source_rgb(cr, 0.1, 0.13, 0.17);
        text_at(cr, LEFT - 10, y + BAR - 4, 1, text);
        for (size_t k = i; k < c->result->rows; k++) {
            if (c->result->row[k].ours != e)
                continue;
            draw_bar(cr, c, &c->result->row[k], y);
            y += BAR;
        }
        y += GAP;
    }
}

static void draw_all(cairo_t *cr, const chart *c)
{
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    draw_head(cr, c);
    draw_axis(cr, c);
    draw_rows(cr, c);
}

int compare_draw(const compare_result *result, const compare_set *set, const compare_options *o)
{
    chart c = {result, set, o, 0, 0, 0};
    const char *path = o->draw;
    const int svg = strcmp(path + strlen(path) - 4, ".svg") == 0;
    const double zoom = svg ? 1 : 2;
    c.height = layout(&c);
    if (result->rows > ROWS_MAX) {
        fprintf(stderr, "heloci-compare: %zu rows are too many for a picture; see --only\n",
                result->rows);
        return EXIT_USAGE;
    }
    cairo_surface_t *surface =
        svg ? cairo_svg_surface_create(path, WIDTH, c.height)
            : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(zoom * WIDTH),
                                         (int)(zoom * c.height));
    cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, zoom, zoom);
    draw_all(cr, &c);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    if (status == CAIRO_STATUS_SUCCESS && !svg)
        status = cairo_surface_write_to_png(surface, path);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        return 0;
    fprintf(stderr, "heloci-compare: %s: %s\n", path, cairo_status_to_string(status));
    return EXIT_IO;
}
