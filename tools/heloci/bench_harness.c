/* The harness' stages of the workload: data, what is expected, whether it came. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "tools/heloci/bench_clear.h"
#include "tools/heloci/bench_quality.h"
#include "tools/heloci/bench_simulate.h"
#include "tools/heloci/bench_stage.h"
#include "tools/heloci/bench_witness.h"

enum { EXIT_MEMORY = 71, EXIT_MISMATCH = 76, REASON = BENCH_PATH + 256 };

static const char *folder_of(const bench_work *work, const char *name, char out[BENCH_PATH])
{
    snprintf(out, BENCH_PATH, "%s/%s", work->dir, name);
    return out;
}

int stage_generate(const bench_work *work, json_t **report)
{
    char why[REASON], dataset[BENCH_PATH];
    const int rc = bench_simulate(&work->size, work->seed, folder_of(work, "dataset", dataset), why,
                                  sizeof why);
    (void)report;
    return rc ? bench_complain(STAGE_GENERATE, rc, "%s", why) : 0;
}

int stage_cleartext(const bench_work *work, json_t **report)
{
    char why[REASON], dataset[BENCH_PATH];
    const int rc = bench_cleartext(folder_of(work, "dataset", dataset), why, sizeof why);
    (void)report;
    return rc ? bench_complain(STAGE_CLEARTEXT, rc, "%s", why) : 0;
}

int stage_witness(const bench_work *work, json_t **report)
{
    char why[REASON], dataset[BENCH_PATH];
    witness w;
    const int rc = witness_ask(&w, folder_of(work, "dataset", dataset), why, sizeof why);
    if (rc)
        return bench_complain(STAGE_WITNESS, rc, "%s", why);
    if (w.absent[0]) {
        json_put(report, "absent", text_json(w.absent));
        return 0;
    }
    json_put(report, "trait", text_json("Q1"));
    json_put(report, "variants", json_count(w.variants));
    json_put(report, "compared", json_count(w.compared));
    json_put(report, "max_difference_beta_in_se", json_number(w.beta));
    json_put(report, "max_difference_log10p", json_number(w.log10p));
    if (w.compared == 0 || w.beta <= WITNESS_BETA)
        return 0;
    return bench_complain(STAGE_WITNESS, EXIT_MISMATCH,
                          "plink2's estimates and ours in clear differ by %.3g standard errors",
                          w.beta);
}

/* ---- verify_result ---- */

/* SHA-256 of a file, 64 digits; 0 when it cannot be read. */
static int digest_of(const char *path, char out[65])
{
    uint8_t digest[EVP_MAX_MD_SIZE], *piece = malloc(1 << 20);
    unsigned length = 0;
    size_t got;
    FILE *f = fopen(path, "rb");
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    int good = f && piece && hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    while (good && (got = fread(piece, 1, 1 << 20, f)) > 0)
        good = EVP_DigestUpdate(hash, piece, got);
    good = good && !ferror(f) && EVP_DigestFinal_ex(hash, digest, &length) && length == 32;
    for (int i = 0; good && i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(hash);
    if (f)
        fclose(f);
    free(piece);
    return good;
}

/* Sums of every backend that left some; whether they are one file. */
static int compare_sums(const bench_work *work, json_t **report)
{
    char first[65] = "", digest[65], name[64];
    json_t *digests = json_object();
    int equal = 1, rc = 0;
    for (int b = 0; rc == 0 && b < BENCH_BACKENDS; b++) {
        struct stat info;
        snprintf(name, sizeof name, "%s.sums", bench_backend_names[b]);
        const char *path = bench_path(work->dir, "server", name);
        if (stat(path, &info) != 0)
            continue;
        if (!digest_of(path, digest))
            rc = bench_complain(STAGE_VERIFY, EXIT_IO, "%s: cannot be read", path);
        json_put(&digests, bench_backend_names[b], text_json(digest));
        if (first[0])
            equal = equal && strcmp(first, digest) == 0;
        else
            snprintf(first, sizeof first, "%s", digest);
    }
    json_put(report, "sums_sha256", digests);
    json_put(report, "sums_equal", json_boolean(equal));
    return rc;
}

static json_t *trait_json(const quality_trait *q)
{
    json_t *o = json_object(), *digits = json_object();
    json_put(&o, "test", text_json(q->binary ? "score" : "least squares"));
    json_put(&o, "samples", json_count(q->samples));
    if (q->binary)
        json_put(&o, "cases", json_count(q->cases));
    json_put(&o, "variants", json_count(q->variants));
    json_put(&o, "integers_equal", json_count(q->integers_equal));
    json_put(&o, "tested", json_count(q->tested));
    json_put(&o, "without_variation", json_count(q->constant));
    json_put(&o, "minor_alleles_below_5", json_count(q->low_count));
    json_put(&o, "collinear", json_count(q->collinear));
    json_put(&o, "unlike", json_count(q->unlike));
    json_put(&o, "off", json_count(q->off));
    json_put(&o, "max_difference_beta_in_se", json_number(q->beta));
    json_put(&o, "max_relative_difference_se", json_number(q->se));
    json_put(&o, "max_difference_log10p", json_number(q->log10p));
    json_put(&o, "there", text_json(q->worst));
    json_put(&o, "strongest_log10p", json_number(q->strongest));
    for (int d = 0; d < QUALITY_DIGITS; d++) {
        char name[24];
        snprintf(name, sizeof name, "%d%s", d, d == QUALITY_DIGITS - 1 ? " (all)" : "");
        if (q->digits[d])
            json_put(&digits, name, json_count(q->digits[d]));
    }
    json_put(&o, "variants_by_equal_digits_of_log10p", digits);
    if (q->first_bad[0])
        json_put(&o, "first_difference", text_json(q->first_bad));
    return o;
}

int stage_verify(const bench_work *work, json_t **report)
{
    char why[REASON], dataset[BENCH_PATH];
    quality *q = calloc(1, sizeof *q);
    json_t *traits = json_object();
    int rc = q ? compare_sums(work, report) : EXIT_MEMORY;
    if (rc == 0) {
        rc = quality_read(q, folder_of(work, "dataset", dataset),
                          bench_path(work->dir, "client", "result"), why, sizeof why);
        if (rc)
            (void)bench_complain(STAGE_VERIFY, rc, "%s", why);
    }
    for (uint32_t t = 0; rc == 0 && t < q->traits; t++)
        json_put(&traits, q->trait[t].name, trait_json(&q->trait[t]));
    json_put(report, "traits", traits);
    const int good = rc == 0 && quality_good(q);
    json_put(report, "tables_good", json_boolean(good));
    for (uint32_t t = 0; rc == 0 && !good && t < q->traits; t++)
        if (q->trait[t].first_bad[0])
            (void)bench_complain(STAGE_VERIFY, EXIT_MISMATCH,
                                 "trait %s is not what was computed in clear: %s", q->trait[t].name,
                                 q->trait[t].first_bad);
    if (rc == 0 && !json_is_true(json_object_get(*report, "sums_equal")))
        (void)bench_complain(STAGE_VERIFY, EXIT_MISMATCH, "the backends' sums differ");
    if (rc == 0 && (!good || !json_is_true(json_object_get(*report, "sums_equal"))))
        rc = EXIT_MISMATCH;
    free(q);
    return rc;
}
