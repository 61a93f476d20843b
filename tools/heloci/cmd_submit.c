/*
 * heloci submit: a scan as jobs of Slurm. Writes two scripts into OUT.slurm, an array that computes
 * the shards and a merge that waits for it, and submits both; --dry-run shows them instead. What is
 * finished already is left out, so the same command goes on after a failure.
 *
 *   OUT.slurm/   scan.sbatch, merge.sbatch; logs of the jobs; jobs: the numbers of those submitted
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/heloci/job_file.h"
#include "tools/heloci/job_script.h"
#include "tools/heloci/run_command.h"
#include "tools/heloci/shell_word.h"
#include "tools/heloci/tool.h"

enum { EXIT_NO_INPUT = 66, EXIT_UNAVAILABLE = 69, EXIT_NO_MEMORY = 71 };
enum { PATH_BYTES = 4096, OUTPUT_BYTES = 1 << 20, ID_BYTES = 32 };

typedef struct submission {
    job j;
    char folder[PATH_BYTES]; /* OUT.slurm */
    char result[PATH_BYTES]; /* OUT.sums */
    int finished;            /* the result is there */
    char *missing;           /* the shards that are not, as sbatch writes an array: "2,5-7" */
    uint64_t absent;         /* how many */
} submission;

static int complain(const char *path, int code)
{
    fprintf(stderr, "heloci submit: %s: %s\n", path, strerror(errno));
    return code;
}

static int no_memory(void)
{
    fprintf(stderr, "heloci submit: out of memory\n");
    return EXIT_NO_MEMORY;
}

/* ---- what is there ---- */

static int is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static void add_range(FILE *list, uint64_t first, uint64_t last, int *ranges)
{
    if (first > last)
        return;
    fprintf(list, "%s%llu", (*ranges)++ ? "," : "", (unsigned long long)first);
    if (last > first)
        fprintf(list, "-%llu", (unsigned long long)last);
}

/* A shard's file has its name only when it is whole (scan renames it at its end). */
static int look(submission *s)
{
    size_t bytes;
    int ranges = 0;
    FILE *list = open_memstream(&s->missing, &bytes);
    if (!list)
        return no_memory();
    uint64_t first = 1;
    for (uint64_t i = 1; i <= s->j.shards; i++) {
        char *path = job_shard_path(&s->j, i);
        if (!path) {
            fclose(list);
            return no_memory();
        }
        if (is_file(path)) {
            add_range(list, first, i - 1, &ranges);
            first = i + 1;
        } else
            s->absent++;
        free(path);
    }
    add_range(list, first, s->j.shards, &ranges);
    if (fclose(list) != 0)
        return no_memory();
    snprintf(s->folder, sizeof s->folder, "%s.slurm", s->j.out);
    snprintf(s->result, sizeof s->result, "%s.sums", s->j.out);
    s->finished = is_file(s->result);
    return 0;
}

static int check_inputs(const submission *s, int fatal)
{
    const char *const inputs[] = {s->j.geno, s->j.weights, s->j.evk, s->j.sign};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        if (!inputs[i] || access(inputs[i], R_OK) == 0)
            continue;
        if (fatal)
            return complain(inputs[i], errno == EACCES ? EXIT_NO_PERMISSION : EXIT_NO_INPUT);
        fprintf(stderr, "heloci submit: note: %s: %s\n", inputs[i], strerror(errno));
    }
    return 0;
}

/* ---- the commands, to be shown or run ---- */

/* The part of the array that is missing, or NULL where that is all of it. */
static char *array_option(const submission *s)
{
    char *text = NULL;
    size_t bytes;
    if (s->absent == s->j.shards)
        return NULL;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    fprintf(out, "--array=%s", s->missing);
    if (s->j.max_running)
        fprintf(out, "%%%llu", (unsigned long long)s->j.max_running);
    fclose(out);
    return text;
}

static void show_commands(const submission *s)
{
    char *array = array_option(s);
    printf("==> commands <==\n");
    if (s->finished) {
        printf("# none: %s is there\n", s->result);
    } else {
        printf("cd ");
        shell_word(stdout, s->folder);
        if (s->absent) {
            printf("\nscan=$(sbatch --parsable%s%s scan.sbatch)", array ? " " : "",
                   array ? array : "");
            printf("\nsbatch --parsable --dependency=\"afterok:${scan%%%%;*}\" "
                   "--kill-on-invalid-dep=yes merge.sbatch\n");
        } else
            printf("\nsbatch --parsable merge.sbatch\n");
    }
    free(array);
}

