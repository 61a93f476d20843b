/*
 * Progress on stderr: a bar on a terminal, a line every half minute elsewhere, JSON lines on
 * request. Work that is over before anyone would wonder leaves no trace.
 */
#ifndef HELOCI_TOOL_PROGRESS_BAR_H
#define HELOCI_TOOL_PROGRESS_BAR_H

#include <stdint.h>
#include <stdio.h>

typedef enum progress_style { /* in the order of --progress */
                              PROGRESS_AUTO,
                              PROGRESS_BAR,
                              PROGRESS_PLAIN,
                              PROGRESS_JSON,
                              PROGRESS_NONE
} progress_style;

typedef struct progress_bar {
    FILE *out;
    const char *command;
    progress_style style; /* never AUTO once begun */
    int terminal, colour;
    char stage[32];
    uint64_t first, last_done; /* of this stage: done when it began (a resumed scan), and now */
    double began, drawn;       /* seconds; drawn = 0: nothing on the line */
    unsigned cells;            /* of the line that is drawn */
    unsigned lines;            /* plain lines of this stage */
} progress_bar;

/* AUTO becomes BAR on a terminal that can move its cursor, otherwise PLAIN without end lines. */
void progress_begin(progress_bar *bar, const char *command, progress_style style);
/* A hel_progress_fn with a progress_bar as its argument; non-zero once an interrupt has come. */
int progress_update(void *arg, const char *stage, uint64_t done, uint64_t total, const char *unit);
/* Removes the bar; call before anything else is written to the terminal. */
void progress_end(progress_bar *bar);

/* The line for a state, without clock or terminal: what the two above print, and the tests check.
 * `seconds` = since the stage began, with `first` of `done` behind it: rate and time left are those
 * of the work since. `width` = columns of the terminal. */
void progress_line(char *out, size_t bytes, const char *stage, uint64_t done, uint64_t total,
                   const char *unit, uint64_t first, double seconds, unsigned width);

/* COLUMNS, else the terminal's width now, else 80; 40 to 200. */
unsigned terminal_columns(int fd);
/* "12.3 M" and the like: three digits and a decimal prefix. */
void format_count(char *out, size_t bytes, double value);
/* "1.23 GiB" and the like. */
void format_bytes(char *out, size_t bytes, double value);

#endif
