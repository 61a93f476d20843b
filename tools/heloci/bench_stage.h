/*
 * The stages of the workload encrypted-gwas, by the names of the fhe-benchmarking suite. Each runs
 * in a process of its own on a folder that all of them share, and leaves a report there:
 *
 *   dataset/   the simulated cohort, what is expected of it
 *   client/    secret key, dataset file, null models, tables, pictures
 *   server/    evaluation keys, genotypes, weights, <backend>.sums: what a centre would be sent
 *   reports/   <stage>.json, or <stage>.<backend>.json
 */
#ifndef HELOCI_TOOL_BENCH_STAGE_H
#define HELOCI_TOOL_BENCH_STAGE_H

#include "tools/heloci/bench_json.h"
#include "tools/heloci/bench_size.h"
#include "tools/heloci/tool.h"

enum { BENCH_PATH = 4096 };

typedef enum bench_backend { BENCH_CPU, BENCH_CUDA, BENCH_SIM, BENCH_BACKENDS } bench_backend;
extern const char *const bench_backend_names[BENCH_BACKENDS];

typedef struct bench_work {
    const options *o;
    bench_size size;
    uint64_t seed;
    const char *dir;
    bench_backend backend; /* of stages that have one */
} bench_work;

typedef enum bench_stage {
    STAGE_GENERATE,
    STAGE_CLEARTEXT,
    STAGE_WITNESS,
    STAGE_DESCRIBE,
    STAGE_PREPROCESS_DATASET,
    STAGE_KEY_GENERATION,
    STAGE_ENCRYPT_DB,
    STAGE_SERVER_PREPROCESS,
    STAGE_ENCRYPT_QUERY,
    STAGE_COMPUTE,
    STAGE_DECRYPT,
    STAGE_POSTPROCESS,
    STAGE_VERIFY,
    STAGE_SAMPLE_RATES,
    BENCH_STAGES
} bench_stage;

typedef enum bench_side { SIDE_HARNESS, SIDE_CLIENT, SIDE_SERVER } bench_side;
extern const char *const bench_side_names[];

typedef struct bench_stage_row {
    const char *name;
    const char *label; /* in the results' Timing; NULL: not there */
    bench_side side;
    int per_backend, first_only; /* first_only: not repeated with --encrypt-once */
    const char *text;            /* what it does here */
    int (*run)(const bench_work *work, json_t **report); /* 0 or an exit code, the reason printed */
} bench_stage_row;

extern const bench_stage_row bench_stage_table[BENCH_STAGES];

/* Size, seed and folder from the options, which must name a folder. */
void bench_work_begin(bench_work *work, const options *o, const char *dir);
/* BENCH_STAGES: there is none of that name. */
bench_stage bench_stage_find(const char *name);
/* Runs it in this process and writes its report. */
int bench_stage_run(const bench_work *work, bench_stage stage);

/* <dir>/<folder>/<name>, in one of eight buffers. */
const char *bench_path(const char *dir, const char *folder, const char *name);
/* Where the report of a stage is. */
void bench_report_path(char out[BENCH_PATH], const char *dir, bench_stage stage,
                       bench_backend backend);
/* "heloci bench: <stage>: <reason>" */
int bench_complain(bench_stage stage, int exit_code, const char *format, ...) HEL_PRINTF(3, 4);

/* Parts of the table. */
int stage_generate(const bench_work *work, json_t **report);
int stage_cleartext(const bench_work *work, json_t **report);
int stage_witness(const bench_work *work, json_t **report);
int stage_describe(const bench_work *work, json_t **report);
int stage_preprocess_dataset(const bench_work *work, json_t **report);
int stage_key_generation(const bench_work *work, json_t **report);
int stage_encrypt_db(const bench_work *work, json_t **report);
int stage_server_preprocess(const bench_work *work, json_t **report);
int stage_encrypt_query(const bench_work *work, json_t **report);
int stage_compute(const bench_work *work, json_t **report);
int stage_decrypt(const bench_work *work, json_t **report);
int stage_postprocess(const bench_work *work, json_t **report);
int stage_verify(const bench_work *work, json_t **report);
int stage_sample_rates(const bench_work *work, json_t **report);

/* An engine with the options' threads, memory and instruction set; backend NULL: the CPU. Closing
 * prints the reason of a failure and gives its exit code. */
typedef struct bench_engine {
    hel_engine *engine;
    progress_bar bar;
    bench_stage stage;
} bench_engine;

int bench_engine_open(bench_engine *e, const bench_work *work, bench_stage stage,
                      const char *backend);
int bench_engine_close(bench_engine *e, hel_status status);

#endif
