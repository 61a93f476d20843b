/*
 * Scans on another backend than the CPU: the same sums byte for byte for every shape of cohort and
 * of memory; --verify finds what a device computed wrong; failures leave no file behind.
 */
#include <math.h>
#include <sys/syscall.h>

#include "tests/e2e/program.h"
#include "tests/e2e/toy_cohort.h"

typedef struct job {
    const char *backend, *out; /* NULL: cpu, the cohort's prefix */
    uint32_t device;
    uint64_t memory;
    double verify;
} job;

static hel_status scan_as(toy *t, const job *j, hel_scan_stats *stats, char *text, size_t room)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_scan_config c = HEL_SCAN_CONFIG_INIT;
    hel_engine *engine;
    config.threads = 2;
    config.memory_bytes = j->memory;
    config.backend = j->backend;
    config.device = j->device;
    cr_assert_eq(hel_engine_create(&engine, &config), HEL_OK);
    c.geno = e2e_path(&t->e, ".geno");
    c.weights = e2e_path(&t->e, ".weights");
    c.evk = e2e_path(&t->e, ".evk");
    c.out = j->out ? j->out : t->e.prefix;
    c.verify = j->verify;
    hel_status status = hel_scan(engine, &c, stats);
    if (text)
        snprintf(text, room, "%s", hel_engine_error(engine));
    hel_engine_free(engine);
    return status;
}

/* Layout and ciphertexts of a file are those of `want`; only the header has something new. */
static int same_sums(uint8_t *want, const char *path)
{
    static const uint32_t ids[] = {HEL_SECTION_LAYOUT, HEL_SECTION_CIPHER};
    size_t bytes;
    uint8_t *got = test_read_file(path, &bytes);
    int same = 1;
    for (int i = 0; i < 2; i++) {
        uint64_t a, b;
        const uint8_t *x = toy_find(want, ids[i], &a), *y = toy_find(got, ids[i], &b);
        same &= a == b && memcmp(x, y, a) == 0;
    }
    free(got);
    return same;
}

static void must_match(toy *t, const job *j, uint8_t *want, hel_scan_stats *stats)
{
    char text[1024], path[2 * PATH_MAX];
    hel_status status = scan_as(t, j, stats, text, sizeof text);
    cr_assert_eq(status, HEL_OK, "%s: %s", hel_status_name(status), text);
    snprintf(path, sizeof path, "%s.sums", j->out ? j->out : t->e.prefix);
    cr_assert(same_sums(want, path), "the sums differ");
}

static uint8_t *sums_of(toy *t)
{
    size_t bytes;
    return test_read_file(e2e_path(&t->e, ".sums"), &bytes);
}

/* ---- verification on the CPU ---- */

Test(device_scan, verify_on_the_cpu, .timeout = 300)
{
    toy t;
    hel_scan_stats stats;
    toy_start(&t, 200, 9000); /* chunks of 128: tiles of 64, 64 and 64, 8; nine blocks */
    toy_scan(&t);
    uint8_t *want = sums_of(&t);
    must_match(&t, &(job){.verify = 1}, want, &stats);
    cr_expect_eq(stats.tiles, 4 * 9);
    cr_expect_eq(stats.tiles_verified, stats.tiles);
    cr_expect_eq(stats.sums, 2 * 9);
    cr_expect_eq(stats.sums_verified, stats.sums);
    cr_expect_eq(stats.on_device, 0);
    must_match(&t, &(job){.verify = 0.5}, want, &stats);
    cr_expect(stats.tiles_verified > 0 && stats.tiles_verified < stats.tiles);
    must_match(&t, &(job){.verify = 1e-12}, want, &stats);
    cr_expect(stats.tiles_verified == 1 && stats.sums_verified == 1); /* one at least */
    must_match(&t, &(job){0}, want, &stats);
    cr_expect_eq(stats.tiles, 0);
    free(want);
    toy_stop(&t);
}

