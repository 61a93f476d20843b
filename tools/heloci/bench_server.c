/* The server's stages of the workload: they open nothing outside of server/. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/heloci/bench_stage.h"

static int ignore(void *arg, const char *text)
{
    (void)arg;
    (void)text;
    return 0;
}

/* ---- server_preprocess_dataset ---- */

int stage_server_preprocess(const bench_work *work, json_t **report)
{
    static const char *const names[] = {"bench.evk", "bench.geno"};
    bench_engine e;
    int rc = bench_engine_open(&e, work, STAGE_SERVER_PREPROCESS, NULL);
    if (rc)
        return rc;
    hel_status status = HEL_OK;
    for (size_t i = 0; status == HEL_OK && i < 2; i++)
        status = hel_inspect(e.engine, bench_path(work->dir, "server", names[i]), ignore, NULL);
    (void)report;
    return bench_engine_close(&e, status);
}

/* ---- server_encrypted_compute ---- */

static void report_stages(const hel_scan_stats *s, json_t **report)
{
    json_t *stages = json_array();
    for (uint32_t i = 0; i < s->stages; i++) {
        const hel_scan_stage *x = &s->stage[i];
        json_t *o = json_object();
        json_put(&o, "name", text_json(x->name));
        json_put(&o, "busy_s", json_number(x->busy));
        json_put(&o, "core_s", json_number(x->cpu));
        json_put(&o, "items", json_count(x->items));
        json_put(&o, "unit", text_json(x->unit));
        json_put(&o, "bytes", json_count(x->bytes));
        json_put(&o, "workers", json_count(x->workers));
        if (x->workers && s->wall > 0)
            json_put(&o, "utilisation", json_number(x->busy / (x->workers * s->wall)));
        json_add(&stages, o);
    }
    json_put(report, "stages", stages);
}

static void report_stats(const hel_scan_stats *s, json_t **report)
{
    json_put(report, "wall_s", json_number(s->wall));
    json_put(report, "planned_after_s", json_number(s->forecast_from));
    json_put(report, "genotypes_with_padding", json_count(s->genotypes));
    json_put(report, "columns", json_count(s->columns));
    json_put(report, "sums_per_variant", json_count(s->outputs));
    json_put(report, "key_switches", json_count(s->key_switches));
    json_put(report, "passes", json_count(s->passes));
    json_put(report, "buffer_bytes", json_count(s->peak_buffers));
    json_put(report, "past_page_cache", json_boolean(s->direct_io));
    json_put(report, "core_s_expansion", json_number(s->cpu_expand));
    json_put(report, "core_s_products", json_number(s->cpu_scan));
    json_put(report, "core_s_output", json_number(s->cpu_output));
    json_put(report, "devices", json_count(s->on_device));
    if (s->on_device) {
        json_put(report, "device_bytes", json_count(s->device_bytes));
        json_put(report, "device_room_bytes", json_count(s->device_room));
        json_put(report, "device_s_expansion", json_number(s->device_expand));
        json_put(report, "device_s_products", json_number(s->device_scan));
        json_put(report, "device_s_output", json_number(s->device_output));
        json_put(report, "device_s_copies", json_number(s->device_copy));
    }
    report_stages(s, report);
}

static void describe(bench_engine *e, const bench_work *work, json_t **report)
{
    static const char none[] = "no backend ";
    const char *text = hel_engine_backend_text(e->engine);
    if (strncmp(text, none, sizeof none - 1) == 0) {
        json_put(report, "absent", text_json(text));
        return;
    }
    json_put(report, "backend", text_json(text));
    json_put(report, "threads", json_count(hel_engine_threads(e->engine)));
    json_put(report, "memory_bytes", json_count(hel_engine_memory(e->engine)));
    json_put(report, "simd", text_json(hel_engine_simd_name(e->engine)));
    json_put(report, "measurement", json_boolean(work->backend != BENCH_SIM));
}

static hel_status scan(const bench_work *work, hel_engine *engine, int sample,
                       hel_scan_stats *stats)
{
    hel_scan_config config = HEL_SCAN_CONFIG_INIT;
    uint32_t devices[NUMBERS_MOST];
    config.geno = bench_path(work->dir, "server", "bench.geno");
    config.weights = bench_path(work->dir, "server", "bench.weights");
    config.evk = bench_path(work->dir, "server", "bench.evk");
    config.out = bench_path(work->dir, "server", bench_backend_names[work->backend]);
    config.io = (hel_io)work->o->number[OPT_IO];
    if (work->backend != BENCH_CPU) {
        config.devices = devices;
        config.device_count = tool_devices(work->o, devices);
    }
    if (sample) {
        config.plan = ignore;
        config.plan_only = 1;
    }
    memset(stats, 0, sizeof *stats);
    return hel_scan(engine, &config, stats);
}

int stage_compute(const bench_work *work, json_t **report)
{
    bench_engine e;
    hel_scan_stats stats;
    char name[64];
    struct stat info;
    snprintf(name, sizeof name, "%s.sums", bench_backend_names[work->backend]);
    const char *sums = bench_path(work->dir, "server", name);
    int rc = bench_engine_open(&e, work, STAGE_COMPUTE, bench_backend_names[work->backend]);
    if (rc)
        return rc;
    (void)unlink(sums); /* of the run before */
    const hel_status status = scan(work, e.engine, 0, &stats);
    if (status == HEL_OK) {
        describe(&e, work, report);
        report_stats(&stats, report);
        json_put(report, "bytes", json_number(stat(sums, &info) == 0 ? (double)info.st_size : 0));
    }
    return bench_engine_close(&e, status);
}

/* ---- what the harness asks of a backend ---- */

int stage_describe(const bench_work *work, json_t **report)
{
    bench_engine e;
    int rc = bench_engine_open(&e, work, STAGE_DESCRIBE, bench_backend_names[work->backend]);
    if (rc)
        return rc;
    describe(&e, work, report);
    return bench_engine_close(&e, HEL_OK);
}

int stage_sample_rates(const bench_work *work, json_t **report)
{
    bench_engine e;
    hel_scan_stats stats;
    int rc = bench_engine_open(&e, work, STAGE_SAMPLE_RATES, bench_backend_names[work->backend]);
    if (rc)
        return rc;
    const hel_status status = scan(work, e.engine, 1, &stats);
    json_put(report, "weight_s", json_number(stats.rates.weight));
    json_put(report, "ciphertext_s", json_number(stats.rates.ciphertext));
    json_put(report, "row_s", json_number(stats.rates.row));
    json_put(report, "product_s", json_number(stats.rates.product));
    json_put(report, "forecast_s", json_number(stats.forecast));
    return bench_engine_close(&e, status);
}
