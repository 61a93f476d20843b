/*
 * Damaged files: every kind, cut and bit-flipped in every part of it. Whoever opens such a file
 * names it, says where, writes nothing and leaves older results alone.
 */
#include "tests/e2e/program.h"
#include "tests/e2e/toy_cohort.h"

typedef struct consumer {
    const char *suffix, *name;
    hel_status (*step)(toy *t);
    const char *output; /* the step's result, which must stay as it was */
    uint32_t unread;    /* a section that the step does not need */
} consumer;

static hel_status step_encrypt(toy *t)
{
    return e2e_encrypt(&t->e, t->e.prefix, 0);
}

static hel_status step_scan(toy *t)
{
    return e2e_scan(&t->e);
}

static hel_status step_decrypt(toy *t)
{
    return e2e_decrypt(&t->e, 0, -1);
}

static int swallow(void *arg, const char *text)
{
    (void)arg;
    return text[0] == 0;
}

static const consumer consumers[] = {
    {".key", "key, encrypt", step_encrypt, ".geno", 0},
    {".key", "key, null", toy_null, ".weights", 0},
    {".key", "key, decrypt", step_decrypt, ".Q1.glm.linear", 0},
    {".private", "dataset, null", toy_null, ".model", 0},
    {".private", "dataset, decrypt", step_decrypt, ".Q1.glm.linear", 0},
    {".evk", "keys, scan", step_scan, ".sums", 0},
    {".geno", "genotypes, scan", step_scan, ".sums", HEL_SECTION_PARAMS},
    {".weights", "weights, scan", step_scan, ".sums", HEL_SECTION_PARAMS},
    {".sums", "sums, decrypt", step_decrypt, ".Q1.glm.linear", 0},
    {".model", "model, decrypt", step_decrypt, ".Q1.glm.linear", 0},
};
enum { CONSUMERS = sizeof consumers / sizeof consumers[0], SECTIONS_MAX = 16 };

typedef struct damage {
    toy t;
    const consumer *c;
    char path[2 * PATH_MAX], output[2 * PATH_MAX];
    uint8_t *whole, *before; /* the file as it was; the step's older result */
    size_t bytes, before_bytes;
    mode_t mode;
} damage;

static void start(damage *d, const consumer *c)
{
    toy_start(&d->t, 130, 1100); /* two chunks, two blocks */
    toy_scan(&d->t);
    E2E_OK(&d->t.e, e2e_decrypt(&d->t.e, 0, -1));
    d->c = c;
    snprintf(d->path, sizeof d->path, "%s", e2e_path(&d->t.e, c->suffix));
    snprintf(d->output, sizeof d->output, "%s", e2e_path(&d->t.e, c->output));
    d->whole = test_read_file(d->path, &d->bytes);
    d->before = test_read_file(d->output, &d->before_bytes);
    struct stat info;
    cr_assert_eq(stat(d->path, &info), 0);
    d->mode = info.st_mode & 0777;
}

static void stop(damage *d)
{
    free(d->whole);
    free(d->before);
    toy_stop(&d->t);
}

static void must_be_refused(damage *d, const char *what, uint64_t at)
{
    hel_engine *engine = d->t.e.engine;
    hel_status status = hel_verify_file(engine, d->path);
    cr_assert_eq(status, HEL_E_FORMAT, "%s, %s at %llu: verify says %s", d->c->name, what,
                 (unsigned long long)at, hel_status_name(status));
    cr_assert(strstr(hel_engine_error(engine), d->path), "%s", hel_engine_error(engine));
    status = d->c->step(&d->t);
    cr_assert_eq(status, HEL_E_FORMAT, "%s, %s at %llu: got %s (%s)", d->c->name, what,
                 (unsigned long long)at, hel_status_name(status), hel_engine_error(engine));
    cr_assert(strstr(hel_engine_error(engine), d->path), "%s, %s: the text lacks the file: %s",
              d->c->name, what, hel_engine_error(engine));
    cr_assert(toy_same(d->output, d->before, d->before_bytes), "%s, %s: the result changed",
              d->c->name, what);
    cr_assert_eq(toy_count(&d->t, ".part"), 0, "%s, %s: a .part is left", d->c->name, what);
}

static void flip(damage *d, const char *what, uint64_t at, uint64_t *random)
{
    uint8_t bit = (uint8_t)(1u << (test_random(random) % 8));
    cr_assert_lt(at, d->bytes);
    d->whole[at] ^= bit;
    test_write_file(d->path, d->whole, d->bytes, d->mode);
    must_be_refused(d, what, at);
    d->whole[at] ^= bit;
}

