/* Runs the stages, each as a process; see bench_run.h. */
#include "tools/heloci/bench_run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/heloci/interrupt.h"
#include "tools/heloci/step.h"

enum { EXIT_MISMATCH = 76, EXIT_UNSUPPORTED = 69, EXIT_MEMORY = 71 };

bench_spread bench_spread_of(const double *values, uint32_t count)
{
    bench_spread s = {NAN, NAN, NAN};
    if (count == 0)
        return s;
    s.median = bench_median(values, count);
    s.least = s.most = values[0];
    for (uint32_t i = 1; i < count; i++) {
        s.least = fmin(s.least, values[i]);
        s.most = fmax(s.most, values[i]);
    }
    return s;
}

static bench_record *record_of(bench_result *r, bench_stage stage, bench_backend backend)
{
    return &r->record[stage][bench_stage_table[stage].per_backend ? backend : 0];
}

/* ---- a stage ---- */

static void say_stage(const bench_result *r, bench_stage stage, bench_backend backend,
                      const step *s)
{
    const bench_stage_row *row = &bench_stage_table[stage];
    char memory[32], name[64];
    if (r->o->given[OPT_QUIET])
        return;
    snprintf(name, sizeof name, "%s%s%s", row->name, row->per_backend ? " " : "",
             row->per_backend ? bench_backend_names[backend] : "");
    format_bytes(memory, sizeof memory, s->peak_memory);
    printf("  %-8s %-34s %9.2f s %9.2f core-s %12s\n", bench_side_names[row->side], name, s->wall,
           s->cpu, memory);
    fflush(stdout);
}

static int read_report(bench_result *r, bench_stage stage, bench_backend backend)
{
    char path[BENCH_PATH], why[BENCH_PATH + 256];
    bench_record *record = record_of(r, stage, backend);
    bench_report_path(path, r->dir, stage, backend);
    json_t *report = json_read(path, why, sizeof why);
    if (!report)
        return bench_complain(stage, EXIT_IO, "%s", why);
    json_decref(record->report);
    record->report = report;
    return 0;
}

static void add_options(const bench_result *r, step *s, bench_stage stage, bench_backend backend)
{
    static const option_id passed[] = {OPT_SIZE,  OPT_SAMPLES, OPT_VARIANTS, OPT_SEED,
                                       OPT_LOG_N, OPT_THREADS, OPT_MEMORY,   OPT_SIMD,
                                       OPT_IO,    OPT_PROGRESS};
    const bench_stage_row *row = &bench_stage_table[stage];
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        if (r->o->given[passed[i]])
            step_add(s, passed[i], r->o->text[passed[i]]);
    step_add(s, OPT_STAGE, row->name);
    step_add(s, OPT_DIR, r->dir);
    step_add(s, OPT_BACKENDS, bench_backend_names[backend]);
    if (backend != BENCH_CPU && r->o->given[OPT_DEVICE])
        step_add(s, OPT_DEVICE, r->o->text[OPT_DEVICE]);
    if (r->o->given[OPT_QUIET])
        step_add(s, OPT_QUIET, NULL);
}

/* Runs a stage and notes what it took. */
static int run_stage(bench_result *r, bench_stage stage, bench_backend backend)
{
    const options none = {.command = CMD_BENCH};
    bench_record *record = record_of(r, stage, backend);
    if (interrupted())
        return EXIT_CANCELLED;
    step *s = calloc(1, sizeof *s);
    if (!s)
        return bench_complain(stage, EXIT_MEMORY, "no memory");
    step_begin(s, CMD_BENCH, &none);
    add_options(r, s, stage, backend);
    int rc = step_run(s, r->program);
    if (interrupted())
        rc = EXIT_CANCELLED;
    if ((rc == 0 || (rc == EXIT_MISMATCH && stage == STAGE_VERIFY)) && record->count < RUNS_MOST) {
        record->wall[record->count] = s->wall;
        record->cpu[record->count] = s->cpu;
        record->peak[record->count++] = s->peak_memory;
        const int bad = read_report(r, stage, backend);
        rc = bad ? bad : rc;
        say_stage(r, stage, backend, s);
    }
    if (rc)
        r->failed = stage;
    free(s);
    return rc;
}

/* ---- backends ---- */

