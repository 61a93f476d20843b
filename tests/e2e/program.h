/* For end-to-end suites: runs the heloci program and keeps what it said. */
#ifndef HEL_TESTS_PROGRAM_H
#define HEL_TESTS_PROGRAM_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAM_ARGS = 64, PROGRAM_TEXT = 1 << 16 };

typedef struct program_result {
    int code; /* exit code; 128 + number after a signal */
    char out[PROGRAM_TEXT], err[PROGRAM_TEXT];
} program_result;

static inline void program_slurp(FILE *from, char text[PROGRAM_TEXT])
{
    rewind(from);
    size_t got = fread(text, 1, PROGRAM_TEXT - 1, from);
    text[got] = 0;
    fclose(from);
}

/* Runs argv (argv[0] is set here) in folder `cwd` (NULL = here); `environment` = one NAME=VALUE to
 * add, or NULL. */
static inline void program_run_argv(program_result *r, const char *cwd, const char *environment,
                                    const char **argv)
{
    FILE *out = tmpfile(), *err = tmpfile();
    cr_assert(out && err);
    argv[0] = HEL_PROGRAM;
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        if ((cwd && chdir(cwd) != 0) || dup2(fileno(out), 1) < 0 || dup2(fileno(err), 2) < 0)
            _exit(126);
        if (environment)
            putenv((char *)(void *)environment);
        execv(HEL_PROGRAM, (char *const *)(void *)argv);
        _exit(127);
    }
    int state = 0;
    cr_assert(waitpid(pid, &state, 0) == pid);
    r->code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    program_slurp(out, r->out);
    program_slurp(err, r->err);
}

/* program_run(&r, "params", "--bits", "16", NULL) */
static inline void program_run(program_result *r, ...)
{
    const char *argv[PROGRAM_ARGS] = {NULL};
    va_list args;
    va_start(args, r);
    for (int i = 1; i < PROGRAM_ARGS - 1; i++)
        if (!(argv[i] = va_arg(args, const char *)))
            break;
    va_end(args);
    program_run_argv(r, NULL, NULL, argv);
}

#endif
