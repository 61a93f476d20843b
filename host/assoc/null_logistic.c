/*
 * The logistic null model: Newton's method (IRLS) with step halving on the unweighted orthonormal
 * basis, so that covariates of any scale converge alike; then the integer columns of the score
 * test. A separated model has no finite maximum and is refused. Albert & Anderson 1984.
 */
#include <math.h>

#include "host/assoc/model_private.h"
#include "host/base/mem.h"

#define TOLERANCE      1e-12
#define NOISE_STEP     1e-9 /* three such steps in a row: converged to rounding */
#define MAX_ITERATIONS 60
#define MAX_HALVINGS   40

typedef struct irls {
    const hel_rows *rows;
    const double *y;
    double unit; /* sqrt(n): directions times this have entries of order 1 */
    double *beta, *trial, *gradient, *hessian, *delta; /* k, k, k, k x k, k */
    double *eta, *p;                                   /* n */
} irls;

static void irls_free(irls *f)
{
    size_t k = f->rows->basis.k, n = f->rows->n;
    hel_free_wiped(f->beta, k, sizeof(double));
    hel_free_wiped(f->trial, k, sizeof(double));
    hel_free_wiped(f->gradient, k, sizeof(double));
    hel_free_wiped(f->hessian, k * k, sizeof(double));
    hel_free_wiped(f->delta, k, sizeof(double));
    hel_free_wiped(f->eta, n, sizeof(double));
}

static hel_status irls_alloc(hel_engine *engine, irls *f)
{
    size_t k = f->rows->basis.k;
    HEL_TRY(hel_calloc(engine, &f->beta, k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &f->trial, k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &f->gradient, k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &f->hessian, k * k, sizeof(double)));
    HEL_TRY(hel_calloc(engine, &f->delta, k, sizeof(double)));
    return hel_malloc(engine, &f->eta, f->rows->n, sizeof(double));
}

/* Deviance at beta; leaves eta. log(1 + exp(z)) without overflow. */
static double deviance(irls *f, const double *beta)
{
    const hel_basis *b = &f->rows->basis;
    for (uint32_t i = 0; i < b->n; i++)
        f->eta[i] = 0;
    for (uint32_t l = 0; l < b->k; l++) {
        double scaled = beta[l] * f->unit;
        for (uint32_t i = 0; i < b->n; i++)
            f->eta[i] += scaled * b->dir[(size_t)l * b->n + i];
    }
    long double sum = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        double z = f->y[i] > 0 ? -f->eta[i] : f->eta[i];
        sum += fmax(z, 0) + log1p(exp(-fabs(z)));
    }
    return (double)(2 * sum);
}

/* Gradient and Hessian at eta; leaves p. */
static void derivatives(irls *f)
{
    const hel_basis *b = &f->rows->basis;
    uint32_t n = b->n, k = b->k;
    for (uint32_t i = 0; i < n; i++)
        f->p[i] = 1 / (1 + exp(-f->eta[i]));
    for (uint32_t l = 0; l < k; l++) {
        const double *dl = b->dir + (size_t)l * n;
        long double g = 0;
        for (uint32_t i = 0; i < n; i++)
            g += (long double)dl[i] * (f->y[i] - f->p[i]);
        f->gradient[l] = (double)(g * f->unit);
        for (uint32_t j = 0; j <= l; j++) {
            const double *dj = b->dir + (size_t)j * n;
            long double h = 0;
            for (uint32_t i = 0; i < n; i++)
                h += (long double)dl[i] * dj[i] * (f->p[i] * (1 - f->p[i]));
            f->hessian[l * k + j] = f->hessian[j * k + l] = (double)(h * f->unit * f->unit);
        }
    }
}

