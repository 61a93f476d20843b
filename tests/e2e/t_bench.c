/*
 * heloci bench as a whole: a real toy run and what it leaves; the simulator as a second backend;
 * sums that are wrong; stages one by one, as the suite's harness calls them; what is refused.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <sys/stat.h>

#include "tests/base/test_dir.h"
#include "tests/e2e/program.h"
#include "tools/heloci/bench_size.h"

static const char *const suite_stages[] = {
    "client_key_generation",       "client_preprocess_dataset", "client_encode_encrypt_db",
    "client_encode_encrypt_query", "server_preprocess_dataset", "server_encrypted_compute",
    "client_decrypt_decode",       "client_postprocess"};
static const char *const suite_labels[] = {"Dataset generation",
                                           "Dataset preprocessing",
                                           "Key Generation",
                                           "Dataset encoding and encryption",
                                           "Encrypted dataset preprocessing",
                                           "Query encryption",
                                           "Encrypted computation",
                                           "Result decryption",
                                           "Result postprocessing",
                                           "Total"};
#define COUNT(x) (sizeof(x) / sizeof *(x))
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
enum { TIMES_MEAN_SOMETHING = 0 };
#else
enum { TIMES_MEAN_SOMETHING = 1 };
#endif

typedef struct fixture {
    test_dir d;
    char out[2 * PATH_MAX], work[2 * PATH_MAX];
    program_result r;
} fixture;

static void begin(fixture *f)
{
    test_dir_make(&f->d);
    snprintf(f->out, sizeof f->out, "%s/b", f->d.path);
    snprintf(f->work, sizeof f->work, "%s/b.work", f->d.path);
}

static const char *file(const fixture *f, const char *ending)
{
    static char ring[4][3 * PATH_MAX];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], "%s%s", f->out, ending);
    return out;
}

static json_t *load(const fixture *f, const char *ending)
{
    json_error_t error;
    json_t *value = json_load_file(file(f, ending), 0, &error);
    cr_assert(value != NULL, "%s: line %d: %s", file(f, ending), error.line, error.text);
    return value;
}

static json_t *at(json_t *value, const char *path)
{
    char copy[256], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *key = strtok_r(copy, "/", &rest); key; key = strtok_r(NULL, "/", &rest))
        value = key[0] >= '0' && key[0] <= '9' ? json_array_get(value, strtoul(key, NULL, 10))
                                               : json_object_get(value, key);
    cr_assert(value != NULL, "no %s", path);
    return value;
}

static double number(json_t *value, const char *path)
{
    cr_assert(json_is_number(at(value, path)), "%s is no number", path);
    return json_number_value(at(value, path));
}

/* ---- what a run leaves ---- */

static void check_results(json_t *results)
{
    double total = 0;
    for (size_t i = 0; i < COUNT(suite_labels); i++) {
        char path[64], *end;
        snprintf(path, sizeof path, "Timing/%s", suite_labels[i]);
        const char *text = json_string_value(at(results, path));
        const double seconds = strtod(text, &end);
        cr_expect(strcmp(end, "s") == 0 && seconds > 0, "%s: %s", path, text);
        if (i + 1 < COUNT(suite_labels))
            total += seconds;
        else
            cr_expect(fabs(seconds - total) < 2e-3, "%g, not %g", seconds, total);
    }
    static const char *const files[] = {"Public and evaluation keys", "Encrypted database",
                                        "Encrypted query", "Encrypted results"};
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[64], *end;
        snprintf(path, sizeof path, "Bandwidth/%s", files[i]);
        const char *text = json_string_value(at(results, path));
        cr_expect(strtod(text, &end) > 0 && strlen(end) == 1 && strchr("BKMG", *end), "%s: %s",
                  path, text);
    }
    (void)at(results, "Server Reported/Total");
    (void)at(results, "Server Reported/Weight expansion");
    cr_expect_eq(json_object_size(results), 3);
}

