/* The device's part of a scan: scan_device.c (calls) and scan_device_plan.c (what is held). */
#ifndef HEL_ASSOC_SCAN_DEVICE_H
#define HEL_ASSOC_SCAN_DEVICE_H

#include "host/assoc/scan_private.h"
#include "host/ckks/exact/device_scan.h"

struct scan_device {
    hel_backend *backend;
    hel_device_scan *scan;
    hel_device_scan_shape shape;
    uint32_t *columns, *slots; /* [weight columns] of one plane in the batch at hand */
    uint32_t which;            /* row buffer that is loaded next */
    uint64_t queued[HEL_DEVICE_ROW_BUFFERS]; /* genotypes of the last batch in it */
    uint64_t sent_first;                     /* oldest span of which the device may be reading */
    uint64_t expanding;                      /* ciphertext of the latest weights, plus one */
};

/* For measurements: rows of the step and super-block at hand, that lie in memory, meet the weights
 * so many times; and the end of what allocate made, without the backend. */
hel_status hel_scan_device_sample(struct scan *s, const uint8_t *rows, uint32_t times);
void hel_scan_device_sample_free(struct scan *s);

/* As scan_ops. Fills s->device->shape. */
hel_status hel_scan_device_plan(struct scan *s);

#endif
