/*
 * The model as bytes (little-endian): header, columns (entries in the fewest bytes that hold the
 * largest of them), analyses. Outputs follow from the columns' planes and are not stored.
 *
 *   u32 version, samples, bits, planes, patterns, columns, analyses
 *   column: u32 planes, u32 width (1, 2, 3), samples x width bytes in two's complement
 *   analysis: string name; u32 trait, pattern, n, k, cases, mask, basis, resid, case column, p;
 *     f64 resid_scale, weight_scale, rr, gram[k k], cross[k], loading[p k]
 */
#include <math.h>

#include "host/assoc/model_private.h"
#include "host/base/mem.h"

#define VERSION 1u

/* ---- encode ---- */

static uint32_t column_width(const int32_t *w, uint32_t samples)
{
    uint32_t width = 1;
    for (uint32_t i = 0; i < samples; i++) {
        int32_t v = w[i] < 0 ? ~w[i] : w[i];
        while (v >> (8 * width - 1))
            width++;
    }
    return width;
}

static hel_status put_u32s(hel_engine *engine, hel_buf *out, const uint32_t *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        HEL_TRY(hel_buf_put_u32(engine, out, v[i]));
    return HEL_OK;
}

static hel_status put_f64s(hel_engine *engine, hel_buf *out, const double *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        HEL_TRY(hel_buf_put_f64(engine, out, v[i]));
    return HEL_OK;
}

static hel_status put_column(hel_engine *engine, hel_buf *out, const hel_weight_column *c,
                             uint32_t samples)
{
    uint32_t width = column_width(c->w, samples), head[2] = {c->planes, width};
    uint8_t *raw;
    HEL_TRY(put_u32s(engine, out, head, 2));
    HEL_TRY(hel_malloc(engine, &raw, samples, width));
    for (uint32_t i = 0; i < samples; i++)
        for (uint32_t j = 0; j < width; j++)
            raw[(size_t)i * width + j] = (uint8_t)((uint32_t)c->w[i] >> 8 * j);
    hel_status status = hel_buf_put(engine, out, raw, (size_t)samples * width);
    hel_free_wiped(raw, samples, width);
    return status;
}

static hel_status put_analysis(hel_engine *engine, hel_buf *out, const hel_analysis *a)
{
    uint32_t head[] = {
        (uint32_t)a->trait, a->pattern,      a->n,           a->k, a->cases, a->mask_column,
        a->basis_column,    a->resid_column, a->case_column, a->p};
    double scales[] = {a->resid_scale, a->weight_scale, a->rr};
    HEL_TRY(hel_buf_put_string(engine, out, a->name));
    HEL_TRY(put_u32s(engine, out, head, sizeof head / sizeof head[0]));
    HEL_TRY(put_f64s(engine, out, scales, 3));
    HEL_TRY(put_f64s(engine, out, a->gram, (size_t)a->k * a->k));
    HEL_TRY(put_f64s(engine, out, a->cross, a->k));
    return put_f64s(engine, out, a->loading, (size_t)a->p * a->k);
}

hel_status hel_model_encode(hel_engine *engine, const hel_model *m, hel_buf *out)
{
    uint32_t head[] = {VERSION,     m->samples, m->bits,    m->planes,
                       m->patterns, m->columns, m->analyses};
    HEL_TRY(put_u32s(engine, out, head, sizeof head / sizeof head[0]));
    for (uint32_t c = 0; c < m->columns; c++)
        HEL_TRY(put_column(engine, out, &m->column[c], m->samples));
    for (uint32_t t = 0; t < m->analyses; t++)
        HEL_TRY(put_analysis(engine, out, &m->analysis[t]));
    return HEL_OK;
}

/* ---- decode ---- */

#define BAD(engine, what) hel_fail((engine), HEL_E_FORMAT, "model: %s", what)

static size_t left(const hel_cursor *c)
{
    return c->bytes - c->at;
}

