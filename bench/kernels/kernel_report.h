/*
 * What kernel_count found, and the page it becomes.
 */
#ifndef HEL_BENCH_KERNEL_REPORT_H
#define HEL_BENCH_KERNEL_REPORT_H

#include <stdio.h>

#include "bench/kernels/sass.h"

enum { LAUNCHES_MAX = 256, RESULTS_MAX = 64 };

/* One launch. */
typedef struct counted {
    const char *kernel;
    uint32_t grid[3], threads, cluster;
    size_t shared_bytes;
    double n[SASS_CLASSES], total, load_bytes, store_bytes; /* of all threads */
    uint64_t guesses;
    int stopped;
} counted;

/* q_count primes of Q and p_count of P, digits of digit_limbs, a batch of ciphertexts. */
typedef struct shape {
    uint32_t log_n, q_count, p_count, digit_limbs, batch;
} shape;

/* One operation: its launches together. */
typedef struct operation_count {
    const char *name;
    shape shape;
    double limbs; /* limb transforms in it */
    uint32_t launches;
    counted sum;
    const char *kernel; /* of its first launch */
} operation_count;

/* Registers, threads and blocks of a kernel, by name. */
typedef struct budget {
    char name[96];
    uint32_t registers, threads, blocks;
} budget;

typedef struct budgets {
    budget *row;
    size_t count;
} budgets;

/* Lines "name registers threads blocks". */
int budgets_read(budgets *b, const char *path);
const budget *budget_of(const budgets *b, const char *name); /* NULL: none */
void report_markdown(FILE *f, const sass_code *code, const budgets *b,
                     const operation_count *results, size_t count);

#endif
