/*
 * Rotations, conjugation and sums of slots: every step and length of small vectors, steps that
 * share a decomposition against single ones bit for bit, and keys that are not there.
 */
#include "host/base/mem.h"
#include "tests/ckks/eval_test.h"

/* Slot j of item i is x's slot j + step. */
static vec rotated(const vec *x, int32_t step)
{
    vec y = vec_new(x->batch, x->slots);
    for (uint32_t i = 0; i < x->batch; i++)
        for (uint32_t j = 0; j < x->slots; j++)
            y.v[i * x->slots + j] = vec_at(x, i, j + (uint32_t)step % x->slots);
    return y;
}

static void check_rotated(const ref_ckks *f, const hel_ckks_cipher *y, const vec *x, int32_t step)
{
    char what[40];
    vec want = rotated(x, step);
    snprintf(what, sizeof what, "rotation by %d", step);
    check_vec(f, y, &want, what);
    free(want.v);
}

/* Keys for every step of `slots` slots and the negative ones. */
static void use_all_steps(ref_ckks *f, uint32_t slots, uint32_t level)
{
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    int32_t *steps = malloc(2 * slots * sizeof *steps);
    for (uint32_t i = 0; i < 2 * slots; i++)
        steps[i] = (int32_t)i - (int32_t)slots;
    request.rotations = steps;
    request.rotation_count = 2 * slots;
    request.level = level;
    hel_ckks_keys_free(f->keys);
    need(f, hel_ckks_keys_create(f->ckks, &f->keys, f->secret, &request));
    need(f, hel_ckks_use_keys(f->ckks, f->keys));
    free(steps);
}

/* Steps over several turns in both directions, alone and together */
static void check_steps(ref_ckks *f, ref_random *r, uint32_t slots, uint32_t batch, uint32_t level)
{
    enum { MOST = 40 };
    hel_ckks_cipher *one = new_cipher(f), *many[MOST];
    int32_t steps[MOST];
    vec x = vec_random(r, batch, slots, 0);
    hel_ckks_cipher *a = encrypt_vec(f, &x, level), *kept = new_cipher(f);
    for (uint32_t i = 0; i < MOST; i++) {
        steps[i] = (int32_t)i - MOST / 2;
        many[i] = new_cipher(f);
    }
    need(f, hel_ckks_copy(f->ckks, kept, a));
    many[7]->valid = 0;
    need(f, hel_ckks_rotate_many(f->ckks, many, a, steps, MOST));
    cr_assert(same_cipher(a, kept));
    for (uint32_t i = 0; i < MOST; i++) {
        need(f, hel_ckks_rotate(f->ckks, one, a, steps[i]));
        check_rotated(f, one, &x, steps[i]);
        cr_assert(same_cipher(one, many[i]), "step %d together with others", steps[i]);
        need(f, hel_ckks_copy(f->ckks, kept, a));
        need(f, hel_ckks_rotate(f->ckks, kept, kept, steps[i]));
        cr_assert(same_cipher(one, kept), "step %d in place", steps[i]);
        hel_ckks_cipher_free(many[i]);
    }
    hel_ckks_cipher_free(one);
    hel_ckks_cipher_free(kept);
    hel_ckks_cipher_free(a);
    free(x.v);
}

Test(ckks_rotate, every_step_of_small_vectors)
{
    static const uint32_t dnum[] = {1, 3, 64};
    ref_random r = ref_random_start(1);
    for (uint32_t d = 0; d < 3; d++) {
        hel_ckks_params p = ref_ckks_toy(10, 3, 40, dnum[d]);
        ref_ckks f;
        ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 2);
        use_all_steps(&f, 32, 0);
        for (uint32_t level = 0; level <= 3; level++)
            for (uint32_t slots = 1; slots <= 32; slots *= 4)
                check_steps(&f, &r, slots, level % 2 ? 1 : 3, level);
        check_steps(&f, &r, 4, 0, 3);
        ref_ckks_end(&f);
    }
}

/* Steps mean slots of the vector, whatever its length; full vectors and the ends of int32_t. */
Test(ckks_rotate, steps_of_full_vectors)
{
    static const int32_t steps[] = {1, -1, 511, 512, 256, -512, INT32_MAX, INT32_MIN, -77};
    const size_t count = sizeof steps / sizeof *steps;
    ref_random r = ref_random_start(2);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    request.rotations = steps;
    request.rotation_count = count;
    hel_ckks_keys_free(f.keys);
    need(&f, hel_ckks_keys_create(f.ckks, &f.keys, f.secret, &request));
    need(&f, hel_ckks_use_keys(f.ckks, f.keys));
    for (uint32_t slots = 512; slots; slots = slots == 512 ? 16 : 0) {
        vec x = vec_random(&r, 2, slots, 0);
        hel_ckks_cipher *a = encrypt_vec(&f, &x, HEL_CKKS_TOP), *y = new_cipher(&f);
        for (size_t i = 0; i < count; i++) {
            need(&f, hel_ckks_rotate(f.ckks, y, a, steps[i]));
            check_rotated(&f, y, &x, steps[i]);
        }
        hel_ckks_cipher_free(a);
        hel_ckks_cipher_free(y);
        free(x.v);
    }
    ref_ckks_end(&f);
}

