/* The benchmark's tables; see bench_run.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/bench_run.h"
#include "tools/heloci/bench_table.h"

static void seconds_cells(bench_table *t, const bench_record *record)
{
    const bench_spread s = bench_spread_of(record->wall, record->count);
    char memory[32];
    bench_table_cell(t, "%s", bench_digits(s.median));
    bench_table_cell(t, "%s to %s", bench_digits(s.least), bench_digits(s.most));
    bench_table_cell(t, "%s", bench_digits(bench_median(record->cpu, record->count)));
    format_bytes(memory, sizeof memory, bench_spread_of(record->peak, record->count).most);
    bench_table_cell(t, "%s", memory);
}

static void print_stages(const bench_result *r, bench_table *t, FILE *text, FILE *markdown)
{
    bench_table_begin(t, "Stages: median of the runs, of processes as the system accounts them",
                      "stage|where|runs|seconds|from, to|core-seconds|memory");
    for (int s = 0; s < BENCH_STAGES; s++)
        for (int b = 0; b < BENCH_BACKENDS; b++) {
            const bench_stage_row *row = &bench_stage_table[s];
            const bench_record *record = &r->record[s][b];
            if (!row->label || (record->count == 0 && (!row->per_backend || r->present[b])) ||
                (row->per_backend && !r->wanted[b]))
                continue;
            bench_table_row(t);
            bench_table_cell(t, "%s", row->name);
            bench_table_cell(t, "%s%s%s", bench_side_names[row->side], row->per_backend ? ", " : "",
                             row->per_backend ? bench_backend_names[b] : "");
            bench_table_cell(t, "%u", record->count);
            if (record->count)
                seconds_cells(t, record);
            for (int i = record->count ? 4 : 0; i < 4; i++)
                bench_table_cell(t, "-");
        }
    bench_table_end(t, text, markdown);
}

/* A device's seconds, where one did the work. */
static double device_of(const json_t *report, const char *name)
{
    static const char *const keys[][2] = {{"expand", "device_s_expansion"},
                                          {"accumulate", "device_s_products"},
                                          {"finish", "device_s_output"}};
    for (size_t i = 0; i < 3 && json_get(report, "devices", 0) > 0; i++)
        if (strcmp(name, keys[i][0]) == 0)
            return json_get(report, keys[i][1], NAN);
    return NAN;
}

static double busy_of(const json_t *report, const char *name, double *utilisation)
{
    const double device = device_of(report, name);
    if (isfinite(device)) {
        *utilisation = device / (json_get(report, "devices", 1) * json_get(report, "wall_s", NAN));
        return device;
    }
    const json_t *stages = json_object_get(report, "stages");
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *s = json_array_get(stages, i);
        if (strcmp(json_word(s, "name", ""), name) == 0) {
            *utilisation = json_get(s, "utilisation", NAN);
            return json_get(s, "busy_s", NAN);
        }
    }
    *utilisation = NAN;
    return NAN;
}

static void backend_cells(bench_table *t, const bench_result *r,
                          double (*value)(const bench_result *r, bench_backend b), const char *name)
{
    bench_table_row(t);
    bench_table_cell(t, "%s", name);
    for (int b = 0; b < BENCH_BACKENDS; b++)
        if (r->wanted[b])
            bench_table_cell(t, "%s",
                             r->present[b] && r->record[STAGE_COMPUTE][b].count
                                 ? bench_digits(value(r, (bench_backend)b))
                                 : "-");
}

static double genotypes(const bench_result *r)
{
    return (double)r->work.size.samples * r->work.size.variants;
}

static double process_seconds(const bench_result *r, bench_backend b)
{
    return bench_median(r->record[STAGE_COMPUTE][b].wall, r->record[STAGE_COMPUTE][b].count);
}

static double scan_seconds(const bench_result *r, bench_backend b)
{
    return json_get(r->record[STAGE_COMPUTE][b].report, "wall_s", NAN);
}

static double throughput(const bench_result *r, bench_backend b)
{
    return genotypes(r) / process_seconds(r, b) / 1e6;
}

