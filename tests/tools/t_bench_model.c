/* The benchmark's model: counts and times by hand, rates as JSON, rates from figures and back. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "host/assoc/shard.h"
#include "tests/base/test_dir.h"
#include "tests/ref/ref_random.h"
#include "tools/heloci/bench_rates.h"

static hel_engine *engine;

static void setup(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
}

static void teardown(void)
{
    hel_engine_free(engine);
}

TestSuite(bench_model, .init = setup, .fini = teardown);

/* Profile S. */
static const hel_params usual = {.log_n = 13,
                                 .scan_limbs = 3,
                                 .expand_limbs = 4,
                                 .special_limbs = 2,
                                 .digit_limbs = 2,
                                 .out_limbs = 2,
                                 .chunk = 4096};

Test(bench_model, columns)
{
    const bench_size one = {.samples = 10, .variants = 10, .covariates = 10, .quantitative = 1};
    bench_shape s = bench_shape_of(&one);
    cr_expect(s.columns == 12 && s.outputs == 13); /* 11 of the basis, a residual; the mask twice */
    bench_size size = one;
    size.quantitative = 0;
    size.binary = 2;
    s = bench_shape_of(&size);
    cr_expect(s.columns == 28 && s.outputs == 30);
    size.quantitative = 3;
    s = bench_shape_of(&size);
    cr_expect(s.columns == 42 && s.outputs == 45);
}

/* The large cohort: 62 blocks, 25 chunks. */
Test(bench_model, bytes)
{
    const bench_shape s = {.samples = 100000, .variants = 500000, .columns = 25, .outputs = 27};
    const bench_bytes b = bench_bytes_of(&s, &usual);
    cr_expect_eq(bench_blocks(&s, &usual), 62);
    cr_expect_eq(bench_chunks(&s, &usual), 25);
    cr_expect_eq(b.genotypes, 100000.0 * 62 * 8192 * 24);
    /* 24 chunks of 4096 x 25 = 102,400 weights: 12.5 ciphertexts; one of 1,696 samples = 27
     * segments: 43,200 weights, 5.27 */
    cr_expect_eq(bench_packed(&s, &usual), 24 * 13 + 6);
    cr_expect_eq(b.weights, (24 * 13 + 6) * 131072.0);
    cr_expect_eq(b.sums, 25.0 * 62 * 27 * 131072);
    cr_expect_eq(b.clear, 25000.0 * 500000);
    cr_expect_eq(b.dataset, 100000.0 * 62 * 2 * 8);
    cr_expect_eq(bench_block_memory(&s, &usual), 27.0 * 3 * 3 * 8192 * 4);
    cr_expect_str_eq(bench_grouped(1234567), "1,234,567");
    cr_expect_str_eq(bench_grouped(999), "999");
    cr_expect_str_eq(bench_grouped(0), "0");
}

static const bench_rates simple = {.backend = "cpu",
                                   .name = "by hand",
                                   .measured = 1,
                                   .cores = 2,
                                   .start = 1,
                                   .weight = 1e-4,
                                   .ciphertext = 1e-2,
                                   .row = 1e-9,
                                   .product = 2e-9,
                                   .sum = 1e-3,
                                   .read = 1e-10,
                                   .write = 1e-9,
                                   .memory = 1e12,
                                   .keygen = 3,
                                   .encrypt = 1e-8,
                                   .null = 1e-5,
                                   .decrypt = 1e-2,
                                   .postprocess = 1e-6};

static bench_outlook run(const bench_rates *rates, const bench_shape *s, double nodes,
                         double storage)
{
    bench_outlook x;
    cr_assert_eq(bench_model_scan(engine, rates, s, &usual, &(bench_cluster){nodes, storage}, &x),
                 HEL_OK, "%s", hel_engine_error(engine));
    return x;
}

