/* Tables, joins, numbers and the ID map. */
#include <float.h>
#include <locale.h>
#include <math.h>

#include "host/geno/id_map.h"
#include "host/geno/table.h"
#include "host/geno/text.h"
#include "tests/geno/geno_test.h"

TestSuite(table, .init = geno_setup, .fini = geno_teardown);

static hel_status read_text(const char *text, hel_table *t)
{
    return hel_table_read(engine, text_file("t.txt", text), t);
}

/* --- numbers --- */

Test(table, numbers_like_strtod)
{
    ref_random r = ref_random_start(1);
    for (size_t k = 0; k < ref_scaled(200000); k++) {
        char text[64];
        double value, want;
        uint64_t bits = ref_random_u64(&r);
        memcpy(&want, &bits, 8);
        if (k % 2)
            want = ldexp((double)(int64_t)bits, -(int)ref_random_below(&r, 80));
        snprintf(text, sizeof text, k % 3 ? "%.*g" : "%.*e", (int)ref_random_below(&r, 22), want);
        want = strtod(text, NULL);
        if (!isfinite(want))
            continue;
        cr_assert(hel_text_number(text, &value) == HEL_NUMBER_OK && value == want,
                  "'%s': %a, not %a", text, value, want);
    }
}

Test(table, number_corners)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},
        {"-0", -0.0},
        {"+3", 3},
        {".5", 0.5},
        {"5.", 5},
        {"1e5", 1e5},
        {"1E-3", 1e-3},
        {"007", 7},
        {"9007199254740993", 9007199254740992.},
        {"18446744073709551616", 18446744073709551616.},
        {"36893488147419103232", 36893488147419103232.},
        {"0.00000000000000000000000000000000000001", 1e-38},
        {"1.7976931348623157e308", DBL_MAX},
        {"4.9e-324", 4.9406564584124654e-324},
        {"1e-400", 0},
        {"0e999999999999", 0},
        {"100000000000000000000000000000000e-32", 1},
    };
    double value;
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++)
        cr_assert(hel_text_number(good[k].text, &value) == HEL_NUMBER_OK &&
                      value == good[k].value && !signbit(value) == !signbit(good[k].value),
                  "'%s': %a", good[k].text, value);
    const char *bad[] = {"1,5", "0x10", "3rd", "1e", "1e+", "1.2.3", "1-2", "5e1.5", "1_000"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        cr_assert(hel_text_number(bad[k], &value) == HEL_NUMBER_BAD && isnan(value), "'%s'",
                  bad[k]);
    const char *word[] = {"abc", "-", "+", ".", "-.", "e5", "nan", "-nan", "infant", "NA", "--1"};
    for (size_t k = 0; k < sizeof word / sizeof word[0]; k++)
        cr_assert(hel_text_number(word[k], &value) == HEL_NUMBER_WORD && isnan(value), "'%s'",
                  word[k]);
    const char *huge[] = {"inf", "-Inf", "+INFINITY", "1e309", "-2e308"};
    for (size_t k = 0; k < sizeof huge / sizeof huge[0]; k++)
        cr_assert(hel_text_number(huge[k], &value) == HEL_NUMBER_HUGE && isnan(value), "'%s'",
                  huge[k]);
}

/* A program may have set a locale with a decimal comma; skipped where none is installed. */
Test(table, numbers_in_any_locale)
{
    double value;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
        cr_skip_test("no locale with a decimal comma");
    cr_assert(hel_text_number("1.25000000000000000000001", &value) == HEL_NUMBER_OK);
    cr_assert(value == 1.25);
}

/* --- ID map --- */

Test(table, id_map_finds_all)
{
    enum { KEYS = 5000 };
    static char text[KEYS][2][12];
    hel_id_map map = {0};
    uint32_t found;
    cr_assert_eq(hel_id_map_get(&map, "", "x"), HEL_ID_NONE);
    for (uint32_t k = 0; k < KEYS; k++) {
        snprintf(text[k][0], sizeof text[k][0], "%u", k % 70);
        snprintf(text[k][1], sizeof text[k][1], "%u", k / 70);
        OK(hel_id_map_put(engine, &map, text[k][0], text[k][1], k, &found));
        cr_assert_eq(found, HEL_ID_NONE);
        OK(hel_id_map_put(engine, &map, text[k / 2][0], text[k / 2][1], 7, &found));
        cr_assert_eq(found, k / 2);
    }
    for (uint32_t k = 0; k < KEYS; k++)
        cr_assert_eq(hel_id_map_get(&map, text[k][0], text[k][1]), k);
    cr_assert_eq(hel_id_map_get(&map, "70", "0"), HEL_ID_NONE);
    cr_assert_eq(hel_id_map_get(&map, "1", "11000"), HEL_ID_NONE);
    hel_id_map_free(&map);
}

