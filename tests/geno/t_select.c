/* --keep, --remove, --extract, --exclude. */
#include "host/geno/table.h"
#include "tests/geno/geno_test.h"

static hel_samples samples; /* 0 per0 ... 0 per5, or f<i> per<i> with `with_fids` */
static hel_variants variants;

static void load(int with_fids)
{
    char text[400], *p = text;
    hel_samples_free(&samples);
    for (int i = 0; i < 6; i++)
        p += with_fids ? sprintf(p, "f%d per%d 0 0 0 1\n", i, i)
                       : sprintf(p, "0 per%d 0 0 0 1\n", i);
    OK(hel_fam_read(engine, text_file("s.fam", text), &samples));
}

static void setup(void)
{
    geno_setup();
    samples = (hel_samples){0};
    load(0);
    OK(hel_bim_read(engine,
                    text_file("v.bim", "1 snp0 0 5 A C\n1 snp1 0 -1 A C\n1 snp2 0 0 A C\n"
                                       "1 snp2 0 9 A C\n1 snp3 0 -5 A C\n1 . 0 7 A C\n"),
                    &variants));
}

static void teardown(void)
{
    hel_samples_free(&samples);
    hel_variants_free(&variants);
    geno_teardown();
}

TestSuite(select, .init = setup, .fini = teardown);

/* Indices as digits: "134". */
static void check_index(uint32_t *index, uint32_t count, uint32_t unmatched, const char *want,
                        uint32_t want_unmatched, const char *what)
{
    cr_assert(count == strlen(want) && unmatched == want_unmatched, "%s: %u chosen, %u unmatched",
              what, count, unmatched);
    for (uint32_t i = 0; i < count; i++)
        cr_assert(index[i] == (uint32_t)(want[i] - '0'), "%s: %u", what, index[i]);
    hel_free(index);
}

static void check_samples(const char *keep, const char *remove, const char *want,
                          uint32_t want_unmatched)
{
    uint32_t *index, count, unmatched;
    OK(hel_samples_select(engine, &samples, keep ? text_file("keep", keep) : NULL,
                          remove ? text_file("remove", remove) : NULL, &index, &count, &unmatched));
    check_index(index, count, unmatched, want, want_unmatched, keep ? keep : remove ? remove : "");
}

static void check_variants(const char *extract, const char *exclude, const char *want,
                           uint32_t want_unmatched)
{
    uint32_t *index, count, unmatched;
    OK(hel_variants_select(engine, &variants, extract ? text_file("extract", extract) : NULL,
                           exclude ? text_file("exclude", exclude) : NULL, &index, &count,
                           &unmatched));
    check_index(index, count, unmatched, want, want_unmatched, extract ? extract : "");
}

/* What plink2 v2.00a3.5 keeps from the same lists (samples without FIDs). */
Test(select, keep_formats_like_plink2)
{
    check_samples(NULL, NULL, "012345", 0);
    check_samples("0 per1\n0 per3\n", NULL, "13", 0);
    check_samples("per3\nper1\n", NULL, "13", 0);
    check_samples("#IID\nper1\nper3\n", NULL, "13", 0);
    check_samples("IID\nper1\nper3\n", NULL, "13", 0);
    check_samples("FID IID\n0 per1\n", NULL, "1", 0);
    check_samples("#FID IID\n0 per1\n", NULL, "1", 0);
    check_samples("#FID IID SID\n0 per1 0\n", NULL, "1", 0);
    check_samples("#IID FID\nper1 0\n", NULL, "1", 0);
    check_samples("0 per1 extra columns\n0 nobody\n", NULL, "1", 1);
    check_samples("0 per1\nper3\n", NULL, "13", 0);
    check_samples("per1 \r\nper3\r\n", NULL, "13", 0);
    check_samples("# comment\n0 per1\n", NULL, "1", 0);
    check_samples("##comment\n#IID\nper1\n", NULL, "1", 0);
    check_samples("\xef\xbb\xbf"
                  "0 per1",
                  NULL, "1", 0);
}

Test(select, duplicates_in_lists_count_once)
{
    check_samples("0 per1\n0 per1\nper1\n0 x\n0 x\n", NULL, "1", 2);
    check_variants("snp0 snp0 zz zz", NULL, "0", 1);
}

