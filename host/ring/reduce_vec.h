/*
 * 64-bit values modulo one prime, for any vector width: include a simd_*.h before. The figures
 * count vector instructions per register of residues (AVX-512 / AVX2).
 */
#ifndef HEL_RING_SIMD_REDUCE_H
#define HEL_RING_SIMD_REDUCE_H

/* A limb's constants in every lane. */
typedef struct v_prime {
    vec q, barrett, pow34;
    vec shift; /* bits - 2 */
} v_prime;

static inline v_prime v_prime_of(const hel_limb *l)
{
    return (v_prime){v_set1(l->q), v_set1((uint32_t)l->barrett), v_set1(l->pow34),
                     v_set64(l->bits - 2)};
}

/* 11 / 13: hel_mod_reduce lane by lane. even, odd: below 2^(bits + 30). The quotients' bits 33..
 * end in lane order after one more shift. */
static inline vec v_reduce(vec even, vec odd, const v_prime *p)
{
    vec he = v_mul(v_right64(even, p->shift), p->barrett);
    vec ho = v_mul(v_right64(odd, p->shift), p->barrett);
    vec h = v_right32_by(v_merge_high(he, ho), 1);
    return v_fold(v_sub(v_merge_low(even, odd), v_mullo(h, p->q)), p->q);
}

/* 4: any 64-bit sum -> congruent, below 2^(bits + 30): hel_mod_reduce_sum's first half. */
static inline vec v_squeeze(vec sum, const v_prime *p)
{
    const vec low34 = v_set64(((uint64_t)1 << 34) - 1);
    return v_add64(v_mul(v_right_by(sum, 34), p->pow34), v_and(sum, low34));
}

/* 19 / 21: any 64-bit sums -> canonical residues. */
static inline vec v_reduce_sum(vec even, vec odd, const v_prime *p)
{
    return v_reduce(v_squeeze(even, p), v_squeeze(odd, p), p);
}

/* v_fold with this is hel_sum_fold: 2q in the upper words of 64-bit sums, 0 in the lower ones. */
static inline vec v_sum_top(uint32_t q)
{
    return v_set64((uint64_t)q << 33);
}

#endif
