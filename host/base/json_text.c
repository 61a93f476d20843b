/* Strings and times of JSON. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "host/base/json_text.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

size_t hel_utf8_length(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    /* The second byte's range excludes overlong forms, surrogates and what lies past U+10FFFF. */
    uint8_t low = 0x80, high = 0xbf;
    size_t length;
    if (p[0] == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

hel_status hel_utf8_clean(hel_engine *engine, hel_buf *out, const char *text)
{
    while (*text) {
        const size_t length = hel_utf8_length(text);
        HEL_TRY(hel_buf_put(engine, out, length ? text : replacement, length ? length : 3));
        text += length ? length : 1;
    }
    return HEL_OK;
}

static hel_status put_character(hel_engine *engine, hel_buf *out, const char *text, size_t length)
{
    char escaped[8];
    const uint8_t c = (uint8_t)*text;
    if (length == 0)
        return hel_buf_put(engine, out, replacement, 3);
    if (c == '"' || c == '\\') {
        escaped[0] = '\\';
        escaped[1] = (char)c;
        return hel_buf_put(engine, out, escaped, 2);
    }
    if (c < 0x20 || c == 0x7f) {
        snprintf(escaped, sizeof escaped, "\\u%04x", c);
        return hel_buf_put(engine, out, escaped, 6);
    }
    return hel_buf_put(engine, out, text, length);
}

hel_status hel_json_string(hel_engine *engine, hel_buf *out, const char *text)
{
    HEL_TRY(hel_buf_put(engine, out, "\"", 1));
    while (*text) {
        const size_t length = hel_utf8_length(text);
        HEL_TRY(put_character(engine, out, text, length));
        text += length ? length : 1;
    }
    return hel_buf_put(engine, out, "\"", 1);
}

const char *hel_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

double hel_time_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void hel_time_text(char out[HEL_TIME_BYTES], double unix_seconds)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 70};
    const double last = 253402300799.999; /* of the year 9999 */
    if (!(unix_seconds > 0))
        unix_seconds = 0;
    if (unix_seconds > last)
        unix_seconds = last;
    const uint64_t ms = (uint64_t)(unix_seconds * 1000);
    const time_t seconds = (time_t)(ms / 1000);
    (void)gmtime_r(&seconds, &tm);
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(ms % 1000));
    memcpy(out, text, HEL_TIME_BYTES - 1);
    out[HEL_TIME_BYTES - 1] = 0;
}
