/* heloci run on a small cohort: what lies where, what is cleared away, what the scan may open. */
#include <signal.h>
#include <sys/syscall.h>

#include "tests/base/test_dir.h"
#include "tests/e2e/program.h"

enum { SAMPLES = 61, VARIANTS = 37 };

typedef struct cohort {
    test_dir d;
    char bfile[PATH_MAX], pheno[PATH_MAX], out[PATH_MAX], owner[PATH_MAX], centre[PATH_MAX];
    char table[PATH_MAX];
} cohort;

static FILE *create(const char *path)
{
    FILE *f = fopen(path, "w");
    cr_assert(f != NULL, "%s: %s", path, strerror(errno));
    return f;
}

/* A random .bed with some missing calls, and a phenotype that depends on the first variant. */
static void make_cohort(cohort *c)
{
    uint64_t seed = test_seed();
    memset(c, 0, sizeof *c);
    test_dir_make(&c->d);
    snprintf(c->bfile, sizeof c->bfile, "%s", test_dir_path(&c->d, "in"));
    snprintf(c->pheno, sizeof c->pheno, "%s", test_dir_path(&c->d, "in.pheno"));
    snprintf(c->out, sizeof c->out, "%s", test_dir_path(&c->d, "out"));
    snprintf(c->owner, sizeof c->owner, "%s", test_dir_path(&c->d, "out.owner"));
    snprintf(c->centre, sizeof c->centre, "%s", test_dir_path(&c->d, "out.centre"));
    snprintf(c->table, sizeof c->table, "%s", test_dir_path(&c->d, "out.Y.glm.linear"));
    uint8_t bed[3 + VARIANTS * ((SAMPLES + 3) / 4)] = {0x6c, 0x1b, 1};
    FILE *bim = create(test_dir_path(&c->d, "in.bim")),
         *fam = create(test_dir_path(&c->d, "in.fam"));
    FILE *pheno = create(c->pheno);
    fprintf(pheno, "FID IID Y\n");
    for (int v = 0; v < VARIANTS; v++) {
        fprintf(bim, "%d v%d 0 %d A G\n", 1 + v / 20, v, 1000 * (v + 1));
        for (int i = 0; i < SAMPLES; i++) {
            static const uint8_t codes[] = {0, 2, 2, 3, 3, 3, 2, 0}; /* 1 = missing */
            uint8_t code = test_random(&seed) % 50 == 0 ? 1 : codes[test_random(&seed) % 8];
            bed[3 + v * ((SAMPLES + 3) / 4) + i / 4] |= (uint8_t)(code << 2 * (i % 4));
        }
    }
    for (int i = 0; i < SAMPLES; i++) {
        fprintf(fam, "f i%d 0 0 1 -9\n", i);
        fprintf(pheno, "f i%d %.6f\n", i,
                (bed[3 + i / 4] >> 2 * (i % 4) & 3) + (double)(test_random(&seed) % 1000) / 1000);
    }
    fclose(bim);
    fclose(fam);
    fclose(pheno);
    test_write_file(test_dir_path(&c->d, "in.bed"), bed, sizeof bed, 0644);
}

static void remove_cohort(cohort *c)
{
    test_dir inner;
    snprintf(inner.path, sizeof inner.path, "%s", c->owner);
    test_dir_remove(&inner);
    snprintf(inner.path, sizeof inner.path, "%s", c->centre);
    test_dir_remove(&inner);
    test_dir_remove(&c->d);
}

static void run(const cohort *c, program_result *r, const char *extra)
{
    program_run(r, "run", "--bfile", c->bfile, "--pheno", c->pheno, "--out", c->out, "--threads",
                "2", extra, NULL);
}

static int kernel_has_landlock(void)
{
    return syscall(444, NULL, 0, 1) > 0;
}

Test(run, leaves_the_results_and_nothing_else)
{
    cohort c;
    program_result r;
    make_cohort(&c);
    run(&c, &r, NULL);
    cr_assert_eq(r.code, 0, "%s", r.err);
    cr_expect(test_exists(c.table));
    cr_expect(test_exists(test_dir_path(&c.d, "out.Y.html")));
    cr_expect(test_exists(test_dir_path(&c.d, "out.Y.manhattan.png")));
    cr_expect_not(test_exists(c.owner));
    cr_expect_not(test_exists(c.centre));
    remove_cohort(&c);
}

