/*
 * A compute centre that lies. Every forged file of sums has a perfect frame, and all of them meet
 * the same verdict: nothing released, the rejection counted, the key retired after three.
 */
#include "host/store/keyfile.h"
#include "tests/e2e/toy_cohort.h"

enum { SAMPLES = 200, VARIANTS = 1500, LIMBS_MAX = 4 }; /* two chunks, two blocks */

typedef struct attack {
    toy t;
    uint8_t *honest; /* the file of sums */
    size_t bytes;
    hel_sums_layout layout;
    uint32_t prime[LIMBS_MAX], n;
    uint64_t scale; /* a sum's factor in the phase */
    char table[2 * PATH_MAX], key[2 * PATH_MAX], sums[2 * PATH_MAX], counter[2 * PATH_MAX];
} attack;

static void start(attack *a)
{
    uint64_t body, bytes;
    toy_start(&a->t, SAMPLES, VARIANTS);
    toy_scan(&a->t);
    snprintf(a->key, sizeof a->key, "%s", e2e_path(&a->t.e, ".key"));
    snprintf(a->sums, sizeof a->sums, "%s", e2e_path(&a->t.e, ".sums"));
    snprintf(a->table, sizeof a->table, "%s", e2e_path(&a->t.e, ".Q1.glm.linear"));
    snprintf(a->counter, sizeof a->counter, "%s", e2e_path(&a->t.e, ".key.rejections"));
    a->honest = test_read_file(a->sums, &a->bytes);
    toy_find(a->honest, HEL_SECTION_CIPHER, &body);
    uint8_t *layout = toy_find(a->honest, HEL_SECTION_LAYOUT, &bytes);
    cr_assert_eq(hel_sums_layout_decode(a->t.e.engine, layout, bytes, body, &a->layout), HEL_OK);
    cr_assert(a->layout.chunks == 2 && a->layout.blocks == 2 && a->layout.outputs >= 3);
    cr_assert_leq(a->layout.limbs, LIMBS_MAX);
    cr_assert_eq(hel_prime_chain(a->t.e.engine, a->layout.log_n, a->layout.limbs, a->prime),
                 HEL_OK);
    a->n = 1u << a->layout.log_n;
    a->scale = a->t.params.dz << a->t.params.da_shift;
}

static void stop(attack *a)
{
    free(a->honest);
    toy_stop(&a->t);
}

/* ---- forgeries: each changes the pairs (r0, r1) of a copy of the honest file ---- */

typedef struct forgery {
    const attack *a;
    uint32_t *body;
} forgery;

static size_t pair_words(const forgery *f)
{
    return 2 * (size_t)f->a->layout.limbs * f->a->n;
}

static uint32_t *pair(const forgery *f, uint32_t chunk, uint32_t block, uint32_t output)
{
    const hel_sums_layout *l = &f->a->layout;
    return f->body + (((size_t)chunk * l->blocks + block) * l->outputs + output) * pair_words(f);
}

/* Adds times x scale to coefficient j of half `half` of a pair. */
static void add(const forgery *f, uint32_t *p, int half, uint32_t j, int times)
{
    for (uint32_t i = 0; i < f->a->layout.limbs; i++) {
        uint32_t q = f->a->prime[i], s = (uint32_t)(f->a->scale % q);
        uint32_t *at = p + ((size_t)half * f->a->layout.limbs + i) * f->a->n + j;
        *at = (uint32_t)(((uint64_t)*at + (times > 0 ? s : q - s)) % q);
    }
}

static void exchange(const forgery *f, uint32_t *x, uint32_t *y, size_t pairs)
{
    for (size_t i = 0; i < pairs * pair_words(f); i++) {
        uint32_t keep = x[i];
        x[i] = y[i];
        y[i] = keep;
    }
}

static void one_too_many(const forgery *f)
{
    add(f, pair(f, 0, 0, 0), 0, 0, 1);
}

static void one_too_few_at_the_end(const forgery *f)
{
    const hel_sums_layout *l = &f->a->layout;
    add(f, pair(f, l->chunks - 1, l->blocks - 1, l->outputs - 1), 0,
        (uint32_t)((l->variants - 1) % f->a->n), -1);
}

/* Behind the last variant every sum is 0: not a place to hide anything. */
static void one_in_the_padding(const forgery *f)
{
    add(f, pair(f, 0, f->a->layout.blocks - 1, 0), 0, f->a->n - 1, 1);
}

static void moved_from_variant_to_variant(const forgery *f)
{
    add(f, pair(f, 0, 0, 0), 0, 3, 1);
    add(f, pair(f, 0, 0, 0), 0, 4, -1);
}

