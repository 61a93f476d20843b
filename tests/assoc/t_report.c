/* The report: reader and statistics against naive computing, pictures and page as files. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "host/assoc/plot.h"
#include "host/assoc/tail.h"
#include "host/base/mem.h"
#include "tests/ref/ref_random.h"

/* Cairo keeps the fonts it has found for the life of the process; LeakSanitizer asks for this. */
HEL_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static hel_engine *engine;
static char folder[64];

static void start(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
    strcpy(folder, "/tmp/hel_report_XXXXXX");
    cr_assert(mkdtemp(folder));
}

static void stop(void)
{
    char command[96];
    hel_engine_free(engine);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(report, .init = start, .fini = stop);

static char *in_folder(const char *name)
{
    static char path[4][160];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, 160, "%s/%s", folder, name);
    return p;
}

static char *slurp(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    cr_assert_eq(fseek(f, 0, SEEK_END), 0);
    *bytes = (size_t)ftell(f);
    rewind(f);
    char *text = calloc(1, *bytes + 1);
    cr_assert_eq(fread(text, 1, *bytes, f), *bytes);
    fclose(f);
    return text;
}

static void spit(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static hel_status parse(hel_glm_table *t, const char *text)
{
    return hel_glm_parse(engine, t, "table.txt", (const uint8_t *)text, strlen(text));
}

static hel_status report_of(const char *table, const char *out, hel_report_summary *summary)
{
    hel_report_config config = HEL_REPORT_CONFIG_INIT;
    config.table = table;
    config.out = out;
    return hel_report(engine, &config, summary);
}

static size_t count_text(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p++)
        n++;
    return n;
}

/* ---- reader ---- */

Test(report, reader_takes_every_layout)
{
    static const char *const text[] = {
        "#CHROM\tPOS\tID\tREF\tALT\tA1\tTEST\tOR\tP\n1\t10\trs1\tA\tC\tC\tADD\t2\t1e-8000\n",
        "##heloci\n##x\n#CHROM\tPOS\tID\tREF\tALT\tA1\tTEST\tBETA\tP\tLOG10P\n"
        "1\t10\trs1\tA\tC\tC\tSCORE\t2\t1e-8000\t8000\n",
        "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ N TEST BETA SE CHISQ LOG10P EXTRA\r\n"
        "1 10 rs1 A C 0.1 7 ADD 2 1 4 8e3 NA\r\n",
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error\t"
        "effect_allele_frequency\tneg_log_10_p_value\trsid\tvariant_id\tn\n"
        "1\t10\tC\tA\t2\t1\t0.1\t8000\t#NA\trs1\t7\n",
        "  CHR   SNP   BP  A1      P\n   chr1   rs1  1e1   C  1e-8000",
        "#CHROM\tPOS\tID\tA1\tLOG10_P\n\n1\t10\trs1\tC\t8000.000",
    };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        hel_glm_table t;
        cr_assert_eq(parse(&t, text[i]), HEL_OK, "%zu: %s", i, hel_engine_error(engine));
        cr_assert(t.variants == 1 && t.tested == 1 && t.chroms == 1 && t.variant[0].pos == 10);
        cr_assert_float_eq(t.variant[0].log10p, 8000, 1e-9, "%zu", i);
        cr_assert(t.chrom[0].name.bytes == 1 && t.chrom[0].name.at[0] == '1');
        hel_glm_text id = hel_glm_cell(&t, &t.variant[0], HEL_GLM_ID);
        hel_glm_text a1 = hel_glm_cell(&t, &t.variant[0], HEL_GLM_A1);
        cr_assert(id.bytes == 3 && memcmp(id.at, "rs1", 3) == 0, "%zu", i);
        cr_assert(a1.bytes == 1 && a1.at[0] == 'C', "%zu", i);
        hel_glm_free(&t);
    }
}

