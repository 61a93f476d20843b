/*
 * Inputs that break a rule, and files that do not belong together: the status, the exit code of the
 * program, and a text that names file, place and rule.
 */
#include "tests/e2e/program.h"
#include "tests/e2e/toy_cohort.h"

enum { SAMPLES = 90, VARIANTS = 60 };

/* ---- phenotypes and covariates ---- */

typedef struct table_case {
    const char *name;
    const char *(*pheno)(char *line, size_t bytes, int i); /* of sample i; NULL: the good file */
    const char *(*covar)(char *line, size_t bytes, int i);
    hel_status status;
    const char *file;    /* ".bad" or ".badcov": whose path the text must hold */
    const char *says[2]; /* pieces of it: place, rule */
} table_case;

#define TABLE_FN(fn, ...)                                                                          \
    static const char *fn(char *line, size_t bytes, int i)                                         \
    {                                                                                              \
        snprintf(line, bytes, __VA_ARGS__);                                                        \
        return line;                                                                               \
    }

static double noise(int i)
{
    uint64_t state = (uint64_t)i + 1;
    return (double)(test_random(&state) % 1000) / 1000;
}

TABLE_FN(constant_value, "f%d s%d 7.25", i / 3, i)
TABLE_FN(infinite_value, "f%d s%d %s", i / 3, i, i == 4 ? "-inf" : i % 2 ? "0.5" : "1.5")
TABLE_FN(word_value, "f%d s%d %s", i / 3, i, i == 4 ? "0x2g" : i % 2 ? "0.5" : "1.5")
TABLE_FN(all_nan, "f%d s%d nan", i / 3, i)
TABLE_FN(zero_one, "f%d s%d %d", i / 3, i, i % 2)
TABLE_FN(only_cases, "f%d s%d 2", i / 3, i)
TABLE_FN(only_controls_and_missing, "f%d s%d %d", i / 3, i, i % 2 ? 1 : -9)
TABLE_FN(others, "other%d person%d %.3f", i, i, noise(i))
TABLE_FN(twice, "f%d s%d %.3f", i == 9 ? 2 : i / 3, i == 9 ? 8 : i, noise(i))
TABLE_FN(ragged, "f%d s%d %.3f%s", i / 3, i, noise(i), i == 11 ? " 4" : "")
TABLE_FN(no_value, "f%d s%d", i / 3, i)
TABLE_FN(few, "f%d s%d %s", i / 3, i, i == 0 ? "0.25" : i == 1 ? "0.5" : i == 2 ? "4" : "NA")
TABLE_FN(single, "f%d s%d %s", i / 3, i, i == 5 ? "0.25" : "NA")
TABLE_FN(two_covariates, "f%d s%d %.3f %.3f", i / 3, i, noise(i + 50), noise(i + 700))
TABLE_FN(constant_covariate, "f%d s%d 3 %.3f", i / 3, i, noise(i))
TABLE_FN(dependent, "f%d s%d %.3f %.3f %.3f", i / 3, i, noise(i), noise(i + 500),
         3 * noise(i) - 2 * noise(i + 500) + 1)
TABLE_FN(nearly_dependent, "f%d s%d %.3f %.8f", i / 3, i, noise(i), noise(i) + 1e-5 * noise(i + 99))
TABLE_FN(missing_covariate, "f%d s%d NA", i / 3, i)
TABLE_FN(infinite_covariate, "f%d s%d %s", i / 3, i, i == 3 ? "inf" : "1.5")
TABLE_FN(identifiers, "f%d s%d person_%d", i / 3, i, i)
TABLE_FN(separating, "f%d s%d %.3f", i / 3, i, (i % 2 ? 10 : 0) + noise(i))
TABLE_FN(case_control, "f%d s%d %d", i / 3, i, 1 + i % 2)
TABLE_FN(itself, "f%d s%d %.6g", i / 3, i, noise(i) * 4)

