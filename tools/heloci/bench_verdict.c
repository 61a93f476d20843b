/* Whether everything was as it must be, in a sentence; see bench_run.h. */
#include "tools/heloci/bench_run.h"

static int holds(const json_t *report, const char *name)
{
    return json_is_true(json_object_get(report, name));
}

const char *bench_verdict(const bench_result *r)
{
    const json_t *report = r->record[STAGE_VERIFY][0].report;
    if (!r->mismatch)
        return "Every sum was verified against digests of the clear genotypes before a table was "
               "written.";
    if (r->failed != STAGE_VERIFY) /* what had been verified is of an earlier run */
        return "MISMATCH: a sum is not what the digests of the clear genotypes say, in the run in "
               "which the bench ended: no table was written. Earlier runs had passed";
    if (holds(report, "sums_equal"))
        return "MISMATCH: the tables are not what was computed in clear";
    if (holds(report, "tables_good"))
        return "MISMATCH: the backends' sums differ";
    return "MISMATCH: the backends' sums differ, and the tables are not what was computed in clear";
}
