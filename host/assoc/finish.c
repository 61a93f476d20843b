/*
 * From one variant's exact sums to a line of the table. Rules that decide whether there is a number
 * at all (monomorphic, allele counts) look at integers; the tests follow the quantised-basis
 * formulas of model.h. Codes as in plink2 where plink2 has one.
 */
#include <math.h>

#include "host/assoc/finish_private.h"
#include "host/assoc/tail.h"

const char *hel_errcode_text(hel_errcode code)
{
    static const char *const text[] = {
        [HEL_ERRCODE_NONE] = ".",
        [HEL_ERRCODE_CONST_OMITTED] = "CONST_OMITTED_ALLELE",
        [HEL_ERRCODE_VIF_TOO_HIGH] = "VIF_TOO_HIGH",
        [HEL_ERRCODE_CORR_TOO_HIGH] = "CORR_TOO_HIGH",
        [HEL_ERRCODE_LOW_MAC] = "LOW_MAC",
        [HEL_ERRCODE_PERFECT_FIT] = "PERFECT_FIT",
        [HEL_ERRCODE_FEW_SAMPLES] = "FEW_SAMPLES",
    };
    return (size_t)code < sizeof text / sizeof text[0] ? text[code] : "UNKNOWN";
}

/* Missing calls of one variant among the analysed samples, from the list or from the miss plane. */
typedef struct missing_calls {
    const int64_t *sums;
    const uint32_t *list;
    uint32_t count;
    int plane;
} missing_calls;

static int64_t missing_sum(const hel_finish *f, const missing_calls *c, uint32_t column)
{
    if (c->plane)
        return c->sums[f->model->output_of[column * HEL_PLANES + HEL_PLANE_MISS]];
    return hel_finish_missing_sum(f->model->column[column].w, c->list, c->count);
}

static uint32_t clamp_count(int64_t value, uint32_t limit)
{
    return value < 0 ? 0 : value > limit ? limit : (uint32_t)value;
}

static double frequency(int64_t copies, uint32_t called)
{
    return called ? (double)copies / (2.0 * called) : NAN;
}

static void fill_counts(const hel_finish *f, const int64_t *sums, const missing_calls *calls,
                        hel_row *row)
{
    const hel_analysis *a = f->a;
    int64_t copies = sums[f->mask_g];
    *row = (hel_row){.beta = NAN, .se = NAN, .stat = NAN, .log10p = NAN, .chisq_null = NAN};
    row->miss_ct = clamp_count(missing_sum(f, calls, a->mask_column), a->n);
    row->obs_ct = a->n - row->miss_ct;
    row->a1_ct = copies > 0 ? (uint64_t)copies : 0;
    row->a1_freq = frequency(copies, row->obs_ct);
    row->df = (double)a->n - a->k - 1;
    row->case_freq = row->ctrl_freq = NAN;
    if (f->cases) {
        int64_t of_cases = sums[f->case_g];
        uint32_t lost = clamp_count(missing_sum(f, calls, a->case_column), a->cases);
        row->case_obs = a->cases - lost;
        row->ctrl_obs = clamp_count((int64_t)row->obs_ct - row->case_obs, row->obs_ct);
        row->case_freq = frequency(of_cases, row->case_obs);
        row->ctrl_freq = frequency(copies - of_cases, row->ctrl_obs);
    }
}

/* weight x squares - sum^2, exactly: 0 if and only if the called genotypes are constant. */
static __int128 spread(int64_t weight, int64_t squares, int64_t sum)
{
    return (__int128)weight * squares - (__int128)sum * sum;
}

void hel_finish_project(hel_finish *f, const hel_frame *frame, const hel_genotype *g, double *u,
                        double *v)
{
    uint32_t k = f->k;
    double rest = g->total, residual = g->residual;
    for (uint32_t l = 0; l < k; l++) {
        const double *inverse = frame->inverse + (size_t)l * k;
        double e = 0;
        for (uint32_t j = 0; j <= l; j++)
            e += inverse[j] * f->b[j];
        f->e[l] = e;
        residual -= e * frame->cross_e[l];
        if (l > 0)
            rest -= e * e;
    }
    *u = residual;
    *v = rest > 0 ? rest : 0;
}

void hel_finish_linear(const hel_finish *f, const hel_frame *frame, double u, double v, uint32_t n,
                       hel_row *row)
{
    double scale = f->a->resid_scale, df = (double)n - f->k - 1;
    double rss = frame->rr - u * u / v;
    row->df = df;
    if (df < 1) {
        row->errcode = HEL_ERRCODE_FEW_SAMPLES;
        return;
    }
    if (!(rss >= f->perfect * frame->rr) || !(frame->rr > 0)) {
        row->errcode = HEL_ERRCODE_PERFECT_FIT;
        return;
    }
    row->beta = u / v / scale;
    row->se = sqrt(rss / df / v) / scale;
    row->stat = u / sqrt(rss / df * v);
    row->log10p = hel_log10p_t(row->stat, df);
    row->chisq_null = u * u / (v * frame->rr / (df + 1));
}

