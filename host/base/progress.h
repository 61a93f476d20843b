/* Progress and cancellation: library code reports, the program draws. */
#ifndef HEL_BASE_PROGRESS_H
#define HEL_BASE_PROGRESS_H

#include "host/base/error.h"

/* Reports done of total; throttled to ten a second except at done = 0 and done = total. Returns
 * HEL_E_CANCELLED (with error text) once the callback has asked to stop. Thread-safe. */
hel_status hel_progress(hel_engine *engine, const char *stage, uint64_t done, uint64_t total,
                        const char *unit);

/* A call that can stop where it may go on later says so (1) while it runs: then a callback's
 * HEL_PROGRESS_DRAIN does not cancel, but makes hel_progress_draining() true. */
void hel_progress_drainable(hel_engine *engine, int yes);
int hel_progress_draining(const hel_engine *engine);

#endif
