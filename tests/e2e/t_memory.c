/* `scan --memory`: the budget holds for the process as the operating system sees it, several passes
 * give the same sums, and a budget that is too small names the least one. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/e2e/e2e.h"

/* Sanitizers keep shadow and quarantine memory of their own. */
#if defined(__SANITIZE_ADDRESS__)
#define SLACK ((uint64_t)4 << 30)
#else
#define SLACK ((uint64_t)24 << 20)
#endif

static uint64_t peak_of_scan(e2e *e, uint64_t budget, const char *explain)
{
    int code;
    struct rusage usage;
    pid_t child = fork();
    if (child == 0) {
        /* The program itself, so that nothing of this process counts. */
        char memory[32];
        snprintf(memory, sizeof memory, "%llu", (unsigned long long)(budget >> 20));
        execl(HEL_PROGRAM, "heloci", "scan", "--geno", e2e_path(e, ".geno"), "--weights",
              e2e_path(e, ".weights"), "--evk", e2e_path(e, ".evk"), "--out", e->prefix, "--memory",
              memory, "--threads", "2", "--quiet", explain, (char *)NULL);
        _exit(127);
    }
    cr_assert_eq(wait4(child, &code, 0, &usage), child);
    cr_assert(WIFEXITED(code) && WEXITSTATUS(code) == 0, "scan ended with %x", (unsigned)code);
    return (uint64_t)usage.ru_maxrss * 1024;
}

Test(memory, budget_holds, .timeout = 900)
{
    e2e e;
    ref_cohort cohort;
    e2e_start(&e, 2, 0, HEL_SIMD_AUTO);
    ref_cohort_write(&cohort, &(ref_cohort_request){.samples = 200, .variants = 20000, .stream = 3},
                     e.prefix);
    char pheno[2 * PATH_MAX];
    snprintf(pheno, sizeof pheno, "%s.pheno", e.prefix);
    E2E_OK(&e, e2e_keygen(&e, NULL));
    E2E_OK(&e, e2e_encrypt(&e, e.prefix, 0));
    E2E_OK(&e, e2e_null(&e, pheno, "Q1,Q2,B1", NULL, NULL));

    hel_engine *small;
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = 2;
    config.memory_bytes = (uint64_t)1 << 20;
    cr_assert_eq(hel_engine_create(&small, &config), HEL_OK);
    hel_engine *usual = e.engine;
    e.engine = small;
    E2E_FAILS(&e, e2e_scan(&e), HEL_E_MEMORY, "MiB is the least");
    unsigned long long least = 0;
    sscanf(strstr(hel_engine_error(small), "small; ") + 7, "%llu", &least);
    hel_engine_free(small);
    cr_assert_gt(least, 10);

    /* The least budget: one block and one column at a time, hence three passes. */
    config.memory_bytes = (uint64_t)least << 20;
    cr_assert_eq(hel_engine_create(&e.engine, &config), HEL_OK);
    hel_scan_config scan = HEL_SCAN_CONFIG_INIT;
    hel_scan_stats stats;
    scan.geno = e2e_path(&e, ".geno");
    scan.weights = e2e_path(&e, ".weights");
    scan.evk = e2e_path(&e, ".evk");
    scan.out = e.prefix;
    E2E_OK(&e, hel_scan(e.engine, &scan, &stats));
    cr_assert_eq(stats.passes, 3);
    cr_assert_leq(stats.peak_buffers, config.memory_bytes);
    e2e_compare_sums(&e, cohort.calls);
    hel_engine_free(e.engine);
    e.engine = usual;

    uint64_t peak = peak_of_scan(&e, (uint64_t)least << 20, "--explain"); /* its samples */
    cr_assert_leq(peak, ((uint64_t)least << 20) + SLACK, "peak %llu MiB, budget %llu MiB",
                  (unsigned long long)peak >> 20, least);
    peak = peak_of_scan(&e, (uint64_t)least << 20, NULL);
    cr_assert_leq(peak, ((uint64_t)least << 20) + SLACK, "peak %llu MiB, budget %llu MiB",
                  (unsigned long long)peak >> 20, least);
    fprintf(stderr, "budget %llu MiB, peak resident size %llu MiB\n", least,
            (unsigned long long)peak >> 20);
    e2e_compare_sums(&e, cohort.calls);
    ref_cohort_free(&cohort);
    e2e_stop(&e);
}

/* Many outputs against few columns held at once: every budget from the least on must work. */
Test(memory, no_budget_is_a_trap, .timeout = 900)
{
    e2e e;
    ref_cohort cohort;
    hel_params params;
    char path[2 * PATH_MAX];
    e2e_start(&e, 1, 0, HEL_SIMD_AUTO);
    E2E_OK(&e, hel_params_search(e.engine, NULL, &params));
    params.log_n = 10;
    params.toy = 1;
    ref_cohort_write(&cohort, &(ref_cohort_request){.samples = 64, .variants = 20, .stream = 4},
                     e.prefix);
    snprintf(path, sizeof path, "%s.many", e.prefix);
    ref_random r = ref_random_start(5);
    FILE *f = fopen(path, "w");
    fprintf(f, "#FID\tIID");
    for (int t = 0; t < 150; t++)
        fprintf(f, "\tP%d", t);
    for (int i = 0; i < 64; i++) {
        fprintf(f, "\nf%d\ts%d", i / 3, i);
        for (int t = 0; t < 150; t++)
            fprintf(f, "\t%.6f", ref_random_double(&r));
    }
    fprintf(f, "\n");
    fclose(f);
    E2E_OK(&e, e2e_keygen(&e, &params));
    E2E_OK(&e, e2e_encrypt(&e, e.prefix, 0));
    E2E_OK(&e, e2e_null(&e, path, NULL, NULL, NULL));
    int worked = 0;
    hel_engine *usual = e.engine;
    for (uint64_t mib = 1; mib < 120; mib += mib < 24 ? 1 : 5) {
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        config.threads = 1;
        config.memory_bytes = mib << 20;
        cr_assert_eq(hel_engine_create(&e.engine, &config), HEL_OK);
        hel_status status = e2e_scan(&e);
        cr_assert(status == (worked ? HEL_OK : status) &&
                      (status == HEL_OK || status == HEL_E_MEMORY),
                  "%llu MiB: %s", (unsigned long long)mib, hel_engine_error(e.engine));
        worked |= status == HEL_OK;
        hel_engine_free(e.engine);
    }
    cr_assert(worked);
    e.engine = usual;
    e2e_compare_sums(&e, cohort.calls);
    ref_cohort_free(&cohort);
    e2e_stop(&e);
}