/* --- header styles --- */

Test(table, header_styles)
{
    static const struct {
        const char *text, *fid, *name;
        int has_fid;
    } style[] = {
        {"#FID IID x y\nf i 1 2\ng j 3 NA\n", "f", "x", 1},
        {"FID\tIID\tx\ty\nf\ti\t1\t2\ng\tj\t3\tNA\n", "f", "x", 1},
        {"#IID x y\ni 1 2\nj 3 nan\n", "0", "x", 0},
        {"IID x y\ni 1 2\nj 3 .", "0", "x", 0},
        {"f i 1 2\ng j 3 NA\n", "f", "PHENO1", 1},
        {"## made by hand\n# twice\n#FID IID x y\nf i 1 2\ng j 3 N/A\n", "f", "x", 1},
        {"\xef\xbb\xbf#FID IID x y\r\nf i 1 2\r\ng j 3 na", "f", "x", 1},
        {"  FID  IID \t x y \nf i 1 2  \n\tg j 3 -9\n\n\n", "f", "x", 1},
        {"#FID IID x y\nf i 1 2\ng j 3 -9.0", "f", "x", 1},
    };
    for (size_t k = 0; k < sizeof style / sizeof style[0]; k++) {
        hel_table t;
        OK(read_text(style[k].text, &t));
        cr_assert(t.rows == 2 && t.columns == 2, "style %zu", k);
        cr_assert(t.has_fid == style[k].has_fid && strcmp(t.row[0].fid, style[k].fid) == 0 &&
                      strcmp(t.row[1].iid, "j") == 0,
                  "style %zu", k);
        cr_assert(strcmp(t.column[0].name, style[k].name) == 0, "style %zu", k);
        cr_assert(t.column[0].value[0] == 1 && t.column[0].value[1] == 3, "style %zu", k);
        cr_assert(t.column[1].value[0] == 2 && isnan(t.column[1].value[1]), "style %zu", k);
        cr_assert(!t.column[0].categorical && !t.column[1].categorical);
        hel_table_free(&t);
    }
}

Test(table, first_line_of_data_may_be_missing)
{
    hel_table t;
    OK(read_text("f i NA word\ng j 1 other\n", &t));
    cr_assert(t.rows == 2 && isnan(t.column[0].value[0]) && t.column[1].categorical);
    cr_assert(strcmp(t.column[1].name, "PHENO2") == 0);
    hel_table_free(&t);
}

Test(table, categories)
{
    hel_table t;
    OK(read_text("#IID a b\n1 NA x\n2 red NONE\n3 blue x\n4 red -9\n5 . y\n", &t));
    cr_assert(t.column[0].categorical && t.column[1].categorical);
    cr_assert_eq(t.column[0].levels, 2);
    cr_assert(strcmp(t.column[0].level[0], "red") == 0 &&
              strcmp(t.column[0].level[1], "blue") == 0);
    const double *a = t.column[0].value, *b = t.column[1].value;
    cr_assert(isnan(a[0]) && a[1] == 0 && a[2] == 1 && a[3] == 0 && isnan(a[4]));
    cr_assert(b[0] == 0 && isnan(b[1]) && b[2] == 0 && isnan(b[3]) && b[4] == 1);
    hel_table_free(&t);
}

Test(table, many_levels_and_rows)
{
    enum { ROWS = 3000 };
    char *text = malloc(ROWS * 32), *p = text;
    p += sprintf(p, "#IID c\n");
    for (int i = 0; i < ROWS; i++)
        p += sprintf(p, "i%d level%d\n", i, i % 100);
    hel_table t;
    OK(read_text(text, &t));
    cr_assert(t.rows == ROWS && t.column[0].levels == 100);
    for (int i = 0; i < ROWS; i++)
        cr_assert(t.column[0].value[i] == i % 100);
    hel_table_free(&t);
    free(text);
}

