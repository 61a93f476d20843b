/* The benchmark's own statistics in clear against the oracles of tests/ref; its tails; its reading
 * of tables. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/base/test_dir.h"
#include "tests/ref/ref_ols.h"
#include "tests/ref/ref_random.h"
#include "tests/ref/ref_score.h"
#include "tests/ref/ref_sim.h"
#include "tests/ref/ref_tail.h"
#include "tools/heloci/bench_clear.h"
#include "tools/heloci/bench_quality.h"
#include "tools/heloci/bench_simulate.h"

/* ---- tails ---- */

/* R: pt and pnorm with log.p = TRUE */
Test(bench_clear, tails_of_r)
{
    static const struct {
        double t, df, log10p;
    } known[] = {
        {60, 300, 168.411224026695},  {1000, 300, 529.788269887122}, {40, 5e5, 348.580569055709},
        {200, 1e6, 8519.06023361994}, {5, 1e8, 6.2416149447},        {45, 0, 441.474649581613},
        {38, 0, 315.238759708299},    {1e4, 0, 21714728.1932225},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const double got = bench_tail(known[i].t, known[i].df);
        cr_expect(fabs(got - known[i].log10p) <= 1e-9 * known[i].log10p, "t %g, df %g: %.15g",
                  known[i].t, known[i].df, got);
        cr_expect_eq(got, bench_tail(-known[i].t, known[i].df));
    }
    cr_expect_float_eq(bench_tail(0, 0), 0, 1e-12);
    cr_expect_float_eq(bench_tail(0, 5), 0, 1e-12);
    cr_expect(isnan(bench_tail(NAN, 5)));
}

Test(bench_clear, tails_of_the_oracle)
{
    ref_random random = ref_random_start(0);
    for (size_t i = 0; i < ref_scaled(400); i++) {
        const double t = exp(8 * ref_random_double(&random) - 4);
        const double df = i % 3 ? floor(exp(1 + 12 * ref_random_double(&random))) : 0;
        const double want = df > 0 ? ref_log10p_t(t, df) : ref_log10p_normal(t);
        const double got = bench_tail(t, df);
        cr_assert(fabs(got - want) <= 1e-10 * want + 1e-12, "t %.17g, df %g: %.15g, not %.15g", t,
                  df, got, want);
    }
}

/* ---- least squares and score test ---- */

enum { SAMPLES = 150, COVARIATES = 4 };

typedef struct design {
    double covariate[COVARIATES][SAMPLES], y[SAMPLES];
    const double *column[COVARIATES];
    uint8_t calls[SAMPLES];
} design;

/* Covariates of very different scale; a phenotype that is missing here and there. */
static void draw(design *d, ref_random *random, int binary)
{
    static const double scale[COVARIATES] = {1, 1e5, 1e-4, 30};
    for (int a = 0; a < COVARIATES; a++) {
        d->column[a] = d->covariate[a];
        for (int i = 0; i < SAMPLES; i++)
            d->covariate[a][i] = scale[a] * (ref_normal(random) + (a == 3 ? 5 : 0));
    }
    for (int i = 0; i < SAMPLES; i++) {
        const double x = ref_normal(random) + d->covariate[0][i] / 2;
        d->y[i] = ref_random_below(random, 20) == 0 ? NAN : binary ? x > 0.4 : 1e3 * x + 7;
    }
}

static void draw_calls(design *d, ref_random *random, double frequency, int missing)
{
    for (int i = 0; i < SAMPLES; i++) {
        d->calls[i] = (uint8_t)((ref_random_double(random) < frequency) +
                                (ref_random_double(random) < frequency));
        if (missing && ref_random_below(random, 25) == 0)
            d->calls[i] = 3;
    }
}

/* Analysed samples only, calls imputed: what the oracles take. */
static uint32_t compress(const design *d, double covariate[COVARIATES][SAMPLES], double y[SAMPLES],
                         double g[SAMPLES], uint32_t *copies, uint32_t *called)
{
    uint32_t n = 0;
    *copies = *called = 0;
    for (int i = 0; i < SAMPLES; i++)
        if (!isnan(d->y[i]) && d->calls[i] != 3) {
            *copies += d->calls[i];
            ++*called;
        }
    for (int i = 0; i < SAMPLES; i++) {
        if (isnan(d->y[i]))
            continue;
        for (int a = 0; a < COVARIATES; a++)
            covariate[a][n] = d->covariate[a][i];
        y[n] = d->y[i];
        g[n++] = d->calls[i] == 3 ? (double)*copies / *called : d->calls[i];
    }
    return n;
}

