/* The list of missing calls: LEB128 differences in groups with an offset table. */
#include <string.h>

#include "host/geno/missing.h"

#define VERSION    1
#define HEAD_BYTES 20
#define GROUP      64 /* variants per offset */
#define LEB_MAX    5  /* bytes of a u32 */

static uint32_t groups_of(uint32_t variants)
{
    return variants / GROUP + (variants % GROUP != 0);
}

/* --- writer --- */

static size_t put_leb(uint8_t *to, uint32_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        to[n++] = (uint8_t)(value | 0x80);
    to[n++] = (uint8_t)value;
    return n;
}

hel_status hel_missing_append(hel_engine *engine, hel_missing_writer *w, const uint32_t *index,
                              uint32_t count)
{
    uint8_t bytes[256];
    HEL_REQUIRE(engine, w->variants < UINT32_MAX, HEL_E_INTERNAL,
                "missing calls: too many variants");
    for (uint32_t i = 0; i < count; i++)
        HEL_REQUIRE(engine, index[i] < w->samples && (!i || index[i] > index[i - 1]),
                    HEL_E_INTERNAL, "missing calls: variant %u: index %u out of order or range",
                    w->variants, index[i]);
    if (w->variants % GROUP == 0)
        HEL_TRY(hel_buf_put_u64(engine, &w->offsets, w->bodies.bytes));
    size_t fill = put_leb(bytes, count);
    for (uint32_t i = 0; i < count; i++) {
        if (fill > sizeof bytes - LEB_MAX) {
            HEL_TRY(hel_buf_put(engine, &w->bodies, bytes, fill));
            fill = 0;
        }
        fill += put_leb(bytes + fill, i ? index[i] - index[i - 1] : index[i]);
    }
    HEL_TRY(hel_buf_put(engine, &w->bodies, bytes, fill));
    w->variants++;
    w->calls += count;
    return HEL_OK;
}

hel_status hel_missing_finish(hel_engine *engine, hel_missing_writer *w, hel_buf *out)
{
    HEL_TRY(hel_buf_put_u32(engine, out, VERSION));
    HEL_TRY(hel_buf_put_u32(engine, out, w->samples));
    HEL_TRY(hel_buf_put_u32(engine, out, w->variants));
    HEL_TRY(hel_buf_put_u64(engine, out, w->calls));
    HEL_TRY(hel_buf_put(engine, out, w->offsets.data, w->offsets.bytes));
    return hel_buf_put(engine, out, w->bodies.data, w->bodies.bytes);
}

void hel_missing_writer_free(hel_missing_writer *w)
{
    hel_buf_free(&w->bodies);
    hel_buf_free(&w->offsets);
    *w = (hel_missing_writer){0};
}

/* --- reader --- */

/* A u32 in its shortest form from [*p, end); 0 when there is none. */
static int get_leb(const uint8_t **p, const uint8_t *end, uint32_t *value)
{
    uint64_t sum = 0;
    for (uint32_t shift = 0; shift < 7 * LEB_MAX && *p < end; shift += 7) {
        uint8_t byte = *(*p)++;
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = (uint32_t)sum;
            return sum <= UINT32_MAX && (byte || !shift);
        }
    }
    return 0;
}

/* Numbers end with a byte below 0x80: how many end in these eight bytes. */
static uint64_t ends_in(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return ((~x >> 7 & 0x0101010101010101u) * 0x0101010101010101u) >> 56;
}

static uint64_t count_numbers(const uint8_t *p, const uint8_t *end)
{
    uint64_t n = 0;
    for (; end - p >= 8; p += 8)
        n += ends_in(p);
    for (; p < end; p++)
        n += *p < 0x80;
    return n;
}

/* Passes over `count` numbers; NULL when [p, end) has fewer. */
static const uint8_t *skip_numbers(const uint8_t *p, const uint8_t *end, uint64_t count)
{
    while (end - p >= 8) {
        uint64_t ends = ends_in(p);
        if (ends >= count)
            break;
        count -= ends;
        p += 8;
    }
    for (; count && p < end; p++)
        count -= *p < 0x80;
    return count ? NULL : p;
}

