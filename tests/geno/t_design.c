/* Phenotypes and covariates of an analysis. */
#include <math.h>

#include "host/geno/design.h"
#include "tests/geno/geno_test.h"

static hel_samples samples; /* 0 i0 ... 0 i5; column 6: 1 2 1 2 -9 NA */
static const char *pheno, *covar;

static void setup(void)
{
    geno_setup();
    pheno = covar = NULL;
    OK(hel_fam_read(engine,
                    text_file("s.fam", "0 i0 0 0 1 1\n0 i1 0 0 1 2\n0 i2 0 0 1 1\n0 i3 0 0 1 2\n"
                                       "0 i4 0 0 1 -9\n0 i5 0 0 1 NA\n"),
                    &samples));
}

static void teardown(void)
{
    hel_samples_free(&samples);
    geno_teardown();
}

TestSuite(design, .init = setup, .fini = teardown);

/* "#IID name" and one cell per sample, cut at blanks. */
static const char *column_file(const char *file, const char *name, const char *cells)
{
    char text[1024], copy[512], *p = text, *rest = copy, *cell;
    snprintf(copy, sizeof copy, "%s", cells);
    p += sprintf(p, "#IID %s\n", name);
    for (int i = 0; (cell = strsep(&rest, " ")) != NULL; i++)
        p += sprintf(p, "i%d %s\n", i, cell);
    return text_file(file, text);
}

static hel_status build(hel_design *d, const char *names, hel_coding coding)
{
    hel_design_request request = {
        .pheno_path = pheno, .pheno_names = names, .covar_path = covar, .coding = coding};
    return hel_design_build(engine, &request, &samples, d);
}

/* "1 0 ." against values; . = missing */
static void check_values(const double *value, const char *want, const char *what)
{
    char copy[256], *rest = copy, *cell;
    snprintf(copy, sizeof copy, "%s", want);
    for (int i = 0; (cell = strsep(&rest, " ")) != NULL; i++)
        cr_assert(strcmp(cell, ".") == 0 ? isnan(value[i]) : value[i] == strtod(cell, NULL),
                  "%s: sample %d: %g, not %s", what, i, value[i], cell);
}

static void check_pheno(const char *cells, hel_coding coding, hel_trait trait, const char *want)
{
    hel_design d;
    pheno = column_file("p.txt", "y", cells);
    OK(build(&d, NULL, coding));
    cr_assert(d.phenotypes == 1 && d.covariates == 0 && d.samples == 6);
    cr_assert(strcmp(d.phenotype[0].name, "y") == 0 && d.phenotype[0].trait == trait, "%s", cells);
    check_values(d.phenotype[0].y, want, cells);
    hel_design_free(&d);
}

#define BINARY       HEL_TRAIT_BINARY
#define QUANTITATIVE HEL_TRAIT_QUANTITATIVE

/* --- phenotypes: each row was tried with plink2 v2.00a3.5 --glm --- */

Test(design, kinds_like_plink2)
{
    check_pheno("1 2 1 2 0 -9", HEL_CODING_12, BINARY, "0 1 0 1 . .");
    check_pheno("1 2 1 2 NA nan", HEL_CODING_12, BINARY, "0 1 0 1 . .");
    check_pheno("1.0 2.00 1 2e0 NA 0.0", HEL_CODING_12, BINARY, "0 1 0 1 . .");
    check_pheno("1 2 3 0 -9 1", HEL_CODING_12, QUANTITATIVE, "1 2 3 0 . 1");
    check_pheno("1.5 -9 2 NA 0 -9.0", HEL_CODING_12, QUANTITATIVE, "1.5 . 2 . 0 .");
    check_pheno("0 1 0 1 NA -9", HEL_CODING_01, BINARY, "0 1 0 1 . .");
    check_pheno("0 1 2 0 1 2", HEL_CODING_01, QUANTITATIVE, "0 1 2 0 1 2");
    check_pheno("1 2 1 2 1 2", HEL_CODING_01, QUANTITATIVE, "1 2 1 2 1 2");
}

Test(design, few_rows_and_rows_of_others)
{
    hel_design d;
    pheno = text_file("p.txt", "#IID y\nzz 7\ni5 1\ni2 4\ni0 9\n");
    OK(build(&d, NULL, HEL_CODING_12));
    check_values(d.phenotype[0].y, "9 . 4 . . 1", "rows");
    hel_design_free(&d);
}

