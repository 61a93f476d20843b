/* The strongest loci of a finished table, for the terminal. */
#ifndef HELOCI_TOOL_TOP_HITS_H
#define HELOCI_TOOL_TOP_HITS_H

#include <stdint.h>
#include <stdio.h>

enum { TOP_HITS_MOST = 20 };

typedef struct top_hit {
    char chrom[16], id[48], allele[24];
    uint64_t pos;
    double beta, se, log10p;
} top_hit;

typedef struct top_hits {
    unsigned count, wanted;
    top_hit hit[TOP_HITS_MOST];
} top_hits;

/* Reads a table with plink2's or REGENIE's column names; keeps the best variant of each of the
 * `wanted` best loci, a locus being `window` base pairs to either side. Non-zero when the file
 * cannot be read that way. */
int top_hits_read(top_hits *out, const char *path, unsigned wanted, uint64_t window);
/* Says the rule, `apart` in megabases, since the page's loci are narrower. */
void top_hits_print(const top_hits *hits, unsigned apart, FILE *out);

#endif
