/* Engines: defaults, refusals, progress and its throttle. */
#include "host/base/cpu.h"
#include "host/base/progress.h"
#include "host/base/error.h"
#include "tests/base/test_dir.h"

Test(engine, configuration)
{
    hel_engine *engine;
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    cr_assert(hel_engine_threads(engine) >= 1 && hel_engine_memory(engine) > 1 << 20);
    cr_assert(hel_engine_simd(engine) == hel_cpu_best());
    cr_assert(strlen(hel_version()) >= 5);
    hel_engine_free(engine);
    config.threads = 3;
    config.memory_bytes = 12345;
    config.simd = HEL_SIMD_PORTABLE;
    cr_assert(hel_engine_create(&engine, &config) == HEL_OK);
    cr_assert(hel_engine_threads(engine) == 3 && hel_engine_memory(engine) == 12345);
    cr_assert_str_eq(hel_engine_simd_name(engine), "portable");
    hel_engine_free(engine);
    config.threads = 5000;
    cr_assert(hel_engine_create(&engine, &config) == HEL_E_USAGE && !engine);
    config.threads = 1;
    config.size = 4;
    cr_assert(hel_engine_create(&engine, &config) == HEL_E_USAGE && !engine);
    config.size = sizeof config;
    config.simd = (hel_simd)77;
    cr_assert(hel_engine_create(&engine, &config) == HEL_E_UNSUPPORTED && !engine);
}

struct watch {
    int calls, stop_at;
    uint64_t done;
};

static int on_progress(void *arg, const char *stage, uint64_t done, uint64_t total,
                       const char *unit)
{
    struct watch *w = arg;
    cr_assert_str_eq(stage, "test");
    cr_assert_str_eq(unit, "things");
    cr_assert(done <= total);
    w->done = done;
    return ++w->calls == w->stop_at;
}

Test(engine, progress)
{
    struct watch w = {0};
    hel_engine *engine;
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.progress = on_progress;
    config.progress_arg = &w;
    cr_assert(hel_engine_create(&engine, &config) == HEL_OK);
    for (uint64_t i = 0; i <= 100000; i++)
        cr_assert(hel_progress(engine, "test", i, 100000, "things") == HEL_OK);
    cr_assert(w.done == 100000);
    cr_assert(w.calls >= 2 && w.calls < 50, "%d calls", w.calls);
    /* a stop lasts until the next public call */
    w = (struct watch){.stop_at = 1};
    cr_assert(hel_progress(engine, "test", 0, 9, "things") == HEL_E_CANCELLED);
    cr_assert(strstr(hel_engine_error(engine), "test"));
    cr_assert(hel_progress(engine, "test", 1, 9, "things") == HEL_E_CANCELLED);
    hel_error_clear(engine);
    cr_assert(hel_progress(engine, "test", 1, 9, "things") == HEL_OK);
    hel_engine_free(engine);
    cr_assert(hel_progress(NULL, "test", 1, 9, "things") == HEL_OK);
}
