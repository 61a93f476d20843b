/* .bed, .fam, .bim and the identity sections. */
#include <math.h>
#include <sys/mman.h>

#include "host/geno/bed.h"
#include "tests/geno/geno_test.h"

TestSuite(bed, .init = geno_setup, .fini = geno_teardown);

/* --- tiles against the oracle --- */

typedef struct fileset {
    hel_bed bed;
    uint8_t *file; /* the .bed as it lies on disk */
} fileset;

static fileset random_fileset(ref_random *r, uint32_t samples, uint32_t variants)
{
    fileset f;
    size_t bytes, calls = (size_t)samples * variants;
    uint8_t *call = malloc(calls);
    for (size_t k = 0; k < calls; k++)
        call[k] = (uint8_t)ref_random_below(r, 4);
    const char *path = test_dir_path(&dir, "x.bed");
    OK(hel_bed_write(engine, path, call, samples, variants));
    f.file = test_read_file(path, &bytes);
    cr_assert_eq(bytes, 3 + (size_t)variants * ((samples + 3) / 4));
    for (uint32_t j = 0; j < variants; j++)
        for (uint32_t i = 0; i < samples; i++)
            cr_assert_eq(ref_bed_call(f.file, samples, j, i), call[(size_t)j * samples + i]);
    free(call);
    OK(hel_bed_open(engine, &f.bed, path, samples, variants));
    return f;
}

static void fileset_free(fileset *f)
{
    hel_bed_close(&f->bed);
    free(f->file);
}

/* The tile of the given indices, with guard bytes around every row. */
static void check_tile(const fileset *f, const uint32_t *sample, uint32_t samples,
                       const uint32_t *variant, uint32_t variants, size_t pad)
{
    size_t stride = variants + pad;
    uint8_t *out = malloc(samples * stride + 64);
    memset(out, 0xee, samples * stride + 64);
    hel_bed_tile(&f->bed, sample, samples, variant, variants, out + 32, stride);
    for (size_t k = 0; k < 32; k++)
        cr_assert(out[k] == 0xee && out[32 + samples * stride + k] == 0xee, "guard %zu", k);
    for (uint32_t i = 0; i < samples; i++) {
        const uint8_t *row = out + 32 + i * stride;
        for (uint32_t j = 0; j < variants; j++) {
            uint8_t want = ref_bed_call(f->file, f->bed.samples, variant[j], sample[i]);
            cr_assert(row[j] == want,
                      "%u samples, %u variants: sample %u (%u), variant %u (%u): "
                      "%u, not %u",
                      samples, variants, i, sample[i], j, variant[j], row[j], want);
        }
        for (size_t j = variants; j < stride; j++)
            cr_assert_eq(row[j], 0xee, "row %u, guard %zu", i, j);
    }
    free(out);
}

static void check_shape(ref_random *r, uint32_t samples, uint32_t variants)
{
    fileset f = random_fileset(r, samples, variants);
    uint32_t *s = malloc((samples + 1) * sizeof *s), *v = malloc((variants + 1) * sizeof *v), n = 0;
    for (uint32_t i = 0; i < samples; i++)
        s[i] = i;
    for (uint32_t j = 0; j < variants; j++)
        v[j] = j;
    check_tile(&f, s, samples, v, variants, 0);
    check_tile(&f, s, samples, v, variants, 5);
    uint32_t from = ref_random_below(r, samples), skip = ref_random_below(r, variants);
    check_tile(&f, s + from, samples - from, v + skip, variants - skip, 1);
    for (uint32_t i = 0, step = 1 + ref_random_below(r, 9); i < samples; i += step)
        s[n++] = i; /* ascending subset of some density */
    check_tile(&f, s, n, v, variants, 0);
    for (uint32_t i = 0; i < samples; i++)
        s[i] = ref_random_below(r, samples); /* any order, repeated */
    for (uint32_t j = 0; j < variants; j++)
        v[j] = ref_random_below(r, variants);
    check_tile(&f, s, samples, v, variants, 3);
    check_tile(&f, s, samples, v, 0, 4);
    check_tile(&f, s, 0, v, variants, 0);
    free(s);
    free(v);
    fileset_free(&f);
}

Test(bed, tile_small_shapes)
{
    ref_random r = ref_random_start(1);
    const uint32_t variants[] = {1, 2, 15, 16, 17, 33};
    for (uint32_t samples = 1; samples <= 9; samples++)
        for (size_t k = 0; k < sizeof variants / sizeof variants[0]; k++)
            check_shape(&r, samples, variants[k]);
}

