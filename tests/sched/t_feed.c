/*
 * The feed against reading the file whole: every span arrives once, whole and unchanged, whatever
 * the number of slots, readers and consumers and whoever is slow; failures end it and are named.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "host/base/file.h"
#include "host/base/mem.h"
#include "host/base/thread.h"
#include "host/sched/feed.h"
#include "tests/base/test_dir.h"

enum { SPANS_MOST = 400, CONSUMERS = 3 };

typedef struct source {
    uint8_t *data; /* of the file */
    size_t bytes;
    hel_span span[SPANS_MOST];
    uint32_t spans, next;
    atomic_uint_least64_t checked; /* bytes */
    atomic_uint begun;
    uint32_t fail_next_at, fail_check_at; /* ordinal of a span, number of a check; 0: never */
    atomic_uint checks;
    hel_engine *engine;
    atomic_int allocated;
} source;

static hel_status next_span(void *arg, hel_span *span)
{
    source *s = arg;
    if (s->fail_next_at && s->next + 1 == s->fail_next_at)
        return hel_fail(s->engine, HEL_E_MISMATCH, "the next span was not to be had");
    *span = s->next < s->spans ? s->span[s->next++] : (hel_span){0, 0};
    return HEL_OK;
}

static hel_status check(void *arg, uint64_t offset, const uint8_t *data, uint64_t bytes)
{
    source *s = arg;
    const uint32_t number = atomic_fetch_add(&s->checks, 1) + 1;
    if (memcmp(data, s->data + offset, bytes) != 0)
        return hel_fail(s->engine, HEL_E_INTERNAL, "other bytes at %zu", (size_t)offset);
    atomic_fetch_add(&s->checked, bytes);
    if (number == s->fail_check_at)
        return hel_fail(s->engine, HEL_E_FORMAT, "damage was found");
    return HEL_OK;
}

static void begin(void *arg, uint32_t reader)
{
    (void)reader;
    atomic_fetch_add(&((source *)arg)->begun, 1);
}

static hel_status own_alloc(void *arg, void **out, uint64_t bytes)
{
    atomic_fetch_add(&((source *)arg)->allocated, 1);
    return posix_memalign(out, HEL_FEED_ALIGN, bytes) == 0 ? HEL_OK : HEL_E_MEMORY;
}

static void own_free(void *arg, void *p)
{
    atomic_fetch_sub(&((source *)arg)->allocated, 1);
    free(p);
}

typedef struct setting {
    test_dir dir;
    hel_engine *engine;
    source s;
    hel_feed_config config;
    char path[PATH_MAX + 16];
} setting;

/* A file of random bytes and random spans of it; direct: all borders where O_DIRECT wants them. */
static void start(setting *t, uint64_t *seed, size_t bytes, uint64_t most, int direct)
{
    memset(t, 0, sizeof *t);
    test_dir_make(&t->dir);
    snprintf(t->path, sizeof t->path, "%s/file", t->dir.path);
    cr_assert_eq(hel_engine_create(&t->engine, NULL), HEL_OK);
    source *s = &t->s;
    s->engine = t->engine;
    s->bytes = bytes;
    s->data = malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i += 8) {
        const uint64_t word = test_random(seed);
        memcpy(s->data + i, &word, bytes - i < 8 ? bytes - i : 8);
    }
    test_write_file(t->path, s->data, bytes, 0644);
    s->spans = (uint32_t)(test_random(seed) % SPANS_MOST);
    for (uint32_t i = 0; i < s->spans; i++) {
        uint64_t offset = test_random(seed) % bytes, length = 1 + test_random(seed) % most;
        if (direct)
            offset -= offset % HEL_FEED_ALIGN;
        s->span[i] = (hel_span){offset, length < bytes - offset ? length : bytes - offset};
    }
    t->config = (hel_feed_config){.fd = open(t->path, O_RDONLY),
                                  .direct_fd = -1,
                                  .path = t->path,
                                  .slots = 1 + (uint32_t)(test_random(seed) % 4),
                                  .readers = 1 + (uint32_t)(test_random(seed) % 4),
                                  .slot_bytes = most,
                                  .piece_bytes = 1 + test_random(seed) % (2 * most),
                                  .next = next_span,
                                  .check = check,
                                  .begin = begin,
                                  .arg = s};
    if (direct) {
        t->config.direct_fd = open(t->path, O_RDONLY | O_DIRECT);
        t->config.piece_bytes += HEL_FEED_ALIGN - 1;
        t->config.piece_bytes -= t->config.piece_bytes % HEL_FEED_ALIGN;
    }
    if (test_random(seed) % 2) {
        t->config.alloc = own_alloc;
        t->config.dealloc = own_free;
    }
}

static void stop(setting *t)
{
    cr_expect_eq(atomic_load(&t->s.allocated), 0);
    cr_expect_eq(hel_mem_in_use(), 0, "a leak");
    close(t->config.fd);
    if (t->config.direct_fd >= 0)
        close(t->config.direct_fd);
    free(t->s.data);
    hel_engine_free(t->engine);
    test_dir_remove(&t->dir);
}

