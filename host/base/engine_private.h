/* The engine's inside: error text, pool, progress state. Included by base only. */
#ifndef HEL_BASE_ENGINE_PRIVATE_H
#define HEL_BASE_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "heloci/engine.h"

#define HEL_ERROR_BYTES 1024

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
    atomic_int cancelled;
};

#endif