/* The input among the outputs, outputs named twice, no rotation at all. */
Test(ckks_rotate, many_over_the_input)
{
    static const int32_t steps[] = {4, 0, -1, 3, 2, 16};
    ref_random r = ref_random_start(3);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    vec x = vec_random(&r, 2, 16, 0);
    hel_ckks_cipher *a = encrypt_vec(&f, &x, HEL_CKKS_TOP), *y = new_cipher(&f),
                    *z = new_cipher(&f);
    hel_ckks_cipher *w = new_cipher(&f), *again = new_cipher(&f);
    hel_ckks_cipher *outs[] = {y, z, a, w, w, again};
    need(&f, hel_ckks_rotate_many(f.ckks, outs, a, steps, 0));
    need(&f, hel_ckks_rotate_many(f.ckks, outs, a, steps, 6));
    check_rotated(&f, y, &x, 4);
    check_rotated(&f, z, &x, 0);
    check_rotated(&f, a, &x, -1);
    check_rotated(&f, w, &x, 2);
    check_rotated(&f, again, &x, 0);
    cr_assert_lt(z->error, y->error, "a copy has no new error");
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    hel_ckks_cipher_free(w);
    hel_ckks_cipher_free(again);
    hel_ckks_cipher_free(a);
    free(x.v);
    ref_ckks_end(&f);
}

/* Digits beyond the scratch limit are made for a few items at a time. */
Test(ckks_rotate, a_batch_in_parts, .timeout = 120)
{
    static const int32_t steps[] = {3, 8};
    ref_random r = ref_random_start(4);
    hel_ckks_params p = ref_ckks_toy(12, 16, 40, 64);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    vec x = vec_random(&r, 8, 2048, 1);
    hel_ckks_cipher *a = encrypt_vec(&f, &x, HEL_CKKS_TOP), *y = new_cipher(&f),
                    *z = new_cipher(&f);
    hel_ckks_cipher *one = new_cipher(&f), *outs[] = {y, z};
    need(&f, hel_ckks_rotate_many(f.ckks, outs, a, steps, 2));
    for (int i = 0; i < 2; i++) {
        need(&f, hel_ckks_rotate(f.ckks, one, a, steps[i]));
        cr_assert(same_cipher(one, outs[i]));
    }
    check_rotated(&f, z, &x, 8);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    hel_ckks_cipher_free(one);
    hel_ckks_cipher_free(a);
    free(x.v);
    ref_ckks_end(&f);
}

/* Dropped in place, a ciphertext keeps the room of its old level between its polynomials. */
Test(ckks_rotate, in_place_with_room_to_spare)
{
    ref_random r = ref_random_start(8);
    hel_ckks_params p = ref_ckks_toy(10, 3, 40, 2);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    vec x = vec_random(&r, 3, 512, 0);
    hel_ckks_cipher *wide = encrypt_vec(&f, &x, HEL_CKKS_TOP), *y = new_cipher(&f);
    for (uint32_t level = 3; level-- > 0;) {
        need(&f, hel_ckks_drop(f.ckks, wide, wide, level));
        need(&f, hel_ckks_copy(f.ckks, y, wide));
        cr_assert(same_cipher(y, wide));
        need(&f, hel_ckks_rotate(f.ckks, y, y, 8));
        need(&f, hel_ckks_rotate(f.ckks, wide, wide, 8));
        cr_assert(same_cipher(y, wide), "level %u", level);
        need(&f, hel_ckks_sum(f.ckks, y, y, 3));
        need(&f, hel_ckks_sum(f.ckks, wide, wide, 3));
        cr_assert(same_cipher(y, wide), "level %u", level);
        cr_assert_geq(wide->words, 3u * wide->polys * wide->capacity * 1024);
    }
    hel_ckks_cipher_free(wide);
    hel_ckks_cipher_free(y);
    free(x.v);
    ref_ckks_end(&f);
}