/* One chunk of 64 samples, one block: a unit, a step, a span; nothing overlaps but reading. */
Test(bench_model, a_small_scan_by_hand)
{
    const bench_shape s = {.samples = 64, .variants = 8192, .columns = 10, .outputs = 11};
    const double genotypes = 64.0 * 8192, read = genotypes * 24 * 1e-10;
    const double products = genotypes * (2 * 1e-9 + 11 * 2e-9);
    const double expand = 640 * 1e-4 + 1e-2, finish = 11 * (1e-3 + 131072e-9);
    const bench_outlook x = run(&simple, &s, 1, INFINITY);
    cr_expect_float_eq(x.paper, 1 + expand + finish + products, 1e-9);
    cr_expect_float_eq(x.scan.wall, 1 + fmax(expand, read) + products + finish, 1e-9);
    cr_expect_eq(x.blocks, 1);
    cr_expect_eq(x.ranges, 1);
    cr_expect_eq(x.merge, 0);
    cr_expect_eq(x.by_storage, 0);
    cr_expect_float_eq(x.billed, 2 * x.scan.wall / 3600, 1e-9);
}

/* Reading decides: storage gives a node less than it could read. */
Test(bench_model, a_scan_that_waits_for_storage)
{
    const bench_shape s = {.samples = 4096, .variants = 8192.0 * 64, .columns = 10, .outputs = 11};
    const double bytes = 4096.0 * 8192 * 64 * 24;
    const bench_outlook x = run(&simple, &s, 1, 1e8);
    cr_expect_eq(x.by_storage, 1);
    cr_expect_float_eq(x.scan.read, bytes / 1e8, 1e-6 * x.scan.read);
    cr_expect(x.scan.wall >= bytes / 1e8 && x.scan.wall < bytes / 1e8 * 1.05 + 10);
    /* four nodes share it: as long for four times as much, and no faster for the same */
    const bench_outlook same = run(&simple, &s, 4, 1e8);
    cr_expect_float_eq(same.scan.read, x.scan.read, 1e-6 * x.scan.read);
    cr_expect_eq(same.blocks, 16);
    cr_expect_float_eq(same.merge, 64.0 * 11 * 131072 * 2 / 1e8, 1e-9);
}

/* Storage slower than the node decides nothing while the products, the copies or the weights take
 * longer still. */
Test(bench_model, a_slow_storage_that_does_not_decide)
{
    const bench_shape s = {.samples = 4096, .variants = 8192.0 * 64, .columns = 10, .outputs = 11};
    const double reading = 4096.0 * 8192 * 64 * 24 / 1e8; /* 515 s */
    bench_rates rates = simple;
    cr_expect_eq(run(&rates, &s, 1, 1e8).by_storage, 1);
    rates.product *= 1.05 * reading / run(&simple, &s, 1, 1e8).scan.products;
    rates.row *= 1.05 * reading / run(&simple, &s, 1, 1e8).scan.products;
    cr_expect_gt(run(&rates, &s, 1, 1e8).scan.products, reading);
    cr_expect_eq(run(&rates, &s, 1, 1e8).by_storage, 0);
    rates = simple;
    rates.copy = 1.05 / 1e8;
    cr_expect_eq(run(&rates, &s, 1, 1e8).by_storage, 0);
    rates = simple;
    rates.weight = 1.05 * reading / (4096 * 10);
    cr_expect_eq(run(&rates, &s, 1, 1e8).by_storage, 0);
}

/* Accumulators of the whole do not fit: weights are expanded again. */
Test(bench_model, memory_makes_ranges)
{
    const bench_shape s = {.samples = 4096, .variants = 8192.0 * 64, .columns = 10, .outputs = 11};
    bench_rates rates = simple;
    rates.memory = bench_other_memory(&s, &usual) + 17 * bench_block_memory(&s, &usual);
    const bench_outlook x = run(&rates, &s, 1, INFINITY), all = run(&simple, &s, 1, INFINITY);
    cr_expect_eq(x.ranges, 4); /* of 16 */
    cr_expect_float_eq(x.scan.expand, 4 * all.scan.expand, 1e-9 * x.scan.expand);
    cr_expect_float_eq(x.scan.products, all.scan.products, 1e-9 * x.scan.products);
    rates.memory = 1; /* less than works: block by block */
    cr_expect_eq(run(&rates, &s, 1, INFINITY).ranges, 64);
}

