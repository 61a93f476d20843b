/*
 * The picture of a benchmark: on top a bar per stage and backend on a logarithmic axis of seconds,
 * with the spread over the runs; below, genotypes per second by backend on another.
 */
#include <cairo-svg.h>
#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/heloci/bench_run.h"

enum { WIDTH = 900, LEFT = 250, RIGHT = 90, TOP = 96, BAR = 16, GAP = 8, AXIS = 44, BOTTOM = 20 };

/* Okabe and Ito 2008: client; server without a backend; cpu, cuda, sim. */
static const double client_colour[3] = {0.40, 0.40, 0.40};
static const double server_colour[3] = {0.34, 0.71, 0.91};
static const double backend_colour[BENCH_BACKENDS][3] = {
    {0.00, 0.45, 0.70}, {0.90, 0.62, 0.00}, {0.80, 0.47, 0.65}};
static const double ink[3] = {0.10, 0.13, 0.17};

/* A logarithmic axis between powers of ten. */
typedef struct axis {
    int low, high;
    double top, bottom; /* of its lines */
} axis;

typedef struct chart {
    const bench_result *r;
    cairo_t *cr;
    double y;
} chart;

static void set(cairo_t *cr, const double colour[3])
{
    cairo_set_source_rgb(cr, colour[0], colour[1], colour[2]);
}

static void text_at(cairo_t *cr, double x, double y, double align, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(cr, text, &e);
    cairo_move_to(cr, x - align * e.x_advance, y);
    cairo_show_text(cr, text);
}

static void widen(axis *a, double value)
{
    if (!(value > 0) || !isfinite(value))
        return;
    const int low = (int)floor(log10(value)), high = (int)ceil(log10(value));
    a->low = low < a->low ? low : a->low;
    a->high = high > a->high ? high : a->high;
}

static double place(const axis *a, double value)
{
    const double at = (log10(value) - a->low) / (a->high - a->low);
    return LEFT + fmin(fmax(at, 0), 1) * (WIDTH - LEFT - RIGHT);
}

static void draw_axis(cairo_t *cr, const axis *a)
{
    char text[32];
    cairo_set_font_size(cr, 11);
    cairo_set_line_width(cr, 1);
    for (int k = a->low; k <= a->high; k++) {
        const double x = floor(place(a, pow(10, k))) + 0.5;
        cairo_set_source_rgb(cr, 0.85, 0.85, 0.85);
        cairo_move_to(cr, x, a->top);
        cairo_line_to(cr, x, a->bottom);
        cairo_stroke(cr);
        cairo_set_source_rgb(cr, 0.37, 0.41, 0.47);
        if (k >= 9)
            snprintf(text, sizeof text, "%.0f G", pow(10, k - 9));
        else if (k >= 6)
            snprintf(text, sizeof text, "%.0f M", pow(10, k - 6));
        else if (k >= 3)
            snprintf(text, sizeof text, "%.0f k", pow(10, k - 3));
        else
            snprintf(text, sizeof text, "%g", pow(10, k));
        text_at(cr, x, a->bottom + 14, 0.5, text);
    }
}

static void draw_bar(cairo_t *cr, const axis *a, double y, bench_spread s, const double colour[3])
{
    const double from = LEFT, to = place(a, s.median), middle = y + (BAR - 3) / 2.0;
    char text[32];
    set(cr, colour);
    cairo_rectangle(cr, from, y, fmax(to - from, 1), BAR - 3);
    cairo_fill(cr);
    set(cr, ink);
    cairo_set_line_width(cr, 1);
    cairo_move_to(cr, place(a, s.least), middle);
    cairo_line_to(cr, place(a, s.most), middle);
    cairo_stroke(cr);
    cairo_set_font_size(cr, 11);
    snprintf(text, sizeof text, "%s", bench_digits(s.median));
    text_at(cr, fmax(to, place(a, s.most)) + 5, y + BAR - 5, 0, text);
}

/* ---- head ---- */

