/* See faulty.cu. */
#ifndef HEL_TESTS_SIM_FAULTY_H
#define HEL_TESTS_SIM_FAULTY_H

#include "kernels/rows.h"

typedef enum k_fault {
    K_FAULT_NONE,
    K_FAULT_EARLY_EXIT,
    K_FAULT_DIVERGENT,
    K_FAULT_NO_BARRIER,
    K_FAULT_MISSING_LANE,
    K_FAULT_BLOCKS_RACE,
    K_FAULT_OVERFLOW,
    K_FAULT_NO_CLUSTER_BARRIER,
    K_FAULT_CLUSTER_DIVERGENT,
    K_FAULT_CLUSTER_MISSING,
    K_FAULT_CLUSTER_ENDS,
    K_FAULT_CLUSTER_RANK
} k_fault;

typedef struct k_faulty {
    const uint32_t *in;
    uint32_t *out;
    k_fault fault;
    uint32_t cluster; /* blocks */
} k_faulty;

#endif