static const table_case table_cases[] = {
    {"constant", constant_value, NULL, HEL_E_INPUT, ".bad", {"'Y0'", "constant"}},
    {"inf", infinite_value, NULL, HEL_E_INPUT, ".bad", {"line 6", "'-inf'"}},
    {"word", word_value, NULL, HEL_E_INPUT, ".bad", {"'Y0'", "0x2g"}},
    {"nan everywhere", all_nan, NULL, HEL_E_INPUT, ".bad", {"'Y0'", "0 samples have a value"}},
    {"0/1", zero_one, NULL, HEL_E_INPUT, ".bad", {"'Y0'", "--1"}},
    {"only cases", only_cases, NULL, HEL_E_INPUT, ".bad", {"'Y0'", "are cases"}},
    {"only controls", only_controls_and_missing, NULL, HEL_E_INPUT, ".bad", {"", "are controls"}},
    {"nobody in common", others, NULL, HEL_E_INPUT, ".bad", {"", "sample"}},
    {"duplicate", twice, NULL, HEL_E_INPUT, ".bad", {"line 11", "line 10 already"}},
    {"ragged", ragged, NULL, HEL_E_INPUT, ".bad", {"line 13", "4 columns"}},
    {"no column", no_value, NULL, HEL_E_INPUT, ".bad", {"line 1", "columns"}},
    {"three samples", few, two_covariates, HEL_E_MODEL, ".bad", {"'Y0'", "at least"}},
    {"one sample", single, NULL, HEL_E_INPUT, ".bad", {"'Y0'", "at least"}},
    {"constant covariate", NULL, constant_covariate, HEL_E_MODEL, "", {"'Y0'", "is constant"}},
    {"dependent", NULL, dependent, HEL_E_MODEL, "", {"linear combination", "leave it out"}},
    {"nearly dependent", NULL, nearly_dependent, HEL_E_MODEL, "", {"'Y1'", "leave"}},
    {"no covariate", NULL, missing_covariate, HEL_E_INPUT, ".badcov", {"'Y0'", "no sample"}},
    {"inf covariate", NULL, infinite_covariate, HEL_E_INPUT, ".badcov", {"line 5", "inf"}},
    {"identifiers", NULL, identifiers, HEL_E_MODEL, ".pheno", {"'Q1'", "a model of rank"}},
    {"separated", case_control, separating, HEL_E_MODEL, ".bad", {"'Y0'", "separates"}},
    {"the covariate itself",
     itself,
     itself,
     HEL_E_MODEL,
     ".bad",
     {"'Y0'", "nothing is left to test"}},
};

/* A header for as many columns as the first line has. */
static void write_table(const char *path, const char *(*fn)(char *, size_t, int))
{
    char line[256];
    FILE *f = fopen(path, "w");
    int columns = -1;
    fn(line, sizeof line, 0);
    for (const char *p = line; *p; p++)
        columns += *p == ' ';
    fprintf(f, "#FID IID");
    for (int c = 0; c < columns; c++)
        fprintf(f, " Y%d", c);
    fprintf(f, "\n");
    for (int i = 0; i < SAMPLES; i++)
        fprintf(f, "%s\n", fn(line, sizeof line, i));
    fclose(f);
}

static void check_text(const char *name, const char *said, const table_case *c, const char *path)
{
    cr_expect(strstr(said, path), "%s: the file %s is not named: %s", name, path, said);
    for (int k = 0; k < 2; k++)
        cr_expect(strstr(said, c->says[k]), "%s: '%s' is missing: %s", name, c->says[k], said);
}