/* Little memory: batches of columns, several ranges of blocks. */
Test(device_scan, verify_with_little_memory, .timeout = 300)
{
    toy t;
    char text[1024];
    hel_scan_stats stats;
    toy_start(&t, 200, 9000);
    toy_scan(&t);
    uint8_t *want = sums_of(&t);
    cr_assert_eq(scan_as(&t, &(job){.verify = 1, .memory = 1 << 20}, &stats, text, sizeof text),
                 HEL_E_MEMORY);
    const char *least = strstr(text, "too small; ");
    cr_assert(least != NULL, "%s", text);
    const uint64_t mib = strtoull(least + strlen("too small; "), NULL, 10);
    must_match(&t, &(job){.verify = 1, .memory = mib << 20}, want, &stats);
    cr_expect_gt(stats.passes, 1);
    cr_expect_leq(stats.peak_buffers, mib << 20);
    cr_expect_gt(stats.tiles, 4 * 9);
    cr_expect_eq(stats.tiles_verified, stats.tiles);
    free(want);
    toy_stop(&t);
}

Test(device_scan, fraction_out_of_range)
{
    toy t;
    char text[1024];
    toy_start(&t, 10, 10);
    cr_expect_eq(scan_as(&t, &(job){.verify = 1.5}, NULL, text, sizeof text), HEL_E_USAGE);
    cr_expect(strstr(text, "0 to 1") != NULL, "%s", text);
    cr_expect_eq(scan_as(&t, &(job){.verify = -0.5}, NULL, text, sizeof text), HEL_E_USAGE);
    cr_expect_eq(scan_as(&t, &(job){.verify = NAN}, NULL, text, sizeof text), HEL_E_USAGE);
    toy_stop(&t);
}

/* ---- the simulated device ---- */

static void set_sim(const char *name, uint64_t value)
{
    char text[32], full[64];
    snprintf(full, sizeof full, "HELOCI_SIM_%s", name);
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    cr_assert_eq(value ? setenv(full, text, 1) : unsetenv(full), 0);
}

/* The simulator is slow under sanitizers, which see its kernels in suites of the layers below. */
static void leave_to_the_full_run(void)
{
    if (test_is_quick())
        cr_skip_test("left to the full run");
}

/* Both planes, chunks of 128 samples of which the second is short, a last super-block of one block,
 * variants that end within a block. */
Test(device_scan, sim_matches_the_cpu, .timeout = 600)
{
    toy t;
    hel_scan_stats stats;
    toy_start(&t, 200, 8500);
    toy_scan(&t);
    uint8_t *want = sums_of(&t);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        set_sim("SEED", seed);
        must_match(&t, &(job){.backend = "sim"}, want, &stats);
        cr_expect_eq(stats.on_device, 1);
        cr_expect_gt(stats.device_bytes, 0);
        cr_expect_gt(stats.key_switches, 0);
        cr_expect_eq(stats.passes, 1);
        cr_expect_eq(stats.tiles, 0);
    }
    e2e_compare_sums(&t.e, t.cohort.calls);
    E2E_OK(&t.e, e2e_decrypt(&t.e, 0, -1));
    free(want);
    toy_stop(&t);
}

/* Three planes, several phenotypes: outputs of all planes, columns that only some have. */
Test(device_scan, sim_matches_with_three_planes, .timeout = 600)
{
    toy t;
    toy_start(&t, 70, 2100);
    E2E_OK(&t.e, e2e_keygen(&t.e, &t.params));
    E2E_OK(&t.e, e2e_encrypt(&t.e, t.e.prefix, 1));
    E2E_OK(&t.e, e2e_null(&t.e, t.pheno, NULL, t.covar, NULL));
    E2E_OK(&t.e, e2e_scan(&t.e));
    uint8_t *want = sums_of(&t);
    hel_scan_stats stats;
    must_match(&t, &(job){.backend = "sim", .verify = 1}, want, &stats);
    cr_expect_eq(stats.tiles_verified, stats.tiles);
    cr_expect_eq(stats.sums_verified, stats.sums);
    cr_expect_eq(stats.sums, 3);
    free(want);
    toy_stop(&t);
}

