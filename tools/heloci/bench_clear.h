/*
 * The association in clear, for comparison: least squares and the logistic score test of every
 * variant, missing calls replaced by the mean of those there. Slow, plain, in double precision from
 * the unrounded phenotypes; shares no code with the library.
 *
 *   linear   y on (1, covariates, g): t test, n - k - 1 degrees of freedom
 *   score    U = g'(y - p), V = g'Wg - g'WX (X'WX)^-1 X'Wg under the null model; one-step estimates
 */
#ifndef HELOCI_TOOL_BENCH_CLEAR_H
#define HELOCI_TOOL_BENCH_CLEAR_H

#include <stddef.h>
#include <stdint.h>

/* -log10 of the two-sided p-value, by quadrature of the density (exp-sinh; Takahasi and Mori 1974).
 * df = 0: normal. */
double bench_tail(double statistic, double df);

typedef struct clear_trait clear_trait;

typedef struct clear_row {
    uint32_t called, missing, copies;    /* among analysed samples; copies of A1 */
    uint32_t cases_called, cases_copies; /* case/control: the same among cases */
    uint32_t constant;                   /* 1: the called genotypes do not vary */
    double beta, se, statistic, log10p;  /* NaN where constant */
    double unexplained; /* part of g's variance that the covariates leave: 1 / its VIF */
} clear_row;

/* y: [n], NaN = missing, 0 and 1 with `binary`; covariate[a]: [n], complete. *out is NULL when
 * there is no memory, or no null model. */
void clear_trait_create(clear_trait **out, uint32_t n, uint32_t covariates,
                        const double *const *covariate, const double *y, int binary);
void clear_trait_free(clear_trait *t);
/* calls: [n] copies of A1, 3 = missing. */
void clear_trait_variant(clear_trait *t, const uint8_t *calls, clear_row *out);

/* ---- from the cohort's files to a file of rows ---- */

typedef struct clear_header {
    uint64_t magic;
    uint32_t variants, traits;
    char name[8][8]; /* of traits */
    uint8_t binary[8];
    uint32_t samples[8], cases[8]; /* analysed */
} clear_header;

#define CLEAR_MAGIC 0x31726c6367656c68u

/* Reads <folder>/cohort.*, as bench_simulate wrote them; writes <folder>/expected.bin: the header,
 * then [variant][trait] rows. 0, or an exit code with the reason. */
int bench_cleartext(const char *folder, char *why, size_t room);

#endif
