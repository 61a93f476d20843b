/* Job descriptions of heloci submit: every key, what each may say, and what is said of the
 * others. */
#include "tests/e2e/submit_test.h"

TestSuite(job_file, .init = submit_begin, .fini = submit_end);

Test(job_file, five_keys_are_enough)
{
    static const char *const pieces[] = {
        "o.slurm/scan.sbatch <==\n#!/bin/bash\n",
        "\n#SBATCH --job-name=o\n",
        "\n#SBATCH --array=1-4\n",
        "\n#SBATCH --cpus-per-task=4\n",
        "\n#SBATCH --mem=8G\n",
        "\n#SBATCH --requeue\n",
        "\n#SBATCH --open-mode=append\n",
        "\n#SBATCH --signal=B:USR1@300\n",
        "\n#SBATCH --output=scan.%A_%a.log\n",
        "\n    --shard \"$SLURM_ARRAY_TASK_ID/4\"\n",
        "\n    --backend cpu\n",
        "\n    --memory 6144M\n",
        "o.slurm/merge.sbatch <==\n#!/bin/bash\n",
        "\n#SBATCH --job-name=o.merge\n",
        "==> commands <==\n",
        "scan=$(sbatch --parsable scan.sbatch)\n",
        "afterok:${scan%%;*}",
    };
    program_result r;
    describe(shortest);
    submit(&r, "--dry-run");
    EXPECT(r, 0, "g: No such file"); /* a note */
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        SHOWS(r.out, pieces[i]);
    HIDES(r.out, "--time");
    HIDES(r.out, "--gres");
    HIDES(r.out, "--partition");
}

Test(job_file, a_dry_run_changes_nothing)
{
    program_result r;
    describe(shortest);
    submit(&r, "--dry-run");
    EXPECT(r, 0, "");
    cr_expect_not(there("o.slurm"));
    cr_expect(there("job.json"));
    cr_expect_eq(unlink(test_dir_path(&dir, "job.json")), 0);
    cr_expect_eq(rmdir(dir.path), 0, "something else is there");
    cr_assert_eq(mkdir(dir.path, 0700), 0);
}

