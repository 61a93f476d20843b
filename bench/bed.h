/*
 * The bed of b_device: a backend, its device's clock, and operations that are queued many times and
 * waited for once. A time is the device's own, between two events, where it has a clock.
 */
#ifndef HEL_BENCH_BED_H
#define HEL_BENCH_BED_H

#include "bench/bench.h"
#include "bench/roofline.h"
#include "host/backend/device_launch.h"

typedef struct bed_options {
    const char *backend;
    uint32_t device;
    int smoke; /* sizes that a simulator can run */
} bed_options;

typedef struct bed {
    bed_options options;
    hel_engine *engine;
    hel_backend *backend;
    const hel_backend_ops *ops;
    hel_stream *s;
    hel_device *device; /* NULL: the CPU */
    void *queue, *event[2];
    uint64_t free_bytes; /* of the device, at the start; 0: not known */
    roofline roofline;
} bed;

/* Ends the process on a failure, with its text on stderr. */
void bed_must(bed *b, hel_status status);
void bed_device_must(bed *b, hel_status status); /* of a call of the device itself */
void bed_open(bed *b, const bed_options *options);
void bed_close(bed *b);
/* Measures the rate of copies on the device, for the roofline. */
void bed_measure_copies(bed *b);

typedef hel_status (*bed_fn)(void *arg);
/* Queues fn until the harness is content. `items` operations are one call of it; amounts of `work`
 * are those of one item. NULL: no counters but the harness's. */
bench_result bed_run(bed *b, const char *name, bed_fn fn, void *arg, double items,
                     const roofline_work *work);
/* A view of a basis with random residues, in the backend's memory. */
hel_view bed_view(bed *b, const hel_basis *basis, uint32_t batch, uint32_t limbs, uint32_t q_limbs);
void bed_drop(bed *b, hel_view v);
/* 1 when `bytes` fit beside what else is there, with room to spare. */
int bed_fits(const bed *b, double bytes);

/* ---- groups ---- */

void bed_copies(bed *b);       /* bed_copies.c: host and device, both kinds of memory */
void bed_transforms(bed *b);   /* bed_limbs.c */
void bed_elementwise(bed *b);  /* bed_limbs.c */
void bed_key_switches(bed *b); /* bed_switch.c: at the sets cmp13 .. cmp16 */
void bed_ckks(bed *b);         /* bed_ckks.c: encode, decode, encrypt, decrypt, products */
void bed_scan(bed *b);         /* bed_scan.c */

#endif