Test(bench_model, nodes_share_the_blocks)
{
    const bench_shape s = {.samples = 1000, .variants = 8192.0 * 10, .columns = 10, .outputs = 11};
    cr_expect_eq(run(&simple, &s, 3, INFINITY).blocks, 4);
    cr_expect_eq(run(&simple, &s, 10, INFINITY).blocks, 1);
    cr_expect_eq(run(&simple, &s, 1000, INFINITY).blocks, 1);
    /* ten nodes at the most have work, and are paid */
    const bench_outlook x = run(&simple, &s, 1000, INFINITY);
    cr_expect_float_eq(x.billed, 10 * 2 * x.scan.wall / 3600, 1e-9);
}

/* The borders are the scan's. */
Test(bench_model, shards_end_where_the_scan_ends_them)
{
    ref_random random = ref_random_start(3);
    for (size_t i = 0; i < ref_scaled(300); i++) {
        const uint32_t blocks = 1 + ref_random_below(&random, i % 2 ? 200 : 20000);
        const uint32_t shards = 1 + ref_random_below(&random, i % 3 ? blocks : 16) % blocks;
        const hel_geno_layout geno = {
            .log_n = 13, .blocks = blocks, .super_block = BENCH_SUPER_BLOCK};
        for (uint32_t k = 1; k <= shards; k++) {
            uint32_t first, count;
            cr_assert_eq(hel_shard_range(engine, &geno, k, shards, &first, &count), HEL_OK);
            cr_assert_eq(bench_shard_border(blocks, k - 1, shards), first, "%u of %u, %u blocks", k,
                         shards, blocks);
            cr_assert_eq(bench_shard_border(blocks, k, shards), first + count);
        }
    }
}

/* Ranges one after another, as the scan cuts them, and the super-blocks that each has a part of. */
static void walk(uint64_t blocks, uint64_t first, uint64_t end, uint64_t range, uint64_t *ranges,
                 uint64_t *read)
{
    *ranges = *read = 0;
    while (first < end) {
        uint64_t last = end - first > range ? first + range : end;
        if (last < end && range >= 16)
            last -= last % 8;
        for (uint64_t super = first / 8; super * 8 < last; super++)
            *read += super * 8 + 8 < blocks ? 8 : blocks - super * 8;
        ++*ranges;
        first = last;
    }
}

Test(bench_model, super_blocks_are_read_whole)
{
    ref_random random = ref_random_start(4);
    for (size_t i = 0; i < ref_scaled(20000); i++) {
        const uint64_t blocks = 1 + ref_random_below(&random, 150);
        const uint64_t first = ref_random_below(&random, (uint32_t)blocks);
        const uint64_t end = first + 1 + ref_random_below(&random, (uint32_t)(blocks - first));
        const uint64_t range = 1 + ref_random_below(&random, 40);
        uint64_t ranges, read;
        walk(blocks, first, end, range, &ranges, &read);
        cr_assert_eq(bench_ranges(first, end, range), ranges, "%d to %d by %d: %d", (int)first,
                     (int)end, (int)range, (int)ranges);
        cr_assert_eq(bench_blocks_read(blocks, first, end, range), read,
                     "%d to %d of %d by %d: %d, not %d", (int)first, (int)end, (int)blocks,
                     (int)range, (int)bench_blocks_read(blocks, first, end, range), (int)read);
    }
}

