/* Threads of the library: they leave signals to the threads of the program, but for those of their
 * own faults. */
#ifndef HEL_BASE_THREAD_H
#define HEL_BASE_THREAD_H

#include <pthread.h>

#include "host/base/affinity.h"

/* As pthread_create with default attributes: 0, or an errno. cpus: the processors that the thread
 * runs on from its first instruction on, NULL for those of the caller; where the system refuses,
 * those too. */
int hel_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg, const hel_cpus *cpus);

#endif
