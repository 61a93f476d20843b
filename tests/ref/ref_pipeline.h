/* The pipeline of host/sched/forecast.h tick by tick: threads that do one tick's work or wait. */
#ifndef HEL_REF_PIPELINE_H
#define HEL_REF_PIPELINE_H

#include <stdint.h>

typedef struct ref_pipeline {
    uint32_t units, steps, spans, slots;
    uint32_t read, copy, products, expand, finish, begin; /* ticks */
} ref_pipeline;

/* Ticks until all is done. */
uint64_t ref_pipeline_run(const ref_pipeline *p);

#endif
