/* The model against a clock that ticks: equal to the tick, for every kind of bottleneck. */
#include <criterion/criterion.h>
#include <math.h>

#include "host/sched/forecast.h"
#include "tests/base/test_dir.h"
#include "tests/ref/ref_pipeline.h"

static hel_pipeline of(const ref_pipeline *r)
{
    return (hel_pipeline){.units = r->units,
                          .steps = r->steps,
                          .spans = r->spans,
                          .slots = r->slots,
                          .read = r->read,
                          .copy = r->copy,
                          .products = r->products,
                          .expand = r->expand,
                          .finish = r->finish,
                          .begin = r->begin};
}

static void compare(const ref_pipeline *r)
{
    const hel_pipeline p = of(r);
    const hel_forecast f = hel_forecast_run(&p);
    const uint64_t want = ref_pipeline_run(r);
    cr_assert_float_eq(f.wall, (double)want, 1e-6 * (double)want + 1e-9,
                       "%u units, %u steps, %u spans, %u slots; read %u copy %u products %u expand "
                       "%u finish %u begin %u: %.3f, ticks %llu",
                       r->units, r->steps, r->spans, r->slots, r->read, r->copy, r->products,
                       r->expand, r->finish, r->begin, f.wall, (unsigned long long)want);
    /* the arithmetic is busy, or starved, or done */
    cr_assert_float_eq(f.products + f.expand + f.finish + f.starved + r->begin, f.wall,
                       1e-6 * f.wall + 1e-9);
}

Test(forecast, is_the_clock, .timeout = 120)
{
    uint64_t seed = test_seed();
    for (size_t i = 0; i < test_scale(2000); i++) {
        const uint64_t x = test_random(&seed), y = test_random(&seed);
        const ref_pipeline r = {.units = 1 + (uint32_t)(x % 4),
                                .steps = 1 + (uint32_t)(x >> 8) % 6,
                                .spans = 1 + (uint32_t)(x >> 16) % 5,
                                .slots = 1 + (uint32_t)(x >> 24) % 4,
                                .read = (uint32_t)(x >> 32) % 20,
                                .copy = (x >> 40) % 2 ? (uint32_t)(x >> 48) % 20 : 0,
                                .products = (uint32_t)y % 20,
                                .expand = (uint32_t)(y >> 16) % 40,
                                .finish = (uint32_t)(y >> 24) % 60,
                                .begin = (uint32_t)(y >> 32) % 10};
        compare(&r);
    }
}

Test(forecast, corners)
{
    compare(&(ref_pipeline){.units = 1, .steps = 1, .spans = 1, .slots = 1});
    compare(
        &(ref_pipeline){.units = 3, .steps = 4, .spans = 5, .slots = 1, .read = 7, .products = 7});
    compare(
        &(ref_pipeline){.units = 1, .steps = 9, .spans = 2, .slots = 3, .read = 1, .expand = 50});
    const hel_forecast none = hel_forecast_run(&(hel_pipeline){.units = 0, .steps = 1, .spans = 1});
    cr_assert_float_eq(none.wall, 0, 0);
}

/* Bounds that need no simulation: the slowest stage, and the sum of all. Far more spans than are
 * simulated one by one. */
Test(forecast, long_ones_lie_between_their_bounds)
{
    uint64_t seed = test_seed();
    for (size_t i = 0; i < test_scale(20); i++) {
        hel_pipeline p = {.units = 1000, .steps = 200, .spans = 5, .slots = 3};
        p.read = 1e-4 * (double)(test_random(&seed) % 100);
        p.products = 1e-4 * (double)(test_random(&seed) % 100);
        p.expand = 1e-3 * (double)(test_random(&seed) % 10);
        p.finish = 1e-3 * (double)(test_random(&seed) % 100);
        const hel_forecast f = hel_forecast_run(&p);
        const double arithmetic = f.products + f.expand + f.finish;
        cr_assert_geq(f.wall, (arithmetic > f.read ? arithmetic : f.read) * (1 - 1e-9));
        cr_assert_leq(f.wall, (arithmetic + f.read) * (1 + 1e-9));
    }
}
