/* The embedding's transforms of every twin: slots by their definition, error bounds, symmetries,
 * equal bits; the lifetime of the tables. */
#include <math.h>

#include "host/base/mem.h"
#include "tests/ring/embedding_test.h"

/* The largest slot of re[s], im[s] */
static double largest(const double *x, size_t s)
{
    double top = 0;
    for (size_t j = 0; j < s; j++)
        top = fmax(top, hypot(x[j], x[s + j]));
    return top;
}

static double distance(const double *x, const double *y, size_t s)
{
    double top = 0;
    for (size_t j = 0; j < s; j++)
        top = fmax(top, hypot(x[j] - y[j], x[s + j] - y[s + j]));
    return top;
}

/* A quarter of the header's bound for one transform whose largest slot is `slot`; what is measured
 * stays below a fourth of that again. */
static double bound(const fixture *f, double slot)
{
    return 0x1p-52 * f->log_n * slot;
}

/* ---- transforms ---- */

/* Slots x[j], or repeated ones when j >= s, of the coefficients c; returns the largest error. */
static double slots_error(const ref_roots *roots, const double *c, const double *x, uint32_t s,
                          size_t samples, ref_random *r)
{
    double top = 0;
    const uint32_t all = roots->n / 2;
    for (size_t i = 0; i < samples; i++) {
        const uint32_t j = samples == all ? (uint32_t)i
                           : i < 2        ? (uint32_t)i * (all - 1)
                                          : ref_random_below(r, all);
        long double v[2];
        ref_slot(roots, c, 2 * s, roots->n / (2 * s), j, v);
        top = fmax(top, (double)hypotl(v[0] - x[j % s], v[1] - x[s + j % s]));
    }
    return top;
}

/* Both directions against the definition. Every slot of the full ring is looked at for s < N/2 too:
 * a message of s slots is the full message that repeats it. */
static double check_definition(const fixture *f, const ref_roots *roots, uint32_t log_s, int kind,
                               size_t samples, ref_random *r)
{
    const uint32_t s = 1u << log_s;
    double *c = doubles(2 * s), *x = doubles(2 * s), error, worst;
    fill(r, c, 2 * s, kind);
    memcpy(x, c, 2 * s * sizeof *x);
    hel_embedding_forward(f->e, log_s, x);
    error = slots_error(roots, c, x, s, samples, r);
    cr_assert_leq(error, bound(f, largest(x, s)), "%s forward log_n %u log_s %u kind %d: %g",
                  f->twin, f->log_n, log_s, kind, error);
    worst = kind == 5 ? 0 : error / bound(f, largest(x, s));

    fill(r, x, 2 * s, kind);
    memcpy(c, x, 2 * s * sizeof *x);
    hel_embedding_inverse(f->e, log_s, c);
    error = slots_error(roots, c, x, s, samples, r);
    cr_assert_leq(error, bound(f, largest(x, s)), "%s inverse log_n %u log_s %u kind %d: %g",
                  f->twin, f->log_n, log_s, kind, error);
    if (kind != 5)
        worst = fmax(worst, error / bound(f, largest(x, s)));
    free(c);
    free(x);
    return worst;
}

Test(embedding, slots_are_the_values_at_powers_of_five)
{
    ref_random r = ref_random_start(1);
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = 10; log_n <= 12; log_n++) {
            fixture f = start(ref_twin(i), log_n);
            ref_roots roots = ref_roots_of(log_n);
            double worst = 0;
            for (uint32_t log_s = 0; log_s < log_n; log_s++)
                for (int kind = 0; kind < KINDS; kind++) {
                    const size_t samples =
                        log_n == 10 && (kind == 0 || log_s < 6) ? f.n / 2 : ref_scaled(40);
                    worst = fmax(worst, check_definition(&f, &roots, log_s, kind, samples, &r));
                }
            fprintf(stderr, "%s, N = 2^%u: largest error %.3f 2^-52 log2 N\n", f.twin, log_n,
                    worst);
            ref_roots_free(&roots);
            end(&f);
        }
}

Test(embedding, slots_of_large_rings)
{
    ref_random r = ref_random_start(2);
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = 13; log_n <= HEL_LOG_N_MAX; log_n += 2) {
            fixture f = start(ref_twin(i), log_n);
            ref_roots roots = ref_roots_of(log_n);
            for (uint32_t log_s = log_n - 2; log_s < log_n; log_s++)
                check_definition(&f, &roots, log_s, 0, ref_scaled(8), &r);
            ref_roots_free(&roots);
            end(&f);
        }
}

Test(embedding, there_and_back)
{
    ref_random r = ref_random_start(3);
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
            fixture f = start(ref_twin(i), log_n);
            double worst = 0;
            for (uint32_t log_s = 0; log_s < log_n; log_s++)
                for (int kind = 0; kind < KINDS; kind++) {
                    const size_t s = (size_t)1 << log_s;
                    double *x = doubles(2 * s), *y = doubles(2 * s), error;
                    fill(&r, x, 2 * s, kind);
                    memcpy(y, x, 2 * s * sizeof *x);
                    hel_embedding_inverse(f.e, log_s, y);
                    hel_embedding_forward(f.e, log_s, y);
                    error = distance(x, y, s);
                    cr_assert_leq(error, 2 * bound(&f, largest(x, s)),
                                  "%s log_n %u log_s %u kind %d: %g", f.twin, log_n, log_s, kind,
                                  error);
                    if (kind != 5)
                        worst = fmax(worst, error / (2 * bound(&f, largest(x, s))));
                    free(x);
                    free(y);
                }
            fprintf(stderr, "%s, N = 2^%u: largest error %.3f 2^-52 log2 N\n", f.twin, log_n,
                    worst);
            end(&f);
        }
}

