/* The client's stages of the workload; see bench_stage.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/heloci/bench_stage.h"

static double bytes_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (double)info.st_size : 0;
}

/* A public file goes to the server; what an earlier run left there goes. */
static int hand_over(const bench_work *work, bench_stage stage, const char *name)
{
    const char *from = bench_path(work->dir, "client", name);
    if (rename(from, bench_path(work->dir, "server", name)) == 0)
        return 0;
    return bench_complain(stage, EXIT_IO, "%s: %s", from, strerror(errno));
}

static void report_bytes(const bench_work *work, json_t **report, const char *folder,
                         const char *name)
{
    json_put(report, "file", text_json(name));
    json_put(report, "bytes", json_number(bytes_of(bench_path(work->dir, folder, name))));
}

/* ---- client_preprocess_dataset ---- */

int stage_preprocess_dataset(const bench_work *work, json_t **report)
{
    bench_engine e;
    int rc = bench_engine_open(&e, work, STAGE_PREPROCESS_DATASET, NULL);
    if (rc)
        return rc;
    hel_null_check_config config = HEL_NULL_CHECK_CONFIG_INIT;
    config.bfile = bench_path(work->dir, "dataset", "cohort");
    config.pheno = bench_path(work->dir, "dataset", "cohort.pheno");
    config.covar = bench_path(work->dir, "dataset", "cohort.covar");
    (void)report;
    return bench_engine_close(&e, hel_null_check(e.engine, &config));
}

/* ---- client_key_generation ---- */

/* With --log-n: that ring. One too small to be secure is for tests, and called a toy. */
static hel_status find_params(hel_engine *engine, const options *o, hel_params *p)
{
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    const uint32_t log_n = (uint32_t)o->number[OPT_LOG_N];
    const char *toy = getenv("HELOCI_ALLOW_TOY");
    if (!o->given[OPT_LOG_N] || !toy || strcmp(toy, "1") != 0) {
        request.log_n = log_n;
        return hel_params_search(engine, &request, p);
    }
    hel_status status = hel_params_search(engine, &request, p);
    p->toy = log_n < p->log_n;
    p->log_n = log_n;
    return status;
}

static hel_status describe_params(hel_engine *engine, const hel_params *p, json_t **report)
{
    hel_params_proof proof;
    uint8_t digest[32];
    char text[65];
    hel_status status = hel_params_check(engine, p, &proof);
    if (status == HEL_OK)
        status = hel_params_digest(engine, p, digest);
    if (status != HEL_OK)
        return status;
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    json_put(report, "digest", text_json(text));
    json_put(report, "log_n", json_count(p->log_n));
    json_put(report, "scan_limbs", json_count(p->scan_limbs));
    json_put(report, "expand_limbs", json_count(p->expand_limbs));
    json_put(report, "special_limbs", json_count(p->special_limbs));
    json_put(report, "digit_limbs", json_count(p->digit_limbs));
    json_put(report, "out_limbs", json_count(p->out_limbs));
    json_put(report, "weight_bits", json_count(p->weight_bits));
    json_put(report, "chunk", json_count(p->chunk));
    json_put(report, "log_q", json_number(proof.log_q));
    json_put(report, "log_qp", json_number(proof.log_qp));
    json_put(report, "log_qp_bound", json_number(proof.log_bound));
    json_put(report, "toy", json_boolean(p->toy));
    json_put(report, "security_bits", json_count(p->toy || !proof.secure ? 0 : 128));
    json_put(report, "noise_margin_sigma", json_number(proof.margin));
    json_put(report, "log2_wrong_sum", json_number(1 - proof.margin * proof.margin / 2 / log(2)));
    return HEL_OK;
}

int stage_key_generation(const bench_work *work, json_t **report)
{
    bench_engine e;
    hel_params params;
    int rc = bench_engine_open(&e, work, STAGE_KEY_GENERATION, NULL);
    if (rc)
        return rc;
    hel_keygen_config config = HEL_KEYGEN_CONFIG_INIT;
    config.out = bench_path(work->dir, "client", "bench");
    config.params = &params;
    config.overwrite = 1;
    hel_status status = find_params(e.engine, work->o, &params);
    if (status == HEL_OK)
        status = hel_keygen(e.engine, &config);
    if (status == HEL_OK)
        status = describe_params(e.engine, &params, report);
    rc = bench_engine_close(&e, status);
    if (rc == 0) {
        json_put(report, "secret_bytes",
                 json_number(bytes_of(bench_path(work->dir, "client", "bench.key"))));
        rc = hand_over(work, STAGE_KEY_GENERATION, "bench.evk");
        report_bytes(work, report, "server", "bench.evk");
    }
    return rc;
}

/* ---- client_encode_encrypt_db, client_encode_encrypt_query ---- */

