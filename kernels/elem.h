/* Arguments of kernels/elem.cu: grid (limbs, batch, chunks of K_ELEM_WORDS words). */
#ifndef HEL_KERNELS_ELEM_H
#define HEL_KERNELS_ELEM_H

#include "kernels/rows.h"

#define K_ELEM_THREADS 256u
#define K_ELEM_WORDS   1024u /* four words a thread; N is a multiple */
#define K_LIMBS_MAX    128
#define K_DOT_TERMS    16

typedef struct k_elem {
    k_ring ring;
    k_rows out, a, b;
} k_elem;

typedef struct k_elem_scalar {
    k_ring ring;
    k_rows out, a;
    uint32_t c[K_LIMBS_MAX]; /* of each limb, in [0, q) */
} k_elem_scalar;

typedef struct k_elem_tensor {
    k_ring ring;
    k_rows d[3], a[2], b[2];
} k_elem_tensor;

typedef struct k_elem_dot {
    k_ring ring;
    k_rows out;
    uint32_t terms, accumulate; /* terms <= K_DOT_TERMS */
    k_rows a[K_DOT_TERMS], b[K_DOT_TERMS];
} k_elem_dot;

/* out = (a - b) s + add: the end of a division; s with its quotient per limb */
typedef struct k_elem_divide {
    k_ring ring;
    k_rows out, a, b, add; /* add.data NULL: none */
    k_pair s[K_LIMBS_MAX];
    uint32_t times[K_LIMBS_MAX]; /* a is multiplied by this first (1: not) */
} k_elem_divide;

typedef struct k_elem_automorph {
    k_ring ring;
    k_rows out, a;
    uint32_t g;
} k_elem_automorph;

#endif
