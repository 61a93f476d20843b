/* See child.h. */
#include "bench/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double child_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static child_usage wait_for(pid_t child, double start)
{
    int code;
    struct rusage u;
    if (wait4(child, &code, 0, &u) != child || !WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        fprintf(stderr, "a stage of the benchmark failed\n");
        exit(1);
    }
    return (child_usage){child_now() - start,
                         (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                             1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
                         (double)u.ru_maxrss * 1024};
}

static pid_t fork_or_end(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        fprintf(stderr, "fork: %s\n", strerror(errno));
        exit(1);
    }
    return child;
}

child_usage child_run(int (*body)(void *arg), void *arg)
{
    const double start = child_now();
    pid_t child = fork_or_end();
    if (child == 0)
        _exit(body(arg));
    return wait_for(child, start);
}

child_usage child_exec(const char *const *argv)
{
    const double start = child_now();
    pid_t child = fork_or_end();
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
            execvp(argv[0], (char *const *)(void *)argv);
        _exit(127);
    }
    return wait_for(child, start);
}