static void compare(const design *d, clear_trait *t, int binary)
{
    static double covariate[COVARIATES][SAMPLES], y[SAMPLES], g[SAMPLES];
    const double *column[COVARIATES];
    uint32_t copies, called;
    const uint32_t n = compress(d, covariate, y, g, &copies, &called);
    clear_row got;
    ref_fit want;
    for (int a = 0; a < COVARIATES; a++)
        column[a] = covariate[a];
    clear_trait_variant(t, d->calls, &got);
    cr_assert_eq(got.copies, copies);
    cr_assert_eq(got.called, called);
    cr_assert_eq(got.called + got.missing, n);
    if (binary) {
        ref_score *s = ref_score_create(n, COVARIATES, column, y);
        cr_assert(s != NULL);
        ref_score_fit(s, g, &want);
        ref_score_free(s);
    } else {
        ref_ols *o = ref_ols_create(n, COVARIATES, column, y);
        ref_ols_fit(o, g, &want);
        ref_ols_free(o);
    }
    cr_assert_eq(got.constant,
                 copies == 0 || copies == 2 * called || (copies == called && want.singular));
    if (got.constant)
        return;
    cr_assert_float_eq(got.beta, want.beta, 1e-9 * want.se);
    cr_assert_float_eq(got.se, want.se, 1e-9 * want.se);
    cr_assert_float_eq(got.statistic, want.stat, 1e-9 * (1 + fabs(want.stat)));
    cr_assert_float_eq(got.log10p, want.log10p, 1e-9 * (1 + want.log10p));
    if (!binary)
        cr_assert(1 / got.unexplained <= want.max_vif * (1 + 1e-9));
}

static void compare_many(int binary)
{
    ref_random random = ref_random_start(2 + (uint64_t)binary);
    for (size_t round = 0; round < ref_scaled(6); round++) {
        static const double frequency[] = {0.5, 0.003, 0.997, 0.1, 0, 1};
        design d;
        clear_trait *t;
        draw(&d, &random, binary);
        clear_trait_create(&t, SAMPLES, COVARIATES, d.column, d.y, binary);
        cr_assert(t != NULL);
        for (int v = 0; v < 24; v++) {
            draw_calls(&d, &random, frequency[v % 6], v % 2);
            compare(&d, t, binary);
        }
        clear_trait_free(t);
    }
}

Test(bench_clear, least_squares)
{
    compare_many(0);
}

Test(bench_clear, score_test)
{
    compare_many(1);
}

Test(bench_clear, no_model)
{
    ref_random random = ref_random_start(5);
    design d;
    clear_trait *t;
    draw(&d, &random, 0);
    memcpy(d.covariate[1], d.covariate[0], sizeof d.covariate[0]);
    clear_trait_create(&t, SAMPLES, COVARIATES, d.column, d.y, 0);
    cr_expect(t == NULL, "two covariates are one");
    draw(&d, &random, 1);
    for (int i = 0; i < SAMPLES; i++) /* separated */
        d.y[i] = d.covariate[0][i] > 0;
    clear_trait_create(&t, SAMPLES, COVARIATES, d.column, d.y, 1);
    cr_expect(t == NULL, "separated");
    clear_trait_free(NULL);
}

/* ---- tables ---- */

Test(bench_quality, digits_that_agree)
{
    cr_expect_eq(quality_agreement(1, 1), 9);
    cr_expect_eq(quality_agreement(0, 0), 9);
    cr_expect_eq(quality_agreement(1, 2), 0);
    cr_expect_eq(quality_agreement(1, -1), 0);
    cr_expect_eq(quality_agreement(1000, 1001), 3);
    cr_expect_eq(quality_agreement(1.23456789, 1.23456), 5);
    cr_expect_eq(quality_agreement(1, 1 + 1e-15), 9);
    cr_expect_eq(quality_agreement(NAN, 1), 0);
    cr_expect_eq(quality_agreement(0, 1e-300), 0);
}

typedef struct fixture {
    test_dir dir;
    char why[512], prefix[2 * PATH_MAX];
    clear_header head;
    clear_row row[3];
} fixture;

