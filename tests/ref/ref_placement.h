/* Oracle of placement: the best of all ways to spread workers over nodes, tried one by one. */
#ifndef HEL_REF_PLACEMENT_H
#define HEL_REF_PLACEMENT_H

#include <stdint.h>

enum { REF_NODES = 6 };

typedef struct ref_place {
    uint32_t cores, processors; /* that may be used; a node without any gets no worker */
} ref_place;

/* out[i]: workers on node i. Best is, in this order: the fewest workers that share a processor (the
 * second counts once, the third twice, ...), the fewest that share a core, the most even numbers,
 * the more workers on earlier nodes. */
void ref_spread(uint32_t out[REF_NODES], const ref_place *place, uint32_t nodes, uint32_t workers);

#endif
