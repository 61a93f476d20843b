/* The list of missing calls. */
#include "host/geno/missing.h"
#include "tests/geno/geno_test.h"

TestSuite(missing, .init = geno_setup, .fini = geno_teardown);

/* Ascending indices below `samples`, each with probability p. */
static uint32_t random_list(ref_random *r, uint32_t samples, double p, uint32_t *index)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < samples; i++)
        if (ref_random_double(r) < p)
            index[count++] = i;
    return count;
}

/* Writes `variants` random lists, reads all of them in order and in disorder. */
static void round_trip(ref_random *r, uint32_t samples, uint32_t variants, double p)
{
    hel_missing_writer w = {.samples = samples};
    hel_buf out = {0};
    hel_missing m;
    uint32_t *index = malloc((samples + 1) * sizeof *index), count;
    uint32_t *want = malloc((samples + 1) * sizeof *want);
    uint64_t calls = 0;
    ref_random again = *r;
    for (uint32_t j = 0; j < variants; j++) {
        count = random_list(r, samples, p, index);
        OK(hel_missing_append(engine, &w, index, count));
        calls += count;
    }
    OK(hel_buf_put(engine, &out, "head", 4)); /* finish appends */
    OK(hel_missing_finish(engine, &w, &out));
    hel_missing_writer_free(&w);
    OK(hel_missing_open(engine, &m, out.data + 4, out.bytes - 4));
    cr_assert(m.samples == samples && m.variants == variants && m.calls == calls);
    for (uint32_t j = 0; j < variants; j++) {
        uint32_t n = random_list(&again, samples, p, want);
        OK(hel_missing_get(engine, &m, j, index, &count));
        cr_assert(count == n && memcmp(index, want, n * sizeof *want) == 0, "variant %u", j);
    }
    for (uint32_t k = 0; variants && k < 20; k++) {
        uint32_t j = ref_random_below(r, variants), n = ref_missing_get(out.data + 4, j, want);
        OK(hel_missing_get(engine, &m, j, index, &count));
        cr_assert(count == n && memcmp(index, want, n * sizeof *want) == 0, "variant %u", j);
    }
    FAILS(hel_missing_get(engine, &m, variants, index, &count), HEL_E_INTERNAL, "variant");
    hel_buf_free(&out);
    free(index);
    free(want);
}

Test(missing, round_trips)
{
    ref_random r = ref_random_start(1);
    const uint32_t samples[] = {1, 2, 9, 127, 128, 129, 300}, variants[] = {0, 1, 63, 64, 65, 200};
    const double p[] = {0, 0.01, 0.3, 1};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        for (size_t j = 0; j < sizeof variants / sizeof variants[0]; j++)
            for (size_t k = 0; k < sizeof p / sizeof p[0]; k++)
                round_trip(&r, samples[i], variants[j], p[k]);
    round_trip(&r, 40000, 70, 0.0005);
    round_trip(&r, 3000, 130, 0.9);
}

Test(missing, large_indices)
{
    const uint32_t list[] = {0, 127, 128, 16511, 16512, 0x0fffffff, 0x10000000, UINT32_MAX - 1};
    hel_missing_writer w = {.samples = UINT32_MAX};
    hel_buf out = {0};
    hel_missing m;
    uint32_t index[8], count;
    OK(hel_missing_append(engine, &w, list, 8));
    OK(hel_missing_append(engine, &w, list + 7, 1));
    OK(hel_missing_finish(engine, &w, &out));
    OK(hel_missing_open(engine, &m, out.data, out.bytes));
    OK(hel_missing_get(engine, &m, 0, index, &count));
    cr_assert(count == 8 && memcmp(index, list, sizeof list) == 0);
    OK(hel_missing_get(engine, &m, 1, index, &count));
    cr_assert(count == 1 && index[0] == list[7]);
    hel_missing_writer_free(&w);
    hel_buf_free(&out);
}

/* The layout is a file format: these bytes never change. */
static const uint8_t golden[] = {
    1, 0, 0, 0,    44, 1, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, /* 300 samples, 3 x, 4 calls */
    0, 0, 0, 0,    0,  0, 0, 0,                                     /* offset of the one group */
    3, 5, 1, 0xa5, 2,                                               /* 5, 6, 299 */
    0, 1, 0,                                                        /* none; 0 */
};

Test(missing, golden_bytes)
{
    const uint32_t list[] = {5, 6, 299};
    hel_missing_writer w = {.samples = 300};
    hel_buf out = {0};
    OK(hel_missing_append(engine, &w, list, 3));
    OK(hel_missing_append(engine, &w, list, 0));
    OK(hel_missing_append(engine, &w, (uint32_t[]){0}, 1));
    OK(hel_missing_finish(engine, &w, &out));
    cr_assert(out.bytes == sizeof golden && memcmp(out.data, golden, sizeof golden) == 0);
    hel_missing_writer_free(&w);
    hel_buf_free(&out);
}