static double core_seconds(const bench_result *r, bench_backend b)
{
    const bench_record *record = &r->record[STAGE_COMPUTE][b];
    return bench_median(record->cpu, record->count) / genotypes(r) * 1e6;
}

static void print_backends(const bench_result *r, bench_table *t, FILE *text, FILE *markdown)
{
    static const char *const stages[] = {"read",   "expand", "accumulate",
                                         "finish", "write",  "wait for rows"};
    char head[128] = "the scan";
    for (int b = 0; b < BENCH_BACKENDS; b++)
        if (r->wanted[b]) {
            const size_t used = strlen(head);
            snprintf(head + used, sizeof head - used, "|%s", bench_backend_names[b]);
        }
    bench_table_begin(t, "The scan by backend", head);
    backend_cells(t, r, process_seconds, "seconds of the process, median");
    backend_cells(t, r, scan_seconds, "seconds of the scan in it, latest run");
    backend_cells(t, r, throughput, "million genotypes per second");
    backend_cells(t, r, core_seconds, "core-seconds per million genotypes");
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        bench_table_row(t);
        bench_table_cell(t, "%s: seconds at work (of its workers' time)", stages[i]);
        for (int b = 0; b < BENCH_BACKENDS; b++) {
            double part, busy = busy_of(r->record[STAGE_COMPUTE][b].report, stages[i], &part);
            if (!r->wanted[b])
                continue;
            if (isfinite(busy) && isfinite(part))
                bench_table_cell(t, "%s (%.0f %%)", bench_digits(busy), 100 * part);
            else
                bench_table_cell(t, "-");
        }
    }
    bench_table_row(t);
    bench_table_cell(t, "times as fast as the CPU");
    for (int b = 0; b < BENCH_BACKENDS; b++)
        if (r->wanted[b])
            bench_table_cell(t, "%s",
                             b == BENCH_CPU && r->present[b] ? "1"
                             : bench_refusal(r, (bench_backend)b)
                                 ? "-"
                                 : bench_digits(bench_speedup(r, (bench_backend)b)));
    bench_table_end(t, text, markdown);
    for (int b = 0; b < BENCH_BACKENDS; b++)
        for (int m = 0; m < 2; m++) {
            const char *refusal = bench_refusal(r, (bench_backend)b);
            FILE *f = m ? markdown : text;
            if (f && b != BENCH_CPU && r->wanted[b] && refusal)
                fprintf(f, "%s  %s: %s\n", m ? "\n" : "", bench_backend_names[b], refusal);
        }
}

static void print_bytes(const bench_result *r, bench_table *t, FILE *text, FILE *markdown)
{
    const struct {
        const char *name;
        bench_stage stage;
        const char *key;
    } rows[] = {{"evaluation keys, up", STAGE_KEY_GENERATION, "bytes"},
                {"genotypes, up", STAGE_ENCRYPT_DB, "bytes"},
                {"weights, up", STAGE_ENCRYPT_QUERY, "bytes"},
                {"sums, down", STAGE_COMPUTE, "bytes"},
                {"dataset file, kept by the client", STAGE_ENCRYPT_DB, "private_bytes"},
                {"genotypes in clear (.bed)", STAGE_ENCRYPT_DB, "clear_bytes"}};
    bench_table_begin(t, "Bytes", "file|bytes|size");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int b = rows[i].stage == STAGE_COMPUTE ? (int)r->first : 0;
        const double bytes = json_get(r->record[rows[i].stage][b].report, rows[i].key, 0);
        char size[32];
        format_bytes(size, sizeof size, bytes);
        bench_table_row(t);
        bench_table_cell(t, "%s", rows[i].name);
        bench_table_cell(t, "%s", bench_grouped(bytes));
        bench_table_cell(t, "%s", size);
    }
    bench_table_end(t, text, markdown);
}

