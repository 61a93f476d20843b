/* The pinned security table at three strengths, and exact sizes of moduli. */
#ifndef HEL_CKKS_SECURITY_H
#define HEL_CKKS_SECURITY_H

#include "host/base/crypto.h"

/* Largest bit length of QP for N = 2^log_n at 128, 192 or 256 bits; 0 where the table has no row.
 * hel_security_limit() is the 128-bit column. */
uint32_t hel_security_bound(uint32_t log_n, uint32_t security);

/* SHA-256 of the table: u32 little-endian, rows 128, 192, 256, of each log_n = 10 .. 17. */
hel_status hel_security_digest(hel_engine *engine, uint8_t digest[HEL_DIGEST_BYTES]);

/* ceil(log2(product)) of odd primes, from the exact integer. 1 <= count <= HEL_LIMBS_LIMIT. */
uint32_t hel_product_bits(const uint32_t *primes, uint32_t count);
/* 1 when the product of a is below the product of b, exactly; counts 1 .. HEL_LIMBS_LIMIT. */
int hel_product_below(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count);
double hel_log2_product(const uint32_t *primes, uint32_t count);

#endif