Test(select, keep_and_remove)
{
    check_samples(NULL, "per0\nper5\nzz\n", "1234", 1);
    check_samples("per0\nper1\nper2\n", "per1\nper4\n", "02", 0);
    check_samples("per0\nqq\n", "zz\n", "0", 2);
}

Test(select, fids)
{
    load(1);
    check_samples("f1 per1\nf2 per1\nx per3\n", NULL, "1", 2);
    check_samples("per1\nper3\n", NULL, "13", 0); /* a list without FIDs goes by IID */
    check_samples("#FID IID\n0 per1\nf3 per3\n", NULL, "3", 1);
    load(0);
    check_samples("f1 per1\nf1 per3\n", NULL, "13", 0); /* and so do samples without */
}

Test(select, sample_refusals)
{
    uint32_t *index, count;
#define KEEP(text, ...)                                                                            \
    FAILS(                                                                                         \
        hel_samples_select(engine, &samples, text_file("keep", text), NULL, &index, &count, NULL), \
        HEL_E_INPUT, "keep: ", __VA_ARGS__)
    KEEP("", "line 1", "empty");
    KEEP("nobody\n", "no sample is left");
    KEEP("#FID IID\nper1\n", "line 2", "no IID");
    KEEP("#IID\n", "line 1", "no sample IDs");
    KEEP("per1\n\nper2\n", "line 2", "blank line");
    KEEP("f1 per1\nf2 per1\n", "'per1'", "unique");
    FAILS(hel_samples_select(engine, &samples, NULL,
                             text_file("rm", "per0\nper1\nper2\nper3\nper4\nper5\n"), &index,
                             &count, NULL),
          HEL_E_INPUT, "rm: no sample is left");
    FAILS(hel_samples_select(engine, &samples, bytes_file("keep", "per1\nper\0002\n", 11), NULL,
                             &index, &count, NULL),
          HEL_E_INPUT, "keep: line 2", "NUL");
    cr_assert(!index && !count);
    hel_samples_free(&samples);
    OK(hel_fam_read(engine, text_file("s.fam", "f a 0 0 0 1\ng a 0 0 0 1\n"), &samples));
    KEEP("a\n", "'a'", "unique");
}

Test(select, variants_without_negative_positions)
{
    check_variants(NULL, NULL, "0235", 0);
    check_variants("snp0\nsnp1\nsnp2\n", NULL, "023", 0); /* snp1 is found but dropped */
    check_variants("snp2 snp0\n\tzz\n.", "snp0", "235", 1);
    check_variants(NULL, "snp2\n", "05", 0);
    check_variants("ID\nsnp0\n", NULL, "0", 1);
}

Test(select, variant_refusals)
{
    uint32_t *index, count;
#define EXTRACT(text, ...)                                                                         \
    FAILS(hel_variants_select(engine, &variants, text_file("extract", text), NULL, &index, &count, \
                              NULL),                                                               \
          HEL_E_INPUT, "extract: ", __VA_ARGS__)
    EXTRACT("", "line 1", "empty");
    EXTRACT("zz\n", "no variant is left");
    EXTRACT("snp1 snp3\n", "no variant is left", "non-negative");
    hel_variants_free(&variants);
    OK(hel_bim_read(engine, text_file("v.bim", "1 a 0 -1 A C\n"), &variants));
    FAILS(hel_variants_select(engine, &variants, NULL, NULL, &index, &count, NULL), HEL_E_INPUT,
          "selection: no variant is left");
    cr_assert(!index && !count);
}

Test(select, allocation_failures_leak_nothing)
{
    const char *list = text_file("list", "per1\nsnp2\n");
    for (int k = 0; k < 2; k++)
        for (uint64_t nth = 1, done = 0; !done; nth++) {
            uint32_t *index, count;
            hel_mem_fail_nth(nth);
            hel_status status =
                k ? hel_samples_select(engine, &samples, list, list, &index, &count, NULL)
                  : hel_variants_select(engine, &variants, list, NULL, &index, &count, NULL);
            hel_mem_fail_nth(0);
            done = status != HEL_E_MEMORY;
            cr_assert(status == (done ? k ? HEL_E_INPUT : HEL_OK : HEL_E_MEMORY));
            hel_free(index);
            cr_assert_lt(nth, 100);
        }
}