static const uint8_t *bodies_of(const hel_missing *m)
{
    return m->data + HEAD_BYTES + 8 * (size_t)groups_of(m->variants);
}

/* Bytes [*from, *to) of the bodies hold group g. */
static void group_range(const hel_missing *m, uint32_t g, uint64_t *from, uint64_t *to)
{
    const uint8_t *offset = m->data + HEAD_BYTES + 8 * (size_t)g;
    *from = hel_get_u64(offset);
    *to = g + 1 < groups_of(m->variants) ? hel_get_u64(offset + 8)
                                         : (uint64_t)(m->data + m->bytes - bodies_of(m));
}

hel_status hel_missing_open(hel_engine *engine, hel_missing *m, const uint8_t *data, size_t bytes)
{
    *m = (hel_missing){0};
    HEL_REQUIRE(engine, bytes >= HEAD_BYTES && hel_get_u32(data) == VERSION, HEL_E_FORMAT,
                "missing calls: head: truncated or not of version %d", VERSION);
    hel_missing found = {.data = data,
                         .bytes = bytes,
                         .samples = hel_get_u32(data + 4),
                         .variants = hel_get_u32(data + 8),
                         .calls = hel_get_u64(data + 12)};
    uint32_t groups = groups_of(found.variants);
    HEL_REQUIRE(engine, groups <= (bytes - HEAD_BYTES) / 8, HEL_E_FORMAT,
                "missing calls: offsets: truncated");
    const uint8_t *bodies = bodies_of(&found), *end = data + bytes;
    HEL_REQUIRE(engine, groups || bodies == end, HEL_E_FORMAT,
                "missing calls: bodies: %zu bytes for no variants", bytes - HEAD_BYTES);
    for (uint32_t g = 0; g < groups; g++) {
        uint64_t from, to, last = g + 1 == groups;
        group_range(&found, g, &from, &to);
        HEL_REQUIRE(engine,
                    from <= to && to <= (uint64_t)(end - bodies) && (g || !from) &&
                        to - from >= (last ? found.variants - (uint64_t)g * GROUP : GROUP),
                    HEL_E_FORMAT, "missing calls: offset %u of %u: out of order", g, groups);
    }
    HEL_REQUIRE(engine,
                found.calls <= bytes && count_numbers(bodies, end) == found.variants + found.calls,
                HEL_E_FORMAT, "missing calls: bodies: not the %llu calls of the head",
                (unsigned long long)found.calls);
    *m = found;
    return HEL_OK;
}

static hel_status malformed(hel_engine *engine, uint32_t variant)
{
    return hel_fail(engine, HEL_E_FORMAT, "missing calls: variant %u: malformed list", variant);
}

hel_status hel_missing_get(hel_engine *engine, const hel_missing *m, uint32_t variant,
                           uint32_t *index, uint32_t *count)
{
    *count = 0;
    HEL_REQUIRE(engine, variant < m->variants, HEL_E_INTERNAL, "missing calls: variant %u of %u",
                variant, m->variants);
    uint64_t from, to;
    uint32_t n;
    group_range(m, variant / GROUP, &from, &to);
    const uint8_t *p = bodies_of(m) + from, *end = bodies_of(m) + to;
    for (uint32_t j = variant / GROUP * GROUP; j < variant; j++)
        if (!get_leb(&p, end, &n) || n > m->samples || !(p = skip_numbers(p, end, n)))
            return malformed(engine, j);
    if (!get_leb(&p, end, &n) || n > m->samples)
        return malformed(engine, variant);
    uint64_t last = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t step;
        if (!get_leb(&p, end, &step) || (i && !step))
            return malformed(engine, variant);
        last += step;
        if (last >= m->samples)
            return malformed(engine, variant);
        index[i] = (uint32_t)last;
    }
    /* The last list of a group ends where the next group begins. */
    if ((variant % GROUP == GROUP - 1 || variant + 1 == m->variants) && p != end)
        return malformed(engine, variant);
    *count = n;
    return HEL_OK;
}
