/*
 * Too little of something: rights, disk, memory. Each step either succeeds or leaves what was
 * there: no file, or the older one; never a half-written one under any name.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/e2e/toy_cohort.h"

enum { SAMPLES = 70, VARIANTS = 60, NOBODY = 65534 };

static hel_status step_keygen(toy *t)
{
    hel_keygen_config c = HEL_KEYGEN_CONFIG_INIT;
    c.out = t->e.prefix;
    c.params = &t->params;
    c.overwrite = 1;
    return hel_keygen(t->e.engine, &c);
}

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

typedef struct step {
    const char *name;
    hel_status (*run)(toy *t);
    const char *output[2]; /* the second may be NULL */
} step;

static const step steps[] = {
    {"keygen", step_keygen, {".key", ".evk"}},
    {"encrypt", step_encrypt, {".geno", ".private"}},
    {"null", toy_null, {".weights", ".model"}},
    {"scan", step_scan, {".sums", ".sums.manifest"}},
    {"decrypt", step_decrypt, {".Q1.glm.linear", ".manifest"}},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

static void run_all(toy *t)
{
    for (int s = 0; s < STEPS; s++)
        E2E_OK(&t->e, steps[s].run(t));
}

/* ---- a step in a child process: status and text come back ---- */

typedef struct outcome {
    hel_status status;
    char text[1024];
} outcome;

typedef struct limits {
    uid_t user;  /* 0: stay */
    rlim_t file; /* largest file in bytes; RLIM_INFINITY: any */
} limits;

static outcome in_child(toy *t, const step *s, limits l)
{
    outcome out = {.status = HEL_E_INTERNAL};
    int pipe_fd[2], state;
    cr_assert_eq(pipe(pipe_fd), 0);
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        const struct rlimit file = {l.file, l.file};
        signal(SIGXFSZ, SIG_IGN);
        if ((l.file != RLIM_INFINITY && setrlimit(RLIMIT_FSIZE, &file) != 0) ||
            (l.user && (setgid(l.user) != 0 || setuid(l.user) != 0)))
            _exit(99);
        out.status = s->run(t);
        snprintf(out.text, sizeof out.text, "%s", hel_engine_error(t->e.engine));
        _exit(write(pipe_fd[1], &out, sizeof out) == sizeof out ? 0 : 98);
    }
    close(pipe_fd[1]);
    ssize_t got = read(pipe_fd[0], &out, sizeof out);
    close(pipe_fd[0]);
    cr_assert_eq(waitpid(pid, &state, 0), pid);
    cr_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0 && got == sizeof out, "%s: state %x",
              s->name, (unsigned)state);
    return out;
}

/* ---- what a step's outputs are, before and after ---- */

typedef struct kept {
    uint8_t *data[2];
    size_t bytes[2];
} kept;

static kept keep(const toy *t, const step *s)
{
    kept k = {{NULL}, {0}};
    for (int i = 0; i < 2 && s->output[i]; i++)
        k.data[i] = test_read_file(e2e_path(&t->e, s->output[i]), &k.bytes[i]);
    return k;
}

/* Both outputs as they were, or (older = 0) none. */
static void must_be_untouched(const toy *t, const step *s, const kept *k, int older, long at)
{
    for (int i = 0; i < 2 && s->output[i]; i++) {
        const char *path = e2e_path(&t->e, s->output[i]);
        if (older)
            cr_assert(toy_same(path, k->data[i], k->bytes[i]), "%s, %ld: %s has changed", s->name,
                      at, s->output[i]);
        else
            cr_assert_not(test_exists(path), "%s, %ld: %s is there", s->name, at, s->output[i]);
    }
    cr_assert_eq(toy_count(t, ".part"), 0, "%s, %ld: a .part is left", s->name, at);
}

static void take_away(const toy *t, const step *s)
{
    for (int i = 0; i < 2 && s->output[i]; i++)
        unlink(e2e_path(&t->e, s->output[i]));
}

static void put_back(const toy *t, const step *s, kept *k)
{
    for (int i = 0; i < 2 && s->output[i]; i++) {
        test_write_file(e2e_path(&t->e, s->output[i]), k->data[i], k->bytes[i],
                        strcmp(s->output[i], ".evk") == 0 ? 0644 : 0600);
        free(k->data[i]);
    }
}

/* ---- rights ---- */

static void give_all(const toy *t, uid_t user)
{
    DIR *dir = opendir(t->e.dir.path);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            cr_assert_eq(fchownat(dirfd(dir), entry->d_name, user, user, 0), 0);
    cr_assert_eq(fchown(dirfd(dir), user, user), 0);
    closedir(dir);
}

