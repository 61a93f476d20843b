/*
 * Shards, merged, are the scan of everything byte for byte: any number of them, computed by any
 * backend with any memory, joined in any order. What does not belong together is refused by name
 * and nothing is written.
 */
#include <sys/resource.h>

#include "tests/e2e/scan_test.h"

/* ---- shards and merge give the whole ---- */

static void scan_shard(toy *t, const char *out, uint32_t shard, uint32_t shards,
                       const char *backend, uint64_t memory)
{
    scan_setting s = {
        .out = out, .shard = shard, .shards = shards, .backend = backend, .memory = memory};
    scan_must(t, &s, NULL);
}

static char *shard_path(const toy *t, const char *out, uint32_t shard, uint32_t shards)
{
    char *path;
    char prefix[2 * PATH_MAX];
    snprintf(prefix, sizeof prefix, "%s%s", t->e.prefix, out);
    cr_assert_eq(hel_shard_path(t->e.engine, &path, prefix, shard, shards, ".sums"), HEL_OK);
    return path;
}

static hel_status merge(toy *t, char *const *files, uint32_t count, const char *out)
{
    hel_merge_config c = HEL_MERGE_CONFIG_INIT;
    char prefix[2 * PATH_MAX];
    snprintf(prefix, sizeof prefix, "%s%s", t->e.prefix, out);
    c.files = (const char *const *)files;
    c.count = count;
    c.out = prefix;
    return hel_merge(t->e.engine, &c);
}

Test(shards, any_number_of_them, .timeout = 600)
{
    toy t;
    uint64_t seed = test_seed();
    char *path[16];
    toy_start(&t, 200,
              9000); /* nine blocks: super-blocks of eight and one; two chunks of samples */
    toy_scan(&t);
    for (uint32_t shards = 1; shards <= 9; shards += test_is_quick() ? 4 : 1) {
        for (uint32_t i = 1; i <= shards; i++) {
            scan_shard(&t, "s", i, shards, NULL, 0);
            path[i - 1] = shard_path(&t, "s", i, shards);
        }
        for (uint32_t i = shards; i-- > 1;) {
            const uint32_t j = (uint32_t)(test_random(&seed) % (i + 1));
            char *other = path[i];
            path[i] = path[j];
            path[j] = other;
        }
        E2E_OK(&t.e, merge(&t, path, shards, "m"));
        scan_must_equal(&t, ".sums", "m.sums");
        for (uint32_t i = 0; i < shards; i++) {
            cr_assert_eq(unlink(path[i]), 0);
            hel_free(path[i]);
        }
    }
    cr_assert_eq(toy_count(&t, ".part") + toy_count(&t, ".ckpt"), 0);
    e2e_compare_sums(&t.e, t.cohort.calls);
    toy_stop(&t);
}

/* A shard's bytes are the same from the CPU, from a device, and from the least memory. */
Test(shards, whoever_computes_them, .timeout = 600)
{
    toy t;
    char text[1024];
    toy_start(&t, 130, 5000);
    toy_scan(&t);
    for (uint32_t i = 1; i <= 3; i++) {
        scan_shard(&t, "a", i, 3, NULL, 0);
        scan_shard(&t, "b", i, 3, "sim", 0);
        scan_setting s = {.out = "c", .shard = i, .shards = 3, .memory = 1 << 20};
        cr_assert_eq(scan_run(&t, &s, NULL, text, sizeof text), HEL_E_MEMORY);
        const char *least = strstr(text, "too small; ");
        cr_assert(least != NULL, "%s", text);
        scan_shard(&t, "c", i, 3, NULL, strtoull(least + 11, NULL, 10) << 20);
        char a[32], b[32], c[32];
        snprintf(a, sizeof a, "a.%u-of-3.sums", i);
        snprintf(b, sizeof b, "b.%u-of-3.sums", i);
        snprintf(c, sizeof c, "c.%u-of-3.sums", i);
        scan_must_equal(&t, a, b);
        scan_must_equal(&t, a, c);
    }
    char *path[3] = {shard_path(&t, "c", 3, 3), shard_path(&t, "a", 1, 3),
                     shard_path(&t, "b", 2, 3)};
    E2E_OK(&t.e, merge(&t, path, 3, "m"));
    scan_must_equal(&t, ".sums", "m.sums");
    for (int i = 0; i < 3; i++)
        hel_free(path[i]);
    toy_stop(&t);
}

