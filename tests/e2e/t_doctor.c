/* heloci doctor: its text, its JSON, its exit codes. What it finds is tested with the library. */
#include <jansson.h>

#include "heloci/engine.h"
#include "host/base/affinity.h"
#include "tests/base/test_dir.h"
#include "tests/e2e/program.h"

#define TWO_GPUS HEL_SOURCE_DIR "/tests/sched/two_sockets_eight_gpus.xml"

/* Variables of the machine that runs the tests do not count. */
static void start(test_dir *dir)
{
    static const char *const names[] = {"SLURM_JOB_ID",        "SLURM_JOB_GPUS", "SLURM_STEP_GPUS",
                                        "SLURM_GPUS_ON_NODE",  "SLURM_TMPDIR",   "HWLOC_XMLFILE",
                                        "CUDA_VISIBLE_DEVICES"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    test_dir_make(dir);
}

static void run_in(program_result *r, const char *cwd, const char *const *words)
{
    const char *argv[PROGRAM_ARGS] = {NULL, "doctor"};
    int n = 2;
    for (; *words; words++)
        argv[n++] = *words;
    program_run_argv(r, cwd, NULL, argv);
}

#define RUN(r, dir, ...) run_in((r), (dir)->path, (const char *const[]){__VA_ARGS__, NULL})

static json_t *parsed(const program_result *r)
{
    json_error_t error;
    json_t *root = json_loads(r->out, 0, &error);
    cr_assert(json_is_object(root), "line %d: %s\n%s", error.line, error.text, r->out);
    return root;
}

/* "memory.default_budget_bytes", "nodes.0.number" */
static json_t *at(json_t *root, const char *path)
{
    char copy[128], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *word = strtok_r(copy, ".", &rest); word; word = strtok_r(NULL, ".", &rest))
        root = json_is_array(root) ? json_array_get(root, strtoul(word, NULL, 10))
                                   : json_object_get(root, word);
    return root;
}

static const char *text_at(json_t *root, const char *path)
{
    const char *text = json_string_value(at(root, path));
    cr_assert(text != NULL, "no text %s", path);
    return text;
}

/* The mark of an entry in "advice"; NULL when it has none. */
static const char *mark_of(json_t *root, const char *section, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach(at(root, "advice"), i,
                       one) if (strcmp(text_at(one, "section"), section) == 0 &&
                                strcmp(text_at(one, "name"), name) == 0 &&
                                text_at(one, "advice")[0]) return text_at(one, "mark");
    return NULL;
}

