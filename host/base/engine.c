/* Life of an engine, its error text and its progress reports. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "heloci/version.h"
#include "host/base/affinity.h"
#include "host/base/control_group.h"
#include "host/base/cpu.h"
#include "host/base/engine_private.h"
#include "host/base/error.h"
#include "host/base/event.h"
#include "host/base/progress.h"
#include "host/base/toy.h"

const char *hel_version(void)
{
    return HEL_VERSION_STRING;
}

static uint64_t default_memory(void)
{
    hel_group_limits limits;
    hel_group_limits_read(&limits, "");
    return hel_default_memory(&limits);
}

hel_status hel_engine_create(hel_engine **out, const hel_engine_config *config)
{
    *out = NULL;
    hel_engine_config defaults = HEL_ENGINE_CONFIG_INIT;
    if (!config)
        config = &defaults;
    const char *backend = config->backend ? config->backend : "cpu";
    if (config->size != sizeof(hel_engine_config) || config->threads > 4096 ||
        strlen(backend) >= HEL_BACKEND_NAME_BYTES)
        return HEL_E_USAGE;
    hel_simd simd = config->simd == HEL_SIMD_AUTO ? hel_cpu_best() : config->simd;
    if (!hel_cpu_has(simd))
        return HEL_E_UNSUPPORTED;
    const uint32_t processors = hel_cpus_usable();
    const uint32_t threads = config->threads ? config->threads : processors;
    hel_engine *engine = calloc(1, sizeof *engine);
    pthread_t *workers = calloc(threads, sizeof *workers);
    if (!engine || !workers) {
        free(workers);
        free(engine);
        return HEL_E_MEMORY;
    }
    engine->threads = threads;
    engine->memory_bytes = config->memory_bytes ? config->memory_bytes : default_memory();
    engine->simd = simd;
    engine->progress = config->progress;
    engine->progress_arg = config->progress_arg;
    engine->log = config->log;
    engine->log_arg = config->log_arg;
    memcpy(engine->backend, backend, strlen(backend) + 1);
    engine->device = config->device;
    pthread_mutex_init(&engine->error_lock, NULL);
    pthread_mutex_init(&engine->progress_lock, NULL);
    pthread_mutex_init(&engine->log_lock, NULL);
    hel_pool_init(&engine->pool, workers, threads <= processors);
    *out = engine;
    return HEL_OK;
}

void hel_engine_free(hel_engine *engine)
{
    if (!engine)
        return;
    hel_pool_end(&engine->pool);
    free(engine->pool.threads);
    pthread_mutex_destroy(&engine->error_lock);
    pthread_mutex_destroy(&engine->progress_lock);
    pthread_mutex_destroy(&engine->log_lock);
    free(engine);
}

int hel_toy_allowed(void)
{
    const char *text = getenv("HELOCI_ALLOW_TOY");
    return text && strcmp(text, "1") == 0;
}

const char *hel_engine_error(const hel_engine *engine)
{
    return engine ? engine->error : "";
}

uint32_t hel_engine_threads(const hel_engine *engine)
{
    return engine ? engine->threads : 1;
}

uint64_t hel_engine_memory(const hel_engine *engine)
{
    return engine ? engine->memory_bytes : 0;
}

hel_simd hel_engine_simd(const hel_engine *engine)
{
    return engine ? engine->simd : HEL_SIMD_PORTABLE;
}

const char *hel_engine_simd_name(const hel_engine *engine)
{
    static const char *const names[] = {"auto", "portable", "avx2", "avx512"};
    return names[hel_engine_simd(engine)];
}

const char *hel_engine_backend_name(const hel_engine *engine)
{
    return engine ? engine->backend : "cpu";
}

uint32_t hel_engine_backend_device(const hel_engine *engine)
{
    return engine ? engine->device : 0;
}

const char *hel_engine_backend_text_get(hel_engine *engine)
{
    pthread_mutex_lock(&engine->error_lock);
    const int set = engine->backend_text_set;
    pthread_mutex_unlock(&engine->error_lock);
    return set ? engine->backend_text : NULL;
}

const char *hel_engine_backend_text_set(hel_engine *engine, const char *text)
{
    if (!engine)
        return "";
    pthread_mutex_lock(&engine->error_lock);
    if (!engine->backend_text_set)
        snprintf(engine->backend_text, sizeof engine->backend_text, "%s", text);
    engine->backend_text_set = 1;
    pthread_mutex_unlock(&engine->error_lock);
    return engine->backend_text;
}

void hel_error_clear(hel_engine *engine)
{
    if (!engine)
        return;
    pthread_mutex_lock(&engine->error_lock);
    engine->error[0] = 0;
    pthread_mutex_unlock(&engine->error_lock);
    atomic_store(&engine->cancelled, 0);
    atomic_store(&engine->draining, 0);
}

void hel_error_drop(hel_engine *engine)
{
    if (!engine)
        return;
    pthread_mutex_lock(&engine->error_lock);
    engine->error[0] = 0;
    pthread_mutex_unlock(&engine->error_lock);
}

void hel_progress_drainable(hel_engine *engine, int yes)
{
    if (engine)
        atomic_store(&engine->drainable, yes);
}

int hel_progress_draining(const hel_engine *engine)
{
    return engine && atomic_load(&engine->draining);
}

static void record(hel_engine *engine, const char *format, va_list args, const char *reason)
{
    if (!engine)
        return;
    pthread_mutex_lock(&engine->error_lock);
    if (!engine->error[0]) {
        int used = vsnprintf(engine->error, sizeof engine->error, format, args);
        if (reason && used >= 0 && (size_t)used < sizeof engine->error)
            snprintf(engine->error + used, sizeof engine->error - (size_t)used, ": %s", reason);
    }
    pthread_mutex_unlock(&engine->error_lock);
}

hel_status hel_fail(hel_engine *engine, hel_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(engine, format, args, NULL);
    va_end(args);
    return status;
}

hel_status hel_fail_errno(hel_engine *engine, int errnum, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    record(engine, format, args, strerror_r(errnum, text, sizeof text));
    va_end(args);
    if (errnum == EACCES || errnum == EPERM || errnum == EROFS)
        return HEL_E_PERMISSION;
    return errnum == ENOMEM ? HEL_E_MEMORY : HEL_E_IO;
}

/* Every ten seconds at the most, whatever reports; under progress_lock. */
static void log_progress(hel_engine *engine, uint64_t ms, const char *stage, uint64_t done,
                         uint64_t total, const char *unit)
{
    if (!engine->log || (engine->log_last_ms && ms - engine->log_last_ms < 10000))
        return;
    engine->log_last_ms = ms;
    hel_event(engine, "progress", hel_field_text("stage", stage), hel_field_count("done", done),
              hel_field_count("total", total), hel_field_text("unit", unit));
}

hel_status hel_progress(hel_engine *engine, const char *stage, uint64_t done, uint64_t total,
                        const char *unit)
{
    if (!engine || !(engine->progress || engine->log))
        return HEL_OK;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    pthread_mutex_lock(&engine->progress_lock);
    if (done == 0 || done == total || ms - engine->progress_last_ms >= 100) {
        engine->progress_last_ms = ms;
        const int wish =
            engine->progress ? engine->progress(engine->progress_arg, stage, done, total, unit) : 0;
        if (wish == HEL_PROGRESS_DRAIN && atomic_load(&engine->drainable))
            atomic_store(&engine->draining, 1);
        else if (wish)
            atomic_store(&engine->cancelled, 1);
        log_progress(engine, ms, stage, done, total, unit);
    }
    pthread_mutex_unlock(&engine->progress_lock);
    if (atomic_load(&engine->cancelled))
        return hel_fail(engine, HEL_E_CANCELLED, "%s: stopped on request", stage);
    return HEL_OK;
}