/* 62 blocks on 16 nodes: most shards of four blocks have parts of two super-blocks. */
Test(bench_model, small_shards_read_more_than_their_share)
{
    const bench_shape s = {.samples = 100000, .variants = 500000, .columns = 10, .outputs = 11};
    const bench_outlook x = run(&simple, &s, 16, 1e9), one = run(&simple, &s, 1, 1e9);
    cr_expect_eq(one.read, 62);
    cr_expect_eq(one.read_all, 62);
    cr_expect_eq(x.blocks, 4);
    cr_expect_eq(x.read, 16);
    cr_expect_eq(x.read_all, 180); /* 2.9 times as much */
    const double block = 100000.0 * 8192 * 24;
    cr_expect_float_eq(x.scan.read, 180 * block / 1e9, 1e-6 * x.scan.read);
    /* without such a storage, the node with the most decides */
    const bench_outlook fast = run(&simple, &s, 16, INFINITY);
    cr_expect_float_eq(fast.scan.read, 16 * block * 1e-10, 1e-6 * fast.scan.read);
    /* so it is with memory for five blocks at a time */
    bench_rates rates = simple;
    rates.memory = bench_other_memory(&s, &usual) + 5.5 * bench_block_memory(&s, &usual);
    const bench_outlook little = run(&rates, &s, 1, INFINITY);
    cr_expect_eq(little.ranges, 13);
    uint64_t ranges, read;
    walk(62, 0, 62, 5, &ranges, &read);
    cr_expect_gt(read, 62);
    cr_expect_eq(little.read, (double)read);
    cr_expect_float_eq(little.scan.products, one.scan.products, 1e-6 * one.scan.products);
    /* whole super-blocks from eight of them a shard on */
    const bench_shape wide = {
        .samples = 100, .variants = 8192.0 * 1024, .columns = 1, .outputs = 1};
    cr_expect_eq(run(&simple, &wide, 15, INFINITY).read_all, 1024);
    cr_expect_gt(run(&simple, &wide, 17, INFINITY).read_all, 1024);
}

Test(bench_model, the_owner)
{
    const bench_shape s = {.samples = 5000, .variants = 10000, .columns = 10, .outputs = 11};
    const bench_owner x = bench_model_owner(&simple, &s, &usual, 2);
    cr_expect_eq(x.keygen, 3);
    cr_expect_float_eq(x.encrypt, 5000.0 * 2 * 8192 * 1e-8, 1e-9);
    cr_expect_float_eq(x.null, 50000 * 1e-5, 1e-9);
    cr_expect_float_eq(x.decrypt, 2 * 2 * 11 * 1e-2, 1e-9);
    cr_expect_float_eq(x.postprocess, 2 * 10000 * 1e-6, 1e-9);
}