Test(scarce, no_right_to_write, .timeout = 300)
{
    toy t;
    if (geteuid() != 0)
        cr_skip_test("needs root, to become a user without rights");
    toy_start(&t, SAMPLES, VARIANTS);
    run_all(&t);
    for (int s = 0; s < STEPS; s++) {
        kept k = keep(&t, &steps[s]);
        give_all(&t, NOBODY);
        cr_assert_eq(chmod(t.e.dir.path, 0555), 0);
        outcome o = in_child(&t, &steps[s], (limits){NOBODY, RLIM_INFINITY});
        cr_assert_eq(o.status, HEL_E_PERMISSION, "%s: %s (%s)", steps[s].name,
                     hel_status_name(o.status), o.text);
        cr_assert(strstr(o.text, t.e.prefix) && strstr(o.text, "cannot be written"), "%s", o.text);
        must_be_untouched(&t, &steps[s], &k, 1, 0);
        cr_assert_eq(chmod(t.e.dir.path, 0755), 0);
        o = in_child(&t, &steps[s], (limits){NOBODY, RLIM_INFINITY});
        cr_assert_eq(o.status, HEL_OK, "%s: %s", steps[s].name, o.text);
        give_all(&t, 0);
        put_back(&t, &steps[s], &k);
    }
    E2E_OK(&t.e, step_decrypt(&t));
    toy_stop(&t);
}

/* Input files of another user: the file is named. */
Test(scarce, no_right_to_read, .timeout = 300)
{
    static const struct {
        int step;
        const char *input;
    } rows[] = {{1, ".key"},     {1, ".bed"},     {1, ".fam"},  {1, ".bim"},
                {2, ".key"},     {2, ".private"}, {3, ".geno"}, {3, ".evk"},
                {3, ".weights"}, {4, ".key"},     {4, ".sums"}, {4, ".model"}};
    toy t;
    char path[2 * PATH_MAX];
    if (geteuid() != 0)
        cr_skip_test("needs root, to become a user without rights");
    toy_start(&t, SAMPLES, VARIANTS);
    run_all(&t);
    give_all(&t, NOBODY);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(path, sizeof path, "%s", e2e_path(&t.e, rows[i].input));
        cr_assert_eq(chown(path, 0, 0), 0);
        cr_assert_eq(chmod(path, 0600), 0);
        outcome o = in_child(&t, &steps[rows[i].step], (limits){NOBODY, RLIM_INFINITY});
        cr_assert_eq(o.status, HEL_E_PERMISSION, "%s without %s: %s (%s)", steps[rows[i].step].name,
                     rows[i].input, hel_status_name(o.status), o.text);
        cr_assert(strstr(o.text, path), "%s", o.text);
        cr_assert_eq(chown(path, NOBODY, NOBODY), 0);
    }
    toy_stop(&t);
}

/* One of two outputs cannot be had: the other one does not change either. */
Test(scarce, outputs_come_together, .timeout = 300)
{
    toy t;
    char path[2 * PATH_MAX], other[2 * PATH_MAX];
    toy_start(&t, SAMPLES, VARIANTS);
    run_all(&t);
    for (int s = 0; s < 3; s++)
        for (int blocked = 0; blocked < 2; blocked++) {
            size_t bytes;
            snprintf(path, sizeof path, "%s", e2e_path(&t.e, steps[s].output[blocked]));
            snprintf(other, sizeof other, "%s", e2e_path(&t.e, steps[s].output[!blocked]));
            uint8_t *before = test_read_file(other, &bytes);
            strcat(path, ".part"); /* a folder where the half-written file should go */
            cr_assert_eq(mkdir(path, 0700), 0);
            E2E_FAILS(&t.e, steps[s].run(&t), HEL_E_IO, path);
            cr_assert(toy_same(other, before, bytes), "%s: %s has changed", steps[s].name, other);
            cr_assert_eq(rmdir(path), 0);
            cr_assert_eq(toy_count(&t, ".part"), 0);
            free(before);
        }
    E2E_OK(&t.e, step_decrypt(&t));
    toy_stop(&t);
}

/* ---- disk ---- */

