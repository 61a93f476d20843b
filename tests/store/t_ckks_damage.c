/*
 * CKKS files that are damaged, hostile, of other parameters or of another kind; and what saving and
 * loading leave behind when memory or the disk ends. Every refusal names the file.
 */
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/store/ckks_store_test.h"

enum { PARAMS, SECRET, PUBLIC_KEY, KEYS, PLAIN, CIPHER, SEEDED, OBJECTS };

static const char *const names[OBJECTS] = {"a.par", "a.key", "a.pub", "a.evk",
                                           "a.pt",  "a.ct",  "a.sct"};
static test_dir dir;
static ref_ckks f;
static hel_ckks_plain *plain;
static hel_ckks_cipher *cipher, *seeded;
static char path[OBJECTS][PATH_MAX + 16];

static void setup(void)
{
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    ref_random r = ref_random_start(20);
    test_dir_make(&dir);
    for (int i = 0; i < OBJECTS; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", dir.path, names[i]);
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    hel_ckks_keys_free(f.keys); /* two keys of level 1 are enough here */
    request.level = request.conjugate = 1;
    OK(&f, hel_ckks_keys_create(f.ckks, &f.keys, f.secret, &request));
    OK(&f, hel_ckks_use_keys(f.ckks, f.keys));
    plain = random_plain(&f, &r, 16, 2, 1);
    cipher = random_cipher(&f, &r, 16, 2, 1, PUBLIC);
    seeded = random_cipher(&f, &r, 16, 2, 1, SYMMETRIC);
}

static void teardown(void)
{
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(cipher);
    hel_ckks_cipher_free(seeded);
    ref_ckks_end(&f);
    test_dir_remove(&dir);
    cr_assert_eq(hel_mem_in_use(), 0, "%llu bytes are lost", (unsigned long long)hel_mem_in_use());
}

TestSuite(ckks_damage, .init = setup, .fini = teardown);

static hel_status save(hel_ckks *c, int object, const char *to)
{
    switch (object) {
    case PARAMS:
        return hel_ckks_params_save(c->engine, to, hel_ckks_get_params(c));
    case SECRET:
        if (to)
            unlink(to); /* a key is never written over another */
        return hel_ckks_secret_save(c, to, f.secret, NULL);
    case PUBLIC_KEY:
        return hel_ckks_public_save(c, to, f.public_key);
    case KEYS:
        return hel_ckks_keys_save(c, to, f.keys);
    case PLAIN:
        return hel_ckks_plain_save(c, to, plain);
    default:
        return hel_ckks_cipher_save(c, to, object == CIPHER ? cipher : seeded);
    }
}

/* Loads and drops; a failure leaves no object, and no message in one that was there. */
static hel_status load(hel_ckks *c, int object, const char *from)
{
    hel_ckks_params params;
    hel_ckks_secret *secret = NULL;
    hel_ckks_public *key = NULL;
    hel_ckks_keys *keys = NULL;
    hel_ckks_plain *p = NULL;
    hel_ckks_cipher *x = NULL;
    hel_status status;
    if (object == PARAMS) {
        memset(&params, 1, sizeof params);
        status = hel_ckks_params_load(c->engine, from, &params);
        cr_assert((status == HEL_OK) == (params.log_n != 0));
    } else if (object == SECRET) {
        status = hel_ckks_secret_load(c, from, NULL, &secret);
        cr_assert((status == HEL_OK) == (secret != NULL));
    } else if (object == PUBLIC_KEY) {
        status = hel_ckks_public_load(c, from, &key);
        cr_assert((status == HEL_OK) == (key != NULL));
    } else if (object == KEYS) {
        status = hel_ckks_keys_load(c, from, &keys);
        cr_assert((status == HEL_OK) == (keys != NULL));
    } else if (object == PLAIN) {
        status = hel_ckks_plain_create(c, &p);
        if (status == HEL_OK) {
            p->valid = 1;
            status = hel_ckks_plain_load(c, from, p);
            cr_assert((status == HEL_OK) == (hel_ckks_plain_slots(p) != 0));
        }
    } else {
        status = hel_ckks_cipher_create(c, &x);
        if (status == HEL_OK) {
            x->valid = 1;
            status = hel_ckks_cipher_load(c, from, x);
            cr_assert((status == HEL_OK) == (hel_ckks_cipher_slots(x) != 0));
        }
    }
    hel_ckks_secret_free(secret);
    hel_ckks_public_free(key);
    hel_ckks_keys_free(keys);
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(x);
    return status;
}

static void save_all(void)
{
    for (int i = 0; i < OBJECTS; i++)
        OK(&f, save(f.ckks, i, path[i]));
}

/* ---- the wrong file ---- */

Test(ckks_damage, other_parameters)
{
    const hel_ckks_params other[] = {ref_ckks_toy(10, 2, 40, 1), ref_ckks_toy(10, 2, 41, 2),
                                     ref_ckks_toy(11, 2, 40, 2), ref_ckks_toy(10, 3, 40, 2)};
    save_all();
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        hel_ckks *c;
        OK(&f, hel_ckks_create(f.engine, &c, &other[i]));
        for (int k = SECRET; k < OBJECTS; k++)
            REFUSED(&f, load(c, k, path[k]), HEL_E_MISMATCH, path[k], "other CKKS parameters");
        hel_ckks_free(c);
    }
}

