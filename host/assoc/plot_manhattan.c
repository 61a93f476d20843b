/* Manhattan plot: chromosomes side by side, -log10 p upwards, lead variants labelled. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/assoc/plot.h"
#include "host/base/mem.h"

#define MAX_LABELS   14
#define LABEL_BYTES  100 /* 24 characters of UTF-8 */
#define LABEL_APART  22  /* pixels between labelled peaks */
#define LABEL_HEIGHT 13

typedef struct chart {
    hel_rect area;
    hel_log_axis scale;
    double *left, *unit; /* per chromosome: pixels of its start, pixels per base */
} chart;

static double place_x(const chart *c, const hel_glm_table *t, const hel_glm_variant *v)
{
    return c->left[v->chrom] +
           ((double)v->pos - (double)t->chrom[v->chrom].min + 0.5) * c->unit[v->chrom];
}

static double chrom_width(const chart *c, const hel_glm_table *t, uint32_t i)
{
    return ((double)t->chrom[i].max - (double)t->chrom[i].min + 1) * c->unit[i];
}

/* Chromosomes in proportion to the span of their variants, with a gap between neighbours. */
static hel_status lay_out(hel_engine *engine, chart *c, const hel_glm_table *t)
{
    HEL_TRY(hel_calloc(engine, &c->left, t->chroms, sizeof *c->left));
    HEL_TRY(hel_calloc(engine, &c->unit, t->chroms, sizeof *c->unit));
    double total = 0, padding = 10, gap = 0;
    for (uint32_t i = 0; i < t->chroms; i++)
        total += (double)t->chrom[i].max - (double)t->chrom[i].min + 1;
    if (t->chroms > 1)
        gap = fmin(5, 0.15 * c->area.width / t->chroms);
    double room = c->area.width - 2 * padding - gap * (t->chroms ? t->chroms - 1 : 0);
    double x = c->area.x + padding;
    for (uint32_t i = 0; i < t->chroms; i++) {
        c->left[i] = x;
        c->unit[i] = room / total;
        x += chrom_width(c, t, i) + gap;
    }
    return HEL_OK;
}

static hel_status draw_points(hel_engine *engine, cairo_t *cr, const chart *c,
                              const hel_report_data *d, const hel_theme *theme, hel_grid *taken)
{
    const hel_glm_table *t = d->table;
    hel_grid coarse = {0}, fine = {0};
    hel_status status = hel_grid_create(engine, &coarse, c->area, HEL_COARSE_CELL);
    if (status == HEL_OK)
        status = hel_grid_create(engine, &fine, c->area, HEL_FINE_CELL);
    if (status == HEL_OK) {
        for (size_t i = 0; i < t->variants; i++) {
            const hel_glm_variant *v = &t->variant[i];
            if (isnan(v->log10p))
                continue;
            double x = place_x(c, t, v), y = hel_log_axis_y(&c->scale, v->log10p);
            hel_grid_mark(v->log10p > HEL_KEEP_LOG10P ? &fine : &coarse, x, y, v->chrom % 2);
            hel_grid_mark(taken, x, y, 0);
        }
        double diameter = t->tested < 100000 ? 4 : 3.2;
        hel_grid_draw(&coarse, cr, theme->point, diameter);
        hel_grid_draw(&fine, cr, theme->point, diameter);
    }
    hel_grid_free(&coarse);
    hel_grid_free(&fine);
    return status;
}