void hel_finish_score(const hel_finish *f, double u, double v, hel_row *row)
{
    u /= f->a->resid_scale;
    v /= f->a->weight_scale;
    row->beta = u / v;
    row->se = 1 / sqrt(v);
    row->stat = u / sqrt(v);
    row->chisq_null = row->stat * row->stat;
    row->log10p = hel_log10p_normal(row->stat);
}

/* Mean imputation: mean of the called genotypes times the columns' sums over the missing ones. */
static void impute(hel_finish *f, const int64_t *sums, const missing_calls *calls, hel_row *row,
                   hel_genotype *g)
{
    double mean = row->miss_ct ? (double)sums[f->mask_g] / row->obs_ct : 0;
    g->residual = (double)sums[f->resid_g];
    for (uint32_t l = 0; l < f->k; l++)
        f->b[l] = (double)sums[f->basis_g[l]];
    if (row->miss_ct == 0)
        return;
    for (uint32_t l = 0; l < f->k; l++)
        f->b[l] += mean * (double)missing_sum(f, calls, f->a->basis_column + l);
    g->residual += mean * (double)missing_sum(f, calls, f->a->resid_column);
}

/* Centred sum of squares under the weights of basis column 0, missing calls at the mean of the
 * called genotypes: within the called ones exactly, plus what the missing ones add (nothing when
 * all weights are equal). *constant: the called genotypes do not vary. */
static double total_square(const hel_finish *f, const int64_t *sums, const missing_calls *calls,
                           const hel_row *row, int *constant)
{
    int64_t lost = row->miss_ct ? missing_sum(f, calls, f->a->basis_column) : 0;
    int64_t weight = f->weight_sum - lost, sum = sums[f->basis_g[0]];
    __int128 within = spread(weight, sums[f->weight_g2], sum);
    *constant = row->obs_ct == 0 || weight <= 0 || within <= 0;
    if (*constant)
        return 0;
    double total = (double)within / (double)weight;
    if (lost > 0 && f->cases) {
        double gap = (double)sum / (double)weight - (double)sums[f->mask_g] / row->obs_ct;
        total += gap * gap * (double)weight * (double)lost / (double)f->weight_sum;
    }
    return total;
}

void hel_finish_variant(hel_finish *f, const int64_t *sums, const uint32_t *missing,
                        uint32_t missing_count, hel_row *row)
{
    missing_calls calls = {sums, missing, missing ? missing_count : 0,
                           (int)(f->model->planes >> HEL_PLANE_MISS & 1)};
    const hel_frame *frame = &f->whole;
    hel_genotype g;
    double u, v;
    int constant;
    uint32_t n = f->a->n;
    fill_counts(f, sums, &calls, row);
    g.total = total_square(f, sums, &calls, row, &constant);
    if (constant) {
        row->errcode = HEL_ERRCODE_CONST_OMITTED;
        return;
    }
    int64_t copies = sums[f->mask_g], other = 2 * (int64_t)row->obs_ct - copies;
    if (f->cases && (copies < other ? copies : other) < (int64_t)f->options.min_mac) {
        row->errcode = HEL_ERRCODE_LOW_MAC;
        return;
    }
    if (f->options.missing == HEL_MISSING_DELETE && row->miss_ct > 0) {
        n = row->obs_ct;
        row->df = (double)n - f->k - 1;
        if (n < f->k + 2) {
            row->errcode = HEL_ERRCODE_FEW_SAMPLES;
            return;
        }
        if (!hel_finish_delete(f, missing, missing_count)) {
            row->errcode = HEL_ERRCODE_VIF_TOO_HIGH;
            return;
        }
        frame = &f->part;
        g.residual = (double)sums[f->resid_g];
        for (uint32_t l = 0; l < f->k; l++)
            f->b[l] = (double)sums[f->basis_g[l]];
    } else {
        impute(f, sums, &calls, row, &g);
    }
    hel_finish_project(f, frame, &g, &u, &v);
    row->errcode =
        hel_vif_rule(&frame->vif, f->e, g.total, v, f->options.max_vif, f->options.max_corr);
    if (row->errcode != HEL_ERRCODE_NONE)
        return;
    if (f->cases)
        hel_finish_score(f, u, v, row);
    else
        hel_finish_linear(f, frame, u, v, n, row);
}
