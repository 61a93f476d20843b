/*
 * heloci submit with stand-ins for Slurm's commands: what is submitted, what is left out, what
 * is said where something is missing. The real Slurm is in tests/slurm.
 */
#include "tests/e2e/submit_test.h"

TestSuite(submit, .init = submit_begin, .fini = submit_end);

/* A stand-in for sbatch that notes folder and arguments and gives numbers from 41 on. */
static void make_sbatch(const char *end)
{
    char text[512];
    make_stand_ins();
    snprintf(text, sizeof text,
             "#!/bin/bash\nhere=${0%%/*}\necho \"$PWD: $*\" >> \"$here/sbatched\"\n"
             "n=$(wc -l < \"$here/sbatched\")\n%s\n",
             end);
    put("sbatch", text, 0755);
    put("sbatched", "", 0644);
    put("state", "", 0644);
    describe(shortest);
}

static void expect_sbatched(const char *wanted)
{
    char *text = get("sbatched"), *at = text;
    char folder[2 * PATH_MAX];
    snprintf(folder, sizeof folder, "%s/o.slurm: ", dir.path);
    char got[4096] = "";
    for (char *line; (line = strsep(&at, "\n")) && line[0];) {
        cr_assert_eq(strncmp(line, folder, strlen(folder)), 0, "%s", line);
        strncat(got, line + strlen(folder), sizeof got - strlen(got) - 1);
        strncat(got, "\n", sizeof got - strlen(got) - 1);
    }
    cr_expect_str_eq(got, wanted);
    free(text);
    put("sbatched", "", 0644);
}

static void finish_shard(int i)
{
    char name[32];
    snprintf(name, sizeof name, "o.%d-of-4.sums", i);
    put(name, "", 0644);
}

Test(submit, array_and_merge)
{
    program_result r, dry;
    make_sbatch("echo $((40 + n))");
    submit(&dry, "--dry-run");
    submit(&r, NULL);
    EXPECT(r, 0, "");
    expect_sbatched("--parsable scan.sbatch\n"
                    "--parsable --dependency=afterok:41 --kill-on-invalid-dep=yes merge.sbatch\n");
    SHOWS(r.out, "o: job 41 computes shards 1-4 of 4, job 42 merges all when they are there");
    SHOWS(r.out, "squeue --jobs=41,42\n");
    SHOWS(r.out, "scancel 41 42\n");
    SHOWS(r.out, "heloci submit job.json\n");
    char *jobs = get("o.slurm/jobs"), *scan = get("o.slurm/scan.sbatch"),
         *merge = get("o.slurm/merge.sbatch");
    cr_expect_str_eq(jobs, "41 scan\n42 merge\n");
    SHOWS(dry.out, scan); /* what is written is what was shown */
    SHOWS(dry.out, merge);
    free(jobs);
    free(scan);
    free(merge);
}

Test(submit, a_number_with_a_cluster)
{
    program_result r;
    make_sbatch("echo \"$((40 + n));alpha\"");
    submit(&r, NULL);
    EXPECT(r, 0, "");
    expect_sbatched("--parsable scan.sbatch\n"
                    "--parsable --dependency=afterok:41 --kill-on-invalid-dep=yes merge.sbatch\n");
}

Test(submit, only_what_is_missing)
{
    static const char after[] =
        "--parsable --dependency=afterok:41 --kill-on-invalid-dep=yes merge.sbatch\n";
    char wanted[256];
    program_result r;
    make_sbatch("echo $((40 + n))");
    finish_shard(1);
    submit(&r, NULL);
    EXPECT(r, 0, "");
    SHOWS(r.out, "computes shards 2-4 of 4");
    snprintf(wanted, sizeof wanted, "--parsable --array=2-4 scan.sbatch\n%s", after);
    expect_sbatched(wanted);
    finish_shard(3);
    submit(&r, NULL);
    snprintf(wanted, sizeof wanted, "--parsable --array=2,4 scan.sbatch\n%s", after);
    expect_sbatched(wanted);
    describe_more("\"max_running\": 1");
    submit(&r, "--dry-run");
    SHOWS(r.out, "scan=$(sbatch --parsable --array=2,4%1 scan.sbatch)\n");
    submit(&r, NULL);
    snprintf(wanted, sizeof wanted, "--parsable --array=2,4%%1 scan.sbatch\n%s", after);
    expect_sbatched(wanted);
    finish_shard(2);
    finish_shard(4);
    submit(&r, "--dry-run");
    HIDES(r.out, "scan=$(");
    SHOWS(r.out, "sbatch --parsable merge.sbatch\n");
    submit(&r, NULL);
    EXPECT(r, 0, "");
    SHOWS(r.out, "all 4 shards are there; job 41 merges them");
    expect_sbatched("--parsable merge.sbatch\n");
    put("o.sums", "", 0644);
    submit(&r, "--dry-run");
    SHOWS(r.out, "# none: ");
    submit(&r, NULL);
    EXPECT(r, 0, "");
    SHOWS(r.out, "nothing to do, ");
    expect_sbatched("");
}

/* Shards of another cut and files under way are not shards that are there. */
Test(submit, other_files_are_not_shards)
{
    program_result r;
    make_sbatch("echo $((40 + n))");
    put("o.1-of-8.sums", "", 0644);
    put("o.2-of-4.sums.part", "", 0644);
    put("o.03-of-4.sums", "", 0644);
    mkdir(test_dir_path(&dir, "o.4-of-4.sums"), 0700);
    submit(&r, NULL);
    SHOWS(r.out, "computes shards 1-4 of 4");
    expect_sbatched("--parsable scan.sbatch\n"
                    "--parsable --dependency=afterok:41 --kill-on-invalid-dep=yes merge.sbatch\n");
}

