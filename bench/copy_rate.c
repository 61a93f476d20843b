/* See copy_rate.h. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/copy_rate.h"

typedef struct copy_arg {
    char *to, *from;
    size_t bytes, times;
} copy_arg;

static void *copy(void *p)
{
    const copy_arg *c = p;
    for (size_t i = 0; i < c->times; i++) {
        memcpy(c->to, c->from, c->bytes);
        bench_use(c->to);
    }
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Bytes read and written per nanosecond by copies of `bytes` / 2 on each of the threads: the best
 * of nine rounds. */
static double measure_copy(size_t bytes, int threads)
{
    copy_arg c[2] = {{0}};
    double best = 0;
    for (int t = 0; t < threads; t++) {
        c[t].bytes = bytes / 2;
        c[t].times = (32u << 20) / c[t].bytes + 1;
        c[t].to = malloc(c[t].bytes);
        c[t].from = malloc(c[t].bytes);
        if (!c[t].to || !c[t].from)
            exit(71);
        memset(c[t].from, t, c[t].bytes);
        copy(&c[t]);
    }
    for (int i = 0; i < 9; i++) {
        pthread_t other;
        const double start = now();
        if (threads > 1 && pthread_create(&other, NULL, copy, &c[1]) != 0)
            exit(71);
        copy(&c[0]);
        if (threads > 1)
            pthread_join(other, NULL);
        best = fmax(best, 2e-9 * threads * (double)(c[0].bytes * c[0].times) / (now() - start));
    }
    for (int t = 0; t < threads; t++) {
        free(c[t].to);
        free(c[t].from);
    }
    return best;
}

double copy_rate(copy_rates *rates, double bytes, int threads)
{
    int size = 12;
    while (size < COPY_SIZES - 1 && ldexp(1, size) < bytes)
        size++;
    double *rate = &rates->known[threads - 1][size];
    if (!(*rate > 0))
        *rate = measure_copy((size_t)1 << size, threads);
    return *rate;
}
