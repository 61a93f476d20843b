/*
 * The owner's side of every job: the opened secret key with its scheme, and the keyed digests that
 * name samples and variants without giving them away to a dictionary attack.
 */
#ifndef HEL_ASSOC_OWNER_H
#define HEL_ASSOC_OWNER_H

#include "host/ckks/exact/scheme.h"
#include "host/geno/bed.h"
#include "host/store/container.h"

#define HEL_MAX_REJECTIONS 3 /* failed verifications after which a key is retired */

typedef struct hel_owner {
    hel_head head; /* of the key file */
    hel_scheme *scheme;
    hel_secret_key *key;
    uint8_t mac_key[32]; /* of owner-only files */
} hel_owner;

/* Opens a key file. A key with HEL_MAX_REJECTIONS rejections is HEL_E_SECURITY. */
hel_status hel_owner_open(hel_engine *engine, hel_owner *owner, const char *path,
                          const char *passphrase);
void hel_owner_close(hel_owner *owner); /* wipes; safe on a zeroed struct */

/* HMAC digests, under the owner's secret, of identities in order. */
hel_status hel_digest_samples(hel_engine *engine, const hel_owner *owner, const hel_samples *s,
                              uint8_t digest[HEL_DIGEST_BYTES]);
hel_status hel_digest_variants(hel_engine *engine, const hel_owner *owner, const hel_variants *v,
                               uint8_t digest[HEL_DIGEST_BYTES]);

/* An owner-only file made under this key: opened, content and MAC checked. HEL_E_MISMATCH when it
 * was made under another key or has been altered. */
hel_status hel_owner_reader(hel_engine *engine, hel_reader **out, const hel_owner *owner,
                            const char *path, hel_kind kind);

#endif
