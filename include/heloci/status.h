/**
 * @file status.h
 * @brief Result codes of every call that can fail.
 *
 * Numbers are pinned: they never change meaning between versions. A call that fails leaves a
 * sentence naming file, place and rule in the engine (hel_engine_error()); the code alone tells
 * what kind of trouble it is. The library never exits, aborts or prints.
 */
#ifndef HELOCI_STATUS_H
#define HELOCI_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HEL_API          __attribute__((visibility("default")))
#define HEL_MUST_CHECK   __attribute__((warn_unused_result))
#define HEL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define HEL_API
#define HEL_MUST_CHECK
#define HEL_PRINTF(f, a)
#endif

typedef enum hel_status {
    HEL_OK = 0,
    HEL_E_USAGE = 1,        /**< an argument or option is out of its range; exit 64 */
    HEL_E_INPUT = 2,        /**< a genotype, phenotype or covariate file breaks a rule; exit 65 */
    HEL_E_FORMAT = 3,       /**< a container is truncated, damaged or not ours; exit 65 */
    HEL_E_MISMATCH = 4,     /**< files that do not belong together (key, parameters, samples); 65 */
    HEL_E_MODEL = 5,        /**< no null model: separated, rank-deficient, constant; exit 65 */
    HEL_E_VERIFY = 6,       /**< the centre's sums failed verification, nothing released; or a
                                 manifest's signature did, or another signed it; exit 76 */
    HEL_E_SECURITY = 7,     /**< parameters beyond the pinned 128-bit table, retired key; exit 78 */
    HEL_E_MEMORY = 8,       /**< out of memory, or the budget is too small; exit 71 */
    HEL_E_IO = 9,           /**< read, write, disk full; exit 74 */
    HEL_E_PERMISSION = 10,  /**< not readable, not writable, key file too open; exit 77 */
    HEL_E_UNSUPPORTED = 11, /**< valid input that this version cannot treat; exit 69 */
    HEL_E_CANCELLED = 12,   /**< the progress callback asked to stop; exit 75 */
    HEL_E_INTERNAL = 13     /**< a bug in heloci; exit 70 */
} hel_status;

/** Name of a code, "HEL_E_INPUT" for instance; "HEL_E_UNKNOWN" for a number that is not one. */
HEL_API const char *hel_status_name(hel_status status);

/** Exit code (sysexits.h) that a program should end with for a status; 0 for HEL_OK. */
HEL_API int hel_status_exit_code(hel_status status);

#ifdef __cplusplus
}
#endif

#endif
