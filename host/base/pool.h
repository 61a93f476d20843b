/* Data-parallel loops over the engine's threads. */
#ifndef HEL_BASE_POOL_H
#define HEL_BASE_POOL_H

#include "host/base/affinity.h"
#include "host/base/error.h"

/* Work on item `index`; `worker` in [0, threads) names scratch that no other call uses now. */
typedef hel_status (*hel_work_fn)(void *arg, size_t index, uint32_t worker);

/* Runs fn for every index in [0, count), in any order, on up to hel_engine_threads() threads (the
 * caller is one of them). Stops handing out work after the first failure and returns it. A call
 * from inside fn runs in its own thread alone. Threads start with the first loop and stay until
 * hel_engine_free: a loop costs some 2 microseconds while they are awake, a wake-up more. */
hel_status hel_parallel(hel_engine *engine, size_t count, hel_work_fn fn, void *arg);

/* Where the threads run: thread i of the engine (1 <= i < threads; 0 is the caller, who is left
 * alone) on set[place[i]], anywhere where place[i] >= sets. Copied; for threads that run already
 * and for those to come. A thread that cannot be bound runs where the system puts it. Not during a
 * loop. */
hel_status hel_pool_place(hel_engine *engine, const hel_cpus *set, uint32_t sets,
                          const uint32_t *place);
/* 1: hel_pool_place() has been called. */
int hel_pool_placed(const hel_engine *engine);

#endif