Test(bad_input, phenotypes_and_covariates, .timeout = 300)
{
    toy t;
    program_result r;
    char bad[2 * PATH_MAX], badcov[2 * PATH_MAX], named[2 * PATH_MAX];
    toy_start(&t, SAMPLES, VARIANTS);
    snprintf(bad, sizeof bad, "%s.bad", t.e.prefix);
    snprintf(badcov, sizeof badcov, "%s.badcov", t.e.prefix);
    E2E_OK(&t.e, e2e_keygen(&t.e, &t.params));
    E2E_OK(&t.e, e2e_encrypt(&t.e, t.e.prefix, 0));
    for (size_t i = 0; i < sizeof table_cases / sizeof table_cases[0]; i++) {
        const table_case *c = &table_cases[i];
        const char *pheno = c->pheno ? bad : t.pheno, *covar = c->covar ? badcov : NULL;
        if (c->pheno)
            write_table(bad, c->pheno);
        if (c->covar)
            write_table(badcov, c->covar);
        snprintf(named, sizeof named, "%s%s", t.e.prefix, c->file);
        hel_status status = e2e_null(&t.e, pheno, c->pheno ? NULL : "Q1", covar, NULL);
        cr_expect_eq(status, c->status, "%s: %s: %s", c->name, hel_status_name(status),
                     hel_engine_error(t.e.engine));
        check_text(c->name, hel_engine_error(t.e.engine), c, named);
        const char *argv[] = {NULL,
                              "null",
                              "--data",
                              e2e_path(&t.e, ".private"),
                              "--key",
                              e2e_path(&t.e, ".key"),
                              "--out",
                              t.e.prefix,
                              "--quiet",
                              "--pheno",
                              pheno,
                              "--pheno-name",
                              c->pheno ? "Y0" : "Q1",
                              c->covar ? "--covar" : NULL,
                              covar,
                              NULL};
        if (c->pheno || c->covar) {
            program_run_argv(&r, NULL, NULL, argv);
            cr_expect_eq(r.code, 65, "%s: exit %d: %s", c->name, r.code, r.err);
        }
        cr_expect_not(test_exists(e2e_path(&t.e, ".weights")), "%s", c->name);
        cr_expect_not(test_exists(e2e_path(&t.e, ".model")), "%s", c->name);
        cr_expect_eq(toy_count(&t, ".part"), 0, "%s", c->name);
    }
    E2E_FAILS(&t.e, e2e_null(&t.e, t.pheno, "Q9", NULL, NULL), HEL_E_INPUT, "Q9");
    E2E_FAILS(&t.e, e2e_null(&t.e, e2e_path(&t.e, ".nowhere"), NULL, NULL, NULL), HEL_E_IO,
              ".nowhere");
    toy_stop(&t);
}

/* ---- filesets ---- */

static void rewrite(const char *path, const void *data, size_t bytes)
{
    test_write_file(path, data, bytes, 0644);
}

static void must_not_encrypt(toy *t, const char *file, const char *says)
{
    program_result r;
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s", e2e_path(&t->e, file));
    E2E_FAILS(&t->e, e2e_encrypt(&t->e, t->e.prefix, 0), HEL_E_INPUT, says);
    cr_assert(strstr(hel_engine_error(t->e.engine), path), "%s", hel_engine_error(t->e.engine));
    program_run(&r, "encrypt", "--bfile", t->e.prefix, "--key", e2e_path(&t->e, ".key"), "--out",
                t->e.prefix, NULL);
    cr_assert_eq(r.code, 65, "%d: %s", r.code, r.err);
    cr_assert(strstr(r.err, says) && strstr(r.err, path), "%s", r.err);
    cr_assert_not(test_exists(e2e_path(&t->e, ".geno")));
    cr_assert_not(test_exists(e2e_path(&t->e, ".private")));
    cr_assert_eq(toy_count(t, ".part"), 0);
}

