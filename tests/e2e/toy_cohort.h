/*
 * For suites that break things: a tiny cohort at toy parameters, whose steps take milliseconds;
 * what a folder holds; files changed in place.
 */
#ifndef HEL_TESTS_TOY_COHORT_H
#define HEL_TESTS_TOY_COHORT_H

#include "host/ckks/exact/scheme.h"
#include "tests/e2e/e2e.h"
#include "tests/fuzz/container_repair.h"

typedef struct toy {
    e2e e;
    ref_cohort cohort;
    hel_params params;
    char covar[2 * PATH_MAX], pheno[2 * PATH_MAX];
} toy;

/* Exact but insecure: the default set in a smaller ring, in chunks of 128 samples. */
static inline hel_params toy_params(hel_engine *engine, uint32_t log_n)
{
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    hel_params params;
    request.chunk = 128;
    cr_assert_eq(hel_params_search(engine, &request, &params), HEL_OK);
    params.chunk = 128;
    params.log_n = log_n;
    params.toy = 1;
    cr_assert_eq(hel_params_check(engine, &params, NULL), HEL_OK, "%s", hel_engine_error(engine));
    return params;
}

static inline void toy_start(toy *t, uint32_t samples, uint32_t variants)
{
    e2e_start(&t->e, 2, 0, HEL_SIMD_AUTO);
    ref_cohort_write(
        &t->cohort,
        &(ref_cohort_request){
            .samples = samples, .variants = variants, .missing_calls = 0.02, .missing_pheno = 0.05},
        t->e.prefix);
    t->params = toy_params(t->e.engine, 10);
    snprintf(t->covar, sizeof t->covar, "%s.covar", t->e.prefix);
    snprintf(t->pheno, sizeof t->pheno, "%s.pheno", t->e.prefix);
}

static inline void toy_stop(toy *t)
{
    ref_cohort_free(&t->cohort);
    e2e_stop(&t->e);
}

static inline hel_status toy_null(toy *t)
{
    return e2e_null(&t->e, t->pheno, "Q1", t->covar, NULL);
}

/* Everything up to the sums. */
static inline void toy_scan(toy *t)
{
    E2E_OK(&t->e, e2e_keygen(&t->e, &t->params));
    E2E_OK(&t->e, e2e_encrypt(&t->e, t->e.prefix, 0));
    E2E_OK(&t->e, toy_null(t));
    E2E_OK(&t->e, e2e_scan(&t->e));
}

/* Number of files in the folder whose name ends so. */
static inline int toy_count(const toy *t, const char *ending)
{
    int count = 0;
    DIR *dir = opendir(t->e.dir.path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t a = strlen(entry->d_name), b = strlen(ending);
        count += a >= b && strcmp(entry->d_name + a - b, ending) == 0;
    }
    closedir(dir);
    return count;
}

static inline void toy_copy(const char *from, const char *to, mode_t mode)
{
    size_t bytes;
    uint8_t *data = test_read_file(from, &bytes);
    test_write_file(to, data, bytes, mode);
    free(data);
}

static inline int toy_same(const char *path, const uint8_t *data, size_t bytes)
{
    size_t now;
    uint8_t *other = test_read_file(path, &now);
    int same = now == bytes && memcmp(other, data, bytes) == 0;
    free(other);
    return same;
}

/* Where a section lies in a whole container in memory; 0 when there is none. */
typedef struct toy_section {
    uint32_t id;
    uint64_t offset, bytes;
} toy_section;

static inline uint32_t toy_sections(const uint8_t *file, toy_section *out, uint32_t most)
{
    uint32_t count = (uint32_t)repair_get(file + 20, 4);
    const uint8_t *entry = file + repair_get(file + 32, 8);
    for (uint32_t i = 0; i < count && i < most; i++, entry += 32)
        out[i] = (toy_section){(uint32_t)repair_get(entry, 4), repair_get(entry + 8, 8),
                               repair_get(entry + 16, 8)};
    return count < most ? count : most;
}

static inline uint8_t *toy_find(uint8_t *file, uint32_t id, uint64_t *bytes)
{
    toy_section s[16];
    uint32_t count = toy_sections(file, s, 16);
    for (uint32_t i = 0; i < count; i++)
        if (s[i].id == id) {
            *bytes = s[i].bytes;
            return file + s[i].offset;
        }
    cr_assert_fail("no such section");
    return NULL;
}

#endif