static void put_table(const fixture *f, const char *rows)
{
    char path[2 * PATH_MAX + 32], text[2048];
    snprintf(path, sizeof path, "%s.Q1.glm.linear", f->prefix);
    const int length =
        snprintf(text, sizeof text,
                 "#CHROM\tPOS\tID\tREF\tALT\tA1\tA1_FREQ\tTEST\tOBS_CT\tMISS_CT\tBETA\tSE\tT_STAT\t"
                 "P\tLOG10P\tERRCODE\n%s",
                 rows);
    test_write_file(path, text, (size_t)length, 0600);
}

static void begin(fixture *f)
{
    char path[2 * PATH_MAX + 32];
    memset(f, 0, sizeof *f);
    test_dir_make(&f->dir);
    snprintf(f->prefix, sizeof f->prefix, "%s/t", f->dir.path);
    f->head = (clear_header){.magic = CLEAR_MAGIC, .variants = 3, .traits = 1, .samples = {10}};
    memcpy(f->head.name[0], "Q1", 3);
    f->row[0] = (clear_row){
        .called = 10, .copies = 7, .beta = 0.5, .se = 0.25, .log10p = 1.25, .unexplained = 1};
    f->row[1] = (clear_row){.called = 9,
                            .missing = 1,
                            .copies = 0,
                            .constant = 1,
                            .beta = NAN,
                            .se = NAN,
                            .log10p = NAN};
    f->row[2] = (clear_row){
        .called = 10, .copies = 10, .beta = -1, .se = 2, .log10p = 0.2, .unexplained = 0.01};
    snprintf(path, sizeof path, "%s/expected.bin", f->dir.path);
    FILE *out = fopen(path, "wb");
    cr_assert(out != NULL);
    cr_assert(fwrite(&f->head, sizeof f->head, 1, out) == 1 &&
              fwrite(f->row, sizeof *f->row, 3, out) == 3);
    cr_assert_eq(fclose(out), 0);
}

#define ROW(id, freq, obs, miss, beta, se, log10p, code)                                           \
    "1\t1\t" id "\tG\tA\tA\t" freq "\tADD\t" obs "\t" miss "\t" beta "\t" se "\t1\t1\t" log10p     \
    "\t" code "\n"
#define FIRST  ROW("v0", "0.35", "10", "0", "0.5", "0.25", "1.25", ".")
#define SECOND ROW("v1", "0", "9", "1", "NA", "NA", "NA", "CONST_OMITTED_ALLELE")
#define THIRD  ROW("v2", "0.5", "10", "0", "NA", "NA", "NA", "VIF_TOO_HIGH")

Test(bench_quality, tables)
{
    static const struct {
        const char *rows;
        int good;
        uint64_t integers_equal, unlike, off;
    } cases[] = {
        {FIRST SECOND THIRD, 1, 3, 0, 0},
        {ROW("v0", "0.35", "10", "0", "0.500001", "0.25", "1.25", ".") SECOND THIRD, 1, 3, 0, 0},
        {ROW("v0", "0.35", "10", "0", "0.501", "0.25", "1.25", ".") SECOND THIRD, 0, 3, 0, 1},
        {ROW("v0", "0.35", "10", "0", "0.5", "0.25", "1.2521", ".") SECOND THIRD, 0, 3, 0, 1},
        {ROW("v0", "0.35", "10", "0", "0.5", "0.25", "nan", ".") SECOND THIRD, 0, 3, 0, 1},
        {ROW("v0", "0.4", "10", "0", "0.5", "0.25", "1.25", ".") SECOND THIRD, 0, 2, 0, 0},
        {ROW("v0", "0.35", "9", "1", "0.5", "0.25", "1.25", ".") SECOND THIRD, 0, 2, 0, 0},
        {ROW("v0", "0.35", "10", "0", "NA", "NA", "NA", "LOW_MAC") SECOND THIRD, 0, 3, 1, 0},
        {FIRST ROW("v1", "0", "9", "1", "1", "1", "1", ".") THIRD, 0, 3, 1, 0},
        {FIRST SECOND ROW("v2", "0.5", "10", "0", "-1", "2", "0.2", "."), 0, 3, 1, 0},
        {FIRST ROW("v1", "0", "9", "1", "NA", "NA", "NA", "VIF_TOO_HIGH") THIRD, 0, 3, 1, 0},
        {ROW("v0", "0.35", "10", "0", "0.5", "0.2502", "1.25", ".") SECOND THIRD, 1, 3, 0, 0},
        {ROW("v0", "0.35", "10", "0", "0.5", "0.2503", "1.25", ".") SECOND THIRD, 0, 3, 0, 1},
        {ROW("v0", "0.35", "10", "0", "0.5", "0.2497", "1.25", ".") SECOND THIRD, 0, 3, 0, 1},
        {ROW("v0", "0.35", "10", "0", "0.5", "nan", "1.25", ".") SECOND THIRD, 0, 3, 0, 1},
        {ROW("v7", "0.35", "10", "0", "0.5", "0.25", "1.25", ".") SECOND THIRD, 0, 2, 1, 0},
    };
    fixture f;
    begin(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        quality q;
        put_table(&f, cases[i].rows);
        cr_assert_eq(quality_read(&q, f.dir.path, f.prefix, f.why, sizeof f.why), 0, "%zu: %s", i,
                     f.why);
        cr_expect_eq(quality_good(&q), cases[i].good, "%zu: %s", i, q.trait[0].first_bad);
        cr_expect_eq(q.trait[0].integers_equal, cases[i].integers_equal, "%zu", i);
        cr_expect_eq(q.trait[0].unlike, cases[i].unlike, "%zu", i);
        cr_expect_eq(q.trait[0].off, cases[i].off, "%zu", i);
        cr_expect_eq(q.trait[0].first_bad[0] == 0, cases[i].good, "%zu", i);
    }
    test_dir_remove(&f.dir);
}

