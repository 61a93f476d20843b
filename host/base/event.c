/* Events as JSON objects, handed to the engine's callback. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "host/base/engine_private.h"
#include "host/base/event.h"
#include "host/base/json_text.h"

static hel_status put_value(hel_buf *out, const hel_field *field)
{
    char number[40];
    if (field->kind == HEL_FIELD_TEXT)
        return hel_json_string(NULL, out, field->text);
    if (field->kind == HEL_FIELD_COUNT) {
        snprintf(number, sizeof number, "%" PRIu64, field->count);
    } else { /* thousandths as integers: no locale's comma, no exponent */
        const uint64_t ms = (uint64_t)(fabs(field->real) * 1000 + 0.5);
        snprintf(number, sizeof number, "%s%" PRIu64 ".%03u", field->real < 0 ? "-" : "", ms / 1000,
                 (unsigned)(ms % 1000));
    }
    return hel_buf_put(NULL, out, number, strlen(number));
}

static int is_left_out(const hel_field *field)
{
    return field->kind == HEL_FIELD_TEXT   ? !field->text
           : field->kind == HEL_FIELD_REAL ? !(fabs(field->real) < 9e15)
                                           : 0;
}

static hel_status compose(hel_buf *out, const hel_field *field, size_t fields)
{
    HEL_TRY(hel_buf_put(NULL, out, "{", 1));
    for (size_t i = 0; i < fields; i++) {
        if (is_left_out(&field[i]))
            continue;
        if (out->bytes > 1)
            HEL_TRY(hel_buf_put(NULL, out, ",", 1));
        HEL_TRY(hel_json_string(NULL, out, field[i].name));
        HEL_TRY(hel_buf_put(NULL, out, ":", 1));
        HEL_TRY(put_value(out, &field[i]));
    }
    return hel_buf_put(NULL, out, "}", 2); /* and a final 0 byte */
}

int hel_event_wanted(const hel_engine *engine)
{
    return engine && engine->log;
}

void hel_event_fields(hel_engine *engine, const char *event, const hel_field *field, size_t fields)
{
    hel_buf text = {0};
    if (!hel_event_wanted(engine))
        return;
    if (compose(&text, field, fields) == HEL_OK) {
        pthread_mutex_lock(&engine->log_lock);
        engine->log(engine->log_arg, event, (const char *)text.data);
        pthread_mutex_unlock(&engine->log_lock);
    }
    hel_buf_free(&text);
}

void hel_event_result(hel_engine *engine, const char *path)
{
    struct stat info;
    if (hel_event_wanted(engine))
        hel_event(engine, "result", hel_field_text("path", path),
                  hel_field_count("bytes", stat(path, &info) == 0 ? (uint64_t)info.st_size : 0));
}
