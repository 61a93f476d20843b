/* The whole job on simulated cohorts: decrypted sums equal plain integer sums, bit for bit. */
#include "tests/e2e/e2e.h"

struct shape {
    uint32_t samples, variants, threads;
    double missing;
    int miss_plane;
    uint64_t memory;
};

static void run_shape(const struct shape *s, const hel_params *params, uint64_t stream)
{
    e2e e;
    ref_cohort cohort;
    char cov[2 * PATH_MAX], pheno[2 * PATH_MAX];
    e2e_start(&e, s->threads, s->memory, HEL_SIMD_AUTO);
    ref_cohort_write(&cohort,
                     &(ref_cohort_request){.samples = s->samples,
                                           .variants = s->variants,
                                           .missing_calls = s->missing,
                                           .missing_pheno = 0.1,
                                           .stream = stream},
                     e.prefix);
    snprintf(cov, sizeof cov, "%s.covar", e.prefix);
    snprintf(pheno, sizeof pheno, "%s.pheno", e.prefix);
    E2E_OK(&e, e2e_keygen(&e, params));
    E2E_OK(&e, e2e_encrypt(&e, e.prefix, s->miss_plane));
    E2E_OK(&e, e2e_null(&e, pheno, NULL, cov, NULL));
    E2E_OK(&e, e2e_scan(&e));
    e2e_compare_sums(&e, cohort.calls);
    E2E_OK(&e, e2e_decrypt(&e, 0, -1));
    cr_assert(test_exists(e2e_path(&e, ".Q1.glm.linear")));
    cr_assert(test_exists(e2e_path(&e, ".Q2.glm.linear")));
    cr_assert(test_exists(e2e_path(&e, ".B1.glm.logistic")));
    ref_cohort_free(&cohort);
    e2e_stop(&e);
}

Test(pipeline, sums_are_exact, .timeout = 900)
{
    /* a partial tile, a partial block, several tiles; with and without the miss plane */
    static const struct shape shapes[] = {
        {70, 50, 1, 0, 0, 0},
        {64, 1, 2, 0.02, 0, 0},
        {193, 300, 2, 0.05, 1, 0},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        run_shape(&shapes[i], NULL, i);
}

/* Several chunks, super-blocks and passes at a small ring with toy security, where they are cheap.
 */
Test(pipeline, chunks_blocks_and_passes, .timeout = 900)
{
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    hel_params params;
    e2e e;
    request.chunk = 128;
    e2e_start(&e, 1, 0, HEL_SIMD_AUTO);
    E2E_OK(&e, hel_params_search(e.engine, &request, &params));
    e2e_stop(&e);
    params.chunk = 128;
    params.log_n = 10;
    params.toy = 1;
    run_shape(&(struct shape){300, 9 * 1024 + 17, 2, 0.01, 0, 0}, &params, 10);
    run_shape(&(struct shape){257, 3 * 1024, 2, 0.01, 1, (uint64_t)64 << 20}, &params, 11);
}
