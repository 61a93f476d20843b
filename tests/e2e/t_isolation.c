/*
 * What the compute centre holds and what it cannot reach: the scan runs as a user who may not read
 * the key, among the centre's files only; none of these files contains a piece of any secret; two
 * encryptions of the same data share nothing.
 */
#include "host/ckks/exact/scheme.h"
#include "tests/e2e/program.h"
#include "tests/e2e/toy_cohort.h"

enum { NOBODY = 65534, CENTRE_FILES = 4 };

static const char *const centre_files[CENTRE_FILES] = {".geno", ".weights", ".evk", ".sums"};

/* ---- the scan, shut out of the owner's folder ---- */

typedef struct places {
    char owner[2 * PATH_MAX], centre[2 * PATH_MAX], key[3 * PATH_MAX];
} places;

static void make_places(toy *t, places *p)
{
    char to[3 * PATH_MAX];
    snprintf(p->owner, sizeof p->owner, "%s/owner", t->e.dir.path);
    snprintf(p->centre, sizeof p->centre, "%s/centre", t->e.dir.path);
    snprintf(p->key, sizeof p->key, "%s/x.key", p->owner);
    cr_assert_eq(mkdir(p->owner, 0700), 0);
    cr_assert_eq(mkdir(p->centre, 0755), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(to, sizeof to, "%s/x%s", p->centre, centre_files[i]);
        cr_assert_eq(rename(e2e_path(&t->e, centre_files[i]), to), 0);
    }
    static const char *const owners[] = {".key", ".private", ".model"};
    for (int i = 0; i < 3; i++) {
        snprintf(to, sizeof to, "%s/x%s", p->owner, owners[i]);
        cr_assert_eq(rename(e2e_path(&t->e, owners[i]), to), 0);
    }
}

static void remove_places(toy *t, const places *p)
{
    test_dir inner;
    cr_assert_eq(chmod(p->owner, 0700), 0);
    snprintf(inner.path, sizeof inner.path, "%s", p->owner);
    test_dir_remove(&inner);
    snprintf(inner.path, sizeof inner.path, "%s", p->centre);
    test_dir_remove(&inner);
    toy_stop(t);
}

/* The program as nobody (when root), in the centre's folder. 126: the program cannot be run so. */
static int run_in_centre(const places *p, const char *evk)
{
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        if (chdir(p->centre) != 0 ||
            (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) ||
            access(HEL_PROGRAM, X_OK) != 0)
            _exit(126);
        int key = open(p->key, O_RDONLY);
        if (key >= 0 || errno != EACCES)
            _exit(125); /* the lock-out does not work */
        execl(HEL_PROGRAM, "heloci", "scan", "--geno", "x.geno", "--weights", "x.weights", "--evk",
              evk, "--out", "x", "--quiet", (char *)NULL);
        _exit(126);
    }
    int state;
    cr_assert_eq(waitpid(pid, &state, 0), pid);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

Test(isolation, the_scan_needs_no_secret, .timeout = 300)
{
    toy t;
    places p;
    char sums[3 * PATH_MAX];
    toy_start(&t, 150, 1200);
    toy_scan(&t);
    make_places(&t, &p);
    if (geteuid() == 0) {
        cr_assert_eq(chown(p.centre, NOBODY, NOBODY), 0);
        cr_assert_eq(chmod(t.e.dir.path, 0755), 0); /* the way to the centre's folder */
    } else {
        cr_assert_eq(chmod(p.owner, 0000), 0);
    }
    int code = run_in_centre(&p, "x.evk");
    if (code == 126) {
        remove_places(&t, &p);
        cr_skip_test("%s cannot be run by another user", HEL_PROGRAM);
    }
    cr_assert_eq(code, 0, "exit %d", code);
    cr_assert_eq(run_in_centre(&p, p.key), 77); /* asked to open the key, it cannot */

    /* What it wrote is what the owner wants. */
    cr_assert_eq(chmod(p.owner, 0700), 0);
    snprintf(sums, sizeof sums, "%s/x.sums", p.centre);
    cr_assert_eq(unlink(e2e_path(&t.e, ".sums")), 0);
    cr_assert_eq(rename(sums, e2e_path(&t.e, ".sums")), 0);
    static const char *const owners[] = {".key", ".private", ".model"};
    char from[3 * PATH_MAX];
    for (int i = 0; i < 3; i++) {
        snprintf(from, sizeof from, "%s/x%s", p.owner, owners[i]);
        cr_assert_eq(rename(from, e2e_path(&t.e, owners[i])), 0);
    }
    e2e_compare_sums(&t.e, t.cohort.calls);
    remove_places(&t, &p);
}

