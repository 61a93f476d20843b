/* What device_tree.c holds on the device for device_expand.c and device_output.c: constants, keys
 * and the nodes of the expansion tree. */
#ifndef HEL_CKKS_DEVICE_TREE_H
#define HEL_CKKS_DEVICE_TREE_H

#include "host/ckks/exact/device_scan_private.h"

#define HEL_TREE_STEPS_MAX  9    /* of N = 2^17 */
#define HEL_TREE_WIDE_MAX   128u /* nodes that a launch treats: see hel_device_tree_wide */
#define HEL_TREE_WORK_BYTES ((uint64_t)384 << 20) /* that they take beside the nodes kept */

/*
 * Nodes are expanded `wide` at a time, each slice down to its leaves before the next: level s keeps
 * at most 4 wide nodes before step s. A node is [2][total][N] words (kernels/expand.h); the last
 * level has the leaves before they are divided, over all limbs.
 */
typedef struct hel_device_tree {
    uint32_t wide; /* may be made smaller at any time */
    int fused;     /* a row fits a block's shared memory */
    uint32_t steps;
    hel_ring *dropped_ring; /* the limbs that a leaf drops, as a basis; NULL: none */
    hel_basis *dropped;
    uint32_t *level[HEL_TREE_STEPS_MAX + 1];
    uint32_t *work; /* digits; where leaves are not fused, their lifted rows */
    uint32_t *keys, *shifts;
    size_t key_at[HEL_TREE_STEPS_MAX]; /* words: a step's packed keys in `keys` */
    k_pair *tables;
    k_radix radix;
    const k_pair *big;     /* [expand]: P */
    const k_pair *special; /* [expand]: 1 / P */
    const k_pair *last;    /* [scan]: 1 / q_last */
    const k_pair *factor;  /* [scan][child][quarter]: of the leaves */
} hel_device_tree;

/* What Galois key i's child is multiplied by: [total][N], NTT and Montgomery form. */
static inline const uint32_t *hel_device_shift(const hel_device_scan *x, uint32_t key)
{
    return x->tree->shifts + (size_t)key * x->scheme->total * x->scheme->n;
}

/* How many nodes a launch treats at most: a power of two. */
uint32_t hel_device_tree_wide(const hel_scheme *scheme);

/* The parts of a launch by rows that follow from the device; ring and constants of the lift. */
void hel_device_lift_start(const hel_device_scan *x, k_lift *args);
/* 1 when `count` sources are lifted and transformed by one launch. */
int hel_device_lift_fused(const hel_device_scan *x, uint32_t count);
/* Launches k_lift_ntt (0) or k_leaf_ntt (1) over y < ys and z < zs. */
hel_status hel_device_lift_rows(hel_device_scan *x, k_lift *args, int leaf, uint32_t ys,
                                uint32_t zs);
/* One of the lifts by word. */
hel_status hel_device_lift_words(hel_device_scan *x, k_id kernel, const k_lift *args, uint32_t ys,
                                 uint32_t zs);
/* Polynomials z < zs: targets less what is lifted, times scale. */
hel_status hel_device_divide(hel_device_scan *x, const k_lift *args, uint32_t zs);
/* Lifts to all targets and transforms: polynomials (y, z) of the output lie one after the other. */
hel_status hel_device_lift(hel_device_scan *x, k_lift *args, uint32_t ys, uint32_t zs);
/* Transforms the first `count` limbs of `batch` polynomials, stride words apart. */
hel_status hel_device_transform(hel_device_scan *x, uint32_t *data, size_t stride, uint32_t batch,
                                uint32_t count, int inverse);

#endif