Test(design, fam_phenotype)
{
    hel_design d;
    OK(build(&d, NULL, HEL_CODING_12));
    cr_assert(strcmp(d.phenotype[0].name, "PHENO1") == 0 && d.phenotype[0].trait == BINARY);
    check_values(d.phenotype[0].y, "0 1 0 1 . .", ".fam");
    hel_design_free(&d);
    OK(build(&d, "PHENO1", HEL_CODING_12));
    hel_design_free(&d);
    FAILS(build(&d, "bmi", HEL_CODING_12), HEL_E_INPUT, ".fam column 6", "'bmi'", "PHENO1");
    for (uint32_t i = 0; i < samples.count; i++)
        samples.item[i].phenotype = -9;
    FAILS(build(&d, NULL, HEL_CODING_12), HEL_E_INPUT, ".fam column 6", "'PHENO1'", "0 samples");
    cr_assert(!d.phenotype && !d.phenotypes);
}

Test(design, phenotype_names)
{
    hel_design d;
    pheno = text_file("p.txt", "#IID a b c\ni0 1 3 x\ni1 2 2 y\ni2 2 9 x\ni3 1 4 x\n");
    OK(build(&d, "b,a", HEL_CODING_12));
    cr_assert(d.phenotypes == 2 && strcmp(d.phenotype[0].name, "b") == 0);
    cr_assert(d.phenotype[0].trait == QUANTITATIVE && d.phenotype[1].trait == BINARY);
    check_values(d.phenotype[1].y, "0 1 1 0 . .", "a");
    hel_design_free(&d);
    FAILS(build(&d, "a,zz", HEL_CODING_12), HEL_E_INPUT, "p.txt", "'zz'", "a, b, c");
    FAILS(build(&d, "a,a", HEL_CODING_12), HEL_E_USAGE, "phenotype names", "'a'", "twice");
    FAILS(build(&d, "a,,b", HEL_CODING_12), HEL_E_USAGE, "phenotype names", "empty name");
    FAILS(build(&d, "", HEL_CODING_12), HEL_E_USAGE, "phenotype names", "empty name");
    FAILS(build(&d, NULL, HEL_CODING_12), HEL_E_INPUT, "p.txt", "'c'", "categorical");
    FAILS(build(&d, "b", (hel_coding)7), HEL_E_USAGE, "coding", "7");
}

Test(design, phenotype_refusals)
{
    hel_design d;
#define PHENO(cells, coding, ...)                                                                  \
    pheno = column_file("p.txt", "y", cells);                                                      \
    FAILS(build(&d, NULL, coding), HEL_E_INPUT, "p.txt", __VA_ARGS__)
    PHENO("0 1 0 1 0 1", HEL_CODING_12, "'y'", "0 and 1", "--1");
    PHENO("0 1 NA -9 0 1", HEL_CODING_12, "'y'", "0 and 1", "--1");
    PHENO("2 2 2 2 0 NA", HEL_CODING_12, "'y'", "all 4 samples are cases", "0 missing");
    PHENO("1 1 1 1 NA NA", HEL_CODING_12, "'y'", "all 4 samples are controls");
    PHENO("1 1 1 1 1 NA", HEL_CODING_01, "'y'", "all 5 samples are cases");
    PHENO("0 0 0 0 0 NA", HEL_CODING_01, "'y'", "all 5 samples are controls");
    PHENO("0 0 -9 0 0 NA", HEL_CODING_12, "'y'", "0 samples have a value");
    PHENO("NA NA NA NA NA NA", HEL_CODING_12, "'y'", "0 samples have a value");
    PHENO("1 2 0 0 NA NA", HEL_CODING_12, "'y'", "2 samples have a value");
    PHENO("1.5 2 NA NA NA NA", HEL_CODING_12, "'y'", "2 samples have a value", "at least 3");
    PHENO("3 3 3 3 3 NA", HEL_CODING_12, "'y'", "constant", "is 3");
    PHENO("a b a b a b", HEL_CODING_12, "'y'", "categorical", "'a'");
    PHENO("1 2 3 inf 5 6", HEL_CODING_12, "line 5", "'inf'", "finite");
    PHENO("1 2 3 4 x 6", HEL_CODING_12, "line 6", "'x'", "word among numbers");
    pheno = text_file("p.txt", "#IID y\nz0 1\nz1 2\nz2 4\n");
    FAILS(build(&d, NULL, HEL_CODING_12), HEL_E_INPUT, "p.txt", "none of its 3 rows");
}

/* --- covariates --- */

