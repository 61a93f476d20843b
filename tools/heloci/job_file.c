/* Reads a job description. Jansson knows JSON; the table below knows the keys and what they may
 * say. */
#include "tools/heloci/job_file.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/heloci/job_extra.h"
#include "tools/heloci/job_value.h"
#include "tools/heloci/suggest.h"

enum { EXIT_DATA = 65, EXIT_NO_INPUT = 66, EXIT_NO_MEMORY = 71, EXIT_NO_PERMISSION = 77 };
enum { MOST_BYTES = 1 << 20, LONGEST_PATH = 3072, LONGEST_BASE = 200, LEAST_MEMORY_MIB = 128 };

typedef enum key_rule {
    RULE_PATH,    /* resolved from the description's folder */
    RULE_PROGRAM, /* the same if it has a slash */
    RULE_NAME,    /* a word of at most 64 characters, copied */
    RULE_WORD,    /* `more`: what it may hold beside letters and digits */
    RULE_CHOICE,  /* `more`: the words */
    RULE_COUNT,   /* low to high */
    RULE_REAL,    /* the same */
    RULE_TIME,
    RULE_SIZE,
    RULE_GPUS,
    RULE_LINES,
    RULE_OPTIONS
} key_rule;

typedef struct key_row {
    const char *name;
    key_rule rule;
    int required;
    size_t offset; /* in job */
    double low, high;
    const char *more;
} key_row;

#define AT(member) offsetof(job, member)

static const key_row keys[] = {
    {"geno", RULE_PATH, 1, AT(geno), 0, 0, NULL},
    {"weights", RULE_PATH, 1, AT(weights), 0, 0, NULL},
    {"evk", RULE_PATH, 1, AT(evk), 0, 0, NULL},
    {"out", RULE_PATH, 1, AT(out), 0, 0, NULL},
    {"shards", RULE_COUNT, 1, AT(shards), 1, JOB_MOST_SHARDS, NULL},
    {"name", RULE_NAME, 0, AT(name), 0, 0, "_.-"},
    {"program", RULE_PROGRAM, 0, AT(program), 0, 0, NULL},
    {"setup", RULE_LINES, 0, AT(setup), 0, 0, NULL},
    {"backend", RULE_CHOICE, 0, AT(backend), 0, 0, "auto|cuda|cpu|sim"},
    {"gpus", RULE_GPUS, 0, AT(gpus), 1, 64, NULL},
    {"cpus", RULE_COUNT, 0, AT(cpus), 1, 4096, NULL},
    {"memory", RULE_SIZE, 0, AT(memory), 0, 0, NULL},
    {"time", RULE_TIME, 0, AT(time), 0, 0, NULL},
    {"partition", RULE_WORD, 0, AT(partition), 0, 0, "_.-,"},
    {"merge_partition", RULE_WORD, 0, AT(merge_partition), 0, 0, "_.-,"},
    {"account", RULE_WORD, 0, AT(account), 0, 0, "_.-+@:"},
    {"qos", RULE_WORD, 0, AT(qos), 0, 0, "_.-+@:"},
    {"constraint", RULE_WORD, 0, AT(constraint), 0, 0, "_.-,&|*[]():="},
    {"max_running", RULE_COUNT, 0, AT(max_running), 1, JOB_MOST_SHARDS, NULL},
    {"max_restarts", RULE_COUNT, 0, AT(max_restarts), 0, 10000, NULL},
    {"signal_seconds", RULE_COUNT, 0, AT(signal_seconds), 10, 65535, NULL},
    {"checkpoint", RULE_COUNT, 0, AT(checkpoint), 1, 86400, NULL},
    {"io", RULE_CHOICE, 0, AT(io), 0, 0, "auto|buffered|direct"},
    {"verify", RULE_REAL, 0, AT(verify), 0, 1, NULL},
    {"sign", RULE_PATH, 0, AT(sign), 0, 0, NULL},
    {"log", RULE_PATH, 0, AT(log), 0, 0, NULL},
    {"extra", RULE_OPTIONS, 0, AT(extra), 0, 0, NULL},
};
enum { KEYS = sizeof keys / sizeof keys[0] };

typedef struct job_reader {
    job *j;
    FILE *err;
    char folder[PATH_MAX]; /* of the description, absolute; "" = the root */
} job_reader;

static int complain(const job_reader *r, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int complain(const job_reader *r, const char *key, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++) /* what it quotes may hold anything */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    fprintf(r->err, "heloci submit: %s: %s%s%s%s\n", r->j->file, key ? "\"" : "", key ? key : "",
            key ? "\": " : "", text);
    return EXIT_DATA;
}