Test(report, reader_takes_every_number)
{
    static const struct {
        const char *text;
        double log10p; /* NaN: not tested */
    } p[] = {{"1", 0},
             {"0.05", 1.3010299956639813},
             {"5E-8", 7.301029995663981},
             {"NA", NAN},
             {".", NAN},
             {"#NA", NAN},
             {"nan", NAN},
             {"0", HEL_GLM_ZERO_P},
             {"0.0e+00", HEL_GLM_ZERO_P},
             {"1.000", 0},
             {"2.5e-324", 323.6020599913279},
             {"0.000000000000000000000000001", 27},
             {"123456789012345678901234567890e-60", 30.908485018},
             {"1e-100000", 100000}},
      l[] = {{"0", 0},
             {"-0", 0},
             {"7.5", 7.5},
             {"1e5", 1e5},
             {"100000.25", 100000.25},
             {"NA", NAN},
             {"1e-9", 1e-9},
             {"inf", HEL_GLM_ZERO_P},
             {".5", 0.5},
             {"5.", 5}};
    char text[128];
    hel_glm_table t;
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
        snprintf(text, sizeof text, "CHR BP P\n1 1 %s\n", p[i].text);
        cr_assert_eq(parse(&t, text), HEL_OK, "%s", text);
        cr_assert(isnan(p[i].log10p) ? isnan(t.variant[0].log10p)
                                     : fabs(t.variant[0].log10p - p[i].log10p) < 1e-7,
                  "%s: %.17g", p[i].text, t.variant[0].log10p);
        cr_assert_eq(t.tested, !isnan(p[i].log10p));
        hel_glm_free(&t);
    }
    for (size_t i = 0; i < sizeof l / sizeof *l; i++) {
        snprintf(text, sizeof text, "CHR BP LOG10P\n1 1 %s\n", l[i].text);
        cr_assert_eq(parse(&t, text), HEL_OK, "%s", text);
        cr_assert(isnan(l[i].log10p) ? isnan(t.variant[0].log10p)
                                     : fabs(t.variant[0].log10p - l[i].log10p) < 1e-9,
                  "%s: %.17g", l[i].text, t.variant[0].log10p);
        hel_glm_free(&t);
    }
}

