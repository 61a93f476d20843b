/* Making an analysis ready for the finish: factor, collinearity rule, output numbers, scratch. */
#include <math.h>

#include "host/assoc/finish_private.h"
#include "host/base/mem.h"

int hel_frame_prepare(hel_frame *frame, const hel_finish *f, const double *gram,
                      const double *cross, double resid_square)
{
    uint32_t k = f->k;
    if (!hel_dense_cholesky(gram, frame->factor, k))
        return 0;
    hel_dense_invert_lower(frame->factor, frame->inverse, k);
    for (uint32_t i = 0; i < k; i++) {
        double e = 0;
        for (uint32_t j = 0; j <= i; j++)
            e += frame->inverse[i * k + j] * cross[j];
        frame->cross_e[i] = e;
    }
    frame->rr = resid_square - hel_dense_quadratic(frame->inverse, cross, k);
    hel_vif_prepare(&frame->vif, frame->factor, frame->inverse, f->a->loading, f->loading_inverse);
    return 1;
}

static hel_status frame_alloc(hel_engine *engine, hel_frame *frame, uint32_t k)
{
    HEL_TRY(hel_calloc(engine, &frame->factor, (size_t)k * k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &frame->inverse, (size_t)k * k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &frame->cross_e, k, sizeof(double)));
    return hel_vif_create(engine, &frame->vif, k - 1);
}

static void frame_free(hel_frame *frame, uint32_t k)
{
    hel_free_wiped(frame->factor, (size_t)k * k, sizeof(double));
    hel_free_wiped(frame->inverse, (size_t)k * k, sizeof(double));
    hel_free_wiped(frame->cross_e, k, sizeof(double));
    hel_vif_free(&frame->vif);
}

void hel_finish_free(hel_finish *f)
{
    if (!f)
        return;
    size_t k = f->k;
    frame_free(&f->whole, f->k);
    frame_free(&f->part, f->k);
    hel_free(f->basis_g);
    hel_free_wiped(f->loading_inverse, (k - 1) * (k - 1), sizeof(double));
    hel_free_wiped(f->b, k, sizeof(double));
    hel_free_wiped(f->e, k, sizeof(double));
    hel_free_wiped(f->gram, k * k, sizeof(double));
    hel_free_wiped(f->cross, k, sizeof(double));
    hel_free_wiped(f->block, (k + 1) * HEL_FINISH_BLOCK, sizeof(int64_t));
    hel_free(f);
}

static hel_status check_options(hel_engine *engine, const hel_model *m, const hel_analysis *a,
                                const hel_finish_options *o)
{
    HEL_REQUIRE(engine, o->max_vif > 1 && isfinite(o->max_vif), HEL_E_USAGE,
                "finish: the limit of the variance inflation factor is %g: it must be above 1",
                o->max_vif);
    HEL_REQUIRE(engine, o->max_corr > 0 && o->max_corr <= 1, HEL_E_USAGE,
                "finish: the limit of the correlation is %g: it must be in (0, 1]", o->max_corr);
    if (o->missing == HEL_MISSING_MEAN)
        return HEL_OK;
    HEL_REQUIRE(
        engine, a->trait == HEL_TRAIT_QUANTITATIVE, HEL_E_USAGE,
        "phenotype '%s': deleting samples with missing calls is for quantitative phenotypes and "
        "this one is binary; use mean imputation, or analyse it apart from the others",
        a->name);
    HEL_REQUIRE(engine, !(m->planes >> HEL_PLANE_MISS & 1), HEL_E_USAGE,
                "phenotype '%s': deleting samples with missing calls needs the list of missing "
                "calls, which a dataset with a miss plane does not have",
                a->name);
    return HEL_OK;
}

static uint32_t output_of(const hel_model *m, uint32_t column, hel_plane plane)
{
    return column == UINT32_MAX ? UINT32_MAX : m->output_of[column * HEL_PLANES + plane];
}

