/* The engine's inside: error text, pool, progress state. Included by base only. */
#ifndef HEL_BASE_ENGINE_PRIVATE_H
#define HEL_BASE_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "heloci/engine.h"
#include "host/base/engine_backend.h"
#include "host/base/pool.h"

#define HEL_ERROR_BYTES 1024

/* Standing workers; the protocol is in pool.c. */
typedef struct hel_pool {
    atomic_uint_least64_t state; /* loop number, joined, active, open */
    atomic_size_t next;
    atomic_int failed; /* the first failing status */
    atomic_uint limit; /* workers that may join besides the caller */
    hel_work_fn fn;
    void *arg;
    size_t count;
    atomic_int busy;     /* a loop is running */
    atomic_int stop;     /* the engine is being freed */
    atomic_int sleepers; /* workers that may be asleep */
    atomic_int waiting;  /* the caller may be asleep */
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    int spin;           /* every thread can have a processor */
    uint32_t started;   /* threads alive, written by the caller only */
    pid_t process;      /* that started them: a fork has none of them */
    uint32_t backoff;   /* loops to go before another attempt to start a thread */
    pthread_t *threads; /* [threads - 1] */
    hel_cpus home;      /* where unbound threads run: what the engine's creator was allowed, not */
    int has_home;       /* what the caller of the first loop is bound to for the moment */
    hel_cpus *set;      /* processors of threads; NULL: threads are not bound */
    uint32_t sets, *place;
} hel_pool;

struct hel_engine {
    uint32_t threads;
    uint64_t memory_bytes;
    hel_simd simd;
    hel_progress_fn progress;
    void *progress_arg;
    pthread_mutex_t error_lock;
    char error[HEL_ERROR_BYTES];
    pthread_mutex_t progress_lock;
    uint64_t progress_last_ms;
    hel_log_fn log;
    void *log_arg;
    pthread_mutex_t log_lock; /* taken last of the three */
    uint64_t log_last_ms;     /* latest "progress" event, under progress_lock; 0 = none yet */
    atomic_int cancelled;
    atomic_int drainable, draining;
    char backend[HEL_BACKEND_NAME_BYTES];
    uint32_t device;
    int backend_text_set; /* under error_lock, as the text */
    char backend_text[HEL_BACKEND_TEXT_BYTES];
    hel_pool pool;
};

/* threads: room for the handles of engine->threads - 1 workers, owned by the caller. */
void hel_pool_init(hel_pool *pool, pthread_t *threads, int spin);
/* Ends the workers. No loop may be running. */
void hel_pool_end(hel_pool *pool);

#endif