Test(bad_input, filesets, .timeout = 300)
{
    toy t;
    size_t bytes;
    char bed[2 * PATH_MAX], fam[2 * PATH_MAX];
    toy_start(&t, SAMPLES, VARIANTS);
    E2E_OK(&t.e, e2e_keygen(&t.e, &t.params));
    snprintf(bed, sizeof bed, "%s.bed", t.e.prefix);
    snprintf(fam, sizeof fam, "%s.fam", t.e.prefix);
    uint8_t *data = test_read_file(bed, &bytes), *longer = calloc(1, bytes + 1);
    memcpy(longer, data, bytes);
    rewrite(bed, data, bytes - 1);
    must_not_encrypt(&t, ".bed", "length");
    rewrite(bed, longer, bytes + 1);
    must_not_encrypt(&t, ".bed", "length");
    rewrite(bed, data, 2);
    must_not_encrypt(&t, ".bed", "begins with 3");
    longer[2] = 0;
    rewrite(bed, longer, bytes);
    must_not_encrypt(&t, ".bed", "sample-major");
    longer[0] = 0;
    rewrite(bed, longer, bytes);
    must_not_encrypt(&t, ".bed", "magic");
    rewrite(bed, data, bytes);
    free(data);
    free(longer);

    data = test_read_file(fam, &bytes);
    FILE *f = fopen(fam, "a");
    fprintf(f, "f0 s1 0 0 1 -9\n");
    fclose(f);
    must_not_encrypt(&t, ".fam", "stands in line 2 already");
    rewrite(fam, data, bytes - strlen("-9\n"));
    must_not_encrypt(&t, ".fam", "columns");
    rewrite(fam, data, 0);
    must_not_encrypt(&t, ".fam", "");
    rewrite(fam, data, bytes);
    free(data);

    const char *keep = e2e_path(&t.e, ".keep");
    test_write_file(keep, "nobody here\n", 12, 0644);
    hel_encrypt_config c = HEL_ENCRYPT_CONFIG_INIT;
    c.bfile = c.out = t.e.prefix;
    c.key = e2e_path(&t.e, ".key");
    c.keep = keep;
    E2E_FAILS(&t.e, hel_encrypt(t.e.engine, &c), HEL_E_INPUT, keep);
    E2E_OK(&t.e, e2e_encrypt(&t.e, t.e.prefix, 0));
    E2E_FAILS(&t.e, e2e_null(&t.e, t.pheno, "Q1", NULL, keep), HEL_E_INPUT, keep);
    toy_stop(&t);
}

/* ---- files that do not belong together ---- */

/* A second run's files beside the first one's: <dir>/y.* under parameters of 2^log_n. */
static void second(toy *t, e2e *y, uint32_t log_n, const char *bfile)
{
    hel_params params = toy_params(t->e.engine, log_n);
    *y = t->e;
    snprintf(y->prefix, sizeof y->prefix, "%s/y", t->e.dir.path);
    if (log_n)
        E2E_OK(y, e2e_keygen(y, &params));
    E2E_OK(y, e2e_encrypt(y, bfile, 0));
    E2E_OK(y, e2e_null(y, t->pheno, "Q1", t->covar, NULL));
    E2E_OK(y, e2e_scan(y));
}

