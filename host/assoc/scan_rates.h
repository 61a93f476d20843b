/*
 * What the scan's parts take on this machine: measured on a sample of the very inputs, for the plan
 * where there is a choice to make, and for whoever asks (--explain).
 */
#ifndef HEL_ASSOC_SCAN_RATES_H
#define HEL_ASSOC_SCAN_RATES_H

#include "host/assoc/scan_private.h"
#include "host/sched/forecast.h"

/* Seconds, by all workers of a lane together. */
typedef struct scan_rates {
    double weight;      /* one weight expanded */
    double ciphertext;  /* one packed ciphertext of weights prepared */
    double row;         /* one genotype of one plane brought to its products */
    double product;     /* one genotype times one column's weight, in one plane */
    double sum;         /* one output of one block finished */
    double read, check; /* one byte, by one reader */
    int measured;       /* 0: a guess that has the right proportions */
} scan_rates;

/* For the CPU and for a device. */
scan_rates hel_scan_rates_guess(const struct scan *s);
/* Expands and multiplies a piece of one tile, several times over. The lane needs no plan yet. */
hel_status hel_scan_rates_measure(struct scan *s, scan_rates *rates);
hel_status hel_scan_device_rates_measure(struct scan *s, scan_rates *rates);

/* Seconds of a lane's share for a way to cut it: ranges of blocks and batches of columns. */
double hel_scan_rates_cost(const struct scan *s, const scan_rates *rates, uint64_t ranges,
                           uint64_t batches);

/* The lane's plan as a pipeline. */
hel_pipeline hel_scan_pipeline(const struct scan *s, const scan_rates *rates);

#endif
