/* CKKS files: every kind and shape comes back as it was, in any context of the same parameters. */
#include "tests/store/ckks_store_test.h"

#define LEVELS 3
#define HEAD   72u /* bytes of a ciphertext's head, FORMAT.md */

static test_dir dir;
static ref_ckks f;

static void setup(void)
{
    hel_ckks_params p = ref_ckks_toy(10, LEVELS, 40, 2);
    test_dir_make(&dir);
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 2);
}

static void teardown(void)
{
    ref_ckks_end(&f);
    test_dir_remove(&dir);
    cr_assert_eq(hel_mem_in_use(), 0, "%llu bytes are lost", (unsigned long long)hel_mem_in_use());
}

TestSuite(ckks_files, .init = setup, .fini = teardown);

static mode_t mode_of(const char *path)
{
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    return info.st_mode & 0777;
}

/* ---- what is the same ---- */

static double *decoded(const ref_ckks *g, const hel_ckks_plain *p, size_t *count)
{
    *count = 2 * (size_t)hel_ckks_plain_slots(p) * hel_ckks_plain_batch(p);
    double *v = malloc((*count + 1) * sizeof *v);
    OK(g, hel_ckks_decode(g->ckks, p, v, v + *count / 2));
    return v;
}

static double *decrypted(const ref_ckks *g, const hel_ckks_cipher *x, size_t *count)
{
    hel_ckks_plain *p = new_plain(g);
    OK(g, hel_ckks_decrypt(g->ckks, p, x, g->secret));
    double *v = decoded(g, p, count);
    hel_ckks_plain_free(p);
    return v;
}

/* Bit for bit; each is read in its own context. */
static void same_message(const ref_ckks *g, const hel_ckks_cipher *a, const ref_ckks *h,
                         const hel_ckks_cipher *b)
{
    size_t x, y;
    double *u = decrypted(g, a, &x), *v = decrypted(h, b, &y);
    cr_assert_eq(x, y);
    cr_assert_arr_eq(u, v, x * sizeof *u);
    free(u);
    free(v);
}

static void same_cipher(const hel_ckks_cipher *a, const hel_ckks_cipher *b)
{
    const uint32_t n = a->context->n, limbs = a->context->params.limbs[a->level];
    cr_assert(a->valid && b->valid);
    cr_assert(a->batch == b->batch && a->level == b->level && a->log_slots == b->log_slots &&
              a->polys == b->polys && a->seeded == b->seeded && a->mixed == b->mixed);
    cr_assert(a->scale.hi == b->scale.hi && a->scale.lo == b->scale.lo && a->error == b->error &&
              a->bound == b->bound);
    cr_assert_arr_eq(a->key_id, b->key_id, sizeof a->key_id);
    if (a->seeded)
        cr_assert_arr_eq(a->seed, b->seed, sizeof a->seed);
    for (uint32_t i = 0; i < a->batch * a->polys; i++)
        cr_assert_arr_eq(a->data + (size_t)i * a->capacity * n,
                         b->data + (size_t)i * b->capacity * n, 4 * (size_t)limbs * n);
}

static void same_keys(const hel_ckks_keys *a, const hel_ckks_keys *b)
{
    const hel_ckks_context *t = a->context;
    const size_t words = 2 * (size_t)a->digits * (a->limbs + t->params.special_limbs) * t->n;
    cr_assert(a->level == b->level && a->limbs == b->limbs && a->digits == b->digits &&
              a->count == b->count);
    cr_assert_arr_eq(a->key_id, b->key_id, sizeof a->key_id);
    cr_assert_arr_eq(a->seed, b->seed, sizeof a->seed);
    for (uint32_t i = 0; i < a->count; i++) {
        cr_assert_eq(a->key[i].element, b->key[i].element);
        cr_assert_arr_eq(a->key[i].data, b->key[i].data, 4 * words);
    }
}

/* ---- parameters ---- */

Test(ckks_files, parameters)
{
    const char *path = test_dir_path(&dir, "p.hel");
    for (size_t i = 0;; i++) {
        const char *about, *name = hel_ckks_params_name(i, &about);
        hel_ckks_params p = *hel_ckks_get_params(f.ckks), back;
        hel_ckks_info info;
        if (name)
            OK(&f, hel_ckks_params_named(f.engine, name, &p));
        OK(&f, hel_ckks_params_save(f.engine, path, &p));
        OK(&f, hel_ckks_params_load(f.engine, path, &back));
        cr_assert(memcmp(&p, &back, sizeof p) == 0, "set %zu", i);
        OK(&f, hel_ckks_params_check(f.engine, &back, &info));
        if (!name)
            break;
    }
    cr_assert_eq(mode_of(path) & 0600, 0600);
    cr_assert(!test_exists(test_dir_path(&dir, "p.hel.part")));
}

