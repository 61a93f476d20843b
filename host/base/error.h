/* Error propagation: the first failure of a public call writes one sentence into the engine. */
#ifndef HEL_BASE_ERROR_H
#define HEL_BASE_ERROR_H

#include "heloci/engine.h"

/* Records the sentence (the first one wins until hel_error_clear) and returns `status`.
 * Thread-safe. `engine` may be NULL: then only the code travels. */
hel_status hel_fail(hel_engine *engine, hel_status status, const char *format, ...)
    HEL_PRINTF(3, 4);

/* As hel_fail, with ": strerror(errnum)" appended; maps EACCES/EPERM/EROFS to HEL_E_PERMISSION,
 * ENOMEM to HEL_E_MEMORY and everything else to HEL_E_IO. */
hel_status hel_fail_errno(hel_engine *engine, int errnum, const char *format, ...) HEL_PRINTF(3, 4);

/* Public entry points call this first. */
void hel_error_clear(hel_engine *engine);
/* Forgets the sentence of a failure that the call survives; a wish to stop stays. */
void hel_error_drop(hel_engine *engine);

/* Forward a failure unchanged. */
#define HEL_TRY(expr)                                                                              \
    do {                                                                                           \
        hel_status hel_try_status_ = (expr);                                                       \
        if (hel_try_status_ != HEL_OK)                                                             \
            return hel_try_status_;                                                                \
    } while (0)

/* Forward a failure through a cleanup label; needs a local `hel_status status`. */
#define HEL_TRY_GOTO(expr, label)                                                                  \
    do {                                                                                           \
        status = (expr);                                                                           \
        if (status != HEL_OK)                                                                      \
            goto label;                                                                            \
    } while (0)

/* Check a condition on the caller's input. */
#define HEL_REQUIRE(engine, cond, code, ...)                                                       \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return hel_fail((engine), (code), __VA_ARGS__);                                        \
    } while (0)

#endif
