/*
 * hel_doctor: on this machine what must hold anywhere; then findings, marks and advice on roots,
 * topologies, limits and environments made up for the purpose. Every test is a process of its own.
 */
#include <sys/resource.h>

#include "host/assoc/doctor/doctor_private.h"
#include "tests/assoc/doctor_test.h"

#define GIB      ((uint64_t)1 << 30)
#define TWO_GPUS HEL_SOURCE_DIR "/tests/sched/two_sockets_eight_gpus.xml"

static report r;

/* ---- any machine ---- */

Test(doctor_report, of_this_machine)
{
    static const char *const sections[] = {"build",  "processors", "nodes", "backends", "placement",
                                           "memory", "limits",     "files", "slurm"};
    report_run(&r, NULL, NULL);
    size_t at = 0;
    for (int i = 0; i < r.count; i++) {
        const kept *k = &r.list[i];
        if (strcmp(k->section, "devices") == 0)
            continue;
        if (strcmp(k->section, sections[at]) != 0)
            at++;
        cr_assert(at < 9 && strcmp(k->section, sections[at]) == 0, "%s", k->section);
        cr_expect(k->name[0] && (!k->has_label || k->text[0]));
        cr_expect_eq(k->mark != HEL_MARK_NONE, k->advice[0] != 0, "%s %s", k->section, k->name);
        cr_expect(k->mark == HEL_MARK_NONE || k->has_label);
        cr_expect(k == report_find(&r, k->section, k->item, k->name), "%s twice", k->name);
        cr_expect(!k->advice[0] || k->advice[strlen(k->advice) - 1] == '.', "%s", k->advice);
    }
    cr_expect_eq(at, 8);
    cr_expect_eq(report_find(&r, "processors", -1, "threads")->number,
                 hel_engine_threads(r.engine));
    cr_expect_eq(report_find(&r, "memory", -1, "budget_bytes")->number,
                 hel_engine_memory(r.engine));
    cr_expect_eq(report_find(&r, "memory", -1, "default_budget_bytes")->number,
                 hel_engine_memory(r.engine));
    cr_expect_str_eq(report_find(&r, "build", -1, "version")->text, hel_version());
    cr_expect_str_eq(report_find(&r, "processors", -1, "twin")->text,
                     hel_engine_simd_name(r.engine));
    cr_expect(strstr(report_find(&r, "processors", -1, "twins")->text, "portable"));
    cr_expect_eq(report_find(&r, "slurm", -1, "inside")->number, getenv("SLURM_JOB_ID") != NULL);
    report_end(&r);
}

Test(doctor_report, malformed)
{
    hel_doctor_config config = HEL_DOCTOR_CONFIG_INIT;
    report_engine(&r, 1, 0, NULL, 0);
    cr_expect_eq(hel_doctor(r.engine, NULL, report_take, &r), HEL_E_USAGE);
    cr_expect_eq(hel_doctor(r.engine, &config, NULL, &r), HEL_E_USAGE);
    config.size--;
    cr_expect_eq(hel_doctor(r.engine, &config, report_take, &r), HEL_E_USAGE);
    report_end(&r);
}

/* A receiver may end the report anywhere. */
Test(doctor_report, stops_where_it_is_told)
{
    test_dir dir;
    test_dir_make(&dir);
    report_engine(&r, 2, 0, "sim", 0);
    report_run(&r, dir.path, NULL);
    const int all = r.count;
    for (r.stop_at = 1; r.stop_at <= all; r.stop_at++) {
        report_run(&r, dir.path, NULL);
        cr_expect_eq(r.status, HEL_E_CANCELLED);
        cr_expect_eq(r.count, r.stop_at);
    }
    report_end(&r);
    cr_expect_eq(rmdir(dir.path), 0, "something was left in the folder");
}

Test(doctor_report, without_memory, .timeout = 120)
{
    hel_doctor_config config = HEL_DOCTOR_CONFIG_INIT;
    hel_status status = HEL_E_MEMORY;
    uint64_t nth = 1;
    report_engine(&r, 2, 0, "sim", 0);
    for (; status != HEL_OK; nth++) {
        r.count = 0;
        hel_mem_fail_nth(nth);
        status = hel_doctor(r.engine, &config, report_take, &r);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY, "%s", hel_status_name(status));
    }
    cr_expect_gt(nth, 10);
    report_end(&r);
}