Test(run, the_scan_cannot_open_the_key)
{
    cohort c;
    program_result r;
    make_cohort(&c);
    run(&c, &r, NULL);
    cr_assert_eq(r.code, 0, "%s", r.err);
    if (!kernel_has_landlock() && geteuid() != 0) {
        remove_cohort(&c);
        cr_skip_test("neither Landlock nor root here");
    }
    cr_expect(strstr(r.out, "opening the key was refused") != NULL, "%s", r.out);
    if (kernel_has_landlock())
        cr_expect(strstr(r.out, "under Landlock") != NULL, "%s", r.out);
    remove_cohort(&c);
}

/* Files the centre holds, searched for any 16 bytes of the key file's sections. Its header (512
 * bytes) holds public names only. */
Test(run, the_centre_holds_five_files_and_no_key)
{
    static const char *const names[] = {"study.evk", "study.geno", "study.weights", "study.sums",
                                        "study.sums.manifest"};
    enum { FILES = 5, WINDOW = 16, KEY_ID_AT = 288 /* in the header; FORMAT.md */ };
    cohort c;
    program_result r;
    struct stat info;
    size_t key_bytes, other_bytes, bytes;
    make_cohort(&c);
    run(&c, &r, "--keep-intermediate");
    cr_assert_eq(r.code, 0, "%s", r.err);
    cr_expect_eq(stat(c.owner, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0700);
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/study.key", c.owner);
    uint8_t *key = test_read_file(path, &key_bytes);
    program_run(&r, "keygen", "--out", test_dir_path(&c.d, "other"), NULL);
    uint8_t *other = test_read_file(test_dir_path(&c.d, "other.key"), &other_bytes);
    DIR *dir = opendir(c.centre);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        files += entry->d_name[0] != '.';
    closedir(dir);
    cr_expect_eq(files, FILES);
    for (int f = 0; f < FILES; f++) {
        snprintf(path, sizeof path, "%s/%s", c.centre, names[f]);
        uint8_t *data = test_read_file(path, &bytes);
        /* What another key file has too (frame, parameters) is no secret, nor is padding, which
         * has few distinct bytes, nor the key's name. */
        for (size_t at = 512; at + WINDOW <= key_bytes; at += WINDOW / 2) {
            uint8_t seen[256] = {0};
            int distinct = 0;
            for (int i = 0; i < WINDOW; i++)
                distinct += !seen[key[at + i]]++;
            int is_name = memcmp(key + at, key + KEY_ID_AT, WINDOW) == 0;
            if (distinct >= 12 && !is_name && !memmem(other, other_bytes, key + at, WINDOW))
                cr_expect(memmem(data, bytes, key + at, WINDOW) == NULL,
                          "%s holds bytes %zu.. of the key", names[f], at);
        }
        free(data);
    }
    free(other);
    free(key);
    remove_cohort(&c);
}

Test(run, folders_of_an_earlier_run_are_respected)
{
    cohort c;
    program_result r;
    make_cohort(&c);
    cr_assert_eq(mkdir(c.owner, 0700), 0);
    run(&c, &r, NULL);
    cr_expect_eq(r.code, 64);
    cr_expect(strstr(r.err, "out.owner exists") != NULL, "%s", r.err);
    cr_expect(test_exists(c.owner));
    cr_expect_not(test_exists(c.centre));
    cr_assert_eq(rmdir(c.owner), 0);
    cr_assert_eq(mkdir(c.centre, 0700), 0);
    run(&c, &r, NULL);
    cr_expect_eq(r.code, 64);
    cr_expect(strstr(r.err, "out.centre exists") != NULL, "%s", r.err);
    cr_expect_not(test_exists(c.owner));
    cr_expect(test_exists(c.centre));
    remove_cohort(&c);
}

Test(run, a_failed_step_ends_the_run_with_its_code)
{
    cohort c;
    program_result r;
    make_cohort(&c);
    test_write_file(c.pheno, "FID IID Y\nf i0 nonsense\n", 24, 0644);
    run(&c, &r, NULL);
    cr_expect_eq(r.code, 65, "%d: %s", r.code, r.err);
    cr_expect(strstr(r.err, "heloci run: ") != NULL && !strstr(r.out, "keygen"), "%s", r.err);
    cr_expect_not(test_exists(c.owner));
    cr_expect_not(test_exists(c.centre));
    cr_expect_not(test_exists(c.table));
    remove_cohort(&c);
}

/* What would fail behind the encryption fails before the key is drawn. */
Test(run, mistakes_are_found_before_keygen)
{
    static const struct {
        const char *extra[4];
        int code;
        const char *says;
    } rows[] = {
        {{"--pheno-name", "Z"}, 65, "no column 'Z'"},
        {{"--miss-plane", "--missing", "delete"}, 64, "--missing delete needs the private list"},
        {{"--memory", "63"}, 64, "at least 64 MiB"},
        {{"--keep", "/"}, 66, "not a regular file"},
        {{"--exclude", "/nonexistent"}, 66, "/nonexistent: No such file"},
        {{"--covar", "/nonexistent"}, 66, "/nonexistent: No such file"},
    };
    cohort c;
    make_cohort(&c);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        program_result r;
        const char *const *x = rows[i].extra;
        program_run(&r, "run", "--bfile", c.bfile, "--pheno", c.pheno, "--out", c.out, x[0], x[1],
                    x[2], NULL);
        cr_expect_eq(r.code, rows[i].code, "row %zu: %d: %s", i, r.code, r.err);
        cr_expect(strstr(r.err, rows[i].says) != NULL, "row %zu: %s", i, r.err);
        cr_expect(strstr(r.out, "keygen") == NULL, "row %zu: %s", i, r.out);
        cr_expect_not(test_exists(c.owner), "row %zu", i);
        cr_expect_not(test_exists(c.centre), "row %zu", i);
    }
    remove_cohort(&c);
}

