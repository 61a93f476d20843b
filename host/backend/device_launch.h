/*
 * For code above the backend that has kernels of its own (the scan): launches on a device
 * backend's stream, and what kernels are given. Only for streams and bases of such a backend.
 */
#ifndef HEL_BACKEND_DEVICE_LAUNCH_H
#define HEL_BACKEND_DEVICE_LAUNCH_H

#include "host/backend/device.h"

/* The device under a backend; NULL where it is the CPU. */
hel_device *hel_backend_device(const hel_backend *b);
/* The device's queue of a stream. */
void *hel_stream_queue(const hel_stream *s);
/* The failure of a device's call with the device's own sentence; HEL_OK passes. */
hel_status hel_device_fail(hel_engine *engine, const hel_device *d, hel_status status,
                           const char *what);

/* grid[1] and grid[2] are at most 65535. */
hel_status hel_dev_launch(hel_stream *s, k_id kernel, const uint32_t grid[3], uint32_t threads,
                          size_t shared_bytes, const void *args, size_t args_bytes);
/* The same in clusters of `cluster` blocks along x, which divides grid[0]. */
hel_status hel_dev_launch_clusters(hel_stream *s, k_id kernel, const uint32_t grid[3],
                                   uint32_t cluster, uint32_t threads, size_t shared_bytes,
                                   const void *args, size_t args_bytes);

/* Primes of a basis on the device: limb i < q_count of Q, then those of P. */
k_ring hel_dev_ring(const hel_basis *p);
k_rows hel_dev_rows(const hel_basis *p, const hel_view *v);

#endif
