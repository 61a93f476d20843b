/* The file system of a folder, and the Slurm job around the process. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host/assoc/doctor/doctor_private.h"
#include "host/base/mem.h"
#include "host/base/system_file.h"

enum { MOUNTS_BYTES = 1 << 20, BLOCK = 4096 };

/* ---- files ---- */

/* The mount that a path is on: the longest point above it, of equals the last. */
static int find_mount(const char *text, const char *path, hel_mount *out, hel_mount *scratch)
{
    size_t best = 0;
    int found = 0;
    while (hel_mount_next(&text, scratch)) {
        const size_t length = strcmp(scratch->point, "/") == 0 ? 0 : strlen(scratch->point);
        const int above = strncmp(path, scratch->point, length) == 0 &&
                          (path[length] == '/' || path[length] == 0);
        if (above && (!found || length >= best)) {
            *out = *scratch;
            best = length;
            found = 1;
        }
    }
    return found;
}

static hel_status tell_mount(hel_doctor_state *d, const char *path)
{
    hel_mount *mount;
    char *text;
    HEL_TRY(hel_malloc(d->engine, &text, MOUNTS_BYTES + 2 * sizeof *mount, 1));
    mount = (hel_mount *)(void *)(text + MOUNTS_BYTES);
    hel_entry e = hel_entry_text("type", "file system");
    hel_status status;
    if (!hel_system_text(d->root, "/proc/self/mountinfo", text, MOUNTS_BYTES) ||
        !find_mount(text, path, mount, mount + 1)) {
        status = hel_tell(d, e, "unknown");
    } else {
        if (strcmp(mount->type, "tmpfs") == 0 || strcmp(mount->type, "ramfs") == 0)
            e = hel_entry_marked(e, HEL_MARK_NOTE,
                                 "Large files belong elsewhere: what is written here is in memory, "
                                 "and counts against the job's.");
        status = hel_tell(d, e, "%s", mount->type);
        if (status == HEL_OK)
            status = hel_tell(d, hel_entry_text("mounted_at", "mounted at"), "%s", mount->point);
    }
    hel_free(text);
    return status;
}

/* What reads and writes of a fresh file say: 1 works, 0 does not. */
typedef struct probe {
    int made, direct, lock;
    int made_errno, direct_errno, lock_errno;
} probe;

static int direct_works(const char *path)
{
    void *block = NULL;
    int works = 0;
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
    if (fd < 0)
        return 0;
    if (posix_memalign(&block, BLOCK, BLOCK) == 0) {
        memset(block, 1, BLOCK);
        works = pwrite(fd, block, BLOCK, 0) == BLOCK && pread(fd, block, BLOCK, 0) == BLOCK;
    }
    const int kept = errno;
    free(block);
    close(fd);
    errno = kept;
    return works;
}

static void try_file(const char *folder, probe *p)
{
    char path[HEL_MOUNT_PATH];
    *p = (probe){0};
    if (snprintf(path, sizeof path, "%s/.heloci-doctor-XXXXXX", folder) >= (int)sizeof path) {
        p->made_errno = ENAMETOOLONG;
        return;
    }
    const int fd = mkostemp(path, O_CLOEXEC);
    p->made = fd >= 0;
    p->made_errno = errno;
    if (fd < 0)
        return;
    p->direct = direct_works(path);
    p->direct_errno = errno;
    p->lock = flock(fd, LOCK_EX | LOCK_NB) == 0;
    p->lock_errno = errno;
    close(fd);
    unlink(path);
}

/* "yes", or "no: the reason". */
static hel_status tell_probe(hel_doctor_state *d, hel_entry e, int works, int error)
{
    char text[128];
    e.kind = HEL_VALUE_TRUTH;
    e.number = works != 0;
    if (works)
        return hel_tell(d, hel_entry_marked(e, HEL_MARK_NONE, NULL), "yes");
    return hel_tell(d, e, "no: %s", strerror_r(error, text, sizeof text));
}

hel_status hel_doctor_files(hel_doctor_state *d)
{
    struct statvfs space;
    probe p;
    char bytes[32];
    char *path = realpath(d->folder, NULL);
    if (!path) {
        char text[128];
        return hel_tell(d,
                        hel_entry_marked(hel_entry_text("folder", "folder"), HEL_MARK_ABSENT,
                                         "Name a folder that is there."),
                        "%s: %s", d->folder, strerror_r(errno, text, sizeof text));
    }
    hel_status status = hel_tell(d, hel_entry_text("folder", "folder"), "%s", path);
    if (status == HEL_OK)
        status = tell_mount(d, path);
    free(path);
    HEL_TRY(status);
    if (statvfs(d->folder, &space) == 0) {
        const uint64_t left = (uint64_t)space.f_bavail * space.f_frsize;
        HEL_TRY(hel_tell(d, hel_entry_number("free_bytes", "free", HEL_VALUE_BYTES, left), "%s",
                         hel_bytes_text(bytes, left)));
    }
    try_file(d->folder, &p);
    hel_entry e = hel_entry_marked(hel_entry_text("writable", "writable"), HEL_MARK_PROBLEM,
                                   "Start from a folder that can be written, or give outputs "
                                   "another place with --out.");
    HEL_TRY(tell_probe(d, e, p.made, p.made_errno));
    if (!p.made)
        return HEL_OK;
    e = hel_entry_marked(hel_entry_text("direct", "direct I/O (O_DIRECT)"), HEL_MARK_NOTE,
                         "Use --io buffered or auto: this file system reads through the page cache "
                         "only.");
    HEL_TRY(tell_probe(d, e, p.direct, p.direct_errno));
    e = hel_entry_marked(hel_entry_text("lock", "locks (flock)"), HEL_MARK_ABSENT,
                         "Have it mounted with locks (Lustre: -o flock), or write to another file "
                         "system: outputs are locked while they are written.");
    return tell_probe(d, e, p.lock, p.lock_errno);
}

