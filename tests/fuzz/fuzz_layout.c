/* Any bytes as the small sections of public files: the first byte chooses genotypes, weights with
 * their columns, sums, or parameters. What decodes must encode to the same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/assoc/layout.h"
#include "host/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

/* Reserved words are ignored when read and written as 0: compare what a second decoding gives. */
static void genotypes(const uint8_t *data, size_t size)
{
    hel_geno_layout l, again;
    hel_buf out = {0};
    if (hel_geno_layout_decode(NULL, data, size, UINT64_MAX, &l) != HEL_OK)
        return;
    need(hel_geno_layout_encode(NULL, &l, &out) == HEL_OK);
    need(hel_geno_layout_decode(NULL, out.data, out.bytes, UINT64_MAX, &again) == HEL_OK);
    need(memcmp(&l, &again, sizeof l) == 0);
    hel_buf_free(&out);
    for (uint32_t s = 0; s < hel_geno_super_blocks(&l) && s < 3; s++)
        need(hel_geno_blocks_in(&l, s) >= 1 && hel_geno_blocks_in(&l, s) <= l.super_block);
}

static void weights(const uint8_t *data, size_t size)
{
    hel_weights_layout l;
    hel_output *output;
    uint32_t outputs;
    const size_t head = size < 40 ? size : 40;
    if (hel_weights_layout_decode(NULL, data, head, UINT64_MAX, &l) != HEL_OK)
        return;
    for (uint32_t c = 0; c < l.chunks && c < 3; c++)
        need(hel_chunk_samples(&l, c) >= 1 && hel_chunk_ciphertexts(&l, c) >= 1);
    if (hel_outputs_decode(NULL, data + head, size - head, &l, &output, &outputs) == HEL_OK) {
        need(outputs >= l.columns && outputs <= l.columns * HEL_PLANES);
        hel_free(output);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hel_sums_layout sums;
    hel_params params;
    if (size < 1)
        return 0;
    const uint8_t kind = data[0] & 3;
    data++;
    size--;
    if (kind == 0)
        genotypes(data, size);
    else if (kind == 1)
        weights(data, size);
    else if (kind == 2)
        (void)(hel_sums_layout_decode(NULL, data, size, UINT64_MAX, &sums) == HEL_OK);
    else
        (void)(hel_params_decode(NULL, data, size, &params) == HEL_OK);
    need(hel_mem_in_use() == 0);
    return 0;
}
