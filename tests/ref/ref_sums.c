#include "tests/ref/ref_sums.h"

static int64_t plane_value(hel_plane plane, uint8_t call)
{
    if (plane == HEL_PLANE_MISS)
        return call == 3;
    if (call == 3)
        return 0;
    return plane == HEL_PLANE_G ? call : (int64_t)call * call;
}

void ref_sums(const hel_model *m, const uint8_t *calls, int64_t *sums)
{
    for (uint32_t o = 0; o < m->outputs; o++) {
        const int32_t *w = m->column[m->output[o].column].w;
        int64_t value[4], sum = 0;
        for (uint8_t c = 0; c < 4; c++)
            value[c] = plane_value(m->output[o].plane, c);
        for (uint32_t i = 0; i < m->samples; i++)
            sum += value[calls[i] & 3] * w[i];
        sums[o] = sum;
    }
}

void ref_sums_all(const hel_model *m, const uint8_t *calls, uint32_t variants, int64_t *sums)
{
    for (uint32_t v = 0; v < variants; v++)
        ref_sums(m, calls + (size_t)v * m->samples, sums + (size_t)v * m->outputs);
}

uint32_t ref_missing(const uint8_t *calls, uint32_t samples, uint32_t *index)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < samples; i++)
        if (calls[i] == 3)
            index[count++] = i;
    return count;
}
