/*
 * The harness of all benchmarks. A benchmark is a function that does `iterations` rounds of work;
 * the harness warms it up, finds a number of iterations that fills min_time, repeats, and writes
 * one JSON document shaped as Google Benchmark's (its comparison tools read it). real_time and
 * cpu_time are minima over the repetitions; the median is a counter.
 *
 *   int main(int argc, char **argv)
 *   {
 *       bench_begin(argc, argv, "b_ntt");
 *       bench_run("ntt/forward/8192", work, &arg, (bench_rate){.items = 53248});
 *       return bench_end();
 *   }
 *
 * Options of every benchmark: --out FILE, --filter TEXT[,TEXT...] (substrings, one of which a name
 * must hold), --preset TEXT[,TEXT...] (the same for parameter sets, where a program has several),
 * --min-time SECONDS (default 0.05), --repetitions N (default 9), --list.
 */
#ifndef HEL_BENCH_H
#define HEL_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "heloci/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Does the work `iterations` times. */
typedef void (*bench_fn)(void *arg, size_t iterations);

/* Amounts of one iteration; zeros are left out of the report. */
typedef struct bench_rate {
    double bytes; /* read and written: bytes_per_second */
    double items; /* items_per_second, ns_per_item */
} bench_rate;

typedef struct bench_result {
    double best_ns, median_ns, cpu_ns; /* per iteration; best_ns is 0 when it was filtered out */
} bench_result;

/* What an entry measured, for tools that compare entries of different libraries: only what is equal
 * here may be compared. Zeros and NULL are left out of the report. */
typedef struct bench_subject {
    const char *op;      /* "mul_relin", "rotate" */
    const char *preset;  /* the program's own name of the parameters */
    const char *mode;    /* "one": the operation itself runs on `threads` threads; "each": every
                           thread runs operations of its own */
    double n;            /* ring dimension */
    double log_q;        /* log2 of the modulus that the operands have */
    double log_qp;       /* log2 of the largest modulus in any key */
    double log_bound;    /* the bound on log_qp that the library itself checks */
    double dnum;         /* key-switching digits at the operands' level */
    double key_switches; /* in one operation; where there are any, dnum matters */
    double limbs;        /* words of a coefficient modulo Q */
    double word_bits;    /* size of these words */
    double scale_bits, precision_bits; /* measured: -log2 of the RMS error of the result's slots */
    double threads, batch;
    double operations; /* in one iteration: real_time / operations is the time of one */
    double per_bit;    /* 1: limbs of any size, times are compared per bit of log_q */
    double ciphertext_bytes, key_bytes; /* in memory; one relinearization key */
} bench_subject;

/* Reads the options and writes the context. Exits the process on a wrong option. */
void bench_begin(int argc, char **argv, const char *program);
/* The same where another library is measured. */
void bench_begin_as(int argc, char **argv, const char *program, const char *library,
                    const char *version);
/* Fixes a fact of the context, before the first bench_run: "simd", "avx512". */
void bench_context(const char *key, const char *value);
/* 1 when the name would run: lets a program skip expensive preparation. */
int bench_wanted(const char *name);
/* 1 when --preset, if it was given, names this parameter set. */
int bench_wanted_preset(const char *name);
/* 1 when names are listed and nothing is measured. */
int bench_listing(void);
bench_result bench_run(const char *name, bench_fn fn, void *arg, bench_rate rate);
/* Reports times that were measured elsewhere (a child process): sorted here, at most 1,000; the
 * entry's times are medians, best and median as counters. */
bench_result bench_record(const char *name, double *real_ns, double *cpu_ns, size_t repetitions,
                          bench_rate rate);
/* Adds a number to the latest bench_run's entry ("memcpy_ratio", 0.93); not one that is infinite or
 * not a number, which JSON cannot say. */
void bench_counter(const char *key, double value);
/* Adds a text to it. */
void bench_text(const char *key, const char *value);
/* Adds what it measured. */
void bench_describe(const bench_subject *subject);
/* Closes the document; the value is main's exit code. */
int bench_end(void);

/* Keeps the compiler from dropping or moving work on memory behind p. */
static inline void bench_use(const void *p)
{
    __asm__ volatile("" : : "g"(p) : "memory");
}

#ifdef __cplusplus
}
#endif

#endif
