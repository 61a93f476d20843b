/* A whole benchmark: what was run, what each stage took, what came of it. */
#ifndef HELOCI_TOOL_BENCH_RUN_H
#define HELOCI_TOOL_BENCH_RUN_H

#include "tools/heloci/bench_rates.h"
#include "tools/heloci/bench_stage.h"

/* A stage on a backend: processes as the operating system accounts them. */
typedef struct bench_record {
    double wall[RUNS_MOST], cpu[RUNS_MOST], peak[RUNS_MOST]; /* seconds, seconds, bytes */
    uint32_t count;
    json_t *report; /* of the latest */
} bench_record;

typedef struct bench_result {
    const options *o;
    const char *out;
    char dir[BENCH_PATH];
    int dir_made;
    int program; /* descriptor of this very executable */
    bench_work work;
    uint32_t runs;
    int wanted[BENCH_BACKENDS], present[BENCH_BACKENDS];
    char absent[BENCH_BACKENDS][512];                  /* why a backend is not there, in short */
    bench_backend first;                               /* whose sums are decrypted */
    bench_record record[BENCH_STAGES][BENCH_BACKENDS]; /* [0] where a stage has no backend */
    json_t *server_reported[BENCH_BACKENDS];           /* a report of every run */
    /* figures */
    hel_params params;
    bench_shape shape;
    bench_rates rates[BENCH_BACKENDS]; /* of backends that are there */
    bench_rates given[RATES_MOST];     /* --rates */
    uint32_t given_count;
    bench_stage failed; /* that ended it; BENCH_STAGES: none did */
    int mismatch;       /* 1: it found sums that differ or are wrong, or tables that are not what is
                           expected, after at least one run was measured */
} bench_result;

typedef struct bench_spread {
    double median, least, most;
} bench_spread;

bench_spread bench_spread_of(const double *values, uint32_t count);

/* Runs all stages. 0 or an exit code, the reason printed; 76 also sets r->mismatch, and what was
 * measured can be written. */
int bench_run_all(bench_result *r);
/* Rates from the records; the engine is for error texts only. */
hel_status bench_run_rates(bench_result *r, hel_engine *engine);
void bench_result_free(bench_result *r);

/* Whether all was as it must be, and if not, what. */
const char *bench_verdict(const bench_result *r);
/* Why the times of a backend are no measurement; NULL: they are. */
const char *bench_no_measurement(const bench_result *r, bench_backend backend);
/* Why a backend's speed must not be compared with the CPU's; NULL: it may. */
const char *bench_refusal(const bench_result *r, bench_backend backend);
/* Median over runs of the CPU's seconds over the backend's. */
double bench_speedup(const bench_result *r, bench_backend backend);

/* ---- what is written ---- */

json_t *bench_machine_json(void);
json_t *bench_build_json(void);
/* The workload's own results of a run (from 0) with a backend. */
json_t *bench_results_json(const bench_result *r, uint32_t run, bench_backend backend);
/* Everything but the predictions. */
json_t *bench_everything_json(const bench_result *r);

/* Tables, as text on stdout and as Markdown; NULL = none of the two. */
void bench_print(const bench_result *r, FILE *text, FILE *markdown);
/* OUT.svg and OUT.png. 0 or an exit code, the reason printed. */
int bench_draw(const bench_result *r);

/* Predictions: into the JSON, and as tables and assumptions in words. */
hel_status bench_predict(const bench_result *r, hel_engine *engine, json_t **root, FILE *text,
                         FILE *markdown);

/* "12.3M": a size as the suite prints it. */
void bench_suite_bytes(char out[24], double bytes);
/* "12.3", "0.0123": three digits; "-" where it is no number. */
const char *bench_digits(double value);

#endif