/* A scan whose stages take what the rates say gives the rates back. */
Test(bench_model, rates_from_figures)
{
    const bench_shape s = {.samples = 4096, .variants = 8192.0 * 16, .columns = 10, .outputs = 11};
    const double genotypes = 4096.0 * 8192 * 16, bytes = genotypes * 24, sums = 16 * 11;
    const double packed = bench_packed(&s, &usual);
    const bench_outlook x = run(&simple, &s, 1, INFINITY);
    hel_scan_stats stats = {.genotypes = (uint64_t)genotypes, .passes = 1};
    hel_scan_rates sampled = {.row = 2e-9, .product = 4e-9, .weight = 1e-3, .ciphertext = 1e-1};
    const hel_scan_stage stage[] = {
        {.name = "read", .busy = 2 * bytes * 6e-11, .bytes = (uint64_t)bytes, .workers = 2},
        {.name = "check", .busy = 2 * bytes * 4e-11, .bytes = (uint64_t)bytes, .workers = 2},
        {.name = "expand", .busy = 3 * (40960 * 1e-4 + packed * 1e-2), .workers = 3},
        {.name = "accumulate", .busy = 3 * genotypes * 24e-9, .workers = 3},
        {.name = "finish", .busy = 3 * sums * 1e-3, .workers = 3},
        {.name = "write", .busy = sums * 131072e-9, .workers = 3},
    };
    stats.stages = sizeof stage / sizeof *stage;
    memcpy(stats.stage, stage, sizeof stage);
    stats.wall = x.scan.wall - 0.25; /* a second until the work begins */
    stats.forecast_from = 0.75;
    bench_rates got = {.memory = simple.memory};
    cr_assert_eq(bench_rates_of_scan(engine, &got, &stats, &sampled, &s, &usual, x.scan.wall),
                 HEL_OK);
    cr_expect_float_eq(got.weight, 1e-4, 1e-12);
    cr_expect_float_eq(got.ciphertext, 1e-2, 1e-10);
    cr_expect_float_eq(got.row, 1e-9, 1e-17);
    cr_expect_float_eq(got.product, 2e-9, 1e-17);
    cr_expect_float_eq(got.sum, 1e-3, 1e-11);
    cr_expect_float_eq(got.read, 1e-10, 1e-18);
    cr_expect_float_eq(got.write, 1e-9, 1e-17);
    cr_expect_float_eq(got.start, 1, 1e-6);
    cr_expect_float_eq(got.spread, 1, 1e-9);
    cr_expect_eq(got.device, 0);
    cr_expect_float_eq(run(&got, &s, 1, INFINITY).scan.wall, x.scan.wall, 1e-6);
    /* a tenth longer than the stages say: so are all rates, and the whole comes out */
    stats.wall = 1.1 * x.scan.wall;
    stats.forecast_from = 0;
    cr_assert_eq(bench_rates_of_scan(engine, &got, &stats, &sampled, &s, &usual, stats.wall),
                 HEL_OK);
    cr_expect_eq(got.start, 0);
    cr_expect_float_eq(got.weight, 1e-4 * got.spread, 1e-12);
    cr_expect_float_eq(got.read, 1e-10 * got.spread, 1e-18);
    cr_expect_float_eq(run(&got, &s, 1, INFINITY).scan.wall, stats.wall, 1e-6);
    stats.forecast_from = stats.wall; /* of the figures that follow nothing is to be spread */
    /* a device counts for itself */
    stats.on_device = 1;
    stats.device_expand = 40960 * 2e-4 + packed * 2e-2;
    stats.device_scan = genotypes * 12e-9;
    stats.device_output = sums * 5e-4;
    stats.device_copy = bytes * 2e-11;
    stats.stage[stats.stages++] = (hel_scan_stage){.name = "copy", .bytes = (uint64_t)bytes};
    cr_assert_eq(bench_rates_of_scan(engine, &got, &stats, &sampled, &s, &usual, stats.wall),
                 HEL_OK);
    cr_expect_eq(got.device, 1);
    cr_expect_float_eq(got.weight, 2e-4, 1e-12);
    cr_expect_float_eq(got.product, 1e-9, 1e-17);
    cr_expect_float_eq(got.sum, 5e-4, 1e-12);
    cr_expect_float_eq(got.copy, 2e-11, 1e-19);
    cr_expect_eq(got.start, stats.wall);
    /* the seconds of four devices are a sum; the host's are not */
    const double read = got.read, write = got.write;
    stats.on_device = 4;
    cr_assert_eq(bench_rates_of_scan(engine, &got, &stats, &sampled, &s, &usual, stats.wall),
                 HEL_OK);
    cr_expect_eq(got.cores, 4);
    cr_expect_float_eq(got.weight, 2e-4 / 4, 1e-12);
    cr_expect_float_eq(got.ciphertext, 2e-2 / 4, 1e-12);
    cr_expect_float_eq(got.row, 0.5e-9 / 4, 1e-17);
    cr_expect_float_eq(got.product, 1e-9 / 4, 1e-17);
    cr_expect_float_eq(got.sum, 5e-4 / 4, 1e-12);
    cr_expect_float_eq(got.copy, 2e-11 / 4, 1e-19);
    cr_expect_eq(got.read, read);
    cr_expect_eq(got.write, write);
}

