/*
 * The embedding's loops for any vector width. The including file defines
 *
 *   words, WORDS        a vector of 32-bit words and its length, with C's operators
 *   reals, REALS        a vector of doubles and its length
 *   words_at, reals_at  the same types as memory holds them, at any address
 *   high(a, b)          upper halves of the products a b; all words of b are equal
 *   least(a, b)         the smaller word
 *   NAME                of the twin
 *
 * and gets `ops`. Each double is the result of the same operations in every twin: a vector holds
 * neighbours, it never adds across.
 */
#include "host/ring/ring_private.h"

#define INLINE          static inline __attribute__((always_inline))
#define SPREAD_WORDS(x) ((words){0} + (x))
#define SPREAD_REALS(x) ((reals){0} + (x))

INLINE words load(const uint32_t *p)
{
    return *(const words_at *)p;
}

INLINE void store(uint32_t *p, words x)
{
    *(words_at *)p = x;
}

INLINE reals load_reals(const double *p)
{
    return *(const reals_at *)p;
}

INLINE void store_reals(double *p, reals x)
{
    *(reals_at *)p = x;
}

/* ---- transforms ---- */

typedef struct value {
    reals re, im;
} value;

INLINE value add(value a, value b)
{
    return (value){a.re + b.re, a.im + b.im};
}

INLINE value sub(value a, value b)
{
    return (value){a.re - b.re, a.im - b.im};
}

INLINE value add_i(value a, value b) /* a + i b */
{
    return (value){a.re - b.im, a.im + b.re};
}

INLINE value sub_i(value a, value b) /* a - i b */
{
    return (value){a.re + b.im, a.im - b.re};
}