typedef struct consumer {
    setting *t;
    hel_feed *feed;
    atomic_uint *turn; /* next ordinal that nobody has */
    uint64_t seed;
    hel_status status;
    uint32_t wrong;
} consumer;

static void *consume(void *arg)
{
    consumer *c = arg;
    for (;;) {
        const uint32_t ordinal = atomic_fetch_add(c->turn, 1);
        const uint8_t *data;
        if (ordinal >= c->t->s.spans)
            return NULL;
        c->status = hel_feed_wait(c->feed, ordinal, &data);
        if (c->status != HEL_OK)
            return NULL;
        if (test_random(&c->seed) % 8 == 0)
            usleep(200);
        const hel_span *span = &c->t->s.span[ordinal];
        c->wrong += memcmp(data, c->t->s.data + span->offset, span->bytes) != 0;
        hel_feed_release(c->feed, ordinal);
    }
}

/* Several threads take spans; the worst status of theirs. */
static hel_status drain(setting *t, uint64_t *seed)
{
    hel_feed *feed;
    pthread_t thread[CONSUMERS];
    consumer c[CONSUMERS];
    atomic_uint turn = 0;
    hel_status status = HEL_OK;
    cr_assert_eq(hel_feed_create(t->engine, &feed, &t->config), HEL_OK, "%s",
                 hel_engine_error(t->engine));
    /* a consumer that holds a slot must not wait for one that needs it */
    const uint32_t consumers = t->config.slots < CONSUMERS ? t->config.slots : CONSUMERS;
    for (uint32_t i = 0; i < consumers; i++) {
        c[i] = (consumer){t, feed, &turn, test_random(seed), HEL_OK, 0};
        cr_assert_eq(hel_thread_start(&thread[i], consume, &c[i], NULL), 0);
    }
    for (uint32_t i = 0; i < consumers; i++) {
        pthread_join(thread[i], NULL);
        cr_assert_eq(c[i].wrong, 0, "spans with other bytes");
        status = c[i].status != HEL_OK ? c[i].status : status;
    }
    const hel_feed_stages stages = hel_feed_stages_get(feed);
    cr_expect_geq(stages.readers, 1);
    if (status == HEL_OK) {
        cr_assert_eq(atomic_load(&stages.read->bytes), atomic_load(&t->s.checked));
        cr_assert_eq(atomic_load(&stages.check->bytes), atomic_load(&t->s.checked));
    }
    hel_feed_free(feed);
    cr_expect_leq(atomic_load(&t->s.begun), stages.readers);
    return status;
}

static uint64_t all_bytes(const source *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->spans; i++)
        sum += s->span[i].bytes;
    return sum;
}

Test(feed, every_span_arrives, .timeout = 300)
{
    uint64_t seed = test_seed();
    for (size_t i = 0; i < test_scale(60); i++) {
        setting t;
        start(&t, &seed, 1 + test_random(&seed) % 300000, 1 + test_random(&seed) % 20000, 0);
        cr_assert_eq(drain(&t, &seed), HEL_OK, "%s", hel_engine_error(t.engine));
        cr_assert_eq(atomic_load(&t.s.checked), all_bytes(&t.s));
        stop(&t);
    }
}

/* The same past the page cache, up to the last byte of files of every length. */
Test(feed, direct, .timeout = 300)
{
    uint64_t seed = test_seed();
    int direct = 0;
    for (size_t i = 0; i < test_scale(30); i++) {
        setting t;
        start(&t, &seed, 1 + test_random(&seed) % 300000, 1 + test_random(&seed) % 20000, 1);
        direct |= t.config.direct_fd >= 0;
        cr_assert_eq(drain(&t, &seed), HEL_OK, "%s", hel_engine_error(t.engine));
        cr_assert_eq(atomic_load(&t.s.checked), all_bytes(&t.s));
        stop(&t);
    }
    if (!direct)
        cr_skip_test("this file system has no O_DIRECT");
}

/* Readers stop when no slot is free, however long nobody comes. */
Test(feed, back_pressure)
{
    setting t;
    hel_feed *feed;
    uint64_t seed = test_seed();
    const uint8_t *data;
    start(&t, &seed, 100000, 1000, 0);
    t.s.spans = 100;
    for (uint32_t i = 0; i < t.s.spans; i++)
        t.s.span[i] = (hel_span){i * 1000, 1000};
    t.config.slots = 3;
    cr_assert_eq(hel_feed_create(t.engine, &feed, &t.config), HEL_OK);
    cr_assert_eq(hel_feed_wait(feed, 2, &data), HEL_OK);
    usleep(50000);
    cr_assert_eq(t.s.next, 3, "%u spans were begun with 3 slots", t.s.next);
    hel_feed_release(feed, 1);
    usleep(50000);
    cr_assert_eq(t.s.next, 3, "span 3 goes where span 0 is");
    hel_feed_release(feed, 0);
    cr_assert_eq(hel_feed_wait(feed, 3, &data), HEL_OK);
    cr_assert_eq(memcmp(data, t.s.data + 3000, 1000), 0);
    hel_feed_free(feed); /* with spans that nobody took */
    stop(&t);
}