Test(design, numeric_covariates)
{
    hel_design d;
    pheno = column_file("p.txt", "y", "1.5 2 3 4 5 6");
    covar = text_file("c.txt", "#IID age pc\ni1 40 -9\ni0 30 0.5\ni2 50 1e-3\ni4 20 NA\n");
    OK(build(&d, NULL, HEL_CODING_12));
    cr_assert(d.covariates == 2 && strcmp(d.covariate_name[0], "age") == 0);
    check_values(d.covariate[0], "30 40 50 . 20 .", "age");
    check_values(d.covariate[1], "0.5 . 0.001 . . .", "pc: -9 is missing as in plink2");
    hel_design_free(&d);
    hel_design_request request = {.pheno_path = pheno, .covar_path = covar, .covar_names = "pc"};
    OK(hel_design_build(engine, &request, &samples, &d));
    cr_assert(d.covariates == 1 && strcmp(d.covariate_name[0], "pc") == 0);
    hel_design_free(&d);
    request.covar_names = "pc,sex";
    FAILS(hel_design_build(engine, &request, &samples, &d), HEL_E_INPUT, "c.txt", "'sex'",
          "age, pc");
    request.covar_names = "pc,pc";
    FAILS(hel_design_build(engine, &request, &samples, &d), HEL_E_USAGE, "covariate names",
          "twice");
    request.covar_path = NULL;
    FAILS(hel_design_build(engine, &request, &samples, &d), HEL_E_USAGE, "covariate file");
}

/* plink2 leaves out the most common level, of equals the first by name. */
static void check_categorical(const char *cells, const char *names, const char *first,
                              const char *reference)
{
    hel_design d;
    char found[256] = "";
    covar = column_file("c.txt", "b", cells);
    pheno = column_file("p.txt", "y", "1.5 2 3 4 5 6");
    OK(build(&d, NULL, HEL_CODING_12));
    for (uint32_t k = 0; k < d.covariates; k++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", k ? " " : "",
                 d.covariate_name[k]);
    cr_assert(strcmp(found, names) == 0, "%s: '%s', not '%s'", cells, found, names);
    if (*first)
        check_values(d.covariate[0], first, cells);
    cr_assert(d.categories == 1 && strcmp(d.reference_name[0], reference) == 0, "%s: '%s'", cells,
              d.reference_name[0]);
    for (uint32_t k = 0; k < d.covariates; k++)
        cr_assert_eq(d.category[k], 1);
    hel_design_free(&d);
}

Test(design, categorical_covariates)
{
    check_categorical("b b z z z a", "b=b b=a", "1 1 0 0 0 0", "b=z");
    check_categorical("z b a z b a", "b=z b=b", "1 0 0 1 0 0", "b=a");
    check_categorical("a b b z b z", "b=a b=z", "1 0 0 0 0 0", "b=b");
    check_categorical("a NA b NONE b b", "b=a", "1 . 0 . 0 0", "b=b");
    check_categorical("a a a a a NA", "", "", "b=a");
}

Test(design, which_columns_are_levels)
{
    hel_design d;
    pheno = column_file("p.txt", "y", "1.5 2 3 4 5 6");
    covar = text_file("c.txt", "#IID a x b z\ni0 p 1 u 1\ni1 q 2 u 1\ni2 q 2 v 1\ni3 r 1 w 1\n");
    OK(build(&d, NULL, HEL_CODING_12));
    const uint32_t want[] = {1, 1, 0, 2, 2, 0};
    cr_assert(d.covariates == 6 && d.categories == 2);
    cr_assert_eq(memcmp(d.category, want, sizeof want), 0);
    cr_assert(strcmp(d.reference_name[0], "a=q") == 0 && strcmp(d.reference_name[1], "b=u") == 0);
    hel_design_free(&d);
}

Test(design, levels_that_no_sample_has)
{
    hel_design d;
    pheno = column_file("p.txt", "y", "1.5 2 3 4 5 6");
    covar = text_file("c.txt", "#IID b\nx0 q\nx1 q\nx2 q\nx3 q\ni0 r\ni1 s\ni2 s\nx4 t\n");
    OK(build(&d, NULL, HEL_CODING_12));
    cr_assert(d.covariates == 1 && strcmp(d.covariate_name[0], "b=r") == 0);
    check_values(d.covariate[0], "1 0 0 . . .", "b");
    hel_design_free(&d);
}

Test(design, covariate_refusals)
{
    hel_design d;
    pheno = column_file("p.txt", "y", "1.5 2 3 NA NA NA");
#define COVAR(cells, ...)                                                                          \
    covar = column_file("c.txt", "x", cells);                                                      \
    FAILS(build(&d, NULL, HEL_CODING_12), HEL_E_INPUT, "c.txt", __VA_ARGS__)
    COVAR("NA NA NA NA NA NA", "'x'", "no sample has a value");
    COVAR("NA NA NA 1 2 3", "'y'", "no sample has phenotype");
    COVAR("1 2 inf 1 2 3", "line 4", "'x'", "'inf'");
    covar = text_file("c.txt", "#IID x\nz0 1\nz1 2\nz2 4\n");
    FAILS(build(&d, NULL, HEL_CODING_12), HEL_E_INPUT, "c.txt", "none of its 3 rows");
    covar = pheno;
    FAILS(build(&d, NULL, HEL_CODING_12), HEL_E_INPUT, "p.txt", "'y'", "covariate at once");
    cr_assert(!d.phenotype && !d.covariate);
    char *text = malloc(40000), *p = text;
    p += sprintf(p, "#IID plate");
    for (int i = 0; i < 1001; i++)
        p += sprintf(p, "\ni%d p%d", i, i);
    covar = text_file("c.txt", text);
    FAILS(build(&d, NULL, HEL_CODING_12), HEL_E_INPUT, "c.txt", "'plate'", "1001 levels", "1000");
    *strrchr(text, '\n') = 0;
    covar = text_file("c.txt", text);
    OK(build(&d, NULL, HEL_CODING_12));
    cr_assert_eq(d.covariates, 5); /* six samples, six levels */
    hel_design_free(&d);
    free(text);
}

