/* See thread.h. */
#include "host/base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

static int start_bound(pthread_t *thread, void *(*fn)(void *), void *arg, const hel_cpus *cpus)
{
    pthread_attr_t attributes;
    if (!cpus || pthread_attr_init(&attributes) != 0)
        return EINVAL;
    int error = pthread_attr_setaffinity_np(&attributes, sizeof *cpus,
                                            (const cpu_set_t *)(const void *)cpus);
    if (error == 0)
        error = pthread_create(thread, &attributes, fn, arg);
    pthread_attr_destroy(&attributes);
    return error;
}

int hel_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg, const hel_cpus *cpus)
{
    sigset_t all, old;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = start_bound(thread, fn, arg, cpus);
    if (error)
        error = pthread_create(thread, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}
