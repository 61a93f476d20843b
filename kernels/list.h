/* All kernels by name, for the tables of launchers. */
#ifndef HEL_KERNELS_LIST_H
#define HEL_KERNELS_LIST_H

#include "kernels/cluster.h"
#include "kernels/digits.h"
#include "kernels/elem.h"
#include "kernels/embed.h"
#include "kernels/expand.h"
#include "kernels/ntt.h"
#include "kernels/sample.h"
#include "kernels/switch.h"
#include "kernels/scan.h"

#define K_NTT_NAMES(X, n) X(k_ntt_forward_##n) X(k_ntt_inverse_##n)
#define K_SPLIT_NAMES(X, n)                                                                        \
    X(k_ntt_columns_forward_##n)                                                                   \
    X(k_ntt_rows_forward_##n)                                                                      \
    X(k_ntt_rows_inverse_##n)                                                                      \
    X(k_ntt_columns_inverse_##n)

#define K_LIST(X)                                                                                  \
    K_NTT_NAMES(X, 10)                                                                             \
    K_NTT_NAMES(X, 11)                                                                             \
    K_NTT_NAMES(X, 12)                                                                             \
    K_NTT_NAMES(X, 13)                                                                             \
    K_NTT_NAMES(X, 14)                                                                             \
    K_NTT_NAMES(X, 15)                                                                             \
    K_SPLIT_NAMES(X, 15)                                                                           \
    K_SPLIT_NAMES(X, 16)                                                                           \
    K_SPLIT_NAMES(X, 17)                                                                           \
    K_CLUSTER_NAMES(X)                                                                             \
    K_SWITCH_NAMES(X)                                                                              \
    X(k_add)                                                                                       \
    X(k_sub)                                                                                       \
    X(k_mul)                                                                                       \
    X(k_mul_add)                                                                                   \
    X(k_mul_scalar)                                                                                \
    X(k_add_scalar)                                                                                \
    X(k_copy)                                                                                      \
    X(k_tensor)                                                                                    \
    X(k_dot)                                                                                       \
    X(k_divide)                                                                                    \
    X(k_automorph)                                                                                 \
    X(k_key_inner)                                                                                 \
    X(k_uniform)                                                                                   \
    X(k_small)                                                                                     \
    K_SCAN_NAMES(X)                                                                                \
    K_EMBED_NAMES(X)                                                                               \
    K_EXPAND_NAMES(X)

#define K_ENUMERATE(name) K_ID_##name,
typedef enum k_id { K_LIST(K_ENUMERATE) K_ID_COUNT } k_id;
#undef K_ENUMERATE

#endif