static void check_stages(json_t *root, uint32_t runs)
{
    for (size_t i = 0; i < COUNT(suite_stages); i++) {
        size_t k;
        json_t *stage;
        int found = 0;
        json_array_foreach(at(root, "stages"), k, stage)
        {
            if (strcmp(json_string_value(at(stage, "name")), suite_stages[i]) != 0)
                continue;
            found++;
            cr_expect_leq(number(stage, "runs"), runs);
            cr_expect_geq(number(stage, "seconds/median"), number(stage, "seconds/min"));
            cr_expect_leq(number(stage, "seconds/median"), number(stage, "seconds/max"));
            cr_expect_gt(number(stage, "core_seconds/min"), 0);
            cr_expect_gt(number(stage, "peak_bytes/min"), 1e6);
            cr_expect_eq(json_array_size(at(stage, "seconds/values")), number(stage, "runs"));
            (void)at(stage, "label");
            (void)at(stage, "what");
        }
        cr_expect_geq(found, 1, "no stage %s", suite_stages[i]);
    }
}

static void check_quality(json_t *root, uint32_t variants)
{
    static const char *const traits[] = {"Q1", "B1"};
    cr_expect(json_is_true(at(root, "quality/tables_good")));
    cr_expect(json_is_true(at(root, "quality/sums_equal")));
    cr_expect_gt(number(root, "quality/sums_verified"), variants);
    for (int i = 0; i < 2; i++) {
        json_t *q = at(at(root, "quality/traits"), traits[i]);
        cr_expect_eq(number(q, "variants"), variants);
        cr_expect_eq(number(q, "integers_equal"), variants);
        cr_expect_gt(number(q, "tested"), variants / 2);
        cr_expect_eq(number(q, "unlike"), 0);
        cr_expect_eq(number(q, "off"), 0);
        cr_expect_lt(number(q, "max_difference_beta_in_se"), 1e-3);
        cr_expect_lt(number(q, "max_difference_log10p"), 1e-3);
    }
    json_t *plink2 = at(root, "quality/plink2");
    const int absent = json_object_get(plink2, "absent") != NULL;
    cr_expect_eq(absent, system("command -v plink2 > /dev/null") != 0);
    if (!absent) {
        cr_expect_gt(number(plink2, "compared"), 10);
        cr_expect_lt(number(plink2, "max_difference_beta_in_se"), 1e-3);
    }
}

/* Everything that the model leaves out or takes for granted is said once. */
static void check_assumptions(json_t *all)
{
    static const char *const says[] = {"whole super-blocks of 8 blocks",
                                       "a range each",
                                       "batches of columns",
                                       "the scan ends with the SHA-256",
                                       "the merge is one process",
                                       "the H200's rates are no measurement"};
    for (size_t k = 0; k < COUNT(says); k++) {
        size_t i;
        json_t *one;
        int found = 0;
        json_array_foreach(all, i, one) found += strstr(json_string_value(one), says[k]) != NULL;
        cr_expect_eq(found, 1, "%s", says[k]);
    }
}

/* Predictions are there, grow with the cohort, and say what they are. */
static void check_model(json_t *root)
{
    json_t *small = at(root, "model/cohorts/0"), *large = at(root, "model/cohorts/1");
    cr_expect_eq(number(small, "samples"), 100000);
    cr_expect_eq(number(large, "variants"), 10000000);
    cr_expect_eq(number(small, "bytes/genotypes_up"), 100000.0 * 62 * 8192 * 24);
    cr_expect_geq(json_array_size(at(root, "model/assumptions")), 5);
    int own = 0, predicted = 0;
    check_assumptions(at(root, "model/assumptions"));
    for (size_t i = 0; i < json_array_size(at(small, "scan")); i++) {
        json_t *a = json_array_get(at(small, "scan"), i), *b = json_array_get(at(large, "scan"), i);
        cr_expect_gt(number(b, "one_node/seconds"), number(a, "one_node/seconds"));
        /* 62 blocks on 16 nodes: most shards have parts of two super-blocks */
        cr_expect_eq(number(a, "one_node/blocks_read_by_all"), 62);
        cr_expect_eq(number(a, "all_nodes/blocks_read_by_all"), 180);
        cr_expect_leq(number(a, "all_nodes/seconds"),
                      1.1 * 180 / 62 * number(a, "one_node/seconds"));
        if (strcmp(json_string_value(at(a, "rates")),
                   json_string_value(at(root, "rates/cpu/name"))) == 0) {
            own++;
            cr_expect_eq(json_is_true(at(a, "measured")), TIMES_MEAN_SOMETHING);
        }
        predicted += json_is_false(at(a, "measured")) &&
                     strstr(json_string_value(at(a, "rates")), "not measured") != NULL;
    }
    cr_expect_eq(own, 1, "the host's own rates");
    cr_expect_eq(json_is_true(at(root, "rates/cpu/measured")), TIMES_MEAN_SOMETHING);
    cr_expect_gt(predicted, 0, "no H200");
    cr_expect_eq(json_array_size(at(root, "model/weak_scaling/0/points")), 7);
    cr_expect_eq(number(root, "model/weak_scaling/0/points/6/nodes"), 64);
    cr_expect_eq(number(root, "model/weak_scaling/0/points/0/efficiency_simulated"), 1);
}

