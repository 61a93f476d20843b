/*
 * The released tables against the same association in clear (bench_clear.h).
 *
 * What a table shows of the decrypted integers is compared exactly: called and missing genotypes,
 * copies of A1, both also among cases (frequencies times twice the counts are integers, and are
 * printed to six digits: exact to 250,000 samples). The statistics are functions of all sums; they
 * differ from those in clear by the rounding of the weights to 20 bits and by the digits printed.
 */
#ifndef HELOCI_TOOL_BENCH_QUALITY_H
#define HELOCI_TOOL_BENCH_QUALITY_H

#include "tools/heloci/bench_clear.h"
#include "tools/heloci/bench_size.h"

enum { QUALITY_DIGITS = 10 };

#define QUALITY_BETA   1e-3 /* of a standard error */
#define QUALITY_SE     1e-3 /* of itself */
#define QUALITY_LOG10P 1e-3

typedef struct quality_trait {
    char name[8];
    int binary;
    uint32_t samples, cases;
    uint64_t variants, tested;
    uint64_t constant, low_count, collinear; /* without a result, and rightly so */
    uint64_t integers_equal;                 /* variants whose counts are all those in clear */
    uint64_t unlike; /* variants with a result on one side only, or without for a wrong reason */
    uint64_t off;    /* tested variants whose statistics differ by more than they may */
    uint64_t digits[QUALITY_DIGITS]; /* tested variants whose LOG10P agrees to so many digits */
    double beta;                     /* largest |difference| / se in clear */
    double se;                       /* largest relative difference */
    double log10p;                   /* largest |difference| */
    double strongest;                /* largest LOG10P in clear */
    char worst[24], first_bad[96];   /* variant with that difference; first failure in words */
} quality_trait;

typedef struct quality {
    uint32_t traits;
    quality_trait trait[BENCH_TRAITS];
} quality;

/* Reads <expected>/expected.bin and <tables>.<trait>.glm.linear or .glm.logistic. 0, or an exit
 * code with the reason when they cannot be read; differences are not such a reason. */
int quality_read(quality *out, const char *expected, const char *tables, char *why, size_t room);
/* Whether everything is as it must be. */
int quality_good(const quality *q);
/* Digits in which two numbers agree, at most 9: floor(-log10(|a - b| / max(|a|, |b|))). */
int quality_agreement(double a, double b);

#endif