/* ---- values ---- */

/* Where a folder is from which relative paths start. */
static int find_folder(job_reader *r, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    size_t used = 0;
    if (path[0] != '/') {
        if (!getcwd(r->folder, sizeof r->folder))
            return complain(r, NULL, "the current folder: %s", strerror(errno));
        used = strcmp(r->folder, "/") == 0 ? 0 : strlen(r->folder);
        if (length)
            r->folder[used++] = '/';
    }
    if (used + length >= sizeof r->folder)
        return complain(r, NULL, "its path is too long");
    memcpy(r->folder + used, path, length);
    r->folder[used + length] = 0;
    return value_line(r->folder) ? 0 : complain(r, NULL, "its folder has control characters");
}

static int set_path(const job_reader *r, const char *key, const char *text, char **out)
{
    if (!text[0] || !value_line(text))
        return complain(r, key, "a path is one line, without control characters, and not empty");
    const char *base = strrchr(text, '/');
    base = base ? base + 1 : text;
    if (!base[0] || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return complain(r, key, "'%s' is a folder; a file's name is needed", text);
    size_t before = text[0] == '/' ? 0 : strlen(r->folder) + 1;
    if (before + strlen(text) > LONGEST_PATH || strlen(base) > LONGEST_BASE)
        return complain(r, key, "the path is longer than %d bytes, or its last name than %d",
                        LONGEST_PATH, LONGEST_BASE);
    if (asprintf(out, "%s%s%s", before ? r->folder : "", before ? "/" : "", text) >= 0)
        return 0;
    *out = NULL;
    return EXIT_NO_MEMORY;
}

static int set_program(const job_reader *r, const char *key, const char *text, char **out)
{
    if (strchr(text, '/'))
        return set_path(r, key, text, out);
    if (!value_word(text, "_.-+") || strlen(text) > LONGEST_BASE)
        return complain(r, key, "'%s' is neither a path nor a program's name", text);
    *out = strdup(text);
    return *out ? 0 : EXIT_NO_MEMORY;
}

static int set_name(const job_reader *r, const key_row *row, const char *text, char *out)
{
    if (!value_word(text, row->more) || strlen(text) >= JOB_NAME_BYTES)
        return complain(
            r, row->name,
            "'%s' is not a name of at most %d letters, digits and %s, the first no dash", text,
            JOB_NAME_BYTES - 1, row->more);
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int set_word(const job_reader *r, const key_row *row, const char *text, const char **out)
{
    if (!value_word(text, row->more) || strlen(text) > LONGEST_BASE)
        return complain(r, row->name,
                        "'%s' may hold letters, digits and the characters %s, the first no dash",
                        text, row->more);
    *out = text;
    return 0;
}

static int set_choice(const job_reader *r, const key_row *row, const char *text, const char **out)
{
    size_t length = strlen(text);
    for (const char *at = row->more;; at++) {
        size_t n = strcspn(at, "|");
        if (n == length && memcmp(at, text, n) == 0) {
            *out = text;
            return 0;
        }
        at += n;
        if (!*at)
            return complain(r, row->name, "'%s' is not one of %s", text, row->more);
    }
}

static int set_time(const job_reader *r, const char *key, const char *text)
{
    if (!value_time(text, &r->j->time_seconds))
        return complain(r, key,
                        "'%s' is not a time as Slurm writes it: minutes, minutes:seconds, "
                        "hours:minutes:seconds or days-hours[:minutes[:seconds]]",
                        text);
    r->j->time = text;
    return 0;
}

static int set_size(const job_reader *r, const char *key, const char *text)
{
    if (!value_size(text, &r->j->memory_bytes))
        return complain(r, key,
                        "'%s' is not a size as Slurm writes it: a whole number with K, M, G or T, "
                        "for instance 16G",
                        text);
    if (r->j->memory_bytes >> 20 < LEAST_MEMORY_MIB)
        return complain(r, key, "'%s' is too small; a scan needs at least %dM", text,
                        LEAST_MEMORY_MIB);
    r->j->memory = text;
    return 0;
}

/* ---- kinds of JSON values ---- */

static int set_text(const job_reader *r, const key_row *row, const char *text)
{
    void *out = (char *)r->j + row->offset;
    switch (row->rule) {
    case RULE_PATH:
        return set_path(r, row->name, text, out);
    case RULE_PROGRAM:
        return set_program(r, row->name, text, out);
    case RULE_NAME:
        return set_name(r, row, text, out);
    case RULE_WORD:
        return set_word(r, row, text, out);
    case RULE_CHOICE:
        return set_choice(r, row, text, out);
    case RULE_TIME:
        return set_time(r, row->name, text);
    case RULE_SIZE:
        return set_size(r, row->name, text);
    case RULE_GPUS:
        if (value_gpus(text, out, r->j->gpu_type, sizeof r->j->gpu_type) &&
            *(uint64_t *)out <= (uint64_t)row->high)
            return 0;
        return complain(r, row->name,
                        "'%s' is not a number of GPUs from 1 to %.0f, a type, or both as in a100:2",
                        text, row->high);
    default:
        return complain(r, row->name, "no text is expected here");
    }
}

static int set_count(const job_reader *r, const key_row *row, const json_t *value)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || (double)number < row->low || (double)number > row->high)
        return complain(r, row->name, "a whole number from %.0f to %.0f is expected%s", row->low,
                        row->high, json_is_string(value) ? ", without quotes" : "");
    *(uint64_t *)(void *)((char *)r->j + row->offset) = (uint64_t)number;
    return 0;
}

