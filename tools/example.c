/* Correlation of two encrypted vectors at lag 1, the sum of x[j] y[j + 1]:
 *     cc example.c -o example $(pkg-config --cflags --libs heloci) */
#include <heloci/ckks.h>
#include <stdio.h>

#define TRY(call)                                                                                  \
    do {                                                                                           \
        hel_status status = (call);                                                                \
        if (status != HEL_OK) {                                                                    \
            fprintf(stderr, "%s: %s\n", hel_status_name(status), hel_engine_error(engine));        \
            return hel_status_exit_code(status);                                                   \
        }                                                                                          \
    } while (0)

int main(void)
{
    const double x[4] = {1, 2, 3, 4}, y[4] = {0.5, -1, 2, 0.25};
    double sums[4];
    hel_engine *engine = NULL; /* threads, memory, error text */
    hel_ckks *ckks;
    hel_ckks_params params;
    hel_ckks_request request = HEL_CKKS_REQUEST_INIT;
    request.depth = 1; /* multiplications one after another */
    TRY(hel_engine_create(&engine, NULL));
    TRY(hel_ckks_params_build(engine, &request, &params));
    TRY(hel_ckks_create(engine, &ckks, &params));

    hel_ckks_secret *secret;
    hel_ckks_public *public_key;
    hel_ckks_keys *keys;
    hel_ckks_keys_request wanted = HEL_CKKS_KEYS_REQUEST_INIT; /* for products */
    wanted.sums = 1;                                           /* and rotations by 1, 2, 4, ... */
    TRY(hel_ckks_secret_create(ckks, &secret));
    TRY(hel_ckks_public_create(ckks, &public_key, secret));
    TRY(hel_ckks_keys_create(ckks, &keys, secret, &wanted));
    TRY(hel_ckks_use_keys(ckks, keys));

    hel_ckks_plain *plain;
    hel_ckks_cipher *a, *b;
    TRY(hel_ckks_plain_create(ckks, &plain));
    TRY(hel_ckks_cipher_create(ckks, &a));
    TRY(hel_ckks_cipher_create(ckks, &b));
    TRY(hel_ckks_encode(ckks, plain, x, NULL, 4, 1, HEL_CKKS_TOP, 0)); /* 4 slots, 1 vector */
    TRY(hel_ckks_encrypt(ckks, a, plain, public_key));
    TRY(hel_ckks_encode(ckks, plain, y, NULL, 4, 1, HEL_CKKS_TOP, 0));
    TRY(hel_ckks_encrypt(ckks, b, plain, public_key));

    TRY(hel_ckks_rotate(ckks, b, b, 1)); /* y[1] y[2] y[3] y[0] */
    TRY(hel_ckks_mul(ckks, a, a, b));
    TRY(hel_ckks_sum(ckks, a, a, 4)); /* the same in every slot */

    TRY(hel_ckks_decrypt(ckks, plain, a, secret));
    TRY(hel_ckks_decode(ckks, plain, sums, NULL));
    printf("%.4f (in clear: %.4f)\n", sums[0],
           x[0] * y[1] + x[1] * y[2] + x[2] * y[3] + x[3] * y[0]);

    hel_ckks_cipher_free(b);
    hel_ckks_cipher_free(a);
    hel_ckks_plain_free(plain);
    hel_ckks_keys_free(keys);
    hel_ckks_public_free(public_key);
    hel_ckks_secret_free(secret);
    hel_ckks_free(ckks);
    hel_engine_free(engine);
    return 0;
}