static int show(const submission *s)
{
    check_inputs(s, 0);
    printf("==> %s/scan.sbatch <==\n", s->folder);
    script_scan(stdout, &s->j);
    printf("\n==> %s/merge.sbatch <==\n", s->folder);
    script_merge(stdout, &s->j);
    putchar('\n');
    show_commands(s);
    return 0;
}

/* ---- files ---- */

static int write_script(const submission *s, const char *name,
                        void (*script)(FILE *out, const job *j))
{
    char path[PATH_BYTES + 64], part[PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    snprintf(part, sizeof part, "%s/%s.part", s->folder, name);
    FILE *out = fopen(part, "w");
    if (!out)
        return complain(part, errno_exit(errno));
    script(out, &s->j);
    int failed = ferror(out);
    failed |= fclose(out) != 0;
    if (failed || rename(part, path) != 0) {
        int rc = complain(path, errno_exit(errno));
        unlink(part);
        return rc;
    }
    return 0;
}

static int write_scripts(const submission *s)
{
    struct stat info;
    if (mkdir(s->folder, 0777) != 0 && errno != EEXIST)
        return complain(s->folder, errno_exit(errno));
    if (stat(s->folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
        fprintf(stderr, "heloci submit: %s: it is not a folder\n", s->folder);
        return EXIT_IO;
    }
    int rc = write_script(s, "scan.sbatch", script_scan);
    return rc ? rc : write_script(s, "merge.sbatch", script_merge);
}

static int note_job(const submission *s, const char *id, const char *what)
{
    char path[PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/jobs", s->folder);
    FILE *out = fopen(path, "a");
    int rc = out ? 0 : errno_exit(errno);
    if (out) {
        fprintf(out, "%s %s\n", id, what);
        rc = fclose(out) == 0 ? 0 : EXIT_IO;
    }
    if (rc) {
        complain(path, rc);
        fprintf(stderr, "heloci submit: the %s is submitted all the same, as job %s\n", what, id);
    }
    return rc;
}

/* ---- Slurm ---- */

/* A line of `text` is `word`. */
static int has_line(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        if (strcspn(text, "\n") == length && memcmp(text, word, length) == 0)
            return 1;
    return 0;
}

/* The numbers of this user's jobs, a line each. No squeue is no queue. */
static int ask_queue(char *queue, size_t bytes)
{
    static const char *const squeue[] = {"squeue", "--noheader", "--me", "--format=%F", NULL};
    const int rc = run_command(squeue, NULL, queue, bytes);
    if (rc == COMMAND_FAILED)
        return complain("squeue", EXIT_UNAVAILABLE);
    if (rc == COMMAND_ABSENT)
        queue[0] = 0;
    else if (rc)
        fprintf(stderr,
                "heloci submit: squeue failed (exit code %d), so a job of this scan may still be "
                "in the queue; nothing is submitted, try again when squeue answers\n",
                rc);
    return rc && rc != COMMAND_ABSENT ? EXIT_UNAVAILABLE : 0;
}

/* Two arrays at work on the same shards would be in each other's way: none that was submitted from
 * here may still be in the queue. */
static int check_queue(const submission *s)
{
    char path[PATH_BYTES + 64], id[ID_BYTES];
    snprintf(path, sizeof path, "%s/jobs", s->folder);
    FILE *jobs = fopen(path, "r");
    if (!jobs) /* or no folder at all, which is said when it is made */
        return errno == ENOENT || errno == ENOTDIR ? 0 : complain(path, errno_exit(errno));
    char *queue = malloc(OUTPUT_BYTES);
    int rc = queue ? ask_queue(queue, OUTPUT_BYTES) : no_memory();
    while (rc == 0 && fscanf(jobs, "%31s%*[^\n]", id) == 1)
        if (has_line(queue, id)) {
            fprintf(stderr,
                    "heloci submit: job %s of this scan is still in the queue; wait for it, or end "
                    "it: scancel %s\n",
                    id, id);
            rc = EXIT_CANCELLED;
        }
    fclose(jobs);
    free(queue);
    return rc;
}

/* Runs sbatch in the folder of the scripts; its errors are on stderr already. */
static int sbatch(const submission *s, const char *script, const char *const *argv,
                  char id[ID_BYTES])
{
    char said[256];
    int rc = run_command(argv, s->folder, said, sizeof said);
    if (rc == COMMAND_ABSENT) {
        fprintf(stderr,
                "heloci submit: there is no sbatch here; the scripts are written, and where Slurm "
                "is, this is how they start:\n");
        fflush(stderr);
        show_commands(s);
        return EXIT_UNAVAILABLE;
    }
    if (rc == COMMAND_FAILED)
        return complain("sbatch", EXIT_UNAVAILABLE);
    said[strcspn(said, ";\n")] = 0; /* behind the number: the cluster's name */
    if (rc == 0 && said[0] && strlen(said) < ID_BYTES && !said[strspn(said, "0123456789")]) {
        memcpy(id, said, strlen(said) + 1);
        return 0;
    }
    if (rc)
        fprintf(stderr, "heloci submit: sbatch refused %s (exit code %d)\n", script, rc);
    else
        fprintf(stderr, "heloci submit: sbatch said '%.80s', which is no job's number\n", said);
    return EXIT_UNAVAILABLE;
}

static int submit_scan(const submission *s, char id[ID_BYTES])
{
    char *array = array_option(s);
    const char *argv[] = {"sbatch", "--parsable", array ? array : "scan.sbatch",
                          array ? "scan.sbatch" : NULL, NULL};
    int rc = sbatch(s, "scan.sbatch", argv, id);
    if (rc == 0)
        rc = note_job(s, id, "scan");
    free(array);
    return rc;
}

static int submit_merge(const submission *s, const char *scan, char id[ID_BYTES])
{
    char after[ID_BYTES + 32];
    snprintf(after, sizeof after, "--dependency=afterok:%s", scan);
    const char *behind[] = {"sbatch",       "--parsable", after, "--kill-on-invalid-dep=yes",
                            "merge.sbatch", NULL};
    const char *alone[] = {"sbatch", "--parsable", "merge.sbatch", NULL};
    int rc = sbatch(s, "merge.sbatch", scan[0] ? behind : alone, id);
    if (rc && scan[0])
        fprintf(
            stderr,
            "heloci submit: the scan is submitted (job %s), what would merge its shards is not; "
            "once it is done, run this command again\n",
            scan);
    return rc ? rc : note_job(s, id, "merge");
}

static void say_submitted(const submission *s, const char *file, const char *scan,
                          const char *merge)
{
    const job *j = &s->j;
    const char *comma = scan[0] ? "," : "";
    if (scan[0])
        printf("%s: job %s computes shard%s %s of %llu, job %s merges all when they are there\n",
               j->name, scan, s->absent == 1 ? "" : "s", s->missing, (unsigned long long)j->shards,
               merge);
    else
        printf("%s: all %llu shards are there; job %s merges them\n", j->name,
               (unsigned long long)j->shards, merge);
    printf("  watch     squeue --jobs=%s%s%s\n", scan, comma, merge);
    printf("  logs      %s/\n", s->folder);
    printf("  result    %s\n", s->result);
    printf("  stop      scancel %s%s%s\n", scan, scan[0] ? " " : "", merge);
    printf("  go on     after a failure, see the shard's log, mend what it names, and say\n"
           "            heloci submit ");
    shell_word(stdout, file);
    printf("\n            again: finished shards are kept, others go on from their checkpoints\n");
}

static int submit(const submission *s, const char *file)
{
    char scan[ID_BYTES] = "", merge[ID_BYTES] = "";
    int rc = check_inputs(s, 1);
    if (rc)
        return rc;
    if (s->finished) {
        printf("%s: nothing to do, %s is there\n", s->j.name, s->result);
        return 0;
    }
    rc = check_queue(s);
    if (rc == 0)
        rc = write_scripts(s);
    if (rc == 0 && s->absent)
        rc = submit_scan(s, scan);
    if (rc == 0)
        rc = submit_merge(s, scan, merge);
    if (rc == 0)
        say_submitted(s, file, scan, merge);
    return rc;
}

int command_submit(const options *o)
{
    submission *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory();
    int rc = job_read(&s->j, o->operand, stderr);
    if (rc == 0)
        rc = look(s);
    if (rc == 0)
        rc = o->given[OPT_DRY_RUN] ? show(s) : submit(s, o->operand);
    free(s->missing);
    job_free(&s->j);
    free(s);
    return rc;
}
