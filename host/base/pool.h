/* Data-parallel loops over the engine's threads. */
#ifndef HEL_BASE_POOL_H
#define HEL_BASE_POOL_H

#include "host/base/error.h"

/* Work on item `index`; `worker` in [0, threads) names scratch that no other call uses now. */
typedef hel_status (*hel_work_fn)(void *arg, size_t index, uint32_t worker);

/* Runs fn for every index in [0, count), in any order, on up to hel_engine_threads() threads (the
 * caller is one of them). Stops handing out work after the first failure and returns it. A call
 * from inside fn runs in its own thread alone. Threads start with the first loop and stay until
 * hel_engine_free: a loop costs some 2 microseconds while they are awake, a wake-up more. */
hel_status hel_parallel(hel_engine *engine, size_t count, hel_work_fn fn, void *arg);

#endif