static void draw_chromosome_names(cairo_t *cr, const chart *c, const hel_report_data *d,
                                  const hel_theme *theme)
{
    const hel_glm_table *t = d->table;
    double bottom = c->area.y + c->area.height, middle = c->area.x + 0.5 * c->area.width;
    double last = -1e9;
    char name[4 * 12 + 1], text[96];
    hel_set_colour(cr, theme->muted, 1);
    hel_font(cr, 12, 0);
    for (uint32_t i = 0; i < t->chroms && t->chroms > 1; i++) {
        hel_clean_text(name, 12, t->chrom[i].name.at, t->chrom[i].name.bytes);
        double x = c->left[i] + 0.5 * chrom_width(c, t, i);
        double half = 0.5 * hel_text_width(cr, name);
        if (x - half < last + 4)
            continue; /* no room: better no name than two on top of each other */
        hel_text(cr, x, bottom + 19, HEL_ALIGN_CENTRE, name);
        last = x + half;
    }
    if (t->chroms == 1) {
        double low = (double)t->chrom[0].min, high = (double)t->chrom[0].max;
        double step = hel_nice_step(fmax(high - low, 1) / 1e6, 8);
        double first = ceil(low / 1e6 / step) * step;
        int decimals = (int)fmax(0, ceil(-log10(step) - 1e-9));
        for (int k = 0; k < 20 && first + k * step <= high / 1e6 * (1 + 1e-12); k++) {
            double mb = first + k * step;
            snprintf(text, sizeof text, "%.*f", decimals, mb);
            hel_text(cr, c->left[0] + (mb * 1e6 - low + 0.5) * c->unit[0], bottom + 19,
                     HEL_ALIGN_CENTRE, text);
        }
        hel_clean_text(name, 12, t->chrom[0].name.at, t->chrom[0].name.bytes);
        snprintf(text, sizeof text, "position on chromosome %s (Mb)", name);
    } else {
        snprintf(text, sizeof text, "chromosome");
    }
    hel_font(cr, 13, 0);
    hel_set_colour(cr, theme->ink, 1);
    hel_text(cr, middle, bottom + 42, HEL_ALIGN_CENTRE, text);
    hel_axis_title(cr, c->area.x - 52, c->area.y + 0.5 * c->area.height, 1, "");
}