Test(ckks_files, parameters_of_every_kind)
{
    static const char *const names[] = {"s", "u", "k", "p", "c"};
    const char *path[5];
    ref_random r = ref_random_start(1);
    hel_ckks_cipher *x = random_cipher(&f, &r, 4, 1, HEL_CKKS_TOP, PUBLIC);
    hel_ckks_plain *p = random_plain(&f, &r, 4, 1, 0);
    for (int i = 0; i < 5; i++)
        path[i] = test_dir_path(&dir, names[i]);
    OK(&f, hel_ckks_secret_save(f.ckks, path[0], f.secret, NULL));
    OK(&f, hel_ckks_public_save(f.ckks, path[1], f.public_key));
    OK(&f, hel_ckks_keys_save(f.ckks, path[2], f.keys));
    OK(&f, hel_ckks_plain_save(f.ckks, path[3], p));
    OK(&f, hel_ckks_cipher_save(f.ckks, path[4], x));
    for (int i = 0; i < 5; i++) {
        hel_ckks_params back;
        OK(&f, hel_ckks_params_load(f.engine, path[i], &back));
        cr_assert(memcmp(&back, hel_ckks_get_params(f.ckks), sizeof back) == 0);
    }
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(x);
}

/* ---- keys ---- */

Test(ckks_files, secret_key)
{
    static const char *const phrase[] = {NULL, "", "correct horse"};
    const char *path = test_dir_path(&dir, "s.hel");
    const uint32_t n = f.secret->n;
    ref_random r = ref_random_start(2);
    hel_ckks_cipher *x = random_cipher(&f, &r, 8, 1, HEL_CKKS_TOP, PUBLIC);
    for (int i = 0; i < 3; i++) {
        ref_ckks g = f;
        unlink(path);
        OK(&f, hel_ckks_secret_save(f.ckks, path, f.secret, phrase[i]));
        cr_assert_eq(mode_of(path), 0600);
        OK(&f, hel_ckks_secret_load(f.ckks, path, phrase[i], &g.secret));
        cr_assert_arr_eq(f.secret->key_id, g.secret->key_id, 16);
        cr_assert_arr_eq(f.secret->s, g.secret->s, n);
        cr_assert_arr_eq(f.secret->s_ntt, g.secret->s_ntt, 4 * (size_t)n * f.secret->total);
        same_message(&f, x, &g, x);
        hel_ckks_secret_free(g.secret);
    }
    ref_ckks g = f;
    REFUSED(&f, hel_ckks_secret_load(f.ckks, path, "correct house", &g.secret), HEL_E_MISMATCH,
            path, "does not open");
    REFUSED(&f, hel_ckks_secret_load(f.ckks, path, NULL, &g.secret), HEL_E_MISMATCH, path,
            "passphrase is needed");
    cr_assert_null(g.secret);
    hel_ckks_cipher_free(x);
}

/* A sealed file shows neither the coefficients nor anything else of the key's bytes. */
Test(ckks_files, sealed_shows_nothing)
{
    const char *path = test_dir_path(&dir, "s.hel");
    size_t plain, sealed;
    OK(&f, hel_ckks_secret_save(f.ckks, path, f.secret, NULL));
    uint8_t *open = read_section(&f, path, HEL_SECTION_SECRET, &plain, NULL);
    cr_assert_eq(hel_ckks_secret_save(f.ckks, path, f.secret, "p"), HEL_E_USAGE);
    cr_assert(strstr(hel_engine_error(f.engine), "there already"));
    unlink(path);
    OK(&f, hel_ckks_secret_save(f.ckks, path, f.secret, "p"));
    uint8_t *file = test_read_file(path, &sealed);
    cr_assert_eq(plain, 80 + 56 + f.secret->n / 4);
    for (size_t at = 80 + 56; at + 12 <= plain; at += 12)
        cr_assert(!memmem(file, sealed, open + at, 12));
    free(open);
    free(file);
}

