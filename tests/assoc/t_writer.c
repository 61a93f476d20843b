/* Result tables: golden files of every format, exact numbers, all-or-nothing files. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "heloci/version.h"
#include "host/assoc/writer_private.h"
#include "host/base/crypto.h"
#include "host/base/mem.h"
#include "tests/ref/ref_random.h"

static hel_engine *engine;
static char folder[64];

static void start(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
    strcpy(folder, "/tmp/hel_writer_XXXXXX");
    cr_assert(mkdtemp(folder));
}

static void stop(void)
{
    char command[96];
    hel_engine_free(engine);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(writer, .init = start, .fini = stop);

static char *slurp(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 20);
    *bytes = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    return text;
}

static int exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Written and expected text line by line: @VERSION@ stands for the version; the date is free. */
static void compare_golden(const char *written, const char *golden)
{
    char path[512];
    size_t bytes = 0;
    snprintf(path, sizeof path, "%s/tests/golden/%s", HEL_SOURCE_DIR, golden);
    char *got = slurp(written, &bytes), *want = slurp(path, &bytes);
    cr_assert(got, "%s was not written", written);
    cr_assert(want, "%s is missing", path);
    char *save_got, *save_want, *g = strtok_r(got, "\n", &save_got),
                                *w = strtok_r(want, "\n", &save_want);
    for (int line = 1; g || w; line++) {
        char expected[1024];
        cr_assert(g && w, "%s: line %d: one file is longer", golden, line);
        char *mark = strstr(w, "@VERSION@");
        if (mark)
            snprintf(expected, sizeof expected, "%.*s%s%s", (int)(mark - w), w, HEL_VERSION_STRING,
                     mark + 9);
        else
            snprintf(expected, sizeof expected, "%s", w);
        if (strncmp(w, "date_metadata_last_modified: ", 29) == 0)
            cr_assert(strlen(g) == 39 && strncmp(g, w, 29) == 0, "%s", g);
        else
            cr_assert_str_eq(g, expected, "%s: line %d:\n got %s\nwant %s", golden, line, g,
                             expected);
        g = strtok_r(NULL, "\n", &save_got);
        w = strtok_r(NULL, "\n", &save_want);
    }
    free(got);
    free(want);
}

static const hel_variant variants[] = {
    {"1", "rs1", "A", "G", 3197400, 0},
    {"1", "1:99", "GT", "G", 3197401, 0},
    {"chr17", "rs12x", "C", "T", 36000000, 0},
    {"X", "rs4", "T", "A", 5, 0},
    {"MT", "rs5", "T", "C", 1, 0},
    {"contig_9", "rs6", "C", "A", -7, 0},
};

static const hel_row rows[] = {
    {.obs_ct = 1410,
     .a1_ct = 1248,
     .a1_freq = 0.442553191,
     .beta = -0.158650123,
     .se = 0.0385591,
     .stat = -4.11446999,
     .log10p = 4.38660003,
     .df = 1400,
     .chisq_null = 16.7400001,
     .case_obs = 700,
     .ctrl_obs = 710,
     .case_freq = 0.4,
     .ctrl_freq = 0.48450704},
    {.obs_ct = 1400,
     .miss_ct = 10,
     .a1_freq = 0,
     .beta = NAN,
     .se = NAN,
     .stat = NAN,
     .log10p = NAN,
     .df = NAN,
     .chisq_null = NAN,
     .case_obs = 700,
     .ctrl_obs = 700,
     .errcode = HEL_ERRCODE_CONST_OMITTED},
    {.obs_ct = 1410,
     .a1_ct = 3,
     .a1_freq = 0.00106383,
     .beta = 2.5,
     .se = 0.0125,
     .stat = 200,
     .log10p = 8519.06023361994,
     .df = 1400,
     .chisq_null = 40000,
     .case_obs = 700,
     .ctrl_obs = 710,
     .case_freq = 0.00214286,
     .ctrl_freq = 0},
    {.obs_ct = 4,
     .a1_ct = 4,
     .a1_freq = 0.5,
     .beta = 0,
     .se = 0.25,
     .stat = 0,
     .log10p = 0,
     .df = 3,
     .chisq_null = 0,
     .case_obs = 2,
     .ctrl_obs = 2,
     .case_freq = 0.5,
     .ctrl_freq = 0.5},
    {.obs_ct = 0,
     .miss_ct = 1410,
     .a1_freq = NAN,
     .beta = NAN,
     .se = NAN,
     .stat = NAN,
     .log10p = NAN,
     .df = NAN,
     .chisq_null = NAN,
     .case_freq = NAN,
     .ctrl_freq = NAN,
     .errcode = HEL_ERRCODE_LOW_MAC},
    {.obs_ct = 1000000,
     .a1_ct = 1,
     .a1_freq = 5e-7,
     .beta = 1234567.5,
     .se = 1e-10,
     .stat = 1.2345675e16,
     .log10p = 123456.789,
     .df = 1e6,
     .chisq_null = 1e300,
     .case_obs = 999999,
     .ctrl_obs = 1,
     .case_freq = 5e-7,
     .ctrl_freq = 0},
};