/* Several devices share one scan; the file does not show it. */
Test(shards, several_devices, .timeout = 600)
{
    toy t;
    char text[1024];
    hel_scan_stats stats;
    static const uint32_t twice[] = {2, 0, 2}, pair[] = {0, 2}, none[] = {0, 3};
    cr_assert_eq(setenv("HELOCI_SIM_DEVICES", "3", 1), 0);
    toy_start(&t, 140, 5000);
    toy_scan(&t);
    scan_setting s = {.out = "d", .backend = "sim", .device_count = HEL_DEVICES_ALL};
    scan_must(&t, &s, &stats);
    cr_assert_eq(stats.on_device, 3);
    scan_must_equal(&t, ".sums", "d.sums");
    s.devices = pair;
    s.device_count = 2;
    s.verify = 1;
    scan_must(&t, &s, &stats);
    cr_assert_eq(stats.on_device, 2);
    cr_assert_eq(stats.tiles, 2 * 5); /* a device's tiles are larger: a chunk at once */
    cr_assert_eq(stats.tiles_verified, stats.tiles);
    cr_assert_eq(stats.sums_verified, 2 * 5);
    scan_must_equal(&t, ".sums", "d.sums");
    s.devices = twice;
    s.device_count = 3;
    cr_assert_eq(scan_run(&t, &s, NULL, text, sizeof text), HEL_E_USAGE);
    cr_assert(strstr(text, "device 2 is named twice"), "%s", text);
    s.devices = none;
    s.device_count = 2;
    cr_assert_eq(scan_run(&t, &s, NULL, text, sizeof text), HEL_E_UNSUPPORTED);
    cr_assert(strstr(text, "device 3, the rule is less than 3"), "%s", text);
    s.backend = "cpu";
    s.devices = pair;
    cr_assert_neq(scan_run(&t, &s, NULL, text, sizeof text), HEL_OK);
    s = (scan_setting){.out = "d", .device_count = HEL_DEVICES_ALL}; /* the CPU is all there is */
    scan_must(&t, &s, &stats);
    cr_assert_eq(stats.on_device, 0);
    toy_stop(&t);
}

/* ---- a finished shard ---- */

static ino_t inode_of(const char *path)
{
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    return info.st_ino;
}

Test(shards, finished_ones_stay, .timeout = 300)
{
    toy t;
    hel_scan_stats stats;
    char path[2 * PATH_MAX], stale[2 * PATH_MAX];
    toy_start(&t, 70, 3000);
    toy_scan(&t);
    snprintf(path, sizeof path, "%s", e2e_path(&t.e, "s.2-of-3.sums"));
    snprintf(stale, sizeof stale, "%s", e2e_path(&t.e, "s.2-of-3.ckpt"));
    scan_setting s = {.out = "s", .shard = 2, .shards = 3};
    scan_must(&t, &s, &stats);
    cr_assert_eq(stats.already, 0);
    const ino_t first = inode_of(path);
    toy_copy(path, stale, 0644); /* whoever finished it was killed before it cleared up */
    s.plan_only = 1;             /* leaves even that alone */
    scan_must(&t, &s, &stats);
    cr_assert(stats.already == 1 && test_exists(stale));
    s.plan_only = 0;
    scan_must(&t, &s, &stats);
    cr_assert(stats.already == 1 && inode_of(path) == first && !test_exists(stale));
    /* damaged: computed again */
    size_t bytes;
    uint8_t *data = test_read_file(path, &bytes);
    data[bytes / 2] ^= 1;
    test_write_file(path, data, bytes, 0644);
    free(data);
    scan_must(&t, &s, &stats);
    cr_assert(stats.already == 0 && inode_of(path) != first);
    /* of other weights: computed again */
    const ino_t second = inode_of(path);
    E2E_OK(&t.e, toy_null(&t));
    scan_must(&t, &s, &stats);
    cr_assert(stats.already == 0 && inode_of(path) != second);
    scan_must(&t, &s, &stats);
    cr_assert_eq(stats.already, 1);
    toy_stop(&t);
}

/* ---- what cannot be merged ---- */

enum { SHARDS = 4 };

typedef struct set {
    toy t;
    char *path[SHARDS];
} set;

static void set_start(set *s, uint32_t samples, uint32_t variants)
{
    toy_start(&s->t, samples, variants);
    toy_scan(&s->t);
    for (uint32_t i = 0; i < SHARDS; i++) {
        scan_shard(&s->t, "s", i + 1, SHARDS, NULL, 0);
        s->path[i] = shard_path(&s->t, "s", i + 1, SHARDS);
    }
}

