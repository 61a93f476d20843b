/*
 * The scan's arithmetic on a device: weights are expanded into device memory, genotype rows arrive
 * there and meet them, accumulators stay there until they are relinearized and switched. Every
 * residue equals what expand.c, tensor.h and output.c give.
 *
 * Memory on the device, NTT form and canonical unless said (scan = scan limbs, W = scan N words):
 *   weights       [sample of the tile][column held][2][scan][N]
 *   accumulators  [block held][output][3][scan][N]
 *   rows          [buffer 0, 1][row][block of the super-block's planes]...: file bytes as they are
 *   keys          Galois keys and relinearization key, once
 * Work is queued; what brings something to the host waits for it. One caller at a time.
 */
#ifndef HEL_CKKS_DEVICE_SCAN_H
#define HEL_CKKS_DEVICE_SCAN_H

#include "host/backend/device_launch.h"
#include "host/ckks/exact/scheme.h"

#define HEL_DEVICE_ROW_BUFFERS 2
#define HEL_DEVICE_SOURCES     16 /* places of pinned memory whose reading can be waited for */

typedef struct hel_device_scan hel_device_scan;

/* What is held at once. segment: leaves of a group (samples whose weights are neighbours). */
typedef struct hel_device_scan_shape {
    uint32_t segment;
    uint32_t samples; /* of a tile: a multiple of segment */
    uint32_t columns, blocks, outputs;
    uint64_t row_polys; /* polynomials (scan x N words) of one row buffer */
} hel_device_scan_shape;

/* Bytes on the device that a shape takes with everything else, and of pinned host memory that
 * hel_device_scan_load takes where it is used. */
void hel_device_scan_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape,
                           uint64_t *device_bytes, uint64_t *host_bytes);

/* backend: a device's; it stays the caller's, as do scheme and keys, which must outlive this.
 * keys NULL: neither _expand nor _finish may be called, and nothing is held for them. Memory that
 * does not suffice gives HEL_E_MEMORY with what is needed and what is free. */
hel_status hel_device_scan_create(hel_engine *engine, hel_device_scan **out, hel_backend *backend,
                                  const hel_scheme *scheme, const hel_eval_keys *keys,
                                  const hel_device_scan_shape *shape);
void hel_device_scan_free(hel_device_scan *x); /* NULL allowed */

/* ---- weights (device_expand.c) ---- */

/* Expands leaf groups first .. first + count - 1 of a packed ciphertext (c0: host memory, NTT form,
 * expand limbs; its uniform half is stream `object` of the seed), `weights` of whose coefficients
 * are in use. Group first + i becomes the weights of samples
 * segment (place / columns) .. of column place % columns, place = first_place + i. Leaves beyond
 * `weights` are not written. */
hel_status hel_device_scan_expand(hel_device_scan *x, const uint32_t *c0,
                                  const uint8_t seed[HEL_SEED_BYTES], uint64_t object,
                                  uint32_t weights, uint32_t first, uint32_t count,
                                  uint32_t first_place);

/* ---- genotypes (device_tensor.c) ---- */

/* Sets all accumulators to zero. */
hel_status hel_device_scan_clear(hel_device_scan *x);

/* Copies `polys` polynomials into row buffer `which`, beside the work that is queued: the copy
 * waits until what used the buffer last is done. The host's memory is free when this returns. */
hel_status hel_device_scan_load(hel_device_scan *x, uint32_t which, const uint8_t *src,
                                uint64_t polys);

/* The same in parts, from pinned memory of the caller's: begin, any number of parts, end. A part's
 * memory belongs to the device until hel_device_scan_sent() has come back for the source, a number
 * below HEL_DEVICE_SOURCES that the caller gives each of its places (0 and 1 are _load's). */
hel_status hel_device_scan_load_begin(hel_device_scan *x, uint32_t which);
hel_status hel_device_scan_load_part(hel_device_scan *x, uint32_t which, uint64_t offset,
                                     const uint8_t *src, uint64_t bytes, uint32_t source);
hel_status hel_device_scan_load_end(hel_device_scan *x, uint32_t which);
hel_status hel_device_scan_sent(hel_device_scan *x, uint32_t source);

/* Accumulates genotypes (x) weights of one plane over the samples and blocks of a row buffer:
 * polynomial (sample i, block b) lies at place offset + i stride + b of the buffer, and its uniform
 * half is stream object + i stride + b of the genotype seed. Column columns[k] of the weights held
 * adds to accumulator outputs[k] of block first_block + b; no output twice. Zero samples, blocks or
 * columns: no work. */
typedef struct hel_device_rows {
    uint32_t which;
    uint64_t offset, stride, object;
    uint32_t samples, blocks, first_block;
    const uint32_t *columns, *outputs;
    uint32_t count; /* of both */
} hel_device_rows;

hel_status hel_device_scan_accumulate(hel_device_scan *x, const uint8_t seed[HEL_SEED_BYTES],
                                      const hel_device_rows *rows);

/* ---- outputs (device_output.c) ---- */

/* Accumulators of `count` blocks, relinearized and switched, to the host: [block][output k][2]
 * [out_limbs][N], coefficient form, as hel_output_finish leaves them; output k is accumulator
 * outputs[k]. Destroys nothing. */
hel_status hel_device_scan_finish(hel_device_scan *x, uint32_t first_block, uint32_t count,
                                  const uint32_t *outputs, uint32_t output_count, uint32_t *sums);

/* ---- what a check on the CPU reads ---- */

/* Weight (sample of the tile, column held): [2][scan][N]. */
hel_status hel_device_scan_weight(hel_device_scan *x, uint32_t sample, uint32_t column,
                                  uint32_t *out);
/* Accumulators first .. first + count - 1 of a block: [count][3][scan][N]. */
hel_status hel_device_scan_sums(hel_device_scan *x, uint32_t block, uint32_t first, uint32_t count,
                                uint32_t *out);

/* The same way back: accumulators that another scan has left. */
hel_status hel_device_scan_restore(hel_device_scan *x, uint32_t block, uint32_t first,
                                   uint32_t count, const uint32_t *in);

/* Seconds that the device was busy with each part so far, by events; 0 where it has no clock. */
typedef struct hel_device_scan_times {
    double expand, tensor, output, copy;
} hel_device_scan_times;
hel_status hel_device_scan_times_get(hel_device_scan *x, hel_device_scan_times *out);

#endif
