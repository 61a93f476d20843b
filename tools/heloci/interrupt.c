/* Signals become a flag; nothing is done in the handler but passing the signal on. */
#include "tools/heloci/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "heloci/engine.h"

/* The one mutable file-scope state of the program: a handler has no argument. */
static volatile sig_atomic_t signal_seen, signals;
static volatile sig_atomic_t child_to_stop;

static void on_signal(int number)
{
    int saved = errno;
    signal_seen = number;
    if (signals < 2)
        signals = signals + 1;
    if (child_to_stop > 0)
        kill((pid_t)child_to_stop, SIGTERM);
    errno = saved;
}

void interrupt_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL); /* a batch system's warning */
    /* A closed pipe or a full quota is a write error with a name, not a silent death. */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

int interrupted(void)
{
    return signal_seen;
}

int interrupt_wish(void)
{
    return signals == 0 ? 0 : signals == 1 ? HEL_PROGRESS_DRAIN : HEL_PROGRESS_STOP;
}

void interrupt_forward_to(pid_t child)
{
    child_to_stop = (sig_atomic_t)child;
    if (child > 0 && signal_seen)
        kill(child, SIGTERM);
}
