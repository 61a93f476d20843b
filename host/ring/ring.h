/*
 * The ring Z_q[X]/(X^N + 1), one prime q < 2^30 at a time, in 32-bit words.
 *
 * A limb is a polynomial modulo one prime: N words, canonical residues in [0, q). Every operation
 * takes and returns canonical residues, so the portable, AVX2 and AVX-512 twins (and later the
 * GPU) are equal bit for bit by construction of the contract, not by luck.
 *
 * Primes of the exact scheme form a chain per N: index 0 is the largest prime below 2^30 that is
 * 1 mod 2N, index 1 the next smaller, and so on. A prime is always named by its chain index; files
 * depend on it. A ring may also be made of any list of primes 1 mod 2N in (2^17, 2^30): its limbs
 * are named by their place in the list. Operations hold for all of these unless they say otherwise.
 *
 * Coefficient form: coefficient j at word j. NTT form: the value at psi^(2 bitrev(j) + 1) at word
 * j, psi the chain's primitive 2N-th root: the smallest g = 2, 3, ... for which g^((q-1)/2N) has
 * order 2N gives psi = g^((q-1)/2N). This order is part of the file format.
 */
#ifndef HEL_RING_RING_H
#define HEL_RING_RING_H

#include "host/base/crypto.h"
#include "host/base/error.h"
#include "kernels/arith/mod32.h"

#define HEL_LOG_N_MIN   10
#define HEL_LOG_N_MAX   17
#define HEL_PRIMES_MAX  64  /* chain indices 0..63 */
#define HEL_LIMBS_LIMIT 128 /* limbs of a ring made from a list */

typedef struct hel_limb {
    uint32_t q;
    uint32_t index; /* place in the ring's list of primes: of the chain, or as given */
    uint32_t bits;  /* bit length of q */
    uint64_t barrett;
    uint32_t pow34;    /* 2^34 modulo q */
    uint32_t word_inv; /* 1/q modulo 2^32 */
    uint32_t n_inv, n_inv_shoup;
    const uint32_t *w, *w_shoup;         /* forward twiddles psi^bitrev(i), i < N */
    const uint32_t *w_inv, *w_inv_shoup; /* inverse twiddles psi^-bitrev(i) */
    const uint32_t *q_inv, *q_inv_shoup; /* [j]: 1 / prime j modulo q; 0 for j = index */
    const void *extra;                   /* a twin's own table order, if it has one */
} hel_limb;

typedef struct hel_ring hel_ring;
struct hel_conversion;

/* One twin. All pointers to vectors of n words, n a multiple of 16; out may equal an input unless
 * said otherwise (partial overlap is never allowed). Limbs of one call belong to one ring. */
typedef struct hel_ring_ops {
    const char *name;
    void (*ntt_forward)(const hel_ring *ring, const hel_limb *l, uint32_t *x);
    void (*ntt_inverse)(const hel_ring *ring, const hel_limb *l, uint32_t *x);
    void (*add)(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b, size_t n);
    void (*sub)(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b, size_t n);
    void (*mul)(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b, size_t n);
    /* out = out + a b */
    void (*mul_add)(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                    size_t n);
    /* out = a s, s in [0, q) */
    void (*mul_scalar)(const hel_limb *l, uint32_t *out, const uint32_t *a, uint32_t s, size_t n);
    /* out = (a - b) s */
    void (*sub_mul_scalar)(const hel_limb *l, uint32_t *out, const uint32_t *a, const uint32_t *b,
                           uint32_t s, size_t n);
    /* out = sum of a[j] b[j] over j < terms, 1 <= terms <= 16 (products below 2^60 in 64 bits) */
    void (*dot)(const hel_limb *l, uint32_t *out, const uint32_t *const *a,
                const uint32_t *const *b, uint32_t terms, size_t n);
    /* out0 = sum of a[j] b0[j], out1 = sum of a[j] b1[j]; any terms >= 1; no aliasing */
    void (*dot2)(const hel_limb *l, uint32_t *out0, uint32_t *out1, const uint32_t *const *a,
                 const uint32_t *const *b0, const uint32_t *const *b1, uint32_t terms, size_t n);
    /* (d0, d1, d2) = (a0 b0, a0 b1 + a1 b0, a1 b1); outputs may equal inputs */
    void (*tensor)(const hel_limb *l, uint32_t *d0, uint32_t *d1, uint32_t *d2, const uint32_t *a0,
                   const uint32_t *a1, const uint32_t *b0, const uint32_t *b1, size_t n);
    /* One block of base conversion: see convert.h. n <= HEL_CONVERT_BLOCK. */
    void (*convert)(const struct hel_conversion *c, const uint32_t *const *in, uint32_t *const *out,
                    size_t n);
    /* The next four: both primes above 2^29 (chain primes).
     * Exact centred lift of one limb: out = centred(a mod from->q) mod to->q */
    void (*lift1)(const hel_limb *to, const hel_limb *from, uint32_t *out, const uint32_t *a,
                  size_t n);
    /* Exact centred lift of two limbs (Garner): the representative of (a0, a1) modulo q0 q1 in
     * (-q0 q1 / 2, q0 q1 / 2), reduced modulo each of `count` targets; out[t] not a0 nor a1. */
    void (*lift2)(const hel_limb *const *to, uint32_t count, const hel_limb *from0,
                  const hel_limb *from1, uint32_t *const *out, const uint32_t *a0,
                  const uint32_t *a1, size_t n);
    /* Centred modulus switch of one limb (exactness.md C): c = (c - centred(d)) d->q^-1 */
    void (*drop)(const hel_limb *l, const hel_limb *dropped, uint32_t *c, const uint32_t *d,
                 size_t n);
    /* out = m s + e, reduced: small signed inputs, s in [0, q). |e| <= 127. */
    void (*embed)(const hel_limb *l, uint32_t *out, const int8_t *m, uint32_t s, const int8_t *e,
                  size_t n);
    /* Accepts one try of uniform sampling: out[j] = word & mask where that is < q; returns the
     * number of words that were refused (left as HEL_UNIFORM_OPEN). words: little-endian bytes. */
    size_t (*uniform_accept)(const hel_limb *l, uint32_t *out, const uint8_t *words, size_t n);
    /* The same by the wide rule: out[j] = word mod q where word < q floor(2^32 / q). */
    size_t (*uniform_wide)(const hel_limb *l, uint32_t *out, const uint8_t *words, size_t n);
    /* CBD(21) from 64 random bits a coefficient: popcount of bits 0..20 less that of bits 21..41 */
    void (*cbd21)(int8_t *out, const uint8_t *random, size_t n);
    /* out[j] = in[map[j]], out != in, for a map of hel_automorph_map: it moves aligned runs of 16
     * words as a whole and permutes only inside a run. */
    void (*permute)(uint32_t *out, const uint32_t *in, const uint32_t *map, size_t n);
    /* The twin's own tables of one limb: their size (0: none), and filling them. */
    size_t (*extra_bytes)(uint32_t log_n);
    void (*extra_fill)(const hel_ring *ring, const hel_limb *l, void *extra);
} hel_ring_ops;

