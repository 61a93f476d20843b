/*
 * What a time on a device is held against: bytes that must cross its memory at the rate that it
 * copies with, measured in the same run, and instructions at its issue rate.
 *
 *   compulsory   operands and keys read once, results written once, whatever the algorithm
 *   predicted    the larger of the bytes that the kernels move and of the instructions they issue
 */
#ifndef HEL_BENCH_ROOFLINE_H
#define HEL_BENCH_ROOFLINE_H

#include "bench/bench.h"

typedef struct roofline {
    double bytes_per_ns;        /* read and written, of a large copy on the device */
    double instructions_per_ns; /* of single lanes; 0: not known */
} roofline;

/* Amounts of one item. */
typedef struct roofline_work {
    double compulsory_bytes, moved_bytes, instructions;
    double target;     /* ns an item, 0: none */
    double most_ratio; /* to the compulsory bytes' time, 0: none */
} roofline_work;

/* 4 warp instructions a cycle on each processor, at 1.98 GHz (an H200's boost clock). */
double roofline_issue_rate(unsigned processors);
double roofline_predicted_ns(const roofline *r, const roofline_work *w);
/* Adds the counters to the latest entry: device_ns (0: by the wall clock only), compulsory_bytes,
 * compulsory_ns, ratio_to_compulsory, predicted_ns, ratio_to_predicted, target_ns, target_met. */
void roofline_report(const roofline *r, const roofline_work *w, double wall_ns, double device_ns);

#endif