Test(ckks_files, public_key)
{
    const char *path = test_dir_path(&dir, "u.hel");
    const hel_ckks_context *t = f.ckks->context;
    const size_t half = 4 * (size_t)t->q_limbs * t->n;
    hel_ckks_public *back;
    ref_random r = ref_random_start(3);
    OK(&f, hel_ckks_public_save(f.ckks, path, f.public_key));
    cr_assert_eq(object_bytes(&f, path), 8 + half);
    OK(&f, hel_ckks_public_load(f.ckks, path, &back));
    cr_assert_arr_eq(f.public_key->data, back->data, 2 * half);
    cr_assert_arr_eq(f.public_key->key_id, back->key_id, 16);
    hel_ckks_plain *p = random_plain(&f, &r, 16, 2, HEL_CKKS_TOP);
    hel_ckks_cipher *x = new_cipher(&f);
    OK(&f, hel_ckks_encrypt(f.ckks, x, p, back));
    size_t count, again;
    double *u = decoded(&f, p, &count), *v = decrypted(&f, x, &again);
    for (size_t i = 0; i < count; i++)
        cr_assert_float_eq(u[i], v[i], 20 * hel_ckks_cipher_error(x));
    free(u);
    free(v);
    hel_ckks_cipher_free(x);
    hel_ckks_plain_free(p);
    OK(&f, hel_ckks_public_save(f.ckks, path, back)); /* what was loaded can be saved */
    cr_assert_eq(object_bytes(&f, path), 8 + half);
    hel_ckks_public_free(back);
}

/* Everything that takes a key, with f's keys and with others: equal bit for bit. */
static void same_evaluation(const hel_ckks_keys *keys, const hel_ckks_cipher *x)
{
    hel_ckks_cipher *out[2][5];
    for (int side = 0; side < 2; side++) {
        OK(&f, hel_ckks_use_keys(f.ckks, side ? keys : f.keys));
        for (int i = 0; i < 5; i++)
            out[side][i] = new_cipher(&f);
        OK(&f, hel_ckks_mul(f.ckks, out[side][0], x, x));
        OK(&f, hel_ckks_rotate(f.ckks, out[side][1], x, 3));
        OK(&f, hel_ckks_rotate(f.ckks, out[side][2], x, -1));
        OK(&f, hel_ckks_conjugate(f.ckks, out[side][3], x));
        OK(&f, hel_ckks_sum(f.ckks, out[side][4], x, hel_ckks_cipher_slots(x)));
    }
    OK(&f, hel_ckks_use_keys(f.ckks, f.keys));
    for (int i = 0; i < 5; i++) {
        same_cipher(out[0][i], out[1][i]);
        same_message(&f, out[0][i], &f, out[1][i]);
        hel_ckks_cipher_free(out[0][i]);
        hel_ckks_cipher_free(out[1][i]);
    }
}

Test(ckks_files, evaluation_keys)
{
    const char *path = test_dir_path(&dir, "k.hel");
    const hel_ckks_context *t = f.ckks->context;
    hel_ckks_keys *back;
    ref_random r = ref_random_start(4);
    OK(&f, hel_ckks_keys_save(f.ckks, path, f.keys));
    const size_t pair = 4 * (size_t)f.keys->digits * t->total * t->n;
    cr_assert_eq(object_bytes(&f, path), 12 + f.keys->count * (4 + pair));
    OK(&f, hel_ckks_keys_load(f.ckks, path, &back));
    same_keys(f.keys, back);
    for (uint32_t level = 1; level <= LEVELS; level++) {
        hel_ckks_cipher *x = random_cipher(&f, &r, t->n / 2, 2, level, PUBLIC);
        same_evaluation(back, x);
        hel_ckks_cipher_free(x);
    }
    hel_ckks_keys_free(back);
}

Test(ckks_files, evaluation_keys_of_a_lower_level)
{
    const char *path = test_dir_path(&dir, "k.hel");
    static const int32_t steps[] = {3, -1};
    ref_random r = ref_random_start(5);
    for (uint32_t level = 1; level <= LEVELS; level++) {
        hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
        hel_ckks_keys *keys, *back, *all = f.keys;
        request.level = level;
        request.conjugate = request.sums = 1;
        request.rotations = steps;
        request.rotation_count = 2;
        OK(&f, hel_ckks_keys_create(f.ckks, &keys, f.secret, &request));
        OK(&f, hel_ckks_keys_save(f.ckks, path, keys));
        OK(&f, hel_ckks_keys_load(f.ckks, path, &back));
        same_keys(keys, back);
        hel_ckks_cipher *x = random_cipher(&f, &r, 32, 1, level, SYMMETRIC);
        f.keys = keys;
        same_evaluation(back, x);
        f.keys = all;
        OK(&f, hel_ckks_use_keys(f.ckks, f.keys));
        hel_ckks_cipher_free(x);
        hel_ckks_keys_free(keys);
        hel_ckks_keys_free(back);
    }
}