Test(doctor_report, bytes_in_words)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 bytes"},         {1, "1 bytes"},           {1023, "1023 bytes"},
                 {1024, "1 KiB"},        {1536, "1.5 KiB"},        {(1 << 20) - 1, "1.0 MiB"},
                 {100 << 20, "100 MiB"}, {3 * GIB / 2, "1.5 GiB"}, {UINT64_MAX, "16 EiB"}};
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(hel_bytes_text(text, cases[i].bytes), cases[i].text);
}

/* ---- memory and quota, in roots ---- */

static void make_root(test_dir *root, const char *memory, const char *quota, const char *pages)
{
    test_dir_make(root);
    fake_put(root, "/proc/meminfo", "MemTotal:       67108864 kB\n");
    fake_put(root, "/proc/self/cgroup", "0::/job\n");
    fake_put(root, "/proc/self/mountinfo",
             "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:26 / /cg rw - cgroup2 none rw\n");
    if (memory)
        fake_put(root, "/cg/job/memory.max", memory);
    if (quota)
        fake_put(root, "/cg/job/cpu.max", quota);
    if (pages)
        fake_put(root, "/sys/kernel/mm/transparent_hugepage/enabled", pages);
}

Test(doctor_report, memory_of_a_job)
{
    test_dir root;
    make_root(&root, "4294967296\n", NULL, "always madvise [never]\n");
    report_engine(&r, 1, GIB, NULL, 0);
    report_run(&r, NULL, root.path);
    cr_expect_eq(report_find(&r, "memory", -1, "physical_bytes")->number, 64 * GIB);
    cr_expect_eq(report_find(&r, "memory", -1, "group_limit_bytes")->number, 4 * GIB);
    REPORT_EXPECT(&r, "memory", -1, "group_limit_bytes", HEL_MARK_NOTE,
                  "4 GiB, by /cg/job/memory.max", "--memory");
    cr_expect_eq(report_find(&r, "memory", -1, "default_budget_bytes")->number, 2 * GIB);
    REPORT_EXPECT(&r, "memory", -1, "budget_bytes", HEL_MARK_NONE, "1 GiB", NULL);
    REPORT_EXPECT(&r, "memory", -1, "huge_pages", HEL_MARK_PROBLEM, "never", "madvise");
    /* a budget that was asked for beyond the limit */
    report_engine(&r, 1, 5 * GIB, NULL, 0);
    report_run(&r, NULL, root.path);
    REPORT_EXPECT(&r, "memory", -1, "budget_bytes", HEL_MARK_PROBLEM, "5 GiB", "--memory");
    report_end(&r);
    fake_remove(&root);
}

Test(doctor_report, memory_without_limits)
{
    test_dir root;
    make_root(&root, "max\n", "max 100000\n", "always [madvise] never\n");
    report_engine(&r, 1, GIB, NULL, 0);
    report_run(&r, NULL, root.path);
    cr_expect_eq(report_find(&r, "memory", -1, "group_limit_bytes")->kind, HEL_VALUE_NONE);
    cr_expect_eq(report_find(&r, "processors", -1, "quota")->kind, HEL_VALUE_NONE);
    REPORT_EXPECT(&r, "memory", -1, "group_limit_bytes", HEL_MARK_NONE, "none", NULL);
    REPORT_EXPECT(&r, "memory", -1, "huge_pages", HEL_MARK_NONE, "madvise", NULL);
    fake_remove(&root);
    make_root(&root, "137438953472\n", NULL, NULL); /* beyond the machine's memory */
    report_run(&r, NULL, root.path);
    REPORT_EXPECT(&r, "memory", -1, "group_limit_bytes", HEL_MARK_NONE, "128 GiB", NULL);
    cr_expect_eq(report_find(&r, "memory", -1, "default_budget_bytes")->number, 32 * GIB);
    REPORT_EXPECT(&r, "memory", -1, "huge_pages", HEL_MARK_NONE, "unknown", NULL);
    report_engine(&r, 1, 65 * GIB, NULL, 0);
    report_run(&r, NULL, root.path);
    REPORT_EXPECT(&r, "memory", -1, "budget_bytes", HEL_MARK_PROBLEM, "65 GiB", NULL);
    report_end(&r);
    fake_remove(&root);
}