int stage_encrypt_db(const bench_work *work, json_t **report)
{
    bench_engine e;
    int rc = bench_engine_open(&e, work, STAGE_ENCRYPT_DB, NULL);
    if (rc)
        return rc;
    hel_encrypt_config config = HEL_ENCRYPT_CONFIG_INIT;
    config.bfile = bench_path(work->dir, "dataset", "cohort");
    config.key = bench_path(work->dir, "client", "bench.key");
    config.out = bench_path(work->dir, "client", "bench");
    rc = bench_engine_close(&e, hel_encrypt(e.engine, &config));
    if (rc == 0) {
        json_put(report, "private_bytes",
                 json_number(bytes_of(bench_path(work->dir, "client", "bench.private"))));
        json_put(report, "clear_bytes",
                 json_number(bytes_of(bench_path(work->dir, "dataset", "cohort.bed"))));
        rc = hand_over(work, STAGE_ENCRYPT_DB, "bench.geno");
        report_bytes(work, report, "server", "bench.geno");
    }
    return rc;
}

int stage_encrypt_query(const bench_work *work, json_t **report)
{
    bench_engine e;
    int rc = bench_engine_open(&e, work, STAGE_ENCRYPT_QUERY, NULL);
    if (rc)
        return rc;
    hel_null_config config = HEL_NULL_CONFIG_INIT;
    config.data = bench_path(work->dir, "client", "bench.private");
    config.key = bench_path(work->dir, "client", "bench.key");
    config.out = bench_path(work->dir, "client", "bench");
    config.pheno = bench_path(work->dir, "dataset", "cohort.pheno");
    config.covar = bench_path(work->dir, "dataset", "cohort.covar");
    rc = bench_engine_close(&e, hel_null(e.engine, &config));
    if (rc == 0) {
        json_put(report, "model_bytes",
                 json_number(bytes_of(bench_path(work->dir, "client", "bench.model"))));
        rc = hand_over(work, STAGE_ENCRYPT_QUERY, "bench.weights");
        report_bytes(work, report, "server", "bench.weights");
    }
    return rc;
}

/* ---- client_decrypt_decode, client_postprocess ---- */

/* The table is there when it is named. */
static int on_table(void *arg, const char *path)
{
    json_t **tables = arg;
    char copy[BENCH_PATH];
    snprintf(copy, sizeof copy, "%.*s", (int)strcspn(path, "\n"), path);
    const char *slash = strrchr(copy, '/');
    json_put(tables, slash ? slash + 1 : copy, json_number(bytes_of(copy)));
    return 0;
}

int stage_decrypt(const bench_work *work, json_t **report)
{
    bench_engine e;
    char sums[64];
    int rc = bench_engine_open(&e, work, STAGE_DECRYPT, NULL);
    if (rc)
        return rc;
    json_t *tables = json_object();
    hel_decrypt_config config = HEL_DECRYPT_CONFIG_INIT;
    snprintf(sums, sizeof sums, "%s.sums", bench_backend_names[work->backend]);
    config.sums = bench_path(work->dir, "server", sums);
    config.data = bench_path(work->dir, "client", "bench.private");
    config.model = bench_path(work->dir, "client", "bench.model");
    config.key = bench_path(work->dir, "client", "bench.key");
    config.out = bench_path(work->dir, "client", "result");
    config.table = on_table;
    config.table_arg = &tables;
    rc = bench_engine_close(&e, hel_decrypt(e.engine, &config));
    json_put(report, "table_bytes", tables);
    return rc;
}

/* One page for every trait: the tables are found by the traits' names. */
int stage_postprocess(const bench_work *work, json_t **report)
{
    const bench_size *size = &work->size;
    bench_engine e;
    int rc = bench_engine_open(&e, work, STAGE_POSTPROCESS, NULL);
    if (rc)
        return rc;
    hel_status status = HEL_OK;
    for (uint32_t t = 0; status == HEL_OK && t < size->quantitative + size->binary; t++) {
        const int binary = t >= size->quantitative;
        char name[32], file[64];
        hel_report_config config = HEL_REPORT_CONFIG_INIT;
        hel_report_summary summary;
        snprintf(name, sizeof name, "%c%u", binary ? 'B' : 'Q',
                 1 + (binary ? t - size->quantitative : t));
        snprintf(file, sizeof file, "result.%s.glm.%s", name, binary ? "logistic" : "linear");
        config.table = bench_path(work->dir, "client", file);
        snprintf(file, sizeof file, "result.%s", name);
        config.out = bench_path(work->dir, "client", file);
        status = hel_report(e.engine, &config, &summary);
        if (status != HEL_OK)
            break;
        json_t *o = json_object();
        json_put(&o, "variants", json_count(summary.variants));
        json_put(&o, "tested", json_count(summary.tested));
        json_put(&o, "lambda_gc", json_number(summary.lambda_gc));
        json_put(&o, "max_log10p", json_number(summary.max_log10p));
        json_put(&o, "genome_wide", json_count(summary.genome_wide));
        json_put(report, name, o);
    }
    return bench_engine_close(&e, status);
}
