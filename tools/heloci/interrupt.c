/* Signals become a flag; nothing is done in the handler but passing the signal on. */
#include "tools/heloci/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "heloci/engine.h"

enum { PASSED_ON = 0x68656c }; /* what a passed on signal carries */

/* The one mutable file-scope state of the program: a handler has no argument. What a command passes
 * on to its step has often come to the step as well (a terminal and a batch system signal both), so
 * the two kinds are counted apart and the larger number counts. */
static volatile sig_atomic_t signal_seen, direct, passed_on;
static volatile sig_atomic_t child_to_stop;

static void pass_on(void)
{
    const union sigval value = {.sival_int = PASSED_ON};
    (void)sigqueue((pid_t)child_to_stop, SIGTERM, value);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    const int saved = errno;
    const int passed = info->si_code == SI_QUEUE && info->si_value.sival_int == PASSED_ON;
    volatile sig_atomic_t *count = passed ? &passed_on : &direct;
    signal_seen = number;
    if (*count < 2)
        *count = *count + 1;
    if (child_to_stop > 0)
        pass_on();
    errno = saved;
}

void interrupt_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL); /* a batch system's warning */
    /* A closed pipe or a full quota is a write error with a name, not a silent death. */
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

int interrupted(void)
{
    return signal_seen;
}

int interrupt_wish(void)
{
    const int signals = direct > passed_on ? direct : passed_on;
    return signals == 0 ? 0 : signals == 1 ? HEL_PROGRESS_DRAIN : HEL_PROGRESS_STOP;
}

void interrupt_forward_to(pid_t child)
{
    child_to_stop = (sig_atomic_t)child;
    if (child > 0 && signal_seen)
        pass_on();
}