/* Devices of a node take its ranges, each by its own memory. */
Test(bench_model, devices_have_a_range_each)
{
    const bench_shape s = {.samples = 4096, .variants = 8192.0 * 64, .columns = 10, .outputs = 11};
    bench_rates rates = simple;
    rates.device = 1;
    rates.cores = 4;
    cr_expect_eq(run(&rates, &s, 1, INFINITY).ranges, 4);
    rates.cores = 3; /* 22, in whole super-blocks: 16, 16, 16, 16 */
    cr_expect_eq(run(&rates, &s, 1, INFINITY).ranges, 4);
    rates.cores = 100;
    cr_expect_eq(run(&rates, &s, 1, INFINITY).ranges, 64);
    rates.memory = bench_other_memory(&s, &usual) + 9 * bench_block_memory(&s, &usual);
    rates.cores = 4;
    cr_expect_eq(run(&rates, &s, 1, INFINITY).ranges, 8);
    rates.device = 0; /* threads hold them together */
    rates.memory = simple.memory;
    cr_expect_eq(run(&rates, &s, 1, INFINITY).ranges, 1);
}

Test(bench_model, rates_that_make_no_sense)
{
    const bench_shape s = {.samples = 64, .variants = 8192, .columns = 10, .outputs = 11};
    bench_rates rates = simple;
    bench_outlook x;
    rates.weight = -1;
    cr_expect_eq(bench_model_scan(engine, &rates, &s, &usual, &(bench_cluster){1, INFINITY}, &x),
                 HEL_E_USAGE);
}

Test(bench_model, the_large_cohorts_can_be_predicted)
{
    const bench_rates *const sets[] = {&simple, &bench_rates_h200};
    const bench_shape s[] = {{100000, 500000, 26, 28}, {500000, 10000000, 26, 28}};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            const bench_outlook one = run(sets[i], &s[k], 1, 1e10),
                                many = run(sets[i], &s[k], 64, 1e10);
            cr_expect(one.scan.wall > 0 && isfinite(one.scan.wall));
            cr_expect(many.by_storage || many.scan.wall < one.scan.wall / 20);
            /* what is read twice may cost more than the nodes bring */
            cr_expect_lt(many.scan.wall, one.scan.wall * 1.1 * many.read_all / one.read_all);
            cr_expect_geq(one.scan.wall, one.scan.products);
            cr_expect_geq(one.scan.wall, one.scan.read);
        }
}

/* bench/ladders/scan/README.md, the variant in use: G genotypes and planes per second. */
Test(bench_model, the_h200_is_the_ladders)
{
    static const struct {
        int columns;
        double rate, margin;
    } row[] = {{24, 28e9, 0.01}, {13, 45e9, 0.03}, {25, 24e9, 0.15}, {40, 15e9, 0.25}};
    for (int i = 0; i < 4; i++) {
        const double seconds = bench_rates_h200.row + row[i].columns * bench_rates_h200.product;
        cr_expect_float_eq(seconds * row[i].rate, 1, row[i].margin, "%d columns: %g G/s",
                           row[i].columns, 1e-9 / seconds);
    }
    cr_expect_float_eq(1 / bench_rates_h200.weight, 1.7e6, 0.1e6);
    cr_expect_not(bench_rates_h200.measured);
}

/* ---- text ---- */

Test(bench_model, cohorts_on_the_command_line)
{
    const char *at = "100000x500000,2x3";
    double samples, variants;
    cr_assert(bench_cohort_read(&at, &samples, &variants));
    cr_expect(samples == 100000 && variants == 500000);
    cr_assert(bench_cohort_read(&at, &samples, &variants));
    cr_expect(samples == 2 && variants == 3 && *at == 0);
    static const char *const bad[] = {
        "",      "5",   "5x",    "x5",     "0x5", "5x0",   "-1x5",   "5 x5",  "5x5 ",     "1.5x5",
        "5x1.5", "5X5", "5x5;1", "1e10x5", "a",   "5xabc", "1x1e13", "5x5x5", "1e9x1e12x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        at = bad[i];
        cr_expect_eq(bench_cohort_read(&at, &samples, &variants), 0, "'%s'", bad[i]);
    }
}