/* Files may not grow beyond a limit: the same failure as a full disk, at any byte. */
Test(scarce, files_may_not_grow, .timeout = 300)
{
    toy t;
    toy_start(&t, SAMPLES, VARIANTS);
    run_all(&t);
    for (int s = 0; s < STEPS; s++) {
        kept k = keep(&t, &steps[s]);
        for (int older = 1; older >= 0; older--) {
            size_t most = k.bytes[0] > k.bytes[1] ? k.bytes[0] : k.bytes[1];
            const rlim_t at[] = {0, 1, 512, most / 3, most / 2, most - 1};
            if (!older)
                take_away(&t, &steps[s]);
            for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
                outcome o = in_child(&t, &steps[s], (limits){0, at[i]});
                cr_assert_eq(o.status, HEL_E_IO, "%s, %ld bytes: %s (%s)", steps[s].name,
                             (long)at[i], hel_status_name(o.status), o.text);
                cr_assert(strstr(o.text, t.e.prefix) && strstr(o.text, "write failed"), "%s",
                          o.text);
                must_be_untouched(&t, &steps[s], &k, older, (long)at[i]);
            }
        }
        outcome o = in_child(&t, &steps[s], (limits){0, 16u << 20});
        cr_assert_eq(o.status, HEL_OK, "%s: %s", steps[s].name, o.text);
        put_back(&t, &steps[s], &k);
    }
    toy_stop(&t);
}

/* A file system that is really full, of every size up to the one that holds both outputs. */
Test(scarce, disk_full, .timeout = 300)
{
    toy t;
    char small[2 * PATH_MAX], option[64], link_to[3 * PATH_MAX];
    toy_start(&t, SAMPLES, VARIANTS);
    run_all(&t);
    snprintf(small, sizeof small, "%s/small", t.e.dir.path);
    cr_assert_eq(mkdir(small, 0700), 0);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", small, "tmpfs", 0, "size=64k") != 0) {
        toy_stop(&t);
        cr_skip_test("mounting a file system is not allowed here: %s", strerror(errno));
    }
    umount(small);
    for (int s = 0; s < STEPS; s++) {
        toy u = t;
        kept k = keep(&t, &steps[s]);
        const size_t pages = (k.bytes[0] + 4095) / 4096 + (k.bytes[1] + 4095) / 4096;
        size_t sizes[] = {1, (k.bytes[0] + 4095) / 4096, (k.bytes[1] + 4095) / 4096, pages - 1,
                          pages + 8};
        snprintf(u.e.prefix, sizeof u.e.prefix, "%s/x", small);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            if (sizes[i] == 0)
                continue;
            snprintf(option, sizeof option, "size=%zuk", 4 * sizes[i]);
            cr_assert_eq(mount("tmpfs", small, "tmpfs", 0, option), 0);
            static const char *const inputs[] = {".bed",     ".bim",   ".fam",     ".key", ".geno",
                                                 ".private", ".model", ".weights", ".evk", ".sums"};
            for (size_t j = 0; j < sizeof inputs / sizeof inputs[0]; j++) {
                snprintf(link_to, sizeof link_to, "%s%s", u.e.prefix, inputs[j]);
                if ((!steps[s].output[0] || strcmp(steps[s].output[0], inputs[j]) != 0) &&
                    (!steps[s].output[1] || strcmp(steps[s].output[1], inputs[j]) != 0))
                    cr_assert_eq(symlink(e2e_path(&t.e, inputs[j]), link_to), 0);
            }
            hel_status status = steps[s].run(&u);
            struct stat info[2];
            int made = 0, outputs = 0;
            for (int o = 0; o < 2 && steps[s].output[o]; o++, outputs++)
                made += stat(e2e_path(&u.e, steps[s].output[o]), &info[o]) == 0;
            toy v = u;
            snprintf(v.e.dir.path, sizeof v.e.dir.path, "%s", small);
            int parts = toy_count(&v, ".part");
            umount(small);
            if (sizes[i] == pages + 8)
                cr_assert_eq(status, HEL_OK, "%s: %s", steps[s].name, hel_engine_error(t.e.engine));
            cr_assert(status == HEL_OK || status == HEL_E_IO, "%s: %s", steps[s].name,
                      hel_status_name(status));
            cr_assert_eq(parts, 0, "%s: a .part is left", steps[s].name);
            cr_assert_eq(made, status == HEL_OK ? outputs : 0, "%s, %s: %d of %d files",
                         steps[s].name, option, made, outputs);
        }
        free(k.data[0]);
        free(k.data[1]);
    }
    toy_stop(&t);
}

/* ---- memory ---- */

