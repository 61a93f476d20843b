/* Every element-wise operation of every twin against % on 128 bits, with corner residues. */
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ring.h"

#define WORDS 1024

static const size_t sizes[] = {0, 16, 32, 48, WORDS};
static const uint32_t limbs[] = {0, 1, 30, HEL_PRIMES_MAX - 1};

/* One body for all twins, sizes and primes: four of the chain, and a list of mixed sizes where the
 * operation takes any; the operands are fresh for every call. */
#define MIXED 40
typedef struct operands {
    const hel_ring *ring;
    const hel_limb *l;
    uint32_t *a, *b, *c, *got;
    size_t n;
    uint32_t s; /* a scalar below q */
    ref_random *r;
} operands;

static void each_of(void (*body)(const operands *o), ref_random *r, hel_engine *engine,
                    hel_ring *ring, int chain)
{
    operands o = {.ring = ring, .r = r};
    o.a = ref_words(WORDS);
    o.b = ref_words(WORDS);
    o.c = ref_words(WORDS);
    o.got = ref_words(WORDS);
    for (size_t run = 0; run < ref_scaled(20) * 20; run++) {
        const uint32_t scalars[] = {0, 1, 2, 0, 0};
        o.l = &ring->limb[chain ? limbs[run % 4] : run % MIXED];
        o.n = sizes[run % 5];
        o.s = run % 7 < 3 ? scalars[run % 7] : o.l->q - 1;
        if (run % 7 > 3)
            o.s = ref_random_below(r, o.l->q);
        ref_fill(r, o.a, WORDS, o.l->q);
        ref_fill(r, o.b, WORDS, o.l->q);
        ref_fill(r, o.c, WORDS, o.l->q);
        body(&o);
    }
    free(o.a);
    free(o.b);
    free(o.c);
    free(o.got);
    ref_ring_end(engine, ring);
}

/* The chain's primes only */
static void each_chain(void (*body)(const operands *o), uint64_t stream)
{
    ref_random r = ref_random_start(stream);
    hel_engine *engine;
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++) {
        hel_ring *ring = ref_ring(&engine, ref_twin(t), 10, HEL_PRIMES_MAX);
        each_of(body, &r, engine, ring, 1);
    }
}

static void each(void (*body)(const operands *o), uint64_t stream)
{
    ref_random r = ref_random_start(stream);
    hel_engine *engine;
    uint32_t primes[MIXED];
    each_chain(body, stream);
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++) {
        ref_mixed_primes(&r, 10, primes, MIXED);
        hel_ring *ring = ref_ring_from(&engine, ref_twin(t), 10, primes, MIXED);
        each_of(body, &r, engine, ring, 0);
    }
}

#define EXPECT(got, want, i)                                                                       \
    cr_assert_eq(got, want, "%s q %u a %u b %u c %u s %u: got %u, want %u", o->ring->ops->name,    \
                 o->l->q, o->a[i], o->b[i], o->c[i], o->s, (unsigned)(got), (unsigned)(want))

static void body_add(const operands *o)
{
    o->ring->ops->add(o->l, o->got, o->a, o->b, o->n);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], ((uint64_t)o->a[i] + o->b[i]) % o->l->q, i);
}

static void body_sub(const operands *o)
{
    o->ring->ops->sub(o->l, o->got, o->a, o->b, o->n);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], ref_mod((__int128)o->a[i] - o->b[i], o->l->q), i);
}

static void body_mul(const operands *o)
{
    o->ring->ops->mul(o->l, o->got, o->a, o->b, o->n);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], (uint64_t)o->a[i] * o->b[i] % o->l->q, i);
}

static void body_mul_add(const operands *o)
{
    memcpy(o->got, o->c, o->n * sizeof *o->got);
    o->ring->ops->mul_add(o->l, o->got, o->a, o->b, o->n);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], ((uint64_t)o->a[i] * o->b[i] + o->c[i]) % o->l->q, i);
}

static void body_mul_scalar(const operands *o)
{
    o->ring->ops->mul_scalar(o->l, o->got, o->a, o->s, o->n);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], (uint64_t)o->a[i] * o->s % o->l->q, i);
}