Test(report, reader_names_line_and_rule)
{
    static const struct {
        const char *text, *says[3];
    } bad[] = {
        {"", {"table.txt", "empty", ""}},
        {"##only\n", {"no header", "", ""}},
        {"\x1f\x8b\x08", {"gzip", "", ""}},
        {"CHR BP\n1 1\n", {"line 1", "LOG10P", ""}},
        {"##x\nBP P\n1 1\n", {"line 2", "CHROM", ""}},
        {"CHR P\n1 1\n", {"line 1", "POS", ""}},
        {"CHR BP P\n1 1\n", {"line 2", "2 columns", "3"}},
        {"CHR BP P\n1 1 0.5\n1 1 0.5 9\n", {"line 3", "4 columns", "3"}},
        {"CHR\tBP\tP\n1\t\t0.5\n", {"line 2", "position", "whole number"}},
        {"CHR\tBP\tP\n\t7\t0.5\n", {"line 2", "chromosome", "name"}},
        {"CHR BP P\n1 1.5 0.5\n", {"line 2", "position '1.5'", "whole number"}},
        {"CHR BP P\n1 9007199254740992 0.5\n", {"line 2", "position", "2^53"}},
        {"CHR BP P\n1 1 1.5\n", {"line 2", "P '1.5'", "from 0 to 1"}},
        {"CHR BP P\n1 1 -0.5\n", {"line 2", "P '-0.5'", "from 0 to 1"}},
        {"CHR BP P\n\n1 1 0.5x\n", {"line 3", "P '0.5x'", "from 0 to 1"}},
        {"CHR BP P\n1 1 1e\n", {"line 2", "P '1e'", ""}},
        {"CHR BP LOG10P\n1 1 -3\n", {"line 2", "-log10 p '-3'", "NA or a number"}},
        {"CHR BP LOG10P\n1 1 1e301\n", {"line 2", "-log10 p", "1e300"}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hel_engine *e;
        hel_glm_table t;
        cr_assert_eq(hel_engine_create(&e, NULL), HEL_OK);
        cr_assert_eq(
            hel_glm_parse(e, &t, "table.txt", (const uint8_t *)bad[i].text, strlen(bad[i].text)),
            HEL_E_INPUT, "%s", bad[i].text);
        for (int k = 0; k < 3; k++)
            cr_assert(strstr(hel_engine_error(e), bad[i].says[k]), "%zu: %s", i,
                      hel_engine_error(e));
        hel_engine_free(e);
    }
    hel_glm_table t;
    cr_assert_eq(hel_glm_parse(NULL, &t, "t", (const uint8_t *)"CHR BP P\n1 \0 1\n", 16),
                 HEL_E_INPUT);
    cr_assert_eq(hel_mem_in_use(), 0);
}

Test(report, chromosome_order)
{
    static const char *const want[] = {"0", "1",  "2",  "10",   "23",    "X",
                                       "Y", "XY", "MT", "zeta", "alpha", "1_random"};
    hel_glm_table t;
    cr_assert_eq(parse(&t, "CHR BP P\nzeta 1 .5\nMT 1 .5\nchrY 1 .5\n10 9 .5\n2 3 .5\nalpha 1 "
                           ".5\nXY 1 .5\n0 1 .5\nX 1 .5\n23 1 .5\n1 1 .5\n1_random 1 .5\n"
                           "chr10 4 .5\n"),
                 HEL_OK, "%s", hel_engine_error(engine));
    cr_assert_eq(t.chroms, 12);
    for (uint32_t c = 0; c < t.chroms; c++)
        cr_assert(t.chrom[c].name.bytes == strlen(want[c]) &&
                      memcmp(t.chrom[c].name.at, want[c], t.chrom[c].name.bytes) == 0,
                  "%u", c);
    cr_assert(t.chrom[3].min == 4 && t.chrom[3].max == 9 && t.chrom[3].variants == 2);
    cr_assert_eq(t.variant[0].chrom, 9);
    cr_assert_eq(t.variant[12].chrom, 3);
    hel_glm_free(&t);
}

Test(report, many_chromosomes_and_other_tests)
{
    char *text = malloc(400000), *p = text;
    p += sprintf(p, "CHR BP TEST P\n");
    for (int i = 0; i < 5000; i++)
        p += sprintf(p, "s%d %d ADD 0.5\ns%d %d AGE 1e-9\n", i * 7 % 5000, i, i * 7 % 5000, i);
    hel_glm_table t;
    cr_assert_eq(parse(&t, text), HEL_OK);
    cr_assert(t.variants == 5000 && t.tested == 5000 && t.other_tests == 5000 && t.chroms == 5000);
    for (int i = 0; i < 5000; i++)
        cr_assert_eq(t.variant[i].chrom, (uint32_t)i); /* order of first appearance */
    hel_glm_free(&t);
    free(text);
}

/* ---- statistics ---- */

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

Test(report, summary_against_naive)
{
    ref_random r = ref_random_start(1);
    for (int round = 0; round < 6; round++) {
        size_t rows = round < 3 ? (size_t)round + 1 : 501 + (size_t)round, n = 0, hits = 0;
        double *chi = malloc(rows * sizeof *chi);
        double best = 0;
        FILE *f = fopen(in_folder("t.tsv"), "w");
        fprintf(f, "#CHROM\tPOS\tID\tP\tLOG10P\n");
        for (size_t i = 0; i < rows; i++) {
            double z = (ref_random_double(&r) - 0.5) * 14, l = hel_log10p_normal(z);
            if (rows > 3 && i % 5 == 0) {
                fprintf(f, "1\t%zu\trs\tNA\tNA\n", i);
                continue;
            }
            fprintf(f, "1\t%zu\trs\t%.17g\t%.17g\n", i, erfc(fabs(z) / sqrt(2)), l);
            chi[n++] = z * z;
            hits += l >= 7.30103;
            best = l > best ? l : best;
        }
        fclose(f);
        qsort(chi, n, sizeof *chi, descending);
        double median = n % 2 ? chi[n / 2] : 0.5 * (chi[n / 2] + chi[n / 2 - 1]);
        hel_report_summary s;
        cr_assert_eq(report_of(in_folder("t.tsv"), in_folder("o"), &s), HEL_OK, "%s",
                     hel_engine_error(engine));
        cr_assert(s.variants == rows && s.tested == n && s.genome_wide == hits);
        cr_assert_float_eq(s.lambda_gc, median / 0.4549364, 1e-6 * (1 + s.lambda_gc));
        cr_assert_float_eq(s.max_log10p, best, 1e-9);
        free(chi);
    }
}

Test(report, chi_square_inverse)
{
    ref_random r = ref_random_start(2);
    cr_assert_eq(hel_chisq1_of_log10p(0), 0);
    cr_assert_float_eq(hel_chisq1_of_log10p(-log10(0.5)), 0.454936423119572728, 1e-12);
    cr_assert_float_eq(hel_chisq1_of_log10p(-log10(0.05)), 3.8414588206941236, 1e-10);
    for (size_t i = ref_scaled(2000); i-- > 0;) {
        double x = pow(10, ref_random_double(&r) * 9 - 4);
        cr_assert_float_eq(hel_chisq1_of_log10p(hel_log10p_chisq1(x)) / x, 1, 1e-9, "%.17g", x);
    }
    cr_assert(isnan(hel_lambda_gc(NULL, 0)));
}

/* P(at least a of a + b - 1 coins of chance x) = I_x(a, b): term by term. */
static double naive_beta(double x, int a, int b)
{
    double sum = 0;
    for (int j = a; j <= a + b - 1; j++)
        sum += exp(lgamma(a + b) - lgamma(j + 1) - lgamma(a + b - j) + j * log(x) +
                   (a + b - 1 - j) * log1p(-x));
    return sum;
}

Test(report, beta_quantiles)
{
    ref_random r = ref_random_start(3);
    static const double level[] = {0.025, 0.5, 0.975};
    for (int k = 0; k < 3; k++) {
        double q = level[k];
        for (double n = 1; n <= 1e7; n *= 10) {
            cr_assert_float_eq(hel_log10_beta_quantile(q, 1, n), -log10(-expm1(log1p(-q) / n)),
                               1e-8, "first of %g", n);
            cr_assert_float_eq(hel_log10_beta_quantile(q, n, 1), -log10(q) / n, 1e-8, "last of %g",
                               n);
        }
        for (size_t i = ref_scaled(300); i-- > 0;) {
            int a = 1 + (int)ref_random_below(&r, 60), b = 1 + (int)ref_random_below(&r, 400);
            double x = pow(10, -hel_log10_beta_quantile(q, a, b));
            cr_assert_float_eq(naive_beta(x, a, b), q, 1e-8, "a %d b %d q %g", a, b, q);
        }
    }
}

/* The definition, literally: n^2. */
static size_t naive_loci(const hel_glm_table *t, uint64_t window, double floor, size_t *lead,
                         size_t room)
{
    size_t count = 0;
    uint8_t *taken = calloc(t->variants, 1);
    for (; count < room; count++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < t->variants; i++)
            if (!taken[i] && t->variant[i].log10p >= floor &&
                (best == SIZE_MAX || t->variant[i].log10p > t->variant[best].log10p))
                best = i;
        if (best == SIZE_MAX)
            break;
        lead[count] = best;
        for (size_t i = 0; i < t->variants; i++)
            taken[i] |= t->variant[i].chrom == t->variant[best].chrom &&
                        (uint64_t)llabs(t->variant[i].pos - t->variant[best].pos) <= window;
    }
    free(taken);
    return count;
}