/* Amount behind `word` in a text, in bytes: "... least 12.3 MiB ..." */
static uint64_t amount_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    cr_assert(at != NULL, "'%s' does not say '%s'", text, word);
    char *end;
    double value = strtod(at + strlen(word), &end);
    return (uint64_t)(value * (strncmp(end, " GiB", 4) == 0 ? 0x1p30 : 0x1p20));
}

/* From the least memory that works on: batches of columns, ranges of blocks, tiles of several
 * sizes; and less is refused before any work with what would fit. */
Test(device_scan, sim_with_little_memory, .timeout = 900)
{
    leave_to_the_full_run();
    toy t;
    char text[1024];
    hel_scan_stats stats;
    toy_start(&t, 136, 8500);
    toy_scan(&t);
    uint8_t *want = sums_of(&t);
    set_sim("MEMORY", 1 << 20);
    cr_assert_eq(scan_as(&t, &(job){.backend = "sim", .out = e2e_path(&t.e, "2")}, &stats, text,
                         sizeof text),
                 HEL_E_MEMORY);
    cr_expect(strstr(text, "not even one fits") && strstr(text, "--backend cpu"), "%s", text);
    const uint64_t least = amount_after(text, "too small: ");
    set_sim("MEMORY", (least - (150 << 10)) / 31 * 32); /* what is kept back is not short */
    cr_assert_eq(scan_as(&t, &(job){.backend = "sim", .out = e2e_path(&t.e, "2")}, &stats, text,
                         sizeof text),
                 HEL_E_MEMORY);
    cr_expect(strstr(text, "at most ") != NULL, "%s", text);
    cr_expect_not(test_exists(e2e_path(&t.e, "2.sums")));
    uint32_t passes = UINT32_MAX;
    for (uint64_t percent = 105; percent <= 200; percent += test_is_quick()  ? 90
                                                            : percent == 105 ? 5
                                                                             : 85) {
        set_sim("MEMORY", least / 100 * percent);
        must_match(&t, &(job){.backend = "sim", .verify = percent < 195}, want, &stats);
        cr_expect(percent == 195 || stats.tiles > 3 * 9, "one batch of columns only");
        cr_expect_leq(stats.passes, passes, "more memory, more passes");
        cr_expect(percent > 105 || stats.passes > 1);
        cr_expect_leq(stats.device_bytes, least / 100 * percent);
        passes = stats.passes;
    }
    free(want);
    toy_stop(&t);
}

/* The default parameters, N = 8192. */
Test(device_scan, sim_at_the_default_parameters, .timeout = 900)
{
    leave_to_the_full_run();
    toy t;
    hel_scan_stats stats;
    toy_start(&t, 12, 300);
    cr_assert_eq(hel_params_search(t.e.engine, NULL, &t.params), HEL_OK);
    toy_scan(&t);
    uint8_t *want = sums_of(&t);
    must_match(&t, &(job){.backend = "sim"}, want, &stats);
    e2e_compare_sums(&t.e, t.cohort.calls);
    free(want);
    toy_stop(&t);
}

/* ---- what goes wrong ---- */