Test(doctor_report, threads_and_processors)
{
    test_dir root;
    make_root(&root, NULL, "250000 100000\n", NULL);
    set_variable("HWLOC_SYNTHETIC", "package:2 [numa(memory=1073741824)] core:4 pu:1");
    report_engine(&r, 3, GIB, NULL, 0);
    report_run(&r, NULL, root.path);
    REPORT_EXPECT(&r, "processors", -1, "threads", HEL_MARK_NONE, "3", NULL);
    REPORT_EXPECT(&r, "processors", -1, "quota", HEL_MARK_NONE,
                  "2.5 processors, by /cg/job/cpu.max", NULL);
    cr_expect_float_eq(report_find(&r, "processors", -1, "quota")->real, 2.5, 1e-12);
    REPORT_EXPECT(&r, "processors", -1, "allowed", HEL_MARK_NONE, "8: 0-7", NULL);
    REPORT_EXPECT(&r, "processors", -1, "machine", HEL_MARK_NONE, "8 in 8 cores and 2 packages",
                  NULL);
    REPORT_EXPECT(&r, "processors", -1, "described", HEL_MARK_NOTE, "description",
                  "HWLOC_SYNTHETIC");
    report_engine(&r, 4, GIB, NULL, 0);
    report_run(&r, NULL, root.path);
    REPORT_EXPECT(&r, "processors", -1, "threads", HEL_MARK_PROBLEM, "4", "--threads 3");
    report_engine(&r, 9, GIB, NULL, 0);
    report_run(&r, NULL, root.path);
    REPORT_EXPECT(&r, "processors", -1, "threads", HEL_MARK_PROBLEM, "9", "--threads 8");
    /* and the nodes, with what is for programs alone */
    REPORT_EXPECT(&r, "nodes", 1, "number", HEL_MARK_NONE, "processors 4-7 (4 of 4), 1 GiB", NULL);
    cr_expect_str_eq(report_find(&r, "nodes", 1, "number")->label, "node 1");
    cr_expect_eq(report_find(&r, "nodes", 1, "number")->number, 1);
    cr_expect_not(report_find(&r, "nodes", 1, "processors")->has_label);
    cr_expect_eq(report_find(&r, "nodes", 0, "memory_bytes")->number, GIB);
    cr_expect_eq(report_find(&r, "nodes", 0, "memory_allowed")->number, 1);
    cr_expect_null(report_seek(&r, "nodes", 2, "number"));
    REPORT_EXPECT(&r, "placement", 0, "workers", HEL_MARK_NONE,
                  "5 on node 0 (processors 0-3), 4 on node 1 (processors 4-7)", NULL);
    report_end(&r);
    fake_remove(&root);
}

/* ---- limits ---- */

static void lower(int which, uint64_t value)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(which, &limit), 0);
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value)
        cr_skip_test("the limit is lower than that already");
    limit.rlim_cur = value;
    cr_assert_eq(setrlimit(which, &limit), 0);
}

