/*
 * Inside the finish: one analysis made ready (factor of its Gram matrix, collinearity rule), and
 * the scratch of one worker.
 */
#ifndef HEL_ASSOC_FINISH_PRIVATE_H
#define HEL_ASSOC_FINISH_PRIVATE_H

#include "host/assoc/model_private.h"
#include "host/assoc/vif.h"

/* What a Gram matrix gives: A = factor factor', cross_e = factor^-1 c, rr. */
typedef struct hel_frame {
    double *factor, *inverse; /* k x k lower */
    double *cross_e;          /* k */
    double rr;
    hel_vif vif;
} hel_frame;

struct hel_finish {
    const hel_model *model; /* borrowed */
    const hel_analysis *a;
    hel_finish_options options;
    uint32_t k;
    const int32_t *mask, *cases, *resid; /* columns; cases NULL for a linear analysis */
    uint32_t mask_g, case_g, resid_g;    /* outputs; UINT32_MAX where there is none */
    uint32_t *basis_g;                   /* [k] */
    uint32_t weight_g2;                  /* of basis column 0 */
    double *loading_inverse;             /* p x p */
    double resid_square;                 /* r~'r~ */
    int64_t weight_sum;                  /* of basis column 0 over the analysed samples */
    double perfect;                      /* rss below this part of rr: nothing left to test */
    hel_frame whole, part; /* all analysed samples; without one variant's missing ones */
    double *b, *e;         /* [k] */
    double *gram, *cross;  /* deletion: A', c' */
    int64_t *block;        /* deletion: [k + 1] columns of a block of missing rows */
};

/* Fills factor, inverse, cross_e, rr, vif; 0 when the Gram matrix is not positive definite. */
int hel_frame_prepare(hel_frame *frame, const hel_finish *f, const double *gram,
                      const double *cross, double resid_square);

/* One variant's genotype after its missing calls are dealt with. */
typedef struct hel_genotype {
    double residual; /* U0 */
    double total;    /* centred sum of squares, from exact integers */
} hel_genotype;

/* U and V from f->b (the sums B) along a frame; leaves f->e. */
void hel_finish_project(hel_finish *f, const hel_frame *frame, const hel_genotype *g, double *u,
                        double *v);
/* Fills beta .. chisq_null or errcode from U, V; n: samples in this variant's regression. */
void hel_finish_linear(const hel_finish *f, const hel_frame *frame, double u, double v, uint32_t n,
                       hel_row *row);
void hel_finish_score(const hel_finish *f, double u, double v, hel_row *row);

/* finish_missing.c: `kept` of the `count` indices are analysed (all of them, in order). */
#define HEL_FINISH_BLOCK 64
/* part = the frame without the samples; 0 when what is left is not positive definite. */
int hel_finish_delete(hel_finish *f, const uint32_t *missing, uint32_t count);
/* Sum of a column over the missing calls. */
int64_t hel_finish_missing_sum(const int32_t *column, const uint32_t *missing, uint32_t count);

#endif
