/*
 * The rig of b_device: a backend, its device's clock, and operations that are queued many times and
 * waited for once. A time is the device's own, between two events, where it has a clock.
 */
#ifndef HEL_BENCH_RIG_H
#define HEL_BENCH_RIG_H

#include "bench/bench.h"
#include "bench/roofline.h"
#include "host/backend/device_launch.h"

typedef struct rig_options {
    const char *backend;
    uint32_t device;
    int smoke; /* sizes that a simulator can run */
} rig_options;

typedef struct rig {
    rig_options options;
    hel_engine *engine;
    hel_backend *backend;
    const hel_backend_ops *ops;
    hel_stream *s;
    hel_device *device; /* NULL: the CPU */
    void *queue, *event[2];
    uint64_t free_bytes; /* of the device, at the start; 0: not known */
    roofline roofline;
    double bus_bytes_per_ns; /* to the device from pinned memory; 0 until rig_copies measured it */
} rig;

/* Ends the process on a failure, with its text on stderr. */
void rig_must(rig *b, hel_status status);
void rig_device_must(rig *b, hel_status status); /* of a call of the device itself */
void rig_open(rig *b, const rig_options *options);
void rig_close(rig *b);
/* Measures the rate of copies on the device, for the roofline. */
void rig_measure_copies(rig *b);

typedef hel_status (*rig_fn)(void *arg);
/* Queues fn until the harness is content. `items` operations are one call of it; amounts of `work`
 * are those of one item. NULL: no counters but the harness's. */
bench_result rig_run(rig *b, const char *name, rig_fn fn, void *arg, double items,
                     const roofline_work *work);
/* A view of a basis with random residues, in the backend's memory. */
hel_view rig_view(rig *b, const hel_basis *basis, uint32_t batch, uint32_t limbs, uint32_t q_limbs);
void rig_drop(rig *b, hel_view v);
/* 1 when `bytes` fit beside what else is there, with room to spare. */
int rig_fits(const rig *b, double bytes);

/* ---- groups ---- */

void rig_copies(rig *b);       /* rig_copies.c: host and device, both kinds of memory */
void rig_transforms(rig *b);   /* rig_limbs.c */
void rig_elementwise(rig *b);  /* rig_limbs.c */
void rig_key_switches(rig *b); /* rig_switch.c: at the sets cmp13 .. cmp16 */
void rig_ckks(rig *b);         /* rig_ckks.c: encode, decode, encrypt, decrypt, products */
void rig_scan(rig *b);         /* rig_scan.c */

#endif
