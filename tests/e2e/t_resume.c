/*
 * Scans that are stopped and gone on with: after any number of drains, cancellations and kills, on
 * another backend and with other memory than before, the file is the one of a scan that ran
 * through. Nothing in a checkpoint or a .part is believed unless it is right.
 */
#include <signal.h>
#include <time.h>

#include "tests/e2e/scan_test.h"

/* ---- stopped by the callback ---- */

typedef struct stopper {
    uint64_t after; /* calls until the wish */
    int wish;
    uint64_t calls;
    uint64_t done, total; /* of the latest call */
} stopper;

static int stop_later(void *arg, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    stopper *s = arg;
    (void)stage;
    (void)unit;
    s->done = done;
    s->total = total;
    return ++s->calls >= s->after ? s->wish : 0;
}

static int keep_note(void *arg, const char *text)
{
    char *out = arg;
    strncat(out, text, 2000);
    return 0;
}

/* A scan of one thread calls back ten times a second at most, but always at its beginning and end:
 * so a wish at the first call stops at the first tile's border. */
static hel_status drained(toy *t, scan_setting s, stopper *stop, hel_scan_stats *stats, char *text)
{
    s.progress = stop_later;
    s.arg = stop;
    return scan_run(t, &s, stats, text, 1024);
}

static void drain_until_done(toy *t, scan_setting s, uint64_t *seed, int backends)
{
    char text[1024], ckpt[2 * PATH_MAX], part[2 * PATH_MAX], sums[2 * PATH_MAX], name[64];
    hel_scan_stats stats;
    int stops = 0;
    snprintf(name, sizeof name, "%s%s", s.out, s.shards ? ".2-of-3" : "");
    snprintf(ckpt, sizeof ckpt, "%s%s.ckpt", t->e.prefix, name);
    snprintf(part, sizeof part, "%s%s.sums.part", t->e.prefix, name);
    snprintf(sums, sizeof sums, "%s%s.sums", t->e.prefix, name);
    uint64_t last = 0;
    unlink(sums);
    for (;;) {
        stopper stop = {.after = stops < 2 ? 1 : 1 + test_random(seed) % 2,
                        .wish = HEL_PROGRESS_DRAIN};
        s.threads = 1 + (uint32_t)(test_random(seed) % 3);
        s.backend = backends && test_random(seed) % 3 == 0 ? "sim" : NULL;
        s.device_count = s.backend && test_random(seed) % 2 ? HEL_DEVICES_ALL : 0;
        const hel_status status = drained(t, s, &stop, &stats, text);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_CANCELLED, "%s: %s", hel_status_name(status), text);
        cr_assert(strstr(text, "stopped on request") && strstr(text, ckpt), "%s", text);
        cr_assert(test_exists(ckpt) && test_exists(part) && !test_exists(sums));
        cr_assert_eq(hel_verify_file(t->e.engine, ckpt), HEL_OK, "%s",
                     hel_engine_error(t->e.engine));
        E2E_OK(&t->e, hel_inspect(t->e.engine, ckpt, keep_note, (char[4096]){""}));
        cr_assert_geq(stats.checkpoints, 1);
        cr_assert_geq(stop.done, last, "work was lost");
        last = stop.done;
        cr_assert_lt(++stops, 500, "no progress");
    }
    cr_assert_geq(stops, 2); /* two devices need no more for three chunks */
    cr_assert_gt(stats.resumed, 0);
    cr_assert(!test_exists(ckpt) && !test_exists(part) && test_exists(sums));
}