#define HEL_UNIFORM_OPEN 0xffffffffu

struct hel_ring {
    uint32_t log_n, n, count;
    hel_limb *limb; /* count limbs, limb[i].index == i */
    const hel_ring_ops *ops;
    void *storage; /* owns the tables */
};

/* Writes chain primes 0..count-1 for N = 2^log_n. HEL_E_USAGE when the chain is shorter. */
hel_status hel_prime_chain(hel_engine *engine, uint32_t log_n, uint32_t count, uint32_t *primes);

/* Tables for chain primes 0..count-1, with the engine's twin. Immutable, shared by threads. */
hel_status hel_ring_create(hel_engine *engine, hel_ring **out, uint32_t log_n, uint32_t count);
/* The same for a list of different primes: limb i is primes[i]. Names the prime that breaks the
 * rules with HEL_E_USAGE: 1 mod 2N, prime, 2^17 < q < 2^30. 1 <= count <= HEL_LIMBS_LIMIT. */
hel_status hel_ring_create_from(hel_engine *engine, hel_ring **out, uint32_t log_n,
                                const uint32_t *primes, uint32_t count);
void hel_ring_free(hel_ring *ring);
/* 1 when q is a prime; q < 2^32. */
int hel_is_prime(uint32_t q);

const hel_ring_ops *hel_ring_ops_portable(void);
const hel_ring_ops *hel_ring_ops_avx2(void);
const hel_ring_ops *hel_ring_ops_avx512(void);

static inline void hel_ntt_forward(const hel_ring *ring, uint32_t limb, uint32_t *x)
{
    ring->ops->ntt_forward(ring, &ring->limb[limb], x);
}

static inline void hel_ntt_inverse(const hel_ring *ring, uint32_t limb, uint32_t *x)
{
    ring->ops->ntt_inverse(ring, &ring->limb[limb], x);
}

/* ---- automorphisms (automorph.c): X -> X^g, g odd, 0 < g < 2N ---- */

/* NTT form: out[j] = in[map[j]]; the same map for every limb. map has N words. */
void hel_automorph_map(const hel_ring *ring, uint32_t g, uint32_t *map);
void hel_automorph_ntt(const hel_ring *ring, const uint32_t *map, uint32_t *out,
                       const uint32_t *in); /* out != in */
void hel_automorph_coef(const hel_ring *ring, uint32_t limb, uint32_t g, uint32_t *out,
                        const uint32_t *in); /* out != in */
/* out = X^k in, 0 <= k < 2N, coefficient form; out != in */
void hel_monomial_coef(const hel_ring *ring, uint32_t limb, uint32_t k, uint32_t *out,
                       const uint32_t *in);

/* ---- sampling (sample.c); exactness.md H and I fix the streams ---- */