static void check_sum(const ref_ckks *f, const hel_ckks_cipher *a, const vec *x, uint32_t length)
{
    hel_ckks_cipher *y = new_cipher(f), *z = new_cipher(f);
    vec want = vec_new(x->batch, x->slots);
    char what[40];
    for (uint32_t i = 0; i < x->batch; i++)
        for (uint32_t j = 0; j < x->slots; j++)
            for (uint32_t k = 0; k < length; k++)
                want.v[i * x->slots + j] += vec_at(x, i, j + k);
    snprintf(what, sizeof what, "sum of %u of %u slots", length, x->slots);
    need(f, hel_ckks_sum(f->ckks, y, a, length));
    check_vec(f, y, &want, what);
    need(f, hel_ckks_copy(f->ckks, z, a));
    need(f, hel_ckks_sum(f->ckks, z, z, length));
    cr_assert(same_cipher(y, z), "%s in place", what);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    free(want.v);
}

Test(ckks_rotate, sums_of_every_length)
{
    ref_random r = ref_random_start(5);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    for (uint32_t slots = 1; slots <= 512; slots *= 2) {
        vec x = vec_random(&r, slots % 3, slots, 0);
        hel_ckks_cipher *a = encrypt_vec(&f, &x, slots == 8 ? 0 : 2), *y = new_cipher(&f);
        for (uint32_t length = 1; length <= slots; length += slots <= 16 ? 1 : 37)
            check_sum(&f, a, &x, length);
        check_sum(&f, a, &x, slots);
        refused(&f, hel_ckks_sum(f.ckks, y, a, 0), HEL_E_USAGE, y, "length 0", "1 to");
        refused(&f, hel_ckks_sum(f.ckks, y, a, slots + 1), HEL_E_USAGE, y, "length", "1 to");
        hel_ckks_cipher_free(a);
        hel_ckks_cipher_free(y);
        free(x.v);
    }
    ref_ckks_end(&f);
}

/* After a sum of all slots every slot has the same error: further sums multiply it by their length,
 * and estimates must say so, through copies, products and files as well. */
Test(ckks_rotate, sums_of_sums)
{
    ref_random r = ref_random_start(8);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    const double quarter[16] = {[0] = 1, [1] = 1, [2] = 1, [3] = 1};
    ref_ckks f;
    hel_buf b = {0};
    hel_ckks_matrix *m;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    vec x = vec_random(&r, 16, 512, 0), want = vec_new(16, 512), four = vec_random(&r, 1, 4, 0);
    for (uint32_t i = 0; i < 16; i++) {
        number sum = 0;
        for (uint32_t j = 0; j < 512; j++)
            sum += vec_at(&x, i, j);
        for (uint32_t j = 0; j < 512; j++)
            want.v[i * 512 + j] = 512 * sum;
    }
    hel_ckks_cipher *a = encrypt_vec(&f, &x, 2), *y = new_cipher(&f), *z = new_cipher(&f);
    cr_assert(!a->mixed);
    need(&f, hel_ckks_sum(f.ckks, y, a, 512));
    need(&f, hel_ckks_cipher_encode(f.ckks, y, &b));
    need(&f, hel_ckks_cipher_decode(f.ckks, b.data, b.bytes, z));
    cr_assert(z->mixed);
    need(&f, hel_ckks_add(f.ckks, y, a, z)); /* and back: either operand passes it on */
    cr_assert(y->mixed);
    need(&f, hel_ckks_mul(f.ckks, y, a, z));
    cr_assert(y->mixed);
    need(&f, hel_ckks_sum(f.ckks, z, z, 512));
    const double apart = check_vec(&f, z, &want, "sum of sums");
    cr_log_info("sum of sums: %.2f of the estimate", apart);
    cr_assert_leq(apart, 2); /* 16 independent errors: the factor sqrt(512) would show */

    /* a row sum of 4 where the row's norm is 2 */
    need(&f, hel_ckks_matrix_create(f.ckks, &m, quarter, NULL, 4, 1));
    hel_ckks_cipher *v = encrypt_vec(&f, &four, 2);
    need(&f, hel_ckks_sum(f.ckks, v, v, 4));
    need(&f, hel_ckks_matrix_mul(f.ckks, y, m, v));
    cr_assert_geq(hel_ckks_cipher_error(y), 4 * hel_ckks_cipher_error(v));
    hel_ckks_matrix_free(m);
    hel_buf_free(&b);
    hel_ckks_cipher_free(a);
    hel_ckks_cipher_free(v);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    free(x.v);
    free(want.v);
    free(four.v);
    ref_ckks_end(&f);
}

/* ---- keys that are not there ---- */

