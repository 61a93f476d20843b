/*
 * SIGKILL at random moments of every step of the real program. What is left is nothing, the older
 * file, or a whole one; the next run succeeds; no reader takes a .part that was under way.
 */
#include <signal.h>
#include <time.h>

#include "tests/e2e/program.h"
#include "tests/e2e/toy_cohort.h"

enum { SAMPLES = 400, VARIANTS = 2000, KILLS = 6, ARGS = 16 };

typedef struct step {
    const char *command;
    const char *option[ARGS]; /* pairs; a value that begins with '.' is a suffix of the prefix */
    const char *output[2];
} step;

static const step steps[] = {
    {"keygen", {"--overwrite", ""}, {".key", ".evk"}},
    {"encrypt", {"--bfile", ".", "--key", ".key", "--overwrite", ""}, {".geno", ".private"}},
    {"null",
     {"--data", ".private", "--key", ".key", "--pheno", ".pheno", "--covar", ".covar"},
     {".weights", ".model"}},
    {"scan", {"--geno", ".geno", "--weights", ".weights", "--evk", ".evk"}, {".sums", NULL}},
    {"decrypt",
     {"--sums", ".sums", "--data", ".private", "--model", ".model", "--key", ".key"},
     {".Q1.glm.linear", ".B1.glm.logistic"}},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

static pid_t start(const toy *t, const step *s)
{
    static char value[ARGS][2 * PATH_MAX];
    char *argv[2 * ARGS] = {(char *)"heloci", (char *)s->command};
    int n = 2;
    for (int i = 0; i < ARGS && s->option[i]; i++) {
        if (!s->option[i][0])
            continue;
        snprintf(value[i], sizeof value[i], "%s%s", s->option[i][0] == '.' ? t->e.prefix : "",
                 strcmp(s->option[i], ".") == 0 ? "" : s->option[i]);
        argv[n++] = value[i];
    }
    argv[n++] = (char *)"--quiet";
    argv[n++] = (char *)"--threads";
    argv[n++] = (char *)"1";
    argv[n++] = (char *)"--out";
    argv[n++] = (char *)t->e.prefix;
    argv[n] = NULL;
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        execv(HEL_PROGRAM, argv);
        _exit(127);
    }
    return pid;
}

static int finish(pid_t pid)
{
    int state;
    cr_assert_eq(waitpid(pid, &state, 0), pid);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double run(const toy *t, const step *s)
{
    double from = seconds();
    int code = finish(start(t, s));
    cr_assert_eq(code, 0, "%s: exit %d", s->command, code);
    return seconds() - from;
}

static void prepare(toy *t)
{
    toy_start(t, SAMPLES, VARIANTS);
    E2E_OK(&t->e, e2e_keygen(&t->e, &t->params)); /* toy parameters; the program makes others */
    for (int s = 1; s < STEPS; s++)
        run(t, &steps[s]);
}

static int is_table(const char *suffix)
{
    return strstr(suffix, ".glm.") != NULL;
}

/* The file is whole: a container by its checksums, a table by comparison. */
static int whole(const toy *t, const char *suffix, const uint8_t *table, size_t bytes)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s", e2e_path(&t->e, suffix));
    if (is_table(suffix))
        return toy_same(path, table, bytes);
    return hel_verify_file(t->e.engine, path) == HEL_OK;
}

/* A .part that a kill left: no container until its header is written, which is the last thing. */
static int check_part(const toy *t, const char *suffix, size_t full)
{
    char path[2 * PATH_MAX];
    struct stat info;
    snprintf(path, sizeof path, "%s.part", e2e_path(&t->e, suffix));
    if (stat(path, &info) != 0)
        return 0;
    if (is_table(suffix))
        return 1;
    hel_status status = hel_verify_file(t->e.engine, path);
    cr_assert(status == HEL_E_FORMAT || (status == HEL_OK && (size_t)info.st_size == full),
              "%s of %lld bytes: %s", path, (long long)info.st_size, hel_status_name(status));
    return 1;
}

/* The manifest after a kill: sums of this run have theirs. Older ones may have that of sums that
 * never got their name; then it says so, and nothing is worse than that. */
static void check_manifest(const toy *t, const step *s, int older)
{
    char path[2 * PATH_MAX];
    hel_verify_config config = HEL_VERIFY_CONFIG_INIT;
    snprintf(path, sizeof path, "%s", e2e_path(&t->e, s->output[0]));
    config.path = path;
    if (strcmp(s->command, "scan") != 0 || !test_exists(path))
        return;
    const hel_status status = hel_verify(t->e.engine, &config, NULL);
    cr_assert(status == HEL_OK || (older && status == HEL_E_MISMATCH), "%s: %s", path,
              hel_engine_error(t->e.engine));
}

/* After a run that went through. */
static void must_fit(const toy *t, const step *s)
{
    char path[2 * PATH_MAX];
    hel_verify_report report = {0};
    hel_verify_config config = HEL_VERIFY_CONFIG_INIT;
    const int has_one = strcmp(s->command, "scan") == 0 || strcmp(s->command, "decrypt") == 0;
    snprintf(path, sizeof path, "%s", e2e_path(&t->e, s->output[0]));
    config.path = path;
    if (!has_one)
        return;
    E2E_OK(&t->e, hel_verify(t->e.engine, &config, &report));
    cr_assert(report.manifest == 1, "%s has no manifest", path);
}