static hel_writer_info info_of(const char *out, hel_trait trait)
{
    return (hel_writer_info){.out = out,
                             .phenotype = trait == HEL_TRAIT_BINARY ? "ill" : "height",
                             .trait = trait,
                             .missing =
                                 trait == HEL_TRAIT_BINARY ? HEL_MISSING_MEAN : HEL_MISSING_DELETE,
                             .samples = 1410,
                             .cases = 700,
                             .controls = 710,
                             .covariates = 5};
}

static hel_status write_all(hel_format format, hel_trait trait, const char *out, char *path)
{
    hel_writer_info info = info_of(out, trait);
    hel_table_writer *w;
    hel_status status = hel_table_writer_open(engine, &w, format, &info);
    if (status != HEL_OK)
        return status;
    if (path)
        strcpy(path, hel_table_writer_path(w));
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == HEL_OK; i++)
        status = hel_table_writer_row(w, &variants[i], &rows[i]);
    if (status != HEL_OK) {
        hel_table_writer_abort(w);
        return status;
    }
    return hel_table_writer_commit(w);
}

Test(writer, golden)
{
    static const struct {
        hel_format format;
        hel_trait trait;
        const char *name;
    } table[] = {{HEL_FORMAT_PLINK2, HEL_TRAIT_QUANTITATIVE, "t.height.glm.linear"},
                 {HEL_FORMAT_PLINK2, HEL_TRAIT_BINARY, "t.ill.glm.logistic"},
                 {HEL_FORMAT_REGENIE, HEL_TRAIT_QUANTITATIVE, "t_height.regenie"},
                 {HEL_FORMAT_REGENIE, HEL_TRAIT_BINARY, "t_ill.regenie"},
                 {HEL_FORMAT_SSF, HEL_TRAIT_QUANTITATIVE, "t.height.ssf.tsv"},
                 {HEL_FORMAT_SSF, HEL_TRAIT_BINARY, "t.ill.ssf.tsv"}};
    char out[128], path[256], sidecar[300], golden[64], part[300];
    snprintf(out, sizeof out, "%s/t", folder);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        cr_assert_eq(write_all(table[i].format, table[i].trait, out, path), HEL_OK, "%s",
                     hel_engine_error(engine));
        cr_assert_str_eq(strrchr(path, '/') + 1, table[i].name);
        compare_golden(path, table[i].name);
        snprintf(part, sizeof part, "%s.part", path);
        cr_assert(!exists(part));
        if (table[i].format != HEL_FORMAT_SSF)
            continue;
        snprintf(sidecar, sizeof sidecar, "%s-meta.yaml", path);
        snprintf(golden, sizeof golden, "%s-meta.yaml", table[i].name);
        compare_golden(sidecar, golden);
    }
}

Test(writer, md5_and_order_in_the_sidecar)
{
    char out[128], path[256], sidecar[300], hex[64], line[96];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes;
    size_t bytes = 0, ignored;
    snprintf(out, sizeof out, "%s/a \"b\"", folder);
    cr_assert_eq(write_all(HEL_FORMAT_SSF, HEL_TRAIT_QUANTITATIVE, out, path), HEL_OK);
    char *text = slurp(path, &bytes);
    cr_assert(EVP_Digest(text, bytes, digest, &digest_bytes, EVP_md5(), NULL));
    hel_hex(hex, digest, digest_bytes);
    snprintf(sidecar, sizeof sidecar, "%s-meta.yaml", path);
    char *yaml = slurp(sidecar, &ignored);
    snprintf(line, sizeof line, "\ndata_file_md5sum: %s\n", hex);
    cr_assert(strstr(yaml, line), "%s", yaml);
    cr_assert(strstr(yaml, "data_file_name: \"a \\\"b\\\".height.ssf.tsv\""), "%s", yaml);
    cr_assert(strstr(yaml, "is_sorted: false")); /* the unplaced contig */
    free(text);
    free(yaml);

    hel_writer_info info = info_of(out, HEL_TRAIT_QUANTITATIVE);
    for (int swap = 0; swap < 2; swap++) {
        hel_table_writer *w;
        cr_assert_eq(hel_table_writer_open(engine, &w, HEL_FORMAT_SSF, &info), HEL_OK);
        static const hel_variant two[] = {{"2", "a", "A", "C", 7, 0}, {"10", "b", "A", "C", 3, 0}};
        for (int i = 0; i < 2; i++)
            cr_assert_eq(hel_table_writer_row(w, &two[i ^ swap], &rows[0]), HEL_OK);
        cr_assert_eq(hel_table_writer_commit(w), HEL_OK);
        yaml = slurp(sidecar, &ignored);
        cr_assert(strstr(yaml, swap ? "is_sorted: false" : "is_sorted: true"));
        free(yaml);
    }
}

