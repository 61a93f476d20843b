/* The prefix of section SKEY, for the key file and the inspector. */
#ifndef HEL_STORE_KEYFILE_PRIVATE_H
#define HEL_STORE_KEYFILE_PRIVATE_H

#include "host/base/crypto.h"

#define HEL_SEALING_BYTES      80u
#define HEL_SEALING_PLAIN      0u
#define HEL_SEALING_SCRYPT_GCM 1u

typedef struct hel_sealing {
    uint32_t mode, log_n;
    uint64_t bytes; /* of key material behind the prefix */
    uint8_t salt[32];
    uint8_t nonce[HEL_GCM_NONCE_BYTES];
    uint8_t tag[HEL_GCM_TAG_BYTES];
} hel_sealing;

/* `data`: the whole section. HEL_E_FORMAT for anything but a well-formed prefix and exactly the
 * stated number of bytes behind it. */
hel_status hel_sealing_decode(hel_engine *engine, hel_sealing *seal, const char *path,
                              const uint8_t *data, uint64_t bytes);

#endif
