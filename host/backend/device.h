/*
 * A device that runs kernels: the dozen calls that the device instance of the backend needs. One
 * implementation calls the CUDA runtime and is loaded at run time; the simulator of tests/sim is
 * another. All of the instance's own code is the same for both.
 *
 * Calls on one queue run in order. Copies from and to host memory may be taken as done with the
 * host's side when they return. Failures give HEL_E_MEMORY or HEL_E_UNSUPPORTED (no device, device
 * lost); error() has the sentence.
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
    const void *args;
    size_t args_bytes;
} hel_launch;

typedef struct hel_device_ops {
    const char *name; /* "cuda", "sim" */
    void (*close)(hel_device *d);
    const char *(*error)(hel_device *d);
    hel_status (*memory)(hel_device *d, uint64_t *free_bytes, uint64_t *total_bytes);
    hel_status (*alloc)(hel_device *d, void **out, size_t bytes);
    void (*release)(hel_device *d, void *p);
    hel_status (*queue_create)(hel_device *d, void **queue);
    void (*queue_free)(hel_device *d, void *queue);
    hel_status (*sync)(hel_device *d, void *queue);                        /* NULL: all queues */
    hel_status (*wipe)(hel_device *d, void *queue, void *p, size_t bytes); /* to zeros */
    hel_status (*upload)(hel_device *d, void *queue, void *dst, const void *src, size_t bytes);
    hel_status (*download)(hel_device *d, void *queue, void *dst, const void *src, size_t bytes);
    hel_status (*launch)(hel_device *d, void *queue, const hel_launch *launch);
} hel_device_ops;

struct hel_device {
    const hel_device_ops *ops;
    size_t shared_max; /* bytes of shared memory that a block may have */
};

/* The backend on a device, which it closes when it is freed (also when this fails). Encoding and
 * decoding run on the host's threads; everything else runs on the device. */
hel_status hel_backend_device_create(hel_engine *engine, hel_backend **out, hel_device *device);

#endif
