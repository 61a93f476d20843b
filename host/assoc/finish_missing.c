/*
 * Missing calls in the finish: the planes hold 0 for them, so the sums already leave them out; what
 * has to change is the model. Mean imputation adds sums of columns over the missing samples,
 * deletion takes these samples out of the Gram matrix.
 */
#include <string.h>

#include "host/assoc/finish_private.h"

/* A covariate with less than this part of its variance left is constant: the rest is quantisation.
 * */
#define CONSTANT_PART 1e-9

int64_t hel_finish_missing_sum(const int32_t *column, const uint32_t *missing, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += column[missing[i]];
    return sum;
}

/* Subtracts z z' of a block of missing rows: products below 2^46, 64 of them below 2^52, so every
 * partial sum is exact and goes into the double once. */
static void subtract_block(hel_finish *f, const uint32_t *missing, uint32_t rows, double *square)
{
    uint32_t k = f->k;
    const hel_model *m = f->model;
    for (uint32_t l = 0; l <= k; l++) {
        const int32_t *w = l < k ? m->column[f->a->basis_column + l].w : f->resid;
        for (uint32_t i = 0; i < rows; i++)
            f->block[l * HEL_FINISH_BLOCK + i] = w[missing[i]];
    }
    for (uint32_t l = 0; l <= k; l++) {
        const int64_t *zl = f->block + (size_t)l * HEL_FINISH_BLOCK;
        for (uint32_t j = 0; j <= l; j++) {
            const int64_t *zj = f->block + (size_t)j * HEL_FINISH_BLOCK;
            int64_t sum = 0;
            for (uint32_t i = 0; i < rows; i++)
                sum += zl[i] * zj[i];
            if (l < k)
                f->gram[l * k + j] -= (double)sum;
            else if (j < k)
                f->cross[j] -= (double)sum;
            else
                *square -= (double)sum;
        }
    }
}

int hel_finish_delete(hel_finish *f, const uint32_t *missing, uint32_t count)
{
    uint32_t k = f->k;
    double square = f->resid_square;
    memcpy(f->gram, f->a->gram, (size_t)k * k * sizeof *f->gram);
    memcpy(f->cross, f->a->cross, k * sizeof *f->cross);
    for (uint32_t at = 0; at < count; at += HEL_FINISH_BLOCK) {
        uint32_t rows = count - at < HEL_FINISH_BLOCK ? count - at : HEL_FINISH_BLOCK;
        subtract_block(f, missing + at, rows, &square);
    }
    if (!hel_frame_prepare(&f->part, f, f->gram, f->cross, square))
        return 0;
    for (uint32_t a = 0; a + 1 < k; a++)
        if (f->part.vif.cov[a] <= CONSTANT_PART * f->whole.vif.cov[a])
            return 0;
    return 1;
}
