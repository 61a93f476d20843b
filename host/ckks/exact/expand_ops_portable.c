/* The plain C twin: the definition, coefficient by coefficient. */
#include "host/ckks/exact/expand_ops.h"

/* x < 2^63 -> x / 2^32 mod q: (x + m q) / 2^32 is below 2^31 + q < 2^32 */
static uint32_t montgomery(const hel_step_args *a, uint32_t minus_inverse, uint64_t x)
{
    uint32_t m = (uint32_t)x * minus_inverse;
    uint32_t r = (uint32_t)((x + (uint64_t)m * a->l->q) >> 32);
    return hel_mod_fold(hel_mod_fold(r, 2 * a->l->q), a->l->q);
}

/* b[m][p] at word i; at most 8 digits: the sum stays below 2^63 */
static uint32_t switched(const hel_step_args *a, uint32_t minus_inverse, uint32_t m, uint32_t p,
                         size_t i)
{
    const size_t from = a->map[m][i];
    const uint32_t vectors = ((1u << a->levels) - 1) * a->digits * 2;
    uint64_t sum = 0;
    for (uint32_t j = 0; j < a->digits; j++)
        sum += (uint64_t)a->digit[j][from] * a->key[hel_pack_index(vectors, a->digits, m, j, p, i)];
    uint32_t b = montgomery(a, minus_inverse, sum);
    return p == 0 ? hel_mod_add(b, a->c0[from], a->l->q) : b;
}

static void children(const hel_step_args *a, uint32_t minus_inverse, uint32_t p, size_t i,
                     uint32_t y[4])
{
    const uint32_t q = a->l->q;
    uint32_t base = a->c0[i], b0 = switched(a, minus_inverse, 0, p, i);
    if (p == 1)
        base = a->own ? hel_mod_reduce60((uint64_t)a->own[i] * a->big, q, a->l->barrett) : 0;
    y[0] = hel_mod_add(base, b0, q);
    if (a->levels == 1) {
        y[1] = hel_mod_sub(base, b0, q);
        return;
    }
    uint32_t b1 = switched(a, minus_inverse, 1, p, i), b2 = switched(a, minus_inverse, 2, p, i);
    /* psi^-(N/2) = -psi^(N/2) at the first half of the words, its negative at the second */
    uint32_t root = i < a->n / 2 ? q - a->l->w[1] : a->l->w[1], plus = y[0];
    uint32_t minus = hel_mod_sub(base, b0, q), sum = hel_mod_add(b1, b2, q);
    uint32_t turned = hel_mod_reduce60((uint64_t)hel_mod_sub(b1, b2, q) * root, q, a->l->barrett);
    y[0] = hel_mod_add(plus, sum, q);
    y[1] = hel_mod_sub(plus, sum, q);
    y[2] = hel_mod_add(minus, turned, q);
    y[3] = hel_mod_sub(minus, turned, q);
}

static uint32_t place(const hel_step_args *a, uint32_t minus_inverse, uint32_t k, size_t i,
                      uint32_t y, uint32_t old)
{
    if (a->mode == HEL_STEP_SHIFT && k)
        return montgomery(a, minus_inverse, (uint64_t)y * a->shift[k][i]);
    if (a->mode == HEL_STEP_FINISH)
        return hel_mod_reduce60((uint64_t)hel_mod_sub(y, old, a->l->q) *
                                    a->factor[k][i / (a->n / 4)],
                                a->l->q, a->l->barrett);
    return y;
}

static void step(const hel_step_args *a)
{
    const uint32_t minus_inverse = hel_montgomery_factor(a->l->q), count = 1u << a->levels;
    for (size_t i = 0; i < a->n; i++)
        for (uint32_t p = 0; p < 2; p++) {
            uint32_t y[4];
            children(a, minus_inverse, p, i, y);
            for (uint32_t k = 0; k < count; k++)
                a->out[k][p][i] = place(a, minus_inverse, k, i, y[k], a->out[k][p][i]);
        }
}

const hel_expand_ops *hel_expand_ops_portable(void)
{
    static const hel_expand_ops ops = {step, NULL};
    return &ops;
}