Test(missing, writer_refuses_disorder)
{
    hel_missing_writer w = {.samples = 10};
    FAILS(hel_missing_append(engine, &w, (uint32_t[]){3, 3}, 2), HEL_E_INTERNAL, "index 3");
    FAILS(hel_missing_append(engine, &w, (uint32_t[]){3, 2}, 2), HEL_E_INTERNAL, "index 2");
    FAILS(hel_missing_append(engine, &w, (uint32_t[]){10}, 1), HEL_E_INTERNAL, "index 10");
    cr_assert(!w.variants && !w.calls);
    hel_missing_writer_free(&w);
}

/* Every list is read, as far as the section opens. */
static hel_status read_all(const uint8_t *data, size_t bytes)
{
    hel_missing m;
    uint32_t index[300], count;
    hel_status status = hel_missing_open(engine, &m, data, bytes);
    if (status == HEL_OK && m.samples > 300)
        return HEL_E_MISMATCH; /* what a caller does with another number of samples */
    for (uint32_t j = 0; status == HEL_OK && j < m.variants; j++)
        status = hel_missing_get(engine, &m, j, index, &count);
    return status;
}

Test(missing, damage_is_refused)
{
    uint8_t bad[sizeof golden + 1] = {0};
    memcpy(bad, golden, sizeof golden);
    OK(read_all(bad, sizeof golden));
    cr_assert_eq(read_all(bad, sizeof golden + 1), HEL_E_FORMAT);
    for (size_t n = 0; n < sizeof golden; n++)
        cr_assert_eq(read_all(bad, n), HEL_E_FORMAT, "%zu bytes", n);
    static const struct {
        uint8_t at, value;
        const char *text;
    } damage[] = {
        {0, 2, "version"},    {8, 4, "calls of the head"},  {8, 2, "calls of the head"},
        {11, 1, "offsets"},   {12, 5, "calls of the head"}, {20, 1, "offset 0"},
        {28, 2, "variant 1"}, {28, 4, "variant 0"},         {30, 0, "variant 0"},
        {32, 3, "variant 0"}, {33, 5, "variant 1"},         {34, 0, "variant 2"},
    };
    for (size_t k = 0; k < sizeof damage / sizeof damage[0]; k++) {
        bad[damage[k].at] = damage[k].value;
        FAILS(read_all(bad, sizeof golden), HEL_E_FORMAT, "missing calls", damage[k].text);
        bad[damage[k].at] = golden[damage[k].at];
    }
}

/* A number longer than its shortest form, and one beyond 32 bits. */
Test(missing, numbers_of_odd_form)
{
    uint8_t two[] = {1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0,    0, 0,
                     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x82, 0};
    FAILS(read_all(two, sizeof two), HEL_E_FORMAT, "variant 0");
    two[30] = 1;
    FAILS(read_all(two, sizeof two), HEL_E_FORMAT, "variant 0"); /* index 130 of 9 */
    two[29] = 8;
    two[8] = 1;
    FAILS(read_all(two, sizeof two), HEL_E_FORMAT, "calls of the head");
    OK(read_all(two, sizeof two - 1));
    uint8_t none[] = {1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x8e};
    FAILS(read_all(none, sizeof none), HEL_E_FORMAT, "no variants");
    OK(read_all(none, sizeof none - 1));
    uint8_t wide[] = {1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1,    0,    0,    0,    0,
                      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x10};
    FAILS(read_all(wide, sizeof wide), HEL_E_FORMAT, "variant 0");
}

/* Any change of any byte is refused or gives lists within bounds; the sanitizers watch. */
Test(missing, random_damage_stays_in_bounds)
{
    ref_random r = ref_random_start(2);
    hel_missing_writer w = {.samples = 300};
    hel_buf out = {0};
    uint32_t index[300];
    for (uint32_t j = 0; j < 150; j++)
        OK(hel_missing_append(engine, &w, index, random_list(&r, 300, 0.02, index)));
    OK(hel_missing_finish(engine, &w, &out));
    uint8_t *copy = malloc(out.bytes);
    for (size_t k = 0; k < ref_scaled(3000); k++) {
        size_t bytes = k % 4 ? out.bytes : ref_random_below(&r, (uint32_t)out.bytes);
        memcpy(copy, out.data, bytes);
        for (uint32_t n = ref_random_below(&r, 4); n > 0 && bytes; n--)
            copy[ref_random_below(&r, (uint32_t)bytes)] = (uint8_t)ref_random_u64(&r);
        hel_status status = read_all(copy, bytes);
        cr_assert(status == HEL_OK || status == HEL_E_FORMAT || status == HEL_E_MISMATCH);
    }
    free(copy);
    hel_missing_writer_free(&w);
    hel_buf_free(&out);
}
