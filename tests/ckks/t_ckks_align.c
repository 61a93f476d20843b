/*
 * Levels and scales: what AUTO does by itself from every pair of levels and scales, where scales
 * end up, what MANUAL refuses, what no level holds, and circuits as deep as the parameters.
 */
#include "tests/ckks/eval_test.h"

enum kind { FRESH, PRODUCT, ALIGNED, ODD_SCALE, KINDS };

/* A ciphertext of x at `level` (>= 1 for products), with a scale of the kind; PRODUCT: x times a
 * vector of ones that was encoded at the default scale. */
static hel_ckks_cipher *of_kind(const ref_ckks *f, const vec *x, int kind, uint32_t level)
{
    hel_ckks_cipher *out;
    if (kind == ODD_SCALE) {
        const double scale = f->ckks->context->scale[level].hi * 1.37;
        hel_ckks_plain *p = encode_vec(f, x, level, scale);
        out = new_cipher(f);
        need(f, hel_ckks_encrypt(f->ckks, out, p, f->public_key));
        hel_ckks_plain_free(p);
        return out;
    }
    const uint32_t depth = f->ckks->context->params.depth;
    out = encrypt_vec(f, x, kind == ALIGNED ? depth : level);
    if (kind == ALIGNED) {
        need(f, hel_ckks_align(f->ckks, out, out, level));
    } else if (kind == PRODUCT) {
        vec one = vec_new(1, x->slots);
        for (uint32_t i = 0; i < x->slots; i++)
            one.v[i] = 1;
        hel_ckks_plain *p = encode_vec(f, &one, level, 0);
        need(f, hel_ckks_mul_plain(f->ckks, out, out, p));
        hel_ckks_plain_free(p);
        free(one.v);
    }
    return out;
}

/* The level a result of two such operands should have, and whether it may wait for a rescale. */
static uint32_t settled_level(int kind, uint32_t level)
{
    return kind == PRODUCT || kind == ODD_SCALE ? level - 1 : level;
}

typedef struct pairing {
    ref_ckks f;
    vec a, b, sum, difference, product;
} pairing;

static void check_pair(pairing *t, int ka, uint32_t la, int kb, uint32_t lb)
{
    hel_ckks *c = t->f.ckks;
    hel_ckks_cipher *x = of_kind(&t->f, &t->a, ka, la), *y = of_kind(&t->f, &t->b, kb, lb);
    hel_ckks_cipher *z = new_cipher(&t->f), *again = new_cipher(&t->f);
    const uint32_t sa = settled_level(ka, la), sb = settled_level(kb, lb), s = sa < sb ? sa : sb;
    char what[100];
    snprintf(what, sizeof what, "kinds %d and %d at levels %u and %u", ka, kb, la, lb);
    need(&t->f, hel_ckks_add(c, z, x, y));
    check_vec(&t->f, z, &t->sum, what);
    cr_assert_geq(hel_ckks_cipher_level(z), s, "%s: level %u", what, hel_ckks_cipher_level(z));
    need(&t->f, hel_ckks_copy(c, again, x));
    need(&t->f, hel_ckks_add(c, again, again, y));
    cr_assert(same_cipher(again, z), "%s", what);
    need(&t->f, hel_ckks_copy(c, again, y));
    need(&t->f, hel_ckks_add(c, again, x, again));
    cr_assert(same_cipher(again, z), "%s", what);
    need(&t->f, hel_ckks_sub(c, z, x, y));
    check_vec(&t->f, z, &t->difference, what);
    /* a result is never worse than the settled operands: it can be aligned to their level */
    need(&t->f, hel_ckks_align(c, z, z, s));
    check_vec(&t->f, z, &t->difference, what);
    cr_assert_eq(hel_ckks_cipher_level(z), s);
    if (s == 0) {
        refused(&t->f, hel_ckks_mul(c, z, x, y), HEL_E_USAGE, z, "level 0", "product");
    } else {
        need(&t->f, hel_ckks_mul(c, z, x, y));
        check_vec(&t->f, z, &t->product, what);
        cr_assert_eq(hel_ckks_cipher_level(z), s, "%s", what);
        need(&t->f, hel_ckks_copy(c, again, y));
        need(&t->f, hel_ckks_mul(c, again, x, again));
        cr_assert(same_cipher(again, z), "%s", what);
        need(&t->f, hel_ckks_rescale(c, z, z));
        check_vec(&t->f, z, &t->product, what);
        cr_assert_leq(hel_ckks_mismatch(z->scale, c->context->scale[s - 1]),
                      ldexp(1, 4 - (int)c->context->params.scale_bits), "%s: scale", what);
    }
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    hel_ckks_cipher_free(again);
}

