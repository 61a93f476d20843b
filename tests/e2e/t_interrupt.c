/* Signals to a command that runs its steps as processes: one counts once, however it reaches them.
 * The handlers are compiled into this suite. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/heloci/interrupt.c"

TestSuite(interrupt, .timeout = 60);

static void nap(void)
{
    struct timespec t = {0, 5000000};
    nanosleep(&t, NULL);
}

static void report(int fd, int wish)
{
    const uint8_t byte = (uint8_t)wish;
    if (write(fd, &byte, 1) != 1)
        _exit(1);
}

/* Says 0 when it is ready, then every change of its wish that stays for a third of a second. */
static void step(int fd)
{
    int said = 0;
    alarm(60);
    interrupt_install();
    report(fd, 0);
    while (said != HEL_PROGRESS_STOP) {
        nap();
        if (interrupt_wish() == said)
            continue;
        for (int i = 0; i < 60; i++)
            nap();
        said = interrupt_wish();
        report(fd, said);
    }
    _exit(0);
}

/* A process group of its own: a command and its step. */
static pid_t start(int *from_step)
{
    int channel[2];
    cr_assert_eq(pipe(channel), 0);
    fflush(NULL);
    const pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        setpgid(0, 0);
        alarm(60); /* nothing is left of a test that failed */
        interrupt_install();
        const pid_t child = fork();
        if (child == 0)
            step(channel[1]);
        interrupt_forward_to(child);
        report(channel[1], 0);
        while (waitpid(child, NULL, 0) < 0)
            ;
        _exit(0);
    }
    close(channel[1]);
    *from_step = channel[0];
    uint8_t ready[2] = {1, 1};
    cr_assert_eq(read(*from_step, &ready[0], 1), 1);
    cr_assert_eq(read(*from_step, &ready[1], 1), 1);
    cr_assert(ready[0] == 0 && ready[1] == 0);
    return pid;
}

static int wish_of(int from_step)
{
    uint8_t wish = 0;
    cr_assert_eq(read(from_step, &wish, 1), 1);
    return wish;
}

static void check(int number, int whole_group)
{
    int from_step, state = 0;
    const pid_t pid = start(&from_step), to = whole_group ? -pid : pid;
    cr_assert_eq(kill(to, number), 0);
    cr_expect_eq(wish_of(from_step), HEL_PROGRESS_DRAIN, "signal %d, group %d", number,
                 whole_group);
    cr_assert_eq(kill(to, number), 0);
    cr_expect_eq(wish_of(from_step), HEL_PROGRESS_STOP, "signal %d, group %d", number, whole_group);
    cr_assert_eq(waitpid(pid, &state, 0), pid);
    cr_expect(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    close(from_step);
}

/* As a terminal's Ctrl-C and a batch system's TERM: to command and step alike. */
Test(interrupt, to_the_whole_group)
{
    check(SIGINT, 1);
    check(SIGTERM, 1);
}

Test(interrupt, to_the_command_alone)
{
    check(SIGINT, 0);
    check(SIGTERM, 0);
    check(SIGUSR1, 0);
}
