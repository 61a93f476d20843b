/* Little-endian codecs, growing buffers, bounded cursors. */
#include <math.h>

#include "host/base/bytes.h"
#include "host/base/mem.h"
#include "tests/base/test_dir.h"

Test(bytes, codecs_are_little_endian)
{
    uint8_t raw[8];
    hel_put_u32(raw, 0x04030201u);
    for (int i = 0; i < 4; i++)
        cr_assert(raw[i] == i + 1);
    hel_put_u64(raw, 0x0807060504030201u);
    for (int i = 0; i < 8; i++)
        cr_assert(raw[i] == i + 1);
    const uint64_t corners[] = {0,          1,          0xff,       0x80000000u,
                                UINT32_MAX, 1ull << 32, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < 8; i++) {
        hel_put_u64(raw, corners[i]);
        cr_assert(hel_get_u64(raw) == corners[i]);
        hel_put_u32(raw, (uint32_t)corners[i]);
        cr_assert(hel_get_u32(raw) == (uint32_t)corners[i]);
    }
}

Test(bytes, buffer_and_cursor_round_trip)
{
    uint64_t state = test_seed();
    for (size_t round = 0; round < test_scale(200); round++) {
        hel_buf buf = {0};
        size_t items = test_random(&state) % 100;
        uint64_t start = state;
        char text[64];
        for (size_t i = 0; i < items; i++) {
            uint64_t v = test_random(&state);
            double d = (double)(int64_t)v / 3;
            snprintf(text, sizeof text, "%.*s", (int)(v % 40),
                     "a text of forty characters, cut somewhere");
            cr_assert(hel_buf_put_u32(NULL, &buf, (uint32_t)v) == HEL_OK);
            cr_assert(hel_buf_put_u64(NULL, &buf, v) == HEL_OK);
            cr_assert(hel_buf_put_f64(NULL, &buf, d) == HEL_OK);
            cr_assert(hel_buf_put_string(NULL, &buf, text) == HEL_OK);
            cr_assert(hel_buf_put(NULL, &buf, text, v % 5) == HEL_OK);
        }
        hel_cursor c = {.data = buf.data, .bytes = buf.bytes};
        state = start;
        for (size_t i = 0; i < items; i++) {
            uint64_t v = test_random(&state);
            char *got;
            cr_assert(hel_cursor_u32(&c) == (uint32_t)v);
            cr_assert(hel_cursor_u64(&c) == v);
            cr_assert(hel_cursor_f64(&c) == (double)(int64_t)v / 3);
            cr_assert(hel_cursor_string(NULL, &c, &got) == HEL_OK);
            cr_assert(strlen(got) == v % 40);
            hel_free(got);
            cr_assert(hel_cursor_take(&c, v % 5) != NULL);
        }
        cr_assert(!c.bad && c.at == c.bytes);
        hel_buf_free_secret(&buf);
        cr_assert(buf.data == NULL && hel_mem_in_use() == 0);
    }
}

Test(bytes, floating_point_is_bit_exact)
{
    const double values[] = {0.0, -0.0, INFINITY, -INFINITY, 5e-324, 1.0 / 3};
    hel_buf buf = {0};
    for (size_t i = 0; i < 6; i++)
        cr_assert(hel_buf_put_f64(NULL, &buf, values[i]) == HEL_OK);
    cr_assert(hel_buf_put_f64(NULL, &buf, NAN) == HEL_OK);
    hel_cursor c = {.data = buf.data, .bytes = buf.bytes};
    for (size_t i = 0; i < 6; i++) {
        double got = hel_cursor_f64(&c);
        cr_assert(memcmp(&got, &values[i], 8) == 0);
    }
    cr_assert(isnan(hel_cursor_f64(&c)) && !c.bad);
    hel_buf_free(&buf);
}