Test(job_file, every_key_is_used)
{
    static const struct {
        const char *more, *scan, *merge; /* what either script must hold, NULL = anything */
    } cases[] = {
        {"\"name\": \"mice-1.a_b\"", "--job-name=mice-1.a_b\n", "--job-name=mice-1.a_b.merge\n"},
        {"\"program\": \"heloci\"", "\nprogram=heloci\n", "\nprogram=heloci\n"},
        {"\"program\": \"/opt/a b/heloci\"", "\nprogram='/opt/a b/heloci'\n", NULL},
        {"\"setup\": [\"module load a b\", \"\", \"x=1\"]", "\nmodule load a b\n\nx=1\nset -euo ",
         "\nmodule load a b\n\nx=1\nset -euo "},
        {"\"backend\": \"auto\"", "--backend auto\n", NULL},
        {"\"gpus\": 1", "--gres=gpu:1\n", NULL},
        {"\"gpus\": 2", "--gres=gpu:2\n", NULL},
        {"\"gpus\": 3", "--device all\n", NULL},
        {"\"gpus\": 2, \"backend\": \"auto\"", "--device all\n", NULL},
        {"\"gpus\": \"a100\"", "--gres=gpu:a100:1\n", NULL},
        {"\"gpus\": \"1g.10gb:2\"", "--gres=gpu:1g.10gb:2\n", NULL},
        {"\"gpus\": \"2\"", "--backend cuda\n", NULL},
        {"\"gpus\": 1, \"backend\": \"cpu\"", "--backend cpu\n", NULL},
        {"\"cpus\": 17", "--cpus-per-task=17\n", "--cpus-per-task=1\n"},
        {"\"cpus\": 17", "--threads \"${SLURM_CPUS_PER_TASK:-17}\"\n", NULL},
        {"\"memory\": \"1G\"", "--mem=1G\n", "--mem=1G\n"},
        {"\"memory\": \"2T\"", "--memory 1572864M\n", "--mem=4G\n"},
        {"\"memory\": \"4000\"", "--memory 3000M\n", "--mem=4000\n"},
        {"\"memory\": \"262144k\"", "--memory 192M\n", NULL},
        {"\"time\": \"90\"", "--time=90\n", "--time=90\n"},
        {"\"partition\": \"a,b\"", "--partition=a,b\n", "--partition=a,b\n"},
        {"\"partition\": \"a\", \"merge_partition\": \"b\"", "--partition=a\n", "--partition=b\n"},
        {"\"account\": \"lab@x\"", "--account=lab@x\n", "--account=lab@x\n"},
        {"\"qos\": \"high\"", "--qos=high\n", "--qos=high\n"},
        {"\"constraint\": \"[a|b]&c*2\"", "--constraint=[a|b]&c*2\n", NULL},
        {"\"max_running\": 2", "--array=1-4%2\n", NULL},
        {"\"max_restarts\": 7", "-ge 7 ]", NULL},
        {"\"signal_seconds\": 45", "--signal=B:USR1@45\n", NULL},
        {"\"io\": \"direct\"", "--io direct\n", NULL},
        {"\"checkpoint\": 900", "--checkpoint 900\n", NULL},
        {"\"verify\": 0.05", "--verify 0.05\n", NULL},
        {"\"verify\": 0", "--verify 0\n", NULL},
        {"\"verify\": 1", "--verify 1\n", NULL},
        {"\"extra\": [\"--reservation=r\", \"-H\", \"--mail-user=a@b --mail-type=END\"]",
         "#SBATCH --reservation=r\n#SBATCH -H\n#SBATCH --mail-user=a@b --mail-type=END\n\n",
         "#SBATCH --reservation=r\n"},
        {"\"sign\": \"/k/s.pem\"", "--sign /k/s.pem\n", "--sign /k/s.pem\n"},
        {"\"log\": \"/l/log\"", "--log /l/log\".$SLURM_ARRAY_TASK_ID-of-4.jsonl\"\n",
         "--log /l/log.merge.jsonl\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_result r;
        describe_more(cases[i].more);
        submit(&r, "--dry-run");
        EXPECT(r, 0, "");
        char *merge = strstr(r.out, "/merge.sbatch <==");
        cr_assert(merge, "%s: %s%s", cases[i].more, r.out, r.err);
        *merge++ = 0;
        SHOWS(r.out, cases[i].scan);
        if (cases[i].merge)
            SHOWS(merge, cases[i].merge);
    }
}

/* The option chooses among several GPUs that the backend may use. */
Test(job_file, no_device_where_there_is_no_choice)
{
    static const char *const more[] = {"\"gpus\": 1", "\"backend\": \"cpu\"",
                                       "\"gpus\": 2, \"backend\": \"cpu\""};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        program_result r;
        describe_more(more[i]);
        submit(&r, "--dry-run");
        EXPECT(r, 0, "");
        HIDES(r.out, "--device");
    }
}

Test(job_file, times_and_sizes_as_slurm_writes_them)
{
    static const char *const times[] = {"6",      "90",        "90:00",     "1:30:00",
                                        "1-0",    "1-12",      "1-12:30",   "1-12:30:00",
                                        "0-1:00", "999999999", "10000:00:0"};
    static const char *const bad_times[] = {
        "",      "0",  "0:0", "-1", "1-",  "-",        "1:",   ":30",  "1:2:3:4", "1-2:3:4:5",
        "1-2-3", "1h", "1 ",  " 1", "1.5", "infinite", "1:-2", "1-1x", "0x10",    "9999999999"};
    static const char *const sizes[] = {"128M", "16G", "1T", "999999999K", "500", "1g", "1t"};
    static const char *const bad_sizes[] = {"",     "0",    "G",           "-1G", "1.5G",
                                            "1GB",  "1GiB", "1 G",         "16P", "1G ",
                                            "16G:", "64M",  "9999999999M", "100"};
    program_result r;
    char more[96];
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        snprintf(more, sizeof more, "\"time\": \"%s\"", times[i]);
        describe_more(more);
        submit(&r, "--dry-run");
        EXPECT(r, 0, "");
    }
    for (size_t i = 0; i < sizeof bad_times / sizeof bad_times[0]; i++) {
        snprintf(more, sizeof more, "\"time\": \"%s\"", bad_times[i]);
        describe_more(more);
        submit(&r, "--dry-run");
        EXPECT(r, 65, "job.json: \"time\": '");
        EXPECT(r, 65, "days-hours[:minutes[:seconds]]");
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        snprintf(more, sizeof more, "\"memory\": \"%s\"", sizes[i]);
        describe_more(more);
        submit(&r, "--dry-run");
        EXPECT(r, 0, "");
    }
    for (size_t i = 0; i < sizeof bad_sizes / sizeof bad_sizes[0]; i++) {
        snprintf(more, sizeof more, "\"memory\": \"%s\"", bad_sizes[i]);
        describe_more(more);
        submit(&r, "--dry-run");
        EXPECT(r, 65, "job.json: \"memory\": '");
    }
}