/* Elements open and close in order. */
static void check_svg(const char *path)
{
    size_t bytes;
    char *text = (char *)test_read_file(path, &bytes), *root = NULL;
    int depth = 0;
    cr_assert(text && bytes > 1000);
    text[bytes - 1] = 0;
    cr_expect_eq(strncmp(text, "<?xml", 5), 0);
    for (char *p = strchr(text, '<'); p; p = strchr(p + 1, '<')) {
        char *end = strchr(p, '>');
        cr_assert(end != NULL);
        if (p[1] == '?' || p[1] == '!')
            continue;
        if (!root && strncmp(p, "<svg", 4) == 0)
            root = p;
        if (p[1] == '/')
            depth--;
        else if (end[-1] != '/')
            depth++;
        cr_assert(depth >= 0);
    }
    cr_expect(root != NULL && depth == 0);
    free(text);
}

static void check_picture(const fixture *f)
{
    size_t bytes;
    check_svg(file(f, ".svg"));
    uint8_t *png = test_read_file(file(f, ".png"), &bytes);
    cr_expect(bytes > 1000 && memcmp(png, "\x89PNG\r\n\x1a\n", 8) == 0);
    free(png);
}

static void check_markdown(const fixture *f)
{
    size_t bytes;
    char *text = (char *)test_read_file(file(f, ".md"), &bytes);
    text[bytes - 1] = 0;
    cr_expect(strncmp(text, "# encrypted-gwas, toy", 21) == 0);
    for (size_t i = 0; i < COUNT(suite_stages); i++)
        cr_expect(strstr(text, suite_stages[i]) != NULL, "%s", suite_stages[i]);
    cr_expect(strstr(text, "Assumptions") && strstr(text, "Weak scaling") &&
              strstr(text, "not measured"));
    free(text);
}

