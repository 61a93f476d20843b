/* Composes and appends lines. */
#include "tools/heloci/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "heloci/heloci.h"
#include "tools/heloci/text_json.h"
#include "tools/heloci/tool.h"

enum { EXIT_NO_MEMORY = 71, LINE_MOST = 1 << 16 };

static double clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* RFC 3339 with milliseconds, in UTC. */
static void time_text(char *out, size_t room)
{
    struct timespec now;
    struct tm tm;
    char day[40] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &tm))
        strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, room, "%s.%03dZ", day, (int)(now.tv_nsec / 1000000));
}

/* ---- writing ---- */

static void complain(event_log *log, int error)
{
    if (!log->failed)
        fprintf(stderr, "heloci %s: warning: %s: the log is not complete: %s\n", log->command,
                log->path, strerror(error));
    log->failed = 1;
}

/* `line` ends with a line feed. After a torn one (a full disk) the next begins with another. */
static void write_line(event_log *log, const char *line, size_t bytes)
{
    struct iovec part[2] = {{(void *)(uintptr_t) "\n", log->torn ? 1 : 0},
                            {(void *)(uintptr_t)line, bytes}};
    const size_t all = part[0].iov_len + bytes;
    ssize_t written;
    do
        written = writev(log->fd, part, 2);
    while (written < 0 && errno == EINTR);
    if (written < 0 || (size_t)written < all)
        complain(log, written < 0 ? errno : ENOSPC);
    if (written > 0)
        log->torn = (size_t)written < all && (size_t)written > part[0].iov_len;
}

void event_log_fields(void *arg, const char *event, const char *fields)
{
    event_log *log = arg;
    char when[48];
    if (log->fd < 0)
        return;
    time_text(when, sizeof when);
    const char *members = fields[0] == '{' ? fields + 1 : "}";
    const size_t room = strlen(fields) + strlen(log->common) + strlen(event) + 128;
    char *line = malloc(room);
    if (!line) {
        complain(log, ENOMEM);
        return;
    }
    int used = snprintf(line, room, "{\"time\":\"%s\",\"event\":\"%s\",%s%s%s\n", when, event,
                        log->common, members[0] == '}' ? "" : ",", members);
    if (used > 0 && (size_t)used < room)
        write_line(log, line, (size_t)used);
    free(line);
}

/* Takes the object. */
static void write_object(event_log *log, const char *event, json_t *object)
{
    char *text =
        object && log->fd >= 0
            ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))
            : NULL;
    if (text)
        event_log_fields(log, event, text);
    else if (log->fd >= 0)
        complain(log, ENOMEM);
    free(text);
    json_decref(object);
}

/* ---- opening ---- */

/* "command":...,"pid":...,"host":... and, where there is one, "traceparent". */
static char *common_members(const char *command)
{
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = 0;
    json_t *object =
        json_pack("{s:s,s:I,s:o,s:s*}", "command", command, "pid", (json_int_t)getpid(), "host",
                  text_json(host), "traceparent", hel_traceparent());
    char *text =
        object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))
               : NULL;
    json_decref(object);
    if (text) { /* without its braces */
        const size_t length = strlen(text);
        memmove(text, text + 1, length - 2);
        text[length - 2] = 0;
    }
    return text;
}

static int take_build(void *arg, const char *text)
{
    *(json_t **)arg = json_loads(text, 0, NULL);
    return 0;
}

static json_t *commit_json(void)
{
    hel_engine *engine = NULL;
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    json_t *build = NULL, *commit = NULL;
    config.threads = 1;
    if (hel_engine_create(&engine, &config) == HEL_OK &&
        hel_build_json(engine, take_build, &build) == HEL_OK)
        commit = json_incref(json_object_get(build, "commit"));
    json_decref(build);
    hel_engine_free(engine);
    return commit;
}

/* Options as they were typed. What leads to a passphrase is only said to have been there. */
static json_t *arguments_json(const options *o)
{
    json_t *arguments = json_object();
    for (int i = 0; arguments && i < OPT_COUNT; i++)
        if (o->given[i])
            (void)json_object_set_new(
                arguments, option_table[i].name,
                i == OPT_PASSPHRASE_FILE || !o->text[i] ? json_true() : text_json(o->text[i]));
    return arguments;
}

int event_log_open(event_log *log, const options *o)
{
    *log =
        (event_log){.fd = -1, .command = command_table[o->command].name, .began = clock_seconds()};
    log->path = o->text[OPT_LOG];
    if (!log->path)
        return 0;
    log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    if (log->fd < 0) {
        const int error = errno;
        fprintf(stderr, "heloci %s: --log: %s: %s\n", log->command, log->path, strerror(error));
        return errno_exit(error);
    }
    log->common = common_members(log->command);
    if (!log->common) {
        fprintf(stderr, "heloci %s: --log: out of memory\n", log->command);
        close(log->fd);
        log->fd = -1;
        return EXIT_NO_MEMORY;
    }
    write_object(log, "start",
                 json_pack("{s:s,s:o*,s:o}", "version", hel_version(), "commit", commit_json(),
                           "arguments", arguments_json(o)));
    return 0;
}

/* ---- events of the program ---- */

void event_log_error(event_log *log, const char *status, int exit_code, const char *text)
{
    if (log->fd >= 0)
        write_object(log, "error",
                     json_pack("{s:s*,s:i,s:o}", "status", status, "exit_code", exit_code, "text",
                               text_json(text)));
}

/* Thousandths, as a clock can answer for. */
static json_t *seconds_json(double seconds)
{
    char text[40];
    snprintf(text, sizeof text, "%.3f", seconds);
    return json_real(strtod(text, NULL));
}

void event_log_step(event_log *log, const char *step, int exit_code, double wall, double cpu,
                    double peak_memory)
{
    if (log->fd >= 0)
        write_object(log, "step",
                     json_pack("{s:s,s:i,s:o,s:o,s:I}", "step", step, "exit_code", exit_code,
                               "seconds", seconds_json(wall), "core_seconds", seconds_json(cpu),
                               "peak_bytes", (json_int_t)peak_memory));
}

/* The step was shut off from the rest of the machine: what it left may be anything, a link too. */
void event_log_take(event_log *log, const char *path)
{
    struct stat info;
    if (log->fd < 0)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t bytes;
    if (file && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1)
        while ((bytes = getline(&line, &room, file)) > 0 && bytes < LINE_MOST)
            if (line[0] == '{' && bytes > 2 && line[bytes - 2] == '}' && line[bytes - 1] == '\n')
                write_line(log, line, (size_t)bytes);
    free(line);
    if (file)
        fclose(file);
    else if (fd >= 0)
        close(fd);
}

void event_log_close(event_log *log, int exit_code)
{
    if (log->fd >= 0) {
        write_object(log, "end",
                     json_pack("{s:o,s:i}", "seconds", seconds_json(clock_seconds() - log->began),
                               "exit_code", exit_code));
        close(log->fd);
    }
    free(log->common);
    *log = (event_log){.fd = -1};
}