Test(resume, drained_again_and_again, .timeout = 600)
{
    toy t;
    uint64_t seed = test_seed();
    cr_assert_eq(setenv("HELOCI_SIM_DEVICES", "2", 1), 0);
    toy_start(&t, 330, 5000); /* chunks of 128, 128, 74; five blocks */
    toy_scan(&t);
    for (size_t i = 0; i < test_scale(3); i++) {
        drain_until_done(&t, (scan_setting){.out = "r"}, &seed, 0);
        scan_must_equal(&t, ".sums", "r.sums");
    }
    drain_until_done(&t, (scan_setting){.out = "r"}, &seed, 1);
    scan_must_equal(&t, ".sums", "r.sums");
    scan_must(&t, &(scan_setting){.out = "w", .shard = 2, .shards = 3}, NULL);
    drain_until_done(&t, (scan_setting){.out = "r", .shard = 2, .shards = 3}, &seed, 1);
    scan_must_equal(&t, "w.2-of-3.sums", "r.2-of-3.sums");
    toy_stop(&t);
}

/* Ranges of one block and batches of one column, then everything at once, and back. */
Test(resume, with_other_memory, .timeout = 600)
{
    toy t;
    char text[1024];
    hel_scan_stats stats;
    uint64_t seed = test_seed();
    toy_start(&t, 330, 5000);
    toy_scan(&t);
    cr_assert_eq(scan_run(&t, &(scan_setting){.memory = 1 << 20}, NULL, text, sizeof text),
                 HEL_E_MEMORY);
    const uint64_t least = strtoull(strstr(text, "too small; ") + 11, NULL, 10) << 20;
    int stops = 0;
    for (;; stops++) {
        stopper stop = {.after = 1, .wish = HEL_PROGRESS_DRAIN};
        scan_setting s = {.out = "r", .memory = least << (test_random(&seed) % 3)};
        s.verify = test_random(&seed) % 2 ? 0.3 : 0;
        if (s.verify > 0) /* it needs more than the least */
            s.memory = least << 3;
        const hel_status status = drained(&t, s, &stop, &stats, text);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_CANCELLED, "%s: %s", hel_status_name(status), text);
        cr_assert_lt(stops, 500);
    }
    cr_assert_gt(stops, 4);
    scan_must_equal(&t, ".sums", "r.sums");
    toy_stop(&t);
}

/* A checkpoint after every tile, then a stop at once: what the latest one says is kept. */
Test(resume, cancelled_between_checkpoints, .timeout = 600)
{
    toy t;
    char text[1024];
    hel_scan_stats stats;
    toy_start(&t, 330, 5000);
    toy_scan(&t);
    int stops = 0;
    uint64_t resumed = 0;
    for (;; stops++) {
        stopper stop = {.after = 2 + (uint64_t)stops % 3, .wish = HEL_PROGRESS_STOP};
        const hel_status status =
            drained(&t, (scan_setting){.out = "r", .checkpoint = 1e-9}, &stop, &stats, text);
        if (status == HEL_OK)
            break;
        cr_assert_eq(status, HEL_E_CANCELLED, "%s", text);
        cr_assert_eq(test_exists(e2e_path(&t.e, "r.ckpt")),
                     test_exists(e2e_path(&t.e, "r.sums.part")));
        cr_assert_lt(stops, 500);
        resumed = stats.resumed > resumed ? stats.resumed : resumed;
    }
    scan_must_equal(&t, ".sums", "r.sums");
    cr_assert_eq(toy_count(&t, ".part") + toy_count(&t, ".ckpt"), 0);
    toy_stop(&t);
}

/* Stopped at once while some workers wait for rows: with one slot only, which the others hold. */
Test(resume, stopped_with_the_least_memory, .timeout = 300)
{
    toy t;
    char text[1024];
    hel_scan_stats stats;
    toy_start(&t, 330, 9000);
    toy_scan(&t);
    cr_assert_eq(
        scan_run(&t, &(scan_setting){.memory = 1 << 20, .threads = 4}, NULL, text, sizeof text),
        HEL_E_MEMORY);
    const uint64_t least = strtoull(strstr(text, "too small; ") + 11, NULL, 10) << 20;
    for (size_t i = 0; i < test_scale(20); i++) {
        stopper stop = {.after = 1 + i % 3, .wish = HEL_PROGRESS_STOP};
        const hel_status status = drained(
            &t, (scan_setting){.out = "r", .memory = least, .threads = 4}, &stop, &stats, text);
        cr_assert(status == HEL_OK || status == HEL_E_CANCELLED, "%s", text);
        cr_assert_eq(toy_count(&t, ".part") + toy_count(&t, ".ckpt"), 0);
    }
    toy_stop(&t);
}