/* The n-th launch leaves a bit wrong: 1 when that is found, 0 when it had no effect. */
static int wrong_bit(toy *t, uint64_t nth, uint8_t *want)
{
    char text[1024], prefix[2 * PATH_MAX], path[2 * PATH_MAX + 8];
    hel_scan_stats stats;
    snprintf(prefix, sizeof prefix, "%s2", t->e.prefix);
    snprintf(path, sizeof path, "%s.sums", prefix);
    set_sim("CORRUPT", nth);
    hel_status status =
        scan_as(t, &(job){.backend = "sim", .out = prefix, .verify = 1}, &stats, text, sizeof text);
    set_sim("CORRUPT", 0);
    if (status == HEL_OK) {
        cr_expect(same_sums(want, path), "launch %llu: wrong sums", (unsigned long long)nth);
        unlink(path);
        return 0;
    }
    cr_assert_eq(status, HEL_E_INTERNAL, "launch %llu: %s: %s", (unsigned long long)nth,
                 hel_status_name(status), text);
    cr_assert(strstr(text, "verification failed: ") != NULL, "%s", text);
    cr_expect_not(test_exists(path));
    cr_expect_eq(toy_count(t, ".part"), 0);
    return 1;
}

/* Every launch of a small scan, the last of which is not long after the last that is found. */
Test(device_scan, verify_finds_wrong_bits, .timeout = 900)
{
    toy t;
    toy_start(&t, 40, 1500);
    toy_scan(&t);
    uint8_t *want = sums_of(&t);
    int found = 0, harmless = 0;
    const uint64_t step = test_is_quick() ? 5 : 1;
    for (uint64_t n = 1, in_a_row = 0; in_a_row < 6 && n < 200; n += step) {
        const int wrong = wrong_bit(&t, n, want);
        in_a_row = wrong ? 0 : in_a_row + 1;
        found += wrong;
        harmless += !wrong;
    }
    fprintf(stderr, "%d wrong bits found, %d without effect\n", found, harmless);
    cr_expect_gt(found, 15 / (int)step);
    cr_expect(step > 1 || found > harmless);
    free(want);
    toy_stop(&t);
}

/* Several tiles, chunks and super-blocks. */
Test(device_scan, verify_finds_wrong_bits_later, .timeout = 900)
{
    leave_to_the_full_run();
    toy t;
    uint64_t random = test_seed();
    toy_start(&t, 200, 8500);
    toy_scan(&t);
    uint8_t *want = sums_of(&t);
    int found = 0;
    for (size_t i = 0; i < test_scale(5); i++)
        found += wrong_bit(&t, 1 + test_random(&random) % 60, want);
    cr_expect_gt(found, 0);
    free(want);
    toy_stop(&t);
}

/* Every call of the device fails once: a named error, no file, nothing left in memory. */
Test(device_scan, failing_calls, .timeout = 900)
{
    toy t;
    char text[1024];
    hel_scan_stats stats;
    uint64_t random = test_seed();
    toy_start(&t, 20, 1100);
    toy_scan(&t);
    uint8_t *want = sums_of(&t);
    const char *out = e2e_path(&t.e, "2");
    char prefix[2 * PATH_MAX], path[2 * PATH_MAX + 8];
    snprintf(prefix, sizeof prefix, "%s", out);
    snprintf(path, sizeof path, "%s.sums", prefix);
    const uint64_t before = hel_mem_in_use();
    uint64_t n = 1, failures = 0;
    for (int in_a_row = 0; in_a_row < 5 && n < 100000;
         n += test_is_quick() ? 1 + test_random(&random) % (4 + n / 2)
              : n < 40        ? 1
                              : 1 + test_random(&random) % (n / 4)) {
        const job j = {.backend = "sim", .out = prefix, .verify = 1};
        set_sim("FAIL", n);
        hel_status status = scan_as(&t, &j, &stats, text, sizeof text);
        set_sim("FAIL", 0);
        cr_assert_eq(hel_mem_in_use(), before, "call %llu: a leak", (unsigned long long)n);
        if (status == HEL_OK) { /* the call was not made, or it was about a clock only */
            in_a_row++;
            cr_assert(same_sums(want, path));
            unlink(path);
            continue;
        }
        in_a_row = 0;
        failures++;
        cr_expect(status == HEL_E_MEMORY || status == HEL_E_UNSUPPORTED, "call %llu: %s: %s",
                  (unsigned long long)n, hel_status_name(status), text);
        cr_expect(text[0] != 0);
        cr_expect_not(test_exists(path));
        cr_expect_eq(toy_count(&t, ".part"), 0);
    }
    fprintf(stderr, "%llu failures, up to call %llu\n", (unsigned long long)failures,
            (unsigned long long)n);
    cr_expect_gt(failures, test_is_quick() ? 5 : 40);
    free(want);
    toy_stop(&t);
}

