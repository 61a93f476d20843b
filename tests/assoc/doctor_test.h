/* Reports of the doctor, kept and looked up. */
#ifndef HEL_TESTS_DOCTOR_TEST_H
#define HEL_TESTS_DOCTOR_TEST_H

#include "heloci/doctor.h"
#include "host/base/mem.h"
#include "tests/base/fake_root.h"

enum { KEPT_MOST = 512 };

typedef struct kept {
    char section[32], name[32], label[96], text[1024], advice[256];
    int64_t item;
    int has_label;
    hel_value kind;
    uint64_t number;
    double real;
    hel_mark mark;
} kept;

typedef struct report {
    hel_engine *engine;
    kept list[KEPT_MOST];
    int count, stop_at; /* stop_at: the finding that is refused; 0: none */
    hel_status status;
} report;

static inline int report_take(void *arg, const hel_finding *f)
{
    report *r = arg;
    cr_assert_lt(r->count, KEPT_MOST);
    kept *k = &r->list[r->count++];
    snprintf(k->section, sizeof k->section, "%s", f->section);
    snprintf(k->name, sizeof k->name, "%s", f->name);
    snprintf(k->label, sizeof k->label, "%s", f->label ? f->label : "");
    snprintf(k->text, sizeof k->text, "%s", f->text);
    snprintf(k->advice, sizeof k->advice, "%s", f->advice ? f->advice : "");
    k->item = f->item;
    k->has_label = f->label != NULL;
    k->kind = f->kind;
    k->number = f->number;
    k->real = f->real;
    k->mark = f->mark;
    return r->count == r->stop_at;
}

/* An engine, or the one before anew. 0 and NULL are defaults. */
static inline void report_engine(report *r, uint32_t threads, uint64_t memory, const char *backend,
                                 uint32_t device)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine_free(r->engine);
    config.threads = threads;
    config.memory_bytes = memory;
    config.backend = backend;
    config.device = device;
    cr_assert_eq(hel_engine_create(&r->engine, &config), HEL_OK);
}

static inline void report_run(report *r, const char *folder, const char *root)
{
    hel_doctor_config config = HEL_DOCTOR_CONFIG_INIT;
    config.folder = folder;
    config.root = root;
    if (!r->engine)
        report_engine(r, 0, 0, NULL, 0);
    r->count = 0;
    r->status = hel_doctor(r->engine, &config, report_take, r);
    if (!r->stop_at)
        cr_assert_eq(r->status, HEL_OK, "%s", hel_engine_error(r->engine));
}

static inline void report_end(report *r)
{
    hel_engine_free(r->engine);
    r->engine = NULL;
    cr_assert_eq(hel_mem_in_use(), 0);
}

/* NULL when there is none. */
static inline const kept *report_seek(const report *r, const char *section, int64_t item,
                                      const char *name)
{
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->list[i].section, section) == 0 && r->list[i].item == item &&
            strcmp(r->list[i].name, name) == 0)
            return &r->list[i];
    return NULL;
}

static inline const kept *report_find(const report *r, const char *section, int64_t item,
                                      const char *name)
{
    const kept *k = report_seek(r, section, item, name);
    cr_assert(k != NULL, "no %s %lld %s", section, (long long)item, name);
    return k;
}

/* The mark of a finding, and words of its text and of its advice (NULL: any). */
#define REPORT_EXPECT(r, section, item, name, wanted, words, advises)                              \
    do {                                                                                           \
        const kept *k_ = report_find((r), (section), (item), (name));                              \
        cr_expect_eq(k_->mark, (wanted), "%s: mark %d", (name), (int)k_->mark);                    \
        cr_expect(!(words) || strstr(k_->text, (words) ? (words) : ""), "%s: %s", (name),          \
                  k_->text);                                                                       \
        cr_expect(!(advises) || strstr(k_->advice, (advises) ? (advises) : ""), "%s: %s", (name),  \
                  k_->advice);                                                                     \
    } while (0)

static inline void set_variable(const char *name, const char *value)
{
    cr_assert_eq(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

#endif