Test(report, loci_against_naive)
{
    ref_random r = ref_random_start(4);
    char *text = malloc(1 << 20);
    for (size_t round = ref_scaled(20); round-- > 0;) {
        char *p = text + sprintf(text, "CHR BP P\n");
        for (int i = 0; i < 800; i++)
            p += sprintf(p, "%u %u %s%u\n", 1 + ref_random_below(&r, 3),
                         ref_random_below(&r, 5000000), i % 9 ? "1e-" : "NA",
                         i % 9 ? ref_random_below(&r, 12) : 0);
        /* "NA0" is no number: mend what the format made of it */
        for (char *q = text; (q = strstr(q, "NA0"));)
            memcpy(q, "NA ", 3);
        hel_glm_table t;
        hel_locus loci[50];
        size_t lead[50], count = 50;
        uint64_t window = 1 + ref_random_below(&r, 900000);
        cr_assert_eq(parse(&t, text), HEL_OK, "%s", hel_engine_error(engine));
        cr_assert_eq(hel_find_loci(engine, &t, window, 3, 5, loci, &count), HEL_OK);
        cr_assert_eq(count, naive_loci(&t, window, 3, lead, 50));
        for (size_t l = 0; l < count; l++) {
            size_t tested = 0, supports = 0;
            cr_assert_eq(loci[l].lead, lead[l]);
            for (size_t i = 0; i < t.variants; i++) {
                int in = t.variant[i].chrom == t.variant[lead[l]].chrom &&
                         (uint64_t)llabs(t.variant[i].pos - t.variant[lead[l]].pos) <= window;
                tested += in && !isnan(t.variant[i].log10p);
                supports += in && t.variant[i].log10p >= 5;
            }
            cr_assert(loci[l].tested == tested && loci[l].supports == supports);
        }
        hel_glm_free(&t);
    }
    free(text);
}

