/* A small CKKS context, written out so that seeds stay valid whatever the builder chooses. */
#ifndef HEL_TESTS_FUZZ_CKKS_H
#define HEL_TESTS_FUZZ_CKKS_H

#include <stdlib.h>
#include <string.h>

#include "host/ckks/evaluator.h"

typedef struct fuzz_ckks {
    hel_engine *engine;
    hel_ckks *ckks;
    hel_ckks_secret *secret; /* its id is zero, as in the seeds */
    hel_ckks_public *key;
    hel_ckks_keys *keys;
} fuzz_ckks;

static inline void need(int condition)
{
    if (!condition)
        abort();
}

/* N = 1024, two levels of 2 and 3 primes, two special ones, scale 2^20. */
static inline hel_ckks_params fuzz_ckks_params(void)
{
    return (hel_ckks_params){
        .log_n = 10,
        .depth = 1,
        .scale_bits = 20,
        .special_limbs = 2,
        .digit_limbs = 2,
        .limbs = {2, 3},
        .multiplier = {1, 1},
        .primes = {133121, 147457, 1054721, 1073643521, 1073479681},
    };
}

/* Made once; keys are those for products, conjugation and rotation by 1. */
static inline const fuzz_ckks *fuzz_ckks_context(void)
{
    static fuzz_ckks f;
    static const int32_t step[] = {1};
    if (f.ckks)
        return &f;
    const hel_ckks_params p = fuzz_ckks_params();
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    config.threads = 1;
    request.conjugate = 1;
    request.rotations = step;
    request.rotation_count = 1;
    setenv("HELOCI_ALLOW_TOY", "1", 1);
    need(hel_engine_create(&f.engine, &config) == HEL_OK);
    need(hel_ckks_create(f.engine, &f.ckks, &p) == HEL_OK);
    need(hel_ckks_secret_create(f.ckks, &f.secret) == HEL_OK);
    memset(f.secret->key_id, 0, sizeof f.secret->key_id);
    need(hel_ckks_public_create(f.ckks, &f.key, f.secret) == HEL_OK);
    need(hel_ckks_keys_create(f.ckks, &f.keys, f.secret, &request) == HEL_OK);
    need(hel_ckks_use_keys(f.ckks, f.keys) == HEL_OK);
    return &f;
}

/* A fresh message of 8 slots at the top level. */
static inline hel_ckks_plain *fuzz_ckks_plain(const fuzz_ckks *f, uint32_t batch)
{
    static const double one[64];
    hel_ckks_plain *p;
    need(hel_ckks_plain_create(f->ckks, &p) == HEL_OK);
    need(hel_ckks_encode(f->ckks, p, one, NULL, 8, batch, HEL_CKKS_TOP, 0) == HEL_OK);
    return p;
}

static inline hel_ckks_cipher *fuzz_ckks_cipher(const fuzz_ckks *f, uint32_t batch, int seeded)
{
    hel_ckks_plain *p = fuzz_ckks_plain(f, batch);
    hel_ckks_cipher *x;
    need(hel_ckks_cipher_create(f->ckks, &x) == HEL_OK);
    if (seeded)
        need(hel_ckks_encrypt_symmetric(f->ckks, x, p, f->secret) == HEL_OK);
    else
        need(hel_ckks_encrypt(f->ckks, x, p, f->key) == HEL_OK);
    hel_ckks_plain_free(p);
    return x;
}

#endif