static void all_pairs(uint32_t log_n, uint32_t scale_bits, uint32_t depth, uint32_t slots)
{
    ref_random r = ref_random_start(scale_bits);
    hel_ckks_params p = ref_ckks_toy(log_n, depth, scale_bits, 2);
    pairing t;
    ref_ckks_setup(&t.f, &p, HEL_SIMD_AUTO, 1);
    t.a = vec_random(&r, 2, slots, 0);
    t.b = vec_random(&r, 2, slots, 0);
    t.sum = vec_new(2, slots);
    t.difference = vec_new(2, slots);
    t.product = vec_new(2, slots);
    for (uint32_t i = 0; i < 2 * slots; i++) {
        t.sum.v[i] = t.a.v[i] + t.b.v[i];
        t.difference.v[i] = t.a.v[i] - t.b.v[i];
        t.product.v[i] = t.a.v[i] * t.b.v[i];
    }
    for (int ka = 0; ka < KINDS; ka++)
        for (int kb = 0; kb < KINDS; kb++)
            for (uint32_t la = 0; la <= depth; la++)
                for (uint32_t lb = 0; lb <= depth; lb++)
                    if ((la || settled_level(ka, 1)) && (lb || settled_level(kb, 1)))
                        check_pair(&t, ka, la, kb, lb);
    free(t.a.v);
    free(t.b.v);
    free(t.sum.v);
    free(t.difference.v);
    free(t.product.v);
    ref_ckks_end(&t.f);
}

Test(ckks_align, every_pair_scale_40, .timeout = 120)
{
    all_pairs(10, 40, 4, 512);
}

Test(ckks_align, every_pair_scale_25, .timeout = 120)
{
    all_pairs(10, 25, 4, 8);
}

Test(ckks_align, every_pair_scale_55, .timeout = 120)
{
    all_pairs(10, 55, 3, 512);
}

/* Levels with multipliers; levels whose scales are 2^2 and 2^10 apart by turns */
Test(ckks_align, every_pair_of_uneven_levels, .timeout = 120)
{
    all_pairs(10, 34, 4, 512);
    all_pairs(10, 31, 4, 512);
    all_pairs(13, 40, 3, 64);
}

/* x + x y: the sum waits for its rescale too, and no level is lost over it. */
Test(ckks_align, a_sum_with_a_product_stays_a_product)
{
    ref_random r = ref_random_start(2);
    hel_ckks_params p = ref_ckks_toy(10, 4, 40, 2);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    vec a = vec_random(&r, 1, 512, 0), want = vec_new(1, 512);
    hel_ckks_cipher *x = encrypt_vec(&f, &a, HEL_CKKS_TOP), *y = new_cipher(&f);
    for (uint32_t i = 0; i < 512; i++)
        want.v[i] = a.v[i] + a.v[i] * a.v[i];
    need(&f, hel_ckks_square(f.ckks, y, x));
    const double scale = hel_ckks_cipher_scale(y);
    need(&f, hel_ckks_add(f.ckks, y, x, y));
    cr_assert_eq(hel_ckks_cipher_level(y), 4);
    cr_assert_eq(hel_ckks_cipher_scale(y), scale);
    check_vec(&f, y, &want, "sum");
    free(a.v);
    free(want.v);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    ref_ckks_end(&f);
}

/* ---- plaintexts ---- */

