/* The benchmark as JSON: a run in the suite's shape, and everything. See bench_run.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "heloci/version.h"
#include "tools/heloci/bench_run.h"

const char *bench_digits(double value)
{
    static _Thread_local char ring[16][24];
    static _Thread_local unsigned next;
    char *out = ring[next++ % 16];
    const double size = fabs(value);
    if (!isfinite(value))
        snprintf(out, 24, "-");
    else if (size >= 99.95 || size == 0)
        snprintf(out, 24, "%s%s", value < 0 ? "-" : "", bench_grouped(size));
    else if (size >= 9.995)
        snprintf(out, 24, "%.1f", value);
    else if (size >= 0.9995)
        snprintf(out, 24, "%.2f", value);
    else
        snprintf(out, 24, "%.3g", value);
    return out;
}

void bench_suite_bytes(char out[24], double bytes)
{
    static const char units[] = "BKMGTP";
    int i = 0;
    for (; bytes >= 1024 && units[i + 1]; i++)
        bytes /= 1024;
    snprintf(out, 24, "%.1f%c", bytes, units[i]);
}

/* ---- machine and build ---- */

/* The first value of that name in /proc/cpuinfo or /proc/meminfo. */
static void look_up(const char *path, const char *name, char *out, size_t room)
{
    char line[512];
    FILE *f = fopen(path, "r");
    snprintf(out, room, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *value = strchr(line, ':');
        if (strncmp(line, name, strlen(name)) != 0 || !value)
            continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, "\n")] = 0;
        snprintf(out, room, "%s", value);
        break;
    }
    if (f)
        fclose(f);
}

json_t *bench_machine_json(void)
{
    char cpu[256], memory[64];
    struct utsname system;
    json_t *o = json_object();
    look_up("/proc/cpuinfo", "model name", cpu, sizeof cpu);
    look_up("/proc/meminfo", "MemTotal", memory, sizeof memory);
    json_put(&o, "processor", text_json(cpu));
    json_put(&o, "processors", json_count((uint64_t)sysconf(_SC_NPROCESSORS_ONLN)));
    json_put(&o, "memory_bytes", json_number(1024 * strtod(memory, NULL)));
    if (uname(&system) == 0) {
        char text[256];
        snprintf(text, sizeof text, "%.64s %.64s, %.64s", system.sysname, system.release,
                 system.machine);
        json_put(&o, "system", text_json(text));
    }
    return o;
}

json_t *bench_build_json(void)
{
    json_t *o = json_object();
    json_put(&o, "heloci", text_json(hel_version()));
#if defined(__clang__)
    json_put(&o, "compiler", text_json("clang " __clang_version__));
#else
    json_put(&o, "compiler", text_json("gcc " __VERSION__));
#endif
#if defined(__OPTIMIZE__)
    json_put(&o, "optimised", json_true());
#else
    json_put(&o, "optimised", json_false());
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    json_put(&o, "sanitizer", json_true());
#else
    json_put(&o, "sanitizer", json_false());
#endif
    return o;
}

/* ---- the suite's results ---- */

static const bench_record *record_of(const bench_result *r, bench_stage stage, bench_backend b)
{
    return &r->record[stage][bench_stage_table[stage].per_backend ? b : 0];
}

/* Seconds of a stage in a run; what was done once counts in each. */
static double seconds_in(const bench_record *record, uint32_t run)
{
    if (record->count == 0)
        return NAN;
    return record->wall[run < record->count ? run : record->count - 1];
}

static void put_seconds(json_t **object, const char *name, double seconds)
{
    char text[32];
    snprintf(text, sizeof text, "%.4fs", seconds);
    json_put(object, name, text_json(text));
}

static void put_bytes(json_t **object, const char *name, double bytes)
{
    char text[24];
    bench_suite_bytes(text, bytes);
    json_put(object, name, text_json(text));
}

/* What the server says of itself: its stages' time at work, of each worker or device on average. */
static json_t *server_json(const json_t *report)
{
    static const char *const names[][2] = {{"expand", "Weight expansion"},
                                           {"accumulate", "Products and sums"},
                                           {"finish", "Relinearization and modulus switch"}};
    const json_t *stages = json_object_get(report, "stages");
    json_t *o = json_object();
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        for (size_t i = 0; i < json_array_size(stages); i++) {
            const json_t *s = json_array_get(stages, i);
            if (strcmp(json_word(s, "name", ""), names[k][0]) == 0 && json_get(s, "workers", 0) > 0)
                put_seconds(&o, names[k][1], json_get(s, "busy_s", 0) / json_get(s, "workers", 1));
        }
    const double devices = json_get(report, "devices", 0);
    if (devices > 0) {
        put_seconds(&o, "Weight expansion", json_get(report, "device_s_expansion", 0) / devices);
        put_seconds(&o, "Products and sums", json_get(report, "device_s_products", 0) / devices);
        put_seconds(&o, "Relinearization and modulus switch",
                    json_get(report, "device_s_output", 0) / devices);
    }
    put_seconds(&o, "Total", json_get(report, "wall_s", 0));
    return o;
}

