/*
 * Real cohorts through the whole encrypted job: every decrypted sum equals the plain integer sum,
 * and one encryption serves subsets and several phenotypes with byte-identical tables. Needs
 * ../shared/data; skips where it is absent.
 */
#include "tests/e2e/e2e.h"

static int unpack(const char *name, const char *dir)
{
    char command[4 * PATH_MAX];
    snprintf(command, sizeof command, "%s/../shared/data/%s.tar.xz", HEL_SOURCE_DIR, name);
    if (!test_exists(command))
        return 0;
    snprintf(command, sizeof command, "tar xJf '%s/../shared/data/%s.tar.xz' -C '%s'",
             HEL_SOURCE_DIR, name, dir);
    return system(command) == 0;
}

typedef struct real {
    e2e e;
    char bfile[2 * PATH_MAX], pheno[2 * PATH_MAX], covar[2 * PATH_MAX];
} real;

static void real_start(real *r, const char *name, const char *covar)
{
    /* One real cohort is enough under the sanitizers: a small HEL_TEST_SCALE leaves the rest. */
    if (ref_scaled(2) < 2 && strcmp(name, "idash2018") != 0)
        cr_skip_test("%s is left to the full run", name);
    e2e_start(&r->e, 0, 0, HEL_SIMD_AUTO);
    if (!unpack(name, r->e.dir.path)) {
        test_dir_remove(&r->e.dir);
        cr_skip_test("shared/data/%s.tar.xz is not beside this checkout", name);
    }
    snprintf(r->bfile, sizeof r->bfile, "%s/%s/std/%s", r->e.dir.path, name, name);
    snprintf(r->pheno, sizeof r->pheno, "%s.pheno", r->bfile);
    snprintf(r->covar, sizeof r->covar, "%s.%s", r->bfile, covar);
}

static void real_stop(real *r)
{
    char command[2 * PATH_MAX];
    snprintf(command, sizeof command, "rm -rf '%s'", r->e.dir.path);
    cr_assert_eq(system(command), 0);
    hel_engine_free(r->e.engine);
}

/* All calls of a fileset, [variant][sample]. */
static uint8_t *all_calls(real *r)
{
    hel_samples samples;
    hel_variants variants;
    hel_bed bed;
    char path[3 * PATH_MAX];
    snprintf(path, sizeof path, "%s.fam", r->bfile);
    E2E_OK(&r->e, hel_fam_read(r->e.engine, path, &samples));
    snprintf(path, sizeof path, "%s.bim", r->bfile);
    E2E_OK(&r->e, hel_bim_read(r->e.engine, path, &variants));
    snprintf(path, sizeof path, "%s.bed", r->bfile);
    E2E_OK(&r->e, hel_bed_open(r->e.engine, &bed, path, samples.count, variants.count));
    uint8_t *calls = malloc((size_t)samples.count * variants.count);
    for (uint32_t v = 0; v < variants.count; v++)
        for (uint32_t i = 0; i < samples.count; i++) {
            static const uint8_t code[4] = {2, 3, 1, 0};
            calls[(size_t)v * samples.count + i] =
                code[bed.map.data[3 + v * bed.stride + i / 4] >> 2 * (i % 4) & 3];
        }
    hel_bed_close(&bed);
    hel_samples_free(&samples);
    hel_variants_free(&variants);
    return calls;
}

/* phenotypes NULL: all */
static void exact(const char *name, const char *phenotypes, const char *covar)
{
    real r;
    real_start(&r, name, covar);
    E2E_OK(&r.e, e2e_keygen(&r.e, NULL));
    E2E_OK(&r.e, e2e_encrypt(&r.e, r.bfile, 0));
    E2E_OK(&r.e, e2e_null(&r.e, r.pheno, phenotypes, r.covar, NULL));
    E2E_OK(&r.e, e2e_scan(&r.e));
    uint8_t *calls = all_calls(&r);
    e2e_compare_sums(&r.e, calls);
    free(calls);
    real_stop(&r);
}

Test(real, exact_idash2018, .timeout = 900)
{
    exact("idash2018", NULL, "covar");
}

Test(real, exact_gemma_mouse, .timeout = 900)
{
    exact("gemma_mouse", "CD8,CD8HIGH", "covar_all");
}

Test(real, exact_rice44k, .timeout = 900)
{
    exact("rice44k", "Na_K_Shoot_LSMEAN,Plant_height", "covar_all");
}

