/* Any bytes as an encoded null model: refused, or decoded, encoded again to the same bytes and
 * used to finish a variant. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/assoc/model.h"
#include "host/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

static void finish_one(const hel_model *m, uint32_t analysis)
{
    const hel_finish_options options = {.max_vif = 50, .max_corr = 0.999};
    hel_finish *finish;
    hel_row row;
    if (hel_finish_create(NULL, &finish, m, analysis, &options) != HEL_OK)
        return;
    int64_t *sums = calloc(m->outputs, sizeof *sums);
    need(sums != NULL);
    for (uint32_t o = 0; o < m->outputs; o++)
        sums[o] = (int64_t)o * 1234567 - 7;
    hel_finish_variant(finish, sums, NULL, 0, &row);
    free(sums);
    hel_finish_free(finish);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hel_model *m;
    hel_buf again = {0};
    if (hel_model_decode(NULL, data, size, &m) != HEL_OK) {
        need(m == NULL && hel_mem_in_use() == 0);
        return 0;
    }
    need(hel_model_encode(NULL, m, &again) == HEL_OK);
    need(again.bytes == size && memcmp(again.data, data, size) == 0);
    for (uint32_t a = 0; a < m->analyses && a < 4; a++)
        finish_one(m, a);
    hel_buf_free(&again);
    hel_model_free(m);
    need(hel_mem_in_use() == 0);
    return 0;
}
