/*
 * --log FILE: what a command did, as JSON lines (host/store/MANIFEST.md, "Event log"). The file is
 * opened for appending before anything else happens; every line is one write, so that any number of
 * processes may share a file. A line that cannot be written later on costs a warning, never the
 * work.
 */
#ifndef HELOCI_TOOL_EVENT_LOG_H
#define HELOCI_TOOL_EVENT_LOG_H

#include "tools/heloci/options.h"

typedef struct event_log {
    int fd;           /* -1 = no log */
    int failed, torn; /* a line was not written; not whole */
    const char *command, *path;
    char *common; /* members of every line, without braces */
    double began;
} event_log;

/* Opens --log, if it was given, and writes "start". 0, or an exit code with the reason printed. */
int event_log_open(event_log *log, const options *o);
/* A hel_log_fn with an event_log as its argument. */
void event_log_fields(void *arg, const char *event, const char *fields);
/* "error": status may be NULL. */
void event_log_error(event_log *log, const char *status, int exit_code, const char *text);
/* "step" of `heloci run`. */
void event_log_step(event_log *log, const char *step, int exit_code, double wall, double cpu,
                    double peak_memory);
/* Appends the lines of a file that a step was given as its log; the file need not be there. */
void event_log_take(event_log *log, const char *path);
/* "end"; closes. */
void event_log_close(event_log *log, int exit_code);

#endif
