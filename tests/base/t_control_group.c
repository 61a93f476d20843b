/* Limits of control groups, read from trees such as Slurm, containers and systemd make. */
#include "host/base/control_group.h"
#include "heloci/engine.h"
#include "host/base/system_file.h"
#include "tests/base/fake_root.h"

#define GIB ((uint64_t)1 << 30)

#define ROOT_MOUNT "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define V2_MOUNT   "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 none rw,nsdelegate\n"
#define V1_MOUNTS                                                                                  \
    "31 22 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"                                            \
    "32 31 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"                  \
    "33 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"

static void start(test_dir *root, const char *groups, const char *mounts)
{
    test_dir_make(root);
    fake_put(root, "/proc/meminfo", "MemTotal:       67108864 kB\nMemFree: 1 kB\n"); /* 64 GiB */
    fake_put(root, "/proc/self/cgroup", groups);
    fake_put(root, "/proc/self/mountinfo", mounts);
}

static hel_group_limits limits_of(const test_dir *root)
{
    hel_group_limits l;
    memset(&l, 0xff, sizeof l);
    hel_group_limits_read(&l, root->path);
    return l;
}

/* What a Slurm step sees: the limit stands at the job, two levels up; the step's own is larger. */
Test(control_group, version_2_up_the_tree)
{
    test_dir root;
    start(&root, "0::/slurm/job_7/step_0/task_0\n", ROOT_MOUNT V2_MOUNT);
    hel_group_limits l = limits_of(&root);
    cr_expect_eq(l.physical, 64 * GIB);
    cr_expect(l.memory == HEL_UNLIMITED && l.processors == 0);
    cr_expect_str_eq(l.memory_file, "");
    cr_expect_eq(hel_default_memory(&l), 32 * GIB);
    fake_put(&root, "/sys/fs/cgroup/slurm/job_7/step_0/task_0/memory.max", "max\n");
    fake_put(&root, "/sys/fs/cgroup/slurm/job_7/step_0/memory.max", "8589934592\n");
    fake_put(&root, "/sys/fs/cgroup/slurm/job_7/memory.max", "4294967296\n");
    fake_put(&root, "/sys/fs/cgroup/slurm/memory.max", "max\n");
    fake_put(&root, "/sys/fs/cgroup/slurm/job_8/memory.max", "1\n"); /* another job's */
    fake_put(&root, "/sys/fs/cgroup/slurm/job_7/cpu.max", "max 100000\n");
    fake_put(&root, "/sys/fs/cgroup/slurm/cpu.max", "250000 100000\n");
    l = limits_of(&root);
    cr_expect_eq(l.memory, 4 * GIB);
    cr_expect_str_eq(l.memory_file, "/sys/fs/cgroup/slurm/job_7/memory.max");
    cr_expect_float_eq(l.processors, 2.5, 1e-12);
    cr_expect_str_eq(l.processors_file, "/sys/fs/cgroup/slurm/cpu.max");
    cr_expect_eq(hel_default_memory(&l), 2 * GIB);
    fake_put(&root, "/sys/fs/cgroup/memory.max", "1073741824\n"); /* of the mount itself */
    l = limits_of(&root);
    cr_expect_eq(l.memory, GIB);
    fake_remove(&root);
}

