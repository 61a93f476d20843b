/*
 * Storage that misbehaves under the program: reads and writes that fail at any moment, short and
 * slow reads, a file that shrinks, a disk that is full. The error names file and place, the exit
 * code is the documented one, nothing half-written has a name, and the next run gives the right
 * file.
 */
#include <sched.h>
#include <sys/mount.h>

#include "tests/e2e/scan_test.h"

#if defined(__SANITIZE_ADDRESS__)
#define PRELOADS 0 /* the sanitizer's own preload comes first */
#else
#define PRELOADS 1
#endif

typedef struct fault {
    const char *file, *what;
    unsigned long value;
} fault;

static void scan_with(const toy *t, const fault *f, const char *every, program_result *r)
{
    char path[4][2 * PATH_MAX], value[32];
    const char *argv[PROGRAM_ARGS] = {NULL,        "scan",  "--geno",  path[0], "--weights",
                                      path[1],     "--evk", path[2],   "--out", path[3],
                                      "--threads", "2",     "--quiet", NULL};
    snprintf(path[0], sizeof path[0], "%s", e2e_path(&t->e, ".geno"));
    snprintf(path[1], sizeof path[1], "%s", e2e_path(&t->e, ".weights"));
    snprintf(path[2], sizeof path[2], "%s", e2e_path(&t->e, ".evk"));
    snprintf(path[3], sizeof path[3], "%s", e2e_path(&t->e, "f"));
    if (every) {
        argv[13] = "--checkpoint";
        argv[14] = every;
    }
    if (f) {
        snprintf(value, sizeof value, "%lu", f->value);
        setenv("LD_PRELOAD", HEL_FAULTY_IO, 1);
        setenv("HEL_FAULT_FILE", f->file, 1);
        setenv(f->what, value, 1);
    }
    program_run_argv(r, NULL, NULL, argv);
    if (f) {
        unsetenv("LD_PRELOAD");
        unsetenv(f->what);
    }
}

static void start(toy *t, uint32_t samples, uint32_t variants)
{
    if (!PRELOADS)
        cr_skip_test("nothing can be preloaded under this sanitizer");
    toy_start(t, samples, variants);
    toy_scan(t);
}

/* The right file, or none; and in the end the right one. */
static void must_recover(const toy *t)
{
    program_result r;
    cr_assert_not(test_exists(e2e_path(&t->e, "f.sums")));
    scan_with(t, NULL, "600", &r);
    cr_assert_eq(r.code, 0, "%s", r.err);
    scan_must_equal(t, ".sums", "f.sums");
    cr_assert_eq(unlink(e2e_path(&t->e, "f.sums")), 0);
    cr_assert_eq(toy_count(t, ".part") + toy_count(t, ".ckpt"), 0);
}

Test(storage, reads_fail, .timeout = 300)
{
    toy t;
    program_result r;
    start(&t, 330, 9000);
    unsigned failures = 0;
    for (unsigned long nth = 1;; nth += 1 + nth / 4) {
        const fault f = {".geno", "HEL_FAULT_READ", nth};
        scan_with(&t, &f, nth % 2 ? NULL : "0.001", &r);
        if (r.code == 0) /* there are no more reads */
            break;
        cr_assert_eq(r.code, 74, "read %lu: exit %d, %s", nth, r.code, r.err);
        cr_assert(strstr(r.err, e2e_path(&t.e, ".geno")) && strstr(r.err, "read failed at byte ") &&
                      strstr(r.err, "Input/output error"),
                  "%s", r.err);
        must_recover(&t);
        failures++;
    }
    scan_must_equal(&t, ".sums", "f.sums");
    cr_assert_gt(failures, 5);
    toy_stop(&t);
}

/* The file is cut short by somebody while it is read. */
Test(storage, the_file_ends_early, .timeout = 300)
{
    toy t;
    program_result r;
    start(&t, 330, 9000);
    for (unsigned long nth = 1; nth < 20; nth += 6) {
        const fault f = {".geno", "HEL_FAULT_EOF", nth};
        scan_with(&t, &f, NULL, &r);
        cr_assert_eq(r.code, 65, "read %lu: exit %d, %s", nth, r.code, r.err);
        cr_assert(strstr(r.err, e2e_path(&t.e, ".geno")) &&
                      strstr(r.err, "truncated while it was read"),
                  "%s", r.err);
        must_recover(&t);
    }
    toy_stop(&t);
}

/* Reads that come in pieces and late change nothing. */
Test(storage, slow_and_short_reads, .timeout = 300)
{
    toy t;
    program_result r;
    start(&t, 200, 5000);
    const fault small = {".geno", "HEL_FAULT_SHORT", 1}, slow = {".geno", "HEL_FAULT_SLOW", 5000};
    scan_with(&t, &small, NULL, &r);
    cr_assert_eq(r.code, 0, "%s", r.err);
    scan_must_equal(&t, ".sums", "f.sums");
    scan_with(&t, &slow, "0.001", &r);
    cr_assert_eq(r.code, 0, "%s", r.err);
    scan_must_equal(&t, ".sums", "f.sums");
    toy_stop(&t);
}