/* ---- search for secrets ---- */

enum { WINDOW = 16, FILTER_BITS = 24, WINDOWS_MAX = 1 << 20 };

typedef struct searcher {
    uint8_t *filter;      /* bits of the windows' hashes */
    const uint8_t **item; /* windows sorted by hash bucket: open addressing */
    uint32_t windows;
} searcher;

static uint32_t hash_of(const uint8_t *p)
{
    uint64_t a, b;
    memcpy(&a, p, 8);
    memcpy(&b, p + 8, 8);
    return (uint32_t)(((a * 0x9e3779b97f4a7c15u) ^ (b * 0xc2b2ae3d27d4eb4fu)) >>
                      (64 - FILTER_BITS));
}

/* A window of at least six distinct bytes, so that runs of padding are none. */
static int says_something(const uint8_t *p)
{
    uint8_t seen[256] = {0};
    int distinct = 0;
    for (int i = 0; i < WINDOW; i++)
        distinct += !seen[p[i]]++;
    return distinct >= 6;
}

static searcher search_new(void)
{
    searcher s = {calloc((1u << FILTER_BITS) / 8, 1), calloc(1u << FILTER_BITS, sizeof *s.item), 0};
    cr_assert(s.filter && s.item);
    return s;
}

static void search_free(searcher *s)
{
    free(s->filter);
    free(s->item);
}

/* Every window of the secret, at every byte. */
static void search_add(searcher *s, const void *secret, size_t bytes)
{
    const uint8_t *p = secret;
    for (size_t at = 0; at + WINDOW <= bytes; at++) {
        if (!says_something(p + at))
            continue;
        uint32_t h = hash_of(p + at);
        s->filter[h / 8] |= (uint8_t)(1u << (h % 8));
        while (s->item[h])
            h = (h + 1) & ((1u << FILTER_BITS) - 1);
        s->item[h] = p + at;
        cr_assert_lt(++s->windows, (uint32_t)WINDOWS_MAX);
    }
}

/* First position that holds a window; -1 for none. */
static int64_t search_in(const searcher *s, const uint8_t *data, size_t bytes)
{
    for (size_t at = 0; at + WINDOW <= bytes; at++) {
        uint32_t h = hash_of(data + at);
        if (!(s->filter[h / 8] >> (h % 8) & 1))
            continue;
        for (; s->item[h]; h = (h + 1) & ((1u << FILTER_BITS) - 1))
            if (memcmp(s->item[h], data + at, WINDOW) == 0)
                return (int64_t)at;
    }
    return -1;
}

/* Ternary coefficients have three byte values, so these forms are searched in longer pieces. */
static void must_not_hold_run(const char *name, const uint8_t *data, size_t bytes,
                              const void *secret, size_t secret_bytes, size_t piece)
{
    for (size_t at = 0; at + piece <= secret_bytes; at += piece)
        cr_assert(!memmem(data, bytes, (const uint8_t *)secret + at, piece),
                  "%s holds coefficients of the key", name);
}