Test(ckks_align, plaintexts_and_levels)
{
    ref_random r = ref_random_start(3);
    hel_ckks_params params = ref_ckks_toy(10, 3, 40, 2);
    ref_ckks f;
    ref_ckks_setup(&f, &params, HEL_SIMD_AUTO, 1);
    hel_ckks *c = f.ckks;
    vec a = vec_random(&r, 2, 512, 0), b = vec_random(&r, 1, 512, 0), want = vec_new(2, 512);
    hel_ckks_cipher *x = encrypt_vec(&f, &a, 2), *y = new_cipher(&f), *z = new_cipher(&f);
    hel_ckks_plain *p[4];
    for (uint32_t l = 0; l <= 3; l++)
        p[l] = encode_vec(&f, &b, l, 0);
    hel_ckks_plain *p3 = encode_vec(&f, &b, 3, c->context->scale[2].hi);
    /* products with plaintexts of this level and above, whatever their scale */
    for (uint32_t i = 0; i < 1024; i++)
        want.v[i] = a.v[i] * b.v[i % 512];
    need(&f, hel_ckks_mul_plain(c, y, x, p[2]));
    check_vec(&f, y, &want, "own level");
    need(&f, hel_ckks_mul_plain(c, y, x, p[3]));
    check_vec(&f, y, &want, "from above");
    refused(&f, hel_ckks_mul_plain(c, z, x, p[1]), HEL_E_MISMATCH, z, "level 1", "level 2");
    /* sums with a product: a plaintext of its level, or of the one below; then again */
    for (uint32_t i = 0; i < 1024; i++)
        want.v[i] += b.v[i % 512];
    need(&f, hel_ckks_mul_plain(c, y, x, p[2]));
    need(&f, hel_ckks_add_plain(c, z, y, p[2]));
    cr_assert_eq(hel_ckks_cipher_level(z), 2);
    check_vec(&f, z, &want, "scaled up");
    need(&f, hel_ckks_add_plain(c, z, y, p[1]));
    cr_assert_eq(hel_ckks_cipher_level(z), 1);
    check_vec(&f, z, &want, "rescaled");
    for (uint32_t i = 0; i < 1024; i++)
        want.v[i] -= 2 * b.v[i % 512];
    need(&f, hel_ckks_sub_plain(c, z, z, p[1]));
    need(&f, hel_ckks_sub_plain(c, z, z, p[1]));
    check_vec(&f, z, &want, "twice less");
    refused(&f, hel_ckks_add_plain(c, z, y, p[0]), HEL_E_MISMATCH, z, "level 0", "level");
    /* sums with canonical ciphertexts */
    for (uint32_t i = 0; i < 1024; i++)
        want.v[i] = a.v[i] + b.v[i % 512];
    need(&f, hel_ckks_add_plain(c, z, x, p[2]));
    check_vec(&f, z, &want, "own level");
    need(&f, hel_ckks_add_plain(c, z, x, p3));
    check_vec(&f, z, &want, "own scale, from above");
    hel_ckks_set_alignment(c, HEL_CKKS_MANUAL);
    refused(&f, hel_ckks_add_plain(c, z, y, p[2]), HEL_E_MISMATCH, z, "scale 2^40", "2^80");
    refused(&f, hel_ckks_add_plain(c, z, x, p[1]), HEL_E_MISMATCH, z, "level 1", "level 2");
    for (uint32_t l = 0; l <= 3; l++)
        hel_ckks_plain_free(p[l]);
    hel_ckks_plain_free(p3);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    free(a.v);
    free(b.v);
    free(want.v);
    ref_ckks_end(&f);
}

/* ---- refusals ---- */