/* Nothing but what was announced. */
static int files_in(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

/* ---- the size toy, with parameters that are secure ---- */

Test(bench, toy, .timeout = 600)
{
    fixture f;
    begin(&f);
    program_run(&f.r, "bench", "--size", "toy", "--runs", "2", "--out", f.out, "--encrypt-once",
                NULL);
    cr_assert_eq(f.r.code, 0, "%d: %s", f.r.code, f.r.err);
    cr_expect_str_eq(f.r.err, "");
    for (int i = 1; i <= 2; i++) {
        char ending[32];
        snprintf(ending, sizeof ending, ".results-%d.json", i);
        json_t *results = load(&f, ending);
        check_results(results);
        json_decref(results);
    }
    json_t *root = load(&f, ".json");
    const bench_shape shape = bench_shape_of(&bench_sizes[0]);
    check_stages(root, 2);
    check_quality(root, bench_sizes[0].variants);
    check_model(root);
    check_markdown(&f);
    check_picture(&f);
    cr_expect_str_eq(json_string_value(at(root, "workload")), "encrypted-gwas");
    cr_expect_eq(number(root, "parameters/security_bits"), 128);
    cr_expect_geq(number(root, "parameters/noise_margin_sigma"), 14);
    cr_expect_leq(number(root, "parameters/log_qp"), number(root, "parameters/log_qp_bound"));
    /* what is counted from the size is what the scan did */
    cr_expect_eq(number(root, "scan/cpu/runs/0/columns"), shape.columns);
    cr_expect_eq(number(root, "scan/cpu/runs/0/sums_per_variant"), shape.outputs);
    cr_expect_eq(number(root, "scan/cpu/runs/0/genotypes_with_padding"),
                 bench_sizes[0].samples * 8192.0);
    cr_expect_gt(number(root, "scan/cpu/genotypes_per_second"), 1);
    cr_expect_eq(json_array_size(at(root, "scan/cpu/runs")), 2);
    const bench_bytes bytes = bench_bytes_of(
        &shape,
        &(hel_params){
            .log_n = 13, .scan_limbs = 3, .expand_limbs = 4, .out_limbs = 2, .chunk = 4096});
    cr_expect_float_eq(number(root, "bytes/genotypes_up"), bytes.genotypes, 8192);
    cr_expect_float_eq(number(root, "bytes/weights_up"), bytes.weights, 8192);
    cr_expect_float_eq(number(root, "bytes/sums_down"), bytes.sums, 8192);
    cr_expect_not(test_exists(f.work));
    cr_expect_eq(files_in(f.d.path), 6);
    json_decref(root);
    test_dir_remove(&f.d);
}

/* ---- a small ring, where the simulator is quick enough ---- */

#define TINY                                                                                       \
    "bench", "--size", "toy", "--samples", "80", "--variants", "700", "--log-n", "10", "--runs",   \
        "1", "--out"

static double seconds_in(json_t *value, const char *path)
{
    return strtod(json_string_value(at(value, path)), NULL);
}

/* Seconds that devices report are sums, those of stages are of one. */
static void check_two_devices(json_t *root, json_t *results)
{
    json_t *scan = at(root, "scan/sim/runs/0"), *rates = at(root, "rates/sim");
    cr_assert_eq(number(scan, "devices"), 2);
    cr_expect_geq(number(scan, "device_room_bytes"), number(scan, "device_bytes"));
    cr_expect_float_eq(seconds_in(results, "Server Reported/Products and sums"),
                       number(scan, "device_s_products") / 2, 1e-4);
    cr_expect_float_eq(seconds_in(results, "Server Reported/Weight expansion"),
                       number(scan, "device_s_expansion") / 2, 1e-4);
    cr_expect_eq(number(rates, "cores"), 2);
    cr_expect_float_eq(number(rates, "memory"), number(scan, "device_room_bytes") / 2, 1);
    /* a genotype's rate, times genotypes, is half of what both report */
    const bench_shape shape = bench_shape_of(&bench_sizes[0]);
    const double genotypes = number(scan, "genotypes_with_padding") / number(rates, "spread");
    const double each = 2 * number(rates, "row") + shape.outputs * number(rates, "product");
    cr_expect_float_eq(each * genotypes, number(scan, "device_s_products") / 2,
                       1e-3 * number(scan, "device_s_products"));
}

/* The CPU, and two simulated devices that share two blocks. */
Test(bench, backends_are_compared, .timeout = 300)
{
    fixture f;
    begin(&f);
    const char *argv[] = {NULL,
                          "bench",
                          "--size",
                          "toy",
                          "--samples",
                          "80",
                          "--variants",
                          "1500",
                          "--log-n",
                          "10",
                          "--runs",
                          "1",
                          "--out",
                          f.out,
                          "--backend",
                          "cpu,sim",
                          "--device",
                          "all",
                          "--keep-intermediate",
                          NULL};
    program_run_argv(&f.r, NULL, "HELOCI_SIM_DEVICES=2", argv);
    cr_assert_eq(f.r.code, 0, "%d: %s", f.r.code, f.r.err);
    json_t *root = load(&f, ".json"), *results = load(&f, ".sim.results-1.json");
    check_results(results);
    check_quality(root, 1500);
    check_two_devices(root, results);
    json_decref(results);
    cr_expect_str_eq(json_string_value(at(root, "quality/sums_sha256/cpu")),
                     json_string_value(at(root, "quality/sums_sha256/sim")));
    cr_expect(json_is_false(at(root, "backends/sim/measurement")));
    cr_expect(json_is_false(at(root, "backends/cpu/measurement")), "toy parameters");
    cr_expect(json_is_false(at(root, "rates/cpu/measured")));
    cr_expect(strstr(json_string_value(at(root, "speedup_over_cpu/sim")), "no measurement") ||
              strstr(json_string_value(at(root, "speedup_over_cpu/sim")), "not secure"));
    cr_expect(strstr(f.r.out, "NO MEASUREMENT") != NULL);
    check_picture(&f);
    json_decref(root);
    /* kept, and the server has nothing that is the client's */
    char path[3 * PATH_MAX];
    snprintf(path, sizeof path, "%s/server", f.work);
    cr_expect_eq(files_in(path), 7); /* evk, geno, weights, two of sums with their manifests */
    snprintf(path, sizeof path, "%s/client/bench.key", f.work);
    cr_expect(test_exists(path));
    /* a folder that is not empty is left alone */
    program_run(&f.r, TINY, f.out, NULL);
    cr_expect_eq(f.r.code, 64, "%s", f.r.err);
    cr_expect(strstr(f.r.err, "is not empty") != NULL, "%s", f.r.err);
    cr_expect(test_exists(path));
    test_dir_remove(&f.d);
}

static void run_corrupt(fixture *f, const char *backends)
{
    const char *argv[] = {NULL, TINY, f->out, "--backend", backends, NULL};
    program_run_argv(&f->r, NULL, "HELOCI_SIM_CORRUPT=40", argv);
}

/* The simulator leaves a wrong bit in what its 40th launch wrote. */
Test(bench, wrong_sums_are_refused, .timeout = 300)
{
    fixture f;
    begin(&f);
    run_corrupt(&f, "sim");
    cr_expect_eq(f.r.code, 76, "%d: %s", f.r.code, f.r.err);
    cr_expect(strstr(f.r.err, "failed verification") != NULL, "%s", f.r.err);
    cr_expect_eq(files_in(f.d.path), 0);
    run_corrupt(&f, "cpu,sim");
    cr_expect_eq(f.r.code, 76, "%d: %s", f.r.code, f.r.err);
    cr_expect(strstr(f.r.err, "the backends' sums differ") != NULL, "%s", f.r.err);
    cr_expect(strstr(f.r.out, "MISMATCH") != NULL);
    json_t *root = load(&f, ".json");
    cr_expect(json_is_false(at(root, "quality/sums_equal")));
    cr_expect_str_eq(json_string_value(at(root, "quality/found_by")), "verify_result");
    cr_expect(json_is_true(at(root, "quality/tables_good")), "the CPU's");
    cr_expect_str_eq(json_string_value(at(root, "speedup_over_cpu/sim")),
                     "refused: the sums differ");
    json_decref(root);
    cr_expect_not(test_exists(f.work));
    test_dir_remove(&f.d);
}

/* ---- rates of one run predict another ---- */

Test(bench, rates_are_compared, .timeout = 300)
{
    fixture f;
    char first[3 * PATH_MAX];
    begin(&f);
    program_run(&f.r, "bench", "--size", "toy", "--samples", "150", "--variants", "5000", "--log-n",
                "10", "--runs", "1", "--backend", "cpu", "--out", f.out, NULL);
    cr_assert_eq(f.r.code, 0, "%s", f.r.err);
    snprintf(first, sizeof first, "%s/first.json", f.d.path);
    cr_assert_eq(rename(file(&f, ".json"), first), 0);
    program_run(&f.r, "bench", "--size", "toy", "--samples", "300", "--variants", "9000", "--log-n",
                "10", "--runs", "1", "--backend", "cpu", "--rates", first, "--predict",
                "300x100000", "--nodes", "4", "--storage", "2.5", "--out", f.out, NULL);
    cr_assert_eq(f.r.code, 0, "%s", f.r.err);
    json_t *root = load(&f, ".json"), *row;
    size_t i;
    int scans = 0, encryptions = 0, forecasts = 0;
    json_array_foreach(at(root, "model/validation"), i, row)
    {
        const char *stage = json_string_value(at(row, "stage"));
        const double ratio = number(row, "ratio");
        cr_expect_float_eq(ratio, number(row, "predicted_s") / number(row, "measured_s"),
                           1e-6 * ratio);
        cr_expect(ratio > 0 && isfinite(ratio));
        const int scan = strcmp(stage, "server_encrypted_compute") == 0;
        const int encryption = strcmp(stage, "client_encode_encrypt_db") == 0;
        const int own = strcmp(stage, "the scan, by its own forecast") == 0;
        scans += scan;
        encryptions += encryption;
        forecasts += own;
        /* the others take milliseconds */
        if (TIMES_MEAN_SOMETHING && (scan || encryption || own))
            cr_expect(ratio > 0.2 && ratio < 5, "%s: %g s predicted, %g s measured", stage,
                      number(row, "predicted_s"), number(row, "measured_s"));
    }
    cr_expect_eq(scans, 1);
    cr_expect_eq(encryptions, 1);
    cr_expect_eq(forecasts, 1);
    cr_expect_eq(json_array_size(at(root, "model/cohorts")), 1);
    cr_expect_eq(number(root, "model/cohorts/0/samples"), 300);
    cr_expect_eq(number(root, "model/cohorts/0/scan/0/nodes"), 4);
    cr_expect_eq(number(root, "model/storage_bytes_per_second"), 2.5e9);
    json_decref(root);
    test_dir_remove(&f.d);
}

/* ---- the suite's own way: a stage at a time ---- */

static int stage(const fixture *f, const char *name, const char *options)
{
    char command[3 * PATH_MAX];
    snprintf(command, sizeof command,
             "cd '%s' && HELOCI='%s' HELOCI_BENCH_OPTIONS='--samples 80 --variants 300 --log-n 10' "
             "'%s/bench/workload/stages/%s' 0 %s > out 2> err",
             f->d.path, HEL_PROGRAM, HEL_SOURCE_DIR, name, options);
    return system(command);
}

Test(bench, stages_of_the_suite, .timeout = 300)
{
    static const char *const order[] = {"generate_dataset",
                                        "cleartext_impl",
                                        "client_preprocess_dataset",
                                        "client_key_generation",
                                        "client_encode_encrypt_db",
                                        "server_preprocess_dataset",
                                        "client_encode_encrypt_query",
                                        "server_encrypted_compute",
                                        "client_decrypt_decode",
                                        "client_postprocess",
                                        "verify_result"};
    static const char *const links[] = {"keys/evaluation.bin", "encrypted/db.bin",
                                        "encrypted/query.bin", "results/result.bin"};
    fixture f;
    char path[3 * PATH_MAX];
    begin(&f);
    for (size_t i = 0; i < COUNT(order); i++)
        cr_assert_eq(stage(&f, order[i], "--seed 11"), 0, "%s", order[i]);
    for (size_t i = 0; i < COUNT(links); i++) {
        snprintf(path, sizeof path, "%s/io/toy/%s", f.d.path, links[i]);
        cr_expect(test_exists(path), "%s", path);
    }
    /* another cohort is expected than was encrypted */
    cr_assert_eq(stage(&f, "generate_dataset", "--seed 12"), 0);
    cr_assert_eq(stage(&f, "cleartext_impl", ""), 0);
    const int state = stage(&f, "verify_result", "");
    cr_expect_eq(WEXITSTATUS(state), 76);
    test_dir_remove(&f.d);
}

/* ---- the second witness ---- */

static int ask(fixture *f, const char *path)
{
    char variable[5 * PATH_MAX];
    snprintf(variable, sizeof variable, "PATH=%s", path);
    const char *argv[] = {NULL,        "bench", "--size",  "toy",
                          "--samples", "80",    "--stage", "cleartext_witness",
                          "--dir",     f->work, NULL};
    program_run_argv(&f->r, NULL, variable, argv);
    return f->r.code;
}

/* Who is not there is excused; who is there and fails, or says something else, is not. */
Test(bench, plink2_that_fails)
{
    static const char *const stages[] = {"generate_dataset", "cleartext_impl"};
    fixture f;
    char path[3 * PATH_MAX], file_path[4 * PATH_MAX];
    begin(&f);
    for (size_t i = 0; i < COUNT(stages); i++) {
        program_run(&f.r, "bench", "--size", "toy", "--samples", "80", "--stage", stages[i],
                    "--dir", f.work, NULL);
        cr_assert_eq(f.r.code, 0, "%s", f.r.err);
    }
    cr_expect_eq(ask(&f, f.d.path), 0, "%s", f.r.err);
    snprintf(path, sizeof path, "%s/bin", f.d.path);
    snprintf(file_path, sizeof file_path, "%s/plink2", path);
    cr_assert_eq(mkdir(path, 0700), 0);
    static const struct {
        const char *script;
        int code;
        const char *says;
    } cases[] = {
        {"#!/bin/sh\necho before\necho 'Error: no such thing.' >&2\nexit 7\n", 69,
         "plink2 ended with 7: Error: no such thing."},
        {"#!/bin/sh\nexit 127\n", 69, "plink2 ended with 127"},
        {"#!/bin/sh\nkill -9 $$\n", 69, "plink2 ended with 137"},
        {"no program\n", 69, "plink2 cannot be started: Permission denied"},
        {"#!/bin/sh\nexit 0\n", 74, "cannot be compared with plink2"},
        {"#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\necho ID BETA > $1.Q1.glm.linear\n", 74,
         "cannot be compared with plink2"},
        {"#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\n"
         "printf 'ID\\tOBS_CT\\tBETA\\tSE\\tP\\nv0\\t80\\t99\\t1\\t0.5\\n' > "
         "$1.Q1.glm.linear\n",
         76, "standard errors"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        test_write_file(file_path, cases[i].script, strlen(cases[i].script),
                        cases[i].script[0] == '#' ? 0700 : 0600);
        cr_expect_eq(ask(&f, path), cases[i].code, "%zu: %d: %s", i, f.r.code, f.r.err);
        cr_expect(strstr(f.r.err, cases[i].says) != NULL, "%zu: %s", i, f.r.err);
        cr_expect_eq(unlink(file_path), 0);
    }
    test_dir_remove(&f.d);
}

/* ---- what is refused, and what is stopped ---- */

/* What must be given is said, and the size need not be. */
Test(bench, help_says_what_is_required)
{
    fixture f;
    begin(&f);
    program_run(&f.r, "bench", "--help", NULL);
    cr_expect_eq(f.r.code, 0);
    cr_expect(strstr(f.r.out, "usage: heloci bench --out PREFIX [OPTIONS]") != NULL, "%s", f.r.out);
    /* small, with a number of its own for both: what a stage simulates says so */
    program_run(&f.r, "bench", "--stage", "generate_dataset", "--dir", f.work, "--samples", "64",
                "--variants", "10", NULL);
    cr_expect_eq(f.r.code, 0, "%s", f.r.err);
    char path[3 * PATH_MAX];
    size_t bytes;
    snprintf(path, sizeof path, "%s/dataset/cohort.covar", f.work);
    char *text = (char *)test_read_file(path, &bytes);
    cr_assert(text != NULL && bytes > 0);
    text[bytes - 1] = 0;
    text[strcspn(text, "\n")] = 0;
    int columns = 1;
    for (const char *c = text; *c; c++)
        columns += *c == '\t';
    cr_expect_eq(columns, 2 + (int)bench_sizes[1].covariates, "%s", text);
    free(text);
    test_dir_remove(&f.d);
}

/* What is said of the disk, and held against what is free, is of the ring that was asked for. */
Test(bench, the_disk_goes_by_the_ring)
{
    static const hel_params rings[] = {
        {.log_n = 10, .scan_limbs = 3, .expand_limbs = 4, .out_limbs = 2, .chunk = 4096},
        {.log_n = 13, .scan_limbs = 3, .expand_limbs = 4, .out_limbs = 2, .chunk = 4096},
        {.log_n = 15, .scan_limbs = 4, .expand_limbs = 5, .out_limbs = 3, .chunk = 4096}};
    fixture f;
    begin(&f);
    for (size_t i = 0; i < COUNT(rings); i++) {
        char ring[8];
        snprintf(ring, sizeof ring, "%u", rings[i].log_n);
        /* the folder is not empty: nothing is run */
        program_run(&f.r, "bench", "--size", "toy", "--log-n", ring, "--out", f.out, "--dir", "/",
                    NULL);
        cr_expect_eq(f.r.code, 64, "%s", f.r.err);
        const bench_shape shape = bench_shape_of(&bench_sizes[0]);
        const bench_bytes b = bench_bytes_of(&shape, &rings[i]);
        const double bytes = b.genotypes + b.weights + 2 * b.sums + b.dataset + b.clear;
        const char *line = strstr(f.r.out, "\n  ");
        cr_assert(line && strstr(line, "MiB of disk"), "%s", f.r.out);
        cr_expect_float_eq(strtod(line, NULL) * 0x1p20, bytes, 0.01 * bytes, "%s: %s", ring, line);
    }
    test_dir_remove(&f.d);
}

Test(bench, mistakes)
{
    static const struct {
        const char *argv[8];
        int code;
        const char *says;
    } cases[] = {
        {{"--size", "small"}, 64, "--out PREFIX is required"},
        {{"--size", "huge", "--out", "x"}, 64, "one of toy, small, medium, large"},
        {{NULL}, 64, "--out PREFIX is required"},
        {{"--stage", "verify_result"}, 64, "needs --dir"},
        {{"--size", "toy", "--out", "x", "--predict", "5"}, 64, "100000x500000"},
        {{"--size", "toy", "--out", "x", "--rates", "/nonexistent"}, 65, "/nonexistent"},
        {{"--size", "toy", "--out", "x", "--backend", "gpu"}, 64, "a list of auto, cuda, cpu, sim"},
        {{"--size", "toy", "--stage", "nonsense", "--dir", "x"}, 64, "client_key_generation"},
        {{"--size", "toy", "--stage", "verify_result"}, 64, "needs --dir"},
        {{"--size", "toy", "--out", "/nonexistent/x"}, 74, "/nonexistent"},
        {{"--size", "toy", "--out", "x", "--geno", "y"}, 64, "is not an option of bench"},
        {{"--size", "toy", "--out", "x", "--runs", "0"}, 64, "from 1 to 99"},
    };
    fixture f;
    begin(&f);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *argv[12] = {NULL, "bench"};
        memcpy(argv + 2, cases[i].argv, sizeof cases[i].argv);
        program_run_argv(&f.r, f.d.path, NULL, argv);
        cr_expect_eq(f.r.code, cases[i].code, "case %zu: %d: %s", i, f.r.code, f.r.err);
        cr_expect(strstr(f.r.err, cases[i].says) != NULL, "case %zu: %s", i, f.r.err);
        cr_expect_eq(files_in(f.d.path), 0, "case %zu", i);
    }
    test_dir_remove(&f.d);
}

/* A GPU that is asked for by name must be there; one that is not asked for is excused. */
Test(bench, absent_gpu, .timeout = 300)
{
    fixture f;
    begin(&f);
    program_run(&f.r, TINY, f.out, "--backend", "cuda", NULL);
    if (f.r.code == 0) /* there is one */
        cr_skip_test("this machine has a GPU");
    cr_expect_eq(f.r.code, 69, "%d: %s", f.r.code, f.r.err);
    cr_expect(strstr(f.r.err, "no backend cuda") != NULL, "%s", f.r.err);
    cr_expect_eq(files_in(f.d.path), 0);
    program_run(&f.r, TINY, f.out, NULL);
    cr_expect_eq(f.r.code, 0, "%s", f.r.err);
    json_t *root = load(&f, ".json");
    cr_expect(strstr(json_string_value(at(root, "backends/cuda/absent")), "no backend cuda"));
    cr_expect(strstr(f.r.out, "cuda: not measured: ") != NULL);
    json_decref(root);
    test_dir_remove(&f.d);
}

/* SIGTERM at several moments: 75, and nothing is left. */
Test(bench, a_signal_leaves_nothing, .timeout = 300)
{
    fixture f;
    begin(&f);
    for (int moment = 0; moment < 6; moment++) {
        fflush(NULL);
        pid_t pid = fork();
        cr_assert(pid >= 0);
        if (pid == 0) {
            execl(HEL_PROGRAM, "heloci", TINY, f.out, "--quiet", "--backend", "cpu", (char *)NULL);
            _exit(127);
        }
        usleep(30000u + 90000u * (unsigned)moment);
        kill(pid, SIGTERM);
        int state;
        cr_assert_eq(waitpid(pid, &state, 0), pid);
        cr_expect((WIFEXITED(state) && (WEXITSTATUS(state) == 75 || WEXITSTATUS(state) == 0)) ||
                      (WIFSIGNALED(state) && WTERMSIG(state) == SIGTERM),
                  "moment %d: state %x", moment, (unsigned)state);
        cr_expect_not(test_exists(f.work), "moment %d", moment);
        if (WIFEXITED(state) && WEXITSTATUS(state) == 75)
            cr_expect_eq(files_in(f.d.path), 0, "moment %d", moment);
    }
    test_dir_remove(&f.d);
}