#define SCORE(id, freq, case_freq, beta, se, log10p, code)                                         \
    "1\t1\t" id "\tG\tA\tA\t" freq "\t" case_freq "\tADD\t10\t5\t0\t" beta "\t" se                 \
    "\t1\t1\t" log10p "\t" code "\n"

/* Filters work in both directions: one mutated row after another. */
Test(bench_quality, filters_of_the_score_test)
{
    static const char head[] =
        "#CHROM\tPOS\tID\tREF\tALT\tA1\tA1_FREQ\tA1_CASE_FREQ\tTEST\tOBS_CT\t"
        "CASE_CT\tMISS_CT\tBETA\tSE\tZ_STAT\tP\tLOG10P\tERRCODE\n";
    static const struct {
        uint32_t copies;
        double unexplained;
        const char *beta, *code;
        int good;
    } cases[] = {
        {5, 1, "0.5", ".", 1},
        {4, 1, "0.5", ".", 0},
        {16, 1, "0.5", ".", 0},
        {4, 1, "NA", "LOW_MAC", 1},
        {16, 1, "NA", "LOW_MAC", 1},
        {5, 1, "NA", "LOW_MAC", 0},
        {10, 0.0203, "0.5", ".", 1},
        {10, 0.0197, "0.5", ".", 0},
        {10, 0.0197, "NA", "VIF_TOO_HIGH", 1},
        {10, 0.0197, "NA", "CORR_TOO_HIGH", 1},
        {10, 0.0203, "NA", "VIF_TOO_HIGH", 0},
        {10, 0.02, "NA", "VIF_TOO_HIGH", 1}, /* rounding decides */
        {10, 0.02, "0.5", ".", 1},
        {4, 0.0197, "NA", "VIF_TOO_HIGH", 0}, /* the other rule comes first */
        {10, 1, "NA", "CONST_OMITTED_ALLELE", 0},
    };
    fixture f;
    begin(&f);
    f.head.variants = 2;
    f.head.binary[0] = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[2 * PATH_MAX + 32], text[2048], frequency[16];
        const int none = strcmp(cases[i].beta, "NA") == 0;
        quality q;
        const clear_row rows[2] = {{.called = 10,
                                    .copies = 10,
                                    .cases_called = 5,
                                    .cases_copies = 5,
                                    .beta = 0.5,
                                    .se = 0.25,
                                    .log10p = 1.25,
                                    .unexplained = 1},
                                   {.called = 10,
                                    .copies = cases[i].copies,
                                    .cases_called = 5,
                                    .cases_copies = 2,
                                    .beta = 0.5,
                                    .se = 0.25,
                                    .log10p = 1.25,
                                    .unexplained = cases[i].unexplained}};
        snprintf(path, sizeof path, "%s/expected.bin", f.dir.path);
        FILE *out = fopen(path, "wb");
        cr_assert(out && fwrite(&f.head, sizeof f.head, 1, out) == 1 &&
                  fwrite(rows, sizeof *rows, 2, out) == 2);
        cr_assert_eq(fclose(out), 0);
        snprintf(frequency, sizeof frequency, "%g", cases[i].copies / 20.0);
        snprintf(path, sizeof path, "%s.Q1.glm.logistic", f.prefix);
        const int length = snprintf(text, sizeof text,
                                    "%s" SCORE("v0", "0.5", "0.5", "0.5", "0.25", "1.25", ".")
                                        SCORE("v1", "%s", "0.2", "%s", "%s", "%s", "%s"),
                                    head, frequency, cases[i].beta, none ? "NA" : "0.25",
                                    none ? "NA" : "1.25", cases[i].code);
        test_write_file(path, text, (size_t)length, 0600);
        cr_assert_eq(quality_read(&q, f.dir.path, f.prefix, f.why, sizeof f.why), 0, "%s", f.why);
        cr_expect_eq(q.trait[0].integers_equal, 2, "%zu", i);
        cr_expect_eq(quality_good(&q), cases[i].good, "%zu: %s", i, q.trait[0].first_bad);
        cr_expect_eq(q.trait[0].unlike, !cases[i].good, "%zu", i);
    }
    test_dir_remove(&f.dir);
}