/* Without checkpoints nothing is left, and none is looked for. */
Test(resume, switched_off, .timeout = 300)
{
    toy t;
    char text[1024];
    hel_scan_stats stats;
    toy_start(&t, 200, 3000);
    toy_scan(&t);
    stopper stop = {.after = 1, .wish = HEL_PROGRESS_DRAIN};
    scan_setting s = {.out = "r", .checkpoint = -1};
    cr_assert_eq(drained(&t, s, &stop, &stats, text), HEL_E_CANCELLED);
    cr_assert(!strstr(text, ".ckpt"), "%s", text);
    cr_assert_eq(toy_count(&t, ".part") + toy_count(&t, ".ckpt"), 0);
    s.checkpoint = 0;
    stop.calls = 0;
    cr_assert_eq(drained(&t, s, &stop, &stats, text), HEL_E_CANCELLED);
    cr_assert(test_exists(e2e_path(&t.e, "r.ckpt")));
    s.checkpoint = -1;
    scan_must(&t, &s, &stats);
    cr_assert_eq(stats.resumed, 0);
    scan_must_equal(&t, ".sums", "r.sums");
    s.checkpoint = 1e9;
    cr_assert_eq(scan_run(&t, &s, NULL, text, sizeof text), HEL_E_USAGE);
    toy_stop(&t);
}

/* ---- what is not believed ---- */

/* A drained scan: its checkpoint and .part in memory. */
typedef struct stopped {
    toy t;
    uint8_t *ckpt, *part;
    size_t ckpt_bytes, part_bytes;
    char ckpt_path[2 * PATH_MAX], part_path[2 * PATH_MAX];
} stopped;

static void stopped_start(stopped *x)
{
    char text[1024];
    hel_scan_stats stats;
    toy_start(&x->t, 330, 3000);
    toy_scan(&x->t);
    snprintf(x->ckpt_path, sizeof x->ckpt_path, "%s", e2e_path(&x->t.e, "r.ckpt"));
    snprintf(x->part_path, sizeof x->part_path, "%s", e2e_path(&x->t.e, "r.sums.part"));
    for (int i = 0; i < 3; i++) { /* one chunk finished, the second under way */
        stopper stop = {.after = 1, .wish = HEL_PROGRESS_DRAIN};
        cr_assert_eq(drained(&x->t, (scan_setting){.out = "r"}, &stop, &stats, text),
                     HEL_E_CANCELLED);
    }
    x->ckpt = test_read_file(x->ckpt_path, &x->ckpt_bytes);
    x->part = test_read_file(x->part_path, &x->part_bytes);
}

static void stopped_put(const stopped *x)
{
    test_write_file(x->ckpt_path, x->ckpt, x->ckpt_bytes, 0644);
    test_write_file(x->part_path, x->part, x->part_bytes, 0644);
}

/* Goes on and must give the right sums; what was said meanwhile. */
static void stopped_go_on(stopped *x, hel_scan_stats *stats, char note[4096])
{
    scan_setting s = {.out = "r", .note = keep_note, .note_arg = note};
    note[0] = 0;
    scan_must(&x->t, &s, stats);
    scan_must_equal(&x->t, ".sums", "r.sums");
    cr_assert_eq(toy_count(&x->t, ".part") + toy_count(&x->t, ".ckpt"), 0);
    cr_assert_eq(unlink(e2e_path(&x->t.e, "r.sums")), 0);
}

static void stopped_stop(stopped *x)
{
    free(x->ckpt);
    free(x->part);
    toy_stop(&x->t);
}