Test(control_group, version_1_and_both)
{
    test_dir root;
    start(&root, "5:cpu,cpuacct:/a/b\n4:memory:/a/b\n1:name=systemd:/x\n0::/u\n",
          ROOT_MOUNT V1_MOUNTS "40 31 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    fake_put(&root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    cr_expect(limits_of(&root).memory == HEL_UNLIMITED); /* what version 1 says for none */
    fake_put(&root, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2147483648\n");
    fake_put(&root, "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
    fake_put(&root, "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
    fake_put(&root, "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    fake_put(&root, "/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "50000\n");
    fake_put(&root, "/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    hel_group_limits l = limits_of(&root);
    cr_expect_eq(l.memory, 2 * GIB);
    cr_expect_str_eq(l.memory_file, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes");
    cr_expect_float_eq(l.processors, 0.5, 1e-12);
    /* the smaller of both versions */
    fake_put(&root, "/sys/fs/cgroup/unified/u/memory.max", "1073741824\n");
    l = limits_of(&root);
    cr_expect_eq(l.memory, GIB);
    fake_remove(&root);
}

/* Containers see their group as the mount's root, whatever /proc/self/cgroup calls it. */
Test(control_group, containers)
{
    static const struct {
        const char *group, *mount_root, *folder;
    } cases[] = {
        {"/", "/", ""},                             /* its own namespace */
        {"/docker/abc", "/docker/abc", ""},         /* the host's name */
        {"/docker/abc/sub", "/docker/abc", "/sub"}, /* and a group below */
        {"/docker/abcd", "/docker/abc", ""},        /* not below: another's name */
        {"/../other", "/", ""},                     /* outside of the namespace */
        {"/..", "/..", ""},                         /* the same, and so is the mount */
        {"/with space/x", "/with\\040space", "/x"}, /* escapes */
        {"/a:b", "/", "/a:b"},                      /* a colon in a name */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_dir root;
        char groups[256], mounts[512], path[256];
        snprintf(groups, sizeof groups, "0::%s\n", cases[i].group);
        snprintf(mounts, sizeof mounts,
                 ROOT_MOUNT "30 22 0:26 %s /odd\\040place rw - cgroup2 none rw\n",
                 cases[i].mount_root);
        start(&root, groups, mounts);
        snprintf(path, sizeof path, "/odd place%s/memory.max", cases[i].folder);
        fake_put(&root, path, "1073741824\n");
        const hel_group_limits l = limits_of(&root);
        cr_expect_eq(l.memory, GIB, "%s", cases[i].group);
        cr_expect_str_eq(l.memory_file, path);
        fake_remove(&root);
    }
}

/* The mount that shows the group counts, not the first of its kind. */
Test(control_group, several_mounts)
{
    test_dir root;
    start(
        &root, "0::/a/b\n",
        "30 22 0:26 /c /first rw - cgroup2 none rw\n31 22 0:26 /a /second rw - cgroup2 none rw\n");
    fake_put(&root, "/first/memory.max", "1\n");
    fake_put(&root, "/second/b/memory.max", "1073741824\n");
    hel_group_limits l = limits_of(&root);
    cr_expect_eq(l.memory, GIB);
    fake_remove(&root);
}

Test(control_group, what_limits_nothing)
{
    static const char *const values[] = {
        "", "max", "max\n", "-1\n", "x1", "\n\n", "99999999999999999999999\n"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        test_dir root;
        start(&root, "0::/a\n", V2_MOUNT);
        fake_put(&root, "/sys/fs/cgroup/a/memory.max", values[i]);
        fake_put(&root, "/sys/fs/cgroup/a/cpu.max", values[i]);
        const hel_group_limits l = limits_of(&root);
        cr_expect(l.memory == HEL_UNLIMITED, "'%s': %llu", values[i], (unsigned long long)l.memory);
        cr_expect_eq(l.processors, 0, "'%s': %g", values[i], l.processors);
        fake_remove(&root);
    }
}

Test(control_group, nothing_to_read)
{
    test_dir root;
    test_dir_make(&root);
    hel_group_limits l = limits_of(&root);
    cr_expect(l.physical == 0 && l.memory == HEL_UNLIMITED && l.processors == 0);
    cr_expect(hel_default_memory(&l) > 0);
    fake_put(&root, "/proc/self/cgroup", "0::/a\n");
    l = limits_of(&root);
    cr_expect(l.memory == HEL_UNLIMITED);
    fake_remove(&root);
    /* a limit above the machine's memory is none */
    l = (hel_group_limits){.physical = 4 * GIB, .memory = 8 * GIB};
    cr_expect_eq(hel_default_memory(&l), 2 * GIB);
    l = (hel_group_limits){.physical = 0, .memory = 8 * GIB};
    cr_expect_eq(hel_default_memory(&l), 4 * GIB);
}

/* The engine's default is what the reader finds on this machine. */
Test(control_group, the_engine_follows)
{
    hel_engine *engine;
    hel_group_limits l;
    hel_group_limits_read(&l, "");
    cr_assert(l.physical > 0);
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    cr_expect_eq(hel_engine_memory(engine), hel_default_memory(&l));
    cr_expect_leq(hel_engine_memory(engine), l.physical / 2);
    hel_engine_free(engine);
}

/* Mangled texts of any kind: no crash, and no limit out of thin air. */
Test(control_group, garbage)
{
    uint64_t seed = test_seed();
    static const char alphabet[] = "/:0,\n -\\..cgroup2 memory cpu\t9";
    for (size_t i = test_scale(300); i-- > 0;) {
        test_dir root;
        char text[2][512];
        for (int t = 0; t < 2; t++) {
            const size_t bytes = test_random(&seed) % sizeof text[t];
            for (size_t j = 0; j < bytes; j++)
                text[t][j] = alphabet[test_random(&seed) % (sizeof alphabet - 1)];
            text[t][bytes] = 0;
        }
        start(&root, text[0], text[1]);
        const hel_group_limits l = limits_of(&root);
        cr_expect(l.memory == HEL_UNLIMITED && l.processors == 0);
        fake_remove(&root);
    }
}

Test(control_group, mounts)
{
    const char *text = ROOT_MOUNT "\nnonsense\n"
                                  "33 31 0:29 /x\\134y /a\\040b rw a:1 b:2 - cgroup s rw,memory\n"
                                  "34 31 0:30 / /last rw - xfs s rw";
    hel_mount m;
    cr_assert(hel_mount_next(&text, &m));
    cr_expect_str_eq(m.point, "/");
    cr_expect_str_eq(m.type, "ext4");
    cr_assert(hel_mount_next(&text, &m));
    cr_expect_str_eq(m.root, "/x\\y");
    cr_expect_str_eq(m.point, "/a b");
    cr_expect_str_eq(m.type, "cgroup");
    cr_expect_str_eq(m.options, "rw,memory");
    cr_assert(hel_mount_next(&text, &m));
    cr_expect_str_eq(m.point, "/last");
    cr_expect_str_eq(m.type, "xfs");
    cr_expect_not(hel_mount_next(&text, &m));
    cr_expect_not(hel_mount_next(&text, &m));
}