static int set_real(const job_reader *r, const key_row *row, const json_t *value)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= row->low && number <= row->high))
        return complain(r, row->name, "a number from %.0f to %.0f is expected%s", row->low,
                        row->high, json_is_string(value) ? ", without quotes" : "");
    *(double *)(void *)((char *)r->j + row->offset) = number;
    return 0;
}

static int set_lines(const job_reader *r, const key_row *row, const json_t *value)
{
    job_lines *lines = (job_lines *)(void *)((char *)r->j + row->offset);
    size_t count = json_array_size(value);
    if (!json_is_array(value))
        return complain(r, row->name, "a list of texts in [ ] is expected");
    lines->line = calloc(count + 1, sizeof *lines->line);
    if (!lines->line)
        return EXIT_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(value, i)), *key;
        if (!text || !value_line(text))
            return complain(r, row->name,
                            "entry %zu is not a text of one line without control characters",
                            i + 1);
        if (row->rule == RULE_OPTIONS && !extra_is_option(text))
            return complain(r, row->name, "'%s' is not an option of sbatch: it begins with a dash",
                            text);
        if (row->rule == RULE_OPTIONS && extra_is_taken(text, &key))
            return complain(r, row->name, "'%s' %s%s%s", text,
                            key ? "is said by the key \"" : "would change what the scripts rely on",
                            key ? key : "", key ? "\"" : "");
        lines->line[lines->count++] = text;
    }
    return 0;
}

static int set_value(const job_reader *r, const key_row *row, const json_t *value)
{
    switch (row->rule) {
    case RULE_COUNT:
        return set_count(r, row, value);
    case RULE_REAL:
        return set_real(r, row, value);
    case RULE_LINES:
    case RULE_OPTIONS:
        return set_lines(r, row, value);
    case RULE_GPUS:
        if (json_is_integer(value))
            return set_count(r, row, value);
        break;
    default:
        break;
    }
    if (!json_is_string(value))
        return complain(r, row->name, "a text in quotes is expected");
    return set_text(r, row, json_string_value(value));
}

/* ---- the whole ---- */

static int unknown_key(const job_reader *r, const char *key)
{
    const char *best = NULL;
    unsigned least = SUGGEST_NEVER;
    for (int i = 0; i < KEYS; i++) {
        unsigned d = suggest_slip(key, keys[i].name);
        if (d < least) {
            least = d;
            best = keys[i].name;
        }
    }
    if (best)
        return complain(r, NULL, "there is no key \"%s\"; did you mean \"%s\"?", key, best);
    char all[512] = "";
    for (size_t i = 0, used = 0; i < KEYS && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, " %s", keys[i].name);
    return complain(r, NULL, "there is no key \"%.64s\"; there are%s", key, all);
}

static int read_keys(const job_reader *r)
{
    const char *key;
    json_t *value;
    json_object_foreach(r->j->root, key, value)
    {
        int i = 0;
        while (i < KEYS && strcmp(keys[i].name, key) != 0)
            i++;
        int rc = i < KEYS ? set_value(r, &keys[i], value) : unknown_key(r, key);
        if (rc)
            return rc;
    }
    for (int i = 0; i < KEYS; i++)
        if (keys[i].required && !json_object_get(r->j->root, keys[i].name))
            return complain(r, keys[i].name,
                            "the key is missing; geno, weights, evk, out and "
                            "shards are required");
    return 0;
}