Test(ckks_rotate, missing_keys_are_named)
{
    ref_random r = ref_random_start(6);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    const int32_t steps[] = {3, 5}, two[] = {3, 3};
    ref_ckks f;
    hel_ckks_keys *few, *low;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    request.relinearize = 0;
    request.rotations = two;
    request.rotation_count = 2;
    need(&f, hel_ckks_keys_create(f.ckks, &few, f.secret, &request));
    request.level = 1;
    need(&f, hel_ckks_keys_create(f.ckks, &low, f.secret, &request));
    need(&f, hel_ckks_use_keys(f.ckks, few));
    vec x = vec_random(&r, 1, 512, 0);
    hel_ckks_cipher *a = encrypt_vec(&f, &x, HEL_CKKS_TOP), *y = new_cipher(&f),
                    *z = new_cipher(&f);
    hel_ckks_cipher *outs[] = {z, y};
    need(&f, hel_ckks_rotate(f.ckks, y, a, 3));
    check_rotated(&f, y, &x, 3);
    refused(&f, hel_ckks_mul(f.ckks, y, a, a), HEL_E_USAGE, y, "relinearize", "key");
    refused(&f, hel_ckks_rotate(f.ckks, y, a, 5), HEL_E_USAGE, y, "5", "rotations");
    refused(&f, hel_ckks_rotate(f.ckks, y, a, -2), HEL_E_USAGE, y, "2", "rotations");
    refused(&f, hel_ckks_conjugate(f.ckks, y, a), HEL_E_USAGE, y, "conjugate", "key");
    refused(&f, hel_ckks_sum(f.ckks, y, a, 2), HEL_E_USAGE, y, "1", "key");
    need(&f, hel_ckks_copy(f.ckks, z, a));
    refused(&f, hel_ckks_rotate_many(f.ckks, outs, a, steps, 2), HEL_E_USAGE, y, "5", "rotations");
    cr_assert_eq(hel_ckks_cipher_size(z), 0, "no output of a failed call holds a message");
    need(&f, hel_ckks_mul_lazy(f.ckks, y, a, a));
    refused(&f, hel_ckks_rotate(f.ckks, z, y, 3), HEL_E_USAGE, z, "three polynomials",
            "relinearize");
    refused(&f, hel_ckks_mul(f.ckks, z, y, a), HEL_E_USAGE, z, "three polynomials", "relinearize");
    /* keys for low levels serve those */
    need(&f, hel_ckks_use_keys(f.ckks, low));
    refused(&f, hel_ckks_rotate(f.ckks, y, a, 3), HEL_E_USAGE, y, "level 2", "levels up to 1");
    for (uint32_t level = 2; level-- > 0;) {
        need(&f, hel_ckks_drop(f.ckks, a, a, level));
        need(&f, hel_ckks_rotate(f.ckks, y, a, 3));
        check_rotated(&f, y, &x, 3);
    }
    need(&f, hel_ckks_use_keys(f.ckks, NULL));
    refused(&f, hel_ckks_rotate(f.ckks, y, a, 3), HEL_E_USAGE, y, "key", "hel_ckks_use_keys");
    hel_ckks_keys_free(few);
    hel_ckks_keys_free(low);
    hel_ckks_cipher_free(a);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    free(x.v);
    ref_ckks_end(&f);
}

/* Ciphertexts and evaluation keys of two secrets do not go together. */
Test(ckks_rotate, keys_of_another_secret)
{
    ref_random r = ref_random_start(7);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    ref_ckks f;
    hel_ckks_secret *other;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    need(&f, hel_ckks_secret_create(f.ckks, &other));
    vec x = vec_random(&r, 1, 8, 0);
    hel_ckks_plain *plain = encode_vec(&f, &x, HEL_CKKS_TOP, 0);
    hel_ckks_cipher *a = encrypt_vec(&f, &x, HEL_CKKS_TOP), *b = new_cipher(&f),
                    *y = new_cipher(&f);
    need(&f, hel_ckks_encrypt_symmetric(f.ckks, b, plain, other));
    refused(&f, hel_ckks_add(f.ckks, y, a, b), HEL_E_MISMATCH, y, "different secret keys", "sum");
    refused(&f, hel_ckks_mul(f.ckks, y, b, b), HEL_E_MISMATCH, y, "another secret key", "relin");
    refused(&f, hel_ckks_rotate(f.ckks, y, b, 1), HEL_E_MISMATCH, y, "another secret key", "rot");
    hel_ckks_secret_free(other);
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(a);
    hel_ckks_cipher_free(b);
    hel_ckks_cipher_free(y);
    free(x.v);
    ref_ckks_end(&f);
}
