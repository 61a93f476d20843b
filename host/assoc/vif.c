/* Collinearity rules; the header has the formulas. */
#include <math.h>

#include "host/assoc/vif.h"
#include "host/base/mem.h"

/* A genotype of which the covariates leave less than this is theirs, whatever the limit says: the
 * rest is quantisation and rounding. */
#define REST_FLOOR 1e-10

static hel_status check_pairs(hel_engine *engine, const hel_rows *r, double *corr, double max_corr)
{
    for (uint32_t a = 0; a < r->q; a++) {
        corr[a * r->q + a] = 1;
        for (uint32_t b = 0; b < a; b++) {
            double c = (double)(hel_dot(r->x + (size_t)a * r->n, r->x + (size_t)b * r->n, r->n) /
                                (r->n - 1));
            corr[a * r->q + b] = corr[b * r->q + a] = c;
            HEL_REQUIRE(
                engine, fabs(c) <= max_corr, HEL_E_MODEL,
                "phenotype '%s': covariates '%s' and '%s' are correlated at %.6f, above the "
                "limit of %g; leave one out",
                r->phenotype, r->name[b], r->name[a], c, max_corr);
        }
    }
    return HEL_OK;
}

hel_status hel_vif_covariates(hel_engine *engine, const hel_rows *rows, double max_vif,
                              double max_corr)
{
    uint32_t q = rows->q, worst = 0;
    double *corr = NULL, *inverse = NULL, vif = 0;
    hel_status status;
    HEL_TRY_GOTO(hel_calloc(engine, &corr, (size_t)q * q, sizeof *corr), done);
    HEL_TRY_GOTO(hel_calloc(engine, &inverse, (size_t)q * q, sizeof *inverse), done);
    HEL_TRY_GOTO(check_pairs(engine, rows, corr, max_corr), done);
    int regular = hel_dense_invert(corr, inverse, q);
    for (uint32_t a = 0; a < q; a++) {
        double value = regular ? inverse[a * q + a] : INFINITY;
        if (value > vif) {
            vif = value;
            worst = a;
        }
    }
    if (vif > max_vif)
        status = hel_fail(engine, HEL_E_MODEL,
                          "phenotype '%s': covariate '%s' has a variance inflation factor of %.6g, "
                          "above the limit of %g; leave it out or raise the limit",
                          rows->phenotype, rows->name[worst], vif, max_vif);
done:
    hel_free_wiped(corr, (size_t)q * q, sizeof *corr);
    hel_free_wiped(inverse, (size_t)q * q, sizeof *inverse);
    return status;
}

hel_status hel_vif_create(hel_engine *engine, hel_vif *v, uint32_t p)
{
    *v = (hel_vif){.p = p};
    HEL_TRY(hel_calloc(engine, &v->lg, (size_t)p * p, sizeof *v->lg));
    HEL_TRY(hel_calloc(engine, &v->t, (size_t)p * p, sizeof *v->t));
    HEL_TRY(hel_calloc(engine, &v->cov, p, sizeof *v->cov));
    return hel_calloc(engine, &v->inverse, p, sizeof *v->inverse);
}

void hel_vif_free(hel_vif *v)
{
    size_t p = v->p;
    hel_free_wiped(v->lg, p * p, sizeof *v->lg);
    hel_free_wiped(v->t, p * p, sizeof *v->t);
    hel_free_wiped(v->cov, p, sizeof *v->cov);
    hel_free_wiped(v->inverse, p, sizeof *v->inverse);
    *v = (hel_vif){0};
}

void hel_vif_prepare(hel_vif *v, const double *factor, const double *factor_inverse,
                     const double *loading, const double *loading_inverse)
{
    uint32_t p = v->p, k = p + 1;
    for (uint32_t a = 0; a < p; a++) {
        v->cov[a] = v->inverse[a] = 0;
        for (uint32_t l = 0; l < p; l++) {
            double lg = 0, t = 0;
            for (uint32_t j = l; j < p; j++)
                lg += loading[a * k + j + 1] * factor[(j + 1) * k + l + 1];
            for (uint32_t j = 0; j <= l; j++)
                t += factor_inverse[(l + 1) * k + j + 1] * loading_inverse[j * p + a];
            v->lg[a * p + l] = lg;
            v->t[a * p + l] = t;
            v->cov[a] += lg * lg;
            v->inverse[a] += t * t;
        }
    }
}

hel_errcode hel_vif_rule(const hel_vif *v, const double *e, double total, double rest,
                         double max_vif, double max_corr)
{
    uint32_t p = v->p;
    if (p == 0)
        return HEL_ERRCODE_NONE;
    double worst = rest > REST_FLOOR * total ? total / rest : INFINITY;
    for (uint32_t a = 0; a < p; a++) {
        double with = 0, t = 0;
        for (uint32_t l = 0; l < p; l++) {
            with += v->lg[a * p + l] * e[l + 1];
            t += v->t[a * p + l] * e[l + 1];
        }
        if (with * with > max_corr * max_corr * v->cov[a] * total)
            return HEL_ERRCODE_CORR_TOO_HIGH;
        double vif = v->cov[a] * (v->inverse[a] + (rest > 0 ? t * t / rest : 0));
        if (vif > worst)
            worst = vif;
    }
    return worst > max_vif ? HEL_ERRCODE_VIF_TOO_HIGH : HEL_ERRCODE_NONE;
}
