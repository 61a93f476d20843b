/* What the benchmark says when something did not agree, by the stage that found it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/bench_run.h"

static const char *verdict(int mismatch, bench_stage failed, int sums_equal, int tables_good)
{
    bench_result *r = calloc(1, sizeof *r);
    cr_assert(r != NULL);
    r->mismatch = mismatch;
    r->failed = failed;
    r->record[STAGE_VERIFY][0].report =
        json_pack("{s:b, s:b}", "sums_equal", sums_equal, "tables_good", tables_good);
    const char *text = bench_verdict(r);
    json_decref(r->record[STAGE_VERIFY][0].report);
    free(r);
    return text;
}

Test(bench_verdict, names_what_failed)
{
    static const char differ[] = "the backends' sums differ", tables[] = "the tables are not";
    const char *text = verdict(0, BENCH_STAGES, 1, 1);
    cr_expect(strstr(text, "Every sum was verified") && !strstr(text, "MISMATCH"));
    text = verdict(1, STAGE_VERIFY, 0, 1);
    cr_expect(strstr(text, differ) && !strstr(text, tables), "%s", text);
    text = verdict(1, STAGE_VERIFY, 1, 0);
    cr_expect(!strstr(text, differ) && strstr(text, tables), "%s", text);
    text = verdict(1, STAGE_VERIFY, 0, 0);
    cr_expect(strstr(text, differ) && strstr(text, tables), "%s", text);
    /* the first run was verified, sums of the second failed at their decryption */
    text = verdict(1, STAGE_DECRYPT, 1, 1);
    cr_expect(strstr(text, "MISMATCH") && !strstr(text, differ) && !strstr(text, tables), "%s",
              text);
}
