/*
 * heloci run: owner and centre on one machine, as separate processes. This process holds no key and
 * reads no genotype; it makes two folders, starts the steps one after the other, and clears up.
 *
 *   OUT.owner/    0700: study.key, study.private, study.model
 *   OUT.centre/   study.evk, study.geno, study.weights, study.sums: what a centre would be sent
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/heloci/flat_folder.h"
#include "tools/heloci/interrupt.h"
#include "tools/heloci/preflight.h"
#include "tools/heloci/shell_word.h"
#include "tools/heloci/step.h"
#include "tools/heloci/tool.h"

enum { STEPS = 6, PATH_BYTES = 4096 };

typedef struct runner {
    const options *o;
    int program; /* descriptor of this very executable */
    unsigned number;
    char owner[PATH_BYTES], centre[PATH_BYTES]; /* the two folders */
    char key[PATH_BYTES], data[PATH_BYTES], model[PATH_BYTES], sums[PATH_BYTES], list[PATH_BYTES];
    char forbidden[PATH_BYTES]; /* the key, absolute */
    int owner_made, centre_made;
    int encrypted; /* what is worth keeping when a later step fails */
    char centre_log[PATH_BYTES];
    event_log log;
} runner;

static void say(const runner *r, const char *format, ...) HEL_PRINTF(2, 3);
static void say(const runner *r, const char *format, ...)
{
    if (r->o->given[OPT_QUIET])
        return;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
}

static int complain(const char *path, int exit_code)
{
    fprintf(stderr, "heloci run: %s: %s\n", path, strerror(errno));
    return exit_code;
}

/* ---- folders ---- */

static int make_folder(const char *path, int *made)
{
    if (mkdir(path, 0700) == 0) {
        *made = 1;
        return 0;
    }
    if (errno != EEXIST)
        return complain(path, errno_exit(errno));
    fprintf(stderr,
            "heloci run: %s exists: an earlier run kept it or was killed. Remove it, or choose "
            "another --out\n",
            path);
    return EXIT_USAGE;
}

static void join(char out[PATH_BYTES], const char *a, const char *b)
{
    /* The prefix was checked against the space that the longest name needs. */
    int used = snprintf(out, PATH_BYTES, "%s%s", a, b);
    if (used < 0 || used >= PATH_BYTES)
        out[0] = 0;
}

static int prepare(runner *r)
{
    int rc = preflight(r->o, &r->log);
    if (rc)
        return rc;
    r->program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (r->program < 0)
        return complain("/proc/self/exe", 71);
    join(r->owner, r->o->text[OPT_OUT], ".owner");
    join(r->centre, r->o->text[OPT_OUT], ".centre");
    join(r->key, r->owner, "/study.key");
    join(r->data, r->owner, "/study.private");
    join(r->model, r->owner, "/study.model");
    join(r->list, r->owner, "/tables");
    join(r->sums, r->centre, "/study.sums");
    join(r->centre_log, r->centre, "/study.log");
    rc = make_folder(r->owner, &r->owner_made);
    if (rc == 0)
        rc = make_folder(r->centre, &r->centre_made);
    return rc;
}

/* ---- steps ---- */

static void say_word(const char *word)
{
    fputc(' ', stderr);
    shell_word(stderr, word);
}

/* The line that would repeat a failed step, when the encryption before it can be used again. */
static void say_failed(const runner *r, const step *s)
{
    if (!r->encrypted)
        return;
    fprintf(stderr, "heloci run: the encrypted cohort is kept; the step that failed was\n ");
    if (s->sandbox) {
        fputs(" (cd", stderr);
        say_word(r->centre);
        fputs(" &&", stderr);
    }
    for (unsigned i = 0; i < s->argc; i++)
        say_word(s->argv[i]);
    fprintf(stderr, "%s\n", s->sandbox ? ")" : "");
}

static int run_step(runner *r, step *s, const char *what)
{
    char memory[32];
    if (interrupted())
        return EXIT_CANCELLED;
    if (r->number < STEPS)
        r->number++;
    say(r, "\n%u/%u %-8s %s\n", r->number, STEPS, command_table[s->command].name, what);
    step_add(s, OPT_LOG, s->sandbox && r->log.path ? "study.log" : r->log.path);
    int rc = step_run(s, r->program);
    if (s->sandbox) /* which cannot reach the log */
        event_log_take(&r->log, r->centre_log);
    event_log_step(&r->log, command_table[s->command].name, rc, s->wall, s->cpu, s->peak_memory);
    if (interrupted())
        return EXIT_CANCELLED;
    if (rc) {
        say_failed(r, s);
        return rc;
    }
    format_bytes(memory, sizeof memory, s->peak_memory);
    say(r, "  %.2f s, %.2f core-seconds, %s at the most\n", s->wall, s->cpu, memory);
    return 0;
}

