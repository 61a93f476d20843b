/* Encoding: the embedding by its definition, sizes and scales of numbers, twins. */
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ckks.h"

static void ok(const ref_ckks *f, hel_status status, const char *what)
{
    cr_assert_eq(status, HEL_OK, "%s: %s", what, hel_engine_error(f->engine));
}

/* The plaintext polynomial has the message as its values at zeta^(5^j), times the scale. */
Test(ckks_encode, encoding_is_the_embedding)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 1, 40, 0);
    ref_random r = ref_random_start(6);
    hel_ckks_plain *plain;
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    const uint32_t n = 1024, limbs = params.limbs[1];
    long double *c = malloc(n * sizeof *c);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    for (uint32_t slots = 1; slots <= n / 2; slots *= 8) {
        double re[512], im[512];
        ref_ckks_fill(&r, re, im, slots);
        ok(&f, hel_ckks_encode(f.ckks, plain, re, im, slots, 1, 1, 0x1p33), "encode");
        cr_assert_eq(hel_ckks_plain_scale(plain), 0x1p33);
        uint32_t *words = ref_ckks_message(&f, plain, 0);
        ref_ckks_centre(&f, limbs, words, c);
        uint32_t power = 1;
        for (uint32_t j = 0; j < slots; j++, power = power * 5 % (2 * n)) {
            double complex sum = 0;
            for (uint32_t k = 0; k < n; k++)
                sum += (double)c[k] * cexp(I * M_PI * (double)((uint64_t)power * k % (2 * n)) / n);
            double complex sent = re[j] + I * im[j];
            cr_assert_lt(cabs(sum / 0x1p33 - sent), 40 / 0x1p33);
        }
        free(words);
    }
    free(c);
    hel_ckks_plain_free(plain);
    ref_ckks_end(&f);
}

Test(ckks_encode, scales_and_sizes_of_numbers)
{
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 4, 40, 0);
    hel_ckks_plain *plain;
    double back;
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    const double log_q = f.ckks->context->log_q[params.limbs[4]];
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    for (double x = 0x1p-30; x < 0x1p200; x *= 1024)
        for (int sign = -1; sign <= 1; sign += 2) {
            const double number = sign * x;
            hel_status status = hel_ckks_encode(f.ckks, plain, &number, NULL, 1, 1, 4, 0x1p40);
            if (log2(x) + 40 > log_q - 1) {
                cr_assert_eq(status, HEL_E_USAGE);
                cr_assert(strstr(hel_engine_error(f.engine), "does not fit level 4"));
                cr_assert_eq(hel_ckks_plain_batch(plain), 0);
                continue;
            }
            ok(&f, status, "encode");
            ok(&f, hel_ckks_decode(f.ckks, plain, &back, NULL), "decode");
            cr_assert_leq(fabs(back - number), 0x1p-40 + x * 0x1p-48, "%g came back as %g", number,
                          back);
        }
    hel_ckks_plain_free(plain);
    ref_ckks_end(&f);
}

/* The same residues whatever the twin: seeds apart, encryption is exact arithmetic. */
Test(ckks_encode, twins_agree)
{
    hel_ckks_params params = ref_ckks_toy(10, 2, 40, 0);
    ref_random r = ref_random_start(10);
    double re[512], im[512];
    ref_ckks_fill(&r, re, im, 512);
    uint32_t *first = NULL;
    for (hel_simd simd = HEL_SIMD_PORTABLE; simd <= HEL_SIMD_AVX512; simd++) {
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        hel_engine *engine;
        hel_ckks *c;
        hel_ckks_plain *p;
        config.simd = simd;
        if (hel_engine_create(&engine, &config) != HEL_OK)
            continue;
        cr_assert_eq(hel_ckks_create(engine, &c, &params), HEL_OK);
        cr_assert_eq(hel_ckks_plain_create(c, &p), HEL_OK);
        cr_assert_eq(hel_ckks_encode(c, p, re, im, 512, 1, 2, 0), HEL_OK);
        const size_t bytes = (size_t)params.limbs[2] * 1024 * 4;
        if (!first) {
            first = malloc(bytes);
            memcpy(first, p->data, bytes);
        }
        cr_assert_eq(memcmp(first, p->data, bytes), 0, "%s", hel_engine_simd_name(engine));
        hel_ckks_plain_free(p);
        hel_ckks_free(c);
        hel_engine_free(engine);
    }
    free(first);
}

