/*
 * The fused loops for any vector width. The including file defines vec (LANES words), the v_
 * operations below, and gets `step` and `lift3`.
 *
 *   v_load, v_store      unaligned          v_set(x)        all words x
 *   v_add, v_sub, v_min  per word, unsigned v_add64         per pair of words
 *   v_mul                64-bit products of the even words
 *   v_muls               the same, signed words
 *   v_high(x)            odd words moved to the even places, zeros above
 *   v_join(e, o)         even words of e, odd words of o
 *   v_mullo              lower halves of products, per word
 *   v_permute(x, index)  within the vector, by the index's lower bits
 *   v_above(a, b, x)     per word: x where a > b, 0 elsewhere; a, b below 2^31
 *
 * Between folds values are lazy: the comments give their bounds in units of q; 4q < 2^32.
 */

#define INLINE static inline __attribute__((always_inline))

/* x < 2 m -> x mod m, or any x < 4 m -> below 2 m when m stands for 2q */
INLINE vec fold(vec x, vec m)
{
    return v_min(x, v_sub(x, m));
}

typedef struct modulus {
    vec q, q2, minus_inverse;
} modulus;

INLINE modulus set_modulus(uint32_t q)
{
    return (modulus){v_set(q), v_set(2 * q), v_set(hel_montgomery_factor(q))};
}

/* 64-bit sums x below 2^63 at even and odd places -> x / 2^32 mod q, below x / 2^32 + q */
INLINE vec montgomery(vec even, vec odd, modulus m)
{
    even = v_add64(even, v_mul(v_mul(even, m.minus_inverse), m.q));
    odd = v_add64(odd, v_mul(v_mul(odd, m.minus_inverse), m.q));
    return v_join(v_high(even), odd);
}

typedef struct shoup {
    vec w, ws;
} shoup;

INLINE shoup set_shoup(uint32_t w, uint32_t q)
{
    return (shoup){v_set(w), v_set(hel_mod_shoup(w, q))};
}

/* any a -> a w, below 2q */
INLINE vec mul_shoup(vec a, shoup w, modulus m)
{
    vec h = v_join(v_high(v_mul(a, w.ws)), v_mul(v_high(a), w.ws));
    return v_sub(v_mullo(a, w.w), v_mullo(h, m.q));
}

/* Both halves of switched term t at words i .. i + LANES - 1, below 2q. Two products of canonical
 * words stay below 2^61, eight below 2^63; c0 enters above the division by 2^32. */
INLINE void switched(const hel_step_args *a, uint32_t terms, uint32_t digits, uint32_t t, size_t i,
                     modulus m, vec b[2])
{
    const size_t from = a->map[t][i] & ~(uint32_t)(LANES - 1);
    const vec index = v_load(a->map[t] + i), c = v_permute(v_load(a->c0 + from), index);
    const uint32_t *key = a->key + hel_pack_index(terms * digits * 2, digits, t, 0, 0, i);
    vec even[2] = {v_set(0), v_set(0)}, odd[2] = {v_set(0), v_set(0)};
    for (uint32_t j = 0; j < digits; j++) {
        vec d = v_permute(v_load(a->digit[j] + from), index), dh = v_high(d);
        for (uint32_t p = 0; p < 2; p++) {
            vec k = v_load(key + (2 * j + p) * 16);
            even[p] = v_add64(even[p], v_mul(d, k));
            odd[p] = v_add64(odd[p], v_mul(dh, v_high(k)));
        }
    }
    if (digits <= 2) { /* below q/2 + q, and q more for p = 0 */
        b[0] = fold(v_add(montgomery(even[0], odd[0], m), c), m.q2);
        b[1] = montgomery(even[1], odd[1], m);
    } else { /* below 2q + q, and q more */
        b[0] = fold(v_add(montgomery(even[0], odd[0], m), c), m.q2);
        b[1] = fold(montgomery(even[1], odd[1], m), m.q2);
    }
}

typedef struct constants {
    modulus m;
    shoup root, big, factor[4];
} constants;

/* The children of one half, below 4q. */
INLINE void children(const constants *c, uint32_t levels, vec base, const vec b[3], vec y[4])
{
    const modulus m = c->m;
    y[0] = v_add(base, b[0]);              /* below 3q */
    y[1] = v_sub(v_add(base, m.q2), b[0]); /* below 3q */
    if (levels == 1)
        return;
    vec plus = fold(y[0], m.q2), minus = fold(y[1], m.q2), sum = fold(v_add(b[1], b[2]), m.q2);
    vec turned = mul_shoup(v_sub(v_add(b[1], m.q2), b[2]), c->root, m);
    y[0] = v_add(plus, sum);
    y[1] = v_sub(v_add(plus, m.q2), sum);
    y[2] = v_add(minus, turned);
    y[3] = v_sub(v_add(minus, m.q2), turned);
}