static hel_status allocate(hel_engine *engine, hel_finish *f)
{
    size_t k = f->k;
    HEL_TRY(frame_alloc(engine, &f->whole, f->k));
    HEL_TRY(frame_alloc(engine, &f->part, f->k));
    HEL_TRY(hel_calloc(engine, &f->basis_g, k, sizeof *f->basis_g));
    HEL_TRY(hel_calloc(engine, &f->loading_inverse, (k - 1) * (k - 1), sizeof(double)));
    HEL_TRY(hel_calloc(engine, &f->b, k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &f->e, k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &f->gram, k * k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &f->cross, k, sizeof(double)));
    return hel_calloc(engine, &f->block, (k + 1) * HEL_FINISH_BLOCK, sizeof(int64_t));
}

/* loading_inverse through f->gram, which is free scratch here. */
static int invert_loading(hel_finish *f)
{
    uint32_t p = f->k - 1;
    for (uint32_t a = 0; a < p; a++)
        for (uint32_t l = 0; l < p; l++)
            f->gram[a * p + l] = f->a->loading[a * f->k + l + 1];
    return hel_dense_invert(f->gram, f->loading_inverse, p);
}

hel_status hel_finish_create(hel_engine *engine, hel_finish **out, const hel_model *m,
                             uint32_t analysis, const hel_finish_options *options)
{
    hel_finish *f;
    hel_status status;
    *out = NULL;
    HEL_REQUIRE(engine, analysis < m->analyses, HEL_E_USAGE, "finish: analysis %u of %u", analysis,
                m->analyses);
    const hel_analysis *a = &m->analysis[analysis];
    int binary = a->trait == HEL_TRAIT_BINARY;
    HEL_TRY(check_options(engine, m, a, options));
    HEL_TRY(hel_calloc(engine, &f, 1, sizeof *f));
    f->model = m;
    f->a = a;
    f->options = *options;
    f->k = a->k;
    HEL_TRY_GOTO(allocate(engine, f), fail);
    f->mask = m->column[a->mask_column].w;
    f->resid = m->column[a->resid_column].w;
    f->cases = binary ? m->column[a->case_column].w : NULL;
    f->mask_g = output_of(m, a->mask_column, HEL_PLANE_G);
    f->case_g = binary ? output_of(m, a->case_column, HEL_PLANE_G) : UINT32_MAX;
    f->resid_g = output_of(m, a->resid_column, HEL_PLANE_G);
    f->weight_g2 = output_of(m, a->basis_column, HEL_PLANE_G2);
    for (uint32_t l = 0; l < f->k; l++)
        f->basis_g[l] = output_of(m, a->basis_column + l, HEL_PLANE_G);
    for (uint32_t i = 0; i < m->samples; i++)
        f->weight_sum += m->column[a->basis_column].w[i];
    f->perfect = ldexp(1, -2 * (int)m->bits);
    f->resid_square = hel_quantised_dot(f->resid, f->resid, m->samples);
    if (!invert_loading(f) ||
        !hel_frame_prepare(&f->whole, f, a->gram, a->cross, f->resid_square)) {
        status =
            hel_fail(engine, HEL_E_FORMAT,
                     "model: phenotype '%s': its Gram matrix or loadings are singular", a->name);
        goto fail;
    }
    f->whole.rr = a->rr;
    *out = f;
    return HEL_OK;
fail:
    hel_finish_free(f);
    return status;
}

hel_status hel_finish_check(hel_engine *engine, const hel_model *m,
                            const hel_finish_options *options)
{
    for (uint32_t t = 0; t < m->analyses; t++)
        HEL_TRY(check_options(engine, m, &m->analysis[t], options));
    for (uint32_t t = 0; t < m->analyses; t++) {
        hel_finish *f;
        HEL_TRY(hel_finish_create(engine, &f, m, t, options));
        hel_finish_free(f);
    }
    return HEL_OK;
}
