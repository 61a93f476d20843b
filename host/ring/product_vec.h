/*
 * Products of residues and sums of products, for any vector width. The including file has included
 * a simd_*.h and defines TWIN and WIDE, the registers of a stretch. The figure before a function
 * counts vector instructions per register of residues without loads and stores (AVX-512 / AVX2).
 */
#include <assert.h>

#include "host/ring/reduce_vec.h"

/* 15 / 17 */
void TWIN(mul)(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b, size_t n)
{
    const v_prime p = v_prime_of(l);
    for (size_t i = 0; i < n; i += LANES) {
        vec x = v_load(a + i), y = v_load(b + i);
        v_store(out + i, v_reduce(v_mul(x, y), v_mul(v_odd(x), v_odd(y)), &p));
    }
}

/* 19 / 21; (q-1)^2 + q-1 < q^2: the addend goes in before the reduction */
void TWIN(mul_add)(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b, size_t n)
{
    const v_prime p = v_prime_of(l);
    for (size_t i = 0; i < n; i += LANES) {
        vec x = v_load(a + i), y = v_load(b + i), z = v_load(out + i);
        vec even = v_add64(v_mul(x, y), v_even(z));
        vec odd = v_add64(v_mul(v_odd(x), v_odd(y)), v_odd(z));
        v_store(out + i, v_reduce(even, odd, &p));
    }
}

/* Sums of products of the even and of the odd lanes. */
typedef struct sums {
    vec even, odd;
} sums;

/* 4 with the odd lanes at hand */
static inline void add_product(sums *s, vec x, vec x_odd, vec y, vec y_odd)
{
    s->even = v_add64(s->even, v_mul(x, y));
    s->odd = v_add64(s->odd, v_mul(x_odd, y_odd));
}

/* 6 per term and 19 / 21 */
void TWIN(dot)(const hel_limb *l, uint32_t *out, const uint32_t *const *a, const uint32_t *const *b,
               uint32_t terms, size_t n)
{
    const v_prime p = v_prime_of(l);
    assert(terms >= 1 && terms <= 16);
    for (size_t i = 0; i < n; i += LANES) {
        sums s = {v_set1(0), v_set1(0)};
        for (uint32_t j = 0; j < terms; j++) {
            vec x = v_load(a[j] + i), y = v_load(b[j] + i);
            add_product(&s, x, v_odd(x), y, v_odd(y));
        }
        v_store(out + i, v_reduce_sum(s.even, s.odd, &p));
    }
}

/* `wide` (a constant) registers from place i on. */
static inline __attribute__((always_inline)) void
dot2_run(const v_prime *p, vec top, uint32_t *out0, uint32_t *out1, const uint32_t *const *a,
         const uint32_t *const *b0, const uint32_t *const *b1, uint32_t terms, size_t i,
         uint32_t wide)
{
    sums s[WIDE], t[WIDE];
    HEL_UNROLL
    for (uint32_t r = 0; r < wide; r++)
        s[r] = t[r] = (sums){v_set1(0), v_set1(0)};
    for (uint32_t j = 0; j < terms; j++) {
        const uint32_t *x_at = a[j] + i, *y_at = b0[j] + i, *z_at = b1[j] + i;
        HEL_UNROLL
        for (uint32_t r = 0; r < wide; r++) {
            if (j >= 16 && j % 8 == 0) { /* room for eight more products */
                s[r] = (sums){v_fold(s[r].even, top), v_fold(s[r].odd, top)};
                t[r] = (sums){v_fold(t[r].even, top), v_fold(t[r].odd, top)};
            }
            vec x = v_load(x_at + r * LANES), x_odd = v_odd(x);
            vec y = v_load(y_at + r * LANES), z = v_load(z_at + r * LANES);
            add_product(&s[r], x, x_odd, y, v_odd(y));
            add_product(&t[r], x, x_odd, z, v_odd(z));
        }
    }
    HEL_UNROLL
    for (uint32_t r = 0; r < wide; r++) {
        v_store(out0 + i + r * LANES, v_reduce_sum(s[r].even, s[r].odd, p));
        v_store(out1 + i + r * LANES, v_reduce_sum(t[r].even, t[r].odd, p));
    }
}

/* 11 per term and 38 / 42; more than 16 terms: 8 more every 8 terms. Whole stretches of a vector at
 * a time, because keys come from memory: many thin streams at once are slower there. */
void TWIN(dot2)(const hel_limb *l, uint32_t *out0, uint32_t *out1, const uint32_t *const *a,
                const uint32_t *const *b0, const uint32_t *const *b1, uint32_t terms, size_t n)
{
    const v_prime p = v_prime_of(l);
    const vec top = v_sum_top(l->q);
    size_t i = 0;
    assert(terms >= 1);
    for (; i + WIDE * LANES <= n; i += WIDE * LANES)
        dot2_run(&p, top, out0, out1, a, b0, b1, terms, i, WIDE);
    for (; i < n; i += LANES)
        dot2_run(&p, top, out0, out1, a, b0, b1, terms, i, 1);
}

/* 55 / 61 */
void TWIN(tensor_words)(const hel_limb *l, uint32_t *d0, uint32_t *d1, uint32_t *d2,
                        const uint32_t *a0, const uint32_t *a1, const uint32_t *b0,
                        const uint32_t *b1, size_t n)
{
    const v_prime p = v_prime_of(l);
    for (size_t i = 0; i < n; i += LANES) {
        vec x0 = v_load(a0 + i), x1 = v_load(a1 + i), x0_odd = v_odd(x0), x1_odd = v_odd(x1);
        vec y0 = v_load(b0 + i), y1 = v_load(b1 + i), y0_odd = v_odd(y0), y1_odd = v_odd(y1);
        sums s = {v_mul(x0, y1), v_mul(x0_odd, y1_odd)};
        add_product(&s, x1, x1_odd, y0, y0_odd);
        v_store(d0 + i, v_reduce(v_mul(x0, y0), v_mul(x0_odd, y0_odd), &p));
        v_store(d1 + i, v_reduce_sum(s.even, s.odd, &p));
        v_store(d2 + i, v_reduce(v_mul(x1, y1), v_mul(x1_odd, y1_odd), &p));
    }
}