Test(bench_quality, files_that_are_none)
{
    fixture f;
    quality q;
    begin(&f);
    cr_expect_eq(quality_read(&q, f.dir.path, f.prefix, f.why, sizeof f.why), 74);
    cr_expect(strstr(f.why, "t.Q1.glm.linear") != NULL, "%s", f.why);
    cr_expect_not(quality_good(&q));
    put_table(&f, FIRST SECOND);
    cr_expect_eq(quality_read(&q, f.dir.path, f.prefix, f.why, sizeof f.why), 65);
    put_table(&f, FIRST SECOND THIRD THIRD);
    cr_expect_eq(quality_read(&q, f.dir.path, f.prefix, f.why, sizeof f.why), 65);
    put_table(&f, FIRST "1\t1\tv1\n" THIRD);
    cr_expect_eq(quality_read(&q, f.dir.path, f.prefix, f.why, sizeof f.why), 65);
    cr_expect(strstr(f.why, "row 2") != NULL, "%s", f.why);
    cr_expect_eq(quality_read(&q, "/nonexistent", f.prefix, f.why, sizeof f.why), 74);
    test_dir_remove(&f.dir);
}

/* ---- from files ---- */

/* The rows that bench_cleartext writes are those of the traits that it read. */
Test(bench_clear, files)
{
    test_dir dir;
    char why[512] = "", path[2 * PATH_MAX];
    clear_header head;
    clear_row row[2];
    bench_size size = bench_sizes[0];
    size.variants = 40;
    size.missing = 0.1;
    test_dir_make(&dir);
    cr_assert_eq(bench_simulate(&size, 3, dir.path, why, sizeof why), 0, "%s", why);
    cr_assert_eq(bench_cleartext(dir.path, why, sizeof why), 0, "%s", why);
    snprintf(path, sizeof path, "%s/expected.bin", dir.path);
    FILE *f = fopen(path, "rb");
    cr_assert(f && fread(&head, sizeof head, 1, f) == 1);
    cr_expect_eq(head.variants, 40);
    cr_expect_eq(head.traits, 2);
    cr_expect_str_eq(head.name[0], "Q1");
    cr_expect_str_eq(head.name[1], "B1");
    cr_expect_eq(head.samples[0], size.samples);
    cr_expect_lt(head.samples[1], size.samples);
    cr_expect(head.cases[1] > 0 && head.cases[1] < head.samples[1]);
    for (uint32_t j = 0; j < head.variants; j++) {
        cr_assert_eq(fread(row, sizeof *row, 2, f), 2);
        cr_expect_eq(row[0].called + row[0].missing, size.samples);
        cr_expect(j % 2 || row[0].missing == 0, "every second variant is whole");
        cr_expect_leq(row[1].copies, row[0].copies);
        cr_expect_leq(row[1].cases_copies, row[1].copies);
    }
    cr_expect_eq(fgetc(f), EOF);
    fclose(f);
    snprintf(path, sizeof path, "%s/cohort.bed", dir.path);
    cr_assert_eq(truncate(path, 200), 0);
    cr_expect_eq(bench_cleartext(dir.path, why, sizeof why), 65);
    cr_expect(strstr(why, "too short") != NULL, "%s", why);
    cr_assert_eq(unlink(path), 0);
    cr_expect_eq(bench_cleartext(dir.path, why, sizeof why), 74);
    test_dir_remove(&dir);
}