Test(isolation, no_file_of_the_centre_holds_a_secret, .timeout = 600)
{
    toy t;
    hel_owner owner;
    size_t key_bytes, private_bytes, bytes;
    uint64_t section;
    uint8_t derived[2][32];
    toy_start(&t, 70, 50);
    E2E_OK(&t.e, e2e_keygen(&t.e, NULL)); /* real parameters */
    E2E_OK(&t.e, e2e_encrypt(&t.e, t.e.prefix, 0));
    E2E_OK(&t.e, toy_null(&t));
    E2E_OK(&t.e, e2e_scan(&t.e));
    E2E_OK(&t.e, hel_owner_open(t.e.engine, &owner, e2e_path(&t.e, ".key"), NULL));
    uint8_t *key = test_read_file(e2e_path(&t.e, ".key"), &key_bytes);
    uint8_t *dataset = test_read_file(e2e_path(&t.e, ".private"), &private_bytes);
    const hel_secret_key *k = owner.key;
    const size_t n = k->n;

    searcher s = search_new();
    /* the file's section: 80 bytes of sealing; version, log N and key id are no secrets */
    const uint8_t *packed = toy_find(key, HEL_SECTION_SECRET, &section);
    cr_assert_eq(section, 80 + 24 + 32 + n / 4);
    cr_assert_eq(memcmp(packed + 104, k->owner, 32), 0);
    search_add(&s, packed + 104, 32 + n / 4);
    search_add(&s, k->s_ntt, k->total * n * 4);
    search_add(&s, k->s2_ntt, owner.scheme->params.scan_limbs * n * 4);
    /* sub-secrets and the digests that verify sums */
    memcpy(derived[0], owner.mac_key, 32);
    E2E_OK(&t.e, hel_owner_secret(t.e.engine, k, "freivalds", dataset + 160, 32, derived[1]));
    search_add(&s, derived, sizeof derived);
    uint8_t *digests = toy_find(dataset, HEL_SECTION_DIGESTS, &section);
    search_add(&s, digests, section);
    cr_assert_gt(s.windows, (uint32_t)(k->total * n * 4));

    uint32_t *words = calloc(n, sizeof *words); /* s modulo the first prime, coefficient form */
    uint32_t prime[1];
    E2E_OK(&t.e, hel_prime_chain(t.e.engine, owner.scheme->params.log_n, 1, prime));
    for (size_t j = 0; j < n; j++)
        words[j] = k->s[j] < 0 ? prime[0] - 1 : (uint32_t)k->s[j];

    for (int f = 0; f < CENTRE_FILES; f++) {
        uint8_t *data = test_read_file(e2e_path(&t.e, centre_files[f]), &bytes);
        int64_t at = search_in(&s, data, bytes);
        cr_assert_eq(at, -1, "%s: a piece of a secret at byte %lld", centre_files[f],
                     (long long)at);
        for (size_t shift = 0; shift < 4; shift++) {
            must_not_hold_run(centre_files[f], data, bytes, k->s + shift, 64 * 8, 64);
            must_not_hold_run(centre_files[f], data, bytes, words + shift, 256 * 8, 256);
        }
        /* The search itself: a planted window is found, wherever it lies. */
        const size_t plant = 100003 % (bytes - WINDOW);
        memcpy(data + plant, packed + 104 + 32 + n / 8 + 3, WINDOW);
        at = search_in(&s, data, bytes);
        cr_assert_eq(at, (int64_t)plant, "the search found byte %lld", (long long)at);
        free(data);
    }
    free(words);
    search_free(&s);
    free(key);
    free(dataset);
    hel_owner_close(&owner);
    toy_stop(&t);
}

/* ---- two encryptions share nothing ---- */

static uint64_t first_words(const uint8_t *p)
{
    return repair_get(p, 8) ^ repair_get(p + 8, 8) << 1;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Ciphertext polynomials of two files by their first 16 bytes, limb by limb: all distinct. */
static void all_distinct(const uint8_t *a, const uint8_t *b, size_t bytes, size_t limb)
{
    const size_t count = bytes / limb;
    uint64_t *value = malloc(2 * count * sizeof *value);
    for (size_t i = 0; i < count; i++) {
        value[i] = first_words(a + i * limb);
        value[count + i] = first_words(b + i * limb);
    }
    qsort(value, 2 * count, sizeof *value, by_value);
    for (size_t i = 1; i < 2 * count; i++)
        cr_assert_neq(value[i], value[i - 1], "two polynomials begin alike");
    free(value);
}

Test(isolation, encryptions_share_nothing, .timeout = 300)
{
    static const char *const suffixes[] = {".geno", ".weights"};
    enum { SEED_AT = 128, FILE_ID_AT = 64 };
    toy t;
    uint8_t *a[2], *b[2];
    size_t bytes[2], again;
    uint64_t body, same;
    toy_start(&t, 150, 1200);
    toy_scan(&t);
    for (int i = 0; i < 2; i++)
        a[i] = test_read_file(e2e_path(&t.e, suffixes[i]), &bytes[i]);
    E2E_OK(&t.e, e2e_encrypt(&t.e, t.e.prefix, 0));
    E2E_OK(&t.e, toy_null(&t));
    for (int i = 0; i < 2; i++) {
        b[i] = test_read_file(e2e_path(&t.e, suffixes[i]), &again);
        cr_assert_eq(again, bytes[i]);
        cr_assert_neq(memcmp(a[i] + SEED_AT, b[i] + SEED_AT, 32), 0);
        cr_assert_neq(memcmp(a[i] + FILE_ID_AT, b[i] + FILE_ID_AT, 32), 0);
        const uint8_t *x = toy_find(a[i], HEL_SECTION_CIPHER, &body);
        const uint8_t *y = toy_find(b[i], HEL_SECTION_CIPHER, &same);
        cr_assert_eq(body, same);
        all_distinct(x, y, body, (size_t)4 << t.params.log_n);
    }
    /* seeds of all four files differ from one another */
    cr_assert_neq(memcmp(a[0] + SEED_AT, a[1] + SEED_AT, 32), 0);
    cr_assert_neq(memcmp(b[0] + SEED_AT, b[1] + SEED_AT, 32), 0);
    for (int i = 0; i < 2; i++) {
        free(a[i]);
        free(b[i]);
    }
    toy_stop(&t);
}
