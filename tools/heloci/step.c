/* Starts a process and waits for it. */
#include "tools/heloci/step.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/heloci/interrupt.h"

enum { CANNOT_START = 71, ENVIRONMENT_MOST = 32 };

void step_add(step *s, option_id option, const char *value)
{
    if (s->argc + 3 > STEP_ARGS || (!value && option_table[option].arg))
        return;
    snprintf(s->words[option], sizeof s->words[option], "--%s", option_table[option].name);
    s->argv[s->argc++] = s->words[option];
    if (value)
        s->argv[s->argc++] = value;
    s->argv[s->argc] = NULL;
}

void step_begin(step *s, command_id command, const options *o)
{
    memset(s, 0, sizeof *s);
    s->command = command;
    s->caller = command_table[o->command].name;
    s->argv[s->argc++] = "heloci";
    s->argv[s->argc++] = command_table[command].name;
    for (int i = 0; i < OPT_COUNT; i++)
        if (o->given[i] && (option_table[i].commands >> command & 1) && i != OPT_OUT &&
            i != OPT_KEEP && i != OPT_REMOVE && i != OPT_FORMAT && i != OPT_LOG)
            step_add(s, (option_id)i, o->text[i]);
}

/* Nothing above stderr survives the exec. */
static void mark_descriptors(void)
{
    enum { CALL_CLOSE_RANGE = 436, ON_EXEC = 4 };
    if (syscall(CALL_CLOSE_RANGE, 3u, ~0u, ON_EXEC) == 0)
        return;
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (most > 0 && most < 65536 ? most : 65536); fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void tell(int channel, const sandbox_report *report)
{
    ssize_t written = write(channel, report, sizeof *report); /* far below PIPE_BUF: whole */
    (void)written;
}

static void child(const step *s, int program, int channel, const sigset_t *mask)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    char *kept[ENVIRONMENT_MOST];
    char **environment = environ;
    sandbox_report report = {0};
    if (s->sandbox) {
        int null = open("/dev/null", O_RDONLY);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0)
            report.failure = errno;
        else if (close(null) == 0)
            (void)sandbox_enter(s->sandbox, &report);
        sandbox_environment(kept, ENVIRONMENT_MOST, report.device);
        environment = kept;
    }
    mark_descriptors();
    if (report.failure == 0) {
        tell(channel, &report);
        fexecve(program, (char *const *)(void *)s->argv, environment);
        report.failure = errno;
        snprintf(report.failed, sizeof report.failed, "start of the program");
    }
    tell(channel, &report);
    _exit(CANNOT_START);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The child writes one report before exec and a second one only if exec failed. */
static void hear(step *s, int channel)
{
    sandbox_report report;
    for (;;) {
        ssize_t got = read(channel, &report, sizeof report);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof report)
            return;
        s->barriers = report;
    }
}

static int outcome(const step *s, int state)
{
    const char *name = command_table[s->command].name;
    if (s->barriers.failure) {
        fprintf(stderr, "heloci %s: the %s step was not started: %s: %s\n", s->caller, name,
                s->barriers.failed, strerror(s->barriers.failure));
        return CANNOT_START;
    }
    if (WIFEXITED(state))
        return WEXITSTATUS(state);
    if (!interrupted())
        fprintf(stderr, "heloci %s: the %s step was ended by signal %d (%s)\n", s->caller, name,
                WTERMSIG(state), strsignal(WTERMSIG(state)));
    return 128 + WTERMSIG(state);
}

int step_run(step *s, int program)
{
    int channel[2];
    sigset_t stop, mask;
    fflush(NULL);
    if (pipe2(channel, O_CLOEXEC) != 0) {
        fprintf(stderr, "heloci %s: pipe: %s\n", s->caller, strerror(errno));
        return CANNOT_START;
    }
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, &mask);
    double began = now_seconds();
    pid_t pid = fork();
    if (pid == 0)
        child(s, program, channel[1], &mask);
    int fork_errno = errno;
    close(channel[1]);
    interrupt_forward_to(pid > 0 ? pid : 0);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (pid < 0) {
        close(channel[0]);
        fprintf(stderr, "heloci %s: fork: %s\n", s->caller, strerror(fork_errno));
        return CANNOT_START;
    }
    hear(s, channel[0]);
    close(channel[0]);
    int state = 0;
    struct rusage use;
    while (wait4(pid, &state, 0, &use) < 0 && errno == EINTR)
        ;
    interrupt_forward_to(0);
    s->wall = now_seconds() - began;
    s->cpu = seconds(use.ru_utime) + seconds(use.ru_stime);
    s->peak_memory = 1024 * (double)use.ru_maxrss;
    return outcome(s, state);
}
