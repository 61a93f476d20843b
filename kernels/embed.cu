/*
 * Encoding and decoding around a Fourier transform: permutation by powers of 5, twist, rounding and
 * reduction, exact lift. Rounding and lift are those of host/ring/embedding.h, bit for bit; every
 * product and sum of doubles is rounded by itself, so that a device and the simulator agree.
 *
 * Bytes, predicted to be what the first three take: k_slots_in and k_slots_out 32 a slot (16 of
 * them in scattered sectors, which the second-level cache joins); k_embed_reduce 4 written a
 * residue and 1 read (a row of v for 8 limbs), with about 25 instructions a residue. k_embed_lift
 * reads 4 a residue and writes 8 a coefficient, but computes: limbs^2 / 2 dependent steps of about
 * 12 instructions a coefficient; 40 limbs at N = 2^16 on an H200: 30 us alone, 25 in a batch.
 */
#include "kernels/embed.h"

#include "kernels/kernel.h"

#if defined(__CUDACC__)
#define E_MUL(a, b) __dmul_rn(a, b)
#define E_ADD(a, b) __dadd_rn(a, b)
#define E_SUB(a, b) __dsub_rn(a, b)
#define E_DIV(a, b) __ddiv_rn(a, b)
#define E_NEAR(x)   __double2ll_rn(x) /* |x| < 2^63 */
#define E_BITS(x)   ((uint64_t)__double_as_longlong(x))
#define E_MAX(p, v) ((void)atomicMax(p, v))
#else /* the simulator compiles with -ffp-contract=off */
#define E_MUL(a, b) ((a) * (b))
#define E_ADD(a, b) ((a) + (b))
#define E_SUB(a, b) ((a) - (b))
#define E_DIV(a, b) ((a) / (b))
#define E_NEAR(x)   __builtin_llrint(x)
#define E_BITS(x)   e_bits(x)
#define E_MAX(p, v) e_max(p, v)

static inline uint64_t e_bits(double x)
{
    const union {
        double d;
        uint64_t u;
    } both = {x};
    return both.u;
}

