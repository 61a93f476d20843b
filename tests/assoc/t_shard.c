/* Ranges of shards cover every block once, evenly, on super-blocks where they are long; names; the
 * section of partial sums with every field out of range; file ids. */
#include <criterion/criterion.h>

#include "host/assoc/shard.h"
#include "host/base/mem.h"
#include "tests/base/test_dir.h"

static hel_engine *engine;

static void setup(void)
{
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
}

static void teardown(void)
{
    cr_expect_eq(hel_mem_in_use(), 0, "a leak");
    hel_engine_free(engine);
}

TestSuite(shard, .init = setup, .fini = teardown);

static void check_shards(uint32_t blocks, uint32_t super, uint32_t shards)
{
    const hel_geno_layout geno = {.log_n = 13, .blocks = blocks, .super_block = super};
    uint32_t at = 0, least = UINT32_MAX, most = 0;
    for (uint32_t i = 1; i <= shards; i++) {
        uint32_t first, count;
        cr_assert_eq(hel_shard_range(engine, &geno, i, shards, &first, &count), HEL_OK);
        cr_assert_eq(first, at, "%u of %u of %u blocks begins at %u, not %u", i, shards, blocks,
                     first, at);
        cr_assert_gt(count, 0);
        at += count;
        least = count < least ? count : least;
        most = count > most ? count : most;
        if (blocks / shards >= 8 * super)
            cr_assert(first % super == 0 && (at % super == 0 || at == blocks));
    }
    cr_assert_eq(at, blocks);
    const uint32_t slack = blocks / shards >= 8 * super ? 2 * super : 1; /* half at each end */
    cr_assert_leq(most - least, slack, "%u blocks, %u shards: %u to %u", blocks, shards, least,
                  most);
}

Test(shard, ranges_cover_everything_once)
{
    uint64_t seed = test_seed();
    for (uint32_t blocks = 1; blocks <= 70; blocks++)
        for (uint32_t shards = 1; shards <= blocks; shards++)
            check_shards(blocks, 1 + blocks % 9, shards);
    for (size_t i = 0; i < test_scale(200); i++) {
        const uint32_t blocks = 1 + (uint32_t)(test_random(&seed) % 20000);
        check_shards(blocks, 1 + (uint32_t)(test_random(&seed) % 16),
                     1 + (uint32_t)(test_random(&seed) % (blocks < 300 ? blocks : 300)));
    }
}

Test(shard, what_is_no_shard)
{
    static const uint32_t bad[][2] = {{0, 1}, {2, 1}, {1, 11}, {0, 0}, {UINT32_MAX, UINT32_MAX}};
    const hel_geno_layout geno = {.log_n = 13, .blocks = 10, .super_block = 8};
    uint32_t first, count;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        hel_error_clear(engine);
        cr_assert_eq(hel_shard_range(engine, &geno, bad[i][0], bad[i][1], &first, &count),
                     HEL_E_USAGE);
        cr_assert(strstr(hel_engine_error(engine), "shard"));
    }
}

Test(shard, names)
{
    static const struct {
        uint32_t shard, shards;
        const char *want;
    } rows[] = {{0, 0, "a/b.sums"},
                {1, 1, "a/b.1-of-1.sums"},
                {3, 8, "a/b.3-of-8.sums"},
                {3, 16, "a/b.03-of-16.sums"},
                {100, 100, "a/b.100-of-100.sums"},
                {7, 4294967295u, "a/b.0000000007-of-4294967295.sums"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *path;
        cr_assert_eq(hel_shard_path(engine, &path, "a/b", rows[i].shard, rows[i].shards, ".sums"),
                     HEL_OK);
        cr_assert_str_eq(path, rows[i].want);
        hel_free(path);
    }
}

Test(shard, section_round_trip_and_limits)
{
    const hel_shard good = {.shard = 2, .shards = 3, .first = 4, .count = 5, .evk_content = {9}};
    hel_shard back;
    hel_buf buf = {0};
    cr_assert_eq(hel_shard_encode(engine, &good, &buf), HEL_OK);
    cr_assert_eq(buf.bytes, 56);
    cr_assert_eq(hel_shard_decode(engine, buf.data, buf.bytes, 9, &back), HEL_OK);
    cr_assert_eq(memcmp(&back, &good, sizeof good), 0);
    cr_assert_eq(hel_shard_decode(engine, buf.data, buf.bytes, 8, &back), HEL_E_FORMAT); /* 4 + 5 */
    for (size_t bytes = 0; bytes < 60; bytes++)
        if (bytes != 56)
            cr_assert_eq(hel_shard_decode(engine, buf.data, bytes < 56 ? bytes : 57, 9, &back),
                         HEL_E_FORMAT, "%zu bytes", bytes);
    static const struct {
        size_t at;
        uint32_t value;
    } bad[] = {{0, 0},           {0, 2},  {4, 0},  {4, 4},  {8, 1},
               {8, 10},          {12, 9}, {12, 5}, {16, 0}, {16, 4294967295u},
               {12, 4294967295u}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t copy[56];
        memcpy(copy, buf.data, sizeof copy);
        hel_put_u32(copy + bad[i].at, bad[i].value);
        cr_assert_eq(hel_shard_decode(engine, copy, sizeof copy, 9, &back), HEL_E_FORMAT, "row %zu",
                     i);
    }
    hel_buf_free(&buf);
}

/* Everything that decides the sums decides the id. */
Test(shard, file_ids)
{
    hel_sums_layout layout = {.blocks = 10};
    uint8_t evk[HEL_DIGEST_BYTES] = {1}, id[6][HEL_DIGEST_BYTES];
    cr_assert_eq(hel_sums_file_id(engine, &layout, evk, 0, 10, id[0]), HEL_OK);
    cr_assert_eq(hel_sums_file_id(engine, &layout, evk, 0, 9, id[1]), HEL_OK);
    cr_assert_eq(hel_sums_file_id(engine, &layout, evk, 1, 10, id[2]), HEL_OK);
    evk[31] = 1;
    cr_assert_eq(hel_sums_file_id(engine, &layout, evk, 0, 10, id[3]), HEL_OK);
    layout.geno_content[0] = 1;
    cr_assert_eq(hel_sums_file_id(engine, &layout, evk, 0, 10, id[4]), HEL_OK);
    layout.weights_content[0] = 1;
    cr_assert_eq(hel_sums_file_id(engine, &layout, evk, 0, 10, id[5]), HEL_OK);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            cr_assert_neq(memcmp(id[i], id[j], HEL_DIGEST_BYTES), 0, "%d and %d", i, j);
}