static void legend(cairo_t *cr, double *x, const char *name, const double colour[3])
{
    cairo_text_extents_t e;
    set(cr, colour);
    cairo_rectangle(cr, *x, 61, 10, 10);
    cairo_fill(cr);
    set(cr, ink);
    text_at(cr, *x + 16, 70, 0, name);
    cairo_text_extents(cr, name, &e);
    *x += e.x_advance + 40;
}

/* A text that is cut where the picture ends. */
static void clipped(cairo_t *cr, double x, double y, const char *text)
{
    cairo_save(cr);
    cairo_rectangle(cr, 0, y - 20, WIDTH - 10, 30);
    cairo_clip(cr);
    text_at(cr, x, y, 0, text);
    cairo_restore(cr);
}

static void draw_head(chart *c)
{
    const bench_result *r = c->r;
    const bench_size *s = &r->work.size;
    char text[256];
    double x = LEFT;
    set(c->cr, ink);
    cairo_set_font_size(c->cr, 16);
    snprintf(text, sizeof text, "encrypted-gwas, %s: %s samples x %s variants", s->name,
             bench_grouped(s->samples), bench_grouped(s->variants));
    text_at(c->cr, 20, 28, 0, text);
    cairo_set_font_size(c->cr, 11);
    snprintf(text, sizeof text,
             "seconds of every stage: median of %u runs, line from the fastest to the slowest; "
             "%u covariates, %u traits%s%s",
             r->runs, s->covariates, s->quantitative + s->binary,
             bench_no_measurement(r, BENCH_CPU) ? "; NO MEASUREMENT" : "",
             r->mismatch ? "; RESULTS DO NOT AGREE" : "");
    text_at(c->cr, 20, 46, 0, text);
    legend(c->cr, &x, "client", client_colour);
    legend(c->cr, &x, "server", server_colour);
    for (int b = 0; b < BENCH_BACKENDS; b++)
        if (r->wanted[b])
            legend(c->cr, &x,
                   b == BENCH_SIM   ? "server, simulator (no measurement)"
                   : b == BENCH_CPU ? "server, CPU"
                                    : "server, GPU",
                   backend_colour[b]);
    c->y = TOP;
}

/* ---- panels ---- */

static int shown(const bench_result *r, int stage, int b)
{
    const bench_stage_row *row = &bench_stage_table[stage];
    if (!row->label || row->side == SIDE_HARNESS)
        return 0;
    return row->per_backend ? r->wanted[b] : b == 0;
}

static double stages_height(const bench_result *r)
{
    double height = 0;
    for (int s = 0; s < BENCH_STAGES; s++) {
        const double before = height;
        for (int b = 0; b < BENCH_BACKENDS; b++)
            height += shown(r, s, b) ? BAR : 0;
        height += height > before ? GAP : 0;
    }
    return height;
}

static void say_absent(chart *c, const bench_result *r, int b)
{
    cairo_set_source_rgb(c->cr, 0.37, 0.41, 0.47);
    cairo_set_font_size(c->cr, 11);
    char text[600];
    snprintf(text, sizeof text, "%s: not measured: %s", bench_backend_names[b], r->absent[b]);
    clipped(c->cr, LEFT + 6, c->y + BAR - 5, text);
}

static void draw_stages(chart *c)
{
    const bench_result *r = c->r;
    axis a = {.low = 100, .high = -100, .top = c->y - 6, .bottom = c->y + stages_height(r)};
    for (int s = 0; s < BENCH_STAGES; s++)
        for (int b = 0; b < BENCH_BACKENDS; b++)
            for (uint32_t i = 0; shown(r, s, b) && i < r->record[s][b].count; i++)
                widen(&a, r->record[s][b].wall[i]);
    if (a.high <= a.low)
        a.high = a.low + 1;
    draw_axis(c->cr, &a);
    for (int s = 0; s < BENCH_STAGES; s++) {
        const bench_stage_row *row = &bench_stage_table[s];
        const double from = c->y;
        for (int b = 0; b < BENCH_BACKENDS; b++) {
            const bench_record *record = &r->record[s][b];
            if (!shown(r, s, b))
                continue;
            if (record->count)
                draw_bar(c->cr, &a, c->y, bench_spread_of(record->wall, record->count),
                         row->per_backend           ? backend_colour[b]
                         : row->side == SIDE_CLIENT ? client_colour
                                                    : server_colour);
            else
                say_absent(c, r, b);
            c->y += BAR;
        }
        if (c->y == from)
            continue;
        set(c->cr, ink);
        cairo_set_font_size(c->cr, 11);
        text_at(c->cr, LEFT - 10, from + BAR - 5, 1, row->name);
        c->y += GAP;
    }
    c->y += AXIS;
}

