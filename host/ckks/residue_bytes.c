/* Coding of residues: a plain loop that compilers turn into copies on little-endian machines. */
#include "host/ckks/residue_bytes.h"

#define RUN 256 /* N is a multiple of it */

hel_status hel_residues_put(hel_engine *engine, hel_buf *out, const uint32_t *words, size_t count)
{
    uint8_t bytes[4 * RUN];
    for (size_t at = 0; at < count; at += RUN) {
        for (size_t i = 0; i < RUN; i++)
            hel_put_u32(bytes + 4 * i, words[at + i]);
        HEL_TRY(hel_buf_put(engine, out, bytes, sizeof bytes));
    }
    return HEL_OK;
}

int hel_residues_get(uint32_t q, uint32_t *out, const uint8_t *data, size_t n)
{
    uint32_t top = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = hel_get_u32(data + 4 * i);
        top = out[i] > top ? out[i] : top;
    }
    return top < q;
}

void hel_ternary_put(uint8_t *out, const int8_t *s, size_t n)
{
    for (size_t j = 0; j < n; j++)
        out[j / 4] |= (uint8_t)((uint32_t)(s[j] + 1) << (2 * (j % 4)));
}

int hel_ternary_get(int8_t *s, const uint8_t *data, size_t n)
{
    uint32_t bad = 0;
    for (size_t j = 0; j < n; j++) {
        const uint32_t v = data[j / 4] >> (2 * (j % 4)) & 3;
        bad |= v & v >> 1; /* 3 is no coefficient */
        s[j] = (int8_t)((int32_t)v - 1);
    }
    return !bad;
}