/* First, last and a random byte of every part; a flip in a section names the section. */
static void flip_everywhere(damage *d)
{
    uint64_t random = test_seed();
    toy_section s[SECTIONS_MAX];
    uint32_t count = toy_sections(d->whole, s, SECTIONS_MAX);
    uint64_t table = repair_get(d->whole + 32, 8), end = 512;
    const uint64_t header[] = {0,   8,   12,  20,  24,  32,  48,  56,  64,  96,
                               128, 160, 192, 224, 256, 288, 304, 448, 480, 511};
    for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
        flip(d, "header", header[i], &random);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t at[] = {0, s[i].bytes - 1, test_random(&random) % s[i].bytes};
        char name[8] = {0};
        repair_put((uint8_t *)name, 4, s[i].id);
        for (size_t k = 0; k < 3 && s[i].id != d->c->unread; k++) {
            flip(d, name, s[i].offset + at[k], &random);
            cr_assert(strstr(hel_engine_error(d->t.e.engine), name), "%s is not named: %s", name,
                      hel_engine_error(d->t.e.engine));
        }
        if (end < s[i].offset)
            flip(d, "padding", s[i].offset - 1, &random);
        end = s[i].offset + s[i].bytes;
    }
    flip(d, "table", table, &random);
    flip(d, "table", table + 32 * count - 1, &random);
    flip(d, "checksums", table + 32 * count, &random);
    flip(d, "checksums", d->bytes - 33, &random);
    flip(d, "closing digest", d->bytes - 32, &random);
    flip(d, "closing digest", d->bytes - 1, &random);
}

static void cut(damage *d, uint64_t bytes)
{
    test_write_file(d->path, d->whole, bytes, d->mode);
    must_be_refused(d, "cut", bytes);
}

static void cut_everywhere(damage *d)
{
    toy_section s[SECTIONS_MAX];
    uint32_t count = toy_sections(d->whole, s, SECTIONS_MAX);
    const uint64_t at[] = {
        0, 1, 8, 511, 512, 543, 544, repair_get(d->whole + 32, 8), d->bytes - 32, d->bytes - 1};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        cut(d, at[i]);
    for (uint32_t i = 0; i < count; i++) {
        cut(d, s[i].offset);
        cut(d, s[i].offset + s[i].bytes / 2);
        cut(d, s[i].offset + s[i].bytes);
    }
    uint8_t *longer = calloc(1, d->bytes + 64);
    memcpy(longer, d->whole, d->bytes);
    test_write_file(d->path, longer, d->bytes + 64, d->mode);
    must_be_refused(d, "bytes appended", d->bytes);
    free(longer);
}

static void damage_kind(const consumer *c)
{
    damage d;
    start(&d, c);
    flip_everywhere(&d);
    cut_everywhere(&d);
    test_write_file(d.path, d.whole, d.bytes, d.mode);
    E2E_OK(&d.t.e, c->step(&d.t));
    stop(&d);
}

#define DAMAGE_TEST(name, first, last)                                                             \
    Test(damage, name, .timeout = 300)                                                             \
    {                                                                                              \
        for (int i = (first); i <= (last); i++)                                                    \
            damage_kind(&consumers[i]);                                                            \
    }

DAMAGE_TEST(secret_key, 0, 2)
DAMAGE_TEST(dataset, 3, 4)
DAMAGE_TEST(evaluation_keys, 5, 5)
DAMAGE_TEST(genotypes, 6, 6)
DAMAGE_TEST(weights, 7, 7)
DAMAGE_TEST(sums, 8, 8)
DAMAGE_TEST(model, 9, 9)

/* What no reader needs is still checked by `heloci verify`. */
Test(damage, verify_sees_unread_sections)
{
    static const char *const suffixes[] = {".geno", ".weights"};
    toy t;
    size_t bytes;
    uint64_t section;
    toy_start(&t, 70, 50);
    toy_scan(&t);
    for (int i = 0; i < 2; i++) {
        const char *path = e2e_path(&t.e, suffixes[i]);
        uint8_t *file = test_read_file(path, &bytes);
        toy_find(file, HEL_SECTION_PARAMS, &section)[5] ^= 4;
        test_write_file(path, file, bytes, 0644);
        E2E_FAILS(&t.e, hel_verify_file(t.e.engine, path), HEL_E_FORMAT, "PARM");
        free(file);
    }
    toy_stop(&t);
}

