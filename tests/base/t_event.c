/* Events as JSON: every string comes back from a parser, one at a time from any thread. */
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <time.h>

#include "host/base/clock.h"
#include "host/base/event.h"
#include "host/base/json_text.h"
#include "host/base/mem.h"
#include "host/base/progress.h"
#include "tests/base/test_dir.h"

enum { MOST = 4096 };

typedef struct heard {
    unsigned count, inside;
    int failed;
    char event[32];
    json_t *last;
} heard;

static void hear(void *arg, const char *event, const char *fields)
{
    heard *h = arg;
    h->failed |= h->inside++ != 0; /* two at a time would be */
    json_decref(h->last);
    h->last = json_loads(fields, JSON_REJECT_DUPLICATES, NULL);
    h->failed |= !h->last || strchr(fields, '\n') != NULL;
    snprintf(h->event, sizeof h->event, "%s", event);
    h->count++;
    h->inside--;
}

static hel_engine *listening(heard *h)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine;
    memset(h, 0, sizeof *h);
    config.threads = 4;
    config.log = hear;
    config.log_arg = h;
    cr_assert(hel_engine_create(&engine, &config) == HEL_OK);
    return engine;
}

Test(event, fields_arrive)
{
    heard h;
    hel_engine *engine = listening(&h);
    hel_event(engine, "checkpoint", hel_field_text("path", "a \"b\"\\c\n\x01\x7f"),
              hel_field_count("bytes", UINT64_C(9007199254740993)), hel_field_real("s", -0.0625),
              hel_field_real("nan", NAN), hel_field_real("inf", INFINITY),
              hel_field_text("none", NULL), hel_field_real("big", 1234567.8915));
    cr_assert(h.count == 1 && !h.failed);
    cr_expect_str_eq(h.event, "checkpoint");
    cr_expect_str_eq(json_string_value(json_object_get(h.last, "path")), "a \"b\"\\c\n\x01\x7f");
    cr_expect(json_integer_value(json_object_get(h.last, "bytes")) == INT64_C(9007199254740993));
    cr_expect_float_eq(json_real_value(json_object_get(h.last, "s")), -0.063, 1e-9);
    cr_expect_float_eq(json_real_value(json_object_get(h.last, "big")), 1234567.892, 1e-6);
    cr_expect(json_object_size(h.last) == 4);
    hel_event(engine, "x", hel_field_text("t", NULL));
    cr_expect(h.count == 2 && json_object_size(h.last) == 0);
    json_decref(h.last);
    hel_engine_free(engine);
    cr_expect(hel_mem_in_use() == 0);
}

Test(event, nobody_listens)
{
    hel_engine *engine;
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    cr_expect_not(hel_event_wanted(engine));
    cr_expect_not(hel_event_wanted(NULL));
    hel_event(engine, "x", hel_field_text("t", "t"));
    hel_event(NULL, "x", hel_field_text("t", "t"));
    hel_event_result(NULL, "/nonexistent");
    hel_engine_free(engine);
}

/* An event without memory is dropped, and the error text stays free for what matters. */
Test(event, no_memory_drops_it)
{
    heard h;
    hel_engine *engine = listening(&h);
    hel_mem_fail_nth(1);
    hel_event(engine, "x", hel_field_text("t", "t"));
    cr_expect(h.count == 0);
    cr_expect_str_eq(hel_engine_error(engine), "");
    hel_event(engine, "x", hel_field_text("t", "t"));
    cr_expect(h.count == 1);
    json_decref(h.last);
    hel_engine_free(engine);
    cr_expect(hel_mem_in_use() == 0);
}

Test(event, results_have_their_size)
{
    heard h;
    test_dir dir;
    hel_engine *engine = listening(&h);
    test_dir_make(&dir);
    const char *path = test_dir_path(&dir, "file");
    test_write_file(path, "12345", 5, 0644);
    hel_event_result(engine, path);
    cr_expect_str_eq(h.event, "result");
    cr_expect_str_eq(json_string_value(json_object_get(h.last, "path")), path);
    cr_expect(json_integer_value(json_object_get(h.last, "bytes")) == 5);
    json_decref(h.last);
    hel_engine_free(engine);
    test_dir_remove(&dir);
}

static void *talk(void *arg)
{
    for (unsigned i = 0; i < 500; i++)
        hel_event((hel_engine *)arg, "x", hel_field_count("i", i));
    return NULL;
}