/* What a plaintext gives back, when it grows and when it is freed, holds nothing of its message. */
Test(ckks_encode, plaintexts_are_wiped)
{
    enum { SLOTS = 512 };
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 2, 40, 0);
    ref_random r = ref_random_start(12);
    hel_ckks_plain *plain;
    double re[4 * SLOTS];
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    ref_ckks_fill(&r, re, NULL, 4 * SLOTS);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    for (int way = 0; way < 2; way++) {
        const uint32_t batch = way ? 4 : 1;
        const size_t words = batch * (size_t)params.limbs[2] * 1024;
        uint32_t *again, dirty = 0;
        ok(&f, hel_ckks_encode(f.ckks, plain, re, NULL, SLOTS, batch, 2, 0), "encode");
        const uint32_t *held = plain->data;
        if (way)
            hel_ckks_plain_free(plain);
        else
            ok(&f, hel_ckks_encode(f.ckks, plain, re, NULL, SLOTS, 4, 2, 0), "encode");
        ok(&f, hel_ckks_memory(f.ckks, &again, words), "memory");
        cr_assert_eq(again, held, "the test no longer gets the block that was given back");
        for (size_t i = 0; i < words; i++)
            dirty += again[i] != 0;
        cr_assert_eq(dirty, 0, "%u words remain", dirty);
        hel_ckks_memory_free(f.ckks->context, again, 0);
    }
    ref_ckks_end(&f);
}

/* Memory that a stream keeps for its next request holds nothing of a message. */
Test(ckks_encode, scratch_is_wiped)
{
    enum { SLOTS = 512 };
    ref_ckks f;
    hel_ckks_params params = ref_ckks_toy(10, 2, 40, 0);
    ref_random r = ref_random_start(11);
    hel_ckks_plain *plain;
    hel_ckks_cipher *x;
    double re[SLOTS], im[SLOTS];
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    ref_ckks_fill(&r, re, im, SLOTS);
    ok(&f, hel_ckks_plain_create(f.ckks, &plain), "plain");
    ok(&f, hel_ckks_cipher_create(f.ckks, &x), "cipher");
    for (uint32_t level = 0; level <= 2; level++) {
        ok(&f, hel_ckks_encode(f.ckks, plain, re, im, SLOTS, 1, level, 0), "encode");
        ok(&f, hel_ckks_encrypt(f.ckks, x, plain, f.public_key), "encrypt");
        ok(&f, hel_ckks_decrypt(f.ckks, plain, x, f.secret), "decrypt");
        ok(&f, hel_ckks_decode(f.ckks, plain, re, im), "decode");
        const size_t bytes[2] = {16 * SLOTS, (size_t)params.limbs[plain->level] * 1024 * 4};
        for (int kind = 0; kind < 2; kind++) {
            hel_stream *s = f.ckks->stream;
            uint8_t *block[2];
            uint32_t dirty = 0;
            for (int i = 0; i <= kind; i++) /* released last; decoding has two */
                ok(&f, s->ops->alloc(s, &block[i], bytes[kind]), "memory");
            for (size_t k = 0; k < bytes[kind]; k++)
                dirty += block[0][k] != 0 || block[kind][k] != 0;
            cr_expect_eq(dirty, 0, "level %u: %u bytes of %s remain", level, dirty,
                         kind ? "decoding" : "encoding");
            for (int i = kind; i >= 0; i--)
                s->ops->release(s, block[i]);
        }
    }
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(x);
    ref_ckks_end(&f);
}