/* A budget that is too small is refused with the least that works, and that one does. */
Test(scarce, least_memory_works, .timeout = 300)
{
    toy t;
    toy_start(&t, SAMPLES, 9000); /* nine blocks: a small budget makes several passes */
    run_all(&t);
    size_t bytes;
    uint8_t *want = test_read_file(e2e_path(&t.e, ".sums"), &bytes);
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *whole = t.e.engine, *tight;
    config.threads = 2;
    config.memory_bytes = 1u << 20;
    cr_assert_eq(hel_engine_create(&tight, &config), HEL_OK);
    t.e.engine = tight;
    E2E_FAILS(&t.e, e2e_scan(&t.e), HEL_E_MEMORY, "--memory");
    const char *least = strstr(hel_engine_error(tight), "too small; ");
    cr_assert(least != NULL, "%s", hel_engine_error(tight));
    config.memory_bytes = strtoull(least + strlen("too small; "), NULL, 10) << 20;
    cr_assert_gt(config.memory_bytes, 1u << 20);
    hel_engine_free(tight);
    for (int short_by = 1; short_by >= 0; short_by--) {
        hel_engine_config c = config;
        c.memory_bytes -= (uint64_t)short_by << 20;
        cr_assert_eq(hel_engine_create(&tight, &c), HEL_OK);
        t.e.engine = tight;
        if (short_by) {
            E2E_FAILS(&t.e, e2e_scan(&t.e), HEL_E_MEMORY, "--memory");
        } else {
            hel_scan_stats stats;
            hel_scan_config s = HEL_SCAN_CONFIG_INIT;
            s.geno = e2e_path(&t.e, ".geno");
            s.weights = e2e_path(&t.e, ".weights");
            s.evk = e2e_path(&t.e, ".evk");
            s.out = t.e.prefix;
            E2E_OK(&t.e, hel_scan(tight, &s, &stats));
            cr_assert_gt(stats.passes, 1);
            cr_assert_leq(stats.peak_buffers, c.memory_bytes);
        }
        hel_engine_free(tight);
    }
    t.e.engine = whole;
    size_t now;
    uint64_t a, b;
    uint8_t *got = test_read_file(e2e_path(&t.e, ".sums"), &now);
    cr_assert_eq(now, bytes);
    const uint8_t *x = toy_find(want, HEL_SECTION_CIPHER, &a);
    const uint8_t *y = toy_find(got, HEL_SECTION_CIPHER, &b);
    cr_assert(a == b && memcmp(x, y, a) == 0, "the budget changes the sums");
    free(want);
    free(got);
    toy_stop(&t);
}

/* The n-th allocation fails, for every n up to 150 and then at random strides. */
static void fail_each_allocation(int threads, const step *s)
{
    toy t;
    uint64_t random = test_seed();
    toy_start(&t, SAMPLES, VARIANTS);
    run_all(&t);
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *whole = t.e.engine, *engine;
    config.threads = (uint32_t)threads;
    cr_assert_eq(hel_engine_create(&engine, &config), HEL_OK);
    t.e.engine = engine;
    kept k = keep(&t, s);
    const uint64_t before = hel_mem_in_use();
    uint64_t nth = 1, failures = 0;
    for (int reached = 1; reached;) {
        hel_mem_fail_nth(nth);
        hel_status status = s->run(&t);
        hel_mem_fail_nth(0);
        reached = status != HEL_OK;
        if (!reached)
            break;
        cr_assert_eq(status, HEL_E_MEMORY, "%s, allocation %llu: %s (%s)", s->name,
                     (unsigned long long)nth, hel_status_name(status), hel_engine_error(engine));
        cr_assert(strstr(hel_engine_error(engine), "memory") ||
                      strstr(hel_engine_error(engine), "allocated"),
                  "%s", hel_engine_error(engine));
        cr_assert_eq(hel_mem_in_use(), before, "%s, allocation %llu: a leak", s->name,
                     (unsigned long long)nth);
        must_be_untouched(&t, s, &k, 1, (long)nth);
        failures++;
        nth += nth < 150 ? 1 : 1 + test_random(&random) % 100;
    }
    cr_assert_gt(failures, 15, "%s: %llu failures only", s->name, (unsigned long long)failures);
    cr_assert_eq(hel_mem_in_use(), before);
    put_back(&t, s, &k);
    hel_engine_free(engine);
    t.e.engine = whole;
    E2E_OK(&t.e, step_decrypt(&t));
    toy_stop(&t);
}

#define ALLOCATION_TEST(name, index)                                                               \
    Test(scarce, name, .timeout = 300)                                                             \
    {                                                                                              \
        fail_each_allocation(1, &steps[index]);                                                    \
        fail_each_allocation(2, &steps[index]);                                                    \
    }

ALLOCATION_TEST(allocations_of_keygen, 0)
ALLOCATION_TEST(allocations_of_encrypt, 1)
ALLOCATION_TEST(allocations_of_null, 2)
ALLOCATION_TEST(allocations_of_scan, 3)
ALLOCATION_TEST(allocations_of_decrypt, 4)