/* Changes with perfect checksums: in owner-only files the MAC finds them. */
Test(damage, repaired_owner_files_fail_their_mac, .timeout = 300)
{
    static const struct {
        const char *suffix;
        uint32_t section;
        hel_status (*step)(toy *t);
    } rows[] = {{".private", HEL_SECTION_SAMPLES, toy_null},
                {".private", HEL_SECTION_VARIANTS, step_decrypt},
                {".private", HEL_SECTION_MISSING, step_decrypt},
                {".private", HEL_SECTION_DIGESTS, step_decrypt},
                {".private", HEL_SECTION_LAYOUT, step_decrypt},
                {".private", HEL_SECTION_MAC, step_decrypt},
                {".model", HEL_SECTION_MODEL, step_decrypt},
                {".model", HEL_SECTION_MAC, step_decrypt}};
    toy t;
    size_t bytes;
    uint64_t section;
    char path[2 * PATH_MAX];
    toy_start(&t, 70, 50);
    toy_scan(&t);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(path, sizeof path, "%s", e2e_path(&t.e, rows[i].suffix));
        uint8_t *file = test_read_file(path, &bytes),
                *part = toy_find(file, rows[i].section, &section);
        part[section / 2] ^= 1;
        repair_sums(file, bytes);
        repair_digests(file, bytes);
        test_write_file(path, file, bytes, 0600);
        cr_assert_eq(hel_verify_file(t.e.engine, path), HEL_OK);
        E2E_FAILS(&t.e, rows[i].step(&t), HEL_E_MISMATCH, path);
        part[section / 2] ^= 1;
        repair_sums(file, bytes);
        repair_digests(file, bytes);
        test_write_file(path, file, bytes, 0600);
        free(file);
    }
    E2E_OK(&t.e, e2e_decrypt(&t.e, 0, -1));
    toy_stop(&t);
}

/* Random bytes of the small sections changed, all checksums perfect: any answer but a crash, a leak
 * or an internal error, from the step and from inspect. */
Test(damage, hostile_sections, .timeout = 300)
{
    static const struct {
        const char *suffix;
        uint32_t section;
        hel_status (*step)(toy *t);
    } rows[] = {
        {".geno", HEL_SECTION_LAYOUT, step_scan},     {".weights", HEL_SECTION_LAYOUT, step_scan},
        {".weights", HEL_SECTION_COLUMNS, step_scan}, {".evk", HEL_SECTION_PARAMS, step_scan},
        {".evk", HEL_SECTION_RELIN, step_scan},       {".sums", HEL_SECTION_LAYOUT, step_decrypt},
        {".key", HEL_SECTION_PARAMS, step_decrypt},   {".key", HEL_SECTION_SECRET, step_decrypt},
        {".model", HEL_SECTION_MODEL, step_decrypt}};
    toy t;
    uint64_t random = test_seed();
    toy_start(&t, 70, 50);
    toy_scan(&t);
    const uint64_t before = hel_mem_in_use();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t bytes;
        uint64_t section;
        char path[2 * PATH_MAX];
        snprintf(path, sizeof path, "%s", e2e_path(&t.e, rows[i].suffix));
        uint8_t *file = test_read_file(path, &bytes);
        uint8_t *part = toy_find(file, rows[i].section, &section);
        for (size_t k = 0; k < test_scale(30); k++) {
            uint64_t at = test_random(&random) % (section < 64 ? section : 64);
            uint8_t old = part[at];
            part[at] = (uint8_t)(k % 3 ? test_random(&random) : k % 2 ? 255 : 0);
            repair_sums(file, bytes);
            repair_digests(file, bytes);
            test_write_file(path, file, bytes, 0600);
            hel_status step = rows[i].step(&t);
            cr_assert(step != HEL_E_INTERNAL && step != HEL_E_IO && step != HEL_E_MEMORY,
                      "%s, byte %llu = %u: %s", rows[i].suffix, (unsigned long long)at, part[at],
                      hel_status_name(step));
            cr_assert(step == HEL_OK || hel_engine_error(t.e.engine)[0]);
            hel_status inspect = hel_inspect(t.e.engine, path, swallow, NULL);
            cr_assert(inspect == HEL_OK || inspect == HEL_E_FORMAT, "%s, byte %llu: %s",
                      rows[i].suffix, (unsigned long long)at, hel_status_name(inspect));
            cr_assert_eq(hel_mem_in_use(), before);
            unlink(e2e_path(&t.e, ".key.rejections"));
            part[at] = old;
        }
        repair_sums(file, bytes);
        repair_digests(file, bytes);
        test_write_file(path, file, bytes, 0600);
        free(file);
    }
    E2E_OK(&t.e, e2e_scan(&t.e));
    E2E_OK(&t.e, e2e_decrypt(&t.e, 0, -1));
    toy_stop(&t);
}

