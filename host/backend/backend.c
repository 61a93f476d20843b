/* What can be said in terms of the table alone. */
#include "host/backend/backend.h"

hel_status hel_key_switch(hel_stream *s, const hel_basis *p, const hel_view out[2], hel_view a,
                          hel_key_view key, uint32_t g, const hel_view *add0, const hel_view *add1)
{
    const hel_basis_shape *shape = hel_basis_get_shape(p);
    const size_t n = shape->ring->n;
    const uint32_t limbs = a.limbs + shape->p_count, batch = out[0].batch;
    const uint32_t count = (a.limbs + shape->digit_limbs - 1) / shape->digit_limbs;
    uint32_t *words = NULL;
    hel_view digits = {.batch = batch, .limbs = limbs, .q_limbs = a.limbs};
    hel_view acc[2];
    hel_status status;

    digits.stride = (size_t)count * limbs * n;
    HEL_TRY(s->ops->alloc(s, &words, (digits.stride + 2 * limbs * n) * batch * sizeof *words));
    digits.data = words;
    for (uint32_t h = 0; h < 2; h++) {
        acc[h] = digits;
        acc[h].data = words + (digits.stride + h * limbs * n) * batch;
        acc[h].stride = limbs * n;
    }
    a.batch = batch; /* the entry spreads a stride of 0 */
    HEL_TRY_GOTO(s->ops->decompose(s, p, digits, a), end);
    HEL_TRY_GOTO(s->ops->key_inner(s, p, acc, digits, key, g), end);
    HEL_TRY_GOTO(s->ops->mod_down(s, p, out[0], acc[0], add0), end);
    HEL_TRY_GOTO(s->ops->mod_down(s, p, out[1], acc[1], add1), end);
end:
    s->ops->release(s, words);
    return status;
}
