/* What the tests of the embedding share: an engine with its tables, numbers of several kinds. */
#ifndef HEL_EMBEDDING_TEST_H
#define HEL_EMBEDDING_TEST_H

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/ring/embedding.h"
#include "tests/ref/ref_embedding.h"
#include "tests/ref/ref_ring.h"

typedef struct fixture {
    hel_engine *engine;
    hel_embedding *e;
    const char *twin;
    uint32_t log_n, n;
} fixture;

static inline fixture start(hel_simd simd, uint32_t log_n)
{
    fixture f = {.log_n = log_n, .n = 1u << log_n};
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = 1;
    config.simd = simd;
    cr_assert_eq(hel_engine_create(&f.engine, &config), HEL_OK);
    cr_assert_eq(hel_embedding_create(f.engine, &f.e, log_n), HEL_OK, "%s",
                 hel_engine_error(f.engine));
    f.twin = hel_engine_simd_name(f.engine);
    return f;
}

static inline void end(fixture *f)
{
    hel_embedding_free(f->e);
    hel_engine_free(f->engine);
}

static inline double *doubles(size_t n)
{
    double *x = malloc((n ? n : 1) * sizeof *x);
    if (!x)
        abort();
    return x;
}

#define KINDS 6

/* 2 s numbers of size 1: noise, a delta, a constant, alternating signs, noise with one outlier */
static inline void fill(ref_random *r, double *x, size_t count, int kind)
{
    const size_t at = ref_random_below(r, (uint32_t)count);
    for (size_t k = 0; k < count; k++) {
        const double noise = 2 * ref_random_double(r) - 1;
        x[k] = kind == 1   ? k == at
               : kind == 2 ? 1
               : kind == 3 ? (k & 1 ? -1 : 1)
               : kind == 4 ? (k == at ? 1 : noise * 0x1p-20)
               : kind == 5 ? 0
                           : noise;
    }
}

#endif
