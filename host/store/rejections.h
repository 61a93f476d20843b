/*
 * Failed verifications counted against a secret key: "<key>.rejections" beside the key file
 * (symbolic links resolved), one line "rejected" each, mode 0600. A result of the compute centre is
 * decrypted only under a claim: the counter is locked, known to be writable and below its limit,
 * and already holds the line that a rejection needs. So no rejection can go uncounted for want of
 * space or permission, and two decryptions cannot both pass below the limit. A copy of the key
 * elsewhere has its own counter; no file can prevent that.
 */
#ifndef HEL_STORE_REJECTIONS_H
#define HEL_STORE_REJECTIONS_H

#include "host/base/error.h"

/* Rejections of the key at `key_path`; 0 only where the counter is certainly absent or empty. */
hel_status hel_keyfile_rejections(hel_engine *engine, const char *key_path, uint32_t *count);

typedef struct hel_claim {
    int fd;
    int64_t base, line; /* size before the claim, offset of its line */
    char *counter;
} hel_claim;

/* Waits for the lock. HEL_E_SECURITY at `limit` rejections or more, HEL_E_PERMISSION or HEL_E_IO
 * when the counter cannot be written. */
hel_status hel_claim_open(hel_engine *engine, hel_claim *claim, const char *key_path,
                          uint32_t limit);
/* rejected = 1 makes the line count, durably; 0 takes it back. Releases everything in any case. */
hel_status hel_claim_close(hel_engine *engine, hel_claim *claim, int rejected);

/* One rejection: a claim without a limit, closed as rejected. */
hel_status hel_keyfile_reject(hel_engine *engine, const char *key_path);

#endif