Test(submit, not_while_a_job_of_it_is_in_the_queue)
{
    program_result r;
    make_sbatch("echo $((40 + n))");
    submit(&r, NULL);
    EXPECT(r, 0, "");
    put("sbatched", "", 0644);
    put("state", "7\n41\n41\n", 0644); /* what squeue says */
    submit(&r, NULL);
    EXPECT(r, 75, "job 41 of this scan is still in the queue; wait for it, or end it: scancel 41");
    put("state", "42\n", 0644);
    submit(&r, NULL);
    EXPECT(r, 75, "job 42 of this scan");
    expect_sbatched("");
    put("state", "4\n1\n411\n141\n", 0644);
    submit(&r, NULL);
    EXPECT(r, 0, "");
    put("state", "41\n", 0644);
    submit(&r, "--dry-run");
    EXPECT(r, 0, "");
}

/* A controller that does not answer is no empty queue. */
Test(submit, not_while_the_queue_is_unknown)
{
    program_result r;
    make_sbatch("echo $((40 + n))");
    put("squeue", "#!/bin/bash\nexit 1\n", 0755);
    submit(&r, NULL); /* nothing was submitted from here: nobody has to ask */
    EXPECT(r, 0, "");
    put("sbatched", "", 0644);
    submit(&r, NULL);
    EXPECT(r, 69, "squeue failed (exit code 1), so a job of this scan may still be in the queue");
    put("squeue", "#!/bin/bash\necho 41\nkill -9 $$\n", 0755);
    submit(&r, NULL);
    EXPECT(r, 69, "squeue failed (exit code 137)");
    expect_sbatched("");
    snprintf(path_variable, sizeof path_variable, "PATH=%s", dir.path);
    put("sbatch", "#!/bin/bash\necho 43\n", 0755);
    put("squeue", "no program at all", 0644);
    submit(&r, NULL);
    EXPECT(r, 69, "squeue: Permission denied");
    unlink(test_dir_path(&dir, "squeue"));
    submit(&r, NULL);
    EXPECT(r, 0, "");
}

Test(submit, without_slurm)
{
    program_result r;
    make_stand_ins();
    unlink(test_dir_path(&dir, "sbatch"));
    if (access("/usr/bin/sbatch", X_OK) == 0 || access("/bin/sbatch", X_OK) == 0)
        snprintf(path_variable, sizeof path_variable, "PATH=%s", dir.path);
    describe(shortest);
    submit(&r, NULL);
    EXPECT(r, 69, "there is no sbatch here");
    SHOWS(r.out, "scan=$(sbatch --parsable scan.sbatch)\n");
    cr_expect(there("o.slurm/scan.sbatch"));
    cr_expect(there("o.slurm/merge.sbatch"));
    cr_expect_not(there("o.slurm/jobs"));
}

Test(submit, what_sbatch_refuses)
{
    program_result r;
    make_sbatch("echo 'sbatch: error: invalid partition' >&2; exit 1");
    submit(&r, NULL);
    EXPECT(r, 69, "sbatch: error: invalid partition\n");
    EXPECT(r, 69, "sbatch refused scan.sbatch (exit code 1)");
    expect_sbatched("--parsable scan.sbatch\n");
    cr_expect_not(there("o.slurm/jobs"));
    make_sbatch("[ \"$n\" = 1 ] && echo 41 || { echo 'sbatch: error: no' >&2; exit 1; }");
    submit(&r, NULL);
    EXPECT(r, 69, "sbatch: error: no\n");
    EXPECT(r, 69, "sbatch refused merge.sbatch (exit code 1)");
    EXPECT(r, 69, "the scan is submitted (job 41), what would merge its shards is not");
    char *jobs = get("o.slurm/jobs");
    cr_expect_str_eq(jobs, "41 scan\n");
    free(jobs);
    unlink(test_dir_path(&dir, "o.slurm/jobs"));
    make_sbatch("echo Submitted batch job 41");
    submit(&r, NULL);
    EXPECT(r, 69, "sbatch said 'Submitted batch job 41', which is no job's number");
    make_sbatch("true");
    submit(&r, NULL);
    EXPECT(r, 69, "sbatch said ''");
    make_sbatch("kill -9 $$");
    submit(&r, NULL);
    EXPECT(r, 69, "exit code 137");
    finish_shard(1); /* so the array is said as an option */
    submit(&r, NULL);
    EXPECT(r, 69, "sbatch refused scan.sbatch (exit code 137)");
    put("sbatch", "no program at all", 0644);
    submit(&r, NULL);
    cr_expect_eq(r.code, 69, "%d %s", r.code, r.err);
}

Test(submit, inputs_and_folders_are_looked_at_first)
{
    static const char *const inputs[] = {"g", "w", "e", "k.pem"};
    program_result r;
    make_sbatch("echo $((40 + n))");
    describe_more("\"sign\": \"k.pem\"");
    put("k.pem", "", 0600);
    for (int i = 0; i < 4; i++) {
        char says[64];
        unlink(test_dir_path(&dir, inputs[i]));
        submit(&r, NULL);
        snprintf(says, sizeof says, "/%s: No such file", inputs[i]);
        EXPECT(r, 66, says);
        put(inputs[i], "", 0644);
    }
    cr_expect_not(there("o.slurm"));
    put("o.slurm", "", 0644);
    submit(&r, NULL);
    EXPECT(r, 74, "o.slurm: it is not a folder");
    describe(
        "{\"geno\": \"g\", \"weights\": \"w\", \"evk\": \"e\", \"out\": \"no/o\", \"shards\": 4}");
    submit(&r, NULL);
    EXPECT(r, 74, "no/o.slurm: No such file");
    expect_sbatched("");
}
