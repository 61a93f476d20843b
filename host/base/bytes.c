/* Growing buffers and bounded cursors. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/base/bytes.h"
#include "host/base/mem.h"

hel_status hel_buf_put(hel_engine *engine, hel_buf *buf, const void *data, size_t bytes)
{
    if (bytes > buf->capacity - buf->bytes) {
        size_t capacity = buf->capacity ? buf->capacity : 256;
        while (capacity - buf->bytes < bytes) {
            HEL_REQUIRE(engine, capacity < SIZE_MAX / 2, HEL_E_MEMORY, "memory: buffer overflow");
            capacity *= 2;
        }
        uint8_t *grown;
        HEL_TRY(hel_malloc(engine, &grown, capacity, 1));
        if (buf->bytes)
            memcpy(grown, buf->data, buf->bytes);
        hel_wipe(buf->data, buf->bytes); /* buffers may hold secrets */
        hel_free(buf->data);
        buf->data = grown;
        buf->capacity = capacity;
    }
    if (bytes)
        memcpy(buf->data + buf->bytes, data, bytes);
    buf->bytes += bytes;
    return HEL_OK;
}

hel_status hel_buf_put_u32(hel_engine *engine, hel_buf *buf, uint32_t v)
{
    uint8_t raw[4];
    hel_put_u32(raw, v);
    return hel_buf_put(engine, buf, raw, sizeof raw);
}

hel_status hel_buf_put_u64(hel_engine *engine, hel_buf *buf, uint64_t v)
{
    uint8_t raw[8];
    hel_put_u64(raw, v);
    return hel_buf_put(engine, buf, raw, sizeof raw);
}

hel_status hel_buf_put_f64(hel_engine *engine, hel_buf *buf, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return hel_buf_put_u64(engine, buf, bits);
}

hel_status hel_buf_put_string(hel_engine *engine, hel_buf *buf, const char *text)
{
    size_t bytes = strlen(text);
    HEL_REQUIRE(engine, bytes < UINT32_MAX, HEL_E_INPUT, "a text of %zu bytes is too long", bytes);
    HEL_TRY(hel_buf_put_u32(engine, buf, (uint32_t)bytes));
    return hel_buf_put(engine, buf, text, bytes);
}

hel_status hel_buf_printf(hel_engine *engine, hel_buf *buf, const char *format, ...)
{
    char small[256], *text = small, *large = NULL;
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    HEL_REQUIRE(engine, length >= 0, HEL_E_INTERNAL, "a text could not be formatted");
    const size_t bytes = (size_t)length;
    if (bytes >= sizeof small) {
        HEL_TRY(hel_malloc(engine, &large, bytes + 1, 1));
        va_start(args, format);
        vsnprintf(large, bytes + 1, format, args);
        va_end(args);
        text = large;
    }
    const hel_status status = hel_buf_put(engine, buf, text, bytes);
    hel_free(large);
    return status;
}

void hel_buf_free(hel_buf *buf)
{
    hel_free(buf->data);
    *buf = (hel_buf){0};
}

void hel_buf_free_secret(hel_buf *buf)
{
    hel_wipe(buf->data, buf->capacity);
    hel_buf_free(buf);
}

const uint8_t *hel_cursor_take(hel_cursor *c, size_t bytes)
{
    if (c->bad || bytes > c->bytes - c->at) {
        c->bad = 1;
        return NULL;
    }
    const uint8_t *p = c->data + c->at;
    c->at += bytes;
    return p;
}

uint32_t hel_cursor_u32(hel_cursor *c)
{
    const uint8_t *p = hel_cursor_take(c, 4);
    return p ? hel_get_u32(p) : 0;
}

uint64_t hel_cursor_u64(hel_cursor *c)
{
    const uint8_t *p = hel_cursor_take(c, 8);
    return p ? hel_get_u64(p) : 0;
}

double hel_cursor_f64(hel_cursor *c)
{
    const uint8_t *p = hel_cursor_take(c, 8);
    return p ? hel_get_f64(p) : 0;
}

hel_status hel_cursor_string(hel_engine *engine, hel_cursor *c, char **out)
{
    *out = NULL;
    uint32_t bytes = hel_cursor_u32(c);
    const uint8_t *p = hel_cursor_take(c, bytes);
    if (!p)
        return hel_fail(engine, HEL_E_FORMAT, "a text field runs past the end of its section");
    if (memchr(p, 0, bytes)) {
        c->bad = 1;
        return hel_fail(engine, HEL_E_FORMAT, "a text field holds a zero byte");
    }
    HEL_TRY(hel_malloc(engine, out, (size_t)bytes + 1, 1));
    memcpy(*out, p, bytes);
    (*out)[bytes] = 0;
    return HEL_OK;
}