Test(writer, ssf_chromosomes)
{
    static const struct {
        const char *name;
        uint32_t number;
    } known[] = {{"1", 1},   {"chr22", 22}, {"X", 23},  {"chrx", 23}, {"23", 23}, {"Y", 24},
                 {"24", 24}, {"XY", 23},    {"25", 23}, {"26", 25},   {"MT", 25}, {"chrM", 25},
                 {"0", 0},   {"00", 0},     {"27", 0},  {"1a", 0},    {"", 0},    {"chr", 0},
                 {"100", 0}, {"-1", 0},     {"un", 0},  {"PAR1", 23}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_assert_eq(hel_ssf_chromosome(known[i].name), known[i].number, "%s", known[i].name);
}

static void check_number(double value)
{
    char got[HEL_NUMBER_BYTES + 1], want[64];
    for (int digits = 6; digits <= 9; digits += 3) {
        *hel_print_g(got, value, digits) = 0;
        if (isfinite(value))
            snprintf(want, sizeof want, "%.*g", digits, value);
        else
            strcpy(want, "NA");
        cr_assert_str_eq(got, want, "%a with %d digits: %s, printf has %s", value, digits, got,
                         want);
    }
    hel_format_g(got, sizeof got, value);
    snprintf(want, sizeof want, isfinite(value) ? "%.6g" : "NA", value);
    cr_assert_str_eq(got, want);
}

Test(writer, numbers_are_those_of_printf)
{
    static const double corner[] = {0,
                                    -0.0,
                                    1,
                                    10,
                                    99999.95,
                                    999999.5,
                                    999999.4999,
                                    1000000,
                                    0.0001,
                                    0.00001,
                                    9.99999e-5,
                                    0.5,
                                    1234565,
                                    1e22,
                                    1e-13,
                                    123456.5,
                                    0.1,
                                    99999949.95,
                                    4.94065645841246544e-324,
                                    1.7976931348623157e308,
                                    NAN,
                                    INFINITY,
                                    -INFINITY,
                                    1e21};
    ref_random r = ref_random_start(1);
    for (size_t i = 0; i < sizeof corner / sizeof *corner; i++) {
        check_number(corner[i]);
        check_number(-corner[i]);
        check_number(nextafter(corner[i], INFINITY));
        check_number(nextafter(corner[i], -INFINITY));
    }
    for (size_t i = ref_scaled(200000); i-- > 0;) {
        uint64_t bits = ref_random_u64(&r);
        double any;
        memcpy(&any, &bits, sizeof any);
        check_number(any);
        check_number((ref_random_double(&r) - 0.5) * pow(10, ref_random_double(&r) * 40 - 16));
        check_number(ref_random_below(&r, 10000000) * pow(10, (int)ref_random_below(&r, 24) - 14));
    }
    char small[4];
    hel_format_g(small, sizeof small, 1.2345);
    cr_assert_str_eq(small, "1.2");
}

Test(writer, never_nan_or_inf)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY};
    char out[128], path[256];
    size_t bytes = 0;
    snprintf(out, sizeof out, "%s/odd", folder);
    for (int f = 1; f <= 4; f *= 2)
        for (int trait = 1; trait <= 2; trait++) {
            hel_writer_info info = info_of(out, (hel_trait)trait);
            hel_table_writer *w;
            info.phenotype = "y";
            cr_assert_eq(hel_table_writer_open(engine, &w, (hel_format)f, &info), HEL_OK);
            strcpy(path, hel_table_writer_path(w));
            for (size_t i = 0; i < 3; i++)
                for (int which = 0; which < 512; which++) {
                    hel_row row = rows[0];
                    double *number[] = {&row.a1_freq,    &row.beta,      &row.se,
                                        &row.stat,       &row.log10p,    &row.df,
                                        &row.chisq_null, &row.case_freq, &row.ctrl_freq};
                    for (int k = 0; k < 9; k++)
                        if (which >> k & 1)
                            *number[k] = odd[i];
                    cr_assert_eq(hel_table_writer_row(w, &variants[0], &row), HEL_OK);
                }
            cr_assert_eq(hel_table_writer_commit(w), HEL_OK);
            char *text = slurp(path, &bytes);
            for (char *p = text; *p; p++)
                *p = (char)tolower(*p);
            cr_assert(!strstr(text, "nan") && !strstr(text, "inf"), "%s", path);
            free(text);
        }
}

