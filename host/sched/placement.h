/*
 * Who runs where, decided once from a topology:
 *
 *   workers   evenly over the nodes that have processors of this process: first as many to each as
 *             it has cores, then as it has processors, then round again. A worker may run on all
 *             of its node's processors, so that a shared machine stays usable.
 *   readers   those that feed a GPU: on the node nearest to it by its PCI bus id; where that has no
 *             processor of this process, on the closest one that has
 *   buffers   from which a GPU is fed: in the memory of the readers' node; other large ones: in
 *             turn over the nodes of the workers
 *
 * With one node to run on nothing is bound and nothing said to the system.
 */
#ifndef HEL_SCHED_PLACEMENT_H
#define HEL_SCHED_PLACEMENT_H

#include "host/sched/topology.h"

#define HEL_ANYWHERE UINT32_MAX

typedef struct hel_placement_request {
    uint32_t workers, readers;
    const char *pci; /* of the GPU that the readers feed; NULL or "": none */
} hel_placement_request;

typedef struct hel_placement {
    const hel_topology *topology; /* borrowed */
    uint32_t workers, readers;
    uint32_t *worker; /* [workers]: the node's index, or HEL_ANYWHERE for all of them. The first k
                           are those of a placement of k workers */
    hel_cpus reader;  /* where readers run; empty: anywhere */
    uint8_t *feeding; /* [nodes]: 1: the memory of buffers that feed the GPU; none: anywhere */
    uint8_t *turns;   /* [nodes]: 1: large buffers take turns over these; none: they do not */
    char pci[16];
    hel_near near;    /* with a pci */
    uint32_t nearest; /* the first of its nodes */
    uint32_t instead; /* the node taken where the nearest has no processor, else HEL_ANYWHERE */
} hel_placement;

/* The topology must have been loaded with devices for a pci to be found. */
hel_status hel_placement_create(hel_engine *engine, hel_placement **out, const hel_topology *t,
                                const hel_placement_request *request);
void hel_placement_free(hel_placement *p); /* NULL allowed */

/* A line for workers, readers and buffers each. */
hel_status hel_placement_text(hel_engine *engine, const hel_placement *p, hel_buf *out);

/* Gives the engine's threads their places; nothing happens where workers may run anywhere. */
hel_status hel_placement_apply(hel_engine *engine, const hel_placement *p);
/* All of it for an engine's threads on this machine, once; what cannot be found out binds nothing.
 * For the beginning of long work. */
hel_status hel_place_engine(hel_engine *engine);

/* The calling thread becomes a reader; memory that no thread has touched yet is spread. 1 when that
 * bound something, 0 when nothing was to be bound or the system refused, which is no error. */
int hel_placement_bind_reader(const hel_placement *p);
int hel_placement_bind_large(const hel_placement *p, void *area, size_t bytes);

#endif