/* Without a name of its own a job is called after its output. */
static void name_after_output(job *j)
{
    const char *base = strrchr(j->out, '/') + 1;
    size_t i = 0;
    for (; base[i] && i + 1 < JOB_NAME_BYTES; i++) {
        char c[2] = {base[i], 0};
        j->name[i] = value_word(c, i ? "_.-" : "_.") ? base[i] : '_';
    }
    j->name[i] = 0;
}

/* Symbolic links are not followed: this is the path that compute nodes know. */
static int find_program(const job_reader *r)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return complain(r, "program", "the key is needed, as /proc does not say where heloci is");
    path[length] = 0;
    return set_path(r, "program", path, &r->j->program);
}

static int settle(const job_reader *r)
{
    job *j = r->j;
    if (strpbrk(j->out, "%\\")) /* logs are beside it; with these the job would not start */
        return complain(r, "out", "'%s': Slurm gives %% and \\ in the folder of its logs a meaning",
                        j->out);
    if (!j->name[0])
        name_after_output(j);
    if (!j->backend)
        j->backend = j->gpus ? "cuda" : "cpu";
    if (strcmp(j->backend, "cuda") == 0 && !j->gpus)
        return complain(r, "backend", "cuda needs the key \"gpus\": how many a task gets");
    if (!j->merge_partition)
        j->merge_partition = j->partition;
    if (j->time_seconds && j->time_seconds < j->signal_seconds + 60)
        return complain(r, "time",
                        "'%s' leaves no time to work: the signal comes %llu seconds before the end "
                        "and up to 60 earlier; more time, or fewer \"signal_seconds\"",
                        j->time, (unsigned long long)j->signal_seconds);
    return j->program ? 0 : find_program(r);
}

int job_parse(job *out, const char *path, const char *text, size_t bytes, FILE *err)
{
    job_reader r = {.j = out, .err = err};
    json_error_t error;
    *out = (job){.file = path,
                 .memory = "8G",
                 .memory_bytes = (uint64_t)8 << 30,
                 .cpus = 4,
                 .signal_seconds = 300,
                 .max_restarts = 100,
                 .verify = -1};
    int rc = find_folder(&r, path);
    if (rc)
        return rc;
    out->root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!out->root)
        return complain(&r, NULL, "line %d, column %d: %s", error.line, error.column, error.text);
    if (!json_is_object(out->root))
        return complain(&r, NULL, "a job description is one JSON object, { ... }");
    rc = read_keys(&r);
    if (rc == 0)
        rc = settle(&r);
    if (rc == EXIT_NO_MEMORY)
        fprintf(err, "heloci submit: out of memory\n");
    return rc;
}

int job_read(job *out, const char *path, FILE *err)
{
    struct stat info;
    int code = 0;
    char *text = NULL;
    size_t bytes = 0;
    *out = (job){.file = path};
    FILE *file = fopen(path, "rb");
    if (!file) {
        code = errno == EACCES ? EXIT_NO_PERMISSION : EXIT_NO_INPUT;
        fprintf(err, "heloci submit: %s: %s\n", path, strerror(errno));
        return code;
    }
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > MOST_BYTES) {
        fprintf(err, "heloci submit: %s: not a regular file of at most 1 MiB\n", path);
        code = EXIT_NO_INPUT;
    } else if (!(text = malloc(MOST_BYTES + 1))) {
        fprintf(err, "heloci submit: out of memory\n");
        code = EXIT_NO_MEMORY;
    } else {
        bytes = fread(text, 1, MOST_BYTES + 1, file);
        if (ferror(file) || bytes > MOST_BYTES) {
            fprintf(err, "heloci submit: %s: it cannot be read\n", path);
            code = 74;
        }
    }
    fclose(file);
    if (code == 0)
        code = job_parse(out, path, text, bytes, err);
    free(text);
    return code;
}

void job_free(job *j)
{
    char *owned[] = {j->geno, j->weights, j->evk, j->out, j->sign, j->log, j->program};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
    free((void *)j->setup.line);
    free((void *)j->extra.line);
    json_decref(j->root);
    *j = (job){0};
}

int job_shard_width(const job *j)
{
    return snprintf(NULL, 0, "%llu", (unsigned long long)j->shards);
}

char *job_shard_path(const job *j, uint64_t index)
{
    size_t room = strlen(j->out) + 64;
    char *path = malloc(room);
    if (path)
        snprintf(path, room, "%s.%0*llu-of-%llu.sums", j->out, job_shard_width(j),
                 (unsigned long long)index, (unsigned long long)j->shards);
    return path;
}