/* --- refusals --- */

Test(table, refusals)
{
    hel_table t;
#define BAD(text, ...) FAILS(read_text(text, &t), HEL_E_INPUT, "t.txt: line ", __VA_ARGS__)
    BAD("#FID IID x\nf i 1\nf j 1 2\n", "line 3", "4 columns, the first line has 3");
    BAD("#FID IID x\nf i 1\nf j\n", "line 3", "2 columns, the first line has 3");
    BAD("f i 1\nf j\n", "line 2", "2 columns, the first line has 3");
    BAD("#FID IID x\nf i 1\ng i 1\nf i 2\n", "line 4", "'f i'", "line 2 already");
    BAD("#IID x\ni 1\ni 2\n", "line 3", "'0 i'", "line 2 already");
    BAD("f i 1\nf i 2\n", "line 2", "'f i'", "line 1 already");
    BAD("#FID IID x y x\nf i 1 2 3\n", "line 1", "two columns", "'x'");
    BAD("#FID IID\nf i\n", "line 1", "no data columns");
    BAD("#IID\ni\n", "line 1", "no data columns");
    BAD("#FID IID x\n", "line 1", "no data rows");
    BAD("#FID x\nf 1\n", "line 1", "second column", "IID");
    BAD("FID\nf\n", "line 1", "second column", "IID");
    BAD("#FID IID SID x\nf i s 1\n", "line 1", "SID");
    BAD("fid iid x\nf i 1\n", "line 1", "neither a header", "#FID IID");
    BAD("FID,IID,x\nf,i,1\n", "line 1", "neither a header", "tabs or spaces");
    BAD("f i\n", "line 1", "neither a header");
    BAD("# one\n# two\n", "line 2", "no header and no data");
    BAD("", "line 1", "empty");
    BAD("#IID x\ni 1\n\nj 2\n", "line 3", "blank line");
    BAD("#IID x\ni inf\n", "line 2", "'x'", "'inf'", "finite");
    BAD("#IID x\ni 1e400\n", "line 2", "'x'", "'1e400'", "finite");
    BAD("#IID x\ni 1\nj 1,5\n", "line 3", "'x'", "'1,5'", "is none");
    BAD("#IID x\ni 1\nj abc\n", "line 3", "'x'", "'abc'", "word among numbers");
    BAD("#IID x\ni abc\nj 1\n", "line 3", "'x'", "'1'", "number among words");
    BAD("#IID x\ni 1\n#j 1 2\n", "line 3", "3 columns");
    FAILS(hel_table_read(engine, bytes_file("t.txt", "#IID x\ni \0001\n", 11), &t), HEL_E_INPUT,
          "t.txt: line 2", "NUL");
    FAILS(hel_table_read(engine, test_dir_path(&dir, "none.txt"), &t), HEL_E_IO, "none.txt");
    cr_assert(!t.row && !t.column && !t.text && !t.path);
}

/* A header far wider than its rows must not make the reader claim memory for both. */
Test(table, wide_header_and_many_lines)
{
    enum { WIDE = 100000, LINES = 100000 };
    char *text = malloc(WIDE * 8 + LINES * 2 + 32), *p = text;
    hel_table t;
    p += sprintf(p, "#IID");
    for (int i = 0; i < WIDE; i++)
        p += sprintf(p, " c%d", i);
    for (int i = 0; i < LINES; i++)
        p += sprintf(p, "\n%c", 'a' + i % 26);
    BAD(text, "line 2", "1 columns, the first line has 100001");
    free(text);
}

Test(table, find_lists_what_exists)
{
    hel_table t;
    uint32_t index;
    OK(read_text("#IID bmi height age\ni 1 2 3\n", &t));
    OK(hel_table_find(engine, &t, "height", &index));
    cr_assert_eq(index, 1);
    FAILS(hel_table_find(engine, &t, "hight", &index), HEL_E_INPUT, "t.txt", "'hight'",
          "bmi, height, age");
    hel_table_free(&t);

    char *text = malloc(40000), *p = text;
    p += sprintf(p, "#IID");
    for (int i = 0; i < 2000; i++)
        p += sprintf(p, " column%d", i);
    p += sprintf(p, "\ni");
    for (int i = 0; i < 2000; i++)
        p += sprintf(p, " 1");
    OK(read_text(text, &t));
    FAILS(hel_table_find(engine, &t, "x", &index), HEL_E_INPUT, "column0, column1, ", "more");
    hel_table_free(&t);
    free(text);
}

