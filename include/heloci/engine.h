/**
 * @file engine.h
 * @brief The engine: threads, memory budget, progress, error text. Every call takes one.
 *
 * An engine is cheap and holds no secret. Several may live in one process. One engine serves one
 * caller at a time; its own worker threads are internal. hel_engine_error() describes the first
 * failure of the latest public call on that engine.
 */
#ifndef HELOCI_ENGINE_H
#define HELOCI_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "heloci/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hel_engine hel_engine;

/** Instruction-set twins; HEL_SIMD_AUTO picks the best that the machine has. */
typedef enum hel_simd {
    HEL_SIMD_AUTO = 0,
    HEL_SIMD_PORTABLE = 1,
    HEL_SIMD_AVX2 = 2,
    HEL_SIMD_AVX512 = 3
} hel_simd;

/**
 * Called from one thread at a time, at most about ten times a second and once at the end of a
 * stage. `stage` is a short literal ("encrypt"), `done` of `total` counts `unit` ("genotypes").
 * HEL_PROGRESS_STOP asks the running call to stop at once with HEL_E_CANCELLED;
 * HEL_PROGRESS_DRAIN to stop where it can go on later (a scan then leaves a checkpoint, other calls
 * stop at once); any other non-zero value is HEL_PROGRESS_STOP.
 */
#define HEL_PROGRESS_STOP  1
#define HEL_PROGRESS_DRAIN 2
typedef int (*hel_progress_fn)(void *arg, const char *stage, uint64_t done, uint64_t total,
                               const char *unit);

/**
 * Receives what happened, for a log: the event's name ("result") and its fields as one JSON object
 * on one line ("{\"path\":\"x.sums\",\"bytes\":4096}"); both are valid during the call only.
 * Called by one thread at a time, from any. host/store/MANIFEST.md lists the events; more may come.
 */
typedef void (*hel_log_fn)(void *arg, const char *event, const char *fields);

/** Fill with HEL_ENGINE_CONFIG_INIT, then change what differs. */
typedef struct hel_engine_config {
    uint32_t size;            /**< sizeof(hel_engine_config) */
    uint32_t threads;         /**< worker threads; 0 = processors this process may use */
    uint64_t memory_bytes;    /**< soft budget for large buffers; 0 = half of physical memory or of
                                   the control group's limit (a job's), whichever is smaller */
    hel_simd simd;            /**< force a twin (tests, benchmarks) */
    hel_progress_fn progress; /**< may be NULL */
    void *progress_arg;
    /** where CKKS contexts and scans of this engine compute: NULL or "cpu"; "cuda", an NVIDIA GPU;
     *  "auto", that GPU where there is one, else the CPU; NAME (up to 31 letters, digits, '_'), the
     *  library libheloci_NAME.so.0. Copied. A backend that cannot be used fails the call that needs
     *  it with the reason; "auto" says its choice in hel_engine_backend_text(). */
    const char *backend;
    uint32_t device; /**< which of the backend's devices, 0 = the first */
    hel_log_fn log;  /**< may be NULL */
    void *log_arg;
} hel_engine_config;

#define HEL_ENGINE_CONFIG_INIT                                                                     \
    {                                                                                              \
        sizeof(hel_engine_config), 0, 0, HEL_SIMD_AUTO, NULL, NULL, NULL, 0, NULL, NULL            \
    }

/** Creates an engine. `config` may be NULL for defaults. Returns HEL_E_UNSUPPORTED for a forced
 *  twin that the machine lacks, HEL_E_MEMORY, HEL_E_USAGE; on failure *out is NULL. */
HEL_API HEL_MUST_CHECK hel_status hel_engine_create(hel_engine **out,
                                                    const hel_engine_config *config);

/** Frees an engine; NULL is allowed. */
HEL_API void hel_engine_free(hel_engine *engine);

/** Text of the latest failure: file, place and rule in one sentence. Never NULL; owned by the
 *  engine, valid until the next call on it. */
HEL_API const char *hel_engine_error(const hel_engine *engine);

HEL_API uint32_t hel_engine_threads(const hel_engine *engine);
HEL_API uint64_t hel_engine_memory(const hel_engine *engine);
/** The twin in use: "avx512", "avx2" or "portable". */
HEL_API const char *hel_engine_simd_name(const hel_engine *engine);

/** The backend in use in words ("cuda: NVIDIA H200, 0000:3b:00.0, sm_90", "cpu: avx512, 2 threads",
 *  "cpu: avx512, 2 threads (no CUDA backend: ...)"). Never NULL; valid as long as the engine. The
 *  first call of it, or of one that computes, opens the device. */
HEL_API const char *hel_engine_backend_text(hel_engine *engine);

/** Version of the library that is running, for comparison with HEL_VERSION_STRING. */
HEL_API const char *hel_version(void);

#ifdef __cplusplus
}
#endif

#endif