/* No key at all, one key, and keys without relinearization. */
Test(ckks_files, few_evaluation_keys)
{
    const char *path = test_dir_path(&dir, "k.hel");
    static const int32_t step[] = {5};
    for (uint32_t count = 0; count < 3; count++) {
        hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
        hel_ckks_keys *keys, *back;
        request.relinearize = 0;
        request.rotations = step;
        request.rotation_count = count > 0;
        request.conjugate = count > 1;
        OK(&f, hel_ckks_keys_create(f.ckks, &keys, f.secret, &request));
        cr_assert_eq(keys->count, count);
        OK(&f, hel_ckks_keys_save(f.ckks, path, keys));
        OK(&f, hel_ckks_keys_load(f.ckks, path, &back));
        same_keys(keys, back);
        hel_ckks_keys_free(keys);
        hel_ckks_keys_free(back);
    }
}

/* ---- plaintexts ---- */

static void plain_comes_back(const char *path, const hel_ckks_plain *p, hel_ckks_plain *back)
{
    size_t count, again;
    const size_t words =
        (size_t)p->batch * f.ckks->context->params.limbs[p->level] * f.ckks->context->n;
    OK(&f, hel_ckks_plain_save(f.ckks, path, p));
    cr_assert_eq(mode_of(path), 0600);
    cr_assert_eq(object_bytes(&f, path), 56 + 4 * words);
    OK(&f, hel_ckks_plain_load(f.ckks, path, back));
    cr_assert(back->batch == p->batch && back->level == p->level &&
              back->log_slots == p->log_slots && back->error == p->error && back->bits == p->bits &&
              back->bound == p->bound && back->scale.hi == p->scale.hi &&
              back->scale.lo == p->scale.lo);
    if (words)
        cr_assert_arr_eq(p->data, back->data, 4 * words);
    double *u = decoded(&f, p, &count), *v = decoded(&f, back, &again);
    cr_assert_eq(count, again);
    cr_assert_arr_eq(u, v, count * sizeof *u);
    free(u);
    free(v);
}

Test(ckks_files, plaintexts)
{
    static const uint32_t slots[] = {512, 1, 64}, batch[] = {1, 0, 3};
    const char *path = test_dir_path(&dir, "t.hel");
    ref_random r = ref_random_start(6);
    hel_ckks_plain *back = new_plain(&f); /* one for all: it takes every shape */
    for (uint32_t level = 0; level <= LEVELS; level++)
        for (int i = 0; i < 9; i++) {
            hel_ckks_plain *p = random_plain(&f, &r, slots[i / 3], batch[i % 3], level);
            plain_comes_back(path, p, back);
            hel_ckks_plain_free(p);
        }
    hel_ckks_cipher *x = random_cipher(&f, &r, 64, 2, 2, PUBLIC);
    hel_ckks_plain *p = new_plain(&f);
    OK(&f, hel_ckks_decrypt(f.ckks, p, x, f.secret)); /* one with an error */
    plain_comes_back(path, p, back);
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(x);
    hel_ckks_plain_free(back);
}

/* ---- ciphertexts ---- */

static void cipher_comes_back(const char *path, const hel_ckks_cipher *x, hel_ckks_cipher *back)
{
    const uint64_t poly =
        4 * (uint64_t)x->batch * f.ckks->context->params.limbs[x->level] * f.ckks->context->n;
    OK(&f, hel_ckks_cipher_save(f.ckks, path, x));
    cr_assert_eq(object_bytes(&f, path), x->seeded ? HEAD + 32 + poly : HEAD + x->polys * poly);
    OK(&f, hel_ckks_cipher_load(f.ckks, path, back));
    same_cipher(x, back);
    same_message(&f, x, &f, back);
}

Test(ckks_files, fresh_ciphertexts)
{
    static const uint32_t slots[] = {512, 1, 64}, batch[] = {1, 0, 3};
    const char *path = test_dir_path(&dir, "c.hel");
    ref_random r = ref_random_start(7);
    hel_ckks_cipher *back = new_cipher(&f);
    for (uint32_t level = 0; level <= LEVELS; level++)
        for (int i = 0; i < 18; i++) {
            const how way = i % 2 ? SYMMETRIC : PUBLIC;
            hel_ckks_cipher *x =
                random_cipher(&f, &r, slots[i / 2 / 3], batch[i / 2 % 3], level, way);
            cr_assert_eq(x->seeded, way == SYMMETRIC);
            cipher_comes_back(path, x, back);
            hel_ckks_cipher_free(x);
        }
    hel_ckks_cipher_free(back);
}