/* delta = hessian^-1 gradient; 0 when the Hessian is not positive definite. */
static int newton_step(irls *f)
{
    uint32_t k = f->rows->basis.k;
    if (!hel_dense_cholesky(f->hessian, f->hessian, k))
        return 0;
    const double *l = f->hessian;
    for (uint32_t i = 0; i < k; i++) {
        long double s = f->gradient[i];
        for (uint32_t j = 0; j < i; j++)
            s -= (long double)l[i * k + j] * f->delta[j];
        f->delta[i] = (double)(s / l[i * k + i]);
    }
    for (uint32_t i = k; i-- > 0;) {
        long double s = f->delta[i];
        for (uint32_t j = i + 1; j < k; j++)
            s -= (long double)l[j * k + i] * f->delta[j];
        f->delta[i] = (double)(s / l[i * k + i]);
    }
    return 1;
}

/* A covariate whose ranges in cases and controls do not overlap beyond a point: no finite fit. */
static hel_status check_ranges(hel_engine *engine, const irls *f, const char *phenotype)
{
    const hel_rows *r = f->rows;
    for (uint32_t a = 0; a < r->q; a++) {
        double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
        for (uint32_t i = 0; i < r->n; i++) {
            double x = r->x[(size_t)a * r->n + i];
            int c = f->y[i] > 0;
            low[c] = fmin(low[c], x);
            high[c] = fmax(high[c], x);
        }
        HEL_REQUIRE(engine, high[0] > low[1] && high[1] > low[0], HEL_E_MODEL,
                    "phenotype '%s': covariate '%s' separates cases from controls, so the null "
                    "model has no finite fit; leave it out or merge levels",
                    phenotype, r->name[a]);
    }
    return HEL_OK;
}

/* The covariate that goes along most with the direction in which the fit runs away. */
static const char *runaway(const irls *f)
{
    const hel_rows *r = f->rows;
    double most = -1;
    const char *name = "the intercept";
    for (uint32_t a = 0; a < r->q; a++) {
        double along = 0;
        for (uint32_t l = 1; l < r->basis.k; l++)
            along += r->basis.load[a * r->basis.k + l] * f->beta[l];
        if (fabs(along) > most) {
            most = fabs(along);
            name = r->name[a];
        }
    }
    return name;
}

static hel_status no_fit(hel_engine *engine, const irls *f, const char *phenotype)
{
    double most = 0;
    for (uint32_t i = 0; i < f->rows->n; i++)
        most = fmax(most, fabs(f->eta[i]));
    if (most > 15)
        return hel_fail(
            engine, HEL_E_MODEL,
            "phenotype '%s': the covariates together separate cases from controls, most "
            "of all '%s', so the null model has no finite fit; leave it out or merge "
            "levels",
            phenotype, runaway(f));
    return hel_fail(engine, HEL_E_MODEL,
                    "phenotype '%s': the logistic null model did not converge in %d iterations; "
                    "covariate '%s' moves most",
                    phenotype, MAX_ITERATIONS, runaway(f));
}

hel_status hel_logistic_fit(hel_engine *engine, const hel_rows *rows, const double *y,
                            const char *phenotype, double *p)
{
    irls f = {.rows = rows, .y = y, .unit = sqrt(rows->n), .p = p};
    uint32_t k = rows->basis.k, quiet = 0;
    hel_status status;
    HEL_TRY_GOTO(irls_alloc(engine, &f), done);
    HEL_TRY_GOTO(check_ranges(engine, &f, phenotype), done);
    double cases = 0;
    for (uint32_t i = 0; i < rows->n; i++)
        cases += y[i];
    f.beta[0] = log(cases / (rows->n - cases));
    double now = deviance(&f, f.beta);
    for (int iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
        derivatives(&f);
        if (!newton_step(&f))
            break;
        double size = 0, step = 1, next = now, largest = 1;
        for (uint32_t l = 0; l < k; l++) {
            size = fmax(size, fabs(f.delta[l]));
            largest = fmax(largest, fabs(f.beta[l]));
        }
        for (int halving = 0; halving < MAX_HALVINGS; halving++, step *= 0.5) {
            for (uint32_t l = 0; l < k; l++)
                f.trial[l] = f.beta[l] + step * f.delta[l];
            next = deviance(&f, f.trial);
            if (next <= now * (1 + 1e-13))
                break;
        }
        for (uint32_t l = 0; l < k; l++)
            f.beta[l] = f.trial[l];
        double change = fabs(now - next);
        now = next;
        quiet = size <= NOISE_STEP * largest ? quiet + 1 : 0;
        if (change <= TOLERANCE * now && (size <= TOLERANCE * largest || quiet == 3)) {
            derivatives(&f);
            goto done; /* status is HEL_OK from the last check */
        }
    }
    status = no_fit(engine, &f, phenotype);
done:
    irls_free(&f);
    return status;
}