Test(job_file, the_signal_must_find_time_to_work)
{
    program_result r;
    describe_more("\"time\": \"5\"");
    submit(&r, "--dry-run");
    EXPECT(r, 65, "\"time\": '5' leaves no time to work");
    describe_more("\"time\": \"5\", \"signal_seconds\": 240");
    submit(&r, "--dry-run");
    EXPECT(r, 0, "");
    describe_more("\"time\": \"5\", \"signal_seconds\": 241");
    submit(&r, "--dry-run");
    EXPECT(r, 65, "fewer \"signal_seconds\"");
}

Test(job_file, values_are_checked)
{
    static const struct {
        const char *more, *says;
    } cases[] = {
        {"\"shard\": 4", "there is no key \"shard\"; did you mean \"shards\"?"},
        {"\"Memory\": \"1G\"", "did you mean \"memory\"?"},
        {"\"maxrunning\": 1", "did you mean \"max_running\"?"},
        {"\"partitions\": \"a\"", "did you mean \"partition\"?"},
        {"\"qqqqqqqq\": 1", "there are geno weights evk out shards name"},
        {"\"\": 1", "there is no key \"\""},
        {"\"shards\": 4", "duplicate"},
        {"\"cpus\": 0", "\"cpus\": a whole number from 1 to 4096"},
        {"\"cpus\": 4097", "whole number from 1 to 4096"},
        {"\"cpus\": -1", "whole number"},
        {"\"cpus\": 1.0", "whole number"},
        {"\"cpus\": \"4\"", "is expected, without quotes"},
        {"\"cpus\": null", "whole number"},
        {"\"cpus\": [1]", "whole number"},
        {"\"max_running\": 0", "from 1 to 4000"},
        {"\"max_restarts\": 10001", "from 0 to 10000"},
        {"\"signal_seconds\": 9", "from 10 to 65535"},
        {"\"signal_seconds\": 65536", "from 10 to 65535"},
        {"\"checkpoint\": 0", "from 1 to 86400"},
        {"\"verify\": 1.01", "a number from 0 to 1"},
        {"\"verify\": -0.1", "a number from 0 to 1"},
        {"\"verify\": \"0.1\"", "a number from 0 to 1 is expected, without quotes"},
        {"\"backend\": \"gpu\"", "'gpu' is not one of auto|cuda|cpu|sim"},
        {"\"backend\": \"\"", "'' is not one of"},
        {"\"backend\": \"cuda|cpu\"", "is not one of"},
        {"\"backend\": \"cuda\"", "cuda needs the key \"gpus\""},
        {"\"io\": \"mmap\"", "'mmap' is not one of auto|buffered|direct"},
        {"\"gpus\": 0", "from 1 to 64"},
        {"\"gpus\": 65", "from 1 to 64"},
        {"\"gpus\": \"65\"", "from 1 to 64"},
        {"\"gpus\": \"0\"", "from 1 to 64"},
        {"\"gpus\": \"a100:\"", "as in a100:2"},
        {"\"gpus\": \":2\"", "as in a100:2"},
        {"\"gpus\": \"a b:2\"", "as in a100:2"},
        {"\"gpus\": \"a,gpu:b:2\"", "as in a100:2"},
        {"\"gpus\": \"-a:2\"", "as in a100:2"},
        {"\"gpus\": true", "a text in quotes"},
        {"\"memory\": 16", "a text in quotes"},
        {"\"time\": 90", "a text in quotes"},
        {"\"name\": \"a b\"", "'a b' is not a name"},
        {"\"name\": \"-a\"", "is not a name"},
        {"\"name\": \"a;b\"", "is not a name"},
        {"\"name\": \"\"", "is not a name"},
        {"\"name\": \"a%j\"", "is not a name"},
        {"\"name\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
         "at most 64"},
        {"\"partition\": \"a b\"", "letters, digits and the characters"},
        {"\"partition\": \"a\\nb\"", "'a?b' may hold"},
        {"\"account\": \"$(x)\"", "letters, digits and the characters"},
        {"\"qos\": \"a#b\"", "letters, digits and the characters"},
        {"\"constraint\": \"a 'b'\"", "letters, digits and the characters"},
        {"\"constraint\": \"\"", "letters, digits and the characters"},
        {"\"program\": \"he loci\"", "neither a path nor a program's name"},
        {"\"program\": \"-x\"", "neither a path nor a program's name"},
        {"\"program\": \"\"", "neither a path nor a program's name"},
        {"\"program\": \"bin/\"", "is a folder"},
        {"\"sign\": \"\"", "a path is one line"},
        {"\"sign\": \"a\\nb\"", "a path is one line"},
        {"\"sign\": \"a\\u0001\"", "a path is one line"},
        {"\"log\": \"logs/\"", "'logs/' is a folder"},
        {"\"log\": \"..\"", "is a folder"},
        {"\"setup\": \"module load x\"", "a list of texts in [ ]"},
        {"\"setup\": [1]", "entry 1 is not a text of one line"},
        {"\"setup\": [\"a\", \"b\\nc\"]", "entry 2 is not a text of one line"},
        {"\"setup\": [\"a\\rb\"]", "entry 1 is not a text of one line"},
        {"\"extra\": {}", "a list of texts in [ ]"},
        {"\"extra\": [\"reservation=x\"]", "is not an option of sbatch"},
        {"\"extra\": [\"\"]", "is not an option of sbatch"},
        {"\"extra\": [\"-\"]", "is not an option of sbatch"},
        {"\"extra\": [\"--\"]", "is not an option of sbatch"},
        {"\"extra\": [\"--mail-user=x\\n#SBATCH --array=1\"]", "not a text of one line"},
        {"\"extra\": [\"--array=1-2\"]", "'--array=1-2' is said by the key \"shards\""},
        {"\"extra\": [\"-a 1-2\"]", "is said by the key \"shards\""},
        {"\"extra\": [\"--arr=1-2\"]", "is said by the key \"shards\""},
        {"\"extra\": [\"--exclusive --time=3\"]", "is said by the key \"time\""},
        {"\"extra\": [\"-Hx -t3\"]", "is said by the key \"time\""},
        {"\"extra\": [\"--mem-per-cpu=1G\"]", "is said by the key \"memory\""},
        {"\"extra\": [\"-pdebug\"]", "is said by the key \"partition\""},
        {"\"extra\": [\"--no-requeue\"]", "would change what the scripts rely on"},
        {"\"extra\": [\"-o x\"]", "would change what the scripts rely on"},
        {"\"extra\": [\"--dependency=singleton\"]", "would change what the scripts rely on"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_result r;
        describe_more(cases[i].more);
        submit(&r, NULL);
        EXPECT(r, 65, cases[i].says);
        EXPECT(r, 65, "heloci submit: job.json: ");
        cr_expect_eq(strchr(r.err, '\n'), r.err + strlen(r.err) - 1, "one line: %s", r.err);
    }
    cr_expect_not(there("o.slurm"));
}

Test(job_file, required_keys)
{
    static const char *const required[] = {"geno", "weights", "evk", "out", "shards"};
    for (int without = 0; without < 5; without++) {
        char text[256] = "{", says[64];
        for (int i = 0; i < 5; i++)
            if (i != without) {
                size_t used = strlen(text);
                snprintf(text + used, sizeof text - used, "%s\"%s\": %s", used > 1 ? ", " : "",
                         required[i], i == 4 ? "4" : "\"x\"");
            }
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "}");
        describe(text);
        program_result r;
        submit(&r, NULL);
        snprintf(says, sizeof says, "\"%s\": the key is missing", required[without]);
        EXPECT(r, 65, says);
    }
}

