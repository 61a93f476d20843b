/* Any bytes as a .fam, a .bim, a .bed or an identity section; the first byte chooses. */
#include <math.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/bed.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

static void check_samples(hel_status status, hel_samples *s, hel_status refused)
{
    hel_buf buf = {0};
    hel_samples again;
    need(status == HEL_OK || (status == refused && !s->item && !s->text));
    if (status == HEL_OK) {
        need(hel_samples_encode(NULL, s, &buf) == HEL_OK);
        need(hel_samples_decode(NULL, buf.data, buf.bytes, &again) == HEL_OK);
        need(again.count == s->count);
        for (uint32_t i = 0; i < s->count; i++)
            need(strcmp(again.item[i].iid, s->item[i].iid) == 0 && !isinf(s->item[i].phenotype));
        hel_samples_free(&again);
    }
    hel_buf_free(&buf);
    hel_samples_free(s);
}

static void check_variants(hel_status status, hel_variants *v, hel_status refused)
{
    hel_buf buf = {0};
    hel_variants again;
    need(status == HEL_OK || (status == refused && !v->item && !v->text));
    if (status == HEL_OK) {
        need(hel_variants_encode(NULL, v, &buf) == HEL_OK);
        need(hel_variants_decode(NULL, buf.data, buf.bytes, &again) == HEL_OK);
        need(again.count == v->count);
        for (uint32_t j = 0; j < v->count; j++)
            need(strcmp(again.item[j].a2, v->item[j].a2) == 0);
        hel_variants_free(&again);
    }
    hel_buf_free(&buf);
    hel_variants_free(v);
}

/* data: samples, variants, then the file. */
static void check_bed(const char *path, uint32_t samples, uint32_t variants)
{
    hel_bed bed;
    uint32_t sample[256], variant[256];
    hel_status status = hel_bed_open(NULL, &bed, path, samples, variants);
    need(status == HEL_OK || status == HEL_E_INPUT);
    if (status != HEL_OK)
        return;
    for (uint32_t i = 0; i < samples; i++)
        sample[i] = i;
    for (uint32_t j = 0; j < variants; j++)
        variant[j] = variants - 1 - j;
    size_t bytes = (size_t)samples * variants;
    uint8_t *out = malloc(bytes ? bytes : 1);
    need(out != NULL);
    hel_bed_tile(&bed, sample, samples, variant, variants, out, variants);
    for (size_t k = 0; k < bytes; k++)
        need(out[k] <= HEL_CALL_MISSING);
    free(out);
    hel_bed_close(&bed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hel_samples s;
    hel_variants v;
    fuzz_file file;
    if (size < 3)
        return 0;
    size_t head = data[0] % 5 == 2 ? 3 : 1;
    fuzz_file_open(&file, data + head, size - head);
    switch (data[0] % 5) {
    case 0:
        check_samples(hel_fam_read(NULL, file.path, &s), &s, HEL_E_INPUT);
        break;
    case 1:
        check_variants(hel_bim_read(NULL, file.path, &v), &v, HEL_E_INPUT);
        break;
    case 2:
        check_bed(file.path, data[1], data[2]);
        break;
    case 3: {
        hel_status status = hel_samples_decode(NULL, data + 1, size - 1, &s);
        if (status == HEL_OK) {
            for (uint32_t i = 0; i < s.count; i++)
                if (isinf(s.item[i].phenotype))
                    s.item[i].phenotype = 0;
        }
        check_samples(status, &s, HEL_E_FORMAT);
        break;
    }
    default:
        check_variants(hel_variants_decode(NULL, data + 1, size - 1, &v), &v, HEL_E_FORMAT);
    }
    fuzz_file_close(&file);
    need(hel_mem_in_use() == 0);
    return 0;
}