Test(doctor_report, limits)
{
    report_engine(&r, 4, GIB, NULL, 0);
    lower(RLIMIT_MEMLOCK, 65536);
    lower(RLIMIT_NOFILE, 100);
    lower(RLIMIT_FSIZE, GIB);
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "limits", -1, "locked_memory_bytes", HEL_MARK_PROBLEM, "64 KiB",
                  "ulimit -l of 2560 or more");
    cr_expect_eq(report_find(&r, "limits", -1, "locked_memory_bytes")->number, 65536);
    REPORT_EXPECT(&r, "limits", -1, "open_files", HEL_MARK_PROBLEM, "100", "ulimit -n");
    REPORT_EXPECT(&r, "limits", -1, "file_size_bytes", HEL_MARK_PROBLEM, "1 GiB", "ulimit -f");
    lower(RLIMIT_MEMLOCK, 2560 * 1024); /* 1 MiB, and 384 KiB for each thread */
    lower(RLIMIT_NOFILE, 256);
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "limits", -1, "locked_memory_bytes", HEL_MARK_NONE, "2.5 MiB", NULL);
    REPORT_EXPECT(&r, "limits", -1, "open_files", HEL_MARK_NONE, "256", NULL);
    /* a device has buffers that are pinned */
    report_engine(&r, 4, GIB, "sim", 0);
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "limits", -1, "locked_memory_bytes", HEL_MARK_NOTE, "2.5 MiB", "unlimited");
    report_engine(&r, 4, 2 << 20, "sim", 0);
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "limits", -1, "locked_memory_bytes", HEL_MARK_NONE, NULL, NULL);
    report_end(&r);
}

#if !defined(__SANITIZE_ADDRESS__) /* whose shadow is larger than any such limit */
Test(doctor_report, address_space)
{
    report_engine(&r, 1, GIB, NULL, 0);
    lower(RLIMIT_AS, 8 * GIB);
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "limits", -1, "address_space_bytes", HEL_MARK_PROBLEM, "8 GiB", "ulimit -v");
    report_end(&r);
}
#endif

/* ---- devices ---- */

static void gpu_job(const char *variable, const char *value, const char *backend, hel_mark want)
{
    static const char *const all[] = {"SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE",
                                      "CUDA_VISIBLE_DEVICES"};
    test_dir root;
    for (int i = 0; i < 4; i++)
        set_variable(all[i], NULL);
    set_variable(variable, value);
    test_dir_make(&root); /* without an NVIDIA driver */
    report_engine(&r, 1, GIB, backend, 0);
    report_run(&r, NULL, root.path);
    fake_remove(&root);
    if (report_find(&r, "backends", 1, "devices")->number)
        cr_skip_test("there is a GPU");
    REPORT_EXPECT(&r, "backends", 1, "devices", want, "libheloci_cuda.so.0", NULL);
    cr_expect(want != HEL_MARK_ABSENT || strcmp(backend, "cuda") == 0 ||
              strstr(report_find(&r, "backends", 1, "devices")->advice, variable));
}

/* No GPU is no trouble, unless the job has one or somebody asks for it. */
Test(doctor_report, gpus_that_are_not_there)
{
    gpu_job("SLURM_JOB_GPUS", NULL, "auto", HEL_MARK_NONE);
    gpu_job("SLURM_JOB_GPUS", NULL, "cpu", HEL_MARK_NONE);
    gpu_job("SLURM_JOB_GPUS", NULL, "cuda", HEL_MARK_ABSENT);
    gpu_job("SLURM_JOB_GPUS", "0", "auto", HEL_MARK_ABSENT);
    gpu_job("SLURM_JOB_GPUS", "0", "cpu", HEL_MARK_NONE);
    gpu_job("SLURM_STEP_GPUS", "3", "auto", HEL_MARK_ABSENT);
    gpu_job("SLURM_GPUS_ON_NODE", "2", "auto", HEL_MARK_ABSENT);
    gpu_job("SLURM_GPUS_ON_NODE", "0", "auto", HEL_MARK_NONE);
    gpu_job("CUDA_VISIBLE_DEVICES", "0,1", "auto", HEL_MARK_ABSENT);
    gpu_job("CUDA_VISIBLE_DEVICES", "NoDevFiles", "auto", HEL_MARK_NONE);
    gpu_job("CUDA_VISIBLE_DEVICES", "", "auto", HEL_MARK_NONE);
    report_end(&r);
}

Test(doctor_report, a_driver_without_the_library)
{
    test_dir root;
    test_dir_make(&root);
    set_variable("CUDA_VISIBLE_DEVICES", NULL);
    set_variable("SLURM_JOB_GPUS", NULL);
    fake_put(&root, "/dev/nvidiactl", "");
    report_engine(&r, 1, GIB, "auto", 0);
    report_run(&r, NULL, root.path);
    if (report_find(&r, "backends", 1, "devices")->number)
        cr_skip_test("there is a GPU");
    REPORT_EXPECT(&r, "backends", 1, "devices", HEL_MARK_PROBLEM, NULL, "HELOCI_BACKEND_DIR");
    cr_expect(report_find(&r, "backends", 1, "why")->text[0]);
    report_end(&r);
    fake_remove(&root);
}