Test(writer, whole_or_not_at_all)
{
    char out[128], path[256], part[300];
    size_t bytes = 0;
    snprintf(out, sizeof out, "%s/t", folder);
    for (int f = 1; f <= 4; f *= 2) {
        hel_writer_info info = info_of(out, HEL_TRAIT_QUANTITATIVE);
        hel_table_writer *w;
        cr_assert_eq(hel_table_writer_open(engine, &w, (hel_format)f, &info), HEL_OK);
        strcpy(path, hel_table_writer_path(w));
        snprintf(part, sizeof part, "%s.part", path);
        cr_assert(exists(part) && !exists(path));
        hel_table_writer_abort(w);
        cr_assert(!exists(part) && !exists(path));

        cr_assert_eq(write_all((hel_format)f, HEL_TRAIT_QUANTITATIVE, out, NULL), HEL_OK);
        char *before = slurp(path, &bytes);
        cr_assert_eq(hel_table_writer_open(engine, &w, (hel_format)f, &info), HEL_OK);
        cr_assert_eq(hel_table_writer_row(w, &variants[0], &rows[0]), HEL_OK);
        hel_table_writer_abort(w);
        char *after = slurp(path, &bytes);
        cr_assert_str_eq(before, after);
        free(before);
        free(after);
    }
    hel_table_writer_abort(NULL);
}

Test(writer, header_only_and_long_alleles)
{
    char out[128], path[256];
    size_t bytes = 0;
    snprintf(out, sizeof out, "%s/t", folder);
    hel_writer_info info = info_of(out, HEL_TRAIT_QUANTITATIVE);
    hel_table_writer *w;
    cr_assert_eq(hel_table_writer_open(engine, &w, HEL_FORMAT_PLINK2, &info), HEL_OK);
    strcpy(path, hel_table_writer_path(w));
    cr_assert_eq(hel_table_writer_commit(w), HEL_OK);
    char *text = slurp(path, &bytes);
    cr_assert(strncmp(text, "#CHROM\tPOS\t", 11) == 0 && strchr(text, '\n') == text + bytes - 1);
    free(text);

    char *allele = malloc(200001);
    memset(allele, 'A', 200000);
    allele[200000] = 0;
    hel_variant longest = {"1", "indel", allele, "C", 1, 0};
    for (int f = 1; f <= 4; f *= 2) {
        cr_assert_eq(hel_table_writer_open(engine, &w, (hel_format)f, &info), HEL_OK);
        strcpy(path, hel_table_writer_path(w));
        cr_assert_eq(hel_table_writer_row(w, &longest, &rows[0]), HEL_OK);
        cr_assert_eq(hel_table_writer_row(w, &variants[1], &rows[0]), HEL_OK);
        cr_assert_eq(hel_table_writer_commit(w), HEL_OK);
        text = slurp(path, &bytes);
        cr_assert_gt(bytes, 200000);
        cr_assert(strstr(text, allele));
        free(text);
    }
    free(allele);
}

Test(writer, failures_name_the_rule)
{
    char out[128];
    hel_table_writer *w;
    snprintf(out, sizeof out, "%s/no/such/folder/t", folder);
    cr_assert_eq(write_all(HEL_FORMAT_PLINK2, HEL_TRAIT_BINARY, out, NULL), HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), out));
    snprintf(out, sizeof out, "%s/t", folder);
    hel_writer_info info = info_of(out, HEL_TRAIT_QUANTITATIVE);
    info.phenotype = "a/b";
    cr_assert_eq(hel_table_writer_open(NULL, &w, HEL_FORMAT_PLINK2, &info), HEL_E_INPUT);
    cr_assert_null(w);
    info.phenotype = "ab";
    cr_assert_eq(hel_table_writer_open(NULL, &w, (hel_format)3, &info), HEL_E_USAGE);
    cr_assert_null(w);
}

Test(writer, every_allocation_may_fail)
{
    char out[128];
    snprintf(out, sizeof out, "%s/t", folder);
    uint64_t before = hel_mem_in_use();
    for (int f = 1; f <= 4; f *= 2) {
        hel_status status = HEL_E_MEMORY;
        for (uint64_t nth = 1; status != HEL_OK; nth++) {
            hel_mem_fail_nth(nth);
            status = write_all((hel_format)f, HEL_TRAIT_BINARY, out, NULL);
            hel_mem_fail_nth(0);
            cr_assert(status == HEL_OK || status == HEL_E_MEMORY);
            cr_assert_eq(hel_mem_in_use(), before);
            cr_assert_lt(nth, 100);
        }
    }
}
