/* Reads --shard. */
#include "tools/heloci/shard_option.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { USAGE = 64 };

/* Steps from this number on are Slurm's own: batch scripts, interactive shells. */
static const uint64_t first_special_step = 0xfffffff0u;

typedef struct shard_reader {
    shard_getenv get;
    void *arg;
    char *why;
    size_t bytes;
} shard_reader;

static int refuse(const shard_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int refuse(const shard_reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->why, r->bytes, format, args);
    va_end(args);
    return USAGE;
}

/* Decimal digits and nothing else, up to 9,999,999,999. Returns their number of bytes, or 0. */
static size_t read_digits(const char *text, uint64_t *out)
{
    size_t length = strspn(text, "0123456789");
    *out = 0;
    if (length > 10)
        return 0;
    for (size_t i = 0; i < length; i++)
        *out = 10 * *out + (uint64_t)(text[i] - '0');
    return length;
}

static int read_pair(const shard_reader *r, const char *text, uint32_t *index, uint32_t *count)
{
    uint64_t i, n;
    size_t used = read_digits(text, &i);
    size_t more = used && text[used] == '/' ? read_digits(text + used + 1, &n) : 0;
    if (!more || text[used + 1 + more])
        return refuse(r,
                      "'%.40s' is neither I/N (shard I of N, counted from 1) nor auto; write 3/8 "
                      "for the third of eight",
                      text);
    if (n == 0 || n > SHARD_MOST)
        return refuse(r, "'%s': the number of shards is from 1 to %d", text, SHARD_MOST);
    if (i == 0)
        return refuse(r, "'%s': shards count from 1; the first is 1/%llu", text,
                      (unsigned long long)n);
    if (i > n)
        return refuse(r, "'%s': there is no such shard; the last is %llu/%llu", text,
                      (unsigned long long)n, (unsigned long long)n);
    *index = (uint32_t)i;
    *count = (uint32_t)n;
    return 0;
}

/* A variable of the environment that is a number where it is set. */
typedef struct variable {
    const char *name;
    int given;
    uint64_t value;
} variable;

static int read_variables(const shard_reader *r, variable *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = r->get(r->arg, v[i].name);
        if (!text || !text[0])
            continue;
        size_t used = read_digits(text, &v[i].value);
        if (!used || text[used])
            return refuse(r, "auto: %s is '%.40s', not a number; write --shard I/N", v[i].name,
                          text);
        v[i].given = 1;
    }
    return 0;
}

/* A number of processes, and which of them this is, from 0; alone: 0 of 1. */
typedef struct place {
    int given;
    uint64_t index, count;
} place;

static int read_array(const shard_reader *r, place *out)
{
    enum { ID, LOW, HIGH, COUNT, STEP, VARIABLES };
    variable v[VARIABLES] = {{"SLURM_ARRAY_TASK_ID", 0, 0},
                             {"SLURM_ARRAY_TASK_MIN", 0, 0},
                             {"SLURM_ARRAY_TASK_MAX", 0, 0},
                             {"SLURM_ARRAY_TASK_COUNT", 0, 0},
                             {"SLURM_ARRAY_TASK_STEP", 0, 1}};
    *out = (place){0, 0, 1};
    int rc = read_variables(r, v, VARIABLES);
    if (rc || !v[ID].given)
        return rc;
    if (!v[LOW].given || !v[HIGH].given || !v[COUNT].given)
        return refuse(r, "auto: SLURM_ARRAY_TASK_ID is set but not all of _MIN, _MAX and _COUNT; "
                         "write --shard \"$SLURM_ARRAY_TASK_ID/N\"");
    unsigned long long low = v[LOW].value, high = v[HIGH].value, count = v[COUNT].value;
    if (low > 1 || high < low || count != high - low + 1 || (v[STEP].given && v[STEP].value != 1))
        return refuse(r,
                      "auto: the array's %llu tasks, from %llu to %llu, are not 1 to N or 0 to "
                      "N-1 without gaps, so they do not say how many shards there are (part of an "
                      "array, submitted again?); write --shard \"$SLURM_ARRAY_TASK_ID/N\"",
                      count, low, high);
    if (v[ID].value < low || v[ID].value > high)
        return refuse(r,
                      "auto: SLURM_ARRAY_TASK_ID is %llu in an array from %llu to %llu; write "
                      "--shard I/N",
                      (unsigned long long)v[ID].value, low, high);
    *out = (place){1, v[ID].value - low, count};
    return 0;
}

static int read_step(const shard_reader *r, place *out)
{
    enum { STEP, TASKS, RANK, OF_STEP, VARIABLES };
    variable v[VARIABLES] = {{"SLURM_STEP_ID", 0, 0},
                             {"SLURM_NTASKS", 0, 1},
                             {"SLURM_PROCID", 0, 0},
                             {"SLURM_STEP_NUM_TASKS", 0, 0}};
    *out = (place){0, 0, 1};
    int rc = read_variables(r, v, VARIABLES);
    if (rc)
        return rc;
    unsigned long long tasks = v[TASKS].value, rank = v[RANK].value;
    if (!v[STEP].given || v[STEP].value >= first_special_step) {
        if (tasks > 1)
            return refuse(r,
                          "auto: this is the script of a job with %llu tasks and not one of them; "
                          "write srun heloci ... --shard auto, or --shard I/N",
                          tasks);
        return 0;
    }
    if (!v[TASKS].given || !v[RANK].given)
        return refuse(r, "auto: SLURM_STEP_ID is set but not both of SLURM_NTASKS and "
                         "SLURM_PROCID; write --shard I/N");
    if (rank >= tasks)
        return refuse(r,
                      "auto: SLURM_PROCID is %llu among SLURM_NTASKS=%llu tasks; write --shard I/N",
                      rank, tasks);
    if (v[OF_STEP].given && v[OF_STEP].value != tasks)
        return refuse(r,
                      "auto: SLURM_NTASKS is %llu, but SLURM_STEP_NUM_TASKS is %llu; write --shard "
                      "I/N",
                      tasks, (unsigned long long)v[OF_STEP].value);
    *out = (place){1, rank, tasks};
    return 0;
}

int shard_option_read(const char *text, shard_getenv get, void *arg, uint32_t *index,
                      uint32_t *count, char *why, size_t bytes)
{
    const shard_reader r = {.get = get, .arg = arg, .why = why, .bytes = bytes};
    place array, step;
    *index = *count = 0;
    if (bytes)
        why[0] = 0;
    if (strcmp(text, "auto") != 0)
        return read_pair(&r, text, index, count);
    int rc = read_array(&r, &array);
    if (rc == 0)
        rc = read_step(&r, &step);
    if (rc)
        return rc;
    if (!array.given && !step.given)
        return refuse(&r, "auto: this is neither a task of a Slurm array nor started by srun; "
                          "write --shard I/N");
    if (array.count > SHARD_MOST || step.count > SHARD_MOST / array.count)
        return refuse(&r,
                      "auto: an array of %llu tasks, times %llu of srun, is more than %d shards",
                      (unsigned long long)array.count, (unsigned long long)step.count, SHARD_MOST);
    *index = (uint32_t)(array.index * step.count + step.index + 1);
    *count = (uint32_t)(array.count * step.count);
    return 0;
}
