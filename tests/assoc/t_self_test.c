/*
 * hel_self_test with toy parameters: that it passes, leaves nothing behind, and notices what it is
 * for. What it compares with is checked by tables that are wrong in one place.
 */
#include <math.h>

#include "host/assoc/doctor/self_test_private.h"
#include "host/base/cpu.h"
#include "tests/assoc/doctor_test.h"
#include "tests/e2e/toy_cohort.h"

static report r;

static hel_status run(const char *folder, const hel_params *params)
{
    hel_self_test_config config = HEL_SELF_TEST_CONFIG_INIT;
    config.folder = folder;
    config.params = params;
    r.count = 0;
    r.status = hel_self_test(r.engine, &config, report_take, &r);
    return r.status;
}

static hel_status run_devices(const test_dir *dir, const hel_params *params,
                              const uint32_t *devices, uint32_t count)
{
    hel_self_test_config config = HEL_SELF_TEST_CONFIG_INIT;
    config.folder = dir->path;
    config.params = params;
    config.devices = devices;
    config.device_count = count;
    r.count = 0;
    r.status = hel_self_test(r.engine, &config, report_take, &r);
    return r.status;
}

static uint32_t scans(void)
{
    uint32_t n = 0;
    while (report_seek(&r, "scans", n, "seconds"))
        n++;
    return n;
}

static uint32_t twins(void)
{
    return 1 + (uint32_t)hel_cpu_has(HEL_SIMD_AVX2) + (uint32_t)hel_cpu_has(HEL_SIMD_AVX512);
}

static void expect_empty(const test_dir *dir)
{
    cr_expect_eq(rmdir(dir->path), 0, "something was left in the folder");
    cr_expect_eq(mkdir(dir->path, 0700), 0);
}

Test(self_test, passes_and_leaves_nothing, .timeout = 120)
{
    test_dir dir;
    test_dir_make(&dir);
    report_engine(&r, 2, 0, "cpu", 0);
    const hel_params params = toy_params(r.engine, 10);
    cr_assert_eq(run(dir.path, &params), HEL_OK, "%s", hel_engine_error(r.engine));
    cr_expect_eq(scans(), twins());
    REPORT_EXPECT(&r, "scans", 0, "seconds", HEL_MARK_NONE, "agree", NULL);
    cr_expect_str_eq(report_find(&r, "scans", 0, "backend")->text, "cpu, portable");
    REPORT_EXPECT(&r, "test", -1, "result", HEL_MARK_NONE, "passed", NULL);
    cr_expect_gt(report_find(&r, "test", -1, "seconds")->real, 0);
    expect_empty(&dir);
    report_end(&r);
    test_dir_remove(&dir);
}

Test(self_test, the_device_too, .timeout = 300)
{
    test_dir dir;
    test_dir_make(&dir);
    report_engine(&r, 2, 0, "sim", 0);
    const hel_params params = toy_params(r.engine, 10);
    cr_assert_eq(run(dir.path, &params), HEL_OK, "%s", hel_engine_error(r.engine));
    cr_expect_eq(scans(), twins() + 1);
    cr_expect_str_eq(report_find(&r, "scans", twins(), "backend")->text, "sim 0");
    /* one that cannot be opened is not this test's to judge */
    set_variable("HELOCI_SIM_DEVICES", "0");
    report_engine(&r, 2, 0, "sim", 0);
    cr_expect_eq(run(dir.path, &params), HEL_OK, "%s", hel_engine_error(r.engine));
    cr_expect_eq(scans(), twins());
    set_variable("HELOCI_SIM_DEVICES", NULL);

    /* a wrong bit: found in the sums */
    set_variable("HELOCI_SIM_CORRUPT", "25");
    report_engine(&r, 2, 0, "sim", 0);
    cr_expect_neq(run(dir.path, &params), HEL_OK);
    REPORT_EXPECT(&r, "test", -1, "result", HEL_MARK_FAILED, "failed: sim 0: ", "not use");
    cr_expect_eq(r.status, HEL_E_INTERNAL);
    cr_expect(strstr(hel_engine_error(r.engine), "sim 0"), "%s", hel_engine_error(r.engine));
    set_variable("HELOCI_SIM_CORRUPT", NULL);

    /* a call that fails: the reason is told */
    set_variable("HELOCI_SIM_FAIL", "60");
    report_engine(&r, 2, 0, "sim", 0);
    cr_expect_neq(run(dir.path, &params), HEL_OK);
    REPORT_EXPECT(&r, "test", -1, "result", HEL_MARK_FAILED, "failed: sim 0: ", "again");
    expect_empty(&dir);
    report_end(&r);
    test_dir_remove(&dir);
}

