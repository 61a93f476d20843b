/* Finished accumulators become relinearized, modulus-switched sums in the file's order. */
#include <string.h>
#include <time.h>

#include "host/assoc/scan_private.h"
#include "host/base/pool.h"

/* One output of the block at hand: gather its three polynomials, relinearize, switch. */
static hel_status finish_output(void *arg, size_t o, uint32_t worker)
{
    struct scan *s = arg;
    const size_t n = s->scheme->n, poly = (size_t)s->gl.poly_words;
    const size_t out_words = (size_t)s->scheme->params.out_limbs * n;
    uint32_t *d = s->worker[worker].output;
    const uint32_t *acc =
        s->acc + (size_t)s->output_block * s->gl.limbs * s->groups * s->outputs * 3 * LANES +
        (size_t)s->slot[o] * 3 * LANES;
    for (size_t g = 0; g < (size_t)s->gl.limbs * s->groups; g++)
        for (size_t p = 0; p < 3; p++)
            memcpy(d + p * poly + g * LANES, acc + (g * s->outputs * 3 + p) * LANES,
                   LANES * sizeof *d);
    uint32_t *r = s->result + 2 * o * out_words;
    hel_output_finish(s->scheme, &s->keys->relin, d, d + poly, d + 2 * poly, r, r + out_words,
                      d + 3 * poly);
    return HEL_OK;
}

hel_status hel_scan_write_chunk(struct scan *s)
{
    const size_t bytes = (size_t)s->outputs * 2 * s->scheme->params.out_limbs * s->scheme->n * 4;
    for (s->output_block = 0; s->output_block < s->range_count; s->output_block++) {
        HEL_TRY(hel_parallel(s->engine, s->outputs, finish_output, s));
        HEL_TRY(hel_writer_put(s->sums, s->result, bytes));
    }
    return HEL_OK;
}
