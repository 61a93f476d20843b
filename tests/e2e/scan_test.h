/* For suites about scans: one scan of a toy cohort with what differs from the default. */
#ifndef HEL_TESTS_SCAN_TEST_H
#define HEL_TESTS_SCAN_TEST_H

#include "host/assoc/shard.h"
#include "tests/e2e/program.h"
#include "tests/e2e/toy_cohort.h"

typedef struct scan_setting {
    const char *out; /* behind the cohort's prefix; NULL: nothing */
    uint32_t shard, shards;
    const char *backend; /* NULL: cpu */
    uint64_t memory;
    uint32_t threads; /* 0: 2 */
    double verify, checkpoint;
    const uint32_t *devices;
    uint32_t device_count;
    hel_io io;
    hel_progress_fn progress;
    void *arg;
    hel_text_fn note;
    void *note_arg;
    int plan_only;
    const char *sign; /* file of a private key */
} scan_setting;

static inline hel_status scan_run(toy *t, const scan_setting *s, hel_scan_stats *stats, char *text,
                                  size_t room)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_scan_config c = HEL_SCAN_CONFIG_INIT;
    char prefix[2 * PATH_MAX];
    hel_engine *engine;
    snprintf(prefix, sizeof prefix, "%s%s", t->e.prefix, s->out ? s->out : "");
    config.threads = s->threads ? s->threads : 2;
    config.memory_bytes = s->memory;
    config.backend = s->backend;
    config.progress = s->progress;
    config.progress_arg = s->arg;
    cr_assert_eq(hel_engine_create(&engine, &config), HEL_OK);
    c.geno = e2e_path(&t->e, ".geno");
    c.weights = e2e_path(&t->e, ".weights");
    c.evk = e2e_path(&t->e, ".evk");
    c.out = prefix;
    c.verify = s->verify;
    c.shard = s->shard;
    c.shards = s->shards;
    c.checkpoint = s->checkpoint;
    c.devices = s->devices;
    c.device_count = s->device_count;
    c.io = s->io;
    c.note = s->note;
    c.note_arg = s->note_arg;
    c.plan_only = s->plan_only;
    c.sign = s->sign;
    const hel_status status = hel_scan(engine, &c, stats);
    if (text)
        snprintf(text, room, "%s", hel_engine_error(engine));
    hel_engine_free(engine);
    return status;
}

static inline void scan_must(toy *t, const scan_setting *s, hel_scan_stats *stats)
{
    char text[1024];
    const hel_status status = scan_run(t, s, stats, text, sizeof text);
    cr_assert_eq(status, HEL_OK, "%s: %s", hel_status_name(status), text);
}

/* Two files behind the cohort's prefix are one byte for byte. */
static inline void scan_must_equal(const toy *t, const char *a, const char *b)
{
    size_t bytes;
    char first[2 * PATH_MAX], second[2 * PATH_MAX];
    snprintf(first, sizeof first, "%s", e2e_path(&t->e, a));
    snprintf(second, sizeof second, "%s", e2e_path(&t->e, b));
    uint8_t *data = test_read_file(first, &bytes);
    cr_assert(toy_same(second, data, bytes), "%s and %s differ", first, second);
    free(data);
}

#endif