/* Hands a public file over to the centre. */
static int hand_over(const runner *r, const char *name)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    join(from, r->owner, name);
    join(to, r->centre, name);
    return rename(from, to) == 0 ? 0 : complain(from, errno_exit(errno));
}

static int step_keygen(runner *r)
{
    step s;
    char out[PATH_BYTES];
    join(out, r->owner, "/study");
    step_begin(&s, CMD_KEYGEN, r->o);
    step_add(&s, OPT_OUT, out);
    int rc = run_step(r, &s, "the owner draws a key pair");
    return rc ? rc : hand_over(r, "/study.evk");
}

static int step_encrypt(runner *r)
{
    step s;
    char out[PATH_BYTES];
    join(out, r->owner, "/study");
    step_begin(&s, CMD_ENCRYPT, r->o);
    step_add(&s, OPT_KEY, r->key);
    step_add(&s, OPT_OUT, out);
    step_add(&s, OPT_KEEP, r->o->text[OPT_KEEP]);
    step_add(&s, OPT_REMOVE, r->o->text[OPT_REMOVE]);
    int rc = run_step(r, &s, "the owner encrypts the cohort");
    if (rc == 0)
        rc = hand_over(r, "/study.geno");
    r->encrypted = rc == 0;
    return rc;
}

static int step_null(runner *r)
{
    step s;
    char out[PATH_BYTES];
    join(out, r->owner, "/study");
    step_begin(&s, CMD_NULL, r->o);
    step_add(&s, OPT_KEY, r->key);
    step_add(&s, OPT_DATA, r->data);
    step_add(&s, OPT_OUT, out);
    int rc = run_step(r, &s, "the owner fits the null models and encrypts their columns");
    return rc ? rc : hand_over(r, "/study.weights");
}

static void say_barriers(const runner *r, const step *s)
{
    const sandbox_report *b = &s->barriers;
    if (b->landlock)
        say(r, "  ran in %s under Landlock %d%s; opening the key was refused\n", r->centre,
            b->landlock, b->user_dropped ? " as user nobody" : "");
    else if (b->user_dropped)
        say(r, "  ran in %s as user nobody (no Landlock here); opening the key was refused\n",
            r->centre);
    else
        say(r,
            "  ran in %s; this kernel has no Landlock, so only an emptied environment and closed\n"
            "  descriptors kept it from the key%s\n",
            r->centre, geteuid() == 0 ? " (and nobody cannot run this program)" : "");
}

static void say_device(const runner *r, const step *s)
{
    if (s->barriers.device == SANDBOX_CUDA)
        say(r, "  the driver's device files (/dev/nvidia*) and libraries were open to it\n");
}

static unsigned first_device(const options *o)
{
    uint32_t number[NUMBERS_MOST];
    (void)tool_devices(o, number);
    return number[0];
}

static int step_scan(runner *r)
{
    step s;
    sandbox_plan plan = {.folder = r->centre,
                         .forbidden = r->forbidden,
                         .program = r->program,
                         .backend = tool_backend(r->o),
                         .device = first_device(r->o)};
    if (!realpath(r->key, r->forbidden))
        return complain(r->key, errno_exit(errno));
    sandbox_plan_user(&plan);
    step_begin(&s, CMD_SCAN, r->o);
    s.sandbox = &plan;
    step_add(&s, OPT_GENO, "study.geno");
    step_add(&s, OPT_WEIGHTS, "study.weights");
    step_add(&s, OPT_EVK, "study.evk");
    step_add(&s, OPT_OUT, "study");
    step_add(&s, OPT_CHECKPOINT, "0"); /* its folder goes with it */
    int rc = run_step(r, &s, "the centre computes on ciphertexts, with no secret in reach");
    sandbox_take_back(&plan);
    if (rc == 0) {
        say_barriers(r, &s);
        say_device(r, &s);
    }
    return rc;
}

