/* The scan's model through the public header: a case by hand, the oracle, what is no load. */
#include <criterion/criterion.h>
#include <math.h>

#include "heloci/assoc.h"
#include "tests/ref/ref_pipeline.h"
#include "tests/ref/ref_random.h"

static hel_engine *engine;

static void setup(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
}

static void teardown(void)
{
    hel_engine_free(engine);
}

TestSuite(scan_forecast, .init = setup, .fini = teardown);

/* One unit, one step of two spans, two slots: 1 s to begin, reading from then on.
 *   read     1..3  3..5
 *   expand   1..5 (4 s)
 *   products 5..8  8..11
 *   finish   11..13 */
Test(scan_forecast, by_hand)
{
    hel_scan_load load = HEL_SCAN_LOAD_INIT;
    hel_scan_outlook x;
    load.units = 1;
    load.steps = 1;
    load.spans = 2;
    load.slots = 2;
    load.begin = 1;
    load.read = 2;
    load.expand = 4;
    load.products = 3;
    load.finish = 2;
    cr_assert_eq(hel_scan_forecast(engine, &load, &x), HEL_OK);
    cr_expect_float_eq(x.wall, 13, 1e-12);
    cr_expect_float_eq(x.read, 4, 1e-12);
    cr_expect_float_eq(x.products, 6, 1e-12);
    cr_expect_float_eq(x.expand, 4, 1e-12);
    cr_expect_float_eq(x.finish, 2, 1e-12);
    cr_expect_float_eq(x.starved, 0, 1e-12);
    load.read = 5; /* 1..6, 6..11: products 6..9 and 11..14 */
    cr_assert_eq(hel_scan_forecast(engine, &load, &x), HEL_OK);
    cr_expect_float_eq(x.wall, 16, 1e-12);
    cr_expect_float_eq(x.starved, 3, 1e-12);
}

Test(scan_forecast, as_the_oracle)
{
    ref_random random = ref_random_start(1);
    for (size_t i = 0; i < ref_scaled(300); i++) {
        const ref_pipeline p = {.units = 1 + ref_random_below(&random, 4),
                                .steps = 1 + ref_random_below(&random, 4),
                                .spans = 1 + ref_random_below(&random, 6),
                                .slots = 1 + ref_random_below(&random, 4),
                                .read = 1 + ref_random_below(&random, 9),
                                .products = 1 + ref_random_below(&random, 9),
                                .expand = ref_random_below(&random, 9),
                                .finish = ref_random_below(&random, 9),
                                .begin = ref_random_below(&random, 9)};
        hel_scan_load load = HEL_SCAN_LOAD_INIT;
        hel_scan_outlook x;
        load.units = p.units;
        load.steps = p.steps;
        load.spans = p.spans;
        load.slots = p.slots;
        load.read = p.read;
        load.products = p.products;
        load.expand = p.expand;
        load.finish = p.finish;
        load.begin = p.begin;
        cr_assert_eq(hel_scan_forecast(engine, &load, &x), HEL_OK);
        cr_assert_float_eq(x.wall, (double)ref_pipeline_run(&p), 1e-9,
                           "%u units, %u steps, %u spans, %u slots; %u %u %u %u %u: %g", p.units,
                           p.steps, p.spans, p.slots, p.begin, p.read, p.products, p.expand,
                           p.finish, x.wall);
    }
}

Test(scan_forecast, what_is_no_load)
{
    hel_scan_load load = HEL_SCAN_LOAD_INIT, bad;
    hel_scan_outlook x;
    cr_assert_eq(hel_scan_forecast(engine, &load, &x), HEL_OK); /* nothing to do */
    cr_expect_eq(x.wall, 0);
    cr_expect_eq(hel_scan_forecast(engine, NULL, &x), HEL_E_USAGE);
    cr_expect_eq(hel_scan_forecast(engine, &load, NULL), HEL_E_USAGE);
    bad = load;
    bad.size--;
    cr_expect_eq(hel_scan_forecast(engine, &bad, &x), HEL_E_USAGE);
    double *const times[] = {&bad.begin,    &bad.read,   &bad.copy,
                             &bad.products, &bad.expand, &bad.finish};
    static const double wrong[] = {-1e-9, NAN, INFINITY};
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 3; k++) {
            bad = load;
            *times[i] = wrong[k];
            cr_expect_eq(hel_scan_forecast(engine, &bad, &x), HEL_E_USAGE, "%zu %g", i, wrong[k]);
            cr_expect(strstr(hel_engine_error(engine), "no time") != NULL);
        }
    bad = load;
    bad.steps = bad.spans = 5000;
    cr_expect_eq(hel_scan_forecast(engine, &bad, &x), HEL_E_USAGE);
    cr_expect(strstr(hel_engine_error(engine), "5000 steps") != NULL);
}