/* "no backend cuda: X (looked for in A, B); use --backend cpu": X. */
static void shorten(char out[512], const char *absent, const char *name)
{
    char begin[64];
    snprintf(begin, sizeof begin, "no backend %s: ", name);
    const size_t skip = strncmp(absent, begin, strlen(begin)) == 0 ? strlen(begin) : 0;
    snprintf(out, 512, "%s", absent + skip);
    char *cut = strstr(out, " (looked for");
    if (!cut)
        cut = strstr(out, "; use ");
    if (cut)
        *cut = 0;
}

/* Asked for by name: must be there. By default: the CPU, and a GPU that answers. */
static int find_backends(bench_result *r)
{
    enum { BIT_AUTO = 1, BIT_CUDA = 2, BIT_CPU = 4, BIT_SIM = 8 };
    const uint64_t set = r->o->given[OPT_BACKENDS] ? r->o->number[OPT_BACKENDS] : BIT_AUTO;
    const int chosen = (set & BIT_AUTO) != 0;
    r->wanted[BENCH_CPU] = chosen || set & BIT_CPU;
    r->wanted[BENCH_CUDA] = chosen || set & BIT_CUDA;
    r->wanted[BENCH_SIM] = (set & BIT_SIM) != 0;
    for (int b = 0; b < BENCH_BACKENDS; b++) {
        if (!r->wanted[b]) {
            snprintf(r->absent[b], sizeof r->absent[b], "not asked for");
            continue;
        }
        const int rc = run_stage(r, STAGE_DESCRIBE, (bench_backend)b);
        if (rc)
            return rc;
        const char *absent = json_word(r->record[STAGE_DESCRIBE][b].report, "absent", NULL);
        r->present[b] = !absent;
        shorten(r->absent[b], absent ? absent : "", bench_backend_names[b]);
        if (absent && !(b == BENCH_CUDA && !(set & BIT_CUDA)))
            return bench_complain(STAGE_DESCRIBE, EXIT_UNSUPPORTED, "%s", absent);
    }
    for (int b = BENCH_BACKENDS; b-- > 0;)
        if (r->present[b])
            r->first = (bench_backend)b;
    return 0;
}

/* ---- all of it ---- */

static int run_once(bench_result *r, uint32_t run)
{
    static const bench_stage order[] = {STAGE_PREPROCESS_DATASET,
                                        STAGE_KEY_GENERATION,
                                        STAGE_ENCRYPT_DB,
                                        STAGE_SERVER_PREPROCESS,
                                        STAGE_ENCRYPT_QUERY,
                                        STAGE_COMPUTE,
                                        STAGE_DECRYPT,
                                        STAGE_POSTPROCESS,
                                        STAGE_VERIFY};
    int rc = 0;
    if (!r->o->given[OPT_QUIET])
        printf("run %u of %u\n", run + 1, r->runs);
    for (size_t i = 0; rc == 0 && i < sizeof order / sizeof *order; i++) {
        const bench_stage_row *row = &bench_stage_table[order[i]];
        if (run > 0 && row->first_only && r->o->given[OPT_ENCRYPT_ONCE])
            continue;
        if (!row->per_backend) {
            rc = run_stage(r, order[i], r->first);
            continue;
        }
        for (int b = 0; rc == 0 && b < BENCH_BACKENDS; b++) {
            if (!r->present[b])
                continue;
            rc = run_stage(r, order[i], (bench_backend)b);
            if (rc == 0)
                json_add(&r->server_reported[b], json_deep_copy(r->record[order[i]][b].report));
        }
    }
    return rc;
}

static int read_params(bench_result *r)
{
    const json_t *p = r->record[STAGE_KEY_GENERATION][0].report;
    r->params = (hel_params){.log_n = (uint32_t)json_get(p, "log_n", 0),
                             .scan_limbs = (uint32_t)json_get(p, "scan_limbs", 0),
                             .expand_limbs = (uint32_t)json_get(p, "expand_limbs", 0),
                             .special_limbs = (uint32_t)json_get(p, "special_limbs", 0),
                             .digit_limbs = (uint32_t)json_get(p, "digit_limbs", 0),
                             .out_limbs = (uint32_t)json_get(p, "out_limbs", 0),
                             .chunk = (uint32_t)json_get(p, "chunk", 0)};
    if (r->params.log_n && r->params.digit_limbs && r->params.chunk)
        return 0;
    return bench_complain(STAGE_KEY_GENERATION, 70, "its report lacks parameters");
}

