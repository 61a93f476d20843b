/*
 * The machine as far as placement needs it: its NUMA nodes, which of their processors and memory
 * this process may use, how far nodes are from each other and from devices of the PCI bus. hwloc
 * finds out; a description may stand for the machine (tests, questions about another one).
 *
 * A node here is a place with processors of its own and the memory beside them. Memory without
 * processors (a GPU's, CXL) is none, and of several memories of the same processors the first
 * counts, which is where Linux allocates.
 */
#ifndef HEL_SCHED_TOPOLOGY_H
#define HEL_SCHED_TOPOLOGY_H

#include "host/base/affinity.h"
#include "host/base/bytes.h"

#define HEL_CACHE_LEVELS 3u

typedef struct hel_node {
    uint32_t number;     /* the system's */
    uint32_t processors; /* all that it has */
    hel_cpus allowed;    /* those that the process may use; may be none */
    uint32_t cpus;       /* their number */
    uint32_t cores;      /* cores that have at least one of them */
    uint64_t memory;     /* bytes */
    int memory_allowed;  /* there is some, and the process may have it */
} hel_node;

typedef struct hel_cache {
    uint64_t bytes; /* of one; 0: there is none at this level */
    uint32_t count;
} hel_cache;

typedef struct hel_topology {
    struct hwloc_topology *hw;
    struct hwloc_obj **object; /* [nodes] */
    uint64_t *latency;         /* [nodes][nodes], as the firmware says; NULL: it does not */
    int bindable;              /* this machine: threads and memory can be bound */
    int devices;               /* the bus was looked at */
    hel_cpus allowed;
    uint32_t processors, cores, packages; /* of the whole machine */
    hel_cache cache[HEL_CACHE_LEVELS];    /* data caches, level 1 first */
    char model[128];                      /* of the processors; "" where unknown */
    uint32_t nodes;                       /* 1 at the least */
    hel_node *node;
} hel_topology;

typedef struct hel_topology_source {
    const char *synthetic;   /* hwloc's words: "package:2 core:8 pu:2" */
    const char *xml;         /* or a file that lstopo wrote; neither: this machine */
    const hel_cpus *allowed; /* narrows what the process may use; NULL: no */
    int devices;             /* 1: look at the PCI bus too, which takes ten times as long */
    int is_this;             /* 1: the description is this machine's: bind as it says */
} hel_topology_source;

/* source NULL: this machine, without its bus. A matter of milliseconds; of /sys what can be read is
 * used. HEL_E_INPUT for a description that hwloc refuses. */
hel_status hel_topology_load(hel_engine *engine, hel_topology **out,
                             const hel_topology_source *source);
void hel_topology_free(hel_topology *t); /* NULL allowed */

/* Smaller is closer, 0 is itself: the firmware's latency, or how far up both have to go to meet. */
uint64_t hel_topology_distance(const hel_topology *t, uint32_t a, uint32_t b);

typedef enum hel_near {
    HEL_NEAR_SOME,   /* some nodes are nearer than others */
    HEL_NEAR_ALL,    /* all are alike, or the system does not know */
    HEL_NEAR_UNKNOWN /* no such device is seen */
} hel_near;

/* The nodes that a device is attached to: near[i] = 1. pci: "0000:3b:00.0". */
hel_near hel_topology_near(const hel_topology *t, const char *pci, uint8_t *near);

/* The version of hwloc's interface at run time: "2.8". */
const char *hel_topology_library(char out[32]);

/* Nodes, processors, memory: a line each, into `out`. */
hel_status hel_topology_text(hel_engine *engine, const hel_topology *t, hel_buf *out);

/* Prefers the memory of the nodes with chosen[i] for pages of an area that are not yet touched;
 * interleave: takes them in turn. 1 when the system agreed: what cannot be bound is memory all the
 * same. */
int hel_topology_bind_memory(const hel_topology *t, void *area, size_t bytes, const uint8_t *chosen,
                             int interleave);

#endif