/* ---- texts ---- */

Test(report, texts)
{
    char out[128];
    double mantissa;
    long exponent;
    hel_clean_text(out, 24, "rs12", 4);
    cr_assert_str_eq(out, "rs12");
    hel_clean_text(out, 4, "abcd", 4);
    cr_assert_str_eq(out, "abcd");
    hel_clean_text(out, 4, "abcde", 5);
    cr_assert_str_eq(out, "abc\xe2\x80\xa6");
    hel_clean_text(out, 24,
                   "\xff"
                   "a\x01\xc3\xa9\xe2\x82\xac\xed\xa0\x80\xc0\x80\xf0\x9f",
                   15);
    cr_assert_str_eq(out, "?a?\xc3\xa9\xe2\x82\xac???"
                          "??"
                          "??");
    hel_clean_text(out, 24, "", 0);
    cr_assert_str_eq(out, "");
    hel_grouped(out, 0);
    cr_assert_str_eq(out, "0");
    hel_grouped(out, 999);
    cr_assert_str_eq(out, "999");
    hel_grouped(out, 1234567);
    cr_assert_str_eq(out, "1,234,567");
    hel_p_parts(7.301029995663981, &mantissa, &exponent);
    cr_assert(mantissa == 5 && exponent == -8);
    hel_p_parts(5, &mantissa, &exponent);
    cr_assert(mantissa == 1 && exponent == -5);
    hel_p_parts(4.0001, &mantissa, &exponent); /* 9.998e-5 rounds up to 1.0e-4 */
    cr_assert(mantissa == 1 && exponent == -4);
    hel_p_parts(0, &mantissa, &exponent);
    cr_assert(mantissa == 1 && exponent == 0);
}

/* ---- pictures ---- */

Test(report, scale)
{
    static const double largest[] = {0, 5, 8, 55, 100, 101, 400, 1e5, 1e300};
    for (size_t i = 0; i < sizeof largest / sizeof *largest; i++) {
        hel_log_axis s = hel_log_axis_make(400, 300, largest[i]);
        double tick[24], top = fmax(largest[i], 1);
        cr_assert_float_eq(hel_log_axis_y(&s, 0), 400, 1e-9);
        cr_assert_float_eq(hel_log_axis_y(&s, top), 100, 1e-6);
        for (int k = 1; k <= 100; k++)
            cr_assert_lt(hel_log_axis_y(&s, top * k / 100),
                         hel_log_axis_y(&s, top * (k - 1) / 100));
        size_t ticks = hel_log_axis_ticks(&s, tick);
        cr_assert(ticks >= 3 && ticks <= 24 && tick[0] == 0, "%g: %zu", largest[i], ticks);
        for (size_t k = 1; k < ticks; k++)
            cr_assert(tick[k] > tick[k - 1] && tick[k] <= top * 1.001);
    }
}