Test(bytes, cursor_ends_and_stays_bad)
{
    static const uint8_t seven[7] = {1, 2, 3, 4, 5, 6, 7};
    hel_cursor c = {.data = seven, .bytes = 7};
    cr_assert(hel_cursor_u64(&c) == 0 && c.bad && c.at == 0);
    cr_assert(hel_cursor_u32(&c) == 0); /* would fit, but the cursor is bad */
    cr_assert(hel_cursor_take(&c, 0) == NULL);
    c = (hel_cursor){.data = seven, .bytes = 7};
    cr_assert(hel_cursor_take(&c, SIZE_MAX) == NULL && c.bad);
    c = (hel_cursor){.data = seven, .bytes = 7};
    cr_assert(hel_cursor_u32(&c) == 0x04030201u && hel_cursor_take(&c, 3) == seven + 4);
    cr_assert(!c.bad && hel_cursor_take(&c, 1) == NULL && c.bad);
}

Test(bytes, strings_that_lie)
{
    hel_engine *engine;
    char *text = NULL;
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    static const struct {
        size_t bytes;
        const char *raw;
        const char *error;
    } rows[] = {{3, "\1\0\0", "past the end"},
                {4, "\1\0\0\0", "past the end"},
                {6, "\3\0\0\0ab", "past the end"},
                {8,
                 "\xff\xff\xff\xff"
                 "abcd",
                 "past the end"},
                {7, "\3\0\0\0a\0b", "zero byte"}};
    for (size_t i = 0; i < 5; i++) {
        hel_cursor c = {.data = (const uint8_t *)rows[i].raw, .bytes = rows[i].bytes};
        hel_error_clear(engine);
        cr_assert(hel_cursor_string(engine, &c, &text) == HEL_E_FORMAT, "row %zu", i);
        cr_assert(text == NULL && c.bad);
        cr_assert(strstr(hel_engine_error(engine), rows[i].error));
    }
    hel_cursor c = {.data = (const uint8_t *)"\0\0\0\0", .bytes = 4};
    cr_assert(hel_cursor_string(engine, &c, &text) == HEL_OK && text[0] == 0);
    hel_free(text);
    hel_engine_free(engine);
}

Test(bytes, growing_fails_cleanly)
{
    hel_buf buf = {0};
    static const uint8_t block[300];
    cr_assert(hel_buf_put(NULL, &buf, block, 300) == HEL_OK);
    hel_mem_fail_nth(1);
    size_t before = buf.bytes;
    hel_status status = HEL_OK;
    while (status == HEL_OK)
        status = hel_buf_put(NULL, &buf, block, 300);
    cr_assert(status == HEL_E_MEMORY && buf.bytes >= before && buf.bytes % 300 == 0);
    cr_assert(hel_buf_put(NULL, &buf, block, 300) == HEL_OK); /* usable afterwards */
    cr_assert(hel_buf_put(NULL, &buf, block, SIZE_MAX - 1000) == HEL_E_MEMORY);
    hel_buf_free(&buf);
    hel_buf_free(&buf);
    cr_assert(hel_mem_in_use() == 0);
}

Test(bytes, text_of_any_length)
{
    static const size_t lengths[] = {0, 1, 254, 255, 256, 257, 1000, 100000};
    hel_buf b = {0};
    char *word = malloc(100001);
    size_t total = 0;
    memset(word, 'w', 100000);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        word[lengths[i]] = 0;
        cr_assert(hel_buf_printf(NULL, &b, "%s%d", word, 7) == HEL_OK);
        word[lengths[i]] = 'w';
        total += lengths[i] + 1;
        cr_assert_eq(b.bytes, total);
        cr_assert(b.data[total - 1] == '7' && (!lengths[i] || b.data[total - 2] == 'w'));
    }
    cr_assert(memchr(b.data, 0, b.bytes) == NULL);
    word[1000] = 0;
    for (uint64_t nth = 1; nth <= 2; nth++) { /* the text's memory, then the buffer's */
        hel_buf empty = {0};
        hel_mem_fail_nth(nth);
        cr_expect(hel_buf_printf(NULL, &empty, "%s", word) == HEL_E_MEMORY);
        hel_mem_fail_nth(0);
        hel_buf_free(&empty);
    }
    hel_buf_free(&b);
    free(word);
    cr_assert(hel_mem_in_use() == 0);
}