/* --- join --- */

static void join(const char *table, const char *fam, hel_table *t, hel_samples *s)
{
    OK(read_text(table, t));
    OK(hel_fam_read(engine, text_file("s.fam", fam), s));
}

static void unjoin(hel_table *t, hel_samples *s)
{
    hel_table_free(t);
    hel_samples_free(s);
}

Test(table, joins)
{
    hel_table t;
    hel_samples s;
    uint32_t row[4];
    join("#FID IID x\nf j 1\nz z 2\ng i 3\nf i 4\n",
         "f i 0 0 0 1\ng i 0 0 0 1\ng j 0 0 0 1\nf j 0 0 0 1\n", &t, &s);
    OK(hel_table_join(engine, &t, &s, row));
    cr_assert(row[0] == 3 && row[1] == 2 && row[2] == UINT32_MAX && row[3] == 0);
    unjoin(&t, &s);
    join("#IID x\nj 1\ni 2\n", "f i 0 0 0 1\ng j 0 0 0 1\n", &t, &s);
    OK(hel_table_join(engine, &t, &s, row)); /* no FID in the table */
    cr_assert(row[0] == 1 && row[1] == 0);
    unjoin(&t, &s);
    join("#FID IID x\nf j 1\ng i 2\n", "0 i 0 0 0 1\n0 j 0 0 0 1\n", &t, &s);
    OK(hel_table_join(engine, &t, &s, row)); /* none in the .fam */
    cr_assert(row[0] == 1 && row[1] == 0);
    unjoin(&t, &s);
    join("#FID IID x\n0 j 1\n0 i 2\n", "f i 0 0 0 1\ng j 0 0 0 1\n", &t, &s);
    OK(hel_table_join(engine, &t, &s, row)); /* FIDs of 0 are none */
    cr_assert(row[0] == 1 && row[1] == 0);
    unjoin(&t, &s);
    join("#FID IID x\n0 j 1\nf i 2\n", "f i 0 0 0 1\n0 j 0 0 0 1\nf j 0 0 0 1\n", &t, &s);
    OK(hel_table_join(engine, &t, &s, row)); /* but one FID makes 0 a FID like others */
    cr_assert(row[0] == 1 && row[1] == 0 && row[2] == UINT32_MAX);
    unjoin(&t, &s);
}

Test(table, join_refusals)
{
    hel_table t;
    hel_samples s;
    uint32_t row[4];
    join("#IID x\ni 1\nj 2\n", "f i 0 0 0 1\ng i 0 0 0 1\n", &t, &s);
    FAILS(hel_table_join(engine, &t, &s, row), HEL_E_INPUT, "t.txt", "'i'", "unique");
    unjoin(&t, &s);
    join("#FID IID x\nf i 1\ng i 2\n", "0 i 0 0 0 1\n0 j 0 0 0 1\n", &t, &s);
    FAILS(hel_table_join(engine, &t, &s, row), HEL_E_INPUT, "t.txt", "'i'", "unique");
    unjoin(&t, &s);
    join("#FID IID x\nf i 1\nf j 2\n", "g i 0 0 0 1\ng j 0 0 0 1\n", &t, &s);
    FAILS(hel_table_join(engine, &t, &s, row), HEL_E_INPUT, "t.txt", "none of its 2 rows", "'f i'",
          "'g i'");
    unjoin(&t, &s);
}

Test(table, allocation_failures_leak_nothing)
{
    const char *path = text_file("t.txt", "#IID x y z\ni 1 a NA\nj 2 b NA\n");
    for (uint64_t nth = 1, done = 0; !done; nth++) {
        hel_table t;
        hel_mem_fail_nth(nth);
        hel_status status = hel_table_read(engine, path, &t);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY);
        done = status == HEL_OK;
        hel_table_free(&t);
        cr_assert_lt(nth, 100);
    }
}