Test(report, thinning_keeps_top_points)
{
    ref_random r = ref_random_start(5);
    hel_grid g;
    hel_rect area = {80, 60, 700, 300};
    cr_assert_eq(hel_grid_create(engine, &g, area, HEL_FINE_CELL), HEL_OK);
    for (size_t i = ref_scaled(2000); i-- > 0;) {
        double x = area.x + ref_random_double(&r) * area.width;
        double y = area.y + ref_random_double(&r) * area.height, nearest = 1;
        hel_grid_mark(&g, x, y, i % 2);
        size_t column = (size_t)((x - area.x) / g.cell), row = (size_t)((y - area.y) / g.cell);
        if (g.mark[row * g.columns + column] == i % 2 + 1)
            nearest = fmax(fabs(area.x + ((double)column + 0.5) * g.cell - x),
                           fabs(area.y + ((double)row + 0.5) * g.cell - y));
        cr_assert_leq(nearest, 0.125 + 1e-9);
    }
    hel_grid_mark(&g, area.x - 1, area.y, 0); /* outside: no effect, no overrun */
    hel_grid_mark(&g, 1e300, NAN, 0);
    hel_grid_mark(&g, area.x + area.width, area.y + area.height, 0);
    cr_assert_gt(hel_grid_count(&g, (hel_rect){0, 0, 2000, 2000}), 100);
    hel_grid_free(&g);
}

/* Dots of the clouds in an SVG: sub-paths of strokes with round ends. */
static size_t svg_dots(const char *svg)
{
    size_t dots = 0;
    for (const char *p = svg; (p = strstr(p, "stroke-linecap:round")); p++) {
        const char *d = strstr(p, " d=\"");
        for (d += 4; *d != '"'; d++)
            dots += *d == 'M';
    }
    return dots;
}

Test(report, svg_stays_small_and_has_every_top_variant)
{
    ref_random r = ref_random_start(6);
    /* not scaled: the points must lie dense enough for several to share a cell */
    size_t bytes, rows = 200000, tops = 2000;
    FILE *f = fopen(in_folder("t.tsv"), "w");
    fprintf(f, "#CHROM\tPOS\tID\tLOG10P\n");
    for (size_t i = 0; i < tops; i++) /* half a pixel apart, 200 in a row: more than two fine cells,
                                         less than a coarse one */
        fprintf(f, "1\t%zu\trs%zu\t%g\n", i * 1000, i, 3.5 + 0.4 * (double)(i / 200));
    fclose(f);
    cr_assert_eq(report_of(in_folder("t.tsv"), in_folder("o"), NULL), HEL_OK);
    char *svg = slurp(in_folder("o.manhattan.svg"), &bytes);
    cr_assert_eq(svg_dots(svg), tops);
    free(svg);

    f = fopen(in_folder("t.tsv"), "a");
    for (size_t i = 0; i < rows; i++)
        fprintf(f, "1\t%u\ts%zu\t%.5g\n", ref_random_below(&r, 2000000), i,
                fmin(3, -log10(ref_random_double(&r) + 1e-9)));
    fclose(f);
    cr_assert_eq(report_of(in_folder("t.tsv"), in_folder("o"), NULL), HEL_OK);
    svg = slurp(in_folder("o.manhattan.svg"), &bytes);
    cr_assert_lt(bytes, 1000000);
    cr_assert_geq(svg_dots(svg), tops);
    fprintf(stderr, "%zu points below the line: %zu strokes\n", rows, svg_dots(svg) - tops);
    cr_assert_lt(svg_dots(svg), tops + rows / 4);
    free(svg);
}

