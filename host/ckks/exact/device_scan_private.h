/* The state behind device_scan.h, shared by device_scan.c (life), device_expand.c, device_tensor.c
 * and device_output.c. */
#ifndef HEL_CKKS_DEVICE_SCAN_PRIVATE_H
#define HEL_CKKS_DEVICE_SCAN_PRIVATE_H

#include "host/ckks/exact/device_scan.h"
#include "host/ckks/exact/expand_private.h"

/* ---- clocks: the device's time between two places of a queue, read when it is long past ---- */

typedef enum hel_device_part {
    HEL_DEVICE_EXPAND,
    HEL_DEVICE_TENSOR,
    HEL_DEVICE_OUTPUT,
    HEL_DEVICE_COPY, /* on `copies`, the others on `stream` */
    HEL_DEVICE_PARTS
} hel_device_part;

#define HEL_DEVICE_SPANS 32 /* that may be open or not yet read */

typedef struct hel_device_clock {
    void *event[HEL_DEVICE_SPANS][2]; /* made when first used */
    uint32_t first, count;            /* spans that end and were not read */
    double seconds;
    int off; /* the device has no clock */
} hel_device_clock;

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
    hel_device_clock clock[HEL_DEVICE_PARTS];
};

/* Bytes of the structures above, for hel_device_scan_bytes (allocations count as
 * hel_device_arena_bytes); create and free by their files. A create that fails leaves what it has
 * in x, which is freed afterwards; free takes an x without the structure. */
uint64_t hel_device_tree_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape);
hel_status hel_device_tree_create(hel_device_scan *x);
void hel_device_tree_free(hel_device_scan *x);
uint64_t hel_device_output_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape);
hel_status hel_device_output_create(hel_device_scan *x);
void hel_device_output_free(hel_device_scan *x);
uint64_t hel_device_tensor_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape);
uint64_t hel_device_tensor_host_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape);
hel_status hel_device_tensor_create(hel_device_scan *x);
void hel_device_tensor_free(hel_device_scan *x);

/* What the arena takes for an allocation of `bytes`. */
static inline uint64_t hel_device_arena_bytes(uint64_t bytes)
{
    return bytes ? (bytes + 4095) / 4096 * 4096 : 4096;
}

/* Words of one genotype polynomial: scan limbs of N words. */
static inline uint64_t hel_device_poly_words(const hel_scheme *scheme)
{
    return (uint64_t)scheme->params.scan_limbs * scheme->n;
}

/* The failure of a device's call, with its sentence; HEL_OK passes. */
static inline hel_status hel_device_scan_check(const hel_device_scan *x, hel_status status,
                                               const char *what)
{
    return hel_device_fail(x->engine, x->device, status, what);
}

/* What is queued between the two counts for the part. They cost two events and do not wait. Spans
 * of a part do not overlap; one that a failure leaves open counts for nothing. */
hel_status hel_device_clock_begin(hel_device_scan *x, hel_device_part part);
hel_status hel_device_clock_end(hel_device_scan *x, hel_device_part part);

#endif
