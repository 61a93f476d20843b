/* The steps of an analysis on a simulated cohort, in its folder: h.key, h.evk, h.geno, h.private,
 * h.weights, h.model, h.sums, h.Y.glm.linear. */
#ifndef HEL_BENCH_STEPS_H
#define HEL_BENCH_STEPS_H

#include "bench/bench_cohort.h"
#include "heloci/heloci.h"

typedef hel_status (*steps_fn)(hel_engine *engine, const cohort *c);

hel_status steps_keygen(hel_engine *engine, const cohort *c);
hel_status steps_encrypt(hel_engine *engine, const cohort *c);
hel_status steps_null(hel_engine *engine, const cohort *c);
hel_status steps_scan(hel_engine *engine, const cohort *c, hel_scan_stats *stats);
hel_status steps_decrypt(hel_engine *engine, const cohort *c);

/* Files of the scan; the strings live as long as *x. */
typedef struct steps_scan_files {
    char geno[640], weights[640], evk[640], out[640];
} steps_scan_files;
hel_scan_config steps_scan_config(const cohort *c, steps_scan_files *x);

#endif