Test(device_scan, backends_that_cannot_be_used)
{
    static const struct {
        job j;
        hel_status status;
        const char *says;
    } rows[] = {
        {{.backend = "nonsense"}, HEL_E_UNSUPPORTED, "libheloci_nonsense.so.0"},
        {{.backend = "nonsense"}, HEL_E_UNSUPPORTED, "--backend cpu"},
        {{.backend = "../x"}, HEL_E_USAGE, "../x"},
        {{.backend = "sim", .device = 1}, HEL_E_UNSUPPORTED, "device 1"},
        {{.backend = "cpu", .device = 1}, HEL_E_USAGE, "device 1"},
    };
    toy t;
    char text[1024];
    toy_start(&t, 10, 10);
    toy_scan(&t);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        job j = rows[i].j;
        char prefix[2 * PATH_MAX];
        snprintf(prefix, sizeof prefix, "%s", e2e_path(&t.e, "2"));
        j.out = prefix;
        hel_status status = scan_as(&t, &j, NULL, text, sizeof text);
        cr_expect_eq(status, rows[i].status, "row %zu: %s: %s", i, hel_status_name(status), text);
        cr_expect(strstr(text, rows[i].says) != NULL, "row %zu: %s", i, text);
        cr_expect_not(test_exists(e2e_path(&t.e, "2.sums")));
    }
    toy_stop(&t);
}

/* ---- progress ---- */

struct watch {
    uint64_t last, total, stop_at;
    int calls, backwards;
};

static int watch(void *arg, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    struct watch *w = arg;
    (void)stage;
    (void)unit;
    w->backwards |= done < w->last;
    w->last = done;
    w->total = total;
    w->calls++;
    return w->stop_at && done >= w->stop_at;
}

/* It goes forward to the whole, and a request to stop leaves no file. */
Test(device_scan, progress_and_cancellation, .timeout = 300)
{
    toy t;
    toy_start(&t, 130, 3000);
    toy_scan(&t);
    for (int stop = 0; stop < 2; stop++) {
        struct watch w = {.stop_at = (uint64_t)stop};
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        hel_scan_config c = HEL_SCAN_CONFIG_INIT;
        hel_engine *engine;
        char prefix[2 * PATH_MAX];
        snprintf(prefix, sizeof prefix, "%s", e2e_path(&t.e, "2"));
        config.threads = 2;
        config.backend = "sim";
        config.progress = watch;
        config.progress_arg = &w;
        cr_assert_eq(hel_engine_create(&engine, &config), HEL_OK);
        c.geno = e2e_path(&t.e, ".geno");
        c.weights = e2e_path(&t.e, ".weights");
        c.evk = e2e_path(&t.e, ".evk");
        c.out = prefix;
        hel_status status = hel_scan(engine, &c, NULL);
        cr_expect_eq(status, stop ? HEL_E_CANCELLED : HEL_OK, "%s", hel_engine_error(engine));
        cr_expect_not(w.backwards);
        if (!stop)
            cr_expect_eq(w.last, w.total);
        cr_expect_eq(test_exists(e2e_path(&t.e, "2.sums")), !stop);
        unlink(e2e_path(&t.e, "2.sums"));
        cr_expect_eq(toy_count(&t, ".part"), 0);
        hel_engine_free(engine);
    }
    toy_stop(&t);
}

/* ---- the program ---- */

