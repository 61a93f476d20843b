/* Any bytes as an association table: read, summarised, and every cell of the loci split again. */
#include <math.h>
#include <stdlib.h>

#include "host/assoc/report_private.h"
#include "host/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

static void check_table(const hel_glm_table *t)
{
    size_t tested = 0;
    for (size_t i = 0; i < t->variants; i++) {
        const hel_glm_variant *v = &t->variant[i];
        need(v->chrom < t->chroms && v->line < t->bytes);
        need(v->pos >= t->chrom[v->chrom].min && v->pos <= t->chrom[v->chrom].max);
        need(isnan(v->log10p) || (v->log10p >= 0 && v->log10p <= 1e300));
        tested += (size_t)!isnan(v->log10p);
    }
    need(tested == t->tested && t->zero_p <= t->tested);
}

static void check_locus(const hel_glm_table *t, const hel_locus *locus)
{
    char clean[4 * 24 + 1];
    need(locus->lead < t->variants && locus->tested >= 1 && locus->supports <= locus->tested);
    for (int c = 0; c < HEL_GLM_COLUMNS; c++) {
        hel_glm_text cell = hel_glm_cell(t, &t->variant[locus->lead], (hel_glm_column)c);
        hel_clean_text(clean, 24, cell.at, cell.bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hel_glm_table t;
    hel_locus loci[8];
    size_t count = 8;
    hel_status status = hel_glm_parse(NULL, &t, "fuzz", data, size);
    need(status == HEL_OK || status == HEL_E_INPUT);
    if (status == HEL_OK) {
        check_table(&t);
        need(hel_find_loci(NULL, &t, 500000, 0, 5, loci, &count) == HEL_OK);
        need(count <= 8 && (count > 0) == (t.tested > 0));
        for (size_t l = 0; l < count; l++)
            check_locus(&t, &loci[l]);
        hel_glm_free(&t);
    }
    need(hel_mem_in_use() == 0);
    return 0;
}