static inline void e_max(uint32_t *p, uint32_t v)
{
    uint32_t old = __atomic_load_n(p, __ATOMIC_RELAXED);
    while (old < v &&
           !__atomic_compare_exchange_n(p, &old, v, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}
#endif

/* Moved by one access of 16 bytes. */
typedef struct __attribute__((aligned(16))) k_complex {
    double re, im;
} k_complex;

K_DEVICE k_complex times(k_complex a, k_complex b)
{
    const k_complex r = {E_SUB(E_MUL(a.re, b.re), E_MUL(a.im, b.im)),
                         E_ADD(E_MUL(a.re, b.im), E_MUL(a.im, b.re))};
    return r;
}

/* The block's item of v */
K_DEVICE k_complex *row_of(double *v, uint32_t log_slots)
{
    return (k_complex *)(void *)v + ((size_t)K_BLOCK_Y << log_slots);
}

/* ---- slots ---- */

/* (5^j mod 4s - 1) / 4 for j < s <= 2^16 */
K_DEVICE uint32_t slot_place(uint32_t j, uint32_t log_slots)
{
    uint32_t power = 1, square = 5;
    K_UNROLL
    for (uint32_t b = 0; b < 16; b++) {
        power *= j >> b & 1 ? square : 1;
        square *= square;
    }
    return (power & ((4u << log_slots) - 1)) >> 2;
}

K_KERNEL(k_slots_in, k_slots, K_EMBED_THREADS)
{
    const uint32_t j = K_BLOCK_X * K_EMBED_THREADS + K_THREAD, s = 1u << A.log_slots;
    const double *x = A.x + ((size_t)K_BLOCK_Y << (A.log_slots + 1));
    if (j < s) {
        const k_complex z = {E_MUL(x[j], A.factor), E_MUL(x[s + j], A.factor)};
        row_of(A.v, A.log_slots)[slot_place(j, A.log_slots)] = z;
    }
}

K_KERNEL(k_slots_out, k_slots, K_EMBED_THREADS)
{
    const uint32_t j = K_BLOCK_X * K_EMBED_THREADS + K_THREAD, s = 1u << A.log_slots;
    double *x = A.x + ((size_t)K_BLOCK_Y << (A.log_slots + 1));
    if (j < s) {
        const k_complex z = row_of(A.v, A.log_slots)[slot_place(j, A.log_slots)];
        x[j] = z.re;
        x[s + j] = z.im;
    }
}

/* ---- twist ---- */

/* The tables from the arguments, where a load for 32 different places takes 32 turns, to shared
 * memory. */
K_DEVICE const k_complex *share_twists(uint32_t *shared, const double *twist)
{
    double *table = (double *)(void *)shared;
    for (uint32_t i = K_THREAD; i < K_TWIST_DOUBLES; i += K_THREADS)
        table[i] = twist[i];
    K_SYNC();
    return (const k_complex *)(void *)shared;
}

/* zeta^k = exp(i pi k / 2s), s <= 2^16 */
K_DEVICE k_complex twist_of(const k_complex *table, uint32_t k, uint32_t log_slots)
{
    const uint32_t t = k << (16 - log_slots);
    const k_complex low = times(table[64 + (t >> 5 & 31)], table[96 + (t & 31)]);
    return times(table[t >> 10], low);
}

/* ---- doubles to residues ---- */

/* hel_mod_reduce, whose quotient's factors both have 32 bits: x < 2^(bits + 30) */
K_DEVICE uint32_t reduced(uint64_t x, uint32_t minus_q, uint32_t barrett, uint32_t bits)
{
    const uint32_t h = K_MULHI((uint32_t)(x >> (bits - 2)), barrett) >> 1;
    return k_fold((uint32_t)x + h * minus_q, minus_q);
}

/* (-1)^negative mantissa 2^exponent */
typedef struct k_integer {
    uint64_t mantissa;
    uint32_t exponent, negative;
} k_integer;

/* round(p), ties to even: p itself from 2^52 on. Not finite: 0, and an entry in *bad. */
K_DEVICE k_integer integer_of(double p, uint32_t *bad, uint32_t k)
{
    const uint64_t bits = E_BITS(p);
    const uint32_t exponent = (uint32_t)(bits >> 52) & 0x7ff;
    k_integer r = {0, 0, (uint32_t)(bits >> 63)};
    if (exponent < 1023 + 63) {
        const int64_t v = (int64_t)E_NEAR(p);
        r.mantissa = (uint64_t)(v < 0 ? -v : v);
    } else if (exponent == 0x7ff) {
        E_MAX(bad, 0xffffffffu - k);
    } else {
        r.mantissa = (bits & 0xfffffffffffffu) | (uint64_t)1 << 52;
        r.exponent = exponent - 1023 - 52;
    }
    return r;
}

/* x 2^e modulo q, x in [0, q), 0 < e < 1024 */
K_DEVICE uint32_t times_power(uint32_t x, uint32_t e, uint32_t minus_q, uint32_t barrett,
                              uint32_t bits)
{
    uint32_t w = 1;
    for (uint32_t b = 10; b-- > 0;) {
        w = reduced((uint64_t)w * w, minus_q, barrett, bits);
        if (e >> b & 1)
            w = k_fold(w + w, minus_q);
    }
    return reduced((uint64_t)x * w, minus_q, barrett, bits);
}

/* What a residue needs, read before anything is stored. */
typedef struct k_modulus {
    uint32_t minus_q, barrett, bits, pow34;
} k_modulus;

/* As hel_mod_reduce_sum for the mantissa */
K_DEVICE uint32_t residue(k_integer v, k_modulus m)
{
    const uint64_t low = v.mantissa & (((uint64_t)1 << 34) - 1);
    uint32_t r = reduced((v.mantissa >> 34) * m.pow34 + low, m.minus_q, m.barrett, m.bits);
    if (v.exponent)
        r = times_power(r, v.exponent, m.minus_q, m.barrett, m.bits);
    return v.negative ? k_fold(0u - m.minus_q - r, m.minus_q) : r;
}

/* A thread has words w and w + N/2 of a limb: both parts of the same complex number, or zeros. */
K_KERNEL(k_embed_reduce, k_embed, K_EMBED_THREADS)
{
    K_SHARED(shared);
    const k_complex *const table = share_twists(shared, A.twist);
    const uint32_t log_n = A.ring.log_n, log_gap = log_n - 1 - A.log_slots,
                   half = 1u << (log_n - 1);
    const uint32_t w = K_BLOCK_X * K_EMBED_THREADS + K_THREAD, k = w >> log_gap;
    const uint32_t first = K_BLOCK_Z * K_EMBED_LIMBS;
    const uint32_t end = K_MIN(first + K_EMBED_LIMBS, A.limbs);
    k_integer re = {0, 0, 0}, im = {0, 0, 0};
    if (k << log_gap == w) {
        const k_complex z = twist_of(table, k, A.log_slots), conjugate = {z.re, -z.im};
        const k_complex c = times(row_of(A.v, A.log_slots)[k], conjugate);
        re = integer_of(E_MUL(c.re, A.scale), A.bad, k);
        im = integer_of(E_MUL(c.im, A.scale), A.bad, k + (1u << A.log_slots));
    }
    for (uint32_t i = first; i < end; i++) {
        uint32_t *out = A.out.data + k_at(&A.out, log_n, K_BLOCK_Y, i, w);
        const k_limb *l = k_limb_of(&A.ring, &A.out, i);
        const k_modulus m = {l->minus_q, l->barrett, l->bits, l->pow34};
        out[0] = residue(re, m);
        out[half] = residue(im, m);
    }
}

/* ---- residues to doubles ---- */

/*
 * The centred number at `a` (limbs n words apart). With all residues moved by (q - 1) / 2, which is
 * (Q - 1) / 2 modulo each prime, the mixed-radix digits e_i of the result lie in [0, q_i) and are
 * the centred ones plus (q_i - 1) / 2. e_i = (a_i - (e_0 + q_0 (e_1 + ..))) / (q_0 .. q_(i-1)),
 * the sum by Horner's rule: r q_j + e_j < q_i q_j < 2^(bits of q_i + 30).
 */
K_DEVICE double centred(const k_unembed *A, const uint32_t *a, uint32_t *digit)
{
    const uint32_t log_n = A->ring.log_n, step = K_THREADS;
    double x = 0;
    for (uint32_t i = 0; i < A->limbs; i++) {
        const k_limb *l = A->ring.limb + i;
        const uint32_t q = l->q, minus_q = l->minus_q, barrett = l->barrett, bits = l->bits;
        uint32_t e = hel_mod_add(a[(size_t)i << log_n], q >> 1, q);
        if (i > 0) {
            uint32_t r = reduced(digit[(i - 1) * step], minus_q, barrett, bits);
            for (uint32_t j = i - 1; j-- > 0;)
                r = reduced((uint64_t)r * A->q[j] + digit[j * step], minus_q, barrett, bits);
            e = k_fold(k_shoup(hel_mod_sub(e, r, q), A->weight[i], minus_q), minus_q);
        }
        digit[i * step] = e;
    }
    for (uint32_t i = A->limbs; i-- > 0;) {
        const double d = (double)((int32_t)digit[i * step] - (int32_t)(A->q[i] >> 1));
        x = i + 1 == A->limbs ? d : E_ADD(E_MUL(x, (double)A->q[i]), d);
    }
    return x;
}

/* The lower half of the threads has real parts, the other one the imaginary parts beside them. */
K_KERNEL(k_embed_lift, k_unembed, K_UNEMBED_THREADS)
{
    K_SHARED(shared);
    const k_complex *const table = share_twists(shared, A.twist);
    double *const imaginary = (double *)(void *)(shared + 2 * K_TWIST_DOUBLES);
    uint32_t *const digit = shared + 2 * K_TWIST_DOUBLES + K_THREADS + K_THREAD; /* its own */
    const uint32_t count = K_THREADS >> 1, part = K_THREAD >= count;
    const uint32_t lane = K_THREAD - (part ? count : 0), k = K_BLOCK_X * count + lane;
    const uint32_t s = 1u << A.log_slots, log_n = A.ring.log_n;
    double x = 0;
    if (k < s) {
        const uint32_t at = (part << (log_n - 1)) + (k << (log_n - 1 - A.log_slots));
        x = E_DIV(centred(&A, A.a + K_BLOCK_Y * A.stride + at, digit), A.scale);
    }
    if (part)
        imaginary[lane] = x;
    K_SYNC();
    if (!part && k < s) {
        const k_complex u = {x, imaginary[lane]};
        row_of(A.v, A.log_slots)[k] = times(u, twist_of(table, k, A.log_slots));
    }
}
