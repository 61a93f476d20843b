/*
 * A secret key at rest: a container of kind HEL_KIND_SECRET_KEY or HEL_KIND_CKKS_SECRET, mode
 * 0600, its secret section plain or sealed under a passphrase (scrypt N = 2^17, r = 8, p = 1, then
 * AES-256-GCM with the parameters' digest and the key id as associated data). Beside a key of the
 * scan, "<path>.rejections" counts failed verifications of it.
 */
#ifndef HEL_STORE_KEYFILE_H
#define HEL_STORE_KEYFILE_H

#include "host/store/container.h"
#include "host/store/rejections.h"

/* head->kind: one of the two. secret: `bytes` of key material. passphrase NULL or "": stored plain.
 * A counter of rejections left by a key that had the same path is removed. */
hel_status hel_keyfile_write(hel_engine *engine, const char *path, hel_head *head,
                             const void *params, size_t params_bytes, const uint8_t *secret,
                             size_t bytes, const char *passphrase);
/* *secret: hel_secret_alloc memory, owned by the caller. A sealed file without or with a wrong
 * passphrase gives HEL_E_MISMATCH. *params points into hel_malloc memory owned by the caller. */
hel_status hel_keyfile_read(hel_engine *engine, const char *path, hel_kind kind, hel_head *head,
                            uint8_t **params, size_t *params_bytes, uint8_t **secret, size_t *bytes,
                            const char *passphrase);
/* 1 in *sealed when the file needs a passphrase. */
hel_status hel_keyfile_sealed(hel_engine *engine, const char *path, int *sealed);

#endif