static void body_sub_mul_scalar(const operands *o)
{
    o->ring->ops->sub_mul_scalar(o->l, o->got, o->a, o->b, o->s, o->n);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], ref_mod(((__int128)o->a[i] - o->b[i]) * o->s, o->l->q), i);
}

Test(vec, add)
{
    each(body_add, 1);
}

Test(vec, sub)
{
    each(body_sub, 2);
}

Test(vec, mul)
{
    each(body_mul, 3);
}

Test(vec, mul_add)
{
    each(body_mul_add, 4);
}

Test(vec, mul_scalar)
{
    each(body_mul_scalar, 5);
}

Test(vec, sub_mul_scalar)
{
    each(body_sub_mul_scalar, 6);
}

/* Results over an operand: the same bits as beside it. */
static void body_alias(const operands *o)
{
    const hel_ring_ops *ops = o->ring->ops;
    uint32_t *x = ref_words(WORDS);
    const size_t bytes = o->n * sizeof *x;
    void (*const binary[])(const hel_limb *, uint32_t *, const uint32_t *, const uint32_t *,
                           size_t) = {ops->add, ops->sub, ops->mul};
    for (int k = 0; k < 3; k++) {
        binary[k](o->l, o->got, o->a, o->b, o->n);
        memcpy(x, o->a, bytes);
        binary[k](o->l, x, x, o->b, o->n);
        cr_assert_arr_eq(x, o->got, bytes, "%s op %d over a", ops->name, k);
        memcpy(x, o->b, bytes);
        binary[k](o->l, x, o->a, x, o->n);
        cr_assert_arr_eq(x, o->got, bytes, "%s op %d over b", ops->name, k);
    }
    ops->sub_mul_scalar(o->l, o->got, o->a, o->b, o->s, o->n);
    memcpy(x, o->b, bytes);
    ops->sub_mul_scalar(o->l, x, o->a, x, o->s, o->n);
    cr_assert_arr_eq(x, o->got, bytes, "%s sub_mul_scalar over b", ops->name);
    free(x);
}

static void body_alias_lift(const operands *o)
{
    const hel_ring_ops *ops = o->ring->ops;
    uint32_t *x = ref_words(WORDS);
    const size_t bytes = o->n * sizeof *x;
    ops->lift1(&o->ring->limb[7], o->l, o->got, o->a, o->n);
    memcpy(x, o->a, bytes);
    ops->lift1(&o->ring->limb[7], o->l, x, x, o->n);
    cr_assert_arr_eq(x, o->got, bytes, "%s lift1 over a", ops->name);
    free(x);
}

Test(vec, results_over_operands)
{
    each(body_alias, 7);
    each_chain(body_alias_lift, 7);
}

static void body_dot(const operands *o)
{
    const uint32_t *a[16], *b[16], *const sets[3] = {o->a, o->b, o->c};
    const uint32_t terms = 1 + ref_random_below(o->r, 16);
    for (uint32_t j = 0; j < 16; j++) {
        a[j] = sets[ref_random_below(o->r, 3)];
        b[j] = sets[ref_random_below(o->r, 3)];
    }
    o->ring->ops->dot(o->l, o->got, a, b, terms, o->n);
    for (size_t i = 0; i < o->n; i++) {
        unsigned __int128 sum = 0;
        for (uint32_t j = 0; j < terms; j++)
            sum += (uint64_t)a[j][i] * b[j][i];
        EXPECT(o->got[i], (uint32_t)(sum % o->l->q), i);
    }
}

/* All products at their largest: (q-1)^2 sixteen times. */
static void body_dot_top(const operands *o)
{
    const uint32_t *a[16];
    for (size_t i = 0; i < WORDS; i++)
        o->a[i] = o->l->q - 1;
    for (uint32_t j = 0; j < 16; j++)
        a[j] = o->a;
    o->ring->ops->dot(o->l, o->got, a, a, 16, o->n);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], 16u, i);
}

Test(vec, dot)
{
    each(body_dot, 8);
    each(body_dot_top, 9);
}