static void moved_from_chunk_to_chunk(const forgery *f)
{
    add(f, pair(f, 0, 0, 1), 0, 7, 1);
    add(f, pair(f, 1, 0, 1), 0, 7, -1);
}

static void block_replayed(const forgery *f)
{
    for (uint32_t chunk = 0; chunk < f->a->layout.chunks; chunk++)
        memcpy(pair(f, chunk, 1, 0), pair(f, chunk, 0, 0),
               f->a->layout.outputs * pair_words(f) * sizeof(uint32_t));
}

static void outputs_swapped(const forgery *f)
{
    for (uint32_t chunk = 0; chunk < f->a->layout.chunks; chunk++)
        exchange(f, pair(f, chunk, 0, 1), pair(f, chunk, 0, 2), 1);
}

static void chunks_swapped(const forgery *f)
{
    exchange(f, pair(f, 0, 0, 0), pair(f, 1, 0, 0),
             (size_t)f->a->layout.blocks * f->a->layout.outputs);
}

/* (0, scale) decrypts to the key's own coefficients. */
static void key_asked_for(const forgery *f)
{
    memset(pair(f, 0, 0, 0), 0, pair_words(f) * sizeof(uint32_t));
    add(f, pair(f, 0, 0, 0), 1, 0, 1);
}

static void key_asked_for_everywhere(const forgery *f)
{
    const hel_sums_layout *l = &f->a->layout;
    memset(f->body, 0, (size_t)l->chunks * l->blocks * l->outputs * pair_words(f) * 4);
    for (uint32_t o = 0; o < l->outputs; o++)
        add(f, pair(f, 0, 0, o), 1, 0, 1);
}

/* The key's coefficients on top of honest sums pass any check of ranges. */
static void key_added_to_honest_sums(const forgery *f)
{
    add(f, pair(f, 0, 0, 0), 1, 0, 1);
}

static void all_zero(const forgery *f)
{
    const hel_sums_layout *l = &f->a->layout;
    memset(f->body, 0, (size_t)l->chunks * l->blocks * l->outputs * pair_words(f) * 4);
}

/* No residues at all: words beyond every prime. */
static void no_residues(const forgery *f)
{
    memset(pair(f, 1, 1, 0), 0xff, pair_words(f) * sizeof(uint32_t));
}

/* The honest residue plus its prime: the same number, another spelling. */
static void residue_not_reduced(const forgery *f)
{
    *pair(f, 0, 0, 0) += f->a->prime[0];
}

static const struct {
    const char *name;
    void (*forge)(const forgery *f);
} forgeries[] = {
    {"one too many", one_too_many},
    {"one too few at the end", one_too_few_at_the_end},
    {"one in the padding", one_in_the_padding},
    {"moved from variant to variant", moved_from_variant_to_variant},
    {"moved from chunk to chunk", moved_from_chunk_to_chunk},
    {"block replayed", block_replayed},
    {"outputs swapped", outputs_swapped},
    {"chunks swapped", chunks_swapped},
    {"key asked for", key_asked_for},
    {"key asked for everywhere", key_asked_for_everywhere},
    {"key added to honest sums", key_added_to_honest_sums},
    {"all zero", all_zero},
    {"no residues", no_residues},
    {"residue not reduced", residue_not_reduced},
};
enum { FORGERIES = sizeof forgeries / sizeof forgeries[0] };

static void write_forged(const attack *a, void (*forge)(const forgery *f))
{
    uint64_t body;
    uint8_t *file = malloc(a->bytes);
    memcpy(file, a->honest, a->bytes);
    forgery f = {.a = a, .body = (uint32_t *)(void *)toy_find(file, HEL_SECTION_CIPHER, &body)};
    forge(&f);
    repair_sums(file, a->bytes);
    repair_digests(file, a->bytes);
    test_write_file(a->sums, file, a->bytes, 0644);
    free(file);
    cr_assert_eq(hel_verify_file(a->t.e.engine, a->sums), HEL_OK, "%s",
                 hel_engine_error(a->t.e.engine));
}

static uint32_t rejections(const attack *a)
{
    uint32_t count = 99;
    cr_assert_eq(hel_keyfile_rejections(a->t.e.engine, a->key, &count), HEL_OK);
    return count;
}