static void set_stop(set *s)
{
    for (uint32_t i = 0; i < SHARDS; i++)
        hel_free(s->path[i]);
    toy_stop(&s->t);
}

static void merge_fails(set *s, char *const *files, uint32_t count, hel_status want,
                        const char *says, const char *also)
{
    hel_error_clear(s->t.e.engine);
    const hel_status status = merge(&s->t, files, count, "m");
    const char *text = hel_engine_error(s->t.e.engine);
    cr_assert_eq(status, want, "%s (%s), wanted '%s'", hel_status_name(status), text, says);
    cr_assert(strstr(text, says) != NULL, "'%s' lacks '%s'", text, says);
    cr_assert(!also || strstr(text, also) != NULL, "'%s' lacks '%s'", text, also);
    cr_assert_not(test_exists(e2e_path(&s->t.e, "m.sums")));
    cr_assert_eq(toy_count(&s->t, ".part"), 0);
}

Test(shards, gaps_and_overlaps, .timeout = 300)
{
    set s;
    set_start(&s, 70, 7500); /* eight blocks, two a shard; the last has 332 variants */
    char **p = s.path;
    merge_fails(&s, (char *[]){p[0], p[1], p[3]}, 3, HEL_E_MISMATCH,
                "variants 4097 to 6144 are in none", p[3]);
    merge_fails(&s, (char *[]){p[1], p[2], p[3]}, 3, HEL_E_MISMATCH,
                "variants 1 to 2048 are in none", p[1]);
    merge_fails(&s, (char *[]){p[2], p[1], p[0]}, 3, HEL_E_MISMATCH,
                "variants 6145 to 7500 are in none", "at the end");
    merge_fails(&s, (char *[]){p[0], p[1], p[1], p[2], p[3]}, 5, HEL_E_MISMATCH,
                "variants 2049 to 4096 are in both", p[1]);
    scan_shard(&s.t, "x", 1, 3, NULL, 0); /* blocks 0 and 1 of another cut: 0, 2, 5 */
    scan_shard(&s.t, "x", 2, 3, NULL, 0); /* 2, 3, 4: overlaps the second and the third of four */
    char *other = shard_path(&s.t, "x", 2, 3);
    merge_fails(&s, (char *[]){p[0], other, p[2], p[3]}, 4, HEL_E_MISMATCH,
                "variants 4097 to 5120 are in both", other);
    char *same = shard_path(&s.t, "x", 1, 3);
    E2E_OK(&s.t.e, merge(&s.t, (char *[]){same, p[1], p[2], p[3]}, 4, "m")); /* the same blocks */
    scan_must_equal(&s.t, ".sums", "m.sums");
    hel_free(other);
    hel_free(same);
    set_stop(&s);
}

Test(shards, of_other_scans, .timeout = 300)
{
    set s, other;
    char path[2 * PATH_MAX], sums[2 * PATH_MAX];
    set_start(&s, 70, 4000);
    set_start(&other, 70, 4000);
    char **p = s.path;
    merge_fails(&s, (char *[]){p[0], p[1], other.path[2], p[3]}, 4, HEL_E_MISMATCH, p[0],
                other.path[2]);
    /* other weights of the same genotypes */
    snprintf(path, sizeof path, "%s", e2e_path(&s.t.e, "w.3-of-4.sums"));
    E2E_OK(&s.t.e, toy_null(&s.t));
    scan_shard(&s.t, "w", 3, SHARDS, NULL, 0);
    merge_fails(&s, (char *[]){p[0], p[1], path, p[3]}, 4, HEL_E_MISMATCH, "of different weights",
                path);
    /* no shards at all */
    snprintf(sums, sizeof sums, "%s", e2e_path(&s.t.e, ".sums"));
    merge_fails(&s, (char *[]){sums}, 1, HEL_E_MISMATCH, "nothing to merge", sums);
    merge_fails(&s, (char *[]){p[0], (char *)e2e_path(&s.t.e, ".geno")}, 2, HEL_E_FORMAT,
                "this is a genotypes file", NULL);
    merge_fails(&s, (char *[]){p[0], (char *)e2e_path(&s.t.e, ".none")}, 2, HEL_E_IO, ".none",
                NULL);
    merge_fails(&s, p, 0, HEL_E_USAGE, "needs the shards' files", NULL);
    set_stop(&other);
    set_stop(&s);
}

