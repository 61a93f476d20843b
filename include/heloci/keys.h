/**
 * @file keys.h
 * @brief Key generation, by the data owner.
 */
#ifndef HELOCI_KEYS_H
#define HELOCI_KEYS_H

#include "heloci/params.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hel_keygen_config {
    uint32_t size;            /**< sizeof(hel_keygen_config) */
    const char *out;          /**< prefix: <out>.key (secret, mode 0600) and <out>.evk (public) */
    const char *passphrase;   /**< NULL or "" = the key file is not sealed */
    const hel_params *params; /**< NULL = hel_params_search() defaults */
    int overwrite;            /**< 0 = an existing <out>.key is an error (HEL_E_USAGE) */
} hel_keygen_config;

#define HEL_KEYGEN_CONFIG_INIT                                                                     \
    {                                                                                              \
        sizeof(hel_keygen_config), NULL, NULL, NULL, 0                                             \
    }

/** Draws a secret key and its evaluation keys. <out>.evk goes to the compute centre, <out>.key
 *  never leaves the owner. Half a second and 20 MiB at the default parameters. */
HEL_API HEL_MUST_CHECK hel_status hel_keygen(hel_engine *engine, const hel_keygen_config *config);

/** *sealed = 1 when the key file needs a passphrase. */
HEL_API HEL_MUST_CHECK hel_status hel_key_is_sealed(hel_engine *engine, const char *path,
                                                    int *sealed);

#ifdef __cplusplus
}
#endif

#endif