/* A folder lies where the table should go: the encryption is kept, and the line that is shown
 * finishes the work. */
Test(run, a_failure_behind_the_encryption_keeps_it)
{
    cohort c;
    program_result r;
    make_cohort(&c);
    cr_assert_eq(mkdir(c.table, 0700), 0);
    run(&c, &r, NULL);
    cr_expect(r.code != 0);
    cr_expect(test_exists(c.owner) && test_exists(c.centre));
    cr_expect(strstr(r.err, "rm -r ") != NULL, "%s", r.err);
    char *line = strstr(r.err, "heloci decrypt --");
    cr_assert(line != NULL, "%s", r.err);
    cr_assert_eq(rmdir(c.table), 0);
    char command[PROGRAM_TEXT];
    snprintf(command, sizeof command, "'%s'%.*s > /dev/null", HEL_PROGRAM,
             (int)strcspn(line, "\n") - 6, line + 6);
    cr_expect_eq(system(command), 0, "%s", command);
    cr_expect(test_exists(c.table));
    remove_cohort(&c);
}

Test(run, says_what_became_of_missing_calls_and_rows)
{
    cohort c;
    program_result r;
    make_cohort(&c);
    run(&c, &r, NULL);
    cr_expect_eq(r.code, 0, "%s", r.err);
    cr_expect(strstr(r.out, "missing calls: replaced by the variant's mean") != NULL, "%s", r.out);
    cr_expect(strstr(r.out, " of 37 rows are NA") != NULL, "%s", r.out);
    remove_cohort(&c);
}

/* SIGTERM at ten moments: exit 75 and nothing left, or the run was through before it came. */
Test(run, a_signal_leaves_nothing_half_done)
{
    cohort c;
    make_cohort(&c);
    for (int moment = 0; moment < 10; moment++) {
        fflush(NULL);
        pid_t pid = fork();
        cr_assert(pid >= 0);
        if (pid == 0) {
            execl(HEL_PROGRAM, "heloci", "run", "--bfile", c.bfile, "--pheno", c.pheno, "--out",
                  c.out, "--quiet", (char *)NULL);
            _exit(127);
        }
        usleep(20000u + 40000u * (unsigned)moment);
        kill(pid, SIGTERM);
        int state;
        cr_assert_eq(waitpid(pid, &state, 0), pid);
        /* Before its handler stands, the signal simply ends the program. */
        cr_expect((WIFEXITED(state) && (WEXITSTATUS(state) == 75 || WEXITSTATUS(state) == 0)) ||
                      (WIFSIGNALED(state) && WTERMSIG(state) == SIGTERM),
                  "moment %d: state %x", moment, (unsigned)state);
        cr_expect_not(test_exists(c.owner), "moment %d", moment);
        cr_expect_not(test_exists(c.centre), "moment %d", moment);
    }
    remove_cohort(&c);
}

Test(run, passphrases_never_reach_the_centre)
{
    cohort c;
    program_result r;
    make_cohort(&c);
    const char *file = test_dir_path(&c.d, "pass");
    test_write_file(file, "correct horse battery staple\n", 29, 0600);
    program_run(&r, "run", "--bfile", c.bfile, "--pheno", c.pheno, "--out", c.out,
                "--passphrase-file", file, NULL);
    cr_expect_eq(r.code, 0, "%s", r.err);
    cr_expect(strstr(r.out, "sealed") != NULL, "%s", r.out);
    cr_expect(strstr(r.out, "correct horse") == NULL);
    cr_expect(test_exists(c.table));
    remove_cohort(&c);
}