/* The directions orthonormal under w~, times w~: C. The residual's rounding error is measured along
 * the real directions (cross): C / w~ is coarse where w~ is small, and a case with a tiny fitted
 * probability has there the largest residual of all. */
static hel_status score_columns(hel_engine *engine, hel_model *m, hel_analysis *a,
                                const hel_rows *rows)
{
    uint32_t n = rows->n;
    const int32_t *w = m->column[a->basis_column].w;
    double *root = NULL;
    hel_basis basis = {0};
    hel_status status;
    HEL_TRY_GOTO(hel_malloc(engine, &root, n, sizeof *root), done);
    for (uint32_t i = 0; i < n; i++)
        root[i] = sqrt(w[rows->row[i]]);
    HEL_TRY_GOTO(hel_basis_build(engine, &basis, rows, root), done);
    for (uint32_t l = 1; l < a->k; l++) {
        double *dir = basis.dir + (size_t)l * n;
        for (uint32_t i = 0; i < n; i++)
            dir[i] *= root[i];
        double scale = hel_quantise(dir, n, rows->row, m->bits, m->column[a->basis_column + l].w);
        for (uint32_t x = 0; x < a->p; x++)
            a->loading[x * a->k + l] = basis.load[x * a->k + l] / scale;
        for (uint32_t i = 0; i < n; i++)
            dir[i] /= w[rows->row[i]];
        a->cross[l] = hel_direction_dot(dir, scale, rows, m->column[a->resid_column].w);
    }
done:
    hel_free_wiped(root, n, sizeof *root);
    hel_basis_free(&basis);
    return status;
}

hel_status hel_null_logistic(hel_engine *engine, hel_model *m, hel_analysis *a,
                             const hel_rows *rows, const double *y)
{
    uint32_t n = rows->n;
    int32_t *w = m->column[a->basis_column].w, *cases = m->column[a->case_column].w;
    double *p = NULL, *v = NULL;
    hel_status status;
    a->cases = 0;
    for (uint32_t i = 0; i < n; i++)
        a->cases += y[i] > 0;
    HEL_REQUIRE(engine, a->cases > 0 && a->cases < n, HEL_E_MODEL,
                "phenotype '%s': no %s among the %u analysed samples", a->name,
                a->cases ? "controls" : "cases", n);
    HEL_TRY_GOTO(hel_malloc(engine, &p, n, sizeof *p), done);
    HEL_TRY_GOTO(hel_malloc(engine, &v, n, sizeof *v), done);
    HEL_TRY_GOTO(hel_logistic_fit(engine, rows, y, a->name, p), done);
    for (uint32_t i = 0; i < n; i++)
        v[i] = p[i] * (1 - p[i]);
    a->weight_scale = hel_quantise(v, n, rows->row, m->bits, w);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = rows->row[i];
        w[r] = w[r] < 1 ? 1 : w[r];
        cases[r] = y[i] > 0;
        v[i] = y[i] - p[i];
    }
    a->resid_scale = hel_quantise(v, n, rows->row, m->bits, m->column[a->resid_column].w);
    HEL_TRY_GOTO(score_columns(engine, m, a, rows), done);
    status = hel_analysis_gram(engine, m, a, rows);
done:
    hel_free_wiped(p, n, sizeof *p);
    hel_free_wiped(v, n, sizeof *v);
    return status;
}
