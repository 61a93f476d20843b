/* Little-endian codecs and a growing byte buffer. */
#ifndef HEL_BASE_BYTES_H
#define HEL_BASE_BYTES_H

#include <string.h>

#include "host/base/error.h"

static inline uint32_t hel_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t hel_get_u64(const uint8_t *p)
{
    return (uint64_t)hel_get_u32(p) | (uint64_t)hel_get_u32(p + 4) << 32;
}

static inline double hel_get_f64(const uint8_t *p)
{
    uint64_t bits = hel_get_u64(p);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void hel_put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static inline void hel_put_u64(uint8_t *p, uint64_t v)
{
    hel_put_u32(p, (uint32_t)v);
    hel_put_u32(p + 4, (uint32_t)(v >> 32));
}

/* A growing buffer (writer) or a bounded cursor (reader). The reader's calls set `bad` when the
 * data end early, and then return zeros: check `bad` once after a group of reads. */
typedef struct hel_buf {
    uint8_t *data;
    size_t bytes, capacity;
} hel_buf;

hel_status hel_buf_put(hel_engine *engine, hel_buf *buf, const void *data, size_t bytes);
hel_status hel_buf_put_u32(hel_engine *engine, hel_buf *buf, uint32_t v);
hel_status hel_buf_put_u64(hel_engine *engine, hel_buf *buf, uint64_t v);
hel_status hel_buf_put_f64(hel_engine *engine, hel_buf *buf, double v);
/* u32 length + bytes */
hel_status hel_buf_put_string(hel_engine *engine, hel_buf *buf, const char *text);
/* Text, without a length or a final 0 byte. */
hel_status hel_buf_printf(hel_engine *engine, hel_buf *buf, const char *format, ...)
    HEL_PRINTF(3, 4);
void hel_buf_free(hel_buf *buf);        /* safe on a zeroed struct */
void hel_buf_free_secret(hel_buf *buf); /* wipes first */

typedef struct hel_cursor {
    const uint8_t *data;
    size_t bytes, at;
    int bad;
} hel_cursor;

const uint8_t *hel_cursor_take(hel_cursor *c, size_t bytes); /* NULL when too short */
uint32_t hel_cursor_u32(hel_cursor *c);
uint64_t hel_cursor_u64(hel_cursor *c);
double hel_cursor_f64(hel_cursor *c);
/* A string written by hel_buf_put_string, copied to hel_malloc memory with a final 0 byte. */
hel_status hel_cursor_string(hel_engine *engine, hel_cursor *c, char **out);

#endif