Test(job_file, files_that_are_no_description)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1, column 0"},
        {"[]", "one JSON object"},
        {"4", "expected"},
        {"{\"geno\": \"a\",}", "line 1"},
        {"{\n\"geno\": \"a\"\n\"evk\": \"b\"}", "line 3"},
        {"{\"geno\": \"a\\u0000b\"}", "NUL"},
        {"{\"geno\": \"\xff\"}", "unable to decode byte 0xff"},
        {"{\"geno\": \"a\"} x", "end of file expected"},
        {"{\"shards\": 99999999999999999999}", "too big"},
    };
    program_result r;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        describe(cases[i].text);
        submit(&r, NULL);
        EXPECT(r, 65, cases[i].says);
    }
    unlink(test_dir_path(&dir, "job.json"));
    submit(&r, NULL);
    EXPECT(r, 66, "job.json: No such file");
    mkdir(test_dir_path(&dir, "job.json"), 0700);
    submit(&r, NULL);
    EXPECT(r, 66, "not a regular file");
    program_run(&r, "submit", NULL);
    EXPECT(r, 64, "name the file: heloci submit JOB.json");
    program_run(&r, "submit", "x", "--threads", "1", NULL);
    EXPECT(r, 64, "--threads is not an option of submit");
    char *large = malloc((1 << 20) + 2);
    memset(large, ' ', (1 << 20) + 1);
    large[(1 << 20) + 1] = 0;
    rmdir(test_dir_path(&dir, "job.json"));
    describe(large);
    submit(&r, NULL);
    EXPECT(r, 66, "at most 1 MiB");
    free(large);
}