Test(resume, torn_checkpoints, .timeout = 600)
{
    stopped x;
    char note[4096];
    hel_scan_stats stats;
    uint64_t seed = test_seed();
    stopped_start(&x);
    stopped_put(&x);
    stopped_go_on(&x, &stats, note);
    cr_assert(stats.resumed > 0 && !note[0], "%s", note);
    for (size_t i = 0; i < test_scale(25); i++) { /* a bit, a cut, a tail: anywhere */
        stopped_put(&x);
        uint8_t *bad = malloc(x.ckpt_bytes + 100);
        memcpy(bad, x.ckpt, x.ckpt_bytes);
        memset(bad + x.ckpt_bytes, 7, 100);
        size_t bytes = x.ckpt_bytes;
        if (i % 3 == 0)
            bad[test_random(&seed) % bytes] ^= 1u << test_random(&seed) % 8;
        else
            bytes = i % 3 == 1 ? test_random(&seed) % bytes : bytes + 1 + test_random(&seed) % 99;
        test_write_file(x.ckpt_path, bad, bytes, 0644);
        stopped_go_on(&x, &stats, note);
        cr_assert_eq(stats.resumed, 0);
        cr_assert(strstr(note, "not used: ") && strstr(note, x.ckpt_path), "%s", note);
        free(bad);
    }
    stopped_stop(&x);
}

/* Checksums mended, so that only the meaning is wrong: every field of the state out of its
 * range. */
Test(resume, hostile_checkpoints, .timeout = 600)
{
    static const uint32_t values[] = {0, 1, 63, 129, UINT32_MAX};
    stopped x;
    char note[4096];
    hel_scan_stats stats;
    uint64_t state;
    stopped_start(&x);
    const size_t at = (size_t)(toy_find(x.ckpt, HEL_SECTION_STATE, &state) - x.ckpt);
    cr_assert_geq(state, 32 + 8 * 4 + 16);
    for (size_t word = 8; word < state / 4; word++)
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            if (repair_get(x.ckpt + at + 4 * word, 4) == values[i])
                continue;
            stopped_put(&x);
            uint8_t *bad = malloc(x.ckpt_bytes);
            memcpy(bad, x.ckpt, x.ckpt_bytes);
            hel_put_u32(bad + at + 4 * word, values[i]);
            repair_all(bad, x.ckpt_bytes);
            test_write_file(x.ckpt_path, bad, x.ckpt_bytes, 0644);
            free(bad);
            stopped_go_on(&x, &stats, note);
            cr_assert(strstr(note, "not used: "), "word %zu is %u: accepted", word, values[i]);
        }
    stopped_stop(&x);
}

/* Finished sums in the .part that are not what the checkpoint says: computed again. */
Test(resume, torn_parts, .timeout = 600)
{
    stopped x;
    char note[4096];
    hel_scan_stats stats;
    uint64_t seed = test_seed();
    stopped_start(&x);
    stopped_put(&x);
    cr_assert_eq(unlink(x.part_path), 0);
    stopped_go_on(&x, &stats, note);
    for (size_t i = 0; i < test_scale(25); i++) {
        stopped_put(&x);
        uint8_t *bad = malloc(x.part_bytes + 5000);
        memcpy(bad, x.part, x.part_bytes);
        memset(bad + x.part_bytes, 9, 5000);
        size_t bytes = x.part_bytes;
        if (i % 3 == 0)
            for (int k = 0; k < 20; k++)
                bad[test_random(&seed) % bytes] ^= 1u << test_random(&seed) % 8;
        else
            bytes = i % 3 == 1 ? test_random(&seed) % bytes : bytes + test_random(&seed) % 5000;
        test_write_file(x.part_path, bad, bytes, 0644);
        stopped_go_on(&x, &stats, note);
        free(bad);
    }
    stopped_stop(&x);
}

