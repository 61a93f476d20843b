/*
 * Which levels of the categorical covariates an analysis has columns for. The design chose over all
 * samples; a mask may empty a level, leave nothing but one, or make another the most common.
 */
#include <string.h>

#include "host/assoc/model_private.h"

static uint32_t carriers(const hel_design *d, uint32_t a, const uint8_t *mask)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->samples; i++)
        count += mask[i] && d->covariate[a][i] != 0;
    return count;
}

/* One category, numbered from 1. Carriers of the reference are those of no column. */
static void choose(const hel_design *d, uint32_t category, const uint8_t *mask, uint32_t analysed,
                   uint8_t *use)
{
    uint32_t rest = analysed, most = 0, best = UINT32_MAX;
    const char *name = d->reference_name[category - 1];
    for (uint32_t a = 0; a < d->covariates; a++)
        if (d->category[a] == category)
            rest -= carriers(d, a, mask);
    most = rest;
    for (uint32_t a = 0; a < d->covariates; a++) {
        if (d->category[a] != category)
            continue;
        uint32_t count = carriers(d, a, mask);
        use[a] = count ? HEL_USE_KEEP : HEL_USE_DROP;
        if (count > most || (count == most && strcmp(d->covariate_name[a], name) < 0)) {
            best = a;
            most = count;
            name = d->covariate_name[a];
        }
    }
    if (best != UINT32_MAX)
        use[best] = rest ? HEL_USE_REFERENCE : HEL_USE_DROP;
}

uint32_t hel_levels_choose(const hel_design *d, const uint8_t *mask, uint8_t *use)
{
    uint32_t analysed = 0, kept = 0;
    for (uint32_t i = 0; i < d->samples; i++)
        analysed += mask[i];
    for (uint32_t a = 0; a < d->covariates; a++)
        use[a] = HEL_USE_KEEP;
    for (uint32_t c = 1; d->category && c <= d->categories; c++)
        choose(d, c, mask, analysed, use);
    for (uint32_t a = 0; a < d->covariates; a++)
        kept += use[a] != HEL_USE_DROP;
    return kept;
}

double hel_levels_value(const hel_design *d, uint32_t a, uint32_t i, uint8_t use)
{
    if (use == HEL_USE_KEEP)
        return d->covariate[a][i];
    double value = 1;
    for (uint32_t b = 0; b < d->covariates; b++)
        if (d->category[b] == d->category[a])
            value -= d->covariate[b][i];
    return value;
}

const char *hel_levels_name(const hel_design *d, uint32_t a, uint8_t use)
{
    return use == HEL_USE_KEEP ? d->covariate_name[a] : d->reference_name[d->category[a] - 1];
}
