/* Strings of JSON. */
#include <stdio.h>

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
