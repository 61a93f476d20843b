/*
 * plink2 as the witness of the association in clear: least squares of the first quantitative trait
 * on chromosome 1. plink2 leaves missing calls out, so variants without any are compared.
 */
#ifndef HELOCI_TOOL_BENCH_WITNESS_H
#define HELOCI_TOOL_BENCH_WITNESS_H

#include <stddef.h>
#include <stdint.h>

#define WITNESS_BETA 1e-3 /* of a standard error; plink2 prints six digits */

typedef struct witness {
    char absent[128];            /* why there is none; empty otherwise */
    uint64_t variants, compared; /* in its table; without missing calls */
    double beta, log10p;         /* largest differences: in standard errors; of -log10 p */
} witness;

/* Runs plink2 on <folder>/cohort and compares with <folder>/expected.bin. 0 or an exit code with
 * the reason; that plink2 is not installed is no failure, that it fails is. */
int witness_ask(witness *out, const char *folder, char *why, size_t room);

#endif