/* Checkpoints of other inputs, of another cut, of another run's keys. */
Test(resume, checkpoints_of_other_scans, .timeout = 300)
{
    stopped x;
    char note[4096];
    hel_scan_stats stats;
    stopped_start(&x);
    stopped_put(&x);
    E2E_OK(&x.t.e, toy_null(&x.t)); /* other weights, and what they give */
    E2E_OK(&x.t.e, e2e_scan(&x.t.e));
    stopped_go_on(&x, &stats, note);
    cr_assert(strstr(note, "of another scan"), "%s", note);
    char shard[2 * PATH_MAX];
    snprintf(shard, sizeof shard, "%s", e2e_path(&x.t.e, "r.1-of-2.ckpt"));
    test_write_file(shard, x.ckpt, x.ckpt_bytes, 0644);
    note[0] = 0;
    scan_setting s = {.out = "r", .shard = 1, .shards = 2, .note = keep_note, .note_arg = note};
    scan_must(&x.t, &s, &stats);
    cr_assert(strstr(note, "of another scan") && stats.resumed == 0, "%s", note);
    /* and a file that is no checkpoint at all */
    toy_copy(e2e_path(&x.t.e, ".sums"), x.ckpt_path, 0644);
    stopped_go_on(&x, &stats, note);
    cr_assert(strstr(note, "a checkpoint file is needed here"), "%s", note);
    stopped_stop(&x);
}

/* Two at once on one file: the second one is refused and harms nothing. */
Test(resume, one_at_a_time, .timeout = 300)
{
    stopped x;
    char text[1024], note[4096];
    hel_scan_stats stats;
    stopped_start(&x);
    stopped_put(&x);
    int fd = open(x.part_path, O_RDWR);
    cr_assert_eq(lockf(fd, F_TEST, 0), 0);
    hel_outfile file;
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s", e2e_path(&x.t.e, "r.sums"));
    cr_assert_eq(hel_outfile_reopen(x.t.e.engine, &file, path, 0644), HEL_OK);
    cr_assert_eq(scan_run(&x.t, &(scan_setting){.out = "r"}, &stats, text, sizeof text), HEL_E_IO);
    cr_assert(strstr(text, "another process is writing it"), "%s", text);
    cr_assert(test_exists(x.ckpt_path) && test_exists(x.part_path));
    hel_outfile_leave(&file);
    close(fd);
    stopped_go_on(&x, &stats, note);
    cr_assert_gt(stats.resumed, 0);
    stopped_stop(&x);
}

/* A plan reads the checkpoint and touches nothing, not even beside the process whose file it is. */
Test(resume, a_plan_touches_nothing, .timeout = 300)
{
    stopped x;
    char text[1024], note[4096];
    hel_scan_stats stats;
    hel_outfile file;
    char path[2 * PATH_MAX];
    const scan_setting plan = {.out = "r", .plan_only = 1};
    stopped_start(&x);
    snprintf(path, sizeof path, "%s", e2e_path(&x.t.e, "r.sums"));
    for (int other = 0; other < 2; other++) {
        if (other)
            cr_assert_eq(hel_outfile_reopen(x.t.e.engine, &file, path, 0644), HEL_OK);
        cr_assert_eq(scan_run(&x.t, &plan, &stats, text, sizeof text), HEL_OK, "%s", text);
        if (other)
            hel_outfile_leave(&file);
        cr_assert(toy_same(x.ckpt_path, x.ckpt, x.ckpt_bytes));
        cr_assert(toy_same(x.part_path, x.part, x.part_bytes));
    }
    stopped_go_on(&x, &stats, note);
    cr_assert_gt(stats.resumed, 0);
    /* and where the scan is finished: no clearing up */
    scan_must(&x.t, &(scan_setting){.out = "r"}, &stats);
    test_write_file(x.ckpt_path, x.ckpt, x.ckpt_bytes, 0644);
    scan_must(&x.t, &plan, &stats);
    cr_assert(toy_same(x.ckpt_path, x.ckpt, x.ckpt_bytes));
    stopped_stop(&x);
}