/* Steps of the first run with one file of the other run: the text must name both files. */
static void expect_mismatch(toy *t, const e2e *y, const char *suffix, hel_status (*step)(toy *t),
                            const char *says)
{
    char path[2 * PATH_MAX], keep[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s", e2e_path(&t->e, suffix));
    snprintf(keep, sizeof keep, "%s/keep", t->e.dir.path);
    cr_assert_eq(rename(path, keep), 0);
    toy_copy(e2e_path(y, suffix), path, 0600);
    E2E_FAILS(&t->e, step(t), HEL_E_MISMATCH, says);
    cr_assert(strstr(hel_engine_error(t->e.engine), t->e.prefix));
    cr_assert_eq(rename(keep, path), 0);
    cr_assert_eq(toy_count(t, ".part"), 0);
    cr_assert_eq(toy_count(t, ".glm.linear"), 0);
    cr_assert_not(test_exists(e2e_path(&t->e, ".key.rejections")), "counted: %s",
                  hel_engine_error(t->e.engine));
}

static hel_status step_scan(toy *t)
{
    return e2e_scan(&t->e);
}

static hel_status step_decrypt(toy *t)
{
    return e2e_decrypt(&t->e, 0, -1);
}

static void foreign_key(uint32_t log_n)
{
    toy t;
    e2e y;
    toy_start(&t, SAMPLES, VARIANTS);
    toy_scan(&t);
    second(&t, &y, log_n, t.e.prefix);
    expect_mismatch(&t, &y, ".key", toy_null, ".private: made under another key");
    expect_mismatch(&t, &y, ".key", step_decrypt, ".private: made under another key");
    expect_mismatch(&t, &y, ".private", toy_null, ".private: made under another key");
    expect_mismatch(&t, &y, ".model", step_decrypt, ".model: made under another key");
    expect_mismatch(&t, &y, ".evk", step_scan, ".evk");
    expect_mismatch(&t, &y, ".weights", step_scan, ".weights");
    expect_mismatch(&t, &y, ".geno", step_scan, ".geno");
    expect_mismatch(&t, &y, ".sums", step_decrypt, ".sums");
    E2E_OK(&t.e, step_decrypt(&t));
    toy_stop(&t);
}

Test(bad_input, wrong_key, .timeout = 300)
{
    foreign_key(10);
}

Test(bad_input, wrong_parameters, .timeout = 300)
{
    foreign_key(11);
}

/* The same key, cohort and phenotype, encrypted anew. */
Test(bad_input, another_encryption, .timeout = 300)
{
    toy t;
    e2e y;
    toy_start(&t, SAMPLES, VARIANTS);
    toy_scan(&t);
    toy_copy(e2e_path(&t.e, ".key"), test_dir_path(&t.e.dir, "y.key"), 0600);
    toy_copy(e2e_path(&t.e, ".evk"), test_dir_path(&t.e.dir, "y.evk"), 0644);
    y = t.e;
    snprintf(y.prefix, sizeof y.prefix, "%s/y", t.e.dir.path);
    E2E_OK(&y, e2e_encrypt(&y, t.e.prefix, 0));
    E2E_OK(&y, e2e_null(&y, t.pheno, "Q1", t.covar, NULL));
    E2E_OK(&y, e2e_scan(&y));
    expect_mismatch(&t, &y, ".geno", step_scan, "made for another encryption");
    expect_mismatch(&t, &y, ".weights", step_scan, "made for another encryption");
    expect_mismatch(&t, &y, ".sums", step_decrypt, "sums over another encryption");
    expect_mismatch(&t, &y, ".private", step_decrypt, "fitted for another encryption");
    expect_mismatch(&t, &y, ".model", step_decrypt, "fitted for another encryption");
    E2E_OK(&t.e, step_decrypt(&t));
    toy_stop(&t);
}

/* The same encryption, another phenotype: model and sums of different runs. */
Test(bad_input, another_run, .timeout = 300)
{
    toy t;
    e2e y;
    toy_start(&t, SAMPLES, VARIANTS);
    toy_scan(&t);
    y = t.e;
    snprintf(y.prefix, sizeof y.prefix, "%s/y", t.e.dir.path);
    static const char *const kept[] = {".key", ".evk", ".geno", ".private"};
    for (int i = 0; i < 4; i++)
        toy_copy(e2e_path(&t.e, kept[i]), e2e_path(&y, kept[i]), 0600);
    E2E_OK(&y, e2e_null(&y, t.pheno, "Q2", t.covar, NULL));
    E2E_OK(&y, e2e_scan(&y));
    expect_mismatch(&t, &y, ".model", step_decrypt, "sums of other weights");
    expect_mismatch(&t, &y, ".sums", step_decrypt, "sums of other weights");
    E2E_OK(&t.e, step_decrypt(&t));
    toy_stop(&t);
}

/* The same samples in another order: the keyed digest of the identities differs. */
Test(bad_input, sample_order, .timeout = 300)
{
    toy t;
    e2e y;
    ref_cohort cohort;
    size_t bytes;
    toy_start(&t, SAMPLES, VARIANTS);
    toy_scan(&t);
    y = t.e;
    snprintf(y.prefix, sizeof y.prefix, "%s/y", t.e.dir.path);
    toy_copy(e2e_path(&t.e, ".key"), e2e_path(&y, ".key"), 0600);
    toy_copy(e2e_path(&t.e, ".evk"), e2e_path(&y, ".evk"), 0644);
    ref_cohort_write(&cohort, &(ref_cohort_request){.samples = SAMPLES, .variants = VARIANTS},
                     y.prefix);
    ref_cohort_free(&cohort);
    char *fam = (char *)test_read_file(e2e_path(&t.e, ".fam"), &bytes);
    size_t line = (size_t)(strchr(fam, '\n') - fam) + 1;
    FILE *f = fopen(e2e_path(&y, ".fam"), "w"); /* the first line comes last */
    fwrite(fam + line, 1, bytes - line, f);
    fwrite(fam, 1, line, f);
    fclose(f);
    free(fam);
    E2E_OK(&y, e2e_encrypt(&y, y.prefix, 0));
    E2E_OK(&y, e2e_null(&y, t.pheno, "Q1", t.covar, NULL));
    E2E_OK(&y, e2e_scan(&y));
    expect_mismatch(&t, &y, ".geno", step_scan, "sample");
    expect_mismatch(&t, &y, ".weights", step_scan, "sample");
    expect_mismatch(&t, &y, ".private", step_decrypt, ".model");
    expect_mismatch(&t, &y, ".sums", step_decrypt, "sample");

    /* A forged frame that claims the right order and encryption meets the verdict instead. */
    uint8_t *honest = test_read_file(e2e_path(&t.e, ".sums"), &bytes);
    size_t other_bytes;
    uint8_t *other = test_read_file(e2e_path(&y, ".sums"), &other_bytes);
    uint64_t section, other_section;
    cr_assert_eq(bytes, other_bytes);
    uint8_t *to = toy_find(honest, HEL_SECTION_CIPHER, &section);
    const uint8_t *from = toy_find(other, HEL_SECTION_CIPHER, &other_section);
    memcpy(to, from, section);
    repair_sums(honest, bytes);
    repair_digests(honest, bytes);
    test_write_file(e2e_path(&t.e, ".sums"), honest, bytes, 0644);
    E2E_FAILS(&t.e, step_decrypt(&t), HEL_E_VERIFY, "verification");
    free(honest);
    free(other);
    toy_stop(&t);
}

/* The program's exit code for files that do not fit. */
Test(bad_input, mismatch_through_the_program)
{
    toy t;
    e2e y;
    program_result r;
    toy_start(&t, SAMPLES, VARIANTS);
    toy_scan(&t);
    second(&t, &y, 10, t.e.prefix);
    program_run(&r, "scan", "--geno", e2e_path(&t.e, ".geno"), "--weights",
                e2e_path(&y, ".weights"), "--evk", e2e_path(&t.e, ".evk"), "--out", t.e.prefix,
                NULL);
    cr_assert_eq(r.code, 65, "%d: %s", r.code, r.err);
    cr_assert(strstr(r.err, e2e_path(&y, ".weights")), "%s", r.err);
    program_run(&r, "decrypt", "--sums", e2e_path(&t.e, ".sums"), "--data",
                e2e_path(&t.e, ".private"), "--model", e2e_path(&t.e, ".model"), "--key",
                e2e_path(&y, ".key"), "--out", t.e.prefix, NULL);
    cr_assert_eq(r.code, 65, "%d: %s", r.code, r.err);
    cr_assert(strstr(r.err, "another key"), "%s", r.err);
    toy_stop(&t);
}