static void draw_threshold(cairo_t *cr, const chart *c, double log10p, hel_colour colour,
                           const double *dash)
{
    double y = floor(hel_log_axis_y(&c->scale, log10p)) + 0.5;
    if (log10p > c->scale.max)
        return;
    hel_set_colour(cr, colour, 0.85);
    cairo_set_line_width(cr, 1.1);
    cairo_set_dash(cr, dash, 2, 0);
    hel_line(cr, c->area.x, y, c->area.x + c->area.width, y);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

/* ---- labels ---- */

typedef struct label {
    char text[LABEL_BYTES];
    double x, y; /* of the point */
    hel_rect box;
    int leader; /* draw a line from the point to the box */
} label;

static int overlap(hel_rect a, hel_rect b, double apart)
{
    return a.x < b.x + b.width + apart && b.x < a.x + a.width + apart && a.y < b.y + b.height + 1 &&
           b.y < a.y + a.height + 1;
}

/* The line from a point up to its box, as the rectangle around it; empty without one. */
static hel_rect leader_box(const label *l)
{
    double x = fmin(fmax(l->x, l->box.x), l->box.x + l->box.width);
    double top = l->box.y + l->box.height;
    if (!l->leader)
        return (hel_rect){l->x, l->y, 0, 0};
    return (hel_rect){fmin(x, l->x), top, fabs(x - l->x), l->y - 4 - top};
}

/* Text on text, text on another's point, or a leader through either. */
static int clashes(const label *a, const label *b)
{
    hel_rect dot_a = {a->x - 4, a->y - 4, 8, 8}, dot_b = {b->x - 4, b->y - 4, 8, 8};
    return overlap(a->box, b->box, 6) || overlap(a->box, dot_b, 0) || overlap(b->box, dot_a, 0) ||
           overlap(leader_box(a), b->box, 2) || overlap(leader_box(b), a->box, 2);
}

/* The cheapest box for the next label: above or beside its point, hiding few points. */
static int place_label(const chart *c, const hel_grid *taken, label *all, size_t count,
                       double width)
{
    double best = 1e9;
    label chosen = all[count];
    for (int level = 0; level < 9; level++)
        for (int side = -1; side <= 1; side++) {
            label l = all[count];
            l.leader = level > 1;
            l.box = (hel_rect){l.x - 0.5 * width + side * (0.5 * width + (level ? 4 : 9)),
                               l.y - LABEL_HEIGHT - 6 - 15 * (level - 1), width, LABEL_HEIGHT};
            if (level == 0)
                l.box.y = l.y - 0.5 * LABEL_HEIGHT;
            int bad = (level == 0 && side == 0) || l.box.x < c->area.x + 2 ||
                      l.box.y < c->area.y - 18 || l.box.x + width > c->area.x + c->area.width;
            for (size_t i = 0; i < count && !bad; i++)
                bad = clashes(&l, &all[i]);
            double cost = 8 * (double)hel_grid_count(taken, l.box) + 3 * level + (side != 0) * 4 +
                          (level == 0) * (side < 0 ? 4 : 3);
            if (!bad && cost < best) {
                best = cost;
                chosen = l;
            }
        }
    all[count] = chosen;
    return best < 1e9;
}

static void draw_label(cairo_t *cr, const hel_theme *theme, const label *l)
{
    double baseline = l->box.y + LABEL_HEIGHT - 3;
    if (l->leader) {
        double x = fmin(fmax(l->x, l->box.x), l->box.x + l->box.width);
        hel_set_colour(cr, theme->signal, 0.7);
        cairo_set_line_width(cr, 0.9);
        hel_line(cr, l->x, l->y - 4, x, l->box.y + LABEL_HEIGHT);
        cairo_stroke(cr);
    }
    cairo_move_to(cr, l->box.x, baseline);
    cairo_text_path(cr, l->text);
    hel_set_colour(cr, theme->paper, 0.85);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(cr, 3.5);
    cairo_stroke(cr);
    hel_set_colour(cr, theme->ink, 1);
    cairo_move_to(cr, l->box.x, baseline);
    cairo_show_text(cr, l->text);
}

/* Leads beyond the genome-wide line; with none there, the best few beyond the suggestive one. */
static void draw_labels(cairo_t *cr, const chart *c, const hel_report_data *d,
                        const hel_theme *theme, const hel_grid *taken)
{
    const hel_glm_table *t = d->table;
    label all[MAX_LABELS];
    size_t count = 0, most = MAX_LABELS;
    double line = d->genome_wide;
    if (d->summary.genome_wide == 0) {
        line = d->suggestive;
        most = 5;
    }
    hel_font(cr, 11.5, 0);
    for (size_t i = 0; i < d->loci && count < most; i++) {
        const hel_glm_variant *v = &t->variant[d->locus[i].lead];
        label *l = &all[count];
        if (v->log10p < line)
            break;
        l->x = place_x(c, t, v);
        l->y = hel_log_axis_y(&c->scale, v->log10p);
        int near = 0;
        for (size_t k = 0; k < count; k++)
            near |= fabs(all[k].x - l->x) < LABEL_APART;
        hel_glm_text id = hel_glm_cell(t, v, HEL_GLM_ID);
        hel_clean_text(l->text, 24, id.at, id.bytes);
        if (near || !l->text[0])
            continue;
        if (!place_label(c, taken, all, count, hel_text_width(cr, l->text)))
            continue;
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        hel_set_colour(cr, theme->signal, 1);
        cairo_new_sub_path(cr);
        cairo_arc(cr, all[i].x, all[i].y, 3.4, 0, 2 * M_PI);
        cairo_fill(cr);
    }
    for (size_t i = 0; i < count; i++)
        draw_label(cr, theme, &all[i]);
}

hel_status hel_draw_manhattan(hel_engine *engine, cairo_t *cr, const hel_report_data *d,
                              const hel_theme *theme)
{
    static const double dashes[] = {7, 4}, dots[] = {2, 3};
    char subtitle[160], grouped[32];
    chart c = {.area = {84, 84, HEL_MANHATTAN_WIDTH - 84 - 24, HEL_MANHATTAN_HEIGHT - 84 - 60}};
    hel_grid taken = {0};
    double largest = fmax(d->genome_wide, d->suggestive);
    if (d->table->tested)
        largest = fmax(largest, d->summary.max_log10p);
    c.scale = hel_log_axis_make(c.area.y + c.area.height, c.area.height, 1.04 * largest);
    hel_grouped(grouped, d->summary.tested);
    snprintf(subtitle, sizeof subtitle, "%s variant%s tested, lines at p = %.3g and %.3g", grouped,
             d->summary.tested == 1 ? "" : "s", pow(10, -d->genome_wide), pow(10, -d->suggestive));
    hel_draw_frame(cr, d, theme, HEL_MANHATTAN_WIDTH, HEL_MANHATTAN_HEIGHT, subtitle);
    hel_draw_y_axis(cr, theme, &c.scale, c.area.x, c.area.x + c.area.width);
    hel_status status = lay_out(engine, &c, d->table);
    if (status == HEL_OK)
        status = hel_grid_create(engine, &taken, c.area, 3);
    if (status == HEL_OK) {
        draw_chromosome_names(cr, &c, d, theme);
        draw_threshold(cr, &c, d->suggestive, theme->suggest, dots);
        draw_threshold(cr, &c, d->genome_wide, theme->signal, dashes);
        status = draw_points(engine, cr, &c, d, theme, &taken);
    }
    if (status == HEL_OK && d->table->tested)
        draw_labels(cr, &c, d, theme, &taken);
    else if (status == HEL_OK)
        hel_draw_nothing(cr, theme, c.area);
    hel_grid_free(&taken);
    hel_free(c.left);
    hel_free(c.unit);
    return status;
}
