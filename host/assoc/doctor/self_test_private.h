/* The cohort of the self-test: made up from nothing, the same every time. */
#ifndef HEL_ASSOC_SELF_TEST_PRIVATE_H
#define HEL_ASSOC_SELF_TEST_PRIVATE_H

#include "host/base/error.h"

#define HEL_TEST_SAMPLES  48u
#define HEL_TEST_VARIANTS 40u

typedef struct hel_test_cohort {
    uint8_t call[HEL_TEST_VARIANTS][HEL_TEST_SAMPLES]; /* 0, 1, 2 copies of A1; none missing */
    double trait[HEL_TEST_SAMPLES];
} hel_test_cohort;

void hel_test_cohort_make(hel_test_cohort *c);
/* <prefix>.bed, .bim and .fam, the trait in column 6. */
hel_status hel_test_cohort_write(hel_engine *engine, const hel_test_cohort *c, const char *prefix);
/* The rows of a plink2 table against regressions in clear. HEL_E_INTERNAL names the first that is
 * not as near as the rounding of weights allows. */
hel_status hel_test_cohort_check(hel_engine *engine, const hel_test_cohort *c, const char *table);

#endif