Test(ckks_damage, other_kinds)
{
    char scan[PATH_MAX + 16];
    hel_head head = {.kind = HEL_KIND_GENOTYPES};
    save_all();
    for (int k = SECRET; k < OBJECTS; k++)
        for (int other = PARAMS; other < OBJECTS; other++)
            if (k != other && k + other != CIPHER + SEEDED)
                REFUSED(&f, load(f.ckks, k, path[other]), HEL_E_FORMAT, path[other], "needed here");
    snprintf(scan, sizeof scan, "%s/scan", dir.path);
    write_sections(&f, scan, &head, (const uint8_t *)"abcd", 4, HEL_SECTION_OBJECT,
                   (const uint8_t *)"", 0);
    for (int k = PARAMS; k < OBJECTS; k++)
        REFUSED(&f, load(f.ckks, k, scan), HEL_E_FORMAT, scan, "genotypes");
    for (int k = PARAMS; k < OBJECTS; k++) {
        unlink(path[k]);
        REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_IO, path[k], "No such file");
    }
}

/* Objects of another context, without a message, or none at all are not written. */
Test(ckks_damage, nothing_to_save)
{
    hel_ckks_params p = ref_ckks_toy(10, 1, 40, 1), bad = p;
    hel_ckks *c;
    OK(&f, hel_ckks_create(f.engine, &c, &p));
    for (int k = SECRET; k < OBJECTS; k++) {
        cr_assert_eq(save(c, k, path[k]), HEL_E_MISMATCH, "%s", names[k]);
        cr_assert(!test_exists(path[k]));
        cr_assert_eq(save(f.ckks, k, NULL), HEL_E_USAGE);
        cr_assert_eq(load(f.ckks, k, NULL), HEL_E_USAGE);
    }
    hel_ckks_free(c);
    bad.primes[0]++;
    cr_assert_eq(hel_ckks_params_save(f.engine, path[PARAMS], &bad), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_params_save(f.engine, path[PARAMS], NULL), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_params_save(f.engine, NULL, &p), HEL_E_USAGE);
    cr_assert_eq(load(f.ckks, PARAMS, NULL), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_secret_save(f.ckks, path[SECRET], NULL, NULL), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_cipher_load(f.ckks, path[CIPHER], NULL), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_plain_load(f.ckks, path[PLAIN], NULL), HEL_E_USAGE);
    hel_ckks_cipher *x = new_cipher(&f);
    hel_ckks_plain *q = new_plain(&f);
    cr_assert_eq(hel_ckks_cipher_save(f.ckks, path[CIPHER], x), HEL_E_USAGE);
    cr_assert_eq(hel_ckks_plain_save(f.ckks, path[PLAIN], q), HEL_E_USAGE);
    cr_assert(!test_exists(path[PARAMS]) && !test_exists(path[SECRET]) &&
              !test_exists(path[CIPHER]) && !test_exists(path[PLAIN]));
    hel_ckks_cipher_free(x);
    hel_ckks_plain_free(q);
}

