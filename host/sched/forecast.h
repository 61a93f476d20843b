/*
 * A lane of the scan as a pipeline on paper: what it takes when every stage takes what it was
 * measured to take. Spans of rows are read in order into slots; a span's products begin when it has
 * been read (and copied, on a device) and those before it are through, and give the slot back; the
 * weights of a step are expanded before its products; finished sums come at the end of a unit, when
 * nothing else computes but reading goes on.
 *
 *   read   span o may begin when span o - 1 has been read and span o - slots was given back
 *   copy   span o may begin when it has been read and span o - 1 has been copied
 *   products of span o begin when o has been copied and those of o - 1 are through
 *
 * These are the equations of the simulation; times are seconds.
 */
#ifndef HEL_SCHED_FORECAST_H
#define HEL_SCHED_FORECAST_H

#include <stdint.h>

typedef struct hel_pipeline {
    uint64_t units;        /* one after another */
    uint32_t steps, spans; /* of a unit; of a step */
    uint32_t slots;
    double read, copy, products; /* of a span, by all of a stage's threads together */
    double expand;               /* of a step's weights */
    double finish;               /* of a unit's sums, and their writing */
    double begin;                /* before anything */
} hel_pipeline;

typedef struct hel_forecast {
    double wall;
    double read, copy, products, expand, finish; /* busy */
    double starved;                              /* products waited for rows */
    double full;                                 /* reading waited for a slot */
} hel_forecast;

/* Exact for up to HEL_FORECAST_SPANS spans; beyond, the steady state of that many goes on. */
#define HEL_FORECAST_SPANS 65536u
hel_forecast hel_forecast_run(const hel_pipeline *p);

#endif
