/* How fast this machine copies: what benchmarks that move memory are held against. */
#ifndef HEL_BENCH_COPY_RATE_H
#define HEL_BENCH_COPY_RATE_H

enum { COPY_SIZES = 32 };

/* Rates measured so far, by number of threads (1 or 2) and log2 of the size; begins as zeros. */
typedef struct copy_rates {
    double known[2][COPY_SIZES];
} copy_rates;

/* Bytes read and written per nanosecond, all threads together, by a memcpy that moves `bytes` on
 * each of 1 or 2 threads; sizes are rounded up to a power of two. Ends the process when memory runs
 * out. */
double copy_rate(copy_rates *rates, double bytes, int threads);

#endif
