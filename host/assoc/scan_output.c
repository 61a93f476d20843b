/* Finished accumulators become relinearized, modulus-switched sums, on the CPU. */
#include <string.h>

#include "host/assoc/scan_private.h"
#include "host/base/pool.h"

size_t hel_scan_output_words(const struct scan *s)
{
    return 3 * (size_t)s->gl.poly_words + hel_keyswitch_scratch_words(s->scheme);
}

/* Item = (block, output): gather its three polynomials, relinearize, switch. */
static hel_status finish_output(void *arg, size_t index, uint32_t worker)
{
    struct scan *s = arg;
    const hel_stage_mark mark = hel_stage_enter();
    const size_t block = index / s->outputs, o = index % s->outputs;
    const size_t n = s->scheme->n, poly = (size_t)s->gl.poly_words;
    const size_t out_words = (size_t)s->scheme->params.out_limbs * n;
    uint32_t *d = s->cpu.worker[worker].output;
    const uint32_t *acc =
        s->cpu.acc +
        (s->cpu.output_block + block) * s->gl.limbs * s->cpu.groups * s->outputs * 3 * LANES +
        (size_t)s->slot[o] * 3 * LANES;
    for (size_t g = 0; g < (size_t)s->gl.limbs * s->cpu.groups; g++)
        for (size_t p = 0; p < 3; p++)
            memcpy(d + p * poly + g * LANES, acc + (g * s->outputs * 3 + p) * LANES,
                   LANES * sizeof *d);
    uint32_t *r = s->cpu.result + 2 * index * out_words;
    hel_output_finish(s->scheme, &s->keys->relin, d, d + poly, d + 2 * poly, r, r + out_words,
                      d + 3 * poly);
    hel_stage_leave(&s->stage[STAGE_FINISH], &mark, 1, 2 * out_words * sizeof *r);
    return HEL_OK;
}

hel_status hel_scan_cpu_finish(struct scan *s, uint32_t first, uint32_t count, uint32_t *sums)
{
    s->cpu.output_block = first;
    s->cpu.result = sums;
    return hel_parallel(s->engine, (size_t)count * s->outputs, finish_output, s);
}
