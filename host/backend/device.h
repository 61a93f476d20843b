/*
 * A device that runs kernels: the calls that the device instance of the backend needs. One
 * implementation calls the CUDA runtime and is loaded at run time; the simulator of tests/sim is
 * another. All code above this table is the same for both.
 *
 * Calls on one queue run in order; queues run beside each other unless an event orders them.
 * Failures give HEL_E_MEMORY or HEL_E_UNSUPPORTED (no device, device lost, nothing of the kind on
 * this device); error() has the sentence. One thread at a time on a queue; alloc, release, host_*,
 * event_create and memory may be called by several.
 */
#ifndef HEL_BACKEND_DEVICE_H
#define HEL_BACKEND_DEVICE_H

#include "host/backend/backend.h"
#include "kernels/list.h"

typedef struct hel_device hel_device;

typedef struct hel_launch {
    k_id kernel;
    uint32_t grid[3], threads;
    size_t shared_bytes;
    const void *args; /* copied by the call */
    size_t args_bytes;
    uint32_t cluster; /* neighbouring blocks along x that see each other's shared memory; 0: none */
} hel_launch;

typedef struct hel_device_ops {
    const char *name; /* "cuda", "sim" */
    void (*close)(hel_device *d);
    const char *(*error)(hel_device *d);
    hel_status (*memory)(hel_device *d, uint64_t *free_bytes, uint64_t *total_bytes);
    hel_status (*alloc)(hel_device *d, void **out, size_t bytes);
    void (*release)(hel_device *d, void *p); /* no queued work uses it; so for host_release */
    /* Host memory that the device reads and writes by itself (pinned). */
    hel_status (*host_alloc)(hel_device *d, void **out, size_t bytes);
    void (*host_release)(hel_device *d, void *p);

    hel_status (*queue_create)(hel_device *d, void **queue);
    void (*queue_free)(hel_device *d, void *queue); /* waits for it */
    hel_status (*sync)(hel_device *d, void *queue); /* NULL: all queues */

    /* The host's side of the first two is done with when they return; that of the other two, which
     * must be pinned memory, when the queue has come past them. */
    hel_status (*upload)(hel_device *d, void *queue, void *dst, const void *src, size_t bytes);
    hel_status (*download)(hel_device *d, void *queue, void *dst, const void *src, size_t bytes);
    hel_status (*send)(hel_device *d, void *queue, void *dst, const void *src, size_t bytes);
    hel_status (*fetch)(hel_device *d, void *queue, void *dst, const void *src, size_t bytes);
    hel_status (*wipe)(hel_device *d, void *queue, void *p, size_t bytes); /* to zeros */
    hel_status (*launch)(hel_device *d, void *queue, const hel_launch *launch);

    /* An event marks a place in a queue. event_wait makes what is queued afterwards wait for it;
     * event_sync makes the host wait; event_ms is the time between two that have passed. */
    hel_status (*event_create)(hel_device *d, void **event);
    void (*event_free)(hel_device *d, void *event);
    hel_status (*event_record)(hel_device *d, void *queue, void *event);
    hel_status (*event_wait)(hel_device *d, void *queue, void *event);
    hel_status (*event_sync)(hel_device *d, void *event);
    hel_status (*event_ms)(hel_device *d, void *first, void *last, float *ms);

    /* A graph: launches, wipes and device-side copies between begin and end are recorded instead of
     * run, with their arguments; graph_run queues them all at once, any number of times. */
    hel_status (*graph_begin)(hel_device *d, void *queue);
    hel_status (*graph_end)(hel_device *d, void *queue, void **graph); /* NULL on failure */
    hel_status (*graph_run)(hel_device *d, void *queue, void *graph);
    void (*graph_free)(hel_device *d, void *graph);

    /* Fourier transforms of `batch` rows of 2^log_n complex doubles (re, im), in place and not
     * divided by 2^log_n; exponent sign +1 when inverse, else -1. HEL_E_UNSUPPORTED where the
     * device has none. The work memory that it needs is its own. */
    hel_status (*fourier)(hel_device *d, void *queue, double *data, uint32_t log_n, uint32_t batch,
                          int inverse);
} hel_device_ops;

struct hel_device {
    const hel_device_ops *ops;
    size_t shared_max;    /* bytes of shared memory that a block may have */
    uint32_t cluster_max; /* blocks of a cluster; 1: no clusters */
    uint32_t processors;  /* that run blocks side by side */
    char model[96];       /* "NVIDIA H200, 0000:3b:00.0, sm_90" */
    char pci[16];         /* its place on the bus, "0000:3b:00.0"; "": none */
};

/* The backend on a device, which it closes when it is freed (also when this fails). */
hel_status hel_backend_device_create(hel_engine *engine, hel_backend **out, hel_device *device);

#endif