static void crash_step(const step *s, int older)
{
    toy t;
    uint64_t random = test_seed() + (uint64_t)older;
    uint8_t *table[2] = {NULL};
    size_t bytes[2] = {0};
    int killed = 0, parts = 0;
    prepare(&t);
    if (s == steps) /* the program's own parameters from here on */
        run(&t, s);
    for (int o = 0; o < 2 && s->output[o]; o++)
        table[o] = test_read_file(e2e_path(&t.e, s->output[o]), &bytes[o]);
    const double lasts = run(&t, s);
    const size_t kills = test_scale(KILLS);
    for (size_t k = 0; k < kills; k++) {
        for (int o = 0; o < 2 && s->output[o] && !older; o++)
            cr_assert_eq(unlink(e2e_path(&t.e, s->output[o])), 0);
        /* one moment in each slice of the step's time */
        double at =
            lasts * ((double)k + (double)(test_random(&random) % 1000) / 1000) / (double)kills;
        pid_t pid = start(&t, s);
        usleep((useconds_t)(1e6 * at));
        kill(pid, SIGKILL);
        int code = finish(pid);
        cr_assert(code == 0 || code == 128 + SIGKILL, "%s: exit %d", s->command, code);
        killed += code != 0;
        for (int o = 0; o < 2 && s->output[o]; o++) {
            int there = test_exists(e2e_path(&t.e, s->output[o]));
            cr_assert(there || (!older && code != 0), "%s is gone", s->output[o]);
            if (there)
                cr_assert(whole(&t, s->output[o], table[o], bytes[o]),
                          "%s killed after %.0f ms: %s is damaged", s->command, 1e3 * at,
                          s->output[o]);
            parts += check_part(&t, s->output[o], bytes[o]);
        }
        check_manifest(&t, s, older);
        run(&t, s);
        must_fit(&t, s);
        cr_assert_eq(toy_count(&t, ".part"), 0, "%s: a .part survives the next run", s->command);
        for (int o = 0; o < 2 && s->output[o]; o++)
            cr_assert(whole(&t, s->output[o], table[o], bytes[o]));
    }
    fprintf(stderr, "%s: %.0f ms, %d of %zu kills hit, %d .part left\n", s->command, 1e3 * lasts,
            killed, kills, parts);
    cr_assert_gt(killed, 0, "%s was never hit", s->command);
    if (s != steps)
        for (const step *rest = s + 1; rest < steps + STEPS; rest++)
            run(&t, rest); /* what follows works on what the last run left */
    free(table[0]);
    free(table[1]);
    toy_stop(&t);
}

#define CRASH_TEST(name, index)                                                                    \
    Test(crash, name, .timeout = 600)                                                              \
    {                                                                                              \
        crash_step(&steps[index], 0);                                                              \
        crash_step(&steps[index], 1);                                                              \
    }

CRASH_TEST(keygen, 0)
CRASH_TEST(encrypt, 1)
CRASH_TEST(null_model, 2)
CRASH_TEST(scan, 3)
CRASH_TEST(decrypt, 4)

/* Killed while a file is surely under way: as soon as its .part is seen. */
Test(crash, half_written_files_are_no_files, .timeout = 300)
{
    toy t;
    program_result r;
    char part[2 * PATH_MAX];
    prepare(&t);
    for (int s = 1; s < 4; s++) {
        snprintf(part, sizeof part, "%s.part", e2e_path(&t.e, steps[s].output[0]));
        int caught = 0;
        for (int tries = 0; tries < 50 && !caught; tries++) {
            unlink(part); /* of the try before: whole, but for its name */
            pid_t pid = start(&t, &steps[s]);
            double until = seconds() + 30;
            while (!test_exists(part) && kill(pid, 0) == 0 && seconds() < until)
                usleep(100);
            kill(pid, SIGKILL);
            caught = finish(pid) != 0 && test_exists(part) &&
                     hel_verify_file(t.e.engine, part) != HEL_OK;
        }
        cr_assert(caught, "%s was never caught writing", steps[s].command);
        E2E_FAILS(&t.e, hel_verify_file(t.e.engine, part), HEL_E_FORMAT, part);
        program_run(&r, "inspect", part, NULL);
        cr_assert_eq(r.code, 65, "%d", r.code);
        program_run(&r, "scan", "--geno", s == 1 ? part : e2e_path(&t.e, ".geno"), "--weights",
                    s == 2 ? part : e2e_path(&t.e, ".weights"), "--evk", e2e_path(&t.e, ".evk"),
                    "--out", e2e_path(&t.e, "2"), NULL);
        if (s < 3) {
            cr_assert_eq(r.code, 65, "%s: %d", steps[s].command, r.code);
            cr_assert(strstr(r.err, part), "%s", r.err);
            cr_assert_not(test_exists(e2e_path(&t.e, "2.sums")));
        } else {
            program_run(&r, "decrypt", "--sums", part, "--data", e2e_path(&t.e, ".private"),
                        "--model", e2e_path(&t.e, ".model"), "--key", e2e_path(&t.e, ".key"),
                        "--out", e2e_path(&t.e, "2"), NULL);
            cr_assert_eq(r.code, 65, "%d: %s", r.code, r.err);
            cr_assert_not(test_exists(e2e_path(&t.e, ".key.rejections")), "a crash was counted");
        }
        run(&t, &steps[s]);
        cr_assert_not(test_exists(part));
    }
    for (int s = 1; s < STEPS; s++)
        run(&t, &steps[s]);
    toy_stop(&t);
}