/* ---- Slurm ---- */

uint64_t hel_environment_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    const uint64_t value = strtoull(text, &end, 10);
    return errno || *end ? 0 : value;
}

/* A list of GPUs by their numbers or names. */
static int lists_gpus(const char *text)
{
    static const char *const nothing[] = {"", "-1", "NoDevFiles", "(null)"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (strcmp(text, nothing[i]) == 0)
            return 0;
    return 1;
}

const char *hel_granted_gpus(void)
{
    static const char *const lists[] = {"SLURM_JOB_GPUS", "SLURM_STEP_GPUS",
                                        "CUDA_VISIBLE_DEVICES"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const char *text = getenv(lists[i]);
        if (text && lists_gpus(text))
            return lists[i];
    }
    return hel_environment_number("SLURM_GPUS_ON_NODE") ? "SLURM_GPUS_ON_NODE" : NULL;
}

/* srun does not take over what sbatch was told (since 22.05); a step then has one processor. */
static hel_entry judge_cpus(const hel_doctor_state *d, hel_entry e, const char *name, char *advice,
                            size_t room)
{
    const uint64_t wanted = hel_environment_number(name);
    const uint32_t allowed = hel_cpus_count(&d->topology->allowed);
    if (!d->topology->bindable || wanted <= allowed)
        return e;
    snprintf(advice, room,
             "Give srun -c %llu, or export SRUN_CPUS_PER_TASK=%llu: the process may use %u.",
             (unsigned long long)wanted, (unsigned long long)wanted, allowed);
    return hel_entry_marked(e, HEL_MARK_PROBLEM, advice);
}

/* In MiB; per processor times the processors of this node. */
static uint64_t granted_memory(void)
{
    const uint64_t node = hel_environment_number("SLURM_MEM_PER_NODE");
    const uint64_t each = hel_environment_number("SLURM_MEM_PER_CPU");
    const uint64_t cpus = hel_environment_number("SLURM_CPUS_ON_NODE");
    return (node ? node : each * cpus) << 20;
}

static hel_status tell_granted_memory(hel_doctor_state *d)
{
    const uint64_t granted = granted_memory(), budget = hel_engine_memory(d->engine);
    char bytes[32], advice[160];
    hel_entry e =
        hel_entry_number("memory_bytes", "memory of the job here", HEL_VALUE_BYTES, granted);
    if (!granted)
        return HEL_OK;
    if (budget > granted) {
        snprintf(advice, sizeof advice,
                 "Use --memory %llu: the budget is more than what the job was given, which no "
                 "control group enforces here.",
                 (unsigned long long)(granted >> 21));
        e = hel_entry_marked(e, HEL_MARK_PROBLEM, advice);
    }
    return hel_tell(d, e, "%s", hel_bytes_text(bytes, granted));
}

hel_status hel_doctor_slurm(hel_doctor_state *d)
{
    static const struct {
        const char *variable, *name, *label;
    } rows[] = {{"SLURM_JOB_ID", "job", "job"},
                {"SLURM_ARRAY_JOB_ID", "array_job", "array"},
                {"SLURM_ARRAY_TASK_ID", "array_task", "task of the array"},
                {"SLURM_ARRAY_TASK_COUNT", "array_tasks", "tasks of the array"},
                {"SLURM_NTASKS", "tasks", "tasks of the step"},
                {"SLURM_PROCID", "task", "this task"},
                {"SLURM_CPUS_PER_TASK", "cpus_per_task", "processors per task"},
                {"SLURM_CPUS_ON_NODE", "cpus_on_node", "processors of the job here"},
                {"SLURM_JOB_GPUS", "gpus", "GPUs"},
                {"SLURM_GPUS_ON_NODE", "gpus_on_node", "GPUs of the job here"},
                {"CUDA_VISIBLE_DEVICES", "visible", "CUDA_VISIBLE_DEVICES"},
                {"SLURM_RESTART_COUNT", "restarts", "restarts"},
                {"SLURM_JOB_PARTITION", "partition", "partition"},
                {"SLURM_TMPDIR", "temporary", "temporary folder"}};
    const char *job = getenv("SLURM_JOB_ID");
    char advice[160];
    if (!job || !*job)
        return hel_tell(d, hel_entry_number("inside", "inside a job", HEL_VALUE_TRUTH, 0), "no");
    HEL_TRY(hel_tell(d, hel_entry_number("inside", NULL, HEL_VALUE_TRUTH, 1), "yes"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = getenv(rows[i].variable);
        hel_entry e = hel_entry_text(rows[i].name, rows[i].label);
        if (!value || !*value)
            continue;
        if (strcmp(rows[i].name, "cpus_per_task") == 0)
            e = judge_cpus(d, e, rows[i].variable, advice, sizeof advice);
        HEL_TRY(hel_tell(d, e, "%s", value));
    }
    return tell_granted_memory(d);
}