INLINE value multiply(value a, value w)
{
    return (value){a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}

INLINE value multiply_conjugate(value a, value w)
{
    return (value){a.re * w.re + a.im * w.im, a.im * w.re - a.re * w.im};
}

/* Four rows of a radix-4 pass: row[r] holds A_r before and w_4h(j + swap(r) h) after a forward
 * pass, where swap exchanges 1 and 2. Imaginary parts lie `im` doubles behind. */
typedef struct rows {
    double *row[4];
    size_t im;
} rows;

INLINE value get(const rows *p, int r, size_t k)
{
    return (value){load_reals(p->row[r] + k), load_reals(p->row[r] + p->im + k)};
}

INLINE void put(const rows *p, int r, size_t k, value v)
{
    store_reals(p->row[r] + k, v.re);
    store_reals(p->row[r] + p->im + k, v.im);
}

INLINE void forward4(const rows *p, size_t k, const value w[3], int first)
{
    value b0 = get(p, 0, k), b1 = multiply(get(p, 1, k), w[0]);
    value b2 = multiply(get(p, 2, k), w[1]), b3 = multiply(get(p, 3, k), w[2]);
    value s = add(b0, b2), d = sub(b0, b2), t = add(b1, b3), u = sub(b1, b3);
    put(p, 0, k, add(s, t));
    put(p, 1, k, sub(s, t));
    put(p, 2, k, first ? add_i(d, u) : sub_i(d, u));
    put(p, 3, k, first ? sub_i(d, u) : add_i(d, u));
}

/* The inverse, times 4. */
INLINE void inverse4(const rows *p, size_t k, const value w[3], int first)
{
    value o0 = get(p, 0, k), o1 = get(p, 2, k), o2 = get(p, 1, k), o3 = get(p, 3, k);
    value s = add(o0, o2), t = add(o1, o3), d = sub(o0, o2), u = sub(o1, o3);
    put(p, 0, k, add(s, t));
    put(p, 1, k, multiply_conjugate(first ? sub_i(d, u) : add_i(d, u), w[0]));
    put(p, 2, k, multiply_conjugate(sub(s, t), w[1]));
    put(p, 3, k, multiply_conjugate(first ? add_i(d, u) : sub_i(d, u), w[2]));
}

INLINE void butterfly4(const rows *p, size_t k, const value w[3], int first, int inverse)
{
    if (inverse)
        inverse4(p, k, w, first);
    else
        forward4(p, k, w, first);
}

/* Radix 2, length 1 to 2: the factor is exp(i pi / 4). The inverse is times 2. */
INLINE void pass2(double *x, uint32_t log_s, int inverse)
{
    const double half = 0.70710678118654752440;
    const size_t s = (size_t)1 << log_s, run = s / 2;
    for (size_t k = 0; k < run; k += REALS) {
        value a = {load_reals(x + k), load_reals(x + s + k)};
        value b = {load_reals(x + run + k), load_reals(x + s + run + k)};
        value t = {(b.re - b.im) * half, (b.re + b.im) * half};
        value u = {a.re - b.re, a.im - b.im};
        value c = inverse ? add(a, b) : add(a, t);
        value d = inverse ? (value){(u.re + u.im) * half, (u.im - u.re) * half} : sub(a, t);
        store_reals(x + k, c.re);
        store_reals(x + s + k, c.im);
        store_reals(x + run + k, d.re);
        store_reals(x + s + run + k, d.im);
    }
}

/* Natural order: block b has the factors of j = bit-reversed b over runs of s / 4h. */
INLINE void pass_natural(const hel_embedding *e, uint32_t log_h, uint32_t log_s, double *x,
                         int inverse)
{
    const size_t s = (size_t)1 << log_s, run = s >> (log_h + 2);
    for (uint32_t b = 0; b < 1u << log_h; b++) {
        const uint32_t j = log_h ? hel_bit_reverse(b, log_h) : 0;
        const double *f = e->factor[log_h] + hel_embedding_factor_at(j);
        double *at = x + 4 * b * run;
        const rows p = {{at, at + run, at + 2 * run, at + 3 * run}, s};
        value w[3];
        HEL_UNROLL
        for (int r = 0; r < 3; r++)
            w[r] = (value){SPREAD_REALS(f[2 * r * HEL_EMBEDDING_RUN]),
                           SPREAD_REALS(f[(2 * r + 1) * HEL_EMBEDDING_RUN])};
        if (log_h == 0)
            for (size_t k = 0; k < run; k += REALS)
                butterfly4(&p, k, w, 1, inverse);
        else
            for (size_t k = 0; k < run; k += REALS)
                butterfly4(&p, k, w, 0, inverse);
    }
}

/* Bit-reversed order: blocks of 4 h, their middle rows exchanged; h >= 2, for the pass of h = 1
 * always runs in natural order. */
INLINE void pass_reversed(const hel_embedding *e, uint32_t log_h, uint32_t log_s, double *x,
                          int inverse)
{
    const size_t s = (size_t)1 << log_s, h = (size_t)1 << log_h;
    for (size_t b = 0; b < s; b += 4 * h) {
        const rows p = {{x + b, x + b + 2 * h, x + b + h, x + b + 3 * h}, s};
        for (size_t j = 0; j < h; j += REALS) {
            const double *f = e->factor[log_h] + hel_embedding_factor_at(j);
            value w[3];
            HEL_UNROLL
            for (int r = 0; r < 3; r++)
                w[r] = (value){load_reals(f + 2 * r * HEL_EMBEDDING_RUN),
                               load_reals(f + (2 * r + 1) * HEL_EMBEDDING_RUN)};
            butterfly4(&p, j, w, 0, inverse);
        }
    }
}

/* log2 of the length that the passes in natural order reach: about half of log_s, but log_s where
 * that is at most 3. */
INLINE uint32_t natural_end(uint32_t log_s)
{
    return (log_s & 1) + 2 * ((log_s / 2 + (log_s < 4)) / 2);
}

static void forward(const hel_embedding *e, uint32_t log_s, double *x)
{
    uint32_t log_h = log_s & 1, middle = natural_end(log_s);
    if (log_h)
        pass2(x, log_s, 0);
    for (; log_h < middle; log_h += 2)
        pass_natural(e, log_h, log_s, x, 0);
    hel_embedding_permute(log_s, 1, x);
    for (; log_h < log_s; log_h += 2)
        pass_reversed(e, log_h, log_s, x, 0);
}

static void inverse(const hel_embedding *e, uint32_t log_s, double *x)
{
    uint32_t log_h = log_s, middle = natural_end(log_s);
    while (log_h > middle)
        pass_reversed(e, log_h -= 2, log_s, x, 1);
    hel_embedding_permute(log_s, 1.0 / (double)(1u << log_s), x);
    while (log_h > 1)
        pass_natural(e, log_h -= 2, log_s, x, 1);
    if (log_h)
        pass2(x, log_s, 1);
}

/* ---- doubles to residues ---- */

/* With c = 3 2^51, the lower half of the double c + y is round(y) in two's complement for
 * |y| < 2^51. The difference of p and 2^32 round(p / 2^32) is exact: its bits are bits of p. */
static int split(const double *x, double scale, uint32_t *low, uint32_t *upper, size_t n)
{
    const double c = 0x1.8p52;
    const uint64_t c_bits = 0x4338000000000000u;
    uint64_t above = 0; /* bit 63: an exponent of 62 or more, infinities and NaN included */
    for (size_t k = 0; k < n; k++) {
        union {
            double d;
            uint64_t u;
        } p = {x[k] * scale}, h = {p.d * 0x1p-32 + c}, l = {(p.d - (h.d - c) * 0x1p32) + c};
        uint64_t v = (h.u << 32) + (l.u - c_bits); /* c_bits << 32 is 0 */
        above |= (p.u & 0x7fffffffffffffffu) + ((uint64_t)(2048 - 1023 - 62) << 52);
        low[k] = (uint32_t)v;
        upper[k] = (uint32_t)(v >> 32);
    }
    return (int)(above >> 63);
}

INLINE words fold(words x, words m) /* [0, 2m) -> [0, m) */
{
    return least(x, x - m);
}

/* Any x -> x w, below 2q */
INLINE words mul_shoup(words x, words w, words w_shoup, words q)
{
    return x * w - high(x, w_shoup) * q;
}

/* high 2^32 + low modulo q, below 4q: Shoup's products with 2^32 and with 1 */
INLINE words reduce_words(const hel_embedding_modulus *m, words low, words upper)
{
    words u = upper + m->base; /* at most 2^30 + 2^31 */
    words h = high(u, SPREAD_WORDS(m->pow32_shoup)) + high(low, SPREAD_WORDS(m->one_shoup));
    return u * m->pow32 + low - h * m->q;
}

static void reduce(const hel_embedding_modulus *m, const uint32_t *low, const uint32_t *upper,
                   uint32_t *out, size_t n)
{
    const words q = SPREAD_WORDS(m->q), q2 = q + q;
    for (size_t i = 0; i < n; i += WORDS)
        store(out + i, fold(fold(reduce_words(m, load(low + i), load(upper + i)), q2), q));
}

static void reduce_big(const hel_embedding_modulus *m, const hel_embedding_powers *p, uint32_t bits,
                       const uint32_t *low, const uint32_t *upper, const uint32_t *exponent,
                       uint32_t *out, size_t n)
{
    const words q = SPREAD_WORDS(m->q), q2 = q + q;
    for (size_t i = 0; i < n; i += WORDS) {
        words r = fold(reduce_words(m, load(low + i), load(upper + i)), q2);
        words e = load(exponent + i);
        for (uint32_t b = 0; b < bits; b++) {
            words t = mul_shoup(r, SPREAD_WORDS(p->w[b]), SPREAD_WORDS(p->w_shoup[b]), q);
            r ^= (r ^ t) & (SPREAD_WORDS(0u) - ((e >> b) & 1u));
        }
        store(out + i, fold(r, q));
    }
}

/* ---- residues to doubles ---- */

/* Garner: a_i <- (a_i - d_j) / q_j modulo q_i for j < i. Values stay below 2 q_i; with a multiple
 * of q_i in [2^29, 2^29 + q_i) they stay positive and below 2^32, for |d_j| < 2^29. */
static void digits(const hel_limb *limb, uint32_t limbs, const uint32_t *a, size_t stride,
                   uint32_t *d, size_t n)
{
    for (uint32_t i = 0; i < limbs; i++) {
        const hel_limb *l = &limb[i];
        const words q = SPREAD_WORDS(l->q), half = SPREAD_WORDS(l->q / 2);
        const words base = SPREAD_WORDS(((1u << 29) / l->q + 1) * l->q);
        for (size_t k = 0; k < n; k += 4 * WORDS) {
            words x[4];
            HEL_UNROLL
            for (size_t v = 0; v < 4; v++)
                x[v] = load(a + i * stride + k + v * WORDS);
            for (uint32_t j = 0; j < i; j++) {
                const words w = SPREAD_WORDS(l->q_inv[j]), ws = SPREAD_WORDS(l->q_inv_shoup[j]);
                const uint32_t *dj = d + (size_t)j * HEL_EMBEDDING_BLOCK + k;
                HEL_UNROLL
                for (size_t v = 0; v < 4; v++)
                    x[v] = mul_shoup(x[v] + (base - load(dj + v * WORDS)), w, ws, q);
            }
            HEL_UNROLL
            for (size_t v = 0; v < 4; v++)
                store(d + (size_t)i * HEL_EMBEDDING_BLOCK + k + v * WORDS,
                      fold(fold(x[v], q) + half, q) - half);
        }
    }
}

/* A partial sum that is not 0 is at least 1, so that a digit below q / 2 takes away at most half
 * of it: two roundings a limb, none where the sum stays below 2^53. */
static void join(const hel_limb *limb, uint32_t limbs, const uint32_t *d, double scale, double *x,
                 size_t n)
{
    const uint32_t *top = d + (size_t)(limbs - 1) * HEL_EMBEDDING_BLOCK;
    for (size_t k = 0; k < n; k++)
        x[k] = (double)(int32_t)top[k];
    for (uint32_t i = limbs - 1; i-- > 0;) {
        const uint32_t *di = d + (size_t)i * HEL_EMBEDDING_BLOCK;
        const double q = (double)limb[i].q;
        for (size_t k = 0; k < n; k++)
            x[k] = x[k] * q + (double)(int32_t)di[k];
    }
    for (size_t k = 0; k < n; k++)
        x[k] /= scale;
}

static const hel_embedding_ops ops = {NAME,   forward,    inverse, split,
                                      reduce, reduce_big, digits,  join};
