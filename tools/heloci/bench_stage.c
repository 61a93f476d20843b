/* The table of stages, and what they share. */
#include "tools/heloci/bench_stage.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

const char *const bench_backend_names[BENCH_BACKENDS] = {"cpu", "cuda", "sim"};
const char *const bench_side_names[] = {"harness", "client", "server"};

const bench_stage_row bench_stage_table[BENCH_STAGES] = {
    [STAGE_GENERATE] = {"generate_dataset", "Dataset generation", SIDE_HARNESS, 0, 1,
                        "simulates the cohort and writes PLINK files", stage_generate},
    [STAGE_CLEARTEXT] = {"cleartext_impl", NULL, SIDE_HARNESS, 0, 1,
                         "the same association in clear, by code of its own", stage_cleartext},
    [STAGE_WITNESS] = {"cleartext_witness", NULL, SIDE_HARNESS, 0, 1,
                       "plink2, where it is installed, on chromosome 1: the witness of the former",
                       stage_witness},
    [STAGE_DESCRIBE] = {"describe_backend", NULL, SIDE_HARNESS, 1, 1,
                        "opens the backend and says what it is", stage_describe},
    [STAGE_PREPROCESS_DATASET] =
        {"client_preprocess_dataset", "Dataset preprocessing", SIDE_CLIENT, 0, 1,
         "checks that tables and samples fit together and that the null models can be fitted, "
         "before anything is encrypted; the genotypes need no preprocessing",
         stage_preprocess_dataset},
    [STAGE_KEY_GENERATION] = {"client_key_generation", "Key Generation", SIDE_CLIENT, 0, 1,
                              "searches parameters, draws secret and evaluation keys",
                              stage_key_generation},
    [STAGE_ENCRYPT_DB] = {"client_encode_encrypt_db", "Dataset encoding and encryption",
                          SIDE_CLIENT, 0, 1,
                          "encrypts the genotypes, keeps digests to verify sums with",
                          stage_encrypt_db},
    [STAGE_SERVER_PREPROCESS] =
        {"server_preprocess_dataset", "Encrypted dataset preprocessing", SIDE_SERVER, 0, 1,
         "checks the structure of what arrived; nothing is computed: ciphertexts are stored as the "
         "scan reads them, and their checksums are checked while it does",
         stage_server_preprocess},
    [STAGE_ENCRYPT_QUERY] = {"client_encode_encrypt_query", "Query encryption", SIDE_CLIENT, 0, 0,
                             "fits the null models in clear and encrypts their columns, the "
                             "weights: one analysis of all traits",
                             stage_encrypt_query},
    [STAGE_COMPUTE] = {"server_encrypted_compute", "Encrypted computation", SIDE_SERVER, 1, 0,
                       "the scan: genotypes times weights, summed over samples", stage_compute},
    [STAGE_DECRYPT] = {"client_decrypt_decode", "Result decryption", SIDE_CLIENT, 0, 0,
                       "decrypts, verifies every sum, finishes the statistics, writes the tables",
                       stage_decrypt},
    [STAGE_POSTPROCESS] = {"client_postprocess", "Result postprocessing", SIDE_CLIENT, 0, 0,
                           "draws Manhattan and QQ plots and a page for each trait",
                           stage_postprocess},
    [STAGE_VERIFY] = {"verify_result", NULL, SIDE_HARNESS, 0, 0,
                      "compares the tables with what was computed in clear, and the sums of all "
                      "backends with each other",
                      stage_verify},
    [STAGE_SAMPLE_RATES] = {"sample_rates", NULL, SIDE_HARNESS, 1, 1,
                            "what a genotype costs apart from its columns, on a sample",
                            stage_sample_rates},
};

void bench_work_begin(bench_work *work, const options *o, const char *dir)
{
    *work =
        (bench_work){.o = o,
                     .size = bench_sizes[o->given[OPT_SIZE] ? o->number[OPT_SIZE] : BENCH_SMALL],
                     .seed = o->given[OPT_SEED] ? o->number[OPT_SEED] : 1,
                     .dir = dir};
    if (o->given[OPT_SAMPLES])
        work->size.samples = (uint32_t)o->number[OPT_SAMPLES];
    if (o->given[OPT_VARIANTS])
        work->size.variants = (uint32_t)o->number[OPT_VARIANTS];
}