Test(event, one_at_a_time)
{
    heard h;
    pthread_t thread[4];
    hel_engine *engine = listening(&h);
    for (int i = 0; i < 4; i++)
        cr_assert(pthread_create(&thread[i], NULL, talk, engine) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    cr_expect(h.count == 2000 && !h.failed);
    json_decref(h.last);
    hel_engine_free(engine);
}

/* The first report, then one every ten seconds at the most, without a progress callback too. */
Test(event, progress_is_rare)
{
    heard h;
    hel_engine *engine = listening(&h);
    for (uint64_t i = 0; i <= 1000; i++)
        cr_assert(hel_progress(engine, "scan", i, 1000, "genotypes") == HEL_OK);
    cr_expect(h.count == 1, "%u events", h.count);
    cr_expect_str_eq(h.event, "progress");
    cr_expect_str_eq(json_string_value(json_object_get(h.last, "stage")), "scan");
    cr_expect(json_integer_value(json_object_get(h.last, "total")) == 1000);
    json_decref(h.last);
    hel_engine_free(engine);
}

/* ---- text ---- */

/* jansson says what UTF-8 is. */
static int is_utf8(const char *text, size_t length)
{
    json_t *value = json_stringn(text, length);
    int good = value != NULL;
    json_decref(value);
    return good;
}

Test(json_text, characters_are_those_of_jansson)
{
    uint64_t state = test_seed();
    for (size_t n = test_scale(300000); n > 0; n--) {
        char text[5] = {0};
        uint64_t random = test_random(&state);
        for (int i = 0; i < 4; i++) { /* mostly lead and continuation bytes */
            const uint8_t low = (uint8_t)(random >> 8 * i & 63);
            text[i] = (char)(i == 0 ? 0xc0 | low : (random >> (40 + i) & 7) ? 0x80 | low : low + 1);
        }
        const size_t length = hel_utf8_length(text);
        cr_assert(length <= 4);
        size_t want = 0;
        for (size_t i = 1; i <= strlen(text) && !want; i++)
            if (is_utf8(text, i))
                want = i;
        cr_assert(length == want, "%02x %02x %02x %02x: %zu, not %zu", (uint8_t)text[0],
                  (uint8_t)text[1], (uint8_t)text[2], (uint8_t)text[3], length, want);
    }
}

Test(json_text, any_bytes_make_a_string)
{
    uint64_t state = test_seed();
    for (size_t n = test_scale(20000); n > 0; n--) {
        char text[40];
        const size_t bytes = test_random(&state) % 39;
        test_random_bytes(&state, text, bytes);
        text[bytes] = 0;
        hel_buf clean = {0}, quoted = {0};
        cr_assert(hel_utf8_clean(NULL, &clean, text) == HEL_OK);
        cr_assert(hel_buf_put(NULL, &clean, "", 1) == HEL_OK);
        cr_assert(hel_json_string(NULL, &quoted, text) == HEL_OK);
        json_t *value = json_loadb((const char *)quoted.data, quoted.bytes, JSON_DECODE_ANY, NULL);
        cr_assert(value != NULL);
        cr_assert_str_eq(json_string_value(value), (const char *)clean.data);
        json_decref(value);
        hel_buf_free(&clean);
        hel_buf_free(&quoted);
    }
}

Test(json_text, replaced_bytes)
{
    static const struct {
        const char *in, *out;
    } rows[] = {{"", ""},
                {"a\xff"
                 "b",
                 "a\xef\xbf\xbd"
                 "b"},
                {"\xc3\xa4", "\xc3\xa4"},
                {"\xc3", "\xef\xbf\xbd"},
                {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hel_buf out = {0};
        cr_assert(hel_utf8_clean(NULL, &out, rows[i].in) == HEL_OK);
        cr_assert(hel_buf_put(NULL, &out, "", 1) == HEL_OK);
        cr_expect_str_eq((const char *)out.data, rows[i].out);
        hel_buf_free(&out);
    }
}

Test(json_text, times)
{
    char text[HEL_TIME_BYTES];
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00.000Z"},
                {-5, "1970-01-01T00:00:00.000Z"},
                {951782400.25, "2000-02-29T00:00:00.250Z"},
                {1770000000.9999, "2026-02-02T02:40:00.999Z"},
                {1e300, "9999-12-31T23:59:59.999Z"},
                {NAN, "1970-01-01T00:00:00.000Z"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hel_time_text(text, rows[i].seconds);
        cr_expect_str_eq(text, rows[i].text);
    }
    cr_expect(hel_time_now() > 1.7e9 && fabs(hel_time_now() - (double)time(NULL)) < 5);
}