Test(doctor_report, devices_and_their_nodes)
{
    set_variable("HWLOC_XMLFILE", TWO_GPUS);
    set_variable("HELOCI_SIM_DEVICES", "4");
    set_variable("HELOCI_SIM_PCI", "0000:9a:00.0,0000:3b:00.0,0000:01:00.0");
    set_variable("HELOCI_SIM_MEMORY", "1073741824");
    report_engine(&r, 6, GIB, "sim", 1);
    report_run(&r, NULL, NULL);
    const int64_t first = report_seek(&r, "devices", 4, "backend") ? 1 : 0; /* behind a GPU */
    REPORT_EXPECT(&r, "backends", 2, "devices", HEL_MARK_NONE, "4 devices, simulator", NULL);
    REPORT_EXPECT(&r, "devices", first, "model", HEL_MARK_NONE,
                  "simulated device, 232448 bytes of shared memory; 1 GiB, 1 GiB of it free", NULL);
    cr_expect_str_eq(report_find(&r, "devices", first, "model")->label, "sim 0");
    cr_expect_str_eq(report_find(&r, "devices", first, "pci")->text, "0000:9a:00.0");
    cr_expect_eq(report_find(&r, "devices", first, "memory_bytes")->number, GIB);
    cr_expect_eq(report_find(&r, "devices", first, "node")->number, 1);
    cr_expect_str_eq(report_find(&r, "devices", first, "processors")->text, "4-7");
    cr_expect_eq(report_find(&r, "devices", first + 1, "node")->number, 0);
    REPORT_EXPECT(&r, "devices", first + 2, "node", HEL_MARK_NONE, "not seen on the bus", NULL);
    cr_expect_eq(report_find(&r, "devices", first + 2, "node")->kind, HEL_VALUE_NONE);
    cr_expect_null(report_seek(&r, "devices", first + 3, "node"));
    REPORT_EXPECT(&r, "placement", first + 1, "readers", HEL_MARK_NONE,
                  "processors 4-7; node 1 is the nearest to 0000:9a:00.0", NULL);
    cr_expect_str_eq(report_find(&r, "placement", first + 1, "readers")->label, "sim 0: readers");
    REPORT_EXPECT(&r, "placement", first + 2, "buffers", HEL_MARK_NONE, "memory of node 0", NULL);
    cr_expect_str_eq(report_find(&r, "placement", first + 2, "for")->text, "sim 1");
    report_end(&r);
}

/* The job's processors are on the other socket. */
Test(doctor_report, a_device_beyond_the_job)
{
    test_dir dir;
    size_t bytes;
    test_dir_make(&dir);
    const char *path = test_dir_path(&dir, "far.xml");
    char *text = (char *)test_read_file(TWO_GPUS, &bytes);
    char *allowed = strstr(text, "allowed_cpuset=\"0x000000ff\"");
    cr_assert(allowed != NULL);
    memcpy(strstr(allowed, "ff\""), "f0\"", 3);
    test_write_file(path, text, bytes, 0644);
    free(text);
    set_variable("HWLOC_XMLFILE", path);
    set_variable("HELOCI_SIM_PCI", "0000:3b:00.0");
    report_engine(&r, 4, GIB, "sim", 0);
    report_run(&r, NULL, NULL);
    const int64_t item = report_seek(&r, "devices", 1, "backend") ? 1 : 0;
    REPORT_EXPECT(&r, "devices", item, "node", HEL_MARK_PROBLEM,
                  "0, of which this process may use processors none", "--gpu-bind");
    REPORT_EXPECT(&r, "placement", item + 1, "readers", HEL_MARK_NONE, "node 1 is the closest",
                  NULL);
    REPORT_EXPECT(&r, "processors", -1, "allowed", HEL_MARK_NONE, "4: 4-7", NULL);
    report_end(&r);
    test_dir_remove(&dir);
}

