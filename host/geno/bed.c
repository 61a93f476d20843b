/* The .bed file: opening with its checks, and a writer. */
#include "host/base/mem.h"
#include "host/geno/bed.h"

#define MAGIC_BYTES 3

hel_status hel_bed_open(hel_engine *engine, hel_bed *bed, const char *path, uint32_t samples,
                        uint32_t variants)
{
    *bed = (hel_bed){.samples = samples, .variants = variants};
    bed->stride = ((uint64_t)samples + 3) / 4;
    HEL_TRY(hel_map_open(engine, &bed->map, path));
    const uint8_t *head = bed->map.data;
    unsigned long long bytes = bed->map.bytes;
    unsigned long long expected = MAGIC_BYTES + bed->stride * variants;
    hel_status status = HEL_OK;
    if (bytes < MAGIC_BYTES)
        status = hel_fail(engine, HEL_E_INPUT, "%s: header: %llu bytes, a .bed begins with 3", path,
                          bytes);
    else if (head[0] != 0x6c || head[1] != 0x1b)
        status = hel_fail(engine, HEL_E_INPUT,
                          "%s: header: bytes %02x %02x are not the .bed magic number 6c 1b", path,
                          head[0], head[1]);
    else if (head[2] == 0)
        status =
            hel_fail(engine, HEL_E_INPUT,
                     "%s: header: a sample-major .bed; convert it with plink --make-bed", path);
    else if (head[2] != 1)
        status = hel_fail(engine, HEL_E_INPUT,
                          "%s: header: mode byte %02x, a variant-major .bed has 01 (a .pgen must "
                          "be converted with plink2 --make-bed)",
                          path, head[2]);
    else if (bytes != expected)
        status = hel_fail(engine, HEL_E_INPUT,
                          "%s: length: %llu bytes, but %u samples (.fam) x %u variants (.bim) make "
                          "%llu: the file is %s or belongs to another .fam or .bim",
                          path, bytes, samples, variants, expected,
                          bytes < expected ? "truncated" : "too long");
    if (status != HEL_OK)
        hel_bed_close(bed);
    return status;
}

void hel_bed_close(hel_bed *bed)
{
    hel_map_close(&bed->map);
    *bed = (hel_bed){.map.fd = -1};
}

hel_status hel_bed_write(hel_engine *engine, const char *path, const uint8_t *calls,
                         uint32_t samples, uint32_t variants)
{
    static const uint8_t magic[MAGIC_BYTES] = {0x6c, 0x1b, 0x01};
    static const uint8_t code[4] = {3, 2, 0, 1}; /* by copies of A1; 3 = missing */
    size_t stride = ((size_t)samples + 3) / 4;
    hel_outfile file;
    uint8_t *row = NULL;
    HEL_TRY(hel_outfile_open(engine, &file, path, 0644));
    hel_status status = hel_malloc(engine, &row, stride, 1);
    if (status == HEL_OK)
        status = hel_outfile_write(engine, &file, magic, sizeof magic);
    for (uint32_t j = 0; status == HEL_OK && j < variants; j++) {
        const uint8_t *from = calls + (size_t)j * samples;
        memset(row, 0, stride);
        for (size_t i = 0; i < samples; i++)
            row[i / 4] = (uint8_t)(row[i / 4] | code[from[i] & 3] << 2 * (i % 4));
        status = hel_outfile_write(engine, &file, row, stride);
    }
    hel_free(row);
    if (status == HEL_OK)
        return hel_outfile_commit(engine, &file);
    hel_outfile_abort(&file);
    return status;
}