/* A .part that others may write to, or that has a second name, is not gone on with. */
Test(resume, parts_that_are_not_ours_alone, .timeout = 300)
{
    stopped x;
    char note[4096], second[3 * PATH_MAX];
    hel_scan_stats stats;
    stopped_start(&x);
    stopped_put(&x);
    cr_assert_eq(chmod(x.part_path, 0666), 0);
    stopped_go_on(&x, &stats, note);
    stopped_put(&x);
    snprintf(second, sizeof second, "%s.second", x.part_path);
    cr_assert_eq(link(x.part_path, second), 0);
    stopped_go_on(&x, &stats, note);
    cr_assert(toy_same(second, x.part, x.part_bytes), "written through its other name");
    cr_assert_eq(unlink(second), 0);
    stopped_stop(&x);
}

/* ---- the program, killed ---- */

static pid_t start_program(const toy *t, const char *out, const char *shard, const char *every)
{
    const char *argv[] = {HEL_PROGRAM,    "scan",
                          "--geno",       e2e_path(&t->e, ".geno"),
                          "--weights",    e2e_path(&t->e, ".weights"),
                          "--evk",        e2e_path(&t->e, ".evk"),
                          "--out",        e2e_path(&t->e, out),
                          "--threads",    "2",
                          "--checkpoint", every,
                          "--quiet",      shard ? "--shard" : NULL,
                          shard,          NULL};
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        execv(HEL_PROGRAM, (char *const *)(void *)argv);
        _exit(127);
    }
    return pid;
}

static int wait_program(pid_t pid)
{
    int state;
    cr_assert_eq(waitpid(pid, &state, 0), pid);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* SIGKILL at random moments, a hundred times in all: the scan goes on each time from what is left,
 * and whenever it gets to its end the file is the right one. */
Test(resume, killed_a_hundred_times, .timeout = 900)
{
    if (test_is_quick())
        cr_skip_test("left to the full run: a killed process tells a sanitizer nothing");
    toy t;
    uint64_t seed = test_seed();
    const size_t kills = test_scale(100);
    toy_start(&t, 700, 5000); /* six chunks: some twelve checkpoints */
    toy_scan(&t);
    double from = seconds();
    cr_assert_eq(wait_program(start_program(&t, "r", NULL, "0.001")), 0);
    const double lasts = seconds() - from;
    scan_must_equal(&t, ".sums", "r.sums");
    cr_assert_eq(unlink(e2e_path(&t.e, "r.sums")), 0);
    size_t killed = 0, finished = 0, resumed = 0;
    while (killed < kills) {
        pid_t pid = start_program(&t, "r", NULL, "0.001");
        usleep((useconds_t)(1e6 * lasts * (double)(test_random(&seed) % 1000) / 1000));
        kill(pid, SIGKILL);
        const int code = wait_program(pid);
        cr_assert(code == 0 || code == 128 + SIGKILL, "exit %d", code);
        killed += code != 0;
        resumed += test_exists(e2e_path(&t.e, "r.ckpt"));
        if (test_exists(e2e_path(&t.e, "r.sums"))) { /* whole, whoever was killed afterwards */
            scan_must_equal(&t, ".sums", "r.sums");
            cr_assert_eq(unlink(e2e_path(&t.e, "r.sums")), 0);
            finished++;
        }
    }
    cr_assert_eq(wait_program(start_program(&t, "r", NULL, "0.001")), 0);
    scan_must_equal(&t, ".sums", "r.sums");
    cr_assert_eq(toy_count(&t, ".part") + toy_count(&t, ".ckpt"), 0);
    fprintf(stderr,
            "%.0f ms a scan; %zu kills, %zu left a checkpoint, %zu scans came to their end\n",
            1e3 * lasts, killed, resumed, finished);
    cr_assert_gt(resumed, 0);
    toy_stop(&t);
}

/* The same with four shards and the merge; then the owner's table. */
Test(resume, killed_shards_and_merge, .timeout = 900)
{
    if (test_is_quick())
        cr_skip_test("left to the full run: a killed process tells a sanitizer nothing");
    toy t;
    uint64_t seed = test_seed();
    program_result r;
    size_t bytes;
    char name[4][64], shard[16];
    toy_start(&t, 330, 8000);
    toy_scan(&t);
    E2E_OK(&t.e, e2e_decrypt(&t.e, 0, -1));
    uint8_t *table = test_read_file(e2e_path(&t.e, ".Q1.glm.linear"), &bytes);
    char path[5][2 * PATH_MAX];
    const char *argv[16] = {NULL, "merge", "--quiet", "--out", path[4]};
    snprintf(path[4], sizeof path[4], "%s", e2e_path(&t.e, "m"));
    for (int i = 0; i < 4; i++) {
        snprintf(shard, sizeof shard, "%d/4", i + 1);
        snprintf(name[i], sizeof name[i], "k.%d-of-4.sums", i + 1);
        for (int tries = 0;; tries++) {
            pid_t pid = start_program(&t, "k", shard, "0.001");
            if (tries < 5) {
                usleep((useconds_t)(test_random(&seed) % 200000));
                kill(pid, SIGKILL);
            }
            if (wait_program(pid) == 0 && tries >= 5)
                break;
            cr_assert_lt(tries, 6);
        }
        snprintf(path[i], sizeof path[i], "%s", e2e_path(&t.e, name[i]));
        argv[5 + i] = path[i];
    }
    for (int tries = 0; tries < 5; tries++) { /* a killed merge leaves nothing that has the name */
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            argv[0] = HEL_PROGRAM;
            execv(HEL_PROGRAM, (char *const *)(void *)argv);
            _exit(127);
        }
        usleep((useconds_t)(test_random(&seed) % 20000));
        kill(pid, SIGKILL);
        if (wait_program(pid) != 0 && test_exists(e2e_path(&t.e, "m.sums")))
            scan_must_equal(&t, ".sums", "m.sums");
    }
    program_run_argv(&r, NULL, NULL, argv);
    cr_assert_eq(r.code, 0, "%s", r.err);
    scan_must_equal(&t, ".sums", "m.sums");
    cr_assert_eq(rename(e2e_path(&t.e, "m.sums"), e2e_path(&t.e, ".sums")), 0);
    E2E_OK(&t.e, e2e_decrypt(&t.e, 0, -1));
    cr_assert(toy_same(e2e_path(&t.e, ".Q1.glm.linear"), table, bytes));
    cr_assert_eq(toy_count(&t, ".part") + toy_count(&t, ".ckpt"), 0);
    free(table);
    toy_stop(&t);
}

