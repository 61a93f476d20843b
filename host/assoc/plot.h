/*
 * Manhattan and QQ plots: one drawing function each, on PNG (twofold resolution) and SVG surfaces.
 * Point clouds are thinned on pixel grids before they are drawn.
 */
#ifndef HEL_ASSOC_PLOT_H
#define HEL_ASSOC_PLOT_H

#include <cairo.h>

#include "host/assoc/report_private.h"

typedef struct hel_colour {
    double r, g, b;
} hel_colour;

typedef struct hel_theme {
    hel_colour paper, ink, muted, rule;
    hel_colour point[2]; /* chromosomes alternate; differ in lightness, so safe for colour-blind */
    hel_colour signal;   /* genome-wide line and lead variants */
    hel_colour suggest;
} hel_theme;

extern const hel_theme hel_theme_light, hel_theme_dark;

#define HEL_MANHATTAN_WIDTH  1200
#define HEL_MANHATTAN_HEIGHT 500
#define HEL_QQ_WIDTH         560
#define HEL_QQ_HEIGHT        560

typedef hel_status (*hel_draw)(hel_engine *engine, cairo_t *cr, const hel_report_data *d,
                               const hel_theme *theme);
hel_status hel_draw_manhattan(hel_engine *engine, cairo_t *cr, const hel_report_data *d,
                              const hel_theme *theme);
hel_status hel_draw_qq(hel_engine *engine, cairo_t *cr, const hel_report_data *d,
                       const hel_theme *theme);

/* The picture as a file's bytes. */
hel_status hel_render_png(hel_engine *engine, hel_buf *out, hel_draw draw, int width, int height,
                          const hel_report_data *d, const hel_theme *theme);
hel_status hel_render_svg(hel_engine *engine, hel_buf *out, hel_draw draw, int width, int height,
                          const hel_report_data *d, const hel_theme *theme);

/* ---- shared by the two pictures ---- */

typedef struct hel_rect {
    double x, y, width, height;
} hel_rect;

/*
 * Height of -log10 p. Linear up to `max`; where the largest value passes 100 (and would flatten
 * everything else), the lower half of the axis runs to `knee` and the upper half is logarithmic.
 */
typedef struct hel_log_axis {
    double bottom, height; /* pixels; y grows downwards */
    double max, knee;      /* knee = max: linear */
} hel_log_axis;

hel_log_axis hel_log_axis_make(double bottom, double height, double largest);
double hel_log_axis_y(const hel_log_axis *s, double log10p);
/* Tick values, ascending, 24 at the most; returns their number. */
size_t hel_log_axis_ticks(const hel_log_axis *s, double *tick);
/* 1, 2 or 5 times a power of ten, so that `span` has about `wanted` steps. */
double hel_nice_step(double span, int wanted);

/*
 * A grid of cells over a rectangle. A cell remembers that a point of colour 0 or 1 fell into it;
 * runs of equal cells in a row are drawn as one stroke with round ends, so a cloud of any size
 * costs at most one stroke per run.
 */
typedef struct hel_grid {
    hel_rect area;
    double cell;
    size_t columns, rows;
    uint8_t *mark; /* 0 = empty, else colour + 1 */
} hel_grid;

hel_status hel_grid_create(hel_engine *engine, hel_grid *g, hel_rect area, double cell);
void hel_grid_free(hel_grid *g); /* safe on a zeroed struct */
void hel_grid_mark(hel_grid *g, double x, double y, unsigned colour);
void hel_grid_draw(const hel_grid *g, cairo_t *cr, const hel_colour colour[2], double diameter);
/* Points in a rectangle; coarse cells are enough to know where a label would hide something. */
size_t hel_grid_count(const hel_grid *g, hel_rect r);

/* Points above this stay, each within an eighth of a pixel of its place; below, cells of 1.5. */
#define HEL_KEEP_LOG10P 3.0
#define HEL_FINE_CELL   0.25
#define HEL_COARSE_CELL 1.5

void hel_set_colour(cairo_t *cr, hel_colour c, double alpha);
void hel_line(cairo_t *cr, double x0, double y0, double x1, double y1);
typedef enum hel_align { HEL_ALIGN_LEFT, HEL_ALIGN_CENTRE, HEL_ALIGN_RIGHT } hel_align;
void hel_font(cairo_t *cr, double size, int bold);
void hel_text(cairo_t *cr, double x, double y, hel_align align, const char *text);
double hel_text_width(cairo_t *cr, const char *text);
/* "<lead>-log10 p" with a proper subscript, centred at (x, y); vertical = turned left. */
void hel_axis_title(cairo_t *cr, double x, double y, int vertical, const char *lead);
/* Paper, title and subtitle. */
void hel_draw_frame(cairo_t *cr, const hel_report_data *d, const hel_theme *theme, int width,
                    int height, const char *subtitle);
/* Grid lines, tick labels and, on a compressed axis, a note at the knee. */
void hel_draw_y_axis(cairo_t *cr, const hel_theme *theme, const hel_log_axis *s, double left,
                     double right);
void hel_draw_nothing(cairo_t *cr, const hel_theme *theme, hel_rect area);
/* A cairo context's failure as a status. */
hel_status hel_cairo_check(hel_engine *engine, cairo_t *cr);

#endif