/* Terms around the counts at which sums are folded. */
static void body_dot2(const operands *o)
{
    static const uint32_t counts[] = {1, 2, 3, 4, 15, 16, 17, 23, 24, 25, 31, 32, 33, 64};
    const uint32_t *a[64], *b0[64], *b1[64], *const sets[3] = {o->a, o->b, o->c};
    const uint32_t terms = counts[ref_random_below(o->r, 14)], top = ref_random_below(o->r, 3) == 0;
    uint32_t *got1 = ref_words(WORDS);
    for (size_t i = 0; top && i < WORDS; i++) /* products at their largest */
        o->a[i] = o->b[i] = o->c[i] = o->l->q - 1;
    for (uint32_t j = 0; j < terms; j++) {
        a[j] = sets[ref_random_below(o->r, 3)];
        b0[j] = sets[ref_random_below(o->r, 3)];
        b1[j] = sets[ref_random_below(o->r, 3)];
    }
    o->ring->ops->dot2(o->l, o->got, got1, a, b0, b1, terms, o->n);
    for (size_t i = 0; i < o->n; i++) {
        unsigned __int128 sum0 = 0, sum1 = 0;
        for (uint32_t j = 0; j < terms; j++) {
            sum0 += (uint64_t)a[j][i] * b0[j][i];
            sum1 += (uint64_t)a[j][i] * b1[j][i];
        }
        EXPECT(o->got[i], (uint32_t)(sum0 % o->l->q), i);
        EXPECT(got1[i], (uint32_t)(sum1 % o->l->q), i);
    }
    free(got1);
}

Test(vec, dot2)
{
    each(body_dot2, 17);
}

static void check_tensor(const operands *o, const uint32_t *const in[4], uint32_t *const out[3])
{
    uint32_t *want[3];
    for (int k = 0; k < 3; k++)
        want[k] = ref_words(WORDS);
    for (size_t i = 0; i < o->n; i++) {
        const uint64_t a0 = in[0][i], a1 = in[1][i], b0 = in[2][i], b1 = in[3][i];
        want[0][i] = (uint32_t)(a0 * b0 % o->l->q);
        want[1][i] = (uint32_t)((a0 * b1 + a1 * b0) % o->l->q);
        want[2][i] = (uint32_t)(a1 * b1 % o->l->q);
    }
    o->ring->ops->tensor(o->l, out[0], out[1], out[2], in[0], in[1], in[2], in[3], o->n);
    for (int k = 0; k < 3; k++) {
        cr_assert_arr_eq(out[k], want[k], o->n * sizeof *want[k], "%s q %u d%d", o->ring->ops->name,
                         o->l->q, k);
        free(want[k]);
    }
}

static void body_tensor(const operands *o)
{
    uint32_t *x[7];
    for (int k = 0; k < 7; k++) {
        x[k] = ref_words(WORDS);
        ref_fill(o->r, x[k], WORDS, o->l->q);
    }
    for (size_t i = 0; i < 16; i++)
        x[0][i] = x[1][i] = x[2][i] = x[3][i] = o->l->q - 1;
    const uint32_t *const in[4] = {x[0], x[1], x[2], x[3]}, *const square[4] = {x[1], x[3], x[1],
                                                                                x[3]};
    check_tensor(o, in, (uint32_t *[]){x[4], x[5], x[6]});
    check_tensor(o, square, (uint32_t *[]){x[4], x[5], x[6]});
    check_tensor(o, in, (uint32_t *[]){x[2], x[0], x[1]}); /* over its inputs */
    for (int k = 0; k < 7; k++)
        free(x[k]);
}

Test(vec, tensor)
{
    each(body_tensor, 18);
}

static void body_lift1(const operands *o)
{
    for (size_t k = 0; k < 4; k++) {
        const hel_limb *to = &o->ring->limb[limbs[k]];
        o->ring->ops->lift1(to, o->l, o->got, o->a, o->n);
        for (size_t i = 0; i < o->n; i++)
            EXPECT(o->got[i], ref_mod(ref_centre(o->a[i], o->l->q), to->q), i);
    }
}

