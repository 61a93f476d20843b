/* fork, exec, and a pipe for what the program says. */
#include "tools/heloci/run_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Writes errno to `trouble` when the program does not start; exec closes it otherwise. */
static void child(const char *const *argv, const char *folder, int out, int errors, int trouble)
{
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    if ((!folder || chdir(folder) == 0) && dup2(out, STDOUT_FILENO) >= 0 &&
        (!errors || dup2(out, STDERR_FILENO) >= 0))
        execvp(argv[0], (char *const *)(void *)argv);
    int why = errno;
    ssize_t written = write(trouble, &why, sizeof why);
    _exit(written == (ssize_t)sizeof why ? 127 : 126);
}

static ssize_t read_some(int fd, void *out, size_t bytes)
{
    ssize_t got;
    do
        got = read(fd, out, bytes);
    while (got < 0 && errno == EINTR);
    return got;
}

static void take_output(int fd, char *out, size_t bytes)
{
    char rest[512];
    size_t used = 0;
    for (;;) {
        int full = used + 1 >= bytes;
        ssize_t got =
            read_some(fd, full ? rest : out + used, full ? sizeof rest : bytes - 1 - used);
        if (got <= 0)
            break;
        if (!full)
            used += (size_t)got;
    }
    out[used] = 0;
}

static int run(const char *const *argv, const char *folder, int errors, char *out, size_t bytes)
{
    int said[2], trouble[2], why = 0, state = 0;
    fflush(NULL);
    if (pipe2(said, O_CLOEXEC) != 0)
        return COMMAND_FAILED;
    if (pipe2(trouble, O_CLOEXEC) != 0) {
        close(said[0]);
        close(said[1]);
        return COMMAND_FAILED;
    }
    pid_t pid = fork();
    if (pid == 0)
        child(argv, folder, said[1], errors, trouble[1]);
    why = pid < 0 ? errno : 0;
    close(said[1]);
    close(trouble[1]);
    if (pid > 0) {
        if (read_some(trouble[0], &why, sizeof why) <= 0)
            why = 0;
        take_output(said[0], out, bytes);
        while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
            ;
    }
    close(said[0]);
    close(trouble[0]);
    if (why) {
        errno = why;
        return why == ENOENT ? COMMAND_ABSENT : COMMAND_FAILED;
    }
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

int run_command(const char *const *argv, const char *folder, char *out, size_t bytes)
{
    return run(argv, folder, 0, out, bytes);
}

int run_command_all(const char *const *argv, const char *folder, char *out, size_t bytes)
{
    return run(argv, folder, 1, out, bytes);
}
