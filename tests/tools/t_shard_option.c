/* --shard: I/N, and "auto" against environments as Slurm sets them, and against broken ones. */
#include "tools/heloci/shard_option.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An environment: "NAME=VALUE" words, up to a NULL. */
static const char *lookup(void *arg, const char *name)
{
    size_t length = strlen(name);
    for (const char *const *word = arg; *word; word++)
        if (strncmp(*word, name, length) == 0 && (*word)[length] == '=')
            return *word + length + 1;
    return NULL;
}

typedef struct answer {
    int rc;
    uint32_t index, count;
    char why[512];
} answer;

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING  ((const char *const[]){NULL})

static answer ask(const char *text, const char *const *environment)
{
    answer a;
    memset(&a, 0x5a, sizeof a);
    a.rc = shard_option_read(text, lookup, (void *)environment, &a.index, &a.count, a.why,
                             sizeof a.why);
    return a;
}

static void gives(const char *text, const char *const *environment, uint32_t index, uint32_t count)
{
    answer a = ask(text, environment);
    cr_expect(a.rc == 0 && a.index == index && a.count == count && !a.why[0],
              "%s: %d, %u/%u, '%s'; not %u/%u", text, a.rc, a.index, a.count, a.why, index, count);
}

static void refuses(const char *text, const char *const *environment, const char *piece)
{
    answer a = ask(text, environment);
    cr_expect(a.rc == 64 && a.index == 0 && a.count == 0, "%s: %d, %u/%u", text, a.rc, a.index,
              a.count);
    cr_expect(strstr(a.why, piece) != NULL, "%s: '%s' does not say '%s'", text, a.why, piece);
}

Test(shard_option, pairs)
{
    gives("1/1", NOTHING, 1, 1);
    gives("3/8", NOTHING, 3, 8);
    gives("8/8", NOTHING, 8, 8);
    gives("03/16", NOTHING, 3, 16);
    gives("1000000/1000000", NOTHING, 1000000, 1000000);
}

/* What is written goes before what Slurm says. */
Test(shard_option, pairs_do_not_look_at_the_environment)
{
    gives("2/4", ENV("SLURM_ARRAY_TASK_ID=x", "SLURM_NTASKS=7"), 2, 4);
}