static void draw_throughput(chart *c)
{
    const bench_result *r = c->r;
    const double genotypes = (double)r->work.size.samples * r->work.size.variants;
    bench_spread rate[BENCH_BACKENDS];
    int count = 0;
    axis a = {.low = 100, .high = -100};
    for (int b = 0; b < BENCH_BACKENDS; b++) {
        const bench_record *record = &r->record[STAGE_COMPUTE][b];
        const bench_spread s = bench_spread_of(record->wall, record->count);
        rate[b] = (bench_spread){genotypes / s.median, genotypes / s.most, genotypes / s.least};
        widen(&a, rate[b].least);
        widen(&a, rate[b].most);
        count += r->wanted[b];
    }
    if (a.high <= a.low)
        a.high = a.low + 1;
    set(c->cr, ink);
    cairo_set_font_size(c->cr, 12);
    text_at(c->cr, 20, c->y - 8, 0, "Throughput of server_encrypted_compute: genotypes per second");
    c->y += 10;
    a.top = c->y - 6;
    a.bottom = c->y + count * (BAR + GAP);
    draw_axis(c->cr, &a);
    for (int b = 0; b < BENCH_BACKENDS; b++) {
        if (!r->wanted[b])
            continue;
        set(c->cr, ink);
        cairo_set_font_size(c->cr, 11);
        text_at(c->cr, LEFT - 10, c->y + BAR - 5, 1, bench_backend_names[b]);
        if (r->record[STAGE_COMPUTE][b].count)
            draw_bar(c->cr, &a, c->y, rate[b], backend_colour[b]);
        else
            say_absent(c, r, b);
        c->y += BAR + GAP;
    }
}

static double height_of(const bench_result *r)
{
    int count = 0;
    for (int b = 0; b < BENCH_BACKENDS; b++)
        count += r->wanted[b];
    return TOP + stages_height(r) + AXIS + 10 + count * (BAR + GAP) + AXIS + BOTTOM;
}

static int draw_one(const bench_result *r, int svg)
{
    char path[BENCH_PATH], part[BENCH_PATH];
    const double zoom = svg ? 1 : 2, height = height_of(r);
    snprintf(path, sizeof path, "%s.%s", r->out, svg ? "svg" : "png");
    snprintf(part, sizeof part, "%s.%s.part", r->out, svg ? "svg" : "png");
    cairo_surface_t *surface =
        svg ? cairo_svg_surface_create(part, WIDTH, height)
            : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(zoom * WIDTH),
                                         (int)(zoom * height));
    chart c = {r, cairo_create(surface), 0};
    cairo_scale(c.cr, zoom, zoom);
    cairo_set_source_rgb(c.cr, 1, 1, 1);
    cairo_paint(c.cr);
    cairo_select_font_face(c.cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    draw_head(&c);
    draw_stages(&c);
    draw_throughput(&c);
    cairo_status_t status = cairo_status(c.cr);
    cairo_destroy(c.cr);
    if (status == CAIRO_STATUS_SUCCESS && !svg)
        status = cairo_surface_write_to_png(surface, part);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status == CAIRO_STATUS_SUCCESS && rename(part, path) == 0)
        return 0;
    fprintf(stderr, "heloci bench: %s: %s\n", part,
            status == CAIRO_STATUS_SUCCESS ? strerror(errno) : cairo_status_to_string(status));
    unlink(part);
    return EXIT_IO;
}

int bench_draw(const bench_result *r)
{
    const int rc = draw_one(r, 1);
    return rc ? rc : draw_one(r, 0);
}