Test(ckks_damage, secrets_must_be_private)
{
    static const mode_t modes[] = {0640, 0604, 0660, 0620};
    save_all();
    for (int k = PARAMS; k < OBJECTS; k++)
        for (int i = 0; i < 4; i++) {
            cr_assert_eq(chmod(path[k], modes[i]), 0);
            if (k == SECRET || k == PLAIN) {
                REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_PERMISSION, path[k], "chmod 600");
                REFUSED(&f, load(f.ckks, PARAMS, path[k]), HEL_E_PERMISSION, path[k], "chmod 600");
            } else {
                OK(&f, load(f.ckks, k, path[k]));
            }
        }
}

/* A set that protects nothing is no good file where such sets are not allowed. */
Test(ckks_damage, insecure_parameters)
{
    save_all();
    unsetenv("HELOCI_ALLOW_TOY");
    REFUSED(&f, load(f.ckks, PARAMS, path[PARAMS]), HEL_E_FORMAT, path[PARAMS], "insecure");
}

/* ---- accidents ---- */

/* One changed byte anywhere: the whole frame, and the content at steps. */
Test(ckks_damage, flipped_bytes)
{
    save_all();
    for (int k = PARAMS; k < OBJECTS; k++) {
        size_t size;
        uint8_t *good = test_read_file(path[k], &size);
        const int fd = open(path[k], O_WRONLY);
        for (size_t at = 0; at < size; at += at < 800 || at + 200 > size ? 1 : 173) {
            const uint8_t bad = good[at] ^ (uint8_t)(1u << at % 8);
            cr_assert_eq(pwrite(fd, &bad, 1, (off_t)at), 1);
            REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_FORMAT, path[k], "byte");
            cr_assert_eq(pwrite(fd, &good[at], 1, (off_t)at), 1);
        }
        close(fd);
        OK(&f, load(f.ckks, k, path[k]));
        free(good);
    }
}

Test(ckks_damage, truncated_files)
{
    save_all();
    for (int k = PARAMS; k < OBJECTS; k++) {
        size_t size;
        uint8_t *good = test_read_file(path[k], &size);
        for (size_t cut = 0; cut < size; cut += cut < 600 ? 37 : 997) {
            test_write_file(path[k], good, cut, 0600);
            REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_FORMAT, path[k], "byte");
        }
        free(good);
    }
}

/* ---- hostile objects in perfect frames ---- */

typedef struct patch {
    int object, bytes;
    uint64_t at, value;
    const char *says;
} patch;

/* The object's bytes lie behind SKEY's prefix in secret keys. */
static uint8_t *object_of(int object, size_t *bytes, size_t *skip, uint32_t *id, hel_head *head)
{
    *id = object == PARAMS   ? HEL_SECTION_PARAMS
          : object == SECRET ? HEL_SECTION_SECRET
                             : HEL_SECTION_OBJECT;
    *skip = object == SECRET ? 80 : 0;
    return read_section(&f, path[object], *id, bytes, head);
}

/* Writes the object anew with `bytes` of data; parameters with the digest that fits them. */
static void replace(int object, const hel_head *head, const uint8_t *data, size_t bytes)
{
    size_t params_bytes;
    if (object == PARAMS) {
        hel_head copy = *head;
        cr_assert_eq(hel_sha256_once(f.engine, data, bytes, copy.params), HEL_OK);
        write_sections(&f, path[object], &copy, data, bytes, 0, NULL, 0);
        return;
    }
    uint8_t *params = read_section(&f, path[object], HEL_SECTION_PARAMS, &params_bytes, NULL);
    write_sections(&f, path[object], head, params, params_bytes,
                   object == SECRET ? HEL_SECTION_SECRET : HEL_SECTION_OBJECT, data, bytes);
    free(params);
}

