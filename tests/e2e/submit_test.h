/*
 * For suites of heloci submit: a folder with stand-ins for Slurm's commands and for the program, a
 * description in it, and what came of submitting it.
 */
#ifndef HEL_TESTS_SUBMIT_TEST_H
#define HEL_TESTS_SUBMIT_TEST_H

#include "tests/base/test_dir.h"
#include "tests/e2e/program.h"

#define EXPECT(r, wanted, piece)                                                                   \
    do {                                                                                           \
        cr_expect_eq((r).code, (wanted), "exit %d, not %d: %s", (r).code, (wanted), (r).err);      \
        cr_expect(strstr((r).err, (piece)) != NULL, "'%s' does not say '%s'", (r).err, (piece));   \
    } while (0)
#define SHOWS(text, piece)                                                                         \
    cr_expect(strstr((text), (piece)) != NULL, "'%s' does not show '%s'", (text), (piece))
#define HIDES(text, piece)                                                                         \
    cr_expect(strstr((text), (piece)) == NULL, "'%s' shows '%s'", (text), (piece))

static const char shortest[] =
    "{\"geno\": \"g\", \"weights\": \"w\", \"evk\": \"e\", \"out\": \"o\", \"shards\": 4}";

static test_dir dir;
static char path_variable[2 * PATH_MAX]; /* PATH=<dir>:/usr/bin:/bin */

static inline void submit_begin(void)
{
    test_dir_make(&dir);
    snprintf(path_variable, sizeof path_variable, "PATH=%s:/usr/bin:/bin", dir.path);
}

static inline void submit_end(void)
{
    char command[2 * PATH_MAX];
    snprintf(command, sizeof command, "rm -rf '%s'", dir.path);
    cr_assert_eq(system(command), 0);
}

static inline void put(const char *name, const char *text, mode_t mode)
{
    const char *path = test_dir_path(&dir, name);
    test_write_file(path, text, strlen(text), mode);
}

static inline char *get(const char *name)
{
    size_t bytes;
    return (char *)test_read_file(test_dir_path(&dir, name), &bytes);
}

static inline int there(const char *name)
{
    return test_exists(test_dir_path(&dir, name));
}

/* heloci submit job.json in the folder, with its stand-ins in PATH. */
static inline void submit(program_result *r, const char *option)
{
    const char *argv[] = {NULL, "submit", "job.json", option, NULL};
    program_run_argv(r, dir.path, path_variable, argv);
}

static inline void describe(const char *text)
{
    put("job.json", text, 0644);
}

/* The shortest description with more keys. */
static inline void describe_more(const char *more)
{
    char text[8192];
    snprintf(text, sizeof text, "%.*s, %s}", (int)strlen(shortest) - 1, shortest, more);
    describe(text);
}

/* Stand-ins: the program writes its arguments, each behind a NUL, and ends with the code in the
 * file `code`; squeue says the text in `state`; scontrol notes what it was asked. */
static inline void make_stand_ins(void)
{
    put("fake",
        "#!/bin/bash\ncd \"${0%/*}\"\nprintf '%s\\0' \"$@\" > arguments\n"
        "exit \"$(cat code)\"\n",
        0755);
    put("squeue", "#!/bin/bash\necho \"squeue $*\" >> \"${0%/*}/asked\"\ncat \"${0%/*}/state\"\n",
        0755);
    put("scontrol",
        "#!/bin/bash\necho \"scontrol $*\" >> \"${0%/*}/asked\"\nexit \"$(cat "
        "\"${0%/*}/allowed\")\"\n",
        0755);
    put("code", "0", 0644);
    put("state", "RUNNING\n", 0644);
    put("allowed", "0", 0644);
    put("asked", "", 0644);
    put("sbatch", "#!/bin/bash\nexit 1\n", 0755); /* the scripts are written before it is asked */
    put("g", "", 0644);
    put("w", "", 0644);
    put("e", "", 0644);
}

#endif
