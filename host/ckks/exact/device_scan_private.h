/* The state behind device_scan.h, shared by device_scan.c (life), device_expand.c, device_tensor.c
 * and device_output.c. */
#ifndef HEL_CKKS_DEVICE_SCAN_PRIVATE_H
#define HEL_CKKS_DEVICE_SCAN_PRIVATE_H

#include "host/ckks/exact/device_scan.h"
#include "host/ckks/exact/expand_private.h"

struct hel_device_scan {
    hel_engine *engine;
    hel_backend *backend;
    hel_device *device;
    const hel_scheme *scheme;
    const hel_eval_keys *keys;
    hel_device_scan_shape shape;
    hel_stream *stream; /* all arithmetic */
    hel_stream *copies; /* rows on their way */
    hel_basis *basis;   /* Q' and P of the scheme: primes, twiddles */
    uint32_t *weights, *sums, *rows[HEL_DEVICE_ROW_BUFFERS];
    struct hel_device_tree *tree;     /* of device_expand.c: keys, tables, nodes */
    struct hel_device_output *output; /* of device_output.c */
    struct hel_device_tensor *tensor; /* of device_tensor.c: staging, events */
    hel_device_scan_times times;
};

/* Words of the structures above, for hel_device_scan_bytes; create and free by their files. */
uint64_t hel_device_tree_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape);
hel_status hel_device_tree_create(hel_device_scan *x);
void hel_device_tree_free(hel_device_scan *x);
uint64_t hel_device_output_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape);
hel_status hel_device_output_create(hel_device_scan *x);
void hel_device_output_free(hel_device_scan *x);
uint64_t hel_device_tensor_host_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape);
hel_status hel_device_tensor_create(hel_device_scan *x);
void hel_device_tensor_free(hel_device_scan *x);

#endif
