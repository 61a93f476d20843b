/* Any bytes as a list of missing calls. A list that reads without error is written again: there is
 * one encoding of a list, so the bytes must come back. */
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/missing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hel_missing m;
    hel_buf out = {0};
    hel_status status = hel_missing_open(NULL, &m, data, size);
    need(status == HEL_OK || status == HEL_E_FORMAT);
    if (status != HEL_OK || m.samples > 1u << 20)
        return 0;
    need(m.variants <= size && m.calls <= size);
    hel_missing_writer w = {.samples = m.samples};
    uint32_t count, *index = malloc(((size_t)m.samples + 1) * sizeof *index);
    need(index != NULL);
    for (uint32_t j = 0; status == HEL_OK && j < m.variants; j++) {
        status = hel_missing_get(NULL, &m, j, index, &count);
        need(status == HEL_OK || (status == HEL_E_FORMAT && count == 0));
        if (status == HEL_OK)
            need(hel_missing_append(NULL, &w, index, count) == HEL_OK);
    }
    if (status == HEL_OK) {
        need(hel_missing_finish(NULL, &w, &out) == HEL_OK);
        need(out.bytes == size && memcmp(out.data, data, size) == 0);
    }
    hel_buf_free(&out);
    hel_missing_writer_free(&w);
    free(index);
    need(hel_mem_in_use() == 0);
    return 0;
}