Test(report, files_are_what_they_claim)
{
    static const char *const suffix[] = {".manhattan.png", ".qq.png", ".manhattan.svg", ".qq.svg"};
    size_t bytes;
    spit(in_folder("a&b.tsv"),
         "#CHROM\tPOS\tID\tREF\tALT\tA1\tA1_FREQ\tBETA\tSE\tP\n"
         "1\t100\t<script>alert(1)</script>&\"'\tA<\tC>\tC>\t0.25&\t<b>\t0.1\t1e-12\n"
         "1\t900000\t\xff\xfe\tA\tC\tC\t0.2\t0.3\t0.1\t1e-9\n"
         "2\t100\trs3\tA\tC\tC\t0.2\t0.3\t0.1\tNA\n");
    hel_report_config config = HEL_REPORT_CONFIG_INIT;
    config.table = in_folder("a&b.tsv");
    config.out = in_folder("o");
    config.title = "T<i>&\xff";
    cr_assert_eq(hel_report(engine, &config, NULL), HEL_OK, "%s", hel_engine_error(engine));
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "o%s", suffix[i]);
        char *text = slurp(in_folder(name), &bytes);
        if (i < 2) {
            cr_assert(bytes > 1000 && memcmp(text, "\x89PNG\r\n\x1a\n", 8) == 0);
            cr_assert(memcmp(text + bytes - 8, "IEND", 4) == 0);
        } else {
            cr_assert(strncmp(text, "<?xml", 5) == 0);
            cr_assert_eq(count_text(text, "<svg "), 1);
            cr_assert_eq(count_text(text, "</svg>"), 1);
            cr_assert_eq(count_text(text, "<g>") + count_text(text, "<g "),
                         count_text(text, "</g>"));
            cr_assert(!strstr(text, "nan") && !strstr(text, "inf"));
        }
        free(text);
        snprintf(name, sizeof name, "o%s.part", suffix[i]);
        cr_assert_neq(access(in_folder(name), F_OK), 0);
    }
    char *page = slurp(in_folder("o.html"), &bytes);
    cr_assert(strncmp(page, "<!DOCTYPE html>", 15) == 0);
    cr_assert(!strstr(page, "http") && !strstr(page, "<script") && !strstr(page, "src=\"/"));
    cr_assert(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;"));
    cr_assert(strstr(page, "C&gt;&thinsp;/&thinsp;A&lt;"));
    cr_assert(strstr(page, "<title>T&lt;i&gt;&amp;?</title>"));
    cr_assert(strstr(page, "0.25&amp;") && strstr(page, "&lt;b&gt;") && strstr(page, "a&amp;b"));
    cr_assert(strstr(page, "prefers-color-scheme:dark") && strstr(page, "name=\"viewport\""));
    cr_assert_eq(count_text(page, "data:image/svg+xml;base64,"), 4);
    cr_assert_eq(count_text(page, "<tr class=\"hit\">"), 2);
    cr_assert(strstr(page, "1.0&nbsp;&times;&nbsp;10<sup>&minus;12</sup>"));
    cr_assert_eq(count_text(page, "<tr"), count_text(page, "</tr>"));
    cr_assert_eq(count_text(page, "<div"), count_text(page, "</div>"));
    free(page);
}