/* Sums that cannot be written; after a checkpoint the work before it is not lost. */
Test(storage, writes_fail, .timeout = 300)
{
    toy t;
    program_result r;
    start(&t, 330, 5000);
    unsigned failures = 0;
    for (unsigned long nth = 1;; nth += 1 + nth / 4) {
        const fault f = {"f.sums.part", "HEL_FAULT_WRITE", nth};
        scan_with(&t, &f, nth % 2 ? NULL : "0.001", &r);
        if (r.code == 0)
            break;
        cr_assert_eq(r.code, 74, "write %lu: exit %d, %s", nth, r.code, r.err);
        cr_assert(strstr(r.err, e2e_path(&t.e, "f.sums.part")) && strstr(r.err, "write failed") &&
                      strstr(r.err, "No space left on device"),
                  "%s", r.err);
        cr_assert_eq(toy_count(&t, ".part"), toy_count(&t, ".ckpt"), "write %lu: %d and %d: %s",
                     nth, toy_count(&t, ".part"), toy_count(&t, ".ckpt"), r.err);
        must_recover(&t);
        failures++;
    }
    scan_must_equal(&t, ".sums", "f.sums");
    cr_assert_gt(failures, 3);
    toy_stop(&t);
}

/* A checkpoint that cannot be written is said; the scan goes on and is right. */
Test(storage, checkpoints_cannot_be_written, .timeout = 300)
{
    static const char *const what[] = {"HEL_FAULT_WRITE", "HEL_FAULT_SYNC"};
    toy t;
    program_result r;
    char path[2 * PATH_MAX];
    start(&t, 330, 5000);
    for (unsigned i = 0; i < 4; i++) {
        const fault f = {"f.ckpt", what[i % 2], 1 + i / 2};
        scan_with(&t, &f, "0.001", &r);
        cr_assert_eq(r.code, 0, "%s", r.err);
        scan_must_equal(&t, ".sums", "f.sums");
        cr_assert_eq(unlink(e2e_path(&t.e, "f.sums")), 0);
    }
    snprintf(path, sizeof path, "%s", e2e_path(&t.e, "f.ckpt.part"));
    cr_assert_eq(mkdir(path, 0700), 0); /* never */
    scan_with(&t, NULL, "0.001", &r);
    cr_assert_eq(r.code, 0, "%s", r.err);
    scan_must_equal(&t, ".sums", "f.sums");
    cr_assert_eq(rmdir(path), 0);
    toy_stop(&t);
}

/* fsync of the sums fails: they do not get their name. */
Test(storage, sync_fails, .timeout = 300)
{
    toy t;
    program_result r;
    start(&t, 200, 3000);
    const fault f = {"f.sums.part", "HEL_FAULT_SYNC", 1};
    scan_with(&t, &f, NULL, &r);
    cr_assert_eq(r.code, 74, "%s", r.err);
    cr_assert(strstr(r.err, "f.sums.part") && strstr(r.err, "fsync failed"), "%s", r.err);
    must_recover(&t);
    /* at a checkpoint: the kernel says it once, and later syncs would succeed */
    for (unsigned long nth = 1; nth <= 3; nth++) {
        const fault at = {"f.sums.part", "HEL_FAULT_SYNC", nth};
        scan_with(&t, &at, "0.001", &r);
        cr_assert_eq(r.code, 74, "sync %lu: exit %d, %s", nth, r.code, r.err);
        cr_assert(strstr(r.err, "f.sums.part") && strstr(r.err, "fsync failed"), "%s", r.err);
        cr_assert_eq(toy_count(&t, ".part") + toy_count(&t, ".ckpt"), 0,
                     "what the disk may have lost is kept");
        must_recover(&t);
    }
    toy_stop(&t);
}

/* A real file system that is full: said before the work, with what is wanted. */
Test(storage, disk_full, .timeout = 300)
{
    toy t;
    char text[1024], folder[2 * PATH_MAX], prefix[3 * PATH_MAX];
    toy_start(&t, 200, 9000);
    toy_scan(&t);
    snprintf(folder, sizeof folder, "%s/small", t.e.dir.path);
    cr_assert_eq(mkdir(folder, 0700), 0);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=256k") != 0) {
        rmdir(folder);
        toy_stop(&t);
        cr_skip_test("mounting a file system is not allowed here: %s", strerror(errno));
    }
    char link[2 * PATH_MAX]; /* <dir>/x + "small/f" */
    snprintf(link, sizeof link, "%ssmall", t.e.prefix);
    cr_assert_eq(symlink(folder, link), 0);
    scan_setting s = {.out = "small/f"};
    cr_assert_eq(scan_run(&t, &s, NULL, text, sizeof text), HEL_E_IO);
    cr_assert(strstr(text, "small/f.sums.part: write failed at byte ") &&
                  strstr(text, " bytes wanted") && strstr(text, "No space left on device"),
              "%s", text);
    snprintf(prefix, sizeof prefix, "%s/f.sums.part", folder);
    cr_assert_not(test_exists(prefix));
    cr_assert_eq(umount(folder), 0);
    rmdir(folder);
    toy_stop(&t);
}
