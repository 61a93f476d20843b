/*
 * From a file of encrypted sums to exact, verified integers: the only door through which a result
 * of the compute centre enters the owner's side.
 */
#ifndef HEL_ASSOC_VERIFIED_H
#define HEL_ASSOC_VERIFIED_H

#include "host/assoc/dataset.h"
#include "host/assoc/model.h"

/* Sums of all variants and outputs, [block][output][N], signs and centring undone. */
typedef struct hel_verified {
    hel_sums_layout layout;
    int64_t *sums;
} hel_verified;

/* The owner's side of a scan: what sums are checked against. All borrowed. */
typedef struct hel_verify_request {
    const hel_owner *owner;
    const hel_dataset *dataset;
    const hel_model *model;
    const hel_reader *model_reader;
    const char *key_path; /* a rejection is counted against it; NULL in tests of the arithmetic */
} hel_verify_request;

/* Files that do not belong together are HEL_E_MISMATCH (public facts, not counted). Then every sum
 * of every block, chunk and output is decrypted and checked before one verdict: HEL_OK, or
 * HEL_E_VERIFY with a generic text, nothing in *out and the rejection counted. Memory: 8 bytes per
 * variant (rounded up to blocks) and output. */
hel_status hel_verified_open(hel_engine *engine, hel_verified *out, const char *path,
                             const hel_verify_request *request);
void hel_verified_free(hel_verified *v); /* safe on a zeroed struct */

#endif