Test(vec, lift1)
{
    each_chain(body_lift1, 10);
}

/* The definition: the only x in (-q0 q1 / 2, q0 q1 / 2) with both residues. */
static __int128 crt2(uint32_t a0, uint32_t a1, uint32_t q0, uint32_t q1)
{
    const __int128 q = (__int128)q0 * q1;
    uint32_t u = ref_mod(((__int128)a1 - a0) * ref_inverse(q0, q1), q1);
    __int128 x = a0 + (__int128)q0 * u;
    return 2 * x > q ? x - q : x;
}

static void body_lift2(const operands *o)
{
    const hel_limb *from1 = &o->ring->limb[o->l->index == 5 ? 6 : 5], *to[6];
    uint32_t *out[6];
    const uint32_t count = 1 + ref_random_below(o->r, 6);
    for (uint32_t t = 0; t < 6; t++) {
        to[t] = &o->ring->limb[ref_random_below(o->r, HEL_PRIMES_MAX)];
        out[t] = ref_words(WORDS);
    }
    ref_fill(o->r, o->b, WORDS, from1->q);
    for (uint32_t i = 0; i < 16; i++) { /* both ends of the range, and what lies next to them */
        __int128 half = ((__int128)o->l->q * from1->q - 1) / 2, x = (i & 1 ? half : -half);
        x += i & 1 ? -(__int128)(i / 2) : (__int128)(i / 2);
        o->a[i] = ref_mod(x, o->l->q);
        o->b[i] = ref_mod(x, from1->q);
    }
    o->ring->ops->lift2(to, count, o->l, from1, out, o->a, o->b, o->n);
    for (uint32_t t = 0; t < count; t++)
        for (size_t i = 0; i < o->n; i++)
            EXPECT(out[t][i], ref_mod(crt2(o->a[i], o->b[i], o->l->q, from1->q), to[t]->q), i);
    for (uint32_t t = 0; t < 6; t++)
        free(out[t]);
}

Test(vec, lift2)
{
    each_chain(body_lift2, 11);
}

static void body_drop(const operands *o)
{
    const hel_limb *dropped = &o->ring->limb[o->l->index == 5 ? 6 : 5];
    ref_fill(o->r, o->b, WORDS, dropped->q);
    memcpy(o->got, o->a, o->n * sizeof *o->got);
    o->ring->ops->drop(o->l, dropped, o->got, o->b, o->n);
    for (size_t i = 0; i < o->n; i++) {
        __int128 v = (__int128)o->a[i] - ref_centre(o->b[i], dropped->q);
        EXPECT(o->got[i], ref_mod(v * ref_inverse(dropped->q, o->l->q), o->l->q), i);
    }
}

Test(vec, drop)
{
    each_chain(body_drop, 12);
}

/* A switch that rounds down passes every test of the variance: the mean must be tested. */
Test(vec, drop_rounds_without_bias)
{
    ref_random r = ref_random_start(13);
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++) {
        hel_engine *engine;
        hel_ring *ring = ref_ring(&engine, ref_twin(t), 10, 2);
        const hel_limb *l = &ring->limb[0], *d = &ring->limb[1];
        uint32_t *c = ref_words(WORDS), *low = ref_words(WORDS);
        double sum = 0;
        size_t total = 0;
        for (int run = 0; run < 200; run++, total += WORDS) {
            int64_t x[WORDS];
            for (size_t i = 0; i < WORDS; i++) {
                x[i] = (int64_t)(ref_random_u64(&r) >> 8) - ((int64_t)1 << 55);
                c[i] = ref_mod(x[i], l->q);
                low[i] = ref_mod(x[i], d->q);
            }
            ring->ops->drop(l, d, c, low, WORDS);
            for (size_t i = 0; i < WORDS; i++) {
                double error = (double)(ref_centre(c[i], l->q) * (__int128)d->q - x[i]) / d->q;
                cr_assert_lt(error, 0.5000001);
                cr_assert_gt(error, -0.5000001);
                sum += error;
            }
        }
        /* standard deviation of the mean: sqrt(1/12/total) = 6.4e-4 */
        cr_assert_lt(sum / (double)total, 0.004);
        cr_assert_gt(sum / (double)total, -0.004);
        free(c);
        free(low);
        ref_ring_end(engine, ring);
    }
}

