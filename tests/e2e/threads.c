/*
 * The threaded parts in one plain program, for ThreadSanitizer: Criterion's workers do not start
 * under it. Four threads run a whole job on a small ring; the result must equal that of one thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heloci/heloci.h"
#include "host/base/event.h"
#include "host/base/pool.h"
#include "tests/ref/ref_cohort.h"

static void check(int good, const char *what, hel_engine *engine)
{
    if (good)
        return;
    fprintf(stderr, "threads: %s: %s\n", what, engine ? hel_engine_error(engine) : "");
    exit(1);
}

static hel_status add_one(void *arg, size_t index, uint32_t worker)
{
    (void)worker;
    ((uint32_t *)arg)[index]++;
    return HEL_OK;
}

static int count_progress(void *arg, const char *stage, uint64_t done, uint64_t total,
                          const char *unit)
{
    (void)stage;
    (void)unit;
    *(uint64_t *)arg += done <= total;
    return 0;
}

/* Without a lock of its own: the engine calls one thread at a time. */
static void count_events(void *arg, const char *event, const char *fields)
{
    *(uint64_t *)arg += event[0] && fields[0] == '{';
}

static hel_status tell_one(void *arg, size_t index, uint32_t worker)
{
    (void)worker;
    hel_event((hel_engine *)arg, "item", hel_field_count("index", index));
    return HEL_OK;
}

/* Runs the job with all files under `out`; returns the table's path in `table`. */
static void job(hel_engine *e, const char *cohort, const char *out, char *table, size_t bytes)
{
    char key[300], evk[300], geno[300], data[300], weights[300], model[300], sums[300], pheno[300];
    const hel_params params = {.log_n = 10,
                               .scan_limbs = 3,
                               .expand_limbs = 4,
                               .special_limbs = 2,
                               .digit_limbs = 2,
                               .out_limbs = 2,
                               .weight_bits = 20,
                               .plane_max = 2,
                               .chunk = 128,
                               .da_shift = 2,
                               .dz = 1 << 24,
                               .toy = 1};
    snprintf(key, sizeof key, "%s.key", out);
    snprintf(evk, sizeof evk, "%s.evk", out);
    snprintf(geno, sizeof geno, "%s.geno", out);
    snprintf(data, sizeof data, "%s.private", out);
    snprintf(weights, sizeof weights, "%s.weights", out);
    snprintf(model, sizeof model, "%s.model", out);
    snprintf(sums, sizeof sums, "%s.sums", out);
    snprintf(pheno, sizeof pheno, "%s.pheno", cohort);
    snprintf(table, bytes, "%s.Q1.glm.linear", out);
    hel_keygen_config kc = HEL_KEYGEN_CONFIG_INIT;
    kc.out = out;
    kc.params = &params;
    check(hel_keygen(e, &kc) == HEL_OK, "keygen", e);
    hel_encrypt_config ec = HEL_ENCRYPT_CONFIG_INIT;
    ec.bfile = cohort;
    ec.key = key;
    ec.out = out;
    check(hel_encrypt(e, &ec) == HEL_OK, "encrypt", e);
    hel_null_config nc = HEL_NULL_CONFIG_INIT;
    nc.data = data;
    nc.key = key;
    nc.out = out;
    nc.pheno = pheno;
    nc.pheno_name = "Q1";
    check(hel_null(e, &nc) == HEL_OK, "null", e);
    hel_scan_config sc = HEL_SCAN_CONFIG_INIT;
    sc.geno = geno;
    sc.weights = weights;
    sc.evk = evk;
    sc.out = out;
    check(hel_scan(e, &sc, NULL) == HEL_OK, "scan", e);
    hel_decrypt_config dc = HEL_DECRYPT_CONFIG_INIT;
    dc.sums = sums;
    dc.data = data;
    dc.model = model;
    dc.key = key;
    dc.out = out;
    check(hel_decrypt(e, &dc) == HEL_OK, "decrypt", e);
    check(hel_verify_file(e, geno) == HEL_OK, "verify", e);
}

int main(void)
{
    const char *base = getenv("TMPDIR");
    char dir[200], cohort[250], out[250], table[2][300], command[800];
    uint32_t counts[1000] = {0};
    uint64_t reports = 0, events = 0;
    snprintf(dir, sizeof dir, "%s/hel_threads_XXXXXX", base ? base : "/tmp");
    check(mkdtemp(dir) != NULL, "mkdtemp", NULL);
    snprintf(cohort, sizeof cohort, "%s/c", dir);
    ref_cohort c;
    ref_cohort_write(&c, &(ref_cohort_request){150, 2100, 0.02, 0.05, 77}, cohort);
    ref_cohort_free(&c);
    for (uint32_t k = 0; k < 2; k++) {
        hel_engine *e;
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        config.threads = k ? 4 : 1;
        config.progress = count_progress;
        config.progress_arg = &reports;
        config.log = count_events;
        config.log_arg = &events;
        check(hel_engine_create(&e, &config) == HEL_OK, "engine", NULL);
        check(hel_parallel(e, 1000, add_one, counts) == HEL_OK, "parallel", e);
        check(hel_parallel(e, 1000, tell_one, e) == HEL_OK, "events", e);
        snprintf(out, sizeof out, "%s/k%u", dir, k);
        job(e, cohort, out, table[k], sizeof table[k]);
        hel_engine_free(e);
    }
    for (int i = 0; i < 1000; i++)
        check(counts[i] == 2, "an index was not visited once per loop", NULL);
    check(reports > 0, "no progress was reported", NULL);
    check(events > 2000, "events are missing", NULL);
    snprintf(command, sizeof command, "cmp '%s' '%s'", table[0], table[1]);
    check(system(command) == 0, "one thread and four disagree", NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) != 0;
}
