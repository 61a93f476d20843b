/* The progress bar on a terminal of its own: rate, colour, width, a window that shrinks; and what
 * goes to a file instead. The bar is compiled into this suite. */
#include <jansson.h>
#include <pty.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/base/test_dir.h"
#include "tools/heloci/progress_bar.c"

int interrupt_wish(void)
{
    return 0;
}

enum { TEXT = 1 << 16 };

typedef struct screen {
    char text[TEXT];
    size_t bytes;
} screen;

static void nap(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

/* A stage of `seconds`, reported a thousand times a second; half-way the window gets `narrow`
 * columns (0: it stays). */
static void report(progress_style style, double seconds, unsigned short narrow)
{
    progress_bar bar;
    progress_begin(&bar, "scan", style);
    const uint64_t total = (uint64_t)(seconds * 1000);
    for (uint64_t i = 0; i < total; i++) {
        struct winsize size = {24, narrow, 0, 0};
        if (narrow && i == total / 2)
            (void)ioctl(STDERR_FILENO, TIOCSWINSZ, &size);
        (void)progress_update(&bar, "expand", i, total, "genotypes");
        nap(0.001);
    }
    (void)progress_update(&bar, "expand", total, total, "genotypes");
    progress_end(&bar);
}

/* What the process drew, until its end. */
static void collect(screen *out, int master, pid_t pid)
{
    for (ssize_t got; out->bytes + 1 < TEXT &&
                      (got = read(master, out->text + out->bytes, TEXT - 1 - out->bytes)) > 0;)
        out->bytes += (size_t)got;
    close(master);
    waitpid(pid, NULL, 0);
}

/* report() in a process whose stderr is a terminal of `columns`; what it drew. */
static void on_terminal(screen *out, progress_style style, double seconds, unsigned short columns,
                        unsigned short narrow)
{
    int master;
    struct winsize size = {24, columns, 0, 0};
    memset(out, 0, sizeof *out);
    fflush(NULL);
    pid_t pid = forkpty(&master, NULL, NULL, &size);
    cr_assert(pid >= 0);
    if (pid == 0) {
        report(style, seconds, narrow);
        fflush(NULL);
        _exit(0);
    }
    collect(out, master, pid);
}

static unsigned count(const screen *s, const char *piece)
{
    unsigned n = 0;
    for (const char *at = s->text; (at = strstr(at, piece)); at += strlen(piece))
        n++;
    return n;
}

/* Cells of the longest line between two carriage returns, without control sequences. */
static size_t widest(const screen *s)
{
    size_t most = 0, cells = 0;
    for (const char *c = s->text; *c; c++) {
        if (*c == '\033') {
            while (*c && !strchr("KmA", *c))
                c++;
        } else if (*c == '\r') {
            cells = 0;
        } else if (++cells > most) {
            most = cells;
        }
    }
    return most;
}

static void plain_environment(void)
{
    unsetenv("COLUMNS");
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
}

TestSuite(progress, .init = plain_environment, .timeout = 60);

Test(progress, ten_times_a_second_at_the_most)
{
    screen s;
    const double began = now_seconds();
    on_terminal(&s, PROGRESS_AUTO, 1.5, 80, 0);
    const double took = now_seconds() - began; /* a busy machine naps longer */
    const unsigned drawn = count(&s, "genotypes");
    cr_expect(drawn >= 2 && drawn <= 10 * took + 2, "%u lines in %.3f s", drawn, took);
    cr_expect(count(&s, "\033[1mexpand\033[0m") == drawn);
    cr_expect(widest(&s) < 80, "%zu cells", widest(&s));
    cr_expect(s.bytes >= 4 && strcmp(s.text + s.bytes - 4, "\r\033[K") == 0, "it leaves no trace");
    cr_expect(strstr(s.text, "left") && strstr(s.text, "/s") && strstr(s.text, "###"));
    cr_expect(!strstr(s.text, "\033[A") && !strchr(s.text, '\n'));
}

Test(progress, short_stages_leave_no_trace)
{
    screen s;
    on_terminal(&s, PROGRESS_AUTO, 0.02, 80, 0);
    cr_expect_eq(s.bytes, 0);
}

Test(progress, no_colour_when_not_wanted)
{
    screen s;
    setenv("NO_COLOR", "1", 1);
    on_terminal(&s, PROGRESS_AUTO, 0.8, 80, 0);
    cr_expect(count(&s, "genotypes") > 0 && count(&s, "\033[1m") == 0);
    setenv("NO_COLOR", "", 1); /* empty counts as absent */
    on_terminal(&s, PROGRESS_AUTO, 0.8, 80, 0);
    cr_expect(count(&s, "\033[1m") > 0);
}

Test(progress, width_is_that_of_the_terminal)
{
    static const struct {
        const char *columns;
        unsigned short terminal;
        size_t below;
    } rows[] = {{NULL, 120, 120}, {NULL, 50, 50},  {"60", 120, 60},
                {"x9", 50, 50},   {"-70", 50, 50}, {"", 50, 50}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        screen s;
        if (rows[i].columns)
            setenv("COLUMNS", rows[i].columns, 1);
        on_terminal(&s, PROGRESS_AUTO, 0.7, rows[i].terminal, 0);
        cr_expect(widest(&s) > 20 && widest(&s) < rows[i].below, "%zu: %zu cells", i, widest(&s));
    }
}

/* A scan that goes on from a checkpoint: what was there before says nothing about its speed. */
Test(progress, rate_is_that_of_the_work_since)
{
    static const struct {
        uint64_t first, done;
        double seconds;
        const char *rate, *left;
    } rows[] = {{0, 500, 10, " 50/s ", " 00:10 left"},  {600, 700, 10, " 10/s ", " 00:30 left"},
                {600, 600, 10, " 0/s ", " --:-- left"}, {0, 0, 0, " 0/s ", " --:-- left"},
                {999, 1000, 4, " 0/s ", " 00:00 left"}, {0, 1000, 4, " 250/s ", " 00:00 left"},
                {1000, 1000, 0, " 0/s ", " 00:00 left"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[256];
        progress_line(line, sizeof line, "scan", rows[i].done, 1000, "genotypes", rows[i].first,
                      rows[i].seconds, 120);
        cr_expect(strstr(line, rows[i].rate) && strstr(line, rows[i].left), "%zu: %s", i, line);
    }
}

/* The same through the bar: half of it is done when the first report comes. */
Test(progress, resumed_stage)
{
    screen s;
    int master;
    struct winsize size = {24, 80, 0, 0};
    memset(&s, 0, sizeof s);
    fflush(NULL);
    pid_t pid = forkpty(&master, NULL, NULL, &size);
    cr_assert(pid >= 0);
    if (pid == 0) {
        progress_bar bar;
        progress_begin(&bar, "scan", PROGRESS_AUTO);
        (void)progress_update(&bar, "scan", 1000000000, 2000000000, "genotypes");
        for (uint64_t i = 1; i <= 6; i++) {
            nap(0.1);
            (void)progress_update(&bar, "scan", 1000000000 + i, 2000000000, "genotypes");
        }
        fflush(NULL);
        _exit(0);
    }
    collect(&s, master, pid);
    cr_expect(strstr(s.text, " 50 %") != NULL, "%s", s.text);
    cr_expect(count(&s, " M/s") + count(&s, " G/s") == 0, "%s", s.text); /* ten a second at most */
}

/* A line of 79 cells on 45 columns takes two rows, and both are wiped; the next ones fit. */
Test(progress, a_window_may_shrink)
{
    screen s;
    on_terminal(&s, PROGRESS_AUTO, 1.6, 80, 45);
    cr_expect_eq(count(&s, "\033[A\033[K"), 1);
    screen after = {.bytes = 0};
    const char *up = strstr(s.text, "\033[A\033[K");
    cr_assert(up != NULL);
    snprintf(after.text, sizeof after.text, "%s", up);
    cr_expect(widest(&after) < 45 && count(&after, "expand") > 0, "%zu cells", widest(&after));
}

Test(progress, elsewhere_lines_are_rare)
{
    screen s;
    setenv("TERM", "dumb", 1);
    on_terminal(&s, PROGRESS_AUTO, 0.8, 80, 0);
    cr_expect_eq(s.bytes, 0); /* the first one is due after half a minute */
    on_terminal(&s, PROGRESS_PLAIN, 0.8, 80, 0);
    cr_expect_eq(count(&s, "heloci scan: expand"), 1, "%s", s.text);
    on_terminal(&s, PROGRESS_NONE, 0.8, 80, 0);
    cr_expect_eq(s.bytes, 0);
}

Test(progress, json_lines)
{
    screen s;
    unsigned lines = 0;
    on_terminal(&s, PROGRESS_JSON, 0.3, 80, 0);
    char *rest = NULL;
    for (char *line = strtok_r(s.text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        json_t *value = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        cr_assert(value != NULL, "%s", line);
        cr_assert_str_eq(json_string_value(json_object_get(value, "event")), "progress");
        cr_assert_eq(json_integer_value(json_object_get(value, "total")), 300);
        json_decref(value);
        lines++;
    }
    cr_expect_eq(lines, 301); /* the engine is what throttles these */
}