Test(bench_model, medians)
{
    static const double x[] = {3, 1, 2, 10};
    cr_expect_eq(bench_median(x, 1), 3);
    cr_expect_eq(bench_median(x, 2), 2);
    cr_expect_eq(bench_median(x, 3), 2);
    cr_expect_eq(bench_median(x, 4), 2.5);
}

static int read_text(const char *text, bench_rates *out, uint32_t *count, char *why, size_t room)
{
    test_dir dir;
    test_dir_make(&dir);
    const char *path = test_dir_path(&dir, "r.json");
    test_write_file(path, text, strlen(text), 0600);
    const int rc = bench_rates_read(path, out, count, why, room);
    test_dir_remove(&dir);
    return rc;
}

Test(bench_model, rates_go_through_json)
{
    bench_rates got[RATES_MOST];
    uint32_t count;
    char why[512] = "";
    json_t *root = json_object(), *rates = json_object();
    json_put(&rates, "cpu", bench_rates_json(&simple));
    json_put(&rates, "cuda", bench_rates_json(&bench_rates_h200));
    json_put(&root, "rates", rates);
    char *text = json_dumps(root, JSON_REAL_PRECISION(17));
    cr_assert_eq(read_text(text, got, &count, why, sizeof why), 0, "%s", why);
    cr_assert_eq(count, 2);
    cr_expect_str_eq(got[0].backend, "cpu");
    cr_expect_str_eq(got[1].backend, "cuda");
    const size_t first = offsetof(bench_rates, cores); /* numbers from there on */
    cr_expect_eq(
        memcmp((char *)&got[0] + first, (const char *)&simple + first, sizeof simple - first), 0);
    cr_expect_str_eq(got[0].name, "by hand");
    cr_expect(got[0].measured && !got[1].measured && got[1].device);
    cr_expect(got[0].weight == simple.weight && got[0].postprocess == simple.postprocess &&
              got[1].copy == bench_rates_h200.copy && got[1].encrypt == 0);
    free(text);
    json_decref(root);
}

#define ALL                                                                                        \
    "\"cores\": 1, \"weight\": 1, \"row\": 1, \"product\": 1, \"sum\": 1, \"read\": 1, "           \
    "\"memory\": 1"

Test(bench_model, rates_that_are_none)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line"},
        {"[]", "holds no \"rates\""},
        {"{}", "holds no \"rates\""},
        {"{\"rates\": {}}", "holds no \"rates\""},
        {"{\"rates\": {\"cpu\": 1}}", "rates.cpu.cores"},
        {"{\"rates\": {\"gpu\": {" ALL ", \"copy\": -1}}}", "rates.gpu.copy"},
        {"{\"rates\": {\"gpu\": {" ALL ", \"start\": 1e300}}}", "rates.gpu.start"},
        {"{\"rates\": {\"x\": {\"cores\": 1, \"weight\": 0}}}", "rates.x.weight"},
        {"{\"rates\": {\"a\":{" ALL "},\"b\":{" ALL "},\"c\":{" ALL "},\"d\":{" ALL "},\"e\":{" ALL
         "},\"f\":{" ALL "},\"g\":{" ALL "},\"h\":{" ALL "},\"i\":{" ALL "}}}",
         "more than 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_rates got[RATES_MOST];
        uint32_t count;
        char why[512] = "";
        cr_expect_eq(read_text(cases[i].text, got, &count, why, sizeof why), 65, "%zu", i);
        cr_expect(strstr(why, cases[i].says) != NULL, "%zu: %s", i, why);
    }
    bench_rates got[RATES_MOST];
    uint32_t count;
    char why[512] = "";
    cr_expect_eq(read_text("{\"rates\": {\"gpu\": {" ALL "}}}", got, &count, why, sizeof why), 0);
    cr_expect_eq(bench_rates_read("/nonexistent", got, &count, why, sizeof why), 65);
}
