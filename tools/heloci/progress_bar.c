/* Draws progress. */
#include "tools/heloci/progress_bar.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tools/heloci/interrupt.h"

static const double show_after = 0.4; /* seconds before a stage is worth a bar */
static const double plain_every = 30;

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

unsigned terminal_columns(int fd)
{
    const char *text = getenv("COLUMNS");
    unsigned long columns = 0;
    struct winsize size;
    if (text && text[0] && strspn(text, "0123456789") == strlen(text))
        columns = strtoul(text, NULL, 10);
    if (columns == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns == 0)
        columns = 80;
    return columns < 40 ? 40 : columns > 200 ? 200 : (unsigned)columns;
}

void format_count(char *out, size_t bytes, double value)
{
    static const char *const prefix[] = {"", " k", " M", " G", " T", " P"};
    size_t i = 0;
    while (value >= 999.5 && i + 1 < sizeof prefix / sizeof prefix[0]) {
        value /= 1000;
        i++;
    }
    int digits = i == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, bytes, "%.*f%s", digits, value, prefix[i]);
}

void format_bytes(char *out, size_t bytes, double value)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t i = 0;
    while (value >= 1023.5 && i + 1 < sizeof unit / sizeof unit[0]) {
        value /= 1024;
        i++;
    }
    int digits = i == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, bytes, "%.*f %s", digits, value, unit[i]);
}

static void format_time(char *out, size_t bytes, double seconds)
{
    unsigned long s = seconds < 0       ? 0
                      : seconds > 3.6e8 ? 360000000
                                        : (unsigned long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, bytes, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, bytes, "%02lu:%02lu", s / 60, s % 60);
}

void progress_line(char *out, size_t bytes, const char *stage, uint64_t done, uint64_t total,
                   const char *unit, uint64_t first, double seconds, unsigned width)
{
    char n[24], of[24], rate[24], left[24] = "--:--", bar[64] = "";
    double part = total ? (double)done / (double)total : 0;
    part = part > 1 ? 1 : part;
    double fresh = done > first ? (double)(done - first) : 0; /* the rest was there before */
    double speed = seconds > 0 ? fresh / seconds : 0;
    format_count(n, sizeof n, (double)done);
    format_count(of, sizeof of, (double)total);
    format_count(rate, sizeof rate, speed);
    if (total && done >= total)
        format_time(left, sizeof left, 0);
    else if (fresh > 0 && total)
        format_time(left, sizeof left, seconds * (double)(total - done) / fresh);
    char text[192];
    snprintf(text, sizeof text, "%3.0f %%  %s of %s %s  %s/s  %s left", 100 * part, n, of, unit,
             rate, left);
    size_t used = strlen(stage) + strlen(text) + 5;
    size_t cells = used + 8 <= width ? width - used - 1 : 0;
    cells = cells > 30 ? 30 : cells;
    if (cells) {
        size_t full = (size_t)(part * (double)cells + 0.5);
        bar[0] = '[';
        memset(bar + 1, '#', full);
        memset(bar + 1 + full, '.', cells - full);
        memcpy(bar + 1 + cells, "] ", 3);
    }
    snprintf(out, bytes, "%s %s%s", stage, bar, text);
    if (strlen(out) >= width && width < bytes)
        out[width - 1] = 0;
}

void progress_begin(progress_bar *bar, const char *command, progress_style style)
{
    memset(bar, 0, sizeof *bar);
    bar->out = stderr;
    bar->command = command;
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bar->terminal = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
    bar->colour = bar->terminal && !(no_colour && no_colour[0]);
    bar->style = style;
    if (style == PROGRESS_AUTO && bar->terminal)
        bar->style = PROGRESS_BAR;
}

/* Rows that the drawn line takes beyond the first. The width is asked for anew each time, so that
 * SIGWINCH needs no handler; where the terminal has become narrower since, the line was wrapped. */
static unsigned wrapped_rows(const progress_bar *bar)
{
    struct winsize size;
    if (bar->drawn <= 0 || bar->cells == 0 || ioctl(fileno(bar->out), TIOCGWINSZ, &size) != 0 ||
        size.ws_col == 0)
        return 0;
    return (bar->cells - 1) / size.ws_col;
}

static void erase(progress_bar *bar)
{
    fputs("\r\033[K", bar->out);
    for (unsigned rows = wrapped_rows(bar); rows > 0; rows--)
        fputs("\033[A\033[K", bar->out);
}

static void draw_bar(progress_bar *bar, uint64_t done, uint64_t total, const char *unit, double now)
{
    char line[256];
    progress_line(line, sizeof line, bar->stage, done, total, unit, bar->first, now - bar->began,
                  terminal_columns(STDERR_FILENO));
    size_t stage = strlen(bar->stage);
    if (wrapped_rows(bar)) /* else the new line covers the old one, without a flicker */
        erase(bar);
    if (bar->colour)
        fprintf(bar->out, "\r\033[1m%.*s\033[0m%s\033[K", (int)stage, line, line + stage);
    else
        fprintf(bar->out, "\r%s\033[K", line);
    fflush(bar->out);
    bar->drawn = now;
    bar->cells = (unsigned)strlen(line);
}

static void draw_plain(progress_bar *bar, uint64_t done, uint64_t total, const char *unit,
                       double now)
{
    /* A line each half minute; asked for by name, also one when a stage is through. */
    double seconds = now - bar->began;
    int due = seconds >= plain_every * (bar->lines + 1);
    int through = bar->style == PROGRESS_PLAIN && total && done >= total;
    if (!due && !through)
        return;
    char line[256];
    progress_line(line, sizeof line, bar->stage, done, total, unit, bar->first, seconds, 200);
    fprintf(bar->out, "heloci %s: %s\n", bar->command, line);
    fflush(bar->out);
    bar->lines = (unsigned)(seconds / plain_every);
}

void progress_end(progress_bar *bar)
{
    if (bar->drawn > 0) {
        erase(bar);
        fflush(bar->out);
    }
    bar->drawn = 0;
    bar->stage[0] = 0;
}

int progress_update(void *arg, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    progress_bar *bar = arg;
    double now = now_seconds();
    if (strcmp(stage, bar->stage) != 0 || done < bar->last_done) {
        progress_end(bar);
        snprintf(bar->stage, sizeof bar->stage, "%s", stage);
        bar->began = now;
        bar->first = done;
        bar->lines = 0;
    }
    bar->last_done = done;
    if (bar->style == PROGRESS_BAR) {
        if (done >= total)
            progress_end(bar);
        else if (now - bar->began >= show_after && now - bar->drawn >= 0.09)
            draw_bar(bar, done, total, unit, now);
    } else if (bar->style == PROGRESS_JSON) {
        fprintf(bar->out,
                "{\"event\":\"progress\",\"command\":\"%s\",\"stage\":\"%s\",\"done\":%llu,"
                "\"total\":%llu,\"from\":%llu,\"unit\":\"%s\",\"seconds\":%.3f}\n",
                bar->command, stage, (unsigned long long)done, (unsigned long long)total,
                (unsigned long long)bar->first, unit, now - bar->began);
        fflush(bar->out);
    } else if (bar->style != PROGRESS_NONE) {
        draw_plain(bar, done, total, unit, now);
    }
    return interrupt_wish();
}