Test(real, exact_bglr_mice, .timeout = 900)
{
    exact("bglr_mice", "BMI,ALBINO", "covar");
}

static void must_equal(const char *a, const char *b)
{
    size_t na, nb;
    uint8_t *x = test_read_file(a, &na), *y = test_read_file(b, &nb);
    cr_assert(na == nb && memcmp(x, y, na) == 0, "%s and %s differ", a, b);
    cr_assert_gt(na, 1000);
    free(x);
    free(y);
}

static void move(real *r, const char *suffix, const char *to)
{
    cr_assert_eq(rename(e2e_path(&r->e, suffix), to), 0, "%s", e2e_path(&r->e, suffix));
}

/* A subset analysed from the whole cohort's encryption = a fresh encryption of the subset. */
Test(real, keep_equals_fresh_encryption, .timeout = 900)
{
    real r;
    real_start(&r, "rice44k", "covar_all");
    hel_samples samples;
    char fam[3 * PATH_MAX], keep[2 * PATH_MAX], first[2 * PATH_MAX];
    snprintf(fam, sizeof fam, "%s.fam", r.bfile);
    snprintf(keep, sizeof keep, "%s/keep", r.e.dir.path);
    snprintf(first, sizeof first, "%s/first", r.e.dir.path);
    E2E_OK(&r.e, hel_fam_read(r.e.engine, fam, &samples));
    FILE *f = fopen(keep, "w");
    for (uint32_t i = 0, kept = 0; i < samples.count && kept < 148; i++)
        if (i % 5 != 1 && i % 5 != 3) {
            fprintf(f, "%s\t%s\n", samples.item[i].fid, samples.item[i].iid);
            kept++;
        }
    fclose(f);
    hel_samples_free(&samples);

    E2E_OK(&r.e, e2e_keygen(&r.e, NULL));
    E2E_OK(&r.e, e2e_encrypt(&r.e, r.bfile, 0));
    E2E_OK(&r.e, e2e_null(&r.e, r.pheno, "Plant_height", r.covar, keep));
    E2E_OK(&r.e, e2e_scan(&r.e));
    E2E_OK(&r.e, e2e_decrypt(&r.e, 0, -1));
    move(&r, ".Plant_height.glm.linear", first);

    hel_encrypt_config c = HEL_ENCRYPT_CONFIG_INIT;
    c.bfile = r.bfile;
    c.key = e2e_path(&r.e, ".key");
    c.out = r.e.prefix;
    c.keep = keep;
    E2E_OK(&r.e, hel_encrypt(r.e.engine, &c));
    E2E_OK(&r.e, e2e_null(&r.e, r.pheno, "Plant_height", r.covar, NULL));
    E2E_OK(&r.e, e2e_scan(&r.e));
    E2E_OK(&r.e, e2e_decrypt(&r.e, 0, -1));
    must_equal(first, e2e_path(&r.e, ".Plant_height.glm.linear"));
    real_stop(&r);
}

/* Four phenotypes in one run = single runs. */
Test(real, many_phenotypes_equal_single_runs, .timeout = 900)
{
    static const char *const names[] = {"BMI", "HDL", "ALP", "TotChol"};
    real r;
    char together[4][2 * PATH_MAX], table[64];
    real_start(&r, "bglr_mice", "covar");
    E2E_OK(&r.e, e2e_keygen(&r.e, NULL));
    E2E_OK(&r.e, e2e_encrypt(&r.e, r.bfile, 0));
    E2E_OK(&r.e, e2e_null(&r.e, r.pheno, "BMI,HDL,ALP,TotChol", r.covar, NULL));
    E2E_OK(&r.e, e2e_scan(&r.e));
    E2E_OK(&r.e, e2e_decrypt(&r.e, 0, -1));
    for (int t = 0; t < 4; t++) {
        snprintf(table, sizeof table, ".%s.glm.linear", names[t]);
        snprintf(together[t], sizeof together[t], "%s/together.%d", r.e.dir.path, t);
        move(&r, table, together[t]);
    }
    for (int t = 0; t < 4; t += 3) { /* the first and the last */
        E2E_OK(&r.e, e2e_null(&r.e, r.pheno, names[t], r.covar, NULL));
        E2E_OK(&r.e, e2e_scan(&r.e));
        E2E_OK(&r.e, e2e_decrypt(&r.e, 0, -1));
        snprintf(table, sizeof table, ".%s.glm.linear", names[t]);
        must_equal(together[t], e2e_path(&r.e, table));
    }
    real_stop(&r);
}
