/*
 * Arguments of kernels/embed.cu: slots <-> residues around a device's Fourier transform.
 *
 * With s slots, v[k] = (c_k + i c_(k+s)) zeta^k, zeta = exp(i pi / 2s): the transform of v with
 * sign +1 has slot j, the value at zeta^(5^j), at place (5^j mod 4s - 1) / 4. Rows of v are s
 * complex doubles.
 */
#ifndef HEL_KERNELS_EMBED_H
#define HEL_KERNELS_EMBED_H

#include "kernels/rows.h"

#define K_EMBED_THREADS   256u /* of k_slots_in, k_slots_out and k_embed_reduce */
#define K_EMBED_LIMBS     8u   /* of one block of k_embed_reduce */
#define K_UNEMBED_THREADS 128u /* at most; a power of two */
#define K_UNEMBED_LIMBS   128
#define K_TWIST_DOUBLES   256 /* the tables of hel_embedding_twists, which every argument carries */

/* x: item b's s real parts at x + 2 s b, then its imaginary parts. k_slots_in: v from x, times
 * factor; k_slots_out: x from v. Grid (s / threads, batch). */
typedef struct k_slots {
    double *x, *v;
    double factor;
    uint32_t log_slots;
} k_slots;

/* v (transformed with sign -1 and divided by s) -> residues of round(c_k scale) at words k N/2s of
 * out, 0 elsewhere. *bad, 0 before: the largest 2^32 - 1 - k of the coefficients k with a product
 * that is not finite. Grid (N/2 / threads, batch, limbs / K_EMBED_LIMBS). Shared memory: the
 * tables. */
typedef struct k_embed {
    k_ring ring;
    k_rows out;
    double *v;
    uint32_t *bad;
    double scale;
    uint32_t log_slots, limbs;
    double twist[K_TWIST_DOUBLES];
} k_embed;

/* a: words k N/2s of limbs 0 .. limbs - 1 of the ring, coefficient form -> v before a transform
 * with sign +1, where c_k is the centred number over scale. Grid (2 s / threads, batch). Shared
 * memory: the tables, then (1 + limbs) x threads words. */
typedef struct k_unembed {
    k_ring ring;
    const uint32_t *a;
    size_t stride; /* words between items; 0: one item for all */
    double *v;
    double scale;
    uint32_t log_slots, limbs;
    uint32_t q[K_UNEMBED_LIMBS];
    k_pair weight[K_UNEMBED_LIMBS]; /* 1 / (q[0] .. q[i - 1]) modulo q[i], and its Shoup quotient */
    double twist[K_TWIST_DOUBLES];
} k_unembed;

#define K_EMBED_NAMES(X) X(k_slots_in) X(k_slots_out) X(k_embed_reduce) X(k_embed_lift)

#endif