Test(design, allocation_failures_leak_nothing)
{
    pheno = text_file("p.txt", "#IID a b\ni0 1 3\ni1 2 2\ni2 2 9\ni3 1 4\n");
    covar = text_file("c.txt", "#IID x c\ni0 1 r\ni1 2 s\ni2 2 s\ni3 1 t\n");
    for (uint64_t nth = 1, done = 0; !done; nth++) {
        hel_design d;
        hel_mem_fail_nth(nth);
        hel_status status = build(&d, "a,b", HEL_CODING_12);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY);
        done = status == HEL_OK;
        hel_design_free(&d);
        cr_assert_lt(nth, 200);
    }
}

/* --- real sets: kinds and numbers of values as plink2 reports them --- */

typedef struct expected {
    const char *name;
    hel_trait trait;
    uint32_t values, cases;
} expected;

static void check_real(const char *set, const char *covariates, uint32_t columns,
                       const expected *want, uint32_t count)
{
    hel_samples s;
    hel_design d;
    real_set(set);
    OK(hel_fam_read(engine, real_file(set, ".fam"), &s));
    hel_design_request request = {.pheno_path = real_file(set, ".pheno"),
                                  .covar_path = real_file(set, covariates)};
    OK(hel_design_build(engine, &request, &s, &d));
    cr_assert_eq(d.covariates, columns);
    cr_assert_geq(d.phenotypes, count);
    for (uint32_t p = 0; p < count; p++) {
        const hel_phenotype *y = &d.phenotype[p];
        uint32_t values = 0, cases = 0;
        for (uint32_t i = 0; i < d.samples; i++) {
            values += !isnan(y->y[i]);
            cases += y->y[i] == 1;
        }
        cr_assert(strcmp(y->name, want[p].name) == 0 && y->trait == want[p].trait, "%s", y->name);
        cr_assert(values == want[p].values, "%s: %u values", y->name, values);
        cr_assert(y->trait == QUANTITATIVE || cases == want[p].cases, "%s: %u cases", y->name,
                  cases);
    }
    hel_design_free(&d);
    hel_samples_free(&s);
}

Test(design, real_bglr_mice)
{
    static const expected want[] = {
        {"BMI", QUANTITATIVE, 1814, 0},   {"BodyLength", QUANTITATIVE, 1814, 0},
        {"EndBW", QUANTITATIVE, 1814, 0}, {"HDL", QUANTITATIVE, 1594, 0},
        {"ALP", QUANTITATIVE, 1691, 0},   {"TotChol", QUANTITATIVE, 1689, 0},
        {"ALBINO", BINARY, 1814, 164}};
    check_real("bglr_mice", ".covar_all", 10, want, 7);
}

Test(design, real_gemma_mouse)
{
    static const expected want[] = {{"CD8", QUANTITATIVE, 1410, 0},
                                    {"MCH", QUANTITATIVE, 1580, 0},
                                    {"CD8HIGH", BINARY, 1410, 705}};
    check_real("gemma_mouse", ".covar_all", 5, want, 3);
}

Test(design, real_idash)
{
    static const expected want[] = {{"COND", BINARY, 245, 108}};
    check_real("idash2018", ".covar_all", 7, want, 1);
}

Test(design, real_rice)
{
    static const expected want[] = {{"Na_K_Shoot_LSMEAN", QUANTITATIVE, 374, 0},
                                    {"Na_Shoot_LSMEAN", QUANTITATIVE, 374, 0},
                                    {"Shoot_BM_Control_LSMEAN", QUANTITATIVE, 374, 0},
                                    {"Ht_Lig_Control_Comb", QUANTITATIVE, 374, 0},
                                    {"Flowering_time_at_Arkansas", QUANTITATIVE, 349, 0},
                                    {"Flowering_time_at_Faridpur", QUANTITATIVE, 291, 0},
                                    {"Flowering_time_at_Aberdeen", QUANTITATIVE, 340, 0}};
    check_real("rice44k", ".covar_all", 4, want, 7);
}