Test(doctor, all_of_it, .timeout = 120)
{
    test_dir dir;
    program_result r;
    start(&dir);
    RUN(&r, &dir, "--backend", "cpu");
    cr_assert_eq(r.code, 0, "%d: %s%s", r.code, r.out, r.err);
    cr_expect_str_eq(r.err, "");
    static const char *const lines[] = {"\nbuild\n",
                                        "\nprocessors\n",
                                        "\nnodes\n",
                                        "\nbackends\n",
                                        "\nplacement\n",
                                        "\nmemory\n",
                                        "\nlimits\n",
                                        "\nfiles\n",
                                        "\nslurm\n",
                                        "\nsandbox\n",
                                        "\nscans\n",
                                        "\ntest\n",
                                        "\n  node ",
                                        "\n  workers ",
                                        "\n  default budget ",
                                        "\n  cpu, portable ",
                                        "\n  inside a job                   no\n",
                                        "passed: "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect(strstr(r.out, lines[i]), "no '%s' in\n%s", lines[i], r.out);
    char line[PATH_MAX + 64];
    snprintf(line, sizeof line, "  folder                         %s\n", dir.path);
    cr_expect(strstr(r.out, line), "%s", r.out);
    const char *last = strstr(r.out, " notes (*), ");
    cr_expect((last || strstr(r.out, " note (*), ")) && strstr(r.out, "(!)\n"), "%s", r.out);
    cr_expect_eq(rmdir(dir.path), 0, "something was left in the folder");
}

Test(doctor, json, .timeout = 120)
{
    test_dir dir;
    program_result r;
    start(&dir);
    setenv("SLURM_JOB_ID", "7\xff\"\\", 1); /* not UTF-8, and to be escaped */
    RUN(&r, &dir, "--backend", "cpu", "--json", "--threads", "1", "--memory", "512M");
    cr_assert_eq(r.code, 0, "%d: %s%s", r.code, r.out, r.err);
    json_t *root = parsed(&r);
    cr_expect_str_eq(text_at(root, "build.version"), hel_version());
    cr_expect_eq(json_integer_value(at(root, "processors.threads")), 1);
    cr_expect_eq(json_integer_value(at(root, "memory.budget_bytes")), 512 << 20);
    cr_expect(json_is_array(at(root, "nodes")) && json_is_integer(at(root, "nodes.0.number")));
    cr_expect_str_eq(text_at(root, "backends.0.backend"), "cpu");
    cr_expect_str_eq(text_at(root, "placement.0.for"), "cpu");
    cr_expect_str_eq(text_at(root, "files.folder"), dir.path);
    cr_expect(json_is_true(at(root, "files.writable")) &&
              json_is_boolean(at(root, "files.direct")));
    cr_expect(json_is_true(at(root, "slurm.inside")));
    cr_expect_str_eq(text_at(root, "slurm.job"), "7?\"\\");
    cr_expect_str_eq(text_at(root, "scans.0.backend"), "cpu, portable");
    cr_expect(json_is_real(at(root, "scans.0.seconds")));
    cr_expect(strncmp(text_at(root, "test.result"), "passed", 6) == 0);
    cr_expect_eq(json_integer_value(at(root, "exit")), 0);
    const char *status = text_at(root, "status");
    cr_expect(strcmp(status, "fine") == 0 || strcmp(status, "problems") == 0, "%s", status);
    json_decref(root);
    test_dir_remove(&dir);
}

Test(doctor, without_the_test_and_quiet)
{
    test_dir dir;
    program_result r;
    start(&dir);
    RUN(&r, &dir, "--no-test", "--backend", "cpu");
    cr_expect_eq(r.code, 0, "%s", r.out);
    cr_expect(strstr(r.out, "\nslurm\n") && !strstr(r.out, "\nscans\n") &&
              !strstr(r.out, "passed"));
    RUN(&r, &dir, "--no-test", "--backend", "cpu", "--quiet");
    cr_expect(r.code == 0 && !r.out[0] && !r.err[0], "%s%s", r.out, r.err);
    RUN(&r, &dir, "--no-test", "--backend", "cpu", "--quiet", "--json");
    cr_expect(r.code == 0 && !r.out[0] && !r.err[0], "%s%s", r.out, r.err);
    test_dir_remove(&dir);
}

Test(doctor, what_is_absent_ends_with_69)
{
    test_dir dir;
    program_result r;
    start(&dir);
    setenv("HELOCI_SIM_DEVICES", "0", 1);
    RUN(&r, &dir, "--no-test", "--backend", "sim");
    cr_expect_eq(r.code, 69, "%d: %s", r.code, r.out);
    cr_expect(strstr(r.out, "\n! sim "), "%s", r.out);
    cr_expect(strstr(r.out, "1 thing absent (!)"), "%s", r.out);
    RUN(&r, &dir, "--no-test", "--backend", "sim", "--json");
    cr_expect_eq(r.code, 69);
    json_t *root = parsed(&r);
    cr_expect_str_eq(text_at(root, "status"), "absent");
    cr_expect_eq(json_integer_value(at(root, "exit")), 69);
    cr_expect_str_eq(mark_of(root, "backends", "devices"), "absent");
    cr_expect_eq(json_integer_value(at(root, "backends.2.devices")), 0);
    cr_expect(strstr(text_at(root, "backends.2.why"), "HELOCI_SIM_DEVICES is 0"));
    json_decref(root);
    test_dir_remove(&dir);
}

Test(doctor, a_wrong_device_ends_with_70, .timeout = 300)
{
    test_dir dir;
    program_result r;
    start(&dir);
    setenv("HELOCI_SIM_CORRUPT", "11", 1);
    RUN(&r, &dir, "--backend", "sim", "--json");
    cr_expect_eq(r.code, 70, "%d: %s%s", r.code, r.out, r.err);
    json_t *root = parsed(&r);
    cr_expect_str_eq(text_at(root, "status"), "failed");
    cr_expect_str_eq(mark_of(root, "test", "result"), "failed");
    cr_expect(strncmp(text_at(root, "test.result"), "failed: sim 0: ", 15) == 0);
    json_decref(root);
    cr_expect_eq(rmdir(dir.path), 0, "something was left in the folder");
}

/* Where the test cannot run it has failed, with the reason. */
Test(doctor, no_place_for_the_test)
{
    test_dir dir;
    program_result r;
    start(&dir);
    setenv("TMPDIR", "/nonexistent", 1);
    RUN(&r, &dir, "--backend", "cpu");
    cr_expect_eq(r.code, 70, "%d: %s%s", r.code, r.out, r.err);
    cr_expect(strstr(r.out, "! result") && strstr(r.out, "/nonexistent"), "%s", r.out);
    cr_expect(strstr(r.out, "the test FAILED (!)"), "%s", r.out);
    test_dir_remove(&dir);
}

Test(doctor, devices_of_a_described_machine)
{
    test_dir dir;
    program_result r;
    start(&dir);
    setenv("HWLOC_XMLFILE", TWO_GPUS, 1);
    setenv("HELOCI_SIM_PCI", "0000:9a:00.0,0000:2a:00.0", 1);
    setenv("HELOCI_SIM_DEVICES", "2", 1);
    RUN(&r, &dir, "--no-test", "--backend", "sim", "--threads", "4");
    cr_expect_eq(r.code, 0, "%s%s", r.out, r.err);
    static const char *const lines[] = {
        "* topology ",
        "  node 1                         processors 4-7 (4 of 4), 512 GiB\n",
        "    nearest node                 1, of which this process may use processors 4-7\n",
        "    PCI bus id                   0000:2a:00.0\n",
        "  workers                        2 on node 0 (processors 0-3), 2 on node 1 (processors "
        "4-7)\n",
        "  sim 1: readers                 processors 0-3; node 0 is the nearest to 0000:2a:00.0\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect(strstr(r.out, lines[i]), "no '%s' in\n%s", lines[i], r.out);
    RUN(&r, &dir, "--no-test", "--backend", "sim", "--threads", "4", "--json");
    json_t *root = parsed(&r);
    const size_t devices = json_array_size(at(root, "devices")); /* behind a GPU, if there is one */
    cr_assert_geq(devices, 2);
    json_t *second = json_array_get(at(root, "devices"), devices - 1);
    cr_expect_str_eq(text_at(second, "pci"), "0000:2a:00.0");
    cr_expect_str_eq(text_at(second, "processors"), "0-3");
    cr_expect_eq(json_integer_value(at(second, "node")), 0);
    cr_expect_str_eq(mark_of(root, "processors", "described"), "note");
    json_decref(root);
    test_dir_remove(&dir);
}

/* A job on fewer processors than it was promised; threads follow the processors. */
Test(doctor, a_smaller_cpuset)
{
    test_dir dir;
    program_result r;
    hel_cpus mine, one = {{0}};
    start(&dir);
    cr_assert(hel_cpus_of_thread(&mine));
    for (uint32_t cpu = 0; hel_cpus_count(&one) == 0; cpu++)
        if (hel_cpus_has(&mine, cpu))
            hel_cpus_add(&one, cpu);
    cr_assert(hel_cpus_bind(&one));
    setenv("SLURM_JOB_ID", "1", 1);
    setenv("SLURM_CPUS_PER_TASK", "2", 1);
    RUN(&r, &dir, "--no-test", "--backend", "cpu", "--json");
    cr_expect_eq(r.code, 0, "%s%s", r.out, r.err);
    json_t *root = parsed(&r);
    cr_expect_eq(json_integer_value(at(root, "processors.allowed")), 1);
    cr_expect_eq(json_integer_value(at(root, "processors.threads")), 1);
    cr_expect_str_eq(mark_of(root, "slurm", "cpus_per_task"), "problem");
    cr_expect_str_eq(text_at(root, "status"), "problems");
    json_decref(root);
    test_dir_remove(&dir);
}

Test(doctor, output_that_cannot_be_written)
{
    test_dir dir;
    start(&dir);
    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("no /dev/full");
    static const char *const formats[] = {"", " --json"};
    for (int i = 0; i < 2; i++) {
        char command[PATH_MAX + 128];
        snprintf(command, sizeof command,
                 "%s doctor --no-test --backend cpu%s > /dev/full 2> /dev/null", HEL_PROGRAM,
                 formats[i]);
        const int state = system(command);
        cr_expect(WIFEXITED(state) && WEXITSTATUS(state) == 74, "%d", WEXITSTATUS(state));
    }
    test_dir_remove(&dir);
}
