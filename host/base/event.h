/*
 * What happened, for the log that a program may keep (hel_engine_config.log). Without one an event
 * costs a test of a pointer. An event that finds no memory is dropped: a log never stops the work.
 *
 *   hel_event(engine, "checkpoint", hel_field_text("path", path), hel_field_count("bytes", bytes));
 *
 * Events of the library, with their fields:
 *
 *   plan        text, or counts                                 before the work
 *   note        text                                            what the caller should know
 *   warning     text                                            what the caller should look into
 *   progress    stage, done, total, unit                        every ten seconds at the most
 *   checkpoint  path, bytes, done, total, unit                  a place to go on from is on disk
 *   resume      path, done, total, unit                         an earlier run's work is taken over
 *   result      path, bytes                                     a file has got its name
 *
 * No field holds a secret, a sample's identity or a genotype; paths are as the caller gave them.
 */
#ifndef HEL_BASE_EVENT_H
#define HEL_BASE_EVENT_H

#include "host/base/error.h"

typedef struct hel_field {
    enum { HEL_FIELD_TEXT, HEL_FIELD_COUNT, HEL_FIELD_REAL } kind;
    const char *name;
    const char *text; /* NULL: the field is left out */
    uint64_t count;
    double real; /* NaN, infinity: likewise */
} hel_field;

static inline hel_field hel_field_text(const char *name, const char *value)
{
    return (hel_field){.kind = HEL_FIELD_TEXT, .name = name, .text = value};
}

static inline hel_field hel_field_count(const char *name, uint64_t value)
{
    return (hel_field){.kind = HEL_FIELD_COUNT, .name = name, .count = value};
}

static inline hel_field hel_field_real(const char *name, double value)
{
    return (hel_field){.kind = HEL_FIELD_REAL, .name = name, .real = value};
}

/* At least one field. Thread-safe; the callback runs in one thread at a time. */
#define hel_event(engine, event, ...)                                                              \
    hel_event_fields((engine), (event), (const hel_field[]){__VA_ARGS__},                          \
                     sizeof((const hel_field[]){__VA_ARGS__}) / sizeof(hel_field))

void hel_event_fields(hel_engine *engine, const char *event, const hel_field *field, size_t fields);
/* 1 when somebody listens: for events that cost something to prepare. */
int hel_event_wanted(const hel_engine *engine);
/* "result" of a file that was just committed. */
void hel_event_result(hel_engine *engine, const char *path);

#endif