INLINE void step_quarter(const hel_step_args *a, uint32_t levels, uint32_t digits,
                         hel_step_mode mode, uint32_t quarter)
{
    const uint32_t q = a->l->q, count = 1u << levels, root = a->l->w[1];
    constants c;
    c.m = set_modulus(q);
    c.root = set_shoup(quarter < 2 ? q - root : root, q);
    c.big = set_shoup(a->big, q);
    for (uint32_t k = 0; mode == HEL_STEP_FINISH && k < count; k++)
        c.factor[k] = set_shoup(a->factor[k][quarter], q);
    for (size_t i = quarter * (a->n / 4); i < (quarter + 1) * (a->n / 4); i += LANES) {
        vec b[3][2], base[2] = {v_load(a->c0 + i), v_set(0)};
        for (uint32_t t = 0; t + 1 < count; t++)
            switched(a, count - 1, digits, t, i, c.m, b[t]);
        if (a->own)
            base[1] = fold(mul_shoup(v_load(a->own + i), c.big, c.m), c.m.q);
        for (uint32_t p = 0; p < 2; p++) {
            const vec half[3] = {b[0][p], levels == 2 ? b[1][p] : base[p],
                                 levels == 2 ? b[2][p] : base[p]};
            vec y[4];
            children(&c, levels, base[p], half, y);
            for (uint32_t k = 0; k < count; k++) {
                uint32_t *out = a->out[k][p] + i;
                if (mode == HEL_STEP_SHIFT && k) { /* 4q q / 2^32 + q: below 2q */
                    vec s = v_load(a->shift[k] + i);
                    y[k] = montgomery(v_mul(y[k], s), v_mul(v_high(y[k]), v_high(s)), c.m);
                } else if (mode == HEL_STEP_FINISH) {
                    vec r = v_sub(v_add(fold(y[k], c.m.q2), c.m.q), v_load(out));
                    y[k] = mul_shoup(r, c.factor[k], c.m);
                } else {
                    y[k] = fold(y[k], c.m.q2);
                }
                v_store(out, fold(y[k], c.m.q));
            }
        }
    }
}

/* The shapes that matter have their own code: two levels, two digits. */
static void step_general(const hel_step_args *a)
{
    for (uint32_t k = 0; k < 4; k++)
        step_quarter(a, a->levels, a->digits, a->mode, k);
}

static void step_store(const hel_step_args *a)
{
    for (uint32_t k = 0; k < 4; k++)
        step_quarter(a, 2, 2, HEL_STEP_STORE, k);
}

static void step_shift(const hel_step_args *a)
{
    for (uint32_t k = 0; k < 4; k++)
        step_quarter(a, 2, 2, HEL_STEP_SHIFT, k);
}

static void step_finish(const hel_step_args *a)
{
    for (uint32_t k = 0; k < 4; k++)
        step_quarter(a, 2, 2, HEL_STEP_FINISH, k);
}

static void step(const hel_step_args *a)
{
    if (a->levels != 2 || a->digits != 2)
        step_general(a);
    else if (a->mode == HEL_STEP_STORE)
        step_store(a);
    else if (a->mode == HEL_STEP_SHIFT)
        step_shift(a);
    else
        step_finish(a);
}

/* ---- three limbs, mixed radix with centred digits c0 + q0 c1 + q0 q1 c2 ---- */

/* a in [0, q) -> the centred integer, two's complement */
INLINE vec centre(vec a, vec half, vec q)
{
    return v_sub(a, v_above(a, half, q));
}

/* (a - c) w, below 2q; a in [0, 2q), c centred modulo any prime of the chain: |c| < 2^29 < q */
INLINE vec radix_digit(vec a, vec c, shoup w, modulus m)
{
    return mul_shoup(v_add(v_sub(a, c), m.q), w, m);
}

typedef struct lift_target {
    modulus m;
    vec w1, w2; /* q0 and q0 q1, Montgomery form */
} lift_target;

INLINE lift_target set_target(const hel_limb *to, const hel_limb *from)
{
    const uint32_t q = to->q, r = (uint32_t)(((uint64_t)1 << 32) % q);
    const uint32_t w1 = hel_mod_mul(from[0].q % q, r, q), w2 = hel_mod_mul(w1, from[1].q % q, q);
    return (lift_target){set_modulus(q), v_set(w1), v_set(w2)};
}

static void lift3(const hel_limb *const *to, uint32_t count, const hel_limb *from,
                  uint32_t *const *out, const uint32_t *const *in, size_t n)
{
    const hel_limb *l1 = from + 1, *l2 = from + 2;
    const modulus m0 = set_modulus(from->q), m1 = set_modulus(l1->q), m2 = set_modulus(l2->q);
    const vec h0 = v_set(from->q / 2), h1 = v_set(l1->q / 2), h2 = v_set(l2->q / 2);
    const shoup i01 = set_shoup(l1->q_inv[from->index], l1->q);
    const shoup i02 = set_shoup(l2->q_inv[from->index], l2->q);
    const shoup i12 = set_shoup(l2->q_inv[l1->index], l2->q);
    lift_target t[HEL_LIMBS_MAX + HEL_SPECIAL_MAX];
    for (uint32_t k = 0; k < count; k++)
        t[k] = set_target(to[k], from);
    for (size_t i = 0; i < n; i += LANES) {
        vec c0 = centre(v_load(in[0] + i), h0, m0.q);
        vec c1 = fold(radix_digit(v_load(in[1] + i), c0, i01, m1), m1.q);
        c1 = centre(c1, h1, m1.q);
        vec c2 = radix_digit(v_load(in[2] + i), c0, i02, m2);
        c2 = centre(fold(radix_digit(c2, c1, i12, m2), m2.q), h2, m2.q);
        vec c1h = v_high(c1), c2h = v_high(c2);
        for (uint32_t k = 0; k < count; k++) {
            /* signed products below 2^59, their sum reduced to (-2^28, 2^28 + q); with c0 it lies
             * in (-q, 2q) */
            const lift_target *g = &t[k];
            vec even = v_add64(v_muls(c1, g->w1), v_muls(c2, g->w2));
            vec odd = v_add64(v_muls(c1h, g->w1), v_muls(c2h, g->w2));
            vec r = v_add(montgomery(even, odd, g->m), c0);
            r = v_min(r, v_add(r, g->m.q));
            v_store(out[k] + i, fold(r, g->m.q));
        }
    }
}