int bench_run_all(bench_result *r)
{
    r->failed = BENCH_STAGES;
    int rc = find_backends(r);
    for (int b = 0; b < BENCH_BACKENDS; b++)
        r->server_reported[b] = json_array();
    if (rc == 0)
        rc = run_stage(r, STAGE_GENERATE, r->first);
    if (rc == 0)
        rc = run_stage(r, STAGE_CLEARTEXT, r->first);
    if (rc == 0)
        rc = run_stage(r, STAGE_WITNESS, r->first);
    for (uint32_t run = 0; rc == 0 && run < r->runs; run++) {
        rc = run_once(r, run);
        if (rc == 0 && run == 0)
            rc = read_params(r);
        for (int b = 0; rc == 0 && run == 0 && b < BENCH_BACKENDS; b++)
            if (r->present[b] && b != BENCH_SIM)
                rc = run_stage(r, STAGE_SAMPLE_RATES, (bench_backend)b);
    }
    /* sums that differ or are wrong, tables that are off: there is something to write */
    r->mismatch = rc == EXIT_MISMATCH && r->record[STAGE_VERIFY][0].count > 0;
    if (r->mismatch && r->params.log_n == 0 && read_params(r))
        r->mismatch = 0;
    return rc;
}

void bench_result_free(bench_result *r)
{
    if (!r)
        return;
    for (int s = 0; s < BENCH_STAGES; s++)
        for (int b = 0; b < BENCH_BACKENDS; b++)
            json_decref(r->record[s][b].report);
    for (int b = 0; b < BENCH_BACKENDS; b++)
        json_decref(r->server_reported[b]);
    if (r->program >= 0)
        close(r->program);
    free(r);
}

/* ---- what follows ---- */

const char *bench_no_measurement(const bench_result *r, bench_backend backend)
{
    if (backend == BENCH_SIM)
        return "the simulator is no measurement";
    if (json_is_true(json_object_get(r->record[STAGE_KEY_GENERATION][0].report, "toy")))
        return "toy parameters, which are not secure";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
    return "this build has a sanitizer, or is not optimised";
#else
    return NULL;
#endif
}

const char *bench_refusal(const bench_result *r, bench_backend backend)
{
    const json_t *verdict = r->record[STAGE_VERIFY][0].report;
    if (!r->present[BENCH_CPU])
        return "the CPU was not measured";
    if (!r->present[backend])
        return r->absent[backend];
    if (r->mismatch && r->failed != STAGE_VERIFY)
        return "refused: sums failed verification";
    if (!json_is_true(json_object_get(verdict, "sums_equal")))
        return "refused: the sums differ";
    if (!json_is_true(json_object_get(verdict, "tables_good")))
        return "refused: the tables are not those computed in clear";
    if (bench_no_measurement(r, backend))
        return bench_no_measurement(r, backend);
    if (r->record[STAGE_COMPUTE][backend].count != r->record[STAGE_COMPUTE][BENCH_CPU].count)
        return "refused: not as many runs";
    return NULL;
}

double bench_speedup(const bench_result *r, bench_backend backend)
{
    const bench_record *cpu = &r->record[STAGE_COMPUTE][BENCH_CPU];
    const bench_record *other = &r->record[STAGE_COMPUTE][backend];
    double ratio[RUNS_MOST];
    for (uint32_t i = 0; i < cpu->count; i++)
        ratio[i] = cpu->wall[i] / other->wall[i];
    return bench_median(ratio, cpu->count);
}

static double per_item(const bench_result *r, bench_stage stage, double items)
{
    const bench_record *record = &r->record[stage][0];
    return record->count && items > 0 ? bench_median(record->wall, record->count) / items : 0;
}

static void add_owner_rates(const bench_result *r, bench_rates *out)
{
    const double blocks = bench_blocks(&r->shape, &r->params);
    const double ring = ldexp(1, (int)r->params.log_n);
    const double traits = r->work.size.quantitative + r->work.size.binary;
    out->keygen = per_item(r, STAGE_KEY_GENERATION, 1);
    out->encrypt = per_item(r, STAGE_ENCRYPT_DB, r->shape.samples * blocks * ring);
    out->null = per_item(r, STAGE_ENCRYPT_QUERY, r->shape.samples * r->shape.columns);
    out->decrypt =
        per_item(r, STAGE_DECRYPT, bench_chunks(&r->shape, &r->params) * blocks * r->shape.outputs);
    out->postprocess = per_item(r, STAGE_POSTPROCESS, r->shape.variants * traits);
}