static hel_status get_f64s(hel_engine *engine, hel_cursor *c, double *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        v[i] = hel_cursor_f64(c);
        if (c->bad || !isfinite(v[i]))
            return BAD(engine, "truncated, or a number is not finite");
    }
    return HEL_OK;
}

static hel_status get_column(hel_engine *engine, hel_cursor *c, const hel_model *m,
                             hel_weight_column *column)
{
    uint32_t width, peak = (uint32_t)hel_column_peak(m->bits);
    column->planes = hel_cursor_u32(c);
    width = hel_cursor_u32(c);
    if (c->bad || width < 1 || width > 3 || (column->planes & ~m->planes) ||
        !(column->planes >> HEL_PLANE_G & 1) ||
        ((column->planes ^ m->planes) >> HEL_PLANE_MISS & 1))
        return BAD(engine, "a column's planes or width are impossible");
    const uint8_t *raw = hel_cursor_take(c, (size_t)m->samples * width);
    if (!raw)
        return BAD(engine, "truncated in a column");
    HEL_TRY(hel_malloc(engine, &column->w, m->samples, sizeof(int32_t)));
    for (uint32_t i = 0; i < m->samples; i++) {
        uint32_t v = 0;
        for (uint32_t j = 0; j < width; j++)
            v |= (uint32_t)raw[(size_t)i * width + j] << 8 * j;
        uint32_t sign = 1u << (8 * width - 1);
        int32_t z = (int32_t)(v ^ sign) - (int32_t)sign;
        column->w[i] = z;
        if ((uint32_t)(z < 0 ? -z : z) > peak)
            return BAD(engine, "a weight has more bits than the model");
    }
    return HEL_OK;
}

static int has_planes(const hel_model *m, uint32_t column, uint32_t planes)
{
    return column < m->columns && (m->column[column].planes & planes) == planes;
}

static int zero_outside(const hel_model *m, const int32_t *mask, uint32_t column)
{
    const int32_t *w = m->column[column].w;
    int32_t bad = 0;
    for (uint32_t i = 0; i < m->samples; i++)
        bad |= mask[i] ? 0 : w[i];
    return bad == 0;
}

/* The columns an analysis names exist, lie inside its mask and hold what their role says. */
static hel_status check_columns(hel_engine *engine, const hel_model *m, const hel_analysis *a)
{
    const uint32_t g = 1u << HEL_PLANE_G, g2 = 1u << HEL_PLANE_G2;
    int binary = a->trait == HEL_TRAIT_BINARY;
    if (!has_planes(m, a->mask_column, g) || !has_planes(m, a->resid_column, g) ||
        !has_planes(m, a->basis_column, g | g2) || a->k > m->columns - a->basis_column ||
        (binary ? !has_planes(m, a->case_column, g) : a->case_column != UINT32_MAX) ||
        (!binary && a->basis_column != a->mask_column))
        return BAD(engine, "an analysis names a column that is not there");
    const int32_t *mask = m->column[a->mask_column].w;
    uint32_t n = 0, cases = 0;
    for (uint32_t i = 0; i < m->samples; i++) {
        int32_t v = mask[i], w = m->column[a->basis_column].w[i];
        int32_t y = binary ? m->column[a->case_column].w[i] : 0;
        if ((v & ~1) || (y & ~1) || (v && w < 1) || (!v && (w || y)))
            return BAD(engine, "a mask, a case column or weights do not fit together");
        n += (uint32_t)v;
        cases += (uint32_t)y;
    }
    if (n != a->n || cases != a->cases)
        return BAD(engine, "the number of analysed samples or cases does not match the columns");
    for (uint32_t l = 1; l < a->k; l++)
        if (!zero_outside(m, mask, a->basis_column + l))
            return BAD(engine, "a basis column has weights outside the analysis");
    if (!zero_outside(m, mask, a->resid_column))
        return BAD(engine, "a residual column has weights outside the analysis");
    return HEL_OK;
}