static int step_decrypt(runner *r)
{
    step s;
    char formats[64];
    const char *wanted = r->o->text[OPT_FORMAT];
    /* The pictures are drawn from the plink2 table, so that one is always written. */
    snprintf(formats, sizeof formats, "plink2%s%s", wanted ? "," : "", wanted ? wanted : "");
    step_begin(&s, CMD_DECRYPT, r->o);
    step_add(&s, OPT_KEY, r->key);
    step_add(&s, OPT_DATA, r->data);
    step_add(&s, OPT_MODEL, r->model);
    step_add(&s, OPT_SUMS, r->sums);
    step_add(&s, OPT_FORMAT, formats);
    step_add(&s, OPT_LIST, r->list);
    step_add(&s, OPT_OUT, r->o->text[OPT_OUT]);
    return run_step(r, &s, "the owner decrypts, verifies and finishes the statistics");
}

/* Length of a path without ".glm.linear" or ".glm.logistic"; 0 for other tables. */
static size_t stem_length(const char *path)
{
    static const char *const endings[] = {".glm.linear", ".glm.logistic"};
    size_t length = strlen(path);
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(endings[i]);
        if (length > n && strcmp(path + length - n, endings[i]) == 0)
            return length - n;
    }
    return 0;
}

static int step_report(runner *r)
{
    FILE *list = fopen(r->list, "r");
    if (!list)
        return complain(r->list, EXIT_IO);
    char *line = NULL;
    size_t room = 0;
    int rc = 0;
    while (rc == 0 && getline(&line, &room, list) > 0) {
        line[strcspn(line, "\n")] = 0;
        size_t stem = stem_length(line);
        if (!stem || stem >= PATH_BYTES)
            continue;
        step s;
        char out[PATH_BYTES];
        snprintf(out, sizeof out, "%.*s", (int)stem, line);
        step_begin(&s, CMD_REPORT, r->o);
        step_add(&s, OPT_TABLE, line);
        step_add(&s, OPT_OUT, out);
        rc = run_step(r, &s, line);
    }
    free(line);
    fclose(list);
    return rc;
}

static void finish(runner *r, double began, int rc)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int keep = r->encrypted && (rc ? !interrupted() : r->o->given[OPT_KEEP_INTERMEDIATE]);
    if (!keep) {
        if (r->owner_made)
            flat_folder_remove(r->owner);
        if (r->centre_made)
            flat_folder_remove(r->centre);
    }
    if (rc == EXIT_CANCELLED && interrupted())
        fprintf(stderr, "heloci run: stopped by signal %d%s\n", interrupted(),
                keep ? "" : "; work files removed");
    if (rc && keep) {
        fprintf(stderr, "heloci run: go on from there as in the README's tour (.weights go to the "
                        "centre's folder), or remove both folders:\n  rm -r");
        say_word(r->owner);
        say_word(r->centre);
        fprintf(stderr, "\nThe first holds the key and clear data.\n");
    }
    if (rc)
        return;
    if (keep)
        say(r, "\nkept: %s (secret: key and clear data) and %s (public)\n", r->owner, r->centre);
    else
        say(r, "\nciphertexts and the key that opened them are removed (--keep-intermediate keeps "
               "them)\n");
    say(r, "done in %.1f s\n", (double)t.tv_sec + 1e-9 * (double)t.tv_nsec - began);
}

int command_run(const options *o)
{
    static int (*const steps[STEPS])(runner *) = {step_keygen, step_encrypt, step_null,
                                                  step_scan,   step_decrypt, step_report};
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double began = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    runner *r = calloc(1, sizeof *r);
    if (!r)
        return 71;
    r->o = o;
    r->program = -1;
    int rc = event_log_open(&r->log, o);
    if (rc == 0)
        rc = prepare(r);
    if (rc == 0)
        say(r, "heloci %s: an encrypted scan, owner and centre in separate processes\n",
            hel_version());
    for (int i = 0; rc == 0 && i < STEPS; i++)
        rc = steps[i](r);
    finish(r, began, rc);
    if (rc)
        event_log_error(&r->log, NULL, rc,
                        interrupted() ? "stopped by a signal"
                        : r->number   ? "a step failed"
                                      : "the steps could not be started");
    event_log_close(&r->log, rc);
    if (r->program >= 0)
        close(r->program);
    free(r);
    return rc;
}
