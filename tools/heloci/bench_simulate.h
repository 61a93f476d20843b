/*
 * Simulated cohorts: the same files for the same seed. Three populations with their own allele
 * frequencies (Balding and Nichols' spread, cut at the ends), haplotypes that are copied from the
 * variant before with probability 7/8 within runs of 16 variants, rare variants among common ones,
 * A1 the frequent allele of one variant in five. Every second variant has missing calls.
 *
 *   cohort.bed .bim .fam   PLINK 1, FID p<population>, IID s<number>, chromosomes 1 to 22
 *   cohort.pheno           Q1, Q2, ... quantitative; B1, ... case/control as 2 and 1, 2 % of each
 *                          missing, 30 % of the others cases
 *   cohort.covar           PC1, PC2 (noisy populations), AGE, SEX, then C5, C6, ... (noise)
 *
 * Causal variants lie evenly along the genome; each explains min(0.05, 40 / samples) of a trait's
 * variance before the others. Covariates have effects too.
 */
#ifndef HELOCI_TOOL_BENCH_SIMULATE_H
#define HELOCI_TOOL_BENCH_SIMULATE_H

#include <stddef.h>

#include "tools/heloci/bench_size.h"

/* Writes the files into `folder`. 0, or an exit code with the reason in `why`. */
int bench_simulate(const bench_size *size, uint64_t seed, const char *folder, char *why,
                   size_t room);

#endif