Test(doctor_report, devices_that_do_not_open)
{
    set_variable("HELOCI_SIM_DEVICES", "2");
    set_variable("HELOCI_SIM_FAIL", "1");
    report_engine(&r, 1, GIB, "sim", 1);
    report_run(&r, NULL, NULL);
    const int64_t first = report_seek(&r, "devices", 2, "backend") ? 1 : 0;
    REPORT_EXPECT(&r, "devices", first, "why", HEL_MARK_PROBLEM, "device 0: ", "--device");
    REPORT_EXPECT(&r, "devices", first + 1, "why", HEL_MARK_ABSENT, "device 1: ", "--device");
    cr_expect_null(report_seek(&r, "placement", first + 1, "for"));
    set_variable("HELOCI_SIM_FAIL", NULL);
    report_engine(&r, 1, GIB, "sim", 2);
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "backends", 2, "devices", HEL_MARK_ABSENT, "2 devices", "--device 1 or less");
    set_variable("HELOCI_SIM_DEVICES", "0");
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "backends", 2, "devices", HEL_MARK_ABSENT, "no device", "--backend cpu");
    report_engine(&r, 1, GIB, "nosuch", 0);
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "backends", 2, "devices", HEL_MARK_ABSENT, "libheloci_nosuch.so.0", "nosuch");
    report_end(&r);
}

/* ---- files ---- */

Test(doctor_report, a_folder)
{
    test_dir dir, root;
    char mounts[4 * PATH_MAX], deep[PATH_MAX + 16];
    test_dir_make(&dir);
    test_dir_make(&root);
    snprintf(deep, sizeof deep, "%s/below", dir.path);
    cr_assert_eq(mkdir(deep, 0755), 0);
    snprintf(mounts, sizeof mounts,
             "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
             "23 22 0:40 / %s rw - lustre server:/fs rw,flock\n"
             "24 22 0:41 / %s/be rw - xfs /dev/sdb rw\n",
             dir.path, dir.path);
    fake_put(&root, "/proc/self/mountinfo", mounts);
    report_engine(&r, 1, GIB, NULL, 0);
    report_run(&r, deep, root.path);
    REPORT_EXPECT(&r, "files", -1, "type", HEL_MARK_NONE, "lustre", NULL);
    cr_expect_str_eq(report_find(&r, "files", -1, "mounted_at")->text, dir.path);
    cr_expect_str_eq(report_find(&r, "files", -1, "folder")->text, deep);
    cr_expect_gt(report_find(&r, "files", -1, "free_bytes")->number, 0);
    REPORT_EXPECT(&r, "files", -1, "writable", HEL_MARK_NONE, "yes", NULL);
    REPORT_EXPECT(&r, "files", -1, "lock", HEL_MARK_NONE, "yes", NULL);
    cr_expect_eq(report_find(&r, "files", -1, "lock")->number, 1);
    /* either way, with a reason where it does not work */
    const kept *direct = report_find(&r, "files", -1, "direct");
    cr_expect(direct->number
                  ? strcmp(direct->text, "yes") == 0 && direct->mark == HEL_MARK_NONE
                  : strncmp(direct->text, "no: ", 4) == 0 && direct->mark == HEL_MARK_NOTE);
    cr_expect_eq(rmdir(deep), 0, "something was left in the folder");
    /* the last of two mounts at one place is the one that is seen */
    snprintf(mounts, sizeof mounts,
             "22 1 8:1 / / rw - ext4 a rw\n23 22 0:40 / / rw - tmpfs b rw\n");
    fake_put(&root, "/proc/self/mountinfo", mounts);
    report_run(&r, dir.path, root.path);
    REPORT_EXPECT(&r, "files", -1, "type", HEL_MARK_NOTE, "tmpfs", "memory");
    fake_remove(&root);
    report_run(&r, dir.path, root.path);
    REPORT_EXPECT(&r, "files", -1, "type", HEL_MARK_NONE, "unknown", NULL);
    report_end(&r);
    test_dir_remove(&dir);
}