Test(ckks_align, manual_does_what_is_called)
{
    ref_random r = ref_random_start(4);
    hel_ckks_params p = ref_ckks_toy(10, 3, 40, 2);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks *c = f.ckks;
    vec a = vec_random(&r, 2, 512, 0), b = vec_random(&r, 3, 512, 0), d = vec_random(&r, 2, 2, 0);
    vec want = vec_new(2, 512);
    hel_ckks_set_alignment(c, HEL_CKKS_MANUAL);
    hel_ckks_cipher *x = encrypt_vec(&f, &a, 3), *y = encrypt_vec(&f, &a, 2);
    hel_ckks_cipher *three = encrypt_vec(&f, &b, 3), *few = encrypt_vec(&f, &d, 3);
    hel_ckks_cipher *z = new_cipher(&f), *w = new_cipher(&f);
    refused(&f, hel_ckks_add(c, z, x, y), HEL_E_MISMATCH, z, "levels 3 and 2", "manual");
    refused(&f, hel_ckks_mul(c, z, y, x), HEL_E_MISMATCH, z, "levels 2 and 3", "manual");
    refused(&f, hel_ckks_sub(c, z, x, three), HEL_E_MISMATCH, z, "batches", "2 and 3");
    refused(&f, hel_ckks_mul(c, z, x, three), HEL_E_MISMATCH, z, "batches", "2 and 3");
    refused(&f, hel_ckks_add(c, z, x, few), HEL_E_MISMATCH, z, "512", "2 slots");
    need(&f, hel_ckks_mul(c, z, x, x));
    refused(&f, hel_ckks_add(c, w, z, x), HEL_E_MISMATCH, w, "2^80", "2^40");
    /* a rescaled product and an aligned ciphertext meet */
    need(&f, hel_ckks_rescale(c, z, z));
    need(&f, hel_ckks_align(c, x, x, 2));
    need(&f, hel_ckks_add(c, z, z, x));
    for (uint32_t i = 0; i < 1024; i++)
        want.v[i] = a.v[i] * a.v[i] + a.v[i];
    check_vec(&f, z, &want, "sum");
    /* products are not rescaled before they are used; the third power of the scale fits here */
    need(&f, hel_ckks_mul(c, w, y, y));
    need(&f, hel_ckks_mul(c, w, w, y));
    for (uint32_t i = 0; i < 1024; i++)
        want.v[i] = a.v[i] * a.v[i] * a.v[i];
    check_vec(&f, w, &want, "third power");
    refused(&f, hel_ckks_mul(c, w, w, y), HEL_E_USAGE, w, "level 2 holds", "2^");
    refused(&f, hel_ckks_mul(c, z, w, y), HEL_E_USAGE, z, "no message", "");
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    hel_ckks_cipher_free(w);
    hel_ckks_cipher_free(three);
    hel_ckks_cipher_free(few);
    free(a.v);
    free(b.v);
    free(d.v);
    free(want.v);
    ref_ckks_end(&f);
}

Test(ckks_align, what_does_not_fit)
{
    ref_random r = ref_random_start(5);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks *c = f.ckks;
    vec a = vec_random(&r, 1, 512, 0);
    hel_ckks_cipher *x = encrypt_vec(&f, &a, 1), *y = new_cipher(&f);
    const double most = exp2(c->context->log_q[p.limbs[0]] - 41), huge = ldexp(1, 200);
    hel_ckks_cipher_set_bound(x, 0.99 * most);
    need(&f, hel_ckks_drop(c, y, x, 0));
    hel_ckks_cipher_set_bound(x, 1.01 * most);
    refused(&f, hel_ckks_drop(c, y, x, 0), HEL_E_USAGE, y, "level 0 holds", "set_bound");
    refused(&f, hel_ckks_align(c, y, x, 0), HEL_E_USAGE, y, "level 0 holds", "set_bound");
    hel_ckks_cipher_set_bound(x, 1);
    refused(&f, hel_ckks_mul_const(c, y, x, huge, 0), HEL_E_USAGE, y, "constant", "level 1 holds");
    refused(&f, hel_ckks_add_const(c, y, x, 0, huge), HEL_E_USAGE, y, "constant", "level 1 holds");
    refused(&f, hel_ckks_mul_const(c, y, x, NAN, 0), HEL_E_USAGE, y, "finite", "constant");
    refused(&f, hel_ckks_add_const(c, y, x, 0, INFINITY), HEL_E_USAGE, y, "finite", "constant");
    refused(&f, hel_ckks_align(c, y, x, 2), HEL_E_USAGE, y, "level 2", "level 1");
    refused(&f, hel_ckks_drop(c, y, x, HEL_CKKS_TOP), HEL_E_USAGE, y, "level 2", "level 1");
    refused(&f, hel_ckks_mul(c, y, x, y), HEL_E_USAGE, y, "no message", "product");
    /* a scale that no level is left to correct */
    hel_ckks_cipher_free(x);
    hel_ckks_plain *plain = encode_vec(&f, &a, 0, c->context->scale[0].hi * 1.5);
    x = new_cipher(&f);
    need(&f, hel_ckks_encrypt(c, x, plain, f.public_key));
    refused(&f, hel_ckks_align(c, y, x, 0), HEL_E_USAGE, y, "level 0", "more levels");
    refused(&f, hel_ckks_mul_const(c, y, x, 0.5, 0), HEL_E_USAGE, y, "level 0", "scale 2^40.");
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    free(a.v);
    ref_ckks_end(&f);
}