static void print_quality(const bench_result *r, bench_table *t, FILE *text, FILE *markdown)
{
    const json_t *verdict = r->record[STAGE_VERIFY][0].report;
    json_t *traits = json_object_get(verdict, "traits"), *q;
    const char *name;
    bench_table_begin(t, "Quality: the tables against the same statistics in clear",
                      "trait|variants|counts equal|tested|no result|max d beta / se|max d LOG10P");
    json_object_foreach(traits, name, q)
    {
        bench_table_row(t);
        bench_table_cell(t, "%s, %s", name, json_word(q, "test", ""));
        bench_table_cell(t, "%s", bench_grouped(json_get(q, "variants", 0)));
        bench_table_cell(t, "%s", bench_grouped(json_get(q, "integers_equal", 0)));
        bench_table_cell(t, "%s", bench_grouped(json_get(q, "tested", 0)));
        bench_table_cell(t, "%s",
                         bench_grouped(json_get(q, "without_variation", 0) +
                                       json_get(q, "minor_alleles_below_5", 0) +
                                       json_get(q, "collinear", 0)));
        bench_table_cell(t, "%s", bench_digits(json_get(q, "max_difference_beta_in_se", NAN)));
        bench_table_cell(t, "%s", bench_digits(json_get(q, "max_difference_log10p", NAN)));
    }
    bench_table_end(t, text, markdown);
}

static void print_head(const bench_result *r, FILE *f, int markdown)
{
    const bench_size *s = &r->work.size;
    const json_t *p = r->record[STAGE_KEY_GENERATION][0].report;
    const char *end = markdown ? "  \n" : "\n";
    fprintf(f,
            "%sencrypted-gwas, %s%s: %s samples x %s variants, %u covariates, %u + %u traits, "
            "seed %llu%s",
            markdown ? "# " : "\n", s->name,
            r->o->given[OPT_SAMPLES] || r->o->given[OPT_VARIANTS] ? " (changed)" : "",
            bench_grouped(s->samples), bench_grouped(s->variants), s->covariates, s->quantitative,
            s->binary, (unsigned long long)r->work.seed, markdown ? "\n\n" : "\n");
    for (int b = 0; b < BENCH_BACKENDS; b++) {
        const char *none = bench_no_measurement(r, (bench_backend)b);
        if (r->wanted[b] && r->present[b])
            fprintf(f, "%s%s%s%s", json_word(r->record[STAGE_DESCRIBE][b].report, "backend", "?"),
                    none ? "; NO MEASUREMENT: " : "", none ? none : "", end);
        else if (r->wanted[b])
            fprintf(f, "%s: not measured: %s%s", bench_backend_names[b], r->absent[b], end);
    }
    fprintf(f, "parameters: N = 2^%.0f, log2(QP) = %.1f of %.0f, ", json_get(p, "log_n", 0),
            json_get(p, "log_qp", NAN), json_get(p, "log_qp_bound", NAN));
    if (json_get(p, "security_bits", 0) > 0)
        fprintf(f, "%.0f bits", json_get(p, "security_bits", 0));
    else
        fprintf(f, "INSECURE toy set");
    fprintf(f, "; noise margin %.1f sigma%s", json_get(p, "noise_margin_sigma", NAN), end);
}

static void print_verdict(const bench_result *r, FILE *f)
{
    const json_t *witness = r->record[STAGE_WITNESS][0].report;
    fprintf(f, "\n%s\n", bench_verdict(r));
    if (json_word(witness, "absent", NULL))
        fprintf(f, "plink2, the second witness: %s.\n", json_word(witness, "absent", ""));
    else
        fprintf(f,
                "plink2 agrees with the statistics in clear on %.0f variants to %s standard "
                "errors.\n",
                json_get(witness, "compared", 0),
                bench_digits(json_get(witness, "max_difference_beta_in_se", NAN)));
}

void bench_print(const bench_result *r, FILE *text, FILE *markdown)
{
    bench_table *t = malloc(sizeof *t);
    if (!t)
        return;
    if (text)
        print_head(r, text, 0);
    if (markdown)
        print_head(r, markdown, 1);
    print_stages(r, t, text, markdown);
    print_backends(r, t, text, markdown);
    print_bytes(r, t, text, markdown);
    print_quality(r, t, text, markdown);
    if (text)
        print_verdict(r, text);
    if (markdown)
        print_verdict(r, markdown);
    free(t);
}