/* One file in another's place: the kind is named. */
Test(damage, kinds_are_not_confused, .timeout = 300)
{
    static const char *const suffixes[] = {".key",     ".private", ".evk",  ".geno",
                                           ".weights", ".sums",    ".model"};
    toy t;
    char keep[2 * PATH_MAX], path[2 * PATH_MAX];
    toy_start(&t, 70, 50);
    toy_scan(&t);
    for (int c = 0; c < CONSUMERS; c++) {
        snprintf(path, sizeof path, "%s", e2e_path(&t.e, consumers[c].suffix));
        snprintf(keep, sizeof keep, "%s/keep", t.e.dir.path);
        cr_assert_eq(rename(path, keep), 0);
        for (int s = 0; s < 7; s++) {
            const char *other = e2e_path(&t.e, suffixes[s]);
            if (strcmp(consumers[c].suffix, suffixes[s]) == 0)
                continue;
            toy_copy(other, path, 0600);
            E2E_FAILS(&t.e, consumers[c].step(&t), HEL_E_FORMAT, path);
        }
        cr_assert_eq(unlink(path), 0);
        hel_status status = consumers[c].step(&t);
        cr_assert_eq(status, HEL_E_IO, "%s absent: %s", consumers[c].name, hel_status_name(status));
        cr_assert(strstr(hel_engine_error(t.e.engine), path));
        cr_assert_eq(rename(keep, path), 0);
    }
    toy_stop(&t);
}

/* Owner-only files that others may read are refused, by the program with its own exit code. */
Test(damage, open_modes_are_refused)
{
    toy t;
    program_result r;
    toy_start(&t, 70, 50);
    toy_scan(&t);
    for (int c = 0; c < CONSUMERS; c++) {
        const char *path = e2e_path(&t.e, consumers[c].suffix);
        if (strcmp(consumers[c].suffix, ".key") != 0 &&
            strcmp(consumers[c].suffix, ".private") != 0 &&
            strcmp(consumers[c].suffix, ".model") != 0)
            continue;
        cr_assert_eq(chmod(path, 0640), 0);
        E2E_FAILS(&t.e, consumers[c].step(&t), HEL_E_PERMISSION, path);
        program_run(&r, "verify", path, NULL);
        cr_assert_eq(r.code, 77, "%d: %s", r.code, r.err);
        cr_assert(strstr(r.err, path));
        cr_assert_eq(chmod(path, 0600), 0);
    }
    toy_stop(&t);
}

Test(damage, the_program_says_it_too)
{
    toy t;
    program_result r;
    size_t bytes;
    toy_start(&t, 70, 50);
    toy_scan(&t);
    const char *path = e2e_path(&t.e, ".geno");
    uint8_t *file = test_read_file(path, &bytes);
    file[bytes / 2] ^= 16;
    test_write_file(path, file, bytes, 0644);
    free(file);
    program_run(&r, "scan", "--geno", path, "--weights", e2e_path(&t.e, ".weights"), "--evk",
                e2e_path(&t.e, ".evk"), "--out", e2e_path(&t.e, "2"), NULL);
    cr_assert_eq(r.code, 65, "%d: %s", r.code, r.err);
    cr_assert(strstr(r.err, path) && strstr(r.err, "CTXT"), "%s", r.err);
    cr_assert_not(test_exists(e2e_path(&t.e, "2.sums")));
    cr_assert_not(test_exists(e2e_path(&t.e, "2.sums.part")));
    program_run(&r, "verify", path, NULL);
    cr_assert_eq(r.code, 65, "%d: %s", r.code, r.err);
    cr_assert(strstr(r.err, path) && strstr(r.err, "CTXT"), "%s", r.err);
    program_run(&r, "inspect", e2e_path(&t.e, ".sums"), NULL);
    cr_assert_eq(r.code, 0, "%d: %s", r.code, r.err);
    toy_stop(&t);
}