/* Domains of seeds: the 8-bit field of the nonce. Part of the file format. CKKS's uniform domains
 * take words by the wide rule: primes of any size refuse at most a quarter of them, most far
 * fewer, where the mask would refuse up to half. */
typedef enum hel_domain {
    HEL_DOMAIN_GENO_A = 1,   /* public uniform halves of genotype ciphertexts */
    HEL_DOMAIN_WEIGHT_A = 2, /* ... of packed weights */
    HEL_DOMAIN_GALOIS_A = 3, /* ... of Galois keys */
    HEL_DOMAIN_RELIN_A = 4,  /* ... of relinearization keys */
    HEL_DOMAIN_SIGN = 5,     /* public signs r_j of variants */
    HEL_DOMAIN_CIPHER_A = 6, /* ... of seeded CKKS ciphertexts */
    HEL_DOMAIN_PUBLIC_A = 7, /* ... of CKKS public keys */
    HEL_DOMAIN_SWITCH_A = 8, /* ... of CKKS switching keys */
    HEL_DOMAIN_GENO_E = 16,  /* errors: keyed by a secret that is never stored */
    HEL_DOMAIN_WEIGHT_E = 17,
    HEL_DOMAIN_GALOIS_E = 18,
    HEL_DOMAIN_RELIN_E = 19,
    HEL_DOMAIN_TERNARY = 20,
    HEL_DOMAIN_CIPHER_E = 22, /* errors of CKKS ciphertexts: object 3 i, 3 i + 1, 3 i + 2 */
    HEL_DOMAIN_PUBLIC_E = 23,
    HEL_DOMAIN_SWITCH_E = 24,
    HEL_DOMAIN_FLOOD = 25, /* flooding noise of released values */
    HEL_DOMAIN_RHO = 21    /* secret Freivalds coefficients, keyed by the owner */
} hel_domain;

/* 1 for the uniform domains whose words are taken by the wide rule. */
int hel_domain_is_wide(hel_domain domain);

/* nonce = (object low, object high, domain << 24 | prime index << 8 | try) */
void hel_nonce(uint32_t nonce[3], uint64_t object, hel_domain domain, uint32_t index,
               uint32_t attempt);

/* A uniform limb in [0, q)^N, in NTT order, from (key in chacha, object, domain, prime index).
 * scratch: 4 N bytes. HEL_E_INTERNAL after 256 tries (probability below 2^-900). */
hel_status hel_sample_uniform(const hel_ring *ring, uint32_t limb, hel_chacha *chacha,
                              uint64_t object, hel_domain domain, uint32_t *out, uint8_t *scratch);
/* Residues [first, first + count) of it, both multiples of 16: position alone decides a value.
 * scratch: 4 count bytes. */
hel_status hel_sample_uniform_range(const hel_ring *ring, uint32_t limb, hel_chacha *chacha,
                                    uint64_t object, hel_domain domain, size_t first, size_t count,
                                    uint32_t *out, uint8_t *scratch);
/* N centred binomial errors, k = 21 (sigma^2 = 10.5), constant time. scratch: 8 N bytes, wiped. */
hel_status hel_sample_cbd21(const hel_ring *ring, hel_chacha *chacha, uint64_t object,
                            hel_domain domain, int8_t *out, uint8_t *scratch);
/* N uniform ternary coefficients in {-1, 0, 1}, constant time for accepted draws (64-bit words
 * reduced with a bias below 2^-62). scratch: 8 N bytes, wiped. */
hel_status hel_sample_ternary(const hel_ring *ring, hel_chacha *chacha, uint64_t object,
                              int8_t *out, uint8_t *scratch);
/* N signs +1 / -1, one bit each: bit j of the stream. */
hel_status hel_sample_signs(const hel_ring *ring, hel_chacha *chacha, uint64_t object, int8_t *out);

/* ---- residue number system (rns.c) ---- */

/* Exact centred CRT of up to 4 limbs (product below 2^120): value in (-Q/2, Q/2). limbs[i] names
 * the ring's limb of residues a[i]. */
void hel_rns_reconstruct(const hel_ring *ring, const uint32_t *limbs, uint32_t count,
                         const uint32_t *const *a, __int128 *out, size_t n);
/* Exact centred lift of `from_count` limbs (any number) into one target limb, by Garner mixed
 * radix; out distinct from inputs. The general form of lift1 and lift2. */
hel_status hel_rns_lift(hel_engine *engine, const hel_ring *ring, uint32_t to, const uint32_t *from,
                        uint32_t from_count, const uint32_t *const *a, uint32_t *out);

/* ---- spectrum (spectrum.c) ---- */

/* max over k of |s(zeta_k)|^2 over the N complex embeddings zeta_k = exp(i pi (2k+1) / N) of a
 * polynomial with small integer coefficients, by a double FFT (relative error below 1e-9), and
 * the sum of squares of its coefficients. Memory access does not depend on s. */
hel_status hel_spectrum_max(hel_engine *engine, uint32_t log_n, const int8_t *s, double *max,
                            double *norm2);

#endif