Test(shard_option, bad_pairs)
{
    static const char *const malformed[] = {"",
                                            "3",
                                            "/",
                                            "3/",
                                            "/8",
                                            "3/8/9",
                                            "3-8",
                                            "a/b",
                                            "+1/2",
                                            "-1/2",
                                            "1/ 2",
                                            " 1/2",
                                            "1/2 ",
                                            "1.0/2",
                                            "0x1/2",
                                            "Auto",
                                            "auto ",
                                            "3/8x",
                                            "99999999999/99999999999"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        refuses(malformed[i], NOTHING, "write 3/8");
    refuses("0/8", NOTHING, "the first is 1/8");
    refuses("9/8", NOTHING, "the last is 8/8");
    refuses("0/0", NOTHING, "from 1 to 1000000");
    refuses("1/0", NOTHING, "from 1 to 1000000");
    refuses("1/1000001", NOTHING, "from 1 to 1000000");
    refuses("4294967297/4294967298", NOTHING, "from 1 to 1000000");
}

Test(shard_option, the_reason_fits_its_buffer)
{
    char why[8];
    uint32_t index, count;
    for (size_t bytes = 0; bytes <= sizeof why; bytes++) {
        memset(why, '#', sizeof why);
        cr_expect_eq(shard_option_read("no", lookup, (void *)NOTHING, &index, &count, why, bytes),
                     64);
        for (size_t i = bytes; i < sizeof why; i++)
            cr_expect_eq(why[i], '#');
        if (bytes)
            cr_expect_lt(strlen(why), bytes);
    }
}

/* ---- auto ---- */

#define ARRAY(id, low, high, count)                                                                \
    "SLURM_ARRAY_TASK_ID=" id, "SLURM_ARRAY_TASK_MIN=" low, "SLURM_ARRAY_TASK_MAX=" high,          \
        "SLURM_ARRAY_TASK_COUNT=" count, "SLURM_ARRAY_TASK_STEP=1"
#define STEP(rank, tasks)                                                                          \
    "SLURM_STEP_ID=0", "SLURM_PROCID=" rank, "SLURM_NTASKS=" tasks, "SLURM_STEP_NUM_TASKS=" tasks
/* As Slurm leaves them in a batch script. */
#define SCRIPT(tasks) "SLURM_PROCID=0", "SLURM_NTASKS=" tasks

Test(shard_option, arrays_from_one_and_from_zero)
{
    gives("auto", ENV(ARRAY("1", "1", "4", "4")), 1, 4);
    gives("auto", ENV(ARRAY("4", "1", "4", "4")), 4, 4);
    gives("auto", ENV(ARRAY("0", "0", "3", "4")), 1, 4);
    gives("auto", ENV(ARRAY("3", "0", "3", "4")), 4, 4);
    gives("auto", ENV(ARRAY("1", "1", "1", "1")), 1, 1);
    gives("auto", ENV(ARRAY("0", "0", "0", "1")), 1, 1);
    gives("auto", ENV(ARRAY("999999", "0", "999999", "1000000")), 1000000, 1000000);
    gives("auto",
          ENV("SLURM_ARRAY_TASK_ID=2", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_MAX=2",
              "SLURM_ARRAY_TASK_COUNT=2"),
          2, 2); /* no _STEP */
    gives("auto", ENV(ARRAY("2", "1", "4", "4"), "SLURM_PROCID=0"), 2, 4);
    gives("auto", ENV(ARRAY("2", "1", "4", "4"), SCRIPT("1")), 2, 4);
}

Test(shard_option, srun_alone_and_within_an_array)
{
    gives("auto", ENV(STEP("0", "4")), 1, 4);
    gives("auto", ENV(STEP("3", "4")), 4, 4);
    gives("auto", ENV(STEP("0", "1")), 1, 1);
    gives("auto", ENV(ARRAY("1", "1", "3", "3"), STEP("0", "2")), 1, 6);
    gives("auto", ENV(ARRAY("1", "1", "3", "3"), STEP("1", "2")), 2, 6);
    gives("auto", ENV(ARRAY("2", "1", "3", "3"), STEP("0", "2")), 3, 6);
    gives("auto", ENV(ARRAY("2", "0", "2", "3"), STEP("1", "2")), 6, 6);
    gives("auto", ENV("SLURM_STEP_ID=7", "SLURM_PROCID=1", "SLURM_NTASKS=2"), 2, 2);
}

/* Every process of an array of sruns has a shard of its own, and all shards are taken. */
Test(shard_option, places_are_a_numbering)
{
    enum { ARRAY_TASKS = 7, RANKS = 5 };
    int taken[ARRAY_TASKS * RANKS] = {0};
    for (int base = 0; base <= 1; base++)
        for (int i = 0; i < ARRAY_TASKS; i++)
            for (int k = 0; k < RANKS; k++) {
                char id[40], low[40], high[40], rank[40];
                snprintf(id, sizeof id, "SLURM_ARRAY_TASK_ID=%d", base + i);
                snprintf(low, sizeof low, "SLURM_ARRAY_TASK_MIN=%d", base);
                snprintf(high, sizeof high, "SLURM_ARRAY_TASK_MAX=%d", base + ARRAY_TASKS - 1);
                snprintf(rank, sizeof rank, "SLURM_PROCID=%d", k);
                answer a = ask("auto", ENV(id, low, high, rank, "SLURM_ARRAY_TASK_COUNT=7",
                                           "SLURM_STEP_ID=0", "SLURM_NTASKS=5"));
                cr_assert(a.rc == 0 && a.count == ARRAY_TASKS * RANKS, "%s", a.why);
                cr_assert(a.index >= 1 && a.index <= a.count);
                taken[a.index - 1]++;
            }
    for (int i = 0; i < ARRAY_TASKS * RANKS; i++)
        cr_expect_eq(taken[i], 2, "shard %d: %d", i + 1, taken[i]);
}

Test(shard_option, outside_of_slurm)
{
    refuses("auto", NOTHING, "neither a task of a Slurm array nor started by srun");
    refuses("auto", ENV("SLURM_ARRAY_TASK_ID="), "neither");
    refuses("auto", ENV("SLURM_PROCID=0"), "neither");
    refuses("auto", ENV(SCRIPT("1")), "neither");
    /* An interactive shell is a step, but none of the user's. */
    refuses("auto", ENV("SLURM_STEP_ID=4294967290", "SLURM_PROCID=0", "SLURM_NTASKS=1"), "neither");
}

Test(shard_option, scripts_of_several_tasks_are_not_one_of_them)
{
    refuses("auto", ENV(SCRIPT("4")), "write srun heloci");
    refuses("auto", ENV(ARRAY("1", "1", "4", "4"), SCRIPT("2")), "write srun heloci");
    refuses("auto", ENV("SLURM_STEP_ID=4294967291", "SLURM_PROCID=0", "SLURM_NTASKS=4"),
            "write srun heloci");
}

Test(shard_option, arrays_with_gaps_or_in_part)
{
    static const char again[] = "write --shard \"$SLURM_ARRAY_TASK_ID/N\"";
    refuses("auto", ENV(ARRAY("2", "2", "4", "3")), again);
    refuses("auto", ENV(ARRAY("5", "5", "5", "1")), again);
    refuses("auto", ENV(ARRAY("1", "1", "4", "3")), again);
    refuses("auto", ENV(ARRAY("1", "1", "4", "5")), again);
    refuses("auto", ENV(ARRAY("1", "1", "0", "0")), again);
    refuses("auto", ENV(ARRAY("0", "0", "0", "0")), again);
    refuses("auto",
            ENV("SLURM_ARRAY_TASK_ID=2", "SLURM_ARRAY_TASK_MIN=0", "SLURM_ARRAY_TASK_MAX=2",
                "SLURM_ARRAY_TASK_COUNT=2", "SLURM_ARRAY_TASK_STEP=2"),
            again);
    /* A step that no gap shows. */
    refuses("auto",
            ENV("SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_MAX=1",
                "SLURM_ARRAY_TASK_COUNT=1", "SLURM_ARRAY_TASK_STEP=2"),
            again);
    refuses("auto", ENV("SLURM_ARRAY_TASK_ID=1"), again);
    refuses("auto",
            ENV("SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_MAX=2"),
            again);
    refuses("auto", ENV(ARRAY("5", "1", "4", "4")), "is 5 in an array from 1 to 4");
    refuses("auto", ENV(ARRAY("0", "1", "4", "4")), "is 0 in an array from 1 to 4");
}

Test(shard_option, steps_that_contradict_themselves)
{
    refuses("auto", ENV("SLURM_STEP_ID=0"), "write --shard I/N");
    refuses("auto", ENV("SLURM_STEP_ID=0", "SLURM_NTASKS=2"), "write --shard I/N");
    refuses("auto", ENV("SLURM_STEP_ID=0", "SLURM_PROCID=0"), "write --shard I/N");
    refuses("auto", ENV(STEP("4", "4")), "SLURM_PROCID is 4 among SLURM_NTASKS=4");
    refuses("auto", ENV(STEP("0", "0")), "SLURM_PROCID is 0 among SLURM_NTASKS=0");
    refuses("auto",
            ENV("SLURM_STEP_ID=0", "SLURM_PROCID=1", "SLURM_NTASKS=4", "SLURM_STEP_NUM_TASKS=2"),
            "SLURM_STEP_NUM_TASKS is 2");
}

Test(shard_option, variables_that_are_no_numbers)
{
    static const char *const names[] = {
        "SLURM_ARRAY_TASK_ID",    "SLURM_ARRAY_TASK_MIN",  "SLURM_ARRAY_TASK_MAX",
        "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_STEP", "SLURM_STEP_ID",
        "SLURM_NTASKS",           "SLURM_PROCID",          "SLURM_STEP_NUM_TASKS"};
    static const char *const values[] = {
        "x", "-1", "1x", " 1", "1.0", "99999999999", "18446744073709551617"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
            char word[96];
            snprintf(word, sizeof word, "%s=%s", names[i], values[k]);
            refuses("auto", ENV(word, ARRAY("1", "1", "4", "4"), STEP("0", "2")), "not a number");
            refuses("auto", ENV(word, ARRAY("1", "1", "4", "4"), STEP("0", "2")), names[i]);
        }
}

Test(shard_option, more_shards_than_there_may_be)
{
    refuses("auto", ENV(ARRAY("1", "1", "1000001", "1000001")), "more than 1000000");
    refuses("auto", ENV(STEP("0", "1000001")), "more than 1000000");
    refuses("auto", ENV(ARRAY("1", "1", "1000", "1000"), STEP("0", "1001")), "more than 1000000");
    gives("auto", ENV(ARRAY("1000", "1", "1000", "1000"), STEP("999", "1000")), 1000000, 1000000);
    refuses("auto", ENV(ARRAY("1", "1", "9999999999", "9999999999"), STEP("0", "9999999999")),
            "more than 1000000");
}