/* ---- depth ---- */

/* x^(2^depth) of numbers of modulus 1: their size stays while errors double with every square. */
static void squares(uint32_t scale_bits, uint32_t depth, uint32_t from)
{
    ref_random r = ref_random_start(depth);
    hel_ckks_params p = ref_ckks_toy(10, depth, scale_bits, 3);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks *c = f.ckks;
    vec a = vec_random(&r, 2, 512, 0);
    for (uint32_t i = 0; i < 1024; i++) {
        double angle = 6.283185307179586 * ref_random_double(&r);
        a.v[i] = (number)cos(angle) + (number)sin(angle) * I;
    }
    hel_ckks_cipher *x = encrypt_vec(&f, &a, depth), *y = new_cipher(&f);
    if (from < depth) /* a start whose scale is not exactly the default */
        need(&f, hel_ckks_align(c, x, x, from));
    for (uint32_t i = 0; i < from; i++) {
        need(&f, hel_ckks_square(c, x, x));
        for (uint32_t j = 0; j < 1024; j++)
            a.v[j] *= a.v[j];
        cr_assert_eq(hel_ckks_cipher_level(x), from - i);
        check_vec(&f, x, &a, "square");
    }
    cr_assert_lt(hel_ckks_cipher_error(x), 0.1, "the estimate says that nothing is left");
    need(&f, hel_ckks_rescale(c, y, x));
    cr_assert_eq(hel_ckks_cipher_level(y), 0);
    check_vec(&f, y, &a, "level 0");
    refused(&f, hel_ckks_square(c, y, x), HEL_E_USAGE, y, "level 0", "depth");
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    free(a.v);
    ref_ckks_end(&f);
}

Test(ckks_align, squares_to_the_last_level)
{
    squares(40, 8, 8);
    squares(40, 9, 8);
    squares(50, 20, 20);
    squares(50, 21, 20);
    squares(30, 1, 1);
    squares(34, 6, 6);
    squares(34, 7, 6);
    squares(31, 4, 3);
}

/* A long sum of products of operands from all levels keeps its scale. */
Test(ckks_align, products_of_mixed_levels)
{
    ref_random r = ref_random_start(6);
    hel_ckks_params p = ref_ckks_toy(10, 6, 40, 3);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks *c = f.ckks;
    hel_ckks_cipher *acc = new_cipher(&f);
    vec sum = vec_new(1, 512);
    for (int round = 0; round < 40; round++) {
        vec a = vec_random(&r, 1, 512, 0);
        uint32_t level = 1 + ref_random_below(&r, 6);
        hel_ckks_cipher *y = encrypt_vec(&f, &a, level);
        if (round % 4 == 1) {
            need(&f, hel_ckks_square(c, y, y));
            for (uint32_t i = 0; i < 512; i++)
                a.v[i] *= a.v[i];
        }
        const uint32_t left = hel_ckks_cipher_level(acc);
        if (round == 0 || left == 0) {
            need(&f, hel_ckks_copy(c, acc, y));
            memcpy(sum.v, a.v, 512 * sizeof *a.v);
        } else if (round % 3 == 0 && left > 1) {
            need(&f, hel_ckks_mul(c, acc, acc, y));
            for (uint32_t i = 0; i < 512; i++)
                sum.v[i] *= a.v[i];
        } else {
            need(&f, hel_ckks_add(c, acc, acc, y));
            for (uint32_t i = 0; i < 512; i++)
                sum.v[i] += a.v[i];
        }
        check_vec(&f, acc, &sum, "running");
        hel_ckks_cipher_free(y);
        free(a.v);
    }
    hel_ckks_cipher_free(acc);
    free(sum.v);
    ref_ckks_end(&f);
}