/* The process has a handler for the signal. */
static int catches(pid_t pid, int number)
{
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "SigCgt: %llx", &caught) == 1)
            break;
    if (f)
        fclose(f);
    return (int)(caught >> (number - 1) & 1);
}

/* Signals: the program ends with 75 after a checkpoint, and goes on. */
Test(resume, signals, .timeout = 300)
{
    static const int numbers[] = {SIGTERM, SIGUSR1, SIGINT};
    toy t;
    uint64_t seed = test_seed();
    toy_start(&t, 700, 5000);
    toy_scan(&t);
    for (int i = 0; i < 3; i++) {
        int asked = 0, code;
        do {
            pid_t pid = start_program(&t, "r", NULL, "600");
            for (int ms = 0; ms < 10000 && !catches(pid, numbers[i]); ms++)
                usleep(1000); /* a process that is not our program yet */
            usleep((useconds_t)(test_random(&seed) % 100000));
            kill(pid, numbers[i]);
            code = wait_program(pid);
            cr_assert(code == 0 || code == 75, "signal %d: exit %d", numbers[i], code);
            cr_assert_eq(test_exists(e2e_path(&t.e, "r.ckpt")), code == 75);
            asked += code == 75;
        } while (code != 0 && asked < 100);
        cr_assert_eq(code, 0);
        scan_must_equal(&t, ".sums", "r.sums");
        cr_assert_eq(unlink(e2e_path(&t.e, "r.sums")), 0);
    }
    toy_stop(&t);
}
