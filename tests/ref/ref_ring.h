/*
 * Slow, obviously right ring arithmetic: the definitions of the ring header, with % on 64 and 128
 * bits and no table. Also the small fixtures that ring tests share.
 */
#ifndef HEL_REF_RING_H
#define HEL_REF_RING_H

#include "host/ring/ring.h"
#include "tests/ref/ref_random.h"

int ref_is_prime(uint32_t n); /* trial division */
uint32_t ref_pow(uint32_t a, uint64_t e, uint32_t q);
uint32_t ref_inverse(uint32_t a, uint32_t q); /* extended Euclid */
uint32_t ref_bit_reverse(uint32_t i, uint32_t bits);
uint32_t ref_psi(uint32_t q, uint32_t log_n); /* the header's root */
int64_t ref_centre(uint32_t a, uint32_t q);
uint32_t ref_mod(__int128 v, uint32_t q); /* in [0, q) */

/* x at psi^(2 bitrev(j) + 1) by Horner's rule */
uint32_t ref_evaluate(const uint32_t *x, uint32_t n, uint32_t q, uint32_t psi, uint32_t j);
/* Schoolbook product modulo X^N + 1 */
void ref_negacyclic(uint32_t *out, const uint32_t *a, const uint32_t *b, uint32_t n, uint32_t q);

/* n residues: random, with 0, 1, (q-1)/2, (q+1)/2 and q-1 strewn in */
void ref_fill(ref_random *r, uint32_t *x, size_t n, uint32_t q);
uint32_t *ref_words(size_t n); /* 64-byte aligned; free() */

/* The i-th twin that this machine has (0: portable), or HEL_SIMD_AUTO after the last. */
hel_simd ref_twin(uint32_t i);
/* A ring with that twin; *engine is created as well. Ends the test's process on failure. */
hel_ring *ref_ring(hel_engine **engine, hel_simd simd, uint32_t log_n, uint32_t count);
/* The same over a list of primes. */
hel_ring *ref_ring_from(hel_engine **engine, hel_simd simd, uint32_t log_n, const uint32_t *primes,
                        uint32_t count);
/* Different primes 1 mod 2N of 18 to 30 bits in random order: the smallest and the largest possible
 * ones, those next to powers of two, and random ones of every size. */
void ref_mixed_primes(ref_random *r, uint32_t log_n, uint32_t *primes, uint32_t count);
void ref_ring_end(hel_engine *engine, hel_ring *ring);

#endif
