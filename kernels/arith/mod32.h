/*
 * Arithmetic on 32-bit residues modulo primes q < 2^30. C17 and CUDA C; nothing but stdint.
 * Every line states its ranges; all functions are total and free of secret-dependent branches.
 * Shoup's trick: David Harvey, "Faster arithmetic for number-theoretic transforms", 2014.
 */
#ifndef HEL_ARITH_MOD32_H
#define HEL_ARITH_MOD32_H

#include <stdint.h>

#ifdef __CUDACC__
#define HEL_HD __host__ __device__ static __forceinline__
#else
#define HEL_HD static inline
#endif

HEL_HD uint32_t hel_min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* x in [0, 2q) -> [0, q): the smaller of x and x - q, taken as unsigned numbers. */
HEL_HD uint32_t hel_mod_fold(uint32_t x, uint32_t q)
{
    return hel_min_u32(x, x - q);
}

/* a, b in [0, q) -> [0, q) */
HEL_HD uint32_t hel_mod_add(uint32_t a, uint32_t b, uint32_t q)
{
    return hel_mod_fold(a + b, q);
}

/* a, b in [0, q) -> [0, q) */
HEL_HD uint32_t hel_mod_sub(uint32_t a, uint32_t b, uint32_t q)
{
    return hel_min_u32(a - b, a - b + q);
}

/* floor(w 2^32 / q), for w in [0, q) */
HEL_HD uint32_t hel_mod_shoup(uint32_t w, uint32_t q)
{
    return (uint32_t)(((uint64_t)w << 32) / q);
}

/* any a; w in [0, q), w_shoup = hel_mod_shoup(w, q) -> a w mod q, lazily in [0, 2q) */
HEL_HD uint32_t hel_mod_mul_shoup_lazy(uint32_t a, uint32_t w, uint32_t w_shoup, uint32_t q)
{
    uint32_t h = (uint32_t)(((uint64_t)a * w_shoup) >> 32);
    return a * w - h * q;
}

/* as above -> [0, q) */
HEL_HD uint32_t hel_mod_mul_shoup(uint32_t a, uint32_t w, uint32_t w_shoup, uint32_t q)
{
    return hel_mod_fold(hel_mod_mul_shoup_lazy(a, w, w_shoup, q), q);
}

/* Bit length of q, q < 2^31. */
HEL_HD uint32_t hel_mod_bits(uint32_t q)
{
    uint32_t bits = 0;
    while (q >> bits)
        bits++;
    return bits;
}

/* Barrett constant floor(2^(31 + bits of q) / q) in (2^31, 2^32); q no power of two. */
HEL_HD uint64_t hel_mod_barrett(uint32_t q)
{
    return ((uint64_t)1 << (31 + hel_mod_bits(q))) / q;
}

/* x < 2^(bits + 30), 2 <= bits of q <= 30, barrett of q -> x mod q in [0, q). The estimated
 * quotient is short by less than 2^(bits - 2)/q + x/2^(bits + 31) + 1 < 2: one fold is enough. */
HEL_HD uint32_t hel_mod_reduce(uint64_t x, uint32_t q, uint64_t barrett, uint32_t bits)
{
    uint32_t h = (uint32_t)(((x >> (bits - 2)) * barrett) >> 33);
    return hel_mod_fold((uint32_t)x - h * q, q);
}

/* x < 2^60, 2^29 < q < 2^30, barrett of q -> x mod q in [0, q) */
HEL_HD uint32_t hel_mod_reduce60(uint64_t x, uint32_t q, uint64_t barrett)
{
    return hel_mod_reduce(x, q, barrett, 30);
}

/* 2^34 mod q, the constant of hel_mod_reduce_sum. */
HEL_HD uint32_t hel_mod_pow34(uint32_t q)
{
    return (uint32_t)(((uint64_t)1 << 34) % q);
}

/* x < 2^64, q <= 2^bits - 15 (any prime 1 mod 16) -> x mod q in [0, q). The upper 30 bits times
 * 2^34 mod q plus the lower 34 bits stay below 2^(bits + 30). */
HEL_HD uint32_t hel_mod_reduce_sum(uint64_t x, uint32_t q, uint64_t barrett, uint32_t bits,
                                   uint32_t pow34)
{
    uint64_t low = x & (((uint64_t)1 << 34) - 1);
    return hel_mod_reduce((x >> 34) * pow34 + low, q, barrett, bits);
}

/* 1/q modulo 2^32, q odd: each of Newton's steps doubles the correct bits, 3 to begin with. */
HEL_HD uint32_t hel_mod_word_inverse(uint32_t q)
{
    uint32_t x = q;
    for (int i = 0; i < 4; i++)
        x *= 2 - q * x;
    return x;
}

/* x < 2^34 q, word_inv = 1/q modulo 2^32 -> x / 2^32 mod q in [0, q): Montgomery's reduction. The
 * upper words of x and of the multiple of q with the same lower word differ by the result. */
HEL_HD uint32_t hel_mod_redc(uint64_t x, uint32_t q, uint32_t word_inv)
{
    uint32_t high = hel_mod_fold((uint32_t)(x >> 32), 2 * q);
    uint32_t r = high - (uint32_t)(((uint64_t)((uint32_t)x * word_inv) * q) >> 32);
    return hel_mod_fold(hel_min_u32(r, r + q), q);
}

/* x < 2^64, any prime q in (2^8, 2^30) -> x mod q in [0, q). Slow, exact. */
HEL_HD uint32_t hel_mod_reduce64(uint64_t x, uint32_t q)
{
    return (uint32_t)(x % q);
}

/* a, b in [0, q) -> a b mod q in [0, q) */
HEL_HD uint32_t hel_mod_mul(uint32_t a, uint32_t b, uint32_t q)
{
    return hel_mod_reduce64((uint64_t)a * b, q);
}

/* centred(a mod from) mod to: a in [0, from), both primes in (2^29, 2^30) -> [0, to) */
HEL_HD uint32_t hel_mod_lift(uint32_t a, uint32_t from, uint32_t to)
{
    uint32_t t = a - (from & (0u - (uint32_t)(a > (from - 1) / 2)));
    return hel_min_u32(t, t + to);
}

/* any signed v -> v mod q in [0, q) */
HEL_HD uint32_t hel_mod_from_i64(int64_t v, uint32_t q)
{
    int64_t r = v % (int64_t)q;
    return (uint32_t)(r < 0 ? r + (int64_t)q : r);
}

/* a in [0, q) -> the representative in [-(q-1)/2, (q-1)/2] */
HEL_HD int32_t hel_mod_centre(uint32_t a, uint32_t q)
{
    return (int32_t)a - (int32_t)(a > (q - 1) / 2 ? q : 0);
}

/* a^e mod q */
HEL_HD uint32_t hel_mod_pow(uint32_t a, uint64_t e, uint32_t q)
{
    uint32_t r = 1;
    for (; e; e >>= 1, a = hel_mod_mul(a, a, q))
        if (e & 1)
            r = hel_mod_mul(r, a, q);
    return r;
}

/* a^-1 mod prime q, a != 0 */
HEL_HD uint32_t hel_mod_inv(uint32_t a, uint32_t q)
{
    return hel_mod_pow(a % q, (uint64_t)q - 2, q);
}

#endif