Test(self_test, several_devices, .timeout = 300)
{
    static const uint32_t list[] = {2, 0, 7};
    test_dir dir;
    test_dir_make(&dir);
    set_variable("HELOCI_SIM_DEVICES", "3");
    report_engine(&r, 2, 0, "sim", 0);
    const hel_params params = toy_params(r.engine, 10);
    cr_expect_eq(run_devices(&dir, &params, NULL, HEL_DEVICES_ALL), HEL_OK);
    cr_expect_eq(scans(), twins() + 3);
    cr_expect_str_eq(report_find(&r, "scans", twins() + 2, "backend")->text, "sim 2");
    cr_expect_eq(run_devices(&dir, &params, list, 2), HEL_OK, "%s", hel_engine_error(r.engine));
    cr_expect_eq(scans(), twins() + 2);
    cr_expect_str_eq(report_find(&r, "scans", twins(), "backend")->text, "sim 2");
    cr_expect_str_eq(report_find(&r, "scans", twins() + 1, "backend")->text, "sim 0");
    /* what was asked for must be there */
    cr_expect_eq(run_devices(&dir, &params, list, 3), HEL_E_UNSUPPORTED);
    REPORT_EXPECT(&r, "test", -1, "result", HEL_MARK_FAILED, "device 7", "again");
    cr_expect_eq(run_devices(&dir, &params, NULL, 1), HEL_E_USAGE);
    /* the CPU has none of these numbers */
    report_engine(&r, 2, 0, "cpu", 0);
    cr_expect_eq(run_devices(&dir, &params, list, 3), HEL_OK);
    cr_expect_eq(scans(), twins());
    expect_empty(&dir);
    report_end(&r);
    test_dir_remove(&dir);
}

Test(self_test, folders)
{
    test_dir dir;
    test_dir_make(&dir);
    report_engine(&r, 1, 0, NULL, 0);
    const hel_params params = toy_params(r.engine, 10);
    cr_expect_eq(run("/nonexistent", &params), HEL_E_IO);
    REPORT_EXPECT(&r, "test", -1, "result", HEL_MARK_FAILED, "/nonexistent", "again");
    char longest[2 * PATH_MAX];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    cr_expect_eq(run(longest, &params), HEL_E_USAGE);
    /* the job's own folder comes before the system's */
    set_variable("TMPDIR", "/nonexistent");
    set_variable("SLURM_TMPDIR", dir.path);
    cr_expect_eq(run(NULL, &params), HEL_OK, "%s", hel_engine_error(r.engine));
    set_variable("SLURM_TMPDIR", NULL);
    cr_expect_eq(run(NULL, &params), HEL_E_IO);
    expect_empty(&dir);
    report_end(&r);
    test_dir_remove(&dir);
}

Test(self_test, malformed_and_stopped)
{
    hel_self_test_config config = HEL_SELF_TEST_CONFIG_INIT;
    test_dir dir;
    test_dir_make(&dir);
    report_engine(&r, 1, 0, NULL, 0);
    const hel_params params = toy_params(r.engine, 10);
    cr_expect_eq(hel_self_test(r.engine, NULL, report_take, &r), HEL_E_USAGE);
    cr_expect_eq(hel_self_test(r.engine, &config, NULL, &r), HEL_E_USAGE);
    config.size++;
    cr_expect_eq(hel_self_test(r.engine, &config, report_take, &r), HEL_E_USAGE);
    for (r.stop_at = 1; r.stop_at <= 3; r.stop_at++) {
        cr_expect_eq(run(dir.path, &params), HEL_E_CANCELLED);
        cr_expect_eq(r.count, r.stop_at);
    }
    expect_empty(&dir);
    report_end(&r);
    test_dir_remove(&dir);
}