static void run_program(toy *t, program_result *r, const char *out, const char *backend,
                        const char *extra, const char *value)
{
    program_run(r, "run", "--bfile", t->e.prefix, "--pheno", t->pheno, "--pheno-name", "Q1",
                "--covar", t->covar, "--out", out, "--threads", "2", "--backend", backend, extra,
                value, NULL);
}

/* heloci run on the simulated device, behind the sandbox: the CPU's table. */
Test(device_scan, run_on_the_simulated_device, .timeout = 600)
{
    leave_to_the_full_run();
    toy t;
    program_result r;
    char cpu[2 * PATH_MAX], sim[2 * PATH_MAX], path[3 * PATH_MAX];
    toy_start(&t, 50, 30);
    snprintf(cpu, sizeof cpu, "%s.cpu", t.e.prefix);
    snprintf(sim, sizeof sim, "%s.sim", t.e.prefix);
    run_program(&t, &r, cpu, "cpu", "--verify", "1");
    cr_assert_eq(r.code, 0, "%s", r.err);
    cr_expect(strstr(r.out, "computed by cpu: ") != NULL, "%s", r.out);
    cr_expect(strstr(r.out, "verified 1 of 1 tiles and 1 of 1 finished blocks") != NULL, "%s",
              r.out);
    run_program(&t, &r, sim, "sim", "--verify", "1");
    cr_assert_eq(r.code, 0, "%s", r.err);
    cr_expect(strstr(r.out, "computed by sim: ") != NULL, "%s", r.out);
    cr_expect(strstr(r.out, "verified 1 of 1 tiles and 1 of 1 finished blocks") != NULL, "%s",
              r.out);
    cr_expect(strstr(r.out, "device-seconds") != NULL, "%s", r.out);
    if (geteuid() == 0 || syscall(444, NULL, 0, 1) > 0)
        cr_expect(strstr(r.out, "opening the key was refused") != NULL, "%s", r.out);
    size_t bytes;
    snprintf(path, sizeof path, "%s.Q1.glm.linear", cpu);
    uint8_t *want = test_read_file(path, &bytes);
    snprintf(path, sizeof path, "%s.Q1.glm.linear", sim);
    cr_expect(toy_same(path, want, bytes), "the tables differ");
    free(want);
    toy_stop(&t);
}

/* A device that does not open is found before the key is drawn; one that computes wrong leaves no
 * sums. */
Test(device_scan, run_without_its_device, .timeout = 600)
{
    toy t;
    program_result r;
    char out[2 * PATH_MAX], path[3 * PATH_MAX];
    toy_start(&t, 50, 30);
    snprintf(out, sizeof out, "%s.out", t.e.prefix);
    run_program(&t, &r, out, "sim", "--device", "7");
    cr_expect_eq(r.code, 69, "%d: %s", r.code, r.err);
    cr_expect(strstr(r.err, "device 7") && strstr(r.err, "--backend cpu"), "%s", r.err);
    cr_expect(strstr(r.out, "keygen") == NULL, "%s", r.out);
    run_program(&t, &r, out, "cpu", "--device", "1");
    cr_expect_eq(r.code, 69, "%d: %s", r.code, r.err);
    cr_expect_eq(setenv("HELOCI_SIM_CORRUPT", "1", 1), 0);
    run_program(&t, &r, out, "sim", "--verify", "1");
    cr_expect_eq(unsetenv("HELOCI_SIM_CORRUPT"), 0);
    cr_expect_eq(r.code, 70, "%d: %s", r.code, r.err);
    cr_expect(strstr(r.err, "heloci scan: verification failed: ") != NULL, "%s", r.err);
    snprintf(path, sizeof path, "%s.centre/study.sums", out);
    cr_expect_not(test_exists(path));
    test_dir inner;
    snprintf(inner.path, sizeof inner.path, "%s.centre", out);
    test_dir_remove(&inner);
    snprintf(inner.path, sizeof inner.path, "%s.owner", out);
    test_dir_remove(&inner);
    toy_stop(&t);
}