/* A report's figures as they were. */
static void read_stats(const json_t *report, hel_scan_stats *s)
{
    const json_t *stages = json_object_get(report, "stages");
    memset(s, 0, sizeof *s);
    s->wall = json_get(report, "wall_s", 0);
    s->forecast_from = json_get(report, "planned_after_s", 0);
    s->genotypes = (uint64_t)json_get(report, "genotypes_with_padding", 0);
    s->passes = (uint32_t)json_get(report, "passes", 1);
    s->columns = (uint32_t)json_get(report, "columns", 0);
    s->outputs = (uint32_t)json_get(report, "sums_per_variant", 0);
    s->on_device = (uint32_t)json_get(report, "devices", 0);
    s->device_expand = json_get(report, "device_s_expansion", 0);
    s->device_scan = json_get(report, "device_s_products", 0);
    s->device_output = json_get(report, "device_s_output", 0);
    s->device_copy = json_get(report, "device_s_copies", 0);
    for (size_t i = 0; i < json_array_size(stages) && i < HEL_SCAN_STAGES; i++) {
        const json_t *x = json_array_get(stages, i);
        s->stage[s->stages++] = (hel_scan_stage){.name = json_word(x, "name", ""),
                                                 .busy = json_get(x, "busy_s", 0),
                                                 .cpu = json_get(x, "core_s", 0),
                                                 .items = (uint64_t)json_get(x, "items", 0),
                                                 .bytes = (uint64_t)json_get(x, "bytes", 0),
                                                 .workers = (uint32_t)json_get(x, "workers", 0)};
    }
}

/* Rates of every run, then the median of each. */
static hel_status rates_of(bench_result *r, hel_engine *engine, bench_backend b)
{
    enum { FIELDS = 10 };
    static const size_t offset[FIELDS] = {
        offsetof(bench_rates, ciphertext), offsetof(bench_rates, spread),
        offsetof(bench_rates, start),      offsetof(bench_rates, weight),
        offsetof(bench_rates, row),        offsetof(bench_rates, product),
        offsetof(bench_rates, sum),        offsetof(bench_rates, read),
        offsetof(bench_rates, copy),       offsetof(bench_rates, write)};
    const bench_record *record = &r->record[STAGE_COMPUTE][b];
    const json_t *sample = r->record[STAGE_SAMPLE_RATES][b].report;
    /* no sample: in the proportion that they have on a CPU with AVX2 */
    const hel_scan_rates sampled = {.row = json_get(sample, "row_s", 4.8),
                                    .product = json_get(sample, "product_s", 1),
                                    .weight = json_get(sample, "weight_s", 1),
                                    .ciphertext = json_get(sample, "ciphertext_s", 150)};
    const json_t *report = record->report;
    bench_rates *out = &r->rates[b];
    double value[FIELDS][RUNS_MOST];
    *out = (bench_rates){.measured = !bench_no_measurement(r, b)};
    snprintf(out->backend, sizeof out->backend, "%s", bench_backend_names[b]);
    snprintf(out->name, sizeof out->name, "%.*s%s", RATES_NAME - 24,
             json_word(report, "backend", "?"), out->measured ? "" : ", no measurement");
    out->cores = b == BENCH_CPU ? json_get(report, "threads", 1) : json_get(report, "devices", 1);
    out->memory = b == BENCH_CPU ? json_get(report, "memory_bytes", 0x1p30)
                                 : json_get(report, "device_room_bytes", 0x1p30) / out->cores;
    for (uint32_t i = 0; i < record->count; i++) {
        hel_scan_stats stats;
        read_stats(json_array_get(r->server_reported[b], i), &stats);
        const hel_status status = bench_rates_of_scan(engine, out, &stats, &sampled, &r->shape,
                                                      &r->params, record->wall[i]);
        if (status != HEL_OK)
            return status;
        for (int f = 0; f < FIELDS; f++)
            memcpy(&value[f][i], (const char *)out + offset[f], sizeof(double));
    }
    for (int f = 0; f < FIELDS; f++) {
        const double median = bench_median(value[f], record->count);
        memcpy((char *)out + offset[f], &median, sizeof median);
    }
    add_owner_rates(r, out);
    return HEL_OK;
}

hel_status bench_run_rates(bench_result *r, hel_engine *engine)
{
    hel_status status = HEL_OK;
    r->shape = bench_shape_of(&r->work.size);
    for (int b = 0; status == HEL_OK && b < BENCH_BACKENDS; b++)
        if (r->present[b] && r->record[STAGE_COMPUTE][b].count)
            status = rates_of(r, engine, (bench_backend)b);
    return status;
}
