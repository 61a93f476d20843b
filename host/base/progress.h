/* Progress and cancellation: library code reports, the program draws. */
#ifndef HEL_BASE_PROGRESS_H
#define HEL_BASE_PROGRESS_H

#include "host/base/error.h"

/* Reports done of total; throttled to ten a second except at done = 0 and done = total. Returns
 * HEL_E_CANCELLED (with error text) once the callback has asked to stop. Thread-safe. */
hel_status hel_progress(hel_engine *engine, const char *stage, uint64_t done, uint64_t total,
                        const char *unit);

#endif