bench_stage bench_stage_find(const char *name)
{
    int i = 0;
    while (i < BENCH_STAGES && strcmp(bench_stage_table[i].name, name) != 0)
        i++;
    return (bench_stage)i;
}

const char *bench_path(const char *dir, const char *folder, const char *name)
{
    static _Thread_local char ring[8][BENCH_PATH];
    static _Thread_local unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, BENCH_PATH, "%s/%s/%s", dir, folder, name);
    return out;
}

void bench_report_path(char out[BENCH_PATH], const char *dir, bench_stage stage,
                       bench_backend backend)
{
    const bench_stage_row *row = &bench_stage_table[stage];
    snprintf(out, BENCH_PATH, "%s/reports/%s%s%s.json", dir, row->name, row->per_backend ? "." : "",
             row->per_backend ? bench_backend_names[backend] : "");
}

int bench_complain(bench_stage stage, int exit_code, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "heloci bench: %s: ", bench_stage_table[stage].name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return exit_code;
}

static int make_folders(const bench_work *work, bench_stage stage)
{
    static const char *const folders[] = {"dataset", "client", "server", "reports"};
    if (mkdir(work->dir, 0700) != 0 && errno != EEXIST)
        return bench_complain(stage, EXIT_IO, "%s: %s", work->dir, strerror(errno));
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[BENCH_PATH];
        snprintf(path, sizeof path, "%s/%s", work->dir, folders[i]);
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return bench_complain(stage, EXIT_IO, "%s: %s", path, strerror(errno));
    }
    return 0;
}

/* The client's stages see a key, though one of simulated data. */
static void shut_in(bench_side side)
{
    const struct rlimit none = {0, 0};
    if (side != SIDE_CLIENT)
        return;
    (void)setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int bench_stage_run(const bench_work *work, bench_stage stage)
{
    char path[BENCH_PATH], why[BENCH_PATH + 256];
    json_t *report = json_object();
    shut_in(bench_stage_table[stage].side);
    int rc = make_folders(work, stage);
    if (rc == 0)
        rc = bench_stage_table[stage].run(work, &report);
    bench_report_path(path, work->dir, stage, work->backend);
    const int keep = rc == 0 || stage == STAGE_VERIFY;
    const int written = keep ? json_write(report, path, why, sizeof why) : 0;
    if (written)
        (void)bench_complain(stage, written, "%s", why);
    json_decref(report);
    return rc ? rc : written;
}

int bench_engine_open(bench_engine *e, const bench_work *work, bench_stage stage,
                      const char *backend)
{
    const options *o = work->o;
    uint32_t devices[NUMBERS_MOST];
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    memset(e, 0, sizeof *e);
    e->stage = stage;
    progress_begin(&e->bar, "bench",
                   o->given[OPT_QUIET] ? PROGRESS_NONE : (progress_style)o->number[OPT_PROGRESS]);
    config.threads = (uint32_t)o->number[OPT_THREADS];
    config.memory_bytes = o->number[OPT_MEMORY];
    config.simd = (hel_simd)o->number[OPT_SIMD];
    config.backend = backend;
    if (backend && strcmp(backend, "cpu") != 0) {
        (void)tool_devices(o, devices);
        config.device = devices[0];
    }
    config.progress = progress_update;
    config.progress_arg = &e->bar;
    const hel_status status = hel_engine_create(&e->engine, &config);
    if (status == HEL_OK)
        return 0;
    return bench_complain(stage, hel_status_exit_code(status), "the engine does not start: %s",
                          hel_status_name(status));
}

int bench_engine_close(bench_engine *e, hel_status status)
{
    progress_end(&e->bar);
    if (status != HEL_OK)
        (void)bench_complain(e->stage, hel_status_exit_code(status), "%s",
                             hel_engine_error(e->engine));
    hel_engine_free(e->engine);
    return hel_status_exit_code(status);
}