/* out = p(X^g) for coefficients of X^(k N/2s), g odd: signs and places modulo Y^2s + 1 */
static void substitute(const double *p, double *out, uint32_t count, uint32_t g)
{
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t at = (uint32_t)((uint64_t)k * g % (2 * count));
        out[at % count] = at < count ? p[k] : -p[k];
    }
}

/* X -> X^-1 conjugates the slots, X -> X^5 rotates them by one. */
Test(embedding, automorphisms)
{
    ref_random r = ref_random_start(4);
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = 10; log_n <= 13; log_n += 3)
            for (uint32_t log_s = 0; log_s < log_n; log_s++) {
                fixture f = start(ref_twin(i), log_n);
                const uint32_t s = 1u << log_s;
                double *p = doubles(2 * s), *x = doubles(2 * s), *y = doubles(2 * s);
                fill(&r, p, 2 * s, 0);
                memcpy(x, p, 2 * s * sizeof *x);
                hel_embedding_forward(f.e, log_s, x);
                for (int conjugate = 0; conjugate < 2; conjugate++) {
                    substitute(p, y, 2 * s, conjugate ? 4 * s - 1 : 5);
                    hel_embedding_forward(f.e, log_s, y);
                    for (uint32_t j = 0; j < s; j++) {
                        const uint32_t k = conjugate ? j : (j + 1) % s;
                        const double im = conjugate ? -x[s + k] : x[s + k];
                        cr_assert_leq(hypot(y[j] - x[k], y[s + j] - im),
                                      2 * bound(&f, largest(x, s)), "%s log_n %u log_s %u slot %u",
                                      f.twin, log_n, log_s, j);
                    }
                }
                free(p);
                free(x);
                free(y);
                end(&f);
            }
}

Test(embedding, twins_agree_bit_for_bit)
{
    ref_random r = ref_random_start(5);
    for (uint32_t i = 1; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
            fixture p = start(HEL_SIMD_PORTABLE, log_n), f = start(ref_twin(i), log_n);
            for (uint32_t log_s = 0; log_s < log_n; log_s++) {
                const size_t count = (size_t)2 << log_s;
                double *x = doubles(count), *y = doubles(count);
                fill(&r, x, count, log_s % 2 ? 0 : 4);
                memcpy(y, x, count * sizeof *x);
                hel_embedding_forward(p.e, log_s, x);
                hel_embedding_forward(f.e, log_s, y);
                cr_assert_arr_eq(x, y, count * sizeof *x, "%s forward log_n %u log_s %u", f.twin,
                                 log_n, log_s);
                fill(&r, x, count, 0);
                memcpy(y, x, count * sizeof *x);
                hel_embedding_inverse(p.e, log_s, x);
                hel_embedding_inverse(f.e, log_s, y);
                cr_assert_arr_eq(x, y, count * sizeof *x, "%s inverse log_n %u log_s %u", f.twin,
                                 log_n, log_s);
                free(x);
                free(y);
            }
            end(&p);
            end(&f);
        }
}

/* Tables of a small ring are those of a large one: a message has the same coefficients in both. */
Test(embedding, transforms_do_not_depend_on_the_ring)
{
    ref_random r = ref_random_start(6);
    fixture f = start(HEL_SIMD_AUTO, 10), g = start(HEL_SIMD_AUTO, 14);
    for (uint32_t log_s = 0; log_s < 10; log_s++) {
        double x[1024], y[1024];
        fill(&r, x, (size_t)2 << log_s, 0);
        memcpy(y, x, sizeof x);
        hel_embedding_forward(f.e, log_s, x);
        hel_embedding_forward(g.e, log_s, y);
        cr_assert_arr_eq(x, y, sizeof *x * 2 << log_s, "log_s %u", log_s);
    }
    end(&f);
    end(&g);
}

/* ---- lifetime ---- */

Test(embedding, creation_fails_cleanly)
{
    hel_engine *engine;
    hel_embedding *e;
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = 1;
    cr_assert_eq(hel_engine_create(&engine, &config), HEL_OK);
    const uint64_t before = hel_mem_in_use();
    for (uint64_t nth = 1;; nth++) {
        hel_mem_fail_nth(nth);
        const hel_status status = hel_embedding_create(engine, &e, 11);
        hel_mem_fail_nth(0);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_MEMORY);
        cr_assert_null(e);
        cr_assert_eq(hel_mem_in_use(), before, "allocation %llu", (unsigned long long)nth);
        cr_assert_lt(nth, 10u);
    }
    hel_embedding_free(e);
    hel_embedding_free(NULL);
    cr_assert_eq(hel_mem_in_use(), before);
    cr_assert_eq(hel_embedding_create(engine, &e, HEL_LOG_N_MIN - 1), HEL_E_USAGE);
    cr_assert_null(e);
    cr_assert_eq(hel_embedding_create(engine, &e, HEL_LOG_N_MAX + 1), HEL_E_USAGE);
    hel_engine_free(engine);
}
