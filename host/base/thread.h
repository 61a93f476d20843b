/* Threads of the library: they leave signals to the threads of the program, but for those of their
 * own faults. */
#ifndef HEL_BASE_THREAD_H
#define HEL_BASE_THREAD_H

#include <pthread.h>

/* As pthread_create with default attributes: 0, or an errno. */
int hel_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg);

#endif