static void body_embed(const operands *o)
{
    static int8_t m[WORDS], e[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        m[i] = (int8_t)(i < 256 ? (int)i - 128 : (int)ref_random_below(o->r, 256) - 128);
        e[i] = (int8_t)(i % 3 == 0   ? 127
                        : i % 3 == 1 ? -127
                                     : (int)ref_random_below(o->r, 43) - 21);
    }
    o->ring->ops->embed(o->l, o->got, m, o->s, e, o->n);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], ref_mod((__int128)m[i] * o->s + e[i], o->l->q), i);
}

Test(vec, embed)
{
    each(body_embed, 14);
}

static void body_accept(const operands *o)
{
    static uint8_t words[4 * WORDS];
    size_t refused = 0;
    uint32_t mask = 1;
    while (mask < o->l->q)
        mask = 2 * mask + 1;
    for (size_t i = 0; i < WORDS; i++) {
        uint32_t w = (uint32_t)ref_random_u64(o->r);
        if (i % 4 == 0) /* around q, with the upper bits of the word at random */
            w = (w & ~mask) | (o->l->q - 2 + ref_random_below(o->r, 4));
        for (int k = 0; k < 4; k++)
            words[4 * i + (size_t)k] = (uint8_t)(w >> 8 * k);
        o->c[i] = (w & mask) < o->l->q ? w & mask : HEL_UNIFORM_OPEN;
        refused += i < o->n && o->c[i] == HEL_UNIFORM_OPEN;
    }
    cr_assert_eq(o->ring->ops->uniform_accept(o->l, o->got, words, o->n), refused);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], o->c[i], i);
}

Test(vec, uniform_accept)
{
    each(body_accept, 15);
}

static void body_wide(const operands *o)
{
    static uint8_t words[4 * WORDS];
    const uint64_t q = o->l->q, limit = ((uint64_t)1 << 32) / q * q;
    size_t refused = 0;
    for (size_t i = 0; i < WORDS; i++) {
        uint32_t w = (uint32_t)ref_random_u64(o->r);
        if (i % 4 == 0) /* around the limit and around multiples of q */
            w = (uint32_t)(limit - 2) + ref_random_below(o->r, 4);
        if (i % 4 == 1)
            w = (uint32_t)(w / q * q) - 1 + ref_random_below(o->r, 3);
        for (int k = 0; k < 4; k++)
            words[4 * i + (size_t)k] = (uint8_t)(w >> 8 * k);
        o->c[i] = w < limit ? (uint32_t)(w % q) : HEL_UNIFORM_OPEN;
        refused += i < o->n && o->c[i] == HEL_UNIFORM_OPEN;
    }
    cr_assert_eq(o->ring->ops->uniform_wide(o->l, o->got, words, o->n), refused);
    for (size_t i = 0; i < o->n; i++)
        EXPECT(o->got[i], o->c[i], i);
}

Test(vec, uniform_wide)
{
    each(body_wide, 19);
}

static void body_cbd(const operands *o)
{
    static uint8_t bytes[8 * WORDS];
    static int8_t got[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t x = i == 0 ? 0 : i == 1 ? ~(uint64_t)0 : ref_random_u64(o->r);
        x = i == 2 ? 0x1fffff : i == 3 ? (uint64_t)0x1fffff << 21 : x;
        memcpy(bytes + 8 * i, &x, 8);
    }
    o->ring->ops->cbd21(got, bytes, o->n);
    for (size_t i = 0; i < o->n; i++) {
        int want = 0;
        for (size_t k = 0; k < 42; k++)
            want += (k < 21 ? 1 : -1) * (bytes[8 * i + k / 8] >> (k % 8) & 1);
        cr_assert_eq(got[i], want, "%s coefficient %d: got %d, want %d", o->ring->ops->name, (int)i,
                     got[i], want);
    }
}

Test(vec, cbd21)
{
    each(body_cbd, 16);
}