Test(bed, tile_window_edges)
{
    ref_random r = ref_random_start(2);
    const uint32_t samples[] = {60, 61, 63, 64, 65, 127, 128, 130, 257};
    const uint32_t variants[] = {1, 255, 256, 257, 300, 512};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        for (size_t j = 0; j < sizeof variants / sizeof variants[0]; j++)
            check_shape(&r, samples[i], variants[j]);
}

Test(bed, tile_random_shapes)
{
    ref_random r = ref_random_start(3);
    for (size_t k = 0; k < ref_scaled(40); k++)
        check_shape(&r, 1 + ref_random_below(&r, 400), 1 + ref_random_below(&r, 600));
}

/* The file ends where a page without access begins: nothing behind it may be read. */
Test(bed, tile_stays_inside_the_file)
{
    enum { PAGES = 8 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = PAGES * page;
    uint8_t *map =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(map != MAP_FAILED && mprotect(map + room, page, PROT_NONE) == 0);
    uint32_t index[300];
    for (uint32_t k = 0; k < 300; k++)
        index[k] = k;
    for (uint32_t samples = 1; samples <= 300; samples++) {
        fileset f = {.bed = {.samples = samples, .variants = 40, .stride = (samples + 3) / 4}};
        size_t bytes = 3 + 40 * f.bed.stride;
        f.file = map + room - bytes;
        f.bed.map = (hel_map){.data = f.file, .bytes = bytes, .fd = -1};
        for (size_t k = 0; k < bytes; k++)
            f.file[k] = (uint8_t)(k * 37 + samples);
        check_tile(&f, index, samples, index, 40, 0);
        check_tile(&f, index, samples, index + 39, 1, 0);
    }
    munmap(map, room + page);
}

Test(bed, padding_bits_are_ignored)
{
    const uint8_t file[] = {0x6c, 0x1b, 1, 0xd4, 0x2b}; /* one sample in each byte: 00, 11 */
    hel_bed bed;
    uint32_t s = 0, v[] = {0, 1};
    uint8_t out[2];
    OK(hel_bed_open(engine, &bed, bytes_file("p.bed", file, sizeof file), 1, 2));
    hel_bed_tile(&bed, &s, 1, v, 2, out, 2);
    hel_bed_close(&bed);
    cr_assert(out[0] == 2 && out[1] == 0);
}

/* --- bad .bed files --- */

Test(bed, refuses_bad_files)
{
    hel_bed bed;
    uint8_t file[3 + 2 * 7] = {0x6c, 0x1b, 1}; /* 5 samples, 7 variants */
    const char *path;
#define OPEN hel_bed_open(engine, &bed, path, 5, 7)
    path = bytes_file("a.bed", file, sizeof file);
    OK(OPEN);
    hel_bed_close(&bed);
    path = bytes_file("a.bed", file, sizeof file - 1);
    FAILS(OPEN, HEL_E_INPUT, "a.bed: length", "16 bytes", "make 17", "truncated");
    uint8_t longer[sizeof file + 1] = {0x6c, 0x1b, 1};
    path = bytes_file("a.bed", longer, sizeof longer);
    FAILS(OPEN, HEL_E_INPUT, "a.bed: length", "18 bytes", "make 17", "too long");
    path = bytes_file("a.bed", file, 2);
    FAILS(OPEN, HEL_E_INPUT, "a.bed: header", "2 bytes");
    path = bytes_file("a.bed", file, 0);
    FAILS(OPEN, HEL_E_INPUT, "a.bed: header", "0 bytes");
    file[0] = 'l' + 1;
    path = bytes_file("a.bed", file, sizeof file);
    FAILS(OPEN, HEL_E_INPUT, "a.bed: header", "6d 1b", "magic");
    file[0] = 0x6c;
    file[2] = 0;
    path = bytes_file("a.bed", file, sizeof file);
    FAILS(OPEN, HEL_E_INPUT, "a.bed: header", "sample-major", "--make-bed");
    file[2] = 2;
    path = bytes_file("a.bed", file, sizeof file);
    FAILS(OPEN, HEL_E_INPUT, "a.bed: header", "mode byte 02", ".pgen");
    path = test_dir_path(&dir, "none.bed");
    FAILS(OPEN, HEL_E_IO, "none.bed");
}

/* --- .fam --- */

Test(bed, fam_values)
{
    hel_samples s;
    const char *path = text_file("a.fam", "f1 i1 0 0 1 2.5\nf1\ti2 p m 2\t-9 \n f2  i1 0 0 0 NA\n"
                                          "0 i3 0 0 M nan extra columns\n");
    OK(hel_fam_read(engine, path, &s));
    cr_assert_eq(s.count, 4);
    cr_assert(strcmp(s.item[0].fid, "f1") == 0 && strcmp(s.item[2].iid, "i1") == 0);
    cr_assert(s.item[0].sex == 1 && s.item[1].sex == 2 && s.item[2].sex == 0);
    cr_assert(s.item[3].sex == 0 && s.item[0].phenotype == 2.5 && s.item[1].phenotype == -9);
    cr_assert(isnan(s.item[2].phenotype) && isnan(s.item[3].phenotype));
    uint32_t index[] = {1, 3};
    hel_samples part;
    OK(hel_samples_subset(engine, &s, index, 2, &part));
    cr_assert(part.count == 2 && strcmp(part.item[1].iid, "i3") == 0 && !part.text);
    hel_samples_free(&part);
    index[0] = 4;
    FAILS(hel_samples_subset(engine, &s, index, 2, &part), HEL_E_INTERNAL, "sample 4 of 4");
    hel_samples_free(&s);
}

Test(bed, fam_line_ends)
{
    const char *text[] = {"a b 0 0 1 1\r\nc d 0 0 1 2\r\n",
                          "\xef\xbb\xbf"
                          "a b 0 0 1 1\nc d 0 0 1 2",
                          "a b 0 0 1 1\nc d 0 0 1 2\r\n\n  \n", "a b 0 0 1 1\r\nc d 0 0 1 2 \t"};
    for (size_t k = 0; k < sizeof text / sizeof text[0]; k++) {
        hel_samples s;
        OK(hel_fam_read(engine, text_file("e.fam", text[k]), &s));
        cr_assert_eq(s.count, 2, "text %zu", k);
        cr_assert(strcmp(s.item[0].fid, "a") == 0 && s.item[1].phenotype == 2, "text %zu", k);
        hel_samples_free(&s);
    }
}

Test(bed, fam_refusals)
{
    hel_samples s;
#define FAM(text, ...)                                                                             \
    FAILS(hel_fam_read(engine, text_file("a.fam", text), &s), HEL_E_INPUT, "a.fam: line ",         \
          __VA_ARGS__)
    FAM("a b 0 0 1 1\na c 0 0 1\n", "line 2", "5 columns, a .fam has 6");
    FAM("a b 0 0 1 1\nc d 0 0 1 1\na b 0 0 2 2\n", "line 3", "'a b'", "line 1 already");
    FAM("a b 0 0 1 1\na c 0 0 1 x1\n", "line 2", "'x1'", "number");
    FAM("a b 0 0 1 1,5\n", "line 1", "'1,5'", "number");
    FAM("a b 0 0 1 inf\n", "line 1", "'inf'", "finite");
    FAM("a b 0 0 1 1e999\n", "line 1", "'1e999'", "finite");
    FAM("a 0 0 0 1 1\n", "line 1", "IID 0");
    FAM("#FID IID PAT MAT SEX y\na b 0 0 1 1\n", "line 1", "header");
    FAM("", "line 1", "empty");
    FAM("\xef\xbb\xbf\r\n \n", "line 1", "empty");
    FAM("a b 0 0 1 1\n\nc d 0 0 1 1\n", "line 2", "blank line");
    FAM("a b 0 0 1 1\rc d 0 0 1 1\n", "line 1", "carriage return");
    FAILS(hel_fam_read(engine, bytes_file("a.fam", "a b 0 0 1 1\nc \0 0 0 1 1\n", 24), &s),
          HEL_E_INPUT, "a.fam: line 2", "NUL");
    FAILS(hel_fam_read(engine, test_dir_path(&dir, "none.fam"), &s), HEL_E_IO, "none.fam");
    char *huge = malloc((1 << 20) + 64);
    int head = sprintf(huge, "a b 0 0 1 1\nc d 0 0 1 1 ");
    memset(huge + head, 'x', 1 << 20);
    huge[head + (1 << 20)] = 0;
    FAM(huge, "line 2", "1 MiB");
    free(huge);
    cr_assert(!s.item && !s.text && !s.count);
}

/* --- .bim --- */

Test(bed, bim_values)
{
    hel_variants v;
    OK(hel_bim_read(engine,
                    text_file("a.bim", "#c\n1 rs1 0 0 A G\nX\trs1\t1.5\t-7\tT\t<DEL>\n"
                                       "23 . -1 2147483646 0 C\r\n"),
                    &v));
    cr_assert_eq(v.count, 3);
    cr_assert(strcmp(v.item[0].a1, "A") == 0 && strcmp(v.item[1].a2, "<DEL>") == 0);
    cr_assert(v.item[1].pos == -7 && v.item[2].pos == 2147483646 && v.item[1].cm == 1.5);
    hel_variants part;
    uint32_t index[] = {2};
    OK(hel_variants_subset(engine, &v, index, 1, &part));
    cr_assert(part.count == 1 && strcmp(part.item[0].chrom, "23") == 0);
    hel_variants_free(&part);
    index[0] = 3;
    FAILS(hel_variants_subset(engine, &v, index, 1, &part), HEL_E_INTERNAL, "variant 3 of 3");
    hel_variants_free(&v);
}

Test(bed, bim_refusals)
{
    hel_variants v;
#define BIM(text, ...)                                                                             \
    FAILS(hel_bim_read(engine, text_file("a.bim", text), &v), HEL_E_INPUT, "a.bim: line ",         \
          __VA_ARGS__)
    BIM("1 a 0 1 A G\n1 b 2 A G\n", "line 2", "5 columns, a .bim has 6");
    BIM("1 a 0 x A G\n", "line 1", "base-pair", "'x'");
    BIM("1 a 0 1.5 A G\n", "line 1", "base-pair", "'1.5'");
    BIM("1 a 0 - A G\n", "line 1", "base-pair", "'-'");
    BIM("1 a 0 2147483647 A G\n", "line 1", "base-pair");
    BIM("1 a 0 -99999999999999999999 A G\n", "line 1", "base-pair");
    BIM("1 a x 1 A G\n", "line 1", "centimorgan", "'x'");
    BIM("1 a inf 1 A G\n", "line 1", "centimorgan", "finite");
    BIM("# only a comment\n", "line 1", "no variants");
    BIM("", "line 1", "empty");
    FAILS(hel_bim_read(engine, bytes_file("a.bim", "1 a 0 1 A\0G\n", 12), &v), HEL_E_INPUT,
          "a.bim: line 1", "NUL");
    cr_assert(!v.item && !v.text && !v.count);
}

/* --- identity sections --- */

Test(bed, identity_sections_round_trip)
{
    hel_samples s, s2;
    hel_variants v, v2;
    hel_buf buf = {0};
    OK(hel_fam_read(engine, text_file("a.fam", "f i 0 0 1 0.1\ng j 0 0 2 NA\n0 k 0 0 0 -9\n"), &s));
    OK(hel_samples_encode(engine, &s, &buf));
    cr_assert_eq(buf.bytes, 16 + 3 * 9 + 3 * 4);
    OK(hel_samples_decode(engine, buf.data, buf.bytes, &s2));
    for (uint32_t i = 0; i < 3; i++)
        cr_assert(strcmp(s.item[i].fid, s2.item[i].fid) == 0 &&
                  strcmp(s.item[i].iid, s2.item[i].iid) == 0 && s.item[i].sex == s2.item[i].sex &&
                  memcmp(&s.item[i].phenotype, &s2.item[i].phenotype, 8) == 0);
    for (size_t n = 0; n < buf.bytes; n++) {
        hel_samples s3;
        cr_assert_eq(hel_samples_decode(engine, buf.data, n, &s3), HEL_E_FORMAT, "%zu bytes", n);
    }
    hel_samples_free(&s);
    hel_samples_free(&s2);
    hel_buf_free(&buf);

    OK(hel_bim_read(engine, text_file("a.bim", "1 rs1 0.25 -5 A GTT\nMT . 0 7 0 .\n"), &v));
    OK(hel_variants_encode(engine, &v, &buf));
    OK(hel_variants_decode(engine, buf.data, buf.bytes, &v2));
    cr_assert(v2.count == 2 && v2.item[0].pos == -5 && v2.item[0].cm == 0.25);
    cr_assert(strcmp(v2.item[0].a2, "GTT") == 0 && strcmp(v2.item[1].chrom, "MT") == 0 &&
              strcmp(v2.item[1].id, ".") == 0 && strcmp(v2.item[1].a1, "0") == 0);
    for (size_t n = 0; n < buf.bytes; n++) {
        hel_variants v3;
        cr_assert_eq(hel_variants_decode(engine, buf.data, n, &v3), HEL_E_FORMAT, "%zu bytes", n);
    }
    hel_variants_free(&v);
    hel_variants_free(&v2);
    hel_buf_free(&buf);
}

Test(bed, identity_sections_refuse_damage)
{
    hel_samples s, bad;
    hel_buf buf = {0};
    OK(hel_fam_read(engine, text_file("a.fam", "f i 0 0 1 1\ng j 0 0 2 1\n"), &s));
    OK(hel_samples_encode(engine, &s, &buf));
#define DAMAGED(at, value, ...)                                                                    \
    do {                                                                                           \
        uint8_t before = buf.data[at];                                                             \
        buf.data[at] = (value);                                                                    \
        FAILS(hel_samples_decode(engine, buf.data, buf.bytes, &bad), HEL_E_FORMAT, __VA_ARGS__);   \
        buf.data[at] = before;                                                                     \
    } while (0)
    DAMAGED(0, 2, "version");
    DAMAGED(4, 3, "length");
    DAMAGED(7, 255, "length");
    DAMAGED(8, 200, "length");
    DAMAGED(16, 3, "sex");
    DAMAGED(buf.bytes - 1, 'x', "strings");
    DAMAGED(buf.bytes - 2, 0, "strings");
    DAMAGED(buf.bytes - 3, 'x', "strings");
    OK(hel_samples_decode(engine, buf.data, buf.bytes, &bad));
    hel_samples_free(&bad);
    hel_samples_free(&s);
    hel_buf_free(&buf);
}

/* --- out of memory --- */

Test(bed, allocation_failures_leak_nothing)
{
    const char *fam = text_file("a.fam", "f i 0 0 1 1\ng j 0 0 2 1\n");
    const char *bim = text_file("a.bim", "1 rs1 0 1 A G\n");
    for (uint64_t nth = 1, done = 0; !done; nth++) {
        hel_samples s;
        hel_mem_fail_nth(nth);
        hel_status status = hel_fam_read(engine, fam, &s);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY);
        done = status == HEL_OK;
        hel_samples_free(&s);
        cr_assert_lt(nth, 100);
    }
    for (uint64_t nth = 1, done = 0; !done; nth++) {
        hel_variants v;
        hel_mem_fail_nth(nth);
        hel_status status = hel_bim_read(engine, bim, &v);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY);
        done = status == HEL_OK;
        hel_variants_free(&v);
        cr_assert_lt(nth, 100);
    }
}