json_t *bench_results_json(const bench_result *r, uint32_t run, bench_backend backend)
{
    json_t *timing = json_object(), *bandwidth = json_object(), *root = json_object();
    double total = 0;
    for (int s = 0; s < BENCH_STAGES; s++) {
        const bench_record *record = record_of(r, (bench_stage)s, backend);
        if (!bench_stage_table[s].label || record->count == 0)
            continue;
        const double seconds = seconds_in(record, run);
        put_seconds(&timing, bench_stage_table[s].label, seconds);
        total += seconds;
    }
    put_seconds(&timing, "Total", total);
    put_bytes(&bandwidth, "Public and evaluation keys",
              json_get(r->record[STAGE_KEY_GENERATION][0].report, "bytes", 0));
    put_bytes(&bandwidth, "Encrypted database",
              json_get(r->record[STAGE_ENCRYPT_DB][0].report, "bytes", 0));
    put_bytes(&bandwidth, "Encrypted query",
              json_get(r->record[STAGE_ENCRYPT_QUERY][0].report, "bytes", 0));
    put_bytes(&bandwidth, "Encrypted results",
              json_get(r->record[STAGE_COMPUTE][backend].report, "bytes", 0));
    json_put(&root, "Timing", timing);
    json_put(&root, "Bandwidth", bandwidth);
    json_put(&root, "Server Reported",
             server_json(json_array_get(r->server_reported[backend], run)));
    return root;
}

/* ---- everything ---- */

static json_t *spread_json(const double *values, uint32_t count)
{
    const bench_spread s = bench_spread_of(values, count);
    json_t *o = json_object(), *all = json_array();
    json_put(&o, "median", json_number(s.median));
    json_put(&o, "min", json_number(s.least));
    json_put(&o, "max", json_number(s.most));
    for (uint32_t i = 0; i < count; i++)
        json_add(&all, json_number(values[i]));
    json_put(&o, "values", all);
    return o;
}

static json_t *stages_json(const bench_result *r)
{
    json_t *all = json_array();
    for (int s = 0; s < BENCH_STAGES; s++)
        for (int b = 0; b < BENCH_BACKENDS; b++) {
            const bench_stage_row *row = &bench_stage_table[s];
            const bench_record *record = &r->record[s][b];
            if (record->count == 0)
                continue;
            json_t *o = json_object();
            json_put(&o, "name", text_json(row->name));
            if (row->label)
                json_put(&o, "label", text_json(row->label));
            json_put(&o, "side", text_json(bench_side_names[row->side]));
            if (row->per_backend)
                json_put(&o, "backend", text_json(bench_backend_names[b]));
            json_put(&o, "what", text_json(row->text));
            json_put(&o, "runs", json_count(record->count));
            json_put(&o, "seconds", spread_json(record->wall, record->count));
            json_put(&o, "core_seconds", spread_json(record->cpu, record->count));
            json_put(&o, "peak_bytes", spread_json(record->peak, record->count));
            json_add(&all, o);
        }
    return all;
}

static json_t *size_json(const bench_result *r)
{
    const bench_size *s = &r->work.size;
    json_t *o = json_object();
    json_put(&o, "name", text_json(s->name));
    json_put(&o, "as_in_table",
             json_boolean(!r->o->given[OPT_SAMPLES] && !r->o->given[OPT_VARIANTS]));
    json_put(&o, "seed", json_count(r->work.seed));
    json_put(&o, "samples", json_count(s->samples));
    json_put(&o, "variants", json_count(s->variants));
    json_put(&o, "covariates", json_count(s->covariates));
    json_put(&o, "quantitative_traits", json_count(s->quantitative));
    json_put(&o, "case_control_traits", json_count(s->binary));
    json_put(&o, "causal_variants", json_count(s->causal));
    json_put(&o, "missing_calls_in_every_second_variant", json_number(s->missing));
    json_put(&o, "populations", json_count(3));
    return o;
}

static json_t *backends_json(const bench_result *r)
{
    json_t *all = json_object();
    for (int b = 0; b < BENCH_BACKENDS; b++) {
        const json_t *report = r->record[STAGE_DESCRIBE][b].report;
        json_t *o = json_object();
        if (r->present[b]) {
            json_put(&o, "device", text_json(json_word(report, "backend", "?")));
            json_put(&o, "threads", json_number(json_get(report, "threads", 0)));
            json_put(&o, "memory_budget_bytes", json_number(json_get(report, "memory_bytes", 0)));
            const char *none = bench_no_measurement(r, (bench_backend)b);
            json_put(&o, "measurement", json_boolean(!none));
            if (none)
                json_put(&o, "because", text_json(none));
        } else {
            json_put(&o, "absent",
                     text_json(report ? json_word(report, "absent", "?") : r->absent[b]));
        }
        json_put(&all, bench_backend_names[b], o);
    }
    return all;
}

