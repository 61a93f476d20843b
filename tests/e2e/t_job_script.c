/*
 * The batch scripts of heloci submit, run by bash as Slurm would run them: what reaches the
 * program, whatever the description says, and how they answer signals and exit codes.
 */
#include <signal.h>

#include "tests/e2e/submit_test.h"

TestSuite(job_script, .init = submit_begin, .fini = submit_end);

/* Runs a script as Slurm would: task 3 of array 70. Returns its exit code. */
static pid_t start_script(const char *name, const char *restarts)
{
    const char *script = test_dir_path(&dir, name);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int log = open(test_dir_path(&dir, "log"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || chdir(dir.path) != 0)
            _exit(126);
        putenv(path_variable);
        setenv("SLURM_ARRAY_JOB_ID", "70", 1);
        setenv("SLURM_ARRAY_TASK_ID", "3", 1);
        setenv("SLURM_CPUS_PER_TASK", "6", 1);
        if (restarts)
            setenv("SLURM_RESTART_COUNT", restarts, 1);
        execlp("bash", "bash", script, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static int end_script(pid_t pid)
{
    int state = 0;
    cr_assert_eq(waitpid(pid, &state, 0), pid);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

static int run_script(const char *name, const char *restarts)
{
    return end_script(start_script(name, restarts));
}

/* The next argument that the stand-in got must be this. */
static const char *next_argument(const char *at, const char *wanted)
{
    cr_assert_str_eq(at, wanted);
    return at + strlen(at) + 1;
}

/* JSON of a text without control characters. */
static void quote(char *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *out++ = '\\';
        *out++ = *text;
    }
    *out = 0;
}

/* As the name of an input and of the log, and of the output where it may be that. */
static void check_hostile(const char *text)
{
    static const char *const inputs[] = {"--geno", "--weights", "--evk"};
    const char *out = strpbrk(text, "%\\") ? "o" : text;
    char json[4096], quoted[512], quoted_out[512], wanted[2 * PATH_MAX + 512];
    program_result r;
    quote(quoted, text);
    quote(quoted_out, out);
    snprintf(json, sizeof json,
             "{\"geno\": \"%s\", \"weights\": \"%s\", \"evk\": \"%s\", \"out\": \"%s\", "
             "\"shards\": 11, \"program\": \"./fake\", \"log\": \"l%s\"}",
             quoted, quoted, quoted, quoted_out, quoted);
    describe(json);
    put(text, "", 0644);
    submit(&r, NULL);
    cr_assert_eq(r.code, 69, "%s: %s", text, r.err); /* the stand-in for sbatch refuses */
    snprintf(wanted, sizeof wanted, "%s.slurm/scan.sbatch", out);
    cr_assert(there(wanted), "%s", text);
    cr_expect_eq(run_script(wanted, NULL), 0, "%s", text);
    char *all = get("arguments");
    const char *at = next_argument(all, "scan");
    for (int i = 0; i < 3; i++) {
        snprintf(wanted, sizeof wanted, "%s/%s", dir.path, text);
        at = next_argument(next_argument(at, inputs[i]), wanted);
    }
    snprintf(wanted, sizeof wanted, "%s/%s", dir.path, out);
    at = next_argument(next_argument(at, "--out"), wanted);
    at = next_argument(next_argument(at, "--shard"), "3/11");
    at = next_argument(next_argument(at, "--backend"), "cpu");
    at = next_argument(next_argument(at, "--threads"), "6");
    at = next_argument(next_argument(at, "--memory"), "6144M");
    snprintf(wanted, sizeof wanted, "%s/l%s.3-of-11.jsonl", dir.path, text);
    next_argument(next_argument(at, "--log"), wanted);
    free(all);
    snprintf(wanted, sizeof wanted, "%s.slurm/merge.sbatch", out);
    cr_expect_eq(run_script(wanted, NULL), 0, "%s", text);
    all = get("arguments");
    snprintf(wanted, sizeof wanted, "%s/%s", dir.path, out);
    at = next_argument(next_argument(next_argument(all, "merge"), "--out"), wanted);
    at = next_argument(next_argument(at, "--memory"), "3072M");
    snprintf(wanted, sizeof wanted, "%s/l%s.merge.jsonl", dir.path, text);
    at = next_argument(next_argument(at, "--log"), wanted);
    for (int i = 1; i <= 11; i++) {
        snprintf(wanted, sizeof wanted, "./%s.%02d-of-11.sums", out, i);
        at = next_argument(at, wanted);
    }
    free(all);
    cr_assert_not(there("evil"), "%s was executed", text);
}

Test(job_script, hostile_strings_reach_the_program_as_they_are)
{
    static const char *const texts[] = {
        "plain",
        "two words",
        "it's",
        "a\"b",
        "$(touch evil)",
        "`touch evil`",
        "a;touch evil",
        "a&touch evil",
        "a|touch evil",
        "a\\",
        "\\",
        "'",
        "''",
        "'\\''",
        "-rf",
        "--out=x",
        "~",
        "~root",
        "$HOME",
        "${PATH}",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "#x",
        "!x",
        "!!",
        "%A",
        "%j %a",
        "%%",
        "%s%n",
        "a%d",
        "=x",
        "a=b",
        "(x)",
        "<x",
        ">evil",
        "#SBATCH --array=1-1",
        "caf\xc3\xa9 \xe2\x98\x83",
        " x",
        "x ",
        "$'\\n'",
        "@",
        "+",
        "a,b",
        "..a",
        "x\xc2\x85y",
    };
    make_stand_ins();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_hostile(texts[i]);
}

Test(job_script, random_hostile_strings)
{
    static const char letters[] = "ab '\"\\$`();&|<>*?[]{}!#~%=-+,:@^.";
    uint64_t seed = test_seed();
    make_stand_ins();
    for (size_t round = 0; round < test_scale(40); round++) {
        char text[32] = "";
        size_t length = 1 + test_random(&seed) % 20;
        for (size_t i = 0; i < length; i++)
            text[i] = letters[test_random(&seed) % (sizeof letters - 1)];
        if (strspn(text, ".") < length)
            check_hostile(text);
    }
}

/* A description's own name is in a comment of the script. */
Test(job_script, a_hostile_name_of_the_description)
{
    static const char name[] = "a\ntouch evil\n.json";
    program_result r;
    make_stand_ins();
    put(name,
        "{\"geno\": \"g\", \"weights\": \"w\", \"evk\": \"e\", \"out\": \"o\", \"shards\": 4, "
        "\"program\": \"./fake\"}",
        0644);
    const char *argv[] = {NULL, "submit", name, NULL};
    program_run_argv(&r, dir.path, path_variable, argv);
    cr_expect_eq(r.code, 69, "%s", r.err);
    cr_expect_eq(run_script("o.slurm/scan.sbatch", NULL), 0);
    cr_expect_not(there("evil"));
}

static void write_scripts(const char *more)
{
    program_result r;
    char text[256];
    make_stand_ins();
    snprintf(text, sizeof text, "\"program\": \"./fake\"%s%s", more ? ", " : "", more ? more : "");
    describe_more(text);
    submit(&r, NULL);
    cr_assert_eq(r.code, 69, "%s", r.err);
    put("asked", "", 0644);
}

Test(job_script, the_script_passes_exit_codes_on)
{
    static const int codes[] = {0, 1, 2, 64, 65, 69, 70, 71, 74, 76, 77, 78, 127, 137, 255};
    write_scripts(NULL);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", codes[i]);
        put("code", text, 0644);
        cr_expect_eq(run_script("o.slurm/scan.sbatch", NULL), codes[i]);
    }
    char *asked = get("asked");
    cr_expect_str_eq(asked, "");
    free(asked);
}

/* Pauses are noted, not waited for. */
static void write_scripts_without_pauses(void)
{
    write_scripts(NULL);
    put("sleep", "#!/bin/bash\necho \"$1\" >> \"${0%/*}/slept\"\n", 0755);
    put("slept", "", 0644);
}

/* "Run me again": only while Slurm takes the job for a running one, and not for ever. */
Test(job_script, the_script_queues_itself_again)
{
    static const struct {
        const char *code, *state, *allowed, *restarts;
        int requeued;
        const char *says;
    } cases[] = {
        {"75", "RUNNING\n", "0", NULL, 1, "go on from its checkpoint"},
        {"75", "RUNNING\n", "0", "99", 1, "go on from its checkpoint"},
        {"75", "RUNNING\n", "1", "5", 1, ""},
        {"138", "RUNNING\n", "0", NULL, 1, "go on from its checkpoint"},
        {"143", "RUNNING\n", "0", NULL, 1, "go on from its checkpoint"},
        {"75", "COMPLETING\n", "0", NULL, 0, "stopped with its job (COMPLETING)"},
        {"75", "CANCELLED\n", "0", NULL, 0, "stopped with its job (CANCELLED)"},
        {"143", "COMPLETING\n", "0", NULL, 0, "stopped with its job (COMPLETING)"},
        {"75", "", "0", NULL, 0, "stopped with its job (unknown)"},
        {"75", "RUNNING\n", "0", "100", 0, "again 100 times, not once more"},
        {"75", "RUNNING\n", "0", "101", 0, "not once more"},
    };
    write_scripts_without_pauses();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put("code", cases[i].code, 0644);
        put("state", cases[i].state, 0644);
        put("allowed", cases[i].allowed, 0644);
        put("asked", "", 0644);
        cr_expect_eq(run_script("o.slurm/scan.sbatch", cases[i].restarts), 75);
        char *asked = get("asked"), *log = get("log");
        SHOWS(asked, "squeue --noheader --format=%T --jobs=70_3\n");
        cr_expect_eq(strstr(asked, "scontrol requeue 70_3\n") != NULL, cases[i].requeued, "%zu: %s",
                     i, asked);
        SHOWS(log, cases[i].says);
        free(asked);
        free(log);
    }
}

/* One of Slurm's commands fails `times` times, then does what it is asked. */
static void make_failing(const char *name, int times)
{
    char text[512], left[16];
    snprintf(left, sizeof left, "%d", times);
    put("left", left, 0644);
    snprintf(text, sizeof text,
             "#!/bin/bash\ncd \"${0%%/*}\"\nleft=$(cat left)\n"
             "[ \"$left\" = 0 ] || { echo $((left - 1)) > left; exit 1; }\n"
             "echo \"%s $*\" >> asked\n[ %s = scontrol ] || cat state\n",
             name, name);
    put(name, text, 0755);
}

static void out_of_reach(const char *command, int times, int requeued, const char *slept)
{
    write_scripts_without_pauses();
    make_failing(command, times);
    put("code", "75", 0644);
    cr_expect_eq(run_script("o.slurm/scan.sbatch", NULL), 75);
    char *asked = get("asked"), *pauses = get("slept"), *log = get("log");
    cr_expect_eq(strstr(asked, "scontrol requeue 70_3\n") != NULL, requeued, "%s: %s", command,
                 asked);
    cr_expect_str_eq(pauses, slept);
    SHOWS(log, requeued ? "go on from its checkpoint" : "");
    free(asked);
    free(pauses);
    free(log);
}

Test(job_script, slurm_may_be_out_of_reach_for_a_while)
{
    out_of_reach("squeue", 1, 1, "1\n");
    out_of_reach("squeue", 3, 1, "1\n3\n6\n");
    out_of_reach("scontrol", 1, 1, "1\n");
    out_of_reach("scontrol", 3, 1, "1\n3\n6\n");
}

Test(job_script, a_squeue_that_fails_requeues_nothing)
{
    out_of_reach("squeue", 4, 0, "1\n3\n6\n");
    char *log = get("log");
    SHOWS(log, "stopped with its job (unknown)");
    free(log);
}

/* The program itself signals the shell, as Slurm signals both. */
Test(job_script, nobody_insists_when_slurm_ends_the_job)
{
    write_scripts_without_pauses();
    put("fake", "#!/bin/bash\nkill -s TERM $PPID\nexit 75\n", 0755);
    make_failing("squeue", 4);
    cr_expect_eq(run_script("o.slurm/scan.sbatch", NULL), 75);
    char *pauses = get("slept"), *log = get("log");
    cr_expect_str_eq(pauses, "");
    SHOWS(log, "stopped with its job (unknown)");
    free(pauses);
    free(log);
}

/* A program that notes its signals and ends 0.3 s after the first. */
static const char listener[] = "#!/bin/bash\ncd \"${0%/*}\"\n: > heard\n"
                               "for s in USR1 TERM; do trap \"echo $s >> heard; told=1\" $s; done\n"
                               "told=\necho $$ > pid.part\nmv pid.part pid\n"
                               "for ((i = 0; i < 200; i++)); do\n"
                               "    [ -z \"$told\" ] || { sleep 0.3; exit 75; }\n"
                               "    sleep 0.05\n"
                               "done\nexit 1\n";

static void await(const char *name)
{
    for (int i = 0; i < 1000 && !there(name); i++)
        usleep(10000);
    cr_assert(there(name), "%s does not appear", name);
}

static void signalled(int number, const char *heard, int times)
{
    unlink(test_dir_path(&dir, "pid"));
    pid_t pid = start_script("o.slurm/scan.sbatch", NULL);
    await("pid");
    for (int i = 0; i < times; i++)
        cr_assert_eq(kill(pid, number), 0);
    if (!heard[0]) { /* the shell does not pass it on: the program has to get its own */
        usleep(300000);
        char *early = get("heard");
        cr_expect_str_eq(early, "");
        free(early);
        cr_expect_eq(waitpid(pid, NULL, WNOHANG), 0, "the shell did not outlive signal %d", number);
        char *text = get("pid");
        cr_assert_eq(kill((pid_t)atoi(text), SIGTERM), 0);
        free(text);
        heard = "TERM\n";
    }
    cr_expect_eq(end_script(pid), 75);
    char *text = get("heard"), *asked = get("asked");
    cr_expect_str_eq(text, heard);
    SHOWS(asked, "scontrol requeue 70_3\n");
    free(text);
    free(asked);
}

Test(job_script, the_shell_passes_usr1_on_and_outlives_term)
{
    write_scripts(NULL);
    put("fake", listener, 0755);
    signalled(SIGUSR1, "USR1\n", 1);
    put("asked", "", 0644);
    signalled(SIGTERM, "", 1);
    put("asked", "", 0644);
    signalled(SIGTERM, "", 3);
}

/* The program takes a second signal as "at once". */
Test(job_script, several_warnings_are_one)
{
    write_scripts(NULL);
    put("fake", listener, 0755);
    pid_t pid = start_script("o.slurm/scan.sbatch", NULL);
    await("pid");
    cr_assert_eq(kill(pid, SIGUSR1), 0);
    struct stat info = {0};
    for (int i = 0; i < 1000 && info.st_size == 0; i++) {
        usleep(10000);
        cr_assert_eq(stat(test_dir_path(&dir, "heard"), &info), 0);
    }
    cr_assert_eq(kill(pid, SIGUSR1), 0);
    cr_expect_eq(end_script(pid), 75);
    char *heard = get("heard");
    cr_expect_str_eq(heard, "USR1\n");
    free(heard);
}

/* In the moment when the program runs, but its number is not known yet: bash's DEBUG trap comes
 * before a command. */
Test(job_script, a_signal_between_start_and_number)
{
    write_scripts("\"setup\": [\"trap '[[ $BASH_COMMAND != \\\"pid=\\\\$!\\\" ]] || "
                  "{ until [ -e pid ]; do sleep 0.01; done; kill -s USR1 $$; }' DEBUG\"]");
    put("fake", listener, 0755);
    cr_expect_eq(run_script("o.slurm/scan.sbatch", NULL), 75);
    char *heard = get("heard"), *asked = get("asked");
    cr_expect_str_eq(heard, "USR1\n");
    SHOWS(asked, "scontrol requeue 70_3\n");
    free(heard);
    free(asked);
}

/* A warning while the lines of setup run: the program is not started any more. */
Test(job_script, a_signal_during_setup)
{
    write_scripts("\"setup\": [\": > during\", \"until [ -e go ]; do sleep 0.01; done\"]");
    put("code", "1", 0644);
    pid_t pid = start_script("o.slurm/scan.sbatch", NULL);
    await("during");
    cr_assert_eq(kill(pid, SIGUSR1), 0);
    put("go", "", 0644);
    cr_expect_eq(end_script(pid), 75);
    char *asked = get("asked");
    SHOWS(asked, "scontrol requeue 70_3\n");
    cr_expect_not(there("arguments"));
    free(asked);
}

/* Module systems stumble over strict shells; what follows them is strict. */
Test(job_script, setup_lines_are_not_strict)
{
    write_scripts("\"setup\": [\"false\", \": $no_such_variable\", \"export SETUP=done\"]");
    put("fake", "#!/bin/bash\necho \"$SETUP\" > \"${0%/*}/setup\"\n", 0755);
    cr_expect_eq(run_script("o.slurm/scan.sbatch", NULL), 0);
    char *text = get("setup");
    cr_expect_str_eq(text, "done\n");
    free(text);
}