/* Seeded files are half as large as others, but for a kilobyte. */
Test(ckks_files, a_seed_halves_the_file)
{
    size_t bytes[2];
    const char *path = test_dir_path(&dir, "c.hel");
    ref_random r = ref_random_start(8);
    for (int i = 0; i < 2; i++) {
        hel_ckks_cipher *x = random_cipher(&f, &r, 512, 3, HEL_CKKS_TOP, i ? SYMMETRIC : PUBLIC);
        OK(&f, hel_ckks_cipher_save(f.ckks, path, x));
        free(test_read_file(path, &bytes[i]));
        hel_ckks_cipher_free(x);
    }
    cr_assert_leq(bytes[1], bytes[0] / 2 + 1024);
}

/* Products of three polynomials, results of rescaling in place (with room to spare), sums of seeded
 * ciphertexts (not seeded any more), products whose scale is not the level's. */
Test(ckks_files, computed_ciphertexts)
{
    static const uint32_t batch[] = {1, 0, 3};
    const char *path = test_dir_path(&dir, "c.hel");
    ref_random r = ref_random_start(9);
    hel_ckks_cipher *back = new_cipher(&f);
    for (uint32_t level = 1; level <= LEVELS; level++)
        for (int i = 0; i < 3; i++) {
            hel_ckks_cipher *a = random_cipher(&f, &r, 64, batch[i], level, PUBLIC);
            hel_ckks_cipher *b = random_cipher(&f, &r, 64, batch[i], level, SYMMETRIC);
            hel_ckks_cipher *x = new_cipher(&f);
            OK(&f, hel_ckks_mul_lazy(f.ckks, x, a, b));
            cr_assert_eq(hel_ckks_cipher_size(x), 3);
            cipher_comes_back(path, x, back);
            OK(&f, hel_ckks_rescale(f.ckks, x, x));
            cipher_comes_back(path, x, back);
            OK(&f, hel_ckks_mul(f.ckks, x, a, b));
            cipher_comes_back(path, x, back);
            OK(&f, hel_ckks_rescale(f.ckks, x, x));
            cipher_comes_back(path, x, back);
            OK(&f, hel_ckks_add(f.ckks, b, b, b));
            cr_assert_not(b->seeded);
            cipher_comes_back(path, b, back);
            OK(&f, hel_ckks_drop(f.ckks, b, b, 0));
            hel_ckks_cipher_set_bound(b, 100);
            cipher_comes_back(path, b, back);
            hel_ckks_cipher_free(a);
            hel_ckks_cipher_free(b);
            hel_ckks_cipher_free(x);
        }
    hel_ckks_cipher_free(back);
}

/* A loaded ciphertext is computed with like any other, its own memory included. */
Test(ckks_files, loaded_ciphertexts_work)
{
    const char *path = test_dir_path(&dir, "c.hel");
    ref_random r = ref_random_start(10);
    hel_ckks_cipher *x = random_cipher(&f, &r, 512, 2, HEL_CKKS_TOP, SYMMETRIC);
    hel_ckks_cipher *y = new_cipher(&f);
    OK(&f, hel_ckks_cipher_save(f.ckks, path, x));
    OK(&f, hel_ckks_cipher_load(f.ckks, path, y));
    for (uint32_t level = LEVELS; level > 0; level--) {
        OK(&f, hel_ckks_mul(f.ckks, x, x, x));
        OK(&f, hel_ckks_mul(f.ckks, y, y, y));
        OK(&f, hel_ckks_rotate(f.ckks, x, x, 3));
        OK(&f, hel_ckks_rotate(f.ckks, y, y, 3));
        same_message(&f, x, &f, y);
    }
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
}

/* ---- other contexts ---- */