Test(doctor_report, folders_that_cannot_be_written)
{
    report_engine(&r, 1, GIB, NULL, 0);
    report_run(&r, "/nonexistent/folder", NULL);
    REPORT_EXPECT(&r, "files", -1, "folder", HEL_MARK_ABSENT, "/nonexistent/folder: No such file",
                  NULL);
    cr_expect_null(report_seek(&r, "files", -1, "lock"));
    report_run(&r, "/proc", NULL);
    REPORT_EXPECT(&r, "files", -1, "type", HEL_MARK_NONE, "proc", NULL);
    REPORT_EXPECT(&r, "files", -1, "writable", HEL_MARK_PROBLEM, "no: ", "--out");
    cr_expect_null(report_seek(&r, "files", -1, "lock"));
    report_end(&r);
}

/* ---- Slurm ---- */

Test(doctor_report, a_job)
{
    set_variable("SLURM_JOB_ID", "4711");
    set_variable("SLURM_ARRAY_TASK_ID", "3");
    set_variable("SLURM_RESTART_COUNT", "1");
    set_variable("SLURM_JOB_GPUS", NULL);
    set_variable("CUDA_VISIBLE_DEVICES", NULL);
    set_variable("SLURM_CPUS_PER_TASK", "4000");
    set_variable("SLURM_MEM_PER_CPU", NULL);
    set_variable("SLURM_MEM_PER_NODE", "2048");
    report_engine(&r, 1, 2 * GIB, NULL, 0);
    report_run(&r, NULL, NULL);
    cr_expect_eq(report_find(&r, "slurm", -1, "inside")->number, 1);
    cr_expect_str_eq(report_find(&r, "slurm", -1, "job")->text, "4711");
    cr_expect_str_eq(report_find(&r, "slurm", -1, "array_task")->text, "3");
    cr_expect_str_eq(report_find(&r, "slurm", -1, "restarts")->text, "1");
    cr_expect_null(report_seek(&r, "slurm", -1, "gpus"));
    REPORT_EXPECT(&r, "slurm", -1, "cpus_per_task", HEL_MARK_PROBLEM, "4000",
                  "SRUN_CPUS_PER_TASK=4000");
    REPORT_EXPECT(&r, "slurm", -1, "memory_bytes", HEL_MARK_NONE, "2 GiB", NULL);
    report_engine(&r, 1, 2 * GIB + 1, NULL, 0);
    set_variable("SLURM_CPUS_PER_TASK", "1");
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "slurm", -1, "cpus_per_task", HEL_MARK_NONE, "1", NULL);
    REPORT_EXPECT(&r, "slurm", -1, "memory_bytes", HEL_MARK_PROBLEM, "2 GiB", "--memory 1024");
    /* per processor */
    set_variable("SLURM_MEM_PER_NODE", NULL);
    set_variable("SLURM_MEM_PER_CPU", "1024");
    set_variable("SLURM_CPUS_ON_NODE", "3");
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "slurm", -1, "memory_bytes", HEL_MARK_NONE, "3 GiB", NULL);
    set_variable("SLURM_MEM_PER_CPU", "x");
    report_run(&r, NULL, NULL);
    cr_expect_null(report_seek(&r, "slurm", -1, "memory_bytes"));
    /* processors of a description say nothing of the job's */
    set_variable("HWLOC_SYNTHETIC", "core:2 pu:1");
    set_variable("SLURM_CPUS_PER_TASK", "4000");
    report_run(&r, NULL, NULL);
    REPORT_EXPECT(&r, "slurm", -1, "cpus_per_task", HEL_MARK_NONE, "4000", NULL);
    report_end(&r);
}

Test(doctor_report, numbers_of_the_environment)
{
    static const struct {
        const char *text;
        uint64_t number;
    } cases[] = {{NULL, 0},  {"", 0},    {"0", 0},
                 {"17", 17}, {"-1", 0},  {" 1", 0},
                 {"1x", 0},  {"0x5", 0}, {"99999999999999999999999", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_variable("HEL_T_NUMBER", cases[i].text);
        cr_expect_eq(hel_environment_number("HEL_T_NUMBER"), cases[i].number);
    }
}