Test(report, degenerate_tables)
{
    static const struct {
        const char *text;
        size_t variants, tested, hits;
        double max;
    } table[] = {
        {"#CHROM\tPOS\tID\tP\n", 0, 0, 0, NAN},
        {"#CHROM\tPOS\tID\tP\n1\t5\trs1\tNA\n", 1, 0, 0, NAN},
        {"#CHROM\tPOS\tID\tP\n1\t5\trs1\t1\n", 1, 1, 0, 0},
        {"#CHROM\tPOS\tID\tP\nX\t0\trs1\t0\n", 1, 1, 1, HEL_GLM_ZERO_P},
        {"CHR BP LOG10P\n1 1 100000\n1 1 0\n1 1 0.3\n", 3, 3, 1, 1e5},
        {"CHR BP LOG10P\n1 1 1e300\n2 1 1\n", 2, 2, 1, 1e300},
        {"CHR BP LOG10P\n1 -9007199254740991 8\n1 9007199254740991 9\n", 2, 2, 2, 9},
        {"CHR BP LOG10P\n1 9007199254740990 8\n1 9007199254740991 9\n", 2, 2, 2, 9},
        {"CHR BP LOG10P\n1 1 0\n1 2 0\n1 3 0\n", 3, 3, 0, 0},
    };
    size_t bytes;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        hel_report_summary s;
        spit(in_folder("t.tsv"), table[i].text);
        cr_assert_eq(report_of(in_folder("t.tsv"), in_folder("o"), &s), HEL_OK, "%zu: %s", i,
                     hel_engine_error(engine));
        cr_assert(s.variants == table[i].variants && s.tested == table[i].tested &&
                      s.genome_wide == table[i].hits,
                  "%zu", i);
        cr_assert(isnan(table[i].max) ? isnan(s.max_log10p) && isnan(s.lambda_gc)
                                      : fabs(s.max_log10p - table[i].max) < 1e-9,
                  "%zu", i);
        static const char *const picture[] = {"o.manhattan.svg", "o.qq.svg"};
        for (int k = 0; k < 2; k++) {
            char *svg = slurp(in_folder(picture[k]), &bytes);
            cr_assert(!strstr(svg, "nan") && !strstr(svg, "inf"), "%zu %s", i, picture[k]);
            free(svg);
        }
    }
}

Test(report, refusals)
{
    hel_report_config config = HEL_REPORT_CONFIG_INIT;
    config.out = in_folder("o");
    cr_assert_eq(hel_report(engine, &config, NULL), HEL_E_USAGE);
    config.table = in_folder("absent.tsv");
    cr_assert_eq(hel_report(engine, &config, NULL), HEL_E_IO);
    cr_assert(strstr(hel_engine_error(engine), "absent.tsv"));
    spit(in_folder("t.tsv"), "CHR BP P\n1 1 7\n");
    config.table = in_folder("t.tsv");
    cr_assert_eq(hel_report(engine, &config, NULL), HEL_E_INPUT);
    cr_assert(strstr(hel_engine_error(engine), "t.tsv: line 2"));
    cr_assert_neq(access(in_folder("o.html"), F_OK), 0);
    spit(in_folder("t.tsv"), "CHR BP P\n1 1 .7\n");
    config.top = 1001;
    cr_assert_eq(hel_report(engine, &config, NULL), HEL_E_USAGE);
    config.top = 1000;
    config.genome_wide = NAN;
    cr_assert_eq(hel_report(engine, &config, NULL), HEL_E_USAGE);
    config.genome_wide = 5e-324;
    config.suggestive = 5e-324;
    cr_assert_eq(hel_report(engine, &config, NULL), HEL_OK);
    config.out = in_folder("no/such/o");
    cr_assert_eq(hel_report(engine, &config, NULL), HEL_E_IO);
    cr_assert_eq(hel_mem_in_use(), 0);
}

Test(report, every_allocation_may_fail)
{
    spit(in_folder("t.tsv"), "CHR BP SNP P\n1 1 a 1e-9\n2 1 b .5\n");
    uint64_t before = hel_mem_in_use();
    hel_status status = HEL_E_MEMORY;
    uint64_t nth = 1;
    for (; status != HEL_OK; nth += nth < 40 ? 1 : 7) {
        hel_mem_fail_nth(nth);
        status = report_of(in_folder("t.tsv"), in_folder("o"), NULL);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY, "%llu: %s", (unsigned long long)nth,
                  hel_engine_error(engine));
        cr_assert_eq(hel_mem_in_use(), before);
        cr_assert_lt(nth, 2000);
    }
    cr_assert_gt(nth, 20);
}