/* Loads everything that f has saved, and finds it to be the same. */
static void load_everything(ref_ckks *g, const char *const path[5], const hel_ckks_cipher *x,
                            const hel_ckks_plain *p)
{
    hel_ckks_cipher *y = new_cipher(g), *z = new_cipher(g), *w = new_cipher(&f);
    hel_ckks_plain *q = new_plain(g);
    size_t count, again;
    OK(g, hel_ckks_secret_load(g->ckks, path[0], NULL, &g->secret));
    OK(g, hel_ckks_public_load(g->ckks, path[1], &g->public_key));
    OK(g, hel_ckks_keys_load(g->ckks, path[2], &g->keys));
    OK(g, hel_ckks_plain_load(g->ckks, path[3], q));
    OK(g, hel_ckks_cipher_load(g->ckks, path[4], y));
    OK(g, hel_ckks_use_keys(g->ckks, g->keys));
    same_keys(f.keys, g->keys);
    same_cipher(x, y);
    same_message(&f, x, g, y);
    OK(&f, hel_ckks_mul_plain(f.ckks, w, x, p));
    OK(&f, hel_ckks_mul(f.ckks, w, w, x));
    OK(g, hel_ckks_mul_plain(g->ckks, z, y, q));
    OK(g, hel_ckks_mul(g->ckks, z, z, y));
    same_cipher(w, z);
    same_message(&f, w, g, z);
    double *u = decoded(&f, p, &count), *v = decoded(g, q, &again);
    cr_assert(count == again && memcmp(u, v, count * sizeof *u) == 0);
    free(u);
    free(v);
    hel_ckks_plain_free(q);
    hel_ckks_cipher_free(y);
    hel_ckks_cipher_free(z);
    hel_ckks_cipher_free(w);
}

Test(ckks_files, clones_and_independent_contexts)
{
    static const char *const names[] = {"s", "u", "k", "p", "c"};
    const char *path[5];
    ref_random r = ref_random_start(11);
    hel_ckks_cipher *x = random_cipher(&f, &r, 64, 2, HEL_CKKS_TOP, SYMMETRIC);
    hel_ckks_plain *p = random_plain(&f, &r, 64, 1, HEL_CKKS_TOP);
    for (int i = 0; i < 5; i++)
        path[i] = test_dir_path(&dir, names[i]);
    OK(&f, hel_ckks_secret_save(f.ckks, path[0], f.secret, NULL));
    OK(&f, hel_ckks_public_save(f.ckks, path[1], f.public_key));
    OK(&f, hel_ckks_keys_save(f.ckks, path[2], f.keys));
    OK(&f, hel_ckks_plain_save(f.ckks, path[3], p));
    OK(&f, hel_ckks_cipher_save(f.ckks, path[4], x));
    for (int independent = 0; independent < 2; independent++) {
        hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
        ref_ckks g = {0};
        config.threads = 1;
        config.simd = independent ? HEL_SIMD_PORTABLE : HEL_SIMD_AUTO;
        OK(&f, hel_engine_create(&g.engine, &config));
        if (independent) {
            hel_ckks_params params;
            OK(&g, hel_ckks_params_load(g.engine, path[4], &params));
            OK(&g, hel_ckks_create(g.engine, &g.ckks, &params));
        } else {
            OK(&g, hel_ckks_clone(g.engine, &g.ckks, f.ckks));
        }
        load_everything(&g, (const char *const *)path, x, p);
        ref_ckks_end(&g);
    }
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(x);
}

/* An output of another context moves to the one that loads into it. */
Test(ckks_files, outputs_change_contexts)
{
    const char *path = test_dir_path(&dir, "c.hel"), *plain = test_dir_path(&dir, "p.hel");
    hel_ckks_params small = ref_ckks_toy(10, 1, 30, 0);
    ref_random r = ref_random_start(12);
    ref_ckks g;
    ref_ckks_setup(&g, &small, HEL_SIMD_AUTO, 1);
    hel_ckks_cipher *x = random_cipher(&f, &r, 16, 1, HEL_CKKS_TOP, PUBLIC);
    hel_ckks_cipher *y = random_cipher(&g, &r, 16, 4, HEL_CKKS_TOP, SYMMETRIC);
    hel_ckks_plain *p = random_plain(&f, &r, 16, 1, 2);
    hel_ckks_plain *q = random_plain(&g, &r, 16, 1, 0);
    OK(&f, hel_ckks_cipher_save(f.ckks, path, x));
    OK(&f, hel_ckks_plain_save(f.ckks, plain, p));
    OK(&f, hel_ckks_cipher_load(f.ckks, path, y));
    OK(&f, hel_ckks_plain_load(f.ckks, plain, q));
    ref_ckks_end(&g);
    same_cipher(x, y);
    cr_assert_eq(hel_ckks_plain_level(q), 2);
    hel_ckks_cipher_free(x);
    hel_ckks_cipher_free(y);
    hel_ckks_plain_free(p);
    hel_ckks_plain_free(q);
}