/* --- real filesets --- */

static void check_real(const char *name, uint32_t samples, uint32_t variants, uint64_t missing)
{
    hel_samples s;
    hel_variants v;
    hel_bed bed;
    real_set(name);
    OK(hel_fam_read(engine, real_file(name, ".fam"), &s));
    OK(hel_bim_read(engine, real_file(name, ".bim"), &v));
    cr_assert(s.count == samples && v.count == variants);
    const char *path = real_file(name, ".bed");
    OK(hel_bed_open(engine, &bed, path, s.count, v.count));
    size_t bytes, stride = variants;
    uint8_t *file = test_read_file(path, &bytes), *out = malloc(samples * stride);
    uint32_t *index = malloc((samples + variants) * sizeof *index);
    for (uint32_t k = 0; k < samples + variants; k++)
        index[k] = k;
    hel_bed_tile(&bed, index, samples, index, variants, out, stride);
    uint64_t found = 0;
    for (uint32_t i = 0; i < samples; i++)
        for (uint32_t j = 0; j < variants; j++) {
            cr_assert(out[i * stride + j] == ref_bed_call(file, samples, j, i), "%u %u", i, j);
            found += out[i * stride + j] == HEL_CALL_MISSING;
        }
    cr_assert_eq(found, missing, "%llu missing calls", (unsigned long long)found);
    free(file);
    free(out);
    free(index);
    hel_bed_close(&bed);
    hel_samples_free(&s);
    hel_variants_free(&v);
}

Test(bed, real_rice)
{
    check_real("rice44k", 374, 36901, 592040);
}

Test(bed, real_mouse)
{
    check_real("gemma_mouse", 1940, 12226, 0);
}

Test(bed, real_idash)
{
    check_real("idash2018", 245, 10643, 0);
}