static hel_status get_analysis(hel_engine *engine, hel_cursor *c, const hel_model *m,
                               hel_analysis *a)
{
    double scales[3];
    HEL_TRY(hel_cursor_string(engine, c, &a->name));
    uint32_t trait = hel_cursor_u32(c);
    a->pattern = hel_cursor_u32(c);
    a->n = hel_cursor_u32(c);
    uint32_t k = hel_cursor_u32(c);
    a->cases = hel_cursor_u32(c);
    a->mask_column = hel_cursor_u32(c);
    a->basis_column = hel_cursor_u32(c);
    a->resid_column = hel_cursor_u32(c);
    a->case_column = hel_cursor_u32(c);
    uint32_t p = hel_cursor_u32(c);
    if (c->bad || (trait != HEL_TRAIT_QUANTITATIVE && trait != HEL_TRAIT_BINARY) || k < 1 ||
        k > m->columns || p != k - 1 || a->pattern >= m->patterns || a->n > m->samples ||
        a->n < (uint64_t)k + 2 || (uint64_t)k * k > left(c) / sizeof(double))
        return BAD(engine, "truncated, or an analysis' counts are impossible");
    a->trait = (hel_trait)trait;
    a->k = k;
    a->p = p;
    HEL_TRY(hel_analysis_alloc(engine, a));
    HEL_TRY(get_f64s(engine, c, scales, 3));
    a->resid_scale = scales[0];
    a->weight_scale = scales[1];
    a->rr = scales[2];
    if (!(scales[0] > 0) || !(scales[1] > 0) || !(scales[2] > 0))
        return BAD(engine, "a scale is not positive");
    HEL_TRY(get_f64s(engine, c, a->gram, (size_t)k * k));
    HEL_TRY(get_f64s(engine, c, a->cross, k));
    HEL_TRY(get_f64s(engine, c, a->loading, (size_t)p * k));
    return check_columns(engine, m, a);
}

static hel_status get_model(hel_engine *engine, hel_cursor *c, hel_model *m)
{
    const uint32_t all = (1u << HEL_PLANES) - 1;
    uint32_t version = hel_cursor_u32(c);
    if (c->bad || version != VERSION)
        return BAD(engine, "truncated, or written by another version");
    m->samples = hel_cursor_u32(c);
    m->bits = hel_cursor_u32(c);
    m->planes = hel_cursor_u32(c);
    m->patterns = hel_cursor_u32(c);
    uint32_t columns = hel_cursor_u32(c), analyses = hel_cursor_u32(c);
    if (c->bad || m->samples == 0 || m->bits < 8 || m->bits > 24 || (m->planes & ~all) ||
        analyses == 0 || columns < analyses || m->patterns == 0 || m->patterns > analyses ||
        columns > left(c) / m->samples)
        return BAD(engine, "truncated, or its counts are impossible");
    HEL_TRY(hel_calloc(engine, &m->column, columns, sizeof *m->column));
    m->columns = columns;
    for (uint32_t i = 0; i < columns; i++)
        HEL_TRY(get_column(engine, c, m, &m->column[i]));
    if (analyses > left(c) / sizeof(uint64_t))
        return BAD(engine, "truncated before its analyses");
    HEL_TRY(hel_calloc(engine, &m->analysis, analyses, sizeof *m->analysis));
    m->analyses = analyses;
    for (uint32_t t = 0; t < analyses; t++)
        HEL_TRY(get_analysis(engine, c, m, &m->analysis[t]));
    if (left(c))
        return BAD(engine, "bytes after its end");
    return hel_model_outputs(engine, m);
}

hel_status hel_model_decode(hel_engine *engine, const uint8_t *data, size_t bytes, hel_model **out)
{
    hel_cursor c = {.data = data, .bytes = bytes};
    hel_model *m;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &m, 1, sizeof *m));
    hel_status status = get_model(engine, &c, m);
    if (status != HEL_OK) {
        hel_model_free(m);
        return status;
    }
    *out = m;
    return HEL_OK;
}