Test(attack, every_forgery_meets_one_verdict, .timeout = 300)
{
    attack a;
    char text[2048] = "";
    start(&a);
    E2E_OK(&a.t.e, e2e_decrypt(&a.t.e, 0, -1));
    cr_assert_eq(unlink(a.table), 0);
    cr_assert_eq(rejections(&a), 0);
    for (int i = 0; i < FORGERIES; i++) {
        write_forged(&a, forgeries[i].forge);
        hel_status status = e2e_decrypt(&a.t.e, 0, -1);
        cr_assert_eq(status, HEL_E_VERIFY, "%s: %s: %s", forgeries[i].name, hel_status_name(status),
                     hel_engine_error(a.t.e.engine));
        if (i == 0)
            snprintf(text, sizeof text, "%s", hel_engine_error(a.t.e.engine));
        cr_assert_str_eq(hel_engine_error(a.t.e.engine), text);
        cr_assert_eq(toy_count(&a.t, ".glm.linear"), 0, "%s: a table", forgeries[i].name);
        cr_assert_eq(toy_count(&a.t, ".part"), 0, "%s: a half table", forgeries[i].name);
        cr_assert_eq(rejections(&a), 1, "%s: not counted", forgeries[i].name);
        cr_assert_eq(unlink(a.counter), 0); /* a fresh counter, to meet the verdict again */
    }
    cr_assert(strstr(text, ".sums") && strstr(text, "verification"));
    test_write_file(a.sums, a.honest, a.bytes, 0644);
    E2E_OK(&a.t.e, e2e_decrypt(&a.t.e, 0, -1));
    cr_assert(test_exists(a.table));
    cr_assert_eq(rejections(&a), 0);
    stop(&a);
}

/* An older table stays as it was: a rejected file does not touch it. */
Test(attack, three_rejections_retire_the_key, .timeout = 300)
{
    attack a;
    size_t bytes;
    start(&a);
    E2E_OK(&a.t.e, e2e_decrypt(&a.t.e, 0, -1));
    uint8_t *table = test_read_file(a.table, &bytes);
    for (uint32_t i = 0; i < 3; i++) {
        write_forged(&a, forgeries[i].forge);
        E2E_FAILS(&a.t.e, e2e_decrypt(&a.t.e, 0, -1), HEL_E_VERIFY, "verification");
        cr_assert_eq(rejections(&a), i + 1);
    }
    test_write_file(a.sums, a.honest, a.bytes, 0644);
    E2E_FAILS(&a.t.e, e2e_decrypt(&a.t.e, 0, -1), HEL_E_SECURITY, "retired");
    E2E_FAILS(&a.t.e, e2e_encrypt(&a.t.e, a.t.e.prefix, 0), HEL_E_SECURITY, "retired");
    E2E_FAILS(&a.t.e, toy_null(&a.t), HEL_E_SECURITY, "retired");
    cr_assert(strstr(hel_engine_error(a.t.e.engine), a.key));
    cr_assert(toy_same(a.table, table, bytes));
    cr_assert_eq(hel_status_exit_code(HEL_E_SECURITY), 78);
    E2E_OK(&a.t.e, e2e_scan(&a.t.e)); /* the centre has no part in this */
    /* The owner who knows why takes the counter away; nothing else brings the key back. */
    cr_assert_eq(unlink(a.counter), 0);
    E2E_OK(&a.t.e, e2e_decrypt(&a.t.e, 0, -1));
    cr_assert(toy_same(a.table, table, bytes));
    free(table);
    stop(&a);
}

/* A new key in the place of a retired one has no rejections of its own. */
Test(attack, a_new_key_starts_anew, .timeout = 300)
{
    toy t;
    toy_start(&t, 70, 50);
    E2E_OK(&t.e, e2e_keygen(&t.e, &t.params));
    const char *key = e2e_path(&t.e, ".key");
    for (int i = 0; i < 3; i++)
        E2E_OK(&t.e, hel_keyfile_reject(t.e.engine, key));
    E2E_FAILS(&t.e, e2e_encrypt(&t.e, t.e.prefix, 0), HEL_E_SECURITY, "retired");
    E2E_FAILS(&t.e, e2e_keygen(&t.e, &t.params), HEL_E_USAGE, "never overwritten");
    E2E_FAILS(&t.e, e2e_encrypt(&t.e, t.e.prefix, 0), HEL_E_SECURITY, "retired");
    hel_keygen_config c = HEL_KEYGEN_CONFIG_INIT;
    c.out = t.e.prefix;
    c.params = &t.params;
    c.overwrite = 1;
    E2E_OK(&t.e, hel_keygen(t.e.engine, &c));
    E2E_OK(&t.e, e2e_encrypt(&t.e, t.e.prefix, 0));
    toy_stop(&t);
}
