/**
 * @file doctor.h
 * @brief What heloci finds on a machine, and whether it computes rightly there.
 *
 * hel_doctor() looks at processors, memory, limits, devices, file system and job, says where work
 * would go, and marks what is wrong or worth knowing, each with a sentence of advice. It changes
 * nothing but for a file of a few KiB that it makes and removes in the folder it is asked about.
 * hel_self_test() encrypts, scans and decrypts a tiny cohort on every backend that can be used, and
 * compares.
 *
 * Both report finding by finding. Findings of one section follow one another; sections and names
 * are lower-case words that keep their meaning, for programs; label and text are for people and may
 * change.
 */
#ifndef HELOCI_DOCTOR_H
#define HELOCI_DOCTOR_H

#include "heloci/assoc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hel_mark {
    HEL_MARK_NONE = 0,    /**< as it should be */
    HEL_MARK_NOTE = 1,    /**< worth knowing */
    HEL_MARK_PROBLEM = 2, /**< works, but worse than it could, or not for every input */
    HEL_MARK_ABSENT = 3,  /**< something that is needed is not there */
    HEL_MARK_FAILED = 4   /**< the self-test went wrong */
} hel_mark;

typedef enum hel_value {
    HEL_VALUE_TEXT = 0,  /**< only `text` */
    HEL_VALUE_COUNT = 1, /**< `number` */
    HEL_VALUE_BYTES = 2, /**< `number`, in bytes */
    HEL_VALUE_REAL = 3,  /**< `real` */
    HEL_VALUE_TRUTH = 4, /**< `number` is 0 or 1 */
    HEL_VALUE_NONE = 5   /**< there is none: no limit, no such thing */
} hel_value;

typedef struct hel_finding {
    const char *section; /**< "memory" */
    const char *name;    /**< "default_budget_bytes"; unique in its section, or in its list item */
    int64_t item;        /**< sections that are lists: 0, 1, ...; otherwise -1 */
    const char *label;   /**< what people call it; NULL: for programs alone */
    const char *text;    /**< the value in words */
    hel_value kind;
    uint64_t number;
    double real;
    hel_mark mark;
    const char *advice; /**< one sentence; NULL without a mark */
} hel_finding;

/** Receives a finding, whose strings live during the call. A non-zero return ends the report with
 *  HEL_E_CANCELLED. */
typedef int (*hel_finding_fn)(void *arg, const hel_finding *finding);

typedef struct hel_doctor_config {
    uint32_t size;
    const char *folder; /**< whose file system is looked at; NULL = the current one */
    const char *root;   /**< where proc, sys and dev are looked up; NULL = the system's own */
} hel_doctor_config;

#define HEL_DOCTOR_CONFIG_INIT                                                                     \
    {                                                                                              \
        sizeof(hel_doctor_config), NULL, NULL                                                      \
    }

/** Looks, with the engine's threads, memory and backend in mind: a backend that it names must be
 *  there, "auto" need not find a GPU unless the job was given one. Opens every device. Fails for
 *  want of memory, and where hwloc is told (HWLOC_XMLFILE) to read what it cannot; what is found is
 *  in the marks. */
HEL_API HEL_MUST_CHECK hel_status hel_doctor(hel_engine *engine, const hel_doctor_config *config,
                                             hel_finding_fn out, void *arg);

typedef struct hel_self_test_config {
    uint32_t size;
    const char *folder;       /**< a folder for the work is made here, and removed; NULL =
                                   SLURM_TMPDIR, TMPDIR or /tmp */
    const hel_params *params; /**< NULL = hel_params_search() defaults */
    const uint32_t *devices;  /**< numbers of the backend's devices to test, one after the other */
    uint32_t device_count;    /**< 0: the engine's device, if there is one; HEL_DEVICES_ALL: all */
} hel_self_test_config;

#define HEL_SELF_TEST_CONFIG_INIT                                                                  \
    {                                                                                              \
        sizeof(hel_self_test_config), NULL, NULL, NULL, 0                                          \
    }

/** Keygen, encrypt, null, then scan and decrypt with each of the machine's instruction sets and on
 *  the devices: encrypted sums and tables must be the same to the byte, and the table that
 *  of a regression in clear. Takes about a second without a device. Returns what went wrong, which
 *  is also the last finding: HEL_E_INTERNAL for a difference. */
HEL_API HEL_MUST_CHECK hel_status hel_self_test(hel_engine *engine,
                                                const hel_self_test_config *config,
                                                hel_finding_fn out, void *arg);

#ifdef __cplusplus
}
#endif

#endif
