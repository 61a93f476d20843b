/* Genotype rows in the file: where they lie, their checksums, their pages. */
#include <sys/mman.h>

#include "host/assoc/scan_private.h"
#include "host/base/pool.h"

uint64_t hel_scan_ordinal(const struct scan *s, uint64_t sample, uint32_t plane_index,
                          uint32_t block)
{
    return hel_geno_row(&s->gl, s->super, sample) +
           (uint64_t)plane_index * hel_geno_blocks_in(&s->gl, s->super) +
           (block - s->super * s->gl.super_block);
}

struct check_job {
    const struct scan *s;
    uint32_t first;
};

static hel_status check_row(void *arg, size_t index, uint32_t worker)
{
    const struct check_job *job = arg;
    const struct scan *s = job->s;
    (void)worker;
    const uint64_t bytes = s->gl.poly_words * 4, sample = scan_sample(s, job->first + index);
    for (uint32_t p = 0; p < s->gl.plane_count; p++)
        HEL_TRY(hel_reader_check(s->geno, HEL_SECTION_CIPHER,
                                 hel_scan_ordinal(s, sample, p, scan_super_first(s)) * bytes,
                                 scan_super_count(s) * bytes));
    return HEL_OK;
}

hel_status hel_scan_check_rows(struct scan *s, uint32_t first, uint32_t count)
{
    struct check_job job = {s, first};
    return hel_parallel(s->engine, count, check_row, &job);
}

void hel_scan_release_rows(const struct scan *s, uint32_t first, uint32_t count)
{
    const uint64_t bytes = s->gl.poly_words * 4;
    const uint64_t row = hel_geno_row(&s->gl, s->super, scan_sample(s, first));
    const uint64_t polys =
        (uint64_t)count * s->gl.plane_count * hel_geno_blocks_in(&s->gl, s->super);
    uintptr_t begin = ((uintptr_t)s->geno_body + row * bytes + 4095) & ~(uintptr_t)4095;
    uintptr_t end = ((uintptr_t)s->geno_body + (row + polys) * bytes) & ~(uintptr_t)4095;
    if (end > begin)
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

uint32_t hel_scan_batch_columns(const struct scan *s, uint32_t plane, uint32_t *column,
                                uint32_t *slot)
{
    uint32_t count = 0;
    *slot = s->plane_first[plane];
    for (uint32_t k = 0; k < s->plane_count[plane]; k++) {
        uint32_t c = s->plane_columns[plane][k];
        if (c < s->batch_first)
            (*slot)++;
        else if (c < s->batch_first + s->batch_count)
            column[count++] = c - s->batch_first;
    }
    return count;
}