Test(job_file, numbers_of_shards)
{
    static const struct {
        const char *shards;
        int code;
        const char *piece;
    } cases[] = {
        {"1", 0, "./%s.%01d-of-1.sums"}, {"9", 0, "%01d-of-9"},
        {"10", 0, "%02d-of-10"},         {"4000", 0, "%04d-of-4000"},
        {"4001", 65, "from 1 to 4000"},  {"0", 65, "from 1 to 4000"},
        {"-1", 65, "from 1 to 4000"},    {"2.5", 65, "from 1 to 4000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        program_result r;
        snprintf(text, sizeof text,
                 "{\"geno\": \"g\", \"weights\": \"w\", \"evk\": \"e\", \"out\": \"o\", "
                 "\"shards\": %s}",
                 cases[i].shards);
        describe(text);
        submit(&r, "--dry-run");
        cr_expect_eq(r.code, cases[i].code, "%s: %d %s", cases[i].shards, r.code, r.err);
        SHOWS(r.code ? r.err : r.out, cases[i].piece);
    }
}

Test(job_file, relative_paths_start_at_the_description)
{
    char sub[2 * PATH_MAX], wanted[3 * PATH_MAX], job[2 * PATH_MAX];
    program_result r;
    snprintf(sub, sizeof sub, "%s", test_dir_path(&dir, "sub"));
    cr_assert_eq(mkdir(sub, 0700), 0);
    put("sub/job.json",
        "{\"geno\": \"../g\", \"weights\": \"/abs/w\", \"evk\": \"e\", \"out\": \"o\", "
        "\"shards\": 1}",
        0644);
    snprintf(job, sizeof job, "%s/job.json", sub);
    const char *lines[][5] = {{NULL, "submit", "--dry-run", "sub/job.json", NULL},
                              {NULL, "submit", "--dry-run", job, NULL}};
    for (int i = 0; i < 2; i++) {
        program_run_argv(&r, i ? "/" : dir.path, NULL, lines[i]);
        EXPECT(r, 0, "");
        snprintf(wanted, sizeof wanted,
                 "    --geno %s/../g\n    --weights /abs/w\n    --evk %s/e\n", sub, sub);
        SHOWS(r.out, wanted);
    }
}

/* Patterns and escapes of Slurm, in the folder that its logs go to. */
Test(job_file, output_folders_that_slurm_would_misread)
{
    static const char *const outs[] = {"a%Ab", "100%", "a\\\\b", "%%/o", "d\\\\/o"};
    for (size_t i = 0; i < sizeof outs / sizeof outs[0]; i++) {
        char text[256];
        program_result r;
        snprintf(text, sizeof text,
                 "{\"geno\": \"g%%A\", \"weights\": \"w\\\\\", \"evk\": \"e\", \"out\": \"%s\", "
                 "\"shards\": 4}",
                 outs[i]);
        describe(text);
        submit(&r, "--dry-run");
        EXPECT(r, 65, "\"out\": '");
        EXPECT(r, 65, "Slurm gives % and \\ in the folder of its logs a meaning");
    }
}