/* Every section of a shard, damaged or cut, is found, and nothing is left that has a name. */
Test(shards, damaged_ones, .timeout = 300)
{
    set s;
    uint64_t seed = test_seed();
    size_t bytes;
    set_start(&s, 70, 4000);
    uint8_t *data = test_read_file(s.path[1], &bytes);
    for (size_t i = 0; i < test_scale(40); i++) {
        const size_t at =
            i < 4 ? (size_t[]){600, 700, bytes - 1, bytes / 2}[i] : test_random(&seed) % bytes;
        data[at] ^= 1u << test_random(&seed) % 8;
        test_write_file(s.path[1], data, bytes, 0644);
        merge_fails(&s, s.path, SHARDS, HEL_E_FORMAT, s.path[1], NULL);
        free(data);
        E2E_OK(&s.t.e, (unlink(s.path[1]), HEL_OK));
        scan_shard(&s.t, "s", 2, SHARDS, NULL, 0);
        data = test_read_file(s.path[1], &bytes);
    }
    for (size_t i = 0; i < test_scale(20); i++) {
        test_write_file(s.path[1], data, test_random(&seed) % bytes, 0644);
        merge_fails(&s, s.path, SHARDS, HEL_E_FORMAT, s.path[1], NULL);
    }
    test_write_file(s.path[1], data, bytes, 0644);
    E2E_OK(&s.t.e, merge(&s.t, s.path, SHARDS, "m"));
    free(data);
    set_stop(&s);
}

/* decrypt takes no shard; the sums of the merge it does. */
Test(shards, decrypt_wants_all_of_them, .timeout = 300)
{
    set s;
    size_t bytes;
    set_start(&s, 70, 4000);
    char sums[2 * PATH_MAX];
    snprintf(sums, sizeof sums, "%s", e2e_path(&s.t.e, ".sums"));
    E2E_OK(&s.t.e, e2e_decrypt(&s.t.e, 0, -1));
    uint8_t *table = test_read_file(e2e_path(&s.t.e, ".Q1.glm.linear"), &bytes);
    cr_assert_eq(rename(s.path[0], sums), 0);
    E2E_FAILS(&s.t.e, e2e_decrypt(&s.t.e, 0, -1), HEL_E_MISMATCH, "heloci merge");
    cr_assert_not(test_exists(e2e_path(&s.t.e, ".key.rejections")));
    scan_shard(&s.t, "s", 1, SHARDS, NULL, 0);
    E2E_OK(&s.t.e, merge(&s.t, s.path, SHARDS, ""));
    E2E_OK(&s.t.e, e2e_decrypt(&s.t.e, 0, -1));
    cr_assert(toy_same(e2e_path(&s.t.e, ".Q1.glm.linear"), table, bytes));
    free(table);
    set_stop(&s);
}

/* The program's merge with limits on open files, soft and hard; its exit code. */
static int merge_within(set *s, rlim_t soft, rlim_t hard, const char *said)
{
    const struct rlimit limit = {soft, hard};
    char prefix[2 * PATH_MAX];
    snprintf(prefix, sizeof prefix, "%s", e2e_path(&s->t.e, "m"));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        if (!freopen(said, "w", stderr) || setrlimit(RLIMIT_NOFILE, &limit) != 0)
            _exit(126);
        execl(HEL_PROGRAM, "heloci", "merge", "--quiet", "--out", prefix, s->path[0], s->path[1],
              s->path[2], s->path[3], (char *)NULL);
        _exit(127);
    }
    int state = 0;
    cr_assert_eq(waitpid(pid, &state, 0), pid);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

/* Shards by the thousand are more than a shell's limit of 1024 files; here four are. */
Test(shards, more_than_the_limit_on_open_files, .timeout = 300)
{
    set s;
    char said[2 * PATH_MAX];
    size_t bytes;
    set_start(&s, 70, 4000);
    snprintf(said, sizeof said, "%s", e2e_path(&s.t.e, "said"));
    cr_assert_eq(merge_within(&s, 7, 35, said), 74);
    char *text = (char *)test_read_file(said, &bytes);
    cr_assert(strstr(text, "takes 36 files, and a process may open 35"), "%s", text);
    free(text);
    cr_assert_not(test_exists(e2e_path(&s.t.e, "m.sums")));
    cr_assert_eq(merge_within(&s, 7, 36, said), 0);
    scan_must_equal(&s.t, ".sums", "m.sums");
    set_stop(&s);
}
