/* Any bytes as a table (joined, and made a design) or as a list of samples or variants; the first
 * byte chooses. */
#include <math.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/design.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

enum { COUNT = 6 };

static void check_table(const char *path, const hel_samples *samples)
{
    hel_table t;
    uint32_t row_of[COUNT], found;
    hel_status status = hel_table_read(NULL, path, &t);
    need(status == HEL_OK || (status == HEL_E_INPUT && !t.row && !t.column));
    if (status != HEL_OK)
        return;
    need(t.rows > 0 && t.columns > 0);
    for (uint32_t c = 0; c < t.columns; c++) {
        const hel_table_column *column = &t.column[c];
        need(hel_table_find(NULL, &t, column->name, &found) == HEL_OK && found == c);
        need(column->categorical == (column->levels > 0));
        for (uint32_t r = 0; r < t.rows; r++) {
            need(!isinf(column->value[r]) && column->value[r] != -9);
            need(!column->categorical || isnan(column->value[r]) ||
                 column->value[r] < column->levels);
        }
    }
    status = hel_table_join(NULL, &t, samples, row_of);
    need(status == HEL_OK || status == HEL_E_INPUT);
    for (uint32_t i = 0; status == HEL_OK && i < COUNT; i++)
        need(row_of[i] == UINT32_MAX ||
             (row_of[i] < t.rows && strcmp(t.row[row_of[i]].iid, samples->item[i].iid) == 0));
    hel_table_free(&t);
}

static void check_design(const char *pheno, const char *covar, hel_coding coding,
                         const hel_samples *samples)
{
    hel_design d;
    hel_design_request request = {.pheno_path = pheno, .covar_path = covar, .coding = coding};
    hel_status status = hel_design_build(NULL, &request, samples, &d);
    need(status == HEL_OK || (status == HEL_E_INPUT && !d.phenotype && !d.covariate));
    if (status != HEL_OK)
        return;
    for (uint32_t p = 0; p < d.phenotypes; p++)
        for (uint32_t i = 0; i < COUNT; i++) {
            double y = d.phenotype[p].y[i];
            need(!isinf(y));
            need(d.phenotype[p].trait == HEL_TRAIT_QUANTITATIVE || isnan(y) || y == 0 || y == 1);
        }
    hel_design_free(&d);
}

static void check_index(hel_status status, uint32_t *index, uint32_t count)
{
    need(status == HEL_OK ? count > 0 && count <= COUNT : status == HEL_E_INPUT && !index);
    for (uint32_t i = 0; i < count; i++)
        need(index[i] < COUNT && (!i || index[i] > index[i - 1]));
    hel_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const iid[COUNT] = {"i0", "i1", "i2", "i3", "i4", "i5"};
    hel_sample sample[COUNT];
    hel_variant variant[COUNT];
    fuzz_file file;
    uint32_t *index = NULL, count = 0;
    if (size < 1)
        return 0;
    for (int i = 0; i < COUNT; i++) {
        sample[i] = (hel_sample){.fid = data[0] & 0x80 ? "f" : "0", .iid = iid[i]};
        sample[i].phenotype = i;
        variant[i] = (hel_variant){.chrom = "1", .id = iid[i], .a1 = "A", .a2 = "C", .pos = i - 1};
    }
    const hel_samples samples = {.item = sample, .count = COUNT};
    const hel_variants variants = {.item = variant, .count = COUNT};
    fuzz_file_open(&file, data + 1, size - 1);
    hel_coding coding = data[0] & 0x40 ? HEL_CODING_01 : HEL_CODING_12;
    hel_status status;
    switch (data[0] % 8) {
    case 0:
        status = hel_samples_select(NULL, &samples, file.path, NULL, &index, &count, NULL);
        check_index(status, index, count);
        break;
    case 1:
        status = hel_variants_select(NULL, &variants, file.path, NULL, &index, &count, NULL);
        check_index(status, index, count);
        break;
    case 2:
        check_design(file.path, NULL, coding, &samples);
        break;
    case 3:
        check_design(NULL, file.path, coding, &samples);
        break;
    default:
        check_table(file.path, &samples);
    }
    fuzz_file_close(&file);
    need(hel_mem_in_use() == 0);
    return 0;
}