/* How many allocations a failing load makes: the first injection that does not show. */
static uint64_t allocations(int object)
{
    for (uint64_t n = 1;; n++) {
        hel_mem_fail_nth(n);
        hel_status status = load(f.ckks, object, path[object]);
        hel_mem_fail_nth(0);
        if (status != HEL_E_MEMORY)
            return n - 1;
    }
}

static uint64_t bits_of(double v)
{
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

static void try_patch(const patch *p)
{
    size_t bytes, skip;
    uint32_t id;
    hel_head head;
    OK(&f, save(f.ckks, p->object, path[p->object]));
    uint8_t *data = object_of(p->object, &bytes, &skip, &id, &head);
    for (int i = 0; i < p->bytes; i++)
        data[skip + p->at + (unsigned)i] = (uint8_t)(p->value >> (8 * i));
    replace(p->object, &head, data, bytes);
    REFUSED(&f, load(f.ckks, p->object, path[p->object]), HEL_E_FORMAT, path[p->object], p->says);
    free(data);
}

Test(ckks_damage, hostile_numbers)
{
    const patch rows[] = {
        {PARAMS, 4, 0, 2, "version 2"},
        {PARAMS, 4, 4, 9, "log N is 9"},
        {PARAMS, 4, 4, 18, "log N is 18"},
        {PARAMS, 4, 4, UINT32_MAX, "log N"},
        {PARAMS, 4, 8, 1, "do not fit depth 1"},
        {PARAMS, 4, 8, UINT32_MAX, "do not fit depth"},
        {PARAMS, 4, 12, 19, "scale of 19"},
        {PARAMS, 4, 16, 0, "special primes"},
        {PARAMS, 4, 16, 1, ""},
        {PARAMS, 4, 20, 0, "digits of 0"},
        {PARAMS, 4, 24, 100, "security 100"},
        {PARAMS, 4, 24, 128, "exceeds"},
        {PARAMS, 4, 28, 20, "error distribution"},
        {PARAMS, 4, 32, UINT32_MAX, "do not fit"},
        {PARAMS, 4, 36, 0, "level 0 has 0"},
        {PARAMS, 8, 40, 2, "multiplier"},
        {PARAMS, 4, 48, 100, "level 1 has 100"},
        {PARAMS, 8, 52, UINT64_MAX, "multiplier"},
        {PARAMS, 4, 72, 1u << 30, "prime 0"},
        {SECRET, 4, 0, 0, "version 0"},
        {SECRET, 4, 4, 11, "other parameters"},
        {SECRET, 1, 8, 256 - 1, "key id"},
        {SECRET, 1, 24, 0, "other parameters"},
        {SECRET, 1, 56, 0xc0, "ternary"},
        {SECRET, 1, 56 + 255, 3, "ternary"},
        {PUBLIC_KEY, 4, 0, 2, "version 2"},
        {PUBLIC_KEY, 4, 4, 0, "0 limbs"},
        {PUBLIC_KEY, 4, 4, UINT32_MAX, "4294967295 limbs"},
        {KEYS, 4, 0, UINT32_MAX, "version"},
        {KEYS, 4, 4, 3, "level 3"},
        {KEYS, 4, 4, 2, "bytes"},
        {KEYS, 4, 4, 0, "bytes"},
        {KEYS, 4, 4, UINT32_MAX, "level 4294967295"},
        {KEYS, 4, 8, 1, "bytes"},
        {KEYS, 4, 8, 3, "bytes"},
        {KEYS, 4, 8, 1024, "bytes"},
        {KEYS, 4, 8, 1025, "1025 keys"},
        {KEYS, 4, 8, UINT32_MAX, "4294967295 keys"},
        {KEYS, 4, 12, 1, "element 1"},
        {KEYS, 4, 12, 2, "element 2"},
        {KEYS, 4, 12, 2047, "order"}, /* the second one is 2047 */
        {KEYS, 4, 12, 2049, "element 2049"},
        {KEYS, 4, 12, UINT32_MAX, "element"},
        {PLAIN, 4, 0, 0, "version 0"},
        {PLAIN, 4, 4, 3, "level 3"},
        {PLAIN, 4, 4, 0, "bytes"},
        {PLAIN, 4, 4, UINT32_MAX, "level"},
        {PLAIN, 4, 8, 10, "2^10 slots"},
        {PLAIN, 4, 8, UINT32_MAX, "slots"},
        {PLAIN, 4, 12, 1, "bytes"},
        {PLAIN, 4, 12, 3, "bytes"},
        {PLAIN, 4, 12, UINT32_MAX, "bytes"},
        {PLAIN, 8, 16, bits_of(0), "scale"},
        {PLAIN, 8, 16, bits_of(-1), "scale"},
        {PLAIN, 8, 16, bits_of(INFINITY), "scale"},
        {PLAIN, 8, 24, bits_of(1), "scale"},
        {PLAIN, 8, 24, bits_of(NAN), "scale"},
        {PLAIN, 8, 32, bits_of(-1), "error"},
        {PLAIN, 8, 40, bits_of(NAN), "size"},
        {PLAIN, 8, 48, bits_of(-0.5), "bound"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        try_patch(&rows[i]);
}

Test(ckks_damage, hostile_ciphertexts)
{
    const patch rows[] = {
        {CIPHER, 4, 0, 2, "version 2"},
        {CIPHER, 4, 4, 2, "bytes"},
        {CIPHER, 4, 4, 3, "level 3"},
        {CIPHER, 4, 8, 10, "2^10 slots"},
        {CIPHER, 4, 12, 0, "bytes"},
        {CIPHER, 4, 12, 3, "bytes"},
        {CIPHER, 4, 12, UINT32_MAX, "bytes"},
        {CIPHER, 4, 16, 1, "1 polynomials"},
        {CIPHER, 4, 16, 3, "bytes"},
        {CIPHER, 4, 16, 4, "4 polynomials"},
        {CIPHER, 4, 16, UINT32_MAX, "polynomials"},
        {CIPHER, 4, 20, 1, "bytes"},
        {CIPHER, 4, 20, 4, "form 4"},
        {CIPHER, 1, 24, 0x5a, "key id"},
        {CIPHER, 8, 40, bits_of(NAN), "scale"},
        {CIPHER, 8, 48, bits_of(INFINITY), "scale"},
        {CIPHER, 8, 56, bits_of(NAN), "error"},
        {CIPHER, 8, 64, bits_of(-1e-300), "bound"},
        {SEEDED, 4, 12, UINT32_MAX, "bytes"},
        {SEEDED, 4, 16, 3, "3 polynomials"},
        {SEEDED, 4, 20, 0, "bytes"},
        {SEEDED, 8, 72, 0x123456789, "seed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        try_patch(&rows[i]);
}

/* Sizes that lie are seen before anything is allocated by them: no more allocations are made than
 * for an unknown version, the first thing that is looked at. */
Test(ckks_damage, sizes_come_before_memory)
{
    const patch rows[] = {
        {PUBLIC_KEY, 4, 4, UINT32_MAX, ""},
        {KEYS, 4, 8, 1000, ""},
        {KEYS, 4, 8, UINT32_MAX, ""},
        {KEYS, 4, 4, 2, ""},
        {PLAIN, 4, 12, 100, ""},
        {PLAIN, 4, 12, UINT32_MAX, ""},
        {CIPHER, 4, 12, 100, ""},
        {CIPHER, 4, 12, UINT32_MAX, ""},
        {SEEDED, 4, 12, UINT32_MAX, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const patch version = {rows[i].object, 4, 0, 77, "version"};
        try_patch(&version);
        const uint64_t few = allocations(rows[i].object);
        try_patch(&rows[i]);
        cr_assert_eq(allocations(rows[i].object), few, "row %zu", i);
    }
}

/* Objects with bytes missing or to spare. */
Test(ckks_damage, wrong_lengths)
{
    static const int64_t change[] = {-1, 1, -4, 4, -4096, 4096, -65536, INT64_MIN};
    for (int k = PARAMS; k < OBJECTS; k++)
        for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
            size_t bytes, skip;
            uint32_t id;
            hel_head head;
            OK(&f, save(f.ckks, k, path[k]));
            uint8_t *data = object_of(k, &bytes, &skip, &id, &head);
            int64_t size = (int64_t)bytes + (change[i] == INT64_MIN ? -(int64_t)bytes : change[i]);
            uint8_t *other = calloc(1, bytes + 5000);
            memcpy(other, data, bytes);
            if (size < 0)
                size = 3;
            if (k == SECRET && size >= 80)
                hel_put_u64(other + 8, (uint64_t)size - 80);
            replace(k, &head, other, (size_t)size);
            REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_FORMAT, path[k], "");
            free(other);
            free(data);
        }
}

/* The first residue of each limb, and the last, as large as its prime; one below it is legal. */
Test(ckks_damage, residues_below_their_primes)
{
    const hel_ckks_params *p = hel_ckks_get_params(f.ckks);
    const uint32_t q = p->limbs[2], k = p->limbs[1], special = p->special_limbs;
    const struct {
        int object;
        uint32_t head, gap, items, q_limbs, special; /* gap: bytes before each item */
    } rows[] = {
        {PUBLIC_KEY, 8, 0, 1, q, 0}, {KEYS, 12, 4, 2, k, special}, {PLAIN, 56, 0, 2, k, 0},
        {CIPHER, 72, 0, 4, k, 0},    {SEEDED, 104, 0, 2, k, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int o = rows[i].object;
        const uint32_t limbs = rows[i].q_limbs + rows[i].special;
        const uint32_t rounds = o == KEYS ? f.keys->digits : 1;
        size_t bytes, skip, at = rows[i].head;
        uint32_t id;
        hel_head head;
        OK(&f, save(f.ckks, o, path[o]));
        uint8_t *data = object_of(o, &bytes, &skip, &id, &head);
        for (uint32_t item = 0; item < rows[i].items; item++) {
            at += rows[i].gap;
            for (uint32_t t = 0; t < rounds * limbs; t++, at += 4096) {
                const uint32_t limb = t % limbs;
                const uint32_t prime = p->primes[limb < rows[i].q_limbs ? limb : q + limb - k];
                const size_t place = at + (item % 2 ? 4092 : 0);
                const uint32_t before = hel_get_u32(data + place);
                cr_assert_lt(before, prime);
                hel_put_u32(data + place, prime);
                replace(o, &head, data, bytes);
                REFUSED(&f, load(f.ckks, o, path[o]), HEL_E_FORMAT, path[o], "residue");
                hel_put_u32(data + place, prime - 1);
                replace(o, &head, data, bytes);
                OK(&f, load(f.ckks, o, path[o]));
                hel_put_u32(data + place, before);
            }
        }
        cr_assert_eq(at, bytes);
        free(data);
    }
}

/* Header and content that contradict each other, and sections that are not there. */
Test(ckks_damage, contradictions)
{
    save_all();
    for (int k = PARAMS; k < OBJECTS; k++) {
        size_t bytes, skip, params_bytes;
        uint32_t id;
        hel_head head;
        uint8_t *data = object_of(k, &bytes, &skip, &id, &head);
        uint8_t *params = read_section(&f, path[k], HEL_SECTION_PARAMS, &params_bytes, NULL);
        uint8_t *object = k == PARAMS ? NULL : data;
        params[params_bytes - 1] ^= 1;
        write_sections(&f, path[k], &head, params, params_bytes, id, object, bytes);
        REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_FORMAT, path[k], "digest");
        params[params_bytes - 1] ^= 1;
        write_sections(&f, path[k], &head, NULL, 0, id, object, bytes);
        REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_FORMAT, path[k], "PARM");
        if (k != PARAMS) {
            write_sections(&f, path[k], &head, params, params_bytes, id, NULL, 0);
            REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_FORMAT, path[k], "missing");
        }
        if (k == SECRET || k == CIPHER || k == SEEDED) {
            head.key_id[3] ^= 1;
            write_sections(&f, path[k], &head, params, params_bytes, id, object, bytes);
            REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_FORMAT, path[k], "key id");
            head.key_id[3] ^= 1;
        }
        if (k == CIPHER || k == SEEDED) {
            head.seed[3] ^= 1;
            write_sections(&f, path[k], &head, params, params_bytes, id, object, bytes);
            REFUSED(&f, load(f.ckks, k, path[k]), HEL_E_FORMAT, path[k], "seed");
            head.seed[3] ^= 1;
        }
        write_sections(&f, path[k], &head, params, params_bytes, id, object, bytes);
        OK(&f, load(f.ckks, k, path[k]));
        free(params);
        free(data);
    }
}

/* ---- when memory or the disk ends ---- */

static void no_trace(int object)
{
    char part[PATH_MAX + 32];
    snprintf(part, sizeof part, "%s.part", path[object]);
    cr_assert(!test_exists(path[object]) && !test_exists(part), "%s", names[object]);
}

Test(ckks_damage, out_of_memory)
{
    for (int k = PARAMS; k < OBJECTS; k++)
        for (int loading = 0; loading < 2; loading++) {
            uint32_t failures = 0;
            for (uint64_t n = 1, passed = 0; passed < 5; n++) {
                hel_mem_fail_nth(n);
                hel_status status = loading ? load(f.ckks, k, path[k]) : save(f.ckks, k, path[k]);
                hel_mem_fail_nth(0);
                cr_assert(status == HEL_OK || status == HEL_E_MEMORY, "%s: %s", names[k],
                          hel_engine_error(f.engine));
                failures += status != HEL_OK;
                passed = status == HEL_OK ? passed + 1 : 0;
                if (!loading && status != HEL_OK)
                    no_trace(k);
                if (!loading && status == HEL_OK)
                    unlink(path[k]);
            }
            cr_assert_geq(failures, 3, "%s %d: %u", names[k], loading, failures);
            OK(&f, save(f.ckks, k, path[k]));
        }
}

Test(ckks_damage, full_disk)
{
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t room = 0; room <= 600; room += 300)
        for (int k = PARAMS; k < OBJECTS; k++) {
            struct rlimit limit = {room, RLIM_INFINITY};
            cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
            hel_status status = save(f.ckks, k, path[k]);
            limit.rlim_cur = RLIM_INFINITY;
            cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
            cr_assert_eq(status, HEL_E_IO, "%s: %s", names[k], hel_engine_error(f.engine));
            cr_assert(strstr(hel_engine_error(f.engine), path[k]), "%s",
                      hel_engine_error(f.engine));
            no_trace(k);
        }
}

/* A save that fails leaves the file that was there. */
Test(ckks_damage, full_disk_keeps_the_old_file)
{
    save_all();
    signal(SIGXFSZ, SIG_IGN);
    for (int k = PARAMS; k < OBJECTS; k++) {
        struct rlimit limit = {600, RLIM_INFINITY};
        size_t size, again;
        uint8_t *before = test_read_file(path[k], &size);
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        if (k == SECRET)
            cr_assert_eq(hel_ckks_secret_save(f.ckks, path[k], f.secret, NULL), HEL_E_USAGE);
        else
            cr_assert_eq(save(f.ckks, k, path[k]), HEL_E_IO);
        limit.rlim_cur = RLIM_INFINITY;
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        uint8_t *after = test_read_file(path[k], &again);
        cr_assert(size == again && memcmp(before, after, size) == 0);
        free(before);
        free(after);
    }
}
