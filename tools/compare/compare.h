/*
 * heloci-compare: times of one library beside those of others, from benchmark files, where their
 * parameters are equal. Files are those of bench/ and bench/peers/ (bench/bench.h: bench_subject),
 * shaped as Google Benchmark's.
 */
#ifndef HELOCI_COMPARE_COMPARE_H
#define HELOCI_COMPARE_COMPARE_H

#include <stddef.h>
#include <stdio.h>

enum { EXIT_OK = 0, EXIT_USAGE = 64, EXIT_DATA = 65, EXIT_MEMORY = 71, EXIT_IO = 74 };
enum { COMPARE_NAME = 48, COMPARE_TEXT = 240, COMPARE_FILES = 16 };

typedef enum compare_time { TIME_BEST, TIME_MEDIAN, TIME_CPU } compare_time;

typedef struct compare_options {
    compare_time time;
    int any_dnum;
    double q_tolerance; /* bits that log2(Q) of ours may be below theirs */
    const char *only;   /* operations, separated by commas; NULL = all */
    unsigned threads;   /* 0 = any number */
    const char *draw;   /* .png or .svg; NULL = no picture */
    const char **file;  /* ours, then theirs */
    size_t files;
} compare_options;

/* One measurement. Text of a file is shown on terminals: control characters are replaced. */
typedef struct compare_entry {
    char op[COMPARE_NAME], preset[COMPARE_NAME], mode[COMPARE_NAME];
    double n, threads, batch, log_q, log_qp, log_bound, dnum, key_switches, per_bit;
    double precision_bits; /* 0 = not stated */
    double ns;             /* of one operation, by the chosen clock; per bit of Q where per_bit */
} compare_entry;

typedef struct compare_set {
    char library[2 * COMPARE_NAME]; /* name and version */
    compare_entry *entry;
    size_t count;
} compare_set;

/* Ours and the fastest entry of one peer that may stand beside it. */
typedef struct compare_row {
    const compare_entry *ours, *theirs;
    size_t peer; /* index of the set */
    double ratio;
} compare_row;

/* Entries of ours that found none to stand beside for one reason. */
typedef struct compare_refusal {
    char text[COMPARE_TEXT];
    size_t count;
    int unequal; /* 0: theirs has other rings, threads or batches only; 1: other parameters */
} compare_refusal;

typedef struct compare_result {
    compare_row *row;
    size_t rows;
    compare_refusal *refusal;
    size_t refusals;
} compare_result;

/* Parses the command line. 0, or an exit code with the reason on stderr; -1: help was asked for. */
int compare_options_read(compare_options *o, int argc, char **argv);
void compare_usage(FILE *to);
/* Reads one file; an exit code with file, place and rule on stderr. The set is freed either way. */
int compare_read(compare_set *set, const char *path, const compare_options *o);
/* Pairs set[0] with each of the others. */
int compare_match(compare_result *result, const compare_set *set, const compare_options *o);
void compare_result_free(compare_result *result);
int compare_table(FILE *to, const compare_result *result, const compare_set *set,
                  const compare_options *o);
/* Bars of the ratios, on a logarithmic axis. */
int compare_draw(const compare_result *result, const compare_set *set, const compare_options *o);

/* "736 us": three digits and a unit. */
void compare_time_text(char out[24], double ns);

#endif