Test(feed, failures_end_it, .timeout = 300)
{
    uint64_t seed = test_seed();
    for (size_t i = 0; i < test_scale(40); i++) {
        setting t;
        start(&t, &seed, 50000, 3000, 0);
        t.s.spans = 40;
        for (uint32_t k = 0; k < t.s.spans; k++)
            t.s.span[k] = (hel_span){test_random(&seed) % 47000, 1 + test_random(&seed) % 3000};
        const uint32_t at = 1 + (uint32_t)(test_random(&seed) % 40);
        hel_status want = HEL_E_MISMATCH;
        const char *says = "was not to be had";
        switch (i % 4) {
        case 0:
            t.s.fail_next_at = at;
            break;
        case 1:
            t.s.fail_check_at = at;
            want = HEL_E_FORMAT;
            says = "damage was found";
            break;
        case 2: /* beyond the end of the file: it was truncated meanwhile */
            t.s.span[at - 1] = (hel_span){49000, 2000};
            want = HEL_E_FORMAT;
            says = "truncated while it was read: nothing at byte 50000";
            break;
        default: /* the descriptor cannot be read */
            close(t.config.fd);
            t.config.fd = open(t.path, O_WRONLY);
            want = HEL_E_IO;
            says = "read failed at byte";
        }
        cr_assert_eq(drain(&t, &seed), want, "case %zu", i % 4);
        cr_expect(strstr(hel_engine_error(t.engine), says), "%s", hel_engine_error(t.engine));
        stop(&t);
    }
}

/* A consumer that fails wakes those that wait for slots which nobody will give back. */
Test(feed, consumers_fail)
{
    setting t;
    hel_feed *feed;
    pthread_t thread;
    atomic_uint turn = 1; /* it waits for span 1, which has no slot while span 0 is held */
    uint64_t seed = test_seed();
    const uint8_t *data;
    start(&t, &seed, 5000, 100, 0);
    t.s.spans = 5;
    for (uint32_t i = 0; i < 5; i++)
        t.s.span[i] = (hel_span){i * 100, 100};
    t.config.slots = 1;
    cr_assert_eq(hel_feed_create(t.engine, &feed, &t.config), HEL_OK);
    cr_assert_eq(hel_feed_wait(feed, 0, &data), HEL_OK);
    consumer c = {&t, feed, &turn, 1, HEL_OK, 0};
    cr_assert_eq(hel_thread_start(&thread, consume, &c, NULL), 0);
    usleep(20000);
    hel_feed_fail(feed, HEL_E_CANCELLED);
    pthread_join(thread, NULL);
    cr_assert_eq(c.status, HEL_E_CANCELLED);
    cr_assert_eq(hel_feed_wait(feed, 3, &data), HEL_E_CANCELLED);
    hel_feed_free(feed);
    stop(&t);
}

Test(feed, misuse)
{
    setting t;
    hel_feed *feed;
    uint64_t seed = test_seed();
    const uint8_t *data;
    start(&t, &seed, 5000, 100, 0);
    t.s.spans = 2;
    t.s.span[0] = (hel_span){0, 100};
    t.s.span[1] = (hel_span){0, 101};
    t.config.slots = 0;
    cr_assert_eq(hel_feed_create(t.engine, &feed, &t.config), HEL_E_INTERNAL);
    hel_error_clear(t.engine);
    t.config.slots = 2;
    cr_assert_eq(hel_feed_create(t.engine, &feed, &t.config), HEL_OK);
    cr_assert_eq(hel_feed_wait(feed, 1, &data), HEL_E_INTERNAL);
    cr_assert(strstr(hel_engine_error(t.engine), "101 bytes for a slot of 100"));
    hel_feed_free(feed);
    hel_feed_free(NULL);
    hel_error_clear(t.engine);
    t.s.next = 0;
    t.s.spans = 1;
    cr_assert_eq(hel_feed_create(t.engine, &feed, &t.config), HEL_OK);
    cr_assert_eq(hel_feed_wait(feed, 5, &data), HEL_E_INTERNAL);
    cr_assert(strstr(hel_engine_error(t.engine), "span 5 does not come"));
    hel_feed_free(feed);
    for (uint64_t nth = 1; nth < 20; nth++) { /* no memory at any place */
        t.s.next = 0;
        hel_mem_fail_nth(nth);
        const hel_status status = hel_feed_create(t.engine, &feed, &t.config);
        hel_mem_fail_nth(0);
        if (status == HEL_OK) {
            hel_feed_free(feed);
            break;
        }
        cr_assert_eq(status, HEL_E_MEMORY);
    }
    stop(&t);
}