/* Every allocation fails once, so far as patience goes: an error each time, and nothing left. */
Test(self_test, without_memory, .timeout = 300)
{
    test_dir dir;
    test_dir_make(&dir);
    report_engine(&r, 1, 0, NULL, 0);
    const hel_params params = toy_params(r.engine, 10);
    for (uint64_t nth = 1; nth < 2000; nth = nth * 5 / 4 + 1) {
        hel_mem_fail_nth(nth);
        const hel_status status = run(dir.path, &params);
        hel_mem_fail_nth(0);
        cr_expect(status == HEL_OK || status == HEL_E_MEMORY, "allocation %llu: %s: %s",
                  (unsigned long long)nth, hel_status_name(status), hel_engine_error(r.engine));
        if (status != HEL_OK && r.count)
            REPORT_EXPECT(&r, "test", -1, "result", HEL_MARK_FAILED, "failed: ", NULL);
        expect_empty(&dir);
    }
    report_end(&r);
    test_dir_remove(&dir);
}

/* ---- the cohort and its regression ---- */

/* A table with the header and rows of plink2; `wrong` numbers a cell that is off; -1: none. */
static void write_table(const char *path, const hel_test_cohort *c, uint32_t rows, int wrong)
{
    char text[16384] = "#CHROM\tPOS\tID\tTEST\tBETA\tSE\tP\n";
    size_t used = strlen(text);
    for (uint32_t v = 0; v < rows; v++) {
        /* by normal equations on raw sums, in long double: another way than the code's */
        const uint32_t n = HEL_TEST_SAMPLES, row = v % HEL_TEST_VARIANTS;
        long double x = 0, y = 0, xx = 0, xy = 0, rss = 0;
        for (uint32_t i = 0; i < n; i++) {
            const long double g = c->call[row][i], t = c->trait[i];
            x += g, y += t, xx += g * g, xy += g * t;
        }
        const long double slope = (n * xy - x * y) / (n * xx - x * x), mean = (y - slope * x) / n;
        for (uint32_t i = 0; i < n; i++) {
            const long double e = c->trait[i] - mean - slope * c->call[row][i];
            rss += e * e;
        }
        long double se = sqrtl(rss / (n - 2) * n / (n * xx - x * x));
        const long double beta = slope + (wrong == (int)(2 * v) ? 0.01L * se : 0);
        se *= wrong == (int)(2 * v + 1) ? 1.01L : 1;
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "1\t%u\tv%u\tADD\t%.9Lg\t%.9Lg\t0.5\n", 100 * v, v, beta, se);
    }
    test_write_file(path, text, used, 0644);
}

Test(self_test, tables_are_held_against_a_regression)
{
    test_dir dir;
    hel_test_cohort c, again;
    test_dir_make(&dir);
    const char *path = test_dir_path(&dir, "t");
    report_engine(&r, 1, 0, NULL, 0);
    memset(&again, 0xff, sizeof again);
    hel_test_cohort_make(&c);
    hel_test_cohort_make(&again);
    cr_expect(memcmp(&c, &again, sizeof c) == 0, "not the same each time");
    write_table(path, &c, HEL_TEST_VARIANTS, -1);
    cr_expect_eq(hel_test_cohort_check(r.engine, &c, path), HEL_OK, "%s",
                 hel_engine_error(r.engine));
    for (int wrong = 0; wrong < 2 * (int)HEL_TEST_VARIANTS; wrong++) {
        char name[16];
        hel_error_clear(r.engine);
        write_table(path, &c, HEL_TEST_VARIANTS, wrong);
        cr_expect_eq(hel_test_cohort_check(r.engine, &c, path), HEL_E_INTERNAL);
        snprintf(name, sizeof name, "variant v%d:", wrong / 2);
        cr_expect(strstr(hel_engine_error(r.engine), name), "%s", hel_engine_error(r.engine));
    }
    static const uint32_t rows[] = {0, 1, HEL_TEST_VARIANTS - 1, HEL_TEST_VARIANTS + 1};
    for (int i = 0; i < 4; i++) {
        write_table(path, &c, rows[i], -1);
        cr_expect_eq(hel_test_cohort_check(r.engine, &c, path), HEL_E_INTERNAL, "%u rows", rows[i]);
    }
    static const char *const odd[] = {"",           "\n", "BETA\n", "BETA\tSE", "BETA\tSE\n\n\n",
                                      "SE\tBETA\n1"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        test_write_file(path, odd[i], strlen(odd[i]), 0644);
        cr_expect_eq(hel_test_cohort_check(r.engine, &c, path), HEL_E_INTERNAL, "'%s'", odd[i]);
    }
    report_end(&r);
    test_dir_remove(&dir);
}