static json_t *bytes_json(const bench_result *r)
{
    const json_t *keys = r->record[STAGE_KEY_GENERATION][0].report;
    const json_t *db = r->record[STAGE_ENCRYPT_DB][0].report;
    const json_t *query = r->record[STAGE_ENCRYPT_QUERY][0].report;
    const bench_record *sums = &r->record[STAGE_COMPUTE][r->first];
    const json_t *tables = json_object_get(r->record[STAGE_DECRYPT][0].report, "table_bytes");
    json_t *o = json_object();
    json_put(&o, "secret_key", json_number(json_get(keys, "secret_bytes", 0)));
    json_put(&o, "evaluation_keys_up", json_number(json_get(keys, "bytes", 0)));
    json_put(&o, "genotypes_up", json_number(json_get(db, "bytes", 0)));
    json_put(&o, "weights_up", json_number(json_get(query, "bytes", 0)));
    json_put(&o, "sums_down", json_number(json_get(sums->report, "bytes", 0)));
    json_put(&o, "genotypes_in_clear", json_number(json_get(db, "clear_bytes", 0)));
    json_put(&o, "dataset_file_kept", json_number(json_get(db, "private_bytes", 0)));
    json_put(&o, "model_kept", json_number(json_get(query, "model_bytes", 0)));
    if (tables)
        json_put(&o, "tables", json_deep_copy(tables));
    return o;
}

static json_t *scan_json(const bench_result *r)
{
    const double genotypes = (double)r->work.size.samples * r->work.size.variants;
    json_t *all = json_object();
    for (int b = 0; b < BENCH_BACKENDS; b++) {
        const bench_record *record = &r->record[STAGE_COMPUTE][b];
        if (record->count == 0)
            continue;
        json_t *o = json_object();
        json_put(&o, "genotypes_per_second",
                 json_number(genotypes / bench_median(record->wall, record->count)));
        json_put(&o, "core_seconds_per_million_genotypes",
                 json_number(bench_median(record->cpu, record->count) / genotypes * 1e6));
        json_put(&o, "runs", json_deep_copy(r->server_reported[b]));
        json_put(&all, bench_backend_names[b], o);
    }
    return all;
}

static json_t *speedup_json(const bench_result *r)
{
    json_t *all = json_object();
    for (int b = 0; b < BENCH_BACKENDS; b++) {
        const char *refusal = bench_refusal(r, (bench_backend)b);
        if (b == BENCH_CPU)
            continue;
        json_put(&all, bench_backend_names[b],
                 refusal ? text_json(refusal) : json_number(bench_speedup(r, (bench_backend)b)));
    }
    return all;
}

static json_t *quality_json(const bench_result *r)
{
    const json_t *verdict = r->record[STAGE_VERIFY][0].report;
    const json_t *witness = r->record[STAGE_WITNESS][0].report;
    const hel_params *p = &r->params;
    json_t *o = verdict ? json_deep_copy(verdict) : json_object();
    json_put(&o, "verdict", text_json(bench_verdict(r)));
    if (r->mismatch)
        json_put(&o, "found_by", text_json(bench_stage_table[r->failed].name));
    json_put(&o, "sums_verified",
             json_number(bench_chunks(&r->shape, p) * bench_blocks(&r->shape, p) *
                         r->shape.outputs * ldexp(1, (int)p->log_n)));
    json_put(
        &o, "how_sums_are_proved",
        text_json("client_decrypt_decode compared every decrypted sum of every block, chunk of "
                  "samples and column with digests made from the clear genotypes at "
                  "encryption, before it wrote a table; a sum that is not the plaintext's "
                  "integer passes with a probability of at most 2^-61. verify_result compares "
                  "what the tables show of the integers (called and missing genotypes, copies "
                  "of A1, both among cases) with the clear ones, variant by variant, and the "
                  "statistics with those of the unrounded model"));
    if (witness)
        json_put(&o, "plink2", json_deep_copy(witness));
    return o;
}

json_t *bench_everything_json(const bench_result *r)
{
    json_t *root = json_object(), *rates = json_object();
    const json_t *params = r->record[STAGE_KEY_GENERATION][0].report;
    char date[32];
    const time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_put(&root, "workload", text_json("encrypted-gwas"));
    json_put(&root, "date", text_json(date));
    json_put(&root, "size", size_json(r));
    json_put(&root, "runs", json_count(r->runs));
    json_put(&root, "encrypted_once", json_boolean(r->o->given[OPT_ENCRYPT_ONCE]));
    json_put(&root, "machine", bench_machine_json());
    json_put(&root, "build", bench_build_json());
    json_put(&root, "backends", backends_json(r));
    json_put(&root, "parameters", params ? json_deep_copy(params) : json_object());
    json_put(&root, "stages", stages_json(r));
    json_put(&root, "bytes", bytes_json(r));
    json_put(&root, "scan", scan_json(r));
    json_put(&root, "quality", quality_json(r));
    json_put(&root, "speedup_over_cpu", speedup_json(r));
    for (int b = 0; b < BENCH_BACKENDS; b++)
        if (r->rates[b].backend[0])
            json_put(&rates, bench_backend_names[b], bench_rates_json(&r->rates[b]));
    json_put(&root, "rates", rates);
    return root;
}
