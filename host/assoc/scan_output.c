/* Finished accumulators become relinearized, modulus-switched sums, on the CPU. */
#include <string.h>

#include "host/assoc/scan_private.h"
#include "host/base/pool.h"

size_t hel_scan_output_words(const struct scan *s)
{
    return 3 * (size_t)s->gl.poly_words + hel_keyswitch_scratch_words(s->scheme);
}

/* One output of the block at hand: gather its three polynomials, relinearize, switch. */
static hel_status finish_output(void *arg, size_t o, uint32_t worker)
{
    struct scan *s = arg;
    const size_t n = s->scheme->n, poly = (size_t)s->gl.poly_words;
    const size_t out_words = (size_t)s->scheme->params.out_limbs * n;
    uint32_t *d = s->cpu.worker[worker].output;
    const uint32_t *acc =
        s->cpu.acc +
        (size_t)s->cpu.output_block * s->gl.limbs * s->cpu.groups * s->outputs * 3 * LANES +
        (size_t)s->slot[o] * 3 * LANES;
    for (size_t g = 0; g < (size_t)s->gl.limbs * s->cpu.groups; g++)
        for (size_t p = 0; p < 3; p++)
            memcpy(d + p * poly + g * LANES, acc + (g * s->outputs * 3 + p) * LANES,
                   LANES * sizeof *d);
    uint32_t *r = s->cpu.result + 2 * o * out_words;
    hel_output_finish(s->scheme, &s->keys->relin, d, d + poly, d + 2 * poly, r, r + out_words,
                      d + 3 * poly);
    return HEL_OK;
}

hel_status hel_scan_cpu_finish(struct scan *s, uint32_t first, uint32_t count, uint32_t *sums)
{
    for (uint32_t i = 0; i < count; i++) {
        s->cpu.output_block = first + i;
        s->cpu.result = sums + i * scan_result_words(s);
        HEL_TRY(hel_parallel(s->engine, s->outputs, finish_output, s));
    }
    return HEL_OK;
}
